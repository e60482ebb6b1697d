//! What neighbour discovery takes, learns and says: the decisions that no table of states covers, row by row
//! (ND-4 to ND-64).

use crate::common::frames::{self, ALL_NODES, Na, eth, mac_of, ns, ns_multicast, v6};
use crate::common::{MAC, OTHER_MAC, PEER_MAC, Seen, World, ip, lladdr, own, peer, prefix, secs};
use crate::support::{fe80, ra, router, seen_by};
use neighbour::{
    AddressOptions, AddressState, Config, Device, DropReason, Family, Flags, NewNeigh, NudState, RequestError,
};
use neighbour_wire::ethernet::ethertype;
use neighbour_wire::icmpv6;
use neighbour_wire::ipv6::solicited_node;
use neighbour_wire::ndisc::RouterAdvertRepr;
use std::net::Ipv6Addr;

use NudState as S;

/// An ND message of these bytes (checksum left open) from somewhere, with hop limit 255.
fn message(source: Ipv6Addr, destination: Ipv6Addr, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).expect("short").to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, len[0], len[1], 58, 255];
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(body);
    icmpv6::finish(&mut packet[40..], source, destination);
    eth(mac_of(destination), ethertype::IPV6, &packet)
}

/// The body of a message of this type: four bytes of its own, its target if it has one, options.
fn body(kind: u8, own: [u8; 4], target: Option<Ipv6Addr>, options: &[&[u8]]) -> Vec<u8> {
    let target = target.map(|t| t.octets().to_vec()).unwrap_or_default();
    [&[kind, 0, 0, 0], &own[..], &target, &options.concat()].concat()
}

/// An own address that is being checked, with the nonce of its first solicitation.
fn tentative(knobs: &[(&str, &str)]) -> (World, Ipv6Addr, [u8; 6]) {
    let mut world = World::linux(knobs);
    world.set("ipv6/conf/eth0/accept_dad", "1");
    let (now, dev) = (world.now, world.dev());
    let options = AddressOptions::default();
    world.engine().add_address(now, dev, prefix("2001:db8::77/64"), options).expect("a new address");
    world.run_for(secs(1));
    let nonce = seen_by(&world, dev).into_iter().find_map(|seen| match seen {
        Seen::Solicit { source: Ipv6Addr::UNSPECIFIED, nonce, .. } => nonce,
        _ => None,
    });
    (world, v6(ip("2001:db8::77")), nonce.expect("a first solicitation, with its nonce"))
}

fn is_duplicate(world: &World, address: Ipv6Addr) -> bool {
    let mut own = world.hosts[0].engine.addresses(world.dev());
    own.any(|a| a.prefix.address() == std::net::IpAddr::V6(address) && a.state == AddressState::Duplicate)
}

#[test]
fn the_group_that_is_asked_has_the_target_s_last_three_bytes_nd_4() {
    for (target, group) in [
        ("2001:db8::12:3456", "ff02::1:ff12:3456"),
        ("2001:db8::ffff:ffff", "ff02::1:ffff:ffff"),
        ("fe80::1", "ff02::1:ff00:1"),
    ] {
        let mut world = World::new();
        let _ = world.send(ip(target), 1);
        let asked = seen_by(&world, world.dev()).into_iter().find_map(|seen| match seen {
            Seen::Solicit { to, destination, .. } => Some((to, destination)),
            _ => None,
        });
        let group = v6(ip(group));
        assert_eq!(asked, Some((mac_of(group), group)), "{target}");
    }
}

#[test]
fn only_a_nonce_of_six_bytes_is_one_nd_23() {
    // The same bytes in an option of eight and in one of sixteen.
    for (units, ours) in [(1, true), (2, false)] {
        let (mut world, address, nonce) = tentative(&[]);
        let mut option = vec![14, units];
        option.extend(nonce);
        option.resize(usize::from(units) * 8, 0);
        let check = body(135, [0; 4], Some(address), &[&option]);
        let frame = message(Ipv6Addr::UNSPECIFIED, solicited_node(&address), &check);
        assert_eq!(world.frame(&frame), Ok(()));
        assert_eq!(
            is_duplicate(&world, address),
            !ours,
            "{units} units: our own, looped back, is no duplicate"
        );
    }
}

/// RFC rows D70, D73, N89.
#[test]
fn who_learns_from_advertisements_of_strangers_nd_45_nd_46() {
    let (near, far) = ("2001:db8::55", "2001:db8:9::55");
    // (forwarding, accept_untracked_na, source, with an address, learns)
    for (forwarding, accept, source, told, learns) in [
        ("1", "0", near, true, false),
        ("1", "1", near, true, true),
        ("1", "1", far, true, true),
        ("1", "1", near, false, false),
        ("0", "1", near, true, false),
        ("1", "2", near, true, true),
        ("1", "2", "fe80::55", true, true),
        ("1", "2", far, true, false),
    ] {
        for (solicited, router) in [(true, true), (false, false)] {
            let mut world = World::linux(&[("ipv6/conf/accept_untracked_na", accept)]);
            world.set("ipv6/conf/eth0/forwarding", forwarding);
            let stranger = ip(near);
            let mac = told.then_some(PEER_MAC);
            let destination = if solicited { v6(own(Family::Inet6)) } else { ALL_NODES };
            let source = v6(ip(source));
            let advert = Na { source, destination, solicited, router, ..frames::na(stranger, mac) };
            let taken = world.frame(&advert.frame());
            let case = format!("{forwarding} {accept} {source} {told} {solicited}");
            if !learns {
                assert_eq!((taken, world.info(stranger)), (Err(DropReason::NdIgnored), None), "{case}");
                continue;
            }
            let entry = world.entry(stranger);
            assert_eq!((entry.state, entry.lladdr), (S::STALE, lladdr(PEER_MAC)), "{case}: STALE even for S");
            assert_eq!(entry.flags.contains(Flags::ROUTER), router, "{case}");
        }
    }
}

#[test]
fn huge_times_of_a_router_do_not_overflow_nd_60() {
    let mut world = World::linux(&[]);
    let advert = RouterAdvertRepr {
        lifetime_s: 1800,
        reachable_ms: u32::MAX,
        retrans_ms: u32::MAX,
        ..RouterAdvertRepr::default()
    };
    assert_eq!(world.frame(&ra(fe80(7), &advert)), Ok(()));
    let engine = &world.hosts[0].engine;
    for name in ["base_reachable_time_ms", "retrans_time_ms", "gc_stale_time"] {
        let value = engine.get(&format!("ipv6/neigh/eth0/{name}")).expect("a parameter");
        assert!(value > 3600, "{name} = {value}: as long as can be, and never less than nothing");
    }
    // An idle entry is not collected for it.
    world.set("ipv6/gc_thresh1", "0");
    let peer = peer(Family::Inet6);
    world.replace(peer, PEER_MAC, S::STALE);
    world.run_for(secs(200));
    assert!(world.info(peer).is_some(), "GC-27");
}

#[test]
fn a_router_s_times_stay_where_its_own_address_cannot_be_read_nd_64_nd_18() {
    let mut world = World::linux(&[]);
    let source = fe80(7);
    // Retransmission 2 s; its own address in an option of sixteen bytes.
    let advert =
        [&[134, 0, 0, 0, 64, 0, 7, 8][..], &[0; 4], &2000_u32.to_be_bytes(), &[1, 2], &[2; 14]].concat();
    assert!(world.frame(&message(source, ALL_NODES, &advert)).is_err());
    assert_eq!(world.engine().get("ipv6/neigh/eth0/retrans_time_ms"), Ok(2000), "ND-58");
    let entry = world.entry(source.into());
    assert_eq!((entry.state, entry.lladdr), (S::NONE, None), "made, and nothing is known of it");
    assert!(entry.flags.contains(Flags::ROUTER), "ND-57");
}

#[test]
fn a_router_solicitation_always_clears_router_nd_53_foot_20_n43() {
    let peer = peer(Family::Inet6);
    // (its address, the known one's state before, still a router?)
    for (option, before, expected) in [
        (Some(PEER_MAC), S::REACHABLE, false),
        (None, S::REACHABLE, false),
        (Some(OTHER_MAC), S::STALE, false),
    ] {
        let (mut world, _) = router(&[]);
        let request = world.request(peer, Some(PEER_MAC), before);
        assert_eq!(world.admin(NewNeigh { flags: Flags::ROUTER, ..request }), Ok(()));
        let own = option.map(|mac| [&[1, 1][..], &mac].concat()).unwrap_or_default();
        let group = v6(ip("ff02::2"));
        let asks = message(v6(peer), group, &body(133, [0; 4], None, &[&own]));
        assert_eq!(world.frame(&asks), Ok(()));
        assert_eq!(world.entry(peer).flags.contains(Flags::ROUTER), expected, "{option:?}");
    }
}

#[test]
fn an_address_that_is_refused_leaves_the_router_flag_as_it_was_upd_9_foot_20() {
    // Another address, without O: what is known stays, R clear or not.
    for (before, after) in [(S::REACHABLE, S::STALE), (S::STALE, S::STALE), (S::DELAY, S::DELAY)] {
        for router in [true, false] {
            let mut world = World::new();
            let peer = peer(Family::Inet6);
            let flags = if router { Flags::ROUTER } else { Flags::empty() };
            let request = world.request(peer, Some(PEER_MAC), before);
            assert_eq!(world.admin(NewNeigh { flags, ..request }), Ok(()));
            let claim = Na { overrides: false, router: !router, ..frames::na(peer, Some(OTHER_MAC)) };
            let _ = world.frame(&claim.frame());
            let entry = world.entry(peer);
            assert_eq!((entry.state, entry.lladdr), (after, lladdr(PEER_MAC)), "{before}");
            assert_eq!(entry.flags.contains(Flags::ROUTER), router, "{before}");
        }
    }
}

#[test]
fn who_says_nothing_of_its_address_leaves_an_entry_of_none_behind_foot_21_nd_30_nd_62() {
    let none = |world: &World, address| {
        let entry = world.entry(address);
        assert_eq!((entry.state, entry.lladdr), (S::NONE, None), "{address}");
    };
    let peer = peer(Family::Inet6);
    let (mut world, _) = router(&[]);
    let own = own(Family::Inet6);
    // By unicast; the answer to it begins the resolution of the asker, so the answer must not be sent.
    world.set("ipv6/gc_thresh3", "1024");
    let asks = message(v6(peer), v6(ip("ff02::2")), &body(133, [0; 4], None, &[]));
    assert_eq!(world.frame(&asks), Ok(()));
    none(&world, peer);
    let mut world = World::linux(&[]);
    assert_eq!(world.frame(&ra(fe80(9), &RouterAdvertRepr::default())), Ok(()));
    none(&world, fe80(9).into());
    // To our group, without an address: no entry, no answer.
    let asks = ns(v6(peer), solicited_node(&v6(own)), v6(own), None, None);
    assert_eq!(world.frame(&asks), Err(DropReason::NdIgnored));
    assert_eq!(world.info(peer), None);
    // By unicast: an entry, which the answer at once asks for.
    let asks = ns(v6(peer), v6(own), v6(own), None, None);
    assert_eq!(world.frame(&asks), Ok(()));
    world.expect_state(peer, S::INCOMPLETE);
}

#[test]
fn without_room_for_the_asker_a_solicitation_is_not_answered_foot_15_nd_32() {
    let mut world = World::linux(&[]);
    for n in 1..=3 {
        world.set(&format!("ipv6/gc_thresh{n}"), "1");
    }
    world.replace(ip("2001:db8::50"), OTHER_MAC, S::REACHABLE);
    world.forget();
    let frame = ns_multicast(peer(Family::Inet6), PEER_MAC, own(Family::Inet6));
    assert_eq!(world.frame(&frame), Err(DropReason::NdIgnored));
    let adverts = seen_by(&world, world.dev());
    assert!(!adverts.iter().any(|seen| matches!(seen, Seen::Advert { .. })), "{adverts:?}");
}

/// The advertisement with which we answer the solicitation of `target`.
#[track_caller]
fn answered(world: &mut World, frame: &[u8]) -> (Ipv6Addr, Ipv6Addr, String, bool) {
    world.forget();
    assert_eq!(world.frame(frame), Ok(()));
    world.run_for(secs(2));
    let advert = seen_by(world, world.dev()).into_iter().find_map(|seen| match seen {
        Seen::Advert { source, destination, flags, lladdr, .. } => Some((source, destination, flags, lladdr)),
        _ => None,
    });
    advert.expect("an answer")
}

/// RFC rows N83, N84, N85, N86.
#[test]
fn an_answer_has_its_flags_and_address_by_how_it_was_asked_nd_10_nd_27_nd_28_nd_34() {
    let (us, peer) = (v6(own(Family::Inet6)), v6(peer(Family::Inet6)));
    for (forwarding, r) in [("0", "-"), ("1", "R")] {
        let mut world = World::linux(&[]);
        world.set("ipv6/conf/eth0/forwarding", forwarding);
        let multicast = ns(peer, solicited_node(&us), us, Some(PEER_MAC), None);
        assert_eq!(answered(&mut world, &multicast), (us, peer, format!("{r}SO"), true), "to the group");
        let unicast = ns(peer, us, us, Some(PEER_MAC), None);
        assert_eq!(answered(&mut world, &unicast), (us, peer, format!("{r}S-"), false), "by unicast");
        world.set("ipv6/conf/eth0/force_tllao", "1");
        assert_eq!(answered(&mut world, &unicast), (us, peer, format!("{r}S-"), true), "force_tllao");
        let check = ns(Ipv6Addr::UNSPECIFIED, solicited_node(&us), us, None, None);
        assert_eq!(answered(&mut world, &check), (us, ALL_NODES, format!("{r}-O"), true), "a check");
    }
}

#[test]
fn what_is_not_our_own_address_is_answered_from_one_that_fits_the_asker_nd_10_rfc_6724() {
    // (own addresses, asker, source of the answer)
    for (own, asker, source) in [
        (&["2001:db8:1::1/64", "2001:db8:2::1/64"][..], "2001:db8:1::9", "2001:db8:1::1"),
        (&["2001:db8:1::1/64", "2001:db8:2::1/64"], "2001:db8:2::9", "2001:db8:2::1"),
        (&["2001:db8:2::1/64", "2001:db8:1::1/64"], "2001:db8:2::9", "2001:db8:2::1"),
        (&["2001:db8:1::1/64", "fe80::1/64"], "fe80::9", "fe80::1"),
        (&["fe80::1/64", "2001:db8:1::1/64"], "2001:db8:9::9", "2001:db8:1::1"),
    ] {
        let device =
            own.iter().fold(Device::ethernet("eth0", MAC).link_local(false), |d, a| d.address(prefix(a)));
        let knobs = [("conf/forwarding", "1"), ("ipv6/conf/proxy_ndp", "1"), ("neigh/proxy_delay", "0")];
        let mut world = World::build(Config::default().seed(4), &knobs, device);
        let (now, dev) = (world.now, world.dev());
        let target = ip("2001:db8:ffff::1");
        let flags = Flags::PROXY;
        let proxy = neighbour::ProxyEntry {
            address: target,
            device: Some(dev),
            flags,
            protocol: 0,
            permanent: false,
        };
        world.engine().add_proxy(now, proxy).expect("a proxy entry");
        let (from, ..) = answered(&mut world, &ns_multicast(ip(asker), PEER_MAC, target));
        assert_eq!(from, v6(ip(source)), "{own:?} to {asker}");
    }
}

#[test]
fn solicitations_are_counted_by_how_they_came_nd_29() {
    let mut world = World::linux(&[]);
    let (us, peer) = (v6(own(Family::Inet6)), v6(peer(Family::Inet6)));
    let counted = |world: &World| {
        let stats = world.stats(Family::Inet6);
        (stats.rcv_probes_mcast, stats.rcv_probes_ucast)
    };
    let (multicast, unicast) = counted(&world);
    assert_eq!(world.frame(&ns(peer, solicited_node(&us), us, Some(PEER_MAC), None)), Ok(()));
    assert_eq!(counted(&world), (multicast + 1, unicast));
    assert_eq!(world.frame(&ns(peer, us, us, Some(PEER_MAC), None)), Ok(()));
    assert_eq!(counted(&world), (multicast + 1, unicast + 1));
}

#[test]
fn a_request_without_create_makes_nothing_nl_14() {
    let mut world = World::new();
    let peer = peer(Family::Inet6);
    let request = NewNeigh { create: false, ..world.request(peer, Some(PEER_MAC), S::STALE) };
    assert_eq!(world.admin(request), Err(RequestError::NotFound));
    assert_eq!(world.info(peer), None);
}

/// RFC row N17: what belongs to another message is passed over, not believed and not held against it.
#[test]
fn an_option_of_another_message_is_ignored() {
    let (us, peer) = (v6(own(Family::Inet6)), v6(peer(Family::Inet6)));
    let strange = [&[2, 1][..], &OTHER_MAC].concat();
    let own_option = [&[1, 1][..], &PEER_MAC].concat();
    let mut world = World::linux(&[]);
    let asks = body(135, [0; 4], Some(us), &[&strange, &own_option]);
    assert_eq!(world.frame(&message(peer, solicited_node(&us), &asks)), Ok(()));
    assert_eq!(world.entry(peer.into()).lladdr, lladdr(PEER_MAC), "a solicitation has a source's address");
    let claims = body(136, [0x60, 0, 0, 0], Some(peer), &[&own_option]);
    world.replace(peer.into(), OTHER_MAC, S::STALE);
    assert_eq!(world.frame(&message(peer, us, &claims)), Ok(()));
    let entry = world.entry(peer.into());
    assert_eq!((entry.state, entry.lladdr), (S::REACHABLE, lladdr(OTHER_MAC)), "an advertisement has none");
}

/// RFC rows N18, N40, N41, N42.
#[test]
fn router_solicitations_teach_routers_alone_and_from_nowhere_nothing_nd_52_nd_53() {
    let peer = v6(peer(Family::Inet6));
    let group = v6(ip("ff02::2"));
    let told = |mac: [u8; 6]| body(133, [0; 4], None, &[&[&[1, 1][..], &mac].concat()]);
    let mut host = World::linux(&[]);
    assert_eq!(host.frame(&message(peer, group, &told(PEER_MAC))), Err(DropReason::IpNotForUs));
    let to_us = message(peer, v6(own(Family::Inet6)), &told(PEER_MAC));
    assert_eq!(host.frame(&to_us), Err(DropReason::NdIgnored));
    assert_eq!(host.info(peer.into()), None, "a host");
    let (mut world, _) = router(&[]);
    let nowhere = message(Ipv6Addr::UNSPECIFIED, group, &body(133, [0; 4], None, &[]));
    assert_eq!(world.frame(&nowhere), Err(DropReason::NdIgnored));
    assert_eq!(world.info(Ipv6Addr::UNSPECIFIED.into()), None, "from nowhere");
    for mac in [PEER_MAC, OTHER_MAC] {
        world.replace(own(Family::Inet6), MAC, S::STALE);
        if world.info(peer.into()).is_some() {
            world.replace(peer.into(), PEER_MAC, S::REACHABLE);
        }
        assert_eq!(world.frame(&message(peer, group, &told(mac))), Ok(()));
        let entry = world.entry(peer.into());
        assert_eq!((entry.state, entry.lladdr), (S::STALE, lladdr(mac)));
    }
}

/// RFC row N73: the address of who asks is in each solicitation, by multicast and by unicast.
#[test]
fn who_asks_says_where_it_is() {
    let mut world = World::new();
    let peer = peer(Family::Inet6);
    world.replace(peer, PEER_MAC, S::PROBE);
    let _ = world.send(ip("2001:db8::99"), 1);
    world.run_for(secs(2));
    let asked: Vec<_> = seen_by(&world, world.dev())
        .into_iter()
        .filter_map(|seen| match seen {
            Seen::Solicit { destination, lladdr, .. } => Some((destination.is_multicast(), lladdr)),
            _ => None,
        })
        .collect();
    assert!(asked.contains(&(true, true)) && asked.contains(&(false, true)), "{asked:?}");
    assert!(asked.iter().all(|(_, lladdr)| *lladdr), "{asked:?}");
}

/// RFC rows N78, N79, N82, N90.
#[test]
fn what_is_nobody_s_business_teaches_nothing() {
    let (us, asker) = (v6(own(Family::Inet6)), peer(Family::Inet6));
    let mut world = World::linux(&[]);
    // For somebody else.
    let other = v6(ip("2001:db8::1:1"));
    let asks = ns(v6(asker), solicited_node(&other), other, Some(PEER_MAC), None);
    assert!(world.frame(&asks).is_err());
    assert_eq!((world.info(asker), world.take_sent()), (None, vec![]), "not for us");
    // A check of our address.
    let check = ns(Ipv6Addr::UNSPECIFIED, solicited_node(&us), us, None, None);
    assert_eq!(world.frame(&check), Ok(()));
    assert_eq!(world.info(Ipv6Addr::UNSPECIFIED.into()), None);
    // For us: STALE, no router; our answer makes it DELAY at once.
    let asks = ns(v6(asker), solicited_node(&us), us, Some(PEER_MAC), None);
    assert_eq!(world.frame(&asks), Ok(()));
    let entry = world.entry(asker);
    assert_eq!((entry.state, entry.lladdr), (S::DELAY, lladdr(PEER_MAC)));
    assert!(!entry.flags.contains(Flags::ROUTER));
    // An answer without an address to who is sought.
    let sought = ip("2001:db8::77");
    let _ = world.send(sought, 1);
    let _ = world.frame(&frames::na(sought, None).frame());
    assert_eq!((world.state(sought), world.entry(sought).lladdr), (S::INCOMPLETE, None));
}

/// RFC row N88.
#[test]
fn an_asker_whose_address_is_unknown_is_resolved_and_then_answered() {
    let mut world = World::linux(&[]);
    let (us, asker) = (v6(own(Family::Inet6)), peer(Family::Inet6));
    assert_eq!(world.frame(&ns(v6(asker), us, us, None, None)), Ok(()));
    let adverts = |world: &World| {
        let sent = seen_by(world, world.dev());
        sent.iter().filter(|seen| matches!(seen, Seen::Advert { to: PEER_MAC, .. })).count()
    };
    assert_eq!(adverts(&world), 0);
    assert_eq!(world.solicitations(asker).len(), 1);
    world.answer(asker, PEER_MAC);
    assert_eq!(adverts(&world), 1);
}

/// RFC rows N85, N87: the subnet-router anycast address is answered late, by all its routers, so without O.
#[test]
fn the_anycast_address_of_a_subnet_s_routers_is_answered_after_a_random_delay() {
    let (mut world, _) = router(&[]);
    let (anycast, asker) = (v6(ip("2001:db8::")), v6(peer(Family::Inet6)));
    world.forget();
    assert_eq!(world.frame(&ns(asker, solicited_node(&anycast), anycast, Some(PEER_MAC), None)), Ok(()));
    let adverts = |world: &World| -> Vec<String> {
        let sent = seen_by(world, world.dev()).into_iter();
        let flags = sent.filter_map(|seen| match seen {
            Seen::Advert { target, flags, .. } if target == anycast => Some(flags),
            _ => None,
        });
        flags.collect()
    };
    let waited = world.run_while(secs(2), |world| adverts(world).is_empty());
    assert!(waited < secs(1), "{waited:?}");
    assert_eq!(adverts(&world), ["RS-"]);
}

/// RFC row D40.
#[test]
fn what_we_say_has_no_fragment_header() {
    let mut world = World::linux(&[("conf/ndisc_notify", "1")]);
    let _ = world.send(peer(Family::Inet6), 1);
    let dev = world.dev();
    world.engine().announce_v6(dev, v6(own(Family::Inet6)));
    world.engine().solicit_routers(dev);
    world.settle();
    let frames = &world.hosts[0].frames;
    let nd: Vec<u8> =
        frames.iter().filter(|(_, _, f)| f[12..14] == [0x86, 0xdd]).map(|(.., f)| f[20]).collect();
    assert!(nd.len() >= 3, "{nd:?}");
    assert!(nd.iter().all(|next| *next == icmpv6::PROTOCOL), "{nd:?}");
}

/// RFC row A84.
#[test]
fn the_link_local_address_is_made_from_the_hardware_address_rfc_2464_4() {
    let device = Device::ethernet("eth0", [0x02, 0x11, 0x22, 0x33, 0x44, 0x55]);
    let world = World::build(Config::default(), &[], device);
    let own: Vec<_> = world.hosts[0].engine.addresses(world.dev()).map(|a| a.prefix.to_string()).collect();
    assert_eq!(own, ["fe80::11:22ff:fe33:4455/64"]);
}

/// RFC rows N55, N56.
#[test]
fn who_advertises_itself_as_a_router_is_one_nd_57_nd_63() {
    let source = fe80(7);
    let advert = |lladdr: Option<[u8; 6]>| {
        let source_lladdr = lladdr.map(Into::into);
        ra(source, &RouterAdvertRepr { lifetime_s: 1800, source_lladdr, ..RouterAdvertRepr::default() })
    };
    // (known before, its option, the state then, its address then)
    for (known, option, state, mac) in [
        (None, Some(PEER_MAC), S::STALE, PEER_MAC),
        (Some(S::REACHABLE), None, S::REACHABLE, PEER_MAC),
        (Some(S::REACHABLE), Some(PEER_MAC), S::REACHABLE, PEER_MAC),
        (Some(S::REACHABLE), Some(OTHER_MAC), S::STALE, OTHER_MAC),
    ] {
        let mut world = World::linux(&[]);
        if let Some(known) = known {
            world.replace(source.into(), PEER_MAC, known);
        }
        assert_eq!(world.frame(&advert(option)), Ok(()));
        let entry = world.entry(source.into());
        assert_eq!((entry.state, entry.lladdr), (state, lladdr(mac)), "{known:?} {option:?}");
        assert!(entry.flags.contains(Flags::ROUTER), "{known:?} {option:?}");
    }
}

#[test]
fn times_that_a_router_does_not_give_stay_as_they_are_nd_58_nd_59() {
    let mut world = World::linux(&[]);
    let times = |world: &World| {
        ["base_reachable_time_ms", "retrans_time_ms", "gc_stale_time"]
            .map(|name| world.hosts[0].engine.get(&format!("ipv6/neigh/eth0/{name}")).expect("a parameter"))
    };
    let before = times(&world);
    let advert = RouterAdvertRepr { lifetime_s: 1800, ..RouterAdvertRepr::default() };
    assert_eq!(world.frame(&ra(fe80(7), &advert)), Ok(()));
    assert_eq!(times(&world), before);
    // The same as before is no change, and no new draw.
    let drawn = |world: &World| world.hosts[0].engine.reachable_time(Family::Inet6, Some(world.dev()));
    let first = drawn(&world);
    let same = RouterAdvertRepr { reachable_ms: 30_000, ..advert };
    assert_eq!(world.frame(&ra(fe80(7), &same)), Ok(()));
    assert_eq!((times(&world), drawn(&world)), (before, first));
}

#[test]
fn an_optimistic_address_speaks_for_others_only_if_use_optimistic_says_so_rfc_4429() {
    for (switch, source) in [("0", "2001:db8:2::1"), ("1", "2001:db8:1::1")] {
        let knobs = [
            ("conf/forwarding", "1"),
            ("ipv6/conf/proxy_ndp", "1"),
            ("neigh/proxy_delay", "0"),
            ("ipv6/conf/default/accept_dad", "1"),
            ("ipv6/conf/use_optimistic", switch),
        ];
        let device = Device::ethernet("eth0", MAC).link_local(false).address(prefix("2001:db8:2::1/64"));
        let mut world = World::build(Config::default().seed(4), &knobs, device);
        world.run_for(secs(10));
        let (now, dev) = (world.now, world.dev());
        let target = ip("2001:db8:ffff::1");
        let (address, flags) = (target, Flags::PROXY);
        let proxy =
            neighbour::ProxyEntry { address, device: Some(dev), flags, protocol: 0, permanent: false };
        world.engine().add_proxy(now, proxy).expect("a proxy entry");
        world.run_for(secs(5));
        // Nearer to the asker, and being checked; two own ones that are not used are no source either.
        let now = world.now;
        let options = AddressOptions { optimistic: true, ..AddressOptions::default() };
        world.engine().add_address(now, dev, prefix("2001:db8:1::1/64"), options).expect("an address");
        let plain = AddressOptions::default();
        world.engine().add_address(now, dev, prefix("2001:db8:1::8/64"), plain).expect("an address");
        world.forget();
        let asks = ns_multicast(ip("2001:db8:1::9"), PEER_MAC, target);
        assert_eq!(world.frame(&asks), Ok(()));
        let from = seen_by(&world, dev).into_iter().find_map(|seen| match seen {
            Seen::Advert { source, .. } => Some(source),
            _ => None,
        });
        assert_eq!(from, Some(v6(ip(source))), "use_optimistic {switch}");
    }
}
