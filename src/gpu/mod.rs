//! The GPU backend: a [`Job`] through wgpu on any adapter.
//!
//! In: a job and inputs. Out: the same as from the CPU backend. A run is many short dispatches: each attempts at most
//! a number of steps that aims at a wall time no watchdog minds, and what is unfinished rests in device buffers. The
//! result does not depend on how a run is cut. It sees programs only through [`wgsl::assemble`].

mod buffers;
mod device;
mod kernel;

pub use device::{AdapterSummary, adapters};

use crate::error::Result;
use crate::job::{Backend, Inputs, Job, Progress, RawOutput, StateRows};
use crate::real::Precision;
use crate::wgsl;
use buffers::{Device, real_bytes};
use kernel::{Kernel, MAX_SLICE};

/// Wall time that one dispatch aims at, in seconds: far below any watchdog, far above the cost of a dispatch.
const SLICE_SECONDS: f64 = 0.05;

/// Device memory that one chunk may take.
const CHUNK_BYTES: u64 = 512 << 20;

/// Most trajectories of a chunk, a bound on memory for small models.
const MAX_CHUNK: u64 = 1 << 20;

/// Runs jobs on one adapter.
pub struct GpuBackend {
    summary: AdapterSummary,
    adapter: wgpu::Adapter,
    device: Option<(Precision, Device)>,
    kernel: Option<Kernel>,
    slice_steps: Option<u32>,
}

impl GpuBackend {
    /// The best adapter, or the best one whose name contains `wanted`.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if there is none.
    pub fn new(wanted: Option<&str>) -> Result<Self> {
        let (adapter, summary) = device::choose(wanted)?;
        Ok(GpuBackend { summary, adapter, device: None, kernel: None, slice_steps: None })
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

    /// Opens the device in the precision asked for, and compiles the kernel unless it is the one of the last run.
    fn prepare(&mut self, job: &Job) -> Result<(&Device, &Kernel)> {
        if self.device.as_ref().is_none_or(|(precision, _)| *precision != job.precision) {
            self.kernel = None;
            let (device, queue) = device::open(&self.adapter, &self.summary, job.precision)?;
            self.device = Some((job.precision, Device::new(device, queue)));
        }
        let (_, device) = self.device.as_ref().expect("the device was opened above");
        let source = wgsl::assemble(job.program, job.method, job.precision)?;
        if self.kernel.as_ref().is_none_or(|kernel| kernel.source != source) {
            self.kernel = Some(Kernel::new(device, source)?);
        }
        Ok((device, self.kernel.as_ref().expect("the kernel was compiled above")))
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

    fn max_chunk(&self, job: &Job) -> usize {
        let size = real_bytes(job.precision);
        let state = StateRows::new(job.program.n_state()).count as u64 * size;
        let params = job.program.n_param() as u64 * size;
        let saved = (job.t_save.len() * job.program.n_row()) as u64 * size;
        let binding = self.summary.max_binding.min(self.summary.max_buffer) / state.max(params).max(saved).max(1);
        let memory = CHUNK_BYTES / (state + params + saved).max(1);
        binding.min(memory).clamp(1, MAX_CHUNK) as usize
    }

    fn run(&mut self, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> Result<RawOutput> {
        let slice_steps = self.slice_steps;
        let (device, kernel) = self.prepare(job)?;
        kernel.run(device, job, inputs, slice_steps, progress)
    }
}
