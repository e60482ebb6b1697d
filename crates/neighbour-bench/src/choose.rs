//! Which keys are looked up, and in which order.

use crate::contestant::IFINDEX;
use crate::key::Key;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Zipf};

/// The order of lookups.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    /// Each key as often as any other.
    Uniform,
    /// The k-th of the keys as often as 1/k (Zipf with exponent 1), as addresses in real traffic.
    Zipf,
}

impl Order {
    /// As it stands in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipf => "Zipf(1.0)",
        }
    }
}

/// A source of chance for one purpose.
pub(crate) fn chance(seed: u64, purpose: u64) -> ChaCha8Rng {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(purpose);
    chance
}

/// The numbers `0..size` in an order without pattern.
pub(crate) fn shuffled(size: u32, chance: &mut impl Rng) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..size).collect();
    numbers.shuffle(chance);
    numbers
}

/// `count` numbers below `size` in this order. Popularity has nothing to do with the order of insertion.
pub(crate) fn numbers(size: u32, count: usize, order: Order, chance: &mut impl Rng) -> Vec<u32> {
    match order {
        Order::Uniform => (0..count).map(|_| below(size, chance)).collect(),
        Order::Zipf => {
            let rank = shuffled(size, chance);
            let zipf = Zipf::new(f64::from(size), 1.0).expect("a size above 0 and an exponent above 0");
            let pick = |k: f64| rank[(k as usize).clamp(1, rank.len()) - 1];
            (0..count).map(|_| pick(zipf.sample(chance))).collect()
        }
    }
}

fn below(size: u32, chance: &mut impl Rng) -> u32 {
    ((u64::from(chance.next_u32()) * u64::from(size)) >> 32) as u32
}

/// The keys of these numbers.
pub(crate) fn keys<K: Key>(numbers: &[u32]) -> Vec<K> {
    numbers.iter().map(|n| K::nth(*n, IFINDEX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn the_most_popular_key_of_zipf_is_asked_for_as_often_as_it_says() {
        let size = 1_000;
        let numbers = numbers(size, 100_000, Order::Zipf, &mut chance(1, 1));
        let mut count: HashMap<u32, u32> = HashMap::new();
        numbers.iter().for_each(|n| *count.entry(*n).or_default() += 1);
        // 1/H(1000) = 0.1336
        let most = count.values().max().copied().unwrap_or(0);
        assert!((12_500..14_300).contains(&most), "{most}");
        assert!(numbers.iter().all(|n| *n < size));
    }

    #[test]
    fn shuffling_keeps_every_number() {
        let mut numbers = shuffled(1_000, &mut chance(1, 2));
        assert_ne!(numbers, (0..1_000).collect::<Vec<_>>());
        numbers.sort_unstable();
        assert_eq!(numbers, (0..1_000).collect::<Vec<_>>());
    }
}
