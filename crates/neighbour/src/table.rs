//! One family's table: its entries, the lists through them, its thresholds and counters.

use crate::chunked::Chunked;
use crate::config::Config;
use crate::guard::{Admission, Newcomers};
use crate::list::{Linked, Links, List};
use crate::managed::Managed;
use crate::neighbour::Neighbour;
use crate::parms::{Parm, Parms};
use crate::ratelimit::Ratelimit;
use crate::rng::Rng;
use crate::stats::Stats;
use crate::time::{Clock, Tick};
use crate::timer::Wheel;
use crate::{DeviceId, Family};
use alloc::boxed::Box;
use core::net::IpAddr;
use core::ops::{Index, IndexMut};
use core::time::Duration;
use neighbour_table::{Key, OutOfMemory};
use neighbour_wire::LlAddr;

/// An entry of an engine: which table, and where in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Id {
    pub(crate) family: Family,
    pub(crate) slot: u32,
}

/// The entries by slot. Dead ones that somebody holds are among them.
#[derive(Debug, Default)]
pub(crate) struct Entries(Chunked<Option<Neighbour>>);

impl Entries {
    pub(crate) fn get(&self, slot: u32) -> Option<&Neighbour> {
        self.0.get(slot)?.as_ref()
    }

    /// Makes room so that [`Entries::put`] cannot fail for slots below this one.
    pub(crate) fn reserve(&mut self, slots: u32) -> Result<(), OutOfMemory> {
        while self.0.len() < slots {
            self.0.push(None)?;
        }
        Ok(())
    }

    pub(crate) fn put(&mut self, slot: u32, neighbour: Neighbour) {
        self.0[slot] = Some(neighbour);
    }

    pub(crate) fn take(&mut self, slot: u32) -> Option<Neighbour> {
        self.0.get_mut(slot)?.take()
    }

    /// Upper bound of the slots in use.
    pub(crate) fn slots(&self) -> u32 {
        self.0.len()
    }
}

impl Index<u32> for Entries {
    type Output = Neighbour;
    fn index(&self, slot: u32) -> &Neighbour {
        self.0[slot].as_ref().expect("a slot in a list or just looked up holds an entry")
    }
}

impl IndexMut<u32> for Entries {
    fn index_mut(&mut self, slot: u32) -> &mut Neighbour {
        self.0[slot].as_mut().expect("a slot in a list or just looked up holds an entry")
    }
}

/// The entries seen by their links in the list of their device.
pub(crate) struct ByDevice<'a>(pub(crate) &'a mut Entries);
/// The entries seen by their links in the list for collection.
pub(crate) struct ByGc<'a>(pub(crate) &'a mut Entries);

impl Linked for ByDevice<'_> {
    fn links(&mut self, id: u32) -> &mut Links {
        &mut self.0[id].by_device
    }
}
impl Linked for ByGc<'_> {
    fn links(&mut self, id: u32) -> &mut Links {
        &mut self.0[id].by_gc
    }
}

/// The three thresholds of collection (`gc_thresh1` to `gc_thresh3`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Thresholds {
    /// Below this many entries nothing ages (GC-21).
    pub thresh1: u32,
    /// From here on a creation may collect, once in 5 s (CRE-3).
    pub thresh2: u32,
    /// From here on every creation collects, and is refused if that freed nothing (CRE-4).
    pub thresh3: u32,
}

impl Thresholds {
    /// Linux's.
    pub const fn linux() -> Self {
        Self { thresh1: 128, thresh2: 512, thresh3: 1024 }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self::linux()
    }
}

/// A family's table.
pub(crate) struct Table {
    pub(crate) family: Family,
    /// What readers see: key, address, state, references.
    pub(crate) shared: neighbour_table::Table,
    pub(crate) entries: Entries,
    pub(crate) defaults: Parms,
    pub(crate) thresholds: Thresholds,
    /// Reported and settable, without effect (GC-31), in ticks.
    pub(crate) gc_interval: u32,
    pub(crate) stats: Stats,
    /// Entries counted against the thresholds: those in `gc_list`, and one under creation.
    pub(crate) gc_entries: u32,
    pub(crate) gc_list: List,
    /// Where in `gc_list` the next forced collection goes on, after one whose budget ran out (GC-11).
    pub(crate) gc_resume: Option<u32>,
    pub(crate) managed: Managed,
    /// The timers; and those without one that may be collected, as idle ones: alive and not exempt.
    pub(crate) wheel: Wheel,
    /// The slot at which the sweep in progress goes on.
    pub(crate) sweeping: Option<u32>,
    pub(crate) last_flush: Tick,
    pub(crate) last_rand: Tick,
    /// Linux's hash, as far as a user sees it (HSH-1, HSH-3).
    pub(crate) hash_shift: u32,
    pub(crate) overflow: Ratelimit,
    pub(crate) admission: Admission,
    /// There while `admission` is on.
    pub(crate) newcomers: Option<Box<Newcomers>>,
}

impl Table {
    pub(crate) fn new(
        family: Family,
        config: &Config,
        clock: &Clock,
        rng: &mut Rng,
    ) -> Result<Self, OutOfMemory> {
        let locktime = match family {
            Family::Inet => Duration::from_secs(1),
            Family::Inet6 => Duration::ZERO,
        };
        let mut defaults = Parms::defaults(clock, locktime, rng);
        defaults.set(Parm::UnresQlenBytes, config.queued_bytes);
        let now = clock.tick();
        let seed = rng.u64();
        let shared = match config.room {
            Some(most) => neighbour_table::Table::fixed(seed, most)?,
            None => neighbour_table::Table::new(seed)?,
        };
        let (mut entries, mut wheel) = (Entries::default(), Wheel::new(now));
        entries.reserve(config.room.unwrap_or(0))?;
        wheel.reserve(config.room.unwrap_or(0))?;
        Ok(Self {
            family,
            shared,
            entries,
            thresholds: config.thresholds,
            gc_interval: clock.ticks_ceil(Duration::from_secs(30)),
            stats: Stats::default(),
            gc_entries: 0,
            gc_list: List::default(),
            gc_resume: None,
            managed: Managed::default(),
            wheel,
            sweeping: None,
            last_flush: now,
            last_rand: now.plus(defaults.reachable_time().saturating_mul(20)), // DM-29
            hash_shift: 3,
            overflow: Ratelimit::default(),
            admission: Admission::off(),
            newcomers: None,
            defaults,
        })
    }

    /// Time begins here; there are no entries yet.
    pub(crate) fn begin_at(&mut self, now: Tick) {
        self.wheel.begin_at(now);
        self.last_flush = now;
        self.last_rand = now.plus(self.defaults.reachable_time().saturating_mul(20)); // DM-29
    }

    /// The entry of exactly this key (LKP-5), not counted (LKP-2).
    pub(crate) fn find(&self, device: DeviceId, address: IpAddr) -> Option<u32> {
        self.shared.find(&key(device, address))
    }

    /// The counted lookup (LKP-1).
    pub(crate) fn lookup(&mut self, device: DeviceId, address: IpAddr) -> Option<u32> {
        self.stats.lookups += 1;
        let slot = self.find(device, address);
        self.stats.hits += u64::from(slot.is_some());
        slot
    }

    /// The address part of an entry's key.
    pub(crate) fn address(&self, slot: u32) -> IpAddr {
        address_of(self.family, &self.shared.key(slot))
    }

    /// Whether this is the stored link-layer address.
    pub(crate) fn has_lladdr(&self, slot: u32, lladdr: &LlAddr) -> bool {
        self.shared.has_lladdr(slot, lladdr.as_bytes())
    }

    /// The stored link-layer address, VALID or not (DM-6).
    pub(crate) fn lladdr(&self, slot: u32) -> LlAddr {
        let (bytes, len) = self.shared.lladdr(slot);
        LlAddr::new(&bytes[..len.min(32)]).unwrap_or_default()
    }

    /// When somebody last vouched for an entry: the engine, or a reader.
    pub(crate) fn confirmed(&self, slot: u32) -> Tick {
        let tick = self.shared.confirmed(slot);
        // A dead one forgets it when the last reference goes, whichever thread has that.
        let dead = self.entries.get(slot).is_none_or(Neighbour::is_dead);
        debug_assert!(tick.is_some() || dead, "every entry is given a tick when it is made (CRE-12)");
        Tick(tick.unwrap_or_default())
    }

    pub(crate) fn set_confirmed(&mut self, slot: u32, tick: Tick) {
        self.shared.set_confirmed(slot, tick.0);
    }

    /// Held by nobody but the table: no reference outside, no timer (GC-5).
    pub(crate) fn is_unreferenced(&self, slot: u32) -> bool {
        self.shared.refs(slot) == 1 && !self.wheel.is_armed(slot)
    }

    /// Puts an entry among the idle ones, or takes it from there, as its timer, state and flags say.
    pub(crate) fn settle(&mut self, slot: u32) {
        let entry = &self.entries[slot];
        let idle = !entry.is_dead() && !entry.is_exempt();
        self.wheel.set_idle(slot, idle);
    }

    /// Is there work that was begun, and goes on in the next call?
    pub(crate) fn has_begun_work(&self) -> bool {
        self.wheel.is_walking() || self.managed.is_walking() || self.sweeping.is_some()
    }

    /// Takes an entry off the list for collection; it no longer counts (GC-17, DST-1).
    pub(crate) fn gc_unlink(&mut self, slot: u32) {
        let links = self.entries[slot].by_gc;
        if links.is_linked() {
            if self.gc_resume == Some(slot) {
                self.gc_resume = links.next();
            }
            self.gc_list.remove(&mut ByGc(&mut self.entries), slot);
            self.gc_entries -= 1;
        }
    }

    /// Puts an entry at the end of the list for collection; it counts, whatever the thresholds say.
    pub(crate) fn gc_link(&mut self, slot: u32) {
        if !self.entries[slot].by_gc.is_linked() {
            self.gc_list.push_back(&mut ByGc(&mut self.entries), slot);
            self.gc_entries += 1;
        }
    }
}

/// The key under which readers find an entry.
#[inline]
pub(crate) fn key(device: DeviceId, address: IpAddr) -> Key {
    // In the order in which the octets lie in memory: the table needs no other, and it costs nothing.
    let addr = match address {
        IpAddr::V4(v4) => u128::from(u32::from_ne_bytes(v4.octets())),
        IpAddr::V6(v6) => u128::from_ne_bytes(v6.octets()),
    };
    Key { addr, ifindex: device.index() }
}

/// The address of a key made by [`key`].
pub(crate) fn address_of(family: Family, key: &Key) -> IpAddr {
    match family {
        Family::Inet => IpAddr::V4((key.addr as u32).to_ne_bytes().into()),
        Family::Inet6 => IpAddr::V6(key.addr.to_ne_bytes().into()),
    }
}
