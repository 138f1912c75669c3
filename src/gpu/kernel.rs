//! Compiled kernels: from sources to pipelines, and what they are bound to.

use super::buffers::Device;
use crate::error::Result;
use crate::wgsl::{GROUPS_X, KernelSource};
use std::borrow::Cow;

/// A pipeline and what it is bound to.
pub struct Kernel {
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    workgroup_size: u32,
}

/// Kinds of bindings.
pub const UNIFORM: wgpu::BufferBindingType = wgpu::BufferBindingType::Uniform;
pub const READ: wgpu::BufferBindingType = wgpu::BufferBindingType::Storage { read_only: true };
pub const WRITE: wgpu::BufferBindingType = wgpu::BufferBindingType::Storage { read_only: false };

impl Kernel {
    /// Compiles a kernel that is bound to buffers of these kinds, from 0 on.
    pub fn new(device: &Device, source: &KernelSource, kinds: &[wgpu::BufferBindingType]) -> Result<Kernel> {
        let layout = device.scoped(|| layout(&device.device, kinds))?;
        let pipeline = compute_pipeline(device, source, &layout)?;
        Ok(Kernel { pipeline, layout, workgroup_size: source.options().workgroup_size })
    }

    /// Binds buffers to 0, 1, ...
    pub fn bind(&self, device: &Device, buffers: &[&wgpu::Buffer]) -> Result<wgpu::BindGroup> {
        bind(device, &self.layout, buffers)
    }

    /// At least so many invocations; those beyond the last have nothing to do.
    pub fn dispatch(&self, pass: &mut wgpu::ComputePass, bind_group: &wgpu::BindGroup, invocations: usize) {
        self.dispatch_groups(pass, bind_group, (invocations as u32).div_ceil(self.workgroup_size));
    }

    /// At least so many workgroups, in two dimensions where one does not hold them.
    pub fn dispatch_groups(&self, pass: &mut wgpu::ComputePass, bind_group: &wgpu::BindGroup, groups: u32) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, bind_group, &[]);
        pass.dispatch_workgroups(groups.min(GROUPS_X), groups.div_ceil(GROUPS_X), 1);
    }
}

/// A layout of buffers, bound from 0 on.
fn layout(device: &wgpu::Device, kinds: &[wgpu::BufferBindingType]) -> wgpu::BindGroupLayout {
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
fn compute_pipeline(
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
            // trajectories, no whole number is divided by 0, and its loops end.
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
fn bind(device: &Device, layout: &wgpu::BindGroupLayout, buffers: &[&wgpu::Buffer]) -> Result<wgpu::BindGroup> {
    let entries: Vec<wgpu::BindGroupEntry> = (0..)
        .zip(buffers)
        .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
        .collect();
    let descriptor = wgpu::BindGroupDescriptor { label: Some("ensolve"), layout, entries: &entries };
    device.scoped(|| device.device.create_bind_group(&descriptor))
}
