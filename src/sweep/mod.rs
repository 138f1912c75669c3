//! Statistics of an ensemble without storing its trajectories: as many as you like in bounded memory.
//!
//! In: a compiled model, a run, an ensemble and [`StatisticsSettings`]. Out: a [`SweepResult`]. A backend reduces chunk by chunk
//! ([`Backend::reduce_range`]); here the reductions add up, block by block in the order of the trajectories, so that no result
//! depends on chunks, on interruptions or on the number of threads. Quantiles come from counts in a range that a pilot finds: the
//! first [`PILOT`] trajectories, always the same. Trajectories to keep are chosen by value and solved again afterwards.
//!
//! Statistics are those of the save times asked for, or of the end where nothing is said.

mod checkpoint;
pub mod files;
mod fingerprint;

mod quantile;
mod result;
mod tally;
mod wanted;

pub use checkpoint::Checkpoint;
pub use quantile::Quantile;
pub use result::{Counts, Covariances, Cut, Exceedance, Kept, QuantityStatistics, SweepResult};
pub use wanted::{MOST_QUANTILES, QUANTILE_BINS};

use crate::compile::CompiledSpec;
use crate::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::job::{Backend, Prepared, Progress, Silent};
use crate::plan::{Plan, method, oriented};
use crate::reduce::{BLOCK, LaneSteps, Partial, Reduction, reduce};
use crate::solution::Timings;
use crate::solve::{Drawn, JobSource, check_features, ready, run_chunks, run_info, solve_range};
use crate::spec::{Keep, RunSettings, Save, SavePolicy, StatisticsSettings};
use crate::status::Status;
use checkpoint::{Keeper, Saved};
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tally::Tally;
use wanted::{Wanted, wanted};

/// Trajectories that find the range of the quantiles' histograms.
pub const PILOT: u64 = 4096;

/// Between two checkpoints a backend is asked for ranges of about this part of the time between them.
const RANGE_PART: f64 = 0.25;

/// A range grows by at most this factor from one to the next.
const RANGE_GROWTH: f64 = 4.0;

/// How to go about a sweep.
#[derive(Clone, Copy)]
pub struct SweepOptions<'a> {
    /// Is told how far it is.
    pub progress: &'a dyn Progress,
    /// Where to save what is done, now and then.
    pub checkpoint: Option<&'a Checkpoint>,
    /// A checkpoint to begin with; unless `checkpoint` says otherwise it is kept up to date.
    pub resume: Option<&'a PathBuf>,
}

impl Default for SweepOptions<'_> {
    fn default() -> Self {
        SweepOptions { progress: &Silent, checkpoint: None, resume: None }
    }
}

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
    sweep_with(spec, run, ensemble, statistics, backend, SweepOptions::default())
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
    options: SweepOptions,
) -> Result<SweepResult> {
    let start = Instant::now();
    check_features(spec, backend.name(), backend.supported_features())?;
    let settled = settle(spec, run, statistics)?;
    let is_backward = run.backward == Some(true);
    let (forward, oriented_run) = oriented(spec, &settled)?;
    let method = method(&oriented_run)?;
    let (plan, prepared) = ready(forward, (&oriented_run, run.tspan), &method, ensemble.size(), backend)?;
    if plan.job.form().saves_steps {
        return Err(every_step());
    }
    let names: Vec<String> = spec.program.row_names().map(str::to_string).collect();
    let wanted = wanted(statistics, &names, times(&plan, is_backward), plan.job.precision)?;
    let prints = fingerprint::of(forward, &plan, ensemble, statistics);
    let keeper = Keeper::new(options, prints, ensemble.size());
    let drawn = Drawn { spec: forward, ensemble, tspan: oriented_run.tspan, is_backward };
    let mut pass = Pass { plan, drawn, wanted, keeper, lane_steps: None, cut: None, n_resumed: 0 };
    let integration = Instant::now();
    let tally = pass.run((backend, options.progress))?;
    let timings = Timings { startup: prepared.startup, jit: prepared.jit, runs: vec![integration.elapsed()] };
    let mut result = pass.result(&tally, names, timings, backend.describe(), &prepared);
    let is_stopped = pass.cut.is_some() || result.is_partial();
    result.kept = kept(&tally, &pass.wanted);
    for kept in result.kept.iter_mut().filter(|_| !is_stopped) {
        let run = RunSettings { reps: None, ..run.clone() };
        let range = kept.trajectory..kept.trajectory + 1;
        kept.result = Some(solve_range(spec, &run, ensemble, range, backend, &Silent)?.trajectory(0));
    }
    result.info.elapsed = start.elapsed();
    Ok(result)
}

/// The run with the save times of statistics: the end alone where nothing is said, and where trajectories have time spans of their
/// own.
fn settle(spec: &CompiledSpec, run: &RunSettings, statistics: &StatisticsSettings) -> Result<RunSettings> {
    if run.reps.is_some_and(|reps| reps != 1) {
        return Err(Error::run("reps: statistics are made once; leave out reps"));
    }
    let own_span = run.tspan.is_none() && spec.own_tspan.is_some();
    match &run.save {
        Some(Save::Steps) => return Err(every_step()),
        None if run.save_policy == Some(SavePolicy::Numen) && !own_span => return Ok(run.clone()),
        None => {}
        Some(Save::Final) => {}
        Some(_) if own_span => {
            return Err(Error::run(
                "save: trajectories with time spans of their own have no save times in common; save \"final\" for statistics of their last values",
            ));
        }
        Some(_) => return Ok(run.clone()),
    }
    let mut settled = RunSettings { save: Some(Save::Final), ..run.clone() };
    if own_span {
        let has_summaries = !statistics.summaries.is_empty()
            || statistics.keep.iter().filter_map(Keep::quantity).any(is_summary)
            || statistics.exceed.iter().any(|(quantity, _)| is_summary(quantity))
            || statistics.histograms.iter().any(|(quantity, _)| is_summary(quantity));
        if has_summaries {
            return Err(Error::run(
                "statistics: summaries need save times in common, and these trajectories have time spans of their own; their last values are there by name",
            ));
        }
        if run.save_after_firing == Some(true) {
            return Err(Error::run(
                "save_after_firing: of trajectories with time spans of their own the last value before callbacks fire counts; leave it out",
            ));
        }
        settled.save_policy = Some(SavePolicy::AsGiven);
    }
    Ok(settled)
}

fn is_summary(quantity: &crate::spec::Quantity) -> bool {
    matches!(quantity, crate::spec::Quantity::Summary(_))
}

fn every_step() -> Error {
    Error::run(
        "save: statistics are made at save times in common, and accepted steps differ from trajectory to trajectory; save at given times, such as {\"points\": 11}, or \"final\"",
    )
}

/// Save times as the user has them.
fn times(plan: &Plan, is_backward: bool) -> Vec<f64> {
    match (plan.job.own_span, is_backward) {
        (true, _) => vec![f64::NAN],
        (false, true) => plan.t.iter().map(|t| 0.0 - t).collect(),
        (false, false) => plan.t.clone(),
    }
}

/// A sweep on its way.
struct Pass<'a> {
    plan: Plan<'a>,
    drawn: Drawn<'a>,
    wanted: Wanted,
    keeper: Keeper,
    lane_steps: Option<LaneSteps>,
    cut: Option<Cut>,
    n_resumed: u64,
}

impl Pass<'_> {
    fn size(&self) -> u64 {
        self.drawn.ensemble.size()
    }

    /// All trajectories, or those that are left of an earlier run.
    fn run(&mut self, (backend, progress): (&mut dyn Backend, &dyn Progress)) -> Result<Tally> {
        let mut tally = match self.keeper.resumed()? {
            Some(Saved { ranges, tally }) => {
                ranges.into_iter().for_each(|range| self.wanted.add_range(range));
                if !tally.is_of(&self.wanted) {
                    return Err(self.keeper.damaged());
                }
                self.n_resumed = tally.next;
                progress.finished(usize::try_from(tally.next).unwrap_or(usize::MAX));
                tally
            }
            None => {
                if let Some(stopped) = self.pilot((&mut *backend, progress))? {
                    return Ok(stopped);
                }
                let tally = Tally::new(&self.wanted);
                self.keeper.save(&tally, &self.wanted)?;
                tally
            }
        };
        self.go_on(&mut tally, (backend, progress))?;
        Ok(tally)
    }

    /// Has the first trajectories find the ranges of quantiles, where there are any to find. They count in the pass after it; but if
    /// the user stops the pilot they are all there is.
    fn pilot(&mut self, (backend, progress): (&mut dyn Backend, &dyn Progress)) -> Result<Option<Tally>> {
        if self.wanted.without_range().is_empty() {
            return Ok(None);
        }
        let (range, mut tally) = (0..self.size().min(PILOT), Tally::new(&self.wanted));
        let short = self.reduce(range.clone(), &mut tally, (backend, &Quiet(progress)), &mut |_, _| {})?;
        if short.is_some() || tally.next < range.end {
            short.iter().for_each(|partial| self.cut_short(&mut tally, partial));
            return Ok(Some(tally));
        }
        let is_whole = self.size() <= PILOT;
        self.wanted.set_ranges(&tally.moments, self.plan.job.precision, is_whole);
        Ok(None)
    }

    /// The trajectories that are left.
    fn go_on(&mut self, tally: &mut Tally, (backend, progress): (&mut dyn Backend, &dyn Progress)) -> Result<()> {
        let size = self.size();
        let mut length = if self.keeper.is_idle() { size } else { PILOT };
        let mut short = None;
        while tally.next < size && !progress.is_stopped() && short.is_none() {
            let (start, first) = (Instant::now(), tally.next);
            let range = first..size.min(first.saturating_add(length));
            let mut keeper = std::mem::take(&mut self.keeper);
            let save = &mut |tally: &Tally, wanted: &Wanted| keeper.save_if_due(tally, wanted);
            let done = self.reduce(range, tally, (&mut *backend, progress), save);
            self.keeper = keeper;
            short = done.map_err(|error| {
                self.keeper.save_at_end(tally, &self.wanted);
                self.keeper.explain(error, tally.next, size)
            })?;
            if tally.next == first && short.is_none() && !progress.is_stopped() {
                return Err(Error::Device("a backend returned no trajectory of those it was asked for".to_string()));
            }
            length = self.keeper.next_length(tally.next - first, start.elapsed());
        }
        self.keeper.save_at_end(tally, &self.wanted);
        short.iter().for_each(|partial| self.cut_short(tally, partial));
        Ok(())
    }

    /// Adds a range to a tally and calls `added` after each chunk. Returns a chunk that the user has cut short.
    fn reduce(
        &mut self,
        range: Range<u64>,
        tally: &mut Tally,
        (backend, progress): (&mut dyn Backend, &dyn Progress),
        added: &mut dyn FnMut(&Tally, &Wanted),
    ) -> Result<Option<Partial>> {
        let (mut short, wanted) = (None, &self.wanted);
        let mut sink = |partial: Partial| {
            // What comes after a chunk that was cut short does not follow on what is complete.
            if short.is_some() {
                return Ok(());
            }
            if partial.statuses[Status::Stopped as usize] > 0 {
                short = Some(partial);
            } else {
                tally.add(&partial, wanted);
                added(tally, wanted);
            }
            Ok(())
        };
        let (plan, reduction) = (&mut self.plan, &wanted.reduction);
        let done = reduce_range(plan, self.drawn, range, reduction, (&mut *backend, progress), &mut sink);
        if let Some(LaneSteps { executed, needed }) = backend.lane_steps() {
            let all = self.lane_steps.get_or_insert_default();
            (all.executed, all.needed) = (all.executed + executed, all.needed + needed);
        }
        done.map(|()| short)
    }

    /// A chunk that the user has stopped: it counts only if there is nothing else.
    fn cut_short(&mut self, tally: &mut Tally, partial: &Partial) {
        let is_biased = tally.next == 0;
        if is_biased {
            tally.add(partial, &self.wanted);
        }
        let n_cut = if is_biased { partial.statuses[Status::Stopped as usize] } else { partial.n_traj as u64 };
        self.cut = Some(Cut { n_cut, is_biased });
    }

    fn result(
        &self,
        tally: &Tally,
        names: Vec<String>,
        timings: Timings,
        backend: String,
        prepared: &Prepared,
    ) -> SweepResult {
        let mut info = run_info(self.drawn.spec, &self.plan, self.drawn.ensemble, backend);
        let mut failures = tally.failures.clone();
        if self.drawn.is_backward {
            info.tspan = (0.0 - info.tspan.0, 0.0 - info.tspan.1);
            failures.iter_mut().for_each(|failure| failure.t = 0.0 - failure.t);
        }
        // A chunk that was cut short may be the only one.
        failures.retain(|failure| failure.status != Status::Stopped);
        info.timings = timings;
        info.warnings =
            [self.plan.warnings.as_slice(), &prepared.notes, &self.wanted.warnings, self.keeper.warnings()].concat();
        let mut statuses = tally.statuses;
        statuses[Status::Stopped as usize] = 0;
        let n_done = statuses.iter().sum();
        SweepResult {
            info,
            t: self.wanted.reduction.times.clone(),
            quantities: result::quantities(tally, &self.wanted),
            covariances: result::covariances(tally, &self.wanted, &names),
            names,
            summaries: self.wanted.summaries.clone(),
            n_traj: self.size(),
            n_done,
            n_resumed: self.n_resumed,
            statuses,
            accepted: tally.accepted,
            rejected: tally.rejected,
            failures,
            kept: Vec::new(),
            lane_steps: self.lane_steps,
            cut: self.cut,
        }
    }
}

/// Reduces a range of trajectories, in order. Those with time spans of their own are reduced on the host.
fn reduce_range(
    plan: &mut Plan,
    drawn: Drawn,
    range: Range<u64>,
    reduction: &Reduction,
    (backend, progress): (&mut dyn Backend, &dyn Progress),
    sink: &mut dyn FnMut(Partial) -> Result<()>,
) -> Result<()> {
    if plan.job.own_span {
        return run_chunks(plan, drawn, (range, BLOCK as u64), (backend, progress), &mut |chunk| {
            sink(reduce(&chunk.output.ended(chunk.job.precision), reduction, chunk.first))
        });
    }
    let source = JobSource::new(drawn, &plan.job);
    backend.reduce_range(&plan.job, &source, range, reduction, progress, sink)
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

/// Lets a pilot be stopped, and does not count its trajectories: they come again.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn finished(&self, _: usize) {}

    fn stepped(&self, steps: u64) {
        self.0.stepped(steps);
    }

    fn is_stopped(&self) -> bool {
        self.0.is_stopped()
    }
}

/// How many trajectories to ask for next, so that a range takes a part of the time between two checkpoints.
fn next_length(done: u64, took: Duration, every: Duration) -> u64 {
    let factor = RANGE_PART * every.as_secs_f64() / took.as_secs_f64().max(1e-9);
    let length = done as f64 * factor.min(RANGE_GROWTH);
    (length as u64 / BLOCK as u64).max(1) * BLOCK as u64
}
