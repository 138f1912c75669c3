//! Numerics as data: tableaus, their names, and how the step size is controlled.
//!
//! A [`Method`] is a tableau and a step-size rule; the integrators of both backends take it as data. A new method is a
//! [`Tableau`] in [`tableaus`] and a line in [`TABLEAUS`].

mod controller;
mod tableau;
mod verner;
mod dop853;
pub mod tableaus;

pub use controller::Controller;
pub use tableau::{Dense, DenseForm, ErrorEstimate, Stages, Tableau, Term};

use crate::error::{Error, Result, suggest};
use crate::real::{Precision, round_digits};

/// Every built-in method.
pub static TABLEAUS: [&Tableau; 11] = [
    &tableaus::EULER,
    &tableaus::HEUN,
    &tableaus::MIDPOINT,
    &tableaus::RK4,
    &tableaus::BS23,
    &tableaus::DOPRI5,
    &tableaus::TSIT5,
    &tableaus::VERN6,
    &tableaus::VERN7,
    &tableaus::DOP853,
    &tableaus::VERN9,
];

/// Other names: SciPy's and those of papers.
const ALIASES: [(&str, &str); 4] = [("RK45", "dopri5"), ("RK23", "bs23"), ("DP5", "dopri5"), ("BS3", "bs23")];

/// What names of implicit methods contain in SciPy, diffrax and OrdinaryDiffEq: FBDF, QNDF, RadauIIA5, Rodas5P, KenCarp4, ...
const IMPLICIT: [&str; 11] =
    ["bdf", "ndf", "radau", "lsoda", "rodas", "rosenbrock", "kencarp", "kvaerno", "sdirk", "implicit", "trapezoid"];

/// Looks a tableau up by name or alias, in any case.
///
/// # Errors
/// [`Error::Method`] with the known names, or with what to use instead of an implicit method.
pub fn tableau(name: &str) -> Result<&'static Tableau> {
    let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name)).map_or(name, |(_, target)| target);
    TABLEAUS.into_iter().find(|t| t.name.eq_ignore_ascii_case(alias)).ok_or_else(|| {
        let lower = name.to_lowercase();
        if IMPLICIT.iter().any(|part| lower.contains(part)) {
            return Error::Method(format!(
                "'{name}' is implicit, and all methods here are explicit; use tsit5, or vern7 for tight tolerances, and raise max_steps where the model is stiff"
            ));
        }
        let known = TABLEAUS.iter().map(|t| t.name).chain(ALIASES.iter().map(|(alias, _)| *alias));
        Error::Method(format!("unknown method '{name}'{}", suggest("known methods", name, known)))
    })
}

/// How the step size is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stepping {
    /// Steps of one size; the last one is shorter where the span is not a multiple.
    Fixed {
        /// The step size.
        dt: f64,
    },
    /// Steps that follow the error estimate.
    Adaptive(Controller),
}

/// A tableau and a step-size rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// Name for summaries.
    pub name: String,
    /// The prepared tableau.
    pub stages: Stages,
    /// Fixed or adaptive steps.
    pub stepping: Stepping,
}

impl Method {
    /// Fixed steps of size `dt`.
    ///
    /// # Errors
    /// [`Error::Method`] if the tableau is inconsistent or `dt` is not positive.
    pub fn fixed(tableau: &Tableau, dt: f64) -> Result<Method> {
        tableau.check()?;
        if !(dt.is_finite() && dt > 0.0) {
            return Err(Error::Method(format!("dt must be positive and finite, got {dt}")));
        }
        Ok(Method { name: tableau.name.to_string(), stages: Stages::new(tableau), stepping: Stepping::Fixed { dt } })
    }

    /// Adaptive steps.
    ///
    /// # Errors
    /// [`Error::Method`] if the tableau is inconsistent or has no error estimate, or the controller is out of range.
    pub fn adaptive(tableau: &Tableau, controller: Controller) -> Result<Method> {
        tableau.check()?;
        controller.check()?;
        if tableau.error.is_none() {
            let able: Vec<&str> = TABLEAUS.iter().filter(|t| t.error.is_some()).map(|t| t.name).collect();
            return Err(Error::Method(format!(
                "'{}' has no error estimate and needs a fixed step: give dt, or choose one of {}",
                tableau.name,
                able.join(", ")
            )));
        }
        Ok(Method {
            name: tableau.name.to_string(),
            stages: Stages::new(tableau),
            stepping: Stepping::Adaptive(controller),
        })
    }

    /// Whether the step size follows the error.
    pub fn is_adaptive(&self) -> bool {
        matches!(self.stepping, Stepping::Adaptive(_))
    }

    /// Smallest relative tolerance that a step can keep in a precision: eps (1 + sum |w|), w the error weights.
    ///
    /// A step ends with y rounded, by up to eps/2 of it. Its error estimate h sum(w k) is a sum that should nearly
    /// vanish, of terms up to |y| in size where the step is as long as the solution allows, each known to eps/2: eps/2
    /// for each unit of weight. Of a tolerance of that sum nothing would be left for the method's own error; twice as
    /// much leaves it half. Rounded to two digits, for it is told to the user.
    pub fn rtol_floor(&self, precision: Precision) -> f64 {
        let weights: f64 = self.stages.error.iter().map(|(_, w)| w.abs()).sum();
        round_digits(precision.epsilon() * (1.0 + weights), 2)
    }
}
