//! Collection: forced when a creation meets the thresholds, periodic for what lies idle
//! (GC-1 to GC-31).

use crate::create::FLUSH_DELAY;
use crate::event::Reason;
use crate::parms::Parm;
use crate::table::Id;
use crate::task::Task;
use crate::time::Tick;
use crate::{Engine, Family, Flags, NudState};
use core::time::Duration;

/// The budget is looked at each time this many entries were considered (GC-11).
const BUDGET_GRAIN: u32 = 16;

impl Engine {
    /// Removes what may go from the front of the list, down to gc_thresh2; gives back how many.
    pub(crate) fn forced_gc(&mut self, family: Family) -> u32 {
        let now = self.clock.tick();
        let young = self.clock.ticks_ceil(FLUSH_DELAY);
        let budget = self.config.gc_budget;
        let table = self.table_mut(family);
        table.stats.forced_gc_runs += 1;
        let max_clean = i64::from(table.gc_entries) - i64::from(table.thresholds.thresh2); // GC-2
        let mut next = table.gc_list.first();
        let (mut removed, mut considered) = (0, 0);
        while let Some(slot) = next {
            let table = self.table(family);
            next = table.entries[slot].by_gc.next();
            if !table.is_unreferenced(slot) {
                continue; // GC-5
            }
            if self.is_victim(Id { family, slot }, now, young)
                && self.remove_one(Id { family, slot }, Reason::ForcedGc)
            {
                removed += 1;
            }
            if i64::from(removed) >= max_clean {
                break; // GC-9
            }
            considered += 1;
            if considered % BUDGET_GRAIN == 0 && considered >= budget {
                return removed; // GC-11: last_flush stays
            }
        }
        self.table_mut(family).last_flush = now; // GC-12
        removed
    }

    /// GC-6.
    fn is_victim(&self, id: Id, now: Tick, young: u32) -> bool {
        let entry = self.entry(id);
        let age = now.since(entry.updated);
        entry.state == NudState::FAILED
            || entry.state == NudState::NOARP
            || self.address(id).is_multicast()
            || !(0..=young as i32).contains(&age)
    }

    /// One run of the periodic work, and the next one's appointment (GC-19).
    pub(crate) fn periodic_gc(&mut self, family: Family) {
        let now = self.clock.tick();
        let table = self.table_mut(family);
        table.stats.periodic_gc_runs += 1;
        let every = (table.defaults.get(Parm::BaseReachableTime) / 2).max(1);
        self.redraw_reachable_times(family, now); // GC-20: before anything else
        let table = self.table(family);
        if table.stats.entries >= u64::from(table.thresholds.thresh1) {
            for slot in 0..table.entries.slots() {
                self.collect_idle(Id { family, slot }, now); // GC-22
            }
        }
        self.tasks.add(&self.clock, every, Task::PeriodicGc(family));
    }

    /// GC-23 to GC-27.
    fn collect_idle(&mut self, id: Id, now: Tick) {
        const KEEP: NudState = NudState(0x80 | 0x01 | 0x02 | 0x08 | 0x10);
        let table = self.table(id.family);
        let Some(entry) = table.entries.get(id.slot) else { return };
        if entry.dead || entry.state.has(KEEP) || entry.flags.intersects(Flags::EXEMPT) {
            return;
        }
        let confirmed = table.confirmed(id.slot);
        let used =
            if confirmed.is_after(entry.used) && !confirmed.is_after(now) { confirmed } else { entry.used };
        let stale_time = self.parms_of(id).get(Parm::GcStaletime);
        let idle = now.since(used);
        let old = !(0..stale_time as i64).contains(&i64::from(idle));
        let failed = entry.state == NudState::FAILED;
        self.entry_mut(id).used = used;
        if failed || old {
            self.remove_one(id, Reason::PeriodicGc);
        }
    }

    /// Every set of the table draws its reachable_time anew, once in 300 s (DM-28b).
    fn redraw_reachable_times(&mut self, family: Family, now: Tick) {
        let every = self.clock.ticks_ceil(Duration::from_secs(300));
        let (table, rng, devices) = self.table_rng_devices(family);
        if !now.is_after(table.last_rand.plus(every)) {
            return;
        }
        table.last_rand = now;
        table.defaults.draw_reachable_time(rng);
        for parms in devices.flat_map(|d| d.parms[family as usize].as_mut()) {
            parms.draw_reachable_time(rng);
        }
    }
}
