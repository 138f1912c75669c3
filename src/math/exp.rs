//! The exponential and hyperbolic functions. Twin of `shaders/math/exp.wgsl`.
//!
//! The argument is reduced by a multiple k of ln 2 that is held in two parts \[Cody and Waite, Software Manual for the
//! Elementary Functions, 1980, chapter 6\]; a polynomial does the rest. No function forms a power of two that is not
//! normal.

use super::bits::*;
use super::format::*;

/// A power 2^k * (1 + head + low + curve): head on a grid of 2^-10, low below that, curve the higher powers. 1 + head
/// is exact, so the last sum is the only large rounding.
#[derive(Clone, Copy)]
pub struct Power {
    k: i32,
    head: Real,
    low: Real,
    curve: Real,
}

// 2^k * e^(reduced + rest) for |reduced + rest| < 0.3468 and a small rest.
#[inline(always)]
fn power(k: i32, reduced: Real, rest: Real) -> Power {
    let head = seal(seal(reduced + EXP_GRID) - EXP_GRID);
    let low = seal(reduced - head);
    let r = seal(reduced) + rest;
    Power { k, head, low, curve: r * r * exp_series(r) + rest }
}

#[inline(always)]
fn exp_power(x: Real) -> Power {
    let shifted = x * LOG2_E + SHIFTER;
    let whole = shifted_real(shifted);
    power(shifted_whole(shifted), x - whole * LN2_HEAD, -(whole * LN2_TAIL))
}

// 2^(k + f + tail) for |f + tail| <= 1/2 and a small tail.
#[inline(always)]
pub fn exp2_power(k: i32, f: Real, tail: Real) -> Power {
    let cut = head(f);
    let rest = ((f - cut) + tail) * LN2 + cut * LN2_SHORT_TAIL;
    power(k, cut * LN2_SHORT, rest)
}

// y * 2^k for 0.1 < y < 4 and exponents up to a little outside the range, to infinity on overflow.
#[inline(always)]
fn scale(y: Real, k: i32) -> Real {
    let low = k < SCALE_LOW;
    let shift = select(k, k.wrapping_add(64), low);
    let scaled = y.to_bits().wrapping_add((shift as Bits) << MANTISSA_BITS);
    Real::from_bits(scaled.min(INF_BITS)) * select(1.0, 5.421010862427522e-20, low)
}

// The value of a power times 2^shift.
#[inline(always)]
pub fn power_value(p: Power, shift: i32) -> Real {
    scale((1.0 + p.head) + (p.low + p.curve), p.k.wrapping_add(shift))
}

// exp(x) * 2^shift without overflow in between; shift is 0 or -1.
#[inline(always)]
fn exp_shifted(x: Real, shift: i32) -> Real {
    let y = power_value(exp_power(x), shift);
    let bounded = select(select(y, 0.0, x < EXP_UNDER), from_bits(INF_BITS), x > EXP_OVER);
    select(bounded, x, is_nan(x))
}

/// e^x.
#[inline(always)]
pub fn exp(x: Real) -> Real {
    exp_shifted(x, 0)
}

/// Whether e^x is far from both ends of the range; NaN is not.
#[inline(always)]
pub fn is_usual_exponent(x: Real) -> bool {
    x.abs() < EXP_USUAL
}

/// e^x of a usual x: [`exp`] without what only others need.
#[inline(always)]
pub fn exp_usual(x: Real) -> Real {
    let p = exp_power(x);
    let y = (1.0 + p.head) + (p.low + p.curve);
    Real::from_bits(y.to_bits().wrapping_add((p.k as Bits) << MANTISSA_BITS))
}

/// 2^x.
#[inline(always)]
pub fn exp2(x: Real) -> Real {
    let k = shifted_whole(x + SHIFTER);
    let y = power_value(exp2_power(k, x - k as Real, 0.0), 0);
    let bounded = select(select(y, 0.0, x < EXP2_UNDER), from_bits(INF_BITS), x > EXP2_OVER);
    select(bounded, x, is_nan(x))
}

/// e^x - 1, accurate near 0.
// 2^k * ((1 - 2^-k) + expm1(r)): the first bracket is exact wherever it matters. For k = 0, x is head + low unsealed.
#[inline(always)]
pub fn expm1(x: Real) -> Real {
    let p = exp_power(x);
    let inverse = two_to(p.k.wrapping_neg());
    let sum = select(((1.0 - inverse) + p.head) + (p.low + p.curve), x + p.curve, p.k == 0);
    let y = select(sum * two_to(p.k), scale(sum, p.k), p.k > 0);
    let bounded = select(select(y, -1.0, x < EXPM1_UNDER), from_bits(INF_BITS), x > EXP_OVER);
    select(bounded, x, x.abs() < TINY || is_nan(x))
}

/// Hyperbolic sine.
// Odd fit below 1, where e^x - e^-x cancels.
#[inline(always)]
pub fn sinh(x: Real) -> Real {
    let a = x.abs();
    let z = a * a;
    let near = a + a * z * sinh_series(z);
    let half = exp_shifted(a, -1);
    with_sign(select(half - 0.25 / half, near, a < 1.0), x)
}

/// Hyperbolic cosine.
#[inline(always)]
pub fn cosh(x: Real) -> Real {
    let half = exp_shifted(x.abs(), -1);
    half + 0.25 / half
}

/// Hyperbolic tangent.
// Odd fit below 0.625; above it 1 - 2 / (e^2x + 1), with x bounded where the result is 1.
#[inline(always)]
pub fn tanh(x: Real) -> Real {
    let a = x.abs();
    let z = a * a;
    let near = a + a * z * tanh_series(z);
    let far = 1.0 - 2.0 / (exp(2.0 * select(TANH_ONE, a, a < TANH_ONE)) + 1.0);
    let y = with_sign(select(far, near, a < 0.625), x);
    select(y, x, is_nan(x))
}
