//! The first stage and the first step size of a trajectory: E. Hairer, S. Nørsett, G. Wanner, "Solving Ordinary
//! Differential Equations I", section II.4.

use super::controller::{initial_dt, initial_dt_first};
use super::drive::Run;
use super::lane::{Lane, Tables};
use super::rhs::ScalarRhs;
use super::step::{first_non_finite, scaled_norm_sq};
use crate::job::rounded_off;
use crate::real::Real;
use crate::status::Status;

/// Prepares trajectories for their first step.
pub struct Starter<'a, R> {
    rhs: ScalarRhs<'a, R>,
    pub y: Vec<[R; 1]>,
    pub p: Vec<[R; 1]>,
    pub k1: Vec<[R; 1]>,
    /// What rounding took from y, if that is carried along.
    pub low: Vec<[R; 1]>,
    moved: Vec<[R; 1]>,
    f1: Vec<[R; 1]>,
}

impl<'a, R: Real> Starter<'a, R> {
    pub fn new(run: Run<'a, R>) -> Self {
        let program = run.job.program;
        let zeros = |n: usize| vec![[R::ZERO]; n];
        let n = program.n_state();
        let p = zeros(program.n_param());
        let (y, k1, low, moved, f1) = (zeros(n), zeros(n), zeros(n), zeros(n), zeros(n));
        Starter { rhs: ScalarRhs::new(program), y, p, k1, low, moved, f1 }
    }

    /// Picks y and p of a trajectory at t0.
    pub fn begin(&mut self, run: Run<R>, trajectory: usize) -> Lane<R> {
        let (inputs, config) = (run.inputs, &run.tables.config);
        let value = |values: &[f64], row: usize| values[row * inputs.n_traj + trajectory];
        for (slot, (y, low)) in self.y.iter_mut().zip(&mut self.low).enumerate() {
            let y0 = value(&inputs.y0, slot);
            (y[0], low[0]) = (R::of(y0), R::ZERO);
            if run.tables.compensated {
                low[0] = R::of(rounded_off(R::PRECISION, y0));
            }
        }
        self.p.iter_mut().enumerate().for_each(|(slot, p)| p[0] = R::of(value(&inputs.p, slot)));
        let (t0, span) = match run.job.own_span {
            true => (R::of(inputs.t0[trajectory]), R::of(inputs.span[trajectory])),
            false => (config.t0, config.span),
        };
        Lane::new(config.dt, t0, span)
    }

    /// Computes k1 and the first step size.
    pub fn start(&mut self, tables: &Tables<R>, lane: &mut Lane<R>) {
        self.rhs.evaluate(lane.t0, &self.y, &self.p, &mut self.k1);
        let culprits = [&self.y, &self.k1].map(|block| first_non_finite(block.iter().map(|v| v[0])));
        let culprit = if culprits[0] != 0 { culprits[0] } else { culprits[1] };
        if culprit != 0 {
            lane.status = Status::NonFinite;
            lane.culprit = if lane.culprit == 0 { culprit } else { lane.culprit };
        } else if tables.is_adaptive && !(lane.dt > R::ZERO) {
            lane.dt = self.first_dt(tables, lane.t0);
        }
    }

    fn first_dt(&mut self, tables: &Tables<R>, t0: R) -> R {
        let config = &tables.config;
        let d0 = scaled_norm_sq(tables, &self.y, &self.y);
        let d1 = scaled_norm_sq(tables, &self.k1, &self.y);
        let h0 = initial_dt_first(config, d0, d1);
        for ((moved, y), k) in self.moved.iter_mut().zip(&self.y).zip(&self.k1) {
            moved[0] = y[0] + h0 * k[0];
        }
        self.rhs.evaluate(t0 + h0, &self.moved, &self.p, &mut self.f1);
        self.f1.iter_mut().zip(&self.k1).for_each(|(f, k)| f[0] = f[0] - k[0]);
        initial_dt(config, h0, d1, scaled_norm_sq(tables, &self.f1, &self.y))
    }
}
