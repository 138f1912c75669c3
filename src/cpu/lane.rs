//! The evolving data of one trajectory and the tables that all share. Twin of `shaders/lane.wgsl`.

use crate::job::{AFTER_FIRING, Inputs, Job, RunConfig, Saves};
use crate::method::DenseForm;
use crate::real::Real;
use crate::status::Status;

/// What one trajectory carries from step to step, besides y and k1.
#[derive(Debug, Clone, Copy)]
pub struct Lane<R> {
    pub status: Status,
    pub accepted: u32,
    pub rejected: u32,
    pub n_saved: u32,
    pub after_rejection: bool,
    pub tau: R,
    pub tau_low: R,
    pub dt: R,
    pub err_prev: f32,
    /// 1 and the row of the first value that was not finite.
    pub culprit: u32,
    /// Start and length of the time span.
    pub t0: R,
    pub span: R,
    /// Where the segment ends: the next stop, or the end of the span.
    pub tau_stop: R,
    /// Fixed steps: where the segment began, and the numbers of its first step and of the one after its last.
    pub tau_segment: R,
    pub first_step: u32,
    pub last_step: u32,
    pub next_cut: u32,
    pub next_own_stop: u32,
}

impl<R: Real> Lane<R> {
    /// A trajectory at t0.
    pub fn new(dt: R, t0: R, span: R) -> Self {
        Lane {
            status: Status::Running,
            accepted: 0,
            rejected: 0,
            n_saved: 0,
            after_rejection: false,
            tau: R::ZERO,
            tau_low: R::ZERO,
            dt,
            err_prev: 0.0,
            culprit: 0,
            t0,
            span,
            tau_stop: R::ZERO,
            tau_segment: R::ZERO,
            first_step: 0,
            last_step: 0,
            next_cut: 0,
            next_own_stop: 0,
        }
    }

    /// Ends it for a value that is not finite; one found before stays the culprit.
    pub fn fail(&mut self, culprit: u32) {
        self.status = Status::NonFinite;
        self.culprit = if self.culprit == 0 { culprit } else { self.culprit };
    }

    /// The status of a trajectory that has ended: one with NaN among its saved values has not succeeded.
    pub fn end_status(&self) -> Status {
        if self.status == Status::Success && self.culprit != 0 { Status::NonFinite } else { self.status }
    }
}

/// The squared error of a step in tolerance units, and the part of it that is within the rounding of y.
#[derive(Debug, Clone, Copy)]
pub struct ErrorNorm<R> {
    pub sq: R,
    pub noise_sq: R,
}

/// The step about to be tried: its size, and whether it ends the segment.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<R> {
    pub h: R,
    pub is_last: bool,
}

/// The positions of the bits that are set, ascending.
#[inline(always)]
pub fn bits(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let next = (set != 0).then_some(set.trailing_zeros() as usize);
        set &= set.wrapping_sub(1);
        next
    })
}

/// The data of `C` lanes, at most 32, field by field, so that a loop over them becomes vector instructions. It begins at a
/// cache line, for the same reason as rows do.
#[derive(Debug, Clone, Copy)]
#[repr(align(128))]
pub struct LaneChunk<R, const C: usize> {
    /// Whether a trajectory is in the lane; what is computed for the others goes nowhere.
    pub occupied: [bool; C],
    pub trajectory: [usize; C],
    /// Offset of the next save time, infinite if there is none.
    pub next_save: [R; C],
    /// Lanes that set out, from t0 or from a stop, as bits: their first stages are to be computed, at these times.
    pub begins: u32,
    pub t_begin: [R; C],
    /// Of the step being tried: whether it ends the segment, is accepted, and holds a save time.
    pub is_last: [bool; C],
    pub accepts: [bool; C],
    pub saves: [bool; C],
    /// See [`Lane`].
    pub status: [Status; C],
    pub accepted: [u32; C],
    pub rejected: [u32; C],
    pub n_saved: [u32; C],
    pub after_rejection: [bool; C],
    pub tau: [R; C],
    pub tau_low: [R; C],
    pub dt: [R; C],
    pub err_prev: [f32; C],
    pub culprit: [u32; C],
    pub t0: [R; C],
    pub span: [R; C],
    pub tau_stop: [R; C],
    pub tau_segment: [R; C],
    pub first_step: [u32; C],
    pub last_step: [u32; C],
    pub next_cut: [u32; C],
    pub next_own_stop: [u32; C],
}

impl<R: Real, const C: usize> LaneChunk<R, C> {
    /// Lanes without trajectories.
    pub fn empty() -> Self {
        LaneChunk {
            occupied: [false; C],
            trajectory: [0; C],
            next_save: [R::ZERO; C],
            begins: 0,
            t_begin: [R::ZERO; C],
            is_last: [false; C],
            accepts: [false; C],
            saves: [false; C],
            status: [Status::Running; C],
            accepted: [0; C],
            rejected: [0; C],
            n_saved: [0; C],
            after_rejection: [false; C],
            tau: [R::ZERO; C],
            tau_low: [R::ZERO; C],
            dt: [R::ZERO; C],
            err_prev: [0.0; C],
            culprit: [0; C],
            t0: [R::ZERO; C],
            span: [R::ZERO; C],
            tau_stop: [R::ZERO; C],
            tau_segment: [R::ZERO; C],
            first_step: [0; C],
            last_step: [0; C],
            next_cut: [0; C],
            next_own_stop: [0; C],
        }
    }

    #[inline(always)]
    pub fn get(&self, i: usize) -> Lane<R> {
        Lane {
            status: self.status[i],
            accepted: self.accepted[i],
            rejected: self.rejected[i],
            n_saved: self.n_saved[i],
            after_rejection: self.after_rejection[i],
            tau: self.tau[i],
            tau_low: self.tau_low[i],
            dt: self.dt[i],
            err_prev: self.err_prev[i],
            culprit: self.culprit[i],
            t0: self.t0[i],
            span: self.span[i],
            tau_stop: self.tau_stop[i],
            tau_segment: self.tau_segment[i],
            first_step: self.first_step[i],
            last_step: self.last_step[i],
            next_cut: self.next_cut[i],
            next_own_stop: self.next_own_stop[i],
        }
    }

    #[inline(always)]
    pub fn set(&mut self, i: usize, lane: Lane<R>) {
        self.status[i] = lane.status;
        self.accepted[i] = lane.accepted;
        self.rejected[i] = lane.rejected;
        self.n_saved[i] = lane.n_saved;
        self.after_rejection[i] = lane.after_rejection;
        self.tau[i] = lane.tau;
        self.tau_low[i] = lane.tau_low;
        self.dt[i] = lane.dt;
        self.err_prev[i] = lane.err_prev;
        self.culprit[i] = lane.culprit;
        self.t0[i] = lane.t0;
        self.span[i] = lane.span;
        self.tau_stop[i] = lane.tau_stop;
        self.tau_segment[i] = lane.tau_segment;
        self.first_step[i] = lane.first_step;
        self.last_step[i] = lane.last_step;
        self.next_cut[i] = lane.next_cut;
        self.next_own_stop[i] = lane.next_own_stop;
    }
}

/// When trajectories are saved: [`Saves`] in the precision of the run.
pub enum SaveTimes<R> {
    At(Vec<R>),
    /// Most rows, and `[row][trajectory]`.
    Own(usize, Vec<R>),
    Steps {
        most: usize,
        after_firing: bool,
    },
}

impl<R: Real> SaveTimes<R> {
    /// Whether every accepted step is saved.
    pub fn are_steps(&self) -> bool {
        matches!(self, SaveTimes::Steps { .. })
    }

    /// Most rows of a trajectory.
    pub fn count(&self) -> usize {
        match self {
            SaveTimes::At(tau) => tau.len(),
            SaveTimes::Own(most, _) | SaveTimes::Steps { most, .. } => *most,
        }
    }

    /// Offset of a row of a trajectory, infinite if there is none; negative if it follows callbacks that fire, as all do
    /// where every step is saved and that is asked for.
    pub fn get(&self, row: usize, trajectory: usize, n_traj: usize) -> R {
        let infinite = R::ONE / R::ZERO;
        match self {
            SaveTimes::At(tau) => tau.get(row).copied().unwrap_or(infinite),
            SaveTimes::Own(_, tau) => tau.get(row * n_traj + trajectory).copied().unwrap_or(infinite),
            SaveTimes::Steps { after_firing: true, .. } => R::of(AFTER_FIRING),
            SaveTimes::Steps { .. } => infinite,
        }
    }
}

/// A job's numbers in the precision of the run.
pub struct Tables<R> {
    pub config: RunConfig<R>,
    pub is_adaptive: bool,
    pub compensated: bool,
    pub rtol: Vec<R>,
    pub atol: Vec<R>,
    pub saves: SaveTimes<R>,
    /// See [`JobForm::saves_end`](crate::job::JobForm::saves_end): the last step saves it, whatever times round to.
    pub saves_end: bool,
    /// See [`Job::cuts`].
    pub cuts: Vec<(R, Option<u32>)>,
    /// See [`Inputs`], `[row][trajectory]`.
    pub own_stops: Vec<R>,
    pub n_own_stop: usize,
    /// Whether anything may cut the integration.
    pub has_stops: bool,
    /// See [`OdeProgram::jumps_in_time`](crate::program::OdeProgram::jumps_in_time).
    pub jumps_in_time: bool,
    pub c: Vec<R>,
    pub a: Vec<Vec<(usize, R)>>,
    pub error: Vec<(usize, R)>,
    pub second_error: Vec<(usize, R)>,
    pub dense_stages: Vec<(R, Vec<(usize, R)>)>,
    pub dense: Vec<(usize, Vec<R>)>,
    pub dense_form: DenseForm,
}

impl<R: Real> Tables<R> {
    pub fn new(job: &Job, inputs: &Inputs) -> Self {
        let all = |values: &[f64]| values.iter().map(|v| R::of(*v)).collect::<Vec<R>>();
        let terms = |row: &Vec<(usize, f64)>| row.iter().map(|(i, w)| (*i, R::of(*w))).collect::<Vec<_>>();
        let stages = &job.method.stages;
        Tables {
            config: RunConfig::new(job, inputs.n_traj),
            is_adaptive: job.method.is_adaptive(),
            compensated: job.compensated,
            rtol: all(&job.rtol),
            atol: all(&job.atol),
            saves: match &job.saves {
                Saves::At(tau) => SaveTimes::At(all(tau)),
                Saves::Own(most) => SaveTimes::Own(*most, all(&inputs.tau_save)),
                Saves::Steps { most, after_firing } => SaveTimes::Steps { most: *most, after_firing: *after_firing },
            },
            saves_end: job.form().saves_end,
            cuts: job.cuts.iter().map(|cut| (R::of(cut.tau), cut.callback)).collect(),
            own_stops: all(&inputs.own_stops),
            n_own_stop: job.program.n_own_stop,
            has_stops: job.program.has_stops,
            jumps_in_time: job.program.jumps_in_time(),
            c: all(&stages.c),
            a: stages.a.iter().map(terms).collect(),
            error: terms(&stages.error),
            second_error: terms(&stages.second_error),
            dense_stages: stages.dense_stages.iter().map(|(c, row)| (R::of(*c), terms(row))).collect(),
            dense_form: stages.dense_form,
            dense: stages.dense.iter().map(|(i, row)| (*i, all(row))).collect(),
        }
    }
}
