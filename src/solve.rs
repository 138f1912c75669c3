//! Spec to result in one call: the plan of a run, chunks of trajectories through a backend, and the pieces to an
//! [`EnsembleResult`].
//!
//! Each call writes one line to the log, and more on the level of debugging, to the target of its backend (see
//! [`crate::backend`]).

use crate::compile::{CompiledSpec, Feature};
use crate::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::job::{Backend, Inputs, Job, Progress, RawOutput, Saves, Silent};
use crate::plan::{Plan, describe_method, method, oriented, plan};
use crate::solution::{EnsembleResult, Fields, Firing, RunInfo, SolveResult, Timings};
use crate::spec::RunSettings;
use crate::status::Status;
use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayView3, s};
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
    let log = Log::new(spec, backend.name());
    let (is_backward, tspan) = (run.backward == Some(true), run.tspan);
    let (spec, run) = oriented(spec, run)?;
    let method = method(&run)?;
    let precision = run.precision.unwrap_or_else(|| backend.default_precision());
    let mirrored = |e: Error| match (e, is_backward) {
        (Error::Run(text), true) => {
            Error::Run(format!("{text} (backward in time: the signs of times are changed here)"))
        }
        (e, _) => e,
    };
    if run.reps == Some(0) {
        return Err(Error::run("reps must be at least 1"));
    }
    let mut plan = plan(spec, &run, &method, precision, range.end - range.start).map_err(mirrored)?;
    plan.limit_saved(backend.max_saved(&plan.job));
    log.plan(&plan, tspan, &backend.describe(), range.end - range.start);
    let prepared = backend.prepare(&plan.job)?;
    log.debug(|| format!("prepared: device {:?}, code {:?}", prepared.startup, prepared.jit));
    let mut timings = Timings { startup: prepared.startup, jit: prepared.jit, runs: Vec::new() };
    let mut chunk = backend.max_chunk(&plan.job) as u64;
    let info = run_info(spec, &plan, ensemble, backend.describe());
    let mut collector = Collector::new(spec, &plan, info, &range)?;
    for repetition in 0..run.reps.unwrap_or(1) {
        let start = Instant::now();
        let mut at = range.start;
        while at < range.end && !progress.is_stopped() {
            let (start, end) = (Instant::now(), range.end.min(at + chunk));
            let mut inputs = ensemble.inputs(spec, run.tspan, at..end, precision);
            plan.check_spans(&inputs, at)?;
            plan.reserve(&inputs, at).map_err(mirrored)?;
            // Spans of their own tell only now how many save times there may be.
            let most = backend.max_chunk(&plan.job) as u64;
            if end - at > most {
                chunk = most;
                continue;
            }
            let times = plan.settle(&mut inputs, at).map_err(mirrored)?;
            plan.job.check_inputs(&inputs, at)?;
            let output = backend.run(&plan.job, &inputs, progress)?;
            if repetition > 0 && output.status.contains(&(Status::Stopped as u32)) {
                break;
            }
            collector.collect((at - range.start) as usize, &plan.job, &inputs, &output, times)?;
            log.debug(|| format!("trajectories {at} to {} in {:?}", end - 1, start.elapsed()));
            at = end;
        }
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
    result.info.elapsed = start.elapsed();
    result.info.warnings = [plan.warnings, prepared.notes].concat();
    log.result(&result);
    Ok(result)
}

/// What a run tells the log, each line with the title of the model.
struct Log<'a> {
    title: &'a str,
    /// `ensolve::backend::cpu` or `ensolve::backend::gpu`.
    target: String,
}

impl<'a> Log<'a> {
    fn new(spec: &'a CompiledSpec, backend: &str) -> Log<'a> {
        Log { title: spec.title(), target: format!("ensolve::backend::{backend}") }
    }

    /// A line that is made only if somebody reads it.
    fn debug(&self, line: impl FnOnce() -> String) {
        if log::log_enabled!(target: &self.target, log::Level::Debug) {
            log::debug!(target: &self.target, "{}: {}", self.title, line());
        }
    }

    /// The settings of a run, `tspan` as the user gave it.
    fn plan(&self, plan: &Plan, tspan: Option<(f64, f64)>, backend: &str, n_traj: u64) {
        let job = &plan.job;
        self.debug(|| {
            let span = tspan.map_or("own time spans".to_string(), |(t0, t1)| format!("t = {t0} to {t1}"));
            let saves = match &job.saves {
                Saves::At(tau) => format!("{} save times", tau.len()),
                Saves::Own(_) => "own save times".to_string(),
                Saves::Steps { .. } => "every accepted step saved".to_string(),
            };
            let stops = match tspan {
                Some(_) => format!("{} stops", plan.stops.len()),
                None => "own stops".to_string(),
            };
            let (method, precision) = (describe_method(job), job.precision);
            format!("{backend}, {method}, {precision}, {span}, n = {n_traj}, {saves}, {stops}")
        });
    }

    /// How it went: one line, and what the user should know.
    fn result(&self, result: &EnsembleResult) {
        let (title, target, info) = (self.title, self.target.as_str(), &result.info);
        if result.n_traj() == 1 {
            result.fired(0).for_each(|Firing { t, callbacks, .. }| {
                self.debug(|| format!("t = {t}: fired {}", callbacks.join(", ")));
            });
        }
        info.warnings.iter().for_each(|warning| log::warn!(target: target, "{title}: {warning}"));
        let n_failed = result.n_traj() - result.n_finished();
        if n_failed > 0 {
            let failed = result.status_counts().into_iter().filter(|(status, _)| *status != Status::Success);
            let ends: Vec<String> =
                failed.map(|(status, n)| format!("{n} {}: {}", status.name(), status.advice())).collect();
            let ends = ends.join("; ");
            match result.n_finished() {
                0 => log::error!(target: target, "{title}: no trajectory succeeded; {ends}"),
                _ => {
                    log::warn!(target: target, "{title}: {n_failed} of {} trajectories failed; {ends}", result.n_traj())
                }
            }
        }
        log::info!(
            target: target,
            "{title}: {} of {} trajectories finished on {} with {} in {:?}",
            result.n_finished(),
            result.n_traj(),
            info.backend,
            info.method,
            info.elapsed
        );
    }
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

fn run_info(spec: &CompiledSpec, plan: &Plan, ensemble: &Ensemble, backend: String) -> RunInfo {
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
    }
}

/// Puts the outputs of chunks together.
struct Collector {
    result: EnsembleResult,
}

impl Collector {
    /// Room for all trajectories of a range.
    fn new(spec: &CompiledSpec, plan: &Plan, info: RunInfo, range: &Range<u64>) -> Result<Collector> {
        let too_many =
            |_| Error::run(format!("{} trajectories do not fit into this machine's memory", range.end - range.start));
        let n_traj = usize::try_from(range.end - range.start).map_err(too_many)?;
        let (n_save, n_row, n_state) = (plan.t.len(), spec.program.n_row(), spec.state_size());
        let n_param = spec.param_size();
        check_memory(n_traj, n_save, n_row, n_traj.checked_mul(n_save * n_row + n_state + n_param + 3))?;
        let is_common = matches!(plan.job.saves, Saves::At(_));
        let result = EnsembleResult {
            info,
            t: Array1::from(plan.t.clone()),
            times: (!is_common).then(|| Array2::from_elem((0, n_traj), f64::NAN)),
            tspans: plan.job.own_span.then(|| vec![(f64::NAN, f64::NAN); n_traj]),
            names: spec.program.row_names().map(str::to_string).collect(),
            fields: Fields::of(spec),
            n_state,
            first: range.start,
            saved: Array3::from_elem((n_save, n_row, n_traj), f64::NAN),
            final_states: Array2::from_elem((n_state, n_traj), f64::NAN),
            parameters: Array2::from_elem((n_param, n_traj), f64::NAN),
            t_end: vec![f64::NAN; n_traj],
            status: vec![Status::Running; n_traj],
            accepted: vec![0; n_traj],
            rejected: vec![0; n_traj],
            culprit: vec![None; n_traj],
            firings: Vec::new(),
            n_cut: vec![0; n_traj],
            verification: None,
        };
        Ok(Collector { result })
    }

    /// Copies a chunk's output to its place along the trajectory axis; `times` are its save times where they are its own.
    fn collect(
        &mut self,
        start: usize,
        job: &Job,
        inputs: &Inputs,
        output: &RawOutput,
        times: Option<Vec<f64>>,
    ) -> Result<()> {
        let n_traj = output.n_traj;
        let part = start..start + n_traj;
        let mismatch = |e| Error::Device(format!("a backend returned arrays of the wrong size: {e}"));
        let times = if job.form().saves_steps { Some(times_of_steps(job, inputs, output)) } else { times };
        if let Some(times) = &times {
            self.grow(times.len() / n_traj.max(1))?;
        }
        let result = &mut self.result;
        let n_row = result.names.len();
        if let (Some(all), Some(times)) = (&mut result.times, times) {
            let times = Array2::from_shape_vec((times.len() / n_traj.max(1), n_traj), times).map_err(mismatch)?;
            all.slice_mut(s![..times.nrows(), part.clone()]).assign(&times);
        }
        let n_save = output.saved.len().checked_div(n_row * n_traj).unwrap_or(result.saved.dim().0);
        let saved = ArrayView3::from_shape((n_save, n_row, n_traj), &output.saved).map_err(mismatch)?;
        result.saved.slice_mut(s![..n_save, .., part.clone()]).assign(&saved);
        let y = ArrayView2::from_shape((result.n_state, n_traj), &output.y).map_err(mismatch)?;
        result.final_states.slice_mut(s![.., part.clone()]).assign(&y);
        let p = ArrayView2::from_shape((result.parameters.nrows(), n_traj), &inputs.p).map_err(mismatch)?;
        result.parameters.slice_mut(s![.., part.clone()]).assign(&p);
        result.t_end[part.clone()].copy_from_slice(&output.t);
        result.accepted[part.clone()].copy_from_slice(&output.accepted);
        result.rejected[part.clone()].copy_from_slice(&output.rejected);
        result.n_cut[part.clone()].copy_from_slice(&output.n_cut);
        for (i, code) in part.clone().zip(&output.culprit) {
            // What was not finite matters where that is how the trajectory ended.
            let ended_by_it = output.status[i - start] == Status::NonFinite as u32;
            result.culprit[i] = code.checked_sub(1).filter(|_| ended_by_it).map(|row| row as usize);
        }
        for (status, code) in result.status[part.clone()].iter_mut().zip(&output.status) {
            *status = Status::from_code(*code)
                .ok_or_else(|| Error::Device(format!("a backend returned the unknown status {code}")))?;
        }
        if let Some(tspans) = &mut result.tspans {
            for (i, tspan) in tspans[part].iter_mut().enumerate() {
                *tspan = (inputs.t0[i], inputs.t1[i]);
            }
            let (t0, t1) = &mut result.info.tspan;
            (*t0, *t1) = (t0.min(job.t0), t1.max(job.t1));
        }
        Ok(())
    }

    /// Makes room for rows of save times, where their number differs from trajectory to trajectory.
    fn grow(&mut self, n_save: usize) -> Result<()> {
        let result = &mut self.result;
        let (rows, n_row, n_traj) = result.saved.dim();
        let Some(times) = result.times.as_mut().filter(|_| n_save > rows) else { return Ok(()) };
        check_memory(n_traj, n_save, n_row, n_traj.checked_mul(n_save * (n_row + 1)))?;
        let mut saved = Array3::from_elem((n_save, n_row, n_traj), f64::NAN);
        saved.slice_mut(s![..rows, .., ..]).assign(&result.saved);
        let mut all = Array2::from_elem((n_save, n_traj), f64::NAN);
        all.slice_mut(s![..times.nrows(), ..]).assign(times);
        (result.saved, *times) = (saved, all);
        result.t = Array1::from_elem(n_save, f64::NAN);
        Ok(())
    }

    /// The result. The times of a single trajectory are common ones.
    fn finish(mut self, spec: &CompiledSpec, plan: &Plan) -> EnsembleResult {
        let result = &mut self.result;
        if let (1, Some(times)) = (result.n_traj(), &result.times) {
            result.t = times.column(0).to_owned();
            result.times = None;
        }
        if !plan.job.own_span || result.n_traj() == 1 {
            let mut cut = 0;
            for stop in &plan.stops {
                if !stop.callbacks.is_empty() {
                    result.firings.push(Firing {
                        t: plan.job.t0 + stop.tau,
                        callbacks: stop.callbacks.iter().map(|number| spec.callbacks[*number].name.clone()).collect(),
                        cut,
                    });
                }
                cut += stop.callbacks.len().max(1) as u32;
            }
        }
        self.result
    }
}

/// Asks for the memory of so many values first, so that too large a result is a message and not an abort.
fn check_memory(n_traj: usize, n_save: usize, n_row: usize, values: Option<usize>) -> Result<()> {
    let values = values.filter(|n| *n < isize::MAX as usize / 8);
    if values.is_some_and(|n| Vec::<f64>::new().try_reserve_exact(n).is_ok()) {
        return Ok(());
    }
    Err(Error::run(format!(
        "{n_traj} trajectories with {n_save} save times of {n_row} values do not fit into memory; save fewer times (for instance only the end) or solve fewer trajectories"
    )))
}

/// When every accepted step was saved, `[n_save][n_traj]`.
fn times_of_steps(job: &Job, inputs: &Inputs, output: &RawOutput) -> Vec<f64> {
    let time = |(at, tau): (usize, &f64)| job.time(inputs, at % output.n_traj, *tau);
    output.tau_saved.iter().enumerate().map(time).collect()
}
