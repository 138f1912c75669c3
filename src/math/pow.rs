//! Powers and roots: pow, cbrt, hypot. Twin of `shaders/math/pow.wgsl`.

use super::bits::*;
use super::exp::{exp2_power, power_value};
use super::format::*;
use super::log::log_split;

// log2(a) in two parts, to 11 bits more than the format or better, for a > 0 finite. With s = f / (2 + f), log2(1 + f)
// is 2 / (3 ln 2) * s * (3 + s^2 + ...): the reduction of fdlibm's pow [e_pow.c].
#[inline(always)]
fn log2_parts(a: Real) -> Parts {
    let split = log_split(a);
    let f = split.f;
    let inverse = 1.0 / (2.0 + f);
    let s_head = head(f * inverse);
    let sum_head = head(2.0 + f);
    let sum_tail = (1.0 + f) - head(sum_head - 1.0);
    let s_tail = (seal(f - s_head * sum_head) - s_head * sum_tail) * inverse;
    let s = s_head + s_tail;
    let z = s * s;
    let square = s_head * s_head;
    let rest = s_tail * (s_head + s) + z * z * log2_series(z);
    let series_head = head(3.0 + (square + rest));
    let series_tail = seal(square - head(series_head - 3.0)) + rest;
    let product = s_head * series_head;
    let small = s_tail * series_head + s * series_tail;
    let p_head = head(product + small);
    let p_tail = seal(product - p_head) + small;
    let e = split.e as Real;
    let big = p_head * TWO_THIRDS_LOG2_E_HEAD;
    let low = p_head * TWO_THIRDS_LOG2_E_TAIL + p_tail * TWO_THIRDS_LOG2_E;
    let sum = head(e + (big + low));
    Parts { head: sum, tail: seal(big - head(sum - e)) + low }
}

// 2^(y * log2(a)) with the product in head and tail; beyond POW_BOUND the size of y no longer matters.
#[inline(always)]
fn pow_positive(a: Real, y: Real) -> Real {
    let bounded = select(select(y, POW_BOUND, y > POW_BOUND), -POW_BOUND, y < -POW_BOUND);
    let l = log2_parts(a);
    let y_head = head(bounded);
    let product = y_head * l.head;
    let tail = seal(bounded - y_head) * l.head + bounded * l.tail;
    let w = product + tail;
    let k = shifted_whole(w + SHIFTER);
    let f = select(seal(product - k as Real), product, k == 0);
    let value = power_value(exp2_power(k, f, tail), 0);
    select(select(value, 0.0, w < EXP2_UNDER), from_bits(INF_BITS), w > EXP2_OVER)
}

/// x^y; a negative base needs a whole exponent.
// C99's cases: x^0 and 1^y are 1 even for NaN.
pub fn pow(x: Real, y: Real) -> Real {
    let a = x.abs();
    let infinite = is_inf(x);
    let edge = infinite || a == 0.0;
    let at_edge = select(0.0, from_bits(INF_BITS), (y > 0.0) == infinite);
    let magnitude = select(pow_positive(a, y), at_edge, edge);
    let whole = y.floor() == y;
    let odd = whole && (0.5 * y).floor() != 0.5 * y;
    let oriented = select(magnitude, with_sign(magnitude, x), odd);
    let invalid = (x < 0.0 && !whole && !edge) || is_nan(x) || is_nan(y);
    let value = select(oriented, from_bits(NAN_BITS), invalid);
    select(value, 1.0, y == 0.0 || x == 1.0)
}

/// Cube root.
// A third of the exponent (Kahan's start), a polynomial in the ratio of its cube to a [FreeBSD, s_cbrt.c], and a step
// of Halley's. Before the step the guess is cut to half its bits, which makes its square exact. A subnormal is read as
// an integer; a large number is taken times 2^-30, since WGSL promises no division by more than 2^126.
pub fn cbrt(x: Real) -> Real {
    let raw = x.to_bits() & ABS_BITS;
    let tiny = raw < NORMAL_BITS;
    let large = x.abs() > 1.2676506002282294e30;
    let shrink = select(1.0, 9.313225746154785e-10, large);
    let a = select(Real::from_bits(raw), (raw << CBRT_SHIFT) as Real, tiny) * shrink;
    let guess = Real::from_bits(a.to_bits() / 3 + CBRT_START);
    let better = head(guess * cbrt_series(guess * guess * (guess / a)));
    let q = a / (better * better);
    let root = better + better * (q - better) / (better + better + q);
    let y = with_sign(root * select(select(1.0, 1024.0, large), CBRT_TINY, tiny), x);
    select(y, x, raw == 0 || raw >= INF_BITS)
}

/// sqrt(a^2 + b^2) without overflow in between.
// Scaled by a power of two where the squares would leave the range.
pub fn hypot(a: Real, b: Real) -> Real {
    let larger = select(b.abs(), a.abs(), a.abs() > b.abs());
    let grow = select(1.0, HYPOT_GROW, larger < HYPOT_SMALL);
    let scale = select(grow, HYPOT_SHRINK, larger > HYPOT_LARGE);
    let u = a * scale;
    let v = b * scale;
    let value = (u * u + v * v).sqrt() / scale;
    let nan = select(value, from_bits(NAN_BITS), is_nan(a) || is_nan(b));
    select(nan, from_bits(INF_BITS), is_inf(a) || is_inf(b))
}
