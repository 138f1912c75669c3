// Fixed steps: how a lane begins, tries and ends a step. Twin of src/cpu/integrate_fixed.rs.
// Step k begins at k dt, never accumulated; the last step takes what is left of the span.

// Time follows from the number of steps; nothing else is carried from dispatch to dispatch.
fn load_stepping(i: u32, lane: ptr<function, Lane>) {
    (*lane).tau = mul(real_of_u32((*lane).accepted), config.dt);
}

fn store_stepping(i: u32, lane: Lane) {}

fn first_dt(y: State, k1: State, p: Params) -> real {
    return config.dt;
}

// Takes the next steps that neither save nor end, at most budget of them, with nothing else in the loop: some devices
// execute rare work, masked, even when no lane needs it. Returns how many; 0 where the next step needs care. Which steps
// come here depends on the save times alone, not on how a run is cut into dispatches. A state that is not finite never
// becomes finite again, so one look at the end is enough; then half as many are tried until the bad step is found.
fn quiet_steps(lane: ptr<function, Lane>, y: ptr<function, State>, low: ptr<function, Low>, k1: ptr<function, State>, p: Params, budget: u32) -> u32 {
    let first = (*lane).accepted;
    // Two steps off the save time, whatever the rounding of the quotient.
    let save_step = to_u32(lesser(greater(sub(div((*lane).t_save, config.dt), real_of(2.0)), real_of(0.0)), real_of_u32(config.n_steps)));
    let end = min(min(save_step, config.n_steps - 1u), min(config.max_steps, first + budget));
    if first >= end {
        return 0u;
    }
    var culprit = 0u;
    for (var count = end - first; count > 0u; count = count / 2u) {
        var y_now = *y;
        var low_now = *low;
        var k_now = *k1;
        // Counted where it happens: a driver may end a loop early (Mesa's software adapter does after 65535 rounds).
        var k = first;
        while k < first + count {
            let step = rk_step(add(config.t0, mul(real_of_u32(k), config.dt)), y_now, low_now, k_now, p, config.dt);
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
            (*lane).tau = mul(real_of_u32(k), config.dt);
            return k - first;
        }
    }
    (*lane).rejected += 1u;
    (*lane).status = STATUS_NON_FINITE;
    (*lane).culprit = culprit;
    return 1u;
}

// Chooses the size of the next step: dt, or what is left of the span for the last one.
fn begin_step(lane: ptr<function, Lane>) -> Attempt {
    let is_last = (*lane).accepted + 1u >= config.n_steps;
    return Attempt(select(config.dt, sub(config.span, (*lane).tau), is_last), is_last);
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
    (*lane).tau = select(mul(real_of_u32((*lane).accepted), config.dt), config.span, attempt.is_last);
    if attempt.is_last {
        (*lane).status = STATUS_SUCCESS;
    }
}
