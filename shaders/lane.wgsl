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
    t0: real,
    span: real,
    tau_stop: real, // where the segment ends: the next stop, or the end of the span
    tau_segment: real, // where it began
    first_step: u32, // numbers of its first step and of the one after its last, where steps are fixed
    last_step: u32,
    next_cut: u32,
    next_own_stop: u32,
}

// The squared error of a step in tolerance units, and the part of it that is within the rounding of y.
struct ErrorNorm {
    sq: real,
    noise_sq: real,
}

// The step about to be tried: its size, and whether it ends the segment.
struct Attempt {
    h: real,
    is_last: bool,
}

// The save time of a row of a trajectory; beyond the last one a time that never comes; negative if the row follows callbacks
// that fire, as all do where every step is saved and that is asked for.
fn next_save_time(index: u32, i: u32) -> real {
    if SAVES_STEPS {
        return times[0];
    }
    if SAVES_END {
        return select(mul(real_of(4.0), config.span), config.span, index == 0u);
    }
    if index < config.n_save {
        if OWN_SPAN {
            return times[at(index, i)];
        }
        return times[index];
    }
    return mul(real_of(4.0), config.span);
}

// Start and length of the time span, and the segment between two stops.
fn load_segment(i: u32, lane: ptr<function, Lane>) {
    (*lane).t0 = config.t0;
    (*lane).span = config.span;
    if OWN_SPAN {
        (*lane).t0 = params[at(PARAM_ROW_T0, i)];
        (*lane).span = params[at(PARAM_ROW_SPAN, i)];
    }
    if HAS_STOPS {
        (*lane).next_cut = counts[at(COUNT_NEXTCUT, i)];
        (*lane).next_own_stop = counts[at(COUNT_NEXTOWNSTOP, i)];
        (*lane).first_step = counts[at(COUNT_FIRSTSTEP, i)];
        (*lane).tau_segment = state[at(ROW_TAU_SEGMENT, i)];
    }
    (*lane).tau_stop = next_stop(lane, i);
    (*lane).last_step = (*lane).first_step + segment_steps(lane);
}

fn store_segment(i: u32, lane: Lane) {
    if HAS_STOPS {
        counts[at(COUNT_NEXTCUT, i)] = lane.next_cut;
        counts[at(COUNT_NEXTOWNSTOP, i)] = lane.next_own_stop;
        counts[at(COUNT_FIRSTSTEP, i)] = lane.first_step;
        state[at(ROW_TAU_SEGMENT, i)] = lane.tau_segment;
    }
}

fn load_lane(i: u32) -> Lane {
    let word = counts[at(COUNT_STATUS, i)];
    var lane: Lane;
    lane.started = (word & FLAG_STARTED) != 0u;
    if lane.started {
        lane.status = word & MASK_STATUS;
        lane.after_rejection = (word & FLAG_AFTER_REJECTION) != 0u;
        lane.accepted = counts[at(COUNT_ACCEPTED, i)];
        lane.rejected = counts[at(COUNT_REJECTED, i)];
        // Where the end is all that is saved, nothing is while it runs.
        if !SAVES_END {
            lane.n_saved = counts[at(COUNT_SAVED, i)];
            lane.culprit = counts[at(COUNT_CULPRIT, i)];
        }
    }
    lane.t_save = next_save_time(lane.n_saved, i);
    load_segment(i, &lane);
    load_stepping(i, &lane);
    return lane;
}

// What a lane carries from dispatch to dispatch, and the steps of this one. All counts are 0 before the first.
fn store_lane(i: u32, lane: Lane, steps: u32) {
    var flags = FLAG_STARTED | select(0u, FLAG_AFTER_REJECTION, lane.after_rejection);
    if Y_IS_SAVED {
        flags |= select(0u, FLAG_SAVED, lane.n_saved != 0u);
    } else {
        counts[at(COUNT_SAVED, i)] = lane.n_saved;
    }
    counts[at(COUNT_STATUS, i)] = lane.status | flags | (steps << SLICE_SHIFT);
    counts[at(COUNT_ACCEPTED, i)] = lane.accepted;
    counts[at(COUNT_REJECTED, i)] = lane.rejected;
    if lane.culprit != 0u {
        counts[at(COUNT_CULPRIT, i)] = lane.culprit;
    }
    state[at(ROW_TAU, i)] = lane.tau;
    store_stepping(i, lane);
    store_segment(i, lane);
}
