//! Spec to result in one call: the plan of a run, chunks of trajectories through a backend, and the pieces to an
//! [`EnsembleResult`].
//!
//! Each call writes one line to the log, and more on the level of debugging, to the target of its backend (see
//! [`crate::backend`]).

mod chunks;
mod collect;
mod log;

pub(crate) use chunks::{Drawn, JobSource, mirrored, run_chunks};
use collect::Collector;
use log::Log;

use crate::compile::{CompiledSpec, Feature};
use crate::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::job::{Backend, Prepared, Progress, Silent};
use crate::method::Method;
use crate::plan::{Plan, describe_method, method, oriented, plan};
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
    let start = Instant::now();
    if range.is_empty() || range.end > ensemble.size() {
        return Err(Error::run(format!(
            "there is no trajectory {} in an ensemble of {}",
            range.end.max(1) - 1,
            ensemble.size()
        )));
    }
    check_features(spec, backend.name(), backend.supported_features())?;
    let (is_backward, tspan) = (run.backward == Some(true), run.tspan);
    let (spec, run) = oriented(spec, run)?;
    let method = method(&run)?;
    if run.reps == Some(0) {
        return Err(Error::run("reps must be at least 1"));
    }
    let (mut plan, prepared) = ready(spec, (&run, tspan), &method, range.end - range.start, backend)?;
    let mut timings = Timings { startup: prepared.startup, jit: prepared.jit, runs: Vec::new() };
    let info = run_info(spec, &plan, ensemble, backend.describe());
    let mut collector = Collector::new(spec, &plan, info, &range)?;
    let drawn = Drawn { spec, ensemble, tspan: run.tspan, is_backward };
    for repetition in 0..run.reps.unwrap_or(1) {
        let start = Instant::now();
        let at = collect(&mut collector, &mut plan, drawn, &range, repetition, (backend, progress))?;
        // A repetition that is stopped leaves the result of the one before, and has no time.
        if repetition > 0 && at < range.end {
            break;
        }
        collector.result.status[(at - range.start) as usize..].fill(Status::Stopped);
        timings.runs.push(start.elapsed());
    }
    let mut result = collector.finish(spec, &plan);
    if is_backward {
        result.mirror();
    }
    result.info.timings = timings;
    // Spans of their own are solved by calls of their own, of which the backend knows the last.
    result.info.lane_steps = backend.lane_steps().filter(|_| result.tspans.is_none());
    result.info.elapsed = start.elapsed();
    result.info.warnings = [plan.warnings, prepared.notes].concat();
    Log::new(spec, backend.name()).result(&result);
    Ok(result)
}

/// One repetition of a range; returns up to which trajectory it came. Of any but the first a chunk that is cut short is left out.
fn collect(
    collector: &mut Collector,
    plan: &mut Plan,
    drawn: Drawn,
    range: &Range<u64>,
    repetition: u32,
    (backend, progress): (&mut dyn Backend, &dyn Progress),
) -> Result<u64> {
    let log = Log::new(drawn.spec, backend.name());
    let (mut at, mut start, mut is_cut) = (range.start, Instant::now(), false);
    run_chunks(plan, drawn, (range.clone(), 1), (backend, progress), &mut |chunk| {
        is_cut |= repetition > 0 && chunk.output.status.contains(&(Status::Stopped as u32));
        if is_cut {
            return Ok(());
        }
        let end = chunk.first + chunk.output.n_traj as u64;
        collector.collect(chunk)?;
        log.debug(|| format!("trajectories {at} to {} in {:?}", end - 1, start.elapsed()));
        (at, start) = (end, Instant::now());
        Ok(())
    })?;
    Ok(at)
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
    }
}
