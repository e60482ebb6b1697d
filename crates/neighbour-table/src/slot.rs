//! The two halves of a neighbour's slot: the line that hits read, and the words that use of it writes.
//!
//! What a hit reads stands in one cache line ([`Hot`]). Reference count, confirmation and the hand-over mark stand
//! in another place ([`Cold`]), so that noting use does not disturb readers.

use crate::primitive::{AtomicU32, AtomicU64};

/// What a lookup reads: one cache line.
///
/// `ident` is the guard: it is zeroed before any other field changes owner, and set last. A reader that finds the
/// same `ident` before and after reading the others has read one neighbour.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Hot {
    /// Generation in the upper half, interface in the lower; 0 while the slot is free.
    pub(crate) ident: AtomicU64,
    /// Lower half of the key's address.
    pub(crate) low: AtomicU64,
    /// Upper half of the key's address.
    pub(crate) high: AtomicU64,
    /// Flags, state and a six-byte address: see [`Word`]. Changes while the neighbour lives.
    pub(crate) word: AtomicU64,
    /// EtherType and the device's own address, as the bytes of a header: see [`Own`]. Never changes in a life.
    pub(crate) own: AtomicU64,
    /// The side record of an address that is not six bytes long, if `word` says so. Never changes in a life.
    pub(crate) long: AtomicU32,
}

/// What use of a neighbour writes.
#[derive(Default)]
pub(crate) struct Cold {
    /// Generation, dead bit and count: see [`crate::refs::Refs`].
    pub(crate) refs: AtomicU64,
    /// Generation in the upper half, the tick of the last confirmation in the lower.
    pub(crate) confirmed: AtomicU64,
    /// The generation that was handed over to the writer, or an older one, or 0.
    pub(crate) handed: AtomicU32,
    /// The next slot (plus one) in the one list this slot is in: free, or given back. Nobody reads it otherwise.
    pub(crate) next: AtomicU32,
}

/// Flag: the index knows this slot.
pub(crate) const LINKED: u8 = 1;
/// Flag: the address is in the side record.
pub(crate) const LONG: u8 = 2;
/// Flag: the device's headers can be kept ready.
pub(crate) const HEADER: u8 = 4;

/// Flags, state and address of a neighbour in one atomic word, so that they change at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word([u8; 8]);

impl Word {
    pub(crate) fn new(flags: u8, state: u8, address: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = address;
        Self([flags, state, a, b, c, d, e, f])
    }

    #[inline]
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits.to_be_bytes())
    }

    #[inline]
    pub(crate) fn bits(self) -> u64 {
        u64::from_be_bytes(self.0)
    }

    #[inline]
    pub(crate) fn flags(self) -> u8 {
        self.0[0]
    }

    #[inline]
    pub(crate) fn has(self, flag: u8) -> bool {
        self.0[0] & flag != 0
    }

    #[inline]
    pub(crate) fn state(self) -> u8 {
        self.0[1]
    }

    #[inline]
    pub(crate) fn address(&self) -> &[u8; 6] {
        let [_, _, address @ ..] = &self.0;
        address
    }
}

/// EtherType and own address: what stays the same in a neighbour's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Own([u8; 8]);

impl Own {
    pub(crate) fn new(ethertype: u16, address: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = address;
        let [x, y] = ethertype.to_be_bytes();
        Self([x, y, a, b, c, d, e, f])
    }

    #[inline]
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits.to_be_bytes())
    }

    pub(crate) fn bits(self) -> u64 {
        u64::from_be_bytes(self.0)
    }

    #[inline]
    pub(crate) fn ethertype(self) -> u16 {
        u16::from_be_bytes([self.0[0], self.0[1]])
    }

    #[inline]
    pub(crate) fn address(&self) -> &[u8; 6] {
        let [_, _, address @ ..] = &self.0;
        address
    }
}

/// The guard word of a slot that is in use.
#[inline]
pub(crate) fn ident(generation: u32, ifindex: u32) -> u64 {
    (u64::from(generation) << 32) | u64::from(ifindex)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_a_hit_reads_fits_one_cache_line() {
        assert_eq!((size_of::<Hot>(), align_of::<Hot>()), (64, 64));
        assert_eq!(size_of::<Cold>(), 24);
    }

    #[test]
    fn words_come_back_as_they_were_packed() {
        let word = Word::new(LINKED | HEADER, 7, [1, 2, 3, 4, 5, 6]);
        let back = Word::from_bits(word.bits());
        assert_eq!((back.flags(), back.state(), *back.address()), (5, 7, [1, 2, 3, 4, 5, 6]));
        let own = Own::from_bits(Own::new(0x86dd, [6, 5, 4, 3, 2, 1]).bits());
        assert_eq!((own.ethertype(), *own.address()), (0x86dd, [6, 5, 4, 3, 2, 1]));
    }
}
