// The number format of the run: f32x2, the unevaluated sum x + y of two f32, about 48 bits. Twin of src/pair.rs, where
// the algorithms, their sources and their bounds stand.
//
// A WGSL compiler may regroup sums and fuse products, and would find that every error term here is 0. So each
// intermediate result of an exact transformation is sealed: to the compiler it is another number. Where contraction and
// regrouping can be forbidden (SPIR-V's NoContraction), the seals change nothing and the results have the bits of the
// Rust twin. Division and square root of the device may be off by 2.5 units in the last place: the remainder that is
// added back makes up for it. Divisors beyond 2^126 are as good as the device, since WGSL promises nothing there. Where
// a device flushes subnormals, a product below 2^-78 loses digits.

alias real = vec2<f32>;

fn pair_two_sum(a: f32, b: f32) -> real {
    let s = pair_seal(a + b);
    let b_part = pair_seal(s - a);
    let a_part = pair_seal(s - b_part);
    let a_rest = pair_seal(a - a_part);
    let b_rest = pair_seal(b - b_part);
    return real(s, pair_seal(a_rest + b_rest));
}

fn pair_fast_two_sum(a: f32, b: f32) -> real {
    let s = pair_seal(a + b);
    let b_part = pair_seal(s - a);
    return real(s, pair_seal(b - b_part));
}

// The leading 12 of 24 bits.
fn pair_head(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
}

fn pair_two_prod(a: f32, b: f32) -> real {
    let p = pair_seal(a * b);
    let a_head = pair_head(a);
    let b_head = pair_head(b);
    let a_rest = pair_seal(a - a_head);
    let b_rest = pair_seal(b - b_head);
    let rest1 = pair_seal(p - a_head * b_head);
    let rest2 = pair_seal(rest1 - a_rest * b_head);
    let rest3 = pair_seal(rest2 - a_head * b_rest);
    return real(p, pair_seal(a_rest * b_rest - rest3));
}

// z, unless an infinity or NaN took part or the result overflows; plain is the f32 result of the leading parts.
fn pair_guard(z: real, plain: f32) -> real {
    let keep = is_finite(z) && !(z.x == 0.0 && plain == 0.0);
    // Unsealed, twice 0 * b would become 0 * (b + b), which overflows.
    let sealed = pair_seal(plain);
    return select(real(sealed + sealed, 0.0), z, keep);
}

// For finite results.
fn pair_add(a: real, b: real) -> real {
    let s = pair_two_sum(a.x, b.x);
    let t = pair_two_sum(a.y, b.y);
    let v = pair_fast_two_sum(s.x, pair_seal(s.y + t.x));
    return pair_fast_two_sum(v.x, pair_seal(t.y + v.y));
}

fn pair_add_f32(a: real, b: f32) -> real {
    let s = pair_two_sum(a.x, b);
    return pair_fast_two_sum(s.x, pair_seal(a.y + s.y));
}

fn pair_mul(a: real, b: real) -> real {
    let p = pair_two_prod(a.x, b.x);
    let cross = a.x * b.y + a.y * b.x;
    return pair_fast_two_sum(p.x, pair_seal(p.y + cross));
}

fn pair_mul_f32(a: real, b: f32) -> real {
    let p = pair_two_prod(a.x, b);
    return pair_fast_two_sum(p.x, pair_seal(p.y + a.y * b));
}

fn pair_div(a: real, b: real) -> real {
    let q = pair_seal(a.x / b.x);
    let p = pair_two_prod(q, b.x);
    let rest = pair_seal(pair_seal(a.x - p.x) - p.y) + (a.y - q * b.y);
    return pair_fast_two_sum(q, pair_seal(rest / b.x));
}

fn add(a: real, b: real) -> real {
    return pair_guard(pair_add(a, b), a.x + b.x);
}

fn sub(a: real, b: real) -> real {
    return add(a, neg(b));
}

fn mul(a: real, b: real) -> real {
    return pair_guard(pair_mul(a, b), a.x * b.x);
}

fn div(a: real, b: real) -> real {
    return pair_guard(pair_div(a, b), a.x / b.x);
}

fn neg(a: real) -> real {
    return -a;
}

fn less(a: real, b: real) -> bool {
    return a.x < b.x || (a.x == b.x && a.y < b.y);
}

fn less_equal(a: real, b: real) -> bool {
    return a.x < b.x || (a.x == b.x && a.y <= b.y);
}

fn equal(a: real, b: real) -> bool {
    return a.x == b.x && a.y == b.y;
}

fn real_of(x: f32) -> real {
    return real(x, 0.0);
}

// Exact: both halves are, and so is their sum.
fn real_of_u32(k: u32) -> real {
    return pair_fast_two_sum(f32(k & 0xffff0000u), f32(k & 0x0000ffffu));
}

fn to_f32(a: real) -> f32 {
    return a.x;
}

fn real_abs(a: real) -> real {
    return select(a, -a, bitcast<u32>(a.x) >= 0x80000000u);
}

fn real_sqrt(a: real) -> real {
    let small = a.x < 5.421010862427522e-20; // 2^-64
    let up = select(1.0, 18446744073709551616.0, small); // 2^64
    let down = select(1.0, 2.3283064365386963e-10, small); // 2^-32
    let scaled = a * up;
    let s = pair_seal(sqrt(scaled.x));
    let p = pair_two_prod(s, s);
    let rest = pair_seal(pair_seal(scaled.x - p.x) - p.y) + scaled.y;
    let z = pair_fast_two_sum(s, pair_seal(rest / (s + s)));
    return pair_guard(z * down, s * down);
}

// Looks at the bits: a compiler may assume that NaN and infinity do not occur and drop x != x.
fn is_finite(a: real) -> bool {
    return (bitcast<u32>(a.x) & 0x7f800000u) != 0x7f800000u;
}

// a, in a way that a compiler cannot see through: keeps (a + b) - a from becoming b.
fn opaque(a: real) -> real {
    return bitcast<vec2<f32>>(bitcast<vec2<u32>>(a) ^ vec2<u32>(config.zero));
}

fn is_nan(a: real) -> bool {
    return (bitcast<u32>(a.x) & 0x7fffffffu) > 0x7f800000u;
}

// The whole part, for 0 <= a < 2^32: the high part is whole beyond 2^24, where the low part may be negative.
fn to_u32(a: real) -> u32 {
    let whole = floor(a.x);
    return u32(whole) + bitcast<u32>(i32(floor((a.x - whole) + a.y)));
}
