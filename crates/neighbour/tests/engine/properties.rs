//! Any sequence of frames, packets, requests, device events and time keeps what must always hold. A failure
//! prints the shortest sequence that was found, and its seed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::common::frames::{self, Arp, Na, Seen};
use crate::common::{MAC, OTHER_MAC, PEER_MAC, World, ethernet, ms, nth, own, prefix};
use neighbour::{
    AddressOptions, Config, Device, DropReason, EventKind, Family, Flags, LlAddr, NeighbourRef, NewNeigh,
    NudState, Reader, Sent,
};
use proptest::collection::vec;
use proptest::prelude::*;

use NudState as S;

/// Neighbours that sequences are about; more than the third threshold.
const PEERS: u32 = 24;

/// What may happen.
#[derive(Clone, Debug)]
enum Op {
    Send {
        peer: u32,
        len: usize,
    },
    SendGroup(u8),
    Answer {
        peer: u32,
        other: bool,
    },
    Hint {
        peer: u32,
        other: bool,
    },
    Request {
        peer: u32,
        other: bool,
    },
    Advert {
        peer: u32,
        flags: u8,
        lladdr: Option<bool>,
    },
    Solicit {
        peer: u32,
        multicast: bool,
        lladdr: bool,
    },
    /// A right frame with one byte changed, and cut.
    Spoilt {
        peer: u32,
        at: usize,
        to: u8,
        keep: usize,
    },
    Noise(Vec<u8>),
    Admin {
        peer: u32,
        state: u8,
        lladdr: Option<bool>,
        flags: u32,
        replace: bool,
    },
    Delete(u32),
    Hold(u32),
    Release(usize),
    Confirm(u32),
    ProbeOnce(u32),
    Time(u64),
    Link(bool),
    Carrier(bool),
    Noarp(bool),
    Lladdr(bool),
    Address(bool),
    Flush,
    Set(&'static str, u32),
}

fn any_op() -> impl Strategy<Value = Op> {
    let peer = || 0..PEERS;
    let lladdr = || proptest::option::of(any::<bool>());
    let state = prop_oneof![
        9 => proptest::sample::select(S::ALL.map(|s| s.0).to_vec()),
        1 => any::<u8>(),
    ];
    let flags = proptest::sample::select(vec![0, 0, 0, 0x01, 0x10, 0x80, 0x100, 0x101, 0x400, 0x410]);
    let knob = proptest::sample::select(vec![
        ("neigh/mcast_solicit", 0),
        ("neigh/mcast_solicit", 2),
        ("neigh/ucast_solicit", 0),
        ("neigh/ucast_solicit", 2),
        ("neigh/app_solicit", 1),
        ("neigh/app_solicit", 0),
        ("neigh/mcast_resolicit", 2),
        ("neigh/retrans_time_ms", 0),
        ("neigh/retrans_time_ms", 300),
        ("neigh/base_reachable_time_ms", 0),
        ("neigh/base_reachable_time_ms", 3000),
        ("neigh/delay_first_probe_time", 0),
        ("neigh/gc_stale_time", 0),
        ("neigh/unres_qlen_bytes", 0),
        ("neigh/unres_qlen_bytes", 3000),
        ("gc_thresh1", 0),
        ("gc_thresh2", 4),
        ("conf/forwarding", 0),
        ("ipv4/conf/arp_accept", 1),
    ]);
    prop_oneof![
        12 => (peer(), 20..1500usize).prop_map(|(peer, len)| Op::Send { peer, len }),
        1 => any::<u8>().prop_map(Op::SendGroup),
        6 => (peer(), any::<bool>()).prop_map(|(peer, other)| Op::Answer { peer, other }),
        3 => (peer(), any::<bool>()).prop_map(|(peer, other)| Op::Hint { peer, other }),
        4 => (peer(), any::<bool>()).prop_map(|(peer, other)| Op::Request { peer, other }),
        4 => (peer(), 0..8u8, lladdr()).prop_map(|(peer, flags, lladdr)| Op::Advert { peer, flags, lladdr }),
        4 => (peer(), any::<bool>(), any::<bool>())
            .prop_map(|(peer, multicast, lladdr)| Op::Solicit { peer, multicast, lladdr }),
        4 => (peer(), 0..90usize, any::<u8>(), 0..120usize)
            .prop_map(|(peer, at, to, keep)| Op::Spoilt { peer, at, to, keep }),
        1 => vec(any::<u8>(), 0..80).prop_map(Op::Noise),
        8 => (peer(), state, lladdr(), flags, any::<bool>()).prop_map(
            |(peer, state, lladdr, flags, replace)| Op::Admin { peer, state, lladdr, flags, replace }
        ),
        3 => peer().prop_map(Op::Delete),
        3 => peer().prop_map(Op::Hold),
        3 => any::<usize>().prop_map(Op::Release),
        2 => peer().prop_map(Op::Confirm),
        1 => peer().prop_map(Op::ProbeOnce),
        8 => prop_oneof![0..10u64, 10..2000u64, 2000..40_000u64].prop_map(Op::Time),
        1 => any::<bool>().prop_map(Op::Link),
        1 => any::<bool>().prop_map(Op::Carrier),
        1 => any::<bool>().prop_map(Op::Noarp),
        1 => any::<bool>().prop_map(Op::Lladdr),
        1 => any::<bool>().prop_map(Op::Address),
        1 => Just(Op::Flush),
        2 => knob.prop_map(|(name, value)| Op::Set(name, value)),
    ]
}

/// A world, and what was seen of it so far.
struct Run {
    world: World,
    family: Family,
    reader: Reader,
    held: Vec<(IpAddr, NeighbourRef)>,
    /// The entries as the events tell of them, and the last state of each.
    told: BTreeMap<(Family, IpAddr), S>,
    attempts: u64,
    refused: u64,
    left: u64,
    unreachable: u64,
    /// Requests that may have made an entry exempt by a state that it never got (CRE-1, UPD-4), or that
    /// time takes from it since other bits are set as well: its place in the list is not looked at then.
    born_exempt: usize,
    /// What happened, for comparing two runs.
    log: Vec<String>,
}

impl Run {
    fn new(family: Family, seed: u64) -> Self {
        let knobs = [
            ("gc_thresh1", "6"),
            ("gc_thresh2", "10"),
            ("gc_thresh3", "16"),
            ("ipv6/conf/router_solicitations", "0"),
        ];
        let knobs: Vec<_> = crate::common::KNOBS.iter().chain(&knobs).copied().collect();
        let device = match family {
            // Without IPv6 no packets but those of the sequence leave, so that they can be counted.
            Family::Inet => Device::ethernet("eth0", MAC).link_local(false).address(prefix("192.0.2.1/24")),
            Family::Inet6 => ethernet("eth0", 1),
        };
        let config = Config { max_queued_bytes: 12 * 832, ..Config::default().seed(seed) };
        let mut world = World::build(config, &knobs, device);
        let reader = world.engine().reader();
        let mut told = BTreeMap::new();
        for family in Family::BOTH {
            told.extend(world.hosts[0].engine.neighbours(family).map(|n| ((family, n.address), n.state)));
        }
        let (held, log) = (Vec::new(), Vec::new());
        Self {
            world,
            family,
            reader,
            held,
            told,
            attempts: 0,
            refused: 0,
            left: 0,
            unreachable: 0,
            born_exempt: 0,
            log,
        }
    }

    fn peer(&self, n: u32) -> IpAddr {
        nth(self.family, 20 + n)
    }

    fn frame(&mut self, frame: &[u8]) {
        let result = self.world.frame(frame);
        self.log.push(format!("{result:?}"));
    }

    fn apply(&mut self, op: &Op) {
        let (now, dev, family) = (self.world.now, self.world.dev(), self.family);
        let mac = |other: bool| if other { OTHER_MAC } else { PEER_MAC };
        match *op {
            Op::Send { peer, len } => {
                let mut packet = frames::packet(own(family), self.peer(peer), 1);
                packet.resize(len.max(packet.len()), 1);
                self.send(self.peer(peer), packet);
            }
            Op::SendGroup(n) => {
                let group = match family {
                    Family::Inet => IpAddr::from([224, 0, 1, n]),
                    Family::Inet6 => crate::common::ip(&format!("ff02::1:{n:x}")),
                };
                self.send(group, frames::packet(own(family), group, 1));
            }
            Op::Answer { peer, other } => self.frame(&frames::answer(self.peer(peer), mac(other))),
            Op::Hint { peer, other } => self.frame(&frames::hint(self.peer(peer), mac(other))),
            Op::Request { peer, other } => self.frame(&self.request(peer, mac(other))),
            Op::Advert { peer, flags, lladdr } => {
                let na = frames::na(nth(Family::Inet6, 20 + peer), lladdr.map(mac));
                let (router, solicited, overrides) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
                self.frame(&Na { router, solicited, overrides, ..na }.frame());
            }
            Op::Solicit { peer, multicast, lladdr } => {
                let own = frames::v6(own(Family::Inet6));
                let to = if multicast { neighbour_wire::ipv6::solicited_node(&own) } else { own };
                let source = frames::v6(nth(Family::Inet6, 20 + peer));
                self.frame(&frames::ns(source, to, own, lladdr.then_some(PEER_MAC), None));
            }
            Op::Spoilt { peer, at, to, keep } => {
                let mut frame = self.request(peer, PEER_MAC);
                let at = at % frame.len();
                frame[at] = to;
                frame.truncate(keep.max(1));
                self.frame(&frame);
            }
            Op::Noise(ref bytes) => self.frame(bytes),
            Op::Admin { peer, state, lladdr, flags, replace } => {
                let request = self.world.request(self.peer(peer), lladdr.map(mac), S(state));
                let flags = Flags::from_bits_retain(flags);
                let asks = flags.intersects(Flags::USE | Flags::MANAGED);
                let permanent = S(state).has(S::PERMANENT);
                self.born_exempt += usize::from(permanent && (asks || S(state) != S::PERMANENT));
                let result = self.world.admin(NewNeigh { flags, replace, ..request });
                self.log.push(format!("{result:?}"));
            }
            Op::Delete(peer) => {
                let result = self.world.delete(self.peer(peer));
                self.log.push(format!("{result:?}"));
            }
            Op::Hold(peer) => {
                let address = self.peer(peer);
                if let Ok(held) = self.world.engine().hold(now, dev, address) {
                    self.held.push((address, held));
                }
            }
            Op::Release(n) => {
                if !self.held.is_empty() {
                    let n = n % self.held.len();
                    self.held.swap_remove(n);
                }
            }
            Op::Confirm(peer) => _ = self.world.engine().confirm(now, dev, nth(family, 20 + peer)),
            Op::ProbeOnce(peer) => _ = self.world.engine().probe_once(now, dev, nth(family, 20 + peer)),
            Op::Time(millis) => self.world.run_for(ms(millis)),
            Op::Link(up) => self.world.engine().set_link(now, dev, up),
            Op::Carrier(on) => self.world.engine().set_carrier(now, dev, on),
            Op::Noarp(on) => self.world.engine().set_noarp(now, dev, on),
            Op::Lladdr(other) => {
                let mac = LlAddr::from(if other { [2, 0, 0, 0, 0, 0x77] } else { MAC });
                self.world.engine().set_lladdr(now, dev, mac).expect("a right address");
            }
            Op::Address(add) => {
                let address = if family == Family::Inet { "192.0.2.9/24" } else { "2001:db8::9/64" };
                let (address, options) = (prefix(address), AddressOptions::default());
                let _ = match add {
                    true => self.world.engine().add_address(now, dev, address, options),
                    false => self.world.engine().remove_address(now, dev, address.address()),
                };
            }
            Op::Flush => self.world.engine().flush(now, family, Some(dev)),
            Op::Set(name, value) => self.world.set(name, &value.to_string()),
        }
        self.world.settle();
        // References that were dropped are taken note of at the next call.
        let now = self.world.now;
        self.world.engine().handle_timeout(now);
        self.world.settle();
        self.take_in();
    }

    fn send(&mut self, to: IpAddr, packet: Vec<u8>) {
        let (now, dev) = (self.world.now, self.world.dev());
        self.attempts += 1;
        let sent = self.world.engine().send(now, dev, to, packet);
        self.refused += u64::from(matches!(sent, Sent::Refused(_)));
        self.log.push(format!("{sent:?}"));
    }

    /// A request for us of the family's kind.
    fn request(&self, peer: u32, mac: [u8; 6]) -> Vec<u8> {
        match self.family {
            Family::Inet => Arp { ..frames::arp_request(self.peer(peer), mac, own(self.family)) }.frame(),
            Family::Inet6 => frames::ns_multicast(self.peer(peer), mac, own(self.family)),
        }
    }

    /// Follows the events and frames since the last time.
    fn take_in(&mut self) {
        let host = self.world.host();
        for event in host.events.drain(..) {
            self.log.push(format!("{event:?}"));
            match event.kind {
                EventKind::Added { neighbour: n, .. } => {
                    let before = self.told.insert((n.family, n.address), n.state);
                    assert_eq!(before, None, "{} was added twice", n.address);
                }
                EventKind::Changed { neighbour: n, from, .. } => {
                    let before = self.told.insert((n.family, n.address), n.state);
                    assert_eq!(before, Some(from), "{}: changes follow each other", n.address);
                }
                EventKind::Removed { neighbour: n, .. } => {
                    let before = self.told.remove(&(n.family, n.address));
                    assert!(before.is_some(), "{} was not there", n.address);
                }
                EventKind::Unreachable { .. } => self.unreachable += 1,
                EventKind::Lost(n) => panic!("{n} events were lost"),
                EventKind::DestroyAlive { neighbour } => panic!("DST-5: {neighbour:?}"),
                _ => {}
            }
        }
        for (_, _, frame) in host.frames.drain(..) {
            self.log.push(format!("{frame:02x?}"));
            self.left += u64::from(matches!(frames::decode(&frame), Seen::Ip { .. }));
        }
    }

    /// What must hold after every step.
    fn check(&self) {
        for family in Family::BOTH {
            self.check_table(family);
        }
        if self.family == Family::Inet {
            self.check_packets();
        }
    }

    fn check_table(&self, family: Family) {
        let engine = &self.world.hosts[0].engine;
        let entries: Vec<_> = engine.neighbours(family).collect();
        let exempt = |state: S, flags: Flags| {
            state.has(S::PERMANENT) || flags.intersects(Flags::EXT_LEARNED | Flags::EXT_VALIDATED)
        };
        let counted = entries.iter().filter(|n| !exempt(n.state, n.flags)).count();
        let least = counted.saturating_sub(self.born_exempt);
        let gc_entries = engine.gc_entries(family) as usize;
        assert!((least..=counted).contains(&gc_entries), "{family:?}: {gc_entries} of {counted} (GC-16)");
        let stats = engine.stats(family);
        assert_eq!(stats.entries, stats.allocs - stats.destroys, "{family:?}: CRE-7, DST-5");
        let dead = self.held.iter().filter(|(a, h)| Family::of(*a) == family && h.is_dead()).count();
        let (live, all) = (entries.len(), stats.entries as usize);
        assert!((live..=live + dead).contains(&all), "{family:?}: {all} entries, {live} live, {dead} dead");
        let told: Vec<_> = self.told.iter().filter(|((f, _), _)| *f == family).collect();
        assert_eq!(told.len(), live, "{family:?}: events tell of every entry");
        for n in &entries {
            assert_eq!(self.told.get(&(family, n.address)), Some(&n.state), "{}: events", n.address);
            // Holders and the timer.
            let holders = self.held.iter().filter(|(a, h)| *a == n.address && !h.is_dead()).count() as u32;
            let armed = n.refcnt.checked_sub(holders).expect("each holder is counted (DM-4)");
            assert!(armed <= 1, "{}: one timer at most", n.address);
            if n.state.name().is_some() {
                match n.state {
                    S::INCOMPLETE => {} // set by hand it has none (UPD-22)
                    state => assert_eq!(armed == 1, state.is_in_timer(), "{} {state}: timer", n.address),
                }
            }
            assert!(n.queued == 0 || !n.state.is_valid(), "{} {}: a queue", n.address, n.state);
            assert!(n.lladdr.is_none() || n.state.is_valid(), "{} {}: DM-6", n.address, n.state);
            // Readers see the same.
            let hit = self.reader.lookup(n.device, n.address).expect("readers find every entry");
            assert_eq!((hit.state(), hit.lladdr()), (n.state, n.lladdr), "{}: readers", n.address);
        }
    }

    /// Each packet left, waits, or was dropped for a reason that is counted.
    fn check_packets(&self) {
        let drops = |reason| self.world.drops(reason);
        let queued: u64 =
            self.world.hosts[0].engine.neighbours(Family::Inet).map(|n| u64::from(n.queued)).sum();
        assert_eq!(self.unreachable, drops(DropReason::Unreachable), "each unreachable packet is given back");
        let dropped: u64 = [
            DropReason::NeighQueueFull,
            DropReason::QueueTotal,
            DropReason::NeighFlushed,
            DropReason::Unreachable,
        ]
        .into_iter()
        .map(drops)
        .sum();
        let (left, refused) = (self.left, self.refused);
        assert_eq!(
            self.attempts,
            left + queued + refused + dropped,
            "left {left}, queued {queued}, refused {refused}, dropped later {dropped}"
        );
    }
}

/// So many cases, or as many as PROPTEST_CASES says.
fn cases(cases: u32) -> ProptestConfig {
    let config = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(cases),
    };
    ProptestConfig { failure_persistence: None, ..config }
}

fn run(family: Family, seed: u64, ops: &[Op]) -> Run {
    let mut run = Run::new(family, seed);
    run.check();
    for op in ops {
        run.apply(op);
        run.check();
    }
    run
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn arp_keeps_its_invariants(seed in any::<u64>(), ops in vec(any_op(), 1..80)) {
        run(Family::Inet, seed, &ops);
    }

    #[test]
    fn nd_keeps_its_invariants(seed in any::<u64>(), ops in vec(any_op(), 1..80)) {
        run(Family::Inet6, seed, &ops);
    }

    #[test]
    fn in_the_end_all_is_given_back(seed in any::<u64>(), ops in vec(any_op(), 1..60)) {
        let mut run = run(Family::Inet, seed, &ops);
        run.held.clear();
        run.apply(&Op::Flush);
        run.check();
        let stats = run.world.stats(Family::Inet);
        prop_assert_eq!((stats.entries, run.world.engine().gc_entries(Family::Inet)), (0, 0));
        // And it works as on the first day.
        for op in [Op::Link(true), Op::Noarp(false), Op::Lladdr(false), Op::Set("neigh/mcast_solicit", 3)] {
            run.apply(&op);
        }
        run.apply(&Op::Set("neigh/base_reachable_time_ms", 20_000));
        run.apply(&Op::Send { peer: 0, len: 40 });
        run.apply(&Op::Answer { peer: 0, other: false });
        run.check();
        run.world.expect_state(run.peer(0), S::REACHABLE);
    }
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn one_seed_and_one_sequence_give_one_run(seed in any::<u64>(), ops in vec(any_op(), 1..60)) {
        for family in Family::BOTH {
            prop_assert_eq!(run(family, seed, &ops).log, run(family, seed, &ops).log);
        }
    }

    /// Without administrators nothing passes the third threshold (GC-17 is theirs).
    #[test]
    fn frames_and_packets_never_pass_the_third_threshold(seed in any::<u64>(), ops in vec(any_op(), 1..150)) {
        for family in Family::BOTH {
            let mut run = Run::new(family, seed);
            for op in ops.iter().filter(|op| !matches!(op, Op::Admin { .. })) {
                run.apply(op);
                prop_assert!(run.world.engine().gc_entries(family) <= 16);
            }
        }
    }
}
