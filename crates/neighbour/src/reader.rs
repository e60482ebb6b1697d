//! Readers: threads of a data plane that look neighbours up beside the engine, without locks and
//! without waiting (the contract stands in ARCHITECTURE.md, "Threads").

use crate::device::DeviceId;
use crate::table::{address_of, key};
use crate::time::{Clock, Instant};
use crate::{Family, NudState};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use crossbeam_queue::ArrayQueue;
use neighbour_table::Handle;
use neighbour_wire::LlAddr;

/// What a reader hands to the engine.
#[derive(Debug)]
pub(crate) enum Handover {
    /// A packet that needs the engine: to resolve, to queue.
    Packet { now: Instant, device: DeviceId, next_hop: IpAddr, packet: Vec<u8> },
    /// A packet went to a STALE neighbour.
    Used { now: Instant, family: Family, handle: Handle },
}

/// The way from readers to the engine, which is bounded, and what they know of it beside its tables.
pub(crate) struct Handovers {
    /// How long a tick is.
    clock: Clock,
    pub(crate) queue: ArrayQueue<Handover>,
    pub(crate) refused: AtomicUsize,
    pub(crate) wake: Option<Box<dyn Fn() + Send + Sync>>,
}

impl fmt::Debug for Handovers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handovers").field("waiting", &self.queue.len()).finish_non_exhaustive()
    }
}

impl Handovers {
    pub(crate) fn new(limit: usize, clock: Clock) -> Self {
        Self { clock, queue: ArrayQueue::new(limit.max(1)), refused: AtomicUsize::new(0), wake: None }
    }

    fn push(&self, handover: Handover) -> Result<(), Handover> {
        self.queue.push(handover).inspect_err(|_| {
            // A statistic, ordered with nothing.
            self.refused.fetch_add(1, Ordering::Relaxed);
        })?;
        self.wake.iter().for_each(|wake| wake());
        Ok(())
    }
}

impl Handovers {
    /// Gives the engine a packet.
    fn hand_over(&self, now: Instant, device: DeviceId, next_hop: IpAddr, packet: Vec<u8>) -> Output {
        match self.push(Handover::Packet { now, device, next_hop, packet }) {
            Err(Handover::Packet { packet, .. }) => Output::Full(packet),
            Ok(()) | Err(Handover::Used { .. }) => Output::HandedOver,
        }
    }
}

/// Looks neighbours up beside the engine: `Send`, cheap to clone, never waits, never makes the engine
/// wait. A hit writes no memory that another thread sees.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) tables: [neighbour_table::Reader; 2],
    pub(crate) handovers: Arc<Handovers>,
}

/// A neighbour as it was at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    hit: neighbour_table::Hit,
    family: Family,
}

impl Hit {
    /// Its state.
    #[inline(always)]
    pub fn state(&self) -> NudState {
        NudState(self.hit.state())
    }

    /// Its link-layer address, if the state is VALID.
    #[inline]
    pub fn lladdr(&self) -> Option<LlAddr> {
        self.state().is_valid().then(|| LlAddr::new(self.hit.lladdr())).flatten()
    }

    /// The whole Ethernet header for a packet to it, if the state is VALID and the device is Ethernet.
    #[inline(always)]
    pub fn header(&self) -> Option<[u8; 14]> {
        self.hit.header()
    }
}

/// What a reader is to do with a packet.
#[derive(Debug)]
#[must_use]
pub enum Output {
    /// Send it with the address of this hit, yourself. If the neighbour was STALE the engine knows.
    Send(Hit, Vec<u8>),
    /// The engine has it: it resolves the neighbour, then sends. It takes it up at its next call, whichever
    /// that is; [`crate::Engine::on_handover`] wakes a driver that sleeps.
    HandedOver,
    /// The engine is behind: the packet is yours still. Counted.
    Full(Vec<u8>),
}

impl Reader {
    /// The neighbour, whatever its state. None: there is no entry, and there was none at some moment
    /// of the call. On loopback and point-to-point devices all IPv4 neighbours are one, 0.0.0.0 (ARP-1).
    #[inline(always)]
    pub fn lookup(&self, device: DeviceId, address: IpAddr) -> Option<Hit> {
        let family = Family::of(address);
        let hit = self.tables[family as usize].lookup(&key(device, address))?;
        Some(Hit { hit, family })
    }

    /// Looks up as many neighbours as both slices have, each as [`Reader::lookup`] does at some moment of the
    /// call. While one is worked on, the memory of the others is on its way: for packets that come in bursts.
    pub fn lookup_batch(&self, keys: &[(DeviceId, IpAddr)], hits: &mut [Option<Hit>]) {
        let (mut keys, mut hits) = (keys, hits);
        while let (Some((_, first)), false) = (keys.first(), hits.is_empty()) {
            // Those before the first one of the other family, in a loop made for theirs.
            let n = match first {
                IpAddr::V4(_) => self.lookup_those(keys, hits, Family::Inet, |asked| match *asked {
                    (device, address @ IpAddr::V4(_)) => Some(key(device, address)),
                    _ => None,
                }),
                IpAddr::V6(_) => self.lookup_those(keys, hits, Family::Inet6, |asked| match *asked {
                    (device, address @ IpAddr::V6(_)) => Some(key(device, address)),
                    _ => None,
                }),
            };
            (keys, hits) = (&keys[n..], &mut hits[n..]);
        }
    }

    /// Looks up those before the first one without a key; how many.
    #[inline(always)]
    fn lookup_those(
        &self,
        keys: &[(DeviceId, IpAddr)],
        hits: &mut [Option<Hit>],
        family: Family,
        key: impl Fn(&(DeviceId, IpAddr)) -> Option<neighbour_table::Key>,
    ) -> usize {
        let answer = |hit: Option<neighbour_table::Hit>| hit.map(|hit| Hit { hit, family });
        self.tables[family as usize].lookup_batch(keys, key, hits, answer)
    }

    /// Decides a packet's way. A packet for a neighbour without a VALID entry goes to the engine, the
    /// first one for a STALE neighbour tells it.
    pub fn output(&self, now: Instant, device: DeviceId, next_hop: IpAddr, packet: Vec<u8>) -> Output {
        match self.lookup(device, next_hop) {
            Some(hit) if hit.state().is_valid() => {
                if hit.state().has(NudState::STALE) {
                    self.note_use(now, &hit);
                }
                Output::Send(hit, packet)
            }
            _ => self.handovers.hand_over(now, device, next_hop, packet),
        }
    }

    /// Tells the engine, once, that a STALE neighbour is used again, so that it verifies it. If the
    /// engine is behind the entry is not marked, and the next use tells it.
    fn note_use(&self, now: Instant, hit: &Hit) {
        let table = &self.tables[hit.family as usize];
        if table.mark_handed(&hit.hit) {
            let handle = hit.hit.handle();
            if self.handovers.push(Handover::Used { now, family: hit.family, handle }).is_err() {
                table.unmark_handed(&hit.hit);
            }
        }
    }

    /// Upper layers heard from the neighbour: it is reachable (NUD-40, RFC 4861 section 7.3.1). One
    /// store, at most once in a tick; it vouches for no other neighbour that takes the entry's place.
    pub fn confirm(&self, now: Instant, hit: &Hit) {
        self.tables[hit.family as usize].confirm(&hit.hit, self.handovers.clock.tick_of(now).0);
    }

    /// Holds the neighbour (want_ref): its address and state can be followed even after its removal.
    pub fn hold(&self, hit: &Hit) -> Option<NeighbourRef> {
        let inner = self.tables[hit.family as usize].hold(&hit.hit)?;
        Some(NeighbourRef { inner, family: hit.family, handovers: Arc::clone(&self.handovers) })
    }

    /// Packets and notices that found the engine behind.
    pub fn refused(&self) -> u64 {
        self.handovers.refused.load(Ordering::Relaxed) as u64
    }
}

/// A held neighbour, for route caches and flow tables. While it is held, the entry is not collected
/// (GC-5) and a delete leaves it FAILED (NL-28); a flush marks it dead, and its memory is reused only
/// after the last reference is dropped (DST-3).
#[derive(Clone, Debug)]
pub struct NeighbourRef {
    pub(crate) inner: neighbour_table::NeighbourRef,
    pub(crate) family: Family,
    pub(crate) handovers: Arc<Handovers>,
}

impl NeighbourRef {
    /// Its device.
    pub fn device(&self) -> DeviceId {
        DeviceId(self.inner.key().ifindex)
    }

    /// Its address.
    pub fn address(&self) -> IpAddr {
        address_of(self.family, &self.inner.key())
    }

    /// Decides a packet's way, as [`Reader::output`] does, without a lookup. Once the neighbour is dead the
    /// packet goes to the engine, which looks it up or makes it again; hold the new one then.
    pub fn output(&self, now: Instant, packet: Vec<u8>) -> Output {
        let hit = self.get();
        if !hit.state().is_valid() || self.is_dead() {
            return self.handovers.hand_over(now, self.device(), self.address(), packet);
        }
        if hit.state().has(NudState::STALE) && self.inner.mark_handed() {
            let (family, handle) = (self.family, self.inner.handle());
            if self.handovers.push(Handover::Used { now, family, handle }).is_err() {
                self.inner.unmark_handed();
            }
        }
        Output::Send(hit, packet)
    }

    /// Its address, state and header now.
    #[inline(always)]
    pub fn get(&self) -> Hit {
        Hit { hit: self.inner.hit(), family: self.family }
    }

    /// Its state now.
    #[inline]
    pub fn state(&self) -> NudState {
        NudState(self.inner.state())
    }

    /// Has it left the table? Look the neighbour up again then.
    #[inline]
    pub fn is_dead(&self) -> bool {
        self.inner.is_dead()
    }

    /// As [`Reader::confirm`].
    pub fn confirm(&self, now: Instant) {
        self.inner.confirm(self.handovers.clock.tick_of(now).0);
    }

    /// ARP or ND.
    pub fn family(&self) -> Family {
        self.family
    }
}
