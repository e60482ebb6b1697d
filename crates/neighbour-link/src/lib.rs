//! Frames in, frames out.
//!
//! A [`Link`] is a place where whole Ethernet frames come from and go to: a kernel interface, or a
//! queue in memory. This crate knows nothing of neighbours, of IP or of any clock; it moves bytes, and
//! it says clearly why it could not.
//!
//! # The links
//!
//! | link | what it is | needs |
//! |---|---|---|
//! | [`memory::pair`], [`memory::hub`] | bounded queues in this process | nothing |
//! | [`Tap`] | the far end of an interface of the running kernel | `/dev/net/tun`, `CAP_NET_ADMIN` |
//! | [`Packet`] | an existing interface, shared with the kernel (`AF_PACKET`) | `CAP_NET_RAW` |
//! | [`Listener`] | the same, heard whole and without sending: no [`Link`] | `CAP_NET_RAW` |
//! | [`Xdp`] | ARP and neighbour discovery of an existing interface (`AF_XDP`) | root |
//!
//! # The layers
//!
//! Each wraps any link and is a link itself, so that they stack in any order:
//!
//! | layer | what it does |
//! |---|---|
//! | [`Pcap`] | writes each frame that passes into a capture file |
//! | [`Fault`] | loses, delays, doubles, reorders and damages frames, the same way for the same seed |
//! | [`Trace`] | shows each frame to a closure |
//!
//! [`Capture`] reads the frames of such a file, or of any other pcap or pcapng file.
//!
//! # Time
//!
//! No function here reads a clock. The caller says what time it is, as a [`Time`] since a moment of its
//! own choosing, and asks [`Link::next_deadline`] how long it may sleep.
//!
//! ```
//! use neighbour_link::{Link, Time, memory};
//!
//! let (mut near, mut far) = memory::pair(16);
//! let mut frame = Vec::new();
//!
//! near.transmit(Time::ZERO, &[0xff; 60])?;
//! assert!(far.receive(Time::ZERO, &mut frame)?);
//! assert_eq!(frame, [0xff; 60]);
//! assert!(!far.receive(Time::ZERO, &mut frame)?);
//! # Ok::<(), std::io::Error>(())
//! ```

#![deny(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;

mod capture;
mod error;
pub mod fault;
mod interface;
mod membership;
pub mod memory;
mod packet;
mod pcap;
mod sys;
mod tap;
mod trace;
mod xdp;

pub use capture::{Capture, CaptureError, Captured};
pub use error::LinkError;
pub use fault::{Fault, FaultHandle, FaultPlan, Faults};
pub use interface::Info;
pub use memory::Memory;
pub use packet::{Listener, Packet, PacketOptions};
pub use pcap::Pcap;
pub use tap::Tap;
pub use trace::{Direction, Trace};
pub use xdp::{Xdp, XdpMode, XdpOptions};

/// Time since an arbitrary start that the caller chooses; never read from a clock in this crate.
pub type Time = core::time::Duration;

/// A place where whole Ethernet frames come from and go to.
///
/// The order of calls: when [`as_fd`](Self::as_fd) is readable or
/// [`next_deadline`](Self::next_deadline) has come, call [`receive`](Self::receive) until it says
/// `false`; [`transmit`](Self::transmit) what there is to say; then [`flush`](Self::flush) once.
///
/// A frame begins with the destination address and ends before the frame check sequence. A frame
/// shorter than Ethernet's 60 bytes is passed as it is: padding is the hardware's affair.
pub trait Link: Send {
    /// Takes the next frame that came in, if one is there now.
    ///
    /// `buf` is cleared, and filled with one whole frame when the answer is `true`. Never waits.
    ///
    /// # Errors
    ///
    /// What the system says when it cannot read, such as an interface that was removed.
    fn receive(&mut self, now: Time, buf: &mut Vec<u8>) -> io::Result<bool>;

    /// Sends one whole frame, or takes it to be sent at the next [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// The frame was not taken: the queue is full (`ENOBUFS`), the link is down (`ENETDOWN`) or
    /// the frame is too large or too small for it. The caller counts it; the link remains usable.
    fn transmit(&mut self, now: Time, frame: &[u8]) -> io::Result<()>;

    /// Sends what [`transmit`](Self::transmit) has gathered. A link that does not gather does nothing.
    ///
    /// # Errors
    ///
    /// Frames were given up; see the link's own documentation for how many.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// What to give to `poll(2)` to learn when frames come in; `None` for a link without a descriptor.
    fn as_fd(&self) -> Option<BorrowedFd<'_>>;

    /// When a layer that holds frames back next has one to give, or to send.
    ///
    /// At that time call [`receive`](Self::receive): it also sends what is due to go out.
    fn next_deadline(&self) -> Option<Time> {
        None
    }

    /// How many frames that came in were lost before they could be read, since the link was opened: its ring was full.
    /// 0 for a link that cannot know.
    fn losses(&mut self) -> u64 {
        0
    }

    /// Asks for the frames of these group addresses, and of no others that were asked for before.
    ///
    /// A link that hears all groups anyway does nothing.
    ///
    /// # Errors
    ///
    /// What the system says when a membership is refused.
    fn set_multicast(&mut self, groups: &[[u8; 6]]) -> io::Result<()> {
        let _ = groups;
        Ok(())
    }
}

impl<L: Link + ?Sized> Link for Box<L> {
    fn receive(&mut self, now: Time, buf: &mut Vec<u8>) -> io::Result<bool> {
        (**self).receive(now, buf)
    }

    fn transmit(&mut self, now: Time, frame: &[u8]) -> io::Result<()> {
        (**self).transmit(now, frame)
    }

    fn flush(&mut self) -> io::Result<()> {
        (**self).flush()
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        (**self).as_fd()
    }

    fn next_deadline(&self) -> Option<Time> {
        (**self).next_deadline()
    }

    fn losses(&mut self) -> u64 {
        (**self).losses()
    }

    fn set_multicast(&mut self, groups: &[[u8; 6]]) -> io::Result<()> {
        (**self).set_multicast(groups)
    }
}
