//! The loop over steps for a block of lanes. Twin of `shaders/drive.wgsl`, where each invocation is one lane.
//!
//! A block of trajectories steps together, each with its own time and step size; a lane that is done takes the next
//! trajectory of the queue at once, so that a slow one holds nobody up. When the queue is empty the lanes that are left
//! move together and the block shrinks. Nothing that a lane computes depends on its neighbours or on the block.

use super::code::Code;
use super::controller::{initial_dt, initial_dt_first};
use super::lane::{Attempt, Lane, LaneChunk, Tables};
use super::output::Output;
use super::queue::Queue;
use super::save::Saver;
use super::step::{Stepper, first_non_finite, scaled_norm_sq};
use super::{integrate_adaptive, integrate_fixed};
use crate::job::{Inputs, Job, Progress, RunConfig, rounded_off};
use crate::program::Evaluator;
use crate::real::Real;
use crate::status::Status;
use pulp::{Simd, WithSimd};

/// Steps between two looks at whether the user wants to stop.
const STEPS_PER_LOOK: u32 = 64;

/// Most fixed steps without a look at anything but the state.
const MAX_QUIET_STEPS: u32 = 1024;

/// What all blocks of a run share.
#[derive(Clone, Copy)]
pub struct Run<'a, R> {
    pub job: &'a Job<'a>,
    pub code: &'a Code,
    pub tables: &'a Tables<R>,
    pub inputs: &'a Inputs,
    pub queue: &'a Queue,
    pub output: &'a Output,
    pub progress: &'a dyn Progress,
}

/// Integrates trajectories of the queue until it is empty, at most `lanes` at a time, a multiple of `C`.
pub fn drive<R: Real, const C: usize>(run: Run<R>, lanes: usize) {
    Driver::<R, C>::new(run, lanes).run();
}

struct Driver<'a, R, const C: usize> {
    run: Run<'a, R>,
    block: Block<'a, R, C>,
    starter: Starter<'a, R>,
    saver: Saver<'a, R>,
    /// Lanes with a trajectory.
    n_occupied: usize,
}

impl<'a, R: Real, const C: usize> Driver<'a, R, C> {
    fn new(run: Run<'a, R>, lanes: usize) -> Self {
        let block = Block {
            stepper: Stepper::new(run.job, run.code, run.tables, lanes / C),
            lanes: vec![LaneChunk::empty(); lanes / C],
            is_adaptive: run.job.method.is_adaptive(),
        };
        let (starter, saver) = (Starter::new(run), Saver::new(run.job.program, run.tables));
        Driver { run, block, starter, saver, n_occupied: 0 }
    }

    fn run(mut self) {
        (0..self.block.n_lanes()).for_each(|lane| self.start(lane));
        let mut steps = 0;
        while self.n_occupied > 0 {
            if steps % STEPS_PER_LOOK == 0 && self.run.progress.is_stopped() {
                return self.stop();
            }
            steps += 1;
            let found = self.block.dispatch(Part::Try);
            if found.to_save {
                self.save();
            }
            if self.block.dispatch(Part::Accept).ended {
                self.refill();
            }
        }
    }

    /// Puts the next trajectory of the queue into a lane: k1, the first step size, the state at t0.
    fn start(&mut self, lane: usize) {
        while let Some(trajectory) = self.run.queue.next() {
            let mut started = self.starter.start(self.run, trajectory);
            let mut write = self.run.output.writer(trajectory);
            self.saver.save_start(&mut started, &self.starter.y, &self.starter.p, &mut write);
            if started.status != Status::Running {
                self.run.output.finish(self.run.job, trajectory, started, self.starter.y.iter().map(|y| y[0]));
                self.run.progress.finished(1);
                continue;
            }
            let stepper = &mut self.block.stepper;
            let (at, stride) = (stepper.at, stepper.stride);
            for slot in 0..stepper.n_state {
                stepper.put(at.y + slot * stride, lane, self.starter.y[slot][0]);
                stepper.put(stepper.k(0, slot), lane, self.starter.k1[slot][0]);
                if self.run.tables.compensated {
                    let y0 = self.run.inputs.y0[slot * self.run.inputs.n_traj + trajectory];
                    stepper.put(at.low + slot * stride, lane, R::of(rounded_off(R::PRECISION, y0)));
                }
            }
            for (slot, p) in self.starter.p.iter().enumerate() {
                stepper.put(at.p + slot * stride, lane, p[0]);
            }
            let chunk = &mut self.block.lanes[lane / C];
            chunk.set(lane % C, started);
            chunk.occupied[lane % C] = true;
            chunk.trajectory[lane % C] = trajectory;
            chunk.next_save[lane % C] = self.saver.next_save(&started);
            self.n_occupied += 1;
            return;
        }
    }

    /// Writes the save times that lie in the accepted steps.
    fn save(&mut self) {
        let stepper = &self.block.stepper;
        for lane in 0..stepper.width * C {
            let (chunk, i) = (&mut self.block.lanes[lane / C], lane % C);
            if !chunk.saves[i] {
                continue;
            }
            let attempt = Attempt { h: stepper.number(stepper.at.h, lane), is_last: chunk.is_last[i] };
            let mut saved = chunk.get(i);
            for (slot, p) in self.starter.p.iter_mut().enumerate() {
                p[0] = stepper.number(stepper.at.p + slot * stepper.stride, lane);
            }
            let mut write = self.run.output.writer(chunk.trajectory[i]);
            self.saver.save_until(&mut saved, lane, attempt, stepper, &self.starter.p, &mut write);
            chunk.set(i, saved);
            chunk.next_save[i] = self.saver.next_save(&saved);
        }
    }

    /// Takes trajectories that have ended out of their lanes and puts others in.
    fn refill(&mut self) {
        let mut n_ended = 0;
        for lane in 0..self.block.n_lanes() {
            let (chunk, i) = (&mut self.block.lanes[lane / C], lane % C);
            if chunk.occupied[i] && chunk.status[i] != Status::Running {
                self.retire(lane);
                n_ended += 1;
                self.start(lane);
            }
        }
        self.run.progress.finished(n_ended);
        if self.n_occupied + C <= self.block.n_lanes() {
            self.block.close_ranks(self.n_occupied.div_ceil(C));
        }
    }

    /// Hands over the results of a trajectory and frees its lane.
    fn retire(&mut self, lane: usize) {
        let (chunk, i) = (&mut self.block.lanes[lane / C], lane % C);
        chunk.occupied[i] = false;
        self.n_occupied -= 1;
        let stepper = &self.block.stepper;
        let y = (0..stepper.n_state).map(|slot| stepper.number(stepper.at.y + slot * stepper.stride, lane));
        self.run.output.finish(self.run.job, chunk.trajectory[i], chunk.get(i), y);
    }

    /// Gives up what has not ended yet, with what there is of it.
    fn stop(mut self) {
        loop {
            for lane in 0..self.block.n_lanes() {
                let (chunk, i) = (&mut self.block.lanes[lane / C], lane % C);
                if chunk.occupied[i] {
                    let stopped = Lane { status: Status::Stopped, ..chunk.get(i) };
                    chunk.set(i, stopped);
                    self.retire(lane);
                }
            }
            self.start(0);
            if self.n_occupied == 0 {
                return;
            }
        }
    }
}

/// Prepares trajectories for their first step.
struct Starter<'a, R> {
    rhs: Evaluator<'a, R, 1>,
    y: Vec<[R; 1]>,
    p: Vec<[R; 1]>,
    k1: Vec<[R; 1]>,
    moved: Vec<[R; 1]>,
    f1: Vec<[R; 1]>,
}

impl<'a, R: Real> Starter<'a, R> {
    fn new(run: Run<'a, R>) -> Self {
        let program = run.job.program;
        let zeros = |n: usize| vec![[R::ZERO]; n];
        let n = program.n_state();
        let (y, p, k1, moved, f1) = (zeros(n), zeros(program.n_param()), zeros(n), zeros(n), zeros(n));
        Starter { rhs: Evaluator::new(&program.rhs), y, p, k1, moved, f1 }
    }

    fn start(&mut self, run: Run<R>, trajectory: usize) -> Lane<R> {
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

/// Lanes that step together.
struct Block<'a, R, const C: usize> {
    stepper: Stepper<'a, R, C>,
    lanes: Vec<LaneChunk<R, C>>,
    is_adaptive: bool,
}

/// The parts of a step, between which save times are served.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// Tries a step in every lane, and decides on it.
    Try,
    /// Moves the lanes that accept it.
    Accept,
}

/// What a part of a step found in any lane.
#[derive(Clone, Copy, Default)]
struct Found {
    to_save: bool,
    ended: bool,
}

/// A part of a step, compiled for the machine's vectors.
struct Vectorized<'b, 'a, R, const C: usize>(&'b mut Block<'a, R, C>, Part);

impl<R: Real, const C: usize> WithSimd for Vectorized<'_, '_, R, C> {
    type Output = Found;
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Found {
        match self.1 {
            Part::Try => self.0.try_step(),
            Part::Accept => self.0.accept_step(),
        }
    }
}

impl<R: Real, const C: usize> Block<'_, R, C> {
    fn dispatch(&mut self, part: Part) -> Found {
        let arch = self.stepper.arch;
        if C == 1 { Vectorized(self, part).with_simd(pulp::Scalar) } else { arch.dispatch(Vectorized(self, part)) }
    }

    fn n_lanes(&self) -> usize {
        self.stepper.width * C
    }

    /// One attempted step of every lane.
    #[inline(always)]
    fn try_step(&mut self) -> Found {
        if !self.is_adaptive {
            self.quiet_steps();
        }
        self.begin_steps();
        self.stepper.rk_step();
        if self.is_adaptive {
            self.stepper.error_norm_sq();
        }
        self.end_steps()
    }

    /// Chooses the step of each lane.
    #[inline(always)]
    fn begin_steps(&mut self) {
        let config = self.stepper.tables.config;
        let places = self.stepper.at;
        for (at, chunk) in self.lanes.iter_mut().enumerate() {
            let (mut h, mut t) = ([R::ZERO; C], [R::ZERO; C]);
            for i in 0..C {
                let mut lane = chunk.get(i);
                let attempt = if self.is_adaptive {
                    integrate_adaptive::begin_step(&config, &mut lane)
                } else {
                    integrate_fixed::begin_step(&config, &mut lane)
                };
                h[i] = attempt.h;
                chunk.is_last[i] = attempt.is_last;
            }
            for i in 0..C {
                t[i] = config.t0 + chunk.tau[i];
            }
            self.stepper.rows[places.h + at] = h;
            self.stepper.rows[places.t + at] = t;
        }
    }

    /// Decides on the step of each lane, and tells whether a save time lies in one that is accepted.
    #[inline(always)]
    fn end_steps(&mut self) -> Found {
        let config = self.stepper.tables.config;
        let places = self.stepper.at;
        let unbounded = self.stepper.is_unbounded();
        let mut found = Found::default();
        for (at, chunk) in self.lanes.iter_mut().enumerate() {
            let culprit = unbounded.then(|| std::array::from_fn(|i| self.stepper.first_non_finite(at * C + i)));
            let rows = &self.stepper.rows;
            let h = rows[places.h + at];
            let norm = [rows[places.norm_sq + at], rows[places.noise_sq + at]];
            if self.is_adaptive {
                integrate_adaptive::end_steps(&config, chunk, h, norm, culprit);
            } else {
                integrate_fixed::end_steps(&config, chunk, h, norm, culprit);
            }
            let mut reached = [false; C];
            for i in 0..C {
                let since = (chunk.next_save[i] - chunk.tau[i]) - chunk.tau_low[i];
                reached[i] = (since <= h[i]) | (chunk.is_last[i] & chunk.next_save[i].is_finite());
            }
            for i in 0..C {
                chunk.saves[i] = reached[i] & chunk.accepts[i] & chunk.occupied[i];
            }
            for saves in chunk.saves {
                found.to_save |= saves;
            }
        }
        found
    }

    /// Moves time and state of the lanes that accept the step.
    #[inline(always)]
    fn accept_step(&mut self) -> Found {
        let config = self.stepper.tables.config;
        let places = self.stepper.at;
        let mut found = Found::default();
        for (at, chunk) in self.lanes.iter_mut().enumerate() {
            let h = self.stepper.rows[places.h + at];
            for i in 0..C {
                let mut lane = chunk.get(i);
                if chunk.accepts[i] {
                    let attempt = Attempt { h: h[i], is_last: chunk.is_last[i] };
                    if self.is_adaptive {
                        integrate_adaptive::advance(&config, &mut lane, attempt);
                    } else {
                        integrate_fixed::advance(&config, &mut lane, attempt);
                    }
                    chunk.set(i, lane);
                } else {
                    self.stepper.keep(at * C + i);
                }
            }
            for i in 0..C {
                let is_spent = chunk.accepted[i] + chunk.rejected[i] >= config.max_steps;
                if is_spent & (chunk.status[i] == Status::Running) {
                    chunk.status[i] = Status::StepLimit;
                }
                found.ended |= chunk.occupied[i] & (chunk.status[i] != Status::Running);
            }
        }
        self.stepper.swap();
        found
    }

    /// Takes fixed steps as long as no lane has a save time or its last step before it, and all stay finite.
    #[inline(always)]
    fn quiet_steps(&mut self) {
        let config = self.stepper.tables.config;
        let mut quiet = MAX_QUIET_STEPS;
        for chunk in &self.lanes {
            for i in (0..C).filter(|i| chunk.occupied[*i]) {
                quiet = quiet.min(integrate_fixed::quiet_steps(&config, &chunk.get(i), chunk.next_save[i]));
            }
        }
        let (h, width) = (self.stepper.at.h, self.stepper.width);
        self.stepper.rows[h..h + width].fill([config.dt; C]);
        let mut taken = 0;
        while taken < quiet {
            if self.stepper.uses_time {
                self.count_steps(0, taken);
            }
            self.stepper.rk_step();
            if self.stepper.is_unbounded() {
                break;
            }
            self.stepper.swap();
            taken += 1;
        }
        self.count_steps(taken, 0);
    }

    /// Counts fixed steps that all lanes have taken; the time of the step is that after `more` of them.
    #[inline(always)]
    fn count_steps(&mut self, taken: u32, more: u32) {
        let config = self.stepper.tables.config;
        let t_at = self.stepper.at.t;
        for (at, chunk) in self.lanes.iter_mut().enumerate() {
            let mut t = [R::ZERO; C];
            for (i, t) in t.iter_mut().enumerate() {
                let mut lane = chunk.get(i);
                lane.accepted += taken;
                lane.tau = R::of_u32(lane.accepted + more) * config.dt;
                *t = config.t0 + lane.tau;
                chunk.set(i, lane);
            }
            self.stepper.rows[t_at + at] = t;
        }
    }

    /// Moves the occupied lanes to the front and shrinks the block to `width` chunks.
    fn close_ranks(&mut self, width: usize) {
        let mut free = 0;
        for lane in 0..self.n_lanes() {
            if !self.lanes[lane / C].occupied[lane % C] {
                continue;
            }
            if free != lane {
                let from = self.lanes[lane / C];
                let to = &mut self.lanes[free / C];
                to.set(free % C, from.get(lane % C));
                to.occupied[free % C] = true;
                to.trajectory[free % C] = from.trajectory[lane % C];
                to.next_save[free % C] = from.next_save[lane % C];
                self.lanes[lane / C].occupied[lane % C] = false;
                let stride = self.stepper.stride;
                for row in self.stepper.rows.chunks_exact_mut(stride) {
                    row[free / C][free % C] = row[lane / C][lane % C];
                }
            }
            free += 1;
        }
        self.stepper.width = width;
        self.lanes.truncate(width);
    }
}
