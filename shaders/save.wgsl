// Saved values of one trajectory. Twin of src/cpu/save.rs; save_until is in save_until.wgsl, or in save_until_dense.wgsl where
// dense output uses stages of its own.

// Writes the state at t0 where it is asked for.
fn save_start(lane: ptr<function, Lane>, i: u32, y: State, p: Params) {
    if SAVES_END {
        return;
    }
    let is_first_step = SAVES_STEPS && (*lane).n_saved == 0u;
    if is_first_step || less_equal((*lane).t_save, real_of(0.0)) {
        write_row(lane, i, real_of(0.0), y, p);
    }
}

// Whether the next save time lies in an accepted step, its end included; what is saved after callbacks have fired does not.
fn holds_save(lane: ptr<function, Lane>, attempt: Attempt) -> bool {
    let since = sub(sub((*lane).t_save, (*lane).tau), (*lane).tau_low);
    let is_reached = less_equal(since, attempt.h) || (attempt.is_last && less_equal((*lane).t_save, (*lane).tau_stop));
    return !SAVES_STEPS && !less((*lane).t_save, real_of(0.0)) && is_reached;
}

// Writes the state after the step that ends the span, where nothing else is saved: whatever times round to, no other does.
fn save_end(lane: ptr<function, Lane>, i: u32, attempt: Attempt, y1_candidate: State, p: Params) {
    if attempt.is_last && less_equal((*lane).t_save, (*lane).tau_stop) {
        write_row(lane, i, (*lane).t_save, y1_candidate, p);
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
    while less((*lane).t_save, real_of(0.0)) {
        write_row(lane, i, (*lane).tau, y, p);
        if SAVES_STEPS {
            return;
        }
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
