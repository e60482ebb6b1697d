//! Numbered places that never move: chunks of growing size behind one another.
//!
//! Place numbers lie on a line cut into chunks like floating-point numbers are: eight chunks of one size, then eight
//! of twice that size, and so on. So a table of a few entries is small, one of millions has few chunks, and never is
//! more than an eighth of the memory ahead of need. A chunk never moves and stays until the last handle goes, so a
//! reader that has stopped may still look at a place that meanwhile belongs to another neighbour: it finds valid
//! memory there, and another generation.

use crate::error::OutOfMemory;
use crate::primitive::{CHUNKS, FIRST_CHUNK_BITS};
use crate::slices::{Lengths, Slices, Zeroable};

/// Chunks of one size before the size doubles, as a power of two.
const SAME_SIZE_BITS: u32 = 3;

/// Places in chunk 0.
const FIRST: u32 = 1 << FIRST_CHUNK_BITS;

struct ChunkLengths;

impl Lengths for ChunkLengths {
    fn length(k: usize) -> usize {
        1 << ((k >> SAME_SIZE_BITS) + (FIRST_CHUNK_BITS - SAME_SIZE_BITS) as usize)
    }
}

/// The chunk of a place, and the place within the chunk.
#[inline]
fn locate(place: u32) -> Option<(usize, usize)> {
    let x = place.checked_add(FIRST)?;
    let exponent = 31 - x.leading_zeros();
    let shift = exponent - SAME_SIZE_BITS;
    let same = (x >> shift) & ((1 << SAME_SIZE_BITS) - 1);
    let chunk = ((exponent - FIRST_CHUNK_BITS) << SAME_SIZE_BITS) + same;
    Some((chunk as usize, (x & ((1 << shift) - 1)) as usize))
}

/// A growing array of `T` that readers may look into at any time.
pub(crate) struct Arena<T: Zeroable> {
    chunks: Slices<T, ChunkLengths, CHUNKS>,
}

impl<T: Zeroable> Arena<T> {
    pub(crate) fn new() -> Self {
        Self { chunks: Slices::new() }
    }

    /// The element at `place`, if its chunk exists.
    #[inline]
    pub(crate) fn get(&self, place: u32) -> Option<&T> {
        let (chunk, offset) = locate(place)?;
        self.chunks.get(chunk)?.get(offset)
    }

    /// Makes the chunk of `place` exist; returns the bytes allocated.
    pub(crate) fn ensure(&self, place: u32) -> Result<usize, OutOfMemory> {
        let (chunk, _) = locate(place).ok_or(OutOfMemory)?;
        self.chunks.publish(chunk)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn places_fill_the_chunks_without_gap_or_overlap() {
        let mut expected = (0, 0);
        for place in 0..if cfg!(miri) { 10_000 } else { 1_000_000 } {
            assert_eq!(locate(place), Some(expected), "place {place}");
            expected.1 += 1;
            if expected.1 == ChunkLengths::length(expected.0) {
                expected = (expected.0 + 1, 0);
            }
        }
    }

    #[test]
    fn the_last_place_lies_in_the_last_chunk_and_beyond_it_there_is_none() {
        let last = u32::MAX - FIRST;
        let (chunk, offset) = locate(last).expect("a place");
        assert_eq!((chunk + 1, offset + 1), (CHUNKS, ChunkLengths::length(chunk)));
        assert_eq!(locate(last + 1), None);
    }
}
