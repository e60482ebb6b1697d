//! What once broke somebody, by name: each test says in a line what went wrong there, and then what comes out here.
//! `specs/past-failures.md` has the list; parsers, captures, the daemon and the watcher have tests of their own.

use std::net::Ipv6Addr;

use crate::common::frames::{self, ALL_NODES, Arp, Na, eth, mac_of};
use crate::common::{
    BROADCAST, MAC, OTHER_MAC, PEER_MAC, World, ethernet, ip, lladdr, ms, nth, own, peer, prefix, secs,
};
use crate::support::spoilt::{STRANGER, dropped, icmp, message, messages, neighbours, option};
use crate::support::{advertises, fe80, ra, send_far, v6};
use neighbour::{AddressOptions, Config, DropReason as Why, Family, Flags, NudState, ProxyEntry, Sent};
use neighbour_wire::icmpv6::{self, kind};
use neighbour_wire::ipv6::{self, solicited_node};
use neighbour_wire::ndisc::{self, Header, PrefixInfo, RouterAdvertRepr};

use NudState as S;

const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// Readers took the addresses of a truncated packet, or of a runt frame, from behind its end. Each length is
/// dropped as truncated.
///
/// RFC row A11.
#[test]
fn cve_2018_16600_cve_2020_11914_arp_cut_at_every_length_is_dropped_arp_24() {
    let mut world = World::new();
    let whole = frames::arp_request(peer(Family::Inet), PEER_MAC, own(Family::Inet)).frame();
    for len in 0..whole.len() {
        let why = if len < 14 { Why::FrameTruncated } else { Why::ArpTruncated };
        dropped(&mut world, &whole[..len], why, &format!("{len} bytes"));
    }
    let padded = [&whole[..], &[0; 18]].concat();
    assert_eq!(world.frame(&padded), Ok(()), "longer is fine");
}

/// A printer believed the lengths in the packet. They are checked against what is there, and then against the
/// link's.
#[test]
fn cve_2016_7923_arp_lengths_that_lie_are_dropped_arp_24() {
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

/// An unsolicited RARP reply gave a host an address. Only operations 1 and 2 are read, and nothing is learned
/// of others.
///
/// RFC rows A3, A9.
#[test]
fn cve_2019_12262_arp_of_other_types_and_operations_is_dropped_arp_26_arp_27() {
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

/// Guards did not look behind stacks of VLAN 0 and LLC, hosts did (VU#855201). We read no LLC and no other
/// VLAN's frames; what is behind priority tags passes all checks.
#[test]
fn cve_2021_27853_cve_2021_27854_cve_2021_27861_cve_2021_27862_frames_of_others_llc_and_vlans_are_dropped() {
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

/// A precedence slip skipped every other check when the code was 0. Each is tried with all else right.
///
/// RFC rows N1, N2, N3.
#[test]
fn cve_2026_7656_each_check_of_rfc_4861_holds_by_itself_nd_16() {
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

/// An option of length 0 kept the reader in its place for ever. It drops the message.
///
/// RFC row N5.
#[test]
fn cve_2021_21279_an_option_of_length_zero_spoils_the_message_wherever_it_stands_nd_17() {
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

/// Walks over extension headers went round, or behind the end. They end after sixteen, and within the packet.
#[test]
fn cve_2020_13986_cve_2021_28362_extension_headers_that_lie_are_dropped() {
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

/// A payload length above what came (also contiki-ng#2402), or a header length under its least, ran over. Both
/// are malformed.
#[test]
fn cve_2020_17441_cve_2026_7423_ip_lengths_that_lie_are_dropped() {
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

/// Routed ND, of a hop limit under 255, was worked on and queued. It costs no lookup and no entry.
#[test]
fn cve_2016_1409_nd_that_was_routed_is_dropped_before_anything_is_allocated() {
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

/// An advertised hop limit of 1 cut hosts off. `accept_ra_min_hop_limit` is the least that is taken.
#[test]
fn cve_2015_2922_cve_2015_2923_a_router_s_hop_limit_of_one_or_zero_is_not_taken_below_ours() {
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

/// A full table gave no entry, and the reader followed it all the same. The message is dropped and counted.
#[test]
fn cve_2023_31129_solicitations_when_the_table_is_full_are_refused_and_cost_nothing() {
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

/// A guard matched the IP source where the target decides. The target is what the entry is found by.
#[test]
fn cve_2023_5366_an_advertisement_counts_for_its_target_and_not_for_its_source() {
    let mut world = World::new();
    let victim = world.init_neighbour_in_state(Family::Inet6, S::STALE);
    let other = nth(Family::Inet6, 30);
    world.replace(other, PEER_MAC, S::STALE);
    let na = Na { source: frames::v6(other), ..frames::na(victim, Some(PEER_MAC)) };
    assert_eq!(world.frame(&na.frame()), Ok(()));
    world.expect_state(victim, S::REACHABLE);
    world.expect_state(other, S::STALE);
}

/// Each advertisement leaked a reference (DragonFly's audit). A thousand leave none, and the entry can go.
#[test]
fn df_0489_advertisements_leave_no_reference_behind() {
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

/// With IPv6 off there was no table, and ND was looked up in it (Linux, bridge). There is no family then, and
/// that is the reason.
#[test]
fn e5e890630533_nd_while_ipv6_is_off_is_dropped() {
    let mut world = World::new();
    world.set("ipv6/conf/eth0/disable_ipv6", "1");
    for (name, message, destination) in messages() {
        let frame = icmp(v6(STRANGER), destination, 255, &message);
        dropped(&mut world, &frame, Why::NoFamily, name);
    }
}

/// Notices, solicitations and replies used a device after it was freed (also 21760, 21762, 21764). What waits
/// is given back, frames are refused, timers fire into nothing.
#[test]
fn cve_2025_21763_a_device_that_went_away_in_the_middle_of_it_all_is_no_trouble() {
    for family in Family::BOTH {
        let mut world = World::new();
        for n in 20..60 {
            assert_eq!(world.send(nth(family, n), n as u8), Sent::Queued);
        }
        world.run_for(ms(700));
        let (now, dev) = (world.now, world.dev());
        let frame = frames::answer(nth(family, 20), PEER_MAC);
        assert!(world.engine().remove_device(now, dev));
        assert_eq!(world.frame(&frame), Err(Why::DeviceDown));
        world.run_for(secs(100));
        assert_eq!(world.drops(Why::NeighFlushed), 40, "{family:?}");
    }
}

/// A prefix length of 129 to 255 was used as an index. Such a prefix is passed over, the rest of the message
/// counts.
#[test]
fn cve_2026_7426_router_advertisements_with_impossible_prefixes_change_nothing() {
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

/// A router advertisement of this router for half an hour, with these options behind the source address.
fn advert(n: u16, options: &[u8]) -> Vec<u8> {
    let mut body = vec![kind::RA, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    body.extend_from_slice(&option(1, PEER_MAC));
    body.extend_from_slice(options);
    icmp(fe80(n), ALL_NODES, 255, &body)
}

/// An on-link prefix of which addresses are to be made.
fn prefix_info(n: u16) -> PrefixInfo {
    let prefix = Ipv6Addr::new(0x2001, 0xdb8, 0x7000, n, 0, 0, 0, 0);
    let (valid_s, preferred_s) = (3600, 3600);
    PrefixInfo { prefix_len: 64, on_link: true, autonomous: true, valid_s, preferred_s, prefix }
}

/// Addresses, routers, routes and neighbours: what an advertisement may add to.
fn learned(world: &World) -> [usize; 4] {
    let engine = &world.hosts[0].engine;
    [
        engine.addresses(world.dev()).count(),
        engine.routers().len(),
        engine.routes().count(),
        neighbours(world),
    ]
}

/// The source address option of a solicitation crossed the end of the packet, and was read all the same (no CVE
/// number). Every length that promises more than there is drops the message, whatever is behind the packet.
#[test]
fn contiki_ng_1654_contiki_ng_2981_an_address_option_across_the_end_is_dropped_nd_17() {
    let mut world = World::new();
    let own = frames::v6(own(Family::Inet6));
    for (units, bytes) in [(1u8, 2), (1, 7), (2, 8), (2, 15), (31, 8), (255, 8)] {
        let mut cut = vec![0xaa; bytes];
        (cut[0], cut[1]) = (1, units);
        let mut frame = icmp(v6(STRANGER), solicited_node(&own), 255, &message(kind::NS, 0, own, &cut));
        frame.resize(frame.len() + 64, 0xaa);
        dropped(&mut world, &frame, Why::NdBadOption, &format!("{units} units in {bytes} bytes"));
    }
}

/// A solicitation from off the link made a neighbour, and a route to it, which drew its traffic here (VU#472363). As in
/// Linux it makes an entry, which expires like any other; the routes decide where packets go, and they stay.
#[test]
fn cve_2008_2476_a_solicitation_from_off_the_link_draws_no_traffic() {
    let mut world = World::new();
    advertises(&mut world, 10, 1800);
    let far = "2001:db8:ffff::1";
    let routes = world.engine().routes().count();
    assert_eq!(world.frame(&frames::ns_multicast(ip(far), OTHER_MAC, own(Family::Inet6))), Ok(()));
    assert_eq!(world.engine().routes().count(), routes);
    let (sent, to) = send_far(&mut world, far);
    assert_eq!((sent, to), (Sent::Sent, Some(crate::support::mac(10))), "by the router, as before");
}

/// A DNS server option with an even length was read as one address more than it has. It is none of ours: it is passed
/// over by its length, and the rest of the message counts.
#[test]
fn cve_2020_16898_a_dns_option_of_even_length_is_passed_over() {
    let mut world = World::new();
    for units in [2u8, 4, 6, 8] {
        let mut servers = vec![0x20; usize::from(units) * 8];
        (servers[0], servers[1]) = (25, units);
        let router = 20 + u16::from(units);
        assert_eq!(world.frame(&advert(router, &servers)), Ok(()), "{units}");
        assert_eq!(world.entry(fe80(router).into()).flags, Flags::ROUTER);
        assert_eq!(world.engine().routers().len(), usize::from(units / 2));
    }
}

/// DNS options longer than the packet were copied, those of length zero kept the reader for ever (also CVE-2014-3954).
/// Both drop the message; no router comes of it.
#[test]
fn cve_2020_25577_cve_2020_25583_cve_2014_3954_dns_options_that_lie_drop_the_advertisement() {
    let mut world = World::new();
    for kind in [25u8, 31] {
        for (units, bytes) in [(0u8, 8), (0, 24), (4, 24), (200, 24), (255, 8)] {
            let mut option = vec![1; bytes];
            (option[0], option[1]) = (kind, units);
            let frame = advert(9, &option);
            dropped(
                &mut world,
                &frame,
                Why::NdBadOption,
                &format!("option {kind}, {units} units in {bytes} bytes"),
            );
        }
    }
    assert_eq!(world.engine().routers(), []);
}

/// Routers slept for each solicitation that they answered, so that a flood of them stopped all else (radvd). We send no
/// advertisements: a flood costs entries up to the third threshold, and not a frame.
#[test]
fn cve_2011_3605_a_flood_of_router_solicitations_is_not_answered_and_bounded() {
    let mut world =
        World::with(&[("ipv6/conf/forwarding", "1"), ("gc_thresh2", "100"), ("gc_thresh3", "200")]);
    let sllao = option(1, PEER_MAC);
    let solicit = [&[kind::RS, 0, 0, 0, 0, 0, 0, 0][..], &sllao].concat();
    for n in 0..5000 {
        let _ = world.frame(&icmp(frames::v6(nth(Family::Inet6, 10_000 + n)), ALL_NODES, 255, &solicit));
    }
    assert_eq!(world.take_sent(), []);
    assert!(world.engine().gc_entries(Family::Inet6) <= 200);
    assert!(world.drops(Why::NeighCreateFail) > 4000);
}

/// Containers took routes from whoever advertised himself, though they were routers, or needed none (CNI, Docker, Calico).
/// Who forwards, or is told to, believes no advertisement.
#[test]
fn cve_2020_10749_cve_2020_13401_cve_2020_13597_rogue_routers_are_not_believed_by_who_forwards() {
    for knob in [("ipv6/conf/forwarding", "1"), ("ipv6/conf/accept_ra", "0")] {
        let mut world = World::with(&[knob]);
        let before = learned(&world);
        let prefixes = [prefix_info(1)];
        let repr = RouterAdvertRepr { lifetime_s: 1800, prefixes: &prefixes, ..RouterAdvertRepr::default() };
        let _ = world.frame(&ra(fe80(9), &repr));
        let [addresses, routers, routes, _] = learned(&world);
        assert_eq!([addresses, routers, routes], before[..3], "{knob:?}");
    }
}

/// Ports that may speak for one address spoke for another's, by the sender's hardware address or the target (Neutron;
/// also CVE-2016-5362, CVE-2016-5363). Under the profile `guarded` a neighbour that answers stays where it is.
#[test]
fn cve_2021_38598_cve_2021_20267_somebody_else_s_address_is_not_taken_over() {
    for family in Family::BOTH {
        let mut world = World::build(Config::guarded().seed(3), &[], ethernet("eth0", 1));
        let victim = peer(family);
        assert_eq!(world.send(victim, 1), Sent::Queued);
        world.answer(victim, PEER_MAC);
        world.run_for(secs(2));
        for forged in [frames::hint(victim, OTHER_MAC), frames::answer(victim, OTHER_MAC)] {
            let _ = world.frame(&forged);
            world.run_for(ms(20));
            world.answer(victim, PEER_MAC);
            world.run_for(secs(3));
            assert_eq!(world.entry(victim).lladdr, lladdr(PEER_MAC), "{family:?}");
        }
        assert!(world.drops(Why::ClaimDisbelieved) > 0, "{family:?}");
    }
}

/// A flood to one address went past the limits of the others (OVN). Under `guarded` every answer to a request or a
/// solicitation is counted, of strangers together and of each peer.
#[test]
fn cve_2023_3153_every_way_to_make_us_answer_has_a_limit() {
    let knobs = [("reply_rate", "500"), ("reply_peer_rate", "300")];
    let mut world = World::build(Config::guarded().seed(4), &knobs, ethernet("eth0", 1));
    let flood = 3000;
    type Flood<'a> = (&'static str, &'a dyn Fn(u32) -> Vec<u8>);
    let kinds: [Flood<'_>; 3] = [
        ("ARP", &|n| frames::arp_request(nth(Family::Inet, 10_000 + n), PEER_MAC, own(Family::Inet)).frame()),
        ("ND", &|n| frames::ns_multicast(nth(Family::Inet6, 10_000 + n), PEER_MAC, own(Family::Inet6))),
        ("ND by one", &|_| frames::ns_multicast(peer(Family::Inet6), PEER_MAC, own(Family::Inet6))),
    ];
    for (what, frame) in kinds {
        world.run_for(secs(10));
        world.forget();
        for n in 0..flood {
            let _ = world.frame(&frame(n));
        }
        let answers = world.take_sent().len();
        assert!(answers > 0 && answers < flood as usize / 2, "{what}: {answers}");
    }
    assert!(world.drops(Why::ReplyRate) > 0);
}

/// The timer of an advertised lifetime fired for an object that was freed (ZDI-24-842). Whatever goes before its time,
/// the time comes and nothing is there.
#[test]
fn cve_2023_6200_lifetimes_that_end_after_their_object_find_nothing() {
    for gone in ["device", "address", "entry", "IPv6"] {
        let mut world = World::new();
        let prefixes = [PrefixInfo { valid_s: 30, preferred_s: 20, ..prefix_info(1) }];
        let source_lladdr = lladdr(PEER_MAC);
        let repr =
            RouterAdvertRepr { lifetime_s: 30, source_lladdr, prefixes: &prefixes, ..Default::default() };
        assert_eq!(world.frame(&ra(fe80(9), &repr)), Ok(()));
        world.run_for(secs(5));
        let (now, dev) = (world.now, world.dev());
        match gone {
            "device" => assert!(world.engine().remove_device(now, dev)),
            "entry" => assert_eq!(world.delete(fe80(9).into()), Ok(())),
            "IPv6" => world.set("ipv6/conf/eth0/disable_ipv6", "1"),
            _ => {
                let made = world.engine().addresses(dev).map(|own| own.address()).collect::<Vec<_>>();
                let made = made.into_iter().find(|own| prefix("2001:db8:7000:1::/64").contains(*own));
                let made = made.expect("an address of the prefix");
                assert_eq!(world.engine().remove_address(now, dev, made), Ok(()));
            }
        }
        world.run_for(secs(7200));
        assert_eq!(world.engine().routers(), [], "{gone}");
    }
}

/// Responders for others (bridge, vxlan) read options of solicitations without their bounds: length zero, past the end,
/// an address of another length (a01aee7cafc5, 850837965af1, afa9a05e6c49). Proxied or own, the same checks come first.
#[test]
fn a01aee7cafc5_solicitations_for_others_are_checked_as_those_for_us() {
    let knobs = [("ipv6/conf/forwarding", "1"), ("ipv6/conf/proxy_ndp", "1"), ("neigh/proxy_delay", "0")];
    let mut world = World::with(&knobs);
    let (now, dev, target) = (world.now, world.dev(), v6("2001:db8::77"));
    let entry = ProxyEntry {
        address: target.into(),
        device: Some(dev),
        flags: Flags::PROXY,
        protocol: 0,
        permanent: false,
    };
    assert_eq!(world.engine().add_proxy(now, entry), Ok(()));
    world.run_for(secs(3));
    let ask = |options: &[u8]| {
        icmp(v6("2001:db8::2"), solicited_node(&target), 255, &message(kind::NS, 0, target, options))
    };
    for (what, options, why) in [
        ("length 0", vec![1, 0, 2, 0, 0, 0, 0, 2], Why::NdBadOption),
        ("past the end", vec![1, 2, 2, 0, 0, 0, 0, 2], Why::NdBadOption),
        ("a type alone", vec![1], Why::NdBadOption),
        ("two units", [&[1, 2][..], &[0; 14]].concat(), Why::NdBadLladdr),
    ] {
        dropped(&mut world, &ask(&options), why, what);
    }
    assert_eq!(world.frame(&ask(&option(1, PEER_MAC))), Ok(()));
    world.run_for(secs(1));
    assert_eq!(world.take_sent().len(), 1, "the right one is answered");
}

/// Taking a device down with very many addresses took quadratic time under a lock (Linux). All of them go at once here.
#[test]
fn cve_2016_3156_a_device_with_very_many_addresses_goes_in_no_time() {
    let mut world = World::new();
    let (now, dev) = (world.now, world.dev());
    for n in 0..4000u32 {
        let address = prefix(&format!("{}/8", nth(Family::Inet, 5000 + n)));
        assert_eq!(world.engine().add_address(now, dev, address, AddressOptions::default()), Ok(()));
    }
    world.settle();
    let start = std::time::Instant::now();
    assert!(world.engine().remove_device(now, dev));
    world.settle();
    // Some milliseconds; a thousand times the time of one address each would be seconds.
    assert!(start.elapsed() < secs(2), "{:?}", start.elapsed());
}

/// Floods of advertisements filled memory with routes, addresses and neighbours (also CVE-2011-2393, CVE-2010-4670; the
/// route cache of CVE-2023-52340 is none here). Each of them has a limit, and an honest router before the flood stays.
#[test]
fn cve_2010_4669_cve_2011_2393_cve_2023_52340_a_flood_of_routers_is_bounded() {
    for config in [Config::linux(), Config::guarded()] {
        let mut world = World::build(config.seed(8), &[], ethernet("eth0", 1));
        advertises(&mut world, 10, 1800);
        for n in 0..3000u16 {
            let prefixes = [prefix_info(2 * n), prefix_info(2 * n + 1)];
            let source_lladdr = lladdr([2, 0, 0, 9, (n >> 8) as u8, n as u8]);
            let repr = RouterAdvertRepr {
                lifetime_s: 9000,
                source_lladdr,
                prefixes: &prefixes,
                ..Default::default()
            };
            let _ = world.frame(&ra(fe80(0x1000 + n), &repr));
            world.forget();
        }
        let [addresses, routers, routes, entries] = learned(&world);
        assert!(addresses <= 80 && routers <= 32 && routes <= 150, "{:?}", learned(&world));
        assert!(entries <= 1024, "{entries}");
        assert!(world.engine().routers().iter().any(|router| router.address == fe80(10)));
    }
}
