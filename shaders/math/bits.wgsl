// What the functions of math/*.wgsl do to the bits of a number. Twin of src/math/bits.rs.
//
// Only + - * /, sqrt, abs, floor, ceil, trunc, round, select and integer operations are used, so the quality of a
// device's sin, exp or pow does not matter. A WGSL compiler may regroup sums and fuse products, which cancels the usual
// error terms. So the heads of a reduction are cut off by a bit mask, a grid or integers, and the differences of heads
// are exact in any order.

// A number as the sum of a head of few bits and a small tail.
struct MathParts { head: real, tail: real }

// Infinities and NaN come through a function: as constant expressions they are shader errors.
fn math_from_bits(x: bits) -> real {
    return bitcast<real>(x);
}

// By bits, since compilers may assume that NaN does not occur and drop x != x.
fn math_is_nan(x: real) -> bool {
    return (bitcast<bits>(x) & MATH_ABS_BITS) > MATH_INF_BITS;
}

fn math_is_inf(x: real) -> bool {
    return (bitcast<bits>(x) & MATH_ABS_BITS) == MATH_INF_BITS;
}

// The leading half of the bits: the product of two heads is exact.
fn math_head(x: real) -> real {
    return bitcast<real>(bitcast<bits>(x) & MATH_HEAD_MASK);
}

// Drops the last bit. On the exact difference of two heads nothing is lost, but the compiler cannot regroup across it.
fn math_seal(x: real) -> real {
    return bitcast<real>(bitcast<bits>(x) & MATH_SEAL_MASK);
}

// magnitude >= 0 or NaN.
fn math_with_sign(magnitude: real, sign_source: real) -> real {
    return bitcast<real>(bitcast<bits>(magnitude) ^ (bitcast<bits>(sign_source) & MATH_SIGN_BIT));
}

// The whole number nearest to x as a number, from x + SHIFTER: by way of an integer, so that nothing cancels the shift.
fn math_shifted_real(x: real) -> real {
    return real(math_shifted_whole(x));
}

// The whole number nearest to x from x + MATH_SHIFTER.
fn math_shifted_whole(x: real) -> i32 {
    return i32(bitcast<bits>(x) - MATH_SHIFTER_BITS);
}

// 2^k for the exponents k of normal numbers; 0 below.
fn math_two_to(k: i32) -> real {
    return bitcast<real>(bits(clamp(k, -MATH_BIAS, MATH_BIAS) + MATH_BIAS) << MATH_MANTISSA_BITS);
}
