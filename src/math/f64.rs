//! The numbers of `math` that depend on the format, here f64: widths, masks, thresholds, polynomials.
//!
//! Twin of `shaders/math/f64.wgsl`; `f32.rs` has the same names for f32.

pub type Real = f64;
pub type Bits = u64;
pub type Ibits = i64;

pub const MANTISSA_BITS: u32 = 52;
pub const BIAS: i32 = 1023;
pub const SIGN_BIT: Bits = 0x8000000000000000;
pub const ABS_BITS: Bits = 0x7fffffffffffffff;
pub const INF_BITS: Bits = 0x7ff0000000000000;
pub const NAN_BITS: Bits = 0x7ff8000000000000;
pub const MANTISSA_MASK: Bits = 0x000fffffffffffff;
// Bits of the smallest normal number, which are also the mantissa's implicit one.
pub const NORMAL_BITS: Bits = 0x0010000000000000;
// Keeps 26 of 53 bits: the product of two heads is exact.
pub const HEAD_MASK: Bits = 0xfffffffff8000000;
pub const SEAL_MASK: Bits = 0xfffffffffffffffe;

// Adding 1.5 * 2^52 leaves the nearest whole number in the low bits of the sum.
pub const SHIFTER: Real = 6755399441055744.0;
pub const SHIFTER_BITS: Bits = 0x4338000000000000;

// ---- exponentials, logarithms, powers ----

pub const LOG2_E: Real = 1.4426950408889634;
pub const LN2: Real = 0.6931471805599453;
// ln 2 in a part of 40 bits, whose product with an exponent is exact, and the rest.
pub const LN2_HEAD: Real = 0.6931471805592082;
pub const LN2_TAIL: Real = 7.371002565167799e-13;
// ln 2 in a part of 26 bits, whose product with a head is exact, and the rest.
pub const LN2_SHORT: Real = 0.6931471675634384;
pub const LN2_SHORT_TAIL: Real = 1.2996506893889889e-8;
// log2(e), log10(e) and 2 / (3 ln 2) likewise; log10(2) as ln 2 above.
pub const LOG2_E_HEAD: Real = 1.4426950216293335;
pub const LOG2_E_TAIL: Real = 1.9259629911266175e-8;
pub const LOG10_E: Real = 0.4342944819032518;
pub const LOG10_E_HEAD: Real = 0.4342944771051407;
pub const LOG10_E_TAIL: Real = 4.798111141615973e-9;
pub const TWO_THIRDS_LOG2_E: Real = 0.9617966939259756;
pub const TWO_THIRDS_LOG2_E_HEAD: Real = 0.9617966860532761;
pub const TWO_THIRDS_LOG2_E_TAIL: Real = 7.872699542894897e-9;
pub const LOG10_2_HEAD: Real = 0.30102999566361177;
pub const LOG10_2_TAIL: Real = 3.694239077158931e-13;

// Added and taken away again, it leaves a multiple of 2^-10 with the last bit sealed.
pub const EXP_GRID: Real = 3298534883328.0;
// Beyond these e^x / 2 overflows, and e^x is less than half the least subnormal.
pub const EXP_OVER: Real = 712.0;
pub const EXP_UNDER: Real = -746.0;
// Within it no power of two that e^x takes part in leaves the range.
pub const EXP_USUAL: Real = 690.0;
// The same as the bounds before for 2^x.
pub const EXP2_OVER: Real = 1026.0;
pub const EXP2_UNDER: Real = -1077.0;
// Below it e^x - 1 rounds to -1.
pub const EXPM1_UNDER: Real = -37.5;
// Exponents from which scale takes two steps.
pub const SCALE_LOW: i32 = -960;
// From here on tanh rounds to 1.
pub const TANH_ONE: Real = 20.0;
// Below 2^-54 expm1(x) and log1p(x) round to x.
pub const TINY: Real = 5.551115123125783e-17;

// Bits of sqrt(1/2): the mantissa of a logarithm lies in [sqrt(1/2), sqrt(2)).
pub const SQRT_HALF_BITS: Bits = 0x3fe6a09e667f3bcd;
// A subnormal number is a whole number of 2^-1074.
pub const SUBNORMAL_SHIFT: i32 = 1074;
// Above it asinh and acosh are log(2x).
pub const ASINH_LARGE: Real = 268435456.0;
// As an exponent it takes every base other than 1 out of the range.
pub const POW_BOUND: Real = 18446744073709551616.0;

// A subnormal number times 2^1074 is its bits shifted by this; 2^-358.
pub const CBRT_SHIFT: u32 = 0;
pub const CBRT_TINY: Real = 1.7031839360032603e-108;
// Kahan's constant: adding it to a third of the bits gives the root to 3.2 %.
pub const CBRT_START: Bits = 0x2a9f7893782da1ce;
// hypot scales by these powers of two where the squares would leave the range.
pub const HYPOT_SMALL: Real = 3.8725919148493183e-121;
pub const HYPOT_LARGE: Real = 3.273390607896142e150;
pub const HYPOT_GROW: Real = 4.149515568880993e180;
pub const HYPOT_SHRINK: Real = 2.409919865102884e-181;

// Minimax polynomials; the relative error of the function they serve is below 2^-58.

// (e^r - 1 - r) / r^2 for |r| < 0.3468, in three parts that do not wait for each other [G. Estrin, 1960].
#[inline(always)]
pub fn exp_series(r: Real) -> Real {
    let r2 = r * r;
    let low = (0.5 + 0.16666666666666666 * r) + r2 * (0.04166666666666658 + 0.008333333333329114 * r);
    let middle =
        (0.0013888888888949234 + 0.00019841269869139947 * r) + r2 * (2.4801587170910118e-5 + 2.7557259864371865e-6 * r);
    let high = (2.755741996092052e-7 + 2.510397287589773e-8 * r) + r2 * 2.086644905777064e-9;
    let r4 = r2 * r2;
    low + r4 * (middle + r4 * high)
}

// (sinh(a) / a - 1) / z for z = a^2 < 1.
#[inline(always)]
pub fn sinh_series(z: Real) -> Real {
    let mut p = 7.743675138038735e-13;
    p = p * z + 1.605779242046704e-10;
    p = p * z + 2.5052115740433244e-8;
    p = p * z + 2.755731920794378e-6;
    p = p * z + 0.0001984126984125319;
    p = p * z + 0.00833333333333344;
    p = p * z + 0.16666666666666666;
    p
}

// (tanh(a) / a - 1) / z for z = a^2 < 0.391.
#[inline(always)]
pub fn tanh_series(z: Real) -> Real {
    let mut p = 6.111485279208823e-6;
    p = p * z - 3.0357950455142105e-5;
    p = p * z + 9.174377826045266e-5;
    p = p * z - 0.00023712779800582224;
    p = p * z + 0.0005894981097341362;
    p = p * z - 0.0014557382255613368;
    p = p * z + 0.0035921161872963484;
    p = p * z - 0.00886323457149457;
    p = p * z + 0.021869488488363568;
    p = p * z - 0.05396825396694993;
    p = p * z + 0.13333333333331848;
    p = p * z - 0.3333333333333333;
    p
}

// log(1 + f) - f + f^2/2 for the mantissas of a logarithm; square is f^2. With s = f / (2 + f) it is
// s * (f^2/2 + s^2 * Q(s^2)) [fdlibm, e_log.c]: a polynomial in f would need twice the terms.
#[inline(always)]
pub fn log_rest(f: Real, square: Real) -> Real {
    let s = f / (2.0 + f);
    let z = s * s;
    let mut q = 0.14727327473263863;
    q = q * z + 0.15321369661848927;
    q = q * z + 0.18183255727526676;
    q = q * z + 0.22222205073616616;
    q = q * z + 0.28571428671548305;
    q = q * z + 0.39999999999782937;
    q = q * z + 0.6666666666666666;
    s * (0.5 * square + z * q)
}

// (3 atanh(s) / s - 3 - z) / z^2 for z = s^2 < 0.02944.
#[inline(always)]
pub fn log2_series(z: Real) -> Real {
    let mut p = 0.17988781272859342;
    p = p * z + 0.1751140890046736;
    p = p * z + 0.2000452668082578;
    p = p * z + 0.2307683370886178;
    p = p * z + 0.2727272833306088;
    p = p * z + 0.33333333326049575;
    p = p * z + 0.428571428571688;
    p = p * z + 0.5999999999999996;
    p
}

// 1 / cbrt(r) for 0.9095 < r < 1.0995.
#[inline(always)]
pub fn cbrt_series(r: Real) -> Real {
    let mut p = 0.14279212474676192;
    p = p * r - 0.7453961631446009;
    p = p * r + 1.601671187241368;
    p = p * r - 1.871652618021331;
    p = p * r + 1.8725854582258699;
    p
}
