//! smoltcp's neighbour cache at its size: a linear map of eight entries with times of expiry. The cache itself is
//! private to smoltcp; the map it stands in is this one.

use super::{Contestant, Reads, pair};
use crate::key::{Key, Payload};
use heapless::LinearMap;

/// smoltcp's default number of neighbours.
pub(crate) const SMOLTCP_ENTRIES: u32 = 8;

struct Neighbour {
    payload: Payload,
    expires_at: i64,
}

pub(super) struct Smoltcp<K> {
    map: LinearMap<K, Neighbour, { SMOLTCP_ENTRIES as usize }>,
    now: i64,
}

impl<K: Key> Default for Smoltcp<K> {
    fn default() -> Self {
        Self { map: LinearMap::new(), now: 0 }
    }
}

impl<K: Key> Contestant<K> for Smoltcp<K> {
    fn name(&self) -> &'static str {
        "smoltcp's cache"
    }

    fn hash(&self) -> &'static str {
        "none (linear)"
    }

    fn insert(&mut self, n: u32) {
        let (key, payload) = pair(n);
        let _full = self.map.insert(key, Neighbour { payload, expires_at: self.now + 60_000_000 });
    }

    fn remove(&mut self, n: u32) -> bool {
        self.map.remove(&pair::<K>(n).0).is_some()
    }

    fn reads(&self) -> Box<dyn Reads<K> + '_> {
        Box::new(Reading(self))
    }

    fn shared(&self) -> Option<Box<dyn Reads<K> + Send>> {
        None
    }
}

struct Reading<'a, K: Key>(&'a Smoltcp<K>);

impl<K: Key> Reading<'_, K> {
    #[inline]
    fn get(&self, key: &K) -> Option<&Payload> {
        let found = self.0.map.get(key)?;
        (self.0.now < found.expires_at).then_some(&found.payload)
    }
}

impl<K: Key> Reads<K> for Reading<'_, K> {
    fn hits(&self, keys: &[K]) -> u64 {
        keys.iter().fold(0, |sum, key| u64::wrapping_add(sum, self.get(key).map_or(0, Payload::consume)))
    }

    fn misses(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| self.get(key).is_none()).count()
    }
}
