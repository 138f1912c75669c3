//! A chunk of trajectories on the device: its buffers, what goes into them and what comes out.
//!
//! In: a job and the inputs of consecutive trajectories. Out: a [`RawOutput`]. The buffers are made once and serve one
//! chunk after the other. When to dispatch what is decided elsewhere (`pump`).

use super::buffers::{Device, Fetch, pack, real_bytes, unpack};
use super::footprint::Footprint;
use super::kernel::{Kernel, READ, UNIFORM, WRITE};
use super::pace::Lengths;
use crate::error::Result;
use crate::job::{
    AFTER_FIRING, CountRow, FLAG_SAVED, Inputs, Job, LIST_ALL, LIST_HEADER, LIST_STEPS, MASK_STATUS, RawOutput,
    RunConfig, Saves, StateRows, rounded_off,
};
use crate::math::TWO_OVER_PI;
use crate::pair::F32x2;
use crate::real::Precision;
use crate::reduce::LaneSteps;
use crate::status::stopped_if_running;
use crate::wgsl::WARP;
use rayon::prelude::*;

// SAFETY: RunConfig is repr(C), of eight u32 and six f32 followed by five R; the first 56 bytes end on a multiple of 8, so
// no form has padding, and any bits are values.
unsafe impl bytemuck::Zeroable for RunConfig<f32> {}
unsafe impl bytemuck::Pod for RunConfig<f32> {}
unsafe impl bytemuck::Zeroable for RunConfig<f64> {}
unsafe impl bytemuck::Pod for RunConfig<f64> {}
unsafe impl bytemuck::Zeroable for RunConfig<F32x2> {}
unsafe impl bytemuck::Pod for RunConfig<F32x2> {}

/// Bindings of the integrating kernels, as in `shaders/layout.wgsl`.
pub const BINDINGS: [wgpu::BufferBindingType; 8] = [UNIFORM, UNIFORM, READ, READ, WRITE, WRITE, WRITE, READ];

/// Bindings of the kernel that lists what is unfinished, as in `shaders/compact.wgsl`.
pub const COMPACT_BINDINGS: [wgpu::BufferBindingType; 5] = [UNIFORM, READ, READ, WRITE, WRITE];

/// Most dispatches of one submission.
pub const MAX_DISPATCHES: usize = 32;

/// Words that tell the host how far a chunk is: the number of unfinished trajectories, then those of `Tally` in
/// `shaders/compact.wgsl`.
pub const NEWS: usize = 7;

pub const WORD: u64 = size_of::<u32>() as u64;

/// The numbers of a job as the kernels read them.
fn config_bytes(job: &Job, n_traj: usize) -> Vec<u8> {
    match job.precision {
        Precision::F32 => bytemuck::bytes_of(&RunConfig::<f32>::new(job, n_traj)).to_vec(),
        Precision::F64 => bytemuck::bytes_of(&RunConfig::<f64>::new(job, n_traj)).to_vec(),
        Precision::F32x2 => bytemuck::bytes_of(&RunConfig::<F32x2>::new(job, n_traj)).to_vec(),
    }
}

/// Device memory for a chunk, and the trajectories in it.
pub struct Chunk {
    config: wgpu::Buffer,
    times: wgpu::Buffer,
    pub params: wgpu::Buffer,
    pub state: wgpu::Buffer,
    pub counts: wgpu::Buffer,
    pub saved: wgpu::Buffer,
    /// Unfinished trajectories before and after a dispatch, by turns.
    lists: [wgpu::Buffer; 2],
    tally: wgpu::Buffer,
    /// Steps of the dispatches of a submission.
    steps: wgpu::Buffer,
    staging: wgpu::Buffer,
    main: [wgpu::BindGroup; 2],
    compact: [wgpu::BindGroup; 2],
    /// The list that is up to date.
    now: usize,
    /// Which one of those in flight it is.
    pub place: usize,
    /// Number of the first trajectory.
    pub first: u64,
    /// Their inputs.
    pub inputs: Inputs,
    /// Trajectories that are unfinished, as far as is known.
    pub unfinished: usize,
    /// Submissions that work on it and have not been heard of.
    pub in_flight: usize,
    /// Steps that each unfinished trajectory will have attempted after all that was submitted.
    pub so_far: u32,
    /// Attempted steps of the trajectories that have ended.
    pub lengths: Lengths,
    /// Of its trajectories until now.
    pub lane_steps: LaneSteps,
}

impl Chunk {
    /// Buffers for at most `capacity` trajectories of a footprint.
    pub fn new(
        device: &Device,
        (kernel, compactor): (&Kernel, &Kernel),
        job: &Job,
        (capacity, each): (usize, &Footprint),
        place: usize,
    ) -> Result<Chunk> {
        let per_trajectory = |label: &str, bytes: u64| device.storage(label, bytes * capacity as u64);
        let uniform = |label: &str, bytes: usize| device.buffer(label, bytes as u64, wgpu::BufferUsages::UNIFORM);
        let tables = tables(job);
        let list = || device.storage("unfinished", (LIST_HEADER + capacity) as u64 * WORD);
        let parts = device.scoped(|| {
            let lists = [list(), list()];
            let staging = device.staging((each.read * capacity as u64).max(WORD));
            let times = device.storage("times", times_size(job, capacity) as u64 * real_bytes(job.precision));
            (
                [uniform("config", config_bytes(job, 1).len()), uniform("tables", tables.len()), times],
                [per_trajectory("params", each.params), per_trajectory("state", each.state)],
                [per_trajectory("counts", each.counts), per_trajectory("saved", each.saved)],
                lists,
                [device.storage("tally", NEWS as u64 * WORD), device.storage("steps", MAX_DISPATCHES as u64 * WORD)],
                staging,
            )
        })?;
        let ([config, tables_buffer, times], [params, state], [counts, saved], lists, [tally, steps], staging) = parts;
        device.queue.write_buffer(&tables_buffer, 0, &tables);
        let main =
            |list| kernel.bind(device, &[&config, &tables_buffer, &times, &params, &state, &counts, &saved, list]);
        let compact = |before, after| compactor.bind(device, &[&config, &counts, before, after, &tally]);
        let [a, b] = &lists;
        Ok(Chunk {
            main: [main(a)?, main(b)?],
            compact: [compact(a, b)?, compact(b, a)?],
            config,
            times,
            params,
            state,
            counts,
            saved,
            lists,
            tally,
            steps,
            staging,
            now: 0,
            place,
            first: 0,
            inputs: Inputs::default(),
            unfinished: 0,
            in_flight: 0,
            so_far: 0,
            lengths: Lengths::default(),
            lane_steps: LaneSteps::default(),
        })
    }

    /// A dispatch that finds nothing to do; the numbers of the configuration may be compiled in.
    pub fn warm_up(&self, device: &Device, job: &Job, kernel: &Kernel) -> Result<()> {
        device.queue.write_buffer(&self.config, 0, &config_bytes(job, 1));
        let mut encoder = device.device.create_command_encoder(&Default::default());
        kernel.dispatch(&mut encoder.begin_compute_pass(&Default::default()), &self.main[0], 1);
        encoder.copy_buffer_to_buffer(&self.tally, 0, &self.staging, 0, WORD);
        device.fetched(&device.fetch(encoder, &self.staging, WORD), |_| ())
    }

    /// Puts other trajectories in, at their start: all that the kernels read of them but for what a device draws.
    pub fn load(&mut self, device: &Device, job: &Job, first: u64, inputs: Inputs) {
        let n_traj = inputs.n_traj;
        let mut encoder = device.device.create_command_encoder(&Default::default());
        encoder.clear_buffer(&self.counts, 0, None);
        encoder.clear_buffer(&self.tally, 0, None);
        // What else rests of a trajectory is read only once it has started.
        let rows = StateRows::of(job);
        let row_bytes = n_traj as u64 * real_bytes(job.precision);
        encoder.clear_buffer(&self.state, rows.tau as u64 * row_bytes, Some(row_bytes));
        if job.program.has_stops {
            encoder.clear_buffer(&self.state, rows.tau_segment as u64 * row_bytes, Some(row_bytes));
        }
        device.queue.submit([encoder.finish()]);
        device.queue.write_buffer(&self.config, 0, &config_bytes(job, n_traj));
        device.write_reals(&self.times, &times(job, &inputs), job.precision);
        device.write_reals(&self.params, &params(job, &inputs), job.precision);
        device.write_reals(self.initial(rows), &inputs.y0, job.precision);
        if job.compensated {
            let low: Vec<f64> = inputs.y0.iter().map(|y0| rounded_off(job.precision, *y0)).collect();
            device.queue.write_buffer(&self.state, rows.y_low as u64 * row_bytes, &pack(&low, job.precision));
        }
        self.list_all(device, n_traj);
        (self.first, self.inputs, self.unfinished) = (first, inputs, n_traj);
        (self.in_flight, self.so_far) = (0, 0);
        (self.lengths, self.lane_steps) = (Lengths::default(), LaneSteps::default());
    }

    /// The buffer that has y.
    pub fn initial(&self, rows: StateRows) -> &wgpu::Buffer {
        if rows.y_is_saved { &self.saved } else { &self.state }
    }

    /// Lists all trajectories as unfinished.
    fn list_all(&self, device: &Device, n_traj: usize) {
        let mut header = [0; LIST_HEADER];
        (header[0], header[LIST_ALL]) = (n_traj as u32, 1);
        device.queue.write_buffer(&self.lists[self.now], 0, bytemuck::cast_slice(&header));
    }

    /// Puts what is unfinished in order: first what costs most, by how far the steps until now have come. Lanes side by side
    /// then end together, and what takes longest has set out early. Nothing may be in flight, and a dispatch has to have been.
    pub fn order(&mut self, device: &Device, job: &Job) -> Result<()> {
        let (n_traj, rows) = (self.inputs.n_traj, StateRows::of(job));
        let tau = device.read_reals(&self.state, rows.tau * n_traj, n_traj, job.precision)?;
        let bytes = (LIST_HEADER + self.unfinished) as u64 * WORD;
        let mut list: Vec<u32> = bytemuck::pod_collect_to_vec(&device.read(&self.lists[self.now], 0, bytes)?);
        let span = |i: usize| self.inputs.span.get(i).copied().unwrap_or(job.t1 - job.t0);
        // So many times the steps until now are left.
        let cost = |i: u32| (span(i as usize) - tau[i as usize]) / tau[i as usize].max(f64::MIN_POSITIVE);
        list[LIST_HEADER..].par_sort_by(|a, b| cost(*b).total_cmp(&cost(*a)));
        device.queue.write_buffer(&self.lists[self.now], 0, bytemuck::cast_slice(&list));
        Ok(())
    }

    /// Says how many steps each dispatch of the next submission attempts.
    pub fn plan(&self, device: &Device, steps: &[u32]) {
        device.queue.write_buffer(&self.steps, 0, bytemuck::cast_slice(steps));
    }

    /// What comes before dispatch number `n` of a submission.
    pub fn prepare(&self, encoder: &mut wgpu::CommandEncoder, n: usize) {
        let [before, after] = [&self.lists[self.now], &self.lists[1 - self.now]];
        encoder.copy_buffer_to_buffer(&self.steps, n as u64 * WORD, before, LIST_STEPS as u64 * WORD, WORD);
        encoder.clear_buffer(after, 0, Some(LIST_HEADER as u64 * WORD));
    }

    /// Attempts steps of the unfinished trajectories, so many.
    pub fn integrate(&mut self, pass: &mut wgpu::ComputePass, kernel: &Kernel, steps: u32) {
        self.so_far = self.so_far.saturating_add(steps);
        kernel.dispatch(pass, &self.main[self.now], self.unfinished);
    }

    /// Lists what is unfinished after that.
    pub fn compact(&mut self, pass: &mut wgpu::ComputePass, compactor: &Kernel) {
        compactor.dispatch(pass, &self.compact[self.now], self.unfinished.div_ceil(WARP as usize));
        self.now = 1 - self.now;
    }

    /// Copies the news of how far it is.
    pub fn tell(&self, encoder: &mut wgpu::CommandEncoder, staging: &wgpu::Buffer, at: u64) {
        encoder.copy_buffer_to_buffer(&self.lists[self.now], 0, staging, at, WORD);
        encoder.copy_buffer_to_buffer(&self.tally, 0, staging, at + WORD, (NEWS as u64 - 1) * WORD);
    }

    /// Takes the news. Returns how many trajectories have ended and how many steps were attempted since the last.
    pub fn hear(&mut self, news: [u32; NEWS]) -> (usize, u64) {
        let [.., longest, not_shortest] = news;
        let [unfinished, executed, executed_high, needed, needed_high, ..] = news.map(u64::from);
        let steps = LaneSteps { executed: executed | executed_high << 32, needed: needed | needed_high << 32 };
        let since = (self.unfinished - unfinished as usize, steps.needed - self.lane_steps.needed);
        (self.unfinished, self.lane_steps) = (unfinished as usize, steps);
        self.lengths = Lengths { shortest: !not_shortest, longest };
        since
    }

    /// Asks for all results.
    pub fn ask(&self, device: &Device, job: &Job) -> Fetch {
        let parts = self.parts(job);
        let mut encoder = device.device.create_command_encoder(&Default::default());
        let mut at = 0;
        for (buffer, start, bytes) in parts {
            encoder.copy_buffer_to_buffer(buffer, start, &self.staging, at, bytes);
            at += bytes;
        }
        device.fetch(encoder, &self.staging, at)
    }

    /// Buffers, starts and lengths of what the host reads: y where it is not among the saved rows, tau, counts, and saved rows
    /// where their number is known.
    fn parts(&self, job: &Job) -> [(&wgpu::Buffer, u64, u64); 4] {
        let (n, size) = (self.inputs.n_traj as u64, real_bytes(job.precision));
        let rows = StateRows::of(job);
        let n_y = if rows.y_is_saved { 0 } else { job.program.n_state() };
        let saved = if job.form().saves_steps { 0 } else { job.saves.count() * job.program.n_row() };
        let reals = |row: usize, count: usize| (row as u64 * n * size, count as u64 * n * size);
        let ((y, y_bytes), (tau, tau_bytes)) = (reals(rows.y, n_y), reals(rows.tau, 1));
        [
            (&self.state, y, y_bytes),
            (&self.state, tau, tau_bytes),
            (&self.counts, 0, CountRow::count(job) as u64 * n * WORD),
            (&self.saved, 0, reals(0, saved).1),
        ]
    }

    /// The results that were asked for.
    pub fn output(&self, device: &Device, job: &Job, fetch: &Fetch) -> Result<RawOutput> {
        let [y_bytes, tau_bytes, counts_bytes, saved_bytes] = self.parts(job).map(|(.., bytes)| bytes as usize);
        let (n_traj, n_row) = (self.inputs.n_traj, job.program.n_row());
        let (mut output, n_saved) = device.fetched(fetch, |bytes| {
            let (y, bytes) = bytes.split_at(y_bytes);
            let (tau, bytes) = bytes.split_at(tau_bytes);
            let (counts, saved) = bytes.split_at(counts_bytes);
            let counts: Vec<u32> = bytemuck::pod_collect_to_vec(counts);
            let count = |row: CountRow| counts[row as usize * n_traj..(row as usize + 1) * n_traj].to_vec();
            let tau = unpack(tau, job.precision);
            let saved = unpack(&saved[..saved_bytes], job.precision);
            let words = count(CountRow::Status);
            let (y, n_saved) = match StateRows::of(job).y_is_saved {
                false => (unpack(y, job.precision), count(CountRow::Saved)),
                true => (
                    saved[..job.program.n_state() * n_traj].to_vec(),
                    words.iter().map(|word| u32::from(word & FLAG_SAVED != 0)).collect(),
                ),
            };
            let output = RawOutput {
                n_traj,
                y,
                t: tau.into_iter().enumerate().map(|(i, tau)| job.time(&self.inputs, i, tau)).collect(),
                saved,
                tau_saved: Vec::new(),
                status: words.iter().map(|word| stopped_if_running(word & MASK_STATUS)).collect(),
                accepted: count(CountRow::Accepted),
                rejected: count(CountRow::Rejected),
                culprit: count(CountRow::Culprit),
                n_cut: if job.program.has_stops { count(CountRow::NextCut) } else { vec![0; n_traj] },
            };
            (output, n_saved)
        })?;
        if job.form().saves_steps {
            let most = n_saved.iter().max().map_or(0, |most| *most as usize);
            let read = |row, count| device.read_reals(&self.saved, row * n_traj, count * n_traj, job.precision);
            (output.saved, output.tau_saved) = (read(0, most * n_row)?, read(job.saves.count() * n_row, most)?);
        }
        output.clear_unsaved(&n_saved, n_row);
        Ok(output)
    }
}

/// Uniform tables: 2/pi, then the tolerances in vectors of four.
fn tables(job: &Job) -> Vec<u8> {
    let mut tolerances: Vec<f64> =
        job.rtol.iter().zip(&job.atol).flat_map(|(rtol, atol)| [*rtol, *atol, 0.0, 0.0]).collect();
    tolerances.resize(tolerances.len().max(4), 0.0);
    [bytemuck::cast_slice(&TWO_OVER_PI), &pack(&tolerances, job.precision)[..]].concat()
}

/// An offset that no trajectory comes to, as in `shaders/lane.wgsl`; infinity is not for shaders.
fn never(job: &Job) -> f64 {
    4.0 * (job.t1 - job.t0)
}

/// Numbers in the buffer of times.
fn times_size(job: &Job, n_traj: usize) -> usize {
    job.n_save_time(n_traj) + 2 * job.cuts.len()
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

/// The buffer of parameters, in the order of [`ParamRows`].
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
