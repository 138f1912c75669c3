//! Random inputs: a counter-based generator and the distributions of varied quantities.
//!
//! In: seed, trajectory number, draw number. Out: the same value on any machine, in any order, in any chunk:
//! trajectory 17 of an ensemble can be drawn alone. Everything here is f64 on the host; both backends get the same
//! inputs. Philox4x32-10 is of J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4.3.

use crate::math::double::{exp, log};

const PHILOX_M0: u32 = 0xD251_1F53;
const PHILOX_M1: u32 = 0xCD9E_8D57;
const PHILOX_W0: u32 = 0x9E37_79B9;
const PHILOX_W1: u32 = 0xBB67_AE85;

/// Four random words of a counter under a key.
pub fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let p0 = u64::from(PHILOX_M0) * u64::from(counter[0]);
        let p1 = u64::from(PHILOX_M1) * u64::from(counter[2]);
        counter =
            [(p1 >> 32) as u32 ^ counter[1] ^ key[0], p1 as u32, (p0 >> 32) as u32 ^ counter[3] ^ key[1], p0 as u32];
        key = [key[0].wrapping_add(PHILOX_W0), key[1].wrapping_add(PHILOX_W1)];
    }
    counter
}

/// A number of the open interval (0, 1), uniform on multiples of 2^-52 shifted by half of one.
pub fn uniform01(seed: u64, trajectory: u64, draw: u32) -> f64 {
    let counter = [trajectory as u32, (trajectory >> 32) as u32, draw, 0];
    let words = philox4x32_10(counter, [seed as u32, (seed >> 32) as u32]);
    let bits = (u64::from(words[0]) << 20) | u64::from(words[1] >> 12);
    (bits as f64 + 0.5) * 2f64.powi(-52)
}

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

    /// The value at probability `u` of (0, 1): the inverse of the cumulative distribution. Enumerated kinds have none.
    pub fn quantile(&self, u: f64) -> Option<f64> {
        Some(match *self {
            Distribution::Normal(mean, sd) => mean + sd * standard_normal_quantile(u),
            Distribution::LogNormal(mu, sigma) => exp(mu + sigma * standard_normal_quantile(u)),
            Distribution::Uniform(lo, hi) => lo * (1.0 - u) + hi * u,
            Distribution::LogUniform(lo, hi) => exp(log(lo) * (1.0 - u) + log(hi) * u),
            Distribution::Triangular(lo, mode, hi) => triangular_quantile(lo, mode, hi, u),
            _ => return None,
        })
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

/// `count` equally spaced numbers, both ends included.
pub fn linspace(first: f64, last: f64, count: usize) -> Vec<f64> {
    let n = count.max(2) - 1;
    (0..count).map(|i| if i == n { last } else { first + (last - first) * (i as f64 / n as f64) }).collect()
}

fn triangular_quantile(lo: f64, mode: f64, hi: f64, u: f64) -> f64 {
    let width = hi - lo;
    if width == 0.0 {
        lo
    } else if u < (mode - lo) / width {
        lo + (u * width * (mode - lo)).sqrt()
    } else {
        hi - ((1.0 - u) * width * (hi - mode)).sqrt()
    }
}

fn horner(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |acc, c| acc * x + c)
}

/// Inverse of the standard normal distribution, relative error about 1e-16: M. Wichura, algorithm AS 241 (PPND16),
/// Applied Statistics 37 (1988) 477-484. Coefficients a, b (central), c, d (tails) and e, f (far tails), lowest
/// power first.
pub fn standard_normal_quantile(p: f64) -> f64 {
    const A: [f64; 8] = [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ];
    const B: [f64; 8] = [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_545,
    ];
    const C: [f64; 8] = [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ];
    const D: [f64; 8] = [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ];
    const E: [f64; 8] = [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ];
    const F: [f64; 8] = [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ];
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * horner(r, &A) / horner(r, &B);
    }
    let tail = (-log(if q < 0.0 { p } else { 1.0 - p })).sqrt();
    let z = if tail <= 5.0 {
        horner(tail - 1.6, &C) / horner(tail - 1.6, &D)
    } else {
        horner(tail - 5.0, &E) / horner(tail - 5.0, &F)
    };
    if q < 0.0 { -z } else { z }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_known_answers() {
        // Known answers published with the Random123 library.
        assert_eq!(philox4x32_10([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
        assert_eq!(philox4x32_10([!0; 4], [!0; 2]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
        assert_eq!(
            philox4x32_10([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]
        );
    }

    #[test]
    fn normal_quantiles() {
        // Computed with 40 digits.
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (1e-6, -4.753_424_308_822_899),
            (1e-10, -6.361_340_902_404_056),
            (1e-300, -37.047_096_299_361_2),
        ] {
            let got = standard_normal_quantile(p);
            assert!((got - z).abs() <= 1e-14 * z.abs().max(1.0), "p = {p}: {got} is not {z}");
        }
    }

    #[test]
    fn sample_moments_follow_the_distribution() {
        // 100,000 draws: the standard error of the mean is sd/316; five of them never fail on a fixed seed.
        let cases = [
            (Distribution::Normal(1.0, 0.1), 1.0, 0.1),
            (Distribution::LogNormal(0.0, 0.5), 0.125f64.exp(), (0.25f64.exp() * (0.25f64.exp() - 1.0)).sqrt()),
            (Distribution::Uniform(0.0, 28.0), 14.0, 28.0 / 12f64.sqrt()),
            (Distribution::LogUniform(1.0, 100.0), 99.0 / 100f64.ln(), 24.97),
            (Distribution::Triangular(0.0, 1.0, 5.0), 2.0, (21.0f64 / 18.0).sqrt()),
        ];
        let n = 100_000;
        for (distribution, mean, sd) in cases {
            let draws: Vec<f64> = (0..n).filter_map(|i| distribution.quantile(uniform01(7, i, 3))).collect();
            let got_mean = draws.iter().sum::<f64>() / n as f64;
            let got_sd = (draws.iter().map(|x| (x - got_mean).powi(2)).sum::<f64>() / n as f64).sqrt();
            assert!((got_mean - mean).abs() < 5.0 * sd / (n as f64).sqrt(), "{distribution:?}: mean {got_mean}");
            assert!((got_sd - sd).abs() < 0.03 * sd, "{distribution:?}: standard deviation {got_sd}");
        }
    }

    #[test]
    fn uniforms_stay_inside_the_open_interval() {
        for i in 0..100_000 {
            let u = uniform01(u64::MAX, i, 0);
            assert!(0.0 < u && u < 1.0, "{u}");
        }
    }
}
