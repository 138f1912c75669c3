//! stub
mod device;
pub use device::{AdapterSummary, adapters};
use crate::error::{Error, Result};
use crate::job::{Backend, Inputs, Job, Progress, RawOutput};
use crate::real::Precision;
pub struct GpuBackend { adapter: AdapterSummary }
impl GpuBackend {
    pub fn new(wanted: Option<&str>) -> Result<Self> { let (_, adapter) = device::choose(wanted)?; Ok(GpuBackend { adapter }) }
    pub fn is_software(&self) -> bool { self.adapter.is_software }
}
impl Backend for GpuBackend {
    fn describe(&self) -> String { format!("{} ({})", self.adapter.name, self.adapter.api) }
    fn default_precision(&self) -> Precision { Precision::F32 }
    fn max_chunk(&self, _job: &Job) -> usize { 1 }
    fn run(&mut self, _job: &Job, _inputs: &Inputs, _progress: &dyn Progress) -> Result<RawOutput> { Err(Error::Device("stub".into())) }
}
