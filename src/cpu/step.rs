//! One Runge-Kutta step of a block of lanes, its error norm and its interpolant. Twin of the generated WGSL functions
//! of the same names (`wgsl/step.rs`): same operations, same order.

use super::controller::{is_noise, ratio};
use super::dense::dense_weights;
use super::lane::{ErrorNorm, Tables};
use crate::program::{Evaluator, OdeProgram};
use crate::real::Real;

/// One value per state slot and lane.
pub type Block<R, const L: usize> = Vec<[R; L]>;

/// Work space of a block: the evaluator, the stages and the candidate.
pub struct Stepper<'a, R, const L: usize> {
    tables: &'a Tables<R>,
    rhs: Evaluator<'a, R, L>,
    /// Stages; the last is f(t + h, y1).
    pub k: Vec<Block<R, L>>,
    /// The state after the step, should it be accepted.
    pub y1_candidate: Block<R, L>,
    /// What rounding took from y before the step, and what it will have taken after it; empty if not carried along.
    pub low: Block<R, L>,
    pub low1: Block<R, L>,
    argument: Block<R, L>,
}

impl<'a, R: Real, const L: usize> Stepper<'a, R, L> {
    pub fn new(program: &'a OdeProgram, tables: &'a Tables<R>) -> Self {
        let zeros = || vec![[R::ZERO; L]; program.n_state()];
        Stepper {
            tables,
            rhs: Evaluator::new(&program.rhs),
            k: (0..tables.c.len()).map(|_| zeros()).collect(),
            y1_candidate: zeros(),
            low: if tables.compensated { zeros() } else { Vec::new() },
            low1: if tables.compensated { zeros() } else { Vec::new() },
            argument: zeros(),
        }
    }

    /// Derivative of each lane.
    pub fn rhs(&mut self, t: &[R; L], y: &[[R; L]], p: &[[R; L]], result: &mut [[R; L]]) {
        self.rhs.evaluate(t, y, p, result);
    }

    /// Fills the stages from the second on and the candidate; `k[0]` holds f(t, y).
    pub fn rk_step(&mut self, t: &[R; L], y: &[[R; L]], p: &[[R; L]], h: &[R; L]) {
        let last = self.tables.a.len() - 1;
        for (stage, terms) in self.tables.a.iter().enumerate() {
            let (done, rest) = self.k.split_at_mut(stage + 1);
            let argument = if stage == last { &mut self.y1_candidate } else { &mut self.argument };
            increments(argument, h, terms, done);
            if stage == last && self.tables.compensated {
                compensated_sum(argument, y, &self.low, &mut self.low1);
            } else {
                add_to(argument, y);
            }
            let c = self.tables.c[stage + 1];
            let t_stage = std::array::from_fn(|lane| t[lane] + c * h[lane]);
            self.rhs.evaluate(&t_stage, argument, p, &mut rest[0]);
        }
    }

    /// Mean squares of the error in tolerance units for each lane: of all slots, and of those alone where it is within
    /// the rounding of y.
    pub fn error_norm_sq(&self, y: &[[R; L]], h: &[R; L]) -> [ErrorNorm<R>; L] {
        let mut norms = [ErrorNorm { sq: R::ZERO, noise_sq: R::ZERO }; L];
        let mut second = [R::ZERO; L];
        for (slot, y) in y.iter().enumerate() {
            let error = weighted_sum(&self.tables.error, slot, &self.k);
            let (rtol, atol) = (self.tables.rtol[slot], self.tables.atol[slot]);
            for lane in 0..L {
                let error = h[lane] * error[lane];
                let size = y[lane].abs().greater(self.y1_candidate[slot][lane].abs());
                let e = ratio(error, atol + rtol * size);
                let norm = &mut norms[lane];
                norm.sq = norm.sq + e * e;
                if is_noise(error, size) {
                    norm.noise_sq = norm.noise_sq + e * e;
                }
            }
            if !self.tables.second_error.is_empty() {
                let error = weighted_sum(&self.tables.second_error, slot, &self.k);
                for lane in 0..L {
                    let size = y[lane].abs().greater(self.y1_candidate[slot][lane].abs());
                    // Bounded, so that no square overflows.
                    let e = ratio(h[lane] * error[lane], atol + rtol * size).abs().lesser(R::of_f32(1e15));
                    second[lane] = second[lane] + e * e;
                }
            }
        }
        let n = R::of_u32(self.y1_candidate.len().max(1) as u32);
        let mut norms = norms.map(|norm| ErrorNorm { sq: norm.sq / n, noise_sq: norm.noise_sq / n });
        if !self.tables.second_error.is_empty() {
            for (norm, second) in norms.iter_mut().zip(second) {
                *norm = corrected(*norm, second / n);
            }
        }
        norms
    }

    /// 1 and the slot of the first number of each lane's candidate that is not finite, 0 if all are.
    pub fn first_non_finite(&self) -> [u32; L] {
        let mut culprit = [0; L];
        for (slot, y1) in self.y1_candidate.iter().enumerate().rev() {
            for lane in 0..L {
                if !y1[lane].is_finite() {
                    culprit[lane] = slot as u32 + 1;
                }
            }
        }
        culprit
    }

    /// The state of one lane at t + theta h; `dense` are the stages that only dense output uses.
    pub fn interpolate(&self, y: &[[R; L]], dense: &[Block<R, 1>], h: R, theta: R, lane: usize, result: &mut [[R; 1]]) {
        let weights = dense_weights(self.tables, theta);
        let n_stage = self.k.len();
        for (slot, result) in result.iter_mut().enumerate() {
            let k = |stage: usize| match stage.checked_sub(n_stage) {
                Some(stage) => dense[stage][slot][0],
                None => self.k[stage][slot][lane],
            };
            let mut terms = weights.iter().map(|(stage, weight)| *weight * k(*stage));
            let first = terms.next().unwrap_or(R::ZERO);
            let sum = terms.fold(first, |sum, term| sum + term);
            result[0] = y[slot][lane] + h * sum;
        }
    }
}

/// The norm with a second estimate of that mean square: e^2 / sqrt(e^2 + 0.01 e'^2), squared.
fn corrected<R: Real>(norm: ErrorNorm<R>, second: R) -> ErrorNorm<R> {
    let part = ratio(norm.sq, norm.sq + R::of(0.01) * second);
    ErrorNorm { sq: norm.sq * part, noise_sq: norm.noise_sq * part }
}

/// h sum(weight k); a stage of one term shares the product of step size and weight.
fn increments<R: Real, const L: usize>(out: &mut [[R; L]], h: &[R; L], terms: &[(usize, R)], k: &[Block<R, L>]) {
    if let [(stage, weight)] = *terms {
        let h_weight = h.map(|h| h * weight);
        for (slot, out) in out.iter_mut().enumerate() {
            for lane in 0..L {
                out[lane] = h_weight[lane] * k[stage][slot][lane];
            }
        }
        return;
    }
    for (slot, out) in out.iter_mut().enumerate() {
        let sum = weighted_sum(terms, slot, k);
        for lane in 0..L {
            out[lane] = h[lane] * sum[lane];
        }
    }
}

/// y + increment, in place of the increment.
fn add_to<R: Real, const L: usize>(increment: &mut [[R; L]], y: &[[R; L]]) {
    for (out, y) in increment.iter_mut().zip(y) {
        for lane in 0..L {
            out[lane] = y[lane] + out[lane];
        }
    }
}

/// y1 = y + (increment + low), in place of the increment, and what the sum's rounding took: T. Dekker's fast two-sum, as
/// for time.
fn compensated_sum<R: Real, const L: usize>(
    increment: &mut [[R; L]],
    y: &[[R; L]],
    low: &[[R; L]],
    low1: &mut [[R; L]],
) {
    for (slot, out) in increment.iter_mut().enumerate() {
        for lane in 0..L {
            let change = out[lane] + low[slot][lane];
            let sum = y[slot][lane] + change;
            low1[slot][lane] = change - (sum - y[slot][lane]);
            out[lane] = sum;
        }
    }
}

/// 1 and the position of the first number that is not finite, 0 if all are.
pub fn first_non_finite<R: Real>(numbers: impl Iterator<Item = R>) -> u32 {
    numbers.zip(1..).find_map(|(x, position)| (!x.is_finite()).then_some(position)).unwrap_or(0)
}

/// sum(weight k) of one state slot, in the order of the terms.
fn weighted_sum<R: Real, const L: usize>(terms: &[(usize, R)], slot: usize, k: &[Block<R, L>]) -> [R; L] {
    let mut sum = [R::ZERO; L];
    for (n, (stage, weight)) in terms.iter().enumerate() {
        let k = &k[*stage][slot];
        for lane in 0..L {
            let term = *weight * k[lane];
            sum[lane] = if n == 0 { term } else { sum[lane] + term };
        }
    }
    sum
}

/// Mean square of `v` in tolerance units of `y`, for one lane.
pub fn scaled_norm_sq<R: Real>(tables: &Tables<R>, v: &[[R; 1]], y: &[[R; 1]]) -> R {
    let mut sum = R::ZERO;
    for (slot, (v, y)) in v.iter().zip(y).enumerate() {
        let e = ratio(v[0], tables.atol[slot] + tables.rtol[slot] * y[0].abs()).abs().lesser(R::of_f32(1e15));
        sum = sum + e * e;
    }
    sum / R::of_u32(v.len().max(1) as u32)
}
