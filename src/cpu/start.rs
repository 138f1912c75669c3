//! How a trajectory sets out: its state at t0, the first stage, there and after stops, and the first step size (E. Hairer,
//! S. Nørsett, G. Wanner, "Solving Ordinary Differential Equations I", section II.4).

use super::block::Block;
use super::controller::{initial_dt, initial_dt_first};
use super::drive::Run;
use super::lane::{Lane, bits};
use super::step::{first_non_finite, scaled_norm_sq};
use crate::job::rounded_off;
use crate::real::Real;
use crate::status::Status;

/// The state of one lane, outside the block.
pub struct Loose<R> {
    pub y: Vec<[R; 1]>,
    /// What rounding took from y, if that is carried along.
    pub low: Vec<[R; 1]>,
    pub p: Vec<[R; 1]>,
}

impl<R: Real> Loose<R> {
    pub fn new(n_state: usize, n_param: usize) -> Self {
        let zeros = |n: usize| vec![[R::ZERO]; n];
        Loose { y: zeros(n_state), low: zeros(n_state), p: zeros(n_param) }
    }

    /// Picks a trajectory at t0.
    pub fn pick(&mut self, run: Run<R>, trajectory: usize) -> Lane<R> {
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
}

impl<R: Real, const C: usize> Block<'_, R, C> {
    /// Computes the first stage of the lanes that set out, and the first step size of those that do so from t0.
    pub fn begin(&mut self) {
        for at in 0..self.stepper.width {
            if self.lanes[at].begins != 0 {
                self.first_stages(at);
                self.first_dts(at);
            }
        }
    }

    fn first_stages(&mut self, at: usize) {
        let (chunk, stepper) = (&mut self.lanes[at], &mut self.stepper);
        stepper.derivative(at, chunk.t_begin, true, chunk.begins);
        for i in bits(chunk.begins) {
            let lane = at * C + i;
            for slot in 0..stepper.n_state {
                stepper.put(stepper.k(0, slot), lane, stepper.number(stepper.k(1, slot), lane));
            }
            let culprits = [stepper.at.y, stepper.k(0, 0)].map(|row| {
                first_non_finite((0..stepper.n_state).map(|slot| stepper.number(row + slot * stepper.stride, lane)))
            });
            let culprit = if culprits[0] != 0 { culprits[0] } else { culprits[1] };
            if culprit != 0 {
                let mut failed = chunk.get(i);
                failed.fail(culprit);
                chunk.set(i, failed);
            }
        }
    }

    fn first_dts(&mut self, at: usize) {
        let (chunk, stepper) = (&mut self.lanes[at], &mut self.stepper);
        let is_wanted = |i: &usize| chunk.status[*i] == Status::Running && !(chunk.dt[*i] > R::ZERO);
        let wanted = bits(chunk.starts).filter(is_wanted).fold(0, |set, i| set | 1 << i);
        if wanted == 0 || !self.is_adaptive {
            return;
        }
        let (tables, n_state, stride, places) = (stepper.tables, stepper.n_state, stepper.stride, stepper.at);
        let (y_at, k_at, moved_at, f_at) = (places.y, stepper.k(0, 0), places.y1_candidate, stepper.k(1, 0));
        let (mut t, mut h0, mut d1) = (chunk.t_begin, [R::ZERO; C], [R::ZERO; C]);
        for i in bits(wanted) {
            let number = |row: usize, slot: usize| stepper.rows[row + slot * stride + at][i];
            let y = |slot: usize| number(y_at, slot);
            let d0 = scaled_norm_sq(tables, (0..n_state).map(|slot| (y(slot), y(slot))));
            d1[i] = scaled_norm_sq(tables, (0..n_state).map(|slot| (number(k_at, slot), y(slot))));
            h0[i] = initial_dt_first(&tables.config, d0, d1[i]);
            t[i] = t[i] + h0[i];
            for slot in 0..n_state {
                let moved =
                    stepper.rows[y_at + slot * stride + at][i] + h0[i] * stepper.rows[k_at + slot * stride + at][i];
                stepper.rows[moved_at + slot * stride + at][i] = moved;
            }
        }
        stepper.derivative(at, t, false, wanted);
        for i in bits(wanted) {
            let number = |row: usize, slot: usize| stepper.rows[row + slot * stride + at][i];
            let change = |slot: usize| number(f_at, slot) - number(k_at, slot);
            let df = scaled_norm_sq(tables, (0..n_state).map(|slot| (change(slot), number(y_at, slot))));
            chunk.dt[i] = initial_dt(&tables.config, h0[i], d1[i], df);
        }
    }
}
