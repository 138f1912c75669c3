//! What runs jobs, where the inputs come from, and who is told how far it is.
//!
//! A [`Backend`] integrates a chunk of trajectories; how a range of them is cut into chunks is its own choice, and nothing
//! depends on it.

use super::{Inputs, Job, RawOutput};
use crate::compile::Feature;
use crate::error::{Error, Result};
use crate::real::Precision;
use crate::reduce::{BLOCK, LaneSteps, Partial, Reduction, reduce};
use crate::sampling::Draws;
use std::ops::Range;
use std::time::Duration;

/// Gives the inputs of any range of trajectories.
pub trait Source: Sync {
    /// All of them, drawn on the host, in the number format of the run.
    ///
    /// # Errors
    /// [`Error::Run`] for inputs that a job cannot take ([`Job::check_inputs`]).
    fn inputs(&self, range: Range<u64>) -> Result<Inputs>;

    /// What a device may draw itself instead; `None` where inputs have to be computed on the host.
    fn draws(&self) -> Option<&Draws> {
        None
    }

    /// Of what a device draws, the rows that are listed rather than random, in the order of [`Draws::listed`].
    fn listed(&self, _range: Range<u64>) -> Vec<Vec<f64>> {
        Vec::new()
    }
}

/// Is told how far a run is, and says whether to go on.
pub trait Progress: Sync {
    /// `n` more trajectories have finished.
    fn finished(&self, n: usize);

    /// So many more steps have been attempted.
    fn stepped(&self, _steps: u64) {}

    /// `n` trajectories were done by an earlier run.
    fn resumed(&self, n: u64) {
        self.finished(usize::try_from(n).unwrap_or(usize::MAX));
    }

    /// Another part of the run begins, of `n` trajectories; `what` is how it is called before their number.
    fn begins(&self, _what: &'static str, _n: u64) {}

    /// Something that the user may want to know before the run ends.
    fn warn(&self, _what: &str) {}

    /// Whether the user wants the run to stop: trajectories that have not finished then end as
    /// [`Status::Stopped`](crate::Status::Stopped), soon.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Ignores progress.
pub struct Silent;

impl Progress for Silent {
    fn finished(&self, _: usize) {}
}

/// What making ready for a job has come to.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// What the user should know.
    pub notes: Vec<String>,
    /// Time that finding, opening and testing the device took, nothing if it was open.
    pub startup: Duration,
    /// Time that generating and compiling code took, next to nothing if it was at hand.
    pub jit: Duration,
}

/// A place to run jobs.
pub trait Backend {
    /// `cpu` or `gpu`.
    fn name(&self) -> &'static str;

    /// One line that names it: `cpu, 8 threads` or the adapter's name.
    fn describe(&self) -> String;

    /// Number format where none is asked for.
    fn default_precision(&self) -> Precision;

    /// What it can do of what a model may need.
    fn supported_features(&self) -> &'static [Feature];

    /// Most trajectories of one call of [`Backend::run`].
    fn max_chunk(&self, job: &Job) -> usize;

    /// Most rows that it can save of one trajectory.
    fn max_saved(&self, _job: &Job) -> usize {
        usize::MAX
    }

    /// Refuses a reduction whose results do not fit.
    ///
    /// # Errors
    /// [`Error::Run`] with the bytes needed and the remedy.
    fn check_reduction(&self, _job: &Job, _reduction: &Reduction) -> Result<()> {
        Ok(())
    }

    /// Makes ready for a job, so that [`Backend::run`] starts at once.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for what the machine cannot do, [`Error::Device`] or [`Error::Shader`] where it fails.
    fn prepare(&mut self, job: &Job) -> Result<Prepared>;

    /// Integrates a chunk of trajectories.
    ///
    /// # Errors
    /// [`Error::Device`] or [`Error::Shader`] where the machine fails; trajectories in trouble are no error.
    fn run(&mut self, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> Result<RawOutput>;

    /// Integrates a range of trajectories chunk by chunk, and hands the number of the first trajectory, the inputs and the
    /// output of each chunk to `sink`, in order. Where the user stops it, the last chunk is one that has been cut short.
    ///
    /// # Errors
    /// As [`Backend::run`], and what `source` and `sink` fail with.
    fn run_range(
        &mut self,
        job: &Job,
        source: &dyn Source,
        range: Range<u64>,
        progress: &dyn Progress,
        sink: &mut dyn FnMut(u64, Inputs, RawOutput) -> Result<()>,
    ) -> Result<()> {
        in_chunks(self, job, (source, range, 1), progress, sink)
    }

    /// The same, but of each chunk only what a reduction leaves is handed over. All chunks but the last begin and end at
    /// multiples of [`BLOCK`] trajectories, if the memory allows; `range` begins at one.
    ///
    /// # Errors
    /// As [`Backend::run_range`].
    fn reduce_range(
        &mut self,
        job: &Job,
        source: &dyn Source,
        range: Range<u64>,
        reduction: &Reduction,
        progress: &dyn Progress,
        sink: &mut dyn FnMut(Partial) -> Result<()>,
    ) -> Result<()> {
        in_chunks(self, job, (source, range, BLOCK as u64), progress, &mut |first, _, output| {
            sink(reduce(&output.ended(job.precision), reduction, first))
        })
    }

    /// Of the last call of [`Backend::run_range`] or [`Backend::reduce_range`]: steps that lanes went through and that
    /// trajectories needed, where the backend counts them.
    fn lane_steps(&self) -> Option<LaneSteps> {
        None
    }

    /// Limits the memory that chunks of trajectories take, in bytes.
    fn limit_memory(&mut self, _bytes: u64) {}

    /// Has trajectories whose first steps tell that they take long go first, where lanes go side by side. No result depends
    /// on it.
    fn order_by_cost(&mut self, _orders: bool) {}

    /// Has submissions to a device aim at a wall time. No result depends on it.
    fn aim_at(&mut self, _time: Duration) {}
}

/// Runs a range of trajectories chunk by chunk, each as large as the backend takes it. Chunks end at multiples of `align`
/// trajectories where the memory allows so many.
fn in_chunks<B: Backend + ?Sized>(
    backend: &mut B,
    job: &Job,
    (source, range, align): (&dyn Source, Range<u64>, u64),
    progress: &dyn Progress,
    sink: &mut dyn FnMut(u64, Inputs, RawOutput) -> Result<()>,
) -> Result<()> {
    let mut most = backend.max_chunk(job) as u64;
    let mut at = range.start;
    while at < range.end && !progress.is_stopped() {
        let end = range.end.min(chunk_end(at, most, align));
        let inputs = source.inputs(at..end)?;
        match backend.run(job, &inputs, progress) {
            Err(Error::Memory(_)) if end - at > 1 => most = (end - at).div_ceil(2),
            output => {
                sink(at, inputs, output?)?;
                at = end;
            }
        }
    }
    Ok(())
}

/// Where a chunk of at most so many trajectories ends: at a multiple of `align`, if there is one.
pub(crate) fn chunk_end(at: u64, most: u64, align: u64) -> u64 {
    let end = at.saturating_add(most.max(1));
    let aligned = end - end % align;
    if aligned > at { aligned } else { end }
}
