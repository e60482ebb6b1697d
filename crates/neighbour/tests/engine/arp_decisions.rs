//! What ARP asks with, answers and learns: the decision tree, row by row (ARP-14 to ARP-57).

use crate::common::frames::{self, Arp, arp_reply, arp_request, v4};
use crate::common::{BROADCAST, MAC, OTHER_MAC, PEER_MAC, Seen, World, ip, ms, prefix};
use crate::support::{MAC_1, seen_by, take};
use neighbour::{AddressOptions, Config, Device, DeviceId, DropReason, Family, Input, NudState, Scope};
use neighbour_wire::LlAddr;
use neighbour_wire::arp::{self, op};
use neighbour_wire::ethernet::ethertype;
use std::net::Ipv4Addr;

use NudState as S;

/// A host with eth0 (192.0.2.1/24, 10.0.0.1/8) and eth1 (198.51.100.1/24, and 203.0.113.1/24 of scope host).
fn world(knobs: &[(&str, &str)]) -> (World, DeviceId) {
    let mut world = World::linux(knobs);
    let host = AddressOptions { scope: Some(Scope::Host), ..AddressOptions::default() };
    let device = Device::ethernet("eth1", MAC_1).address(prefix("198.51.100.1/24"));
    let device = device.address_with(prefix("203.0.113.1/24"), host);
    let now = world.now;
    let eth1 = world.engine().add_device(now, device).expect("a second device");
    world.run_for(ms(1100));
    world.forget();
    (world, eth1)
}

/// Was this answered?
fn answers(world: &mut World, frame: &Arp) -> bool {
    world.forget();
    let _ = world.frame(&frame.frame());
    seen_by(world, world.dev()).iter().any(|seen| matches!(seen, Seen::Arp { request: false, .. }))
}

/// The sender of the ARP request that a packet from `source` to `target` sets off.
fn asks_with(world: &mut World, source: &str, target: &str) -> Ipv4Addr {
    let (now, dev) = (world.now, world.dev());
    world.forget();
    let packet = frames::packet(ip(source), ip(target), 1);
    let _ = world.engine().send(now, dev, ip(target), packet);
    world.settle();
    let asked = seen_by(world, dev).into_iter().find_map(|seen| match seen {
        Seen::Arp { request: true, sender_ip, target_ip, .. } if target_ip == v4(ip(target)) => {
            Some(sender_ip)
        }
        _ => None,
    });
    asked.unwrap_or_else(|| panic!("nobody was asked for {target}"))
}

#[test]
fn the_sender_of_a_request_goes_by_arp_announce_arp_15_arp_16() {
    // (arp_announce, source of the packet, target, sender of the request)
    for (announce, source, target, sender) in [
        ("0", "192.0.2.1", "192.0.2.9", "192.0.2.1"),
        ("0", "198.51.100.1", "192.0.2.9", "198.51.100.1"), // any own address, whatever device
        ("0", "192.0.2.77", "192.0.2.9", "192.0.2.1"),      // not ours: chosen
        ("1", "198.51.100.1", "192.0.2.9", "192.0.2.1"),    // no subnet here has both
        ("1", "192.0.2.1", "10.0.0.9", "10.0.0.1"),         // two subnets, none with both
        ("1", "10.0.0.1", "10.0.0.9", "10.0.0.1"),
        ("1", "192.0.2.1", "192.0.2.9", "192.0.2.1"),
        ("2", "192.0.2.1", "10.0.0.9", "10.0.0.1"), // always chosen
        ("2", "198.51.100.1", "192.0.2.9", "192.0.2.1"),
        ("3", "198.51.100.1", "192.0.2.9", "198.51.100.1"), // unknown: as 0
    ] {
        let (mut world, _) = world(&[("ipv4/conf/all/arp_announce", announce)]);
        let asked = asks_with(&mut world, source, target);
        assert_eq!(asked, v4(ip(sender)), "arp_announce {announce}, from {source} to {target}");
    }
}

#[test]
fn the_larger_of_all_and_the_device_s_arp_announce_counts_arp_15() {
    let (mut world, _) = world(&[]);
    world.set("ipv4/conf/eth0/arp_announce", "2");
    assert_eq!(asks_with(&mut world, "198.51.100.1", "192.0.2.9"), Ipv4Addr::new(192, 0, 2, 1));
    world.set("ipv4/conf/eth0/arp_announce", "1");
    world.set("ipv4/conf/all/arp_announce", "2");
    assert_eq!(asks_with(&mut world, "10.0.0.1", "192.0.2.10"), Ipv4Addr::new(192, 0, 2, 1));
}

#[test]
fn the_chosen_sender_is_on_the_target_s_subnet_or_the_first_or_of_another_device_arp_16() {
    let host = AddressOptions { scope: Some(Scope::Host), ..AddressOptions::default() };
    let link = AddressOptions { scope: Some(Scope::Link), ..AddressOptions::default() };
    let plain = AddressOptions::default();
    // (addresses of eth0, address of eth1, target, sender)
    type Own<'a> = (&'a str, AddressOptions);
    let cases: [(&[Own<'_>], Own<'_>, &str, &str); 6] = [
        (
            &[("192.0.2.1/24", plain), ("10.0.0.1/8", plain)],
            ("198.51.100.1/24", plain),
            "10.1.1.1",
            "10.0.0.1",
        ),
        (
            &[("192.0.2.1/24", plain), ("10.0.0.1/8", plain)],
            ("198.51.100.1/24", plain),
            "203.0.113.5",
            "192.0.2.1",
        ),
        (
            &[("10.0.0.1/8", host), ("192.0.2.1/24", plain)],
            ("198.51.100.1/24", plain),
            "10.1.1.1",
            "192.0.2.1",
        ),
        (&[("10.0.0.1/8", link)], ("198.51.100.1/24", plain), "10.1.1.1", "10.0.0.1"),
        (&[("10.0.0.1/8", host)], ("198.51.100.1/24", plain), "10.1.1.1", "198.51.100.1"),
        (&[("10.0.0.1/8", host)], ("198.51.100.1/24", link), "10.1.1.1", "0.0.0.0"),
    ];
    for (own, (other, options), target, sender) in cases {
        let device =
            own.iter().fold(Device::ethernet("eth0", MAC), |d, (a, o)| d.address_with(prefix(a), *o));
        let mut world = World::build(Config::default().seed(3), &[], device);
        let now = world.now;
        let eth1 = Device::ethernet("eth1", MAC_1).address_with(prefix(other), options);
        world.engine().add_device(now, eth1).expect("a second device");
        world.run_for(ms(1100));
        // A source that nobody has, so that one is chosen.
        let asked = asks_with(&mut world, "192.0.2.200", target);
        assert_eq!(asked, v4(ip(sender)), "{own:?}, {other}: for {target}");
    }
}

/// RFC rows A2, A30.
/// Also ARP-20.
#[test]
fn a_request_says_who_asks_and_leaves_the_target_s_hardware_empty_arp_18_arp_19_arp_21_arp_22() {
    let (mut world, _) = world(&[]);
    let _ = asks_with(&mut world, "192.0.2.1", "192.0.2.9");
    let (_, _, frame) = world.hosts[0].frames.last().expect("the request").clone();
    assert_eq!((&frame[..6], &frame[6..12], &frame[12..14]), (&BROADCAST[..], &MAC[..], &[0x08, 0x06][..]));
    let packet = arp::Packet::parse(&frame[14..]).expect("ARP");
    assert_eq!((packet.hardware_type(), packet.protocol(), packet.op()), (1, ethertype::IPV4, op::REQUEST));
    let repr = arp::Repr::parse(&packet).expect("ARP for Ethernet and IPv4");
    assert_eq!((repr.sender_hw, repr.target_hw), (LlAddr::from(MAC), LlAddr::from([0; 6])));
}

#[test]
fn a_device_takes_arp_of_its_own_hardware_type_alone_and_ethernet_of_ieee_802_too_arp_26() {
    let device = |kind| match kind {
        32 => {
            let mut broadcast = [0xff; 20];
            broadcast[..4].copy_from_slice(&[0, 0xff, 0xff, 0xff]);
            Device::infiniband("ib0", [7; 20], broadcast).address(prefix("192.0.2.1/24"))
        }
        _ => Device::ethernet("eth0", MAC).address(prefix("192.0.2.1/24")),
    };
    for (own, stated, taken) in [
        (1, 1, true),
        (1, 6, true),
        (1, 32, false),
        (1, 0, false),
        (32, 32, true),
        (32, 1, false),
        (32, 6, false),
    ] {
        let mut world = World::build(Config::default().seed(4), &[], device(own));
        let hw = |byte: u8| if own == 32 { LlAddr::new(&[byte; 20]) } else { LlAddr::new(&[byte & 2; 6]) };
        let mut frame = match own {
            32 => vec![7; 20].into_iter().chain([0x08, 0x06, 0, 0]).collect(),
            _ => frames::eth(MAC, ethertype::ARP, &[]),
        };
        arp::Repr {
            hardware_type: stated,
            op: op::REQUEST,
            sender_hw: hw(2).expect("an address"),
            sender_ip: Ipv4Addr::new(192, 0, 2, 9),
            target_hw: LlAddr::EMPTY,
            target_ip: Ipv4Addr::new(192, 0, 2, 1),
        }
        .emit(&mut frame);
        let got = world.frame(&frame);
        let expected = if taken { Ok(()) } else { Err(DropReason::ArpBadType) };
        assert_eq!(got, expected, "a device of type {own}, a packet of type {stated}");
    }
}

#[test]
fn a_sender_who_is_not_behind_the_device_is_not_answered_by_rp_filter_arp_32() {
    // 198.51.100.9 is behind eth1; to 172.16.0.9 there is no way.
    for (rp_filter, sender, answered) in [
        ("0", "192.0.2.9", true),
        ("0", "198.51.100.9", true),
        ("0", "172.16.0.9", true),
        ("1", "192.0.2.9", true),
        ("1", "198.51.100.9", false),
        ("1", "172.16.0.9", false),
        ("2", "198.51.100.9", true),
        ("2", "172.16.0.9", false),
    ] {
        let (mut world, _) = world(&[("ipv4/conf/all/rp_filter", rp_filter)]);
        let frame = arp_request(ip(sender), PEER_MAC, ip("192.0.2.1"));
        assert_eq!(answers(&mut world, &frame), answered, "rp_filter {rp_filter}, {sender}");
    }
}

#[test]
fn senders_that_nobody_can_be_are_not_answered_and_own_ones_by_accept_local_arp_32() {
    for (knob, sender, answered) in [
        ("0", "224.0.0.5", false),
        ("0", "255.255.255.255", false),
        ("0", "127.0.0.1", false),
        ("0", "198.51.100.1", false),
        ("1", "198.51.100.1", true),
        ("1", "127.0.0.1", false),
    ] {
        let (mut world, _) = world(&[("ipv4/conf/all/accept_local", knob)]);
        let frame = arp_request(ip(sender), PEER_MAC, ip("192.0.2.1"));
        assert_eq!(answers(&mut world, &frame), answered, "accept_local {knob}, {sender}");
    }
}

/// RFC rows A62, A63.
#[test]
fn arp_ignore_says_which_requests_are_left_unanswered_arp_53_foot_14() {
    const HERE: &str = "192.0.2.1";
    const ELSEWHERE: &str = "198.51.100.1";
    const HOST: &str = "203.0.113.1";
    // (arp_ignore, sender, target, answered)
    let mut cases = vec![
        ("1", "192.0.2.9", HERE, true),
        ("1", "198.51.100.9", HERE, true),
        ("1", "192.0.2.9", ELSEWHERE, false),
        ("2", "192.0.2.9", HERE, true),
        ("2", "198.51.100.9", HERE, false),
        ("2", "10.0.0.9", HERE, false), // of another subnet of the same device
        ("2", "0.0.0.0", HERE, true),
        ("2", "0.0.0.0", ELSEWHERE, false),
        ("2", "198.51.100.9", ELSEWHERE, false),
        ("3", "192.0.2.9", HERE, true),
        ("3", "192.0.2.9", ELSEWHERE, true),
        ("3", "192.0.2.9", HOST, false),
    ];
    for as_nought in ["0", "4", "5", "6", "7", "9"] {
        cases.extend([(as_nought, "192.0.2.9", HERE, true), (as_nought, "192.0.2.9", ELSEWHERE, true)]);
        cases.push((as_nought, "192.0.2.9", HOST, true));
    }
    cases.extend([HERE, ELSEWHERE, HOST].map(|target| ("8", "192.0.2.9", target, false)));
    for (ignore, sender, target, answered) in cases {
        let (mut world, _) = world(&[("ipv4/conf/all/arp_ignore", ignore)]);
        let frame = arp_request(ip(sender), PEER_MAC, ip(target));
        let what = format!("arp_ignore {ignore}, {sender} asks for {target}");
        assert_eq!(answers(&mut world, &frame), answered, "{what}");
        // Who is not answered is not learned either; a probe never is.
        let learned = answered && sender != "0.0.0.0";
        assert_eq!(world.info(ip(sender)).is_some(), learned, "{what}");
        assert_eq!(world.drops(DropReason::ArpIgnored), u64::from(!answered), "{what}");
    }
}

#[test]
fn arp_filter_answers_only_where_the_way_back_leads_arp_54() {
    for (filter, sender, answered) in [
        ("0", "198.51.100.9", true),
        ("1", "192.0.2.9", true),
        ("1", "198.51.100.9", false), // behind eth1
        ("1", "172.16.0.9", false),   // behind nothing
    ] {
        let (mut world, _) = world(&[("ipv4/conf/all/arp_filter", filter)]);
        let frame = arp_request(ip(sender), PEER_MAC, ip("192.0.2.1"));
        assert_eq!(answers(&mut world, &frame), answered, "arp_filter {filter}, {sender}");
        assert_eq!(
            world.drops(DropReason::ArpFiltered),
            u64::from(!answered),
            "arp_filter {filter}, {sender}"
        );
    }
}

/// RFC rows A5, A7, A10.
#[test]
fn a_local_request_teaches_and_is_answered_to_the_sender_s_hardware_address_arp_33_arp_45_arp_51_arp_52() {
    // On the subnet, and off it.
    for sender in ["192.0.2.9", "172.16.0.9"] {
        let (mut world, _) = world(&[]);
        let mut frame = arp_request(ip(sender), PEER_MAC, ip("192.0.2.1"));
        // ARP-30: the frame's own source is not compared with what the packet says.
        frame.sender_hw = OTHER_MAC;
        assert!(answers(&mut world, &frame), "{sender}");
        let entry = world.entry(ip(sender));
        assert_eq!((entry.state, entry.lladdr), (S::STALE, Some(OTHER_MAC.into())), "{sender}");
        let replies: Vec<_> = seen_by(&world, world.dev());
        let expected = Seen::Arp {
            to: OTHER_MAC,
            request: false,
            sender_hw: MAC.into(),
            sender_ip: Ipv4Addr::new(192, 0, 2, 1),
            target_hw: OTHER_MAC.into(),
            target_ip: v4(ip(sender)),
        };
        assert_eq!(replies, [expected]);
    }
}

/// RFC row A8.
#[test]
fn who_is_heard_of_unasked_is_learned_by_arp_accept_arp_40_arp_41_arp_42_foot_13() {
    let gratuitous = |sender: &str, op, target_hw| Arp {
        op,
        target_hw,
        target_ip: v4(ip(sender)),
        ..arp_request(ip(sender), PEER_MAC, ip(sender))
    };
    let near = "192.0.2.9";
    let far = "172.16.0.9";
    // (arp_accept, what is heard, of whom, learned)
    let request = |who| gratuitous(who, op::REQUEST, [0; 6]);
    let reply = |who| gratuitous(who, op::REPLY, PEER_MAC);
    let unsolicited = |who: &str| arp_reply(ip(who), PEER_MAC);
    let other = |who: &str| arp_request(ip(who), PEER_MAC, ip("192.0.2.50"));
    for (accept, frame, who, learned) in [
        ("0", request(near), near, false),
        ("0", reply(near), near, false),
        ("0", unsolicited(near), near, false),
        ("1", request(near), near, true),
        ("1", reply(near), near, true),
        ("1", reply(far), far, true),
        ("1", unsolicited(far), far, true),
        ("1", other(near), near, false), // asks for somebody else
        ("2", request(near), near, true),
        ("2", request(far), far, false),
        ("2", unsolicited(near), near, true),
        ("2", unsolicited(far), far, false),
        ("3", request(near), near, false),
        // Not gratuitous, since the target's hardware address is another; but a reply all the same.
        ("1", gratuitous(near, op::REPLY, OTHER_MAC), near, true),
        // Nobody's address.
        ("1", unsolicited("192.0.2.255"), "192.0.2.255", false),
    ] {
        let (mut world, _) = world(&[("ipv4/conf/all/arp_accept", accept)]);
        let _ = world.frame(&frame.frame());
        assert_eq!(world.info(ip(who)).is_some(), learned, "arp_accept {accept}: {frame:?}");
    }
}

#[test]
fn only_addresses_of_a_scope_for_others_make_a_subnet_for_arp_accept_2_arp_40() {
    let host = AddressOptions { scope: Some(Scope::Host), ..AddressOptions::default() };
    for (options, learned) in [(AddressOptions::default(), true), (host, false)] {
        let device = Device::ethernet("eth0", MAC).address_with(prefix("192.0.2.1/24"), options);
        let mut world = World::build(Config::default().seed(5), &[("ipv4/conf/all/arp_accept", "2")], device);
        let _ = world.frame(&arp_reply(ip("192.0.2.9"), PEER_MAC).frame());
        assert_eq!(world.info(ip("192.0.2.9")).is_some(), learned, "{options:?}");
    }
}

#[test]
fn gratuitous_arp_may_be_dropped_arp_29() {
    let (mut world, _) =
        world(&[("ipv4/conf/all/drop_gratuitous_arp", "1"), ("ipv4/conf/all/arp_accept", "1")]);
    let frame = arp_request(ip("192.0.2.9"), PEER_MAC, ip("192.0.2.9"));
    assert_eq!(world.frame(&frame.frame()), Err(DropReason::ArpGratuitous));
    assert!(world.info(ip("192.0.2.9")).is_none());
    assert_eq!(world.frame(&arp_request(ip("192.0.2.9"), PEER_MAC, ip("192.0.2.1")).frame()), Ok(()));
}

#[test]
fn a_reply_brings_a_failed_neighbour_back_and_nobody_asks_whether_it_was_asked_for_arp_47_arp_48_foot_17() {
    let (mut world, _) = world(&[]);
    let peer = ip("192.0.2.9");
    world.replace(peer, PEER_MAC, S::FAILED);
    world.run_for(ms(2000)); // past locktime
    assert_eq!(world.frame(&arp_reply(peer, OTHER_MAC).frame()), Ok(()));
    let entry = world.entry(peer);
    assert_eq!((entry.state, entry.lladdr), (S::REACHABLE, Some(OTHER_MAC.into())));
}

/// RFC row A6.
#[test]
fn a_request_from_a_host_that_is_sought_ends_the_search_arp_46() {
    let (mut world, _) = world(&[]);
    let peer = ip("192.0.2.9");
    let _ = world.send(peer, 7);
    world.expect_state(peer, S::INCOMPLETE);
    let _ = world.frame(&arp_request(peer, PEER_MAC, ip("192.0.2.1")).frame());
    assert_eq!(world.tags(), [7], "what waited is sent");
    // The packet used it at once.
    world.expect_state(peer, S::DELAY);
}

#[test]
fn the_subnet_s_broadcast_address_as_requester_is_answered_and_not_learned_for_unicast_arp_50() {
    let (mut world, _) = world(&[]);
    let sender = ip("192.0.2.255");
    assert!(answers(&mut world, &arp_request(sender, PEER_MAC, ip("192.0.2.1"))));
    assert_eq!(world.entry(sender).state, S::NOARP, "an entry for broadcast, which nobody resolves");
}

#[test]
fn there_is_no_conflict_detection_for_our_own_address_arp_57() {
    let (mut world, _) = world(&[]);
    // Somebody else says to be 192.0.2.1: neither told, nor defended.
    world.forget();
    let _ = world.frame(&arp_request(ip("192.0.2.1"), PEER_MAC, ip("192.0.2.1")).frame());
    let _ = world.frame(&arp_reply(ip("192.0.2.1"), PEER_MAC).frame());
    assert!(seen_by(&world, world.dev()).iter().all(|seen| !matches!(seen, Seen::Arp { request: true, .. })));
    assert!(world.hosts[0].events.iter().all(|event| !format!("{event:?}").contains("Duplicate")));
}

#[test]
fn frames_for_others_and_devices_without_arp_are_passed_over_arp_23() {
    let (mut world, eth1) = world(&[]);
    let mut frame = arp_request(ip("192.0.2.9"), PEER_MAC, ip("192.0.2.1"));
    frame.to = OTHER_MAC;
    assert_eq!(world.frame(&frame.frame()), Err(DropReason::OtherHost));
    let now = world.now;
    world.engine().set_noarp(now, eth1, true);
    let frame = arp_request(ip("198.51.100.9"), PEER_MAC, ip("198.51.100.1"));
    assert!(matches!(take(&mut world, eth1, &frame.frame()), Input::Dropped(DropReason::ArpNoarpDevice)));
    assert_eq!(world.count(Family::Inet), 0);
}
