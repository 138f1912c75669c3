//! Parts of an ensemble to the whole: moments and comoments of two sets of trajectories to those of both.
//!
//! T. Chan, G. Golub, R. LeVeque, "Algorithms for computing the sample variance: analysis and recommendations", The American
//! Statistician 37 (1983) 242-247, equations 2.1: no difference of large sums is taken, so that a large mean does not hide a
//! small spread. The result depends on the order in which parts are merged by rounding alone; who merges block after block
//! gets the same bits every time.

use super::{Accumulator, Comoment, StepCount};

/// Where a smallest or largest value has no trajectory.
const NOBODY: u64 = u64::MAX;

impl Default for Accumulator {
    fn default() -> Self {
        Accumulator::EMPTY
    }
}

impl Accumulator {
    /// Of no values.
    pub const EMPTY: Accumulator = Accumulator {
        n: 0,
        mean: 0.0,
        m2: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        argmin: NOBODY,
        argmax: NOBODY,
    };

    /// Takes the extremes in: the first of equal ones stays, and what is not a number is never one.
    pub(super) fn see(&mut self, min: (f64, u64), max: (f64, u64)) {
        if min.0 < self.min || (min.0 == self.min && self.argmin == NOBODY) {
            (self.min, self.argmin) = min;
        }
        if max.0 > self.max || (max.0 == self.max && self.argmax == NOBODY) {
            (self.max, self.argmax) = max;
        }
    }

    /// Adds the values of later trajectories.
    pub fn merge(&mut self, later: &Accumulator) {
        if later.n == 0 {
            return;
        }
        if self.n == 0 {
            *self = *later;
            return;
        }
        let n = (self.n + later.n) as f64;
        let (part, later_part) = (self.n as f64 / n, later.n as f64 / n);
        let delta = later.mean - self.mean;
        self.m2 += later.m2 + delta * delta * (self.n as f64 * later_part);
        self.mean = merged_mean((self.mean, part), (later.mean, later_part), delta);
        self.n += later.n;
        self.see((later.min, later.argmin), (later.max, later.argmax));
    }

    /// Sample variance (n - 1); 0 for a single value, NaN for none and where values are infinite.
    pub fn variance(&self) -> f64 {
        match self.n {
            0 => f64::NAN,
            // Of a single infinite value it is NaN.
            1 => self.m2,
            n => self.m2 / (n - 1) as f64,
        }
    }
}

impl Comoment {
    /// Adds the pairs of later trajectories.
    pub fn merge(&mut self, later: &Comoment) {
        if later.n == 0 {
            return;
        }
        if self.n == 0 {
            *self = *later;
            return;
        }
        let n = (self.n + later.n) as f64;
        let (part, later_part) = (self.n as f64 / n, later.n as f64 / n);
        let (delta_a, delta_b) = (later.mean_a - self.mean_a, later.mean_b - self.mean_b);
        self.c += later.c + delta_a * delta_b * (self.n as f64 * later_part);
        self.mean_a = merged_mean((self.mean_a, part), (later.mean_a, later_part), delta_a);
        self.mean_b = merged_mean((self.mean_b, part), (later.mean_b, later_part), delta_b);
        self.n += later.n;
    }

    /// Sample covariance (n - 1); 0 for a single pair, NaN for none.
    pub fn covariance(&self) -> f64 {
        match self.n {
            0 => f64::NAN,
            1 => self.c,
            n => self.c / (n - 1) as f64,
        }
    }
}

/// The mean of two sets, of each the mean and its part of all values. Infinite means have no difference to go by.
fn merged_mean((mean, part): (f64, f64), (later, later_part): (f64, f64), delta: f64) -> f64 {
    if delta.is_finite() { mean + delta * later_part } else { mean * part + later * later_part }
}

impl StepCount {
    /// Adds the steps of other trajectories.
    pub fn merge(&mut self, other: &StepCount) {
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tally::{comoment_of, moments_of};
    use super::*;

    fn accumulator(values: &[f64], first: u64) -> Accumulator {
        moments_of(values.iter().enumerate().map(|(i, x)| (first + i as u64, *x)))
    }

    /// 3000 values around a large mean, exact to the last bit: whole multiples of 2^-20.
    fn values() -> Vec<f64> {
        (0..3000u64).map(|i| 1e6 + ((i * 7919) % 1024) as f64 / 1_048_576.0).collect()
    }

    #[test]
    fn a_large_mean_does_not_hide_the_spread() {
        let values = values();
        let mut merged = accumulator(&values[..1000], 0);
        merged.merge(&accumulator(&values[1000..], 1000));
        let offsets: Vec<f64> = values.iter().map(|x| (x - 1e6) * 1_048_576.0).collect();
        let (n, sum) = (offsets.len() as f64, offsets.iter().sum::<f64>());
        // Whole numbers below 2^53: exact.
        let squares: f64 = offsets.iter().map(|k| k * k).sum();
        let variance = (squares - sum * sum / n) / (n - 1.0) / 1_048_576f64.powi(2);
        // A unit in the last place of 1e6 is 1.2e-10, of the spread of 3e-4 a relative 4e-7; its square is what is left of it
        // after two passes, and the merge adds the rounding of the two means.
        assert!((merged.variance() / variance - 1.0).abs() < 1e-6, "{} is not {variance}", merged.variance());
        assert!((merged.mean - (1e6 + sum / n / 1_048_576.0)).abs() < 2.4e-10, "two units in the last place");
        assert_eq!((merged.n, merged.min, merged.argmin), (3000, 1e6, 0));
        assert_eq!(merged.max, 1e6 + 1023.0 / 1_048_576.0);
        assert_eq!(values[merged.argmax as usize], merged.max);
        assert_eq!(values.iter().position(|x| *x == merged.max), Some(merged.argmax as usize), "the first of several");
    }

    #[test]
    fn empty_parts_change_nothing() {
        let whole = accumulator(&[3.0, 1.0, 2.0], 5);
        let mut merged = Accumulator::EMPTY;
        for part in [Accumulator::EMPTY, whole, Accumulator::EMPTY] {
            merged.merge(&part);
        }
        assert_eq!(merged, whole);
        assert_eq!((whole.mean, whole.m2, whole.argmin, whole.argmax), (2.0, 2.0, 6, 5));
        assert!(Accumulator::EMPTY.variance().is_nan());
        assert_eq!(accumulator(&[4.0], 0).variance(), 0.0);
    }

    #[test]
    fn infinite_values_make_the_mean_infinite_whatever_the_parts() {
        let infinity = f64::INFINITY;
        let parts: [(&[f64], &[f64]); 4] = [
            (&[1.0, infinity], &[2.0]),
            (&[1.0], &[infinity, 2.0]),
            (&[infinity], &[infinity]),
            (&[infinity, infinity], &[5.0, 6.0, 7.0]),
        ];
        for (early, late) in parts {
            let mut merged = accumulator(early, 0);
            merged.merge(&accumulator(late, early.len() as u64));
            assert_eq!((merged.mean, merged.max), (infinity, infinity), "{early:?}, {late:?}");
            assert!(merged.variance().is_nan(), "{early:?}, {late:?}: {}", merged.variance());
        }
        let mut both = accumulator(&[infinity, 1.0], 0);
        both.merge(&accumulator(&[-infinity], 2));
        assert!(both.mean.is_nan());
        assert_eq!((both.min, both.argmin, both.max, both.argmax), (-infinity, 2, infinity, 0));
        let all = accumulator(&[infinity, infinity], 7);
        assert_eq!((all.min, all.argmin, all.argmax), (infinity, 7, 7));
    }

    #[test]
    fn comoments_add_up() {
        let pairs: Vec<(f64, f64)> = (0..100).map(|i| (f64::from(i), f64::from((i * i) % 17))).collect();
        let mut merged = comoment_of(pairs[..30].iter().copied());
        merged.merge(&comoment_of(pairs[30..].iter().copied()));
        let n = pairs.len() as f64;
        let (a, b) = (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
        let c: f64 = pairs.iter().map(|p| (p.0 - a) * (p.1 - b)).sum::<f64>() / (n - 1.0);
        // A hundred products of numbers below 100, each rounded to 2^-53 of itself.
        assert!((merged.covariance() - c).abs() < 1e-11, "{} is not {c}", merged.covariance());
        assert_eq!(merged.n, 100);
    }
}
