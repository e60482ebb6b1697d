//! dashmap: shards behind locks. It has no guard for more than one entry.

use super::{Contestant, Reads, pair};
use crate::key::{Key, Payload};
use dashmap::DashMap;
use foldhash::fast::RandomState;
use std::sync::Arc;

type Map<K> = DashMap<K, Payload, RandomState>;

pub(super) struct Dash<K>(Arc<Map<K>>);

impl<K: Key> Default for Dash<K> {
    fn default() -> Self {
        Self(Arc::new(DashMap::with_hasher(RandomState::default())))
    }
}

impl<K: Key> Contestant<K> for Dash<K> {
    fn name(&self) -> &'static str {
        "dashmap"
    }

    fn insert(&mut self, n: u32) {
        let (key, payload) = pair(n);
        self.0.insert(key, payload);
    }

    fn remove(&mut self, n: u32) -> bool {
        self.0.remove(&pair::<K>(n).0).is_some()
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
            u64::wrapping_add(sum, self.0.get(key).map_or(0, |payload| payload.consume()))
        })
    }

    fn misses(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| !self.0.contains_key(*key)).count()
    }
}
