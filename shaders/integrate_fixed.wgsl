// Fixed steps: how a lane begins, tries and ends a step. Twin of src/cpu/integrate_fixed.rs.
// Step k begins at k dt, never accumulated; the last step takes what is left of the span.

fn first_dt(y: State, k1: State, p: Params) -> real {
    return config.dt;
}

// Chooses the size of the next step: dt, or what is left of the span for the last one.
fn begin_step(lane: ptr<function, Lane>) -> Attempt {
    (*lane).tau = real((*lane).accepted) * config.dt;
    let is_last = (*lane).accepted + 1u >= config.n_steps;
    return Attempt(select(config.dt, config.span - (*lane).tau, is_last), is_last);
}

// Accepts the step unless it is not finite.
fn end_step(lane: ptr<function, Lane>, attempt: Attempt, err_sq: real, finite: bool) -> bool {
    if !finite {
        (*lane).rejected += 1u;
        (*lane).status = STATUS_NON_FINITE;
    }
    return finite;
}

// Moves time past an accepted step.
fn advance(lane: ptr<function, Lane>, attempt: Attempt) {
    (*lane).accepted += 1u;
    if attempt.is_last {
        (*lane).tau = config.span;
        (*lane).status = STATUS_SUCCESS;
    }
}
