//! Saved values of one trajectory. Twin of `shaders/save.wgsl`.
//!
//! Save times lie anywhere inside a step; the interpolant gives the state there and never changes the steps. Where every
//! step is saved, a row ends with its time.

use super::dense::DenseStages;
use super::lane::{Attempt, Lane, Tables};
use super::step::{Stepper, first_non_finite};
use super::stops::time_step;
use crate::program::{Evaluator, OdeProgram};
use crate::real::Real;
use crate::status::Status;

/// Evaluates outputs and writes rows of one trajectory at a time.
pub struct Saver<'a, R> {
    tables: &'a Tables<R>,
    outputs: Evaluator<'a, R, 1>,
    dense: DenseStages<'a, R>,
    y: Vec<[R; 1]>,
    out: Vec<[R; 1]>,
    weights: Vec<(usize, R)>,
}

impl<'a, R: Real> Saver<'a, R> {
    pub fn new(program: &'a OdeProgram, tables: &'a Tables<R>) -> Self {
        Saver {
            tables,
            outputs: Evaluator::new(&program.outputs),
            dense: DenseStages::new(program, tables),
            y: vec![[R::ZERO]; program.n_state()],
            out: vec![[R::ZERO]; program.n_output()],
            weights: Vec::new(),
        }
    }

    /// Writes the state at t0 where it is asked for; `write` takes the number of the row, the position in it, and the value.
    pub fn save_start(
        &mut self,
        lane: &mut Lane<R>,
        trajectory: usize,
        y: &[[R; 1]],
        p: &[[R; 1]],
        write: &mut impl FnMut(usize, usize, R),
    ) {
        if self.saves_start(lane, trajectory) {
            self.save_state(lane, y, p, write);
        }
    }

    /// Whether the state at t0 is asked for, and not saved yet.
    pub fn saves_start(&self, lane: &Lane<R>, trajectory: usize) -> bool {
        let is_first_step = self.tables.saves.are_steps() && lane.n_saved == 0;
        is_first_step || self.next_save(lane, trajectory) <= R::ZERO
    }

    /// Offset of a lane's next save time, infinite if there is none.
    pub fn next_save(&self, lane: &Lane<R>, trajectory: usize) -> R {
        self.tables.saves.get(lane.n_saved as usize, trajectory, self.tables.config.n_traj as usize)
    }

    /// Writes every save time up to the end of an accepted step of the lane in a column of a block, but for what is saved
    /// after callbacks have fired. Stages that only dense output uses are computed for the first of them that lies inside.
    pub fn save_until<const C: usize>(
        &mut self,
        lane: &mut Lane<R>,
        (trajectory, column): (usize, usize),
        attempt: Attempt<R>,
        stepper: &Stepper<R, C>,
        p: &[[R; 1]],
        write: &mut impl FnMut(usize, usize, R),
    ) {
        let mut has_dense = self.tables.dense_stages.is_empty();
        loop {
            let tau_save = self.next_save(lane, trajectory);
            let since = (tau_save - lane.tau) - lane.tau_low;
            let is_at_end = attempt.is_last && tau_save <= lane.tau_stop;
            if tau_save < R::ZERO || !(is_at_end || since <= attempt.h && !self.tables.saves_end) {
                return;
            }
            if since >= attempt.h || self.tables.saves_end {
                for (slot, y) in self.y.iter_mut().enumerate() {
                    y[0] = stepper.number(stepper.at.y1_candidate + slot * stepper.stride, column);
                }
            } else {
                if !has_dense {
                    let t = lane.t0 + lane.tau;
                    let y = |slot: usize| stepper.number(stepper.at.y + slot * stepper.stride, column);
                    let step_k = |stage: usize, slot: usize| stepper.number(stepper.k(stage, slot), column);
                    self.dense.dense_stages(t, y, step_k, p, (attempt.h, time_step(self.tables, lane, attempt)));
                    has_dense = true;
                }
                let theta = since / attempt.h;
                stepper.interpolate(&self.dense.k, attempt.h, theta, column, &mut self.weights, &mut self.y);
            }
            self.write_row(lane, tau_save, p, write);
        }
    }

    /// Writes the state at t0, after a step, or after callbacks have fired.
    pub fn save_state(
        &mut self,
        lane: &mut Lane<R>,
        y: &[[R; 1]],
        p: &[[R; 1]],
        write: &mut impl FnMut(usize, usize, R),
    ) {
        self.y.copy_from_slice(y);
        self.write_row(lane, lane.tau, p, write);
    }

    /// Writes the state after callbacks have fired, where it is asked for.
    pub fn save_fired(
        &mut self,
        lane: &mut Lane<R>,
        trajectory: usize,
        y: &[[R; 1]],
        p: &[[R; 1]],
        write: &mut impl FnMut(usize, usize, R),
    ) {
        while self.next_save(lane, trajectory) < R::ZERO {
            self.save_state(lane, y, p, write);
            if self.tables.saves.are_steps() {
                return;
            }
        }
    }

    fn write_row(&mut self, lane: &mut Lane<R>, tau: R, p: &[[R; 1]], write: &mut impl FnMut(usize, usize, R)) {
        let index = lane.n_saved as usize;
        if index >= self.tables.saves.count() {
            lane.status = Status::SaveLimit;
            return;
        }
        self.outputs.evaluate(&[lane.t0 + tau], &self.y, p, &mut self.out);
        let mut culprit = first_non_finite(self.y.iter().map(|y| y[0]));
        for (row, value) in self.y.iter().chain(&self.out).enumerate() {
            write(index, row, value[0]);
            // Infinity may be an honest output, such as log(0); NaN never is.
            if culprit == 0 && row >= self.y.len() && value[0].is_nan() {
                culprit = row as u32 + 1;
            }
        }
        if self.tables.saves.are_steps() {
            write(index, self.y.len() + self.out.len(), tau);
        }
        if lane.culprit == 0 {
            lane.culprit = culprit;
        }
        lane.n_saved += 1;
    }
}
