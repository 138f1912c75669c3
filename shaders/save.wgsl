// Saved values of one trajectory. Twin of src/cpu/save.rs.
// Save times lie anywhere inside a step; the interpolant gives the state there and never changes the steps.

// Writes the state at t0 where it is asked for.
fn save_start(lane: ptr<function, Lane>, i: u32, y: State, p: Params) {
    let is_first_step = SAVES_STEPS && (*lane).n_saved == 0u;
    if is_first_step || less_equal((*lane).t_save, real_of(0.0)) {
        write_row(lane, i, real_of(0.0), y, p);
    }
}

// Writes every save time up to the end of an accepted step. Of a time that is listed twice, the second is for the value
// after callbacks have fired.
fn save_until(lane: ptr<function, Lane>, i: u32, attempt: Attempt, y: State, step: Step, p: Params) {
    loop {
        let since = sub(sub((*lane).t_save, (*lane).tau), (*lane).tau_low);
        let t_save = (*lane).t_save;
        if SAVES_STEPS || !(less_equal(since, attempt.h) || (attempt.is_last && less_equal(t_save, (*lane).tau_stop))) {
            return;
        }
        var y_save = step.y1_candidate;
        if !less_equal(attempt.h, since) {
            y_save = interpolate(y, step, attempt.h, div(since, attempt.h));
        }
        write_row(lane, i, t_save, y_save, p);
        if HAS_STOPS && equal((*lane).t_save, t_save) {
            return;
        }
    }
}

// Writes the state after a step, where every step is saved.
fn save_step(lane: ptr<function, Lane>, i: u32, y: State, p: Params) {
    if SAVES_STEPS {
        write_row(lane, i, (*lane).tau, y, p);
    }
}

// Writes the state after callbacks have fired, where it is asked for.
fn save_fired(lane: ptr<function, Lane>, i: u32, y: State, p: Params) {
    if less_equal((*lane).t_save, (*lane).tau) {
        write_row(lane, i, (*lane).tau, y, p);
    }
}

fn write_row(lane: ptr<function, Lane>, i: u32, tau: real, y: State, p: Params) {
    let index = (*lane).n_saved;
    if SAVES_STEPS {
        if index >= config.n_save {
            (*lane).status = STATUS_SAVE_LIMIT;
            return;
        }
        saved[at(config.n_save * N_ROW + index, i)] = tau;
    }
    let culprit = save_row(index, i, add((*lane).t0, tau), y, p);
    (*lane).culprit = select((*lane).culprit, culprit, (*lane).culprit == 0u);
    (*lane).n_saved += 1u;
    (*lane).t_save = next_save_time((*lane).n_saved, i);
}
