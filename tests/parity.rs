//! The GPU against the CPU, its twin: the same program, method and number format must give the same results, whole runs
//! and after a few steps, whatever the slices, chunks and neighbours of a trajectory.
//!
//! A WGSL compiler may fuse and regroup arithmetic, and the functions of the two differ in the last place, so that GPU
//! and CPU agree within rounding (fixed steps) or within tolerance units (adaptive steps). Two runs of one kernel agree
//! bit for bit.

#![cfg(feature = "gpu")]

mod common;

use common::{compiled, gpu};
use ensolve::job::Silent;
use ensolve::method::TABLEAUS;
use ensolve::solve::solve_range;
use ensolve::spec::{EnsembleSettings, Map, Tolerance};
use ensolve::{
    Arithmetic, Backend, CompiledSpec, CpuBackend, Distribution, Ensemble, EnsembleResult, Precision, RunSettings,
    Save, Status, Tableau, World, solve_ensemble,
};
use std::path::Path;

/// A model, what varies, and a time span over which neighbouring trajectories stay neighbours.
struct System {
    spec: CompiledSpec,
    ensemble: Ensemble,
    tspan: (f64, f64),
    /// A fixed step with which every method is stable.
    dt: f64,
}

fn system(world: World, vary: &[(&str, Distribution)], size: u64, tspan: (f64, f64), dt: f64) -> System {
    let spec = world.compile().unwrap_or_else(|e| panic!("{e}"));
    let vary: Map<Distribution> = vary.iter().map(|(name, d)| (name.to_string(), d.clone())).collect();
    let settings = EnsembleSettings { size: Some(size), seed: Some(3), sampling: None, vary };
    let ensemble = Ensemble::new(&spec, &settings).unwrap_or_else(|e| panic!("{e}"));
    System { spec, ensemble, tspan, dt }
}

fn example(name: &str) -> World {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models").join(format!("{name}.json"));
    World::from_file(path).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn lorenz(size: u64) -> System {
    let vary = [("rho", Distribution::Uniform(0.0, 28.0)), ("x", Distribution::Normal(1.0, 0.1))];
    system(example("lorenz"), &vary, size, (0.0, 1.5), 0.0078125)
}

fn forced(size: u64) -> System {
    let world = World::new("forced pendulum")
        .state("angle", 0.5)
        .state("rate", 0.0)
        .parameter("force", 1.0)
        .derivative("angle", "rate")
        .derivative("rate", "-sin(angle) - 0.1*rate + force*cos(1.5*t)*exp(-0.2*t)")
        .output("energy", "0.5*rate^2 - cos(angle)");
    let vary = [("force", Distribution::Uniform(0.0, 1.0)), ("angle", Distribution::Uniform(-1.0, 1.0))];
    system(world, &vary, size, (-1.0, 5.0), 0.03125)
}

fn systems(size: u64) -> Vec<System> {
    let spring = [("s1.spring.k", Distribution::Uniform(8.0, 12.0)), ("m2.mass.mass", Distribution::Uniform(0.8, 1.2))];
    let damped = [("osc.nl_oscillator.c1", Distribution::LogUniform(0.1, 10.0))];
    vec![
        lorenz(size),
        system(example("coupled_spring"), &spring, size, (0.0, 5.0), 0.03125),
        system(example("nonlinear_oscillator"), &damped, size, (0.0, 2.0), 0.0078125),
        forced(size),
    ]
}

const RTOL: f64 = 1e-4;
const ATOL: f64 = 1e-5;

/// Settings of an f32 run; save times lie between the steps, and at both ends.
fn settings(system: &System, method: &str) -> RunSettings {
    let (t0, t1) = system.tspan;
    let at = [0.0, 0.0137, 0.13, 0.377, 0.71, 1.0].map(|part| t0 + part * (t1 - t0));
    RunSettings {
        tspan: Some(system.tspan),
        method: Some(method.to_string()),
        rtol: Some(Tolerance::Scalar(RTOL)),
        atol: Some(Tolerance::Scalar(ATOL)),
        save: Some(Save::At(at.to_vec())),
        precision: Some(Precision::F32),
        ..RunSettings::default()
    }
}

fn solve(system: &System, run: &RunSettings, backend: &mut dyn Backend) -> EnsembleResult {
    solve_ensemble(&system.spec, run, &system.ensemble, backend).unwrap_or_else(|e| panic!("{}: {e}", system.spec.name))
}

fn on_cpu(system: &System, run: &RunSettings) -> EnsembleResult {
    solve(system, run, &mut CpuBackend::new())
}

/// Size of trajectory `i`: its largest saved or final value. Differences are measured against it, since an error in one
/// state enters all.
fn size_of(result: &EnsembleResult, i: usize) -> f64 {
    let saved = result.saved.outer_iter().flat_map(|rows| rows.column(i).to_vec());
    let all = saved.chain(result.final_states.column(i).to_vec());
    all.filter(|v| v.is_finite()).fold(0.0, |most: f64, v| most.max(v.abs()))
}

/// Asserts equal statuses.
fn assert_same_status(gpu: &EnsembleResult, cpu: &EnsembleResult, context: &str) {
    let differ: Vec<usize> = (0..cpu.n_traj()).filter(|i| gpu.status[*i] != cpu.status[*i]).collect();
    assert!(differ.is_empty(), "{context}: statuses of {differ:?} differ: {:?}, cpu {:?}", gpu.status, cpu.status);
}

/// Largest difference of saved values in units that depend on the trajectory. Values must be NaN together.
fn saved_difference(gpu: &EnsembleResult, cpu: &EnsembleResult, unit: impl Fn(usize) -> f64, context: &str) -> f64 {
    let mut worst: f64 = 0.0;
    for ((place, a), b) in gpu.saved.indexed_iter().zip(&cpu.saved) {
        assert_eq!(a.is_nan(), b.is_nan(), "{context}: saved{place:?} is {a}, on the cpu {b}");
        worst = if a.is_nan() { worst } else { worst.max((a - b).abs() / unit(place.2)) };
    }
    worst
}

/// Largest difference of final states in units that depend on the trajectory.
fn final_difference(gpu: &EnsembleResult, cpu: &EnsembleResult, unit: impl Fn(usize) -> f64) -> f64 {
    let differences = gpu.final_states.indexed_iter().zip(&cpu.final_states);
    differences.fold(0.0, |worst: f64, (((_, i), a), b)| worst.max((a - b).abs() / unit(i)))
}

/// Methods that f32 is not for, and why.
const NOT_IN_F32: [(&str, &str); 1] =
    [("vern6", "weights of 176 and -172 multiply the rounding of a step by 350: 2e-5 in f32, compared in f64 instead")];

fn f32_methods() -> impl Iterator<Item = &'static Tableau> {
    TABLEAUS.into_iter().filter(|t| {
        let skip = NOT_IN_F32.iter().find(|(name, _)| *name == t.name);
        skip.inspect(|(name, why)| println!("{name} is skipped in f32: {why}")).is_none()
    })
}

// ---- fixed steps: units of rounding ----

/// One step rounds a few times for each stage and state, by half a unit each; the functions of two languages differ by
/// up to three units, of which a step takes the part dt. Measured on llvmpipe: 0.7.
const ONE_STEP: f64 = 4.0;

/// Rounding of ten steps, of which most cancels; standard arithmetic sums the arguments of stages from y on, which rounds them
/// up to six times where the CPU rounds once. Measured on llvmpipe: 8.8 (tsit5).
const TEN_STEPS: f64 = 20.0;

/// Rounding of some two hundred steps, grown by the dynamics (trajectories of the lorenz system part by e^0.9 in one unit
/// of time, more in a bad moment). Measured on llvmpipe: 23.
const WHOLE_FIXED_RUN: f64 = 100.0;

#[test]
fn fixed_steps_agree_within_rounding() {
    let Some(mut gpu) = gpu() else { return };
    for system in systems(96) {
        for tableau in f32_methods() {
            let (t0, t1) = system.tspan;
            let spans = [(1.0, ONE_STEP), (10.0, TEN_STEPS), (((t1 - t0) / system.dt).round(), WHOLE_FIXED_RUN)];
            for (steps, factor) in spans {
                let context = format!("{}, {}, {steps} steps", system.spec.name, tableau.name);
                let part = System {
                    tspan: (t0, t0 + steps * system.dt),
                    spec: system.spec.clone(),
                    ensemble: system.ensemble.clone(),
                    dt: system.dt,
                };
                let run = RunSettings { dt: Some(part.dt), adaptive: Some(false), ..settings(&part, tableau.name) };
                let (gpu, cpu) = (solve(&part, &run, &mut gpu), on_cpu(&part, &run));
                assert_same_status(&gpu, &cpu, &context);
                assert_eq!((&gpu.accepted, &gpu.t_end), (&cpu.accepted, &cpu.t_end), "{context}");
                assert!(gpu.accepted.iter().all(|n| f64::from(*n) == steps), "{context}: {:?}", gpu.accepted);
                let unit = |i| f64::from(f32::EPSILON) * size_of(&cpu, i);
                let worst = saved_difference(&gpu, &cpu, unit, &context).max(final_difference(&gpu, &cpu, unit));
                println!("{context}: {worst:.2} of {factor} rounding units");
                assert!(worst <= factor, "{context}: {worst} rounding units, at most {factor}");
            }
        }
    }
}

// ---- adaptive steps: units of the tolerance ----

/// The errors of a few steps are below a unit each on either backend, and nearly the same on both: rounding moves a step
/// size and the solution hardly. Measured on llvmpipe: 0.10.
const FEW_ADAPTIVE_STEPS: f64 = 0.5;

/// Global errors of two step sequences: where rounding decides about one step, all later ones differ. Most methods are within a
/// few units of the true solution, dop853 on the lorenz system within 12, in f64 too. Measured on llvmpipe: 9.1.
const WHOLE_ADAPTIVE_RUN: f64 = 16.0;

/// The automatic first step is made of a few norms, a square root and a power of 1e-6 relative accuracy. Later step
/// sizes have no such bound: where the error estimate cancels to rounding noise, so does the step made of it. Measured
/// on llvmpipe: 1e-4.
const FIRST_STEP_NOISE: f64 = 1e-3;

/// Of 96 trajectories this many may accept a step that the other backend rejects: an error norm so near to 1 that
/// rounding decides. Measured on llvmpipe: 2.
const MOST_FLIPPED: usize = 5;

fn adaptive_methods() -> impl Iterator<Item = &'static str> {
    f32_methods().filter(|t| t.error.is_some()).map(|t| t.name)
}

fn tolerance_unit(cpu: &EnsembleResult) -> impl Fn(usize) -> f64 + '_ {
    |i| ATOL + RTOL * size_of(cpu, i)
}

#[test]
fn adaptive_steps_agree_within_the_tolerance() {
    let Some(mut gpu) = gpu() else { return };
    for system in systems(96) {
        for method in adaptive_methods() {
            let context = format!("{}, {method}", system.spec.name);
            let run = settings(&system, method);
            let (gpu, cpu) = (solve(&system, &run, &mut gpu), on_cpu(&system, &run));
            assert_same_status(&gpu, &cpu, &context);
            assert_eq!(gpu.n_finished(), gpu.n_traj(), "{context}");
            assert_eq!(gpu.t_end, cpu.t_end, "{context}");
            let unit = tolerance_unit(&cpu);
            let worst = saved_difference(&gpu, &cpu, &unit, &context).max(final_difference(&gpu, &cpu, &unit));
            println!("{context}: {worst:.4} of {WHOLE_ADAPTIVE_RUN} tolerance units");
            assert!(worst <= WHOLE_ADAPTIVE_RUN, "{context}: {worst} tolerance units");
        }
    }
}

/// `max_steps` cuts a run short: the state after a few steps shows where two backends part.
#[test]
fn a_few_adaptive_steps_agree_within_the_tolerance() {
    let Some(mut gpu) = gpu() else { return };
    for system in systems(96) {
        for method in adaptive_methods() {
            // Ten steps of the highest orders are nearly the whole run.
            let few = if ensolve::method::tableau(method).is_ok_and(|t| t.order > 5) { 4 } else { 10 };
            for steps in [1, few] {
                let context = format!("{}, {method}, {steps} steps", system.spec.name);
                let run = RunSettings { max_steps: Some(steps), ..settings(&system, method) };
                let (gpu, cpu) = (solve(&system, &run, &mut gpu), on_cpu(&system, &run));
                assert_same_status(&gpu, &cpu, &context);
                let cut = gpu.status.iter().filter(|status| **status == Status::StepLimit).count();
                assert!(cut > gpu.n_traj() / 2, "{context}: {:?}", gpu.status_counts());
                assert!(gpu.accepted.iter().zip(&gpu.rejected).all(|(a, r)| a + r <= steps), "{context}");
                let alike = decided_alike(&gpu, &cpu);
                let flipped = gpu.n_traj() - alike.len();
                assert!(flipped <= MOST_FLIPPED, "{context}: {flipped} trajectories accept other steps");
                let noise = time_noise(&system, &gpu, &cpu);
                let worst = end_difference(&system, &gpu, &cpu, &alike);
                println!(
                    "{context}: {worst:.4} of {FEW_ADAPTIVE_STEPS} tolerance units, time moved by {noise:.4}, {flipped} flipped"
                );
                assert!(worst <= FEW_ADAPTIVE_STEPS, "{context}: {worst} tolerance units");
                assert!(steps > 1 || noise <= FIRST_STEP_NOISE, "{context}: the first step differs by {noise}");
            }
        }
    }
}

/// Trajectories that took the same decisions on both backends.
fn decided_alike(gpu: &EnsembleResult, cpu: &EnsembleResult) -> Vec<usize> {
    (0..cpu.n_traj()).filter(|i| gpu.accepted[*i] == cpu.accepted[*i] && gpu.rejected[*i] == cpu.rejected[*i]).collect()
}

/// Largest relative difference of the end times, measured from the start.
fn time_noise(system: &System, gpu: &EnsembleResult, cpu: &EnsembleResult) -> f64 {
    let passed = |t: f64| t - system.tspan.0;
    let pairs = gpu.t_end.iter().zip(&cpu.t_end);
    pairs.fold(0.0, |worst: f64, (g, c)| worst.max((passed(*g) / passed(*c) - 1.0).abs()))
}

/// The solution in f64 and with small tolerances at the end times of both results.
fn reference(system: &System, gpu: &EnsembleResult, cpu: &EnsembleResult) -> EnsembleResult {
    let mut times = [&gpu.t_end[..], &cpu.t_end[..]].concat();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let run = RunSettings {
        rtol: Some(Tolerance::Scalar(1e-9)),
        atol: Some(Tolerance::Scalar(1e-9)),
        save: Some(Save::At(times)),
        precision: Some(Precision::F64),
        ..settings(system, "dopri5")
    };
    on_cpu(system, &run)
}

/// Error of a final state, at its own end time.
fn end_error(result: &EnsembleResult, reference: &EnsembleResult, slot: usize, i: usize) -> f64 {
    let save = reference.t.iter().position(|t| *t == result.t_end[i]).expect("the reference has every end time");
    result.final_states[(slot, i)] - reference.saved[(save, slot, i)]
}

/// Largest difference of the errors of the final states, each at its own end time, in units of the tolerance.
fn end_difference(system: &System, gpu: &EnsembleResult, cpu: &EnsembleResult, some: &[usize]) -> f64 {
    let reference = reference(system, gpu, cpu);
    let places = some.iter().flat_map(|i| (0..gpu.n_state).map(move |slot| (slot, *i)));
    let difference = |(slot, i)| {
        let errors = [gpu, cpu].map(|result| end_error(result, &reference, slot, i));
        (errors[0] - errors[1]).abs() / (ATOL + RTOL * size_of(cpu, i))
    };
    places.map(difference).fold(0.0, f64::max)
}

// ---- one kernel: bit for bit ----

/// Asserts that trajectory `i` of `a` and trajectory `j` of `b` are the same, bit for bit.
fn assert_same_trajectory(a: &EnsembleResult, i: usize, b: &EnsembleResult, j: usize, context: &str) {
    let bits = |r: &EnsembleResult, k: usize| -> Vec<u64> {
        let saved = r.saved.outer_iter().flat_map(|rows| rows.column(k).to_vec());
        let canonical = |v: f64| if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() };
        saved.chain(r.final_states.column(k).to_vec()).chain([r.t_end[k]]).map(canonical).collect()
    };
    assert_eq!(
        (a.status[i], a.accepted[i], a.rejected[i]),
        (b.status[j], b.accepted[j], b.rejected[j]),
        "{context}: trajectory {i}"
    );
    assert_eq!(bits(a, i), bits(b, j), "{context}: trajectory {i}");
}

fn assert_same_bits(a: &EnsembleResult, b: &EnsembleResult, context: &str) {
    assert_eq!(a.n_traj(), b.n_traj(), "{context}");
    (0..a.n_traj()).for_each(|i| assert_same_trajectory(a, i, b, i, context));
}

/// A fixed and an adaptive run; the second is also cut by `max_steps` for some trajectories.
fn two_runs(system: &System) -> [RunSettings; 2] {
    let fixed = RunSettings { dt: Some(system.dt), adaptive: Some(false), ..settings(system, "rk4") };
    let adaptive = RunSettings { max_steps: Some(40), ..settings(system, "tsit5") };
    [fixed, adaptive]
}

#[test]
fn slice_length_changes_no_bit() {
    let (Some(mut one), Some(mut seven), Some(mut adapted)) = (gpu(), gpu(), gpu()) else { return };
    (one, seven) = (one.with_slice_steps(1), seven.with_slice_steps(7));
    for system in [lorenz(100), forced(100)] {
        for run in two_runs(&system) {
            let want = solve(&system, &run, &mut adapted);
            let context = format!("{}, {}", system.spec.name, want.info.method);
            assert_same_bits(&solve(&system, &run, &mut one), &want, &format!("{context}, 1 step a slice"));
            assert_same_bits(&solve(&system, &run, &mut seven), &want, &format!("{context}, 7 steps a slice"));
        }
    }
}

#[test]
fn chunks_change_no_bit() {
    let Some(mut gpu) = gpu() else { return };
    let system = lorenz(200);
    for run in two_runs(&system) {
        let whole = solve(&system, &run, &mut gpu);
        for range in [0..1, 0..64, 1..200, 37..101, 199..200] {
            let part =
                solve_range(&system.spec, &run, &system.ensemble, range.clone(), &mut gpu, &Silent).expect("a run");
            for i in range.clone() {
                let context = format!("{}, chunk {range:?}", whole.info.method);
                assert_same_trajectory(&part, (i - range.start) as usize, &whole, i as usize, &context);
            }
        }
    }
}

/// Numbers of trajectories around the workgroup size: none is forgotten, none is computed from a wrong index.
#[test]
fn the_number_of_trajectories_changes_no_bit() {
    let Some(mut gpu) = gpu() else { return };
    let run = settings(&lorenz(1), "tsit5");
    let most = solve(&lorenz(1000), &run, &mut gpu);
    let cpu = on_cpu(&lorenz(1000), &run);
    let worst = saved_difference(&most, &cpu, tolerance_unit(&cpu), "1000 trajectories");
    assert!(worst <= WHOLE_ADAPTIVE_RUN, "{worst} tolerance units");
    for n in [1, 63, 64, 65] {
        let few = solve(&lorenz(n), &run, &mut gpu);
        assert_eq!(few.n_traj() as u64, n);
        (0..n as usize).for_each(|i| assert_same_trajectory(&few, i, &most, i, &format!("{n} trajectories")));
    }
}

/// Save times only read the solution: they never change the steps.
#[test]
fn save_times_change_no_step() {
    let Some(mut gpu) = gpu() else { return };
    for system in [lorenz(100), forced(100)] {
        for run in two_runs(&system) {
            // In standard arithmetic the compiler may round the loop between save times in another way.
            let run = RunSettings { arithmetic: Some(Arithmetic::Exact), ..run };
            let many = solve(&system, &run, &mut gpu);
            let end = solve(&system, &RunSettings { save: Some(Save::Final), ..run }, &mut gpu);
            let context = format!("{}, {}", system.spec.name, many.info.method);
            assert_eq!(many.final_states, end.final_states, "{context}");
            assert_eq!((&many.accepted, &many.rejected), (&end.accepted, &end.rejected), "{context}");
        }
    }
}

// ---- trajectories in trouble ----

/// y' = y^2 with y(0) = y0 ends at t = 1/y0; `root` of a negative number is NaN from the start.
fn blow_up(y0: Vec<f64>, root: Vec<f64>) -> System {
    let world = World::new("blow-up")
        .state("y", 0.5)
        .parameter("root", 1.0)
        .derivative("y", "y^2*sqrt(root)")
        .output("twice", "2*y");
    let size = y0.len() as u64;
    system(world, &[("y", Distribution::Values(y0)), ("root", Distribution::Values(root))], size, (0.0, 1.0), 0.015625)
}

const N_TROUBLED: usize = 130;

/// Every third trajectory blows up and every seventh starts with NaN.
fn troubled() -> System {
    let y0 = (0..N_TROUBLED).map(|i| if i % 3 == 0 { 4.0 } else { healthy_y0(i) });
    let root = (0..N_TROUBLED).map(|i| if i % 7 == 0 { -1.0 } else { 1.0 });
    blow_up(y0.collect(), root.collect())
}

fn healthy_y0(i: usize) -> f64 {
    0.25 + 0.5 * i as f64 / N_TROUBLED as f64
}

fn is_troubled(i: usize) -> bool {
    i.is_multiple_of(3) || i.is_multiple_of(7)
}

#[test]
fn neighbours_of_a_diverging_trajectory_change_no_bit() {
    let Some(mut gpu) = gpu() else { return };
    let alone = blow_up((0..N_TROUBLED).map(healthy_y0).collect(), vec![1.0; N_TROUBLED]);
    for run in two_runs(&alone) {
        let run = RunSettings { max_steps: None, ..run };
        let (among, alone) = (solve(&troubled(), &run, &mut gpu), solve(&alone, &run, &mut gpu));
        assert_eq!(alone.n_finished(), N_TROUBLED);
        for i in 0..N_TROUBLED {
            match is_troubled(i) {
                true => assert_ne!(among.status[i], Status::Success, "trajectory {i} should be in trouble"),
                false => assert_same_trajectory(&among, i, &alone, i, "among diverging trajectories"),
            }
        }
    }
}

/// Every status, with the state and the time at which it arose, on both backends.
#[test]
fn statuses_of_troubled_trajectories_are_equal() {
    let Some(mut gpu) = gpu() else { return };
    let system = troubled();
    let [fixed, adaptive] = two_runs(&system);
    let adaptive = RunSettings { max_steps: None, ..adaptive };
    let limited = RunSettings { max_steps: Some(12), ..fixed.clone() };
    let coarse = RunSettings { dt_min: Some(0.01), ..adaptive.clone() };
    let runs = [
        ("fixed steps", fixed, Status::NonFinite),
        ("adaptive steps", adaptive, Status::DtUnderflow),
        ("few steps", limited, Status::StepLimit),
        ("dt_min", coarse, Status::DtUnderflow),
    ];
    for (context, run, expected) in runs {
        let (gpu, cpu) = (solve(&system, &run, &mut gpu), on_cpu(&system, &run));
        println!("{context}: {:?}", gpu.status_counts());
        assert_same_status(&gpu, &cpu, context);
        assert!(gpu.status[3..].contains(&expected), "{context}: {:?}", gpu.status_counts());
        assert_eq!(gpu.status[0], Status::NonFinite, "{context}: sqrt(-1) is NaN from the start");
        assert_eq!((gpu.accepted[0], gpu.t_end[0]), (0, 0.0), "{context}");
        let cut = (0..gpu.n_traj()).filter(|i| gpu.status[*i] == Status::StepLimit);
        cut.for_each(|i| assert_eq!(gpu.t_end[i], 12.0 * system.dt, "{context}: 12 steps of trajectory {i}"));
        assert_rows_end_with_the_trajectory(&gpu, context);
        assert_rows_end_with_the_trajectory(&cpu, context);
    }
}

/// Rows saved up to the end of a trajectory are numbers, later ones NaN.
fn assert_rows_end_with_the_trajectory(result: &EnsembleResult, context: &str) {
    for (save, t) in result.t.iter().enumerate() {
        for i in 0..result.n_traj() {
            let values = result.saved.slice(ndarray::s![save, .., i]);
            let reached = *t <= result.t_end[i];
            assert!(
                values.iter().all(|v| v.is_nan() != reached),
                "{context}: trajectory {i} ended at {}, its row at {t} is {values}",
                result.t_end[i]
            );
        }
    }
}

/// How much longer a run may take when one trajectory becomes infinite half-way. A device may execute a step for all
/// trajectories of a workgroup where one needs it; it must not take the steps of a slice again and again.
const HOLD_UP: u32 = 20;

#[test]
fn a_diverging_trajectory_does_not_hold_up_the_others() {
    let Some(mut gpu) = gpu() else { return };
    let mut shortest = |y0: f64| {
        let mut all = vec![0.25; 64];
        all[5] = y0;
        let system = blow_up(all, vec![1.0; 64]);
        let run = RunSettings {
            dt: Some(1.0 / 65536.0),
            adaptive: Some(false),
            save: Some(Save::Final),
            ..settings(&system, "rk4")
        };
        // The first run compiles, and other work of the machine may slow any one down.
        let durations = [0, 1, 2].map(|_| solve(&system, &run, &mut gpu).info.elapsed);
        durations.into_iter().min().expect("three runs")
    };
    let (healthy, diverging) = (shortest(0.5), shortest(1.5));
    println!("{healthy:?}, with a diverging trajectory {diverging:?}");
    assert!(diverging < HOLD_UP * healthy, "{diverging:?} instead of {healthy:?}");
}

// ---- f64 ----

/// Rounding of f64, with the growth of a run.
const F64_PARITY: f64 = 1e-12;

/// The same for vern6, whose weights of 176 and -172 multiply rounding. Measured on llvmpipe: 2.1e-12.
const F64_PARITY_OF_VERN6: f64 = 1e-11;

#[test]
fn f64_agrees_where_the_adapter_has_it() {
    let Some(mut gpu) = gpu() else { return };
    for system in [lorenz(70), forced(70), troubled()] {
        let vern6 = RunSettings { dt: Some(system.dt), adaptive: Some(false), ..settings(&system, "vern6") };
        let runs = two_runs(&system).into_iter().map(|run| (run, F64_PARITY));
        for (run, most) in runs.chain([(vern6, F64_PARITY_OF_VERN6)]) {
            let run = RunSettings { precision: Some(Precision::F64), max_steps: None, ..run };
            let result = solve_ensemble(&system.spec, &run, &system.ensemble, &mut gpu);
            if !gpu.adapter().f64 {
                let error = result.expect_err("the adapter has no f64").to_string();
                assert!(
                    error.contains("has no f64 in kernels; use precision f32x2 (48 bits, on any adapter), f32, or the backend cpu for f64"),
                    "{error}"
                );
                return;
            }
            let (gpu, cpu) = (result.unwrap_or_else(|e| panic!("{e}")), on_cpu(&system, &run));
            let context = format!("{}, {}, f64", system.spec.name, gpu.info.method);
            assert_same_status(&gpu, &cpu, &context);
            let worst = saved_difference(&gpu, &cpu, |i| size_of(&cpu, i), &context);
            println!("{context}: relative difference {worst:e}");
            assert!(worst <= most, "{context}: relative difference {worst:e}");
        }
    }
}

// ---- models at the edge ----

/// A model without parameters, and one without states: WGSL has neither empty structs nor empty buffers.
#[test]
fn models_without_states_or_parameters_run() {
    let Some(mut gpu) = gpu() else { return };
    let no_parameters = r#"{"model": "m", "states": {"y": 1}, "derivatives": {"y": "-y"}}"#;
    let no_states = r#"{"model": "m", "parameters": {"a": 2}, "outputs": {"ramp": "a*t"}}"#;
    for json in [no_parameters, no_states] {
        let spec = compiled(json);
        for method in ["rk4", "tsit5"] {
            let run = RunSettings {
                tspan: Some((-0.5, 0.5)),
                method: Some(method.to_string()),
                dt: Some(0.125),
                save: Some(Save::At(vec![-0.5, 0.1, 0.5])),
                precision: Some(Precision::F32),
                ..RunSettings::default()
            };
            let [gpu, cpu] = [&mut gpu as &mut dyn Backend, &mut CpuBackend::new()]
                .map(|backend| solve_ensemble(&spec, &run, &Ensemble::single(), backend).expect("a run"));
            assert_same_status(&gpu, &cpu, json);
            // A few steps of one term.
            let worst = saved_difference(&gpu, &cpu, |_| f64::from(f32::EPSILON), json);
            assert!(worst <= ONE_STEP, "{json}, {method}: {worst} rounding units");
        }
    }
}

/// Some drivers end a loop after 65535 rounds: a run of more steps must not lose any.
#[test]
fn many_fixed_steps_are_all_taken() {
    let Some(mut gpu) = gpu() else { return };
    let spec = compiled(r#"{"states": {"x": 0}, "derivatives": {"x": 1}}"#);
    let dt = 1.0 / 131_072.0;
    let run = RunSettings {
        tspan: Some((0.0, 1.0)),
        method: Some("euler".to_string()),
        dt: Some(dt),
        save: Some(Save::Final),
        ..RunSettings::default()
    };
    let ensemble = Ensemble::single();
    for slice in [None, Some(u32::MAX), Some(10_000)] {
        if let Some(steps) = slice {
            gpu = gpu.with_slice_steps(steps);
        }
        let result = solve_ensemble(&spec, &run, &ensemble, &mut gpu).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((result.status[0], result.accepted[0]), (Status::Success, 131_072));
        // Multiples of 2^-17 up to 1 are exact in f32.
        assert_eq!(result.final_states[[0, 0]], 1.0, "slice {slice:?}");
    }
}
