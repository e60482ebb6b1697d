//! What is told, and what is remembered.

use crate::event::{EventKind, Reason};
use crate::history::{Happening, Record};
use crate::table::Id;
use crate::{DeviceId, Engine, NudState};
use core::net::IpAddr;

/// A step of an entry.
pub(crate) enum Change {
    Made,
    /// Its state or address is another one; its state was this.
    From(NudState),
}

impl Engine {
    /// Remembers what happened to a neighbour.
    pub(crate) fn remember(&mut self, device: DeviceId, address: IpAddr, happening: Happening) {
        self.history.push(Record { at: self.clock.now(), device, address, happening });
    }

    /// The same for an entry.
    pub(crate) fn remember_of(&mut self, id: Id, happening: Happening) {
        let (device, address) = (self.entry(id).device(), self.address(id));
        self.remember(device, address, happening);
    }

    pub(crate) fn tell(&mut self, kind: EventKind) {
        let happening = match &kind {
            EventKind::Added { neighbour, reason } => Some((neighbour, Happening::Created(*reason))),
            EventKind::Changed { neighbour, from, reason } => {
                let (to, lladdr) = (neighbour.state, neighbour.lladdr);
                Some((neighbour, Happening::Changed { from: *from, to, lladdr, reason: *reason }))
            }
            EventKind::Removed { neighbour, reason } => {
                Some((neighbour, Happening::Removed { state: neighbour.state, reason: *reason }))
            }
            EventKind::GetNeigh { neighbour } => Some((neighbour, Happening::AskedUserspace)),
            _ => None,
        };
        if let Some((neighbour, happening)) = happening {
            self.remember(neighbour.device, neighbour.address, happening);
        }
        self.events.push(self.clock.now(), kind);
    }

    /// Tells a step of an entry, if each is to be told; it is remembered in any case.
    pub(crate) fn tell_change(&mut self, id: Id, change: Change, reason: Reason) {
        if self.config.tell_steps {
            let neighbour = self.info(id);
            return self.tell(match change {
                Change::Made => EventKind::Added { neighbour, reason },
                Change::From(from) => EventKind::Changed { neighbour, from, reason },
            });
        }
        let happening = match change {
            Change::Made => Happening::Created(reason),
            Change::From(from) => {
                let (to, table) = (self.entry(id).state, self.table(id.family));
                let lladdr = to.is_valid().then(|| table.lladdr(id.slot)).filter(|lladdr| !lladdr.is_empty());
                Happening::Changed { from, to, lladdr, reason }
            }
        };
        self.remember_of(id, happening);
    }
}
