//! The numbers of `trig`, `inverse_trig` and `remainder` that depend on the format, here f32.
//! Twin of `shaders/math/trig_f32.wgsl`.
//!
//! Fits are minimax, their coefficients rounded one by one, the lowest first, and the rest fitted again.

use super::super::TWO_OVER_PI;
use super::bits::*;
use super::format::*;
use super::trig::Angle;

pub const WORD_BITS: u32 = 32;
pub const HALF_WORD_MASK: Bits = 0xffff;

#[inline(always)]
pub fn leading_zeros(x: Bits) -> u32 {
    x.leading_zeros()
}

// Quadrants in a radian, 2/pi.
pub const QUADRANTS: Real = 0.636619772;

// pi/2 = FIRST * 2^-24 + SECOND * 2^-44 + THIRD. Below 6400 there are fewer than 4096 quadrants, whose product with
// SECOND fits a word.
pub const SMALL_ANGLE: Real = 6400.0;
pub const HALF_PI_FIRST: Bits = 26353589;
pub const HALF_PI_SECOND: Bits = 279597;
pub const HALF_PI_THIRD: Real = 5.39030286e-15;
pub const FIRST_UNIT: Real = 5.96046448e-8;
pub const SECOND_UNIT: Real = 5.68434189e-14;
pub const SECOND_BITS: u32 = 20;
pub const SECOND_MASK: Bits = 0xfffff;

// For a < SMALL_ANGLE. a is taken in units of half its last place at 1, modulo one word, and so is the multiple of
// pi/2: integers cannot be regrouped, and the part that cancels is exact. Close to a multiple the second part of pi/2
// joins the head, since the first is then nearly nothing.
#[inline(always)]
pub fn angle_small(a: Real) -> Angle {
    let k = (a * QUADRANTS + SHIFTER).to_bits().wrapping_sub(SHIFTER_BITS);
    let word = a.to_bits();
    let left = ((word >> MANTISSA_BITS) as i32 - (BIAS - 1)) as u32 & (WORD_BITS - 1);
    let fixed = ((word & MANTISSA_MASK) | NORMAL_BITS) << left;
    let second = k * HALF_PI_SECOND;
    let difference = fixed.wrapping_sub(k.wrapping_mul(HALF_PI_FIRST)).wrapping_sub(second >> SECOND_BITS);
    let first = difference as Ibits as Real * FIRST_UNIT;
    let next = (second & SECOND_MASK) as Real * SECOND_UNIT;
    let moved = select(0.0, next, difference.wrapping_add(15) < 31);
    let reduced = select(first - moved, a, k == 0);
    Angle { quadrant: k, head: reduced, tail: (moved - next) - k as Real * HALF_PI_THIRD }
}

// A word of 2/pi, with one word of zeros in front.
pub fn two_over_pi(index: u32) -> Bits {
    TWO_OVER_PI[index as usize + 1]
}

// For a number with biased exponent e the bits of 2/pi that matter begin at bit e - WINDOW_START.
pub const WINDOW_START: u32 = 120;
pub const WINDOW_WORD_SHIFT: u32 = 5;

// A reduced angle of one word is split into 12 bits, whose product with the 9 bits of HALF_PI_HEAD is exact, and 20.
pub const ANGLE_TOP_MASK: Bits = 0xfff00000;
pub const HALF_PI: Real = 1.57079637;
pub const HALF_PI_HEAD: Real = 1.5703125;
pub const HALF_PI_TAIL: Real = 4.83826792e-4;

// pi/4 in a part of 20 bits, whose multiples are exact, and the rest.
pub const QUARTER_PI_HEAD: Real = 0.785397529602051;
pub const QUARTER_PI_TAIL: Real = 6.33795400e-7;

// Below LEAST a divisor is scaled up, and above MOST down, to where it and its inverse are normal.
pub const DIVISOR_LEAST: Real = 8.8817842e-16;
pub const DIVISOR_MOST: Real = 1.0e37;
pub const DIVISOR_GROWTH: Real = 1.2379400392853803e27; // 2^90

// On |r| < 0.7858, with z = r^2: sin r = r + r z S(z), cos r = 1 - z/2 + z^2 C(z).
#[inline(always)]
pub fn sin_series(z: Real) -> Real {
    let mut p = -0.000195185974;
    p = p * z + 0.00833219104;
    p = p * z - 0.166666552;
    p
}

#[inline(always)]
pub fn cos_series(z: Real) -> Real {
    let mut p = 2.44325511e-5;
    p = p * z - 0.00138873106;
    p = p * z + 0.0416666456;
    p
}

// On |t| <= 0.6, with z = t^2: atan t = t + t z A(z).
#[inline(always)]
pub fn atan_series(z: Real) -> Real {
    let mut p = 0.0295022819;
    p = p * z - 0.0723093227;
    p = p * z + 0.10711512;
    p = p * z - 0.142403141;
    p = p * z + 0.199975744;
    p = p * z - 0.333332896;
    p
}

// On |s| <= 1/2, with z = s^2: asin s = s + s z A(z).
#[inline(always)]
pub fn asin_series(z: Real) -> Real {
    let mut p = 0.0422807895;
    p = p * z + 0.0241127945;
    p = p * z + 0.0454837717;
    p = p * z + 0.0749519169;
    p = p * z + 0.166667551;
    p
}
