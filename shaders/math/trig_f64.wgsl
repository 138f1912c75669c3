// The numbers of trig, inverse_trig and remainder that depend on the format, here f64. Twin of src/math/trig_f64.rs.
//
// Fits are minimax, their lowest coefficients rounded one by one and the rest fitted again.

const MATH_WORD_BITS: u32 = 64u;
const MATH_HALF_WORD_MASK: bits = 0xffffffff;

// From halves: naga's SPIR-V writer has no countLeadingZeros of 64 bits.
fn math_leading_zeros(x: bits) -> u32 {
    let high = u32(x >> 32u);
    return select(countLeadingZeros(high), 32u + countLeadingZeros(u32(x & 0xffffffff)), high == 0u);
}

// Quadrants in a radian, 2/pi.
const MATH_QUADRANTS: real = 0.6366197723675814;

// pi/2 in parts of 37 and 36 bits and the rest. Below 10^5 there are fewer than 2^16 quadrants, whose products with the
// first two are exact.
const MATH_SMALL_ANGLE: real = 1.0e5;
const MATH_HALF_PI_FIRST: real = 1.5707963267923333;
const MATH_HALF_PI_SECOND: real = 2.5633441515839558e-12;
const MATH_HALF_PI_THIRD: real = 1.0562999066987428e-23;

// For a < MATH_SMALL_ANGLE. The first difference is exact, for what is left of a number near whole * FIRST has few bits;
// the second loses what the tail gets back. A whole number ends in zeros: sealing it changes nothing, but hides from a
// compiler that both products have a factor in common.
fn math_angle_small(a: real) -> MathAngle {
    let shifted = a * MATH_QUADRANTS + MATH_SHIFTER;
    let whole = math_shifted_real(shifted);
    let first = a - whole * MATH_HALF_PI_FIRST;
    let second = math_seal(whole) * MATH_HALF_PI_SECOND;
    let head = math_seal(first - second);
    let tail = ((first - head) - second) - whole * MATH_HALF_PI_THIRD;
    return MathAngle(bitcast<bits>(shifted) - MATH_SHIFTER_BITS, head, tail);
}

// A word of 2/pi.
fn math_two_over_pi(index: u32) -> bits {
    let i = 2u * index;
    let high = tables.two_over_pi[i >> 2u][i & 3u];
    return (bits(high) << 32u) | bits(tables.two_over_pi[i >> 2u][(i & 3u) + 1u]);
}

// For a number with biased exponent e the bits of 2/pi that matter begin at bit e - WINDOW_START.
const MATH_WINDOW_START: u32 = 1013u;
const MATH_WINDOW_WORD_SHIFT: u32 = 6u;

// A reduced angle of one word is split into 26 bits, whose product with the 27 bits of HALF_PI_HEAD is exact, and 38.
const MATH_ANGLE_TOP_MASK: bits = 0xffffffc000000000lu;
const MATH_HALF_PI: real = 1.5707963267948966;
const MATH_HALF_PI_HEAD: real = 1.570796325802803;
const MATH_HALF_PI_TAIL: real = 9.920935796805404e-10;

// pi/4 in a part of 50 bits, whose multiples are exact, and the rest.
const MATH_QUARTER_PI_HEAD: real = 0.7853981633974483;
const MATH_QUARTER_PI_TAIL: real = 3.061616997868383e-17;

// Below LEAST a divisor is scaled up, and above MOST down, to where it and its inverse are normal.
const MATH_DIVISOR_LEAST: real = 1.0e-271;
const MATH_DIVISOR_MOST: real = 1.0e307;
const MATH_DIVISOR_GROWTH: real = 1.6069380442589903e60; // 2^200

// On |r| < 0.7858, with z = r^2: sin r = r + r z S(z), cos r = 1 - z/2 + z^2 C(z).
fn math_sin_series(z: real) -> real {
    var p: real = 1.5895433467810805e-10;
    p = p * z - 2.5050734391617754e-8;
    p = p * z + 2.755731353852426e-6;
    p = p * z - 0.00019841269829358541;
    p = p * z + 0.00833333333332184;
    p = p * z - 0.1666666666666663;
    return p;
}

fn math_cos_series(z: real) -> real {
    var p: real = -1.1358681700467032e-11;
    p = p * z + 2.0875704247582724e-9;
    p = p * z - 2.755731420996523e-7;
    p = p * z + 2.4801587288983512e-5;
    p = p * z - 0.0013888888888873325;
    p = p * z + 0.041666666666666595;
    return p;
}

// On |t| <= 0.6, with z = t^2: atan t = t + t z A(z).
fn math_atan_series(z: real) -> real {
    var p: real = 0.003694875956621549;
    p = p * z - 0.013935599962575436;
    p = p * z + 0.02714989806502955;
    p = p * z - 0.03824255309468355;
    p = p * z + 0.04605335079198049;
    p = p * z - 0.05228732154829158;
    p = p * z + 0.05876806628301269;
    p = p * z - 0.06666019089000678;
    p = p * z + 0.07692254022513915;
    p = p * z - 0.0909090603936848;
    p = p * z + 0.11111110998361595;
    p = p * z - 0.14285714283237438;
    p = p * z + 0.19999999999972454;
    p = p * z - 0.33333333333333226;
    return p;
}

// On |s| <= 1/2, with z = s^2: asin s = s + s z A(z).
fn math_asin_series(z: real) -> real {
    var p: real = 0.032737075148697364;
    p = p * z - 0.02116832634814805;
    p = p * z + 0.02182404747146776;
    p = p * z + 0.0036597554698317007;
    p = p * z + 0.010792257546368748;
    p = p * z + 0.011396834407334105;
    p = p * z + 0.013981066346790428;
    p = p * z + 0.017351592223152114;
    p = p * z + 0.022372216047367107;
    p = p * z + 0.030381942671760837;
    p = p * z + 0.044642857175327136;
    p = p * z + 0.0749999999997009;
    p = p * z + 0.16666666666666763;
    return p;
}
