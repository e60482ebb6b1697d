//! Cuts a stream of bytes into netlink messages.

/// The largest message that is taken, in bytes. A neighbour takes about 100; the kernel's largest
/// single message is a link with all its attributes.
pub const MESSAGE_MAX: usize = 64 * 1024;

/// The length of `struct nlmsghdr`.
pub(crate) const HEADER: usize = 16;

/// Why a stream cannot be read on: the framing is lost, so the connection is to be closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// `nlmsg_len` is less than its own header.
    #[error("a message says that it has {0} bytes, fewer than its header of 16")]
    TooShort(usize),
    /// `nlmsg_len` is more than [`MESSAGE_MAX`].
    #[error("a message says that it has {0} bytes; the most is 65536")]
    TooLong(usize),
}

/// Bytes that came in and are not yet taken as messages.
///
/// It holds one whole message and what was pushed with it: the caller bounds each push.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Where the next message begins.
    start: usize,
}

impl Frames {
    /// Takes in what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        } else if self.start > MESSAGE_MAX {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message with its header, if it is here. Messages begin at multiples of four bytes.
    ///
    /// # Errors
    ///
    /// The length cannot be one; so it will be said again at each call.
    pub fn next_message(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        let Some(len) = rest.first_chunk::<4>() else { return Ok(None) };
        let len = u32::from_ne_bytes(*len) as usize;
        match len {
            ..HEADER => return Err(FrameError::TooShort(len)),
            _ if len > MESSAGE_MAX => return Err(FrameError::TooLong(len)),
            _ => {}
        }
        // The padding belongs to the message, save at the end of a datagram, where it may be left out.
        let padded = len.next_multiple_of(4);
        let start = self.start;
        match self.bytes.get(start..start + len) {
            Some(message) => {
                self.start = (start + padded).min(self.bytes.len());
                Ok(Some(message))
            }
            None => Ok(None),
        }
    }

    /// Are there bytes of a message that is not whole yet?
    pub fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(len: u32, fill: u8) -> Vec<u8> {
        let mut message = vec![fill; len as usize];
        message[..4].copy_from_slice(&len.to_ne_bytes());
        message
    }

    #[test]
    fn messages_come_out_as_they_went_in_however_they_were_cut() {
        let messages = [message(16, 1), message(40, 2), message(24, 3)];
        let stream = messages.concat();
        for step in 1..stream.len() {
            let mut frames = Frames::default();
            let mut out = Vec::new();
            for piece in stream.chunks(step) {
                frames.push(piece);
                while let Some(message) = frames.next_message().unwrap() {
                    out.push(message.to_vec());
                }
            }
            assert_eq!(out, messages, "cut into pieces of {step}");
            assert!(frames.is_empty());
        }
    }

    #[test]
    fn a_length_that_cannot_be_is_an_error() {
        for (len, error) in [
            (0, FrameError::TooShort(0)),
            (15, FrameError::TooShort(15)),
            (65_537, FrameError::TooLong(65_537)),
            (u32::MAX, FrameError::TooLong(u32::MAX as usize)),
        ] {
            let mut frames = Frames::default();
            frames.push(&u32::to_ne_bytes(len));
            assert_eq!(frames.next_message(), Err(error));
        }
    }

    #[test]
    fn a_beginning_is_no_message_yet() {
        let mut frames = Frames::default();
        for byte in &message(20, 7)[..19] {
            frames.push(&[*byte]);
            assert_eq!(frames.next_message(), Ok(None));
        }
        assert!(!frames.is_empty());
    }
}
