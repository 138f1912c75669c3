//! Adapters: what wgpu sees on this machine, which one is used, and its limits. The only place that waits for wgpu.

use crate::error::{Error, Result};
use crate::real::Precision;
use std::future::Future;

/// What to tell a user who has no adapter.
const NO_ADAPTER: &str = "no GPU adapter found: install a GPU driver with Vulkan, Metal, DX12 or GL, or a software \
     adapter (Debian and Ubuntu: mesa-vulkan-drivers), or use the backend cpu";

/// One adapter, for listings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterSummary {
    /// Name given by the driver.
    pub name: String,
    /// Programming interface: Vulkan, Metal, Dx12, Gl.
    pub api: String,
    /// Discrete GPU, integrated GPU, software, ...
    pub kind: &'static str,
    /// Driver and version.
    pub driver: String,
    /// Whether it computes on the CPU.
    pub is_software: bool,
    /// Whether kernels may use f64 (and 64-bit integers, which its functions need).
    pub f64: bool,
    /// Whether it takes kernels whose arithmetic is kept as written (SPIR-V, on Vulkan).
    pub keeps_arithmetic: bool,
    /// Largest storage buffer binding in bytes: bounds how many trajectories fit into one chunk.
    pub max_binding: u64,
    /// Largest buffer in bytes.
    pub max_buffer: u64,
}

/// Waits for one of wgpu's futures.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    pollster::block_on(future)
}

fn kind(info: &wgpu::AdapterInfo) -> &'static str {
    match info.device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete GPU",
        wgpu::DeviceType::IntegratedGpu => "integrated GPU",
        wgpu::DeviceType::VirtualGpu => "virtual GPU",
        wgpu::DeviceType::Cpu => "software",
        wgpu::DeviceType::Other => "unknown",
    }
}

fn summary(adapter: &wgpu::Adapter) -> AdapterSummary {
    let info = adapter.get_info();
    let limits = adapter.limits();
    AdapterSummary {
        api: format!("{:?}", info.backend),
        kind: kind(&info),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
        is_software: is_software(&info),
        f64: adapter.features().contains(F64),
        keeps_arithmetic: keeps_arithmetic(adapter),
        max_binding: limits.max_storage_buffer_binding_size,
        max_buffer: limits.max_buffer_size,
        name: info.name,
    }
}

/// What f64 needs.
const F64: wgpu::Features = wgpu::Features::SHADER_F64.union(wgpu::Features::SHADER_INT64);

fn keeps_arithmetic(adapter: &wgpu::Adapter) -> bool {
    adapter.get_info().backend == wgpu::Backend::Vulkan
        && adapter.features().contains(wgpu::Features::PASSTHROUGH_SHADERS)
}

/// GL reports llvmpipe as an unknown kind of device.
fn is_software(info: &wgpu::AdapterInfo) -> bool {
    info.device_type == wgpu::DeviceType::Cpu || info.name.contains("llvmpipe") || info.name.contains("SwiftShader")
}

fn instance(backends: wgpu::Backends) -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends &= backends;
    // Layers that check the API cost a second at start-up; the kernel itself is validated by naga in any case.
    descriptor.flags = wgpu::InstanceFlags::empty();
    wgpu::Instance::new(descriptor)
}

/// Adapters, best first: discrete, integrated and virtual GPUs, unknown devices, software; for one device Vulkan, Metal
/// and DX12 before GL. GL is asked only where nothing else is found, since starting it takes long.
fn enumerate() -> Vec<wgpu::Adapter> {
    let all_but_gl = wgpu::Backends::all() - wgpu::Backends::GL;
    let mut adapters = wait(instance(all_but_gl).enumerate_adapters(all_but_gl));
    if adapters.is_empty() {
        adapters = wait(instance(wgpu::Backends::GL).enumerate_adapters(wgpu::Backends::GL));
    }
    adapters
        .retain(|adapter| adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS));
    adapters.sort_by_key(|adapter| {
        let info = adapter.get_info();
        match info.device_type {
            _ if is_software(&info) => 4,
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            wgpu::DeviceType::VirtualGpu => 2,
            _ => 3,
        }
    });
    adapters
}

/// Every adapter that can run kernels, best first.
pub fn adapters() -> Vec<AdapterSummary> {
    enumerate().iter().map(summary).collect()
}

/// The best adapter, or the best one whose name contains `wanted` (in any case).
pub(super) fn choose(wanted: Option<&str>) -> Result<(wgpu::Adapter, AdapterSummary)> {
    let found = enumerate();
    let names: Vec<String> = found.iter().map(|adapter| adapter.get_info().name).collect();
    let fits = |name: &str| wanted.is_none_or(|wanted| name.to_lowercase().contains(&wanted.to_lowercase()));
    let adapter = found.into_iter().find(|adapter| fits(&adapter.get_info().name));
    match (adapter, wanted) {
        (Some(adapter), _) => {
            let summary = summary(&adapter);
            Ok((adapter, summary))
        }
        (None, Some(wanted)) if !names.is_empty() => {
            Err(Error::Device(format!("no adapter's name contains '{wanted}'; adapters: {}", names.join(", "))))
        }
        _ => Err(Error::Device(NO_ADAPTER.to_string())),
    }
}

/// The best adapter and all others of its kind, real or software, that are reached by the same interface: through another one
/// a device would be counted twice.
pub(super) fn all() -> Result<Vec<(wgpu::Adapter, AdapterSummary)>> {
    let mut found: Vec<_> = enumerate().into_iter().map(|adapter| (summary(&adapter), adapter)).collect();
    let Some((best, _)) = found.first() else { return Err(Error::Device(NO_ADAPTER.to_string())) };
    let (api, is_software) = (best.api.clone(), best.is_software);
    found.retain(|(one, _)| one.api == api && one.is_software == is_software);
    Ok(found.into_iter().map(|(summary, adapter)| (adapter, summary)).collect())
}

/// A device with the adapter's own limits.
pub(super) fn open(
    adapter: &wgpu::Adapter,
    summary: &AdapterSummary,
    precision: Precision,
) -> Result<(wgpu::Device, wgpu::Queue)> {
    if precision == Precision::F64 && !summary.f64 {
        let message = format!(
            "the adapter '{}' has no f64 in kernels; use precision f32x2 (48 bits, on any adapter), f32, or the backend cpu for f64",
            summary.name
        );
        return Err(Error::Device(message));
    }
    let mut required_features = match precision {
        Precision::F32 | Precision::F32x2 => wgpu::Features::empty(),
        Precision::F64 => F64,
    };
    if summary.keeps_arithmetic {
        required_features |= wgpu::Features::PASSTHROUGH_SHADERS;
    }
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("ensolve"),
        required_features,
        required_limits: adapter.limits(),
        ..Default::default()
    };
    wait(adapter.request_device(&descriptor))
        .map_err(|e| Error::Device(format!("the adapter '{}' cannot be opened: {e}", summary.name)))
}
