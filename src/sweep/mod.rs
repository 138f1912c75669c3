//! Statistics of an ensemble without storing its trajectories: as many as you like in bounded memory.
//!
//! In: a compiled model, a run, an ensemble and [`StatisticsSettings`]. Out: a [`SweepResult`]. A backend reduces chunk by chunk
//! ([`Backend::reduce_range`]); here the reductions add up, block by block in the order of the trajectories, so that no result
//! depends on chunks, on interruptions or on the number of threads. Quantiles come from counts in a range that a pilot finds: the
//! first [`PILOT`] trajectories, always the same. Trajectories to keep are chosen by value and solved again afterwards.
//!
//! Statistics are those of the save times asked for, or of the end where nothing is said. Trajectories with time spans of their own
//! have no save times in common: of each the last saved value counts, and summaries are over its own save times.

mod checkpoint;
pub mod files;
mod pass;
mod quantile;
mod result;
mod tally;
mod wanted;

pub use quantile::Quantile;
pub use result::{Counts, Covariances, Cut, Exceedance, Kept, QuantityStatistics, SweepResult};
pub use wanted::{MOST_QUANTILES, QUANTILE_BINS};

use crate::checkpoint::{Keeper, RunOptions, fingerprint};
use crate::compile::CompiledSpec;
use crate::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::job::{Backend, Prepared};
use crate::plan::{Plan, method, oriented};
use crate::solution::Timings;
use crate::solve::{Drawn, check_features, ready, run_info, solve_range};
use crate::spec::{Keep, RunSettings, Save, SavePolicy, StatisticsSettings};
use crate::status::Status;
use pass::{Pass, Quiet};
use std::time::Instant;
use tally::Tally;
use wanted::{Wanted, wanted};

/// Trajectories that find the range of the quantiles' histograms.
pub const PILOT: u64 = 4096;

/// Solves all trajectories of an ensemble and returns their statistics.
///
/// ```
/// use ensolve::spec::Measure;
/// use ensolve::{CpuBackend, Ensemble, StatisticsSettings, World, sweep};
///
/// let world = World::from_json(r#"{
///     "states": {"y": 1.0}, "parameters": {"rate": 0.5}, "derivatives": {"y": "-rate*y"}, "run": {"tspan": [0, 2]},
///     "ensemble": {"size": 10000, "vary": {"rate": {"uniform": [0.4, 0.6]}}},
///     "statistics": {"exceed": {"y": 0.4}, "keep": ["largest(y, 3)"]}
/// }"#)?;
/// let spec = world.compile()?;
/// let ensemble = Ensemble::new(&spec, &world.ensemble)?;
/// let wanted = world.statistics.clone().unwrap_or_default();
/// let result = sweep(&spec, &world.run, &ensemble, &wanted, &mut CpuBackend::new())?;
/// let end = result.at(0, "y").expect("a state");
/// assert!((end.mean - 0.37).abs() < 0.01 && end.argmax == Some(result.kept[0].trajectory));
/// # Ok::<(), ensolve::Error>(())
/// ```
///
/// # Errors
/// As [`solve_ensemble`](crate::solve_ensemble), names that are unknown in `statistics`, and save times that trajectories do not
/// have in common. A trajectory in trouble is no error: it is counted.
pub fn sweep(
    spec: &CompiledSpec,
    run: &RunSettings,
    ensemble: &Ensemble,
    statistics: &StatisticsSettings,
    backend: &mut dyn Backend,
) -> Result<SweepResult> {
    sweep_with(spec, run, ensemble, statistics, backend, RunOptions::default())
}

/// As [`sweep()`], with progress, checkpoints and what an earlier run has done. Where the user stops it, what is complete counts.
///
/// # Errors
/// As [`sweep()`], and checkpoints that cannot be read or written, or are of another run. Where the machine fails, the error says
/// how many trajectories are done and whether they are saved.
pub fn sweep_with(
    spec: &CompiledSpec,
    run: &RunSettings,
    ensemble: &Ensemble,
    statistics: &StatisticsSettings,
    backend: &mut dyn Backend,
    options: RunOptions,
) -> Result<SweepResult> {
    let start = Instant::now();
    let keeper = Keeper::new(options)?;
    check_features(spec, backend.name(), backend.supported_features())?;
    let settled = settle(spec, run)?;
    let is_backward = run.backward == Some(true);
    let (forward, oriented_run) = oriented(spec, &settled)?;
    let method = method(&oriented_run)?;
    let (plan, prepared) = ready(forward, (&oriented_run, run.tspan), &method, ensemble.size(), backend)?;
    if plan.job.form().saves_steps {
        return Err(every_step());
    }
    let names = spec.program.row_names().map(str::to_string).collect();
    let wanted = wanted(statistics, names, times(&plan, is_backward), plan.job.precision)?;
    check_size(&wanted, &plan, backend)?;
    let keeper = keeper.keeps(|| fingerprint::of(forward, &plan, ensemble, Some(statistics)), ensemble.size());
    let drawn = Drawn { spec: forward, ensemble, tspan: oriented_run.tspan, is_backward };
    let mut pass = Pass { plan, drawn, wanted, keeper, lane_steps: None, cut: None, n_resumed: 0, is_pilot_cut: false };
    let integration = Instant::now();
    let tally = pass.run((backend, options.progress))?;
    let timings = Timings { startup: prepared.startup, jit: prepared.jit, runs: vec![integration.elapsed()] };
    let mut result = of_pass(&pass, &tally, timings, backend.describe(), &prepared);
    let is_stopped = pass.cut.is_some() || result.is_partial();
    result.kept = kept(&tally, &pass.wanted);
    if !is_stopped && !result.kept.is_empty() {
        options.progress.begins("kept trajectories: ", result.kept.len() as u64);
    }
    for kept in result.kept.iter_mut().filter(|_| !is_stopped) {
        let run = RunSettings { reps: None, ..run.clone() };
        let range = kept.trajectory..kept.trajectory + 1;
        let replayed = solve_range(spec, &run, ensemble, range, backend, &Quiet(options.progress));
        if options.progress.is_stopped() {
            break;
        }
        options.progress.finished(1);
        // The statistics took their time: they count whatever becomes of a replay.
        match replayed {
            Ok(replayed) => kept.result = Some(replayed.trajectory(0)),
            Err(error) => {
                result.info.warnings.push(format!("trajectory {} cannot be solved again: {error}", kept.trajectory));
            }
        }
    }
    result.info.elapsed = start.elapsed();
    Ok(result)
}

/// The run with the save times of statistics: the end alone where nothing is said.
fn settle(spec: &CompiledSpec, run: &RunSettings) -> Result<RunSettings> {
    if run.reps.is_some_and(|reps| reps != 1) {
        return Err(Error::run("reps: statistics are made once; leave out reps"));
    }
    let own_span = run.tspan.is_none() && spec.own_tspan.is_some();
    let save = match &run.save {
        Some(Save::Steps) => return Err(every_step()),
        None if run.save_policy == Some(SavePolicy::Numen) && !own_span => return Ok(run.clone()),
        None => Save::Final,
        Some(save) => save.clone(),
    };
    let settled = RunSettings { save: Some(save), ..run.clone() };
    if !own_span {
        return Ok(settled);
    }
    if run.save_after_firing == Some(true) {
        return Err(Error::run(
            "save_after_firing: of trajectories with time spans of their own the last value before callbacks fire counts; leave it out",
        ));
    }
    Ok(RunSettings { save_policy: Some(SavePolicy::AsGiven), ..settled })
}

fn every_step() -> Error {
    Error::run(
        "save: statistics are made at save times in common, and accepted steps differ from trajectory to trajectory; save at given times, such as {\"points\": 11}, or \"final\"",
    )
}

/// Refuses statistics that do not fit, before anything is integrated. Those with time spans of their own are made on the host.
fn check_size(wanted: &Wanted, plan: &Plan, backend: &dyn Backend) -> Result<()> {
    let largest = wanted.largest_reduction()?;
    if plan.job.own_span { Ok(()) } else { backend.check_reduction(&plan.job, &largest) }
}

/// Save times as the user has them.
fn times(plan: &Plan, is_backward: bool) -> Vec<f64> {
    match (plan.job.own_span, is_backward) {
        (true, _) => vec![f64::NAN],
        (false, true) => plan.t.iter().map(|t| 0.0 - t).collect(),
        (false, false) => plan.t.clone(),
    }
}

/// What a pass has come to.
fn of_pass(pass: &Pass, tally: &Tally, timings: Timings, backend: String, prepared: &Prepared) -> SweepResult {
    let mut info = run_info(pass.drawn.spec, &pass.plan, pass.drawn.ensemble, backend);
    let mut failures = tally.failures.clone();
    if pass.drawn.is_backward {
        info.tspan = (0.0 - info.tspan.0, 0.0 - info.tspan.1);
        failures.iter_mut().for_each(|failure| failure.t = 0.0 - failure.t);
    }
    // A chunk that was cut short may be the only one.
    failures.retain(|failure| failure.status != Status::Stopped);
    info.timings = timings;
    info.lane_steps = pass.lane_steps;
    (info.n_resumed, info.n_saved) = (pass.n_resumed, pass.keeper.held);
    let of_wanted = if pass.is_pilot_cut { Vec::new() } else { pass.wanted.warnings(&tally.moments) };
    info.warnings = [pass.plan.warnings.as_slice(), &prepared.notes, &of_wanted, &pass.keeper.warnings].concat();
    let mut statuses = tally.statuses;
    statuses[Status::Stopped as usize] = 0;
    let n_done = statuses.iter().sum();
    SweepResult {
        info,
        t: pass.wanted.reduction.times.clone(),
        quantities: result::quantities(tally, &pass.wanted),
        covariances: result::covariances(tally, &pass.wanted),
        names: pass.wanted.names.clone(),
        summaries: pass.wanted.summaries.clone(),
        n_traj: pass.size(),
        n_done,
        statuses,
        accepted: tally.accepted,
        rejected: tally.rejected,
        failures,
        kept: Vec::new(),
        cut: pass.cut,
    }
}

/// The trajectories chosen, in the order of the settings, not yet solved again.
fn kept(tally: &Tally, wanted: &Wanted) -> Vec<Kept> {
    let mut all = Vec::new();
    for ((keep, _), best) in wanted.keep.iter().zip(&tally.best) {
        let one = |(trajectory, value)| Kept { trajectory, why: keep.clone(), value, result: None };
        match keep {
            Keep::Failed(count) => {
                let failed = tally.failures.iter().filter(|failure| failure.status != Status::Stopped);
                all.extend(failed.take(*count).map(|failure| one((failure.trajectory, f64::NAN))));
            }
            _ => all.extend(best.iter().copied().map(one)),
        }
    }
    all
}
