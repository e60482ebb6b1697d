//! The asking side: one conversation, with the daemon or with the kernel.

mod ask;
mod wire;

use crate::entry::MessageError;
use crate::extension::STRICT_CHK;
use crate::frames::{FrameError, Frames};
use crate::message::{Control, Head, control, split};
use crate::monitor::Monitor;
use crate::refusal::Refusal;
use crate::request;
pub(crate) use ask::ip_entry;
use netlink_packet_core::NLM_F_DUMP_INTR;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
pub(crate) use wire::Wire;

/// How long a daemon may keep silent before it is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a dump is asked for again that changed while it was told.
const ATTEMPTS: u32 = 5;

/// Why a table could not be read or changed.
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
    /// The other side closed in the middle of the conversation, or died.
    #[error("EOF on netlink")]
    Ended,
    /// The daemon is there, and keeps silent.
    #[error("the daemon does not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// The conversation broke.
    #[error("the conversation broke off: {0}")]
    Io(#[source] io::Error),
    /// The other side said something that cannot be read.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The stream of messages lost its shape.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The other side refused.
    #[error("{0}")]
    Refused(Refusal),
    /// Only the daemon knows that, and the kernel was asked.
    #[error("the kernel cannot say {0}: only the daemon can")]
    DaemonOnly(&'static str),
}

impl From<io::Error> for TableError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::UnexpectedEof | Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted => {
                Self::Ended
            }
            Kind::WouldBlock | Kind::TimedOut => Self::Silent(PATIENCE),
            _ => Self::Io(error),
        }
    }
}

/// A table of neighbours that can be asked and changed.
#[derive(Debug)]
pub struct Table {
    wire: Wire,
    frames: Frames,
    sequence: u32,
}

impl Table {
    /// The table of the daemon that listens at `path`.
    ///
    /// # Errors
    ///
    /// [`TableError::NoDaemon`].
    pub fn daemon(path: &Path) -> Result<Self, TableError> {
        let connect = || {
            let wire = Wire::daemon(path)?;
            let mut table = Self::new(wire);
            // As to the kernel: the filter for one interface needs it.
            table.wire.send(&request::set_option(0, STRICT_CHK, 1, false))?;
            Ok(table)
        };
        connect().map_err(|source| TableError::NoDaemon { path: path.into(), source })
    }

    /// The running kernel's table, of the network namespace of the caller.
    ///
    /// # Errors
    ///
    /// What the system says to a netlink socket.
    pub fn kernel() -> Result<Self, TableError> {
        Ok(Self::new(Wire::kernel()?))
    }

    fn new(wire: Wire) -> Self {
        Self { wire, frames: Frames::default(), sequence: 0 }
    }

    /// From now on only listens: joins `RTNLGRP_NEIGH`.
    ///
    /// # Errors
    ///
    /// The other side broke off or refused.
    pub fn subscribe(mut self) -> Result<Monitor, TableError> {
        self.join()?;
        Ok(Monitor::new(self.wire, self.frames))
    }

    /// Turns the conversation with a daemon into one that hears [`Alert`](crate::Alert)s and nothing else.
    ///
    /// # Errors
    ///
    /// The other side broke off or refused: it is the kernel, or an older daemon.
    pub fn watch(mut self) -> Result<Monitor, TableError> {
        self.join_alerts()?;
        Ok(Monitor::new(self.wire, self.frames))
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        self.sequence
    }

    /// Sends a request and reads until its ack.
    fn acknowledged(&mut self, ask: impl Fn(u32) -> Vec<u8>) -> Result<(), TableError> {
        let sequence = self.next_sequence();
        self.wire.send(&ask(sequence))?;
        self.read(|head, payload, _| match control(head, payload) {
            Control::Error(0) if head.sequence == sequence => Some(Ok(())),
            Control::Error(errno) if head.sequence == sequence => Some(Err(refused(head, payload, errno))),
            _ => None,
        })
    }

    /// Sends a request and reads its one answer.
    fn one<T>(
        &mut self,
        ask: impl Fn(u32) -> Vec<u8>,
        kind: u16,
        parse: impl Fn(&[u8]) -> Result<T, MessageError>,
    ) -> Result<T, TableError> {
        let sequence = self.next_sequence();
        self.wire.send(&ask(sequence))?;
        self.read(|head, payload, _| match control(head, payload) {
            _ if head.sequence != sequence => None,
            Control::Content(told) if told == kind => Some(parse(payload).map_err(TableError::from)),
            Control::Error(0) | Control::Content(_) => None,
            Control::Error(errno) | Control::Done(errno) => Some(Err(refused(head, payload, errno))),
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
            let sequence = self.next_sequence();
            self.wire.send(&ask(sequence))?;
            all.clear();
            let mut changed = false;
            self.read(|head, payload, _| {
                if head.sequence != sequence {
                    return None;
                }
                changed |= head.flags & NLM_F_DUMP_INTR != 0;
                match control(head, payload) {
                    Control::Done(0) => Some(Ok(())),
                    Control::Error(0) => None,
                    Control::Done(errno) | Control::Error(errno) => Some(Err(refused(head, payload, errno))),
                    Control::Content(told) if told == kind => match parse(payload) {
                        Ok(value) => {
                            all.extend(value);
                            None
                        }
                        Err(error) => Some(Err(error.into())),
                    },
                    Control::Content(_) => None,
                }
            })?;
            if !changed {
                break;
            }
        }
        Ok(all)
    }

    /// Reads messages until `take` has what it wants.
    fn read<T>(
        &mut self,
        mut take: impl FnMut(Head, &[u8], &[u8]) -> Option<Result<T, TableError>>,
    ) -> Result<T, TableError> {
        loop {
            while let Some(message) = self.frames.next_message()? {
                let Some((head, payload)) = split(message) else { continue };
                if let Some(end) = take(head, payload, message) {
                    return end;
                }
            }
            self.wire.receive(&mut self.frames)?;
        }
    }
}

/// A refusal, from an error message or from the end of a dump.
fn refused(head: Head, payload: &[u8], errno: i32) -> TableError {
    use crate::message::{ACK_TLVS, CAPPED, u32_at};
    let in_dump = head.kind == netlink_packet_core::NLMSG_DONE;
    let request_len = u32_at(payload, 4).unwrap_or_default() as usize;
    let start = match head.flags {
        flags if flags & ACK_TLVS == 0 => payload.len(),
        _ if in_dump => 4,
        flags if flags & CAPPED != 0 => 4 + crate::frames::HEADER,
        _ => request_len.saturating_add(4).checked_next_multiple_of(4).unwrap_or(usize::MAX),
    };
    let attributes = payload.get(start..).unwrap_or_default();
    TableError::Refused(Refusal::parse(errno.saturating_neg(), attributes, in_dump))
}
