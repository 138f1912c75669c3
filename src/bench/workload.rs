//! The fixed workloads: model, span, inputs, step-size rule, size of the ensemble and how wrong an answer may be.
//!
//! Sizes are such that a run takes tens to hundreds of milliseconds on one core. Sixteen trajectories of each are known
//! ([`Reference`]) whatever the size.

use super::models;
use super::reference::{Reference, SAMPLES};
use crate::error::Result;
use crate::method::Tableau;
use crate::real::Precision;
use crate::sampling::{Distribution, linspace};
use crate::spec::{EnsembleSettings, RunSettings, Save, Tolerance, World};

/// Seed of the random inputs.
const SEED: u64 = 42;

/// Relative tolerances where none are asked for.
const DECADES: &[f64] = &[1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9];

/// What differs from one trajectory to another.
#[derive(Debug, Clone, Copy)]
pub enum Vary {
    /// A state or parameter that is equally spaced over the ensemble. The references are every so many: the ensemble has
    /// 15 m + 1 trajectories.
    Even(&'static str, f64, f64),
    /// States and parameters drawn uniformly at random. The references are the first 16.
    Random(&'static [(&'static str, f64, f64)]),
}

/// How steps are chosen.
#[derive(Debug, Clone, Copy)]
pub enum Steps {
    /// All of one size, by each of some methods where none is asked for.
    Fixed {
        /// The step size.
        dt: f64,
        /// Names of the methods.
        methods: &'static [&'static str],
    },
    /// By the error, at each of some tolerances where none are asked for.
    Adaptive {
        /// Relative tolerances.
        rtols: &'static [f64],
        /// Absolute tolerance over relative tolerance.
        atol: f64,
    },
}

/// A fixed problem.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Name on the command line; the sizes of one model share it.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Number of states.
    pub n_state: usize,
    /// End time; the start is 0.
    pub t1: f64,
    /// What differs from one trajectory to another.
    pub vary: Vary,
    /// How steps are chosen.
    pub steps: Steps,
    /// Trajectories where no number is asked for.
    pub size: u64,
    /// Whether trajectories are solved one by one, each by a call of its own, to see what a call costs.
    pub one_by_one: bool,
    /// See [`Workload::allowed_error`].
    pub(super) growth: f64,
    pub(super) model: fn(usize) -> World,
    pub(super) reference: &'static str,
}

const LORENZ: Workload = Workload {
    name: "lorenz_fixed",
    about: "Lorenz, 3 states, 1000 fixed steps",
    n_state: 3,
    t1: 1.0,
    vary: Vary::Even("rho", 0.0, 21.0),
    steps: Steps::Fixed { dt: 1e-3, methods: &["rk4", "tsit5"] },
    size: 7501,
    one_by_one: false,
    growth: 1e3,
    model: |_| models::lorenz(),
    reference: include_str!("references/lorenz.json"),
};

const fn linear_chain(n_state: usize, size: u64, reference: &'static str) -> Workload {
    Workload {
        name: "linear_chain",
        about: "heat along a rod, 4, 20 and 100 states, 100 fixed steps",
        n_state,
        t1: 1.0,
        vary: Vary::Random(&[("k", 0.5, 1.5), ("x0", 0.5, 1.5)]),
        steps: Steps::Fixed { dt: 0.01, methods: &["tsit5"] },
        size,
        one_by_one: false,
        growth: 10.0,
        model: models::linear_chain,
        reference,
    }
}

const fn lorenz96(n_state: usize, size: u64, reference: &'static str) -> Workload {
    Workload {
        name: "lorenz96",
        about: "Lorenz-96, 4, 20 and 100 states, 100 fixed steps",
        n_state,
        t1: 0.5,
        vary: Vary::Random(&[("F", 6.0, 10.0), ("x0", -3.0, -1.0)]),
        steps: Steps::Fixed { dt: 0.005, methods: &["tsit5"] },
        size,
        one_by_one: false,
        growth: 1e3,
        model: models::lorenz96,
        reference,
    }
}

/// Every workload, in the order of the rows.
pub static WORKLOADS: [Workload; 11] = [
    LORENZ,
    Workload {
        name: "lorenz_adaptive",
        about: "Lorenz, 3 states",
        steps: Steps::Adaptive { rtols: DECADES, atol: 1.0 },
        size: 75_001,
        growth: 2e4,
        ..LORENZ
    },
    Workload {
        name: "pendulum2",
        about: "double pendulum, 4 states, 4 sines and cosines of angles",
        n_state: 4,
        t1: 10.0,
        vary: Vary::Random(&[("a", 0.2, 1.0), ("b", 0.2, 1.0), ("g", 9.7, 9.9)]),
        steps: Steps::Adaptive { rtols: DECADES, atol: 1e-3 },
        size: 3000,
        one_by_one: false,
        growth: 3e4,
        model: |_| models::pendulum2(),
        reference: include_str!("references/pendulum2.json"),
    },
    Workload {
        name: "hodgkin_huxley",
        about: "a nerve's membrane, 4 states, 6 exponentials",
        n_state: 4,
        t1: 50.0,
        vary: Vary::Random(&[("current", 0.0, 20.0)]),
        steps: Steps::Adaptive { rtols: DECADES, atol: 1e-2 },
        size: 1500,
        one_by_one: false,
        growth: 1e3,
        model: |_| models::hodgkin_huxley(),
        reference: include_str!("references/hodgkin_huxley.json"),
    },
    linear_chain(4, 50_000, include_str!("references/linear_chain_4.json")),
    linear_chain(20, 10_000, include_str!("references/linear_chain_20.json")),
    linear_chain(100, 2000, include_str!("references/linear_chain_100.json")),
    lorenz96(4, 50_000, include_str!("references/lorenz96_4.json")),
    lorenz96(20, 10_000, include_str!("references/lorenz96_20.json")),
    lorenz96(100, 2000, include_str!("references/lorenz96_100.json")),
    Workload {
        name: "single",
        about: "Lorenz one trajectory at a time, about 100 steps: what a call costs",
        steps: Steps::Adaptive { rtols: &[1e-9], atol: 1.0 },
        size: 10_006,
        one_by_one: true,
        growth: 2e4,
        ..LORENZ
    },
];

impl Workload {
    /// Name and number of states, for messages: `lorenz96 (20 states)`.
    pub fn title(&self) -> String {
        format!("{} ({} states)", self.name, self.n_state)
    }

    /// Whether the step size follows the error.
    pub fn is_adaptive(&self) -> bool {
        matches!(self.steps, Steps::Adaptive { .. })
    }

    /// The fixed step size, if there is one.
    pub fn dt(&self) -> Option<f64> {
        match self.steps {
            Steps::Fixed { dt, .. } => Some(dt),
            Steps::Adaptive { .. } => None,
        }
    }

    /// The model.
    pub fn world(&self) -> World {
        (self.model)(self.n_state)
    }

    /// The reference.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) if its file is broken.
    pub fn reference(&self) -> Result<Reference> {
        Reference::from_json(self.reference)
    }

    /// The smallest size of at least `n` trajectories that holds all references.
    pub fn whole_size(&self, n: u64) -> u64 {
        let apart = SAMPLES as u64 - 1;
        match self.vary {
            Vary::Even(..) => n.max(2).saturating_sub(1).div_ceil(apart) * apart + 1,
            Vary::Random(_) => n.max(SAMPLES as u64),
        }
    }

    /// Numbers of the trajectories with a reference in an ensemble of a whole size.
    pub fn samples(&self, size: u64) -> [u64; SAMPLES] {
        let distance = match self.vary {
            Vary::Even(..) => (size - 1) / (SAMPLES as u64 - 1),
            Vary::Random(_) => 1,
        };
        std::array::from_fn(|i| i as u64 * distance)
    }

    /// Inputs of `size` trajectories.
    pub fn ensemble(&self, size: u64) -> EnsembleSettings {
        let vary: Vec<(&str, Distribution)> = match self.vary {
            Vary::Even(name, low, high) => {
                vec![(name, Distribution::Values(linspace(low, high, usize::try_from(size).unwrap_or(usize::MAX))))]
            }
            Vary::Random(ranges) => {
                ranges.iter().map(|(name, low, high)| (*name, Distribution::Uniform(*low, *high))).collect()
            }
        };
        let vary = vary.into_iter().map(|(name, distribution)| (name.to_string(), distribution)).collect();
        EnsembleSettings { size: Some(size), seed: Some(SEED), sampling: None, vary }
    }

    /// How it is integrated, up to the end alone; `rtol` is for adaptive steps.
    pub fn run(&self, method: &Tableau, rtol: Option<f64>, precision: Precision) -> RunSettings {
        let common = RunSettings {
            tspan: Some((0.0, self.t1)),
            method: Some(method.name.to_string()),
            max_steps: Some(u32::MAX),
            save: Some(Save::Final),
            precision: Some(precision),
            ..RunSettings::default()
        };
        match self.steps {
            Steps::Fixed { dt, .. } => RunSettings { dt: Some(dt), adaptive: Some(false), ..common },
            Steps::Adaptive { atol, .. } => RunSettings {
                adaptive: Some(true),
                rtol: rtol.map(Tolerance::Scalar),
                atol: rtol.map(|rtol| Tolerance::Scalar(atol * rtol)),
                ..common
            },
        }
    }

    /// Relative error that an answer may have: growth (e + epsilon of the number format), where e is rtol, or for fixed
    /// steps, which are about a hundredth of the model's time, 0.01 to the order of the method.
    ///
    /// The growth is four times the worst that any method has shown, or more: errors add up over the steps, the equations
    /// pass them on, and where a state is near zero the relative error of tolerances that are met is hundreds of rtol, of
    /// bs23 thousands. An answer to other equations or inputs is still far outside at 1e-6 and below; what is allowed at
    /// rtol 1e-3 refuses broken answers only.
    pub fn allowed_error(&self, method: &Tableau, rtol: Option<f64>, precision: Precision) -> f64 {
        let e = match self.steps {
            Steps::Fixed { .. } => 0.01f64.powi(method.order as i32),
            Steps::Adaptive { .. } => rtol.unwrap_or(0.0),
        };
        self.growth * (e + precision.epsilon())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_hold_all_references() {
        let (even, random) = (&WORKLOADS[0], &WORKLOADS[2]);
        assert_eq!([16, 17, 31, 32, 1501].map(|n| even.whole_size(n)), [16, 31, 31, 46, 1501]);
        assert_eq!([1, 16, 17].map(|n| random.whole_size(n)), [16, 16, 17]);
        assert_eq!(even.samples(31)[15], 30);
        assert_eq!(random.samples(31)[15], 15);
        assert!(WORKLOADS.iter().all(|workload| workload.whole_size(workload.size) == workload.size));
    }
}
