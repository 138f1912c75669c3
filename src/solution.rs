//! Results: one trajectory ([`SolveResult`]) or an ensemble of them ([`EnsembleResult`]).
//!
//! Values are f64 whatever the precision of the run; `precision` tells how many of their digits mean something.

use crate::real::{Arithmetic, Precision};
use crate::status::Status;
use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, Axis, s};
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
    /// Start and end time.
    pub tspan: (f64, f64),
    /// Seed of the ensemble's random draws.
    pub seed: u64,
    /// What the user should know about the accuracy of the run.
    pub warnings: Vec<String>,
    /// Wall time of drawing inputs, integrating and collecting.
    pub elapsed: Duration,
}

/// One trajectory.
#[derive(Debug, Clone, PartialEq)]
pub struct SolveResult {
    /// Save times, shape (n_steps,).
    pub t: Array1<f64>,
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
    /// Save times, shape (n_save,).
    pub t: Array1<f64>,
    /// Name of each saved value: state slots, then outputs.
    pub names: Vec<String>,
    /// Number of state slots among the names.
    pub n_state: usize,
    /// Number of the first trajectory, 0 unless one was replayed alone.
    pub first: u64,
    /// Saved values, shape (n_save, n_row, n_traj); NaN after a trajectory that ended early.
    pub saved: Array3<f64>,
    /// Last accepted state of each trajectory, shape (n_state, n_traj); NaN where the user stopped the run before it began.
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

    /// Trajectory `i`, counted from 0 within this result.
    ///
    /// # Panics
    /// If there is no trajectory `i`.
    pub fn trajectory(&self, i: usize) -> SolveResult {
        let part = |rows: std::ops::Range<usize>| self.saved.slice(s![.., rows, i]).reversed_axes().to_owned();
        SolveResult {
            t: self.t.clone(),
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

    /// How many trajectories ended in each way that occurred, success first.
    pub fn status_counts(&self) -> Vec<(Status, usize)> {
        let count = |status| self.status.iter().filter(|s| **s == status).count();
        Status::ALL.into_iter().map(|status| (status, count(status))).filter(|(_, n)| *n > 0).collect()
    }

    /// Number of trajectories that succeeded.
    pub fn n_finished(&self) -> usize {
        self.status.iter().filter(|status| **status == Status::Success).count()
    }
}
