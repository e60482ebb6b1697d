//! The two halves of a neighbour's slot: what hits read, and the words that use of it writes.
//!
//! What a hit reads of a neighbour is half a cache line ([`Hot`]); what all neighbours of a device have in common
//! stands once for the device (`template`). Reference count and confirmation stand in another place ([`Cold`]), so
//! that noting use does not disturb readers.

use crate::primitive::AtomicU64;

/// What a lookup reads: half a cache line.
///
/// `ident` is the guard: it changes before any other field changes owner or counts no longer, and is set last. A
/// reader that finds the same `ident` before and after reading the others has read one neighbour, while it was
/// linked.
#[derive(Default)]
#[repr(C, align(32))]
pub(crate) struct Hot {
    /// See [`Ident`]; 0 while the slot is free.
    pub(crate) ident: AtomicU64,
    /// Lower half of the key's address.
    pub(crate) low: AtomicU64,
    /// Upper half of the key's address.
    pub(crate) high: AtomicU64,
    /// Flags, state and a six-byte address: see [`Word`]. Changes while the neighbour lives.
    pub(crate) word: AtomicU64,
}

/// What use of a neighbour writes.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Cold {
    /// Generation, marks and count: see [`crate::refs::Refs`].
    pub(crate) refs: AtomicU64,
    /// Generation in the upper half, the tick of the last confirmation in the lower. While the slot is in a list, free
    /// or given back, the next place in it stands here: see [`Links`](crate::free_list::Links).
    pub(crate) confirmed: AtomicU64,
}

/// Flag: the address is in the side record whose number stands in its place.
pub(crate) const LONG: u8 = 1;
/// Flag: the device's headers can be kept ready.
pub(crate) const HEADER: u8 = 2;
/// Flag: and this neighbour's is. The highest bit, so that it is the sign of the word.
const READY: u8 = 0x80;

/// The guard word: generation in the upper half; in the lower the interface, and whether the neighbour is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ident(pub(crate) u64);

const LINKED: u64 = 1 << 31;

impl Ident {
    /// The guard of a linked neighbour. Interfaces are below [`crate::template::MOST_INTERFACES`].
    pub(crate) fn new(generation: u32, ifindex: u32) -> Self {
        Self((u64::from(generation) << 32) | LINKED | u64::from(ifindex))
    }

    /// Whether this is a linked neighbour's of that interface. No number at all makes it so for another slot.
    #[inline]
    pub(crate) fn is_linked_to(self, ifindex: u32) -> bool {
        // A sum: a number too large for an interface leaves the lower half, and equals nothing.
        self.0 & u64::from(u32::MAX) == LINKED + u64::from(ifindex)
    }

    pub(crate) fn unlinked(self) -> Self {
        Self(self.0 & !LINKED)
    }

    #[inline]
    pub(crate) fn is_linked(self) -> bool {
        self.0 & LINKED != 0
    }

    #[inline]
    pub(crate) fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(crate) fn ifindex(self) -> u32 {
        (self.0 & (LINKED - 1)) as u32
    }
}

/// Flags, state and address of a neighbour in one atomic word, so that they change at once. Its bytes begin as a
/// header does: with the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word([u8; 8]);

impl Word {
    pub(crate) fn new(flags: u8, state: u8, address: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = address;
        Self([a, b, c, d, e, f, state, flags])
    }

    /// The word of a neighbour whose address stands in a side record.
    pub(crate) fn long(state: u8, record: u32) -> Self {
        let [a, b, c, d] = record.to_le_bytes();
        Self::new(LONG, state, [a, b, c, d, 0, 0])
    }

    #[inline]
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits.to_le_bytes())
    }

    #[inline]
    pub(crate) fn bits(self) -> u64 {
        u64::from_le_bytes(self.0)
    }

    #[inline]
    pub(crate) fn flags(self) -> u8 {
        (self.bits() >> 56) as u8
    }

    #[inline]
    pub(crate) fn has(self, flag: u8) -> bool {
        self.flags() & flag != 0
    }

    /// Whether there is a finished header, which a word [`LONG`] never has.
    #[inline]
    pub(crate) fn is_ready(self) -> bool {
        self.has(READY)
    }

    /// The word that follows this one: another state and six-byte address, ready if the device's headers can be.
    #[inline]
    pub(crate) fn followed_by(self, state: u8, address: [u8; 6], ready: bool) -> Self {
        let flags = self.flags() & !READY;
        Self::new(if ready && self.has(HEADER) { flags | READY } else { flags }, state, address)
    }

    #[inline]
    pub(crate) fn state(self) -> u8 {
        (self.bits() >> 48) as u8
    }

    pub(crate) fn with_state(mut self, state: u8) -> Self {
        self.0[6] = state;
        self
    }

    /// The number of the side record, if the word [`has`](Self::has) [`LONG`].
    pub(crate) fn record(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_le_bytes([a, b, c, d])
    }

    #[inline]
    pub(crate) fn address(&self) -> &[u8; 6] {
        let [address @ .., _, _] = &self.0;
        address
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_a_hit_reads_never_straddles_two_cache_lines() {
        assert_eq!((size_of::<Hot>(), align_of::<Hot>()), (32, 32));
        assert_eq!(size_of::<Cold>(), 16);
    }

    #[test]
    fn words_come_back_as_they_were_packed() {
        let word = Word::new(LONG | HEADER, 7, [1, 2, 3, 4, 5, 6]);
        let back = Word::from_bits(word.bits());
        assert_eq!((back.flags(), back.state(), back.address()), (3, 7, &[1, 2, 3, 4, 5, 6]));
        let other = back.with_state(9);
        assert_eq!((other.flags(), other.state(), other.address()), (3, 9, &[1, 2, 3, 4, 5, 6]));
        let long = Word::long(4, 0x0102_0304);
        assert!(long.has(LONG) && !long.has(HEADER));
        assert_eq!((long.state(), long.record()), (4, 0x0102_0304));
    }

    #[test]
    fn a_guard_says_whose_the_slot_is_and_whether_the_index_knows_it() {
        let ident = Ident::new(9, 5);
        assert_eq!((ident.generation(), ident.ifindex()), (9, 5));
        let gone = ident.unlinked();
        assert_eq!((gone.generation(), gone.ifindex()), (9, 5));
        assert!(ident.is_linked() && !gone.is_linked() && !Ident(0).is_linked());
        assert!(ident.is_linked_to(5) && !ident.is_linked_to(4));
        for ifindex in [0, 5, 5 | 1 << 31, 1 << 31, u32::MAX] {
            assert!(!gone.is_linked_to(ifindex) && !Ident(0).is_linked_to(ifindex), "{ifindex}");
            assert!(!Ident::new(9, 5).is_linked_to(ifindex) || ifindex == 5, "{ifindex}");
        }
    }
}
