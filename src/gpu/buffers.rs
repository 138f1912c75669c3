//! Buffers: numbers to the device and back. Nothing here knows of equations.

use super::device::wait;
use crate::error::{Error, Result};
use crate::pair::F32x2;
use crate::real::Precision;
use std::borrow::Cow;
use std::cell::Cell;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex};

// SAFETY: F32x2 is repr(C), of two f32, any bits of which are values.
unsafe impl bytemuck::Zeroable for F32x2 {}
unsafe impl bytemuck::Pod for F32x2 {}

/// An opened device, and what it last complained about.
pub struct Device {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// Whether it takes SPIR-V as it is.
    pub takes_spirv: bool,
    complaint: Arc<Mutex<Option<Error>>>,
}

impl Device {
    pub fn new(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        let takes_spirv = device.features().contains(wgpu::Features::PASSTHROUGH_SHADERS);
        let complaint = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&complaint);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            if let Ok(mut first) = seen.lock() {
                first.get_or_insert(match error {
                    wgpu::Error::OutOfMemory { .. } => Error::Memory(error.to_string()),
                    _ => Error::Device(error.to_string()),
                });
            }
        }));
        Device { device, queue, takes_spirv, complaint }
    }

    /// The first error since the last call.
    pub fn check(&self) -> Result<()> {
        match self.complaint.lock().ok().and_then(|mut first| first.take()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// A buffer of at least 16 bytes; wgpu fills it with zeros.
    pub fn buffer(&self, label: &str, bytes: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes.next_multiple_of(16).max(16),
            usage: usage | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        })
    }

    /// A storage buffer.
    pub fn storage(&self, label: &str, bytes: u64) -> wgpu::Buffer {
        self.buffer(label, bytes, wgpu::BufferUsages::STORAGE)
    }

    /// Writes numbers in the precision of the run to the start of a buffer.
    pub fn write_reals(&self, buffer: &wgpu::Buffer, values: &[f64], precision: Precision) {
        self.queue.write_buffer(buffer, 0, &pack(values, precision));
    }

    /// A buffer for copies that the host reads.
    pub fn staging(&self, bytes: u64) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("staging"),
            size: bytes.next_multiple_of(16).max(16),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        })
    }

    /// Reads bytes `[start, start + bytes)` of a buffer, waiting for everything submitted before.
    pub fn read(&self, buffer: &wgpu::Buffer, start: u64, bytes: u64) -> Result<Vec<u8>> {
        if bytes == 0 {
            return Ok(Vec::new());
        }
        let staging = self.staging(bytes);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(buffer, start, &staging, 0, bytes);
        let fetch = self.fetch(encoder, &staging, bytes);
        self.fetched(&fetch, <[u8]>::to_vec)
    }

    /// Submits commands whose last ones fill a staging buffer, and asks for its first `bytes`, at least one.
    pub fn fetch(&self, encoder: wgpu::CommandEncoder, staging: &wgpu::Buffer, bytes: u64) -> Fetch {
        let submission = self.queue.submit([encoder.finish()]);
        let (sender, done) = std::sync::mpsc::channel();
        staging.map_async(wgpu::MapMode::Read, ..bytes, move |result| drop(sender.send(result)));
        Fetch { staging: staging.clone(), bytes, submission, done, arrived: Cell::new(false) }
    }

    /// Whether what was asked for is there.
    pub fn is_there(&self, fetch: &Fetch) -> Result<bool> {
        if !fetch.arrived.get() {
            match fetch.done.try_recv() {
                Ok(Ok(())) => fetch.arrived.set(true),
                Ok(Err(e)) => return Err(self.lost(format!("reading a buffer back failed: {e}"))),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Err(self.lost("the device is gone".to_string())),
            }
        }
        Ok(fetch.arrived.get())
    }

    /// Waits for what was asked for, and lets `take` look at it.
    pub fn fetched<T>(&self, fetch: &Fetch, take: impl FnOnce(&[u8]) -> T) -> Result<T> {
        while !self.is_there(fetch)? {
            let wait = wgpu::PollType::Wait { submission_index: Some(fetch.submission.clone()), timeout: None };
            self.device.poll(wait).map_err(|e| self.lost(format!("waiting for the device failed: {e}")))?;
        }
        let failed = |e| self.lost(format!("reading a buffer back failed: {e}"));
        let taken = take(&fetch.staging.get_mapped_range(..fetch.bytes).map_err(failed)?);
        fetch.staging.unmap();
        self.check()?;
        Ok(taken)
    }

    /// What the device complained about, else what was noticed here.
    fn lost(&self, noticed: String) -> Error {
        self.check().err().unwrap_or(Error::Device(noticed))
    }

    /// Reads `count` numbers of the run's precision from element `start` on.
    pub fn read_reals(
        &self,
        buffer: &wgpu::Buffer,
        start: usize,
        count: usize,
        precision: Precision,
    ) -> Result<Vec<f64>> {
        let size = real_bytes(precision);
        Ok(unpack(&self.read(buffer, start as u64 * size, count as u64 * size)?, precision))
    }

    /// Runs `work` and returns any validation or memory error that it caused.
    pub fn scoped<T>(&self, work: impl FnOnce() -> T) -> Result<T> {
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let value = work();
        match (wait(memory.pop()), wait(validation.pop())) {
            (Some(error), _) => Err(Error::Memory(error.to_string())),
            (None, Some(error)) => Err(Error::Device(error.to_string())),
            (None, None) => Ok(value),
        }
    }
}

/// Bytes on their way from the device.
pub struct Fetch {
    staging: wgpu::Buffer,
    bytes: u64,
    submission: wgpu::SubmissionIndex,
    done: Receiver<std::result::Result<(), wgpu::BufferAsyncError>>,
    arrived: Cell<bool>,
}

/// Size of a number.
pub fn real_bytes(precision: Precision) -> u64 {
    match precision {
        Precision::F32 => size_of::<f32>() as u64,
        Precision::F64 => size_of::<f64>() as u64,
        Precision::F32x2 => size_of::<F32x2>() as u64,
    }
}

/// Numbers as the kernels store them.
pub fn pack(values: &[f64], precision: Precision) -> Cow<'_, [u8]> {
    match precision {
        Precision::F32 => {
            let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
            Cow::Owned(bytemuck::cast_slice(&values).to_vec())
        }
        Precision::F64 => Cow::Borrowed(bytemuck::cast_slice(values)),
        Precision::F32x2 => {
            let values: Vec<F32x2> = values.iter().map(|v| F32x2::from_f64(*v)).collect();
            Cow::Owned(bytemuck::cast_slice(&values).to_vec())
        }
    }
}

/// Numbers as the kernels have stored them.
pub fn unpack(bytes: &[u8], precision: Precision) -> Vec<f64> {
    match precision {
        Precision::F32 => bytemuck::pod_collect_to_vec::<u8, f32>(bytes).into_iter().map(f64::from).collect(),
        Precision::F64 => bytemuck::pod_collect_to_vec(bytes),
        Precision::F32x2 => bytemuck::pod_collect_to_vec::<u8, F32x2>(bytes).into_iter().map(F32x2::to_f64).collect(),
    }
}
