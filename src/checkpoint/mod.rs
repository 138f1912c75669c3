//! What a run has done, in a file, so that another run goes on from there.
//!
//! Every such file begins with a line of JSON: `ensolve_checkpoint` (the version of the format), `checksum` (of the text after it),
//! `of` (what the numbers depend on) and `n`. Where trajectories are stored, `kind` says so, and they follow the line
//! (`journal.rs`); statistics are in the line itself (`src/sweep/checkpoint.rs`). Work that is not finished is never replaced by other
//! work, and a run goes on only from what it is of.

pub(crate) mod fingerprint;
pub(crate) mod journal;
mod keeper;
mod line;

pub(crate) use keeper::{Keeper, Kind};
pub(crate) use line::get;

use crate::error::{Error, Result};
use crate::job::{Progress, Silent};
use crate::reduce::BLOCK;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time between two checkpoints where nothing else is said.
const EVERY: Duration = Duration::from_secs(60);

/// Between two checkpoints a backend is asked for ranges of about this part of the time between them.
const RANGE_PART: f64 = 0.25;

/// A range grows by at most this factor from one to the next.
const RANGE_GROWTH: f64 = 4.0;

/// Trajectories of the first range, before any time is known.
const FIRST_RANGE: u64 = 4096;

/// How to go about a run that may be interrupted.
#[derive(Clone, Copy)]
pub struct RunOptions<'a> {
    /// Is told how far it is.
    pub progress: &'a dyn Progress,
    /// Where to save what is done, now and then.
    pub checkpoint: Option<&'a Checkpoint>,
    /// A checkpoint to begin with; unless `checkpoint` says otherwise it is kept up to date.
    pub resume: Option<&'a PathBuf>,
}

impl Default for RunOptions<'_> {
    fn default() -> Self {
        RunOptions { progress: &Silent, checkpoint: None, resume: None }
    }
}

impl<'a> RunOptions<'a> {
    /// No checkpoints.
    pub fn reporting_to(progress: &'a dyn Progress) -> Self {
        RunOptions { progress, ..RunOptions::default() }
    }

    /// Whether anything is saved or begun with.
    pub(crate) fn has_files(&self) -> bool {
        self.checkpoint.is_some() || self.resume.is_some()
    }
}

/// Where and how often to save what is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The file. It is replaced if it is empty or a checkpoint whose run is finished, or has not got anywhere, and refused if it
    /// holds anything else.
    pub file: PathBuf,
    /// Time between two of them; one more is written at the end, and where the run is stopped or fails. Trajectories that are
    /// stored go into the file at once, and that often to the disk.
    pub every: Duration,
}

impl Checkpoint {
    /// Once a minute.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Checkpoint { file: file.into(), every: EVERY }
    }
}

/// Ranges that a backend is asked for one after the other: all at once where nothing is saved, else so that each takes a part of the
/// time between two checkpoints.
pub(crate) struct Asking {
    length: u64,
    first: u64,
    start: Instant,
}

impl Asking {
    pub fn new(keeper: &Keeper) -> Asking {
        let length = if keeper.to.is_none() { u64::MAX } else { FIRST_RANGE };
        Asking { length, first: 0, start: Instant::now() }
    }

    /// The next range.
    pub fn next(&mut self, first: u64, end: u64) -> Range<u64> {
        (self.first, self.start) = (first, Instant::now());
        first..end.min(first.saturating_add(self.length))
    }

    /// Notes up to where it came.
    ///
    /// # Errors
    /// [`Error::Device`] where that is nowhere, and the user has not stopped it.
    pub fn came_to(&mut self, at: u64, keeper: &Keeper, is_stopped: bool) -> Result<()> {
        if at == self.first && !is_stopped {
            return Err(Error::Device("a backend returned no trajectory of those it was asked for".to_string()));
        }
        let lengthened = |to: &Checkpoint| next_length(at - self.first, self.start.elapsed(), to.every);
        self.length = keeper.to.as_ref().map_or(u64::MAX, lengthened);
        Ok(())
    }
}

/// How many trajectories to ask for next, so that a range takes a part of the time between two checkpoints.
fn next_length(done: u64, took: Duration, every: Duration) -> u64 {
    let factor = RANGE_PART * every.as_secs_f64() / took.as_secs_f64().max(1e-9);
    let length = done as f64 * factor.min(RANGE_GROWTH);
    (length as u64 / BLOCK as u64).max(1) * BLOCK as u64
}
