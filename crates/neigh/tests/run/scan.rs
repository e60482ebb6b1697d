//! A scan of a whole prefix passes through a router on real links: our daemon under both profiles, and the kernel. Behind
//! it are hosts of the kernel, some of which had talked before, and some with whom somebody begins to talk meanwhile.

use crate::world::{Daemon, eventually, in_namespace, ip, neigh, works};
use neighbour_link::{Link, Packet, PacketOptions, Time};
use neighbour_wire::echo::Echo;
use neighbour_wire::ethernet::{Frame, emit_header, ethertype};
use neighbour_wire::{LlAddr, arp, icmpv4, icmpv6, ndisc};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// All of the outside: the scanner, and those who talk to hosts.
const OUTSIDE: [u8; 6] = [2, 0, 0, 0, 0x0f, 1];
/// The router's end of the outside link.
const ROUTER: [u8; 6] = [2, 0, 0, 0, 0x0f, 2];
/// Hosts that had talked before, and those that nobody had talked to.
const KNOWN: u16 = 10;
const NEW: u16 = 20;
/// Each known host is asked so often, and each new one until it answers.
const ECHO_EVERY: Duration = Duration::from_millis(20);
const TRY_EVERY: Duration = Duration::from_millis(250);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Router {
    Linux,
    Guarded,
    Kernel,
}

/// Addresses of a family. Outside is 10.1/16 and 2001:db8:1::/48; the hosts' prefix is 10.2/16 and 2001:db8:2::/64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Family {
    V4,
    V6,
}

impl Family {
    /// The `n`-th of those outside; the scanner is in a prefix of its own (`scanner`).
    fn outside(self, n: u16, scanner: bool) -> IpAddr {
        let [high, low] = n.to_be_bytes();
        match self {
            Self::V4 => Ipv4Addr::new(10, 1, if scanner { 66 } else { high }, low).into(),
            Self::V6 => Ipv6Addr::new(0x2001, 0xdb8, 1, if scanner { 66 } else { 0 }, 0, 0, 0, n).into(),
        }
    }

    fn host(self, n: u16) -> IpAddr {
        let [high, low] = n.to_be_bytes();
        match self {
            Self::V4 => Ipv4Addr::new(10, 2, high, low).into(),
            Self::V6 => Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, n).into(),
        }
    }

    /// An address of the hosts' prefix that nobody has.
    fn nobody(self, n: u64) -> IpAddr {
        let n = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        match self {
            Self::V4 => Ipv4Addr::new(10, 2, 128 | (n >> 56) as u8, (n >> 48) as u8).into(),
            Self::V6 => {
                let IpAddr::V6(prefix) = self.host(0) else { unreachable!("a host of IPv6") };
                Ipv6Addr::from_bits(prefix.to_bits() | u128::from(n | 1 << 63)).into()
            }
        }
    }
}

/// An echo request from outside, or an answer to one.
fn echo(source: IpAddr, destination: IpAddr, identifier: u16) -> Vec<u8> {
    let mut frame = Vec::new();
    let echo = Echo { reply: false, id: identifier, seq: 1, payload: &[0; 8] };
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            emit_header(&mut frame, ROUTER, OUTSIDE, ethertype::IPV4);
            icmpv4::emit_echo(&mut frame, source, destination, 64, &echo);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            emit_header(&mut frame, ROUTER, OUTSIDE, ethertype::IPV6);
            icmpv6::emit_echo(&mut frame, source, destination, 64, &echo);
        }
        _ => unreachable!("of one family"),
    }
    frame
}

/// What a frame from the router is to those outside.
enum Heard {
    /// It asks who has an address: the frame to answer with.
    Asked(Vec<u8>),
    /// A host's answer to the echo with this identifier.
    Answered(u16),
}

fn hear(frame: &[u8]) -> Option<Heard> {
    let Frame { source, ethertype, payload, .. } = Frame::parse(frame).ok()?;
    let mut out = Vec::new();
    match ethertype {
        ethertype::ARP => {
            let asked = arp::Repr::parse(&arp::Packet::parse(payload).ok()?).ok()?;
            // Who checks his own address is left in peace.
            if asked.op != arp::op::REQUEST || asked.sender_ip.is_unspecified() {
                return None;
            }
            emit_header(&mut out, source, OUTSIDE, ethertype::ARP);
            let reply = arp::Repr {
                op: arp::op::REPLY,
                sender_hw: LlAddr::from(OUTSIDE),
                sender_ip: asked.target_ip,
                target_hw: asked.sender_hw,
                target_ip: asked.sender_ip,
                ..asked
            };
            reply.emit(&mut out);
            Some(Heard::Asked(out))
        }
        ethertype::IPV4 => {
            let icmp = payload.get(20..)?;
            (payload.get(9) == Some(&1) && icmp.first() == Some(&0))
                .then(|| Heard::Answered(u16::from_be_bytes([icmp[4], icmp[5]])))
        }
        ethertype::IPV6 => {
            let icmp = payload.get(40..).filter(|_| payload.get(6) == Some(&58))?;
            match icmp.first()? {
                129 => Some(Heard::Answered(u16::from_be_bytes([*icmp.get(4)?, *icmp.get(5)?]))),
                135 => {
                    let target = ndisc::Solicit::parse(icmp)?.target;
                    let asker: &[u8; 16] = payload.get(8..24)?.first_chunk()?;
                    if *asker == [0; 16] {
                        return None;
                    }
                    emit_header(&mut out, source, OUTSIDE, ethertype::IPV6);
                    let header =
                        ndisc::Header { source: target, destination: (*asker).into(), traffic_class: 0 };
                    let lladdr = LlAddr::from(OUTSIDE);
                    ndisc::emit_advert(&mut out, &header, false, true, true, target, Some(&lladdr), 0);
                    Some(Heard::Asked(out))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The network of the hosts: the kernel's, in a namespace of its own.
struct Hosts(Child);

impl Hosts {
    /// With these hosts' addresses on the far end of the router's inner link, `r1`.
    fn new(family: Family) -> Self {
        let holder = Command::new("unshare").args(["--net", "sleep", "600"]).stdout(Stdio::null()).spawn();
        let hosts = Self(holder.expect("these tests need `unshare` (util-linux)"));
        let own = std::fs::read_link("/proc/self/ns/net").expect("our own namespace");
        eventually(|| match std::fs::read_link(hosts.net()) {
            Ok(other) if other != own => Ok(()),
            other => Err(format!("still in our namespace: {other:?}")),
        });
        ip("link add up0 type veth peer name r0");
        ip("link add r1 type veth peer name net0");
        ip(&format!("link set r0 address {}", LlAddr::from(ROUTER)));
        for end in ["up0", "r0", "r1"] {
            std::fs::write(format!("/proc/sys/net/ipv6/conf/{end}/disable_ipv6"), "1").expect("ours");
            ip(&format!("link set {end} up"));
        }
        ip(&format!("link set net0 netns {}", hosts.0.id()));
        hosts.does("ip link set net0 up");
        match family {
            Family::V4 => {
                (1..=KNOWN + NEW)
                    .for_each(|n| hosts.does(&format!("ip address add {}/16 dev net0", family.host(n + 1))));
                hosts.does("ip route add default via 10.2.0.1");
            }
            Family::V6 => {
                (1..=KNOWN + NEW).for_each(|n| {
                    hosts.does(&format!("ip address add {}/64 dev net0 nodad", family.host(n + 1)))
                });
                hosts.does("ip route add default via 2001:db8:2::1");
            }
        }
        hosts
    }

    fn net(&self) -> String {
        format!("/proc/{}/ns/net", self.0.id())
    }

    fn does(&self, words: &str) {
        works("nsenter", &format!("--net={} {words}", self.net()));
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
        ip("link delete up0");
        // The other cable ends with the hosts' namespace, which may take a moment.
        let _gone = Command::new("ip").args(["link", "delete", "r1"]).stderr(Stdio::null()).status();
    }
}

/// What a scan did.
#[derive(Debug)]
struct Outcome {
    scanned: u64,
    took: Duration,
    asked: u64,
    answered: u64,
    /// How long each new host took to answer; none: never.
    new: Vec<Option<Duration>>,
}

impl Outcome {
    fn tell(&self, router: Router, family: Family, stat: &str) {
        let rate = self.scanned as f64 / self.took.as_secs_f64() / 1e3;
        let lost = 100.0 * (self.asked - self.answered) as f64 / self.asked as f64;
        let found = self.new.iter().flatten().count();
        let slowest = self.new.iter().flatten().max().copied().unwrap_or_default();
        println!(
            "{family:?} {router:?}: {rate:.0} k scanned addresses a second; known hosts lost {lost:.1} % of {} echoes; \
             {found} of {} new hosts were found, the slowest after {slowest:?}{stat}",
            self.asked,
            self.new.len()
        );
    }
}

/// Everything outside, on one link.
struct Outside {
    link: Packet,
    family: Family,
    /// The echoes that wait: whose, and since when.
    answers: BTreeMap<u16, u64>,
}

impl Outside {
    fn new(family: Family) -> Self {
        let options = PacketOptions { mac: Some(OUTSIDE), ..PacketOptions::default() };
        let link = Packet::open("up0", options).expect("a packet socket in our own namespace");
        Self { link, family, answers: BTreeMap::new() }
    }

    fn send(&mut self, frame: &[u8]) {
        // A full queue loses a frame, as a real one would.
        let _full = self.link.transmit(Time::ZERO, frame);
    }

    fn turn(&mut self) {
        let _full = self.link.flush();
        let mut buffer = Vec::new();
        while self.link.receive(Time::ZERO, &mut buffer).expect("the link is there") {
            match hear(&buffer) {
                Some(Heard::Asked(answer)) => self.send(&answer),
                Some(Heard::Answered(n)) => *self.answers.entry(n).or_default() += 1,
                None => {}
            }
        }
        let _full = self.link.flush();
    }

    /// The `n`-th of the outside asks the `n`-th host.
    fn ask(&mut self, n: u16) {
        // New hosts are sought by people of another prefix than the scanner's.
        let (source, destination) = (self.family.outside(256 + n, false), self.family.host(n + 1));
        self.send(&echo(source, destination, n));
    }

    fn answered(&self, n: u16) -> u64 {
        self.answers.get(&n).copied().unwrap_or_default()
    }

    /// Talks with the known hosts until all answer.
    fn meet(&mut self) {
        let end = Instant::now() + Duration::from_secs(15);
        while (1..=KNOWN).any(|n| self.answered(n) == 0) {
            assert!(Instant::now() < end, "hosts do not answer: {:?}", self.answers);
            (1..=KNOWN).for_each(|n| self.ask(n));
            let pause = Instant::now() + Duration::from_millis(50);
            while Instant::now() < pause {
                self.turn();
            }
        }
        self.answers.clear();
    }

    /// Scans for so long, at this rate or as fast as it goes, while known hosts are talked to and new ones looked for.
    fn scan(&mut self, time: Duration, rate: Option<u32>) -> Outcome {
        let start = Instant::now();
        let (mut scanned, mut asked) = (0_u64, 0_u64);
        let mut new: Vec<Option<Duration>> = vec![None; usize::from(NEW)];
        let mut began: Vec<Option<(Instant, Instant)>> = vec![None; usize::from(NEW)];
        let scanner = self.family.outside(1, true);
        let mut next_echo = start;
        loop {
            let now = Instant::now();
            let passed = now - start;
            let over = passed >= time;
            if passed >= time + Duration::from_secs(1) {
                break;
            }
            let due = match rate {
                Some(rate) => (passed.as_secs_f64() * f64::from(rate)) as u64,
                None => scanned + 64,
            };
            while !over && scanned < due {
                let frame = echo(scanner, self.family.nobody(scanned), 0xffff);
                self.send(&frame);
                scanned += 1;
                if scanned.is_multiple_of(64) {
                    break;
                }
            }
            if !over && now >= next_echo {
                next_echo += ECHO_EVERY;
                (1..=KNOWN).for_each(|n| self.ask(n));
                asked += u64::from(KNOWN);
            }
            for index in 0..usize::from(NEW) {
                let n = KNOWN + 1 + index as u16;
                // One after another, in the first half.
                let begins = start + time / 2 * index as u32 / u32::from(NEW);
                let answered = self.answered(n) > 0;
                match &mut began[index] {
                    Some((since, _)) if answered && new[index].is_none() => new[index] = Some(now - *since),
                    Some(_) if answered || over => {}
                    Some((_, last)) if now >= *last + TRY_EVERY => {
                        *last = now;
                        self.ask(n);
                    }
                    None if now >= begins && !over => {
                        began[index] = Some((now, now));
                        self.ask(n);
                    }
                    _ => {}
                }
            }
            self.turn();
        }
        let answered = (1..=KNOWN).map(|n| self.answered(n)).sum();
        Outcome { scanned, took: time, asked, answered, new }
    }
}

/// A scan through a router; `judge` sees what came of it, and the daemon.
fn through(
    router: Router,
    family: Family,
    time: Duration,
    rate: Option<u32>,
    judge: impl Fn(&Outcome, Option<&Daemon>),
) {
    let _hosts = Hosts::new(family);
    let (outer, inner) = match family {
        Family::V4 => ("10.1.0.1/16", "10.2.0.1/16"),
        Family::V6 => ("2001:db8:1::1/48", "2001:db8:2::1/64"),
    };
    let daemon = match router {
        Router::Kernel => {
            for end in ["r0", "r1"] {
                std::fs::write(format!("/proc/sys/net/ipv6/conf/{end}/disable_ipv6"), "0").expect("ours");
            }
            let nodad = if family == Family::V6 { "nodad" } else { "" };
            ip(&format!("address add {outer} dev r0 {nodad}"));
            ip(&format!("address add {inner} dev r1 {nodad}"));
            for file in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
                std::fs::write(format!("/proc/sys/net/{file}"), "1").expect("ours");
            }
            None
        }
        Router::Linux | Router::Guarded => {
            let profile = if router == Router::Linux { "linux" } else { "guarded" };
            // By another seed the scanner and those who seek new hosts may have one mark, and so one share: 1 in 255.
            Some(Daemon::start(&format!(
                "--port packet:r0 --port packet:r1 --address {outer}@r0 --address {inner}@r1 --upper none --seed 1 \
                 --set conf/forwarding=1 --set conf/acd=0 --set conf/accept_dad=0 --profile {profile}"
            )))
        }
    };
    let mut outside = Outside::new(family);
    outside.meet();
    let outcome = outside.scan(time, rate);
    judge(&outcome, daemon.as_ref());
    if let Some(mut daemon) = daemon {
        assert_eq!(daemon.end("TERM"), Some(0));
    }
}

fn stat(daemon: &Daemon) -> serde_json::Value {
    let output = neigh(&format!("-j --socket {} stat", daemon.socket.display()));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// RFC 6583: a scan must not take the room of those who are there. At a rate that a debug build can take.
#[test]
fn under_guarded_a_scan_through_us_costs_nobody_his_entry_and_newcomers_are_found() {
    in_namespace(
        "scan::under_guarded_a_scan_through_us_costs_nobody_his_entry_and_newcomers_are_found",
        || {
            for family in [Family::V4, Family::V6] {
                let time = Duration::from_secs(3);
                through(Router::Guarded, family, time, Some(10_000), |outcome, daemon| {
                    let daemon = daemon.expect("ours");
                    let stat = stat(daemon);
                    outcome.tell(Router::Guarded, family, "");
                    for n in 1..=KNOWN {
                        let entry = daemon.show(&format!("to {}", family.host(n + 1)));
                        assert!(entry.contains("lladdr"), "{entry}");
                    }
                    assert!(outcome.new.iter().all(Option::is_some), "{outcome:?}\n{stat}");
                    // A lost echo is one that a full ring lost, on a busy machine; the table lost none.
                    let lost = outcome.asked - outcome.answered;
                    let rings = stat["link_lost"].as_u64().unwrap_or_default();
                    assert!(lost == 0 || rings > 0, "{outcome:?}\n{stat}");
                    let told = daemon.log();
                    assert!(told.contains("seeks more addresses than it has places for"), "{told}");
                });
            }
        },
    );
}

/// `cargo test --release -p neigh --test run -- --ignored --nocapture a_scan_as_fast_as_it_goes`
#[test]
#[ignore = "a measurement"]
fn a_scan_as_fast_as_it_goes_through_the_kernel_and_us() {
    in_namespace("scan::a_scan_as_fast_as_it_goes_through_the_kernel_and_us", || {
        for family in [Family::V4, Family::V6] {
            // The kernel last: its table is one for all namespaces, and the hosts need it, too.
            for router in [Router::Guarded, Router::Linux, Router::Kernel] {
                through(router, family, Duration::from_secs(10), None, |outcome, daemon| {
                    let rings = daemon.map(|daemon| stat(daemon)["link_lost"].as_u64().unwrap_or_default());
                    let text = rings.map(|lost| format!("; full rings lost {lost} frames"));
                    outcome.tell(router, family, &text.unwrap_or_default());
                });
            }
        }
    });
}
