//! The first stage and the first step size of a trajectory: E. Hairer, S. Nørsett, G. Wanner, "Solving Ordinary
//! Differential Equations I", section II.4.

use super::controller::{initial_dt, initial_dt_first};
use super::drive::Run;
use super::lane::{Lane, Tables};
use super::step::{first_non_finite, scaled_norm_sq};
use crate::job::RunConfig;
use crate::program::Evaluator;
use crate::real::Real;
use crate::status::Status;

/// Prepares trajectories for their first step.
pub struct Starter<'a, R> {
    rhs: Evaluator<'a, R, 1>,
    pub y: Vec<[R; 1]>,
    pub p: Vec<[R; 1]>,
    pub k1: Vec<[R; 1]>,
    moved: Vec<[R; 1]>,
    f1: Vec<[R; 1]>,
}

impl<'a, R: Real> Starter<'a, R> {
    pub fn new(run: Run<'a, R>) -> Self {
        let program = run.job.program;
        let zeros = |n: usize| vec![[R::ZERO]; n];
        let n = program.n_state();
        let (y, p, k1, moved, f1) = (zeros(n), zeros(program.n_param()), zeros(n), zeros(n), zeros(n));
        Starter { rhs: Evaluator::new(&program.rhs), y, p, k1, moved, f1 }
    }

    /// Computes y, p and k1 of a trajectory.
    pub fn start(&mut self, run: Run<R>, trajectory: usize) -> Lane<R> {
        let (inputs, config) = (run.inputs, &run.tables.config);
        let pick = |to: &mut [[R; 1]], values: &[f64]| {
            to.iter_mut().enumerate().for_each(|(row, to)| to[0] = R::of(values[row * inputs.n_traj + trajectory]));
        };
        pick(&mut self.y, &inputs.y0);
        pick(&mut self.p, &inputs.p);
        self.rhs.evaluate(&[config.t0], &self.y, &self.p, &mut self.k1);
        let mut lane = Lane::new(config.dt);
        let culprit = [&self.y, &self.k1].map(|block| first_non_finite(block.iter().map(|v| v[0])));
        lane.culprit = if culprit[0] != 0 { culprit[0] } else { culprit[1] };
        if lane.culprit != 0 {
            lane.status = Status::NonFinite;
        } else if run.job.method.is_adaptive() && !(lane.dt > R::ZERO) {
            lane.dt = self.first_dt(run.tables, config);
        }
        lane
    }

    fn first_dt(&mut self, tables: &Tables<R>, config: &RunConfig<R>) -> R {
        let d0 = scaled_norm_sq(tables, &self.y, &self.y);
        let d1 = scaled_norm_sq(tables, &self.k1, &self.y);
        let h0 = initial_dt_first(config, d0, d1);
        for ((moved, y), k) in self.moved.iter_mut().zip(&self.y).zip(&self.k1) {
            moved[0] = y[0] + h0 * k[0];
        }
        self.rhs.evaluate(&[config.t0 + h0], &self.moved, &self.p, &mut self.f1);
        self.f1.iter_mut().zip(&self.k1).for_each(|(f, k)| f[0] = f[0] - k[0]);
        initial_dt(config, h0, d1, scaled_norm_sq(tables, &self.f1, &self.y))
    }
}
