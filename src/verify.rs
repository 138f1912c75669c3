//! How large the errors of a result are: a sample of its trajectories solved again far more accurately, and compared.
//!
//! In: a result and what it was made from. Out: a [`Verification`], errors in units of the run's tolerances. The reference
//! runs in f64 on the CPU at a hundredth of the tolerances, with the run's own method if that has an error estimate. It
//! judges states, not outputs, and it does not say whether the model is right.

use crate::compile::CompiledSpec;
use crate::cpu::CpuBackend;
use crate::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::job::{Backend, Inputs, Job, Progress, RawOutput, Silent};
use crate::method::Method;
use crate::plan::{self, DEFAULT_MAX_STEPS, Plan};
use crate::real::{Arithmetic, Precision, round_digits};
use crate::sampling::uniform01;
use crate::solution::{EnsembleResult, Verification, WorstError};
use crate::spec::{RunSettings, Save, SavePolicy};
use crate::stats::quantile;
use crate::status::Status;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// The reference's tolerances as a fraction of the run's: its own error is then a hundredth of a unit for each unit of the
/// run's where both follow their tolerances.
const FRACTION: f64 = 0.01;

/// How many times the steps of the run the reference may take. A method whose estimate is O(h^k) takes 100^(1/k) times as
/// many for a hundredth of the tolerance: 10 for k = 2.
const STEPS_FACTOR: u32 = 10;

/// Number of the random draw: beyond those of any state or parameter slot.
const DRAW: u32 = u32::MAX;

/// Solves `k` trajectories of a result again, far more accurately, and says how large its errors are. `spec`, `run` and
/// `ensemble` are those that the result was made from; which trajectories are taken depends on the ensemble's seed alone.
/// More than there are means all.
///
/// A tolerance bounds the error of each step, not that of the result: errors add up over the steps, and the equations
/// pass them on. Where neighbouring solutions approach each other a few units are usual, over long times of an oscillation
/// hundreds. Those of a chaotic model move apart, so that its errors grow without bound until they are as large as the
/// solution itself, at any tolerance: they then tell how far ahead the model can be predicted, and its statistics may be
/// right all the same. Random inputs are those that the run has drawn in its precision; the rounding of other initial values
/// and parameters to it counts as error. At tolerances near the rounding of f64 the reference is hardly better than the run,
/// and the errors tell an order of magnitude only.
///
/// # Errors
/// [`Error::Run`] if `k` is 0, if the result belongs to another model, run or ensemble, or if a state has no tolerance,
/// and what [`solve_ensemble`](crate::solve_ensemble) fails with. A trajectory that fails is no error: it is counted.
pub fn verify(
    spec: &CompiledSpec,
    run: &RunSettings,
    ensemble: &Ensemble,
    result: &EnsembleResult,
    k: u64,
) -> Result<Verification> {
    verify_with_progress(spec, run, ensemble, result, k, &Silent)
}

/// As [`verify()`], reporting progress. Where the user stops it, the rest of the trajectories is not compared.
///
/// # Errors
/// As [`verify()`].
pub fn verify_with_progress(
    spec: &CompiledSpec,
    run: &RunSettings,
    ensemble: &Ensemble,
    result: &EnsembleResult,
    k: u64,
    progress: &dyn Progress,
) -> Result<Verification> {
    if k == 0 {
        return Err(Error::run("0 trajectories verify nothing; give at least 1"));
    }
    let is_backward = run.backward == Some(true);
    let (spec, run) = plan::oriented(spec, &with_times(run, result)?)?;
    let run_method = plan::method(&run)?;
    let plan = plan::plan(spec, &run, &run_method, result.info.precision, result.n_traj() as u64)?;
    check_origin(&plan, is_backward, ensemble, result)?;
    let job = &plan.job;
    let method = reference_method(&run, &run_method)?;
    let mut reference = plan.clone();
    reference.job = reference_job(job, &method)?;

    let trajectories = sample(result, ensemble.seed(), k);
    let mut backend = CpuBackend::new();
    backend.prepare(&reference.job)?;
    let mut outcomes = Vec::with_capacity(trajectories.len());
    let (mut left, mut most) = (trajectories.as_slice(), backend.max_chunk(&reference.job));
    while !left.is_empty() && !progress.is_stopped() {
        let numbers = &left[..most.min(left.len())];
        let mut inputs = inputs(spec, ensemble, run.tspan, numbers, job.precision);
        reference.reserve(&inputs, numbers[0])?;
        // Spans of their own tell only now how many save times there may be.
        most = backend.max_chunk(&reference.job);
        if numbers.len() > most {
            continue;
        }
        left = &left[numbers.len()..];
        reference.settle(&mut inputs, numbers[0])?;
        let output = backend.run(&reference.job, &inputs, progress)?;
        let chunk = Comparison { job, result, output: &output };
        outcomes.par_extend(numbers.par_iter().enumerate().map(|(i, number)| chunk.outcome(i, *number)));
    }
    outcomes.resize(trajectories.len(), Outcome::Stopped);
    Ok(summary(result, &reference.job, trajectories, &outcomes))
}

/// The run with the times of the result, where every accepted step was saved.
fn with_times(run: &RunSettings, result: &EnsembleResult) -> Result<RunSettings> {
    let saves_steps = run.save == Some(Save::Steps) || run.save.is_none() && result.n_traj() == 1;
    if !saves_steps {
        return Ok(run.clone());
    }
    if result.times.is_some() {
        return Err(Error::run(
            "verify: every accepted step of several trajectories was saved, so that they have no save times in common; save at given times",
        ));
    }
    let mut times = result.t.to_vec();
    times.dedup();
    let save = Some(Save::At(times));
    Ok(RunSettings { save, save_policy: Some(SavePolicy::AsGiven), max_saved: None, ..run.clone() })
}

/// Refuses what cannot have made the result.
fn check_origin(plan: &Plan, is_backward: bool, ensemble: &Ensemble, result: &EnsembleResult) -> Result<()> {
    let (info, job, program) = (&result.info, &plan.job, plan.job.program);
    let is_other_model = result.n_state != program.n_state() || !program.row_names().eq(result.names.iter());
    let tspan = if is_backward { (0.0 - job.t0, 0.0 - job.t1) } else { (job.t0, job.t1) };
    let is_other_span = !job.own_span && info.tspan != tspan;
    let is_other_run = is_other_span || info.method != plan::describe_method(job);
    let is_other_draw = info.seed != ensemble.seed() || info.sampling != ensemble.sampling();
    let is_other_ensemble = is_other_draw || result.first + result.n_traj() as u64 > ensemble.size();
    match [("model", is_other_model), ("run", is_other_run), ("ensemble", is_other_ensemble)].iter().find(|(_, is)| *is)
    {
        None => Ok(()),
        Some((what, _)) => {
            Err(Error::run(format!("verify: the result is of another {what}; give what it was made from")))
        }
    }
}

/// The run's pair, for its error estimate has been trusted with the run already; where steps were fixed for want of one,
/// the default method. Limits and first step of the run stay: they may be there to meet a short pulse.
fn reference_method(run: &RunSettings, method: &Method) -> Result<Method> {
    let has_estimate = method.stages.error_exponent.is_some();
    let own = RunSettings { adaptive: Some(true), dt_min: None, ..run.clone() };
    plan::method(&if has_estimate { own } else { RunSettings { method: None, tableau: None, ..own } })
}

/// The run's job in f64 at a fraction of its tolerances. Below what f64 can deliver a tolerance would only fail.
fn reference_job<'a>(job: &Job<'a>, method: &'a Method) -> Result<Job<'a>> {
    let unitless = job.rtol.iter().zip(&job.atol).position(|(rtol, atol)| *rtol == 0.0 && *atol == 0.0);
    if let Some(name) = unitless.map(|slot| &job.program.state_names[slot]) {
        return Err(Error::run(format!(
            "verify: rtol and atol of '{name}' are both 0, so that its error has no unit; give one of them"
        )));
    }
    let floor = method.rtol_floor(Precision::F64);
    let tighter = |tolerance: &f64| round_digits(FRACTION * tolerance, 6);
    let steps = if job.method.is_adaptive() { job.max_steps } else { job.n_steps() };
    let reference = Job {
        method,
        precision: Precision::F64,
        arithmetic: Arithmetic::Standard,
        compensated: true,
        rtol: job.rtol.iter().map(|rtol| tighter(rtol).max(floor)).collect(),
        atol: job.atol.iter().map(tighter).collect(),
        max_steps: steps.max(DEFAULT_MAX_STEPS).saturating_mul(STEPS_FACTOR),
        ..job.clone()
    };
    reference.check()?;
    Ok(reference)
}

/// Numbers of `k` different trajectories of the result, ascending: R. Floyd's algorithm (J. Bentley, CACM 30 (1987)
/// 754-757), which draws `k` times however large the ensemble is.
fn sample(result: &EnsembleResult, seed: u64, k: u64) -> Vec<u64> {
    let n = result.n_traj() as u64;
    if k >= n {
        return (result.first..result.first + n).collect();
    }
    let mut chosen = BTreeSet::new();
    for last in n - k..n {
        // Below 2^52 trajectories the product may round up to the next whole number, no further.
        let drawn = ((uniform01(seed, last, DRAW) * (last + 1) as f64) as u64).min(last);
        if !chosen.insert(drawn) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().map(|position| result.first + position).collect()
}

/// Inputs of some trajectories, drawn in the precision of the run: [`Ensemble::inputs`] of every row of consecutive numbers, side by side.
fn inputs(
    spec: &CompiledSpec,
    ensemble: &Ensemble,
    tspan: Option<(f64, f64)>,
    numbers: &[u64],
    precision: Precision,
) -> Inputs {
    let n_traj = numbers.len();
    let n_span = if tspan.is_none() { n_traj } else { 0 };
    let mut all = Inputs {
        n_traj,
        y0: vec![0.0; spec.state_size() * n_traj],
        p: vec![0.0; spec.param_size() * n_traj],
        own_stops: vec![0.0; spec.program.n_own_stop * n_traj],
        t0: vec![0.0; n_span],
        t1: vec![0.0; n_span],
        span: vec![0.0; n_span],
        tau_save: Vec::new(),
    };
    let mut at = 0;
    for row in numbers.chunk_by(|a, b| a + 1 == *b) {
        let n = row.len();
        let part = ensemble.inputs(spec, tspan, row[0]..row[0] + n as u64, precision);
        let arrays = [
            (&mut all.y0, &part.y0),
            (&mut all.p, &part.p),
            (&mut all.own_stops, &part.own_stops),
            (&mut all.t0, &part.t0),
            (&mut all.t1, &part.t1),
            (&mut all.span, &part.span),
        ];
        for (all, part) in arrays {
            for (all, part) in all.chunks_exact_mut(n_traj).zip(part.chunks_exact(n)) {
                all[at..at + n].copy_from_slice(part);
            }
        }
        at += n;
    }
    all
}

/// What became of one trajectory of the sample.
#[derive(Clone)]
enum Outcome {
    /// Its error, and the save time and the state slot where it is; none for a model without states.
    Compared(f64, Option<(usize, usize)>),
    RunFailed,
    ReferenceFailed,
    BothFailed,
    Stopped,
}

/// A chunk of the reference beside the result.
struct Comparison<'a> {
    /// The run's, for the tolerances.
    job: &'a Job<'a>,
    result: &'a EnsembleResult,
    output: &'a RawOutput,
}

impl Comparison<'_> {
    /// Compares trajectory `i` of the chunk, which is `number` of the ensemble.
    fn outcome(&self, i: usize, number: u64) -> Outcome {
        let at = (number - self.result.first) as usize;
        let reference = self.output.status[i];
        match (self.result.status[at] == Status::Success, reference == Status::Success as u32) {
            _ if reference == Status::Stopped as u32 => Outcome::Stopped,
            (true, true) => self.largest(i, at),
            (false, true) => Outcome::RunFailed,
            (true, false) => Outcome::ReferenceFailed,
            (false, false) => Outcome::BothFailed,
        }
    }

    fn largest(&self, i: usize, at: usize) -> Outcome {
        let n_row = self.result.saved.dim().1;
        let n_save = self.output.saved.len().checked_div(n_row * self.output.n_traj).unwrap_or(0);
        let (mut largest, mut place) = (0.0, None);
        for k in 0..n_save {
            for slot in 0..self.result.n_state {
                let want = self.output.saved[(k * n_row + slot) * self.output.n_traj + i];
                let got = self.result.saved[[k, slot, at]];
                // Beyond the last save time of a trajectory with times of its own.
                if want.is_nan() && got.is_nan() {
                    continue;
                }
                let difference = (got - want).abs();
                let unit = self.job.atol[slot] + self.job.rtol[slot] * want.abs();
                // Without atol the unit of an exact zero is 0, and no difference is no error there.
                let error = if difference == 0.0 { 0.0 } else { difference / unit };
                if place.is_none() || !(error <= largest) {
                    (largest, place) = (error, Some((k, slot)));
                }
            }
        }
        Outcome::Compared(largest, place)
    }
}

fn summary(result: &EnsembleResult, reference: &Job, trajectories: Vec<u64>, outcomes: &[Outcome]) -> Verification {
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
    let mut errors = Vec::with_capacity(outcomes.len());
    let mut worst: Option<WorstError> = None;
    for (outcome, trajectory) in outcomes.iter().zip(&trajectories) {
        let Outcome::Compared(error, place) = *outcome else {
            errors.push(None);
            continue;
        };
        errors.push(Some(error));
        if let Some((k, slot)) = place
            && worst.as_ref().is_none_or(|worst| !(error <= worst.error))
        {
            let (trajectory, state) = (*trajectory, result.names[slot].clone());
            let t = result.time(k, (trajectory - result.first) as usize);
            worst = Some(WorstError { trajectory, state, t, error });
        }
    }
    let mut sorted: Vec<f64> = errors.iter().copied().flatten().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    Verification {
        trajectories,
        errors,
        quantiles: (!sorted.is_empty()).then(|| Verification::QUANTILES.map(|q| quantile(&sorted, q))),
        worst,
        n_run_failed: count(|outcome| matches!(outcome, Outcome::RunFailed)),
        n_reference_failed: count(|outcome| matches!(outcome, Outcome::ReferenceFailed)),
        n_both_failed: count(|outcome| matches!(outcome, Outcome::BothFailed)),
        n_stopped: count(|outcome| matches!(outcome, Outcome::Stopped)),
        method: plan::describe_method(reference),
        rtol: reference.rtol.clone(),
        atol: reference.atol.clone(),
    }
}
