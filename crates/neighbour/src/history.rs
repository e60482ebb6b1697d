//! What happened to neighbours lately: a ring of fixed length beside the table, from which a person can
//! read why an entry is FAILED, or why there is none.

use crate::event::Reason;
use crate::guard::Disbelief;
use crate::time::Instant;
use crate::{CreateError, DeviceId, DropReason, NudState};
use alloc::collections::VecDeque;
use core::fmt;
use core::net::IpAddr;
use neighbour_table::OutOfMemory;
use neighbour_wire::LlAddr;

/// Something that happened to one neighbour. Prints itself as a sentence without a subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Happening {
    /// An entry was made.
    Created(Reason),
    /// No entry could be made.
    NotCreated(CreateError),
    /// The entry changed its state or address.
    Changed {
        /// From this state.
        from: NudState,
        /// To this one.
        to: NudState,
        /// With this address, if it is one to send to.
        lladdr: Option<LlAddr>,
        /// Because of this.
        reason: Reason,
    },
    /// A solicitation was sent.
    Asked {
        /// To this address; none: everybody.
        to: Option<LlAddr>,
        /// The probe counter afterwards; a first resolution begins past ucast_solicit (NUD-9).
        probes: u32,
    },
    /// Userspace was asked to resolve.
    AskedUserspace,
    /// A claim of another address did not move the entry.
    ClaimIgnored {
        /// The address claimed.
        claimed: LlAddr,
        /// By what.
        reason: Reason,
    },
    /// A claim was refused: the entry is NOARP or PERMANENT, or no address came with it.
    ClaimRefused {
        /// By what.
        reason: Reason,
        /// What was wrong.
        error: &'static str,
    },
    /// A claim of another address waits until the old one had time to answer (`move_policy`).
    MoveHeld {
        /// The address claimed.
        claimed: LlAddr,
        /// By what.
        reason: Reason,
    },
    /// A claim was not believed (`move_policy`).
    Disbelieved {
        /// The address claimed.
        claimed: LlAddr,
        /// By what.
        reason: Reason,
        /// Why not.
        why: Disbelief,
    },
    /// A packet to it was dropped.
    Dropped(DropReason),
    /// The entry left the table.
    Removed {
        /// In this state.
        state: NudState,
        /// Because of this.
        reason: Reason,
    },
}

/// A happening, when, and to whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// When.
    pub at: Instant,
    /// On this device.
    pub device: DeviceId,
    /// The neighbour's address.
    pub address: IpAddr,
    /// What happened.
    pub happening: Happening,
}

/// The ring.
#[derive(Debug)]
pub(crate) struct History {
    records: VecDeque<Record>,
    limit: usize,
}

impl History {
    pub(crate) fn new(limit: usize) -> Self {
        Self { records: VecDeque::new(), limit }
    }

    /// Makes room for all that will be remembered.
    pub(crate) fn reserve(&mut self) -> Result<(), OutOfMemory> {
        self.records.try_reserve_exact(self.limit).map_err(|_| OutOfMemory)
    }

    pub(crate) fn push(&mut self, record: Record) {
        if self.records.len() >= self.limit {
            self.records.pop_front();
        }
        if self.limit > 0 && self.records.try_reserve(1).is_ok() {
            self.records.push_back(record);
        }
    }

    pub(crate) fn of(&self, address: IpAddr) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |r| r.address == address)
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created(reason) => write!(f, "entry made, {reason}"),
            Self::NotCreated(error) => write!(f, "no entry made: {error}"),
            Self::Changed { from, to, lladdr, reason } => {
                if from == to {
                    write!(f, "still {to}")?;
                } else {
                    write!(f, "{from} -> {to}")?;
                }
                lladdr.iter().try_for_each(|lladdr| write!(f, " at {lladdr}"))?;
                write!(f, ", {reason}")
            }
            Self::Asked { to: Some(to), probes } => write!(f, "asked {to} (probe counter {probes})"),
            Self::Asked { to: None, probes } => write!(f, "asked everybody (probe counter {probes})"),
            Self::AskedUserspace => f.write_str("asked userspace to resolve it (app_solicit)"),
            Self::ClaimIgnored { claimed, reason } => write!(f, "did not move to {claimed}, {reason}"),
            Self::ClaimRefused { reason, error } => write!(f, "refused ({error}): {reason}"),
            Self::MoveHeld { claimed, reason } => {
                write!(f, "said to be at {claimed}, {reason}; asked the old address first")
            }
            Self::Disbelieved { claimed, reason, why } => {
                write!(f, "not believed to be at {claimed} ({why}), {reason}")
            }
            Self::Dropped(reason) => write!(f, "packet dropped: {reason}"),
            Self::Removed { state, reason } => write!(f, "removed while {state}, {reason}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet => f.write_str("for a packet to send"),
            Self::Timer => f.write_str("by time"),
            Self::ArpRequest(from) => write!(f, "by an ARP request from {from}"),
            Self::ArpReply(from) => write!(f, "by an ARP reply from {from}"),
            Self::NeighbourSolicit => f.write_str("by a neighbour solicitation from it"),
            Self::NeighbourAdvert { solicited, overrides } => {
                let [solicited, overrides] =
                    [*solicited, *overrides].map(|yes| if yes { "" } else { "not " });
                write!(f, "by a neighbour advertisement ({solicited}solicited, {overrides}overriding)")
            }
            Self::RouterSolicit => f.write_str("by a router solicitation from it"),
            Self::RouterAdvert => f.write_str("by a router advertisement from it"),
            Self::Redirect => f.write_str("by a redirect"),
            Self::Admin(0) => f.write_str("by an administrator"),
            Self::Admin(port) => write!(f, "by an administrator (port {port})"),
            Self::Managed => f.write_str("to keep a managed entry fresh"),
            Self::ForcedGc => f.write_str("to make room: the table reached gc_thresh2 or gc_thresh3"),
            Self::Admission => f.write_str("to make room among entries that nobody has verified"),
            Self::PeriodicGc => f.write_str("FAILED or unused for gc_stale_time"),
            Self::Device => f.write_str("the device went down or away, or changed its address"),
            Self::Carrier => f.write_str("the carrier was lost"),
            Self::LastAddress => f.write_str("the device lost its last address"),
            Self::Broadcast => f.write_str("it is a broadcast address now"),
            Self::Handover => f.write_str("for a packet of a reader"),
        }
    }
}
