//! What is closed behind the daemon once everything is open: files by Landlock, system calls by seccomp.
//!
//! Whatever a frame or a client may one day talk it into, it starts no program, opens no connection and sees no file
//! but those that its own work takes. What is refused comes back as an error (EACCES of files, EPERM of system
//! calls), and the daemon goes on: the place that asked tells of it in a line, as of any other refusal. To kill the
//! process instead would make a host of the network vanish for one call of a new C library, with nothing said but in
//! the audit log.
//!
//! A kernel or processor that cannot do one of the two is told in a line, and the other one holds.

mod calls;
mod files;

use super::port::Port;
use super::spec::PortKind;
use std::path::PathBuf;
use tracing::{debug, warn};

/// What the daemon does later on, for which a door stays open.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Needs {
    /// Read again on SIGHUP, as whoever edits it leaves it there: written over, or another file in its place.
    pub(super) config: Option<PathBuf>,
    /// Read at the start, written beside its place and renamed.
    pub(super) state: Option<PathBuf>,
    /// Removed in the end.
    pub(super) socket: PathBuf,
    /// The lists of users and groups are asked about each client.
    pub(super) groups: bool,
    /// An interface is opened anew by AF_PACKET; AF_XDP asks for it, too.
    pub(super) packet: bool,
    /// And by AF_XDP, with a program for the kernel.
    pub(super) xdp: bool,
}

impl Needs {
    /// Those of these ports.
    pub(super) fn with_ports(self, ports: &[Port]) -> Self {
        let any = |kind| ports.iter().any(|port| port.kind == kind);
        let xdp = any(PortKind::Xdp);
        Self { xdp, packet: xdp || any(PortKind::Packet), ..self }
    }
}

/// Closes what is not needed, for good, and tells in a line what cannot be closed here.
pub(super) fn close(needs: &Needs) {
    match files::restrict(needs) {
        Ok(detail) => debug!("files are restricted: {detail}"),
        Err(why) => warn!("files are not restricted, for Landlock is missing: {why}"),
    }
    // This one last: it would forbid the other.
    match calls::restrict(needs) {
        Ok(()) => debug!("system calls are restricted"),
        Err(why) => warn!("system calls are not restricted, for seccomp is missing: {why}"),
    }
}

#[cfg(test)]
mod tests;
