//! Latin hypercubes: of n trajectories exactly one in each of n equal strata, for every quantity on its own. M. McKay,
//! R. Beckman, W. Conover, "A comparison of three methods for selecting values of input variables in the analysis of output
//! from a computer code", Technometrics 21 (1979) 239-245.
//!
//! In: a seed, the number of a draw, n up to 2^32. Out: for any trajectory its stratum, and its point as two words: nothing is
//! shuffled, so that a trajectory can be drawn alone. The strata come from a permutation of [0, n) that is computed: a
//! Feistel network (M. Luby, C. Rackoff, "How to construct pseudorandom permutations from pseudorandom functions", SIAM J.
//! Comput. 17 (1988) 373-386) on the fewest bits that hold n numbers, applied again until the result is below n (cycle
//! walking: J. Black, P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). Twin of the functions of these
//! names in `shaders/draw.wgsl`. The quantities are paired at random: nothing is done about their correlations.

use super::philox::{Stream, words};

/// Rounds of the network: even, so that the halves end where they began.
pub const FEISTEL_ROUNDS: usize = 8;

/// Multipliers and shifts of the round function, the finalizer of A. Appleby's MurmurHash3.
pub const MIX_MULTIPLIERS: [u32; 2] = [0x85eb_ca6b, 0xc2b2_ae35];

/// A permutation of the numbers from 0 to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permutation {
    /// The largest number.
    pub last: u32,
    /// A key for each round.
    pub keys: [u32; FEISTEL_ROUNDS],
}

impl Permutation {
    /// The permutation of n numbers that belongs to a seed and a draw; n is 1 at least and 2^32 at most.
    pub fn new(seed: u64, draw: u32, n: u64) -> Permutation {
        let key = |round: usize| words(seed, Stream::Permutations, round as u64 / 4, draw)[round % 4];
        Permutation { last: (n - 1) as u32, keys: std::array::from_fn(key) }
    }

    /// Where a number goes, both being at most `last`.
    pub fn permute(&self, x: u32) -> u32 {
        let mut y = self.feistel(x);
        while y > self.last {
            y = self.feistel(y);
        }
        y
    }

    /// One pass through the network, on as many bits as `last` has. A left and a right part change places in each round, the
    /// left one with the mixed bits of the right one added to it.
    fn feistel(&self, x: u32) -> u32 {
        let bits = 32 - self.last.leading_zeros();
        let mut right_bits = bits / 2;
        let mut left = x >> right_bits;
        let mut right = x & low_bits(right_bits);
        for key in self.keys {
            let left_bits = bits - right_bits;
            let mixed = left ^ (mix(right ^ key) & low_bits(left_bits));
            left = right;
            right = mixed;
            right_bits = left_bits;
        }
        left << right_bits | right
    }

    /// The words of a trajectory's point (p + w) / n, where p is its stratum and w its random words as a fraction.
    pub fn point(&self, trajectory: u32, w: [u32; 2]) -> [u32; 2] {
        let stratum = self.permute(trajectory);
        if self.last == u32::MAX {
            return [stratum, w[0]];
        }
        let n = self.last + 1;
        let (first, rest) = divide(stratum, w[0], n);
        let (second, _) = divide(rest, w[1], n);
        [first, second]
    }
}

/// A mask of the `n` lowest bits, for at most 16.
fn low_bits(n: u32) -> u32 {
    (1 << n) - 1
}

fn mix(mut x: u32) -> u32 {
    x = (x ^ (x >> 16)).wrapping_mul(MIX_MULTIPLIERS[0]);
    x = (x ^ (x >> 13)).wrapping_mul(MIX_MULTIPLIERS[1]);
    x ^ (x >> 16)
}

/// Quotient and remainder of `high 2^32 + low` by n, for high < n.
fn divide(high: u32, low: u32, n: u32) -> (u32, u32) {
    let x = u64::from(high) << 32 | u64::from(low);
    ((x / u64::from(n)) as u32, (x % u64::from(n)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_number_comes_once() {
        for n in [1u64, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 100, 1000, 1023, 1025, 65_537] {
            for (seed, draw) in [(0, 0), (u64::MAX, 1 << 31), (7, 3)] {
                let permutation = Permutation::new(seed, draw, n);
                let images: HashSet<u32> = (0..n as u32).map(|x| permutation.permute(x)).collect();
                assert_eq!(images.len() as u64, n, "{n}, seed {seed}, draw {draw}");
                assert!(images.iter().all(|y| u64::from(*y) < n));
            }
        }
        // Of all 2^32 numbers some that are close and some that are not.
        let permutation = Permutation::new(3, 1, 1 << 32);
        let some = (0..50_000).chain((0..50_000).map(|x| u32::MAX - x));
        assert_eq!(some.map(|x| permutation.permute(x)).collect::<HashSet<_>>().len(), 100_000);
    }

    /// All permutations of three and four numbers come about equally often over seeds: of 24,000 each of 24 1000 times, with
    /// deviation 31, of which five are allowed.
    #[test]
    fn every_permutation_comes() {
        for (n, factorial) in [(3u64, 6), (4, 24)] {
            let mut counts = std::collections::HashMap::new();
            for seed in 0..1000 * factorial {
                let permutation = Permutation::new(seed, 5, n);
                let images: Vec<u32> = (0..n as u32).map(|x| permutation.permute(x)).collect();
                *counts.entry(images).or_insert(0) += 1;
            }
            assert_eq!(counts.len() as u64, factorial);
            assert!(counts.values().all(|count| (840..=1160).contains(count)), "{n}: {counts:?}");
        }
    }

    /// Strata of neighbours and of different quantities are not related: correlations of 4000 pairs are normal with deviation
    /// 1/63, of which five are allowed.
    #[test]
    fn strata_are_not_correlated() {
        let n = 4000u64;
        let of = |draw: u32| -> Vec<f64> {
            let permutation = Permutation::new(11, draw, n);
            (0..n as u32).map(|x| f64::from(permutation.permute(x)) / n as f64 - 0.5).collect()
        };
        let correlation = |a: &[f64], b: &[f64]| 12.0 * a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / n as f64;
        let (a, b) = (of(0), of(1));
        let ramp: Vec<f64> = (0..n).map(|i| i as f64 / n as f64 - 0.5).collect();
        let shifted: Vec<f64> = a.iter().cycle().skip(1).take(n as usize).copied().collect();
        for (what, c) in
            [("draws", correlation(&a, &b)), ("order", correlation(&a, &ramp)), ("next", correlation(&a, &shifted))]
        {
            assert!(c.abs() < 5.0 / (n as f64).sqrt(), "{what}: {c}");
        }
        assert!(
            (correlation(&a, &a) - 1.0).abs() < 1e-6,
            "the variance of n equally spaced numbers is 1/12 (1 - 1/n^2)"
        );
    }

    #[test]
    fn points_lie_in_their_strata() {
        for n in [1u64, 2, 3, 1000, 65_537, 1 << 31, (1 << 32) - 1, 1 << 32] {
            let permutation = Permutation::new(1, 2, n);
            for i in (0..n).step_by((n as usize).div_ceil(1000)) {
                for w in [[0, 0], [!0, !0], [0x1234_5678, 0x9abc_def0]] {
                    let stratum = u128::from(permutation.permute(i as u32));
                    let fraction = u128::from(w[0]) << 32 | u128::from(w[1]);
                    let expected = ((stratum << 64) + fraction) / u128::from(n);
                    let [first, second] = permutation.point(i as u32, w);
                    assert_eq!(u128::from(first) << 32 | u128::from(second), expected, "{i} of {n}");
                }
            }
        }
    }
}
