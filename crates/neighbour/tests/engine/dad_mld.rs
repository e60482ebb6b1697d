//! Duplicate address detection of own IPv6 addresses (ND-71 to ND-82, RFC 7527), and the groups that
//! neighbour discovery needs, told by MLD (RFC 3810).

use std::net::{IpAddr, Ipv6Addr};

use crate::common::frames::{self, ALL_NODES, Na, Seen};
use crate::common::{MAC, PEER_MAC, TICK, World, ip, lladdr, ms, peer, prefix, secs};
use neighbour::{
    AddressOptions, AddressState, Config, Device, DropReason, Event, EventKind, Family, Instant, LlAddr, Sent,
};
use neighbour_wire::icmpv6;
use neighbour_wire::ipv6::{self, solicited_node};

const ADDRESS: &str = "2001:db8::77";
const NOWHERE: Ipv6Addr = Ipv6Addr::UNSPECIFIED;
const LINK_LOCAL: &str = "fe80::ff:fe00:1";

fn own() -> Ipv6Addr {
    frames::v6(ip(ADDRESS))
}

/// A host with duplicate detection and these parameters, that has no IPv6 address yet.
fn world(knobs: &[(&str, &str)]) -> World {
    let knobs: Vec<_> = crate::common::KNOBS
        .iter()
        .chain(&[("ipv6/conf/default/accept_dad", "1")])
        .chain(knobs)
        .copied()
        .collect();
    let device = Device::ethernet("eth0", MAC).link_local(false).address(prefix("192.0.2.1/24"));
    World::build(Config::default().seed(5), &knobs, device)
}

/// The same with its link-local address in use.
fn world_with_link_local(knobs: &[(&str, &str)]) -> World {
    let mut world = world(knobs);
    world.add_address(&format!("{LINK_LOCAL}/64"));
    world.run_for(secs(4));
    assert_eq!(state(&world, LINK_LOCAL), Some(AddressState::Assigned));
    world.forget();
    world
}

fn add(world: &mut World, options: AddressOptions) -> Instant {
    let (now, dev) = (world.now, world.dev());
    assert_eq!(world.engine().add_address(now, dev, prefix(&format!("{ADDRESS}/64")), options), Ok(()));
    world.settle();
    now
}

fn state(world: &World, address: &str) -> Option<AddressState> {
    let host = &world.hosts[0];
    host.engine.addresses(host.dev).find(|a| a.address() == ip(address)).map(|a| a.state)
}

/// The solicitations of duplicate detection: when, and their nonces.
fn checks(world: &World) -> Vec<(Instant, Option<[u8; 6]>)> {
    let check = |at, seen: &Seen| match seen {
        Seen::Solicit { to, source: NOWHERE, destination, target, lladdr, nonce } if *target == own() => {
            assert!(!lladdr, "no source address option from :: (ND-7)");
            assert_eq!(*destination, solicited_node(&own()), "ND-75");
            assert_eq!(*to, frames::mac_of(*destination));
            Some((at, *nonce))
        }
        _ => None,
    };
    world.sent().iter().filter_map(|(at, seen)| check(*at, seen)).collect()
}

fn happened(world: &World, what: impl Fn(&EventKind) -> bool) -> usize {
    world.hosts[0].events.iter().filter(|event: &&Event| what(&event.kind)).count()
}

fn assigned(world: &World) -> usize {
    happened(
        world,
        |kind| matches!(kind, EventKind::AddressAssigned { address, .. } if *address == ip(ADDRESS)),
    )
}

/// Somebody else's check of our address.
fn their_check(nonce: Option<[u8; 6]>) -> Vec<u8> {
    frames::ns(NOWHERE, solicited_node(&own()), own(), None, nonce)
}

/// RFC rows D2, D4, D13.
/// Also ND-71.
#[test]
fn an_address_is_asked_for_from_nowhere_with_a_nonce_and_in_use_after_retrans_time_nd_74_nd_75_nd_77() {
    let mut world = world(&[]);
    let start = add(&mut world, AddressOptions::default());
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Tentative));
    world.run_while(secs(3), |w| checks(w).is_empty());
    assert!(world.now - start < secs(1), "within router_solicitation_delay");
    let asked = world.now;
    assert_ne!(checks(&world)[0].1, None, "enhanced_dad is on");
    world.run_while(secs(3), |w| state(w, ADDRESS) == Some(AddressState::Tentative));
    let passed = world.now - asked;
    assert!((ms(600)..=ms(600) + TICK).contains(&passed), "{passed:?}");
    assert_eq!((checks(&world).len(), assigned(&world)), (1, 1));
    assert_eq!(world.info(ip(ADDRESS)), None, "no entry for it");
    assert!(world.hosts[0].engine.is_local(ip(ADDRESS)));
}

#[test]
fn the_delay_and_the_nonce_are_drawn_nd_74() {
    let seen: std::collections::BTreeSet<_> = (0..8)
        .map(|seed| {
            let device = Device::ethernet("eth0", MAC).link_local(false);
            let knobs = [("ipv6/conf/default/accept_dad", "1")];
            let mut world = World::build(Config::default().seed(seed), &knobs, device);
            let start = add(&mut world, AddressOptions::default());
            world.run_for(secs(1));
            (checks(&world)[0].0 - start, checks(&world)[0].1)
        })
        .collect();
    assert_eq!(seen.len(), 8, "{seen:?}");
}

/// RFC row D1.
#[test]
fn dad_transmits_says_how_often_it_is_asked_nd_75() {
    for (transmits, expected) in [("0", 0), ("1", 1), ("3", 3)] {
        let mut world = world(&[("ipv6/conf/dad_transmits", transmits)]);
        add(&mut world, AddressOptions::default());
        world.run_for(secs(10));
        let times: Vec<_> = checks(&world).into_iter().map(|(at, _)| at).collect();
        assert_eq!(times.len(), expected, "dad_transmits {transmits}");
        for pair in times.windows(2) {
            assert!((ms(600)..=ms(600) + TICK).contains(&(pair[1] - pair[0])), "{times:?}");
        }
        assert_eq!(state(&world, ADDRESS), Some(AddressState::Assigned), "dad_transmits {transmits}");
    }
}

#[test]
fn without_need_the_address_is_in_use_at_once_nd_72() {
    let nodad = AddressOptions { nodad: true, ..AddressOptions::default() };
    for (knobs, options, noarp) in [
        (vec![("conf/accept_dad", "0")], AddressOptions::default(), false),
        (
            vec![("ipv6/conf/all/accept_dad", "-1"), ("ipv6/conf/eth0/accept_dad", "0")],
            AddressOptions::default(),
            false,
        ),
        (vec![], nodad, false),
        (vec![], AddressOptions::default(), true),
    ] {
        let mut world = world(&[]);
        knobs.iter().for_each(|(name, value)| world.set(name, value));
        let (now, dev) = (world.now, world.dev());
        world.engine().set_noarp(now, dev, noarp);
        add(&mut world, options);
        assert_eq!(state(&world, ADDRESS), Some(AddressState::Assigned), "{knobs:?} {options:?} {noarp}");
        assert_eq!(assigned(&world), 1);
        world.run_for(secs(5));
        assert_eq!(checks(&world), [], "{knobs:?} {options:?} {noarp}");
    }
}

/// RFC rows D7, D14.
#[test]
fn a_tentative_address_is_not_used_nd_24() {
    let mut world = world_with_link_local(&[]);
    add(&mut world, AddressOptions::default());
    let ask = frames::ns_multicast(peer(Family::Inet6), PEER_MAC, ip(ADDRESS));
    assert_eq!(world.frame(&ask), Err(DropReason::AddressTentative));
    assert_eq!(world.info(peer(Family::Inet6)), None, "who asks is not learned");
    let packet = frames::eth(MAC, 0x86dd, &frames::packet(peer(Family::Inet6), ip(ADDRESS), 1));
    assert_eq!(world.frame(&packet), Err(DropReason::IpNotForUs));
    // Nor is it a source to ask with (ND-13).
    world.forget();
    let (now, dev) = (world.now, world.dev());
    let packet = frames::packet(ip(ADDRESS), peer(Family::Inet6), 1);
    assert_eq!(world.engine().send(now, dev, peer(Family::Inet6), packet), Sent::Queued);
    world.settle();
    let sources = world.take_sent().into_iter().filter_map(|seen| match seen {
        Seen::Solicit { source, target, .. } if IpAddr::V6(target) == peer(Family::Inet6) => Some(source),
        _ => None,
    });
    assert_eq!(sources.map(IpAddr::V6).collect::<Vec<_>>(), [ip(LINK_LOCAL)]);
}

/// RFC rows D8, D11.
#[test]
fn another_s_check_makes_it_a_duplicate_that_is_told_and_never_used_nd_24_nd_80() {
    for asked_already in [false, true] {
        let mut world = world(&[]);
        add(&mut world, AddressOptions::default());
        if asked_already {
            world.run_while(secs(3), |w| checks(w).is_empty());
        }
        assert_eq!(world.frame(&their_check(Some([9; 6]))), Ok(()));
        assert_eq!(state(&world, ADDRESS), Some(AddressState::Duplicate));
        let told = |kind: &EventKind| matches!(kind, EventKind::AddressDuplicate { address, .. } if *address == ip(ADDRESS));
        assert_eq!(happened(&world, told), 1);
        world.forget();
        world.run_for(secs(60));
        assert_eq!((checks(&world), assigned(&world)), (vec![], 0));
        assert!(!world.hosts[0].engine.is_local(ip(ADDRESS)));
        // Neither answered for nor defended, and told of once.
        assert_eq!(world.frame(&their_check(None)), Err(DropReason::AddressTentative));
        let ask = frames::ns_multicast(peer(Family::Inet6), PEER_MAC, ip(ADDRESS));
        assert_eq!(world.frame(&ask), Err(DropReason::AddressTentative));
        assert_eq!(happened(&world, told), 0);
        assert!(!world.sent().iter().any(|(_, seen)| matches!(seen, Seen::Advert { .. })));
    }
}

/// RFC row D9.
#[test]
fn an_advertisement_makes_it_a_duplicate_with_the_owner_s_address_nd_43_nd_80() {
    let mut world = world(&[]);
    add(&mut world, AddressOptions::default());
    let na = Na { solicited: false, destination: ALL_NODES, ..frames::na(ip(ADDRESS), Some(PEER_MAC)) };
    assert_eq!(world.frame(&na.frame()), Ok(()));
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Duplicate));
    let owner = |kind: &EventKind| matches!(kind, EventKind::AddressDuplicate { lladdr: l, .. } if *l == lladdr(PEER_MAC));
    assert_eq!(happened(&world, owner), 1);
}

/// RFC rows D8, D31.
#[test]
fn our_own_check_looped_back_is_known_by_its_nonce_rfc_7527_nd_24() {
    let mut world = world(&[]);
    add(&mut world, AddressOptions::default());
    world.run_while(secs(3), |w| checks(w).is_empty());
    let nonce = checks(&world)[0].1;
    assert_eq!(world.frame(&their_check(nonce)), Ok(()), "ignored");
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Tentative));
    world.run_for(secs(2));
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Assigned));
}

#[test]
fn on_a_device_that_is_down_a_new_address_stays_tentative_until_it_comes_up_nd_73() {
    let mut world = world(&[]);
    let (now, dev) = (world.now, world.dev());
    world.engine().set_link(now, dev, false);
    add(&mut world, AddressOptions::default());
    world.run_for(secs(20));
    assert_eq!((state(&world, ADDRESS), checks(&world)), (Some(AddressState::Tentative), vec![]));
    let now = world.now;
    world.engine().set_link(now, dev, true);
    world.run_for(secs(5));
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Assigned));
}

/// RFC row D6: before the first solicitation is out, what others say is heard already.
#[test]
fn another_s_check_during_the_first_delay_counts() {
    let mut world = world(&[]);
    add(&mut world, AddressOptions::default());
    assert_eq!(checks(&world), [], "nothing was said yet");
    assert_eq!(world.frame(&their_check(Some([9; 6]))), Ok(()));
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Duplicate));
}

/// RFC row D22.
#[test]
fn the_switch_for_optimistic_addresses_counts_on_hosts_alone() {
    for (forwarding, expected) in [("0", AddressState::Optimistic), ("1", AddressState::Tentative)] {
        let mut world = world(&[("ipv6/conf/optimistic_dad", "1")]);
        world.set("ipv6/conf/all/forwarding", forwarding);
        add(&mut world, AddressOptions::default());
        assert_eq!(state(&world, ADDRESS), Some(expected), "forwarding {forwarding}");
    }
}

/// RFC row D10: a check that came from off the link is none.
#[test]
fn a_check_that_is_not_valid_makes_no_duplicate() {
    let mut world = world(&[]);
    add(&mut world, AddressOptions::default());
    let mut routed = their_check(Some([9; 6]));
    routed[14 + 7] = 254;
    assert!(world.frame(&routed).is_err());
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Tentative));
}

/// RFC row D33.
#[test]
fn without_enhanced_dad_there_is_no_nonce_and_a_loop_is_a_duplicate_nd_74() {
    let mut world = world(&[("ipv6/conf/enhanced_dad", "0")]);
    add(&mut world, AddressOptions::default());
    world.run_while(secs(3), |w| checks(w).is_empty());
    assert_eq!(checks(&world)[0].1, None);
    assert_eq!(world.frame(&their_check(None)), Ok(()));
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Duplicate));
}

#[test]
fn a_nonce_of_zeros_is_nobody_s_nd_24() {
    let mut world = world(&[("ipv6/conf/enhanced_dad", "0")]);
    add(&mut world, AddressOptions::default());
    assert_eq!(world.frame(&their_check(Some([0; 6]))), Ok(()));
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Duplicate));
}

/// RFC rows D20, D21.
#[test]
fn an_optimistic_address_is_used_with_care_nd_76_nd_24() {
    let mut world = world_with_link_local(&[]);
    let options = AddressOptions { optimistic: true, ..AddressOptions::default() };
    let start = add(&mut world, options);
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Optimistic));
    let ask = frames::ns_multicast(peer(Family::Inet6), PEER_MAC, ip(ADDRESS));
    assert_eq!(world.frame(&ask), Ok(()));
    let flags: Vec<_> = world
        .take_sent()
        .into_iter()
        .filter_map(|seen| match seen {
            Seen::Advert { target, flags, .. } if target == own() => Some(flags),
            _ => None,
        })
        .collect();
    assert_eq!(flags, ["-S-"], "O = 0");
    world.run_for(TICK);
    assert!(checks(&world).iter().all(|(at, _)| *at - start <= TICK) && checks(&world).len() <= 1);
    world.run_for(secs(2));
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Assigned));
}

/// RFC row D24.
#[test]
fn an_optimistic_address_can_be_a_duplicate_nd_24() {
    let mut world = world(&[]);
    add(&mut world, AddressOptions { optimistic: true, ..AddressOptions::default() });
    assert_eq!(world.frame(&their_check(Some([9; 6]))), Ok(()));
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Duplicate));
}

#[test]
fn an_address_in_use_is_defended_against_checks_nd_28() {
    let mut world = world_with_link_local(&[]);
    add(&mut world, AddressOptions::default());
    world.run_for(secs(3));
    world.forget();
    assert_eq!(world.frame(&their_check(Some([9; 6]))), Ok(()));
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Assigned));
    let adverts: Vec<_> =
        world.take_sent().into_iter().filter(|seen| matches!(seen, Seen::Advert { .. })).collect();
    let expected = Seen::Advert {
        to: frames::mac_of(ALL_NODES),
        source: own(),
        destination: ALL_NODES,
        target: own(),
        flags: "--O".into(),
        lladdr: true,
    };
    assert_eq!(adverts, [expected]);
    assert_eq!(
        world.hosts[0].engine.neighbours(Family::Inet6).filter(|n| !n.address.is_multicast()).count(),
        0
    );
}

/// RFC row D15.
#[test]
fn somebody_who_advertises_an_address_in_use_is_told_of_and_ignored_nd_43() {
    let mut world = world_with_link_local(&[]);
    let na = Na { solicited: false, destination: ALL_NODES, ..frames::na(ip(LINK_LOCAL), Some(PEER_MAC)) };
    assert_eq!(world.frame(&na.frame()), Err(DropReason::NdIgnored));
    let conflict = |kind: &EventKind| {
        matches!(kind, EventKind::AddressConflict { address, lladdr: l, .. }
            if *address == ip(LINK_LOCAL) && *l == lladdr(PEER_MAC))
    };
    assert_eq!(happened(&world, conflict), 1);
    assert_eq!(state(&world, LINK_LOCAL), Some(AddressState::Assigned));
}

#[test]
fn completion_is_announced_if_ndisc_notify_says_so_nd_78() {
    for (notify, optimistic, expected) in [("0", false, 0), ("1", false, 1), ("1", true, 0)] {
        let mut world = world_with_link_local(&[]);
        world.set("ipv6/conf/eth0/ndisc_notify", notify);
        add(&mut world, AddressOptions { optimistic, ..AddressOptions::default() });
        world.run_for(secs(3));
        let announced = |seen: &Seen| {
            matches!(seen, Seen::Advert { destination: ALL_NODES, target, flags, lladdr: true, .. }
                if *target == own() && flags == "--O")
        };
        let count = world.sent().iter().filter(|(_, seen)| announced(seen)).count();
        assert_eq!(count, expected, "ndisc_notify {notify}, optimistic {optimistic}");
    }
}

/// When routers were told of our address, with the flags.
fn told_to_routers(world: &World) -> Vec<(Instant, String)> {
    const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
    let told = |at, seen: &Seen| match seen {
        Seen::Advert { source, destination: ALL_ROUTERS, target, flags, lladdr: true, to }
            if *target == own() =>
        {
            assert_eq!((*source, *to), (own(), frames::mac_of(ALL_ROUTERS)));
            Some((at, flags.clone()))
        }
        _ => None,
    };
    world.sent().iter().filter_map(|(at, seen)| told(*at, seen)).collect()
}

/// RFC row D71.
#[test]
fn routers_are_told_of_a_new_address_as_often_as_gratuitous_na_says() {
    for (wanted, nodad) in [(0, false), (1, false), (3, false), (3, true)] {
        let mut world = world_with_link_local(&[("ipv6/conf/gratuitous_na", &wanted.to_string())]);
        add(&mut world, AddressOptions { nodad, ..AddressOptions::default() });
        world.run_while(secs(3), |world| state(world, ADDRESS) != Some(AddressState::Assigned));
        let assigned = world.now;
        world.run_for(secs(5));
        let told = told_to_routers(&world);
        // retrans_time is 600 ms in this world.
        let times: Vec<_> = told.iter().map(|(at, _)| at.duration_since(assigned)).collect();
        assert_eq!(times, (0..wanted).map(|n| ms(600) * n).collect::<Vec<_>>());
        assert!(told.iter().all(|(_, flags)| flags == "--O"), "{told:?}");
    }
    // Nobody but this link cares for a link-local address; and who has lost an address speaks of it no more.
    let mut world = world(&[("ipv6/conf/gratuitous_na", "3")]);
    world.add_address(&format!("{LINK_LOCAL}/64"));
    add(&mut world, AddressOptions { nodad: true, ..AddressOptions::default() });
    assert_eq!(told_to_routers(&world).len(), 1);
    let (now, dev) = (world.now, world.dev());
    assert_eq!(world.engine().remove_address(now, dev, ip(ADDRESS)), Ok(()));
    world.run_for(secs(5));
    assert_eq!(told_to_routers(&world).len(), 1);
    let adverts = world.sent().iter().filter(|(_, seen)| matches!(seen, Seen::Advert { .. })).count();
    assert_eq!(adverts, 1);
}

/// RFC row D71.
#[test]
fn of_an_optimistic_address_routers_are_told_at_once_without_overriding() {
    let mut world = world_with_link_local(&[("ipv6/conf/gratuitous_na", "3")]);
    let start = add(&mut world, AddressOptions { optimistic: true, ..AddressOptions::default() });
    world.run_for(secs(5));
    let told = told_to_routers(&world);
    assert_eq!(told.len(), 3);
    assert_eq!((told[0].0, told[0].1.as_str()), (start, "---"));
    assert_eq!(told[2].1, "--O", "assigned by then");
}

/// RFC row D12.
#[test]
fn a_duplicate_of_the_link_local_address_from_the_mac_ends_ipv6_if_accept_dad_is_2_nd_81() {
    for (accept_dad, off) in [("1", false), ("2", true)] {
        let mut world = world(&[("ipv6/conf/default/accept_dad", accept_dad)]);
        world.add_address(&format!("{LINK_LOCAL}/64"));
        let target = frames::v6(ip(LINK_LOCAL));
        let check = frames::ns(NOWHERE, solicited_node(&target), target, None, Some([9; 6]));
        assert_eq!(world.frame(&check), Ok(()));
        assert_eq!(world.engine().get("ipv6/conf/eth0/disable_ipv6"), Ok(i64::from(off)), "{accept_dad}");
        let expected = if off { None } else { Some(AddressState::Duplicate) };
        assert_eq!(state(&world, LINK_LOCAL), expected, "{accept_dad}");
    }
}

#[test]
fn an_interrupted_check_begins_anew_nd_82() {
    let mut world = world(&[]);
    add(&mut world, AddressOptions::default());
    world.run_while(secs(3), |w| checks(w).is_empty());
    let (now, dev) = (world.now, world.dev());
    world.engine().set_link(now, dev, false);
    world.run_for(secs(10));
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Tentative), "not by time alone");
    world.forget();
    let now = world.now;
    world.engine().set_link(now, dev, true);
    world.run_for(secs(3));
    assert_eq!(checks(&world).len(), 1);
    assert_eq!(state(&world, ADDRESS), Some(AddressState::Assigned));
}

#[test]
fn a_removed_address_is_not_asked_for_any_more() {
    let mut world = world(&[]);
    add(&mut world, AddressOptions::default());
    let (now, dev) = (world.now, world.dev());
    assert_eq!(world.engine().remove_address(now, dev, ip(ADDRESS)), Ok(()));
    world.forget();
    world.run_for(secs(10));
    assert_eq!((checks(&world), assigned(&world)), (vec![], 0));
}

#[test]
fn of_two_hosts_with_one_address_the_second_gives_way() {
    let mut first = world_with_link_local(&[]);
    let second = {
        let knobs: Vec<_> = crate::common::KNOBS.iter().chain(&[("conf/accept_dad", "1")]).copied().collect();
        World::build(Config::default().seed(6), &knobs, crate::common::ethernet("eth0", 2))
    };
    add(&mut first, AddressOptions::default());
    first.run_for(secs(4));
    first.hosts.extend(second.hosts);
    let (now, dev) = (first.now, first.hosts[1].dev);
    let options = AddressOptions::default();
    let added = first.hosts[1].engine.add_address(now, dev, prefix(&format!("{ADDRESS}/64")), options);
    assert_eq!(added, Ok(()));
    first.run_for(secs(4));
    assert_eq!(state(&first, ADDRESS), Some(AddressState::Assigned));
    let theirs = first.hosts[1].engine.addresses(dev).find(|a| a.address() == ip(ADDRESS)).map(|a| a.state);
    assert_eq!(theirs, Some(AddressState::Duplicate));
}

// Groups.

/// When a report left, from where, and its records: type and group.
type Report = (Instant, Ipv6Addr, Vec<(u8, Ipv6Addr)>);

/// The reports since the last `forget`.
fn reports(world: &World) -> Vec<Report> {
    let report = |at, seen: Seen| match seen {
        Seen::Report { source, records } => Some((at, source, records)),
        _ => None,
    };
    world.sent().into_iter().filter_map(|(at, seen)| report(at, seen)).collect()
}

const JOINED: u8 = 4;
const LEFT: u8 = 3;
const MEMBER: u8 = 2;

/// RFC row D3.
#[test]
fn a_group_is_reported_at_once_and_once_more_within_a_second_rfc_3810_6_1() {
    let mut world = world_with_link_local(&[]);
    let start = add(&mut world, AddressOptions { nodad: true, ..AddressOptions::default() });
    world.run_for(secs(10));
    let seen = reports(&world);
    assert_eq!(seen.len(), 2, "{seen:?}");
    for (at, source, records) in &seen {
        assert!(*at - start <= secs(1));
        assert_eq!(IpAddr::V6(*source), ip(LINK_LOCAL));
        assert_eq!(*records, [(JOINED, solicited_node(&own()))]);
    }
    assert_eq!(seen[0].0, start);
    let report = |frame: &[u8]| matches!(frames::decode(frame), Seen::Report { .. });
    let mut sent = world.hosts[0].frames.iter().filter(|(_, _, frame)| report(frame));
    assert!(
        sent.all(|(_, _, frame)| frame.starts_with(&[0x33, 0x33, 0, 0, 0, 0x16])),
        "to all MLDv2 routers"
    );
}

#[test]
fn reports_come_from_nowhere_until_a_link_local_address_is_in_use_and_then_again_from_it_rfc_3590() {
    let mut world = world(&[]);
    world.add_address(&format!("{LINK_LOCAL}/64"));
    assert_eq!(reports(&world)[0].1, NOWHERE);
    world.run_for(secs(10));
    let group = solicited_node(&frames::v6(ip(LINK_LOCAL)));
    let with_source = |(_, source, records): &Report| {
        IpAddr::V6(*source) == ip(LINK_LOCAL) && records.iter().any(|(_, g)| *g == group)
    };
    assert!(reports(&world).iter().any(with_source), "routers ignore reports from ::");
}

/// RFC row N70.
#[test]
fn a_group_of_two_addresses_is_left_with_the_second() {
    let mut world = world_with_link_local(&[]);
    let group = solicited_node(&own());
    let twin = "2001:db8:1::77";
    world.add_address(&format!("{ADDRESS}/64"));
    world.run_for(secs(3));
    world.forget();
    world.add_address(&format!("{twin}/64"));
    world.run_for(secs(3));
    let joined = |w: &World| reports(w).iter().filter(|(_, _, r)| r.contains(&(JOINED, group))).count();
    assert_eq!(joined(&world), 0, "it is joined already");
    let (now, dev) = (world.now, world.dev());
    for (address, left) in [(ADDRESS, 0), (twin, 1)] {
        world.forget();
        assert_eq!(world.engine().remove_address(now, dev, ip(address)), Ok(()));
        world.settle();
        let gone = reports(&world).iter().filter(|(_, _, r)| r.contains(&(LEFT, group))).count();
        assert_eq!(gone, left, "{address}");
    }
}

/// RFC row N70.
#[test]
fn the_link_must_hear_the_groups_that_were_joined() {
    let mut world = world(&[]);
    let groups = |w: &World| -> Vec<LlAddr> { w.hosts[0].engine.link_groups(w.dev()) };
    let mac = LlAddr::from([0x33, 0x33, 0xff, 0, 0, 0x77]);
    assert_eq!(groups(&world), [LlAddr::from([0x33, 0x33, 0, 0, 0, 1])], "all nodes always");
    add(&mut world, AddressOptions::default());
    assert!(groups(&world).contains(&mac));
    assert!(happened(&world, |kind| matches!(kind, EventKind::GroupsChanged { .. })) > 0);
    world.forget();
    let (now, dev) = (world.now, world.dev());
    assert_eq!(world.engine().remove_address(now, dev, ip(ADDRESS)), Ok(()));
    world.settle();
    assert!(!groups(&world).contains(&mac));
    assert!(happened(&world, |kind| matches!(kind, EventKind::GroupsChanged { .. })) > 0);
}

#[test]
fn what_is_sent_to_a_group_nobody_joined_is_not_for_us() {
    let mut world = world_with_link_local(&[]);
    let stranger = frames::v6(ip("2001:db8::1234"));
    let ask =
        frames::ns(frames::v6(ip("fe80::9")), solicited_node(&stranger), stranger, Some(PEER_MAC), None);
    assert_eq!(world.frame(&ask), Err(DropReason::IpNotForUs));
}

#[test]
fn quiet_devices_report_nothing() {
    for device in [Device::loopback("lo"), Device::ethernet("eth0", MAC).noarp(true)] {
        let mut world = World::build(Config::default(), &[], device);
        add(&mut world, AddressOptions::default());
        world.run_for(secs(5));
        assert_eq!(reports(&world), []);
    }
}

#[test]
fn groups_are_reported_again_when_the_device_comes_up() {
    let mut world = world_with_link_local(&[]);
    let (now, dev) = (world.now, world.dev());
    world.engine().set_link(now, dev, false);
    world.settle();
    world.forget();
    world.engine().set_link(now, dev, true);
    world.run_for(secs(5));
    let group = solicited_node(&frames::v6(ip(LINK_LOCAL)));
    assert!(reports(&world).iter().any(|(_, _, records)| records.contains(&(JOINED, group))));
}

/// A router's query; `v1` is that of RFC 2710.
fn query(source: &str, group: Ipv6Addr, max_delay_ms: u16, v1: bool) -> Vec<u8> {
    let source = frames::v6(ip(source));
    let destination = if group.is_unspecified() { ALL_NODES } else { group };
    let mut message = vec![icmpv6::kind::MLD_QUERY, 0, 0, 0];
    message.extend_from_slice(&max_delay_ms.to_be_bytes());
    message.extend_from_slice(&[0, 0]);
    message.extend_from_slice(&group.octets());
    if !v1 {
        message.extend_from_slice(&[2, 125, 0, 0]);
    }
    icmpv6::finish(&mut message, source, destination);
    let mut packet = Vec::new();
    ipv6::emit_header(&mut packet, source, destination, 0, 1, 0, 8 + message.len());
    packet.extend_from_slice(&[icmpv6::PROTOCOL, 0, 5, 2, 0, 0, 1, 0]);
    packet.extend_from_slice(&message);
    frames::eth(frames::mac_of(destination), 0x86dd, &packet)
}

#[test]
fn a_query_is_answered_for_all_groups_within_its_delay_rfc_3810_5_1_3() {
    let mut world = world_with_link_local(&[]);
    add(&mut world, AddressOptions::default());
    world.run_for(secs(3));
    world.forget();
    let start = world.now;
    assert_eq!(world.frame(&query("fe80::9", NOWHERE, 2000, false)), Ok(()));
    assert_eq!(world.frame(&query("fe80::9", NOWHERE, 2000, false)), Ok(()), "a second one changes nothing");
    world.run_for(secs(10));
    let seen = reports(&world);
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].0 - start <= secs(2));
    let mut groups: Vec<_> = seen[0].2.clone();
    groups.sort();
    let mut expected = [LINK_LOCAL, ADDRESS].map(|a| (MEMBER, solicited_node(&frames::v6(ip(a)))));
    expected.sort();
    assert_eq!(groups, expected);
}

#[test]
fn a_query_for_one_group_is_answered_by_its_members() {
    let mut world = world_with_link_local(&[]);
    let group = solicited_node(&frames::v6(ip(LINK_LOCAL)));
    assert_eq!(world.frame(&query("fe80::9", group, 100, false)), Ok(()));
    world.run_for(secs(1));
    assert!(reports(&world).iter().any(|(_, _, records)| records.contains(&(MEMBER, group))));
    world.forget();
    let stranger = solicited_node(&own());
    assert_eq!(world.frame(&query("fe80::9", stranger, 100, false)), Err(DropReason::IpNotForUs));
    world.run_for(secs(1));
    assert_eq!(reports(&world), []);
}

#[test]
fn a_query_from_off_the_link_is_not_answered_rfc_3810_5_1_14() {
    let mut world = world_with_link_local(&[]);
    let _ = world.frame(&query("2001:db8::9", NOWHERE, 100, false));
    world.run_for(secs(1));
    assert_eq!(reports(&world), []);
}

#[test]
fn an_old_querier_is_answered_in_its_version_rfc_3810_8_2_1() {
    let mut world = world_with_link_local(&[]);
    assert_eq!(world.frame(&query("fe80::9", NOWHERE, 100, true)), Ok(()));
    world.run_for(secs(1));
    let group = solicited_node(&frames::v6(ip(LINK_LOCAL)));
    let old = |frame: &[u8]| {
        // Behind Ethernet, IPv6 and hop-by-hop: a version 1 report goes to the group it is for.
        frame.get(62) == Some(&icmpv6::kind::MLD_REPORT) && frame.get(38..54) == Some(&group.octets())
    };
    assert!(world.hosts[0].frames.iter().any(|(_, _, frame)| old(frame)), "{:?}", reports(&world));
}
