//! The numbers of `trig`, `inverse_trig` and `remainder` that depend on the format, here f64.
//! Twin of `shaders/math/trig_f64.wgsl`.
//!
//! Fits are minimax, their lowest coefficients rounded one by one and the rest fitted again.

use super::super::TWO_OVER_PI;
use super::bits::*;
use super::format::*;
use super::trig::Angle;

pub const WORD_BITS: u32 = 64;
pub const HALF_WORD_MASK: Bits = 0xffffffff;

#[inline(always)]
pub fn leading_zeros(x: Bits) -> u32 {
    x.leading_zeros()
}

// Quadrants in a radian, 2/pi.
pub const QUADRANTS: Real = 0.6366197723675814;

// pi/2 in parts of 37 and 36 bits and the rest. Below 10^5 there are fewer than 2^16 quadrants, whose products with the
// first two are exact.
pub const SMALL_ANGLE: Real = 1.0e5;
pub const HALF_PI_FIRST: Real = 1.5707963267923333;
pub const HALF_PI_SECOND: Real = 2.5633441515839558e-12;
pub const HALF_PI_THIRD: Real = 1.0562999066987428e-23;

// For a < SMALL_ANGLE. The first difference is exact, for what is left of a number near whole * FIRST has few bits; the
// second loses what the tail gets back. A whole number ends in zeros: sealing it changes nothing, but hides from a
// WGSL compiler that both products have a factor in common.
#[inline(always)]
pub fn angle_small(a: Real) -> Angle {
    let shifted = a * QUADRANTS + SHIFTER;
    let whole = shifted_real(shifted);
    let first = a - whole * HALF_PI_FIRST;
    let second = seal(whole) * HALF_PI_SECOND;
    let head = seal(first - second);
    let tail = ((first - head) - second) - whole * HALF_PI_THIRD;
    Angle { quadrant: shifted.to_bits().wrapping_sub(SHIFTER_BITS), head, tail }
}

// A word of 2/pi.
pub fn two_over_pi(index: u32) -> Bits {
    let i = 2 * index as usize;
    (Bits::from(TWO_OVER_PI[i]) << 32) | Bits::from(TWO_OVER_PI[i + 1])
}

// For a number with biased exponent e the bits of 2/pi that matter begin at bit e - WINDOW_START.
pub const WINDOW_START: u32 = 1013;
pub const WINDOW_WORD_SHIFT: u32 = 6;

// A reduced angle of one word is split into 26 bits, whose product with the 27 bits of HALF_PI_HEAD is exact, and 38.
pub const ANGLE_TOP_MASK: Bits = 0xffffffc000000000;
pub const HALF_PI: Real = 1.5707963267948966;
pub const HALF_PI_HEAD: Real = 1.570796325802803;
pub const HALF_PI_TAIL: Real = 9.920935796805404e-10;

// pi/4 in a part of 50 bits, whose multiples are exact, and the rest.
pub const QUARTER_PI_HEAD: Real = 0.7853981633974483;
pub const QUARTER_PI_TAIL: Real = 3.061616997868383e-17;

// Below LEAST a divisor is scaled up, and above MOST down, to where it and its inverse are normal.
pub const DIVISOR_LEAST: Real = 1.0e-271;
pub const DIVISOR_MOST: Real = 1.0e307;
pub const DIVISOR_GROWTH: Real = 1.6069380442589903e60; // 2^200

// On |r| < 0.7858, with z = r^2: sin r = r + r z S(z), cos r = 1 - z/2 + z^2 C(z).
#[inline(always)]
pub fn sin_series(z: Real) -> Real {
    let mut p = 1.5895433467810805e-10;
    p = p * z - 2.5050734391617754e-8;
    p = p * z + 2.755731353852426e-6;
    p = p * z - 0.00019841269829358541;
    p = p * z + 0.00833333333332184;
    p = p * z - 0.1666666666666663;
    p
}

#[inline(always)]
pub fn cos_series(z: Real) -> Real {
    let mut p = -1.1358681700467032e-11;
    p = p * z + 2.0875704247582724e-9;
    p = p * z - 2.755731420996523e-7;
    p = p * z + 2.4801587288983512e-5;
    p = p * z - 0.0013888888888873325;
    p = p * z + 0.041666666666666595;
    p
}

// On |t| <= 0.6, with z = t^2: atan t = t + t z A(z).
#[inline(always)]
pub fn atan_series(z: Real) -> Real {
    let mut p = 0.003694875956621549;
    p = p * z - 0.013935599962575436;
    p = p * z + 0.02714989806502955;
    p = p * z - 0.03824255309468355;
    p = p * z + 0.04605335079198049;
    p = p * z - 0.05228732154829158;
    p = p * z + 0.05876806628301269;
    p = p * z - 0.06666019089000678;
    p = p * z + 0.07692254022513915;
    p = p * z - 0.0909090603936848;
    p = p * z + 0.11111110998361595;
    p = p * z - 0.14285714283237438;
    p = p * z + 0.19999999999972454;
    p = p * z - 0.33333333333333226;
    p
}

// On |s| <= 1/2, with z = s^2: asin s = s + s z A(z).
#[inline(always)]
pub fn asin_series(z: Real) -> Real {
    let mut p = 0.032737075148697364;
    p = p * z - 0.02116832634814805;
    p = p * z + 0.02182404747146776;
    p = p * z + 0.0036597554698317007;
    p = p * z + 0.010792257546368748;
    p = p * z + 0.011396834407334105;
    p = p * z + 0.013981066346790428;
    p = p * z + 0.017351592223152114;
    p = p * z + 0.022372216047367107;
    p = p * z + 0.030381942671760837;
    p = p * z + 0.044642857175327136;
    p = p * z + 0.0749999999997009;
    p = p * z + 0.16666666666666763;
    p
}
