//! The compact index: from a key's hash to the neighbour's place. What readers and the writer share of it.
//!
//! An array of class `k` has `1 << k` buckets of one cache line. A bucket has a few lanes, each with a place (or 0)
//! and a tag of eight bits, and counts in `overflow` how many entries that wanted to live here, or passed by, live
//! further on. A search begins at the hash's home bucket, compares all tags of it at once, and goes on to the next
//! one only while that count is not zero.
//!
//! An entry never moves within an array. So a search that ends without its key has proven that the key was absent at
//! some moment, unless entries moved *between* arrays meanwhile: and then `state` has changed. A migration writes
//! the new place before it clears the old one; a search looks in the old array first. A tag is a hint to look at a
//! lane, and a lane a hint to look at a place: what stands there says whose it is.
//!
//! Orderings, in pairs:
//! * a lane, an overflow count, a secret or `state` is stored with Release and loaded with Acquire, tags with Release
//!   and Relaxed, and an Acquire fence ends the search of an array. A searcher that sees a tag or lane cleared by a
//!   migration therefore sees the new place, or, if that has been cleared too by the next migration, sees the new
//!   `state` in its second look;
//! * the same holds for an array in its second use: whoever sees one word of the second use sees that `state` has
//!   moved on; and whoever saw the `state` of the second use sees no word of the first any more (coherence).

use core::cell::Cell;

use crate::arena::Spot;
use crate::error::OutOfMemory;
use crate::hash::{SEED_WORDS, Seeds, hash};
use crate::prefetch::prefetch;
use crate::primitive::{AtomicU32, AtomicU64, CLASSES, LANES, Ordering, fence};
use crate::slices::{Lengths, Slices};
use crate::tags::{self, Matches, Tags};

/// One cache line of the index.
#[derive(Default)]
#[repr(C, align(64))]
pub(crate) struct Bucket {
    tags: Tags,
    /// Raw spots.
    lanes: [AtomicU32; LANES],
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
        Self((epoch << 16) | (u64::from(previous.unwrap_or(NO_CLASS)) << 8) | u64::from(current))
    }

    #[inline]
    pub(crate) fn current(self) -> u8 {
        self.0 as u8
    }

    #[inline]
    pub(crate) fn previous(self) -> Option<u8> {
        let class = (self.0 >> 8) as u8;
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

/// The lowest bits of a hash.
const TAG_BITS: u32 = 8;
const _: () =
    assert!(CLASSES as u32 <= u32::BITS - TAG_BITS + 1, "a hash has bits for a tag and every bucket");

/// The tag of a hash: not the bits that choose the bucket.
#[inline]
pub(crate) fn tag(hash: u32) -> u8 {
    hash as u8
}

/// What a reader remembers of the index, so that it need not load it for each search: good as long as the state is.
#[derive(Clone, Copy)]
pub(crate) struct View {
    state: State,
    seeds: Seeds,
    buckets: Buckets,
}

/// The array that is current in a view.
#[derive(Clone, Copy)]
struct Buckets {
    /// Its first bucket, of `mask + 1`; null only in a view of nothing.
    first: *const Bucket,
    mask: usize,
}

#[expect(unsafe_code, reason = "see SAFETY")]
// SAFETY: whoever has one only ever shares the buckets behind it (`Index::bucket`), and buckets are `Sync`.
unsafe impl Send for Buckets {}
#[expect(unsafe_code, reason = "see SAFETY")]
// SAFETY: as above; nothing in it changes by being shared.
unsafe impl Sync for Buckets {}

impl View {
    /// A view of nothing that ever was: no index has such a state.
    pub(crate) fn new() -> Self {
        let buckets = Buckets { first: core::ptr::null(), mask: 0 };
        Self { state: State(u64::MAX), seeds: [0; SEED_WORDS], buckets }
    }

    /// The state in which all else was so.
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// The hash of a key's words in the current array.
    #[inline(always)]
    pub(crate) fn hash(&self, words: [u64; 3]) -> u32 {
        hash(words, &self.seeds)
    }
}

/// The bucket in which a search begins, in an array of `mask + 1`: the hash's bits above those of the tag.
#[inline]
fn home(hash: u32, mask: usize) -> usize {
    (hash >> TAG_BITS) as usize & mask
}

/// The bits of a number below the length of an array.
#[inline]
fn mask(array: &[Bucket]) -> usize {
    array.len().wrapping_sub(1)
}

impl Bucket {
    /// What stands in a lane.
    #[inline]
    pub(crate) fn spot(&self, lane: usize) -> Option<Spot> {
        // Acquire: a lane that a migration cleared shows the new place.
        Spot::from_raw(self.lanes.get(lane)?.load(Ordering::Acquire))
    }

    /// What stands in a lane whose tag fits, if only [`Spot::VOID`].
    #[inline(always)]
    pub(crate) fn spot_or_void(&self, lane: usize) -> Spot {
        self.spot(lane).unwrap_or(Spot::VOID)
    }

    /// The lanes whose tag fits: hints.
    #[inline(always)]
    pub(crate) fn matching(&self, tag: u8) -> Matches {
        tags::matching(&self.tags, tag)
    }

    /// Whether entries that wanted to live here, or passed by, live further on.
    #[inline]
    pub(crate) fn goes_on(&self) -> bool {
        self.tags.overflow() != 0
    }
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
    pub(crate) fn hash(&self, class: u8, words: [u64; 3]) -> u32 {
        let seeds = self.secrets[usize::from(class)].0.each_ref().map(|cell| cell.load(Ordering::Acquire));
        hash(words, &seeds)
    }

    #[inline]
    fn array(&self, class: u8) -> &[Bucket] {
        self.arrays.get(usize::from(class)).unwrap_or(&[])
    }

    /// Shows `check` the spots whose tag fits, until it answers or all places where the key can be are looked at.
    pub(crate) fn search<R>(
        &self,
        class: u8,
        hash: u32,
        mut check: impl FnMut(Spot, Place) -> Option<R>,
    ) -> Option<R> {
        let array = self.array(class);
        let mask = mask(array);
        let home = home(hash, mask);
        for distance in 0..array.len() {
            let at = (home + distance) & mask;
            let bucket = &array[at];
            for lane in bucket.matching(tag(hash)) {
                if let Some(spot) = bucket.spot(lane)
                    && let Some(answer) = check(spot, Place { class, bucket: at, lane })
                {
                    return Some(answer);
                }
            }
            if !bucket.goes_on() {
                break;
            }
        }
        // Whatever tags were seen, what came before them is seen from here on.
        fence(Ordering::Acquire);
        None
    }

    /// Where a search in the current array begins, and the key's tag there: the short way of a hit.
    #[inline(always)]
    pub(crate) fn home(&self, view: &Cell<View>, words: [u64; 3]) -> (&Bucket, u8) {
        let view = self.refreshed(view);
        self.bucket(&view, view.hash(words))
    }

    /// What a reader remembers, brought up to date if it must be.
    #[inline(always)]
    pub(crate) fn refreshed(&self, view: &Cell<View>) -> View {
        if self.state() != view.get().state {
            view.set(self.view());
        }
        view.get()
    }

    /// The home bucket of a hash, and its tag, in a view that [`Self::refreshed`] has given.
    #[inline(always)]
    pub(crate) fn bucket(&self, view: &View, hash: u32) -> (&Bucket, u8) {
        let Buckets { first, mask } = view.buckets;
        #[expect(unsafe_code, reason = "see SAFETY")]
        // SAFETY: a refreshed view is of the state of this index at some moment, so `view` has made it, with the whole of
        // an array, and arrays live as long as the index; `home` is a number below the length of the array.
        let bucket = unsafe { &*first.add(home(hash, mask)) };
        (bucket, tag(hash))
    }

    /// The state, and the secrets that belong to it.
    #[cold]
    #[inline(never)]
    pub(crate) fn view(&self) -> View {
        loop {
            let state = self.state();
            let cells = &self.secrets[usize::from(state.current())].0;
            // Acquire: whoever sees a secret of the array's next use sees that the state has moved on.
            let seeds = cells.each_ref().map(|cell| cell.load(Ordering::Acquire));
            let array = self.array(state.current());
            let buckets = Buckets { first: array.as_ptr(), mask: mask(array) };
            if self.state() == state && !array.is_empty() {
                return View { state, seeds, buckets };
            }
        }
    }

    /// Has the home bucket of a hash on its way.
    #[inline]
    pub(crate) fn prefetch_home(&self, class: u8, hash: u32) {
        let array = self.array(class);
        if let Some(bucket) = array.get(home(hash, mask(array))) {
            prefetch(bucket);
        }
    }

    /// Writes an entry into the first free lane from its home on; returns how many buckets away from home that was.
    /// Only the writer calls this.
    pub(crate) fn place(&self, class: u8, hash: u32, spot: Spot) -> Result<usize, OutOfMemory> {
        let array = self.array(class);
        let mask = mask(array);
        let home = home(hash, mask);
        for distance in 0..array.len() {
            let bucket = &array[(home + distance) & mask];
            if let Some(lane) = bucket.lanes.iter().position(|cell| cell.load(Ordering::Relaxed) == 0) {
                // The way is open before there is something at its end.
                for passed in 0..distance {
                    array[(home + passed) & mask].tags.add_overflow(1);
                }
                bucket.lanes[lane].store(spot.raw(), Ordering::Release);
                bucket.tags.set(lane, tag(hash));
                return Ok(distance);
            }
        }
        Err(OutOfMemory)
    }

    /// Writes to an empty bucket of an array that is not in use, so that its memory is there; changes nothing. Only the
    /// writer calls this.
    pub(crate) fn touch(&self, class: u8, bucket: usize) {
        if let Some([lane, ..]) = self.array(class).get(bucket).map(|bucket| &bucket.lanes) {
            debug_assert_eq!(lane.load(Ordering::Relaxed), 0, "the array is not in use");
            lane.store(0, Ordering::Relaxed);
        }
    }

    /// Empties a place, and closes the way to it. Only the writer calls this.
    pub(crate) fn clear(&self, place: Place, hash: u32) {
        let array = self.array(place.class);
        let mask = mask(array);
        let bucket = &array[place.bucket];
        bucket.lanes[place.lane].store(0, Ordering::Release);
        bucket.tags.set(place.lane, 0);
        let mut passed = home(hash, mask);
        while passed & mask != place.bucket {
            array[passed & mask].tags.add_overflow(u32::MAX);
            passed += 1;
        }
    }

    /// The spots in one bucket, lane by lane. Only the writer calls this.
    pub(crate) fn entries(&self, class: u8, bucket: usize) -> impl Iterator<Item = (Spot, Place)> {
        let lanes = self.array(class).get(bucket).map_or(&[][..], |bucket| &bucket.lanes);
        lanes.iter().enumerate().filter_map(move |(lane, cell)| {
            let spot = Spot::from_raw(cell.load(Ordering::Relaxed))?;
            Some((spot, Place { class, bucket, lane }))
        })
    }

    /// Whether nothing at all stands in an array. For tests: it walks.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn is_clean(&self, class: u8) -> bool {
        let empty = |bucket: &Bucket| {
            bucket.tags.is_clean() && bucket.lanes.iter().all(|lane| lane.load(Ordering::Relaxed) == 0)
        };
        self.array(class).iter().all(empty)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_one_cache_line() {
        assert_eq!((size_of::<Bucket>(), align_of::<Bucket>()), (64, 64));
    }
}
