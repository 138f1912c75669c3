//! Which backend runs a job, and why.
//!
//! # Logs
//!
//! A run logs through the crate `log` to the target of its backend: `ensolve::backend::cpu` (numen's logger
//! `numen.backend.scipy`) or `ensolve::backend::gpu` (`numen.backend.jax`). INFO: one line when it is done. WARN: what the
//! user should know of its accuracy, and how many trajectories failed and why. ERROR: all of them failed. DEBUG: its settings, the time to prepare it, each chunk
//! of trajectories, and for a single trajectory each firing. What fails with an [`Error`](crate::Error) is returned, not
//! logged.

use crate::cpu::CpuBackend;
use crate::error::Result;
use crate::job::Backend;
use crate::real::Precision;

/// What the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackendChoice {
    /// A real GPU where there is one, else the CPU.
    #[default]
    Auto,
    /// A GPU or an error; a software adapter counts.
    Gpu,
    /// The CPU.
    Cpu,
}

/// A backend and the reason for it.
pub struct Chosen {
    /// The backend.
    pub backend: Box<dyn Backend>,
    /// Why this one, in a few words.
    pub reason: String,
}

/// Stands for all adapters of the machine.
pub const ALL_ADAPTERS: &str = "all";

/// Chooses a backend; `adapter` is a part of an adapter's name or [`ALL_ADAPTERS`], `precision` what the user insists on.
///
/// # Errors
/// [`crate::Error::Device`] if a GPU is asked for and there is none, or none of that name.
pub fn choose(choice: BackendChoice, adapter: Option<&str>, precision: Option<Precision>) -> Result<Chosen> {
    let cpu = |reason: &str| Chosen { backend: Box::new(CpuBackend::new()), reason: reason.to_string() };
    match choice {
        BackendChoice::Cpu => Ok(cpu("asked for")),
        BackendChoice::Gpu => gpu(adapter),
        BackendChoice::Auto if adapter.is_some() => gpu(adapter),
        BackendChoice::Auto => Ok(auto(cpu, precision)),
    }
}

#[cfg(feature = "gpu")]
fn gpu(adapter: Option<&str>) -> Result<Chosen> {
    let backend: Box<dyn Backend> = match adapter {
        Some(ALL_ADAPTERS) => Box::new(crate::gpu::SeveralGpus::new()?),
        _ => Box::new(crate::gpu::GpuBackend::new(adapter)?),
    };
    Ok(Chosen { backend, reason: "asked for".to_string() })
}

#[cfg(not(feature = "gpu"))]
fn gpu(_adapter: Option<&str>) -> Result<Chosen> {
    let message = "this build has no GPU backend; build with the feature 'gpu', or use the backend cpu";
    Err(crate::Error::Device(message.to_string()))
}

#[cfg(feature = "gpu")]
fn auto(cpu: impl Fn(&str) -> Chosen, precision: Option<Precision>) -> Chosen {
    if precision == Some(Precision::F64) {
        return cpu("f64 is slow on most GPUs; '--backend gpu' uses one");
    }
    match crate::gpu::GpuBackend::new(None) {
        Ok(backend) if !backend.is_software() => {
            Chosen { backend: Box::new(backend), reason: "the first real GPU".to_string() }
        }
        Ok(_) => cpu("the only adapter is a software one; '--backend gpu' uses it"),
        Err(_) => cpu("no GPU adapter found"),
    }
}

#[cfg(not(feature = "gpu"))]
fn auto(cpu: impl Fn(&str) -> Chosen, _precision: Option<Precision>) -> Chosen {
    cpu("this build has no GPU backend")
}
