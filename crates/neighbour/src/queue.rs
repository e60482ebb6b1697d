//! The packets that wait for an address: first in, first out, bounded by bytes (QUE-1 to QUE-3).

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// What a packet of `len` bytes weighs: the memory that Linux's buffer for it takes (QUE-1).
///
/// 832 bytes up to a payload of about 200, then the next power of two of packet, headroom and
/// bookkeeping, and the buffer's head. Measured on a kernel: 256 datagrams of up to 100 bytes fill
/// the default queue, 166 of 512, 92 of 1,000 to 1,400.
pub(crate) fn truesize(len: usize) -> u32 {
    const HEAD: usize = 256;
    const HEADROOM_AND_TAIL: usize = 32 + 320;
    const SMALL: usize = 576;
    let need = len.saturating_add(HEADROOM_AND_TAIL);
    let data = if need <= SMALL { SMALL } else { need.checked_next_power_of_two().unwrap_or(need) };
    u32::try_from(data.saturating_add(HEAD)).unwrap_or(u32::MAX)
}

/// Packets waiting for one neighbour.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    packets: VecDeque<Vec<u8>>,
    bytes: u32,
}

impl Queue {
    /// Appends a packet, dropping the oldest ones that no longer fit; the newest always stays
    /// (QUE-2, QUE-3). Gives back what was dropped.
    pub(crate) fn push(&mut self, packet: Vec<u8>, limit: u32) -> impl Iterator<Item = Vec<u8>> {
        let size = truesize(packet.len());
        let mut drop = 0;
        while drop < self.packets.len() && self.bytes.saturating_add(size) > limit {
            self.bytes -= truesize(self.packets[drop].len());
            drop += 1;
        }
        let dropped: Vec<_> = self.packets.drain(..drop).collect();
        self.bytes += size;
        self.packets.push_back(packet);
        dropped.into_iter()
    }

    /// The packet that waits longest.
    pub(crate) fn pop(&mut self) -> Option<Vec<u8>> {
        let packet = self.packets.pop_front()?;
        self.bytes -= truesize(packet.len());
        Some(packet)
    }

    /// The packet that came last: its source is the one to ask with (NUD-10).
    pub(crate) fn newest(&self) -> Option<&[u8]> {
        self.packets.back().map(Vec::as_slice)
    }

    pub(crate) fn len(&self) -> usize {
        self.packets.len()
    }

    /// Bytes held, as [`truesize`] counts.
    pub(crate) fn bytes(&self) -> u32 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn filled(payload: usize) -> usize {
        let mut queue = Queue::default();
        (0..1000).for_each(|_| drop(queue.push(vec![0; payload + 28], 212_992)));
        queue.len()
    }

    #[test]
    fn the_default_limit_holds_what_a_kernel_holds() {
        assert_eq!([100, 512, 1000, 1400].map(filled), [256, 166, 92, 92]);
    }

    #[test]
    fn the_oldest_goes_first_que_2() {
        let mut queue = Queue::default();
        for n in 0..3 {
            assert_eq!(queue.push(vec![n], 3 * 832).count(), 0);
        }
        let dropped: Vec<_> = queue.push(vec![3], 3 * 832).collect();
        assert_eq!(dropped, [vec![0]]);
        assert_eq!((queue.pop(), queue.newest()), (Some(vec![1]), Some([3].as_slice())));
        assert_eq!(queue.bytes(), 2 * 832);
    }

    #[test]
    fn a_limit_of_zero_keeps_exactly_the_newest_que_3() {
        let mut queue = Queue::default();
        drop(queue.push(vec![1], 0));
        assert_eq!(queue.push(vec![2], 0).collect::<Vec<_>>(), [vec![1]]);
        assert_eq!((queue.len(), queue.newest()), (1, Some([2].as_slice())));
    }
}
