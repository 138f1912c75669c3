// Adaptive steps: how a lane begins, tries and ends a step. Twin of src/cpu/integrate_adaptive.rs.
// Time is the offset tau from t0 with the rounding of its sum kept in tau_low, so that many small steps add up.

// What a lane carries from dispatch to dispatch for its step size.
fn load_stepping(i: u32, lane: ptr<function, Lane>) {
    (*lane).tau = state[at(ROW_TAU, i)];
    (*lane).tau_low = state[at(ROW_TAU_LOW, i)];
    (*lane).dt = state[at(ROW_DT, i)];
    (*lane).err_prev = to_f32(state[at(ROW_ERR_PREV, i)]);
}

fn store_stepping(i: u32, lane: Lane) {
    state[at(ROW_TAU_LOW, i)] = lane.tau_low;
    state[at(ROW_DT, i)] = lane.dt;
    state[at(ROW_ERR_PREV, i)] = real_of(lane.err_prev);
}

// The first step size, where none is given.
fn first_dt(t0: real, y: State, k1: State, p: Params) -> real {
    if less(real_of(0.0), config.dt) {
        return config.dt;
    }
    let d0 = scaled_norm_sq(y, y);
    let d1 = scaled_norm_sq(k1, y);
    let h0 = initial_dt_first(d0, d1);
    let f1 = rhs(add(t0, h0), add_scaled(y, h0, k1), p);
    return initial_dt(h0, d1, scaled_norm_sq(add_scaled(f1, real_of(-1.0), k1), y));
}

// Adaptive steps have no numbers.
fn segment_steps(lane: ptr<function, Lane>) -> u32 {
    return 0u;
}

// Every adaptive step has a decision to make.
fn quiet_steps(lane: ptr<function, Lane>, y: ptr<function, State>, low: ptr<function, Low>, k1: ptr<function, State>, p: Params, budget: u32) -> u32 {
    return 0u;
}

// What a step may be longer than it should: where a largest step divides the distance of stops, what is left after the last
// one would be a step of rounding alone. A thousandth covers that in any format, and is nothing to the controller, which
// aims a tenth lower than it might.
fn stretched(dt: real) -> real {
    return mul(real_of(1.001f), dt);
}

// Chooses the size of the next step: dt, or what is left of the segment.
fn begin_step(lane: ptr<function, Lane>) -> Attempt {
    let left = sub(sub((*lane).tau_stop, (*lane).tau), (*lane).tau_low);
    let is_last = less_equal(left, stretched((*lane).dt));
    return Attempt(select((*lane).dt, left, is_last), is_last);
}

// Accepts or rejects the step, and sets the next dt; culprit tells what is not finite in the candidate. A step that
// would be rejected for errors within the rounding of y alone chases noise: it ends the trajectory.
fn end_step(lane: ptr<function, Lane>, attempt: Attempt, norm: ErrorNorm, culprit: u32) -> bool {
    let finite = culprit == 0u;
    let decision = control(norm.sq, finite, attempt.h, (*lane).err_prev, (*lane).after_rejection);
    // A step that a stop has cut short says little of how long the next one may be.
    (*lane).dt = select(decision.dt, greater(decision.dt, (*lane).dt), decision.accept && attempt.is_last);
    (*lane).err_prev = decision.err_prev;
    (*lane).after_rejection = !decision.accept;
    if !decision.accept {
        (*lane).rejected += 1u;
        let resolution = mul(real_of(REAL_EPSILON), real_abs(add((*lane).t0, (*lane).tau)));
        let smallest = greater(config.dt_min, resolution);
        if !less(stretched(smallest), attempt.h) {
            (*lane).status = select(STATUS_NON_FINITE, STATUS_DT_UNDERFLOW, finite);
            (*lane).culprit = select(culprit, (*lane).culprit, finite);
        }
        if finite && less(real_of(1.0), norm.noise_sq) {
            (*lane).status = STATUS_TOLERANCE_NOT_REACHABLE;
        }
        (*lane).dt = greater((*lane).dt, smallest);
    }
    return decision.accept;
}

// Moves time past an accepted step.
fn advance(lane: ptr<function, Lane>, attempt: Attempt) {
    (*lane).accepted += 1u;
    if attempt.is_last {
        (*lane).tau = (*lane).tau_stop;
        (*lane).tau_low = real_of(0.0);
        (*lane).status = select(STATUS_SUCCESS, STATUS_RUNNING, less((*lane).tau_stop, (*lane).span));
        return;
    }
    // T. Dekker's fast two-sum, Numer. Math. 18 (1971) 224-242: exact for |tau| >= |small| and harmless else.
    let small = opaque(add(attempt.h, (*lane).tau_low));
    let tau = opaque(add((*lane).tau, small));
    (*lane).tau_low = sub(small, opaque(sub(tau, (*lane).tau)));
    (*lane).tau = tau;
}
