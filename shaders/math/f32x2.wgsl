// The functions of the expression language on pairs of f32. Twin of src/math/f32x2.rs, where the methods and their
// errors stand; the arithmetic of pairs and its seals are in shaders/real_f32x2.wgsl.
//
// Only + - * /, sqrt, abs, floor, round, select and integer operations of f32 are used, so the quality of a device's
// sin, exp or pow does not matter. What is computed in single f32 may be regrouped and fused: it matters to half its
// digits only.

const MATH_SIGN_BIT: u32 = 0x80000000u;
const MATH_ABS_BITS: u32 = 0x7fffffffu;
const MATH_INF_BITS: u32 = 0x7f800000u;
const MATH_NAN_BITS: u32 = 0x7fc00000u;
const MATH_TINY_BITS: u32 = 0x26800000u; // 2^-50
const MATH_MANTISSA_BITS: u32 = 0x007fffffu;

// Bits of sqrt(1/2): the mantissa of a logarithm lies in [sqrt(1/2), sqrt(2)).
const MATH_SQRT_HALF_BITS: u32 = 0x3f3504f3u;

// ln 2 in two parts of 16 bits or less, whose products with an exponent are exact, and the rest.
const MATH_LN2_FIRST: f32 = 0.693145751953125;
const MATH_LN2_SECOND: f32 = 1.4285906217992306e-6;
const MATH_LN2_THIRD: f32 = 1.619851e-11;
const MATH_LN2 = real(6.931472e-1, -1.9046542e-9);
// 1 / ln 2, log10(e), log10(2)
const MATH_LOG2_E = real(1.442695, 1.925963e-8);
const MATH_LOG10_E = real(4.342945e-1, -1.010305e-8);
const MATH_LOG10_2 = real(3.0103e-1, -1.4320989e-8);
// 2 / ln 2 to 72 bits
const MATH_TWO_LOG2_E = vec3<f32>(2.88539, 3.851926e-8, -8.474679e-16);
const MATH_HALF_PI = real(1.5707964, -4.371139e-8);
const MATH_PI = real(3.1415927, -8.742278e-8);

const MATH_ZERO = real(0.0, 0.0);
const MATH_ONE = real(1.0, 0.0);
const MATH_THIRD = real(3.3333334e-1, -9.934108e-9);
const MATH_FIFTH = real(2e-1, -2.9802323e-9);
const MATH_SEVENTH = real(1.4285715e-1, -6.386212e-9);
const MATH_NINTH = real(1.1111111e-1, -8.278423e-10);
// 1/n! for n = 3 to 9
const MATH_INVERSE_FACTORIAL_3 = real(1.6666667e-1, -4.967054e-9);
const MATH_INVERSE_FACTORIAL_4 = real(4.1666668e-2, -1.2417635e-9);
const MATH_INVERSE_FACTORIAL_5 = real(8.333334e-3, -4.346172e-10);
const MATH_INVERSE_FACTORIAL_6 = real(1.3888889e-3, -3.3631094e-11);
const MATH_INVERSE_FACTORIAL_7 = real(1.984127e-4, -2.7255969e-12);
const MATH_INVERSE_FACTORIAL_8 = real(2.4801588e-5, -3.406996e-13);
const MATH_INVERSE_FACTORIAL_9 = real(2.7557319e-6, 3.7935712e-14);

// atan(1/4), atan(1/2), atan(3/4), atan(1)
const MATH_ATAN_1_4 = real(2.4497867e-1, -3.1786778e-9);
const MATH_ATAN_2_4 = real(4.636476e-1, 5.0121587e-9);
const MATH_ATAN_3_4 = real(6.435011e-1, 5.8689373e-9);
const MATH_ATAN_4_4 = real(7.853982e-1, -2.1855694e-8);

// Words 4 to 15 of a string of 160 zeros and the first 288 bits of 2/pi.
const MATH_TWO_OVER_PI_4 = vec4<u32>(0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u);
const MATH_TWO_OVER_PI_8 = vec4<u32>(0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu);
const MATH_TWO_OVER_PI_12 = vec4<u32>(0xdebbc561u, 0xb7246e3au, 0u, 0u);

// ---- bits ----

// Infinities and NaN come through a function: as constant expressions they are shader errors.
fn math_from_bits(bits: u32) -> real {
    return real(bitcast<f32>(bits), 0.0);
}

// By bits, since compilers may assume that NaN does not occur and drop x != x.
fn math_is_nan(x: real) -> bool {
    return (bitcast<u32>(x.x) & MATH_ABS_BITS) > MATH_INF_BITS;
}

fn math_is_inf(x: real) -> bool {
    return (bitcast<u32>(x.x) & MATH_ABS_BITS) == MATH_INF_BITS;
}

// magnitude >= 0 or NaN.
fn math_with_sign(magnitude: real, sign_source: f32) -> real {
    return select(magnitude, -magnitude, bitcast<u32>(sign_source) >= MATH_SIGN_BIT);
}

// Below 2^-50, and for NaN, a function whose series begins with x is x.
fn math_is_fixed(x: real) -> bool {
    let bits = bitcast<u32>(x.x) & MATH_ABS_BITS;
    return bits < MATH_TINY_BITS || bits > MATH_INF_BITS;
}

// x * 2^k for |k| <= 252, in two steps so that no power of two leaves the normal range.
fn math_scale(x: real, k: i32) -> real {
    let half = k >> 1u;
    let first = bitcast<f32>(u32(half + 127) << 23u);
    let second = bitcast<f32>(u32(k - half + 127) << 23u);
    let hi = pair_seal(pair_seal(x.x * first) * second);
    let p = pair_fast_two_sum(hi, pair_seal(pair_seal(x.y * first) * second));
    return select(real(hi, 0.0), p, is_finite(p));
}

// The exponent field less the bias; -127 for zero and subnormal numbers.
fn math_exponent(x: f32) -> i32 {
    return i32((bitcast<u32>(x) & MATH_ABS_BITS) >> 23u) - 127;
}

// Whole numbers of 128 bits are vec4<u32>, first word first.

fn math_words_add(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    let s3 = a.w + b.w;
    let c3 = u32(s3 < a.w);
    let t2 = a.z + b.z;
    let s2 = t2 + c3;
    let c2 = u32(t2 < a.z) + u32(s2 < c3);
    let t1 = a.y + b.y;
    let s1 = t1 + c2;
    let c1 = u32(t1 < a.y) + u32(s1 < c2);
    return vec4<u32>(a.x + b.x + c1, s1, s2, s3);
}

fn math_words_neg(a: vec4<u32>) -> vec4<u32> {
    return math_words_add(~a, vec4<u32>(0u, 0u, 0u, 1u));
}

// words * 2^k, cut 64 bits after the first one and rounded to a pair.
fn math_from_words(words: vec4<u32>, k: i32) -> real {
    let two = (words.x | words.y) == 0u;
    let v = select(words, vec4<u32>(words.zw, 0u, 0u), two);
    let one = v.x == 0u;
    let w = select(v, vec4<u32>(v.yzw, 0u), one);
    let zeros = min(countLeadingZeros(w.x), 31u);
    let upper = (w.x << zeros) | ((w.y >> 1u) >> (31u - zeros));
    let lower = (w.y << zeros) | ((w.z >> 1u) >> (31u - zeros));
    let hi = f32(upper & 0xffffff00u);
    let rest = f32(((upper & 0x000000ffu) << 16u) | (lower >> 16u));
    let last = f32(lower & 0x0000ffffu);
    let lo = rest * 1.52587890625e-5 + last * 2.3283064365386963e-10; // 2^-16, 2^-32
    let places = select(96, 32, two) - select(0, 32, one) - i32(zeros);
    return math_scale(pair_fast_two_sum(hi, pair_seal(lo)), select(k + places, 0, w.x == 0u));
}

// ---- comparison and rounding ----

fn math_abs(x: real) -> real {
    return real_abs(x);
}

// 1, -1, or x for zeros and NaN.
fn math_sign(x: real) -> real {
    return select(select(select(x, -MATH_ONE, x.x < 0.0), MATH_ONE, x.x > 0.0), x, math_is_nan(x));
}

// NaN if either is.
fn math_min(a: real, b: real) -> real {
    return select(b, a, math_is_nan(a) || (less(a, b) && !math_is_nan(b)));
}

fn math_max(a: real, b: real) -> real {
    return select(b, a, math_is_nan(a) || (less(b, a) && !math_is_nan(b)));
}

// The low part counts where the high one is whole: it is too small to carry any other high part over a whole number.
fn math_floor(x: real) -> real {
    let hi = floor(x.x);
    let lo = select(0.0, floor(x.y), hi == x.x);
    return select(pair_fast_two_sum(hi, lo), real(hi, 0.0), lo == 0.0);
}

fn math_ceil(x: real) -> real {
    return -math_floor(-x);
}

fn math_trunc(x: real) -> real {
    return math_with_sign(math_floor(real_abs(x)), x.x);
}

// The low part decides where the high one is halfway or whole; if it is itself halfway, the high part is even, being
// the nearest f32 to the sum.
fn math_round(x: real) -> real {
    let hi = round(x.x);
    let off = x.x - hi;
    let up = off == 0.5 && x.y > 0.0;
    let down = off == -0.5 && x.y < 0.0;
    let halfway = select(select(0.0, -1.0, down), 1.0, up);
    let lo = select(halfway, round(x.y), hi == x.x);
    return select(pair_fast_two_sum(hi, lo), real(hi, 0.0), lo == 0.0);
}

// ---- exponentials ----

// e^x = 2^k * (1 + p).
struct MathExp { k: i32, p: real }

// e^r - 1 for |r| < 0.35: the series at r/32, then e^2s - 1 = 2 (e^s - 1) + (e^s - 1)^2 five times over.
fn math_expm1_near(r: real) -> real {
    let s = r * 0.03125;
    let tail = s.x * (4.1666668e-2 + s.x * (8.333334e-3 + s.x * 1.3888889e-3)); // 1/4!, 1/5!, 1/6!
    let cubic = pair_add_f32(MATH_INVERSE_FACTORIAL_3, tail);
    let square = pair_add_f32(pair_mul(s, cubic), 0.5);
    var p = pair_add(s, pair_mul(pair_mul(s, s), square));
    for (var i = 0u; i < 5u; i++) {
        p = pair_add(p + p, pair_mul(p, p));
    }
    return p;
}

// Cody-Waite reduction by ln 2, for |x| < 200; 0 elsewhere.
fn math_exp_split(x: real) -> MathExp {
    let bounded = select(MATH_ZERO, x, abs(x.x) < 200.0);
    let k = round(bounded.x * MATH_LOG2_E.x);
    let r = pair_add_f32(bounded, -(k * MATH_LN2_FIRST));
    let reduced = pair_add_f32(pair_add_f32(r, -(k * MATH_LN2_SECOND)), -(k * MATH_LN2_THIRD));
    return MathExp(i32(k), math_expm1_near(reduced));
}

// 2^(k + shift) * (1 + p), or what it comes to where x is large or NaN.
fn math_exp_scaled(x: real, parts: MathExp, shift: i32) -> real {
    let y = math_scale(pair_add_f32(parts.p, 1.0), parts.k + shift);
    let bounded = select(select(y, MATH_ZERO, x.x < -150.0), math_from_bits(MATH_INF_BITS), x.x > 150.0);
    return select(bounded, x, math_is_nan(x));
}

fn math_exp(x: real) -> real {
    return math_exp_scaled(x, math_exp_split(x), 0);
}

fn math_exp2(x: real) -> real {
    let bounded = select(MATH_ZERO, x, abs(x.x) < 200.0);
    let k = round(bounded.x);
    let r = pair_mul(pair_add_f32(bounded, -k), MATH_LN2);
    return math_exp_scaled(x, MathExp(i32(k), math_expm1_near(r)), 0);
}

fn math_expm1(x: real) -> real {
    let parts = math_exp_split(x);
    let y = select(sub(math_exp_scaled(x, parts, 0), MATH_ONE), parts.p, parts.k == 0 && abs(x.x) < 1.0);
    return select(y, x, math_is_fixed(x));
}

// With p = e^a - 1, sinh(a) is (p + p / (1 + p)) / 2 without cancellation near 0; else e^a / 2 - 1 / (2 e^a).
fn math_sinh(x: real) -> real {
    let a = real_abs(x);
    let parts = math_exp_split(a);
    let near = parts.k == 0 && a.x < 1.0;
    let half = math_exp_scaled(a, parts, -1);
    let quotient = div(select(real(-0.25, 0.0), parts.p, near), select(half, pair_add_f32(parts.p, 1.0), near));
    let sum = add(select(half, parts.p, near), quotient);
    return select(math_with_sign(sum * select(1.0, 0.5, near), x.x), x, math_is_fixed(x));
}

fn math_cosh(x: real) -> real {
    let a = real_abs(x);
    let half = math_exp_scaled(a, math_exp_split(a), -1);
    return add(half, div(real(0.25, 0.0), half));
}

fn math_tanh(x: real) -> real {
    let p = math_expm1(-2.0 * real_abs(x));
    return select(math_with_sign(div(-p, pair_add_f32(p, 2.0)), x.x), x, math_is_fixed(x));
}

// ---- logarithms ----

// x = 2^e * m.
struct MathLog { e: f32, m: real }

// For x > 0 finite.
fn math_log_split(x: real) -> MathLog {
    let small = x.x < 5.421010862427522e-20; // 2^-64
    let raised = x.x * select(1.0, 18446744073709551616.0, small); // 2^64
    let e = (bitcast<i32>(bitcast<u32>(raised) - MATH_SQRT_HALF_BITS) >> 23u) - select(0, 64, small);
    return MathLog(f32(e), math_scale(x, -e));
}

// atanh(s)/s - 1 from z = s^2, atan(s)/s - 1 from z = -s^2, for |z| < 0.0295.
fn math_atanh_series(z: real) -> real {
    let v = z.x;
    // 1/11, 1/13, 1/15, 1/17, 1/19
    let tail = v * (9.090909e-2 + v * (7.692308e-2 + v * (6.6666667e-2 + v * (5.882353e-2 + v * 5.263158e-2))));
    let p = pair_add(MATH_SEVENTH, pair_mul(z, pair_add_f32(MATH_NINTH, tail)));
    let q = pair_add(MATH_THIRD, pair_mul(z, pair_add(MATH_FIFTH, pair_mul(z, p))));
    return pair_mul(z, q);
}

// 2 atanh(s) for |s| < 0.1716.
fn math_twice_atanh(s: real) -> real {
    let y = pair_add(s, pair_mul(s, math_atanh_series(pair_mul(s, s))));
    return y + y;
}

// log(m) = 2 atanh((m - 1) / (m + 1)).
fn math_log_near(m: real) -> real {
    return math_twice_atanh(pair_div(pair_add_f32(m, -1.0), pair_add_f32(m, 1.0)));
}

// The special values shared by the logarithms: y where x > 0 is finite.
fn math_log_special(x: real, y: real) -> real {
    let positive = select(y, x, math_is_inf(x));
    let oriented = select(positive, math_from_bits(MATH_INF_BITS | MATH_SIGN_BIT), x.x == 0.0);
    return select(oriented, math_from_bits(MATH_NAN_BITS), x.x < 0.0 || math_is_nan(x));
}

fn math_log(x: real) -> real {
    let parts = math_log_split(x);
    return math_log_special(x, pair_add(pair_mul_f32(MATH_LN2, parts.e), math_log_near(parts.m)));
}

// log(1 + x) + shift * ln 2. Near 0 the series of atanh takes x / (2 + x), which does not round 1 + x.
fn math_log1p_shifted(x: real, shift: f32) -> real {
    let near = x.x > -0.29 && x.x < 0.41;
    let sum = add(x, MATH_ONE);
    let parts = math_log_split(sum);
    let num = select(pair_add_f32(parts.m, -1.0), x, near);
    let den = pair_add_f32(select(parts.m, x, near), select(1.0, 2.0, near));
    let e = select(parts.e, 0.0, near) + shift;
    return math_log_special(sum, pair_add(pair_mul_f32(MATH_LN2, e), math_twice_atanh(pair_div(num, den))));
}

fn math_log1p(x: real) -> real {
    return select(math_log1p_shifted(x, 0.0), x, math_is_fixed(x));
}

fn math_log2(x: real) -> real {
    let parts = math_log_split(x);
    return math_log_special(x, pair_add_f32(pair_mul(MATH_LOG2_E, math_log_near(parts.m)), parts.e));
}

fn math_log10(x: real) -> real {
    let parts = math_log_split(x);
    let y = pair_add(pair_mul_f32(MATH_LOG10_2, parts.e), pair_mul(MATH_LOG10_E, math_log_near(parts.m)));
    return math_log_special(x, y);
}

// log1p(a + a^2 / (1 + sqrt(1 + a^2))) has no cancellation; beyond 2^30 it is log(2 a), where 2 a may overflow.
fn math_asinh(x: real) -> real {
    let a = real_abs(x);
    let far = a.x > 1073741824.0;
    let square = pair_mul(a, a);
    let root = real_sqrt(pair_add_f32(square, 1.0));
    let near = pair_add(a, pair_div(square, pair_add_f32(root, 1.0)));
    let y = math_log1p_shifted(select(near, add(a, -MATH_ONE), far), select(0.0, 1.0, far));
    return select(math_with_sign(y, x.x), x, math_is_fixed(x));
}

// log1p(t + sqrt(t (t + 2))) with t = x - 1; beyond 2^30 it is log(2 x).
fn math_acosh(x: real) -> real {
    let far = x.x > 1073741824.0;
    let t = sub(x, MATH_ONE);
    let near = pair_add(t, real_sqrt(pair_mul(t, pair_add_f32(t, 2.0))));
    let y = math_log1p_shifted(select(near, t, far), select(0.0, 1.0, far));
    return select(y, math_from_bits(MATH_NAN_BITS), math_is_nan(x) || less(x, MATH_ONE));
}

// log1p(2 a / (1 - a)) / 2, which is infinite at 1 and NaN beyond.
fn math_atanh(x: real) -> real {
    let a = real_abs(x);
    let y = math_log1p_shifted(div(a + a, sub(MATH_ONE, a)), 0.0);
    return select(math_with_sign(0.5 * y, x.x), x, math_is_fixed(x));
}

// ---- powers ----

fn math_sqrt(x: real) -> real {
    return real_sqrt(x);
}

// Halley's iteration from a guess within 5 %: three steps, the last of which finds whole roots exactly.
fn math_cbrt(x: real) -> real {
    let a = real_abs(x);
    let small = a.x < 5.421010862427522e-20; // 2^-64
    let raised = a.x * select(1.0, 18446744073709551616.0, small); // 2^64
    let third = (math_exponent(raised) - select(0, 64, small) + 300) / 3 - 100;
    let m = math_scale(a, -3 * third);
    var y = real(bitcast<f32>(bitcast<u32>(m.x) / 3u + 0x2a514067u), 0.0);
    for (var i = 0; i < 3; i++) {
        let cube = pair_mul_f32(pair_two_prod(y.x, y.x), y.x);
        let excess = pair_add(cube, -m).x;
        y = pair_fast_two_sum(y.x, pair_seal(-(y.x * excess / (cube.x + cube.x + m.x))));
    }
    return select(math_with_sign(math_scale(y, third), x.x), x, x.x == 0.0 || !is_finite(x));
}

// Triples are sums of three f32, each at most about a unit in the last place of the one before: 70 bits.

fn math_triple_normal(a: f32, b: f32, c: f32) -> vec3<f32> {
    let low = pair_fast_two_sum(b, c);
    let high = pair_fast_two_sum(a, low.x);
    let rest = pair_fast_two_sum(high.y, low.y);
    return vec3<f32>(high.x, rest.x, rest.y);
}

// Not normalised, so that terms that cancel can follow.
fn math_triple_add(t: vec3<f32>, x: f32) -> vec3<f32> {
    let first = pair_two_sum(t.x, x);
    let second = pair_two_sum(t.y, first.y);
    return vec3<f32>(first.x, second.x, pair_seal(t.z + second.y));
}

fn math_triple_mul(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
    let p = pair_two_prod(a.x, b.x);
    let q = pair_two_prod(a.x, b.y);
    let r = pair_two_prod(a.y, b.x);
    let cross = pair_two_sum(q.x, r.x);
    let middle = pair_two_sum(p.y, cross.x);
    let low = (a.x * b.z + a.z * b.x) + (a.y * b.y + (q.y + r.y)) + (cross.y + middle.y);
    return math_triple_normal(p.x, middle.x, pair_seal(low));
}

// log2(x) for x > 0 finite to about 53 bits: the quotient (m - 1) / (m + 1) gets a third part from its remainder.
fn math_log2_triple(x: real) -> vec3<f32> {
    let parts = math_log_split(x);
    let f = pair_add_f32(parts.m, -1.0);
    let g_high = pair_two_sum(parts.m.x, 1.0);
    let g_low = pair_two_sum(g_high.y, parts.m.y);
    let g = math_triple_normal(g_high.x, g_low.x, g_low.y);
    let q = pair_div(f, g.xy);
    let back = math_triple_mul(vec3<f32>(q, 0.0), g);
    let rest = math_triple_add(math_triple_add(-back, f.x), f.y);
    let s = math_triple_normal(q.x, q.y, pair_seal((rest.x + rest.y + rest.z) / g.x));
    let t = math_triple_mul(s, MATH_TWO_LOG2_E);
    let curve = pair_mul(t.xy, math_atanh_series(pair_mul(q, q)));
    let sum = math_triple_add(math_triple_add(math_triple_add(t, curve.y), curve.x), parts.e);
    return math_triple_normal(sum.x, sum.y, sum.z);
}

// a^y for a > 0 finite: 2^(y log2 a) with the product in three parts.
fn math_pow_positive(a: real, y: real) -> real {
    let l = math_log2_triple(a);
    let rough = y.x * l.x;
    let w = math_triple_mul(vec3<f32>(y, 0.0), l);
    let k = select(0.0, round(w.x), abs(rough) < 200.0);
    let high = pair_two_sum(w.x - k, w.y);
    let r = pair_fast_two_sum(high.x, pair_seal(high.y + w.z));
    let value = math_scale(pair_add_f32(math_expm1_near(pair_mul(r, MATH_LN2)), 1.0), i32(k));
    return select(select(value, MATH_ZERO, rough < -200.0), math_from_bits(MATH_INF_BITS), rough > 200.0);
}

// C99's cases: x^0 and 1^y are 1 even for NaN; a negative base needs a whole exponent. A whole power of a whole number
// is rounded to a whole number, which is then exact.
fn math_pow(x: real, y: real) -> real {
    let a = real_abs(x);
    let whole = equal(math_floor(y), y);
    let half = 0.5 * y;
    let odd = whole && !equal(math_floor(half), half);
    let power = math_pow_positive(a, y);
    let exact = whole && y.x > 0.0 && power.x < 1.0e12 && equal(math_floor(a), a);
    let finite = select(power, math_round(power), exact);
    let at_edge = math_is_inf(x) || x.x == 0.0;
    let grows = (y.x > 0.0) == select(less(MATH_ONE, a), math_is_inf(x), at_edge);
    let far = select(MATH_ZERO, math_from_bits(MATH_INF_BITS), grows);
    let magnitude = select(finite, far, at_edge || math_is_inf(y));
    let invalid = math_is_nan(x) || math_is_nan(y) || (x.x < 0.0 && !whole && !at_edge);
    let value = select(math_with_sign(magnitude, select(1.0, x.x, odd)), math_from_bits(MATH_NAN_BITS), invalid);
    let base_one = equal(x, MATH_ONE) && !math_is_nan(x);
    let size_one = equal(a, MATH_ONE) && math_is_inf(y) && !math_is_nan(x);
    return select(value, MATH_ONE, base_one || size_one || (bitcast<u32>(y.x) & MATH_ABS_BITS) == 0u);
}

// sqrt(x^2 + y^2), scaled by a power of two so that no square overflows.
fn math_hypot(x: real, y: real) -> real {
    let larger = select(x.x, y.x, abs(x.x) < abs(y.x));
    let e = math_exponent(larger);
    let along = math_scale(x, -e);
    let up = math_scale(y, -e);
    let value = math_scale(real_sqrt(pair_add(pair_mul(along, along), pair_mul(up, up))), e);
    let defined = select(value, math_from_bits(MATH_NAN_BITS), math_is_nan(x) || math_is_nan(y));
    return select(defined, math_from_bits(MATH_INF_BITS), math_is_inf(x) || math_is_inf(y));
}

// ---- trigonometric functions ----

// |x| = quadrant * pi/2 + r, |r| <= pi/4.
struct MathAngle { quadrant: u32, r: real }

// The upper 32 bits of the products, from products of halves.
fn math_mul_high(a: u32, b: vec4<u32>) -> vec4<u32> {
    let low = (a & 0xffffu) * (b & vec4<u32>(0xffffu));
    let left = (a >> 16u) * (b & vec4<u32>(0xffffu)) + (low >> vec4<u32>(16u));
    let right = (a & 0xffffu) * (b >> vec4<u32>(16u)) + (left & vec4<u32>(0xffffu));
    return (a >> 16u) * (b >> vec4<u32>(16u)) + (left >> vec4<u32>(16u)) + (right >> vec4<u32>(16u));
}

// |x| * 2/pi modulo 4 in units of 2^-126: the mantissa times a window of 160 bits of 2/pi, the last 32 of which guard
// (M. Payne, R. Hanek, "Radian reduction for trigonometric functions", SIGNUM Newsletter 18, 1983). The window is
// shifted out of the constants by 8, 4, 2, 1 words and the remaining bits: an indexed array compiles slowly on some
// devices.
fn math_quarter_turns(x: f32) -> vec4<u32> {
    let field = (bitcast<u32>(x) & MATH_ABS_BITS) >> 23u;
    let mantissa = (bitcast<u32>(x) & MATH_MANTISSA_BITS) | select(0u, 0x00800000u, field > 0u);
    // Bit 0 of the mantissa has the weight 2^(field - 150), and the window begins at the bit of 2/pi that it takes to
    // 2.
    let offset = max(field, 1u) + 8u;
    let first = offset >> 5u;
    let by8 = (first & 8u) != 0u;
    let by4 = (first & 4u) != 0u;
    let by2 = (first & 2u) != 0u;
    let by1 = (first & 1u) != 0u;
    let a0 = select(vec4<u32>(0u), MATH_TWO_OVER_PI_8, by8);
    let a4 = select(MATH_TWO_OVER_PI_4, MATH_TWO_OVER_PI_12, by8);
    let b0 = select(a0, a4, by4);
    let b4 = select(a4, MATH_TWO_OVER_PI_8, by4);
    let b8 = select(MATH_TWO_OVER_PI_8.x, MATH_TWO_OVER_PI_12.x, by4);
    let c0 = select(b0, vec4<u32>(b0.zw, b4.xy), by2);
    let c4 = select(b4.xyz, vec3<u32>(b4.zw, b8), by2);
    let d0 = select(c0, vec4<u32>(c0.yzw, c4.x), by1);
    let d4 = select(c4.xy, c4.yz, by1);
    let left = vec4<u32>(offset & 31u);
    let right = vec4<u32>(31u - (offset & 31u));
    let d1 = vec4<u32>(d0.yzw, d4.x);
    let d2 = vec4<u32>(d0.zw, d4);
    let window0 = (d0 << left) | ((d1 >> vec4<u32>(1u)) >> right);
    let window1 = (d1 << left) | ((d2 >> vec4<u32>(1u)) >> right);
    return math_words_add(mantissa * window0, math_mul_high(mantissa, window1));
}

// The reduction of both parts of x is exact to 2^-120, so that their sum keeps full precision next to every multiple of
// pi/2.
fn math_reduce(x: real) -> MathAngle {
    var angle = MathAngle(0u, real_abs(x));
    if abs(x.x) >= 0.785 {
        let lo = math_quarter_turns(x.y);
        let apart = ((bitcast<u32>(x.x) ^ bitcast<u32>(x.y)) & MATH_SIGN_BIT) != 0u;
        let turns = math_words_add(math_quarter_turns(x.x), select(lo, math_words_neg(lo), apart));
        let quadrant = (turns.x + 0x20000000u) >> 30u;
        let rest = vec4<u32>(turns.x - (quadrant << 30u), turns.yzw);
        let below = rest.x >= MATH_SIGN_BIT;
        let r = pair_mul(math_from_words(select(rest, math_words_neg(rest), below), -126), MATH_HALF_PI);
        angle = MathAngle(quadrant, select(r, -r, below));
    }
    return angle;
}

// sin(r + quadrant * pi/2) by the Taylor series of sine, r + (r z) P(z), or of cosine, 1 + z P(z), with z = r^2.
fn math_sin_quadrant(r: real, quadrant: u32) -> real {
    let cosine = (quadrant & 1u) == 1u;
    let z = pair_mul(r, r);
    let v = z.x;
    // 1/11!, 1/13!, 1/15! or 1/10!, 1/12!, 1/14!, 1/16!
    let sine_tail = -2.5052108e-8 + v * (1.6059044e-10 - v * 7.6471636e-13);
    let cosine_tail = -2.755732e-7 + v * (2.0876756e-9 + v * (-1.1470745e-11 + v * 4.7794773e-14));
    let tail = v * select(sine_tail, cosine_tail, cosine);
    var p = pair_add_f32(select(MATH_INVERSE_FACTORIAL_9, MATH_INVERSE_FACTORIAL_8, cosine), tail);
    p = pair_add(-select(MATH_INVERSE_FACTORIAL_7, MATH_INVERSE_FACTORIAL_6, cosine), pair_mul(z, p));
    p = pair_add(select(MATH_INVERSE_FACTORIAL_5, MATH_INVERSE_FACTORIAL_4, cosine), pair_mul(z, p));
    p = pair_add(-select(MATH_INVERSE_FACTORIAL_3, real(0.5, 0.0), cosine), pair_mul(z, p));
    let y = pair_add(select(r, MATH_ONE, cosine), pair_mul(select(pair_mul(r, z), z, cosine), p));
    return select(y, -y, (quadrant & 2u) == 2u);
}

fn math_sin(x: real) -> real {
    let angle = math_reduce(x);
    let y = math_with_sign(math_sin_quadrant(angle.r, angle.quadrant), x.x);
    return select(select(y, math_from_bits(MATH_NAN_BITS), !is_finite(x)), x, math_is_fixed(x));
}

fn math_cos(x: real) -> real {
    let angle = math_reduce(x);
    let y = math_sin_quadrant(angle.r, angle.quadrant + 1u);
    return select(y, math_from_bits(MATH_NAN_BITS), !is_finite(x));
}

fn math_tan(x: real) -> real {
    let angle = math_reduce(x);
    let sine = math_sin_quadrant(angle.r, angle.quadrant);
    let cosine = math_sin_quadrant(angle.r, angle.quadrant + 1u);
    let y = math_with_sign(pair_div(sine, cosine), x.x);
    return select(select(y, math_from_bits(MATH_NAN_BITS), !is_finite(x)), x, math_is_fixed(x));
}

// ---- inverse trigonometric functions ----

// atan(y/x) for y, x >= 0, or pi minus it. The smaller over the larger is t, and atan(t) = atan(c) + atan((t - c) / (1
// + t c)) for the multiple c of 1/4 next to t.
fn math_atan_quotient(y: real, x: real, turned: bool) -> real {
    let steep = less(x, y);
    let num = select(y, x, steep);
    let den = select(x, y, steep);
    let c = 0.25 * round(4.0 * (num.x / den.x));
    let t = pair_div(pair_add(num, -pair_mul_f32(den, c)), pair_add(den, pair_mul_f32(num, c)));
    let near = pair_add(t, pair_mul(t, math_atanh_series(-pair_mul(t, t))));
    let atan_low = select(select(MATH_ZERO, MATH_ATAN_1_4, c == 0.25), MATH_ATAN_2_4, c == 0.5);
    let atan_c = select(select(atan_low, MATH_ATAN_3_4, c == 0.75), MATH_ATAN_4_4, c == 1.0);
    let a = pair_add(atan_c, near);
    let b = select(a, pair_add(MATH_HALF_PI, -a), steep);
    return select(b, pair_add(MATH_PI, -b), turned);
}

// Beyond 2^60 the result is pi/2; the bound keeps infinity out of the division.
fn math_atan(x: real) -> real {
    let a = real_abs(x);
    let bounded = select(real(1152921504606846976.0, 0.0), a, a.x < 1152921504606846976.0);
    return select(math_with_sign(math_atan_quotient(bounded, MATH_ONE, false), x.x), x, math_is_fixed(x));
}

// The angle of the point (x, y), scaled by a power of two so that the larger coordinate is near 1. Two zeros, and
// infinities, are replaced by the direction that they stand for.
fn math_atan2(y: real, x: real) -> real {
    let larger = select(x.x, y.x, abs(x.x) < abs(y.x));
    let endless = math_is_inf(y) || math_is_inf(x);
    let e = select(math_exponent(larger), 0, endless);
    let along_only = math_is_inf(x) || larger == 0.0;
    let up = select(math_scale(real_abs(y), -e), select(MATH_ZERO, MATH_ONE, math_is_inf(y)), endless);
    let along = select(math_scale(real_abs(x), -e), select(MATH_ZERO, MATH_ONE, along_only), endless || larger == 0.0);
    let value = math_with_sign(math_atan_quotient(up, along, bitcast<u32>(x.x) >= MATH_SIGN_BIT), y.x);
    return select(value, math_from_bits(MATH_NAN_BITS), math_is_nan(y) || math_is_nan(x));
}

// sqrt(1 - x^2), of which both factors are accurate next to 1; NaN beyond.
fn math_other_leg(a: real) -> real {
    return real_sqrt(pair_mul(pair_add_f32(-a, 1.0), pair_add_f32(a, 1.0)));
}

// atan2(x, sqrt(1 - x^2)).
fn math_asin(x: real) -> real {
    let a = real_abs(x);
    let y = math_with_sign(math_atan_quotient(a, math_other_leg(a), false), x.x);
    return select(select(y, math_from_bits(MATH_NAN_BITS), less(MATH_ONE, a)), x, math_is_fixed(x));
}

// atan2(sqrt(1 - x^2), x).
fn math_acos(x: real) -> real {
    let a = real_abs(x);
    let y = math_atan_quotient(math_other_leg(a), a, x.x < 0.0);
    return select(y, math_from_bits(MATH_NAN_BITS), math_is_nan(x) || less(MATH_ONE, a));
}

// ---- remainders ----

// mantissa * 2^e with bit 23 of the mantissa set, or 0.
struct MathMantissa { mantissa: u32, e: i32 }

// A subnormal mantissa is shifted up.
fn math_mantissa(x: f32) -> MathMantissa {
    let field = (bitcast<u32>(x) & MATH_ABS_BITS) >> 23u;
    let fraction = bitcast<u32>(x) & MATH_MANTISSA_BITS;
    let lost = countLeadingZeros(fraction) - 8u;
    if field > 0u {
        return MathMantissa(fraction | 0x00800000u, i32(field) - 150);
    }
    return MathMantissa(fraction << lost, -149 - i32(lost));
}

// (upper * 2^32 + lower) * 2^e.
struct MathWhole { upper: u32, lower: u32, e: i32 }

// |x| with bit 61 the leading one, or bit 60 where the low part takes from a power of two. The low part has 24 bits and
// is at most half a unit of the high one; where it is still smaller by more than 2^14, bits beyond the 61st are
// dropped.
fn math_whole(x: real) -> MathWhole {
    let hi = math_mantissa(x.x);
    let lo = math_mantissa(x.y);
    let e = hi.e - 38;
    let places = lo.e - e;
    let left = u32(clamp(places, 0, 14));
    let right = u32(clamp(-places, 0, 31));
    let low_upper = (lo.mantissa >> 1u) >> (31u - left);
    let low_lower = (lo.mantissa << left) >> right;
    let upper = hi.mantissa << 6u;
    if ((bitcast<u32>(x.x) ^ bitcast<u32>(x.y)) & MATH_SIGN_BIT) == 0u {
        return MathWhole(upper + low_upper, low_lower, e);
    }
    return MathWhole(upper - low_upper - u32(low_lower != 0u), 0u - low_lower, e);
}

fn math_whole_less(a: MathWhole, b: MathWhole) -> bool {
    return a.upper < b.upper || (a.upper == b.upper && a.lower < b.lower);
}

fn math_whole_sub(a: MathWhole, b: MathWhole) -> MathWhole {
    return MathWhole(a.upper - b.upper - u32(a.lower < b.lower), a.lower - b.lower, b.e);
}

// The remainder of the multiple of 2^y.e in |x| by y: long division, the first 38 bits at once, the rest bit by bit.
fn math_residue(x: f32, y: MathWhole) -> MathWhole {
    let m = math_mantissa(x);
    let places = m.e - y.e;
    let mantissa = m.mantissa >> u32(clamp(-places, 0, 31));
    let left = u32(clamp(places, 0, 8));
    let further = u32(clamp(places - 8, 0, 30));
    var rest = MathWhole(((mantissa << left) >> 1u) >> (31u - further), (mantissa << left) << further, y.e);
    var steps = places - 38;
    loop {
        while !math_whole_less(rest, y) {
            rest = math_whole_sub(rest, y);
        }
        if steps <= 0 || (rest.upper | rest.lower) == 0u {
            break;
        }
        rest = MathWhole((rest.upper << 1u) | (rest.lower >> 31u), rest.lower << 1u, y.e);
        steps -= 1;
    }
    return rest;
}

// The remainder of x by y with the sign of x, or with that of y if floored. Both parts of x are divided, in whole
// numbers of 62 bits; the dust of the low part below their unit is added last. Exact in whole numbers where y spans up
// to 61 bits.
fn math_remainder(x: real, y: real, floored: bool) -> real {
    if !is_finite(x) || math_is_nan(y) || y.x == 0.0 {
        return math_from_bits(MATH_NAN_BITS);
    }
    let side = select(x.x, y.x, floored);
    let apart = ((bitcast<u32>(x.x) ^ bitcast<u32>(side)) & MATH_SIGN_BIT) != 0u;
    if less(real_abs(x), real_abs(y)) {
        return select(math_with_sign(real_abs(x), side), add(x, y), apart && abs(x.x) > 0.0);
    }
    let b = math_whole(y);
    let opposite = ((bitcast<u32>(x.x) ^ bitcast<u32>(x.y)) & MATH_SIGN_BIT) != 0u;
    let lo = math_mantissa(x.y);
    let dust = lo.mantissa & ((1u << u32(clamp(b.e - lo.e, 0, 31))) - 1u);
    var rest = math_residue(x.x, b);
    var more = math_residue(x.y, b);
    if opposite && (more.upper | more.lower) != 0u {
        more = math_whole_sub(b, more);
    }
    let lower = rest.lower + more.lower;
    rest = MathWhole(rest.upper + more.upper + u32(lower < more.lower), lower, b.e);
    if !math_whole_less(rest, b) {
        rest = math_whole_sub(rest, b);
    }
    // The remainder of |x| is rest + dust or rest - dust, where 0 - dust stands for b - dust; apart, it is taken from
    // b.
    let negative = (rest.upper | rest.lower) == 0u && opposite && dust != 0u;
    let nothing = (rest.upper | rest.lower) == 0u && dust == 0u;
    if (negative != apart) && !nothing {
        rest = math_whole_sub(b, rest);
    }
    let value = math_from_words(vec4<u32>(rest.upper, rest.lower, 0u, 0u), b.e - 64);
    let small = math_scale(real(f32(dust), 0.0), lo.e).x;
    return math_with_sign(pair_add_f32(value, select(small, -small, opposite != apart)), side);
}

// C's fmod.
fn math_rem(x: real, y: real) -> real {
    return math_remainder(x, y, false);
}

// Python's %: the remainder takes the sign of the divisor.
fn math_mod(x: real, y: real) -> real {
    return math_remainder(x, y, true);
}
