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
        let settled = self.settled(family, self.table(family).gc_entries);
        let table = self.table_mut(family);
        table.stats.forced_gc_runs += 1;
        let max_clean = i64::from(settled) - i64::from(table.thresholds.thresh2); // GC-2
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
            if let Some(next) = next.filter(|_| removed > 0) {
                table.shared.prefetch(next); // it will probably go, too
            }
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
            || !(0..=young as i32).contains(&age)
            || self.address(id).is_multicast()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Device, DeviceId, Flags, Instant, LlAddr, NeighbourRef, NewNeigh};
    use alloc::vec::Vec;
    use core::net::{IpAddr, Ipv4Addr};
    use proptest::prelude::*;

    /// Idle are exactly those that live, have no timer and are not exempt; so every entry that forced collection may
    /// remove is one of them.
    #[track_caller]
    fn check(engine: &Engine) {
        for table in &engine.tables {
            let mut next = table.gc_list.first();
            let mut counted = 0;
            while let Some(slot) = next {
                let entry = &table.entries[slot];
                assert!(!entry.is_dead(), "slot {slot} counts and is dead");
                assert!(table.wheel.is_armed(slot) != table.wheel.is_idle(slot), "slot {slot}: {entry:?}");
                counted += 1;
                next = entry.by_gc.next();
            }
            assert_eq!(counted, table.gc_entries);
            for slot in 0..table.entries.slots() {
                let idle = table.wheel.is_idle(slot);
                let Some(entry) = table.entries.get(slot) else {
                    assert!(!idle && !table.wheel.is_armed(slot), "slot {slot} is free");
                    continue;
                };
                let may_go = !entry.is_dead() && !entry.is_exempt() && !table.wheel.is_armed(slot);
                assert_eq!(idle, may_go, "slot {slot}: {entry:?}");
                assert!(!entry.is_dead() || !table.wheel.is_armed(slot), "slot {slot} is dead: {entry:?}");
            }
        }
    }

    /// What may happen to the entry of an address.
    #[derive(Clone, Debug)]
    enum Op {
        Set(NudState, Flags),
        Delete,
        Send,
        Hold,
        Drop,
        Flush,
        Pass(u64),
    }

    fn op() -> impl Strategy<Value = Op> {
        let flags = [Flags::USE, Flags::MANAGED, Flags::EXT_LEARNED, Flags::EXT_VALIDATED];
        let flags = prop::sample::subsequence(flags.to_vec(), 0..=2);
        let flags = flags.prop_map(|flags| flags.into_iter().collect::<Flags>());
        prop_oneof![
            6 => (prop::sample::select(NudState::ALL.to_vec()), flags).prop_map(|(state, flags)| Op::Set(state, flags)),
            2 => Just(Op::Delete),
            2 => Just(Op::Send),
            1 => Just(Op::Hold),
            1 => Just(Op::Drop),
            1 => Just(Op::Flush),
            3 => (0u64..20_000).prop_map(Op::Pass),
        ]
    }

    fn set(
        engine: &mut Engine,
        now: Instant,
        device: DeviceId,
        address: IpAddr,
        state: NudState,
        flags: Flags,
    ) {
        let request = NewNeigh {
            flags,
            ..NewNeigh::replace(device, address, Some(LlAddr::from([2, 0, 0, 0, 0, 9])), state)
        };
        let _ = engine.new_neigh(now, &request); // some combinations are refused
    }

    proptest! {
        #[test]
        fn idle_are_those_that_live_have_no_timer_and_are_not_exempt(
            ops in prop::collection::vec((0u8..12, op()), 1..80),
            gc_budget in 1u32..8,
            timer_budget in 1u32..8,
        ) {
            let mut engine = Engine::new(Config { gc_budget, timer_budget, ..Config::default() });
            let mut now = Instant::from_millis(5000);
            let ethernet = Device::ethernet("eth0", [2, 0, 0, 0, 0, 1]);
            let device = engine.add_device(now, ethernet).expect("a device");
            let thresholds = [("gc_thresh1", "2"), ("gc_thresh2", "4"), ("gc_thresh3", "8")];
            for (name, value) in thresholds.into_iter().chain([("neigh/gc_stale_time", "5")]) {
                engine.set(now, name, value).expect("a parameter");
            }
            let mut held: Vec<NeighbourRef> = Vec::new();
            for (last, op) in ops {
                let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
                match op {
                    Op::Set(state, flags) => set(&mut engine, now, device, address, state, flags),
                    Op::Delete => _ = engine.del_neigh(now, device, address, 0),
                    Op::Send => _ = engine.send(now, device, address, alloc::vec![0x45; 20]),
                    Op::Hold => held.extend(engine.hold(now, device, address)),
                    Op::Drop => drop(held.pop()),
                    Op::Flush if last == 0 => engine.flush(now, Family::Inet, None),
                    Op::Flush => {}
                    Op::Pass(ms) => {
                        now += Duration::from_millis(ms);
                        engine.handle_timeout(now); // one slice, and perhaps not all of it
                    }
                }
                check(&engine);
            }
            held.clear();
            for _ in 0..10_000 {
                engine.handle_timeout(now);
                check(&engine);
                if engine.poll_timeout().is_none_or(|at| at > now) {
                    return Ok(());
                }
            }
            prop_assert!(false, "it does not come to rest");
        }
    }
}
