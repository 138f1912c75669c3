//! The CPU backend: the reference, and the fallback where there is no GPU.
//!
//! In: a [`Job`] and inputs. Out: the same as from the GPU, by the same operations in the same order, in any number format.
//! It never sees wgpu, and no result depends on the number of threads, of lanes or on the vectors of the machine.
//!
//! # How it works
//!
//! Each thread has one block of lanes. A lane is a trajectory with its own time and step size; one that is done takes the
//! next trajectory of a queue that all threads share, so that nobody waits for a slow one. The numbers of a block lie
//! in rows, one number for each lane, and everything is a loop over rows: the step (`machine`, or `step`, `code` and
//! `evaluate`), the step-size control (`block`, `integrate_*`). The loops are compiled for AVX-512, AVX2, NEON and the
//! baseline, and `pulp` picks at run time. Whether a step is accepted differs from lane to lane; what is rare (rejections,
//! save times, ends) is done lane by lane. Trajectories set out side by side (`start`) and wait for lanes.
//!
//! # Machine code and interpreter
//!
//! On x86-64 a whole step becomes machine code (`machine`): a vector of lanes goes through all stages and the error norm in
//! registers. Elsewhere, in f32x2, and with functions written in Rust, the flat program is interpreted: one loop over
//! the lanes for each operation, those that belong together joined. The interpreter is the reference; both give the same
//! bits, and the tests run on both. Trajectories per second on one core (Zen 5, AVX-512, f64, the rows of
//! `ensolve bench` without and with `--interpreted`):
//!
//! | workload | machine code | interpreted | gain |
//! |---|---|---|---|
//! | Lorenz, 1000 steps of rk4 | 794,000 | 302,000 | 2.6 |
//! | Lorenz, tsit5, rtol 1e-5 | 3,810,000 | 2,830,000 | 1.3 |
//! | double pendulum, tsit5, 1e-6 | 128,000 | 102,000 | 1.3 |
//! | Hodgkin-Huxley, tsit5, 1e-4 | 119,000 | 81,000 | 1.5 |
//! | heat along a rod of 4, 20, 100 pieces | 2,240,000, 482,000, 60,400 | 988,000, 151,000, 30,500 | 2.3, 3.2, 2.0 |
//! | Lorenz-96 of 4, 20, 100 states | 2,080,000, 480,000, 61,900 | 904,000, 149,000, 30,600 | 2.3, 3.2, 2.0 |
//!
//! The functions of the expression language are the same compiled loops in both, and take half of the time of the double
//! pendulum (four of them in a right-hand side) and of Hodgkin-Huxley (six). Cranelift, tried first, has vectors of 128 bits
//! only: on AVX2 a step of Lorenz by tsit5 took 18 to 26 ns with it, 8.9 interpreted and 6.7 by hand, for 28 more crates and
//! minutes of build.

// A loop over lanes has one number for many arrays.
#![allow(clippy::needless_range_loop)]

mod block;
mod code;
mod control;
mod controller;
mod dense;
mod drive;
mod error_norm;
mod evaluate;
mod integrate_adaptive;
mod integrate_fixed;
mod lane;
mod layout;
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // code is made for x86-64 only
mod machine;
mod output;
mod queue;
#[cfg(test)]
mod random_program;
mod rhs;
mod save;
mod start;
mod step;
mod stops;

pub use controller::{control_exp2, control_log2};

use crate::compile::Feature;
use crate::error::{Error, Result};
use crate::job::{Backend, Inputs, Job, Prepared, Progress, RawOutput};
use crate::pair::F32x2;
use crate::program::OdeProgram;
use crate::real::{Arithmetic, Precision, Real};
use code::Code;
use drive::{Run, drive};
use lane::Tables;
use layout::{Layout, leaves};
use machine::{Key, Machine, Vectors};
use output::Output;
use queue::Queue;
use rayon::prelude::*;
use std::sync::Arc;
use std::time::Instant;
use step::RhsCode;

/// Bytes of the rows of a block: about the first-level data cache of most processors.
const BLOCK_BYTES: usize = 48 << 10;

/// But at least so many chunks of lanes, from the second-level cache: with fewer an interpreted operation costs more than
/// its memory (models of 20 and 100 states are 1.5 times faster with four chunks than with one), and machine code is read
/// from there again for every block (a seventh faster with two than with one, and as with four).
const INTERPRETER_CHUNKS: usize = 4;
const MACHINE_CHUNKS: usize = 2;

/// Most lanes of a block, and fewest for which a block is worth it.
const MAX_LANES: usize = 256;
const MIN_LANES: usize = 4;

/// Machine code is made for at most so many: the memory of a block is that of as many as it may have.
const MOST_LANES: usize = 4096;

/// What models may need that the CPU backend has.
pub const SUPPORTED_FEATURES: [Feature; 6] = [
    Feature::VectorFields,
    Feature::DiscreteFields,
    Feature::ContinuousFields,
    Feature::ControlCallbacks,
    Feature::Stops,
    Feature::NativeFunctions,
];

/// Bytes of the inputs and results of one chunk in flight, for each thread: what stays in the caches of most processors is
/// filled again at less cost than new memory, a sixth of the time of short trajectories.
const CHUNK_BYTES: usize = 2 << 20;

/// But at least so many trajectories for each thread, within so many bytes: at the end of a chunk all wait for the slowest.
const CHUNK_TRAJECTORIES: usize = 1 << 13;
const MAX_CHUNK_BYTES: usize = 64 << 20;

/// Runs jobs on all cores.
#[derive(Debug, Clone)]
pub struct CpuBackend {
    lanes: Option<usize>,
    /// What machine code is made for; without it all is interpreted.
    vectors: Option<Vectors>,
    /// The last program, made ready.
    code: Option<(OdeProgram, Arc<Code>)>,
    /// The last job as machine code, nothing if it has to be interpreted.
    machine: Option<(Key, Option<Arc<Machine>>)>,
}

impl Default for CpuBackend {
    fn default() -> Self {
        CpuBackend::new()
    }
}

impl CpuBackend {
    /// The backend, using rayon's thread pool: the global one, or the one in which it is called.
    pub fn new() -> Self {
        CpuBackend { lanes: None, vectors: Vectors::of_this_machine(), code: None, machine: None }
    }

    /// Steps so many trajectories together on each core: 1, or a number that is rounded up to whole chunks of 128 bytes.
    /// Without it the number depends on the model. No result depends on it.
    pub fn with_lanes(mut self, lanes: usize) -> Self {
        (self.lanes, self.machine) = (Some(lanes.max(1)), None);
        self
    }

    /// Makes no machine code: all operations are interpreted one by one. No result depends on it.
    pub fn interpreted(mut self) -> Self {
        (self.vectors, self.machine) = (None, None);
        self
    }

    /// A job as machine code: that of the last job, if it is the same.
    fn machine_code<R: Real, const C: usize>(&mut self, job: &Job) -> Option<Arc<Machine>> {
        let vectors = self.vectors.filter(|_| self.lanes != Some(1))?;
        if let Some((key, machine)) = &self.machine
            && key.is_for(job)
        {
            return machine.clone();
        }
        let lanes = self.lanes.map(|lanes| lanes.min(MOST_LANES));
        let width = |rows: usize| block_lanes::<R, C>(lanes, rows, MACHINE_CHUNKS) / C;
        let machine = Machine::new::<R, C>(vectors, job, width).map(Arc::new);
        self.machine = Some((Key::new(job), machine.clone()));
        machine
    }

    /// A job as code: that of the last job, if it is the same.
    fn code<R: Real, const C: usize>(&mut self, job: &Job) -> RhsCode {
        if let Some(machine) = self.machine_code::<R, C>(job) {
            return RhsCode::Machine(machine);
        }
        if let Some((program, code)) = &self.code
            && program == job.program
        {
            return RhsCode::Interpreted(code.clone());
        }
        let code = Arc::new(Code::lower(&job.program.rhs, leaves(job)));
        self.code = Some((job.program.clone(), code.clone()));
        RhsCode::Interpreted(code)
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

    fn supported_features(&self) -> &'static [Feature] {
        &SUPPORTED_FEATURES
    }

    fn max_chunk(&self, job: &Job) -> usize {
        let rows = 2 * job.program.n_state() + job.program.n_param() + job.saves.count() * job.program.n_row();
        let (threads, within) = (rayon::current_num_threads(), |bytes: usize| bytes / (8 * rows.max(1)));
        let fewest = (CHUNK_TRAJECTORIES * threads).min(within(MAX_CHUNK_BYTES)).max(MAX_LANES * threads);
        within(CHUNK_BYTES * threads).max(fewest)
    }

    fn prepare(&mut self, job: &Job) -> Result<Prepared> {
        if job.arithmetic == Arithmetic::FastMath {
            let message = "fast-math is a choice of an adapter's own functions; the cpu backend always uses ensolve's: leave out fast-math, or use the backend gpu";
            return Err(Error::Unsupported(message.to_string()));
        }
        let start = Instant::now();
        match job.precision {
            Precision::F32 => self.code::<f32, 32>(job),
            Precision::F64 => self.code::<f64, 16>(job),
            Precision::F32x2 => self.code::<F32x2, 16>(job),
        };
        Ok(Prepared { jit: start.elapsed(), ..Prepared::default() })
    }

    fn run(&mut self, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> Result<RawOutput> {
        Ok(match job.precision {
            Precision::F32 => run::<f32, 32>(self, job, inputs, progress),
            Precision::F64 => run::<f64, 16>(self, job, inputs, progress),
            Precision::F32x2 => run::<F32x2, 16>(self, job, inputs, progress),
        })
    }
}

/// Lanes of a block with so many rows.
fn block_lanes<R: Real, const C: usize>(lanes: Option<usize>, rows: usize, fewest: usize) -> usize {
    let fitting = BLOCK_BYTES / (rows * size_of::<R>()) / C * C;
    lanes.unwrap_or(fitting.clamp(fewest * C, MAX_LANES)).next_multiple_of(C)
}

/// Shares the trajectories out among the threads, each with one block that takes the next one whenever a lane is free.
fn run<R: Real, const C: usize>(
    backend: &mut CpuBackend,
    job: &Job,
    inputs: &Inputs,
    progress: &dyn Progress,
) -> RawOutput {
    let n_traj = inputs.n_traj;
    let code = backend.code::<R, C>(job);
    let tables = Tables::<R>::new(job, inputs);
    let threads = rayon::current_num_threads().min(n_traj);
    let (queue, output) = (Queue::new(n_traj, threads), Output::new(job, n_traj));
    let run = Run { job, code: &code, tables: &tables, inputs, queue: &queue, output: &output, progress };
    let share = n_traj.div_ceil(threads.max(1));
    let (most, is_scalar) = match &code {
        RhsCode::Machine(machine) => (machine.width * C, false),
        RhsCode::Interpreted(code) => {
            let rows = Layout::new(job, code.end, 1).end;
            (
                block_lanes::<R, C>(backend.lanes, rows, INTERPRETER_CHUNKS),
                backend.lanes == Some(1) || share < MIN_LANES,
            )
        }
    };
    let work = |_: usize| {
        if is_scalar {
            drive::<R, 1>(run, 1);
        } else {
            drive::<R, C>(run, share.next_multiple_of(C).min(most));
        }
    };
    match threads {
        0 => {}
        1 => work(0),
        _ => (0..threads).into_par_iter().for_each(work),
    }
    output.into_raw()
}
