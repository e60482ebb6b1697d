//! The compact index: from a key's hash to slot numbers. What readers and the writer share of it.
//!
//! An array of class `k` has `1 << k` buckets of one cache line. A bucket has a few lanes, each empty (0) or a tag
//! and a slot number, and counts in `overflow` how many entries that wanted to live here, or passed by, live further
//! on. A search begins at the hash's home bucket and goes on to the next one only while that count is not zero.
//!
//! An entry never moves within an array. So a search that ends without its key has proven that the key was absent at
//! some moment, unless entries moved *between* arrays meanwhile: and then `state` has changed. A migration writes
//! the new place before it clears the old one; a search looks in the old array first.
//!
//! Orderings, in pairs:
//! * a lane, an overflow count, a secret or `state` is stored with Release and loaded with Acquire. A searcher that
//!   sees a lane cleared by a migration therefore sees the new place, or, if that has been cleared too by the next
//!   migration, sees the new `state` in its second look;
//! * the same holds for an array in its second use: whoever sees one word of the second use sees that `state` has
//!   moved on; and whoever saw the `state` of the second use sees no word of the first any more (coherence).

use crate::error::OutOfMemory;
use crate::hash::{SEED_WORDS, Seeds, hash};
use crate::primitive::{AtomicU64, CLASSES, LANES, Ordering};
use crate::slices::{Lengths, Slices};

/// One cache line of the index.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Bucket {
    overflow: AtomicU64,
    lanes: [AtomicU64; LANES],
}

struct ArrayLengths;

impl Lengths for ArrayLengths {
    fn length(class: usize) -> usize {
        1 << class
    }
}

/// The secret of the array in use in a class, in a cache line of its own.
#[repr(align(64))]
struct Secret([AtomicU64; SEED_WORDS]);

/// Which arrays hold the entries now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State(u64);

const NO_CLASS: u8 = u8::MAX;

impl State {
    pub(crate) fn new(epoch: u64, current: u8, previous: Option<u8>) -> Self {
        Self((epoch << 16) | (u64::from(current) << 8) | u64::from(previous.unwrap_or(NO_CLASS)))
    }

    #[inline]
    pub(crate) fn current(self) -> u8 {
        (self.0 >> 8) as u8
    }

    #[inline]
    pub(crate) fn previous(self) -> Option<u8> {
        let class = self.0 as u8;
        (class != NO_CLASS).then_some(class)
    }
}

/// Where an entry stands in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) class: u8,
    pub(crate) bucket: usize,
    pub(crate) lane: usize,
}

/// The index as readers see it.
pub(crate) struct Index {
    state: AtomicU64,
    secrets: [Secret; CLASSES],
    arrays: Slices<Bucket, ArrayLengths, CLASSES>,
}

#[inline]
fn home(hash: u64, class: u8) -> usize {
    // In two shifts, since class 0 would shift by all 64 bits.
    ((hash >> 1) >> (63 - u32::from(class))) as usize
}

/// A lane's content: the hash's low half as a tag, and the slot plus one.
#[inline]
fn entry(hash: u64, slot: u32) -> u64 {
    (hash << 32) | (u64::from(slot) + 1)
}

impl Index {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU64::new(State::new(0, 0, None).0),
            secrets: core::array::from_fn(|_| Secret(core::array::from_fn(|_| AtomicU64::new(0)))),
            arrays: Slices::new(),
        }
    }

    #[inline]
    pub(crate) fn state(&self) -> State {
        State(self.state.load(Ordering::Acquire))
    }

    /// Makes an array of this class exist, all empty; returns the bytes allocated.
    pub(crate) fn ensure(&self, class: u8) -> Result<usize, OutOfMemory> {
        self.arrays.publish(usize::from(class))
    }

    /// Gives the (empty, unused) array of a class a new secret. Only the writer calls this.
    pub(crate) fn set_secret(&self, class: u8, seeds: &Seeds) {
        for (cell, seed) in self.secrets[usize::from(class)].0.iter().zip(seeds) {
            cell.store(*seed, Ordering::Release);
        }
    }

    /// Tells searchers where to look from now on. Only the writer calls this.
    pub(crate) fn set_state(&self, state: State) {
        self.state.store(state.0, Ordering::Release);
    }

    #[inline]
    pub(crate) fn hash(&self, class: u8, words: [u64; 3]) -> u64 {
        let seeds = self.secrets[usize::from(class)].0.each_ref().map(|cell| cell.load(Ordering::Acquire));
        hash(words, &seeds)
    }

    #[inline]
    fn array(&self, class: u8) -> &[Bucket] {
        self.arrays.get(usize::from(class)).unwrap_or(&[])
    }

    /// Shows `check` the slots whose tag fits, until it answers or all places where the key can be are looked at.
    #[inline]
    pub(crate) fn search<R>(
        &self,
        class: u8,
        hash: u64,
        mut check: impl FnMut(u32, Place) -> Option<R>,
    ) -> Option<R> {
        let array = self.array(class);
        let mask = array.len().wrapping_sub(1);
        let tag = hash as u32;
        let home = home(hash, class);
        for distance in 0..array.len() {
            let at = (home + distance) & mask;
            let bucket = &array[at];
            for (lane, cell) in bucket.lanes.iter().enumerate() {
                let entry = cell.load(Ordering::Acquire);
                if (entry >> 32) as u32 == tag
                    && let Some(slot) = (entry as u32).checked_sub(1)
                    && let Some(answer) = check(slot, Place { class, bucket: at, lane })
                {
                    return Some(answer);
                }
            }
            if bucket.overflow.load(Ordering::Acquire) == 0 {
                return None;
            }
        }
        None
    }

    /// Writes an entry into the first free lane from its home on; returns how many buckets away from home that was.
    /// Only the writer calls this.
    pub(crate) fn place(&self, class: u8, hash: u64, slot: u32) -> Result<usize, OutOfMemory> {
        let array = self.array(class);
        let mask = array.len().wrapping_sub(1);
        let home = home(hash, class);
        for distance in 0..array.len() {
            let lanes = &array[(home + distance) & mask].lanes;
            if let Some(free) = lanes.iter().find(|cell| cell.load(Ordering::Relaxed) == 0) {
                // The way is open before there is something at its end.
                for passed in 0..distance {
                    add(&array[(home + passed) & mask].overflow, 1);
                }
                free.store(entry(hash, slot), Ordering::Release);
                return Ok(distance);
            }
        }
        Err(OutOfMemory)
    }

    /// Empties a place, and closes the way to it. Only the writer calls this.
    pub(crate) fn clear(&self, place: Place, hash: u64) {
        let array = self.array(place.class);
        let mask = array.len().wrapping_sub(1);
        array[place.bucket].lanes[place.lane].store(0, Ordering::Release);
        let mut passed = home(hash, place.class);
        while passed & mask != place.bucket {
            add(&array[passed & mask].overflow, u64::MAX);
            passed += 1;
        }
    }

    /// The slots in one bucket, lane by lane. Only the writer calls this.
    pub(crate) fn bucket(&self, class: u8, bucket: usize) -> impl Iterator<Item = (u32, Place)> {
        let lanes = self.array(class).get(bucket).map_or(&[][..], |bucket| &bucket.lanes);
        lanes.iter().enumerate().filter_map(move |(lane, cell)| {
            let slot = (cell.load(Ordering::Relaxed) as u32).checked_sub(1)?;
            Some((slot, Place { class, bucket, lane }))
        })
    }

    /// Whether nothing at all stands in an array. For tests: it walks.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn is_clean(&self, class: u8) -> bool {
        let zero = |cell: &AtomicU64| cell.load(Ordering::Relaxed) == 0;
        self.array(class).iter().all(|bucket| zero(&bucket.overflow) && bucket.lanes.iter().all(zero))
    }
}

/// Adds to a count that only the writer changes.
fn add(count: &AtomicU64, change: u64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(change), Ordering::Release);
}
