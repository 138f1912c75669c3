//! Statistics and kept trajectories to files: CSV, JSON and NPZ, chosen by the file's extension.
//!
//! In: a [`SweepResult`] and the columns wanted. Out: a whole file or none, as in [`crate::output`].

mod kept;
mod statistics;

use super::SweepResult;
use crate::error::{Error, Result};
use crate::output::{Format, replace, select};
use crate::spec::{Covariance, StatisticsSettings};
use std::path::Path;

/// Writes statistics to a file in the format of its extension; an older file of that name is replaced. `columns` are states and
/// outputs, all if none are named; summaries are always there.
///
/// CSV has a row for each save time and quantity: `t,quantity,n,n_done,n_asked,mean,std,min,min_trajectory,max,max_trajectory`, columns `q<p>`,
/// `q<p>_low` and `q<p>_high` for each quantile and the ends of its interval, and `p>threshold` for each threshold, empty where
/// there is none; `t` is empty for summaries; histograms and covariances are not there ([`left_out`]). JSON has everything; what is
/// infinite or not a number is null there. NPZ has `t`, and for each quantity `<name>.mean`, `.variance`, `.std`, `.min`, `.max`,
/// `.min_trajectory` and `.max_trajectory` (-1 where there is none), `.n`, and `.quantiles`, `.quantiles_low` and `.quantiles_high` of
/// `meta.quantiles`, the last axis being that of the save times; where they are asked for `.thresholds`, `.exceed` (probabilities) and
/// `.exceed_n`, and `.counts` (below, bins, above) with `.range`, `.counts_2` with `.range_2` and so on of each histogram;
/// `meta.status` (trajectories by code), `meta.n_done` of `meta.n` trajectories asked for, `meta.covariance` in the order of the columns, or of the names asked for, and
/// `meta.summary_covariance`.
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
    .map(drop)
}

/// What is asked for that a file of this name does not hold, in a sentence.
pub fn left_out(statistics: &StatisticsSettings, path: &Path) -> Option<&'static str> {
    let has_covariance = statistics.covariance.as_ref().is_some_and(|wanted| *wanted != Covariance::None);
    match (Format::of(path), !statistics.histograms.is_empty(), has_covariance) {
        (Ok(Format::Csv), true, true) => Some("CSV has no histograms and no covariances; .json and .npz have them"),
        (Ok(Format::Csv), true, false) => Some("CSV has no histograms; .json and .npz have them"),
        (Ok(Format::Csv), false, true) => Some("CSV has no covariances; .json and .npz have them"),
        _ => None,
    }
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
    .map(drop)
}
