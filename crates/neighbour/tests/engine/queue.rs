//! Packets that wait for an address (QUE-1 to QUE-11, NUD-5, NUD-10), through the engine.

use crate::common::frames::{self, Seen};
use crate::common::{BROADCAST, OTHER_MAC, PEER_MAC, World, ethernet, ip, ms, nth, own, peer, secs};
use neighbour::{Config, DropReason, EventKind, Family, NudState, Sent};

use NudState as S;

/// What a small packet weighs (QUE-1).
const SMALL: u64 = 832;

/// Sends a packet of `len` bytes to the peer.
fn send_sized(world: &mut World, family: Family, len: usize) -> Sent {
    let (now, dev, to) = (world.now, world.dev(), peer(family));
    world.engine().send(now, dev, to, vec![0x45; len])
}

/// RFC rows A24, N74.
#[test]
fn the_oldest_goes_first_and_is_counted_que_2() {
    for family in Family::BOTH {
        let mut world = World::new(); // room for three small ones
        let address = world.init_neighbour_in_state(family, S::NONE);
        (1..=5).for_each(|tag| assert_eq!(world.send(address, tag), Sent::Queued, "{family:?}"));
        assert_eq!(world.entry(address).queued, 3, "{family:?}");
        assert_eq!(world.drops(DropReason::NeighQueueFull), 2, "{family:?}");
        assert_eq!(world.stats(family).unresolved_discards, 2, "{family:?}");
        world.answer(address, PEER_MAC);
        assert_eq!(world.tags(), [3, 4, 5], "{family:?}: in order (QUE-4)");
        assert_eq!(world.entry(address).queued, 0, "{family:?}");
    }
}

#[test]
fn the_default_limit_holds_what_a_kernel_s_holds_que_1() {
    // UDP payloads, and the 28 bytes of IPv4 and UDP headers.
    for (payload, fits) in [(100, 256), (512, 166), (1000, 92), (1400, 92)] {
        let mut world = World::linux(&[]);
        (0..400).for_each(|_| assert_eq!(send_sized(&mut world, Family::Inet, payload + 28), Sent::Queued));
        assert_eq!(world.entry(peer(Family::Inet)).queued, fits, "{payload} bytes");
        assert_eq!(world.stats(Family::Inet).unresolved_discards, 400 - u64::from(fits), "{payload} bytes");
    }
}

#[test]
fn a_limit_of_no_or_one_byte_keeps_exactly_the_newest_que_3_foot_26() {
    for family in Family::BOTH {
        for limit in ["0", "1"] {
            let mut world = World::with(&[("neigh/unres_qlen_bytes", limit)]);
            let address = world.init_neighbour_in_state(family, S::NONE);
            (1..=4).for_each(|tag| assert_eq!(world.send(address, tag), Sent::Queued));
            assert_eq!(world.entry(address).queued, 1, "{family:?} {limit}");
            world.answer(address, PEER_MAC);
            assert_eq!(world.tags(), [4], "{family:?} {limit}");
        }
    }
}

#[test]
fn one_large_packet_takes_the_room_of_several_small_ones_que_2_que_11() {
    let mut world = World::new();
    let address = peer(Family::Inet);
    (1..=3).for_each(|tag| assert_eq!(world.send(address, tag), Sent::Queued));
    assert_eq!(send_sized(&mut world, Family::Inet, 1400), Sent::Queued);
    assert_eq!(world.entry(address).queued, 1, "2,304 bytes leave no room for 832");
    assert_eq!(world.send(address, 4), Sent::Queued);
    assert_eq!(world.entry(address).queued, 1, "and it went in its turn");
}

#[test]
fn unres_qlen_counts_packets_of_2090_bytes_sys_7() {
    let mut world = World::with(&[("ipv4/neigh/unres_qlen", "5")]);
    let address = peer(Family::Inet);
    (1..=40).for_each(|tag| assert_eq!(world.send(address, tag), Sent::Queued));
    assert_eq!(u64::from(world.entry(address).queued), 10_450 / SMALL);
}

/// Also UPD-15.
#[test]
fn the_queue_leaves_before_a_reply_and_before_later_packets_que_4_que_6() {
    let mut world = World::new();
    let address = world.init_neighbour_in_state(Family::Inet, S::NONE);
    (1..=2).for_each(|tag| assert_eq!(world.send(address, tag), Sent::Queued));
    world.forget();
    // The peer asks for us: that makes it STALE, the packets leave, then our reply does.
    let request = frames::arp_request(address, PEER_MAC, own(Family::Inet));
    assert_eq!(world.frame(&request.frame()), Ok(()));
    assert_eq!(world.send(address, 3), Sent::Sent);
    let order: Vec<_> = world
        .sent()
        .iter()
        .map(|(_, seen)| match seen {
            Seen::Arp { request: false, .. } => "reply".to_owned(),
            seen => format!("{:?}", seen.tag()),
        })
        .collect();
    assert_eq!(order, ["Some(1)", "Some(2)", "reply", "Some(3)"]);
    world.expect_state(address, S::DELAY);
}

#[test]
fn queued_packets_go_to_the_address_of_the_answer_que_4() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, S::INCOMPLETE);
        world.answer(address, OTHER_MAC);
        let to: Vec<_> = world
            .sent()
            .into_iter()
            .filter_map(|(_, seen)| match seen {
                Seen::Ip { to, .. } => Some(to),
                _ => None,
            })
            .collect();
        assert_eq!(to, [OTHER_MAC], "{family:?}");
    }
}

#[test]
fn all_queues_together_are_bounded() {
    let config = Config { max_queued_bytes: 5 * SMALL, ..Config::default() };
    let mut world = World::build(config, crate::common::KNOBS, ethernet("eth0", 1));
    let family = Family::Inet;
    for n in 0..8 {
        assert_eq!(world.send(nth(family, 20 + n), n as u8), Sent::Queued);
    }
    assert_eq!(world.drops(DropReason::QueueTotal), 3);
    assert_eq!(world.stats(family).unresolved_discards, 3);
    // What leaves gives its room back: by an answer, by failing, by removal.
    world.answer(nth(family, 20), PEER_MAC);
    assert_eq!(world.send(nth(family, 25), 1), Sent::Queued);
    assert_eq!(world.drops(DropReason::QueueTotal), 3);
    world.run_for(secs(4));
    for n in 0..5 {
        assert_eq!(world.send(nth(family, 40 + n), 2), Sent::Queued);
    }
    assert_eq!(world.drops(DropReason::QueueTotal), 3);
    let (now, dev) = (world.now, world.dev());
    world.engine().flush(now, family, Some(dev));
    for n in 0..5 {
        assert_eq!(world.send(nth(family, 50 + n), 3), Sent::Queued);
    }
    assert_eq!(world.drops(DropReason::QueueTotal), 3);
}

#[test]
fn the_room_of_the_whole_is_right_after_a_queue_dropped_its_oldest_que_11() {
    let config = Config { max_queued_bytes: 4 * SMALL, ..Config::default() };
    let mut world = World::build(config, crate::common::KNOBS, ethernet("eth0", 1));
    // Two fit in its own queue; all others push one out, and the whole is as it was.
    world.set("ipv4/neigh/eth0/unres_qlen_bytes", "1664");
    let address = peer(Family::Inet);
    (0..50).for_each(|tag| assert_eq!(world.send(address, tag), Sent::Queued));
    assert_eq!(world.drops(DropReason::QueueTotal), 0);
    assert_eq!(world.entry(address).queued, 2);
    assert_eq!(world.send(nth(Family::Inet, 30), 1), Sent::Queued);
    assert_eq!(world.entry(nth(Family::Inet, 30)).queued, 1);
}

#[test]
fn a_packet_that_fails_comes_back_whole_with_its_reason_que_7_que_8() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, S::NONE);
        (7..=8).for_each(|tag| assert_eq!(world.send(address, tag), Sent::Queued));
        world.run_to_state(address, S::FAILED, secs(10));
        let back: Vec<_> = world.hosts[0]
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Unreachable { device, next_hop, packet, reason } => {
                    Some((*device, *next_hop, packet.clone(), *reason))
                }
                _ => None,
            })
            .collect();
        let whole = |tag| {
            let packet = frames::packet(own(family), address, tag);
            (world.dev(), address, packet, DropReason::Unreachable)
        };
        assert_eq!(back, [whole(7), whole(8)], "{family:?}");
    }
}

#[test]
fn deleting_an_unresolved_entry_gives_its_packets_back_nl_27_que_7() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, S::INCOMPLETE);
        assert_eq!(world.send(address, 6), Sent::Queued);
        let failed = world.stats(family).res_failed;
        assert_eq!(world.delete(address), Ok(()));
        assert_eq!(world.unreachable(), [0, 6], "{family:?}");
        assert_eq!(world.stats(family).res_failed, failed + 1, "{family:?}: UPD-5");
    }
}

#[test]
fn what_waits_when_probes_fail_comes_back_too_que_7() {
    // A held entry that is PROBE has no queue; one that was made INCOMPLETE by hand and then PROBE has none
    // either: what waited left. So only INCOMPLETE ever gives back, and PROBE counts alone.
    let mut world = World::new();
    let address = world.init_neighbour_in_state(Family::Inet, S::PROBE);
    world.run_to_state(address, S::FAILED, secs(10));
    assert_eq!(world.unreachable(), Vec::<u8>::new());
    assert_eq!(world.stats(Family::Inet).res_failed, 1);
}

#[test]
fn none_and_incomplete_set_by_hand_keep_the_packets_que_10() {
    for family in Family::BOTH {
        for state in [S::NONE, S::INCOMPLETE] {
            let mut world = World::new();
            let address = world.init_neighbour_in_state(family, S::INCOMPLETE);
            world.replace(address, PEER_MAC, state);
            assert_eq!(world.entry(address).queued, 1, "{family:?} {state}");
            assert_eq!(world.send(address, 2), Sent::Queued, "{family:?} {state}");
            world.answer(address, PEER_MAC);
            assert_eq!(world.tags(), [0, 2], "{family:?} {state}");
        }
    }
}

#[test]
fn without_a_way_to_ask_the_packet_is_dropped_and_nobody_is_told_nud_5_foot_31() {
    for family in Family::BOTH {
        let mut world = World::with(&[("neigh/mcast_solicit", "0"), ("neigh/app_solicit", "0")]);
        let address = peer(family);
        for _ in 0..3 {
            assert_eq!(world.send(address, 1), Sent::Refused(DropReason::NeighFailed), "{family:?}");
            world.expect_state(address, S::FAILED);
        }
        assert_eq!(world.notices(address), [], "{family:?}");
        assert_eq!(world.unreachable(), Vec::<u8>::new(), "{family:?}");
        assert_eq!(world.stats(family).res_failed, 0, "{family:?}");
        assert_eq!(world.solicitations(address), [], "{family:?}");
    }
}

#[test]
fn the_newest_packet_says_with_which_source_to_ask_nud_10_arp_15() {
    let mut world = World::new();
    world.add_address("192.0.2.50/24");
    let address = peer(Family::Inet);
    let (now, dev) = (world.now, world.dev());
    for source in ["192.0.2.1", "192.0.2.50"] {
        let packet = frames::packet(ip(source), address, 0);
        assert_eq!(world.engine().send(now, dev, address, packet), Sent::Queued);
    }
    world.run_for(ms(700));
    let sources: Vec<_> = world
        .sent()
        .iter()
        .filter_map(|(_, seen)| match seen {
            Seen::Arp { to: BROADCAST, sender_ip, .. } => Some(sender_ip.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(sources, ["192.0.2.1", "192.0.2.50"], "the first probe, and the next one");
}

#[test]
fn a_packet_longer_than_the_mtu_is_refused_and_counted() {
    let mut world = World::new();
    assert_eq!(send_sized(&mut world, Family::Inet, 1501), Sent::Refused(DropReason::TooBig));
    assert_eq!(world.info(peer(Family::Inet)), None);
    assert_eq!(world.drops(DropReason::TooBig), 1);
    assert_eq!(send_sized(&mut world, Family::Inet, 1500), Sent::Queued);
}

#[test]
fn frames_nobody_takes_are_bounded_and_counted() {
    let config = Config { max_transmit: 4, ..Config::default() };
    let mut world = World::build(config, crate::common::KNOBS, ethernet("eth0", 1));
    let address = world.init_neighbour_in_state(Family::Inet, S::REACHABLE);
    let (now, dev) = (world.now, world.dev());
    for n in 0..6 {
        let packet = frames::packet(own(Family::Inet), address, n);
        let expected = if n < 4 { Sent::Sent } else { Sent::Refused(DropReason::TransmitFull) };
        assert_eq!(world.engine().send(now, dev, address, packet), expected, "{n}");
    }
    assert_eq!(world.drops(DropReason::TransmitFull), 2);
}

#[test]
fn events_nobody_takes_are_bounded_and_the_loss_is_told() {
    let config = Config { max_events: 3, ..Config::default() };
    let mut world = World::build(config, crate::common::KNOBS, ethernet("eth0", 1));
    let (now, dev) = (world.now, world.dev());
    for n in 20..30 {
        drop(world.engine().hold(now, dev, nth(Family::Inet, n)).expect("room"));
    }
    world.settle();
    let kinds: Vec<_> = world.hosts[0].events.iter().map(|e| &e.kind).collect();
    assert_eq!(kinds.len(), 4);
    assert!(matches!(kinds[3], EventKind::Lost(7)), "{:?}", kinds[3]);
}
