//! The numbers of `math` that depend on the format, here f32: widths, masks, thresholds, polynomials.
//!
//! Twin of `shaders/math/f32.wgsl`; `f64.rs` has the same names for f64.

pub type Real = f32;
pub type Bits = u32;
pub type Ibits = i32;

pub const MANTISSA_BITS: u32 = 23;
pub const BIAS: i32 = 127;
pub const SIGN_BIT: Bits = 0x80000000;
pub const ABS_BITS: Bits = 0x7fffffff;
pub const INF_BITS: Bits = 0x7f800000;
pub const NAN_BITS: Bits = 0x7fc00000;
pub const MANTISSA_MASK: Bits = 0x007fffff;
// Bits of the smallest normal number, which are also the mantissa's implicit one.
pub const NORMAL_BITS: Bits = 0x00800000;
// Keeps 12 of 24 bits: the product of two heads is exact.
pub const HEAD_MASK: Bits = 0xfffff000;
pub const SEAL_MASK: Bits = 0xfffffffe;

// Adding 1.5 * 2^23 leaves the nearest whole number in the low bits of the sum.
pub const SHIFTER: Real = 12582912.0;
pub const SHIFTER_BITS: Bits = 0x4b400000;

// ---- exponentials, logarithms, powers ----

pub const LOG2_E: Real = 1.44269502;
pub const LN2: Real = 0.693147182;
// ln 2 in a part of 15 bits, whose product with an exponent is exact, and the rest.
pub const LN2_HEAD: Real = 0.693145751953125;
pub const LN2_TAIL: Real = 1.42860677e-6;
// ln 2 in a part of 12 bits, whose product with a head is exact, and the rest.
pub const LN2_SHORT: Real = 0.693115234375;
pub const LN2_SHORT_TAIL: Real = 3.19461833e-5;
// log2(e), log10(e) and 2 / (3 ln 2) likewise; log10(2) as ln 2 above.
pub const LOG2_E_HEAD: Real = 1.4423828125;
pub const LOG2_E_TAIL: Real = 0.000312228396;
pub const LOG10_E: Real = 0.434294492;
pub const LOG10_E_HEAD: Real = 0.4342041015625;
pub const LOG10_E_TAIL: Real = 9.03803375e-5;
pub const TWO_THIRDS_LOG2_E: Real = 0.961796701;
pub const TWO_THIRDS_LOG2_E_HEAD: Real = 0.961669921875;
pub const TWO_THIRDS_LOG2_E_TAIL: Real = 0.000126772051;
pub const LOG10_2_HEAD: Real = 0.301025390625;
pub const LOG10_2_TAIL: Real = 4.60503907e-6;

// Added and taken away again, it leaves a multiple of 2^-10 with the last bit sealed.
pub const EXP_GRID: Real = 6144.0;
// Beyond these e^x / 2 overflows, and e^x is less than half the least subnormal.
pub const EXP_OVER: Real = 90.0;
pub const EXP_UNDER: Real = -105.0;
// Within it no power of two that e^x takes part in leaves the range.
pub const EXP_USUAL: Real = 80.0;
// The same as the bounds before for 2^x.
pub const EXP2_OVER: Real = 130.0;
pub const EXP2_UNDER: Real = -151.0;
// Below it e^x - 1 rounds to -1.
pub const EXPM1_UNDER: Real = -17.5;
// Exponents from which scale takes two steps.
pub const SCALE_LOW: i32 = -60;
// From here on tanh rounds to 1.
pub const TANH_ONE: Real = 10.0;
// Below 2^-25 expm1(x) and log1p(x) round to x.
pub const TINY: Real = 2.98023224e-8;

// Bits of sqrt(1/2): the mantissa of a logarithm lies in [sqrt(1/2), sqrt(2)).
pub const SQRT_HALF_BITS: Bits = 0x3f3504f3;
// A subnormal number is a whole number of 2^-149.
pub const SUBNORMAL_SHIFT: i32 = 149;
// Above it asinh and acosh are log(2x).
pub const ASINH_LARGE: Real = 4096.0;
// As an exponent it takes every base other than 1 out of the range.
pub const POW_BOUND: Real = 4294967296.0;

// A subnormal number times 2^150 is its bits shifted by this; 2^-50.
pub const CBRT_SHIFT: u32 = 1;
pub const CBRT_TINY: Real = 8.881784197001252e-16;
// Kahan's constant: adding it to a third of the bits gives the root to 3.2 %.
pub const CBRT_START: Bits = 0x2a5119f2;
// hypot scales by these powers of two where the squares would leave the range.
pub const HYPOT_SMALL: Real = 8.881784197001252e-16;
pub const HYPOT_LARGE: Real = 4.611686018427388e18;
pub const HYPOT_GROW: Real = 1.2379400392853803e27;
pub const HYPOT_SHRINK: Real = 1.3552527156068805e-20;

// Minimax polynomials; the relative error of the function they serve is below 2^-26.

// (e^r - 1 - r) / r^2 for |r| < 0.3468.
#[inline(always)]
pub fn exp_series(r: Real) -> Real {
    let mut p = 0.00138704211;
    p = p * r + 0.00836628862;
    p = p * r + 0.041667439;
    p = p * r + 0.166665465;
    p = p * r + 0.49999997;
    p
}

// (sinh(a) / a - 1) / z for z = a^2 < 1.
#[inline(always)]
pub fn sinh_series(z: Real) -> Real {
    let mut p = 2.78221319e-6;
    p = p * z + 0.000198428956;
    p = p * z + 0.00833331048;
    p = p * z + 0.166666672;
    p
}

// (tanh(a) / a - 1) / z for z = a^2 < 0.391.
#[inline(always)]
pub fn tanh_series(z: Real) -> Real {
    let mut p = -0.00569403311;
    p = p * z + 0.0206293892;
    p = p * z - 0.0537367724;
    p = p * z + 0.133314073;
    p = p * z - 0.333332807;
    p
}

// log(1 + f) - f + f^2/2 for the mantissas of a logarithm; square is f^2.
#[inline(always)]
pub fn log_rest(f: Real, square: Real) -> Real {
    let mut cubic = -0.0763639957;
    cubic = cubic * f + 0.127621993;
    cubic = cubic * f - 0.131596133;
    cubic = cubic * f + 0.142015815;
    cubic = cubic * f - 0.166234091;
    cubic = cubic * f + 0.200012416;
    cubic = cubic * f - 0.250008196;
    cubic = cubic * f + 0.333333313;
    f * square * cubic
}

// (3 atanh(s) / s - 3 - z) / z^2 for z = s^2 < 0.02944.
#[inline(always)]
pub fn log2_series(z: Real) -> Real {
    let mut p = 0.293391943;
    p = p * z + 0.332694232;
    p = p * z + 0.428579599;
    p = p * z + 0.599999964;
    p
}

// 1 / cbrt(r) for 0.9095 < r < 1.0995.
#[inline(always)]
pub fn cbrt_series(r: Real) -> Real {
    let mut p = 0.221253842;
    p = p * r - 0.77700156;
    p = p * r + 1.5557512;
    p
}
