//! The far end of an interface of the running kernel.
//!
//! What the kernel sends on the interface is received here, and what is transmitted here the kernel
//! receives: the two are one cable. So [`Info::mac`] is the *kernel's* address on it; ours is for the
//! caller to choose, and must be another.

use crate::interface::{Interface, Name};
use crate::{Info, Link, LinkError, Time, sys};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

/// The largest frame: 65,535 bytes of IP behind an Ethernet header with two VLAN tags.
const FRAME_MAX: usize = 65_535 + 14 + 8;

/// A TAP: frames without packet information, without offload, never blocking.
///
/// The interface vanishes when this is dropped, unless it was there before as a persistent one.
/// It is given no address and is not brought up by itself: see [`up`](Self::up).
#[derive(Debug)]
pub struct Tap {
    file: File,
    interface: Interface,
    /// Where the kernel writes, so that a frame's buffer need not be cleared to its largest size first.
    scratch: Box<[u8]>,
}

impl Tap {
    /// Makes a TAP of this name, or attaches to a persistent one that exists.
    ///
    /// Without a name the kernel takes the next `tapN`; a `%d` in the name is such a number too.
    ///
    /// # Errors
    ///
    /// [`LinkError::Name`], [`LinkError::TunAbsent`], [`LinkError::TunDenied`], [`LinkError::TapDenied`],
    /// [`LinkError::NameInUse`], or what else the system says.
    pub fn create(name: Option<&str>) -> Result<Self, LinkError> {
        let name = name.map_or_else(|| Ok(Name::chosen_by_kernel()), Name::new)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/net/tun")
            .map_err(|error| open_error(&name, error))?;
        let actual = attach(&file, &name)?;
        sys::tun_no_offload(file.as_fd()).map_err(LinkError::system(&actual, "turn offload off"))?;
        Ok(Self {
            file,
            interface: Interface::new(Name::new(&actual)?)?,
            scratch: vec![0; FRAME_MAX].into_boxed_slice(),
        })
    }

    /// What the kernel's end says about itself now.
    ///
    /// # Errors
    ///
    /// [`LinkError::NoSuchInterface`] if it was removed, renamed or moved to another namespace.
    pub fn info(&self) -> Result<Info, LinkError> {
        self.interface.info().map(|(info, _)| info)
    }

    /// Brings the kernel's end up, as plugging the cable in would.
    ///
    /// # Errors
    ///
    /// As for [`info`](Self::info), and what the system says for want of a privilege.
    pub fn up(&self) -> Result<(), LinkError> {
        self.interface.set_up(true)
    }

    /// Takes the kernel's end down; frames transmitted then are refused with `ENETDOWN`.
    ///
    /// # Errors
    ///
    /// As for [`up`](Self::up).
    pub fn down(&self) -> Result<(), LinkError> {
        self.interface.set_up(false)
    }
}

fn open_error(name: &Name, error: io::Error) -> LinkError {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => LinkError::TunAbsent,
        Some(libc::EACCES | libc::EPERM) => LinkError::TunDenied,
        _ => LinkError::system(name.as_str(), "open /dev/net/tun")(error),
    }
}

/// A persistent TAP made for several queues refuses to be opened as one of a single queue, so that is tried too.
fn attach(file: &File, name: &Name) -> Result<String, LinkError> {
    let single = libc::IFF_TAP | libc::IFF_NO_PI;
    let attach = |flags| sys::tun_attach(file.as_fd(), name, flags);
    let attached = match attach(single) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => attach(single | libc::IFF_MULTI_QUEUE),
        other => other,
    };
    attached.map_err(|error| {
        let shown = if name.as_str().is_empty() { "tap" } else { name.as_str() };
        let name = shown.to_owned();
        match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => LinkError::TapDenied { name },
            // EINVAL: the name is that of an interface which is no TAP.
            Some(libc::EBUSY | libc::EEXIST | libc::EINVAL) => LinkError::NameInUse { name },
            _ => LinkError::system(shown, "make a TAP")(error),
        }
    })
}

impl Link for Tap {
    fn receive(&mut self, _now: Time, buf: &mut Vec<u8>) -> io::Result<bool> {
        buf.clear();
        loop {
            match self.file.read(&mut self.scratch) {
                Ok(len) => {
                    buf.extend_from_slice(&self.scratch[..len]);
                    return Ok(true);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(false),
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(gone_or(error)),
                },
            }
        }
    }

    /// Hands the frame to the kernel at once.
    ///
    /// # Errors
    ///
    /// `ENETDOWN` while the interface is down, `ENODEV` once it was removed, `EINVAL` for a frame shorter than
    /// an Ethernet header.
    fn transmit(&mut self, _now: Time, frame: &[u8]) -> io::Result<()> {
        match self.file.write(frame) {
            Ok(len) if len == frame.len() => Ok(()),
            Ok(_) => Err(io::Error::from_raw_os_error(libc::EMSGSIZE)),
            Err(error) if error.raw_os_error() == Some(libc::EIO) => {
                Err(io::Error::from_raw_os_error(libc::ENETDOWN))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(io::Error::from_raw_os_error(libc::ENOBUFS))
            }
            Err(error) => Err(gone_or(error)),
        }
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}

/// A descriptor whose interface was removed says `EBADFD`, which no one would understand.
fn gone_or(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(libc::EBADFD) {
        io::Error::from_raw_os_error(libc::ENODEV)
    } else {
        error
    }
}
