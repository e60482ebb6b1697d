//! Frames that no one should send: each is dropped under its own reason, and no entry is made of it. The
//! stateful rows of known vulnerabilities stand here by name.

use std::net::{IpAddr, Ipv6Addr};

use crate::common::frames::{self, ALL_NODES, Arp, Na, eth, mac_of};
use crate::common::{BROADCAST, MAC, OTHER_MAC, PEER_MAC, World, ip, lladdr, nth, own, peer, secs};
use neighbour::{DropReason as Why, Family, Flags, NudState, Sent};
use neighbour_wire::icmpv6::{self, kind};
use neighbour_wire::ipv6::{self, solicited_node};
use neighbour_wire::ndisc::{self, Header, RouterAdvertRepr};

use NudState as S;

const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// The neighbours there are, groups left out.
fn neighbours(world: &World) -> usize {
    let entries = Family::BOTH.into_iter().flat_map(|family| world.hosts[0].engine.neighbours(family));
    entries.filter(|n| !n.address.is_multicast()).count()
}

/// The frame is dropped for this reason, which is counted once, and nothing is learned or said.
#[track_caller]
fn dropped(world: &mut World, frame: &[u8], why: Why, what: &str) {
    let (before, entries) = (world.drops(why), neighbours(world));
    world.forget();
    assert_eq!(world.frame(frame), Err(why), "{what}");
    assert_eq!(world.drops(why), before + 1, "{what}: counted");
    assert_eq!(neighbours(world), entries, "{what}: nobody is learned");
    assert_eq!(world.take_sent(), [], "{what}: no answer");
}

fn v6(text: &str) -> Ipv6Addr {
    frames::v6(ip(text))
}

/// A sender whom nobody knows.
const STRANGER: &str = "fe80::bad";

/// An ICMPv6 message in an IPv6 packet in a frame, checksum right.
fn icmp(source: Ipv6Addr, destination: Ipv6Addr, hop_limit: u8, message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    icmpv6::finish(&mut message, source, destination);
    let mut packet = Vec::new();
    ipv6::emit_header(&mut packet, source, destination, icmpv6::PROTOCOL, hop_limit, 0, message.len());
    packet.extend_from_slice(&message);
    eth(mac_of(destination), IPV6, &packet)
}

/// A solicitation's or advertisement's message for a target, with these options.
fn message(kind: u8, flags: u8, target: Ipv6Addr, options: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, flags, 0, 0, 0];
    message.extend_from_slice(&target.octets());
    message.extend_from_slice(options);
    message
}

/// The option with a source or target address.
fn option(kind: u8, mac: [u8; 6]) -> Vec<u8> {
    [&[kind, 1][..], &mac[..]].concat()
}

/// Messages of all five types that are right but for what a test spoils: name, message, destination.
fn messages() -> Vec<(&'static str, Vec<u8>, Ipv6Addr)> {
    let own = frames::v6(own(Family::Inet6));
    let sllao = option(1, PEER_MAC);
    let router = [&[kind::RS, 0, 0, 0, 0, 0, 0, 0][..], &sllao].concat();
    let advert = [&[kind::RA, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0][..], &sllao].concat();
    let redirect =
        [&message(kind::REDIRECT, 0, v6("fe80::2"), &[])[..], &v6("2001:db8:9::1").octets()].concat();
    vec![
        ("NS", message(kind::NS, 0, own, &sllao), solicited_node(&own)),
        ("NA", message(kind::NA, 0x60, frames::v6(peer(Family::Inet6)), &option(2, PEER_MAC)), own),
        ("RS", router, ALL_NODES),
        ("RA", advert, ALL_NODES),
        ("redirect", redirect, own),
    ]
}

/// RFC row A11.
#[test]
fn arp_cut_at_every_length_is_dropped_cve_2018_16600_cve_2020_11914_arp_24() {
    let mut world = World::new();
    let whole = frames::arp_request(peer(Family::Inet), PEER_MAC, own(Family::Inet)).frame();
    for len in 0..whole.len() {
        let why = if len < 14 { Why::FrameTruncated } else { Why::ArpTruncated };
        dropped(&mut world, &whole[..len], why, &format!("{len} bytes"));
    }
    let padded = [&whole[..], &[0; 18]].concat();
    assert_eq!(world.frame(&padded), Ok(()), "longer is fine");
}

#[test]
fn arp_lengths_that_lie_are_dropped_cve_2016_7923_arp_24() {
    let mut world = World::new();
    let whole = frames::arp_request(peer(Family::Inet), PEER_MAC, own(Family::Inet)).frame();
    for hardware in 0..=u8::MAX {
        for protocol in [0, 3, 4, 5, 16, 255] {
            if (hardware, protocol) == (6, 4) {
                continue;
            }
            let mut frame = whole.clone();
            (frame[18], frame[19]) = (hardware, protocol);
            let need = 8 + 2 * (usize::from(hardware) + usize::from(protocol));
            let why = if need > 28 { Why::ArpTruncated } else { Why::ArpBadLength };
            dropped(&mut world, &frame, why, &format!("hln {hardware} pln {protocol}"));
            // With all the bytes it claims it is no better.
            frame.resize(14 + need.max(28), 0);
            dropped(&mut world, &frame, Why::ArpBadLength, &format!("hln {hardware} pln {protocol}, whole"));
        }
    }
}

/// RFC rows A3, A9.
#[test]
fn arp_of_other_types_and_operations_is_dropped_cve_2019_12262_arp_26_arp_27() {
    let mut world = World::new();
    let known = world.init_neighbour_in_state(Family::Inet, S::STALE);
    let before = world.entry(known);
    let whole = frames::arp_reply(known, OTHER_MAC).frame();
    for op in (0..=30).chain([255, 256, 0xffff]).filter(|op| ![1, 2].contains(op)) {
        let mut frame = whole.clone();
        frame[20..22].copy_from_slice(&u16::to_be_bytes(op));
        dropped(&mut world, &frame, Why::ArpBadOp, &format!("operation {op}"));
    }
    for kind in [0u16, 2, 7, 32, 0xffff] {
        let mut frame = whole.clone();
        frame[14..16].copy_from_slice(&kind.to_be_bytes());
        dropped(&mut world, &frame, Why::ArpBadType, &format!("hardware type {kind}"));
    }
    for protocol in [0u16, 0x0806, 0x86dd] {
        let mut frame = whole.clone();
        frame[16..18].copy_from_slice(&protocol.to_be_bytes());
        dropped(&mut world, &frame, Why::ArpBadType, &format!("protocol type {protocol:#x}"));
    }
    assert_eq!(world.entry(known), before);
}

#[test]
fn arp_for_groups_and_loopback_is_dropped_arp_28() {
    let mut world = World::new();
    for target in ["224.0.0.1", "239.255.255.255", "127.0.0.1", "127.255.255.254"] {
        let frame = frames::arp_request(peer(Family::Inet), PEER_MAC, ip(target)).frame();
        dropped(&mut world, &frame, Why::ArpBadTarget, target);
    }
    world.set("ipv4/conf/eth0/drop_gratuitous_arp", "1");
    let frame = frames::arp_request(peer(Family::Inet), PEER_MAC, peer(Family::Inet)).frame();
    dropped(&mut world, &frame, Why::ArpGratuitous, "gratuitous");
}

#[test]
fn arp_senders_no_neighbour_can_be_are_not_learned_arp_32_arp_49() {
    for sender in ["224.0.0.9", "255.255.255.255", "127.0.0.1", "192.0.2.1", "10.0.0.1"] {
        let mut world = World::new();
        let frame = frames::arp_request(ip(sender), PEER_MAC, own(Family::Inet)).frame();
        let _ = world.frame(&frame);
        assert_eq!(neighbours(&world), 0, "{sender}");
        let reply = frames::arp_reply(ip(sender), PEER_MAC).frame();
        let _ = world.frame(&reply);
        assert_eq!(neighbours(&world), 0, "{sender}");
    }
}

/// Also ARP-38.
#[test]
fn unasked_replies_of_strangers_make_no_entry_arp_39_arp_42() {
    let mut world = World::new();
    for n in 20..200 {
        assert_eq!(world.frame(&frames::arp_reply(nth(Family::Inet, n), PEER_MAC).frame()), Ok(()));
        let gratuitous = frames::arp_request(nth(Family::Inet, n), PEER_MAC, nth(Family::Inet, n));
        assert_eq!(world.frame(&gratuitous.frame()), Ok(()));
    }
    assert_eq!(neighbours(&world), 0);
}

#[test]
fn frames_of_others_llc_and_vlans_are_dropped_vu_855201() {
    let mut world = World::new();
    let arp = frames::arp_request(peer(Family::Inet), PEER_MAC, own(Family::Inet));
    dropped(&mut world, &Arp { to: OTHER_MAC, ..arp }.frame(), Why::OtherHost, "another station");
    let payload = arp.frame()[14..].to_vec();
    for len in [0u16, 8, 36, 46, 1500, 0x5ff] {
        let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 6][..], &payload].concat();
        dropped(&mut world, &eth(BROADCAST, len, &snap), Why::FrameLlc, &format!("length {len}"));
    }
    let tagged = |tags: &[(u16, u16)]| {
        let mut bytes = Vec::new();
        for (n, (tpid, id)) in tags.iter().enumerate() {
            if n > 0 {
                bytes.extend_from_slice(&tpid.to_be_bytes());
            }
            bytes.extend_from_slice(&id.to_be_bytes());
        }
        bytes.extend_from_slice(&ARP.to_be_bytes());
        bytes.extend_from_slice(&payload);
        eth(BROADCAST, tags[0].0, &bytes)
    };
    for tags in [
        vec![(0x8100, 5)],
        vec![(0x8100, 0), (0x8100, 5)],
        vec![(0x88a8, 7), (0x8100, 0)],
        vec![(0x8100, 0x0fff)],
        vec![(0x8100, 0xe001)],
    ] {
        dropped(&mut world, &tagged(&tags), Why::FrameVlan, &format!("{tags:x?}"));
    }
    dropped(&mut world, &tagged(&[(0x8100, 0)])[..16], Why::FrameTruncated, "a tag that ends early");
    dropped(&mut world, &eth(MAC, 0x88cc, &[0; 40]), Why::UnknownProtocol, "LLDP");
    // Priority tags do not hide ARP from us: it is seen behind any stack of them.
    assert_eq!(world.frame(&tagged(&[(0x8100, 0); 8])), Ok(()));
    world.expect_state(peer(Family::Inet), S::STALE);
}

/// RFC row N4.
#[test]
fn nd_cut_at_every_length_is_dropped() {
    for (name, message, destination) in messages() {
        let mut world = World::with(&[("ipv6/conf/forwarding", "1")]);
        let source = if name == "NA" { frames::v6(peer(Family::Inet6)) } else { v6(STRANGER) };
        let whole = icmp(source, destination, 255, &message);
        let header = 14 + 40;
        // The frame ends early: the IPv6 length says so.
        for len in 0..whole.len() {
            let why = if len < 14 { Why::FrameTruncated } else { Why::IpMalformed };
            dropped(&mut world, &whole[..len], why, &format!("{name}: {len} bytes of frame"));
        }
        // The packet itself is short.
        for len in 1..whole.len() - header {
            let what = format!("{name}: {len} bytes of message");
            let frame = icmp(source, destination, 255, &message[..len.max(4)]);
            let (before, entries) =
                (neighbours(&world), world.hosts[0].engine.neighbours(Family::Inet6).count());
            let result = world.frame(&frame);
            let least = match message[0] {
                kind::RS => 8,
                kind::RA => 16,
                kind::REDIRECT => 40,
                _ => 24,
            };
            if len < least {
                assert_eq!(result, Err(Why::NdTruncated), "{what}");
            } else if len > least {
                assert_eq!(result, Err(Why::NdBadOption), "{what}: a cut option");
            } else {
                continue; // without its option it is whole
            }
            assert_eq!(neighbours(&world), before, "{what}");
            assert_eq!(world.hosts[0].engine.neighbours(Family::Inet6).count(), entries, "{what}");
        }
    }
}

/// RFC rows N1, N2, N3.
#[test]
fn each_check_of_rfc_4861_stands_for_itself_cve_2026_7656_nd_16() {
    for (name, message, destination) in messages() {
        let mut world = World::with(&[("ipv6/conf/forwarding", "1")]);
        let source = v6(STRANGER);
        for hop_limit in [0, 1, 64, 254] {
            let frame = icmp(source, destination, hop_limit, &message);
            dropped(&mut world, &frame, Why::NdHopLimit, &format!("{name}: hop limit {hop_limit}"));
        }
        for code in [1, 2, 255] {
            let mut message = message.clone();
            message[1] = code;
            let frame = icmp(source, destination, 255, &message);
            dropped(&mut world, &frame, Why::NdCode, &format!("{name}: code {code}"));
        }
        for bit in 0..16 {
            let mut frame = icmp(source, destination, 255, &message);
            frame[14 + 40 + 2 + bit / 8] ^= 1 << (bit % 8);
            dropped(&mut world, &frame, Why::NdChecksum, &format!("{name}: checksum, bit {bit}"));
        }
    }
}

/// RFC row N5.
#[test]
fn an_option_of_length_zero_spoils_the_message_wherever_it_stands_cve_2021_21279_nd_17() {
    for (name, message, destination) in messages() {
        let mut world = World::with(&[("ipv6/conf/forwarding", "1")]);
        let source = v6(STRANGER);
        for kind in [0, 1, 2, 3, 5, 14, 24, 25, 31, 255] {
            for spoilt in
                [vec![kind, 0], vec![kind, 0, 0, 0, 0, 0, 0, 0], vec![kind, 2, 0, 0, 0, 0, 0, 0], vec![kind]]
            {
                let whole = [&message[..], &spoilt].concat();
                let frame = icmp(source, destination, 255, &whole);
                dropped(&mut world, &frame, Why::NdBadOption, &format!("{name}: {spoilt:?} after the rest"));
            }
        }
    }
}

/// RFC row A83.
#[test]
fn address_options_of_a_wrong_length_are_dropped_nd_18() {
    let mut world = World::new();
    let (own, stranger) = (frames::v6(own(Family::Inet6)), v6(STRANGER));
    for units in [2u8, 3, 31] {
        let mut long = vec![0; usize::from(units) * 8];
        (long[0], long[1]) = (1, units);
        let frame = icmp(stranger, solicited_node(&own), 255, &message(kind::NS, 0, own, &long));
        dropped(&mut world, &frame, Why::NdBadLladdr, &format!("NS: {units} units"));
        long[0] = 2;
        let frame = icmp(stranger, own, 255, &message(kind::NA, 0x60, stranger, &long));
        dropped(&mut world, &frame, Why::NdBadLladdr, &format!("NA: {units} units"));
    }
}

/// RFC rows N7, N8, N9.
#[test]
fn solicitations_that_rfc_4861_7_1_1_forbids_are_dropped_nd_20_nd_21_nd_22() {
    let mut world = World::new();
    let (own, nowhere) = (frames::v6(own(Family::Inet6)), Ipv6Addr::UNSPECIFIED);
    let group = solicited_node(&own);
    let sllao = option(1, PEER_MAC);
    let frame = icmp(v6(STRANGER), ALL_NODES, 255, &message(kind::NS, 0, v6("ff02::1"), &sllao));
    dropped(&mut world, &frame, Why::NdMulticastTarget, "multicast target");
    let frame = icmp(nowhere, ALL_NODES, 255, &message(kind::NS, 0, own, &[]));
    dropped(&mut world, &frame, Why::NdBadDad, "from :: to all nodes");
    let frame = icmp(nowhere, group, 255, &message(kind::NS, 0, own, &sllao));
    dropped(&mut world, &frame, Why::NdBadDad, "from :: with an address");
    let frame = icmp(v6("ff02::9"), group, 255, &message(kind::NS, 0, own, &sllao));
    dropped(&mut world, &frame, Why::IpBadSource, "from a group");
    let frame = icmp(v6(STRANGER), group, 255, &message(kind::NS, 0, own, &[]));
    dropped(&mut world, &frame, Why::NdIgnored, "a stranger without an address (ND-32)");
    let other = v6("2001:db8::abcd:1");
    let frame = icmp(v6(STRANGER), group, 255, &message(kind::NS, 0, other, &sllao));
    dropped(&mut world, &frame, Why::NdIgnored, "a target that is not ours (ND-25)");
}

/// RFC rows N7, N10.
#[test]
fn advertisements_that_rfc_4861_7_1_2_forbids_are_dropped_nd_40_nd_41_nd_46() {
    let mut world = World::new();
    let stranger = frames::na(ip(STRANGER), Some(PEER_MAC));
    dropped(&mut world, &stranger.frame(), Why::NdIgnored, "of a stranger (ND-46)");
    let na = Na { target: v6("ff02::9"), ..stranger };
    dropped(&mut world, &na.frame(), Why::NdMulticastTarget, "multicast target");
    let na = Na { destination: ALL_NODES, ..stranger };
    dropped(&mut world, &na.frame(), Why::NdSolicitedMulticast, "S to a group");
    world.set("ipv6/conf/eth0/drop_unsolicited_na", "1");
    let na = Na { solicited: false, ..stranger };
    dropped(&mut world, &na.frame(), Why::NdUnsolicited, "unsolicited");
}

/// RFC row N11.
#[test]
fn routers_and_redirects_from_off_the_link_are_dropped_nd_55_nd_66() {
    let mut world = World::new();
    let (own, global) = (frames::v6(own(Family::Inet6)), v6("2001:db8::bad"));
    for (name, message, destination) in messages() {
        if matches!(name, "RA" | "redirect") {
            let frame = icmp(global, destination, 255, &message);
            dropped(&mut world, &frame, Why::NdSourceNotLinkLocal, name);
        }
    }
    let redirect = |target: &str, about: &str| {
        let body = [&message(kind::REDIRECT, 0, v6(target), &[])[..], &v6(about).octets()].concat();
        icmp(v6(STRANGER), own, 255, &body)
    };
    for (target, about, what) in [
        ("fe80::2", "ff02::9", "about a group"),
        ("2001:db8::7", "2001:db8:9::1", "to a target that is neither"),
        ("fe80::2", "2001:db8:9::1", "not from the present first hop"),
    ] {
        dropped(&mut world, &redirect(target, about), Why::NdBadRedirect, what);
    }
}

/// RFC row D41.
#[test]
fn nd_in_fragments_is_dropped_rfc_6980_nd_16() {
    let mut world = World::new();
    let own = frames::v6(own(Family::Inet6));
    let (source, destination) = (v6(STRANGER), solicited_node(&own));
    let mut solicit = message(kind::NS, 0, own, &option(1, PEER_MAC));
    icmpv6::finish(&mut solicit, source, destination);
    let fragment = |offset_and_more: u16| {
        let mut packet = Vec::new();
        ipv6::emit_header(&mut packet, source, destination, 44, 255, 0, 8 + solicit.len());
        packet.extend_from_slice(&[icmpv6::PROTOCOL, 0]);
        packet.extend_from_slice(&offset_and_more.to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0, 1]);
        packet.extend_from_slice(&solicit);
        eth(mac_of(destination), IPV6, &packet)
    };
    dropped(&mut world, &fragment(0), Why::NdFragment, "an atomic fragment");
    dropped(&mut world, &fragment(1), Why::NdFragment, "a first fragment");
    world.set("ipv6/conf/eth0/suppress_frag_ndisc", "0");
    assert_eq!(world.frame(&fragment(0)), Ok(()), "the switch lets atomic ones in");
}

#[test]
fn extension_headers_that_lie_are_dropped_cve_2020_13986_cve_2021_28362() {
    let mut world = World::new();
    let own = frames::v6(own(Family::Inet6));
    let chains: [(&str, u8, Vec<u8>); 5] = [
        ("a header past the end", 0, vec![icmpv6::PROTOCOL, 255, 0, 0, 0, 0, 0, 0]),
        ("a header that is cut", 60, vec![icmpv6::PROTOCOL, 0, 1]),
        ("nothing behind", 0, vec![]),
        ("a fragment header that is cut", 44, vec![icmpv6::PROTOCOL, 0, 0]),
        ("a thousand headers", 60, [60, 0, 1, 4, 0, 0, 0, 0].repeat(170)),
    ];
    for (what, first, bytes) in chains {
        let mut packet = Vec::new();
        ipv6::emit_header(&mut packet, v6(STRANGER), own, first, 255, 0, bytes.len());
        packet.extend_from_slice(&bytes);
        let result = world.frame(&eth(MAC, IPV6, &packet));
        assert_eq!(result, Err(Why::IpMalformed), "{what}");
        assert_eq!(neighbours(&world), 0, "{what}");
    }
}

#[test]
fn ip_lengths_that_lie_are_dropped_cve_2020_17441_contiki_ng_2402() {
    let mut world = World::new();
    let own4 = frames::packet(peer(Family::Inet), own(Family::Inet), 1);
    let own6 = frames::packet(peer(Family::Inet6), own(Family::Inet6), 1);
    for more in [1u16, 40, 1000, 0xffff - 40] {
        let mut packet = own6.clone();
        packet[4..6].copy_from_slice(&(20 + more).to_be_bytes());
        dropped(&mut world, &eth(MAC, IPV6, &packet), Why::IpMalformed, &format!("IPv6 {more} too long"));
        let mut packet = own4.clone();
        packet[2..4].copy_from_slice(&(40 + more).to_be_bytes());
        dropped(&mut world, &eth(MAC, IPV4, &packet), Why::IpMalformed, &format!("IPv4 {more} too long"));
    }
    for len in 0..40 {
        dropped(&mut world, &eth(MAC, IPV6, &own6[..len]), Why::IpMalformed, &format!("IPv6 {len} bytes"));
        dropped(
            &mut world,
            &eth(MAC, IPV4, &own4[..len.min(39)]),
            Why::IpMalformed,
            &format!("IPv4 {len} bytes"),
        );
    }
    for nibble in [0, 1, 5, 7, 15u8] {
        for (ethertype, packet) in [(IPV4, &own4), (IPV6, &own6)] {
            let mut packet = packet.clone();
            packet[0] = nibble << 4 | (packet[0] & 15);
            dropped(
                &mut world,
                &eth(MAC, ethertype, &packet),
                Why::IpMalformed,
                &format!("version {nibble}"),
            );
        }
    }
    let mut short = own4.clone();
    short[0] = 0x44;
    dropped(&mut world, &eth(MAC, IPV4, &short), Why::IpMalformed, "a header of 16 bytes (CVE-2026-7423)");
}

#[test]
fn nd_that_was_routed_is_dropped_before_anything_is_allocated_cve_2016_1409() {
    let mut world = World::new();
    let before = world.stats(Family::Inet6);
    for n in 0..5000u32 {
        let source = frames::v6(nth(Family::Inet6, 10_000 + n));
        let own = frames::v6(own(Family::Inet6));
        let frame = icmp(source, own, 63, &message(kind::NS, 0, own, &option(1, PEER_MAC)));
        assert_eq!(world.frame(&frame), Err(Why::NdHopLimit));
    }
    let after = world.stats(Family::Inet6);
    assert_eq!((after.allocs, after.lookups), (before.allocs, before.lookups));
}

#[test]
fn a_router_s_hop_limit_of_one_or_zero_is_not_taken_below_ours_cve_2015_2922() {
    let mut world = World::new();
    let advert = |cur_hop_limit| {
        let header = Header { source: v6("fe80::9"), destination: ALL_NODES, traffic_class: 0 };
        let mut packet = Vec::new();
        let repr = RouterAdvertRepr { cur_hop_limit, lifetime_s: 1800, ..Default::default() };
        ndisc::emit_router_advert(&mut packet, &header, &repr);
        eth(mac_of(ALL_NODES), IPV6, &packet)
    };
    world.set("ipv6/conf/eth0/accept_ra_min_hop_limit", "32");
    let hop_limit = |w: &World| w.hosts[0].engine.get("ipv6/conf/eth0/hop_limit");
    for (said, expected) in [(0, 64), (1, 64), (31, 64), (32, 32), (0, 32), (255, 255)] {
        let _ = world.frame(&advert(said));
        assert_eq!(hop_limit(&world), Ok(expected), "{said}");
    }
}

#[test]
fn solicitations_when_the_table_is_full_are_refused_and_cost_nothing_cve_2023_31129() {
    let mut world = World::with(&[("gc_thresh2", "40"), ("gc_thresh3", "40"), ("ipv6/conf/forwarding", "1")]);
    for n in 0..40 {
        let request = world.request(nth(Family::Inet6, 1000 + n), Some(PEER_MAC), S::REACHABLE);
        let _ = world.admin(request);
    }
    let full = world.engine().gc_entries(Family::Inet6);
    assert!(full >= 40, "{full}");
    for (name, message, destination) in messages() {
        let source = v6("fe80::77");
        let frame = icmp(source, destination, 255, &message);
        let result = world.frame(&frame);
        match name {
            "RS" | "RA" => assert_eq!(result, Err(Why::NeighCreateFail), "{name}"),
            "NS" => assert_eq!(result, Err(Why::NdIgnored), "{name}"),
            _ => assert!(result.is_err(), "{name}"),
        }
        assert_eq!(world.info(ip("fe80::77")), None, "{name}");
        assert_eq!(world.engine().gc_entries(Family::Inet6), full, "{name}");
    }
    assert!(world.stats(Family::Inet6).table_fulls > 0);
}

#[test]
fn an_advertisement_counts_for_its_target_and_not_for_its_source_cve_2023_5366() {
    let mut world = World::new();
    let victim = world.init_neighbour_in_state(Family::Inet6, S::STALE);
    let other = nth(Family::Inet6, 30);
    world.replace(other, PEER_MAC, S::STALE);
    let na = Na { source: frames::v6(other), ..frames::na(victim, Some(PEER_MAC)) };
    assert_eq!(world.frame(&na.frame()), Ok(()));
    world.expect_state(victim, S::REACHABLE);
    world.expect_state(other, S::STALE);
}

#[test]
fn advertisements_leave_no_reference_behind_dragonfly_df_0489() {
    let mut world = World::new();
    let address = world.init_neighbour_in_state(Family::Inet6, S::STALE);
    for _ in 0..1000 {
        let _ = world.frame(&Na { solicited: false, ..frames::na(address, Some(PEER_MAC)) }.frame());
        let _ = world.frame(&frames::ns_multicast(address, PEER_MAC, own(Family::Inet6)));
        world.replace(address, PEER_MAC, S::STALE);
    }
    assert_eq!(world.entry(address).refcnt, 0);
    assert_eq!(world.delete(address), Ok(()));
    assert_eq!(world.info(address), None);
}

#[test]
fn nd_while_ipv6_is_off_is_dropped_bridge_nd_tbl() {
    let mut world = World::new();
    world.set("ipv6/conf/eth0/disable_ipv6", "1");
    for (name, message, destination) in messages() {
        let frame = icmp(v6(STRANGER), destination, 255, &message);
        dropped(&mut world, &frame, Why::NoFamily, name);
    }
}

#[test]
fn a_device_that_went_away_in_the_middle_of_it_all_is_no_trouble_cve_2025_21763() {
    for family in Family::BOTH {
        let mut world = World::new();
        for n in 20..60 {
            assert_eq!(world.send(nth(family, n), n as u8), Sent::Queued);
        }
        world.run_for(crate::common::ms(700));
        let (now, dev) = (world.now, world.dev());
        let frame = frames::answer(nth(family, 20), PEER_MAC);
        assert!(world.engine().remove_device(now, dev));
        assert_eq!(world.frame(&frame), Err(Why::DeviceDown));
        world.run_for(secs(100));
        assert_eq!(world.drops(Why::NeighFlushed), 40, "{family:?}");
    }
}

/// RFC row D80.
#[test]
fn a_flood_of_unknown_destinations_leaves_known_neighbours_alone_rfc_6583() {
    for family in Family::BOTH {
        let mut world = World::new();
        let known = world.init_neighbour_in_state(family, S::REACHABLE);
        for n in 0..5000 {
            let _ = world.send(nth(family, 10_000 + n), 0);
            world.forget();
        }
        let thresh3 = world.engine().thresholds(family).thresh3;
        assert!(world.engine().gc_entries(family) <= thresh3, "{family:?}");
        world.expect_state(known, S::REACHABLE);
        assert_eq!(world.send(known, 9), Sent::Sent, "{family:?}");
        assert!(world.drops(Why::NeighCreateFail) > 3000, "{family:?}");
    }
}

#[test]
fn a_flood_of_senders_cannot_pass_the_third_threshold() {
    let mut world = World::new();
    for n in 0..5000u32 {
        let sender = nth(Family::Inet, 10_000 + n);
        let _ = world.frame(&frames::arp_request(sender, PEER_MAC, own(Family::Inet)).frame());
        let source = nth(Family::Inet6, 10_000 + n);
        let _ = world.frame(&frames::ns_multicast(source, PEER_MAC, own(Family::Inet6)));
        world.forget();
    }
    for family in Family::BOTH {
        assert!(world.engine().gc_entries(family) <= 1024, "{family:?}");
    }
    assert_eq!(world.entry(own_peer_of(&world)).lladdr, lladdr(PEER_MAC));
}

/// Somebody who was learned in the flood.
fn own_peer_of(world: &World) -> IpAddr {
    let first = world.hosts[0].engine.neighbours(Family::Inet).find(|n| n.state == S::STALE);
    first.expect("some were learned").address
}

#[test]
fn router_advertisements_with_impossible_prefixes_change_nothing_cve_2026_7426() {
    let mut world = World::new();
    for len in [129u8, 200, 255] {
        let mut prefix = vec![3, 4, len, 0xc0];
        prefix.extend_from_slice(&[0xff; 8]);
        prefix.extend_from_slice(&[0; 4]);
        prefix.extend_from_slice(&v6("2001:db8:5::").octets());
        let mut body = vec![kind::RA, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        body.extend_from_slice(&option(1, PEER_MAC));
        body.extend_from_slice(&prefix);
        let addresses = world.hosts[0].engine.addresses(world.dev()).count();
        assert_eq!(world.frame(&icmp(v6("fe80::9"), ALL_NODES, 255, &body)), Ok(()), "{len}");
        assert_eq!(world.hosts[0].engine.addresses(world.dev()).count(), addresses, "{len}");
        assert_eq!(world.entry(ip("fe80::9")).flags, Flags::ROUTER, "the rest of it counts");
    }
}
