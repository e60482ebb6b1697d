//! Time: the timers of entries (NUD-17 to NUD-25) and the engine's own appointments.

use crate::event::Reason;
use crate::nud::{Actions, Cause};
use crate::parms::Parm;
use crate::table::Id;
use crate::task::Task;
use crate::time::Tick;
use crate::{Engine, Family, Instant, nud};

impl Engine {
    /// All that is due now.
    pub(crate) fn run_timers(&mut self) {
        let now = self.clock.tick();
        for family in Family::BOTH {
            while let Some((slot, due)) = self.table_mut(family).wheel.pop(now) {
                self.fire(Id { family, slot }, due);
                self.pay_unreachable();
            }
        }
        let now = self.clock.now();
        while let Some(task) = self.tasks.pop(now) {
            match task {
                Task::PeriodicGc(family) => self.periodic_gc(family),
                Task::Managed(family) => self.refresh_managed(family),
                Task::Sweep(family) => self.sweep_stamps(family),
                Task::Proxy => self.run_proxied(),
                Task::Dad(device, address) => self.dad_round(device, address),
                Task::RouterSolicit(device) => self.router_solicit_round(device),
                Task::RouterExpiry => self.expire_routers(),
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

    /// Uses every managed entry, so that it stays resolved (NUD-50 to NUD-54).
    fn refresh_managed(&mut self, family: Family) {
        let mut next = self.table(family).managed.first();
        while let Some(slot) = next {
            next = self.table(family).entries[slot].by_managed.next();
            let _ = self.event_send(Id { family, slot }, None, false, Reason::Managed);
        }
        let every = self.table(family).defaults.get(Parm::IntervalProbeTime).max(1);
        self.tasks.add(&self.clock, every, Task::Managed(family));
    }

    /// When there is next something to do.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let entries = Family::BOTH.into_iter().filter_map(|family| self.table(family).wheel.next_deadline());
        let entries = entries.map(|tick| self.clock.instant(tick));
        entries.chain(self.tasks.next_deadline()).min()
    }
}
