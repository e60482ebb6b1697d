//! What all handles of one table share, and the protocols by which they read it.

use core::cell::Cell;

use crate::arena::{Arena, Spot};
use crate::error::OutOfMemory;
use crate::free_list::Links;
use crate::hit::Hit;
use crate::index::{Index, View};
use crate::key::{Handle, Key};
use crate::long::Record;
use crate::prefetch::prefetch;
use crate::primitive::{AtomicU32, Ordering, fence};
use crate::refs::{self, Dropped};
use crate::slot::{Cold, Hot, Ident, LONG, Word};
use crate::template::{Own, Templates};

/// The memory of a table. It stays until the last handle, reader or reference goes.
pub(crate) struct Shared {
    pub(crate) index: Index,
    pub(crate) hot: Arena<Hot>,
    pub(crate) templates: Templates,
    pub(crate) cold: Arena<Cold>,
    pub(crate) long: Arena<Record>,
    /// Slots whose last reference was given back by somebody else than the writer: a list through `Cold::next`,
    /// holding raw spots. Anyone pushes; only the writer takes, and takes all.
    returned: AtomicU32,
}

impl Hot {
    /// The key as it stands in a slot that is in use, linked or not.
    pub(crate) fn key(&self) -> Key {
        let [low, high] = [&self.low, &self.high].map(|word| u128::from(word.load(Ordering::Relaxed)));
        Key { addr: (high << 64) | low, ifindex: self.ident().ifindex() }
    }

    /// The guard, for the writer and for holders.
    #[inline]
    pub(crate) fn ident(&self) -> Ident {
        Ident(self.ident.load(Ordering::Relaxed))
    }
}

impl Cold {
    /// The tick of the last confirmation of the neighbour that the slot has now. For the writer.
    pub(crate) fn confirmed(&self) -> Option<u32> {
        let word = self.confirmed.load(Ordering::Acquire);
        ((word >> 32) as u32 == refs::Refs::load(&self.refs).generation()).then_some(word as u32)
    }
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            index: Index::new(),
            hot: Arena::new(),
            templates: Templates::new(),
            cold: Arena::new(),
            long: Arena::new(),
            returned: AtomicU32::new(0),
        }
    }

    /// Makes the place that empty lanes name, before there is a reader: searchers look at it before they ask whether a
    /// lane is empty. Returns the bytes allocated.
    pub(crate) fn make_void(&self) -> Result<usize, OutOfMemory> {
        self.hot.ensure(Spot::VOID)
    }

    /// The neighbour with this key, or the proof that there was a moment without it.
    #[inline(always)]
    pub(crate) fn lookup(&self, view: &Cell<View>, key: &Key) -> Option<Hit> {
        let (bucket, tag) = self.index.home(view, key.words());
        // Found where nearly all are found: nothing else matters then, not even a migration.
        if let Some(lane) = bucket.matching(tag).next()
            && let spot = bucket.spot_or_void(lane)
            && let Some((handle, word, own)) = self.candidate(spot, self.named(spot), key, Wanted::Ready)
        {
            return Some(Hit::new(handle, word, own));
        }
        self.lookup_further(view, key.addr, key.ifindex)
    }

    /// As [`Self::lookup`], where the first look did not find all there is: another lane or bucket, no header, or
    /// nobody. The key comes in registers: a hit has none in memory.
    #[cold]
    #[inline(never)]
    fn lookup_further(&self, view: &Cell<View>, addr: u128, ifindex: u32) -> Option<Hit> {
        let key = &Key { addr, ifindex };
        let view = view.get();
        let state = view.state();
        let hit = self.lookup_by(state.current(), view.hash(key.words()), key);
        // That array is all there is if there is no other, and it was all the while.
        if hit.is_some() || (state.previous().is_none() && self.index.state() == state) {
            return hit;
        }
        self.lookup_everywhere(key)
    }

    /// As [`Self::lookup`], wherever the key may stand.
    #[cold]
    #[inline(never)]
    fn lookup_everywhere(&self, key: &Key) -> Option<Hit> {
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

    fn lookup_in(&self, class: u8, key: &Key) -> Option<Hit> {
        self.lookup_by(class, self.index.hash(class, key.words()), key)
    }

    #[inline]
    fn lookup_by(&self, class: u8, hash: u32, key: &Key) -> Option<Hit> {
        self.index.search(class, hash, |spot, _| {
            let (handle, word, own) = self.candidate(spot, self.named(spot), key, Wanted::Any)?;
            let hit = self.hit(handle, word, own);
            // As in `candidate`: a side record counts only if it still was this neighbour's after it was read.
            fence(Ordering::Acquire);
            let ident = self.hot.get(spot)?.ident();
            let unchanged = ident.is_linked_to(key.ifindex) && ident.generation() == handle.generation;
            (!word.has(LONG) || unchanged).then_some(hit)
        })
    }

    /// Several lookups at once, so that the memory of all is on its way while each is worked on: first all buckets, then
    /// all slots. Each answer is what [`Self::lookup`] gives at some moment of the call. How many were answered.
    #[inline(always)]
    pub(crate) fn lookup_batch<Q, A>(
        &self,
        view: &Cell<View>,
        asked: &[Q],
        key: impl Fn(&Q) -> Option<Key>,
        answers: &mut [A],
        answer: impl Fn(Option<Hit>) -> A,
    ) -> usize {
        let mut done = 0;
        for (asked, answers) in asked.chunks(BATCH).zip(answers.chunks_mut(BATCH)) {
            let n = self.lookup_few(view, asked, &key, answers, &answer);
            done += n;
            if n < BATCH {
                break;
            }
        }
        done
    }

    /// As [`Self::lookup_batch`], for no more than [`BATCH`]. Every step passes over all keys, and leaves to the next
    /// one no more than it needs: the key is made anew from what was asked, which is at hand.
    #[inline(always)]
    fn lookup_few<Q, A>(
        &self,
        view: &Cell<View>,
        asked: &[Q],
        key: &impl Fn(&Q) -> Option<Key>,
        answers: &mut [A],
        answer: &impl Fn(Option<Hit>) -> A,
    ) -> usize {
        let seen = self.index.refreshed(view);
        let most = asked.len().min(answers.len()).min(BATCH);
        let mut homes = [self.index.bucket(&seen, 0); BATCH];
        let mut n = 0;
        for (asked, home) in asked[..most].iter().zip(&mut homes) {
            let Some(key) = key(asked) else { break };
            let hash = seen.hash(key.words());
            *home = self.index.bucket(&seen, hash);
            prefetch(home.0);
            n += 1;
        }
        let mut slots = [(Spot::VOID, self.named(Spot::VOID)); BATCH];
        for ((bucket, tag), slot) in homes[..n].iter().zip(&mut slots) {
            if let Some(lane) = bucket.matching(*tag).next() {
                let spot = bucket.spot_or_void(lane);
                *slot = (spot, self.named(spot));
                prefetch(slot.1);
            }
        }
        for ((asked, slot), at) in asked[..n].iter().zip(&slots[..n]).zip(&mut answers[..n]) {
            let Some(key) = key(asked) else { continue };
            match self.candidate(slot.0, slot.1, &key, Wanted::Ready) {
                Some((handle, word, own)) => *at = answer(Some(Hit::new(handle, word, own))),
                _ => self.answer_further(view, key.addr, key.ifindex, at, answer),
            }
        }
        n
    }

    /// Writes the answer down here, so that the usual one, which is short, is not copied together with it.
    #[cold]
    #[inline(never)]
    fn answer_further<A>(
        &self,
        view: &Cell<View>,
        addr: u128,
        ifindex: u32,
        at: &mut A,
        answer: &impl Fn(Option<Hit>) -> A,
    ) {
        *at = answer(self.lookup_further(view, addr, ifindex));
    }

    /// The slot that the index names. Only for spots that were loaded from one of its lanes.
    #[inline(always)]
    fn named(&self, spot: Spot) -> &Hot {
        #[expect(unsafe_code, reason = "see SAFETY")]
        // SAFETY: the spot was loaded, with Acquire, from a lane of this table's index, into which the writer stores
        // (with Release) only spots that `ensure` has succeeded for, or none: that is `VOID`, for which `make_void` has
        // seen to it before there was a reader.
        unsafe {
            self.hot.get_unchecked(spot)
        }
    }

    /// Reads a slot that the index names, which may change owner at any moment.
    #[inline(always)]
    fn candidate(&self, spot: Spot, hot: &Hot, key: &Key, wanted: Wanted) -> Option<(Handle, Word, Own)> {
        // Acquire: meets the Release with which `begin` sets the guard, so the fields are at least as new as it.
        let ident = Ident(hot.ident.load(Ordering::Acquire));
        let [low, high, _] = key.words();
        let differing = (hot.low.load(Ordering::Relaxed) ^ low) | (hot.high.load(Ordering::Relaxed) ^ high);
        if differing != 0 || !ident.is_linked_to(key.ifindex) {
            return None;
        }
        let (word, own) = self.read(hot, key.ifindex);
        // Before the second look, or the compiler makes one condition of both, which is longer.
        if wanted == Wanted::Ready && !word.is_ready() {
            return None;
        }
        // Meets the Release fence in `retire`, and the Release stores that follow `unlink`: if anything read above was newer than the end of this
        // neighbour's linked life, the second look shows it.
        fence(Ordering::Acquire);
        (hot.ident() == ident).then_some((Handle { spot, generation: ident.generation() }, word, own))
    }

    /// The fields of a slot that the caller knows, or will find out, not to change owner; and its interface's word.
    #[inline(always)]
    fn read(&self, hot: &Hot, ifindex: u32) -> (Word, Own) {
        // Acquire: a reader that sees a state sees all that its writer had done before it published the state.
        let word = Word::from_bits(hot.word.load(Ordering::Acquire));
        #[expect(unsafe_code, reason = "see SAFETY")]
        // SAFETY: `insert` made room for the interface's word before `begin` stored the guard that named it (Release),
        // and the caller has loaded that guard (Acquire, or it holds the neighbour).
        let own = unsafe { self.templates.get_unchecked(ifindex) };
        (word, own)
    }

    /// What was read of a neighbour, with the address from its side record if it is not six bytes long.
    #[inline]
    fn hit(&self, handle: Handle, word: Word, own: Own) -> Hit {
        if word.is_ready() || !word.has(LONG) {
            Hit::new(handle, word, own)
        } else {
            self.long_hit(handle, word, own)
        }
    }

    #[cold]
    fn long_hit(&self, handle: Handle, word: Word, own: Own) -> Hit {
        let record = Spot::from_raw(word.record()).and_then(|record| self.long.get(record));
        Hit::long(handle, word, own, record.map(Record::load).unwrap_or_default())
    }

    /// Sets a slot up for a new neighbour: the fields, then the references, then the guard.
    pub(crate) fn begin(&self, handle: Handle, key: &Key, word: Word) {
        let (Some(hot), Some(cold)) = (self.hot.get(handle.spot), self.cold.get(handle.spot)) else {
            return;
        };
        let [low, high, _] = key.words();
        hot.low.store(low, Ordering::Relaxed);
        hot.high.store(high, Ordering::Relaxed);
        hot.word.store(word.bits(), Ordering::Relaxed);
        cold.confirmed.swap(0, Ordering::Relaxed); // it stood in a list until now
        refs::start(&cold.refs, handle.generation);
        // Release: meets the first Acquire in `candidate`.
        hot.ident.store(Ident::new(handle.generation, key.ifindex).0, Ordering::Release);
    }

    /// Ends what lookups may say of a neighbour: nothing read in its slot, or of its interface, from now on counts.
    pub(crate) fn unlink(&self, hot: &Hot) {
        // Relaxed: what may be written next (its word, its interface's word) is written with Release, so whoever reads
        // that also sees, in the second look of `candidate`, the guard changed.
        hot.ident.store(hot.ident().unlinked().0, Ordering::Relaxed);
    }

    /// Takes a slot from its neighbour.
    pub(crate) fn retire(&self, spot: Spot, next_generation: u32) {
        let (Some(hot), Some(cold)) = (self.hot.get(spot), self.cold.get(spot)) else {
            return;
        };
        hot.ident.store(0, Ordering::Relaxed);
        // Meets the Acquire fence in `candidate`: whoever reads a field written after this also sees the guard gone.
        fence(Ordering::Release);
        refs::end(&cold.refs, next_generation);
    }

    /// What a held neighbour says now. The reference keeps its slot from changing owner.
    #[inline(always)]
    pub(crate) fn held(&self, handle: Handle) -> Hit {
        #[expect(unsafe_code, reason = "see SAFETY")]
        // SAFETY: a handle that somebody could take a reference for names a slot of this table, which `insert` had made
        // room for before it gave the neighbour its guard.
        let hot = unsafe { self.hot.get_unchecked(handle.spot) };
        let (word, own) = self.read(hot, hot.ident().ifindex());
        self.hit(handle, word, own)
    }

    /// The key of a held neighbour.
    pub(crate) fn key(&self, spot: Spot) -> Option<Key> {
        self.hot.get(spot).map(Hot::key)
    }

    /// Whether a held neighbour has left the table.
    #[inline]
    pub(crate) fn is_dead(&self, spot: Spot) -> bool {
        // Acquire: who sees the end of a neighbour sees what came before it.
        let ident = self.hot.get(spot).map(|hot| Ident(hot.ident.load(Ordering::Acquire)));
        ident.is_none_or(|ident| !ident.is_linked())
    }

    pub(crate) fn take_reference(&self, handle: Handle) -> bool {
        self.cold.get(handle.spot).is_some_and(|cold| refs::take(&cold.refs, handle.generation))
    }

    /// Gives a reference back that the caller holds; the last one sends the slot to the writer.
    pub(crate) fn give_back(&self, spot: Spot) {
        let Some(cold) = self.cold.get(spot) else {
            return;
        };
        if refs::give_back(&cold.refs) == Dropped::Last {
            self.push_returned(spot, cold);
        }
    }

    /// Pushes a slot that nobody refers to any more. It is in no other list, and will not be until the writer has
    /// taken it from here, so its link is ours.
    fn push_returned(&self, spot: Spot, cold: &Cold) {
        let mut head = self.returned.load(Ordering::Relaxed);
        loop {
            cold.set_next(head);
            // Release: meets the Acquire in `take_returned`, for the link and all use of the neighbour before.
            // A list that is only ever taken whole cannot suffer from a head that went and came back.
            let pushed =
                self.returned.compare_exchange_weak(head, spot.raw(), Ordering::Release, Ordering::Relaxed);
            match pushed {
                Ok(_) => return,
                Err(other) => head = other,
            }
        }
    }

    /// The head of the list of slots given back since the last call. Only for the writer.
    pub(crate) fn take_returned(&self) -> Option<Spot> {
        if self.returned.load(Ordering::Relaxed) == 0 {
            return None;
        }
        // Acquire: meets the Release of every push (later pushes continue the release sequences of earlier ones).
        Spot::from_raw(self.returned.swap(0, Ordering::Acquire))
    }

    /// Notes that the neighbour answered at `tick`: one store, and none if that is known or it is gone.
    pub(crate) fn confirm(&self, handle: Handle, tick: u32) {
        let Some(cold) = self.cold.get(handle.spot) else {
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

    /// Marks the neighbour as handed over; true for the one caller that did it.
    pub(crate) fn mark_handed(&self, handle: Handle) -> bool {
        self.cold.get(handle.spot).is_some_and(|cold| refs::mark_handed(&cold.refs, handle.generation))
    }

    /// Takes the mark back, if it is this neighbour's; true if it was there.
    pub(crate) fn unmark_handed(&self, handle: Handle) -> bool {
        self.cold.get(handle.spot).is_some_and(|cold| refs::unmark_handed(&cold.refs, handle.generation))
    }
}

/// Which neighbours a look at a slot is after.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Any,
    /// Those with a finished header.
    Ready,
}

/// Keys that [`Shared::lookup_batch`] works on at a time.
const BATCH: usize = 32;
