//! Spec to result in one call: the plan of a run, chunks of trajectories through a backend, and the pieces to an
//! [`EnsembleResult`].
//!
//! Each call writes one line to the log, and more on the level of debugging, to the target of its backend (see
//! [`crate::backend`]).

mod chunks;
mod collect;
mod log;

use chunks::take_up;
pub(crate) use chunks::{Drawn, JobSource, mirrored, run_chunks};
use collect::Collector;
use log::Log;

use crate::checkpoint::journal::{Journal, Record};
use crate::checkpoint::{FIRST_RANGE, Keeper, RunOptions, fingerprint};
use crate::compile::{CompiledSpec, Feature};
use crate::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::job::{Backend, Prepared, Progress, Silent};
use crate::method::Method;
use crate::plan::{Plan, describe_method, method, oriented, plan};
use crate::reduce::LaneSteps;
use crate::solution::{EnsembleResult, RunInfo, SolveResult, Timings};
use crate::spec::RunSettings;
use crate::status::Status;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Solves one trajectory with the model's own initial values and parameters.
///
/// # Errors
/// As [`solve_ensemble`].
pub fn solve(spec: &CompiledSpec, run: &RunSettings, backend: &mut dyn Backend) -> Result<SolveResult> {
    let result = solve_ensemble(spec, run, &Ensemble::single(), backend)?;
    Ok(SolveResult { timings: Some(result.info.timings.clone()), ..result.trajectory(0) })
}

/// Solves all trajectories of an ensemble.
///
/// # Errors
/// Settings that are out of range or contradict the model, features that the backend lacks, and failures of the
/// machine. A trajectory in trouble is no error: see [`EnsembleResult::status`].
pub fn solve_ensemble(
    spec: &CompiledSpec,
    run: &RunSettings,
    ensemble: &Ensemble,
    backend: &mut dyn Backend,
) -> Result<EnsembleResult> {
    solve_range(spec, run, ensemble, 0..ensemble.size(), backend, &Silent)
}

/// Solves some trajectories of an ensemble, reporting progress. Where the user stops it, the result holds what there is
/// until then.
///
/// # Errors
/// As [`solve_ensemble`].
pub fn solve_range(
    spec: &CompiledSpec,
    run: &RunSettings,
    ensemble: &Ensemble,
    range: Range<u64>,
    backend: &mut dyn Backend,
    progress: &dyn Progress,
) -> Result<EnsembleResult> {
    solve_range_with(spec, run, ensemble, range, backend, RunOptions::reporting_to(progress))
}

/// As [`solve_range`], with checkpoints and what an earlier run has done. The trajectories of a checkpoint are those of this run, to
/// the last bit where the backend is the same or arithmetic is exact.
///
/// # Errors
/// As [`solve_ensemble`], and checkpoints that cannot be read or written, or are of another run. Where the machine fails, the error
/// says how many trajectories are done and whether they are saved.
pub fn solve_range_with(
    spec: &CompiledSpec,
    run: &RunSettings,
    ensemble: &Ensemble,
    range: Range<u64>,
    backend: &mut dyn Backend,
    options: RunOptions,
) -> Result<EnsembleResult> {
    let start = Instant::now();
    if range.is_empty() || range.end > ensemble.size() {
        return Err(Error::run(format!(
            "there is no trajectory {} in an ensemble of {}",
            range.end.max(1) - 1,
            ensemble.size()
        )));
    }
    let (n_traj, reps) = (range.end - range.start, run.reps.unwrap_or(1));
    if reps == 0 {
        return Err(Error::run("reps must be at least 1"));
    }
    if reps > 1 && options.has_files() {
        return Err(Error::run("reps: a checkpoint holds a run that is made once; leave out reps, or the checkpoint"));
    }
    let keeper = Keeper::new(options)?;
    check_features(spec, backend.name(), backend.supported_features())?;
    let (is_backward, tspan) = (run.backward == Some(true), run.tspan);
    let (spec, run) = oriented(spec, run)?;
    let method = method(&run)?;
    let (plan, prepared) = ready(spec, (&run, tspan), &method, n_traj, backend)?;
    let of = || {
        let range = ("range", format!("{} to {}", range.start, range.end - 1));
        fingerprint::of(spec, &plan, ensemble, None).into_iter().chain([range]).collect()
    };
    let keeper = keeper.keeps(of, n_traj);
    let precision = plan.job.precision;
    let mut info = run_info(spec, &plan, ensemble, backend.describe());
    info.timings = Timings { startup: prepared.startup, jit: prepared.jit, runs: Vec::new() };
    info.warnings = [plan.warnings.as_slice(), &prepared.notes].concat();
    let mut storing = Storing {
        collector: Collector::new(spec, &plan, info, &range)?,
        journal: Journal::open(keeper, precision)?,
        drawn: Drawn { spec, ensemble, tspan: run.tspan, is_backward },
        plan,
        range,
        lane_steps: None,
    };
    for repetition in 0..reps {
        if !storing.repeat(repetition, (backend, options.progress))? {
            break;
        }
    }
    let mut result = storing.end();
    result.info.elapsed = start.elapsed();
    Log::new(spec, backend.name()).result(&result);
    Ok(result)
}

/// A run whose trajectories are stored.
struct Storing<'a> {
    plan: Plan<'a>,
    drawn: Drawn<'a>,
    range: Range<u64>,
    collector: Collector,
    journal: Journal,
    lane_steps: Option<LaneSteps>,
}

impl Storing<'_> {
    /// One repetition. One that is stopped leaves the result of the one before, has no time, and is the last.
    fn repeat(&mut self, repetition: u32, (backend, progress): (&mut dyn Backend, &dyn Progress)) -> Result<bool> {
        let start = Instant::now();
        self.lane_steps = None;
        let at = self.take_up(progress)?;
        let at = self.go_on(at, repetition > 0, (backend, progress))?;
        if repetition > 0 && at < self.range.end {
            return Ok(false);
        }
        let result = &mut self.collector.result;
        result.status[(at - self.range.start) as usize..].fill(Status::Stopped);
        result.info.timings.runs.push(start.elapsed());
        Ok(true)
    }

    /// Takes over what an earlier run has done; returns up to which trajectory.
    fn take_up(&mut self, progress: &dyn Progress) -> Result<u64> {
        let mut at = self.range.start;
        while let Some(Record { first, output }) = self.journal.next()? {
            if first != at || first + output.n_traj as u64 > self.range.end {
                return Err(self.journal.keeper().damaged());
            }
            let collector = &mut self.collector;
            take_up(&mut self.plan, self.drawn, (first, &output), &mut |chunk| collector.collect(chunk))?;
            at += output.n_traj as u64;
            progress.resumed(output.n_traj as u64);
            self.collector.result.info.n_resumed += output.n_traj as u64;
        }
        Ok(at)
    }

    /// Solves the trajectories from `at` on, range by range where they are saved as they come; returns up to which it came.
    fn go_on(
        &mut self,
        mut at: u64,
        is_again: bool,
        (backend, progress): (&mut dyn Backend, &dyn Progress),
    ) -> Result<u64> {
        let end = self.range.end;
        let mut length = if self.journal.keeper().is_idle() { end } else { FIRST_RANGE };
        while at < end && !progress.is_stopped() {
            let (start, first) = (Instant::now(), at);
            let range = first..end.min(first.saturating_add(length));
            let done = self.solve((range, &mut at), is_again, (&mut *backend, progress));
            done.map_err(|error| self.journal.keeper().explain(error, at - self.range.start))?;
            if at == first && !progress.is_stopped() {
                return Err(Error::Device("a backend returned no trajectory of those it was asked for".to_string()));
            }
            length = self.journal.keeper().next_length(at - first, start.elapsed());
        }
        self.journal.end();
        Ok(at)
    }

    /// Solves a range; `at` follows what is collected. Of any repetition but the first a chunk that is cut short is left out.
    fn solve(
        &mut self,
        (range, at): (Range<u64>, &mut u64),
        is_again: bool,
        (backend, progress): (&mut dyn Backend, &dyn Progress),
    ) -> Result<()> {
        let log = Log::new(self.drawn.spec, backend.name());
        let (collector, journal) = (&mut self.collector, &mut self.journal);
        let (mut start, mut is_cut) = (Instant::now(), false);
        run_chunks(&mut self.plan, self.drawn, (range, 1), (&mut *backend, progress), &mut |chunk| {
            let is_short = chunk.output.status.contains(&(Status::Stopped as u32));
            is_cut |= is_short;
            if is_cut && is_again {
                return Ok(());
            }
            if !is_cut && !journal.add(chunk.first, chunk.output) {
                journal.keeper().warnings.iter().for_each(|warning| progress.warn(warning));
            }
            let end = chunk.first + chunk.output.n_traj as u64;
            collector.collect(chunk)?;
            log.debug(|| format!("trajectories {at} to {} in {:?}", end - 1, start.elapsed()));
            (*at, start) = (end, Instant::now());
            Ok(())
        })?;
        // Spans of their own are solved by calls of their own, of which the backend knows the last.
        let counted = if self.plan.job.own_span { None } else { backend.lane_steps() };
        if let Some(steps) = counted {
            self.lane_steps.get_or_insert_default().add(steps);
        }
        Ok(())
    }

    /// The result.
    fn end(self) -> EnsembleResult {
        let is_backward = self.drawn.is_backward;
        let keeper = self.journal.keeper();
        let (held, warnings) = (keeper.held, keeper.warnings.clone());
        let mut result = self.collector.finish(self.drawn.spec, &self.plan);
        if is_backward {
            result.mirror();
        }
        result.info.lane_steps = self.lane_steps;
        result.info.n_saved = held;
        result.info.warnings.extend(warnings);
        result
    }
}

/// The plan of a run of `n_traj` trajectories, and the backend made ready for it; `tspan` as the user gave it.
///
/// # Errors
/// Settings that are out of range or contradict the model, and what the backend cannot do.
pub(crate) fn ready<'a>(
    spec: &'a CompiledSpec,
    (run, tspan): (&RunSettings, Option<(f64, f64)>),
    method: &'a Method,
    n_traj: u64,
    backend: &mut dyn Backend,
) -> Result<(Plan<'a>, Prepared)> {
    let log = Log::new(spec, backend.name());
    let precision = run.precision.unwrap_or_else(|| backend.default_precision());
    let is_backward = run.backward == Some(true);
    let mut plan = plan(spec, run, method, precision, n_traj).map_err(|e| mirrored(e, is_backward))?;
    plan.limit_saved(backend.max_saved(&plan.job));
    log.plan(&plan, tspan, &backend.describe(), n_traj);
    let prepared = backend.prepare(&plan.job)?;
    log.debug(|| format!("prepared: device {:?}, code {:?}", prepared.startup, prepared.jit));
    Ok((plan, prepared))
}

/// Refuses a model that needs what a backend lacks.
///
/// # Errors
/// [`Error::Unsupported`] with the features and what to use instead; [`Error::MissingFunction`] with the systems and
/// callbacks at fault where all that it lacks are functions written in Rust.
pub fn check_features(spec: &CompiledSpec, backend: &str, supported: &[Feature]) -> Result<()> {
    let lacking: Vec<Feature> =
        spec.required_features.iter().copied().filter(|feature| !supported.contains(feature)).collect();
    match lacking[..] {
        [] => return Ok(()),
        [Feature::NativeFunctions] => return spec.program.check_equations(backend),
        _ => {}
    }
    let names = |features: &[Feature]| features.iter().map(|f| f.name()).collect::<Vec<_>>().join(", ");
    let hints: Vec<String> =
        lacking.iter().map(|feature| format!("{}: {}", feature.name(), feature.remedy())).collect();
    Err(Error::Unsupported(format!(
        "{backend} does not support: [{}]; supported by it: [{}]; {}",
        names(&lacking),
        names(supported),
        hints.join("; ")
    )))
}

/// How a result is made, as far as a plan tells.
pub(crate) fn run_info(spec: &CompiledSpec, plan: &Plan, ensemble: &Ensemble, backend: String) -> RunInfo {
    let job = &plan.job;
    RunInfo {
        model: spec.name.clone(),
        backend,
        method: describe_method(job),
        precision: job.precision,
        arithmetic: job.arithmetic,
        compensated: job.compensated,
        // Spans of their own are known with the inputs.
        tspan: if job.own_span { (f64::NAN, f64::NAN) } else { (job.t0, job.t1) },
        seed: ensemble.seed(),
        sampling: ensemble.sampling(),
        warnings: Vec::new(),
        elapsed: Duration::ZERO,
        timings: Timings::default(),
        lane_steps: None,
        n_resumed: 0,
        n_saved: None,
    }
}
