//! The data plane's handles: readers that look neighbours up, and references that hold one.

use core::cell::Cell;
use core::fmt;

use crate::hit::Hit;
use crate::index::View;
use crate::key::{Handle, Key};
use crate::primitive::Arc;
use crate::refs;
use crate::shared::Shared;

/// Looks neighbours up from any thread, at any time, without a lock.
///
/// A lookup writes no shared memory at all, and never waits: a reader may stop between any two instructions for
/// ever, and disturbs nobody. Clone it for each thread: it remembers where the table stands.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
    view: Cell<View>,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, view: Cell::new(View::new()) }
    }

    /// The neighbour with this key, at one moment within the call; `None` if there was a moment without it.
    ///
    /// A key that is present all the while is always found, also while the table grows or shrinks.
    #[inline]
    pub fn lookup(&self, key: &Key) -> Option<Hit> {
        self.shared.lookup(&self.view, key)
    }

    /// Looks up several keys, each as [`Reader::lookup`] does at some moment of the call. While one is worked on, the
    /// memory of the others is on its way.
    ///
    /// `key` makes the key of what is asked, the same one each time, and `answer` what is written down for it. The
    /// number of answers written: as many as both slices have room for, or those before the first question that is no
    /// key of this table's.
    #[inline(always)]
    pub fn lookup_batch<Q, A>(
        &self,
        asked: &[Q],
        key: impl Fn(&Q) -> Option<Key>,
        answers: &mut [A],
        answer: impl Fn(Option<Hit>) -> A,
    ) -> usize {
        self.shared.lookup_batch(&self.view, asked, key, answers, answer)
    }

    /// Holds the neighbour of a hit, so that it can be watched, confirmed and sent to later without a lookup.
    ///
    /// `None` if that neighbour is gone: removed since, whether or not its key has a new one.
    pub fn hold(&self, hit: &Hit) -> Option<NeighbourRef> {
        NeighbourRef::take(&self.shared, hit.handle())
    }

    /// Notes that the neighbour of a hit proved reachable at `tick` (NUD-40: confirmation by an upper layer).
    ///
    /// Writes only if this tick is not there yet, and never for another neighbour than the hit's. Ticks are the
    /// writer's clock and may wrap.
    pub fn confirm(&self, hit: &Hit, tick: u32) {
        self.shared.confirm(hit.handle(), tick);
    }

    /// Marks the neighbour of a hit as handed over to the writer; `true` for the one caller that set the mark.
    ///
    /// `false` if somebody has done it already, or if the slot belongs to another neighbour now.
    #[must_use = "only the caller that set the mark hands the neighbour over"]
    pub fn mark_handed(&self, hit: &Hit) -> bool {
        self.shared.mark_handed(hit.handle())
    }

    /// Takes the mark back, when the hand-over did not work out (its queue was full); `true` if it was there.
    pub fn unmark_handed(&self, hit: &Hit) -> bool {
        self.shared.unmark_handed(hit.handle())
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// Holds one neighbour (Linux's want_ref): its identity stays until this is dropped, whatever happens to its entry.
///
/// While it is held it is not collected (GC-5). A flush, or the end of its device, marks it dead; what it said last
/// can still be read, and its memory is reused only after the last reference is dropped (DST-3).
pub struct NeighbourRef {
    shared: Arc<Shared>,
    handle: Handle,
}

impl NeighbourRef {
    pub(crate) fn take(shared: &Arc<Shared>, handle: Handle) -> Option<Self> {
        let taken = shared.take_reference(handle);
        taken.then(|| Self { shared: Arc::clone(shared), handle })
    }

    /// The neighbour's key.
    pub fn key(&self) -> Key {
        // A held slot exists; the other arm is never taken.
        self.shared.key(self.handle.spot).unwrap_or(Key { addr: 0, ifindex: 0 })
    }

    /// State, address and header now; after the removal, as they were last.
    #[inline(always)]
    pub fn hit(&self) -> Hit {
        self.shared.held(self.handle)
    }

    /// The state now; after the removal, as it was last.
    #[inline]
    pub fn state(&self) -> u8 {
        self.hit().state()
    }

    /// Whether the neighbour has been removed from the table. Then look its key up again.
    #[inline]
    pub fn is_dead(&self) -> bool {
        self.shared.is_dead(self.handle.spot)
    }

    /// Notes that the neighbour proved reachable at `tick`: see [`Reader::confirm`].
    pub fn confirm(&self, tick: u32) {
        self.shared.confirm(self.handle, tick);
    }

    /// Which neighbour this is.
    #[inline]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    /// See [`Reader::mark_handed`].
    pub fn mark_handed(&self) -> bool {
        self.shared.mark_handed(self.handle)
    }

    /// See [`Reader::unmark_handed`].
    pub fn unmark_handed(&self) -> bool {
        self.shared.unmark_handed(self.handle)
    }

    pub(crate) fn is_of(&self, shared: &Arc<Shared>) -> bool {
        Arc::ptr_eq(&self.shared, shared)
    }
}

impl Clone for NeighbourRef {
    fn clone(&self) -> Self {
        if let Some(cold) = self.shared.cold.get(self.handle.spot) {
            refs::take_another(&cold.refs);
        }
        Self { shared: Arc::clone(&self.shared), handle: self.handle }
    }
}

impl Drop for NeighbourRef {
    fn drop(&mut self) {
        self.shared.give_back(self.handle.spot);
    }
}

impl fmt::Debug for NeighbourRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NeighbourRef")
            .field("key", &self.key())
            .field("handle", &self.handle)
            .field("dead", &self.is_dead())
            .finish()
    }
}
