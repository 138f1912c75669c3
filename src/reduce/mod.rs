//! Many trajectories to few numbers: what a [`Reduction`] asks of the saved values of an ensemble, and the [`Partial`]
//! results of a chunk that a backend hands over instead of the trajectories.
//!
//! A *quantity* is one number of each trajectory: row r at save time s is quantity `s * n_row + r`; the [`Summary`] values
//! follow after them. Only trajectories that have succeeded count. Chunks begin at multiples of [`BLOCK`], and what is
//! summed is summed block by block: no result depends on how an ensemble is cut into chunks.
//!
//! Sums, means and comoments are f64 on the host ([`reduce`]) whatever the format of the run; summaries of a trajectory and
//! the bins of histograms are computed in that format, as a kernel does. What quantities are called, which of them a user
//! wants and how the parts of an ensemble add up is not its business.

mod merge;
mod summarize;
mod tally;

pub use summarize::summarize;
pub use tally::{bin, reduce, reduce_own};

use crate::real::Precision;
use crate::status::Status;

/// Trajectories that are summed together, by their numbers: those from `k BLOCK` to `(k + 1) BLOCK`.
pub const BLOCK: usize = 1024;

/// Most failed trajectories of a chunk that are named.
pub const NAMED_FAILURES: usize = 64;

/// What to compute of each chunk.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reduction {
    /// Save times as the user has them, one for each saved row.
    pub times: Vec<f64>,
    /// Values at each save time: states, then outputs.
    pub n_row: usize,
    /// One number each of a whole trajectory.
    pub summaries: Vec<Summary>,
    /// Pairs of quantities whose covariance is wanted.
    pub pairs: Vec<(u32, u32)>,
    /// Counts of values by size.
    pub histograms: Vec<Histogram>,
    /// Quantities whose values are handed over for every trajectory, to choose some by them.
    pub ranked: Vec<u32>,
}

impl Reduction {
    /// Number of quantities.
    pub fn n_quantity(&self) -> usize {
        self.times.len() * self.n_row + self.summaries.len()
    }

    /// Bytes of what is left of a block of trajectories.
    pub fn block_bytes(&self) -> u64 {
        (self.n_quantity() * size_of::<Accumulator>() + self.pairs.len() * size_of::<Comoment>()) as u64
    }

    /// Bins of all histograms, those below and above included.
    pub fn n_count(&self) -> usize {
        self.histograms.iter().map(Histogram::n_count).sum()
    }
}

/// A number of a whole trajectory, from the saved values of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Which number.
    pub kind: SummaryKind,
    /// The row.
    pub row: u32,
}

/// Kinds of [`Summary`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SummaryKind {
    /// The smallest saved value.
    Min,
    /// The largest saved value.
    Max,
    /// The save time of the smallest value, the first of several.
    TimeOfMin,
    /// The save time of the largest value, the first of several.
    TimeOfMax,
    /// For how long the value is above a threshold, the values between save times being on straight lines.
    TimeAbove(f64),
    /// The integral over time by the trapezoidal rule.
    Integral,
    /// The last saved value.
    Final,
}

/// Counts of the values of a quantity: those below `low`, in each of `n_bin` equal bins of [low, high], and those above `high`.
/// A bin holds its lower end, the last one its upper end, too. Without bins the values up to `high` are those below. Both ends,
/// and their distance, are numbers of the run's format.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Histogram {
    /// The quantity.
    pub quantity: u32,
    /// Where the first bin begins.
    pub low: f64,
    /// Where the last bin ends.
    pub high: f64,
    /// Number of bins between.
    pub n_bin: u32,
}

impl Histogram {
    /// Number of counts: the bins, below and above.
    pub fn n_count(&self) -> usize {
        self.n_bin as usize + 2
    }
}

/// What is kept of the values of a quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accumulator {
    /// Number of values.
    pub n: u64,
    /// Their mean.
    pub mean: f64,
    /// Sum of squares of the differences from the mean.
    pub m2: f64,
    /// The smallest; infinity if there is none.
    pub min: f64,
    /// The largest; minus infinity if there is none.
    pub max: f64,
    /// Number of the first trajectory with the smallest value.
    pub argmin: u64,
    /// Number of the first trajectory with the largest value.
    pub argmax: u64,
}

/// What is kept of a pair of quantities.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Comoment {
    /// Number of pairs.
    pub n: u64,
    /// Mean of the first quantity.
    pub mean_a: f64,
    /// Mean of the second quantity.
    pub mean_b: f64,
    /// Sum of the products of the differences from the means.
    pub c: f64,
}

/// A trajectory that has not succeeded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Failure {
    /// Its number.
    pub trajectory: u64,
    /// How it ended.
    pub status: Status,
    /// Time of its last accepted state.
    pub t: f64,
    /// The row that was not finite first, where that ended it.
    pub culprit: Option<u32>,
}

/// Number and largest of the steps of trajectories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepCount {
    /// Of all trajectories.
    pub sum: u64,
    /// Of a single one.
    pub max: u32,
}

/// Steps that lanes of the machine went through, and those among them that a trajectory needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LaneSteps {
    /// All of them: lanes that go side by side go on until the last of them is done.
    pub executed: u64,
    /// Attempted steps of trajectories.
    pub needed: u64,
}

impl LaneSteps {
    /// Counts other ones too.
    pub fn add(&mut self, other: LaneSteps) {
        self.executed += other.executed;
        self.needed += other.needed;
    }

    /// Steps executed for each one needed; `None` where nothing was counted.
    pub fn waste(&self) -> Option<f64> {
        (self.needed > 0).then(|| self.executed as f64 / self.needed as f64)
    }
}

/// What a chunk of consecutive trajectories has come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Partial {
    /// Number of the first trajectory.
    pub first: u64,
    /// Number of trajectories.
    pub n_traj: usize,
    /// `[block][quantity]`.
    pub moments: Vec<Accumulator>,
    /// `[block][pair]`.
    pub comoments: Vec<Comoment>,
    /// Counts of all histograms, one after the other: below, bins, above.
    pub counts: Vec<u64>,
    /// Number of trajectories of each status, by its code.
    pub statuses: [u64; Status::ALL.len()],
    /// Accepted steps.
    pub accepted: StepCount,
    /// Rejected steps.
    pub rejected: StepCount,
    /// The first trajectories that have not succeeded, at most [`NAMED_FAILURES`].
    pub failures: Vec<Failure>,
    /// Values of [`Reduction::ranked`], `[quantity][trajectory]`, NaN for trajectories that have not succeeded.
    pub ranked: Vec<f64>,
}

/// How the trajectories of a chunk have ended: what a reduction reads of a backend's output.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// Number format of the run.
    pub precision: Precision,
    /// Number of trajectories.
    pub n_traj: usize,
    /// Saved values, `[n_save][n_row][n_traj]`.
    pub saved: &'a [f64],
    /// Status codes.
    pub status: &'a [u32],
    /// Time of the last accepted state.
    pub t: &'a [f64],
    /// Accepted steps.
    pub accepted: &'a [u32],
    /// Rejected steps.
    pub rejected: &'a [u32],
    /// 1 and the row of the first value that was not finite; 0 if all were.
    pub culprit: &'a [u32],
}
