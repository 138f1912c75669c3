// Save times inside a step, of one trajectory. Twin of save_until in src/cpu/save.rs.
// They lie anywhere; the interpolant gives the state there and never changes the steps.

// Writes every save time up to the end of an accepted step, but for what is saved after callbacks have fired.
fn save_until(lane: ptr<function, Lane>, i: u32, attempt: Attempt, y: State, step: Step, p: Params) {
    loop {
        let since = sub(sub((*lane).t_save, (*lane).tau), (*lane).tau_low);
        let t_save = (*lane).t_save;
        let is_reached = less_equal(since, attempt.h) || (attempt.is_last && less_equal(t_save, (*lane).tau_stop));
        if SAVES_STEPS || less(t_save, real_of(0.0)) || !is_reached {
            return;
        }
        var y_save = step.y1_candidate;
        if !less_equal(attempt.h, since) {
            y_save = interpolate(y, step, attempt.h, div(since, attempt.h));
        }
        write_row(lane, i, t_save, y_save, p);
    }
}
