//! An existing interface, shared with the kernel: `AF_PACKET`.
//!
//! Reading is a ring that the kernel fills ([`ring`]), behind a filter ([`filter`]) that is in place
//! before the socket hears anything. What was left to hardware that is not there is done here ([`mend`]).
//! Sending gathers frames and sends them by `sendmmsg` ([`outbox`]).

mod filter;
mod mend;
mod outbox;
mod ring;

use crate::interface::{Interface, Name};
use crate::membership::{self, Groups};
use crate::{Info, Link, LinkError, Time, sys};
use memmap2::MmapOptions;
use outbox::Outbox;
use ring::Ring;
use socket2::{Domain, Socket, Type};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// How a [`Packet`] is opened. The default suits a host: 8 MiB of ring, about a millisecond of delay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketOptions {
    /// The address under which we are on the link; `None` for the interface's own.
    ///
    /// With another address the interface is made to hear all frames (promiscuous), of which only those to
    /// this address and to groups are read.
    pub mac: Option<[u8; 6]>,
    /// How many blocks the receive ring has. Default 64: as each is handed over after `retire_ms`, however
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
    /// Watches the link instead of being a host on it. Default `false`.
    ///
    /// Whatever may be ARP or neighbour discovery is heard, whoever it is for and however it is wrapped, what this
    /// machine sends included; the interface is made to hear all frames (promiscuous). `mac` counts for nothing then.
    pub watch: bool,
}

impl Default for PacketOptions {
    fn default() -> Self {
        Self {
            mac: None,
            ring_blocks: 64,
            ring_block_bytes: 128 * 1024,
            retire_ms: 1,
            qdisc_bypass: false,
            watch: false,
        }
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
    socket: Socket,
    ring: Ring,
    outbox: Outbox,
    interface: Interface,
    ifindex: u32,
    mac: [u8; 6],
    groups: Groups,
    ring_losses: u64,
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
        // Protocol 0: the socket hears nothing before it is bound, so the filter misses nothing.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None).map_err(|error| {
            let name = name.to_owned();
            match error.raw_os_error() {
                Some(libc::EPERM | libc::EACCES) => LinkError::PacketDenied { name },
                _ => LinkError::system(&name, "open a packet socket")(error),
            }
        })?;
        let failed = |doing| LinkError::system(name, doing);
        socket.set_nonblocking(true).map_err(failed("set the socket up"))?;
        let ring =
            make_ring(&socket, &options).map_err(failed("make a receive ring of the size asked for"))?;
        let program = if options.watch { filter::discovery() } else { filter::concerning(mac) };
        socket.attach_filter(&program).map_err(failed("attach the filter"))?;
        let fd = socket.as_fd();
        let bypass = libc::c_int::from(options.qdisc_bypass);
        sys::set_packet_option(fd, libc::PACKET_QDISC_BYPASS, &bypass)
            .map_err(failed("set PACKET_QDISC_BYPASS"))?;
        if !options.watch {
            sys::set_packet_option(fd, libc::PACKET_IGNORE_OUTGOING, &1)
                .map_err(failed("set PACKET_IGNORE_OUTGOING (Linux 4.20 or later)"))?;
        }
        if mac != info.mac || options.watch {
            membership::promiscuous(fd, info.ifindex).map_err(failed("make it promiscuous"))?;
        }
        sys::bind_packet(fd, info.ifindex).map_err(failed("bind the packet socket"))?;
        // Binding to an interface that is down leaves an error behind, which is none.
        let down = socket.take_error().map_err(failed("read the socket's state"))?.is_some();
        Ok(Self {
            socket,
            ring,
            outbox: Outbox::default(),
            interface,
            ifindex: info.ifindex,
            mac,
            groups: Groups::default(),
            ring_losses: 0,
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

    /// How many frames that concerned us were lost since it was opened: the ring had no room for them, or
    /// they did not fit into a block.
    pub fn losses(&mut self) -> u64 {
        // The kernel forgets what it has told.
        let told = sys::packet_option::<libc::tpacket_stats_v3>(self.socket.as_fd(), libc::PACKET_STATISTICS);
        self.ring_losses += told.map_or(0, |told| u64::from(told.tp_drops));
        self.ring_losses + self.ring.broken()
    }

    /// How many frames the kernel refused to send since it was opened.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.outbox.refused()
    }

    /// Whether the interface is still there. Called when the ring is empty, and before sending while down.
    ///
    /// The kernel leaves an error in the socket when the interface goes down, be it for good or not, and
    /// says nothing when one that is down already is removed. So as long as it may be down, it is asked.
    fn check(&mut self) -> io::Result<()> {
        self.down |= self.socket.take_error()?.is_some();
        if self.down && !sys::interface_exists(self.socket.as_fd(), self.ifindex) {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        Ok(())
    }
}

/// The version first, then the header before each frame, then the ring: the kernel wants that order.
fn make_ring(socket: &Socket, options: &PacketOptions) -> io::Result<Ring> {
    let fd = socket.as_fd();
    let invalid = || io::Error::from_raw_os_error(libc::EINVAL);
    let version = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
    sys::set_packet_option(fd, libc::PACKET_VERSION, &version)?;
    sys::set_packet_option(fd, libc::PACKET_VNET_HDR, &1)?;
    const FRAME: u32 = 2048;
    let frames = (options.ring_block_bytes / FRAME).checked_mul(options.ring_blocks);
    let request = libc::tpacket_req3 {
        tp_block_size: options.ring_block_bytes,
        tp_block_nr: options.ring_blocks,
        // Frames of any size share a block; this is only the number the kernel checks.
        tp_frame_size: FRAME,
        tp_frame_nr: frames.filter(|&frames| frames > 0).ok_or_else(invalid)?,
        tp_retire_blk_tov: options.retire_ms.max(1),
        tp_sizeof_priv: 0,
        tp_feature_req_word: 0,
    };
    sys::set_packet_option(fd, libc::PACKET_RX_RING, &request)?;
    let block_size = options.ring_block_bytes as usize;
    let len = block_size.checked_mul(options.ring_blocks as usize);
    let map = MmapOptions::new().len(len.ok_or_else(invalid)?).map_raw(socket)?;
    Ring::new(map, block_size).ok_or_else(invalid)
}

impl Link for Packet {
    /// Takes the next frame from the ring.
    ///
    /// A frame is what it would be on a wire: a VLAN tag is back in its place and a checksum is complete.
    /// One thing is not undone: TCP that the kernel has not yet segmented comes as one frame above the MTU.
    ///
    /// # Errors
    ///
    /// `ENODEV` once the interface was removed. That it is down is no error: nothing comes in.
    fn receive(&mut self, _now: Time, buf: &mut Vec<u8>) -> io::Result<bool> {
        buf.clear();
        if self.ring.next(buf) {
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
            self.outbox.send(self.socket.as_fd());
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
        self.outbox.send(self.socket.as_fd());
        self.outbox.take_failure().map_or(Ok(()), Err)
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }

    /// Asks the hardware for these groups; if it has no room for one, for all groups.
    fn set_multicast(&mut self, groups: &[[u8; 6]]) -> io::Result<()> {
        self.groups.set(self.socket.as_fd(), self.ifindex, groups)
    }
}
