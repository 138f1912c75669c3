//! Verification: its errors are those that an analytic solution shows, its sample is fair, and failures are counted.

mod common;

use common::compiled;
use ensolve::job::Progress;
use ensolve::solve::solve_range;
use ensolve::spec::{EnsembleSettings, Tolerance};
use ensolve::{
    CompiledSpec, CpuBackend, Distribution, Ensemble, EnsembleResult, Error, Precision, RunSettings, Save,
    Verification, solve_ensemble, verify,
};

const RTOL: f64 = 1e-5;
const ATOL: f64 = 1e-6;

/// y = exp(-k t), z = exp(-2 k t); the output is never compared.
const DECAY: &str = r#"{"states": {"y": 1, "z": 1}, "parameters": {"k": 1}, "derivatives": {"y": "-k*y", "z": "-2*k*z"},
    "outputs": {"noise": "1e6*y"}}"#;

fn ensemble(spec: &CompiledSpec, name: &str, values: &[f64]) -> Ensemble {
    let vary = [(name.to_string(), Distribution::Values(values.to_vec()))].into_iter().collect();
    Ensemble::new(spec, &EnsembleSettings { size: None, seed: Some(7), sampling: None, vary })
        .expect("a valid ensemble")
}

fn settings(precision: Precision) -> RunSettings {
    RunSettings {
        tspan: Some((0.0, 2.0)),
        rtol: Some(Tolerance::Scalar(RTOL)),
        atol: Some(Tolerance::Scalar(ATOL)),
        save: Some(Save::Points(9)),
        precision: Some(precision),
        ..RunSettings::default()
    }
}

fn fixed(method: &str, dt: f64) -> RunSettings {
    RunSettings { method: Some(method.to_string()), dt: Some(dt), adaptive: Some(false), ..settings(Precision::F64) }
}

fn solved(spec: &CompiledSpec, run: &RunSettings, ensemble: &Ensemble) -> EnsembleResult {
    solve_ensemble(spec, run, ensemble, &mut CpuBackend::new()).expect("a valid run")
}

fn verified(spec: &CompiledSpec, run: &RunSettings, ensemble: &Ensemble, k: u64) -> Verification {
    verify(spec, run, ensemble, &solved(spec, run, ensemble), k).expect("a valid verification")
}

/// Largest error of a trajectory of `DECAY`, its state and its save time.
fn error_of_decay(result: &EnsembleResult, i: usize, k: f64) -> (f64, &'static str, f64) {
    let mut worst = (0.0, "", 0.0);
    for (name, rate) in [("y", k), ("z", 2.0 * k)] {
        for (t, got) in result.t.iter().zip(result.values(name).expect("a state").column(i)) {
            let want = (-rate * t).exp();
            let error = (got - want).abs() / (ATOL + RTOL * want);
            if error > worst.0 {
                worst = (error, name, *t);
            }
        }
    }
    worst
}

#[test]
fn errors_are_those_of_the_analytic_solution_in_units_of_the_tolerance() {
    let spec = compiled(DECAY);
    let rates = [0.5, 1.0, 1.5, 2.0, 0.1];
    let ensemble = ensemble(&spec, "k", &rates);
    let runs = [
        fixed("euler", 0.01),
        fixed("rk4", 0.1),
        fixed("heun", 0.05),
        settings(Precision::F64),
        RunSettings { method: Some("bs23".to_string()), ..settings(Precision::F64) },
        settings(Precision::F32),
        settings(Precision::F32x2),
    ];
    for run in runs {
        let result = solved(&spec, &run, &ensemble);
        let verification = verify(&spec, &run, &ensemble, &result, 100).expect("a valid verification");
        let context = format!("{} in {}", result.info.method, result.info.precision);
        let mut want: Vec<(f64, &str, f64)> = Vec::new();
        for (i, k) in rates.into_iter().enumerate() {
            want.push(error_of_decay(&result, i, k));
            let got = verification.errors[i].expect("both succeeded");
            // The reference errs by a hundredth of the tolerance a step.
            assert!((got - want[i].0).abs() < 0.05, "{context}: k = {k}: {got} is not {}", want[i].0);
        }
        assert_eq!(verification.trajectories, [0, 1, 2, 3, 4], "{context}");
        let largest = want.iter().map(|(error, ..)| *error).fold(0.0, f64::max);
        let worst = verification.worst.as_ref().expect("the model has states");
        assert!((worst.error - largest).abs() < 0.05, "{context}: {} is not {largest}", worst.error);
        assert_eq!(Some(worst.error), verification.quantiles.map(|quantiles| quantiles[3]), "{context}");
        if largest > 1.0 {
            let at = want.iter().position(|(error, ..)| *error == largest).expect("it is one of them");
            assert_eq!(
                (worst.trajectory, worst.state.as_str(), worst.t),
                (at as u64, want[at].1, want[at].2),
                "{context}"
            );
        }
    }
}

#[test]
fn quantiles_are_those_of_the_errors() {
    let spec = compiled(DECAY);
    let rates: Vec<f64> = (1..=101).map(|i| 0.02 * f64::from(i)).collect();
    let verification = verified(&spec, &fixed("euler", 0.01), &ensemble(&spec, "k", &rates), 101);
    let mut errors: Vec<f64> = verification.errors.iter().copied().flatten().collect();
    errors.sort_by(f64::total_cmp);
    // Of 101 values the quantiles fall on values: 100 q is whole.
    assert_eq!(verification.quantiles, Some([errors[50], errors[90], errors[99], errors[100]]));
    assert_eq!(verification.n_compared(), 101);
}

#[test]
fn single_precision_shows_where_double_does_not() {
    // Rounding alone: at loose tolerances with small steps f64 is right to a fraction of a unit, f32 is not.
    let spec = compiled(DECAY);
    let tight = |precision| RunSettings {
        rtol: Some(Tolerance::Scalar(3e-7)),
        atol: Some(Tolerance::Scalar(0.0)),
        dt_max: Some(1e-4),
        compensated: Some(false),
        ..settings(precision)
    };
    let ensemble = ensemble(&spec, "k", &[0.5, 1.0]);
    let largest = |precision| verified(&spec, &tight(precision), &ensemble, 2).worst.expect("states").error;
    let (single, double, pair) = (largest(Precision::F32), largest(Precision::F64), largest(Precision::F32x2));
    assert!(single > 1.0, "{single}");
    assert!(double < 0.01 && pair < 0.01, "{double} {pair}");
}

#[test]
fn the_reference_has_a_hundredth_of_the_tolerances_and_an_error_estimate() {
    let spec = compiled(DECAY);
    let ensemble = Ensemble::single();
    let of = |run: RunSettings| verified(&spec, &run, &ensemble, 1).method;
    assert_eq!(of(settings(Precision::F32)), "tsit5, rtol 1e-7, atol 1e-8");
    assert_eq!(of(fixed("rk4", 0.1)), "tsit5, rtol 1e-7, atol 1e-8");
    assert_eq!(of(fixed("bs23", 0.1)), "bs23, rtol 1e-7, atol 1e-8");
    assert_eq!(of(RunSettings { rtol: None, atol: None, ..fixed("euler", 0.1) }), "tsit5, rtol 1e-8, atol 1e-10");
    let dopri5 = RunSettings { method: Some("RK45".to_string()), ..settings(Precision::F64) };
    let per_state = Tolerance::PerState([("z".to_string(), 3e-9)].into_iter().collect());
    let verification = verified(&spec, &RunSettings { rtol: Some(per_state), ..dopri5.clone() }, &ensemble, 1);
    assert_eq!((verification.rtol, verification.atol), (vec![1e-8, 3e-11], vec![1e-8, 1e-8]));
    assert_eq!(verification.method, "dopri5, rtol 3e-11 to 1e-8, atol 1e-8");
    // What f64 cannot deliver is not asked for.
    let finest = RunSettings { rtol: Some(Tolerance::Scalar(1e-14)), ..dopri5.clone() };
    assert_eq!(of(finest), "dopri5, rtol 2.6e-16, atol 1e-8");
    let absolute = RunSettings { rtol: Some(Tolerance::Scalar(0.0)), ..dopri5 };
    assert_eq!(of(absolute), "dopri5, rtol 2.6e-16, atol 1e-8");
}

#[test]
fn samples_are_distinct_reproducible_and_fair() {
    let spec = compiled(r#"{"states": {"y": 1}, "derivatives": {"y": "-y"}}"#);
    let run = RunSettings { save: Some(Save::Final), ..fixed("rk4", 1.0) };
    let of_size = |size: u64, seed: u64| {
        let settings = EnsembleSettings { size: Some(size), seed: Some(seed), ..EnsembleSettings::default() };
        Ensemble::new(&spec, &settings).expect("a valid ensemble")
    };
    let sample = |size, seed, k| verified(&spec, &run, &of_size(size, seed), k).trajectories;
    for (size, k) in [(100, 1), (100, 10), (100, 99), (1000, 500)] {
        let taken = sample(size, 3, k);
        assert_eq!(taken.len() as u64, k);
        assert!(taken.windows(2).all(|pair| pair[0] < pair[1]) && taken[taken.len() - 1] < size, "{taken:?}");
        assert_eq!(taken, sample(size, 3, k), "the same seed takes the same");
        if k > 1 {
            assert_ne!(taken, sample(size, 4, k), "another seed takes others");
        }
    }
    for k in [5, 6, u64::MAX] {
        assert_eq!(sample(5, 3, k), [0, 1, 2, 3, 4]);
    }
    // Each of 20 trajectories is in a sample of 5 with probability 1/4: of 2000 seeds 500, with deviation 19.
    let mut counts = [0; 20];
    (0..2000).flat_map(|seed| sample(20, seed, 5)).for_each(|i| counts[i as usize] += 1);
    assert!(counts.iter().all(|n| (400..=600).contains(n)), "{counts:?}");

    // Of a part of an ensemble, numbers count from the ensemble's first trajectory.
    let all = of_size(50, 3);
    let part = solve_range(&spec, &run, &all, 20..30, &mut CpuBackend::new(), &NotStopped).expect("a valid run");
    let taken = verify(&spec, &run, &all, &part, 4).expect("a valid verification").trajectories;
    assert!(taken.len() == 4 && taken.iter().all(|i| (20..30).contains(i)), "{taken:?}");
}

#[test]
fn a_part_is_compared_with_its_own_inputs() {
    let spec = compiled(DECAY);
    let rates: Vec<f64> = (0..40).map(|i| 0.05 * f64::from(i)).collect();
    let (all, run) = (ensemble(&spec, "k", &rates), settings(Precision::F64));
    for range in [0..40, 7..23, 39..40] {
        let part = solve_range(&spec, &run, &all, range, &mut CpuBackend::new(), &NotStopped).expect("a valid run");
        let verification = verify(&spec, &run, &all, &part, 12).expect("a valid verification");
        assert!(verification.worst.expect("states").error < 10.0, "another trajectory's inputs are thousands off");
    }
}

#[test]
fn failures_are_counted_and_left_out() {
    // 1/(1/y - t): a pole before t = 2 for y > 0.5.
    let spec = compiled(r#"{"states": {"y": 1}, "derivatives": {"y": "y^2"}}"#);
    let ensemble = ensemble(&spec, "y", &[0.1, 0.55, 0.2, 4.0, 0.3]);
    let counts =
        |v: &Verification| [v.n_compared(), v.n_run_failed, v.n_reference_failed, v.n_both_failed, v.n_stopped];

    let verification = verified(&spec, &settings(Precision::F64), &ensemble, 9);
    assert_eq!(counts(&verification), [3, 0, 0, 2, 0]);
    let is_compared: Vec<bool> = verification.errors.iter().map(Option::is_some).collect();
    assert_eq!(is_compared, [true, false, true, false, true]);

    // Steps of a quarter run over the pole at 1/0.55 and do not notice.
    let verification = verified(&spec, &fixed("euler", 0.25), &ensemble, 9);
    assert_eq!(counts(&verification), [3, 0, 2, 0, 0]);

    let few = RunSettings { max_steps: Some(2), save: Some(Save::Final), ..settings(Precision::F64) };
    let verification = verified(&spec, &few, &ensemble, 9);
    assert_eq!(counts(&verification), [0, 3, 0, 2, 0]);
    assert_eq!((verification.quantiles, &verification.worst), (None, &None));
    assert_eq!(verification.errors, [None; 5]);
}

#[test]
fn what_cannot_be_verified_is_refused() {
    let spec = compiled(DECAY);
    let ensemble = ensemble(&spec, "k", &[1.0, 2.0]);
    let run = fixed("rk4", 0.1);
    let result = solved(&spec, &run, &ensemble);
    let refuse = |spec: &CompiledSpec, run: &RunSettings, ensemble: &Ensemble, k: u64| {
        verify(spec, run, ensemble, &result, k).expect_err("it is refused")
    };
    let error = |message: &str| Error::run(message);
    assert_eq!(refuse(&spec, &run, &ensemble, 0), error("0 trajectories verify nothing; give at least 1"));
    let other = |what: &str| error(&format!("verify: the result is of another {what}; give what it was made from"));
    let model = compiled(r#"{"states": {"a": 1, "b": 1}, "derivatives": {"a": "-a", "b": "-b"}}"#);
    assert_eq!(refuse(&model, &run, &Ensemble::single(), 1), other("model"));
    assert_eq!(refuse(&spec, &fixed("rk4", 0.2), &ensemble, 1), other("run"));
    let longer = RunSettings { tspan: Some((0.0, 3.0)), ..run.clone() };
    assert_eq!(refuse(&spec, &longer, &ensemble, 1), other("run"));
    assert_eq!(refuse(&spec, &run, &Ensemble::single(), 1), other("ensemble"));

    let none = |state: &str| Some(Tolerance::PerState([(state.to_string(), 0.0)].into_iter().collect()));
    let run = RunSettings { rtol: none("z"), atol: none("z"), ..run };
    assert_eq!(
        refuse(&spec, &run, &ensemble, 1),
        error("verify: rtol and atol of 'z' are both 0, so that its error has no unit; give one of them")
    );
}

#[test]
fn a_start_at_zero_is_no_error_although_it_has_no_unit() {
    let spec = compiled(r#"{"states": {"y": 0}, "derivatives": {"y": "cos(t)"}}"#);
    let run = RunSettings { atol: Some(Tolerance::Scalar(0.0)), ..settings(Precision::F64) };
    let worst = verified(&spec, &run, &Ensemble::single(), 1).worst.expect("states");
    assert!(worst.t > 0.0 && worst.error.is_finite(), "{worst:?}");
}

#[test]
fn a_model_without_states_has_no_error() {
    let spec = compiled(r#"{"states": {}, "derivatives": {}, "outputs": {"now": "t"}}"#);
    let verification = verified(&spec, &fixed("rk4", 0.1), &Ensemble::single(), 1);
    assert_eq!((verification.quantiles, verification.worst), (Some([0.0; 4]), None));
}

struct NotStopped;

impl Progress for NotStopped {
    fn finished(&self, _: usize) {}
}

struct Stopped;

impl Progress for Stopped {
    fn finished(&self, _: usize) {}

    fn is_stopped(&self) -> bool {
        true
    }
}

#[test]
fn a_stopped_verification_compares_nothing_more() {
    let spec = compiled(DECAY);
    let (ensemble, run) = (ensemble(&spec, "k", &[1.0, 2.0, 3.0]), settings(Precision::F64));
    let result = solved(&spec, &run, &ensemble);
    let verification =
        verify::verify_with_progress(&spec, &run, &ensemble, &result, 2, &Stopped).expect("a valid verification");
    assert_eq!((verification.n_stopped, verification.n_compared()), (2, 0));
    assert_eq!(verification.quantiles, None);
}
