// Inputs drawn on the device: constants, and random values by the words of seed, trajectory and draw. A kernel of its own, for all
// models of one sampling and one set of distributions: devices that mask lanes would go through all others as well. Twin of
// src/sampling/*.rs, where the methods and their sources stand; the table of entries is written by src/gpu/draw.rs.

struct RunConfig {
    // 0, in a way that a compiler cannot know: see real_f32x2.wgsl
    zero: u32,
    n_traj: u32,
    // numbers of a row, of which the first n_traj are written
    stride: u32,
    // number of the first trajectory
    first_low: u32,
    first_high: u32,
    seed_low: u32,
    seed_high: u32,
    // number of the last trajectory of the ensemble, unless it is sampled at random
    last: u32,
    n_entry: u32,
    row_y: u32,
    row_y_low: u32,
    has_y_low: u32,
}

@group(0) @binding(0) var<uniform> config: RunConfig;
// ENTRY_WORDS of each slot: kind, whether it is a state, slot, number of the draw, keys
@group(0) @binding(1) var<storage, read> entries: array<u32>;
// four numbers of each slot
@group(0) @binding(2) var<storage, read> numbers: array<real>;
@group(0) @binding(3) var<storage, read_write> params: array<real>;
@group(0) @binding(4) var<storage, read_write> state: array<real>;

// ---- words ----

// The upper word of a product, by halves of 16 bits.
fn mul_high(a: u32, b: u32) -> u32 {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    let first = a_high * b_low + ((a_low * b_low) >> 16u);
    let second = a_low * b_high + (first & 0xffffu);
    return a_high * b_high + (first >> 16u) + (second >> 16u);
}

fn philox4x32_10(first_counter: vec4<u32>, first_key: vec2<u32>) -> vec4<u32> {
    var counter = first_counter;
    var key = first_key;
    for (var round = 0u; round < PHILOX_ROUNDS; round++) {
        let high = vec2<u32>(mul_high(PHILOX_M.x, counter.x), mul_high(PHILOX_M.y, counter.z));
        let low = PHILOX_M * counter.xz;
        counter = vec4<u32>(high.y ^ counter.y ^ key.x, low.y, high.x ^ counter.w ^ key.y, low.x);
        key += PHILOX_W;
    }
    return counter;
}

// ---- Latin hypercube ----

// A mask of the n lowest bits, for at most 16.
fn low_bits(n: u32) -> u32 {
    return (1u << n) - 1u;
}

// Shifts are those of MurmurHash3.
fn mix(x: u32) -> u32 {
    let first = (x ^ (x >> 16u)) * MIX_MULTIPLIERS.x;
    let second = (first ^ (first >> 13u)) * MIX_MULTIPLIERS.y;
    return second ^ (second >> 16u);
}

// keys is where the keys of the rounds begin.
fn feistel(x: u32, keys: u32) -> u32 {
    let bits = 32u - countLeadingZeros(config.last);
    var right_bits = bits / 2u;
    var left = x >> right_bits;
    var right = x & low_bits(right_bits);
    for (var round = 0u; round < FEISTEL_ROUNDS; round++) {
        let left_bits = bits - right_bits;
        let mixed = left ^ (mix(right ^ entries[keys + round]) & low_bits(left_bits));
        left = right;
        right = mixed;
        right_bits = left_bits;
    }
    return (left << right_bits) | right;
}

fn permute(x: u32, keys: u32) -> u32 {
    var y = feistel(x, keys);
    while y > config.last {
        y = feistel(y, keys);
    }
    return y;
}

// Quotient and remainder of high 2^32 + low by n, for high < n, bit by bit.
fn divide(high: u32, low: u32, n: u32) -> vec2<u32> {
    var quotient = 0u;
    var rest = high;
    for (var bit = 0u; bit < 32u; bit++) {
        let carry = rest >> 31u;
        rest = (rest << 1u) | ((low >> (31u - bit)) & 1u);
        let fits = carry == 1u || rest >= n;
        quotient = (quotient << 1u) | u32(fits);
        rest -= select(0u, n, fits);
    }
    return vec2<u32>(quotient, rest);
}

fn latin_hypercube(trajectory: u32, w: vec2<u32>, keys: u32) -> vec2<u32> {
    let stratum = permute(trajectory, keys);
    if config.last == 0xffffffffu {
        return vec2<u32>(stratum, w.x);
    }
    let n = config.last + 1u;
    let first = divide(stratum, w.x, n);
    let second = divide(first.y, w.y, n);
    return vec2<u32>(first.x, second.x);
}

// ---- Sobol sequence ----

// directions is where the direction numbers begin.
fn coordinate(index: u32, directions: u32) -> u32 {
    var gray = index ^ (index >> 1u);
    var x = 0u;
    var bit = 0u;
    while gray != 0u {
        if (gray & 1u) == 1u {
            x ^= entries[directions + bit];
        }
        gray >>= 1u;
        bit += 1u;
    }
    return x;
}

fn laine_karras(x: u32, key: u32) -> u32 {
    var y = x + key;
    y ^= y * SCRAMBLE_MULTIPLIERS.x;
    y ^= y * SCRAMBLE_MULTIPLIERS.y;
    y ^= y * SCRAMBLE_MULTIPLIERS.z;
    y ^= y * SCRAMBLE_MULTIPLIERS.w;
    return y;
}

fn scramble(x: u32, key: u32) -> u32 {
    return reverseBits(laine_karras(reverseBits(x), key));
}

// ---- points ----

// The words of a trajectory, whose number has two; keys is where those of the draw begin.
fn point(trajectory: vec2<u32>, number: u32, keys: u32) -> vec2<u32> {
    let counter = vec4<u32>(trajectory, number, STREAM_DRAWS);
    let w = philox4x32_10(counter, vec2<u32>(config.seed_low, config.seed_high)).xy;
    if SAMPLING == SAMPLING_LATIN_HYPERCUBE {
        return latin_hypercube(trajectory.x, w, keys);
    }
    if SAMPLING == SAMPLING_SOBOL {
        return vec2<u32>(scramble(coordinate(trajectory.x, keys + 1u), entries[keys]), w.y);
    }
    return w;
}

fn unit(w: vec2<u32>) -> real {
    let high = real_of_u32(w.x >> 8u);
    let middle = real_of_u32(((w.x & 0xffu) << 16u) | (w.y >> 16u));
    let low = real_of_u32(((w.y >> 11u) & 0x1eu) + 1u);
    // 2^-48, 2^-53, 2^-24
    let rest = add(mul(middle, real_of(3.552713678800501e-15)), mul(low, real_of(1.1102230246251565e-16)));
    return add(mul(high, real_of(5.960464477539063e-8)), rest);
}

// ---- quantiles ----

fn lesser(a: real, b: real) -> real {
    return select(b, a, less(a, b));
}

fn greater(a: real, b: real) -> real {
    return select(b, a, less(b, a));
}

fn bounded(x: real, lo: real, hi: real) -> real {
    return greater(lesser(x, hi), lo);
}

fn triangular_quantile(lo: real, mode: real, hi: real, u: real, v: real) -> real {
    let width = sub(hi, lo);
    if equal(width, real_of(0.0)) {
        return lo;
    }
    if less(u, div(sub(mode, lo), width)) {
        return add(lo, real_sqrt(mul(mul(u, width), sub(mode, lo))));
    }
    return sub(hi, real_sqrt(mul(mul(v, width), sub(hi, mode))));
}

fn horner(x: real, c0: real, c1: real, c2: real, c3: real, c4: real, c5: real, c6: real, c7: real) -> real {
    var sum = add(mul(c7, x), c6);
    sum = add(mul(sum, x), c5);
    sum = add(mul(sum, x), c4);
    sum = add(mul(sum, x), c3);
    sum = add(mul(sum, x), c2);
    sum = add(mul(sum, x), c1);
    return add(mul(sum, x), c0);
}

fn standard_normal_quantile(u: real, v: real) -> real {
    let half = real_of(0.5);
    let is_low = less(u, v);
    let q = select(sub(half, v), sub(u, half), is_low);
    if less_equal(real_abs(q), NORMAL_CENTRAL) {
        let r = sub(NORMAL_CENTRAL_SQUARE, mul(q, q));
        return div(mul(q, central_above(r)), central_below(r));
    }
    let tail = real_sqrt(neg(math_log(select(v, u, is_low))));
    var z: real;
    if less_equal(tail, NORMAL_TAIL) {
        let r = sub(tail, NORMAL_TAIL_SHIFT);
        z = div(tail_above(r), tail_below(r));
    } else {
        let r = sub(tail, NORMAL_TAIL);
        z = div(far_above(r), far_below(r));
    }
    return select(z, neg(z), is_low);
}

// The value of a distribution at u, where v = 1 - u; a, b, c and d are its numbers.
fn quantile(kind: u32, a: real, b: real, c: real, d: real, u: real, v: real) -> real {
    if (HAS_NORMAL && kind == KIND_NORMAL) || (HAS_LOGNORMAL && kind == KIND_LOGNORMAL) {
        let x = add(a, mul(b, standard_normal_quantile(u, v)));
        if HAS_LOGNORMAL && kind == KIND_LOGNORMAL {
            return math_exp(x);
        }
        return x;
    }
    if HAS_TRIANGULAR && kind == KIND_TRIANGULAR {
        return bounded(triangular_quantile(a, c, b, u, v), a, b);
    }
    if HAS_LOGUNIFORM && kind == KIND_LOGUNIFORM {
        return bounded(math_exp(add(mul(c, v), mul(d, u))), a, b);
    }
    return bounded(add(mul(a, v), mul(b, u)), a, b);
}

// ---- the kernel ----

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * WORKGROUP_SIZE;
    if i >= config.n_traj {
        return;
    }
    let low = config.first_low + i;
    let trajectory = vec2<u32>(low, config.first_high + u32(low < i));
    for (var entry = 0u; entry < config.n_entry; entry++) {
        let first = entry * ENTRY_WORDS;
        let kind = entries[first];
        let slot = entries[first + 2u];
        // a, b, c, d
        let a = numbers[4u * entry];
        let b = numbers[4u * entry + 1u];
        var value = a;
        // Of a constant b is what rounding to the format has taken.
        var value_low = b;
        if kind != KIND_NONE {
            let w = point(trajectory, entries[first + 3u], first + ENTRY_KEYS); // the number of the draw
            value = quantile(kind, a, b, numbers[4u * entry + 2u], numbers[4u * entry + 3u], unit(w), unit(~w));
            value_low = real_of(0.0);
        }
        if entries[first + 1u] == 0u {
            params[slot * config.stride + i] = value;
            continue;
        }
        state[(config.row_y + slot) * config.stride + i] = value;
        if config.has_y_low == 1u {
            state[(config.row_y_low + slot) * config.stride + i] = value_low;
        }
    }
}
