// The remainders of a division, exact at every size but for the one sum of mod. Twin of src/math/remainder.rs.

// C's fmod: long division of the mantissas in integers, as many bits of the exponent difference at a time as the
// word has to spare.
fn math_rem(x: real, y: real) -> real {
    let sign = bitcast<bits>(x) & MATH_SIGN_BIT;
    let x_bits = bitcast<bits>(x) & MATH_ABS_BITS;
    let y_bits = bitcast<bits>(y) & MATH_ABS_BITS;
    if x_bits >= MATH_INF_BITS || y_bits > MATH_INF_BITS || y_bits == 0 {
        return math_from_bits(MATH_NAN_BITS);
    }
    if x_bits < y_bits {
        return x;
    }
    let spare = MATH_WORD_BITS - MATH_MANTISSA_BITS - 1u;
    let x_mantissa = (x_bits & MATH_MANTISSA_MASK) | select(bits(0), MATH_NORMAL_BITS, x_bits >= MATH_NORMAL_BITS);
    let y_mantissa = (y_bits & MATH_MANTISSA_MASK) | select(bits(0), MATH_NORMAL_BITS, y_bits >= MATH_NORMAL_BITS);
    let exponent = max(u32(y_bits >> MATH_MANTISSA_BITS), 1u);
    var rest = x_mantissa % y_mantissa;
    var steps = max(u32(x_bits >> MATH_MANTISSA_BITS), 1u) - exponent;
    while steps > 0u {
        let step = min(steps, spare);
        rest = (rest << step) % y_mantissa;
        steps -= step;
    }
    if rest == 0 {
        return bitcast<real>(sign);
    }
    let zeros = math_leading_zeros(rest) - spare;
    if exponent <= zeros {
        return bitcast<real>(sign | (rest << (exponent - 1u)));
    }
    let mantissa = (rest << zeros) & MATH_MANTISSA_MASK;
    return bitcast<real>(sign | (bits(exponent - zeros) << MATH_MANTISSA_BITS) | mantissa);
}

// Python's %: the remainder takes the sign of the divisor.
fn math_mod(x: real, y: real) -> real {
    let r = math_rem(x, y);
    let apart = ((bitcast<bits>(r) ^ bitcast<bits>(y)) & MATH_SIGN_BIT) != 0;
    let moved = select(r, r + y, apart);
    return select(moved, math_with_sign(real(0.0), y), r == 0.0);
}
