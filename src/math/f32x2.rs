//! The functions of the expression language on pairs of f32. Twin of `shaders/math/f32x2.wgsl`.
//!
//! In: any [`F32x2`](crate::pair::F32x2). Out: the function's value with the special values of C99 (mod: of Python). Only the arithmetic of
//! pairs and + - * /, floor, round to even and integer operations of f32 are used, in the same order in both languages.
//! Not done: correct rounding, results below about 2^-100, where the low part of a pair is subnormal.
//!
//! Series are summed in pairs while a term matters beyond the 24th bit and in f32 from there on. They are Taylor
//! series, a term or two longer than minimax fits would be, so that every coefficient is a known number.
//!
//! Largest relative errors measured in units of u^2 = 2^-48, over dense ranges, random exponents and the neighbourhoods
//! of 0, 1 and multiples of pi/2, where the result is beyond 2^-100; 10 u^2 are 3.6e-14:
//!   0: abs sign min max floor ceil trunc round
//!   up to 1: rem; up to 2: mod
//!   up to 3: sqrt cbrt exp exp2 cosh
//!   up to 6: hypot sin cos atan pow
//!   up to 10: expm1 log log1p log2 log10 tan asin acos atan2 sinh tanh asinh acosh atanh

use crate::pair::{F32x2, fast_two_sum, pair_add, pair_add_f32, pair_div, pair_mul, pair_mul_f32, two_prod, two_sum};
use std::f32::consts;

const SIGN_BIT: u32 = 0x8000_0000;
const ABS_BITS: u32 = 0x7fff_ffff;
const INF_BITS: u32 = 0x7f80_0000;
const TINY_BITS: u32 = 0x2680_0000; // 2^-50
const MANTISSA_BITS: u32 = 0x007f_ffff;

/// Bits of sqrt(1/2): the mantissa of a logarithm lies in [sqrt(1/2), sqrt(2)).
const SQRT_HALF_BITS: u32 = 0x3f35_04f3;

/// ln 2 in two parts of 16 bits or less, whose products with an exponent are exact, and the rest.
const LN2_FIRST: f32 = 0.693145751953125;
const LN2_SECOND: f32 = 1.4285906217992306e-6;
const LN2_THIRD: f32 = 1.619851e-11;
const LN2: F32x2 = F32x2::new(consts::LN_2, -1.9046542e-9);
/// 1 / ln 2, log10(e), log10(2).
const LOG2_E: F32x2 = F32x2::new(consts::LOG2_E, 1.925963e-8);
const LOG10_E: F32x2 = F32x2::new(consts::LOG10_E, -1.010305e-8);
const LOG10_2: F32x2 = F32x2::new(consts::LOG10_2, -1.4320989e-8);
/// 2 / ln 2 to 72 bits.
const TWO_LOG2_E: [f32; 3] = [2.88539, 3.851926e-8, -8.474679e-16];
const HALF_PI: F32x2 = F32x2::new(consts::FRAC_PI_2, -4.371139e-8);
const PI: F32x2 = F32x2::new(consts::PI, -8.742278e-8);

const THIRD: F32x2 = F32x2::new(3.3333334e-1, -9.934108e-9);
const FIFTH: F32x2 = F32x2::new(2e-1, -2.9802323e-9);
const SEVENTH: F32x2 = F32x2::new(1.4285715e-1, -6.386212e-9);
const NINTH: F32x2 = F32x2::new(1.1111111e-01, -8.278423e-10);
/// 1/n! for n = 3 to 9.
const INVERSE_FACTORIAL_3: F32x2 = F32x2::new(1.6666667e-1, -4.967054e-9);
const INVERSE_FACTORIAL_4: F32x2 = F32x2::new(4.1666668e-2, -1.2417635e-9);
const INVERSE_FACTORIAL_5: F32x2 = F32x2::new(8.333334e-3, -4.346172e-10);
const INVERSE_FACTORIAL_6: F32x2 = F32x2::new(1.3888889e-3, -3.3631094e-11);
const INVERSE_FACTORIAL_7: F32x2 = F32x2::new(1.984127e-4, -2.7255969e-12);
const INVERSE_FACTORIAL_8: F32x2 = F32x2::new(2.4801588e-5, -3.406996e-13);
const INVERSE_FACTORIAL_9: F32x2 = F32x2::new(2.7557319e-6, 3.7935712e-14);

/// atan(i/4).
const ATAN_QUARTERS: [F32x2; 5] = [
    F32x2::new(0.0, 0.0),
    F32x2::new(2.4497867e-1, -3.1786778e-9),
    F32x2::new(4.636476e-1, 5.0121587e-9),
    F32x2::new(6.435011e-1, 5.8689373e-9),
    F32x2::new(7.853982e-1, -2.1855694e-8),
];

/// 160 zeros and the first 288 bits of 2/pi.
const TWO_OVER_PI: [u32; 14] = [
    0, 0, 0, 0, 0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
    0xb7246e3a,
];

// ---- bits ----

fn is_nan(x: F32x2) -> bool {
    x.is_nan()
}

fn is_inf(x: F32x2) -> bool {
    x.hi().is_infinite()
}

/// magnitude >= 0 or NaN.
fn with_sign(magnitude: F32x2, sign_source: f32) -> F32x2 {
    if sign_source.is_sign_negative() { -magnitude } else { magnitude }
}

/// Below 2^-50, and for NaN, a function whose series begins with x is x.
fn is_fixed(x: F32x2) -> bool {
    let bits = x.hi().to_bits() & ABS_BITS;
    !(TINY_BITS..=INF_BITS).contains(&bits)
}

/// x * 2^k for |k| <= 252, in two steps so that no power of two leaves the normal range.
fn scale(x: F32x2, k: i32) -> F32x2 {
    let half = k >> 1;
    let first = f32::from_bits(((half + 127) as u32) << 23);
    let second = f32::from_bits(((k - half + 127) as u32) << 23);
    let hi = x.hi() * first * second;
    let p = fast_two_sum(hi, x.lo() * first * second);
    if p.is_finite() { p } else { F32x2::new(hi, 0.0) }
}

/// The exponent field less the bias; -127 for zero and subnormal numbers.
fn exponent(x: f32) -> i32 {
    ((x.to_bits() & ABS_BITS) >> 23) as i32 - 127
}

/// A whole number of 128 bits, first word first.
type Words = [u32; 4];

fn words_add(a: Words, b: Words) -> Words {
    let carry = |sum: u32, term: u32| u32::from(sum < term);
    let s3 = a[3].wrapping_add(b[3]);
    let c3 = carry(s3, a[3]);
    let t2 = a[2].wrapping_add(b[2]);
    let s2 = t2.wrapping_add(c3);
    let c2 = carry(t2, a[2]) + carry(s2, c3);
    let t1 = a[1].wrapping_add(b[1]);
    let s1 = t1.wrapping_add(c2);
    let c1 = carry(t1, a[1]) + carry(s1, c2);
    [a[0].wrapping_add(b[0]).wrapping_add(c1), s1, s2, s3]
}

fn words_neg(a: Words) -> Words {
    words_add([!a[0], !a[1], !a[2], !a[3]], [0, 0, 0, 1])
}

/// words * 2^k, cut 64 bits after the first one and rounded to a pair.
fn from_words(words: Words, k: i32) -> F32x2 {
    let two = words[0] | words[1] == 0;
    let v = if two { [words[2], words[3], 0, 0] } else { words };
    let one = v[0] == 0;
    let w = if one { [v[1], v[2], v[3], 0] } else { v };
    let zeros = w[0].leading_zeros().min(31);
    let upper = w[0] << zeros | w[1] >> 1 >> (31 - zeros);
    let lower = w[1] << zeros | w[2] >> 1 >> (31 - zeros);
    let hi = (upper & 0xffff_ff00) as f32;
    let rest = ((upper & 0x0000_00ff) << 16 | lower >> 16) as f32;
    let last = (lower & 0x0000_ffff) as f32;
    let lo = rest * 1.52587890625e-5 + last * 2.3283064365386963e-10; // 2^-16, 2^-32
    let places = if two { 32 } else { 96 } - if one { 32 } else { 0 } - zeros as i32;
    scale(fast_two_sum(hi, lo), if w[0] == 0 { 0 } else { k + places })
}

// ---- comparison and rounding ----

/// Absolute value.
pub fn abs(x: F32x2) -> F32x2 {
    x.abs()
}

/// 1, -1, or x for zeros and NaN.
pub fn sign(x: F32x2) -> F32x2 {
    if x.hi() > 0.0 {
        F32x2::ONE
    } else if x.hi() < 0.0 {
        -F32x2::ONE
    } else {
        x
    }
}

/// The smaller one; NaN if either is.
pub fn min(a: F32x2, b: F32x2) -> F32x2 {
    if is_nan(a) || (a < b && !is_nan(b)) { a } else { b }
}

/// The larger one; NaN if either is.
pub fn max(a: F32x2, b: F32x2) -> F32x2 {
    if is_nan(a) || (b < a && !is_nan(b)) { a } else { b }
}

/// The whole number at or below x. The low part counts where the high one is whole: it is too small to carry any other
/// high part over a whole number.
pub fn floor(x: F32x2) -> F32x2 {
    let hi = x.hi().floor();
    let lo = if hi == x.hi() { x.lo().floor() } else { 0.0 };
    if lo == 0.0 { F32x2::new(hi, 0.0) } else { fast_two_sum(hi, lo) }
}

/// The whole number at or above x.
pub fn ceil(x: F32x2) -> F32x2 {
    -floor(-x)
}

/// The whole number next to x towards 0.
pub fn trunc(x: F32x2) -> F32x2 {
    with_sign(floor(abs(x)), x.hi())
}

/// The nearest whole number, the even one of two. The low part decides where the high one is halfway or whole; if it is
/// itself halfway, the high part is even, being the nearest f32 to the sum.
pub fn round(x: F32x2) -> F32x2 {
    let hi = x.hi().round_ties_even();
    let off = x.hi() - hi;
    let up = off == 0.5 && x.lo() > 0.0;
    let down = off == -0.5 && x.lo() < 0.0;
    let halfway = if up {
        1.0
    } else if down {
        -1.0
    } else {
        0.0
    };
    let lo = if hi == x.hi() { x.lo().round_ties_even() } else { halfway };
    if lo == 0.0 { F32x2::new(hi, 0.0) } else { fast_two_sum(hi, lo) }
}

// ---- exponentials ----

/// e^x = 2^k * (1 + p).
struct Exp {
    k: i32,
    p: F32x2,
}

/// e^r - 1 for |r| < 0.35: the series at r/32, then e^2s - 1 = 2 (e^s - 1) + (e^s - 1)^2 five times over.
fn expm1_near(r: F32x2) -> F32x2 {
    let s = F32x2::new(r.hi() * 0.03125, r.lo() * 0.03125);
    let tail = s.hi() * (4.1666668e-2 + s.hi() * (8.333334e-3 + s.hi() * 1.3888889e-3)); // 1/4!, 1/5!, 1/6!
    let cubic = pair_add_f32(INVERSE_FACTORIAL_3, tail);
    let square = pair_add_f32(pair_mul(s, cubic), 0.5);
    let mut p = pair_add(s, pair_mul(pair_mul(s, s), square));
    for _ in 0..5 {
        p = pair_add(F32x2::new(p.hi() + p.hi(), p.lo() + p.lo()), pair_mul(p, p));
    }
    p
}

/// Cody-Waite reduction by ln 2, for |x| < 200; 0 elsewhere.
fn exp_split(x: F32x2) -> Exp {
    let bounded = if x.hi().abs() < 200.0 { x } else { F32x2::ZERO };
    let k = (bounded.hi() * LOG2_E.hi()).round_ties_even();
    let r = pair_add_f32(bounded, -(k * LN2_FIRST));
    let r = pair_add_f32(pair_add_f32(r, -(k * LN2_SECOND)), -(k * LN2_THIRD));
    Exp { k: k as i32, p: expm1_near(r) }
}

/// 2^(k + shift) * (1 + p), or what it comes to where x is large or NaN.
fn exp_scaled(x: F32x2, parts: Exp, shift: i32) -> F32x2 {
    if is_nan(x) {
        return x;
    }
    if x.hi() > 150.0 {
        return F32x2::INFINITY;
    }
    if x.hi() < -150.0 {
        return F32x2::ZERO;
    }
    scale(pair_add_f32(parts.p, 1.0), parts.k + shift)
}

/// e^x.
pub fn exp(x: F32x2) -> F32x2 {
    exp_scaled(x, exp_split(x), 0)
}

/// 2^x.
pub fn exp2(x: F32x2) -> F32x2 {
    let bounded = if x.hi().abs() < 200.0 { x } else { F32x2::ZERO };
    let k = bounded.hi().round_ties_even();
    let r = pair_mul(pair_add_f32(bounded, -k), LN2);
    exp_scaled(x, Exp { k: k as i32, p: expm1_near(r) }, 0)
}

/// e^x - 1.
pub fn expm1(x: F32x2) -> F32x2 {
    if is_fixed(x) {
        return x;
    }
    let parts = exp_split(x);
    if parts.k == 0 && x.hi().abs() < 1.0 {
        return parts.p;
    }
    exp_scaled(x, parts, 0) - F32x2::ONE
}

/// With p = e^a - 1, sinh(a) is (p + p / (1 + p)) / 2 without cancellation near 0; else e^a / 2 - 1 / (2 e^a).
pub fn sinh(x: F32x2) -> F32x2 {
    if is_fixed(x) {
        return x;
    }
    let a = abs(x);
    let parts = exp_split(a);
    if parts.k == 0 && a.hi() < 1.0 {
        let sum = parts.p + parts.p / pair_add_f32(parts.p, 1.0);
        return with_sign(F32x2::new(0.5 * sum.hi(), 0.5 * sum.lo()), x.hi());
    }
    let half = exp_scaled(a, parts, -1);
    with_sign(half + F32x2::new(-0.25, 0.0) / half, x.hi())
}

/// e^x / 2 + e^-x / 2.
pub fn cosh(x: F32x2) -> F32x2 {
    let a = abs(x);
    let half = exp_scaled(a, exp_split(a), -1);
    half + F32x2::new(0.25, 0.0) / half
}

/// sinh(x) / cosh(x).
pub fn tanh(x: F32x2) -> F32x2 {
    if is_fixed(x) {
        return x;
    }
    let a = abs(x);
    let p = expm1(F32x2::new(-2.0 * a.hi(), -2.0 * a.lo()));
    with_sign(-p / pair_add_f32(p, 2.0), x.hi())
}

// ---- logarithms ----

/// x = 2^e * m.
struct Log {
    e: f32,
    m: F32x2,
}

/// For x > 0 finite.
fn log_split(x: F32x2) -> Log {
    let small = x.hi() < 5.421010862427522e-20; // 2^-64
    let raised = x.hi() * if small { 18446744073709551616.0 } else { 1.0 }; // 2^64
    let e = ((raised.to_bits().wrapping_sub(SQRT_HALF_BITS) as i32) >> 23) - if small { 64 } else { 0 };
    Log { e: e as f32, m: scale(x, -e) }
}

/// atanh(s)/s - 1 from z = s^2, atan(s)/s - 1 from z = -s^2, for |z| < 0.0295.
fn atanh_series(z: F32x2) -> F32x2 {
    let v = z.hi();
    // 1/11, 1/13, 1/15, 1/17, 1/19
    let tail = v * (9.090909e-2 + v * (7.692308e-2 + v * (6.6666667e-2 + v * (5.882353e-2 + v * 5.263158e-2))));
    let p = pair_add(SEVENTH, pair_mul(z, pair_add_f32(NINTH, tail)));
    let p = pair_add(THIRD, pair_mul(z, pair_add(FIFTH, pair_mul(z, p))));
    pair_mul(z, p)
}

/// 2 atanh(s) for |s| < 0.1716.
fn twice_atanh(s: F32x2) -> F32x2 {
    let y = pair_add(s, pair_mul(s, atanh_series(pair_mul(s, s))));
    F32x2::new(y.hi() + y.hi(), y.lo() + y.lo())
}

/// log(m) = 2 atanh((m - 1) / (m + 1)).
fn log_near(m: F32x2) -> F32x2 {
    twice_atanh(pair_div(pair_add_f32(m, -1.0), pair_add_f32(m, 1.0)))
}

/// The special values shared by the logarithms: y where x > 0 is finite.
fn log_special(x: F32x2, y: F32x2) -> F32x2 {
    if is_nan(x) || x.hi() < 0.0 {
        return F32x2::NAN;
    }
    if x.hi() == 0.0 {
        return -F32x2::INFINITY;
    }
    if is_inf(x) { x } else { y }
}

/// Natural logarithm.
pub fn log(x: F32x2) -> F32x2 {
    let parts = log_split(x);
    log_special(x, pair_add(pair_mul_f32(LN2, parts.e), log_near(parts.m)))
}

/// log(1 + x) + shift * ln 2. Near 0 the series of atanh takes x / (2 + x), which does not round 1 + x.
fn log1p_shifted(x: F32x2, shift: f32) -> F32x2 {
    let near = x.hi() > -0.29 && x.hi() < 0.41;
    let sum = x + F32x2::ONE;
    let parts = log_split(sum);
    let num = if near { x } else { pair_add_f32(parts.m, -1.0) };
    let den = pair_add_f32(if near { x } else { parts.m }, if near { 2.0 } else { 1.0 });
    let e = if near { 0.0 } else { parts.e } + shift;
    log_special(sum, pair_add(pair_mul_f32(LN2, e), twice_atanh(pair_div(num, den))))
}

/// log(1 + x).
pub fn log1p(x: F32x2) -> F32x2 {
    if is_fixed(x) { x } else { log1p_shifted(x, 0.0) }
}

/// Binary logarithm.
pub fn log2(x: F32x2) -> F32x2 {
    let parts = log_split(x);
    log_special(x, pair_add_f32(pair_mul(LOG2_E, log_near(parts.m)), parts.e))
}

/// Decimal logarithm.
pub fn log10(x: F32x2) -> F32x2 {
    let parts = log_split(x);
    log_special(x, pair_add(pair_mul_f32(LOG10_2, parts.e), pair_mul(LOG10_E, log_near(parts.m))))
}

/// log1p(a + a^2 / (1 + sqrt(1 + a^2))) has no cancellation; beyond 2^30 it is log(2 a), where 2 a may overflow.
pub fn asinh(x: F32x2) -> F32x2 {
    if is_fixed(x) {
        return x;
    }
    let a = abs(x);
    if a.hi() > 1073741824.0 {
        return with_sign(log1p_shifted(a - F32x2::ONE, 1.0), x.hi());
    }
    let square = pair_mul(a, a);
    let root = pair_add_f32(square, 1.0).sqrt();
    let near = pair_add(a, pair_div(square, pair_add_f32(root, 1.0)));
    with_sign(log1p_shifted(near, 0.0), x.hi())
}

/// log1p(t + sqrt(t (t + 2))) with t = x - 1; beyond 2^30 it is log(2 x).
pub fn acosh(x: F32x2) -> F32x2 {
    if is_nan(x) || x < F32x2::ONE {
        return F32x2::NAN;
    }
    let t = x - F32x2::ONE;
    if x.hi() > 1073741824.0 {
        return log1p_shifted(t, 1.0);
    }
    log1p_shifted(pair_add(t, pair_mul(t, pair_add_f32(t, 2.0)).sqrt()), 0.0)
}

/// log1p(2 a / (1 - a)) / 2, which is infinite at 1 and NaN beyond.
pub fn atanh(x: F32x2) -> F32x2 {
    if is_fixed(x) {
        return x;
    }
    let a = abs(x);
    let y = log1p_shifted(F32x2::new(a.hi() + a.hi(), a.lo() + a.lo()) / (F32x2::ONE - a), 0.0);
    with_sign(F32x2::new(0.5 * y.hi(), 0.5 * y.lo()), x.hi())
}

// ---- powers ----

/// Square root.
pub fn sqrt(x: F32x2) -> F32x2 {
    x.sqrt()
}

/// Halley's iteration from a guess within 5 %: three steps, the last of which finds whole roots exactly.
pub fn cbrt(x: F32x2) -> F32x2 {
    if x.hi() == 0.0 || !x.is_finite() {
        return x;
    }
    let a = abs(x);
    let small = a.hi() < 5.421010862427522e-20; // 2^-64
    let raised = a.hi() * if small { 18446744073709551616.0 } else { 1.0 }; // 2^64
    let third = (exponent(raised) - if small { 64 } else { 0 } + 300) / 3 - 100;
    let m = scale(a, -3 * third);
    let mut y = F32x2::new(f32::from_bits(m.hi().to_bits() / 3 + 0x2a51_4067), 0.0);
    for _ in 0..3 {
        let cube = pair_mul_f32(two_prod(y.hi(), y.hi()), y.hi());
        let excess = pair_add(cube, -m).hi();
        y = fast_two_sum(y.hi(), -(y.hi() * excess / (cube.hi() + cube.hi() + m.hi())));
    }
    with_sign(scale(y, third), x.hi())
}

/// A sum of three f32, each at most about a unit in the last place of the one before: 70 bits.
type Triple = [f32; 3];

fn triple_normal(a: f32, b: f32, c: f32) -> Triple {
    let low = fast_two_sum(b, c);
    let high = fast_two_sum(a, low.hi());
    let rest = fast_two_sum(high.lo(), low.lo());
    [high.hi(), rest.hi(), rest.lo()]
}

/// Not normalised, so that terms that cancel can follow.
fn triple_add(t: Triple, x: f32) -> Triple {
    let first = two_sum(t[0], x);
    let second = two_sum(t[1], first.lo());
    [first.hi(), second.hi(), t[2] + second.lo()]
}

fn triple_mul(a: Triple, b: Triple) -> Triple {
    let p = two_prod(a[0], b[0]);
    let q = two_prod(a[0], b[1]);
    let r = two_prod(a[1], b[0]);
    let cross = two_sum(q.hi(), r.hi());
    let middle = two_sum(p.lo(), cross.hi());
    let low = (a[0] * b[2] + a[2] * b[0]) + (a[1] * b[1] + (q.lo() + r.lo())) + (cross.lo() + middle.lo());
    triple_normal(p.hi(), middle.hi(), low)
}

/// log2(x) for x > 0 finite to about 53 bits: the quotient (m - 1) / (m + 1) gets a third part from its remainder.
fn log2_triple(x: F32x2) -> Triple {
    let parts = log_split(x);
    let f = pair_add_f32(parts.m, -1.0);
    let g_high = two_sum(parts.m.hi(), 1.0);
    let g_low = two_sum(g_high.lo(), parts.m.lo());
    let g = triple_normal(g_high.hi(), g_low.hi(), g_low.lo());
    let q = pair_div(f, F32x2::new(g[0], g[1]));
    let back = triple_mul([q.hi(), q.lo(), 0.0], g);
    let rest = triple_add(triple_add([-back[0], -back[1], -back[2]], f.hi()), f.lo());
    let s = triple_normal(q.hi(), q.lo(), (rest[0] + rest[1] + rest[2]) / g[0]);
    let t = triple_mul(s, TWO_LOG2_E);
    let curve = pair_mul(F32x2::new(t[0], t[1]), atanh_series(pair_mul(q, q)));
    let sum = triple_add(triple_add(triple_add(t, curve.lo()), curve.hi()), parts.e);
    triple_normal(sum[0], sum[1], sum[2])
}

/// a^y for a > 0 finite: 2^(y log2 a) with the product in three parts.
fn pow_positive(a: F32x2, y: F32x2) -> F32x2 {
    let l = log2_triple(a);
    let rough = y.hi() * l[0];
    if rough < -200.0 {
        return F32x2::ZERO;
    }
    if rough > 200.0 {
        return F32x2::INFINITY;
    }
    let w = triple_mul([y.hi(), y.lo(), 0.0], l);
    let k = if rough.abs() < 200.0 { w[0].round_ties_even() } else { 0.0 };
    let high = two_sum(w[0] - k, w[1]);
    let r = fast_two_sum(high.hi(), high.lo() + w[2]);
    scale(pair_add_f32(expm1_near(pair_mul(r, LN2)), 1.0), k as i32)
}

/// C99's cases: x^0 and 1^y are 1 even for NaN; a negative base needs a whole exponent. A whole power of a whole number
/// is rounded to a whole number, which is then exact.
pub fn pow(x: F32x2, y: F32x2) -> F32x2 {
    let a = abs(x);
    if y.hi() == 0.0 || x == F32x2::ONE || (a == F32x2::ONE && is_inf(y)) {
        return F32x2::ONE;
    }
    let whole = floor(y) == y;
    let at_edge = is_inf(x) || x.hi() == 0.0;
    if is_nan(x) || is_nan(y) || (x.hi() < 0.0 && !whole && !at_edge) {
        return F32x2::NAN;
    }
    let half = F32x2::new(0.5 * y.hi(), 0.5 * y.lo());
    let odd = whole && floor(half) != half;
    let side = if odd { x.hi() } else { 1.0 };
    if at_edge || is_inf(y) {
        let grows = (y.hi() > 0.0) == if at_edge { is_inf(x) } else { F32x2::ONE < a };
        return with_sign(if grows { F32x2::INFINITY } else { F32x2::ZERO }, side);
    }
    let power = pow_positive(a, y);
    let exact = whole && y.hi() > 0.0 && power.hi() < 1.0e12 && floor(a) == a;
    with_sign(if exact { round(power) } else { power }, side)
}

/// sqrt(x^2 + y^2), scaled by a power of two so that no square overflows.
pub fn hypot(x: F32x2, y: F32x2) -> F32x2 {
    if is_inf(x) || is_inf(y) {
        return F32x2::INFINITY;
    }
    if is_nan(x) || is_nan(y) {
        return F32x2::NAN;
    }
    let larger = if x.hi().abs() < y.hi().abs() { y.hi() } else { x.hi() };
    let e = exponent(larger);
    let along = scale(x, -e);
    let up = scale(y, -e);
    scale(pair_add(pair_mul(along, along), pair_mul(up, up)).sqrt(), e)
}

// ---- trigonometric functions ----

/// |x| = quadrant * pi/2 + r, |r| <= pi/4.
struct Angle {
    quadrant: u32,
    r: F32x2,
}

/// |x| * 2/pi modulo 4 in units of 2^-126: the mantissa times a window of 160 bits of 2/pi, the last 32 of which guard
/// (M. Payne, R. Hanek, "Radian reduction for trigonometric functions", SIGNUM Newsletter 18, 1983).
fn quarter_turns(x: f32) -> Words {
    let field = (x.to_bits() & ABS_BITS) >> 23;
    let mantissa = (x.to_bits() & MANTISSA_BITS) | if field > 0 { 0x0080_0000 } else { 0 };
    // Bit 0 of the mantissa has the weight 2^(field - 150), and the window begins at the bit of 2/pi that it takes to
    // 2.
    let offset = field.max(1) + 8;
    let first = (offset >> 5) as usize;
    let left = offset & 31;
    let window = |i: usize| TWO_OVER_PI[first + i] << left | TWO_OVER_PI[first + i + 1] >> 1 >> (31 - left);
    let low = [0, 1, 2, 3].map(|i| mantissa.wrapping_mul(window(i)));
    words_add(low, [1, 2, 3, 4].map(|i| mul_high(mantissa, window(i))))
}

/// The upper 32 bits of the product.
fn mul_high(a: u32, b: u32) -> u32 {
    ((u64::from(a) * u64::from(b)) >> 32) as u32
}

/// The reduction of both parts of x is exact to 2^-120, so that their sum keeps full precision next to every multiple
/// of pi/2.
fn reduce(x: F32x2) -> Angle {
    if x.hi().abs() < 0.785 {
        return Angle { quadrant: 0, r: abs(x) };
    }
    let lo = quarter_turns(x.lo());
    let apart = (x.hi().to_bits() ^ x.lo().to_bits()) & SIGN_BIT != 0;
    let turns = words_add(quarter_turns(x.hi()), if apart { words_neg(lo) } else { lo });
    let quadrant = turns[0].wrapping_add(0x2000_0000) >> 30;
    let rest = [turns[0].wrapping_sub(quadrant << 30), turns[1], turns[2], turns[3]];
    let below = rest[0] >= SIGN_BIT;
    let part = from_words(if below { words_neg(rest) } else { rest }, -126);
    let r = pair_mul(part, HALF_PI);
    Angle { quadrant, r: if below { -r } else { r } }
}

/// sin(r + quadrant * pi/2) by the Taylor series of sine, r + (r z) P(z), or of cosine, 1 + z P(z), with z = r^2.
fn sin_quadrant(r: F32x2, quadrant: u32) -> F32x2 {
    let cosine = quadrant & 1 == 1;
    let pick = |odd: F32x2, even: F32x2| if cosine { even } else { odd };
    let z = pair_mul(r, r);
    let v = z.hi();
    // 1/11!, 1/13!, 1/15! or 1/10!, 1/12!, 1/14!, 1/16!
    let sine_tail = -2.5052108e-8 + v * (1.6059044e-10 - v * 7.6471636e-13);
    let cosine_tail = -2.755732e-7 + v * (2.0876756e-9 + v * (-1.1470745e-11 + v * 4.7794773e-14));
    let tail = v * if cosine { cosine_tail } else { sine_tail };
    let p = pair_add_f32(pick(INVERSE_FACTORIAL_9, INVERSE_FACTORIAL_8), tail);
    let p = pair_add(pick(-INVERSE_FACTORIAL_7, -INVERSE_FACTORIAL_6), pair_mul(z, p));
    let p = pair_add(pick(INVERSE_FACTORIAL_5, INVERSE_FACTORIAL_4), pair_mul(z, p));
    let p = pair_add(pick(-INVERSE_FACTORIAL_3, F32x2::new(-0.5, 0.0)), pair_mul(z, p));
    let y = pair_add(pick(r, F32x2::ONE), pair_mul(if cosine { z } else { pair_mul(r, z) }, p));
    if quadrant & 2 == 2 { -y } else { y }
}

/// Sine of x radians.
pub fn sin(x: F32x2) -> F32x2 {
    if is_fixed(x) {
        return x;
    }
    if !x.is_finite() {
        return F32x2::NAN;
    }
    let angle = reduce(x);
    with_sign(sin_quadrant(angle.r, angle.quadrant), x.hi())
}

/// Cosine of x radians.
pub fn cos(x: F32x2) -> F32x2 {
    if !x.is_finite() {
        return F32x2::NAN;
    }
    let angle = reduce(x);
    sin_quadrant(angle.r, angle.quadrant + 1)
}

/// Tangent of x radians.
pub fn tan(x: F32x2) -> F32x2 {
    if is_fixed(x) {
        return x;
    }
    if !x.is_finite() {
        return F32x2::NAN;
    }
    let angle = reduce(x);
    let sine = sin_quadrant(angle.r, angle.quadrant);
    let cosine = sin_quadrant(angle.r, angle.quadrant + 1);
    with_sign(pair_div(sine, cosine), x.hi())
}

// ---- inverse trigonometric functions ----

/// atan(y/x) for y, x >= 0, or pi minus it. The smaller over the larger is t, and atan(t) = atan(c) + atan((t - c) / (1
/// + t c)) for the multiple c of 1/4 next to t.
fn atan_quotient(y: F32x2, x: F32x2, turned: bool) -> F32x2 {
    let steep = x < y;
    let num = if steep { x } else { y };
    let den = if steep { y } else { x };
    let i = (4.0 * (num.hi() / den.hi())).round_ties_even();
    let c = 0.25 * i;
    let t = pair_div(pair_add(num, -pair_mul_f32(den, c)), pair_add(den, pair_mul_f32(num, c)));
    let near = pair_add(t, pair_mul(t, atanh_series(-pair_mul(t, t))));
    let a = pair_add(ATAN_QUARTERS[(i as usize).min(4)], near);
    let b = if steep { pair_add(HALF_PI, -a) } else { a };
    if turned { pair_add(PI, -b) } else { b }
}

/// Beyond 2^60 the result is pi/2; the bound keeps infinity out of the division.
pub fn atan(x: F32x2) -> F32x2 {
    if is_fixed(x) {
        return x;
    }
    let a = abs(x);
    let bounded = if a.hi() < 1152921504606846976.0 { a } else { F32x2::new(1152921504606846976.0, 0.0) };
    with_sign(atan_quotient(bounded, F32x2::ONE, false), x.hi())
}

/// The angle of the point (x, y), scaled by a power of two so that the larger coordinate is near 1. Two zeros, and
/// infinities, are replaced by the direction that they stand for.
pub fn atan2(y: F32x2, x: F32x2) -> F32x2 {
    if is_nan(y) || is_nan(x) {
        return F32x2::NAN;
    }
    let larger = if x.hi().abs() < y.hi().abs() { y.hi() } else { x.hi() };
    let endless = is_inf(y) || is_inf(x);
    let e = if endless { 0 } else { exponent(larger) };
    let unit = |on: bool| F32x2::new(if on { 1.0 } else { 0.0 }, 0.0);
    let up = if endless { unit(is_inf(y)) } else { scale(abs(y), -e) };
    let along = if endless || larger == 0.0 { unit(is_inf(x) || larger == 0.0) } else { scale(abs(x), -e) };
    with_sign(atan_quotient(up, along, x.hi().is_sign_negative()), y.hi())
}

/// sqrt(1 - x^2), of which both factors are accurate next to 1; NaN beyond.
fn other_leg(a: F32x2) -> F32x2 {
    pair_mul(pair_add_f32(-a, 1.0), pair_add_f32(a, 1.0)).sqrt()
}

/// atan2(x, sqrt(1 - x^2)).
pub fn asin(x: F32x2) -> F32x2 {
    if is_fixed(x) {
        return x;
    }
    let a = abs(x);
    if is_nan(x) || F32x2::ONE < a {
        return F32x2::NAN;
    }
    with_sign(atan_quotient(a, other_leg(a), false), x.hi())
}

/// atan2(sqrt(1 - x^2), x).
pub fn acos(x: F32x2) -> F32x2 {
    let a = abs(x);
    if is_nan(x) || F32x2::ONE < a {
        return F32x2::NAN;
    }
    atan_quotient(other_leg(a), a, x.hi() < 0.0)
}

// ---- remainders ----

/// mantissa * 2^e with bit 23 of the mantissa set, or 0.
struct Mantissa {
    mantissa: u32,
    e: i32,
}

/// A subnormal mantissa is shifted up.
fn mantissa(x: f32) -> Mantissa {
    let field = (x.to_bits() & ABS_BITS) >> 23;
    let fraction = x.to_bits() & MANTISSA_BITS;
    let lost = fraction.leading_zeros() - 8;
    if field > 0 {
        return Mantissa { mantissa: fraction | 0x0080_0000, e: field as i32 - 150 };
    }
    Mantissa { mantissa: fraction << lost, e: -149 - lost as i32 }
}

/// (upper * 2^32 + lower) * 2^e.
#[derive(Clone, Copy)]
struct Whole {
    upper: u32,
    lower: u32,
    e: i32,
}

/// |x| with bit 61 the leading one, or bit 60 where the low part takes from a power of two. The low part has 24 bits
/// and is at most half a unit of the high one; where it is still smaller by more than 2^14, bits beyond the 61st are
/// dropped.
fn whole(x: F32x2) -> Whole {
    let hi = mantissa(x.hi());
    let lo = mantissa(x.lo());
    let e = hi.e - 38;
    let places = lo.e - e;
    let left = places.clamp(0, 14) as u32;
    let right = (-places).clamp(0, 31) as u32;
    let low_upper = lo.mantissa >> 1 >> (31 - left);
    let low_lower = (lo.mantissa << left) >> right;
    let upper = hi.mantissa << 6;
    if (x.hi().to_bits() ^ x.lo().to_bits()) & SIGN_BIT == 0 {
        return Whole { upper: upper + low_upper, lower: low_lower, e };
    }
    Whole { upper: upper - low_upper - u32::from(low_lower != 0), lower: 0u32.wrapping_sub(low_lower), e }
}

fn whole_less(a: Whole, b: Whole) -> bool {
    a.upper < b.upper || (a.upper == b.upper && a.lower < b.lower)
}

fn whole_sub(a: Whole, b: Whole) -> Whole {
    let upper = a.upper - b.upper - u32::from(a.lower < b.lower);
    Whole { upper, lower: a.lower.wrapping_sub(b.lower), e: b.e }
}

/// The remainder of the multiple of 2^y.e in |x| by y: long division, the first 38 bits at once, the rest bit by bit.
fn residue(x: f32, y: Whole) -> Whole {
    let m = mantissa(x);
    let places = m.e - y.e;
    let mantissa = m.mantissa >> (-places).clamp(0, 31);
    let left = places.clamp(0, 8) as u32;
    let further = (places - 8).clamp(0, 30) as u32;
    let mut rest = Whole { upper: mantissa << left >> 1 >> (31 - further), lower: mantissa << left << further, e: y.e };
    let mut steps = places - 38;
    loop {
        while !whole_less(rest, y) {
            rest = whole_sub(rest, y);
        }
        if steps <= 0 || (rest.upper | rest.lower) == 0 {
            break;
        }
        rest = Whole { upper: rest.upper << 1 | rest.lower >> 31, lower: rest.lower << 1, e: y.e };
        steps -= 1;
    }
    rest
}

/// The remainder of x by y with the sign of x, or with that of y if floored. Both parts of x are divided, in whole
/// numbers of 62 bits; the dust of the low part below their unit is added last. Exact in whole numbers where y spans up
/// to 61 bits.
fn remainder(x: F32x2, y: F32x2, floored: bool) -> F32x2 {
    if !x.is_finite() || is_nan(y) || y.hi() == 0.0 {
        return F32x2::NAN;
    }
    let side = if floored { y.hi() } else { x.hi() };
    let apart = (x.hi().to_bits() ^ side.to_bits()) & SIGN_BIT != 0;
    if abs(x) < abs(y) {
        return if apart && x.hi().abs() > 0.0 { x + y } else { with_sign(abs(x), side) };
    }
    let b = whole(y);
    let opposite = (x.hi().to_bits() ^ x.lo().to_bits()) & SIGN_BIT != 0;
    let lo = mantissa(x.lo());
    let dust = lo.mantissa & ((1 << (b.e - lo.e).clamp(0, 31)) - 1);
    let mut rest = residue(x.hi(), b);
    let mut more = residue(x.lo(), b);
    if opposite && (more.upper | more.lower) != 0 {
        more = whole_sub(b, more);
    }
    let lower = rest.lower.wrapping_add(more.lower);
    rest = Whole { upper: rest.upper + more.upper + u32::from(lower < more.lower), lower, e: b.e };
    if !whole_less(rest, b) {
        rest = whole_sub(rest, b);
    }
    // The remainder of |x| is rest + dust or rest - dust, where 0 - dust stands for b - dust; apart, it is taken from
    // b.
    let negative = (rest.upper | rest.lower) == 0 && opposite && dust != 0;
    let nothing = (rest.upper | rest.lower) == 0 && dust == 0;
    if (negative != apart) && !nothing {
        rest = whole_sub(b, rest);
    }
    let value = from_words([rest.upper, rest.lower, 0, 0], b.e - 64);
    let small = scale(F32x2::new(dust as f32, 0.0), lo.e).hi();
    with_sign(pair_add_f32(value, if opposite != apart { -small } else { small }), side)
}

/// C's fmod.
pub fn rem(x: F32x2, y: F32x2) -> F32x2 {
    remainder(x, y, false)
}

/// Python's %: the remainder takes the sign of the divisor.
pub fn modulo(x: F32x2, y: F32x2) -> F32x2 {
    remainder(x, y, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(hi: f64, lo: f64) -> F32x2 {
        F32x2::from_f64(hi) + F32x2::from_f64(lo)
    }

    #[test]
    fn whole_powers_and_roots_are_exact() {
        for base in 1..40u64 {
            for power in 0..8u32 {
                let want = base.pow(power);
                if want < 1 << 36 {
                    let x = F32x2::from_f64(base as f64);
                    assert_eq!(pow(x, F32x2::from_f64(f64::from(power))).to_f64(), want as f64, "{base}^{power}");
                    assert_eq!(pow(-x, F32x2::from_f64(3.0)), -pow(x, F32x2::from_f64(3.0)));
                }
            }
            assert_eq!(cbrt(F32x2::from_f64((base * base * base) as f64)).to_f64(), base as f64);
            assert_eq!(log2(F32x2::from_f64((1u64 << base) as f64)).to_f64(), base as f64);
        }
    }

    /// Next to pi the sine is what pi lacks, with all its digits: the pair nearest to pi lacks 1.5e-15.
    #[test]
    fn sine_keeps_its_digits_next_to_multiples_of_pi() {
        let lacking = -1.71512451e-15 * 2.0;
        assert!((sin(PI).to_f64() / lacking - 1.0).abs() < 1e-7);
        let lacking = sin(HALF_PI + PI + PI).to_f64() - 1.0;
        assert!(lacking.abs() < 1e-13);
    }

    /// Both parts are divided, however far they lie apart.
    #[test]
    fn remainders_are_exact() {
        let far = 2f64.powi(-40);
        for (hi, lo, y, floored, want) in [
            (1048576.0, far, 1.0, false, far),
            (1048576.0, -far, 1.0, false, 1.0 - far),
            (1048576.0, -far, -1.0, true, -far),
            (-1048576.0, far, 1.0, true, far),
            (1152921504606846976.0, 7.0, 3.0, false, 2.0),
            (1152921504606846976.0, -7.0, 3.0, false, 0.0),
            (7.0, 0.0, -3.0, true, -2.0),
            (-7.0, 0.0, 3.0, true, 2.0),
            (-7.0, 0.0, 3.0, false, -1.0),
            (-6.0, 0.0, 3.0, false, -0.0),
            (-6.0, 0.0, 3.0, true, 0.0),
            (1e-44, 0.0, 4.2e-45, false, 1.4e-45),
        ] {
            let x = pair(hi, lo);
            let got = if floored { modulo(x, pair(y, 0.0)) } else { rem(x, pair(y, 0.0)) };
            assert_eq!(got, F32x2::from_f64(want), "{hi} + {lo}, {y}");
            assert_eq!(got.hi().is_sign_negative(), want.is_sign_negative());
        }
    }

    #[test]
    fn halves_round_to_even_through_both_parts() {
        for (hi, lo, want) in [
            (0.5, 0.0, 0.0f64),
            (0.5, 1e-12, 1.0),
            (1.5, -1e-12, 1.0),
            (2.5, 0.0, 2.0),
            (8388609.0, 0.5, 8388610.0),
            (8388609.0, -0.5, 8388608.0),
            (4294967296.0, 1.5, 4294967298.0),
            (-0.5, 0.0, -0.0),
        ] {
            let got = round(pair(hi, lo));
            assert_eq!((got.to_f64(), got.hi().is_sign_negative()), (want, want.is_sign_negative()), "{hi} + {lo}");
        }
        assert_eq!(floor(pair(4294967296.0, -1e-3)).to_f64(), 4294967295.0);
        assert!(ceil(pair(-0.5, 0.0)).to_f64().is_sign_negative());
    }
}
