//! The two kinds of socket.

use super::PATIENCE;
use crate::frames::Frames;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Room for notifications, as `ip monitor` asks for; the kernel may give less.
const RECEIVE_BUFFER: u32 = 1024 * 1024;

pub(crate) enum Wire {
    Daemon(UnixStream),
    Kernel(Socket),
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Daemon(_) => "Daemon",
            Self::Kernel(_) => "Kernel",
        })
    }
}

impl Wire {
    pub(super) fn daemon(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self::Daemon(stream))
    }

    pub(super) fn kernel() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        // Kernels before 4.12 and 4.20 know them not: errors have no words then, and dumps no filter.
        let _old = socket.set_ext_ack(true);
        let _old = socket.set_netlink_get_strict_chk(true);
        let _small = socket.set_rx_buf_sz(RECEIVE_BUFFER);
        Ok(Self::Kernel(socket))
    }

    pub(crate) const fn is_kernel(&self) -> bool {
        matches!(self, Self::Kernel(_))
    }

    pub(super) fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::Daemon(stream) => stream.write_all(message),
            Self::Kernel(socket) => socket.send(message, 0).map(drop),
        }
    }

    /// Waits for bytes and takes them in.
    pub(crate) fn receive(&mut self, frames: &mut Frames) -> io::Result<()> {
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
            Self::Kernel(socket) => loop {
                match socket.recv_from_full() {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => {
                        frames.push(&other?.0);
                        break;
                    }
                }
            },
        }
        Ok(())
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Daemon(stream) => stream.as_fd(),
            Self::Kernel(socket) => socket.as_fd(),
        }
    }
}
