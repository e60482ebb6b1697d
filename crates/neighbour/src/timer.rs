//! A hierarchical timing wheel: one timer for each entry, arming, moving and cancelling in constant
//! time, nothing to do while nothing is due. Entries without a timer may stand in a list of idle ones instead,
//! which costs them nothing: it runs through the same links.
//!
//! Six levels of 64 slots; level *l* holds what differs from the present tick first in its *l*-th
//! group of six bits. Everything in a lower level is due before anything in a higher one, so the next
//! deadline is found in the bitmap of the lowest level that holds anything.
//!
//! A timer that is moved to a later tick, or cancelled, stays where it stands until that slot's time comes: most are
//! put off many times before one fires, and so each time costs a store. A slot whose time has come is emptied in
//! steps: what it held stands in the list [`TURNING`] meanwhile.

use crate::chunked::Chunked;
use crate::time::Tick;
use neighbour_table::OutOfMemory;

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = 6;

/// The lists: first those of the slots, level by level.
const WHEEL: usize = LEVELS * SLOTS;
/// What is due.
const DUE: usize = WHEEL;
/// What stood in the slot whose time has come, and has not found its new place yet.
const TURNING: usize = WHEEL + 1;
/// The idle ones.
const IDLE: usize = WHEEL + 2;
const LISTS: usize = WHEEL + 3;

/// Bits of an entry's number; there are fewer than 2²⁸ entries.
const ID_BITS: u32 = 30;
/// No entry.
const NIL: u32 = (1 << ID_BITS) - 1;
/// The number that stands before the first and behind the last entry of list 0; those of the other lists follow.
const HEADS: u32 = NIL - LISTS as u32;

/// Which kind of list a node stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Nowhere,
    /// In a slot, in [`DUE`] or in [`TURNING`].
    Armed,
    /// There, too, though its timer was cancelled.
    Cancelled,
    Idle,
}

/// An entry's timer.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The node before it or the list's head, and in the upper two bits its [`Place`].
    prev: u32,
    /// The node after it or the list's head.
    next: u32,
    /// Low half of the tick at which it is due: that of its slot or a later one.
    at: u32,
}

impl Node {
    const UNARMED: Self = Self { prev: NIL, next: NIL, at: 0 };

    fn new(place: Place, prev: u32, next: u32, at: u32) -> Self {
        Self { prev: prev | ((place as u32) << ID_BITS), next, at }
    }

    fn place(&self) -> Place {
        match self.prev >> ID_BITS {
            0 => Place::Nowhere,
            1 => Place::Armed,
            2 => Place::Cancelled,
            _ => Place::Idle,
        }
    }

    fn prev(&self) -> u32 {
        self.prev & NIL
    }

    fn set_prev(&mut self, prev: u32) {
        self.prev = (self.prev & !NIL) | prev;
    }

    fn set_place(&mut self, place: Place) {
        self.prev = self.prev() | ((place as u32) << ID_BITS);
    }
}

/// First and last of a list: its own head if it is empty.
#[derive(Clone, Copy, Debug)]
struct Ends {
    first: u32,
    last: u32,
}

/// The number of a list's head.
fn head(list: usize) -> u32 {
    HEADS + list as u32
}

/// The list whose head this is.
fn list_of(id: u32) -> Option<usize> {
    id.checked_sub(HEADS).map(|list| list as usize)
}

fn empty(list: usize) -> Ends {
    Ends { first: head(list), last: head(list) }
}

/// Timers of entries `0..n`, each armed at most once.
#[derive(Debug)]
pub(crate) struct Wheel {
    nodes: Chunked<Node>,
    lists: [Ends; LISTS],
    occupied: [u64; LEVELS],
    /// All that was due at this tick or before stands in [`DUE`] or [`TURNING`].
    current: u64,
    /// The idle entry that the walk in progress comes to next.
    cursor: u32,
}

impl Wheel {
    pub(crate) fn new(now: Tick) -> Self {
        Self {
            nodes: Chunked::default(),
            lists: core::array::from_fn(empty),
            occupied: [0; LEVELS],
            current: Self::widest(now),
            cursor: NIL,
        }
    }

    /// Makes room for the timers of the entries below `ids`.
    pub(crate) fn reserve(&mut self, ids: u32) -> Result<(), OutOfMemory> {
        if ids > HEADS {
            return Err(OutOfMemory);
        }
        while self.nodes.len() < ids {
            self.nodes.push(Node::UNARMED)?;
        }
        Ok(())
    }

    /// Time begins here: no timer was ever armed. What was reserved stays.
    pub(crate) fn begin_at(&mut self, now: Tick) {
        self.current = Self::widest(now);
    }

    /// The full tick that time begins with, so that the past can be told from the future.
    fn widest(now: Tick) -> u64 {
        (1 << 32) | u64::from(now.0)
    }

    pub(crate) fn is_armed(&self, id: u32) -> bool {
        self.nodes[id].place() == Place::Armed
    }

    /// Arms or moves the timer of `id`; a tick that is past already is due at once. It is idle no longer.
    pub(crate) fn arm(&mut self, id: u32, at: Tick) {
        let node = &mut self.nodes[id];
        let turns = matches!(node.place(), Place::Armed | Place::Cancelled);
        if turns && at.since(Tick(node.at)) >= 0 {
            node.set_place(Place::Armed);
            node.at = at.0;
            return;
        }
        let node = *node;
        self.leave(id, node);
        self.place(id, at.0);
    }

    /// Disarms the timer of `id`; true if it was armed.
    pub(crate) fn cancel(&mut self, id: u32) -> bool {
        let node = &mut self.nodes[id];
        let armed = node.place() == Place::Armed;
        if armed {
            node.set_place(Place::Cancelled);
        }
        armed
    }

    /// Puts an entry at the end of the idle ones, or takes it out; nothing while its timer is armed.
    pub(crate) fn set_idle(&mut self, id: u32, idle: bool) {
        let node = self.nodes[id];
        match (node.place(), idle) {
            (Place::Nowhere | Place::Cancelled, true) => {
                self.leave(id, node);
                self.append(IDLE, id, Place::Idle, node.at);
            }
            (Place::Idle, false) => self.unlink(id, node),
            _ => {}
        }
    }

    /// Is any entry idle?
    pub(crate) fn has_idle(&self) -> bool {
        self.first(IDLE).is_some()
    }

    #[cfg(test)]
    pub(crate) fn is_idle(&self, id: u32) -> bool {
        self.nodes[id].place() == Place::Idle
    }

    /// Begins a walk over the idle entries, in the order in which they became idle, unless one is in progress.
    pub(crate) fn begin_walk(&mut self) {
        if self.cursor == NIL {
            self.cursor = self.first(IDLE).unwrap_or(NIL);
        }
    }

    /// Is a walk in progress?
    pub(crate) fn is_walking(&self) -> bool {
        self.cursor != NIL
    }

    /// The next entry of the walk. Entries may come and go meanwhile, this one included.
    pub(crate) fn walk(&mut self) -> Option<u32> {
        let id = self.cursor;
        if id == NIL {
            return None;
        }
        self.step_over(self.nodes[id]);
        Some(id)
    }

    /// The tick at which there is something to do: never later than the first timer is due, earlier
    /// only to find new places for timers (on a lower level, or where those that were put off belong), or to forget
    /// cancelled ones.
    pub(crate) fn next_deadline(&self) -> Option<Tick> {
        if self.first(DUE).is_some() || self.first(TURNING).is_some() {
            return Some(Tick(self.current as u32));
        }
        self.next_slot().map(|(_, _, at)| Tick(at as u32))
    }

    /// Takes the next timer that is due at `now`, in the order in which they are due, and the tick for
    /// which it was armed. Each timer taken or given a new place takes one from `left`; at none nothing happens.
    pub(crate) fn pop(&mut self, now: Tick, left: &mut u32) -> Option<(u32, Tick)> {
        while *left > 0 {
            if let Some(id) = self.first(TURNING) {
                *left -= 1;
                let node = self.nodes[id];
                self.unlink(id, node);
                if node.place() == Place::Armed {
                    self.place(id, node.at);
                }
                continue;
            }
            if let Some(id) = self.first(DUE) {
                *left -= 1;
                let node = self.nodes[id];
                self.unlink(id, node);
                match node.place() {
                    Place::Armed if self.slot_of(node.at).is_none() => return Some((id, Tick(node.at))),
                    Place::Armed => self.place(id, node.at), // put off after it was due
                    _ => {}
                }
                continue;
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
        None
    }

    /// The full tick nearest to the present one whose low half is `at`.
    fn widen(&self, at: u32) -> u64 {
        let ahead = at.wrapping_sub(self.current as u32) as i32;
        self.current.wrapping_add_signed(i64::from(ahead))
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

    /// Moves the present to the beginning of a slot; what it holds is to find new places.
    fn turn(&mut self, level: usize, slot: usize, at: u64) {
        self.current = at;
        self.occupied[level] &= !(1 << slot);
        let list = level * SLOTS + slot;
        let ends = core::mem::replace(&mut self.lists[list], empty(list));
        self.nodes[ends.first].set_prev(head(TURNING));
        self.nodes[ends.last].next = head(TURNING);
        self.lists[TURNING] = ends;
    }

    /// The list of a tick to come; none if it has come.
    #[inline]
    fn slot_of(&self, at: u32) -> Option<usize> {
        let at = self.widen(at);
        if at <= self.current {
            return None;
        }
        let differing = 63 - (at ^ self.current).leading_zeros();
        let level = (differing / BITS).min(LEVELS as u32 - 1);
        Some(level as usize * SLOTS + (at >> (BITS * level)) as usize % SLOTS)
    }

    /// Puts an entry that stands nowhere where its tick belongs.
    #[inline]
    fn place(&mut self, id: u32, at: u32) {
        let list = match self.slot_of(at) {
            None => DUE,
            Some(list) => {
                self.occupied[list / SLOTS] |= 1 << (list % SLOTS);
                list
            }
        };
        self.append(list, id, Place::Armed, at);
    }

    /// The first entry of a list.
    fn first(&self, list: usize) -> Option<u32> {
        let first = self.lists[list].first;
        (first < HEADS).then_some(first)
    }

    /// Puts an entry at the end of a list.
    #[inline]
    fn append(&mut self, list: usize, id: u32, place: Place, at: u32) {
        let ends = &mut self.lists[list];
        let prev = core::mem::replace(&mut ends.last, id);
        if prev < HEADS {
            self.nodes[prev].next = id;
        } else {
            ends.first = id;
        }
        self.nodes[id] = Node::new(place, prev, head(list), at);
    }

    /// Takes an entry out of the list it stands in.
    fn unlink(&mut self, id: u32, node: Node) {
        self.leave(id, node);
        self.nodes[id] = Node::new(Place::Nowhere, NIL, NIL, node.at);
    }

    /// The list that an entry stands in goes on without it; its node is to be written next.
    #[inline]
    fn leave(&mut self, id: u32, node: Node) {
        if node.place() == Place::Nowhere {
            return;
        }
        if self.cursor == id {
            self.step_over(node);
        }
        let (prev, next) = (node.prev(), node.next);
        match list_of(prev) {
            None => self.nodes[prev].next = next,
            Some(list) => self.lists[list].first = next,
        }
        match list_of(next) {
            None => self.nodes[next].set_prev(prev),
            Some(list) => {
                self.lists[list].last = prev;
                if prev == next && list < WHEEL {
                    self.occupied[list / SLOTS] &= !(1 << (list % SLOTS));
                }
            }
        }
    }

    /// The walk goes on behind an idle entry.
    fn step_over(&mut self, node: Node) {
        self.cursor = if node.next < HEADS { node.next } else { NIL };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn pop(wheel: &mut Wheel, now: u32) -> Option<u32> {
        wheel.pop(Tick(now), &mut 1_000_000).map(|(id, _)| id)
    }

    fn wheel(n: u32, now: u32) -> Wheel {
        let mut wheel = Wheel::new(Tick(now));
        wheel.reserve(n + 1).unwrap();
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

    #[test]
    fn a_timer_put_off_fires_at_its_new_tick_only() {
        let mut wheel = wheel(3, 100);
        wheel.arm(0, Tick(105));
        wheel.arm(1, Tick(105));
        wheel.arm(0, Tick(300));
        assert_eq!(wheel.next_deadline(), Some(Tick(105)));
        assert_eq!((pop(&mut wheel, 299), pop(&mut wheel, 299)), (Some(1), None));
        wheel.arm(0, Tick(250)); // it is past: due at once
        wheel.arm(0, Tick(400)); // put off once more, before anybody took it
        assert_eq!((pop(&mut wheel, 399), wheel.is_armed(0)), (None, true));
        assert_eq!((pop(&mut wheel, 400), wheel.next_deadline()), (Some(0), None));
    }

    #[test]
    fn a_cancelled_timer_never_fires_and_is_forgotten_when_its_slot_comes() {
        let mut wheel = wheel(4, 100);
        (0..3).for_each(|id| wheel.arm(id, Tick(110)));
        assert!((0..3).all(|id| wheel.cancel(id)) && !wheel.cancel(1) && !wheel.is_armed(1));
        wheel.arm(0, Tick(120)); // the slot's next entry has a later timer
        wheel.arm(1, Tick(105)); // or an earlier one
        wheel.set_idle(2, true); // or none
        assert!(wheel.is_idle(2) && wheel.is_armed(0));
        assert_eq!((pop(&mut wheel, 119), pop(&mut wheel, 119)), (Some(1), None));
        assert_eq!((pop(&mut wheel, 120), wheel.next_deadline()), (Some(0), None));
        wheel.arm(3, Tick(130));
        wheel.cancel(3);
        assert_eq!((pop(&mut wheel, 130), wheel.next_deadline()), (None, None));
    }

    /// What fires at `now` with `slice` timers taken or moved in each call.
    fn in_slices(wheel: &mut Wheel, now: u32, slice: u32) -> Vec<u32> {
        let mut fired = vec![];
        loop {
            let mut left = slice;
            while let Some((id, _)) = wheel.pop(Tick(now), &mut left) {
                fired.push(id);
            }
            let over = wheel.next_deadline().is_none_or(|at| at.is_after(Tick(now)));
            assert!(over || left == 0, "it stopped with {left} left");
            if over {
                return fired;
            }
        }
    }

    #[test]
    fn slices_fire_in_the_same_order_as_one_call() {
        let arm = |wheel: &mut Wheel| {
            for id in 0..3000 {
                wheel.arm(id, Tick(10_000 + id * 7919 % 300));
            }
        };
        let (mut whole, mut sliced) = (wheel(3000, 77), wheel(3000, 77));
        arm(&mut whole);
        arm(&mut sliced);
        let expected: Vec<u32> = core::iter::from_fn(|| pop(&mut whole, 10_400)).collect();
        assert_eq!(expected.len(), 3000);
        assert_eq!(in_slices(&mut sliced, 10_400, 13), expected);
    }

    #[test]
    fn timers_may_go_and_come_while_their_slot_is_emptied() {
        let mut wheel = wheel(6, 0);
        (0..5).for_each(|id| wheel.arm(id, Tick(100)));
        let mut left = 2;
        assert_eq!(wheel.pop(Tick(100), &mut left), None, "two of five were moved down");
        assert_eq!((left, wheel.next_deadline()), (0, Some(Tick(64))));
        for id in [0, 2, 4] {
            assert!(wheel.cancel(id) && !wheel.is_armed(id));
        }
        wheel.arm(5, Tick(70));
        assert_eq!(in_slices(&mut wheel, 100, 1), [5, 1, 3]);
    }

    #[test]
    fn idle_entries_are_walked_in_the_order_in_which_they_became_idle() {
        let mut wheel = wheel(6, 0);
        [4, 1, 3, 0].into_iter().for_each(|id| wheel.set_idle(id, true));
        wheel.set_idle(1, true);
        wheel.arm(2, Tick(9));
        wheel.set_idle(2, true);
        assert!(wheel.is_armed(2) && wheel.has_idle());
        wheel.begin_walk();
        assert_eq!(wheel.walk(), Some(4));
        wheel.begin_walk(); // one is in progress
        wheel.arm(1, Tick(5)); // the walk was about to come to it
        wheel.set_idle(4, false);
        assert_eq!((wheel.walk(), wheel.is_walking()), (Some(3), true));
        wheel.set_idle(5, true);
        assert_eq!((wheel.walk(), wheel.walk(), wheel.walk()), (Some(0), Some(5), None));
        assert!(!wheel.is_walking());
        assert_eq!((pop(&mut wheel, 10), pop(&mut wheel, 10), pop(&mut wheel, 10)), (Some(1), Some(2), None));
    }

    proptest! {
        #[test]
        fn the_wheel_agrees_with_a_sorted_map(
            start: u32,
            ops in prop::collection::vec((0u32..32, 0u32..(1 << 22), 0u8..5, 0u32..20_000), 1..200),
            slice in 1u32..50,
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
                    3 => wheel.set_idle(id, delay % 2 == 0),
                    _ => now += u64::from(pass),
                }
                let mut left = slice;
                while let Some((id, at)) = wheel.pop(Tick(now as u32), &mut left) {
                    let armed = model.remove(&id).map(|at| at as u32);
                    prop_assert_eq!(armed, Some(at.0));
                    prop_assert!(at.since(Tick(now as u32)) <= 0, "early");
                }
                let first = model.values().min();
                prop_assert!(left == 0 || first.is_none_or(|at| *at > now), "due and not fired");
                let next = wheel.next_deadline();
                // Time passes only as far as it says: what was cancelled may be all there is.
                prop_assert!(left == 0 || next.is_none_or(|next| next.since(Tick(now as u32)) > 0));
                if let Some(first) = first {
                    prop_assert!(next.is_some_and(|next| next.since(Tick(*first as u32)) <= 0));
                }
            }
        }
    }
}
