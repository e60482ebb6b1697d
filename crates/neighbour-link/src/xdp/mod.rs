//! An existing interface, of which we take ARP and neighbour discovery only: `AF_XDP`.
//!
//! A small program before the interface ([`program`]) sends those frames to sockets of ours ([`queue`]), one for
//! each receive queue, and lets all others go on to the kernel, whose packets are none of our business. It is
//! attached by a descriptor ([`bpf`]), so it goes with us, however we end.
//!
//! The kernel's own stack does not see the frames that we take: on such an interface it resolves nobody and
//! answers for no address. That is meant for an interface whose neighbours are ours to know, such as one that a
//! data plane drives.

mod bpf;
mod program;
mod queue;

use crate::interface::{Interface, Name};
use crate::membership::{self, Groups};
use crate::{Info, Link, LinkError, Time};
use bpf::Attachment;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use program::Action;
use queue::{Queue, Transport};
use socket2::{Domain, Socket, Type};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// How an [`Xdp`] is opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct XdpOptions {
    /// The address under which we are on the link; `None` for the interface's own. Another one makes the
    /// interface hear all frames (promiscuous).
    pub mac: Option<[u8; 6]>,
    /// How frames are to come; `None` for the fastest way that the interface allows.
    pub mode: Option<XdpMode>,
}

/// How frames come from the interface, the fastest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum XdpMode {
    /// The driver writes them into our memory.
    ZeroCopy,
    /// The program runs in the driver, and frames are copied.
    Native,
    /// The program runs behind the driver, which need not know of it, and frames are copied.
    Generic,
}

impl XdpMode {
    /// All of them, the fastest first.
    pub const ALL: [Self; 3] = [Self::ZeroCopy, Self::Native, Self::Generic];

    fn attachment(self) -> Attachment {
        match self {
            Self::ZeroCopy | Self::Native => Attachment::Native,
            Self::Generic => Attachment::Generic,
        }
    }

    fn transport(self) -> Transport {
        match self {
            Self::ZeroCopy => Transport::ZeroCopy,
            Self::Native | Self::Generic => Transport::Copy,
        }
    }
}

impl fmt::Display for XdpMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroCopy => "zero-copy",
            Self::Native => "native",
            Self::Generic => "generic",
        })
    }
}

/// The ARP and neighbour discovery of an existing interface.
///
/// What is sent goes out by the first queue.
pub struct Xdp {
    queues: Vec<Queue>,
    /// Readable when one of the queues is.
    ready: Epoll,
    /// The queue that is read next.
    turn: usize,
    /// Attached for as long as this is open.
    _attached: OwnedFd,
    /// A packet socket that hears nothing; it holds the memberships.
    listener: Socket,
    groups: Groups,
    interface: Interface,
    ifindex: u32,
    mac: [u8; 6],
    mode: XdpMode,
    faster: String,
    /// When to try again to send.
    again: Option<Time>,
}

/// After this the kernel is asked again to send what it had no room for.
const AGAIN: Duration = Duration::from_millis(1);

impl Xdp {
    /// Opens an interface by name.
    ///
    /// # Errors
    ///
    /// [`LinkError::Name`], [`LinkError::NoSuchInterface`], [`LinkError::NotEthernet`], [`LinkError::GroupMac`];
    /// [`LinkError::XdpDenied`], [`LinkError::XdpBusy`] if another program is attached, and
    /// [`LinkError::XdpRefused`] with what the system said to each way that was tried.
    pub fn open(name: &str, options: &XdpOptions) -> Result<Self, LinkError> {
        let interface = Interface::new(Name::new(name)?)?;
        let (info, hardware) = interface.info()?;
        if hardware != libc::ARPHRD_ETHER {
            return Err(LinkError::NotEthernet { name: info.name, hardware });
        }
        let mac = options.mac.unwrap_or(info.mac);
        if mac[0] & 1 != 0 {
            return Err(LinkError::GroupMac { name: info.name, mac });
        }
        let failed = |doing| LinkError::system(name, doing);
        let denied = |error: io::Error| match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => LinkError::XdpDenied { name: name.to_owned() },
            _ => LinkError::system(name, "load the XDP program")(error),
        };
        let queues = queue_count(info.ifindex);
        let sockets = bpf::socket_map(queues).map_err(denied)?;
        let program = bpf::load(&program::program(sockets.as_fd(), Action::Pass)).map_err(denied)?;
        let listener =
            Socket::new(Domain::PACKET, Type::RAW, None).map_err(failed("open a packet socket"))?;
        if mac != info.mac {
            membership::promiscuous(listener.as_fd(), info.ifindex)
                .map_err(failed("make it promiscuous for the other MAC"))?;
        }
        let modes = XdpMode::ALL.into_iter().filter(|mode| options.mode.is_none_or(|wanted| wanted == *mode));
        let mut tried = Vec::new();
        for mode in modes {
            let opened = bpf::attach(program.as_fd(), info.ifindex, mode.attachment()).and_then(|attached| {
                let all = (0..queues).map(|queue| Queue::open(info.ifindex, queue, mode.transport()));
                Ok((attached, all.collect::<io::Result<Vec<_>>>()?))
            });
            let (attached, queues) = match opened {
                Ok(opened) => opened,
                Err(error) if matches!(error.raw_os_error(), Some(libc::EBUSY | libc::EEXIST)) => {
                    return Err(LinkError::XdpBusy { name: name.to_owned() });
                }
                Err(error) => {
                    tried.push(format!("{mode}: {error}"));
                    continue;
                }
            };
            let ready = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC);
            let ready = ready.map_err(|error| failed("make an epoll descriptor")(error.into()))?;
            for (number, queue) in (0..).zip(&queues) {
                let event = EpollEvent::new(EpollFlags::EPOLLIN, u64::from(number));
                ready.add(queue, event).map_err(|error| failed("watch a queue")(error.into()))?;
                bpf::put(sockets.as_fd(), number, queue.as_fd())
                    .map_err(failed("put a socket into the map"))?;
            }
            return Ok(Self {
                queues,
                ready,
                turn: 0,
                _attached: attached,
                listener,
                groups: Groups::default(),
                interface,
                ifindex: info.ifindex,
                mac,
                mode,
                faster: tried.join("; "),
                again: None,
            });
        }
        Err(LinkError::XdpRefused { name: name.to_owned(), tried: tried.join("; ") })
    }

    /// What the interface says about itself now.
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

    /// How frames come.
    #[must_use]
    pub fn mode(&self) -> XdpMode {
        self.mode
    }

    /// Which faster ways there are not, and what the system said to each; empty if this is the fastest.
    #[must_use]
    pub fn refused_modes(&self) -> &str {
        &self.faster
    }

    /// How many receive queues there are.
    #[must_use]
    pub fn queues(&self) -> usize {
        self.queues.len()
    }

    /// How many frames for us were lost since it was opened, for want of room.
    #[must_use]
    pub fn losses(&self) -> u64 {
        self.queues.iter().map(|queue| queue.lost().received).sum()
    }

    /// How many frames the kernel refused to send since it was opened.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.queues.iter().map(|queue| queue.lost().sent).sum()
    }
}

/// One where the interface does not say.
fn queue_count(ifindex: u32) -> u32 {
    let told = ::xdp::nic::NicIndex::new(ifindex).queue_counts();
    told.map_or(1, |told| told.rx_count().max(1))
}

impl fmt::Debug for Xdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Xdp")
            .field("interface", &self.interface)
            .field("mode", &self.mode)
            .field("queues", &self.queues.len())
            .finish_non_exhaustive()
    }
}

impl Link for Xdp {
    /// Takes the next frame, of each queue in turn.
    ///
    /// # Errors
    ///
    /// `ENODEV` once the interface was removed.
    fn receive(&mut self, now: Time, buf: &mut Vec<u8>) -> io::Result<bool> {
        buf.clear();
        if self.again.is_some_and(|again| again <= now) {
            self.flush()?;
            self.again = self.again.map(|_| now + AGAIN);
        }
        for _ in 0..self.queues.len() {
            let turn = self.turn;
            self.turn = (turn + 1) % self.queues.len();
            if self.queues.get_mut(turn).is_some_and(|queue| queue.receive(buf)) {
                return Ok(true);
            }
        }
        self.queues.iter().try_for_each(Queue::check)?;
        Ok(false)
    }

    /// Takes the frame to be sent at the next [`flush`](Link::flush), or when 64 are gathered.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` for a frame that is longer than the memory of one (3.75 KiB), `ENOBUFS` if the kernel has not
    /// sent those before it.
    fn transmit(&mut self, now: Time, frame: &[u8]) -> io::Result<()> {
        let Some(queue) = self.queues.first_mut() else { return Ok(()) };
        queue.transmit(frame)?;
        self.again = Some(now + AGAIN);
        Ok(())
    }

    /// Sends what was gathered.
    ///
    /// # Errors
    ///
    /// `ENETDOWN` if the interface is down, and what else the system says.
    fn flush(&mut self) -> io::Result<()> {
        let Some(queue) = self.queues.first_mut() else { return Ok(()) };
        let flushed = queue.flush();
        if !queue.is_sending() {
            self.again = None;
        }
        flushed
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.ready.0.as_fd())
    }

    fn next_deadline(&self) -> Option<Time> {
        self.again
    }

    /// Asks the hardware for these groups; if it has no room for one, for all groups.
    fn set_multicast(&mut self, groups: &[[u8; 6]]) -> io::Result<()> {
        self.groups.set(self.listener.as_fd(), self.ifindex, groups)
    }
}
