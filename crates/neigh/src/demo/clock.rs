//! Real time for the kernel, simulated time for two engines.

use neighbour_link::Time;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// The least step of simulated time, so that it never stands still.
const STEP: Duration = Duration::from_millis(1);

/// What time it is, since the story began.
#[derive(Debug)]
pub(crate) enum Clock {
    /// The machine's monotonic clock.
    Real(Instant),
    /// A number, which waiting moves.
    Simulated(Time),
}

impl Clock {
    pub(crate) fn now(&self) -> Time {
        match self {
            Self::Real(start) => start.elapsed(),
            Self::Simulated(now) => *now,
        }
    }

    /// Waits until then, or until something can be read from one of these.
    pub(crate) fn wait(&mut self, until: Time, fds: Vec<BorrowedFd<'_>>) -> anyhow::Result<()> {
        match self {
            Self::Simulated(now) => *now = until.max(*now + STEP),
            Self::Real(start) => {
                let mut fds: Vec<_> = fds.into_iter().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
                let timeout = until.saturating_sub(start.elapsed());
                match ppoll(&mut fds, Some(TimeSpec::from_duration(timeout)), None) {
                    Ok(_) | Err(Errno::EINTR) => {}
                    Err(errno) => return Err(anyhow::Error::new(errno).context("waiting for frames")),
                }
            }
        }
        Ok(())
    }
}
