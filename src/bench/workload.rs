//! What a fixed workload is: model, span, inputs, step-size rule, what is kept, sizes of the ensemble and how wrong an
//! answer may be.
//!
//! Sixteen trajectories of each are known ([`Reference`]) whatever the size, or all of them ([`Curve`]).

use super::curve::Curve;
use super::reference::{Reference, SAMPLES};
use crate::error::Result;
use crate::method::Tableau;
use crate::real::Precision;
use crate::sampling::{Distribution, linspace};
use crate::spec::{EnsembleSettings, RunSettings, Save, Tolerance, World};

/// Seed of the random inputs.
const SEED: u64 = 42;

/// References along each side of a grid.
const GRID_SAMPLES: u64 = 4;

/// What differs from one trajectory to another.
#[derive(Debug, Clone, Copy)]
pub enum Vary {
    /// A state or parameter that is equally spaced over the ensemble. The references are every so many: the ensemble has
    /// 15 m + 1 trajectories.
    Even(&'static str, f64, f64),
    /// Two states or parameters on a square grid, the second running fastest. The references are at thirds of its sides: there
    /// are 3 m + 1 points along each.
    Grid([(&'static str, f64, f64); 2]),
    /// States and parameters drawn uniformly at random. The references are the first 16.
    Random(&'static [(&'static str, f64, f64)]),
    /// A parameter drawn at random, whose logarithm is uniform. The references are the first 16.
    Log(&'static str, f64, f64),
}

/// How steps are chosen.
#[derive(Debug, Clone, Copy)]
pub enum Steps {
    /// All of one size.
    Fixed {
        /// The step size.
        dt: f64,
    },
    /// By the error, at each of some tolerances where none are asked for.
    Adaptive {
        /// Relative tolerances.
        rtols: &'static [f64],
        /// Absolute tolerance over relative tolerance.
        atol: f64,
    },
}

/// What is kept of a trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Its end.
    End,
    /// So many equally spaced times, both ends included.
    Saves(usize),
    /// Nothing: only means and variances of the ends of all leave the device.
    Statistics,
}

/// The row of a workload on a GPU, and on the CPU beside it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Large {
    /// Trajectories on a GPU.
    pub size: u64,
    /// Trajectories on a processor, be it through a software adapter: a run takes a second there, or less.
    pub small: u64,
    /// Name of the method.
    pub method: &'static str,
    /// Relative tolerance, if the steps are adaptive.
    pub rtol: Option<f64>,
    /// First step, if the steps are adaptive; else it is chosen by the model.
    pub first_dt: Option<f64>,
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
    /// Names of the methods where none is asked for.
    pub methods: &'static [&'static str],
    /// What is kept.
    pub kept: Kept,
    /// Trajectories where no number is asked for: a run takes tens to hundreds of milliseconds on one core.
    pub size: u64,
    /// Its row among those of large ensembles, if it has one.
    pub large: Option<Large>,
    /// Whether trajectories are solved one by one, each by a call of its own, to see what a call costs.
    pub one_by_one: bool,
    /// See [`Workload::allowed_error`].
    pub(super) growth: f64,
    pub(super) model: fn(usize) -> World,
    pub(super) reference: &'static str,
}

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
            Steps::Fixed { dt } => Some(dt),
            Steps::Adaptive { .. } => None,
        }
    }

    /// The model.
    pub fn world(&self) -> World {
        (self.model)(self.n_state)
    }

    /// The ends of 16 trajectories, unless only statistics are kept.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) if the file is broken.
    pub fn reference(&self) -> Result<Reference> {
        Reference::from_json(self.reference)
    }

    /// The end of every trajectory, if only statistics are kept.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) if the file is broken.
    pub fn curve(&self) -> Result<Curve> {
        Curve::from_json(self.reference)
    }

    /// The smallest size of at least `n` trajectories that holds all references.
    pub fn whole_size(&self, n: u64) -> u64 {
        let apart = SAMPLES as u64 - 1;
        match self.vary {
            Vary::Even(..) => n.max(2).saturating_sub(1).div_ceil(apart) * apart + 1,
            Vary::Grid(_) => {
                let (least, apart) = (n.isqrt() + u64::from(n.isqrt().pow(2) < n), GRID_SAMPLES - 1);
                let side = least.max(2).saturating_sub(1).div_ceil(apart) * apart + 1;
                side * side
            }
            Vary::Random(_) | Vary::Log(..) => n.max(SAMPLES as u64),
        }
    }

    /// Numbers of the trajectories with a reference in an ensemble of a whole size.
    pub fn samples(&self, size: u64) -> [u64; SAMPLES] {
        let numbers = |of: &dyn Fn(u64) -> u64| std::array::from_fn(|k| of(k as u64));
        match self.vary {
            Vary::Even(..) => numbers(&|k| k * ((size - 1) / (SAMPLES as u64 - 1))),
            Vary::Grid(_) => {
                let side = size.isqrt();
                let apart = (side - 1) / (GRID_SAMPLES - 1);
                numbers(&|k| apart * (k / GRID_SAMPLES * side + k % GRID_SAMPLES))
            }
            Vary::Random(_) | Vary::Log(..) => numbers(&|k| k),
        }
    }

    /// Inputs of a whole size of trajectories.
    pub fn ensemble(&self, size: u64) -> EnsembleSettings {
        let even = |low: f64, high: f64, n: u64| linspace(low, high, usize::try_from(n).unwrap_or(usize::MAX));
        let vary: Vec<(&str, Distribution)> = match self.vary {
            Vary::Even(name, low, high) => vec![(name, Distribution::Values(even(low, high, size)))],
            Vary::Grid(axes) => {
                let axis = |(name, low, high)| (name, Distribution::Grid(even(low, high, size.isqrt())));
                axes.map(axis).to_vec()
            }
            Vary::Random(ranges) => {
                ranges.iter().map(|(name, low, high)| (*name, Distribution::Uniform(*low, *high))).collect()
            }
            Vary::Log(name, low, high) => vec![(name, Distribution::LogUniform(low, high))],
        };
        let vary = vary.into_iter().map(|(name, distribution)| (name.to_string(), distribution)).collect();
        EnsembleSettings { size: Some(size), seed: Some(SEED), sampling: None, vary }
    }

    /// Roundings, in a number format, that may part an input from that of a reference, which is read from a decimal number.
    pub fn input_roundings(&self, precision: Precision) -> f64 {
        match self.vary {
            // The last bit.
            _ if precision == Precision::F64 => 2.0,
            // Each rounding of the logarithm counts as often as it is large: ln 100 is 4.6.
            Vary::Log(..) => 24.0,
            // Rounded ends, two products and a sum of one sign.
            _ => 4.0,
        }
    }

    /// How it is integrated; `rtol` and, where it is not left to the model, `first_dt` are for adaptive steps.
    pub fn run(&self, method: &Tableau, rtol: Option<f64>, first_dt: Option<f64>, precision: Precision) -> RunSettings {
        let save = match self.kept {
            Kept::End | Kept::Statistics => Save::Final,
            Kept::Saves(n) => Save::Points(n),
        };
        let common = RunSettings {
            tspan: Some((0.0, self.t1)),
            method: Some(method.name.to_string()),
            max_steps: Some(u32::MAX),
            save: Some(save),
            precision: Some(precision),
            ..RunSettings::default()
        };
        match self.steps {
            Steps::Fixed { dt } => RunSettings { dt: Some(dt), adaptive: Some(false), ..common },
            Steps::Adaptive { atol, .. } => RunSettings {
                adaptive: Some(true),
                dt: first_dt,
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
    use crate::bench::WORKLOADS;

    #[test]
    fn sizes_hold_all_references() {
        let (even, random) = (&WORKLOADS[0], &WORKLOADS[2]);
        assert_eq!([16, 17, 31, 32, 1501].map(|n| even.whole_size(n)), [16, 31, 31, 46, 1501]);
        assert_eq!([1, 16, 17].map(|n| random.whole_size(n)), [16, 16, 17]);
        assert_eq!(even.samples(31)[15], 30);
        assert_eq!(random.samples(31)[15], 15);
        let grid = &WORKLOADS[11];
        assert_eq!([1, 16, 17, 49, 50, 1 << 20].map(|n| grid.whole_size(n)), [16, 16, 49, 49, 100, 1 << 20]);
        assert_eq!(grid.samples(49), [0, 2, 4, 6, 14, 16, 18, 20, 28, 30, 32, 34, 42, 44, 46, 48]);
        for workload in &WORKLOADS {
            let sizes = [Some(workload.size), workload.large.map(|large| large.small)];
            for size in sizes.into_iter().flatten() {
                assert_eq!(workload.whole_size(size), size, "{}", workload.title());
            }
        }
    }
}
