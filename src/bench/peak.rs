//! The peak of one core: how many multiplications and additions its vector units can do in a second, measured.
//!
//! Independent chains x = x * 1 + 1 run in the widest registers that the processor has. Each is a fused multiply-add, which
//! counts as two operations (where there is none: a product and a sum). There are enough chains to fill the units while
//! each waits for its last result, and few enough to stay in registers. Since 1 is added, the result counts the
//! operations that were really done, exactly: a wrong one is an error, not a peak.

use crate::error::{Error, Result};
use crate::real::Precision;
use pulp::{Arch, Simd, WithSimd};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Links of a chain in one block: a fraction of a millisecond, so that the best of the blocks is undisturbed, and a
/// number that is exact in f32.
const LINKS: u32 = 1 << 17;

/// Blocks are timed for this long: time for the clock to rise.
const TIME: Duration = Duration::from_millis(60);

/// Operations in a second of one core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// In f64.
    pub double: f64,
    /// In f32.
    pub single: f64,
    /// Bits of a vector register.
    pub vector_bits: usize,
}

impl Peak {
    /// Measures this machine, which takes a tenth of a second.
    ///
    /// # Errors
    /// [`Error::Run`] if the processor's own sums are wrong.
    pub fn measure() -> Result<Peak> {
        let (double, vector_bits) = fastest(Double)?;
        let (single, _) = fastest(Single)?;
        Ok(Peak { double, single, vector_bits })
    }

    /// Operations in a second in a number format; f32x2 is made of f32.
    pub fn of(&self, precision: Precision) -> f64 {
        match precision {
            Precision::F64 => self.double,
            Precision::F32 | Precision::F32x2 => self.single,
        }
    }
}

/// What a block has done.
struct Block {
    /// Multiplications and additions of all chains and lanes.
    operations: f64,
    /// Smallest and largest number of links that a lane has counted.
    counted: (f64, f64),
    vector_bits: usize,
}

/// Operations in a second of the fastest block, and bits of a vector register.
fn fastest<B: WithSimd<Output = Block> + Copy>(block: B) -> Result<(f64, usize)> {
    let (arch, begin) = (Arch::new(), Instant::now());
    let (mut best, mut vector_bits) = (0f64, 0);
    while best == 0.0 || begin.elapsed() < TIME {
        let start = Instant::now();
        let done = arch.dispatch(block);
        let seconds = start.elapsed().as_secs_f64();
        check(done.counted)?;
        best = best.max(done.operations / seconds);
        vector_bits = done.vector_bits;
    }
    Ok((best, vector_bits))
}

fn check(counted: (f64, f64)) -> Result<()> {
    let links = f64::from(LINKS);
    if counted == (links, links) {
        return Ok(());
    }
    Err(Error::run(format!(
        "multiply-add: {LINKS} sums of 1 gave {} to {}; nothing that this processor computes can be trusted",
        counted.0, counted.1
    )))
}

/// A block in one number format: its type, and what pulp calls the operations on it.
macro_rules! block {
    ($block:ident, $real:ty, $reals:ident, $splat:ident, $mul_add:ident, $min:ident, $max:ident) => {
        #[derive(Clone, Copy)]
        struct $block;

        impl $block {
            #[inline(always)]
            fn chains<S: Simd, const N: usize>(simd: S) -> Block {
                // The compiler must not know that these are 1.
                let (factor, term) = (simd.$splat(black_box(1.0)), simd.$splat(black_box(1.0)));
                let mut chains = [simd.$splat(black_box(0.0)); N];
                for _ in 0..LINKS {
                    for x in &mut chains {
                        *x = simd.$mul_add(*x, factor, term);
                    }
                }
                let ends = chains.map(|x| (simd.$min(x), simd.$max(x)));
                let low = ends.iter().fold(<$real>::INFINITY, |low, end| low.min(end.0));
                let high = ends.iter().fold(<$real>::NEG_INFINITY, |high, end| high.max(end.1));
                let bytes = size_of::<S::$reals>();
                let lanes = bytes / size_of::<$real>();
                Block {
                    operations: 2.0 * f64::from(LINKS) * (N * lanes) as f64,
                    counted: (f64::from(low), f64::from(high)),
                    vector_bits: 8 * bytes,
                }
            }
        }

        impl WithSimd for $block {
            type Output = Block;

            // Two units of 4 cycles need 8 chains, four of them 16.
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) -> Block {
                if S::REGISTER_COUNT >= 32 { Self::chains::<S, 20>(simd) } else { Self::chains::<S, 12>(simd) }
            }
        }
    };
}

block!(Double, f64, f64s, splat_f64s, mul_add_e_f64s, reduce_min_f64s, reduce_max_f64s);
block!(Single, f32, f32s, splat_f32s, mul_add_e_f32s, reduce_min_f32s, reduce_max_f32s);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_positive_and_wrong_sums_are_refused() {
        let peak = Peak::measure().expect("this processor can add");
        assert!(peak.double > 0.0 && peak.single > 0.0 && peak.vector_bits >= 64, "{peak:?}");
        let links = f64::from(LINKS);
        assert!(check((links - 1.0, links)).is_err());
    }
}
