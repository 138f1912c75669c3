//! A counter-based generator: Philox4x32-10 of J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
//! section 4.3. Twin of `philox4x32_10` in `shaders/draw.wgsl`.
//!
//! In: a counter and a key. Out: four random words, the same on any machine. It keeps nothing from call to call, so that
//! any number of a sequence can be had alone.

/// Multipliers of the first and the third word.
pub const PHILOX_M: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];

/// What is added to the key after each round.
pub const PHILOX_W: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Number of rounds.
pub const PHILOX_ROUNDS: u32 = 10;

/// Four random words of a counter under a key.
pub fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..PHILOX_ROUNDS {
        let p0 = u64::from(PHILOX_M[0]) * u64::from(counter[0]);
        let p1 = u64::from(PHILOX_M[1]) * u64::from(counter[2]);
        counter =
            [(p1 >> 32) as u32 ^ counter[1] ^ key[0], p1 as u32, (p0 >> 32) as u32 ^ counter[3] ^ key[1], p0 as u32];
        key = [key[0].wrapping_add(PHILOX_W[0]), key[1].wrapping_add(PHILOX_W[1])];
    }
    counter
}

/// What words are for: the last word of the counter, so that no two uses share a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The draws of trajectories.
    Draws,
    /// Keys of the permutations of a Latin hypercube.
    Permutations,
    /// Keys of the scrambling of a Sobol sequence.
    Scrambling,
}

/// The words of a use of a seed, by a number of 64 bits and one of 32.
pub fn words(seed: u64, stream: Stream, number: u64, draw: u32) -> [u32; 4] {
    let counter = [number as u32, (number >> 32) as u32, draw, stream as u32];
    philox4x32_10(counter, [seed as u32, (seed >> 32) as u32])
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
}
