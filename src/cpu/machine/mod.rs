//! A step as machine code, for x86-64 with AVX2 or AVX-512.
//!
//! In: a job. Out: code that attempts one step of every lane of a block, error norm included, and code of the right-hand
//! side alone. A vector of lanes goes through a whole step in registers, where the interpreter takes every operation through
//! memory; functions of the expression language are called on rows in between. The operations, their order and so the bits
//! are those of the interpreter, which stays the reference: `CpuBackend::interpreted`. Not done: functions written in Rust,
//! f32x2, other processors; these are interpreted.
//!
//! `step` writes down what is computed (`kernel`), `allocate` cuts it at calls, `emit` finds registers, `x86` encodes.

mod allocate;
mod emit;
mod kernel;
mod memory;
mod step;
mod x86;

use super::step::{Layout, leaves, stride};
use crate::expr::func::SIN_COS;
use crate::job::Job;
use crate::method::Stages;
use crate::program::OdeProgram;
use crate::real::{Precision, Real};
use crate::simd::{At, RowFn};
use aligned_vec::{AVec, avec};
use allocate::Stretches;
use emit::{Arguments, Distances, Emitter, Masks};
use kernel::{Base, Callee, Cell, Kernel, Op, Value};
use memory::Executable;
use pulp::Arch;
use std::collections::HashMap;
use step::{Form, Rows, rhs_kernel, step_kernel, uniform_count};
use x86::Assembler;
pub use x86::Vectors;

/// More operations than these are interpreted: their code would not fit into any cache.
const MOST_LINES: usize = 200_000;

/// A step and a right-hand side as machine code.
#[derive(Debug)]
pub struct Machine {
    key: Key,
    vectors: Vectors,
    code: Executable,
    step: Compiled,
    /// The right-hand side of the candidate, and of the state.
    rhs: [Compiled; 2],
    /// Numbers that do not change from run to run, as bits; those of the run come first.
    pool: Vec<u64>,
    n_spill: usize,
    /// Rows of the block that only the code uses.
    pub n_scratch: usize,
    /// Most chunks of a block.
    pub width: usize,
}

/// What the code was made for.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    program: OdeProgram,
    stages: Stages,
    precision: Precision,
    form: Form,
    has_stops: bool,
    stride: usize,
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
    /// The code of a job for a block of at most so many chunks of `C` numbers; nothing where it has to be interpreted.
    /// `width` tells how many, from the number of rows.
    pub fn new<R: Real, const C: usize>(
        vectors: Vectors,
        job: &Job,
        width: impl Fn(usize) -> usize,
    ) -> Option<Machine> {
        if R::PRECISION == Precision::F32x2 || !job.program.systems.is_empty() {
            return None;
        }
        let layout = Layout::new(job, leaves(job).free, 1);
        let form = Form {
            compensated: job.compensated,
            is_adaptive: job.method.is_adaptive(),
            epsilon: f64::from(R::EPSILON),
        };
        let rows = rows(&layout);
        let stages = &job.method.stages;
        let kernels = [
            step_kernel(&job.program.rhs, stages, &rows, form),
            rhs_kernel(&job.program.rhs, &rows, Base::Candidate),
            rhs_kernel(&job.program.rhs, &rows, Base::State),
        ];
        if kernels.iter().map(|kernel| kernel.lines.len()).sum::<usize>() > MOST_LINES {
            return None;
        }
        let cut = kernels.each_ref().map(Stretches::new);
        let n_scratch = cut.iter().map(|stretches| stretches.n_scratch).max().unwrap_or(0);
        let width = width(layout.end + n_scratch);
        let stride = stride(width);
        let key = Key {
            program: job.program.clone(),
            stages: stages.clone(),
            precision: R::PRECISION,
            form,
            has_stops: job.program.has_stops,
            stride,
        };
        let mut pool = Pool::new(job.program.n_state(), R::PRECISION == Precision::F64);
        let distances = Distances {
            row: stride * C * size_of::<R>(),
            pool: pool_distance::<R>(vectors),
            scratch: layout.end * stride * C * size_of::<R>(),
        };
        let mut assembler = Assembler::new(vectors, R::PRECISION == Precision::F64);
        let mut n_spill = 0;
        let compiled = std::array::from_fn::<_, 3, _>(|n| {
            let kernel = &kernels[n];
            let mut homes = cut[n].homes.clone();
            for (home, op) in homes.iter_mut().zip(&kernel.ops) {
                if let Op::Constant(bits) = op {
                    *home = Some(Cell { base: Base::Pool, row: pool.constant(f64::from_bits(*bits)) });
                }
            }
            let code = std::mem::replace(&mut assembler, Assembler::new(vectors, true));
            let mut emitter = Emitter { assembler: code, kernel, homes, distances, masks: pool.masks, n_spill };
            let parts = cut[n].stretches.iter().map(|stretch| {
                let calls = stretch.calls.iter().map(|call| link(kernel, &cut[n], *call)).collect();
                (emitter.stretch(&stretch.lines), calls)
            });
            let compiled = Compiled { parts: parts.collect() };
            n_spill = emitter.n_spill;
            assembler = emitter.assembler;
            compiled
        });
        let [step, candidate, state] = compiled;
        let code = Executable::new(&assembler.code)?;
        Some(Machine { key, vectors, code, step, rhs: [candidate, state], pool: pool.bits, n_spill, n_scratch, width })
    }

    /// Whether it is the code of a job.
    pub fn is_for(&self, job: &Job, precision: Precision) -> bool {
        let Key { program, stages, form, has_stops, .. } = &self.key;
        self.key.precision == precision
            && form.compensated == job.compensated
            && form.is_adaptive == job.method.is_adaptive()
            && *has_stops == job.program.has_stops
            && *stages == job.method.stages
            && program == job.program
    }

    /// Chunks from a row to the next.
    pub fn stride(&self) -> usize {
        self.key.stride
    }
}

fn rows(layout: &Layout) -> Rows {
    let at = layout.at;
    Rows {
        time: at.time,
        p: at.p,
        t: at.t,
        h: at.h,
        h_time: at.h_time,
        norm_sq: at.norm_sq,
        noise_sq: at.noise_sq,
        unbounded: at.unbounded,
        k: layout.k.clone(),
    }
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

/// Bytes from a number of the pool to the next: AVX-512 spreads one number over a vector, AVX2 reads whole vectors.
fn pool_distance<R: Real>(vectors: Vectors) -> usize {
    match vectors {
        Vectors::Avx2 => vectors.bytes(),
        Vectors::Avx512 => size_of::<R>(),
    }
}

/// Constants while code is made.
struct Pool {
    is_double: bool,
    bits: Vec<u64>,
    first: usize,
    known: HashMap<u64, usize>,
    masks: Masks,
}

impl Pool {
    fn new(n_state: usize, is_double: bool) -> Pool {
        let first = uniform_count(n_state);
        let masks = Masks { zero: first, one: first + 1, sign: first + 2, magnitude: first + 3 };
        let mut pool = Pool { is_double, bits: Vec::new(), first, known: HashMap::new(), masks };
        for number in [0.0, 1.0, -0.0] {
            pool.constant(number);
        }
        pool.bits.push(if is_double { u64::MAX >> 1 } else { u64::from(u32::MAX >> 1) });
        pool
    }

    /// Number of a constant in the pool.
    fn constant(&mut self, x: f64) -> usize {
        let bits = number_bits(x, self.is_double);
        *self.known.entry(bits).or_insert_with(|| {
            self.bits.push(bits);
            self.first + self.bits.len() - 1
        })
    }
}

fn number_bits(x: f64, is_double: bool) -> u64 {
    if is_double { x.to_bits() } else { u64::from((x as f32).to_bits()) }
}

/// Positions of the rows that change places, in chunks.
#[derive(Debug, Clone, Copy)]
pub struct Pointers {
    pub state: usize,
    pub candidate: usize,
    pub first: usize,
    pub last: usize,
    pub low: usize,
    pub low1: usize,
}

/// Machine code with the memory that one block needs for it.
pub struct Engine<'a, R> {
    machine: &'a Machine,
    /// Position of the first row of scratch, in chunks.
    scratch: usize,
    pool: AVec<u8>,
    spill: AVec<u8>,
    functions: Vec<Vec<Vec<RowFn<R>>>>,
}

impl<'a, R: Real> Engine<'a, R> {
    pub fn new(machine: &'a Machine, scratch: usize, rtol: &[R], atol: &[R]) -> Self {
        let is_double = R::PRECISION == Precision::F64;
        let run = rtol.iter().chain(atol).map(|x| x.to_f64()).chain([R::of_u32(rtol.len().max(1) as u32).to_f64()]);
        let numbers = run.map(|x| number_bits(x, is_double)).chain(machine.pool.iter().copied());
        let distance = pool_distance::<R>(machine.vectors);
        let mut pool = AVec::new(128);
        for bits in numbers {
            for _ in 0..distance / size_of::<R>() {
                bits.to_le_bytes()[..size_of::<R>()].iter().for_each(|byte| pool.push(*byte));
            }
        }
        let spill = avec![[128]| 0; machine.n_spill.max(1) * machine.vectors.bytes()];
        let function = |call: &LinkedCall| match call.callee {
            Callee::Function(func) => R::row_fn(&func.row().function.rows),
            Callee::SinCos => R::row_fn(&SIN_COS),
        };
        let of_kernel = |compiled: &Compiled| {
            compiled.parts.iter().map(|(_, calls)| calls.iter().map(function).collect()).collect()
        };
        let functions = [&machine.step, &machine.rhs[0], &machine.rhs[1]].map(of_kernel).to_vec();
        Engine { machine, scratch, pool, spill, functions }
    }

    /// Attempts a step of the first `width` chunks.
    pub fn step<const C: usize>(&mut self, arch: Arch, rows: &mut [[R; C]], pointers: Pointers, width: usize) {
        self.run(0, arch, rows, pointers, (0, width));
    }

    /// The right-hand side of one chunk, of the state or of the candidate.
    pub fn rhs<const C: usize>(
        &mut self,
        arch: Arch,
        rows: &mut [[R; C]],
        pointers: Pointers,
        (chunk, of_y): (usize, bool),
    ) {
        self.run(1 + usize::from(of_y), arch, rows, pointers, (chunk, 1));
    }

    fn run<const C: usize>(
        &mut self,
        kernel: usize,
        arch: Arch,
        rows: &mut [[R; C]],
        pointers: Pointers,
        (chunk, width): (usize, usize),
    ) {
        let machine = self.machine;
        let stride = machine.stride();
        let compiled = [&machine.step, &machine.rhs[0], &machine.rhs[1]][kernel];
        let last_row = self.scratch + machine.n_scratch * stride;
        assert!(chunk + width <= stride && last_row <= rows.len(), "a block as large as the code was made for");
        for ((position, calls), functions) in compiled.parts.iter().zip(&self.functions[kernel]) {
            let base = rows.as_mut_ptr();
            // SAFETY: every position is that of a row of this block, and `width` chunks from `chunk` on lie within it.
            let at = |position: usize| unsafe { base.add(position + chunk).cast::<u8>() };
            let arguments = Arguments {
                rows: at(0),
                state: at(pointers.state),
                candidate: at(pointers.candidate),
                first: at(pointers.first),
                last: at(pointers.last),
                low: at(pointers.low),
                low1: at(pointers.low1),
                pool: self.pool.as_ptr(),
                spill: self.spill.as_mut_ptr(),
                count: width * C * size_of::<R>() / machine.vectors.bytes(),
            };
            // SAFETY: the code is a whole function of this convention; it touches rows of the block that its layout gave,
            // the pool and the room for spilled vectors, all of the size that it was made for (asserted above).
            unsafe {
                let run: unsafe extern "sysv64" fn(*const Arguments) = std::mem::transmute(machine.code.at(*position));
                run(&arguments);
            }
            let row = |row: usize| (self.scratch + row * stride + chunk) * C;
            for (call, function) in calls.iter().zip(functions) {
                let at = At { out: row(call.out), a: row(call.a), b: row(call.b), width: width * C };
                function(arch, rows.as_flattened_mut(), at);
            }
        }
    }
}
