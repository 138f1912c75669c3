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
