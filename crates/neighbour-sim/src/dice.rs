//! Chance of the world, apart from the engine's own: one seed, one run.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Dice.
#[derive(Clone, Debug)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(crate) fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    pub(crate) fn u128(&mut self) -> u128 {
        u128::from(self.u64()) << 64 | u128::from(self.u64())
    }

    /// Uniform in [0, bound); 0 if the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.u64()) * u128::from(bound)) >> 64) as u64
    }

    /// True as often as `probability` says.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        // No draw for what never happens, so that a plan without faults has the dice of one that never heard of them.
        probability > 0.0 && (self.u64() >> 11) as f64 / (1u64 << 53) as f64 <= probability
    }
}
