//! Time: the timers of entries (NUD-17 to NUD-25) and the engine's own appointments.

use crate::event::Reason;
use crate::nud::{Actions, Cause};
use crate::table::{Id, Table};
use crate::task::Task;
use crate::time::Tick;
use crate::work::Budget;
use crate::{Engine, Family, Instant, nud};

impl Engine {
    /// What is due now, as far as the budgets of one call go; [`Engine::next_deadline`] is now until all of it is
    /// done.
    pub(crate) fn run_timers(&mut self) {
        self.fire_timers();
        let mut budget = Budget::new(self.config.gc_budget);
        self.run_tasks(&mut budget);
        for family in Family::BOTH {
            self.go_on_with_periodic_gc(family, &mut budget);
            self.go_on_with_managed(family, &mut budget);
            self.go_on_with_sweep(family, &mut budget);
        }
        self.work.entries += budget.spent();
    }

    /// The timers of entries. Each family has its share, so that neither waits for the other.
    ///
    /// A failure may give back a queue full of packets, so timers also wait for the next call when those of this one
    /// have filled half the room for events.
    fn fire_timers(&mut self) {
        let now = self.clock.tick();
        let mut budget = Budget::new(self.config.timer_budget);
        let (before, room) = (self.events.len(), self.config.max_events / 2);
        for (family, kept) in [(Family::Inet, budget.left / 2), (Family::Inet6, 0)] {
            let mut left = budget.left - kept;
            while self.events.len() - before <= room
                && let Some((slot, due)) = self.table_mut(family).wheel.pop(now, &mut left)
            {
                self.fire(Id { family, slot }, due);
                self.pay_unreachable();
            }
            budget.left = kept + left;
        }
        self.work.timers += budget.spent();
    }

    /// The engine's own appointments.
    fn run_tasks(&mut self, budget: &mut Budget) {
        let now = self.clock.now();
        while let Some(task) = self.tasks.pop(now) {
            match task {
                Task::PeriodicGc(family) => self.periodic_gc(family, budget),
                Task::Managed(family) => self.refresh_managed(family, budget),
                Task::Sweep(family) => self.sweep_stamps(family, budget),
                Task::Proxy => self.run_proxied(),
                Task::Dad(device, address) => self.dad_round(device, address),
                Task::Acd(device, address) => self.acd_round(device, address),
                Task::RouterSolicit(device) => self.router_solicit_round(device),
                Task::RouterExpiry => self.expire_routers(),
                Task::Move(device, address) => self.move_is_due(device, address),
                Task::GratuitousNa(device, address, left) => self.gratuitous_na(device, address, left),
                Task::MldReport(device, group) => self.mld_report(device, group),
                Task::MldAnswer(device) => self.mld_answer(device),
            }
        }
    }

    /// The timer of an entry fired, which was armed for the tick `due`.
    fn fire(&mut self, id: Id, due: Tick) {
        let Some(entry) = self.table(id.family).entries.get(id.slot) else { return };
        let step = nud::next(entry.state, Cause::Timer, self.facts(id, due));
        self.apply(id, &step, None, Reason::Timer);
        if step.actions.contains(Actions::PROBE) {
            self.probe(id); // NUD-23
        }
        if step.actions.contains(Actions::NOTIFY) {
            self.notify(id, Reason::Timer); // NUD-24
        }
    }

    /// When there is next something to do: now, if the last call left anything.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        if self.tables.iter().any(Table::has_begun_work) {
            return Some(self.clock.now());
        }
        let entries = Family::BOTH.into_iter().filter_map(|family| self.table(family).wheel.next_deadline());
        let entries = entries.map(|tick| self.clock.instant(tick));
        entries.chain(self.tasks.next_deadline()).min()
    }
}
