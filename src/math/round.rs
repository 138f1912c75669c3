//! Comparison and rounding, and the square root. Twin of `shaders/math/round.wgsl`.

use super::bits::*;
use super::format::*;

/// |x|.
pub fn abs(x: Real) -> Real {
    x.abs()
}

/// -1, 0 or 1 as x is negative, zero (of either sign, which is kept) or positive.
pub fn sign(x: Real) -> Real {
    select(select(select(x, -1.0, x < 0.0), 1.0, x > 0.0), x, is_nan(x))
}

/// The smaller of two numbers; NaN if either is.
pub fn min(a: Real, b: Real) -> Real {
    select(select(select(b, a, a < b), b, is_nan(b)), a, is_nan(a))
}

/// The larger of two numbers; NaN if either is.
pub fn max(a: Real, b: Real) -> Real {
    select(select(select(b, a, a > b), b, is_nan(b)), a, is_nan(a))
}

/// The largest whole number that is not above x.
pub fn floor(x: Real) -> Real {
    x.floor()
}

/// The smallest whole number that is not below x.
pub fn ceil(x: Real) -> Real {
    x.ceil()
}

/// The whole part of x.
pub fn trunc(x: Real) -> Real {
    with_sign(x.abs().floor(), x)
}

/// The whole number nearest to x, the even one of two.
// By floor, as in WGSL. The fraction is exact.
pub fn round(x: Real) -> Real {
    let a = x.abs();
    let whole = a.floor();
    let fraction = a - whole;
    let odd = 2.0 * (0.5 * whole).floor() < whole;
    let up = fraction > 0.5 || (fraction == 0.5 && odd);
    with_sign(select(whole, whole + 1.0, up), x)
}

/// The square root, correctly rounded.
pub fn sqrt(x: Real) -> Real {
    x.sqrt()
}
