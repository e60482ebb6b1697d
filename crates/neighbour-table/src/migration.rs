//! The writer's half of the index: growing and shrinking in bounded steps.
//!
//! When an array is five sixths full, entries begin to move to one of twice the size; when an eighth full, to one
//! of half. Each insert and each removal moves the entries of [`BUCKETS_PER_STEP`] buckets, so at most
//! [`MOST_MOVED`] entries, whatever the table's size. An array of n buckets is empty after n/2 such calls, and in so
//! few the next array cannot fill: there is never more than one migration. Arrays stay allocated by size class and
//! are empty again when a migration has left them, ready for the next one; all of them together are less than twice
//! the largest.
//!
//! A search that would have to go far from home rings an alarm: then the array's secret is unlucky (or known), and
//! the index grows early, with a new secret.

use crate::arena::{Arena, Spot};
use crate::error::OutOfMemory;
use crate::hash::SeedSource;
use crate::index::{Index, Place, State, View};
use crate::key::Key;
use crate::prefetch::prefetch;
use crate::primitive::{BUCKETS_PER_STEP, CLASSES, FIRST_CLASS, LANES, SHRINK_DIVISOR};
use crate::slot::Hot;

/// The most index entries one insert or removal moves.
pub const MOST_MOVED: usize = BUCKETS_PER_STEP * LANES;

/// An entry this many buckets from home rings the alarm. At five sixths full, chance alone brings about one entry
/// in a million 24 buckets away (measured), and the likelihood falls exponentially with the distance.
const ALARM_DISTANCE: usize = 64;

/// The next array is prepared while the last one in so many of the entries come that fit the current one.
const PREPARED_SHARE: usize = 16;

/// Buckets of it that one insert is worth. The next array has twice the buckets, and while it is prepared five entries
/// come for eight buckets of the current one.
const PREPARED_PER_INSERT: usize = 4;
const _: () = assert!(LANES * 5 / 6 * PREPARED_PER_INSERT >= 2 * PREPARED_SHARE || cfg!(loom));

/// Buckets in the smallest page that processors have: 4 KiB.
const BUCKETS_PER_PAGE: usize = 64;

/// What the index did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IndexStats {
    pub(crate) moved_by_last: usize,
    pub(crate) moved_most: usize,
    pub(crate) moved: u64,
    pub(crate) grows: u64,
    pub(crate) shrinks: u64,
    pub(crate) alarms: u64,
    pub(crate) bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Migration {
    from: u8,
    /// Buckets below this one have been moved.
    cursor: usize,
}

/// An entry of the index: whose it is, where it stands and why there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) spot: Spot,
    place: Place,
    hash: u32,
}

/// The writer's knowledge of the index.
pub(crate) struct Placement {
    epoch: u64,
    /// What readers find, too, once they have looked.
    view: View,
    current: u8,
    migration: Option<Migration>,
    entries: usize,
    /// The class of the first array, below which the index does not shrink.
    least: u8,
    /// Whether the first array is the only one.
    fixed: bool,
    /// Buckets of the next larger array whose memory is there: see [`Self::prepare`].
    prepared: usize,
    source: SeedSource,
    pub(crate) stats: IndexStats,
}

/// Entries an array of this class takes before the index grows.
fn full_at(class: u8) -> usize {
    (LANES << class) * 5 / 6
}

/// Entries below which the index shrinks.
fn empty_at(class: u8) -> usize {
    (LANES << class) / SHRINK_DIVISOR
}

impl Placement {
    pub(crate) fn new(index: &Index, seed: u64) -> Result<Self, OutOfMemory> {
        Self::beginning(index, seed, FIRST_CLASS, false)
    }

    /// An index of one array, with room for `most` entries, that never grows.
    pub(crate) fn fixed(index: &Index, seed: u64, most: usize) -> Result<Self, OutOfMemory> {
        let classes = FIRST_CLASS..CLASSES as u8;
        let class = classes.into_iter().find(|class| full_at(*class) >= most).ok_or(OutOfMemory)?;
        Self::beginning(index, seed, class, true)
    }

    fn beginning(index: &Index, seed: u64, class: u8, fixed: bool) -> Result<Self, OutOfMemory> {
        let mut placement = Self {
            epoch: 0,
            view: View::new(),
            current: class,
            migration: None,
            entries: 0,
            least: class,
            fixed,
            prepared: 0,
            source: SeedSource::new(seed),
            stats: IndexStats::default(),
        };
        placement.stats.bytes += index.ensure(class)?;
        index.set_secret(class, &placement.source.seeds());
        placement.show(index);
        Ok(placement)
    }

    pub(crate) fn entries(&self) -> usize {
        self.entries
    }

    /// Entries that fit before the index grows again.
    pub(crate) fn capacity(&self) -> usize {
        full_at(self.current)
    }

    /// Makes room for one more entry; after an error nothing has changed.
    pub(crate) fn reserve(&mut self, index: &Index) -> Result<(), OutOfMemory> {
        if self.migration.is_none() && self.entries >= full_at(self.current) {
            if self.fixed {
                return Err(OutOfMemory);
            }
            self.migrate_to(index, self.current + 1)?;
            self.stats.grows += 1;
        }
        Ok(())
    }

    /// Enters a slot. [`Self::reserve`] must have succeeded since the last insert.
    pub(crate) fn insert(
        &mut self,
        index: &Index,
        hot: &Arena<Hot>,
        key: &Key,
        spot: Spot,
    ) -> Result<(), OutOfMemory> {
        self.step(index, hot);
        self.prepare(index);
        let hash = self.view.hash(key.words());
        let distance = index.place(self.current, hash, spot)?;
        self.entries += 1;
        if distance >= ALARM_DISTANCE {
            self.alarm(index);
        }
        Ok(())
    }

    /// Takes a slot's entry out; false if there is none.
    pub(crate) fn remove(&mut self, index: &Index, hot: &Arena<Hot>, key: &Key, spot: Spot) -> bool {
        let Some(found) = self.find(index, key, |other| other == spot) else {
            return false;
        };
        index.clear(found.place, found.hash);
        self.entries -= 1;
        self.step(index, hot);
        let spare = self.current > self.least && self.entries < empty_at(self.current);
        // Without memory for the smaller array the larger one serves on.
        if self.migration.is_none() && spare && self.migrate_to(index, self.current - 1).is_ok() {
            self.stats.shrinks += 1;
        }
        true
    }

    /// Where the entry for `key` stands, if it stands where nearly all do and is not another one whose tag is the same.
    #[inline]
    pub(crate) fn likely(&self, index: &Index, key: &Key) -> Option<Spot> {
        let (bucket, tag) = index.bucket(&self.view, self.view.hash(key.words()));
        bucket.matching(tag).next().and_then(|lane| bucket.spot(lane))
    }

    /// The entry for `key` whose place `check` accepts.
    pub(crate) fn find(&self, index: &Index, key: &Key, check: impl Fn(Spot) -> bool) -> Option<Found> {
        let find_in = |class: u8| {
            let hash = index.hash(class, key.words());
            index.search(class, hash, |spot, place| check(spot).then_some(Found { spot, place, hash }))
        };
        // Nothing moves while the writer looks, so the order is free.
        let previous = || find_in(self.migration?.from);
        find_in(self.current).or_else(previous)
    }

    /// Asks for the memory where the entry for `key` probably stands.
    pub(crate) fn prefetch(&self, index: &Index, key: &Key) {
        prefetch(index.bucket(&self.view, self.view.hash(key.words())).0);
    }

    fn alarm(&mut self, index: &Index) {
        self.stats.alarms += 1;
        // In an array that is nearly empty one unlucky entry costs less than a larger array.
        let worth = !self.fixed && self.entries > full_at(self.current) / 4;
        if self.migration.is_none() && worth && self.migrate_to(index, self.current + 1).is_ok() {
            self.stats.grows += 1;
        }
    }

    fn migrate_to(&mut self, index: &Index, class: u8) -> Result<(), OutOfMemory> {
        if usize::from(class) >= CLASSES {
            return Err(OutOfMemory);
        }
        self.stats.bytes += index.ensure(class)?;
        index.set_secret(class, &self.source.seeds());
        self.migration = Some(Migration { from: self.current, cursor: 0 });
        self.current = class;
        self.prepared = 0;
        self.show(index);
        Ok(())
    }

    /// Has the memory of the next larger array be there before entries move to it, a page now and then: a move
    /// scatters its entries over the whole array, and each first touch of a page costs more than all else in an insert.
    fn prepare(&mut self, index: &Index) {
        let soon = full_at(self.current) - full_at(self.current) / PREPARED_SHARE;
        let next = self.current + 1;
        let idle = self.fixed || self.migration.is_some() || self.entries < soon;
        if cfg!(loom) || idle || usize::from(next) >= CLASSES || self.prepared >= 1 << next {
            return;
        }
        // Without memory now there is none yet; who needs it then hears of it (`reserve`).
        let Ok(bytes) = index.ensure(next) else { return };
        self.stats.bytes += bytes;
        if self.prepared.is_multiple_of(BUCKETS_PER_PAGE) {
            index.touch(next, self.prepared);
        }
        self.prepared += PREPARED_PER_INSERT;
    }

    /// Moves the entries of a few buckets, if a migration is under way.
    fn step(&mut self, index: &Index, hot: &Arena<Hot>) {
        self.stats.moved_by_last = 0;
        let Some(mut migration) = self.migration else {
            return;
        };
        let end = 1 << migration.from;
        for _ in 0..BUCKETS_PER_STEP.min(end - migration.cursor) {
            self.move_bucket(index, hot, migration.from, migration.cursor);
            migration.cursor += 1;
        }
        if !cfg!(loom) {
            // Those whose turn is next are asked for now.
            let next = migration.cursor..end.min(migration.cursor + BUCKETS_PER_STEP);
            let spots = next.flat_map(|bucket| index.entries(migration.from, bucket));
            spots.filter_map(|(spot, _)| hot.get(spot)).for_each(prefetch);
        }
        self.stats.moved_most = self.stats.moved_most.max(self.stats.moved_by_last);
        self.migration = (migration.cursor < end).then_some(migration);
        if self.migration.is_none() {
            self.show(index);
        }
    }

    fn move_bucket(&mut self, index: &Index, hot: &Arena<Hot>, from: u8, bucket: usize) {
        // All look where they go before the first one moves, so that the memory of all is on its way.
        let mut moving = [None; LANES];
        for ((spot, old), moving) in index.entries(from, bucket).zip(&mut moving) {
            *moving = hot.get(spot).map(|hot| {
                let words = hot.key().words();
                let hash = index.hash(self.current, words);
                index.prefetch_home(self.current, hash);
                (spot, old, words, hash)
            });
        }
        for (spot, old, words, hash) in moving.into_iter().flatten() {
            // The new place first. There always is one: the new array has room for all entries.
            let placed = index.place(self.current, hash, spot);
            debug_assert!(placed.is_ok(), "an array cannot be full");
            index.clear(old, index.hash(from, words));
            self.stats.moved_by_last += 1;
            self.stats.moved += 1;
        }
    }

    /// Publishes which arrays hold the entries, under a new epoch.
    fn show(&mut self, index: &Index) {
        self.epoch += 1;
        let previous = self.migration.map(|migration| migration.from);
        index.set_state(State::new(self.epoch, self.current, previous));
        self.view = index.view();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::hash::SEED_WORDS;
    use crate::primitive::Ordering;

    #[test]
    fn thresholds_leave_room_between_growing_and_shrinking() {
        for class in 1..28 {
            assert_eq!(full_at(class), (LANES << class) / 6 * 5);
            assert!(full_at(class - 1) >= empty_at(class) * 2, "class {class}");
        }
    }
    struct World {
        index: Index,
        hot: Arena<Hot>,
        placement: Placement,
    }

    fn key(n: u32) -> Key {
        Key { addr: u128::from(n), ifindex: 1 }
    }

    fn spot(n: u32) -> Spot {
        Spot::of(n).expect("a place")
    }

    impl World {
        fn new() -> Self {
            let index = Index::new();
            let placement = Placement::new(&index, 5).expect("memory");
            Self { index, hot: Arena::new(), placement }
        }

        fn insert(&mut self, n: u32) {
            self.hot.ensure(spot(n)).expect("memory");
            let hot = self.hot.get(spot(n)).expect("ensured");
            hot.low.store(u64::from(n), Ordering::Relaxed);
            hot.ident.store(crate::slot::Ident::new(1, 1).0, Ordering::Relaxed);
            self.placement.reserve(&self.index).expect("memory");
            self.placement.insert(&self.index, &self.hot, &key(n), spot(n)).expect("room");
        }

        fn remove(&mut self, n: u32) {
            assert!(self.placement.remove(&self.index, &self.hot, &key(n), spot(n)));
        }

        fn settle(&mut self) {
            while self.placement.migration.is_some() {
                self.placement.step(&self.index, &self.hot);
            }
        }

        #[track_caller]
        fn check(&self, present: core::ops::Range<u32>, keys: u32) {
            for n in 0..keys {
                let found = self.placement.find(&self.index, &key(n), |other| other == spot(n));
                assert_eq!(found.is_some(), present.contains(&n), "key {n}");
            }
            if self.placement.migration.is_none() {
                let others = (0..CLASSES as u8).filter(|class| *class != self.placement.current);
                others.for_each(|class| assert!(self.index.is_clean(class), "class {class}"));
            }
        }
    }

    #[test]
    fn an_array_that_was_left_is_empty_again() {
        let mut world = World::new();
        let keys = if cfg!(miri) { 20 } else { 600 };
        for n in 0..keys {
            world.insert(n);
            world.check(0..n + 1, keys);
        }
        for n in (0..keys).rev() {
            world.remove(n);
            world.check(0..n, keys);
        }
        // Each call does its bounded share, so the rest of the way takes a few more of them.
        for _ in 0..if cfg!(miri) { 50 } else { 1_000 } {
            world.insert(0);
            world.remove(0);
        }
        assert_eq!((world.placement.current, world.placement.entries), (FIRST_CLASS, 0));
        assert!(world.index.is_clean(FIRST_CLASS));
        assert!(world.placement.stats.moved_most <= MOST_MOVED);
    }

    #[test]
    #[cfg_attr(miri, ignore = "long searches, nothing unsafe of its own")]
    fn a_known_secret_rings_the_alarm_and_is_replaced() {
        let mut world = World::new();
        world.placement.migrate_to(&world.index, 7).expect("memory");
        world.settle();
        // Under this secret all keys have one hash, as if an attacker had found them.
        world.index.set_secret(7, &[0; SEED_WORDS]);
        world.placement.show(&world.index);
        let alarm_at = (ALARM_DISTANCE * LANES) as u32;
        for n in 0..=alarm_at {
            assert_eq!(world.placement.current, 7, "key {n}");
            world.insert(n);
        }
        assert_eq!((world.placement.current, world.placement.stats.alarms), (8, 1));
        world.check(0..alarm_at + 1, 1_000);
        for n in alarm_at + 1..1_000 {
            world.insert(n);
        }
        world.settle();
        world.check(0..1_000, 1_200);
        assert_eq!(world.placement.stats.alarms, 1, "the new secret is a good one");
    }
}
