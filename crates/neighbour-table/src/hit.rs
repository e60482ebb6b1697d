//! What a lookup answers: one neighbour at one moment, by value.

use crate::key::Handle;
use crate::long::LongAddress;
use crate::slot::{HEADER, LINKED, Own, Word};

/// A neighbour as it was at one moment: state, address, and what a header needs. Nothing in it can change or tear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    handle: Handle,
    word: Word,
    own: Own,
    long: Option<LongAddress>,
}

impl Hit {
    #[inline]
    pub(crate) fn new(handle: Handle, word: Word, own: Own, long: Option<LongAddress>) -> Self {
        Self { handle, word, own, long }
    }

    #[inline]
    pub(crate) fn is_linked(&self) -> bool {
        self.word.has(LINKED)
    }

    /// The state, as the writer published it with the address; its meaning is the writer's.
    #[inline]
    pub fn state(&self) -> u8 {
        match &self.long {
            Some(long) => long.state,
            None => self.word.state(),
        }
    }

    /// The link-layer address: six bytes, or as many as the device's addresses have (0 to 32).
    #[inline]
    pub fn lladdr(&self) -> &[u8] {
        match &self.long {
            Some(long) => long.address(),
            None => self.word.address(),
        }
    }

    /// The device's own address, as it was when the neighbour was made.
    #[inline]
    pub fn own(&self) -> [u8; 6] {
        *self.own.address()
    }

    /// The EtherType of the packets this neighbour takes.
    #[inline]
    pub fn ethertype(&self) -> u16 {
        self.own.ethertype()
    }

    /// The finished Ethernet header (destination, source, type), if the device can have its headers cached.
    ///
    /// Whether the address in it is valid is for the state to say.
    #[inline]
    pub fn header(&self) -> Option<[u8; 14]> {
        if !self.word.has(HEADER) {
            return None;
        }
        let mut header = [0; 14];
        header[..6].copy_from_slice(self.word.address());
        header[6..12].copy_from_slice(self.own.address());
        header[12..].copy_from_slice(&self.own.ethertype().to_be_bytes());
        Some(header)
    }

    /// Which neighbour this is: names it for the writer, and never names another one.
    #[inline]
    pub fn handle(&self) -> Handle {
        self.handle
    }
}
