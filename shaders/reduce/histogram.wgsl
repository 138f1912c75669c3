// Counts of the values of a quantity by size: a workgroup for each histogram and HISTOGRAM_BLOCKS blocks of trajectories.
// They are counted in the workgroup's own memory where there is room, and then added to those of the chunk.

var<workgroup> shared_counts: array<atomic<u32>, SHARED_COUNTS>;

// The count that a value belongs to: 0 below, then the bins, then above. Twin of src/reduce/tally.rs. What is not a number is
// below, for it is above nothing.
fn bin(low: real, high: real, n_bin: u32, x: real) -> u32 {
    if is_nan(x) {
        return 0u;
    }
    if less(high, x) {
        return n_bin + 1u;
    }
    if n_bin == 0u || less(x, low) {
        return 0u;
    }
    if n_bin == 1u {
        return 1u;
    }
    // A part of the range first: bins as a number of the values' unit may overflow. At its end all bins are full.
    let part = div(sub(x, low), sub(high, low));
    return 1u + min(to_u32(mul(part, real_of_u32(n_bin))), n_bin - 1u);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    let per_histogram = (config.n_block + HISTOGRAM_BLOCKS - 1u) / HISTOGRAM_BLOCKS;
    let histogram = number / per_histogram;
    if histogram >= config.n_histogram {
        return;
    }
    let task = 2u * (config.n_summary + config.n_pair) + 3u * histogram; // two words each, then three
    let quantity = tasks[task];
    let n_bin = tasks[task + 1u];
    let first_count = config.first_count + tasks[task + 2u];
    let limits = config.n_save + config.n_summary + 2u * histogram; // low and high
    let low = numbers[limits];
    let high = numbers[limits + 1u];
    let n_count = n_bin + 2u; // below, bins, above
    let is_shared = n_count <= SHARED_COUNTS;

    let start = (number % per_histogram) * (HISTOGRAM_BLOCKS * BLOCK);
    let end = min(start + HISTOGRAM_BLOCKS * BLOCK, config.n_traj);
    for (var i = start + lane; i < end; i += WORKGROUP_SIZE) {
        if succeeded(i) {
            let count = bin(low, high, n_bin, saved[at(quantity, i)]);
            if is_shared {
                atomicAdd(&shared_counts[count], 1u);
            } else {
                atomicAdd(&words[first_count + count], 1u);
            }
        }
    }
    workgroupBarrier();
    if is_shared {
        for (var count = lane; count < n_count; count += WORKGROUP_SIZE) {
            let n = atomicLoad(&shared_counts[count]);
            if n > 0u {
                atomicAdd(&words[first_count + count], n);
            }
        }
    }
}
