//! Spec to result in one call: settings and defaults to a [`Job`], chunks of trajectories through a backend, and the
//! pieces to an [`EnsembleResult`].

use crate::compile::{CompiledSpec, Feature};
use crate::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::job::{Backend, Job, Progress, RawOutput, Silent};
use crate::method::{Controller, Method, Stepping};
use crate::real::Precision;
use crate::sampling::linspace;
use crate::solution::{EnsembleResult, RunInfo, SolveResult};
use crate::spec::{RunSettings, Save};
use crate::status::Status;
use crate::tolerances::{raise_to_floor, tolerances};
use ndarray::{Array1, Array2, Array3, s};
use std::ops::Range;
use std::time::Instant;

/// Method where none is named.
pub const DEFAULT_METHOD: &str = "tsit5";
/// Relative tolerance where none is given.
pub const DEFAULT_RTOL: f64 = 1e-6;
/// Absolute tolerance where none is given.
pub const DEFAULT_ATOL: f64 = 1e-8;
/// Attempted steps of one trajectory where no limit is given and the steps are adaptive.
pub const DEFAULT_MAX_STEPS: u32 = 100_000;
/// Save times of a single trajectory where none are given.
pub const DEFAULT_POINTS: usize = 101;

/// Most save times of one run.
pub const MAX_SAVE_TIMES: usize = 100_000_000;

/// What both backends can do.
pub const SUPPORTED_FEATURES: [Feature; 3] =
    [Feature::VectorFields, Feature::DiscreteFields, Feature::ContinuousFields];

/// Solves one trajectory with the model's own initial values and parameters.
///
/// # Errors
/// As [`solve_ensemble`].
pub fn solve(spec: &CompiledSpec, run: &RunSettings, backend: &mut dyn Backend) -> Result<SolveResult> {
    Ok(solve_ensemble(spec, run, &Ensemble::single(), backend)?.trajectory(0))
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
    check_features(spec, backend.name())?;
    let method = method(run)?;
    let precision = run.precision.unwrap_or_else(|| backend.default_precision());
    let (job, mut warnings) = job(spec, run, &method, precision, range.end - range.start == 1)?;
    warnings.extend(backend.prepare(&job)?);
    let mut result = empty_result(spec, &job, ensemble, &range, backend.describe())?;
    let chunk = backend.max_chunk(&job) as u64;
    let mut at = range.start;
    while at < range.end && !progress.is_stopped() {
        let end = range.end.min(at + chunk);
        let inputs = ensemble.inputs(spec, job.t0, at..end);
        job.check_inputs(&inputs)?;
        let output = backend.run(&job, &inputs, progress)?;
        collect(&mut result, (at - range.start) as usize, &output)?;
        at = end;
    }
    result.status[(at - range.start) as usize..].fill(Status::Stopped);
    result.info.elapsed = start.elapsed();
    warnings.iter().for_each(|warning| log::warn!("{}: {warning}", spec.name));
    result.info.warnings = warnings;
    log::info!(
        "{}: {} trajectories on {} in {:?}",
        spec.name,
        result.n_traj(),
        result.info.backend,
        result.info.elapsed
    );
    Ok(result)
}

/// Refuses a model that needs what no backend has.
///
/// # Errors
/// [`Error::Unsupported`] with the features and what to use instead.
pub fn check_features(spec: &CompiledSpec, backend: &str) -> Result<()> {
    let lacking: Vec<Feature> =
        spec.required_features.iter().copied().filter(|f| !SUPPORTED_FEATURES.contains(f)).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let names = |features: &[Feature]| features.iter().map(|f| f.name()).collect::<Vec<_>>().join(", ");
    let hints: Vec<&str> = lacking
        .iter()
        .map(|feature| match feature {
            Feature::ControlCallbacks => {
                "control_callbacks: remove 'callbacks', or write the controller as continuous equations"
            }
            Feature::DaeConstraints => {
                "dae_constraints: solve the constraint for its unknown and write that as a 'let'"
            }
            _ => "stops: remove 'stops', or split the run at these times",
        })
        .collect();
    Err(Error::Unsupported(format!(
        "{backend} does not support: [{}]; supported by it: [{}]; {}",
        names(&lacking),
        names(&SUPPORTED_FEATURES),
        hints.join("; ")
    )))
}

/// The method of a run: adaptive where it can be, unless a fixed step is asked for.
///
/// # Errors
/// [`Error::Method`] for unknown names and for contradictions.
pub fn method(run: &RunSettings) -> Result<Method> {
    let tableau = match run.tableau {
        Some(own) => own,
        None => crate::method::tableau(run.method.as_deref().unwrap_or(DEFAULT_METHOD))?,
    };
    let adaptive = run.adaptive.unwrap_or(tableau.error.is_some() && run.dt.is_none());
    if !adaptive {
        let dt = run
            .dt
            .ok_or_else(|| Error::Method(format!("'{}' with fixed steps needs a step size: give dt", tableau.name)))?;
        for (name, given) in [("dt_min", run.dt_min), ("dt_max", run.dt_max)] {
            if given.is_some() {
                return Err(Error::Method(format!(
                    "{name} has no meaning for fixed steps; set adaptive to true, or leave out {name}"
                )));
            }
        }
        return Method::fixed(tableau, dt);
    }
    let controller = Controller {
        dt_min: run.dt_min.unwrap_or(0.0),
        dt_max: run.dt_max.unwrap_or(f64::INFINITY),
        dt_first: run.dt,
        ..Controller::default()
    };
    Method::adaptive(tableau, controller)
}

/// Everything that a backend needs to know of a run, checked, and what the user should know of it; a `single` trajectory
/// is saved at more times by default.
///
/// # Errors
/// [`Error::Run`] with the setting at fault.
pub fn job<'a>(
    spec: &'a CompiledSpec,
    run: &RunSettings,
    method: &'a Method,
    precision: Precision,
    single: bool,
) -> Result<(Job<'a>, Vec<String>)> {
    let Some((t0, t1)) = run.tspan else {
        return Err(Error::run("tspan is missing; give a start and an end time"));
    };
    let max_steps = run.max_steps.unwrap_or(if method.is_adaptive() { DEFAULT_MAX_STEPS } else { u32::MAX });
    let default_save = if single { Save::Points(DEFAULT_POINTS) } else { Save::Points(2) };
    let mut job = Job {
        program: &spec.program,
        method,
        precision,
        arithmetic: run.arithmetic.unwrap_or_default(),
        compensated: run.compensated.unwrap_or_else(|| compensated(method, precision)),
        t0,
        t1,
        t_save: save_times(run.save.as_ref().unwrap_or(&default_save), t0, t1)?,
        rtol: tolerances(spec, "rtol", run.rtol.as_ref(), DEFAULT_RTOL)?,
        atol: tolerances(spec, "atol", run.atol.as_ref(), DEFAULT_ATOL)?,
        max_steps,
    };
    job.check()?;
    let warnings = raise_to_floor(&mut job);
    Ok((job, warnings))
}

/// Whether the state update is compensated by default: where that was measured to matter (`tests/precision.rs`). Over 10
/// Kepler orbits in f32, rk4 with 62,800 steps errs by 2e-3 without and by 6e-6 with it; Lorenz-96 of 20 states, 5000
/// steps, by 1.5e-1 and 2.7e-2. Adaptive steps at tolerances that f32 can deliver are few, and it changes their error by
/// less than a third. In f32x2, 125,000 steps over 10 orbits err by 1.4e-10 without and by 1e-12 with it.
fn compensated(method: &Method, precision: Precision) -> bool {
    match precision {
        Precision::F32 => !method.is_adaptive(),
        Precision::F32x2 => true,
        Precision::F64 => false,
    }
}

fn save_times(save: &Save, t0: f64, t1: f64) -> Result<Vec<f64>> {
    match save {
        Save::Final => Ok(vec![t1]),
        Save::At(times) if times.is_empty() => {
            Err(Error::run("the list of save times is empty; give at least one time"))
        }
        Save::At(times) => Ok(times.clone()),
        Save::Points(n) if *n < 2 => Err(Error::run(format!(
            "save points include both ends, so at least 2 are needed, got {n}; use save \"final\" for the end alone"
        ))),
        Save::Points(n) if *n > MAX_SAVE_TIMES => {
            Err(Error::run(format!("{n} save points are more than the {MAX_SAVE_TIMES} possible")))
        }
        Save::Points(n) => Ok(linspace(t0, t1, *n)),
        Save::Every(h) if !(*h > 0.0 && h.is_finite()) => {
            Err(Error::run(format!("the save interval must be positive and finite, got {h}")))
        }
        Save::Every(h) => {
            let count = (t1 - t0) / h;
            if count > MAX_SAVE_TIMES as f64 {
                return Err(Error::run(format!(
                    "a save interval of {h} makes {count:.1e} save times in tspan [{t0}, {t1}]; at most {MAX_SAVE_TIMES} are possible"
                )));
            }
            // A remainder below a millionth of an interval is rounding: the end itself takes its place.
            let inner = (count - 1e-6).ceil().max(1.0) as usize;
            Ok((0..inner).map(|k| t0 + k as f64 * h).chain([t1]).collect())
        }
    }
}

/// `tsit5, rtol 1e-6, atol 1e-9` or `rk4, dt 0.001`.
pub fn describe_method(job: &Job) -> String {
    let range = |values: &[f64]| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        if low >= high { format!("{high:e}") } else { format!("{low:e} to {high:e}") }
    };
    match job.method.stepping {
        Stepping::Fixed { dt } => format!("{}, dt {dt}", job.method.name),
        Stepping::Adaptive(_) if job.rtol.is_empty() => job.method.name.clone(),
        Stepping::Adaptive(_) => format!("{}, rtol {}, atol {}", job.method.name, range(&job.rtol), range(&job.atol)),
    }
}

fn empty_result(
    spec: &CompiledSpec,
    job: &Job,
    ensemble: &Ensemble,
    range: &Range<u64>,
    backend: String,
) -> Result<EnsembleResult> {
    let too_many =
        |_| Error::run(format!("{} trajectories do not fit into this machine's memory", range.end - range.start));
    let n_traj = usize::try_from(range.end - range.start).map_err(too_many)?;
    let (n_save, n_row, n_state) = (job.t_save.len(), spec.program.n_row(), spec.state_size());
    // Ask for the memory first, so that too large a result is a message and not an abort.
    let values = n_traj.checked_mul(n_save * n_row + n_state + 3).filter(|n| *n < isize::MAX as usize / 8);
    let available = values.is_some_and(|n| Vec::<f64>::new().try_reserve_exact(n).is_ok());
    if !available {
        return Err(Error::run(format!(
            "{n_traj} trajectories with {n_save} save times of {n_row} values do not fit into memory; save fewer times (for instance only the end) or solve fewer trajectories"
        )));
    }
    Ok(EnsembleResult {
        info: RunInfo {
            model: spec.name.clone(),
            backend,
            method: describe_method(job),
            precision: job.precision,
            arithmetic: job.arithmetic,
            compensated: job.compensated,
            tspan: (job.t0, job.t1),
            seed: ensemble.seed(),
            warnings: Vec::new(),
            elapsed: std::time::Duration::ZERO,
        },
        t: Array1::from(job.t_save.clone()),
        names: spec.program.row_names().map(str::to_string).collect(),
        n_state,
        first: range.start,
        saved: Array3::from_elem((n_save, n_row, n_traj), f64::NAN),
        final_states: Array2::from_elem((n_state, n_traj), f64::NAN),
        t_end: vec![f64::NAN; n_traj],
        status: vec![Status::Running; n_traj],
        accepted: vec![0; n_traj],
        rejected: vec![0; n_traj],
        culprit: vec![None; n_traj],
        verification: None,
    })
}

/// Copies a chunk's output to its place along the trajectory axis.
fn collect(result: &mut EnsembleResult, start: usize, output: &RawOutput) -> Result<()> {
    let part = start..start + output.n_traj;
    let (n_save, n_row, _) = result.saved.dim();
    let mismatch = |e| Error::Device(format!("a backend returned arrays of the wrong size: {e}"));
    let saved = ndarray::ArrayView3::from_shape((n_save, n_row, output.n_traj), &output.saved).map_err(mismatch)?;
    result.saved.slice_mut(s![.., .., part.clone()]).assign(&saved);
    let y = ndarray::ArrayView2::from_shape((result.n_state, output.n_traj), &output.y).map_err(mismatch)?;
    result.final_states.slice_mut(s![.., part.clone()]).assign(&y);
    result.t_end[part.clone()].copy_from_slice(&output.t);
    result.accepted[part.clone()].copy_from_slice(&output.accepted);
    result.rejected[part.clone()].copy_from_slice(&output.rejected);
    for (i, code) in part.clone().zip(&output.culprit) {
        // What was not finite matters where that is how the trajectory ended.
        let ended_by_it = output.status[i - start] == Status::NonFinite as u32;
        result.culprit[i] = code.checked_sub(1).filter(|_| ended_by_it).map(|row| row as usize);
    }
    for (status, code) in result.status[part].iter_mut().zip(&output.status) {
        *status = Status::from_code(*code)
            .ok_or_else(|| Error::Device(format!("a backend returned the unknown status {code}")))?;
    }
    Ok(())
}
