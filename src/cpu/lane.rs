//! The evolving data of one trajectory and the tables that all share. Twin of `shaders/lane.wgsl`.

use crate::job::{Job, RunConfig};
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
}

impl<R: Real> Lane<R> {
    /// A trajectory at t0.
    pub fn new(dt: R) -> Self {
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
        }
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

/// The step about to be tried: its size, and whether it ends at t1.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<R> {
    pub h: R,
    pub is_last: bool,
}

/// The data of `C` lanes, field by field, so that a loop over them becomes vector instructions.
#[derive(Debug, Clone, Copy)]
pub struct LaneChunk<R, const C: usize> {
    /// Whether a trajectory is in the lane; what is computed for the others goes nowhere.
    pub occupied: [bool; C],
    pub trajectory: [usize; C],
    /// Offset of the next save time, infinite if there is none.
    pub next_save: [R; C],
    /// Of the step being tried: whether it ends at t1, is accepted, and holds a save time.
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
}

impl<R: Real, const C: usize> LaneChunk<R, C> {
    /// Lanes without trajectories.
    pub fn empty() -> Self {
        LaneChunk {
            occupied: [false; C],
            trajectory: [0; C],
            next_save: [R::ZERO; C],
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
    }
}

/// A job's numbers in the precision of the run.
pub struct Tables<R> {
    pub config: RunConfig<R>,
    pub compensated: bool,
    pub rtol: Vec<R>,
    pub atol: Vec<R>,
    pub t_save: Vec<R>,
    pub c: Vec<R>,
    pub a: Vec<Vec<(usize, R)>>,
    pub error: Vec<(usize, R)>,
    pub second_error: Vec<(usize, R)>,
    pub dense_stages: Vec<(R, Vec<(usize, R)>)>,
    pub dense: Vec<(usize, Vec<R>)>,
    pub dense_form: DenseForm,
}

impl<R: Real> Tables<R> {
    pub fn new(job: &Job, n_traj: usize) -> Self {
        let all = |values: &[f64]| values.iter().map(|v| R::of(*v)).collect::<Vec<R>>();
        let terms = |row: &Vec<(usize, f64)>| row.iter().map(|(i, w)| (*i, R::of(*w))).collect::<Vec<_>>();
        let stages = &job.method.stages;
        Tables {
            config: RunConfig::new(job, n_traj, u32::MAX),
            compensated: job.compensated,
            rtol: all(&job.rtol),
            atol: all(&job.atol),
            t_save: job.save_offsets().map(R::of).collect(),
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
