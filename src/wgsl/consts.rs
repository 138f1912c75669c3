//! The constants of a kernel, emitted from their only definitions in Rust.

use super::literal::literal;
use crate::job::{CountRow, StateRows};
use crate::program::OdeProgram;
use crate::real::Precision;
use crate::status::Status;

/// Trajectories of one workgroup; anything from 8 to 256 measures the same.
pub const WORKGROUP_SIZE: u32 = 64;

/// Sizes, rows, status codes.
pub fn consts(program: &OdeProgram, precision: Precision) -> String {
    let rows = StateRows::new(program.n_state());
    let mut out = String::new();
    let mut constant = |name: &str, value: usize| out.push_str(&format!("const {name}: u32 = {value}u;\n"));
    constant("WORKGROUP_SIZE", WORKGROUP_SIZE as usize);
    constant("N_STATE", program.n_state());
    constant("N_TOLERANCE", program.n_state().max(1));
    constant("N_ROW", program.n_row());
    constant("ROW_Y", rows.y);
    constant("ROW_K1", rows.k1);
    constant("ROW_TAU", rows.tau);
    constant("ROW_TAU_LOW", rows.tau_low);
    constant("ROW_DT", rows.dt);
    constant("ROW_ERR_PREV", rows.err_prev);
    for row in CountRow::ALL {
        constant(&format!("COUNT_{}", format!("{row:?}").to_uppercase()), row as usize);
    }
    for status in Status::ALL {
        constant(&format!("STATUS_{}", status.name().to_uppercase()), status as usize);
    }
    out.push_str(&format!("const REAL_EPSILON: real = {};\n", literal(precision.epsilon(), precision)));
    out
}
