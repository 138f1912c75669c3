//! Keeps the device busy: chunk after chunk, dispatch after dispatch, with submissions in flight.
//!
//! In: a job, chunks of inputs one by one, and what to do with each result. A submission is several dispatches, each
//! followed by a new list of what is unfinished, so that lanes whose trajectory has ended do not idle; altogether it aims
//! at a wall time that no watchdog minds. Two are in flight at any time: while one runs, the host reads what the one before
//! has come to, a few words. When half of a chunk has ended, or all of it is expected to have by then, the next
//! one sets out: the device stays full, and results and inputs move while it computes. No result depends on any of this.

use super::buffers::{Device, Fetch};
use super::chunk::{Chunk, NEWS};
use super::cut::Cut;
use super::kernel::Kernel;
use super::open::OpenDevice;
use super::pace::{FIRST_STEPS, Lengths, Pace, dispatches, first_steps, is_over, next_steps, steps_of_lanes};
use crate::error::Result;
use crate::job::{Job, Progress};
use crate::reduce::LaneSteps;
use crate::wgsl::WARP;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Submissions in flight: one that runs, and one that begins when it ends.
const IN_FLIGHT: usize = 2;

/// For how long to wait where nothing can be done.
const NAP: Duration = Duration::from_millis(1);

/// A place for a chunk.
struct Slot {
    chunk: Chunk,
    state: State,
    /// Whether its trajectories are in the order in which they are to be worked on.
    is_ordered: bool,
}

impl Slot {
    fn is_running(&self) -> bool {
        matches!(self.state, State::Running)
    }

    /// Whether nothing is left to do for its trajectories.
    fn is_ended(&self) -> bool {
        self.is_running() && self.chunk.unfinished == 0
    }
}

enum State {
    Empty,
    /// With trajectories that have not set out.
    Loaded,
    Running,
    /// Its results are on their way.
    Asked(Fetch),
}

/// A submission in flight.
struct Submission {
    fetch: Fetch,
    staging: wgpu::Buffer,
    /// Slots that it works on, each with the first trajectory of its chunk.
    works_on: Vec<(usize, u64)>,
    steps: u32,
    submitted: Instant,
}

/// What a run has taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    /// Steps of lanes.
    pub lane_steps: LaneSteps,
    /// Dispatches.
    pub slices: u64,
    /// Wall time with something in flight.
    pub busy: Duration,
}

impl Spent {
    /// Adds what another run has taken.
    pub fn add(&mut self, other: Spent) {
        self.lane_steps.add(other.lane_steps);
        self.slices += other.slices;
        self.busy += other.busy;
    }
}

/// Where chunks come from and where their results go.
pub trait Traffic {
    /// Puts the next trajectories into a chunk; false if there are none, or none yet.
    fn load(&mut self, chunk: &mut Chunk) -> Result<bool>;
    /// Asks the device for the results of a chunk.
    fn ask(&mut self, chunk: &Chunk) -> Result<Fetch>;
    /// Takes them.
    fn take(&mut self, chunk: &mut Chunk, fetch: &Fetch) -> Result<()>;
    /// Whether no trajectories will come any more.
    fn is_exhausted(&self) -> bool;
}

/// A run on its way.
pub struct Pump<'a> {
    device: &'a Device,
    kernel: &'a Kernel,
    compactor: &'a Kernel,
    job: &'a Job<'a>,
    pace: Pace,
    progress: &'a dyn Progress,
    slots: Vec<Slot>,
    in_flight: VecDeque<Submission>,
    spare: Vec<wgpu::Buffer>,
    /// Steps of the next submission, and lanes of the last.
    steps: u32,
    lanes: usize,
    /// Attempted steps of the trajectories of a chunk, by those before: after the longest there is nothing to do.
    expected: Option<Lengths>,
    last_end: Instant,
    pub spent: Spent,
}

impl<'a> Pump<'a> {
    pub fn new(
        open: &'a OpenDevice,
        job: &'a Job<'a>,
        pace: Pace,
        progress: &'a dyn Progress,
        cut: Cut,
    ) -> Result<Pump<'a>> {
        let OpenDevice { device, compactor, .. } = open;
        let (kernel, capacity) = (open.kernel(), cut.size);
        let chunk = |place| Chunk::new(device, (kernel, compactor), job, (capacity, &cut.each), place);
        let chunks = (0..cut.slots).map(chunk).collect::<Result<Vec<_>>>()?;
        let bytes = (chunks.len() * NEWS * size_of::<u32>()) as u64;
        let spare = device.scoped(|| (0..IN_FLIGHT).map(|_| device.staging(bytes)).collect())?;
        let slots = chunks.into_iter().map(|chunk| Slot { chunk, state: State::Empty, is_ordered: false }).collect();
        Ok(Pump {
            device,
            kernel,
            compactor,
            job,
            pace,
            progress,
            slots,
            in_flight: VecDeque::new(),
            spare,
            steps: pace.steps.unwrap_or_else(|| first_steps(job, capacity, pace)),
            lanes: capacity,
            expected: None,
            last_end: Instant::now(),
            spent: Spent::default(),
        })
    }

    /// Runs all chunks; stopped ones give what there is of them.
    pub fn run(&mut self, traffic: &mut dyn Traffic) -> Result<()> {
        loop {
            let is_stopped = self.progress.is_stopped();
            if !is_stopped {
                // Where a chunk is expected to have ended by then the next one follows it at once.
                self.set_out(traffic)?;
                while self.in_flight.len() < self.depth() && self.has_work() {
                    self.submit()?;
                    self.set_out(traffic)?;
                }
                // With the device busy, there is time to prepare what comes next.
                self.load(traffic)?;
            }
            match self.in_flight.pop_front() {
                Some(submission) => self.hear(submission)?,
                None if is_stopped => return self.give_up(traffic),
                None if self.slots.iter().all(|slot| matches!(slot.state, State::Empty)) => {
                    if traffic.is_exhausted() {
                        return Ok(());
                    }
                    // Another adapter's results are waited for.
                    std::thread::sleep(NAP);
                }
                None => {}
            }
            self.order()?;
            self.ask(traffic, Slot::is_ended)?;
            self.take(traffic)?;
        }
    }

    /// Submissions that may be in flight: what costs are estimated from has to be known before it goes on.
    fn depth(&self) -> usize {
        if self.is_pilot() { 1 } else { IN_FLIGHT }
    }

    /// Whether another submission would find something to do.
    fn has_work(&self) -> bool {
        self.slots.iter().any(|slot| self.is_at_work(slot))
    }

    /// Whether a submission would find something to do for a chunk.
    fn is_at_work(&self, slot: &Slot) -> bool {
        slot.is_running() && !self.is_over(&slot.chunk)
    }

    /// Whether a chunk is expected to have ended when all that was submitted for it is done.
    fn is_over(&self, chunk: &Chunk) -> bool {
        chunk.in_flight > 0 && is_over(self.expected, chunk.so_far)
    }

    /// Whether the first steps of some trajectories are to tell what they cost.
    fn is_pilot(&self) -> bool {
        self.slots.iter().any(|slot| slot.is_running() && !slot.is_ordered)
    }

    /// Orders chunks that have made their first steps.
    fn order(&mut self) -> Result<()> {
        for slot in self.slots.iter_mut().filter(|slot| slot.is_running() && !slot.is_ordered) {
            let has_begun = slot.chunk.so_far > 0;
            if has_begun && slot.chunk.unfinished > 0 {
                slot.chunk.order(self.device, self.job)?;
            }
            slot.is_ordered = has_begun;
        }
        Ok(())
    }

    /// Puts trajectories into places that are empty.
    fn load(&mut self, traffic: &mut dyn Traffic) -> Result<()> {
        for slot in self.slots.iter_mut().filter(|slot| matches!(slot.state, State::Empty)) {
            if traffic.load(&mut slot.chunk)? {
                (slot.state, slot.is_ordered) = (State::Loaded, !self.pace.orders);
            }
        }
        Ok(())
    }

    /// Has the next chunk set out, if those on their way leave lanes idle.
    fn set_out(&mut self, traffic: &mut dyn Traffic) -> Result<()> {
        let is_full = |slot: &Slot| self.is_at_work(slot) && 2 * slot.chunk.unfinished > slot.chunk.inputs.n_traj;
        if self.slots.iter().any(is_full) {
            return Ok(());
        }
        if !self.slots.iter().any(|slot| matches!(slot.state, State::Loaded)) {
            self.load(traffic)?;
        }
        let loaded = self.slots.iter_mut().filter(|slot| matches!(slot.state, State::Loaded));
        if let Some(next) = loaded.min_by_key(|slot| slot.chunk.first) {
            next.state = State::Running;
        }
        Ok(())
    }

    /// Submits dispatches for every chunk on its way.
    fn submit(&mut self) -> Result<()> {
        let at_work: Vec<bool> = self.slots.iter().map(|slot| self.is_at_work(slot)).collect();
        let chunks = self.slots.iter().zip(&at_work).filter(|(_, at_work)| **at_work);
        let lanes = chunks.map(|(slot, _)| slot.chunk.unfinished).sum();
        if self.pace.steps.is_none() {
            self.steps = steps_of_lanes(self.steps, self.lanes, lanes);
        }
        self.lanes = lanes;
        let dispatches = self.dispatches();
        let mut encoder = self.device.device.create_command_encoder(&Default::default());
        let staging = self.spare.pop().expect("there is one for each submission in flight");
        let expected = self.expected;
        let mut running: Vec<(usize, &mut Chunk)> = self
            .slots
            .iter_mut()
            .enumerate()
            .filter(|(at, _)| at_work[*at])
            .map(|(at, slot)| (at, &mut slot.chunk))
            .collect();
        for (_, chunk) in &mut running {
            chunk.plan(self.device, &dispatches);
            chunk.in_flight += 1;
        }
        let mut steps = 0;
        for (n, dispatch) in dispatches.iter().enumerate() {
            let mut going: Vec<&mut Chunk> = running
                .iter_mut()
                .map(|(_, chunk)| &mut **chunk)
                .filter(|chunk| n == 0 || !is_over(expected, chunk.so_far))
                .collect();
            if going.is_empty() {
                break;
            }
            going.iter().for_each(|chunk| chunk.prepare(&mut encoder, n));
            // Nothing that one chunk's dispatch reads is written by another's: they run side by side.
            let mut pass = encoder.begin_compute_pass(&Default::default());
            going.iter_mut().for_each(|chunk| chunk.integrate(&mut pass, self.kernel, *dispatch));
            going.iter_mut().for_each(|chunk| chunk.compact(&mut pass, self.compactor));
            self.spent.slices += 1;
            steps += dispatch;
        }
        let news = (NEWS * size_of::<u32>()) as u64;
        for (at, (_, chunk)) in running.iter().enumerate() {
            chunk.tell(&mut encoder, &staging, at as u64 * news);
        }
        let works_on: Vec<_> = running.iter().map(|(slot, chunk)| (*slot, chunk.first)).collect();
        let submitted = Instant::now();
        let fetch = self.device.fetch(encoder, &staging, works_on.len() as u64 * news);
        self.in_flight.push_back(Submission { fetch, staging, works_on, steps, submitted });
        Ok(())
    }

    /// Steps of each dispatch of the next submission.
    fn dispatches(&self) -> Vec<u32> {
        if let Some(steps) = self.pace.steps {
            return vec![steps];
        }
        if self.is_pilot() {
            return vec![self.steps.min(FIRST_STEPS)];
        }
        let running = || self.slots.iter().filter(|slot| self.is_at_work(slot)).map(|slot| &slot.chunk);
        // Where all trajectories end together, or all are in one warp, there is nothing to gain by a new list.
        let ends_apart = self.job.method.is_adaptive() || self.job.own_span;
        let is_listed = ends_apart && running().any(|chunk| chunk.unfinished > WARP as usize);
        let so_far = running().map(|chunk| chunk.so_far).min().unwrap_or(0);
        dispatches(self.steps, so_far, is_listed, self.expected)
    }

    /// Waits for a submission and takes its news.
    fn hear(&mut self, submission: Submission) -> Result<()> {
        let news: Vec<[u32; NEWS]> = self.device.fetched(&submission.fetch, bytemuck::pod_collect_to_vec)?;
        let now = Instant::now();
        let spent = now - submission.submitted.max(self.last_end);
        self.spent.busy += spent;
        self.last_end = now;
        self.spare.push(submission.staging);
        let mut moved = 0;
        for ((at, first), news) in submission.works_on.into_iter().zip(news) {
            let slot = &mut self.slots[at];
            // Another chunk may be there by now, if this one had ended before.
            if slot.chunk.first == first && slot.is_running() {
                slot.chunk.in_flight -= 1;
                let (ended, steps) = slot.chunk.hear(news);
                self.progress.finished(ended);
                self.progress.stepped(steps);
                moved += steps;
            }
        }
        // One that found nothing left to do tells nothing of the next.
        if self.pace.steps.is_none() && moved > 0 {
            self.steps = next_steps(submission.steps, spent.as_secs_f64(), self.pace.seconds);
        }
        Ok(())
    }

    /// Asks for the results of some chunks.
    fn ask(&mut self, traffic: &mut dyn Traffic, which: fn(&Slot) -> bool) -> Result<()> {
        for slot in self.slots.iter_mut().filter(|slot| which(slot)) {
            if slot.chunk.unfinished == 0 {
                self.expected = Some(slot.chunk.lengths.expect(self.expected));
            }
            self.spent.lane_steps.add(slot.chunk.lane_steps);
            slot.state = State::Asked(traffic.ask(&slot.chunk)?);
        }
        Ok(())
    }

    /// Takes results that are there; waits for them where there is nothing else to do.
    fn take(&mut self, traffic: &mut dyn Traffic) -> Result<()> {
        let must_wait = self.in_flight.is_empty();
        for slot in &mut self.slots {
            if let State::Asked(fetch) = &slot.state
                && (must_wait || self.device.is_there(fetch)?)
            {
                traffic.take(&mut slot.chunk, fetch)?;
                slot.state = State::Empty;
            }
        }
        Ok(())
    }

    /// Hands over what there is of the chunks on their way.
    fn give_up(&mut self, traffic: &mut dyn Traffic) -> Result<()> {
        self.ask(traffic, Slot::is_running)?;
        self.take(traffic)
    }
}
