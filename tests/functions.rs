//! The functions of `ensolve::math` measured: errors in units in the last place, special values, and the table of
//! errors in `src/math/accuracy.md`, which `BLESS=1 cargo test --release --test functions` rewrites.
//!
//! The grids are the same on every machine: random bit patterns, spans of interest sampled by value and by exponent, and
//! neighbourhoods of seams, where a formula or a range ends. The f32 functions are compared with the platform's f64 ones,
//! whose error of about an f64 ulp is 2^-29 ulp of f32; the f64 functions with double-double arithmetic, which is
//! compared with `astro-float` in turn. Not done: WGSL, which tests on an adapter compare with these functions bit by bit.

#[path = "functions/reference.rs"]
mod reference;

use astro_float::{BigFloat, Consts, RoundingMode};
use ensolve::math::{double, single};
use rayon::prelude::*;
use reference::{Exact, error};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_4, LN_2, SQRT_2};
use std::fmt::Write as _;

/// Points a function in f64 and in f32. Without optimisation fewer, and then the table is not compared.
const POINTS: (u64, u64) = if cfg!(debug_assertions) { (4_000, 20_000) } else { (200_000, 2_000_000) };

type Big = fn(&BigFloat, &mut Consts) -> BigFloat;

/// A function of one argument under test.
struct Unary {
    name: &'static str,
    domain: &'static str,
    single: fn(f32) -> f32,
    double: fn(f64) -> f64,
    platform: fn(f64) -> f64,
    exact: fn(f64) -> Exact,
    /// The same in `astro-float`, to check `exact`.
    big: Big,
    /// Largest error allowed.
    bound: f64,
    /// Where the function is defined, without the ends.
    range: (f64, f64),
    spans: &'static [(f64, f64)],
    seams: &'static [f64],
}

/// A function of two arguments under test.
struct Binary {
    name: &'static str,
    domain: &'static str,
    single: fn(f32, f32) -> f32,
    double: fn(f64, f64) -> f64,
    platform: fn(f64, f64) -> f64,
    exact: fn(f64, f64) -> Exact,
    bound: f64,
    points: fn(&mut Random, Format) -> (f64, f64),
}

const ALL: (f64, f64) = (f64::MIN, f64::MAX);
/// Bits of the big numbers.
const P: usize = 448;
const RM: RoundingMode = RoundingMode::None;

fn big(x: f64) -> BigFloat {
    BigFloat::from_f64(x, P)
}

macro_rules! unary {
    ($name:ident, $platform:expr, $bound:expr, $domain:expr, $range:expr, $spans:expr, $seams:expr, $big:expr) => {
        Unary {
            name: stringify!($name),
            domain: $domain,
            single: single::$name,
            double: double::$name,
            platform: $platform,
            exact: reference::$name,
            big: $big,
            bound: $bound,
            range: $range,
            spans: &$spans,
            seams: &$seams,
        }
    };
}

/// Half-way points of the exponentials' reduction, and the ends of both formats.
const EXP_SEAMS: [f64; 9] = [
    LN_2 / 2.0,
    3.0 * LN_2 / 2.0,
    88.7228391,
    -87.3365448,
    -103.972077,
    709.782712893384,
    -708.3964185322641,
    -745.1332191019411,
    1.0,
];
const HYPERBOLIC_SEAMS: [f64; 7] = [1.0, 0.625, 89.4159862, 710.4758600739439, 10.0, 20.0, LN_2 / 2.0];
const LOG_SEAMS: [f64; 5] = [1.0, FRAC_1_SQRT_2, SQRT_2, 2.0, 0.5];
/// The f64 and f32 numbers closest to a multiple of pi/2 [Muller, Elementary Functions, section 11.4], and seams.
const TRIG_SEAMS: [f64; 6] = [5.319372648326541e255, 7.729179428e28, FRAC_PI_4, 6400.0, 3.0 * FRAC_PI_4, 16367173.0];
const TRIG_SPANS: [(f64, f64); 6] = [(-4.0, 4.0), (-0.8, 0.8), (0.0, 7e3), (0.0, 1e6), (1e6, 1e20), (1e20, 1.7e308)];
const INVERSE_SPANS: [(f64, f64); 4] = [(-1.0, 1.0), (0.4, 0.6), (0.99, 1.0), (-1.0, -0.99)];
const LOG_SPANS: [(f64, f64); 5] = [(0.5, 2.0), (0.7, 1.42), (0.99, 1.01), (0.01, 100.0), (1e-320, 1e-30)];

#[rustfmt::skip]
static UNARY: &[Unary] = &[
    unary!(sqrt, f64::sqrt, 0.5, "x >= 0", (0.0, f64::MAX), [(0.0, 4.0), (1e-320, 1e-300)], [1.0, 2.0], |x, _| x.sqrt(P, RM)),
    unary!(cbrt, f64::cbrt, 1.0, "all", ALL, [(1.0, 8.0), (-1.0, 1.0), (1e-320, 1e-300)], [1.0, 2.0, 8.0], |x, _| x.cbrt(P, RM)),
    unary!(exp, f64::exp, 1.0, "all", (-750.0, 712.0), [(-746.0, 710.0), (-104.0, 89.0), (-1.0, 1.0), (-0.4, 0.4)],
        EXP_SEAMS, |x, c| x.exp(P, RM, c)),
    unary!(exp2, f64::exp2, 1.0, "all", (-1080.0, 1025.0), [(-1075.0, 1024.0), (-150.0, 128.0), (-1.0, 1.0), (-0.5, 0.5)],
        [0.5, 1.5, 1.0, 128.0, -126.0, -149.0, 1024.0, -1022.0, -1074.0], |x, c| big(2.0).pow(x, P, RM, c)),
    unary!(expm1, f64::exp_m1, 2.0, "all", (-750.0, 712.0), [(-40.0, 40.0), (-1.1, 1.1), (-0.4, 0.4), (-18.0, 89.0)],
        EXP_SEAMS, |x, c| x.exp(P, RM, c).sub(&big(1.0), P, RM)),
    unary!(log, f64::ln, 1.0, "x > 0", (0.0, f64::MAX), LOG_SPANS, LOG_SEAMS, |x, c| x.ln(P, RM, c)),
    unary!(log1p, f64::ln_1p, 2.0, "x > -1", (-1.0, f64::MAX), [(-1.0, 1.0), (-0.6, -0.2), (0.3, 0.6), (1.0, 8.0), (1e-9, 1.0)],
        [FRAC_1_SQRT_2 - 1.0, SQRT_2 - 1.0, 0.5, -0.5, 1.0, 2.0 * SQRT_2 - 1.0], |x, c| x.add(&big(1.0), P, RM).ln(P, RM, c)),
    unary!(log2, f64::log2, 1.0, "x > 0", (0.0, f64::MAX), LOG_SPANS, LOG_SEAMS, |x, c| x.log2(P, RM, c)),
    unary!(log10, f64::log10, 2.0, "x > 0", (0.0, f64::MAX), LOG_SPANS, LOG_SEAMS, |x, c| x.log10(P, RM, c)),
    unary!(sin, f64::sin, 1.0, "all, radians", ALL, TRIG_SPANS, TRIG_SEAMS, |x, c| x.sin(P, RM, c)),
    unary!(cos, f64::cos, 1.0, "all, radians", ALL, TRIG_SPANS, TRIG_SEAMS, |x, c| x.cos(P, RM, c)),
    unary!(tan, f64::tan, 2.0, "all, radians", ALL, TRIG_SPANS, TRIG_SEAMS, |x, c| x.tan(P, RM, c)),
    unary!(asin, f64::asin, 2.0, "-1 <= x <= 1", (-1.0, 1.0), INVERSE_SPANS, [0.5, 1.0], |x, c| x.asin(P, RM, c)),
    unary!(acos, f64::acos, 2.0, "-1 <= x <= 1", (-1.0, 1.0), INVERSE_SPANS, [0.5, 1.0], |x, c| x.acos(P, RM, c)),
    unary!(atan, f64::atan, 1.0, "all", ALL, [(-1.0, 1.0), (0.3, 3.0), (1.0, 10.0)], [0.6, 1.0 / 0.6, 1.0], |x, c| x.atan(P, RM, c)),
    unary!(sinh, f64::sinh, 2.0, "all", (-712.0, 712.0), [(-1.0, 1.0), (0.5, 2.0), (2.0, 22.0), (0.0, 90.0), (0.0, 711.0)],
        HYPERBOLIC_SEAMS, |x, c| x.sinh(P, RM, c)),
    unary!(cosh, f64::cosh, 2.0, "all", (-712.0, 712.0), [(-1.0, 1.0), (0.5, 2.0), (2.0, 22.0), (0.0, 90.0), (0.0, 711.0)],
        HYPERBOLIC_SEAMS, |x, c| x.cosh(P, RM, c)),
    unary!(tanh, f64::tanh, 2.0, "all", ALL, [(-1.0, 1.0), (0.5, 2.0), (2.0, 22.0)], HYPERBOLIC_SEAMS, |x, c| x.tanh(P, RM, c)),
    unary!(asinh, f64::asinh, 2.0, "all", ALL, [(-1.0, 1.0), (0.1, 8.0), (0.2, 0.5), (1e3, 1e5), (1e7, 1e9)],
        [0.375, 0.5, 1.0, 4096.0, 268435456.0], |x, c| x.asinh(P, RM, c)),
    unary!(acosh, f64::acosh, 2.0, "x >= 1", (1.0, f64::MAX), [(1.0, 2.0), (1.0, 1.001), (1.0, 8.0), (1e3, 1e5), (1e7, 1e9)],
        [1.0, 1.5, 2.0, 3.0, 4096.0, 268435456.0], |x, c| x.acosh(P, RM, c)),
    unary!(atanh, f64::atanh, 2.0, "-1 <= x <= 1", (-1.0, 1.0), [(-1.0, 1.0), (0.1, 0.5), (0.4, 0.6), (0.999, 1.0), (1e-5, 1e-2)],
        [0.5, 0.2, 1.0, 0.17157287525380990], |x, c| x.atanh(P, RM, c)),
];

macro_rules! binary {
    ($name:ident, $platform:expr, $exact:expr, $bound:expr, $domain:expr, $points:expr) => {
        Binary {
            name: stringify!($name),
            domain: $domain,
            single: single::$name,
            double: double::$name,
            platform: $platform,
            exact: $exact,
            bound: $bound,
            points: $points,
        }
    };
}

#[rustfmt::skip]
static BINARY: &[Binary] = &[
    binary!(pow, f64::powf, reference::pow, 2.0, "x >= 0, or y whole", pow_points),
    binary!(atan2, f64::atan2, reference::atan2, 2.0, "all", pair_points),
    binary!(modulo, modulo, reference::modulo, 0.5, "y != 0", pair_points),
    binary!(rem, |x, y| x % y, |x, y| (x % y).into(), 0.0, "y != 0", pair_points),
    binary!(hypot, f64::hypot, reference::hypot, 2.0, "all", pair_points),
];

/// Functions whose result is not rounded.
const EXACT: &[&str] = &["abs", "sign", "floor", "ceil", "trunc", "round", "min", "max"];

fn modulo(x: f64, y: f64) -> f64 {
    let r = x % y;
    if r != 0.0 && (r < 0.0) != (y < 0.0) { r + y } else { r }
}

/// A number format: f32 numbers are held in an f64.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Single,
    Double,
}
use Format::{Double, Single};

impl Format {
    fn number(self, bits: u64) -> f64 {
        match self {
            Single => f64::from(f32::from_bits(bits as u32)),
            Double => f64::from_bits(bits),
        }
    }

    fn bits(self, x: f64) -> u64 {
        match self {
            Single => u64::from((x as f32).to_bits()),
            Double => x.to_bits(),
        }
    }

    /// x rounded to the format.
    fn round(self, x: f64) -> f64 {
        self.number(self.bits(x))
    }

    fn error(self, got: f64, exact: Exact) -> f64 {
        match self {
            Single => error(got, exact, 24, -149, 128),
            Double => error(got, exact, 53, -1074, 1024),
        }
    }

    /// Numbers at which functions do something special.
    fn edges(self) -> Vec<f64> {
        let (least, normal, largest) = match self {
            Single => (f64::from(f32::from_bits(1)), f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX)),
            Double => (f64::from_bits(1), f64::MIN_POSITIVE, f64::MAX),
        };
        let positive =
            [0.0, least, normal, 0.5, 1.0, 1.5, 2.0, 3.0, self.round(1e30), largest, f64::INFINITY, f64::NAN];
        positive.iter().flat_map(|&x| [x, -x]).collect()
    }
}

/// A stream of random numbers [Vigna, splitmix64].
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.next() as usize % items.len()]
    }

    fn sign(&mut self) -> f64 {
        if self.next() & 1 == 0 { 1.0 } else { -1.0 }
    }

    /// Evenly spread bit patterns, hence exponents, between two numbers of one sign.
    fn exponential(&mut self, format: Format, low: f64, high: f64) -> f64 {
        let (a, b) = (format.bits(low.abs().min(high.abs())), format.bits(low.abs().max(high.abs())));
        format.number(a + self.next() % (b - a + 1)).copysign(low)
    }

    /// x moved by a number of units in the last place, small ones more often.
    fn nudged(&mut self, format: Format, x: f64) -> f64 {
        let width = self.next() % 21;
        let steps = self.next() >> (63 - width);
        let bits = format.bits(x);
        format.number(if self.next() & 1 == 0 { bits.wrapping_add(steps) } else { bits.saturating_sub(steps) })
    }
}

impl Unary {
    fn point(&self, i: u64, random: &mut Random, format: Format) -> f64 {
        let x = match i % 4 {
            0 => format.number(random.next()),
            1 => {
                let (low, high) = random.pick(self.spans);
                random.between(low, high)
            }
            2 => {
                let (low, high) = random.pick(self.spans);
                let low = if low < 0.0 { high / 1e12 } else { low };
                random.exponential(format, low, high) * random.sign()
            }
            _ if self.domain.ends_with("radians") && i & 4 == 0 => {
                let octants = random.next() >> (24 + random.next() % 40);
                random.nudged(format, octants as f64 * FRAC_PI_4)
            }
            _ => {
                let seam = random.pick(self.seams) * random.sign();
                random.nudged(format, seam)
            }
        };
        let x = format.round(x);
        if x > self.range.0 && x < self.range.1 {
            return x;
        }
        let (low, high) = self.spans[0];
        format.round(low + 0.75 * (high - low))
    }

    fn error(&self, x: f64, format: Format) -> f64 {
        match format {
            Single => format.error(f64::from((self.single)(x as f32)), (self.platform)(x).into()),
            Double => format.error((self.double)(x), (self.exact)(x)),
        }
    }
}

impl Binary {
    fn error(&self, (x, y): (f64, f64), format: Format) -> f64 {
        match format {
            Single => format.error(f64::from((self.single)(x as f32, y as f32)), (self.platform)(x, y).into()),
            Double => format.error((self.double)(x, y), (self.exact)(x, y)),
        }
    }
}

/// Pairs for which neither is zero or not finite.
fn pair_points(random: &mut Random, format: Format) -> (f64, f64) {
    let any = |random: &mut Random| format.number(random.next());
    let (x, y) = match random.next() % 5 {
        0 => (any(random), any(random)),
        1 => (random.between(-10.0, 10.0), random.between(-10.0, 10.0)),
        2 => {
            let x = any(random);
            (x, x * random.between(-4.0, 4.0))
        }
        3 => {
            // A ratio at a seam of atan2, or a whole one.
            let x = any(random);
            let y = x * random.pick(&[0.6, 1.0, 0.5, 3.0]);
            (random.nudged(format, y), x * random.sign())
        }
        _ => {
            let tiny = format.number(random.next() >> if format == Single { 42 } else { 10 });
            (tiny * random.sign(), random.nudged(format, tiny))
        }
    };
    let (x, y) = (format.round(x), format.round(y));
    if x.is_finite() && y.is_finite() && x != 0.0 && y != 0.0 { (x, y) } else { (2.5, 1.5) }
}

/// Bases and exponents whose power lies in the range, or just beyond.
fn pow_points(random: &mut Random, format: Format) -> (f64, f64) {
    let range = if format == Single { 152.0 } else { 1080.0 };
    let x = match random.next() % 5 {
        0 => format.number(random.next()).abs(),
        1 => random.between(0.0, 10.0),
        2 => random.nudged(format, 1.0),
        3 => 1.0 + random.between(-1.0, 1.0) / (1u64 << (random.next() % 30)) as f64,
        _ => random.pick(&[2.0, 3.0, 10.0, SQRT_2, FRAC_1_SQRT_2, 0.1, 1e-40, 1e-310]),
    };
    let x = format.round(x);
    if !(x > 0.0 && x.is_finite() && x != 1.0) {
        return (1.5, 2.0);
    }
    // log2(x) to 0.09, without a function whose last bit differs by platform.
    let e = reference::exponent_of(x);
    let log2 = f64::from(e) + (reference::times_two_to(x, -e) - 1.0);
    let y = match random.next() % 4 {
        0 => random.between(-10.0, 10.0),
        1 => random.pick(&[2.0, -1.0, 0.5, -0.2, 3.0, 1.0 / 3.0, 0.25, 7.0]),
        2 => range * random.between(0.9, 1.1) * random.sign() / log2,
        _ => range * random.between(-1.0, 1.0) / log2,
    };
    let y = format.round(y);
    if y.is_finite() { (x, y) } else { (x, 1.0) }
}

/// The largest error over n points, and where.
fn worst<T: Copy + Send>(n: u64, error: impl Fn(u64, &mut Random) -> (f64, T) + Sync) -> (f64, T) {
    const CHUNK: u64 = 1000;
    let larger = |a: (f64, T), b: (f64, T)| if b.0 > a.0 { b } else { a };
    let chunk = |c: u64| {
        let mut random = Random(c << 32);
        (0..CHUNK).map(|i| error(i, &mut random)).reduce(larger).expect("a chunk has points")
    };
    (0..n / CHUNK).into_par_iter().map(chunk).reduce_with(larger).expect("a grid has chunks")
}

fn points(format: Format) -> u64 {
    if format == Single { POINTS.1 } else { POINTS.0 }
}

#[test]
fn errors_keep_their_bounds_and_are_those_of_the_table() {
    let mut table = String::from(TABLE_HEAD);
    let mut broken = String::new();
    let mut row = |name: &str, domain: &str, bound: f64, errors: [f64; 2], places: String| {
        // Rounded up; the small term keeps an exact hundredth.
        let up = |e: f64| (e * 100.0 - 1e-9).ceil().max(0.0) / 100.0;
        writeln!(table, "| {name} | {domain} | {:.2} | {:.2} |", up(errors[0]), up(errors[1])).unwrap();
        if errors.iter().any(|e| !(*e <= bound)) {
            writeln!(broken, "{name}: {errors:?} ulp at {places}, allowed {bound}").unwrap();
        }
    };
    for name in EXACT {
        row(name, "all", 0.0, [0.0, 0.0], String::new());
    }
    for f in UNARY {
        let [s, d] = [Single, Double].map(|format| {
            worst(points(format), |i, random| {
                let x = f.point(i, random, format);
                (f.error(x, format), x)
            })
        });
        row(f.name, f.domain, f.bound, [s.0, d.0], format!("{:?} and {:?}", s.1, d.1));
    }
    for f in BINARY {
        let [s, d] = [Single, Double].map(|format| {
            worst(points(format), |_, random| {
                let p = (f.points)(random, format);
                (f.error(p, format), p)
            })
        });
        let name = f.name.replace("modulo", "mod");
        row(&name, f.domain, f.bound, [s.0, d.0], format!("{:?} and {:?}", s.1, d.1));
    }
    assert!(broken.is_empty(), "\n{broken}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/math/accuracy.md");
    let bless = std::env::var_os("BLESS").is_some();
    if cfg!(debug_assertions) {
        assert!(!bless, "the table is that of the dense grids: add --release");
    } else if bless {
        std::fs::write(path, table).unwrap();
    } else {
        let shipped = std::fs::read_to_string(path).unwrap().replace("\r\n", "\n");
        assert_eq!(shipped, table, "src/math/accuracy.md differs from what is measured; BLESS=1 rewrites it");
    }
}

const TABLE_HEAD: &str = "\
# Accuracy of the functions

Largest errors in units in the last place of the exact result, rounded up to 0.01, as `tests/functions.rs` measures them
over random bit patterns, dense ranges and the neighbourhoods of seams, given + - * / and sqrt that are correctly rounded.
A result below the normal range is measured in units of the least positive number.

| function | domain | f32 | f64 |
|---|---|---|---|
";

/// Relative difference of two double-doubles, against a big number.
#[test]
fn the_reference_agrees_with_a_library_of_big_numbers() {
    let n = if cfg!(debug_assertions) { 20 } else { 300 };
    UNARY.par_iter().for_each(|f| {
        let mut consts = Consts::new().expect("memory for constants");
        let mut random = Random(1);
        for i in 0..n {
            let x = f.point(i, &mut random, Double);
            // Smaller arguments would need more bits of the big numbers, and are returned as they are by most functions.
            if x.abs() < 1e-60 {
                continue;
            }
            let exact = (f.exact)(x);
            let want = reference::rounded(&(f.big)(&big(x), &mut consts));
            if exact.value.hi == 0.0 {
                assert_eq!(want.hi, 0.0, "{}({x:e})", f.name);
                continue;
            }
            let e = reference::exponent_of(exact.value.hi) + exact.exponent;
            // A big number outside the range of f64 has lost digits.
            if !(-900..1000).contains(&e) {
                continue;
            }
            let scale = |y: f64| reference::times_two_to(y, exact.exponent - e);
            let (hi, lo) = (reference::times_two_to(want.hi, -e), reference::times_two_to(want.lo, -e));
            let difference = (scale(exact.value.hi) - hi) + (scale(exact.value.lo) - lo);
            assert!(difference.abs() < 2f64.powi(-90), "{}({x:e}): {exact:?} is off by {difference:e}", f.name);
        }
    });
}

/// Every bit, NaN but for its own, and the sign of zero.
fn same(got: f64, want: f64) -> bool {
    got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan()
}

#[test]
fn functions_that_do_not_round_give_every_bit() {
    type Row = (&'static str, fn(f32) -> f32, fn(f64) -> f64, fn(f64) -> f64);
    let sign = |x: f64| if x == 0.0 || x.is_nan() { x } else { x.signum() };
    let unary: [Row; 6] = [
        ("abs", single::abs, double::abs, f64::abs),
        ("sign", single::sign, double::sign, sign),
        ("floor", single::floor, double::floor, f64::floor),
        ("ceil", single::ceil, double::ceil, f64::ceil),
        ("trunc", single::trunc, double::trunc, f64::trunc),
        ("round", single::round, double::round, f64::round_ties_even),
    ];
    for (name, f, g, want) in unary {
        let mut random = Random(2);
        for i in 0..200_000 {
            let mut draw = |format: Format| match i % 3 {
                0 => format.number(random.next()),
                1 => format.round(random.between(-100.0, 100.0)),
                _ => (random.between(-100.0, 100.0) * 2.0).round() / 2.0,
            };
            let (x, y) = (draw(Single), draw(Double));
            assert!(same(f64::from(f(x as f32)), want(x)), "{name}({x:e}) in f32");
            assert!(same(g(y), want(y)), "{name}({y:e}) in f64");
        }
        for x in Double.edges() {
            assert!(same(g(x), want(x)), "{name}({x:e}) in f64");
        }
        for x in Single.edges() {
            assert!(same(f64::from(f(x as f32)), want(x)), "{name}({x:e}) in f32");
        }
    }
    for (format, edges) in [(Single, Single.edges()), (Double, Double.edges())] {
        for (&a, &b) in edges.iter().flat_map(|a| edges.iter().map(move |b| (a, b))) {
            let (low, high) = match format {
                Single => {
                    let (a, b) = (a as f32, b as f32);
                    (f64::from(single::min(a, b)), f64::from(single::max(a, b)))
                }
                Double => (double::min(a, b), double::max(a, b)),
            };
            let nan = a.is_nan() || b.is_nan();
            // Of two zeros either may win.
            assert!(if nan { low.is_nan() } else { low == if a < b { a } else { b } }, "min({a:e}, {b:e})");
            assert!(if nan { high.is_nan() } else { high == if a > b { a } else { b } }, "max({a:e}, {b:e})");
        }
    }
}

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

#[test]
fn special_values_of_one_argument() {
    // C99, annex F.9. An odd function of a zero is that zero.
    #[rustfmt::skip]
    let cases: &[(&str, &[(f64, f64)])] = &[
        ("sqrt", &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-1.0, NAN), (-INF, NAN)]),
        ("cbrt", &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF)]),
        ("exp", &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (1e30, INF), (-1e30, 0.0)]),
        ("exp2", &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (1e30, INF), (-1e30, 0.0), (10.0, 1024.0), (-3.0, 0.125)]),
        ("expm1", &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1.0), (1e30, INF), (-1e30, -1.0)]),
        ("log", &[(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (-INF, NAN)]),
        ("log1p", &[(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (INF, INF), (-1.5, NAN), (-INF, NAN)]),
        ("log2", &[(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (-INF, NAN), (1024.0, 10.0), (0.125, -3.0)]),
        ("log10", &[(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (-INF, NAN)]),
        ("sin", &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN)]),
        ("cos", &[(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN)]),
        ("tan", &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN)]),
        ("asin", &[(0.0, 0.0), (-0.0, -0.0), (1.5, NAN), (-1.5, NAN), (INF, NAN), (-INF, NAN)]),
        ("acos", &[(1.0, 0.0), (1.5, NAN), (-1.5, NAN), (INF, NAN), (-INF, NAN)]),
        ("atan", &[(0.0, 0.0), (-0.0, -0.0)]),
        ("sinh", &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (1e30, INF), (-1e30, -INF)]),
        ("cosh", &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, INF), (1e30, INF), (-1e30, INF)]),
        ("tanh", &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (1e30, 1.0)]),
        ("asinh", &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF)]),
        ("acosh", &[(1.0, 0.0), (0.5, NAN), (-1.0, NAN), (INF, INF), (-INF, NAN)]),
        ("atanh", &[(0.0, 0.0), (-0.0, -0.0), (1.0, INF), (-1.0, -INF), (1.5, NAN), (-1.5, NAN), (INF, NAN), (-INF, NAN)]),
    ];
    assert_eq!(cases.len(), UNARY.len());
    for (f, (name, values)) in UNARY.iter().zip(cases) {
        assert_eq!(f.name, *name);
        for &(x, want) in values.iter().chain(&[(NAN, NAN), (-NAN, NAN)]) {
            let (s, d) = (f64::from((f.single)(x as f32)), (f.double)(x));
            assert!(same(s, want), "{name}({x:?}) in f32 is {s:?}, not {want:?}");
            assert!(same(d, want), "{name}({x:?}) in f64 is {d:?}, not {want:?}");
        }
        // Every edge inside the domain, measured.
        for format in [Single, Double] {
            for x in format.edges() {
                if x != 0.0 && x > f.range.0 && x < f.range.1 {
                    let e = f.error(x, format);
                    assert!(e <= f.bound, "{name}({x:e}): {e} ulp");
                }
            }
        }
    }
    assert_eq!([double::atan(INF), -double::atan(-INF)], [std::f64::consts::FRAC_PI_2; 2]);
    assert_eq!([single::atan(f32::INFINITY), -single::atan(f32::NEG_INFINITY)], [std::f32::consts::FRAC_PI_2; 2]);
}

/// C99, annex F.9.4.4, where it fixes the value.
fn pow_special(x: f64, y: f64) -> Option<f64> {
    let whole = y == y.trunc();
    let odd = whole && y % 2.0 != 0.0;
    let oriented = |magnitude: f64| if odd { magnitude.copysign(x) } else { magnitude };
    if x == 1.0 || y == 0.0 || x == -1.0 && y.is_infinite() {
        Some(1.0)
    } else if x.is_nan() || y.is_nan() {
        Some(NAN)
    } else if y.is_infinite() {
        Some(if (x.abs() > 1.0) == (y > 0.0) { INF } else { 0.0 })
    } else if x == 0.0 {
        Some(oriented(if y > 0.0 { 0.0 } else { INF }))
    } else if x.is_infinite() {
        Some(oriented(if y > 0.0 { INF } else { 0.0 }))
    } else {
        (x < 0.0 && !whole).then_some(NAN)
    }
}

/// C99, annex F.9.1.4: the angle in quarters of pi, and the sign of zero.
fn atan2_special(y: f64, x: f64) -> Option<f64> {
    let behind = x.is_sign_negative();
    let quarters = if x.is_nan() || y.is_nan() {
        NAN
    } else if y.is_infinite() && x.is_infinite() {
        if behind { 3.0 } else { 1.0 }
    } else if y == 0.0 || x.is_infinite() {
        if behind { 4.0 } else { 0.0 }
    } else if x == 0.0 || y.is_infinite() {
        2.0
    } else {
        return None;
    };
    Some((quarters * FRAC_PI_4).copysign(y))
}

fn rem_special(x: f64, y: f64) -> Option<f64> {
    if x.is_infinite() || y == 0.0 || x.is_nan() || y.is_nan() {
        Some(NAN)
    } else {
        (x == 0.0 || y.is_infinite()).then_some(x)
    }
}

/// A zero takes the divisor's sign; so does the result for an infinite divisor, which is then infinite.
fn modulo_special(x: f64, y: f64) -> Option<f64> {
    let r = rem_special(x, y)?;
    if r == 0.0 {
        return Some(0f64.copysign(y));
    }
    let turned = y.is_infinite() && !r.is_nan() && (x < 0.0) != (y < 0.0);
    Some(if turned { y } else { r })
}

fn hypot_special(x: f64, y: f64) -> Option<f64> {
    if x.is_infinite() || y.is_infinite() {
        Some(INF)
    } else if x.is_nan() || y.is_nan() {
        Some(NAN)
    } else {
        (x == 0.0 || y == 0.0).then_some(x.abs() + y.abs())
    }
}

#[test]
fn special_values_of_two_arguments() {
    let special = [pow_special, atan2_special, modulo_special, rem_special, hypot_special];
    for (f, special) in BINARY.iter().zip(special) {
        for format in [Single, Double] {
            let edges = format.edges();
            for (&x, &y) in edges.iter().flat_map(|x| edges.iter().map(move |y| (x, y))) {
                let got = match format {
                    Single => f64::from((f.single)(x as f32, y as f32)),
                    Double => (f.double)(x, y),
                };
                if let Some(want) = special(x, y) {
                    assert!(same(got, format.round(want)), "{}({x:?}, {y:?}) is {got:?}, not {want:?}", f.name);
                    continue;
                }
                let e = if f.name == "pow" && x < 0.0 {
                    // A whole power of a negative number is that of its size, but for the sign.
                    assert_eq!(got.is_sign_negative(), y % 2.0 != 0.0, "pow({x:?}, {y:?}) is {got:?}");
                    f.error((-x, y), format)
                } else {
                    f.error((x, y), format)
                };
                assert!(e <= f.bound, "{}({x:e}, {y:e}): {e} ulp", f.name);
            }
        }
    }
}
