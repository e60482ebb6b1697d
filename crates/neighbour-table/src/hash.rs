//! The keyed hash of the index, with a proven bound.
//!
//! A key is three 64-bit words x₀, x₁, x₂. With secret random 128-bit numbers a₀, a₁, a₂, b the hash is the upper
//! half of (a₀x₀ + a₁x₁ + a₂x₂ + b) mod 2¹²⁸. This is the vector form of multiply-add-shift (M. Dietzfelbinger,
//! "Universal hashing and k-wise independent random variables via integer arithmetic without primes", STACS 1996;
//! told for practice in M. Thorup, "High speed hashing for integers and strings"): for words of w bits, numbers of
//! at least w + l - 1 bits make l output bits strongly universal. Here w = l = 64 needs 127 of our 128 bits.
//!
//! So for any two different keys, whoever chose them, the pair of hashes is uniform over all pairs. Two keys share
//! a home bucket among 2ᵏ with probability 2⁻ᵏ exactly, and bucket and tag with 2⁻⁽ᵏ⁺³²⁾: of n keys an attacker
//! picks, a given key meets n/2ᵏ others in its bucket on average, no more than keys picked by chance would.
//!
//! What follows the sum is a bijection of the 64 bits, so it changes none of this. It is there because consecutive
//! addresses are what real networks have, and a bare linear hash lays them out as an arithmetic progression, which
//! for about one seed in a hundred is badly uneven.
//!
//! The random numbers are drawn from the caller's 64-bit seed by splitmix64 (S. Vigna): the bound holds as far as
//! they look random to whoever does not know the seed. Each array gets new ones each time it is taken into use.

/// 64-bit words of secret for one array.
#[cfg(not(loom))]
pub(crate) const SEED_WORDS: usize = 8;
/// One is enough for a few entries, and spares the model checker seven loads.
#[cfg(loom)]
pub(crate) const SEED_WORDS: usize = 1;

/// The secret of one array.
pub(crate) type Seeds = [u64; SEED_WORDS];

/// The hash of a key's words.
#[cfg(not(loom))]
#[inline]
pub(crate) fn hash(words: [u64; 3], seeds: &Seeds) -> u64 {
    let [a0, a1, b0, b1, c0, c1, d0, d1] = *seeds;
    let wide = |high: u64, low: u64| (u128::from(high) << 64) | u128::from(low);
    let [x0, x1, x2] = words.map(u128::from);
    let sum = wide(a0, a1)
        .wrapping_mul(x0)
        .wrapping_add(wide(b0, b1).wrapping_mul(x1))
        .wrapping_add(wide(c0, c1).wrapping_mul(x2))
        .wrapping_add(wide(d0, d1));
    finish((sum >> 64) as u64)
}

/// Under loom: predictable places. The low byte of the address chooses bucket and tag, the seed turns them around.
#[cfg(loom)]
pub(crate) fn hash(words: [u64; 3], seeds: &Seeds) -> u64 {
    let [low, _, _] = words;
    ((low ^ (seeds[0] & 3)) << 62) | low
}

/// A bijection that leaves no arithmetic progression recognisable (odd factor and shift as in splitmix64).
#[cfg(not(loom))]
#[inline]
fn finish(mut h: u64) -> u64 {
    h ^= h >> 32;
    h = h.wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 29)
}

/// splitmix64: draws the secrets of all arrays from one seed.
pub(crate) struct SeedSource(u64);

impl SeedSource {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn seeds(&mut self) -> Seeds {
        core::array::from_fn(|_| self.next())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// The most keys that meet in one of 1024 buckets.
    fn fullest(keys: impl Iterator<Item = [u64; 3]>, seeds: &Seeds) -> u32 {
        let mut load = [0_u32; 1024];
        for words in keys {
            load[(hash(words, seeds) >> 54) as usize] += 1;
        }
        load.into_iter().max().unwrap_or(0)
    }

    #[test]
    fn chosen_patterns_spread_as_chance_would() {
        let mut source = SeedSource::new(2026);
        for round in 0..if cfg!(miri) { 1 } else { 200 } {
            let seeds = source.seeds();
            for stride in [0, 8, 16, 32, 52] {
                let low = fullest((0..4096).map(|i| [i << stride, 0, 1]), &seeds);
                let high = fullest((0..4096).map(|i| [0, i << stride, 1]), &seeds);
                // Mean 4; 24 or more in some bucket has a chance below one in a hundred million.
                assert!(low < 24 && high < 24, "seed 2026, round {round}, stride {stride}: {low}, {high}");
            }
            let links = fullest((0..4096).map(|i| [5, 0xfe80 << 48, i]), &seeds);
            assert!(links < 24, "seed 2026, round {round}: {links}");
        }
    }

    #[test]
    fn every_word_and_every_secret_counts() {
        let seeds = SeedSource::new(1).seeds();
        let base = hash([1, 2, 3], &seeds);
        for words in [[2, 2, 3], [1, 3, 3], [1, 2, 4], [2, 1, 3]] {
            assert_ne!(base, hash(words, &seeds), "{words:?}");
        }
        for i in 0..SEED_WORDS / 2 {
            let mut other = seeds;
            other[2 * i] ^= 1 << 40;
            assert_ne!(base, hash([1, 2, 3], &other), "secret {i}");
        }
    }
}
