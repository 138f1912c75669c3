// Moments of a quantity over a block of trajectories: a workgroup for each. The host turns them into an Accumulator
// (src/gpu/reduce.rs).
//
// Values are taken relative to a pivot, one of themselves, and the mean is pivot + offset, a sum that only the host computes:
// whatever the mean is, its error is small against the spread of the values. m2 takes a second pass over the
// differences. Sums go up a tree, whose rounding grows with the logarithm of their number.
// A difference is opaque, lest a compiler turn (x - pivot) - offset into x - (pivot + offset).

const NOBODY: u32 = 0xffffffffu; // no trajectory has this place in a block

// BLOCK minus the place of the pivot; 0 where there is none
var<workgroup> pivot_nearness: atomic<u32>;
var<workgroup> n_finite: atomic<u32>;
var<workgroup> oddities: atomic<u32>;
var<workgroup> sums: array<real, WORKGROUP_SIZE>;
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

// b where it is beyond a, or equal and of an earlier trajectory.
fn first_of(a: Extreme, b: Extreme, is_beyond: bool) -> Extreme {
    if a.place == NOBODY || (b.place != NOBODY && (is_beyond || (equal(a.x, b.x) && b.place < a.place))) {
        return b;
    }
    return a;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    let quantity = number / config.n_block;
    let start = (number % config.n_block) * BLOCK;
    if quantity >= config.n_quantity {
        return;
    }
    // Bit k: whether the value of the invocation's trajectory k is finite and counts.
    var finite = 0u;
    var low = Extreme(real_of(0.0), NOBODY);
    var high = low;
    for (var k = 0u; k < BLOCK / WORKGROUP_SIZE; k++) {
        let place = k * WORKGROUP_SIZE + lane;
        if start + place < config.n_traj && succeeded(start + place) {
            let x = saved[at(quantity, start + place)];
            if is_finite(x) {
                finite |= 1u << k;
                atomicMax(&pivot_nearness, BLOCK - place);
            } else {
                atomicOr(&oddities, oddity(x));
            }
            if !is_nan(x) {
                low = lower(low, Extreme(x, place));
                high = higher(high, Extreme(x, place));
            }
        }
    }
    atomicAdd(&n_finite, countOneBits(finite));
    lowest[lane] = low;
    highest[lane] = high;
    workgroupBarrier();

    let nearness = atomicLoad(&pivot_nearness);
    var pivot = real_of(0.0);
    if nearness > 0u {
        pivot = saved[at(quantity, start + BLOCK - nearness)];
    }
    var sum = real_of(0.0);
    for (var k = 0u; k < BLOCK / WORKGROUP_SIZE; k++) {
        if ((finite >> k) & 1u) == 1u {
            sum = add(sum, opaque(sub(saved[at(quantity, start + k * WORKGROUP_SIZE + lane)], pivot)));
        }
    }
    sums[lane] = sum;
    for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) { // a tree
        workgroupBarrier();
        if lane < half {
            sums[lane] = add(sums[lane], sums[lane + half]);
            lowest[lane] = lower(lowest[lane], lowest[lane + half]);
            highest[lane] = higher(highest[lane], highest[lane + half]);
        }
    }
    workgroupBarrier();
    let offset = opaque(div(sums[0], real_of_u32(max(atomicLoad(&n_finite), 1u))));
    workgroupBarrier();

    var squares = real_of(0.0);
    for (var k = 0u; k < BLOCK / WORKGROUP_SIZE; k++) {
        if ((finite >> k) & 1u) == 1u {
            let difference = opaque(sub(saved[at(quantity, start + k * WORKGROUP_SIZE + lane)], pivot));
            let rest = opaque(sub(difference, offset));
            squares = add(squares, mul(rest, rest));
        }
    }
    sums[lane] = squares;
    for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            sums[lane] = add(sums[lane], sums[lane + half]);
        }
    }
    if lane == 0u {
        let real_at = number * MOMENT_REALS;
        reals[real_at + MOMENT_PIVOT] = pivot;
        reals[real_at + MOMENT_OFFSET] = offset;
        reals[real_at + MOMENT_M2] = sums[0];
        reals[real_at + MOMENT_MIN] = lowest[0].x;
        reals[real_at + MOMENT_MAX] = highest[0].x;
        let word_at = config.first_moment_word + number * MOMENT_WORDS;
        atomicStore(&words[word_at + MOMENT_ARGMIN], lowest[0].place);
        atomicStore(&words[word_at + MOMENT_ARGMAX], highest[0].place);
        atomicStore(&words[word_at + MOMENT_ODDITIES], atomicLoad(&oddities));
    }
}
