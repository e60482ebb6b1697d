//! What a neighbour is found by, and how it is named afterwards.

use crate::slot::ident;

/// A next hop on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The protocol address; an IPv4 address in the low 32 bits.
    pub addr: u128,
    /// The interface's number.
    pub ifindex: u32,
}

impl Key {
    /// The words the hash and the slots work on: low half, high half, interface.
    #[inline]
    pub(crate) fn words(&self) -> [u64; 3] {
        [self.addr as u64, (self.addr >> 64) as u64, u64::from(self.ifindex)]
    }

    #[inline]
    pub(crate) fn from_words([low, high, ifindex]: [u64; 3]) -> Self {
        Self { addr: (u128::from(high) << 64) | u128::from(low), ifindex: ifindex as u32 }
    }
}

/// How often a slot has been used; it never repeats for one slot.
pub type Generation = u32;

/// The name of one neighbour in one life: a slot and its generation. It is never reused for another neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle {
    pub(crate) slot: u32,
    pub(crate) generation: Generation,
}

impl Handle {
    /// The number of the slot, as the writer's calls take it. Numbers are small and dense: those in use and those
    /// freed lie below [`crate::Table::slots`].
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// Which life of the slot this is.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The guard word of the slot in this life.
    pub(crate) fn ident(&self, ifindex: u32) -> u64 {
        ident(self.generation, ifindex)
    }
}
