// Buffers of the kernels that reduce a chunk of trajectories, and their indices. Twin of src/wgsl/reduce.rs: a test compares
// members, offsets and bindings.

struct ReduceConfig {
    n_traj: u32,
    n_block: u32,
    n_save: u32,
    n_row: u32,
    n_quantity: u32,
    n_summary: u32,
    n_pair: u32,
    n_histogram: u32,
    first_moment_word: u32,
    first_count: u32,
    first_comoment_real: u32,
    zero: u32,
    unused_1: u32,
    unused_2: u32,
    unused_3: u32,
    unused_4: u32,
}

@group(0) @binding(0) var<uniform> config: ReduceConfig;
// kind and row of each summary, both quantities of each pair; quantity, number of bins and first count of each histogram
@group(0) @binding(1) var<storage, read> tasks: array<u32>;
// save times, the threshold of each summary, low and high of each histogram
@group(0) @binding(2) var<storage, read> numbers: array<real>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
// [quantity][trajectory]
@group(0) @binding(4) var<storage, read_write> saved: array<real>;
// moments [quantity][block][number], comoments [pair][block]
@group(0) @binding(5) var<storage, read_write> reals: array<real>;
// tallies [block][word], moments [quantity][block][word], counts of histograms
@group(0) @binding(6) var<storage, read_write> words: array<atomic<u32>>;

fn at(row: u32, i: u32) -> u32 {
    return row * config.n_traj + i;
}

fn status_of(i: u32) -> u32 {
    return counts[at(COUNT_STATUS, i)] & MASK_STATUS;
}

fn succeeded(i: u32) -> bool {
    return status_of(i) == STATUS_SUCCESS;
}

fn group_number(group: vec3<u32>) -> u32 {
    return group.y * GROUPS_X + group.x;
}

// One of INFINITE_ABOVE, INFINITE_BELOW, NOT_A_NUMBER for a number that is not finite.
fn oddity(x: real) -> u32 {
    let infinite = select(INFINITE_BELOW, INFINITE_ABOVE, less(real_of(0.0), x));
    return select(infinite, NOT_A_NUMBER, is_nan(x));
}
