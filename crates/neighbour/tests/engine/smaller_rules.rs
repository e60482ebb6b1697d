//! Rules that fit none of the larger subjects: one small test each.

use crate::common::frames::{arp_request, na, ns_multicast};
use crate::common::{OTHER_MAC, PEER_MAC, TICK, World, ip, ms, nth, own, peer, prefix, secs};
use crate::support::{fe80, ra, v4};
use neighbour::{Device, DropReason, Family, Flags, NewNeigh, NudState, RequestError};
use neighbour_wire::ndisc::RouterAdvertRepr;

use NudState as S;

#[test]
fn an_entry_is_known_by_table_device_and_key_lkp_5_dm_1_cre_8() {
    let mut world = World::new();
    let now = world.now;
    let eth1 =
        world.engine().add_device(now, Device::ethernet("eth1", [2, 0, 0, 0, 1, 1])).expect("a device");
    let dev = world.dev();
    for (device, mac) in [(dev, PEER_MAC), (eth1, OTHER_MAC)] {
        let request = NewNeigh { device, ..world.request(peer(Family::Inet), Some(mac), S::PERMANENT) };
        world.admin(request).expect("an entry");
    }
    let engine = &world.hosts[0].engine;
    let lladdr = |device| engine.neighbour(device, peer(Family::Inet)).and_then(|n| n.lladdr);
    assert_eq!(lladdr(dev), Some(PEER_MAC.into()));
    assert_eq!(lladdr(eth1), Some(OTHER_MAC.into()));
    assert!(engine.neighbour(dev, nth(Family::Inet, 3)).is_none());
}

#[test]
fn what_comes_in_is_looked_up_and_counted_and_what_goes_out_is_not_lkp_1_lkp_2() {
    let mut world = World::new();
    let peer = peer(Family::Inet);
    world.replace(peer, PEER_MAC, S::REACHABLE);
    let before = world.stats(Family::Inet);
    for tag in 0..5 {
        let _ = world.send(peer, tag);
    }
    let after = world.stats(Family::Inet);
    assert_eq!((after.lookups, after.hits), (before.lookups, before.hits), "packets");
    let _ = world.frame(&arp_request(peer, PEER_MAC, own(Family::Inet)).frame());
    let _ = world.frame(&arp_request(nth(Family::Inet, 9), OTHER_MAC, own(Family::Inet)).frame());
    let found = world.stats(Family::Inet);
    assert_eq!(
        (found.lookups - after.lookups, found.hits - after.hits),
        (2, 1),
        "two senders, one of them known"
    );
}

/// Also UPD-14.
#[test]
fn the_slow_path_touches_used_and_the_fast_path_does_not_nud_1_foot_9_dm_2() {
    let mut world = World::new();
    let peer = peer(Family::Inet);
    world.replace(peer, PEER_MAC, S::STALE);
    world.run_for(secs(1));
    let _ = world.send(peer, 1);
    assert_eq!(world.entry(peer).used, ms(0), "STALE: the machine was asked");
    world.answer(peer, PEER_MAC);
    let _ = world.send(peer, 2); // REACHABLE; the header was built
    world.run_for(secs(2));
    let _ = world.send(peer, 3);
    assert!(world.entry(peer).used >= secs(2), "REACHABLE: nothing is touched");
}

/// RFC row N105.
/// Also ARP-8.
#[test]
fn connected_delay_and_probe_let_packets_go_nud_2_out_4() {
    for state in [S::REACHABLE, S::PERMANENT, S::NOARP, S::DELAY, S::PROBE] {
        let mut world = World::new();
        let peer = peer(Family::Inet);
        world.replace(peer, PEER_MAC, state);
        assert_eq!(world.send(peer, 9), neighbour::Sent::Sent, "{state}");
        assert_eq!((world.tags(), world.state(peer)), (vec![9], state));
    }
}

/// RFC row A25.
#[test]
fn a_packet_that_waits_or_is_dropped_for_its_room_is_no_error_out_5_nud_7_foot_30() {
    let mut world = World::with(&[("neigh/unres_qlen_bytes", "1")]);
    let peer = peer(Family::Inet);
    for tag in [1, 2] {
        assert_eq!(world.send(peer, tag), neighbour::Sent::Queued, "packet {tag}");
    }
    assert_eq!(world.drops(DropReason::NeighQueueFull), 1, "the first made room for the second");
}

/// Also ARP-5.
#[test]
fn a_direct_device_sends_packets_as_they_are_out_7() {
    let config = neighbour::Config::default().seed(1);
    let device = Device::point_to_point("ppp0").address(prefix("192.0.2.1/32"));
    let mut world = World::build(config, &[], device);
    let _ = world.send(ip("192.0.2.2"), 5);
    let (_, _, frame) = world.hosts[0].frames.last().expect("a frame");
    assert_eq!((frame[0] >> 4, frame.last()), (4, Some(&5)), "no header before the packet");
}

#[test]
fn a_lowered_ucast_solicit_counts_at_the_next_timer_and_probes_stay_nud_15() {
    let mut world = World::with(&[("neigh/ucast_solicit", "5"), ("neigh/mcast_resolicit", "0")]);
    let peer = peer(Family::Inet);
    world.replace(peer, PEER_MAC, S::PROBE);
    world.run_for(ms(700)); // two probes
    assert_eq!((world.state(peer), world.entry(peer).probes), (S::PROBE, 2));
    world.set("neigh/eth0/ucast_solicit", "2");
    world.run_for(ms(600));
    assert_eq!((world.state(peer), world.entry(peer).probes), (S::FAILED, 2));
}

/// RFC rows A22, N75, N106.
#[test]
fn incomplete_and_probe_wait_one_retrans_time_nud_20() {
    let mut world = World::new(); // retrans_time 600 ms
    let peer = peer(Family::Inet);
    let _ = world.send(peer, 1);
    world.run_for(secs(2));
    let times: Vec<_> = world.solicitations(peer).into_iter().map(|(at, _)| at).collect();
    for pair in times.windows(2) {
        let passed = pair[1] - pair[0];
        assert!(passed >= ms(600) && passed <= ms(600) + TICK * 2, "{passed:?}");
    }
    assert_eq!(times.len(), 4);
}

#[test]
fn managed_use_makes_stale_of_reachable_delay_foot_50() {
    let mut world = World::new(); // base_reachable_time 20 s, interval_probe_time 7 s, delay 3 s
    let peer = peer(Family::Inet);
    let request = NewNeigh { flags: Flags::MANAGED, ..world.request(peer, Some(PEER_MAC), S::REACHABLE) };
    world.admin(request).expect("a managed entry");
    world.answer(peer, PEER_MAC);
    let passed = world.run_while(secs(60), |world| world.state(peer) == S::REACHABLE);
    assert!(passed >= secs(9), "it was REACHABLE for its time: {passed:?}");
    assert!(matches!(world.state(peer), S::DELAY | S::STALE));
    world.run_for(secs(7));
    assert_ne!(world.state(peer), S::STALE, "somebody uses it: the refresh");
}

/// RFC row A4.
#[test]
fn an_arp_request_for_us_overrides_within_locktime_and_a_third_party_s_does_not_foot_11() {
    let mut world = World::with(&[("neigh/locktime", "500")]);
    let peer = peer(Family::Inet);
    world.replace(peer, PEER_MAC, S::REACHABLE);
    let _ = world.frame(&arp_request(peer, OTHER_MAC, nth(Family::Inet, 50)).frame());
    assert_eq!(world.entry(peer).lladdr, Some(PEER_MAC.into()), "asked for somebody else: protected");
    let _ = world.frame(&arp_request(peer, OTHER_MAC, own(Family::Inet)).frame());
    assert_eq!(world.entry(peer).lladdr, Some(OTHER_MAC.into()), "asked for us: believed");
}

#[test]
fn use_destroys_permanence_and_resolves_anew_foot_24_nl_16() {
    for flag in [Flags::USE, Flags::MANAGED] {
        let mut world = World::new();
        let peer = peer(Family::Inet);
        world.replace(peer, PEER_MAC, S::PERMANENT);
        world.forget();
        // Address and state of the request are ignored.
        let request = NewNeigh { flags: flag, ..world.request(peer, Some(OTHER_MAC), S::PERMANENT) };
        world.admin(request).unwrap_or_else(|error| panic!("{flag:?}: {error}"));
        let entry = world.entry(peer);
        assert!(!entry.state.has(S::PERMANENT), "{flag:?}: {}", entry.state);
        assert_eq!(world.solicitations(peer).len(), 1, "{flag:?}: it is asked for");
    }
}

#[test]
fn the_router_flag_is_taken_for_ipv4_and_means_nothing_nl_22() {
    let mut world = World::new();
    let peer = peer(Family::Inet);
    let request = NewNeigh { flags: Flags::ROUTER, ..world.request(peer, Some(PEER_MAC), S::REACHABLE) };
    assert_eq!(world.admin(request), Ok(()));
    assert!(world.entry(peer).flags.contains(Flags::ROUTER));
    world.hint(peer, PEER_MAC);
    assert!(world.entry(peer).flags.contains(Flags::ROUTER), "nothing that ARP says changes it");
}

#[test]
fn thresholds_need_no_order_and_counts_no_range_tbl_12_tbl_13_sys_13() {
    let mut world = World::new();
    for (name, value) in [("gc_thresh1", "900"), ("gc_thresh2", "5"), ("gc_thresh3", "1")] {
        world.set(&format!("ipv4/neigh/default/{name}"), value);
        assert_eq!(
            world.engine().get(&format!("ipv4/neigh/default/{name}")).map(|v| v.to_string()),
            Ok(value.into())
        );
    }
    for value in ["-7", "0", "99", "2147483647"] {
        world.set("ipv4/conf/eth0/arp_ignore", value);
        assert_eq!(world.engine().get("ipv4/conf/eth0/arp_ignore").map(|v| v.to_string()), Ok(value.into()));
    }
}

/// RFC row N81.
#[test]
fn a_solicitation_never_changes_router_and_its_ethernet_source_is_not_asked_nd_33_nd_19() {
    for router in [false, true] {
        let mut world = World::new();
        let peer = peer(Family::Inet6);
        let flags = if router { Flags::ROUTER } else { Flags::empty() };
        let request = NewNeigh { flags, ..world.request(peer, Some(PEER_MAC), S::STALE) };
        world.admin(request).expect("an entry");
        let mut frame = ns_multicast(peer, OTHER_MAC, own(Family::Inet6));
        frame[6..12].copy_from_slice(&[2, 9, 9, 9, 9, 9]);
        assert_eq!(world.frame(&frame), Ok(()));
        let entry = world.entry(peer);
        assert_eq!(entry.lladdr, Some(OTHER_MAC.into()), "what the option says");
        assert_eq!(entry.flags.contains(Flags::ROUTER), router);
    }
}

#[test]
fn an_advertisement_may_come_from_anybody_nd_51() {
    let mut world = World::new();
    let peer = peer(Family::Inet6);
    let _ = world.send(peer, 3);
    let stranger = match nth(Family::Inet6, 99) {
        std::net::IpAddr::V6(v6) => v6,
        std::net::IpAddr::V4(_) => unreachable!("asked for IPv6"),
    };
    let answer = crate::common::frames::Na { source: stranger, ..na(peer, Some(PEER_MAC)) };
    assert_eq!(world.frame(&answer.frame()), Ok(()));
    world.expect_state(peer, S::REACHABLE);
}

#[test]
fn solicitations_outside_duplicate_detection_carry_no_nonce_and_come_from_link_local_nd_8_nd_15() {
    let mut world = World::new();
    let peer = peer(Family::Inet6);
    let now = world.now;
    let dev = world.dev();
    // No packet that waits: USE asks by itself.
    let request = NewNeigh { flags: Flags::USE, ..world.request(peer, None, S::NONE) };
    world.engine().new_neigh(now, &request).expect("an entry");
    world.settle();
    let asked = crate::support::seen_by(&world, dev).into_iter().find_map(|seen| match seen {
        crate::common::Seen::Solicit { source, nonce, .. } => Some((source, nonce)),
        _ => None,
    });
    let (source, nonce) = asked.expect("a solicitation");
    assert!(source.is_unicast_link_local() && nonce.is_none(), "{source}, {nonce:?}");
}

#[test]
fn a_bad_option_of_the_target_s_address_drops_the_advertisement_nd_42() {
    let mut world = World::new();
    let peer = peer(Family::Inet6);
    let _ = world.send(peer, 3);
    let mut frame = na(peer, Some(PEER_MAC)).frame();
    // A target option of sixteen bytes for an address of six.
    let at = frame.len() - 8;
    frame[at + 1] = 2;
    frame.extend([0; 8]);
    let payload = u16::try_from(frame.len() - 14 - 40).expect("short").to_be_bytes();
    frame[18..20].copy_from_slice(&payload);
    frame[56..58].copy_from_slice(&[0, 0]);
    let (source, destination) = (peer_v6(peer), peer_v6(own(Family::Inet6)));
    neighbour_wire::icmpv6::finish(&mut frame[54..], source, destination);
    assert!(world.frame(&frame).is_err());
    world.expect_state(peer, S::INCOMPLETE);
}

fn peer_v6(address: std::net::IpAddr) -> std::net::Ipv6Addr {
    crate::common::frames::v6(address)
}

#[test]
fn a_router_s_times_count_even_where_it_is_no_default_router_nd_61_foot_18() {
    for knobs in [&[("conf/accept_ra_defrtr", "0")][..], &[("conf/accept_ra_defrtr", "1")]] {
        let mut world = World::linux(knobs);
        let advert = RouterAdvertRepr { lifetime_s: 1800, retrans_ms: 2000, ..RouterAdvertRepr::default() };
        assert_eq!(world.frame(&ra(fe80(7), &advert)), Ok(()));
        let retrans = world.engine().get("ipv6/neigh/eth0/retrans_time_ms").map(|v| v.to_string());
        assert_eq!(retrans, Ok("2000".into()), "{knobs:?}");
    }
}

#[test]
fn an_update_of_a_dead_entry_changes_nothing_dst_1_dst_7_dst_8() {
    let mut world = World::new();
    let peer = peer(Family::Inet);
    world.replace(peer, PEER_MAC, S::REACHABLE);
    let (now, dev) = (world.now, world.dev());
    let held = world.engine().hold(now, dev, peer).expect("room");
    world.engine().flush(now, Family::Inet, None);
    world.settle();
    assert!(held.is_dead());
    let entries = world.engine().gc_entries(Family::Inet);
    // What comes now is about another entry, a new one.
    world.answer(peer, OTHER_MAC);
    assert_eq!(world.delete(peer), Err(RequestError::NotFound));
    assert_eq!(held.get().lladdr(), Some(PEER_MAC.into()), "it says what it said last");
    assert_eq!(world.engine().gc_entries(Family::Inet), entries, "and counts no more");
}

#[test]
fn a_state_belongs_to_the_sets_of_cnv_5() {
    for state in S::ALL {
        let (timer, valid, connected) = match state {
            S::INCOMPLETE => (true, false, false),
            S::REACHABLE => (true, true, true),
            S::DELAY | S::PROBE => (true, true, false),
            S::STALE => (false, true, false),
            S::PERMANENT | S::NOARP => (false, true, true),
            S::NONE | S::FAILED => (false, false, false),
            other => panic!("{other} is no single state"),
        };
        assert_eq!(
            (state.is_in_timer(), state.is_valid(), state.is_connected()),
            (timer, valid, connected),
            "{state}"
        );
        assert_eq!((format!("{state:?}"), state.name().is_some()), (state.to_string(), true));
    }
    // Tests on a state are tests of bits (CNV-6).
    let both = NudState(S::STALE.0 | S::INCOMPLETE.0);
    assert!(both.is_valid() && both.is_in_timer() && !both.is_connected());
}

#[test]
fn times_are_ticks_of_the_configured_rate_and_are_told_as_such_cnv_1() {
    for tick in [ms(10), ms(4), ms(1)] {
        let config = neighbour::Config { tick, ..neighbour::Config::default().seed(5) };
        let mut world = World::build(config, &[], crate::common::ethernet("eth0", 1));
        world.set("neigh/retrans_time_ms", "1001");
        let stored = world.engine().get("ipv4/neigh/default/retrans_time_ms").expect("a parameter");
        let ticks = 1001_u64.div_ceil(tick.as_millis() as u64);
        assert_eq!(stored as u64, ticks * tick.as_millis() as u64, "{tick:?}: rounded up to a tick (SYS-4)");
    }
}

#[test]
fn a_notice_shows_the_entry_as_it_is_after_its_queue_has_left_evt_5_foot_27() {
    for family in Family::BOTH {
        let mut world = World::new();
        let peer = peer(family);
        let _ = world.send(peer, 1);
        world.forget();
        // STALE by this message; the packet that waited then makes it DELAY, which nobody is told of by itself.
        world.hint(peer, PEER_MAC);
        assert_eq!(world.tags(), [1], "{family:?}");
        world.expect_state(peer, S::DELAY);
        assert_eq!(world.notices(peer), [(S::DELAY, false)], "{family:?}");
    }
}

#[test]
fn what_may_be_overridden_is_said_by_the_source_of_an_update_dm_12() {
    // (message, its address replaces a REACHABLE one's, the state then: what makes us answer is DELAY at once)
    type Message = fn(std::net::IpAddr) -> Vec<u8>;
    let override_: Message =
        |peer| crate::common::frames::Na { overrides: true, ..na(peer, Some(OTHER_MAC)) }.frame();
    let weak: Message = |peer| na(peer, Some(OTHER_MAC)).frame();
    let solicit: Message = |peer| ns_multicast(peer, OTHER_MAC, own(Family::Inet6));
    for (message, replaced, state) in
        [(override_, true, S::REACHABLE), (weak, false, S::STALE), (solicit, true, S::DELAY)]
    {
        let mut world = World::new();
        let peer = peer(Family::Inet6);
        world.replace(peer, PEER_MAC, S::REACHABLE);
        let _ = world.frame(&message(peer));
        let entry = world.entry(peer);
        let lladdr = if replaced { OTHER_MAC } else { PEER_MAC };
        assert_eq!((entry.state, entry.lladdr), (state, Some(lladdr.into())));
    }
    // OVERRIDE_ISROUTER: an advertisement may change the flag, and its R bit says to what.
    for router in [true, false] {
        let mut world = World::new();
        let peer = peer(Family::Inet6);
        world.replace(peer, PEER_MAC, S::REACHABLE);
        let _ = world.frame(&crate::common::frames::Na { router, ..na(peer, Some(PEER_MAC)) }.frame());
        assert_eq!(world.entry(peer).flags.contains(Flags::ROUTER), router);
    }
    // ADMIN, REPLACE: OVERRIDE; EXT_LEARNED is honoured from userspace alone.
    let mut world = World::new();
    let peer = peer(Family::Inet6);
    let request = world.request(peer, Some(PEER_MAC), S::REACHABLE);
    world.admin(NewNeigh { flags: Flags::EXT_LEARNED, ..request }).expect("an entry");
    assert!(world.entry(peer).flags.contains(Flags::EXT_LEARNED));
    world.replace(peer, OTHER_MAC, S::REACHABLE);
    assert_eq!(world.entry(peer).lladdr, Some(OTHER_MAC.into()));
}

#[test]
fn a_table_counts_its_live_objects_apart_from_those_that_may_be_collected_dm_17() {
    let mut world = World::new();
    let info = |world: &World| world.hosts[0].engine.table_info(Family::Inet);
    let before = (info(&world).entries, world.engine().gc_entries(Family::Inet));
    world.replace(nth(Family::Inet, 20), PEER_MAC, S::STALE);
    let (now, dev) = (world.now, world.dev());
    let held = world.engine().hold(now, dev, nth(Family::Inet, 20)).expect("room");
    world.engine().flush(now, Family::Inet, None);
    world.replace(nth(Family::Inet, 21), PEER_MAC, S::PERMANENT);
    assert!(held.is_dead());
    let now = (info(&world).entries, world.engine().gc_entries(Family::Inet));
    assert_eq!(now, (before.0 + 2, before.1), "a dead one that is held, and one that is exempt");
    drop(held);
    world.run_for(secs(60));
    assert_eq!(info(&world).entries, before.0 + 1);
    assert!(info(&world).last_flush >= secs(60), "none was forced");
}

#[test]
fn an_ipv4_redirect_to_a_gateway_that_is_unknown_only_asks_for_it_nd_70() {
    use neighbour_wire::{icmpv4, ipv4};
    let told = |world: &mut World| {
        let cause = crate::support::packet("192.0.2.1", "203.0.113.9", 64, 8);
        let mut message = vec![5, 1, 0, 0, 192, 0, 2, 7];
        message.extend(cause);
        icmpv4::finish(&mut message);
        let mut packet = Vec::new();
        ipv4::emit_header(
            &mut packet,
            v4("192.0.2.254"),
            v4("192.0.2.1"),
            icmpv4::PROTOCOL,
            64,
            message.len(),
        );
        packet.extend(message);
        world.frame(&crate::support::to_us(&packet))
    };
    let mut world = World::linux(&[]);
    let dev = world.dev();
    crate::support::settled(&mut world, dev, "192.0.2.254", 254);
    let route = neighbour::Route { prefix: prefix("0.0.0.0/0"), via: Some(ip("192.0.2.254")), device: dev };
    world.engine().add_route(route).expect("a default route");
    world.forget();
    let sent_to = |world: &mut World| {
        let now = world.now;
        world.forget();
        let packet = crate::support::packet("192.0.2.1", "203.0.113.9", 64, 8);
        let _ = world.engine().send_ip(now, packet, None);
        world.settle();
        crate::support::packets(world, dev).first().map(|(to, _)| *to)
    };
    let _ = told(&mut world);
    world.expect_state(ip("192.0.2.7"), S::INCOMPLETE);
    assert_eq!(sent_to(&mut world), Some(crate::support::mac(254)), "the route stays");
    crate::support::settled(&mut world, dev, "192.0.2.7", 7);
    assert_eq!(sent_to(&mut world), Some(crate::support::mac(254)), "until it is told again");
    let _ = told(&mut world);
    assert_eq!(sent_to(&mut world), Some(crate::support::mac(7)));
}
