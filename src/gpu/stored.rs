//! Chunks whose results the host keeps: inputs from a source, outputs to a sink, in order.

use super::buffers::{Device, Fetch};
use super::chunk::Chunk;
use super::pump::Traffic;
use crate::error::Result;
use crate::job::{Inputs, Job, RawOutput, Source};
use std::collections::BTreeMap;
use std::ops::Range;

/// Takes the number of the first trajectory of a chunk, its inputs and its output.
pub type Sink<'a> = dyn FnMut(u64, Inputs, RawOutput) -> Result<()> + 'a;

/// A range of trajectories on its way through the device.
pub struct Stored<'a> {
    device: &'a Device,
    job: &'a Job<'a>,
    source: &'a dyn Source,
    sink: &'a mut Sink<'a>,
    /// Trajectories that have not been loaded.
    left: Range<u64>,
    size: u64,
    /// The first trajectory that has not been handed over, and chunks that have overtaken it.
    next: u64,
    waiting: BTreeMap<u64, (Inputs, RawOutput)>,
}

impl<'a> Stored<'a> {
    /// Chunks of `size` trajectories.
    pub fn new(
        device: &'a Device,
        job: &'a Job<'a>,
        source: &'a dyn Source,
        sink: &'a mut Sink<'a>,
        range: Range<u64>,
        size: usize,
    ) -> Self {
        let next = range.start;
        Stored { device, job, source, sink, left: range, size: size as u64, next, waiting: BTreeMap::new() }
    }
}

impl Traffic for Stored<'_> {
    fn load(&mut self, chunk: &mut Chunk) -> Result<bool> {
        if self.left.is_empty() {
            return Ok(false);
        }
        let (first, end) = (self.left.start, self.left.end.min(self.left.start + self.size));
        self.left.start = end;
        chunk.load(self.device, self.job, first, self.source.inputs(first..end)?);
        Ok(true)
    }

    fn ask(&mut self, chunk: &Chunk) -> Result<Fetch> {
        Ok(chunk.ask(self.device, self.job))
    }

    fn take(&mut self, chunk: &mut Chunk, fetch: &Fetch) -> Result<()> {
        let output = chunk.output(self.device, self.job, fetch)?;
        self.waiting.insert(chunk.first, (std::mem::take(&mut chunk.inputs), output));
        while let Some((inputs, output)) = self.waiting.remove(&self.next) {
            let first = self.next;
            self.next += inputs.n_traj as u64;
            (self.sink)(first, inputs, output)?;
        }
        Ok(())
    }
}

/// Inputs that are at hand.
pub struct Given<'a>(pub &'a Inputs);

impl Source for Given<'_> {
    fn inputs(&self, _: Range<u64>) -> Result<Inputs> {
        Ok(self.0.clone())
    }
}
