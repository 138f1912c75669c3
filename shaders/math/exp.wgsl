// The exponential and hyperbolic functions of math/*.wgsl. Twin of src/math/exp.rs.
//
// The argument is reduced by a multiple k of ln 2 that is held in two parts [Cody and Waite, Software Manual for the
// Elementary Functions, 1980, chapter 6]; a polynomial does the rest. No function forms a power of two that is not
// normal.

// A power 2^k * (1 + head + low + curve): head on a grid of 2^-10, low below that, curve the higher powers. 1 + head is
// exact, so the last sum is the only large rounding.
struct MathPower { k: i32, head: real, low: real, curve: real }

// 2^k * e^(reduced + rest) for |reduced + rest| < 0.3468 and a small rest. Head and low are opaque: nothing can bring
// the two parts of ln 2 together again.
fn math_power(k: i32, reduced: real, rest: real) -> MathPower {
    let head = math_seal(math_seal(reduced + MATH_EXP_GRID) - MATH_EXP_GRID);
    let low = math_seal(reduced - head);
    let r = math_seal(reduced) + rest;
    return MathPower(k, head, low, r * r * math_exp_series(r) + rest);
}

fn math_exp_power(x: real) -> MathPower {
    let shifted = x * MATH_LOG2_E + MATH_SHIFTER;
    let whole = math_shifted_real(shifted);
    return math_power(math_shifted_whole(shifted), x - whole * MATH_LN2_HEAD, -(whole * MATH_LN2_TAIL));
}

// 2^(k + f + tail) for |f + tail| <= 1/2 and a small tail.
fn math_exp2_power(k: i32, f: real, tail: real) -> MathPower {
    let cut = math_head(f);
    let rest = ((f - cut) + tail) * MATH_LN2 + cut * MATH_LN2_SHORT_TAIL;
    return math_power(k, cut * MATH_LN2_SHORT, rest);
}

// y * 2^k for 0.1 < y < 4 and exponents up to a little outside the range, to infinity on overflow.
fn math_scale(y: real, k: i32) -> real {
    let low = k < MATH_SCALE_LOW;
    let shift = select(k, k + 64, low);
    let scaled = bitcast<bits>(y) + (bits(shift) << MATH_MANTISSA_BITS);
    return bitcast<real>(min(scaled, MATH_INF_BITS)) * select(real(1.0), real(5.421010862427522e-20), low);
}

// The value of a power times 2^shift.
fn math_power_value(p: MathPower, shift: i32) -> real {
    return math_scale((1.0 + p.head) + (p.low + p.curve), p.k + shift);
}

// exp(x) * 2^shift without overflow in between; shift is 0 or -1.
fn math_exp_shifted(x: real, shift: i32) -> real {
    let y = math_power_value(math_exp_power(x), shift);
    let bounded = select(select(y, real(0.0), x < MATH_EXP_UNDER), math_from_bits(MATH_INF_BITS), x > MATH_EXP_OVER);
    return select(bounded, x, math_is_nan(x));
}

fn math_exp(x: real) -> real {
    return math_exp_shifted(x, 0);
}

fn math_exp2(x: real) -> real {
    let k = math_shifted_whole(x + MATH_SHIFTER);
    let y = math_power_value(math_exp2_power(k, x - real(k), real(0.0)), 0);
    let bounded = select(select(y, real(0.0), x < MATH_EXP2_UNDER), math_from_bits(MATH_INF_BITS), x > MATH_EXP2_OVER);
    return select(bounded, x, math_is_nan(x));
}

// 2^k * ((1 - 2^-k) + expm1(r)): the first bracket is exact wherever it matters. For k = 0, x is head + low unsealed.
fn math_expm1(x: real) -> real {
    let p = math_exp_power(x);
    let inverse = math_two_to(-p.k);
    let sum = select(((1.0 - inverse) + p.head) + (p.low + p.curve), x + p.curve, p.k == 0);
    let y = select(sum * math_two_to(p.k), math_scale(sum, p.k), p.k > 0);
    let bounded = select(select(y, real(-1.0), x < MATH_EXPM1_UNDER), math_from_bits(MATH_INF_BITS), x > MATH_EXP_OVER);
    return select(bounded, x, abs(x) < MATH_TINY || math_is_nan(x));
}

// Odd fit below 1, where e^x - e^-x cancels.
fn math_sinh(x: real) -> real {
    let a = abs(x);
    let z = a * a;
    let near = a + a * z * math_sinh_series(z);
    let half = math_exp_shifted(a, -1);
    return math_with_sign(select(half - 0.25 / half, near, a < 1.0), x);
}

fn math_cosh(x: real) -> real {
    let half = math_exp_shifted(abs(x), -1);
    return half + 0.25 / half;
}

// Odd fit below 0.625; above it 1 - 2 / (e^2x + 1), with x bounded where the result is 1.
fn math_tanh(x: real) -> real {
    let a = abs(x);
    let z = a * a;
    let near = a + a * z * math_tanh_series(z);
    let far = 1.0 - 2.0 / (math_exp(2.0 * select(MATH_TANH_ONE, a, a < MATH_TANH_ONE)) + 1.0);
    let y = math_with_sign(select(far, near, a < 0.625), x);
    return select(y, x, math_is_nan(x));
}
