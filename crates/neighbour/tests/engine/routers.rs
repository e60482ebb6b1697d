//! A host's routers: which ones it keeps, which one it uses, what their prefixes make of the link and of
//! its own addresses, and how it asks for them (RFC 4861 section 6.3, RFC 4191, RFC 4862 section 5.5.3,
//! RFC 7559, NUD-46, NUD-47, ND-50, ND-57; rows N50 to N64 and D60 to D62 of the RFC matrix).

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::common::frames::{self, Na};
use crate::common::{MAC, World, ip, ms, prefix, secs};
use crate::support::{
    advertises, advertises_prefix, errors, fe80, mac, packet, pass, ra, send_far, settled, v6,
};
use neighbour::{
    AddressState, Config, Device, Event, EventKind, Family, Flags, Instant, InterfaceAddress, NudState, Sent,
};
use neighbour_wire::ndisc::{PrefixInfo, RouterAdvertRepr};
use neighbour_wire::{ethernet, ipv6};

const FAR: &str = "2001:db8:ffff::1";
const NEW: &str = "2001:db8:7::";
/// The address that autoconfiguration makes of [`NEW`] and [`MAC`].
const MADE: &str = "2001:db8:7::ff:fe00:1";

/// A host that asks for no routers, with short timers.
fn host(knobs: &[(&str, &str)]) -> World {
    let quiet = [("ipv6/conf/router_solicitations", "0"), ("neigh/retrans_time_ms", "200")];
    World::linux(&[&quiet, knobs].concat())
}

fn routers(world: &World) -> Vec<Ipv6Addr> {
    world.hosts[0].engine.routers().iter().map(|r| r.address).collect()
}

fn info(prefix: &str, valid_s: u32, preferred_s: u32) -> PrefixInfo {
    PrefixInfo { prefix_len: 64, on_link: true, autonomous: true, valid_s, preferred_s, prefix: v6(prefix) }
}

fn address(world: &World, address: &str) -> Option<InterfaceAddress> {
    let host = &world.hosts[0];
    host.engine.addresses(host.dev).find(|a| a.address() == ip(address)).cloned()
}

/// Where a packet to a far destination goes now.
fn goes_to(world: &mut World) -> Option<[u8; 6]> {
    send_far(world, FAR).1
}

/// Router `n` answers our solicitations from now on no more: its entry becomes FAILED.
fn fails(world: &mut World, n: u8) {
    let address = IpAddr::V6(fe80(u16::from(n)));
    world.run_while(secs(600), |w| w.info(address).is_some_and(|e| e.state != NudState::FAILED));
    world.expect_state(address, NudState::FAILED);
}

#[test]
fn a_router_is_one_for_its_lifetime_and_each_advertisement_begins_it_anew_n50_n51_n60() {
    let mut world = host(&[]);
    advertises(&mut world, 10, 100);
    assert_eq!(goes_to(&mut world), Some(mac(10)));
    world.run_for(secs(90));
    advertises(&mut world, 10, 100);
    world.run_for(secs(99));
    assert_eq!(routers(&world), [fe80(10)]);
    world.run_for(secs(2));
    assert!(routers(&world).is_empty());
    assert!(matches!(send_far(&mut world, FAR).0, Sent::Refused(neighbour::DropReason::NoRoute)));
}

#[test]
fn a_lifetime_of_zero_ends_it_at_once_and_leaves_the_neighbour_n51() {
    let mut world = host(&[]);
    advertises(&mut world, 10, 1800);
    advertises(&mut world, 11, 1800);
    advertises(&mut world, 10, 0);
    assert_eq!(routers(&world), [fe80(11)]);
    assert_eq!(goes_to(&mut world), Some(mac(11)));
    assert!(world.entry(fe80(10).into()).flags.contains(Flags::ROUTER), "still a router (ND-63)");
}

#[test]
fn what_a_host_need_not_believe_makes_no_router_nd_55_nd_57() {
    for (name, value, lifetime, taken) in [
        ("ipv6/conf/accept_ra", "0", 1800, false),
        ("ipv6/conf/accept_ra", "1", 1800, true),
        ("ipv6/conf/accept_ra_defrtr", "0", 1800, false),
        ("ipv6/conf/accept_ra_min_lft", "100", 99, false),
        ("ipv6/conf/accept_ra_min_lft", "100", 100, true),
        ("ipv6/conf/forwarding", "1", 1800, false),
    ] {
        let mut world = host(&[(name, value)]);
        advertises(&mut world, 10, lifetime);
        assert_eq!(!routers(&world).is_empty(), taken, "{name} = {value}, lifetime {lifetime}");
        assert!(world.info(fe80(10).into()).is_some(), "the neighbour is known in any case (ND-62)");
    }
    let mut world = host(&[("ipv6/conf/accept_ra_min_lft", "100")]);
    advertises(&mut world, 10, 1800);
    advertises(&mut world, 10, 0);
    assert!(routers(&world).is_empty(), "an end is always believed");
    let global = ra(v6("2001:db8::10"), &RouterAdvertRepr { lifetime_s: 1800, ..Default::default() });
    assert_eq!(world.frame(&global), Err(neighbour::DropReason::NdSourceNotLinkLocal));
    let ours = ra(v6("fe80::ff:fe00:1"), &RouterAdvertRepr { lifetime_s: 1800, ..Default::default() });
    let _ = world.frame(&ours);
    assert!(routers(&world).is_empty(), "our own words");
}

#[test]
fn the_higher_preference_is_used_and_the_reserved_one_is_medium_rfc_4191() {
    let advert = |n: u8, preference| {
        let source_lladdr = Some(mac(n).into());
        ra(
            fe80(u16::from(n)),
            &RouterAdvertRepr { lifetime_s: 900, preference, source_lladdr, ..Default::default() },
        )
    };
    let mut world = host(&[]);
    for (n, preference, best) in
        [(10, 0b11, 10), (11, 0b10, 11), (12, 0b00, 11), (13, 0b01, 13), (14, 0b01, 13)]
    {
        assert_eq!(world.frame(&advert(n, preference)), Ok(()));
        assert_eq!(goes_to(&mut world), Some(mac(best)), "after router {n}");
    }
    let ranks: Vec<_> = world.hosts[0].engine.routers().iter().map(|r| (r.address, r.preference)).collect();
    assert_eq!(ranks[0], (fe80(13), 1));
    assert_eq!(ranks[4], (fe80(10), -1));
    assert_eq!(ranks.iter().filter(|r| r.1 == 0).count(), 2);
    // A router may change its mind.
    assert_eq!(world.frame(&advert(13, 0b11)), Ok(()));
    assert_eq!(goes_to(&mut world), Some(mac(14)));
}

/// RFC row D52.
#[test]
fn a_router_that_failed_is_passed_over_whatever_its_preference_n61() {
    let mut world = host(&[]);
    let high = RouterAdvertRepr {
        lifetime_s: 9000,
        preference: 0b01,
        source_lladdr: Some(mac(10).into()),
        ..Default::default()
    };
    assert_eq!(world.frame(&ra(fe80(10), &high)), Ok(()));
    advertises(&mut world, 11, 9000);
    assert_eq!(goes_to(&mut world), Some(mac(10)));
    fails(&mut world, 10);
    assert_eq!(goes_to(&mut world), Some(mac(11)));
    assert_eq!(routers(&world), [fe80(11), fe80(10)], "the failed one last");
    // It is back: it advertises itself, with its address.
    assert_eq!(world.frame(&ra(fe80(10), &high)), Ok(()));
    assert_eq!(goes_to(&mut world), Some(mac(10)));
}

#[test]
fn if_all_have_failed_each_is_tried_in_turn_n61() {
    let mut world = host(&[("ipv6/conf/router_probe_interval", "100000")]);
    for n in 10..13 {
        advertises(&mut world, n, 9000);
    }
    for n in 10..13 {
        assert_eq!(goes_to(&mut world), Some(mac(n)));
        fails(&mut world, n);
    }
    let mut asked = Vec::new();
    for _ in 0..6 {
        world.forget();
        let _ = send_far(&mut world, FAR);
        asked.extend((10..13).filter(|n| !world.solicitations(fe80(*n).into()).is_empty()));
        world.run_for(secs(1));
    }
    assert_eq!(asked.len(), 6, "one at a time: {asked:?}");
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked, [10, 11, 12], "none is left out");
}

#[test]
fn a_failed_router_is_asked_once_in_router_probe_interval_while_another_is_used_nud_46_nud_47() {
    let mut world = host(&[("ipv6/conf/router_probe_interval", "20")]);
    advertises(&mut world, 10, 9000);
    advertises(&mut world, 11, 9000);
    assert_eq!(goes_to(&mut world), Some(mac(10)));
    fails(&mut world, 10);
    world.replace(fe80(11).into(), mac(11), NudState::PERMANENT);
    let failed_at = world.now;
    world.forget();
    for _ in 0..100 {
        world.run_for(secs(1));
        let _ = send_far(&mut world, FAR);
    }
    let asked = world.solicitations(fe80(10).into());
    assert!(asked.len() >= 2, "{asked:?}");
    assert!(asked[0].0 - failed_at > secs(20), "not before router_probe_interval");
    for pair in asked.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= secs(20), "once each: {asked:?}");
    }
    assert!(asked.iter().all(|(_, unicast)| !unicast), "to its group (NUD-47)");
}

#[test]
fn a_failed_router_that_answers_its_probe_is_used_again_nud_46() {
    let mut world = host(&[("ipv6/conf/router_probe_interval", "5")]);
    advertises(&mut world, 10, 9000);
    advertises(&mut world, 11, 9000);
    assert_eq!(goes_to(&mut world), Some(mac(10)));
    fails(&mut world, 10);
    world.replace(fe80(11).into(), mac(11), NudState::PERMANENT);
    assert_eq!(goes_to(&mut world), Some(mac(11)));
    world.run_for(secs(6));
    world.forget();
    assert_eq!(goes_to(&mut world), Some(mac(11)), "the packet that asks goes by the other");
    assert_eq!(world.solicitations(fe80(10).into()).len(), 1);
    world.expect_state(fe80(10).into(), NudState::INCOMPLETE);
    let answer = Na { overrides: true, router: true, ..frames::na(fe80(10).into(), Some(mac(10))) };
    assert_eq!(world.frame(&answer.frame()), Ok(()));
    world.expect_state(fe80(10).into(), NudState::REACHABLE);
    assert_eq!(goes_to(&mut world), Some(mac(10)));
}

/// RFC rows N94, N109.
#[test]
fn a_router_that_says_it_is_none_is_used_no_more_nd_50() {
    let mut world = host(&[]);
    advertises(&mut world, 10, 9000);
    advertises(&mut world, 11, 9000);
    assert_eq!(goes_to(&mut world), Some(mac(10)));
    let answer = |router| Na { router, ..frames::na(fe80(10).into(), Some(mac(10))) };
    assert_eq!(world.frame(&answer(true).frame()), Ok(()));
    assert_eq!(routers(&world).len(), 2, "R set changes nothing");
    // What the message's source says of another target concerns the source's routes.
    let stranger = Na { source: fe80(99), ..answer(false) };
    assert_eq!(world.frame(&stranger.frame()), Ok(()));
    assert_eq!(routers(&world).len(), 2, "routes by the packet's source go: it has none");
    assert_eq!(world.frame(&answer(true).frame()), Ok(()));
    assert_eq!(world.frame(&answer(false).frame()), Ok(()));
    assert_eq!(routers(&world), [fe80(11)]);
    assert_eq!(goes_to(&mut world), Some(mac(11)));
    assert!(world.info(fe80(10).into()).is_some(), "the entry stays");
}

#[test]
fn routers_and_prefixes_end_with_the_link_and_with_ipv6() {
    for how in ["down", "disable_ipv6", "removed"] {
        let mut world = host(&[]);
        advertises_prefix(&mut world, 9000, &[PrefixInfo { autonomous: false, ..info(NEW, 9000, 9000) }]);
        assert_eq!(routers(&world), [fe80(10)]);
        let (now, dev) = (world.now, world.dev());
        match how {
            "down" => world.engine().set_link(now, dev, false),
            "removed" => assert!(world.engine().remove_device(now, dev)),
            _ => world.set("ipv6/conf/eth0/disable_ipv6", "1"),
        }
        world.settle();
        assert!(routers(&world).is_empty(), "{how}");
        for destination in [FAR, "2001:db8:7::9"] {
            let sent = send_far(&mut world, destination).0;
            assert_eq!(sent, Sent::Refused(neighbour::DropReason::NoRoute), "{how}: {destination}");
        }
    }
}

/// RFC row N52.
#[test]
fn a_thirty_third_router_is_one_too_many_until_another_ends() {
    let mut world = host(&[]);
    for n in 1..=33 {
        advertises(&mut world, n, if n == 7 { 60 } else { 9000 });
    }
    assert_eq!(routers(&world).len(), 32);
    assert!(!routers(&world).contains(&fe80(33)));
    advertises(&mut world, 5, 100);
    assert_eq!(routers(&world).len(), 32, "those that are there are renewed");
    world.run_for(secs(61));
    advertises(&mut world, 33, 9000);
    assert!(routers(&world).contains(&fe80(33)) && !routers(&world).contains(&fe80(7)));
}

#[test]
fn an_advertised_prefix_is_on_the_link_for_its_lifetime_n58_n59() {
    let mut world = host(&[]);
    let on_link = |valid_s| [PrefixInfo { autonomous: false, ..info(NEW, valid_s, valid_s.min(10)) }];
    let mut n = 0;
    // Somebody new each time, whom nobody has asked for yet.
    let mut solicited = |world: &mut World| {
        n += 1;
        let somebody = format!("2001:db8:7::{n}");
        world.forget();
        let _ = send_far(world, &somebody);
        !world.solicitations(ip(&somebody)).is_empty()
    };
    advertises(&mut world, 10, 9000);
    assert!(!solicited(&mut world), "by the router");
    advertises_prefix(
        &mut world,
        9000,
        &[PrefixInfo { on_link: false, autonomous: false, ..info(NEW, 900, 900) }],
    );
    assert!(!solicited(&mut world), "L = 0 says nothing (N58)");
    advertises_prefix(&mut world, 9000, &on_link(100));
    assert!(solicited(&mut world), "itself");
    advertises_prefix(
        &mut world,
        9000,
        &[PrefixInfo { on_link: false, autonomous: false, ..info(NEW, 0, 0) }],
    );
    assert!(solicited(&mut world), "L = 0 does not say off-link either (N58)");
    world.run_for(secs(99));
    assert!(solicited(&mut world));
    world.run_for(secs(2));
    assert!(!solicited(&mut world), "its time is over");
    advertises_prefix(&mut world, 9000, &on_link(u32::MAX));
    world.run_for(secs(8000));
    assert!(solicited(&mut world), "for ever");
    advertises_prefix(&mut world, 9000, &on_link(0));
    assert!(!solicited(&mut world), "0 ends it at once (N59)");
}

#[test]
fn an_advertised_prefix_is_nearer_than_a_shorter_route_rfc_4861_5_2() {
    let mut world = host(&[]);
    let (device, via) = (world.dev(), Some(IpAddr::V6(fe80(20))));
    let route = neighbour::Route { prefix: prefix("::/0"), via, device };
    assert_eq!(world.engine().add_route(route), Ok(()));
    advertises_prefix(&mut world, 0, &[PrefixInfo { autonomous: false, ..info(NEW, 9000, 9000) }]);
    world.forget();
    let _ = send_far(&mut world, "2001:db8:7::9");
    assert_eq!(world.solicitations(ip("2001:db8:7::9")).len(), 1, "itself, not the gateway");
    assert_eq!(world.solicitations(fe80(20).into()).len(), 0);
}

#[test]
fn an_advertised_prefix_of_link_local_or_multicast_addresses_is_ignored_n59_rfc_4862() {
    let mut world = host(&[]);
    let before: Vec<_> = world.hosts[0].engine.addresses(world.dev()).cloned().collect();
    advertises_prefix(&mut world, 0, &[info("fe80::", 9000, 9000), info("ff0e::", 9000, 9000)]);
    let after: Vec<_> = world.hosts[0].engine.addresses(world.dev()).cloned().collect();
    assert_eq!(before, after);
}

/// RFC row D2.
#[test]
fn an_address_is_made_checked_and_assigned_rfc_4862_5_5_3() {
    let mut world = host(&[]);
    world.set("ipv6/conf/eth0/accept_dad", "1");
    world.forget();
    advertises_prefix(&mut world, 9000, &[info(NEW, 5000, 4000)]);
    let made = address(&world, MADE).expect("made of prefix and MAC");
    assert_eq!((made.state, made.prefix.prefix_len()), (AddressState::Tentative, 64));
    assert_eq!(made.valid_until, Some(world.now + secs(5000)));
    assert_eq!(made.preferred_until, Some(world.now + secs(4000)));
    world.run_for(secs(3));
    let checks = world.solicitations(ip(MADE));
    assert_eq!(checks.len(), 1, "dad_transmits");
    assert_eq!(address(&world, MADE).map(|a| a.state), Some(AddressState::Assigned));
    let assigned =
        |e: &Event| matches!(e.kind, EventKind::AddressAssigned { address, .. } if address == ip(MADE));
    assert!(world.hosts[0].events.iter().any(assigned));
}

#[test]
fn an_address_that_another_has_is_not_used_nor_made_again_rfc_4862_5_4_5() {
    let mut world = host(&[]);
    world.set("ipv6/conf/eth0/accept_dad", "1");
    advertises_prefix(&mut world, 9000, &[info(NEW, 5000, 4000)]);
    let claim =
        Na { solicited: false, destination: frames::ALL_NODES, ..frames::na(ip(MADE), Some(mac(66))) };
    assert_eq!(world.frame(&claim.frame()), Ok(()));
    for _ in 0..2 {
        assert_eq!(address(&world, MADE).map(|a| a.state), Some(AddressState::Duplicate));
        assert!(!world.hosts[0].engine.is_local(ip(MADE)));
        advertises_prefix(&mut world, 9000, &[info(NEW, 5000, 4000)]);
        world.run_for(secs(5));
    }
}

#[test]
fn prefixes_that_make_no_address_rfc_4862_5_5_3() {
    for (why, knob, info) in [
        ("A = 0", None, PrefixInfo { autonomous: false, ..info(NEW, 9000, 9000) }),
        ("not 64 bits", None, PrefixInfo { prefix_len: 63, ..info(NEW, 9000, 9000) }),
        ("preferred for longer than valid", None, info(NEW, 100, 101)),
        ("valid for no time", None, info(NEW, 0, 0)),
        ("autoconf", Some(("ipv6/conf/autoconf", "0")), info(NEW, 9000, 9000)),
    ] {
        let mut world = host(knob.as_slice());
        advertises_prefix(&mut world, 9000, &[info]);
        assert_eq!(address(&world, MADE), None, "{why}");
    }
}

#[test]
fn a_life_is_never_cut_below_two_hours_by_a_stranger_s_word_rfc_4862_5_5_3_e() {
    const TWO_HOURS: u32 = 7200;
    // Lifetime at first, seconds that pass, lifetime advertised then, seconds left afterwards.
    for (first, pass, offered, left) in [
        (10_000, 1000u32, 20_000, 20_000), // longer than two hours
        (20_000, 1000, 7201, 7201),        // still longer than two hours
        (5000, 1000, 4500, 4500),          // longer than what is left
        (5000, 1000, 4000, 4000),          // the same
        (5000, 1000, 100, 4000),           // little is left: ignored
        (7200, 0, 0, 7200),                // exactly two hours are left: ignored
        (20_000, 1000, 100, TWO_HOURS),    // two hours and no less
        (20_000, 1000, 0, TWO_HOURS),
        (20_000, 1000, TWO_HOURS, TWO_HOURS),
        (u32::MAX, 1000, 100, TWO_HOURS),
        (u32::MAX, 1000, 9000, 9000),
    ] {
        let mut world = host(&[]);
        advertises_prefix(&mut world, 0, &[info(NEW, first, 10)]);
        world.run_for(secs(u64::from(pass)));
        let given = world.now;
        advertises_prefix(&mut world, 0, &[info(NEW, offered, offered / 2)]);
        let made = address(&world, MADE).expect("still there");
        let case = format!("{first} s, {pass} s later {offered} s");
        assert_eq!(made.valid_until.map(|at| at - given), Some(secs(left.into())), "{case}");
        assert_eq!(made.preferred_until, Some(given + secs(u64::from(offered / 2))), "{case}: always taken");
    }
    let mut world = host(&[]);
    advertises_prefix(&mut world, 0, &[info(NEW, 100, 10)]);
    advertises_prefix(&mut world, 0, &[info(NEW, u32::MAX, u32::MAX)]);
    let made = address(&world, MADE).expect("there");
    assert_eq!((made.valid_until, made.preferred_until), (None, None), "for ever");
}

#[test]
fn an_address_whose_time_is_over_goes_and_its_owner_is_told() {
    let mut world = host(&[]);
    advertises_prefix(&mut world, 0, &[info(NEW, 100, 50)]);
    let given = world.now;
    world.forget();
    world.run_for(secs(99));
    assert!(address(&world, MADE).is_some());
    world.run_for(secs(2));
    assert_eq!(address(&world, MADE), None);
    let expired = |e: &Event| match e.kind {
        EventKind::AddressExpired { address, .. } if address == ip(MADE) => Some(e.at),
        _ => None,
    };
    let told: Vec<Instant> = world.hosts[0].events.iter().filter_map(expired).collect();
    assert_eq!(told, [given + secs(100)]);
    let group = ipv6::solicited_node(&v6(MADE));
    assert_eq!(group, ipv6::solicited_node(&v6("fe80::ff:fe00:1")), "shared with the link-local address");
    let dev = world.dev();
    let listens = world.engine().link_groups(dev).contains(&frames::mac_of(group).into());
    assert!(listens, "one user of the group is left");
}

#[test]
fn an_address_given_by_hand_is_no_router_s_to_shorten() {
    let mut world = host(&[]);
    world.add_address(&format!("{MADE}/64"));
    advertises_prefix(&mut world, 0, &[info(NEW, 100, 50)]);
    world.run_for(secs(200));
    let kept = address(&world, MADE).expect("kept");
    assert_eq!((kept.valid_until, kept.preferred_until), (None, None));
}

#[test]
fn advertised_prefixes_fill_no_memory() {
    let mut world = host(&[]);
    let before = world.hosts[0].engine.addresses(world.dev()).count();
    let prefixes: Vec<_> = (0..100).map(|n| info(&format!("2001:db8:1{n:02}::"), 9000, 9000)).collect();
    prefixes.chunks(30).for_each(|chunk| advertises_prefix(&mut world, 9000, chunk));
    assert_eq!(
        world.hosts[0].engine.addresses(world.dev()).count() - before,
        64,
        "the 65th address is one too many"
    );
    let direct = |world: &mut World, n: u32| {
        let to = format!("2001:db8:1{n:02}::9");
        world.forget();
        let _ = send_far(world, &to);
        !world.solicitations(ip(&to)).is_empty()
    };
    assert!(direct(&mut world, 63), "the 64th prefix is on the link");
    assert!(!direct(&mut world, 64), "the 65th is not");
}

#[test]
fn a_deprecated_address_is_no_source_while_there_is_another_rfc_4862_5_5_4() {
    let mut world = host(&[("ipv6/conf/forwarding", "1"), ("ipv6/conf/accept_ra", "2")]);
    advertises_prefix(&mut world, 0, &[info(NEW, 9000, 100)]);
    let dev = world.dev();
    settled(&mut world, dev, "2001:db8:7::2", 2);
    // The source of an error tells which address is chosen towards a neighbour in the new prefix.
    let source = |world: &mut World| {
        world.forget();
        let _ = pass(world, &packet("2001:db8:7::2", FAR, 1, 8));
        errors(world, dev).first().map(|e| e.source)
    };
    assert_eq!(source(&mut world), Some(ip(MADE)), "the longest common prefix");
    world.run_for(secs(99));
    assert_eq!(source(&mut world), Some(ip(MADE)));
    world.run_for(secs(2));
    assert_eq!(source(&mut world), Some(ip("2001:db8::1")), "one that is preferred");
    assert!(world.hosts[0].engine.is_local(ip(MADE)), "it is ours still, and answered for");
}

#[test]
fn advertisements_of_any_content_at_any_time_keep_their_bounds() {
    for seed in 1..=8u64 {
        let mut world = host(&[("ipv6/gc_thresh3", "128")]);
        let before = world.hosts[0].engine.addresses(world.dev()).count();
        // A generator as good as any: Marsaglia's xorshift.
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut any = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..500 {
            let lives = [0, 1, 7199, 7200, 7201, u32::MAX - 1, u32::MAX, any() as u32];
            let prefixes: Vec<_> = (0..any() % 5)
                .map(|_| PrefixInfo {
                    prefix_len: if any() & 1 == 0 { 64 } else { (any() % 129) as u8 },
                    on_link: any() & 1 == 0,
                    autonomous: any() & 1 == 0,
                    valid_s: lives[any() as usize % 8],
                    preferred_s: lives[any() as usize % 8],
                    prefix: Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(any() % 200) << 64),
                })
                .collect();
            let advert = RouterAdvertRepr {
                lifetime_s: [0, 1, 9000, u16::MAX][any() as usize % 4],
                preference: any() as u8 & 3,
                reachable_ms: lives[any() as usize % 8],
                retrans_ms: lives[any() as usize % 8],
                cur_hop_limit: any() as u8,
                source_lladdr: Some(mac(any() as u8).into()),
                prefixes: &prefixes,
                ..Default::default()
            };
            let _ = world.frame(&ra(fe80((any() % 50) as u16), &advert));
            world.now += [ms(0), ms(1), secs(60), secs(8000), secs(1 << 33)][any() as usize % 5];
            let now = world.now;
            world.engine().handle_timeout(now);
            let _ = send_far(&mut world, FAR);
            let addresses = world.hosts[0].engine.addresses(world.dev()).count();
            assert!(routers(&world).len() <= 32 && addresses <= before + 64, "seed {seed}: {addresses}");
            let over = |r: &neighbour::Router| r.expires <= now;
            assert!(!world.hosts[0].engine.routers().iter().any(over), "seed {seed}: expired ones are gone");
            assert!(world.count(Family::Inet6) <= 128 + 8, "seed {seed}");
            world.forget();
        }
    }
}

/// When a host of this seed asks for routers, in its first so many seconds.
fn asks(seed: u64, knobs: &[(&str, &str)], most: Duration) -> (World, Vec<Instant>) {
    let device = Device::ethernet("eth0", MAC).address(prefix("192.0.2.1/24"));
    let mut world = World::build(Config::default().seed(seed), knobs, device.down());
    let (now, dev) = (world.now, world.dev());
    world.engine().set_link(now, dev, true);
    world.run_for(most);
    let asked = solicitations_of_routers(&world);
    (world, asked)
}

fn solicitations_of_routers(world: &World) -> Vec<Instant> {
    let asks = |(at, _, frame): &(Instant, _, Vec<u8>)| {
        let eth = ethernet::Frame::parse(frame).ok()?;
        let packet = ipv6::Ipv6::parse(eth.payload).ok()?;
        let upper = packet.upper().ok()?;
        (upper.protocol == 58 && upper.payload[0] == 133).then(|| {
            assert_eq!(eth.destination, [0x33, 0x33, 0, 0, 0, 2]);
            assert_eq!((packet.destination, packet.hop_limit), (v6("ff02::2"), 255));
            assert_eq!(packet.source, v6("fe80::ff:fe00:1"));
            assert_eq!(upper.payload[8..], [1, 1, 2, 0, 0, 0, 0, 1], "with its own address (ND-11)");
            *at
        })
    };
    world.hosts[0].frames.iter().filter_map(asks).collect()
}

#[test]
fn a_host_asks_soon_and_then_less_and_less_often_rfc_7559_d60_d61() {
    for seed in 0..60 {
        let (world, asked) = asks(seed, &[], secs(40_000));
        let up = Instant::from_millis(1100);
        assert!(asked[0] - up < ms(1004), "seed {seed}: within router_solicitation_delay, {:?}", asked[0]);
        let waits: Vec<_> = asked.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(waits.len() > 15, "seed {seed}: {waits:?}");
        let within = |wait: Duration, of: Duration, least: u32, most: u32| {
            wait + ms(4) >= of * least / 100 && wait <= of * most / 100 + ms(8)
        };
        assert!(within(waits[0], secs(4), 90, 110), "seed {seed}: first {:?}", waits[0]);
        for pair in waits.windows(2) {
            let longest = within(pair[1], secs(3600), 90, 110);
            // RFC 3315 section 14: RT = 2*RTprev + RAND*RTprev, RAND between -0.1 and 0.1.
            assert!(longest || within(pair[1], pair[0], 190, 210), "seed {seed}: {pair:?}");
        }
        assert!(within(waits[waits.len() - 1], secs(3600), 90, 110), "seed {seed}: {waits:?}");
        assert_eq!(world.count(Family::Inet), 0);
    }
}

#[test]
fn the_first_question_comes_at_a_random_moment_n62() {
    let mut first: Vec<_> = (0..40).map(|seed| asks(seed, &[], secs(3)).1[0]).collect();
    first.sort_unstable();
    first.dedup();
    assert!(first.len() > 20, "{first:?}");
    assert!(first[first.len() - 1] - first[0] > ms(500), "{first:?}");
}

#[test]
fn router_solicitations_limits_how_often_it_asks() {
    for (limit, asked) in [("0", 0), ("1", 1), ("3", 3)] {
        let got = asks(1, &[("ipv6/conf/router_solicitations", limit)], secs(4000)).1.len();
        assert_eq!(got, asked, "router_solicitations {limit}");
    }
    for knob in [("ipv6/conf/accept_ra", "0"), ("ipv6/conf/forwarding", "1")] {
        assert_eq!(asks(1, &[knob], secs(100)).1, [], "{knob:?}: nothing would be done with the answer");
    }
    assert!(!asks(1, &[("ipv6/conf/forwarding", "1"), ("ipv6/conf/accept_ra", "2")], secs(100)).1.is_empty());
}

#[test]
fn it_stops_asking_when_a_router_answers_and_not_when_one_says_no_n63_d62() {
    for (lifetime, knobs, stops) in [
        (1800, &[][..], true),
        (0, &[], false),
        (1800, &[("ipv6/conf/accept_ra_defrtr", "0")], true),
        (1800, &[("ipv6/conf/accept_ra_min_lft", "3600")], true),
    ] {
        let (mut world, asked) = asks(3, knobs, secs(10));
        assert!(asked.len() >= 2);
        world.forget();
        advertises(&mut world, 10, lifetime);
        world.run_for(secs(1000));
        let later = solicitations_of_routers(&world).len();
        assert_eq!(later == 0, stops, "a valid RA of {lifetime} s with {knobs:?}: {later} more");
    }
}

/// RFC row N64.
#[test]
fn it_asks_once_even_if_a_router_was_heard_before() {
    let knobs = [("ipv6/conf/router_solicitation_delay", "5")];
    let (mut world, asked) = asks(4, &knobs, ms(1));
    assert_eq!(asked, [], "not yet");
    advertises(&mut world, 9, 1800);
    world.run_for(secs(60));
    assert_eq!(solicitations_of_routers(&world).len(), 1);
}

#[test]
fn a_link_that_comes_back_begins_anew_with_one_series_of_questions() {
    let (mut world, _) = asks(4, &[], secs(2));
    for _ in 0..5 {
        let (now, dev) = (world.now, world.dev());
        world.engine().set_link(now, dev, false);
        world.engine().set_link(now, dev, true);
    }
    world.forget();
    let up = world.now;
    world.run_for(secs(30));
    let asked = solicitations_of_routers(&world);
    assert!(asked[0] - up < ms(1004), "soon again: {asked:?}");
    assert!(asked.len() <= 4, "at about 0.5, 4.5, 12.5 and 28.5 s: {asked:?}");
}

#[test]
fn a_device_that_gets_ipv6_back_asks_again() {
    let (mut world, asked) = asks(5, &[], secs(10));
    assert!(!asked.is_empty());
    world.set("ipv6/conf/eth0/disable_ipv6", "1");
    world.run_for(secs(20));
    world.forget();
    world.set("ipv6/conf/eth0/disable_ipv6", "0");
    world.run_for(secs(20));
    assert!(!solicitations_of_routers(&world).is_empty());
}

#[test]
fn it_asks_only_when_its_link_local_address_is_in_use_rfc_4861_6_3_7() {
    let knobs = [("ipv6/conf/default/accept_dad", "1")];
    let (world, asked) = asks(6, &knobs, secs(20));
    let checked = world.solicitations(ip("fe80::ff:fe00:1"));
    assert!(asked[0] >= checked[0].0 + secs(1), "after duplicate detection: {asked:?}, {checked:?}");
}
