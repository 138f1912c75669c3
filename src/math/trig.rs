//! Sine, cosine and tangent of any angle, in radians. Twin of `shaders/math/trig.wgsl`.
//!
//! The angle is brought to |r| < 0.7855 by a multiple of pi/2, in integers and to more bits than the format has, so
//! that a result near zero has all of its bits: Cody and Waite's method in fixed point for small angles, Payne and
//! Hanek's for the others (Muller et al., Handbook of Floating-Point Arithmetic, section 10.2).

use super::bits::*;
use super::format::*;
use super::trig_format::*;

// |x| = quadrant * pi/2 + head + tail, |head + tail| < 0.7855.
#[derive(Clone, Copy)]
pub struct Angle {
    pub quadrant: Bits,
    pub head: Real,
    pub tail: Real,
}

// The upper word of a product of two, from half words.
#[inline(always)]
fn mul_high(a: Bits, b: Bits) -> Bits {
    let half = WORD_BITS / 2;
    let a_low = a & HALF_WORD_MASK;
    let a_high = a >> half;
    let b_low = b & HALF_WORD_MASK;
    let b_high = b >> half;
    let middle = a_low * b_high + ((a_low * b_low) >> half);
    let carry = a_high * b_low + (middle & HALF_WORD_MASK);
    a_high * b_high + (middle >> half) + (carry >> half)
}

// For finite a >= 1. The mantissa times a window of three words of 2/pi, kept modulo 4 with two words less two bits
// behind the point. The fraction is normalised before it becomes a float, so cancellation costs nothing.
fn angle_large(a: Real) -> Angle {
    let word = a.to_bits();
    let mantissa = (word & MANTISSA_MASK) | NORMAL_BITS;
    let position = (word >> MANTISSA_BITS) as u32 - WINDOW_START;
    let index = position >> WINDOW_WORD_SHIFT;
    let left = position & (WORD_BITS - 1);
    let right = WORD_BITS - 1 - left;
    let w0 = (two_over_pi(index) << left) | ((two_over_pi(index + 1) >> 1) >> right);
    let w1 = (two_over_pi(index + 1) << left) | ((two_over_pi(index + 2) >> 1) >> right);
    let w2 = (two_over_pi(index + 2) << left) | ((two_over_pi(index + 3) >> 1) >> right);
    let middle = mantissa.wrapping_mul(w1);
    let low = middle.wrapping_add(mul_high(mantissa, w2));
    let high = mantissa.wrapping_mul(w0).wrapping_add(mul_high(mantissa, w1)).wrapping_add(select(0, 1, low < middle));
    let fraction = (high << 2) | (low >> (WORD_BITS - 2));
    let flip = (fraction as Ibits >> (WORD_BITS - 1)) as Bits;
    let upper = fraction ^ flip;
    let lower = (low << 2) ^ flip;
    let zeros = leading_zeros(upper);
    let value = (upper << zeros) | ((lower >> 1) >> (WORD_BITS - 1 - zeros));
    let exponent = (BIAS as u32 - WORD_BITS - zeros) as Bits;
    let unit = Real::from_bits((exponent << MANTISSA_BITS) | (flip & SIGN_BIT));
    let top = (value & ANGLE_TOP_MASK) as Real * unit;
    let rest = (value & !ANGLE_TOP_MASK) as Real * unit;
    let quadrant = (high >> (WORD_BITS - 2)) + (flip & 1);
    Angle { quadrant, head: top * HALF_PI_HEAD, tail: top * HALF_PI_TAIL + rest * HALF_PI }
}

#[inline(always)]
fn angle(a: Real) -> Angle {
    if a < SMALL_ANGLE {
        return angle_small(a);
    }
    angle_large(a)
}

// Head and tail enter apart, so that the last sum is the only large rounding.
#[inline(always)]
fn sin_near(angle: Angle) -> Real {
    let r = angle.head + angle.tail;
    let z = r * r;
    angle.head + (angle.tail + r * z * sin_series(z))
}

// The square of a head is exact, the rest of the square is small.
#[inline(always)]
fn cos_near(angle: Angle) -> Real {
    let r = angle.head + angle.tail;
    let z = r * r;
    let cut = head(r);
    let beyond = 0.5 * ((angle.head - cut) + angle.tail) * (r + cut);
    1.0 - (0.5 * cut * cut + (beyond - z * z * cos_series(z)))
}

// sin(angle + quadrant * pi/2), NaN where x is not finite.
#[inline(always)]
fn sin_quadrant(x: Real, angle: Angle, quadrant: Bits, sign: Bits) -> Real {
    let value = select(sin_near(angle), cos_near(angle), (quadrant & 1) == 1);
    let negative = (quadrant << (WORD_BITS - 2)) & SIGN_BIT;
    let oriented = Real::from_bits(value.to_bits() ^ negative ^ sign);
    select(oriented, from_bits(NAN_BITS), is_nan(x) || is_inf(x))
}

/// Sine of an angle in radians.
pub fn sin(x: Real) -> Real {
    let angle = angle(x.abs());
    sin_quadrant(x, angle, angle.quadrant, x.to_bits() & SIGN_BIT)
}

/// Cosine of an angle in radians.
pub fn cos(x: Real) -> Real {
    let angle = angle(x.abs());
    sin_quadrant(x, angle, angle.quadrant + 1, 0)
}

/// Whether an angle is reduced without the many digits of 2/pi that large ones need.
#[inline(always)]
pub fn is_usual_angle(x: Real) -> bool {
    x.abs() < SMALL_ANGLE
}

/// The sine of a usual angle: [`sin`] without what only others need.
#[inline(always)]
pub fn sin_usual(x: Real) -> Real {
    sin_cos_usual(x).0
}

/// The cosine of a usual angle.
#[inline(always)]
pub fn cos_usual(x: Real) -> Real {
    sin_cos_usual(x).1
}

/// Sine and cosine of a usual angle.
#[inline(always)]
pub fn sin_cos_usual(x: Real) -> (Real, Real) {
    let angle = angle_small(x.abs());
    let (sine, cosine) = (sin_near(angle), cos_near(angle));
    let odd = (angle.quadrant & 1) == 1;
    let oriented = |value: Real, quadrant: Bits, sign: Bits| {
        Real::from_bits(value.to_bits() ^ ((quadrant << (WORD_BITS - 2)) & SIGN_BIT) ^ sign)
    };
    let first = oriented(select(sine, cosine, odd), angle.quadrant, x.to_bits() & SIGN_BIT);
    (first, oriented(select(cosine, sine, odd), angle.quadrant.wrapping_add(1), 0))
}

/// The quotient of sine and cosine, or minus its inverse in odd quadrants, each as a head and a rest. The head q of the
/// quotient is subtracted by exact products, and what is left is divided: only the last sum is a large rounding. Below
/// 1e-10 tan x is x; the rests would be lost where subnormal numbers are flushed.
pub fn tan(x: Real) -> Real {
    let angle = angle(x.abs());
    let r = angle.head + angle.tail;
    let z = r * r;
    let rise = angle.tail + r * z * sin_series(z);
    let sine = head(angle.head + rise);
    let sine_rest = seal(angle.head - sine) + rise;
    let cut = head(r);
    let fall = 0.5 * cut * cut;
    let beyond = 0.5 * ((angle.head - cut) + angle.tail) * (r + cut) - z * z * cos_series(z);
    let cosine = head(1.0 - (fall + beyond));
    let cosine_rest = seal((1.0 - cosine) - fall) - beyond;
    let odd = (angle.quadrant & 1) == 1;
    let n = select(sine, -cosine, odd);
    let n_rest = select(sine_rest, -cosine_rest, odd);
    let d = select(cosine, sine, odd);
    let d_rest = select(cosine_rest, sine_rest, odd);
    let inverse = 1.0 / (d + d_rest);
    let q = head((n + n_rest) * inverse);
    let value = q + ((n - q * d) + (n_rest - q * d_rest)) * inverse;
    let oriented = select(with_sign(value, x), x, x.abs() < 1.0e-10);
    select(oriented, from_bits(NAN_BITS), is_nan(x) || is_inf(x))
}
