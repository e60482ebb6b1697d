//! An entry as the engine keeps it: what readers need stands in [`neighbour_table`], the rest here.

use crate::constructor::Constructed;
use crate::event::RouteType;
use crate::list::Links;
use crate::queue::QueueId;
use crate::time::Tick;
use crate::{DeviceId, NudState};
use core::num::NonZeroU32;

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

/// An entry, in 40 bytes. Its key, link-layer address, references and last confirmation stand in the shared table,
/// its timer in the wheel.
#[derive(Debug)]
pub(crate) struct Neighbour {
    /// Interfaces count from 1, so a place without an entry needs no mark of its own.
    device: NonZeroU32,
    traits: Traits,
    pub(crate) state: NudState,
    pub(crate) protocol: u8,
    pub(crate) probes: u32,
    pub(crate) used: Tick,
    pub(crate) updated: Tick,
    pub(crate) queue: QueueId,
    /// Its place among the entries of its device.
    pub(crate) by_device: Links,
    /// Its place in the order of collection; linked exactly while it counts in gc_entries.
    pub(crate) by_gc: Links,
}

impl Neighbour {
    /// An entry made just now; none for a device that is none.
    pub(crate) fn new(device: DeviceId, made: &Constructed, flags: Flags, now: Tick) -> Option<Self> {
        let mut neighbour = Self {
            device: NonZeroU32::new(device.0)?,
            traits: Traits::default(),
            state: made.state,
            protocol: 0,
            probes: 0,
            used: now,
            updated: now,
            queue: QueueId::default(),
            by_device: Links::default(),
            by_gc: Links::default(),
        };
        neighbour.traits.put(Traits::OPS, made.ops as u16);
        neighbour.traits.put(Traits::ROUTE_TYPE, made.route_type as u16);
        neighbour.set_output(made.output);
        neighbour.set_flags(flags);
        Some(neighbour)
    }

    pub(crate) fn device(&self) -> DeviceId {
        DeviceId(self.device.get())
    }

    pub(crate) fn ops(&self) -> Ops {
        match self.traits.of(Traits::OPS) {
            0 => Ops::Generic,
            1 => Ops::Hh,
            _ => Ops::Direct,
        }
    }

    pub(crate) fn output(&self) -> Output {
        match self.traits.of(Traits::OUTPUT) {
            0 => Output::Blackhole,
            1 => Output::Resolve,
            2 => Output::Connected,
            _ => Output::Direct,
        }
    }

    pub(crate) fn set_output(&mut self, output: Output) {
        self.traits.put(Traits::OUTPUT, output as u16);
    }

    pub(crate) fn route_type(&self) -> RouteType {
        match self.traits.of(Traits::ROUTE_TYPE) {
            2 => RouteType::Local,
            3 => RouteType::Broadcast,
            4 => RouteType::Anycast,
            5 => RouteType::Multicast,
            _ => RouteType::Unicast,
        }
    }

    /// The flags it keeps: ROUTER and those of [`Flags::STORED`].
    pub(crate) fn flags(&self) -> Flags {
        let kept = KEPT_FLAGS.into_iter().filter(|(_, mark)| self.traits.of(*mark) != 0);
        kept.map(|(flag, _)| flag).collect()
    }

    pub(crate) fn set_flags(&mut self, flags: Flags) {
        for (flag, mark) in KEPT_FLAGS {
            self.traits.put(mark, u16::from(flags.contains(flag)));
        }
    }

    pub(crate) fn is_router(&self) -> bool {
        self.traits.of(Traits::ROUTER) != 0
    }

    pub(crate) fn is_managed(&self) -> bool {
        self.traits.of(Traits::MANAGED) != 0
    }

    pub(crate) fn is_extern_valid(&self) -> bool {
        self.traits.of(Traits::EXT_VALIDATED) != 0
    }

    /// It has left the table; somebody may hold it yet (DST-1).
    pub(crate) fn is_dead(&self) -> bool {
        self.traits.of(Traits::DEAD) != 0
    }

    pub(crate) fn set_dead(&mut self) {
        self.traits.put(Traits::DEAD, 1);
    }

    /// The header was built once: packets of a CONNECTED entry no longer touch it (OUT-3).
    pub(crate) fn is_header_cached(&self) -> bool {
        self.traits.of(Traits::HEADER_CACHED) != 0
    }

    pub(crate) fn set_header_cached(&mut self) {
        self.traits.put(Traits::HEADER_CACHED, 1);
    }

    /// It answered once, or an administrator vouched for it ([`crate::Admission`]).
    pub(crate) fn is_verified(&self) -> bool {
        self.traits.of(Traits::VERIFIED) != 0
    }

    pub(crate) fn set_verified(&mut self) {
        self.traits.put(Traits::VERIFIED, 1);
    }

    /// It stands among those that [`crate::managed`] refreshes.
    pub(crate) fn is_refreshed(&self) -> bool {
        self.traits.of(Traits::REFRESHED) != 0
    }

    pub(crate) fn set_refreshed(&mut self, refreshed: bool) {
        self.traits.put(Traits::REFRESHED, u16::from(refreshed));
    }

    /// Never counted nor collected (CRE-1, GC-16).
    pub(crate) fn is_exempt(&self) -> bool {
        self.state.has(NudState::PERMANENT)
            || self.traits.of(Traits::EXT_LEARNED) != 0
            || self.traits.of(Traits::EXT_VALIDATED) != 0
    }
}

const KEPT_FLAGS: [(Flags, Field); 4] = [
    (Flags::ROUTER, Traits::ROUTER),
    (Flags::EXT_LEARNED, Traits::EXT_LEARNED),
    (Flags::MANAGED, Traits::MANAGED),
    (Flags::EXT_VALIDATED, Traits::EXT_VALIDATED),
];

/// What of an entry takes a bit or a few, side by side.
#[derive(Clone, Copy, Default, Debug)]
struct Traits(u16);

/// Where in [`Traits`] something stands: its lowest bit, and its mask before it is moved there.
#[derive(Clone, Copy)]
struct Field(u32, u16);

impl Traits {
    const OPS: Field = Field(0, 0b11);
    const OUTPUT: Field = Field(2, 0b11);
    const ROUTE_TYPE: Field = Field(4, 0b111);
    const ROUTER: Field = Field(7, 1);
    const EXT_LEARNED: Field = Field(8, 1);
    const MANAGED: Field = Field(9, 1);
    const EXT_VALIDATED: Field = Field(10, 1);
    const DEAD: Field = Field(11, 1);
    const HEADER_CACHED: Field = Field(12, 1);
    const REFRESHED: Field = Field(13, 1);
    const VERIFIED: Field = Field(14, 1);

    fn of(self, Field(shift, mask): Field) -> u16 {
        (self.0 >> shift) & mask
    }

    fn put(&mut self, Field(shift, mask): Field, value: u16) {
        self.0 = (self.0 & !(mask << shift)) | ((value & mask) << shift);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_takes_40_bytes() {
        assert_eq!(size_of::<Option<Neighbour>>(), 40);
    }

    #[test]
    fn what_was_put_into_an_entry_comes_out() {
        let made = |ops, output, route_type| Constructed {
            address: core::net::Ipv4Addr::LOCALHOST.into(),
            route_type,
            state: NudState::STALE,
            ops,
            output,
            lladdr: None,
        };
        let kinds = [RouteType::Unicast, RouteType::Local, RouteType::Broadcast, RouteType::Anycast];
        for route_type in kinds.into_iter().chain([RouteType::Multicast]) {
            for ops in [Ops::Generic, Ops::Hh, Ops::Direct] {
                for output in [Output::Blackhole, Output::Resolve, Output::Connected, Output::Direct] {
                    for bits in 0..16 {
                        let flags = KEPT_FLAGS.iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1);
                        let flags: Flags = flags.map(|(_, (flag, _))| *flag).collect();
                        let made = made(ops, output, route_type);
                        let mut entry = Neighbour::new(DeviceId(7), &made, flags, Tick(1)).expect("device 7");
                        let traits = |e: &Neighbour| (e.ops(), e.output(), e.route_type(), e.flags());
                        assert_eq!(traits(&entry), (ops, output, route_type, flags));
                        assert!(!entry.is_dead() && !entry.is_header_cached() && !entry.is_refreshed());
                        entry.set_dead();
                        entry.set_refreshed(true);
                        entry.set_header_cached();
                        assert!(entry.is_dead() && entry.is_header_cached() && entry.is_refreshed());
                        entry.set_refreshed(false);
                        assert!(!entry.is_refreshed());
                        assert_eq!(traits(&entry), (ops, output, route_type, flags));
                    }
                }
            }
        }
    }
}
