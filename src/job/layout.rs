//! The layout of the kernels' buffers: the numbers of a run, and which rows per-trajectory data has. A test compares it with
//! the generated module.

use super::{Job, JobForm};
use crate::method::Stepping;
use crate::program::OdeProgram;
use crate::real::Real;

/// Longer than any step, and a number in every format.
const FAR: f64 = 1e30;

/// Numbers of a run for the integrators of both backends; the kernels read it from a buffer of this layout. Members
/// that only the step controller uses are f32 in any precision.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C)]
pub struct RunConfig<R> {
    /// Trajectories in this chunk.
    pub n_traj: u32,
    /// Save times.
    pub n_save: u32,
    /// Fixed steps of a span that nothing cuts; 0 for an adaptive method.
    pub n_steps: u32,
    /// Entries of [`Job::cuts`].
    pub n_cut: u32,
    /// Where they begin in the buffer of times: first their offsets, then the numbers of their callbacks, counted from 1.
    pub first_cut: u32,
    /// Most attempted steps of one trajectory.
    pub max_steps: u32,
    /// Keeps what follows at multiples of 8 bytes.
    pub unused: u32,
    /// 0, in a way that a compiler cannot know: protects compensated sums from being simplified away.
    pub zero: u32,
    /// See [`crate::method::Controller`].
    pub safety: f32,
    /// See [`crate::method::Controller`].
    pub factor_min: f32,
    /// See [`crate::method::Controller`].
    pub factor_max: f32,
    /// Exponent of this step's error norm.
    pub beta1: f32,
    /// Exponent of the error norm of the step before.
    pub beta2: f32,
    /// 1/k, k the exponent of the error estimate.
    pub inv_exponent: f32,
    /// Start time.
    pub t0: R,
    /// t1 - t0.
    pub span: R,
    /// Fixed step, or first adaptive step; 0 for the automatic choice.
    pub dt: R,
    /// Smallest step.
    pub dt_min: R,
    /// Largest step, at most the span where all trajectories have the same.
    pub dt_max: R,
}

impl<R: Real> RunConfig<R> {
    /// The numbers of a job for a chunk of `n_traj` trajectories.
    pub fn new(job: &Job, n_traj: usize) -> Self {
        let span = job.t1 - job.t0;
        // Whose span is the longest of a chunk is nothing to the others.
        let longest = if job.own_span { FAR } else { span };
        let mut config = RunConfig {
            n_traj: n_traj as u32,
            n_save: job.saves.count() as u32,
            n_steps: job.n_steps(),
            n_cut: job.cuts.len() as u32,
            first_cut: job.n_save_time(n_traj) as u32,
            max_steps: job.max_steps,
            unused: 0,
            zero: 0,
            safety: 0.0,
            factor_min: 0.0,
            factor_max: 0.0,
            beta1: 0.0,
            beta2: 0.0,
            inv_exponent: 0.0,
            t0: R::of(job.t0),
            span: R::of(span),
            dt: R::ZERO,
            dt_min: R::ZERO,
            dt_max: R::of(longest),
        };
        match job.method.stepping {
            Stepping::Fixed { dt } => config.dt = R::of(dt),
            Stepping::Adaptive(controller) => {
                let exponent = f64::from(job.method.stages.error_exponent.unwrap_or(1));
                config.safety = controller.safety as f32;
                config.factor_min = controller.factor_min as f32;
                config.factor_max = controller.factor_max as f32;
                config.beta1 = (controller.alpha / exponent) as f32;
                config.beta2 = (controller.beta / exponent) as f32;
                config.inv_exponent = exponent.recip() as f32;
                config.dt = R::of(controller.dt_first.map_or(0.0, |dt| dt.min(controller.dt_max)));
                config.dt_min = R::of(controller.dt_min);
                config.dt_max = R::of(controller.dt_max.min(longest));
            }
        }
        config
    }
}

/// Rows of the kernels' `state` buffer, `[row][trajectory]` of the run's number format: everything that an
/// unfinished trajectory needs to go on in the next dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateRows {
    /// First row of the state y, of its buffer.
    pub y: usize,
    /// First row of k1 = f(t, y).
    pub k1: usize,
    /// Time since t0.
    pub tau: usize,
    /// What rounding took from `tau`.
    pub tau_low: usize,
    /// Next step size.
    pub dt: usize,
    /// Binary logarithm of the error norm of the last accepted step.
    pub err_prev: usize,
    /// First row of what rounding took from `y`, where that is carried along; else beyond the last row.
    pub y_low: usize,
    /// Where the segment between two cuts began, since t0; beyond the last row where nothing cuts.
    pub tau_segment: usize,
    /// Number of rows.
    pub count: usize,
    /// Whether y is not here but in the first rows of the `saved` buffer, from its start on: where the end is all that is saved,
    /// and stays what it is, the last state need not be written twice. What rounding took from y would have to lie beside it.
    pub y_is_saved: bool,
}

impl StateRows {
    /// The rows of a program, whose state is compensated or not, for jobs of a form.
    pub fn new(program: &OdeProgram, compensated: bool, form: JobForm) -> Self {
        let y_is_saved = form.saves_end && !program.has_stops && !compensated;
        let n_state = program.n_state();
        let k1 = if y_is_saved { 0 } else { n_state };
        let n = k1 + n_state;
        let y_low = n + 4;
        let tau_segment = if compensated { y_low + n_state } else { y_low };
        let count = tau_segment + usize::from(program.has_stops);
        StateRows {
            y: 0,
            k1,
            tau: n,
            tau_low: n + 1,
            dt: n + 2,
            err_prev: n + 3,
            y_low,
            tau_segment,
            count,
            y_is_saved,
        }
    }

    /// The rows of a job.
    pub fn of(job: &Job) -> Self {
        StateRows::new(job.program, job.compensated, job.form())
    }
}

/// Rows of the kernels' `params` buffer, `[row][trajectory]` of the run's number format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParamRows {
    /// First row of the offsets at which single trajectories are cut; the rows of the parameters lie before it.
    pub own_stop: usize,
    /// Start time of each trajectory; beyond the last row where all have the same span.
    pub t0: usize,
    /// Length of each trajectory's time span.
    pub span: usize,
    /// Number of rows.
    pub count: usize,
}

impl ParamRows {
    /// The rows of a program, whose trajectories have spans of their own or not.
    pub fn new(program: &OdeProgram, own_span: bool) -> Self {
        let own_stop = program.n_param();
        let t0 = own_stop + program.n_own_stop;
        ParamRows { own_stop, t0, span: t0 + 1, count: if own_span { t0 + 2 } else { t0 } }
    }
}

/// Rows of the kernels' `counts` buffer, `[row][trajectory]` of u32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountRow {
    /// Status code in the bits of [`MASK_STATUS`], then [`FLAG_STARTED`], [`FLAG_AFTER_REJECTION`] and [`FLAG_SAVED`], and
    /// from [`SLICE_SHIFT`] on the attempted steps of the last dispatch.
    Status,
    /// Accepted steps.
    Accepted,
    /// Rejected steps.
    Rejected,
    /// 1 and the row of the first value that was not finite; 0 if all were.
    Culprit,
    /// Save times written.
    Saved,
    /// The next one of [`Job::cuts`].
    NextCut,
    /// The next one of [`Inputs::own_stops`](super::Inputs::own_stops).
    NextOwnStop,
    /// Accepted steps at the beginning of the segment between two cuts.
    FirstStep,
}

/// Bits of a status code in a word of [`CountRow::Status`].
pub const MASK_STATUS: u32 = 0xff;

/// Set in it once the trajectory has started.
pub const FLAG_STARTED: u32 = 0x100;

/// Set in it after a rejected step.
pub const FLAG_AFTER_REJECTION: u32 = 0x200;

/// Set in it once the end is saved, where the last state rests there ([`StateRows::y_is_saved`]).
pub const FLAG_SAVED: u32 = 0x400;

/// The first bit in it of the attempted steps of the last dispatch.
pub const SLICE_SHIFT: u32 = 16;

/// Words before the list of unfinished trajectories that a dispatch works on: how many there are, how many steps each
/// of them attempts at most, and whether it is of all trajectories.
pub const LIST_HEADER: usize = 4;

/// Where the header has the number of steps.
pub const LIST_STEPS: usize = 1;

/// Where it has a 1 if the list is of all trajectories in order, and not written down.
pub const LIST_ALL: usize = 2;

impl CountRow {
    /// Every row, in order.
    pub const ALL: [CountRow; 8] = [
        CountRow::Status,
        CountRow::Accepted,
        CountRow::Rejected,
        CountRow::Culprit,
        CountRow::Saved,
        CountRow::NextCut,
        CountRow::NextOwnStop,
        CountRow::FirstStep,
    ];

    /// Number of rows that a job needs: the last three only where there are stops, and none for what [`FLAG_SAVED`] tells.
    pub fn count(job: &Job) -> usize {
        match (job.program.has_stops, StateRows::of(job).y_is_saved) {
            (true, _) => CountRow::ALL.len(),
            (false, false) => CountRow::NextCut as usize,
            (false, true) => CountRow::Saved as usize,
        }
    }
}
