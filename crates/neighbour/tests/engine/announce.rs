//! What a host tells without being asked, and what routers tell it: gratuitous ARP, unsolicited
//! advertisements (ARP-55, ARP-56, ND-10, ND-12, ND-78, DEV-11), and redirects received (ND-66 to ND-68,
//! rows N123 to N125).

use std::net::{IpAddr, Ipv6Addr};

use crate::common::frames::{ALL_NODES, Na, Seen, na};
use crate::common::{BROADCAST, MAC, OTHER_MAC, World, ip, lladdr, prefix, secs};
use crate::support::{advertises, fe80, mac, redirect, redirect_frame, send_far, v4, v6};
use neighbour::{
    AddressOptions, AddressState, Config, Device, DropReason, Family, Flags, LlAddr, NudState, Route,
};
use neighbour_wire::ndisc::RedirectRepr;

const LINK_LOCAL: &str = "fe80::ff:fe00:1";
const FAR: &str = "2001:db8:ffff::1";

/// The addresses announced by ARP, each with the hardware address it was said to have.
fn arp_announced(world: &World) -> Vec<(IpAddr, LlAddr)> {
    let announced = |(_, seen): (_, Seen)| match seen {
        Seen::Arp { to, request, sender_hw, sender_ip, target_hw, target_ip } if sender_ip == target_ip => {
            assert!(request && to == BROADCAST, "a request to everybody (ARP-55)");
            assert!(target_hw.is_zero(), "target hardware address zero (ARP-55)");
            Some((IpAddr::V4(sender_ip), sender_hw))
        }
        _ => None,
    };
    world.sent().into_iter().filter_map(announced).collect()
}

/// The addresses announced by unsolicited advertisement, with their flags.
fn nd_announced(world: &World) -> Vec<(IpAddr, String)> {
    let announced = |(_, seen): (_, Seen)| match seen {
        Seen::Advert { to, source, destination, target, flags, lladdr } => {
            assert_eq!((to, destination), ([0x33, 0x33, 0, 0, 0, 1], ALL_NODES));
            assert_eq!(source, target, "from the address itself (ND-10)");
            assert!(lladdr, "with the option (ND-12)");
            Some((IpAddr::V6(target), flags))
        }
        _ => None,
    };
    world.sent().into_iter().filter_map(announced).collect()
}

const OWN_4: [&str; 2] = ["192.0.2.1", "10.0.0.1"];
const OWN_6: [&str; 2] = ["2001:db8::1", LINK_LOCAL];

#[test]
fn each_address_is_announced_when_the_device_comes_up_or_changes_its_address_arp_56_nd_12() {
    for (switch, four, six) in [
        ("", false, false),
        ("ipv4/conf/all/arp_notify", true, false),
        ("ipv4/conf/eth0/arp_notify", true, false),
        ("ipv6/conf/all/ndisc_notify", false, true),
        ("ipv6/conf/eth0/ndisc_notify", false, true),
    ] {
        let mut world = World::linux(&[]);
        if !switch.is_empty() {
            world.set(switch, "1");
        }
        let (now, dev) = (world.now, world.dev());
        let seen = |world: &mut World, hardware: [u8; 6]| {
            world.settle();
            let hardware = LlAddr::from(hardware);
            let expected_4 = OWN_4.map(|a| (ip(a), hardware)).to_vec();
            let expected_6 = OWN_6.map(|a| (ip(a), "--O".to_owned())).to_vec();
            assert_eq!(arp_announced(world), if four { expected_4 } else { vec![] }, "{switch}");
            assert_eq!(nd_announced(world), if six { expected_6 } else { vec![] }, "{switch}");
            world.forget();
        };
        world.engine().set_link(now, dev, false);
        world.forget();
        world.engine().set_link(now, dev, true);
        seen(&mut world, MAC);
        world.engine().set_lladdr(now, dev, OTHER_MAC.into()).expect("a MAC");
        seen(&mut world, OTHER_MAC);
    }
}

#[test]
fn nothing_is_announced_when_an_ipv4_address_is_added_arp_56() {
    let mut world = World::linux(&[("ipv4/conf/arp_notify", "1")]);
    world.add_address("203.0.113.7/24");
    world.run_for(secs(2));
    assert!(arp_announced(&world).is_empty());
}

#[test]
fn a_link_that_was_up_already_and_one_that_is_down_are_silent() {
    let mut world = World::linux(&[("ipv4/conf/arp_notify", "1"), ("ipv6/conf/ndisc_notify", "1")]);
    let (now, dev) = (world.now, world.dev());
    world.engine().set_link(now, dev, true);
    world.settle();
    assert!(arp_announced(&world).is_empty() && nd_announced(&world).is_empty(), "no change");
    world.engine().set_link(now, dev, false);
    world.forget();
    world.engine().set_lladdr(now, dev, OTHER_MAC.into()).expect("a MAC");
    world.settle();
    assert!(world.sent().is_empty());
}

#[test]
fn a_device_without_arp_announces_nothing_arp_19() {
    let mut world = World::linux(&[("ipv4/conf/arp_notify", "1")]);
    let (now, dev) = (world.now, world.dev());
    world.engine().set_noarp(now, dev, true);
    world.engine().set_link(now, dev, false);
    world.engine().set_link(now, dev, true);
    world.settle();
    assert!(arp_announced(&world).is_empty());
}

#[test]
fn a_router_says_so_and_an_optimistic_address_overrides_nobody_nd_12() {
    let mut world = World::linux(&[("ipv6/conf/ndisc_notify", "1"), ("ipv6/conf/forwarding", "1")]);
    world.set("ipv6/conf/eth0/accept_dad", "1");
    let (now, dev) = (world.now, world.dev());
    let optimistic = AddressOptions { optimistic: true, ..AddressOptions::default() };
    world.engine().add_address(now, dev, prefix("2001:db8::77/64"), optimistic).expect("new");
    world.add_address("2001:db8::78/64");
    world.forget();
    world.engine().set_link(now, dev, false);
    world.engine().set_link(now, dev, true);
    world.settle();
    let mut announced = nd_announced(&world);
    announced.sort();
    let mut expected: Vec<_> = OWN_6.map(|a| (ip(a), "R-O".to_owned())).to_vec();
    expected.push((ip("2001:db8::77"), "R--".to_owned()));
    expected.sort();
    assert_eq!(announced, expected, "the tentative one is not told of (DEV-11)");
}

#[test]
fn an_address_is_announced_when_its_check_is_over_unless_it_was_in_use_before_nd_78() {
    for (optimistic, notify, expected) in [(false, "1", true), (true, "1", false), (false, "0", false)] {
        let device = Device::ethernet("eth0", MAC).link_local(false).address(prefix("192.0.2.1/24"));
        let knobs = [("ipv6/conf/default/accept_dad", "1"), ("ipv6/conf/ndisc_notify", notify)];
        let mut world = World::build(Config::default().seed(9), &knobs, device);
        let (now, dev) = (world.now, world.dev());
        let options = AddressOptions { optimistic, ..AddressOptions::default() };
        world.engine().add_address(now, dev, prefix("2001:db8::77/64"), options).expect("new");
        world.run_for(secs(1));
        assert!(nd_announced(&world).is_empty(), "not while it is tentative");
        world.run_for(secs(3));
        let state = world.hosts[0].engine.addresses(dev).find(|a| a.address() == ip("2001:db8::77"));
        assert_eq!(state.map(|a| a.state), Some(AddressState::Assigned));
        let announced = nd_announced(&world);
        let all = [(ip("2001:db8::77"), "--O".to_owned())];
        assert_eq!(announced, if expected { all.to_vec() } else { vec![] }, "{optimistic} {notify}");
    }
}

#[test]
fn a_caller_may_announce_an_address_itself_arp_55_nd_12() {
    let mut world = World::linux(&[]);
    let dev = world.dev();
    world.engine().announce_v4(dev, v4("192.0.2.1"));
    world.engine().announce_v6(dev, v6("2001:db8::1"));
    world.settle();
    assert_eq!(arp_announced(&world), [(ip("192.0.2.1"), MAC.into())]);
    assert_eq!(nd_announced(&world), [(ip("2001:db8::1"), "--O".to_owned())]);
    assert_eq!(world.sent().len(), 2);
}

/// RFC row A64.
#[test]
fn peers_learn_from_our_announcements_where_we_are() {
    let mut world = World::pair(&[("ipv4/conf/arp_notify", "1"), ("ipv6/conf/ndisc_notify", "1")]);
    for family in Family::BOTH {
        let _ = world.send(crate::common::peer(family), 1);
    }
    world.run_for(secs(10));
    let (now, dev) = (world.now, world.dev());
    world.engine().set_lladdr(now, dev, OTHER_MAC.into()).expect("a MAC");
    world.settle();
    let other = &world.hosts[1];
    for family in Family::BOTH {
        let known = other.engine.neighbour(other.dev, crate::common::own(family)).expect("it answered us");
        assert_eq!(known.lladdr, lladdr(OTHER_MAC), "{family:?}");
    }
}

/// A host with router 10 at `fe80::a`, by which far destinations go.
fn host(knobs: &[(&str, &str)]) -> World {
    let quiet = [("ipv6/conf/router_solicitations", "0"), ("neigh/retrans_time_ms", "200")];
    let mut world = World::linux(&[&quiet, knobs].concat());
    advertises(&mut world, 10, 9000);
    world.forget();
    world
}

/// RFC row N123.
#[test]
fn a_redirect_to_another_router_moves_its_destination_alone_nd_67() {
    let mut world = host(&[]);
    assert_eq!(send_far(&mut world, FAR).1, Some(mac(10)));
    world.run_for(secs(1));
    let told = redirect(fe80(10), fe80(11), v6(FAR), Some(mac(11)));
    assert_eq!(world.frame(&told), Ok(()));
    let target = world.entry(fe80(11).into());
    assert_eq!((target.state, target.lladdr), (NudState::STALE, lladdr(mac(11))), "N124");
    assert!(target.flags.contains(Flags::ROUTER), "target is not the destination: a router (N125)");
    assert!(world.entry(fe80(10).into()).confirmed < secs(1), "its router is alive: it spoke");
    assert_eq!(send_far(&mut world, FAR).1, Some(mac(11)));
    assert_eq!(send_far(&mut world, "2001:db8:ffff::2").1, Some(mac(10)), "others go as before (N122)");
}

/// RFC row N15.
#[test]
fn a_redirect_to_the_destination_itself_says_that_it_is_on_the_link_n125() {
    let mut world = host(&[]);
    assert_eq!(world.frame(&redirect(fe80(10), v6(FAR), v6(FAR), Some(mac(77)))), Ok(()));
    let target = world.entry(ip(FAR));
    assert_eq!((target.state, target.lladdr), (NudState::STALE, lladdr(mac(77))));
    assert!(!target.flags.contains(Flags::ROUTER), "a host, for all we know");
    assert_eq!(send_far(&mut world, FAR).1, Some(mac(77)));
}

#[test]
fn a_redirect_without_the_target_s_address_makes_us_ask_for_it_nd_67() {
    let mut world = host(&[]);
    assert_eq!(world.frame(&redirect(fe80(10), fe80(11), v6(FAR), None)), Ok(()));
    world.expect_state(fe80(11).into(), NudState::NONE);
    let _ = send_far(&mut world, FAR);
    assert_eq!(world.solicitations(fe80(11).into()).len(), 1);
    let answer = Na { overrides: true, router: true, ..na(fe80(11).into(), Some(mac(11))) };
    world.forget();
    assert_eq!(world.frame(&answer.frame()), Ok(()));
    assert_eq!(crate::support::packets(&world, world.dev()).len(), 1, "what waited goes to the new router");
}

#[test]
fn a_target_that_is_known_is_moved_or_left_as_n124_says() {
    for (known, said, state, at) in [
        (NudState::REACHABLE, Some(mac(11)), NudState::REACHABLE, mac(11)),
        (NudState::REACHABLE, Some(mac(12)), NudState::STALE, mac(12)),
        (NudState::REACHABLE, None, NudState::REACHABLE, mac(11)),
        (NudState::PERMANENT, Some(mac(12)), NudState::PERMANENT, mac(11)),
    ] {
        let mut world = host(&[]);
        world.replace(fe80(11).into(), mac(11), known);
        assert_eq!(world.frame(&redirect(fe80(10), fe80(11), v6(FAR), said)), Ok(()));
        let target = world.entry(fe80(11).into());
        assert_eq!((target.state, target.lladdr), (state, lladdr(at)), "{known} and {said:?}");
    }
}

#[test]
fn a_redirect_without_the_packet_is_about_its_destination_field_nd_68() {
    let mut world = host(&[]);
    let told = RedirectRepr {
        target: fe80(11),
        destination: v6(FAR),
        target_lladdr: lladdr(mac(11)),
        pad: 0,
        redirected: &[],
    };
    assert_eq!(world.frame(&redirect_frame(fe80(10), &told)), Ok(()));
    assert_eq!(send_far(&mut world, FAR).1, Some(mac(11)));
}

/// RFC rows N11, N13, N14.
#[test]
fn a_redirect_that_its_rules_forbid_changes_nothing_nd_66() {
    let far = v6(FAR);
    for (why, frame, knob) in [
        ("not from the first hop", redirect(fe80(12), fe80(11), far, Some(mac(11))), None),
        ("source not link-local", redirect(v6("2001:db8::10"), fe80(11), far, Some(mac(11))), None),
        ("a global target", redirect(fe80(10), v6("2001:db8::11"), far, Some(mac(11))), None),
        ("a multicast target", redirect(fe80(10), v6("ff02::2"), far, Some(mac(11))), None),
        ("a multicast destination", redirect(fe80(10), fe80(11), v6("ff0e::1"), Some(mac(11))), None),
        (
            "accept_redirects",
            redirect(fe80(10), fe80(11), far, Some(mac(11))),
            Some(("accept_redirects", "0")),
        ),
        ("forwarding", redirect(fe80(10), fe80(11), far, Some(mac(11))), Some(("forwarding", "1"))),
    ] {
        let mut world = host(&[]);
        if let Some((name, value)) = knob {
            world.set(&format!("ipv6/conf/eth0/{name}"), value);
        }
        let before = world.count(Family::Inet6);
        assert!(world.frame(&frame).is_err(), "{why}");
        assert_eq!(world.count(Family::Inet6), before, "{why}: no entry");
        assert_eq!(send_far(&mut world, FAR).1, Some(mac(10)), "{why}");
    }
    // A wrong hop limit: it came from beyond the link.
    let mut world = host(&[]);
    let mut frame = redirect(fe80(10), fe80(11), far, Some(mac(11)));
    frame[14 + 7] = 254;
    assert_eq!(world.frame(&frame), Err(DropReason::NdHopLimit));
    for len in 14..frame.len() - 1 {
        frame[14 + 7] = 255;
        assert!(world.frame(&frame[..len]).is_err(), "{len} bytes");
    }
}

#[test]
fn the_redirected_router_may_redirect_again_and_the_old_one_may_not_nd_66() {
    let mut world = host(&[]);
    assert_eq!(world.frame(&redirect(fe80(10), fe80(11), v6(FAR), Some(mac(11)))), Ok(()));
    let again = redirect(fe80(10), fe80(12), v6(FAR), Some(mac(12)));
    assert_eq!(world.frame(&again), Err(DropReason::NdBadRedirect), "no longer the first hop");
    assert_eq!(world.frame(&redirect(fe80(11), fe80(12), v6(FAR), Some(mac(12)))), Ok(()));
    assert_eq!(send_far(&mut world, FAR).1, Some(mac(12)));
}

#[test]
fn a_router_may_redirect_only_what_goes_by_it_whatever_packet_it_returns_n12() {
    // The packet returned went by router 10, but the destination named does not.
    let returned = crate::support::packet("2001:db8::1", FAR, 64, 8);
    for destination in ["2001:db8:aaaa::1", "2001:db8::77"] {
        let mut world = host(&[]);
        let device = world.dev();
        let via = Some(IpAddr::V6(fe80(20)));
        let route = Route { prefix: prefix("2001:db8:aaaa::/48"), via, device };
        assert_eq!(world.engine().add_route(route), Ok(()));
        world.replace(fe80(20).into(), mac(20), NudState::PERMANENT);
        world.replace(ip("2001:db8::77"), mac(77), NudState::PERMANENT);
        let before = send_far(&mut world, destination).1;
        assert!([Some(mac(20)), Some(mac(77))].contains(&before));
        let told = RedirectRepr {
            target: fe80(11),
            destination: v6(destination),
            target_lladdr: lladdr(mac(11)),
            pad: 0,
            redirected: &returned,
        };
        let _ = world.frame(&redirect_frame(fe80(10), &told));
        assert_eq!(send_far(&mut world, destination).1, before, "{destination} was never its to move");
    }
}

#[test]
fn a_redirect_to_a_router_that_fails_is_forgotten_rfc_4861_7_3_3() {
    let mut world = host(&[]);
    world.replace(fe80(10).into(), mac(10), NudState::PERMANENT);
    assert_eq!(world.frame(&redirect(fe80(10), fe80(11), v6(FAR), Some(mac(11)))), Ok(()));
    let _ = send_far(&mut world, FAR);
    world.run_to_state(fe80(11).into(), NudState::FAILED, secs(60));
    assert_eq!(send_far(&mut world, FAR).1, Some(mac(10)), "the next hop is chosen anew");
}

#[test]
fn redirects_end_with_the_router_they_lead_to_and_with_the_device_n60() {
    let mut world = host(&[]);
    advertises(&mut world, 11, 1000);
    world.replace(fe80(10).into(), mac(10), NudState::PERMANENT);
    assert_eq!(world.frame(&redirect(fe80(10), fe80(11), v6(FAR), Some(mac(11)))), Ok(()));
    assert_eq!(send_far(&mut world, FAR).1, Some(mac(11)));
    advertises(&mut world, 11, 0);
    assert_eq!(send_far(&mut world, FAR).1, Some(mac(10)), "it is no router any more");
    assert_eq!(world.frame(&redirect(fe80(10), fe80(11), v6(FAR), Some(mac(11)))), Ok(()));
    let (now, dev) = (world.now, world.dev());
    world.engine().set_link(now, dev, false);
    world.engine().set_link(now, dev, true);
    advertises(&mut world, 10, 1000);
    assert_eq!(send_far(&mut world, FAR).1, Some(mac(10)), "the link was away");
}

#[test]
fn redirects_fill_no_memory_the_oldest_goes_first() {
    let config = Config { max_redirects: 4, ..Config::default().seed(2) };
    let knobs = [("ipv6/conf/router_solicitations", "0")];
    let mut world = World::build(config, &knobs, crate::common::ethernet("eth0", 1));
    advertises(&mut world, 10, 9000);
    let far = |n: u16| Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, n);
    for n in 1..=5 {
        assert_eq!(world.frame(&redirect(fe80(10), fe80(11), far(n), Some(mac(11)))), Ok(()));
    }
    let goes: Vec<_> = (1..=5).map(|n| send_far(&mut world, &far(n).to_string()).1).collect();
    assert_eq!(goes, [mac(10), mac(11), mac(11), mac(11), mac(11)].map(Some));
}

#[test]
fn a_redirect_by_a_static_gateway_is_taken_too() {
    let mut world = World::linux(&[("ipv6/conf/router_solicitations", "0")]);
    let device = world.dev();
    let via = Some(IpAddr::V6(fe80(10)));
    let route = Route { prefix: prefix("2001:db8:ffff::/48"), via, device };
    assert_eq!(world.engine().add_route(route), Ok(()));
    assert_eq!(world.frame(&redirect(fe80(10), fe80(11), v6(FAR), Some(mac(11)))), Ok(()));
    assert_eq!(send_far(&mut world, FAR).1, Some(mac(11)));
}
