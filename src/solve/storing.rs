//! A run to an [`EnsembleResult`]: what an earlier run has done, then range by range what is left, and the file in which it is saved.

use super::chunks::{Drawn, run_chunks, take_up};
use super::collect::Collector;
use super::log::Log;
use crate::checkpoint::Asking;
use crate::checkpoint::journal::{Journal, Record};
use crate::error::Result;
use crate::job::{Backend, Progress};
use crate::plan::Plan;
use crate::reduce::LaneSteps;
use crate::solution::EnsembleResult;
use crate::status::Status;
use std::ops::Range;
use std::time::Instant;

/// A run whose trajectories are stored.
pub struct Storing<'a> {
    pub plan: Plan<'a>,
    pub drawn: Drawn<'a>,
    pub range: Range<u64>,
    pub collector: Collector,
    pub journal: Journal,
    pub lane_steps: Option<LaneSteps>,
}

impl Storing<'_> {
    /// One repetition. One that is stopped leaves the result of the one before, has no time, and is the last.
    pub fn repeat(&mut self, repetition: u32, (backend, progress): (&mut dyn Backend, &dyn Progress)) -> Result<bool> {
        let start = Instant::now();
        self.lane_steps = None;
        let at = self.take_up(progress)?;
        let at = self.go_on(at, repetition > 0, (backend, progress))?;
        if repetition > 0 && at < self.range.end {
            return Ok(false);
        }
        let result = &mut self.collector.result;
        result.status[(at - self.range.start) as usize..].fill(Status::Stopped);
        result.info.timings.runs.push(start.elapsed());
        Ok(true)
    }

    /// Takes over what an earlier run has done; returns up to which trajectory.
    fn take_up(&mut self, progress: &dyn Progress) -> Result<u64> {
        let mut at = self.range.start;
        while let Some(Record { first, output }) = self.journal.next()? {
            if first != at || first + output.n_traj as u64 > self.range.end {
                return Err(self.journal.keeper().damaged());
            }
            let collector = &mut self.collector;
            let is_taken =
                take_up(&mut self.plan, self.drawn, (first, &output), &mut |chunk| collector.collect(chunk))?;
            if !is_taken {
                return Err(self.journal.keeper().damaged());
            }
            at += output.n_traj as u64;
            progress.resumed(output.n_traj as u64);
            self.collector.result.info.n_resumed += output.n_traj as u64;
        }
        Ok(at)
    }

    /// Solves the trajectories from `at` on, range by range where they are saved as they come; returns up to which it came.
    fn go_on(
        &mut self,
        mut at: u64,
        is_again: bool,
        (backend, progress): (&mut dyn Backend, &dyn Progress),
    ) -> Result<u64> {
        let mut asking = Asking::new(self.journal.keeper());
        while at < self.range.end && !progress.is_stopped() {
            let range = asking.next(at, self.range.end);
            if let Err(error) = self.solve((range, &mut at), is_again, (&mut *backend, progress)) {
                self.journal.end();
                return Err(self.journal.keeper().explain(error, at - self.range.start));
            }
            asking.came_to(at, self.journal.keeper(), progress.is_stopped())?;
        }
        self.journal.end();
        Ok(at)
    }

    /// Solves a range; `at` follows what is collected. Of any repetition but the first a chunk that is cut short is left out.
    fn solve(
        &mut self,
        (range, at): (Range<u64>, &mut u64),
        is_again: bool,
        (backend, progress): (&mut dyn Backend, &dyn Progress),
    ) -> Result<()> {
        let log = Log::new(self.drawn.spec, backend.name());
        let (collector, journal) = (&mut self.collector, &mut self.journal);
        let (mut start, mut is_cut) = (Instant::now(), false);
        run_chunks(&mut self.plan, self.drawn, (range, 1), (&mut *backend, progress), &mut |chunk| {
            is_cut |= chunk.output.status.contains(&(Status::Stopped as u32));
            if is_cut && is_again {
                return Ok(());
            }
            if !is_cut && !journal.add(chunk.first, chunk.output) {
                journal.keeper().warnings.iter().for_each(|warning| progress.warn(warning));
            }
            let end = chunk.first + chunk.output.n_traj as u64;
            collector.collect(chunk)?;
            log.debug(|| format!("trajectories {at} to {} in {:?}", end - 1, start.elapsed()));
            (*at, start) = (end, Instant::now());
            Ok(())
        })?;
        // Spans of their own are solved by calls of their own, of which the backend knows the last.
        let counted = if self.plan.job.own_span { None } else { backend.lane_steps() };
        if let Some(steps) = counted {
            self.lane_steps.get_or_insert_default().add(steps);
        }
        Ok(())
    }

    /// The result.
    pub fn end(self) -> EnsembleResult {
        let is_backward = self.drawn.is_backward;
        let keeper = self.journal.keeper();
        let (held, warnings) = (keeper.held, keeper.warnings.clone());
        let mut result = self.collector.finish(self.drawn.spec, &self.plan);
        if is_backward {
            result.mirror();
        }
        result.info.lane_steps = self.lane_steps;
        result.info.n_saved = held;
        result.info.warnings.extend(warnings);
        result
    }
}
