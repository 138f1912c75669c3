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
use crate::job::{Inputs, Job, Progress, rounded_off};
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
        while self.n_occupied > 0 {
            if self.run.progress.is_stopped() {
                return self.stop();
            }
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
