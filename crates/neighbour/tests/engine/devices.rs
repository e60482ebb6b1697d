//! What becomes of entries when devices and addresses change (section 8), and the parameters of tables and
//! devices: names, units, rounding, inheritance, errors (DM-19 to DM-31, SYS-*).

use std::net::IpAddr;

use crate::common::frames::{self, Seen};
use crate::common::{MAC, OTHER_MAC, PEER_MAC, TICK, World, ethernet, ip, ms, nth, own, peer, prefix, secs};
use crate::support::{fe80, ra};
use neighbour::{
    AddressError, AddressOptions, Config, CreateError, Device, DeviceError, DropReason, EventKind, Family,
    Flags, LlAddr, NewNeigh, NudState, ProxyEntry, Reason, RequestError, RouteType, Sent, SetError,
    parameter_names,
};
use neighbour_wire::ndisc::RouterAdvertRepr;

use NudState as S;

/// The world of the table in section 8: in both families an entry of each kind that an event may spare.
struct Populated {
    world: World,
    learned: [IpAddr; 2],
    permanent: [IpAddr; 2],
    validated: [IpAddr; 2],
}

impl Populated {
    fn new() -> Self {
        let mut world = World::new();
        let of = |n| Family::BOTH.map(|family| nth(family, n));
        let (learned, permanent, validated) = (of(20), of(21), of(22));
        for family in Family::BOTH {
            let f = family as usize;
            world.replace(permanent[f], PEER_MAC, S::PERMANENT);
            for (address, flags) in [(learned[f], Flags::EXT_LEARNED), (validated[f], Flags::EXT_VALIDATED)] {
                let request = world.request(address, Some(PEER_MAC), S::STALE);
                assert_eq!(world.admin(NewNeigh { flags, ..request }), Ok(()));
            }
            world.replace(peer(family), PEER_MAC, S::REACHABLE);
        }
        world.forget();
        Self { world, learned, permanent, validated }
    }

    /// Which of (plain, learned, permanent, validated) are left of a family.
    fn left(&self, family: Family) -> [bool; 4] {
        let f = family as usize;
        [peer(family), self.learned[f], self.permanent[f], self.validated[f]]
            .map(|address| self.world.info(address).is_some())
    }

    /// What is left after `event`, of ARP and of ND.
    #[track_caller]
    fn after(event: impl FnOnce(&mut World)) -> [[bool; 4]; 2] {
        let mut populated = Self::new();
        event(&mut populated.world);
        populated.world.settle();
        Family::BOTH.map(|family| populated.left(family))
    }
}

const ALL: [bool; 4] = [true; 4];
const NONE: [bool; 4] = [false; 4];
/// PERMANENT and EXT_VALIDATED (DEV-1).
const KEPT: [bool; 4] = [false, false, true, true];

#[test]
fn events_flush_what_the_table_of_section_8_says_dev_1_dev_2() {
    let carrier = |w: &mut World, on| {
        let (now, dev) = (w.now, w.dev());
        w.engine().set_carrier(now, dev, on);
    };
    let link = |w: &mut World, up| {
        let (now, dev) = (w.now, w.dev());
        w.engine().set_link(now, dev, up);
    };
    let noarp = |w: &mut World, on| {
        let (now, dev) = (w.now, w.dev());
        w.engine().set_noarp(now, dev, on);
    };
    let remove = |w: &mut World, text: &str| {
        let (now, dev) = (w.now, w.dev());
        assert_eq!(w.engine().remove_address(now, dev, ip(text)), Ok(()));
    };
    assert_eq!(Populated::after(|w| carrier(w, false)), [KEPT, KEPT], "carrier lost");
    assert_eq!(Populated::after(|w| carrier(w, true)), [ALL, ALL], "carrier back");
    assert_eq!(Populated::after(|w| link(w, false)), [NONE, NONE], "down");
    assert_eq!(Populated::after(|w| link(w, true)), [ALL, ALL], "up, as it was");
    assert_eq!(Populated::after(|w| noarp(w, true)), [NONE, NONE], "NOARP toggled");
    assert_eq!(Populated::after(|w| noarp(w, false)), [ALL, ALL], "NOARP as it was");
    let lladdr = |w: &mut World| {
        let (now, dev) = (w.now, w.dev());
        assert_eq!(w.engine().set_lladdr(now, dev, OTHER_MAC.into()), Ok(()));
    };
    assert_eq!(Populated::after(lladdr), [NONE, NONE], "hardware address changed");
    assert_eq!(Populated::after(|w| remove(w, "10.0.0.1")), [ALL, ALL], "not the last IPv4 address");
    let both = |w: &mut World| ["10.0.0.1", "192.0.2.1"].into_iter().for_each(|a| remove(w, a));
    assert_eq!(Populated::after(both), [NONE, ALL], "the last IPv4 address");
    let six = |w: &mut World| ["2001:db8::1", "fe80::ff:fe00:1"].into_iter().for_each(|a| remove(w, a));
    assert_eq!(Populated::after(six), [ALL, ALL], "the last IPv6 address (FOOT-37)");
    let off = |w: &mut World| w.set("ipv6/conf/eth0/disable_ipv6", "1");
    assert_eq!(Populated::after(off), [ALL, NONE], "disable_ipv6");
}

#[test]
fn the_eviction_switches_need_all_and_the_device_sys_11_sys_14() {
    let lose = |w: &mut World| {
        let (now, dev) = (w.now, w.dev());
        w.engine().set_carrier(now, dev, false);
    };
    for (name, expected) in [
        ("ipv4/conf/all/arp_evict_nocarrier", [ALL, KEPT]),
        ("ipv4/conf/eth0/arp_evict_nocarrier", [ALL, KEPT]),
        ("ipv6/conf/all/ndisc_evict_nocarrier", [KEPT, ALL]),
        ("ipv6/conf/eth0/ndisc_evict_nocarrier", [KEPT, ALL]),
    ] {
        let left = Populated::after(|w| {
            w.set(name, "0");
            lose(w);
        });
        assert_eq!(left, expected, "{name} = 0");
    }
}

/// Also DM-25.
#[test]
fn a_device_that_goes_away_takes_its_entries_and_refuses_new_ones_dev_7() {
    let mut populated = Populated::new();
    let world = &mut populated.world;
    let (now, dev) = (world.now, world.dev());
    let held = world.engine().hold(now, dev, peer(Family::Inet)).expect("it is there");
    assert!(world.engine().remove_device(now, dev));
    world.settle();
    let removed =
        |event: &neighbour::Event| matches!(&event.kind, EventKind::Removed { reason: Reason::Device, .. });
    let gone = world.hosts[0].events.iter().filter(|e| removed(e)).count();
    assert_eq!(Family::BOTH.map(|family| world.count(family)), [0, 0]);
    assert!(gone >= 8, "each is announced (DEV-6): {gone}");
    assert!(held.is_dead());
    let again = world.engine().hold(now, dev, peer(Family::Inet));
    assert_eq!(again.err(), Some(CreateError::NoDevice));
    assert_eq!(world.send(peer(Family::Inet), 1), Sent::Refused(DropReason::DeviceDown));
    let request = world.request(peer(Family::Inet), Some(PEER_MAC), S::STALE);
    assert_eq!(world.admin(request), Err(RequestError::NoDevice));
    assert_eq!(world.engine().device_name(dev), Some("eth0"), "its name stays for those who print events");
    assert!(!world.engine().remove_device(now, dev), "it is gone already");
    drop(held);
    world.run_for(secs(600));
    assert_eq!(world.stats(Family::Inet).entries, 0);
    // The name is free again, the index is not.
    let anew = world.engine().add_device(now, ethernet("eth0", 1)).expect("the name is free");
    assert_ne!(anew, dev);
}

#[test]
fn a_flush_goes_from_the_most_recent_entry_to_the_oldest_evt_3_cre_15() {
    for family in Family::BOTH {
        let mut world = World::new();
        (20..25).for_each(|n| world.replace(nth(family, n), PEER_MAC, S::STALE));
        world.forget();
        let (now, dev) = (world.now, world.dev());
        world.engine().flush(now, family, Some(dev));
        world.settle();
        let order: Vec<_> = world.hosts[0]
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Removed { neighbour, .. } => Some(neighbour.address),
                _ => None,
            })
            .filter(|address| !address.is_multicast())
            .collect();
        assert_eq!(order, (20..25).rev().map(|n| nth(family, n)).collect::<Vec<_>>());
    }
}

#[test]
fn entries_may_be_made_on_a_device_that_is_down_and_survive_up_dev_10_nl_24() {
    let mut world = World::build(Config::default(), &[], ethernet("eth0", 1).down());
    for family in Family::BOTH {
        world.replace(peer(family), PEER_MAC, S::STALE);
        assert_eq!(world.send(peer(family), 1), Sent::Refused(DropReason::DeviceDown), "{family:?}");
    }
    let (now, dev) = (world.now, world.dev());
    let frame = frames::answer(peer(Family::Inet), PEER_MAC);
    assert_eq!(world.frame(&frame), Err(DropReason::DeviceDown));
    world.engine().set_link(now, dev, true);
    world.settle();
    for family in Family::BOTH {
        world.expect_state(peer(family), S::STALE);
        assert_eq!(world.send(peer(family), 1), Sent::Sent, "{family:?}");
    }
}

/// The own addresses that were announced to all.
fn announced(world: &World) -> Vec<IpAddr> {
    let announced = |seen: &Seen| match seen {
        Seen::Arp { request: true, sender_ip, target_ip, .. } if sender_ip == target_ip => {
            Some(IpAddr::V4(*sender_ip))
        }
        Seen::Advert { destination, target, flags, lladdr: true, .. }
            if *destination == frames::ALL_NODES =>
        {
            assert_eq!(flags, "--O", "ND-12");
            Some(IpAddr::V6(*target))
        }
        _ => None,
    };
    world.sent().iter().filter_map(|(_, seen)| announced(seen)).collect()
}

/// RFC row N95.
#[test]
fn up_and_a_new_hardware_address_are_announced_if_the_switches_say_so_arp_55_arp_56_nd_12() {
    let four = ["192.0.2.1", "10.0.0.1"].map(ip);
    let six = ["2001:db8::1", "fe80::ff:fe00:1"].map(ip);
    for (knobs, expected) in [
        (vec![], vec![]),
        (vec![("ipv4/conf/all/arp_notify", "1")], four.to_vec()),
        (vec![("ipv6/conf/eth0/ndisc_notify", "1")], six.to_vec()),
    ] {
        let mut world = World::new();
        knobs.iter().for_each(|(name, value)| world.set(name, value));
        let (now, dev) = (world.now, world.dev());
        world.engine().set_link(now, dev, false);
        world.engine().set_link(now, dev, true);
        world.settle();
        assert_eq!(announced(&world), expected, "up, {knobs:?}");
        world.forget();
        assert_eq!(world.engine().set_lladdr(now, dev, OTHER_MAC.into()), Ok(()));
        world.settle();
        assert_eq!(announced(&world), expected, "hardware address, {knobs:?}");
    }
}

#[test]
fn an_address_that_comes_is_not_announced_by_arp_arp_56() {
    let mut world = World::with(&[("ipv4/conf/arp_notify", "1")]);
    world.add_address("198.51.100.1/24");
    assert_eq!(announced(&world), Vec::<IpAddr>::new());
}

#[test]
fn a_new_hardware_address_is_used_at_once() {
    let mut world = World::new();
    let (now, dev) = (world.now, world.dev());
    assert_eq!(world.engine().set_lladdr(now, dev, OTHER_MAC.into()), Ok(()));
    assert_eq!(world.send(peer(Family::Inet), 1), Sent::Queued);
    let asks = |seen: &Seen| matches!(seen, Seen::Arp { sender_hw, .. } if *sender_hw == OTHER_MAC.into());
    assert!(world.sent().iter().any(|(_, seen)| asks(seen)));
    let frame = frames::answer(peer(Family::Inet), PEER_MAC);
    assert_eq!(world.frame(&frame), Err(DropReason::OtherHost), "the old one is not ours");
    for bad in [LlAddr::new(&[1, 2, 3]).expect("short"), LlAddr::from([1, 0, 0, 0, 0, 1])] {
        let refused = world.engine().set_lladdr(now, dev, bad);
        assert_eq!(refused, Err(DeviceError::Address { lladdr: bad }));
    }
}

#[test]
fn an_entry_for_what_becomes_a_broadcast_address_is_classed_anew_unless_valid_dev_16() {
    let become_broadcast = "10.9.0.255";
    for state in S::ALL {
        let mut world = World::new();
        let address = ip(become_broadcast);
        match state {
            S::INCOMPLETE => assert_eq!(world.send(address, 1), Sent::Queued),
            state => world.replace(address, PEER_MAC, state),
        }
        assert_eq!(world.entry(address).route_type, RouteType::Unicast);
        world.forget();
        world.add_address("10.9.0.1/24");
        assert_eq!(world.info(address).is_some(), state.is_valid(), "{state}");
        let (now, dev) = (world.now, world.dev());
        drop(world.engine().hold(now, dev, address).expect("room"));
        let class = if state.is_valid() { RouteType::Unicast } else { RouteType::Broadcast };
        assert_eq!(world.entry(address).route_type, class, "{state}");
    }
    // Prefixes of 31 bits have no broadcast address; secondary ones do not bring theirs anew.
    let mut world = World::new();
    assert_eq!(world.send(ip("10.9.0.255"), 1), Sent::Queued);
    world.add_address("10.9.0.254/31");
    assert!(world.info(ip("10.9.0.255")).is_some());
}

/// Also ARP-2, ND-1.
#[test]
fn devices_without_room_for_a_family_do_not_have_it_dm_19() {
    for (mtu, four, six) in [(1280, true, true), (1279, true, false), (68, true, false), (67, false, false)] {
        let mut world = World::build(Config::default(), &[], Device::ethernet("eth0", MAC).mtu(mtu));
        for (family, expected) in Family::BOTH.into_iter().zip([four, six]) {
            let request = world.request(peer(family), Some(PEER_MAC), S::STALE);
            let result = world.admin(request);
            let expected = if expected { Ok(()) } else { Err(RequestError::NoFamily) };
            assert_eq!(result, expected, "MTU {mtu} {family:?}");
        }
    }
    let mut engine = neighbour::Engine::new(Config::default());
    let device = Device::ethernet("eth0", MAC).mtu(1000).address(prefix("2001:db8::1/64"));
    let refused = engine.add_device(neighbour::Instant::ZERO, device);
    let expected = AddressError::NoFamily(ip("2001:db8::1"));
    assert_eq!(refused, Err(DeviceError::InterfaceAddress(expected)));
    assert_eq!(engine.device_by_name("eth0"), None, "nothing half-made is left");
}

#[test]
fn ipv6_can_be_switched_off_and_on_nd_5_nl_13() {
    let mut world = World::new();
    world.set("ipv6/conf/eth0/disable_ipv6", "1");
    let request = world.request(peer(Family::Inet6), Some(PEER_MAC), S::STALE);
    assert_eq!(world.admin(request.clone()), Err(RequestError::NoFamily));
    let frame = frames::ns_multicast(peer(Family::Inet6), PEER_MAC, own(Family::Inet6));
    assert_eq!(world.frame(&frame), Err(DropReason::NoFamily));
    world.set("ipv6/conf/eth0/disable_ipv6", "0");
    assert_eq!(world.admin(request), Ok(()));
}

#[test]
fn addresses_no_host_may_have_are_refused() {
    let mut world = World::new();
    let (now, dev) = (world.now, world.dev());
    for (text, expected) in [
        ("0.0.0.0/0", AddressError::NotUnicast(ip("0.0.0.0"))),
        ("224.0.0.1/4", AddressError::NotUnicast(ip("224.0.0.1"))),
        ("255.255.255.255/32", AddressError::NotUnicast(ip("255.255.255.255"))),
        ("ff02::1/128", AddressError::NotUnicast(ip("ff02::1"))),
        ("::/128", AddressError::NotUnicast(ip("::"))),
        ("192.0.2.1/24", AddressError::Exists(ip("192.0.2.1"))),
    ] {
        let result = world.engine().add_address(now, dev, prefix(text), AddressOptions::default());
        assert_eq!(result, Err(expected), "{text}");
    }
    let absent = world.engine().remove_address(now, dev, ip("192.0.2.77"));
    assert_eq!(absent, Err(AddressError::Absent(ip("192.0.2.77"))));
    let twice = world.engine().add_device(now, ethernet("eth0", 9));
    assert_eq!(twice, Err(DeviceError::Exists("eth0".into())));
}

// Parameters.

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

/// The eviction switch of a family that the device does not have counts as on: entries left behind go (DEV-4).
#[test]
fn carrier_loss_evicts_the_proxies_of_a_family_the_device_has_lost_whatever_its_switch_says_dev_4() {
    for (attached, kept) in [(true, true), (false, false)] {
        let mut world = World::with(&[("ipv6/conf/ndisc_evict_nocarrier", "0")]);
        let (now, dev) = (world.now, world.dev());
        let proxy = ProxyEntry {
            address: ip("2001:db8::99"),
            device: Some(dev),
            flags: Flags::PROXY,
            protocol: 0,
            permanent: false,
        };
        world.engine().add_proxy(now, proxy).expect("a proxy entry");
        if !attached {
            world.engine().set_mtu(now, dev, 1279);
        }
        world.engine().set_carrier(now, dev, false);
        assert_eq!(world.hosts[0].engine.proxies().count(), usize::from(kept), "IPv6 there: {attached}");
    }
}

#[test]
fn a_device_that_loses_arp_and_its_carrier_at_once_keeps_nothing_in_either_order_dev_5() {
    let noarp = |w: &mut World| {
        let (now, dev) = (w.now, w.dev());
        w.engine().set_noarp(now, dev, true);
    };
    let carrier = |w: &mut World| {
        let (now, dev) = (w.now, w.dev());
        w.engine().set_carrier(now, dev, false);
    };
    let first = Populated::after(|w| {
        noarp(w);
        carrier(w);
    });
    let last = Populated::after(|w| {
        carrier(w);
        noarp(w);
    });
    assert_eq!((first, last), ([NONE, NONE], [NONE, NONE]), "PERMANENT ones go by the flag (DEV-2)");
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
