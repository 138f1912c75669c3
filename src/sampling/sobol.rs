//! Scrambled Sobol sequences: points that fill the cube far more evenly than random ones do.
//!
//! In: a seed, a dimension, the number of a point. Out: the leading word of its coordinate, which together with random
//! words behind it makes the point of a trajectory. Point i is computed from the bits of i alone, in the order of the Gray
//! code that the usual programs follow (I. Antonov, V. Saleev, USSR Comput. Math. Math. Phys. 19 (1980) 252-256): without
//! scrambling it is point i of `scipy.stats.qmc.Sobol`. Each aligned run of 2^k points is a net in base 2; a run of another
//! length is less even, so that sizes should be powers of two.
//!
//! Direction numbers are those of S. Joe and F. Kuo (`joe_kuo.txt`, where the source stands). Each dimension is scrambled on
//! its own by a hash that takes the place of A. Owen's random tree of permutations: S. Laine, T. Karras, "Stratified
//! sampling for stochastic transparency", Comput. Graph. Forum 30 (2011) 1197-1204; B. Burley, "Practical hash-based Owen
//! scrambling", JCGT 9(4) (2020) 1-20. Twin of the functions of these names in `shaders/draw.wgsl`.

use super::philox::{Stream, words};
use std::sync::LazyLock;

const JOE_KUO: &str = include_str!("joe_kuo.txt");

/// Bits of a coordinate, and of the number of a point.
pub const SOBOL_BITS: usize = 32;

/// Multipliers of the scrambling hash (Burley, listing 4).
pub const SCRAMBLE_MULTIPLIERS: [u32; 4] = [0x6c50_b47c, 0xb82f_1e52, 0xc7af_e638, 0x8d22_f6e6];

/// Lines of direction numbers; the first dimension needs none.
static LINES: LazyLock<Vec<&str>> =
    LazyLock::new(|| JOE_KUO.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect());

/// How many dimensions there are.
pub fn n_dimension() -> usize {
    LINES.len() + 1
}

/// One dimension of the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sobol {
    /// What each bit of a point's number contributes, the lowest bit first.
    pub directions: [u32; SOBOL_BITS],
    /// Key of the scrambling.
    pub key: u32,
}

impl Sobol {
    /// A dimension, counted from 0, scrambled by a seed.
    ///
    /// # Panics
    /// If there is no such dimension ([`n_dimension`]).
    pub fn new(seed: u64, dimension: u32) -> Sobol {
        let key = words(seed, Stream::Scrambling, u64::from(dimension), 0)[0];
        Sobol { directions: directions(dimension as usize), key }
    }

    /// The coordinate of a point before it is scrambled.
    pub fn coordinate(&self, index: u32) -> u32 {
        let mut gray = index ^ (index >> 1);
        let mut x = 0;
        let mut bit = 0;
        while gray != 0 {
            if gray & 1 == 1 {
                x ^= self.directions[bit];
            }
            gray >>= 1;
            bit += 1;
        }
        x
    }

    /// The scrambled coordinate of a point.
    pub fn point(&self, index: u32) -> u32 {
        scramble(self.coordinate(index), self.key)
    }
}

/// Flips each bit depending on the bits above it: a permutation that maps each dyadic interval onto one of the same length.
fn scramble(x: u32, key: u32) -> u32 {
    laine_karras(x.reverse_bits(), key).reverse_bits()
}

/// Flips each bit depending on the bits below it.
fn laine_karras(mut x: u32, key: u32) -> u32 {
    x = x.wrapping_add(key);
    for multiplier in SCRAMBLE_MULTIPLIERS {
        x ^= x.wrapping_mul(multiplier);
    }
    x
}

/// The direction numbers of a dimension, each with its binary point at the top: m_k / 2^k. The first ones are given, the
/// others follow from the polynomial (P. Bratley, B. Fox, "Algorithm 659", ACM TOMS 14 (1988) 88-100).
fn directions(dimension: usize) -> [u32; SOBOL_BITS] {
    let mut v = std::array::from_fn(|k| 1 << (SOBOL_BITS - 1 - k));
    if dimension == 0 {
        return v;
    }
    let mut numbers =
        LINES[dimension - 1].split(' ').map(|number| number.parse::<u32>().expect("the file has numbers"));
    let polynomial = numbers.next().expect("the file has a polynomial in each line");
    let degree = polynomial.ilog2() as usize;
    for (k, m) in numbers.enumerate() {
        v[k] *= m;
    }
    for k in degree..SOBOL_BITS {
        v[k] = v[k - degree] ^ (v[k - degree] >> degree);
        for j in 1..degree {
            if polynomial >> (degree - j) & 1 == 1 {
                v[k] ^= v[k - j];
            }
        }
    }
    v
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points of `scipy.stats.qmc.Sobol(d=1024, scramble=False, bits=32)`, version 1.17.1: numbers 1 to 7, 1000, 1024, and the
    /// last one of all, which is the last direction number alone.
    #[test]
    fn points_are_those_of_scipy() {
        const NUMBERS: [u32; 10] = [1, 2, 3, 4, 5, 6, 7, 1000, 1024, u32::MAX];
        #[rustfmt::skip]
        let points: [(u32, [u32; 10]); 8] = [
            (0, [0x8000_0000, 0xc000_0000, 0x4000_0000, 0x6000_0000, 0xe000_0000, 0xa000_0000, 0x2000_0000, 0x3840_0000, 0x0060_0000, 0x0000_0001]),
            (1, [0x8000_0000, 0x4000_0000, 0xc000_0000, 0x6000_0000, 0xe000_0000, 0x2000_0000, 0xa000_0000, 0x18c0_0000, 0x6060_0000, 0xffff_ffff]),
            (2, [0x8000_0000, 0x4000_0000, 0xc000_0000, 0xa000_0000, 0x2000_0000, 0xe000_0000, 0x6000_0000, 0x84c0_0000, 0x72a0_0000, 0xc500_5555]),
            (3, [0x8000_0000, 0x4000_0000, 0xc000_0000, 0xe000_0000, 0x6000_0000, 0xa000_0000, 0x2000_0000, 0xad40_0000, 0x7ca0_0000, 0x5005_0093]),
            (7, [0x8000_0000, 0xc000_0000, 0x4000_0000, 0xe000_0000, 0x6000_0000, 0x2000_0000, 0xa000_0000, 0xe640_0000, 0x9660_0000, 0x8763_9641]),
            (100, [0x8000_0000, 0x4000_0000, 0xc000_0000, 0xa000_0000, 0x2000_0000, 0xe000_0000, 0x6000_0000, 0xc4c0_0000, 0xace0_0000, 0x2942_7f87]),
            (511, [0x8000_0000, 0xc000_0000, 0x4000_0000, 0x6000_0000, 0xe000_0000, 0xa000_0000, 0x2000_0000, 0x6540_0000, 0xd620_0000, 0x36e4_b409]),
            (1023, [0x8000_0000, 0xc000_0000, 0x4000_0000, 0xe000_0000, 0x6000_0000, 0x2000_0000, 0xa000_0000, 0xb6c0_0000, 0xace0_0000, 0x651d_e84d]),
        ];
        for (dimension, expected) in points {
            let sobol = Sobol::new(0, dimension);
            assert_eq!(sobol.coordinate(0), 0);
            assert_eq!(NUMBERS.map(|i| sobol.coordinate(i)), expected, "dimension {dimension}");
        }
    }

    #[test]
    fn there_are_1024_dimensions_with_numbers_that_fit() {
        assert_eq!(n_dimension(), 1024);
        for dimension in 0..1024 {
            for (k, v) in directions(dimension).into_iter().enumerate() {
                // An odd m_k < 2^k: the matrix of the directions is triangular, and every point comes once.
                assert_eq!(v.trailing_zeros(), 31 - k as u32, "dimension {dimension}, direction {k}");
            }
        }
    }

    /// Scrambling keeps dyadic intervals together at every length, and tells keys apart.
    #[test]
    fn scrambling_is_a_tree_of_permutations() {
        for key in [0, 1, 0xffff_ffff, 0x1234_5678] {
            for bits in [1, 4, 10] {
                let shift = 32 - bits;
                let mut images: Vec<u32> = (0..1u32 << bits).map(|top| scramble(top << shift, key) >> shift).collect();
                for top in 0..1u32 << bits {
                    let other_end = scramble(top << shift | ((1 << shift) - 1), key) >> shift;
                    assert_eq!(images[top as usize], other_end, "key {key}, {bits} bits");
                }
                images.sort_unstable();
                assert!(images.iter().copied().eq(0..1 << bits), "key {key}, {bits} bits");
            }
        }
        let of = |key: u32| (0..64u32).map(|x| scramble(x << 26, key) >> 26).collect::<Vec<_>>();
        assert_ne!(of(1), of(2));
    }
}
