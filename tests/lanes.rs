//! Lanes of the GPU are kept busy: what is wasted where costs differ, and that no result depends on how it is avoided.

#![cfg(feature = "gpu")]

mod common;

use common::{compiled, gpu};
use ensolve::gpu::{GpuBackend, SeveralGpus};
use ensolve::{Backend, CompiledSpec, Ensemble, EnsembleResult, RunSettings, Save, solve_ensemble};
use ensolve::{Distribution, Precision, spec::EnsembleSettings, spec::Tolerance};

/// Lanes that go side by side.
const WARP: usize = 32;

/// Van der Pol's oscillator, whose steps grow in number with mu.
fn oscillator() -> CompiledSpec {
    compiled(
        r#"{"model": "van der pol", "states": {"x": 2, "v": 0}, "parameters": {"mu": 1},
            "derivatives": {"x": "v", "v": "mu*(1 - x*x)*v - x"}}"#,
    )
}

/// mu over three decades, in random order.
fn ensemble(spec: &CompiledSpec, size: u64) -> Ensemble {
    let vary = [("mu".to_string(), Distribution::LogUniform(0.1, 100.0))].into_iter().collect();
    let settings = EnsembleSettings { size: Some(size), seed: Some(42), vary, ..Default::default() };
    Ensemble::new(spec, &settings).expect("valid inputs")
}

fn run() -> RunSettings {
    RunSettings {
        tspan: Some((0.0, 20.0)),
        method: Some("dopri5".to_string()),
        rtol: Some(Tolerance::Scalar(1e-4)),
        atol: Some(Tolerance::Scalar(1e-6)),
        save: Some(Save::Final),
        precision: Some(Precision::F32),
        ..Default::default()
    }
}

/// Lane-steps executed over those needed if every lane kept its trajectory and warps waited for their slowest.
fn waste_without_lists(result: &EnsembleResult) -> f64 {
    let steps: Vec<u64> =
        result.accepted.iter().zip(&result.rejected).map(|(a, r)| u64::from(*a) + u64::from(*r)).collect();
    let executed: u64 = steps.chunks(WARP).map(|warp| WARP as u64 * warp.iter().max().expect("not empty")).sum();
    executed as f64 / steps.iter().sum::<u64>() as f64
}

#[test]
fn costs_that_differ_waste_little() {
    let Some(mut gpu) = gpu() else { return };
    let spec = oscillator();
    let result = solve_ensemble(&spec, &run(), &ensemble(&spec, 16384), &mut gpu).expect("the run works");
    assert_eq!(result.n_finished(), result.n_traj());
    let counted = result.info.lane_steps.expect("counted");
    let needed: u64 = result.accepted.iter().chain(&result.rejected).map(|n| u64::from(*n)).sum();
    assert_eq!(counted.needed, needed);
    let (waste, without) = (counted.executed as f64 / needed as f64, waste_without_lists(&result));
    println!("lane-steps executed over needed: {waste:.3}, without lists {without:.3}, {} dispatches", gpu.slices());
    // Three decades of mu in random order leave four fifths of the lanes of a warp idle.
    assert!(without > 4.0, "{without}");
    assert!(waste <= 1.3, "{waste}");
}

/// The same ensemble on a backend.
fn solve(backend: &mut dyn Backend, size: u64) -> EnsembleResult {
    let spec = oscillator();
    let run = RunSettings { tspan: Some((0.0, 2.0)), save: Some(Save::Points(3)), ..run() };
    solve_ensemble(&spec, &run, &ensemble(&spec, size), backend).expect("the run works")
}

/// Everything that may not depend on who computed what.
fn assert_same(one: &EnsembleResult, other: &EnsembleResult) {
    let bits = |result: &EnsembleResult| result.saved.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(one), bits(other));
    assert_eq!((&one.status, &one.accepted, &one.rejected), (&other.status, &other.accepted, &other.rejected));
}

#[test]
fn chunks_side_by_side_change_no_bit() {
    let (Some(mut whole), Some(mut pieces)) = (gpu(), gpu()) else { return };
    let whole = solve(&mut whole, 10_000);
    // A megabyte holds some thousand trajectories.
    pieces.limit_memory(1 << 20);
    assert_same(&whole, &solve(&mut pieces, 10_000));
    assert_eq!(whole.n_finished(), whole.n_traj());
}

#[test]
fn adapters_share_a_run() {
    let (Some(mut alone), Some(a), Some(b)) = (gpu(), gpu(), gpu()) else { return };
    let mut both = SeveralGpus::of(vec![a, b]);
    assert_same(&solve(&mut alone, 20_000), &solve(&mut both, 20_000));
    let steps = both.lane_steps().expect("counted");
    assert!(steps.executed >= steps.needed && steps.needed > 0, "{steps:?}");
    assert!(both.describe().starts_with("2 adapters: "), "{}", both.describe());
}

#[test]
fn order_by_cost_changes_no_bit() {
    let (Some(mut plain), Some(mut ordered)) = (gpu(), gpu()) else { return };
    let spec = oscillator();
    ordered.order_by_cost(true);
    let solve = |gpu: &mut GpuBackend| {
        let result = solve_ensemble(&spec, &run(), &ensemble(&spec, 16384), gpu).expect("the run works");
        (result, gpu.lane_steps().and_then(|steps| steps.waste()).expect("counted"))
    };
    let ((one, waste), (other, waste_ordered)) = (solve(&mut plain), solve(&mut ordered));
    assert_same(&one, &other);
    println!("lane-steps executed over needed: {waste:.3}, ordered {waste_ordered:.3}");
    // Neighbours that cost the same end together.
    assert!(waste_ordered < waste, "{waste_ordered} is not less than {waste}");
}
