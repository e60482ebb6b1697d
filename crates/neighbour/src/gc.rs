//! Collection: forced when a creation meets the thresholds, periodic for what lies idle
//! (GC-1 to GC-31).
//!
//! Victims come from lists: forced collection walks those that count, in the order in which they became
//! collectable; periodic collection those without a timer, in the order in which they became idle. Neither looks at
//! more than [`Config::gc_budget`](crate::Config::gc_budget) entries in one call; the rest follows in the next.

use crate::create::FLUSH_DELAY;
use crate::event::Reason;
use crate::parms::Parm;
use crate::table::{Id, Table};
use crate::task::Task;
use crate::time::Tick;
use crate::work::Budget;
use crate::{Engine, Family, NudState};
use core::time::Duration;

impl Table {
    /// The entry with which a forced collection begins: the oldest, or where the last one ran out of its budget.
    fn first_for_gc(&mut self) -> (Option<u32>, bool) {
        if !self.wheel.has_idle() {
            return (None, false); // every entry that counts has a timer, and so a reference (GC-5)
        }
        let resumed = self.gc_resume.take();
        (resumed.or_else(|| self.gc_list.first()), resumed.is_some())
    }
}

impl Engine {
    /// Removes what may go from the front of the list, down to gc_thresh2; gives back how many. `full`: the
    /// creation will be refused if that is none.
    ///
    /// A run that looked at as many entries as it may ends without a word to `last_flush`, so that the next creation
    /// tries again at once (GC-11), and that one goes on where this one stopped.
    pub(crate) fn forced_gc(&mut self, family: Family, full: bool) -> u32 {
        let now = self.clock.tick();
        let young = self.clock.ticks_ceil(FLUSH_DELAY);
        let mut budget = Budget::new(self.config.gc_budget);
        let table = self.table_mut(family);
        table.stats.forced_gc_runs += 1;
        let max_clean = i64::from(table.gc_entries) - i64::from(table.thresholds.thresh2); // GC-2
        let (mut next, mut resumed) = table.first_for_gc();
        let mut removed = 0;
        loop {
            let Some(slot) = next else {
                let table = self.table_mut(family);
                table.last_flush = now; // GC-12: the list is exhausted
                if full && resumed && removed == 0 {
                    resumed = false; // those before were not looked at in this call
                    next = table.gc_list.first();
                    continue;
                }
                break;
            };
            if !budget.take() {
                self.table_mut(family).gc_resume = next; // GC-11: last_flush stays
                break;
            }
            let table = self.table(family);
            next = table.entries[slot].by_gc.next();
            if !table.is_unreferenced(slot) {
                continue; // GC-5
            }
            let id = Id { family, slot };
            if self.is_victim(id, now, young) && self.remove_one(id, Reason::ForcedGc) {
                removed += 1;
            }
            if i64::from(removed) >= max_clean {
                self.table_mut(family).last_flush = now; // GC-9, GC-12
                break;
            }
        }
        self.work.forced += budget.spent();
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

    /// Begins a run of the periodic work, and makes the next one's appointment (GC-19). A run that is still in
    /// progress goes on instead.
    pub(crate) fn periodic_gc(&mut self, family: Family, budget: &mut Budget) {
        let now = self.clock.tick();
        let table = self.table_mut(family);
        table.stats.periodic_gc_runs += 1;
        let every = (table.defaults.get(Parm::BaseReachableTime) / 2).max(1);
        self.redraw_reachable_times(family, now); // GC-20: before anything else
        let table = self.table_mut(family);
        if table.stats.entries >= u64::from(table.thresholds.thresh1) {
            table.wheel.begin_walk(); // GC-22
        }
        self.tasks.add(&self.clock, every, Task::PeriodicGc(family));
        self.go_on_with_periodic_gc(family, budget);
    }

    /// The next slice of the run in progress, if there is one.
    pub(crate) fn go_on_with_periodic_gc(&mut self, family: Family, budget: &mut Budget) {
        let now = self.clock.tick();
        while self.table(family).wheel.is_walking() && budget.take() {
            let Some(slot) = self.table_mut(family).wheel.walk() else { return };
            self.collect_idle(Id { family, slot }, now);
        }
    }

    /// GC-23 to GC-27. Those that are exempt are not among the idle ones.
    fn collect_idle(&mut self, id: Id, now: Tick) {
        let table = self.table(id.family);
        let entry = &table.entries[id.slot];
        if entry.state.is_in_timer() {
            return; // set by hand, so that it has none (UPD-22)
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
