//! Callbacks that are functions written in Rust: each trajectory under way has its own, made when it begins.

use crate::native::Control;
use crate::program::{CallbackProgram, OdeProgram};
use crate::real::Real;
use std::collections::HashMap;

/// The functions of the trajectories under way.
pub struct Controls<'a> {
    callbacks: &'a [CallbackProgram],
    /// By trajectory, then by callback; nothing where no callback is a function.
    made: HashMap<usize, Vec<Option<Control>>>,
    has_any: bool,
    reads: Vec<f64>,
    writes: Vec<f64>,
}

impl<'a> Controls<'a> {
    pub fn new(program: &'a OdeProgram) -> Self {
        let callbacks = &program.callbacks[..];
        let has_any = callbacks.iter().any(|callback| callback.function.is_some());
        Controls { callbacks, made: HashMap::new(), has_any, reads: Vec::new(), writes: Vec::new() }
    }

    /// Makes the functions of a trajectory.
    pub fn begin(&mut self, trajectory: usize) {
        if self.has_any {
            let make = |callback: &CallbackProgram| callback.function.as_ref().map(|function| function.make());
            self.made.insert(trajectory, self.callbacks.iter().map(make).collect());
        }
    }

    /// Drops them.
    pub fn end(&mut self, trajectory: usize) {
        if self.has_any {
            self.made.remove(&trajectory);
        }
    }

    /// Calls the function of a callback, `values` being what it reads. Slots that it leaves alone keep every bit, and what
    /// rounding took from them.
    pub fn fire<R: Real>(
        &mut self,
        (trajectory, number): (usize, usize),
        t: R,
        values: &[[R; 1]],
        y: &mut [[R; 1]],
        low: &mut [[R; 1]],
    ) {
        let made = self.made.get_mut(&trajectory);
        let control = made.and_then(|controls| controls[number].as_mut());
        let control = control.expect("the functions of a trajectory are made when it begins");
        let slots = &self.callbacks[number].slots;
        self.reads.clear();
        self.reads.extend(values.iter().map(|value| value[0].to_f64()));
        self.writes.clear();
        self.writes.extend(slots.iter().map(|slot| y[*slot as usize][0].to_f64()));
        control(t.to_f64(), &self.reads, &mut self.writes);
        for (slot, value) in slots.iter().zip(&self.writes) {
            let slot = *slot as usize;
            if value.to_bits() != y[slot][0].to_f64().to_bits() {
                (y[slot], low[slot]) = ([R::of(*value)], [R::ZERO]);
            }
        }
    }
}
