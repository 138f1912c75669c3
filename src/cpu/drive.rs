//! The loop over steps for a block of lanes. Twin of `shaders/drive.wgsl`, where each invocation is one lane.
//!
//! A block of trajectories steps together, each with its own time and step size; a lane that is done takes the next
//! trajectory of the queue at once, so that a slow one holds nobody up. When the queue is empty the lanes that are left
//! move together and the block shrinks. Nothing that a lane computes depends on its neighbours or on the block.

use super::block::{Block, Part};
use super::lane::{Attempt, Lane, LaneChunk, Tables, bits};
use super::output::Output;
use super::queue::Queue;
use super::save::Saver;
use super::start::Loose;
use super::step::{RhsCode, Stepper, first_non_finite};
use super::stops::{Stopper, depart, time_after_stop};
use crate::job::{Inputs, Job, Progress};
use crate::real::Real;
use crate::status::Status;

/// What all blocks of a run share.
#[derive(Clone, Copy)]
pub struct Run<'a, R> {
    pub job: &'a Job<'a>,
    pub code: &'a RhsCode,
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
    /// One lane at a time, outside the block.
    loose: Loose<R>,
    saver: Saver<'a, R>,
    stopper: Stopper<'a, R>,
    /// Lanes with a trajectory.
    n_occupied: usize,
    /// Lanes without one, as long as there are trajectories to begin.
    free: Vec<usize>,
    /// Steps of trajectories that have ended and are not reported yet.
    steps: u64,
}

impl<'a, R: Real, const C: usize> Driver<'a, R, C> {
    fn new(run: Run<'a, R>, lanes: usize) -> Self {
        let block = Block {
            stepper: Stepper::new(run.job, run.code, run.tables, lanes / C),
            lanes: vec![LaneChunk::empty(); lanes / C],
            waiting: LaneChunk::empty(),
            is_adaptive: run.job.method.is_adaptive(),
        };
        let program = run.job.program;
        let loose = Loose::new(program.n_state(), program.n_param());
        let saver = Saver::new(program, run.tables);
        let stopper = Stopper::new(program, run.tables);
        Driver {
            run,
            free: (0..block.n_lanes()).rev().collect(),
            block,
            loose,
            saver,
            stopper,
            n_occupied: 0,
            steps: 0,
        }
    }

    fn run(mut self) {
        self.set_out();
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
            } else if found.at_stop {
                self.set_out();
            }
        }
    }

    /// Has all lanes that set out from a stop begin, and puts trajectories at t0 into the free ones.
    fn set_out(&mut self) {
        self.block.depart();
        self.release_failed();
        while let Some(lane) = self.free.last().copied()
            && let Some(i) = self.next_waiting()
        {
            self.free.pop();
            self.enter(lane, i);
        }
    }

    /// Frees the lanes that have failed to begin.
    fn release_failed(&mut self) {
        let mut n_failed = 0;
        for at in 0..self.block.stepper.width {
            for i in bits(std::mem::take(&mut self.block.lanes[at].begins)) {
                if self.block.lanes[at].status[i] != Status::Running {
                    self.retire(at * C + i);
                    n_failed += 1;
                }
            }
        }
        if n_failed > 0 {
            self.report(n_failed);
        }
    }

    /// The next trajectory that has begun, as its lane among those that wait; others begin when none is left.
    fn next_waiting(&mut self) -> Option<usize> {
        while self.block.waiting.begins == 0 {
            let trajectories = self.run.queue.take(C);
            if trajectories.is_empty() {
                return None;
            }
            for (i, trajectory) in trajectories.enumerate() {
                self.load(i, trajectory);
            }
            self.block.begin();
            self.save_starts();
        }
        let waiting = &mut self.block.waiting;
        let i = waiting.begins.trailing_zeros();
        waiting.begins &= waiting.begins - 1;
        Some(i as usize)
    }

    /// Puts a trajectory at t0 among those that wait, and fires what is due there.
    fn load(&mut self, i: usize, trajectory: usize) {
        let (loose, tables) = (&mut self.loose, self.run.tables);
        let mut started = loose.pick(self.run, trajectory);
        self.stopper.controls.begin(trajectory);
        if tables.cuts.first().is_some_and(|(tau, _)| *tau <= R::ZERO) {
            let mut write = self.run.output.writer(trajectory);
            self.saver.save_start(&mut started, trajectory, &loose.y, &loose.p, &mut write);
            self.stopper.fire_due(&mut started, trajectory, loose);
        }
        depart(tables, &mut started, trajectory);
        let (stepper, waiting) = (&mut self.block.stepper, &mut self.block.waiting);
        let lane = stepper.waiting_at * C + i;
        put_state(stepper, lane, loose);
        put_rows(stepper, stepper.at.p, lane, &loose.p);
        waiting.set(i, started);
        (waiting.trajectory[i], waiting.t_begin[i]) = (trajectory, started.t0);
        waiting.begins |= 1 << i;
    }

    /// Saves the trajectories that have begun, and ends those that have failed to.
    fn save_starts(&mut self) {
        let first = self.block.stepper.waiting_at * C;
        let mut n_failed = 0;
        for i in bits(self.block.waiting.begins) {
            let (waiting, stepper) = (&mut self.block.waiting, &self.block.stepper);
            let (mut begun, trajectory) = (waiting.get(i), waiting.trajectory[i]);
            if self.saver.saves_start(&begun, trajectory) {
                get_state(stepper, first + i, &mut self.loose);
                let mut write = self.run.output.writer(trajectory);
                self.saver.save_start(&mut begun, trajectory, &self.loose.y, &self.loose.p, &mut write);
                waiting.set(i, begun);
            }
            waiting.next_save[i] = next_save(&self.saver, self.run.tables, &begun, trajectory);
            if begun.status != Status::Running {
                waiting.begins &= !(1 << i);
                self.finish(trajectory, begun, first + i);
                n_failed += 1;
            }
        }
        if n_failed > 0 {
            self.report(n_failed);
        }
    }

    /// Moves a trajectory that waits into a lane.
    fn enter(&mut self, lane: usize, i: usize) {
        let (stepper, waiting) = (&mut self.block.stepper, &self.block.waiting);
        let (chunk, to) = (&mut self.block.lanes[lane / C], lane % C);
        chunk.set(to, waiting.get(i));
        (chunk.occupied[to], chunk.trajectory[to]) = (true, waiting.trajectory[i]);
        chunk.next_save[to] = waiting.next_save[i];
        stepper.copy_lane(stepper.waiting_at * C + i, lane);
        self.n_occupied += 1;
    }

    /// Writes the save times that lie in the accepted steps.
    fn save(&mut self) {
        for at in 0..self.block.stepper.width {
            if self.block.lanes[at].saves == [false; C] {
                continue;
            }
            for i in 0..C {
                if self.block.lanes[at].saves[i] {
                    self.save_lane(at, i);
                }
            }
        }
    }

    fn save_lane(&mut self, at: usize, i: usize) {
        let (stepper, chunk, lane) = (&self.block.stepper, &mut self.block.lanes[at], at * C + i);
        let attempt = Attempt { h: stepper.number(stepper.at.h, lane), is_last: chunk.is_last[i] };
        let (mut saved, trajectory) = (chunk.get(i), chunk.trajectory[i]);
        get_rows(stepper, stepper.at.p, lane, &mut self.loose.p);
        let mut write = self.run.output.writer(trajectory);
        self.saver.save_until(&mut saved, (trajectory, lane), attempt, stepper, &self.loose.p, &mut write);
        chunk.set(i, saved);
        chunk.next_save[i] = self.saver.next_save(&saved, trajectory);
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
            let (loose, stepper) = (&mut self.loose, &mut self.block.stepper);
            let mut write = self.run.output.writer(trajectory);
            get_state(stepper, lane, loose);
            if saves_steps {
                self.saver.save_state(&mut now, &loose.y, &loose.p, &mut write);
            }
            let (mut begins, mut t_begin) = (false, R::ZERO);
            if at_stop && matches!(now.status, Status::Running | Status::Success) {
                if self.stopper.fire_due(&mut now, trajectory, loose) {
                    self.saver.save_fired(&mut now, trajectory, &loose.y, &loose.p, &mut write);
                    put_state(stepper, lane, loose);
                }
                let culprit = first_non_finite(loose.y.iter().map(|y| y[0]));
                if culprit != 0 {
                    now.fail(culprit);
                } else if now.status == Status::Running {
                    (begins, t_begin) = (true, time_after_stop(tables, &now));
                    depart(tables, &mut now, trajectory);
                }
            }
            ended |= now.status != Status::Running;
            let chunk = &mut self.block.lanes[lane / C];
            chunk.set(i, now);
            chunk.next_save[i] = next_save(&self.saver, tables, &now, trajectory);
            chunk.begins |= u32::from(begins) << i;
            chunk.t_begin[i] = t_begin;
        }
        ended
    }

    /// Takes trajectories that have ended out of their lanes and puts others in.
    fn refill(&mut self) {
        let mut n_ended = 0;
        for at in 0..self.block.stepper.width {
            if self.block.lanes[at].status == [Status::Running; C] {
                continue;
            }
            for i in 0..C {
                let chunk = &self.block.lanes[at];
                if chunk.occupied[i] && chunk.status[i] != Status::Running {
                    self.retire(at * C + i);
                    n_ended += 1;
                }
            }
        }
        self.report(n_ended);
        self.set_out();
        if self.n_occupied + C <= self.block.n_lanes() {
            self.block.close_ranks(self.n_occupied.div_ceil(C));
        }
    }

    /// Hands over the results of a trajectory and frees its lane.
    fn retire(&mut self, lane: usize) {
        let (chunk, i) = (&mut self.block.lanes[lane / C], lane % C);
        chunk.occupied[i] = false;
        self.free.push(lane);
        self.n_occupied -= 1;
        let (trajectory, ended) = (chunk.trajectory[i], chunk.get(i));
        self.finish(trajectory, ended, lane);
    }

    /// Says how many trajectories have ended, with how many steps.
    fn report(&mut self, n_ended: usize) {
        self.run.progress.finished(n_ended);
        self.run.progress.stepped(std::mem::take(&mut self.steps));
    }

    /// Hands over the results of a trajectory, whose state is in a lane.
    fn finish(&mut self, trajectory: usize, ended: Lane<R>, lane: usize) {
        self.steps += u64::from(ended.accepted) + u64::from(ended.rejected);
        let stepper = &self.block.stepper;
        let y = (0..stepper.n_state).map(|slot| stepper.number(stepper.at.y + slot * stepper.stride, lane));
        self.run.output.finish(self.run, trajectory, ended, y);
        self.stopper.controls.end(trajectory);
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
            self.set_out();
            if self.n_occupied == 0 {
                return;
            }
        }
    }
}

/// Offset of the next save time that a step may hold.
fn next_save<R: Real>(saver: &Saver<R>, tables: &Tables<R>, lane: &Lane<R>, trajectory: usize) -> R {
    if tables.saves.are_steps() { R::ONE / R::ZERO } else { saver.next_save(lane, trajectory) }
}

/// State, what rounding took from it, and parameters of a lane.
fn get_state<R: Real, const C: usize>(stepper: &Stepper<R, C>, lane: usize, loose: &mut Loose<R>) {
    let at = stepper.at;
    get_rows(stepper, at.y, lane, &mut loose.y);
    get_rows(stepper, at.p, lane, &mut loose.p);
    if stepper.tables.compensated {
        get_rows(stepper, at.low, lane, &mut loose.low);
    }
}

/// Puts a state into a lane, with what rounding took from it.
fn put_state<R: Real, const C: usize>(stepper: &mut Stepper<R, C>, lane: usize, loose: &Loose<R>) {
    let at = stepper.at;
    put_rows(stepper, at.y, lane, &loose.y);
    if stepper.tables.compensated {
        put_rows(stepper, at.low, lane, &loose.low);
    }
}

/// The numbers of a lane in the rows from `row` on.
fn get_rows<R: Real, const C: usize>(stepper: &Stepper<R, C>, row: usize, lane: usize, to: &mut [[R; 1]]) {
    for (slot, to) in to.iter_mut().enumerate() {
        to[0] = stepper.number(row + slot * stepper.stride, lane);
    }
}

fn put_rows<R: Real, const C: usize>(stepper: &mut Stepper<R, C>, row: usize, lane: usize, from: &[[R; 1]]) {
    for (slot, from) in from.iter().enumerate() {
        stepper.put(row + slot * stepper.stride, lane, from[0]);
    }
}
