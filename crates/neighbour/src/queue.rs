//! The packets that wait for an address: first in, first out, bounded by bytes (QUE-1 to QUE-3).

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use neighbour_table::OutOfMemory;

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
    /// (QUE-2, QUE-3). Gives back how many were dropped. Without memory the packet is not taken.
    pub(crate) fn push(&mut self, packet: Vec<u8>, limit: u32) -> Result<usize, OutOfMemory> {
        self.packets.try_reserve(1).map_err(|_| OutOfMemory)?;
        let size = truesize(packet.len());
        let mut dropped = 0;
        while self.bytes.saturating_add(size) > limit && self.pop().is_some() {
            dropped += 1;
        }
        self.bytes += size;
        self.packets.push_back(packet);
        Ok(dropped)
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
}

/// The queues of all entries that have packets waiting, within one bound in bytes.
#[derive(Debug)]
pub(crate) struct Queues {
    queues: Vec<Queue>,
    free: Vec<u32>,
    bytes: u64,
    limit: u64,
}

/// Which queue an entry has; most have none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct QueueId(Option<NonZeroU32>);

/// Why a packet was not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Full {
    /// All queues together hold as much as they may.
    Total,
    /// No memory.
    Memory,
}

impl Queues {
    pub(crate) fn new(limit: u64) -> Self {
        Self { queues: Vec::new(), free: Vec::new(), bytes: 0, limit }
    }

    /// What waits for the entry with this queue.
    pub(crate) fn get(&self, id: QueueId) -> Option<&Queue> {
        self.queues.get(id.0?.get() as usize - 1)
    }

    /// Appends a packet to an entry's queue, which is made if there is none. Gives back how many older
    /// ones had to go.
    pub(crate) fn push(&mut self, id: &mut QueueId, packet: Vec<u8>, limit: u32) -> Result<usize, Full> {
        if self.bytes + u64::from(truesize(packet.len())) > self.limit {
            return Err(Full::Total);
        }
        let at = match id.0 {
            Some(at) => at,
            None => self.make().ok_or(Full::Memory)?,
        };
        let Some(queue) = self.queues.get_mut(at.get() as usize - 1) else { return Err(Full::Memory) };
        let before = queue.bytes;
        let pushed = queue.push(packet, limit);
        self.bytes = self.bytes - u64::from(before) + u64::from(queue.bytes);
        id.0 = Some(at);
        pushed.map_err(|OutOfMemory| Full::Memory)
    }

    /// Takes an entry's whole queue.
    pub(crate) fn take(&mut self, id: &mut QueueId) -> Queue {
        let Some(at) = id.0.take() else { return Queue::default() };
        let queue = self.queues.get_mut(at.get() as usize - 1).map(core::mem::take).unwrap_or_default();
        self.bytes -= u64::from(queue.bytes);
        self.free.push(at.get()); // has room: see `make`
        queue
    }

    fn make(&mut self) -> Option<NonZeroU32> {
        if let Some(at) = self.free.pop() {
            return NonZeroU32::new(at);
        }
        self.queues.try_reserve(1).ok()?;
        // One place in `free` for each queue there is, so that giving one back needs no memory.
        self.free.try_reserve(self.queues.len() + 1).ok()?;
        self.queues.push(Queue::default());
        NonZeroU32::new(u32::try_from(self.queues.len()).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn filled(payload: usize) -> usize {
        let mut queue = Queue::default();
        (0..1000).for_each(|_| assert!(queue.push(vec![0; payload + 28], 212_992).is_ok()));
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
            assert_eq!(queue.push(vec![n], 3 * 832), Ok(0));
        }
        assert_eq!(queue.push(vec![3], 3 * 832), Ok(1));
        assert_eq!((queue.pop(), queue.newest()), (Some(vec![1]), Some([3].as_slice())));
        assert_eq!(queue.bytes, 2 * 832);
    }

    #[test]
    fn a_limit_of_zero_keeps_exactly_the_newest_que_3() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(vec![1], 0), Ok(0));
        assert_eq!(queue.push(vec![2], 0), Ok(1));
        assert_eq!((queue.len(), queue.newest()), (1, Some([2].as_slice())));
    }

    #[test]
    fn all_queues_together_have_one_bound() {
        let mut queues = Queues::new(2 * 832);
        let (mut one, mut two) = (QueueId::default(), QueueId::default());
        assert_eq!(queues.push(&mut one, vec![1], 10_000), Ok(0));
        assert_eq!(queues.push(&mut two, vec![2], 10_000), Ok(0));
        assert_eq!(queues.push(&mut two, vec![3], 10_000), Err(Full::Total));
        assert_eq!(queues.take(&mut one).pop(), Some(vec![1]));
        assert_eq!(queues.push(&mut two, vec![4], 10_000), Ok(0));
        assert_eq!(queues.get(two).map(Queue::len), Some(2));
        assert!(queues.get(one).is_none() && queues.take(&mut one).pop().is_none());
    }
}
