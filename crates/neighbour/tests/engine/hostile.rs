//! Frames that no one should send: each is dropped under its own reason, and no entry is made of it. Those that once
//! broke somebody stand in `cves` by name.

use std::net::{IpAddr, Ipv6Addr};

use crate::common::frames::{self, ALL_NODES, Na, eth, mac_of};
use crate::common::{PEER_MAC, World, ip, lladdr, nth, own, peer};
use crate::support::spoilt::{STRANGER, dropped, icmp, message, messages, neighbours, option};
use crate::support::v6;
use neighbour::{DropReason as Why, Family, NudState, Sent};
use neighbour_wire::icmpv6::{self, kind};
use neighbour_wire::ipv6::{self, solicited_node};

use NudState as S;

const IPV6: u16 = 0x86dd;

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
