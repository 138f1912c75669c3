//! What is known of the machine, for the line above the rows, and the peaks that rows are compared with.

use super::peak::Peak;
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::GpuBackend;
use crate::real::Precision;
use std::process::Command;

/// A processor and an adapter.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Name of the processor model.
    pub processor: String,
    /// What one of its cores can do.
    pub peak: Peak,
    /// The adapter, if there are rows for it.
    pub gpu: Option<Gpu>,
}

/// An adapter.
#[derive(Debug, Clone, PartialEq)]
pub struct Gpu {
    /// The part of its name by which it is chosen.
    pub wanted: Option<String>,
    /// Name and interface.
    pub name: String,
    /// Whether it computes on the CPU.
    pub is_software: bool,
    /// Multiplications and additions in a second, in the number format of the rows; 0 if not yet measured.
    pub peak: f64,
}

impl Machine {
    /// Measures the peaks, that of an adapter in the number format of its rows.
    ///
    /// # Errors
    /// [`Error::Run`](crate::Error::Run) and [`Error::Device`](crate::Error::Device) if the machine adds up wrongly, or lacks the
    /// number format.
    pub fn measure(gpu: Option<Gpu>, precision: Precision) -> Result<Machine> {
        let gpu = gpu.map(|gpu| gpu.measured(precision)).transpose()?;
        Ok(Machine { processor: processor(), peak: Peak::measure()?, gpu })
    }
}

#[cfg(feature = "gpu")]
impl Gpu {
    /// The best adapter, or the best one whose name contains `wanted`.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if there is none.
    pub fn find(wanted: Option<&str>) -> Result<Gpu> {
        use crate::job::Backend;
        let backend = GpuBackend::new(wanted)?;
        let (name, is_software) = (backend.describe(), backend.is_software());
        Ok(Gpu { wanted: wanted.map(str::to_string), name, is_software, peak: 0.0 })
    }

    fn measured(self, precision: Precision) -> Result<Gpu> {
        let peak = GpuBackend::new(self.wanted.as_deref())?.fma_peak(precision)?;
        Ok(Gpu { peak, ..self })
    }
}

#[cfg(not(feature = "gpu"))]
impl Gpu {
    /// There is none in this build.
    ///
    /// # Errors
    /// Always [`Error::Device`](crate::Error::Device), with the remedy.
    pub fn find(wanted: Option<&str>) -> Result<Gpu> {
        match crate::backend::choose(crate::BackendChoice::Gpu, wanted, None) {
            Err(error) => Err(error),
            Ok(_) => unreachable!("this build has no GPU backend"),
        }
    }

    fn measured(self, _: Precision) -> Result<Gpu> {
        Ok(self)
    }
}

/// Name of the processor model, or its architecture where the system does not tell.
pub fn processor() -> String {
    let name = linux().or_else(macos).or_else(windows).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| std::env::consts::ARCH.to_string())
}

fn linux() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let (_, name) = text.lines().find(|line| line.starts_with("model name"))?.split_once(':')?;
    Some(name.trim().to_string())
}

fn macos() -> Option<String> {
    if !cfg!(target_os = "macos") {
        return None;
    }
    let output = Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"]).output().ok()?;
    String::from_utf8(output.stdout).ok().map(|name| name.trim().to_string())
}

fn windows() -> Option<String> {
    std::env::var("PROCESSOR_IDENTIFIER").ok()
}

/// Number of threads that can run at the same time.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
