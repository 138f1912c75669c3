//! The remainders of a division, exact at every size but for the one sum of `mod`. Twin of
//! `shaders/math/remainder.wgsl`.

use super::bits::*;
use super::format::*;
use super::trig_format::*;

/// C's fmod: long division of the mantissas in integers, as many bits of the exponent difference at a time as the
/// word has to spare.
pub fn rem(x: Real, y: Real) -> Real {
    let sign = x.to_bits() & SIGN_BIT;
    let x_bits = x.to_bits() & ABS_BITS;
    let y_bits = y.to_bits() & ABS_BITS;
    if x_bits >= INF_BITS || y_bits > INF_BITS || y_bits == 0 {
        return from_bits(NAN_BITS);
    }
    if x_bits < y_bits {
        return x;
    }
    let spare = WORD_BITS - MANTISSA_BITS - 1;
    let x_mantissa = (x_bits & MANTISSA_MASK) | select(0, NORMAL_BITS, x_bits >= NORMAL_BITS);
    let y_mantissa = (y_bits & MANTISSA_MASK) | select(0, NORMAL_BITS, y_bits >= NORMAL_BITS);
    let exponent = ((y_bits >> MANTISSA_BITS) as u32).max(1);
    let mut rest = x_mantissa % y_mantissa;
    let mut steps = ((x_bits >> MANTISSA_BITS) as u32).max(1) - exponent;
    while steps > 0 {
        let step = steps.min(spare);
        rest = (rest << step) % y_mantissa;
        steps -= step;
    }
    if rest == 0 {
        return Real::from_bits(sign);
    }
    let zeros = leading_zeros(rest) - spare;
    if exponent <= zeros {
        return Real::from_bits(sign | (rest << (exponent - 1)));
    }
    let mantissa = (rest << zeros) & MANTISSA_MASK;
    Real::from_bits(sign | (((exponent - zeros) as Bits) << MANTISSA_BITS) | mantissa)
}

/// Python's %: the remainder takes the sign of the divisor.
pub fn modulo(x: Real, y: Real) -> Real {
    let r = rem(x, y);
    let apart = ((r.to_bits() ^ y.to_bits()) & SIGN_BIT) != 0;
    let moved = select(r, r + y, apart);
    select(moved, with_sign(0.0, y), r == 0.0)
}
