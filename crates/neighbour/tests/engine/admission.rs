//! Admission by class: what nobody has verified pushes out nothing but its like (RFC 6583 sections 7.1 and 7.2).

use crate::common::frames::answer;
use crate::common::{OTHER_MAC, PEER_MAC, World, ethernet, ip, ms, nth, own, peer, secs};
use crate::support::admission::{
    SMALL, answers, behind, config, established, forward, group, outside, seek, small, small_router, speaks,
    to_eth1, verified,
};
use crate::support::{mac, packet, packets, take};
use neighbour::{
    Config, Device, DropReason, EventKind, Family, Flags, Happening, NewNeigh, NudState, Reason, Sent,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::net::IpAddr;

use NudState as S;

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
        seek(&mut world, family, 1000, 200);
        assert_eq!(world.send(peer(family), 1), Sent::Refused(DropReason::NeighCreateFail));
    }
}

/// RFC rows D80, D82.
#[test]
fn a_scan_pushes_out_nobody_who_was_verified() {
    for family in Family::BOTH {
        let mut world = small();
        let known = established(&mut world, family, 90);
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
        seek(&mut world, family, 1000, 50);
        assert_eq!(world.send(nth(family, 2000), 1), Sent::Refused(DropReason::NeighBudget));
        world.run_for(secs(4));
        let occupancy = world.engine().occupancy(family);
        assert_eq!((occupancy.pending, occupancy.failed), (0, 50));
        seek(&mut world, family, 3000, 50);
        let occupancy = world.engine().occupancy(family);
        assert_eq!((occupancy.pending, occupancy.failed), (50, 0));
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
        seek(&mut world, family, 1000, 40 - fixed);
        world.run_for(secs(4));
        let _ = (0..10).map(|n| world.send(group(family, n), 1)).collect::<Vec<_>>();
        let by_class = |world: &mut World| {
            let occupancy = world.engine().occupancy(family);
            (occupancy.pending, occupancy.failed, occupancy.fixed)
        };
        assert_eq!(by_class(&mut world), (0, 40 - fixed, 10 + fixed), "fifty, the budget");
        seek(&mut world, family, 2000, 10 + fixed);
        assert_eq!(by_class(&mut world), (10 + fixed, 40 - fixed, 0));
        seek(&mut world, family, 3000, 40 - fixed);
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
        let known = established(&mut world, family, 70);
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
        seek(&mut world, family, 10_000, 3000);
        assert_eq!(world.frame(&speaks(peer(family), PEER_MAC)), Ok(()));
        assert_eq!(world.send(peer(family), 9), Sent::Sent);
        world.run_for(secs(6));
        world.answer(peer(family), PEER_MAC);
        world.expect_state(peer(family), S::REACHABLE);
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
        seek(&mut world, family, 1000, 50);
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
    seek(&mut world, Family::Inet6, 1000, 600);
    assert!(world.drops(DropReason::NeighBudget) > 0);
    world.set("admission", "0");
    let refused = world.drops(DropReason::NeighBudget);
    seek(&mut world, Family::Inet6, 3000, 100);
    assert_eq!(world.drops(DropReason::NeighBudget), refused);
    assert!(neighbour::parameter_names().contains(&"solicit_device_rate".to_owned()));
}

/// What an attacker can send without having been asked must not make him one of those who were.
#[test]
fn who_says_that_he_is_reachable_without_having_been_asked_is_only_heard_of() {
    for family in Family::BOTH {
        let mut world = small();
        let known = established(&mut world, family, 70);
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
        let known = established(&mut world, family, 50);
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
    let known = established(&mut world, Family::Inet6, 60);
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
    assert!(known.iter().all(|address| world.info(*address).is_some()));
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
