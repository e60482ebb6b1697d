//! hashbrown in one thread without any synchronisation: the floor.

use super::{Contestant, FLOOR, Reads, pair};
use crate::key::{Key, Payload};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

pub(super) struct Single<K>(HashMap<K, Payload, RandomState>);

impl<K> Default for Single<K> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Key> Contestant<K> for Single<K> {
    fn name(&self) -> &'static str {
        FLOOR
    }

    fn insert(&mut self, n: u32) {
        let (key, payload) = pair(n);
        self.0.insert(key, payload);
    }

    fn remove(&mut self, n: u32) -> bool {
        self.0.remove(&pair::<K>(n).0).is_some()
    }

    fn reads(&self) -> Box<dyn Reads<K> + '_> {
        Box::new(Reading(&self.0))
    }

    fn shared(&self) -> Option<Box<dyn Reads<K> + Send>> {
        None
    }
}

struct Reading<'a, K>(&'a HashMap<K, Payload, RandomState>);

impl<K: Key> Reads<K> for Reading<'_, K> {
    fn hits(&self, keys: &[K]) -> u64 {
        keys.iter().fold(0, |sum, key| u64::wrapping_add(sum, self.0.get(key).map_or(0, Payload::consume)))
    }

    fn misses(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| !self.0.contains_key(*key)).count()
    }
}
