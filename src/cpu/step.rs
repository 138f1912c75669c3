//! One Runge-Kutta step of a block of lanes and its interpolant. Twin of the generated WGSL functions
//! of the same names (`wgsl/step.rs`): same operations, same order.
//!
//! The numbers of a block lie in rows of one number for each lane, and a row in chunks of `C` lanes, which become vector
//! registers: the leaves of the right-hand side (time, parameters, stage argument), its constants and registers, then the
//! state and the stages. The stage argument of the last stage is the candidate y1.

use super::code::Code;
use super::dense::dense_weights;
use super::evaluate::LinkedCode;
use super::lane::{LaneChunk, Tables, bits};
use super::layout::{Layout, Places, leaves, stride};
use super::machine::{Engine, Machine, Pointers};
use super::rhs::Functions;
use crate::expr::Node;
use crate::job::Job;
use crate::real::Real;
use aligned_vec::{AVec, avec};
use pulp::{Arch, Simd, WithSimd};
use std::sync::Arc;

/// Rows begin at cache lines: a vector of 512 bits that crosses two takes twice as long.
const ALIGNMENT: usize = 128;

/// What evaluates a right-hand side.
#[derive(Debug, Clone)]
pub enum RhsCode {
    Interpreted(Arc<Code>),
    Machine(Arc<Machine>),
}

/// The memory of a block and what is done on it.
pub struct Stepper<'a, R, const C: usize> {
    pub arch: Arch,
    pub tables: &'a Tables<R>,
    pub rows: AVec<[R; C]>,
    pub at: Places,
    /// Positions of the stages; the last is f(t + h, y1).
    k: Vec<usize>,
    /// Chunks in use, the first ones of each row.
    pub width: usize,
    /// The chunk of trajectories that wait at t0, behind the most that were ever in use.
    pub waiting_at: usize,
    /// Chunks from a row to the next.
    pub stride: usize,
    pub n_state: usize,
    n_param: usize,
    pub uses_time: bool,
    /// The right-hand side of the state at `y1_candidate`, and of that at `y` for when both have changed places.
    rhs: [LinkedCode; 2],
    /// What is added to it.
    functions: Functions<'a, R>,
    /// Does all of it instead.
    pub engine: Option<Engine<'a, R>>,
}

impl<'a, R: Real, const C: usize> Stepper<'a, R, C> {
    /// A block of `width` chunks.
    pub fn new(job: &Job<'a>, code: &'a RhsCode, tables: &'a Tables<R>, width: usize) -> Self {
        let functions = Functions::new(job.program);
        let leaves = leaves(job);
        let (stride, front, behind) = match code {
            RhsCode::Interpreted(code) => (stride(width), code.end, 0),
            RhsCode::Machine(machine) => (machine.stride(), leaves.free, machine.n_scratch),
        };
        let Layout { at, k, end } = Layout::new(job, front, stride);
        let mut rows = avec![[ALIGNMENT]| [R::ZERO; C]; end + behind * stride];
        let (rhs, engine) = match code {
            RhsCode::Interpreted(code) => {
                for (row, value) in &code.constants {
                    rows[row * stride..(row + 1) * stride].fill([R::of(*value); C]);
                }
                let rhs = [at.y1_candidate, at.y].map(|state| LinkedCode::new(code, leaves, stride, state));
                (rhs, None)
            }
            RhsCode::Machine(machine) => {
                (Default::default(), Some(Engine::new(machine, end, &tables.rtol, &tables.atol)))
            }
        };
        let uses_time = job.program.rhs.nodes.contains(&Node::Time) || !functions.is_empty();
        let n_state = job.program.n_state();
        let waiting_at = width;
        Stepper {
            arch: Arch::new(),
            tables,
            rows,
            at,
            k,
            width,
            waiting_at,
            stride,
            n_state,
            n_param: job.program.n_param(),
            uses_time,
            rhs,
            functions,
            engine,
        }
    }

    /// The number of a lane in a row.
    #[inline(always)]
    pub fn number(&self, row: usize, lane: usize) -> R {
        self.rows[row + lane / C][lane % C]
    }

    /// Puts a number into a lane of a row.
    #[inline(always)]
    pub fn put(&mut self, row: usize, lane: usize, value: R) {
        self.rows[row + lane / C][lane % C] = value;
    }

    /// Position of a state slot of a stage.
    #[inline(always)]
    pub fn k(&self, stage: usize, slot: usize) -> usize {
        self.k[stage] + slot * self.stride
    }

    /// Rows that [`swap`](Self::swap) lets change places: from, to, how many.
    fn swapped(&self) -> [(usize, usize, usize); 3] {
        let (at, n, last) = (self.at, self.n_state, self.k.len() - 1);
        [(at.y, at.y1_candidate, n), (self.k[0], self.k[last], n), (at.low, at.low1, self.n_low())]
    }

    /// Rows of what rounding took from the state.
    fn n_low(&self) -> usize {
        if self.tables.compensated { self.n_state } else { 0 }
    }

    /// The lanes that wait stay where they are when [`swap`](Self::swap) is called.
    pub fn keep_waiting(&mut self) {
        for (from, to, rows) in self.swapped() {
            for row in 0..rows {
                let offset = row * self.stride + self.waiting_at;
                self.rows[to + offset] = self.rows[from + offset];
            }
        }
    }

    /// Copies state, parameters and first stage from a lane to another.
    pub fn copy_lane(&mut self, from: usize, to: usize) {
        let (n, at) = (self.n_state, self.at);
        for (group, rows) in [(at.y, n), (self.k[0], n), (at.low, self.n_low()), (at.p, self.n_param)] {
            for row in 0..rows {
                let position = group + row * self.stride;
                self.put(position, to, self.number(position, from));
            }
        }
    }

    fn pointers(&self) -> Pointers {
        let at = self.at;
        Pointers {
            state: at.y,
            candidate: at.y1_candidate,
            first: self.k[0],
            last: self.k[self.k.len() - 1],
            low: at.low,
            low1: at.low1,
        }
    }

    /// A lane stays where it is when [`swap`](Self::swap) is called.
    pub fn keep(&mut self, lane: usize) {
        for (from, to, rows) in self.swapped() {
            for row in 0..rows {
                let offset = row * self.stride;
                self.put(to + offset, lane, self.number(from + offset, lane));
            }
        }
    }

    /// Makes the candidate the state, and its derivative the first stage.
    #[inline(always)]
    pub fn swap(&mut self) {
        let last = self.k.len() - 1;
        self.k.swap(0, last);
        self.rhs.swap(0, 1);
        std::mem::swap(&mut self.at.y, &mut self.at.y1_candidate);
        std::mem::swap(&mut self.at.low, &mut self.at.low1);
    }

    /// Fills the stages from the second on and the candidate; the first one holds f(t, y).
    #[inline(always)]
    pub fn rk_step(&mut self, lanes: &[LaneChunk<R, C>]) {
        let pointers = self.pointers();
        if let Some(engine) = &mut self.engine {
            return engine.step(self.arch, &mut self.rows, pointers, self.width);
        }
        let last = self.tables.a.len() - 1;
        let tables = self.tables;
        for (stage, terms) in tables.a.iter().enumerate() {
            let compensated = stage == last && tables.compensated;
            for slot in 0..self.n_state {
                self.stage_argument(slot, terms, compensated);
            }
            if self.uses_time {
                let c = tables.c[stage + 1];
                for chunk in 0..self.width {
                    let (mut time, h) = (self.rows[self.at.t + chunk], self.rows[self.at.h_time + chunk]);
                    for i in 0..C {
                        time[i] = time[i] + c * h[i];
                    }
                    self.rows[self.at.time + chunk] = time;
                }
            }
            let results = self.k(stage + 1, 0);
            self.rhs[0].evaluate::<R, C>(self.arch, &mut self.rows, self.width, results);
            if !self.functions.is_empty() {
                self.add_functions(lanes, results);
            }
        }
    }

    /// Adds what functions written in Rust say of the stage argument; lanes without a trajectory have none to ask about.
    #[inline(never)]
    fn add_functions(&mut self, lanes: &[LaneChunk<R, C>], results: usize) {
        for (at, lanes) in lanes.iter().enumerate() {
            let occupied = (0..C).filter(|i| lanes.occupied[*i]).fold(0, |set, i| set | 1 << i);
            self.add_functions_of(at, self.at.y1_candidate, occupied, results);
        }
    }

    /// The same for some lanes of one chunk, with the states at `y`.
    fn add_functions_of(&mut self, at: usize, y: usize, wanted: u32, results: usize) {
        let (places, stride, rows) = (self.at, self.stride, &mut self.rows);
        for i in bits(wanted) {
            let number = |group: usize, slot: usize| rows[group + slot * stride + at][i];
            let (y, p) = (|slot| number(y, slot), |slot| number(places.p, slot));
            for (slot, term) in self.functions.evaluate(number(places.time, 0), y, p) {
                let derivative = &mut rows[results + slot * stride + at][i];
                *derivative = *derivative + *term;
            }
        }
    }

    /// The right-hand side at the times `t` for the lanes of one chunk, between steps (functions for those
    /// that are wanted): of the states, or of what lies in the
    /// place of the candidate. It takes the place of the second stage.
    pub fn derivative(&mut self, at: usize, t: [R; C], of_y: bool, wanted: u32) {
        self.rows[self.at.time + at] = t;
        let pointers = self.pointers();
        if let Some(engine) = &mut self.engine {
            return engine.rhs(self.arch, &mut self.rows, pointers, (at, of_y));
        }
        let (arch, results) = (self.arch, self.k(1, 0));
        let chunk = OneChunk { code: &self.rhs[usize::from(of_y)], arch, rows: &mut self.rows[at..], results };
        if C == 1 {
            chunk.with_simd(pulp::Scalar)
        } else {
            arch.dispatch(chunk)
        }
        if !self.functions.is_empty() {
            let y = if of_y { self.at.y } else { self.at.y1_candidate };
            self.add_functions_of(at, y, wanted, results);
        }
    }

    /// y + h sum(weight k) of one slot; a stage of one term shares the product of step size and weight.
    #[inline(always)]
    fn stage_argument(&mut self, slot: usize, terms: &[(usize, R)], compensated: bool) {
        let (at, offset) = (self.at, slot * self.stride);
        for chunk in 0..self.width {
            let h = self.rows[at.h + chunk];
            let mut increment;
            if let [(stage, weight)] = *terms {
                increment = self.rows[self.k[stage] + offset + chunk];
                for i in 0..C {
                    increment[i] = (h[i] * weight) * increment[i];
                }
            } else {
                increment = self.weighted_sum(terms, offset + chunk);
                for i in 0..C {
                    increment[i] = h[i] * increment[i];
                }
            }
            let y = self.rows[at.y + offset + chunk];
            let mut y1 = y;
            if compensated {
                // T. Dekker's fast two-sum of y and increment + low, as for time.
                let mut low = self.rows[at.low + offset + chunk];
                for i in 0..C {
                    let change = increment[i] + low[i];
                    y1[i] = y[i] + change;
                    low[i] = change - (y1[i] - y[i]);
                }
                self.rows[at.low1 + offset + chunk] = low;
            } else {
                for i in 0..C {
                    y1[i] = y[i] + increment[i];
                }
            }
            self.rows[at.y1_candidate + offset + chunk] = y1;
        }
    }

    /// sum(weight k) of one chunk of a slot, in the order of the terms.
    #[inline(always)]
    pub fn weighted_sum(&self, terms: &[(usize, R)], offset: usize) -> [R; C] {
        let mut sum = [R::ZERO; C];
        for (j, &(stage, weight)) in terms.iter().enumerate() {
            let k = self.rows[self.k[stage] + offset];
            if j == 0 {
                for i in 0..C {
                    sum[i] = weight * k[i];
                }
            } else {
                for i in 0..C {
                    sum[i] = sum[i] + weight * k[i];
                }
            }
        }
        sum
    }

    /// The state of one lane at t + theta h; `dense` are the stages that only dense output uses, and `weights` is room for
    /// the weights of all.
    pub fn interpolate(
        &self,
        dense: &[Vec<[R; 1]>],
        h: R,
        theta: R,
        lane: usize,
        weights: &mut Vec<(usize, R)>,
        result: &mut [[R; 1]],
    ) {
        dense_weights(self.tables, theta, weights);
        let n_stage = self.k.len();
        for (slot, result) in result.iter_mut().enumerate() {
            let k = |stage: usize| match stage.checked_sub(n_stage) {
                Some(stage) => dense[stage][slot][0],
                None => self.number(self.k(stage, slot), lane),
            };
            let mut terms = weights.iter().map(|(stage, weight)| *weight * k(*stage));
            let first = terms.next().unwrap_or(R::ZERO);
            let sum = terms.fold(first, |sum, term| sum + term);
            result[0] = self.number(self.at.y + slot * self.stride, lane) + h * sum;
        }
    }

    /// 1 and the slot of the first number of a lane's candidate that is not finite, 0 if all are.
    pub fn first_non_finite(&self, lane: usize) -> u32 {
        first_non_finite((0..self.n_state).map(|slot| self.number(self.at.y1_candidate + slot * self.stride, lane)))
    }
}

/// Code for one chunk of lanes, compiled for the machine's vectors.
struct OneChunk<'b, R, const C: usize> {
    code: &'b LinkedCode,
    arch: Arch,
    rows: &'b mut [[R; C]],
    results: usize,
}

impl<R: Real, const C: usize> WithSimd for OneChunk<'_, R, C> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.code.evaluate::<R, C>(self.arch, self.rows, 1, self.results);
    }
}

/// 1 and the position of the first number that is not finite, 0 if all are.
#[inline(always)]
pub fn first_non_finite<R: Real>(numbers: impl Iterator<Item = R>) -> u32 {
    numbers.zip(1..).find_map(|(x, position)| (!x.is_finite()).then_some(position)).unwrap_or(0)
}
