//! How a run is cut into chunks: as many trajectories as memory and bindings hold, and no more than keep the device busy.
//!
//! In: what a trajectory takes, and what the adapter has. Out: a size and a number of chunks in flight; smaller ones where
//! memory turns out to be short. No result depends on it.

use super::buffers::real_bytes;
use super::chunk::WORD;
use super::footprint::Footprint;
use super::pace::MOST_SAVES;
use crate::error::{Error, Result};
use crate::job::Job;
use crate::reduce::{BLOCK, Reduction};

/// Memory that all chunks in flight may take where nothing else is said.
pub const MEMORY: u64 = 1 << 30;

/// Chunks in flight.
const SLOTS: usize = 3;

/// Chunks of each adapter, if several share a run: the fewer, the longer all wait for the slowest at the end.
const SHARES: u64 = 8;

/// Most trajectories of a chunk, a bound on memory for small models.
const MAX_CHUNK: u64 = 1 << 20;

/// The same on a software adapter, whose lanes are few and whose memory is slow.
const MAX_SOFTWARE_CHUNK: u64 = 1 << 14;

/// Where results are large, chunks are of so many bytes, so that some move while others are computed,
const MOVED_BYTES: u64 = 64 << 20;

/// but of at least so many trajectories: fewer leave lanes of a large device idle.
const FILLING: u64 = 1 << 16;

/// What an adapter has for a run.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Bytes that all chunks in flight may take.
    pub memory: u64,
    /// Most bytes of one buffer.
    pub most_bytes: u64,
    pub is_software: bool,
}

impl Budget {
    /// Refuses what does not fit into a buffer even for a single trajectory.
    pub fn check_job(&self, job: &Job) -> Result<()> {
        let (size, most) = (real_bytes(job.precision), self.most_bytes);
        let saved = (job.saves.count() * job.row_size()) as u64 * size;
        if saved > most {
            return Err(Error::run(format!(
                "the saved rows of one trajectory take {saved} bytes, a buffer of the adapter holds {most}; save fewer times, lower max_saved, or use the backend cpu"
            )));
        }
        let is_looked_for = !job.form().saves_steps;
        if self.is_software && is_looked_for && job.saves.count() > MOST_SAVES {
            return Err(Error::run(format!(
                "{} save times are more than the {MOST_SAVES} that the loops of a software adapter can be trusted with; save fewer times, or use the backend cpu, which computes on the same processor",
                job.saves.count()
            )));
        }
        let times = (job.n_save_time(1) + 2 * job.cuts.len()) as u64 * size;
        if times > most {
            return Err(Error::run(format!(
                "save times and firings take {times} bytes, a buffer of the adapter holds {most}; use longer periods or a shorter tspan, save fewer times, or use the backend cpu"
            )));
        }
        Ok(())
    }

    /// The same of a reduction, for a block of trajectories.
    pub fn check_reduction(&self, job: &Job, reduction: &Reduction) -> Result<()> {
        let each = Footprint::of_reduction(job, reduction);
        let tasks = (2 * reduction.summaries.len() + 2 * reduction.pairs.len() + 3 * reduction.histograms.len()) as u64;
        let buffers = [each.saved, each.block_reals, each.block_words + each.count_bytes, tasks * WORD];
        let needed = buffers.into_iter().max().unwrap_or(0);
        if needed > self.most_bytes {
            return Err(Error::run(format!(
                "the statistics of one chunk take {needed} bytes, a buffer of the adapter holds {}; ask for fewer bins, covariances or save times, or use the backend cpu",
                self.most_bytes
            )));
        }
        Ok(())
    }

    /// Refuses a reduction of which a block of trajectories takes more memory than is allowed.
    pub fn check_memory(&self, job: &Job, reduction: &Reduction) -> Result<()> {
        let needed = SLOTS as u64 * Footprint::of_reduction(job, reduction).of_chunk(BLOCK);
        if needed > self.memory {
            return Err(Error::run(format!(
                "the statistics of {BLOCK} trajectories at a time take {needed} bytes of memory, of {} that are allowed; ask for fewer bins, covariances or save times, or allow more (--memory)",
                self.memory
            )));
        }
        Ok(())
    }

    /// Most trajectories of a chunk of a footprint.
    pub fn most(&self, job: &Job, each: &Footprint) -> u64 {
        let cuts = (2 * job.cuts.len()) as u64 * real_bytes(job.precision);
        let bindings = [
            self.most_bytes / each.largest(),
            self.most_bytes.saturating_sub(cuts) / each.times.max(1),
            self.most_bytes.saturating_sub(each.count_bytes) / each.block_words.max(1) * BLOCK as u64,
            self.most_bytes / each.block_reals.max(1) * BLOCK as u64,
        ];
        let memory = (self.memory / SLOTS as u64).saturating_sub(each.of_chunk(0)) / each.total();
        // Of a reduction smaller ones take hardly less.
        let memory = if each.block_words > 0 { memory.max(BLOCK as u64) } else { memory };
        let most = if self.is_software { MAX_SOFTWARE_CHUNK } else { MAX_CHUNK };
        bindings.into_iter().fold(memory, u64::min).clamp(1, most)
    }

    /// How a run of so many trajectories, that `n_gpu` adapters share, is cut into chunks.
    pub fn cut(&self, job: &Job, n_traj: u64, n_gpu: usize, each: Footprint) -> Cut {
        let wanted = if each.read > 0 { FILLING.max(MOVED_BYTES / each.saved.max(1)) } else { u64::MAX };
        let share = if n_gpu == 1 { n_traj } else { n_traj.div_ceil(SHARES * n_gpu as u64).max(BLOCK as u64) };
        let size = self.most(job, &each).min(wanted).min(share).max(1);
        let whole = size / BLOCK as u64 * BLOCK as u64;
        let (size, slots) = match size {
            size if size == n_traj => (size, 1),
            size if whole == 0 => (size, SLOTS),
            _ => (whole, SLOTS),
        };
        Cut { size: size as usize, slots, each, may_shrink: true }
    }
}

/// How a run is cut into chunks.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// Trajectories of a chunk.
    pub size: usize,
    /// Chunks in flight.
    pub slots: usize,
    pub each: Footprint,
    /// Whether a chunk may be smaller, where the memory is short.
    pub may_shrink: bool,
}

impl Cut {
    /// Bytes that its chunks take.
    pub fn memory(&self) -> u64 {
        self.slots as u64 * self.each.of_chunk(self.size)
    }

    /// What `make` makes of a size and a number of chunks in flight: of fewer and smaller ones where the memory is short.
    pub fn fitted<T>(mut self, make: impl Fn(Cut) -> Result<T>) -> Result<(T, usize)> {
        loop {
            match make(self) {
                Err(Error::Memory(_)) if self.slots > 1 => self.slots = 1,
                Err(Error::Memory(_)) if self.size > 1 && self.may_shrink => self.size = half(self.size),
                made => return made.map(|made| (made, self.size)),
            }
        }
    }
}

/// Bytes of results that may wait on the host for an earlier one, roughly.
const WAITING_BYTES: u64 = 1 << 30;

/// Most chunks that may be under way from the first whose result is missing, and the fewest that keep adapters busy.
const AHEAD: std::ops::RangeInclusive<u64> = 4..=64;

/// How many chunks may be under way from the first one whose result is not there: while one trajectory holds its chunk, the
/// results of those behind it wait.
pub fn ahead(reduction: &Reduction) -> u64 {
    let blocks = FILLING / BLOCK as u64;
    let each = (reduction.n_count() * size_of::<u64>()) as u64
        + blocks * reduction.block_bytes()
        + FILLING * (reduction.ranked.len() * size_of::<f64>()) as u64;
    (WAITING_BYTES / each.max(1)).clamp(*AHEAD.start(), *AHEAD.end())
}

/// Half of a chunk: whole blocks as long as there are any.
fn half(size: usize) -> usize {
    if size > BLOCK { (size / 2 / BLOCK).max(1) * BLOCK } else { size.div_ceil(2) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::real::Precision;

    #[test]
    fn short_memory_makes_chunks_smaller() {
        let each = Footprint::default();
        let cut = Cut { size: 5000, slots: 2, each, may_shrink: true };
        let asked = std::cell::RefCell::new(Vec::new());
        let make = |cut: Cut| {
            asked.borrow_mut().push((cut.size, cut.slots));
            if cut.size > 300 { Err(Error::Memory("no".to_string())) } else { Ok("made") }
        };
        assert_eq!(cut.fitted(make).expect("small ones fit"), ("made", 256));
        assert_eq!(*asked.borrow(), [(5000, 2), (5000, 1), (2048, 1), (1024, 1), (512, 1), (256, 1)]);
        let never = |_: Cut| Err::<(), _>(Error::Memory("no".to_string()));
        assert!(matches!(cut.fitted(never), Err(Error::Memory(_))));
        let other = |_: Cut| Err::<(), _>(Error::Device("gone".to_string()));
        assert!(matches!(cut.fitted(other), Err(Error::Device(_))), "another error is not about memory");
    }

    #[test]
    fn bindings_bound_what_blocks_leave() {
        let budget = Budget { memory: 1 << 40, most_bytes: 1 << 20, is_software: false };
        let spec = crate::World::new("decay").state("y", 1.0).derivative("y", "-y").compile().expect("a model");
        let run = crate::RunSettings { tspan: Some((0.0, 1.0)), ..Default::default() };
        let method = crate::plan::method(&run).expect("a method");
        let job = crate::plan::plan(&spec, &run, &method, Precision::F32, 1 << 30).expect("a plan").job;
        let each = Footprint { block_reals: 1 << 16, ..Footprint::default() };
        assert_eq!(budget.most(&job, &each), 16 * BLOCK as u64);
        let each = Footprint { block_words: 1 << 17, count_bytes: 1 << 19, ..Footprint::default() };
        assert_eq!(budget.most(&job, &each), 4 * BLOCK as u64);
    }
}
