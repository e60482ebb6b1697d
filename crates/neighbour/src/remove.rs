//! Taking entries out, and their end when the last reference goes (DST-1 to DST-8).

use crate::event::{EventKind, Reason};
use crate::hooks::NewNeighbour;
use crate::neighbour::Output;
use crate::table::{ByDevice, Id};
use crate::{DeviceId, DropReason, Engine, Family, NudState};
use alloc::vec::Vec;
use core::net::IpAddr;
use neighbour_table::{Reclaimed, Unlinked};

impl Engine {
    /// Removes an entry that nobody holds and no timer needs; else nothing, and false (DST-2).
    pub(crate) fn remove_one(&mut self, id: Id, reason: Reason) -> bool {
        let table = self.table_mut(id.family);
        if !table.is_unreferenced(id.slot) || !table.shared.try_remove(id.slot) {
            return false;
        }
        self.leave_lists(id);
        self.announce_removed(id, reason);
        self.destroy(id);
        true
    }

    /// Removes an entry whoever holds it; holders keep a harmless object (DST-3).
    pub(crate) fn flush_one(&mut self, id: Id, reason: Reason) {
        let table = self.table_mut(id.family);
        table.wheel.cancel(id.slot);
        let unlinked = table.shared.unlink(id.slot);
        self.leave_lists(id);
        if matches!(unlinked, Unlinked::Held) {
            self.discard_queue(id);
            let entry = &mut self.table_mut(id.family).entries[id.slot];
            entry.set_output(Output::Blackhole);
            entry.state = if entry.state.is_valid() { NudState::NOARP } else { NudState::NONE };
            self.publish(id);
        }
        self.announce_removed(id, reason);
        if matches!(unlinked, Unlinked::Free) {
            self.destroy(id);
        }
    }

    /// Marks an entry dead: it counts and is listed no longer (DST-1).
    fn leave_lists(&mut self, id: Id) {
        let device = self.entry(id).device();
        self.leave_class(id);
        let table = self.table_mut(id.family);
        table.entries[id.slot].set_dead();
        table.gc_unlink(id.slot);
        table.settle(id.slot);
        if table.entries[id.slot].is_refreshed() {
            table.managed.forget_one();
        }
        let (table, state) = self.table_and_device(id.family, device);
        if let Some(state) = state {
            state.neighbours[id.family as usize].remove(&mut ByDevice(&mut table.entries), id.slot);
        }
    }

    /// RTM_DELNEIGH for every removal (DST-4, EVT-2).
    fn announce_removed(&mut self, id: Id, reason: Reason) {
        let neighbour = self.info(id);
        self.tell(EventKind::Removed { neighbour, reason });
    }

    /// The end of a dead entry that nobody holds (DST-5). Its slot is free afterwards.
    fn destroy(&mut self, id: Id) {
        self.discard_queue(id);
        let seen = NewNeighbour { family: id.family, address: self.address(id), lladdr: None };
        let table = self.table_mut(id.family);
        let Some(entry) = table.entries.take(id.slot) else { return };
        table.shared.free(id.slot);
        self.count_destroyed(entry.device(), &seen);
    }

    /// Counts an object's end and tells its device (DST-5, CRE-16).
    pub(crate) fn count_destroyed(&mut self, device: DeviceId, seen: &NewNeighbour) {
        let stats = &mut self.table_mut(seen.family).stats;
        stats.destroys += 1;
        stats.entries -= 1;
        if let Some(hooks) = self.device_mut(device).and_then(|d| d.hooks.as_mut()) {
            hooks.destroy(seen);
        }
    }

    /// Drops what waits, without reports (QUE-9).
    pub(crate) fn discard_queue(&mut self, id: Id) {
        let mut queue = self.take_queue(id);
        while let Some(packet) = self.queues.pop(&mut queue) {
            self.buffers.give(packet);
            self.drops.count(DropReason::NeighFlushed);
        }
    }

    /// Ends the entries whose last holder let go since the last call (DST-5).
    pub(crate) fn reclaim(&mut self) {
        for family in Family::BOTH {
            while let Some(reclaimed) = self.table_mut(family).shared.reclaim() {
                match reclaimed {
                    Reclaimed::Dead(slot) => self.destroy(Id { family, slot }),
                    Reclaimed::Alive(slot) => {
                        self.table_mut(family).stats.destroys += 1;
                        let neighbour = self.info(Id { family, slot });
                        self.tell(EventKind::DestroyAlive { neighbour });
                    }
                }
            }
        }
    }

    /// Flushes entries of a device, most recent first (EVT-3); `keep_permanent` spares PERMANENT and
    /// EXT_VALIDATED ones (DEV-1).
    pub(crate) fn flush_device(
        &mut self,
        family: Family,
        device: DeviceId,
        keep_permanent: bool,
        reason: Reason,
    ) {
        let Some(state) = self.device(device) else { return };
        let mut next = state.neighbours[family as usize].first();
        while let Some(slot) = next {
            let entry = &self.table(family).entries[slot];
            next = entry.by_device.next();
            let permanent = entry.state.has(NudState::PERMANENT) || entry.is_extern_valid();
            if !(keep_permanent && permanent) {
                self.flush_one(Id { family, slot }, reason);
            }
        }
    }

    /// When an IPv4 address is added: entries for its broadcast addresses that are not VALID are
    /// removed, so that the next use classes them anew (DEV-16).
    pub(crate) fn forget_broadcasts(&mut self, device: DeviceId, broadcasts: Vec<IpAddr>) {
        for address in broadcasts {
            let Some(slot) = self.table(Family::Inet).find(device, address) else { continue };
            let id = Id { family: Family::Inet, slot };
            if !self.entry(id).state.is_valid() {
                let flags = crate::update::UpdateFlags::OVERRIDE | crate::update::UpdateFlags::ADMIN;
                let _ = self.update(id, None, NudState::FAILED, flags, Reason::Broadcast);
                self.remove_one(id, Reason::Broadcast);
            }
        }
    }
}
