//! What all neighbours of an interface have in common: the rest of their header, once for each interface.
//!
//! An interface's word may change only while the index knows none of its neighbours. A reader reads it between its
//! two looks at the guard of a neighbour, so what it read belongs to that neighbour: see `Shared::candidate`.

use crate::error::OutOfMemory;
use crate::primitive::{AtomicU64, Ordering};
use crate::slices::{Lengths, Slices};

/// Interface numbers must be below this one: about a million.
pub const MOST_INTERFACES: u32 = if cfg!(loom) { 8 } else { 1 << 20 };

/// The logarithm of the first chunk's length; the next ones double.
const FIRST_BITS: u32 = 3;

/// Chunks for [`MOST_INTERFACES`] words: the first ones are never there.
const CHUNKS: usize = MOST_INTERFACES.ilog2() as usize + 1;

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
    words: Slices<AtomicU64, Doubling, CHUNKS>,
}

/// Where an interface's word stands: chunk and offset. Chunk 3 serves the first eight, and each next one twice as many.
#[inline]
fn locate(ifindex: u32) -> (usize, usize) {
    let x = u64::from(ifindex) + (1 << FIRST_BITS);
    let exponent = x.ilog2();
    (exponent as usize, (x ^ (1 << exponent)) as usize)
}

impl Templates {
    pub(crate) fn new() -> Self {
        Self { words: Slices::new() }
    }

    fn word(&self, ifindex: u32) -> Option<&AtomicU64> {
        let (chunk, offset) = locate(ifindex);
        self.words.get(chunk)?.get(offset)
    }

    /// The word of an interface that has, or had, a neighbour.
    ///
    /// # Safety
    /// [`Self::ensure`] must have succeeded for the interface, and that must happen before this call.
    #[inline]
    #[expect(unsafe_code, reason = "the hit path looks at memory it knows to be there")]
    pub(crate) unsafe fn get_unchecked(&self, ifindex: u32) -> Own {
        let (chunk, offset) = locate(ifindex);
        // SAFETY: `ensure` published the chunk, and `locate` gives offsets below its length.
        let word = unsafe { self.words.get_unchecked(chunk, offset) };
        // Acquire: see `Shared::candidate`.
        Own(word.load(Ordering::Acquire))
    }

    /// Makes room for an interface's word; returns the bytes allocated.
    pub(crate) fn ensure(&self, ifindex: u32) -> Result<usize, OutOfMemory> {
        if ifindex >= MOST_INTERFACES {
            return Err(OutOfMemory);
        }
        self.words.publish(locate(ifindex).0)
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
        let mut expected = (FIRST_BITS as usize, 0);
        for ifindex in 0..if cfg!(miri) { 1_000 } else { MOST_INTERFACES } {
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
        assert!(templates.ensure(5).expect("memory") > 0);
        // SAFETY: `ensure` succeeded.
        let get = || unsafe { templates.get_unchecked(5) }.bytes();
        assert_eq!(get(), [0; 8]);
        templates.set(5, Own::new(0x86dd, [1, 2, 3, 4, 5, 6]));
        assert_eq!(get(), [1, 2, 3, 4, 5, 6, 0x86, 0xdd]);
        assert!(templates.ensure(MOST_INTERFACES).is_err() && templates.ensure(u32::MAX).is_err());
    }
}
