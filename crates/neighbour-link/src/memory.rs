//! Links without a kernel: bounded queues in this process.
//!
//! [`pair`] is a cable, [`hub`] a cable with many ends: what one end sends, every other end receives.
//! Nothing is delayed and nothing is reordered; put a [`Fault`](crate::Fault) layer on an end for that.
//! An end whose queue is full loses the frame, and counts it.

use crate::{Link, Time};
use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// One end of a [`pair`] or a [`hub`].
#[derive(Debug)]
pub struct Memory {
    inbox: Arc<Inbox>,
    /// Weak, so that an end that was dropped is a cable pulled out and not a leak.
    peers: Vec<Weak<Inbox>>,
}

/// Two ends of a cable, each with room for `capacity` frames that were not yet received.
#[must_use]
pub fn pair(capacity: usize) -> (Memory, Memory) {
    let near = Arc::new(Inbox::new(capacity));
    let far = Arc::new(Inbox::new(capacity));
    let peers = vec![Arc::downgrade(&near)];
    let near = Memory { inbox: near, peers: vec![Arc::downgrade(&far)] };
    (near, Memory { inbox: far, peers })
}

/// `ends` ends of one shared wire, each with room for `capacity` frames that were not yet received.
#[must_use]
pub fn hub(ends: usize, capacity: usize) -> Vec<Memory> {
    let inboxes: Vec<Arc<Inbox>> = (0..ends).map(|_| Arc::new(Inbox::new(capacity))).collect();
    let others = |own: usize| {
        let others = inboxes.iter().enumerate().filter(|(at, _)| *at != own);
        others.map(|(_, inbox)| Arc::downgrade(inbox)).collect()
    };
    let end = |(own, inbox): (usize, &Arc<Inbox>)| Memory { inbox: Arc::clone(inbox), peers: others(own) };
    inboxes.iter().enumerate().map(end).collect()
}

impl Memory {
    /// How many frames were lost on their way to this end because its queue was full.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.inbox.lock().drops
    }

    /// How many frames wait to be received at this end.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inbox.lock().frames.len()
    }
}

impl Link for Memory {
    fn receive(&mut self, _now: Time, buf: &mut Vec<u8>) -> io::Result<bool> {
        buf.clear();
        let Some(frame) = self.inbox.lock().frames.pop_front() else {
            return Ok(false);
        };
        *buf = frame;
        Ok(true)
    }

    /// Puts a copy into the queue of every other end.
    ///
    /// # Errors
    ///
    /// `ENOBUFS` if no other end had room, `ENETDOWN` if no other end exists any more.
    fn transmit(&mut self, _now: Time, frame: &[u8]) -> io::Result<()> {
        let (mut alive, mut taken) = (false, false);
        for inbox in self.peers.iter().filter_map(Weak::upgrade) {
            alive = true;
            taken |= inbox.push(frame);
        }
        match (alive, taken) {
            (_, true) => Ok(()),
            (true, false) => Err(io::Error::from_raw_os_error(libc::ENOBUFS)),
            (false, false) => Err(io::Error::from_raw_os_error(libc::ENETDOWN)),
        }
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// The frames on their way to one end. Its lock is held for one push or one pop, never over two.
#[derive(Debug)]
struct Inbox {
    capacity: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Vec<u8>>,
    drops: u64,
}

impl Inbox {
    fn new(capacity: usize) -> Self {
        Self { capacity, queue: Mutex::default() }
    }

    /// A poisoned queue is whole nevertheless: no call that can panic is made while it is locked.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, frame: &[u8]) -> bool {
        let mut queue = self.lock();
        if queue.frames.len() >= self.capacity {
            queue.drops += 1;
            return false;
        }
        queue.frames.push_back(frame.to_vec());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(end: &mut Memory) -> Vec<Vec<u8>> {
        let (mut all, mut frame) = (Vec::new(), Vec::new());
        while end.receive(Time::ZERO, &mut frame).unwrap() {
            all.push(frame.clone());
        }
        all
    }

    #[test]
    fn frames_arrive_at_the_other_end_in_order() {
        let (mut near, mut far) = pair(4);
        near.transmit(Time::ZERO, &[1; 14]).unwrap();
        near.transmit(Time::ZERO, &[2; 60]).unwrap();
        far.transmit(Time::ZERO, &[3; 14]).unwrap();
        assert_eq!(received(&mut far), [vec![1; 14], vec![2; 60]]);
        assert_eq!(received(&mut near), [vec![3; 14]]);
    }

    #[test]
    fn a_full_end_loses_the_frame_and_counts_it() {
        let (mut near, far) = pair(2);
        near.transmit(Time::ZERO, &[1]).unwrap();
        near.transmit(Time::ZERO, &[2]).unwrap();
        let refused = near.transmit(Time::ZERO, &[3]).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::ENOBUFS));
        assert_eq!((far.drops(), far.waiting()), (1, 2));
    }

    #[test]
    fn a_cable_without_another_end_is_down() {
        let (mut near, far) = pair(2);
        drop(far);
        let refused = near.transmit(Time::ZERO, &[1]).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::ENETDOWN));
        assert!(!near.receive(Time::ZERO, &mut vec![9]).unwrap());
    }

    #[test]
    fn a_hub_carries_a_frame_to_all_ends_but_its_own() {
        let mut ends = hub(4, 1);
        ends[1].transmit(Time::ZERO, &[7; 14]).unwrap();
        // One end still holds the first frame; the others have room again.
        for at in [0, 2] {
            assert_eq!(received(&mut ends[at]), [vec![7; 14]]);
        }
        ends[1].transmit(Time::ZERO, &[8; 14]).unwrap();
        assert_eq!(received(&mut ends[3]), [vec![7; 14]]);
        assert_eq!(ends[3].drops(), 1);
        assert_eq!(received(&mut ends[1]), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn an_empty_link_clears_the_buffer() {
        let (mut near, _far) = pair(1);
        let mut frame = vec![1, 2, 3];
        assert!(!near.receive(Time::ZERO, &mut frame).unwrap());
        assert_eq!(frame, Vec::<u8>::new());
    }

    #[test]
    fn a_boxed_link_is_a_link() {
        let (near, mut far) = pair(1);
        let mut near: Box<dyn Link> = Box::new(near);
        near.transmit(Time::ZERO, &[5]).unwrap();
        near.set_multicast(&[[1; 6]]).unwrap();
        near.flush().unwrap();
        assert!(near.as_fd().is_none());
        assert_eq!(near.next_deadline(), None);
        assert_eq!(received(&mut far), [vec![5]]);
    }
}
