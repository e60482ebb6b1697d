//! Forwarding: what goes on, what does not, and which errors and redirects its sender is owed
//! (RFC 1812 sections 4.3 and 5, RFC 4443 section 2.4, RFC 4861 section 8.2, ND-69, QUE-8, RFC 6583).

use crate::common::frames::{eth, packet as tagged};
use crate::common::{BROADCAST, World, ip, ms, secs};
use crate::support::{
    Icmp, MAC_1, errors, mac, one_hop_on, packet, packets, pass, router, router_with_mtu, settled, take,
    to_us, v4, v6, with_fragment_field,
};
use neighbour::{DeviceId, DropReason, Family, Input, LlAddr, NudState, Route, Sent};
use neighbour_wire::ethernet::ethertype;
use neighbour_wire::ndisc::{Options, Redirect};
use neighbour_wire::{icmpv4, icmpv6, ipv4};

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;

/// Source, destination behind eth1, our address on eth0: of both families.
const PAIRS: [(&str, &str, &str); 2] =
    [("192.0.2.2", "198.51.100.9", "192.0.2.1"), ("2001:db8::2", "2001:db8:1::9", "2001:db8::1")];

/// A router whose neighbours are known: the source at `mac(2)` on eth0, the destination at `mac(9)` on eth1.
fn known_router(knobs: &[(&str, &str)], mtu: u32) -> (World, DeviceId) {
    let (mut world, eth1) = router_with_mtu(knobs, mtu);
    let eth0 = world.dev();
    for (source, destination, _) in PAIRS {
        settled(&mut world, eth0, source, 2);
        if mtu >= 1280 || ip(destination).is_ipv4() {
            settled(&mut world, eth1, destination, 9);
        }
    }
    (world, eth1)
}

fn route(world: &mut World, prefix: &str, via: &str) {
    let device = world.dev();
    let route = Route { prefix: crate::common::prefix(prefix), via: Some(ip(via)), device };
    assert_eq!(world.engine().add_route(route), Ok(()));
}

fn kinds(errors: &[Icmp]) -> Vec<(u8, u8)> {
    errors.iter().map(|e| (e.kind, e.code)).collect()
}

#[test]
fn a_packet_of_another_goes_on_with_one_hop_less_and_nothing_else_changed_rfc_1812() {
    let (mut world, eth1) = known_router(&[], 1500);
    for (source, destination, _) in PAIRS {
        world.forget();
        let sent = packet(source, destination, 2, 100);
        assert_eq!(pass(&mut world, &sent), Ok(Some(Sent::Sent)));
        assert_eq!(packets(&world, eth1), [(mac(9), one_hop_on(&sent))]);
        assert_eq!(packets(&world, world.dev()), [], "and nothing to its sender");
    }
}

#[test]
fn what_a_frame_carries_behind_the_packet_does_not_go_on() {
    let (mut world, eth1) = known_router(&[], 1500);
    for (source, destination, _) in PAIRS {
        world.forget();
        let sent = packet(source, destination, 64, 8);
        let padded: Vec<u8> = sent.iter().copied().chain([0xaa; 18]).collect();
        assert_eq!(pass(&mut world, &padded), Ok(Some(Sent::Sent)));
        assert_eq!(packets(&world, eth1), [(mac(9), one_hop_on(&sent))]);
    }
}

/// RFC row N126.
#[test]
fn a_host_forwards_nothing() {
    let (mut world, _) = known_router(&[("conf/forwarding", "0")], 1500);
    for (source, destination, _) in PAIRS {
        assert_eq!(pass(&mut world, &packet(source, destination, 64, 8)), Err(DropReason::IpNotForUs));
    }
    assert_eq!(world.sent(), [], "no error either (RFC 1122 section 3.2.2.1)");
}

#[test]
fn the_switch_of_the_device_it_comes_in_by_decides_sys_11() {
    let (mut world, eth1) = known_router(&[("conf/forwarding", "0")], 1500);
    world.set("ipv4/conf/eth1/forwarding", "1");
    world.set("ipv6/conf/eth1/forwarding", "1");
    for (source, destination, _) in PAIRS {
        assert!(pass(&mut world, &packet(source, destination, 64, 8)).is_err(), "in by eth0");
        let back = packet(destination, source, 64, 8);
        let kind = if ip(source).is_ipv4() { ethertype::IPV4 } else { ethertype::IPV6 };
        let frame = eth(MAC_1, kind, &back);
        assert_eq!(take(&mut world, eth1, &frame), Input::Forwarded(Sent::Sent), "in by eth1");
    }
}

#[test]
fn a_packet_in_a_broadcast_or_multicast_frame_is_not_forwarded_rfc_1812() {
    let (mut world, eth1) = known_router(&[], 1500);
    let dev = world.dev();
    for (source, destination, _) in PAIRS {
        let (kind, group) = match ip(source).is_ipv4() {
            true => (ethertype::IPV4, [1, 0, 0x5e, 0, 0, 1]),
            false => (ethertype::IPV6, [0x33, 0x33, 0, 0, 0, 1]),
        };
        for to in [BROADCAST, group] {
            for hops in [64, 1] {
                let frame = eth(to, kind, &packet(source, destination, hops, 8));
                let input = take(&mut world, dev, &frame);
                assert!(matches!(input, Input::Dropped(_)), "{to:?}: {input:?}");
            }
        }
    }
    assert_eq!((packets(&world, eth1), packets(&world, dev)), (vec![], vec![]));
}

#[test]
fn groups_and_directed_broadcasts_are_not_forwarded_rfc_1812_rfc_2644() {
    let (mut world, eth1) = known_router(&[], 1500);
    for (source, destination) in [
        ("192.0.2.2", "224.0.0.251"),
        ("192.0.2.2", "255.255.255.255"),
        ("192.0.2.2", "198.51.100.255"),
        ("2001:db8::2", "ff0e::1"),
        ("2001:db8::2", "ff02::1"),
    ] {
        let outcome = pass(&mut world, &packet(source, destination, 64, 8));
        assert!(!matches!(outcome, Ok(Some(_))), "{destination}: {outcome:?}");
    }
    assert_eq!(packets(&world, eth1), []);
    assert_eq!(errors(&world, world.dev()), []);
}

/// RFC row A27.
#[test]
fn sources_and_destinations_no_host_may_have_are_dropped_in_silence_rfc_1812_5_3_7() {
    let (mut world, eth1) = known_router(&[], 1500);
    route(&mut world, "0.0.0.0/0", "192.0.2.254");
    // The rest of 0/8 is unicast to Linux since 5.3.
    let mut passed = Vec::new();
    for (source, destination) in [
        ("0.0.0.0", "198.51.100.9"),
        ("127.0.0.1", "198.51.100.9"),
        ("224.0.0.1", "198.51.100.9"),
        ("255.255.255.255", "198.51.100.9"),
        ("192.0.2.1", "198.51.100.9"),
        ("198.51.100.1", "198.51.100.9"),
        ("192.0.2.2", "127.0.0.1"),
        ("192.0.2.2", "0.0.0.0"),
        ("::", "2001:db8:1::9"),
        ("::1", "2001:db8:1::9"),
        ("ff02::1", "2001:db8:1::9"),
        ("2001:db8::2", "::1"),
        ("2001:db8::2", "::"),
    ] {
        for hops in [64, 1] {
            if pass(&mut world, &packet(source, destination, hops, 8)).is_ok() {
                passed.push((source, destination));
            }
        }
    }
    assert_eq!(passed, []);
    assert_eq!((packets(&world, eth1), errors(&world, world.dev())), (vec![], vec![]));
}

/// RFC row A72.
#[test]
fn link_local_ipv4_stays_on_its_link_rfc_3927_section_7() {
    let (mut world, eth1) = known_router(&[], 1500);
    for (source, destination) in [("169.254.1.1", "198.51.100.9"), ("192.0.2.2", "169.254.1.1")] {
        assert_eq!(pass(&mut world, &packet(source, destination, 64, 8)), Err(DropReason::IpNotForUs));
    }
    assert_eq!((packets(&world, eth1), packets(&world, world.dev())), (vec![], vec![]));
}

#[test]
fn link_local_ipv6_stays_on_its_link_and_a_source_beyond_its_scope_is_told_rfc_4443() {
    let (mut world, eth1) = known_router(&[], 1500);
    let dev = world.dev();
    assert_eq!(pass(&mut world, &packet("2001:db8::2", "fe80::99", 64, 8)), Err(DropReason::IpNotForUs));
    settled(&mut world, dev, "fe80::2", 2);
    let sent = packet("fe80::2", "2001:db8:1::9", 64, 8);
    assert_eq!(pass(&mut world, &sent), Err(DropReason::IpBadSource));
    assert_eq!(kinds(&errors(&world, dev)), [(1, 2)], "beyond scope of source address");
    assert_eq!(packets(&world, eth1), []);
}

#[test]
fn a_hop_limit_that_runs_out_is_told_with_the_packet_as_it_came_rfc_1812_5_3_1_rfc_4443_3_3() {
    for hops in [0, 1] {
        let (mut world, eth1) = known_router(&[], 1500);
        let dev = world.dev();
        for ((source, destination, own), kind) in PAIRS.into_iter().zip([11, 3]) {
            world.forget();
            let sent = packet(source, destination, hops, 40);
            assert_eq!(pass(&mut world, &sent), Err(DropReason::TtlExceeded));
            let [error] = errors(&world, dev).try_into().expect("one error");
            let len = sent.len() + if kind == 11 { 28 } else { 48 };
            let expected = Icmp {
                to: mac(2),
                source: ip(own),
                destination: ip(source),
                kind,
                code: 0,
                rest: 0,
                quoted: sent,
                hops: 64,
                len,
            };
            assert_eq!(error, expected);
            assert_eq!(packets(&world, eth1), []);
        }
    }
}

#[test]
fn a_destination_without_a_route_is_told_rfc_1812_5_2_7_rfc_4443_3_1() {
    let (mut world, _) = known_router(&[], 1500);
    let dev = world.dev();
    for (source, destination, kind) in
        [("192.0.2.2", "203.0.113.1", (3, 0)), ("2001:db8::2", "2001:db8:ffff::1", (1, 0))]
    {
        world.forget();
        assert_eq!(pass(&mut world, &packet(source, destination, 64, 40)), Err(DropReason::NoRoute));
        assert_eq!(kinds(&errors(&world, dev)), [kind]);
        assert_eq!(errors(&world, dev)[0].rest, 0);
    }
}

#[test]
fn a_destination_behind_a_device_that_is_down_is_told() {
    let (mut world, eth1) = known_router(&[], 1500);
    let (now, dev) = (world.now, world.dev());
    world.engine().set_link(now, eth1, false);
    for ((source, destination, _), kind) in PAIRS.into_iter().zip([3, 1]) {
        world.forget();
        assert!(!matches!(pass(&mut world, &packet(source, destination, 64, 8)), Ok(Some(Sent::Sent))));
        let kinds: Vec<_> = errors(&world, dev).iter().map(|e| e.kind).collect();
        assert_eq!(kinds, [kind], "{destination}: unreachable");
    }
}

#[test]
fn of_two_devices_on_a_subnet_the_one_that_is_up_is_used() {
    let (mut world, _) = router(&[]);
    let now = world.now;
    let device = crate::common::ethernet("eth2", 9);
    let eth2 = world.engine().add_device(now, device).expect("a third device");
    let eth0 = world.dev();
    world.engine().set_link(now, eth0, false);
    world.run_for(secs(2));
    world.forget();
    for to in ["192.0.2.77", "2001:db8::77"] {
        let own = if ip(to).is_ipv4() { "192.0.2.9" } else { "2001:db8::9" };
        let now = world.now;
        let sent = world.engine().send_ip(now, tagged(ip(own), ip(to), 1), None);
        world.settle();
        assert_eq!(sent, Sent::Queued, "{to}");
        let asked = crate::support::seen_by(&world, eth2).iter().any(|seen| seen.solicits(ip(to)).is_some());
        assert!(asked, "{to} by eth2");
    }
}

#[test]
fn a_packet_longer_than_the_next_link_takes_is_told_its_mtu_rfc_1191_rfc_4443_3_2() {
    let (mut world, eth1) = known_router(&[], 1300);
    let dev = world.dev();
    for ((source, destination, _), kind) in PAIRS.into_iter().zip([(3, 4), (2, 0)]) {
        let header = if ip(source).is_ipv4() { 20 } else { 40 };
        world.forget();
        assert_eq!(pass(&mut world, &packet(source, destination, 64, 1300 - header)), Ok(Some(Sent::Sent)));
        assert_eq!((packets(&world, eth1).len(), errors(&world, dev)), (1, vec![]), "it just fits");
        let long = packet(source, destination, 64, 1301 - header);
        assert_eq!(pass(&mut world, &long), Err(DropReason::TooBig));
        assert_eq!(kinds(&errors(&world, dev)), [kind]);
        assert_eq!(errors(&world, dev)[0].rest, 1300, "the MTU of the next link");
        assert_eq!(packets(&world, eth1).len(), 1, "the first");
    }
}

#[test]
fn an_ipv4_packet_that_may_be_cut_is_cut_to_fit_rfc_791() {
    for (mtu, field) in [(576, 0), (599, 0), (68, 0), (600, MORE_FRAGMENTS | 7)] {
        let (mut world, eth1) = known_router(&[], mtu);
        let mut sent = packet("192.0.2.2", "198.51.100.9", 64, 1480);
        sent[4..6].copy_from_slice(&0xbeef_u16.to_be_bytes());
        let sent = with_fragment_field(sent, field);
        assert_eq!(pass(&mut world, &sent), Ok(Some(Sent::Sent)));
        let (mut next, mut whole) = (usize::from(field & 0x1fff) * 8, Vec::new());
        let parts = packets(&world, eth1);
        for (n, (to, part)) in parts.iter().enumerate() {
            let parsed = ipv4::Ipv4::parse(part).expect("a whole packet with a right checksum");
            assert!(part.len() <= mtu as usize, "MTU {mtu}: {}", part.len());
            assert_eq!((*to, parsed.ttl, &part[4..6]), (mac(9), 63, &[0xbe, 0xef][..]));
            assert_eq!(usize::from(parsed.fragment_offset), next, "MTU {mtu}, part {n}");
            let more = n + 1 < parts.len() || field & MORE_FRAGMENTS != 0;
            assert_eq!(part[6] & 0x20 != 0, more, "MTU {mtu}, part {n}: more fragments");
            next += parsed.payload.len();
            whole.extend_from_slice(parsed.payload);
        }
        assert_eq!(whole, sent[20..], "MTU {mtu}");
        assert_eq!(errors(&world, world.dev()), []);
    }
}

#[test]
fn an_error_is_no_longer_than_every_host_takes_rfc_1812_4_3_2_3_rfc_4443_2_4() {
    let (mut world, _) = known_router(&[], 1500);
    let dev = world.dev();
    for ((source, destination, _), most) in PAIRS.into_iter().zip([576, 1280]) {
        world.forget();
        let sent = packet(source, destination, 1, 1400);
        let _ = pass(&mut world, &sent);
        let [error] = errors(&world, dev).try_into().expect("one error");
        assert_eq!(error.len, most, "as much of the packet as fits");
        assert_eq!(error.quoted, sent[..error.quoted.len()]);
    }
}

/// RFC row A34.
#[test]
fn no_error_is_sent_about_errors_redirects_and_later_fragments_rfc_1122_3_2_2_rfc_4443_2_4() {
    let (mut world, _) = known_router(&[], 1500);
    let dev = world.dev();
    let icmp_v4 = |kind: u8| {
        let mut packet = packet("192.0.2.2", "198.51.100.9", 1, 16);
        packet[9] = icmpv4::PROTOCOL;
        packet[20] = kind;
        with_fragment_field(packet, DONT_FRAGMENT)
    };
    let icmp_v6 = |kind: u8| {
        let mut packet = packet("2001:db8::2", "2001:db8:1::9", 1, 16);
        packet[6] = icmpv6::PROTOCOL;
        packet[40] = kind;
        packet
    };
    // An error behind a destination options header is one, too.
    let mut behind_options = packet("2001:db8::2", "2001:db8:1::9", 1, 16);
    behind_options[6] = 60;
    behind_options[40..50].copy_from_slice(&[icmpv6::PROTOCOL, 0, 1, 4, 0, 0, 0, 0, 1, 3]);
    let later = with_fragment_field(packet("192.0.2.2", "198.51.100.9", 1, 16), 5);
    let quiet = [3, 4, 5, 11, 12].map(icmp_v4).into_iter().chain([1, 2, 3, 4, 127, 137].map(icmp_v6));
    for (n, packet) in quiet.chain([behind_options, later]).enumerate() {
        assert_eq!(pass(&mut world, &packet), Err(DropReason::TtlExceeded), "packet {n}");
        assert_eq!(errors(&world, dev), [], "packet {n}");
    }
    let first = with_fragment_field(packet("192.0.2.2", "198.51.100.9", 1, 16), MORE_FRAGMENTS);
    for packet in [icmp_v4(8), icmp_v4(0), icmp_v6(128), icmp_v6(129), first] {
        world.forget();
        let _ = pass(&mut world, &packet);
        assert_eq!(errors(&world, dev).len(), 1, "{packet:?}");
    }
}

#[test]
fn a_later_ipv6_fragment_that_is_too_big_is_told_rfc_4443_3_2() {
    let (mut world, _) = known_router(&[], 1300);
    let mut packet = packet("2001:db8::2", "2001:db8:1::9", 64, 1400);
    packet[6] = 44;
    packet[40..48].copy_from_slice(&[17, 0, 0x0b, 0xb9, 0, 0, 0, 1]);
    assert_eq!(pass(&mut world, &packet), Err(DropReason::TooBig));
    assert_eq!(kinds(&errors(&world, world.dev())), [(2, 0)], "IPv6 excepts no fragments");
}

/// RFC rows A32, A33, N76.
#[test]
fn a_neighbour_that_does_not_answer_is_told_to_the_sender_for_each_packet_que_7_que_8() {
    let (mut world, eth1) = router(&[("neigh/retrans_time_ms", "200")]);
    let dev = world.dev();
    for ((source, destination, own), kind) in PAIRS.into_iter().zip([(3, 1), (1, 3)]) {
        settled(&mut world, dev, source, 2);
        let sent: Vec<_> = (10..13).map(|len| packet(source, destination, 64, len)).collect();
        for packet in &sent {
            assert_eq!(pass(&mut world, packet), Ok(Some(Sent::Queued)));
        }
        assert_eq!(errors(&world, dev), [], "not before it has failed");
        world.run_for(secs(2));
        let errors = errors(&world, dev);
        assert_eq!(kinds(&errors), [kind; 3]);
        for (error, packet) in errors.iter().zip(&sent) {
            assert_eq!((error.source, error.destination, error.to), (ip(own), ip(source), mac(2)));
            assert_eq!(error.quoted, one_hop_on(packet), "oldest first");
        }
        assert_eq!(packets(&world, eth1), []);
        world.forget();
    }
}

#[test]
fn for_our_own_packets_there_is_an_event_and_nothing_on_the_wire_que_8() {
    let (mut world, _) = router(&[("neigh/retrans_time_ms", "200")]);
    for family in Family::BOTH {
        assert_eq!(world.send(crate::common::peer(family), 7), Sent::Queued);
        world.run_for(secs(2));
        assert_eq!(world.unreachable(), [7]);
        assert_eq!(errors(&world, world.dev()), []);
        world.forget();
    }
}

#[test]
fn an_error_waits_for_its_receiver_and_a_receiver_that_fails_makes_no_other_error() {
    let (mut world, _) = router(&[("neigh/retrans_time_ms", "200")]);
    let dev = world.dev();
    for (source, destination, _) in PAIRS {
        world.forget();
        assert_eq!(pass(&mut world, &packet(source, destination, 1, 8)), Err(DropReason::TtlExceeded));
        assert_eq!(errors(&world, dev), []);
        assert_eq!(world.solicitations(ip(source)).len(), 1, "its receiver is asked for first");
        world.answer(ip(source), mac(2));
        assert_eq!(errors(&world, dev).len(), 1);
        world.delete(ip(source)).expect("there");
        world.forget();
        assert_eq!(pass(&mut world, &packet(source, destination, 1, 8)), Err(DropReason::TtlExceeded));
        world.run_for(secs(5));
        assert_eq!(errors(&world, dev), [], "nobody is told of an error that could not be told");
    }
}

/// RFC row A35.
#[test]
fn a_better_first_hop_is_told_at_most_once_a_second_to_each_rfc_1812_5_2_7_2() {
    let (mut world, _) = known_router(&[], 1500);
    let dev = world.dev();
    settled(&mut world, dev, "192.0.2.3", 3);
    settled(&mut world, dev, "192.0.2.254", 254);
    route(&mut world, "203.0.113.0/24", "192.0.2.254");
    let sent = packet("192.0.2.2", "203.0.113.1", 64, 40);
    let redirects = |world: &World| errors(world, dev).iter().filter(|e| e.kind == 5).count();
    for (wait, expected) in [(0, 1), (500, 1), (490, 1), (110, 2), (900, 2), (200, 3)] {
        world.run_for(ms(wait));
        assert_eq!(pass(&mut world, &sent), Ok(Some(Sent::Sent)), "it goes on nevertheless");
        assert_eq!(redirects(&world), expected, "{wait} ms later");
    }
    let first = &errors(&world, dev)[0];
    assert_eq!((first.kind, first.code, first.rest), (5, 1, v4("192.0.2.254").to_bits()));
    assert_eq!((first.source, first.destination, first.to), (ip("192.0.2.1"), ip("192.0.2.2"), mac(2)));
    let forwarded = packets(&world, dev).iter().filter(|(to, _)| *to == mac(254)).count();
    assert_eq!(forwarded, 6);
    // Another receiver has its own second.
    let _ = pass(&mut world, &packet("192.0.2.3", "203.0.113.1", 64, 40));
    assert_eq!(redirects(&world), 4);
}

#[test]
fn no_ipv4_redirect_for_strangers_without_the_switch_or_about_errors() {
    let error = |mut packet: Vec<u8>| {
        packet[9] = icmpv4::PROTOCOL;
        packet[20] = 3;
        icmpv4::finish(&mut packet[20..]);
        with_fragment_field(packet, DONT_FRAGMENT)
    };
    let told = |switch: &str, packet: Vec<u8>| {
        let (mut world, _) = known_router(&[("ipv4/conf/send_redirects", switch)], 1500);
        let dev = world.dev();
        settled(&mut world, dev, "192.0.2.254", 254);
        route(&mut world, "203.0.113.0/24", "192.0.2.254");
        assert_eq!(pass(&mut world, &packet), Ok(Some(Sent::Sent)));
        errors(&world, dev).iter().any(|e| e.kind == 5)
    };
    let sent = packet("192.0.2.2", "203.0.113.1", 64, 40);
    assert!(told("1", sent.clone()));
    assert!(!told("0", sent.clone()), "send_redirects");
    assert!(!told("1", packet("198.51.100.7", "203.0.113.1", 64, 40)), "its sender is not on that subnet");
    assert!(!told("1", error(sent)), "RFC 1122 section 3.2.2");
}

/// The redirect of the first frame on eth0, with its target's address.
fn redirect(error: &Icmp) -> (std::net::Ipv6Addr, std::net::Ipv6Addr, Option<LlAddr>, Vec<u8>) {
    let bytes = [&[error.kind, error.code, 0, 0, 0, 0, 0, 0], &error.quoted[..]].concat();
    let parsed = Redirect::parse(&bytes).expect("a redirect is whole");
    let options = Options::parse(parsed.options).expect("its options are whole");
    let lladdr = options.target_lladdr.map(|o| LlAddr::new(&o[2..8]).expect("six bytes"));
    (parsed.target, parsed.destination, lladdr, options.redirected.expect("the packet")[8..].to_vec())
}

/// RFC row N121.
#[test]
fn an_ipv6_redirect_names_the_router_or_the_destination_itself_nd_69() {
    for (via, destination, target) in
        [(Some("fe80::254"), "2001:db8:ffff::1", "fe80::254"), (None, "2001:db8::77", "2001:db8::77")]
    {
        for known in [true, false] {
            let (mut world, _) = known_router(&[], 1500);
            let dev = world.dev();
            if let Some(via) = via {
                route(&mut world, "2001:db8:ffff::/48", via);
            }
            if known {
                settled(&mut world, dev, target, 77);
            }
            let sent = packet("2001:db8::2", destination, 64, 1400);
            let _ = pass(&mut world, &sent);
            let [error] = errors(&world, dev).try_into().expect("one redirect");
            assert_eq!((error.kind, error.code, error.hops), (137, 0, 255));
            assert_eq!(error.destination, ip("2001:db8::2"));
            assert_eq!(error.source, ip("fe80::ff:fe00:1"), "our link-local address");
            let (named, about, lladdr, quoted) = redirect(&error);
            assert_eq!((named, about), (v6(target), v6(destination)));
            assert_eq!(lladdr, known.then_some(mac(77).into()), "its address iff it is VALID");
            assert!(error.len <= 1280 && error.len > 1270, "{}: as much as fits", error.len);
            assert_eq!(quoted[8..], sent[8..quoted.len()], "the packet");
        }
    }
}

/// RFC row N120.
#[test]
fn ipv6_redirects_go_to_neighbours_only_once_a_second_and_never_name_a_global_router_nd_69() {
    let (mut world, _) = known_router(&[], 1500);
    let dev = world.dev();
    settled(&mut world, dev, "fe80::254", 254);
    settled(&mut world, dev, "2001:db8::254", 254);
    route(&mut world, "2001:db8:ffff::/48", "fe80::254");
    route(&mut world, "2001:db8:fffe::/48", "2001:db8::254");
    let redirects = |world: &World| errors(world, dev).len();
    let _ = pass(&mut world, &packet("2001:db8:9::2", "2001:db8:ffff::1", 64, 8));
    assert_eq!(redirects(&world), 0, "no neighbour");
    let _ = pass(&mut world, &packet("2001:db8::2", "2001:db8:fffe::1", 64, 8));
    assert_eq!(redirects(&world), 0, "a target that is not link-local");
    let sent = packet("2001:db8::2", "2001:db8:ffff::1", 64, 8);
    for (wait, expected) in [(0, 1), (900, 1), (200, 2), (900, 2)] {
        world.run_for(ms(wait));
        let _ = pass(&mut world, &sent);
        assert_eq!(redirects(&world), expected);
    }
}

#[test]
fn errors_have_one_budget_that_a_flood_uses_up_and_time_fills_again() {
    let (mut world, _) = known_router(&[], 1500);
    let dev = world.dev();
    let flood = |world: &mut World| {
        let before = errors(world, dev).len();
        for n in 0..2000 {
            let (source, destination, _) = PAIRS[n % 2];
            let _ = pass(world, &packet(source, destination, 1, 8));
        }
        errors(world, dev).len() - before
    };
    assert_eq!(flood(&mut world), 50, "at once");
    assert_eq!(flood(&mut world), 0);
    world.run_for(ms(20));
    assert_eq!(flood(&mut world), 20, "one each millisecond");
    world.run_for(secs(60));
    assert_eq!(flood(&mut world), 50, "no more is saved up");
    assert_eq!(world.drops(DropReason::TtlExceeded), 8000);
}

#[test]
fn a_scan_of_a_subnet_leaves_its_known_neighbours_alone_rfc_6583() {
    let knobs = [("neigh/base_reachable_time_ms", "3600000"), ("neigh/unres_qlen_bytes", "4096")];
    let (mut world, eth1) = router(&knobs);
    for n in 1..=3 {
        world.set(&format!("ipv6/gc_thresh{n}"), ["16", "32", "64"][n - 1]);
    }
    let dev = world.dev();
    settled(&mut world, dev, "2001:db8::2", 2);
    let known = ip("2001:db8:1::5");
    let now = world.now;
    let first = tagged(ip("2001:db8:1::1"), known, 1);
    let _ = world.engine().send(now, eth1, known, first);
    let answer = crate::common::frames::Na {
        overrides: true,
        destination: v6("2001:db8:1::1"),
        ..crate::common::frames::na(known, Some(mac(5)))
    };
    let mut frame = answer.frame();
    frame[..6].copy_from_slice(&MAC_1);
    assert_eq!(take(&mut world, eth1, &frame), Input::Consumed);
    for n in 0..4000u32 {
        let _ = pass(&mut world, &packet("2001:db8::2", &format!("2001:db8:1::1:{n:x}"), 64, 40));
        if n % 10 == 0 {
            world.run_for(ms(10));
        }
        assert!(world.count(Family::Inet6) <= 64 + 8, "{n}: {}", world.count(Family::Inet6));
    }
    assert_eq!(
        world.hosts[0].engine.neighbour(eth1, known).map(|n| n.state),
        Some(NudState::REACHABLE),
        "what was learned stays"
    );
    world.forget();
    let sent = packet("2001:db8::2", "2001:db8:1::5", 64, 40);
    assert_eq!(pass(&mut world, &sent), Ok(Some(Sent::Sent)));
    assert!(packets(&world, eth1).contains(&(mac(5), one_hop_on(&sent))));
}

#[test]
fn what_forwarding_cannot_parse_is_dropped_without_a_word() {
    let (mut world, eth1) = known_router(&[], 1500);
    for (source, destination, _) in PAIRS {
        let whole = packet(source, destination, 64, 30);
        for len in 0..whole.len() {
            let frame = if len == 0 { to_us(&whole)[..14].to_vec() } else { to_us(&whole[..len]) };
            let dev = world.dev();
            assert!(matches!(take(&mut world, dev, &frame), Input::Dropped(_)), "{len} bytes");
        }
    }
    assert_eq!((packets(&world, eth1), packets(&world, world.dev())), (vec![], vec![]));
}
