//! Proxy entries, proxy ARP and ND, and the queue of requests that wait (PXY-1 to PXY-22, ARP-34 to
//! ARP-38, ND-25 to ND-28; RFC 1027, RFC 4861 section 7.2.8).

use std::net::{IpAddr, Ipv6Addr};

use crate::common::frames::{self, ALL_NODES, Na, Seen, arp_request, ns, ns_multicast};
use crate::common::{MAC, OTHER_MAC, PEER_MAC, World, ip, lladdr, ms, secs};
use crate::support::{MAC_1, errors, fe80, packet, packets, pass, router, settled, take, v6};
use neighbour::{
    DeviceId, DropReason, Event, EventKind, Family, Flags, LlAddr, NudState, ProxyEntry, ProxyError,
};
use neighbour_wire::ipv6::solicited_node;

/// Behind eth1, where eth0's hosts do not see it.
const BEHIND: &str = "198.51.100.9";
const BEHIND_6: &str = "2001:db8:1::9";
/// Who asks.
const ASKER: &str = "192.0.2.2";
const ASKER_6: &str = "2001:db8::2";

fn entry(address: &str, device: Option<DeviceId>) -> ProxyEntry {
    ProxyEntry { address: ip(address), device, flags: Flags::PROXY, protocol: 0, permanent: false }
}

fn add(world: &mut World, entry: ProxyEntry) -> Result<(), ProxyError> {
    let now = world.now;
    let result = world.engine().add_proxy(now, entry);
    world.settle();
    result
}

fn proxies(world: &World) -> Vec<(IpAddr, Option<DeviceId>)> {
    world.hosts[0].engine.proxies().map(|p| (p.address, p.device)).collect()
}

/// ARP replies sent: by whom for which address, to whom.
fn replies(world: &World) -> Vec<IpAddr> {
    let reply = |(_, seen): &(_, Seen)| match seen {
        Seen::Arp { to, request: false, sender_hw, sender_ip, target_hw, target_ip } => {
            assert_eq!(*to, PEER_MAC, "by unicast to who asked (ARP-52)");
            assert_eq!(Some(*sender_hw), lladdr(MAC), "with our own address (RFC 1027 section 2.1)");
            assert_eq!((Some(*target_hw), IpAddr::V4(*target_ip)), (lladdr(PEER_MAC), ip(ASKER)));
            Some(IpAddr::V4(*sender_ip))
        }
        _ => None,
    };
    world.sent().iter().filter_map(reply).collect()
}

/// Advertisements sent, with their flags, destination and whether they carry our address.
fn adverts(world: &World) -> Vec<(Ipv6Addr, Ipv6Addr, String, bool)> {
    let advert = |seen| match seen {
        Seen::Advert { destination, target, flags, lladdr, .. } => Some((destination, target, flags, lladdr)),
        _ => None,
    };
    crate::support::seen_by(world, world.dev()).into_iter().filter_map(advert).collect()
}

/// The asker wants an IPv4 address; true if it is answered within a second.
fn answers(world: &mut World, target: &str) -> bool {
    world.forget();
    assert_eq!(world.frame(&arp_request(ip(ASKER), PEER_MAC, ip(target)).frame()), Ok(()));
    world.run_for(secs(1));
    let answered = replies(world);
    assert!(answered.is_empty() || answered == [ip(target)], "{answered:?}");
    !answered.is_empty()
}

/// The same by a solicitation to the target's group.
fn answers_6(world: &mut World, target: &str) -> bool {
    world.forget();
    let _ = world.frame(&ns_multicast(ip(ASKER_6), PEER_MAC, ip(target)));
    world.run_for(secs(1));
    !adverts(world).is_empty()
}

#[test]
fn a_lookup_for_a_device_finds_its_entry_or_one_for_all_but_none_finds_only_those_for_all_pxy_2_pxy_3() {
    let (mut world, eth1) = router(&[]);
    let eth0 = world.dev();
    assert_eq!(add(&mut world, entry(BEHIND, Some(eth1))), Ok(()));
    assert!(!answers(&mut world, BEHIND), "made for the other device");
    // A lookup with "no device" does not find eth1's entry, so a second one is made.
    assert_eq!(add(&mut world, entry(BEHIND, None)), Ok(()));
    assert_eq!(proxies(&world), [(ip(BEHIND), None), (ip(BEHIND), Some(eth1))], "the newest first");
    assert!(answers(&mut world, BEHIND), "made for all devices");
    // With one for all there, one for eth0 cannot be made: the lookup finds that for all.
    assert_eq!(add(&mut world, entry(BEHIND, Some(eth0))), Ok(()));
    assert_eq!(proxies(&world).len(), 2, "PXY-4");
}

#[test]
fn making_an_entry_again_replaces_flags_and_permanence_but_no_protocol_by_none_pxy_4_pxy_5() {
    let (mut world, eth1) = router(&[]);
    let first = ProxyEntry { protocol: 3, permanent: true, ..entry(BEHIND, None) };
    assert_eq!(add(&mut world, first), Ok(()));
    let second = ProxyEntry { flags: Flags::PROXY | Flags::ROUTER, ..entry(BEHIND, Some(eth1)) };
    assert_eq!(add(&mut world, second), Ok(()));
    let now: Vec<_> = world.hosts[0].engine.proxies().copied().collect();
    assert_eq!(now, [ProxyEntry { device: None, protocol: 3, permanent: false, ..second }]);
    assert_eq!(add(&mut world, ProxyEntry { protocol: 7, ..first }), Ok(()));
    assert_eq!(world.hosts[0].engine.proxies().map(|p| p.protocol).collect::<Vec<_>>(), [7]);
}

#[test]
fn deleting_needs_exactly_the_device_pxy_7_foot_40() {
    let (mut world, eth1) = router(&[]);
    let (now, eth0) = (world.now, world.dev());
    assert_eq!(add(&mut world, entry(BEHIND, Some(eth1))), Ok(()));
    for device in [None, Some(eth0)] {
        let gone = world.engine().del_proxy(now, ip(BEHIND), device);
        assert_eq!(gone, Err(ProxyError::NotFound), "{device:?}");
        assert_eq!(gone.unwrap_err().errno(), 2, "ENOENT");
    }
    assert_eq!(world.engine().del_proxy(now, ip(BEHIND), Some(eth1)), Ok(()));
    assert_eq!(world.engine().del_proxy(now, ip(BEHIND), Some(eth1)), Err(ProxyError::NotFound));
    assert_eq!(proxies(&world), []);
}

/// RFC row N96.
#[test]
fn an_ipv6_entry_needs_a_device_and_listens_to_the_group_of_its_address_pxy_6() {
    let (mut world, _) = router(&[]);
    let (now, eth0) = (world.now, world.dev());
    let without = add(&mut world, entry(BEHIND_6, None));
    assert_eq!(without, Err(ProxyError::NoDevice));
    assert_eq!(without.unwrap_err().errno(), 105, "ENOBUFS");
    assert_eq!(proxies(&world), []);

    let group = solicited_node(&v6(BEHIND_6));
    let listens = |world: &World| {
        world.hosts[0].engine.link_groups(eth0).contains(&LlAddr::from(frames::mac_of(group)))
    };
    assert!(!listens(&world));
    assert_eq!(add(&mut world, entry(BEHIND_6, Some(eth0))), Ok(()));
    assert!(listens(&world));
    let reported =
        |seen: &Seen| matches!(seen, Seen::Report { records, .. } if records.iter().any(|r| r.1 == group));
    assert!(world.take_sent().iter().any(reported), "a snooping switch must hear of it");
    // Changing it does not join twice: one delete leaves.
    assert_eq!(add(&mut world, entry(BEHIND_6, Some(eth0))), Ok(()));
    assert_eq!(world.engine().del_proxy(now, ip(BEHIND_6), Some(eth0)), Ok(()));
    assert!(!listens(&world), "PXY-7");

    world.set("ipv6/conf/eth0/disable_ipv6", "1");
    assert_eq!(add(&mut world, entry(BEHIND_6, Some(eth0))), Err(ProxyError::NoDevice));
}

#[test]
fn entries_are_announced_to_nobody_and_count_for_no_threshold_pxy_1_pxy_11_evt_11() {
    let (mut world, eth1) = router(&[]);
    let now = world.now;
    for n in 1..=200 {
        assert_eq!(add(&mut world, entry(&format!("203.0.113.{n}"), Some(eth1))), Ok(()));
    }
    assert_eq!(world.engine().del_proxy(now, ip("203.0.113.1"), Some(eth1)), Ok(()));
    world.settle();
    assert_eq!(world.hosts[0].events, []);
    assert_eq!((world.count(Family::Inet), world.hosts[0].engine.gc_entries(Family::Inet)), (0, 0));
}

/// A device event, by name.
#[derive(Clone, Copy, Debug)]
enum Change {
    Down,
    CarrierLost,
    CarrierLostNoEviction,
    Lladdr,
    Noarp,
    LastAddress,
    OneAddress,
    DisableIpv6,
    Removed,
}

fn apply(world: &mut World, change: Change) {
    let (now, eth0) = (world.now, world.dev());
    match change {
        Change::CarrierLostNoEviction => {
            world.set("ipv4/conf/eth0/arp_evict_nocarrier", "0");
            world.set("ipv6/conf/eth0/ndisc_evict_nocarrier", "0");
        }
        Change::DisableIpv6 => world.set("ipv6/conf/eth0/disable_ipv6", "1"),
        _ => {}
    }
    let engine = world.engine();
    match change {
        Change::Down => engine.set_link(now, eth0, false),
        Change::CarrierLost | Change::CarrierLostNoEviction => engine.set_carrier(now, eth0, false),
        Change::Lladdr => engine.set_lladdr(now, eth0, LlAddr::from(MAC_1)).expect("a MAC"),
        Change::Noarp => engine.set_noarp(now, eth0, true),
        Change::OneAddress => engine.remove_address(now, eth0, ip("192.0.2.1")).expect("ours"),
        Change::LastAddress => {
            engine.remove_address(now, eth0, ip("192.0.2.1")).expect("ours");
            engine.remove_address(now, eth0, ip("10.0.0.1")).expect("ours");
        }
        Change::Removed => assert!(engine.remove_device(now, eth0)),
        Change::DisableIpv6 => {}
    }
    world.settle();
}

#[test]
fn device_events_take_their_entries_and_leave_those_for_all_devices_pxy_8() {
    use Change::*;
    // What is left of: eth0's, eth0's made with NUD_PERMANENT, that for all, eth1's, eth0's of IPv6.
    for (change, left) in [
        (Down, [false, false, true, true, false]),
        (CarrierLost, [false, true, true, true, false]),
        (CarrierLostNoEviction, [true; 5]),
        (Lladdr, [true; 5]),
        (Noarp, [true; 5]),
        (LastAddress, [false, false, true, true, true]),
        (OneAddress, [true; 5]),
        (DisableIpv6, [true, true, true, true, false]),
        (Removed, [false, false, true, true, false]),
    ] {
        let (mut world, eth1) = router(&[]);
        let eth0 = Some(world.dev());
        let all = [
            entry("203.0.113.1", eth0),
            ProxyEntry { permanent: true, ..entry("203.0.113.2", eth0) },
            entry("203.0.113.3", None),
            entry("203.0.113.4", Some(eth1)),
            entry(BEHIND_6, eth0),
        ];
        all.iter().for_each(|e| assert_eq!(add(&mut world, *e), Ok(())));
        apply(&mut world, change);
        let there = all.map(|e| proxies(&world).contains(&(e.address, e.device)));
        assert_eq!(there, left, "{change:?}");
    }
}

/// RFC rows A40, A41, A43.
#[test]
fn proxy_arp_answers_for_what_lies_behind_another_device_arp_34_arp_35() {
    let (mut world, _) = router(&[("ipv4/conf/proxy_arp", "1")]);
    assert!(answers(&mut world, BEHIND));
    world.expect_state(ip(ASKER), NudState::STALE); // ARP-37: the sender is seen.
    assert_eq!(world.entry(ip(ASKER)).lladdr, lladdr(PEER_MAC));
    for (target, why) in [
        ("192.0.2.77", "its route leaves by the device of the request (RFC 1027 section 2.4)"),
        ("198.51.100.255", "a broadcast address (RFC 1027 section 2.3)"),
        ("203.0.113.1", "unreachable (RFC 1027 section 2.3)"),
    ] {
        assert!(!answers(&mut world, target), "{target}: {why}");
    }
    world.set("ipv4/conf/eth0/arp_ignore", "8");
    assert!(answers(&mut world, BEHIND), "arp_ignore is about own addresses");
    world.set("ipv4/conf/eth0/forwarding", "0");
    assert!(!answers(&mut world, BEHIND), "no router, no proxy");
    world.set("ipv4/conf/eth0/forwarding", "1");
    world.set("ipv4/conf/all/proxy_arp", "0");
    assert!(answers(&mut world, BEHIND), "the device's own switch is enough (SYS-11)");
    world.set("ipv4/conf/eth0/proxy_arp", "0");
    assert!(!answers(&mut world, BEHIND));
}

#[test]
fn nothing_is_answered_for_what_lies_behind_a_device_that_is_down_rfc_1027_2_3() {
    let (mut world, eth1) = router(&[("ipv4/conf/proxy_arp", "1")]);
    let now = world.now;
    world.engine().set_link(now, eth1, false);
    assert!(!answers(&mut world, BEHIND), "who believes it sends into nothing");
    world.engine().set_link(now, eth1, true);
    assert!(answers(&mut world, BEHIND));
}

/// RFC row A44.
#[test]
fn a_probe_is_never_answered_by_proxy_arp_31_foot_16() {
    let (mut world, _) = router(&[("ipv4/conf/proxy_arp", "1")]);
    assert_eq!(world.frame(&arp_request(ip("0.0.0.0"), PEER_MAC, ip(BEHIND)).frame()), Ok(()));
    world.run_for(secs(1));
    assert_eq!(world.sent(), []);
    assert_eq!(world.count(Family::Inet), 0);
}

#[test]
fn devices_of_one_medium_do_not_proxy_for_each_other_arp_35() {
    for (own, other, answered) in [
        (0, 0, true),
        (0, 5, true),
        (0, -1, true),
        (-1, 0, false),
        (5, 5, false),
        (5, 6, true),
        (5, -1, false),
    ] {
        let (mut world, _) = router(&[("ipv4/conf/proxy_arp", "1")]);
        world.set("ipv4/conf/eth0/medium_id", &own.to_string());
        world.set("ipv4/conf/eth1/medium_id", &other.to_string());
        assert_eq!(answers(&mut world, BEHIND), answered, "medium_id {own} and {other}");
    }
}

#[test]
fn a_private_vlan_is_answered_for_the_neighbours_of_its_own_device_arp_36() {
    let (mut world, _) = router(&[]);
    world.set("ipv4/conf/eth0/proxy_arp_pvlan", "1");
    assert!(answers(&mut world, "192.0.2.77"));
    assert!(!answers(&mut world, ASKER), "gratuitous: the owner asks for itself (RFC 5227)");
    assert!(!answers(&mut world, BEHIND), "another device is not what it is about");
}

#[test]
fn an_entry_answers_on_its_device_only_for_what_lies_behind_another_arp_34() {
    let (mut world, _) = router(&[]);
    let eth0 = Some(world.dev());
    assert_eq!(add(&mut world, entry(BEHIND, eth0)), Ok(()));
    assert_eq!(add(&mut world, entry("192.0.2.77", eth0)), Ok(()));
    assert!(answers(&mut world, BEHIND));
    assert!(!answers(&mut world, "198.51.100.10"), "no entry");
    assert!(!answers(&mut world, "192.0.2.77"), "behind the device of the request");
}

#[test]
fn a_full_table_keeps_no_proxy_from_answering_arp_37_foot_15() {
    let (mut world, _) = router(&[("ipv4/conf/proxy_arp", "1"), ("neigh/proxy_delay", "0")]);
    for n in 1..=3 {
        world.set(&format!("ipv4/gc_thresh{n}"), "1");
    }
    world.replace(ip("192.0.2.50"), OTHER_MAC, NudState::REACHABLE);
    assert!(answers(&mut world, BEHIND));
    assert_eq!(world.info(ip(ASKER)), None, "there is no room for the asker's entry");
    world.forget();
    let _ = world.frame(&arp_request(ip(ASKER), PEER_MAC, ip("192.0.2.1")).frame());
    assert_eq!(replies(&world), [] as [IpAddr; 0], "for an address of our own it is needed");
    assert!(world.stats(Family::Inet).table_fulls > 0);
}

/// RFC rows A45, N96.
#[test]
fn answers_are_spread_evenly_over_proxy_delay_pxy_14() {
    for family in Family::BOTH {
        let knobs = [
            ("ipv4/conf/proxy_arp", "1"),
            ("ipv6/conf/proxy_ndp", "1"),
            ("neigh/proxy_delay", "60"),
            ("neigh/proxy_qlen", "1000"),
        ];
        let (mut world, _) = router(&knobs);
        let eth0 = Some(world.dev());
        let request = match family {
            Family::Inet => arp_request(ip(ASKER), PEER_MAC, ip(BEHIND)).frame(),
            Family::Inet6 => ns_multicast(ip(ASKER_6), PEER_MAC, ip(BEHIND_6)),
        };
        assert_eq!(add(&mut world, entry(BEHIND_6, eth0)), Ok(()));
        world.run_for(secs(2)); // the group's reports
        world.forget();
        let asked = world.now;
        (0..500).for_each(|_| assert_eq!(world.frame(&request), Ok(())));
        assert_eq!(world.sent(), [], "nothing at once");
        world.run_for(secs(2));
        let mut late: Vec<_> = world.sent().iter().map(|(at, _)| *at - asked).collect();
        late.sort_unstable();
        assert_eq!(late.len(), 500, "{family:?}");
        assert!(late[499] < ms(600), "{family:?}: under proxy_delay, not {:?}", late[499]);
        for (n, quarter) in [(125, 150), (250, 300), (375, 450)] {
            let apart = late[n].abs_diff(ms(quarter));
            assert!(apart < ms(60), "{family:?}: {n} of 500 within {:?}", late[n]);
        }
    }
}

/// Also PXY-13.
#[test]
fn proxy_qlen_lets_one_more_wait_on_each_device_pxy_14_foot_32() {
    for (limit, waiting) in [(0, 1), (3, 4)] {
        let (mut world, eth1) = router(&[("ipv4/conf/proxy_arp", "1")]);
        world.set("neigh/proxy_qlen", &limit.to_string());
        let request = arp_request(ip(ASKER), PEER_MAC, ip(BEHIND)).frame();
        (0..10).for_each(|_| assert_eq!(world.frame(&request), Ok(())));
        assert_eq!(world.drops(DropReason::ProxyQueueFull), 10 - waiting, "proxy_qlen {limit}");
        // The other device counts for itself.
        let other = arp_request(ip("198.51.100.2"), PEER_MAC, ip("192.0.2.9")).frame();
        let _ = take(&mut world, eth1, &other);
        assert_eq!(world.drops(DropReason::ProxyQueueFull), 10 - waiting);
        let queued = |world: &World| Family::BOTH.map(|f| world.hosts[0].engine.table_info(f).proxy_queued);
        assert_eq!(queued(&world), [waiting as u32 + 1, 0], "TBL-3");
        world.run_for(secs(1));
        assert_eq!(queued(&world), [0, 0]);
        let on_eth0 = crate::support::seen_by(&world, world.dev()).len() as u64;
        assert_eq!(
            (on_eth0, crate::support::seen_by(&world, eth1).len()),
            (waiting, 1),
            "proxy_qlen {limit}"
        );
        // They make room when they are answered.
        assert!(answers(&mut world, BEHIND));
    }
}

#[test]
fn unicast_requests_and_those_without_delay_are_answered_at_once_pxy_19() {
    let (mut world, _) = router(&[("ipv4/conf/proxy_arp", "1"), ("ipv6/conf/proxy_ndp", "1")]);
    let eth0 = Some(world.dev());
    assert_eq!(add(&mut world, entry(BEHIND_6, eth0)), Ok(()));
    world.run_for(secs(2));
    world.forget();
    let broadcast = arp_request(ip(ASKER), PEER_MAC, ip(BEHIND));
    let unicast = frames::Arp { to: MAC, ..broadcast };
    assert_eq!(world.frame(&unicast.frame()), Ok(()));
    assert_eq!(replies(&world), [ip(BEHIND)], "ARP-37");
    assert_eq!(world.frame(&ns(v6(ASKER_6), v6(BEHIND_6), v6(BEHIND_6), Some(PEER_MAC), None)), Ok(()));
    assert_eq!(adverts(&world).len(), 1, "ND-26");
    world.forget();
    world.set("neigh/proxy_delay", "0");
    assert_eq!(world.frame(&broadcast.frame()), Ok(()));
    assert_eq!(world.frame(&ns_multicast(ip(ASKER_6), PEER_MAC, ip(BEHIND_6))), Ok(()));
    assert_eq!((replies(&world).len(), adverts(&world).len()), (1, 1));
}

#[test]
fn events_of_any_device_drop_what_waits_pxy_17() {
    // Whether requests on eth0 survive what happens to eth1, of IPv4 and of IPv6.
    for (change, answered) in [
        ("down and up", [0, 0]),
        ("carrier", [0, 0]),
        ("carrier without eviction", [1, 1]),
        ("hardware address", [1, 1]),
        ("IPv6 address", [1, 1]),
        ("IPv6 off", [1, 0]),
    ] {
        let (mut world, eth1) = router(&[("ipv6/conf/proxy_ndp", "1")]);
        let (now, eth0) = (world.now, Some(world.dev()));
        if change == "carrier without eviction" {
            world.set("ipv4/conf/eth1/arp_evict_nocarrier", "0");
            world.set("ipv6/conf/eth1/ndisc_evict_nocarrier", "0");
        }
        assert_eq!(add(&mut world, entry(BEHIND, eth0)), Ok(()));
        assert_eq!(add(&mut world, entry(BEHIND_6, eth0)), Ok(()));
        world.forget();
        assert_eq!(world.frame(&arp_request(ip(ASKER), PEER_MAC, ip(BEHIND)).frame()), Ok(()));
        assert_eq!(world.frame(&ns_multicast(ip(ASKER_6), PEER_MAC, ip(BEHIND_6))), Ok(()));
        let engine = world.engine();
        match change {
            "down and up" => {
                engine.set_link(now, eth1, false);
                engine.set_link(now, eth1, true);
            }
            "hardware address" => engine.set_lladdr(now, eth1, OTHER_MAC.into()).expect("a MAC"),
            "IPv6 address" => engine.remove_address(now, eth1, ip("2001:db8:1::1")).expect("eth1's"),
            "IPv6 off" => world.set("ipv6/conf/eth1/disable_ipv6", "1"),
            _ => engine.set_carrier(now, eth1, false),
        }
        world.run_for(secs(1));
        assert_eq!([replies(&world).len(), adverts(&world).len()], answered, "{change}");
    }
}

#[test]
fn a_request_that_waited_goes_through_all_checks_again_pxy_15_foot_33() {
    let forwarding_off = |world: &mut World| world.set("conf/eth0/forwarding", "0");
    let entry_gone = |world: &mut World| {
        let (now, eth0) = (world.now, world.dev());
        world.engine().del_proxy(now, ip(BEHIND), Some(eth0)).expect("there");
        world.engine().del_proxy(now, ip(BEHIND_6), Some(eth0)).expect("there");
    };
    let nothing = |_: &mut World| ();
    type Happens = fn(&mut World);
    for (name, change, answered) in [
        ("nothing", nothing as Happens, true),
        ("forwarding", forwarding_off, false),
        ("entry", entry_gone, false),
    ] {
        let (mut world, _) = router(&[("ipv6/conf/proxy_ndp", "1")]);
        let eth0 = Some(world.dev());
        assert_eq!(add(&mut world, entry(BEHIND, eth0)), Ok(()));
        assert_eq!(add(&mut world, entry(BEHIND_6, eth0)), Ok(()));
        world.forget();
        assert_eq!(world.frame(&arp_request(ip(ASKER), PEER_MAC, ip(BEHIND)).frame()), Ok(()));
        assert_eq!(world.frame(&ns_multicast(ip(ASKER_6), PEER_MAC, ip(BEHIND_6))), Ok(()));
        change(&mut world);
        world.run_for(secs(1));
        let seen = (!replies(&world).is_empty(), !adverts(&world).is_empty());
        assert_eq!(seen, (answered, answered), "{name} changed meanwhile");
    }
}

/// RFC rows D94, N85.
#[test]
fn proxy_ndp_answers_by_the_entry_s_router_flag_and_never_overrides_nd_25_to_nd_27_pxy_21() {
    for (flags, expected) in [(Flags::PROXY, "-S-"), (Flags::PROXY | Flags::ROUTER, "RS-")] {
        let (mut world, _) = router(&[]);
        let eth0 = Some(world.dev());
        // The device's switch alone is enough for multicast (PXY-21).
        world.set("ipv6/conf/eth0/proxy_ndp", "1");
        assert_eq!(add(&mut world, ProxyEntry { flags, ..entry(BEHIND_6, eth0) }), Ok(()));
        assert!(answers_6(&mut world, BEHIND_6));
        assert_eq!(adverts(&world), [(v6(ASKER_6), v6(BEHIND_6), expected.to_owned(), true)]);
        assert_eq!(world.entry(ip(ASKER_6)).lladdr, lladdr(PEER_MAC), "ND-31");
        assert_eq!(world.stats(Family::Inet6).rcv_probes_mcast, 1, "counted when it is answered (ND-29)");
    }
}

#[test]
fn proxy_ndp_needs_forwarding_its_switch_and_an_entry_of_the_device_nd_25() {
    for (forwarding, switch, on_eth0) in [("0", "1", true), ("1", "0", true), ("1", "1", false)] {
        let (mut world, eth1) = router(&[]);
        let device = if on_eth0 { world.dev() } else { eth1 };
        assert_eq!(add(&mut world, entry(BEHIND_6, Some(device))), Ok(()));
        world.set("ipv6/conf/eth0/forwarding", forwarding);
        world.set("ipv6/conf/proxy_ndp", switch);
        assert!(!answers_6(&mut world, BEHIND_6), "forwarding {forwarding}, proxy_ndp {switch}, {on_eth0}");
    }
}

#[test]
fn unicast_solicitations_for_a_proxied_address_are_taken_in_with_the_global_switch_only_pxy_20() {
    for (switch, answered) in [("ipv6/conf/eth0/proxy_ndp", 0), ("ipv6/conf/all/proxy_ndp", 1)] {
        let (mut world, eth1) = router(&[]);
        let eth0 = Some(world.dev());
        world.set(switch, "1");
        assert_eq!(add(&mut world, entry(BEHIND_6, eth0)), Ok(()));
        settled(&mut world, eth1, BEHIND_6, 9);
        let _ = world.frame(&ns(v6(ASKER_6), v6(BEHIND_6), v6(BEHIND_6), Some(PEER_MAC), None));
        assert_eq!(adverts(&world).len(), answered, "{switch}");
    }
}

#[test]
fn other_packets_to_a_proxied_address_are_forwarded_pxy_20() {
    let (mut world, eth1) = router(&[("ipv6/conf/proxy_ndp", "1")]);
    let eth0 = Some(world.dev());
    assert_eq!(add(&mut world, entry(BEHIND_6, eth0)), Ok(()));
    settled(&mut world, eth1, BEHIND_6, 9);
    let sent = packet(ASKER_6, BEHIND_6, 9, 20);
    let _ = pass(&mut world, &sent);
    assert_eq!(packets(&world, eth1), [(crate::support::mac(9), crate::support::one_hop_on(&sent))]);
}

#[test]
fn other_packets_to_a_proxied_link_local_address_are_told_unreachable_pxy_20() {
    let (mut world, _) = router(&[("ipv6/conf/proxy_ndp", "1")]);
    let eth0 = world.dev();
    assert_eq!(add(&mut world, entry("fe80::99", Some(eth0))), Ok(()));
    settled(&mut world, eth0, ASKER_6, 2);
    let sent = packet(ASKER_6, "fe80::99", 9, 20);
    assert!(pass(&mut world, &sent).is_err(), "it does not go on");
    let errors: Vec<_> = errors(&world, eth0).iter().map(|e| (e.kind, e.code)).collect();
    assert_eq!(errors, [(1, 3)], "a link failure: address unreachable");
}

#[test]
fn duplicate_detection_of_a_proxied_address_is_answered_late_to_all_without_o_pxy_22_nd_28() {
    let (mut world, _) = router(&[("ipv6/conf/proxy_ndp", "1")]);
    let eth0 = Some(world.dev());
    assert_eq!(add(&mut world, entry(BEHIND_6, eth0)), Ok(()));
    world.run_for(secs(2));
    world.forget();
    let check = ns(Ipv6Addr::UNSPECIFIED, solicited_node(&v6(BEHIND_6)), v6(BEHIND_6), None, Some([7; 6]));
    assert_eq!(world.frame(&check), Ok(()));
    assert_eq!(adverts(&world), [], "not at once");
    world.run_for(secs(1));
    assert_eq!(adverts(&world), [(ALL_NODES, v6(BEHIND_6), "---".to_owned(), true)]);
}

#[test]
fn our_own_answer_for_a_proxied_neighbour_teaches_us_nothing_nd_48() {
    let (mut world, _) = router(&[("ipv6/conf/proxy_ndp", "1")]);
    let target = ip("2001:db8::77");
    let eth0 = Some(world.dev());
    assert_eq!(add(&mut world, entry("2001:db8::77", eth0)), Ok(()));
    let _ = world.send(target, 1);
    world.answer(target, OTHER_MAC);
    world.expect_state(target, NudState::REACHABLE);
    let na = Na { overrides: true, source: fe80(7), ..frames::na(target, Some(MAC)) };
    let _ = world.frame(&na.frame());
    assert_eq!(world.entry(target).lladdr, lladdr(OTHER_MAC), "an answer with our own address is ours");
}

#[test]
fn no_entry_is_made_for_what_is_proxied() {
    let (mut world, _) = router(&[("ipv4/conf/proxy_arp", "1")]);
    assert!(answers(&mut world, BEHIND));
    let made = |event: &Event| match &event.kind {
        EventKind::Added { neighbour, .. } => Some(neighbour.address),
        _ => None,
    };
    let made: Vec<_> = world.hosts[0].events.iter().filter_map(made).collect();
    assert_eq!(made, [ip(ASKER)], "only for who asked");
}

#[test]
fn the_whole_flag_word_of_a_request_is_kept_dm_11() {
    for flags in [Flags::PROXY, Flags::PROXY | Flags::ROUTER, Flags::PROXY | Flags::EXT_LEARNED | Flags::USE]
    {
        let (mut world, eth1) = router(&[]);
        assert_eq!(add(&mut world, ProxyEntry { flags, ..entry(BEHIND, Some(eth1)) }), Ok(()));
        let kept: Vec<_> = world.hosts[0].engine.proxies().map(|p| p.flags).collect();
        assert_eq!(kept, [flags]);
    }
}

/// What distinguishes the tables: ARP has neither hook, ND joins a group for a proxied address and leaves it, and
/// takes no entry where IPv6 is off (DM-18).
#[test]
fn a_proxy_entry_joins_a_group_for_ipv6_alone_dm_18() {
    let (mut world, eth1) = router(&[]);
    let groups = |world: &World| world.hosts[0].engine.link_groups(eth1).len();
    let before = groups(&world);
    assert_eq!(add(&mut world, entry(BEHIND, Some(eth1))), Ok(()));
    assert_eq!(groups(&world), before, "ARP");
    assert_eq!(add(&mut world, entry("2001:db8::77", Some(eth1))), Ok(()));
    assert_eq!(groups(&world), before + 1, "ND: its constructor");
    let now = world.now;
    assert_eq!(world.engine().del_proxy(now, ip("2001:db8::77"), Some(eth1)), Ok(()));
    assert_eq!(groups(&world), before, "and its destructor");
    // allow_add.
    world.set("ipv6/conf/eth0/disable_ipv6", "1");
    let request = world.request(ip("2001:db8::5"), Some(PEER_MAC), NudState::STALE);
    assert_eq!(world.admin(request), Err(neighbour::RequestError::NoFamily));
    let request = world.request(ip("192.0.2.5"), Some(PEER_MAC), NudState::STALE);
    assert_eq!(world.admin(request), Ok(()));
}
