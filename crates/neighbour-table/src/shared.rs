//! What all handles of one table share, and the protocols by which they read it.

use crate::arena::Arena;
use crate::hit::Hit;
use crate::index::Index;
use crate::key::{Handle, Key};
use crate::long::Record;
use crate::primitive::{AtomicU32, Ordering, fence};
use crate::refs::{self, Dropped};
use crate::slot::{Cold, Hot, LONG, Own, Word};

/// The memory of a table. It stays until the last handle, reader or reference goes.
pub(crate) struct Shared {
    pub(crate) index: Index,
    pub(crate) hot: Arena<Hot>,
    pub(crate) cold: Arena<Cold>,
    pub(crate) long: Arena<Record>,
    /// Slots whose last reference was given back by somebody else than the writer: a list through `Cold::next`,
    /// holding slot numbers plus one. Anyone pushes; only the writer takes, and takes all.
    returned: AtomicU32,
}

/// The key's words as they stand in a slot that is in use.
pub(crate) fn key_words(hot: &Hot) -> [u64; 3] {
    let ifindex = hot.ident.load(Ordering::Relaxed) & u64::from(u32::MAX);
    [hot.low.load(Ordering::Relaxed), hot.high.load(Ordering::Relaxed), ifindex]
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            index: Index::new(),
            hot: Arena::new(),
            cold: Arena::new(),
            long: Arena::new(),
            returned: AtomicU32::new(0),
        }
    }

    /// The neighbour with this key, or the proof that there was a moment without it.
    #[inline]
    pub(crate) fn lookup(&self, key: &Key) -> Option<Hit> {
        let mut state = self.index.state();
        loop {
            if let Some(class) = state.previous()
                && let Some(hit) = self.lookup_in(class, key)
            {
                return Some(hit);
            }
            if let Some(hit) = self.lookup_in(state.current(), key) {
                return Some(hit);
            }
            let again = self.index.state();
            if again == state {
                return None;
            }
            state = again;
        }
    }

    #[inline]
    fn lookup_in(&self, class: u8, key: &Key) -> Option<Hit> {
        let hash = self.index.hash(class, key.words());
        self.index.search(class, hash, |slot, _| self.candidate(slot, key))
    }

    /// Reads a slot that may be the key's, and may change owner at any moment.
    #[inline]
    fn candidate(&self, slot: u32, key: &Key) -> Option<Hit> {
        let hot = self.hot.get(slot)?;
        // Acquire: meets the Release with which `begin` sets the guard, so the fields are at least as new as it.
        let ident = hot.ident.load(Ordering::Acquire);
        let [low, high, ifindex] = key.words();
        if ident == 0
            || ident & u64::from(u32::MAX) != ifindex
            || hot.low.load(Ordering::Relaxed) != low
            || hot.high.load(Ordering::Relaxed) != high
        {
            return None;
        }
        let hit = self.read(slot, (ident >> 32) as u32, hot)?;
        // Meets the Release fence in `retire`: if any field was newer than `ident`, the second look shows it.
        fence(Ordering::Acquire);
        let unchanged = hot.ident.load(Ordering::Relaxed) == ident;
        (unchanged && hit.is_linked()).then_some(hit)
    }

    /// The fields of a slot that the caller knows, or will find out, not to change owner.
    #[inline]
    fn read(&self, slot: u32, generation: u32, hot: &Hot) -> Option<Hit> {
        // Acquire: a reader that sees a state sees all that its writer had done before it published the state.
        let word = Word::from_bits(hot.word.load(Ordering::Acquire));
        let own = Own::from_bits(hot.own.load(Ordering::Relaxed));
        let long =
            if word.has(LONG) { Some(self.long.get(hot.long.load(Ordering::Relaxed))?.load()) } else { None };
        Some(Hit::new(Handle { slot, generation }, word, own, long))
    }

    /// Sets a slot up for a new neighbour: the fields, then the references, then the guard.
    pub(crate) fn begin(&self, handle: Handle, key: &Key, word: Word, own: Own, long: u32) {
        let (Some(hot), Some(cold)) = (self.hot.get(handle.slot), self.cold.get(handle.slot)) else {
            return;
        };
        let [low, high, _] = key.words();
        hot.low.store(low, Ordering::Relaxed);
        hot.high.store(high, Ordering::Relaxed);
        hot.own.store(own.bits(), Ordering::Relaxed);
        hot.long.store(long, Ordering::Relaxed);
        hot.word.store(word.bits(), Ordering::Relaxed);
        refs::start(&cold.refs, handle.generation);
        // Release: meets the first Acquire in `candidate`.
        hot.ident.store(handle.ident(key.ifindex), Ordering::Release);
    }

    /// Takes a slot from its neighbour: nothing read in it from now on counts.
    pub(crate) fn retire(&self, slot: u32, next_generation: u32) {
        let (Some(hot), Some(cold)) = (self.hot.get(slot), self.cold.get(slot)) else {
            return;
        };
        hot.ident.store(0, Ordering::Relaxed);
        // Meets the Acquire fence in `candidate`: whoever reads a field written after this also sees the guard gone.
        fence(Ordering::Release);
        refs::end(&cold.refs, next_generation);
    }

    /// What a held neighbour says now. The reference keeps its slot from changing owner.
    #[inline]
    pub(crate) fn held(&self, handle: Handle) -> Hit {
        let hit = self.hot.get(handle.slot).and_then(|hot| self.read(handle.slot, handle.generation, hot));
        // A held slot exists, and so does its record: the other arm is never taken.
        hit.unwrap_or_else(|| Hit::new(handle, Word::new(0, 0, [0; 6]), Own::new(0, [0; 6]), None))
    }

    /// The key of a held neighbour.
    pub(crate) fn key(&self, slot: u32) -> Option<Key> {
        self.hot.get(slot).map(|hot| Key::from_words(key_words(hot)))
    }

    pub(crate) fn take_reference(&self, handle: Handle) -> bool {
        self.cold.get(handle.slot).is_some_and(|cold| refs::take(&cold.refs, handle.generation))
    }

    /// Gives a reference back that the caller holds; the last one sends the slot to the writer.
    pub(crate) fn give_back(&self, slot: u32) {
        let Some(cold) = self.cold.get(slot) else {
            return;
        };
        if refs::give_back(&cold.refs) == Dropped::Last {
            self.push_returned(slot, cold);
        }
    }

    /// Pushes a slot that nobody refers to any more. It is in no other list, and will not be until the writer has
    /// taken it from here, so `next` is ours.
    fn push_returned(&self, slot: u32, cold: &Cold) {
        let mut head = self.returned.load(Ordering::Relaxed);
        loop {
            cold.next.store(head, Ordering::Relaxed);
            // Release: meets the Acquire in `take_returned`, for `next` and all use of the neighbour before.
            // A list that is only ever taken whole cannot suffer from a head that went and came back.
            let pushed =
                self.returned.compare_exchange_weak(head, slot + 1, Ordering::Release, Ordering::Relaxed);
            match pushed {
                Ok(_) => return,
                Err(other) => head = other,
            }
        }
    }

    /// The head (slot plus one, or 0) of the list of slots given back since the last call. Only for the writer.
    pub(crate) fn take_returned(&self) -> u32 {
        if self.returned.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        // Acquire: meets the Release of every push (later pushes continue the release sequences of earlier ones).
        self.returned.swap(0, Ordering::Acquire)
    }

    /// Notes that the neighbour answered at `tick`: one store, and none if that is known or it is gone.
    pub(crate) fn confirm(&self, handle: Handle, tick: u32) {
        let Some(cold) = self.cold.get(handle.slot) else {
            return;
        };
        let new = (u64::from(handle.generation) << 32) | u64::from(tick);
        let mut old = cold.confirmed.load(Ordering::Relaxed);
        // Generations only rise, so a late confirmation can never overwrite one of the slot's next owner.
        while old != new && (old >> 32) as u32 <= handle.generation {
            // Release: meets the Acquire in `confirmed`.
            match cold.confirmed.compare_exchange_weak(old, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => old = other,
            }
        }
    }

    /// The tick of the last confirmation of this neighbour.
    pub(crate) fn confirmed(&self, handle: Handle) -> Option<u32> {
        let word = self.cold.get(handle.slot)?.confirmed.load(Ordering::Acquire);
        ((word >> 32) as u32 == handle.generation).then_some(word as u32)
    }

    /// Marks the neighbour as handed over; true for the one caller that did it.
    pub(crate) fn mark_handed(&self, handle: Handle) -> bool {
        let Some(cold) = self.cold.get(handle.slot) else {
            return false;
        };
        let mut old = cold.handed.load(Ordering::Relaxed);
        // A generation above ours: the neighbour is gone, and the mark is another's.
        while old < handle.generation {
            // AcqRel: meets `unmark_handed`, whose caller has finished with what the mark stands for.
            match cold.handed.compare_exchange_weak(
                old,
                handle.generation,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(other) => old = other,
            }
        }
        false
    }

    /// Takes the mark back, if it is this neighbour's; true if it was there.
    pub(crate) fn unmark_handed(&self, handle: Handle) -> bool {
        let Some(cold) = self.cold.get(handle.slot) else {
            return false;
        };
        let taken = cold.handed.compare_exchange(handle.generation, 0, Ordering::AcqRel, Ordering::Relaxed);
        taken.is_ok()
    }
}
