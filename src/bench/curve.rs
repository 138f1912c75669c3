//! What a workload must give whose trajectories are not kept: the end of any of them, as a function of the one parameter
//! that varies, from a file beside this one. Means and variances over any inputs follow.

use crate::error::{Error, Result};
use rayon::prelude::*;
use serde_json::Value;
use std::ops::Range;

/// Trajectories whose sums are one: so many that a thread is busy, so few that rounding is far below the series' own error.
const BLOCK: u64 = 1 << 14;

/// Ends as a Chebyshev series in the parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// How it was computed.
    pub source: String,
    /// Name of the parameter.
    pub parameter: String,
    /// Where the series holds.
    pub range: (f64, f64),
    /// Coefficients, `[state][degree]`.
    pub coefficients: Vec<Vec<f64>>,
}

impl Curve {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Model`] with the entry that is missing or has the wrong size.
    pub fn from_json(text: &str) -> Result<Curve> {
        let file: Value = serde_json::from_str(text).map_err(|e| Error::model("", e.to_string()))?;
        let wrong = |path: &str| Error::model(path, "missing, or not what a curve holds");
        let numbers = |value: &Value| value.as_array()?.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>();
        let word = |path: &str| file[path].as_str().map(str::to_string).ok_or_else(|| wrong(path));
        let coefficients: Option<Vec<Vec<f64>>> =
            file["chebyshev"].as_array().and_then(|rows| rows.iter().map(numbers).collect());
        Ok(Curve {
            source: word("source")?,
            parameter: word("parameter")?,
            range: match numbers(&file["range"]).as_deref() {
                Some(&[low, high]) if low < high => (low, high),
                _ => return Err(wrong("range")),
            },
            coefficients: coefficients.filter(|rows| !rows.is_empty()).ok_or_else(|| wrong("chebyshev"))?,
        })
    }

    /// A state at the end, by Clenshaw's recurrence.
    pub fn end(&self, state: usize, parameter: f64) -> f64 {
        let (low, high) = self.range;
        let x = (2.0 * parameter - low - high) / (high - low);
        let fold = |(b1, b2): (f64, f64), c: &f64| (2.0 * x * b1 - b2 + c, b1);
        let (b1, b2) = self.coefficients[state].iter().rev().fold((0.0, 0.0), fold);
        b1 - x * b2
    }

    /// Means of all states at the end, then their sample variances, over `n` trajectories of whose ranges
    /// `parameters` gives the parameter.
    pub fn statistics(&self, n: u64, parameters: impl Fn(Range<u64>) -> Vec<f64> + Sync) -> Vec<f64> {
        let n_state = self.coefficients.len();
        // Differences from a value nearby keep the squares small.
        let center: Vec<f64> = (0..n_state).map(|state| self.end(state, 0.5 * (self.range.0 + self.range.1))).collect();
        let sums = |block: u64| {
            let parameters = parameters(block * BLOCK..n.min((block + 1) * BLOCK));
            let of = |state: usize| {
                let differences = parameters.iter().map(|parameter| self.end(state, *parameter) - center[state]);
                differences.fold((0.0, 0.0), |(sum, squares), d| (sum + d, squares + d * d))
            };
            (0..n_state).map(of).collect::<Vec<_>>()
        };
        let blocks: Vec<Vec<(f64, f64)>> = (0..n.div_ceil(BLOCK)).into_par_iter().map(sums).collect();
        let total = |state: usize| {
            let of_state = blocks.iter().map(|block| block[state]);
            let (sum, squares) = of_state.fold((0.0, 0.0), |total, block| (total.0 + block.0, total.1 + block.1));
            (sum / n as f64, squares)
        };
        let means = (0..n_state).map(|state| center[state] + total(state).0);
        let variance = |(mean, squares): (f64, f64)| (squares - n as f64 * mean * mean) / (n as f64 - 1.0);
        let variances = (0..n_state).map(|state| variance(total(state)));
        means.chain(variances).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::reference::rel_error;
    use crate::bench::{WORKLOADS, Workload, workload::Kept};

    fn lorenz_stats() -> &'static Workload {
        WORKLOADS.iter().find(|workload| workload.kept == Kept::Statistics).expect("a workload of statistics")
    }

    /// The ends of the same model that were computed in quadruple precision: the curve's own error is 3e-10.
    #[test]
    fn the_curve_goes_through_the_references() {
        let (curve, reference) = (lorenz_stats().curve().expect("a curve"), WORKLOADS[0].reference().expect("ends"));
        assert_eq!(curve.parameter, reference.inputs[0].0);
        let end = |rho: &f64| (0..3).map(|state| curve.end(state, *rho)).collect();
        let ends: Vec<Vec<f64>> = reference.inputs[0].1.iter().map(end).collect();
        assert!(rel_error(&ends, &reference.ends) < 5e-10, "{:e}", rel_error(&ends, &reference.ends));
    }

    #[test]
    fn statistics_of_a_line() {
        let curve = Curve {
            source: String::new(),
            parameter: "k".to_string(),
            range: (0.0, 4.0),
            coefficients: vec![vec![1.0, 2.0], vec![0.0, -2.0]],
        };
        // k - 1 and 2 - k at k = 0, 1, ..., 4 over and over: the mean of k is 2, the mean square of
        // what it differs by 2.
        let n = 5 * BLOCK;
        let got = curve.statistics(n, |range| range.map(|i| (i % 5) as f64).collect());
        let variance = 2.0 * n as f64 / (n as f64 - 1.0);
        let want = [1.0, 0.0, variance, variance];
        // Sums of 80,000 small whole numbers are exact.
        assert_eq!(got, want);
    }

    #[test]
    fn a_broken_file_says_where() {
        let message = Curve::from_json(r#"{"source": "", "parameter": "k", "range": [1, 0]}"#).expect_err("no range");
        assert_eq!(message.to_string(), "range: missing, or not what a curve holds");
    }
}
