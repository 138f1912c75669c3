//! A compiled kernel and its run: upload, dispatch slice after slice, download.

use super::SLICE_SECONDS;
use super::buffers::{Device, pack, real_bytes};
use crate::error::Result;
use crate::job::{AFTER_FIRING, CountRow, Inputs, Job, Progress, RawOutput, RunConfig, Saves, StateRows, rounded_off};
use crate::math::TWO_OVER_PI;
use crate::pair::F32x2;
use crate::real::Precision;
use crate::status::{Status, stopped_if_running};
use crate::wgsl::KernelSource;
use std::borrow::Cow;
use std::time::Instant;

/// Operations of the first dispatch, roughly: a twentieth of a second on a device of 100 billion a second, which is
/// slower than most; later dispatches follow the measured time.
const FIRST_SLICE_OPERATIONS: f64 = 5e9;

/// The next slice is at most this many times longer or shorter than the last.
const SLICE_CHANGE: f64 = 4.0;

/// Most attempted steps of one dispatch: Mesa's software adapter ends any loop after 65535 rounds.
pub const MAX_SLICE: u32 = 32768;

/// Workgroups in the first dimension of a dispatch; WebGPU allows 65535.
const GROUPS_X: u32 = 32768;

/// A pipeline and the source it was made from.
pub struct Kernel {
    pub source: KernelSource,
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
}

/// The buffers of a run, in the order of their bindings.
struct Buffers {
    config: wgpu::Buffer,
    tables: wgpu::Buffer,
    times: wgpu::Buffer,
    params: wgpu::Buffer,
    state: wgpu::Buffer,
    counts: wgpu::Buffer,
    saved: wgpu::Buffer,
    unfinished: wgpu::Buffer,
    staging: wgpu::Buffer,
}

// SAFETY: RunConfig is repr(C), of eight u32 and six f32 followed by five R; the first 56 bytes end on a multiple of 8, so
// no form has padding, and any bits are values.
unsafe impl bytemuck::Zeroable for RunConfig<f32> {}
unsafe impl bytemuck::Pod for RunConfig<f32> {}
unsafe impl bytemuck::Zeroable for RunConfig<f64> {}
unsafe impl bytemuck::Pod for RunConfig<f64> {}
unsafe impl bytemuck::Zeroable for RunConfig<F32x2> {}
unsafe impl bytemuck::Pod for RunConfig<F32x2> {}

fn config_bytes(job: &Job, n_traj: usize, slice_steps: u32) -> Vec<u8> {
    match job.precision {
        Precision::F32 => bytemuck::bytes_of(&RunConfig::<f32>::new(job, n_traj, slice_steps)).to_vec(),
        Precision::F64 => bytemuck::bytes_of(&RunConfig::<f64>::new(job, n_traj, slice_steps)).to_vec(),
        Precision::F32x2 => bytemuck::bytes_of(&RunConfig::<F32x2>::new(job, n_traj, slice_steps)).to_vec(),
    }
}

/// Bindings of the kernels, as in `shaders/layout.wgsl`: uniform ones first, then read-only ones, then the rest.
const BINDINGS: [wgpu::BufferBindingType; 8] = {
    const READ_ONLY: wgpu::BufferBindingType = wgpu::BufferBindingType::Storage { read_only: true };
    const READ_WRITE: wgpu::BufferBindingType = wgpu::BufferBindingType::Storage { read_only: false };
    const UNIFORM: wgpu::BufferBindingType = wgpu::BufferBindingType::Uniform;
    [UNIFORM, UNIFORM, READ_ONLY, READ_ONLY, READ_WRITE, READ_WRITE, READ_WRITE, READ_WRITE]
};

/// A layout of buffers, bound from 0 on.
pub fn layout(device: &wgpu::Device, kinds: &[wgpu::BufferBindingType]) -> wgpu::BindGroupLayout {
    let entry = |(binding, kind): (u32, &wgpu::BufferBindingType)| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty: *kind, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    };
    let entries: Vec<_> = (0..).zip(kinds).map(entry).collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("ensolve"), entries: &entries })
}

/// Compiles `main` of a kernel; as SPIR-V where its rounding must be kept and the device takes that.
pub fn compute_pipeline(
    device: &Device,
    source: &KernelSource,
    layout: &wgpu::BindGroupLayout,
) -> Result<wgpu::ComputePipeline> {
    device.scoped(|| {
        let pipeline_layout = device.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("ensolve"),
            bind_group_layouts: &[Some(layout)],
            ..Default::default()
        });
        let module = match source.spirv() {
            // SAFETY: naga wrote the module from WGSL that it had validated; added are decorations that restrict the
            // compiler. Its indices stay inside the buffers, whose sizes follow from the same numbers of rows and
            // trajectories, and its loops end.
            Some(words) if device.takes_spirv => unsafe {
                device.device.create_shader_module_passthrough(wgpu::ShaderModuleDescriptorPassthrough {
                    label: Some("ensolve"),
                    entry_points: Cow::Borrowed(&[wgpu::PassthroughShaderEntryPoint {
                        name: Cow::Borrowed("main"),
                        workgroup_size: (source.options().workgroup_size, 1, 1),
                    }]),
                    spirv: Some(words.into()),
                    ..Default::default()
                })
            },
            _ => device.device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some("ensolve"),
                source: wgpu::ShaderSource::Wgsl(source.text().into()),
            }),
        };
        device.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("ensolve"),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: Default::default(),
            // wgpu's own cache is for Vulkan alone; drivers keep what they have compiled on disk themselves.
            cache: None,
        })
    })
}

/// Binds buffers to 0, 1, ...
pub fn bind(device: &Device, layout: &wgpu::BindGroupLayout, buffers: &[&wgpu::Buffer]) -> Result<wgpu::BindGroup> {
    let entries: Vec<wgpu::BindGroupEntry> = (0..)
        .zip(buffers)
        .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
        .collect();
    let descriptor = wgpu::BindGroupDescriptor { label: Some("ensolve"), layout, entries: &entries };
    device.scoped(|| device.device.create_bind_group(&descriptor))
}

impl Buffers {
    fn in_order(&self) -> [&wgpu::Buffer; BINDINGS.len()] {
        [
            &self.config,
            &self.tables,
            &self.times,
            &self.params,
            &self.state,
            &self.counts,
            &self.saved,
            &self.unfinished,
        ]
    }
}

impl Kernel {
    /// Compiles the kernel of a job for the device. Many drivers compile at the first dispatch only: one for a trajectory
    /// that has ended, in which nothing is left to do, has it done here.
    pub fn new(device: &Device, source: KernelSource, job: &Job) -> Result<Self> {
        let layout = device.scoped(|| layout(&device.device, &BINDINGS))?;
        let pipeline = compute_pipeline(device, &source, &layout)?;
        let kernel = Kernel { source, pipeline, layout };
        let buffers = device.scoped(|| upload(device, job, &Inputs { n_traj: 1, ..Inputs::default() }))?;
        let bind_group = bind(device, &kernel.layout, &buffers.in_order())?;
        // Mesa's software adapter compiles numbers of the configuration in.
        device.queue.write_buffer(&buffers.config, 0, &config_bytes(job, 1, first_slice(job, 1)));
        let ended = vec![Status::Success as u32; CountRow::count(job.program)];
        device.queue.write_buffer(&buffers.counts, 0, bytemuck::cast_slice(&ended));
        kernel.dispatch(device, &buffers, &bind_group, 1)?;
        Ok(kernel)
    }

    /// Integrates a chunk of trajectories.
    pub fn run(
        &self,
        device: &Device,
        job: &Job,
        inputs: &Inputs,
        fixed_slice: Option<u32>,
        progress: &dyn Progress,
    ) -> Result<RawOutput> {
        let buffers = device.scoped(|| upload(device, job, inputs))?;
        let bind_group = bind(device, &self.layout, &buffers.in_order())?;
        let mut slice_steps = fixed_slice.unwrap_or_else(|| first_slice(job, inputs.n_traj));
        let mut unfinished = inputs.n_traj;
        while unfinished > 0 && !progress.is_stopped() {
            device.queue.write_buffer(&buffers.config, 0, &config_bytes(job, inputs.n_traj, slice_steps));
            let start = Instant::now();
            let left = self.dispatch(device, &buffers, &bind_group, inputs.n_traj)?;
            let seconds = start.elapsed().as_secs_f64();
            progress.finished(unfinished - left);
            unfinished = left;
            if fixed_slice.is_none() {
                let change = (SLICE_SECONDS / seconds.max(1e-9)).clamp(1.0 / SLICE_CHANGE, SLICE_CHANGE);
                slice_steps = (f64::from(slice_steps) * change).clamp(1.0, f64::from(MAX_SLICE)) as u32;
            }
        }
        download(device, job, inputs, &buffers)
    }

    /// One slice; returns how many trajectories are unfinished.
    fn dispatch(
        &self,
        device: &Device,
        buffers: &Buffers,
        bind_group: &wgpu::BindGroup,
        n_traj: usize,
    ) -> Result<usize> {
        let groups = (n_traj as u32).div_ceil(self.source.options().workgroup_size);
        let mut encoder = device.device.create_command_encoder(&Default::default());
        encoder.clear_buffer(&buffers.unfinished, 0, None);
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, bind_group, &[]);
            pass.dispatch_workgroups(groups.min(GROUPS_X), groups.div_ceil(GROUPS_X), 1);
        }
        encoder.copy_buffer_to_buffer(&buffers.unfinished, 0, &buffers.staging, 0, 4);
        device.queue.submit([encoder.finish()]);
        let bytes = device.mapped(&buffers.staging)?;
        Ok(bytemuck::pod_read_unaligned::<u32>(&bytes) as usize)
    }
}

/// Attempted steps of the first dispatch: each stage costs the derivative and a sum over the stages before it.
fn first_slice(job: &Job, n_traj: usize) -> u32 {
    let stages = job.method.stages.count();
    let per_step = stages * (job.program.rhs.nodes.len() + 2 * stages * job.program.n_state());
    (FIRST_SLICE_OPERATIONS / (per_step.max(1) * n_traj) as f64).clamp(1.0, f64::from(MAX_SLICE)) as u32
}

fn upload(device: &Device, job: &Job, inputs: &Inputs) -> Buffers {
    let (n_traj, precision) = (inputs.n_traj, job.precision);
    let rows = StateRows::new(job.program, job.compensated);
    let reals = |label: &str, count: usize| device.storage(label, count as u64 * real_bytes(precision));
    let times = times(job, inputs);
    let params = params(job, inputs);
    let tolerances: Vec<f64> =
        job.rtol.iter().zip(&job.atol).flat_map(|(rtol, atol)| [*rtol, *atol, 0.0, 0.0]).collect();
    let head: &[u8] = bytemuck::cast_slice(&TWO_OVER_PI);
    let tables = [head, &pack(&tolerances, precision)].concat();
    let uniform = |label: &str, bytes: u64| device.buffer(label, bytes, wgpu::BufferUsages::UNIFORM);
    let config = config_bytes(job, n_traj, 0);
    let buffers = Buffers {
        config: uniform("config", config.len() as u64),
        tables: uniform("tables", (head.len() + tolerances.len().max(4) * real_bytes(precision) as usize) as u64),
        times: reals("times", times.len()),
        params: reals("params", params.len()),
        state: reals("state", rows.count * n_traj),
        counts: device.storage("counts", (CountRow::count(job.program) * n_traj * size_of::<u32>()) as u64),
        saved: reals("saved", job.saves.count() * job.row_size() * n_traj),
        unfinished: device.storage("unfinished", size_of::<u32>() as u64),
        staging: device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("unfinished staging"),
            size: size_of::<u32>() as u64,
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        }),
    };
    device.queue.write_buffer(&buffers.tables, 0, &tables);
    device.write_reals(&buffers.times, &times, precision);
    device.write_reals(&buffers.params, &params, precision);
    device.write_reals(&buffers.state, &inputs.y0, precision);
    if job.compensated {
        let low: Vec<f64> = inputs.y0.iter().map(|y0| rounded_off(precision, *y0)).collect();
        let first = (rows.y_low * n_traj) as u64 * real_bytes(precision);
        device.queue.write_buffer(&buffers.state, first, &pack(&low, precision));
    }
    buffers
}

/// An offset that no trajectory comes to, as in `shaders/lane.wgsl`; infinity is not for shaders.
fn never(job: &Job) -> f64 {
    4.0 * (job.t1 - job.t0)
}

/// The buffer of times: save times, offsets of cuts, numbers of their callbacks.
fn times(job: &Job, inputs: &Inputs) -> Vec<f64> {
    let never = never(job);
    let mut times = match &job.saves {
        Saves::At(tau) => tau.clone(),
        Saves::Own(_) => inputs.tau_save.iter().map(|tau| tau.min(never)).collect(),
        Saves::Steps { after_firing, .. } => vec![if *after_firing { AFTER_FIRING } else { never }],
    };
    times.extend(job.cuts.iter().map(|cut| cut.tau));
    times.extend(job.cuts.iter().map(|cut| cut.callback.map_or(0.0, |number| f64::from(number + 1))));
    times
}

/// The buffer of parameters, in the order of [`ParamRows`](crate::job::ParamRows).
fn params(job: &Job, inputs: &Inputs) -> Vec<f64> {
    let never = never(job);
    let own_stops = inputs.own_stops.iter().map(|tau| tau.min(never));
    inputs
        .p
        .iter()
        .copied()
        .chain(own_stops)
        .chain(inputs.t0.iter().copied())
        .chain(inputs.span.iter().copied())
        .collect()
}

fn download(device: &Device, job: &Job, inputs: &Inputs, buffers: &Buffers) -> Result<RawOutput> {
    let n_traj = inputs.n_traj;
    let rows = StateRows::new(job.program, job.compensated);
    let n_row = job.program.n_row();
    let y = device.read_reals(&buffers.state, rows.y * n_traj, job.program.n_state() * n_traj, job.precision)?;
    let tau = device.read_reals(&buffers.state, rows.tau * n_traj, n_traj, job.precision)?;
    let counts: Vec<u32> = bytemuck::pod_collect_to_vec(&device.read(
        &buffers.counts,
        0,
        (CountRow::count(job.program) * n_traj * size_of::<u32>()) as u64,
    )?);
    let count = |row: CountRow| &counts[row as usize * n_traj..(row as usize + 1) * n_traj];
    let n_saved = count(CountRow::Saved);
    let saves_steps = job.form().saves_steps;
    let most = if saves_steps { n_saved.iter().max().map_or(0, |most| *most as usize) } else { job.saves.count() };
    let saved = device.read_reals(&buffers.saved, 0, most * n_row * n_traj, job.precision)?;
    let tau_saved = match saves_steps {
        true => device.read_reals(&buffers.saved, job.saves.count() * n_row * n_traj, most * n_traj, job.precision)?,
        false => Vec::new(),
    };
    let mut output = RawOutput {
        n_traj,
        y,
        t: tau.into_iter().enumerate().map(|(i, tau)| job.time(inputs, i, tau)).collect(),
        saved,
        tau_saved,
        status: count(CountRow::Status).iter().map(|code| stopped_if_running(*code)).collect(),
        accepted: count(CountRow::Accepted).to_vec(),
        rejected: count(CountRow::Rejected).to_vec(),
        culprit: count(CountRow::Culprit).to_vec(),
        n_cut: if job.program.has_stops { count(CountRow::NextCut).to_vec() } else { vec![0; n_traj] },
    };
    output.clear_unsaved(n_saved, n_row);
    Ok(output)
}
