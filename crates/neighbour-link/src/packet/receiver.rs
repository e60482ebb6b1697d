//! One socket that hears what a filter passes, with the ring in which it hears it.

use super::PacketOptions;
use super::ring::Ring;
use crate::{LinkError, sys};
use memmap2::MmapOptions;
use socket2::{Domain, SockFilter, Socket, Type};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// Frames share blocks, whatever their size; this is only the number that the kernel checks.
const FRAME: u32 = 2048;

/// Whom a socket hears.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ears {
    /// Others.
    Others,
    /// This machine, too.
    All,
}

#[derive(Debug)]
pub(super) struct Receiver {
    socket: Socket,
    ring: Ring,
    losses: u64,
}

impl Receiver {
    /// Hears what the program passes. True beside it: the interface is down.
    pub(super) fn open(
        name: &str,
        ifindex: u32,
        program: &[SockFilter],
        ears: Ears,
        options: &PacketOptions,
    ) -> Result<(Self, bool), LinkError> {
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
            make_ring(&socket, options).map_err(failed("make a receive ring of the size asked for"))?;
        socket.attach_filter(program).map_err(failed("attach the filter"))?;
        let fd = socket.as_fd();
        let bypass = libc::c_int::from(options.qdisc_bypass);
        sys::set_packet_option(fd, libc::PACKET_QDISC_BYPASS, &bypass)
            .map_err(failed("set PACKET_QDISC_BYPASS"))?;
        if ears == Ears::Others {
            sys::set_packet_option(fd, libc::PACKET_IGNORE_OUTGOING, &1)
                .map_err(failed("set PACKET_IGNORE_OUTGOING (Linux 4.20 or later)"))?;
        }
        sys::bind_packet(fd, ifindex).map_err(failed("bind the packet socket"))?;
        // Binding to an interface that is down leaves an error behind, which is none.
        let down = socket.take_error().map_err(failed("read the socket's state"))?.is_some();
        Ok((Self { socket, ring, losses: 0 }, down))
    }

    /// Copies the next frame into `buf`, if there is one.
    pub(super) fn next(&mut self, buf: &mut Vec<u8>) -> bool {
        self.ring.next(buf)
    }

    /// Frames that found no room in the ring, or did not fit into a block.
    pub(super) fn losses(&mut self) -> u64 {
        // The kernel forgets what it has told.
        let told = sys::packet_option::<libc::tpacket_stats_v3>(self.socket.as_fd(), libc::PACKET_STATISTICS);
        self.losses += told.map_or(0, |told| u64::from(told.tp_drops));
        self.losses + self.ring.broken()
    }

    /// The error that the interface left in the socket when it went down.
    pub(super) fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The version first, then the header before each frame, then the ring: the kernel wants that order.
fn make_ring(socket: &Socket, options: &PacketOptions) -> io::Result<Ring> {
    let fd = socket.as_fd();
    let invalid = || io::Error::from_raw_os_error(libc::EINVAL);
    let version = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
    sys::set_packet_option(fd, libc::PACKET_VERSION, &version)?;
    sys::set_packet_option(fd, libc::PACKET_VNET_HDR, &1)?;
    let frames = (options.ring_block_bytes / FRAME).checked_mul(options.ring_blocks);
    let request = libc::tpacket_req3 {
        tp_block_size: options.ring_block_bytes,
        tp_block_nr: options.ring_blocks,
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
