//! What all neighbours of an interface have in common: the rest of their header, once for each interface.
//!
//! An interface's word may change only while the index knows none of its neighbours. A reader reads it between its
//! two looks at the guard of a neighbour, so what it read belongs to that neighbour: see `Shared::candidate`.

use crate::error::OutOfMemory;
use crate::primitive::{AtomicU64, Ordering, per_pointer};
use crate::slices::{Lengths, Slices};

/// Interface numbers must be below this one: about a million.
pub const MOST_INTERFACES: u32 = if cfg!(loom) { 8 } else { 1 << 20 };

/// Interfaces whose words are found without a chunk: a power of two.
const FIRST: usize = if cfg!(loom) { 4 } else { per_pointer(8, 64) };

/// Chunks for [`MOST_INTERFACES`] words. Chunk `k` is as long as 2ᵏ, so that a number's own logarithm names it: the
/// first ones are never there.
const CHUNKS: usize = MOST_INTERFACES.ilog2() as usize;

struct Doubling;

impl Lengths for Doubling {
    fn length(chunk: usize) -> usize {
        1 << chunk
    }
}

/// EtherType and own address: the bytes of a header that follow the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Own(u64);

impl Own {
    pub(crate) fn new(ethertype: u16, address: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = address;
        let [x, y] = ethertype.to_be_bytes();
        Self(u64::from_le_bytes([a, b, c, d, e, f, x, y]))
    }

    #[inline]
    pub(crate) fn bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }
}

/// The words of all interfaces.
pub(crate) struct Templates {
    /// Those of the interfaces with the lowest numbers, which most machines have no others than.
    first: [AtomicU64; FIRST],
    words: Slices<AtomicU64, Doubling, CHUNKS>,
}

/// Where the word of an interface that is not among the first stands: chunk and offset.
#[inline]
fn locate(ifindex: u32) -> (usize, usize) {
    let exponent = ifindex.ilog2();
    (exponent as usize, (ifindex ^ (1 << exponent)) as usize)
}

impl Templates {
    pub(crate) fn new() -> Self {
        Self { first: core::array::from_fn(|_| AtomicU64::new(0)), words: Slices::new() }
    }

    fn word(&self, ifindex: u32) -> Option<&AtomicU64> {
        self.first.get(ifindex as usize).or_else(|| {
            let (chunk, offset) = locate(ifindex);
            self.words.get(chunk)?.get(offset)
        })
    }

    /// The word of an interface that has, or had, a neighbour.
    ///
    /// # Safety
    /// [`Self::ensure`] must have succeeded for the interface, and that must happen before this call.
    #[inline(always)]
    #[expect(unsafe_code, reason = "the hit path looks at memory it knows to be there")]
    pub(crate) unsafe fn get_unchecked(&self, ifindex: u32) -> Own {
        // Acquire: see `Shared::candidate`.
        let load = |word: &AtomicU64| Own(word.load(Ordering::Acquire));
        match self.first.get(ifindex as usize) {
            Some(word) => load(word),
            // SAFETY: `ensure` published the chunk, and `locate` gives offsets below its length.
            None => load(unsafe {
                let (chunk, offset) = locate(ifindex);
                self.words.get_unchecked(chunk, offset)
            }),
        }
    }

    /// Makes room for an interface's word; returns the bytes allocated.
    pub(crate) fn ensure(&self, ifindex: u32) -> Result<usize, OutOfMemory> {
        match ifindex {
            MOST_INTERFACES.. => Err(OutOfMemory),
            _ if (ifindex as usize) < FIRST => Ok(0),
            _ => self.words.publish(locate(ifindex).0),
        }
    }

    /// Sets an interface's word, for which there is room. Only the writer calls this.
    pub(crate) fn set(&self, ifindex: u32, own: Own) {
        if let Some(word) = self.word(ifindex)
            && word.load(Ordering::Relaxed) != own.0
        {
            // Release: a reader that sees it sees that the neighbours before it were unlinked.
            word.store(own.0, Ordering::Release);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn interfaces_fill_the_chunks_without_gap_or_overlap() {
        let mut expected = (FIRST.ilog2() as usize, 0);
        for ifindex in FIRST as u32..if cfg!(miri) { 1_000 } else { MOST_INTERFACES } {
            let (chunk, offset) = locate(ifindex);
            assert_eq!((chunk, offset), expected, "interface {ifindex}");
            assert!(chunk < CHUNKS);
            expected.1 += 1;
            if expected.1 == Doubling::length(chunk) {
                expected = (chunk + 1, 0);
            }
        }
    }

    #[test]
    #[expect(unsafe_code, reason = "see SAFETY")]
    fn a_word_is_read_as_it_was_set_and_numbers_too_large_are_refused() {
        let templates = Templates::new();
        let first = FIRST as u32;
        for (ifindex, makes_chunk) in
            [(0, false), (first - 1, false), (first, true), (first + 1, false), (999, true)]
        {
            assert_eq!(templates.ensure(ifindex).expect("memory") > 0, makes_chunk);
            // SAFETY: `ensure` succeeded.
            let get = || unsafe { templates.get_unchecked(ifindex) }.bytes();
            assert_eq!(get(), [0; 8]);
            templates.set(ifindex, Own::new(0x86dd, [1, 2, 3, 4, 5, 6]));
            assert_eq!(get(), [1, 2, 3, 4, 5, 6, 0x86, 0xdd]);
        }
        assert!(templates.ensure(MOST_INTERFACES).is_err() && templates.ensure(u32::MAX).is_err());
    }
}
