// The powers and roots of math/*.wgsl: pow, cbrt, hypot. Twin of src/math/pow.rs.

// log2(a) in two parts, to 11 bits more than the format or better, for a > 0 finite. With s = f / (2 + f), log2(1 + f)
// is 2 / (3 ln 2) * s * (3 + s^2 + ...): the reduction of fdlibm's pow [e_pow.c], with every difference of heads
// sealed.
fn math_log2_parts(a: real) -> MathParts {
    let split = math_log_split(a);
    let f = split.f;
    let inverse = 1.0 / (2.0 + f);
    let s_head = math_head(f * inverse);
    let sum_head = math_head(2.0 + f);
    let sum_tail = (1.0 + f) - math_head(sum_head - 1.0);
    let s_tail = (math_seal(f - s_head * sum_head) - s_head * sum_tail) * inverse;
    let s = s_head + s_tail;
    let z = s * s;
    let square = s_head * s_head;
    let rest = s_tail * (s_head + s) + z * z * math_log2_series(z);
    let series_head = math_head(3.0 + (square + rest));
    let series_tail = math_seal(square - math_head(series_head - 3.0)) + rest;
    let product = s_head * series_head;
    let small = s_tail * series_head + s * series_tail;
    let p_head = math_head(product + small);
    let p_tail = math_seal(product - p_head) + small;
    let e = real(split.e);
    let big = p_head * MATH_TWO_THIRDS_LOG2_E_HEAD;
    let low = p_head * MATH_TWO_THIRDS_LOG2_E_TAIL + p_tail * MATH_TWO_THIRDS_LOG2_E;
    let sum = math_head(e + (big + low));
    return MathParts(sum, math_seal(big - math_head(sum - e)) + low);
}

// 2^(y * log2(a)) with the product in head and tail; beyond MATH_POW_BOUND the size of y no longer matters.
fn math_pow_positive(a: real, y: real) -> real {
    let bounded = select(select(y, MATH_POW_BOUND, y > MATH_POW_BOUND), -MATH_POW_BOUND, y < -MATH_POW_BOUND);
    let l = math_log2_parts(a);
    let y_head = math_head(bounded);
    let product = y_head * l.head;
    let tail = math_seal(bounded - y_head) * l.head + bounded * l.tail;
    let w = product + tail;
    let k = math_shifted_whole(w + MATH_SHIFTER);
    let f = select(math_seal(product - real(k)), product, k == 0);
    let value = math_power_value(math_exp2_power(k, f, tail), 0);
    return select(select(value, real(0.0), w < MATH_EXP2_UNDER), math_from_bits(MATH_INF_BITS), w > MATH_EXP2_OVER);
}

// C99's cases: x^0 and 1^y are 1 even for NaN; a negative base needs a whole exponent.
fn math_pow(x: real, y: real) -> real {
    let a = abs(x);
    let infinite = math_is_inf(x);
    let edge = infinite || a == 0.0;
    let at_edge = select(real(0.0), math_from_bits(MATH_INF_BITS), (y > 0.0) == infinite);
    let magnitude = select(math_pow_positive(a, y), at_edge, edge);
    let whole = floor(y) == y;
    let odd = whole && floor(0.5 * y) != 0.5 * y;
    let oriented = select(magnitude, math_with_sign(magnitude, x), odd);
    let invalid = (x < 0.0 && !whole && !edge) || math_is_nan(x) || math_is_nan(y);
    let value = select(oriented, math_from_bits(MATH_NAN_BITS), invalid);
    return select(value, real(1.0), y == 0.0 || x == 1.0);
}

// A third of the exponent (Kahan's start), a polynomial in the ratio of its cube to a [FreeBSD, s_cbrt.c], and a step
// of Halley's. Before the step the guess is cut to half its bits, which makes its square exact. A subnormal is read as
// an integer; a large number is taken times 2^-30, since WGSL promises no division by more than 2^126.
fn math_cbrt(x: real) -> real {
    let raw = bitcast<bits>(x) & MATH_ABS_BITS;
    let tiny = raw < MATH_NORMAL_BITS;
    let large = abs(x) > 1.2676506002282294e30;
    let shrink = select(real(1.0), real(9.313225746154785e-10), large);
    let a = select(bitcast<real>(raw), real(raw << MATH_CBRT_SHIFT), tiny) * shrink;
    let guess = bitcast<real>(bitcast<bits>(a) / 3 + MATH_CBRT_START);
    let better = math_head(guess * math_cbrt_series(guess * guess * (guess / a)));
    let q = a / (better * better);
    let root = better + better * (q - better) / (better + better + q);
    let y = math_with_sign(root * select(select(real(1.0), real(1024.0), large), MATH_CBRT_TINY, tiny), x);
    return select(y, x, raw == 0 || raw >= MATH_INF_BITS);
}

// Scaled by a power of two where the squares would leave the range.
fn math_hypot(a: real, b: real) -> real {
    let larger = select(abs(b), abs(a), abs(a) > abs(b));
    let grow = select(real(1.0), MATH_HYPOT_GROW, larger < MATH_HYPOT_SMALL);
    let scale = select(grow, MATH_HYPOT_SHRINK, larger > MATH_HYPOT_LARGE);
    let u = a * scale;
    let v = b * scale;
    let value = sqrt(u * u + v * v) / scale;
    let nan = select(value, math_from_bits(MATH_NAN_BITS), math_is_nan(a) || math_is_nan(b));
    return select(nan, math_from_bits(MATH_INF_BITS), math_is_inf(a) || math_is_inf(b));
}
