//! Random inputs: counter-based words, how they are spread over (0, 1), and the distributions of varied quantities.
//!
//! In: seed, trajectory number, draw number, the number format of a run. Out: the same value on any machine, in any order, in
//! any chunk: trajectory 17 of an ensemble can be drawn alone. [`Points`] makes words of these numbers, and [`quantile()`] a
//! value of the format of the words, by operations that a device repeats bit for bit (`shaders/draw.wgsl` is the twin). Not
//! done: dependent quantities, and draws in the course of a trajectory.

pub mod latin_hypercube;
pub mod philox;
mod points;
mod quantile;
pub mod sobol;

pub use philox::philox4x32_10;
#[cfg(feature = "gpu")]
pub(crate) use points::Spread;
pub use points::{MOST_SPREAD, Points, uniform01, unit};
pub use quantile::{Kind, NORMAL, NormalQuantile, Shape, quantile, standard_normal_quantile};

use crate::pair::F32x2;
use crate::real::{Precision, Real};

/// How a quantity varies over the ensemble.
#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// Mean and standard deviation.
    Normal(f64, f64),
    /// Mean and standard deviation of the logarithm.
    LogNormal(f64, f64),
    /// Lower and upper end.
    Uniform(f64, f64),
    /// Lower and upper end, both positive; the logarithm is uniform.
    LogUniform(f64, f64),
    /// Lower end, mode, upper end.
    Triangular(f64, f64, f64),
    /// Trajectory i takes value i.
    Values(Vec<f64>),
    /// An axis of a full-factorial grid: every combination of all grids, the last one varying fastest.
    Grid(Vec<f64>),
    /// Trajectory i takes row i of a column of a CSV file with a header; the column is named like the quantity
    /// unless said otherwise.
    Csv {
        /// Path of the file.
        file: String,
        /// Column, if it is named differently.
        column: Option<String>,
    },
}

impl Distribution {
    /// Names in model files and on the command line.
    pub const NAMES: [&'static str; 9] =
        ["normal", "lognormal", "uniform", "loguniform", "triangular", "values", "grid", "linspace", "csv"];

    /// A distribution by name; `linspace` (first, last, count) makes a grid.
    ///
    /// # Errors
    /// A sentence that says what the arguments must be.
    pub fn new(name: &str, arguments: Vec<f64>) -> Result<Self, String> {
        let shown = arguments.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        let wrong = |what: &str| Err(format!("'{name}' takes {what}, got ({shown})"));
        if arguments.iter().any(|x| !x.is_finite()) {
            return wrong("finite numbers");
        }
        match (name, &arguments[..]) {
            ("normal", &[mean, sd]) if sd >= 0.0 => Ok(Distribution::Normal(mean, sd)),
            ("normal", _) => wrong("a mean and a standard deviation >= 0"),
            ("lognormal", &[mu, sigma]) if sigma >= 0.0 => Ok(Distribution::LogNormal(mu, sigma)),
            ("lognormal", _) => wrong("the mean and the standard deviation >= 0 of the logarithm"),
            ("uniform", &[lo, hi]) if lo <= hi => Ok(Distribution::Uniform(lo, hi)),
            ("uniform", _) => wrong("a lower and an upper end"),
            ("loguniform", &[lo, hi]) if 0.0 < lo && lo <= hi => Ok(Distribution::LogUniform(lo, hi)),
            ("loguniform", _) => wrong("a lower and an upper end, both positive"),
            ("triangular", &[lo, mode, hi]) if lo <= mode && mode <= hi => Ok(Distribution::Triangular(lo, mode, hi)),
            ("triangular", _) => wrong("a lower end, a mode and an upper end in this order"),
            ("values" | "grid", []) => wrong("at least one number"),
            ("values", _) => Ok(Distribution::Values(arguments)),
            ("grid", _) => Ok(Distribution::Grid(arguments)),
            ("linspace", &[first, last, count]) if count >= 1.0 && count == count.trunc() && count < 1e9 => {
                Ok(Distribution::Grid(linspace(first, last, count as usize)))
            }
            ("linspace", _) => wrong("the first value, the last value and how many"),
            _ => Err(format!("unknown distribution '{name}'; known: {}", Self::NAMES.join(", "))),
        }
    }

    /// Whether values are drawn at random, rather than enumerated.
    pub fn is_random(&self) -> bool {
        !matches!(self, Distribution::Values(_) | Distribution::Grid(_) | Distribution::Csv { .. })
    }
}

/// How the random numbers of an ensemble are spread over (0, 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sampling {
    /// Each on its own.
    #[default]
    Random,
    /// Of n trajectories, one in each of n equal strata of every quantity.
    LatinHypercube,
    /// A scrambled Sobol sequence.
    Sobol,
}

impl Sampling {
    /// All of them.
    pub const ALL: [Sampling; 3] = [Sampling::Random, Sampling::LatinHypercube, Sampling::Sobol];

    /// `random`, `latin_hypercube` or `sobol`.
    pub fn name(self) -> &'static str {
        match self {
            Sampling::Random => "random",
            Sampling::LatinHypercube => "latin_hypercube",
            Sampling::Sobol => "sobol",
        }
    }
}

/// A slot that is drawn at random.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// Whether it is a state (else a parameter).
    pub is_state: bool,
    /// The slot.
    pub slot: usize,
    /// Number of the draw, which with seed and trajectory gives the random words.
    pub number: u32,
    /// Where it stands among the random slots: its dimension of a Sobol sequence.
    pub dimension: u32,
    /// Its distribution, one that [is random](Distribution::is_random).
    pub distribution: Distribution,
}

/// Everything that a device needs to draw the inputs of any trajectory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draws {
    /// Seed.
    pub seed: u64,
    /// How random numbers are spread.
    pub sampling: Sampling,
    /// Trajectories of the whole ensemble.
    pub size: u64,
    /// Initial states where nothing varies.
    pub y0: Vec<f64>,
    /// Parameters where nothing varies.
    pub p: Vec<f64>,
    /// What is drawn at random.
    pub random: Vec<Draw>,
    /// Slots (is it a state, and which) whose values are listed: the host gives them
    /// ([`Source::listed`](crate::job::Source::listed)).
    pub listed: Vec<(bool, usize)>,
}

impl Draws {
    /// Whether everything that a device would draw is in the range of a number format. Where it is not, the host finds out what
    /// is wrong.
    pub fn fit(&self, precision: Precision) -> bool {
        let constants = self.y0.iter().chain(&self.p);
        let largest = precision.max();
        constants.into_iter().all(|value| !value.is_finite() || value.abs() <= largest)
            && self.random.iter().all(|draw| match precision {
                Precision::F32 => Self::reaches::<f32>(&draw.distribution),
                Precision::F64 => true,
                Precision::F32x2 => Self::reaches::<F32x2>(&draw.distribution),
            })
    }

    /// Whether the smallest and the largest value that can be drawn are finite.
    fn reaches<R: Real>(distribution: &Distribution) -> bool {
        let ends = |w: u32| quantile(&Shape::<R>::new(distribution), unit([w; 2]), unit([!w; 2]));
        ends(0).is_finite() && ends(u32::MAX).is_finite()
    }
}

/// `count` equally spaced numbers, both ends included.
pub fn linspace(first: f64, last: f64, count: usize) -> Vec<f64> {
    let n = count.max(2) - 1;
    (0..count).map(|i| if i == n { last } else { first + (last - first) * (i as f64 / n as f64) }).collect()
}
