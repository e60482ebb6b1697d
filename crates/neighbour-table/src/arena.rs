//! Numbered places that never move: chunks of growing size behind one another.
//!
//! Slot numbers lie on a line cut into chunks like floating-point numbers are: sixteen chunks of one size, then sixteen
//! of twice that size, and so on. So a table of a few entries is small, one of millions has few chunks, and never is
//! more than a twelfth of the memory ahead of need. A chunk never moves and stays until the last handle goes, so a
//! reader that has stopped may still look at a place that meanwhile belongs to another neighbour: it finds valid
//! memory there, and another generation.
//!
//! Inside the crate a place is named by its [`Spot`], which tells chunk and offset without arithmetic: readers find
//! a slot's memory in five instructions. Outside it is a slot number, dense from 0.

use crate::error::OutOfMemory;
use crate::primitive::{CHUNKS, FIRST_CHUNK_BITS};
use crate::slices::{Ahead, Lengths, Slices, Zeroable};

/// Chunks of one size before the size doubles, as a power of two.
const SAME_SIZE_BITS: u32 = if cfg!(loom) { 3 } else { 4 };

/// Places in the first chunks of one size, together.
const FIRST: u32 = 1 << FIRST_CHUNK_BITS;

/// Bits of a spot that name the chunk.
const CHUNK_BITS: u32 = 9;

/// The memory of a slot: chunk in the lower nine bits, counted from 1, and above it the offset within it. Never 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Spot(u32);

impl Spot {
    /// The first place of the chunk before the first one, which nobody ever has: what stands there stays zero.
    pub(crate) const VOID: Self = Self(0);

    /// The place of a slot number, if the number is not too large.
    #[inline]
    pub(crate) fn of(slot: u32) -> Option<Self> {
        let x = slot.checked_add(FIRST)?;
        let exponent = x.ilog2();
        let shift = exponent - SAME_SIZE_BITS;
        let same = (x >> shift) & ((1 << SAME_SIZE_BITS) - 1);
        let chunk = ((exponent - FIRST_CHUNK_BITS) << SAME_SIZE_BITS) + same + 1;
        ((chunk as usize) < CHUNKS).then_some(Self(((x & ((1 << shift) - 1)) << CHUNK_BITS) | chunk))
    }

    /// The slot number of this place.
    #[inline]
    pub(crate) fn slot(self) -> u32 {
        let chunk = self.chunk() as u32 - 1;
        let exponent = (chunk >> SAME_SIZE_BITS) + FIRST_CHUNK_BITS;
        let same = chunk & ((1 << SAME_SIZE_BITS) - 1);
        (((1 << SAME_SIZE_BITS) + same) << (exponent - SAME_SIZE_BITS)) + self.offset() as u32 - FIRST
    }

    /// The number that stands for this place where 0 stands for none.
    #[inline]
    pub(crate) fn raw(self) -> u32 {
        self.0
    }

    /// The other way.
    #[inline]
    pub(crate) fn from_raw(raw: u32) -> Option<Self> {
        (raw != 0).then_some(Self(raw))
    }

    #[inline]
    fn chunk(self) -> usize {
        (self.0 & ((1 << CHUNK_BITS) - 1)) as usize
    }

    #[inline]
    fn offset(self) -> usize {
        (self.0 >> CHUNK_BITS) as usize
    }
}

struct ChunkLengths;

impl Lengths for ChunkLengths {
    fn length(k: usize) -> usize {
        1 << ((k.saturating_sub(1) >> SAME_SIZE_BITS) + (FIRST_CHUNK_BITS - SAME_SIZE_BITS) as usize)
    }
}

/// A growing array of `T` that readers may look into at any time.
pub(crate) struct Arena<T: Zeroable> {
    chunks: Slices<T, ChunkLengths, CHUNKS>,
}

impl<T: Zeroable> Arena<T> {
    pub(crate) fn new() -> Self {
        Self { chunks: Slices::new() }
    }

    /// The element at `spot`, if its chunk exists.
    #[inline]
    pub(crate) fn get(&self, spot: Spot) -> Option<&T> {
        self.chunks.get(spot.chunk())?.get(spot.offset())
    }

    /// The element at `spot`.
    ///
    /// # Safety
    /// [`Self::ensure`] must have succeeded for this spot, and that must happen before this call.
    #[inline]
    #[expect(unsafe_code, reason = "the hit path looks at memory it knows to be there")]
    pub(crate) unsafe fn get_unchecked(&self, spot: Spot) -> &T {
        // SAFETY: `ensure` published the chunk, and offsets of spots are below its length (`Spot::of`).
        unsafe { self.chunks.get_unchecked(spot.chunk(), spot.offset()) }
    }

    /// Makes the chunk of `spot` exist; returns the bytes allocated.
    pub(crate) fn ensure(&self, spot: Spot) -> Result<usize, OutOfMemory> {
        self.chunks.publish(spot.chunk())
    }

    /// The same, with the chunk that [`Self::prepare_after`] has made meanwhile, if it is that one.
    pub(crate) fn ensure_prepared(&self, spot: Spot, ahead: &mut Ahead<T>) -> Result<usize, OutOfMemory> {
        self.chunks.publish_prepared(ahead, spot.chunk())
    }

    /// For places that are taken in their order: while the last quarter of a chunk is, the next one is made a share at a
    /// time, so that no place has to wait for a whole one. Returns the bytes allocated.
    #[inline]
    pub(crate) fn prepare_after(&self, spot: Spot, ahead: &mut Ahead<T>) -> usize {
        let (length, next) = (ChunkLengths::length(spot.chunk()), spot.chunk() + 1);
        if spot.offset() < length - length / 4 || next >= CHUNKS {
            return 0;
        }
        let share = ChunkLengths::length(next).div_ceil((length / 4).max(1));
        self.chunks.prepare(ahead, next, share)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn slots_fill_the_chunks_without_gap_or_overlap() {
        let mut expected = (1, 0);
        for slot in 0..if cfg!(miri) { 2_000 } else { 1_000_000 } {
            let spot = Spot::of(slot).expect("a place");
            assert_eq!((spot.chunk(), spot.offset()), expected, "slot {slot}");
            assert_eq!((spot.slot(), Spot::from_raw(spot.raw())), (slot, Some(spot)));
            expected.1 += 1;
            if expected.1 == ChunkLengths::length(expected.0) {
                expected = (expected.0 + 1, 0);
            }
        }
    }

    #[test]
    fn the_last_slot_lies_at_the_end_of_the_last_chunk_and_beyond_it_there_is_none() {
        let sizes = CHUNKS as u32 >> SAME_SIZE_BITS;
        let last = (FIRST << sizes) - FIRST - 1;
        let spot = Spot::of(last).expect("a place");
        assert_eq!((spot.chunk() + 1, spot.offset() + 1), (CHUNKS, ChunkLengths::length(spot.chunk())));
        assert_eq!((spot.slot(), Spot::of(last + 1), Spot::of(u32::MAX)), (last, None, None));
    }
}
