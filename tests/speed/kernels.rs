//! Kernels without a run around them: one dispatch of all trajectories, timed alone.
//!
//! In: a kernel written by hand (`*.wgsl` beside this file) or a generated one, with the inputs of the Lorenz ensemble. Out: the
//! seconds of a dispatch, the final states and the numbers of steps.

use ensolve::job::{CountRow, Job, LIST_ALL, LIST_HEADER, LIST_STEPS, RunConfig, StateRows};
use ensolve::math::TWO_OVER_PI;
use ensolve::wgsl::{self, KernelOptions};
use ensolve::{Arithmetic, Precision};
use std::time::Instant;
use wgpu::BufferUsages;

/// An opened adapter.
pub struct Device {
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// Whether its threads are this process's.
    is_software: bool,
}

/// A compiled kernel and its buffers.
pub struct Kernel {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    /// What is written before each dispatch.
    inputs: Vec<(wgpu::Buffer, Vec<u8>)>,
    /// Final states, `[3][n]`, and where they begin.
    y_end: wgpu::Buffer,
    /// Accepted and rejected steps of each trajectory, and at which word they begin.
    counts: (wgpu::Buffer, usize),
    n: usize,
}

/// Measures what a device works: wall time, or where it is software and the system tells, the time that the threads of this process
/// have run, so that others on the machine do not count.
pub struct Clock {
    start: Instant,
    busy: Option<f64>,
}

impl Clock {
    pub fn start(is_software: bool) -> Self {
        Clock { start: Instant::now(), busy: is_software.then(busy).flatten() }
    }

    pub fn seconds(&self) -> f64 {
        let wall = self.start.elapsed().as_secs_f64();
        self.busy.zip(busy()).map_or(wall, |(before, now)| now - before)
    }
}

/// Seconds that the threads of this process have run.
fn busy() -> Option<f64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    Some(1e-9 * nanoseconds.sum::<f64>())
}

impl Device {
    pub fn new(adapter: &wgpu::Adapter) -> Self {
        let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).expect("the adapter was listed");
        Device { device, queue, is_software: adapter.get_info().device_type == wgpu::DeviceType::Cpu }
    }

    fn buffer(&self, bytes: usize, usage: BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes.next_multiple_of(16).max(16) as u64,
            usage: usage | BufferUsages::COPY_DST | BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        })
    }

    fn filled(&self, bytes: &[u8], usage: BufferUsages) -> wgpu::Buffer {
        let buffer = self.buffer(bytes.len(), usage);
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().next_multiple_of(4), 0);
        self.queue.write_buffer(&buffer, 0, &padded);
        buffer
    }

    fn compiled(&self, text: &str, buffers: &[&wgpu::Buffer]) -> (wgpu::ComputePipeline, wgpu::BindGroup) {
        let source = wgpu::ShaderSource::Wgsl(text.into());
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
        let entry = |(binding, buffer): (u32, &&wgpu::Buffer)| {
            let is_read = text.contains(&format!("@binding({binding}) var<storage, read>"));
            let ty = match buffer.usage().contains(BufferUsages::UNIFORM) {
                true => wgpu::BufferBindingType::Uniform,
                false => wgpu::BufferBindingType::Storage { read_only: is_read },
            };
            wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
                count: None,
            }
        };
        let entries: Vec<_> = (0..).zip(buffers).map(entry).collect();
        let layout =
            self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&layout)],
            ..Default::default()
        });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: Default::default(),
            cache: None,
        });
        let bound = (0..).zip(buffers).map(|(binding, buffer)| (binding, buffer.as_entire_binding()));
        let entries: Vec<_> = bound.map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        let descriptor = wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries };
        (pipeline, self.device.create_bind_group(&descriptor))
    }

    /// A kernel written by hand: bindings 0 to 3 are rho, y0, y_end and counts.
    pub fn by_hand(&self, text: &str, rho: &[f32]) -> Kernel {
        let n = rho.len();
        let storage = BufferUsages::STORAGE;
        let (rho, y0) = (self.filled(bytemuck::cast_slice(rho), storage), self.filled(&start(n), storage));
        let (y_end, counts) = (self.buffer(12 * n, storage), self.buffer(8 * n, storage));
        let (pipeline, bind_group) = self.compiled(text, &[&rho, &y0, &y_end, &counts]);
        let inputs = vec![(counts.clone(), vec![0; 8 * n])];
        Kernel { pipeline, bind_group, inputs, y_end, counts: (counts, 0), n }
    }

    /// The kernel of a job that saves the end of its span, with all of the run in one dispatch.
    pub fn generated(&self, job: &Job, rho: &[f32]) -> Kernel {
        let n = rho.len();
        let options = KernelOptions {
            arithmetic: Arithmetic::Standard,
            compensated: job.compensated,
            form: job.form(),
            ..KernelOptions::from(Precision::F32)
        };
        let source = wgsl::assemble(job.program, job.method, options).expect("a valid kernel");
        let tolerances: Vec<f32> =
            job.rtol.iter().zip(&job.atol).flat_map(|(rtol, atol)| [*rtol as f32, *atol as f32, 0.0, 0.0]).collect();
        let tables = [bytemuck::cast_slice(&TWO_OVER_PI), bytemuck::cast_slice::<f32, u8>(&tolerances)].concat();
        let mut list = vec![0u32; LIST_HEADER];
        // So many steps that the run ends in one dispatch, and fewer than Mesa's software adapter allows rounds of a loop.
        (list[0], list[LIST_STEPS], list[LIST_ALL]) = (n as u32, 32768, 1);
        let rows = StateRows::of(job);
        let counts_size = 4 * CountRow::count(job) * n;
        let (storage, uniform) = (BufferUsages::STORAGE, BufferUsages::UNIFORM);
        let state = self.buffer(4 * rows.count * n, storage);
        let counts = self.buffer(counts_size, storage);
        let saved = self.buffer(12 * n, storage);
        let buffers = [
            &self.filled(bytemuck::bytes_of(&RunConfig::<f32>::new(job, n)), uniform),
            &self.filled(&tables, uniform),
            &self.filled(bytemuck::bytes_of(&((job.t1 - job.t0) as f32)), storage),
            &self.filled(bytemuck::cast_slice(rho), storage),
            &state,
            &counts,
            &saved,
            &self.filled(bytemuck::cast_slice(&list), storage),
        ];
        let (pipeline, bind_group) = self.compiled(source.text(), &buffers);
        let initial = if rows.y_is_saved { saved.clone() } else { state.clone() };
        let resting = (state, vec![0; 4 * rows.count * n]);
        let inputs = vec![resting, (initial, start(n)), (counts.clone(), vec![0; counts_size])];
        Kernel { pipeline, bind_group, inputs, y_end: saved, counts: (counts, CountRow::Accepted as usize * n), n }
    }

    /// Seconds of one dispatch.
    pub fn dispatch(&self, kernel: &Kernel) -> f64 {
        kernel.inputs.iter().for_each(|(buffer, bytes)| self.queue.write_buffer(buffer, 0, bytes));
        self.queue.submit([]);
        self.wait();
        let clock = Clock::start(self.is_software);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&kernel.pipeline);
            pass.set_bind_group(0, &kernel.bind_group, &[]);
            pass.dispatch_workgroups(kernel.n.div_ceil(wgsl::WORKGROUP_SIZE as usize) as u32, 1, 1);
        }
        self.queue.submit([encoder.finish()]);
        self.wait();
        clock.seconds()
    }

    fn wait(&self) {
        self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device works");
    }

    /// Final states, and attempted steps of all trajectories, of the last dispatch.
    pub fn results(&self, kernel: &Kernel) -> (Vec<f32>, u64) {
        let y_end = bytemuck::pod_collect_to_vec(&self.read(&kernel.y_end, 12 * kernel.n));
        let (counts, first) = &kernel.counts;
        let counts: Vec<u32> = bytemuck::pod_collect_to_vec(&self.read(counts, 4 * (first + 2 * kernel.n)));
        (y_end, counts[*first..].iter().map(|count| u64::from(*count)).sum())
    }

    fn read(&self, buffer: &wgpu::Buffer, bytes: usize) -> Vec<u8> {
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes as u64,
            usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, bytes as u64);
        self.queue.submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., |result| result.expect("the staging buffer is mappable"));
        self.wait();
        staging.get_mapped_range(..).expect("mapped above").to_vec()
    }
}

/// (1, 0, 0) for each trajectory, `[3][n]`.
fn start(n: usize) -> Vec<u8> {
    let y0: Vec<f32> = (0..3 * n).map(|at| if at < n { 1.0 } else { 0.0 }).collect();
    bytemuck::cast_slice(&y0).to_vec()
}
