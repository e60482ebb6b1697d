//! An entry as the engine keeps it: what readers need stands in [`neighbour_table`], the rest here.

use crate::event::RouteType;
use crate::list::Links;
use crate::queue::QueueId;
use crate::time::Tick;
use crate::{DeviceId, NudState};

bitflags::bitflags! {
    /// Flags of an entry: the low byte travels in `ndm_flags`, the rest in NDA_FLAGS_EXT, shifted
    /// left by 8 (DM-8, DM-9).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
    pub struct Flags: u32 {
        /// An action, never stored: use the entry now.
        const USE = 0x01;
        /// Ignored here (FDB).
        const SELF = 0x02;
        /// Ignored here (FDB).
        const MASTER = 0x04;
        /// The entry is a proxy entry.
        const PROXY = 0x08;
        /// Learned by a control plane; never collected.
        const EXT_LEARNED = 0x10;
        /// Ignored here.
        const OFFLOADED = 0x20;
        /// Ignored here (FDB).
        const STICKY = 0x40;
        /// The neighbour is a router.
        const ROUTER = 0x80;
        /// Kept resolved by the engine.
        const MANAGED = 0x100;
        /// Validated by a control plane: probed, but never collected, kept through carrier loss, and STALE
        /// rather than FAILED if it does not answer.
        const EXT_VALIDATED = 0x400;
    }
}

impl Flags {
    /// What keeps an entry from being collected and counted (CRE-1).
    pub(crate) const EXEMPT: Self = Self::EXT_LEARNED.union(Self::EXT_VALIDATED);
    /// What an administrator's update sets or clears (UPD-3).
    pub(crate) const STORED: Self = Self::EXEMPT.union(Self::MANAGED);
}

/// How packets leave by an entry (OUT-4 to OUT-8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Output {
    /// Drop: network down (DM-5).
    Blackhole,
    /// Through the state machine.
    Resolve,
    /// Build the header, ask nobody.
    Connected,
    /// As it is.
    Direct,
}

/// The operations of an entry, chosen by its device (DM-13, DM-14).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ops {
    /// Build a header for each packet.
    Generic,
    /// Copy a cached header; all else resolves.
    Hh,
    /// No header, no questions.
    Direct,
}

impl Ops {
    /// Output once the entry is connected (DM-15).
    pub(crate) fn connected(self) -> Output {
        match self {
            Self::Generic => Output::Connected,
            Self::Hh => Output::Resolve,
            Self::Direct => Output::Direct,
        }
    }

    /// Output while it is not.
    pub(crate) fn suspect(self) -> Output {
        match self {
            Self::Generic | Self::Hh => Output::Resolve,
            Self::Direct => Output::Direct,
        }
    }

    pub(crate) fn solicits(self) -> bool {
        self != Self::Direct
    }
}

/// An entry. Its key, link-layer address and references stand in the shared table.
#[derive(Debug)]
pub(crate) struct Neighbour {
    pub(crate) device: DeviceId,
    pub(crate) state: NudState,
    pub(crate) ops: Ops,
    pub(crate) output: Output,
    pub(crate) route_type: RouteType,
    pub(crate) protocol: u8,
    pub(crate) dead: bool,
    /// The header was built once: packets of a CONNECTED entry no longer touch it (OUT-3).
    pub(crate) header_cached: bool,
    pub(crate) flags: Flags,
    pub(crate) probes: u32,
    pub(crate) used: Tick,
    pub(crate) confirmed: Tick,
    pub(crate) updated: Tick,
    pub(crate) queue: QueueId,
    /// Its place among the entries of its device.
    pub(crate) by_device: Links,
    /// Its place in the order of collection; linked exactly while it counts in gc_entries.
    pub(crate) by_gc: Links,
    /// Its place among the managed entries.
    pub(crate) by_managed: Links,
}

impl Neighbour {
    /// Never counted nor collected (CRE-1, GC-16).
    pub(crate) fn is_exempt(&self) -> bool {
        self.state.has(NudState::PERMANENT) || self.flags.intersects(Flags::EXEMPT)
    }
}
