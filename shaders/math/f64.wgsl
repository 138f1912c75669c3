// The numbers of math/*.wgsl that depend on the format, here f64: widths, masks, thresholds, polynomials.
//
// Twin of src/math/f64.rs. `real` is an alias of f64; f32.wgsl has the same names for f32.

alias bits = u64;
alias ibits = i64;

const MATH_MANTISSA_BITS: u32 = 52u;
const MATH_BIAS: i32 = 1023;
const MATH_SIGN_BIT: bits = 0x8000000000000000lu;
const MATH_ABS_BITS: bits = 0x7fffffffffffffff;
const MATH_INF_BITS: bits = 0x7ff0000000000000;
const MATH_NAN_BITS: bits = 0x7ff8000000000000;
const MATH_MANTISSA_MASK: bits = 0x000fffffffffffff;
// Bits of the smallest normal number, which are also the mantissa's implicit one.
const MATH_NORMAL_BITS: bits = 0x0010000000000000;
// Keeps 26 of 53 bits: the product of two heads is exact.
const MATH_HEAD_MASK: bits = 0xfffffffff8000000lu;
const MATH_SEAL_MASK: bits = 0xfffffffffffffffelu;

// Adding 1.5 * 2^52 leaves the nearest whole number in the low bits of the sum.
const MATH_SHIFTER: real = 6755399441055744.0;
const MATH_SHIFTER_BITS: bits = 0x4338000000000000;

// ---- exponentials, logarithms, powers ----

const MATH_LOG2_E: real = 1.4426950408889634;
const MATH_LN2: real = 0.6931471805599453;
// ln 2 in a part of 40 bits, whose product with an exponent is exact, and the rest.
const MATH_LN2_HEAD: real = 0.6931471805592082;
const MATH_LN2_TAIL: real = 7.371002565167799e-13;
// ln 2 in a part of 26 bits, whose product with a head is exact, and the rest.
const MATH_LN2_SHORT: real = 0.6931471675634384;
const MATH_LN2_SHORT_TAIL: real = 1.2996506893889889e-8;
// log2(e), log10(e) and 2 / (3 ln 2) likewise; log10(2) as ln 2 above.
const MATH_LOG2_E_HEAD: real = 1.4426950216293335;
const MATH_LOG2_E_TAIL: real = 1.9259629911266175e-8;
const MATH_LOG10_E: real = 0.4342944819032518;
const MATH_LOG10_E_HEAD: real = 0.4342944771051407;
const MATH_LOG10_E_TAIL: real = 4.798111141615973e-9;
const MATH_TWO_THIRDS_LOG2_E: real = 0.9617966939259756;
const MATH_TWO_THIRDS_LOG2_E_HEAD: real = 0.9617966860532761;
const MATH_TWO_THIRDS_LOG2_E_TAIL: real = 7.872699542894897e-9;
const MATH_LOG10_2_HEAD: real = 0.30102999566361177;
const MATH_LOG10_2_TAIL: real = 3.694239077158931e-13;

// Added and taken away again, it leaves a multiple of 2^-10 with the last bit sealed.
const MATH_EXP_GRID: real = 3298534883328.0;
// Beyond these e^x / 2 overflows, and e^x is less than half the least subnormal.
const MATH_EXP_OVER: real = 712.0;
const MATH_EXP_UNDER: real = -746.0;
// The same for 2^x.
const MATH_EXP2_OVER: real = 1026.0;
const MATH_EXP2_UNDER: real = -1077.0;
// Below it e^x - 1 rounds to -1.
const MATH_EXPM1_UNDER: real = -37.5;
// Exponents from which math_scale takes two steps.
const MATH_SCALE_LOW: i32 = -960;
// From here on tanh rounds to 1.
const MATH_TANH_ONE: real = 20.0;
// Below 2^-54 expm1(x) and log1p(x) round to x.
const MATH_TINY: real = 5.551115123125783e-17;

// Bits of sqrt(1/2): the mantissa of a logarithm lies in [sqrt(1/2), sqrt(2)).
const MATH_SQRT_HALF_BITS: bits = 0x3fe6a09e667f3bcd;
// A subnormal number is a whole number of 2^-1074.
const MATH_SUBNORMAL_SHIFT: i32 = 1074;
// Above it asinh and acosh are log(2x).
const MATH_ASINH_LARGE: real = 268435456.0;
// As an exponent it takes every base other than 1 out of the range.
const MATH_POW_BOUND: real = 18446744073709551616.0;

// A subnormal number times 2^1074 is its bits shifted by this; 2^-358.
const MATH_CBRT_SHIFT: u32 = 0u;
const MATH_CBRT_TINY: real = 1.7031839360032603e-108;
// Kahan's constant: adding it to a third of the bits gives the root to 3.2 %.
const MATH_CBRT_START: bits = 0x2a9f7893782da1ce;
// hypot scales by these powers of two where the squares would leave the range.
const MATH_HYPOT_SMALL: real = 3.8725919148493183e-121;
const MATH_HYPOT_LARGE: real = 3.273390607896142e150;
const MATH_HYPOT_GROW: real = 4.149515568880993e180;
const MATH_HYPOT_SHRINK: real = 2.409919865102884e-181;

// Minimax polynomials; the relative error of the function they serve is below 2^-58.

// (e^r - 1 - r) / r^2 for |r| < 0.3468, in three parts that do not wait for each other [G. Estrin, 1960].
fn math_exp_series(r: real) -> real {
    let r2 = r * r;
    let low = (0.5 + 0.16666666666666666 * r) + r2 * (0.04166666666666658 + 0.008333333333329114 * r);
    let middle = (0.0013888888888949234 + 0.00019841269869139947 * r) + r2 * (2.4801587170910118e-5 + 2.7557259864371865e-6 * r);
    let high = (2.755741996092052e-7 + 2.510397287589773e-8 * r) + r2 * 2.086644905777064e-9;
    let r4 = r2 * r2;
    return low + r4 * (middle + r4 * high);
}

// (sinh(a) / a - 1) / z for z = a^2 < 1.
fn math_sinh_series(z: real) -> real {
    var p: real = 7.743675138038735e-13;
    p = p * z + 1.605779242046704e-10;
    p = p * z + 2.5052115740433244e-8;
    p = p * z + 2.755731920794378e-6;
    p = p * z + 0.0001984126984125319;
    p = p * z + 0.00833333333333344;
    p = p * z + 0.16666666666666666;
    return p;
}

// (tanh(a) / a - 1) / z for z = a^2 < 0.391.
fn math_tanh_series(z: real) -> real {
    var p: real = 6.111485279208823e-6;
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
    return p;
}

// log(1 + f) - f + f^2/2 for the mantissas of a logarithm; square is f^2. With s = f / (2 + f) it is
// s * (f^2/2 + s^2 * Q(s^2)) [fdlibm, e_log.c]: a polynomial in f would need twice the terms.
fn math_log_rest(f: real, square: real) -> real {
    let s = f / (2.0 + f);
    let z = s * s;
    var q: real = 0.14727327473263863;
    q = q * z + 0.15321369661848927;
    q = q * z + 0.18183255727526676;
    q = q * z + 0.22222205073616616;
    q = q * z + 0.28571428671548305;
    q = q * z + 0.39999999999782937;
    q = q * z + 0.6666666666666666;
    return s * (0.5 * square + z * q);
}

// (3 atanh(s) / s - 3 - z) / z^2 for z = s^2 < 0.02944.
fn math_log2_series(z: real) -> real {
    var p: real = 0.17988781272859342;
    p = p * z + 0.1751140890046736;
    p = p * z + 0.2000452668082578;
    p = p * z + 0.2307683370886178;
    p = p * z + 0.2727272833306088;
    p = p * z + 0.33333333326049575;
    p = p * z + 0.428571428571688;
    p = p * z + 0.5999999999999996;
    return p;
}

// 1 / cbrt(r) for 0.9095 < r < 1.0995.
fn math_cbrt_series(r: real) -> real {
    var p: real = 0.14279212474676192;
    p = p * r - 0.7453961631446009;
    p = p * r + 1.601671187241368;
    p = p * r - 1.871652618021331;
    p = p * r + 1.8725854582258699;
    return p;
}
