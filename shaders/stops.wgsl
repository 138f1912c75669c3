// Stops: where a segment of the integration ends, and what happens there. Twin of src/cpu/stops.rs.
// A step ends at a stop exactly. Then callbacks fire, each on what the one before has left, and the right-hand side, which
// may have jumped, is evaluated anew.

// What a few roundings may take from times up to the end of the segment; nothing where the right-hand side does not jump in
// time: it would shift all times to one side.
fn time_slack(lane: ptr<function, Lane>) -> real {
    if !JUMPS_IN_TIME {
        return real_of(0.0);
    }
    let t = real_abs(add((*lane).t0, (*lane).tau));
    return mul(real_of(4.0f * REAL_EPSILON), greater(t, (*lane).tau_stop));
}

// The step that the times of its stages are taken with: just short of a stop, where the right-hand side may jump.
fn time_step(lane: ptr<function, Lane>, attempt: Attempt) -> real {
    if HAS_STOPS && attempt.is_last {
        return sub(attempt.h, time_slack(lane));
    }
    return attempt.h;
}

// Time as the first stage after a stop sees it: just past the stop.
fn time_after_stop(lane: ptr<function, Lane>) -> real {
    return add(add((*lane).t0, (*lane).tau), time_slack(lane));
}

// Where the segment ends: the next stop, or the end.
fn next_stop(lane: ptr<function, Lane>, i: u32) -> real {
    var tau_stop = (*lane).span;
    if HAS_STOPS && (*lane).next_cut < config.n_cut {
        tau_stop = lesser(cut_time(lane), tau_stop);
    }
    if HAS_STOPS && (*lane).next_own_stop < N_OWN_STOP {
        tau_stop = lesser(own_stop_time(lane, i), tau_stop);
    }
    return tau_stop;
}

// Sets out for the next stop, or for the end.
fn depart(lane: ptr<function, Lane>, i: u32) {
    (*lane).tau_segment = (*lane).tau;
    (*lane).first_step = (*lane).accepted;
    (*lane).tau_stop = next_stop(lane, i);
    (*lane).last_step = (*lane).first_step + segment_steps(lane);
}

fn cut_time(lane: ptr<function, Lane>) -> real {
    return times[config.first_cut + (*lane).next_cut];
}

fn own_stop_time(lane: ptr<function, Lane>, i: u32) -> real {
    return params[at(PARAM_ROW_OWN_STOP + (*lane).next_own_stop, i)];
}

// Fires the callbacks that are due, one after the other, and tells whether there was any; what rounding took from a state
// that is set is nothing.
fn fire_due(lane: ptr<function, Lane>, i: u32, y: ptr<function, State>, low: ptr<function, Low>, p: Params) -> bool {
    let t = add((*lane).t0, (*lane).tau);
    var fired = false;
    while (*lane).next_cut < config.n_cut && less_equal(cut_time(lane), (*lane).tau_stop) {
        let callback = to_u32(times[config.first_cut + config.n_cut + (*lane).next_cut]);
        fire(callback, t, y, low, p);
        fired = fired || callback != 0u;
        (*lane).next_cut += 1u;
    }
    while (*lane).next_own_stop < N_OWN_STOP && less_equal(own_stop_time(lane, i), (*lane).tau_stop) {
        (*lane).next_own_stop += 1u;
    }
    return fired;
}

// What happens at t0, where callbacks may fire too.
fn pass_start(lane: ptr<function, Lane>, i: u32, y: ptr<function, State>, low: ptr<function, Low>, p: Params) {
    if HAS_STOPS && config.n_cut > 0u && less_equal(cut_time(lane), real_of(0.0)) {
        save_start(lane, i, *y, p);
        fire_due(lane, i, y, low, p);
    }
    depart(lane, i);
}

// What happens at the end of a segment, that of the last one too.
fn pass_stop(lane: ptr<function, Lane>, i: u32, y: ptr<function, State>, low: ptr<function, Low>, k1: ptr<function, State>, p: Params) {
    if fire_due(lane, i, y, low, p) {
        save_fired(lane, i, *y, p);
    }
    var culprit = first_non_finite(*y);
    if culprit == 0u {
        if (*lane).status != STATUS_RUNNING {
            return;
        }
        *k1 = rhs(time_after_stop(lane), *y, p);
        culprit = first_non_finite(*k1);
    }
    if culprit != 0u {
        (*lane).status = STATUS_NON_FINITE;
        (*lane).culprit = select((*lane).culprit, culprit, (*lane).culprit == 0u);
    }
    depart(lane, i);
}
