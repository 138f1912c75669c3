// The numbers of math/*.wgsl that depend on the format, here f32: widths, masks, thresholds, polynomials.
//
// Twin of src/math/f32.rs. `real` is an alias of f32; f64.wgsl has the same names for f64.

alias bits = u32;
alias ibits = i32;

const MATH_MANTISSA_BITS: u32 = 23u;
const MATH_BIAS: i32 = 127;
const MATH_SIGN_BIT: bits = 0x80000000u;
const MATH_ABS_BITS: bits = 0x7fffffffu;
const MATH_INF_BITS: bits = 0x7f800000u;
const MATH_NAN_BITS: bits = 0x7fc00000u;
const MATH_MANTISSA_MASK: bits = 0x007fffffu;
// Bits of the smallest normal number, which are also the mantissa's implicit one.
const MATH_NORMAL_BITS: bits = 0x00800000u;
// Keeps 12 of 24 bits: the product of two heads is exact.
const MATH_HEAD_MASK: bits = 0xfffff000u;
const MATH_SEAL_MASK: bits = 0xfffffffeu;

// Adding 1.5 * 2^23 leaves the nearest whole number in the low bits of the sum.
const MATH_SHIFTER: real = 12582912.0;
const MATH_SHIFTER_BITS: bits = 0x4b400000u;

// ---- exponentials, logarithms, powers ----

const MATH_LOG2_E: real = 1.44269502;
const MATH_LN2: real = 0.693147182;
// ln 2 in a part of 15 bits, whose product with an exponent is exact, and the rest.
const MATH_LN2_HEAD: real = 0.693145751953125;
const MATH_LN2_TAIL: real = 1.42860677e-6;
// ln 2 in a part of 12 bits, whose product with a head is exact, and the rest.
const MATH_LN2_SHORT: real = 0.693115234375;
const MATH_LN2_SHORT_TAIL: real = 3.19461833e-5;
// log2(e), log10(e) and 2 / (3 ln 2) likewise; log10(2) as ln 2 above.
const MATH_LOG2_E_HEAD: real = 1.4423828125;
const MATH_LOG2_E_TAIL: real = 0.000312228396;
const MATH_LOG10_E: real = 0.434294492;
const MATH_LOG10_E_HEAD: real = 0.4342041015625;
const MATH_LOG10_E_TAIL: real = 9.03803375e-5;
const MATH_TWO_THIRDS_LOG2_E: real = 0.961796701;
const MATH_TWO_THIRDS_LOG2_E_HEAD: real = 0.961669921875;
const MATH_TWO_THIRDS_LOG2_E_TAIL: real = 0.000126772051;
const MATH_LOG10_2_HEAD: real = 0.301025390625;
const MATH_LOG10_2_TAIL: real = 4.60503907e-6;

// Added and taken away again, it leaves a multiple of 2^-10 with the last bit sealed.
const MATH_EXP_GRID: real = 6144.0;
// Beyond these e^x / 2 overflows, and e^x is less than half the least subnormal.
const MATH_EXP_OVER: real = 90.0;
const MATH_EXP_UNDER: real = -105.0;
// The same for 2^x.
const MATH_EXP2_OVER: real = 130.0;
const MATH_EXP2_UNDER: real = -151.0;
// Below it e^x - 1 rounds to -1.
const MATH_EXPM1_UNDER: real = -17.5;
// Exponents from which math_scale takes two steps.
const MATH_SCALE_LOW: i32 = -60;
// From here on tanh rounds to 1.
const MATH_TANH_ONE: real = 10.0;
// Below 2^-25 expm1(x) and log1p(x) round to x.
const MATH_TINY: real = 2.98023224e-8;

// Bits of sqrt(1/2): the mantissa of a logarithm lies in [sqrt(1/2), sqrt(2)).
const MATH_SQRT_HALF_BITS: bits = 0x3f3504f3u;
// A subnormal number is a whole number of 2^-149.
const MATH_SUBNORMAL_SHIFT: i32 = 149;
// Above it asinh and acosh are log(2x).
const MATH_ASINH_LARGE: real = 4096.0;
// As an exponent it takes every base other than 1 out of the range.
const MATH_POW_BOUND: real = 4294967296.0;

// A subnormal number times 2^150 is its bits shifted by this; 2^-50.
const MATH_CBRT_SHIFT: u32 = 1u;
const MATH_CBRT_TINY: real = 8.881784197001252e-16;
// Kahan's constant: adding it to a third of the bits gives the root to 3.2 %.
const MATH_CBRT_START: bits = 0x2a5119f2u;
// hypot scales by these powers of two where the squares would leave the range.
const MATH_HYPOT_SMALL: real = 8.881784197001252e-16;
const MATH_HYPOT_LARGE: real = 4.611686018427388e18;
const MATH_HYPOT_GROW: real = 1.2379400392853803e27;
const MATH_HYPOT_SHRINK: real = 1.3552527156068805e-20;

// Minimax polynomials; the relative error of the function they serve is below 2^-26.

// (e^r - 1 - r) / r^2 for |r| < 0.3468.
fn math_exp_series(r: real) -> real {
    var p: real = 0.00138704211;
    p = p * r + 0.00836628862;
    p = p * r + 0.041667439;
    p = p * r + 0.166665465;
    p = p * r + 0.49999997;
    return p;
}

// (sinh(a) / a - 1) / z for z = a^2 < 1.
fn math_sinh_series(z: real) -> real {
    var p: real = 2.78221319e-6;
    p = p * z + 0.000198428956;
    p = p * z + 0.00833331048;
    p = p * z + 0.166666672;
    return p;
}

// (tanh(a) / a - 1) / z for z = a^2 < 0.391.
fn math_tanh_series(z: real) -> real {
    var p: real = -0.00569403311;
    p = p * z + 0.0206293892;
    p = p * z - 0.0537367724;
    p = p * z + 0.133314073;
    p = p * z - 0.333332807;
    return p;
}

// log(1 + f) - f + f^2/2 for the mantissas of a logarithm; square is f^2.
fn math_log_rest(f: real, square: real) -> real {
    var cubic: real = -0.0763639957;
    cubic = cubic * f + 0.127621993;
    cubic = cubic * f - 0.131596133;
    cubic = cubic * f + 0.142015815;
    cubic = cubic * f - 0.166234091;
    cubic = cubic * f + 0.200012416;
    cubic = cubic * f - 0.250008196;
    cubic = cubic * f + 0.333333313;
    return f * square * cubic;
}

// (3 atanh(s) / s - 3 - z) / z^2 for z = s^2 < 0.02944.
fn math_log2_series(z: real) -> real {
    var p: real = 0.293391943;
    p = p * z + 0.332694232;
    p = p * z + 0.428579599;
    p = p * z + 0.599999964;
    return p;
}

// 1 / cbrt(r) for 0.9095 < r < 1.0995.
fn math_cbrt_series(r: real) -> real {
    var p: real = 0.221253842;
    p = p * r - 0.77700156;
    p = p * r + 1.5557512;
    return p;
}
