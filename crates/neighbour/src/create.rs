//! Making an entry, in Linux's order and with its results (CRE-1 to CRE-20).

use crate::constructor::Constructed;
use crate::event::{EventKind, Reason};
use crate::guard::Whom;
use crate::history::Happening;
use crate::hooks::NewNeighbour;
use crate::neighbour::Neighbour;
use crate::table::{ByDevice, Id, key};
use crate::told::Change;
use crate::{DeviceId, Engine, Family, Flags, NudState};
use core::net::IpAddr;
use core::time::Duration;
use neighbour_table::Template;
use neighbour_wire::ethernet::ethertype;

/// Why no entry was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// ENOBUFS: the table is full and nothing could be collected (CRE-4).
    #[error("the neighbour table is full (gc_thresh3)")]
    TableFull,
    /// ENOBUFS: no memory (CRE-6).
    #[error("out of memory for a neighbour")]
    OutOfMemory,
    /// ENODEV: no such device.
    #[error("no such device")]
    NoDevice,
    /// EINVAL: the family is not attached to the device, or the device goes away (CRE-9, CRE-13).
    #[error("the device does not speak this family")]
    NoFamily,
    /// ENOBUFS: the budget for entries that nobody has verified is spent ([`crate::Admission`]).
    #[error("the budget for entries that nobody has verified is spent")]
    Budget,
    /// The device's hook refused (CRE-10, CRE-11).
    #[error("the device refused the neighbour (errno {0})")]
    Hook(i32),
}

impl CreateError {
    /// The errno Linux would give.
    pub const fn errno(self) -> i32 {
        match self {
            Self::TableFull | Self::OutOfMemory | Self::Budget => 105,
            Self::NoDevice => 19,
            Self::NoFamily => 22,
            Self::Hook(errno) => errno,
        }
    }
}

/// Linux lets entries be for this long, and runs soft collections this far apart (CRE-3, GC-6).
pub(crate) const FLUSH_DELAY: Duration = Duration::from_secs(5);

impl Engine {
    /// Creation from within: exempt only on loopback (CRE-1).
    pub(crate) fn create(
        &mut self,
        device: DeviceId,
        address: IpAddr,
        reason: Reason,
    ) -> Result<Id, CreateError> {
        self.create_for(device, address, reason, Whom::of(reason))
    }

    /// The same for somebody who has a budget of his own.
    pub(crate) fn create_for(
        &mut self,
        device: DeviceId,
        address: IpAddr,
        reason: Reason,
        whom: Whom,
    ) -> Result<Id, CreateError> {
        let exempt = self.device(device).ok_or(CreateError::NoDevice)?.is_loopback();
        self.create_in_order(device, address, Flags::empty(), exempt, reason, whom)
            .inspect_err(|error| self.remember(device, address, Happening::NotCreated(*error)))
    }

    /// Creation with flags and exemption as userspace asked for (NL-14).
    pub(crate) fn create_with(
        &mut self,
        device: DeviceId,
        address: IpAddr,
        flags: Flags,
        exempt: bool,
        reason: Reason,
    ) -> Result<Id, CreateError> {
        self.create_in_order(device, address, flags, exempt, reason, Whom::of(reason))
            .inspect_err(|error| self.remember(device, address, Happening::NotCreated(*error)))
    }

    fn create_in_order(
        &mut self,
        device: DeviceId,
        address: IpAddr,
        flags: Flags,
        exempt: bool,
        reason: Reason,
        whom: Whom,
    ) -> Result<Id, CreateError> {
        let family = Family::of(address);
        if self.device(device).is_none() {
            return Err(CreateError::NoDevice);
        }
        let mut class = None;
        if !exempt {
            if self.admits_by_class(family) {
                class = self.admit_by_class(device, address, whom)?;
            }
            if class.is_none() {
                self.admit(family)?;
            }
        }
        let made = self.create_admitted(device, address, flags);
        // Linked entries count by their place in the list; until then the count was taken by hand.
        if !exempt {
            self.table_mut(family).gc_entries -= 1;
        }
        let (id, fresh) = made?;
        if fresh {
            if !exempt {
                self.table_mut(family).gc_link(id.slot); // CRE-15
            }
            self.enter_class(id, class);
            self.tell_change(id, Change::Made, reason);
        }
        Ok(id)
    }

    /// Counts first, then looks at the two thresholds, then collects (CRE-2 to CRE-4).
    fn admit(&mut self, family: Family) -> Result<(), CreateError> {
        let now = self.clock.tick();
        let delay = self.clock.ticks_ceil(FLUSH_DELAY);
        let before = self.table(family).gc_entries;
        // What nobody has verified does not make the table crowded for those whom somebody has.
        let settled = self.settled(family, before);
        let table = self.table_mut(family);
        table.gc_entries += 1;
        let full = before >= table.thresholds.thresh3;
        let crowded = settled >= table.thresholds.thresh2 && now.is_after(table.last_flush.plus(delay));
        let freed = if full || crowded { self.forced_gc(family, full) } else { 0 };
        if full && freed == 0 {
            self.table_mut(family).gc_entries -= 1;
            self.refuse_full(family);
            return Err(CreateError::TableFull);
        }
        Ok(())
    }

    /// Counts and tells that there was no room (CRE-4).
    pub(crate) fn refuse_full(&mut self, family: Family) {
        let now = self.clock.tick();
        let delay = self.clock.ticks_ceil(FLUSH_DELAY);
        let table = self.table_mut(family);
        table.stats.table_fulls += 1;
        if let Some(suppressed) = table.overflow.pass(now, delay) {
            self.tell(EventKind::TableOverflow { family, suppressed });
        }
    }

    /// From the allocation on; whatever fails here has "allocs" and "destroys" counted (CRE-16).
    /// True: the entry is new; false: another creation came first (CRE-14).
    fn create_admitted(
        &mut self,
        device: DeviceId,
        address: IpAddr,
        flags: Flags,
    ) -> Result<(Id, bool), CreateError> {
        let family = Family::of(address);
        self.reserve(device, family)?; // CRE-6
        {
            let stats = &mut self.table_mut(family).stats;
            stats.allocs += 1; // CRE-7
            stats.entries += 1;
        }
        let mut seen = NewNeighbour { family, address, lladdr: None };
        let result = self.build(device, address, flags, &mut seen);
        if !matches!(result, Ok((_, true))) {
            self.count_destroyed(device, &seen);
        }
        result
    }

    fn build(
        &mut self,
        device: DeviceId,
        address: IpAddr,
        flags: Flags,
        seen: &mut NewNeighbour,
    ) -> Result<(Id, bool), CreateError> {
        let family = Family::of(address);
        let state = self.device(device).ok_or(CreateError::NoDevice)?;
        let parms = state.parms[family as usize].as_ref().ok_or(CreateError::NoFamily)?; // CRE-9
        let (unconfirmed_age, parms_dead) = (parms.unconfirmed_age(), parms.dead);
        let made = self.construct(state, address);
        (seen.address, seen.lladdr) = (made.address, made.lladdr);
        if let Some(hooks) = self.device_mut(device).and_then(|d| d.hooks.as_mut()) {
            hooks.construct(seen).map_err(|e| CreateError::Hook(e.0))?; // CRE-10
            hooks.setup(seen).map_err(|e| CreateError::Hook(e.0))?; // CRE-11
        }
        let table = self.table_mut(family);
        if table.stats.entries > 1 << table.hash_shift {
            table.stats.hash_grows += 1; // HSH-3
            table.hash_shift += 1;
        }
        if parms_dead {
            return Err(CreateError::NoFamily); // CRE-13
        }
        // Whoever creates has looked for this address; only another one may be there.
        if made.address != address
            && let Some(slot) = table.find(device, made.address)
        {
            return Ok((Id { family, slot }, false)); // CRE-14
        }
        let slot = self.insert(device, &made)?;
        let now = self.clock.tick();
        let confirmed = now.minus(unconfirmed_age); // CRE-12
        let neighbour = Neighbour::new(device, &made, flags & Flags::STORED, now);
        let neighbour = neighbour.ok_or(CreateError::NoDevice)?; // it was found above
        let table = self.table_mut(family);
        table.entries.put(slot, neighbour);
        table.set_confirmed(slot, confirmed);
        if made.state != NudState::NONE || made.lladdr.is_some() {
            table.shared.publish(
                slot,
                made.state.0,
                made.lladdr.unwrap_or_default().as_bytes(),
                made.state.is_valid(),
            );
        }
        table.list_managed(slot);
        table.settle(slot);
        let (table, state) = self.table_and_device(family, device);
        if let Some(state) = state {
            state.neighbours[family as usize].push_front(&mut ByDevice(&mut table.entries), slot);
        }
        Ok((Id { family, slot }, true))
    }

    /// What readers need of entries of this device that never changes.
    fn template(&self, device: DeviceId, family: Family) -> Result<Template, CreateError> {
        let state = self.device(device).ok_or(CreateError::NoDevice)?;
        Ok(Template {
            own: state.lladdr.mac().unwrap_or_default(),
            ethertype: match family {
                Family::Inet => ethertype::IPV4,
                Family::Inet6 => ethertype::IPV6,
            },
            header: state.header == crate::device::HeaderOps::Cache && state.addr_len() == 6,
            long: state.addr_len() != 6,
        })
    }

    /// Finds memory for one more entry in all that grows with the table.
    fn reserve(&mut self, device: DeviceId, family: Family) -> Result<(), CreateError> {
        let template = self.template(device, family)?;
        let table = self.table_mut(family);
        let reserved = table.shared.reserve(device.0, &template);
        let slots = table.shared.slots_after_insert();
        let beside = table.entries.reserve(slots).is_ok() && table.wheel.reserve(slots).is_ok();
        if reserved.is_ok() && beside { Ok(()) } else { Err(CreateError::OutOfMemory) }
    }

    /// Enters the key; there is room, see [`Engine::reserve`].
    fn insert(&mut self, device: DeviceId, made: &Constructed) -> Result<u32, CreateError> {
        let family = Family::of(made.address);
        let template = self.template(device, family)?;
        let slot = self.table_mut(family).shared.insert(&key(device, made.address), &template);
        slot.map_err(|_| CreateError::OutOfMemory)
    }
}
