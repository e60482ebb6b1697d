//! Own IPv4 addresses are looked for, announced and defended: RFC 5227, by `conf/acd`.

use crate::common::frames::{Arp, arp_reply, arp_request, v4};
use crate::common::{BROADCAST, MAC, OTHER_MAC, PEER_MAC, Seen, World, ip, lladdr, ms, prefix, secs};
use neighbour::{
    AddressOptions, AddressState, Config, Defence, Device, DropReason, EventKind, Family, Instant, LlAddr,
};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const ADDRESS: &str = "192.0.2.77";
const NOBODY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

/// A host with an address in use, and this policy.
fn world(policy: &str) -> World {
    let device = Device::ethernet("eth0", MAC).link_local(false).address(prefix("198.51.100.1/24"));
    let mut world = World::build(Config::default().seed(8), &[("ipv4/conf/acd", policy)], device);
    world.run_for(secs(20));
    world.forget();
    world
}

fn add(world: &mut World, options: AddressOptions) -> Instant {
    let (now, dev) = (world.now, world.dev());
    assert_eq!(world.engine().add_address(now, dev, prefix("192.0.2.77/24"), options), Ok(()));
    world.settle();
    now
}

/// With the address in use, long after its announcements.
fn settled(policy: &str) -> World {
    let mut world = world(policy);
    add(&mut world, AddressOptions::default());
    world.run_for(secs(60));
    assert_eq!(state(&world), Some(AddressState::Assigned));
    world.forget();
    world
}

fn state(world: &World) -> Option<AddressState> {
    let host = &world.hosts[0];
    host.engine.addresses(host.dev).find(|a| a.address() == ip(ADDRESS)).map(|a| a.state)
}

/// What was said about the address: when, and with which sender. All of it to everybody, by our own address.
fn said(world: &World) -> Vec<(Instant, Ipv4Addr)> {
    let about = |at: Instant, seen: &Seen| match seen {
        Seen::Arp { to, request: true, sender_hw, sender_ip, target_hw, target_ip }
            if *target_ip == v4(ip(ADDRESS)) =>
        {
            assert_eq!((*to, *sender_hw), (BROADCAST, LlAddr::from(MAC)));
            assert!(target_hw.is_zero() || target_hw.is_empty(), "{target_hw}");
            Some((at, *sender_ip))
        }
        _ => None,
    };
    world.sent().iter().filter_map(|(at, seen)| about(*at, seen)).collect()
}

fn probes(world: &World) -> Vec<Instant> {
    said(world).into_iter().filter(|(_, sender)| *sender == NOBODY).map(|(at, _)| at).collect()
}

fn announcements(world: &World) -> Vec<Instant> {
    said(world).into_iter().filter(|(_, sender)| *sender == v4(ip(ADDRESS))).map(|(at, _)| at).collect()
}

fn told(world: &World) -> Vec<&'static str> {
    let mine = |a: &IpAddr| *a == ip(ADDRESS);
    let word = |kind: &EventKind| match kind {
        EventKind::AddressAssigned { address, .. } if mine(address) => Some("assigned"),
        EventKind::AddressDuplicate { address, .. } if mine(address) => Some("duplicate"),
        EventKind::AddressConflict { address, .. } if mine(address) => Some("conflict"),
        _ => None,
    };
    world.hosts[0].events.iter().filter_map(|event| word(&event.kind)).collect()
}

/// Somebody claims the address.
fn claim(world: &mut World, request: bool) -> Result<(), DropReason> {
    let frame = match request {
        true => arp_request(ip(ADDRESS), OTHER_MAC, ip("192.0.2.1")),
        false => Arp { to: BROADCAST, ..arp_reply(ip(ADDRESS), OTHER_MAC) },
    };
    world.frame(&frame.frame())
}

/// RFC rows A50, A51, A52, A57, A58, A73.
#[test]
fn an_address_is_looked_for_three_times_then_used_and_announced_twice() {
    let mut firsts = std::collections::BTreeSet::new();
    for seed in 0..8 {
        let device = Device::ethernet("eth0", MAC).link_local(false).address(prefix("198.51.100.1/24"));
        let mut world = World::build(Config::default().seed(seed), &[("ipv4/conf/acd", "3")], device);
        world.run_for(secs(20));
        world.forget();
        let start = add(&mut world, AddressOptions::default());
        assert_eq!(state(&world), Some(AddressState::Tentative));
        world.run_while(secs(20), |world| state(world) == Some(AddressState::Tentative));
        let used = world.now;
        world.run_for(secs(10));
        let (probes, announcements) = (probes(&world), announcements(&world));
        assert_eq!((probes.len(), announcements.len()), (3, 2), "seed {seed}");
        let tick = ms(4);
        assert!(probes[0] - start < secs(1), "PROBE_WAIT");
        for pair in probes.windows(2) {
            let apart = pair[1] - pair[0];
            assert!(apart >= secs(1) && apart <= secs(2) + tick, "PROBE_MIN to PROBE_MAX: {apart:?}");
        }
        assert!((used - probes[2]).abs_diff(secs(2)) <= tick, "ANNOUNCE_WAIT");
        assert_eq!(announcements[0], used, "it is used from the first announcement on");
        assert!((announcements[1] - used).abs_diff(secs(2)) <= tick, "ANNOUNCE_INTERVAL");
        assert_eq!(told(&world), ["assigned"]);
        firsts.insert(probes[0] - start);
    }
    assert!(firsts.len() > 4, "by chance: {firsts:?}");
}

#[test]
fn while_it_is_looked_for_an_address_is_not_used() {
    let mut world = world("3");
    add(&mut world, AddressOptions::default());
    assert!(!world.hosts[0].engine.is_local(ip(ADDRESS)));
    // Nobody is answered, and nobody is asked with it.
    let _ = world.frame(&arp_request(ip("192.0.2.1"), PEER_MAC, ip(ADDRESS)).frame());
    let _ = world.send(ip("192.0.2.9"), 1);
    world.settle();
    let wrong = world.take_sent().into_iter().find(|seen| match seen {
        Seen::Arp { sender_ip, .. } => *sender_ip == v4(ip(ADDRESS)),
        _ => false,
    });
    assert_eq!(wrong, None);
    world.run_for(secs(20));
    assert!(world.hosts[0].engine.is_local(ip(ADDRESS)));
    world.forget();
    let _ = world.frame(&arp_request(ip("192.0.2.1"), PEER_MAC, ip(ADDRESS)).frame());
    assert!(matches!(world.take_sent()[..], [Seen::Arp { request: false, .. }]));
}

/// RFC rows A53, A54, A55.
#[test]
fn who_has_it_or_wants_it_too_makes_it_a_duplicate_from_the_first_moment_to_the_last() {
    let probe = |mac: [u8; 6]| arp_request(ip("0.0.0.0"), mac, ip(ADDRESS)).frame();
    let cases: [(&str, Vec<u8>, bool); 5] = [
        ("a request by its owner", arp_request(ip(ADDRESS), OTHER_MAC, ip("192.0.2.1")).frame(), true),
        ("a reply by its owner", arp_reply(ip(ADDRESS), OTHER_MAC).frame(), true),
        ("another's probe", probe(OTHER_MAC), true),
        ("our own probe, come back", probe(MAC), false),
        ("a request for it", arp_request(ip("192.0.2.1"), PEER_MAC, ip(ADDRESS)).frame(), false),
    ];
    for (what, frame, duplicate) in cases {
        for wait in [0, 900, 2500, 6000] {
            let mut world = world("3");
            add(&mut world, AddressOptions::default());
            world.run_for(ms(wait));
            if state(&world) != Some(AddressState::Tentative) {
                continue;
            }
            let taken = world.frame(&frame);
            assert_eq!(taken == Err(DropReason::ArpConflict), duplicate, "{what} after {wait} ms");
            world.run_for(secs(30));
            let expected = if duplicate { AddressState::Duplicate } else { AddressState::Assigned };
            assert_eq!(state(&world), Some(expected), "{what} after {wait} ms");
            assert_eq!(told(&world), [if duplicate { "duplicate" } else { "assigned" }], "{what}");
            assert_eq!(announcements(&world).is_empty(), duplicate, "{what}");
            assert_eq!(world.info(ip(ADDRESS)), None, "{what}: nobody is learned");
        }
    }
}

/// RFC 5227 section 2.1 has it looked for anew when a link comes up. One that was away for a moment is the same link, and
/// an address that could not answer for seven seconds would be a worse evil than a conflict found by its announcement.
#[test]
fn after_a_moment_without_carrier_an_address_in_use_is_announced_and_after_longer_looked_for() {
    for (away, stays) in [(ms(300), true), (secs(9), true), (secs(11), false)] {
        let mut world = settled("3");
        let dev = world.dev();
        let now = world.now;
        world.engine().set_carrier(now, dev, false);
        world.run_for(away);
        world.forget();
        let now = world.now;
        world.engine().set_carrier(now, dev, true);
        assert_eq!(state(&world) == Some(AddressState::Assigned), stays, "{away:?}");
        world.run_for(secs(3));
        assert_eq!(probes(&world).is_empty(), stays, "{away:?}");
        let announced = announcements(&world).len();
        assert_eq!(announced, if stays { 2 } else { 0 }, "{away:?}");
        world.run_for(secs(20));
        assert_eq!(state(&world), Some(AddressState::Assigned), "{away:?}");
        assert_eq!(announcements(&world).len(), 2, "{away:?}");
    }
}

/// RFC row A56.
#[test]
fn after_ten_conflicts_it_is_tried_once_in_a_minute() {
    let mut world = world("3");
    add(&mut world, AddressOptions::default());
    let again = |world: &mut World| {
        let (now, dev) = (world.now, world.dev());
        world.engine().set_carrier(now, dev, false);
        world.engine().set_carrier(now, dev, true);
        world.forget();
        world.run_while(secs(100), |world| probes(world).is_empty())
    };
    for n in 0..10 {
        assert!(again(&mut world) <= secs(1), "attempt {n}");
        assert_eq!(claim(&mut world, true), Err(DropReason::ArpConflict));
    }
    let waited = again(&mut world);
    assert!(waited >= secs(60) && waited <= secs(61) + ms(4), "{waited:?}");
}

/// RFC rows A59, A60, A61.
#[test]
fn an_address_in_use_is_defended_as_the_policy_says() {
    // (policy, seconds between two claims, in use after the first, after the second, announcements)
    for (policy, apart, first, second, announced) in [
        ("0", 1, true, true, 0),
        ("1", 1, false, false, 0),
        ("2", 1, true, false, 1),
        ("2", 11, true, true, 2),
        ("3", 1, true, true, 1),
        ("3", 11, true, true, 2),
    ] {
        for request in [true, false] {
            let mut world = settled(policy);
            let in_use = |world: &World| state(world) == Some(AddressState::Assigned);
            let _ = claim(&mut world, request);
            assert_eq!(in_use(&world), first, "acd {policy}, {apart} s");
            world.run_for(secs(apart));
            let _ = claim(&mut world, request);
            world.run_for(secs(30));
            assert_eq!(in_use(&world), second, "acd {policy}, {apart} s");
            assert_eq!(announcements(&world).len(), announced, "acd {policy}, {apart} s");
            let told = told(&world);
            assert_eq!(told.contains(&"duplicate"), !second, "acd {policy}: {told:?}");
            assert_eq!(told.contains(&"conflict"), policy != "0", "acd {policy}: {told:?}");
        }
    }
}

#[test]
fn two_who_defend_for_ever_do_not_fight_faster_than_once_in_ten_seconds() {
    let mut world = settled("3");
    let start = world.now;
    for _ in 0..1000 {
        let _ = claim(&mut world, true);
        world.run_for(ms(60));
    }
    let defended = announcements(&world);
    assert!(world.now - start >= secs(60));
    assert_eq!(defended.len(), 6, "a minute of storm: {defended:?}");
    assert_eq!(told(&world).iter().filter(|word| **word == "conflict").count(), 6);
    assert_eq!(state(&world), Some(AddressState::Assigned));
}

#[test]
fn our_own_announcement_that_comes_back_is_no_conflict() {
    let mut world = settled("2");
    for _ in 0..3 {
        let _ = world.frame(&arp_request(ip(ADDRESS), MAC, ip(ADDRESS)).frame());
    }
    assert_eq!((state(&world), told(&world).len()), (Some(AddressState::Assigned), 0));
}

#[test]
fn on_another_link_it_is_looked_for_anew_and_where_nothing_asks_it_is_used_at_once() {
    let mut world = settled("3");
    let (now, dev) = (world.now, world.dev());
    world.engine().set_link(now, dev, false);
    world.engine().set_link(now, dev, true);
    assert_eq!(state(&world), Some(AddressState::Tentative));
    world.run_for(secs(20));
    assert_eq!((state(&world), probes(&world).len()), (Some(AddressState::Assigned), 3));
    for (policy, nodad) in [("0", false), ("3", true)] {
        let mut world = self::world(policy);
        add(&mut world, AddressOptions { nodad, ..AddressOptions::default() });
        assert_eq!(state(&world), Some(AddressState::Assigned), "acd {policy}");
        world.run_for(secs(20));
        assert_eq!(said(&world), [], "acd {policy}");
    }
}

#[test]
fn the_loss_of_an_address_that_is_looked_for_ends_the_search() {
    let mut world = world("3");
    add(&mut world, AddressOptions::default());
    world.run_for(ms(1500));
    let (now, dev) = (world.now, world.dev());
    assert_eq!(world.engine().remove_address(now, dev, ip(ADDRESS)), Ok(()));
    world.forget();
    world.run_for(secs(20));
    assert_eq!((said(&world), told(&world).len()), (vec![], 0));
}

#[test]
fn the_profile_guarded_defends_and_linux_does_not() {
    for (config, defence) in [(Config::guarded(), Defence::Always), (Config::linux(), Defence::Off)] {
        let world = World::build(config, &[], Device::ethernet("eth0", MAC));
        assert_eq!(world.hosts[0].engine.defence(world.dev()), defence);
    }
    // A neighbour is asked for with an address in use, not with one that is looked for.
    let device = Device::ethernet("eth0", MAC).address(prefix("192.0.2.1/24"));
    let mut world = World::build(Config::guarded().seed(1), &[], device);
    world.run_for(Duration::from_secs(20));
    let peer = crate::common::peer(Family::Inet);
    let _ = world.send(peer, 1);
    world.answer(peer, PEER_MAC);
    assert_eq!(world.entry(peer).lladdr, lladdr(PEER_MAC));
}
