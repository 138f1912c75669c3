// Save times inside a step, of one trajectory. Twin of save_until in src/cpu/save.rs.
// They lie anywhere; the interpolant gives the state there and never changes the steps.

// Writes every save time up to the end of an accepted step, but for what is saved after callbacks have fired.
fn save_until(lane: ptr<function, Lane>, i: u32, attempt: Attempt, y: State, step: Step, p: Params) {
    if !holds_save(lane, attempt) {
        return;
    }
    loop {
        let t_save = (*lane).t_save;
        let since = sub(sub(t_save, (*lane).tau), (*lane).tau_low);
        var y_save = step.y1_candidate;
        if !less_equal(attempt.h, since) {
            y_save = interpolate(y, step, attempt.h, div(since, attempt.h));
        }
        write_row(lane, i, t_save, y_save, p);
        if !holds_save(lane, attempt) {
            return;
        }
    }
}
