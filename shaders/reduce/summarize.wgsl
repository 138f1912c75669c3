// One number of each trajectory, from the saved values of a row: an invocation for each summary and trajectory. Twin of
// src/reduce/summarize.rs. It becomes a further row of the saved values, so that all other kernels see one matrix.

// The part of an interval in which a straight line is above a threshold. A line to infinity is above it everywhere.
fn part_above(threshold: real, y0: real, y1: real) -> real {
    let rises = less(y0, y1);
    let low = select(y1, y0, rises);
    let high = select(y0, y1, rises);
    if !less(threshold, high) {
        return real_of(0.0);
    }
    if !less(low, threshold) {
        return real_of(1.0);
    }
    let above = sub(high, threshold);
    let below = sub(threshold, low);
    if is_finite(above) {
        return div(above, add(above, below));
    }
    return real_of(1.0);
}

fn value(row: u32, k: u32, i: u32) -> real {
    return saved[at(k * config.n_row + row, i)];
}

fn summarize(kind: u32, row: u32, threshold: real, i: u32) -> real {
    var least = 0u;
    var greatest = 0u;
    var sum = real_of(0.0);
    var y_least = value(row, 0u, i);
    var y_greatest = y_least;
    var y0 = y_least;
    for (var k = 1u; k < config.n_save; k++) {
        let y1 = value(row, k, i);
        if less(y1, y_least) {
            least = k;
            y_least = y1;
        }
        if less(y_greatest, y1) {
            greatest = k;
            y_greatest = y1;
        }
        let dt = sub(numbers[k], numbers[k - 1u]);
        if kind == SUMMARY_TIME_ABOVE {
            sum = add(sum, mul(real_abs(dt), part_above(threshold, y0, y1)));
        }
        if kind == SUMMARY_INTEGRAL {
            sum = add(sum, mul(mul(dt, real_of(0.5)), add(y0, y1)));
        }
        y0 = y1;
    }
    switch kind {
        case SUMMARY_MIN: { return y_least; }
        case SUMMARY_MAX: { return y_greatest; }
        case SUMMARY_TIME_OF_MIN: { return numbers[least]; }
        case SUMMARY_TIME_OF_MAX: { return numbers[greatest]; }
        case SUMMARY_TIME_ABOVE, SUMMARY_INTEGRAL: { return sum; }
        default: { return y0; }
    }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    let per_summary = (config.n_traj + WORKGROUP_SIZE - 1u) / WORKGROUP_SIZE;
    let summary = number / per_summary;
    let i = (number % per_summary) * WORKGROUP_SIZE + lane;
    if summary >= config.n_summary || i >= config.n_traj {
        return;
    }
    // What a trajectory that has ended early has not saved means nothing.
    if succeeded(i) {
        let kind = tasks[2u * summary]; // kind and row
        let row = tasks[2u * summary + 1u];
        let first_row = config.n_save * config.n_row;
        saved[at(first_row + summary, i)] = summarize(kind, row, numbers[config.n_save + summary], i);
    }
}
