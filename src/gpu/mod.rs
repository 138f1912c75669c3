//! The GPU backend: a [`Job`] through wgpu on any adapter.
//!
//! In: a job and inputs. Out: the same as from the CPU backend. A run is many short dispatches: each attempts at most
//! a number of steps that aims at a wall time no watchdog minds, and what is unfinished rests in device buffers. The
//! result does not depend on how a run is cut. It sees programs only through [`wgsl::assemble`].

mod buffers;
mod device;
mod draw;
mod kernel;
mod self_test;

pub use device::{AdapterSummary, adapters};
pub use draw::{Drawn, draw_inputs};

use crate::compile::Feature;
use crate::error::{Error, Result};
use crate::job::{Backend, Inputs, Job, ParamRows, Prepared, Progress, RawOutput, StateRows};
use crate::method::Stages;
use crate::pair::F32x2;
use crate::program::OdeProgram;
use crate::real::{Arithmetic, Precision};
use crate::wgsl::{self, KernelOptions};
use buffers::{Device, real_bytes};
use kernel::{Kernel, MAX_SLICE};
use self_test::Finding;
use std::time::{Duration, Instant};

/// Wall time that one dispatch aims at, in seconds: far below any watchdog, far above the cost of a dispatch.
const SLICE_SECONDS: f64 = 0.05;

/// Most kernels that are kept for each number format.
const MAX_KERNELS: usize = 32;

/// What models may need that the GPU backend has.
pub const SUPPORTED_FEATURES: [Feature; 5] = [
    Feature::VectorFields,
    Feature::DiscreteFields,
    Feature::ContinuousFields,
    Feature::ControlCallbacks,
    Feature::Stops,
];

/// Device memory that one chunk may take.
const CHUNK_BYTES: u64 = 512 << 20;

/// Most trajectories of a chunk, a bound on memory for small models.
const MAX_CHUNK: u64 = 1 << 20;

/// Runs jobs on one adapter.
pub struct GpuBackend {
    summary: AdapterSummary,
    adapter: wgpu::Adapter,
    /// One for each number format that was asked for, each with its kernels.
    devices: Vec<OpenDevice>,
    slice_steps: Option<u32>,
    workgroup_size: u32,
    /// What finding the adapter took, until the first device is opened on it.
    search: Duration,
}

/// A device opened for a number format, what self-tests have found on it, and the kernels compiled for it, the one used
/// last at the end.
struct OpenDevice {
    precision: Precision,
    device: Device,
    findings: Vec<(KernelOptions, Finding)>,
    kernels: Vec<CompiledKernel>,
}

/// A kernel and all that its text depends on: no initial value, parameter, time span, tolerance or save time.
struct CompiledKernel {
    program: OdeProgram,
    stages: Stages,
    is_adaptive: bool,
    options: KernelOptions,
    kernel: Kernel,
}

impl CompiledKernel {
    fn is_for(&self, job: &Job, options: KernelOptions) -> bool {
        self.options == options
            && self.is_adaptive == job.method.is_adaptive()
            && self.stages == job.method.stages
            && self.program == *job.program
    }
}

impl GpuBackend {
    /// The best adapter, or the best one whose name contains `wanted`.
    ///
    /// # Errors
    /// [`Error::Device`] if there is none.
    pub fn new(wanted: Option<&str>) -> Result<Self> {
        let start = Instant::now();
        let (adapter, summary) = device::choose(wanted)?;
        let (devices, workgroup_size) = (Vec::new(), wgsl::WORKGROUP_SIZE);
        Ok(GpuBackend { summary, adapter, devices, slice_steps: None, workgroup_size, search: start.elapsed() })
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
        self.slice_steps = Some(steps.clamp(1, MAX_SLICE));
        self
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
    fn open(&mut self, job: &Job) -> Result<(&Device, &Kernel, Prepared)> {
        let start = Instant::now();
        let at = match self.devices.iter().position(|open| open.precision == job.precision) {
            Some(at) => at,
            None => {
                let (device, queue) = device::open(&self.adapter, &self.summary, job.precision)?;
                self.devices.push(OpenDevice {
                    precision: job.precision,
                    device: Device::new(device, queue),
                    findings: Vec::new(),
                    kernels: Vec::new(),
                });
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
        let kernel = &open.kernels.last().expect("the kernel was compiled above").kernel;
        Ok((&open.device, kernel, prepared))
    }
}

impl OpenDevice {
    /// Moves the kernel of a job to the end of the list, compiling it if it is not there.
    fn use_kernel(&mut self, job: &Job, options: KernelOptions) -> Result<()> {
        if let Some(at) = self.kernels.iter().position(|compiled| compiled.is_for(job, options)) {
            self.kernels[at..].rotate_left(1);
            return Ok(());
        }
        let kernel = Kernel::new(&self.device, wgsl::assemble(job.program, job.method, options)?, job)?;
        let (program, stages) = (job.program.clone(), job.method.stages.clone());
        if self.kernels.len() == MAX_KERNELS {
            self.kernels.remove(0);
        }
        self.kernels.push(CompiledKernel { program, stages, is_adaptive: job.method.is_adaptive(), options, kernel });
        Ok(())
    }

    /// Refuses arithmetic that the self-test finds wanting; returns what the user should know.
    fn check(&mut self, options: KernelOptions, adapter: &AdapterSummary) -> Result<Vec<String>> {
        let finding = match options.needs_self_test() {
            false => return Ok(Vec::new()),
            true => self.finding(options)?,
        };
        let AdapterSummary { name, api, .. } = adapter;
        let what = if options.arithmetic == Arithmetic::Exact { "exact arithmetic" } else { "precision f32x2" };
        match finding {
            Finding::Holds => Ok(Vec::new()),
            Finding::FlushesSubnormals if options.arithmetic == Arithmetic::Exact => Ok(vec![format!(
                "the adapter '{name}' turns numbers below {:.1e} into zero: the bits are the CPU's for trajectories that meet no such number",
                f32::MIN_POSITIVE
            )]),
            Finding::FlushesSubnormals => Ok(Vec::new()),
            Finding::Differs(what_differs) => Err(Error::Unsupported(format!(
                "{what} does not hold on the adapter '{name}' ({api}): {what_differs}; use the backend cpu, or standard arithmetic in f32 or f64"
            ))),
        }
    }

    fn finding(&mut self, options: KernelOptions) -> Result<Finding> {
        let options = KernelOptions { form: Default::default(), ..options };
        if let Some((_, finding)) = self.findings.iter().find(|(tested, _)| *tested == options) {
            return Ok(finding.clone());
        }
        let finding = match options.precision {
            Precision::F32 => self_test::run::<f32>(&self.device, options)?,
            Precision::F64 => self_test::run::<f64>(&self.device, options)?,
            Precision::F32x2 => self_test::run::<F32x2>(&self.device, options)?,
        };
        self.findings.push((options, finding.clone()));
        Ok(finding)
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
        let size = real_bytes(job.precision);
        let state = StateRows::new(job.program, job.compensated).count as u64 * size;
        let params = ParamRows::new(job.program, job.own_span).count as u64 * size;
        let saved = (job.saves.count() * job.row_size()) as u64 * size;
        let own_times = if job.own_span { job.n_save_time(1) as u64 * size } else { 0 };
        let cuts = (2 * job.cuts.len()) as u64 * size;
        let largest = state.max(params).max(saved).max(1);
        let binding = (self.most_bytes() / largest).min(self.most_bytes().saturating_sub(cuts) / own_times.max(1));
        let memory = CHUNK_BYTES / (state + params + saved + own_times).max(1);
        binding.min(memory).clamp(1, MAX_CHUNK) as usize
    }

    fn max_saved(&self, job: &Job) -> usize {
        (self.most_bytes() / (job.row_size() as u64 * real_bytes(job.precision)).max(1)) as usize
    }

    fn prepare(&mut self, job: &Job) -> Result<Prepared> {
        self.check_size(job)?;
        self.open(job).map(|(.., prepared)| prepared)
    }

    fn run(&mut self, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> Result<RawOutput> {
        // Spans of their own are known with the inputs only.
        self.check_size(job)?;
        let slice_steps = self.slice_steps;
        let (device, kernel, _) = self.open(job)?;
        kernel.run(device, job, inputs, slice_steps, progress)
    }
}
