//! Dense output of one lane: the stages that only it uses, and the weights of all stages at a point of the step. Twin of the
//! generated WGSL functions `dense_stages` and `interpolate` (`wgsl/step.rs`): same operations, same order.

use super::lane::Tables;
use super::rhs::ScalarRhs;
use crate::method::DenseForm;
use crate::program::OdeProgram;
use crate::real::Real;

/// The stages of one step of one lane that only dense output uses.
pub struct DenseStages<'a, R> {
    tables: &'a Tables<R>,
    rhs: ScalarRhs<'a, R>,
    /// They follow the stages of the step, the last of which is f(t + h, y1).
    pub k: Vec<Vec<[R; 1]>>,
    argument: Vec<[R; 1]>,
}

impl<'a, R: Real> DenseStages<'a, R> {
    pub fn new(program: &'a OdeProgram, tables: &'a Tables<R>) -> Self {
        let zeros = || vec![[R::ZERO]; program.n_state()];
        DenseStages {
            tables,
            rhs: ScalarRhs::new(program),
            k: tables.dense_stages.iter().map(|_| zeros()).collect(),
            argument: zeros(),
        }
    }

    /// Computes them, their times with the step `h_time`; `y` gives a slot of the state before the step, `step_k` a slot of one of the step's stages.
    pub fn dense_stages(
        &mut self,
        t: R,
        y: impl Fn(usize) -> R,
        step_k: impl Fn(usize, usize) -> R,
        p: &[[R; 1]],
        (h, h_time): (R, R),
    ) {
        let n_stage = self.tables.c.len();
        for (n, (c, terms)) in self.tables.dense_stages.iter().enumerate() {
            let (done, rest) = self.k.split_at_mut(n);
            let k = |stage: usize, slot: usize| match stage.checked_sub(n_stage) {
                Some(stage) => done[stage][slot][0],
                None => step_k(stage, slot),
            };
            for (slot, out) in self.argument.iter_mut().enumerate() {
                out[0] = y(slot) + increment(h, terms, |stage| k(stage, slot));
            }
            self.rhs.evaluate(t + *c * h_time, &self.argument, p, &mut rest[0]);
        }
    }
}

/// h sum(weight k); a stage of one term shares the product of step size and weight.
fn increment<R: Real>(h: R, terms: &[(usize, R)], k: impl Fn(usize) -> R) -> R {
    if let [(stage, weight)] = *terms {
        return (h * weight) * k(stage);
    }
    let mut products = terms.iter().map(|(stage, weight)| *weight * k(*stage));
    let first = products.next().unwrap_or(R::ZERO);
    h * products.fold(first, |sum, product| sum + product)
}

/// The weight at theta of each stage that takes part.
pub fn dense_weights<R: Real>(tables: &Tables<R>, theta: R, weights: &mut Vec<(usize, R)>) {
    let weight: fn(&[R], R) -> R = match tables.dense_form {
        DenseForm::Powers => powers,
        DenseForm::Hermite => hermite,
    };
    weights.clear();
    weights.extend(tables.dense.iter().map(|(stage, row)| (*stage, weight(row, theta))));
}

/// theta (w_1 + theta (w_2 + ...)).
fn powers<R: Real>(row: &[R], theta: R) -> R {
    let mut reversed = row.iter().rev();
    let last = reversed.next().copied().unwrap_or(R::ZERO);
    theta * reversed.fold(last, |sum, w| *w + theta * sum)
}

/// theta (w_1 + u (w_2 + theta (w_3 + u (w_4 + x (w_5 + ...))))), without the coefficients that are 0.
fn hermite<R: Real>(row: &[R], theta: R) -> R {
    let u = R::ONE - theta;
    let x = theta - R::of_f32(0.5);
    let mut sum = None;
    for (n, w) in row.iter().enumerate().rev() {
        let coefficient = (*w != R::ZERO).then_some(*w);
        let inner = match (coefficient, sum) {
            (Some(w), Some(sum)) => Some(w + sum),
            (w, sum) => w.or(sum),
        };
        let factor = match n {
            0 | 2 => theta,
            1 | 3 => u,
            _ => x,
        };
        sum = inner.map(|inner| factor * inner);
    }
    sum.unwrap_or(R::ZERO)
}
