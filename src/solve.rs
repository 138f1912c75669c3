//! Spec to result in one call: the plan of a run, chunks of trajectories through a backend, and the pieces to an
//! [`EnsembleResult`].
//!
//! Each call writes one line to the log, and more on the level of debugging, to the target of its backend (see
//! [`crate::backend`]).

mod chunks;
mod collect;
mod log;
mod storing;

pub(crate) use chunks::{Drawn, JobSource, mirrored, run_chunks};
use collect::Collector;
use log::Log;
use storing::Storing;

use crate::checkpoint::journal::Journal;
use crate::checkpoint::{Keeper, RunOptions, fingerprint};
use crate::compile::{CompiledSpec, Feature};
use crate::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::job::{Backend, Prepared, Progress, Silent};
use crate::method::Method;
use crate::plan::{Plan, describe_method, method, oriented, plan};
use crate::solution::{EnsembleResult, RunInfo, SolveResult, Timings};
use crate::spec::RunSettings;
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
    check_asked(run, ensemble, &range, options)?;
    let keeper = Keeper::new(options)?;
    check_features(spec, backend.name(), backend.supported_features())?;
    let (is_backward, tspan, n_traj) = (run.backward == Some(true), run.tspan, range.end - range.start);
    let reps = run.reps.unwrap_or(1);
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

fn check_asked(run: &RunSettings, ensemble: &Ensemble, range: &Range<u64>, options: RunOptions) -> Result<()> {
    if range.is_empty() || range.end > ensemble.size() {
        return Err(Error::run(format!(
            "there is no trajectory {} in an ensemble of {}",
            range.end.max(1) - 1,
            ensemble.size()
        )));
    }
    match run.reps {
        Some(0) => Err(Error::run("reps must be at least 1")),
        Some(reps) if reps > 1 && options.has_files() => {
            Err(Error::run("reps: a checkpoint holds a run that is made once; leave out reps, or the checkpoint"))
        }
        _ => Ok(()),
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
