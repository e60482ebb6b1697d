//! What the engine remembers of neighbours, told as a story: why an entry is FAILED, or why there is none.

use std::net::IpAddr;

use crate::common::{KNOBS, OTHER_MAC, PEER_MAC, World, ethernet, ip, ms, nth, peer, secs};
use neighbour::{Config, CreateError, EventKind, Family, Happening, NudState, Record, Sent};

fn records(world: &World, address: IpAddr) -> Vec<Record> {
    world.hosts[0].engine.history(address).copied().collect()
}

/// The story since a moment, a line for each happening: milliseconds since then and what happened.
fn story(world: &World, address: IpAddr, since: neighbour::Instant) -> Vec<String> {
    let line = |r: &Record| format!("{:>5} {}", (r.at - since).as_millis(), r.happening);
    records(world, address).iter().map(line).collect()
}

#[test]
fn the_story_of_an_ipv4_neighbour_that_never_answers() {
    let mut world = World::new();
    let address = peer(Family::Inet);
    let start = world.now;
    let _ = world.send(address, 1);
    let _ = world.send(address, 2);
    world.run_for(secs(3));
    assert_eq!(
        story(&world, address, start),
        [
            "    0 entry made, for a packet to send",
            "    0 NONE -> INCOMPLETE, for a packet to send",
            "    0 asked everybody (probe counter 3)",
            "  600 asked everybody (probe counter 4)",
            " 1200 asked everybody (probe counter 5)",
            " 1800 asked everybody (probe counter 6)",
            " 2400 INCOMPLETE -> FAILED, by time",
            " 2400 packet dropped: unreachable",
            " 2400 packet dropped: unreachable",
        ]
    );
    world.set("ipv4/gc_thresh1", "0");
    world.run_for(secs(600));
    let last = records(&world, address).pop().map(|r| r.happening.to_string());
    assert_eq!(last.as_deref(), Some("removed while FAILED, FAILED or unused for gc_stale_time"));
}

#[test]
fn the_story_of_an_ipv6_neighbour_that_answers_and_falls_silent() {
    let mut world = World::new();
    let address = peer(Family::Inet6);
    let start = world.now;
    let _ = world.send(address, 1);
    world.answer(address, PEER_MAC);
    world.run_to_state(address, NudState::STALE, secs(60));
    let _ = world.send(address, 2);
    world.run_to_state(address, NudState::FAILED, secs(60));
    let told: Vec<_> = records(&world, address).iter().map(|r| r.happening.to_string()).collect();
    assert_eq!(
        told,
        [
            "entry made, for a packet to send",
            "NONE -> INCOMPLETE, for a packet to send",
            "asked everybody (probe counter 3)",
            "INCOMPLETE -> REACHABLE at 02:00:00:00:00:02, by a neighbour advertisement (solicited, overriding)",
            "REACHABLE -> STALE at 02:00:00:00:00:02, by time",
            "STALE -> DELAY at 02:00:00:00:00:02, for a packet to send",
            "DELAY -> PROBE at 02:00:00:00:00:02, by time",
            "asked 02:00:00:00:00:02 (probe counter 1)",
            "asked 02:00:00:00:00:02 (probe counter 2)",
            "asked everybody (probe counter 3)",
            "PROBE -> FAILED, by time",
        ]
    );
    let times: Vec<_> = records(&world, address).iter().map(|r| r.at).collect();
    assert!(times.is_sorted() && times[0] == start);
}

#[test]
fn who_did_it_is_told() {
    let mut world = World::new();
    let address = peer(Family::Inet);
    world.replace(address, PEER_MAC, NudState::STALE);
    world.run_for(ms(20));
    // Within locktime another address is not believed (ARP-44).
    world.hint(address, OTHER_MAC);
    world.replace(address, OTHER_MAC, NudState::PERMANENT);
    world.hint(address, PEER_MAC);
    assert_eq!(world.delete(address), Ok(()));
    let told: Vec<_> = records(&world, address).iter().map(|r| r.happening.to_string()).collect();
    assert_eq!(
        told,
        [
            "entry made, by an administrator (port 77)",
            "NONE -> STALE at 02:00:00:00:00:02, by an administrator (port 77)",
            "did not move to 02:00:00:00:00:03, by an ARP reply from 02:00:00:00:00:03",
            "STALE -> PERMANENT at 02:00:00:00:00:03, by an administrator (port 77)",
            "refused (the entry is NOARP or PERMANENT): by an ARP reply from 02:00:00:00:00:02",
            "PERMANENT -> FAILED, by an administrator (port 77)",
            "removed while FAILED, by an administrator (port 77)",
        ]
    );
}

#[test]
fn what_a_device_event_removed_is_told() {
    for (how, expected) in [
        ("down", "removed while STALE, the device went down or away, or changed its address"),
        ("carrier", "removed while STALE, the carrier was lost"),
        ("address", "removed while STALE, the device lost its last address"),
    ] {
        let mut world = World::new();
        let address = world.init_neighbour_in_state(Family::Inet, NudState::STALE);
        let (now, dev) = (world.now, world.dev());
        match how {
            "down" => world.engine().set_link(now, dev, false),
            "carrier" => world.engine().set_carrier(now, dev, false),
            _ => ["192.0.2.1", "10.0.0.1"]
                .iter()
                .for_each(|own| world.engine().remove_address(now, dev, ip(own)).expect("ours")),
        }
        let last = records(&world, address).pop().expect("remembered");
        assert_eq!((last.happening.to_string().as_str(), last.at, last.device), (expected, now, dev));
    }
}

#[test]
fn an_entry_that_could_not_be_made_is_remembered_with_the_reason() {
    let mut world = World::new();
    for n in 1..=3 {
        world.set(&format!("ipv4/gc_thresh{n}"), "1");
    }
    let _ = world.send(nth(Family::Inet, 5), 1);
    let refused = nth(Family::Inet, 6);
    let _ = world.send(refused, 1);
    let all = records(&world, refused);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].happening, Happening::NotCreated(CreateError::TableFull));
    assert_eq!(all[0].happening.to_string(), "no entry made: the neighbour table is full (gc_thresh3)");
    assert_eq!(world.info(refused), None);
}

#[test]
fn a_queue_that_overflows_is_remembered() {
    let mut world = World::new();
    world.set("ipv4/neigh/unres_qlen_bytes", "0");
    let address = peer(Family::Inet);
    for tag in 0..3 {
        assert_eq!(world.send(address, tag), Sent::Queued);
    }
    let told: Vec<_> = records(&world, address).iter().map(|r| r.happening.to_string()).collect();
    let dropped = told.iter().filter(|t| *t == "packet dropped: neigh_queuefull").count();
    assert_eq!(dropped, 2, "{told:?}");
}

#[test]
fn the_ring_is_bounded_over_all_addresses_and_forgets_the_oldest() {
    let config = Config { history: 10, ..Config::default().seed(3) };
    let mut world = World::build(config, KNOBS, ethernet("eth0", 1));
    for n in 2..200 {
        let _ = world.send(nth(Family::Inet, n), 1);
    }
    let kept: Vec<_> = (2..200).flat_map(|n| records(&world, nth(Family::Inet, n))).collect();
    assert_eq!(kept.len(), 10);
    assert!(records(&world, nth(Family::Inet, 2)).is_empty());
    assert_eq!(records(&world, nth(Family::Inet, 199)).len(), 3, "made, INCOMPLETE, asked");
}

#[test]
fn without_a_ring_nothing_is_remembered() {
    let config = Config { history: 0, ..Config::default().seed(3) };
    let mut world = World::build(config, KNOBS, ethernet("eth0", 1));
    let _ = world.send(peer(Family::Inet), 1);
    assert!(records(&world, peer(Family::Inet)).is_empty());
}

#[test]
fn who_hears_no_steps_hears_all_else_and_the_same_is_remembered() {
    for family in Family::BOTH {
        let lived = |tell_steps| {
            let config = Config { tell_steps, ..Config::default().seed(3) };
            let mut world = World::build(config, KNOBS, ethernet("eth0", 1));
            let address = peer(family);
            let _ = world.send(address, 1);
            world.answer(address, PEER_MAC);
            world.run_to_state(address, NudState::STALE, secs(60));
            let _ = world.send(address, 2);
            world.run_to_state(address, NudState::FAILED, secs(90));
            let (records, host) = (records(&world, address), &world.hosts[0]);
            (records, host.events.clone(), host.frames.clone())
        };
        let (told, events, frames) = lived(true);
        let (untold, fewer, same_frames) = lived(false);
        let steps = |event: &neighbour::Event| {
            matches!(event.kind, EventKind::Added { .. } | EventKind::Changed { .. })
        };
        assert!(events.iter().filter(|event| steps(event)).count() >= 5, "{events:#?}");
        let others: Vec<_> = events.into_iter().filter(|event| !steps(event)).collect();
        assert!(others.len() >= 2, "{others:#?}");
        assert_eq!((untold, fewer, same_frames), (told, others, frames), "{family:?}");
    }
}
