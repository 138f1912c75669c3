// The logarithms and inverse hyperbolic functions of math/*.wgsl. Twin of src/math/log.rs.
//
// x = 2^e * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), and a polynomial fit of log(1 + f). The inverse hyperbolic
// functions are log1p of a sum whose rounding error goes along, where a compiler does not cancel it.

// 2^e * (1 + f + low); low is no more than the rounding error of f.
struct MathLog { e: i32, f: real, low: real }

// x > 0 and finite. A subnormal is read as an integer, so that flushing cannot touch it.
fn math_log_split(x: real) -> MathLog {
    let raw = bitcast<bits>(x);
    let tiny = raw < MATH_NORMAL_BITS;
    let above = select(raw, bitcast<bits>(real(raw)), tiny) - MATH_SQRT_HALF_BITS;
    let e = i32(bitcast<ibits>(above) >> MATH_MANTISSA_BITS) - select(0, MATH_SUBNORMAL_SHIFT, tiny);
    return MathLog(e, bitcast<real>((above & MATH_MANTISSA_MASK) + MATH_SQRT_HALF_BITS) - 1.0, real(0.0));
}

// e * ln 2 + log(1 + f + low), where low / (1 + f) needs one or two digits only.
fn math_log_sum(parts: MathLog) -> real {
    let e = real(parts.e);
    let f = parts.f;
    let square = f * f;
    let tail = math_log_rest(f, square) - 0.5 * square;
    let small = e * MATH_LN2_TAIL + (parts.low - parts.low * f);
    return math_seal(e * MATH_LN2_HEAD) + (f + (tail + small));
}

// The special values shared by the logarithms: y where x > 0 is finite.
fn math_log_special(x: real, y: real) -> real {
    let raw = bitcast<bits>(x);
    let positive = select(y, x, raw >= MATH_INF_BITS);
    let oriented = select(positive, math_from_bits(MATH_NAN_BITS), raw > MATH_SIGN_BIT);
    return select(oriented, math_from_bits(MATH_INF_BITS | MATH_SIGN_BIT), (raw & MATH_ABS_BITS) == 0);
}

fn math_log(x: real) -> real {
    return math_log_special(x, math_log_sum(math_log_split(x)));
}

// log(1 + x + low). f = 2^-e * x - (1 - 2^-e) has exact terms, so the rounding of 1 + x needs no correction; below -1/2
// the sum is exact. The difference is exact too, but for the last bit where e = 1.
fn math_log1p_sum(x: real, low: real) -> real {
    let sum = 1.0 + x;
    let above = bitcast<bits>(sum) - MATH_SQRT_HALF_BITS;
    let e = i32(bitcast<ibits>(above) >> MATH_MANTISSA_BITS);
    let inverse = math_two_to(-e);
    let scaled = bitcast<real>(bitcast<bits>(x) - (bits(e) << MATH_MANTISSA_BITS));
    let direct = bitcast<real>((above & MATH_MANTISSA_MASK) + MATH_SQRT_HALF_BITS) - 1.0;
    let f = select(select(scaled - (1.0 - inverse), direct, x < -0.5), x, e == 0);
    let lost = select(real(0.0), scaled - (f + 0.5), e == 1);
    return math_log_special(sum, math_log_sum(MathLog(e, f, lost + low * inverse)));
}

fn math_log1p(x: real) -> real {
    return select(math_log1p_sum(x, real(0.0)), x, abs(x) < MATH_TINY || math_is_nan(x));
}

// log(1 + f) in two parts, for the other bases.
fn math_log_parts(f: real) -> MathParts {
    let square = f * f;
    let half_square = 0.5 * square;
    let head = math_head(f - half_square);
    return MathParts(head, ((f - head) - half_square) + math_log_rest(f, square));
}

fn math_log2(x: real) -> real {
    let split = math_log_split(x);
    let l = math_log_parts(split.f);
    let small = l.tail * MATH_LOG2_E + l.head * MATH_LOG2_E_TAIL;
    return math_log_special(x, real(split.e) + (l.head * MATH_LOG2_E_HEAD + small));
}

fn math_log10(x: real) -> real {
    let split = math_log_split(x);
    let l = math_log_parts(split.f);
    let e = real(split.e);
    let small = e * MATH_LOG10_2_TAIL + (l.tail * MATH_LOG10_E + l.head * MATH_LOG10_E_TAIL);
    return math_log_special(x, math_seal(e * MATH_LOG10_2_HEAD) + (l.head * MATH_LOG10_E_HEAD + small));
}

// 2u for large u, without overflow: log(2u) is one more power of two.
fn math_log_double(u: real) -> real {
    let split = math_log_split(u);
    return math_log_sum(MathLog(split.e + 1, split.f, real(0.0)));
}

// asinh(a + low) for the square of its argument: log1p(a + a^2 / (1 + sqrt(1 + a^2))) has no cancellation at any size.
fn math_asinh_sum(a: real, low: real, square: real) -> real {
    let root = sqrt(1.0 + square);
    let rise = square / (1.0 + root);
    let sum = a + rise;
    return math_log1p_sum(sum, (rise - (sum - a)) + low * (a + root) / root);
}

fn math_asinh(x: real) -> real {
    let a = abs(x);
    let y = select(math_asinh_sum(a, real(0.0), a * a), math_log_double(a), a > MATH_ASINH_LARGE);
    return select(math_with_sign(y, x), x, math_is_inf(x) || math_is_nan(x));
}

// 2 asinh(sqrt((x - 1) / 2)), with the rounding error of the root.
fn math_acosh(x: real) -> real {
    let z = 0.5 * (x - 1.0);
    let s = sqrt(z);
    let cut = math_head(s);
    let low = (z - cut * cut) / select(real(1.0), s + cut, s > 0.0) - (s - cut);
    let y = select(2.0 * math_asinh_sum(s, low, z), math_log_double(x), x > MATH_ASINH_LARGE);
    let domain = select(y, math_from_bits(MATH_NAN_BITS), x < 1.0);
    return select(domain, x, math_is_nan(x) || bitcast<bits>(x) == MATH_INF_BITS);
}

// log1p(2a + 2a * a / (1 - a)) / 2, whose first term is exact.
fn math_atanh(x: real) -> real {
    let a = abs(x);
    let first = 2.0 * a;
    let second = first * a / (1.0 - a);
    let sum = first + second;
    let low = select((first - sum) + second, (second - sum) + first, a > 0.5);
    let y = select(0.5 * math_log1p_sum(sum, low), math_from_bits(MATH_INF_BITS), a == 1.0);
    return select(math_with_sign(y, x), math_from_bits(MATH_NAN_BITS), a > 1.0 || math_is_nan(x));
}
