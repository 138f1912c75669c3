// Fixed steps: how a lane begins, tries and ends a step. Twin of src/cpu/integrate_fixed.rs.
// Step k of a segment begins k dt after it, never accumulated; its last step takes what is left.

// Time follows from the number of steps; nothing else is carried from dispatch to dispatch.
fn load_stepping(i: u32, lane: ptr<function, Lane>) {
    (*lane).tau = step_time(lane, (*lane).accepted);
}

fn store_stepping(i: u32, lane: Lane) {}

fn first_dt(t0: real, span: real, y: State, k1: State, p: Params) -> real {
    return config.dt;
}

// Steps from the beginning of the segment to its end, at least one. What is left beyond whole steps is rounding if it is
// below a millionth of a step or below the resolution of time.
fn segment_steps(lane: ptr<function, Lane>) -> u32 {
    if !HAS_STOPS && config.n_steps > 0u {
        return config.n_steps;
    }
    let resolution = div(mul(real_of(4.0f * REAL_EPSILON), (*lane).tau_stop), config.dt);
    let rest = lesser(greater(resolution, real_of(1e-6f)), real_of(0.5));
    let wanted = greater(sub(div(sub((*lane).tau_stop, (*lane).tau_segment), config.dt), rest), real_of(0.0));
    let whole = to_u32(wanted);
    return max(whole + select(0u, 1u, less(real_of_u32(whole), wanted)), 1u);
}

// Offset from t0 of the beginning of a step, by its number.
fn step_time(lane: ptr<function, Lane>, k: u32) -> real {
    if HAS_STOPS {
        return add((*lane).tau_segment, mul(real_of_u32(k - (*lane).first_step), config.dt));
    }
    return mul(real_of_u32(k), config.dt);
}

// Takes the next steps that neither save nor end, at most budget of them, with nothing else in the loop: some devices
// execute rare work, masked, even when no lane needs it. Returns how many; 0 where the next step needs care. Which steps
// come here depends on the save times alone, not on how a run is cut into dispatches. A state that is not finite never
// becomes finite again, so one look at the end is enough; then half as many are tried until the bad step is found.
fn quiet_steps(lane: ptr<function, Lane>, y: ptr<function, State>, low: ptr<function, Low>, k1: ptr<function, State>, p: Params, budget: u32) -> u32 {
    if SAVES_STEPS {
        return 0u;
    }
    let first = (*lane).accepted;
    // Two steps off the save time, whatever the rounding of the quotient.
    let since = greater(sub(div(sub((*lane).t_save, (*lane).tau_segment), config.dt), real_of(2.0)), real_of(0.0));
    let save_step = (*lane).first_step + to_u32(lesser(since, real_of_u32((*lane).last_step)));
    let end = min(min(save_step, (*lane).last_step - 1u), min(config.max_steps, first + budget));
    if first >= end {
        return 0u;
    }
    let w = weights(config.dt);
    var culprit = 0u;
    for (var count = end - first; count > 0u; count = count / 2u) {
        var y_now = *y;
        var low_now = *low;
        var k_now = *k1;
        // Counted where it happens: a driver may end a loop early (Mesa's software adapter does after 65535 rounds).
        var k = first;
        while k < first + count {
            let t = add((*lane).t0, step_time(lane, k));
            let step = rk_step(t, y_now, low_now, k_now, p, w, config.dt);
            y_now = step.y1_candidate;
            low_now = step.low;
            k_now = last_stage(step);
            k += 1u;
        }
        culprit = first_non_finite(y_now);
        if culprit == 0u {
            *y = y_now;
            *low = low_now;
            *k1 = k_now;
            (*lane).accepted = k;
            (*lane).tau = step_time(lane, k);
            return k - first;
        }
    }
    (*lane).rejected += 1u;
    (*lane).status = STATUS_NON_FINITE;
    (*lane).culprit = culprit;
    return 1u;
}

// Chooses the size of the next step: dt, or what is left of the segment for its last one.
fn begin_step(lane: ptr<function, Lane>) -> Attempt {
    let is_last = (*lane).accepted + 1u >= (*lane).last_step;
    return Attempt(select(config.dt, sub((*lane).tau_stop, (*lane).tau), is_last), is_last);
}

// Accepts the step unless it is not finite.
fn end_step(lane: ptr<function, Lane>, attempt: Attempt, norm: ErrorNorm, culprit: u32) -> bool {
    if culprit != 0u {
        (*lane).rejected += 1u;
        (*lane).status = STATUS_NON_FINITE;
        (*lane).culprit = culprit;
    }
    return culprit == 0u;
}

// Moves time past an accepted step.
fn advance(lane: ptr<function, Lane>, attempt: Attempt) {
    (*lane).accepted += 1u;
    (*lane).tau = select(step_time(lane, (*lane).accepted), (*lane).tau_stop, attempt.is_last);
    if attempt.is_last {
        (*lane).status = select(STATUS_SUCCESS, STATUS_RUNNING, less((*lane).tau_stop, (*lane).span));
    }
}
