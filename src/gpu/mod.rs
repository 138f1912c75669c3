//! The GPU backend: a [`Job`] through wgpu on any adapter.
//!
//! In: a job and inputs. Out: the same as from the CPU backend. A run is many short dispatches: each attempts at most
//! a number of steps that aims at a wall time no watchdog minds, and what is unfinished rests in device buffers. The
//! result does not depend on how a run is cut. It sees programs only through [`wgsl::assemble`].

mod buffers;
mod device;
mod kernel;
mod self_test;

pub use device::{AdapterSummary, adapters};

use crate::compile::Feature;
use crate::error::{Error, Result};
use crate::job::{Backend, Inputs, Job, ParamRows, Prepared, Progress, RawOutput, StateRows};
use crate::pair::F32x2;
use crate::real::{Arithmetic, Precision};
use crate::wgsl::{self, KernelOptions};
use buffers::{Device, real_bytes};
use kernel::{Kernel, MAX_SLICE};
use self_test::Finding;
use std::time::Instant;

/// Wall time that one dispatch aims at, in seconds: far below any watchdog, far above the cost of a dispatch.
const SLICE_SECONDS: f64 = 0.05;

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
    device: Option<OpenDevice>,
    kernel: Option<Kernel>,
    slice_steps: Option<u32>,
    workgroup_size: u32,
}

/// A device opened for a number format, and what self-tests have found on it.
struct OpenDevice {
    precision: Precision,
    device: Device,
    findings: Vec<(KernelOptions, Finding)>,
}

impl GpuBackend {
    /// The best adapter, or the best one whose name contains `wanted`.
    ///
    /// # Errors
    /// [`Error::Device`] if there is none.
    pub fn new(wanted: Option<&str>) -> Result<Self> {
        let (adapter, summary) = device::choose(wanted)?;
        let workgroup_size = wgsl::WORKGROUP_SIZE;
        Ok(GpuBackend { summary, adapter, device: None, kernel: None, slice_steps: None, workgroup_size })
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

    /// Opens the device in the precision asked for, finds out whether its arithmetic will do, and compiles the kernel
    /// unless it is the one of the last run.
    fn open(&mut self, job: &Job) -> Result<(&Device, &Kernel, Prepared)> {
        let start = Instant::now();
        if self.device.as_ref().is_none_or(|open| open.precision != job.precision) {
            self.kernel = None;
            let (device, queue) = device::open(&self.adapter, &self.summary, job.precision)?;
            self.device =
                Some(OpenDevice { precision: job.precision, device: Device::new(device, queue), findings: Vec::new() });
        }
        let open = self.device.as_mut().expect("the device was opened above");
        let options = KernelOptions {
            precision: job.precision,
            arithmetic: job.arithmetic,
            compensated: job.compensated,
            workgroup_size: self.workgroup_size,
            form: job.form(),
        };
        let notes = open.check(options, &self.summary)?;
        let (startup, start) = (start.elapsed(), Instant::now());
        let draft = wgsl::draft(job.program, job.method, options)?;
        if self.kernel.as_ref().is_none_or(|kernel| !draft.is_of(&kernel.source)) {
            self.kernel = Some(Kernel::new(&open.device, draft.prove()?)?);
        }
        let prepared = Prepared { notes, startup, jit: start.elapsed() };
        Ok((&open.device, self.kernel.as_ref().expect("the kernel was compiled above"), prepared))
    }
}

impl OpenDevice {
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
        let n_row = job.program.n_row() + usize::from(job.form().saves_steps);
        let saved = (job.saves.count() * n_row) as u64 * size;
        let binding = self.summary.max_binding.min(self.summary.max_buffer) / state.max(params).max(saved).max(1);
        let memory = CHUNK_BYTES / (state + params + saved).max(1);
        binding.min(memory).clamp(1, MAX_CHUNK) as usize
    }

    fn prepare(&mut self, job: &Job) -> Result<Prepared> {
        self.open(job).map(|(.., prepared)| prepared)
    }

    fn run(&mut self, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> Result<RawOutput> {
        let slice_steps = self.slice_steps;
        let (device, kernel, _) = self.open(job)?;
        kernel.run(device, job, inputs, slice_steps, progress)
    }
}
