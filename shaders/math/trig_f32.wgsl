// The numbers of trig, inverse_trig and remainder that depend on the format, here f32. Twin of src/math/trig_f32.rs.
//
// Fits are minimax, their coefficients rounded one by one, the lowest first, and the rest fitted again.

const MATH_WORD_BITS: u32 = 32u;
const MATH_HALF_WORD_MASK: bits = 0xffffu;

fn math_leading_zeros(x: bits) -> u32 {
    return countLeadingZeros(x);
}

// Quadrants in a radian, 2/pi.
const MATH_QUADRANTS: real = 0.636619772;

// pi/2 = FIRST * 2^-24 + SECOND * 2^-44 + THIRD. Below 6400 there are fewer than 4096 quadrants, whose product with
// SECOND fits a word.
const MATH_SMALL_ANGLE: real = 6400.0;
const MATH_HALF_PI_FIRST: bits = 26353589u;
const MATH_HALF_PI_SECOND: bits = 279597u;
const MATH_HALF_PI_THIRD: real = 5.39030286e-15;
const MATH_FIRST_UNIT: real = 5.96046448e-8;
const MATH_SECOND_UNIT: real = 5.68434189e-14;
const MATH_SECOND_BITS: u32 = 20u;
const MATH_SECOND_MASK: bits = 0xfffffu;

// For a < MATH_SMALL_ANGLE. a is taken in units of half its last place at 1, modulo one word, and so is the multiple of
// pi/2: integers cannot be regrouped, and the part that cancels is exact. Close to a multiple the second part of pi/2
// joins the head, since the first is then nearly nothing.
fn math_angle_small(a: real) -> MathAngle {
    let k = bitcast<bits>(a * MATH_QUADRANTS + MATH_SHIFTER) - MATH_SHIFTER_BITS;
    let word = bitcast<bits>(a);
    let left = u32(i32(word >> MATH_MANTISSA_BITS) - (MATH_BIAS - 1)) & (MATH_WORD_BITS - 1u);
    let fixed = ((word & MATH_MANTISSA_MASK) | MATH_NORMAL_BITS) << left;
    let second = k * MATH_HALF_PI_SECOND;
    let difference = fixed - k * MATH_HALF_PI_FIRST - (second >> MATH_SECOND_BITS);
    let first = real(bitcast<ibits>(difference)) * MATH_FIRST_UNIT;
    let next = real(second & MATH_SECOND_MASK) * MATH_SECOND_UNIT;
    let moved = select(real(0.0), next, difference + 15 < 31);
    let reduced = select(first - moved, a, k == 0);
    return MathAngle(k, reduced, (moved - next) - real(k) * MATH_HALF_PI_THIRD);
}

// A word of 2/pi, with one word of zeros in front.
fn math_two_over_pi(index: u32) -> bits {
    let i = index + 1u;
    return tables.two_over_pi[i >> 2u][i & 3u];
}

// For a number with biased exponent e the bits of 2/pi that matter begin at bit e - WINDOW_START.
const MATH_WINDOW_START: u32 = 120u;
const MATH_WINDOW_WORD_SHIFT: u32 = 5u;

// A reduced angle of one word is split into 12 bits, whose product with the 9 bits of HALF_PI_HEAD is exact, and 20.
const MATH_ANGLE_TOP_MASK: bits = 0xfff00000u;
const MATH_HALF_PI: real = 1.57079637;
const MATH_HALF_PI_HEAD: real = 1.5703125;
const MATH_HALF_PI_TAIL: real = 4.83826792e-4;

// pi/4 in a part of 20 bits, whose multiples are exact, and the rest.
const MATH_QUARTER_PI_HEAD: real = 0.785397529602051;
const MATH_QUARTER_PI_TAIL: real = 6.33795400e-7;

// Below LEAST a divisor is scaled up, and above MOST down, to where it and its inverse are normal.
const MATH_DIVISOR_LEAST: real = 8.8817842e-16;
const MATH_DIVISOR_MOST: real = 1.0e37;
const MATH_DIVISOR_GROWTH: real = 1.2379400392853803e27; // 2^90

// On |r| < 0.7858, with z = r^2: sin r = r + r z S(z), cos r = 1 - z/2 + z^2 C(z).
fn math_sin_series(z: real) -> real {
    var p: real = -0.000195185974;
    p = p * z + 0.00833219104;
    p = p * z - 0.166666552;
    return p;
}

fn math_cos_series(z: real) -> real {
    var p: real = 2.44325511e-5;
    p = p * z - 0.00138873106;
    p = p * z + 0.0416666456;
    return p;
}

// On |t| <= 0.6, with z = t^2: atan t = t + t z A(z).
fn math_atan_series(z: real) -> real {
    var p: real = 0.0295022819;
    p = p * z - 0.0723093227;
    p = p * z + 0.10711512;
    p = p * z - 0.142403141;
    p = p * z + 0.199975744;
    p = p * z - 0.333332896;
    return p;
}

// On |s| <= 1/2, with z = s^2: asin s = s + s z A(z).
fn math_asin_series(z: real) -> real {
    var p: real = 0.0422807895;
    p = p * z + 0.0241127945;
    p = p * z + 0.0454837717;
    p = p * z + 0.0749519169;
    p = p * z + 0.166667551;
    return p;
}
