//! The loop over steps for a block of lanes. Twin of `shaders/drive.wgsl`, where each invocation is one lane.
//!
//! A block of `L` trajectories steps together, each with its own time and step size; a lane that is done takes the next
//! trajectory of the range at once. Nothing a lane computes depends on its neighbours or on `L`.

use super::controller::{initial_dt, initial_dt_first};
use super::lane::{Attempt, ErrorNorm, Lane, Tables};
use super::save::Saver;
use super::step::{Block, Stepper, first_non_finite, scaled_norm_sq};
use super::{integrate_adaptive, integrate_fixed};
use crate::job::{Inputs, Job, Progress, RawOutput, RunConfig, rounded_off};
use crate::real::Real;
use crate::status::Status;
use std::ops::Range;

/// The step-size rule: the functions of `integrate_fixed` or of `integrate_adaptive`.
struct Rule<R> {
    begin_step: fn(&RunConfig<R>, &mut Lane<R>) -> Attempt<R>,
    end_step: EndStep<R>,
    advance: fn(&RunConfig<R>, &mut Lane<R>, Attempt<R>),
}

/// Takes the attempt, its error and what is not finite in it; tells whether the step counts.
type EndStep<R> = fn(&RunConfig<R>, &mut Lane<R>, Attempt<R>, ErrorNorm<R>, u32) -> bool;

impl<R: Real> Rule<R> {
    fn of(job: &Job) -> Self {
        if job.method.is_adaptive() {
            use integrate_adaptive::{advance, begin_step, end_step};
            Rule { begin_step, end_step, advance }
        } else {
            use integrate_fixed::{advance, begin_step, end_step};
            Rule { begin_step, end_step, advance }
        }
    }
}

/// A trajectory in a lane of the block.
struct Occupant<R> {
    trajectory: usize,
    lane: Lane<R>,
    p: Vec<[R; 1]>,
}

/// Integrates the trajectories of a range, `L` at a time.
pub fn drive<R: Real, const L: usize>(
    job: &Job,
    tables: &Tables<R>,
    inputs: &Inputs,
    range: Range<usize>,
    progress: &dyn Progress,
) -> RawOutput {
    Driver::<R, L>::new(job, tables, inputs, range).run(progress)
}

struct Driver<'a, R, const L: usize> {
    job: &'a Job<'a>,
    tables: &'a Tables<R>,
    inputs: &'a Inputs,
    range: Range<usize>,
    rule: Rule<R>,
    stepper: Stepper<'a, R, L>,
    starter: Stepper<'a, R, 1>,
    saver: Saver<'a, R>,
    y: Block<R, L>,
    p: Block<R, L>,
    occupants: [Option<Occupant<R>>; L],
    next: usize,
    output: RawOutput,
}

impl<'a, R: Real, const L: usize> Driver<'a, R, L> {
    fn new(job: &'a Job, tables: &'a Tables<R>, inputs: &'a Inputs, range: Range<usize>) -> Self {
        let program = job.program;
        let n = range.len();
        Driver {
            job,
            tables,
            inputs,
            rule: Rule::of(job),
            stepper: Stepper::new(program, tables),
            starter: Stepper::new(program, tables),
            saver: Saver::new(program, tables),
            y: vec![[R::ZERO; L]; program.n_state()],
            p: vec![[R::ZERO; L]; program.n_param()],
            occupants: [const { None }; L],
            next: range.start,
            range,
            output: RawOutput {
                n_traj: n,
                y: vec![0.0; program.n_state() * n],
                t: vec![0.0; n],
                saved: vec![f64::NAN; job.t_save.len() * program.n_row() * n],
                status: vec![0; n],
                accepted: vec![0; n],
                rejected: vec![0; n],
                culprit: vec![0; n],
            },
        }
    }

    fn run(mut self, progress: &dyn Progress) -> RawOutput {
        loop {
            if progress.is_stopped() {
                return self.stop();
            }
            for column in 0..L {
                while self.occupants[column].is_none() && self.next < self.range.end {
                    self.start(column);
                }
            }
            if self.occupants.iter().all(Option::is_none) {
                return self.output;
            }
            self.step();
        }
    }

    /// Puts the next trajectory into a lane: k1, the first step size, the state at t0.
    fn start(&mut self, column: usize) {
        let config = &self.tables.config;
        let trajectory = self.next;
        self.next += 1;
        let pick = |values: &[f64], n: usize| -> Vec<[R; 1]> {
            (0..n).map(|row| [R::of(values[row * self.inputs.n_traj + trajectory])]).collect()
        };
        let y = pick(&self.inputs.y0, self.y.len());
        let p = pick(&self.inputs.p, self.p.len());
        let mut k1 = vec![[R::ZERO]; y.len()];
        self.starter.rhs(&[config.t0], &y, &p, &mut k1);
        let mut lane = Lane::new(config.dt);
        let culprit = [&y, &k1].map(|block| first_non_finite(block.iter().map(|v| v[0])));
        lane.culprit = if culprit[0] != 0 { culprit[0] } else { culprit[1] };
        if lane.culprit != 0 {
            lane.status = Status::NonFinite;
        } else if self.job.method.is_adaptive() && !(lane.dt > R::ZERO) {
            lane.dt = self.first_dt(&y, &k1, &p);
        }
        for (slot, (y, k1)) in y.iter().zip(&k1).enumerate() {
            self.y[slot][column] = y[0];
            self.stepper.k[0][slot][column] = k1[0];
        }
        for (slot, low) in self.stepper.low.iter_mut().enumerate() {
            low[column] = R::of(rounded_off(R::PRECISION, self.inputs.y0[slot * self.inputs.n_traj + trajectory]));
        }
        for (slot, p) in p.iter().enumerate() {
            self.p[slot][column] = p[0];
        }
        let (range, n_row) = (self.range.clone(), self.job.program.n_row());
        self.saver.save_start(&mut lane, &y, &p, &mut writer(&mut self.output, trajectory - range.start, n_row));
        self.occupants[column] = Some(Occupant { trajectory, lane, p });
        self.retire(column);
    }

    fn first_dt(&mut self, y: &[[R; 1]], k1: &[[R; 1]], p: &[[R; 1]]) -> R {
        let config = &self.tables.config;
        let d0 = scaled_norm_sq(self.tables, y, y);
        let d1 = scaled_norm_sq(self.tables, k1, y);
        let h0 = initial_dt_first(config, d0, d1);
        let moved: Vec<[R; 1]> = y.iter().zip(k1).map(|(y, k)| [y[0] + h0 * k[0]]).collect();
        let mut f1 = vec![[R::ZERO]; y.len()];
        self.starter.rhs(&[config.t0 + h0], &moved, p, &mut f1);
        let change: Vec<[R; 1]> = f1.iter().zip(k1).map(|(f, k)| [f[0] - k[0]]).collect();
        initial_dt(config, h0, d1, scaled_norm_sq(self.tables, &change, y))
    }

    /// One attempted step of every lane.
    fn step(&mut self) {
        let config = &self.tables.config;
        let mut attempts = [Attempt { h: R::ZERO, is_last: false }; L];
        let mut t = [config.t0; L];
        for (column, occupant) in self.occupants.iter_mut().enumerate() {
            let Some(Occupant { lane, .. }) = occupant else { continue };
            attempts[column] = (self.rule.begin_step)(config, lane);
            t[column] = config.t0 + lane.tau;
        }
        let h = attempts.map(|attempt| attempt.h);
        self.stepper.rk_step(&t, &self.y, &self.p, &h);
        let none = [ErrorNorm { sq: R::ZERO, noise_sq: R::ZERO }; L];
        let norm = if self.job.method.is_adaptive() { self.stepper.error_norm_sq(&self.y, &h) } else { none };
        let culprit = self.stepper.first_non_finite();
        for column in 0..L {
            self.finish_step(column, attempts[column], norm[column], culprit[column]);
        }
    }

    fn finish_step(&mut self, column: usize, attempt: Attempt<R>, norm: ErrorNorm<R>, culprit: u32) {
        let config = &self.tables.config;
        let Some(Occupant { trajectory, lane, p }) = &mut self.occupants[column] else { return };
        if (self.rule.end_step)(config, lane, attempt, norm, culprit) {
            let mut write = writer(&mut self.output, *trajectory - self.range.start, self.job.program.n_row());
            self.saver.save_until(lane, column, attempt, &self.y, &self.stepper, p, &mut write);
            (self.rule.advance)(config, lane, attempt);
            let last = self.stepper.k.len() - 1;
            for slot in 0..self.y.len() {
                self.y[slot][column] = self.stepper.y1_candidate[slot][column];
                self.stepper.k[0][slot][column] = self.stepper.k[last][slot][column];
            }
            for (low, low1) in self.stepper.low.iter_mut().zip(&self.stepper.low1) {
                low[column] = low1[column];
            }
        }
        if lane.status == Status::Running && lane.accepted + lane.rejected >= config.max_steps {
            lane.status = Status::StepLimit;
        }
        self.retire(column);
    }

    /// Frees the lane of a trajectory that has ended.
    fn retire(&mut self, column: usize) {
        let ended = self.occupants[column].take_if(|occupant| occupant.lane.status != Status::Running);
        let Some(Occupant { trajectory, mut lane, .. }) = ended else { return };
        if lane.status == Status::Success && lane.culprit != 0 {
            lane.status = Status::NonFinite;
        }
        let i = trajectory - self.range.start;
        let output = &mut self.output;
        for (slot, y) in self.y.iter().enumerate() {
            output.y[slot * output.n_traj + i] = y[column].to_f64();
        }
        output.t[i] = self.job.end_time(lane.tau.to_f64());
        output.status[i] = lane.status as u32;
        output.accepted[i] = lane.accepted;
        output.rejected[i] = lane.rejected;
        output.culprit[i] = lane.culprit;
    }

    /// Gives up what has not ended yet, with what there is of it.
    fn stop(mut self) -> RawOutput {
        while self.next < self.range.end || self.occupants.iter().any(Option::is_some) {
            for column in 0..L {
                if let Some(Occupant { lane, .. }) = &mut self.occupants[column] {
                    lane.status = Status::Stopped;
                    self.retire(column);
                } else if self.next < self.range.end {
                    self.start(column);
                }
            }
        }
        self.output
    }
}

/// Where a saved value of trajectory `i` goes.
fn writer<R: Real>(output: &mut RawOutput, i: usize, n_row: usize) -> impl FnMut(usize, usize, R) + '_ {
    let n_traj = output.n_traj;
    move |save, row, value| output.saved[(save * n_row + row) * n_traj + i] = value.to_f64()
}
