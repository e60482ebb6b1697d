//! Managed entries: those that the engine keeps resolved (NUD-50 to NUD-55). They are few, so they stand in a list
//! of their own beside the entries, not in links through all of them.
//!
//! What leaves the table or is no longer managed stays on the list until a walk comes by and leaves it out. Walks go
//! in slices; when half of the list is stale, one is made for that alone.

use crate::chunked::Chunked;
use crate::event::Reason;
use crate::parms::Parm;
use crate::table::{Id, Table};
use crate::task::Task;
use crate::work::Budget;
use crate::{Engine, Family};
use neighbour_table::{Handle, OutOfMemory};

/// So many stale ones are not worth a walk of their own.
const FEW: u32 = 64;

/// The list of managed entries, in the order in which they came to be.
#[derive(Debug, Default)]
pub(crate) struct Managed {
    list: Chunked<Handle>,
    /// How many have become stale since the last walk began, or a few more.
    stale: u32,
    walk: Option<Walk>,
    /// A refresh became due while a walk was in progress that refreshes nothing.
    waits: bool,
}

/// A walk in progress: what is to stay moves from `read` to `write`.
#[derive(Clone, Copy, Debug)]
struct Walk {
    read: u32,
    write: u32,
    refreshes: bool,
}

impl Managed {
    /// Makes room for one more.
    pub(crate) fn reserve(&mut self) -> Result<(), OutOfMemory> {
        self.list.reserve()
    }

    /// Is a walk in progress?
    pub(crate) fn is_walking(&self) -> bool {
        self.walk.is_some()
    }

    /// Notes that one on the list is stale.
    pub(crate) fn forget_one(&mut self) {
        self.stale += 1;
        if self.walk.is_none() && self.stale > FEW && self.stale > self.list.len() / 2 {
            self.begin(false);
        }
    }

    fn begin(&mut self, refreshes: bool) {
        match &self.walk {
            Some(walk) => self.waits |= refreshes && !walk.refreshes,
            None => {
                self.stale = 0;
                self.walk = Some(Walk { read: 0, write: 0, refreshes });
            }
        }
    }

    /// The next entry on the list, and whether this is a refresh.
    fn next(&mut self) -> Option<(Handle, bool)> {
        let walk = self.walk.as_mut()?;
        match self.list.get(walk.read) {
            Some(handle) => {
                walk.read += 1;
                Some((*handle, walk.refreshes))
            }
            None => {
                self.list.truncate(walk.write);
                self.walk = None;
                if core::mem::take(&mut self.waits) {
                    self.begin(true);
                    return self.next();
                }
                None
            }
        }
    }

    /// The entry that came last stays on the list.
    fn keep(&mut self, handle: Handle) {
        if let Some(walk) = &mut self.walk {
            self.list[walk.write] = handle;
            walk.write += 1;
        }
    }
}

impl Table {
    /// Puts an entry on the list of managed ones, or notes that it belongs there no longer, as its flags say.
    pub(crate) fn list_managed(&mut self, slot: u32) {
        let entry = &mut self.entries[slot];
        if entry.is_managed() && !entry.is_refreshed() {
            // There is room: who asks for the flag has made it.
            let listed = self.managed.list.push(self.shared.handle(slot)).is_ok();
            entry.set_refreshed(listed);
        } else if !entry.is_managed() && entry.is_refreshed() {
            self.managed.forget_one();
        }
    }
}

impl Engine {
    /// Begins to use every managed entry, so that it stays resolved.
    pub(crate) fn refresh_managed(&mut self, family: Family, budget: &mut Budget) {
        let table = self.table_mut(family);
        if table.managed.list.len() > 0 {
            table.managed.begin(true);
        }
        let every = table.defaults.get(Parm::IntervalProbeTime).max(1);
        self.tasks.add(&self.clock, every, Task::Managed(family));
        self.go_on_with_managed(family, budget);
    }

    /// The next slice of the walk in progress, if there is one.
    pub(crate) fn go_on_with_managed(&mut self, family: Family, budget: &mut Budget) {
        while self.table(family).managed.is_walking() && budget.take() {
            let table = self.table_mut(family);
            let Some((handle, refreshes)) = table.managed.next() else { return };
            let Some(slot) = table.shared.resolve(handle) else { continue };
            let entry = &mut table.entries[slot];
            if entry.is_dead() || !entry.is_managed() {
                entry.set_refreshed(false);
                continue;
            }
            table.managed.keep(handle);
            if refreshes {
                let _ = self.event_send(Id { family, slot }, None, false, Reason::Managed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Device, Flags, Instant, NewNeigh, NudState};

    #[test]
    fn the_list_does_not_grow_with_those_that_were_managed_once() {
        let now = Instant::from_millis(1);
        let mut engine = Engine::new(Config { gc_budget: 8, ..Config::default() });
        let device = engine.add_device(now, Device::ethernet("eth0", [2, 0, 0, 0, 0, 1])).expect("a device");
        engine.set(now, "ipv4/neigh/default/interval_probe_time_ms", "100000000").expect("a parameter");
        let mut request = NewNeigh {
            flags: Flags::MANAGED | Flags::EXT_LEARNED,
            ..NewNeigh::replace(device, core::net::Ipv4Addr::new(192, 0, 2, 9).into(), None, NudState::NONE)
        };
        for round in 0..2000 {
            request.flags = Flags::MANAGED | Flags::EXT_LEARNED;
            assert_eq!(engine.new_neigh(now, &request), Ok(()));
            request.flags = Flags::empty();
            assert!(round % 3 == 0 || engine.new_neigh(now, &request) == Ok(()), "managed no longer");
            assert!(round % 2 == 0 || engine.del_neigh(now, device, request.address, 0) == Ok(()));
            engine.handle_timeout(now);
            let list = &engine.table(Family::Inet).managed.list;
            assert!(list.len() <= 2 * FEW + 8, "{} for one entry, round {round}", list.len());
        }
    }
}
