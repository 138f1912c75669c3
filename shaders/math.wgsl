// The f32 functions of the expression language, in plain WGSL.
//
// In: any f32. Out: the f32 result, with the special values of C99 (mod: of Python). Only + - * /, sqrt, abs, round,
// trunc, select and integer operations are used, so the quality of a device's sin, exp or pow does not matter.
// Not done: f64, correct rounding, subnormal results on devices that flush them.
//
// A WGSL compiler may regroup sums and fuse products, which cancels the usual error terms. So the heads of a reduction
// are cut off by a bit mask, round or integers, and the differences of heads are exact in any order.
//
// Largest error measured in units in the last place, over random bit patterns and dense ranges, correctly rounded
// + - * / and sqrt given:
//   up to 1.0: exp log log2 log10 sin cos asin acos atan cbrt; rem, sign, min, max and round are exact, mod rounds once
//   up to 1.6: expm1 log1p sinh cosh tanh atan2 pow hypot
//   up to 2.5: tan asinh acosh atanh
// A compiler that regroups everything it may (fast-math) adds up to 2, a coarser division or sqrt its own error.

const MATH_SIGN_BIT: u32 = 0x80000000u;
const MATH_ABS_BITS: u32 = 0x7fffffffu;
const MATH_INF_BITS: u32 = 0x7f800000u;
const MATH_NAN_BITS: u32 = 0x7fc00000u;

// Adding 1.5 * 2^23 leaves the nearest whole number in the low bits of the sum.
const MATH_SHIFTER: f32 = 12582912.0;
const MATH_SHIFTER_BITS: i32 = 0x4b400000;

// ln 2 in a part of 15 bits, whose product with an exponent is exact, and the rest.
const MATH_LN2_HEAD: f32 = 0.693145751953125;
const MATH_LN2_TAIL: f32 = 1.42860677e-6;

// pi/2 in a part of 9 bits and the rest.
const MATH_HALF_PI_HEAD: f32 = 1.5703125;
const MATH_HALF_PI_TAIL: f32 = 4.83826792e-4;

// Bits of sqrt(1/2): the mantissa of a logarithm lies in [sqrt(1/2), sqrt(2)).
const MATH_SQRT_HALF_BITS: u32 = 0x3f3504f3u;

// ---- bits ----

// Infinities and NaN come through a function: as constant expressions they are shader errors.
fn math_from_bits(bits: u32) -> f32 {
    return bitcast<f32>(bits);
}

// By bits, since compilers may assume that NaN does not occur and drop x != x.
fn math_is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & MATH_ABS_BITS) > MATH_INF_BITS;
}

fn math_is_inf(x: f32) -> bool {
    return (bitcast<u32>(x) & MATH_ABS_BITS) == MATH_INF_BITS;
}

// The leading 12 bits: the product of two heads is exact.
fn math_head(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
}

// Drops the last bit. On the exact difference of two heads nothing is lost, but the compiler cannot regroup across it.
fn math_seal(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) & 0xfffffffeu);
}

// magnitude >= 0 or NaN.
fn math_with_sign(magnitude: f32, sign_source: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(magnitude) ^ (bitcast<u32>(sign_source) & MATH_SIGN_BIT));
}

// y * 2^k for 0.1 < y < 4 and -170 < k < 250, to infinity on overflow; never forms a power of two that is not normal.
fn math_scale(y: f32, k: i32) -> f32 {
    let low = k < -60;
    let shift = select(k, k + 64, low);
    let bits = bitcast<u32>(y) + (bitcast<u32>(shift) << 23u);
    return bitcast<f32>(min(bits, MATH_INF_BITS)) * select(1.0, 5.42101086e-20, low);
}

// ---- comparison and rounding ----

fn math_sign(x: f32) -> f32 {
    return select(select(select(x, -1.0, x < 0.0), 1.0, x > 0.0), x, math_is_nan(x));
}

// NaN wins: the builtin leaves the choice to the device.
fn math_min(a: f32, b: f32) -> f32 {
    return select(select(select(b, a, a < b), b, math_is_nan(b)), a, math_is_nan(a));
}

fn math_max(a: f32, b: f32) -> f32 {
    return select(select(select(b, a, a > b), b, math_is_nan(b)), a, math_is_nan(a));
}

fn math_clamp(x: f32, lo: f32, hi: f32) -> f32 {
    return math_min(math_max(x, lo), hi);
}

// Half to even, which WGSL promises.
fn math_round(x: f32) -> f32 {
    return round(x);
}

// ---- exponentials ----

// exp(x) = 2^k * (1 + head + low + curve): head a multiple of 2^-12, low below that, curve the higher powers.
struct MathExp { k: i32, head: f32, low: f32, curve: f32 }

// Cody-Waite reduction by ln 2 and a minimax fit of (e^r - 1 - r) / r^2 on |r| < 0.3472. 1 + head is exact, so the last
// sum is the only large rounding. Head and low are opaque: nothing can bring the two parts of ln 2 together again.
fn math_exp_reduce(x: f32) -> MathExp {
    let k = bitcast<i32>(x * 1.44269502 + MATH_SHIFTER) - MATH_SHIFTER_BITS;
    let whole = f32(k);
    let reduced = x - whole * MATH_LN2_HEAD;
    let head = round(reduced * 4096.0) * 0.000244140625;
    let low = math_seal(reduced - head);
    let rest = whole * MATH_LN2_TAIL;
    let r = head + (low - rest);
    let p = 0.49999997 + r * (0.166665465 + r * (0.041667439 + r * (0.00836628862 + r * 0.00138704211)));
    return MathExp(k, head, low, r * r * p - rest);
}

// exp(x) * 2^shift without overflow in between; shift is 0 or -1.
fn math_exp_shifted(x: f32, shift: i32) -> f32 {
    let parts = math_exp_reduce(x);
    let y = math_scale((1.0 + parts.head) + (parts.low + parts.curve), parts.k + shift);
    let bounded = select(select(y, 0.0, x < -105.0), math_from_bits(MATH_INF_BITS), x > 90.0);
    return select(bounded, x, math_is_nan(x));
}

fn math_exp(x: f32) -> f32 {
    return math_exp_shifted(x, 0);
}

// 2^k * ((1 - 2^-k) + expm1(r)): the first bracket is exact wherever it matters. For k = 0, x is head + low unsealed.
fn math_expm1(x: f32) -> f32 {
    let parts = math_exp_reduce(x);
    let inverse = bitcast<f32>(u32(max(127 - parts.k, 0)) << 23u);
    let sum = select(((1.0 - inverse) + parts.head) + (parts.low + parts.curve), x + parts.curve, parts.k == 0);
    let shrunk = sum * bitcast<f32>(u32(max(min(127 + parts.k, 127), 1)) << 23u);
    let y = select(shrunk, math_scale(sum, parts.k), parts.k > 0);
    let bounded = select(select(y, -1.0, x < -17.5), math_from_bits(MATH_INF_BITS), x > 90.0);
    return select(bounded, x, abs(x) < 2.98023224e-8 || math_is_nan(x));
}

// Odd fit below 1, where e^x - e^-x cancels.
fn math_sinh(x: f32) -> f32 {
    let a = abs(x);
    let z = a * a;
    let near = a + a * z * (0.166666672 + z * (0.00833331048 + z * (0.000198428956 + z * 2.78221319e-6)));
    let half = math_exp_shifted(a, -1);
    return math_with_sign(select(half - 0.25 / half, near, a < 1.0), x);
}

fn math_cosh(x: f32) -> f32 {
    let half = math_exp_shifted(abs(x), -1);
    return half + 0.25 / half;
}

// Odd fit below 0.625; above it 1 - 2 / (e^2x + 1), with x bounded where the result is 1.
fn math_tanh(x: f32) -> f32 {
    let a = abs(x);
    let z = a * a;
    let near = a + a * z * (-0.333332807 + z * (0.133314073 + z * (-0.0537367724
        + z * (0.0206293892 - z * 0.00569403311))));
    let far = 1.0 - 2.0 / (math_exp(2.0 * select(10.0, a, a < 10.0)) + 1.0);
    let y = math_with_sign(select(far, near, a < 0.625), x);
    return select(y, x, math_is_nan(x));
}

// ---- logarithms ----

// x = 2^e * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); f is exact.
struct MathLog { e: i32, f: f32 }

// x > 0 and finite. A subnormal is a whole number of 2^-149, read as an integer so that flushing cannot touch it.
fn math_log_split(x: f32) -> MathLog {
    let raw = bitcast<u32>(x);
    let tiny = raw < 0x00800000u;
    let bits = select(raw, bitcast<u32>(f32(raw)), tiny) - MATH_SQRT_HALF_BITS;
    let e = (bitcast<i32>(bits) >> 23u) - select(0, 149, tiny);
    return MathLog(e, bitcast<f32>((bits & 0x007fffffu) + MATH_SQRT_HALF_BITS) - 1.0);
}

// Minimax fit of (log(1+f) - f + f^2/2) / f^3 on the range of MathLog.f.
fn math_log_cubic(f: f32) -> f32 {
    return 0.333333313 + f * (-0.250008196 + f * (0.200012416 + f * (-0.166234091
        + f * (0.142015815 + f * (-0.131596133 + f * (0.127621993 - f * 0.0763639957))))));
}

// e * ln 2 + log(1 + f).
fn math_log_sum(parts: MathLog) -> f32 {
    let e = f32(parts.e);
    let f = parts.f;
    let square = f * f;
    let tail = f * square * math_log_cubic(f) - 0.5 * square;
    return math_seal(e * MATH_LN2_HEAD) + (f + (tail + e * MATH_LN2_TAIL));
}

// The special values shared by the logarithms: y where x > 0 is finite.
fn math_log_special(x: f32, y: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let positive = select(y, x, bits >= MATH_INF_BITS);
    let oriented = select(positive, math_from_bits(MATH_NAN_BITS), bits > MATH_SIGN_BIT);
    return select(oriented, math_from_bits(MATH_INF_BITS | MATH_SIGN_BIT), (bits & MATH_ABS_BITS) == 0u);
}

fn math_log(x: f32) -> f32 {
    return math_log_special(x, math_log_sum(math_log_split(x)));
}

// f = 2^-e * x - (1 - 2^-e) has exact terms, so the rounding of 1 + x needs no correction; below -1/2 the sum is exact.
fn math_log1p(x: f32) -> f32 {
    let sum = 1.0 + x;
    let bits = bitcast<u32>(sum) - MATH_SQRT_HALF_BITS;
    let e = bitcast<i32>(bits) >> 23u;
    let inverse = bitcast<f32>(u32(max(127 - e, 0)) << 23u);
    let scaled = bitcast<f32>(bitcast<u32>(x) - (bitcast<u32>(e) << 23u));
    let direct = bitcast<f32>((bits & 0x007fffffu) + MATH_SQRT_HALF_BITS) - 1.0;
    let f = select(select(scaled - (1.0 - inverse), direct, x < -0.5), x, e == 0);
    let y = math_log_special(sum, math_log_sum(MathLog(e, f)));
    return select(y, x, abs(x) < 2.98023224e-8 || math_is_nan(x));
}

// log(1+f) as head + tail, for the other bases. The head has 12 bits.
fn math_log_parts(f: f32) -> vec2<f32> {
    let half_square = 0.5 * f * f;
    let head = math_head(f - half_square);
    return vec2<f32>(head, ((f - head) - half_square) + f * f * f * math_log_cubic(f));
}

// 1.4423828125 + 3.12228396e-4 is log2(e); the first has 12 bits.
fn math_log2(x: f32) -> f32 {
    let split = math_log_split(x);
    let l = math_log_parts(split.f);
    let y = f32(split.e) + (l.x * 1.4423828125 + (l.y * 1.44269502 + l.x * 3.12228396e-4));
    return math_log_special(x, y);
}

// 0.301025390625 + 4.60503907e-6 is log10(2), 0.4342041015625 + 9.03803375e-5 is log10(e).
fn math_log10(x: f32) -> f32 {
    let split = math_log_split(x);
    let l = math_log_parts(split.f);
    let e = f32(split.e);
    let small = e * 4.60503907e-6 + (l.y * 0.434294492 + l.x * 9.03803375e-5);
    let y = math_seal(e * 0.301025390625) + (l.x * 0.4342041015625 + small);
    return math_log_special(x, y);
}

// 2u for large u, without overflow: log(2u) is one more power of two.
fn math_log_double(u: f32) -> f32 {
    let split = math_log_split(u);
    return math_log_sum(MathLog(split.e + 1, split.f));
}

// log1p(a + a^2 / (1 + sqrt(1 + a^2))) has no cancellation at any size.
fn math_asinh(x: f32) -> f32 {
    let a = abs(x);
    let square = a * a;
    let near = math_log1p(a + square / (1.0 + sqrt(1.0 + square)));
    let y = select(near, math_log_double(a), a > 4096.0);
    return select(math_with_sign(y, x), x, math_is_inf(x) || math_is_nan(x));
}

fn math_acosh(x: f32) -> f32 {
    let t = x - 1.0;
    let near = math_log1p(t + sqrt(t * (2.0 + t)));
    let y = select(near, math_log_double(x), x > 4096.0);
    let domain = select(y, math_from_bits(MATH_NAN_BITS), x < 1.0);
    return select(domain, x, math_is_nan(x) || bitcast<u32>(x) == MATH_INF_BITS);
}

fn math_atanh(x: f32) -> f32 {
    let a = abs(x);
    let y = select(0.5 * math_log1p(2.0 * a / (1.0 - a)), math_from_bits(MATH_INF_BITS), a == 1.0);
    return select(math_with_sign(y, x), math_from_bits(MATH_NAN_BITS), a > 1.0 || math_is_nan(x));
}

// ---- powers ----

// log2(a) = head + tail to about 35 bits, head of 12 bits, for a > 0 finite. With s = f / (2 + f), log2(1+f) is
// 2 / (3 ln 2) * s * (3 + s^2 + ...): the reduction of fdlibm's pow, with every difference of heads sealed.
fn math_log2_parts(a: f32) -> vec2<f32> {
    let split = math_log_split(a);
    let f = split.f;
    let inverse = 1.0 / (2.0 + f);
    let s_head = math_head(f * inverse);
    let sum_head = math_head(2.0 + f);
    let sum_tail = (1.0 + f) - math_head(sum_head - 1.0);
    let s_tail = (math_seal(f - s_head * sum_head) - s_head * sum_tail) * inverse;
    let s = s_head + s_tail;
    let z = s * s;
    let square = s_head * s_head;
    let rest = s_tail * (s_head + s) + z * z * (0.599999964 + z * (0.428579599 + z * (0.332694232 + z * 0.293391943)));
    let series_head = math_head(3.0 + (square + rest));
    let series_tail = math_seal(square - math_head(series_head - 3.0)) + rest;
    let product = s_head * series_head;
    let small = s_tail * series_head + s * series_tail;
    let p_head = math_head(product + small);
    let p_tail = math_seal(product - p_head) + small;
    let e = f32(split.e);
    let big = p_head * 0.961669921875;
    let low = p_head * 0.000126772051 + p_tail * 0.961796701;
    let head = math_head(e + (big + low));
    return vec2<f32>(head, math_seal(big - math_head(head - e)) + low);
}

// 2^(y * log2|x|) with the product in head and tail; beyond 2^32 the size of y no longer matters.
fn math_pow_positive(a: f32, y: f32) -> f32 {
    let bounded = select(select(y, 4294967296.0, y > 4294967296.0), -4294967296.0, y < -4294967296.0);
    let l = math_log2_parts(a);
    let y_head = math_head(bounded);
    let head = y_head * l.x;
    let tail = math_seal(bounded - y_head) * l.x + bounded * l.y;
    let w = head + tail;
    let k = bitcast<i32>(w + MATH_SHIFTER) - MATH_SHIFTER_BITS;
    let f = select(math_seal(head - f32(k)), head, k == 0) + tail;
    let p = 0.240226477 + f * (0.0555035919 + f * (0.00961851235 + f * (0.00133920484 + f * 0.000153268804)));
    let value = math_scale(1.0 + (f * 0.693147182 + f * f * p), k);
    return select(select(value, 0.0, w < -151.0), math_from_bits(MATH_INF_BITS), w > 130.0);
}

// C99's cases: x^0 and 1^y are 1 even for NaN; a negative base needs a whole exponent.
fn math_pow(x: f32, y: f32) -> f32 {
    let a = abs(x);
    let infinite = math_is_inf(x);
    let edge = infinite || a == 0.0;
    let at_edge = select(0.0, math_from_bits(MATH_INF_BITS), (y > 0.0) == infinite);
    let magnitude = select(math_pow_positive(a, y), at_edge, edge);
    let whole = trunc(y) == y;
    let odd = whole && trunc(0.5 * y) != 0.5 * y;
    let oriented = bitcast<f32>(bitcast<u32>(magnitude) ^ select(0u, bitcast<u32>(x) & MATH_SIGN_BIT, odd));
    let invalid = (x < 0.0 && !whole && !edge) || math_is_nan(x) || math_is_nan(y);
    let value = select(oriented, math_from_bits(MATH_NAN_BITS), invalid);
    return select(value, 1.0, y == 0.0 || x == 1.0);
}

// Halley's step twice from a third of the exponent (Kahan's start). Before the second step the guess is cut to 12 bits,
// which makes its square exact. A subnormal is read as an integer.
fn math_cbrt(x: f32) -> f32 {
    let raw = bitcast<u32>(x) & MATH_ABS_BITS;
    let tiny = raw < 0x00800000u;
    let a = select(bitcast<f32>(raw), f32(raw << 1u), tiny);
    let guess = bitcast<f32>(bitcast<u32>(a) / 3u + 0x2a5119f2u);
    let r = a / (guess * guess);
    let better = math_head(guess + guess * (r - guess) / (guess + guess + r));
    let q = a / (better * better);
    let root = better + better * (q - better) / (better + better + q);
    let y = math_with_sign(root * select(1.0, 8.8817842e-16, tiny), x);
    return select(y, x, raw == 0u || raw >= MATH_INF_BITS);
}

// Scaled by 2^90 or 2^-66 where the squares would leave the range.
fn math_hypot(a: f32, b: f32) -> f32 {
    let larger = select(abs(b), abs(a), abs(a) > abs(b));
    let grow = select(1.0, 1.2379400392853803e27, larger < 8.8817842e-16);
    let scale = select(grow, 1.3552527156068805e-20, larger > 4.6e18);
    let u = a * scale;
    let v = b * scale;
    let value = sqrt(u * u + v * v) / scale;
    let nan = select(value, math_from_bits(MATH_NAN_BITS), math_is_nan(a) || math_is_nan(b));
    return select(nan, math_from_bits(MATH_INF_BITS), math_is_inf(a) || math_is_inf(b));
}

// ---- sine, cosine, tangent ----

// |x| = quadrant * pi/2 + head + tail, |head + tail| < 0.7855.
struct MathAngle { quadrant: u32, head: f32, tail: f32 }

// The upper 32 bits of a 64-bit product, from 16-bit halves.
fn math_mul_high(a: u32, b: u32) -> u32 {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    let middle = a_low * b_high + ((a_low * b_low) >> 16u);
    let carry = a_high * b_low + (middle & 0xffffu);
    return a_high * b_high + (middle >> 16u) + (carry >> 16u);
}

// Cody-Waite in fixed point for a < 6434 (quadrant < 4096). a is taken in units of 2^-24 modulo 2^32, and so is the
// multiple of pi/2 = 26353589 * 2^-24 + 279597 * 2^-44 + 5.4e-15: integers cannot be regrouped, and the part that
// cancels is exact. Close to a multiple the second part joins the head, since the first is then nearly nothing.
fn math_angle_small(a: f32) -> MathAngle {
    let k = bitcast<u32>(a * 0.636619772 + MATH_SHIFTER) - bitcast<u32>(MATH_SHIFTER_BITS);
    let bits = bitcast<u32>(a);
    let fixed = ((bits & 0x007fffffu) | 0x00800000u) << (((bits >> 23u) - 126u) & 31u);
    let second = k * 279597u;
    let difference = bitcast<i32>(fixed - k * 26353589u - (second >> 20u));
    let first = f32(difference) * 5.96046448e-8;
    let next = f32(second & 0xfffffu) * 5.68434189e-14;
    let moved = select(0.0, next, abs(difference) < 16);
    let head = select(first - moved, a, k == 0u);
    return MathAngle(k, head, (moved - next) - f32(k) * 5.39030286e-15);
}

// Payne-Hanek for finite a >= 4096: the mantissa times a 96-bit window of 2/pi, kept modulo 4 with 62 bits behind the
// point. The fraction is normalised before it becomes a float, so cancellation costs nothing.
fn math_angle_large(a: f32) -> MathAngle {
    let bits = bitcast<u32>(a);
    let mantissa = (bits & 0x007fffffu) | 0x00800000u;
    let position = (bits >> 23u) - 120u;
    var w: vec4<u32>;
    switch position >> 5u {
        case 0u: { w = vec4<u32>(0x00000000u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u); }
        case 1u: { w = vec4<u32>(0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u); }
        case 2u: { w = vec4<u32>(0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u); }
        case 3u: { w = vec4<u32>(0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u); }
        default: { w = vec4<u32>(0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu); }
    }
    let left = position & 31u;
    let right = 31u - left;
    let w0 = (w.x << left) | ((w.y >> 1u) >> right);
    let w1 = (w.y << left) | ((w.z >> 1u) >> right);
    let w2 = (w.z << left) | ((w.w >> 1u) >> right);
    let middle = mantissa * w1;
    let low = middle + math_mul_high(mantissa, w2);
    let high = mantissa * w0 + math_mul_high(mantissa, w1) + select(0u, 1u, low < middle);
    let fraction = (high << 2u) | (low >> 30u);
    let flip = bitcast<u32>(bitcast<i32>(fraction) >> 31u);
    let upper = fraction ^ flip;
    let lower = (low << 2u) ^ flip;
    let zeros = countLeadingZeros(upper);
    let value = (upper << zeros) | ((lower >> 1u) >> (31u - zeros));
    let unit = bitcast<f32>(((95u - zeros) << 23u) | (flip & MATH_SIGN_BIT));
    let top = f32(value & 0xfff00000u) * unit;
    let rest = f32(value & 0x000fffffu) * unit;
    return MathAngle((high >> 30u) + (flip & 1u), top * MATH_HALF_PI_HEAD, top * MATH_HALF_PI_TAIL + rest * 1.57079637);
}

fn math_angle(a: f32) -> MathAngle {
    if a < 6400.0 {
        return math_angle_small(a);
    }
    return math_angle_large(a);
}

// Minimax fits on |r| < 0.7858 with z = r^2: sin r = r + r z S(z), cos r = 1 - z/2 + z^2 C(z).
fn math_sin_series(z: f32) -> f32 {
    return -0.166666552 + z * (0.00833219104 - z * 0.000195185974);
}

fn math_cos_series(z: f32) -> f32 {
    return 0.0416666456 + z * (-0.00138873106 + z * 2.44325511e-5);
}

// Head and tail enter apart, so that the last sum is the only large rounding.
fn math_sin_near(angle: MathAngle) -> f32 {
    let r = angle.head + angle.tail;
    let z = r * r;
    return angle.head + (angle.tail + r * z * math_sin_series(z));
}

// The square of a 12-bit head is exact, the rest of the square is small.
fn math_cos_near(angle: MathAngle) -> f32 {
    let r = angle.head + angle.tail;
    let z = r * r;
    let cut = math_head(r);
    let beyond = 0.5 * ((angle.head - cut) + angle.tail) * (r + cut);
    return 1.0 - (0.5 * cut * cut + (beyond - z * z * math_cos_series(z)));
}

// sin(angle + quadrant * pi/2), NaN where x is not finite.
fn math_sin_quadrant(x: f32, angle: MathAngle, quadrant: u32, sign: u32) -> f32 {
    let value = select(math_sin_near(angle), math_cos_near(angle), (quadrant & 1u) == 1u);
    let oriented = bitcast<f32>(bitcast<u32>(value) ^ ((quadrant << 30u) & MATH_SIGN_BIT) ^ sign);
    return select(oriented, math_from_bits(MATH_NAN_BITS), (bitcast<u32>(x) & MATH_ABS_BITS) >= MATH_INF_BITS);
}

fn math_sin(x: f32) -> f32 {
    let angle = math_angle(abs(x));
    return math_sin_quadrant(x, angle, angle.quadrant, bitcast<u32>(x) & MATH_SIGN_BIT);
}

fn math_cos(x: f32) -> f32 {
    let angle = math_angle(abs(x));
    return math_sin_quadrant(x, angle, angle.quadrant + 1u, 0u);
}

// tan r = r + (sin r - r cos r) / cos r, whose second term is small and free of cancellation.
fn math_tan(x: f32) -> f32 {
    let angle = math_angle(abs(x));
    let r = angle.head + angle.tail;
    let z = r * r;
    let c = z * math_cos_series(z) - 0.5;
    let t = angle.head + (angle.tail + r * z * (math_sin_series(z) - c) / (1.0 + z * c));
    let value = math_with_sign(select(t, -1.0 / t, (angle.quadrant & 1u) == 1u), x);
    return select(value, math_from_bits(MATH_NAN_BITS), (bitcast<u32>(x) & MATH_ABS_BITS) >= MATH_INF_BITS);
}

// ---- inverse trigonometric functions ----

// pi/2 - (head + tail) for a head of 12 bits, rounded once.
fn math_half_pi_minus(head: f32, tail: f32) -> f32 {
    return (MATH_HALF_PI_HEAD - head) - (tail - MATH_HALF_PI_TAIL);
}

// atan(y/x) for y, x >= 0, or pi minus it: one division brings the ratio to |t| <= 0.6, and a multiple of pi/4 (a part
// of 20 bits and the rest) is added to a minimax fit of (atan t - t) / t^3.
fn math_atan_quotient(y: f32, x: f32, turned: bool) -> f32 {
    let low = y < 0.6 * x;
    let high = x < 0.6 * y;
    let numerator = select(select(y - x, y, low), -x, high);
    let t = select(numerator, -numerator, turned) / select(select(y + x, x, low), y, high);
    let z = t * t;
    let tail = t * z * (-0.333332896 + z * (0.199975744 + z * (-0.142403141 + z * (0.10711512
        + z * (-0.0723093227 + z * 0.0295022819)))));
    let eighths = select(select(1.0, 0.0, low), 2.0, high);
    let n = select(eighths, 4.0 - eighths, turned);
    let head = math_head(t);
    return (n * 0.785397529602051 + head) + ((t - head) + (tail + n * 6.33795400e-7));
}

// Beyond 2^60 the result is pi/2; the bound keeps infinity out of the division.
fn math_atan(x: f32) -> f32 {
    let a = select(1.15292150e18, abs(x), abs(x) < 1.15292150e18);
    return select(math_with_sign(math_atan_quotient(a, 1.0, false), x), x, math_is_nan(x));
}

// Scaled by powers of two so that neither the quotient nor the divisor's inverse is lost at the ends of the range. Two
// zeros, and infinities, are replaced by the direction they stand for.
fn math_atan2(y: f32, x: f32) -> f32 {
    let larger = select(abs(x), abs(y), abs(y) > abs(x));
    let scale = select(select(1.0, 1.2379400392853803e27, larger < 8.8817842e-16), 0.0625, larger > 1.0e37);
    let endless = math_is_inf(x) || math_is_inf(y);
    let up = select(abs(y) * scale, select(0.0, 1.0, math_is_inf(y)), endless);
    let along = select(select(abs(x) * scale, 1.0, larger == 0.0), select(0.0, 1.0, math_is_inf(x)), endless);
    let value = math_with_sign(math_atan_quotient(up, along, bitcast<u32>(x) >= MATH_SIGN_BIT), y);
    return select(value, math_from_bits(MATH_NAN_BITS), math_is_nan(x) || math_is_nan(y));
}

// asin(a) for a <= 1/2 as head + tail; above, with z = (1 - a) / 2, of sqrt(z), whose rounding error joins the tail.
fn math_asin_parts(a: f32) -> vec2<f32> {
    let far = a > 0.5;
    let z = select(a * a, 0.5 * (1.0 - a), far);
    let s = select(a, sqrt(z), far);
    let head = math_head(s);
    let beyond = select(s - head, (z - head * head) / select(1.0, s + head, s > 0.0), far);
    let series = 0.166667551 + z * (0.0749519169 + z * (0.0454837717 + z * (0.0241127945 + z * 0.0422807895)));
    return vec2<f32>(head, beyond + s * z * series);
}

fn math_asin(x: f32) -> f32 {
    let a = abs(x);
    let p = math_asin_parts(a);
    let y = select(p.x + p.y, math_half_pi_minus(2.0 * p.x, 2.0 * p.y), a > 0.5);
    return select(math_with_sign(y, x), math_from_bits(MATH_NAN_BITS), a > 1.0 || math_is_nan(x));
}

// acos(x) = 2 asin(sqrt((1 - x) / 2)) towards 1, pi minus that towards -1, pi/2 - asin(x) between.
fn math_acos(x: f32) -> f32 {
    let a = abs(x);
    let p = math_asin_parts(a);
    let middle = math_half_pi_minus(math_with_sign(p.x, x), math_with_sign(p.y, x));
    let far = 2.0 * select(p.x + p.y, math_half_pi_minus(p.x, p.y), x < 0.0);
    return select(select(middle, far, a > 0.5), math_from_bits(MATH_NAN_BITS), a > 1.0 || math_is_nan(x));
}

// ---- remainders ----

// C's fmod, exact at every size: long division of the mantissas, eight bits of the exponent difference at a time.
fn math_rem(x: f32, y: f32) -> f32 {
    let x_bits = bitcast<u32>(x) & MATH_ABS_BITS;
    let y_bits = bitcast<u32>(y) & MATH_ABS_BITS;
    let x_mantissa = (x_bits & 0x007fffffu) | select(0u, 0x00800000u, x_bits >= 0x00800000u);
    let y_mantissa = (y_bits & 0x007fffffu) | select(0u, 0x00800000u, y_bits >= 0x00800000u);
    let exponent = max(y_bits >> 23u, 1u);
    let invalid = x_bits >= MATH_INF_BITS || y_bits > MATH_INF_BITS || y_bits == 0u;
    if invalid {
        return math_from_bits(MATH_NAN_BITS);
    }
    if x_bits < y_bits {
        return x;
    }
    var rest = x_mantissa % y_mantissa;
    var steps = max(x_bits >> 23u, 1u) - exponent;
    while steps > 0u {
        let step = min(steps, 8u);
        rest = (rest << step) % y_mantissa;
        steps -= step;
    }
    let zeros = countLeadingZeros(rest) - 8u;
    let normal = ((exponent - zeros) << 23u) | ((rest << zeros) & 0x007fffffu);
    let magnitude = select(rest << (exponent - 1u), normal, exponent > zeros && rest != 0u);
    return bitcast<f32>(magnitude | (bitcast<u32>(x) & MATH_SIGN_BIT));
}

// Python's %: the remainder takes the sign of the divisor.
fn math_mod(x: f32, y: f32) -> f32 {
    let r = math_rem(x, y);
    let apart = ((bitcast<u32>(r) ^ bitcast<u32>(y)) & MATH_SIGN_BIT) != 0u;
    let moved = select(r, r + y, apart);
    return select(moved, math_with_sign(0.0, y), r == 0.0);
}
