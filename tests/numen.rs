//! numen's demonstrations and checks with the figures that numen gives: how many steps, what is conserved, where it ends.

mod common;

use common::{assert_close, backends};
use ensolve::spec::{Component, Entity, System};
use ensolve::{CompiledSpec, CpuBackend, Precision, RunSettings, Save, SolveResult, Status, Tolerance, World, solve};
use std::f64::consts::TAU;
use std::path::Path;

/// Settings as numen's backend for SciPy has them, in f64.
fn settings(t1: f64, rtol: f64, atol: f64, save: Option<Save>) -> RunSettings {
    RunSettings {
        tspan: Some((0.0, t1)),
        method: Some("RK45".to_string()),
        rtol: Some(Tolerance::Scalar(rtol)),
        atol: Some(Tolerance::Scalar(atol)),
        precision: Some(Precision::F64),
        save,
        ..RunSettings::default()
    }
}

/// An example on the CPU.
fn example(model: &str, run: &RunSettings) -> SolveResult {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/models/{model}.json"));
    let spec = World::from_file(path).and_then(|world| world.compile()).expect("an example");
    solve(&spec, run, &mut CpuBackend::new()).expect("a run")
}

/// Undamped oscillators that start at rest.
fn oscillators(x0: &[f64], omega: f64) -> CompiledSpec {
    let component = Component::new().integrated("position", 1.0).integrated("velocity", 0.0).parameter("omega", omega);
    let motion = System::new().slot("o", "oscillator").derivative("o.position", "o.velocity");
    let motion = motion.derivative("o.velocity", "-o.omega^2*o.position");
    let world = World::new("oscillators").component("oscillator", component).system("motion", motion);
    let add = |world: World, (i, x0): (usize, &f64)| {
        world.entity(format!("osc{i}"), Entity::new().set("oscillator", "position", *x0))
    };
    x0.iter().enumerate().fold(world, add).compile().expect("a model")
}

/// Model, end, rtol, atol, and the points of SciPy's RK45 with every step saved, t0 included.
const STEPS: [(&str, f64, f64, f64, usize); 4] = [
    ("oscillator", 5.0, 1e-9, 1e-9, 476),
    ("coupled_spring", 10.0, 1e-10, 1e-10, 1150),
    ("nonlinear_oscillator", 20.0, 1e-9, 1e-9, 1838),
    ("fluid_poppet", 0.15, 1e-8, 1e-10, 1999),
];

#[test]
fn steps_are_about_as_many_as_in_scipy() {
    for (model, t1, rtol, atol, scipy) in STEPS {
        let result = example(model, &settings(t1, rtol, atol, None));
        let (n, ratio) = (result.t.len(), result.t.len() as f64 / scipy as f64);
        assert_eq!((result.status, n), (Status::Success, result.accepted as usize + 1), "{model}");
        // The tableau and the error norm are SciPy's; the controller looks at the last error too, which costs up to 12 %.
        assert!((0.85..1.15).contains(&ratio), "{model}: {n} points, {scipy} in SciPy");
    }
}

#[test]
fn coupled_springs_keep_momentum_and_energy() {
    let result = example("coupled_spring", &settings(10.0, 1e-10, 1e-10, None));
    let output = |name: &str| result.series(name).expect("an output").to_vec();
    let all = |value: f64| vec![value; result.t.len()];
    // Runge-Kutta methods keep sums of states: what is left is rounding.
    assert_close(&output("momentum"), &all(0.0), 0.0, 1e-13, 1.0, "momentum");
    // numen documents a drift of about 1e-8 J.
    assert_close(&output("energy"), &all(5.0), 0.0, 1e-8, 2.0, "energy");
}

#[test]
fn three_oscillators_are_the_same_on_both_backends() {
    let spec = oscillators(&[0.1, 0.2, 0.3], TAU);
    let run = settings(2.0, 1e-10, 1e-12, Some(Save::Final));
    for mut tested in backends().into_iter().filter(|tested| tested.precisions.contains(&Precision::F64)) {
        let result = solve(&spec, &run, tested.backend.as_mut()).expect("a run");
        let on_cpu = solve(&spec, &run, &mut CpuBackend::new()).expect("a run");
        let (got, want) = (result.final_state.to_vec(), on_cpu.final_state.to_vec());
        // numen compares its backends to 1e-9.
        assert_close(&got, &want, 0.0, 1e-9, 1.0, tested.name);
        assert_close(&got, &[0.1, 0.0, 0.2, 0.0, 0.3, 0.0], 0.0, 1e-9, 1.0, "after two periods");
    }
}

/// numen's own model has no dynamics here, and its x stays at 1 at all times.
#[test]
fn the_oscillator_of_numen_check_moves_and_comes_back() {
    #[allow(clippy::approx_constant)] // numen rounds it so
    let spec = oscillators(&[1.0], 6.2832);
    for mut tested in backends() {
        let run = RunSettings { precision: None, ..settings(1.0, 1e-6, 1e-8, Some(Save::At(vec![0.25, 0.5, 1.0]))) };
        let x = solve(&spec, &run, tested.backend.as_mut()).expect("a run").x.row(0).to_vec();
        // numen's own bound.
        assert_close(&x, &[0.0, -1.0, 1.0], 0.0, 1e-4, 1.0, tested.name);
    }
}

/// The demonstration of the damped oscillator prints the state at 0.25 s.
#[test]
fn a_snapshot_of_the_oscillator() {
    const T: f64 = 0.25;
    let want = [0.04809737884883821, -5.815849628541292];
    let state = |snapshot: &ensolve::Snapshot| {
        ["position", "velocity"].map(|field| snapshot.get("osc", "oscillator", field).expect("a state")[0])
    };
    let run = |save| settings(5.0, 1e-9, 1e-9, save);
    let saved = example("oscillator", &run(Some(Save::At(vec![0.0, T, 5.0]))));
    let at_saved = saved.at_saved(T).expect("a snapshot");
    assert_eq!(at_saved, saved.at(T).expect("a snapshot"));
    assert_close(&state(&at_saved), &want, 1e-9, 1e-9, 1.0, "saved");

    // numen's demonstration saves every step, and takes the first point that is not earlier.
    let steps = example("oscillator", &run(None));
    let k = steps.t.iter().position(|t| *t >= T).expect("a later step");
    assert_eq!(state(&steps.at_saved(T).expect("a snapshot")), [steps.x[[0, k]], steps.x[[1, k]]]);
    // Between steps there is a straight line: off by up to h^2/8 of the second derivative, w^2 and w^3 at most.
    let h = steps.t[k] - steps.t[k - 1];
    let got = state(&steps.at(T).expect("a snapshot"));
    for (i, power) in [(0, 2), (1, 3)] {
        let bound = h * h / 8.0 * TAU.powi(power);
        assert!((got[i] - want[i]).abs() < bound, "{got:?} is not {want:?} within {bound}");
    }
}

#[test]
fn any_number_of_oscillators() {
    for mut tested in backends().into_iter().filter(|tested| tested.precisions.contains(&Precision::F64)) {
        // Large kernels in f64 take long to compile.
        for n in [1, 5, 20, 50, 100].into_iter().filter(|n| tested.name == "cpu" || *n <= 20) {
            let x0: Vec<f64> = (0..n).map(|i| f64::from(i % 10 + 1) * 0.1).collect();
            let spec = oscillators(&x0, TAU);
            assert_eq!((spec.state_size(), spec.param_size()), (2 * n as usize, n as usize));
            let result = solve(&spec, &settings(2.0, 1e-6, 1e-8, None), tested.backend.as_mut()).expect("a run");
            assert_eq!(result.status, Status::Success, "{n} on {}", tested.name);
            for (i, x0) in x0.iter().enumerate() {
                let want: Vec<f64> = result.t.iter().map(|t| x0 * (TAU * t).cos()).collect();
                let context = format!("oscillator {i} of {n} on {}", tested.name);
                // Each of some sixty steps adds a part of the tolerance.
                assert_close(&result.x.row(2 * i).to_vec(), &want, 1e-6, 1e-8, 2.0, &context);
            }
        }
    }
}
