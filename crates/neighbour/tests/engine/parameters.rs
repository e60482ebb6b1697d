//! The parameters of tables and devices: names, units, rounding, inheritance, errors (DM-19 to DM-31, SYS-*).

use crate::common::frames;
use crate::common::{MAC, PEER_MAC, TICK, World, ip, ms, peer, secs};
use crate::support::{fe80, ra};
use neighbour::{Config, Device, Family, Flags, NudState, SetError, parameter_names};
use neighbour_wire::ndisc::RouterAdvertRepr;

use NudState as S;

/// A world whose device has no address: defaults still reach it (DM-23).
fn bare() -> World {
    World::build(Config::default(), crate::common::KNOBS, Device::ethernet("eth0", MAC).link_local(false))
}

fn get(world: &World, name: &str) -> i64 {
    world.hosts[0].engine.get(name).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn defaults_are_linux_s_section_1_6() {
    let engine = neighbour::Engine::new(Config::default());
    for (name, four, six) in [
        ("neigh/default/base_reachable_time", 30, 30),
        ("neigh/default/base_reachable_time_ms", 30_000, 30_000),
        ("neigh/default/retrans_time_ms", 1000, 1000),
        ("neigh/default/retrans_time", 100, 250), // FOOT-36: IPv6 shows ticks
        ("neigh/default/delay_first_probe_time", 5, 5),
        ("neigh/default/interval_probe_time_ms", 5000, 5000),
        ("neigh/default/gc_stale_time", 60, 60),
        ("neigh/default/ucast_solicit", 3, 3),
        ("neigh/default/mcast_solicit", 3, 3),
        ("neigh/default/app_solicit", 0, 0),
        ("neigh/default/mcast_resolicit", 0, 0),
        ("neigh/default/unres_qlen_bytes", 212_992, 212_992),
        ("neigh/default/unres_qlen", 101, 101),
        ("neigh/default/proxy_qlen", 64, 64),
        ("neigh/default/proxy_delay", 80, 80),
        ("neigh/default/anycast_delay", 100, 100),
        ("neigh/default/locktime", 100, 0),
        ("neigh/default/gc_interval", 30, 30),
        ("neigh/default/gc_thresh1", 128, 128),
        ("neigh/default/gc_thresh2", 512, 512),
        ("neigh/default/gc_thresh3", 1024, 1024),
    ] {
        let values = ["ipv4", "ipv6"].map(|family| engine.get(&format!("{family}/{name}")));
        assert_eq!(values, [Ok(four), Ok(six)], "{name}");
    }
}

#[test]
fn every_name_can_be_read_and_written_with_what_it_reads() {
    let mut world = World::new();
    for name in parameter_names() {
        let value = get(&world, &name);
        world.set(&name, &value.to_string());
        assert_eq!(get(&world, &name), value, "{name}");
    }
}

#[test]
fn two_names_of_one_value_have_their_units_and_round_up_sys_2_sys_4_sys_5_sys_6_sys_7() {
    for (name, value, shown_as, four, six) in [
        ("retrans_time_ms", "1", "retrans_time_ms", 4, 4),
        ("retrans_time_ms", "5", "retrans_time_ms", 8, 8),
        ("retrans_time", "50", "retrans_time_ms", 500, 200),
        ("base_reachable_time", "7", "base_reachable_time_ms", 7000, 7000),
        ("base_reachable_time_ms", "500", "base_reachable_time", 0, 0),
        ("base_reachable_time_ms", "1501", "base_reachable_time_ms", 1504, 1504),
        ("unres_qlen", "5", "unres_qlen_bytes", 10_450, 10_450),
        ("unres_qlen_bytes", "10449", "unres_qlen", 4, 4),
        ("interval_probe_time_ms", "1", "interval_probe_time_ms", 4, 4),
        ("locktime", "25", "locktime", 25, 25),
        ("gc_stale_time", "3", "gc_stale_time", 3, 3),
    ] {
        for (family, expected) in Family::BOTH.into_iter().zip([four, six]) {
            let place = format!("{}/neigh/eth0", family.sysctl_name());
            let mut world = World::new();
            world.set(&format!("{place}/{name}"), value);
            assert_eq!(get(&world, &format!("{place}/{shown_as}")), expected, "{place}/{name} = {value}");
        }
    }
}

#[test]
fn what_is_out_of_range_is_refused_and_changes_nothing_sys_3_sys_10() {
    let mut world = World::new();
    let over = (1i64 << 31).to_string();
    for (name, bad) in [
        ("neigh/ucast_solicit", "-1"),
        ("neigh/ucast_solicit", over.as_str()),
        ("neigh/retrans_time_ms", "-5"),
        ("neigh/base_reachable_time", "-1"),
        ("neigh/base_reachable_time", "8589935"), // (2^31 - 1) / 250 is 8589934
        ("neigh/gc_stale_time", "-1"),
        ("neigh/locktime", "-1"),
        ("neigh/interval_probe_time_ms", "0"),
        ("neigh/unres_qlen", "1027505"), // (2^31 - 1) / 2090 is 1027504
        ("neigh/unres_qlen_bytes", over.as_str()),
        ("neigh/proxy_qlen", "-1"),
        ("gc_thresh3", "-1"),
    ] {
        let (now, before) = (world.now, get(&world, name));
        let refused = world.engine().set(now, name, bad);
        assert!(matches!(refused, Err(SetError::OutOfRange { .. })), "{name} = {bad}: {refused:?}");
        assert_eq!(get(&world, name), before, "{name}");
        let text = refused.map_err(|e| e.to_string()).expect_err("refused");
        assert!(text.contains(name) && text.contains(bad), "{text}");
    }
    world.set("neigh/unres_qlen", "1027504");
    world.set("neigh/base_reachable_time", "8589934");
}

#[test]
fn errors_say_what_was_wrong_and_what_was_meant() {
    let mut world = World::new();
    let now = world.now;
    let mut error = |name: &str, value: &str| world.engine().set(now, name, value).expect_err("refused");
    assert_eq!(
        error("neigh/ucast_solict", "1"),
        SetError::Unknown { name: "neigh/ucast_solict".into(), hint: Some("neigh/ucast_solicit".into()) }
    );
    assert_eq!(error("neigh/eth7/ucast_solicit", "1"), SetError::Device("eth7".into()));
    let family = SetError::Family { family: "ipv6", name: "arp_accept".into() };
    assert_eq!(error("ipv6/conf/arp_accept", "1"), family);
    let number = SetError::NotANumber { name: "neigh/locktime".into(), value: "soon".into() };
    assert_eq!(error("neigh/locktime", "soon"), number);
    assert!(matches!(error("", "1"), SetError::Unknown { .. }));
    assert!(matches!(error("neigh/eth0/gc_thresh1", "1"), SetError::Unknown { .. }), "gc_* has no device");
}

#[test]
fn a_device_copies_the_defaults_of_its_day_and_follows_them_until_it_has_an_address_dm_19_dm_21_dm_23() {
    for family in Family::BOTH {
        let f = family.sysctl_name();
        let (default, own) =
            (format!("{f}/neigh/default/ucast_solicit"), format!("{f}/neigh/eth0/ucast_solicit"));
        let mut world = bare();
        assert_eq!(get(&world, &own), 2, "{f}: KNOBS were the defaults when it came");
        world.set(&default, "6");
        assert_eq!(get(&world, &own), 6, "{f}");
        let address = if family == Family::Inet { "192.0.2.1/24" } else { "2001:db8::1/64" };
        world.add_address(address);
        world.set(&default, "7");
        assert_eq!(get(&world, &own), 6, "{f}: an address froze it (FOOT-35)");
    }
}

#[test]
fn a_value_that_was_set_for_the_device_is_left_by_the_defaults_dm_21_dm_22_sys_6() {
    let mut world = bare();
    world.set("ipv4/neigh/eth0/retrans_time_ms", "200");
    world.set("ipv4/neigh/default/retrans_time", "50");
    world.set("ipv4/neigh/default/ucast_solicit", "8");
    assert_eq!(get(&world, "ipv4/neigh/eth0/retrans_time_ms"), 200, "two names, one bit");
    assert_eq!(get(&world, "ipv4/neigh/eth0/ucast_solicit"), 8, "each value has its own bit");
    assert_eq!(get(&world, "ipv6/neigh/eth0/retrans_time_ms"), 600, "and each family its own set");
}

#[test]
fn a_refused_write_still_makes_the_value_explicit_dm_22_sys_3() {
    let mut world = bare();
    let now = world.now;
    assert!(world.engine().set(now, "ipv4/neigh/eth0/retrans_time_ms", "-5").is_err());
    world.set("ipv4/neigh/default/retrans_time_ms", "300");
    assert_eq!(get(&world, "ipv4/neigh/eth0/retrans_time_ms"), 600);
}

#[test]
fn all_forwarding_of_ipv4_rewrites_every_device_and_default_those_never_set_sys_16() {
    let mut world = bare();
    world.set("ipv4/conf/all/forwarding", "1");
    assert_eq!(get(&world, "ipv4/conf/eth0/forwarding"), 1);
    world.set("ipv4/conf/default/arp_accept", "2");
    assert_eq!(get(&world, "ipv4/conf/eth0/arp_accept"), 2);
    world.set("ipv4/conf/eth0/arp_accept", "1");
    world.set("ipv4/conf/default/arp_accept", "0");
    assert_eq!(get(&world, "ipv4/conf/eth0/arp_accept"), 1);
}

/// How long a REACHABLE entry lasts, made now.
#[track_caller]
fn reachable_for(world: &mut World, family: Family) -> std::time::Duration {
    world.replace(peer(family), PEER_MAC, S::STALE);
    world.replace(peer(family), PEER_MAC, S::REACHABLE);
    world.run_while(secs(200), |w| w.state(peer(family)) == S::REACHABLE)
}

/// Also ARP-4, DM-26.
#[test]
fn a_new_base_of_the_device_counts_at_once_and_of_the_defaults_at_the_next_draw_dm_24_dm_28() {
    for family in Family::BOTH {
        let f = family.sysctl_name();
        let mut world = bare();
        let first = reachable_for(&mut world, family);
        assert!((secs(10)..secs(30) + TICK * 2).contains(&first), "{f}: {first:?}");
        world.set(&format!("{f}/neigh/default/base_reachable_time_ms"), "1000");
        assert_eq!(get(&world, &format!("{f}/neigh/eth0/base_reachable_time_ms")), 1000, "{f}");
        let second = reachable_for(&mut world, family);
        assert!(second.abs_diff(first) <= TICK, "{f}: the draw stays (DM-24): {first:?}, {second:?}");
        world.set(&format!("{f}/neigh/eth0/base_reachable_time_ms"), "1000");
        let third = reachable_for(&mut world, family);
        assert!((ms(500)..ms(1500) + TICK * 2).contains(&third), "{f}: DM-28c: {third:?}");
    }
}

/// RFC row N54.
/// Also GC-20.
#[test]
fn reachable_times_are_drawn_anew_after_20_of_them_and_300_s_dm_28_dm_29() {
    for family in Family::BOTH {
        let mut world = World::new();
        let first = reachable_for(&mut world, family);
        // At most 20 × 30 s + 300 s, and a run every 10 s.
        world.run_for(secs(20 * 30 + 300 + 10));
        let drawn = reachable_for(&mut world, family);
        assert!(first.abs_diff(drawn) > TICK, "{family:?}: {first:?}, {drawn:?}");
        world.run_for(secs(310));
        let again = reachable_for(&mut world, family);
        assert!(drawn.abs_diff(again) > TICK, "{family:?}: {drawn:?}, {again:?}: every 300 s");
    }
}

#[test]
fn a_running_timer_is_not_armed_anew_by_a_new_base_but_asks_it_when_it_fires_dm_31() {
    for family in Family::BOTH {
        let f = family.sysctl_name();
        // Longer: the timer fires as before, and finds that there is time yet.
        let mut world = World::with(&[("neigh/base_reachable_time_ms", "10000")]);
        world.replace(peer(family), PEER_MAC, S::REACHABLE);
        world.set(&format!("{f}/neigh/eth0/base_reachable_time_ms"), "100000");
        world.run_for(secs(40));
        world.expect_state(peer(family), S::REACHABLE);
        // Shorter: nothing happens before the time it had.
        let mut world = World::with(&[("neigh/base_reachable_time_ms", "20000")]);
        world.replace(peer(family), PEER_MAC, S::REACHABLE);
        world.set(&format!("{f}/neigh/eth0/base_reachable_time_ms"), "1000");
        world.run_for(secs(9));
        world.expect_state(peer(family), S::REACHABLE);
        world.run_for(secs(22));
        world.expect_state(peer(family), S::STALE);
    }
}

#[test]
fn a_base_of_zero_ends_reachable_at_once_and_does_not_spin_dm_27() {
    for family in Family::BOTH {
        let mut world = World::with(&[("neigh/base_reachable_time_ms", "0")]);
        let passed = reachable_for(&mut world, family);
        assert!(passed <= ms(12), "{family:?}: {passed:?}");
        let start = world.now;
        let mut steps = 0;
        while world.step(start + secs(10)) {
            steps += 1;
        }
        assert!(steps < 5000, "{family:?}: {steps} deadlines in 10 s");
    }
}

/// RFC rows N53, N54.
#[test]
fn a_router_s_times_are_taken_with_their_floors_nd_58_nd_59() {
    let mut world = World::new();
    let advert = |retrans_ms, reachable_ms| {
        let mut packet = Vec::new();
        let header = neighbour_wire::ndisc::Header {
            source: frames::v6(ip("fe80::9")),
            destination: frames::ALL_NODES,
            traffic_class: 0,
        };
        let repr = RouterAdvertRepr {
            retrans_ms,
            reachable_ms,
            lifetime_s: 1800,
            source_lladdr: Some(PEER_MAC.into()),
            ..Default::default()
        };
        neighbour_wire::ndisc::emit_router_advert(&mut packet, &header, &repr);
        frames::eth(frames::mac_of(frames::ALL_NODES), 0x86dd, &packet)
    };
    assert_eq!(world.frame(&advert(1, 1)), Ok(()));
    assert_eq!(get(&world, "ipv6/neigh/eth0/retrans_time_ms"), 8, "two ticks");
    assert_eq!(get(&world, "ipv6/neigh/eth0/base_reachable_time_ms"), 100);
    assert_eq!(get(&world, "ipv6/neigh/eth0/gc_stale_time"), 0, "300 ms (FOOT-19)");
    assert_eq!(world.frame(&advert(333, 43_211)), Ok(()));
    assert_eq!(get(&world, "ipv6/neigh/eth0/retrans_time_ms"), 332, "down to a tick");
    assert_eq!(get(&world, "ipv6/neigh/eth0/base_reachable_time_ms"), 43_208);
    assert_eq!(get(&world, "ipv6/neigh/eth0/gc_stale_time"), 129);
    assert_eq!(get(&world, "ipv4/neigh/eth0/retrans_time_ms"), 600, "IPv4 has its own");
    assert_eq!(world.frame(&advert(0, 0)), Ok(()));
    assert_eq!(get(&world, "ipv6/neigh/eth0/retrans_time_ms"), 332, "0: not said");
    let router = world.entry(ip("fe80::9"));
    assert_eq!((router.state, router.flags), (S::STALE, Flags::ROUTER));
    world.set("ipv6/conf/eth0/accept_ra", "0");
    assert_eq!(world.frame(&advert(500, 0)), Ok(()));
    assert_eq!(get(&world, "ipv6/neigh/eth0/retrans_time_ms"), 332, "not accepted (ND-56)");
}

#[test]
fn a_router_s_times_outlive_the_link_s_going_down_dev_12() {
    let mut world = World::linux(&[]);
    let advert = RouterAdvertRepr { reachable_ms: 20_000, retrans_ms: 2000, ..RouterAdvertRepr::default() };
    assert_eq!(world.frame(&ra(fe80(7), &advert)), Ok(()));
    let times = |world: &World| {
        ["base_reachable_time_ms", "retrans_time_ms", "gc_stale_time"]
            .map(|name| get(world, &format!("ipv6/neigh/eth0/{name}")))
    };
    assert_eq!(times(&world), [20_000, 2000, 60]);
    let (now, dev) = (world.now, world.dev());
    world.engine().set_link(now, dev, false);
    world.engine().set_link(now, dev, true);
    assert_eq!(times(&world), [20_000, 2000, 60]);
}

#[test]
fn the_loopback_device_has_its_own_parameters_from_the_start_dev_13_dm_23() {
    let mut world = World::build(Config::default(), &[], Device::loopback("lo"));
    let before = get(&world, "ipv4/neigh/lo/ucast_solicit");
    world.set("ipv4/neigh/default/ucast_solicit", "9");
    assert_eq!(get(&world, "ipv4/neigh/lo/ucast_solicit"), before, "its own address froze it");
}

#[test]
fn a_new_default_base_is_drawn_from_at_once_for_arp_alone_sys_9() {
    let drawn = |world: &World, family| world.hosts[0].engine.reachable_time(family, None);
    for (family, anew) in [(Family::Inet, true), (Family::Inet6, false)] {
        let mut world = World::new();
        let before = drawn(&world, family);
        world.set(&format!("{}/neigh/default/base_reachable_time_ms", family.sysctl_name()), "1000");
        let after = drawn(&world, family);
        assert_eq!(before != after, anew, "{family:?}: {before:?}, {after:?}");
    }
}
