// Comoments of a pair of quantities over a block of trajectories: a workgroup for each. Their means are those of moments.wgsl,
// which has run before, and again every value is scaled and taken relative to its pivot first. Where values are not finite the
// host knows that the result means nothing.

// The scaled difference of a value from the mean of its quantity, whose moments begin at `moments`.
fn rest(x: real, moments: u32) -> real {
    let scale = reals[moments + MOMENT_SCALE];
    let difference = opaque(sub(mul(x, scale), opaque(mul(reals[moments + MOMENT_PIVOT], scale))));
    return opaque(sub(difference, reals[moments + MOMENT_OFFSET]));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    let pair = number / config.n_block;
    let block = number % config.n_block;
    if pair >= config.n_pair {
        return;
    }
    let task = 2u * (config.n_summary + pair); // two words each
    let a = tasks[task];
    let b = tasks[task + 1u];
    let moments_a = (a * config.n_block + block) * MOMENT_REALS;
    let moments_b = (b * config.n_block + block) * MOMENT_REALS;
    var sum = real_of(0.0);
    for (var k = 0u; k < BLOCK / WORKGROUP_SIZE; k++) {
        let i = block * BLOCK + k * WORKGROUP_SIZE + lane;
        if i < config.n_traj && succeeded(i) {
            sum = add(sum, mul(rest(saved[at(a, i)], moments_a), rest(saved[at(b, i)], moments_b)));
        }
    }
    let all = sum_of_all(lane, sum);
    if lane == 0u {
        reals[config.first_comoment_real + number] = all;
    }
}
