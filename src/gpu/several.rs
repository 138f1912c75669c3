//! Several adapters that share the trajectories of a run.
//!
//! Each takes the next chunk when it has room for one, so that a slow adapter holds up no fast one; results are put back
//! in order. All run the same kernel; in exact mode no result depends on who computed what.

use super::cut::ahead;
use super::ranges::{InOrder, Ranges};
use super::retry::in_less_memory;
use super::stored::Given;
use super::{ALL_AHEAD, GpuBackend};
use crate::compile::Feature;
use crate::error::{Error, Result};
use crate::job::{Backend, Inputs, Job, Prepared, Progress, RawOutput, Source};
use crate::real::Precision;
use crate::reduce::{LaneSteps, Partial, Reduction};
use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::ScopedJoinHandle;
use std::time::Duration;

/// Results of each adapter that may wait for those of another.
const WAITING: usize = 2;

/// All adapters of a machine.
pub struct SeveralGpus {
    gpus: Vec<GpuBackend>,
}

impl SeveralGpus {
    /// All adapters of the kind of the best one: every real GPU, or every software adapter where there is no other.
    ///
    /// # Errors
    /// [`Error::Device`] if there is none.
    pub fn new() -> Result<Self> {
        GpuBackend::all().map(SeveralGpus::of)
    }

    /// These backends, at least one.
    ///
    /// # Panics
    /// If there is none.
    pub fn of(gpus: Vec<GpuBackend>) -> Self {
        assert!(!gpus.is_empty(), "there has to be an adapter");
        SeveralGpus { gpus }
    }

    /// The first one, which answers for all.
    fn one(&self) -> &GpuBackend {
        &self.gpus[0]
    }

    /// Makes ready for a run.
    fn begin(&mut self) {
        self.gpus.iter_mut().for_each(GpuBackend::begin);
    }

    /// Allows half of the memory that the last run took; false where less would not help any of them.
    fn halve(&mut self) -> bool {
        self.gpus.iter_mut().fold(false, |helps, gpu| gpu.halve() | helps)
    }

    /// Runs `work` for every adapter in a thread of its own and hands what it sends to `sink`, in order. Says up to where it did.
    fn share<T: Send>(
        &mut self,
        ranges: &Ranges,
        progress: &dyn Progress,
        work: impl Fn(&mut GpuBackend, &Ranges, &dyn Progress, &mut Hand<T>) -> Result<()> + Sync,
        sink: &mut dyn FnMut(u64, T) -> Result<()>,
    ) -> (u64, Result<()>) {
        let watched = Watched { progress, has_failed: AtomicBool::new(false) };
        let (sender, receiver) = sync_channel(WAITING * self.gpus.len());
        std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .gpus
                .iter_mut()
                .map(|gpu| {
                    let (sender, watched, work) = (sender.clone(), &watched, &work);
                    scope.spawn(move || {
                        let _guard = FailsInPanic(watched);
                        // Nobody listens any more where another part of the run has failed, whose error counts.
                        let is_given_up = Cell::new(false);
                        let mut send = |first, n_traj, result| {
                            is_given_up.set(sender.send((first, n_traj, result)).is_err());
                            if is_given_up.get() { Err(Error::run("the run has been given up")) } else { Ok(()) }
                        };
                        let done = work(gpu, ranges, watched, &mut send);
                        let done = if is_given_up.get() { Ok(()) } else { done };
                        watched.has_failed.fetch_or(done.is_err(), Ordering::Release);
                        done
                    })
                })
                .collect();
            drop(sender);
            let mut in_order = InOrder::new(ranges, sink);
            // What comes after a failure may have been cut short by it.
            let taken = receiver
                .iter()
                .take_while(|_| !watched.has_failed.load(Ordering::Acquire))
                .try_for_each(|(first, n_traj, result)| in_order.put(first, n_traj, result));
            watched.has_failed.fetch_or(taken.is_err(), Ordering::Relaxed);
            drop(receiver);
            // All of them are waited for, whatever fails.
            let done: Vec<Result<()>> = threads.into_iter().map(end_of).collect();
            (in_order.next(), taken.and_then(|()| done.into_iter().collect()))
        })
    }
}

/// What a thread has come to; it panics here as it did there.
fn end_of<T>(thread: ScopedJoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|e| std::panic::resume_unwind(e))
}

/// Stops the others where the thread of one adapter panics: they may wait for its results.
struct FailsInPanic<'a>(&'a Watched<'a>);

impl Drop for FailsInPanic<'_> {
    fn drop(&mut self) {
        self.0.has_failed.fetch_or(std::thread::panicking(), Ordering::Release);
    }
}

/// Takes the first trajectory, the number of trajectories and the result of a chunk.
type Hand<'a, T> = dyn FnMut(u64, usize, T) -> Result<()> + 'a;

/// Stops all adapters where one has failed.
struct Watched<'a> {
    progress: &'a dyn Progress,
    has_failed: AtomicBool,
}

impl Progress for Watched<'_> {
    fn finished(&self, n: usize) {
        self.progress.finished(n);
    }

    fn stepped(&self, steps: u64) {
        self.progress.stepped(steps);
    }

    fn is_stopped(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed) || self.progress.is_stopped()
    }
}

impl Backend for SeveralGpus {
    fn name(&self) -> &'static str {
        self.one().name()
    }

    fn describe(&self) -> String {
        let names: Vec<String> = self.gpus.iter().map(GpuBackend::describe).collect();
        match &names[..] {
            [only] => only.clone(),
            _ => format!("{} adapters: {}", names.len(), names.join(", ")),
        }
    }

    fn default_precision(&self) -> Precision {
        self.one().default_precision()
    }

    fn supported_features(&self) -> &'static [Feature] {
        self.one().supported_features()
    }

    fn max_chunk(&self, job: &Job) -> usize {
        self.gpus.iter().map(|gpu| gpu.max_chunk(job)).min().expect("there is an adapter") * self.gpus.len()
    }

    fn max_saved(&self, job: &Job) -> usize {
        self.gpus.iter().map(|gpu| gpu.max_saved(job)).min().expect("there is an adapter")
    }

    fn check_reduction(&self, job: &Job, reduction: &Reduction) -> Result<()> {
        self.gpus.iter().try_for_each(|gpu| gpu.check_reduction(job, reduction))
    }

    fn prepare(&mut self, job: &Job) -> Result<Prepared> {
        let mut all = Prepared::default();
        for gpu in &mut self.gpus {
            let one = gpu.prepare(job)?;
            all.notes.extend(one.notes);
            all.startup += one.startup;
            all.jit += one.jit;
        }
        Ok(all)
    }

    fn run(&mut self, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> Result<RawOutput> {
        let (mut parts, n_traj) = (Vec::new(), inputs.n_traj);
        self.run_range(job, &Given(inputs), 0..n_traj as u64, progress, &mut |_, _, output| {
            parts.push(output);
            Ok(())
        })?;
        match n_traj - parts.iter().map(|part| part.n_traj).sum::<usize>() {
            0 => {}
            // The user has stopped them before they began.
            n_left => parts.push(RawOutput::never_begun(job, n_left)),
        }
        Ok(RawOutput::joined(&parts))
    }

    fn run_range(
        &mut self,
        job: &Job,
        source: &dyn Source,
        range: Range<u64>,
        progress: &dyn Progress,
        sink: &mut dyn FnMut(u64, Inputs, RawOutput) -> Result<()>,
    ) -> Result<()> {
        let n_gpu = self.gpus.len();
        let work = |gpu: &mut GpuBackend, ranges: &Ranges, progress: &dyn Progress, send: &mut Hand<_>| {
            gpu.run_shared(job, source, ranges, n_gpu, progress, &mut |first, inputs, output| {
                send(first, inputs.n_traj, (inputs, output))
            })
        };
        self.begin();
        in_less_memory(self, (range, ALL_AHEAD), progress, SeveralGpus::halve, |gpus, ranges, progress| {
            gpus.share(ranges, progress, work, &mut |first, (inputs, output)| sink(first, inputs, output))
        })
    }

    fn reduce_range(
        &mut self,
        job: &Job,
        source: &dyn Source,
        range: Range<u64>,
        reduction: &Reduction,
        progress: &dyn Progress,
        sink: &mut dyn FnMut(Partial) -> Result<()>,
    ) -> Result<()> {
        let n_gpu = self.gpus.len();
        let work = |gpu: &mut GpuBackend, ranges: &Ranges, progress: &dyn Progress, hand: &mut Hand<_>| {
            gpu.reduce_shared((job, source), ranges, n_gpu, reduction, progress, &mut |partial| {
                hand(partial.first, partial.n_traj, partial)
            })
        };
        self.begin();
        in_less_memory(self, (range, ahead(reduction)), progress, SeveralGpus::halve, |gpus, ranges, progress| {
            gpus.share(ranges, progress, work, &mut |_, partial| sink(partial))
        })
    }

    fn lane_steps(&self) -> Option<LaneSteps> {
        let all = self.gpus.iter().filter_map(GpuBackend::lane_steps);
        all.reduce(|mut sum, steps| {
            sum.add(steps);
            sum
        })
    }

    fn limit_memory(&mut self, bytes: u64) {
        self.gpus.iter_mut().for_each(|gpu| gpu.limit_memory(bytes));
    }

    fn order_by_cost(&mut self, orders: bool) {
        self.gpus.iter_mut().for_each(|gpu| gpu.order_by_cost(orders));
    }

    fn aim_at(&mut self, time: Duration) {
        self.gpus.iter_mut().for_each(|gpu| gpu.aim_at(time));
    }
}
