//! Initial values and parameters: plain numbers, and expressions of each other in order of evaluation.

use super::is_param;
use super::layout::Place;
use super::scope::{At, Names};
use crate::error::{Error, Result};
use crate::expr::Node;
use crate::expr::value::Elements;
use crate::program::{Evaluator, Program};
use crate::spec::{Map, Source};

/// An initial value or parameter that is an expression, evaluated for each trajectory after its inputs are drawn.
#[derive(Debug, Clone)]
pub struct InitialValue {
    /// Whether the slot is a state (else a parameter).
    pub is_state: bool,
    /// The slot.
    pub slot: usize,
    /// One result, of t0, states and parameters.
    pub program: Program,
}

/// Programs of the values that are not plain numbers, each after those that it reads.
pub fn initial_values(places: &Map<Place>, names: &mut Names) -> Result<Vec<InitialValue>> {
    let mut pending: Vec<(InitialValue, String)> = Vec::new();
    for place in places.values().filter(|p| !p.is_output()) {
        for i in 0..place.len {
            let path = if place.vector { format!("{}[{i}]", place.path) } else { place.path.clone() };
            let id = match names.number(place.element(i), &path, At::Initial(&place.owner.0, &place.owner.1), None)? {
                Elements::Scalar(id) => id,
                Elements::Vector(_) => return Err(Error::model(path, "expected a single number")),
            };
            if !matches!(place.element(i), Source::Number(_)) {
                let program = Program::lower(&names.graph, &[id]);
                pending.push((InitialValue { is_state: place.is_state(), slot: place.start + i, program }, path));
            }
        }
    }
    let mut ordered = Vec::new();
    while !pending.is_empty() {
        let slots: Vec<Node> = pending.iter().map(|(value, _)| value.leaf()).collect();
        let ready = |value: &InitialValue| !value.program.nodes.iter().any(|node| slots.contains(node));
        let (done, rest): (Vec<_>, Vec<_>) = pending.into_iter().partition(|(value, _)| ready(value));
        if done.is_empty() {
            let paths: Vec<&str> = rest.iter().map(|(_, path)| path.as_str()).collect();
            let cycle = match paths[..] {
                [only] => format!("'{only}' needs itself"),
                _ => format!("{} need each other", paths.join(", ")),
            };
            return Err(Error::model(paths[0], format!("cyclic definition: {cycle}")));
        }
        ordered.extend(done.into_iter().map(|(value, _)| value));
        pending = rest;
    }
    Ok(ordered)
}

impl InitialValue {
    /// The leaf node that reads this slot.
    fn leaf(&self) -> Node {
        if self.is_state { Node::State(self.slot as u32) } else { Node::Param(self.slot as u32) }
    }

    /// Evaluates the expression into its slot.
    pub fn evaluate(&self, t0: f64, x0: &mut [f64], p: &mut [f64]) {
        let block = |values: &[f64]| values.iter().map(|v| [*v]).collect::<Vec<_>>();
        let mut result = [[0.0]];
        Evaluator::<f64, 1>::new(&self.program).evaluate(&[t0], &block(x0), &block(p), &mut result);
        let target = if self.is_state { &mut x0[self.slot] } else { &mut p[self.slot] };
        *target = result[0][0];
    }
}

/// Default initial state and parameters, expressions evaluated at `t0`.
pub fn defaults(places: &Map<Place>, initial_values: &[InitialValue], t0: f64) -> Result<(Vec<f64>, Vec<f64>)> {
    let plain = |pick: fn(&Place) -> bool| -> Vec<f64> {
        let chosen = places.values().filter(|p| pick(p));
        chosen.flat_map(|p| (0..p.len).map(|i| if let Source::Number(x) = p.element(i) { *x } else { 0.0 })).collect()
    };
    let (mut x0, mut p) = (plain(Place::is_state), plain(is_param));
    initial_values.iter().for_each(|value| value.evaluate(t0, &mut x0, &mut p));
    Ok((x0, p))
}
