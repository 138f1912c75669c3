//! The GPU backend: a [`Job`] through wgpu on any adapter.
//!
//! In: a job and inputs. Out: the same as from the CPU backend. A run is many short dispatches (`pump`): each attempts at
//! most a number of steps that aims at a wall time no watchdog minds, and what is unfinished rests in device buffers
//! (`chunk`). The result does not depend on how a run is cut. It sees programs only through [`wgsl::assemble`].

mod buffers;
mod chunk;
mod device;
mod draw;
mod kernel;
mod open;
mod peak;
mod pump;
mod ranges;
mod reduce;
mod reduced;
mod self_test;
mod several;
mod stored;

pub use device::{AdapterSummary, adapters};
pub use draw::{Drawn, draw_inputs};
pub use several::SeveralGpus;

use crate::compile::Feature;
use crate::error::{Error, Result};
use crate::job::{Backend, Inputs, Job, Prepared, Progress, RawOutput, Source};
use crate::real::Precision;
use crate::reduce::{BLOCK, LaneSteps, Partial, Reduction};
use crate::wgsl::{self, KernelOptions};
use buffers::{Device, real_bytes};
use chunk::{Chunk, Footprint};
use open::OpenDevice;
use pump::{MAX_STEPS, Pace, Pump, Spent};
use ranges::{InOrder, Ranges};
use reduced::Reduced;
use std::ops::Range;
use std::time::{Duration, Instant};
use stored::{Given, Sink, Stored};

/// Wall time that one submission aims at, in seconds: far below any watchdog, far above the cost of a submission.
const SLICE_SECONDS: f64 = 0.05;

/// What models may need that the GPU backend has.
pub const SUPPORTED_FEATURES: [Feature; 5] = [
    Feature::VectorFields,
    Feature::DiscreteFields,
    Feature::ContinuousFields,
    Feature::ControlCallbacks,
    Feature::Stops,
];

/// Memory that all chunks in flight may take where nothing else is said.
const MEMORY: u64 = 1 << 30;

/// Chunks in flight.
const SLOTS: usize = 2;

/// Chunks of each adapter, if several share a run: the fewer, the longer all wait for the slowest at the end.
const SHARES: u64 = 8;

/// Most trajectories of a chunk, a bound on memory for small models.
const MAX_CHUNK: u64 = 1 << 20;

/// The same on a software adapter, whose lanes are few and whose memory is slow.
const MAX_SOFTWARE_CHUNK: u64 = 1 << 16;

/// Where results are large, chunks are of so many bytes, so that some move while others are computed,
const MOVED_BYTES: u64 = 64 << 20;

/// but of at least so many trajectories: fewer leave lanes of a large device idle.
const FILLING: u64 = 1 << 16;

/// Runs jobs on one adapter.
pub struct GpuBackend {
    summary: AdapterSummary,
    adapter: wgpu::Adapter,
    /// One for each number format that was asked for, each with its kernels.
    devices: Vec<OpenDevice>,
    pace: Pace,
    memory: u64,
    workgroup_size: u32,
    /// What finding the adapter took, until the first device is opened on it.
    search: Duration,
    /// What the last run has taken.
    spent: Spent,
}

impl GpuBackend {
    /// The best adapter, or the best one whose name contains `wanted`.
    ///
    /// # Errors
    /// [`Error::Device`] if there is none.
    pub fn new(wanted: Option<&str>) -> Result<Self> {
        let start = Instant::now();
        let (adapter, summary) = device::choose(wanted)?;
        Ok(GpuBackend { search: start.elapsed(), ..GpuBackend::on(adapter, summary) })
    }

    /// All adapters of the kind of the best one.
    fn all() -> Result<Vec<Self>> {
        let all = device::all()?;
        Ok(all.into_iter().map(|(adapter, summary)| GpuBackend::on(adapter, summary)).collect())
    }

    fn on(adapter: wgpu::Adapter, summary: AdapterSummary) -> Self {
        GpuBackend {
            summary,
            adapter,
            devices: Vec::new(),
            pace: Pace { seconds: SLICE_SECONDS, steps: None, orders: false },
            memory: MEMORY,
            workgroup_size: wgsl::WORKGROUP_SIZE,
            search: Duration::ZERO,
            spent: Spent::default(),
        }
    }

    /// What is known of the adapter.
    pub fn adapter(&self) -> &AdapterSummary {
        &self.summary
    }

    /// Whether the adapter computes on the CPU.
    pub fn is_software(&self) -> bool {
        self.summary.is_software
    }

    /// Fixes the number of attempted steps of one dispatch, which is otherwise adapted to the device. The result does
    /// not depend on it.
    pub fn with_slice_steps(mut self, steps: u32) -> Self {
        self.pace.steps = Some(steps.clamp(1, MAX_STEPS));
        self
    }

    /// Dispatches of the last run.
    pub fn slices(&self) -> u64 {
        self.spent.slices
    }

    /// Wall time of the last run with work on the device.
    pub fn busy(&self) -> Duration {
        self.spent.busy
    }

    /// Fixes the number of trajectories of one workgroup, at most 256. The result does not depend on it.
    pub fn with_workgroup_size(mut self, size: u32) -> Self {
        self.workgroup_size = size.clamp(1, 256);
        self
    }

    /// Most bytes of one buffer.
    fn most_bytes(&self) -> u64 {
        self.summary.max_binding.min(self.summary.max_buffer)
    }

    /// Refuses what does not fit into a buffer even for a single trajectory.
    fn check_size(&self, job: &Job) -> Result<()> {
        let (size, most) = (real_bytes(job.precision), self.most_bytes());
        let saved = (job.saves.count() * job.row_size()) as u64 * size;
        if saved > most {
            return Err(Error::run(format!(
                "the saved rows of one trajectory take {saved} bytes, a buffer of the adapter holds {most}; save fewer times, lower max_saved, or use the backend cpu"
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

    /// Opens the device in the precision asked for, finds out whether its arithmetic will do, and compiles the kernel
    /// unless it is at hand.
    fn open(&mut self, job: &Job) -> Result<(&mut OpenDevice, Prepared)> {
        let start = Instant::now();
        let at = match self.devices.iter().position(|open| open.precision == job.precision) {
            Some(at) => at,
            None => {
                let (device, queue) = device::open(&self.adapter, &self.summary, job.precision)?;
                self.devices.push(OpenDevice::new(job.precision, Device::new(device, queue))?);
                self.devices.len() - 1
            }
        };
        let open = &mut self.devices[at];
        let options = KernelOptions {
            precision: job.precision,
            arithmetic: job.arithmetic,
            compensated: job.compensated,
            workgroup_size: self.workgroup_size,
            form: job.form(),
        };
        let notes = open.check(options, &self.summary)?;
        let startup = start.elapsed() + std::mem::take(&mut self.search);
        let start = Instant::now();
        open.use_kernel(job, options)?;
        let prepared = Prepared { notes, startup, jit: start.elapsed() };
        Ok((open, prepared))
    }

    /// Most trajectories of a chunk of a footprint.
    fn most(&self, job: &Job, each: &Footprint, is_read: bool) -> u64 {
        let cuts = (2 * job.cuts.len()) as u64 * real_bytes(job.precision);
        let binding = self.most_bytes() / each.largest();
        let binding = binding.min(self.most_bytes().saturating_sub(cuts) / each.times.max(1));
        let memory = self.memory / SLOTS as u64 / each.total(is_read);
        let most = if self.is_software() { MAX_SOFTWARE_CHUNK } else { MAX_CHUNK };
        binding.min(memory).clamp(1, most)
    }

    /// How a run of so many trajectories, that `n_gpu` adapters share, is cut into chunks.
    fn cut(&self, job: &Job, n_traj: u64, n_gpu: usize, each: Footprint, is_read: bool) -> Cut {
        let wanted = if is_read { FILLING.max(MOVED_BYTES / each.saved.max(1)) } else { u64::MAX };
        let share = if n_gpu == 1 { n_traj } else { n_traj.div_ceil(SHARES * n_gpu as u64).max(BLOCK as u64) };
        let size = self.most(job, &each, is_read).min(wanted).min(share).max(1);
        let whole = size / BLOCK as u64 * BLOCK as u64;
        let (size, slots) = match size {
            size if size == n_traj => (size, 1),
            size if whole == 0 => (size, SLOTS),
            _ => (whole, SLOTS),
        };
        Cut { size: size as usize, slots, each, is_read, may_shrink: true }
    }

    /// Integrates trajectories that `n_gpu` adapters share; `sink` gets them in any order.
    fn run_shared(
        &mut self,
        job: &Job,
        source: &dyn Source,
        ranges: &Ranges,
        n_gpu: usize,
        progress: &dyn Progress,
        sink: &mut Sink,
    ) -> Result<()> {
        self.check_size(job)?;
        let all = ranges.all();
        let cut = self.cut(job, all.end - all.start, n_gpu, Footprint::new(job, 0), true);
        self.run_cut(job, source, ranges, cut, progress, sink)
    }

    /// Integrates what `ranges` hands out.
    fn run_cut(
        &mut self,
        job: &Job,
        source: &dyn Source,
        ranges: &Ranges,
        cut: Cut,
        progress: &dyn Progress,
        sink: &mut Sink,
    ) -> Result<()> {
        let pace = self.pace;
        let (open, _) = self.open(job)?;
        let (chunks, size) = cut.chunks(open, job)?;
        let mut stored = Stored { device: &open.device, job, source, ranges, sink, size };
        let mut pump = Pump::new(&open.device, (open.kernel(), &open.compactor), job, pace, progress, chunks, size)?;
        let done = pump.run(&mut stored);
        self.spent = pump.spent;
        done
    }

    /// The same, reduced.
    fn reduce_shared(
        &mut self,
        (job, source): (&Job, &dyn Source),
        ranges: &Ranges,
        n_gpu: usize,
        reduction: &Reduction,
        progress: &dyn Progress,
        sink: &mut dyn FnMut(Partial) -> Result<()>,
    ) -> Result<()> {
        self.check_size(job)?;
        let (pace, all) = (self.pace, ranges.all());
        let each = Footprint::new(job, reduction.summaries.len());
        let cut = self.cut(job, all.end - all.start, n_gpu, each, false);
        let (open, _) = self.open(job)?;
        open.use_reducer(job, source.draws())?;
        let (chunks, size) = cut.chunks(open, job)?;
        let (reducer, drawer) = open.reducer(job);
        let buffers = chunks.iter().map(|_| reducer.buffers(&open.device, reduction, size)).collect::<Result<_>>()?;
        let device = &open.device;
        let mut reduced = Reduced { device, job, source, ranges, reduction, reducer, buffers, drawer, sink, size };
        let mut pump = Pump::new(device, (open.kernel(), &open.compactor), job, pace, progress, chunks, size)?;
        let done = pump.run(&mut reduced);
        self.spent = pump.spent;
        done
    }
}

/// Half of a chunk: whole blocks as long as there are any.
fn half(size: usize) -> usize {
    if size > BLOCK { (size / 2 / BLOCK).max(1) * BLOCK } else { size.div_ceil(2) }
}

/// How a run is cut into chunks.
struct Cut {
    /// Trajectories of a chunk.
    size: usize,
    /// Chunks in flight.
    slots: usize,
    each: Footprint,
    /// Whether the host reads all results.
    is_read: bool,
    /// Whether a chunk may be smaller, where the memory is short.
    may_shrink: bool,
}

impl Cut {
    /// The chunks and their size.
    fn chunks(&self, open: &OpenDevice, job: &Job) -> Result<(Vec<Chunk>, usize)> {
        let Cut { mut size, mut slots, .. } = *self;
        loop {
            let kernels = (open.kernel(), &open.compactor);
            let chunk = |place| Chunk::new(&open.device, kernels, job, (size, &self.each, self.is_read), place);
            match (0..slots).map(chunk).collect::<Result<Vec<_>>>() {
                Err(Error::Memory(_)) if slots > 1 => slots = 1,
                Err(Error::Memory(_)) if size > 1 && self.may_shrink => size = half(size),
                chunks => return Ok((chunks?, size)),
            }
        }
    }
}

impl Backend for GpuBackend {
    fn name(&self) -> &'static str {
        "gpu"
    }

    fn describe(&self) -> String {
        format!("{} ({})", self.summary.name, self.summary.api)
    }

    fn default_precision(&self) -> Precision {
        Precision::F32
    }

    fn supported_features(&self) -> &'static [Feature] {
        &SUPPORTED_FEATURES
    }

    fn max_chunk(&self, job: &Job) -> usize {
        self.most(job, &Footprint::new(job, 0), true) as usize
    }

    fn max_saved(&self, job: &Job) -> usize {
        (self.most_bytes() / (job.row_size() as u64 * real_bytes(job.precision)).max(1)) as usize
    }

    fn prepare(&mut self, job: &Job) -> Result<Prepared> {
        self.check_size(job)?;
        self.open(job).map(|(_, prepared)| prepared)
    }

    fn run(&mut self, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> Result<RawOutput> {
        // Spans of their own are known with the inputs only.
        self.check_size(job)?;
        // What it is if the user stops it before it begins.
        let mut result = RawOutput::never_begun(job, inputs.n_traj);
        let mut sink = |_, _, output| {
            result = output;
            Ok(())
        };
        let (n_traj, ranges) = (inputs.n_traj, Ranges::new(0..inputs.n_traj as u64));
        let cut = Cut { size: n_traj, slots: 1, each: Footprint::new(job, 0), is_read: true, may_shrink: false };
        self.run_cut(job, &Given(inputs), &ranges, cut, progress, &mut sink)?;
        Ok(result)
    }

    fn run_range(
        &mut self,
        job: &Job,
        source: &dyn Source,
        range: Range<u64>,
        progress: &dyn Progress,
        sink: &mut dyn FnMut(u64, Inputs, RawOutput) -> Result<()>,
    ) -> Result<()> {
        let ranges = Ranges::new(range.clone());
        let mut sink = |first, (inputs, output)| sink(first, inputs, output);
        let mut in_order = InOrder::new(range.start, &mut sink);
        self.run_shared(job, source, &ranges, 1, progress, &mut |first, inputs, output| {
            in_order.put(first, inputs.n_traj, (inputs, output))
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
        let ranges = Ranges::new(range.clone());
        let mut sink = |_, partial| sink(partial);
        let mut in_order = InOrder::new(range.start, &mut sink);
        self.reduce_shared((job, source), &ranges, 1, reduction, progress, &mut |partial| {
            in_order.put(partial.first, partial.n_traj, partial)
        })
    }

    fn lane_steps(&self) -> Option<LaneSteps> {
        Some(self.spent.lane_steps)
    }

    fn limit_memory(&mut self, bytes: u64) {
        self.memory = bytes;
    }

    fn order_by_cost(&mut self, orders: bool) {
        self.pace.orders = orders;
    }

    fn aim_at(&mut self, time: Duration) {
        self.pace.seconds = time.as_secs_f64().clamp(1e-3, 10.0);
    }
}
