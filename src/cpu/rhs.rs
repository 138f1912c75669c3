//! The right-hand side of one trajectory at a time: equations, and what functions written in Rust add to them.
//!
//! Blocks of lanes evaluate the equations by rows instead (`evaluate`) and add the functions lane by lane; the bits are the
//! same.

use crate::program::{Evaluator, OdeProgram, SystemProgram};
use crate::real::Real;

/// The right-hand side of one trajectory.
pub struct ScalarRhs<'a, R> {
    equations: Evaluator<'a, R, 1>,
    functions: Functions<'a, R>,
}

impl<'a, R: Real> ScalarRhs<'a, R> {
    pub fn new(program: &'a OdeProgram) -> Self {
        ScalarRhs { equations: Evaluator::new(&program.rhs), functions: Functions::new(program) }
    }

    /// Evaluates at time `t`, state `y` and parameters `p`.
    pub fn evaluate(&mut self, t: R, y: &[[R; 1]], p: &[[R; 1]], result: &mut [[R; 1]]) {
        self.equations.evaluate(&[t], y, p, result);
        if !self.functions.is_empty() {
            for (slot, term) in self.functions.evaluate(t, |slot| y[slot][0], |slot| p[slot][0]) {
                result[*slot][0] = result[*slot][0] + *term;
            }
        }
    }
}

/// What functions written in Rust add to the derivatives of one trajectory.
pub struct Functions<'a, R> {
    systems: Vec<(&'a SystemProgram, Evaluator<'a, R, 1>)>,
    /// State slots and parameters that any of them reads.
    states: Vec<usize>,
    params: Vec<usize>,
    y: Vec<[R; 1]>,
    p: Vec<[R; 1]>,
    values: Vec<[R; 1]>,
    reads: Vec<f64>,
    adds: Vec<f64>,
    /// Slot and term, in the order in which they are added.
    terms: Vec<(usize, R)>,
}

impl<'a, R: Real> Functions<'a, R> {
    pub fn new(program: &'a OdeProgram) -> Self {
        let systems = &program.systems;
        let most = |count: fn(&SystemProgram) -> usize| systems.iter().map(count).max().unwrap_or(0);
        let read = |mut slots: Vec<u32>| {
            slots.sort_unstable();
            slots.dedup();
            slots.into_iter().map(|slot| slot as usize).collect::<Vec<usize>>()
        };
        let room = |n: usize| vec![[R::ZERO]; if systems.is_empty() { 0 } else { n }];
        Functions {
            systems: systems.iter().map(|system| (system, Evaluator::new(&system.reads))).collect(),
            states: read(systems.iter().flat_map(|system| system.reads.state_slots()).collect()),
            params: read(systems.iter().flat_map(|system| system.reads.param_slots()).collect()),
            y: room(program.n_state()),
            p: room(program.n_param()),
            values: room(most(|system| system.reads.roots.len())),
            reads: Vec::new(),
            adds: vec![0.0; most(|system| system.slots.len())],
            terms: Vec::new(),
        }
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.systems.is_empty()
    }

    /// Slots and what is to be added to their derivatives; `y` and `p` give the state and the parameters.
    pub fn evaluate(&mut self, t: R, y: impl Fn(usize) -> R, p: impl Fn(usize) -> R) -> &[(usize, R)] {
        self.states.iter().for_each(|slot| self.y[*slot] = [y(*slot)]);
        self.params.iter().for_each(|slot| self.p[*slot] = [p(*slot)]);
        self.terms.clear();
        for (system, evaluator) in &mut self.systems {
            let values = &mut self.values[..system.reads.roots.len()];
            evaluator.evaluate(&[t], &self.y, &self.p, values);
            self.reads.clear();
            self.reads.extend(values.iter().map(|value| value[0].to_f64()));
            let adds = &mut self.adds[..system.slots.len()];
            adds.fill(0.0);
            system.function.call(t.to_f64(), &self.reads, adds);
            self.terms.extend(system.slots.iter().zip(adds).map(|(slot, x)| (*slot as usize, R::of(*x))));
        }
        &self.terms
    }
}
