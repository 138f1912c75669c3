//! The functions on the adapter: every row of the function table, in every number format, on grids.
//!
//! A model without states has one output for each function; its trajectories are the points of the grid, so that what is
//! tested is the kernel that users run. Where the arithmetic is kept as written (exact mode; f64 and f32x2 in any mode)
//! the results have the bits of the functions in `src/math`, whose errors `tests/functions.rs` measures. Standard f32,
//! where a compiler may fuse and regroup, is compared with exact values, in units in the last place (ulp).

#![cfg(feature = "gpu")]

mod common;

use common::{compiled, gpu};
use ensolve::expr::func::{FUNCTIONS, Row};
use ensolve::gpu::GpuBackend;
use ensolve::job::{Backend, Inputs, Silent};
use ensolve::real::{Form, Precision};
use ensolve::{Arithmetic, CpuBackend, Error, RunSettings, Save, plan};

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
fn one_argument() -> Vec<[f64; 2]> {
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
    all.into_iter().map(|x| [f64::from(x), 0.0]).collect()
}

/// Arguments of a function of two: all pairs of special values, any bit patterns, whole and fractional exponents, powers
/// of numbers near 1, near multiples, and equal magnitudes.
fn two_arguments() -> Vec<[f64; 2]> {
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
    all.into_iter().map(|(x, y)| [f64::from(x), f64::from(y)]).collect()
}

/// What only f64 and f32x2 can hold: low bits, and the range of f64.
fn wide(random: &mut Random, precision: Precision) -> f64 {
    let low = 1.0 + f64::from(random.bits()) * 2f64.powi(-55);
    let exponent = match (precision, random.bits() % 4) {
        // Below 2^-70 the low part of a square is no longer a normal f32.
        (Precision::F32x2, 0) => random.uniform(-60.0, 60.0),
        (Precision::F64, 0) => random.uniform(-1070.0, 1020.0),
        _ => random.uniform(-8.0, 8.0),
    };
    let sign = if random.bits() & 1 == 0 { 1.0 } else { -1.0 };
    sign * low * (1.0 + f64::from(random.bits()) * 2f64.powi(-32)) * f64::from(exponent).exp2()
}

/// The f32 grid (thinned out for the wide formats) and numbers with more bits than f32 has.
fn arguments(row: &Row, precision: Precision) -> Vec<[f64; 2]> {
    let grid = match row.function.double {
        Form::One(_) => one_argument(),
        Form::Two(_) => two_arguments(),
    };
    if precision == Precision::F32 {
        return grid;
    }
    let mut random = Random(0x0123_4567_89ab_cdef);
    let mut all: Vec<[f64; 2]> = grid.into_iter().step_by(7).collect();
    all.extend((0..20_000).map(|_| [wide(&mut random, precision), wide(&mut random, precision)]));
    all
}

// ---- evaluation ----

/// Values of a function, by a run of a model that has it as an output, and whether the backend says that it turns
/// subnormal numbers into zero.
fn values(
    row: &Row,
    points: &[[f64; 2]],
    precision: Precision,
    arithmetic: Arithmetic,
    backend: &mut dyn Backend,
) -> Result<(Vec<f64>, bool), Error> {
    let call = match row.function.double {
        Form::One(_) => format!("{}(a)", row.name),
        Form::Two(_) => format!("{}(a, b)", row.name),
    };
    let spec =
        compiled(&format!(r#"{{"states": {{}}, "parameters": {{"a": 0, "b": 0}}, "outputs": {{"f": "{call}"}}}}"#));
    let run = RunSettings {
        tspan: Some((0.0, 1.0)),
        method: Some("euler".to_string()),
        dt: Some(1.0),
        save: Some(Save::At(vec![0.0])),
        arithmetic: Some(arithmetic),
        ..RunSettings::default()
    };
    let method = plan::method(&run)?;
    let job = plan::plan(&spec, &run, &method, precision, 2)?.job;
    let p = spec.program.param_names.iter().flat_map(|name| {
        let column = usize::from(name == "b");
        points.iter().map(move |point| point[column])
    });
    let inputs = Inputs { n_traj: points.len(), y0: Vec::new(), p: p.collect(), ..Inputs::default() };
    let flushes = backend.prepare(&job)?.notes.iter().any(|note| note.contains("into zero"));
    Ok((backend.run(&job, &inputs, &Silent)?.saved, flushes))
}

/// The bits, but one NaN for all: which of them an operation returns is the processor's business.
fn key(x: f64) -> u64 {
    if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }
}

/// Whether a number is so small that subnormal numbers may come in: as an argument, a result or on the way; the low part
/// of an f32x2 is 2^24 times smaller, and that of a square again.
fn is_tiny(x: f64, precision: Precision) -> bool {
    let exponent = match precision {
        Precision::F32 => -100,
        Precision::F32x2 => -50,
        Precision::F64 => -900,
    };
    x != 0.0 && x.abs() < 2f64.powi(exponent)
}

/// Every function in exact arithmetic against the CPU; an adapter without subnormal numbers is excused from tiny ones.
fn compare_with_the_cpu(precision: Precision, gpu: &mut GpuBackend) {
    let mut failures = Vec::new();
    for row in FUNCTIONS {
        let points = arguments(row, precision);
        let (on_gpu, flushes) =
            values(row, &points, precision, Arithmetic::Exact, gpu).unwrap_or_else(|e| panic!("{e}"));
        let (on_cpu, _) = values(row, &points, precision, Arithmetic::Exact, &mut CpuBackend::new()).expect("a run");
        let excused = |i: usize| {
            let [a, b] = points[i];
            // 1/x of the largest numbers, which many functions take, is tiny.
            flushes && [a, b, 1.0 / a, 1.0 / b, on_cpu[i]].iter().any(|x| is_tiny(*x, precision))
        };
        let differ = |i: &usize| key(on_gpu[*i]) != key(on_cpu[*i]) && !excused(*i);
        let different: Vec<usize> = (0..points.len()).filter(differ).collect();
        if let Some(i) = different.first() {
            let ([a, b], n) = (points[*i], different.len());
            let (got, want) = (on_gpu[*i], on_cpu[*i]);
            failures.push(format!(
                "{n} of {}: {}({a:e}, {b:e}) is {got:e}, on the cpu {want:e}",
                points.len(),
                row.name
            ));
        }
    }
    assert!(failures.is_empty(), "{precision}:\n{}", failures.join("\n"));
}

#[test]
fn in_f32_every_function_has_the_bits_of_the_cpu() {
    let Some(mut gpu) = gpu() else { return };
    compare_with_the_cpu(Precision::F32, &mut gpu);
}

#[test]
fn in_f64_every_function_has_the_bits_of_the_cpu() {
    match gpu() {
        Some(mut gpu) if gpu.adapter().f64 => compare_with_the_cpu(Precision::F64, &mut gpu),
        Some(gpu) => println!("skipped: the adapter '{}' has no f64", gpu.adapter().name),
        None => {}
    }
}

#[test]
fn in_f32x2_every_function_has_the_bits_of_the_cpu() {
    let Some(mut gpu) = gpu() else { return };
    compare_with_the_cpu(Precision::F32x2, &mut gpu);
}

// ---- standard arithmetic ----

/// What a compiler that fuses and regroups may add to the error of a function, in ulp; square roots and quotients are the
/// device's own, which Vulkan allows 2.5 ulp.
const REGROUPED: f64 = 2.0;

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

/// The value in f64, exact to a billionth of an f32's last place (`tests/functions.rs`).
fn exact(row: &Row, x: f64, y: f64) -> f64 {
    match row.function.double {
        Form::One(f) => f(x),
        Form::Two(f) => f(x, y),
    }
}

/// The argument and, since devices may flush them, zero for a subnormal one.
fn as_read(x: f64) -> impl Iterator<Item = f64> + Clone {
    [Some(x), (x as f32).is_subnormal().then_some(0.0f64.copysign(x))].into_iter().flatten()
}

/// The kindest verdict over what a device may read.
fn judge(row: &Row, [x, y]: [f64; 2], got: f64) -> Verdict {
    let verdicts = as_read(x).flat_map(|x| as_read(y).map(move |y| verdict(got as f32, exact(row, x, y))));
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Ulp(error) => *error,
        Verdict::Subnormal => 0.0,
        Verdict::WrongClass => f64::INFINITY,
    };
    verdicts.min_by(|a, b| rank(a).total_cmp(&rank(b))).expect("at least one reading")
}

/// Points that each function is compared at, at least.
const FEWEST_POINTS: usize = 100_000;

/// Our functions in f64 are right to 2 ulp of f64, which is nothing in f32: they stand for the exact values.
#[test]
fn in_standard_f32_every_function_is_as_accurate_as_stated() {
    let Some(mut gpu) = gpu() else { return };
    let abs = &FUNCTIONS[0];
    let kept = values(abs, &[[1.0; 2]], Precision::F32, Arithmetic::Exact, &mut gpu);
    let flushes = kept.is_ok_and(|(_, flushes)| flushes);
    let mut failures = Vec::new();
    println!("{:<6} {:>8} {:>8}  worst at", "", "max ulp", "limit");
    for row in FUNCTIONS {
        let points = arguments(row, Precision::F32);
        let (got, _) =
            values(row, &points, Precision::F32, Arithmetic::Standard, &mut gpu).unwrap_or_else(|e| panic!("{e}"));
        let limit = if row.bound == 0.0 { 0.0 } else { row.bound + REGROUPED };
        let (mut worst, mut at, mut compared) = (0.0, [0.0; 2], 0);
        for (point, got) in
            points.iter().zip(&got).filter(|(point, _)| !flushes || !point.iter().any(|x| is_tiny(*x, Precision::F32)))
        {
            let verdict = judge(row, *point, *got);
            compared += 1;
            match verdict {
                Verdict::Ulp(error) if error > worst => (worst, at) = (error, *point),
                Verdict::Ulp(_) | Verdict::Subnormal => {}
                Verdict::WrongClass => {
                    let [x, y] = *point;
                    failures.push(format!("{}({x:e}, {y:e}) is {got:e}, expected {:e}", row.name, exact(row, x, y)));
                }
            }
        }
        println!("{:<6} {worst:>8.3} {limit:>8}  {at:?}", row.name);
        assert!(compared >= FEWEST_POINTS, "{}: {compared} points", row.name);
        if worst > limit {
            failures.push(format!("{} is off by {worst:.3} ulp at {at:?}, at most {limit}", row.name));
        }
    }
    failures.truncate(20);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn verdicts_tell_errors_apart() {
    assert_eq!(verdict(1.0, 1.0), Verdict::Ulp(0.0));
    assert_eq!(verdict(1.0f32.next_up(), 1.0), Verdict::Ulp(1.0));
    assert_eq!(verdict(f32::NAN, 1.0), Verdict::WrongClass);
    assert_eq!(verdict(0.0, -0.0), Verdict::WrongClass);
    assert_eq!(verdict(f32::INFINITY, f64::INFINITY), Verdict::Ulp(0.0));
    assert_eq!(verdict(0.0, 1e-40), Verdict::Subnormal);
}
