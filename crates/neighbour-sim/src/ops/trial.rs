//! An engine to which operations happen.

use super::Op;
use crate::frames::{self, Mac, Speaker};
use crate::invariants::{Broken, Depth, Ledger, broken};
use neighbour::{
    AddressOptions, Config, Device, DeviceId, Engine, Family, Flags, Input, Instant, LlAddr, NeighbourRef,
    NewNeigh, NudState, Prefix, Sent,
};
use neighbour_wire::icmpv6;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// The engine's hardware address.
const OWN: Mac = [2, 0, 0, 0, 0, 1];
/// Neighbours': what they have, and what somebody else says they have.
const PEER: Mac = [2, 0, 0, 0, 0, 2];
const OTHER: Mac = [2, 0, 0, 0, 0, 3];
/// Packets of full size that wait over all entries.
const QUEUED: u64 = 12 * 832;

/// Parameters that differ from the defaults, so that a forgotten one shows; small thresholds.
const PARAMETERS: [(&str, &str); 15] = [
    ("conf/accept_dad", "0"),
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
    ("gc_thresh1", "6"),
    ("gc_thresh2", "10"),
    ("gc_thresh3", "16"),
    ("ipv6/conf/router_solicitations", "0"),
];

/// An engine, what was done with it and what it told.
pub struct Trial {
    /// The engine.
    pub engine: Engine,
    /// The time.
    pub now: Instant,
    /// The table that operations are about.
    pub family: Family,
    /// What happened, for comparing two runs.
    pub log: Vec<String>,
    /// What it was given and what it told.
    pub ledger: Ledger,
    devices: Vec<DeviceId>,
    held: Vec<(IpAddr, NeighbourRef)>,
}

impl Trial {
    /// An engine as Linux is, with one Ethernet device, whose first words are over.
    pub fn new(family: Family, seed: u64) -> Self {
        Self::of(Config::linux().seed(seed), family)
    }

    /// The same with another configuration, but for the bytes that may wait.
    pub fn of(config: Config, family: Family) -> Self {
        let device = Device::ethernet("eth0", OWN);
        let device = match family {
            // Without IPv6 no packets but those of the sequence leave, so that they can be counted.
            Family::Inet => device.link_local(false).address(prefix(own(family), 24)),
            Family::Inet6 => device.address(prefix(own(family), 64)),
        };
        let config = Config { max_queued_bytes: QUEUED, ..config };
        let mut trial = Self::with(config, family, vec![device]);
        trial.ledger.own_packets = family == Family::Inet6;
        trial
    }

    /// The same with devices of one's own, of which operations are about the first; only frames come by the others.
    pub fn with(config: Config, family: Family, devices: Vec<Device>) -> Self {
        let mut engine = Engine::new(config);
        let now = Instant::ZERO;
        for (name, value) in PARAMETERS {
            engine.set(now, name, value).unwrap_or_else(|error| panic!("{name} = {value}: {error}"));
        }
        let added = devices.into_iter().map(|device| engine.add_device(now, device));
        let devices =
            added.map(|device| device.unwrap_or_else(|error| panic!("a device: {error}"))).collect();
        while engine.poll_event().is_some() {}
        let mut ledger = Ledger::of(&engine);
        ledger.own_packets = true;
        let mut trial = Self { engine, now, family, log: Vec::new(), ledger, devices, held: Vec::new() };
        trial.pass(Duration::from_millis(1100));
        trial.log.clear();
        trial
    }

    /// The address of a neighbour.
    pub fn peer(&self, peer: u8) -> IpAddr {
        nth(self.family, 20 + peer)
    }

    /// What does not hold.
    pub fn broken(&mut self) -> Vec<Broken> {
        self.ledger.release_all();
        for (address, _) in &self.held {
            let same = self.held.iter().filter(|(other, _)| other == address);
            let (dead, live): (Vec<_>, Vec<_>) = same.partition(|(_, held)| held.is_dead());
            self.ledger.hold(*address, live.len() as u32, dead.len() as u32);
        }
        broken(&self.engine, &mut self.ledger, Depth::Full)
    }

    /// Lets go of whatever is held.
    pub fn release_all(&mut self) {
        self.held.clear();
    }

    /// Does it.
    pub fn apply(&mut self, op: &Op) {
        let (now, device, family) = (self.now, self.devices[0], self.family);
        let mac = |other: bool| if other { OTHER } else { PEER };
        match *op {
            Op::Send { peer, len } => {
                let to = self.peer(peer);
                self.send(to, usize::from(len));
            }
            Op::SendGroup(n) => self.send(group(family, n), 60),
            Op::Answer { peer, other } => {
                let peer = self.speaker(peer, mac(other));
                self.take(0, &frames::answer(peer, self.engine_speaker()));
            }
            Op::Hint { peer, other } => {
                let peer = self.speaker(peer, mac(other));
                self.take(0, &frames::announce(peer, true));
            }
            Op::Request { peer, other } => {
                let frame = self.request(peer, mac(other));
                self.take(0, &frame);
            }
            Op::Advert { peer, flags, lladdr } => {
                let (router, solicited, overrides) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
                let target = nth(Family::Inet6, 20 + peer);
                self.take(0, &frames::na(target, lladdr.map(mac), OWN, [router, solicited, overrides]));
            }
            Op::Solicit { peer, multicast, lladdr } => {
                let source = nth(Family::Inet6, 20 + peer);
                self.take(0, &frames::ns(source, own(Family::Inet6), lladdr.then_some(PEER), OWN, multicast));
            }
            Op::Spoilt { peer, at, to, keep } => {
                let mut frame = self.request(peer, PEER);
                let at = usize::from(at) % frame.len();
                frame[at] = to;
                frame.truncate(usize::from(keep).max(1));
                self.take(0, &frame);
            }
            Op::Frame { device, mend, ref bytes } => {
                let mut bytes = bytes.clone();
                if mend {
                    self::mend(&mut bytes);
                }
                self.take(usize::from(device) % self.devices.len(), &bytes);
            }
            Op::Admin { peer, state, lladdr, flags, replace } => {
                let flags = Flags::from_bits_retain(flags);
                let asks = flags.intersects(Flags::USE | Flags::MANAGED);
                let state = NudState(state);
                let permanent = state.has(NudState::PERMANENT);
                self.ledger.born_exempt += usize::from(permanent && (asks || state != NudState::PERMANENT));
                (self.ledger.by_hand, self.ledger.thresholds_open) = (true, true);
                let lladdr = lladdr.map(mac).map(LlAddr::from);
                let request = NewNeigh::replace(device, self.peer(peer), lladdr, state);
                let result = self.engine.new_neigh(now, &NewNeigh { flags, replace, port: 77, ..request });
                self.log.push(format!("{result:?}"));
            }
            Op::Delete(peer) => {
                let result = self.engine.del_neigh(now, device, self.peer(peer), 77);
                self.log.push(format!("{result:?}"));
            }
            Op::Hold(peer) => {
                let address = self.peer(peer);
                self.held.extend(self.engine.hold(now, device, address).ok().map(|held| (address, held)));
            }
            Op::Release(n) => {
                if !self.held.is_empty() {
                    let n = usize::from(n) % self.held.len();
                    self.held.swap_remove(n);
                }
            }
            Op::Confirm(peer) => _ = self.engine.confirm(now, device, self.peer(peer)),
            Op::ProbeOnce(peer) => _ = self.engine.probe_once(now, device, self.peer(peer)),
            Op::Time(ms) => self.pass(Duration::from_millis(ms.into())),
            Op::Link(up) => self.engine.set_link(now, device, up),
            Op::Carrier(on) => self.engine.set_carrier(now, device, on),
            Op::Noarp(on) => self.engine.set_noarp(now, device, on),
            Op::Lladdr(other) => {
                let mac = if other { [2, 0, 0, 0, 0, 0x77] } else { OWN };
                let result = self.engine.set_lladdr(now, device, mac.into());
                self.log.push(format!("{result:?}"));
            }
            Op::Address(add) => {
                let second = nth(family, 9);
                let len = if family == Family::Inet { 24 } else { 64 };
                let options = AddressOptions::default();
                let result = match add {
                    true => self.engine.add_address(now, device, prefix(second, len), options),
                    false => self.engine.remove_address(now, device, second),
                };
                self.log.push(format!("{result:?}"));
            }
            Op::Flush => self.engine.flush(now, family, Some(device)),
            Op::Set(name, value) => {
                // Queues that are longer than a new limit stay so until the next packet.
                self.ledger.by_hand = true;
                let result = self.engine.set(now, name, &value.to_string());
                self.log.push(format!("{result:?}"));
            }
        }
        self.settle();
        // References that were dropped are taken note of at the next call.
        self.engine.handle_timeout(self.now);
        self.settle();
    }

    fn speaker(&self, peer: u8, mac: Mac) -> Speaker {
        Speaker { address: self.peer(peer), mac }
    }

    fn engine_speaker(&self) -> Speaker {
        Speaker { address: own(self.family), mac: OWN }
    }

    /// A request for us.
    fn request(&self, peer: u8, mac: Mac) -> Vec<u8> {
        frames::ask(self.speaker(peer, mac), own(self.family), None)
    }

    fn take(&mut self, device: usize, frame: &[u8]) {
        let input = self.engine.handle_frame(self.now, self.devices[device], frame);
        self.log.push(format!("{input:?}"));
        // The host above sends its own packets as others do.
        if let Input::Ip(packet) = input {
            let packet = packet.to_vec();
            if frames::tag_of(&packet).is_some() {
                return;
            }
            let sent = self.engine.send_ip(self.now, packet, Some(self.devices[device]));
            self.log.push(format!("{sent:?}"));
            if self.ledger.own_packets {
                return;
            }
            self.ledger.offer(sent);
        }
    }

    fn send(&mut self, to: IpAddr, len: usize) {
        let tag = frames::Tag { flow: 0, reply: false, copy: false, pair: 0, sent: 0 };
        let packet = frames::packet(own(self.family), to, tag, len);
        let sent: Sent = self.engine.send(self.now, self.devices[0], to, packet);
        self.ledger.offer(sent);
        self.log.push(format!("{sent:?}"));
    }

    /// Lets time pass, stopping at each deadline.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        self.settle();
        let mut calls = 0;
        while let Some(at) = self.engine.poll_timeout().filter(|at| *at <= until) {
            calls = if at > self.now { 0 } else { calls + 1 };
            if calls > 1000 {
                self.ledger.no_rest(self.now, calls);
                break;
            }
            self.now = self.now.max(at);
            self.engine.handle_timeout(self.now);
            self.settle();
        }
        self.now = until;
        self.engine.handle_timeout(until);
        self.settle();
    }

    /// Takes out what the engine has to say.
    fn settle(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            self.ledger.event(&event);
            self.log.push(format!("{event:?}"));
        }
        while let Some(sent) = self.engine.poll_transmit() {
            self.ledger.left += u64::from(frames::is_ip_of_ours(&sent.frame, self.ledger.own_packets));
            self.log.push(format!("{:02x?}", sent.frame));
        }
    }
}

fn own(family: Family) -> IpAddr {
    nth(family, 1)
}

/// The n-th address of the subnet.
fn nth(family: Family, n: u8) -> IpAddr {
    match family {
        Family::Inet => Ipv4Addr::new(192, 0, 2, n).into(),
        Family::Inet6 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into()).into(),
    }
}

fn group(family: Family, n: u8) -> IpAddr {
    match family {
        Family::Inet => Ipv4Addr::new(224, 0, 1, n).into(),
        Family::Inet6 => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, n.into()).into(),
    }
}

fn prefix(address: IpAddr, len: u8) -> Prefix {
    Prefix::new(address, len).unwrap_or_else(|error| panic!("{address}/{len}: {error}"))
}

/// Makes the checksum of an ICMPv6 message without extension headers right.
fn mend(frame: &mut [u8]) {
    if frame.len() < 58 || frame[12..14] != [0x86, 0xdd] || frame[20] != icmpv6::PROTOCOL {
        return;
    }
    let len = usize::from(u16::from_be_bytes([frame[18], frame[19]]));
    let address = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).map(Ipv6Addr::from);
    let (Ok(source), Ok(destination)) = (address(&frame[22..38]), address(&frame[38..54])) else { return };
    if let Some(payload) = frame.get_mut(54..54 + len).filter(|payload| payload.len() >= 4) {
        icmpv6::finish(payload, source, destination);
    }
}
