//! The keyed hash of the index, with a proven bound.
//!
//! A key is five 32-bit characters: x₁ to x₄ of the address, x₅ of the interface. With secret random 64-bit numbers
//! m₀ to m₅ the hash is the upper half of
//!
//! ```text
//! m₀ + m₁ x₁ + m₂ x₂ + m₃ x₃ + m₄ x₄ + m₅ x₅   mod 2⁶⁴
//! ```
//!
//! This is multilinear hashing (D. Lemire and O. Kaser, "Strongly universal string hashing is fast", The Computer
//! Journal 57(11), 2014), which is strongly universal on the upper 64 − 32 + 1 bits: for any two different keys,
//! whoever chose them, the pair of hashes is uniform over all pairs. Why, in short: let x₁ differ in the two keys. Then
//! the difference of the two sums contains m₁ times a number that is not zero and below 2³² in size, plus what does
//! not depend on m₁. Of such a product m₁·d, for m₁ uniform over 64 bits, the upper bits down to that of d's lowest
//! one are uniform, and d has its lowest one below bit 32. And m₀ makes each hash by itself uniform, whatever the
//! difference. The pairwise form has half the products, but of an IPv4 address, whose other characters are zero, two
//! are left here and three there.
//!
//! Two keys share a home bucket among 2ᵏ with probability 2⁻ᵏ exactly, and bucket and tag with 2⁻⁽ᵏ⁺⁸⁾, for they are
//! different bits of the hash: of n keys an attacker picks, a given key meets n/2ᵏ others in its bucket on average, no
//! more than keys picked by chance.
//!
//! What follows the sum is a bijection of the 32 bits, so it changes none of this. It is there because consecutive
//! addresses are what real networks have, and a bare linear hash lays them out as an arithmetic progression, which
//! for about one seed in a hundred is badly uneven.
//!
//! The random numbers are drawn from the caller's 64-bit seed by splitmix64 (S. Vigna): the bound holds as far as
//! they look random to whoever does not know the seed. Each array gets new ones each time it is taken into use.

/// 64-bit words of secret for one array.
#[cfg(not(loom))]
pub(crate) const SEED_WORDS: usize = 6;
/// One is enough for a few entries, and spares the model checker five loads.
#[cfg(loom)]
pub(crate) const SEED_WORDS: usize = 1;

/// The secret of one array.
pub(crate) type Seeds = [u64; SEED_WORDS];

/// The hash of a key's words: low half, high half, interface.
#[cfg(not(loom))]
#[inline]
pub(crate) fn hash(words: [u64; 3], seeds: &Seeds) -> u32 {
    let [m0, m1, m2, m3, m4, m5] = *seeds;
    let [low, high, interface] = words;
    let products = |word: u64, a: u64, b: u64| {
        a.wrapping_mul(word & u64::from(u32::MAX)).wrapping_add(b.wrapping_mul(word >> 32))
    };
    let sum = m0
        .wrapping_add(products(low, m1, m2))
        .wrapping_add(products(high, m3, m4))
        .wrapping_add(interface.wrapping_mul(m5));
    finish((sum >> 32) as u32)
}

/// Under loom: predictable places. The low bits of the address choose bucket and tag, the seed turns them around.
#[cfg(loom)]
pub(crate) fn hash(words: [u64; 3], seeds: &Seeds) -> u32 {
    let [low, _, _] = words;
    let low = low as u32;
    let turned = low ^ (seeds[0] as u32 & 3);
    ((turned & 2) << 7) | ((turned & 1) << 9) | (low & 0xff)
}

/// A bijection that leaves no arithmetic progression recognisable: a shift and an odd factor.
#[cfg(not(loom))]
#[inline]
fn finish(h: u32) -> u32 {
    (h ^ (h >> 15)).wrapping_mul(0x9e37_79b1)
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

/// The index's hash with a secret of its own, for other tables whose keys an attacker may choose.
#[derive(Debug)]
pub struct Keyed(Seeds);

impl Keyed {
    /// The secret is drawn from `seed`, which nobody may know.
    pub fn new(seed: u64) -> Self {
        Self(SeedSource::new(seed).seeds())
    }

    /// Two different keys, whoever chose them, meet in one of 2ᵏ places with probability 2⁻ᵏ; take the upper bits.
    pub fn hash(&self, key: &crate::Key) -> u32 {
        hash(key.words(), &self.0)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// The most keys that meet in one of 1024 buckets.
    fn fullest(keys: impl Iterator<Item = [u64; 3]>, seeds: &Seeds) -> u32 {
        let mut load = [0_u32; 1024];
        for words in keys {
            load[(hash(words, seeds) >> 8 & 1023) as usize] += 1;
        }
        load.into_iter().max().unwrap_or(0)
    }

    #[test]
    #[cfg_attr(miri, ignore = "arithmetic only, and a lot of it")]
    fn chosen_patterns_spread_as_chance_would() {
        let mut source = SeedSource::new(2026);
        for round in 0..200 {
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
    #[cfg_attr(miri, ignore = "arithmetic only, and a lot of it")]
    fn two_chosen_keys_share_a_bucket_as_often_as_the_bound_says() {
        let mut source = SeedSource::new(2027);
        let base: [u64; 3] = [0x1234_5678_9abc_def0, 0xfe80 << 48, 2];
        let others = [
            [base[0] ^ 1, base[1], base[2]],
            [base[0] ^ (1 << 63), base[1], base[2]],
            [base[0].swap_bytes(), base[1], base[2]],
            [base[0], base[1] ^ (1 << 31), base[2]],
            [base[0], base[1], 3],
            [base[1], base[0], base[2]],
        ];
        let rounds = 200_000;
        for other in others {
            let met = (0..rounds).filter(|_| {
                let seeds = source.seeds();
                hash(base, &seeds) >> 8 & 255 == hash(other, &seeds) >> 8 & 255
            });
            // Binomial: mean 781, standard deviation 28; eight of them either way.
            let met = met.count();
            assert!(
                (557..1005).contains(&met),
                "seed 2027: {met} of {rounds} share one of 256 buckets, {other:x?}"
            );
        }
    }

    #[test]
    fn every_word_and_every_secret_counts() {
        let seeds = SeedSource::new(1).seeds();
        let (low, high) = (1 | 7 << 32, 2 | 9 << 32);
        let base = hash([low, high, 3], &seeds);
        for words in [
            [low + 1, high, 3],
            [low, high + 1, 3],
            [low, high, 4],
            [high, low, 3],
            [1, high, 3],
            [low, 2, 3],
        ] {
            assert_ne!(base, hash(words, &seeds), "{words:?}");
        }
        for i in 0..SEED_WORDS {
            let mut other = seeds;
            other[i] ^= 1 << 40;
            assert_ne!(base, hash([low, high, 3], &other), "secret {i}");
        }
    }
}
