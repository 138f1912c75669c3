//! The GPU backend: a [`Job`] through wgpu on any adapter.
//!
//! In: a job and inputs. Out: the same as from the CPU backend. A run is many short dispatches (`pump`): each attempts at
//! most a number of steps that aims at a wall time no watchdog minds, and what is unfinished rests in device buffers
//! (`chunk`). The result does not depend on how a run is cut. It sees programs only through [`wgsl::assemble`].

mod buffers;
mod chunk;
mod cut;
mod device;
mod draw;
mod footprint;
mod kernel;
mod open;
mod pace;
mod peak;
mod pump;
mod ranges;
mod reduce;
mod reduced;
mod retry;
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
use crate::reduce::{LaneSteps, Partial, Reduction};
use crate::wgsl::{self, KernelOptions};
use buffers::{Device, real_bytes};
use cut::{Budget, Cut, MEMORY, ahead};
use footprint::Footprint;
use open::OpenDevice;
use pace::{MAX_STEPS, Pace};
use pump::{Pump, Spent};
use ranges::{InOrder, Ranges};
use reduced::Reduced;
use retry::in_less_memory;
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

/// Where all results are kept, it takes no more memory if many come early.
const ALL_AHEAD: u64 = u64::MAX;

/// Memory below which less would not help where there is too little.
const LEAST_MEMORY: u64 = 1 << 20;

/// Runs jobs on one adapter.
pub struct GpuBackend {
    summary: AdapterSummary,
    adapter: wgpu::Adapter,
    /// One for each number format that was asked for, each with its kernels.
    devices: Vec<OpenDevice>,
    pace: Pace,
    memory: u64,
    /// Less than that, where it has been too much in this run.
    short: Option<u64>,
    /// Memory that the chunks of this run take.
    used: u64,
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
        let pace = Pace { seconds: SLICE_SECONDS, steps: None, orders: false, is_software: summary.is_software };
        GpuBackend {
            summary,
            adapter,
            devices: Vec::new(),
            pace,
            memory: MEMORY,
            short: None,
            used: MEMORY,
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

    /// What there is for a run.
    fn budget(&self) -> Budget {
        // Kernels count in u32.
        let most_bytes = self.summary.max_binding.min(self.summary.max_buffer).min(u32::MAX.into());
        Budget { memory: self.short.unwrap_or(self.memory), most_bytes, is_software: self.is_software() }
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
        let (budget, all) = (self.budget(), ranges.all());
        budget.check_job(job)?;
        let cut = budget.cut(job, all.end - all.start, n_gpu, Footprint::of_job(job));
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
        self.used = cut.memory();
        let pace = self.pace;
        let (open, _) = self.open(job)?;
        let (mut pump, size) = cut.fitted(|cut| Pump::new(open, job, pace, progress, cut))?;
        let mut stored = Stored { device: &open.device, job, source, ranges, sink, size };
        let done = pump.run(&mut stored);
        let spent = pump.spent;
        self.end_with(spent, done)
    }

    /// The same as [`GpuBackend::run_shared`], reduced.
    fn reduce_shared(
        &mut self,
        (job, source): (&Job, &dyn Source),
        ranges: &Ranges,
        n_gpu: usize,
        reduction: &Reduction,
        progress: &dyn Progress,
        sink: &mut dyn FnMut(Partial) -> Result<()>,
    ) -> Result<()> {
        let (budget, pace, all) = (self.budget(), self.pace, ranges.all());
        budget.check_job(job)?;
        budget.check_reduction(job, reduction)?;
        let cut = budget.cut(job, all.end - all.start, n_gpu, Footprint::of_reduction(job, reduction));
        self.used = cut.memory();
        let (open, _) = self.open(job)?;
        open.use_reducer(job, source.draws())?;
        let open = &*open;
        let (reducer, drawer) = open.reducer(job);
        let make = |cut: Cut| {
            let buffers = |_| reducer.buffers(&open.device, reduction, cut.size);
            let buffers = (0..cut.slots).map(buffers).collect::<Result<Vec<_>>>()?;
            Ok((Pump::new(open, job, pace, progress, cut)?, buffers))
        };
        let ((mut pump, buffers), size) = cut.fitted(make)?;
        let device = &open.device;
        let mut reduced =
            Reduced { device, job, source, ranges, reducer, buffers, drawer, sink, size, named: Vec::new() };
        let done = pump.run(&mut reduced);
        let spent = pump.spent;
        self.end_with(spent, done)
    }

    /// Notes what a run has taken. A device that is lost is opened anew by the next run.
    fn end_with(&mut self, spent: Spent, done: Result<()>) -> Result<()> {
        self.spent.add(spent);
        if matches!(done, Err(Error::Device(_))) {
            self.devices.clear();
        }
        done
    }

    /// Makes ready for a run.
    fn begin(&mut self) {
        (self.spent, self.short) = (Spent::default(), None);
    }

    /// Allows half of the memory that the last run took, which was too much; false where less would not help.
    fn halve(&mut self) -> bool {
        let half = self.short.unwrap_or(self.memory).min(self.used) / 2;
        // What the last run held is free only once the device is done with it. One that is lost says so in the next run.
        self.devices.iter().for_each(|open| drop(open.device.device.poll(wgpu::PollType::wait_indefinitely())));
        self.short = Some(half);
        half >= LEAST_MEMORY
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
        self.budget().most(job, &Footprint::of_job(job)) as usize
    }

    fn max_saved(&self, job: &Job) -> usize {
        (self.budget().most_bytes / (job.row_size() as u64 * real_bytes(job.precision)).max(1)) as usize
    }

    fn check_reduction(&self, job: &Job, reduction: &Reduction) -> Result<()> {
        self.budget().check_reduction(job, reduction)?;
        self.budget().check_memory(job, reduction)
    }

    fn prepare(&mut self, job: &Job) -> Result<Prepared> {
        self.budget().check_job(job)?;
        self.open(job).map(|(_, prepared)| prepared)
    }

    fn run(&mut self, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> Result<RawOutput> {
        // Spans of their own are known with the inputs only.
        self.budget().check_job(job)?;
        // What it is if the user stops it before it begins.
        let mut result = RawOutput::never_begun(job, inputs.n_traj);
        let mut sink = |_, _, output| {
            result = output;
            Ok(())
        };
        let (n_traj, ranges) = (inputs.n_traj, Ranges::new(0..inputs.n_traj as u64, 1));
        let cut = Cut { size: n_traj, slots: 1, each: Footprint::of_job(job), may_shrink: false };
        self.begin();
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
        let mut sink = |first, (inputs, output)| sink(first, inputs, output);
        self.begin();
        in_less_memory(self, (range, ALL_AHEAD), progress, GpuBackend::halve, |gpu, ranges, progress| {
            let mut in_order = InOrder::new(ranges, &mut sink);
            let done = gpu.run_shared(job, source, ranges, 1, progress, &mut |first, inputs, output| {
                in_order.put(first, inputs.n_traj, (inputs, output))
            });
            (in_order.next(), done)
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
        let mut sink = |_, partial| sink(partial);
        self.begin();
        in_less_memory(self, (range, ahead(reduction)), progress, GpuBackend::halve, |gpu, ranges, progress| {
            let mut in_order = InOrder::new(ranges, &mut sink);
            let done = gpu.reduce_shared((job, source), ranges, 1, reduction, progress, &mut |partial| {
                in_order.put(partial.first, partial.n_traj, partial)
            });
            (in_order.next(), done)
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
