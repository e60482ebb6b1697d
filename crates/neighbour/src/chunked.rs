//! Arrays that grow without moving what they hold.
//!
//! Places lie in chunks of one size behind one another, so a creation copies nothing however many entries there are:
//! at most it has one chunk allocated, and the list of chunks made longer. Only the first chunk begins small and
//! grows by an eighth at a time, for the sake of small tables; so never more than an eighth of the memory is ahead of
//! need, or one chunk.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};
use neighbour_table::OutOfMemory;

/// Places in a chunk, as a power of two.
const CHUNK_BITS: u32 = 11;
/// Places that the first chunk begins with.
const FEW: usize = 8;

/// A growing array.
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
    ((at >> CHUNK_BITS) as usize, (at & ((1 << CHUNK_BITS) - 1)) as usize)
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
        let (chunk, offset) = locate(self.len);
        if chunk == self.chunks.len() {
            self.chunks.try_reserve(1).map_err(|_| OutOfMemory)?;
            self.chunks.push(Vec::new());
        }
        let places = &mut self.chunks[chunk];
        if places.capacity() == offset {
            let all = (1 << CHUNK_BITS) - offset;
            let more = if chunk > 0 { all } else { FEW.max(offset / 8).min(all) };
            places.try_reserve_exact(more).map_err(|_| OutOfMemory)?;
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

    fn addresses(array: &Chunked<u32>) -> Vec<*const u32> {
        (0..array.len()).map(|at| &raw const array[at]).collect()
    }

    #[test]
    fn beyond_the_first_chunk_nothing_ever_moves() {
        let mut array = Chunked::default();
        let first = 1 << CHUNK_BITS;
        (0..=first).for_each(|n| array.push(n).expect("memory"));
        let before = addresses(&array);
        (first + 1..20_000).for_each(|n| array.push(n).expect("memory"));
        assert_eq!(addresses(&array)[..before.len()], before);
        assert!((0..20_000).all(|n| array[n] == n));
    }

    #[test]
    fn at_most_an_eighth_or_a_chunk_is_ahead_of_need() {
        let mut array = Chunked::default();
        for n in 1..20_000_usize {
            array.push(0_u8).expect("memory");
            let room: usize = array.chunks.iter().map(Vec::capacity).sum();
            let most = if n <= 1 << CHUNK_BITS { n + FEW.max(n / 8) } else { n + (1 << CHUNK_BITS) };
            assert!(room <= most, "{room} places for {n}");
        }
    }

    #[test]
    fn a_shorter_array_grows_again_where_it_ended() {
        for keep in [0, 1, 7, 8, 9, 2047, 2048, 2049, 4096, 9_999, 10_000, 20_000] {
            let mut array = Chunked::default();
            (0..10_000).for_each(|n| array.push(n).expect("memory"));
            array.truncate(keep);
            let kept = keep.min(10_000);
            assert_eq!((array.len(), array.get(kept)), (kept, None), "{keep}");
            (kept..12_000).for_each(|n| array.push(n).expect("memory"));
            assert!((0..12_000).all(|n| array[n] == n), "{keep}");
        }
    }
}
