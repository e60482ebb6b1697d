//! Places of an arena that are free: those given back, last in first out, then those never used.
//!
//! Only the writer uses it. The list runs through the free places themselves, so giving one back allocates nothing.

use crate::arena::Arena;
use crate::error::OutOfMemory;
use crate::long::Record;
use crate::primitive::{AtomicU32, Ordering};
use crate::slices::Zeroable;

/// Elements with room for the number (plus one) of the next one in a list.
pub(crate) trait Links {
    fn next(&self) -> &AtomicU32;
}

impl Links for Record {
    fn next(&self) -> &AtomicU32 {
        &self.next
    }
}

/// The free places of one arena.
#[derive(Default)]
pub(crate) struct FreeList {
    /// The place given back last, plus one; 0 if there is none.
    head: u32,
    /// The lowest place never used.
    fresh: u32,
}

impl FreeList {
    /// The lowest place never used.
    pub(crate) fn fresh(&self) -> u32 {
        self.fresh
    }

    /// A free place; `ensure` makes the memory of one that was never used.
    pub(crate) fn take<T: Links + Zeroable>(
        &mut self,
        arena: &Arena<T>,
        ensure: impl FnOnce(u32) -> Result<(), OutOfMemory>,
    ) -> Result<u32, OutOfMemory> {
        if let Some(place) = self.head.checked_sub(1)
            && let Some(element) = arena.get(place)
        {
            self.head = element.next().load(Ordering::Relaxed);
            return Ok(place);
        }
        let place = self.fresh;
        ensure(place)?;
        self.fresh = place.checked_add(1).ok_or(OutOfMemory)?;
        Ok(place)
    }

    /// Gives a place back.
    pub(crate) fn put<T: Links + Zeroable>(&mut self, arena: &Arena<T>, place: u32) {
        if let Some(element) = arena.get(place) {
            element.next().store(self.head, Ordering::Relaxed);
            self.head = place + 1;
        }
    }
}
