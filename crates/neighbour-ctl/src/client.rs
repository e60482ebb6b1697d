//! The asking side: one conversation, with the daemon or with the kernel.

use crate::entry::{Entry, MessageError};
use crate::frames::{FrameError, Frames};
use crate::interface::Interface;
use crate::message::{Control, RTM_NEWLINK, RTM_NEWNEIGH, control, split};
use crate::request::{self, Filter};
use netlink_packet_core::NLM_F_DUMP_INTR;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a daemon may keep silent before it is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a dump is asked for again that changed while it was told.
const ATTEMPTS: u32 = 5;

/// Why a table could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// Nobody listens there.
    #[error("no daemon answers at {}", .path.display())]
    NoDaemon {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The conversation broke.
    #[error("the conversation broke off: {0}")]
    Io(#[from] io::Error),
    /// The other side said something that cannot be read.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The stream of messages lost its shape.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The other side refused, with an errno.
    #[error("{}", io::Error::from_raw_os_error(*.0))]
    Refused(i32),
}

/// A table of neighbours that can be asked.
#[derive(Debug)]
pub struct Table {
    wire: Wire,
    frames: Frames,
    sequence: u32,
}

enum Wire {
    Daemon(UnixStream),
    Kernel(Socket),
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Daemon(_) => "Daemon",
            Self::Kernel(_) => "Kernel",
        })
    }
}

impl Table {
    /// The table of the daemon that listens at `path`.
    ///
    /// # Errors
    ///
    /// [`TableError::NoDaemon`].
    pub fn daemon(path: &Path) -> Result<Self, TableError> {
        let connect = || {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(stream)
        };
        let stream = connect().map_err(|source| TableError::NoDaemon { path: path.into(), source })?;
        Ok(Self::new(Wire::Daemon(stream)))
    }

    /// The running kernel's table, of the network namespace of the caller.
    ///
    /// # Errors
    ///
    /// What the system says to a netlink socket.
    pub fn kernel() -> Result<Self, TableError> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        // The filter for one interface needs it; kernels before 4.20 do not know it, and send all.
        let _old = socket.set_netlink_get_strict_chk(true);
        Ok(Self::new(Wire::Kernel(socket)))
    }

    fn new(wire: Wire) -> Self {
        Self { wire, frames: Frames::default(), sequence: 0 }
    }

    /// All interfaces.
    ///
    /// # Errors
    ///
    /// The other side broke off, refused or cannot be understood.
    pub fn interfaces(&mut self) -> Result<Vec<Interface>, TableError> {
        self.dump(request::interfaces, RTM_NEWLINK, |payload| Interface::parse(payload).map(Some))
    }

    /// The neighbours that `filter` lets pass, in the order in which the table tells them.
    ///
    /// # Errors
    ///
    /// As for [`interfaces`](Self::interfaces).
    pub fn neighbours(&mut self, filter: &Filter) -> Result<Vec<Entry>, TableError> {
        let ask = |sequence| request::neighbours(sequence, filter);
        self.dump(ask, RTM_NEWNEIGH, |payload| match Entry::parse(payload) {
            Ok(entry) => Ok(Some(entry).filter(|entry| filter.admits(entry))),
            // Other families (bridges) have no IP address.
            Err(MessageError::NoAddress) => Ok(None),
            Err(error) => Err(error),
        })
    }

    /// Asks, and gathers the answers. A kernel that says that the table changed meanwhile is asked anew.
    fn dump<T>(
        &mut self,
        ask: impl Fn(u32) -> Vec<u8>,
        kind: u16,
        parse: impl Fn(&[u8]) -> Result<Option<T>, MessageError>,
    ) -> Result<Vec<T>, TableError> {
        let mut all = Vec::new();
        for _ in 0..ATTEMPTS {
            self.sequence = self.sequence.wrapping_add(1);
            self.wire.send(&ask(self.sequence))?;
            all.clear();
            if !self.gather(kind, &parse, &mut all)? {
                break;
            }
        }
        Ok(all)
    }

    /// Whether the table changed while it was told.
    fn gather<T>(
        &mut self,
        kind: u16,
        parse: impl Fn(&[u8]) -> Result<Option<T>, MessageError>,
        all: &mut Vec<T>,
    ) -> Result<bool, TableError> {
        let mut changed = false;
        loop {
            while let Some(message) = self.frames.next_message()? {
                let Some((head, payload)) = split(message) else { continue };
                if head.sequence != self.sequence {
                    continue;
                }
                changed |= head.flags & NLM_F_DUMP_INTR != 0;
                match control(head, payload) {
                    Control::Done(0) => return Ok(changed),
                    Control::Error(0) => {}
                    Control::Done(errno) | Control::Error(errno) => {
                        return Err(TableError::Refused(errno.saturating_neg()));
                    }
                    Control::Content(told) if told == kind => all.extend(parse(payload)?),
                    Control::Content(_) => {}
                }
            }
            self.wire.receive(&mut self.frames)?;
        }
    }
}

impl Wire {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::Daemon(stream) => stream.write_all(message),
            Self::Kernel(socket) => socket.send(message, 0).map(drop),
        }
    }

    fn receive(&mut self, frames: &mut Frames) -> io::Result<()> {
        match self {
            Self::Daemon(stream) => {
                let mut chunk = [0; 16 * 1024];
                let len = loop {
                    match stream.read(&mut chunk) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        other => break other?,
                    }
                };
                if len == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                frames.push(chunk.get(..len).unwrap_or_default());
            }
            Self::Kernel(socket) => frames.push(&socket.recv_from_full()?.0),
        }
        Ok(())
    }
}
