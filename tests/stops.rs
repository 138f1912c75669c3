//! Stops, scheduled callbacks, time spans of single trajectories and time that runs backward: what happens when, on both
//! backends. The schedules themselves are in `tests/schedule.rs`, known solutions in `tests/cases`, bits in `tests/exact.rs`.

mod common;

use common::{Limited, Tested, assert_close, backends, compiled};
use ensolve::method::TABLEAUS;
use ensolve::sampling::uniform01;
use ensolve::spec::{Callback, EnsembleSettings};
use ensolve::{
    CompiledSpec, CpuBackend, Distribution, Ensemble, EnsembleResult, Precision, RunSettings, Save, SavePolicy,
    SolveResult, Status, Tolerance, World, solve, solve_ensemble,
};

/// A sampled controller; its field asks for no times of its own.
const SERVO: &str = r#"{
    "components": {
        "mass": {"x": {"integrated": 1.0}, "v": {"integrated": 0.0}, "k": {"parameter": 4.0}},
        "drive": {"u": {"discrete": 0.0}}},
    "entities": {"m": {"mass": {}}, "d": {"drive": {}}},
    "systems": {"motion": {"slots": {"m": "mass", "d": "drive"}, "groups": [["m", "d"]],
        "derivatives": {"m.x": "m.v", "m.v": "d.u - m.k*m.x"}}},
    "callbacks": {"servo": {"dt": 0.1, "parameters": {"gain": 2.0}, "set": {"d.drive.u": "-gain*m.mass.v"}}}}"#;

/// y' = y/8, and a counter of firings with the times of the last ones.
fn counting(callbacks: &str, more: &str) -> CompiledSpec {
    compiled(&format!(
        r#"{{"components": {{"c": {{"y": {{"integrated": 1.0}}, "n": {{"discrete": 0.0}}, "last": {{"discrete": -1.0}},
                "log": {{"discrete": 0.0}}}}}},
            "entities": {{"e": {{"c": {{}}}}}},
            "systems": {{"s": {{"slots": {{"c": "c"}}, "derivatives": {{"c.y": "c.y/8"}}}}}},
            "callbacks": {{{callbacks}}}{more}}}"#
    ))
}

fn settings(t1: f64, precision: Precision) -> RunSettings {
    RunSettings { tspan: Some((0.0, t1)), precision: Some(precision), save: Some(Save::Final), ..Default::default() }
}

/// Runs on every backend in every number format that it has.
fn everywhere(mut test: impl FnMut(&mut Tested, Precision)) {
    for mut tested in backends() {
        for precision in tested.precisions.clone() {
            // Kernels in f32x2 take long to compile; their bits are the CPU's (tests/exact.rs).
            if tested.name == "cpu" || precision != Precision::F32x2 {
                test(&mut tested, precision);
            }
        }
    }
}

fn run(spec: &CompiledSpec, settings: &RunSettings, tested: &mut Tested) -> SolveResult {
    solve(spec, settings, tested.backend.as_mut()).unwrap_or_else(|e| panic!("{}: {e}", tested.name))
}

fn ensemble(spec: &CompiledSpec, settings: &RunSettings, vary: &str, tested: &mut Tested) -> EnsembleResult {
    let world =
        World::from_json(&format!(r#"{{"states": {{"q": 0}}, "derivatives": {{"q": 0}}, "ensemble": {vary}}}"#));
    let ensemble = Ensemble::new(spec, &world.expect("an ensemble").ensemble).expect("an ensemble");
    solve_ensemble(spec, settings, &ensemble, tested.backend.as_mut())
        .unwrap_or_else(|e| panic!("{}: {e}", tested.name))
}

/// Relative to the rounding of the number format, of sums of a few hundred steps.
fn rounding(precision: Precision) -> f64 {
    1e3 * precision.epsilon()
}

#[test]
fn callbacks_fire_on_time_in_order_up_to_the_end_and_not_at_the_start() {
    let a = r#""a": {"dt": 0.25, "set": {"e.c.n": "e.c.n + 1", "e.c.last": "t", "e.c.log": "10*e.c.log + 1"}}"#;
    let b = r#""b": {"dt": 0.5, "set": {"e.c.log": "10*e.c.log + 2"}}"#;
    let at_start = a.replace(r#""dt": 0.25,"#, r#""dt": 0.25, "at_start": true,"#);
    for (callbacks, n, log) in [
        (a.to_string(), 4.0, 1111.0),
        (format!("{a}, {b}"), 4.0, 112_112.0),
        (format!("{b}, {a}"), 4.0, 121_121.0),
        (format!("{at_start}, {b}"), 5.0, 1_112_112.0),
    ] {
        let spec = counting(&callbacks, "");
        everywhere(|tested, precision| {
            for dt in [None, Some(0.03)] {
                let result =
                    run(&spec, &RunSettings { dt, adaptive: Some(dt.is_none()), ..settings(1.0, precision) }, tested);
                let context = format!("{callbacks} on {} in {precision}, dt {dt:?}", tested.name);
                assert_eq!(result.status, Status::Success, "{context}");
                // What is saved at the end is the state before the callbacks that fire then; the last state is the one after.
                assert_eq!(result.final_state[1], n, "{context}");
                assert_eq!(result.final_state[3], log, "{context}");
                assert_eq!(result.final_state[2], 1.0, "{context}: the time of the last firing");
                assert_eq!(result.x[[1, 0]], n - 1.0, "{context}");
                let want = [(1.0f64 / 8.0).exp()];
                assert_close(&[result.x[[0, 0]]], &want, 1e-6, 0.0, 20.0, &context);
            }
        });
    }
}

#[test]
fn one_callback_sees_what_it_was_given_and_the_next_what_was_written() {
    // All of one callback's values are of the state before it: a swap needs no third place.
    let swap = r#""swap": {"dt": 1, "set": {"e.c.n": "e.c.last", "e.c.last": "e.c.n"}}"#;
    let next = r#""next": {"dt": 1, "set": {"e.c.log": "100*e.c.n + e.c.last"}}"#;
    let spec = counting(&format!(r#""first": {{"dt": 1, "set": {{"e.c.n": 3, "e.c.last": 7}}}}, {swap}, {next}"#), "");
    everywhere(|tested, precision| {
        let result = run(&spec, &settings(1.0, precision), tested);
        assert_eq!(result.final_state.to_vec()[1..], [7.0, 3.0, 703.0], "{} {precision}", tested.name);
    });
}

#[test]
fn vectors_are_set_element_by_element_or_at_once() {
    let spec = compiled(
        r#"{"components": {"c": {"v": {"integrated": [1, 2, 3]}, "w": {"discrete": [0, 0, 0]}}}, "entities": {"e": {"c": {}}},
            "systems": {"s": {"slots": {"c": "c"}, "derivatives": {"c.v": 0}}},
            "callbacks": {"set": {"dt": 0.5, "set": {"e.c.w": ["e.c.v[2]", "t", 5], "e.c.v": 4}}}}"#,
    );
    everywhere(|tested, precision| {
        let result = run(&spec, &settings(0.5, precision), tested);
        assert_eq!(result.final_state.to_vec(), [4.0, 4.0, 4.0, 3.0, 0.5, 5.0], "{} {precision}", tested.name);
    });
}

#[test]
fn saved_values_are_those_before_a_firing_or_both() {
    let spec = compiled(SERVO);
    everywhere(|tested, precision| {
        let at = RunSettings { save: Some(Save::At(vec![0.05, 0.1, 0.15, 0.2])), ..settings(0.2, precision) };
        let before = run(&spec, &at, tested);
        let both = run(&spec, &RunSettings { save_after_firing: Some(true), ..at }, tested);
        let context = format!("{} {precision}", tested.name);
        assert_eq!(both.t.to_vec(), [0.05, 0.1, 0.1, 0.15, 0.2, 0.2], "{context}");
        let column = |result: &SolveResult, k: usize| result.x.column(k).to_vec();
        for (k, first) in [0, 1, 3, 4].into_iter().enumerate() {
            assert_eq!(column(&before, k), column(&both, first), "{context}: time {k}");
        }
        for (first, after) in [(1, 2), (4, 5)] {
            let (first, after) = (column(&both, first), column(&both, after));
            assert_eq!(first[..2], after[..2], "{context}: what a callback does not set stays");
            assert_close(&after[2..], &[-2.0 * first[1]], 0.0, rounding(precision), 1.0, &context);
        }
        assert_eq!(before.x[[2, 1]], 0.0, "{context}: before the first firing");
        assert_eq!(before.firings.iter().map(|firing| firing.t).collect::<Vec<_>>(), [0.1, 0.2], "{context}");
        assert_eq!(before.firings[0].callbacks, ["servo"], "{context}");
    });
}

#[test]
fn samples_of_discrete_fields_are_saved_unless_the_times_are_to_be_as_given() {
    let json = SERVO.replace(r#"{"discrete": 0.0}"#, r#"{"discrete": 0.0, "dt": 0.25}"#);
    let spec = compiled(&json);
    for (policy, save, want) in [
        (None, Some(Save::Points(3)), vec![0.0, 0.25, 0.5, 0.75, 1.0]),
        (Some(SavePolicy::AsGiven), Some(Save::Points(3)), vec![0.0, 0.5, 1.0]),
        (None, Some(Save::At(vec![0.3, 0.5])), vec![0.25, 0.3, 0.5, 0.75, 1.0]),
        (None, Some(Save::Final), vec![1.0]),
    ] {
        let run = RunSettings { save, save_policy: policy, ..settings(1.0, Precision::F64) };
        let result = solve(&spec, &run, &mut CpuBackend::new()).expect("a run");
        assert_eq!(result.t.to_vec(), want, "{policy:?}");
    }
}

/// y' = step(t - a) y: the equations jump at a, and the exact solution is exp(max(t - a, 0)).
fn jumping(condition: &str) -> CompiledSpec {
    compiled(&format!(
        r#"{{"states": {{"y": 1}}, "parameters": {{"a": 0.4}}, "derivatives": {{"y": "{condition} ? y : 0"}}, "stops": ["a"]}}"#
    ))
}

#[test]
fn a_stop_keeps_the_order_of_a_method_where_the_equations_jump() {
    // Whichever side the equations give the stop itself to.
    for condition in ["t > a", "t >= a", "!(t < a)", "!(t <= a)"] {
        let spec = jumping(condition);
        everywhere(|tested, precision| {
            if precision == Precision::F32 {
                return;
            }
            let error = |dt: f64, tested: &mut Tested| {
                let method = Some("rk4".to_string());
                let result = run(&spec, &RunSettings { method, dt: Some(dt), ..settings(1.0, precision) }, tested);
                (result.x[[0, 0]] - 0.6f64.exp()).abs()
            };
            let (coarse, fine) = (error(0.1, tested), error(0.05, tested));
            let order = (coarse / fine).log2();
            assert!((order - 4.0).abs() < 0.3, "{condition} on {} in {precision}: order {order}", tested.name);
        });
        let adaptive = RunSettings { rtol: Some(Tolerance::Scalar(1e-9)), ..settings(1.0, Precision::F64) };
        let result = solve(&spec, &adaptive, &mut CpuBackend::new()).expect("a run");
        // The step that was right before the jump may be too long after it; no step is tried across it.
        assert!(result.rejected <= 1, "{condition}: {} rejected steps", result.rejected);
        assert_close(&[result.x[[0, 0]]], &[0.6f64.exp()], 1e-9, 0.0, 20.0, condition);
    }
}

#[test]
fn each_trajectory_has_the_stops_of_its_own_parameters() {
    let spec = jumping("t > a");
    everywhere(|tested, precision| {
        // A stop at the end or outside cuts nothing.
        let vary = r#"{"vary": {"a": {"values": [-1, 0.25, 0.5, 0.75, 1, 2]}}}"#;
        let dt = RunSettings { method: Some("rk4".into()), dt: Some(1.0 / 64.0), ..settings(1.0, precision) };
        let result = ensemble(&spec, &dt, vary, tested);
        let want = [1.0, 0.75, 0.5, 0.25, 0.0, 0.0].map(f64::exp);
        let got = result.saved.slice(ndarray::s![0, 0, ..]).to_vec();
        assert_close(&got, &want, 1e-8 + rounding(precision), 0.0, 1.0, &format!("{} {precision}", tested.name));
        assert_eq!(result.accepted, [64; 6], "{}: stops on the grid add no steps", tested.name);
    });
}

#[test]
fn cutting_changes_nothing_but_rounding() {
    // Kepler's problem: sensitive, and with steps of very different sizes.
    let orbit = |stops: &str| {
        compiled(&format!(
            r#"{{"states": {{"x": 0.5, "y": 0, "u": 0, "v": 1.7320508075688772}}, "let": {{"r3": "(x^2 + y^2)^1.5"}},
                "derivatives": {{"x": "u", "y": "v", "u": "-x/r3", "v": "-y/r3"}}{stops}}}"#
        ))
    };
    let plain = orbit("");
    everywhere(|tested, precision| {
        let context = format!("{} {precision}", tested.name);
        let fixed = RunSettings { method: Some("rk4".into()), dt: Some(1.0 / 512.0), ..settings(6.0, precision) };
        let rtol = if precision == Precision::F32 { 1e-5 } else { 1e-9 };
        let tolerance = Some(Tolerance::Scalar(rtol));
        let adaptive = RunSettings { rtol: tolerance.clone(), atol: tolerance, ..settings(6.0, precision) };
        let want =
            [run(&plain, &fixed, tested).final_state.to_vec(), run(&plain, &adaptive, tested).final_state.to_vec()];
        for case in 0..4 {
            let draw = |k| uniform01(5, case, k);
            // On the grid of the fixed steps, anywhere.
            let on_grid: Vec<f64> = (0..5).map(|k| (draw(k) * 3071.0).floor().max(1.0) / 512.0).collect();
            let anywhere: Vec<f64> = (5..10).map(|k| 6.0 * draw(k)).collect();
            let cut = orbit(&format!(r#", "stops": {on_grid:?}"#));
            let got = run(&cut, &fixed, tested).final_state.to_vec();
            // The orbit multiplies rounding by some hundreds.
            assert_close(&got, &want[0], rounding(precision), 0.0, 10.0, &format!("{context}, fixed, {on_grid:?}"));
            let cut = orbit(&format!(r#", "stops": {anywhere:?}"#));
            let got = run(&cut, &adaptive, tested).final_state.to_vec();
            // As far apart as runs of nearby tolerances are.
            assert_close(&got, &want[1], rtol, rtol, 100.0, &format!("{context}, adaptive, {anywhere:?}"));
            // A step that is not cut on the grid is shorter: as accurate as the method, not the same.
            let got = run(&cut, &fixed, tested).final_state.to_vec();
            assert_close(
                &got,
                &want[0],
                1e-6 + rounding(precision),
                0.0,
                10.0,
                &format!("{context}, fixed, {anywhere:?}"),
            );
        }
    });
}

/// A driven pendulum without cuts, and with four stops of each trajectory's own and an idle callback.
fn driven(period: Option<f64>) -> CompiledSpec {
    let mut world = World::new("pendulum").state("x", 1.0).state("v", 0.0);
    world = world.derivative("x", "v").derivative("v", "-sin(x) - 0.1*v + 0.5*cos(2*t)");
    for name in STOPS {
        world = world.parameter(name, 0.0);
    }
    if let Some(period) = period {
        world = world.callback("idle", Callback::new(period));
        for name in STOPS {
            world = world.stop(name);
        }
    }
    world.compile().expect("a model")
}

const STOPS: [&str; 4] = ["a", "b", "c", "d"];

/// Stops for each of `n` trajectories, some of them outside of [0, 6], multiples of `grid`.
fn random_stops(n: u64, grid: f64) -> EnsembleSettings {
    let draw = |stop: u32| (0..n).map(|i| ((uniform01(11, i, stop) * 8.0 - 1.0) / grid).round() * grid).collect();
    let vary = STOPS.iter().zip(0..).map(|(name, stop)| (name.to_string(), Distribution::Values(draw(stop)))).collect();
    EnsembleSettings { vary, ..EnsembleSettings::default() }
}

#[test]
fn every_method_may_be_cut_anywhere() {
    const N: u64 = 100;
    const GRID: f64 = 1.0 / 64.0;
    let plain = driven(None);
    everywhere(|tested, precision| {
        // Each method is a kernel, of which those in f64 take long to compile.
        let on_cpu = tested.name == "cpu";
        let is_tried = |name: &str| on_cpu || (precision == Precision::F32 && ["bs23", "tsit5"].contains(&name));
        for tableau in TABLEAUS.into_iter().filter(|tableau| is_tried(tableau.name)) {
            let rtol = if precision == Precision::F32 { 1e-4 } else { 1e-7 };
            let tolerance = Some(Tolerance::Scalar(rtol));
            let base = RunSettings { method: Some(tableau.name.to_string()), ..settings(6.0, precision) };
            // A step adds rounding of the state, which vern6 multiplies by 350.
            let rounding = if tableau.name == "vern6" { 300.0 } else { 10.0 } * precision.epsilon();
            let fixed = (RunSettings { dt: Some(GRID), ..base.clone() }, GRID, rounding);
            // Errors of some tens of steps add up in the run that is not cut; in the other one they are smaller.
            let adaptive = (RunSettings { rtol: tolerance.clone(), atol: tolerance, ..base }, 1e-9, 10.0 * rtol);
            let adaptive = tableau.error.is_some().then_some(adaptive);
            for (run, grid, tolerance) in [fixed].into_iter().chain(adaptive) {
                let want = self::run(&plain, &run, tested).final_state.to_vec();
                for period in [5.0 * GRID, 0.5, 7.0] {
                    let spec = driven(Some(period));
                    let cut = Ensemble::new(&spec, &random_stops(N, grid)).expect("an ensemble");
                    let result = solve_ensemble(&spec, &run, &cut, tested.backend.as_mut()).expect("a run");
                    assert_eq!(result.n_finished() as u64, N);
                    for (i, got) in result.final_states.columns().into_iter().enumerate() {
                        let context = format!(
                            "{} {precision}, {}, idle every {period}, trajectory {i}",
                            tested.name, result.info.method
                        );
                        assert_close(&got.to_vec(), &want, tolerance, tolerance, 1.0, &context);
                    }
                }
            }
        }
    });
}

#[test]
fn a_callback_that_sets_nothing_is_a_stop() {
    let stop = |text: &str| {
        compiled(&SERVO.replace(r#""callbacks": {"servo": {"dt": 0.1, "parameters": {"gain": 2.0}, "set": {"d.drive.u": "-gain*m.mass.v"}}}"#, text))
    };
    let idle = stop(r#""callbacks": {"idle": {"dt": 0.1, "set": {}}}"#);
    let same = stop(r#""callbacks": {"same": {"dt": 0.1, "set": {"m.mass.x": "m.mass.x", "d.drive.u": "d.drive.u"}}}"#);
    let times: Vec<String> = (1..10).map(|k| format!("{}", f64::from(k) * 0.1)).collect();
    let cut = stop(&format!(r#""stops": [{}]"#, times.join(", ")));
    everywhere(|tested, precision| {
        for dt in [None, Some(0.04)] {
            // Which of these models carry their rounding along by default differs.
            let adaptive = Some(dt.is_none());
            let settings = RunSettings { dt, adaptive, compensated: Some(true), ..settings(1.0, precision) };
            let [idle, same, cut] = [&idle, &same, &cut].map(|spec| run(spec, &settings, tested));
            assert_eq!(idle.x, cut.x, "{} {precision}", tested.name);
            assert_eq!((idle.accepted, idle.rejected), (cut.accepted, cut.rejected), "{} {precision}", tested.name);
            // Where rounding is carried along, a state that is set has none.
            let tolerance = rounding(precision);
            assert_close(&same.final_state.to_vec(), &cut.final_state.to_vec(), tolerance, tolerance, 1.0, tested.name);
        }
    });
}

#[test]
fn a_callback_that_goes_wrong_ends_its_trajectory_alone() {
    let callback = r#""log": {"dt": 0.25, "set": {"e.c.n": "log(e.c.last + t)"}}"#;
    let spec = counting(callback, "");
    everywhere(|tested, precision| {
        let result =
            ensemble(&spec, &settings(1.0, precision), r#"{"vary": {"e.c.last": {"values": [1, -0.6, 2]}}}"#, tested);
        let context = format!("{} {precision}", tested.name);
        assert_eq!(result.status, [Status::Success, Status::NonFinite, Status::Success], "{context}");
        assert_eq!(result.culprit[1], Some(1), "{context}: the state that the callback has set");
        assert_close(&[result.t_end[1]], &[0.25], 0.0, 1e-6, 1.0, &context);
        assert_close(&[result.final_states[[1, 2]]], &[3.0f64.ln()], 4.0 * precision.epsilon(), 0.0, 1.0, &context);
        // The last firing, after which there is no step, counts as well.
        let last = ensemble(&spec, &settings(1.0, precision), r#"{"vary": {"e.c.last": {"values": [1, -1]}}}"#, tested);
        let last_only =
            ensemble(&spec, &settings(0.25, precision), r#"{"vary": {"e.c.last": {"values": [1, -1]}}}"#, tested);
        for result in [last, last_only] {
            assert_eq!(result.status, [Status::Success, Status::NonFinite], "{context}");
            assert_close(&[result.t_end[1]], &[0.25], 0.0, 1e-6, 1.0, &context);
        }
    });
}

#[test]
fn each_trajectory_may_have_its_own_time_span() {
    let json = r#"{"states": {"y": "t0 + 1"}, "parameters": {"t0": 0, "t1": 1}, "derivatives": {"y": "t"},
        "run": {"tspan": ["t0", "t1"]}}"#;
    let world = World::from_json(json).expect("a model");
    let spec = world.compile().expect("a model");
    let vary = r#"{"vary": {"t0": {"values": [0, -1, 0.5]}, "t1": {"values": [1, 3, 0.75]}}}"#;
    let ends = [(0.0, 1.0), (-1.0, 3.0), (0.5, 0.75)];
    everywhere(|tested, precision| {
        for dt in [None, Some(0.0625)] {
            let context = format!("{} {precision}, dt {dt:?}", tested.name);
            let run = RunSettings {
                dt,
                adaptive: Some(dt.is_none()),
                precision: Some(precision),
                save: Some(Save::Points(3)),
                ..Default::default()
            };
            let result = ensemble(&spec, &run, vary, tested);
            assert_eq!(result.status, [Status::Success; 3], "{context}");
            for (i, (t0, t1)) in ends.into_iter().enumerate() {
                let one = result.trajectory(i);
                let times = [t0, (t0 + t1) / 2.0, t1];
                assert_eq!(one.t.to_vec(), times, "{context}");
                let want = times.map(|t| t0 + 1.0 + (t * t - t0 * t0) / 2.0);
                assert_close(
                    &one.x.row(0).to_vec(),
                    &want,
                    10.0 * precision.epsilon(),
                    1e-6 * precision.epsilon(),
                    4.0,
                    &context,
                );
                assert_eq!(result.t_end[i], t1, "{context}");
            }
            let every = RunSettings { save: Some(Save::Every(0.5)), ..run.clone() };
            let result = ensemble(&spec, &every, vary, tested);
            assert_eq!(result.trajectory(0).t.to_vec(), [0.0, 0.5, 1.0], "{context}");
            assert_eq!(result.trajectory(1).t.len(), 9, "{context}");
            assert_eq!(result.trajectory(2).t.to_vec(), [0.5, 0.75], "{context}");
        }
    });
    let swapped = r#"{"vary": {"t0": {"values": [0, 2]}, "t1": {"values": [1, 1]}}}"#;
    let settings =
        World::from_json(&format!(r#"{{"states": {{"q": 0}}, "derivatives": {{"q": 0}}, "ensemble": {swapped}}}"#));
    let ensemble = Ensemble::new(&spec, &settings.expect("an ensemble").ensemble).expect("an ensemble");
    let refused =
        solve_ensemble(&spec, &RunSettings::default(), &ensemble, &mut CpuBackend::new()).expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "trajectory 1: tspan must be finite with t0 < t1, got [2, 1]; if time is to run backward, set backward to true"
    );
}

#[test]
fn what_happens_in_a_span_of_its_own_does_not_depend_on_the_others() {
    // A stop at a time, firings, and an end that a multiple of the period misses by rounding.
    let spec = compiled(
        r#"{"components": {"c": {"x": {"integrated": 0}, "n": {"discrete": 0}, "t0": {"parameter": 0}, "t1": {"parameter": 2}}},
            "entities": {"e": {"c": {}}},
            "systems": {"s": {"slots": {"c": "c"}, "derivatives": {"c.x": "t < 1 ? 0 : 1"}}},
            "callbacks": {"count": {"dt": 0.1, "set": {"e.c.n": "e.c.n + 1"}}},
            "stops": [1.0], "run": {"tspan": ["e.c.t0", "e.c.t1"]}}"#,
    );
    let (starts, ends) = ([0.0, 0.5, 0.77, 0.0], [2.0, 2.0, 2.0, 0.3]);
    everywhere(|tested, precision| {
        let run = RunSettings {
            method: Some("rk4".into()),
            dt: Some(0.03),
            precision: Some(precision),
            save: Some(Save::Points(4)),
            save_after_firing: Some(true),
            ..Default::default()
        };
        let vary = |n: usize, from: usize| {
            let (t0, t1) = (&starts[from..from + n], &ends[from..from + n]);
            format!(r#"{{"vary": {{"e.c.t0": {{"values": {t0:?}}}, "e.c.t1": {{"values": {t1:?}}}}}}}"#)
        };
        let all = ensemble(&spec, &run, &vary(4, 0), tested);
        for i in 0..4 {
            let context = format!("{} {precision}, trajectory {i}", tested.name);
            let (one, alone) = (all.trajectory(i), ensemble(&spec, &run, &vary(1, i), tested).trajectory(0));
            assert_eq!((one.t, one.x), (alone.t, alone.x), "{context}");
            let want = (ends[i] - 1.0f64).max(0.0);
            assert_close(&[one.final_state[0]], &[want], 0.0, rounding(precision), 1.0, &context);
            let fired = ((ends[i] - starts[i]) / 0.1 + 1e-9).floor();
            assert_eq!(one.final_state[1], fired, "{context}");
        }
        let steps = RunSettings { save: Some(Save::Steps), ..run };
        let all = ensemble(&spec, &steps, &vary(4, 0), tested);
        assert_eq!(all.status, [Status::Success; 4], "{}: every fixed step is saved", tested.name);
    });
}

#[test]
fn a_callback_never_fires_twice_at_a_time() {
    // Late times, where those of f32 are eight times as fine as the period.
    let spec = compiled(
        r#"{"components": {"c": {"n": {"discrete": 0}, "last": {"discrete": -1}, "twice": {"discrete": 0}}},
            "entities": {"e": {"c": {}}},
            "callbacks": {"a": {"dt": 0.0005, "set": {
                "e.c.n": "e.c.n + 1", "e.c.last": "t", "e.c.twice": "e.c.twice + (t == e.c.last ? 1 : 0)"}}}}"#,
    );
    everywhere(|tested, precision| {
        let late = RunSettings { tspan: Some((0.0, 1000.0)), ..settings(0.0, precision) };
        let result = run(&spec, &late, tested);
        assert_eq!(result.final_state[0], 2_000_000.0, "{} {precision}", tested.name);
        assert_eq!(result.final_state[2], 0.0, "{} {precision}: firings at the time of the last", tested.name);
    });
}

#[test]
fn the_log_of_firings_ends_where_the_trajectory_does() {
    let spec = compiled(SERVO);
    everywhere(|tested, precision| {
        let fixed = RunSettings { method: Some("rk4".into()), dt: Some(0.1), ..settings(1.0, precision) };
        let limited = run(&spec, &RunSettings { max_steps: Some(3), ..fixed.clone() }, tested);
        assert_eq!((limited.status, limited.firings.len()), (Status::StepLimit, 2), "{} {precision}", tested.name);
        assert_eq!(run(&spec, &fixed, tested).firings.len(), 10, "{} {precision}", tested.name);
    });
}

#[test]
fn time_may_run_backward() {
    let spec = compiled(
        r#"{"states": {"y": 1}, "parameters": {"a": 2.25}, "derivatives": {"y": "t > a ? t*y : y"}, "outputs": {"twice": "2*t"},
            "stops": ["a"]}"#,
    );
    // y' = y below 2.25 and t y above it, y(3) = 1.
    let exact = |t: f64| {
        let above = |t: f64| ((t * t - 9.0) / 2.0).exp();
        if t > 2.25 { above(t) } else { above(2.25) * (t - 2.25).exp() }
    };
    everywhere(|tested, precision| {
        let times = vec![3.0, 2.5, 2.25, 2.0, 1.5];
        let run_back = RunSettings {
            tspan: Some((3.0, 1.5)),
            backward: Some(true),
            save: Some(Save::At(times.clone())),
            ..settings(0.0, precision)
        };
        let context = format!("{} {precision}", tested.name);
        let result = run(&spec, &run_back, tested);
        assert_eq!(result.t.to_vec(), times, "{context}");
        assert_eq!(result.t_end, 1.5, "{context}");
        let want: Vec<f64> = times.iter().copied().map(exact).collect();
        assert_close(&result.x.row(0).to_vec(), &want, 1e-6, 1e-6, 5.0, &context);
        assert_eq!(result.outputs.row(0).to_vec(), times.iter().map(|t| 2.0 * t).collect::<Vec<_>>(), "{context}");
        let points = run(&spec, &RunSettings { save: Some(Save::Points(4)), ..run_back }, tested);
        assert_eq!(points.t.to_vec(), [3.0, 2.5, 2.0, 1.5], "{context}");
    });
    let refused = |tspan: (f64, f64), backward: Option<bool>, save: Option<Save>| {
        let run = RunSettings { tspan: Some(tspan), backward, save, ..Default::default() };
        solve(&spec, &run, &mut CpuBackend::new()).expect_err("refused").to_string()
    };
    assert_eq!(
        refused((1.0, 0.0), None, None),
        "tspan must be finite with t0 < t1, got [1, 0]; if time is to run backward, set backward to true"
    );
    assert_eq!(
        refused((0.0, 1.0), Some(true), None),
        "backward needs a finite tspan with t1 < t0, got [0, 1]; leave out backward, or swap the ends"
    );
    let own = compiled(
        r#"{"states": {"y": 1}, "parameters": {"t1": 0}, "derivatives": {"y": "-y"}, "run": {"tspan": [1, "t1"]}}"#,
    );
    let at = |times: Vec<f64>| {
        let run = RunSettings { backward: Some(true), save: Some(Save::At(times)), ..Default::default() };
        solve(&own, &run, &mut CpuBackend::new()).map(|result| result.t.to_vec()).map_err(|e| e.to_string())
    };
    assert_eq!(at(vec![0.5, 0.25]), Ok(vec![0.5, 0.25]));
    assert_eq!(at(vec![0.25, 0.5]), Err("save times must descend backward in time, found 0.25 before 0.5".to_string()));
    assert_eq!(
        refused((1.0, 0.0), Some(true), Some(Save::At(vec![0.25, 0.5]))),
        "save times must ascend, found 0.5 before 0.25; backward in time they are listed from the latest to the earliest"
    );
}

#[test]
fn callbacks_fire_backward_too() {
    let spec = counting(r#""a": {"dt": 0.25, "set": {"e.c.n": "e.c.n + 1", "e.c.last": "t"}}"#, "");
    everywhere(|tested, precision| {
        let run_back = RunSettings { tspan: Some((1.0, 0.0)), backward: Some(true), ..settings(0.0, precision) };
        let result = run(&spec, &run_back, tested);
        assert_eq!(result.final_state.to_vec()[1..3], [4.0, 0.0], "{} {precision}", tested.name);
        let times: Vec<f64> = result.firings.iter().map(|firing| firing.t).collect();
        assert_eq!(times, [0.75, 0.5, 0.25, 0.0], "{} {precision}", tested.name);
    });
}

#[test]
fn every_accepted_step_is_saved_up_to_a_limit() {
    let spec = compiled(SERVO);
    everywhere(|tested, precision| {
        let context = format!("{} {precision}", tested.name);
        let steps = RunSettings { save: None, ..settings(1.0, precision) };
        let all = run(&spec, &steps, tested);
        assert_eq!(all.t.len() as u32, all.accepted + 1, "{context}");
        assert_eq!((all.t[0], all.t[all.t.len() - 1]), (0.0, 1.0), "{context}");
        let fired = |t: f64| (1..10).any(|k| (t - f64::from(k) * 0.1).abs() < 1e-6);
        assert_eq!(all.t.iter().filter(|t| fired(**t)).count(), 9, "{context}: stops are steps");
        let few = run(&spec, &RunSettings { max_saved: Some(5), ..steps.clone() }, tested);
        assert_eq!((few.status, few.t.len()), (Status::SaveLimit, 5), "{context}");
        assert_eq!(few.x, all.x.slice(ndarray::s![.., ..5]), "{context}");
        let both = run(&spec, &RunSettings { save_after_firing: Some(true), ..steps }, tested);
        assert_eq!(both.t.len() as u32, both.accepted + 1 + 10, "{context}: a row after each firing");
    });
}

/// Save times as given, the numbers of firings seen at them, and whether they are saved after firings too.
type CloseTimes = (&'static [f64], &'static [f64], bool);

/// Times that are one number in f32 are saved as many times, each with the value before or after a firing that f64 would give.
#[test]
fn save_times_that_are_one_number_are_all_saved() {
    const SPAN: f64 = 1.000_000_01;
    let cases: [CloseTimes; 5] = [
        (&[0.25, 0.4, 0.400_000_000_1, 1.0], &[0.0, 0.0, 0.0, 1.0], false),
        (&[0.5 - 1e-9, 0.5, 0.5 + 1e-9, 1.0], &[0.0, 0.0, 1.0, 1.0], false),
        (&[0.5 - 1e-9, 0.5, 0.5, 0.5 + 1e-9, 0.75], &[0.0, 0.0, 1.0, 1.0, 1.0], true),
        (&[0.75, 1.0 - 1e-9, 1.0], &[1.0, 1.0, 1.0], false),
        (&[1e-12, 0.5, 0.5, 1.0, SPAN, SPAN], &[0.0, 0.0, 1.0, 1.0, 1.0, 2.0], true),
    ];
    let spec = counting(r#""a": {"dt": 0.5, "set": {"e.c.n": "e.c.n + 1"}}"#, "");
    everywhere(|tested, precision| {
        for (t, n, after) in &cases {
            let mut asked = t.to_vec();
            asked.dedup();
            // In f64 the second firing is before the end, in f32 at it.
            if *after && t.contains(&SPAN) && precision != Precision::F32 {
                continue;
            }
            let run_at = RunSettings {
                save: Some(Save::At(asked)),
                save_after_firing: Some(*after),
                save_policy: Some(SavePolicy::AsGiven),
                ..settings(SPAN, precision)
            };
            for dt in [None, Some(0.125)] {
                let result = run(&spec, &RunSettings { dt, adaptive: Some(dt.is_none()), ..run_at.clone() }, tested);
                let context = format!("{t:?}, dt {dt:?} on {} in {precision}", tested.name);
                assert_eq!((result.status, result.t.as_slice()), (Status::Success, Some(*t)), "{context}");
                assert_eq!(result.x.row(1).to_vec(), *n, "{context}");
                let want: Vec<f64> = t.iter().map(|t| (t / 8.0).exp()).collect();
                assert_close(&result.x.row(0).to_vec(), &want, 1e-6, 0.0, 5.0, &context);
            }
        }
    });
}

#[test]
fn spans_of_their_own_fire_at_their_ends() {
    let spec = compiled(
        r#"{"states": {"y": 1, "n": 0}, "parameters": {"t0": 0}, "derivatives": {"y": "y/8", "n": 0},
            "callbacks": {"a": {"dt": 0.1, "set": {"n": "n + 1"}}}, "run": {"tspan": ["t0", "t0 + 0.3"]}}"#,
    );
    everywhere(|tested, precision| {
        let run = RunSettings {
            save: Some(Save::Every(0.1)),
            save_after_firing: Some(true),
            save_policy: Some(SavePolicy::AsGiven),
            precision: Some(precision),
            ..Default::default()
        };
        let last = if precision == Precision::F32 { 10.0 } else { 1000.0 };
        let vary = format!(r#"{{"vary": {{"t0": {{"linspace": [0, {last}, 301]}}}}}}"#);
        let result = ensemble(&spec, &run, &vary, tested);
        for i in 0..301 {
            let one = result.trajectory(i);
            let context = format!("trajectory {i} on {} in {precision}", tested.name);
            assert_eq!(one.x.row(1).to_vec(), [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0], "{context}");
            assert_eq!(one.t[6], one.t[0] + 0.3, "{context}: the end as given");
            assert_eq!(one.t_end, one.t[6], "{context}");
        }
    });
}

#[test]
fn spans_of_their_own_may_be_short_or_hold_many_firings() {
    // Ten firings in a ten-millionth, which in a span of 1 would be too many; and a row before and after each of a hundred.
    for (dt, span, n_fired) in [(1e-8, "1e-7", 10.0), (1.0, "100", 100.0)] {
        let spec = compiled(&format!(
            r#"{{"states": {{"y": 1, "n": 0}}, "parameters": {{"t0": 0}}, "derivatives": {{"y": "-y/100", "n": 0}},
                "callbacks": {{"a": {{"dt": {dt}, "set": {{"n": "n + 1"}}}}}}, "run": {{"tspan": ["t0", "t0 + {span}"]}}}}"#
        ));
        everywhere(|tested, precision| {
            let run = RunSettings {
                save: Some(Save::Steps),
                save_after_firing: Some(true),
                precision: Some(precision),
                max_steps: Some(if n_fired > 10.0 { 120 } else { 1000 }),
                ..Default::default()
            };
            let result = solve(&spec, &run, tested.backend.as_mut()).unwrap_or_else(|e| panic!("{dt}: {e}"));
            let context = format!("a period of {dt} on {} in {precision}", tested.name);
            assert_eq!((result.status, result.final_state[1]), (Status::Success, n_fired), "{context}");
            assert!(result.t.len() as f64 > 2.0 * n_fired, "{context}: {} rows", result.t.len());
        });
    }
}

#[test]
fn an_ensemble_saves_both_ends_and_what_a_policy_adds() {
    let json = r#"{"components": {"c": {"x": {"integrated": 1.0}, "d": {"discrete": 3.0, "dt": 0.4}}},
        "entities": {"e": {"c": {}}}, "systems": {"s": {"slots": {"c": "c"}, "derivatives": {"c.x": "-c.x"}}}}"#;
    let spec = compiled(json);
    let mut cpu = Tested { name: "cpu", backend: Box::new(CpuBackend::new()), precisions: vec![Precision::F64] };
    let (both, sampled) = (vec![0.0, 1.0], vec![0.0, 0.4, 0.8, 1.0]);
    for (policy, want) in [
        (None, &both),
        (Some(SavePolicy::AsGiven), &both),
        (Some(SavePolicy::Standard), &sampled),
        (Some(SavePolicy::Numen), &vec![0.4, 0.8]),
    ] {
        let run = RunSettings { tspan: Some((0.0, 1.0)), save_policy: policy, ..Default::default() };
        let result = ensemble(&spec, &run, r#"{"size": 2}"#, &mut cpu);
        assert_eq!(&result.t.to_vec(), want, "{policy:?}");
    }
}

/// A CPU that takes so many rows at once.
fn of_rows(rows: usize) -> Limited {
    Limited { backend: Box::new(CpuBackend::new()), trajectories: usize::MAX, rows }
}

#[test]
fn a_backend_gets_no_more_rows_than_it_takes() {
    let json = r#"{"states": {"y": 1}, "parameters": {"t1": 1}, "derivatives": {"y": "-y"}, "run": {"tspan": [0, "t1"]},
        "ensemble": {"vary": {"t1": {"linspace": [1, 2, 40]}}}}"#;
    let world = World::from_json(json).expect("a model");
    let spec = world.compile().expect("a model");
    let ensemble = Ensemble::new(&spec, &world.ensemble).expect("an ensemble");
    let every = RunSettings { save: Some(Save::Every(0.01)), ..Default::default() };
    let [small, whole] =
        [1000, usize::MAX].map(|most| solve_ensemble(&spec, &every, &ensemble, &mut of_rows(most)).expect("a run"));
    assert_eq!(small.status, [Status::Success; 40]);
    for i in 0..40 {
        assert_eq!((small.trajectory(i).t, small.trajectory(i).x), (whole.trajectory(i).t, whole.trajectory(i).x));
    }
    // Where nobody says how many steps to save, it is as many as the backend holds.
    for max_steps in [None, Some(u32::MAX)] {
        let steps = RunSettings { dt: Some(0.01), method: Some("rk4".into()), max_steps, ..Default::default() };
        let result = solve(&spec, &steps, &mut of_rows(50)).expect("a run");
        assert_eq!((result.status, result.t.len()), (Status::SaveLimit, 50));
    }
}

#[cfg(feature = "gpu")]
#[test]
fn steps_of_spans_of_their_own_fit_into_a_buffer() {
    let Some(mut gpu) = common::gpu() else { return };
    let spec = compiled(
        r#"{"states": {"y": 1}, "parameters": {"t1": 1}, "derivatives": {"y": "-y"}, "run": {"tspan": [0, "t1"]}}"#,
    );
    let steps = RunSettings { dt: Some(0.25), method: Some("rk4".into()), ..Default::default() };
    let result = solve(&spec, &steps, &mut gpu).expect("a run");
    assert_eq!((result.status, result.t.to_vec()), (Status::Success, vec![0.0, 0.25, 0.5, 0.75, 1.0]));
}

#[test]
fn spans_of_their_own_that_cannot_be() {
    let json = r#"{"states": {"y": 0}, "parameters": {"t0": 0, "t1": 1}, "derivatives": {"y": "t - t0"}, "run": {"tspan": ["t0", "t1"]}}"#;
    let spec = compiled(json);
    let single = RunSettings { precision: Some(Precision::F32), ..Default::default() };
    let rk4 = |dt: f64| RunSettings { method: Some("rk4".into()), dt: Some(dt), ..single.clone() };
    let backward = RunSettings { backward: Some(true), ..Default::default() };
    let at = RunSettings { save: Some(Save::At(vec![0.5, 2.0])), ..Default::default() };
    for (run, t0, t1, want) in [
        (
            single.clone(),
            "0, 1e6",
            "1, 1000001",
            "in f32, time near 1000001 moves in steps of 1.2e-1, too coarse for tspan [1000000, 1000001]; let time start near 0, or use precision f32x2 or f64",
        ),
        (
            rk4(1e-8),
            "0, 0",
            "0.1, 1",
            "100000000 fixed steps are more than the 16777216 that f32 can count; use a larger dt, or precision f32x2 or f64",
        ),
        (
            backward,
            "1, 0",
            "0, 1",
            "backward needs a finite tspan with t1 < t0, got [0, 1]; leave out backward, or swap the ends",
        ),
        (at, "0, 0", "3, 1", "save time 2 is outside tspan [0, 1]"),
    ] {
        let vary = format!(r#"{{"vary": {{"t0": {{"values": [{t0}]}}, "t1": {{"values": [{t1}]}}}}}}"#);
        let world =
            World::from_json(&format!(r#"{{"states": {{"q": 0}}, "derivatives": {{"q": 0}}, "ensemble": {vary}}}"#));
        let ensemble = Ensemble::new(&spec, &world.expect("an ensemble").ensemble).expect("an ensemble");
        let error = solve_ensemble(&spec, &run, &ensemble, &mut CpuBackend::new()).expect_err("refused");
        assert_eq!(error.to_string(), format!("trajectory 1: {want}"));
    }
}

#[test]
fn a_largest_step_that_divides_the_period_leaves_no_rest() {
    let spec = compiled(SERVO);
    everywhere(|tested, precision| {
        for (dt_max, n) in [(0.1, 1), (0.05, 2), (0.1 / 3.0, 3)] {
            let rtol = Some(Tolerance::Scalar(1e-2));
            let limited = RunSettings { save: None, rtol, dt_max: Some(dt_max), ..settings(10.0, precision) };
            let result = run(&spec, &limited, tested);
            // After the first segments, where the step size still grows.
            let steps: Vec<f64> = result.t.windows(2).into_iter().map(|pair| pair[1] - pair[0]).collect();
            let late = &steps[steps.len() - 90 * n..];
            let shortest = late.iter().copied().fold(f64::INFINITY, f64::min);
            assert!(shortest > 0.99 * dt_max, "{} {precision}: a step of {shortest} of {dt_max}", tested.name);
            assert!(late.iter().all(|h| *h < 1.002 * dt_max), "{} {precision}", tested.name);
        }
    });
}

/// y' = cos t over 1000 with 100,000 steps of rk4, and y' = y/8 over 1 with 100,000 firings.
#[test]
fn firings_add_no_rounding_in_f32() {
    let oscillating = |callbacks: &str| {
        compiled(&format!(
            r#"{{"states": {{"y": 0, "u": 0}}, "derivatives": {{"y": "cos(t)", "u": 0}}, "callbacks": {{{callbacks}}}}}"#
        ))
    };
    let (plain, idle) = (oscillating(""), oscillating(r#""idle": {"dt": 0.01, "set": {"u": 1}}"#));
    let often = counting(r#""idle": {"dt": 1e-5, "set": {"e.c.n": 1}}"#, "");
    for mut tested in backends() {
        let fixed = RunSettings { method: Some("rk4".into()), dt: Some(0.01), ..settings(1000.0, Precision::F32) };
        let fixed = RunSettings { save: Some(Save::Points(51)), ..fixed };
        let [plain, idle] = [&plain, &idle].map(|spec| {
            let result = run(spec, &fixed, &mut tested);
            result.t.iter().zip(result.x.row(0)).map(|(t, y)| (y - t.sin()).abs()).fold(0.0, f64::max)
        });
        assert!(idle < plain.max(1e-6), "{}: {idle:e} with callbacks, {plain:e} without", tested.name);
        let growth = run(&often, &settings(1.0, Precision::F32), &mut tested);
        assert_close(&[growth.x[[0, 0]]], &[0.125f64.exp()], f64::from(f32::EPSILON), 0.0, 1.0, tested.name);
    }
}

#[test]
fn callbacks_of_any_periods_fire_in_f32() {
    let spec = counting(
        r#""a": {"dt": 0.01, "set": {"e.c.n": "e.c.n + 1"}}, "b": {"dt": 0.0123457, "set": {"e.c.last": "e.c.last + 1"}}"#,
        "",
    );
    everywhere(|tested, precision| {
        let result = run(&spec, &settings(100.0, precision), tested);
        assert_eq!(result.final_state.to_vec()[1..3], [10_000.0, 8099.0 - 1.0], "{} {precision}", tested.name);
    });
}

#[test]
fn the_limit_of_steps_grows_with_the_stops() {
    let spec = compiled(
        r#"{"states": {"y": 0}, "derivatives": {"y": "3000*cos(3000*t)"}, "callbacks": {"a": {"dt": 0.01, "set": {}}}}"#,
    );
    let result = solve(&spec, &settings(40.0, Precision::F64), &mut CpuBackend::new()).expect("a run");
    assert_eq!(result.status, Status::Success);
    assert!(result.accepted + result.rejected > 104_000, "more than one for each stop");
}

#[test]
fn time_that_runs_backward_ends_at_zero_from_above() {
    let spec = compiled(
        r#"{"states": {"y": 1}, "derivatives": {"y": 0}, "outputs": {"pole": "1/t"}, "callbacks": {"a": {"dt": 1, "set": {"y": "1/t"}}}}"#,
    );
    // On the CPU alone: compilers of shaders take 0 - t for -t, and need not keep infinity.
    for precision in Precision::ALL {
        let run_back = RunSettings { tspan: Some((1.0, 0.0)), backward: Some(true), ..settings(0.0, precision) };
        let result = solve(&spec, &run_back, &mut CpuBackend::new()).expect("a run");
        assert_eq!(result.outputs[[0, 0]], f64::INFINITY, "{precision}");
        assert_eq!(result.final_state[0], f64::INFINITY, "{precision}");
    }
}

#[cfg(feature = "gpu")]
#[test]
fn ten_thousand_controlled_pendulums_are_the_same_on_gpu_and_cpu() {
    const N: u64 = 10_000;
    let Some(gpu) = common::gpu() else { return };
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models/pid_pendulum.json");
    let world = World::from_file(path).expect("a model");
    let spec = world.compile().expect("a model");
    let mut varied = EnsembleSettings { size: Some(N), ..world.ensemble.clone() };
    for (gain, distribution) in
        [("ctl.pid.ki", Distribution::Uniform(5.0, 25.0)), ("ctl.pid.kd", Distribution::Uniform(2.0, 6.0))]
    {
        varied.vary.insert(gain.to_string(), distribution);
    }
    assert_eq!(varied.vary.len(), 4, "length and gains");
    let ensemble = Ensemble::new(&spec, &varied).expect("an ensemble");
    let (rtol, atol) = (1e-4, 1e-5);
    let run = RunSettings {
        precision: Some(Precision::F32),
        rtol: Some(Tolerance::Scalar(rtol)),
        atol: Some(Tolerance::Scalar(atol)),
        save: Some(Save::Points(6)),
        save_policy: Some(SavePolicy::AsGiven),
        ..world.run
    };
    let mut gpu = gpu.with_slice_steps(1000);
    let on_gpu = solve_ensemble(&spec, &run, &ensemble, &mut gpu).expect("a run");
    let on_cpu = solve_ensemble(&spec, &RunSettings { precision: None, ..run }, &ensemble, &mut CpuBackend::new());
    let on_cpu = on_cpu.expect("a run");
    assert_eq!(on_gpu.status, on_cpu.status);
    assert_eq!(on_gpu.n_finished() as u64, N);
    let most = on_gpu.accepted.iter().zip(&on_gpu.rejected).map(|(a, r)| a + r).max().unwrap_or(0);
    assert!((500..1000).contains(&most), "500 firings take {most} steps");
    // One dispatch, and the one behind it that is in flight before anybody knows that nothing is left.
    assert!(gpu.slices() <= 2, "no way back to the host between firings: {} dispatches", gpu.slices());
    for name in ["arm.pendulum.theta", "arm.pendulum.omega", "ctl.pid.u"] {
        let [got, want] =
            [&on_gpu, &on_cpu].map(|result| result.values(name).expect("a state").iter().copied().collect::<Vec<_>>());
        // Steps are cut at every firing, so that errors are below the tolerance; rounding, which the controller divides by
        // its period, is a tenth of it.
        assert_close(&got, &want, rtol, atol, 1.0, name);
    }
}

#[cfg(feature = "gpu")]
#[test]
fn a_kernel_is_compiled_once_for_a_model_and_a_method() {
    let start = std::time::Instant::now();
    let Some(mut gpu) = common::gpu() else { return };
    let (search, mut is_first) = (start.elapsed(), true);
    // A gain of this moment: drivers keep what they have compiled on disk, and have not met this kernel.
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").subsec_micros();
    let model = SERVO.replace(r#""gain": 2.0"#, &format!(r#""gain": 2.{now:06}"#));
    let spec = compiled(&model);
    // Compilation and all of the call, ms.
    let mut times = |spec: &CompiledSpec, run: &RunSettings, vary: &str| {
        let world =
            World::from_json(&format!(r#"{{"states": {{"q": 0}}, "derivatives": {{"q": 0}}, "ensemble": {vary}}}"#));
        let ensemble = Ensemble::new(spec, &world.expect("an ensemble").ensemble).expect("an ensemble");
        let result = solve_ensemble(spec, run, &ensemble, &mut gpu).expect("a run");
        assert_eq!(result.n_finished(), result.n_traj());
        let ensolve::solution::Timings { startup, jit, runs } = &result.info.timings;
        // Finding the adapter comes before the call, and counts for its first user.
        assert_eq!(*startup > search.mul_f64(0.8), std::mem::take(&mut is_first), "{startup:?}, {search:?}");
        [*jit, runs[0]].map(|time| 1e3 * time.as_secs_f64())
    };
    let ends = settings(1.0, Precision::F32);
    let [first, first_run] = times(&spec, &ends, "{}");
    assert!(first_run < first / 4.0, "drivers compile before the first run: {first_run} ms after {first} ms");
    let rk4 = RunSettings { method: Some("rk4".into()), dt: Some(0.01), ..ends.clone() };
    times(&spec, &rk4, "{}");
    // A kernel for the end alone is another one than that for any save times.
    times(&spec, &RunSettings { save: Some(Save::Points(5)), ..ends.clone() }, "{}");
    // Other initial values, parameters, spans, tolerances, steps and save times; and the method before.
    for (run, vary) in [
        (ends.clone(), r#"{"vary": {"m.mass.x": {"values": [1, 2]}, "m.mass.k": {"values": [3, 5]}}}"#),
        (RunSettings { tspan: Some((-1.0, 3.0)), save: Some(Save::Points(7)), ..ends.clone() }, "{}"),
        (RunSettings { rtol: Some(Tolerance::Scalar(1e-3)), max_steps: Some(5000), dt_max: Some(0.05), ..ends }, "{}"),
        (RunSettings { dt: Some(0.02), ..rk4 }, "{}"),
    ] {
        let [again, run_again] = times(&spec, &run, vary);
        assert!(again < first / 20.0, "{again} ms after {first} ms: {run:?}");
        assert!(again + run_again < first / 4.0, "{run_again} ms after {first} ms: {run:?}");
    }
    // A title is no part of a kernel.
    let titled = compiled(&model.replacen('{', r#"{"model": "servo", "#, 1));
    let [again, _] = times(&titled, &settings(1.0, Precision::F32), "{}");
    assert!(again < first / 20.0, "{again} ms after {first} ms: another title");
}
