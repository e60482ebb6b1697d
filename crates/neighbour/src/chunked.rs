//! Arrays that grow without moving what they hold.
//!
//! Places lie in chunks behind one another: sixteen chunks of one size, then sixteen of twice that size, and so on.
//! So never more than a sixteenth of the memory is ahead of need, and a creation copies nothing however many entries
//! there are: at most it has one chunk allocated, whose memory is first touched when a place in it is.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};
use neighbour_table::OutOfMemory;

/// Chunks of one size before the size doubles, as a power of two.
const SAME_SIZE_BITS: u32 = 4;
/// The first place's number on the line that is cut into chunks: the first sixteen chunks have four places each.
const FIRST: u32 = 64;

/// A growing array with numbers below 2³² − 64.
#[derive(Debug)]
pub(crate) struct Chunked<T> {
    chunks: Vec<Vec<T>>,
    len: u32,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

/// Chunk and offset of a place.
#[inline]
fn locate(at: u32) -> (usize, usize) {
    let x = at.wrapping_add(FIRST).max(FIRST);
    let shift = x.ilog2() - SAME_SIZE_BITS;
    let same = (x >> shift) & ((1 << SAME_SIZE_BITS) - 1);
    let doublings = x.ilog2() - FIRST.ilog2();
    (((doublings << SAME_SIZE_BITS) + same) as usize, (x & ((1 << shift) - 1)) as usize)
}

/// How many places a chunk has.
fn length(chunk: usize) -> usize {
    1 << ((chunk >> SAME_SIZE_BITS) + (FIRST.ilog2() - SAME_SIZE_BITS) as usize)
}

impl<T> Chunked<T> {
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    pub(crate) fn get(&self, at: u32) -> Option<&T> {
        let (chunk, offset) = locate(at);
        self.chunks.get(chunk)?.get(offset)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        let (chunk, offset) = locate(at);
        self.chunks.get_mut(chunk)?.get_mut(offset)
    }

    /// Makes room for one more, so that the next [`Chunked::push`] cannot fail.
    pub(crate) fn reserve(&mut self) -> Result<(), OutOfMemory> {
        let (chunk, _) = locate(self.len);
        if chunk == self.chunks.len() {
            let mut fresh = Vec::new();
            fresh.try_reserve_exact(length(chunk)).map_err(|_| OutOfMemory)?;
            self.chunks.try_reserve(1).map_err(|_| OutOfMemory)?;
            self.chunks.push(fresh);
        }
        Ok(())
    }

    /// Appends a value.
    pub(crate) fn push(&mut self, value: T) -> Result<(), OutOfMemory> {
        self.reserve()?;
        self.chunks[locate(self.len).0].push(value); // within its capacity
        self.len += 1;
        Ok(())
    }

    /// Forgets all but the first `len` values, and keeps the memory of at most one chunk more than they need.
    pub(crate) fn truncate(&mut self, len: u32) {
        let (last, offset) = locate(len.min(self.len));
        self.chunks.truncate(last + 2);
        self.chunks.iter_mut().skip(last + 1).for_each(Vec::clear);
        if let Some(chunk) = self.chunks.get_mut(last) {
            chunk.truncate(offset);
        }
        self.len = len.min(self.len);
    }
}

impl<T> Index<u32> for Chunked<T> {
    type Output = T;
    #[inline]
    fn index(&self, at: u32) -> &T {
        let (chunk, offset) = locate(at);
        &self.chunks[chunk][offset]
    }
}

impl<T> IndexMut<u32> for Chunked<T> {
    #[inline]
    fn index_mut(&mut self, at: u32) -> &mut T {
        let (chunk, offset) = locate(at);
        &mut self.chunks[chunk][offset]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_fill_the_chunks_without_gap_or_overlap() {
        let mut expected = (0, 0);
        for at in 0..100_000 {
            assert_eq!(locate(at), expected, "place {at}");
            expected.1 += 1;
            if expected.1 == length(expected.0) {
                expected = (expected.0 + 1, 0);
            }
        }
    }

    #[test]
    fn what_stands_in_the_array_never_moves_and_at_most_an_eighth_is_ahead_of_need() {
        let mut array = Chunked::default();
        let mut addresses: Vec<*const u32> = Vec::new();
        for n in 0..20_000 {
            array.push(n).expect("memory");
            addresses.push(&raw const array[n]);
            let room: usize = (0..array.chunks.len()).map(length).sum();
            assert!(room <= n as usize + 1 + (n as usize + 64) / 8, "{room} places for {}", n + 1);
        }
        assert!((0..20_000).all(|n| array[n] == n && core::ptr::eq(&array[n], addresses[n as usize])));
    }

    #[test]
    fn a_shorter_array_grows_again_where_it_ended() {
        for keep in [0, 1, 7, 8, 9, 64, 500, 999, 1000, 2000] {
            let mut array = Chunked::default();
            (0..1000).for_each(|n| array.push(n).expect("memory"));
            array.truncate(keep);
            let kept = keep.min(1000);
            assert_eq!((array.len(), array.get(kept)), (kept, None), "{keep}");
            (kept..1100).for_each(|n| array.push(n).expect("memory"));
            assert!((0..1100).all(|n| array[n] == n), "{keep}");
        }
    }
}
