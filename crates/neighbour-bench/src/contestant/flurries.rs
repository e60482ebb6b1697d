//! flurry: Java's ConcurrentHashMap, its guard pinned for each lookup.

use super::{Contestant, Reads, pair};
use crate::key::{Key, Payload};
use flurry::HashMap;
use foldhash::fast::RandomState;
use std::sync::Arc;

type Map<K> = HashMap<Ordered<K>, Payload, RandomState>;

pub(super) struct Flurry<K>(Arc<Map<K>>);

/// flurry asks for an order (bins become trees); it is never needed with a good hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Ordered<K>(K);

impl<K: Key> Ord for Ordered<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.address().cmp(&other.0.address())
    }
}

impl<K: Key> PartialOrd for Ordered<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Key> Default for Flurry<K> {
    fn default() -> Self {
        Self(Arc::new(HashMap::with_hasher(RandomState::default())))
    }
}

impl<K: Key> Contestant<K> for Flurry<K> {
    fn name(&self) -> &'static str {
        "flurry"
    }

    fn insert(&mut self, n: u32) {
        let (key, payload) = pair(n);
        self.0.pin().insert(Ordered(key), payload);
    }

    fn remove(&mut self, n: u32) -> bool {
        self.0.pin().remove(&Ordered(pair::<K>(n).0)).is_some()
    }

    fn reads(&self) -> Box<dyn Reads<K> + '_> {
        Box::new(Reading(Arc::clone(&self.0)))
    }

    fn shared(&self) -> Option<Box<dyn Reads<K> + Send>> {
        Some(Box::new(Reading(Arc::clone(&self.0))))
    }
}

struct Reading<K>(Arc<Map<K>>);

impl<K: Key> Reads<K> for Reading<K> {
    fn hits(&self, keys: &[K]) -> u64 {
        keys.iter().fold(0, |sum, key| {
            u64::wrapping_add(sum, self.0.pin().get(&Ordered(*key)).map_or(0, Payload::consume))
        })
    }

    fn held(&self, keys: &[K]) -> Option<u64> {
        let map = self.0.pin();
        Some(
            keys.iter().fold(0, |sum, key| {
                u64::wrapping_add(sum, map.get(&Ordered(*key)).map_or(0, Payload::consume))
            }),
        )
    }

    fn misses(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| !self.0.pin().contains_key(&Ordered(**key))).count()
    }
}
