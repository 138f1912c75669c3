//! The point of a trajectory in (0, 1), for each drawn quantity, as two random words.
//!
//! In: seed, sampling, draw. Out: for any trajectory words whose leading 52 bits b stand for (b + 1/2) / 2^52, so that neither 0
//! nor 1 can come. Complementing the words mirrors the point: u and 1 - u are made of them in the same way, and both are
//! precise in a relative sense where they are small. Twin of `point` and `unit` in `shaders/draw.wgsl`.

use super::latin_hypercube::Permutation;
use super::philox::{Stream, words};
use super::sobol::{Sobol, n_dimension};
use super::{Draw, Sampling};
use crate::real::Real;

/// Most trajectories of an ensemble that a Latin hypercube or a Sobol sequence spreads: their numbers have 32 bits.
pub const MOST_SPREAD: u64 = 1 << 32;

/// Points of the trajectories for one draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Points {
    seed: u64,
    number: u32,
    spread: Spread,
}

/// How a sampling spreads the points of a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spread {
    Random,
    LatinHypercube(Permutation),
    Sobol(Sobol),
}

impl Points {
    /// The points of a draw in an ensemble of `size` trajectories.
    ///
    /// # Errors
    /// A sentence that says what the sampling cannot do.
    pub fn new(seed: u64, sampling: Sampling, size: u64, draw: &Draw) -> Result<Points, String> {
        let name = sampling.name();
        if sampling != Sampling::Random && !(1..=MOST_SPREAD).contains(&size) {
            return Err(format!(
                "'{name}' spreads at most {MOST_SPREAD} trajectories, and there are {size}; take fewer, or sampling random"
            ));
        }
        let spread = match sampling {
            Sampling::Random => Spread::Random,
            Sampling::LatinHypercube => Spread::LatinHypercube(Permutation::new(seed, draw.number, size)),
            Sampling::Sobol if draw.dimension as usize >= n_dimension() => {
                let n = n_dimension();
                return Err(format!(
                    "'{name}' has {n} dimensions, and more than {n} quantities vary at random; vary fewer, or take sampling latin_hypercube or random"
                ));
            }
            Sampling::Sobol => Spread::Sobol(Sobol::new(seed, draw.dimension)),
        };
        Ok(Points { seed, number: draw.number, spread })
    }

    /// How they are spread.
    #[cfg(feature = "gpu")]
    pub(crate) fn spread(&self) -> &Spread {
        &self.spread
    }

    /// The words of a trajectory.
    pub fn point(&self, trajectory: u64) -> [u32; 2] {
        let [first, second, ..] = words(self.seed, Stream::Draws, trajectory, self.number);
        match &self.spread {
            Spread::Random => [first, second],
            Spread::LatinHypercube(permutation) => permutation.point(trajectory as u32, [first, second]),
            Spread::Sobol(sobol) => [sobol.point(trajectory as u32), second],
        }
    }

    /// The point of a trajectory in a number format, and what is left to 1.
    pub fn uv<R: Real>(&self, trajectory: u64) -> (R, R) {
        let [first, second] = self.point(trajectory);
        (unit([first, second]), unit([!first, !second]))
    }
}

/// The number of (0, 1) of two words: the leading 52 bits, and a half in the place behind them. Exact in f64; in f32x2 rounded to
/// 48 bits and in f32 to 24, in a relative sense, so that it may round to 1.
pub fn unit<R: Real>(words: [u32; 2]) -> R {
    let high = R::of_u32(words[0] >> 8);
    let middle = R::of_u32((words[0] & 0xff) << 16 | words[1] >> 16);
    let low = R::of_u32((words[1] >> 11 & 0x1e) + 1);
    // 2^-24, 2^-48, 2^-53
    let rest = middle * R::of_f32(3.552_713_678_800_501e-15) + low * R::of_f32(1.110_223_024_625_156_5e-16);
    high * R::of_f32(5.960_464_477_539_063e-8) + rest
}

/// A number of the open interval (0, 1), uniform on multiples of 2^-52 shifted by half of one.
pub fn uniform01(seed: u64, trajectory: u64, draw: u32) -> f64 {
    let [first, second, ..] = words(seed, Stream::Draws, trajectory, draw);
    unit([first, second])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::F32x2;

    #[test]
    fn units_are_the_leading_bits_and_a_half() {
        for k in 0..20_000u64 {
            let random = words(1, Stream::Draws, k, 0);
            // Few bits, many bits, ends.
            let shift = (k % 33) as u32;
            let first = random[0].checked_shr(shift).unwrap_or(0);
            for w in [[first, random[1]], [!first, random[1]], [first, 0], [!first, u32::MAX]] {
                let bits = u64::from(w[0]) << 20 | u64::from(w[1] >> 12);
                let exact = (bits as f64 + 0.5) * 2f64.powi(-52);
                let u: f64 = unit(w);
                assert_eq!(u.to_bits(), exact.to_bits(), "{w:x?}");
                assert_eq!(unit::<f64>([!w[0], !w[1]]).to_bits(), (1.0 - u).to_bits(), "{w:x?}");
                // Two roundings to 24 bits, one of them of a part that is 2^-23 of the whole or exact.
                assert!((f64::from(unit::<f32>(w)) - u).abs() <= 0.501 * f64::from(f32::EPSILON) * u, "{w:x?}");
                // The sum of pairs is within 3 2^-48 (src/pair.rs); its terms are exact.
                assert!((unit::<F32x2>(w).to_f64() - u).abs() <= 3.0 * 2f64.powi(-48) * u, "{w:x?}");
            }
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
