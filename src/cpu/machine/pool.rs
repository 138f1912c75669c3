//! Numbers that are the same for all lanes: those of a run first (tolerances), then masks and constants.

use super::emit::Masks;
use super::step::uniform_count;
use super::x86::Vectors;
use crate::real::Real;
use std::collections::HashMap;

/// Bytes from a number of the pool to the next: AVX-512 spreads one number over a vector, AVX2 reads whole vectors.
pub fn pool_distance<R: Real>(vectors: Vectors) -> usize {
    match vectors {
        Vectors::Avx2 => vectors.bytes(),
        Vectors::Avx512 => size_of::<R>(),
    }
}

/// Constants while code is made.
pub struct Pool {
    is_double: bool,
    /// Masks and constants.
    pub bits: Vec<u64>,
    /// The position of the first of them.
    first: usize,
    known: HashMap<u64, usize>,
    pub masks: Masks,
}

impl Pool {
    pub fn new(n_state: usize, is_double: bool) -> Pool {
        let first = uniform_count(n_state);
        let masks = Masks { zero: first, one: first + 1, sign: first + 2, magnitude: first + 3 };
        let mut pool = Pool { is_double, bits: Vec::new(), first, known: HashMap::new(), masks };
        for number in [0.0, 1.0, -0.0] {
            pool.constant(number);
        }
        pool.bits.push(if is_double { u64::MAX >> 1 } else { u64::from(u32::MAX >> 1) });
        pool
    }

    /// Number of a constant in the pool.
    pub fn constant(&mut self, x: f64) -> usize {
        let bits = number_bits(x, self.is_double);
        *self.known.entry(bits).or_insert_with(|| {
            self.bits.push(bits);
            self.first + self.bits.len() - 1
        })
    }
}

/// A number in the format of the code.
pub fn number_bits(x: f64, is_double: bool) -> u64 {
    if is_double { x.to_bits() } else { u64::from((x as f32).to_bits()) }
}
