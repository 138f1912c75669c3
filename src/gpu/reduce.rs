//! The reduction of a chunk on the device: from saved values that stay there to a few numbers that the host reads.
//!
//! In: the device buffers of a chunk whose trajectories have ended, and a [`Reduction`]. Out: a [`Partial`], built on the
//! host in f64 from the moments of each block, and from counts. Who failed is read by the caller from the rows concerned
//! ([`failures`]). How blocks and chunks add up is not its business.

use super::buffers::{Device, pack, real_bytes, unpack};
use super::chunk::WORD;
use super::kernel::{Kernel, READ, UNIFORM, WRITE};
use crate::error::Result;
use crate::job::{CountRow, MASK_STATUS};
use crate::real::{Arithmetic, Precision};
use crate::reduce::{
    Accumulator, BLOCK, Comoment, Failure, NAMED_FAILURES, Partial, Reduction, StepCount, SummaryKind,
};
use crate::status::{Status, stopped_if_running};
use crate::wgsl::reduce::{
    HISTOGRAM_BLOCKS, MOMENT_REALS, MOMENT_WORDS, MomentReal, MomentWord, Oddity, ReduceConfig, ReduceKernel,
    TALLY_WORDS, TallyWord, reduce, summary_code,
};

// SAFETY: ReduceConfig is repr(C), of u32 alone, any bits of which are values.
unsafe impl bytemuck::Zeroable for ReduceConfig {}
unsafe impl bytemuck::Pod for ReduceConfig {}

/// Bindings of the kernels, as in `shaders/reduce/layout.wgsl`.
const BINDINGS: [wgpu::BufferBindingType; 7] = [UNIFORM, READ, READ, READ, WRITE, WRITE, WRITE];

/// Blocks of a chunk.
fn n_block(n_traj: usize) -> usize {
    n_traj.div_ceil(BLOCK)
}

/// Sizes of a reduction, and from them the layout of what the kernels write. The host's copy is of the words first, then
/// of the numbers.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    n_save: usize,
    n_row: usize,
    n_quantity: usize,
    n_summary: usize,
    n_pair: usize,
    n_histogram: usize,
    n_count: usize,
    n_ranked: usize,
}

impl Sizes {
    fn new(reduction: &Reduction) -> Self {
        Sizes {
            n_save: reduction.times.len(),
            n_row: reduction.n_row,
            n_quantity: reduction.n_quantity(),
            n_summary: reduction.summaries.len(),
            n_pair: reduction.pairs.len(),
            n_histogram: reduction.histograms.len(),
            n_count: reduction.n_count(),
            n_ranked: reduction.ranked.len(),
        }
    }

    fn first_moment_word(&self, n_traj: usize) -> usize {
        n_block(n_traj) * TALLY_WORDS
    }

    fn first_count(&self, n_traj: usize) -> usize {
        self.first_moment_word(n_traj) + self.n_quantity * n_block(n_traj) * MOMENT_WORDS
    }

    fn n_word(&self, n_traj: usize) -> usize {
        self.first_count(n_traj) + self.n_count
    }

    fn first_comoment_real(&self, n_traj: usize) -> usize {
        self.n_quantity * n_block(n_traj) * MOMENT_REALS
    }

    fn n_real(&self, n_traj: usize) -> usize {
        self.first_comoment_real(n_traj) + self.n_pair * n_block(n_traj)
    }

    fn config(&self, n_traj: usize) -> ReduceConfig {
        ReduceConfig {
            n_traj: n_traj as u32,
            n_block: n_block(n_traj) as u32,
            n_save: self.n_save as u32,
            n_row: self.n_row as u32,
            n_quantity: self.n_quantity as u32,
            n_summary: self.n_summary as u32,
            n_pair: self.n_pair as u32,
            n_histogram: self.n_histogram as u32,
            first_moment_word: self.first_moment_word(n_traj) as u32,
            first_count: self.first_count(n_traj) as u32,
            first_comoment_real: self.first_comoment_real(n_traj) as u32,
            zero: 0,
            unused: [0; 4],
        }
    }

    /// Workgroups of a kernel.
    fn groups(&self, kernel: ReduceKernel, n_traj: usize) -> usize {
        let blocks = n_block(n_traj);
        match kernel {
            ReduceKernel::Summarize => self.n_summary * n_traj.div_ceil(kernel.workgroup_size() as usize),
            ReduceKernel::Moments => self.n_quantity * blocks,
            ReduceKernel::Comoments => self.n_pair * blocks,
            ReduceKernel::Histogram => self.n_histogram * blocks.div_ceil(HISTOGRAM_BLOCKS),
            ReduceKernel::Tally => blocks,
        }
    }
}

/// Bytes of the results of a block in device memory: of words, and of numbers. They take as much again for the host's copy.
pub fn block_bytes(reduction: &Reduction, precision: Precision) -> [u64; 2] {
    let sizes = Sizes::new(reduction);
    [sizes.first_count(BLOCK) as u64 * WORD, sizes.n_real(BLOCK) as u64 * real_bytes(precision)]
}

/// Bytes that the host gets of each trajectory: its status, and the values to choose by.
pub fn ranked_bytes(reduction: &Reduction, precision: Precision) -> u64 {
    match reduction.ranked.len() as u64 {
        0 => 0,
        n => WORD + n * real_bytes(precision),
    }
}

/// The compiled kernels of a number format, good for every model and every reduction.
pub struct Reducer {
    precision: Precision,
    /// In the order of [`ReduceKernel::ALL`], all bound to the same buffers.
    kernels: Vec<Kernel>,
}

/// Device memory for what a reduction asks and for its results; it serves one chunk after the other.
pub struct ReduceBuffers {
    sizes: Sizes,
    pairs: Vec<(u32, u32)>,
    ranked: Vec<u32>,
    precision: Precision,
    config: wgpu::Buffer,
    tasks: wgpu::Buffer,
    numbers: wgpu::Buffer,
    reals: wgpu::Buffer,
    words: wgpu::Buffer,
    /// The host's copy of the results, of which [`ReduceBuffers::bytes`] are filled.
    pub staging: wgpu::Buffer,
}

impl Reducer {
    /// Compiles the kernels for a device.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) or [`Error::Shader`](crate::Error::Shader) where that fails.
    pub fn new(device: &Device, precision: Precision, arithmetic: Arithmetic) -> Result<Reducer> {
        let kernel = |kernel| Kernel::new(device, &reduce(kernel, precision, arithmetic)?, &BINDINGS);
        Ok(Reducer { precision, kernels: ReduceKernel::ALL.into_iter().map(kernel).collect::<Result<_>>()? })
    }

    /// Memory for chunks of at most so many trajectories.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) or [`Error::Memory`](crate::Error::Memory) if there is not enough.
    pub fn buffers(&self, device: &Device, reduction: &Reduction, most_traj: usize) -> Result<ReduceBuffers> {
        let tasks = tasks(reduction);
        let numbers = pack(&numbers(reduction), self.precision).into_owned();
        let sizes = Sizes::new(reduction);
        let word_bytes = sizes.n_word(most_traj) as u64 * WORD;
        let real_bytes = sizes.n_real(most_traj) as u64 * real_bytes(self.precision);
        let ranked_bytes = ranked_bytes(reduction, self.precision) * most_traj as u64;
        let buffers = device.scoped(|| ReduceBuffers {
            sizes,
            ranked: reduction.ranked.clone(),
            pairs: reduction.pairs.clone(),
            precision: self.precision,
            config: device.buffer("reduce config", size_of::<ReduceConfig>() as u64, wgpu::BufferUsages::UNIFORM),
            tasks: device.storage("tasks", tasks.len() as u64 * WORD),
            numbers: device.storage("numbers", numbers.len() as u64),
            reals: device.storage("reals", real_bytes),
            words: device.storage("words", word_bytes),
            staging: device.staging(word_bytes + real_bytes + ranked_bytes),
        })?;
        device.queue.write_buffer(&buffers.tasks, 0, bytemuck::cast_slice(&tasks));
        device.queue.write_buffer(&buffers.numbers, 0, &numbers);
        Ok(buffers)
    }

    /// Records the reduction of a chunk and the copy of its results to [`ReduceBuffers::staging`]. `saved` has room for
    /// a row of each summary after the saved rows; `counts` are the rows of [`CountRow`](crate::job::CountRow). The next
    /// submission must be the one of these commands, since sizes are written at once.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the buffers cannot be bound.
    pub fn encode(
        &self,
        device: &Device,
        encoder: &mut wgpu::CommandEncoder,
        buffers: &ReduceBuffers,
        (saved, counts): (&wgpu::Buffer, &wgpu::Buffer),
        n_traj: usize,
    ) -> Result<()> {
        let ReduceBuffers { sizes, ranked, config, tasks, numbers, reals, words, staging, .. } = buffers;
        device.queue.write_buffer(config, 0, bytemuck::bytes_of(&sizes.config(n_traj)));
        // Layouts of the same kinds of bindings are one to wgpu.
        let bind_group = self.kernels[0].bind(device, &[config, tasks, numbers, counts, saved, reals, words])?;
        let word_bytes = sizes.n_word(n_traj) as u64 * WORD;
        if sizes.n_count > 0 {
            let start = sizes.first_count(n_traj) as u64 * WORD;
            encoder.clear_buffer(words, start, Some(word_bytes - start));
        }
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for (which, kernel) in ReduceKernel::ALL.into_iter().zip(&self.kernels) {
                let groups = sizes.groups(which, n_traj) as u32;
                if groups > 0 {
                    kernel.dispatch_groups(&mut pass, &bind_group, groups);
                }
            }
        }
        encoder.copy_buffer_to_buffer(words, 0, staging, 0, word_bytes);
        let reals_bytes = sizes.n_real(n_traj) as u64 * real_bytes(self.precision);
        if reals_bytes > 0 {
            encoder.copy_buffer_to_buffer(reals, 0, staging, word_bytes, reals_bytes);
        }
        let mut at = word_bytes + reals_bytes;
        let mut copy = |buffer, row: u64, size: u64| {
            let bytes = n_traj as u64 * size;
            encoder.copy_buffer_to_buffer(buffer, row * bytes, staging, at, bytes);
            at += bytes;
        };
        if !ranked.is_empty() {
            copy(counts, CountRow::Status as u64, WORD);
            ranked.iter().for_each(|quantity| copy(saved, u64::from(*quantity), real_bytes(self.precision)));
        }
        Ok(())
    }
}

/// What the kernels are to do, in words.
fn tasks(reduction: &Reduction) -> Vec<u32> {
    let summaries = reduction.summaries.iter().flat_map(|summary| [summary_code(summary.kind), summary.row]);
    let pairs = reduction.pairs.iter().flat_map(|(a, b)| [*a, *b]);
    let mut first_count = 0;
    let histograms = reduction.histograms.iter().flat_map(|histogram| {
        let first = first_count;
        first_count += histogram.n_count() as u32;
        [histogram.quantity, histogram.n_bin, first]
    });
    summaries.chain(pairs).chain(histograms).collect()
}

/// The numbers that go with it.
fn numbers(reduction: &Reduction) -> Vec<f64> {
    let threshold = |kind| if let SummaryKind::TimeAbove(threshold) = kind { threshold } else { 0.0 };
    let thresholds = reduction.summaries.iter().map(|summary| threshold(summary.kind));
    let limits = reduction.histograms.iter().flat_map(|histogram| [histogram.low, histogram.high]);
    reduction.times.iter().copied().chain(thresholds).chain(limits).collect()
}

impl ReduceBuffers {
    /// Bytes of the results of a chunk: of words, of numbers, of statuses and of ranked values.
    fn parts(&self, n_traj: usize) -> [u64; 4] {
        let (sizes, size) = (self.sizes, real_bytes(self.precision));
        let [statuses, ranked] = match (sizes.n_ranked as u64, n_traj as u64) {
            (0, _) => [0, 0],
            (n, n_traj) => [n_traj * WORD, n * n_traj * size],
        };
        [sizes.n_word(n_traj) as u64 * WORD, sizes.n_real(n_traj) as u64 * size, statuses, ranked]
    }

    /// Bytes of the results of a chunk.
    pub fn bytes(&self, n_traj: usize) -> u64 {
        self.parts(n_traj).iter().sum()
    }

    /// The results of a chunk from these bytes. Failures are left to the caller.
    pub fn partial(&self, bytes: &[u8], first: u64, n_traj: usize) -> Partial {
        let mut rest = bytes;
        let [words, reals, statuses, ranked] = self.parts(n_traj).map(|bytes| {
            let part;
            (part, rest) = rest.split_at(bytes as usize);
            part
        });
        let read = Results {
            buffers: self,
            words: bytemuck::pod_collect_to_vec(words),
            reals: unpack(reals, self.precision),
            first,
            n_traj,
        };
        let sizes = self.sizes;
        let of_blocks = |count: usize| (0..n_block(n_traj)).flat_map(move |block| (0..count).map(move |k| (block, k)));
        let mut partial = Partial { first, n_traj, ..Partial::default() };
        partial.moments = of_blocks(sizes.n_quantity).map(|(block, k)| read.moments(block, k)).collect();
        let comoments = of_blocks(sizes.n_pair).map(|(block, pair)| {
            let (a, b) = self.pairs[pair];
            let of = |quantity: u32| partial.moments[block * sizes.n_quantity + quantity as usize];
            read.comoment(block, pair, of(a), of(b))
        });
        partial.comoments = comoments.collect();
        partial.counts = read.words[sizes.first_count(n_traj)..].iter().map(|count| u64::from(*count)).collect();
        for block in 0..n_block(n_traj) {
            read.tally(block, &mut partial);
        }
        let words: Vec<u32> = bytemuck::pod_collect_to_vec(statuses);
        let of_success = |(value, word): (f64, &u32)| match *word & MASK_STATUS == Status::Success as u32 {
            true => value,
            false => f64::NAN,
        };
        partial.ranked = unpack(ranked, self.precision).into_iter().zip(words.iter().cycle()).map(of_success).collect();
        partial
    }
}

/// The host's copy of the results of a chunk.
struct Results<'a> {
    buffers: &'a ReduceBuffers,
    words: Vec<u32>,
    reals: Vec<f64>,
    first: u64,
    n_traj: usize,
}

impl Results<'_> {
    /// Trajectories of a block that have succeeded.
    fn n_success(&self, block: usize) -> u64 {
        self.words[block * TALLY_WORDS + Status::Success as usize].into()
    }

    fn moments(&self, block: usize, quantity: usize) -> Accumulator {
        let number = quantity * n_block(self.n_traj) + block;
        let real = |which: MomentReal| self.reals[number * MOMENT_REALS + which as usize];
        let first_word = self.buffers.sizes.first_moment_word(self.n_traj) + number * MOMENT_WORDS;
        let word = |which: MomentWord| self.words[first_word + which as usize];
        let (start, oddities) = (self.first + (block * BLOCK) as u64, word(MomentWord::Oddities));
        // Where there is no value that could be one, the extremes are those of no values.
        let extreme = |x: MomentReal, place: u32, none: f64| match place {
            u32::MAX => (none, u64::MAX),
            place => (real(x), start + u64::from(place)),
        };
        let (min, argmin) = extreme(MomentReal::Min, word(MomentWord::Argmin), f64::INFINITY);
        let (max, argmax) = extreme(MomentReal::Max, word(MomentWord::Argmax), f64::NEG_INFINITY);
        let scale = real(MomentReal::Scale);
        let mean = mean(real(MomentReal::Pivot) + real(MomentReal::Offset) / scale, oddities);
        let m2 = if oddities == 0 { real(MomentReal::M2) / (scale * scale) } else { f64::NAN };
        Accumulator { n: self.n_success(block), mean, m2, min, max, argmin, argmax }
    }

    /// What the moments of a quantity are scaled by.
    fn scale(&self, block: usize, quantity: u32) -> f64 {
        let number = quantity as usize * n_block(self.n_traj) + block;
        self.reals[number * MOMENT_REALS + MomentReal::Scale as usize]
    }

    /// The comoment of two quantities with these moments.
    fn comoment(&self, block: usize, pair: usize, a: Accumulator, b: Accumulator) -> Comoment {
        let first = self.buffers.sizes.first_comoment_real(self.n_traj);
        let [scale_a, scale_b] = [self.buffers.pairs[pair].0, self.buffers.pairs[pair].1].map(|q| self.scale(block, q));
        let c = self.reals[first + pair * n_block(self.n_traj) + block] / (scale_a * scale_b);
        let c = if a.m2.is_nan() || b.m2.is_nan() { f64::NAN } else { c };
        Comoment { n: a.n, mean_a: a.mean, mean_b: b.mean, c }
    }

    /// Adds the statuses and steps of a block.
    fn tally(&self, block: usize, partial: &mut Partial) {
        let words = &self.words[block * TALLY_WORDS..][..TALLY_WORDS];
        for (code, count) in words[..Status::ALL.len()].iter().enumerate() {
            partial.statuses[stopped_if_running(code as u32) as usize] += u64::from(*count);
        }
        let word = |which: TallyWord| words[which as usize];
        let add = |steps: &mut StepCount, low, high, most| {
            steps.sum += u64::from(word(low)) + (u64::from(word(high)) << 16);
            steps.max = steps.max.max(word(most));
        };
        use TallyWord::*;
        add(&mut partial.accepted, AcceptedLow, AcceptedHigh, AcceptedMost);
        add(&mut partial.rejected, RejectedLow, RejectedHigh, RejectedMost);
    }
}

/// The mean of finite values and of others.
fn mean(of_finite: f64, oddities: u32) -> f64 {
    let has = |oddity: Oddity| oddities & oddity as u32 != 0;
    match (has(Oddity::InfiniteAbove), has(Oddity::InfiniteBelow)) {
        _ if has(Oddity::NotANumber) => f64::NAN,
        (true, true) => f64::NAN,
        (true, false) => f64::INFINITY,
        (false, true) => f64::NEG_INFINITY,
        (false, false) => of_finite,
    }
}

/// The first trajectories of a chunk that have not succeeded, from its rows of [`CountRow::Status`] and culprits, and the time
/// of the last accepted state of each.
pub fn failures(first: u64, words: &[u32], culprit: &[u32], t: impl Fn(usize) -> f64) -> Vec<Failure> {
    let codes = words.iter().map(|word| word & MASK_STATUS);
    let failed = codes.enumerate().filter(|(_, code)| *code != Status::Success as u32);
    let failure = |(i, code): (usize, u32)| {
        let status = Status::from_code(stopped_if_running(code)).unwrap_or(Status::Stopped);
        let culprit = culprit[i].checked_sub(1).filter(|_| status == Status::NonFinite);
        Failure { trajectory: first + i as u64, status, t: t(i), culprit }
    };
    failed.take(NAMED_FAILURES).map(failure).collect()
}

#[cfg(test)]
mod tests;
