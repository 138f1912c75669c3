// The evolving data of one trajectory, and how it rests between dispatches. Twin of src/cpu/lane.rs.

struct Lane {
    status: u32,
    accepted: u32,
    rejected: u32,
    n_saved: u32,
    t_save: real, // the next save time since t0
    after_rejection: bool,
    started: bool,
    tau: real,
    tau_low: real,
    dt: real,
    err_prev: f32,
    culprit: u32, // 1 and the row of the first value that was not finite
}

// The squared error of a step in tolerance units, and the part of it that is within the rounding of y.
struct ErrorNorm {
    sq: real,
    noise_sq: real,
}

// The step about to be tried: its size, and whether it ends at t1.
struct Attempt {
    h: real,
    is_last: bool,
}

// The save time of a number; beyond the last one a time that never comes.
fn next_save_time(index: u32) -> real {
    if index < config.n_save {
        return save_times[index];
    }
    return mul(real_of(4.0), config.span);
}

fn load_lane(i: u32) -> Lane {
    let flags = counts[at(COUNT_FLAGS, i)];
    var lane: Lane;
    lane.status = counts[at(COUNT_STATUS, i)];
    lane.accepted = counts[at(COUNT_ACCEPTED, i)];
    lane.rejected = counts[at(COUNT_REJECTED, i)];
    lane.n_saved = counts[at(COUNT_SAVED, i)];
    lane.t_save = next_save_time(lane.n_saved);
    lane.after_rejection = (flags & 2u) != 0u; // FLAG: after a rejected step
    lane.culprit = counts[at(COUNT_CULPRIT, i)];
    lane.started = (flags & 1u) != 0u; // FLAG: started
    load_stepping(i, &lane);
    return lane;
}

fn store_lane(i: u32, lane: Lane) {
    counts[at(COUNT_STATUS, i)] = lane.status;
    counts[at(COUNT_ACCEPTED, i)] = lane.accepted;
    counts[at(COUNT_REJECTED, i)] = lane.rejected;
    counts[at(COUNT_SAVED, i)] = lane.n_saved;
    counts[at(COUNT_FLAGS, i)] = 1u + select(0u, 2u, lane.after_rejection);
    counts[at(COUNT_CULPRIT, i)] = lane.culprit;
    state[at(ROW_TAU, i)] = lane.tau;
    store_stepping(i, lane);
}
