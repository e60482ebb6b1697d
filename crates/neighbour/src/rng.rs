//! Chance, from the seed in [`crate::Config`]: the same seed and the same calls give the same run.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// The engine's dice. ChaCha, since peers see nonces and must not guess the next.
#[derive(Clone, Debug)]
pub(crate) struct Rng(ChaCha8Rng);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(crate) fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, bound); 0 if the bound is 0. The bias of a 64-bit draw is below 2^-32.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        ((u128::from(self.u64()) * u128::from(bound)) >> 64) as u32
    }

    /// A nonce that is not zero (ND-74).
    pub(crate) fn nonce(&mut self) -> [u8; 6] {
        loop {
            let [a, b, c, d, e, f, ..] = self.u64().to_le_bytes();
            if [a, b, c, d, e, f] != [0; 6] {
                return [a, b, c, d, e, f];
            }
        }
    }
}
