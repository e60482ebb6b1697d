//! Frames that wait to be sent together.

use crate::sys;
use std::io;
use std::os::fd::BorrowedFd;

/// Up to [`sys::BATCH`] frames, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// Where each frame ends.
    ends: Vec<usize>,
    refused: u64,
    /// The first refusal that was not reported yet.
    failure: Option<io::Error>,
}

impl Outbox {
    pub(super) fn is_full(&self) -> bool {
        self.ends.len() >= sys::BATCH
    }

    pub(super) fn push(&mut self, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
        self.ends.push(self.bytes.len());
    }

    /// How many frames the kernel refused.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// The first refusal since this was last asked.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Sends all, in order. A frame that the kernel refuses is given up and the next one tried.
    pub(super) fn send(&mut self, fd: BorrowedFd<'_>) {
        let starts = || std::iter::once(&0).chain(&self.ends);
        let frames: Vec<&[u8]> =
            starts().zip(&self.ends).map(|(&start, &end)| &self.bytes[start..end]).collect();
        let mut rest = frames.as_slice();
        while !rest.is_empty() {
            let given_up = match sys::send_batch(fd, rest.iter().copied()) {
                Ok(sent) => {
                    // It sends one at least, or says why not.
                    rest = &rest[sent.clamp(1, rest.len())..];
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // The socket's buffer is full: no other frame would fit either.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let full = io::Error::from_raw_os_error(libc::ENOBUFS);
                    self.failure.get_or_insert(full);
                    rest.len()
                }
                Err(error) => {
                    self.failure.get_or_insert(error);
                    1
                }
            };
            self.refused += given_up as u64;
            rest = &rest[given_up..];
        }
        self.bytes.clear();
        self.ends.clear();
    }
}
