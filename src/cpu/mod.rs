//! The CPU backend: the reference, and the fallback where there is no GPU.
//!
//! In: a [`Job`] and inputs. Out: the same as from the GPU, by the same operations in the same order, in any number format.
//! Trajectories are handed to all cores in small ranges; inside a range a block of lanes is stepped together. It never
//! sees wgpu, and no result depends on the number of threads or lanes.

mod controller;
mod dense;
mod drive;
mod integrate_adaptive;
mod integrate_fixed;
mod lane;
mod save;
mod step;

pub use controller::{control_exp2, control_log2};

use crate::error::{Error, Result};
use crate::job::{Backend, Inputs, Job, Progress, RawOutput};
use crate::pair::F32x2;
use crate::real::{Arithmetic, Precision, Real};
use lane::Tables;
use rayon::prelude::*;

/// Lanes of a block where there are trajectories enough.
const LANES: usize = 8;

/// Most trajectories handed to a core at a time: enough to keep the lanes of a block full, few enough to share out evenly.
const MAX_RANGE: usize = 64;

/// Bytes of the inputs and results of one chunk in flight.
const MAX_CHUNK_BYTES: usize = 64 << 20;

/// Runs jobs on all cores.
#[derive(Debug, Clone)]
pub struct CpuBackend {
    lanes: usize,
}

impl Default for CpuBackend {
    fn default() -> Self {
        CpuBackend { lanes: LANES }
    }
}

impl CpuBackend {
    /// The backend, using rayon's global thread pool.
    pub fn new() -> Self {
        CpuBackend::default()
    }

    /// Steps blocks of 1, 4, 8 or 16 trajectories (the nearest of them that is not larger). The result does not depend on
    /// it.
    pub fn with_lanes(mut self, lanes: usize) -> Self {
        self.lanes = lanes.max(1);
        self
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn describe(&self) -> String {
        let threads = rayon::current_num_threads();
        format!("cpu, {threads} thread{}", if threads == 1 { "" } else { "s" })
    }

    fn default_precision(&self) -> Precision {
        Precision::F64
    }

    fn max_chunk(&self, job: &Job) -> usize {
        let rows = 2 * job.program.n_state() + job.program.n_param() + job.t_save.len() * job.program.n_row();
        (MAX_CHUNK_BYTES / (8 * rows.max(1))).max(LANES * rayon::current_num_threads())
    }

    fn prepare(&mut self, job: &Job) -> Result<Vec<String>> {
        if job.arithmetic == Arithmetic::FastMath {
            let message = "fast-math is a choice of an adapter's own functions; the cpu backend always uses ensolve's: leave out fast-math, or use the backend gpu";
            return Err(Error::Unsupported(message.to_string()));
        }
        Ok(Vec::new())
    }

    fn run(&mut self, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> Result<RawOutput> {
        Ok(match job.precision {
            Precision::F32 => run::<f32>(self.lanes, job, inputs, progress),
            Precision::F64 => run::<f64>(self.lanes, job, inputs, progress),
            Precision::F32x2 => run::<F32x2>(self.lanes, job, inputs, progress),
        })
    }
}

fn run<R: Real>(lanes: usize, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> RawOutput {
    let n_traj = inputs.n_traj;
    let tables = Tables::<R>::new(job, n_traj);
    let drive = match lanes.min(n_traj) {
        0..4 => drive::drive::<R, 1>,
        4..8 => drive::drive::<R, 4>,
        8..16 => drive::drive::<R, 8>,
        _ => drive::drive::<R, 16>,
    };
    let range = n_traj.div_ceil(4 * rayon::current_num_threads()).clamp(1, MAX_RANGE);
    let ranges: Vec<_> = (0..n_traj).step_by(range).map(|start| start..(start + range).min(n_traj)).collect();
    let pieces: Vec<RawOutput> = ranges
        .into_par_iter()
        .map(|range| {
            let n = range.len();
            let piece = drive(job, &tables, inputs, range, progress);
            progress.finished(n);
            piece
        })
        .collect();
    gather(job, n_traj, &pieces)
}

/// Joins the pieces of consecutive ranges along the trajectory axis.
fn gather(job: &Job, n_traj: usize, pieces: &[RawOutput]) -> RawOutput {
    let n_saved_rows = job.t_save.len() * job.program.n_row();
    let rows = |n_row: usize, part: fn(&RawOutput) -> &[f64]| -> Vec<f64> {
        let mut out = Vec::with_capacity(n_row * n_traj);
        for row in 0..n_row {
            pieces
                .iter()
                .for_each(|piece| out.extend_from_slice(&part(piece)[row * piece.n_traj..(row + 1) * piece.n_traj]));
        }
        out
    };
    let counts = |part: fn(&RawOutput) -> &[u32]| -> Vec<u32> {
        pieces.iter().flat_map(|piece| part(piece).iter().copied()).collect()
    };
    RawOutput {
        n_traj,
        y: rows(job.program.n_state(), |piece| &piece.y),
        t: rows(1, |piece| &piece.t),
        saved: rows(n_saved_rows, |piece| &piece.saved),
        status: counts(|piece| &piece.status),
        accepted: counts(|piece| &piece.accepted),
        rejected: counts(|piece| &piece.rejected),
        culprit: counts(|piece| &piece.culprit),
    }
}
