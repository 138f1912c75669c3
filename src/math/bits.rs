//! What the functions of `math` do to the bits of a number. Twin of `shaders/math/bits.wgsl`.

use super::format::*;

/// A number as the sum of a head of few bits and a small tail.
#[derive(Clone, Copy)]
pub struct Parts {
    pub head: Real,
    pub tail: Real,
}

/// WGSL's `select`, argument order included: `yes` where `condition` holds. Both sides are evaluated, as on a GPU.
#[inline(always)]
pub fn select<T>(no: T, yes: T, condition: bool) -> T {
    if condition { yes } else { no }
}

#[inline(always)]
pub fn from_bits(x: Bits) -> Real {
    Real::from_bits(x)
}

#[inline(always)]
pub fn is_nan(x: Real) -> bool {
    (x.to_bits() & ABS_BITS) > INF_BITS
}

#[inline(always)]
pub fn is_inf(x: Real) -> bool {
    (x.to_bits() & ABS_BITS) == INF_BITS
}

// The leading half of the bits: the product of two heads is exact.
#[inline(always)]
pub fn head(x: Real) -> Real {
    Real::from_bits(x.to_bits() & HEAD_MASK)
}

// Drops the last bit. It stops a WGSL compiler from regrouping; here it is done for the same bits.
#[inline(always)]
pub fn seal(x: Real) -> Real {
    Real::from_bits(x.to_bits() & SEAL_MASK)
}

// magnitude >= 0 or NaN.
#[inline(always)]
pub fn with_sign(magnitude: Real, sign_source: Real) -> Real {
    Real::from_bits(magnitude.to_bits() ^ (sign_source.to_bits() & SIGN_BIT))
}

// The whole number nearest to x as a number, from x + SHIFTER; for |x| < 2^31 as by way of an integer in WGSL.
#[inline(always)]
pub fn shifted_real(x: Real) -> Real {
    x - SHIFTER
}

// The whole number nearest to x from x + SHIFTER.
#[inline(always)]
pub fn shifted_whole(x: Real) -> i32 {
    x.to_bits().wrapping_sub(SHIFTER_BITS) as i32
}

// 2^k for the exponents k of normal numbers; 0 below.
#[inline(always)]
pub fn two_to(k: i32) -> Real {
    Real::from_bits(((k.clamp(-BIAS, BIAS) + BIAS) as Bits) << MANTISSA_BITS)
}
