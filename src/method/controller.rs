//! The constants of the step-size controller. Its formulas are in `cpu/controller.rs` and its twin in WGSL.

use crate::error::{Error, Result};

/// Proportional-integral step-size control (Hairer, Nørsett, Wanner, section IV.2; K. Gustafsson, ACM TOMS 17 (1991)
/// 533-554): after an accepted step with error norms e (this step) and e' (the one before),
///
/// dt_next = dt * clamp(safety * e^(-beta1) * e'^(beta2), factor_min, factor_max), beta1 = alpha/k, beta2 = beta/k
///
/// where k is the exponent of the error estimate. After a rejected step dt shrinks by safety * e^(-1/k), and the step
/// that follows may not grow. The defaults 0.85 and 0.2 are those of Hairer's dopri5.f (beta = 0.04 at k = 5).
/// Steady steps then have e = safety^(k/(alpha - beta)) = 0.44 there. Gustafsson's 0.7 and 0.4, which other libraries
/// use, settle at e = 0.17 and need a fifth more steps for the same tolerance; no memory at all (1 and 0, SciPy)
/// settles at 0.59 and rejects more on rough problems.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controller {
    /// Aim for this fraction of the largest step that the error allows.
    pub safety: f64,
    /// A step is at least this many times the one before.
    pub factor_min: f64,
    /// A step is at most this many times the one before.
    pub factor_max: f64,
    /// Weight of this step's error, before division by k.
    pub alpha: f64,
    /// Weight of the error of the step before, before division by k.
    pub beta: f64,
    /// Smallest step, 0 for none; time's own resolution is a limit in any case.
    pub dt_min: f64,
    /// Largest step; infinite for none.
    pub dt_max: f64,
    /// First step; `None` for Hairer's automatic choice.
    pub dt_first: Option<f64>,
}

impl Default for Controller {
    fn default() -> Self {
        Controller {
            safety: 0.9,
            factor_min: 0.2,
            factor_max: 10.0,
            alpha: 0.85,
            beta: 0.2,
            dt_min: 0.0,
            dt_max: f64::INFINITY,
            dt_first: None,
        }
    }
}

impl Controller {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Method`] with the value at fault.
    pub fn check(&self) -> Result<()> {
        let rules = [
            ("safety", self.safety, self.safety > 0.0 && self.safety < 1.0, "between 0 and 1"),
            ("factor_min", self.factor_min, self.factor_min > 0.0 && self.factor_min < 1.0, "between 0 and 1"),
            ("factor_max", self.factor_max, self.factor_max > 1.0 && self.factor_max.is_finite(), "above 1 and finite"),
            ("alpha", self.alpha, self.alpha > 0.0 && self.alpha <= 2.0, "in (0, 2]"),
            ("beta", self.beta, self.beta >= 0.0 && self.beta < self.alpha, "not negative and below alpha"),
            ("dt_min", self.dt_min, self.dt_min >= 0.0 && self.dt_min.is_finite(), "not negative and finite"),
            ("dt_max", self.dt_max, self.dt_max > 0.0, "positive"),
        ];
        if let Some((name, value, _, rule)) = rules.into_iter().find(|(_, _, ok, _)| !ok) {
            return Err(Error::Method(format!("{name} must be {rule}, got {value}")));
        }
        if self.dt_min > self.dt_max {
            return Err(Error::Method(format!("dt_min {} is above dt_max {}", self.dt_min, self.dt_max)));
        }
        match self.dt_first {
            Some(dt) if !(dt > 0.0 && dt.is_finite()) => {
                Err(Error::Method(format!("the first step dt must be positive and finite, got {dt}")))
            }
            _ => Ok(()),
        }
    }
}
