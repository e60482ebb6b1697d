//! Collection (GC-1 to GC-31) and the thresholds of creation (CRE-2 to CRE-5), with the kernel's numbers.

use crate::common::{OTHER_MAC, PEER_MAC, TICK, World, ethernet, lladdr, ms, nth, secs};
use neighbour::{
    Config, CreateError, DropReason, EventKind, Family, Flags, NewNeigh, NudState, Reason, RequestError, Sent,
};

use NudState as S;

/// Entries for collection start here, past all that tests name.
const FIRST: u32 = 300;

/// A world with these thresholds, without IPv6 groups in the tables (its device has no IPv6 address).
fn world(thresholds: [u32; 3], knobs: &[(&str, &str)]) -> World {
    configured(Config::default(), thresholds, knobs)
}

fn configured(config: Config, [one, two, three]: [u32; 3], knobs: &[(&str, &str)]) -> World {
    let text = [one, two, three].map(|n| n.to_string());
    let mut all = crate::common::KNOBS.to_vec();
    all.extend(["gc_thresh1", "gc_thresh2", "gc_thresh3"].into_iter().zip(text.iter().map(String::as_str)));
    all.extend(knobs);
    let device = neighbour::Device::ethernet("eth0", crate::common::MAC).link_local(false);
    let device = device.address(crate::common::prefix("10.0.0.1/8"));
    World::build(config, &all, device)
}

/// `n` entries of this state, made one after the other from number `first` on.
#[track_caller]
fn fill(world: &mut World, family: Family, first: u32, n: u32, state: S) {
    for i in first..first + n {
        let request = world.request(nth(family, i), Some(PEER_MAC), state);
        assert_eq!(world.admin(request), Ok(()), "entry {}", i - first + 1);
    }
}

fn removed(world: &World, wanted: Reason) -> Vec<std::net::IpAddr> {
    let removed = |event: &neighbour::Event| match &event.kind {
        EventKind::Removed { neighbour, reason } if *reason == wanted => Some(neighbour.address),
        _ => None,
    };
    world.hosts[0].events.iter().filter_map(removed).collect()
}

#[test]
fn six_hundred_stale_entries_run_one_collection_that_finds_nothing_gc_14() {
    for family in Family::BOTH {
        let mut world = world([128, 512, 1024], &[]);
        world.run_for(secs(6));
        fill(&mut world, family, FIRST, 512, S::STALE);
        assert_eq!(world.stats(family).forced_gc_runs, 0, "{family:?}");
        fill(&mut world, family, FIRST + 512, 1, S::STALE);
        assert_eq!(world.stats(family).forced_gc_runs, 1, "{family:?}: at the 513th");
        fill(&mut world, family, FIRST + 513, 87, S::STALE);
        assert_eq!(world.stats(family).forced_gc_runs, 1, "{family:?}: last_flush was set (GC-12)");
        assert_eq!(world.count(family), 600, "{family:?}: all younger than 5 s (GC-7)");

        world.run_for(secs(6));
        world.forget();
        fill(&mut world, family, FIRST + 600, 1, S::STALE);
        assert_eq!(world.stats(family).forced_gc_runs, 2, "{family:?}");
        let gone: Vec<_> = (0..89).map(|i| nth(family, FIRST + i)).collect();
        assert_eq!(removed(&world, Reason::ForcedGc), gone, "{family:?}: the 89 oldest, in order");
        assert_eq!(world.engine().gc_entries(family), 512, "{family:?}: the new one included (GC-2)");
        fill(&mut world, family, FIRST + 601, 1, S::STALE);
        assert_eq!(world.stats(family).forced_gc_runs, 2, "{family:?}: not again at once");
    }
}

/// Also GC-13.
#[test]
fn thresholds_of_8_16_32_go_from_33_to_16_gc_2_foot_2() {
    for family in Family::BOTH {
        let mut world = world([8, 16, 32], &[]);
        fill(&mut world, family, FIRST, 32, S::STALE);
        world.run_for(secs(6));
        world.forget();
        fill(&mut world, family, FIRST + 32, 1, S::STALE);
        assert_eq!(world.count(family), 16, "{family:?}");
        assert_eq!(removed(&world, Reason::ForcedGc).len(), 17, "{family:?}");
        assert!(world.info(nth(family, FIRST + 32)).is_some(), "{family:?}: the new one");
    }
}

#[test]
fn collection_is_by_creation_and_not_by_use_gc_4_foot_3() {
    let family = Family::Inet;
    let mut world = world([8, 16, 32], &[]);
    fill(&mut world, family, FIRST, 32, S::STALE);
    world.run_for(secs(6));
    // The oldest is used, but its state and address stay: it goes first all the same. Its timer would
    // keep it, so it is confirmed and hinted at instead of sent to.
    let oldest = nth(family, FIRST);
    let (now, dev) = (world.now, world.dev());
    assert!(world.engine().confirm(now, dev, oldest));
    world.hint(oldest, PEER_MAC);
    fill(&mut world, family, FIRST + 32, 1, S::STALE);
    assert_eq!(world.info(oldest), None);
    assert!(world.info(nth(family, FIRST + 31)).is_some());
}

#[test]
fn a_change_keeps_an_entry_for_5_s_gc_6_gc_7_foot_7() {
    let family = Family::Inet;
    let mut world = world([8, 16, 32], &[]);
    fill(&mut world, family, FIRST, 32, S::STALE);
    world.run_for(secs(6));
    world.replace(nth(family, FIRST), OTHER_MAC, S::STALE);
    fill(&mut world, family, FIRST + 32, 1, S::STALE);
    assert!(world.info(nth(family, FIRST)).is_some(), "updated just now");
    assert_eq!(world.count(family), 16);
}

/// Also ARP-9.
#[test]
fn failed_noarp_and_multicast_entries_go_at_once_gc_6() {
    for family in Family::BOTH {
        for state in [S::FAILED, S::NOARP] {
            let mut world = world([8, 16, 32], &[]);
            fill(&mut world, family, FIRST, 20, state);
            fill(&mut world, family, FIRST + 20, 12, S::STALE);
            world.forget();
            fill(&mut world, family, FIRST + 32, 1, S::STALE);
            let gone = removed(&world, Reason::ForcedGc);
            assert_eq!(gone.len(), 17, "{family:?} {state}");
            assert!(gone.iter().all(|a| (0..20).any(|i| *a == nth(family, FIRST + i))), "{family:?} {state}");
        }
        let mut world = world([8, 16, 32], &[]);
        let group = if family == Family::Inet { "224.0.0." } else { "ff02::" };
        for i in 0..32 {
            let (now, dev) = (world.now, world.dev());
            drop(
                world
                    .engine()
                    .hold(now, dev, crate::common::ip(&format!("{group}{}", 10 + i)))
                    .expect("room"),
            );
        }
        fill(&mut world, family, FIRST, 1, S::STALE);
        assert_eq!(world.count(family), 16, "{family:?}");
    }
}

#[test]
fn entries_with_a_timer_are_never_collected_and_the_table_overflows_gc_8_cre_4() {
    for family in Family::BOTH {
        for state in [S::REACHABLE, S::DELAY, S::PROBE] {
            let row = format!("{family:?} {state}");
            let mut world = world([8, 16, 32], &[]);
            fill(&mut world, family, FIRST, 32, state);
            let allocs = world.stats(family).allocs;
            let request = world.request(nth(family, FIRST + 40), Some(PEER_MAC), S::STALE);
            let refused = world.admin(request);
            assert_eq!(refused, Err(RequestError::Create(CreateError::TableFull)), "{row}");
            assert_eq!(refused.map_err(|e| e.errno()), Err(105), "{row}: ENOBUFS");
            let stats = world.stats(family);
            assert_eq!((stats.table_fulls, stats.allocs), (1, allocs), "{row}");
            assert_eq!(world.engine().gc_entries(family), 32, "{row}");
            let told = |event: &neighbour::Event| matches!(event.kind, EventKind::TableOverflow { family: f, .. } if f == family);
            assert_eq!(world.hosts[0].events.iter().filter(|e| told(e)).count(), 1, "{row}");
            let sent = world.send(nth(family, FIRST + 41), 1);
            assert_eq!(sent, Sent::Refused(DropReason::NeighCreateFail), "{row}: CRE-19");
        }
    }
}

#[test]
fn a_full_table_of_unanswered_resolutions_refuses_more_gc_8() {
    let mut world = world([8, 16, 32], &[]);
    (0..32).for_each(|i| assert_eq!(world.send(nth(Family::Inet, FIRST + i), 0), Sent::Queued));
    let sent = world.send(nth(Family::Inet, FIRST + 32), 0);
    assert_eq!(sent, Sent::Refused(DropReason::NeighCreateFail));
    // Those who do not answer fail, and make room (FOOT-4, FOOT-5).
    world.run_for(secs(3));
    assert_eq!(world.send(nth(Family::Inet, FIRST + 33), 0), Sent::Queued);
}

#[test]
fn overflow_is_told_ten_times_in_5_s_cre_4() {
    let mut world = world([8, 16, 32], &[("neigh/base_reachable_time_ms", "60000")]);
    fill(&mut world, Family::Inet, FIRST, 32, S::REACHABLE);
    let overflows = |world: &mut World| -> Vec<u64> {
        (0..25).for_each(|i| _ = world.send(nth(Family::Inet, FIRST + 100 + i), 0));
        let told = |event: neighbour::Event| match event.kind {
            EventKind::TableOverflow { suppressed, .. } => Some(suppressed),
            _ => None,
        };
        world.host().events.drain(..).filter_map(told).collect()
    };
    assert_eq!(overflows(&mut world), [0; 10]);
    world.run_for(secs(6));
    assert_eq!(overflows(&mut world)[0], 15, "those not told of");
    assert_eq!(world.stats(Family::Inet).table_fulls, 50);
}

#[test]
fn one_freed_entry_is_enough_at_the_third_threshold_cre_4_foot_5() {
    let family = Family::Inet;
    let mut world = world([8, 16, 32], &[]);
    fill(&mut world, family, FIRST, 31, S::REACHABLE);
    fill(&mut world, family, FIRST + 31, 1, S::FAILED);
    fill(&mut world, family, FIRST + 32, 1, S::REACHABLE);
    assert_eq!(world.stats(family).table_fulls, 0);
    assert_eq!(world.engine().gc_entries(family), 32);
    assert_eq!(world.info(nth(family, FIRST + 31)), None);
}

/// Also GC-1.
#[test]
fn between_the_thresholds_one_collection_in_5_s_cre_3_gc_12_gc_15() {
    let family = Family::Inet;
    let mut world = world([8, 16, 32], &[]);
    world.run_for(secs(6));
    fill(&mut world, family, FIRST, 16, S::STALE);
    for i in 0..10 {
        fill(&mut world, family, FIRST + 16 + i, 1, S::STALE);
        assert_eq!(world.stats(family).forced_gc_runs, 1, "creation {i}");
        world.run_for(ms(400));
    }
    world.run_for(secs(1));
    world.run_for(TICK);
    fill(&mut world, family, FIRST + 26, 1, S::STALE);
    assert_eq!(world.stats(family).forced_gc_runs, 2, "now > last_flush + 5 s");
}

#[test]
fn exempt_entries_are_unlimited_and_never_collected_cre_5_gc_8() {
    for family in Family::BOTH {
        let mut world = world([8, 16, 32], &[]);
        fill(&mut world, family, FIRST, 100, S::PERMANENT);
        for (first, flags) in [(FIRST + 100, Flags::EXT_LEARNED), (FIRST + 200, Flags::EXT_VALIDATED)] {
            for i in 0..100 {
                let request = world.request(nth(family, first + i), Some(PEER_MAC), S::STALE);
                assert_eq!(world.admin(NewNeigh { flags, ..request }), Ok(()));
            }
        }
        assert_eq!((world.engine().gc_entries(family), world.count(family)), (0, 300), "{family:?}");
        assert_eq!(world.stats(family).forced_gc_runs, 0, "{family:?}");
        world.run_for(secs(600));
        assert_eq!(world.count(family), 300, "{family:?}: nor by the periodic run (GC-23)");
    }
}

#[test]
fn an_entry_that_ceases_to_be_exempt_goes_to_the_end_and_may_exceed_the_third_threshold_gc_17() {
    let family = Family::Inet;
    let mut world = world([8, 16, 32], &[]);
    fill(&mut world, family, FIRST, 1, S::PERMANENT);
    fill(&mut world, family, FIRST + 1, 32, S::STALE);
    assert_eq!(world.engine().gc_entries(family), 32);
    world.replace(nth(family, FIRST), PEER_MAC, S::STALE);
    assert_eq!(world.engine().gc_entries(family), 33, "no threshold is looked at");
    world.run_for(secs(6));
    world.forget();
    fill(&mut world, family, FIRST + 40, 1, S::STALE);
    assert!(world.info(nth(family, FIRST)).is_some(), "it stands behind the others now");
    assert_eq!(removed(&world, Reason::ForcedGc)[0], nth(family, FIRST + 1));
}

#[test]
fn becoming_exempt_leaves_the_count_gc_16_gc_17_gc_18() {
    let mut world = world([8, 16, 32], &[]);
    let address = nth(Family::Inet, FIRST);
    fill(&mut world, Family::Inet, FIRST, 1, S::STALE);
    let count = |world: &mut World| world.engine().gc_entries(Family::Inet);
    assert_eq!(count(&mut world), 1);
    world.replace(address, PEER_MAC, S::PERMANENT);
    assert_eq!(count(&mut world), 0);
    world.replace(address, PEER_MAC, S::NOARP);
    assert_eq!(count(&mut world), 1, "NOARP does not exempt");
    for flags in [Flags::EXT_LEARNED, Flags::EXT_VALIDATED] {
        let request = world.request(address, Some(PEER_MAC), S::STALE);
        assert_eq!(world.admin(NewNeigh { flags, ..request.clone() }), Ok(()));
        assert_eq!(count(&mut world), 0, "{flags:?}");
        assert_eq!(world.admin(request), Ok(()));
        assert_eq!(count(&mut world), 1, "an update without {flags:?} strips it (UPD-3)");
    }
}

#[test]
fn an_entry_that_is_held_is_not_collected_gc_5() {
    let family = Family::Inet;
    let mut world = world([8, 16, 32], &[]);
    fill(&mut world, family, FIRST, 32, S::STALE);
    let (now, dev) = (world.now, world.dev());
    let held = world.engine().hold(now, dev, nth(family, FIRST)).expect("it is there");
    world.run_for(secs(6));
    fill(&mut world, family, FIRST + 32, 1, S::STALE);
    assert!(!held.is_dead());
    assert!(world.info(nth(family, FIRST)).is_some());
    assert_eq!(world.count(family), 16);
}

#[test]
fn thresholds_in_the_wrong_order_end_the_walk_after_one_entry_gc_10() {
    let family = Family::Inet;
    let mut world = world([8, 32, 16], &[]);
    fill(&mut world, family, FIRST, 16, S::FAILED);
    fill(&mut world, family, FIRST + 16, 1, S::FAILED);
    assert_eq!(world.count(family), 16, "one went, one came");
}

/// Makes one entry more, and says how many runs that took and how many entries they looked at.
#[track_caller]
fn looked_at(world: &mut World, n: u32) -> (u64, u64) {
    let family = Family::Inet;
    let before = (world.stats(family).forced_gc_runs, world.engine().work().forced);
    fill(world, family, FIRST + n, 1, S::STALE);
    (world.stats(family).forced_gc_runs - before.0, world.engine().work().forced - before.1)
}

/// Also GC-3.
#[test]
fn a_budget_that_runs_out_leaves_last_flush_as_it_was_and_the_next_run_goes_on_gc_11_foot_6() {
    let mut world = configured(Config { gc_budget: 16, ..Config::default() }, [8, 40, 1024], &[]);
    world.run_for(secs(6));
    fill(&mut world, Family::Inet, FIRST, 40, S::STALE);
    // All are young. Two runs of 16, and one of the 10 that are left; then once in 5 s (GC-12).
    let runs: Vec<_> = (40..46).map(|n| looked_at(&mut world, n)).collect();
    assert_eq!(runs, [(1, 16), (1, 16), (1, 10), (0, 0), (0, 0), (0, 0)]);
    assert_eq!(world.count(Family::Inet), 46);
    world.run_for(secs(6));
    world.forget();
    assert_eq!(looked_at(&mut world, 46), (1, 7), "from the front again, down to gc_thresh2 (GC-9)");
    let gone: Vec<_> = (0..7).map(|i| nth(Family::Inet, FIRST + i)).collect();
    assert_eq!(removed(&world, Reason::ForcedGc), gone);
}

#[test]
fn referenced_entries_count_against_the_budget_and_are_not_walked_again_gc_5() {
    let mut world = configured(Config { gc_budget: 16, ..Config::default() }, [8, 16, 64], &[]);
    world.run_for(secs(6));
    let (now, dev) = (world.now, world.dev());
    fill(&mut world, Family::Inet, FIRST, 16, S::STALE);
    let held: Vec<_> = (0..16).map(|i| world.engine().hold(now, dev, nth(Family::Inet, FIRST + i))).collect();
    world.run_for(secs(6));
    world.forget();
    assert_eq!(looked_at(&mut world, 16), (1, 16), "all there are, and each is held");
    fill(&mut world, Family::Inet, FIRST + 17, 2, S::STALE);
    world.run_for(secs(6));
    assert_eq!(looked_at(&mut world, 19), (1, 16), "those that are held use the budget up");
    assert_eq!(looked_at(&mut world, 20), (1, 4), "the next creation finds those behind them");
    let gone: Vec<_> = (16..19).map(|i| nth(Family::Inet, FIRST + i)).collect();
    assert_eq!(removed(&world, Reason::ForcedGc), gone);
    drop(held);
}

#[test]
fn the_place_where_a_run_stopped_may_go_meanwhile_gc_11() {
    let mut world = configured(Config { gc_budget: 16, ..Config::default() }, [8, 40, 1024], &[]);
    world.run_for(secs(6));
    fill(&mut world, Family::Inet, FIRST, 40, S::STALE);
    assert_eq!(looked_at(&mut world, 40), (1, 16));
    let (now, dev) = (world.now, world.dev());
    for i in [16, 17, 18] {
        assert_eq!(world.engine().del_neigh(now, dev, nth(Family::Inet, FIRST + i), 0), Ok(()));
    }
    fill(&mut world, Family::Inet, FIRST + 50, 2, S::STALE);
    assert_eq!(world.count(Family::Inet), 40);
    assert_eq!(looked_at(&mut world, 60), (1, 16), "it goes on behind the gap");
    assert_eq!(looked_at(&mut world, 61), (1, 9), "and comes to the end: 41 were there");
    world.run_for(secs(6));
    assert_eq!(looked_at(&mut world, 62), (1, 3), "from the front again: 42 and the new one, down to 40");
}

#[test]
fn a_full_table_looks_at_the_front_again_before_it_refuses_cre_4() {
    let family = Family::Inet;
    let mut world = configured(Config { gc_budget: 16, ..Config::default() }, [8, 16, 24], &[]);
    world.run_for(secs(6));
    fill(&mut world, family, FIRST, 24, S::STALE);
    let request = world.request(nth(family, FIRST + 30), Some(PEER_MAC), S::STALE);
    let before = world.engine().work().forced;
    assert!(world.admin(request.clone()).is_err(), "16 young ones were looked at");
    world.replace(nth(family, FIRST), PEER_MAC, S::FAILED);
    assert_eq!(world.admin(request), Ok(()), "8 at the end, and the first");
    assert_eq!(world.info(nth(family, FIRST)), None);
    assert_eq!(world.engine().work().forced - before, 16 + 16, "then to the end of its budget");
}

#[test]
fn a_table_in_which_every_entry_has_a_timer_is_refused_at_no_cost_gc_5_cre_4() {
    let mut world = world([8, 16, 32], &[]);
    fill(&mut world, Family::Inet, FIRST, 32, S::REACHABLE);
    let before = world.engine().work().forced;
    for i in 0..10 {
        let request = world.request(nth(Family::Inet, FIRST + 40 + i), Some(PEER_MAC), S::STALE);
        assert_eq!(world.admin(request), Err(RequestError::Create(CreateError::TableFull)));
    }
    assert_eq!(world.engine().work().forced, before);
}

#[test]
fn periodic_runs_come_every_half_base_of_the_defaults_gc_19() {
    let mut world = world([8, 16, 32], &[]);
    world.run_for(secs(30)); // past the first one
    let before = world.stats(Family::Inet).periodic_gc_runs;
    world.run_for(secs(100));
    assert_eq!(world.stats(Family::Inet).periodic_gc_runs - before, 10, "base is 20 s");
}

/// Also GC-22.
#[test]
fn below_gc_thresh1_nothing_ages_and_from_it_on_the_idle_and_failed_go_gc_21_gc_25_foot_8() {
    for family in Family::BOTH {
        let mut world = world([12, 600, 1000], &[]);
        fill(&mut world, family, FIRST, 3, S::FAILED);
        fill(&mut world, family, FIRST + 3, 4, S::STALE);
        fill(&mut world, family, FIRST + 7, 4, S::NOARP);
        world.run_for(secs(200));
        assert_eq!(world.count(family), 11, "{family:?}: 11 of 12");
        // A permanent one makes 12: all entries count here (FOOT-1).
        fill(&mut world, family, FIRST + 11, 1, S::PERMANENT);
        world.forget();
        world.run_for(secs(20));
        assert_eq!(removed(&world, Reason::PeriodicGc).len(), 11, "{family:?}");
        assert_eq!(world.count(family), 1, "{family:?}");
    }
}

/// RFC rows A20, A21.
#[test]
fn idle_entries_go_gc_stale_time_after_their_last_use_or_confirmation_gc_24_gc_26() {
    let family = Family::Inet;
    let mut world = world([0, 600, 1000], &[]);
    fill(&mut world, family, FIRST, 2, S::STALE);
    let start = world.now;
    world.run_for(secs(25));
    let (now, dev) = (world.now, world.dev());
    assert!(world.engine().confirm(now, dev, nth(family, FIRST)));
    world.run_while(secs(100), |w| w.info(nth(family, FIRST + 1)).is_some());
    let unused = world.now - start;
    assert!(
        (secs(40)..secs(50) + TICK).contains(&unused),
        "{unused:?}: gc_stale_time is 40 s, runs every 10"
    );
    world.run_while(secs(100), |w| w.info(nth(family, FIRST)).is_some());
    let confirmed = world.now - start;
    assert!((secs(65)..secs(75) + TICK).contains(&confirmed), "{confirmed:?}");
}

#[test]
fn entries_with_a_timer_and_exempt_ones_outlive_periodic_runs_gc_23() {
    let mut world = world([0, 600, 1000], &[("neigh/gc_stale_time", "0")]);
    let family = Family::Inet;
    // INCOMPLETE set by hand has no timer, but its state alone keeps it (UPD-22).
    fill(&mut world, family, FIRST, 1, S::INCOMPLETE);
    fill(&mut world, family, FIRST + 1, 1, S::PERMANENT);
    fill(&mut world, family, FIRST + 2, 1, S::STALE);
    fill(&mut world, family, FIRST + 3, 1, S::NONE);
    world.run_for(secs(40));
    let left: Vec<_> = (0..4).map(|i| world.info(nth(family, FIRST + i)).is_some()).collect();
    assert_eq!(left, [true, true, false, false], "gc_stale_time 0 makes the idle go at once (GC-27)");
}

#[test]
fn gc_interval_is_kept_and_has_no_effect_gc_31() {
    let mut world = world([8, 16, 32], &[]);
    world.set("ipv4/neigh/default/gc_interval", "1");
    assert_eq!(world.engine().get("ipv4/neigh/default/gc_interval"), Ok(1));
    world.run_for(secs(30));
    let before = world.stats(Family::Inet).periodic_gc_runs;
    world.run_for(secs(100));
    assert_eq!(world.stats(Family::Inet).periodic_gc_runs - before, 10);
}

#[test]
fn the_two_tables_have_thresholds_of_their_own_dm_16() {
    let mut world = World::build(Config::default(), crate::common::KNOBS, ethernet("eth0", 1));
    world.set("ipv4/neigh/default/gc_thresh3", "1");
    world.set("ipv4/neigh/default/gc_thresh2", "1");
    world.set("ipv4/neigh/default/gc_thresh1", "1");
    fill(&mut world, Family::Inet, FIRST, 1, S::REACHABLE);
    let request = world.request(nth(Family::Inet, FIRST + 1), Some(PEER_MAC), S::REACHABLE);
    assert_eq!(world.admin(request), Err(RequestError::Create(CreateError::TableFull)));
    fill(&mut world, Family::Inet6, FIRST, 20, S::REACHABLE);
    assert_eq!(world.entry(nth(Family::Inet6, FIRST)).lladdr, lladdr(PEER_MAC));
    let six = world.engine().thresholds(Family::Inet6);
    assert_eq!((six.thresh1, six.thresh2, six.thresh3), (128, 512, 1024));
}
