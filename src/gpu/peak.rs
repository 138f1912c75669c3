//! The peak of an adapter: how many multiplications and additions it can do in a second, measured.
//!
//! The kernel runs chains x = x * 1 + 1 that wait only for themselves, in as many invocations as fill any device.
//! A link is a product and a sum and counts as two operations; whether they are fused is up to the adapter's compiler (GPUs
//! fuse them, Mesa's software adapter does not), as it is in the kernels that the peak is compared with. Since 1 is added the
//! results count the links, exactly: a wrong one is an error, not a peak.

use super::GpuBackend;
use super::buffers::{Device, pack};
use super::device;
use super::kernel::{Kernel, READ, UNIFORM, WRITE};
use crate::error::{Error, Result};
use crate::real::Precision;
use crate::wgsl::peak::{ROUND, ROUND_OPERATIONS, fma_peak};
use std::time::Instant;

/// Invocations of a dispatch: each unit of the largest GPUs gets several, with all their chains, for every cycle that it waits
/// for a result.
const INVOCATIONS: u32 = 1 << 18;

/// A dispatch takes at least so long, in seconds, unless it has the most rounds: some hundred times what it costs to
/// submit and to hear of its end.
const SECONDS: f64 = 0.03;

/// Most rounds: the links of a chain are a number that is exact in f32, and Mesa's software adapter ends a loop after
/// 65535 rounds.
const MAX_ROUNDS: u32 = 1 << 15;

/// Timed dispatches, of which the fastest counts.
const RUNS: usize = 8;

/// The kernel and what it is bound to.
struct Chains {
    device: Device,
    kernel: Kernel,
    bind_group: wgpu::BindGroup,
    config: wgpu::Buffer,
    wrong: wgpu::Buffer,
}

impl GpuBackend {
    /// Multiplications and additions in a second, in f32 or f64 (f32x2 is made of f32), on a device opened for this alone.
    ///
    /// # Errors
    /// [`Error::Device`] if the adapter lacks the number format, fails, or adds up wrongly.
    pub fn fma_peak(&self, precision: Precision) -> Result<f64> {
        let precision = if precision == Precision::F64 { precision } else { Precision::F32 };
        let (device, queue) = device::open(&self.adapter, &self.summary, precision)?;
        let chains = Chains::new(Device::new(device, queue), precision)?;
        // The first dispatch compiles.
        let (mut rounds, mut seconds) = (1, chains.run(1)?.min(chains.run(1)?));
        while seconds < SECONDS && rounds < MAX_ROUNDS {
            rounds *= 2;
            seconds = chains.run(rounds)?;
        }
        for _ in 1..RUNS {
            seconds = seconds.min(chains.run(rounds)?);
        }
        Ok(f64::from(rounds) * f64::from(ROUND_OPERATIONS) * f64::from(INVOCATIONS) / seconds)
    }
}

impl Chains {
    fn new(device: Device, precision: Precision) -> Result<Chains> {
        let kernel = Kernel::new(&device, &fma_peak(precision)?, &[UNIFORM, READ, WRITE])?;
        let [config, ones, wrong] = device.scoped(|| {
            [
                device.buffer("config", 16, wgpu::BufferUsages::UNIFORM),
                device.storage("ones", 16),
                device.storage("wrong", size_of::<u32>() as u64),
            ]
        })?;
        device.queue.write_buffer(&ones, 0, &pack(&[1.0, 1.0], precision));
        let bind_group = kernel.bind(&device, &[&config, &ones, &wrong])?;
        Ok(Chains { device, kernel, bind_group, config, wrong })
    }

    /// Seconds from submission to the news that all chains have so many rounds.
    fn run(&self, rounds: u32) -> Result<f64> {
        self.device.queue.write_buffer(&self.config, 0, bytemuck::cast_slice(&[0, rounds]));
        let start = Instant::now();
        let mut encoder = self.device.device.create_command_encoder(&Default::default());
        self.kernel.dispatch(
            &mut encoder.begin_compute_pass(&Default::default()),
            &self.bind_group,
            INVOCATIONS as usize,
        );
        self.device.queue.submit([encoder.finish()]);
        let wrong = self.device.read(&self.wrong, 0, size_of::<u32>() as u64)?;
        let seconds = start.elapsed().as_secs_f64();
        match bytemuck::pod_collect_to_vec::<u8, u32>(&wrong)[0] {
            0 => Ok(seconds),
            n => Err(Error::Device(format!(
                "multiply-add: {n} of the adapter's sums of {} ones are wrong; nothing that it computes can be trusted",
                ROUND * rounds
            ))),
        }
    }
}
