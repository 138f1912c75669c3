//! An ensemble through a backend to a [`Tally`]: the pilot, ranges, checkpoints and what the user stops.

use super::PILOT;
use super::checkpoint::{self, Saved};
use super::result::Cut;
use super::tally::Tally;
use super::wanted::Wanted;
use crate::checkpoint::{Asking, Keeper};
use crate::error::Result;
use crate::job::{Backend, Progress};
use crate::plan::Plan;
use crate::reduce::{BLOCK, LaneSteps, Partial, Reduction, reduce_own};
use crate::solve::{Drawn, JobSource, run_chunks};
use crate::status::Status;
use std::ops::Range;

/// A sweep on its way.
pub struct Pass<'a> {
    pub plan: Plan<'a>,
    pub drawn: Drawn<'a>,
    pub wanted: Wanted,
    pub keeper: Keeper,
    pub lane_steps: Option<LaneSteps>,
    pub cut: Option<Cut>,
    pub n_resumed: u64,
    /// Whether the user has stopped the run before there was a range for quantiles.
    pub is_pilot_cut: bool,
}

impl Pass<'_> {
    pub fn size(&self) -> u64 {
        self.drawn.ensemble.size()
    }

    /// All trajectories, or those that are left of an earlier run.
    pub fn run(&mut self, (backend, progress): (&mut dyn Backend, &dyn Progress)) -> Result<Tally> {
        let mut tally = match checkpoint::resumed(&mut self.keeper)? {
            Some(Saved { ranges, tally }) => {
                ranges.into_iter().for_each(|range| self.wanted.add_range(range));
                if !tally.is_of(&self.wanted, self.size()) {
                    return Err(self.keeper.damaged());
                }
                self.n_resumed = tally.next;
                progress.resumed(tally.next);
                if self.keeper.held.is_none() {
                    checkpoint::save(&mut self.keeper, &tally, &self.wanted)?;
                }
                tally
            }
            None => {
                if let Some(stopped) = self.pilot((&mut *backend, progress))? {
                    return Ok(stopped);
                }
                let tally = Tally::new(&self.wanted);
                checkpoint::save(&mut self.keeper, &tally, &self.wanted)?;
                tally
            }
        };
        self.go_on(&mut tally, (backend, progress))?;
        Ok(tally)
    }

    /// Has the first trajectories find the ranges of quantiles, where there are any to find. They count in the pass after it; but if
    /// the user stops the pilot they are all there is.
    fn pilot(&mut self, (backend, progress): (&mut dyn Backend, &dyn Progress)) -> Result<Option<Tally>> {
        if self.wanted.without_range().is_empty() {
            return Ok(None);
        }
        let (range, mut tally) = (0..self.size().min(PILOT), Tally::new(&self.wanted));
        let done = self.reduce(range.clone(), &mut tally, (backend, &Quiet(progress)), &mut |_, _| {});
        let short = done.map_err(|error| self.keeper.explain(error, 0))?;
        if short.is_some() || tally.next < range.end {
            short.iter().for_each(|partial| self.cut_short(&mut tally, partial));
            self.is_pilot_cut = true;
            return Ok(Some(tally));
        }
        let is_whole = self.size() <= PILOT;
        self.wanted.set_ranges(&tally.moments, is_whole);
        Ok(None)
    }

    /// The trajectories that are left.
    fn go_on(&mut self, tally: &mut Tally, (backend, progress): (&mut dyn Backend, &dyn Progress)) -> Result<()> {
        let size = self.size();
        let mut asking = Asking::new(&self.keeper);
        let mut short = None;
        while tally.next < size && !progress.is_stopped() && short.is_none() {
            let range = asking.next(tally.next, size);
            let mut keeper = std::mem::take(&mut self.keeper);
            let save =
                &mut |tally: &Tally, wanted: &Wanted| checkpoint::save_if_due(&mut keeper, tally, wanted, progress);
            let done = self.reduce(range, tally, (&mut *backend, progress), save);
            self.keeper = keeper;
            short = done.map_err(|error| {
                checkpoint::save_at_end(&mut self.keeper, tally, &self.wanted);
                self.keeper.explain(error, tally.next)
            })?;
            asking.came_to(tally.next, &self.keeper, short.is_some() || progress.is_stopped())?;
        }
        checkpoint::save_at_end(&mut self.keeper, tally, &self.wanted);
        short.iter().for_each(|partial| self.cut_short(tally, partial));
        Ok(())
    }

    /// Adds a range to a tally and calls `added` after each chunk. Returns a chunk that the user has cut short.
    fn reduce(
        &mut self,
        range: Range<u64>,
        tally: &mut Tally,
        (backend, progress): (&mut dyn Backend, &dyn Progress),
        added: &mut dyn FnMut(&Tally, &Wanted),
    ) -> Result<Option<Partial>> {
        let (mut short, wanted) = (None, &self.wanted);
        let mut sink = |partial: Partial| {
            // What comes after a chunk that was cut short does not follow on what is complete.
            if short.is_some() {
                return Ok(());
            }
            if partial.statuses[Status::Stopped as usize] > 0 {
                short = Some(partial);
            } else {
                tally.add(&partial, wanted);
                added(tally, wanted);
            }
            Ok(())
        };
        let (plan, reduction) = (&mut self.plan, &wanted.reduction);
        let done = reduce_range(plan, self.drawn, range, reduction, (&mut *backend, progress), &mut sink);
        // Spans of their own are solved by calls of their own, of which the backend knows the last.
        let counted = if plan.job.own_span { None } else { backend.lane_steps() };
        if let Some(steps) = counted {
            self.lane_steps.get_or_insert_default().add(steps);
        }
        done.map(|()| short)
    }

    /// A chunk that the user has stopped: it counts only if there is nothing else.
    fn cut_short(&mut self, tally: &mut Tally, partial: &Partial) {
        let is_biased = tally.next == 0;
        if is_biased {
            tally.add(partial, &self.wanted);
        }
        let n_cut = if is_biased { partial.statuses[Status::Stopped as usize] } else { partial.n_traj as u64 };
        self.cut = Some(Cut { n_cut, is_biased });
    }
}

/// Reduces a range of trajectories, in order. Those with time spans of their own are reduced on the host.
fn reduce_range(
    plan: &mut Plan,
    drawn: Drawn,
    range: Range<u64>,
    reduction: &Reduction,
    (backend, progress): (&mut dyn Backend, &dyn Progress),
    sink: &mut dyn FnMut(Partial) -> Result<()>,
) -> Result<()> {
    if plan.job.own_span {
        return run_chunks(plan, drawn, (range, BLOCK as u64), (backend, progress), &mut |chunk| {
            let mut times = chunk.times.unwrap_or_default();
            if drawn.is_backward {
                times.iter_mut().for_each(|t| *t = 0.0 - *t);
            }
            sink(reduce_own(&chunk.output.ended(chunk.job.precision), &times, reduction, chunk.first))
        });
    }
    let source = JobSource::new(drawn, &plan.job);
    backend.reduce_range(&plan.job, &source, range, reduction, progress, sink)
}

/// Lets a pilot and replays be stopped, and does not count their trajectories: those of a pilot come again.
pub struct Quiet<'a>(pub &'a dyn Progress);

impl Progress for Quiet<'_> {
    fn finished(&self, _: usize) {}

    fn stepped(&self, steps: u64) {
        self.0.stepped(steps);
    }

    fn is_stopped(&self) -> bool {
        self.0.is_stopped()
    }
}
