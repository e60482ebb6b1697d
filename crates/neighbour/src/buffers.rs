//! Buffers for frames and packets, used again: in the steady state nothing is allocated between a frame that
//! comes in and the one that answers it.
//!
//! A buffer is taken for what the engine builds, goes out in a [`Transmit`](crate::Transmit), and comes back by
//! [`Engine::recycle`]; a packet that was sent on comes back by itself. Whoever drives the engine may keep what it
//! got: then the next buffer is a new one. A packet whose buffer has room for a header leaves in that buffer.

use crate::Engine;
use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use neighbour_table::OutOfMemory;

/// Buffers kept at most.
const MOST: usize = 64;

/// The largest buffer that is kept, in bytes: a full Ethernet frame and some room.
const LARGEST: usize = 2048;

/// Room in a new buffer, in bytes: for every ARP and most ND messages, with their headers.
const USUAL: usize = 128;

/// Buffers that wait for their next use.
#[derive(Debug)]
pub(crate) struct Buffers {
    kept: Vec<Vec<u8>>,
    most: usize,
}

impl Default for Buffers {
    fn default() -> Self {
        Self { kept: Vec::new(), most: MOST }
    }
}

impl Buffers {
    /// So many buffers, of the usual size, and no more are kept.
    pub(crate) fn filled(most: usize) -> Result<Self, OutOfMemory> {
        let mut buffers = Self { kept: Vec::new(), most };
        buffers.kept.try_reserve_exact(most).map_err(|_| OutOfMemory)?;
        for _ in 0..most {
            let mut buffer = Vec::new();
            buffer.try_reserve_exact(USUAL).map_err(|_| OutOfMemory)?;
            buffers.give(buffer);
        }
        Ok(buffers)
    }

    /// An empty buffer with room for `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> Result<Vec<u8>, TryReserveError> {
        let mut buffer = self.kept.pop().unwrap_or_default();
        buffer.clear();
        buffer.try_reserve_exact(len.max(USUAL))?;
        Ok(buffer)
    }

    /// Keeps a buffer for later, or frees it.
    pub(crate) fn give(&mut self, buffer: Vec<u8>) {
        let useful = (USUAL..=LARGEST).contains(&buffer.capacity());
        if useful && self.kept.len() < self.most && self.kept.try_reserve(1).is_ok() {
            self.kept.push(buffer);
        }
    }
}

impl Engine {
    /// Gives back the buffer of a frame that was sent, so that the next frame need not allocate one.
    pub fn recycle(&mut self, frame: Vec<u8>) {
        self.buffers.give(frame);
    }

    /// A buffer for a message of the usual size.
    pub(crate) fn buffer(&mut self) -> Vec<u8> {
        self.buffers.take(USUAL).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn buffers_come_back_empty_and_no_more_than_a_few_are_kept() {
        let mut buffers = Buffers::default();
        let mut first = buffers.take(60).unwrap();
        first.extend([1, 2, 3]);
        let place = first.as_ptr();
        buffers.give(first);
        let again = buffers.take(100).unwrap();
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        buffers.give(vec![0; LARGEST + 1]);
        buffers.give(vec![0; 4]);
        assert!(buffers.kept.is_empty(), "too large and too small ones are freed");
        (0..MOST + 5).for_each(|_| buffers.give(vec![0; 200]));
        assert_eq!(buffers.kept.len(), MOST);
    }
}
