//! An `AF_XDP` socket for one receive queue of an interface, with the memory it shares with the kernel.
#![expect(
    unsafe_code,
    reason = "the memory must outlive the socket and its packets, which the caller has to see to"
)]

use ::xdp::slab::{HeapSlab, Slab};
use ::xdp::socket::{SocketError, XdpSocket, XdpSocketBuilder};
use ::xdp::umem::{FrameSize, UmemCfgBuilder};
use ::xdp::{CompletionRing, RingConfigBuilder, RxRing, Umem, WakableFillRing, WakableRings, WakableTxRing};
use socket2::SockRef;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Frames in each direction.
const RING: u32 = 2048;
/// Frames handed over at once.
const BATCH: usize = 64;
/// Times that the kernel is woken in one go.
const WAKES: usize = 8;

/// How frames get from the driver into our memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Transport {
    Copy,
    ZeroCopy,
}

/// The socket of a queue. The order of the fields is the order in which they go: the socket first, the memory last.
pub(super) struct Queue {
    socket: XdpSocket,
    fill: WakableFillRing,
    rx: RxRing,
    completion: CompletionRing,
    tx: WakableTxRing,
    received: HeapSlab,
    to_send: HeapSlab,
    /// The kernel may have frames of ours that it has not sent.
    unsent: bool,
    umem: Umem,
}

// SAFETY: the pointers in it lead into mappings that it owns alone; neither they nor the socket are bound to a
// thread, and all use of them is by `&mut self`.
unsafe impl Send for Queue {}

/// What was lost, as the kernel counts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Lost {
    pub(super) received: u64,
    pub(super) sent: u64,
}

impl Queue {
    pub(super) fn open(ifindex: u32, queue: u32, transport: Transport) -> io::Result<Self> {
        let memory = UmemCfgBuilder {
            frame_size: FrameSize::FourK,
            frame_count: RING * 2,
            ..UmemCfgBuilder::default()
        };
        let rings =
            RingConfigBuilder { rx_count: RING, tx_count: RING, fill_count: RING, completion_count: RING };
        let (memory, rings) =
            (memory.build().map_err(io::Error::other)?, rings.build().map_err(io::Error::other)?);
        let mut umem = Umem::map(memory)?;
        let mut builder = XdpSocketBuilder::new().map_err(system)?;
        let (rings, mut flags) = builder.build_wakable_rings(&umem, rings).map_err(system)?;
        match transport {
            Transport::Copy => flags.force_copy(),
            Transport::ZeroCopy => flags.force_zerocopy(),
        }
        let WakableRings { fill_ring: mut fill, rx_ring, completion_ring: completion, tx_ring } = rings;
        let missing = || io::Error::other("a ring that was asked for is missing");
        let (rx, tx) = (rx_ring.ok_or_else(missing)?, tx_ring.ok_or_else(missing)?);
        // SAFETY: `umem` is handed to the `Queue` below, which drops it after the socket; if this function ends
        // before that, the builder, declared after `umem`, is dropped first.
        unsafe { fill.enqueue(&mut umem, RING as usize, false)? };
        let socket = builder.bind(::xdp::nic::NicIndex::new(ifindex), queue, flags).map_err(system)?;
        let (received, to_send) = (HeapSlab::with_capacity(BATCH), HeapSlab::with_capacity(BATCH));
        Ok(Self { socket, fill, rx, completion, tx, received, to_send, unsent: false, umem })
    }

    /// The next frame, if there is one.
    pub(super) fn receive(&mut self, buf: &mut Vec<u8>) -> bool {
        if self.received.is_empty() {
            self.refill();
            // SAFETY: the packets go into a slab of ours, which does not outlive `umem`: it is dropped before it,
            // and a `Packet` has no destructor that would touch the memory.
            unsafe { self.rx.recv(&self.umem, &mut self.received) };
        }
        let Some(packet) = self.received.pop_back() else { return false };
        buf.extend_from_slice(&packet);
        self.umem.free_packet(packet);
        true
    }

    /// Gives the kernel room for as many frames as were taken. A failed wake-up is made up for by the next one.
    fn refill(&mut self) {
        let spare = self.umem.allocatable().saturating_sub(RING as usize / 2);
        if spare > 0 {
            // SAFETY: `umem` outlives the socket: it is dropped after it.
            let _woken = unsafe { self.fill.enqueue(&mut self.umem, spare.min(BATCH), true) };
        }
    }

    /// Takes a frame to be sent.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` if it does not fit, `ENOBUFS` if the ring is full.
    pub(super) fn transmit(&mut self, frame: &[u8]) -> io::Result<()> {
        if self.to_send.available() == 0 {
            self.flush()?;
        }
        if self.to_send.available() == 0 {
            return Err(io::Error::from_raw_os_error(libc::ENOBUFS));
        }
        self.completion.dequeue(&mut self.umem, BATCH);
        // SAFETY: the packet goes into a slab of ours, which does not outlive `umem`.
        let packet = unsafe { self.umem.alloc() };
        let mut packet = packet.ok_or_else(|| io::Error::from_raw_os_error(libc::ENOBUFS))?;
        if packet.append(frame).is_err() {
            self.umem.free_packet(packet);
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        let _room = self.to_send.push_front(packet);
        Ok(())
    }

    /// Hands over what was gathered, and wakes the kernel to send it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if !self.to_send.is_empty() {
            // SAFETY: `umem`, of which the packets are, outlives the socket: it is dropped after it.
            self.unsent |= unsafe { self.tx.send(&mut self.to_send, false)? } > 0;
        }
        for _ in 0..WAKES {
            if !self.unsent {
                break;
            }
            // The kernel sends a few dozen for each time that it is woken, and says when more are left.
            match SockRef::from(&*self).send_with_flags(&[], libc::MSG_DONTWAIT) {
                Ok(_) => self.unsent = false,
                Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EBUSY)) => {}
                Err(error) => {
                    self.unsent = false;
                    return Err(error);
                }
            }
            self.completion.dequeue(&mut self.umem, RING as usize);
        }
        Ok(())
    }

    /// Is there something that the kernel has not sent yet? [`Self::flush`] tries again.
    pub(super) fn is_sending(&self) -> bool {
        self.unsent || !self.to_send.is_empty()
    }

    /// What the socket has to complain of: the interface was removed.
    pub(super) fn check(&self) -> io::Result<()> {
        match SockRef::from(self).take_error()? {
            Some(_) => Err(io::Error::from_raw_os_error(libc::ENODEV)),
            None => Ok(()),
        }
    }

    pub(super) fn lost(&self) -> Lost {
        let told = self.socket.statistics();
        told.map_or_else(
            |_| Lost::default(),
            |told| Lost {
                // An empty fill ring is among the first.
                received: told.rx_dropped + told.rx_ring_full,
                sent: told.tx_invalid_descs,
            },
        )
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is open for as long as the socket lives, which `self` owns.
        unsafe { BorrowedFd::borrow_raw(self.socket.as_raw_fd()) }
    }
}

/// What the system said, without the step at which it said it.
fn system(error: SocketError) -> io::Error {
    match error {
        SocketError::SocketCreation(error) | SocketError::Bind(error) => error,
        SocketError::SetSockOpt { inner, .. }
        | SocketError::GetSockOpt { inner, .. }
        | SocketError::RingMap { inner, .. } => inner,
    }
}
