//! CSV: a header, then one row for each save time; trajectories of an ensemble follow each other.
//!
//! One trajectory: `t,<column>,...`. An ensemble: `trajectory,t,<column>,...,status`. Values after a trajectory that
//! ended early are `NaN`. Where save times differ from trajectory to trajectory each has rows of its own times alone, none
//! beyond its last.

use super::shortest;
use crate::real::Precision;
use crate::solution::EnsembleResult;
use std::io::{Result, Write};

/// Writes the given rows of the result (see [`super::select`]).
///
/// # Errors
/// What the stream says.
pub fn write_csv(result: &EnsembleResult, rows: &[usize], out: impl Write) -> Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    let is_single = result.n_traj() == 1;
    let names = rows.iter().map(|row| result.names[*row].as_str());
    let before = if is_single { ["t"].as_slice() } else { &["trajectory", "t"] };
    let after = if is_single { [].as_slice() } else { &["status"] };
    writer.write_record(before.iter().copied().chain(names).chain(after.iter().copied()))?;

    let times: Vec<String> = result.t.iter().map(|t| shortest(*t, Precision::F64)).collect();
    for i in 0..result.n_traj() {
        let number = (result.first + i as u64).to_string();
        for k in 0..result.n_saved(i) {
            if !is_single {
                writer.write_field(&number)?;
            }
            match &result.times {
                None => writer.write_field(&times[k])?,
                Some(own) => writer.write_field(shortest(own[[k, i]], Precision::F64))?,
            }
            for row in rows {
                writer.write_field(shortest(result.saved[[k, *row, i]], result.info.precision))?;
            }
            if !is_single {
                writer.write_field(result.status[i].name())?;
            }
            // An empty record ends the row.
            writer.write_record(None::<&[u8]>)?;
        }
    }
    writer.flush()
}
