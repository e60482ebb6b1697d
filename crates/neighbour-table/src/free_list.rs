//! Places of an arena that are free: those given back, last in first out, then those never used.
//!
//! Only the writer uses it. The list runs through the free places themselves, so giving one back allocates nothing.

use crate::arena::{Arena, Spot};
use crate::error::OutOfMemory;
use crate::key::Generation;
use crate::long::Record;
use crate::primitive::Ordering;
use crate::slices::Zeroable;
use crate::slot::Cold;

/// Elements with room for the (raw) spot of the next one in a list.
pub(crate) trait Links {
    /// The next one, 0 at the end.
    fn next(&self) -> u32;

    /// Sets it, which the element's owner alone may do.
    fn set_next(&self, raw: u32);
}

impl Links for Record {
    fn next(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }

    fn set_next(&self, raw: u32) {
        self.next.store(raw, Ordering::Relaxed);
    }
}

/// Stands where a confirmation has its generation: above all of them, so that no late confirmation, which must be at
/// least as new as what it replaces, writes over a list.
const IN_A_LIST: u64 = (Generation::MAX as u64) << 32;

impl Links for Cold {
    fn next(&self) -> u32 {
        self.confirmed.load(Ordering::Relaxed) as u32
    }

    fn set_next(&self, raw: u32) {
        // A swap, so that it stands in one order with the late confirmations that it makes fail.
        self.confirmed.swap(IN_A_LIST | u64::from(raw), Ordering::Relaxed);
    }
}

/// The free places of one arena.
pub(crate) struct FreeList {
    /// The place given back last.
    head: Option<Spot>,
    /// The lowest slot number never used.
    fresh: u32,
    /// Slot numbers are below this one.
    most: u32,
}

impl FreeList {
    /// No place yet, and never more than `most`.
    pub(crate) fn new(most: u32) -> Self {
        Self { head: None, fresh: 0, most }
    }

    /// The lowest slot number never used.
    pub(crate) fn fresh(&self) -> u32 {
        self.fresh
    }

    /// What [`Self::fresh`] will be when one more place has been taken.
    pub(crate) fn fresh_after_one_more(&self) -> u32 {
        self.fresh + u32::from(self.head.is_none())
    }

    /// Makes sure that [`Self::take`] will find a place.
    pub(crate) fn reserve(
        &self,
        ensure: impl FnOnce(Spot) -> Result<(), OutOfMemory>,
    ) -> Result<(), OutOfMemory> {
        match self.head {
            Some(_) => Ok(()),
            None => ensure(self.next_fresh()?),
        }
    }

    fn next_fresh(&self) -> Result<Spot, OutOfMemory> {
        Spot::of(self.fresh).filter(|_| self.fresh < self.most).ok_or(OutOfMemory)
    }

    /// A free place; `ensure` makes the memory of one that was never used.
    pub(crate) fn take<T: Links + Zeroable>(
        &mut self,
        arena: &Arena<T>,
        ensure: impl FnOnce(Spot) -> Result<(), OutOfMemory>,
    ) -> Result<Spot, OutOfMemory> {
        if let Some(spot) = self.head
            && let Some(element) = arena.get(spot)
        {
            self.head = Spot::from_raw(element.next());
            return Ok(spot);
        }
        let spot = self.next_fresh()?;
        ensure(spot)?;
        self.fresh += 1;
        Ok(spot)
    }

    /// Gives a place back.
    pub(crate) fn put<T: Links + Zeroable>(&mut self, arena: &Arena<T>, spot: Spot) {
        if let Some(element) = arena.get(spot) {
            element.set_next(self.head.map_or(0, Spot::raw));
            self.head = Some(spot);
        }
    }
}
