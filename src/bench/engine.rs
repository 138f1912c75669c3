//! What runs a case: a backend, fresh for each, and what it tells of the work of its last run.

use super::machine::Machine;
use super::plan::Place;
use crate::cpu::CpuBackend;
use crate::error::{Error, Result};
#[cfg(feature = "gpu")]
use crate::gpu::GpuBackend;
use crate::job::Backend;
use crate::reduce::LaneSteps;

/// The work of a run on a device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Wall time with work on the device, seen from the host: from a submission to the news of its end.
    pub seconds: f64,
    /// Dispatches of the integrating kernel.
    pub slices: u64,
    /// Steps of lanes.
    pub lane_steps: LaneSteps,
}

impl Work {
    /// Steps that lanes went through, idle ones included, over those that trajectories needed.
    pub fn waste(&self) -> f64 {
        self.lane_steps.executed as f64 / self.lane_steps.needed as f64
    }
}

/// A backend.
pub enum Engine {
    Cpu(Box<CpuBackend>),
    #[cfg(feature = "gpu")]
    Gpu(Box<GpuBackend>),
}

impl Engine {
    /// A backend that has compiled nothing yet.
    ///
    /// # Errors
    /// [`Error::Device`] if the adapter is gone.
    pub fn new(place: Place, machine: &Machine) -> Result<Engine> {
        match (place, &machine.gpu) {
            (Place::Cpu { interpreted: true, .. }, _) => Ok(Engine::Cpu(Box::new(CpuBackend::new().interpreted()))),
            (Place::Cpu { .. }, _) => Ok(Engine::Cpu(Box::default())),
            #[cfg(feature = "gpu")]
            (Place::Gpu, Some(gpu)) => Ok(Engine::Gpu(Box::new(GpuBackend::new(gpu.wanted.as_deref())?))),
            (Place::Gpu, _) => Err(Error::Device("no adapter was chosen for this row".to_string())),
        }
    }

    pub fn backend(&mut self) -> &mut dyn Backend {
        match self {
            Engine::Cpu(backend) => backend.as_mut(),
            #[cfg(feature = "gpu")]
            Engine::Gpu(backend) => backend.as_mut(),
        }
    }

    /// The work of the last run, if there is a device.
    pub fn work(&self) -> Option<Work> {
        match self {
            Engine::Cpu(_) => None,
            #[cfg(feature = "gpu")]
            Engine::Gpu(backend) => Some(Work {
                seconds: backend.busy().as_secs_f64(),
                slices: backend.slices(),
                lane_steps: backend.lane_steps().unwrap_or_default(),
            }),
        }
    }
}
