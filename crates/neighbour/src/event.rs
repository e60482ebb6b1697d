//! What the engine tells: each change of an entry as a value, with its cause.
//!
//! [`EventKind::Added`], [`Changed`](EventKind::Changed) and [`Removed`](EventKind::Removed) follow the
//! state machine step by step. What Linux announces to userspace is a part of that: it is marked by
//! [`EventKind::NewNeigh`], built after the queue was flushed (EVT-5, QUE-6), and every `Removed`.

use crate::guard::Disbelief;
use crate::time::Instant;
use crate::{DeviceId, DropReason, Family, Flags, NudState};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;
use neighbour_table::OutOfMemory;
use neighbour_wire::LlAddr;

/// The class of an IPv4 address, or multicast against unicast for IPv6 (DM-3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
#[repr(u8)]
pub enum RouteType {
    /// A neighbour.
    #[default]
    Unicast = 1,
    /// An own address.
    Local = 2,
    /// Broadcast.
    Broadcast = 3,
    /// Anycast.
    Anycast = 4,
    /// Multicast.
    Multicast = 5,
}

/// An entry as `ip -s neigh` shows it (NL-3, NL-4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NeighbourInfo {
    /// ARP or ND.
    pub family: Family,
    /// Its device.
    pub device: DeviceId,
    /// Its address.
    pub address: IpAddr,
    /// Its state.
    pub state: NudState,
    /// Its link-layer address; none unless the state is VALID (DM-6).
    pub lladdr: Option<LlAddr>,
    /// EXT_LEARNED, MANAGED, EXT_VALIDATED, ROUTER.
    pub flags: Flags,
    /// The class of its address when it was made.
    pub route_type: RouteType,
    /// Who made it (`protocol` of iproute2); 0 unknown.
    pub protocol: u8,
    /// Probes sent in this phase (NUD-9, NUD-10).
    pub probes: u32,
    /// References, less the table's own (DM-4): holders and an armed timer.
    pub refcnt: u32,
    /// Since the slow output path touched it.
    pub used: Duration,
    /// Since its last confirmation.
    pub confirmed: Duration,
    /// Since its state or address changed.
    pub updated: Duration,
    /// Packets waiting.
    pub queued: u32,
}

/// Why an entry came, changed or went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// A packet to send.
    Packet,
    /// Time.
    Timer,
    /// An ARP request from this hardware address.
    ArpRequest(LlAddr),
    /// An ARP reply from this hardware address.
    ArpReply(LlAddr),
    /// A neighbour solicitation.
    NeighbourSolicit,
    /// A neighbour advertisement.
    NeighbourAdvert {
        /// S: it answers a solicitation.
        solicited: bool,
        /// O: it may replace the address.
        overrides: bool,
    },
    /// A router solicitation.
    RouterSolicit,
    /// A router advertisement.
    RouterAdvert,
    /// A redirect.
    Redirect,
    /// Userspace, with its port id.
    Admin(u32),
    /// A refresh of a managed entry (NUD-51).
    Managed,
    /// The table was full (CRE-3).
    ForcedGc,
    /// Others needed its place among entries that nobody has verified ([`crate::Admission`]).
    Admission,
    /// Idle too long, or FAILED (GC-25).
    PeriodicGc,
    /// The device went down or away, or changed its address.
    Device,
    /// The carrier was lost.
    Carrier,
    /// The last address of the family left the device.
    LastAddress,
    /// A new broadcast address took its place (DEV-16).
    Broadcast,
    /// A reader of the table handed a packet over.
    Handover,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// An entry was made. Linux tells nobody (CRE-17).
    Added {
        /// The entry.
        neighbour: NeighbourInfo,
        /// Why.
        reason: Reason,
    },
    /// An entry changed its state or address.
    Changed {
        /// The entry, afterwards.
        neighbour: NeighbourInfo,
        /// Its state before.
        from: NudState,
        /// Why.
        reason: Reason,
    },
    /// RTM_NEWNEIGH (EVT-1): what userspace hears, by the port id of who asked (EVT-6).
    NewNeigh {
        /// The entry as it is now.
        neighbour: NeighbourInfo,
        /// The requester's port id, or 0.
        port: u32,
    },
    /// An entry left the table: RTM_DELNEIGH (EVT-2).
    Removed {
        /// The entry as it ended.
        neighbour: NeighbourInfo,
        /// Why.
        reason: Reason,
    },
    /// RTM_GETNEIGH: userspace is asked to resolve (EVT-9).
    GetNeigh {
        /// The entry.
        neighbour: NeighbourInfo,
    },
    /// A packet could not be delivered: its sender is owed an ICMP error (QUE-7, QUE-8).
    Unreachable {
        /// Where it was to go by.
        device: DeviceId,
        /// The neighbour that did not answer.
        next_hop: IpAddr,
        /// The IP packet.
        packet: Vec<u8>,
        /// Why.
        reason: DropReason,
    },
    /// "neighbor table overflow!": an entry was refused (CRE-4). At most ten in 5 s.
    TableOverflow {
        /// Of which table.
        family: Family,
        /// Refusals not told of since the last one.
        suppressed: u64,
    },
    /// Somebody seeks more addresses than his budget has places for entries: a scan, perhaps ([`crate::Admission`]).
    /// Told once in ten seconds for each source, and once a second for all.
    Scan {
        /// Where the addresses would be.
        device: DeviceId,
        /// Whose packets seek them; none: this host's own.
        source: Option<IpAddr>,
        /// The last one sought.
        sought: IpAddr,
        /// Packets that got no entry since the last time this was told of.
        refused: u64,
    },
    /// Requests come faster than they are answered: see [`crate::Admission::reply_rate`]. Told once in ten seconds.
    Storm {
        /// On this device.
        device: DeviceId,
        /// Whose request was left unanswered last.
        peer: IpAddr,
        /// Requests left unanswered since the last time this was told of.
        refused: u64,
    },
    /// A neighbour that was not seen before, among the last four thousand ([`crate::Admission`]).
    NewStation {
        /// The entry.
        neighbour: NeighbourInfo,
        /// Such stations that were not told of since the last one: a hundred are at once, and ten in a second.
        suppressed: u64,
    },
    /// A table is used to nine tenths of gc_thresh3 ([`crate::Admission`]). Told once a minute.
    NearLimit {
        /// Which table.
        family: Family,
        /// Entries that count.
        entries: u32,
        /// gc_thresh3.
        limit: u32,
    },
    /// An own IPv6 address passed duplicate detection (ND-77).
    AddressAssigned {
        /// On this device.
        device: DeviceId,
        /// The address.
        address: IpAddr,
    },
    /// An own address made from an advertised prefix ended.
    AddressExpired {
        /// On this device.
        device: DeviceId,
        /// The address.
        address: IpAddr,
    },
    /// An own address belongs to somebody else, too; it is not used (ND-80).
    AddressDuplicate {
        /// On this device.
        device: DeviceId,
        /// The address.
        address: IpAddr,
        /// Who has it, as far as the message said.
        lladdr: Option<LlAddr>,
    },
    /// Somebody advertises an own address that is in use (ND-43).
    AddressConflict {
        /// On this device.
        device: DeviceId,
        /// The address.
        address: IpAddr,
        /// Who claims it.
        lladdr: Option<LlAddr>,
    },
    /// A neighbour is said to have another address; the one it has is asked first (`move_policy` 1).
    MoveClaimed {
        /// The entry as it is.
        neighbour: NeighbourInfo,
        /// The address claimed.
        claimed: LlAddr,
    },
    /// The old address was silent, and the neighbour has moved (`move_policy` 1); or it came back with another address
    /// after its entry had gone ([`crate::Admission`]).
    Moved {
        /// The entry as it is now.
        neighbour: NeighbourInfo,
        /// Where it was.
        from: LlAddr,
    },
    /// A neighbour has moved so often that it will not be moved again for a while: a flip-flop, a loop, or an
    /// impostor (`move_policy` 1).
    Restless {
        /// The entry as it is now.
        neighbour: NeighbourInfo,
        /// Where it was.
        from: LlAddr,
    },
    /// A claim of another address was not believed: perhaps somebody is an impostor (`move_policy` 1 to 3).
    ClaimDisbelieved {
        /// The entry, which stays as it is.
        neighbour: NeighbourInfo,
        /// The address claimed.
        claimed: LlAddr,
        /// Why not.
        why: Disbelief,
        /// Claims not told of since the last one: ten are told of at once, and one in a second.
        suppressed: u64,
    },
    /// A router changed reachable or retransmission time (ND-58, ND-59).
    ParmsChanged {
        /// On this device.
        device: DeviceId,
        /// Of this family.
        family: Family,
    },
    /// The device listens to other groups than before: [`crate::Engine::link_groups`] lists them.
    GroupsChanged {
        /// On this device.
        device: DeviceId,
    },
    /// An entry lost its last reference without having been removed; it is kept (DST-5).
    DestroyAlive {
        /// The entry.
        neighbour: NeighbourInfo,
    },
    /// This many events were dropped since nobody took them.
    Lost(u64),
}

/// Something that happened, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub at: Instant,
    /// What.
    pub kind: EventKind,
}

/// Events waiting to be taken; bounded, and it says how many it had to drop.
#[derive(Debug)]
pub(crate) struct EventQueue {
    events: VecDeque<Event>,
    limit: usize,
    lost: u64,
}

impl EventQueue {
    pub(crate) fn new(limit: usize) -> Self {
        Self { events: VecDeque::new(), limit, lost: 0 }
    }

    /// Makes room for as many as may wait.
    pub(crate) fn reserve(&mut self) -> Result<(), OutOfMemory> {
        self.events.try_reserve_exact(self.limit).map_err(|_| OutOfMemory)
    }

    #[inline]
    pub(crate) fn push(&mut self, at: Instant, kind: EventKind) {
        if self.events.len() >= self.limit || self.events.try_reserve(1).is_err() {
            self.lost += 1;
            return;
        }
        self.events.push_back(Event { at, kind });
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn pop(&mut self, now: Instant) -> Option<Event> {
        self.events.pop_front().or_else(|| match core::mem::take(&mut self.lost) {
            0 => None,
            lost => Some(Event { at: now, kind: EventKind::Lost(lost) }),
        })
    }
}
