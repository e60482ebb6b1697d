//! The listening side: what `RTNLGRP_NEIGH` tells (EVT-1 to EVT-9).

use crate::alert::{Alert, NEIGH_ALERT};
use crate::client::{TableError, Wire};
use crate::entry::{Entry, MessageError};
use crate::frames::Frames;
use crate::message::{Control, RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH, control, split};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

const ENOBUFS: i32 = 105;

/// What happened in the table.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum News {
    /// `RTM_NEWNEIGH`: an entry came or changed.
    New {
        /// The entry as it is.
        entry: Entry,
        /// The port id of who asked for it; 0: nobody.
        port: u32,
    },
    /// `RTM_DELNEIGH`: an entry went.
    Deleted {
        /// The entry as it ended.
        entry: Entry,
        /// Always 0 in today's kernels.
        port: u32,
    },
    /// `RTM_GETNEIGH`: userspace is asked to resolve (app_solicit).
    Miss {
        /// The entry.
        entry: Entry,
        /// Always 0.
        port: u32,
    },
    /// Something that a person should know of; of a daemon alone.
    Alert(Alert),
    /// Some news are lost, since they were not taken fast enough: list the table again.
    Overrun,
}

/// A conversation that only listens.
#[derive(Debug)]
pub struct Monitor {
    wire: Wire,
    frames: Frames,
}

impl Monitor {
    pub(crate) const fn new(wire: Wire, frames: Frames) -> Self {
        Self { wire, frames }
    }

    /// The next news; none if there are none within `wait`. Without `wait`, for ever.
    ///
    /// # Errors
    ///
    /// The other side broke off or cannot be understood.
    pub fn next(&mut self, wait: Option<Duration>) -> Result<Option<News>, TableError> {
        let end = wait.and_then(|wait| Instant::now().checked_add(wait));
        loop {
            while let Some(message) = self.frames.next_message()? {
                if let Some(news) = read(message)? {
                    return Ok(Some(news));
                }
            }
            let rest = end.map(|end| end.saturating_duration_since(Instant::now()));
            if !self.is_readable(rest)? {
                return Ok(None);
            }
            match self.wire.receive(&mut self.frames) {
                Err(error) if error.raw_os_error() == Some(ENOBUFS) => return Ok(Some(News::Overrun)),
                other => other?,
            }
        }
    }

    /// Waits for something to read. False when the time is over.
    fn is_readable(&self, wait: Option<Duration>) -> Result<bool, TableError> {
        let begin = Instant::now();
        loop {
            let rest = wait.map(|wait| wait.saturating_sub(begin.elapsed()));
            // Rounded up, so that it does not spin through the last millisecond.
            let timeout = rest.map_or(PollTimeout::NONE, |rest| {
                PollTimeout::try_from(rest.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
            });
            match poll(&mut [PollFd::new(self.wire.as_fd(), PollFlags::POLLIN)], timeout) {
                Ok(0) if rest.is_some_and(|rest| rest > Duration::from_millis(i32::MAX as u64)) => {}
                Ok(count) => return Ok(count > 0),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.as_fd()
    }
}

fn read(message: &[u8]) -> Result<Option<News>, MessageError> {
    let Some((head, payload)) = split(message) else { return Ok(None) };
    let port = head.port;
    let news = |entry: Entry| match head.kind {
        RTM_NEWNEIGH => News::New { entry, port },
        RTM_DELNEIGH => News::Deleted { entry, port },
        _ => News::Miss { entry, port },
    };
    Ok(match control(head, payload) {
        Control::Error(errno) if errno == -ENOBUFS => Some(News::Overrun),
        Control::Content(NEIGH_ALERT) => Some(News::Alert(Alert::parse(payload))),
        Control::Content(RTM_NEWNEIGH | RTM_DELNEIGH | RTM_GETNEIGH) => {
            crate::client::ip_entry(payload)?.map(news)
        }
        _ => None,
    })
}
