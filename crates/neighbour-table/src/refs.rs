//! The reference word of a slot: generation, two marks and count in one atomic, changed by compare-and-swap only.
//!
//! Because the generation stands in the same word, a reference can be taken only on the neighbour it was meant for;
//! because the dead bit does, the writer's "remove it if nobody holds it" is one step (DST-2). The other mark says
//! that a reader has handed the neighbour over to the writer.
//!
//! Orderings: giving a reference back is a Release, and whoever brings the count to zero is an Acquire, so all use
//! of the neighbour happens before its slot is reused. `start` is a Release and taking a reference an Acquire, so a
//! holder sees the key. Every change is a read-modify-write, so that all stand in one order beside late marks and
//! references. Setting the dead bit is a Release, `is_dead` an Acquire.

use crate::primitive::{AtomicU64, Ordering};

const DEAD: u64 = 1 << 31;
const HANDED: u64 = 1 << 30;
const COUNT: u64 = HANDED - 1;

/// What a reference word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refs(u64);

/// What became of a reference that was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// Others are left.
    Shared,
    /// It was the last one.
    Last,
}

impl Refs {
    fn new(generation: u32, dead: bool, count: u64) -> Self {
        Self((u64::from(generation) << 32) | if dead { DEAD } else { 0 } | count)
    }

    pub(crate) fn load(word: &AtomicU64) -> Self {
        Self(word.load(Ordering::Acquire))
    }

    pub(crate) fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(crate) fn is_dead(self) -> bool {
        self.0 & DEAD != 0
    }

    pub(crate) fn count(self) -> u32 {
        (self.0 & COUNT) as u32
    }
}

/// Begins a life: one reference, the table's.
pub(crate) fn start(word: &AtomicU64, generation: u32) {
    word.swap(Refs::new(generation, false, 1).0, Ordering::AcqRel);
}

/// Ends a life: from now on no handle of an older generation fits.
pub(crate) fn end(word: &AtomicU64, next_generation: u32) {
    word.swap(Refs::new(next_generation, true, 0).0, Ordering::AcqRel);
}

/// Changes the word as `change` says, until nobody interferes; `None` if `change` gives up.
fn update(word: &AtomicU64, change: impl Fn(Refs) -> Option<Refs>) -> Option<Refs> {
    let mut old = word.load(Ordering::Relaxed);
    loop {
        let new = change(Refs(old))?;
        match word.compare_exchange_weak(old, new.0, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return Some(new),
            Err(other) => old = other,
        }
    }
}

/// Takes a reference on a neighbour of this generation that is alive.
pub(crate) fn take(word: &AtomicU64, generation: u32) -> bool {
    update(word, |refs| {
        let fits = refs.generation() == generation && !refs.is_dead();
        (fits && u64::from(refs.count()) < COUNT).then_some(Refs(refs.0 + 1))
    })
    .is_some()
}

/// One more reference beside one that the caller holds. A count that is full stays full for ever: the slot is then
/// never reused, which wastes it but stays sound.
pub(crate) fn take_another(word: &AtomicU64) {
    update(word, |refs| (u64::from(refs.count()) < COUNT).then_some(Refs(refs.0 + 1)));
}

/// Gives a reference back that the caller holds.
pub(crate) fn give_back(word: &AtomicU64) -> Dropped {
    let left = update(word, |refs| {
        let movable = refs.count() > 0 && u64::from(refs.count()) < COUNT;
        movable.then_some(Refs(refs.0 - 1))
    });
    match left {
        Some(refs) if refs.count() == 0 => Dropped::Last,
        _ => Dropped::Shared,
    }
}

/// Marks a neighbour of this generation as handed over; true for the one caller that did it.
pub(crate) fn mark_handed(word: &AtomicU64, generation: u32) -> bool {
    update(word, |refs| {
        let fits = refs.generation() == generation && refs.0 & HANDED == 0;
        fits.then_some(Refs(refs.0 | HANDED))
    })
    .is_some()
}

/// Takes the mark back, if it is this neighbour's; true if it was there.
pub(crate) fn unmark_handed(word: &AtomicU64, generation: u32) -> bool {
    update(word, |refs| {
        let fits = refs.generation() == generation && refs.0 & HANDED != 0;
        fits.then_some(Refs(refs.0 & !HANDED))
    })
    .is_some()
}

/// DST-2: marks dead and drops the table's reference, only if it is the only one.
pub(crate) fn kill_if_unused(word: &AtomicU64) -> bool {
    update(word, |refs| {
        (!refs.is_dead() && refs.count() == 1).then_some(Refs::new(refs.generation(), true, 0))
    })
    .is_some()
}

/// DST-3: marks dead and drops the table's reference. `None` if it was dead already.
pub(crate) fn kill(word: &AtomicU64) -> Option<Dropped> {
    let left = update(word, |refs| {
        let full = u64::from(refs.count()) == COUNT;
        let count = if full { COUNT } else { u64::from(refs.count()).saturating_sub(1) };
        (!refs.is_dead()).then_some(Refs((refs.0 & !COUNT) | DEAD | count))
    })?;
    Some(if left.count() == 0 { Dropped::Last } else { Dropped::Shared })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_taken_only_on_the_same_living_generation() {
        let word = AtomicU64::new(0);
        start(&word, 7);
        assert!(!take(&word, 6));
        assert!(take(&word, 7));
        assert_eq!(kill(&word), Some(Dropped::Shared));
        assert!(!take(&word, 7), "dead");
        assert_eq!(give_back(&word), Dropped::Last);
        assert_eq!(kill(&word), None);
    }

    #[test]
    fn only_an_unused_neighbour_is_removed_at_once() {
        let word = AtomicU64::new(0);
        start(&word, 1);
        assert!(take(&word, 1));
        assert!(!kill_if_unused(&word));
        assert_eq!(give_back(&word), Dropped::Shared);
        assert!(kill_if_unused(&word));
        assert!(!kill_if_unused(&word));
    }

    #[test]
    fn the_mark_of_a_hand_over_is_one_neighbour_s_and_does_not_touch_the_count() {
        let word = AtomicU64::new(0);
        start(&word, 2);
        assert!(!mark_handed(&word, 1) && mark_handed(&word, 2) && !mark_handed(&word, 2));
        assert!(take(&word, 2));
        assert_eq!(Refs::load(&word).count(), 2);
        assert!(!unmark_handed(&word, 1) && unmark_handed(&word, 2) && !unmark_handed(&word, 2));
        assert!(mark_handed(&word, 2));
        start(&word, 3);
        assert!(!unmark_handed(&word, 3), "a new neighbour begins without it");
    }

    #[test]
    fn a_full_count_stays_full() {
        let full = Refs::new(3, false, COUNT);
        let word = AtomicU64::new(full.0);
        assert!(!take(&word, 3));
        take_another(&word);
        assert_eq!(give_back(&word), Dropped::Shared);
        assert_eq!(Refs::load(&word), full);
        assert_eq!(kill(&word), Some(Dropped::Shared));
        assert_eq!(Refs::load(&word).count(), full.count());
    }
}
