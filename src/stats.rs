//! Statistics of an ensemble at each save time, over the trajectories that succeeded. Where save times differ from
//! trajectory to trajectory there are none in common: then only over the last saved row of each.

use crate::solution::EnsembleResult;
use crate::status::Status;
use rayon::prelude::*;

/// Probabilities of the quantiles that are reported.
pub const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Statistics of one value at one save time. There is no NaN among the values, for a trajectory with one has not succeeded;
/// but an output may be infinite, and what is computed from it is then infinite or NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (n - 1); 0 for a single trajectory.
    pub std: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Quantiles at [`QUANTILES`], linearly interpolated between order statistics.
    pub quantiles: [f64; 5],
}

/// Statistics of all values at all save times.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Trajectories that went in.
    pub n_used: usize,
    /// Trajectories left out since they did not succeed.
    pub n_left_out: usize,
    /// `[save time][row]`; a single entry where save times differ; empty if no trajectory succeeded.
    pub moments: Vec<Vec<Moments>>,
}

impl Statistics {
    /// The statistics of a result at every save time; where these differ, as [`Statistics::at_end`].
    pub fn of(result: &EnsembleResult) -> Statistics {
        match result.times {
            None => Statistics::over(result, (0..result.t.len()).map(|save| move |_| save)),
            Some(_) => Statistics::at_end(result),
        }
    }

    /// The statistics at the last save time of each trajectory alone; `moments` has one entry.
    pub fn at_end(result: &EnsembleResult) -> Statistics {
        let last: Vec<usize> = (0..result.n_traj()).map(|i| result.n_saved(i).saturating_sub(1)).collect();
        let end = (!result.t.is_empty()).then_some(|i: usize| last[i]);
        Statistics::over(result, end.into_iter())
    }

    /// `saves` are functions from a trajectory to the number of its row.
    fn over<F: Fn(usize) -> usize + Sync>(result: &EnsembleResult, saves: impl Iterator<Item = F>) -> Statistics {
        let finished: Vec<usize> = (0..result.n_traj()).filter(|i| result.status[*i] == Status::Success).collect();
        let n_row = result.names.len();
        let at = |save: F| -> Vec<Moments> {
            let row = |row| moments(finished.iter().map(|i| result.saved[[save(*i), row, *i]]).collect());
            (0..n_row).into_par_iter().map(row).collect()
        };
        Statistics {
            n_used: finished.len(),
            n_left_out: result.n_traj() - finished.len(),
            moments: if finished.is_empty() { Vec::new() } else { saves.map(at).collect() },
        }
    }
}

/// Statistics of a list that is not empty.
fn moments(mut values: Vec<f64>) -> Moments {
    if values.iter().any(|x| x.is_nan()) {
        let nan = f64::NAN;
        return Moments { mean: nan, std: nan, min: nan, max: nan, quantiles: [nan; 5] };
    }
    let n = values.len() as f64;
    // Two passes: no cancellation between a large mean and a small spread.
    let mean = values.iter().sum::<f64>() / n;
    let sum_sq: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    let std = if values.len() > 1 { (sum_sq / (n - 1.0)).sqrt() } else { 0.0 };
    values.sort_unstable_by(f64::total_cmp);
    let quantiles = QUANTILES.map(|q| quantile(&values, q));
    Moments { mean, std, min: values[0], max: values[values.len() - 1], quantiles }
}

/// Quantile of sorted values, interpolated as NumPy and R (type 7) do by default.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    // Between equal values there is nothing to interpolate, and infinite ones have no difference.
    if low == high { low } else { low + at.fract() * (high - low) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_a_small_list() {
        let m = moments(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!((m.mean, m.min, m.max), (2.5, 1.0, 4.0));
        assert!((m.std - (5.0f64 / 3.0).sqrt()).abs() < 1e-15);
        // numpy.quantile([1, 2, 3, 4], [0.05, 0.25, 0.5, 0.75, 0.95])
        for (got, want) in m.quantiles.into_iter().zip([1.15, 1.75, 2.5, 3.25, 3.85]) {
            assert!((got - want).abs() < 1e-14, "{got} is not {want}");
        }
    }

    #[test]
    fn infinite_values_leave_the_quantiles_that_do_not_touch_them() {
        let m = moments(vec![1.0, f64::INFINITY, 3.0, f64::INFINITY, 2.0]);
        assert_eq!((m.mean, m.min, m.max), (f64::INFINITY, 1.0, f64::INFINITY));
        let [q05, q25, q50, q75, q95] = m.quantiles;
        assert!((q05 - 1.2).abs() < 1e-14, "{q05}");
        assert_eq!([q25, q50, q75, q95], [2.0, 3.0, f64::INFINITY, f64::INFINITY]);
    }

    #[test]
    fn a_large_mean_does_not_hide_the_spread() {
        let m = moments(vec![1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]);
        assert_eq!(m.std, 1.0);
    }
}
