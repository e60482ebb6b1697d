//! scc's `HashIndex`, its map for reading: `peek_with` for each lookup, `peek` under a guard.

use super::{Contestant, Reads, pair};
use crate::key::{Key, Payload};
use foldhash::fast::RandomState;
use scc::{Guard, HashIndex};
use std::sync::Arc;

type Map<K> = HashIndex<K, Payload, RandomState>;

pub(super) struct Scc<K: Key>(Arc<Map<K>>);

impl<K: Key> Default for Scc<K> {
    fn default() -> Self {
        Self(Arc::new(HashIndex::with_hasher(RandomState::default())))
    }
}

impl<K: Key> Contestant<K> for Scc<K> {
    fn name(&self) -> &'static str {
        "scc::HashIndex"
    }

    fn insert(&mut self, n: u32) {
        let (key, payload) = pair(n);
        let _there_already = self.0.insert_sync(key, payload);
    }

    fn remove(&mut self, n: u32) -> bool {
        self.0.remove_sync(&pair::<K>(n).0)
    }

    fn reads(&self) -> Box<dyn Reads<K> + '_> {
        Box::new(Reading(Arc::clone(&self.0)))
    }

    fn shared(&self) -> Option<Box<dyn Reads<K> + Send>> {
        Some(Box::new(Reading(Arc::clone(&self.0))))
    }
}

struct Reading<K: Key>(Arc<Map<K>>);

impl<K: Key> Reads<K> for Reading<K> {
    fn hits(&self, keys: &[K]) -> u64 {
        keys.iter().fold(0, |sum, key| {
            u64::wrapping_add(sum, self.0.peek_with(key, |_, payload| payload.consume()).unwrap_or(0))
        })
    }

    fn held(&self, keys: &[K]) -> Option<u64> {
        let guard = Guard::new();
        Some(
            keys.iter().fold(0, |sum, key| {
                u64::wrapping_add(sum, self.0.peek(key, &guard).map_or(0, Payload::consume))
            }),
        )
    }

    fn misses(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| !self.0.contains(*key)).count()
    }
}
