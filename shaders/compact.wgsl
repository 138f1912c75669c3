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
    // attempted steps of the trajectories that have ended: the most, and the complement of the fewest
    longest: atomic<u32>,
    not_shortest: atomic<u32>,
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

fn trajectory(place: u32) -> u32 {
    if before[LIST_ALL] == 1u {
        return place;
    }
    return before[LIST_HEADER + place];
}

// An invocation for each warp: it needs no barrier, for which a software adapter would take longer than for some steps.
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let start = (id.x + id.y * groups.x * WORKGROUP_SIZE) * WARP;
    if start >= before[0] {
        return;
    }
    let end = min(start + WARP, before[0]);
    var goes_on = 0u; // bit k: whether the trajectory at place start + k does
    var most = 0u;
    var needed = 0u;
    var longest = 0u;
    var not_shortest = 0u;
    for (var place = start; place < end; place += 1u) {
        let i = trajectory(place);
        let word = counts[COUNT_STATUS * shape.n_traj + i];
        let steps = word >> SLICE_SHIFT;
        most = max(most, steps);
        needed += steps;
        if (word & MASK_STATUS) == STATUS_RUNNING {
            goes_on |= 1u << (place - start);
        } else {
            let all = counts[COUNT_ACCEPTED * shape.n_traj + i] + counts[COUNT_REJECTED * shape.n_traj + i];
            longest = max(longest, all);
            not_shortest = max(not_shortest, ~all);
        }
    }
    add_executed(WARP * most);
    add_needed(needed);
    if longest > atomicLoad(&tally.longest) {
        atomicMax(&tally.longest, longest);
    }
    if not_shortest > atomicLoad(&tally.not_shortest) {
        atomicMax(&tally.not_shortest, not_shortest);
    }
    if goes_on == 0u {
        return;
    }
    var at = atomicAdd(&after.count, countOneBits(goes_on));
    for (var place = start; place < end; place += 1u) {
        if ((goes_on >> (place - start)) & 1u) == 1u {
            after.trajectories[at] = trajectory(place);
            at += 1u;
        }
    }
}
