//! A world for the engine: simulated time, one or more hosts on one Ethernet, frames and events kept.
//!
//! Parameters differ from the defaults ([`KNOBS`]), so that a forgotten one shows.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of this")]

pub mod frames;

use std::net::IpAddr;
use std::time::Duration;

use neighbour::{
    AddressOptions, Config, Device, DeviceId, DropReason, Engine, Event, EventKind, Family, Input, Instant,
    LlAddr, NeighbourInfo, NewNeigh, NudState, Prefix, RequestError, Sent,
};

pub use frames::Seen;

/// The engine's grain of time.
pub const TICK: Duration = Duration::from_millis(4);

/// Hardware addresses: of the engine, of the peer, of somebody else.
pub const MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
pub const PEER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];
pub const OTHER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x03];
pub const BROADCAST: [u8; 6] = [0xff; 6];

/// Parameters of a [`World::new`], all unlike the defaults.
pub const KNOBS: &[(&str, &str)] = &[
    ("neigh/base_reachable_time_ms", "20000"),
    ("neigh/retrans_time_ms", "600"),
    ("neigh/delay_first_probe_time", "3"),
    ("neigh/interval_probe_time_ms", "7000"),
    ("neigh/gc_stale_time", "40"),
    ("neigh/ucast_solicit", "2"),
    ("neigh/mcast_solicit", "4"),
    ("neigh/mcast_resolicit", "1"),
    ("neigh/locktime", "50"),
    ("neigh/unres_qlen_bytes", "2496"),
];

pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text} is no address"))
}

pub fn prefix(text: &str) -> Prefix {
    text.parse().unwrap_or_else(|_| panic!("{text} is no prefix"))
}

pub fn lladdr(mac: [u8; 6]) -> Option<LlAddr> {
    Some(LlAddr::from(mac))
}

/// Our own address of a family.
pub fn own(family: Family) -> IpAddr {
    match family {
        Family::Inet => ip("192.0.2.1"),
        Family::Inet6 => ip("2001:db8::1"),
    }
}

/// The neighbour that most tests are about.
pub fn peer(family: Family) -> IpAddr {
    nth(family, 2)
}

/// The `n`-th address of the subnet; enough of them for any table.
pub fn nth(family: Family, n: u32) -> IpAddr {
    match family {
        // The subnet is 10.0.0.0/8 but for its beginning, which is kept small for reading.
        Family::Inet if n < 250 => ip(&format!("192.0.2.{n}")),
        Family::Inet => IpAddr::from((0x0a00_0000 + n).to_be_bytes()),
        Family::Inet6 => {
            IpAddr::from((0x2001_0db8_0000_0000_0000_0000_0000_0000u128 + u128::from(n)).to_be_bytes())
        }
    }
}

/// An Ethernet device as in most tests: 192.0.2.1/24, 10.0.0.1/8, 2001:db8::1/64 and a link-local address.
pub fn ethernet(name: &str, last: u8) -> Device {
    Device::ethernet(name, [2, 0, 0, 0, 0, last])
        .address(prefix(&format!("192.0.2.{last}/24")))
        .address(prefix(&format!("10.0.0.{last}/8")))
        .address(prefix(&format!("2001:db8::{last:x}/64")))
}

/// One engine with one device of its own, and all that came out of it.
pub struct Host {
    pub engine: Engine,
    pub dev: DeviceId,
    pub frames: Vec<(Instant, DeviceId, Vec<u8>)>,
    pub events: Vec<Event>,
    /// IP packets for this host.
    pub received: Vec<Vec<u8>>,
}

impl Host {
    fn new(engine: Engine, dev: DeviceId) -> Self {
        Self { engine, dev, frames: Vec::new(), events: Vec::new(), received: Vec::new() }
    }
}

/// Hosts on one Ethernet, and the time. The methods without a host's number are about the first.
pub struct World {
    pub now: Instant,
    pub hosts: Vec<Host>,
    /// Frames between hosts are lost.
    pub cut: bool,
}

impl World {
    /// One host with [`KNOBS`], without duplicate detection, idle.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// The same with more parameters, set before the device comes.
    pub fn with(knobs: &[(&str, &str)]) -> Self {
        let knobs: Vec<_> = KNOBS.iter().chain(knobs).copied().collect();
        Self::build(Config::default().seed(11), &knobs, ethernet("eth0", 1))
    }

    /// One host with Linux's parameters but for these.
    pub fn linux(knobs: &[(&str, &str)]) -> Self {
        Self::build(Config::default().seed(12), knobs, ethernet("eth0", 1))
    }

    /// Two hosts with Linux's parameters but for these: 192.0.2.1 and 192.0.2.2, and the like.
    pub fn pair(knobs: &[(&str, &str)]) -> Self {
        let mut world = Self::linux(knobs);
        let other = Self::build(Config::default().seed(13), knobs, ethernet("eth0", 2));
        world.hosts.extend(other.hosts);
        world
    }

    /// One host, built as said; its first words (reports of groups) are over.
    #[track_caller]
    pub fn build(config: Config, knobs: &[(&str, &str)], device: Device) -> Self {
        let mut engine = Engine::new(config);
        let start = Instant::ZERO;
        for (name, value) in [("conf/accept_dad", "0")].iter().chain(knobs) {
            engine.set(start, name, value).unwrap_or_else(|e| panic!("{name} = {value}: {e}"));
        }
        let dev = engine.add_device(start, device).unwrap_or_else(|e| panic!("the device: {e}"));
        let mut world = Self { now: start, hosts: vec![Host::new(engine, dev)], cut: false };
        world.run_for(ms(1100));
        world.forget();
        world
    }

    pub fn host(&mut self) -> &mut Host {
        &mut self.hosts[0]
    }

    pub fn engine(&mut self) -> &mut Engine {
        &mut self.hosts[0].engine
    }

    pub fn dev(&self) -> DeviceId {
        self.hosts[0].dev
    }

    /// Forgets the frames, events and packets seen so far.
    pub fn forget(&mut self) {
        for host in &mut self.hosts {
            host.frames.clear();
            host.events.clear();
            host.received.clear();
        }
    }

    /// Takes out what the engines have to say and delivers frames, until all are silent.
    #[track_caller]
    pub fn settle(&mut self) {
        for _ in 0..1_000_000 {
            let mut quiet = true;
            for from in 0..self.hosts.len() {
                while let Some(event) = self.hosts[from].engine.poll_event() {
                    self.hosts[from].events.push(event);
                }
                while let Some(sent) = self.hosts[from].engine.poll_transmit() {
                    quiet = false;
                    self.deliver(from, sent.device, &sent.frame);
                    self.hosts[from].frames.push((self.now, sent.device, sent.frame));
                }
            }
            if quiet {
                return;
            }
        }
        panic!("frames without end at {:?}: {}", self.now, self.describe());
    }

    fn deliver(&mut self, from: usize, device: DeviceId, frame: &[u8]) {
        if self.cut || device != self.hosts[from].dev {
            return;
        }
        for (to, host) in self.hosts.iter_mut().enumerate() {
            if to != from
                && let Input::Ip(packet) = host.engine.handle_frame(self.now, host.dev, frame)
            {
                host.received.push(packet.to_vec());
            }
        }
    }

    /// Goes to the next deadline, if there is one up to `until`.
    #[track_caller]
    pub fn step(&mut self, until: Instant) -> bool {
        self.settle();
        let Some(at) = self.hosts.iter().filter_map(|h| h.engine.poll_timeout()).min() else { return false };
        if at > until {
            return false;
        }
        self.now = self.now.max(at);
        for host in &mut self.hosts {
            if host.engine.poll_timeout().is_some_and(|at| at <= self.now) {
                host.engine.handle_timeout(self.now);
            }
        }
        self.settle();
        true
    }

    /// Lets time pass until `until`, stopping exactly at each deadline.
    #[track_caller]
    pub fn run_until(&mut self, until: Instant) {
        let mut steps = 0;
        while self.step(until) {
            steps += 1;
            assert!(steps < 1_000_000, "a million steps at {:?}: {}", self.now, self.describe());
        }
        self.now = self.now.max(until);
        // The engines know the time only from their callers.
        for host in &mut self.hosts {
            host.engine.handle_timeout(self.now);
        }
        self.settle();
    }

    #[track_caller]
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Lets time pass until `done`, at most for `most`; gives back how long it took.
    #[track_caller]
    pub fn run_while(&mut self, most: Duration, mut going_on: impl FnMut(&Self) -> bool) -> Duration {
        let start = self.now;
        while going_on(self) {
            assert!(self.step(start + most), "not within {most:?}: {}", self.describe());
        }
        self.now - start
    }

    /// Lets time pass until the entry is in this state, at most for `most`; gives back how long it took.
    #[track_caller]
    pub fn run_to_state(&mut self, address: IpAddr, state: NudState, most: Duration) -> Duration {
        self.run_while(most, |world| world.state(address) != state)
    }

    fn describe(&self) -> String {
        let mut text = String::new();
        for (n, host) in self.hosts.iter().enumerate() {
            for family in Family::BOTH {
                for entry in host.engine.neighbours(family) {
                    text +=
                        &format!("\n  host {n}: {} {} probes {}", entry.address, entry.state, entry.probes);
                }
            }
            text += &format!("\n  host {n}: next deadline {:?}", host.engine.poll_timeout());
        }
        text
    }

    // What the first host does.

    #[track_caller]
    pub fn set(&mut self, name: &str, value: &str) {
        let now = self.now;
        self.engine().set(now, name, value).unwrap_or_else(|e| panic!("{name} = {value}: {e}"));
    }

    /// Sends a packet of 40 to 60 bytes with `tag` in its last byte.
    pub fn send(&mut self, to: IpAddr, tag: u8) -> Sent {
        let (now, dev) = (self.now, self.dev());
        let sent = self.engine().send(now, dev, to, frames::packet(own(Family::of(to)), to, tag));
        self.settle();
        sent
    }

    /// Takes a frame in.
    pub fn frame(&mut self, frame: &[u8]) -> Result<(), DropReason> {
        let (now, dev) = (self.now, self.dev());
        let result = match self.engine().handle_frame(now, dev, frame) {
            Input::Dropped(reason) => Err(reason),
            _ => Ok(()),
        };
        self.settle();
        result
    }

    /// The peer answers as a real one would: ARP reply by unicast, or a solicited advertisement with O.
    #[track_caller]
    pub fn answer(&mut self, address: IpAddr, mac: [u8; 6]) {
        let frame = frames::answer(address, mac);
        assert_eq!(self.frame(&frame), Ok(()), "the answer of {address}");
    }

    /// The peer makes itself known without being asked, so that the entry becomes STALE: an ARP reply to
    /// all, or an unsolicited advertisement with O.
    #[track_caller]
    pub fn hint(&mut self, address: IpAddr, mac: [u8; 6]) {
        let frame = frames::hint(address, mac);
        assert_eq!(self.frame(&frame), Ok(()), "the hint of {address}");
    }

    /// A request as `ip neigh` would make it.
    pub fn admin(&mut self, request: NewNeigh) -> Result<(), RequestError> {
        let now = self.now;
        let result = self.engine().new_neigh(now, &request);
        self.settle();
        result
    }

    /// `ip neigh replace ADDRESS [lladdr MAC] nud STATE`.
    pub fn request(&self, address: IpAddr, mac: Option<[u8; 6]>, state: NudState) -> NewNeigh {
        NewNeigh { port: 77, ..NewNeigh::replace(self.dev(), address, mac.map(LlAddr::from), state) }
    }

    /// `ip neigh replace`, which must succeed.
    #[track_caller]
    pub fn replace(&mut self, address: IpAddr, mac: [u8; 6], state: NudState) {
        let request = self.request(address, Some(mac), state);
        assert_eq!(self.admin(request), Ok(()), "replace {address} {state}");
    }

    /// `ip neigh del`.
    pub fn delete(&mut self, address: IpAddr) -> Result<(), RequestError> {
        let (now, dev) = (self.now, self.dev());
        let result = self.engine().del_neigh(now, dev, address, 77);
        self.settle();
        result
    }

    #[track_caller]
    pub fn add_address(&mut self, text: &str) {
        let (now, dev) = (self.now, self.dev());
        let added = self.engine().add_address(now, dev, prefix(text), AddressOptions::default());
        assert_eq!(added, Ok(()), "{text}");
        self.settle();
    }

    // What can be seen of it.

    pub fn info(&self, address: IpAddr) -> Option<NeighbourInfo> {
        self.hosts[0].engine.neighbour(self.dev(), address)
    }

    #[track_caller]
    pub fn entry(&self, address: IpAddr) -> NeighbourInfo {
        self.info(address).unwrap_or_else(|| panic!("no entry for {address}{}", self.describe()))
    }

    #[track_caller]
    pub fn state(&self, address: IpAddr) -> NudState {
        self.entry(address).state
    }

    #[track_caller]
    pub fn expect_state(&self, address: IpAddr, state: NudState) {
        assert_eq!(self.state(address), state, "{address}");
    }

    pub fn count(&self, family: Family) -> usize {
        self.hosts[0].engine.neighbours(family).count()
    }

    pub fn stats(&self, family: Family) -> neighbour::Stats {
        self.hosts[0].engine.stats(family)
    }

    pub fn drops(&self, reason: DropReason) -> u64 {
        self.hosts[0].engine.drops().find(|(r, _)| *r == reason).map_or(0, |(_, n)| n)
    }

    /// The frames sent since [`Self::forget`], with their times, decoded.
    pub fn sent(&self) -> Vec<(Instant, Seen)> {
        self.hosts[0].frames.iter().map(|(at, _, frame)| (*at, frames::decode(frame))).collect()
    }

    /// Takes away the frames sent so far, decoded.
    pub fn take_sent(&mut self) -> Vec<Seen> {
        self.host().frames.drain(..).map(|(_, _, frame)| frames::decode(&frame)).collect()
    }

    /// The solicitations for `address` since [`Self::forget`]: when, and whether by unicast.
    pub fn solicitations(&self, address: IpAddr) -> Vec<(Instant, bool)> {
        self.sent().iter().filter_map(|(at, seen)| Some((*at, seen.solicits(address)?))).collect()
    }

    /// The tags of the packets that left since [`Self::forget`], in order.
    pub fn tags(&self) -> Vec<u8> {
        self.sent().iter().filter_map(|(_, seen)| seen.tag()).collect()
    }

    /// RTM_NEWNEIGH and RTM_DELNEIGH since [`Self::forget`]: the state each shows, and whether it is a DEL.
    pub fn notices(&self, address: IpAddr) -> Vec<(NudState, bool)> {
        let notice = |event: &Event| match &event.kind {
            EventKind::NewNeigh { neighbour, .. } if neighbour.address == address => {
                Some((neighbour.state, false))
            }
            EventKind::Removed { neighbour, .. } if neighbour.address == address => {
                Some((neighbour.state, true))
            }
            _ => None,
        };
        self.hosts[0].events.iter().filter_map(notice).collect()
    }

    /// The tags of the packets given back as unreachable, in order.
    pub fn unreachable(&self) -> Vec<u8> {
        let tag = |event: &Event| match &event.kind {
            EventKind::Unreachable { packet, .. } => packet.last().copied(),
            _ => None,
        };
        self.hosts[0].events.iter().filter_map(tag).collect()
    }

    /// Brings the peer of a family into a state by honest inputs, and forgets what was seen on the way.
    /// Its address is [`PEER_MAC`]. Nothing is left to wait for the same tick.
    #[track_caller]
    pub fn init_neighbour_in_state(&mut self, family: Family, state: NudState) -> IpAddr {
        let address = peer(family);
        let (now, dev) = (self.now, self.dev());
        match state {
            NudState::NONE => drop(self.engine().hold(now, dev, address).expect("room for an entry")),
            NudState::INCOMPLETE => assert_eq!(self.send(address, 0), Sent::Queued),
            NudState::REACHABLE => {
                assert_eq!(self.send(address, 0), Sent::Queued);
                self.answer(address, PEER_MAC);
            }
            NudState::STALE => {
                self.init_neighbour_in_state(family, NudState::NONE);
                self.hint(address, PEER_MAC);
            }
            NudState::DELAY => {
                self.init_neighbour_in_state(family, NudState::STALE);
                assert_eq!(self.send(address, 0), Sent::Sent);
            }
            NudState::PROBE => {
                self.init_neighbour_in_state(family, NudState::DELAY);
                self.run_to_state(address, NudState::PROBE, secs(60));
            }
            NudState::FAILED => {
                self.init_neighbour_in_state(family, NudState::INCOMPLETE);
                self.run_to_state(address, NudState::FAILED, secs(60));
            }
            fixed => self.replace(address, PEER_MAC, fixed),
        }
        self.settle();
        self.expect_state(address, state);
        self.forget();
        address
    }
}
