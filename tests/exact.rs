//! Exact arithmetic: the GPU's result has the CPU's bits, for every trajectory, status and step count, on models that
//! between them call every function, and whatever the slices, chunks, workgroups and lanes.

#![cfg(feature = "gpu")]

mod common;

use common::{compiled, gpu};
use ensolve::expr::func::FUNCTIONS;
use ensolve::gpu::GpuBackend;
use ensolve::job::Backend;
use ensolve::{
    Arithmetic, CompiledSpec, CpuBackend, Ensemble, EnsembleResult, Precision, Save, Status, Tolerance, World,
    solve_ensemble,
};
use std::collections::HashSet;

/// Trajectories of each comparison.
const N_TRAJ: u64 = 10_000;

/// Name and model. In the last but two trajectories fail in several ways; in the one after it constants of 0 meet infinity, NaN
/// and signs, and a difference is one of a value with itself; in the last one callbacks and stops cut the integration.
const MODELS: [(&str, &str); 8] = [
    (
        "exponential",
        r#"{"states": {"x": 0.5, "y": 1.0, "z": 2.0}, "parameters": {"a": 1.0, "b": 0.3},
            "derivatives": {
                "x": "a*exp(-x^2) - b*expm1(0.1*x) - 0.2*exp2(0.3*x)*log2(1 + y^2)",
                "y": "log(2 + x^2) - log1p(0.5*y^2) + b*cbrt(x - y) - 0.1*log10(1 + z^2)",
                "z": "-b*pow(1 + x^2, 0.3 + 0.1*a) + hypot(x, y) - 0.5*sqrt(1 + z^2)"},
            "ensemble": {"vary": {"a": {"uniform": [0.5, 2]}, "x": {"normal": [0.5, 1]}, "z": {"normal": [2, 1]}}}}"#,
    ),
    (
        "circular",
        r#"{"states": {"q": 1.0, "w": 0.0, "r": 0.2}, "parameters": {"k": 2.0, "f": 1.5},
            "derivatives": {
                "q": "w + 0.1*asin(sin(r)) + 0.05*tan(0.3*cos(q))",
                "w": "-k*sin(q) - 0.1*w + 0.3*cos(f*t + 100*r) + 0.1*acos(0.9*cos(w))",
                "r": "0.2*atan(w) - 0.1*atan2(sin(r), 2 + cos(q))"},
            "ensemble": {"vary": {"q": {"uniform": [-3, 3]}, "f": {"loguniform": [0.1, 30]}, "k": {"uniform": [0, 5]}}}}"#,
    ),
    (
        "hyperbolic",
        r#"{"states": {"u": 0.1, "v": -0.4, "n": 0.6}, "parameters": {"g": 1.0},
            "derivatives": {
                "u": "tanh(g*v) - 0.3*sinh(0.5*u) + 0.1*min(u, v, n)",
                "v": "-u - 0.2*v*cosh(0.3*v) + 0.1*asinh(3*n) + 0.05*sign(v)",
                "n": "0.2*acosh(1 + u^2) - n*max(0.5, abs(v)) + 0.1*atanh(0.9*tanh(u)) - clamp(n, -0.1, 0.1)"},
            "ensemble": {"vary": {"g": {"uniform": [0.1, 3]}, "u": {"normal": [0, 2]}, "v": {"normal": [0, 2]}}}}"#,
    ),
    (
        "rounding",
        r#"{"states": {"x": 0.3, "y": 0.7}, "parameters": {"p": 0.9},
            "derivatives": {
                "x": "1 + 0.3*mod(x + t, p) - 0.1*round(x) + 0.1*(x > y && t < 0.5 ? floor(y) : ceil(y))",
                "y": "0.5 + 0.2*rem(2*y, p) - 0.05*trunc(x) + (x != y ? 0.01 : 1)"},
            "ensemble": {"vary": {"x": {"uniform": [-2, 2]}, "y": {"uniform": [-2, 2]}, "p": {"uniform": [0.5, 1.5]}}}}"#,
    ),
    (
        "lorenz",
        r#"{"states": {"x": 1.0, "y": 0.0, "z": 0.0}, "parameters": {"sigma": 10, "rho": 28, "beta": 2.6666666666666665},
            "derivatives": {"x": "sigma*(y - x)", "y": "x*(rho - z) - y", "z": "x*y - beta*z"},
            "outputs": {"r": "sqrt(x^2 + y^2 + z^2)", "angle": "atan2(y, x)"},
            "ensemble": {"vary": {"rho": {"uniform": [0, 28]}, "x": {"normal": [1, 0.5]}}}}"#,
    ),
    (
        "failures",
        r#"{"states": {"x": 1.0, "y": 0.5, "s": 1.0}, "parameters": {"a": 1.0, "stiff": 1.0},
            "derivatives": {
                "x": "a*x^2 - x",
                "y": "log(y) - a*y",
                "s": "-stiff*(s - sin(t))"},
            "ensemble": {"vary": {"a": {"uniform": [-1, 4]}, "y": {"uniform": [0.05, 3]}, "stiff": {"loguniform": [1, 3e5]}}}}"#,
    ),
    (
        "zeros",
        r#"{"states": {"x": 1.0, "y": 0.0, "still": 0.0}, "parameters": {"a": 0.3}, "let": {"none": "0", "n": "floor(x) - 1"},
            "derivatives": {"x": "none*y", "y": "-0.5*y + sign(0*(-x)) + a", "still": 0},
            "outputs": {
                "quotient": "none/n", "product": "atan2(none*(-x), -1)", "far": "min(0*(1/n), 1)",
                "difference": "exp(1000*a*x) - exp(1000*a*x)", "equal": "none/n == none/n ? 1 : 2"},
            "ensemble": {"vary": {"x": {"uniform": [0, 4]}, "a": {"uniform": [-0.1, 0.1]}}}}"#,
    ),
    (
        "sampled",
        r#"{"components": {
                "arm": {"q": {"integrated": 0.2}, "w": {"integrated": 0.0}, "kick": {"parameter": 0.4}},
                "pid": {"u": {"discrete": 0.0, "dt": 0.05}, "sum": {"discrete": 0.0}, "k": {"parameter": 5.0}}},
            "entities": {"a": {"arm": {}}, "c": {"pid": {}}},
            "systems": {"s": {"slots": {"a": "arm", "c": "pid"}, "groups": [["a", "c"]], "derivatives": {
                "a.q": "a.w", "a.w": "c.u - 9.81*sin(a.q) - 0.1*a.w + (t < a.kick ? 0 : 3) + (t > 0.33 ? 1 : 0)"}}},
            "callbacks": {
                "inner": {"dt": 0.05, "at_start": true, "parameters": {"dt": 0.05}, "set": {
                    "c.pid.u": "clamp(c.pid.k*(0.5 - a.arm.q) + c.pid.sum, -8, 8)", "c.pid.sum": "c.pid.sum + dt*(0.5 - a.arm.q)"}},
                "outer": {"dt": 0.075, "set": {"c.pid.sum": "a.arm.w > 4 ? log(-a.arm.w) : 0.9*c.pid.sum"}}},
            "stops": [0.33, "a.arm.kick", "a.arm.kick + 0.2"],
            "ensemble": {"vary": {"a.arm.kick": {"uniform": [-0.1, 1.1]}, "c.pid.k": {"uniform": [0, 40]}}}}"#,
    ),
];

/// Models, methods or number formats that an adapter is spared, by a part of its name, and why.
const SKIPS: [(&str, &str, &str); 5] = [
    ("SwiftShader", "dop853", "its compiler takes minutes over long kernels"),
    ("SwiftShader", "f32x2", "its compiler takes minutes over long kernels"),
    ("SwiftShader", "exponential", "its compiler takes minutes over long kernels"),
    ("SwiftShader", "circular", "its compiler takes minutes over long kernels"),
    ("SwiftShader", "rounding", "its compiler takes minutes over long kernels"),
];

/// The models for an adapter.
fn models(gpu: &GpuBackend) -> Vec<(&'static str, &'static str)> {
    let adapter = gpu.adapter().name.clone();
    MODELS.into_iter().filter(|(model, _)| !is_skipped(&adapter, model)).collect()
}

fn is_skipped(adapter: &str, what: &str) -> bool {
    let skip = SKIPS.iter().find(|(part, name, _)| adapter.contains(part) && *name == what);
    skip.inspect(|(.., why)| println!("{what} is skipped on {adapter}: {why}")).is_some()
}

/// The world of a model with its run: short, with saves inside steps, and few steps, so that some run out of them.
fn world(json: &str, method: &str, precision: Precision) -> World {
    let mut world = World::from_json(json).expect("a model");
    let run = &mut world.run;
    run.tspan = Some((0.0, 1.0));
    run.method = Some(method.to_string());
    run.dt = (method == "rk4").then_some(0.02);
    run.max_steps = Some(300);
    run.save = Some(Save::Points(4));
    run.rtol = Some(Tolerance::Scalar(if precision == Precision::F32 { 1e-4 } else { 1e-6 }));
    run.precision = Some(precision);
    run.arithmetic = Some(Arithmetic::Exact);
    world.ensemble.seed = Some(7);
    world.ensemble.size = Some(N_TRAJ);
    world
}

fn solved(spec: &CompiledSpec, world: &World, n: u64, backend: &mut dyn Backend) -> EnsembleResult {
    let settings = ensolve::EnsembleSettings { size: Some(n), ..world.ensemble.clone() };
    let ensemble = Ensemble::new(spec, &settings).expect("an ensemble");
    solve_ensemble(spec, &world.run, &ensemble, backend).expect("a run")
}

/// Every bit of everything that a run returns.
fn assert_same(a: &EnsembleResult, b: &EnsembleResult, what: &str) {
    for i in 0..a.n_traj() {
        let at = format!("{what}, trajectory {i}");
        assert_eq!(a.status[i], b.status[i], "status, {at}");
        assert_eq!((a.accepted[i], a.rejected[i]), (b.accepted[i], b.rejected[i]), "steps, {at}");
        assert_eq!(a.culprit[i], b.culprit[i], "culprit, {at}");
        assert_eq!(a.t_end[i].to_bits(), b.t_end[i].to_bits(), "end time {} and {}, {at}", a.t_end[i], b.t_end[i]);
        let last = a.final_states.column(i).into_iter().zip(b.final_states.column(i));
        last.for_each(|(x, y)| assert_eq!(key(*x), key(*y), "last state {x} and {y}, {at}"));
    }
    for ((index, x), y) in a.saved.indexed_iter().zip(&b.saved) {
        assert_eq!(key(*x), key(*y), "saved {x} and {y} at {index:?}, {what}");
    }
}

/// The bits, but one NaN for all: which of them an operation returns is the processor's business.
fn key(x: f64) -> u64 {
    if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }
}

#[test]
fn the_models_call_every_function() {
    let text: String = MODELS.iter().map(|(_, json)| *json).collect();
    let called = |name: &str| text.contains(&format!("{name}("));
    let missing: Vec<&str> = FUNCTIONS.iter().map(|row| row.name).filter(|name| !called(name)).collect();
    assert!(missing.is_empty(), "never called: {missing:?}");
}

/// Methods for a model. dop853 has stages that only dense output uses, and two error estimates; its kernel is long, and one
/// model is enough, one that fails in every way.
fn methods(model: &str) -> Vec<&'static str> {
    let long = (model == "failures").then_some("dop853");
    ["rk4", "dopri5", "tsit5"].into_iter().chain(long).collect()
}

/// Runs models in a precision by several methods on both backends.
fn compare_backends(precision: Precision, n: u64, chosen: impl Fn(&str) -> bool) {
    let Some(mut gpu) = gpu() else { return };
    if precision == Precision::F64 && !gpu.adapter().f64 {
        println!("skipped: the adapter '{}' has no f64", gpu.adapter().name);
        return;
    }
    if is_skipped(&gpu.adapter().name, precision.name()) {
        return;
    }
    let mut failed = HashSet::new();
    for (name, json) in models(&gpu).into_iter().filter(|(name, _)| chosen(name)) {
        let adapter = gpu.adapter().name.clone();
        for method in methods(name).into_iter().filter(|method| !is_skipped(&adapter, method)) {
            let world = world(json, method, precision);
            let spec = world.compile().expect("a model");
            let on_gpu = solved(&spec, &world, n, &mut gpu);
            let on_cpu = solved(&spec, &world, n, &mut CpuBackend::new());
            assert_same(&on_gpu, &on_cpu, &format!("{name} by {method} in {precision}"));
            let (n, finished) = (on_gpu.n_traj(), on_gpu.n_finished());
            assert!(finished > n / 10, "{name} by {method} in {precision}: only {finished} of {n} finished");
            failed.extend(on_gpu.status);
        }
    }
    for status in [Status::NonFinite, Status::StepLimit] {
        assert!(failed.contains(&status), "no trajectory ended as {}", status.name());
    }
}

#[test]
fn f32_has_the_same_bits_on_both_backends() {
    compare_backends(Precision::F32, N_TRAJ, |_| true);
}

/// Tolerances decide which steps need a closer look: those whose errors may be within the rounding of a state, and those of
/// states whose tolerance is 0.
#[test]
fn any_tolerances_have_the_same_bits() {
    let Some(mut gpu) = gpu() else { return };
    let each = |values: [(&str, f64); 3]| {
        Tolerance::PerState(values.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
    };
    let all = Tolerance::Scalar;
    let (lorenz, zeros) = (MODELS[4], MODELS[6]);
    let cases = [
        (lorenz, each([("x", 1e-3), ("y", 1e-5), ("z", 0.0)]), each([("x", 0.0), ("y", 1e-6), ("z", 1e-3)])),
        (lorenz, all(0.0), all(1e-2)),
        (lorenz, all(0.0), all(2e-6)),
        (zeros, all(1e-4), all(0.0)),
    ];
    let mut seen = HashSet::new();
    for ((name, json), rtol, atol) in cases {
        for dt in [None, Some(1e-3)] {
            let mut world = world(json, "tsit5", Precision::F32);
            (world.run.rtol, world.run.atol, world.run.dt) = (Some(rtol.clone()), Some(atol.clone()), dt);
            let spec = world.compile().expect("a model");
            let on_gpu = solved(&spec, &world, 1000, &mut gpu);
            let what = format!("{name}, rtol {rtol:?}, atol {atol:?}, first step {dt:?}");
            assert_same(&on_gpu, &solved(&spec, &world, 1000, &mut CpuBackend::new()), &what);
            seen.extend(on_gpu.status);
        }
    }
    for status in [Status::Success, Status::ToleranceNotReachable] {
        assert!(seen.contains(&status), "no trajectory ended as {}", status.name());
    }
}

/// Where the last of many fixed steps is hardly longer than the rounding of time, the step before it reaches the end, too, as times
/// are rounded: the state that is saved is the last one all the same.
#[test]
fn the_end_alone_has_the_same_bits_and_is_the_last_state() {
    let Some(mut gpu) = gpu() else { return };
    let (name, json) = models(&gpu)[0];
    for n_steps in [999.001, 4999.0003, 5000.0, 20_000.000_02] {
        let mut world = world(json, "rk4", Precision::F32);
        let (t0, t1) = world.run.tspan.expect("a span");
        (world.run.save, world.run.dt) = (Some(Save::Final), Some((t1 - t0) / n_steps));
        let spec = world.compile().expect("a model");
        let on_cpu = solved(&spec, &world, 64, &mut CpuBackend::new());
        assert_same(&solved(&spec, &world, 64, &mut gpu), &on_cpu, &format!("{name}, {n_steps} steps"));
        let saved = on_cpu.saved.slice(ndarray::s![0, ..on_cpu.n_state, ..]);
        let ended = |i: &usize| on_cpu.status[*i] == Status::Success;
        assert!((0..64).filter(ended).all(|i| saved.column(i) == on_cpu.final_states.column(i)), "{n_steps} steps");
    }
}

/// Of save times that are one number in f32 some lie before, at and after a firing, and some inside a step and at the end.
#[test]
fn close_save_times_have_the_same_bits() {
    let Some(mut gpu) = gpu() else { return };
    let sampled = MODELS.iter().find(|(name, _)| *name == "sampled").map_or("", |(_, json)| json);
    for method in ["tsit5", "rk4"] {
        let mut world = world(sampled, method, Precision::F32);
        let times = vec![0.02, 0.02 + 1e-10, 0.25 - 1e-9, 0.25, 0.25 + 1e-9, 0.4, 1.0 - 1e-9, 1.0];
        (world.run.save, world.run.save_after_firing) = (Some(Save::At(times)), Some(true));
        let spec = world.compile().expect("a model");
        let on_gpu = solved(&spec, &world, 64, &mut gpu);
        assert_same(&on_gpu, &solved(&spec, &world, 64, &mut CpuBackend::new()), method);
        let is_good = |(i, status): (usize, &Status)| {
            *status != Status::Success || on_gpu.saved.slice(ndarray::s![.., .., i]).iter().all(|x| x.is_finite())
        };
        assert!(on_gpu.status.iter().enumerate().all(is_good), "{method}");
        assert!(on_gpu.n_finished() > 8, "{method}");
    }
}

#[test]
fn f64_has_the_same_bits_on_both_backends() {
    compare_backends(Precision::F64, N_TRAJ, |_| true);
}

/// Its kernels take long to compile: two models, one of which fails in every way.
#[test]
fn f32x2_has_the_same_bits_on_both_backends() {
    compare_backends(Precision::F32x2, 1000, |name| ["failures", "zeros"].contains(&name));
}

/// Slices, chunks, workgroups and lanes are how a run is carried out; none of them may show.
#[test]
fn no_bit_depends_on_how_a_run_is_cut() {
    let Some(_) = gpu() else { return };
    const N: u64 = 700; // no multiple of anything
    for (name, json) in [MODELS[4], MODELS[5]] {
        for method in ["rk4", "dopri5"] {
            let world = world(json, method, Precision::F32);
            let spec = world.compile().expect("a model");
            let whole = solved(&spec, &world, N, &mut gpu().expect("the adapter that was there"));
            let mut cuts: Vec<(String, Box<dyn Backend>)> = Vec::new();
            for steps in [1, 7] {
                cuts.push((format!("slices of {steps}"), Box::new(gpu().expect("an adapter").with_slice_steps(steps))));
            }
            for size in [1, 32, 256] {
                cuts.push((
                    format!("workgroups of {size}"),
                    Box::new(gpu().expect("an adapter").with_workgroup_size(size)),
                ));
            }
            for lanes in [1, 16, 80] {
                cuts.push((format!("{lanes} lanes"), Box::new(CpuBackend::new().with_lanes(lanes))));
            }
            for (cut, mut backend) in cuts {
                assert_same(&whole, &solved(&spec, &world, N, backend.as_mut()), &format!("{name} by {method}, {cut}"));
            }
            let ensemble = Ensemble::new(&spec, &ensolve::EnsembleSettings { size: Some(N), ..world.ensemble.clone() });
            let ensemble = ensemble.expect("an ensemble");
            let mut gpu = gpu().expect("an adapter");
            for range in [0..1, 1..130, 130..N] {
                let (first, silent) = (range.start as usize, ensolve::job::Silent);
                let piece = ensolve::solve::solve_range(&spec, &world.run, &ensemble, range, &mut gpu, &silent);
                let piece = piece.expect("a run");
                for i in 0..piece.n_traj() {
                    let (a, b) = (whole.final_states.column(first + i), piece.final_states.column(i));
                    let bits = |state: ndarray::ArrayView1<f64>| state.iter().map(|x| key(*x)).collect::<Vec<_>>();
                    assert_eq!(bits(a), bits(b), "{name} by {method}, trajectory {} in chunks", first + i);
                }
            }
        }
    }
}

/// GL has no way to keep arithmetic as written: there exact mode holds by luck or is refused with the operation that differs,
/// never granted unseen. (llvmpipe regroups sums.)
#[test]
fn exact_arithmetic_is_refused_with_the_reason_or_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("lorenz.json"), MODELS[4].1).expect("written");
    let run = |backend: &str, out: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_ensolve"))
            .args(["run", "lorenz.json", "--tspan", "0", "1", "--n", "100", "--precision", "f32", "--exact"])
            .args(["--backend", backend, "--out", out])
            .env("WGPU_BACKEND", "gl")
            .current_dir(folder.path())
            .output()
            .expect("the program starts")
    };
    let on_gpu = run("gpu", "gpu.csv");
    let message = String::from_utf8_lossy(&on_gpu.stderr).into_owned();
    if message.contains("no GPU adapter found") {
        println!("skipped: no GL here");
    } else if on_gpu.status.success() {
        assert!(run("cpu", "cpu.csv").status.success());
        let text = |name: &str| std::fs::read_to_string(path(name)).expect("written");
        assert_eq!(text("gpu.csv"), text("cpu.csv"));
    } else {
        assert!(message.contains("exact arithmetic does not hold on the adapter"), "{message}");
        assert!(message.contains("use the backend cpu, or standard arithmetic"), "{message}");
    }
}

#[test]
fn fast_math_is_for_f32_on_a_gpu() {
    let spec = compiled(r#"{"states": {"x": 1}, "derivatives": {"x": "-sin(x)"}}"#);
    let run =
        ensolve::RunSettings { tspan: Some((0.0, 1.0)), arithmetic: Some(Arithmetic::FastMath), ..Default::default() };
    let refused = ensolve::solve(&spec, &run, &mut CpuBackend::new()).expect_err("the cpu has no adapter");
    assert!(refused.to_string().contains("leave out fast-math, or use the backend gpu"), "{refused}");
    let Some(mut gpu) = gpu() else { return };
    let fast = ensolve::solve(&spec, &run, &mut gpu).expect("a run");
    let ours = ensolve::RunSettings { arithmetic: None, ..run.clone() };
    let ours = ensolve::solve(&spec, &ours, &mut gpu).expect("a run");
    let (a, b) = (fast.final_state[0], ours.final_state[0]);
    // WGSL allows sin an error of 2^-11.
    assert!((a - b).abs() < 5e-4, "{a} and {b}");
    if gpu.adapter().f64 {
        let double = ensolve::RunSettings { precision: Some(Precision::F64), ..run };
        let refused = ensolve::solve(&spec, &double, &mut gpu).expect_err("no built-in functions in f64");
        assert!(refused.to_string().contains("exist in f32 only, not in f64"), "{refused}");
    }
}
