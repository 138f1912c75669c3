//! Statistics and kept trajectories to files: CSV, JSON and NPZ, chosen by the file's extension.
//!
//! In: a [`SweepResult`] and the columns wanted. Out: a whole file or none, as in [`crate::output`].

mod kept;
mod statistics;

use super::SweepResult;
use crate::error::{Error, Result};
use crate::output::{Format, replace, select};
use std::path::Path;

/// Writes statistics to a file in the format of its extension; an older file of that name is replaced. `columns` are states and
/// outputs, all if none are named; summaries are always there.
///
/// CSV has a row for each save time and quantity: `t,quantity,n,mean,std,min,min_trajectory,max,max_trajectory`, a column `q<p>`
/// for each quantile and `p>threshold` for each threshold, empty where there is none; `t` is empty for summaries. JSON has
/// everything. NPZ has `t`, and for each quantity `<name>.mean`, `.std`, `.min`, `.max`, `.n` and `.quantiles` of `meta.quantiles`, the
/// last axis being that of the save times, `<name>.counts` (below, bins, above) and `<name>.range` where a histogram was asked for,
/// `meta.status` (trajectories by code) and `meta.covariance`.
///
/// # Errors
/// As [`crate::output::write`].
pub fn write(result: &SweepResult, path: &Path, columns: Option<&[String]>) -> Result<()> {
    let (format, rows) = (Format::of(path)?, select(&result.names, columns)?);
    replace(path, |out| match format {
        Format::Csv => statistics::csv(result, &rows, out),
        Format::Json => statistics::json(result, &rows, out),
        #[cfg(feature = "npz")]
        Format::Npz => statistics::npz(result, &rows, out),
    })
}

/// Writes the kept trajectories to a file in the format of its extension.
///
/// CSV: `trajectory,t,<column>,...,status`. JSON: a list of objects, each with why it was kept. NPZ: `trajectory`, `t` and each column
/// of shape (n_kept, n_save) with NaN beyond the last save time of each, `param.<name>` and `meta.status`. One that was kept for two
/// reasons is there once.
///
/// # Errors
/// As [`crate::output::write`], and where nothing was kept.
pub fn write_kept(result: &SweepResult, path: &Path, columns: Option<&[String]>) -> Result<()> {
    let (format, rows) = (Format::of(path)?, select(&result.names, columns)?);
    let trajectories = kept::trajectories(result);
    if trajectories.is_empty() {
        return Err(Error::file(path, "there is nothing to write: no trajectory was kept"));
    }
    replace(path, |out| match format {
        Format::Csv => kept::csv(result, &trajectories, &rows, out),
        Format::Json => kept::json(result, &trajectories, &rows, out),
        #[cfg(feature = "npz")]
        Format::Npz => kept::npz(result, &trajectories, &rows, out),
    })
}
