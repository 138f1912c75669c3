//! Statistics on the device against those of the CPU: inputs drawn, trajectories integrated and reduced there.

#![cfg(feature = "gpu")]

mod common;

use common::gpu;
use ensolve::gpu::SeveralGpus;
use ensolve::{
    Arithmetic, Backend, CpuBackend, Ensemble, EnsembleResult, Precision, RunSettings, Save, SweepResult, World,
    solve_ensemble, sweep,
};

/// Everything at once: random and listed inputs, an output, several save times, failures, every kind of statistics.
const MODEL: &str = r#"{
    "model": "growth and decay",
    "states": {"x": 1.0, "y": 0.5}, "parameters": {"rate": 0.5, "limit": 4.0},
    "derivatives": {"x": "rate*x*(1 - x/limit)", "y": "x - y*y + (rate > 1.17 ? y*y*y*y : 0)"},
    "outputs": {"sum": "x + y"},
    "run": {"tspan": [0, 3], "rtol": 1e-5, "atol": 1e-6, "save": {"points": 7}, "max_steps": 200},
    "ensemble": {"size": 12000, "seed": 3, "vary": {
        "rate": {"uniform": [0.2, 1.2]}, "x": {"lognormal": [0, 0.3]}, "y": {"normal": [0.5, 0.1]},
        "limit": {"grid": [3, 4, 5]}}},
    "statistics": {
        "summaries": ["max(y)", "time_of_max(y)", "time_above(x, 2)", "integral(sum)", "min(sum)", "final(x)"],
        "covariance": ["x", "y"], "exceed": {"x": [2, 3], "max(y)": 1.5}, "histogram": {"sum": {"from": 0, "to": 6, "bins": 30}},
        "keep": ["largest(x, 5)", "smallest(integral(sum), 3)", "failed(4)"]}
}"#;

fn solve(backend: &mut dyn Backend, arithmetic: Arithmetic) -> SweepResult {
    let world = World::from_json(MODEL).expect("a model");
    let spec = world.compile().expect("a valid model");
    let ensemble = Ensemble::new(&spec, &world.ensemble).expect("valid inputs");
    let run = RunSettings { precision: Some(Precision::F32), arithmetic: Some(arithmetic), ..world.run.clone() };
    sweep(&spec, &run, &ensemble, &world.statistics.clone().expect("they are there"), backend).expect("the run works")
}

/// In exact mode trajectories have the same bits, so that everything that is counted or picked is the same, and sums differ by
/// rounding: those of a block are f32 on the device.
fn assert_agree(gpu: &SweepResult, cpu: &SweepResult) {
    assert_eq!((gpu.n_done, gpu.statuses), (cpu.n_done, cpu.statuses));
    assert_eq!((gpu.accepted, gpu.rejected), (cpu.accepted, cpu.rejected));
    assert_eq!(gpu.failures, cpu.failures);
    assert!(!gpu.failures.is_empty() && gpu.n_done == gpu.n_traj);
    assert_eq!(gpu.quantities.len(), cpu.quantities.len());
    for (n, (g, c)) in gpu.quantities.iter().zip(&cpu.quantities).enumerate() {
        assert_eq!((g.n, g.min, g.max, g.argmin, g.argmax), (c.n, c.min, c.max, c.argmin, c.argmax), "quantity {n}");
        assert_eq!((&g.histograms, &g.exceedances), (&c.histograms, &c.exceedances), "quantity {n}");
        // A sum of 1024 f32 by a tree of 10 roundings, of values of one sign or spread around the mean.
        let scale = c.mean.abs() + c.std;
        assert!((g.mean - c.mean).abs() <= 1e-6 * scale, "mean of quantity {n}: {} and {}", g.mean, c.mean);
        assert!((g.std - c.std).abs() <= 1e-5 * c.std, "std of quantity {n}: {} and {}", g.std, c.std);
    }
    for (g, c) in gpu.covariances.iter().zip(&cpu.covariances) {
        let pairs = g.covariance.iter().flatten().zip(c.covariance.iter().flatten());
        let scale = c.covariance.iter().flatten().fold(0.0, |most: f64, x| most.max(x.abs()));
        pairs.for_each(|(g, c)| assert!((g - c).abs() <= 1e-5 * scale, "covariance: {g} and {c}"));
    }
    let kept = |result: &SweepResult| result.kept.iter().map(|kept| kept.trajectory).collect::<Vec<_>>();
    assert_eq!(kept(gpu), kept(cpu));
    assert_eq!(gpu.kept.len(), 12);
}

#[test]
fn statistics_on_the_device_are_those_of_the_cpu() {
    let Some(mut gpu) = gpu() else { return };
    let cpu = solve(&mut CpuBackend::new(), Arithmetic::Exact);
    assert_agree(&solve(&mut gpu, Arithmetic::Exact), &cpu);
    // Chunks of a few thousand trajectories beside each other.
    gpu.limit_memory(2 << 20);
    let pieces = solve(&mut gpu, Arithmetic::Exact);
    assert_agree(&pieces, &cpu);
}

#[test]
fn no_bit_depends_on_chunks_or_on_the_number_of_adapters() {
    let (Some(mut whole), Some(mut pieces), Some(a), Some(b)) = (gpu(), gpu(), gpu(), gpu()) else { return };
    let one = solve(&mut whole, Arithmetic::Standard);
    pieces.limit_memory(2 << 20);
    let mut both = SeveralGpus::of(vec![a, b]);
    for other in [solve(&mut pieces, Arithmetic::Standard), solve(&mut both, Arithmetic::Standard)] {
        for (n, (one, other)) in one.quantities.iter().zip(&other.quantities).enumerate() {
            assert_eq!(
                (one.n, one.mean.to_bits(), one.variance.to_bits()),
                (other.n, other.mean.to_bits(), other.variance.to_bits()),
                "quantity {n}"
            );
            assert_eq!((&one.quantiles, one.argmax), (&other.quantiles, other.argmax), "quantity {n}");
        }
        assert_eq!(one.covariances, other.covariances);
        assert_eq!((one.statuses, one.accepted, one.rejected), (other.statuses, other.accepted, other.rejected));
    }
}

#[test]
fn several_adapters_share_spans_of_their_own() {
    let (Some(mut whole), Some(a), Some(b), Some(c)) = (gpu(), gpu(), gpu(), gpu()) else { return };
    let world = World::from_json(
        r#"{"model": "own", "states": {"x": 1.0}, "parameters": {"k": 1.0, "end": 1.0}, "derivatives": {"x": "-k*x + sin(t)"},
        "run": {"tspan": [0, "end"], "save": {"points": 4}}, "callbacks": {"kick": {"dt": 5.0, "set": {"x": "x + 0.1"}}},
        "ensemble": {"size": 100, "seed": 5, "vary": {"k": {"uniform": [0, 2]}, "end": {"loguniform": [0.1, 50]}}}}"#,
    );
    let world = world.expect("a model");
    let spec = world.compile().expect("a valid model");
    let ensemble = Ensemble::new(&spec, &world.ensemble).expect("valid inputs");
    let mut three = SeveralGpus::of(vec![a, b, c]);
    for save in [world.run.save.clone(), Some(ensolve::Save::Steps)] {
        let run = RunSettings { save, ..world.run.clone() };
        let solved = |backend: &mut dyn Backend| {
            let result = ensolve::solve_ensemble(&spec, &run, &ensemble, backend).expect("the run works");
            // As a text, for there are NaN beyond the last row of each.
            format!("{:?}", (&result.final_states, &result.saved, &result.status, &result.accepted))
        };
        assert_eq!(solved(&mut three), solved(&mut whole));
    }
}

/// Mesa's software adapter ends all loops of an invocation after 65535 rounds.
#[test]
fn as_many_save_times_as_a_software_adapter_can_be_trusted_with() {
    let Some(mut gpu) = gpu() else { return };
    let model = r#"{
        "model": "decay", "states": {"x": 1.0}, "parameters": {"k": 1.0}, "derivatives": {"x": "-k*x"},
        "run": {"tspan": [0, 1], "rtol": 1e-2, "atol": 1e-2}, "ensemble": {"size": 3, "seed": 1, "vary": {"k": {"uniform": [0.5, 1]}}},
        "statistics": {"summaries": ["min(x)", "time_of_min(x)", "time_above(x, 0.9)", "final(x)"]}
    }"#;
    let world = World::from_json(model).expect("a model");
    let spec = world.compile().expect("a valid model");
    let ensemble = Ensemble::new(&spec, &world.ensemble).expect("valid inputs");
    let run = |points: usize, method: &str| RunSettings {
        precision: Some(Precision::F32),
        arithmetic: Some(Arithmetic::Exact),
        method: Some(method.to_string()),
        save: Some(Save::Points(points)),
        ..world.run.clone()
    };
    // All of them are in a few steps.
    for method in ["tsit5", "dop853"] {
        let run = run(32767, method);
        let stored =
            |backend: &mut dyn Backend| solve_ensemble(&spec, &run, &ensemble, backend).expect("the run works");
        let (on_gpu, on_cpu) = (stored(&mut gpu), stored(&mut CpuBackend::new()));
        assert_eq!(on_cpu.n_finished(), 3);
        let bits = |result: &EnsembleResult| result.saved.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert!(bits(&on_gpu) == bits(&on_cpu), "{method}");
    }
    let wanted = world.statistics.clone().expect("they are there");
    let most = run(32767, "tsit5");
    let reduced = |backend: &mut dyn Backend| sweep(&spec, &most, &ensemble, &wanted, backend).expect("the run works");
    let (on_gpu, on_cpu) = (reduced(&mut gpu), reduced(&mut CpuBackend::new()));
    for name in &on_cpu.summaries {
        let of = |result: &SweepResult| result.summary(name).map(|q| (q.min, q.max));
        let ((g_min, g_max), (c_min, c_max)) = of(&on_gpu).zip(of(&on_cpu)).expect("it is there");
        // A sum of up to 32,766 intervals, in f32 on the device: half a unit of 1 each at most.
        let tolerance = if name.starts_with("time_above") { 32_766.0 * 2f64.powi(-24) } else { 0.0 };
        assert!((g_min - c_min).abs() <= tolerance && (g_max - c_max).abs() <= tolerance, "{name}: {g_min} {c_min}");
    }
    if gpu.is_software() {
        let refused = solve_ensemble(&spec, &run(32768, "tsit5"), &ensemble, &mut gpu).expect_err("it is one too many");
        assert_eq!(
            refused.to_string(),
            "32768 save times are more than the 32767 that the loops of a software adapter can be trusted with; save fewer times, or use the backend cpu, which computes on the same processor"
        );
    }
}
