//! An existing interface, shared with the kernel: `AF_PACKET`.
//!
//! Reading is two rings that the kernel fills ([`ring`]): one for what neighbours say of themselves, one for all
//! else, so that the one never waits behind the other, nor is lost with it. Each has a socket ([`receiver`]) behind a
//! filter ([`filter`]) that is in place before the socket hears anything. What was left to hardware that is not there
//! is done here ([`mend`]). Sending gathers frames and sends them by `sendmmsg` ([`outbox`]).

mod filter;
mod listener;
mod mend;
mod outbox;
mod receiver;
mod ring;
mod turn;

use crate::interface::{Interface, Name};
use crate::membership::{self, Groups};
use crate::{Info, Link, LinkError, Time, sys};
use filter::{Sort, concerning};
pub use listener::Listener;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use outbox::Outbox;
use receiver::{Ears, Receiver};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use turn::Turn;

/// A block for ARP and neighbour discovery is half as large as one for data, unless that is less than this.
const CONTROL_BLOCK_MIN: u32 = 64 * 1024;

/// How a [`Packet`] is opened. The default suits a host: 12 MiB of rings, about a millisecond of delay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketOptions {
    /// The address under which we are on the link; `None` for the interface's own.
    ///
    /// With another address the interface is made to hear all frames (promiscuous), of which only those to
    /// this address and to groups are read.
    pub mac: Option<[u8; 6]>,
    /// How many blocks each of the two receive rings has. Default 64: as each is handed over after `retire_ms`, however
    /// empty, they are also the time for which a reader may be busy elsewhere.
    pub ring_blocks: u32,
    /// The size of a block in bytes, a multiple of the page size. Default 128 KiB.
    ///
    /// The largest frame must fit: smaller than 128 KiB may lose what the kernel has not yet segmented.
    pub ring_block_bytes: u32,
    /// After how many milliseconds the kernel hands over a block that is not full. Default 1.
    ///
    /// It is the delay that a lone frame suffers; larger values wake the reader less often.
    pub retire_ms: u32,
    /// Sends past the queueing discipline (`PACKET_QDISC_BYPASS`). Default `false`.
    ///
    /// Faster, but a full device queue loses frames, and captures on this interface do not see them.
    pub qdisc_bypass: bool,
}

impl Default for PacketOptions {
    fn default() -> Self {
        Self { mac: None, ring_blocks: 64, ring_block_bytes: 128 * 1024, retire_ms: 1, qdisc_bypass: false }
    }
}

/// An existing interface, read and written beside the kernel's own stack.
///
/// The kernel goes on to receive the same frames: under the interface's own address it should have no IP
/// address there, or both of us answer.
///
/// The interface may be down: nothing is received and what is sent is refused with `ENETDOWN`, until it
/// comes up; see [`is_up`](Self::is_up).
#[derive(Debug)]
pub struct Packet {
    control: Receiver,
    data: Receiver,
    /// Readable when one of the two is.
    ready: Epoll,
    turn: Turn,
    outbox: Outbox,
    interface: Interface,
    ifindex: u32,
    mac: [u8; 6],
    groups: Groups,
    /// The interface went down, or was down from the start, and nothing came in since.
    down: bool,
}

impl Packet {
    /// Opens an interface by name.
    ///
    /// # Errors
    ///
    /// [`LinkError::Name`], [`LinkError::NoSuchInterface`], [`LinkError::NotEthernet`],
    /// [`LinkError::GroupMac`], [`LinkError::PacketDenied`], or what else the system says, such as to a ring
    /// size that it does not accept.
    pub fn open(name: &str, options: PacketOptions) -> Result<Self, LinkError> {
        let interface = Interface::new(Name::new(name)?)?;
        let (info, hardware) = interface.info()?;
        if ![libc::ARPHRD_ETHER, libc::ARPHRD_LOOPBACK].contains(&hardware) {
            let name = info.name;
            return Err(LinkError::NotEthernet { name, hardware });
        }
        let mac = options.mac.unwrap_or(info.mac);
        if mac[0] & 1 != 0 {
            let name = info.name;
            return Err(LinkError::GroupMac { name, mac });
        }
        let open = |sort, options: &PacketOptions| {
            Receiver::open(name, info.ifindex, &concerning(mac, sort), Ears::Others, options)
        };
        // Frames of neighbours are small.
        let half = options.ring_block_bytes / 2;
        let ring_block_bytes = if half >= CONTROL_BLOCK_MIN { half } else { options.ring_block_bytes };
        let (control, _) = open(Sort::Control, &PacketOptions { ring_block_bytes, ..options.clone() })?;
        let (data, down) = open(Sort::Data, &options)?;
        if mac != info.mac {
            membership::promiscuous(data.as_fd(), info.ifindex)
                .map_err(LinkError::system(name, "make it promiscuous for the other MAC"))?;
        }
        let ready = watched(&[&control, &data]).map_err(LinkError::system(name, "watch its sockets"))?;
        Ok(Self {
            control,
            data,
            ready,
            turn: Turn::default(),
            outbox: Outbox::default(),
            interface,
            ifindex: info.ifindex,
            mac,
            groups: Groups::default(),
            down,
        })
    }

    /// What the interface says about itself now. Its MAC may be another than [`mac`](Self::mac).
    ///
    /// # Errors
    ///
    /// [`LinkError::NoSuchInterface`] if it was removed, renamed or moved to another namespace.
    pub fn info(&self) -> Result<Info, LinkError> {
        self.interface.info().map(|(info, _)| info)
    }

    /// The address under which we are on the link.
    #[must_use]
    pub fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// Whether the interface is administratively up.
    ///
    /// # Errors
    ///
    /// What the system says, `ENODEV` if it was removed.
    pub fn is_up(&self) -> io::Result<bool> {
        self.interface.is_up()
    }

    /// How many of the [`losses`](Link::losses) were ARP or neighbour discovery.
    pub fn control_losses(&mut self) -> u64 {
        self.control.losses()
    }

    /// How many frames the kernel refused to send since it was opened.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.outbox.refused()
    }

    fn next(&mut self, buf: &mut Vec<u8>) -> bool {
        let Self { control, data, turn, .. } = self;
        let next = |receiver: &mut Receiver, buf: &mut Vec<u8>| {
            buf.clear(); // of what could not be read whole
            receiver.next(buf)
        };
        let mut both = (control, data, buf);
        turn.take(&mut both, |(control, _, buf)| next(control, buf), |(_, data, buf)| next(data, buf))
    }

    /// Whether the interface is still there. Called when the ring is empty, and before sending while down.
    ///
    /// The kernel leaves an error in the socket when the interface goes down, be it for good or not, and
    /// says nothing when one that is down already is removed. So as long as it may be down, it is asked.
    fn check(&mut self) -> io::Result<()> {
        for receiver in [&self.control, &self.data] {
            self.down |= receiver.take_error()?.is_some();
        }
        if self.down && !sys::interface_exists(self.data.as_fd(), self.ifindex) {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        Ok(())
    }
}

/// A descriptor that is readable when one of these is.
fn watched(receivers: &[&Receiver]) -> io::Result<Epoll> {
    let ready = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    for receiver in receivers {
        ready.add(receiver, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLERR, 0))?;
    }
    Ok(ready)
}

impl Link for Packet {
    /// Takes the next frame from the rings: what neighbours say of themselves first, and after eight such frames
    /// one of data, if there is one.
    ///
    /// A frame is what it would be on a wire: a VLAN tag is back in its place and a checksum is complete.
    /// One thing is not undone: TCP that the kernel has not yet segmented comes as one frame above the MTU.
    ///
    /// # Errors
    ///
    /// `ENODEV` once the interface was removed. That it is down is no error: nothing comes in.
    fn receive(&mut self, _now: Time, buf: &mut Vec<u8>) -> io::Result<bool> {
        buf.clear();
        if self.next(buf) {
            self.down = false;
            return Ok(true);
        }
        buf.clear();
        self.check()?;
        Ok(false)
    }

    /// Takes the frame to be sent with up to 63 others, at the next [`flush`](Link::flush) or when there are
    /// that many. A refusal is reported by `flush` and counted by [`refused`](Packet::refused).
    ///
    /// # Errors
    ///
    /// `ENODEV` once the interface was removed.
    fn transmit(&mut self, _now: Time, frame: &[u8]) -> io::Result<()> {
        if self.down {
            self.check()?;
        }
        if self.outbox.is_full() {
            self.outbox.send(self.data.as_fd());
        }
        self.outbox.push(frame);
        Ok(())
    }

    /// Sends what was gathered.
    ///
    /// # Errors
    ///
    /// The first refusal since the last call: `ENETDOWN`, `ENOBUFS`, `EMSGSIZE` for a frame larger than the MTU,
    /// `EINVAL` for one shorter than an Ethernet header. The other frames were sent nevertheless.
    fn flush(&mut self) -> io::Result<()> {
        self.outbox.send(self.data.as_fd());
        self.outbox.take_failure().map_or(Ok(()), Err)
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.ready.0.as_fd())
    }

    /// Frames that concerned us for which a ring had no room, or that did not fit into a block.
    fn losses(&mut self) -> u64 {
        self.control.losses() + self.data.losses()
    }

    /// Asks the hardware for these groups; if it has no room for one, for all groups.
    fn set_multicast(&mut self, groups: &[[u8; 6]]) -> io::Result<()> {
        self.groups.set(self.data.as_fd(), self.ifindex, groups)
    }
}
