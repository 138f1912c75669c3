//! The loop over steps for a block of lanes. Twin of `shaders/drive.wgsl`, where each invocation is one lane.
//!
//! A block of trajectories steps together, each with its own time and step size; a lane that is done takes the next
//! trajectory of the queue at once, so that a slow one holds nobody up. When the queue is empty the lanes that are left
//! move together and the block shrinks. Nothing that a lane computes depends on its neighbours or on the block.

use super::block::{Block, Part};
use super::code::Code;
use super::lane::{Attempt, Lane, LaneChunk, Tables};
use super::output::Output;
use super::queue::Queue;
use super::save::Saver;
use super::start::Starter;
use super::step::Stepper;
use super::stops::{Stopper, depart};
use crate::job::{Inputs, Job, Progress};
use crate::real::Real;
use crate::status::Status;

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
    stopper: Stopper<'a, R>,
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
        let stopper = Stopper::new(run.job.program, run.tables);
        Driver { run, block, starter, saver, stopper, n_occupied: 0 }
    }

    fn run(mut self) {
        (0..self.block.n_lanes()).for_each(|lane| self.start(lane));
        while self.n_occupied > 0 {
            if self.run.progress.is_stopped() {
                return self.stop();
            }
            let found = self.block.dispatch(Part::Try);
            if found.to_save {
                self.save();
            }
            let mut found = self.block.dispatch(Part::Accept);
            if found.at_stop || self.run.tables.saves.are_steps() {
                found.ended |= self.look_at_steps();
            }
            if found.ended {
                self.refill();
            }
        }
    }

    /// Puts the next trajectory of the queue into a lane: k1, the first step size, the state at t0.
    fn start(&mut self, lane: usize) {
        while let Some(trajectory) = self.run.queue.next() {
            let started = self.begin(trajectory);
            if started.status != Status::Running {
                self.run.output.finish(self.run, trajectory, started, self.starter.y.iter().map(|y| y[0]));
                self.stopper.controls.end(trajectory);
                self.run.progress.finished(1);
                continue;
            }
            let stepper = &mut self.block.stepper;
            let (at, stride) = (stepper.at, stepper.stride);
            put_state(stepper, lane, &self.starter.y, &self.starter.low, &self.starter.k1);
            for (slot, p) in self.starter.p.iter().enumerate() {
                stepper.put(at.p + slot * stride, lane, p[0]);
            }
            let next_save = self.next_save(&started, trajectory);
            let chunk = &mut self.block.lanes[lane / C];
            chunk.set(lane % C, started);
            chunk.occupied[lane % C] = true;
            chunk.trajectory[lane % C] = trajectory;
            chunk.next_save[lane % C] = next_save;
            self.n_occupied += 1;
            return;
        }
    }

    /// A trajectory at t0: what is saved and what fires there, k1 and the first step size.
    fn begin(&mut self, trajectory: usize) -> Lane<R> {
        let (starter, tables) = (&mut self.starter, self.run.tables);
        let mut lane = starter.begin(self.run, trajectory);
        self.stopper.controls.begin(trajectory);
        let mut write = self.run.output.writer(trajectory);
        if tables.cuts.first().is_some_and(|(tau, _)| *tau <= R::ZERO) {
            self.saver.save_start(&mut lane, trajectory, &starter.y, &starter.p, &mut write);
            self.stopper.fire_due(&mut lane, trajectory, &mut starter.y, &mut starter.low, &starter.p);
        }
        depart(tables, &mut lane, trajectory);
        starter.start(tables, &mut lane);
        self.saver.save_start(&mut lane, trajectory, &starter.y, &starter.p, &mut write);
        lane
    }

    /// Offset of the next save time that a step may hold.
    fn next_save(&self, lane: &Lane<R>, trajectory: usize) -> R {
        if self.run.tables.saves.are_steps() { R::ONE / R::ZERO } else { self.saver.next_save(lane, trajectory) }
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
            let trajectory = chunk.trajectory[i];
            let mut write = self.run.output.writer(trajectory);
            self.saver.save_until(&mut saved, (trajectory, lane), attempt, stepper, &self.starter.p, &mut write);
            chunk.set(i, saved);
            chunk.next_save[i] = self.saver.next_save(&saved, trajectory);
        }
    }

    /// Saves the lanes that have accepted a step, where every step is saved, and fires what is due in those at a stop.
    fn look_at_steps(&mut self) -> bool {
        let (tables, saves_steps) = (self.run.tables, self.run.tables.saves.are_steps());
        let mut ended = false;
        for lane in 0..self.block.n_lanes() {
            let chunk = &self.block.lanes[lane / C];
            let i = lane % C;
            let at_stop = tables.has_stops && chunk.is_last[i];
            if !(chunk.occupied[i] && chunk.accepts[i] && (at_stop || saves_steps)) {
                continue;
            }
            let (mut now, trajectory) = (chunk.get(i), chunk.trajectory[i]);
            let (starter, stepper) = (&mut self.starter, &mut self.block.stepper);
            let mut write = self.run.output.writer(trajectory);
            get_state(stepper, lane, &mut starter.y, &mut starter.low, &mut starter.p);
            if saves_steps {
                self.saver.save_state(&mut now, &starter.y, &starter.p, &mut write);
            }
            if at_stop && matches!(now.status, Status::Running | Status::Success) {
                if self.stopper.fire_due(&mut now, trajectory, &mut starter.y, &mut starter.low, &starter.p) {
                    self.saver.save_fired(&mut now, trajectory, &starter.y, &starter.p, &mut write);
                }
                if now.status == Status::Running {
                    self.stopper.pass_stop(&mut now, trajectory, &starter.y, &starter.p, &mut starter.k1);
                    put_state(stepper, lane, &starter.y, &starter.low, &starter.k1);
                } else {
                    put_y(stepper, lane, &starter.y);
                }
            }
            ended |= now.status != Status::Running;
            let next_save = self.next_save(&now, trajectory);
            let chunk = &mut self.block.lanes[lane / C];
            chunk.set(i, now);
            chunk.next_save[i] = next_save;
        }
        ended
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
        self.run.output.finish(self.run, chunk.trajectory[i], chunk.get(i), y);
        self.stopper.controls.end(chunk.trajectory[i]);
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

/// State, what rounding took from it, and parameters of a lane.
fn get_state<R: Real, const C: usize>(
    stepper: &Stepper<R, C>,
    lane: usize,
    y: &mut [[R; 1]],
    low: &mut [[R; 1]],
    p: &mut [[R; 1]],
) {
    let (at, stride) = (stepper.at, stepper.stride);
    y.iter_mut().enumerate().for_each(|(slot, y)| y[0] = stepper.number(at.y + slot * stride, lane));
    p.iter_mut().enumerate().for_each(|(slot, p)| p[0] = stepper.number(at.p + slot * stride, lane));
    if stepper.tables.compensated {
        low.iter_mut().enumerate().for_each(|(slot, low)| low[0] = stepper.number(at.low + slot * stride, lane));
    }
}

/// Puts a state into a lane, with what rounding took from it and its derivative.
fn put_state<R: Real, const C: usize>(
    stepper: &mut Stepper<R, C>,
    lane: usize,
    y: &[[R; 1]],
    low: &[[R; 1]],
    k1: &[[R; 1]],
) {
    put_y(stepper, lane, y);
    for (slot, k) in k1.iter().enumerate() {
        stepper.put(stepper.k(0, slot), lane, k[0]);
    }
    if stepper.tables.compensated {
        for (slot, low) in low.iter().enumerate() {
            stepper.put(stepper.at.low + slot * stepper.stride, lane, low[0]);
        }
    }
}

fn put_y<R: Real, const C: usize>(stepper: &mut Stepper<R, C>, lane: usize, y: &[[R; 1]]) {
    for (slot, y) in y.iter().enumerate() {
        stepper.put(stepper.at.y + slot * stepper.stride, lane, y[0]);
    }
}
