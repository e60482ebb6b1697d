//! Entries that nobody has ever verified, by class: what waits for an answer, what got none, what needs none, and what
//! was only heard of. Entries that were verified, or are exempt, are not here, so nothing that is done to these lists
//! reaches them.

use crate::DeviceId;
use crate::list::{Linked, Links, List};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Sources of forwarded packets are told apart by so many marks; two that share one share its budget.
pub(crate) const SOURCES: usize = 256;
/// The mark of this host's own packets.
pub(crate) const OWN: u8 = 0;

/// A class of entries that nobody has verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// Sought for packets of this source, and not yet answered.
    Pending(u8),
    /// Sought, and nobody answered.
    Failed,
    /// Born with an address, nothing to ask: it gives way first, for it costs nothing to make again.
    Fixed,
    /// Somebody spoke of it, and nobody has asked whether it is true.
    Heard,
}

impl Class {
    fn list(self) -> usize {
        match self {
            Self::Pending(source) => usize::from(source),
            Self::Failed => SOURCES,
            Self::Fixed => SOURCES + 1,
            Self::Heard => SOURCES + 2,
        }
    }
}

#[derive(Clone, Debug)]
struct Place {
    slot: u32,
    device: DeviceId,
    class: Class,
    links: Links,
}

struct Places<'a>(&'a mut Vec<Place>);

impl Linked for Places<'_> {
    fn links(&mut self, id: u32) -> &mut Links {
        &mut self.0[id as usize].links
    }
}

#[derive(Clone, Copy, Default, Debug)]
struct Queue {
    list: List,
    len: u32,
}

/// The classes of one table. Each entry stands in at most one of them, in the order in which it came there.
#[derive(Debug)]
pub(crate) struct Classes {
    queues: Box<[Queue]>,
    places: Vec<Place>,
    free: Vec<u32>,
    by_slot: BTreeMap<u32, u32>,
    /// Pending ones.
    pending: u32,
    by_device: BTreeMap<DeviceId, u32>,
}

impl Default for Classes {
    fn default() -> Self {
        Self {
            queues: alloc::vec![Queue::default(); SOURCES + 3].into(),
            places: Vec::new(),
            free: Vec::new(),
            by_slot: BTreeMap::new(),
            pending: 0,
            by_device: BTreeMap::new(),
        }
    }
}

impl Classes {
    /// Puts an entry at the end of its class; None takes it out. One that is in this class already keeps its place,
    /// and one that is pending stays with the source for which it was sought.
    pub(crate) fn put(&mut self, slot: u32, device: DeviceId, class: Option<Class>) {
        let known = self.class(slot);
        let waits = |class: Option<Class>| matches!(class, Some(Class::Pending(_)));
        if known == class || (waits(known) && waits(class)) {
            return;
        }
        self.take(slot);
        let Some(class) = class else { return };
        let place = Place { slot, device, class, links: Links::default() };
        let id = match self.free.pop() {
            Some(id) => {
                self.places[id as usize] = place;
                id
            }
            None => {
                self.places.push(place);
                (self.places.len() - 1) as u32
            }
        };
        let queue = &mut self.queues[class.list()];
        queue.list.push_back(&mut Places(&mut self.places), id);
        queue.len += 1;
        self.by_slot.insert(slot, id);
        if waits(Some(class)) {
            self.pending += 1;
            *self.by_device.entry(device).or_default() += 1;
        }
    }

    fn take(&mut self, slot: u32) {
        let Some(id) = self.by_slot.remove(&slot) else { return };
        let Place { device, class, .. } = self.places[id as usize];
        let queue = &mut self.queues[class.list()];
        queue.list.remove(&mut Places(&mut self.places), id);
        queue.len -= 1;
        self.free.push(id);
        if let Class::Pending(_) = class {
            self.pending -= 1;
            match self.by_device.get_mut(&device) {
                Some(count) if *count > 1 => *count -= 1,
                _ => _ = self.by_device.remove(&device),
            }
        }
    }

    /// The class of an entry.
    pub(crate) fn class(&self, slot: u32) -> Option<Class> {
        self.by_slot.get(&slot).map(|id| self.places[*id as usize].class)
    }

    /// How many are in a class.
    pub(crate) fn len(&self, class: Class) -> u32 {
        self.queues[class.list()].len
    }

    /// How many wait for an answer, for all sources.
    pub(crate) fn pending(&self) -> u32 {
        self.pending
    }

    /// How many have been answered for by nobody.
    pub(crate) fn unresolved(&self) -> u32 {
        self.pending + self.len(Class::Failed) + self.len(Class::Fixed)
    }

    /// How many there are in all classes.
    pub(crate) fn unverified(&self) -> u32 {
        self.unresolved() + self.len(Class::Heard)
    }

    /// How many wait for an answer on a device.
    pub(crate) fn pending_on(&self, device: DeviceId) -> u32 {
        self.by_device.get(&device).copied().unwrap_or_default()
    }

    /// Those of a class, the oldest first, with their devices.
    pub(crate) fn iter(&self, class: Class) -> impl Iterator<Item = (u32, DeviceId)> + '_ {
        let mut next = self.queues[class.list()].list.first();
        core::iter::from_fn(move || {
            let place = &self.places[next? as usize];
            next = place.links.next();
            Some((place.slot, place.device))
        })
    }

    /// The source for which most are pending.
    pub(crate) fn greediest(&self) -> u8 {
        let pending = self.queues.iter().take(SOURCES).enumerate();
        pending.max_by_key(|(_, queue)| queue.len).map_or(OWN, |(source, _)| source as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DEVICES: [DeviceId; 2] = [DeviceId(1), DeviceId(2)];

    fn class() -> impl Strategy<Value = Option<Class>> {
        prop_oneof![
            Just(None),
            Just(Some(Class::Failed)),
            Just(Some(Class::Fixed)),
            Just(Some(Class::Heard)),
            (0u8..4).prop_map(|source| Some(Class::Pending(source))),
        ]
    }

    proptest! {
        #[test]
        fn lists_and_counts_are_those_of_a_plain_model(ops in prop::collection::vec((0u32..20, 0usize..2, class()), 1..200)) {
            let mut classes = Classes::default();
            let mut model: Vec<(u32, DeviceId, Class)> = Vec::new();
            for (slot, device, class) in ops {
                let device = model.iter().find(|(s, ..)| *s == slot).map_or(DEVICES[device], |(_, d, _)| *d);
                classes.put(slot, device, class);
                let before = model.iter().find(|(s, ..)| *s == slot).map(|(_, _, class)| *class);
                let stays = matches!((before, class), (Some(Class::Pending(_)), Some(Class::Pending(_))));
                if before != class && !stays {
                    model.retain(|(s, ..)| *s != slot);
                    model.extend(class.map(|class| (slot, device, class)));
                }
                for slot in 0..20 {
                    let known = model.iter().find(|(s, ..)| *s == slot).map(|(_, _, class)| *class);
                    prop_assert_eq!(classes.class(slot), known);
                }
                let of = |class: Class| model.iter().filter(move |(_, _, c)| *c == class);
                for class in (0..4).map(Class::Pending).chain([Class::Failed, Class::Fixed, Class::Heard]) {
                    let expected: Vec<_> = of(class).map(|(slot, device, _)| (*slot, *device)).collect();
                    prop_assert_eq!(classes.len(class) as usize, expected.len());
                    prop_assert_eq!(classes.iter(class).collect::<Vec<_>>(), expected);
                }
                let pending = |on: DeviceId| (0..4).map(|n| of(Class::Pending(n)).filter(|(_, d, _)| *d == on).count()).sum::<usize>();
                for device in DEVICES {
                    prop_assert_eq!(classes.pending_on(device) as usize, pending(device));
                }
                prop_assert_eq!(classes.pending() as usize, DEVICES.map(pending).iter().sum::<usize>());
                prop_assert_eq!(classes.unverified() as usize, model.len());
                prop_assert_eq!(classes.unresolved() as usize, model.len() - of(Class::Heard).count());
                let most = (0..4).map(|n| of(Class::Pending(n)).count()).max().unwrap_or(0);
                prop_assert_eq!(classes.len(Class::Pending(classes.greediest())) as usize, most);
            }
        }
    }
}
