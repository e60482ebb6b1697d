//! What a lookup answers: one neighbour at one moment, by value.

use crate::key::Handle;
use crate::long::LongAddress;
use crate::slot::Word;
use crate::template::Own;

/// A neighbour as it was at one moment: state, address, and what a header needs. Nothing in it can change or tear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    handle: Handle,
    word: Word,
    own: Own,
    /// An address that is not six bytes long.
    long: Option<LongAddress>,
}

impl Hit {
    #[inline]
    pub(crate) fn new(handle: Handle, word: Word, own: Own) -> Self {
        Self { handle, word, own, long: None }
    }

    /// A neighbour whose state and address come from a side record.
    pub(crate) fn long(handle: Handle, word: Word, own: Own, long: LongAddress) -> Self {
        Self { handle, word: word.with_state(long.state), own, long: Some(long) }
    }

    /// The state, as the writer published it with the address; its meaning is the writer's.
    #[inline]
    pub fn state(&self) -> u8 {
        self.word.state()
    }

    /// The link-layer address: six bytes, or as many as the device's addresses have (0 to 32).
    #[inline]
    pub fn lladdr(&self) -> &[u8] {
        match &self.long {
            Some(long) => long.address(),
            None => self.word.address(),
        }
    }

    /// The device's own address.
    #[inline]
    pub fn own(&self) -> [u8; 6] {
        let [a, b, c, d, e, f, _, _] = self.own.bytes();
        [a, b, c, d, e, f]
    }

    /// The EtherType of the packets this neighbour takes.
    #[inline]
    pub fn ethertype(&self) -> u16 {
        let [.., x, y] = self.own.bytes();
        u16::from_be_bytes([x, y])
    }

    /// The finished Ethernet header (destination, source, type), if the writer published the address as ready for use
    /// and the device can have its headers cached.
    #[inline]
    pub fn header(&self) -> Option<[u8; 14]> {
        if !self.word.is_ready() {
            return None;
        }
        // In pieces that do not overlap: who reads them back at once need not wait for two writes to become one.
        let (word, own) = (self.word.bits(), u64::from_le_bytes(self.own.bytes()));
        let mut header = [0; 14];
        header[..8].copy_from_slice(&((word & 0xffff_ffff_ffff) | (own << 48)).to_le_bytes());
        header[8..12].copy_from_slice(&((own >> 16) as u32).to_le_bytes());
        header[12..].copy_from_slice(&((own >> 48) as u16).to_le_bytes());
        Some(header)
    }

    /// Which neighbour this is: names it for the writer, and never names another one.
    #[inline]
    pub fn handle(&self) -> Handle {
        self.handle
    }
}
