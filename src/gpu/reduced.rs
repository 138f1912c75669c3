//! Chunks that leave a few numbers: inputs drawn by the device where it can, results reduced there.

use super::buffers::{Device, Fetch, pack, real_bytes};
use super::chunk::Chunk;
use super::draw::{Drawer, Target};
use super::pump::Traffic;
use super::ranges::Ranges;
use super::reduce::{ReduceBuffers, Reducer, failures};
use crate::error::Result;
use crate::job::{CountRow, Inputs, Job, Source, StateRows, rounded_off};
use crate::reduce::{NAMED_FAILURES, Partial};
use crate::status::Status;
use std::ops::Range;

/// What a range of trajectories is reduced with.
pub struct Reduced<'a, 'b> {
    pub device: &'a Device,
    pub job: &'a Job<'a>,
    pub source: &'a dyn Source,
    pub ranges: &'a Ranges,
    pub reducer: &'a Reducer,
    /// For each place of a chunk.
    pub buffers: Vec<ReduceBuffers>,
    /// Draws the inputs; without it the host does.
    pub drawer: Option<&'a Drawer>,
    pub sink: &'a mut (dyn FnMut(Partial) -> Result<()> + 'b),
    /// Trajectories of a chunk.
    pub size: usize,
    /// How many failed trajectories are known by name, for each chunk with its first trajectory.
    pub named: Vec<(u64, usize)>,
}

impl Traffic for Reduced<'_, '_> {
    fn load(&mut self, chunk: &mut Chunk) -> Result<bool> {
        let Some(range) = self.ranges.take(self.size as u64) else { return Ok(false) };
        match self.drawer {
            None => chunk.load(self.device, self.job, range.start, self.source.inputs(range)?),
            Some(drawer) => self.draw(drawer, chunk, range)?,
        }
        Ok(true)
    }

    fn ask(&mut self, chunk: &Chunk) -> Result<Fetch> {
        let buffers = &self.buffers[chunk.place];
        let mut encoder = self.device.device.create_command_encoder(&Default::default());
        let read = (&chunk.saved, &chunk.counts);
        self.reducer.encode(self.device, &mut encoder, buffers, read, chunk.inputs.n_traj)?;
        Ok(self.device.fetch(encoder, &buffers.staging, buffers.bytes(chunk.inputs.n_traj)))
    }

    fn take(&mut self, chunk: &mut Chunk, fetch: &Fetch) -> Result<()> {
        let n_traj = chunk.inputs.n_traj;
        let buffers = &self.buffers[chunk.place];
        let mut partial = self.device.fetched(fetch, |bytes| buffers.partial(bytes, chunk.first, n_traj))?;
        let n_success = partial.statuses[Status::Success as usize];
        // Who has failed is read on its own, which makes the device wait: not where enough before them are known.
        let before = self.named.iter().filter(|(first, _)| *first < chunk.first).map(|(_, n)| n).sum::<usize>();
        if n_success < n_traj as u64 && before < NAMED_FAILURES {
            let status = self.counts(chunk, CountRow::Status)?;
            let culprit = self.counts(chunk, CountRow::Culprit)?;
            let row = StateRows::of(self.job).tau * n_traj;
            let tau = self.device.read_reals(&chunk.state, row, n_traj, self.job.precision)?;
            partial.failures = failures(chunk.first, &status, &culprit, |i| self.job.time(&chunk.inputs, i, tau[i]));
            self.named.push((chunk.first, partial.failures.len()));
        }
        (self.sink)(partial)
    }

    fn is_exhausted(&self) -> bool {
        self.ranges.are_exhausted()
    }
}

impl Reduced<'_, '_> {
    /// Has the device draw the inputs of a chunk, but for those that are listed.
    fn draw(&self, drawer: &Drawer, chunk: &mut Chunk, range: Range<u64>) -> Result<()> {
        let (job, n_traj) = (self.job, (range.end - range.start) as usize);
        chunk.load(self.device, job, range.start, Inputs { n_traj, ..Inputs::default() });
        let rows = StateRows::of(job);
        let target = Target {
            params: &chunk.params,
            state: chunk.initial(rows),
            stride: n_traj,
            row_y: rows.y,
            row_y_low: job.compensated.then_some(rows.y_low),
        };
        let mut encoder = self.device.device.create_command_encoder(&Default::default());
        drawer.encode(self.device, &mut encoder, range.start, n_traj, &target)?;
        let write = |buffer: &wgpu::Buffer, row: usize, values: &[f64]| {
            let start = (row * n_traj) as u64 * real_bytes(job.precision);
            self.device.queue.write_buffer(buffer, start, &pack(values, job.precision));
        };
        let listed = self.source.draws().map_or(&[][..], |draws| &draws.listed);
        for ((is_state, slot), values) in listed.iter().zip(self.source.listed(range.clone())) {
            if values.iter().any(|value| value.abs() > job.precision.max()) {
                // The host knows what to say of it.
                self.source.inputs(range.clone())?;
            }
            match is_state {
                false => write(&chunk.params, *slot, &values),
                true => write(chunk.initial(rows), rows.y + slot, &values),
            }
            if *is_state && job.compensated {
                let low: Vec<f64> = values.iter().map(|y0| rounded_off(job.precision, *y0)).collect();
                write(&chunk.state, rows.y_low + slot, &low);
            }
        }
        self.device.queue.submit([encoder.finish()]);
        Ok(())
    }

    /// A row of the counts of a chunk.
    fn counts(&self, chunk: &Chunk, row: CountRow) -> Result<Vec<u32>> {
        let bytes = (chunk.inputs.n_traj * size_of::<u32>()) as u64;
        Ok(bytemuck::pod_collect_to_vec(&self.device.read(&chunk.counts, row as u64 * bytes, bytes)?))
    }
}
