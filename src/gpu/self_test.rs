//! What an adapter's arithmetic really does, found out before anything relies on it.
//!
//! WGSL promises little: division to 2.5 units in the last place, no word on the order of sums, subnormal numbers at the
//! driver's pleasure. Exact arithmetic and f32x2 need more. A small kernel, compiled as the run's own kernel will be,
//! computes every basic operation and the combinations that compilers like to rewrite for some thousand arguments; the
//! CPU computes the same. Exact arithmetic needs the same bits; f32x2 without it needs its own accuracy, which a compiler
//! that simplifies an error term away misses by a factor of a million.

use super::buffers::{Device, pack, real_bytes, unpack};
use super::kernel::{Kernel, READ, UNIFORM, WRITE};
use crate::error::Result;
use crate::real::{Arithmetic, Precision, Real};
use crate::sampling::uniform01;
use crate::wgsl::{KernelOptions, SELF_TEST_RESULTS, self_test};

/// What the test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Every operation is the CPU's: bit for bit, or as good where bits do not matter.
    Holds,
    /// As exact, but numbers too small for the usual format (subnormal ones) become zero.
    FlushesSubnormals,
    /// Something differs: which operation.
    Differs(String),
}

/// The results of a case, in the order of `shaders/self_test.wgsl`: value, size of its terms, name.
fn expected<R: Real>([a, b, c]: [R; 3]) -> [(R, R, &'static str); SELF_TEST_RESULTS] {
    let (sum, product) = (a.abs() + b.abs(), (a * b).abs());
    let (quotient, root) = (a / b, a.abs().sqrt());
    [
        (a + b, sum, "a + b"),
        (a - b, sum, "a - b"),
        (a * b, product, "a * b"),
        (quotient, quotient.abs(), "a / b"),
        (root, root, "sqrt(a)"),
        (a * b + c, product + c.abs(), "a*b + c"),
        ((a + b) - a, sum, "(a + b) - a"),
        (a * b + a * c, product + (a * c).abs(), "a*b + a*c"),
    ]
}

/// Error of an f32x2 result, relative to its terms, that is still good: 2^-43, some times the bounds of `src/pair.rs`.
const F32X2_ACCURACY: f64 = 1.1e-13;

/// Cases of ordinary size, and as many whose arguments or results are subnormal.
const CASES: usize = 1024;

/// Exponents of the ordinary cases, so that no product or quotient leaves the normal numbers of f32.
const ORDINARY: i32 = 30;

/// A number of either sign between 2^(low - 1) and 2^high: number `draw` of case `n`.
fn number(n: usize, draw: u32, low: i32, high: i32) -> f64 {
    let random = |part: u32| uniform01(0, n as u64, 3 * draw + part);
    let exponent = low + (random(0) * f64::from(high - low + 1)) as i32;
    let sign = if random(1) < 0.5 { 1.0 } else { -1.0 };
    sign * (0.5 + 0.5 * random(2)) * 2f64.powi(exponent)
}

/// Three numbers of each case: ordinary ones first, then subnormal ones. Close neighbours are among them, whose
/// differences show what a compiler does to sums.
fn cases<R: Real>() -> Vec<[R; 3]> {
    let smallest = if R::PRECISION == Precision::F64 { f64::MIN_EXP } else { f32::MIN_EXP };
    let case = |n: usize| {
        let (low, high) = if n < CASES { (-ORDINARY, ORDINARY) } else { (smallest - 8, smallest + 4) };
        let a = number(n, 0, low, high);
        let near = a * (1.0 + number(n, 1, -30, -1));
        let b = if n.is_multiple_of(2) { near } else { number(n, 2, low, high) };
        [a, b, number(n, 3, low, high)].map(R::of)
    };
    (0..2 * CASES).map(case).collect()
}

/// Compiles and runs the test as a kernel of these options would be.
pub fn run<R: Real>(device: &Device, options: KernelOptions) -> Result<Finding> {
    let source = self_test(options)?;
    let kernel = Kernel::new(device, &source, &[UNIFORM, READ, WRITE])?;
    let cases = cases::<R>();
    let bytes = real_bytes(R::PRECISION);
    let arguments: Vec<f64> = cases.iter().flatten().map(|x| x.to_f64()).collect();
    let n_result = cases.len() * SELF_TEST_RESULTS;
    let buffers = device.scoped(|| {
        [
            device.buffer("zero", 4, wgpu::BufferUsages::UNIFORM),
            device.storage("arguments", arguments.len() as u64 * bytes),
            device.storage("results", n_result as u64 * bytes),
        ]
    })?;
    device.queue.write_buffer(&buffers[1], 0, &pack(&arguments, R::PRECISION));
    let bind_group = kernel.bind(device, &buffers.each_ref())?;
    let mut encoder = device.device.create_command_encoder(&Default::default());
    kernel.dispatch(&mut encoder.begin_compute_pass(&Default::default()), &bind_group, cases.len());
    device.queue.submit([encoder.finish()]);
    let results = unpack(&device.read(&buffers[2], 0, n_result as u64 * bytes)?, R::PRECISION);
    Ok(compare(&cases, &results, options.arithmetic == Arithmetic::Exact))
}

/// The first difference; one among subnormal numbers only if there is no other.
fn compare<R: Real>(cases: &[[R; 3]], results: &[f64], exact: bool) -> Finding {
    let mut flushes = false;
    for (n, (case, results)) in cases.iter().zip(results.chunks(SELF_TEST_RESULTS)).enumerate() {
        for ((want, size, name), got) in expected(*case).into_iter().zip(results) {
            let (want, size) = (want.to_f64(), size.to_f64());
            if want.to_bits() == got.to_bits() || (!exact && (want - got).abs() <= F32X2_ACCURACY * size) {
                continue;
            }
            if n < CASES {
                let [a, b, c] = case;
                return Finding::Differs(format!("{name} is {got} for a = {a}, b = {b}, c = {c}, not {want}"));
            }
            flushes = true;
        }
    }
    if flushes { Finding::FlushesSubnormals } else { Finding::Holds }
}
