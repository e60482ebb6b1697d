//! Who competes, and what each has to be able to do.
//!
//! Each contestant has a file of its own and does its lookups in a loop of its own, so that nothing but the
//! call of a whole slice goes through a table of functions. What a loop finds it folds into a sum; the sums of
//! all contestants must agree, so nobody is fast by not finding.

mod alone;
mod dash;
mod flurries;
mod locked;
mod ours;
mod papayas;
mod scc_index;
mod single;
mod small;

pub(crate) use alone::Alone;
pub(crate) use ours::{Ours, drain, sum_of_held};
pub(crate) use small::SMOLTCP_ENTRIES;

use crate::key::{Key, Payload};

/// Our line's name.
pub(crate) const OURS: &str = "neighbour";
/// The floor: one thread, no synchronisation.
pub(crate) const FLOOR: &str = "hashbrown";
/// The name of our hash.
pub(crate) const OURS_HASH: &str = "multiply-add-shift (keyed, proven bound)";
/// The name of the hash that peers use.
pub(crate) const FOLDHASH: &str = "foldhash (fast, seeded)";

/// Reading, by one thread.
pub(crate) trait Reads<K> {
    /// Looks every key up by the contestant's own way of a single lookup; the sum of what was found.
    fn hits(&self, keys: &[K]) -> u64;

    /// The same under a guard (or lock) that is held all the while; `None` if there is no such thing.
    fn held(&self, _keys: &[K]) -> Option<u64> {
        None
    }

    /// The same in batches of [`BATCH`], where the contestant has a call for it.
    fn batches(&self, _keys: &[K]) -> Option<u64> {
        None
    }

    /// How many of these keys are not found.
    fn misses(&self, keys: &[K]) -> usize;
}

/// Keys in one batch.
pub(crate) const BATCH: usize = 32;

/// A table under test.
pub(crate) trait Contestant<K> {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The hash it uses.
    fn hash(&self) -> &'static str {
        FOLDHASH
    }

    /// Enters the key of number `n`, or gives it a new value.
    fn insert(&mut self, n: u32);

    /// Takes the key of number `n` out; false if it was not there.
    fn remove(&mut self, n: u32) -> bool;

    /// For reading by this thread.
    fn reads(&self) -> Box<dyn Reads<K> + '_>;

    /// For reading by another thread while this one writes; `None` if the table is for one thread.
    fn shared(&self) -> Option<Box<dyn Reads<K> + Send>>;
}

/// Everybody, ours first.
///
/// # Errors
/// When our engine cannot be made.
pub(crate) fn all<K: Key>(seed: u64) -> anyhow::Result<Vec<Box<dyn Contestant<K>>>> {
    let ours = Ours::<K>::new(seed)?;
    let mut all: Vec<Box<dyn Contestant<K>>> = vec![Box::new(ours)];
    all.push(Box::new(single::Single::<K>::default()));
    all.extend(concurrent::<K>());
    Ok(all)
}

/// The peers that let threads read and write at once.
pub(crate) fn concurrent<K: Key>() -> Vec<Box<dyn Contestant<K>>> {
    vec![
        Box::new(papayas::Papaya::<K>::default()),
        Box::new(scc_index::Scc::<K>::default()),
        Box::new(dash::Dash::<K>::default()),
        Box::new(flurries::Flurry::<K>::default()),
        Box::new(locked::Locked::<K>::default()),
    ]
}

/// smoltcp's cache, which is for one thread and for a few neighbours only.
pub(crate) fn smoltcp<K: Key>() -> Box<dyn Contestant<K>> {
    Box::new(small::Smoltcp::<K>::default())
}

/// The only interface index of the peers' keys; our engine's first device has it.
pub(crate) const IFINDEX: u32 = 1;

/// Key and payload of number `n`.
fn pair<K: Key>(n: u32) -> (K, Payload) {
    (K::nth(n, IFINDEX), Payload::nth::<K>(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Key4, Key6};

    fn everybody_answers_alike<K: Key>() {
        let present: Vec<K> = (0..500).map(|n| K::nth(n, IFINDEX)).collect();
        let absent: Vec<K> = (500..600).map(|n| K::nth(n, IFINDEX)).collect();
        let expected: u64 = (0..500).map(|n| Payload::nth::<K>(n).consume()).fold(0, u64::wrapping_add);
        let mut everybody = all::<K>(7).expect("an engine");
        everybody.push(Box::new(Alone::<K>::new(7).expect("memory")));
        for mut contestant in everybody {
            (0..600).for_each(|n| contestant.insert(n));
            (500..600).for_each(|n| assert!(contestant.remove(n), "{} {n}", contestant.name()));
            let name = contestant.name();
            let check = |reads: &dyn Reads<K>| {
                assert_eq!(reads.hits(&present), expected, "{name}");
                assert!(reads.held(&present).is_none_or(|sum| sum == expected), "{name}");
                assert!(reads.batches(&present).is_none_or(|sum| sum == expected), "{name}");
                assert_eq!((reads.misses(&present), reads.misses(&absent)), (0, 100), "{name}");
            };
            check(&*contestant.reads());
            contestant.shared().into_iter().for_each(|reads| check(&*reads));
        }
    }

    #[test]
    fn everybody_answers_alike_for_ipv6() {
        everybody_answers_alike::<Key6>();
    }

    #[test]
    fn everybody_answers_alike_for_ipv4() {
        everybody_answers_alike::<Key4>();
    }

    #[test]
    fn smoltcps_cache_answers_what_it_has_room_for() {
        let mut cache = smoltcp::<Key6>();
        (0..SMOLTCP_ENTRIES).for_each(|n| cache.insert(n));
        let keys: Vec<Key6> = (0..SMOLTCP_ENTRIES).map(|n| Key6::nth(n, IFINDEX)).collect();
        assert_eq!(cache.reads().misses(&keys), 0);
    }
}
