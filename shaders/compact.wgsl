// Between two dispatches: the trajectories that are unfinished, one after the other, and how many steps the lanes went through.
// Twin of nothing: no result depends on the order in which trajectories are worked on.

struct Shape {
    n_traj: u32, // of the chunk: the distance of rows in counts
    unused_1: u32,
    unused_2: u32,
    unused_3: u32,
}

// Sums over dispatches, in two words where one is not enough.
struct Tally {
    executed: atomic<u32>,
    executed_high: atomic<u32>,
    needed: atomic<u32>,
    needed_high: atomic<u32>,
    longest: atomic<u32>, // attempted steps of any trajectory that has ended
}

struct After {
    count: atomic<u32>,
    header: array<u32, AFTER_HEADER>,
    trajectories: array<u32>,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read> before: array<u32>;
@group(0) @binding(3) var<storage, read_write> after: After;
@group(0) @binding(4) var<storage, read_write> tally: Tally;

// Of each warp of the workgroup: which of its lanes go on, and the most steps of any of them.
var<workgroup> goes_on: array<atomic<u32>, N_WARP>;
var<workgroup> most: array<atomic<u32>, N_WARP>;
var<workgroup> needed: atomic<u32>;
// Attempted steps of those that have ended, at most.
var<workgroup> longest: atomic<u32>;
var<workgroup> first: u32;

fn add_executed(steps: u32) {
    let before = atomicAdd(&tally.executed, steps);
    if before + steps < before {
        atomicAdd(&tally.executed_high, 1u);
    }
}

fn add_needed(steps: u32) {
    let before = atomicAdd(&tally.needed, steps);
    if before + steps < before {
        atomicAdd(&tally.needed_high, 1u);
    }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let place = id.x + id.y * groups.x * WORKGROUP_SIZE;
    let warp = local / WARP;
    let lane = local % WARP;
    var i = 0u;
    var runs = false;
    if place < before[0] {
        i = place;
        if before[LIST_ALL] == 0u {
            i = before[LIST_HEADER + place];
        }
        let word = counts[COUNT_STATUS * shape.n_traj + i];
        let steps = word >> SLICE_SHIFT;
        runs = (word & MASK_STATUS) == STATUS_RUNNING;
        if runs {
            atomicOr(&goes_on[warp], 1u << lane);
        } else {
            atomicMax(&longest, counts[COUNT_ACCEPTED * shape.n_traj + i] + counts[COUNT_REJECTED * shape.n_traj + i]);
        }
        atomicMax(&most[warp], steps);
        atomicAdd(&needed, steps);
    }
    workgroupBarrier();
    if local == 0u {
        var n = 0u;
        var executed = 0u;
        for (var w = 0u; w < N_WARP; w += 1u) {
            n += countOneBits(atomicLoad(&goes_on[w]));
            executed += WARP * atomicLoad(&most[w]);
        }
        first = atomicAdd(&after.count, n);
        add_executed(executed);
        add_needed(atomicLoad(&needed));
        atomicMax(&tally.longest, atomicLoad(&longest));
    }
    workgroupBarrier();
    if runs {
        var rank = countOneBits(atomicLoad(&goes_on[warp]) & ((1u << lane) - 1u));
        for (var w = 0u; w < warp; w += 1u) {
            rank += countOneBits(atomicLoad(&goes_on[w]));
        }
        after.trajectories[first + rank] = i;
    }
}
