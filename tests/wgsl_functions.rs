//! The hand-written WGSL functions on the adapter: every row of the function table against its f64 evaluator, and the
//! step-size controller against its formulas in f64.
//!
//! A probe kernel evaluates one function over a grid. Errors are counted in units in the last place of f32 (ulp);
//! NaN, infinities and zeros must be exactly right. `--nocapture` prints the table of largest errors.

#![cfg(feature = "gpu")]

mod common;

use common::compiled;
use ensolve::Precision;
use ensolve::expr::func::{Evaluator, FUNCTIONS, Row};
use ensolve::gpu::GpuBackend;
use ensolve::job::{Job, RunConfig};
use ensolve::method::{Controller, Method, tableaus};
use ensolve::wgsl::{MATH, WORKGROUP_SIZE};

// ---- probe kernels ----

/// Bindings of a probe's arguments and results, which no file of `shaders/` uses.
const ARGUMENTS: u32 = 20;
const RESULTS: u32 = 21;

/// An opened device.
struct Probe {
    device: wgpu::Device,
    queue: wgpu::Queue,
}

impl Probe {
    /// The adapter that the GPU backend takes, or `None` with the reason printed; a failure where
    /// `ENSOLVE_REQUIRE_GPU=1`.
    fn open() -> Option<Probe> {
        let name = match GpuBackend::new(None) {
            Ok(backend) => backend.adapter().name.clone(),
            Err(e) if std::env::var("ENSOLVE_REQUIRE_GPU").is_ok_and(|set| set == "1") => panic!("{e}"),
            Err(e) => {
                println!("skipped: {e}");
                return None;
            }
        };
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
        let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
        let adapter = adapters.into_iter().find(|adapter| adapter.get_info().name == name).expect("the same adapter");
        let opened = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()));
        let (device, queue) = opened.expect("a device");
        Some(Probe { device, queue })
    }

    fn buffer(&self, bytes: &[u8], usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes.len() as u64,
            usage: usage | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        self.queue.write_buffer(&buffer, 0, bytes);
        buffer
    }

    /// Runs `main` of a module once for each result. `uniform` is bound to binding 0, if given.
    fn run(&self, source: &str, uniform: Option<&[u8]>, arguments: &[[f32; 4]]) -> Vec<[f32; 4]> {
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: Default::default(),
            cache: None,
        });
        let bytes = bytemuck::cast_slice(arguments);
        let mut buffers = vec![
            (ARGUMENTS, self.buffer(bytes, wgpu::BufferUsages::STORAGE)),
            (RESULTS, self.buffer(&vec![0; bytes.len()], wgpu::BufferUsages::STORAGE)),
        ];
        buffers.extend(uniform.map(|bytes| (0, self.buffer(bytes, wgpu::BufferUsages::UNIFORM))));
        let entries: Vec<_> = buffers
            .iter()
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding: *binding, resource: buffer.as_entire_binding() })
            .collect();
        let layout = pipeline.get_bind_group_layout(0);
        let bind_group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &layout,
            entries: &entries,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &bind_group, &[]);
            pass.dispatch_workgroups((arguments.len() as u32).div_ceil(WORKGROUP_SIZE), 1, 1);
        }
        self.download(encoder, &buffers[1].1)
    }

    fn download(&self, mut encoder: wgpu::CommandEncoder, buffer: &wgpu::Buffer) -> Vec<[f32; 4]> {
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: buffer.size(),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, buffer.size());
        self.queue.submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., |result| result.expect("a mapped buffer"));
        self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
        let view = staging.get_mapped_range(..).expect("a mapped range");
        bytemuck::pod_collect_to_vec(&view)
    }
}

/// A module whose `main` computes `results[i]` from `x = arguments[i]`.
fn probe_source(functions: &str, value: &str) -> String {
    format!(
        "{functions}
@group(0) @binding({ARGUMENTS}) var<storage, read> probe_arguments: array<vec4<f32>>;
@group(0) @binding({RESULTS}) var<storage, read_write> probe_results: array<vec4<f32>>;

@compute @workgroup_size({WORKGROUP_SIZE})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
    if id.x >= arrayLength(&probe_results) {{
        return;
    }}
    let x = probe_arguments[id.x];
    probe_results[id.x] = {value};
}}
"
    )
}

// ---- grids ----

/// Numbers from a fixed seed: G. Marsaglia, "Xorshift RNGs", J. Stat. Softw. 8 (2003) 14.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }

    /// Any f32, NaN and infinities among them.
    fn any(&mut self) -> f32 {
        f32::from_bits(self.bits())
    }

    fn uniform(&mut self, lo: f64, hi: f64) -> f32 {
        (lo + (hi - lo) * f64::from(self.bits()) / f64::from(u32::MAX)) as f32
    }
}

/// Zeros, ones, the ends of the range, and where a function changes its formula.
fn special() -> Vec<f32> {
    let positive = [
        0.0,
        1.0,
        0.5,
        2.0,
        3.0,
        1.5,
        2.5,
        4.0,
        7.0,
        10.0,
        0.1,
        0.25,
        0.6,
        0.625,
        1.0 / 3.0,
        1e-3,
        1e-7,
        2.98e-8,
        1e-10,
        1e-20,
        1e-30,
        1e-37,
        1e3,
        4095.0,
        4097.0,
        6399.0,
        6433.0,
        8388608.0,
        8388607.5,
        16777216.0,
        4294967296.0,
        1e10,
        1e18,
        1e20,
        1e30,
        1e38,
        17.5,
        87.3,
        88.72,
        88.73,
        89.5,
        90.1,
        103.9,
        105.1,
        126.0,
        127.0,
        128.0,
        149.0,
        150.5,
        f32::EPSILON,
        f32::MIN_POSITIVE,
        f32::MAX,
        f32::INFINITY,
        std::f32::consts::PI,
        std::f32::consts::FRAC_PI_2,
        std::f32::consts::FRAC_PI_4,
        std::f32::consts::E,
        std::f32::consts::SQRT_2,
    ];
    let subnormal = [f32::from_bits(1), f32::from_bits(0x0040_0000), f32::from_bits(0x007f_ffff)];
    let mut all: Vec<f32> = positive.into_iter().chain(subnormal).flat_map(|x| [x, -x]).collect();
    all.extend([f32::NAN, 1.0f32.next_up(), 1.0f32.next_down(), -1.0f32.next_up(), -1.0f32.next_down()]);
    all.extend([0.5f32.next_up(), 0.5f32.next_down(), f32::MIN_POSITIVE.next_up()]);
    all
}

/// Arguments of a function of one argument: axes, signs, all magnitudes, and the neighbourhoods of 0, 1 and the
/// multiples of pi/2.
fn one_argument() -> Vec<[f32; 4]> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut all = special();
    all.extend((0..60_000).map(|_| random.any()));
    for reach in [1e-3, 1.0, 10.0, 120.0, 1e4] {
        all.extend((0..15_000).map(|_| random.uniform(-reach, reach)));
    }
    all.extend((-4000..4000).map(|k| f32::from_bits(1.0f32.to_bits().wrapping_add_signed(k))));
    all.extend((1..400).map(|k| k as f32 * 0.5));
    for k in (1..4_000).chain((4_000..3_000_000).step_by(997)) {
        let near = (f64::from(k) * std::f64::consts::FRAC_PI_2) as f32;
        all.extend([near, -near, near.next_up(), near.next_down()]);
    }
    all.into_iter().map(|x| [x, 0.0, 0.0, 0.0]).collect()
}

/// Arguments of a function of two: all pairs of special values, any bit patterns, whole and fractional exponents, powers
/// of numbers near 1, near multiples, and equal magnitudes.
fn two_arguments() -> Vec<[f32; 4]> {
    let mut random = Random(0xd1b5_4a32_d192_ed03);
    let special = special();
    let mut all: Vec<(f32, f32)> = special.iter().flat_map(|x| special.iter().map(|y| (*x, *y))).collect();
    all.extend((0..50_000).map(|_| (random.any(), random.any())));
    all.extend((0..20_000).map(|_| (random.uniform(-10.0, 10.0), random.uniform(-10.0, 10.0))));
    all.extend((0..20_000).map(|_| (random.uniform(-7.0, 7.0).exp2(), random.uniform(-40.0, 40.0))));
    all.extend((0..20_000).map(|_| (random.uniform(-20.0, 20.0), random.uniform(-30.0, 30.0).round())));
    all.extend((0..10_000).map(|_| (random.uniform(0.0, 100.0), (random.uniform(-40.0, 40.0)).round() * 0.25)));
    for _ in 0..10_000 {
        let base = f32::from_bits(1.0f32.to_bits().wrapping_add_signed(random.uniform(-500.0, 500.0) as i32));
        all.push((base, random.uniform(-2e6, 2e6)));
        let divisor = random.uniform(-5.0, 5.0);
        let multiple = divisor * random.uniform(-1000.0, 1000.0).round();
        all.extend([(multiple, divisor), (multiple.next_up(), divisor), (divisor, divisor.next_up())]);
    }
    all.into_iter().map(|(x, y)| [x, y, 0.0, 0.0]).collect()
}

// ---- comparison ----

/// Largest errors in ulp that are accepted, by name; functions not listed round nothing and must be exact.
///
/// The header of `shaders/math.wgsl` gives the errors with a correctly rounded + - * / and sqrt: 1.0, 1.6 or 2.5. To
/// that comes half a unit for a compiler that fuses and regroups. Square roots are the device's own: Vulkan derives
/// them from an inverse square root of 2 ulp.
const LIMITS: [(&str, f64); 24] = [
    ("sqrt", 2.5),
    ("cbrt", 1.5),
    ("exp", 1.5),
    ("expm1", 2.1),
    ("log", 1.5),
    ("log1p", 2.1),
    ("log2", 1.5),
    ("log10", 1.5),
    ("sin", 1.5),
    ("cos", 1.5),
    ("tan", 2.5),
    ("asin", 1.5),
    ("acos", 1.5),
    ("atan", 1.5),
    ("sinh", 2.1),
    ("cosh", 2.1),
    ("tanh", 2.1),
    ("asinh", 2.5),
    ("acosh", 2.5),
    ("atanh", 2.5),
    ("pow", 2.1),
    ("atan2", 2.1),
    ("mod", 0.5),
    ("hypot", 2.1),
];

fn limit(row: &Row) -> f64 {
    LIMITS.iter().find(|(name, _)| *name == row.name).map_or(0.0, |(_, limit)| *limit)
}

/// How a result compares with the exact value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    /// Error in ulp.
    Ulp(f64),
    /// A subnormal result, which devices may flush to zero.
    Subnormal,
    /// NaN, an infinity or a zero where it should not be, or of the wrong sign.
    WrongClass,
}

/// Beyond the largest f32 by half a unit: what rounds to infinity.
const OVERFLOW: f64 = 3.402_823_669_209_384_6e38;

fn verdict(got: f32, want: f64) -> Verdict {
    let smallest = f64::from(f32::MIN_POSITIVE);
    let same_sign = got.is_sign_negative() == want.is_sign_negative();
    let fits = |ok: bool| if ok { Verdict::Ulp(0.0) } else { Verdict::WrongClass };
    if want.is_nan() || got.is_nan() {
        return fits(want.is_nan() && got.is_nan());
    }
    if want == 0.0 || want.is_infinite() {
        return fits(f64::from(got) == want && same_sign);
    }
    if want.abs() < smallest {
        return if f64::from(got).abs() <= smallest { Verdict::Subnormal } else { Verdict::WrongClass };
    }
    // Infinity stands for the first number that is too large, so that overflow is off by its distance to it.
    let bounded = |x: f64| x.clamp(-OVERFLOW, OVERFLOW);
    Verdict::Ulp((bounded(f64::from(got)) - bounded(want)).abs() / ulp(want))
}

/// Distance of neighbouring f32 at a normal number.
fn ulp(x: f64) -> f64 {
    let exponent = ((x.abs().to_bits() >> 52) as i32 - 1023).clamp(-126, 127);
    f64::from(f32::EPSILON) * f64::from(exponent).exp2()
}

fn evaluate(row: &Row, x: f32, y: f32) -> f64 {
    match row.evaluator {
        Evaluator::One(f) => f(x.into()),
        Evaluator::Two(f) => f(x.into(), y.into()),
    }
}

/// The argument and, since devices may flush them, zero for a subnormal one.
fn as_read(x: f32) -> impl Iterator<Item = f32> + Clone {
    [Some(x), x.is_subnormal().then_some(0.0f32.copysign(x))].into_iter().flatten()
}

/// The kindest verdict over what a device may read.
fn judge(row: &Row, [x, y, ..]: [f32; 4], got: f32) -> Verdict {
    let verdicts = as_read(x).flat_map(|x| as_read(y).map(move |y| verdict(got, evaluate(row, x, y))));
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Ulp(error) => *error,
        Verdict::Subnormal => 0.0,
        Verdict::WrongClass => f64::INFINITY,
    };
    verdicts.min_by(|a, b| rank(a).total_cmp(&rank(b))).expect("at least one reading")
}

/// One line of the table.
#[derive(Default)]
struct Score {
    compared: usize,
    subnormal: usize,
    worst: f64,
    at: [f32; 4],
    wrong: Vec<String>,
}

fn score(row: &Row, arguments: &[[f32; 4]], results: &[[f32; 4]]) -> Score {
    let mut score = Score::default();
    for (x, result) in arguments.iter().zip(results) {
        match judge(row, *x, result[0]) {
            Verdict::Ulp(error) => {
                score.compared += 1;
                if error > score.worst {
                    (score.worst, score.at) = (error, *x);
                }
            }
            Verdict::Subnormal => score.subnormal += 1,
            Verdict::WrongClass => {
                let want = evaluate(row, x[0], x[1]);
                score.wrong.push(format!("{}({:e}, {:e}) is {:e}, expected {want:e}", row.name, x[0], x[1], result[0]));
            }
        }
    }
    score
}

/// Points that each function is compared at, at least.
const FEWEST_POINTS: usize = 100_000;

#[test]
fn every_function_is_as_accurate_as_stated() {
    let Some(probe) = Probe::open() else { return };
    let mut failures = Vec::new();
    println!("{:<6} {:>8} {:>8} {:>9} {:>6}  worst at", "", "max ulp", "limit", "compared", "tiny");
    for row in FUNCTIONS {
        let (arguments, call) = match row.evaluator {
            Evaluator::One(_) => (one_argument(), format!("{}(x.x)", row.wgsl)),
            Evaluator::Two(_) => (two_arguments(), format!("{}(x.x, x.y)", row.wgsl)),
        };
        let results = probe.run(&probe_source(MATH, &format!("vec4<f32>({call})")), None, &arguments);
        let score = score(row, &arguments, &results);
        let (limit, at) = (limit(row), &score.at[..2]);
        println!(
            "{:<6} {:>8.3} {limit:>8} {:>9} {:>6}  {at:?}",
            row.name, score.worst, score.compared, score.subnormal
        );
        assert!(score.compared + score.subnormal >= FEWEST_POINTS, "{}: {} points", row.name, score.compared);
        if score.worst > limit {
            failures.push(format!("{} is off by {:.3} ulp at {at:?}, at most {limit}", row.name, score.worst));
        }
        failures.extend(score.wrong.iter().take(5).cloned());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The comparison must see what is wrong.
#[test]
fn verdicts_tell_errors_apart() {
    assert_eq!(verdict(1.0, 1.0), Verdict::Ulp(0.0));
    assert_eq!(verdict(1.0f32.next_up(), 1.0), Verdict::Ulp(1.0));
    assert_eq!(verdict(f32::INFINITY, f64::from(f32::MAX)), Verdict::Ulp(1.0));
    assert_eq!(verdict(f32::INFINITY, 1e300), Verdict::Ulp(0.0));
    assert_eq!(verdict(f32::MAX, f64::INFINITY), Verdict::WrongClass);
    assert_eq!(verdict(-0.0, 0.0), Verdict::WrongClass);
    assert_eq!(verdict(0.0, f64::NAN), Verdict::WrongClass);
    assert_eq!(verdict(0.0, 1e-40), Verdict::Subnormal);
    assert_eq!(verdict(1.0, 1e-40), Verdict::WrongClass);
}

/// A limit that belongs to no function would be a spelling mistake.
#[test]
fn every_limit_is_of_a_function() {
    for (name, _) in LIMITS {
        assert!(FUNCTIONS.iter().any(|row| row.name == name), "there is no function '{name}'");
    }
}

// ---- controller ----

/// The controller with what it needs of the other files.
fn controller_source(value: &str) -> String {
    let files = [
        include_str!("../shaders/real_f32.wgsl"),
        include_str!("../shaders/layout.wgsl"),
        include_str!("../shaders/controller.wgsl"),
        "const N_TOLERANCE: u32 = 1u;\n",
        "fn probe_control(x: vec4<f32>) -> vec4<f32> {
    let flags = u32(x.w);
    let c = control(x.x, (flags & 1u) != 0u, x.y, x.z, (flags & 2u) != 0u);
    return vec4<f32>(select(0.0, 1.0, c.accept), c.dt, c.err_prev, 0.0);
}\n",
    ];
    probe_source(&files.join("\n"), value)
}

/// The numbers of a run by dopri5 with limits on the step size.
fn run_config() -> RunConfig<f32> {
    let spec = compiled(r#"{"model": "m", "states": {"y": 1}, "derivatives": {"y": "-y"}}"#);
    let controller = Controller { dt_min: 1e-4, dt_max: 5.0, ..Controller::default() };
    let method = Method::adaptive(&tableaus::DOPRI5, controller).expect("a method");
    let job = Job {
        program: &spec.program,
        method: &method,
        precision: Precision::F32,
        t0: 0.0,
        t1: 10.0,
        t_save: vec![10.0],
        rtol: vec![1e-6],
        atol: vec![1e-6],
        max_steps: 1000,
    };
    RunConfig::new(&job, 1, 1)
}

/// Runs a controller function that reads the numbers of the run.
fn probe_controller(probe: &Probe, value: &str, arguments: &[[f32; 4]]) -> Vec<[f32; 4]> {
    probe.run(&controller_source(value), Some(bytemuck::bytes_of(&run_config())), arguments)
}

/// A few ulp: the two differ by what a compiler fuses.
const TWIN_ULP: f64 = 4.0;

#[test]
fn controller_powers_are_those_of_the_cpu() {
    let Some(probe) = Probe::open() else { return };
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let near_one = |k: i32| f32::from_bits(1.0f32.to_bits().wrapping_add_signed(k));
    let numbers = (0..50_000).map(|_| [random.uniform(-34.0, 100.0).exp2(), random.uniform(-125.0, 125.0), 0.0, 0.0]);
    let dense = (-400..400).map(|k| [near_one(k), k as f32 / 8.0, 0.0, 0.0]);
    let arguments: Vec<[f32; 4]> = numbers.chain(dense).collect();
    let value = "vec4<f32>(control_log2(x.x), control_exp2(x.y), 0.0, 0.0)";
    let results = probe.run(&controller_source(value), None, &arguments);
    let mut worst = [0.0f64; 2];
    for (x, got) in arguments.iter().zip(&results) {
        let want = [ensolve::cpu::control_log2(x[0]), ensolve::cpu::control_exp2(x[1])].map(f64::from);
        // The logarithm adds an exponent: near 1, where it vanishes, its last place is that of 1.
        let units = [ulp(want[0].abs().max(1.0)), ulp(want[1])];
        for n in 0..2 {
            worst[n] = worst[n].max((f64::from(got[n]) - want[n]).abs() / units[n]);
        }
    }
    println!("control_log2: {:.2} ulp, control_exp2: {:.2} ulp from the CPU's", worst[0], worst[1]);
    assert!(worst.iter().all(|error| *error <= TWIN_ULP), "{worst:?} ulp");
}

/// Accuracy of a step size: that of `control_log2` and `control_exp2`, and the rounding of an exponent of up to 30.
const STEP_SIZE: f64 = 1e-5;

/// Squared error norms, step sizes, logarithms of the norm before, and flags (1: finite, 2: after a rejection).
fn control_grid() -> Vec<[f32; 4]> {
    let mut err_sq = vec![0.0, 1.0, 1.0f32.next_up(), 1.0f32.next_down(), 0.5, 0.81, 2.0, f32::INFINITY, f32::NAN];
    err_sq.extend((-44..=37).map(|e| 10f32.powi(e)));
    let mut all = Vec::new();
    for err_sq in err_sq {
        for dt in [1e-30, 1e-5, 2e-4, 0.125, 1.0, 3.7, 5.0, 1e20] {
            for err_prev in [-16.609_64, -3.0, 0.0] {
                all.extend([0.0, 1.0, 2.0, 3.0].map(|flags| [err_sq, dt, err_prev, flags]));
            }
        }
    }
    all
}

/// The rule as the documentation of `Controller` states it, in f64: accepted or not, next step size, logarithm of the
/// norm to remember.
fn control_formula(c: &RunConfig<f32>, [err_sq, dt, err_prev, flags]: [f64; 4]) -> (bool, f64, f64) {
    let (finite, after_rejection) = (flags % 2.0 == 1.0, flags >= 2.0);
    let [safety, low, high] = [c.safety, c.factor_min, c.factor_max].map(f64::from);
    let accept = finite && err_sq <= 1.0;
    // A norm that is no number is as bad as the largest.
    let err = 0.5 * if err_sq.is_nan() { 1e30 } else { err_sq.clamp(1e-10, 1e30) }.log2();
    if accept {
        let wanted = safety * (f64::from(c.beta2) * err_prev - f64::from(c.beta1) * err).exp2();
        let factor = wanted.clamp(low, if after_rejection { 1.0 } else { high });
        return (true, (dt * factor).max(c.dt_min.into()).min(c.dt_max.into()), err);
    }
    let shrunk = safety * (-f64::from(c.inv_exponent) * err).exp2();
    let factor = if finite { shrunk.clamp(low, safety) } else { low };
    (false, dt * factor, err_prev)
}

#[test]
fn control_accepts_and_scales_as_documented() {
    let Some(probe) = Probe::open() else { return };
    let (config, arguments) = (run_config(), control_grid());
    let results = probe_controller(&probe, "probe_control(x)", &arguments);
    let mut accepted = 0;
    for (x, got) in arguments.iter().zip(&results) {
        let (accept, dt, err_prev) = control_formula(&config, x.map(f64::from));
        accepted += usize::from(accept);
        assert_eq!(got[0] == 1.0, accept, "control{x:?} gave {got:?}");
        assert!((f64::from(got[1]) / dt - 1.0).abs() <= STEP_SIZE, "control{x:?}: dt {} instead of {dt}", got[1]);
        // The logarithm of a norm: its absolute error is the relative one of the step sizes made of it.
        let error = (f64::from(got[2]) - err_prev).abs();
        assert!(error <= STEP_SIZE, "control{x:?}: err_prev {} instead of {err_prev}", got[2]);
    }
    assert!(accepted > 0 && accepted < arguments.len(), "the grid has both");
}

/// Norms of y0 and f0, of the change of f, and first guesses. Norms are limited to 1e30 before; guesses are large enough
/// for their squares to be normal numbers.
fn initial_grid() -> Vec<[f32; 4]> {
    let norms = [0.0, 0.9e-30, 1.1e-30, 1e-20, 0.9e-10, 1.1e-10, 1e-5, 0.3, 1.0, 7.0, 1e6, 1e15, 1e30];
    let mut all = Vec::new();
    for d0 in norms {
        for d1 in norms {
            for df in norms {
                all.extend([1e-15, 1e-6, 1e-3, 0.5, 5.0].map(|h0| [d0, d1, df, h0]));
            }
        }
    }
    all
}

/// Steps a, b, e and f of Hairer, Nørsett, Wanner, section II.4, with squared norms.
fn initial_formula(c: &RunConfig<f32>, [d0, d1, df, h0]: [f64; 4]) -> [f64; 2] {
    let dt_max = f64::from(c.dt_max);
    let first = if d0 >= 1e-10 && d1 >= 1e-10 { 0.01 * (d0 / d1).sqrt() } else { 1e-6 };
    let most = d1.max(df / (h0 * h0)).min(1e30);
    let h1 = match most <= 1e-30 {
        true => (h0 * 1e-3).max(1e-6),
        false => (0.01 / most.sqrt()).powf(c.inv_exponent.into()),
    };
    [first.min(dt_max), h1.min(100.0 * h0).min(dt_max)]
}

#[test]
fn first_steps_are_those_of_the_book() {
    let Some(probe) = Probe::open() else { return };
    let (config, arguments) = (run_config(), initial_grid());
    let value = "vec4<f32>(initial_dt_first(x.x, x.y), initial_dt(x.w, x.y, x.z), 0.0, 0.0)";
    let results = probe_controller(&probe, value, &arguments);
    for (x, got) in arguments.iter().zip(&results) {
        let want = initial_formula(&config, x.map(f64::from));
        for n in 0..2 {
            let error = (f64::from(got[n]) / want[n] - 1.0).abs();
            assert!(error <= STEP_SIZE, "{x:?}: {} instead of {}", got[n], want[n]);
        }
    }
}
