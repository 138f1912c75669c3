//! Speed and size, printed and not asserted: `cargo test --release --test speed -- --nocapture`. Answers are compared
//! before a time is printed. On a software adapter only the ratios mean anything.
#![cfg(feature = "gpu")]

#[path = "speed/kernels.rs"]
mod kernels;

use ensolve::gpu::GpuBackend;
use ensolve::job::{Job, Saves};
use ensolve::method::{Controller, tableau};
use ensolve::spec::EnsembleSettings;
use ensolve::{
    Arithmetic, Backend, CompiledSpec, CpuBackend, Ensemble, EnsembleResult, Method, Precision, RunSettings, Save,
    Tolerance, World, solve_ensemble,
};
use kernels::{Clock, Device};
use std::time::{Duration, Instant};

const N_TRAJ: usize = 262_144;
const N_STEPS: u32 = 1000;
const DT: f64 = 1e-3;

fn rho(i: usize) -> f64 {
    21.0 * i as f64 / (N_TRAJ - 1) as f64
}

fn lorenz() -> World {
    World::new("lorenz")
        .state("x", 1.0)
        .state("y", 0.0)
        .state("z", 0.0)
        .parameter("rho", 28.0)
        .derivative("x", "10*(y - x)")
        .derivative("y", "x*(rho - z) - y")
        .derivative("z", "x*y - 8/3*z")
}

/// Runs of the same ensemble, by rk4 with steps of 1e-3 to t = 1 or by tsit5 with tolerances of 1e-5 to t = 10.
struct Contest {
    spec: CompiledSpec,
    ensemble: Ensemble,
    run: RunSettings,
}

impl Contest {
    fn new(method: &str) -> Self {
        let spec = lorenz().compile().expect("a valid model");
        let values = ensolve::Distribution::Values((0..N_TRAJ).map(rho).collect());
        let vary = [("rho".to_string(), values)].into_iter().collect();
        let settings = EnsembleSettings { vary, ..Default::default() };
        let ensemble = Ensemble::new(&spec, &settings).expect("valid inputs");
        let tolerance = Some(Tolerance::Scalar(1e-5));
        let run = match method {
            "rk4" => RunSettings { tspan: Some((0.0, DT * f64::from(N_STEPS))), dt: Some(DT), ..Default::default() },
            _ => {
                RunSettings { tspan: Some((0.0, 10.0)), rtol: tolerance.clone(), atol: tolerance, ..Default::default() }
            }
        };
        let run = RunSettings {
            method: Some(method.to_string()),
            save: Some(Save::Final),
            precision: Some(Precision::F32),
            ..run
        };
        Contest { spec, ensemble, run }
    }

    /// Seconds of a run, everything included, and its result.
    fn solve(&self, backend: &mut dyn Backend, is_software: bool) -> (f64, EnsembleResult) {
        let clock = Clock::start(is_software);
        let result = solve_ensemble(&self.spec, &self.run, &self.ensemble, backend).expect("the run works");
        (clock.seconds(), result)
    }
}

/// Compares with the CPU in f64.
fn check(method: &str, contest: &Contest, got: &EnsembleResult) {
    let run = RunSettings { precision: Some(Precision::F64), ..contest.run.clone() };
    let start = Instant::now();
    let cpu = solve_ensemble(&contest.spec, &run, &contest.ensemble, &mut CpuBackend::new()).expect("the run works");
    println!("  cpu backend f64 {:.3} s of wall time", start.elapsed().as_secs_f64());
    let (got, want) = (got.values("x").expect("a state"), cpu.values("x").expect("a state"));
    let far = got.iter().zip(&want).filter(|(got, want)| !((*got - *want).abs() < 1e-3)).count();
    // 1000 steps in f32, each rounding to 6e-8 of 20, stay within 1e-3 on the short span of rk4. Up to t = 10 rounding, and the
    // tolerance of each step, grow, and a trajectory near the boundary between two fixed points may end at the other one.
    let most = if method == "rk4" { 0 } else { N_TRAJ / 100 };
    assert!(far <= most, "{method}: {far} of {N_TRAJ} values differ");
}

/// What slices cost: runs in slices of 50 ms, in slices of 10 s, and without slices and lists of what is unfinished, by turns.
fn slices(method: &str) {
    let gpus: Vec<GpuBackend> = (0..3).map_while(|_| GpuBackend::new(None).ok()).collect();
    let Ok([sliced, mut long, single]) = <[GpuBackend; 3]>::try_from(gpus) else {
        println!("no adapter: nothing measured");
        return;
    };
    let (contest, is_software, name) = (Contest::new(method), sliced.is_software(), sliced.describe());
    long.aim_at(Duration::from_secs(10));
    let mut gpus = [sliced, long, single.with_slice_steps(u32::MAX)];
    println!("lorenz, {method}, {N_TRAJ} trajectories, end to end on {name}, medians of 7");
    check(method, &contest, &contest.solve(&mut gpus[0], is_software).1);
    let mut times = [const { Vec::new() }; 3];
    for round in 0..8 {
        let [a, b, c] = gpus.each_mut().map(|gpu| contest.solve(gpu, is_software));
        assert_eq!(a.1.n_finished(), N_TRAJ, "{method}");
        assert!(a.1.saved == b.1.saved && a.1.saved == c.1.saved, "{method}: results depend on slices");
        // The first ones compile.
        if round > 0 {
            times.iter_mut().zip([a.0, b.0, c.0]).for_each(|(times, time)| times.push(time));
        }
    }
    let [sliced, long, single] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!("  slices of 50 ms {sliced:.3} s, {:.3} of the rate of slices of 10 s", long / sliced);
    println!("  in a single dispatch, without lists {single:.3} s");
}

#[test]
fn slices_of_fixed_steps() {
    slices("rk4");
}

#[test]
fn slices_of_adaptive_steps() {
    slices("tsit5");
}

/// What is compared with a kernel written by hand.
struct Rival {
    name: &'static str,
    by_hand: &'static str,
    method: Method,
    compensated: bool,
    t1: f64,
}

/// Lorenz with fixed steps of 1e-3 to t = 1, and with tolerances of 1e-5 to t = 1 and to t = 10.
fn rivals() -> Vec<Rival> {
    let fixed = |method: &str| Method::fixed(tableau(method).expect("a method"), DT).expect("a step size");
    let controller = Controller { dt_first: Some(DT), ..Controller::default() };
    let adaptive = Method::adaptive(tableau("tsit5").expect("a method"), controller).expect("an adaptive method");
    let rival = |name, by_hand, method: &Method, compensated, t1| Rival {
        name,
        by_hand,
        method: method.clone(),
        compensated,
        t1,
    };
    let (rk4, tsit5) = (fixed("rk4"), fixed("tsit5"));
    let by_hand = include_str!("speed/tsit5_adaptive.wgsl");
    vec![
        rival("rk4", include_str!("speed/rk4.wgsl"), &rk4, false, 1.0),
        rival("rk4, compensated", include_str!("speed/rk4_compensated.wgsl"), &rk4, true, 1.0),
        rival("tsit5, fixed", include_str!("speed/tsit5.wgsl"), &tsit5, false, 1.0),
        rival("tsit5, fixed, compensated", include_str!("speed/tsit5_compensated.wgsl"), &tsit5, true, 1.0),
        rival("tsit5, adaptive", by_hand, &adaptive, false, 1.0),
        rival("tsit5, adaptive, compensated", by_hand, &adaptive, true, 1.0),
        rival("tsit5, adaptive, t = 10", by_hand, &adaptive, false, 10.0),
    ]
}

/// The best of many dispatches of both kernels by turns: on a machine that others use, a short one finds a quiet moment.
fn compare(device: &Device, rho: &[f32], rival: &Rival) {
    let spec = lorenz().compile().expect("a valid model");
    let job = Job {
        program: &spec.program,
        method: &rival.method,
        precision: Precision::F32,
        arithmetic: Arithmetic::Standard,
        compensated: rival.compensated,
        t0: 0.0,
        t1: rival.t1,
        saves: Saves::At(vec![rival.t1]),
        cuts: Vec::new(),
        own_span: false,
        rtol: vec![1e-5; 3],
        atol: vec![1e-5; 3],
        max_steps: 100_000,
    };
    let by_hand = rival.by_hand.replace("T_END: f32 = 1.0", &format!("T_END: f32 = {:?}", rival.t1));
    let kernels = [device.by_hand(&by_hand, rho), device.generated(&job, rho)];
    let mut best = [f64::INFINITY; 2];
    for _ in 0..40 {
        for (best, kernel) in best.iter_mut().zip(&kernels) {
            *best = best.min(device.dispatch(kernel));
        }
    }
    let [(want, hand_steps), (got, steps)] = kernels.each_ref().map(|kernel| device.results(kernel));
    let far = want.iter().zip(&got).filter(|(want, got)| !((*want - *got).abs() < 1e-3)).count();
    // Steps that differ in their last bits leave differences of rounding; up to t = 10 a trajectory near the boundary between
    // two fixed points may end at the other one, which few do.
    assert!(far * 100 <= want.len(), "{}: {far} of {} values differ", rival.name, want.len());
    // A log2 of other rounding moves a step across the line between accepted and rejected in one of thousands.
    assert!(steps.abs_diff(hand_steps) * 1000 <= hand_steps, "{}: {steps} steps, by hand {hand_steps}", rival.name);
    let rates = [hand_steps as f64 / best[0] / 1e6, steps as f64 / best[1] / 1e6];
    println!(
        "  {:30} by hand {:7.1} Msteps/s, generated {:7.1} Msteps/s, {:.2} of it",
        rival.name,
        rates[0],
        rates[1],
        rates[1] / rates[0]
    );
}

#[test]
fn lorenz_kernels_against_kernels_written_by_hand() {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let Some(adapter) = adapters.first() else {
        println!("no adapter: nothing measured");
        return;
    };
    let info = adapter.get_info();
    // Enough to fill a GPU many times over; a software adapter is full with a few.
    let n = if info.device_type == wgpu::DeviceType::Cpu { 4096 } else { 1 << 20 };
    let rho: Vec<f32> = (0..n).map(|i| (21.0 * i as f64 / (n - 1) as f64) as f32).collect();
    let device = Device::new(adapter);
    println!("lorenz, f32, {n} trajectories in one dispatch on {}, fastest of 40", info.name);
    rivals().iter().for_each(|rival| compare(&device, &rho, rival));
}

#[test]
fn a_kernel_of_20_states_compiles_soon() {
    let Ok(mut gpu) = GpuBackend::new(None) else {
        println!("no adapter: nothing measured");
        return;
    };
    let mut world = World::new("lorenz96").parameter("f", 8.0);
    for i in 0..20 {
        let (before, ahead, two) = ((i + 19) % 20, (i + 1) % 20, (i + 18) % 20);
        world = world
            .state(format!("x{i}"), if i == 0 { 8.01 } else { 8.0 })
            .derivative(format!("x{i}"), format!("(x{ahead} - x{two})*x{before} - x{i} + f"));
    }
    let run = |method: &str| RunSettings {
        tspan: Some((0.0, 1.0)),
        method: Some(method.to_string()),
        save: Some(Save::Final),
        ..Default::default()
    };
    for method in ["bs23", "dopri5", "tsit5"] {
        let spec = world.compile().expect("a valid model");
        let start = Instant::now();
        let result = solve_ensemble(&spec, &run(method), &Ensemble::single(), &mut gpu).expect("the run works");
        let first = start.elapsed();
        let reference =
            solve_ensemble(&spec, &run(method), &Ensemble::single(), &mut CpuBackend::new()).expect("the run works");
        // The initial difference of 0.01 grows to order 1, and so do, three-hundred-fold, the rounding and the tolerance of
        // 1e-6 of values of about 8 in some hundred steps: tsit5 and dopri5 come to 8e-3, bs23 with its 300 steps to 5e-2.
        for (got, want) in result.final_states.iter().zip(&reference.final_states) {
            assert!((got - want).abs() < 0.1, "{method}: {got} is not {want}");
        }
        let again =
            solve_ensemble(&spec, &run(method), &Ensemble::single(), &mut gpu).expect("the run works").info.elapsed;
        println!(
            "lorenz-96 with 20 states, {method}: first solve {:.2?}, second {again:.2?} on {}",
            first,
            gpu.describe()
        );
    }
}

#[test]
fn a_million_trajectories_in_bounded_memory() {
    let spec = lorenz().compile().expect("a valid model");
    let vary = [("rho".to_string(), ensolve::Distribution::Uniform(0.0, 21.0))].into_iter().collect();
    let settings = EnsembleSettings { size: Some(1_000_000), seed: Some(1), sampling: None, vary };
    let ensemble = Ensemble::new(&spec, &settings).expect("valid inputs");
    let run = RunSettings { tspan: Some((0.0, 0.1)), rtol: None, save: Some(Save::Final), ..Default::default() };
    let result = solve_ensemble(&spec, &run, &ensemble, &mut CpuBackend::new()).expect("the run works");
    assert_eq!(result.n_finished(), 1_000_000);
    println!(
        "1,000,000 trajectories, final state only: {:.2?} on {}, peak memory {}",
        result.info.elapsed,
        result.info.backend,
        peak_memory()
    );
}

/// Largest resident size of this process, where the system tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .map_or("unknown".to_string(), |kb| kb.trim().to_string())
}
