//! A layer that shows each frame to a closure.

use crate::{Link, Time};
use std::io;
use std::os::fd::BorrowedFd;

/// Which way a frame went, seen from this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It was received.
    In,
    /// It was transmitted.
    Out,
}

/// Calls a closure with each frame that was received, and each that the link below took to transmit.
#[derive(Debug)]
pub struct Trace<L, F> {
    below: L,
    see: F,
}

impl<L: Link, F: FnMut(Time, Direction, &[u8]) + Send> Trace<L, F> {
    /// Puts the layer over a link.
    pub fn new(below: L, see: F) -> Self {
        Self { below, see }
    }

    /// The link below.
    pub fn below(&self) -> &L {
        &self.below
    }
}

impl<L: Link, F: FnMut(Time, Direction, &[u8]) + Send> Link for Trace<L, F> {
    fn receive(&mut self, now: Time, buf: &mut Vec<u8>) -> io::Result<bool> {
        let received = self.below.receive(now, buf)?;
        if received {
            (self.see)(now, Direction::In, buf);
        }
        Ok(received)
    }

    fn transmit(&mut self, now: Time, frame: &[u8]) -> io::Result<()> {
        self.below.transmit(now, frame)?;
        (self.see)(now, Direction::Out, frame);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.below.flush()
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.below.as_fd()
    }

    fn next_deadline(&self) -> Option<Time> {
        self.below.next_deadline()
    }

    fn losses(&mut self) -> u64 {
        self.below.losses()
    }

    fn set_multicast(&mut self, groups: &[[u8; 6]]) -> io::Result<()> {
        self.below.set_multicast(groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory;

    #[test]
    fn what_passes_is_seen_and_what_was_refused_is_not() {
        let (near, mut far) = memory::pair(1);
        let mut seen = Vec::new();
        let see = |now: Time, way: Direction, frame: &[u8]| seen.push((now, way, frame.to_vec()));
        let mut near = Trace::new(near, see);
        let (one, two) = (Time::from_secs(1), Time::from_secs(2));
        near.transmit(one, &[1]).unwrap();
        near.transmit(one, &[2]).unwrap_err();
        far.transmit(one, &[3]).unwrap();
        let mut buf = Vec::new();
        assert!(near.receive(two, &mut buf).unwrap());
        assert!(!near.receive(two, &mut buf).unwrap());
        drop(near);
        let expected = [(one, Direction::Out, vec![1]), (two, Direction::In, vec![3])];
        assert_eq!(seen, expected);
    }
}
