//! What a result offers: series of fields, snapshots, every accepted step, times that differ, and results with nothing in
//! them. Cases of an oscillator x'' = -w^2 x come from numen's own tests.

mod common;

use common::{Tested, assert_close, backends, compiled};
use ensolve::job::Progress;
use ensolve::solve::solve_range;
use ensolve::spec::{EnsembleSettings, Tolerance};
use ensolve::{
    CompiledSpec, CpuBackend, Distribution, Ensemble, EnsembleResult, Error, Precision, RunSettings, Save, SolveResult,
    Statistics, Status, output, solve, solve_ensemble,
};
use std::f64::consts::TAU;

const W: f64 = TAU;
const X0: f64 = 1.5;

const KEYS: [&str; 3] = ["osc.oscillator.position", "osc.oscillator.velocity", "osc.oscillator.omega_sq"];

fn oscillator(x0: f64) -> CompiledSpec {
    compiled(&format!(
        r#"{{"model": "oscillator",
        "components": {{"oscillator": {{"position": {{"integrated": {x0}}}, "velocity": {{"integrated": 0.0}},
                                        "omega_sq": {{"parameter": {}}}}}}},
        "entities": {{"osc": {{"oscillator": {{}}}}}},
        "systems": {{"dynamics": {{"slots": {{"o": "oscillator"}},
            "derivatives": {{"o.position": "o.velocity", "o.velocity": "-o.omega_sq * o.position"}}}}}}}}"#,
        W * W
    ))
}

fn settings(t1: f64, save: Option<Save>) -> RunSettings {
    RunSettings {
        tspan: Some((0.0, t1)),
        method: Some("RK45".to_string()),
        rtol: Some(Tolerance::Scalar(1e-10)),
        atol: Some(Tolerance::Scalar(1e-12)),
        save,
        precision: Some(Precision::F64),
        ..RunSettings::default()
    }
}

/// The backends that can run numen's tolerances.
fn accurate() -> Vec<Tested> {
    backends().into_iter().filter(|tested| tested.precisions.contains(&Precision::F64)).collect()
}

/// The oscillator of numen's cases on every backend.
fn oscillate(t1: f64, n: usize) -> Vec<SolveResult> {
    let run = settings(t1, Some(Save::Points(n)));
    accurate().iter_mut().map(|tested| solve(&oscillator(X0), &run, tested.backend.as_mut()).expect("a run")).collect()
}

fn on_cpu(model: &str, run: &RunSettings) -> SolveResult {
    solve(&compiled(model), run, &mut CpuBackend::new()).expect("a valid run")
}

fn ensemble(spec: &CompiledSpec, name: &str, values: &[f64]) -> Ensemble {
    let vary = [(name.to_string(), Distribution::Values(values.to_vec()))].into_iter().collect();
    Ensemble::new(spec, &EnsembleSettings { vary, ..EnsembleSettings::default() }).expect("a valid ensemble")
}

fn message<T: std::fmt::Debug>(result: ensolve::Result<T>) -> String {
    result.expect_err("a mistake").to_string()
}

#[test]
fn field_series_of_an_oscillator() {
    for result in oscillate(1.0, 200) {
        let position = result.field_series("osc", "oscillator", "position").expect("a state");
        assert_eq!((position.t.dim(), position.values.dim()), (200, (1, 200)));
        assert_eq!(position.t, result.t);
        assert_eq!(position, result.field(KEYS[0]).expect("a state"));
        let omega_sq = result.field_series("osc", "oscillator", "omega_sq").expect("a parameter");
        assert_eq!((omega_sq.t.len(), omega_sq.values), (200, ndarray::Array2::from_elem((1, 200), W * W)));
    }
    for result in oscillate(1.0, 100) {
        let series = |key| result.field(key).expect("a state").values.row(0).to_vec();
        let wanted = |f: fn(f64) -> f64| result.t.iter().map(|t| f(*t)).collect::<Vec<f64>>();
        assert_close(&series(KEYS[0]), &wanted(|t| X0 * (W * t).cos()), 1e-4, 1e-4, 1.0, "position");
        assert_close(&series(KEYS[1]), &wanted(|t| -X0 * W * (W * t).sin()), 1e-4, 1e-3, 1.0, "velocity");
    }
}

#[test]
fn unknown_fields_are_refused_with_the_nearest_name() {
    let result = &oscillate(1.0, 3)[0];
    let known = format!("known fields: {}", KEYS.join(", "));
    let want = |key: &str, hint: &str| format!("field '{key}' not found in the compiled spec; {hint}");
    let got = message(result.field_series("osc", "oscillator", "positoin"));
    assert_eq!(got, want("osc.oscillator.positoin", &format!("did you mean '{}'? {known}", KEYS[0])));
    let snapshot = result.at(0.5).expect("a snapshot");
    assert_eq!(message(snapshot.scalar("nothing.like.it")), want("nothing.like.it", &known));
    assert_eq!(message(snapshot.get("", "", "x")), want("x", &known));
}

#[test]
fn snapshots_of_an_oscillator() {
    for result in oscillate(1.0, 200) {
        let start = result.at(0.0).expect("a snapshot");
        assert_eq!(start.scalar(KEYS[0]), Ok(X0));
        assert_eq!(start.get("osc", "oscillator", "position"), Ok([X0].as_slice()));
        assert_eq!(start.scalar(KEYS[2]), Ok(W * W));
        // Each holds its own numbers.
        let later = result.at(0.3).expect("a snapshot");
        assert_eq!(later.scalar(KEYS[2]), Ok(W * W));
        assert_ne!(start.scalar(KEYS[0]), later.scalar(KEYS[0]));
        assert_eq!(start, result.at(0.0).expect("a snapshot"));
        // Beyond the ends: the ends.
        for (beyond, end) in [(1e9, 1.0), (-1e9, 0.0), (f64::INFINITY, 1.0)] {
            let [beyond, end] = [beyond, end].map(|t| result.at(t).expect("a snapshot"));
            assert_eq!(beyond.scalar(KEYS[0]), end.scalar(KEYS[0]));
        }
        assert_eq!(result.uniform(10).expect("snapshots").len(), 10);
        let order = [0.1, 0.3, 0.7];
        let snapshots = result.snapshots(&order).expect("snapshots");
        assert_eq!(snapshots.iter().map(|snapshot| snapshot.t).collect::<Vec<f64>>(), order);
        let back = result.snapshots(&[0.7, 0.1]).expect("snapshots");
        assert_eq!(back, [snapshots[2].clone(), snapshots[0].clone()]);
        assert!(message(result.at(f64::NAN)).starts_with("the time of a snapshot is NaN"));
    }
    for result in oscillate(0.5, 500) {
        let end = result.at(0.5).expect("a snapshot").scalar(KEYS[0]).expect("a number");
        assert!((end + X0).abs() < 1e-3 * X0, "{end}");
    }
}

#[test]
fn between_saved_points_there_is_a_straight_line() {
    let model = r#"{"states": {"x": 0, "v": [1, 2]}, "parameters": {"k": [3, 4]},
        "derivatives": {"x": "2*t", "v": "0"}, "outputs": {"minus": "-x", "pole": "log(1 - t)"}}"#;
    for (t0, t1) in [(0.0, 1.0), (1.0, 0.0)] {
        let run = RunSettings {
            tspan: Some((t0, t1)),
            backward: Some(t1 < t0),
            save: Some(Save::Points(5)),
            ..RunSettings::default()
        };
        let result = on_cpu(model, &run);
        // x = t^2 - t0^2: halfway between neighbours it is their mean.
        let x = |t: f64| t * t - t0 * t0;
        let halfway = result.at(0.375).expect("a snapshot");
        let want = (x(0.25) + x(0.5)) / 2.0;
        assert!((halfway.scalar("x").expect("a number") - want).abs() < 1e-9);
        assert!((halfway.scalar("minus").expect("a number") + want).abs() < 1e-9);
        assert_eq!(halfway.vector("v"), Ok(vec![1.0, 2.0]));
        assert_eq!((halfway.scalar("v[1]"), halfway.scalar("k[0]")), (Ok(2.0), Ok(3.0)));
        assert_eq!(halfway.get("", "", "k"), Ok([3.0, 4.0].as_slice()));
        assert_eq!(halfway.vector("x").map(|x| x.len()), Ok(1));
        let several = message(halfway.scalar("v"));
        assert_eq!(several, "field 'v' is a vector of 2 elements; use vector, or name one of them, such as 'v[0]'");
        assert!(message(halfway.scalar("v[2]")).starts_with("field 'v[2]' not found"));
        assert_eq!(result.field("v").expect("a state").values.dim(), (2, 5));
        assert_eq!(result.field_series("", "", "minus").expect("an output").values.dim(), (1, 5));
        // Saved points themselves come back to the last bit, also beside one that is infinite.
        for k in 0..5 {
            let at = result.at(result.t[k]).expect("a snapshot");
            assert_eq!(at, result.at_saved(result.t[k]).expect("a snapshot"));
            assert_eq!(at.scalar("x"), Ok(result.x[[0, k]]));
            assert_eq!(at.scalar("pole"), Ok(result.outputs[[1, k]]));
        }
        assert_eq!(result.at(0.99).expect("a snapshot").scalar("pole"), Ok(f64::NEG_INFINITY));
        // The next saved point as the run went, else the last.
        let next = if t1 < t0 { 0.25 } else { 0.5 };
        assert_eq!(result.at_saved(0.3).expect("a snapshot").t, next);
        assert_eq!(result.at_saved(if t1 < t0 { -9.0 } else { 9.0 }).expect("a snapshot").t, t1);
        assert_eq!(result.at_saved(if t1 < t0 { 9.0 } else { -9.0 }).expect("a snapshot").t, t0);
        let times: Vec<f64> = result.uniform(3).expect("snapshots").iter().map(|snapshot| snapshot.t).collect();
        assert_eq!(times, [t0, 0.5, t1]);
        assert_eq!(result.uniform(1).expect("a snapshot")[0].t, t0);
        assert_eq!(result.uniform(0), Ok(Vec::new()));
    }
}

#[test]
fn discrete_fields_are_held() {
    let model = r#"{"components": {"c": {"x": {"integrated": 0.0}, "n": {"discrete": 0.0}}}, "entities": {"e": {"c": {}}},
        "systems": {"s": {"slots": {"a": "c"}, "derivatives": {"a.x": "1"}}},
        "callbacks": {"tick": {"dt": 0.5, "set": {"e.c.n": "e.c.n + 1", "e.c.x": "0"}}}}"#;
    for mut tested in backends() {
        let run = |after_firing| RunSettings {
            tspan: Some((0.0, 1.0)),
            save: Some(Save::Points(5)),
            save_after_firing: Some(after_firing),
            ..RunSettings::default()
        };
        let spec = compiled(model);
        let mut value = |after_firing: bool, t: f64, key: &str| {
            let result = solve(&spec, &run(after_firing), tested.backend.as_mut()).expect("a valid run");
            result.at(t).expect("a snapshot").scalar(key).expect("a number")
        };
        // Without rows after firings the saved point at 0.5 is the latest, and the one from before.
        for (t, n) in [(0.4, 0.0), (0.5, 0.0), (0.6, 0.0), (0.75, 1.0), (0.8, 1.0), (1.0, 1.0)] {
            assert_eq!(value(false, t, "e.c.n"), n, "{} at {t}", tested.name);
        }
        for (t, n) in [(0.4, 0.0), (0.5, 1.0), (0.6, 1.0), (0.8, 1.0), (1.0, 2.0), (9.0, 2.0)] {
            assert_eq!(value(true, t, "e.c.n"), n, "{} at {t}", tested.name);
        }
        for (t, x) in [(0.4, 0.4), (0.5, 0.0), (0.6, 0.1), (0.9, 0.4), (1.0, 0.0)] {
            assert!((value(true, t, "e.c.x") - x).abs() < 1e-6, "{} at {t}", tested.name);
        }
        // numen's rule finds the first of two points at one time.
        let result = solve(&spec, &run(true), tested.backend.as_mut()).expect("a valid run");
        assert_eq!(result.at_saved(0.5).expect("a snapshot").scalar("e.c.n"), Ok(0.0));
        assert_eq!(result.final_state.to_vec(), [0.0, 2.0]);
    }
}

#[test]
fn numen_s_solver_cases() {
    let spec = oscillator(1.0);
    for mut tested in accurate() {
        let mut solve =
            |t1: f64, save| solve(&spec, &settings(t1, save), tested.backend.as_mut()).expect("a valid run");
        let steps = solve(5.0, None);
        assert!(!steps.t.is_empty() && steps.x.dim() == (2, steps.t.len()));
        assert_eq!((steps.t[0], steps.x[[0, 0]]), (0.0, 1.0));
        let energy: Vec<f64> =
            steps.x.columns().into_iter().map(|x| 0.5 * x[1] * x[1] + 0.5 * W * W * x[0] * x[0]).collect();
        assert_close(&energy, &vec![0.5 * W * W; energy.len()], 1e-5, 0.0, 1.0, "energy");
        for (t, x) in [(0.5, -1.0), (1.0, 1.0)] {
            let result = solve(t, Some(Save::At(vec![t])));
            assert_close(&result.x.row(0).to_vec(), &[x], 1e-5, 0.0, 1.0, "at half a period and at one");
        }
        let cosine = solve(2.0, Some(Save::Points(20)));
        let want: Vec<f64> = cosine.t.iter().map(|t| (W * t).cos()).collect();
        assert_close(&cosine.x.row(0).to_vec(), &want, 1e-5, 1e-6, 1.0, "cosine");
        assert_eq!(solve(1.0, Some(Save::Points(50))).t.len(), 50);
        let points = solve(2.0, Some(Save::Points(100)));
        assert_eq!((points.t[0], points.t[99]), (0.0, 2.0));
        assert_eq!(solve(1.0, Some(Save::Every(0.1))).t.len(), 11);
        let every = solve(0.5, Some(Save::Every(0.05)));
        assert!(every.t.windows(2).into_iter().all(|pair| pair[1] - pair[0] >= 0.045));

        let pair = ensemble(&spec, KEYS[0], &[1.0, 2.0]);
        let run = settings(1.0, Some(Save::Points(100)));
        let result = solve_ensemble(&spec, &run, &pair, tested.backend.as_mut()).expect("a valid run");
        let [one, two] = [0, 1].map(|i| result.trajectory(i).x.row(0).to_vec());
        let doubled: Vec<f64> = one.iter().map(|x| 2.0 * x).collect();
        assert_close(&two, &doubled, 1e-4, 0.0, 1.0, "twice the start, twice the solution");
    }
}

#[test]
fn backends_tell_what_they_support() {
    for tested in backends() {
        let names: Vec<&str> = tested.backend.supported_features().iter().map(|feature| feature.name()).collect();
        let both = ["vector_fields", "discrete_fields", "continuous_fields", "control_callbacks", "stops"];
        let more: &[&str] = if tested.name == "cpu" { &["native_functions"] } else { &[] };
        assert_eq!(names, [&both, more].concat(), "{}", tested.name);
    }
}

#[test]
fn an_algebraic_field_is_refused() {
    let model = r#"{"components": {"c": {"z": {"continuous": 0, "algebraic": true}}}, "entities": {"e": {"c": {}}},
        "systems": {"s": {"slots": {"a": "c"}, "residuals": {"a.z": "a.z - 1"}}}}"#;
    for mut tested in backends() {
        let run = RunSettings { tspan: Some((0.0, 1.0)), ..RunSettings::default() };
        let error = solve(&compiled(model), &run, tested.backend.as_mut()).expect_err("not supported");
        assert!(matches!(&error, Error::Unsupported(text) if text.contains("dae_constraints")), "{error}");
    }
}

#[test]
fn every_accepted_step_is_a_point_of_the_solution() {
    for mut tested in backends() {
        for precision in tested.precisions.clone() {
            let context = format!("{} {precision}", tested.name);
            let spec = oscillator(1.0);
            let tolerance = Some(Tolerance::Scalar(1e-5));
            let run = |save| RunSettings {
                precision: Some(precision),
                rtol: tolerance.clone(),
                atol: tolerance.clone(),
                ..settings(2.0, save)
            };
            let steps = solve(&spec, &run(None), tested.backend.as_mut()).expect("a valid run");
            let n = steps.t.len();
            assert_eq!((n, steps.status), (steps.accepted as usize + 1, Status::Success), "{context}");
            assert_eq!((steps.t[0], steps.t[n - 1]), (0.0, 2.0), "{context}");
            assert!(steps.t.windows(2).into_iter().all(|pair| pair[0] < pair[1]), "{context}");
            assert_eq!(steps.x.column(n - 1), steps.final_state, "{context}");
            let at =
                solve(&spec, &run(Some(Save::At(steps.t.to_vec()))), tested.backend.as_mut()).expect("a valid run");
            assert_eq!(at.accepted, steps.accepted, "{context}");
            // The kernels differ, and a time may miss the end of its step by rounding.
            let rounding = 100.0 * precision.epsilon();
            for slot in 0..2 {
                let [got, want] = [&steps, &at].map(|result| result.x.row(slot).to_vec());
                assert_close(&got, &want, rounding, rounding, 1.0, &context);
            }
        }
    }
}

/// Three decays of different rates whose steps are saved, and three with time spans of their own.
fn differing(backend: &mut dyn ensolve::Backend) -> [EnsembleResult; 2] {
    let spec = compiled(
        r#"{"states": {"x": 1}, "parameters": {"k": 1}, "derivatives": {"x": "-k*x"}, "outputs": {"y": "2*x"}}"#,
    );
    let run = RunSettings { tspan: Some((0.0, 2.0)), save: Some(Save::Steps), ..RunSettings::default() };
    let steps = solve_ensemble(&spec, &run, &ensemble(&spec, "k", &[1.0, 100.0, 10.0]), backend);
    let world = ensolve::World::from_json(
        r#"{"states": {"x": 1}, "parameters": {"k": 1}, "derivatives": {"x": "-k*x"}, "outputs": {"y": "2*x"},
            "run": {"tspan": ["-k", "2*k"], "save": {"every": 1}}}"#,
    );
    let world = world.expect("a model");
    let spec = world.compile().expect("a model");
    let own = solve_ensemble(&spec, &world.run, &ensemble(&spec, "k", &[0.5, 1.0, 0.25]), backend);
    [steps, own].map(|result| result.expect("a valid run"))
}

#[test]
fn times_that_differ_are_those_of_each_trajectory() {
    for mut tested in backends() {
        let [steps, own] = differing(tested.backend.as_mut());
        for i in 0..3 {
            let one = steps.trajectory(i);
            assert_eq!((one.t.len(), steps.n_saved(i)), (one.accepted as usize + 1, one.t.len()), "{}", tested.name);
            assert_eq!((one.t[0], one.t[one.t.len() - 1]), (0.0, 2.0), "{}", tested.name);
            assert!(steps.time(0, i) == 0.0 && one.x.iter().all(|x| x.is_finite()), "{}", tested.name);
            let k = [0.5, 1.0, 0.25][i];
            assert_eq!((own.tspan(i), own.info.tspan), ((-k, 2.0 * k), (-1.0, 2.0)), "{}", tested.name);
            assert_eq!(own.t_end[i], 2.0 * k, "{}", tested.name);
            assert_eq!(own.trajectory(i).p.to_vec(), [k], "{}", tested.name);
        }
        let counts: Vec<usize> = (0..3).map(|i| own.n_saved(i)).collect();
        assert_eq!(counts, [3, 4, 2], "{}", tested.name);
        assert_eq!(own.trajectory(0).t.to_vec(), [-0.5, 0.5, 1.0], "{}", tested.name);

        for result in [&steps, &own] {
            let all = Statistics::of(result);
            assert_eq!((all.n_used, all.moments.len()), (3, 1), "{}", tested.name);
            assert_eq!(all, Statistics::at_end(result), "{}", tested.name);
            let ends: Vec<f64> = (0..3).map(|i| result.saved[[result.n_saved(i) - 1, 0, i]]).collect();
            assert_eq!(all.moments[0][0].max, ends.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            assert!((all.moments[0][0].mean - ends.iter().sum::<f64>() / 3.0).abs() < 1e-12, "{}", tested.name);
        }
    }
}

/// Does not begin.
struct Never;

impl Progress for Never {
    fn finished(&self, _: usize) {}

    fn is_stopped(&self) -> bool {
        true
    }
}

fn written(result: &EnsembleResult) -> (String, serde_json::Value) {
    let rows: Vec<usize> = (0..result.names.len()).collect();
    let (mut csv, mut json) = (Vec::new(), Vec::new());
    output::write_csv(result, &rows, &mut csv).expect("a file in memory");
    output::write_json(result, &rows, &mut json).expect("a file in memory");
    #[cfg(feature = "npz")]
    output::write_npz(result, &rows, std::io::Cursor::new(Vec::new())).expect("a file in memory");
    (String::from_utf8(csv).expect("text"), serde_json::from_slice(&json).expect("json"))
}

#[test]
fn results_with_nothing_in_them_are_results() {
    let models = [
        r#"{"states": {"x": 1}, "parameters": {"k": 1}, "derivatives": {"x": "-k*x"}, "outputs": {"y": "2*x"}}"#,
        r#"{"states": {"x": 1}, "parameters": {"k": 1}, "derivatives": {"x": "-k*x"}, "run": {"tspan": [0, "k"]}}"#,
        r#"{"states": {}, "parameters": {"k": 1}, "derivatives": {}, "outputs": {"y": "k*t"}}"#,
        r#"{"states": {}, "parameters": {"k": 1}, "derivatives": {}}"#,
    ];
    for tested in &mut backends() {
        for (m, model) in models.into_iter().enumerate() {
            for save in [None, Some(Save::Steps), Some(Save::Final)] {
                for k in [vec![1.0], vec![1.0, 2.0, 3.0]] {
                    let context = format!("{}, model {m}, {save:?}, {} trajectories", tested.name, k.len());
                    let tspan = if m == 1 { None } else { Some((0.0, 1.0)) };
                    let run = RunSettings { tspan, save: save.clone(), ..RunSettings::default() };
                    check_nothing_and_all(&compiled(model), &run, &k, tested.backend.as_mut(), &context);
                }
            }
        }
    }
}

/// A run that was stopped before it began, and the whole one.
fn check_nothing_and_all(
    spec: &CompiledSpec,
    run: &RunSettings,
    k: &[f64],
    backend: &mut dyn ensolve::Backend,
    context: &str,
) {
    let (ensemble, n) = (ensemble(spec, "k", k), k.len());
    let check_files = |result: &EnsembleResult, status: &str| {
        let (csv, json) = written(result);
        let n_row: usize = (0..n).map(|i| result.n_saved(i)).sum();
        assert_eq!(csv.lines().count(), 1 + n_row, "{context}: {csv}");
        assert_eq!(json["status"], serde_json::json!({status: n}), "{context}");
    };
    let result = solve_range(spec, run, &ensemble, 0..n as u64, backend, &Never).expect("a result");
    assert!(result.status.iter().all(|status| *status == Status::Stopped), "{context}");
    assert!(Statistics::of(&result).moments.is_empty() && Statistics::at_end(&result).moments.is_empty(), "{context}");
    check_files(&result, "stopped");
    let one = result.trajectory(n - 1);
    assert!(one.firings.is_empty() && one.x.iter().all(|x| x.is_nan()), "{context}");
    if one.t.is_empty() {
        assert_eq!(one.field("k").expect("a parameter").values.dim(), (1, 0), "{context}");
        for error in [message(one.at(0.0)), message(one.at_saved(0.0)), message(one.uniform(3))] {
            assert!(error.starts_with("no point of the trajectory was saved"), "{context}: {error}");
            assert!(error.contains(Status::Stopped.advice()), "{context}: {error}");
        }
    }

    let result = solve_ensemble(spec, run, &ensemble, backend).expect("a valid run");
    assert_eq!(result.n_finished(), n, "{context}");
    assert_eq!(Statistics::at_end(&result).moments.len(), 1, "{context}");
    check_files(&result, "success");
    result.trajectory(0).uniform(4).expect("snapshots");
}
