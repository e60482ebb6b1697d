//! The packets that wait for an address: first in, first out, bounded by bytes (QUE-1 to QUE-3).

use crate::chunked::Chunked;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use neighbour_table::OutOfMemory;

/// What a packet of `len` bytes weighs: the memory that Linux's buffer for it takes (QUE-1).
///
/// 832 bytes up to a payload of about 200, then the next power of two of packet, headroom and
/// bookkeeping, and the buffer's head. Measured on a kernel: 256 datagrams of up to 100 bytes fill
/// the default queue, 166 of 512, 92 of 1,000 to 1,400.
pub(crate) const fn truesize(len: usize) -> u32 {
    const HEAD: usize = 256;
    const HEADROOM_AND_TAIL: usize = 32 + 320;
    const SMALL: usize = 576;
    let need = len.saturating_add(HEADROOM_AND_TAIL);
    let data = match need.checked_next_power_of_two() {
        _ if need <= SMALL => SMALL,
        Some(power) => power,
        None => need,
    };
    let all = data.saturating_add(HEAD);
    if all > u32::MAX as usize { u32::MAX } else { all as u32 }
}

/// What the smallest packet weighs.
const LEAST: u32 = truesize(0);

/// No packet.
const NIL: u32 = u32::MAX;

/// A packet that waits, and the one behind it. One that has gone has left its place, which the next one takes.
#[derive(Debug)]
struct Place {
    packet: Vec<u8>,
    next: u32,
}

/// Packets waiting for one neighbour: the first, the last, how many and how much.
#[derive(Debug)]
pub(crate) struct Queue {
    first: u32,
    last: u32,
    len: u32,
    bytes: u32,
}

impl Queue {
    const EMPTY: Self = Self { first: NIL, last: NIL, len: 0, bytes: 0 };

    pub(crate) fn len(&self) -> u32 {
        self.len
    }
}

/// The places of all packets that wait. They are used again, so waiting allocates only when more wait than ever before.
#[derive(Debug)]
struct Places {
    places: Chunked<Place>,
    /// The first of those that hold no packet.
    unused: u32,
}

impl Places {
    /// Makes room for one more packet.
    fn reserve(&mut self) -> Result<(), OutOfMemory> {
        if self.unused == NIL { self.add() } else { Ok(()) }
    }

    fn add(&mut self) -> Result<(), OutOfMemory> {
        let at = self.places.len();
        self.places.push(Place { packet: Vec::new(), next: self.unused })?;
        self.unused = at;
        Ok(())
    }

    /// Appends a packet to a queue, dropping the oldest ones that no longer fit; the newest always stays (QUE-2,
    /// QUE-3). Gives back how many were dropped, and each of them to `gone`. Without memory the packet is not taken.
    fn push(
        &mut self,
        queue: &mut Queue,
        packet: Vec<u8>,
        limit: u32,
        mut gone: impl FnMut(Vec<u8>),
    ) -> Result<usize, OutOfMemory> {
        self.reserve()?;
        let size = truesize(packet.len());
        let mut dropped = 0;
        while queue.bytes.saturating_add(size) > limit
            && let Some(oldest) = self.pop(queue)
        {
            gone(oldest);
            dropped += 1;
        }
        let at = self.unused;
        let place = &mut self.places[at];
        self.unused = core::mem::replace(&mut place.next, NIL);
        place.packet = packet;
        match core::mem::replace(&mut queue.last, at) {
            NIL => queue.first = at,
            last => self.places[last].next = at,
        }
        queue.len += 1;
        queue.bytes += size;
        Ok(dropped)
    }

    /// The packet that waits longest.
    fn pop(&mut self, queue: &mut Queue) -> Option<Vec<u8>> {
        let at = queue.first;
        let place = self.places.get_mut(at)?;
        let packet = core::mem::take(&mut place.packet);
        queue.first = core::mem::replace(&mut place.next, self.unused);
        self.unused = at;
        if queue.first == NIL {
            queue.last = NIL;
        }
        queue.len -= 1;
        queue.bytes -= truesize(packet.len());
        Some(packet)
    }
}

/// The queues of all entries that have packets waiting, within one bound in bytes.
#[derive(Debug)]
pub(crate) struct Queues {
    places: Places,
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
        let places = Places { places: Chunked::default(), unused: NIL };
        Self { places, queues: Vec::new(), free: Vec::new(), bytes: 0, limit }
    }

    /// Makes room for so many queues, and for as many packets as their bound allows.
    pub(crate) fn reserve(&mut self, queues: usize) -> Result<(), OutOfMemory> {
        for _ in 0..self.limit / u64::from(LEAST) {
            self.places.add()?;
        }
        self.queues.try_reserve_exact(queues).map_err(|_| OutOfMemory)?;
        self.free.try_reserve_exact(queues).map_err(|_| OutOfMemory)
    }

    /// What waits for the entry with this queue.
    pub(crate) fn get(&self, id: QueueId) -> Option<&Queue> {
        self.queues.get(id.0?.get() as usize - 1)
    }

    /// The packet that came last: its source is the one to ask with (NUD-10).
    pub(crate) fn newest(&self, id: QueueId) -> Option<&[u8]> {
        let last = self.places.places.get(self.get(id)?.last)?;
        Some(&last.packet)
    }

    /// Appends a packet to an entry's queue, which is made if there is none. Gives back how many older
    /// ones had to go, and each packet that was not kept to `gone`.
    pub(crate) fn push(
        &mut self,
        id: &mut QueueId,
        packet: Vec<u8>,
        limit: u32,
        mut gone: impl FnMut(Vec<u8>),
    ) -> Result<usize, Full> {
        if self.bytes + u64::from(truesize(packet.len())) > self.limit {
            gone(packet);
            return Err(Full::Total);
        }
        let at = match id.0 {
            Some(at) => at,
            None => self.make().ok_or(Full::Memory)?,
        };
        let Some(queue) = self.queues.get_mut(at.get() as usize - 1) else { return Err(Full::Memory) };
        let before = queue.bytes;
        let pushed = self.places.push(queue, packet, limit, gone);
        self.bytes = self.bytes - u64::from(before) + u64::from(queue.bytes);
        id.0 = Some(at);
        pushed.map_err(|OutOfMemory| Full::Memory)
    }

    /// Takes an entry's whole queue, to be emptied by [`Queues::pop`].
    #[must_use = "what it holds keeps its places until it is popped"]
    pub(crate) fn take(&mut self, id: &mut QueueId) -> Queue {
        let Some(at) = id.0.take() else { return Queue::EMPTY };
        let queue = self.queues.get_mut(at.get() as usize - 1);
        let queue = queue.map_or(Queue::EMPTY, |queue| core::mem::replace(queue, Queue::EMPTY));
        self.bytes -= u64::from(queue.bytes);
        self.free.push(at.get()); // has room: see `make`
        queue
    }

    /// The packet that waits longest in a queue that was taken.
    pub(crate) fn pop(&mut self, queue: &mut Queue) -> Option<Vec<u8>> {
        self.places.pop(queue)
    }

    fn make(&mut self) -> Option<NonZeroU32> {
        if let Some(at) = self.free.pop() {
            return NonZeroU32::new(at);
        }
        self.queues.try_reserve(1).ok()?;
        // One place in `free` for each queue there is, so that giving one back needs no memory.
        self.free.try_reserve(self.queues.len() + 1).ok()?;
        self.queues.push(Queue::EMPTY);
        NonZeroU32::new(u32::try_from(self.queues.len()).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;
    use alloc::vec;

    /// One queue in a world of its own.
    struct Alone(Queues, QueueId);

    impl Alone {
        fn new() -> Self {
            Self(Queues::new(u64::MAX), QueueId::default())
        }

        fn push(&mut self, packet: Vec<u8>, limit: u32) -> Result<usize, Full> {
            self.0.push(&mut self.1, packet, limit, drop)
        }

        fn queue(&self) -> &Queue {
            self.0.get(self.1).expect("something was pushed")
        }

        /// All that waits, oldest first.
        fn drain(&mut self) -> Vec<Vec<u8>> {
            let mut queue = self.0.take(&mut self.1);
            core::iter::from_fn(|| self.0.pop(&mut queue)).collect()
        }
    }

    fn filled(payload: usize) -> u32 {
        let mut alone = Alone::new();
        (0..1000).for_each(|_| assert!(alone.push(vec![0; payload + 28], 212_992).is_ok()));
        alone.queue().len()
    }

    #[test]
    fn the_default_limit_holds_what_a_kernel_holds() {
        assert_eq!([100, 512, 1000, 1400].map(filled), [256, 166, 92, 92]);
    }

    #[test]
    fn the_oldest_goes_first_que_2() {
        let mut alone = Alone::new();
        for n in 0..3 {
            assert_eq!(alone.push(vec![n], 3 * 832), Ok(0));
        }
        assert_eq!(alone.push(vec![3], 3 * 832), Ok(1));
        assert_eq!((alone.0.newest(alone.1), alone.queue().bytes), (Some([3].as_slice()), 3 * 832));
        assert_eq!(alone.drain(), [[1], [2], [3]]);
    }

    #[test]
    fn a_limit_of_zero_keeps_exactly_the_newest_que_3() {
        let mut alone = Alone::new();
        assert_eq!(alone.push(vec![1], 0), Ok(0));
        assert_eq!(alone.push(vec![2], 0), Ok(1));
        assert_eq!((alone.queue().len(), alone.0.newest(alone.1)), (1, Some([2].as_slice())));
    }

    #[test]
    fn all_queues_together_have_one_bound() {
        let mut queues = Queues::new(2 * 832);
        let (mut one, mut two) = (QueueId::default(), QueueId::default());
        assert_eq!(queues.push(&mut one, vec![1], 10_000, drop), Ok(0));
        assert_eq!(queues.push(&mut two, vec![2], 10_000, drop), Ok(0));
        assert_eq!(queues.push(&mut two, vec![3], 10_000, drop), Err(Full::Total));
        let mut taken = queues.take(&mut one);
        assert_eq!((queues.pop(&mut taken), queues.pop(&mut taken)), (Some(vec![1]), None));
        assert_eq!(queues.push(&mut two, vec![4], 10_000, drop), Ok(0));
        assert_eq!(queues.get(two).map(Queue::len), Some(2));
        let mut nothing = queues.take(&mut one);
        assert!(queues.get(one).is_none() && queues.pop(&mut nothing).is_none());
    }

    #[test]
    fn queues_do_not_mix_however_their_places_are_used_again() {
        let mut queues = Queues::new(u64::MAX);
        let mut ids = [QueueId::default(); 3];
        let mut model = [const { VecDeque::<Vec<u8>>::new() }; 3];
        let mut random = 1_u32;
        for n in 0..3_000_u32 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let which = (random >> 24) as usize % 3;
            if random >> 16 & 15 == 0 {
                let mut taken = queues.take(&mut ids[which]);
                let mut drained = core::iter::from_fn(|| queues.pop(&mut taken));
                assert!(drained.by_ref().eq(model[which].drain(..)), "step {n}");
            } else {
                let dropped = queues.push(&mut ids[which], n.to_be_bytes().to_vec(), 5 * 832, drop);
                model[which].push_back(n.to_be_bytes().to_vec());
                let expected = usize::from(model[which].len() > 5);
                model[which].drain(..expected);
                assert_eq!(dropped, Ok(expected), "step {n}");
            }
        }
        assert!(queues.places.places.len() <= 16, "places are used again");
    }
}
