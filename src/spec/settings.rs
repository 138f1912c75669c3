//! The `run` and `ensemble` sections of a model file. Every entry is optional: what is absent falls to the command
//! line or to the defaults of [`crate::solve`].

use super::Map;
use crate::method::Tableau;
use crate::real::{Arithmetic, Precision};
use crate::sampling::{Distribution, Sampling};

/// A tolerance for all states, or one for each of some states.
#[derive(Debug, Clone, PartialEq)]
pub enum Tolerance {
    /// The same for every state.
    Scalar(f64),
    /// By state name (a vector field's name, or one slot of it); states not named keep the default.
    PerState(Map<f64>),
}

/// When the solution is saved.
#[derive(Debug, Clone, PartialEq)]
pub enum Save {
    /// This many equally spaced times, both ends included.
    Points(usize),
    /// Every so much time from t0 on; the end is always saved too.
    Every(f64),
    /// At these times, ascending, inside the time span.
    At(Vec<f64>),
    /// At the end only.
    Final,
    /// At t0 and after every accepted step.
    Steps,
}

/// What is saved besides the times asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SavePolicy {
    /// The samples of discrete fields, unless only the end is asked for.
    #[default]
    Standard,
    /// Nothing.
    AsGiven,
    /// What numen's scipy backend saves, to compare with it point by point: samples of discrete fields; where callbacks
    /// fire, every firing and the end too, but not t0. The end of [`Save::Every`] is not added.
    Numen,
}

impl SavePolicy {
    /// Every policy.
    pub const ALL: [SavePolicy; 3] = [SavePolicy::Standard, SavePolicy::AsGiven, SavePolicy::Numen];

    /// Name in model files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            SavePolicy::Standard => "standard",
            SavePolicy::AsGiven => "as_given",
            SavePolicy::Numen => "numen",
        }
    }
}

/// How to integrate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunSettings {
    /// Start and end time.
    pub tspan: Option<(f64, f64)>,
    /// Whether time runs backward, from the larger start to the smaller end.
    pub backward: Option<bool>,
    /// Name of the method.
    pub method: Option<String>,
    /// A method of your own, instead of a named one.
    pub tableau: Option<&'static Tableau>,
    /// Fixed step size; for an adaptive method with `adaptive` unset or true, the first step.
    pub dt: Option<f64>,
    /// Whether the step size follows the error estimate.
    pub adaptive: Option<bool>,
    /// Relative tolerance.
    pub rtol: Option<Tolerance>,
    /// Absolute tolerance.
    pub atol: Option<Tolerance>,
    /// Smallest adaptive step.
    pub dt_min: Option<f64>,
    /// Largest adaptive step.
    pub dt_max: Option<f64>,
    /// Most attempted steps of one trajectory.
    pub max_steps: Option<u32>,
    /// When to save.
    pub save: Option<Save>,
    /// What the times asked for are united with.
    pub save_policy: Option<SavePolicy>,
    /// Whether save times at which callbacks fire are saved twice, before and after they do.
    pub save_after_firing: Option<bool>,
    /// Most rows of one trajectory where every accepted step is saved.
    pub max_saved: Option<u64>,
    /// Number format.
    pub precision: Option<Precision>,
    /// Whether the rounding of the state is carried to the next step.
    pub compensated: Option<bool>,
    /// What a compiler may do with the arithmetic of a kernel.
    pub arithmetic: Option<Arithmetic>,
    /// How often to integrate, for timings; the result is the last one.
    pub reps: Option<u32>,
}

/// What varies from trajectory to trajectory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EnsembleSettings {
    /// Number of trajectories.
    pub size: Option<u64>,
    /// Seed of the random inputs.
    pub seed: Option<u64>,
    /// How random inputs are spread over the trajectories.
    pub sampling: Option<Sampling>,
    /// Distribution of each varied state or parameter, by name.
    pub vary: Map<Distribution>,
}

impl RunSettings {
    /// These settings where given, else those of `other`.
    pub fn or(self, other: &RunSettings) -> RunSettings {
        RunSettings {
            tspan: self.tspan.or(other.tspan),
            backward: self.backward.or(other.backward),
            method: self.method.or_else(|| other.method.clone()),
            tableau: self.tableau.or(other.tableau),
            dt: self.dt.or(other.dt),
            adaptive: self.adaptive.or(other.adaptive),
            rtol: self.rtol.or_else(|| other.rtol.clone()),
            atol: self.atol.or_else(|| other.atol.clone()),
            dt_min: self.dt_min.or(other.dt_min),
            dt_max: self.dt_max.or(other.dt_max),
            max_steps: self.max_steps.or(other.max_steps),
            save: self.save.or_else(|| other.save.clone()),
            save_policy: self.save_policy.or(other.save_policy),
            save_after_firing: self.save_after_firing.or(other.save_after_firing),
            max_saved: self.max_saved.or(other.max_saved),
            precision: self.precision.or(other.precision),
            compensated: self.compensated.or(other.compensated),
            arithmetic: self.arithmetic.or(other.arithmetic),
            reps: self.reps.or(other.reps),
        }
    }
}
