//! Who has been seen before: arpwatch's `new station`, from a memory that outlives the entries.

use super::memory::Memory;
use crate::event::EventKind;
use crate::ratelimit::Quota;
use crate::table::{Id, key};
use crate::time::Tick;
use crate::{Engine, NudState};
use neighbour_table::Key;
use neighbour_wire::LlAddr;

/// What is known of one.
#[derive(Clone, Copy, Debug)]
struct Station {
    lladdr: LlAddr,
    /// It has answered us once.
    verified: bool,
}

/// Stations of one table.
#[derive(Debug)]
pub(super) struct Stations {
    seen: Memory<Station>,
    told: Quota,
}

impl Stations {
    pub(super) fn new(seed: u64) -> Self {
        Self { seen: Memory::new(seed), told: Quota::new(10, 100) }
    }

    /// It has this address now; gives back the one it had, if it was seen before.
    fn see(&mut self, key: Key, now: Tick, lladdr: LlAddr) -> Option<LlAddr> {
        let before = self.seen.get(&key).map(|note| note.value);
        let verified = before.is_some_and(|before| before.verified && before.lladdr == lladdr);
        self.seen.put(key, now, Station { lladdr, verified });
        before.map(|before| before.lladdr)
    }

    /// Has it answered us lately, whether it has an entry or not? Who seeks it does not scan.
    pub(super) fn has_answered(&mut self, key: &Key) -> bool {
        self.seen.get(key).is_some_and(|note| note.value.verified)
    }

    pub(super) fn sweep(&mut self, now: Tick, age: u32) {
        self.seen.sweep(now, age);
    }
}

impl Engine {
    /// A neighbour has an address from now on.
    pub(crate) fn station(&mut self, id: Id) {
        if !self.admits_by_class(id.family) || self.entry(id).state.has(NudState::NOARP) {
            return;
        }
        let (now, tick) = (self.clock.now(), self.clock.tick());
        let (device, address) = (self.entry(id).device(), self.address(id));
        let table = self.table_mut(id.family);
        let lladdr = table.lladdr(id.slot);
        let Some(newcomers) = &mut table.newcomers else { return };
        let stations = &mut newcomers.stations;
        match stations.see(key(device, address), tick, lladdr) {
            Some(before) if before == lladdr => return,
            Some(from) => {
                let neighbour = self.info(id);
                self.tell(EventKind::Moved { neighbour, from });
                return;
            }
            None => {}
        }
        let Some(suppressed) = stations.told.pass(now) else { return };
        let neighbour = self.info(id);
        self.tell(EventKind::NewStation { neighbour, suppressed });
    }

    /// It has answered.
    pub(crate) fn station_answered(&mut self, id: Id) {
        if !self.admits_by_class(id.family) {
            return;
        }
        let key = key(self.entry(id).device(), self.address(id));
        if let Some(newcomers) = self.newcomers_mut(id.family)
            && let Some(note) = newcomers.stations.seen.get(&key)
        {
            note.value.verified = true;
        }
    }

    /// It has moved, which is told of elsewhere.
    pub(super) fn station_moved(&mut self, id: Id) {
        let tick = self.clock.tick();
        let key = key(self.entry(id).device(), self.address(id));
        let table = self.table_mut(id.family);
        let lladdr = table.lladdr(id.slot);
        if let Some(newcomers) = &mut table.newcomers {
            newcomers.stations.see(key, tick, lladdr);
        }
    }
}
