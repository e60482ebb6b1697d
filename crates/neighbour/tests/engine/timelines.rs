//! Every timeline that was measured on a kernel, on simulated time: never early, and at most a tick late.

use std::time::Duration;

use crate::common::frames::Seen;
use crate::common::{PEER_MAC, TICK, World, ip, ms, own, peer, secs};
use neighbour::{DropReason, EventKind, Family, Flags, Instant, NewNeigh, NudState, Sent};

/// The time that passed is `expected`, or a tick more.
#[track_caller]
fn on_time(passed: Duration, expected: Duration, what: &str) {
    assert!((expected..=expected + TICK).contains(&passed), "{what}: after {passed:?}, not {expected:?}");
}

/// The times at which the entry was asked for, since `start`.
fn probe_times(world: &World, family: Family, start: Instant) -> Vec<Duration> {
    world.solicitations(peer(family)).iter().map(|(at, _)| *at - start).collect()
}

#[track_caller]
fn all_on_time(passed: &[Duration], expected: &[Duration]) {
    assert_eq!(passed.len(), expected.len(), "{passed:?}");
    passed.iter().zip(expected).for_each(|(passed, expected)| on_time(*passed, *expected, "probe"));
}

#[test]
fn a_neighbour_that_answers_is_reachable_at_once_and_the_packet_leaves_nud_4_que_4() {
    for family in Family::BOTH {
        let mut world = World::pair(&[]);
        let start = world.now;
        assert_eq!(world.send(peer(family), 9), Sent::Queued, "{family:?}");
        world.expect_state(peer(family), NudState::REACHABLE);
        assert_eq!(world.solicitations(peer(family)), [(start, false)], "{family:?}");
        assert_eq!(world.tags(), [9], "{family:?}");
        assert_eq!(world.hosts[1].received.len(), 1, "{family:?}");
    }
}

/// RFC row N71.
#[test]
fn nobody_answers_probes_at_0_1_2_s_and_failed_at_3_s_with_6_probes_nud_13() {
    for family in Family::BOTH {
        let mut world = World::linux(&[]);
        let (address, start) = (peer(family), world.now);
        assert_eq!(world.send(address, 1), Sent::Queued);
        let passed = world.run_to_state(address, NudState::FAILED, secs(10));
        on_time(passed, secs(3), "FAILED");
        all_on_time(&probe_times(&world, family, start), &[secs(0), secs(1), secs(2)]);
        assert!(world.solicitations(address).iter().all(|(_, unicast)| !unicast), "{family:?}");
        assert_eq!(world.entry(address).probes, 6, "{family:?}: it starts at ucast_solicit (NUD-9)");
        assert_eq!(world.unreachable(), [1], "{family:?}");
        assert_eq!(world.notices(address), [(NudState::FAILED, false)], "{family:?}: EVT-1");
        assert_eq!(world.stats(family).res_failed, 1, "{family:?}");
    }
}

/// RFC row N102.
#[test]
fn reachable_becomes_stale_at_confirmed_plus_reachable_time_nud_18() {
    for family in Family::BOTH {
        let mut world = World::linux(&[]);
        let address = world.init_neighbour_in_state(family, NudState::REACHABLE);
        let first = world.run_to_state(address, NudState::STALE, secs(60));
        assert!((secs(15)..secs(45) + TICK).contains(&first), "{family:?}: {first:?} (DM-27)");
        assert_eq!(world.notices(address), [(NudState::STALE, false)], "{family:?}");
        // The draw stays the same: the next time is the same to a tick.
        world.answer(address, PEER_MAC);
        world.expect_state(address, NudState::REACHABLE);
        let second = world.run_to_state(address, NudState::STALE, secs(60));
        assert!(first.abs_diff(second) <= TICK, "{family:?}: {first:?}, then {second:?} (DM-28)");
    }
}

#[test]
fn a_confirmation_extends_reachable_without_a_new_timer_nud_18_upd_20() {
    for family in Family::BOTH {
        let mut world = World::linux(&[]);
        let address = world.init_neighbour_in_state(family, NudState::REACHABLE);
        let whole = world.run_to_state(address, NudState::STALE, secs(60));
        world.answer(address, PEER_MAC);
        world.forget();
        let start = world.now;
        world.run_for(secs(7));
        world.answer(address, PEER_MAC);
        assert_eq!(world.notices(address), [], "{family:?}: nothing changed");
        world.run_to_state(address, NudState::STALE, secs(60));
        on_time(world.now - start, secs(7) + whole, "STALE");
    }
}

/// RFC row A23.
#[test]
fn a_stale_neighbour_that_answers_is_probed_once_after_5_s_nud_6_nud_19() {
    for family in Family::BOTH {
        let mut world = World::pair(&[]);
        let address = peer(family);
        let _ = world.send(address, 0);
        world.run_to_state(address, NudState::STALE, secs(60));
        world.forget();
        let start = world.now;
        assert_eq!(world.send(address, 3), Sent::Sent);
        world.expect_state(address, NudState::DELAY);
        assert_eq!(world.notices(address), [], "{family:?}: DELAY by traffic is not told (NUD-8)");
        let passed = world.run_to_state(address, NudState::REACHABLE, secs(10));
        on_time(passed, secs(5), "the answer to the probe");
        assert_eq!(world.solicitations(address), [(start + passed, true)], "{family:?}");
        // The answer comes within the timer's own run, so PROBE was told before it, with one probe (NUD-23).
        assert_eq!(world.notices(address), [(NudState::PROBE, false), (NudState::REACHABLE, false)]);
    }
}

/// RFC rows N103, N104.
#[test]
fn a_stale_neighbour_that_is_silent_fails_after_8_s_nud_14() {
    for family in Family::BOTH {
        let mut world = World::linux(&[]);
        let address = world.init_neighbour_in_state(family, NudState::STALE);
        let start = world.now;
        assert_eq!(world.send(address, 3), Sent::Sent);
        on_time(world.run_to_state(address, NudState::PROBE, secs(10)), secs(5), "PROBE");
        assert_eq!(world.entry(address).probes, 1, "{family:?}: NUD-23");
        world.run_to_state(address, NudState::FAILED, secs(10));
        on_time(world.now - start, secs(8), "FAILED");
        assert_eq!(world.entry(address).probes, 3, "{family:?}");
        all_on_time(&probe_times(&world, family, start), &[secs(5), secs(6), secs(7)]);
        assert!(world.solicitations(address).iter().all(|(_, unicast)| *unicast), "{family:?}");
        assert_eq!(world.notices(address), [(NudState::PROBE, false), (NudState::FAILED, false)]);
    }
}

#[test]
fn retransmission_follows_retrans_time_down_to_the_floor_of_two_ticks_cnv_4() {
    for family in Family::BOTH {
        for (set, every) in [("200", ms(200)), ("10", ms(12)), ("1", ms(8)), ("0", ms(8))] {
            let mut world = World::linux(&[("neigh/retrans_time_ms", set)]);
            let (address, start) = (peer(family), world.now);
            let _ = world.send(address, 0);
            let failed = world.run_to_state(address, NudState::FAILED, secs(10));
            let probes = probe_times(&world, family, start);
            assert_eq!(probes.len(), 3, "{family:?} retrans_time_ms {set}");
            let moments: Vec<_> = probes.iter().copied().chain([failed]).collect();
            for pair in moments.windows(2) {
                on_time(pair[1] - pair[0], every, &format!("{family:?} retrans_time_ms {set}"));
            }
        }
    }
}

/// RFC row D53.
/// Also ARP-17.
#[test]
fn two_unicast_then_two_broadcast_probes_with_mcast_resolicit_nud_11_nud_12_foot_29() {
    for family in Family::BOTH {
        let mut world = World::linux(&[("neigh/ucast_solicit", "2"), ("neigh/mcast_resolicit", "2")]);
        let address = world.init_neighbour_in_state(family, NudState::DELAY);
        world.run_to_state(address, NudState::PROBE, secs(10));
        let start = world.now;
        on_time(world.run_to_state(address, NudState::FAILED, secs(10)), secs(4), "FAILED");
        let unicast: Vec<_> = world.solicitations(address).iter().map(|(_, unicast)| *unicast).collect();
        assert_eq!(unicast, [true, true, false, false], "{family:?}");
        all_on_time(&probe_times(&world, family, start), &[secs(0), secs(1), secs(2), secs(3)]);
    }
}

#[test]
fn two_app_probes_come_before_the_broadcasts_nud_16_evt_9_foot_47() {
    for family in Family::BOTH {
        let mut world = World::linux(&[("neigh/app_solicit", "2"), ("neigh/mcast_solicit", "2")]);
        let (address, start) = (peer(family), world.now);
        let _ = world.send(address, 0);
        on_time(world.run_to_state(address, NudState::FAILED, secs(10)), secs(4), "FAILED");
        let asked: Vec<_> = world.hosts[0]
            .events
            .iter()
            .filter(|e| matches!(&e.kind, EventKind::GetNeigh { neighbour } if neighbour.lladdr.is_none()))
            .map(|e| e.at - start)
            .collect();
        all_on_time(&asked, &[secs(0), secs(1)]);
        all_on_time(&probe_times(&world, family, start), &[secs(2), secs(3)]);
        assert_eq!(world.entry(address).probes, 3 + 2 + 2, "{family:?}");
    }
}

#[test]
fn without_unicast_probes_delay_ends_in_failed_without_a_packet_nud_25() {
    for family in Family::BOTH {
        let mut world = World::linux(&[("neigh/ucast_solicit", "0")]);
        let address = world.init_neighbour_in_state(family, NudState::STALE);
        let _ = world.send(address, 0);
        world.forget();
        on_time(world.run_to_state(address, NudState::FAILED, secs(10)), secs(5), "FAILED");
        assert_eq!(world.solicitations(address), [], "{family:?}");
        assert_eq!(world.notices(address), [(NudState::FAILED, false)], "{family:?}: one notification");
    }
}

/// RFC rows A23, N101.
#[test]
fn a_neighbour_confirmed_with_every_datagram_stays_reachable_without_probes_nud_44_out_2() {
    for family in Family::BOTH {
        let mut world = World::linux(&[]);
        let address = world.init_neighbour_in_state(family, NudState::REACHABLE);
        for _ in 0..100 {
            world.run_for(secs(1));
            let (now, dev) = (world.now, world.dev());
            assert!(world.engine().confirm(now, dev, address));
            assert_eq!(world.send(address, 0), Sent::Sent);
            world.expect_state(address, NudState::REACHABLE);
        }
        assert_eq!(world.solicitations(address), [], "{family:?}");
        assert_eq!(world.notices(address), [], "{family:?}");
    }
}

/// RFC row N107.
#[test]
fn an_idle_entry_below_gc_thresh1_is_stale_for_ever_gc_21_gc_29() {
    for family in Family::BOTH {
        let mut world = World::linux(&[("neigh/gc_stale_time", "3")]);
        let address = world.init_neighbour_in_state(family, NudState::STALE);
        world.run_for(secs(24 * 3600));
        world.expect_state(address, NudState::STALE);
        assert_eq!(world.notices(address), [], "{family:?}");
        assert!(world.stats(family).periodic_gc_runs > 5000, "{family:?}: GC-19");
    }
}

/// A managed entry that is made now.
fn manage(world: &mut World, family: Family) {
    let request = world.request(peer(family), None, NudState::NONE);
    let request = NewNeigh { flags: Flags::MANAGED, ..request };
    assert_eq!(world.admin(request), Ok(()));
}

#[test]
fn managed_entries_are_used_at_the_default_interval_and_not_at_the_device_s_nud_52_foot_34() {
    for family in Family::BOTH {
        let name = format!("{}/neigh/eth0/interval_probe_time_ms", family.sysctl_name());
        let mut world = World::linux(&[]);
        world.set(&name, "1000");
        manage(&mut world, family);
        let mut uses = Vec::new();
        let end = world.now + secs(26);
        // `used` is refreshed by every run (NUD-51).
        while world.step(end) {
            if world.entry(peer(family)).used == Duration::ZERO {
                uses.push(world.now);
            }
        }
        uses.dedup();
        // Probes at the state's own times touch nothing, so every use is a run.
        let apart: Vec<_> = uses.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(apart.len() >= 3, "{family:?}: {uses:?}");
        apart.iter().skip(1).for_each(|passed| on_time(*passed, secs(5), "a refresh"));
    }
}

#[test]
fn a_managed_neighbour_costs_one_unicast_probe_per_reachable_time_plus_5_s_nud_54() {
    for family in Family::BOTH {
        let mut world = World::pair(&[]);
        manage(&mut world, family);
        world.expect_state(peer(family), NudState::REACHABLE);
        world.forget();
        world.run_for(secs(300));
        let probes = world.solicitations(peer(family));
        assert!(probes.iter().all(|(_, unicast)| *unicast), "{family:?}");
        assert!(probes.len() >= 5, "{family:?}: {probes:?}");
        let apart: Vec<_> = probes.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        for pair in apart.windows(2) {
            assert!(pair[0].abs_diff(pair[1]) <= TICK, "{family:?}: {apart:?}");
        }
        assert!((secs(20)..secs(50) + TICK * 2).contains(&apart[0]), "{family:?}: {apart:?}");
        assert!(!world.notices(peer(family)).contains(&(NudState::STALE, false)), "{family:?}");
    }
}

#[test]
fn a_managed_failed_entry_is_resolved_anew_with_its_probe_a_tick_later_nud_4_nud_51() {
    for family in Family::BOTH {
        let mut world = World::linux(&[]);
        manage(&mut world, family);
        world.expect_state(peer(family), NudState::INCOMPLETE);
        world.run_to_state(peer(family), NudState::FAILED, secs(10));
        world.forget();
        world.run_to_state(peer(family), NudState::INCOMPLETE, secs(6));
        let begun = world.now;
        assert_eq!(world.solicitations(peer(family)), [], "{family:?}: not at once");
        world.run_for(TICK);
        all_on_time(&probe_times(&world, family, begun), &[TICK]);
    }
}

#[test]
fn an_idle_entry_is_probed_for_ever_if_reachable_time_is_under_delay_first_probe_time_nud_26() {
    // The quirk: arming the timer lifts `used` to `confirmed`, so "used of late" is always true.
    for family in Family::BOTH {
        let knobs = [("neigh/base_reachable_time_ms", "2000"), ("neigh/delay_first_probe_time", "4")];
        let mut world = World::pair(&knobs);
        let _ = world.send(peer(family), 0);
        world.forget();
        world.run_for(secs(120));
        assert!(!world.notices(peer(family)).contains(&(NudState::STALE, false)), "{family:?}");
        let probes = world.solicitations(peer(family));
        // A round takes at most 1.5 × 2 s + 4 s.
        assert!(probes.len() >= 120 / 7, "{family:?}: {} probes", probes.len());
        assert!(probes.iter().all(|(_, unicast)| *unicast), "{family:?}");
    }
}

#[test]
fn an_idle_entry_goes_stale_if_reachable_time_is_over_delay_first_probe_time_nud_18() {
    for family in Family::BOTH {
        let mut world = World::pair(&[("neigh/delay_first_probe_time", "4")]);
        let _ = world.send(peer(family), 0);
        world.run_for(secs(120));
        world.expect_state(peer(family), NudState::STALE);
    }
}

/// RFC row N72.
#[test]
fn probes_by_timer_have_the_link_local_source_and_the_first_has_the_packet_s_nd_13() {
    // The other quirk: only the first solicitation finds the packet's source assigned and asks with it; in
    // PROBE no packet waits.
    let mut world = World::linux(&[]);
    let address = world.init_neighbour_in_state(Family::Inet6, NudState::NONE);
    let _ = world.send(address, 0);
    let sources = |world: &World| -> Vec<_> {
        let source = |seen: &Seen| match seen {
            Seen::Solicit { source, .. } => Some(std::net::IpAddr::V6(*source)),
            _ => None,
        };
        world.sent().iter().filter_map(|(_, seen)| source(seen)).collect()
    };
    assert_eq!(sources(&world), [own(Family::Inet6)]);
    world.answer(address, PEER_MAC);
    world.run_to_state(address, NudState::STALE, secs(60));
    world.forget();
    let _ = world.send(address, 0);
    world.run_to_state(address, NudState::FAILED, secs(20));
    let link_local = ip("fe80::ff:fe00:1");
    assert_eq!(sources(&world), [link_local; 3]);
}

#[test]
fn a_single_probe_window_lasts_one_retrans_time_nud_46() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, NudState::FAILED);
        let (now, dev) = (world.now, world.dev());
        assert!(world.engine().probe_once(now, dev, address));
        world.settle();
        world.expect_state(address, NudState::INCOMPLETE);
        assert_eq!(world.entry(address).probes, 2 + 4, "{family:?}: max_probes");
        assert_eq!(world.notices(address), [], "{family:?}: EVT-1");
        on_time(world.run_to_state(address, NudState::FAILED, secs(5)), ms(600), "FAILED");
        assert_eq!(world.notices(address), [(NudState::FAILED, false)], "{family:?}");
        // Only IPv6 asks, once, by multicast (NUD-47).
        let asked: Vec<_> = world.solicitations(address).iter().map(|(_, unicast)| *unicast).collect();
        assert_eq!(asked, vec![false; usize::from(family == Family::Inet6)], "{family:?}");
    }
}

#[test]
fn packets_that_wait_for_a_silent_neighbour_come_back_as_unreachable_que_7() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, NudState::NONE);
        (1..=3).for_each(|tag| assert_eq!(world.send(address, tag), Sent::Queued));
        on_time(world.run_to_state(address, NudState::FAILED, secs(10)), ms(4 * 600), "FAILED");
        assert_eq!(world.unreachable(), [1, 2, 3], "{family:?}: oldest first");
        assert_eq!(world.drops(DropReason::Unreachable), 3, "{family:?}");
    }
}

#[test]
fn a_timer_that_starts_in_the_middle_of_a_tick_is_not_early() {
    // Measured on a kernel: late by up to a slot of its wheel, never early.
    for family in Family::BOTH {
        let mut world = World::linux(&[]);
        world.run_for(Duration::from_micros(3900));
        let (address, start) = (peer(family), world.now);
        let _ = world.send(address, 0);
        let failed = world.run_to_state(address, NudState::FAILED, secs(10));
        for pair in probe_times(&world, family, start).windows(2) {
            on_time(pair[1] - pair[0], secs(1), "retrans_time");
        }
        on_time(failed, secs(3), "FAILED");
    }
}

#[test]
fn a_timer_that_arms_itself_again_leaves_two_ticks_nud_22_foot_43() {
    for family in Family::BOTH {
        // REACHABLE for no time at all, but the timer that made it so does not fire at once.
        let mut world = World::with(&[("neigh/base_reachable_time_ms", "0")]);
        let address = world.init_neighbour_in_state(family, NudState::DELAY);
        world.run_for(secs(2));
        let (now, dev) = (world.now, world.dev());
        assert!(world.engine().confirm(now, dev, address));
        world.run_to_state(address, NudState::REACHABLE, secs(2));
        let passed = world.run_while(secs(2), |w| w.state(address) == NudState::REACHABLE);
        on_time(passed, TICK * 2, "the end of REACHABLE");
    }
}
