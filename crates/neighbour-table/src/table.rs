//! The writer's side of the table.

use core::fmt;

use crate::arena::Spot;
use crate::error::OutOfMemory;
use crate::free_list::{FreeList, Links};
use crate::key::{Generation, Handle, Key};
use crate::long::{LongAddress, MAX_ADDRESS, Record};
use crate::migration::Placement;
use crate::prefetch::prefetch;
use crate::primitive::{Arc, Ordering};
use crate::reader::{NeighbourRef, Reader};
use crate::refs::{self, Dropped, Refs};
use crate::shared::Shared;
use crate::slices::Ahead;
use crate::slot::{Cold, HEADER, Hot, LONG, Word};
use crate::stats::Stats;
use crate::template::Own;

/// What stays the same in a neighbour's life: it comes from its device, and all linked neighbours of an interface have
/// the same. To give an interface another one, remove its neighbours first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// The device's own link-layer address: the source in a prepared header.
    pub own: [u8; 6],
    /// The EtherType in a prepared header: 0x0800 for IPv4, 0x86dd for IPv6.
    pub ethertype: u16,
    /// Whether the device can have its headers cached: Ethernet.
    pub header: bool,
    /// Whether the device's addresses are not six bytes long. Such neighbours have no prepared header.
    pub long: bool,
}

/// What [`Table::unlink`] left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a slot that is free must be given to `free`"]
pub enum Unlinked {
    /// Nobody holds the neighbour: the caller gives the slot to [`Table::free`].
    Free,
    /// Somebody does: the slot comes back by [`Table::reclaim`] when the last reference is dropped.
    Held,
}

/// What [`Table::look`] saw of a neighbour.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    /// Its key.
    pub key: Key,
    /// References to it: see [`Table::refs`].
    pub refs: u32,
    /// See [`Table::confirmed`].
    pub confirmed: Option<u32>,
    word: Word,
    long: Option<LongAddress>,
}

impl Looked {
    /// The address published last.
    #[inline]
    pub fn lladdr(&self) -> &[u8] {
        match &self.long {
            Some(long) => long.address(),
            None => self.word.address(),
        }
    }
}

/// A slot whose last reference has been dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a dead slot must be given to `free`"]
pub enum Reclaimed {
    /// As it should be: the neighbour was dead. The caller gives the slot to [`Table::free`].
    Dead(u32),
    /// The neighbour was not marked dead (DST-5): a reference too many was dropped somewhere. The neighbour is kept,
    /// the table's reference is restored, and the caller reports it.
    Alive(u32),
}

/// The table, in the hands of its one writer.
///
/// Neighbours are named by slot numbers: small, dense, and the writer's to use as an index into arrays of its own
/// ([`Self::slots`] tells how long those must be). A slot belongs to its neighbour from [`Self::insert`] to
/// [`Self::free`]:
///
/// ```text
/// insert -> publish ... -> try_remove (true) ----------------> free
///                       -> unlink -> Free -------------------> free
///                                 -> Held -> reclaim -> Dead -> free
/// ```
///
/// # Panics
/// Calls that take a slot panic if that number was never given out by [`Self::insert`]: the writer's mistake, which
/// no input can cause.
pub struct Table {
    shared: Arc<Shared>,
    placement: Placement,
    free_slots: FreeList,
    free_records: FreeList,
    /// Slots taken from the shared list of returned ones and not yet reclaimed: the head.
    returned: Option<Spot>,
    arena_bytes: usize,
    /// The next chunks of slots, in the making; none for a table of fixed size.
    ahead: Option<(Ahead<Hot>, Ahead<Cold>)>,
}

impl Table {
    /// An empty table. The seed makes the hash's secrets: take it from a good source, and keep it secret.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the first index array cannot be had.
    pub fn new(seed: u64) -> Result<Self, OutOfMemory> {
        let shared = Arc::new(Shared::new());
        let placement = Placement::new(&shared.index, seed)?;
        Self::with(shared, placement, u32::MAX)
    }

    /// An empty table with room for `most` neighbours and never for more: those that are dead but held count, too.
    /// All of its memory is there from the beginning, but for what only some neighbours need: side records of
    /// addresses that are not six bytes long, and templates of interfaces above the seventh.
    ///
    /// As its index never grows, it cannot get out of the way of an unlucky secret either; with up to 640 neighbours
    /// that makes no difference.
    ///
    /// # Errors
    /// [`OutOfMemory`] if it cannot be had, or if `most` is more than a table can have.
    pub fn fixed(seed: u64, most: u32) -> Result<Self, OutOfMemory> {
        let shared = Arc::new(Shared::new());
        let placement = Placement::fixed(&shared.index, seed, most as usize)?;
        let mut table = Self::with(shared, placement, most)?;
        table.arena_bytes += table.shared.templates.ensure(0)?;
        for slot in 0..most {
            let spot = Spot::of(slot).ok_or(OutOfMemory)?;
            table.arena_bytes += table.shared.hot.ensure(spot)?;
            table.arena_bytes += table.shared.cold.ensure(spot)?;
        }
        Ok(table)
    }

    fn with(shared: Arc<Shared>, placement: Placement, most: u32) -> Result<Self, OutOfMemory> {
        let arena_bytes = shared.make_void()?;
        Ok(Self {
            shared,
            placement,
            free_slots: FreeList::new(most),
            free_records: FreeList::new(most),
            returned: None,
            arena_bytes,
            ahead: (most == u32::MAX).then(|| (Ahead::new(), Ahead::new())),
        })
    }

    /// A handle for looking up, from any thread.
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared))
    }

    /// Neighbours that a lookup can find.
    pub fn len(&self) -> usize {
        self.placement.entries()
    }

    /// Whether a lookup finds nothing at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Neighbours that fit before the index begins to grow.
    pub fn capacity(&self) -> usize {
        self.placement.capacity()
    }

    /// All slot numbers ever given out lie below this one.
    pub fn slots(&self) -> u32 {
        self.free_slots.fresh()
    }

    /// What [`Self::slots`] will be when one more neighbour was inserted.
    pub fn slots_after_insert(&self) -> u32 {
        self.free_slots.fresh_after_one_more()
    }

    /// The slot of the neighbour with this key.
    pub fn find(&self, key: &Key) -> Option<u32> {
        // The writer races with nobody: a slot in the index is a linked one, and its words stand still.
        let same = |spot: &Spot| self.shared.key(*spot).as_ref() == Some(key);
        let index = &self.shared.index;
        let likely = self.placement.likely(index, key).filter(same);
        let anywhere = || Some(self.placement.find(index, key, |spot| same(&spot))?.spot);
        likely.or_else(anywhere).map(Spot::slot)
    }

    /// Makes room for one more neighbour of this interface, so that the next [`Table::insert`] cannot fail.
    ///
    /// # Errors
    /// [`OutOfMemory`]; the table is as it was before.
    pub fn reserve(&mut self, ifindex: u32, template: &Template) -> Result<(), OutOfMemory> {
        self.placement.reserve(&self.shared.index)?;
        self.arena_bytes += self.shared.templates.ensure(ifindex)?;
        let (shared, bytes) = (&self.shared, &mut self.arena_bytes);
        let ahead = &mut self.ahead;
        self.free_slots.reserve(|spot| ensure_slot(shared, ahead, bytes, spot))?;
        if template.long {
            self.free_records.reserve(|spot| {
                *bytes += shared.long.ensure(spot)?;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Is this a reference to a neighbour of this table, rather than another one's?
    pub fn is_ours(&self, neighbour: &NeighbourRef) -> bool {
        neighbour.is_of(&self.shared)
    }

    /// Adds a neighbour, which a lookup finds from now on, with state 0 and an address of zeros. It has one
    /// reference, the table's. The caller makes sure that the key is absent.
    ///
    /// # Errors
    /// [`OutOfMemory`]; the table is as it was before. An interface number of [`MOST_INTERFACES`](crate::MOST_INTERFACES)
    /// or more is one, too.
    pub fn insert(&mut self, key: &Key, template: &Template) -> Result<u32, OutOfMemory> {
        debug_assert!(self.find(key).is_none(), "the key is in the table already: {key:?}");
        self.placement.reserve(&self.shared.index)?;
        self.arena_bytes += self.shared.templates.ensure(key.ifindex)?;
        let spot = self.take_spot()?;
        let word = match self.take_record(template.long) {
            Ok(Some(record)) => Word::long(0, record.raw()),
            Ok(None) => Word::new(if template.header { HEADER } else { 0 }, 0, [0; 6]),
            Err(error) => {
                self.free_slots.put(&self.shared.cold, spot);
                return Err(error);
            }
        };
        self.shared.templates.set(key.ifindex, Own::new(template.ethertype, template.own));
        let generation = Refs::load(&self.cold(spot).refs).generation().max(1);
        self.shared.begin(Handle { spot, generation }, key, word);
        let entered = self.placement.insert(&self.shared.index, &self.shared.hot, key, spot);
        if let Err(error) = entered {
            // Cannot happen (`reserve` made room), and must not hurt if it does.
            let _ = refs::kill_if_unused(&self.cold(spot).refs);
            self.free(spot.slot());
            return Err(error);
        }
        Ok(spot.slot())
    }

    /// Changes state and address; a reader sees both change at once. `ready` says whether packets may be sent to that
    /// address: only then is there a header.
    ///
    /// Works on a slot that is unlinked but still held, too. The address is cut or filled with zeros to the six
    /// bytes of the device's addresses; with [`Template::long`] it may have 0 to 32 bytes.
    pub fn publish(&mut self, slot: u32, state: u8, lladdr: &[u8], ready: bool) {
        let hot = self.hot(self.spot(slot));
        let old = Word::from_bits(hot.word.load(Ordering::Relaxed));
        let new = if let Some(record) = self.record(old) {
            record.store(&LongAddress::new(state, lladdr));
            old.with_state(state)
        } else {
            // Nearly all have six bytes, and six known to be six are one or two moves.
            let address = <[u8; 6]>::try_from(lladdr).unwrap_or_else(|_| {
                let mut address = [0; 6];
                let length = lladdr.len().min(6);
                address[..length].copy_from_slice(&lladdr[..length]);
                address
            });
            old.followed_by(state, address, ready)
        };
        // Release: meets the Acquire with which readers load the word.
        hot.word.store(new.bits(), Ordering::Release);
    }

    /// The state published last.
    pub fn state(&self, slot: u32) -> u8 {
        self.word(self.spot(slot)).state()
    }

    /// The address published last: its bytes, and how many of them count.
    pub fn lladdr(&self, slot: u32) -> ([u8; MAX_ADDRESS], usize) {
        let word = self.word(self.spot(slot));
        let record = self.record(word).map(Record::load);
        let address = record.unwrap_or_else(|| LongAddress::new(0, word.address()));
        (address.bytes, usize::from(address.length))
    }

    /// Whether this is the address published last.
    pub fn has_lladdr(&self, slot: u32, lladdr: &[u8]) -> bool {
        let word = self.word(self.spot(slot));
        match self.record(word) {
            Some(record) => record.load().address() == lladdr,
            // Six bytes known to be six are two comparisons.
            None => <[u8; 6]>::try_from(lladdr).is_ok_and(|lladdr| lladdr == *word.address()),
        }
    }

    /// The name of the slot's neighbour.
    pub fn handle(&self, slot: u32) -> Handle {
        let spot = self.spot(slot);
        Handle { spot, generation: Refs::load(&self.cold(spot).refs).generation() }
    }

    /// The slot of a neighbour named by a reader, if it still is that neighbour's (linked, or dead and held).
    pub fn resolve(&self, handle: Handle) -> Option<u32> {
        let ident = self.shared.hot.get(handle.spot)?.ident();
        (ident.0 != 0 && ident.generation() == handle.generation).then_some(handle.slot())
    }

    /// The key of the slot's neighbour.
    pub fn key(&self, slot: u32) -> Key {
        self.hot(self.spot(slot)).key()
    }

    /// References to the slot's neighbour, the table's own included while it is linked: 1 means the table only.
    pub fn refs(&self, slot: u32) -> u32 {
        Refs::load(&self.cold(self.spot(slot)).refs).count()
    }

    /// Whether the slot's neighbour is in the index.
    pub fn is_linked(&self, slot: u32) -> bool {
        self.hot(self.spot(slot)).ident().is_linked()
    }

    /// Has the memory on its way that the removal of this slot's neighbour will need: for who removes many.
    pub fn prefetch(&self, slot: u32) {
        let spot = self.spot(slot);
        prefetch(self.cold(spot));
        self.placement.prefetch(&self.shared.index, &self.hot(spot).key());
    }

    /// Removes the neighbour only if the table alone refers to it (DST-2): marks it dead and unlinks it in one step
    /// with the check. If `true`, the slot is the caller's to [`Self::free`].
    #[must_use = "a slot that was removed must be given to `free`"]
    pub fn try_remove(&mut self, slot: u32) -> bool {
        let spot = self.spot(slot);
        let removed = refs::kill_if_unused(&self.cold(spot).refs);
        if removed {
            self.leave_index(spot);
        }
        removed
    }

    /// Removes the neighbour whoever holds it (DST-3): unlinks it, marks it dead and drops the table's reference.
    ///
    /// Of a neighbour that is dead already, [`Unlinked::Held`]: it was dealt with before.
    pub fn unlink(&mut self, slot: u32) -> Unlinked {
        let spot = self.spot(slot);
        let Some(left) = refs::kill(&self.cold(spot).refs) else {
            return Unlinked::Held;
        };
        self.leave_index(spot);
        match left {
            Dropped::Last => Unlinked::Free,
            Dropped::Shared => Unlinked::Held,
        }
    }

    /// Holds the slot's neighbour; `None` if it is dead.
    pub fn hold(&self, slot: u32) -> Option<NeighbourRef> {
        NeighbourRef::take(&self.shared, self.handle(slot))
    }

    /// The next slot whose last reference somebody dropped. Call until `None`, as often as suits.
    pub fn reclaim(&mut self) -> Option<Reclaimed> {
        if self.returned.is_none() {
            self.returned = self.shared.take_returned();
        }
        let spot = self.returned?;
        let cold = self.cold(spot);
        let refs = Refs::load(&cold.refs);
        let next = Spot::from_raw(cold.next());
        if !refs.is_dead() {
            cold.confirmed.swap(0, Ordering::Relaxed);
            refs::start(&cold.refs, refs.generation());
        }
        self.returned = next;
        let slot = spot.slot();
        Some(if refs.is_dead() { Reclaimed::Dead(slot) } else { Reclaimed::Alive(slot) })
    }

    /// Ends the life of a removed neighbour that nobody holds: its slot can serve another one, in a new generation.
    ///
    /// Give only slots that [`Self::try_remove`], [`Unlinked::Free`] or [`Reclaimed::Dead`] left to you, once.
    pub fn free(&mut self, slot: u32) {
        let spot = self.spot(slot);
        let refs = Refs::load(&self.cold(spot).refs);
        let ours = refs.is_dead() && refs.count() == 0 && self.hot(spot).ident().0 != 0;
        debug_assert!(ours, "slot {slot} is not to be freed: {refs:?}");
        if !ours {
            return;
        }
        let word = self.word(spot);
        // A generation must never come back, so a slot that has used up all of them is used no more.
        let next = refs.generation().checked_add(1);
        self.shared.retire(spot, next.unwrap_or(Generation::MAX));
        if word.has(LONG)
            && let Some(record) = Spot::from_raw(word.record())
        {
            self.free_records.put(&self.shared.long, record);
        }
        if next.is_some() {
            self.free_slots.put(&self.shared.cold, spot);
        }
    }

    /// All that the table knows of the slot's neighbour, at one moment.
    pub fn look(&self, slot: u32) -> Looked {
        let spot = self.spot(slot);
        let (hot, cold) = (self.hot(spot), self.cold(spot));
        let word = Word::from_bits(hot.word.load(Ordering::Relaxed));
        let long = self.record(word).map(Record::load);
        Looked {
            key: hot.key(),
            refs: Refs::load(&cold.refs).count(),
            confirmed: cold.confirmed(),
            word,
            long,
        }
    }

    /// The tick of the last confirmation by a reader or reference, if there was one for this neighbour.
    pub fn confirmed(&self, slot: u32) -> Option<u32> {
        self.cold(self.spot(slot)).confirmed()
    }

    /// Sets the tick of the last confirmation, so that an old one does not wrap.
    pub fn set_confirmed(&self, slot: u32, tick: u32) {
        self.shared.confirm(self.handle(slot), tick);
    }

    /// Clears the mark that a reader handed this neighbour over; `true` if it was there.
    pub fn take_handed(&mut self, slot: u32) -> bool {
        self.shared.unmark_handed(self.handle(slot))
    }

    /// What the table did and what it occupies.
    pub fn stats(&self) -> Stats {
        let index = &self.placement.stats;
        Stats {
            moved_by_last: index.moved_by_last,
            moved_most: index.moved_most,
            moved: index.moved,
            grows: index.grows,
            shrinks: index.shrinks,
            alarms: index.alarms,
            bytes: size_of::<Shared>() + index.bytes + self.arena_bytes,
        }
    }

    fn take_spot(&mut self) -> Result<Spot, OutOfMemory> {
        let (shared, ahead, bytes) = (&self.shared, &mut self.ahead, &mut self.arena_bytes);
        self.free_slots.take(&shared.cold, |spot| {
            ensure_slot(shared, ahead, bytes, spot)?;
            if let Some((hot, cold)) = ahead {
                *bytes += shared.hot.prepare_after(spot, hot) + shared.cold.prepare_after(spot, cold);
            }
            Ok(())
        })
    }

    /// A side record with state 0 and no address in it, if one is wanted.
    fn take_record(&mut self, wanted: bool) -> Result<Option<Spot>, OutOfMemory> {
        if !wanted {
            return Ok(None);
        }
        let shared = &self.shared;
        let spot = self.free_records.take(&shared.long, |spot| {
            self.arena_bytes += shared.long.ensure(spot)?;
            Ok(())
        })?;
        if let Some(record) = shared.long.get(spot) {
            record.store(&LongAddress::default());
        }
        Ok(Some(spot))
    }

    fn leave_index(&mut self, spot: Spot) {
        let key = self.hot(spot).key();
        self.shared.unlink(self.hot(spot));
        let found = self.placement.remove(&self.shared.index, &self.shared.hot, &key, spot);
        debug_assert!(found, "a linked slot is in the index: {}", spot.slot());
    }

    fn word(&self, spot: Spot) -> Word {
        Word::from_bits(self.hot(spot).word.load(Ordering::Relaxed))
    }

    /// The side record that a word names, if it names one.
    fn record(&self, word: Word) -> Option<&Record> {
        let spot = word.has(LONG).then(|| Spot::from_raw(word.record())).flatten()?;
        self.shared.long.get(spot)
    }

    #[track_caller]
    fn spot(&self, slot: u32) -> Spot {
        Spot::of(slot).expect("a slot number that `insert` gave out")
    }

    #[track_caller]
    fn hot(&self, spot: Spot) -> &Hot {
        self.shared.hot.get(spot).expect("a slot number that `insert` gave out")
    }

    #[track_caller]
    fn cold(&self, spot: Spot) -> &Cold {
        self.shared.cold.get(spot).expect("a slot number that `insert` gave out")
    }
}

/// Makes the memory of a slot that was never used; a table of fixed size has it.
fn ensure_slot(
    shared: &Shared,
    ahead: &mut Option<(Ahead<Hot>, Ahead<Cold>)>,
    bytes: &mut usize,
    spot: Spot,
) -> Result<(), OutOfMemory> {
    if let Some((hot, cold)) = ahead {
        *bytes += shared.hot.ensure_prepared(spot, hot)?;
        *bytes += shared.cold.ensure_prepared(spot, cold)?;
    }
    Ok(())
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("len", &self.len())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const ETHERNET: Template = Template { own: [2; 6], ethertype: 0x0800, header: true, long: false };
    const KEY: Key = Key { addr: 1, ifindex: 1 };

    #[test]
    fn a_neighbour_that_lost_its_last_reference_alive_is_kept() {
        let mut table = Table::new(1).expect("memory");
        let slot = table.insert(&KEY, &ETHERNET).expect("memory");
        // One reference too many is given back: the table's own.
        table.shared.give_back(table.spot(slot));
        assert_eq!(table.refs(slot), 0);
        assert_eq!(table.reclaim(), Some(Reclaimed::Alive(slot)));
        assert_eq!((table.refs(slot), table.find(&KEY)), (1, Some(slot)));
        assert!(table.try_remove(slot));
        table.free(slot);
    }

    #[test]
    fn a_slot_whose_generations_are_used_up_is_used_no_more() {
        let mut table = Table::new(1).expect("memory");
        let slot = table.insert(&KEY, &ETHERNET).expect("memory");
        assert!(table.try_remove(slot));
        table.free(slot);
        refs::end(&table.cold(table.spot(slot)).refs, Generation::MAX);
        assert_eq!(table.insert(&KEY, &ETHERNET), Ok(slot));
        let last = table.handle(slot);
        assert_eq!(last.generation(), Generation::MAX);
        assert!(table.try_remove(slot));
        table.free(slot);
        assert_eq!(table.resolve(last), None);
        assert!(!table.shared.take_reference(last));
        assert_ne!(table.insert(&KEY, &ETHERNET), Ok(slot));
    }
}
