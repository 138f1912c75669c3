//! What each number format delivers on a long smooth run: Kepler's problem, ten orbits of eccentricity 0.5, after which the
//! state is the initial one again.

mod common;

use common::compiled;
use ensolve::{CpuBackend, Precision, RunSettings, Save, Tolerance, solve};

const KEPLER: &str = include_str!("../examples/models/kepler.json");

/// Largest error of the state at the end, relative to the largest entry of the state.
fn error(run: RunSettings) -> f64 {
    let spec = compiled(KEPLER);
    let tspan = Some((0.0, 20.0 * std::f64::consts::PI));
    let run = RunSettings { tspan, save: Some(Save::Final), max_steps: Some(10_000_000), ..run };
    let result = solve(&spec, &run, &mut CpuBackend::new()).expect("a run");
    let want = [0.5, 0.0, 0.0, 3f64.sqrt()];
    let got = ["x", "y", "u", "v"].map(|name| result.series(name).expect("a state")[0]);
    got.iter().zip(want).map(|(y, want)| (y - want).abs()).fold(0.0, f64::max) / want[3]
}

fn fixed(method: &str, dt: f64, precision: Precision, compensated: bool) -> RunSettings {
    RunSettings {
        method: Some(method.to_string()),
        dt: Some(dt),
        adaptive: Some(false),
        precision: Some(precision),
        compensated: Some(compensated),
        ..RunSettings::default()
    }
}

/// The period grows by 1.5 times the relative error of the axis, which is six times that of the speed at the nearest
/// point; ten orbits of it, at that point's speed, make an error of 2^-49 one of 2e-12. With the rounding of the initial
/// state and of every sum carried along, less than that is left of 125,000 steps.
#[test]
fn f32x2_holds_a_trillionth_over_ten_orbits() {
    let carried = error(fixed("tsit5", 5e-4, Precision::F32x2, true));
    let dropped = error(fixed("tsit5", 5e-4, Precision::F32x2, false));
    println!("f32x2, 125,664 steps: {carried:.1e} compensated, {dropped:.1e} not");
    assert!(carried <= 1e-12, "{carried:e}");
    assert!(dropped > 10.0 * carried, "{dropped:e} without compensation, {carried:e} with it");
}

/// At a tolerance of 1e-12 the method's own error rules, in f64 as in f32x2: they agree in it.
#[test]
fn f32x2_follows_f64_to_the_tightest_tolerances() {
    let at = |precision| {
        let tolerance = Some(Tolerance::Scalar(1e-12));
        error(RunSettings {
            rtol: tolerance.clone(),
            atol: tolerance,
            precision: Some(precision),
            ..RunSettings::default()
        })
    };
    let (wide, pair) = (at(Precision::F64), at(Precision::F32x2));
    println!("rtol 1e-12: f64 {wide:.2e}, f32x2 {pair:.2e}");
    // Rounding of 1e-11 in step sizes, on an error of some 1e-9.
    assert!((pair / wide - 1.0).abs() < 0.05, "f64 {wide:e}, f32x2 {pair:e}");
}

/// The measurement behind the default: fixed steps in f32 are compensated.
#[test]
fn compensation_pays_for_fixed_steps_in_f32() {
    let carried = error(fixed("rk4", 1e-3, Precision::F32, true));
    let dropped = error(fixed("rk4", 1e-3, Precision::F32, false));
    println!("f32, rk4, 62,832 steps: {carried:.1e} compensated, {dropped:.1e} not");
    assert!(dropped > 20.0 * carried, "{dropped:e} without compensation, {carried:e} with it");
    let default = error(RunSettings { compensated: None, ..fixed("rk4", 1e-3, Precision::F32, true) });
    assert_eq!(default, carried);
}
