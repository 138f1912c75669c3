// Saved values of one trajectory, where dense output uses stages of its own. Twin of src/cpu/save.rs; save.wgsl is for the
// other methods and differs in save_until alone.
// Save times lie anywhere inside a step; the interpolant gives the state there and never changes the steps.

// Writes the state at t0 where it is asked for.
fn save_start(lane: ptr<function, Lane>, i: u32, y: State, p: Params) {
    if less_equal((*lane).t_save, real_of(0.0)) {
        write_row(lane, i, y, p);
    }
}

// Writes every save time up to the end of an accepted step. Stages that only dense output uses are computed for the
// first of them that lies inside.
fn save_until(lane: ptr<function, Lane>, i: u32, attempt: Attempt, y: State, step: Step, p: Params) {
    var dense: DenseStages;
    var has_dense = false;
    loop {
        let since = sub(sub((*lane).t_save, (*lane).tau), (*lane).tau_low);
        if !(less_equal(since, attempt.h) || (attempt.is_last && (*lane).n_saved < config.n_save)) {
            return;
        }
        var y_save = step.y1_candidate;
        if !less_equal(attempt.h, since) {
            if !has_dense {
                dense = dense_stages(add(config.t0, (*lane).tau), y, step, p, attempt.h);
                has_dense = true;
            }
            y_save = interpolate(y, step, dense, attempt.h, div(since, attempt.h));
        }
        write_row(lane, i, y_save, p);
    }
}

fn write_row(lane: ptr<function, Lane>, i: u32, y: State, p: Params) {
    let culprit = save_row((*lane).n_saved, i, add(config.t0, (*lane).t_save), y, p);
    (*lane).culprit = select((*lane).culprit, culprit, (*lane).culprit == 0u);
    (*lane).n_saved += 1u;
    (*lane).t_save = next_save_time((*lane).n_saved);
}
