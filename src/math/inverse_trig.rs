//! Arc sine, arc cosine, arc tangent, and the angle of a vector. Twin of `shaders/math/inverse_trig.wgsl`.

use super::bits::*;
use super::format::*;
use super::trig_format::*;

// pi/2 - (near + far) for a head near, rounded once.
#[inline(always)]
fn half_pi_minus(near: Real, far: Real) -> Real {
    (HALF_PI_HEAD - near) - (far - HALF_PI_TAIL)
}

// atan(y/x) for y, x >= 0, or pi minus it: one division brings the ratio to |t| <= 0.6, and a multiple of pi/4 in two
// parts is added. The first part is exact, so that only the last sum is a large rounding.
#[inline(always)]
fn atan_quotient(y: Real, x: Real, turned: bool) -> Real {
    let low = y < 0.6 * x;
    let high = x < 0.5 * y;
    let numerator = select(select(y - x, y, low), -x, high);
    let t = select(numerator, -numerator, turned) / select(select(y + x, x, low), y, high);
    let z = t * t;
    let curve = t * z * atan_series(z);
    let eighths = select(select(1.0, 0.0, low), 2.0, high);
    let n = select(eighths, 4.0 - eighths, turned);
    n * QUARTER_PI_HEAD + (t + (curve + n * QUARTER_PI_TAIL))
}

/// Beyond 2^60 the result is pi/2; the bound keeps infinity out of the division.
pub fn atan(x: Real) -> Real {
    let a = select(1152921504606846976.0, x.abs(), x.abs() < 1152921504606846976.0);
    select(with_sign(atan_quotient(a, 1.0, false), x), x, is_nan(x))
}

/// Scaled by powers of two so that neither the quotient nor the divisor's inverse is lost at the ends of the range. Two
/// zeros, and infinities, are replaced by the direction they stand for.
pub fn atan2(y: Real, x: Real) -> Real {
    let larger = select(x.abs(), y.abs(), y.abs() > x.abs());
    let grown = select(1.0, DIVISOR_GROWTH, larger < DIVISOR_LEAST);
    let scale = select(grown, 0.0625, larger > DIVISOR_MOST);
    let endless = is_inf(x) || is_inf(y);
    let up = select(y.abs() * scale, select(0.0, 1.0, is_inf(y)), endless);
    let along_finite = select(x.abs() * scale, 1.0, larger == 0.0);
    let along = select(along_finite, select(0.0, 1.0, is_inf(x)), endless);
    let value = with_sign(atan_quotient(up, along, x.to_bits() >= SIGN_BIT), y);
    select(value, from_bits(NAN_BITS), is_nan(x) || is_nan(y))
}

// asin(a) for a <= 1/2; above, with z = (1 - a) / 2, of sqrt(z), whose rounding error joins the tail.
#[inline(always)]
fn asin_parts(a: Real) -> Parts {
    let far = a > 0.5;
    let z = select(a * a, 0.5 * (1.0 - a), far);
    let s = select(a, z.sqrt(), far);
    let cut = head(s);
    let beyond = select(s - cut, (z - cut * cut) / select(1.0, s + cut, s > 0.0), far);
    Parts { head: cut, tail: beyond + s * z * asin_series(z) }
}

/// Below 1e-10 asin x is x; its tail would be lost where subnormal numbers are flushed.
pub fn asin(x: Real) -> Real {
    let a = x.abs();
    let p = asin_parts(a);
    let near = select(p.head + p.tail, a, a < 1.0e-10);
    let y = select(near, half_pi_minus(2.0 * p.head, 2.0 * p.tail), a > 0.5);
    select(with_sign(y, x), from_bits(NAN_BITS), a > 1.0 || is_nan(x))
}

/// acos(x) = 2 asin(sqrt((1 - x) / 2)) towards 1, pi minus that towards -1, pi/2 - asin(x) between.
pub fn acos(x: Real) -> Real {
    let a = x.abs();
    let p = asin_parts(a);
    let middle = half_pi_minus(with_sign(p.head, x), with_sign(p.tail, x));
    let outer = 2.0 * select(p.head + p.tail, half_pi_minus(p.head, p.tail), x < 0.0);
    select(select(middle, outer, a > 0.5), from_bits(NAN_BITS), a > 1.0 || is_nan(x))
}
