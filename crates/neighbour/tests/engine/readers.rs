//! Readers and references beside the engine: what they see, hand over, confirm and hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant as Clock};

use crate::common::frames;
use crate::common::{MAC, OTHER_MAC, PEER_MAC, TICK, World, ethernet, lladdr, ms, nth, own, peer, secs};
use neighbour::{Config, Family, Hit, Instant, NudState, Output, Reader};

use NudState as S;

/// The reader's decision on a packet with this tag.
fn output(world: &World, reader: &Reader, family: Family, tag: u8) -> Output {
    reader.output(world.now, world.dev(), peer(family), frames::packet(own(family), peer(family), tag))
}

/// Lets the engine take what readers handed over, as it asks to.
#[track_caller]
fn take_over(world: &mut World) {
    assert_eq!(world.engine().poll_timeout(), Some(world.now), "the engine wants to run now");
    let now = world.now;
    world.engine().handle_timeout(now);
    world.settle();
}

#[track_caller]
fn hit(world: &World, reader: &Reader, family: Family) -> Hit {
    reader.lookup(world.dev(), peer(family)).expect("it is there")
}

#[test]
fn a_reader_sees_every_state_address_and_header_at_once() {
    for family in Family::BOTH {
        let mut world = World::new();
        let reader = world.engine().reader();
        assert!(reader.lookup(world.dev(), peer(family)).is_none());
        for state in S::ALL {
            for mac in [PEER_MAC, OTHER_MAC] {
                world.replace(peer(family), mac, state);
                let hit = hit(&world, &reader, family);
                assert_eq!(hit.state(), state, "{family:?}");
                let known = if state.is_valid() { lladdr(mac) } else { None };
                assert_eq!(hit.lladdr(), known, "{family:?} {state}");
                let ethertype: [u8; 2] = if family == Family::Inet { [8, 0] } else { [0x86, 0xdd] };
                let header = [&mac[..], &MAC[..], &ethertype[..]].concat();
                let expected = state.is_valid().then_some(header);
                assert_eq!(hit.header().map(|h| h.to_vec()), expected, "{family:?} {state}");
            }
        }
        assert_eq!(world.delete(peer(family)), Ok(()));
        assert!(reader.lookup(world.dev(), peer(family)).is_none(), "{family:?}");
    }
}

#[test]
fn a_reader_sees_what_time_does() {
    for family in Family::BOTH {
        let mut world = World::new();
        let reader = world.engine().reader();
        world.init_neighbour_in_state(family, S::REACHABLE);
        world.run_to_state(peer(family), S::STALE, secs(60));
        assert_eq!(hit(&world, &reader, family).state(), S::STALE, "{family:?}");
    }
}

#[test]
fn a_packet_for_an_unknown_neighbour_is_handed_over_resolved_and_sent() {
    for family in Family::BOTH {
        let mut world = World::new();
        let reader = world.engine().reader();
        for tag in 1..=2 {
            assert!(matches!(output(&world, &reader, family, tag), Output::HandedOver), "{family:?}");
        }
        take_over(&mut world);
        world.expect_state(peer(family), S::INCOMPLETE);
        assert_eq!(world.solicitations(peer(family)).len(), 1, "{family:?}");
        assert!(
            matches!(output(&world, &reader, family, 3), Output::HandedOver),
            "{family:?}: not VALID yet"
        );
        take_over(&mut world);
        world.answer(peer(family), PEER_MAC);
        assert_eq!(world.tags(), [1, 2, 3], "{family:?}");
        match output(&world, &reader, family, 4) {
            Output::Send(hit, packet) => {
                assert_eq!((hit.lladdr(), packet.last()), (lladdr(PEER_MAC), Some(&4)), "{family:?}");
            }
            other => panic!("{family:?}: {other:?}"),
        }
    }
}

#[test]
fn the_first_packet_for_a_stale_neighbour_tells_the_engine_once() {
    for family in Family::BOTH {
        let mut world = World::new();
        let reader = world.engine().reader();
        world.init_neighbour_in_state(family, S::STALE);
        for _ in 0..3 {
            assert!(matches!(output(&world, &reader, family, 1), Output::Send(..)), "{family:?}");
        }
        take_over(&mut world);
        world.expect_state(peer(family), S::DELAY);
        assert_ne!(world.engine().poll_timeout(), Some(world.now), "{family:?}: nothing else is waiting");
        assert_eq!(world.tags(), Vec::<u8>::new(), "{family:?}: the reader sends, not the engine");
        // Stale again, the next packet tells it again.
        world.replace(peer(family), PEER_MAC, S::STALE);
        assert!(matches!(output(&world, &reader, family, 1), Output::Send(..)), "{family:?}");
        take_over(&mut world);
        world.expect_state(peer(family), S::DELAY);
    }
}

#[test]
fn a_full_queue_gives_the_packet_back_and_is_counted() {
    let config = Config { handover: 2, ..Config::default() };
    let mut world = World::build(config, crate::common::KNOBS, ethernet("eth0", 1));
    let reader = world.engine().reader();
    let other = reader.clone();
    for tag in 1..=2 {
        assert!(matches!(output(&world, &other, Family::Inet, tag), Output::HandedOver));
    }
    match output(&world, &reader, Family::Inet, 3) {
        Output::Full(packet) => assert_eq!(packet.last(), Some(&3), "it is the caller's still"),
        other => panic!("{other:?}"),
    }
    assert_eq!((reader.refused(), other.refused()), (1, 1));
    take_over(&mut world);
    assert!(matches!(output(&world, &reader, Family::Inet, 4), Output::HandedOver));
}

#[test]
fn a_full_queue_does_not_lose_the_use_of_a_stale_neighbour() {
    let config = Config { handover: 1, ..Config::default() };
    let mut world = World::build(config, crate::common::KNOBS, ethernet("eth0", 1));
    let reader = world.engine().reader();
    world.init_neighbour_in_state(Family::Inet6, S::STALE);
    assert!(matches!(output(&world, &reader, Family::Inet, 1), Output::HandedOver), "the queue is full now");
    assert!(matches!(output(&world, &reader, Family::Inet6, 1), Output::Send(..)));
    take_over(&mut world);
    world.expect_state(peer(Family::Inet6), S::STALE);
    assert!(matches!(output(&world, &reader, Family::Inet6, 1), Output::Send(..)), "the next one tells it");
    take_over(&mut world);
    world.expect_state(peer(Family::Inet6), S::DELAY);
}

#[test]
fn a_confirmation_through_reader_or_reference_makes_delay_end_in_reachable_nud_19() {
    for family in Family::BOTH {
        for by_reference in [false, true] {
            let mut world = World::new();
            let reader = world.engine().reader();
            world.init_neighbour_in_state(family, S::DELAY);
            world.run_for(secs(2));
            let hit = hit(&world, &reader, family);
            if by_reference {
                reader.hold(&hit).expect("it lives").confirm(world.now);
            } else {
                reader.confirm(world.now, &hit);
            }
            world.expect_state(peer(family), S::DELAY);
            world.run_for(secs(1));
            world.run_for(TICK);
            world.expect_state(peer(family), S::REACHABLE);
            assert_eq!(world.solicitations(peer(family)), [], "{family:?}");
            assert_eq!(world.notices(peer(family)), [(S::REACHABLE, false)], "{family:?}");
        }
    }
}

#[test]
fn a_confirmation_through_a_reader_keeps_a_neighbour_reachable_nud_18() {
    for family in Family::BOTH {
        let mut world = World::new();
        let reader = world.engine().reader();
        world.init_neighbour_in_state(family, S::REACHABLE);
        for _ in 0..60 {
            world.run_for(secs(1));
            let hit = hit(&world, &reader, family);
            reader.confirm(world.now, &hit);
            world.expect_state(peer(family), S::REACHABLE);
        }
        assert_eq!(world.entry(peer(family)).confirmed, secs(0), "{family:?}");
        assert_eq!(world.notices(peer(family)), [], "{family:?}");
    }
}

#[test]
fn an_old_hit_vouches_for_no_other_neighbour_that_takes_its_place() {
    let mut world = World::new();
    let reader = world.engine().reader();
    world.init_neighbour_in_state(Family::Inet, S::STALE);
    let old = hit(&world, &reader, Family::Inet);
    assert_eq!(world.delete(peer(Family::Inet)), Ok(()));
    // Whoever gets the memory next.
    world.replace(nth(Family::Inet, 30), OTHER_MAC, S::STALE);
    world.run_for(secs(5));
    reader.confirm(world.now, &old);
    assert!(reader.hold(&old).is_none());
    let now = world.now;
    world.engine().handle_timeout(now);
    assert_ne!(world.entry(nth(Family::Inet, 30)).confirmed, secs(0));
    assert_eq!(old.lladdr(), lladdr(PEER_MAC), "it is as it was");
}

#[test]
fn a_reference_follows_its_neighbour_through_changes_and_after_its_end_dst_3() {
    for family in Family::BOTH {
        let mut world = World::new();
        let reader = world.engine().reader();
        world.init_neighbour_in_state(family, S::STALE);
        let held = reader.hold(&hit(&world, &reader, family)).expect("it lives");
        assert_eq!(held.family(), family);
        world.replace(peer(family), OTHER_MAC, S::REACHABLE);
        assert_eq!((held.state(), held.get().lladdr()), (S::REACHABLE, lladdr(OTHER_MAC)), "{family:?}");
        let (now, dev) = (world.now, world.dev());
        world.engine().flush(now, family, Some(dev));
        assert!(held.is_dead(), "{family:?}");
        // Its memory is not used again while it is held, however many come.
        for n in 0..2000 {
            world.replace(nth(family, 1000 + n), PEER_MAC, S::PERMANENT);
        }
        assert!(held.is_dead(), "{family:?}");
        assert_eq!(held.get().lladdr(), lladdr(OTHER_MAC), "{family:?}");
        assert!(reader.lookup(dev, peer(family)).is_none(), "{family:?}");
    }
}

#[test]
fn a_clone_of_a_reference_holds_as_well_dst_5() {
    let mut world = World::new();
    let reader = world.engine().reader();
    world.init_neighbour_in_state(Family::Inet, S::STALE);
    let first = reader.hold(&hit(&world, &reader, Family::Inet)).expect("it lives");
    let second = first.clone();
    assert_eq!(world.entry(peer(Family::Inet)).refcnt, 2);
    let (now, dev) = (world.now, world.dev());
    world.engine().flush(now, Family::Inet, Some(dev));
    let destroys = world.stats(Family::Inet).destroys;
    drop(first);
    world.run_for(TICK);
    assert_eq!(world.stats(Family::Inet).destroys, destroys);
    drop(second);
    world.run_for(TICK);
    assert_eq!(world.stats(Family::Inet).destroys, destroys + 1);
}

#[test]
fn the_memory_of_entries_is_used_again_after_the_last_reference() {
    // Entries come and go a hundred times as often as there is room for at once.
    let mut world = World::new();
    let reader = world.engine().reader();
    for round in 0..100 {
        let held: Vec<_> = (0..100)
            .map(|n| {
                world.replace(nth(Family::Inet, 1000 + n), PEER_MAC, S::PERMANENT);
                let hit = reader.lookup(world.dev(), nth(Family::Inet, 1000 + n)).expect("it is there");
                reader.hold(&hit).expect("it lives")
            })
            .collect();
        let (now, dev) = (world.now, world.dev());
        world.engine().flush(now, Family::Inet, Some(dev));
        assert_eq!(world.stats(Family::Inet).entries, 100, "round {round}: held");
        drop(held);
        world.run_for(TICK);
        world.forget();
        assert_eq!(world.stats(Family::Inet).entries, 0, "round {round}");
    }
}

#[test]
fn references_outlive_the_engine() {
    let mut world = World::new();
    let reader = world.engine().reader();
    world.init_neighbour_in_state(Family::Inet, S::STALE);
    let held = reader.hold(&hit(&world, &reader, Family::Inet)).expect("it lives");
    let (dev, now) = (world.dev(), world.now);
    drop(world);
    assert_eq!(held.get().lladdr(), lladdr(PEER_MAC));
    held.confirm(now);
    let _ = reader.lookup(dev, peer(Family::Inet));
    drop(reader);
    drop(held);
}

#[test]
fn readers_on_other_threads_never_see_half_an_address_dm_7() {
    let mut world = World::new();
    let (dev, address) = (world.dev(), peer(Family::Inet6));
    world.replace(address, PEER_MAC, S::PERMANENT);
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (reader, stop) = (world.engine().reader(), Arc::clone(&stop));
            thread::spawn(move || {
                let mut seen = 0u64;
                loop {
                    // Asked before the look, so that each thread looks at least once.
                    let last = stop.load(Ordering::Relaxed);
                    if let Some(hit) = reader.lookup(dev, address) {
                        // Fresh ones are NONE, deleted ones FAILED for a moment.
                        assert_eq!(hit.lladdr().is_some(), hit.state().is_valid(), "of one moment");
                        assert_eq!(hit.header().is_some(), hit.state().is_valid(), "of one moment");
                        if let (Some(lladdr), Some(header)) = (hit.lladdr(), hit.header()) {
                            let mac = lladdr.mac().expect("six bytes");
                            assert!(mac == PEER_MAC || mac == OTHER_MAC, "{mac:02x?}");
                            assert_eq!(header[..6], mac, "header and address are of one moment");
                            seen += 1;
                        }
                    }
                    if last {
                        return seen;
                    }
                }
            })
        })
        .collect();
    for n in 0..20_000u32 {
        world.replace(address, if n % 2 == 0 { OTHER_MAC } else { PEER_MAC }, S::PERMANENT);
        if n % 64 == 0 {
            assert_eq!(world.delete(address), Ok(()));
            world.replace(address, PEER_MAC, S::PERMANENT);
        }
        world.forget();
    }
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        assert!(thread.join().expect("no reader panicked") > 0);
    }
}

#[test]
fn references_come_and_go_on_other_threads_while_entries_do() {
    let mut world = World::new();
    let dev = world.dev();
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (reader, stop) = (world.engine().reader(), Arc::clone(&stop));
            thread::spawn(move || {
                let mut held = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    for n in 0..8 {
                        let address = nth(Family::Inet, 1000 + n);
                        if let Some(hit) = reader.lookup(dev, address) {
                            held.extend(reader.hold(&hit));
                            reader.confirm(Instant::ZERO, &hit);
                        }
                    }
                    if held.len() > 64 {
                        held.clear();
                    }
                }
            })
        })
        .collect();
    for round in 0..3000u32 {
        let address = nth(Family::Inet, 1000 + round % 8);
        world.replace(address, PEER_MAC, S::PERMANENT);
        if round % 3 == 0 {
            let (now, dev) = (world.now, world.dev());
            world.engine().flush(now, Family::Inet, Some(dev));
        }
        world.forget();
    }
    stop.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().expect("no reader panicked"));
    let (now, dev) = (world.now, world.dev());
    world.engine().flush(now, Family::Inet, Some(dev));
    world.run_for(TICK);
    let stats = world.stats(Family::Inet);
    assert_eq!((stats.entries, stats.allocs), (0, stats.destroys), "all are gone");
}

/// The time one insert takes at this many entries, beside a reader at work: the best of many batches, so
/// that what else the machine does does not count.
fn insert_cost(entries: u32) -> Duration {
    const BATCH: u32 = 50;
    let mut world = World::new();
    let (now, dev) = (world.now, world.dev());
    let request = world.request(peer(Family::Inet), Some(PEER_MAC), S::PERMANENT);
    let host = world.host();
    let mut insert = |n: u32| {
        let request = neighbour::NewNeigh { address: nth(Family::Inet, 1000 + n), ..request.clone() };
        host.engine.new_neigh(now, &request).expect("exempt entries are unlimited");
        while host.engine.poll_event().is_some() {}
    };
    (0..entries).for_each(&mut insert);
    let reader = world.hosts[0].engine.reader();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = thread::spawn(move || {
        let mut n = 0;
        while !stopped.load(Ordering::Relaxed) {
            let _ = std::hint::black_box(reader.lookup(dev, nth(Family::Inet, 1000 + n % entries)));
            n += 1;
        }
    });
    let host = world.host();
    let mut best = Duration::MAX;
    for batch in 0..40 {
        let begun = Clock::now();
        for n in 0..BATCH {
            let address = nth(Family::Inet, 1000 + entries + batch * BATCH + n);
            let request = neighbour::NewNeigh { address, ..request.clone() };
            host.engine.new_neigh(now, &request).expect("exempt entries are unlimited");
        }
        best = best.min(begun.elapsed() / BATCH);
        while host.engine.poll_event().is_some() {}
    }
    stop.store(true, Ordering::Relaxed);
    thread.join().expect("the reader did not panic");
    best
}

#[test]
fn an_insert_beside_a_reader_costs_about_the_same_at_100_000_entries_as_at_1_000() {
    // A table that is copied at each change would cost a hundred times as much.
    let (small, large) = (insert_cost(1000), insert_cost(100_000));
    assert!(large < small * 10, "{small:?} at 1,000 entries, {large:?} at 100,000");
}

#[test]
fn a_reader_is_for_any_thread() {
    fn any_thread<T: Send + 'static>(_: &T) {}
    let mut world = World::new();
    let reader = world.engine().reader();
    any_thread(&reader);
    world.init_neighbour_in_state(Family::Inet, S::STALE);
    let held = reader.hold(&hit(&world, &reader, Family::Inet)).expect("it lives");
    any_thread(&held);
    world.run_for(ms(1));
}
