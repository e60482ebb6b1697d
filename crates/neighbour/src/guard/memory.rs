//! A memory of fixed size for what was noted of addresses lately. Who fills it pushes out the oldest of one set of
//! four, and cannot choose whose set that is: the hash is keyed.

use crate::time::Tick;
use alloc::vec::Vec;
use neighbour_table::{Key, Keyed};

const SETS: usize = 1024;
const WAYS: usize = 4;

/// What was noted of a key, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note<V> {
    key: Key,
    pub(super) at: Tick,
    pub(super) value: V,
}

/// Room for 4,096 notes, taken with the first one.
#[derive(Debug)]
pub(super) struct Memory<V> {
    keyed: Keyed,
    sets: Vec<[Option<Note<V>>; WAYS]>,
}

impl<V: Copy> Memory<V> {
    pub(super) fn new(seed: u64) -> Self {
        Self { keyed: Keyed::new(seed), sets: Vec::new() }
    }

    fn set(&self, key: &Key) -> usize {
        (self.keyed.hash(key) >> (u32::BITS - SETS.ilog2())) as usize
    }

    /// What was noted of a key.
    pub(super) fn get(&mut self, key: &Key) -> Option<&mut Note<V>> {
        let set = self.set(key);
        self.sets.get_mut(set)?.iter_mut().flatten().find(|note| note.key == *key)
    }

    /// Notes something of a key, in the place of what was noted before. False: there is no memory for any notes.
    pub(super) fn put(&mut self, key: Key, at: Tick, value: V) -> bool {
        if self.sets.is_empty() {
            if self.sets.try_reserve_exact(SETS).is_err() {
                return false;
            }
            self.sets.resize(SETS, [None; WAYS]);
        }
        let set = self.set(&key);
        // Its own place, else an empty one, else the oldest.
        let rank = |place: &Option<Note<V>>| match place {
            Some(note) if note.key == key => (0, 0),
            None => (1, 0),
            Some(note) => (2, -i64::from(at.since(note.at))),
        };
        if let Some(place) = self.sets[set].iter_mut().min_by_key(|place| rank(place)) {
            *place = Some(Note { key, at, value });
        }
        true
    }

    /// Forgets what was noted of a key.
    pub(super) fn forget(&mut self, key: &Key) {
        let set = self.set(key);
        let Some(set) = self.sets.get_mut(set) else { return };
        for place in set {
            place.take_if(|note| note.key == *key);
        }
    }

    /// Forgets what is older than `age`: stamps wrap.
    pub(super) fn sweep(&mut self, now: Tick, age: u32) {
        for place in self.sets.iter_mut().flatten() {
            place.take_if(|note| !(0..=i64::from(age)).contains(&i64::from(now.since(note.at))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> Key {
        Key { addr: u128::from(n), ifindex: 1 }
    }

    fn when(memory: &mut Memory<u8>, key: Key) -> Option<Tick> {
        memory.get(&key).map(|note| note.at)
    }

    #[test]
    fn a_note_stays_until_it_is_forgotten_or_replaced() {
        let mut memory = Memory::new(1);
        assert_eq!(when(&mut memory, key(1)), None);
        memory.forget(&key(1));
        assert!(memory.put(key(1), Tick(5), 7));
        assert!(memory.put(key(1), Tick(9), 8));
        assert_eq!(memory.get(&key(1)).map(|note| (note.at, note.value)), Some((Tick(9), 8)));
        assert_eq!(when(&mut memory, Key { ifindex: 2, ..key(1) }), None);
        memory.forget(&key(1));
        assert_eq!(when(&mut memory, key(1)), None);
    }

    #[test]
    fn a_million_notes_take_no_more_memory_and_the_latest_are_known() {
        let mut memory = Memory::new(2);
        (0..1_000_000).for_each(|n| assert!(memory.put(key(n), Tick(n), 0)));
        assert_eq!(memory.sets.len(), SETS);
        // The last of each set is there for certain, and most of the last thousand.
        let known = (999_000..1_000_000).filter(|n| when(&mut memory, key(*n)) == Some(Tick(*n))).count();
        assert!(known > 980, "{known} of the last thousand");
        assert_eq!(when(&mut memory, key(5)), None);
    }

    #[test]
    fn old_notes_are_swept() {
        let mut memory = Memory::new(3);
        assert!(memory.put(key(1), Tick(100), 0) && memory.put(key(2), Tick(190), 0));
        memory.sweep(Tick(200), 50);
        assert_eq!((when(&mut memory, key(1)), when(&mut memory, key(2))), (None, Some(Tick(190))));
    }
}
