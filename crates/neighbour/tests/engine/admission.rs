//! Admission by class: what nobody has verified pushes out nothing but its like (RFC 6583 sections 7.1 and 7.2).

use crate::common::frames::{Seen, answer, arp_request, ns_multicast};
use crate::common::{BROADCAST, OTHER_MAC, PEER_MAC, World, ethernet, ip, lladdr, ms, nth, own, peer, secs};
use crate::support::{MAC_1, mac, packet, packets, pass, take};
use neighbour::{
    Admission, Config, Device, DeviceId, DropReason, EventKind, Family, Flags, Happening, NewNeigh, NudState,
    Reason, Sent,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::net::IpAddr;

use NudState as S;

fn config() -> Config {
    Config { admission: Admission::guarded(), ..Config::default().seed(21) }
}

/// Small enough to read: 100 entries, of which 50 may be unresolved (40 on a device, 10 for a source) and 20 only
/// heard of.
const SMALL: &[(&str, &str)] = &[
    ("gc_thresh1", "10"),
    ("gc_thresh2", "60"),
    ("gc_thresh3", "100"),
    ("unresolved_source_percent", "10"),
    ("heard_percent", "20"),
];

fn small() -> World {
    World::build(config(), SMALL, ethernet("eth0", 1))
}

/// A router between eth0 and eth1, where 10.1.0.0/16 and 2001:db8:1::/64 are.
fn small_router() -> (World, DeviceId) {
    let knobs: Vec<_> = [("conf/forwarding", "1")].iter().chain(SMALL).copied().collect();
    let mut world = World::build(config(), &knobs, ethernet("eth0", 1));
    let device = Device::ethernet("eth1", MAC_1);
    let device = device.address("10.1.0.1/16".parse().unwrap()).address("2001:db8:1::1/64".parse().unwrap());
    let now = world.now;
    let eth1 = world.engine().add_device(now, device).expect("a second device");
    world.run_for(ms(1100));
    world.forget();
    (world, eth1)
}

/// The `n`-th host behind eth1.
fn behind(family: Family, n: u32) -> String {
    match family {
        Family::Inet => format!("10.1.{}.{}", n / 256, n % 256),
        Family::Inet6 => format!("2001:db8:1::{n:x}"),
    }
}

/// A host in the `n`-th prefix of the outside, for which eth0's neighbour stands.
fn outside(family: Family, n: u32) -> String {
    match family {
        Family::Inet => format!("203.{}.{}.7", n / 256, n % 256),
        Family::Inet6 => format!("2001:db8:{:x}::7", n + 0x100),
    }
}

fn forward(world: &mut World, source: &str, destination: &str) -> Result<Option<Sent>, DropReason> {
    pass(world, &packet(source, destination, 64, 8))
}

fn verified(world: &mut World, address: IpAddr, mac: [u8; 6]) {
    assert_eq!(world.send(address, 1), Sent::Queued, "{address}");
    world.answer(address, mac);
    world.expect_state(address, S::REACHABLE);
}

fn scans(world: &World) -> Vec<(Option<IpAddr>, u64)> {
    let scan = |kind: &EventKind| match kind {
        EventKind::Scan { source, refused, .. } => Some((*source, *refused)),
        _ => None,
    };
    world.hosts[0].events.iter().filter_map(|event| scan(&event.kind)).collect()
}

#[test]
fn under_linux_a_scan_fills_the_table_and_a_newcomer_is_refused_cre_4() {
    for family in Family::BOTH {
        let mut world = World::build(Config::default().seed(20), &SMALL[..3], ethernet("eth0", 1));
        let _ = (1000..1200).map(|n| world.send(nth(family, n), 1)).collect::<Vec<_>>();
        assert_eq!(world.send(peer(family), 1), Sent::Refused(DropReason::NeighCreateFail));
    }
}

/// RFC rows D80, D82.
#[test]
fn a_scan_pushes_out_nobody_who_was_verified() {
    for family in Family::BOTH {
        let mut world = small();
        let known: Vec<IpAddr> = (0..90).map(|n| nth(family, 300 + n)).collect();
        for address in &known {
            verified(&mut world, *address, PEER_MAC);
        }
        world.run_for(secs(40)); // STALE, and old enough for Linux to collect
        world.forget();
        for n in 0..5000 {
            let _ = world.send(nth(family, 1000 + n), 1);
            if n % 1000 == 0 {
                world.run_for(secs(1));
            }
        }
        for address in &known {
            assert!(world.info(*address).is_some(), "{address} was pushed out");
        }
        assert!(world.engine().gc_entries(family) <= 100);
        let occupancy = world.engine().occupancy(family);
        let groups = world.engine().neighbours(family).filter(|entry| entry.address.is_multicast()).count();
        assert_eq!((occupancy.pending + occupancy.failed) as usize, 10 - groups, "{occupancy:?}");
        assert_eq!(occupancy.fixed as usize, groups, "{occupancy:?}");
    }
}

#[test]
fn what_gets_no_entry_is_asked_for_and_its_answer_makes_one() {
    for family in Family::BOTH {
        let mut world = small();
        // The device's 40 places are taken.
        let _ = (0..40).map(|n| world.send(nth(family, 1000 + n), 1)).collect::<Vec<_>>();
        world.forget();
        let peer = peer(family);
        assert_eq!(world.send(peer, 1), Sent::Refused(DropReason::NeighBudget));
        assert_eq!(world.info(peer), None);
        assert_eq!(world.solicitations(peer), [(world.now, false)]);
        world.answer(peer, PEER_MAC);
        let entry = world.entry(peer);
        assert_eq!((entry.state, entry.lladdr), (S::REACHABLE, lladdr(PEER_MAC)));
        assert_eq!(world.send(peer, 2), Sent::Sent);
        assert_eq!(world.tags(), [2], "the first packet was given up when it came");
        assert_eq!(world.drops(DropReason::NeighBudget), 1);
    }
}

#[test]
fn an_answer_that_nobody_asked_for_makes_no_entry() {
    for family in Family::BOTH {
        let mut world = small();
        let _ = (0..40).map(|n| world.send(nth(family, 1000 + n), 1)).collect::<Vec<_>>();
        let _ = world.send(peer(family), 1);
        // Of another address; the right one, too late; the right one, a second time.
        let other = nth(family, 3);
        let _ = world.frame(&answer(other, OTHER_MAC));
        assert_eq!(world.info(other), None);
        world.run_for(secs(4));
        let _ = world.frame(&answer(peer(family), OTHER_MAC));
        assert_eq!(world.info(peer(family)), None, "mcast_solicit times retrans_time have passed");
        let _ = (0..40).map(|n| world.send(nth(family, 2000 + n), 1)).collect::<Vec<_>>();
        let _ = world.send(peer(family), 1);
        world.answer(peer(family), PEER_MAC);
        assert_eq!(world.delete(peer(family)), Ok(()));
        world.run_for(secs(1));
        let gone = world.info(peer(family)).is_none_or(|entry| entry.state == S::FAILED);
        assert!(gone);
        let _ = world.frame(&answer(peer(family), OTHER_MAC));
        let taken = world.info(peer(family)).is_some_and(|entry| entry.state.is_valid());
        assert!(!taken, "the question was answered");
    }
}

#[test]
fn nobody_is_asked_for_twice_within_retrans_time_and_all_together_not_faster_than_the_rates() {
    for family in Family::BOTH {
        let mut world = small();
        world.set("solicit_rate", "100");
        world.set("solicit_device_rate", "40");
        let _ = (0..40).map(|n| world.send(nth(family, 1000 + n), 1)).collect::<Vec<_>>();
        world.forget();
        for _ in 0..5 {
            let _ = world.send(peer(family), 1);
        }
        assert_eq!(world.solicitations(peer(family)).len(), 1);
        let before = world.sent().len();
        let _ = (0..500).map(|n| world.send(nth(family, 5000 + n), 1)).collect::<Vec<_>>();
        assert_eq!(world.sent().len() - before, 9, "a quarter of a second's questions at once, less one");
        let occupancy = world.engine().occupancy(family);
        assert_eq!((occupancy.asked, occupancy.hushed), (10, 4 + 491));
    }
}

#[test]
fn a_source_has_its_share_and_the_next_one_has_its_own() {
    for family in Family::BOTH {
        let (mut world, eth1) = small_router();
        let scanner = outside(family, 1);
        let got: Vec<_> = (10..40).map(|n| forward(&mut world, &scanner, &behind(family, n))).collect();
        let queued = got.iter().filter(|sent| **sent == Ok(Some(Sent::Queued))).count();
        assert_eq!(queued, 10, "{got:?}");
        assert_eq!(got[10..], vec![Ok(Some(Sent::Refused(DropReason::NeighBudget))); 20]);
        assert_eq!(scans(&world), [(Some(ip(&scanner)), 1)], "told once in ten seconds");
        // A neighbour of the scanner's prefix shares its budget, somebody else does not.
        let sought = behind(family, 50);
        assert_eq!(forward(&mut world, &outside(family, 2), &sought), Ok(Some(Sent::Queued)));
        world.forget();
        let _ = take(&mut world, eth1, &to_eth1(&answer(ip(&sought), mac(9))));
        assert_eq!(packets(&world, eth1).len(), 1, "it was queued, and has arrived");
        world.run_for(secs(10));
        let _ = (10..40).map(|n| forward(&mut world, &scanner, &behind(family, 100 + n))).collect::<Vec<_>>();
        assert_eq!(scans(&world), [(Some(ip(&scanner)), 20)], "those refused since");
    }
}

/// The same frame to our second address.
fn to_eth1(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[..6].copy_from_slice(&MAC_1);
    frame
}

#[test]
fn the_greediest_source_gives_way_to_one_that_has_not_had_its_share() {
    for family in Family::BOTH {
        let (mut world, eth1) = small_router();
        world.set("unresolved_device_percent", "100");
        world.set("unresolved_source_percent", "30");
        for (source, from, count) in [(1, 0, 30), (2, 30, 20)] {
            for n in 0..count {
                let _ = forward(&mut world, &outside(family, source), &behind(family, 10 + from + n));
            }
        }
        assert_eq!(world.engine().occupancy(family).pending, 50);
        let oldest = ip(&behind(family, 10));
        assert!(world.engine().neighbour(eth1, oldest).is_some());
        let sought = behind(family, 200);
        assert_eq!(forward(&mut world, &outside(family, 3), &sought), Ok(Some(Sent::Queued)));
        assert_eq!(world.engine().neighbour(eth1, oldest), None, "the greediest source's oldest");
        let why = world.engine().history(oldest).last().map(|record| record.happening);
        assert!(matches!(why, Some(Happening::Removed { reason: Reason::Admission, .. })), "{why:?}");
        assert_eq!(world.drops(DropReason::NeighFlushed), 1, "what waited for it is counted");
        // The second source has 20, less than the first with 29, and 30 are its share.
        assert_eq!(forward(&mut world, &outside(family, 2), &behind(family, 201)), Ok(Some(Sent::Queued)));
        assert_eq!(world.engine().occupancy(family).pending, 50);
    }
}

#[test]
fn those_that_failed_give_way_to_those_that_are_sought() {
    for family in Family::BOTH {
        let mut world = small();
        world.set("unresolved_device_percent", "100");
        let _ = (0..50).map(|n| world.send(nth(family, 1000 + n), 1)).collect::<Vec<_>>();
        assert_eq!(world.send(nth(family, 2000), 1), Sent::Refused(DropReason::NeighBudget));
        world.run_for(secs(4));
        let occupancy = world.engine().occupancy(family);
        assert_eq!((occupancy.pending, occupancy.failed), (0, 50));
        let _ = (0..50).map(|n| world.send(nth(family, 3000 + n), 1)).collect::<Vec<_>>();
        let occupancy = world.engine().occupancy(family);
        assert_eq!((occupancy.pending, occupancy.failed), (50, 0));
    }
}

/// The `n`-th group that nobody has to be asked for.
fn group(family: Family, n: u32) -> IpAddr {
    match family {
        Family::Inet => ip(&format!("239.1.{}.{}", n / 256, n % 256)),
        Family::Inet6 => ip(&format!("ff1e::{n:x}")),
    }
}

#[test]
fn a_group_has_not_failed_it_was_born_with_its_address() {
    for family in Family::BOTH {
        let mut world = small();
        let at_rest = world.engine().occupancy(family);
        assert_eq!(at_rest.failed, 0, "{at_rest:?}");
        assert_eq!(world.send(group(family, 1), 1), Sent::Sent);
        let occupancy = world.engine().occupancy(family);
        assert_eq!((occupancy.fixed, occupancy.failed), (at_rest.fixed + 1, 0));
    }
}

#[test]
fn what_was_born_with_an_address_gives_way_before_what_failed_and_both_before_what_is_sought() {
    for family in Family::BOTH {
        let mut world = small();
        world.set("unresolved_device_percent", "100");
        let fixed = world.engine().occupancy(family).fixed;
        let _ = (0..40 - fixed).map(|n| world.send(nth(family, 1000 + n), 1)).collect::<Vec<_>>();
        world.run_for(secs(4));
        let _ = (0..10).map(|n| world.send(group(family, n), 1)).collect::<Vec<_>>();
        let by_class = |world: &mut World| {
            let occupancy = world.engine().occupancy(family);
            (occupancy.pending, occupancy.failed, occupancy.fixed)
        };
        assert_eq!(by_class(&mut world), (0, 40 - fixed, 10 + fixed), "fifty, the budget");
        let _ = (0..10 + fixed).map(|n| world.send(nth(family, 2000 + n), 1)).collect::<Vec<_>>();
        assert_eq!(by_class(&mut world), (10 + fixed, 40 - fixed, 0));
        let _ = (0..40 - fixed).map(|n| world.send(nth(family, 3000 + n), 1)).collect::<Vec<_>>();
        assert_eq!(by_class(&mut world), (50, 0, 0));
    }
}

#[test]
fn neighbours_that_answered_before_are_no_scan_when_all_are_sought_again() {
    for family in Family::BOTH {
        let (mut world, eth1) = small_router();
        let client = outside(family, 1);
        let hosts: Vec<String> = (10..45).map(|n| behind(family, n)).collect();
        for host in &hosts {
            assert_eq!(forward(&mut world, &client, host), Ok(Some(Sent::Queued)));
            let _ = take(&mut world, eth1, &to_eth1(&answer(ip(host), mac(9))));
        }
        let now = world.now;
        world.engine().set_carrier(now, eth1, false);
        world.engine().set_carrier(now, eth1, true);
        world.run_for(ms(10));
        for host in &hosts {
            assert_eq!(world.engine().neighbour(eth1, ip(host)), None);
            assert_eq!(forward(&mut world, &client, host), Ok(Some(Sent::Queued)), "{host}");
        }
        // Who was only heard of has not answered.
        let told = behind(family, 60);
        let hint = crate::common::frames::hint(ip(&told), mac(9));
        let _ = take(&mut world, eth1, &hint);
        for n in 0..10 {
            let _ = forward(&mut world, &client, &behind(family, 100 + n));
        }
        assert_eq!(forward(&mut world, &client, &told), Ok(Some(Sent::Refused(DropReason::NeighBudget))));
    }
}

#[test]
fn one_that_failed_is_sought_again_only_within_the_budget() {
    for family in Family::BOTH {
        let (mut world, eth1) = small_router();
        let scanner = outside(family, 1);
        let first = behind(family, 10);
        let _ = forward(&mut world, &scanner, &first);
        world.run_for(secs(4));
        let _ = (20..40).map(|n| forward(&mut world, &scanner, &behind(family, n))).collect::<Vec<_>>();
        assert_eq!(world.engine().neighbour(eth1, ip(&first)).map(|e| e.state), Some(S::FAILED));
        let refused = Ok(Some(Sent::Refused(DropReason::NeighBudget)));
        assert_eq!(forward(&mut world, &scanner, &first), refused);
        assert_eq!(world.engine().neighbour(eth1, ip(&first)).map(|e| e.state), Some(S::FAILED));
        assert_eq!(forward(&mut world, &outside(family, 2), &first), Ok(Some(Sent::Queued)));
        assert_eq!(world.engine().neighbour(eth1, ip(&first)).map(|e| e.state), Some(S::INCOMPLETE));
    }
}

fn speaks(address: IpAddr, mac: [u8; 6]) -> Vec<u8> {
    match address {
        IpAddr::V4(_) => arp_request(address, mac, own(Family::Inet)).frame(),
        IpAddr::V6(_) => ns_multicast(address, mac, own(Family::Inet6)),
    }
}

fn answers(world: &World) -> usize {
    let answer = |seen: &Seen| matches!(seen, Seen::Arp { request: false, .. } | Seen::Advert { .. });
    world.sent().iter().filter(|(_, seen)| answer(seen)).count()
}

/// RFC row D81.
#[test]
fn neighbours_are_verified_in_the_midst_of_a_scan() {
    for family in Family::BOTH {
        let mut world = small();
        verified(&mut world, peer(family), PEER_MAC);
        world.run_for(secs(50));
        assert_eq!(world.send(peer(family), 2), Sent::Sent);
        world.expect_state(peer(family), S::DELAY);
        world.forget();
        for n in 0..20_000 {
            let _ = world.send(nth(family, 1000 + n), 1);
            world.run_for(ms(if n % 4 == 0 { 1 } else { 0 }));
        }
        assert_eq!(world.solicitations(peer(family)).len(), 1, "by unicast, when DELAY was over");
        world.expect_state(peer(family), S::PROBE);
        world.answer(peer(family), PEER_MAC);
        world.expect_state(peer(family), S::REACHABLE);
    }
}

/// RFC row D83.
#[test]
fn strangers_who_speak_are_answered_and_push_out_only_strangers() {
    for family in Family::BOTH {
        let mut world = small();
        let known: Vec<IpAddr> = (0..70).map(|n| nth(family, 300 + n)).collect();
        for address in &known {
            verified(&mut world, *address, PEER_MAC);
        }
        world.run_for(secs(40));
        world.forget();
        for n in 0..1000 {
            assert_eq!(world.frame(&speaks(nth(family, 5000 + n), OTHER_MAC)), Ok(()));
        }
        assert_eq!(answers(&world), 1000);
        assert_eq!(world.engine().occupancy(family).heard, 20);
        assert!(known.iter().all(|address| world.info(*address).is_some()));
        // The latest are there, and one that is in use stays.
        let last = nth(family, 5999);
        assert_eq!(world.send(last, 3), Sent::Sent);
        assert_eq!(world.state(last), S::DELAY);
        for n in 0..1000 {
            assert_eq!(world.frame(&speaks(nth(family, 7000 + n), OTHER_MAC)), Ok(()));
        }
        assert_eq!(world.state(last), S::DELAY);
    }
}

#[test]
fn a_peer_that_speaks_first_is_reached_in_the_midst_of_a_scan() {
    for family in Family::BOTH {
        let mut world = small();
        for n in 0..3000 {
            let _ = world.send(nth(family, 10_000 + n), 1);
        }
        assert_eq!(world.frame(&speaks(peer(family), PEER_MAC)), Ok(()));
        assert_eq!(world.send(peer(family), 9), Sent::Sent);
        world.run_for(secs(6));
        world.answer(peer(family), PEER_MAC);
        world.expect_state(peer(family), S::REACHABLE);
    }
}

#[test]
fn an_answer_to_a_solicitation_needs_no_entry_and_uses_none() {
    let mut world = small();
    world.set("conf/move_policy", "1");
    let peer = peer(Family::Inet6);
    assert_eq!(world.frame(&speaks(peer, PEER_MAC)), Ok(()));
    assert_eq!(answers(&world), 1);
    world.expect_state(peer, S::STALE); // Linux: DELAY, and five seconds later a probe
    // An address that no host has is not answered by its word.
    world.forget();
    let forged = nth(Family::Inet6, 9);
    let _ = world.frame(&speaks(forged, BROADCAST));
    assert!(world.sent().iter().all(|(_, seen)| !matches!(seen, Seen::Advert { .. })));
}

#[test]
fn groups_that_are_asked_take_no_places() {
    let mut world = small();
    let _ = (0..200).map(|n| world.send(nth(Family::Inet6, 1000 + n), 1)).collect::<Vec<_>>();
    let groups = world.engine().neighbours(Family::Inet6).filter(|entry| entry.address.is_multicast());
    assert_eq!(groups.count(), 1, "that of the first report alone");
}

#[test]
fn a_table_near_its_limit_is_told_of_once_a_minute() {
    for family in Family::BOTH {
        let mut world = small();
        world.set("neigh/gc_stale_time", "600");
        for n in 0..85 {
            verified(&mut world, nth(family, 300 + n), PEER_MAC);
        }
        let _ = (0..10).map(|n| world.send(nth(family, 1000 + n), 1)).collect::<Vec<_>>();
        let near = |world: &World| {
            let near = |kind: &EventKind| match kind {
                EventKind::NearLimit { family, entries, limit } => Some((*family, *entries, *limit)),
                _ => None,
            };
            world.hosts[0].events.iter().filter_map(|event| near(&event.kind)).collect::<Vec<_>>()
        };
        assert_eq!(near(&world), [(family, 90, 100)]);
        world.forget();
        world.run_for(secs(61));
        let _ = (0..10).map(|n| world.send(nth(family, 2000 + n), 1)).collect::<Vec<_>>();
        assert_eq!(near(&world).len(), 1);
    }
}

#[test]
fn a_verified_newcomer_finds_room_as_long_as_anybody_was_never_verified() {
    for family in Family::BOTH {
        let mut world = small();
        world.set("unresolved_device_percent", "100");
        for n in 0..40 {
            verified(&mut world, nth(family, 300 + n), PEER_MAC);
        }
        let _ = (0..50).map(|n| world.send(nth(family, 1000 + n), 1)).collect::<Vec<_>>();
        (0..20).for_each(|n| _ = world.frame(&speaks(nth(family, 5000 + n), OTHER_MAC)));
        assert_eq!(world.engine().gc_entries(family), 100);
        for n in 0..60 {
            let address = nth(family, 400 + n);
            let request = world.request(address, Some(OTHER_MAC), S::STALE);
            assert_eq!(world.admin(request), Ok(()), "{n}");
        }
        let occupancy = world.engine().occupancy(family);
        assert_eq!((occupancy.pending, occupancy.failed, occupancy.heard), (0, 0, 0));
        assert_eq!(world.engine().gc_entries(family), 100);
    }
}

#[test]
fn the_switches_are_parameters_of_a_table() {
    let mut world = World::new();
    let names = ["admission", "unresolved_percent", "heard_percent", "solicit_rate"];
    assert_eq!(
        names.map(|name| world.engine().get(&format!("ipv6/{name}"))),
        [Ok(0), Ok(50), Ok(25), Ok(1000)]
    );
    world.set("ipv6/admission", "1");
    world.set("ipv6/unresolved_percent", "7");
    assert!(!world.engine().admission(Family::Inet).on);
    assert_eq!(world.engine().admission(Family::Inet6).unresolved_percent, 7);
    let now = world.now;
    let error = world.engine().set(now, "unresolved_percent", "101").unwrap_err().to_string();
    assert_eq!(error, "101 is out of range for unresolved_percent: 0 to 100");
    // Off again: Linux's rules.
    let _ = (0..600).map(|n| world.send(nth(Family::Inet6, 1000 + n), 1)).collect::<Vec<_>>();
    assert!(world.drops(DropReason::NeighBudget) > 0);
    world.set("admission", "0");
    let refused = world.drops(DropReason::NeighBudget);
    let _ = (0..100).map(|n| world.send(nth(Family::Inet6, 3000 + n), 1)).collect::<Vec<_>>();
    assert_eq!(world.drops(DropReason::NeighBudget), refused);
    assert!(neighbour::parameter_names().contains(&"solicit_device_rate".to_owned()));
}

/// How many of `count` requests of a peer are answered, all at once.
fn answered_of(world: &mut World, peer: IpAddr, mac: [u8; 6], count: usize) -> usize {
    (0..count).filter(|_| world.frame(&speaks(peer, mac)) != Err(DropReason::ReplyRate)).count()
}

#[test]
fn one_peer_is_answered_so_often_in_a_second_and_others_are_not_the_worse_for_it() {
    for family in Family::BOTH {
        let mut world = small();
        world.set("reply_peer_rate", "50");
        assert_eq!(answered_of(&mut world, nth(family, 400), OTHER_MAC, 200), 50);
        assert_eq!(answered_of(&mut world, nth(family, 401), PEER_MAC, 40), 40);
        world.run_for(secs(1));
        assert_eq!(answered_of(&mut world, nth(family, 400), OTHER_MAC, 200), 50);
        assert_eq!(world.drops(DropReason::ReplyRate), 300);
        let storms = world.hosts[0].events.iter().filter_map(|event| match &event.kind {
            EventKind::Storm { peer, refused, .. } => Some((*peer, *refused)),
            _ => None,
        });
        assert_eq!(storms.collect::<Vec<_>>(), [(nth(family, 400), 1)], "once in ten seconds");
        world.set("reply_peer_rate", "0");
        assert_eq!(answered_of(&mut world, nth(family, 402), PEER_MAC, 300), 300);
    }
}

#[test]
fn strangers_share_a_rate_and_verified_neighbours_have_their_own() {
    for family in Family::BOTH {
        let mut world = small();
        world.set("reply_rate", "100");
        verified(&mut world, peer(family), PEER_MAC);
        let strangers = (0..500).map(|n| answered_of(&mut world, nth(family, 5000 + n), OTHER_MAC, 1));
        assert_eq!(strangers.sum::<usize>(), 25, "a quarter of a second's at once");
        assert_eq!(answered_of(&mut world, peer(family), PEER_MAC, 50), 50);
        assert_eq!(
            answered_of(&mut world, peer(family), OTHER_MAC, 50),
            0,
            "that is not the neighbour's word"
        );
        world.run_for(secs(1));
        let strangers = (0..500).map(|n| answered_of(&mut world, nth(family, 5000 + n), OTHER_MAC, 1));
        assert_eq!(strangers.sum::<usize>(), 25);
    }
}

fn stations(world: &World) -> Vec<(IpAddr, u64)> {
    let station = |kind: &EventKind| match kind {
        EventKind::NewStation { neighbour, suppressed } => Some((neighbour.address, *suppressed)),
        _ => None,
    };
    world.hosts[0].events.iter().filter_map(|event| station(&event.kind)).collect()
}

#[test]
fn a_station_is_new_once_and_whoever_comes_back_with_another_address_has_changed_it() {
    for family in Family::BOTH {
        let mut world = small();
        world.set("gc_thresh1", "0");
        let peer = peer(family);
        verified(&mut world, peer, PEER_MAC);
        assert_eq!(stations(&world), [(peer, 0)]);
        world.forget();
        world.run_for(secs(200));
        assert_eq!(world.info(peer), None, "collected");
        verified(&mut world, peer, PEER_MAC);
        assert_eq!(stations(&world), []);
        world.run_for(secs(200));
        world.forget();
        verified(&mut world, peer, OTHER_MAC);
        let moved = |kind: &EventKind| match kind {
            EventKind::Moved { neighbour, from } => Some((neighbour.lladdr, Some(*from))),
            _ => None,
        };
        let moved: Vec<_> = world.hosts[0].events.iter().filter_map(|event| moved(&event.kind)).collect();
        assert_eq!(moved, [(lladdr(OTHER_MAC), lladdr(PEER_MAC))]);
    }
}

#[test]
fn a_flood_of_stations_is_told_of_in_part_and_the_rest_is_counted() {
    for family in Family::BOTH {
        let mut world = small();
        (0..300).for_each(|n| _ = world.frame(&speaks(nth(family, 5000 + n), OTHER_MAC)));
        assert_eq!(stations(&world).len(), 100);
        world.run_for(secs(1));
        world.forget();
        let _ = world.frame(&speaks(nth(family, 6000), OTHER_MAC));
        assert_eq!(stations(&world), [(nth(family, 6000), 200)]);
    }
}

/// What an attacker can send without having been asked must not make him one of those who were.
#[test]
fn who_says_that_he_is_reachable_without_having_been_asked_is_only_heard_of() {
    for family in Family::BOTH {
        let mut world = small();
        let known: Vec<IpAddr> = (0..70).map(|n| nth(family, 300 + n)).collect();
        for address in &known {
            verified(&mut world, *address, PEER_MAC);
        }
        world.run_for(secs(40));
        for n in 0..300 {
            let address = nth(family, 5000 + n);
            let _ = world.frame(&speaks(address, OTHER_MAC));
            let _ = world.frame(&answer(address, OTHER_MAC));
        }
        assert_eq!(world.engine().occupancy(family).heard, 20);
        assert!(known.iter().all(|address| world.info(*address).is_some()));
    }
}

#[test]
fn what_nobody_has_verified_does_not_make_the_table_crowded_for_the_verified_cre_3() {
    for family in Family::BOTH {
        let (mut world, eth1) = small_router();
        world.set("unresolved_percent", "100");
        let known: Vec<IpAddr> = (0..50).map(|n| nth(family, 300 + n)).collect();
        for address in &known {
            verified(&mut world, *address, PEER_MAC);
        }
        world.run_for(secs(40));
        for source in 0..6 {
            for n in 0..10 {
                let _ = forward(&mut world, &outside(family, source), &behind(family, 10 + source * 10 + n));
            }
        }
        assert!(world.engine().gc_entries(family) >= 85);
        // One that is asked for without an entry answers; Linux would make room down to gc_thresh2.
        let live = behind(family, 200);
        let _ = forward(&mut world, &outside(family, 7), &live);
        let _ = take(&mut world, eth1, &to_eth1(&answer(ip(&live), mac(9))));
        assert!(world.engine().neighbour(eth1, ip(&live)).is_some_and(|entry| entry.state == S::REACHABLE));
        assert!(known.iter().all(|address| world.info(*address).is_some()));
    }
}

#[test]
fn an_entry_that_is_learned_externally_or_vouched_for_is_out_of_reach_whatever_it_was() {
    for family in Family::BOTH {
        let mut world = small();
        let [external, vouched] = [nth(family, 400), nth(family, 401)];
        for (address, flags) in [(external, Flags::EXT_LEARNED), (vouched, Flags::empty())] {
            let _ = world.frame(&speaks(address, PEER_MAC));
            let request = NewNeigh { flags, ..world.request(address, Some(PEER_MAC), S::STALE) };
            assert_eq!(world.admin(request), Ok(()));
        }
        (0..500).for_each(|n| _ = world.frame(&speaks(nth(family, 5000 + n), OTHER_MAC)));
        assert!(world.info(external).is_some() && world.info(vouched).is_some());
        assert_eq!(world.engine().occupancy(family).heard, 20);
    }
}

/// ND-47 has advertisements of FAILED neighbours ignored; but this one was asked for.
#[test]
fn one_that_failed_is_asked_for_without_its_entry_and_its_answer_is_taken() {
    for family in Family::BOTH {
        let mut world = small();
        let peer = peer(family);
        assert_eq!(world.send(peer, 1), Sent::Queued);
        world.run_for(secs(4));
        world.expect_state(peer, S::FAILED);
        let _ = (0..40).map(|n| world.send(nth(family, 1000 + n), 1)).collect::<Vec<_>>();
        assert_eq!(world.send(peer, 2), Sent::Refused(DropReason::NeighBudget));
        world.answer(peer, PEER_MAC);
        world.expect_state(peer, S::REACHABLE);
        assert_eq!(world.send(peer, 3), Sent::Sent);
    }
}

#[test]
fn an_answer_that_names_an_address_no_host_has_uses_up_no_question() {
    for family in Family::BOTH {
        let mut world = small();
        world.set("conf/move_policy", "1");
        let peer = peer(family);
        let _ = (0..40).map(|n| world.send(nth(family, 1000 + n), 1)).collect::<Vec<_>>();
        let _ = world.send(peer, 1);
        for forged in [BROADCAST, [0; 6], crate::common::MAC] {
            let _ = world.frame(&answer(peer, forged));
            assert_eq!(world.info(peer), None, "{forged:?}");
        }
        world.answer(peer, PEER_MAC);
        world.expect_state(peer, S::REACHABLE);
    }
}

#[test]
fn a_packet_passed_on_in_our_own_name_has_no_budget_of_ours() {
    let (mut world, _) = small_router();
    let got: Vec<_> =
        (0..20).map(|n| forward(&mut world, "2001:db8::1", &behind(Family::Inet6, 10 + n))).collect();
    assert_eq!(got.iter().filter(|sent| **sent == Ok(Some(Sent::Queued))).count(), 10, "{got:?}");
}

#[test]
fn who_asks_without_an_address_is_sought_like_any_other() {
    let mut world = small();
    for n in 0..60 {
        let source = crate::common::frames::v6(nth(Family::Inet6, 5000 + n));
        let own = crate::common::frames::v6(own(Family::Inet6));
        let _ = world.frame(&crate::common::frames::ns(source, own, own, None, None));
    }
    let occupancy = world.engine().occupancy(Family::Inet6);
    assert!(occupancy.pending <= 50 && occupancy.heard == 0, "{occupancy:?}");
    assert_eq!(world.frame(&speaks(peer(Family::Inet6), PEER_MAC)), Ok(()));
    world.expect_state(peer(Family::Inet6), S::STALE);
}

#[test]
fn a_link_without_resolution_pushes_out_nobody() {
    let (mut world, _) = small_router();
    for n in 0..60 {
        verified(&mut world, nth(Family::Inet6, 300 + n), PEER_MAC);
    }
    world.run_for(secs(40));
    let tunnel = Device::point_to_point("tun0");
    let tunnel = tunnel.address("2001:db8:9::1/64".parse().unwrap());
    let now = world.now;
    let tun0 = world.engine().add_device(now, tunnel).expect("a tunnel");
    let mut sent = 0;
    for n in 0..300 {
        let to = ip(&format!("2001:db8:9::{:x}", n + 10));
        let packet = packet("2001:db8::2", &to.to_string(), 64, 8);
        let now = world.now;
        sent += u32::from(world.engine().send(now, tun0, to, packet) == Sent::Sent);
        world.settle();
    }
    assert_eq!(sent, 300);
    assert!((0..60).all(|n| world.info(nth(Family::Inet6, 300 + n)).is_some()));
    let occupancy = world.engine().occupancy(Family::Inet6);
    assert!((1..=50).contains(&occupancy.fixed) && occupancy.failed == 0, "{occupancy:?}");
}

#[derive(Clone, Debug)]
enum Op {
    Send(u32),
    Forward(u32, u32),
    Answer(u32),
    Speak(u32),
    Set(u32, S),
    Delete(u32),
    Hold(u32),
    Drop,
    Switch(bool),
    Pass(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let n = 0u32..60;
    let states = prop::sample::select(vec![S::STALE, S::REACHABLE, S::PERMANENT, S::FAILED, S::NOARP]);
    prop_oneof![
        6 => n.clone().prop_map(Op::Send),
        6 => (0u32..6, n.clone()).prop_map(|(source, n)| Op::Forward(source, n)),
        3 => n.clone().prop_map(Op::Answer),
        3 => n.clone().prop_map(Op::Speak),
        1 => (n.clone(), states).prop_map(|(n, state)| Op::Set(n, state)),
        1 => n.clone().prop_map(Op::Delete),
        1 => n.clone().prop_map(Op::Hold),
        1 => Just(Op::Drop),
        1 => prop::bool::weighted(0.8).prop_map(Op::Switch),
        2 => (0u64..4000).prop_map(Op::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Whatever happens: nobody who answered once is removed for a newcomer, budgets hold, and the counts are those
    /// of the entries.
    #[test]
    fn budgets_hold_and_the_verified_stay(ops in prop::collection::vec(op(), 1..120), six in any::<bool>()) {
        let family = if six { Family::Inet6 } else { Family::Inet };
        let knobs = [("gc_thresh3", "40"), ("gc_thresh2", "40"), ("unresolved_source_percent", "10"), ("conf/forwarding", "1")];
        let mut world = World::build(config(), &knobs, ethernet("eth0", 1));
        let address = |n: u32| nth(family, 300 + n);
        let mut answered: BTreeSet<IpAddr> = BTreeSet::new();
        let mut held = Vec::new();
        for op in ops {
            match op {
                Op::Send(n) => _ = world.send(address(n), 1),
                Op::Forward(source, n) => {
                    _ = forward(&mut world, &outside(family, source), &address(n).to_string());
                }
                Op::Answer(n) => _ = world.frame(&answer(address(n), PEER_MAC)),
                Op::Speak(n) => _ = world.frame(&speaks(address(n), PEER_MAC)),
                Op::Set(n, state) => {
                    let request = world.request(address(n), Some(PEER_MAC), state);
                    let _ = world.admin(request);
                }
                Op::Delete(n) => _ = world.delete(address(n)),
                Op::Hold(n) => {
                    let (now, dev) = (world.now, world.dev());
                    held.extend(world.engine().hold(now, dev, address(n)));
                }
                Op::Drop => drop(held.pop()),
                Op::Switch(on) => world.set("admission", if on { "1" } else { "0" }),
                Op::Pass(time) => world.run_for(ms(time)),
            }
            for event in std::mem::take(&mut world.host().events) {
                match event.kind {
                    EventKind::Changed { neighbour, from, reason } if neighbour.state == S::REACHABLE => {
                        // Not who says so unasked.
                        let asked = [S::INCOMPLETE, S::PROBE].contains(&from) || reason == Reason::Timer;
                        if asked || matches!(reason, Reason::Admin(_)) {
                            answered.insert(neighbour.address);
                        }
                    }
                    EventKind::Removed { neighbour, reason } => {
                        let was = answered.remove(&neighbour.address);
                        prop_assert!(reason != Reason::Admission || !was, "{neighbour:?}");
                    }
                    _ => {}
                }
            }
            let engine = &world.hosts[0].engine;
            let occupancy = engine.occupancy(family);
            prop_assert!(occupancy.counted <= 41, "{occupancy:?}");
            if engine.admission(family).on {
                let unresolved = occupancy.pending + occupancy.failed + occupancy.fixed;
                prop_assert!(unresolved + occupancy.heard <= occupancy.counted, "{occupancy:?}");
            }
        }
    }
}
