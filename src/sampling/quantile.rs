//! Quantiles: the value of a distribution at a probability, in every number format.
//!
//! In: a [`Shape`], the numbers of a distribution rounded to the format, and a probability u with v = 1 - u. Out: the inverse of
//! the cumulative distribution at u. Only + - * /, square root, exp, log and comparisons are used, in the same order as in the
//! twin `shaders/draw.wgsl`. Of u and v the smaller one is used where a tail depends on it. Values of distributions with ends
//! do not lie beyond them, whatever the rounding.
//!
//! Errors are those of rounding. Measured over both tails down to 2^-53, in units of the format's epsilon, f32 and f32x2: the
//! standard normal quantile 3.5 and 4.1, relative where it is above 1/4; the others up to 1.1 of the largest number, and
//! through an exponential up to 2.8 times as large as the exponent. Numbers of a distribution that the format rounds come on
//! top.

use super::Distribution;
use crate::real::Real;

/// Kinds of distributions; 0 stands for none, a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Distribution::Normal`].
    Normal = 1,
    /// [`Distribution::LogNormal`].
    LogNormal,
    /// [`Distribution::Uniform`].
    Uniform,
    /// [`Distribution::LogUniform`].
    LogUniform,
    /// [`Distribution::Triangular`].
    Triangular,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 5] = [Kind::Normal, Kind::LogNormal, Kind::Uniform, Kind::LogUniform, Kind::Triangular];
}

/// A distribution as it is computed with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape<R> {
    /// Its kind.
    pub kind: Kind,
    /// The lower end; of a normal or lognormal one the mean.
    pub a: R,
    /// The upper end; of a normal or lognormal one the standard deviation.
    pub b: R,
    /// The mode; of a loguniform one the logarithm of the lower end.
    pub c: R,
    /// Of a loguniform one the logarithm of the upper end.
    pub d: R,
}

impl<R: Real> Shape<R> {
    /// The numbers of a distribution in a format.
    ///
    /// # Panics
    /// If it is one that is not [random](Distribution::is_random).
    pub fn new(distribution: &Distribution) -> Shape<R> {
        let (kind, numbers) = match *distribution {
            Distribution::Normal(mean, sd) => (Kind::Normal, [mean, sd, 0.0, 0.0]),
            Distribution::LogNormal(mu, sigma) => (Kind::LogNormal, [mu, sigma, 0.0, 0.0]),
            Distribution::Uniform(lo, hi) => (Kind::Uniform, [lo, hi, 0.0, 0.0]),
            Distribution::LogUniform(lo, hi) => (Kind::LogUniform, [lo, hi, Real::log(lo), Real::log(hi)]),
            Distribution::Triangular(lo, mode, hi) => (Kind::Triangular, [lo, hi, mode, 0.0]),
            Distribution::Values(_) | Distribution::Grid(_) | Distribution::Csv { .. } => {
                panic!("a distribution that lists its values has no shape")
            }
        };
        let [a, b, c, d] = numbers.map(R::of);
        Shape { kind, a, b, c, d }
    }
}

/// The value of a distribution at u, where v = 1 - u.
pub fn quantile<R: Real>(shape: &Shape<R>, u: R, v: R) -> R {
    let Shape { kind, a, b, c, d } = *shape;
    match kind {
        Kind::Normal => a + b * standard_normal_quantile(u, v),
        Kind::LogNormal => (a + b * standard_normal_quantile(u, v)).exp(),
        Kind::Uniform => bounded(a * v + b * u, a, b),
        Kind::LogUniform => bounded((c * v + d * u).exp(), a, b),
        Kind::Triangular => bounded(triangular_quantile(a, c, b, u, v), a, b),
    }
}

/// x, or the end that it lies beyond.
fn bounded<R: Real>(x: R, lo: R, hi: R) -> R {
    x.lesser(hi).greater(lo)
}

fn triangular_quantile<R: Real>(lo: R, mode: R, hi: R, u: R, v: R) -> R {
    let width = hi - lo;
    if width == R::ZERO {
        lo
    } else if u < (mode - lo) / width {
        lo + (u * width * (mode - lo)).sqrt()
    } else {
        hi - (v * width * (hi - mode)).sqrt()
    }
}

/// Numbers of the standard normal quantile: two polynomials of degree 7 for each of three ranges, lowest power first, and
/// where the ranges end.
#[derive(Debug, Clone, Copy)]
pub struct NormalQuantile {
    /// |u - 1/2| up to which the central range goes.
    pub central: f64,
    /// Its square.
    pub central_square: f64,
    /// sqrt(-log(u)) up to which the tails go; the far tails lie beyond.
    pub tail: f64,
    /// What is taken from sqrt(-log(u)) in the tails; in the far tails it is [`tail`](NormalQuantile::tail).
    pub tail_shift: f64,
    /// Numerator and denominator: central range, tails, far tails.
    pub polynomials: [[f64; 8]; 6],
}

/// M. Wichura, algorithm AS 241 (PPND16), Applied Statistics 37 (1988) 477-484: relative error about 1e-16.
pub const NORMAL: NormalQuantile = NormalQuantile {
    central: 0.425,
    central_square: 0.180_625,
    tail: 5.0,
    tail_shift: 1.6,
    polynomials: [
        [
            3.387_132_872_796_366_5,
            133.141_667_891_784_38,
            1_971.590_950_306_551_3,
            13_731.693_765_509_46,
            45_921.953_931_549_87,
            67_265.770_927_008_7,
            33_430.575_583_588_13,
            2_509.080_928_730_122_7,
        ],
        [
            1.0,
            42.313_330_701_600_91,
            687.187_007_492_057_9,
            5_394.196_021_424_751,
            21_213.794_301_586_597,
            39_307.895_800_092_71,
            28_729.085_735_721_943,
            5_226.495_278_852_545,
        ],
        [
            1.423_437_110_749_683_5,
            4.630_337_846_156_546,
            5.769_497_221_460_691,
            3.647_848_324_763_204_5,
            1.270_458_252_452_368_4,
            0.241_780_725_177_450_6,
            0.022_723_844_989_269_184,
            7.745_450_142_783_414e-4,
        ],
        [
            1.0,
            2.053_191_626_637_759,
            1.676_384_830_183_803_8,
            0.689_767_334_985_1,
            0.148_103_976_427_480_08,
            0.015_198_666_563_616_457,
            5.475_938_084_995_345e-4,
            1.050_750_071_644_416_9e-9,
        ],
        [
            6.657_904_643_501_103,
            5.463_784_911_164_114,
            1.784_826_539_917_291_3,
            0.296_560_571_828_504_87,
            0.026_532_189_526_576_124,
            0.001_242_660_947_388_078_4,
            2.711_555_568_743_487_6e-5,
            2.010_334_399_292_288_1e-7,
        ],
        [
            1.0,
            0.599_832_206_555_888,
            0.136_929_880_922_735_8,
            0.014_875_361_290_850_615,
            7.868_691_311_456_133e-4,
            1.846_318_317_510_054_8e-5,
            1.421_511_758_316_446e-7,
            2.044_263_103_389_939_8e-15,
        ],
    ],
};

fn horner<R: Real>(x: R, coefficients: &[f64; 8]) -> R {
    let [lower @ .., highest] = coefficients;
    lower.iter().rev().fold(R::of(*highest), |sum, c| sum * x + R::of(*c))
}

/// Inverse of the standard normal distribution at u, where v = 1 - u.
pub fn standard_normal_quantile<R: Real>(u: R, v: R) -> R {
    let [central_above, central_below, tail_above, tail_below, far_above, far_below] = &NORMAL.polynomials;
    let half = R::of_f32(0.5);
    let is_low = u < v;
    let q = if is_low { u - half } else { half - v };
    if q.abs() <= R::of(NORMAL.central) {
        let r = R::of(NORMAL.central_square) - q * q;
        return q * horner(r, central_above) / horner(r, central_below);
    }
    let tail = (-(if is_low { u } else { v }).log()).sqrt();
    let z = if tail <= R::of(NORMAL.tail) {
        let r = tail - R::of(NORMAL.tail_shift);
        horner(r, tail_above) / horner(r, tail_below)
    } else {
        let r = tail - R::of(NORMAL.tail);
        horner(r, far_above) / horner(r, far_below)
    };
    if is_low { -z } else { z }
}

#[cfg(test)]
mod tests {
    use super::super::uniform01;
    use super::*;

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
            let got = standard_normal_quantile::<f64>(p, 1.0 - p);
            assert!((got - z).abs() <= 1e-14 * z.abs().max(1.0), "p = {p}: {got} is not {z}");
            assert_eq!(standard_normal_quantile::<f64>(1.0 - p, p), -got, "p = {p}: the upper tail");
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
            let shape = Shape::<f64>::new(&distribution);
            let draw = |i: u64| quantile(&shape, uniform01(7, i, 3), 1.0 - uniform01(7, i, 3));
            let draws: Vec<f64> = (0..n).map(draw).collect();
            let got_mean = draws.iter().sum::<f64>() / n as f64;
            let got_sd = (draws.iter().map(|x| (x - got_mean).powi(2)).sum::<f64>() / n as f64).sqrt();
            assert!((got_mean - mean).abs() < 5.0 * sd / (n as f64).sqrt(), "{distribution:?}: mean {got_mean}");
            assert!((got_sd - sd).abs() < 0.03 * sd, "{distribution:?}: standard deviation {got_sd}");
        }
    }
}
