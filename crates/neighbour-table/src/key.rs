//! What a neighbour is found by, and how it is named afterwards.

use crate::arena::Spot;

/// A next hop on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The protocol address; an IPv4 address in the low 32 bits.
    pub addr: u128,
    /// The interface's number, below [`MOST_INTERFACES`](crate::MOST_INTERFACES). Numbers should be dense: memory goes with the highest.
    pub ifindex: u32,
}

impl Key {
    /// The words the hash and the slots work on: low half, high half, interface.
    #[inline]
    pub(crate) fn words(&self) -> [u64; 3] {
        [self.addr as u64, (self.addr >> 64) as u64, u64::from(self.ifindex)]
    }
}

/// How often a slot has been used; it never repeats for one slot.
pub type Generation = u32;

/// The name of one neighbour in one life: a slot and its generation. It is never reused for another neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle {
    pub(crate) spot: Spot,
    pub(crate) generation: Generation,
}

impl Handle {
    /// The number of the slot, as the writer's calls take it. Numbers are small and dense: those in use and those
    /// freed lie below [`crate::Table::slots`].
    pub fn slot(&self) -> u32 {
        self.spot.slot()
    }

    /// Which life of the slot this is.
    pub fn generation(&self) -> Generation {
        self.generation
    }
}
