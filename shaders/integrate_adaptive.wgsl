// Adaptive steps: how a lane begins, tries and ends a step. Twin of src/cpu/integrate_adaptive.rs.
// Time is the offset tau from t0 with the rounding of its sum kept in tau_low, so that many small steps add up.

// What a lane carries from dispatch to dispatch for its step size.
fn load_stepping(i: u32, lane: ptr<function, Lane>) {
    if (*lane).started {
        (*lane).tau = state[at(ROW_TAU, i)];
        (*lane).tau_low = state[at(ROW_TAU_LOW, i)];
        (*lane).dt = state[at(ROW_DT, i)];
        (*lane).err_prev = to_f32(state[at(ROW_ERR_PREV, i)]);
    }
}

fn store_stepping(i: u32, lane: Lane) {
    if lane.status == STATUS_RUNNING {
        state[at(ROW_TAU_LOW, i)] = lane.tau_low;
        state[at(ROW_DT, i)] = lane.dt;
        state[at(ROW_ERR_PREV, i)] = real_of(lane.err_prev);
    }
}

// The first step size, where none is given.
fn first_dt(t0: real, span: real, y: State, k1: State, p: Params) -> real {
    if FIRST_STEP_GIVEN || less(real_of(0.0), config.dt) {
        return config.dt;
    }
    let d0 = scaled_norm_sq(y, y);
    let d1 = scaled_norm_sq(k1, y);
    let most = lesser(span, config.dt_max);
    let h0 = initial_dt_first(most, d0, d1);
    let f1 = rhs(add(t0, h0), add_scaled(y, h0, k1), p);
    return initial_dt(most, h0, d1, scaled_norm_sq(add_scaled(f1, real_of(-1.0), k1), y));
}

// Adaptive steps have no numbers.
fn segment_steps(lane: ptr<function, Lane>) -> u32 {
    return 0u;
}

// What a step may be longer than it should: where a largest step divides the distance of stops, what is left after the last
// one would be a step of rounding alone. A thousandth covers that in any format, and is nothing to the controller, which
// aims a tenth lower than it might.
fn stretched(dt: real) -> real {
    return mul(real_of(1.001f), dt);
}

// The mean square of the errors of a step in tolerance units, and the sum of the magnitudes of its candidate.
struct QuietNorm {
    sq: real,
    size: f32,
}

// The smallest step that time resolves between two offsets from t0, or that is asked for.
fn smallest_step(t0: real, tau: real, tau_far: real) -> real {
    let t = greater(real_abs(add(t0, tau)), real_abs(add(t0, tau_far)));
    return greater(config.dt_min, mul(real_of(REAL_EPSILON), t));
}

// The offset from t0 that quiet steps stay short of: that of the next save time or the end of the segment.
fn quiet_end(lane: ptr<function, Lane>) -> real {
    let t_save = (*lane).t_save;
    return select(lesser(t_save, (*lane).tau_stop), (*lane).tau_stop, less(t_save, real_of(0.0)));
}

// Whether the next step stays short of an offset from t0, and may be rejected without coming to the smallest one.
fn is_quiet(lane: ptr<function, Lane>, tau_end: real, dt_least: real) -> bool {
    let left = sub(sub(tau_end, (*lane).tau), (*lane).tau_low);
    return less(stretched((*lane).dt), left) & less(dt_least, (*lane).dt);
}

// Tries the next steps that neither save nor end, at most budget of them, with nothing else in the loop: some devices
// execute rare work, masked, even when no lane needs it. Returns how many. Each of them does what a step that is looked at in
// every way would do, bit for bit; one that needs that look is left to the caller, untouched: one whose norm is NaN or huge,
// whose candidate may not be finite, or whose errors may be within the rounding of the state.
fn quiet_steps(lane: ptr<function, Lane>, y: ptr<function, State>, low: ptr<function, Low>, k1: ptr<function, State>, p: Params, budget: u32) -> u32 {
    if SAVES_STEPS {
        return 0u;
    }
    let settings = config;
    let tolerances = load_tolerances();
    let before = (*lane).accepted + (*lane).rejected;
    let most = min(config.max_steps, before + budget);
    let most_size = quiet_size(*y, tolerances);
    let tau_end = quiet_end(lane);
    let dt_least = stretched(smallest_step((*lane).t0, (*lane).tau, tau_end));
    // The loop asks at its end whether it goes on: devices that mask lanes would do a last round for nothing.
    if before < most && 0.0f < most_size && is_quiet(lane, tau_end, dt_least) {
        loop {
            let h = (*lane).dt;
            let step = rk_step(add((*lane).t0, (*lane).tau), *y, *low, *k1, p, weights(h), h);
            let norm = quiet_norm_sq(*y, step, h, tolerances);
            if !(less(norm.sq, real_of(1e30)) & (norm.size < most_size)) {
                break;
            }
            let decision = control(settings, norm.sq, true, h, (*lane).err_prev, (*lane).after_rejection);
            (*lane).dt = decision.dt;
            (*lane).err_prev = decision.err_prev;
            (*lane).after_rejection = !decision.accept;
            take_step(decision.accept, step, y, low, k1);
            advance_if(decision.accept, lane, h);
            (*lane).rejected += select(1u, 0u, decision.accept);
            if ((*lane).accepted + (*lane).rejected >= most) | !is_quiet(lane, tau_end, dt_least) {
                break;
            }
        }
    }
    if (*lane).after_rejection {
        (*lane).dt = greater((*lane).dt, smallest_step((*lane).t0, (*lane).tau, (*lane).tau));
    }
    return (*lane).accepted + (*lane).rejected - before;
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
    let decision = control(config, norm.sq, finite, attempt.h, (*lane).err_prev, (*lane).after_rejection);
    // A step that a stop has cut short says little of how long the next one may be.
    (*lane).dt = select(decision.dt, greater(decision.dt, (*lane).dt), decision.accept && attempt.is_last);
    (*lane).err_prev = decision.err_prev;
    (*lane).after_rejection = !decision.accept;
    if !decision.accept {
        (*lane).rejected += 1u;
        let smallest = smallest_step((*lane).t0, (*lane).tau, (*lane).tau);
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
    if attempt.is_last {
        (*lane).accepted += 1u;
        (*lane).tau = (*lane).tau_stop;
        (*lane).tau_low = real_of(0.0);
        (*lane).status = select(STATUS_SUCCESS, STATUS_RUNNING, less((*lane).tau_stop, (*lane).span));
        return;
    }
    advance_if(true, lane, attempt.h);
}

// Moves time past a step that does not end the segment, if it is accepted.
fn advance_if(accept: bool, lane: ptr<function, Lane>, h: real) {
    // T. Dekker's fast two-sum, Numer. Math. 18 (1971) 224-242: exact for |tau| >= |small| and harmless else.
    let small = opaque(add(h, (*lane).tau_low));
    let tau = opaque(add((*lane).tau, small));
    let tau_low = sub(small, opaque(sub(tau, (*lane).tau)));
    (*lane).tau_low = select((*lane).tau_low, tau_low, accept);
    (*lane).tau = select((*lane).tau, tau, accept);
    (*lane).accepted += select(0u, 1u, accept);
}
