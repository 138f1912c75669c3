// Sine, cosine and tangent of any angle, in radians. Twin of src/math/trig.rs.
//
// The angle is brought to |r| < 0.7855 by a multiple of pi/2, to more bits than the format has, so that a result near
// zero has all of its bits: Cody and Waite's method for small angles (math_angle_small, in fixed point in f32), Payne
// and Hanek's in integers for the others (Muller et al., Handbook of Floating-Point Arithmetic, section 10.2).

// |x| = quadrant * pi/2 + head + tail, |head + tail| < 0.7855.
struct MathAngle { quadrant: bits, head: real, tail: real }

// The upper word of a product of two, from half words.
fn math_mul_high(a: bits, b: bits) -> bits {
    let half = MATH_WORD_BITS / 2u;
    let a_low = a & MATH_HALF_WORD_MASK;
    let a_high = a >> half;
    let b_low = b & MATH_HALF_WORD_MASK;
    let b_high = b >> half;
    let middle = a_low * b_high + ((a_low * b_low) >> half);
    let carry = a_high * b_low + (middle & MATH_HALF_WORD_MASK);
    return a_high * b_high + (middle >> half) + (carry >> half);
}

// For finite a >= 1. The mantissa times a window of three words of 2/pi, kept modulo 4 with two words less two bits
// behind the point. The fraction is normalised before it becomes a float, so cancellation costs nothing.
fn math_angle_large(a: real) -> MathAngle {
    let word = bitcast<bits>(a) & ~MATH_SIGN_BIT; // also of a NaN, whose angle means nothing
    let mantissa = (word & MATH_MANTISSA_MASK) | MATH_NORMAL_BITS;
    let position = u32(word >> MATH_MANTISSA_BITS) - MATH_WINDOW_START;
    let index = position >> MATH_WINDOW_WORD_SHIFT;
    let left = position & (MATH_WORD_BITS - 1u);
    let right = MATH_WORD_BITS - 1u - left;
    let w0 = (math_two_over_pi(index) << left) | ((math_two_over_pi(index + 1u) >> 1u) >> right);
    let w1 = (math_two_over_pi(index + 1u) << left) | ((math_two_over_pi(index + 2u) >> 1u) >> right);
    let w2 = (math_two_over_pi(index + 2u) << left) | ((math_two_over_pi(index + 3u) >> 1u) >> right);
    let middle = mantissa * w1;
    let low = middle + math_mul_high(mantissa, w2);
    let high = mantissa * w0 + math_mul_high(mantissa, w1) + select(bits(0), bits(1), low < middle);
    let fraction = (high << 2u) | (low >> (MATH_WORD_BITS - 2u));
    let flip = bitcast<bits>(bitcast<ibits>(fraction) >> (MATH_WORD_BITS - 1u));
    let upper = fraction ^ flip;
    let lower = (low << 2u) ^ flip;
    let zeros = math_leading_zeros(upper);
    let value = (upper << zeros) | ((lower >> 1u) >> (MATH_WORD_BITS - 1u - zeros));
    let exponent = bits(u32(MATH_BIAS) - MATH_WORD_BITS - zeros);
    let unit = bitcast<real>((exponent << MATH_MANTISSA_BITS) | (flip & MATH_SIGN_BIT));
    let top = real(value & MATH_ANGLE_TOP_MASK) * unit;
    let rest = real(value & ~MATH_ANGLE_TOP_MASK) * unit;
    let quadrant = (high >> (MATH_WORD_BITS - 2u)) + (flip & 1);
    return MathAngle(quadrant, top * MATH_HALF_PI_HEAD, top * MATH_HALF_PI_TAIL + rest * MATH_HALF_PI);
}

fn math_angle(a: real) -> MathAngle {
    if a < MATH_SMALL_ANGLE {
        return math_angle_small(a);
    }
    return math_angle_large(a);
}

// Head and tail enter apart, so that the last sum is the only large rounding.
fn math_sin_near(angle: MathAngle) -> real {
    let r = angle.head + angle.tail;
    let z = r * r;
    return angle.head + (angle.tail + r * z * math_sin_series(z));
}

// The square of a head is exact, the rest of the square is small.
fn math_cos_near(angle: MathAngle) -> real {
    let r = angle.head + angle.tail;
    let z = r * r;
    let cut = math_head(r);
    let beyond = 0.5 * ((angle.head - cut) + angle.tail) * (r + cut);
    return 1.0 - (0.5 * cut * cut + (beyond - z * z * math_cos_series(z)));
}

// sin(angle + quadrant * pi/2), NaN where x is not finite.
fn math_sin_quadrant(x: real, angle: MathAngle, quadrant: bits, sign: bits) -> real {
    let value = select(math_sin_near(angle), math_cos_near(angle), (quadrant & 1) == 1);
    let negative = (quadrant << (MATH_WORD_BITS - 2u)) & MATH_SIGN_BIT;
    let oriented = bitcast<real>(bitcast<bits>(value) ^ negative ^ sign);
    return select(oriented, math_from_bits(MATH_NAN_BITS), math_is_nan(x) || math_is_inf(x));
}

fn math_sin(x: real) -> real {
    let angle = math_angle(abs(x));
    return math_sin_quadrant(x, angle, angle.quadrant, bitcast<bits>(x) & MATH_SIGN_BIT);
}

fn math_cos(x: real) -> real {
    let angle = math_angle(abs(x));
    return math_sin_quadrant(x, angle, angle.quadrant + 1, bits(0));
}

// The quotient of sine and cosine, or minus its inverse in odd quadrants, each as a head and a rest. The head q of the
// quotient is subtracted by exact products, and what is left is divided: only the last sum is a large rounding. Below
// 1e-10 tan x is x; the rests would be lost where subnormal numbers are flushed.
fn math_tan(x: real) -> real {
    let angle = math_angle(abs(x));
    let r = angle.head + angle.tail;
    let z = r * r;
    let rise = angle.tail + r * z * math_sin_series(z);
    let sine = math_head(angle.head + rise);
    let sine_rest = math_seal(angle.head - sine) + rise;
    let cut = math_head(r);
    let fall = 0.5 * cut * cut;
    let beyond = 0.5 * ((angle.head - cut) + angle.tail) * (r + cut) - z * z * math_cos_series(z);
    let cosine = math_head(1.0 - (fall + beyond));
    let cosine_rest = math_seal((1.0 - cosine) - fall) - beyond;
    let odd = (angle.quadrant & 1) == 1;
    let n = select(sine, -cosine, odd);
    let n_rest = select(sine_rest, -cosine_rest, odd);
    let d = select(cosine, sine, odd);
    let d_rest = select(cosine_rest, sine_rest, odd);
    let inverse = 1.0 / (d + d_rest);
    let q = math_head((n + n_rest) * inverse);
    let value = q + ((n - q * d) + (n_rest - q * d_rest)) * inverse;
    let oriented = select(math_with_sign(value, x), x, abs(x) < 1.0e-10);
    return select(oriented, math_from_bits(MATH_NAN_BITS), math_is_nan(x) || math_is_inf(x));
}
