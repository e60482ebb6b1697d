//! Addresses that are not six bytes long (InfiniBand's 20, GRE's 4, none at all): a side record with two copies.
//!
//! Such an address does not fit the slot's word. The record holds it twice, and a counter says which copy is whole:
//! an even count the first, an odd one the second. The writer always changes the copy that readers are *not* sent
//! to, so a writer that stops halfway, for ever, keeps no reader waiting. A reader tries again only if the writer
//! finished a step meanwhile.
//!
//! Orderings: `store` moves the counter with Release, so a reader whose Acquire finds a new count also finds the
//! copy finished before it. The Release fence that follows each move meets the reader's Acquire fence: a reader that
//! saw any word of the next change to its copy also sees, in its second look at the counter, that it moved.

use crate::primitive::{AtomicU32, AtomicU64, Ordering, fence};

/// The longest link-layer address, as Linux's `MAX_ADDR_LEN`: 32 bytes.
pub const MAX_ADDRESS: usize = 32;

const WORDS: usize = if cfg!(loom) { 1 } else { MAX_ADDRESS / 8 };

/// A link-layer address of 0 to 32 bytes and the state that came with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LongAddress {
    pub(crate) state: u8,
    pub(crate) length: u8,
    pub(crate) bytes: [u8; MAX_ADDRESS],
}

impl LongAddress {
    /// An address longer than 32 bytes is cut: no device has one.
    pub(crate) fn new(state: u8, address: &[u8]) -> Self {
        let length = address.len().min(MAX_ADDRESS);
        let mut bytes = [0; MAX_ADDRESS];
        bytes[..length].copy_from_slice(&address[..length]);
        Self { state, length: length as u8, bytes }
    }

    pub(crate) fn address(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

#[derive(Default)]
struct Half {
    /// State in the second byte, length in the first.
    meta: AtomicU64,
    bytes: [AtomicU64; WORDS],
}

impl Half {
    fn store(&self, value: &LongAddress) {
        self.meta.store((u64::from(value.state) << 8) | u64::from(value.length), Ordering::Relaxed);
        for (word, bytes) in self.bytes.iter().zip(value.bytes.chunks_exact(8)) {
            let mut eight = [0; 8];
            eight.copy_from_slice(bytes);
            word.store(u64::from_le_bytes(eight), Ordering::Relaxed);
        }
    }

    fn load(&self) -> LongAddress {
        let meta = self.meta.load(Ordering::Relaxed);
        let mut value = LongAddress {
            state: (meta >> 8) as u8,
            length: (meta as u8).min(MAX_ADDRESS as u8),
            bytes: [0; MAX_ADDRESS],
        };
        for (word, bytes) in self.bytes.iter().zip(value.bytes.chunks_exact_mut(8)) {
            bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        value
    }
}

/// The side record of one neighbour.
#[derive(Default)]
pub(crate) struct Record {
    count: AtomicU64,
    copies: [Half; 2],
    /// The next free record plus one; only the writer looks at it.
    pub(crate) next: AtomicU32,
}

impl Record {
    /// Changes both copies, one after the other. Only the one writer calls this.
    pub(crate) fn store(&self, value: &LongAddress) {
        let count = self.count.load(Ordering::Relaxed);
        for (step, copy) in self.copies.iter().enumerate() {
            // Sends readers to the other copy, then changes this one.
            self.count.store(count + 1 + step as u64, Ordering::Release);
            fence(Ordering::Release);
            copy.store(value);
        }
    }

    /// One state and address that stood here at one moment.
    pub(crate) fn load(&self) -> LongAddress {
        let mut count = self.count.load(Ordering::Acquire);
        loop {
            let value = self.copies[(count & 1) as usize].load();
            fence(Ordering::Acquire);
            let again = self.count.load(Ordering::Acquire);
            if again == count {
                return value;
            }
            count = again;
        }
    }
}
