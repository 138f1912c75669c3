//! What a trajectory takes on a device and on the host.

use super::buffers::real_bytes;
use super::chunk::WORD;
use super::reduce;
use crate::job::{CountRow, Job, ParamRows, StateRows};
use crate::reduce::{BLOCK, Reduction};

/// Bytes of each trajectory in the buffers of a job, by buffer, and of each block of trajectories in those of a reduction.
#[derive(Debug, Clone, Copy, Default)]
pub struct Footprint {
    pub params: u64,
    pub state: u64,
    pub counts: u64,
    pub saved: u64,
    /// Save times of its own.
    pub times: u64,
    /// The copy of results that the host reads, if it does.
    pub read: u64,
    /// What a reduction hands over of each trajectory.
    pub ranked: u64,
    /// Words that it leaves of a block,
    pub block_words: u64,
    /// and numbers;
    pub block_reals: u64,
    /// what becomes of them on the host;
    pub block_host: u64,
    /// and counts of a whole chunk.
    pub count_bytes: u64,
}

impl Footprint {
    /// Of a job whose results the host reads.
    pub fn of_job(job: &Job) -> Footprint {
        let size = real_bytes(job.precision);
        let reals = |count: usize| count as u64 * size;
        let (rows, n_state) = (StateRows::of(job), job.program.n_state());
        let (counts, saved) = (CountRow::count(job) as u64 * WORD, reals(job.saves.count() * job.row_size()));
        Footprint {
            params: reals(ParamRows::new(job.program, job.own_span).count),
            state: reals(rows.count),
            counts,
            saved,
            times: if job.own_span { reals(job.n_save_time(1)) } else { 0 },
            read: reals(if rows.y_is_saved { 1 } else { 1 + n_state }) + counts + saved,
            ..Footprint::default()
        }
    }

    /// Of a job whose results stay on the device and are reduced there.
    pub fn of_reduction(job: &Job, reduction: &Reduction) -> Footprint {
        let (each, size) = (Footprint::of_job(job), real_bytes(job.precision));
        let [block_words, block_reals] = reduce::block_bytes(reduction, job.precision);
        Footprint {
            saved: each.saved + reduction.summaries.len() as u64 * size,
            read: 0,
            ranked: reduce::ranked_bytes(reduction, job.precision),
            block_words,
            block_reals,
            block_host: reduction.block_bytes(),
            count_bytes: reduction.n_count() as u64 * WORD,
            ..each
        }
    }

    /// Of a whole chunk: its counts are on the device and in the copy that the host reads.
    pub fn of_chunk(&self, n_traj: usize) -> u64 {
        2 * self.count_bytes + n_traj as u64 * self.total()
    }

    /// Of the largest buffer that grows with every trajectory.
    pub fn largest(&self) -> u64 {
        [self.params, self.state, self.counts, self.saved, WORD].into_iter().max().unwrap_or(WORD)
    }

    /// Of all buffers, of the copy of results if the host reads them, and of what a reduction leaves on the host.
    pub fn total(&self) -> u64 {
        let lists = 2 * WORD;
        let blocks = (2 * (self.block_words + self.block_reals) + self.block_host).div_ceil(BLOCK as u64);
        let buffers = self.params + self.state + self.counts + self.saved + self.times + lists;
        buffers + self.read + self.ranked + blocks
    }
}
