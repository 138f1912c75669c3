//! Machine code at work on the memory of one block.

use super::emit::Arguments;
use super::kernel::Callee;
use super::pool::{number_bits, pool_distance};
use super::{Compiled, LinkedCall, Machine};
use crate::expr::func::SIN_COS;
use crate::real::{Precision, Real};
use crate::simd::{At, RowFn};
use aligned_vec::{AVec, avec};
use pulp::Arch;

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
    /// By kernel, by stretch, the function of each run of calls of one.
    functions: [Vec<Vec<RowFn<R>>>; 3],
    rows_of_calls: Vec<At>,
}

impl<'a, R: Real> Engine<'a, R> {
    pub fn new(machine: &'a Machine, scratch: usize, rtol: &[R], atol: &[R]) -> Self {
        assert!([rtol.len(), atol.len()] == [machine.n_state; 2], "a tolerance for each state");
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
        let of_stretch = |calls: &[LinkedCall]| {
            calls.chunk_by(|a, b| a.callee == b.callee).map(|same| function(&same[0])).collect::<Vec<RowFn<R>>>()
        };
        let of_kernel = |kernel: &Compiled| kernel.parts.iter().map(|(_, calls)| of_stretch(calls)).collect();
        let functions = machine.kernels.each_ref().map(of_kernel);
        Engine { machine, scratch, pool, spill, functions, rows_of_calls: Vec::new() }
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
        let last_row = self.scratch + machine.n_scratch * stride;
        let fits = width > 0 && chunk + width <= stride && last_row <= rows.len();
        assert!(fits, "a block as large as the code was made for");
        for ((position, calls), functions) in machine.kernels[kernel].parts.iter().zip(&self.functions[kernel]) {
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
            // SAFETY: it touches rows of the block that its layout gave, the pool and the room for spilled vectors, all of the
            // size that it was made for (asserted above).
            unsafe { machine.code.call(*position, &arguments) };
            let row = |row: usize| (self.scratch + row * stride + chunk) * C;
            let at = |call: &LinkedCall| At { out: row(call.out), a: row(call.a), b: row(call.b), width: width * C };
            for (same, function) in calls.chunk_by(|a, b| a.callee == b.callee).zip(functions) {
                self.rows_of_calls.clear();
                self.rows_of_calls.extend(same.iter().map(at));
                function(arch, rows.as_flattened_mut(), &self.rows_of_calls);
            }
        }
    }
}
