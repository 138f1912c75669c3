// Arc sine, arc cosine, arc tangent, and the angle of a vector. Twin of src/math/inverse_trig.rs.

// pi/2 - (near + far) for a head near, rounded once.
fn math_half_pi_minus(near: real, far: real) -> real {
    return (MATH_HALF_PI_HEAD - near) - (far - MATH_HALF_PI_TAIL);
}

// atan(y/x) for y, x >= 0, or pi minus it: one division brings the ratio to |t| <= 0.6, and a multiple of pi/4 in two
// parts is added. The first part is exact, so that only the last sum is a large rounding.
fn math_atan_quotient(y: real, x: real, turned: bool) -> real {
    let low = y < 0.6 * x;
    let high = x < 0.5 * y;
    let numerator = select(select(y - x, y, low), -x, high);
    let t = select(numerator, -numerator, turned) / select(select(y + x, x, low), y, high);
    let z = t * t;
    let curve = t * z * math_atan_series(z);
    let eighths = select(select(real(1.0), real(0.0), low), real(2.0), high);
    let n = select(eighths, 4.0 - eighths, turned);
    return n * MATH_QUARTER_PI_HEAD + (t + (curve + n * MATH_QUARTER_PI_TAIL));
}

// Beyond 2^60 the result is pi/2; the bound keeps infinity out of the division.
fn math_atan(x: real) -> real {
    let a = select(real(1152921504606846976.0), abs(x), abs(x) < 1152921504606846976.0);
    return select(math_with_sign(math_atan_quotient(a, real(1.0), false), x), x, math_is_nan(x));
}

// Scaled by powers of two so that neither the quotient nor the divisor's inverse is lost at the ends of the range. Two
// zeros, and infinities, are replaced by the direction they stand for.
fn math_atan2(y: real, x: real) -> real {
    let larger = select(abs(x), abs(y), abs(y) > abs(x));
    let grown = select(real(1.0), MATH_DIVISOR_GROWTH, larger < MATH_DIVISOR_LEAST);
    let scale = select(grown, real(0.0625), larger > MATH_DIVISOR_MOST);
    let endless = math_is_inf(x) || math_is_inf(y);
    let up = select(abs(y) * scale, select(real(0.0), real(1.0), math_is_inf(y)), endless);
    let along_finite = select(abs(x) * scale, real(1.0), larger == 0.0);
    let along = select(along_finite, select(real(0.0), real(1.0), math_is_inf(x)), endless);
    let value = math_with_sign(math_atan_quotient(up, along, bitcast<bits>(x) >= MATH_SIGN_BIT), y);
    return select(value, math_from_bits(MATH_NAN_BITS), math_is_nan(x) || math_is_nan(y));
}

// asin(a) for a <= 1/2; above, with z = (1 - a) / 2, of sqrt(z), whose rounding error joins the tail.
fn math_asin_parts(a: real) -> MathParts {
    let far = a > 0.5;
    let z = select(a * a, 0.5 * (1.0 - a), far);
    let s = select(a, sqrt(z), far);
    let cut = math_head(s);
    let beyond = select(s - cut, (z - cut * cut) / select(real(1.0), s + cut, s > 0.0), far);
    return MathParts(cut, beyond + s * z * math_asin_series(z));
}

// Below 1e-10 asin x is x; its tail would be lost where subnormal numbers are flushed.
fn math_asin(x: real) -> real {
    let a = abs(x);
    let p = math_asin_parts(a);
    let near = select(p.head + p.tail, a, a < 1.0e-10);
    let y = select(near, math_half_pi_minus(2.0 * p.head, 2.0 * p.tail), a > 0.5);
    return select(math_with_sign(y, x), math_from_bits(MATH_NAN_BITS), a > 1.0 || math_is_nan(x));
}

// acos(x) = 2 asin(sqrt((1 - x) / 2)) towards 1, pi minus that towards -1, pi/2 - asin(x) between.
fn math_acos(x: real) -> real {
    let a = abs(x);
    let p = math_asin_parts(a);
    let middle = math_half_pi_minus(math_with_sign(p.head, x), math_with_sign(p.tail, x));
    let outer = 2.0 * select(p.head + p.tail, math_half_pi_minus(p.head, p.tail), x < 0.0);
    return select(select(middle, outer, a > 0.5), math_from_bits(MATH_NAN_BITS), a > 1.0 || math_is_nan(x));
}
