//! The options of `ensolve run` for statistics, and how they override the model file's `statistics` section.

use super::vary::finite;
use clap::Args;
use ensolve::spec::{Bins, Covariance, Keep, Measure, Quantity, StatisticsSettings, check_probability};
use ensolve::{Error, Result};
use std::path::PathBuf;

#[derive(Args)]
#[command(next_help_heading = "Statistics (trajectories are not stored, so that there may be as many as you like)")]
pub struct StatisticsArgs {
    /// Compute statistics instead of storing trajectories: --out writes them then. On where the file has a 'statistics'
    /// section or an option of this group asks for something; --statistics=false stores trajectories, whatever the file says
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub statistics: Option<bool>,
    /// A number of each trajectory: min(x), max(x), time_of_min(x), time_of_max(x), time_above(x,10), integral(x) or final(x), from
    /// the save times; may be given many times
    #[arg(long, value_name = "KIND(NAME)", value_parser = Measure::parse)]
    pub summary: Vec<Measure>,
    /// Covariances of these states and outputs [default: all] at each save time, and of summaries
    #[arg(long, value_name = "NAMES", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub covariance: Option<String>,
    /// The probability of a larger value, such as 'x>10' or 'max(x)>20'; may be given many times
    #[arg(long, value_name = "QUANTITY>X", value_parser = exceed)]
    pub exceed: Vec<(Quantity, f64)>,
    /// Count values in N bins of [A, B], each with its lower end and the last with its upper end too; may be given many times
    #[arg(long, value_name = "QUANTITY=A,B,N", value_parser = histogram)]
    pub histogram: Vec<(Quantity, Bins)>,
    /// Probabilities of quantiles, from counts: to a thousandth of the range [default: 0.05,0.5,0.95]
    #[arg(long, value_name = "P", value_delimiter = ',', value_parser = probability)]
    pub quantiles: Option<Vec<f64>>,
    /// Keep some trajectories: 'largest(x,10)', 'smallest(max(x),5)', by the value at the end or a summary, or 'failed(20)'; they are
    /// solved again at the save times asked for, else at every accepted step
    #[arg(long, value_name = "WHICH", value_parser = Keep::parse)]
    pub keep: Vec<Keep>,
    /// Write the kept trajectories to FILE: .csv, .json or .npz
    #[arg(long, value_name = "FILE")]
    pub keep_out: Option<PathBuf>,
}

fn exceed(text: &str) -> std::result::Result<(Quantity, f64), String> {
    let (quantity, threshold) = text.rsplit_once('>').ok_or("expected QUANTITY>NUMBER, such as x>10")?;
    Ok((Quantity::parse(quantity)?, finite(threshold.trim())?))
}

fn histogram(text: &str) -> std::result::Result<(Quantity, Bins), String> {
    const SHAPE: &str = "expected QUANTITY=FROM,TO,BINS, such as x=-20,20,100";
    let (quantity, range) = text.rsplit_once('=').ok_or(SHAPE)?;
    let [from, to, bins] = range.split(',').map(str::trim).collect::<Vec<_>>()[..] else {
        return Err(SHAPE.to_string());
    };
    Ok((Quantity::parse(quantity)?, Bins::new(finite(from)?, finite(to)?, super::args::whole(bins)?)?))
}

fn probability(text: &str) -> std::result::Result<f64, String> {
    check_probability(finite(text.trim())?)
}

/// A megabyte: in less, chunks are of so few trajectories that a run never ends.
const LEAST_MEMORY: f64 = 1048576.0;

/// Bytes, or so many with a unit of 1024 each.
pub fn memory(text: &str) -> std::result::Result<u64, String> {
    let unit = text.chars().last().map(|c| c.to_ascii_uppercase()).and_then(|c| "KMGT".find(c));
    let (number, scale) = match unit {
        Some(power) => (&text[..text.len() - 1], 1024f64.powi(power as i32 + 1)),
        None => (text, 1.0),
    };
    let bytes = number.parse().ok().map(|n: f64| n * scale).filter(|bytes| (LEAST_MEMORY..9e15).contains(bytes));
    bytes
        .map(|bytes| bytes as u64)
        .ok_or_else(|| "expected a size of memory of at least 1M, such as 500M or 2G".to_string())
}

impl StatisticsArgs {
    /// The first option that asks for something to be computed.
    fn asked(&self) -> Option<&'static str> {
        let all = [
            ("--summary", !self.summary.is_empty()),
            ("--covariance", self.covariance.is_some()),
            ("--exceed", !self.exceed.is_empty()),
            ("--histogram", !self.histogram.is_empty()),
            ("--quantiles", self.quantiles.is_some()),
            ("--keep", !self.keep.is_empty()),
        ];
        all.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
    }

    /// What is wanted, over what the file says; `None` where trajectories are to be stored. A single one that is replayed is.
    pub fn over(&self, file: Option<&StatisticsSettings>, only: Option<u64>) -> Result<Option<StatisticsSettings>> {
        let asked = self.asked().or((self.statistics == Some(true)).then_some("--statistics"));
        if let (Some(false), Some(asked)) = (self.statistics, asked) {
            return Err(Error::run(format!(
                "--statistics=false turns off what {asked} asks for; leave out one of them"
            )));
        }
        if let (Some(i), Some(asked)) = (only, asked) {
            return Err(Error::run(format!(
                "--only {i} replays one trajectory, and {asked} is about all of them; leave out one of them"
            )));
        }
        let is_on = asked.is_some() || file.is_some() && self.statistics != Some(false) && only.is_none();
        if !is_on {
            return match self.keep_out {
                None => Ok(None),
                Some(_) => Err(Error::run(
                    "--keep-out writes what --keep chooses from trajectories that are not stored; --out writes those that are",
                )),
            };
        }
        let wanted = self.replaced(file.cloned().unwrap_or_default());
        if self.keep_out.is_some() && wanted.keep.is_empty() {
            return Err(Error::run(
                "--keep-out writes kept trajectories; say which with --keep, such as --keep 'failed(20)'",
            ));
        }
        Ok(Some(wanted))
    }

    /// Each option stands for the whole entry of the file.
    fn replaced(&self, mut wanted: StatisticsSettings) -> StatisticsSettings {
        if !self.summary.is_empty() {
            wanted.summaries = self.summary.clone();
        }
        if let Some(names) = &self.covariance {
            let names: Vec<String> = names.split(',').map(|name| name.trim().to_string()).collect();
            wanted.covariance = Some(if names == [""] { Covariance::All } else { Covariance::Of(names) });
        }
        if !self.exceed.is_empty() {
            wanted.exceed =
                self.exceed.iter().map(|(quantity, threshold)| (quantity.clone(), vec![*threshold])).collect();
        }
        if !self.histogram.is_empty() {
            wanted.histograms = self.histogram.clone();
        }
        if !self.keep.is_empty() {
            wanted.keep = self.keep.clone();
        }
        wanted.quantiles = self.quantiles.clone().or(wanted.quantiles);
        wanted
    }
}
