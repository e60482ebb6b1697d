//! What is told of frames, on simulated time.

use super::*;
use neighbour_wire::arp::{self, op};
use neighbour_wire::ethernet::{emit_header, ethertype};
use neighbour_wire::ipv6::solicited_node;
use neighbour_wire::ndisc::{
    self, Header, PrefixInfo, RedirectRepr, RouterAdvertRepr, emit_advert, emit_solicit,
};

const A: Mac = [2, 0, 0, 0, 0, 0xa];
const B: Mac = [2, 0, 0, 0, 0, 0xb];
const ALL: Mac = [0xff; 6];
const ETH0: Link<'static> = Link { number: 3, name: Some("eth0") };

/// A watcher and a clock.
struct World {
    watcher: Watcher,
    now: Duration,
}

impl World {
    fn new(limits: Limits) -> Self {
        Self { watcher: Watcher::new(limits), now: Duration::from_secs(1_700_000_000) }
    }

    fn wait(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    /// Everything that is told of a frame, a moment later.
    fn alerts(&mut self, frame: &[u8]) -> Vec<Alert> {
        self.wait(1);
        self.watcher.handle_frame(self.now, ETH0, frame);
        std::iter::from_fn(|| self.watcher.poll_alert()).map(|told| told.alert).collect()
    }

    /// Its words.
    fn words(&mut self, frame: &[u8]) -> Vec<String> {
        self.alerts(frame).into_iter().map(|alert| alert.what).collect()
    }

    /// Its only sentence.
    #[track_caller]
    fn sentence(&mut self, frame: &[u8]) -> String {
        let alerts = self.alerts(frame);
        let [alert] = &alerts[..] else { panic!("{alerts:?}") };
        format!("{}: {}", alert.what, alert.sentence)
    }
}

fn world() -> World {
    World::new(Limits::default())
}

fn v6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn eth(to: Mac, from: Mac, kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    emit_header(&mut frame, to, from, kind);
    frame.extend_from_slice(payload);
    frame
}

/// An ARP packet in a frame from the same address.
fn arp(operation: u16, sender: &str, lladdr: Mac, target: &str) -> Vec<u8> {
    let repr = arp::Repr {
        hardware_type: 1,
        op: operation,
        sender_hw: lladdr.into(),
        sender_ip: sender.parse().unwrap(),
        target_hw: [0; 6].into(),
        target_ip: target.parse().unwrap(),
    };
    let mut payload = Vec::new();
    repr.emit(&mut payload);
    eth(ALL, lladdr, ethertype::ARP, &payload)
}

fn request(sender: &str, lladdr: Mac, target: &str) -> Vec<u8> {
    arp(op::REQUEST, sender, lladdr, target)
}

fn reply(sender: &str, lladdr: Mac) -> Vec<u8> {
    arp(op::REPLY, sender, lladdr, "192.0.2.99")
}

fn ns(source: &str, from: Mac, target: &str, nonce: Option<[u8; 6]>) -> Vec<u8> {
    let (source, target) = (v6(source), v6(target));
    let header = Header { source, destination: solicited_node(&target), traffic_class: 0 };
    let lladdr = Some(LlAddr::from(from)).filter(|_| !source.is_unspecified());
    let mut packet = Vec::new();
    emit_solicit(&mut packet, &header, target, lladdr.as_ref(), 0, nonce);
    eth([0x33, 0x33, 0xff, 0, 0, 1], from, ethertype::IPV6, &packet)
}

fn na(target: &str, from: Mac, lladdr: Option<Mac>) -> Vec<u8> {
    let target = v6(target);
    let header = Header { source: target, destination: v6("2001:db8::99"), traffic_class: 0 };
    let mut packet = Vec::new();
    let lladdr = lladdr.map(LlAddr::from);
    emit_advert(&mut packet, &header, false, true, true, target, lladdr.as_ref(), 0);
    eth([2, 0, 0, 0, 0, 0x99], from, ethertype::IPV6, &packet)
}

fn ra(source: &str, from: Mac, lifetime_s: u16, prefixes: &[PrefixInfo]) -> Vec<u8> {
    let header = Header { source: v6(source), destination: v6("ff02::1"), traffic_class: 0 };
    let source_lladdr = Some(from.into());
    let repr = RouterAdvertRepr { lifetime_s, source_lladdr, prefixes, ..RouterAdvertRepr::default() };
    let mut packet = Vec::new();
    ndisc::emit_router_advert(&mut packet, &header, &repr);
    eth([0x33, 0x33, 0, 0, 0, 1], from, ethertype::IPV6, &packet)
}

fn on_link(prefix: &str) -> PrefixInfo {
    PrefixInfo {
        prefix_len: 64,
        on_link: true,
        autonomous: true,
        valid_s: 3600,
        preferred_s: 3600,
        prefix: v6(prefix),
    }
}

#[test]
fn a_station_is_told_of_once_and_then_when_it_moves() {
    let mut world = world();
    assert_eq!(
        world.sentence(&request("192.0.2.1", A, "192.0.2.9")),
        "new station: 192.0.2.1 dev eth0: at 02:00:00:00:00:0a"
    );
    assert_eq!(world.words(&reply("192.0.2.1", A)), [""; 0]);
    world.wait(5000);
    assert_eq!(
        world.sentence(&reply("192.0.2.1", B)),
        "changed ethernet address: 192.0.2.1 dev eth0: moved from 02:00:00:00:00:0a to 02:00:00:00:00:0b"
    );
    world.wait(5000);
    assert_eq!(
        world.sentence(&reply("192.0.2.1", A)),
        "flip flop: 192.0.2.1 dev eth0: flip flop between 02:00:00:00:00:0b and 02:00:00:00:00:0a"
    );
    world.wait(5000);
    assert_eq!(world.words(&reply("192.0.2.1", [2, 0, 0, 0, 0, 0xc])), ["changed ethernet address"]);
    world.wait(5000);
    assert_eq!(world.words(&reply("192.0.2.1", B)), ["reused old ethernet address"]);
}

#[test]
fn the_same_holds_for_ipv6() {
    let mut world = world();
    assert_eq!(world.words(&ns("2001:db8::1", A, "2001:db8::2", None)), ["new station"]);
    assert_eq!(world.words(&na("2001:db8::1", A, Some(A))), [""; 0]);
    let alerts = world.alerts(&na("2001:db8::1", B, Some(B)));
    let told: Vec<_> = alerts.iter().map(|alert| alert.what.as_str()).collect();
    assert_eq!(told, ["changed ethernet address", "duplicate address"], "it answered a moment before");
    assert_eq!((alerts[0].lladdr, alerts[0].other), (Some(B.into()), Some(A.into())));
    assert_eq!((alerts[0].interface, alerts[0].address), (3, Some(v6("2001:db8::1").into())));
}

#[test]
fn an_address_that_two_have_is_told_whoever_was_first() {
    let mut world = world();
    // DAD defended.
    assert_eq!(world.words(&ns("::", B, "2001:db8::1", None)), [""; 0]);
    assert_eq!(world.words(&na("2001:db8::1", A, Some(A))), ["duplicate address", "new station"]);
    // An ARP probe defended.
    assert_eq!(world.words(&request("0.0.0.0", B, "192.0.2.1")), [""; 0]);
    assert_eq!(world.words(&reply("192.0.2.1", A)), ["duplicate address", "new station"]);
    // Two at once.
    assert_eq!(world.words(&ns("::", A, "2001:db8::2", Some([1; 6]))), [""; 0]);
    assert_eq!(world.words(&ns("::", B, "2001:db8::2", Some([1; 6]))), [""; 0], "a loop: the same nonce");
    assert_eq!(world.words(&ns("::", A, "2001:db8::2", Some([2; 6]))), ["duplicate address"]);
    // Nobody objects, and it has the address.
    assert_eq!(world.words(&ns("::", A, "2001:db8::3", None)), [""; 0]);
    assert_eq!(world.words(&na("2001:db8::3", A, Some(A))), ["new station"]);
    // Too late to be an objection.
    assert_eq!(world.words(&ns("::", A, "2001:db8::4", None)), [""; 0]);
    world.wait(3001);
    assert_eq!(world.words(&na("2001:db8::4", B, Some(B))), ["new station"]);
}

#[test]
fn who_speaks_for_another_address_than_the_frames_is_told() {
    let mut world = world();
    let mut frame = reply("192.0.2.1", A);
    frame[6..12].copy_from_slice(&B);
    let alerts = world.alerts(&frame);
    assert_eq!(alerts[0].what, "ethernet mismatch");
    assert_eq!((alerts[0].lladdr, alerts[0].other), (Some(A.into()), Some(B.into())));
    assert_eq!(world.words(&na("2001:db8::1", B, Some(A))), ["ethernet mismatch", "new station"]);
}

#[test]
fn addresses_that_no_station_can_have_are_told_and_not_remembered() {
    let prefixes = vec!["192.0.2.0/24".parse().unwrap()];
    let mut world = World::new(Limits { prefixes, ..Limits::default() });
    for sender in ["255.255.255.255", "224.0.0.1", "127.0.0.1", "192.0.2.255"] {
        assert_eq!(world.words(&reply(sender, A)), ["ip broadcast"], "{sender}");
    }
    for lladdr in [[0xff; 6], [1, 0, 0x5e, 0, 0, 1], [0; 6]] {
        let mut frame = reply("192.0.2.7", lladdr);
        frame[6..12].copy_from_slice(&A);
        assert_eq!(world.words(&frame), ["ethernet broadcast"], "{lladdr:x?}");
    }
    assert_eq!(world.words(&reply("198.51.100.7", A)), ["bogon"]);
    assert_eq!(world.words(&reply("169.254.7.7", A)), ["new station"]);
    assert_eq!(world.words(&na("2001:db8:5::1", A, Some(A))), ["new station"], "nobody said a prefix");
    let router = ra("fe80::1", A, 1800, &[on_link("2001:db8::")]);
    assert_eq!(world.words(&router), ["new router", "new station"]);
    assert_eq!(world.words(&na("2001:db8:6::1", A, Some(A))), ["bogon"]);
    assert_eq!(world.watcher.summary().stations, 3);
}

#[test]
fn routers_come_and_go_and_redirects_are_told() {
    let mut world = world();
    assert_eq!(world.words(&ra("fe80::1", A, 1800, &[])), ["new router", "new station"]);
    assert_eq!(world.words(&ra("fe80::1", A, 1800, &[])), [""; 0]);
    assert_eq!(
        world.sentence(&ra("fe80::1", A, 0, &[])),
        "router withdrawn: fe80::1 dev eth0: says to be no default router any more, at 02:00:00:00:00:0a"
    );
    assert_eq!(world.words(&ra("fe80::1", A, 0, &[])), [""; 0], "it was said");
    assert_eq!(world.words(&ra("2001:db8::1", A, 1800, &[])), [""; 0], "no host believes that");
    let redirect = RedirectRepr {
        target: v6("fe80::2"),
        destination: v6("2001:db8:9::1"),
        target_lladdr: Some(B.into()),
        pad: 0,
        redirected: &[],
    };
    let header = Header { source: v6("fe80::1"), destination: v6("2001:db8::9"), traffic_class: 0 };
    let mut packet = Vec::new();
    ndisc::emit_redirect(&mut packet, &header, &redirect);
    let alerts = world.alerts(&eth(ALL, A, ethertype::IPV6, &packet));
    assert_eq!(
        alerts[0].sentence,
        "2001:db8:9::1 dev eth0: fe80::1 (02:00:00:00:00:0a) says to go there by fe80::2"
    );
    assert_eq!(alerts[1].what, "new station");
}

#[test]
fn nothing_hides_behind_tags_llc_or_extension_headers_vu_855201() {
    let arp = reply("192.0.2.1", A);
    let with = |between: &[u8]| [&arp[..12], between, &arp[14..]].concat();
    let snap = |length: u16| [&length.to_be_bytes()[..], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 6]].concat();
    let vlan_0 = [0x81, 0, 0, 0];
    for (between, hidden, dev) in [
        ([&vlan_0[..], &[8, 6]].concat(), false, "eth0"),
        ([&[0x81, 0, 0, 5][..], &[8, 6]].concat(), false, "eth0.5"),
        ([&[0x88, 0xa8, 0, 7, 0x81, 0, 0, 5][..], &[8, 6]].concat(), false, "eth0.7.5"),
        ([&vlan_0[..], &vlan_0, &[0x81, 0, 0, 5, 8, 6]].concat(), true, "eth0.5"),
        (snap(36), true, "eth0"),
        (snap(1200), true, "eth0"),
        ([&vlan_0[..], &snap(7)].concat(), true, "eth0"),
        ([&[0, 31, 0x98, 0x98, 3][..]].concat(), true, "eth0"),
    ] {
        let mut world = world();
        let alerts = world.alerts(&with(&between));
        let told: Vec<_> = alerts.iter().map(|alert| alert.what.as_str()).collect();
        let expected = if hidden { vec!["hidden frame", "new station"] } else { vec!["new station"] };
        assert_eq!(told, expected, "{between:x?}");
        assert!(alerts[0].sentence.contains(&format!("192.0.2.1 dev {dev}: ")), "{}", alerts[0].sentence);
    }
    // Destination options before ND, as `fake_advertise6 -D` has them; then the first of two fragments.
    for (next, header) in [(60_u8, [58_u8, 0, 1, 4, 0, 0, 0, 0]), (44, [58, 0, 0, 1, 0, 0, 0, 1])] {
        let mut frame = na("2001:db8::1", A, Some(A));
        let payload_len = u16::from_be_bytes([frame[18], frame[19]]) + 8;
        frame[18..20].copy_from_slice(&payload_len.to_be_bytes());
        frame[20] = next;
        frame.splice(54..54, header);
        assert_eq!(world().words(&frame), ["hidden frame", "new station"], "{next}");
    }
}

#[test]
fn the_same_address_in_another_vlan_is_another_station() {
    let mut world = world();
    let tagged = |id: u8, lladdr| {
        let arp = reply("192.0.2.1", lladdr);
        [&arp[..12], &[0x81, 0, 0, id], &arp[12..]].concat()
    };
    assert_eq!(world.words(&tagged(5, A)), ["new station"]);
    assert_eq!(world.words(&tagged(6, B)), ["new station"]);
    assert_eq!(world.words(&tagged(5, A)), [""; 0]);
}

#[test]
fn what_no_host_believes_is_counted_and_tells_nothing() {
    let mut world = world();
    let (arp, nd) = (reply("192.0.2.1", A), na("2001:db8::1", A, Some(A)));
    let mut bad = Vec::new();
    bad.extend((14..arp.len()).map(|len| arp[..len].to_vec()));
    for (at, value) in [(15, 2), (16, 9), (18, 7), (19, 3), (21, 3), (21, 4)] {
        bad.push(arp.clone());
        bad.last_mut().unwrap()[at] = value;
    }
    for (at, value) in [(21, 254), (55, 1), (57, 0xaa), (62, 0xff), (79, 0)] {
        bad.push(nd.clone());
        bad.last_mut().unwrap()[at] = value;
    }
    for frame in &bad {
        assert_eq!(world.words(frame), [""; 0], "{frame:x?}");
    }
    let summary = world.watcher.summary();
    assert_eq!((summary.frames, summary.heard, summary.malformed), (bad.len() as u64, 0, bad.len() as u64));
}

/// Options of ICMPv6 messages that a capture cut short were read from behind its end (tcpdump). Whatever was cut, nothing
/// is heard of it.
#[test]
fn cve_2018_14882_cve_2017_13041_messages_that_a_capture_cut_are_not_read_on() {
    let messages = [
        na("2001:db8::1", A, Some(A)),
        ns("2001:db8::1", A, "2001:db8::2", Some([1; 6])),
        ra("fe80::1", A, 1800, &[on_link("2001:db8::")]),
        request("192.0.2.1", A, "192.0.2.9"),
    ];
    for frame in &messages {
        let mut world = world();
        for len in 0..frame.len() {
            assert_eq!(world.words(&frame[..len]), [""; 0], "{len} of {}", frame.len());
        }
        assert!(!world.words(frame).is_empty(), "whole it is heard");
    }
}

#[test]
fn a_scan_and_a_storm_are_told_with_who_makes_them() {
    let limits = Limits { scan: 64, storm: 200, ..Limits::default() };
    let mut world = World::new(limits);
    let mut told = Vec::new();
    for n in 1..=254 {
        told.extend(world.alerts(&request("192.0.2.1", A, &format!("192.0.2.{n}"))));
    }
    let told: Vec<_> = told.iter().filter(|a| a.what != "new station").map(|a| a.sentence.as_str()).collect();
    let scan = "192.0.2.1 dev eth0: 02:00:00:00:00:0a asked for";
    assert_eq!(
        told,
        [
            // Asking for oneself is no question.
            format!("{scan} 64 addresses of 192.0.2.0/25 within 0.1 s"),
            format!("{scan} 128 addresses of 192.0.2.0/24 within 0.1 s"),
            "dev eth0: 200 messages of ARP and ND within a second, most of them from 02:00:00:00:00:0a"
                .to_owned(),
        ]
    );
}

#[test]
fn a_flood_of_stations_is_bounded_in_memory_and_in_lines_and_counted() {
    let mut world = World::new(Limits { stations: 100, ..Limits::default() });
    let mut told = 0;
    for n in 0..20_000_u32 {
        let [_, b, c, d] = n.to_be_bytes();
        let frame = na(&format!("2001:db8::{n:x}"), [2, 0, 0, b, c, d], Some([2, 0, 0, b, c, d]));
        told += world.alerts(&frame).len();
    }
    // Twenty seconds of simulated time.
    assert!((150..250).contains(&told), "{told}");
    let summary = world.watcher.summary();
    assert_eq!((summary.stations, summary.forgotten), (100, 19_900));
    let hushed: u64 = summary.suppressed.iter().map(|(_, count)| count).sum();
    assert!(hushed > 0);
    world.wait(20_000);
    let alerts = world.alerts(&na("2001:db8:1::1", A, Some(A)));
    let (new, full) = (&alerts[0], &alerts[1]);
    assert_eq!((new.what.as_str(), full.what.as_str()), ("new station", "table full"));
    assert!(new.suppressed > 0 && full.suppressed > 0, "{alerts:?}");
    assert!(
        full.sentence.contains("100 stations are known") && full.sentence.contains("19901 were forgotten")
    );
}

#[test]
fn no_bytes_panic_it_and_no_clock_does() {
    let frames = [
        request("192.0.2.1", A, "192.0.2.9"),
        ns("::", B, "2001:db8::1", Some([1; 6])),
        na("2001:db8::1", B, Some(A)),
        ra("fe80::1", A, 1800, &[on_link("2001:db8::")]),
    ];
    let mut world = World::new(Limits { stations: 8, scan: 2, storm: 2, ..Limits::default() });
    // A walk over all bytes and some values, with a clock that jumps about.
    for (n, frame) in frames.iter().enumerate() {
        for at in 0..frame.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut frame = frame.clone();
                frame[at] = value;
                world.now = Duration::from_secs([0, u64::MAX, 5, 1_000_000][(at + n) % 4]);
                world.watcher.handle_frame(world.now, Link { number: 1, name: None }, &frame);
                world.watcher.handle_frame(world.now, Link { number: 1, name: None }, &frame[..at]);
                while world.watcher.poll_alert().is_some() {}
            }
        }
    }
    assert!(world.watcher.summary().stations <= 8);
}

#[test]
fn each_word_stands_in_the_help_and_in_the_docs() {
    let docs = include_str!("../../../../docs/watch.md");
    for what in What::ALL {
        let word = what.word();
        assert!(HELP.lines().any(|line| line.trim_start().starts_with(word)), "{word} is not in the help");
        assert!(docs.contains(&format!("| `{word}` |")), "{word} is not in docs/watch.md");
    }
    let words = |line: &'static str| line.strip_prefix("  ")?.get(..29).map(str::trim_end);
    for word in HELP.lines().filter(|line| line.contains(" d ") || line.contains(" w ")).filter_map(words) {
        assert!(docs.contains(&format!("| `{word}` |")), "{word} is not in docs/watch.md");
    }
}
