//! Chunks whose results the host keeps: inputs from a source, outputs to a sink as they come.

use super::buffers::{Device, Fetch};
use super::chunk::Chunk;
use super::pump::Traffic;
use super::ranges::Ranges;
use crate::error::Result;
use crate::job::{Inputs, Job, RawOutput, Source};
use std::ops::Range;

/// Takes the number of the first trajectory of a chunk, its inputs and its output.
pub type Sink<'a> = dyn FnMut(u64, Inputs, RawOutput) -> Result<()> + 'a;

/// Trajectories on their way through a device.
pub struct Stored<'a, 'b> {
    pub device: &'a Device,
    pub job: &'a Job<'a>,
    pub source: &'a dyn Source,
    pub ranges: &'a Ranges,
    pub sink: &'a mut Sink<'b>,
    /// Trajectories of a chunk.
    pub size: usize,
}

impl Traffic for Stored<'_, '_> {
    fn load(&mut self, chunk: &mut Chunk) -> Result<bool> {
        let Some(range) = self.ranges.take(self.size as u64) else { return Ok(false) };
        chunk.load(self.device, self.job, range.start, self.source.inputs(range)?);
        Ok(true)
    }

    fn ask(&mut self, chunk: &Chunk) -> Result<Fetch> {
        Ok(chunk.ask(self.device, self.job))
    }

    fn take(&mut self, chunk: &mut Chunk, fetch: &Fetch) -> Result<()> {
        let output = chunk.output(self.device, self.job, fetch)?;
        (self.sink)(chunk.first, std::mem::take(&mut chunk.inputs), output)
    }

    fn is_exhausted(&self) -> bool {
        self.ranges.are_exhausted()
    }
}

/// Inputs that are at hand.
pub struct Given<'a>(pub &'a Inputs);

impl Source for Given<'_> {
    fn inputs(&self, range: Range<u64>) -> Result<Inputs> {
        Ok(self.0.part(range.start as usize..range.end as usize))
    }
}
