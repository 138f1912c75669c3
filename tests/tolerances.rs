//! Tolerances that a number format cannot deliver: raised, and told.

mod common;

use common::compiled;
use ensolve::method::{Controller, Method, TABLEAUS};
use ensolve::spec::Tolerance;
use ensolve::{CpuBackend, Ensemble, EnsembleResult, Precision, RunSettings, Save, Status, solve_ensemble};

const MODEL: &str = r#"{"states": {"x": 1, "v": 0, "w": [1, 1, 1, 1]},
    "derivatives": {"x": "v", "v": "-x", "w": "-w"}}"#;

fn per_state(entries: &[(&str, f64)]) -> Tolerance {
    Tolerance::PerState(entries.iter().map(|(name, value)| (name.to_string(), *value)).collect())
}

fn solve(precision: Precision, method: &str, rtol: Tolerance) -> EnsembleResult {
    let run = RunSettings {
        tspan: Some((0.0, 1.0)),
        method: Some(method.to_string()),
        rtol: Some(rtol),
        atol: Some(Tolerance::Scalar(1e-3)),
        save: Some(Save::Final),
        precision: Some(precision),
        ..RunSettings::default()
    };
    solve_ensemble(&compiled(MODEL), &run, &Ensemble::single(), &mut CpuBackend::new()).expect("a valid run")
}

#[test]
fn the_floor_is_the_rounding_of_the_state_and_of_the_estimate() {
    let floor = |name: &str, precision| {
        let tableau = ensolve::method::tableau(name).expect("a known method");
        Method::adaptive(tableau, Controller::default()).expect("it has an estimate").rtol_floor(precision)
    };
    // Weights of heun: 1/2 and 1/2.
    assert_eq!(floor("heun", Precision::F32), 2.4e-7);
    assert_eq!(floor("midpoint", Precision::F32), 3.6e-7);
    assert_eq!(floor("tsit5", Precision::F32), 2.6e-7);
    assert_eq!(floor("dopri5", Precision::F32), 1.4e-7);
    assert_eq!(floor("dopri5", Precision::F64), 2.6e-16);
    assert_eq!(floor("dopri5", Precision::F32x2), 8.2e-15);
}

#[test]
fn a_tolerance_below_the_floor_is_raised_with_a_warning() {
    let result = solve(Precision::F32, "tsit5", Tolerance::Scalar(1e-9));
    let message = "rtol 1e-9 is below what f32 can deliver with tsit5 (2.6e-7), which is used instead; use precision f64 or f32x2 for less";
    assert_eq!(result.info.warnings, [message]);
    assert_eq!(result.info.method, "tsit5, rtol 2.6e-7, atol 1e-3");
    assert_eq!(result.status, [Status::Success]);

    let result = solve(Precision::F32x2, "dopri5", Tolerance::Scalar(2e-15));
    let message = "rtol 2e-15 is below what f32x2 can deliver with dopri5 (8.2e-15), which is used instead; use precision f64 for less";
    assert_eq!(result.info.warnings, [message]);

    let result = solve(Precision::F64, "bs23", Tolerance::Scalar(5e-324));
    let message = "rtol 5e-324 is below what f64 can deliver with bs23 (3.1e-16), which is used instead; no precision delivers less";
    assert_eq!(result.info.warnings, [message]);
}

#[test]
fn every_state_has_its_own_tolerance() {
    let result = solve(Precision::F32, "dopri5", per_state(&[("v", 1e-8), ("x", 1e-4), ("w", 1e-10), ("w[1]", 1e-8)]));
    let warning = |rtol: &str, states: &str| {
        format!(
            "rtol {rtol} of {states} is below what f32 can deliver with dopri5 (1.4e-7), which is used instead; use precision f64 or f32x2 for less"
        )
    };
    assert_eq!(result.info.warnings, [warning("1e-8", "'v', 'w[1]'"), warning("1e-10", "'w[0]', 'w[2]', 'w[3]'")]);
    assert_eq!(result.info.method, "dopri5, rtol 1.4e-7 to 1e-4, atol 1e-3");

    let result = solve(Precision::F32, "dopri5", per_state(&[("w", 1e-8)]));
    assert_eq!(result.info.warnings, [warning("1e-8", "'w[0]', 'w[1]', 'w[2]' and 1 more")]);
}

#[test]
fn what_can_be_delivered_or_was_left_to_atol_is_as_given() {
    for (precision, rtol) in [(Precision::F32, 1.4e-7), (Precision::F32, 0.0), (Precision::F64, 1e-15)] {
        let result = solve(precision, "dopri5", Tolerance::Scalar(rtol));
        assert_eq!(result.info.warnings, [""; 0], "{rtol}");
        assert_eq!(result.info.method, format!("dopri5, rtol {rtol:e}, atol 1e-3"));
    }
    // Fixed steps keep no tolerance.
    let run = RunSettings {
        tspan: Some((0.0, 1.0)),
        dt: Some(0.1),
        rtol: Some(Tolerance::Scalar(1e-12)),
        precision: Some(Precision::F32),
        ..RunSettings::default()
    };
    let result = solve_ensemble(&compiled(MODEL), &run, &Ensemble::single(), &mut CpuBackend::new());
    assert_eq!(result.expect("a valid run").info.warnings, [""; 0]);
}

#[test]
fn the_floor_can_be_delivered() {
    // A pendulum's swing and a decay: each pair gets to the end at its floor. Pairs of low order would take very many
    // steps in wider formats.
    let spec =
        compiled(r#"{"states": {"a": 1, "w": 0.3, "y": 3}, "derivatives": {"a": "w", "w": "-sin(a)", "y": "-y"}}"#);
    for tableau in TABLEAUS.into_iter().filter(|tableau| tableau.error.is_some()) {
        for precision in Precision::ALL.into_iter().filter(|p| *p == Precision::F32 || tableau.order == 5) {
            let run = RunSettings {
                tspan: Some((0.0, 3.0)),
                method: Some(tableau.name.to_string()),
                rtol: Some(Tolerance::Scalar(1e-30)),
                atol: Some(Tolerance::Scalar(1e-30)),
                save: Some(Save::Final),
                precision: Some(precision),
                ..RunSettings::default()
            };
            let result = solve_ensemble(&spec, &run, &Ensemble::single(), &mut CpuBackend::new()).expect("a valid run");
            let ended = (result.status[0], result.t_end[0], result.accepted[0], result.rejected[0]);
            assert_eq!(result.status[0], Status::Success, "{} in {precision}: {ended:?}", tableau.name);
        }
    }
}
