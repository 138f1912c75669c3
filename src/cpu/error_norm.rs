//! The error norm of a step for a block of lanes. Twin of the generated WGSL functions of the same names (`wgsl/step.rs`): same
//! operations, same order; machine code has taken it with the step (`machine/step.rs`).

use super::controller::{is_noise, ratio};
use super::lane::ErrorNorm;
use super::step::Stepper;
use crate::real::Real;

impl<R: Real, const C: usize> Stepper<'_, R, C> {
    /// Mean squares of the error in tolerance units for each lane.
    #[inline(always)]
    pub fn error_norm_sq(&mut self) {
        if self.engine.is_some() {
            return;
        }
        let n = R::of_u32(self.n_state.max(1) as u32);
        let at = self.at;
        for chunk in 0..self.width {
            let h = self.rows[at.h + chunk];
            let (mut sq, mut noise_sq) = ([R::ZERO; C], [R::ZERO; C]);
            for slot in 0..self.n_state {
                let offset = slot * self.stride + chunk;
                let error = self.weighted_sum(&self.tables.error, offset);
                let (y, y1) = (self.rows[at.y + offset], self.rows[at.y1_candidate + offset]);
                let (rtol, atol) = (self.tables.rtol[slot], self.tables.atol[slot]);
                for i in 0..C {
                    let error = h[i] * error[i];
                    let size = y[i].abs().greater(y1[i].abs());
                    let e = ratio(error, atol + rtol * size);
                    sq[i] = sq[i] + e * e;
                    noise_sq[i] = noise_sq[i] + if is_noise(error, size) { e * e } else { R::ZERO };
                }
            }
            for i in 0..C {
                sq[i] = sq[i] / n;
                noise_sq[i] = noise_sq[i] / n;
            }
            if !self.tables.second_error.is_empty() {
                let second = self.second_error_sq(chunk, h);
                for i in 0..C {
                    let norm = corrected(ErrorNorm { sq: sq[i], noise_sq: noise_sq[i] }, second[i] / n);
                    (sq[i], noise_sq[i]) = (norm.sq, norm.noise_sq);
                }
            }
            self.rows[at.norm_sq + chunk] = sq;
            self.rows[at.noise_sq + chunk] = noise_sq;
        }
    }

    /// Sum of the squares of a second error estimate, in tolerance units and bounded, so that none overflows.
    #[inline(always)]
    fn second_error_sq(&self, chunk: usize, h: [R; C]) -> [R; C] {
        let mut sq = [R::ZERO; C];
        for slot in 0..self.n_state {
            let offset = slot * self.stride + chunk;
            let error = self.weighted_sum(&self.tables.second_error, offset);
            let (y, y1) = (self.rows[self.at.y + offset], self.rows[self.at.y1_candidate + offset]);
            let (rtol, atol) = (self.tables.rtol[slot], self.tables.atol[slot]);
            for i in 0..C {
                let size = y[i].abs().greater(y1[i].abs());
                let e = ratio(h[i] * error[i], atol + rtol * size).abs().lesser(R::of_f32(1e15));
                sq[i] = sq[i] + e * e;
            }
        }
        sq
    }

    /// Whether the candidate of any lane is not finite.
    #[inline(always)]
    pub fn is_unbounded(&self) -> bool {
        let mut any = false;
        if self.engine.is_some() {
            for sum in self.rows[self.at.unbounded..self.at.unbounded + self.width].as_flattened() {
                any |= !(*sum == R::ZERO);
            }
            return any;
        }
        for chunk in 0..self.width {
            let mut sum = [R::ZERO; C];
            for slot in 0..self.n_state {
                let y1 = self.rows[self.at.y1_candidate + slot * self.stride + chunk];
                for (sum, y1) in sum.iter_mut().zip(y1) {
                    // Adds 0 for a finite number, and NaN for any other.
                    *sum = *sum + y1 * R::ZERO;
                }
            }
            for sum in sum {
                any |= !(sum == R::ZERO);
            }
        }
        any
    }
}

/// The norm with a second estimate of that mean square: e^2 / sqrt(e^2 + 0.01 e'^2), squared.
#[inline(always)]
fn corrected<R: Real>(norm: ErrorNorm<R>, second: R) -> ErrorNorm<R> {
    let part = ratio(norm.sq, norm.sq + R::of(0.01) * second);
    ErrorNorm { sq: norm.sq * part, noise_sq: norm.noise_sq * part }
}
