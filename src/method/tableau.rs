//! Butcher tableaus that check themselves.
//!
//! A [`Tableau`] is the numbers of a published method. [`Stages`] is what the integrators use: zero coefficients
//! dropped, and a last stage f(t + h, y1) in every method, which is the first stage of the next step. A method with
//! the first-same-as-last property has that stage anyway; for the others it costs nothing, since the next step would
//! compute it, and gives every method a derivative at both ends for its dense output.

use crate::error::{Error, Result};

/// An explicit Runge-Kutta method: E. Hairer, S. Nørsett, G. Wanner, "Solving Ordinary Differential Equations I", 2nd
/// edition, section II.1.
#[derive(Debug, Clone, PartialEq)]
pub struct Tableau {
    /// Name on the command line and in files.
    pub name: &'static str,
    /// Where the numbers are from.
    pub source: &'static str,
    /// Order of the solution.
    pub order: u32,
    /// Nodes c, one for each stage; the first is 0.
    pub c: &'static [f64],
    /// Rows of the lower triangle a, from the second stage on.
    pub a: &'static [&'static [f64]],
    /// Weights of the solution.
    pub b: &'static [f64],
    /// The error estimate, if there is one.
    pub error: Option<ErrorEstimate>,
    /// Published dense output, if there is one; else cubic Hermite interpolation is used.
    pub dense: Option<Dense>,
}

/// An embedded error estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorEstimate {
    /// Weights of the estimate itself, the difference of two solutions: the local error is h sum(w_i k_i). One more
    /// weight than stages means that f(t + h, y1) takes part.
    pub weights: &'static [f64],
    /// Weights of a second estimate of a lower order that corrects the first, empty if there is none. With the norms e
    /// of the first and e' of the second in tolerance units the error is e^2 / sqrt(e^2 + 0.01 e'^2): that of the first,
    /// less where the second is more than ten times as large (Hairer, Nørsett, Wanner, section II.10).
    pub second: &'static [f64],
    /// The estimate is O(h^exponent): one more than the lower order of the two solutions; with a second estimate twice
    /// the exponent of the first less that of the second. The step controller takes this root of the error.
    pub exponent: u32,
}

/// Dense output: y(t + theta h) = y + h sum over i of b_i(theta) k_i.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dense {
    /// Nodes of stages that only dense output uses; they are computed where a save time falls inside a step.
    pub c: &'static [f64],
    /// Their rows of a: over all stages, f(t + h, y1) included, and those of these stages before it.
    pub a: &'static [&'static [f64]],
    /// How b_i(theta) is written.
    pub form: DenseForm,
    /// One row for each stage, f(t + h, y1) and the stages above included.
    pub weights: &'static [&'static [f64]],
    /// Order of the interpolant.
    pub order: u32,
}

/// How the weights of a dense output are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenseForm {
    /// Ascending powers of theta, from the first on.
    Powers,
    /// What is added to cubic Hermite interpolation: theta^2 (1 - theta)^2 times ascending powers of theta - 1/2, from
    /// power 0 on. In powers of theta interpolants of high order have coefficients of up to 1e5 that cancel, and f32
    /// would lose five digits; so written they lose one.
    Hermite,
}

impl Tableau {
    /// Checks the numbers: sizes, sum of each row of a equal to c, sum of b equal to 1, sum of error weights equal to 0.
    ///
    /// # Errors
    /// [`Error::Method`] with the row at fault.
    pub fn check(&self) -> Result<()> {
        let stages = self.c.len();
        let fail = |what: String| Err(Error::Method(format!("tableau '{}': {what}", self.name)));
        let near = |x: f64, y: f64| (x - y).abs() <= 1e-12;
        if stages == 0 || self.b.len() != stages || self.a.len() + 1 != stages {
            let (a, b) = (self.a.len(), self.b.len());
            return fail(format!("{stages} nodes c need {stages} weights b and one row of a less, found {b} and {a}"));
        }
        for (i, c) in self.c.iter().enumerate() {
            let row = if i == 0 { &[] } else { self.a[i - 1] };
            if row.len() != i {
                return fail(format!("row {} of a must have {i} entries, found {}", i + 1, row.len()));
            }
            // An empty sum is -0 in Rust.
            let sum = row.iter().sum::<f64>() + 0.0;
            if !near(sum, *c) {
                return fail(format!("row {} of a sums to {sum}, c is {c}", i + 1));
            }
        }
        let sum: f64 = self.b.iter().sum();
        if !near(sum, 1.0) {
            return fail(format!("the weights b sum to {sum}, not 1"));
        }
        if let Some(error) = self.error {
            let sum: f64 = error.weights.iter().sum();
            if !(error.weights.len() == stages || error.weights.len() == stages + 1) || !near(sum, 0.0) {
                let n = error.weights.len();
                return fail(format!(
                    "{n} error weights that sum to {sum}; expected {stages} or {} that sum to 0",
                    stages + 1
                ));
            }
            let (n, sum) = (error.second.len(), error.second.iter().sum::<f64>() + 0.0);
            if !(n == 0 || n == error.weights.len()) || !near(sum, 0.0) {
                let first = error.weights.len();
                return fail(format!(
                    "{n} weights of a second estimate that sum to {sum}; expected none, or {first} that sum to 0"
                ));
            }
            if error.exponent == 0 {
                return fail("the error estimate's exponent must be at least 1".to_string());
            }
        }
        self.dense.map_or(Ok(()), |dense| self.check_dense(&dense).or_else(fail))
    }

    /// Sizes and sums of rows of dense output.
    fn check_dense(&self, dense: &Dense) -> std::result::Result<(), String> {
        let main = self.c.len() + usize::from(!self.is_fsal());
        let (nodes, rows, all) = (dense.c.len(), dense.a.len(), main + dense.c.len());
        if nodes != rows {
            return Err(format!("{nodes} nodes c of dense output need as many rows of a, found {rows}"));
        }
        for (i, (c, row)) in dense.c.iter().zip(dense.a).enumerate() {
            if row.len() != main + i {
                return Err(format!(
                    "row {} of dense output's a must have {} entries, found {}",
                    i + 1,
                    main + i,
                    row.len()
                ));
            }
            let sum = row.iter().sum::<f64>() + 0.0;
            if (sum - c).abs() > 1e-12 {
                return Err(format!("row {} of dense output's a sums to {sum}, c is {c}", i + 1));
            }
        }
        let (found, powers) = (dense.weights.len(), dense.weights.first().map_or(0, |row| row.len()));
        if found != all || powers == 0 || dense.weights.iter().any(|row| row.len() != powers) {
            return Err(format!("dense output needs {all} rows of weights of the same length, found {found}"));
        }
        Ok(())
    }

    /// Whether the last stage is the solution itself.
    pub fn is_fsal(&self) -> bool {
        self.c.len() > 1
            && self.a.last().is_some_and(|row| *row == &self.b[..self.b.len() - 1])
            && self.b.last() == Some(&0.0)
    }
}

/// A coefficient and the stage that it belongs to.
pub type Term = (usize, f64);

/// A tableau made ready: n stages, the last of which is f(t + h, y1).
#[derive(Debug, Clone, PartialEq)]
pub struct Stages {
    /// Nodes; the last is 1.
    pub c: Vec<f64>,
    /// Non-zero terms of each stage from the second on; those of the last stage are the solution's weights.
    pub a: Vec<Vec<Term>>,
    /// Non-zero terms of the error estimate; empty if there is none.
    pub error: Vec<Term>,
    /// Non-zero terms of the second error estimate; empty if there is none.
    pub second_error: Vec<Term>,
    /// Exponent of the error estimate, see [`ErrorEstimate::exponent`].
    pub error_exponent: Option<u32>,
    /// Stages that only dense output uses: node and non-zero terms of each, numbered on from the others.
    pub dense_stages: Vec<(f64, Vec<Term>)>,
    /// Dense output: stage and coefficients w of its weight, in [`Stages::dense_form`]: theta (w_1 + theta (w_2 + ...)), or
    /// theta (w_1 + u (w_2 + theta (w_3 + u (w_4 + x (w_5 + ...))))) with u = 1 - theta and x = theta - 1/2, where the first
    /// three make cubic Hermite interpolation.
    pub dense: Vec<(usize, Vec<f64>)>,
    /// Which of the two.
    pub dense_form: DenseForm,
}

impl Stages {
    /// Prepares a checked tableau.
    pub fn new(tableau: &Tableau) -> Stages {
        let mut a: Vec<Vec<Term>> = tableau.a.iter().map(|row| terms(row)).collect();
        let mut c = tableau.c.to_vec();
        if !tableau.is_fsal() {
            a.push(terms(tableau.b));
            c.push(1.0);
        }
        let n = c.len();
        let dense = match tableau.dense {
            Some(Dense { form: DenseForm::Powers, weights, .. }) => weights.iter().map(|row| row.to_vec()).collect(),
            Some(Dense { form: DenseForm::Hermite, weights, .. }) => hermite_and(weights, tableau.b, n),
            None => hermite(tableau.b, n),
        };
        let nonzero = |row: &Vec<f64>| row.iter().any(|w| *w != 0.0);
        Stages {
            c,
            a,
            error: tableau.error.map(|e| terms(e.weights)).unwrap_or_default(),
            second_error: tableau.error.map(|e| terms(e.second)).unwrap_or_default(),
            error_exponent: tableau.error.map(|e| e.exponent),
            dense_stages: tableau
                .dense
                .map(|dense| dense.c.iter().copied().zip(dense.a.iter().map(|row| terms(row))).collect())
                .unwrap_or_default(),
            dense_form: tableau.dense.map_or(DenseForm::Powers, |dense| dense.form),
            dense: dense.into_iter().enumerate().filter(|(_, row)| nonzero(row)).collect(),
        }
    }

    /// Number of stages, f(t + h, y1) included and those of dense output not.
    pub fn count(&self) -> usize {
        self.c.len()
    }

    /// The solution's non-zero weights.
    pub fn b(&self) -> &[Term] {
        self.a.last().map_or(&[], Vec::as_slice)
    }
}

fn terms(row: &[f64]) -> Vec<Term> {
    row.iter().copied().enumerate().filter(|(_, w)| *w != 0.0).collect()
}

/// Cubic Hermite interpolation between (y, k_1) and (y1, k_n) as weights of the stages: with y1 - y = h sum(b_i k_i),
/// the weight of k_i is b_i (3 theta^2 - 2 theta^3), to which the ends add theta - 2 theta^2 + theta^3 and
/// -theta^2 + theta^3 (Hairer, Nørsett, Wanner, II.6.7).
fn hermite(b: &[f64], n: usize) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> =
        (0..n).map(|i| b.get(i).map_or(vec![0.0; 3], |b| vec![0.0, 3.0 * b, -2.0 * b])).collect();
    for (i, ends) in [(0, [1.0, -2.0, 1.0]), (n - 1, [0.0, -1.0, 1.0])] {
        for (w, end) in rows[i].iter_mut().zip(ends) {
            *w += end;
        }
    }
    rows
}

/// Cubic Hermite interpolation as theta (w_1 + (1 - theta) (w_2 + theta w_3)), and after these three what is given.
fn hermite_and(inner: &[&[f64]], b: &[f64], n: usize) -> Vec<Vec<f64>> {
    let rows = inner.iter().enumerate().map(|(i, inner)| {
        let b = b.get(i).copied().unwrap_or(0.0);
        let ends = [f64::from(u8::from(i == 0)), f64::from(u8::from(i == n - 1))];
        [&[b, ends[0] - b, 2.0 * b - ends[0] - ends[1]][..], inner].concat()
    });
    rows.collect()
}
