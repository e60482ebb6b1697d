//! The update routine (UPD-1 to UPD-26), the advertisement table of section 5.6, confirmation
//! (NUD-40 to NUD-45) and managed entries (NUD-50 to NUD-55), by frames and requests.

use crate::common::frames::{self, Arp, Na, Seen};
use crate::common::{
    BROADCAST, OTHER_MAC, PEER_MAC, TICK, World, ethernet, ip, lladdr, ms, nth, own, peer, secs,
};
use neighbour::{Config, Device, EventKind, Family, Flags, LlAddr, NewNeigh, NudState, RequestError, Sent};

use NudState as S;

/// The flags of an advertisement and its address, beside the one that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tllao {
    Absent,
    Same,
    Different,
}

/// A row of section 5.6: state, address replaced, confirmed, ROUTER updated, told whatever ROUTER does.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    state: S,
    replaced: bool,
    /// `Some(0)`: now; `Some(40)`: reset to 2 × base ago; none: as it was.
    confirmed_s: Option<u64>,
    router: bool,
    told: bool,
}

fn row(old: S, solicited: bool, overrides: bool, tllao: Tllao) -> Row {
    let row = |state, replaced, confirmed_s, router, told| Row { state, replaced, confirmed_s, router, told };
    let (now, reset) = (Some(0), Some(40));
    let other = tllao == Tllao::Different;
    match (old, solicited, overrides) {
        (S::PERMANENT | S::NOARP | S::FAILED, ..) => row(old, false, None, false, false),
        (S::INCOMPLETE, ..) if tllao == Tllao::Absent => row(old, false, None, false, false),
        (S::INCOMPLETE, false, _) => row(S::DELAY, true, reset, true, true), // the queue is flushed
        (S::INCOMPLETE, true, _) => row(S::REACHABLE, true, now, true, true),
        (S::REACHABLE, false, _) if !other => row(S::REACHABLE, false, None, true, false),
        (S::REACHABLE, true, _) if !other => row(S::REACHABLE, false, now, true, false),
        (S::REACHABLE, false, false) => row(S::STALE, false, None, false, true),
        (S::REACHABLE, true, false) => row(S::STALE, false, now, false, true),
        (S::REACHABLE, false, true) => row(S::STALE, true, reset, true, true),
        (S::REACHABLE, true, true) => row(S::REACHABLE, true, now, true, true),
        (_, false, _) if !other => row(old, false, None, true, false),
        (_, true, _) if !other => row(S::REACHABLE, false, now, true, true),
        (_, false, false) => row(old, false, None, false, false),
        (_, true, false) => row(old, false, now, false, false),
        (_, false, true) => row(S::STALE, true, reset, true, true),
        (_, true, true) => row(S::REACHABLE, true, now, true, true),
    }
}

/// RFC rows D72, N90, N91, N93, N100.
#[test]
fn an_advertisement_does_what_the_table_of_section_5_6_says_nd_49() {
    let olds = [S::INCOMPLETE, S::REACHABLE, S::STALE, S::DELAY, S::PROBE, S::PERMANENT, S::NOARP, S::FAILED];
    for old in olds {
        for n in 0..24 {
            let (solicited, overrides, router) = (n & 1 != 0, n & 2 != 0, n & 4 != 0);
            let tllao = [Tllao::Absent, Tllao::Same, Tllao::Different][n / 8];
            let name = format!("{old} S={solicited} O={overrides} R={router} TLLAO {tllao:?}");
            let mut world = World::new();
            let address = world.init_neighbour_in_state(Family::Inet6, old);
            if old != S::PROBE {
                // Enough that `confirmed` moves visibly, and less than any timer.
                world.run_for(ms(200));
            }
            let before = world.entry(address);
            let mac = match tllao {
                Tllao::Absent => None,
                Tllao::Same => Some(PEER_MAC),
                Tllao::Different => Some(OTHER_MAC),
            };
            let na = Na { router, solicited, overrides, ..frames::na(address, mac) };
            let _ = world.frame(&na.frame());
            let expected = row(old, solicited, overrides, tllao);
            let after = world.entry(address);
            assert_eq!(after.state, expected.state, "{name}");
            let known = if expected.replaced { mac } else { Some(PEER_MAC) };
            if after.state.is_valid() {
                assert_eq!(after.lladdr, known.and_then(lladdr), "{name}");
            }
            match expected.confirmed_s {
                Some(s) => assert_eq!(after.confirmed, secs(s), "{name}"),
                None => assert_eq!(after.confirmed, before.confirmed, "{name}"),
            }
            let is_router = after.flags.contains(Flags::ROUTER);
            assert_eq!(is_router, expected.router && router, "{name}");
            let told = expected.told || (expected.router && router);
            assert_eq!(world.notices(address).len(), usize::from(told), "{name}");
        }
    }
}

/// RFC row N94.
/// Also UPD-8.
#[test]
fn an_advertisement_clears_router_and_that_is_told_nd_49_upd_16() {
    let mut world = World::new();
    let address = world.init_neighbour_in_state(Family::Inet6, S::REACHABLE);
    for (router, told) in [(true, 1), (true, 0), (false, 1), (false, 0)] {
        world.forget();
        let na = Na { router, ..frames::na(address, Some(PEER_MAC)) };
        assert_eq!(world.frame(&na.frame()), Ok(()));
        assert_eq!(world.entry(address).flags.contains(Flags::ROUTER), router);
        assert_eq!(world.notices(address).len(), told, "R = {router}");
    }
}

#[test]
fn permanent_and_noarp_entries_hear_nothing_upd_2() {
    for family in Family::BOTH {
        for state in [S::PERMANENT, S::NOARP] {
            let mut world = World::new();
            let address = world.init_neighbour_in_state(family, state);
            world.run_for(secs(2));
            let before = world.entry(address);
            let _ = world.frame(&frames::answer(address, OTHER_MAC));
            let _ = world.frame(&frames::hint(address, OTHER_MAC));
            assert_eq!(world.entry(address), before, "{family:?} {state}: not even confirmed");
        }
    }
}

#[test]
fn a_plain_update_strips_the_flags_of_userspace_and_tells_upd_3_foot_23() {
    for family in Family::BOTH {
        for flags in [Flags::EXT_LEARNED, Flags::EXT_VALIDATED] {
            let mut world = World::new();
            let address = world.init_neighbour_in_state(family, S::STALE);
            let request = world.request(address, Some(PEER_MAC), S::STALE);
            assert_eq!(world.admin(NewNeigh { flags, ..request.clone() }), Ok(()));
            assert_eq!(world.entry(address).flags, flags, "{family:?}");
            assert_eq!(world.notices(address), [(S::STALE, false)], "{family:?} {flags:?}: told");
            world.forget();
            assert_eq!(world.admin(request.clone()), Ok(()));
            assert_eq!(world.entry(address).flags, Flags::empty(), "{family:?}");
            assert_eq!(world.notices(address), [(S::STALE, false)], "{family:?} {flags:?}: told");
            world.forget();
            assert_eq!(world.admin(request), Ok(()));
            assert_eq!(world.notices(address), [], "{family:?}: nothing changed");
        }
    }
}

#[test]
fn flags_that_mean_nothing_here_are_not_stored_dm_10() {
    let mut world = World::new();
    let address = peer(Family::Inet6);
    let flags = Flags::SELF | Flags::MASTER | Flags::OFFLOADED | Flags::STICKY | Flags::ROUTER;
    let request = world.request(address, Some(PEER_MAC), S::STALE);
    assert_eq!(world.admin(NewNeigh { flags, ..request }), Ok(()));
    assert_eq!(world.entry(address).flags, Flags::ROUTER);
}

#[test]
fn a_request_without_an_address_for_an_unknown_neighbour_leaves_none_behind_upd_6_nl_20() {
    for family in Family::BOTH {
        let mut world = World::new();
        let request = world.request(peer(family), None, S::REACHABLE);
        let request = NewNeigh { flags: Flags::EXT_LEARNED, ..request };
        assert_eq!(world.admin(request), Err(RequestError::NoLladdr), "{family:?}");
        assert_eq!(RequestError::NoLladdr.errno(), 22);
        let entry = world.entry(peer(family));
        assert_eq!((entry.state, entry.flags), (S::NONE, Flags::EXT_LEARNED), "{family:?}: UPD-3 stays");
    }
}

#[test]
fn a_request_without_an_address_keeps_the_known_one_upd_6() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, S::STALE);
        let request = world.request(address, None, S::PERMANENT);
        assert_eq!(world.admin(request), Ok(()));
        let entry = world.entry(address);
        assert_eq!((entry.state, entry.lladdr), (S::PERMANENT, lladdr(PEER_MAC)), "{family:?}");
    }
}

#[test]
fn a_device_without_addresses_needs_none_upd_6() {
    let device = Device::point_to_point("ppp0").header(neighbour::HeaderOps::Build).noarp(false);
    let device = device.set_point_to_point(false).address(crate::common::prefix("192.0.2.1/24"));
    let mut world = World::build(Config::default(), &[], device);
    let request = world.request(ip("192.0.2.9"), None, S::REACHABLE);
    assert_eq!(world.admin(request), Ok(()));
    world.expect_state(ip("192.0.2.9"), S::REACHABLE);
}

/// Also UPD-19.
#[test]
fn without_replace_another_address_is_ignored_with_success_upd_9_upd_26_foot_25() {
    for family in Family::BOTH {
        for state in [S::REACHABLE, S::STALE, S::PERMANENT] {
            let mut world = World::new();
            let address = world.init_neighbour_in_state(family, state);
            world.run_for(ms(100));
            let updated = world.entry(address).updated;
            let request = world.request(address, Some(OTHER_MAC), S::NOARP);
            let request = NewNeigh { replace: false, ..request };
            assert_eq!(world.admin(request), Ok(()), "{family:?} {state}");
            let entry = world.entry(address);
            assert_eq!((entry.state, entry.lladdr), (state, lladdr(PEER_MAC)), "{family:?} {state}");
            assert_eq!(entry.updated, updated, "{family:?} {state}");
            assert_eq!(world.notices(address), [], "{family:?} {state}");
        }
    }
}

#[test]
fn without_replace_the_state_may_change_if_the_address_is_the_same_upd_12() {
    let mut world = World::new();
    let address = world.init_neighbour_in_state(Family::Inet, S::STALE);
    let request = world.request(address, Some(PEER_MAC), S::NOARP);
    assert_eq!(world.admin(NewNeigh { replace: false, ..request }), Ok(()));
    world.expect_state(address, S::NOARP);
}

#[test]
fn within_locktime_another_address_is_ignored_but_confirms_arp_44_upd_7_foot_10() {
    let mut world = World::new(); // locktime is 500 ms
    let address = world.init_neighbour_in_state(Family::Inet, S::REACHABLE);
    world.run_for(ms(400));
    assert_eq!(world.frame(&frames::arp_reply(address, OTHER_MAC).frame()), Ok(()));
    let entry = world.entry(address);
    assert_eq!((entry.state, entry.lladdr), (S::REACHABLE, lladdr(PEER_MAC)));
    assert_eq!((entry.confirmed, entry.updated), (secs(0), ms(400)));
}

#[test]
fn locktime_counts_from_the_last_real_change_and_no_op_updates_do_not_move_it_upd_11_foot_12() {
    let mut world = World::new();
    let address = world.init_neighbour_in_state(Family::Inet, S::REACHABLE);
    let start = world.now;
    for at in [100, 200, 300, 400, 500] {
        world.run_until(start + ms(at));
        world.answer(address, PEER_MAC);
    }
    world.answer(address, OTHER_MAC);
    assert_eq!(world.entry(address).lladdr, lladdr(PEER_MAC), "now is not > updated + locktime");
    world.run_until(start + ms(500) + TICK);
    world.answer(address, OTHER_MAC);
    assert_eq!(world.entry(address).lladdr, lladdr(OTHER_MAC));
    assert_eq!(world.entry(address).updated, secs(0));
    // And that was a real change: the first one is locked out now.
    world.answer(address, PEER_MAC);
    assert_eq!(world.entry(address).lladdr, lladdr(OTHER_MAC));
}

#[test]
fn a_refused_answer_keeps_a_dead_neighbour_alive_foot_10_nud_19() {
    let mut world = World::new();
    let address = world.init_neighbour_in_state(Family::Inet6, S::DELAY);
    world.run_for(secs(2));
    // S=1, O=0, another address: refused, but it confirms.
    assert_eq!(world.frame(&frames::na(address, Some(OTHER_MAC)).frame()), Ok(()));
    world.expect_state(address, S::DELAY);
    world.run_for(secs(1));
    world.expect_state(address, S::REACHABLE);
    assert_eq!(world.entry(address).lladdr, lladdr(PEER_MAC));
    assert_eq!(world.solicitations(address), []);
}

#[test]
fn only_an_administrator_s_stale_degrades_the_same_address_upd_10_upd_24() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, S::REACHABLE);
        world.hint(address, PEER_MAC);
        world.expect_state(address, S::REACHABLE);
        world.replace(address, PEER_MAC, S::STALE);
        world.expect_state(address, S::STALE);
        assert_eq!(world.entry(address).refcnt, 0, "{family:?}: no timer (NUD-61)");
        world.run_for(secs(100));
        world.expect_state(address, S::STALE);
    }
}

#[test]
fn an_address_that_is_not_confirmed_resets_confirmed_upd_13() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, S::REACHABLE);
        world.replace(address, OTHER_MAC, S::STALE);
        assert_eq!(world.entry(address).confirmed, secs(2 * 20), "{family:?}");
        world.replace(address, PEER_MAC, S::REACHABLE);
        assert_eq!(world.entry(address).confirmed, secs(0), "{family:?}");
    }
}

#[test]
fn packets_leave_to_the_new_address_from_the_next_one_on_upd_13_out_9() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, S::REACHABLE);
        (1..=2).for_each(|tag| assert_eq!(world.send(address, tag), Sent::Sent)); // the header is cached
        world.replace(address, OTHER_MAC, S::REACHABLE);
        assert_eq!(world.send(address, 3), Sent::Sent);
        let to: Vec<_> = world
            .sent()
            .into_iter()
            .filter_map(|(_, seen)| match seen {
                Seen::Ip { to, .. } => Some(to),
                _ => None,
            })
            .collect();
        assert_eq!(to, [PEER_MAC, PEER_MAC, OTHER_MAC], "{family:?}");
    }
}

#[test]
fn notifications_carry_the_port_of_who_asked_upd_18_evt_6() {
    let mut world = World::new();
    let address = world.init_neighbour_in_state(Family::Inet, S::STALE);
    world.replace(address, OTHER_MAC, S::STALE);
    world.answer(address, OTHER_MAC);
    let ports: Vec<_> = world.hosts[0]
        .events
        .iter()
        .filter_map(|event| match event.kind {
            EventKind::NewNeigh { port, .. } => Some(port),
            _ => None,
        })
        .collect();
    assert_eq!(ports, [77, 0]);
}

#[test]
fn a_reachable_timer_is_not_armed_anew_by_its_own_state_upd_20() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, S::REACHABLE);
        let first = world.engine().poll_timeout();
        world.run_for(ms(8));
        world.answer(address, PEER_MAC);
        world.replace(address, PEER_MAC, S::REACHABLE);
        let (now, dev) = (world.now, world.dev());
        world.engine().confirm(now, dev, address);
        assert_eq!(world.engine().poll_timeout(), first, "{family:?}");
    }
}

#[test]
fn incomplete_set_by_hand_hangs_until_somebody_answers_upd_22_foot_22() {
    for family in Family::BOTH {
        let mut world = World::new();
        world.replace(peer(family), PEER_MAC, S::INCOMPLETE);
        assert_eq!(world.send(peer(family), 1), Sent::Queued);
        world.run_for(secs(300));
        world.expect_state(peer(family), S::INCOMPLETE);
        assert_eq!(world.solicitations(peer(family)), [], "{family:?}");
        assert_eq!(world.entry(peer(family)).refcnt, 0, "{family:?}");
        world.answer(peer(family), PEER_MAC);
        world.expect_state(peer(family), S::REACHABLE);
        assert_eq!(world.tags(), [1], "{family:?}");
    }
}

#[test]
fn delay_and_probe_set_by_hand_go_on_at_the_next_tick_upd_23() {
    for family in Family::BOTH {
        for state in [S::DELAY, S::PROBE] {
            let mut world = World::new();
            let address = peer(family);
            world.replace(address, PEER_MAC, state);
            let start = world.now;
            assert_eq!(world.solicitations(address), [], "{family:?} {state}");
            world.run_for(TICK);
            world.expect_state(address, S::PROBE);
            assert_eq!(world.solicitations(address), [(start + TICK, true)], "{family:?} {state}");
            assert_eq!(world.entry(address).probes, 1, "{family:?} {state}");
        }
        // Freshly confirmed, DELAY is REACHABLE at the next tick.
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, S::REACHABLE);
        world.replace(address, PEER_MAC, S::DELAY);
        world.run_for(TICK);
        world.expect_state(address, S::REACHABLE);
    }
}

#[test]
fn states_without_an_address_set_on_a_fresh_entry_are_not_told_upd_25() {
    for family in Family::BOTH {
        for state in [S::NONE, S::INCOMPLETE, S::FAILED] {
            let mut world = World::new();
            world.replace(peer(family), PEER_MAC, state);
            world.expect_state(peer(family), state);
            assert_eq!(world.notices(peer(family)), [], "{family:?} {state}");
        }
    }
}

#[test]
fn updated_moves_only_with_state_or_address_upd_5_upd_11() {
    for (from, to, moves) in [
        (S::REACHABLE, S::REACHABLE, false),
        (S::REACHABLE, S::STALE, true),
        (S::STALE, S::NONE, false),
        (S::STALE, S::FAILED, false),
        (S::INCOMPLETE, S::FAILED, true),
        (S::INCOMPLETE, S::NONE, false),
    ] {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(Family::Inet, from);
        world.run_for(ms(100));
        world.replace(address, PEER_MAC, to);
        let expected = if moves { secs(0) } else { ms(100) };
        assert_eq!(world.entry(address).updated, expected, "{from} -> {to}");
    }
}

#[test]
fn several_states_at_once_are_stored_as_given_upd_21_foot_44() {
    let mut world = World::new();
    world.replace(peer(Family::Inet), PEER_MAC, S(0xff));
    assert_eq!(world.state(peer(Family::Inet)), S(0xff));
    world.run_for(secs(100));
    let _ = world.send(peer(Family::Inet), 1);
    assert_eq!(world.delete(peer(Family::Inet)), Ok(()));
}

#[test]
fn requests_are_checked_in_linux_s_order_nl_10_to_nl_15() {
    let mut world = World::new();
    let address = peer(Family::Inet);
    let request = world.request(address, Some(PEER_MAC), S::STALE);
    let short = LlAddr::new(&[1, 2, 3]);
    let long = LlAddr::new(&[2, 0, 0, 0, 0, 2, 9, 9]);
    for (request, expected) in [
        (NewNeigh { lladdr: short, ..request.clone() }, RequestError::InvalidLladdr),
        (NewNeigh { create: false, ..request.clone() }, RequestError::NotFound),
        (
            NewNeigh { state: S::PERMANENT, flags: Flags::MANAGED, ..request.clone() },
            RequestError::PermanentManaged,
        ),
        (
            NewNeigh { state: S::FAILED, flags: Flags::EXT_VALIDATED, ..request.clone() },
            RequestError::InvalidValidated,
        ),
        (
            NewNeigh { flags: Flags::EXT_VALIDATED | Flags::USE, ..request.clone() },
            RequestError::InvalidValidated,
        ),
    ] {
        assert_eq!(world.admin(request.clone()), Err(expected), "{request:?}");
        assert_eq!(world.info(address), None, "{request:?}: nothing was made");
    }
    assert_eq!(world.delete(address), Err(RequestError::NotFound));
    assert_eq!(world.admin(NewNeigh { lladdr: long, protocol: 16, ..request.clone() }), Ok(()));
    let entry = world.entry(address);
    assert_eq!((entry.lladdr, entry.protocol), (lladdr(PEER_MAC), 16), "the beginning counts (NL-10)");
    let exclusive = NewNeigh { exclusive: true, ..request.clone() };
    assert_eq!(world.admin(exclusive), Err(RequestError::Exists));
    assert_eq!(world.admin(request), Ok(()));
    assert_eq!(world.entry(address).protocol, 16, "0 leaves it (NL-17)");
}

#[test]
fn an_externally_validated_entry_whose_probes_fail_is_stale_again_nud_21_foot_49() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = peer(family);
        let request = world.request(address, Some(PEER_MAC), S::STALE);
        assert_eq!(world.admin(NewNeigh { flags: Flags::EXT_VALIDATED, ..request }), Ok(()));
        assert_eq!(world.send(address, 1), Sent::Sent);
        world.run_to_state(address, S::PROBE, secs(10));
        world.forget();
        world.run_to_state(address, S::STALE, secs(10));
        let entry = world.entry(address);
        assert_eq!((entry.lladdr, entry.refcnt), (lladdr(PEER_MAC), 0), "{family:?}: kept, no timer");
        assert_eq!(world.notices(address), [(S::STALE, false)], "{family:?}");
        assert_eq!(world.stats(family).res_failed, 0, "{family:?}");
    }
}

// Confirmation.

fn confirm(world: &mut World, address: std::net::IpAddr) -> bool {
    let (now, dev) = (world.now, world.dev());
    let known = world.engine().confirm(now, dev, address);
    world.settle();
    known
}

#[test]
fn a_confirmation_alone_changes_no_state_and_tells_nobody_nud_40_nud_45() {
    for family in Family::BOTH {
        for state in S::ALL {
            let mut world = World::new();
            let address = world.init_neighbour_in_state(family, state);
            let deadline = world.engine().poll_timeout();
            assert!(confirm(&mut world, address), "{family:?} {state}");
            assert_eq!(world.state(address), state, "{family:?}");
            assert_eq!(world.entry(address).confirmed, secs(0), "{family:?} {state}");
            assert_eq!(world.notices(address), [], "{family:?} {state}");
            assert_eq!(world.engine().poll_timeout(), deadline, "{family:?} {state}");
        }
    }
}

/// RFC row N101.
#[test]
fn a_confirmation_makes_delay_end_in_reachable_without_a_probe_nud_19_nud_41() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, S::STALE);
        assert!(confirm(&mut world, address));
        world.run_for(secs(1));
        world.expect_state(address, S::STALE);
        assert_eq!(world.send(address, 1), Sent::Sent);
        world.run_for(secs(2));
        // Confirmed 3 s ago by then, the window is 3 s: PROBE if not again.
        assert!(confirm(&mut world, address));
        world.forget();
        world.run_for(secs(1));
        world.expect_state(address, S::REACHABLE);
        assert_eq!(world.notices(address), [(S::REACHABLE, false)], "{family:?}");
        assert_eq!(world.solicitations(address), [], "{family:?}");
    }
}

#[test]
fn a_confirmation_older_than_the_window_does_not_save_delay_nud_19() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, S::STALE);
        assert!(confirm(&mut world, address));
        world.run_for(TICK * 2); // one tick decides nothing (CNV-2)
        assert_eq!(world.send(address, 1), Sent::Sent);
        world.run_for(secs(3));
        world.expect_state(address, S::PROBE);
    }
}

#[test]
fn a_confirmation_makes_no_entry_and_passes_by_groups_and_quiet_devices_nud_42_nud_43() {
    let mut world = World::new();
    for address in ["192.0.2.99", "2001:db8::99"] {
        assert!(!confirm(&mut world, ip(address)), "{address}");
        assert_eq!(world.info(ip(address)), None);
    }
    let group = ip("ff02::99");
    let (now, dev) = (world.now, world.dev());
    drop(world.engine().hold(now, dev, group).expect("room"));
    assert!(!confirm(&mut world, group));
    let mut quiet = World::build(Config::default(), &[], ethernet("eth0", 1).noarp(true));
    let _ = quiet.send(peer(Family::Inet6), 0);
    assert!(quiet.info(peer(Family::Inet6)).is_some());
    assert!(!confirm(&mut quiet, peer(Family::Inet6)));
}

// Managed entries.

#[test]
fn managed_entries_ignore_state_and_address_and_are_resolved_at_once_nud_55_nl_21() {
    for family in Family::BOTH {
        let mut world = World::new();
        let request = world.request(peer(family), Some(PEER_MAC), S::REACHABLE);
        assert_eq!(world.admin(NewNeigh { flags: Flags::MANAGED, ..request }), Ok(()));
        world.expect_state(peer(family), S::INCOMPLETE);
        assert_eq!(world.solicitations(peer(family)), [(world.now, false)], "{family:?}");
    }
}

#[test]
fn managed_does_not_protect_from_collection_or_flush_nud_53() {
    let mut world = World::with(&[("gc_thresh2", "1"), ("gc_thresh3", "1")]);
    let family = Family::Inet;
    world.set("ipv4/neigh/mcast_solicit", "0");
    world.set("ipv4/neigh/app_solicit", "0");
    let request = world.request(peer(family), None, S::NONE);
    assert_eq!(world.admin(NewNeigh { flags: Flags::MANAGED, ..request }), Ok(()));
    world.expect_state(peer(family), S::FAILED);
    let _ = world.send(nth(family, 30), 1);
    assert_eq!(world.info(peer(family)), None, "FAILED goes, managed or not");
    world.run_for(secs(60));
    assert_eq!(world.info(peer(family)), None, "and is not made again");
}

#[test]
fn an_entry_that_is_no_longer_managed_is_left_alone_upd_3_upd_17() {
    let mut world = World::pair(&[]);
    let address = peer(Family::Inet);
    let request = world.request(address, None, S::NONE);
    assert_eq!(world.admin(NewNeigh { flags: Flags::MANAGED, ..request }), Ok(()));
    world.expect_state(address, S::REACHABLE);
    world.replace(address, PEER_MAC, S::STALE);
    world.run_for(secs(60));
    world.expect_state(address, S::STALE);
}

/// RFC row N100.
#[test]
fn a_reply_to_all_makes_stale_and_never_reachable_arp_43() {
    let mut world = World::new();
    let address = world.init_neighbour_in_state(Family::Inet, S::NONE);
    assert_eq!(world.frame(&Arp { to: BROADCAST, ..frames::arp_reply(address, PEER_MAC) }.frame()), Ok(()));
    world.expect_state(address, S::STALE);
    let request = frames::arp_request(address, OTHER_MAC, own(Family::Inet));
    assert_eq!(world.frame(&request.frame()), Ok(()));
    assert_eq!(world.entry(address).lladdr, lladdr(OTHER_MAC), "no locktime for requests to us (ARP-45)");
}
