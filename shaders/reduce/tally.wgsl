// How the trajectories of a block have ended and the steps they took: a workgroup for each block. Twin of Chunk::ends in
// src/reduce/tally.rs.
//
// A sum of 1024 numbers of 32 bits takes 42: the lower and the upper halves of the numbers are summed apart.

var<workgroup> tally: array<atomic<u32>, TALLY_WORDS>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let block = group_number(group);
    if block >= config.n_block {
        return;
    }
    var n_success = 0u;
    var low = vec2<u32>(0u); // accepted and rejected
    var high = vec2<u32>(0u);
    var most = vec2<u32>(0u);
    for (var k = 0u; k < BLOCK / WORKGROUP_SIZE; k++) {
        let i = block * BLOCK + k * WORKGROUP_SIZE + lane;
        if i < config.n_traj {
            let status = status_of(i);
            if status == STATUS_SUCCESS {
                n_success += 1u;
            } else {
                atomicAdd(&tally[TALLY_STATUS + select(STATUS_RUNNING, status, status < N_STATUS)], 1u);
            }
            let steps = vec2<u32>(counts[at(COUNT_ACCEPTED, i)], counts[at(COUNT_REJECTED, i)]);
            low += steps & vec2<u32>(0xffffu); // the lower 16 bits
            high += steps >> vec2<u32>(16u);
            most = max(most, steps);
        }
    }
    atomicAdd(&tally[TALLY_STATUS + STATUS_SUCCESS], n_success);
    atomicAdd(&tally[TALLY_ACCEPTED_LOW], low.x);
    atomicAdd(&tally[TALLY_REJECTED_LOW], low.y);
    atomicAdd(&tally[TALLY_ACCEPTED_HIGH], high.x);
    atomicAdd(&tally[TALLY_REJECTED_HIGH], high.y);
    atomicMax(&tally[TALLY_ACCEPTED_MOST], most.x);
    atomicMax(&tally[TALLY_REJECTED_MOST], most.y);
    workgroupBarrier();
    if lane < TALLY_WORDS {
        atomicStore(&words[block * TALLY_WORDS + lane], atomicLoad(&tally[lane]));
    }
}
