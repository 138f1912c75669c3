//! The hand-over to a backend: everything that a run needs, validated, as plain numbers.
//!
//! A [`Job`] is a program, a method, time and tolerances; [`Inputs`] are the initial states and parameters of a chunk
//! of trajectories; [`RawOutput`] is what comes back. All per-trajectory data are structures of arrays,
//! `[row][trajectory]`. The layout of the kernels' buffers lives here too ([`RunConfig`], [`StateRows`],
//! [`CountRow`]): a test compares it with the generated module. Names of the user's quantities, units and files are not
//! its business.

mod backend;
mod layout;
#[cfg(feature = "gpu")]
mod parts;

pub(crate) use backend::chunk_end;
pub use backend::{Backend, Prepared, Progress, Silent, Source};
pub use layout::{
    CountRow, FLAG_AFTER_REJECTION, FLAG_SAVED, FLAG_STARTED, LIST_ALL, LIST_HEADER, LIST_STEPS, MASK_STATUS,
    ParamRows, RunConfig, SLICE_SHIFT, StateRows,
};

use crate::error::{Error, Result};
use crate::method::{Method, Stepping};
use crate::program::OdeProgram;
use crate::real::{Arithmetic, Precision};
use crate::reduce::Ended;
use crate::status::Status;

/// What to integrate and how; the same for all trajectories. Backends take checked jobs only ([`Job::check`]).
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// The equations.
    pub program: &'a OdeProgram,
    /// The method.
    pub method: &'a Method,
    /// Number format.
    pub precision: Precision,
    /// What a compiler may do with the arithmetic.
    pub arithmetic: Arithmetic,
    /// Whether the rounding of y + h sum(b k) is carried to the next step.
    pub compensated: bool,
    /// Start time.
    pub t0: f64,
    /// End time, after t0.
    pub t1: f64,
    /// When trajectories are saved.
    pub saves: Saves,
    /// What cuts the integration of every trajectory, ascending.
    pub cuts: Vec<Cut>,
    /// Whether each trajectory has a span of its own, inside [t0, t1] ([`Inputs::t0`], [`Inputs::span`]).
    pub own_span: bool,
    /// Relative tolerance of each state slot.
    pub rtol: Vec<f64>,
    /// Absolute tolerance of each state slot.
    pub atol: Vec<f64>,
    /// Most attempted steps of one trajectory.
    pub max_steps: u32,
}

/// When trajectories are saved. Offsets are counted from t0.
#[derive(Debug, Clone, PartialEq)]
pub enum Saves {
    /// All at the same offsets, ascending, with [`AFTER_FIRING`] among them.
    At(Vec<f64>),
    /// Each at offsets of its own ([`Inputs::tau_save`]), so many at most.
    Own(usize),
    /// At t0 and after every accepted step.
    Steps {
        /// Most rows of one trajectory; with one more it ends as [`Status::SaveLimit`].
        most: usize,
        /// Whether a row follows after the callbacks that fire at a time.
        after_firing: bool,
    },
}

/// Stands for a save time that follows the callbacks that fire at the time before it: offsets are not negative.
pub const AFTER_FIRING: f64 = -1.0;

/// A time at which the integration is cut: a step ends there exactly, and the next one begins anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    /// Offset from t0.
    pub tau: f64,
    /// The callback that fires, if one does; several that fire at a time are as many cuts at the same offset.
    pub callback: Option<u32>,
}

/// Initial states and parameters of `n_traj` trajectories.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// Number of trajectories.
    pub n_traj: usize,
    /// Initial states, `[n_state][n_traj]`.
    pub y0: Vec<f64>,
    /// Parameters, `[n_param][n_traj]`.
    pub p: Vec<f64>,
    /// Offsets from t0 at which single trajectories are cut, `[n_own_stop][n_traj]`, ascending for each trajectory; infinite
    /// where there is none.
    pub own_stops: Vec<f64>,
    /// Start time of each trajectory, where they have spans of their own; else empty.
    pub t0: Vec<f64>,
    /// End time of each trajectory, where they have spans of their own; else empty.
    pub t1: Vec<f64>,
    /// Offset of the end from t0: t1 - t0, or a stop that differs from it by rounding; empty as they are.
    pub span: Vec<f64>,
    /// Save times of [`Saves::Own`] as in [`Saves::At`], `[n_save][n_traj]`; infinite where there are no more.
    pub tau_save: Vec<f64>,
}

/// What rounding to the run's format takes from an initial value: a compensated state begins with it.
pub fn rounded_off(precision: Precision, y0: f64) -> f64 {
    let low = y0 - precision.round(y0);
    if low.is_finite() { low } else { 0.0 }
}

/// What a backend returns for a chunk of trajectories.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawOutput {
    /// Number of trajectories.
    pub n_traj: usize,
    /// Last accepted state, `[n_state][n_traj]`.
    pub y: Vec<f64>,
    /// Time of the last accepted state.
    pub t: Vec<f64>,
    /// 1 and the row (states, then outputs) of the first value that was not finite; 0 if all were.
    pub culprit: Vec<u32>,
    /// Saved states and outputs, `[n_save][n_row][n_traj]`, n_save being the most that any trajectory has saved for
    /// [`Saves::Steps`]; NaN where the trajectory ended before.
    pub saved: Vec<f64>,
    /// Offsets at which [`Saves::Steps`] has saved, `[n_save][n_traj]`, NaN beyond the last; else empty.
    pub tau_saved: Vec<f64>,
    /// Status codes.
    pub status: Vec<u32>,
    /// Accepted steps.
    pub accepted: Vec<u32>,
    /// Rejected steps.
    pub rejected: Vec<u32>,
    /// How many of [`Job::cuts`] each trajectory has passed, what fires there included.
    pub n_cut: Vec<u32>,
}

impl RawOutput {
    /// Of trajectories that the user has stopped before they began.
    #[cfg(feature = "gpu")]
    pub(crate) fn never_begun(job: &Job, n_traj: usize) -> RawOutput {
        let nan = |rows: usize| vec![f64::NAN; rows * n_traj];
        let n_save = if job.form().saves_steps { 0 } else { job.saves.count() };
        RawOutput {
            n_traj,
            y: nan(job.program.n_state()),
            t: nan(1),
            culprit: vec![0; n_traj],
            saved: nan(n_save * job.program.n_row()),
            tau_saved: Vec::new(),
            status: vec![Status::Stopped as u32; n_traj],
            accepted: vec![0; n_traj],
            rejected: vec![0; n_traj],
            n_cut: vec![0; n_traj],
        }
    }

    /// Whether it has the sizes of an output of a job, all of whose trajectories have ended.
    pub(crate) fn is_of(&self, job: &Job) -> bool {
        let (n, n_row, most) = (self.n_traj, job.program.n_row(), job.saves.count());
        let n_save = self.saved.len() / (n_row * n).max(1);
        let saves = match job.form().saves_steps {
            true => n_save <= most && self.tau_saved.len() == n_save * n,
            false => n_save == most && self.tau_saved.is_empty(),
        };
        let has_ended = |code: &u32| {
            Status::from_code(*code).is_some_and(|status| !matches!(status, Status::Running | Status::Stopped))
        };
        let counts = [&self.culprit, &self.status, &self.accepted, &self.rejected, &self.n_cut];
        saves
            && self.saved.len() == n_save * n_row * n
            && (self.y.len(), self.t.len()) == (job.program.n_state() * n, n)
            && counts.iter().all(|count| count.len() == n)
            && self.status.iter().all(has_ended)
    }

    /// Puts NaN into the rows beyond the last that each trajectory has saved.
    pub(crate) fn clear_unsaved(&mut self, n_saved: &[u32], n_row: usize) {
        let (n_traj, has_tau) = (self.n_traj, !self.tau_saved.is_empty());
        let row_size = (n_row * n_traj).max(1);
        let n_save = if has_tau { self.tau_saved.len() / n_traj } else { self.saved.len() / row_size };
        for (i, n_saved) in n_saved.iter().enumerate() {
            for save in *n_saved as usize..n_save {
                (0..n_row).for_each(|row| self.saved[(save * n_row + row) * n_traj + i] = f64::NAN);
                if has_tau {
                    self.tau_saved[save * n_traj + i] = f64::NAN;
                }
            }
        }
    }
}

impl RawOutput {
    /// What a reduction reads of it.
    pub fn ended(&self, precision: Precision) -> Ended<'_> {
        Ended {
            precision,
            n_traj: self.n_traj,
            saved: &self.saved,
            status: &self.status,
            t: &self.t,
            accepted: &self.accepted,
            rejected: &self.rejected,
            culprit: &self.culprit,
        }
    }
}

impl Job<'_> {
    /// Checks sizes, ranges and order.
    ///
    /// # Errors
    /// [`Error::Run`] with the value at fault and the remedy.
    pub fn check(&self) -> Result<()> {
        let fail = |message: String| Err(Error::Run(message));
        let (t0, t1) = (self.t0, self.t1);
        check_span(t0, t1)?;
        if self.saves.count() == 0 {
            return fail("there are no save times; save at least the end".to_string());
        }
        for (i, name) in self.program.state_names.iter().enumerate() {
            let (rtol, atol) = (self.rtol[i], self.atol[i]);
            if !(rtol.is_finite() && atol.is_finite() && rtol >= 0.0 && atol >= 0.0) {
                return fail(format!(
                    "rtol and atol of '{name}' must be finite and not negative, got {rtol} and {atol}"
                ));
            }
            if self.method.is_adaptive() && rtol == 0.0 && atol == 0.0 {
                return fail(format!(
                    "rtol and atol of '{name}' are both 0; an adaptive method needs one of them positive"
                ));
            }
        }
        if self.max_steps == 0 {
            return fail("max_steps must be at least 1".to_string());
        }
        if !self.own_span {
            self.check_time(t0, t1)?;
        }
        self.check_range()
    }

    /// The run's format must resolve the time of a trajectory, and be able to count its fixed steps.
    ///
    /// # Errors
    /// [`Error::Run`] with the value at fault and the remedy.
    pub fn check_time(&self, t0: f64, t1: f64) -> Result<()> {
        let (format, latest) = (self.precision, t0.abs().max(t1.abs()));
        let n_steps = self.steps_of(t1 - t0);
        if let Stepping::Fixed { dt } = self.method.stepping
            && n_steps > MAX_FIXED_STEPS
        {
            return Err(Error::run(format!(
                "dt = {dt} needs {n_steps:.3e} steps for tspan [{t0}, {t1}]; at most {MAX_FIXED_STEPS:e} are possible"
            )));
        }
        if format == Precision::F64 {
            return Ok(());
        }
        if latest > f64::from(f32::MAX) {
            return Err(Error::run(format!(
                "the time {latest:e} is out of the range of {format}; use precision f64 or other units"
            )));
        }
        let step = latest * format.epsilon();
        if step > F32_TIME_RESOLUTION * (t1 - t0) {
            return Err(Error::run(format!(
                "in {format}, time near {latest} moves in steps of {step:.1e}, too coarse for tspan [{t0}, {t1}]; let time start near 0, or use precision f32x2 or f64"
            )));
        }
        if format == Precision::F32 && n_steps > F32_MAX_STEPS {
            return Err(Error::run(format!(
                "{n_steps} fixed steps are more than the {F32_MAX_STEPS} that f32 can count; use a larger dt, or precision f32x2 or f64"
            )));
        }
        Ok(())
    }

    /// What is finite in f64 must be finite in the format of the run, and stops must differ.
    fn check_range(&self) -> Result<()> {
        if self.precision == Precision::F64 {
            return Ok(());
        }
        let format = self.precision;
        if let Some(pair) = self.cuts.windows(2).find(|pair| {
            pair[0].tau != pair[1].tau && self.precision.round(pair[0].tau) == self.precision.round(pair[1].tau)
        }) {
            return Err(Error::run(format!(
                "in {format} the stops {} and {} after t0 are the same time; use longer periods, or precision f32x2 or f64",
                pair[0].tau, pair[1].tau
            )));
        }
        for (name, atol) in self.program.state_names.iter().zip(&self.atol) {
            if *atol > 0.0 && *atol as f32 == 0.0 {
                return Err(Error::run(format!(
                    "atol {atol:e} of '{name}' is 0 in {format}; use precision f64 or other units"
                )));
            }
        }
        self.program.check_constants(self.precision)
    }

    /// Initial states and parameters must be in the range of the run's precision, and stops be numbers. Trajectories are
    /// counted from `first`.
    ///
    /// # Errors
    /// [`Error::Run`] with the slot and the value, or with the trajectory.
    pub fn check_inputs(&self, inputs: &Inputs, first: u64) -> Result<()> {
        let (format, largest) = (self.precision, self.precision.max());
        let rows = [
            ("initial value", &self.program.state_names, &inputs.y0),
            ("parameter", &self.program.param_names, &inputs.p),
        ];
        for (what, names, values) in rows {
            if let Some(at) = values.iter().position(|v| v.is_finite() && v.abs() > largest) {
                let name = &names[at / inputs.n_traj];
                let value = values[at];
                return Err(Error::run(format!(
                    "the {what} {value:e} of '{name}' is out of the range of {format}; use precision f64 or other units"
                )));
            }
        }
        match inputs.own_stops.iter().position(|tau| tau.is_nan()) {
            Some(at) => Err(Error::run(format!(
                "a stop of the model is not a number for trajectory {}; look at what its time depends on",
                first + (at % inputs.n_traj) as u64
            ))),
            None => Ok(()),
        }
    }

    /// The time of an offset of trajectory `i`: its end itself where that was reached.
    pub fn time(&self, inputs: &Inputs, i: usize, tau: f64) -> f64 {
        let (t0, span, t1) = match self.own_span {
            true => (inputs.t0[i], inputs.span[i], inputs.t1[i]),
            false => (self.t0, self.t1 - self.t0, self.t1),
        };
        if tau == self.precision.round(span) { t1 } else { t0 + tau }
    }

    /// Numbers of one saved row of a trajectory: states, outputs and, where every step is saved, the time.
    pub fn row_size(&self) -> usize {
        self.program.n_row() + usize::from(self.form().saves_steps)
    }

    /// The form of the job, which a kernel is made for.
    pub fn form(&self) -> JobForm {
        let are_equal = |values: &[f64]| values.windows(2).all(|pair| pair[0] == pair[1]);
        JobForm {
            own_span: self.own_span,
            saves_steps: matches!(self.saves, Saves::Steps { .. }),
            saves_end: matches!(&self.saves, Saves::At(tau) if tau[..] == [self.t1 - self.t0]),
            first_step_given: matches!(self.method.stepping, Stepping::Adaptive(c) if c.dt_first.is_some()),
            one_tolerance: !self.rtol.is_empty() && are_equal(&self.rtol) && are_equal(&self.atol),
        }
    }

    /// Save times in the buffer of times. Where every step is saved it is a single one: [`AFTER_FIRING`] if a row follows
    /// callbacks that fire, else a time that never comes.
    pub fn n_save_time(&self, n_traj: usize) -> usize {
        match &self.saves {
            Saves::At(tau) => tau.len(),
            Saves::Own(most) => most * n_traj,
            Saves::Steps { .. } => 1,
        }
    }

    /// Number of fixed steps, the shorter last one included; 0 for an adaptive method, and where trajectories have spans
    /// of their own.
    pub fn n_steps(&self) -> u32 {
        if self.own_span { 0 } else { self.steps_of(self.t1 - self.t0) as u32 }
    }

    fn steps_of(&self, span: f64) -> f64 {
        match self.method.stepping {
            Stepping::Adaptive(_) => 0.0,
            // A remainder below a millionth of a step is rounding of the quotient, not a step.
            Stepping::Fixed { dt } => (span / dt - 1e-6).ceil().max(1.0),
        }
    }
}

impl Saves {
    /// Most rows that a trajectory saves.
    pub fn count(&self) -> usize {
        match self {
            Saves::At(tau) => tau.len(),
            Saves::Own(most) | Saves::Steps { most, .. } => *most,
        }
    }
}

/// What distinguishes kernels of the same program and method. All but the first two spare work where they hold; a job takes the kernel
/// of its form, for which buffers may be laid out in their own way ([`StateRows::y_is_saved`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JobForm {
    /// See [`Job::own_span`].
    pub own_span: bool,
    /// Whether every accepted step is saved.
    pub saves_steps: bool,
    /// Whether all states have the same tolerances, which are then at hand in registers.
    pub one_tolerance: bool,
    /// Whether the first step of adaptive ones is given, so that none is looked for.
    pub first_step_given: bool,
    /// Whether the end of the span is all that is saved, so that nothing is looked for or interpolated before.
    pub saves_end: bool,
}

/// A run goes forward and has an end.
///
/// # Errors
/// [`Error::Run`] with the span.
pub fn check_span(t0: f64, t1: f64) -> Result<()> {
    if t0 < t1 && (t1 - t0).is_finite() {
        return Ok(());
    }
    let remedy = if t1 < t0 { "; if time is to run backward, set backward to true" } else { "" };
    Err(Error::run(format!("tspan must be finite with t0 < t1, got [{t0}, {t1}]{remedy}")))
}

/// Fixed steps are counted in 32 bits.
const MAX_FIXED_STEPS: f64 = 4e9;

/// Up to this number every whole number is an f32, so that the time of step k is k dt.
const F32_MAX_STEPS: f64 = 16_777_216.0;

/// Time in f32 must move in steps of at most this fraction of the span.
const F32_TIME_RESOLUTION: f64 = 1e-3;
