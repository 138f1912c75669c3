//! The constants of a kernel, emitted from their only definitions in Rust.

use super::{COMPACT_SIZE, KernelOptions, WARP};
use crate::job::{
    CountRow, FLAG_AFTER_REJECTION, FLAG_SAVED, FLAG_STARTED, LIST_ALL, LIST_HEADER, LIST_STEPS, MASK_STATUS,
    ParamRows, SLICE_SHIFT, StateRows,
};
use crate::math::TWO_OVER_PI;
use crate::program::OdeProgram;
use crate::status::Status;

/// Trajectories of one workgroup where nothing else is asked for; anything from 8 to 256 measures the same.
pub const WORKGROUP_SIZE: u32 = 64;

/// Sizes, rows, status codes.
pub fn consts(program: &OdeProgram, options: &KernelOptions) -> String {
    let rows = StateRows::new(program, options.compensated, options.form);
    let params = ParamRows::new(program, options.form.own_span);
    let mut out = String::new();
    let switches = [
        ("HAS_STOPS", program.has_stops),
        ("JUMPS_IN_TIME", program.jumps_in_time()),
        ("OWN_SPAN", options.form.own_span),
        ("SAVES_STEPS", options.form.saves_steps),
        ("SAVES_END", options.form.saves_end),
        ("Y_IS_SAVED", rows.y_is_saved),
        ("FIRST_STEP_GIVEN", options.form.first_step_given),
    ];
    for (name, value) in switches {
        out.push_str(&format!("const {name}: bool = {value};\n"));
    }
    let mut constant = |name: &str, value: usize| out.push_str(&format!("const {name}: u32 = {value}u;\n"));
    constant("WORKGROUP_SIZE", options.workgroup_size as usize);
    constant("N_TWO_OVER_PI", TWO_OVER_PI.len() / 4);
    constant("N_STATE", program.n_state());
    constant("N_TOLERANCE", program.n_state().max(1));
    constant("N_ROW", program.n_row());
    constant("ROW_Y", rows.y);
    constant("ROW_K1", rows.k1);
    constant("ROW_TAU", rows.tau);
    constant("ROW_TAU_LOW", rows.tau_low);
    constant("ROW_DT", rows.dt);
    constant("ROW_ERR_PREV", rows.err_prev);
    constant("ROW_Y_LOW", rows.y_low);
    constant("ROW_TAU_SEGMENT", rows.tau_segment);
    constant("N_OWN_STOP", program.n_own_stop);
    constant("PARAM_ROW_OWN_STOP", params.own_stop);
    constant("PARAM_ROW_T0", params.t0);
    constant("PARAM_ROW_SPAN", params.span);
    constant("LIST_HEADER", LIST_HEADER);
    constant("LIST_STEPS", LIST_STEPS);
    constant("LIST_ALL", LIST_ALL);
    constant("MASK_STATUS", MASK_STATUS as usize);
    constant("FLAG_STARTED", FLAG_STARTED as usize);
    constant("FLAG_AFTER_REJECTION", FLAG_AFTER_REJECTION as usize);
    constant("FLAG_SAVED", FLAG_SAVED as usize);
    constant("SLICE_SHIFT", SLICE_SHIFT as usize);
    for row in CountRow::ALL {
        constant(&format!("COUNT_{}", format!("{row:?}").to_uppercase()), row as usize);
    }
    for status in Status::ALL {
        constant(&format!("STATUS_{}", status.name().to_uppercase()), status as usize);
    }
    out.push_str(&format!("const REAL_EPSILON: f32 = {:?}f;\n", options.precision.epsilon() as f32));
    out
}

/// Sizes, rows and codes for the list of what is unfinished.
pub fn compact() -> String {
    let constants = [
        ("WORKGROUP_SIZE", COMPACT_SIZE as usize),
        ("WARP", WARP as usize),
        ("LIST_HEADER", LIST_HEADER),
        ("AFTER_HEADER", LIST_HEADER - 1),
        ("COUNT_STATUS", CountRow::Status as usize),
        ("LIST_ALL", LIST_ALL),
        ("COUNT_ACCEPTED", CountRow::Accepted as usize),
        ("COUNT_REJECTED", CountRow::Rejected as usize),
        ("MASK_STATUS", MASK_STATUS as usize),
        ("SLICE_SHIFT", SLICE_SHIFT as usize),
        ("STATUS_RUNNING", Status::Running as usize),
    ];
    constants.into_iter().map(|(name, value)| format!("const {name}: u32 = {value}u;\n")).collect()
}
