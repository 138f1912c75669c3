// Saved values of one trajectory. Twin of src/cpu/save.rs.
// Save times lie anywhere inside a step; the interpolant gives the state there and never changes the steps.

// Writes the state at t0 where it is asked for.
fn save_start(lane: ptr<function, Lane>, i: u32, y: State, p: Params) {
    if t_save(0u) <= 0.0 {
        write_row(0u, i, config.t0 + t_save(0u), y, p);
        (*lane).n_saved = 1u;
    }
}

// Writes every save time up to the end of an accepted step.
fn save_until(lane: ptr<function, Lane>, i: u32, attempt: Attempt, y: State, step: Step, p: Params) {
    while (*lane).n_saved < config.n_save {
        let index = (*lane).n_saved;
        let since = (t_save(index) - (*lane).tau) - (*lane).tau_low;
        if !(since <= attempt.h || attempt.is_last) {
            return;
        }
        var y_save = step.y1_candidate;
        if !(since >= attempt.h) {
            y_save = interpolate(y, step, attempt.h, since / attempt.h);
        }
        write_row(index, i, config.t0 + t_save(index), y_save, p);
        (*lane).n_saved += 1u;
    }
}
