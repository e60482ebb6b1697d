//! What the daemon may still do once its links are open: as little as its work takes.

use super::port::Port;
use super::spec::PortKind;
use caps::errors::CapsError;
use caps::{CapSet, Capability, CapsHashSet};

/// Gives up all privileges but those with which the ports can be opened anew, for good: no program that it might run
/// could have more.
///
/// A process that has none to begin with keeps none. What cannot be given up is told and kept; that is no reason not
/// to serve.
pub(super) fn drop_all_but_needed(ports: &[Port]) {
    if let Err(error) = nix::sys::prctl::set_no_new_privs() {
        tracing::warn!("new privileges cannot be forbidden: {error}");
    }
    let needed: CapsHashSet = ports.iter().flat_map(|port| needed(port.kind)).copied().collect();
    if let Err(error) = keep(&needed) {
        tracing::warn!("privileges that are not needed cannot be given up: {error}");
    }
}

/// To open a port of this kind anew, when its interface changes its address or comes back.
fn needed(kind: PortKind) -> &'static [Capability] {
    match kind {
        // Its other end is the kernel's, and goes with it.
        PortKind::Tap => &[],
        PortKind::Packet => &[Capability::CAP_NET_RAW],
        // Its memory is locked.
        PortKind::Xdp => &[
            Capability::CAP_NET_RAW,
            Capability::CAP_NET_ADMIN,
            Capability::CAP_BPF,
            Capability::CAP_IPC_LOCK,
        ],
    }
}

/// The bounding set first, for that takes a privilege.
fn keep(needed: &CapsHashSet) -> Result<(), CapsError> {
    let permitted = caps::read(None, CapSet::Permitted)?;
    if permitted.contains(&Capability::CAP_SETPCAP) {
        for gone in caps::all().difference(needed) {
            // One that this kernel does not know is in no set.
            if caps::has_cap(None, CapSet::Bounding, *gone).unwrap_or(false) {
                caps::drop(None, CapSet::Bounding, *gone)?;
            }
        }
    }
    let kept: CapsHashSet = permitted.intersection(needed).copied().collect();
    caps::clear(None, CapSet::Inheritable)?;
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)
}
