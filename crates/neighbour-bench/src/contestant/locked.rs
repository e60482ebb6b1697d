//! `RwLock<HashMap>`: what most programs do.

use super::{Contestant, Reads, pair};
use crate::key::{Key, Payload};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

type Map<K> = RwLock<HashMap<K, Payload, RandomState>>;

pub(super) struct Locked<K>(Arc<Map<K>>);

impl<K> Default for Locked<K> {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(HashMap::default())))
    }
}

impl<K: Key> Contestant<K> for Locked<K> {
    fn name(&self) -> &'static str {
        "RwLock<hashbrown>"
    }

    fn insert(&mut self, n: u32) {
        let (key, payload) = pair(n);
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, payload);
    }

    fn remove(&mut self, n: u32) -> bool {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&pair::<K>(n).0).is_some()
    }

    fn reads(&self) -> Box<dyn Reads<K> + '_> {
        Box::new(Reading(Arc::clone(&self.0)))
    }

    fn shared(&self) -> Option<Box<dyn Reads<K> + Send>> {
        Some(Box::new(Reading(Arc::clone(&self.0))))
    }
}

struct Reading<K>(Arc<Map<K>>);

impl<K> Reading<K> {
    fn lock(&self) -> RwLockReadGuard<'_, HashMap<K, Payload, RandomState>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Key> Reads<K> for Reading<K> {
    fn hits(&self, keys: &[K]) -> u64 {
        keys.iter()
            .fold(0, |sum, key| u64::wrapping_add(sum, self.lock().get(key).map_or(0, Payload::consume)))
    }

    fn held(&self, keys: &[K]) -> Option<u64> {
        let map = self.lock();
        Some(keys.iter().fold(0, |sum, key| u64::wrapping_add(sum, map.get(key).map_or(0, Payload::consume))))
    }

    fn misses(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| !self.lock().contains_key(*key)).count()
    }
}
