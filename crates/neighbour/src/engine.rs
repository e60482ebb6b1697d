//! The façade: what comes in, what goes out, and in which order to call.

use crate::buffers::Buffers;
use crate::conf::{Conf4, Conf6, Row4, Row6};
use crate::config::Config;
use crate::device::{DeviceId, DeviceState, InterfaceAddress};
use crate::event::{Event, EventQueue, Reason};
use crate::guard::{Acd, Moves};
use crate::history::{History, Record};
use crate::input::Input;
use crate::neighbour::Neighbour;
use crate::nud::Actions;
use crate::output::Sent;
use crate::parms::Parms;
use crate::proxy::Proxies;
use crate::queue::Queues;
use crate::reader::{Handover, Handovers, NeighbourRef, Reader};
use crate::rng::Rng;
use crate::route::{Route, Routes};
use crate::routers::Routers;
use crate::stats::{DropCounters, DropReason, Stats};
use crate::table::{Id, Table, Thresholds};
use crate::task::{Task, Tasks};
use crate::time::{Clock, Instant};
use crate::work::Work;
use crate::{CreateError, Family, NudState};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;
use neighbour_table::OutOfMemory;
use neighbour_wire::LlAddr;

/// A frame to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmit {
    /// By this device.
    pub device: DeviceId,
    /// With its link-layer header, without padding and checksum of the link. [`Engine::recycle`] takes the buffer
    /// back.
    pub frame: Vec<u8>,
}

/// A neighbour system: tables, state machine, ARP, neighbour discovery, collection.
///
/// It does no I/O, reads no clock and has no thread. Whoever drives it calls
///
/// 1. [`handle_frame`](Self::handle_frame) for each frame that came in, [`send`](Self::send) or
///    [`send_ip`](Self::send_ip) for each packet that is to go out, and
///    [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) is reached;
/// 2. after each of them [`poll_transmit`](Self::poll_transmit) and
///    [`poll_event`](Self::poll_event) until they are empty;
/// 3. then [`poll_timeout`](Self::poll_timeout), which may have moved.
///
/// One event has one `now`. Frames for one neighbour leave in order.
///
/// ```
/// use neighbour::{Config, Device, Engine, Instant, Sent};
///
/// let mut engine = Engine::new(Config::default().seed(1));
/// let eth0 = Device::ethernet("eth0", [2, 0, 0, 0, 0, 1]).address("192.0.2.1/24".parse()?);
/// let eth0 = engine.add_device(Instant::ZERO, eth0)?;
/// let packet = vec![0x45; 20];
/// let sent = engine.send(Instant::ZERO, eth0, "192.0.2.2".parse()?, packet);
/// assert_eq!(sent, Sent::Queued);
/// // What leaves first are the reports of multicast groups; then somebody is asked for 192.0.2.2.
/// let asked = std::iter::from_fn(|| engine.poll_transmit()).any(|t| t.frame[12..14] == [0x08, 0x06]);
/// assert!(asked);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) rng: Rng,
    /// By interface index, from 1. A removed device leaves its place empty.
    pub(crate) devices: Vec<Option<Box<DeviceState>>>,
    pub(crate) removed_devices: Vec<(DeviceId, String)>,
    pub(crate) routes: Routes,
    pub(crate) routers: Routers,
    pub(crate) proxies: Proxies,
    pub(crate) moves: Moves,
    pub(crate) acd: Acd,
    /// ARP, then ND.
    pub(crate) tables: [Table; 2],
    pub(crate) conf4_all: Row4,
    pub(crate) conf4_default: Row4,
    pub(crate) conf6_all: Row6,
    pub(crate) conf6_default: Row6,
    pub(crate) tasks: Tasks,
    pub(crate) out: VecDeque<Transmit>,
    pub(crate) buffers: Buffers,
    pub(crate) events: EventQueue,
    pub(crate) drops: DropCounters,
    pub(crate) history: History,
    pub(crate) queues: Queues,
    pub(crate) limits: crate::icmp::Limits,
    pub(crate) handovers: Arc<Handovers>,
    pub(crate) work: Work,
    /// A packet of somebody else is being passed on, whatever its source says.
    pub(crate) passing_on: bool,
}

impl Engine {
    /// An engine without devices.
    ///
    /// # Panics
    /// If there is no memory for two empty tables; [`Engine::try_new`] says so instead.
    pub fn new(config: Config) -> Self {
        Self::try_new(config).expect("memory for two empty neighbour tables")
    }

    /// The same, with an error if there is no memory for the tables' first entries. The heads of the tables
    /// (some 25 KiB) are allocated as any value is: stable Rust has no other way to make a shared one.
    pub fn try_new(config: Config) -> Result<Self, OutOfMemory> {
        let clock = Clock::new(config.tick);
        let mut rng = Rng::new(config.seed);
        let tables =
            [Family::Inet, Family::Inet6].map(|family| Table::new(family, &config, &clock, &mut rng));
        let [inet, inet6] = tables;
        let tables = [inet?, inet6?];
        let mut tasks = Tasks::default();
        for table in &tables {
            tasks.add(&clock, table.defaults.reachable_time(), Task::PeriodicGc(table.family)); // GC-19
            tasks.add(&clock, 0, Task::Managed(table.family)); // NUD-50
            tasks.add(&clock, clock.ticks_ceil(Duration::from_secs(86_400)), Task::Sweep(table.family));
        }
        let (mut conf4_default, mut conf6_default) = (Row4::defaults(), Row6::defaults());
        conf4_default.set(Conf4::MovePolicy as usize, config.move_policy as i32);
        conf4_default.set(Conf4::Acd as usize, config.defence as i32);
        conf6_default.set(Conf6::MovePolicy as usize, config.move_policy as i32);
        conf6_default.set(Conf6::GratuitousNa as usize, config.gratuitous_na.into());
        let mut engine = Self {
            clock,
            rng,
            devices: Vec::new(),
            removed_devices: Vec::new(),
            routes: Routes::default(),
            routers: Routers::default(),
            proxies: Proxies::default(),
            moves: Moves::default(),
            acd: Acd::default(),
            tables,
            conf4_all: Row4::all(),
            conf4_default,
            conf6_all: Row6::all(),
            conf6_default,
            tasks,
            out: VecDeque::new(),
            buffers: Buffers::default(),
            events: EventQueue::new(config.max_events),
            drops: DropCounters::default(),
            history: History::new(config.history),
            queues: Queues::new(config.max_queued_bytes),
            limits: Default::default(),
            handovers: Arc::new(Handovers::new(config.handover, clock)),
            work: Work::default(),
            passing_on: false,
            config,
        };
        if engine.config.admission.on {
            Family::BOTH.into_iter().for_each(|family| engine.set_admission(family, engine.config.admission));
        }
        if let Some(room) = engine.config.room {
            engine.reserve_all(room as usize)?;
        }
        Ok(engine)
    }

    /// Makes room for all that is used while entries come and go: see [`Config::room`].
    fn reserve_all(&mut self, room: usize) -> Result<(), OutOfMemory> {
        /// The engine's own appointments: six always, some for each device and each address that is new.
        const TASKS: usize = 16;
        /// Buffers beside those of the frames that wait: what a frame is made of.
        const IN_WORK: usize = 2;
        self.events.reserve()?;
        self.history.reserve()?;
        self.queues.reserve(Family::BOTH.len().saturating_mul(room))?;
        self.tasks.reserve(TASKS)?;
        self.buffers = Buffers::filled(self.config.max_transmit.saturating_add(IN_WORK))?;
        self.out.try_reserve_exact(self.config.max_transmit).map_err(|_| OutOfMemory)
    }

    /// Takes in a frame, with its link-layer header. Never panics, whatever the frame holds.
    pub fn handle_frame<'f>(&mut self, now: Instant, device: DeviceId, frame: &'f [u8]) -> Input<'f> {
        self.begin(now);
        self.receive(device, frame)
    }

    /// Sends an IP packet to a neighbour on a device.
    pub fn send(&mut self, now: Instant, device: DeviceId, next_hop: IpAddr, packet: Vec<u8>) -> Sent {
        self.begin(now);
        self.send_to(device, next_hop, packet)
    }

    /// Sends an IP packet where the routes lead. `by` is the device for destinations that need one:
    /// link-local addresses and groups.
    pub fn send_ip(&mut self, now: Instant, packet: Vec<u8>, by: Option<DeviceId>) -> Sent {
        self.begin(now);
        let Some(destination) = neighbour_wire::icmp_error::destination(&packet) else {
            self.drops.count(DropReason::IpMalformed);
            return Sent::Refused(DropReason::IpMalformed);
        };
        if self.is_local(destination) {
            // To ourselves: by the loopback device, if there is one.
            let loopback = self.devices().find(|d| d.is_loopback()).map(|d| d.id);
            return match loopback {
                Some(device) => self.send_to(device, destination, packet),
                None => self.refuse(DropReason::NoRoute),
            };
        }
        let hop = self.route(destination, by);
        if self.routers.any_beside(destination) {
            self.probe_failed_routers();
        }
        match hop {
            Some(hop) => self.send(now, hop.device, hop.next_hop, packet),
            None => {
                self.drops.count(DropReason::NoRoute);
                Sent::Refused(DropReason::NoRoute)
            }
        }
    }

    /// Sends a packet by a held neighbour, dead or alive (DST-6).
    pub fn send_by(&mut self, now: Instant, neighbour: &NeighbourRef, packet: Vec<u8>) -> Sent {
        self.begin(now);
        let family = neighbour.family;
        let table = &self.table(family).shared;
        let ours = table.is_ours(&neighbour.inner);
        match table.resolve(neighbour.inner.handle()).filter(|_| ours) {
            Some(slot) => {
                let id = Id { family, slot };
                let mtu = self.device(self.entry(id).device()).map_or(usize::MAX, |d| d.mtu as usize);
                if packet.len() > mtu { self.refuse(DropReason::TooBig) } else { self.output(id, packet) }
            }
            None => {
                self.drops.count(DropReason::NeighDead);
                Sent::Refused(DropReason::NeighDead)
            }
        }
    }

    /// Does what is due, within the budgets of [`Config`]: what is left is for the next call, which
    /// [`poll_timeout`](Self::poll_timeout) asks for at once.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.begin(now);
        self.run_timers();
    }

    /// The next frame to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.out.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop(self.clock.now())
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called at the latest. Now, while readers
    /// have handed anything over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.handovers.queue.is_empty() || self.owes() {
            return Some(self.clock.now());
        }
        self.next_deadline()
    }

    /// A reader for another thread.
    pub fn reader(&self) -> Reader {
        Reader {
            tables: [self.tables[0].shared.reader(), self.tables[1].shared.reader()],
            handovers: Arc::clone(&self.handovers),
        }
    }

    /// Has `wake` called, from the reader's thread, each time a reader hands something over: for a driver that
    /// sleeps until [`poll_timeout`](Self::poll_timeout). Before the first [`reader`](Self::reader); false if
    /// it is too late.
    pub fn on_handover(&mut self, wake: impl Fn() + Send + Sync + 'static) -> bool {
        match Arc::get_mut(&mut self.handovers) {
            Some(handovers) => {
                handovers.wake = Some(Box::new(wake));
                true
            }
            None => false,
        }
    }

    /// Upper layers heard from a neighbour (NUD-40 to NUD-45): it is reachable. Only what is in the
    /// table is confirmed, and nothing is made; false if it is not there.
    pub fn confirm(&mut self, now: Instant, device: DeviceId, address: IpAddr) -> bool {
        self.begin(now);
        self.confirm_entry(device, address)
    }

    pub(crate) fn confirm_entry(&mut self, device: DeviceId, address: IpAddr) -> bool {
        let now = self.clock.tick();
        let Some(own) = self.device(device) else { return false };
        let key = crate::constructor::output_key(own, address);
        let quiet = key.is_multicast() || (key.is_ipv6() && (own.noarp || own.is_loopback())); // NUD-42
        let family = Family::of(key);
        let Some(slot) = self.table(family).find(device, key).filter(|_| !quiet) else { return false };
        self.table_mut(family).set_confirmed(slot, now);
        true
    }

    /// Holds a neighbour (want_ref), which is made if it is not there yet.
    pub fn hold(
        &mut self,
        now: Instant,
        device: DeviceId,
        address: IpAddr,
    ) -> Result<NeighbourRef, CreateError> {
        self.begin(now);
        let own = self.device(device).ok_or(CreateError::NoDevice)?;
        let key = crate::constructor::output_key(own, address);
        let family = Family::of(key);
        let slot = match self.table_mut(family).lookup(device, key) {
            Some(slot) => slot,
            None => self.create(device, address, Reason::Packet)?.slot,
        };
        let inner = self.table(family).shared.hold(slot).ok_or(CreateError::OutOfMemory)?;
        Ok(NeighbourRef { inner, family, handovers: Arc::clone(&self.handovers) })
    }

    /// Linux's counters of a table.
    pub fn stats(&self, family: Family) -> Stats {
        self.table(family).stats
    }

    /// Entries that count against the thresholds.
    pub fn gc_entries(&self, family: Family) -> u32 {
        self.table(family).gc_entries
    }

    /// The thresholds of a table.
    pub fn thresholds(&self, family: Family) -> Thresholds {
        self.table(family).thresholds
    }

    /// How often each reason dropped something; reasons that never did are left out.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.iter().map(|r| (*r, self.drops.get(*r))).filter(|(_, n)| *n > 0)
    }

    /// Devices, in the order in which they came.
    pub fn device_ids(&self) -> impl Iterator<Item = DeviceId> + '_ {
        self.devices().map(|d| d.id)
    }

    /// The device of this name.
    pub fn device_by_name(&self, name: &str) -> Option<DeviceId> {
        self.devices().find(|d| d.name == name).map(|d| d.id)
    }

    /// A device's name, also of one that was removed.
    pub fn device_name(&self, device: DeviceId) -> Option<&str> {
        let removed =
            || self.removed_devices.iter().find(|(id, _)| *id == device).map(|(_, name)| name.as_str());
        self.device(device).map(|d| d.name.as_str()).or_else(removed)
    }

    /// A device's link-layer address.
    pub fn device_lladdr(&self, device: DeviceId) -> Option<LlAddr> {
        self.device(device).map(|d| d.lladdr)
    }

    /// The addresses of a device.
    pub fn addresses(&self, device: DeviceId) -> impl Iterator<Item = &InterfaceAddress> {
        self.device(device).into_iter().flat_map(|d| d.addresses.iter())
    }

    /// The static routes.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// Takes `now` over. The first one may be anything: what was planned at the engine's birth begins there.
    pub(crate) fn advance(&mut self, now: Instant) {
        if self.clock.advance(now) {
            self.tasks.shift(now);
            let tick = self.clock.tick();
            self.tables.iter_mut().for_each(|table| table.begin_at(tick));
        }
    }

    /// Takes `now` over and does what other threads left to be done.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.advance(now);
        self.reclaim();
        self.pay_unreachable();
        // What is in the queue now, and no more: readers cannot keep the engine here.
        for _ in 0..self.handovers.queue.len() {
            match self.handovers.queue.pop() {
                Some(Handover::Packet { now, device, next_hop, packet }) => {
                    self.advance(now);
                    let _ = self.send_to(device, next_hop, packet);
                }
                Some(Handover::Used { now, family, handle }) => {
                    self.advance(now);
                    let Some(slot) = self.table(family).shared.resolve(handle) else { continue };
                    self.table_mut(family).shared.take_handed(slot);
                    let _ = self.event_send(Id { family, slot }, None, true, Reason::Handover);
                }
                None => break,
            }
        }
    }

    /// NUD-46: `updated` := now; a FAILED entry is INCOMPLETE for one retrans_time.
    pub(crate) fn set_probe_once(&mut self, id: Id) {
        let now = self.clock.tick();
        let max = self.parms_of(id).max_probes(false);
        let entry = self.entry_mut(id);
        if entry.is_dead() {
            return;
        }
        entry.updated = now;
        if !entry.state.has(NudState::FAILED) {
            return;
        }
        entry.probes = max;
        let step = crate::nud::Step {
            state: NudState::INCOMPLETE,
            actions: Actions::empty(),
            timer: crate::nud::Timer::Retrans,
            verdict: crate::nud::Verdict::Held,
            router: false,
        };
        self.apply(id, &step, None, Reason::Packet);
    }

    /// What happened to an address lately, the oldest first: at most [`Config::history`] records for all
    /// addresses together.
    pub fn history(&self, address: IpAddr) -> impl Iterator<Item = &Record> {
        self.history.of(address)
    }

    pub(crate) fn table(&self, family: Family) -> &Table {
        &self.tables[family as usize]
    }

    pub(crate) fn table_mut(&mut self, family: Family) -> &mut Table {
        &mut self.tables[family as usize]
    }

    pub(crate) fn entry(&self, id: Id) -> &Neighbour {
        &self.table(id.family).entries[id.slot]
    }

    pub(crate) fn entry_mut(&mut self, id: Id) -> &mut Neighbour {
        &mut self.table_mut(id.family).entries[id.slot]
    }

    /// The address part of an entry's key.
    pub(crate) fn address(&self, id: Id) -> IpAddr {
        self.table(id.family).address(id.slot)
    }

    /// Shows readers an entry's state with the address it has.
    pub(crate) fn publish(&mut self, id: Id) {
        let table = self.table_mut(id.family);
        let state = table.entries[id.slot].state;
        let (bytes, len) = table.shared.lladdr(id.slot);
        table.shared.publish(id.slot, state.0, &bytes[..len], state.is_valid());
    }

    /// The parameters of an entry: its device's, or the defaults if those are gone.
    pub(crate) fn parms_of(&self, id: Id) -> &Parms {
        let device = self.entry(id).device();
        let own = self.device(device).and_then(|d| d.parms[id.family as usize].as_ref());
        own.unwrap_or_else(|| &self.table(id.family).defaults)
    }

    pub(crate) fn device(&self, id: DeviceId) -> Option<&DeviceState> {
        self.devices.get((id.0 as usize).checked_sub(1)?)?.as_deref()
    }

    pub(crate) fn device_mut(&mut self, id: DeviceId) -> Option<&mut DeviceState> {
        self.devices.get_mut((id.0 as usize).checked_sub(1)?)?.as_deref_mut()
    }

    pub(crate) fn devices(&self) -> impl Iterator<Item = &DeviceState> {
        self.devices.iter().flatten().map(|d| &**d)
    }

    pub(crate) fn table_and_device(
        &mut self,
        family: Family,
        device: DeviceId,
    ) -> (&mut Table, Option<&mut DeviceState>) {
        let state = (device.0 as usize).checked_sub(1).and_then(|i| self.devices.get_mut(i)?.as_deref_mut());
        (&mut self.tables[family as usize], state)
    }

    pub(crate) fn device_and_rng(&mut self, device: DeviceId) -> (Option<&mut DeviceState>, &mut Rng) {
        let state = (device.0 as usize).checked_sub(1).and_then(|i| self.devices.get_mut(i)?.as_deref_mut());
        (state, &mut self.rng)
    }

    pub(crate) fn table_rng_devices(
        &mut self,
        family: Family,
    ) -> (&mut Table, &mut Rng, impl Iterator<Item = &mut DeviceState>) {
        (
            &mut self.tables[family as usize],
            &mut self.rng,
            self.devices.iter_mut().flatten().map(|d| &mut **d),
        )
    }
}
