// Moments of a quantity over a block of trajectories: a workgroup for each. The host turns them into an Accumulator
// (src/gpu/reduce.rs).
//
// Values are taken relative to a pivot, one of themselves, and scaled to the size of 1; the mean is pivot + offset / scale, a
// sum that only the host computes: whatever the mean is, its error is small against the spread of the values, and no square
// leaves the range of the format. m2 takes a second pass over the differences.
// A difference is opaque, lest a compiler turn (x - pivot) - offset into x - (pivot + offset); so is a scaled pivot, lest it
// scale the difference, which may have overflown.

const NOBODY: u32 = 0xffffffffu; // no trajectory has this place in a block

// BLOCK minus the place of the pivot; 0 where there is none
var<workgroup> pivot_nearness: atomic<u32>;
var<workgroup> n_finite: atomic<u32>;
var<workgroup> oddities: atomic<u32>;
var<workgroup> lowest: array<Extreme, WORKGROUP_SIZE>;
var<workgroup> highest: array<Extreme, WORKGROUP_SIZE>;

// An extreme value and the place of the first trajectory that has it.
struct Extreme {
    x: real,
    place: u32,
}

fn lower(a: Extreme, b: Extreme) -> Extreme {
    return first_of(a, b, less(b.x, a.x));
}

fn higher(a: Extreme, b: Extreme) -> Extreme {
    return first_of(a, b, less(a.x, b.x));
}

// b where it is beyond a, or equal and of an earlier trajectory; the other one where one is of nobody.
fn first_of(a: Extreme, b: Extreme, is_beyond: bool) -> Extreme {
    if a.place == NOBODY || (b.place != NOBODY && (is_beyond || (equal(a.x, b.x) && b.place < a.place))) {
        return b;
    }
    return a;
}

// What an invocation has seen of its values.
struct Survey {
    finite: u32, // bit k: whether the value of its trajectory k is finite and counts
    odd: u32,
    low: Extreme,
    high: Extreme,
}

// Place in the block of trajectory k of an invocation.
fn place_of(k: u32, lane: u32) -> u32 {
    return k * WORKGROUP_SIZE + lane;
}

fn survey(quantity: u32, start: u32, lane: u32) -> Survey {
    var seen = Survey(0u, 0u, Extreme(real_of(0.0), NOBODY), Extreme(real_of(0.0), NOBODY));
    for (var k = 0u; k < BLOCK / WORKGROUP_SIZE; k++) {
        let place = place_of(k, lane);
        if start + place < config.n_traj && succeeded(start + place) {
            let x = saved[at(quantity, start + place)];
            if is_finite(x) {
                seen.finite |= 1u << k;
            } else {
                seen.odd |= oddity(x);
            }
            // Places ascend: the first of equal values stays.
            if !is_nan(x) && (seen.low.place == NOBODY || less(x, seen.low.x)) {
                seen.low = Extreme(x, place);
            }
            if !is_nan(x) && (seen.high.place == NOBODY || less(seen.high.x, x)) {
                seen.high = Extreme(x, place);
            }
        }
    }
    return seen;
}

// Leaves the extremes of all invocations, which all come here together, in lowest[0] and highest[0].
fn extremes_of_all(lane: u32, seen: Survey) {
    lowest[lane] = seen.low;
    highest[lane] = seen.high;
    for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            lowest[lane] = lower(lowest[lane], lowest[lane + half]);
            highest[lane] = higher(highest[lane], highest[lane + half]);
        }
    }
    workgroupBarrier();
}

// A power of two that takes the differences of all values from the pivot, at most those of the extremes, to the size of 1, so
// that their squares neither vanish nor overflow; it stays away from the ends of the range, for the products of f32x2. In f64
// there is room for squares.
fn scale_about(pivot: real) -> real {
    if !SCALES_MOMENTS {
        return real_of(1.0);
    }
    let spread = max(to_f32(real_abs(sub(lowest[0].x, pivot))), to_f32(real_abs(sub(highest[0].x, pivot))));
    if spread == 0.0f {
        return real_of(1.0);
    }
    let exponent = clamp(bitcast<u32>(spread) >> 23u, 27u, 253u); // of an f32, with its bias of 127
    return real_of(bitcast<f32>((254u - exponent) << 23u));
}

// The difference of a value from the pivot, scaled; `scaled_pivot` is.
fn difference(x: real, scale: real, scaled_pivot: real) -> real {
    return opaque(sub(mul(x, scale), scaled_pivot));
}

// Sum of the scaled differences of an invocation's finite values from the pivot.
fn sum_about(scaled_pivot: real, scale: real, quantity: u32, start: u32, lane: u32, finite: u32) -> real {
    var sum = real_of(0.0);
    for (var k = 0u; k < BLOCK / WORKGROUP_SIZE; k++) {
        if ((finite >> k) & 1u) == 1u {
            sum = add(sum, difference(saved[at(quantity, start + place_of(k, lane))], scale, scaled_pivot));
        }
    }
    return sum;
}

// Sum of the squares of their scaled differences from pivot + offset.
fn squares_about(scaled_pivot: real, offset: real, scale: real, quantity: u32, start: u32, lane: u32, finite: u32) -> real {
    var squares = real_of(0.0);
    for (var k = 0u; k < BLOCK / WORKGROUP_SIZE; k++) {
        if ((finite >> k) & 1u) == 1u {
            let x = saved[at(quantity, start + place_of(k, lane))];
            let rest = opaque(sub(difference(x, scale, scaled_pivot), offset));
            squares = add(squares, mul(rest, rest));
        }
    }
    return squares;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    let quantity = number / config.n_block;
    let start = (number % config.n_block) * BLOCK;
    if quantity >= config.n_quantity {
        return;
    }
    let seen = survey(quantity, start, lane);
    if seen.finite != 0u {
        atomicAdd(&n_finite, countOneBits(seen.finite));
        atomicMax(&pivot_nearness, BLOCK - place_of(firstTrailingBit(seen.finite), lane));
    }
    if seen.odd != 0u {
        atomicOr(&oddities, seen.odd);
    }
    // Its barriers make the pivot known, too.
    extremes_of_all(lane, seen);

    let nearness = atomicLoad(&pivot_nearness);
    var pivot = real_of(0.0);
    if nearness > 0u {
        pivot = saved[at(quantity, start + BLOCK - nearness)];
    }
    let scale = scale_about(pivot);
    let scaled_pivot = opaque(mul(pivot, scale));
    let sum = sum_of_all(lane, sum_about(scaled_pivot, scale, quantity, start, lane, seen.finite));
    let offset = opaque(div(sum, real_of_u32(max(atomicLoad(&n_finite), 1u))));
    let m2 = sum_of_all(lane, squares_about(scaled_pivot, offset, scale, quantity, start, lane, seen.finite));
    if lane == 0u {
        let real_at = number * MOMENT_REALS;
        reals[real_at + MOMENT_PIVOT] = pivot;
        reals[real_at + MOMENT_SCALE] = scale;
        reals[real_at + MOMENT_OFFSET] = offset;
        reals[real_at + MOMENT_M2] = m2;
        reals[real_at + MOMENT_MIN] = lowest[0].x;
        reals[real_at + MOMENT_MAX] = highest[0].x;
        let word_at = config.first_moment_word + number * MOMENT_WORDS;
        atomicStore(&words[word_at + MOMENT_ARGMIN], lowest[0].place);
        atomicStore(&words[word_at + MOMENT_ARGMAX], highest[0].place);
        atomicStore(&words[word_at + MOMENT_ODDITIES], atomicLoad(&oddities));
    }
}
