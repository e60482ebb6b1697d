//! `move_policy`: whom to believe that a neighbour has another link-layer address.

use crate::common::frames::{Arp, Na, Seen, arp_reply, arp_request, hint, na, ns_multicast, v4};
use crate::common::{BROADCAST, MAC, OTHER_MAC, PEER_MAC, World, ethernet, lladdr, ms, own, peer, secs};
use neighbour::{
    Config, Disbelief, DropReason, EventKind, Family, Flags, Happening, MovePolicy, NewNeigh, NudState, Sent,
};
use std::net::IpAddr;
use std::time::Duration;

use NudState as S;

const THIRD_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x33];
/// retrans_time.
const INTERVAL: Duration = Duration::from_secs(1);

fn world(policy: &str) -> World {
    World::build(Config::default().seed(6), &[("conf/move_policy", policy)], ethernet("eth0", 1))
}

/// Each way in which somebody says on the wire that `address` is at `mac`, so that Linux believes it.
fn claims(address: IpAddr, mac: [u8; 6]) -> Vec<(&'static str, Vec<u8>)> {
    match address {
        IpAddr::V4(_) => vec![
            ("a gratuitous request", arp_request(address, mac, address).frame()),
            (
                "a gratuitous reply",
                Arp { to: BROADCAST, target_ip: v4(address), ..arp_reply(address, mac) }.frame(),
            ),
            ("a reply to us", arp_reply(address, mac).frame()),
            ("a request to us", arp_request(address, mac, own(Family::Inet)).frame()),
        ],
        IpAddr::V6(_) => vec![
            ("an unsolicited advertisement", hint(address, mac)),
            ("an answer to us", Na { overrides: true, ..na(address, Some(mac)) }.frame()),
            ("a solicitation of us", ns_multicast(address, mac, own(Family::Inet6))),
        ],
    }
}

/// A verified neighbour, and nothing of how it came to be.
fn verified(world: &mut World, family: Family) -> IpAddr {
    let peer = peer(family);
    assert_eq!(world.send(peer, 1), Sent::Queued);
    world.answer(peer, PEER_MAC);
    world.expect_state(peer, S::REACHABLE);
    // Past locktime.
    world.run_for(secs(2));
    world.forget();
    peer
}

fn told(world: &World) -> Vec<&EventKind> {
    let kinds = world.hosts[0].events.iter().map(|event| &event.kind);
    let wanted = |kind: &&EventKind| {
        matches!(
            kind,
            EventKind::MoveClaimed { .. }
                | EventKind::Moved { .. }
                | EventKind::Restless { .. }
                | EventKind::ClaimDisbelieved { .. }
        )
    };
    kinds.filter(wanted).collect()
}

#[test]
fn under_linux_whoever_spoke_last_is_believed() {
    assert_eq!(world("0").hosts[0].engine.move_policy(world("0").dev(), Family::Inet), MovePolicy::Linux);
    for family in Family::BOTH {
        for (what, frame) in claims(peer(family), OTHER_MAC) {
            let mut world = world("0");
            let peer = verified(&mut world, family);
            let _ = world.frame(&frame);
            assert_eq!(world.entry(peer).lladdr, lladdr(OTHER_MAC), "{what}");
            assert!(told(&world).is_empty(), "{what}");
        }
    }
}

#[test]
fn a_neighbour_that_answers_is_not_moved_by_what_another_says() {
    for family in Family::BOTH {
        for (what, frame) in claims(peer(family), OTHER_MAC) {
            let mut world = world("1");
            let peer = verified(&mut world, family);
            let _ = world.frame(&frame);
            assert_eq!(world.entry(peer).lladdr, lladdr(PEER_MAC), "{what}: not yet");
            let asked = world.solicitations(peer);
            assert_eq!(asked.len(), 1, "{what}: the old address is asked once");
            assert!(asked[0].1, "{what}: by unicast");
            // Packets go where they went.
            assert_eq!(world.send(peer, 5), Sent::Sent, "{what}");
            world.run_for(ms(100));
            world.answer(peer, PEER_MAC);
            world.run_for(secs(10));
            let entry = world.entry(peer);
            assert_eq!((entry.state, entry.lladdr), (S::REACHABLE, lladdr(PEER_MAC)), "{what}");
            assert_eq!(world.drops(DropReason::ClaimDisbelieved), 1, "{what}");
            let [
                EventKind::MoveClaimed { claimed, .. },
                EventKind::ClaimDisbelieved { claimed: refused, why, .. },
            ] = told(&world)[..]
            else {
                panic!("{what}: {:?}", told(&world));
            };
            assert_eq!((Some(*claimed), Some(*refused)), (lladdr(OTHER_MAC), lladdr(OTHER_MAC)), "{what}");
            assert_eq!(*why, Disbelief::OldAnswered, "{what}");
        }
    }
}

/// As Linux answers a solicitation by unicast: S, without O and without its address.
#[test]
fn an_answer_that_leaves_the_address_out_is_an_answer_of_the_old_one() {
    for (what, frame) in claims(peer(Family::Inet6), OTHER_MAC) {
        let mut world = world("1");
        let peer = verified(&mut world, Family::Inet6);
        let _ = world.frame(&frame);
        world.run_for(ms(100));
        assert_eq!(world.frame(&na(peer, None).frame()), Ok(()), "{what}");
        world.run_for(secs(10));
        assert_eq!(world.entry(peer).lladdr, lladdr(PEER_MAC), "{what}");
        assert_eq!(world.drops(DropReason::ClaimDisbelieved), 1, "{what}");
        let said = told(&world);
        assert!(
            matches!(said[..], [EventKind::MoveClaimed { .. }, EventKind::ClaimDisbelieved { .. }]),
            "{what}"
        );
    }
}

#[test]
fn a_neighbour_that_has_moved_is_believed_after_one_interval() {
    for family in Family::BOTH {
        for (what, frame) in claims(peer(family), OTHER_MAC) {
            let mut world = world("1");
            let peer = verified(&mut world, family);
            let _ = world.frame(&frame);
            let waited = world.run_while(secs(5), |world| world.entry(peer).lladdr == lladdr(PEER_MAC));
            assert!(waited <= INTERVAL + ms(8), "{what}: {waited:?}");
            world.expect_state(peer, S::STALE);
            assert!(
                matches!(told(&world)[..], [EventKind::MoveClaimed { .. }, EventKind::Moved { .. }]),
                "{what}"
            );
            // The new one is verified in turn, by the first packet.
            world.forget();
            assert_eq!(world.send(peer, 9), Sent::Sent);
            assert_eq!(world.tags(), [9]);
            world.run_for(secs(6));
            assert!(!world.solicitations(peer).is_empty(), "{what}: the new address is asked");
            let history: Vec<String> =
                world.hosts[0].engine.history(peer).map(|r| r.happening.to_string()).collect();
            let text = history.join("; ");
            assert!(text.contains("asked the old address first"), "{text}");
        }
    }
}

/// How long packets to a neighbour go nowhere after its address has passed to another machine, the old one being dead and
/// the new one having said so, as failover protocols do: by policy, and by the form of the announcement.
#[test]
fn a_failover_costs_what_its_policy_says() {
    const NEVER: Option<Duration> = None;
    for (policy, cost) in [("0", Some(Duration::ZERO)), ("1", Some(INTERVAL)), ("2", NEVER), ("3", NEVER)] {
        for family in Family::BOTH {
            for (what, frame) in claims(peer(family), OTHER_MAC) {
                let mut world = world("0");
                let peer = verified(&mut world, family);
                world.set("conf/move_policy", policy);
                let start = world.now;
                let _ = world.frame(&frame);
                // A packet each 10 ms, as an application sends them, until one goes to the new machine.
                let reached = (0..1000).find_map(|n| {
                    world.forget();
                    let sent = world.send(peer, n as u8);
                    let to_new = world
                        .sent()
                        .iter()
                        .any(|(_, seen)| matches!(seen, Seen::Ip { to, .. } if *to == OTHER_MAC));
                    assert!(matches!(sent, Sent::Sent), "{what}: the old address is used meanwhile");
                    world.run_for(ms(10));
                    to_new.then(|| world.now - start - ms(10))
                });
                match (cost, reached) {
                    (Some(cost), Some(took)) => assert!(took <= cost + ms(20), "{policy} {what}: {took:?}"),
                    (None, None) => {}
                    (cost, reached) => panic!("policy {policy}, {what}: {reached:?}, and not {cost:?}"),
                }
            }
        }
    }
}

/// RFC 9568: the virtual router's address has a hardware address of its own, which moves with it; who has it now makes
/// itself known by a gratuitous ARP or an advertisement from there. No binding changes, so no policy is asked.
#[test]
fn a_virtual_router_that_fails_over_costs_nothing_in_any_policy() {
    const VIRTUAL: [u8; 6] = [0, 0, 0x5e, 0, 1, 7];
    for policy in ["0", "1", "2", "3"] {
        for family in Family::BOTH {
            for (what, frame) in claims(peer(family), VIRTUAL) {
                let mut world = world("0");
                let peer = peer(family);
                assert_eq!(world.send(peer, 1), Sent::Queued);
                world.answer(peer, VIRTUAL);
                world.run_for(secs(2));
                world.set("conf/move_policy", policy);
                world.forget();
                let _ = world.frame(&frame);
                assert!(told(&world).is_empty(), "policy {policy}, {what}: {:?}", told(&world));
                assert_eq!(world.send(peer, 2), Sent::Sent);
                assert!(world.entry(peer).lladdr == lladdr(VIRTUAL));
            }
        }
    }
}

#[test]
fn a_second_claim_gains_no_time_and_the_last_one_counts() {
    for family in Family::BOTH {
        let mut world = world("1");
        let peer = verified(&mut world, family);
        let start = world.now;
        world.hint(peer, OTHER_MAC);
        for _ in 0..9 {
            world.run_for(ms(100));
            let _ = world.frame(&hint(peer, THIRD_MAC));
        }
        world.run_while(secs(5), |world| world.entry(peer).lladdr == lladdr(PEER_MAC));
        assert!(world.now - start <= INTERVAL + ms(8), "{family:?}");
        assert_eq!(world.entry(peer).lladdr, lladdr(THIRD_MAC));
        assert_eq!(world.solicitations(peer).len(), 1, "{family:?}: one question for ten claims");
    }
}

#[test]
fn an_unknown_or_failed_neighbour_is_learned_as_ever() {
    for policy in ["1", "2"] {
        for family in Family::BOTH {
            let mut world = world(policy);
            let peer = peer(family);
            let _ = world.send(peer, 1);
            world.answer(peer, PEER_MAC);
            assert_eq!(world.entry(peer).lladdr, lladdr(PEER_MAC), "{policy} {family:?}");
            assert_eq!(world.tags(), [1]);
        }
    }
    let mut world = world("1");
    let peer = verified(&mut world, Family::Inet);
    world.run_for(secs(60));
    let _ = world.send(peer, 1);
    world.run_to_state(peer, S::FAILED, secs(30));
    let _ = world.send(peer, 2);
    world.answer(peer, OTHER_MAC);
    assert_eq!(world.entry(peer).lladdr, lladdr(OTHER_MAC), "nobody had it any more");
}

#[test]
fn pinned_neighbours_stay_where_they_were_first_heard_until_somebody_in_charge_says_otherwise() {
    for family in Family::BOTH {
        for (what, frame) in claims(peer(family), OTHER_MAC) {
            let mut world = world("2");
            let peer = verified(&mut world, family);
            let _ = world.frame(&frame);
            world.run_for(secs(5));
            assert_eq!(world.entry(peer).lladdr, lladdr(PEER_MAC), "{what}");
            assert_eq!(world.solicitations(peer), [], "{what}: nobody is asked");
            assert!(
                matches!(told(&world)[..], [EventKind::ClaimDisbelieved { why: Disbelief::Pinned, .. }]),
                "{what}"
            );
            world.replace(peer, OTHER_MAC, S::REACHABLE);
            assert_eq!(world.entry(peer).lladdr, lladdr(OTHER_MAC), "{what}: an administrator");
        }
        // Not even when it has failed.
        let mut world = world("2");
        let peer = verified(&mut world, family);
        world.run_for(secs(60));
        let _ = world.send(peer, 1);
        world.run_to_state(peer, S::FAILED, secs(30));
        let _ = world.send(peer, 2);
        world.answer(peer, OTHER_MAC);
        world.expect_state(peer, S::INCOMPLETE);
        world.answer(peer, PEER_MAC);
        world.expect_state(peer, S::REACHABLE);
    }
}

#[test]
fn under_static_only_configured_entries_are_known_and_nobody_is_asked_for() {
    for family in Family::BOTH {
        let mut world = world("3");
        let peer = peer(family);
        assert_ne!(world.send(peer, 1), Sent::Queued, "{family:?}");
        assert_eq!(world.solicitations(peer), [], "{family:?}");
        for (what, frame) in claims(peer, OTHER_MAC) {
            let _ = world.frame(&frame);
            assert_eq!(world.info(peer).and_then(|entry| entry.lladdr), None, "{what}");
        }
        world.replace(peer, PEER_MAC, S::REACHABLE);
        for (what, frame) in claims(peer, OTHER_MAC) {
            let _ = world.frame(&frame);
            assert_eq!(world.entry(peer).lladdr, lladdr(PEER_MAC), "{what}");
        }
        world.answer(peer, PEER_MAC);
        world.expect_state(peer, S::REACHABLE);
    }
}

#[test]
fn addresses_that_no_neighbour_can_have_are_believed_under_linux_alone() {
    for (mac, why) in [
        (BROADCAST, Disbelief::NoHost),
        ([1, 0, 0x5e, 0, 0, 1], Disbelief::NoHost),
        ([0; 6], Disbelief::NoHost),
        (MAC, Disbelief::Own),
    ] {
        for (policy, believed) in [("0", true), ("1", false), ("2", false)] {
            for family in Family::BOTH {
                let mut world = world(policy);
                let peer = peer(family);
                let request = NewNeigh { flags: Flags::USE, ..world.request(peer, None, S::NONE) };
                let _ = world.admin(request);
                let frame = match family {
                    Family::Inet => arp_reply(peer, mac).frame(),
                    Family::Inet6 => Na { overrides: true, ..na(peer, Some(mac)) }.frame(),
                };
                let _ = world.frame(&frame);
                let known = world.info(peer).and_then(|entry| entry.lladdr);
                assert_eq!(known.is_some(), believed, "{policy} {family:?} {mac:?}");
                if !believed {
                    let [EventKind::ClaimDisbelieved { why: told, .. }] = told(&world)[..] else {
                        panic!("{policy} {family:?} {mac:?}: {:?}", told(&world));
                    };
                    assert_eq!(*told, why);
                }
            }
        }
    }
}

#[test]
fn a_neighbour_that_moves_to_and_fro_is_told_of_and_left_where_it_is_for_a_while() {
    for family in Family::BOTH {
        let mut world = world("1");
        let peer = verified(&mut world, family);
        // Nobody answers for the old address each time: a loop, or two hosts with one address.
        for n in 0..5 {
            let _ = world.frame(&hint(peer, if n % 2 == 0 { OTHER_MAC } else { PEER_MAC }));
            world.run_for(secs(3));
        }
        let restless = |world: &World| {
            told(world).iter().filter(|kind| matches!(kind, EventKind::Restless { .. })).count()
        };
        assert_eq!((world.entry(peer).lladdr, restless(&world)), (lladdr(OTHER_MAC), 1), "{family:?}");
        world.forget();
        let _ = world.frame(&hint(peer, PEER_MAC));
        world.run_for(secs(3));
        assert_eq!(world.entry(peer).lladdr, lladdr(OTHER_MAC), "{family:?}");
        assert!(matches!(told(&world)[..], [EventKind::ClaimDisbelieved { why: Disbelief::Restless, .. }]));
        world.run_for(secs(180));
        let _ = world.frame(&hint(peer, PEER_MAC));
        world.run_for(secs(3));
        assert_eq!(
            world.info(peer).and_then(|entry| entry.lladdr),
            lladdr(PEER_MAC),
            "{family:?}: after a while"
        );
    }
}

#[test]
fn claims_that_are_held_have_a_bound_and_die_with_their_entries() {
    let mut world = world("1");
    let family = Family::Inet;
    for n in 0..1100 {
        world.replace(crate::common::nth(family, 10 + n), PEER_MAC, S::PERMANENT);
        world.replace(crate::common::nth(family, 10 + n), PEER_MAC, S::STALE);
    }
    // Past locktime.
    world.run_for(secs(2));
    world.forget();
    for n in 0..1100 {
        let _ = world.frame(&hint(crate::common::nth(family, 10 + n), OTHER_MAC));
    }
    let busy = world.drops(DropReason::ClaimDisbelieved);
    assert_eq!(busy, 1100 - 1024);
    let (now, dev) = (world.now, world.dev());
    world.engine().flush(now, family, Some(dev));
    world.run_for(secs(3));
    assert_eq!(world.info(crate::common::nth(family, 10)), None, "what is gone is not moved");
    assert!(!told(&world).iter().any(|kind| matches!(kind, EventKind::Moved { .. })));
}

#[test]
fn a_storm_of_forged_claims_is_counted_in_full_and_told_of_now_and_then() {
    let mut world = world("2");
    let peer = verified(&mut world, Family::Inet);
    for _ in 0..1000 {
        let _ = world.frame(&hint(peer, OTHER_MAC));
        world.run_for(ms(4));
    }
    assert_eq!(world.drops(DropReason::ClaimDisbelieved), 1000);
    let suppressed: Vec<u64> = told(&world)
        .iter()
        .filter_map(|kind| match kind {
            EventKind::ClaimDisbelieved { suppressed, .. } => Some(*suppressed),
            _ => None,
        })
        .collect();
    assert!((10..=15).contains(&suppressed.len()), "{suppressed:?}");
    assert!(suppressed.iter().sum::<u64>() > 700, "{suppressed:?}");
}

#[test]
fn the_profile_guarded_verifies_and_each_device_and_family_has_its_own_switch() {
    let mut world = World::build(Config::guarded().seed(6), &[], ethernet("eth0", 1));
    let dev = world.dev();
    let policy = |world: &World, family| world.hosts[0].engine.move_policy(dev, family);
    assert_eq!(Family::BOTH.map(|family| policy(&world, family)), [MovePolicy::Verify; 2]);
    world.set("ipv4/conf/eth0/move_policy", "2");
    world.set("ipv6/conf/eth0/move_policy", "0");
    assert_eq!(Family::BOTH.map(|family| policy(&world, family)), [MovePolicy::Pin, MovePolicy::Linux]);
    assert_eq!(Config::linux().move_policy, MovePolicy::Linux);
    // What was learned while it was off is believed as it is.
    let peer = verified(&mut world, Family::Inet6);
    world.hint(peer, OTHER_MAC);
    assert_eq!(world.entry(peer).lladdr, lladdr(OTHER_MAC));
    let moved =
        world.hosts[0].engine.history(peer).any(|r| matches!(r.happening, Happening::MoveHeld { .. }));
    assert!(!moved);
}
