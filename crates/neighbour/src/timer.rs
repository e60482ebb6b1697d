//! A hierarchical timing wheel: one timer for each entry, arming, moving and cancelling in constant
//! time, nothing to do while nothing is due.
//!
//! Six levels of 64 slots; level *l* holds what differs from the present tick first in its *l*-th
//! group of six bits. Everything in a lower level is due before anything in a higher one, so the next
//! deadline is found in the bitmap of the lowest level that holds anything.

use crate::time::Tick;
use alloc::collections::TryReserveError;
use alloc::vec::Vec;

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = 6;
const NIL: u32 = u32::MAX;
/// The list of timers that are due now stands behind the slots of all levels.
const DUE: u16 = (LEVELS * SLOTS) as u16;
const UNARMED: u16 = DUE + 1;

#[derive(Clone, Copy, Debug)]
struct Node {
    prev: u32,
    next: u32,
    /// Low half of the tick at which it is due.
    at: u32,
    /// The list it stands in, or [`UNARMED`].
    list: u16,
}

/// Timers of entries `0..n`, each armed at most once.
#[derive(Debug)]
pub(crate) struct Wheel {
    nodes: Vec<Node>,
    /// First and last of each list.
    lists: [(u32, u32); LEVELS * SLOTS + 1],
    occupied: [u64; LEVELS],
    /// All that was due at this tick or before stands in the due list.
    current: u64,
}

impl Wheel {
    pub(crate) fn new(now: Tick) -> Self {
        Self {
            nodes: Vec::new(),
            lists: [(NIL, NIL); LEVELS * SLOTS + 1],
            occupied: [0; LEVELS],
            current: (1 << 32) | u64::from(now.0), // so that the past can be told from the future
        }
    }

    /// Makes room for the timer of entry `id`.
    pub(crate) fn reserve(&mut self, id: u32) -> Result<(), TryReserveError> {
        let need = id as usize + 1;
        if need > self.nodes.len() {
            self.nodes.try_reserve(need - self.nodes.len())?;
            self.nodes.resize(need, Node { prev: NIL, next: NIL, at: 0, list: UNARMED });
        }
        Ok(())
    }

    pub(crate) fn is_armed(&self, id: u32) -> bool {
        self.nodes[id as usize].list != UNARMED
    }

    /// Arms or moves the timer of `id`; a tick that is past already is due at once.
    pub(crate) fn arm(&mut self, id: u32, at: Tick) {
        self.cancel(id);
        self.nodes[id as usize].at = at.0;
        self.place(id);
    }

    /// Disarms the timer of `id`; true if it was armed.
    pub(crate) fn cancel(&mut self, id: u32) -> bool {
        let Node { prev, next, list, .. } = self.nodes[id as usize];
        if list == UNARMED {
            return false;
        }
        match prev {
            NIL => self.lists[list as usize].0 = next,
            prev => self.nodes[prev as usize].next = next,
        }
        match next {
            NIL => self.lists[list as usize].1 = prev,
            next => self.nodes[next as usize].prev = prev,
        }
        if self.lists[list as usize].0 == NIL && list != DUE {
            self.occupied[list as usize / SLOTS] &= !(1 << (list as usize % SLOTS));
        }
        self.nodes[id as usize].list = UNARMED;
        true
    }

    /// The tick at which there is something to do: never later than the first timer is due, earlier
    /// only to move timers down a level.
    pub(crate) fn next_deadline(&self) -> Option<Tick> {
        if self.lists[DUE as usize].0 != NIL {
            return Some(Tick(self.current as u32));
        }
        self.next_slot().map(|(_, _, at)| Tick(at as u32))
    }

    /// Takes the next timer that is due at `now`, in the order in which they are due, and the tick for
    /// which it was armed.
    pub(crate) fn pop(&mut self, now: Tick) -> Option<(u32, Tick)> {
        loop {
            let (first, _) = self.lists[DUE as usize];
            if first != NIL {
                self.cancel(first);
                return Some((first, Tick(self.nodes[first as usize].at)));
            }
            let now = self.widen(now.0);
            match self.next_slot() {
                Some((level, slot, at)) if at <= now => self.turn(level, slot, at),
                _ => {
                    self.current = self.current.max(now);
                    return None;
                }
            }
        }
    }

    /// The full tick nearest to the present one whose low half is `at`.
    fn widen(&self, at: u32) -> u64 {
        let ahead = at.wrapping_sub(self.current as u32) as i32;
        self.current.saturating_add_signed(i64::from(ahead))
    }

    /// The next slot that holds anything: level, slot and the tick at which it begins.
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        let level = self.occupied.iter().position(|bits| *bits != 0)?;
        let shift = BITS * level as u32;
        let position = self.current >> shift;
        let here = (position as usize % SLOTS) as u32;
        // Slot `here` itself is never occupied: what would stand there stands a level below.
        let ahead = self.occupied[level].rotate_right(here).trailing_zeros();
        let slot = (here + ahead) as usize % SLOTS;
        Some((level, slot, (position + u64::from(ahead)) << shift))
    }

    /// Moves the present to the beginning of a slot and what it holds to where it stands now.
    fn turn(&mut self, level: usize, slot: usize, at: u64) {
        self.current = at;
        let list = level * SLOTS + slot;
        let (mut id, _) = core::mem::replace(&mut self.lists[list], (NIL, NIL));
        self.occupied[level] &= !(1 << slot);
        while id != NIL {
            let next = self.nodes[id as usize].next;
            self.place(id);
            id = next;
        }
    }

    fn place(&mut self, id: u32) {
        let at = self.widen(self.nodes[id as usize].at);
        let list = if at <= self.current {
            DUE
        } else {
            let differing = 63 - (at ^ self.current).leading_zeros();
            let level = ((differing / BITS) as usize).min(LEVELS - 1);
            let slot = (at >> (BITS * level as u32)) as usize % SLOTS;
            self.occupied[level] |= 1 << slot;
            (level * SLOTS + slot) as u16
        };
        let (first, last) = &mut self.lists[list as usize];
        let prev = core::mem::replace(last, id);
        if prev == NIL {
            *first = id;
        } else {
            self.nodes[prev as usize].next = id;
        }
        let node = &mut self.nodes[id as usize];
        (node.prev, node.next, node.list) = (prev, NIL, list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec;
    use proptest::prelude::*;

    fn pop(wheel: &mut Wheel, now: u32) -> Option<u32> {
        wheel.pop(Tick(now)).map(|(id, _)| id)
    }

    fn wheel(n: u32, now: u32) -> Wheel {
        let mut wheel = Wheel::new(Tick(now));
        wheel.reserve(n).unwrap();
        wheel
    }

    #[test]
    fn timers_fire_at_their_tick_and_in_the_order_they_were_armed() {
        let mut wheel = wheel(4, 100);
        wheel.arm(1, Tick(105));
        wheel.arm(0, Tick(105));
        wheel.arm(2, Tick(5_000));
        assert_eq!(wheel.next_deadline(), Some(Tick(105)));
        assert_eq!(pop(&mut wheel, 104), None);
        assert_eq!(
            (pop(&mut wheel, 105), pop(&mut wheel, 105), pop(&mut wheel, 105)),
            (Some(1), Some(0), None)
        );
        assert_eq!(pop(&mut wheel, 4_999), None);
        assert_eq!(pop(&mut wheel, 5_000), Some(2));
        assert_eq!(wheel.next_deadline(), None);
    }

    #[test]
    fn a_timer_armed_in_the_past_is_due_at_once() {
        let mut wheel = wheel(1, 50);
        wheel.arm(0, Tick(20));
        assert_eq!(wheel.next_deadline(), Some(Tick(50)));
        assert_eq!(pop(&mut wheel, 50), Some(0));
    }

    #[test]
    fn timers_fire_across_the_wrap_of_the_tick() {
        let mut wheel = wheel(2, u32::MAX - 3);
        wheel.arm(0, Tick(2));
        wheel.arm(1, Tick(1_000_000));
        assert_eq!(pop(&mut wheel, 1), None);
        assert_eq!(pop(&mut wheel, 2), Some(0));
        assert_eq!(pop(&mut wheel, 999_999), None);
        assert_eq!(pop(&mut wheel, 1_000_000), Some(1));
    }

    proptest! {
        #[test]
        fn the_wheel_agrees_with_a_sorted_map(
            start: u32,
            ops in prop::collection::vec((0u32..32, 0u32..(1 << 22), 0u8..4, 0u32..20_000), 1..200),
        ) {
            let mut wheel = wheel(32, start);
            let mut model: BTreeMap<u32, u64> = BTreeMap::new();
            let mut now = u64::from(start);
            for (id, delay, op, pass) in ops {
                match op {
                    0 | 1 => {
                        wheel.arm(id, Tick(now as u32).plus(delay));
                        model.insert(id, now + u64::from(delay));
                    }
                    2 => prop_assert_eq!(wheel.cancel(id), model.remove(&id).is_some()),
                    _ => now += u64::from(pass),
                }
                let mut fired = vec![];
                while let Some(id) = pop(&mut wheel, now as u32) {
                    fired.push(id);
                }
                let mut due: Vec<u32> = model.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id).collect();
                let times: Vec<u64> = fired.iter().map(|id| model[id]).collect();
                prop_assert!(times.is_sorted());
                fired.sort_unstable();
                due.sort_unstable();
                prop_assert_eq!(&fired, &due);
                model.retain(|_, at| *at > now);
                if let Some(next) = wheel.next_deadline() {
                    let first = *model.values().min().unwrap();
                    prop_assert!(next.since(Tick(first as u32)) <= 0 && next.since(Tick(now as u32)) > 0);
                } else {
                    prop_assert!(model.is_empty());
                }
            }
        }
    }
}
