//! Past the entries that admission by class gives: what is asked, answered and told without one, at bounded rates.

use crate::common::frames::{Seen, answer};
use crate::common::{BROADCAST, OTHER_MAC, PEER_MAC, World, lladdr, nth, peer, secs};
use crate::support::admission::{answers, seek, small, speaks, verified};
use neighbour::{DropReason, EventKind, Family, NudState, Sent};
use std::net::IpAddr;

use NudState as S;

#[test]
fn what_gets_no_entry_is_asked_for_and_its_answer_makes_one() {
    for family in Family::BOTH {
        let mut world = small();
        // The device's 40 places are taken.
        seek(&mut world, family, 1000, 40);
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
        seek(&mut world, family, 1000, 40);
        let _ = world.send(peer(family), 1);
        // Of another address; the right one, too late; the right one, a second time.
        let other = nth(family, 3);
        let _ = world.frame(&answer(other, OTHER_MAC));
        assert_eq!(world.info(other), None);
        world.run_for(secs(4));
        let _ = world.frame(&answer(peer(family), OTHER_MAC));
        assert_eq!(world.info(peer(family)), None, "mcast_solicit times retrans_time have passed");
        seek(&mut world, family, 2000, 40);
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
        seek(&mut world, family, 1000, 40);
        world.forget();
        for _ in 0..5 {
            let _ = world.send(peer(family), 1);
        }
        assert_eq!(world.solicitations(peer(family)).len(), 1);
        let before = world.sent().len();
        seek(&mut world, family, 5000, 500);
        assert_eq!(world.sent().len() - before, 9, "a quarter of a second's questions at once, less one");
        let occupancy = world.engine().occupancy(family);
        assert_eq!((occupancy.asked, occupancy.hushed), (10, 4 + 491));
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
        seek(&mut world, family, 1000, 40);
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
        seek(&mut world, family, 1000, 40);
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
    seek(&mut world, Family::Inet6, 1000, 200);
    let groups = world.engine().neighbours(Family::Inet6).filter(|entry| entry.address.is_multicast());
    assert_eq!(groups.count(), 1, "that of the first report alone");
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

#[test]
fn a_table_near_its_limit_is_told_of_once_a_minute() {
    for family in Family::BOTH {
        let mut world = small();
        world.set("neigh/gc_stale_time", "600");
        for n in 0..85 {
            verified(&mut world, nth(family, 300 + n), PEER_MAC);
        }
        seek(&mut world, family, 1000, 10);
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
        seek(&mut world, family, 2000, 10);
        assert_eq!(near(&world).len(), 1);
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
