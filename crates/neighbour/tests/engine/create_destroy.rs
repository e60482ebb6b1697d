//! Creation in Linux's order and with its results (CRE-*), the end of entries (DST-*), the constructors
//! (ARP-1 to ARP-9, ND-1, ND-2) and the operations that devices choose (DM-13 to DM-15).

use std::sync::{Arc, Mutex};

use crate::common::{
    BROADCAST, MAC, OTHER_MAC, PEER_MAC, World, ethernet, ip, lladdr, ms, nth, own, peer, prefix, secs,
};
use neighbour::{
    Config, CreateError, Device, DeviceHooks, DropReason, EventKind, Family, Flags, HeaderOps, HookError,
    Input, LinkKind, LlAddr, NeighbourInfo, NewNeigh, NewNeighbour, NudState, Parm, Reason, RequestError,
    RouteType, Sent,
};

use NudState as S;

/// What the hooks of a device were called for.
type Calls = Arc<Mutex<Vec<String>>>;

/// Hooks that write down their calls, and refuse where they are told to.
struct Watching {
    calls: Calls,
    refuse: Option<&'static str>,
}

impl Watching {
    fn call(&self, name: &'static str, what: &str) -> Result<(), HookError> {
        self.calls.lock().expect("one thread").push(format!("{name} {what}"));
        if self.refuse == Some(name) { Err(HookError(95)) } else { Ok(()) }
    }
}

impl DeviceHooks for Watching {
    fn setup_parms(&mut self, family: Family, preset: &mut Vec<(Parm, u32)>) -> Result<(), HookError> {
        preset.push((Parm::UcastSolicit, 9));
        self.call("setup_parms", family.sysctl_name())
    }
    fn construct(&mut self, neighbour: &NewNeighbour) -> Result<(), HookError> {
        self.call("construct", &neighbour.address.to_string())
    }
    fn setup(&mut self, neighbour: &NewNeighbour) -> Result<(), HookError> {
        self.call("setup", &neighbour.address.to_string())
    }
    fn destroy(&mut self, neighbour: &NewNeighbour) {
        let _ = self.call("destroy", &neighbour.address.to_string());
    }
}

/// A world whose device has hooks, and its calls. No IPv6 addresses, so that no groups come in between.
fn watched(refuse: Option<&'static str>) -> (World, Calls) {
    let calls = Calls::default();
    let hooks = Watching { calls: Arc::clone(&calls), refuse };
    let device = Device::ethernet("eth0", MAC).link_local(false).hooks(hooks);
    let device = if refuse == Some("setup_parms") { device } else { device.address(prefix("192.0.2.1/24")) };
    let world = World::build(Config::default(), &[], device);
    if refuse != Some("setup_parms") {
        calls.lock().expect("one thread").clear();
    }
    (world, calls)
}

fn calls(calls: &Calls) -> Vec<String> {
    std::mem::take(&mut calls.lock().expect("one thread"))
}

#[test]
fn hooks_are_called_in_order_and_in_pairs_cre_10_cre_11_dst_5() {
    let (mut world, seen) = watched(None);
    let address = peer(Family::Inet);
    let _ = world.send(address, 0);
    assert_eq!(calls(&seen), ["construct 192.0.2.2", "setup 192.0.2.2"]);
    assert_eq!(world.delete(address), Ok(()));
    assert_eq!(calls(&seen), ["destroy 192.0.2.2"]);
}

#[test]
fn a_hook_that_refuses_ends_the_creation_and_destroy_follows_cre_16() {
    for (refuse, expected) in [
        ("construct", vec!["construct 192.0.2.2", "destroy 192.0.2.2"]),
        ("setup", vec!["construct 192.0.2.2", "setup 192.0.2.2", "destroy 192.0.2.2"]),
    ] {
        let (mut world, seen) = watched(Some(refuse));
        let address = peer(Family::Inet);
        let before = world.stats(Family::Inet);
        let request = world.request(address, Some(PEER_MAC), S::STALE);
        let refused = RequestError::Create(CreateError::Hook(95));
        assert_eq!(world.admin(request), Err(refused), "{refuse}");
        assert_eq!(refused.errno(), 95);
        assert_eq!(calls(&seen), expected, "{refuse}");
        assert_eq!(world.info(address), None, "{refuse}");
        let after = world.stats(Family::Inet);
        assert_eq!(after.allocs, before.allocs + 1, "{refuse}: CRE-7");
        assert_eq!(after.destroys, before.destroys + 1, "{refuse}: CRE-16");
        assert_eq!(after.entries, before.entries, "{refuse}");
        assert_eq!(world.engine().gc_entries(Family::Inet), 0, "{refuse}");
        assert_eq!(world.send(address, 0), Sent::Refused(DropReason::NeighCreateFail), "{refuse}: CRE-19");
    }
}

#[test]
fn a_lost_creation_is_constructed_and_destroyed_and_gives_the_winner_cre_14_cre_18_lkp_4_foot_42() {
    // The literal key is not found, the constructor turns it into 0.0.0.0, which is there already.
    let seen = Calls::default();
    let hooks = Watching { calls: Arc::clone(&seen), refuse: None };
    let device = Device::loopback("lo").hooks(hooks);
    let mut world = World::build(Config::default(), &[], device);
    world.replace(ip("192.0.2.7"), [0; 6], S::NOARP);
    calls(&seen);
    let before = world.stats(Family::Inet);
    let request = world.request(ip("192.0.2.8"), Some([0; 6]), S::PERMANENT);
    let exclusive = NewNeigh { exclusive: true, flags: Flags::EXT_LEARNED, ..request.clone() };
    assert_eq!(world.admin(exclusive), Ok(()), "EXCL cannot see it (LKP-4)");
    assert_eq!(calls(&seen), ["construct 0.0.0.0", "setup 0.0.0.0", "destroy 0.0.0.0"]);
    assert_eq!(world.count(Family::Inet), 1);
    world.expect_state(ip("0.0.0.0"), S::PERMANENT);
    let after = world.stats(Family::Inet);
    assert_eq!((after.allocs, after.destroys), (before.allocs + 1, before.destroys + 1));
    assert_eq!(after.entries, before.entries);
    let zero = NewNeigh { address: ip("0.0.0.0"), exclusive: true, ..request };
    assert_eq!(world.admin(zero), Err(RequestError::Exists));
}

#[test]
fn setup_parms_is_called_once_for_each_set_and_may_preset_dm_20_dev_15() {
    let seen = Calls::default();
    let hooks = Watching { calls: Arc::clone(&seen), refuse: None };
    let world = World::build(Config::default(), &[], ethernet("eth0", 1).hooks(hooks));
    let setups: Vec<_> = calls(&seen).into_iter().filter(|call| call.starts_with("setup_parms")).collect();
    assert_eq!(setups, ["setup_parms ipv4", "setup_parms ipv6"]);
    assert_eq!(world.hosts[0].engine.get("ipv4/neigh/eth0/ucast_solicit"), Ok(9));
    assert_eq!(world.hosts[0].engine.get("ipv4/neigh/default/ucast_solicit"), Ok(3));
}

#[test]
fn a_device_that_refuses_its_parameters_stays_without_the_family_dm_20_cre_9() {
    let (mut world, _) = watched(Some("setup_parms"));
    for family in Family::BOTH {
        let (now, dev) = (world.now, world.dev());
        let held = world.engine().hold(now, dev, peer(family));
        assert_eq!(held.err(), Some(CreateError::NoFamily), "{family:?}");
        assert_eq!(CreateError::NoFamily.errno(), 22);
        let request = world.request(peer(family), Some(PEER_MAC), S::STALE);
        assert_eq!(world.admin(request), Err(RequestError::NoFamily), "{family:?}");
        assert_eq!(world.send(peer(family), 0), Sent::Refused(DropReason::NeighCreateFail));
    }
}

#[test]
fn a_new_entry_is_none_not_dead_used_now_and_confirmed_in_the_past_dm_5_cre_12() {
    for family in Family::BOTH {
        let mut world = World::new();
        let (now, dev) = (world.now, world.dev());
        let before = (world.stats(family), world.engine().gc_entries(family));
        let held = world.engine().hold(now, dev, peer(family)).expect("room");
        world.settle();
        assert!(!held.is_dead());
        let NeighbourInfo { state, lladdr, flags, probes, refcnt, used, confirmed, updated, queued, .. } =
            world.entry(peer(family));
        assert_eq!((state, lladdr, flags, probes, queued), (S::NONE, None, Flags::empty(), 0, 0));
        assert_eq!((used, updated), (secs(0), secs(0)), "{family:?}");
        assert_eq!(confirmed, secs(2 * 20), "{family:?}: now - 2 × base_reachable_time");
        assert_eq!(refcnt, 1, "{family:?}: the holder (DM-4)");
        let (stats, gc) = (world.stats(family), world.engine().gc_entries(family));
        assert_eq!((stats.allocs, stats.entries), (before.0.allocs + 1, before.0.entries + 1), "CRE-7");
        assert_eq!(gc, before.1 + 1, "CRE-2");
        drop(held);
        world.run_for(ms(4));
        assert_eq!(world.entry(peer(family)).refcnt, 0, "{family:?}");
    }
}

#[test]
fn creation_tells_userspace_nothing_cre_17_foot_28() {
    for family in Family::BOTH {
        let mut world = World::new();
        let _ = world.send(peer(family), 0);
        assert_eq!(world.notices(peer(family)), [], "{family:?}");
        let added = world.hosts[0].events.iter().any(|event| {
            matches!(&event.kind, EventKind::Added { neighbour, reason: Reason::Packet }
                if neighbour.address == peer(family))
        });
        assert!(added, "{family:?}: the engine's own event");
    }
}

#[test]
fn exempt_entries_do_not_count_cre_1_cre_5() {
    for family in Family::BOTH {
        let mut world = World::new();
        let before = world.engine().gc_entries(family);
        world.replace(nth(family, 20), PEER_MAC, S::PERMANENT);
        for (n, flags) in [(21, Flags::EXT_LEARNED), (22, Flags::EXT_VALIDATED)] {
            let request = world.request(nth(family, n), Some(PEER_MAC), S::STALE);
            assert_eq!(world.admin(NewNeigh { flags, ..request }), Ok(()), "{family:?} {flags:?}");
            assert_eq!(world.entry(nth(family, n)).flags, flags, "{family:?}");
        }
        assert_eq!(world.engine().gc_entries(family), before, "{family:?}");
        world.replace(nth(family, 23), PEER_MAC, S::NOARP);
        assert_eq!(world.engine().gc_entries(family), before + 1, "{family:?}: NOARP counts (GC-18)");
    }
}

#[test]
fn entries_made_by_the_engine_on_loopback_are_exempt_and_others_there_are_not_cre_1() {
    let mut world = World::build(Config::default(), &[], Device::loopback("lo"));
    let (now, dev) = (world.now, world.dev());
    let before = world.engine().gc_entries(Family::Inet6);
    let held = world.engine().hold(now, dev, ip("2001:db8::5")).expect("room");
    assert_eq!(world.engine().gc_entries(Family::Inet6), before);
    drop(held);
    let request = world.request(ip("2001:db8::6"), Some([0; 6]), S::NOARP);
    assert_eq!(world.admin(request), Ok(()));
    assert_eq!(world.engine().gc_entries(Family::Inet6), before + 1);
}

#[test]
fn the_ninth_entry_makes_the_hash_grow_from_eight_hsh_1_hsh_3_cre_13() {
    let mut world = World::new();
    let family = Family::Inet;
    assert_eq!(world.stats(family).entries, 0);
    for n in 1..=33u32 {
        world.replace(nth(family, n + 10), PEER_MAC, S::PERMANENT);
        let grows = match n {
            ..=8 => 0,
            9..=16 => 1,
            17..=32 => 2,
            _ => 3,
        };
        assert_eq!(world.stats(family).hash_grows, grows, "{n} entries");
    }
    for n in 1..=33 {
        assert_eq!(world.delete(nth(family, n + 10)), Ok(()));
    }
    world.replace(nth(family, 100), PEER_MAC, S::PERMANENT);
    assert_eq!(world.stats(family).hash_grows, 3, "it never shrinks (HSH-5)");
}

#[test]
fn dead_entries_that_are_held_count_for_growth_hsh_6_foot_41() {
    let mut world = World::new();
    let family = Family::Inet;
    let (now, dev) = (world.now, world.dev());
    let held: Vec<_> =
        (0..8).map(|n| world.engine().hold(now, dev, nth(family, 20 + n)).expect("room")).collect();
    world.engine().flush(now, family, Some(dev));
    world.settle();
    assert!(held.iter().all(neighbour::NeighbourRef::is_dead));
    assert_eq!((world.count(family), world.stats(family).entries), (0, 8));
    world.replace(nth(family, 60), PEER_MAC, S::PERMANENT);
    assert_eq!(world.stats(family).hash_grows, 1);
    drop(held);
    world.run_for(ms(4));
    assert_eq!((world.stats(family).entries, world.stats(family).destroys), (1, 8), "DST-5");
}

#[test]
fn a_held_entry_that_is_deleted_stays_as_failed_nl_28_dst_2() {
    for family in Family::BOTH {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(family, S::STALE);
        let (now, dev) = (world.now, world.dev());
        let held = world.engine().hold(now, dev, address).expect("it is there");
        assert_eq!(world.delete(address), Ok(()), "{family:?}");
        world.expect_state(address, S::FAILED);
        assert!(!held.is_dead(), "{family:?}");
        assert_eq!(world.notices(address), [(S::FAILED, false)], "{family:?}: no DEL");
        drop(held);
        assert_eq!(world.delete(address), Ok(()), "{family:?}");
        assert_eq!(world.info(address), None, "{family:?}");
    }
}

#[test]
fn a_flush_leaves_holders_a_harmless_object_dst_3_dst_4() {
    for family in Family::BOTH {
        for (from, to) in [(S::REACHABLE, S::NOARP), (S::STALE, S::NOARP), (S::INCOMPLETE, S::NONE)] {
            let row = format!("{family:?} {from}");
            let mut world = World::new();
            let address = world.init_neighbour_in_state(family, from);
            let (now, dev) = (world.now, world.dev());
            let held = world.engine().hold(now, dev, address).expect("it is there");
            world.engine().flush(now, family, Some(dev));
            world.settle();
            assert!(held.is_dead(), "{row}");
            assert_eq!(held.state(), to, "{row}");
            assert_eq!(world.info(address), None, "{row}");
            assert_eq!(world.notices(address), [(to, true)], "{row}: DEL shows what DST-3 wrote");
            assert_eq!(world.unreachable(), Vec::<u8>::new(), "{row}: no report (QUE-9)");
            if from == S::INCOMPLETE {
                assert_eq!(world.drops(DropReason::NeighFlushed), 1, "{row}");
            }
            // Nothing wakes it up again.
            world.run_for(secs(120));
            assert_eq!((held.state(), held.is_dead()), (to, true), "{row}");
            let destroys = world.stats(family).destroys;
            drop(held);
            world.run_for(ms(4));
            assert_eq!(world.stats(family).destroys, destroys + 1, "{row}: DST-5");
        }
    }
}

#[test]
fn a_dead_entry_without_an_address_drops_packets_dst_6_nud_3_out_8() {
    let mut world = World::new();
    let address = world.init_neighbour_in_state(Family::Inet, S::INCOMPLETE);
    let (now, dev) = (world.now, world.dev());
    let held = world.engine().hold(now, dev, address).expect("it is there");
    world.engine().flush(now, Family::Inet, Some(dev));
    let packet = crate::common::frames::packet(own(Family::Inet), address, 1);
    let sent = world.engine().send_by(now, &held, packet);
    assert_eq!(sent, Sent::Refused(DropReason::NeighDead));
    assert_eq!(world.tags(), Vec::<u8>::new());
}

#[test]
fn the_same_key_is_made_anew_beside_a_dead_entry_that_is_held() {
    let mut world = World::new();
    let address = world.init_neighbour_in_state(Family::Inet, S::REACHABLE);
    let (now, dev) = (world.now, world.dev());
    let held = world.engine().hold(now, dev, address).expect("it is there");
    world.engine().flush(now, Family::Inet, Some(dev));
    assert_eq!(world.send(address, 1), Sent::Queued);
    world.answer(address, OTHER_MAC);
    world.expect_state(address, S::REACHABLE);
    assert_eq!(world.entry(address).lladdr, lladdr(OTHER_MAC));
    assert!(held.is_dead());
    assert_eq!(held.get().lladdr(), lladdr(PEER_MAC), "the dead one keeps what it had");
}

// The constructors.

/// An entry of each kind of device, as `hold` makes it.
#[track_caller]
fn made(device: Device, address: &str) -> (World, NeighbourInfo) {
    let mut world = World::build(Config::default(), &[], device);
    let (now, dev, address) = (world.now, world.dev(), ip(address));
    let held = world.engine().hold(now, dev, address).unwrap_or_else(|e| panic!("{address}: {e}"));
    world.settle();
    drop(held);
    let key = world.engine().neighbours(Family::of(address)).find(|n| n.address == address);
    let zero = || world.info(ip("0.0.0.0"));
    let info = key.or_else(zero).expect("the entry is there");
    (world, info)
}

/// RFC rows A80, A81, A82, N110.
/// Also ARP-3.
#[test]
fn groups_and_broadcasts_need_no_resolution_on_ethernet_arp_6_nd_2() {
    for (address, class, mac) in [
        ("192.0.2.9", RouteType::Unicast, None),
        ("224.1.2.3", RouteType::Multicast, Some([1, 0, 0x5e, 1, 2, 3])),
        ("239.255.255.250", RouteType::Multicast, Some([1, 0, 0x5e, 0x7f, 0xff, 0xfa])),
        ("255.255.255.255", RouteType::Broadcast, Some(BROADCAST)),
        ("192.0.2.255", RouteType::Broadcast, Some(BROADCAST)),
        ("192.0.2.1", RouteType::Local, None),
        ("2001:db8::9", RouteType::Unicast, None),
        ("ff02::1:ff00:9", RouteType::Multicast, Some([0x33, 0x33, 0xff, 0, 0, 9])),
    ] {
        let (_, info) = made(ethernet("eth0", 1), address);
        assert_eq!(info.address, ip(address));
        assert_eq!(info.route_type, class, "{address}");
        let state = if mac.is_some() { S::NOARP } else { S::NONE };
        assert_eq!((info.state, info.lladdr), (state, mac.map(LlAddr::from)), "{address}");
    }
}

#[test]
fn loopback_and_point_to_point_have_one_entry_for_all_of_ipv4_arp_1_lkp_3_foot_39() {
    let (mut world, info) = made(Device::loopback("lo"), "127.0.0.9");
    assert_eq!((info.address, info.state), (ip("0.0.0.0"), S::NOARP));
    assert_eq!(info.lladdr, Some(LlAddr::zeros(6)), "its own address");
    let _ = world.send(ip("127.0.0.10"), 0);
    assert_eq!(world.count(Family::Inet), 1);

    let device = Device::point_to_point("ppp0").address(prefix("192.0.2.1/32"));
    let (mut world, info) = made(device, "198.51.100.9");
    assert_eq!((info.address, info.state, info.lladdr), (ip("0.0.0.0"), S::NOARP, None));
    assert_eq!(world.send(ip("198.51.100.10"), 7), Sent::Sent, "bare packets, at once (DM-14)");
    assert_eq!(world.host().frames.last().expect("it left").2[0], 0x45, "without a header");
    assert_eq!(world.count(Family::Inet), 1);
}

#[test]
fn ipv6_keys_stay_on_loopback_and_point_to_point_nd_2() {
    let (_, info) = made(Device::loopback("lo"), "2001:db8::9");
    assert_eq!((info.address, info.state), (ip("2001:db8::9"), S::NOARP));
    assert_eq!(info.route_type, RouteType::Local);
    let (_, info) = made(Device::point_to_point("ppp0"), "2001:db8::9");
    assert_eq!((info.address, info.state, info.lladdr), (ip("2001:db8::9"), S::NOARP, None));
}

#[test]
fn point_to_point_with_headers_takes_the_broadcast_address_arp_6_nd_2() {
    for address in ["192.0.2.9", "2001:db8::9"] {
        let (_, info) = made(ethernet("eth0", 1).set_point_to_point(true), address);
        assert_eq!((info.state, info.lladdr), (S::NOARP, lladdr(BROADCAST)), "{address}");
    }
}

#[test]
fn a_device_without_arp_takes_its_own_address_except_for_groups_arp_6_arp_7() {
    for (address, mac) in [
        ("192.0.2.9", MAC),
        ("192.0.2.255", MAC), // the flag beats broadcast
        ("224.0.0.5", [1, 0, 0x5e, 0, 0, 5]),
        ("2001:db8::9", MAC),
        ("ff02::5", [0x33, 0x33, 0, 0, 0, 5]),
    ] {
        let (_, info) = made(ethernet("eth0", 1).noarp(true), address);
        assert_eq!((info.state, info.lladdr), (S::NOARP, lladdr(mac)), "{address}");
    }
}

#[test]
fn infiniband_maps_groups_into_twenty_bytes_and_resolves_others_arp_11() {
    let mut broadcast = [0u8; 20];
    (broadcast[5], broadcast[8], broadcast[9]) = (0x12, 0x80, 0x03);
    let device = || {
        Device::infiniband("ib0", [7; 20], broadcast)
            .address(prefix("192.0.2.1/24"))
            .address(prefix("2001:db8::1/64"))
    };
    let (_, info) = made(device(), "224.1.2.3");
    let expected = "00:ff:ff:ff:ff:12:40:1b:80:03:00:00:00:00:00:00:00:01:02:03";
    assert_eq!(info.lladdr.map(|a| a.to_string()).as_deref(), Some(expected));
    let (_, info) = made(device(), "ff02::1:ff00:9");
    let expected = "00:ff:ff:ff:ff:12:60:1b:80:03:00:00:00:00:00:01:ff:00:00:09";
    assert_eq!(info.lladdr.map(|a| a.to_string()).as_deref(), Some(expected));
    for address in ["192.0.2.9", "2001:db8::9"] {
        let (_, info) = made(device(), address);
        assert_eq!((info.state, info.lladdr), (S::NONE, None), "{address}");
    }
}

#[test]
fn a_gre_tunnel_takes_its_remote_end_or_the_group_itself_arp_12() {
    let [local, none, remote] =
        ["192.0.2.1", "0.0.0.0", "198.51.100.7"].map(|a| crate::common::frames::v4(ip(a)));
    let bytes = |a: [u8; 4]| LlAddr::new(&a);
    let device = |remote| Device::gre("gre0", local, remote).address(prefix("10.9.0.1/24"));
    let (_, info) = made(device(none), "224.0.0.5");
    assert_eq!((info.state, info.lladdr), (S::NOARP, bytes([224, 0, 0, 5])));
    let (_, info) = made(device(remote), "224.0.0.5");
    assert_eq!((info.state, info.lladdr), (S::NOARP, bytes([198, 51, 100, 7])));
}

#[test]
fn addresses_of_up_to_32_bytes_are_kept_dm_3() {
    let [own, all, peer] = [1u8, 0xff, 9].map(|b| LlAddr::new(&[b; 32]).expect("32 bytes"));
    let device = Device::other("x0", LinkKind::Arcnet, own, all).address(prefix("192.0.2.1/24"));
    let mut world = World::build(Config::default(), &[], device);
    let request = NewNeigh { lladdr: Some(peer), ..world.request(ip("192.0.2.9"), None, S::STALE) };
    assert_eq!(world.admin(request), Ok(()));
    assert_eq!(world.entry(ip("192.0.2.9")).lladdr, Some(peer));
    assert_eq!(world.send(ip("192.0.2.9"), 3), Sent::Sent);
    assert!(world.host().frames.last().expect("it left").2.starts_with(&[9; 32]));
}

// The operations.

#[test]
fn a_device_without_header_caching_asks_the_machine_only_while_suspect_dm_13_dm_15() {
    // REACHABLE: "generic" leaves by connected output, which touches nothing (OUT-6); "hh" resolves once,
    // then has its header cached (OUT-3). Either way `used` stands still from the second packet on.
    for header in [HeaderOps::Build, HeaderOps::Cache] {
        let mut world = World::build(Config::default(), &[], ethernet("eth0", 1).header(header));
        let address = world.init_neighbour_in_state(Family::Inet, S::REACHABLE);
        assert_eq!(world.send(address, 1), Sent::Sent, "{header:?}");
        world.run_for(secs(2));
        let used = world.entry(address).used;
        assert_eq!(world.send(address, 2), Sent::Sent, "{header:?}");
        assert_eq!(world.entry(address).used, used, "{header:?}");
        assert!(used >= secs(2), "{header:?}");
        world.run_to_state(address, S::STALE, secs(60));
        assert_eq!(world.send(address, 3), Sent::Sent, "{header:?}");
        world.expect_state(address, S::DELAY);
    }
}

#[test]
fn permanent_and_use_on_a_device_without_header_caching_keeps_sending_nud_63() {
    for (header, expected) in [(HeaderOps::Build, Sent::Sent), (HeaderOps::Cache, Sent::Queued)] {
        let mut world = World::build(Config::default(), &[], ethernet("eth0", 1).header(header));
        let address = world.init_neighbour_in_state(Family::Inet, S::PERMANENT);
        let request = world.request(address, None, S::NONE);
        assert_eq!(world.admin(NewNeigh { flags: Flags::USE, ..request }), Ok(()));
        world.expect_state(address, S::INCOMPLETE);
        assert_eq!(world.send(address, 4), expected, "{header:?}");
    }
}

#[test]
fn frames_of_other_links_come_in_with_destination_and_type() {
    let device = Device::infiniband("ib0", [7; 20], [0xff; 20]).address(prefix("192.0.2.1/24"));
    let mut world = World::build(Config::default(), &[], device);
    let packet = crate::common::frames::packet(ip("192.0.2.9"), ip("192.0.2.1"), 1);
    let frame: Vec<u8> = [7u8; 20].into_iter().chain([8, 0, 0, 0]).chain(packet.clone()).collect();
    let (now, dev) = (world.now, world.dev());
    assert_eq!(world.engine().handle_frame(now, dev, &frame), Input::Ip(&packet));
}
