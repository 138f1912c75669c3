//! What a sweep has come to: sums to means, spreads, quantiles and probabilities.

use super::quantile::{Quantile, quantile};
use super::tally::Tally;
use super::wanted::{Group, Use, Wanted};
use crate::reduce::{Accumulator, Failure, Histogram, StepCount};
use crate::solution::{RunInfo, SolveResult};
use crate::spec::Keep;
use crate::status::Status;

/// Statistics of an ensemble whose trajectories are not stored, over those that succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepResult {
    /// How it was made.
    pub info: RunInfo,
    /// Save times; a single NaN where trajectories have time spans of their own, of which the last values count.
    pub t: Vec<f64>,
    /// Name of each saved value: state slots, then outputs.
    pub names: Vec<String>,
    /// Name of each number of a whole trajectory.
    pub summaries: Vec<String>,
    /// Trajectories asked for.
    pub n_traj: u64,
    /// Trajectories that have ended and count here.
    pub n_done: u64,
    /// Trajectories of each status, by its code.
    pub statuses: [u64; Status::ALL.len()],
    /// Accepted steps.
    pub accepted: StepCount,
    /// Rejected steps.
    pub rejected: StepCount,
    /// The first trajectories that failed.
    pub failures: Vec<Failure>,
    /// Statistics of every state and output at every save time, `[save][row]`, then of every summary.
    pub quantities: Vec<QuantityStatistics>,
    /// Covariances at each save time, then of summaries, where they are asked for.
    pub covariances: Vec<Covariances>,
    /// Trajectories that were kept.
    pub kept: Vec<Kept>,
    /// What was cut short, if the user stopped the run.
    pub cut: Option<Cut>,
}

/// Statistics of one number of each trajectory. There is no NaN among the values of states and outputs; but they may be infinite,
/// and what is computed from them is then infinite or NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantityStatistics {
    /// Number of values.
    pub n: u64,
    /// Arithmetic mean; NaN without values, as all that follows.
    pub mean: f64,
    /// Sample variance (n - 1); 0 for a single value.
    pub variance: f64,
    /// Its square root.
    pub std: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// The first trajectory with the smallest value.
    pub argmin: Option<u64>,
    /// The first trajectory with the largest value.
    pub argmax: Option<u64>,
    /// Quantiles.
    pub quantiles: Vec<Quantile>,
    /// Counts of values by size, where they are asked for.
    pub histograms: Vec<Counts>,
    /// Probabilities of larger values than given ones.
    pub exceedances: Vec<Exceedance>,
}

/// How many values lie in each bin.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    /// Where the first bin begins.
    pub low: f64,
    /// Where the last bin ends.
    pub high: f64,
    /// Values below.
    pub below: u64,
    /// Values in each bin, which holds its lower end; the last one holds its upper end, too.
    pub bins: Vec<u64>,
    /// Values above `high`.
    pub above: u64,
}

/// The part of all values that is above a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exceedance {
    /// The threshold.
    pub threshold: f64,
    /// Number of values above.
    pub n: u64,
    /// Their part of all; NaN without values.
    pub probability: f64,
    /// Standard error of the probability, sqrt(p (1 - p) / n).
    pub standard_error: f64,
}

/// Covariances and correlations of some quantities.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariances {
    /// Number of the save time; `None` for summaries.
    pub save: Option<usize>,
    /// The quantities.
    pub names: Vec<String>,
    /// `[a][b]`, sample covariances (n - 1).
    pub covariance: Vec<Vec<f64>>,
    /// `[a][b]`; NaN where one of them does not vary.
    pub correlation: Vec<Vec<f64>>,
}

/// A trajectory that was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Its number.
    pub trajectory: u64,
    /// The entry of the settings that it was kept for.
    pub why: Keep,
    /// By what value; NaN for one that failed.
    pub value: f64,
    /// The trajectory, solved again; `None` where the user stopped the run.
    pub result: Option<SolveResult>,
}

/// What the user's stop has left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Trajectories that had begun and not ended, or that do not count since their chunk was not whole.
    pub n_cut: u64,
    /// Whether the finished trajectories of a chunk that was cut short count: then the slow ones are missing.
    pub is_biased: bool,
}

impl SweepResult {
    /// The statistics of a state or an output at save time `save`.
    pub fn at(&self, save: usize, name: &str) -> Option<&QuantityStatistics> {
        let row = self.names.iter().position(|n| n == name)?;
        self.quantities[..self.t.len() * self.names.len()].get(save * self.names.len() + row)
    }

    /// The statistics of a summary such as `max(x)`.
    pub fn summary(&self, name: &str) -> Option<&QuantityStatistics> {
        let at = self.summaries.iter().position(|n| n == name)?;
        self.quantities.get(self.t.len() * self.names.len() + at)
    }

    /// Number of trajectories that succeeded.
    pub fn n_finished(&self) -> u64 {
        self.statuses[Status::Success as usize]
    }

    /// Whether trajectories are missing since the user stopped the run.
    pub fn is_partial(&self) -> bool {
        self.n_done < self.n_traj
    }

    /// How many trajectories ended in each way that occurred, success first.
    pub fn status_counts(&self) -> Vec<(Status, u64)> {
        Status::ALL.into_iter().zip(self.statuses).filter(|(_, n)| *n > 0).collect()
    }

    /// How many of the kept trajectories were solved again, in a sentence, where some are missing.
    pub fn kept_note(&self) -> Option<String> {
        let (n, done) = (self.kept.len(), self.kept.iter().filter(|kept| kept.result.is_some()).count());
        (done < n).then(|| format!("{done} of {n} kept trajectories were solved again"))
    }

    /// What is missing, in a sentence.
    pub fn partial_note(&self) -> Option<String> {
        let (done, n) = (self.n_done, self.n_traj);
        match self.cut {
            _ if !self.is_partial() => None,
            Some(Cut { is_biased: true, n_cut }) => Some(format!(
                "stopped before the first chunk was whole: the statistics are over the {done} of {n} trajectories that had ended by then; {n_cut} were cut short, and slow ones are missing, so that this is no fair sample"
            )),
            _ => Some(format!("stopped: the statistics are over the first {done} of {n} trajectories")),
        }
    }
}

/// The statistics of every quantity.
pub fn quantities(tally: &Tally, wanted: &Wanted) -> Vec<QuantityStatistics> {
    let mut all: Vec<QuantityStatistics> = tally.moments.iter().map(of_moments).collect();
    let mut ranges: Vec<Option<(&Histogram, &[u64])>> = vec![None; all.len()];
    let mut at = 0;
    for (histogram, what) in wanted.reduction.histograms.iter().zip(&wanted.uses) {
        let counts = &tally.counts[at..at + histogram.n_count()];
        at += counts.len();
        let quantity = histogram.quantity as usize;
        match what {
            Use::Exceed(threshold) => all[quantity].exceedances.push(exceedance(*threshold, counts)),
            Use::Counts => {
                all[quantity].histograms.push(counts_of(histogram, counts));
                ranges[quantity] = Some((histogram, counts));
            }
            Use::Quantiles => ranges[quantity] = Some((histogram, counts)),
        }
    }
    let rounding = wanted.precision.epsilon();
    for ((statistics, moments), range) in all.iter_mut().zip(&tally.moments).zip(ranges) {
        statistics.quantiles = wanted.quantiles.iter().map(|p| quantile(*p, moments, range, rounding)).collect();
    }
    all
}

fn of_moments(moments: &Accumulator) -> QuantityStatistics {
    let (nan, has_any) = (f64::NAN, moments.n > 0);
    let who = |number: u64| (number != u64::MAX).then_some(number);
    QuantityStatistics {
        n: moments.n,
        mean: if has_any { moments.mean } else { nan },
        variance: moments.variance(),
        std: moments.variance().sqrt(),
        min: if has_any { moments.min } else { nan },
        max: if has_any { moments.max } else { nan },
        argmin: who(moments.argmin),
        argmax: who(moments.argmax),
        quantiles: Vec::new(),
        histograms: Vec::new(),
        exceedances: Vec::new(),
    }
}

fn counts_of(histogram: &Histogram, counts: &[u64]) -> Counts {
    let above = counts.len() - 1;
    Counts {
        low: histogram.low,
        high: histogram.high,
        below: counts[0],
        bins: counts[1..above].to_vec(),
        above: counts[above],
    }
}

fn exceedance(threshold: f64, counts: &[u64]) -> Exceedance {
    let (n, all) = (counts[1], (counts[0] + counts[1]) as f64);
    let probability = n as f64 / all;
    Exceedance { threshold, n, probability, standard_error: (probability * (1.0 - probability) / all).sqrt() }
}

/// The covariances of every group.
pub fn covariances(tally: &Tally, wanted: &Wanted) -> Vec<Covariances> {
    wanted.groups.iter().map(|group| covariances_of(group, tally, wanted)).collect()
}

fn covariances_of(group: &Group, tally: &Tally, wanted: &Wanted) -> Covariances {
    let names = &wanted.names;
    let (n, n_saved) = (group.members.len(), wanted.reduction.times.len() * names.len());
    let name = |quantity: &u32| match (*quantity as usize).checked_sub(n_saved) {
        None => names[*quantity as usize % names.len()].clone(),
        Some(summary) => wanted.summaries[summary].clone(),
    };
    let variance = |i: usize| tally.moments[group.members[i] as usize].variance();
    // Of each row the pairs with later members stand one after the other.
    let first_of_row = |a: usize| group.first_pair + a * (2 * n - a - 1) / 2;
    let covariance_of = |a: usize, b: usize| match (a.min(b), a.max(b)) {
        (a, b) if a == b => variance(a),
        (a, b) => tally.comoments[first_of_row(a) + b - a - 1].covariance(),
    };
    let covariance: Vec<Vec<f64>> = (0..n).map(|a| (0..n).map(|b| covariance_of(a, b)).collect()).collect();
    let scale: Vec<f64> = (0..n).map(|i| variance(i).sqrt()).collect();
    let correlation = |a: usize, b: usize| match a == b && scale[a] > 0.0 && scale[a].is_finite() {
        true => 1.0,
        // Rounding may take it beyond.
        false => (covariance[a][b] / (scale[a] * scale[b])).clamp(-1.0, 1.0),
    };
    let correlation = (0..n).map(|a| (0..n).map(|b| correlation(a, b)).collect()).collect();
    Covariances { save: group.save, names: group.members.iter().map(name).collect(), covariance, correlation }
}
