//! Trajectories of an ensemble through a backend, chunk by chunk.
//!
//! Where all have the same time span a backend draws and runs what it likes ([`Backend::run_range`]). Spans of their own decide how
//! many save times and stops a chunk has, so that each chunk has a job of its own: that loop is here.

use crate::compile::CompiledSpec;
use crate::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::job::{Backend, Inputs, Job, Progress, RawOutput, Source, chunk_end};
use crate::plan::Plan;
use crate::real::Precision;
use crate::sampling::Draws;
use std::ops::Range;

/// A model's ensemble, as a run sees it: with time running forward.
#[derive(Clone, Copy)]
pub struct Drawn<'a> {
    pub spec: &'a CompiledSpec,
    pub ensemble: &'a Ensemble,
    /// `None` where trajectories have time spans of their own.
    pub tspan: Option<(f64, f64)>,
    /// Whether the user's time runs backward, to say so where times are at fault.
    pub is_backward: bool,
}

impl Drawn<'_> {
    /// The inputs of a range of trajectories, on the host.
    fn draw(&self, range: Range<u64>, precision: Precision) -> Inputs {
        self.ensemble.inputs(self.spec, self.tspan, range, precision)
    }
}

/// The inputs of a job, checked.
pub struct JobSource<'a> {
    drawn: Drawn<'a>,
    job: &'a Job<'a>,
    draws: Option<Draws>,
}

impl<'a> JobSource<'a> {
    pub fn new(drawn: Drawn<'a>, job: &'a Job<'a>) -> Self {
        JobSource { draws: drawn.ensemble.draws(drawn.spec), drawn, job }
    }
}

impl Source for JobSource<'_> {
    fn draws(&self) -> Option<&Draws> {
        self.draws.as_ref()
    }

    fn listed(&self, range: Range<u64>) -> Vec<Vec<f64>> {
        self.drawn.ensemble.listed(range)
    }

    fn inputs(&self, range: Range<u64>) -> Result<Inputs> {
        let first = range.start;
        let inputs = self.drawn.draw(range, self.job.precision);
        self.job.check_inputs(&inputs, first)?;
        Ok(inputs)
    }
}

/// A chunk that has been integrated.
pub struct Chunk<'a> {
    /// Number of the first trajectory.
    pub first: u64,
    /// What was done with it.
    pub job: &'a Job<'a>,
    /// Inputs.
    pub inputs: &'a Inputs,
    /// What came of it.
    pub output: &'a RawOutput,
    /// Save times, `[n_save][n_traj]`, where trajectories have their own.
    pub times: Option<Vec<f64>>,
}

/// Runs a range of trajectories and hands over each chunk, in order. Chunks of trajectories with time spans of their own end at
/// multiples of `align`, where the memory allows so many.
pub fn run_chunks(
    plan: &mut Plan,
    drawn: Drawn,
    (range, align): (Range<u64>, u64),
    (backend, progress): (&mut dyn Backend, &dyn Progress),
    sink: &mut dyn FnMut(Chunk) -> Result<()>,
) -> Result<()> {
    if plan.job.own_span {
        return run_own_spans(plan, drawn, (range, align), (backend, progress), sink);
    }
    let source = JobSource::new(drawn, &plan.job);
    backend.run_range(&plan.job, &source, range, progress, &mut |first, inputs, output| {
        sink(Chunk { first, job: &plan.job, inputs: &inputs, output: &output, times: None })
    })
}

fn run_own_spans(
    plan: &mut Plan,
    drawn: Drawn,
    (range, align): (Range<u64>, u64),
    (backend, progress): (&mut dyn Backend, &dyn Progress),
    sink: &mut dyn FnMut(Chunk) -> Result<()>,
) -> Result<()> {
    let mut most = backend.max_chunk(&plan.job) as u64;
    let mut at = range.start;
    while at < range.end && !progress.is_stopped() {
        let end = range.end.min(chunk_end(at, most, align));
        let mut inputs = spans(plan, drawn, at..end)?;
        // Spans of their own tell only now how many save times there may be.
        let fitting = backend.max_chunk(&plan.job) as u64;
        if end - at > fitting {
            most = fitting;
            continue;
        }
        let times = settle(plan, drawn, &mut inputs, at)?;
        match backend.run(&plan.job, &inputs, progress) {
            Err(Error::Memory(_)) if end - at > 1 => most = (end - at).div_ceil(2),
            output => {
                sink(Chunk { first: at, job: &plan.job, inputs: &inputs, output: &output?, times })?;
                at = end;
            }
        }
    }
    Ok(())
}

/// The inputs of a range of trajectories with time spans of their own, and room in the plan for their save times.
fn spans(plan: &mut Plan, drawn: Drawn, range: Range<u64>) -> Result<Inputs> {
    let first = range.start;
    let inputs = drawn.draw(range, plan.job.precision);
    plan.check_spans(&inputs, first)?;
    plan.reserve(&inputs, first).map_err(|e| mirrored(e, drawn.is_backward))?;
    Ok(inputs)
}

/// Settles their stops and save times, which are returned.
fn settle(plan: &mut Plan, drawn: Drawn, inputs: &mut Inputs, first: u64) -> Result<Option<Vec<f64>>> {
    let times = plan.settle(inputs, first).map_err(|e| mirrored(e, drawn.is_backward))?;
    plan.job.check_inputs(inputs, first)?;
    Ok(times)
}

/// Hands over a chunk that an earlier run has integrated; false if it cannot be one of this run.
pub fn take_up(
    plan: &mut Plan,
    drawn: Drawn,
    (first, output): (u64, &RawOutput),
    sink: &mut dyn FnMut(Chunk) -> Result<()>,
) -> Result<bool> {
    let range = first..first + output.n_traj as u64;
    let (inputs, times) = match plan.job.own_span {
        false => (JobSource::new(drawn, &plan.job).inputs(range)?, None),
        true => {
            let mut inputs = spans(plan, drawn, range)?;
            let times = settle(plan, drawn, &mut inputs, first)?;
            (inputs, times)
        }
    };
    if !output.is_of(&plan.job) {
        return Ok(false);
    }
    sink(Chunk { first, job: &plan.job, inputs: &inputs, output, times }).map(|()| true)
}

/// Says of times that are at fault that their signs are changed, where they are.
pub fn mirrored(error: Error, is_backward: bool) -> Error {
    match (error, is_backward) {
        (Error::Run(text), true) => {
            Error::Run(format!("{text} (backward in time: the signs of times are changed here)"))
        }
        (e, _) => e,
    }
}
