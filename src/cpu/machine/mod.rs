//! A step as machine code, for x86-64 with AVX2 or AVX-512.
//!
//! In: a job. Out: code that attempts one step of every lane of a block, error norm included, and code of the right-hand
//! side alone. A vector of lanes goes through a whole step in registers, where the interpreter takes every operation through
//! memory; functions of the expression language are called on rows in between. The operations, their order and so the bits
//! are those of the interpreter, which stays the reference: `CpuBackend::interpreted`. Not done: functions written in Rust,
//! f32x2, other processors; these are interpreted.
//!
//! `step` writes down what is computed (`kernel`), `allocate` cuts it at calls, `emit` finds registers, `x86` encodes,
//! `engine` runs it.

mod allocate;
mod emit;
mod engine;
mod kernel;
mod memory;
mod pool;
mod step;
#[cfg(test)]
mod tests;
mod x86;

pub use engine::{Engine, Pointers};
pub use x86::Vectors;

use super::layout::{Layout, leaves, stride};
use crate::job::Job;
use crate::method::Stages;
use crate::program::OdeProgram;
use crate::real::{Precision, Real};
use allocate::Stretches;
use emit::{Distances, Emitter};
use kernel::{Base, Callee, Cell, Kernel, Op, Value};
use memory::Executable;
use pool::{Pool, pool_distance};
use step::{Form, rhs_kernel, step_kernel};
use x86::Assembler;

/// More operations than these are interpreted: their code would not fit into any cache.
const MOST_LINES: usize = 200_000;

/// A step and a right-hand side as machine code.
#[derive(Debug)]
pub struct Machine {
    vectors: Vectors,
    code: Executable,
    /// A step, the right-hand side of the candidate, and that of the state.
    kernels: [Compiled; 3],
    /// Numbers that do not change from run to run, as bits; those of the run come first.
    pool: Vec<u64>,
    n_spill: usize,
    n_state: usize,
    /// Rows of the block that only the code uses.
    pub n_scratch: usize,
    /// Most chunks of a block.
    pub width: usize,
}

/// What code is made for.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    program: OdeProgram,
    stages: Stages,
    precision: Precision,
    compensated: bool,
    is_adaptive: bool,
}

/// A kernel as machine code.
#[derive(Debug, Default)]
struct Compiled {
    /// Positions of stretches, and the calls that follow each.
    parts: Vec<(usize, Vec<LinkedCall>)>,
}

/// A call of a function on rows of scratch.
#[derive(Debug, Clone, Copy)]
struct LinkedCall {
    callee: Callee,
    out: usize,
    a: usize,
    /// The second argument, or the second result.
    b: usize,
}

impl Machine {
    /// The code of a job for a block whose number of chunks of `C` numbers `width` tells from the number of its rows;
    /// nothing where it has to be interpreted.
    pub fn new<R: Real, const C: usize>(
        vectors: Vectors,
        job: &Job,
        width: impl Fn(usize) -> usize,
    ) -> Option<Machine> {
        if R::PRECISION == Precision::F32x2 || !job.program.systems.is_empty() || line_count(job) > MOST_LINES {
            return None;
        }
        check_slots(job.program);
        let layout = Layout::new(job, leaves(job).free, 1);
        let form = Form {
            compensated: job.compensated,
            is_adaptive: job.method.is_adaptive(),
            epsilon: f64::from(R::EPSILON),
        };
        let (rhs, n_state) = (&job.program.rhs, job.program.n_state());
        let kernels = [
            step_kernel(rhs, &job.method.stages, &layout, form),
            rhs_kernel(rhs, &layout, Base::Candidate),
            rhs_kernel(rhs, &layout, Base::State),
        ];
        let cut = kernels.each_ref().map(Stretches::new);
        let n_scratch = cut.iter().map(|stretches| stretches.n_scratch).max().unwrap_or(0);
        let width = width(layout.end + n_scratch);
        let chunk_bytes = C * size_of::<R>();
        if (layout.end + n_scratch) * stride(width) * chunk_bytes > i32::MAX as usize {
            return None;
        }
        let distances = Distances {
            row: stride(width) * chunk_bytes,
            pool: pool_distance::<R>(vectors),
            scratch: layout.end * stride(width) * chunk_bytes,
        };
        let is_double = R::PRECISION == Precision::F64;
        let mut pool = Pool::new(n_state, is_double);
        let mut emitter = Emitter::new(Assembler::new(vectors, is_double), distances, pool.masks);
        let kernels = std::array::from_fn(|n| compile(&mut emitter, &mut pool, &kernels[n], &cut[n]));
        let code = Executable::new(&emitter.assembler.code)?;
        Some(Machine { n_state, vectors, code, kernels, pool: pool.bits, n_spill: emitter.n_spill, n_scratch, width })
    }

    /// Chunks from a row to the next.
    pub fn stride(&self) -> usize {
        stride(self.width)
    }
}

impl Key {
    pub fn new(job: &Job) -> Key {
        Key {
            program: job.program.clone(),
            stages: job.method.stages.clone(),
            precision: job.precision,
            compensated: job.compensated,
            is_adaptive: job.method.is_adaptive(),
        }
    }

    /// Whether the code of a job is made for this.
    pub fn is_for(&self, job: &Job) -> bool {
        self.precision == job.precision
            && self.compensated == job.compensated
            && self.is_adaptive == job.method.is_adaptive()
            && self.stages == job.method.stages
            && self.program == *job.program
    }
}

/// Code would read and write whatever memory a wrong slot leads to.
fn check_slots(program: &OdeProgram) {
    let (rhs, n_state, n_param) = (&program.rhs, program.n_state(), program.n_param());
    let states = rhs.state_slots().map(|slot| (slot, n_state));
    let mut slots = states.chain(rhs.param_slots().map(|slot| (slot, n_param)));
    let is_whole = rhs.roots.len() == n_state && slots.all(|(slot, n)| (slot as usize) < n);
    assert!(is_whole, "a program reads and gives what its model has");
}

/// About how many lines the kernels of a job have.
fn line_count(job: &Job) -> usize {
    let stages = &job.method.stages;
    let terms: usize = stages.a.iter().map(|terms| 2 * terms.len() + 2).sum();
    (stages.count() + 2) * job.program.rhs.nodes.len() + job.program.n_state() * terms
}

/// Appends the code of a kernel.
fn compile<'a>(emitter: &mut Emitter<'a>, pool: &mut Pool, kernel: &'a Kernel, cut: &Stretches) -> Compiled {
    let mut homes = cut.homes.clone();
    for (home, op) in homes.iter_mut().zip(&kernel.ops) {
        if let Op::Constant(bits) = op {
            *home = Some(Cell { base: Base::Pool, row: pool.constant(f64::from_bits(*bits)) });
        }
    }
    emitter.begin(kernel, homes);
    let parts = cut.stretches.iter().map(|stretch| {
        let calls = stretch.calls.iter().map(|call| link(kernel, cut, *call)).collect();
        (emitter.stretch(&stretch.lines), calls)
    });
    Compiled { parts: parts.collect() }
}

fn link(kernel: &Kernel, stretches: &Stretches, number: usize) -> LinkedCall {
    let call = kernel.calls[number];
    let row = |value: Value| stretches.scratch[value].expect("arguments and results of calls have rows");
    let [out, second] = [false, true].map(|second| kernel.result(number, second));
    let b = match call.callee {
        Callee::SinCos => row(second),
        Callee::Function(_) => call.b.map_or(0, row),
    };
    LinkedCall { callee: call.callee, out: row(out), a: row(call.a), b }
}
