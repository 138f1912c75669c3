//! Trajectories in trouble: the right status, a sensible end, saved values up to it, and no effect on the others.

mod common;

use common::{Tested, assert_close, backends, compiled};
use ensolve::pair::F32x2;
use ensolve::spec::{EnsembleSettings, Tolerance};
use ensolve::{
    CompiledSpec, CpuBackend, Distribution, Ensemble, EnsembleResult, Precision, RunSettings, Save, Status,
    solve_ensemble,
};

/// Growth without bound: y = 1/(1/y0 - t).
const BLOW_UP: &str = r#"{"states": {"y": 1}, "derivatives": {"y": "y^2"}, "outputs": {"half": "y/2"}}"#;

/// Inputs of which two blow up before t = 1, at 0.5 and 0.25.
const MIXED: [f64; 11] = [0.1, 0.5, 2.0, 0.3, -1.0, 0.0, 4.0, 0.7, 0.2, -3.0, 0.6];

fn adaptive(precision: Precision) -> RunSettings {
    RunSettings {
        tspan: Some((0.0, 1.0)),
        rtol: Some(Tolerance::Scalar(1e-5)),
        atol: Some(Tolerance::Scalar(1e-7)),
        save: Some(Save::Points(21)),
        precision: Some(precision),
        ..RunSettings::default()
    }
}

fn fixed(precision: Precision, dt: f64) -> RunSettings {
    RunSettings { method: Some("rk4".to_string()), dt: Some(dt), rtol: None, atol: None, ..adaptive(precision) }
}

fn solve_with(
    spec: &CompiledSpec,
    run: &RunSettings,
    name: &str,
    values: &[f64],
    tested: &mut Tested,
) -> EnsembleResult {
    let vary = [(name.to_string(), Distribution::Values(values.to_vec()))].into_iter().collect();
    let ensemble = Ensemble::new(spec, &EnsembleSettings { size: None, seed: None, sampling: None, vary })
        .expect("a valid ensemble");
    solve_ensemble(spec, run, &ensemble, tested.backend.as_mut()).expect("a valid run")
}

/// Runs a test on every backend in each of its precisions.
fn everywhere(mut test: impl FnMut(&mut Tested, Precision)) {
    for mut tested in backends() {
        for precision in tested.precisions.clone() {
            test(&mut tested, precision);
        }
    }
}

/// Times a saved series is known at, and whether it is NaN from there on.
fn known(result: &EnsembleResult, name: &str, i: usize) -> Vec<f64> {
    let series = result.trajectory(i).series(name).expect("a saved name").to_vec();
    let n = series.iter().take_while(|v| !v.is_nan()).count();
    assert!(
        series[n..].iter().all(|v| v.is_nan()),
        "trajectory {i}: after the first NaN there are only NaNs: {series:?}"
    );
    series[..n].to_vec()
}

#[test]
fn growth_without_bound_ends_one_trajectory_where_it_becomes_infinite() {
    let spec = compiled(BLOW_UP);
    everywhere(|tested, precision| {
        for run in [adaptive(precision), fixed(precision, 1.0 / 256.0)] {
            let context = format!("{} {precision}, dt {:?}", tested.name, run.dt);
            let result = solve_with(&spec, &run, "y", &MIXED, tested);
            for (i, y0) in MIXED.into_iter().enumerate() {
                if y0 <= 1.0 {
                    assert_eq!((result.status[i], result.t_end[i]), (Status::Success, 1.0), "{context}: y0 = {y0}");
                    continue;
                }
                let status = result.status[i];
                assert!([Status::NonFinite, Status::DtUnderflow].contains(&status), "{context}: y0 = {y0}: {status:?}");
                // Fixed steps overrun the pole by the few steps that squaring takes to overflow.
                let late = run.dt.map_or(1e-3, |dt| 8.0 * dt);
                let off = result.t_end[i] - 1.0 / y0;
                assert!(
                    off > -1e-3 && off < late,
                    "{context}: y0 = {y0} ended at {}, the pole is at {}",
                    result.t_end[i],
                    1.0 / y0
                );
                assert!(result.final_states[[0, i]].is_finite(), "{context}: the last accepted state is finite");
            }
        }
    });
}

#[test]
fn what_was_saved_before_the_end_is_right_and_the_rest_is_not_a_number() {
    let spec = compiled(BLOW_UP);
    everywhere(|tested, precision| {
        for run in [adaptive(precision), fixed(precision, 1.0 / 256.0)] {
            let context = format!("{} {precision}, dt {:?}", tested.name, run.dt);
            let result = solve_with(&spec, &run, "y", &MIXED, tested);
            for (i, y0) in MIXED.into_iter().enumerate() {
                let (y, half) = (known(&result, "y", i), known(&result, "half", i));
                let n = result.t.iter().filter(|t| **t <= result.t_end[i]).count();
                assert_eq!(
                    (y.len(), half.len()),
                    (n, n),
                    "{context}: y0 = {y0}: saved up to t_end = {}",
                    result.t_end[i]
                );
                // Well before the pole the tolerance holds; an order of magnitude for errors that grow with y^2.
                let before: Vec<f64> = result.t.iter().copied().filter(|t| y0 * t < 0.75).collect();
                let exact: Vec<f64> = before.iter().map(|t| y0 / (1.0 - y0 * t)).collect();
                assert_close(&y[..before.len()], &exact, 1e-5, 1e-7, 10.0, &format!("{context}: y0 = {y0}"));
                assert!(
                    y.iter().zip(&half).all(|(y, half)| *half == y / 2.0),
                    "{context}: outputs belong to their states"
                );
            }
        }
    });
}

#[test]
fn neighbours_of_a_diverging_trajectory_are_what_they_are_without_it() {
    let spec = compiled(BLOW_UP);
    let harmless = MIXED.map(|y0| if y0 > 1.0 { 0.4 } else { y0 });
    everywhere(|tested, precision| {
        for run in [adaptive(precision), fixed(precision, 1.0 / 256.0)] {
            let with = solve_with(&spec, &run, "y", &MIXED, tested);
            let without = solve_with(&spec, &run, "y", &harmless, tested);
            for i in (0..MIXED.len()).filter(|i| MIXED[*i] == harmless[*i]) {
                assert_eq!(with.trajectory(i), without.trajectory(i), "{} {precision}, trajectory {i}", tested.name);
            }
        }
    });
}

/// y' = -1 - sqrt(y) from 1 reaches 0 at t = 2 - 2 log(2) = 0.614, where the root of a negative number begins.
const ROOT: &str = r#"{"states": {"y": 1}, "derivatives": {"y": "-1 - sqrt(y)"}}"#;

#[test]
fn the_root_of_a_negative_number_ends_a_trajectory_as_non_finite() {
    let spec = compiled(ROOT);
    let zero = 2.0 - 2.0 * 2f64.ln();
    everywhere(|tested, precision| {
        for run in [adaptive(precision), fixed(precision, 1.0 / 256.0)] {
            let context = format!("{} {precision}, dt {:?}", tested.name, run.dt);
            let result = solve_with(&spec, &run, "y", &[1.0, 9.0], tested);
            assert_eq!(result.status, [Status::NonFinite, Status::Success], "{context}");
            let off = result.t_end[0] - zero;
            // No step goes beyond the zero by more than the last one, which ends at a state just below 0.
            assert!(
                off > -run.dt.unwrap_or(1e-3) && off <= run.dt.unwrap_or(1e-3),
                "{context}: ended at {}, zero at {zero}",
                result.t_end[0]
            );
            assert!(known(&result, "y", 0).len() >= 12, "{context}: saved up to t = 0.6");
        }
    });
}

#[test]
fn a_state_that_is_not_a_number_at_the_start_ends_at_the_start() {
    let spec = compiled(r#"{"states": {"y": 1}, "derivatives": {"y": "log(y)"}}"#);
    everywhere(|tested, precision| {
        for run in [adaptive(precision), fixed(precision, 0.125)] {
            let context = format!("{} {precision}, dt {:?}", tested.name, run.dt);
            let result = solve_with(
                &spec,
                &RunSettings { tspan: Some((2.0, 3.0)), ..run },
                "y",
                &[2.0, -1.0, f64::NAN, 0.0, 1.0],
                tested,
            );
            let bad = Status::NonFinite;
            assert_eq!(result.status, [Status::Success, bad, bad, bad, Status::Success], "{context}");
            for (i, y0) in [(1, -1.0), (3, 0.0)] {
                assert_eq!((result.t_end[i], result.accepted[i], result.rejected[i]), (2.0, 0, 0), "{context}");
                assert_eq!(known(&result, "y", i), [y0], "{context}: the state at t0 is known");
            }
            assert_eq!(known(&result, "y", 2), [0.0; 0], "{context}: an input that is not a number is saved as such");
        }
    });
}

#[test]
fn a_trajectory_that_uses_up_its_steps_says_so() {
    let spec =
        compiled(r#"{"states": {"y": 1, "z": 0}, "parameters": {"w": 1}, "derivatives": {"y": "-w*z", "z": "w*y"}}"#);
    everywhere(|tested, precision| {
        let run = RunSettings { max_steps: Some(20), ..adaptive(precision) };
        let result = solve_with(&spec, &run, "w", &[1.0, 500.0], tested);
        assert_eq!(result.status, [Status::Success, Status::StepLimit], "{} {precision}", tested.name);
        assert_eq!(result.accepted[1] + result.rejected[1], 20);
        assert!(result.t_end[1] > 0.0 && result.t_end[1] < 1.0, "{}", result.t_end[1]);
        let saved = result.t.iter().filter(|t| **t <= result.t_end[1]).count();
        assert_eq!(known(&result, "y", 1).len(), saved);

        let run = RunSettings { max_steps: Some(20), ..fixed(precision, 1.0 / 32.0) };
        let result = solve_with(&spec, &run, "w", &[1.0], tested);
        assert_eq!((result.status[0], result.accepted[0], result.t_end[0]), (Status::StepLimit, 20, 20.0 / 32.0));
    });
}

#[test]
fn the_last_allowed_step_may_still_finish() {
    let spec = compiled(BLOW_UP);
    everywhere(|tested, precision| {
        let run = RunSettings { max_steps: Some(32), ..fixed(precision, 1.0 / 32.0) };
        let result = solve_with(&spec, &run, "y", &[0.5], tested);
        assert_eq!((result.status[0], result.accepted[0]), (Status::Success, 32), "{} {precision}", tested.name);
    });
}

#[test]
fn a_step_below_the_smallest_allowed_is_an_underflow() {
    let spec = compiled(r#"{"states": {"y": 1}, "parameters": {"k": 1}, "derivatives": {"y": "-k*(y - cos(t))"}}"#);
    everywhere(|tested, precision| {
        let run = RunSettings { dt_min: Some(0.05), dt: Some(0.1), adaptive: Some(true), ..adaptive(precision) };
        let result = solve_with(&spec, &run, "k", &[0.1, 1e4], tested);
        assert_eq!(result.status, [Status::Success, Status::DtUnderflow], "{} {precision}", tested.name);
        assert_eq!(
            (result.t_end[1], result.accepted[1]),
            (0.0, 0),
            "the first step of 0.1 cannot be made short enough"
        );
    });
}

#[test]
fn counts_and_statistics_tell_the_finished_from_the_others() {
    let spec = compiled(BLOW_UP);
    everywhere(|tested, precision| {
        let result = solve_with(&spec, &fixed(precision, 1.0 / 256.0), "y", &MIXED, tested);
        assert_eq!(result.n_finished(), 9);
        assert_eq!(result.status_counts(), [(Status::Success, 9), (Status::NonFinite, 2)]);
        let statistics = ensolve::Statistics::of(&result);
        assert_eq!((statistics.n_used, statistics.n_left_out), (9, 2));
        let start = &statistics.moments[0][0];
        let largest = match precision {
            Precision::F32 => f64::from(0.7f32),
            Precision::F64 => 0.7,
            Precision::F32x2 => F32x2::from_f64(0.7).to_f64(),
        };
        assert_eq!((start.min, start.max), (MIXED[9], largest));
    });
}

/// In f32, what would silently become infinite, zero or unresolved is refused.
#[test]
fn what_f32_cannot_hold_is_refused() {
    let message = |model: &str, vary: &[(&str, f64)], run: RunSettings| {
        let spec = compiled(model);
        let vary = vary.iter().map(|(name, v)| (name.to_string(), Distribution::Values(vec![*v]))).collect();
        let ensemble = Ensemble::new(&spec, &EnsembleSettings { vary, ..Default::default() }).expect("valid inputs");
        let run = RunSettings { precision: Some(Precision::F32), ..run };
        solve_ensemble(&spec, &run, &ensemble, &mut CpuBackend::new()).map(|_| ()).map_err(|e| e.to_string())
    };
    let model = r#"{"states": {"x": 1}, "parameters": {"p": 1}, "derivatives": {"x": "-x*p"}}"#;
    let span = |t0: f64, t1: f64| RunSettings { tspan: Some((t0, t1)), ..Default::default() };
    assert_eq!(message(model, &[], span(1e3, 1e3 + 10.0)), Ok(()));
    for (vary, run, expected) in [
        (
            vec![],
            span(1e8, 1e8 + 10.0),
            "in f32, time near 100000010 moves in steps of 1.2e1, too coarse for tspan [100000000, 100000010]; let time start near 0, or use precision f32x2 or f64",
        ),
        (
            vec![("p", 1e39)],
            span(0.0, 1.0),
            "the parameter 1e39 of 'p' is out of the range of f32; use precision f64 or other units",
        ),
        (
            vec![("x", -1e39)],
            span(0.0, 1.0),
            "the initial value -1e39 of 'x' is out of the range of f32; use precision f64 or other units",
        ),
        (
            vec![],
            RunSettings { atol: Some(Tolerance::Scalar(1e-50)), ..span(0.0, 1.0) },
            "atol 1e-50 of 'x' is 0 in f32; use precision f64 or other units",
        ),
        (
            vec![],
            RunSettings { dt: Some(1e-8), method: Some("rk4".to_string()), ..span(0.0, 1.0) },
            "100000000 fixed steps are more than the 16777216 that f32 can count; use a larger dt, or precision f32x2 or f64",
        ),
    ] {
        assert_eq!(message(model, &vary, run), Err(expected.to_string()));
    }
    let constant = r#"{"states": {"x": 1}, "derivatives": {"x": "-x*1e300"}}"#;
    assert_eq!(
        message(constant, &[], span(0.0, 1.0)),
        Err("the constant 1e300 is out of the range of f32; use precision f64 or other units".to_string())
    );
}

/// The first step that the user gives is still bounded by the largest step.
#[test]
fn the_first_step_obeys_dt_max() {
    let spec = compiled(r#"{"states": {"x": 0}, "derivatives": {"x": 1}}"#);
    everywhere(|tested, precision| {
        let run = RunSettings { dt: Some(0.9), dt_max: Some(0.01), adaptive: Some(true), ..adaptive(precision) };
        let run = RunSettings { tspan: Some((0.0, 1.0)), ..run };
        let result = solve_with(&spec, &run, "x", &[0.0], tested);
        assert!(result.accepted[0] >= 100, "{} {precision}: {} steps", tested.name, result.accepted[0]);
    });
}

/// Less error than the rounding of the state is asked for: recognised in every format, not chased until the steps run out.
#[test]
fn noise_is_not_chased() {
    let spec = compiled(r#"{"states": {"x": 1, "v": 0}, "derivatives": {"x": "v", "v": "-x"}}"#);
    everywhere(|tested, precision| {
        let run = RunSettings {
            tspan: Some((0.0, 20.0)),
            rtol: Some(Tolerance::Scalar(0.0)),
            atol: Some(Tolerance::Scalar(1e-25)),
            ..adaptive(precision)
        };
        let result = solve_with(&spec, &run, "x", &[1.0], tested);
        assert_eq!(result.status, [Status::ToleranceNotReachable], "{precision} on {}", tested.name);
        assert!(result.accepted[0] + result.rejected[0] < 1000, "{} steps in {precision}", result.accepted[0]);
    });
}

/// A large state without error says nothing about a small one with an error that steps can lessen.
#[test]
fn a_large_quiet_state_condemns_no_other() {
    let spec = compiled(
        r#"{"states": {"large": 1e6, "x": 1, "v": 0}, "parameters": {"k": 1},
            "derivatives": {"large": 0, "x": "v", "v": "-(t > 3 ? 400 : 1)*k*x"}}"#,
    );
    everywhere(|tested, precision| {
        let run = RunSettings {
            tspan: Some((0.0, 5.0)),
            rtol: Some(Tolerance::Scalar(0.0)),
            atol: Some(Tolerance::Scalar(1e-4)),
            ..adaptive(precision)
        };
        let result = solve_with(&spec, &run, "k", &[1.0], tested);
        assert_eq!(result.status, [Status::Success], "{precision} on {}", tested.name);
    });
}

/// A state that is 0 and stays 0 has no error, even under a tolerance of 0.
#[test]
fn a_state_that_stays_zero_needs_no_tolerance() {
    let spec =
        compiled(r#"{"states": {"x": 0, "y": 1}, "parameters": {"c": 0}, "derivatives": {"x": "c", "y": "-y"}}"#);
    everywhere(|tested, precision| {
        let run = RunSettings { atol: Some(Tolerance::Scalar(0.0)), ..adaptive(precision) };
        let result = solve_with(&spec, &run, "c", &[0.0], tested);
        assert_eq!(result.status, [Status::Success], "{precision} on {}", tested.name);
        assert_eq!(result.t_end, [1.0]);
    });
}

/// Tolerances below what f32 can deliver are raised to the floor, where rounding must not be taken for failure.
#[test]
fn the_tightest_tolerance_of_f32_is_no_noise() {
    for model in [
        include_str!("../examples/models/kepler.json"),
        include_str!("../examples/models/hodgkin_huxley.json"),
        include_str!("../examples/models/double_pendulum.json"),
    ] {
        let world = ensolve::World::from_json(model).expect("a model");
        let spec = world.compile().expect("a model");
        let settings = EnsembleSettings { size: Some(32), ..world.ensemble.clone() };
        let ensemble = Ensemble::new(&spec, &settings).expect("an ensemble");
        for (rtol, atol) in [(1e-7, 1e-10), (1e-12, 1e-15)] {
            let run = RunSettings {
                rtol: Some(Tolerance::Scalar(rtol)),
                atol: Some(Tolerance::Scalar(atol)),
                precision: Some(Precision::F32),
                ..world.run.clone()
            };
            let result = solve_ensemble(&spec, &run, &ensemble, &mut CpuBackend::new()).expect("a run");
            assert_eq!(result.status_counts(), [(Status::Success, 32)], "{} at rtol {rtol}", spec.name);
        }
    }
}
