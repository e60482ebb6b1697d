//! Places of an arena that are free: those given back, last in first out, then those never used.
//!
//! Only the writer uses it. The list runs through the free places themselves, so giving one back allocates nothing.

use crate::arena::{Arena, Spot};
use crate::error::OutOfMemory;
use crate::long::Record;
use crate::primitive::{AtomicU32, Ordering};
use crate::slices::Zeroable;

/// Elements with room for the (raw) spot of the next one in a list.
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
    /// The place given back last.
    head: Option<Spot>,
    /// The lowest slot number never used.
    fresh: u32,
}

impl FreeList {
    /// The lowest slot number never used.
    pub(crate) fn fresh(&self) -> u32 {
        self.fresh
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
            self.head = Spot::from_raw(element.next().load(Ordering::Relaxed));
            return Ok(spot);
        }
        let spot = Spot::of(self.fresh).ok_or(OutOfMemory)?;
        ensure(spot)?;
        self.fresh += 1;
        Ok(spot)
    }

    /// Gives a place back.
    pub(crate) fn put<T: Links + Zeroable>(&mut self, arena: &Arena<T>, spot: Spot) {
        if let Some(element) = arena.get(spot) {
            element.next().store(self.head.map_or(0, Spot::raw), Ordering::Relaxed);
            self.head = Some(spot);
        }
    }
}
