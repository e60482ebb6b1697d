//! papaya: a lock-free map, its guard pinned for each lookup as its documentation does.

use super::{Contestant, Reads, pair};
use crate::key::{Key, Payload};
use foldhash::fast::RandomState;
use papaya::HashMap;
use std::sync::Arc;

type Map<K> = HashMap<K, Payload, RandomState>;

pub(super) struct Papaya<K>(Arc<Map<K>>);

impl<K: Key> Default for Papaya<K> {
    fn default() -> Self {
        Self(Arc::new(HashMap::builder().hasher(RandomState::default()).build()))
    }
}

impl<K: Key> Contestant<K> for Papaya<K> {
    fn name(&self) -> &'static str {
        "papaya"
    }

    fn insert(&mut self, n: u32) {
        let (key, payload) = pair(n);
        self.0.pin().insert(key, payload);
    }

    fn remove(&mut self, n: u32) -> bool {
        self.0.pin().remove(&pair::<K>(n).0).is_some()
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
        keys.iter()
            .fold(0, |sum, key| u64::wrapping_add(sum, self.0.pin().get(key).map_or(0, Payload::consume)))
    }

    fn held(&self, keys: &[K]) -> Option<u64> {
        let map = self.0.pin();
        Some(keys.iter().fold(0, |sum, key| u64::wrapping_add(sum, map.get(key).map_or(0, Payload::consume))))
    }

    fn misses(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| !self.0.pin().contains_key(*key)).count()
    }
}
