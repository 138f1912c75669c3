//! Results: one trajectory ([`SolveResult`]) or an ensemble of them ([`EnsembleResult`]).
//!
//! Values are f64 whatever the precision of the run; `precision` tells how many of their digits mean something.

use crate::compile::{CompiledSpec, SlotRange, title};
use crate::real::{Arithmetic, Precision};
use crate::reduce::LaneSteps;
use crate::sampling::Sampling;
use crate::spec::Map;
use crate::status::Status;
use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, Axis, s};
use std::sync::Arc;
use std::time::Duration;

/// How a result was made, for summaries and files.
#[derive(Debug, Clone, PartialEq)]
pub struct RunInfo {
    /// Title of the model.
    pub model: String,
    /// The backend, one line.
    pub backend: String,
    /// Name of the method and its step-size rule, with tolerances or step.
    pub method: String,
    /// Number format of the run.
    pub precision: Precision,
    /// What a compiler was allowed to do with the arithmetic.
    pub arithmetic: Arithmetic,
    /// Whether the rounding of the state was carried from step to step.
    pub compensated: bool,
    /// Start and end time; where trajectories have spans of their own, the first start and the last end, NaN if the user
    /// stopped the run before any began.
    pub tspan: (f64, f64),
    /// Seed of the ensemble's random draws.
    pub seed: u64,
    /// How these were spread over the trajectories.
    pub sampling: Sampling,
    /// What the user should know about the accuracy of the run.
    pub warnings: Vec<String>,
    /// Wall time of the whole call.
    pub elapsed: Duration,
    /// Where it went, and the search for the adapter before it.
    pub timings: Timings,
    /// Steps of lanes and of trajectories, where the backend counts them.
    pub lane_steps: Option<LaneSteps>,
    /// Trajectories that come from the checkpoint with which the run began.
    pub n_resumed: u64,
    /// Trajectories in the checkpoint, from which another run may go on; `None` where none was written.
    pub n_saved: Option<u64>,
}

impl RunInfo {
    /// Title of the model for people.
    pub fn title(&self) -> &str {
        title(&self.model)
    }
}

/// Wall times of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timings {
    /// Finding the adapter, which comes before the call, opening and testing it; nothing if it was open.
    pub startup: Duration,
    /// Generating and compiling code; next to nothing if it was at hand.
    pub jit: Duration,
    /// Drawing inputs, integrating and collecting, for each repetition.
    pub runs: Vec<Duration>,
}

impl Timings {
    /// Milliseconds of each repetition.
    pub fn timings_ms(&self) -> Vec<f64> {
        self.runs.iter().map(|run| 1e3 * run.as_secs_f64()).collect()
    }

    /// Milliseconds of finding, opening and testing the device.
    pub fn startup_ms(&self) -> f64 {
        1e3 * self.startup.as_secs_f64()
    }

    /// Milliseconds of generating and compiling code.
    pub fn jit_ms(&self) -> f64 {
        1e3 * self.jit.as_secs_f64()
    }

    /// Milliseconds of the fastest repetition but the first; `None` if there is only one.
    pub fn warm_ms(&self) -> Option<f64> {
        self.timings_ms().into_iter().skip(1).reduce(f64::min)
    }
}

/// A time at which callbacks fire.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// When.
    pub t: f64,
    /// Their names, in the order in which they fire.
    pub callbacks: Vec<String>,
    /// Its number among the firings and other stops of the schedule.
    pub(crate) cut: u32,
}

/// Where the fields of a model lie in the rows of a result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields {
    /// State key to its slots.
    pub states: Map<SlotRange>,
    /// Parameter key to its slots.
    pub parameters: Map<SlotRange>,
    /// Output key to its slots.
    pub outputs: Map<SlotRange>,
    /// Whether each state slot is one of a discrete field, which keeps its value between firings.
    pub is_discrete: Vec<bool>,
    /// Name of each parameter slot.
    pub parameter_names: Vec<String>,
}

impl Fields {
    /// The fields of a model.
    pub fn of(spec: &CompiledSpec) -> Arc<Fields> {
        Arc::new(Fields {
            states: spec.state_index_map.clone(),
            parameters: spec.param_index_map.clone(),
            outputs: spec.output_index_map.clone(),
            is_discrete: spec.is_discrete.clone(),
            parameter_names: spec.program.param_names.clone(),
        })
    }
}

/// One trajectory.
#[derive(Debug, Clone, PartialEq)]
pub struct SolveResult {
    /// Save times, shape (n_steps,).
    pub t: Array1<f64>,
    /// Parameters, shape (param_size,).
    pub p: Array1<f64>,
    /// Where the fields of the model lie.
    pub fields: Arc<Fields>,
    /// States, shape (state_size, n_steps); NaN after a trajectory that ended early.
    pub x: Array2<f64>,
    /// Outputs, shape (n_output, n_steps).
    pub outputs: Array2<f64>,
    /// Name of each row of `x`, then of `outputs`.
    pub names: Vec<String>,
    /// How it ended.
    pub status: Status,
    /// Accepted steps.
    pub accepted: u32,
    /// Rejected steps.
    pub rejected: u32,
    /// Time of the last accepted step.
    pub t_end: f64,
    /// What was not finite first, for status [`Status::NonFinite`]: a row of `names`.
    pub culprit: Option<usize>,
    /// Last state, after the callbacks that fired then, shape (state_size,).
    pub final_state: Array1<f64>,
    /// When callbacks fired.
    pub firings: Vec<Firing>,
    /// Where the wall time went; `None` for one trajectory of an ensemble.
    pub timings: Option<Timings>,
}

impl SolveResult {
    /// The series of a state slot or an output by name, one value for each save time.
    pub fn series(&self, name: &str) -> Option<ArrayView1<'_, f64>> {
        let row = self.names.iter().position(|n| n == name)?;
        let n_state = self.x.nrows();
        Some(if row < n_state { self.x.row(row) } else { self.outputs.row(row - n_state) })
    }
}

/// All trajectories of an ensemble.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleResult {
    /// How it was made.
    pub info: RunInfo,
    /// Save times, shape (n_save,); NaN where they differ from trajectory to trajectory.
    pub t: Array1<f64>,
    /// Save times of each trajectory, shape (n_save, n_traj), NaN beyond its last; `None` where all have the same.
    pub times: Option<Array2<f64>>,
    /// Start and end time of each trajectory, where it has a span of its own; NaN where the user stopped the run before it
    /// began.
    pub tspans: Option<Vec<(f64, f64)>>,
    /// Name of each saved value: state slots, then outputs.
    pub names: Vec<String>,
    /// Where the fields of the model lie.
    pub fields: Arc<Fields>,
    /// Number of state slots among the names.
    pub n_state: usize,
    /// Number of the first trajectory, 0 unless one was replayed alone.
    pub first: u64,
    /// Saved values, shape (n_save, n_row, n_traj); NaN after a trajectory that ended early.
    pub saved: Array3<f64>,
    /// Parameters of each trajectory, shape (n_param, n_traj); NaN where the user stopped the run before it began.
    pub parameters: Array2<f64>,
    /// Last state of each trajectory, after the callbacks that fired then, shape (n_state, n_traj); NaN where the user stopped the run before it began.
    pub final_states: Array2<f64>,
    /// Time of the last accepted state of each trajectory; NaN where there is none.
    pub t_end: Vec<f64>,
    /// How each trajectory ended.
    pub status: Vec<Status>,
    /// Accepted steps of each trajectory.
    pub accepted: Vec<u32>,
    /// Rejected steps of each trajectory.
    pub rejected: Vec<u32>,
    /// What was not finite first in each trajectory of status [`Status::NonFinite`], a row of `names`: a state or its derivative (also by a rejected step,
    /// then at `t_end`), or an output that was NaN when it was saved.
    pub culprit: Vec<Option<usize>>,
    /// When callbacks fire, in a trajectory that reaches the end ([`EnsembleResult::fired`] has those of each). Empty for
    /// several trajectories with time spans of their own.
    pub firings: Vec<Firing>,
    /// How many firings and other stops of the schedule each trajectory has passed.
    pub n_cut: Vec<u32>,
    /// How large the errors are, where that was asked for.
    pub verification: Option<Verification>,
}

/// What [`verify`](crate::verify()) found. An error is the largest of |y - y_ref| / (atol + rtol |y_ref|) over all save
/// times and states of a trajectory, rtol and atol being those of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// Numbers of the trajectories that were solved again, ascending.
    pub trajectories: Vec<u64>,
    /// Error of each; `None` where it could not be compared.
    pub errors: Vec<Option<f64>>,
    /// Quantiles of the errors at [`Verification::QUANTILES`]; `None` if no trajectory could be compared.
    pub quantiles: Option<[f64; 4]>,
    /// The largest error; `None` also for a model without states.
    pub worst: Option<WorstError>,
    /// Not compared: failed in the run, but not in the reference.
    pub n_run_failed: usize,
    /// Not compared: failed in the reference, but not in the run.
    pub n_reference_failed: usize,
    /// Not compared: failed in both.
    pub n_both_failed: usize,
    /// Not compared: the user stopped the verification before.
    pub n_stopped: usize,
    /// Name of the reference's method with its tolerances.
    pub method: String,
    /// Relative tolerance of the reference, of each state slot.
    pub rtol: Vec<f64>,
    /// Absolute tolerance of the reference, of each state slot.
    pub atol: Vec<f64>,
}

/// The largest error of a verification, and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct WorstError {
    /// Number of the trajectory.
    pub trajectory: u64,
    /// Name of the state slot.
    pub state: String,
    /// Save time.
    pub t: f64,
    /// The error in units of the run's tolerance.
    pub error: f64,
}

impl Verification {
    /// Probabilities of the quantiles; the last one is the largest error.
    pub const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 1.0];

    /// Number of trajectories that could be compared.
    pub fn n_compared(&self) -> usize {
        self.errors.iter().flatten().count()
    }
}

impl EnsembleResult {
    /// Number of trajectories.
    pub fn n_traj(&self) -> usize {
        self.status.len()
    }

    /// Position of a state slot or an output among the saved values.
    pub fn row(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// Saved values of a state slot or an output, shape (n_save, n_traj).
    pub fn values(&self, name: &str) -> Option<ArrayView2<'_, f64>> {
        Some(self.saved.index_axis(Axis(1), self.row(name)?))
    }

    /// Save time `k` of trajectory `i`, NaN beyond its last.
    pub fn time(&self, k: usize, i: usize) -> f64 {
        self.times.as_ref().map_or(self.t[k], |times| times[[k, i]])
    }

    /// Number of save times of trajectory `i`.
    pub fn n_saved(&self, i: usize) -> usize {
        self.times.as_ref().map_or(self.t.len(), |times| times.column(i).iter().take_while(|t| !t.is_nan()).count())
    }

    /// Start and end time of trajectory `i`.
    pub fn tspan(&self, i: usize) -> (f64, f64) {
        self.tspans.as_ref().map_or(self.info.tspan, |tspans| tspans[i])
    }

    /// What fired in trajectory `i` until it ended.
    pub fn fired(&self, i: usize) -> impl Iterator<Item = &Firing> {
        let n_cut = self.n_cut[i];
        self.firings.iter().filter(move |firing| firing.cut < n_cut)
    }

    /// Parameter slots that differ from trajectory to trajectory.
    pub fn varied_parameters(&self) -> Vec<usize> {
        let differs = |row: ArrayView1<f64>| {
            let mut known = row.iter().filter(|value| !value.is_nan());
            known.next().is_some_and(|first| known.any(|value| value != first))
        };
        (0..self.parameters.nrows()).filter(|slot| differs(self.parameters.row(*slot))).collect()
    }

    /// Trajectory `i`, counted from 0 within this result.
    ///
    /// # Panics
    /// If there is no trajectory `i`.
    pub fn trajectory(&self, i: usize) -> SolveResult {
        let n_save = self.n_saved(i);
        let part = |rows: std::ops::Range<usize>| self.saved.slice(s![..n_save, rows, i]).reversed_axes().to_owned();
        SolveResult {
            t: (0..n_save).map(|k| self.time(k, i)).collect(),
            p: self.parameters.column(i).to_owned(),
            fields: self.fields.clone(),
            final_state: self.final_states.column(i).to_owned(),
            firings: self.fired(i).cloned().collect(),
            timings: None,
            x: part(0..self.n_state),
            outputs: part(self.n_state..self.names.len()),
            names: self.names.clone(),
            status: self.status[i],
            accepted: self.accepted[i],
            rejected: self.rejected[i],
            t_end: self.t_end[i],
            culprit: self.culprit[i],
        }
    }

    /// Turns the time of a run that was solved with time reversed.
    pub(crate) fn mirror(&mut self) {
        let back = |t: &mut f64| *t = 0.0 - *t;
        self.t.iter_mut().for_each(back);
        self.times.iter_mut().flatten().for_each(back);
        self.t_end.iter_mut().for_each(back);
        self.firings.iter_mut().for_each(|firing| back(&mut firing.t));
        for (t0, t1) in self.tspans.iter_mut().flatten().chain([&mut self.info.tspan]) {
            back(t0);
            back(t1);
        }
    }

    /// How many trajectories ended in each way that occurred, success first.
    pub fn status_counts(&self) -> Vec<(Status, usize)> {
        let count = |status| self.status.iter().filter(|s| **s == status).count();
        Status::ALL.into_iter().map(|status| (status, count(status))).filter(|(_, n)| *n > 0).collect()
    }

    /// Number of trajectories that succeeded.
    pub fn n_finished(&self) -> usize {
        self.count(Status::Success)
    }

    /// Number of trajectories that ended so.
    pub fn count(&self, wanted: Status) -> usize {
        self.status.iter().filter(|status| **status == wanted).count()
    }

    /// What is missing of a run that the user has stopped, in a sentence.
    pub fn partial_note(&self) -> Option<String> {
        let (n, n_stopped) = (self.n_traj(), self.count(Status::Stopped));
        match (n_stopped, n - n_stopped) {
            (0, _) => None,
            (_, 0) => Some(format!("stopped before any of {n} trajectories had ended")),
            (_, n_ended) => {
                let mut counts = self.status.iter().zip(&self.accepted);
                let missing = match counts.any(|(status, accepted)| *status == Status::Stopped && *accepted > 0) {
                    true => {
                        "; of those that were on their way the slow ones are missing, so that these are no fair sample"
                    }
                    false => "",
                };
                Some(format!("stopped: {n_ended} of {n} trajectories had ended{missing}"))
            }
        }
    }
}
