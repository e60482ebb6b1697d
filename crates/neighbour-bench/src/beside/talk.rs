//! A conversation in raw rtnetlink, the same words for the daemon and the kernel: many requests at once, and
//! answers counted rather than understood, so that what is measured is who answers.

use anyhow::{Context, bail};
use neighbour_ctl::{Filter, Frames, Request, request};
use netlink_packet_core::{NLM_F_ACK, NLMSG_DONE, NLMSG_ERROR};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Requests that are sent at once, of which the last is acknowledged.
const AT_ONCE: usize = 64;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

enum Wire {
    Daemon(UnixStream),
    Kernel(Socket),
}

/// One conversation.
pub(crate) struct Talk {
    wire: Wire,
    frames: Frames,
    buffer: Vec<u8>,
    sequence: u32,
}

impl Talk {
    pub(crate) fn kernel() -> anyhow::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self::new(Wire::Kernel(socket)))
    }

    pub(crate) fn daemon(path: &Path) -> anyhow::Result<Self> {
        let stream =
            UnixStream::connect(path).with_context(|| format!("connecting to {}", path.display()))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self::new(Wire::Daemon(stream)))
    }

    fn new(wire: Wire) -> Self {
        Self { wire, frames: Frames::default(), buffer: vec![0; 256 * 1024], sequence: 0 }
    }

    /// Has all of these done.
    ///
    /// # Errors
    /// When one is refused.
    pub(crate) fn change(&mut self, requests: &[Request]) -> anyhow::Result<()> {
        for some in requests.chunks(AT_ONCE) {
            let mut bytes = Vec::new();
            for (n, one) in some.iter().enumerate() {
                self.sequence += 1;
                let start = bytes.len();
                bytes.extend(request::change(self.sequence, one));
                if n + 1 < some.len() {
                    // nlmsghdr: length, type, flags.
                    let flags = u16::from_ne_bytes([bytes[start + 6], bytes[start + 7]]) & !NLM_F_ACK;
                    bytes[start + 6..start + 8].copy_from_slice(&flags.to_ne_bytes());
                }
            }
            self.send(&bytes)?;
            let last = self.sequence;
            self.read(|sequence, kind, payload| {
                let errno = payload.first_chunk().map_or(0, |errno| i32::from_ne_bytes(*errno));
                match kind {
                    NLMSG_ERROR if errno != 0 => bail!("request {sequence} was refused: errno {}", -errno),
                    NLMSG_ERROR => Ok(sequence == last),
                    _ => Ok(false),
                }
            })?;
        }
        Ok(())
    }

    /// Lists the table: how many entries there are, and how many have any of these states.
    ///
    /// # Errors
    /// When the conversation breaks.
    pub(crate) fn count(&mut self, states: u16) -> anyhow::Result<(usize, usize)> {
        self.sequence += 1;
        self.send(&request::neighbours(self.sequence, &Filter::default()))?;
        let (mut all, mut with) = (0, 0);
        self.read(|_, kind, payload| {
            if kind == NLMSG_DONE || kind == NLMSG_ERROR {
                return Ok(true);
            }
            // ndmsg: family and padding, interface, state.
            let state = payload.get(8..10).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or_default();
            all += 1;
            with += usize::from(u16::from_ne_bytes(state) & states != 0);
            Ok(false)
        })?;
        Ok((all, with))
    }

    fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match &mut self.wire {
            Wire::Daemon(stream) => stream.write_all(bytes)?,
            Wire::Kernel(socket) => socket.send(bytes, 0).map(drop)?,
        }
        Ok(())
    }

    /// Reads messages (sequence, type, payload) until `take` has enough.
    fn read(&mut self, mut take: impl FnMut(u32, u16, &[u8]) -> anyhow::Result<bool>) -> anyhow::Result<()> {
        loop {
            while let Some(message) = self.frames.next_message()? {
                let Some((head, payload)) = message.split_at_checked(16) else { continue };
                let kind = u16::from_ne_bytes([head[4], head[5]]);
                let sequence = u32::from_ne_bytes([head[8], head[9], head[10], head[11]]);
                if take(sequence, kind, payload)? {
                    return Ok(());
                }
            }
            let len = match &mut self.wire {
                Wire::Daemon(stream) => stream.read(&mut self.buffer)?,
                Wire::Kernel(socket) => socket.recv(&mut &mut self.buffer[..], 0)?,
            };
            if len == 0 {
                bail!("the other side closed the conversation");
            }
            self.frames.push(&self.buffer[..len]);
        }
    }
}
