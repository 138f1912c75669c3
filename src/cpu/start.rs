//! How a trajectory sets out: its state at t0, the first stage, there and after stops, and the first step size (E. Hairer,
//! S. Nørsett, G. Wanner, "Solving Ordinary Differential Equations I", section II.4).

use super::block::Block;
use super::controller::{initial_dt, initial_dt_first, ratio};
use super::drive::Run;
use super::lane::{Lane, LaneChunk, Tables, bits};
use super::step::{Stepper, first_non_finite};
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
    /// Computes the first stage of the lanes that set out from a stop.
    pub fn depart(&mut self) {
        for at in 0..self.stepper.width {
            if self.lanes[at].begins != 0 {
                first_stages(&mut self.stepper, &mut self.lanes[at], at);
            }
        }
    }

    /// Computes the first stage and the first step size of the trajectories that wait at t0.
    pub fn begin(&mut self) {
        let at = self.stepper.waiting_at;
        first_stages(&mut self.stepper, &mut self.waiting, at);
        if self.is_adaptive {
            self.first_dts(at);
        }
    }

    fn first_dts(&mut self, at: usize) {
        let (chunk, stepper) = (&mut self.waiting, &mut self.stepper);
        let is_wanted = |i: &usize| chunk.status[*i] == Status::Running && !(chunk.dt[*i] > R::ZERO);
        let wanted = bits(chunk.begins).filter(is_wanted).fold(0, |set, i| set | 1 << i);
        if wanted == 0 {
            return;
        }
        let (tables, n_state, stride, places) = (stepper.tables, stepper.n_state, stepper.stride, stepper.at);
        let (k_at, f_at) = (stepper.k(0, 0), stepper.k(1, 0));
        let row = |stepper: &Stepper<R, C>, group: usize, slot: usize| stepper.rows[group + slot * stride + at];
        let y = |stepper: &Stepper<R, C>, slot: usize| row(stepper, places.y, slot);
        let d0 = scaled_norm_sq(tables, n_state, |slot| (y(stepper, slot), y(stepper, slot)));
        let d1 = scaled_norm_sq(tables, n_state, |slot| (row(stepper, k_at, slot), y(stepper, slot)));
        let (mut t, mut h0, mut most) = (chunk.t_begin, [R::ZERO; C], [R::ZERO; C]);
        for i in 0..C {
            most[i] = chunk.span[i].lesser(tables.config.dt_max);
            h0[i] = initial_dt_first(most[i], d0[i], d1[i]);
            t[i] = t[i] + h0[i];
        }
        for slot in 0..n_state {
            let (mut moved, k) = (y(stepper, slot), row(stepper, k_at, slot));
            for i in 0..C {
                moved[i] = moved[i] + h0[i] * k[i];
            }
            stepper.rows[places.y1_candidate + slot * stride + at] = moved;
        }
        stepper.derivative(at, t, false, wanted);
        let df = scaled_norm_sq(tables, n_state, |slot| {
            let (mut change, k) = (row(stepper, f_at, slot), row(stepper, k_at, slot));
            for i in 0..C {
                change[i] = change[i] - k[i];
            }
            (change, y(stepper, slot))
        });
        for i in bits(wanted) {
            chunk.dt[i] = initial_dt(&tables.config, most[i], h0[i], d1[i], df[i]);
        }
    }
}

/// Computes the first stages of the lanes of a chunk that set out.
fn first_stages<R: Real, const C: usize>(stepper: &mut Stepper<R, C>, chunk: &mut LaneChunk<R, C>, at: usize) {
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

/// Mean square of `v` in tolerance units of `y` for each lane, for pairs of both by slot.
#[inline(always)]
fn scaled_norm_sq<R: Real, const C: usize>(
    tables: &Tables<R>,
    n_state: usize,
    pair: impl Fn(usize) -> ([R; C], [R; C]),
) -> [R; C] {
    let mut sum = [R::ZERO; C];
    for slot in 0..n_state {
        let (v, y) = pair(slot);
        for i in 0..C {
            let tolerance = tables.atol[slot] + tables.rtol[slot] * y[i].abs();
            let e = ratio(v[i], tolerance).abs().lesser(R::of_f32(1e15));
            sum[i] = sum[i] + e * e;
        }
    }
    sum.map(|sum| sum / R::of_u32(n_state.max(1) as u32))
}
