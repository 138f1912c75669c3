// Save times inside a step, of one trajectory, where dense output uses stages of its own. Twin of save_until in
// src/cpu/save.rs.

// Writes every save time up to the end of an accepted step, but for what is saved after callbacks have fired. Stages that only
// dense output uses are computed for the first of them that lies inside.
fn save_until(lane: ptr<function, Lane>, i: u32, attempt: Attempt, y: State, step: Step, p: Params) {
    var dense: DenseStages;
    var has_dense = false;
    if !holds_save(lane, attempt) {
        return;
    }
    loop {
        let t_save = (*lane).t_save;
        let since = sub(sub(t_save, (*lane).tau), (*lane).tau_low);
        var y_save = step.y1_candidate;
        if !less_equal(attempt.h, since) {
            if !has_dense {
                dense = dense_stages(add((*lane).t0, (*lane).tau), y, step, p, attempt.h, time_step(lane, attempt));
                has_dense = true;
            }
            y_save = interpolate(y, step, dense, attempt.h, div(since, attempt.h));
        }
        write_row(lane, i, t_save, y_save, p);
        if !holds_save(lane, attempt) {
            return;
        }
    }
}
