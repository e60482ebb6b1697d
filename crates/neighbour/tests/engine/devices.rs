//! What becomes of entries when devices and addresses change (section 8).

use std::net::IpAddr;

use crate::common::frames::{self, Seen};
use crate::common::{MAC, OTHER_MAC, PEER_MAC, World, ethernet, ip, nth, own, peer, prefix, secs};
use neighbour::{
    AddressError, AddressOptions, Config, CreateError, Device, DeviceError, DropReason, EventKind, Family,
    Flags, LlAddr, NewNeigh, NudState, ProxyEntry, Reason, RequestError, RouteType, Sent,
};

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
