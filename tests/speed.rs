//! Speed and size, printed and not asserted: `cargo test --release --test speed -- --nocapture`. Answers are compared
//! before a time is printed. On a software adapter only the ratios mean anything.
#![cfg(feature = "gpu")]

use ensolve::gpu::GpuBackend;
use ensolve::spec::EnsembleSettings;
use ensolve::{Backend, CpuBackend, Ensemble, Precision, RunSettings, Save, World, solve_ensemble};
use std::time::Instant;

const N_TRAJ: usize = 65536;
const N_STEPS: u32 = 1000;
const DT: f64 = 1e-3;

/// The same problem as a person would write it: one loop, everything in registers, only the final state stored.
const HAND_WRITTEN: &str = "
@group(0) @binding(0) var<storage, read> rho: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;

fn f(y: vec3<f32>, rho: f32) -> vec3<f32> {
    return vec3<f32>(10.0 * (y.y - y.x), y.x * (rho - y.z) - y.y, y.x * y.y - 2.6666667 * y.z);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= arrayLength(&rho) { return; }
    let r = rho[id.x];
    let h = 0.001;
    var x = vec3<f32>(1.0, 0.0, 0.0);
    for (var n = 0u; n < 1000u; n += 1u) {
        let k1 = f(x, r);
        let k2 = f(x + 0.5 * h * k1, r);
        let k3 = f(x + 0.5 * h * k2, r);
        let k4 = f(x + h * k3, r);
        x = x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
    }
    y[id.x] = vec4<f32>(x, 0.0);
}
";

fn rho(i: usize) -> f64 {
    21.0 * i as f64 / (N_TRAJ - 1) as f64
}

/// Seconds of the fastest of some runs after a first one, and the last result.
fn fastest<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let mut result = work();
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        result = work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    (best, result)
}

/// Final x of every trajectory by the hand-written kernel, uploads and downloads included.
fn hand_written(adapter: &wgpu::Adapter) -> (f64, Vec<f32>) {
    let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).expect("the adapter was listed");
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(HAND_WRITTEN.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    });
    let buffer = |size: usize, usage| {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: size as u64,
            usage,
            mapped_at_creation: false,
        })
    };
    let inputs: Vec<f32> = (0..N_TRAJ).map(|i| rho(i) as f32).collect();
    let rho_buffer = buffer(4 * N_TRAJ, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST);
    let y_buffer = buffer(16 * N_TRAJ, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
    let staging = buffer(16 * N_TRAJ, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
    let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[
            wgpu::BindGroupEntry { binding: 0, resource: rho_buffer.as_entire_binding() },
            wgpu::BindGroupEntry { binding: 1, resource: y_buffer.as_entire_binding() },
        ],
    });
    fastest(|| {
        queue.write_buffer(&rho_buffer, 0, bytemuck::cast_slice(&inputs));
        let mut encoder = device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &bind_group, &[]);
            pass.dispatch_workgroups(N_TRAJ.div_ceil(64) as u32, 1, 1);
        }
        encoder.copy_buffer_to_buffer(&y_buffer, 0, &staging, 0, 16 * N_TRAJ as u64);
        queue.submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., |result| result.expect("the staging buffer is mappable"));
        device.poll(wgpu::PollType::wait_indefinitely()).expect("the device works");
        let values: Vec<f32> = bytemuck::cast_slice(&staging.get_mapped_range(..).expect("mapped above")).to_vec();
        staging.unmap();
        values.into_iter().step_by(4).collect()
    })
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

/// Final x of every trajectory by the generated kernel or the CPU, everything included.
fn generated(backend: &mut dyn Backend, precision: Precision) -> (f64, Vec<f32>) {
    let spec = lorenz().compile().expect("a valid model");
    let values = ensolve::Distribution::Values((0..N_TRAJ).map(rho).collect());
    let settings = EnsembleSettings { vary: [("rho".to_string(), values)].into_iter().collect(), ..Default::default() };
    let ensemble = Ensemble::new(&spec, &settings).expect("valid inputs");
    let run = RunSettings {
        tspan: Some((0.0, DT * f64::from(N_STEPS))),
        method: Some("rk4".to_string()),
        dt: Some(DT),
        save: Some(Save::Final),
        precision: Some(precision),
        ..Default::default()
    };
    let (seconds, result) = fastest(|| solve_ensemble(&spec, &run, &ensemble, backend).expect("the run works"));
    (seconds, result.values("x").expect("a state").iter().map(|x| *x as f32).collect())
}

#[test]
fn lorenz_rk4_against_a_hand_written_kernel() {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let (Some(adapter), Ok(mut gpu)) = (adapters.first(), GpuBackend::new(None)) else {
        println!("no adapter: nothing measured");
        return;
    };
    let (by_hand, want) = hand_written(adapter);
    let (sliced, _) = generated(&mut gpu, Precision::F32);
    let mut gpu = gpu.with_slice_steps(N_STEPS);
    let (by_us, got) = generated(&mut gpu, Precision::F32);
    let (on_cpu, cpu) = generated(&mut CpuBackend::new(), Precision::F64);
    // 1000 steps in f32, each rounding to 6e-8 of 20: nearby orders of operations stay within 1e-3 on this short span.
    for (i, want) in want.iter().enumerate() {
        assert!(
            (want - got[i]).abs() < 1e-3 && (want - cpu[i]).abs() < 1e-3,
            "trajectory {i}: {want}, {}, {}",
            got[i],
            cpu[i]
        );
    }
    let rate = |seconds: f64| N_TRAJ as f64 * f64::from(N_STEPS) / seconds / 1e6;
    println!("lorenz, rk4, {N_TRAJ} trajectories of {N_STEPS} steps, end to end, fastest of 5");
    println!("  hand-written WGSL f32  {:8.1} Msteps/s on {}", rate(by_hand), adapter.get_info().name);
    println!("  generated kernel f32   {:8.1} Msteps/s in one dispatch, {:.2} of it", rate(by_us), by_hand / by_us);
    println!("                         {:8.1} Msteps/s in slices of 50 ms", rate(sliced));
    println!("  cpu backend f64        {:8.1} Msteps/s", rate(on_cpu));
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
        // One time unit multiplies errors by about e^1.7; the tolerance is 1e-6 of values of about 8.
        for (got, want) in result.final_states.iter().zip(&reference.final_states) {
            assert!((got - want).abs() < 1e-3, "{method}: {got} is not {want}");
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
