//! The logarithms and inverse hyperbolic functions. Twin of `shaders/math/log.wgsl`.
//!
//! x = 2^e * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), and a polynomial fit of log(1 + f). The inverse hyperbolic
//! functions are log1p of a sum whose rounding error goes along.

use super::bits::*;
use super::format::*;

/// 2^e * (1 + f + low); low is no more than the rounding error of f.
#[derive(Clone, Copy)]
pub struct Log {
    pub e: i32,
    pub f: Real,
    low: Real,
}

// x > 0 and finite. A subnormal is read as an integer, so that flushing cannot touch it.
#[inline(always)]
pub fn log_split(x: Real) -> Log {
    let raw = x.to_bits();
    let tiny = raw < NORMAL_BITS;
    let above = select(raw, (raw as Real).to_bits(), tiny).wrapping_sub(SQRT_HALF_BITS);
    let e = (above as Ibits >> MANTISSA_BITS) as i32 - select(0, SUBNORMAL_SHIFT, tiny);
    Log { e, f: Real::from_bits((above & MANTISSA_MASK) + SQRT_HALF_BITS) - 1.0, low: 0.0 }
}

// e * ln 2 + log(1 + f + low), where low / (1 + f) needs one or two digits only.
#[inline(always)]
fn log_sum(parts: Log) -> Real {
    let e = parts.e as Real;
    let f = parts.f;
    let square = f * f;
    let tail = log_rest(f, square) - 0.5 * square;
    let small = e * LN2_TAIL + (parts.low - parts.low * f);
    seal(e * LN2_HEAD) + (f + (tail + small))
}

// The special values shared by the logarithms: y where x > 0 is finite.
#[inline(always)]
fn log_special(x: Real, y: Real) -> Real {
    let raw = x.to_bits();
    let positive = select(y, x, raw >= INF_BITS);
    let oriented = select(positive, from_bits(NAN_BITS), raw > SIGN_BIT);
    select(oriented, from_bits(INF_BITS | SIGN_BIT), (raw & ABS_BITS) == 0)
}

/// Whether a number is positive, finite and normal.
#[inline(always)]
pub fn is_usual_number(x: Real) -> bool {
    (Real::MIN_POSITIVE..=Real::MAX).contains(&x)
}

/// The natural logarithm of a usual number: [`log()`] without what only others need.
#[inline(always)]
pub fn log_usual(x: Real) -> Real {
    let above = x.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let e = (above as Ibits >> MANTISSA_BITS) as i32;
    log_sum(Log { e, f: Real::from_bits((above & MANTISSA_MASK) + SQRT_HALF_BITS) - 1.0, low: 0.0 })
}

/// Natural logarithm.
#[inline(always)]
pub fn log(x: Real) -> Real {
    log_special(x, log_sum(log_split(x)))
}

// log(1 + x + low). f = 2^-e * x - (1 - 2^-e) has exact terms, so the rounding of 1 + x needs no correction; below -1/2
// the sum is exact. The difference is exact too, but for the last bit where e = 1.
#[inline(always)]
fn log1p_sum(x: Real, low: Real) -> Real {
    let sum = 1.0 + x;
    let above = sum.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let e = (above as Ibits >> MANTISSA_BITS) as i32;
    let inverse = two_to(-e);
    let scaled = Real::from_bits(x.to_bits().wrapping_sub((e as Bits) << MANTISSA_BITS));
    let direct = Real::from_bits((above & MANTISSA_MASK) + SQRT_HALF_BITS) - 1.0;
    let f = select(select(scaled - (1.0 - inverse), direct, x < -0.5), x, e == 0);
    let lost = select(0.0, scaled - (f + 0.5), e == 1);
    log_special(sum, log_sum(Log { e, f, low: lost + low * inverse }))
}

/// log(1 + x), accurate near 0.
#[inline(always)]
pub fn log1p(x: Real) -> Real {
    select(log1p_sum(x, 0.0), x, x.abs() < TINY || is_nan(x))
}

// log(1 + f) in two parts, for the other bases.
#[inline(always)]
fn log_parts(f: Real) -> Parts {
    let square = f * f;
    let half_square = 0.5 * square;
    let head = head(f - half_square);
    Parts { head, tail: ((f - head) - half_square) + log_rest(f, square) }
}

/// Logarithm to base 2, exact for powers of two.
#[inline(always)]
pub fn log2(x: Real) -> Real {
    let split = log_split(x);
    let l = log_parts(split.f);
    let small = l.tail * LOG2_E + l.head * LOG2_E_TAIL;
    log_special(x, split.e as Real + (l.head * LOG2_E_HEAD + small))
}

/// Logarithm to base 10.
#[inline(always)]
pub fn log10(x: Real) -> Real {
    let split = log_split(x);
    let l = log_parts(split.f);
    let e = split.e as Real;
    let small = e * LOG10_2_TAIL + (l.tail * LOG10_E + l.head * LOG10_E_TAIL);
    log_special(x, seal(e * LOG10_2_HEAD) + (l.head * LOG10_E_HEAD + small))
}

// 2u for large u, without overflow: log(2u) is one more power of two.
#[inline(always)]
fn log_double(u: Real) -> Real {
    let split = log_split(u);
    log_sum(Log { e: split.e + 1, f: split.f, low: 0.0 })
}

// asinh(a + low) for the square of its argument: log1p(a + a^2 / (1 + sqrt(1 + a^2))) has no cancellation at any size.
#[inline(always)]
fn asinh_sum(a: Real, low: Real, square: Real) -> Real {
    let root = (1.0 + square).sqrt();
    let rise = square / (1.0 + root);
    let sum = a + rise;
    log1p_sum(sum, (rise - (sum - a)) + low * (a + root) / root)
}

/// Inverse hyperbolic sine.
#[inline(always)]
pub fn asinh(x: Real) -> Real {
    let a = x.abs();
    let y = select(asinh_sum(a, 0.0, a * a), log_double(a), a > ASINH_LARGE);
    select(with_sign(y, x), x, is_inf(x) || is_nan(x))
}

/// Inverse hyperbolic cosine.
// 2 asinh(sqrt((x - 1) / 2)), with the rounding error of the root.
#[inline(always)]
pub fn acosh(x: Real) -> Real {
    let z = 0.5 * (x - 1.0);
    let s = z.sqrt();
    let cut = head(s);
    let low = (z - cut * cut) / select(1.0, s + cut, s > 0.0) - (s - cut);
    let y = select(2.0 * asinh_sum(s, low, z), log_double(x), x > ASINH_LARGE);
    let domain = select(y, from_bits(NAN_BITS), x < 1.0);
    select(domain, x, is_nan(x) || x.to_bits() == INF_BITS)
}

/// Inverse hyperbolic tangent.
// log1p(2a + 2a * a / (1 - a)) / 2, whose first term is exact.
#[inline(always)]
pub fn atanh(x: Real) -> Real {
    let a = x.abs();
    let first = 2.0 * a;
    let second = first * a / (1.0 - a);
    let sum = first + second;
    let low = select((first - sum) + second, (second - sum) + first, a > 0.5);
    let y = select(0.5 * log1p_sum(sum, low), from_bits(INF_BITS), a == 1.0);
    select(with_sign(y, x), from_bits(NAN_BITS), a > 1.0 || is_nan(x))
}
