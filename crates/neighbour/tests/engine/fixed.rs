//! Tables of a fixed size, as a microcontroller has them: eight entries, the same machine, memory that does not grow.

use crate::common::frames::{answer, arp_request, ns_multicast};
use crate::common::{MAC, PEER_MAC, World, ethernet, nth, own, prefix, secs};
use crate::memory::held;
use neighbour::{
    Config, CreateError, Device, DropReason, Engine, EventKind, Family, Instant, NewNeigh, NudState,
    RequestError, Sent,
};
use std::time::Duration;

use NudState as S;

const ENTRIES: u32 = 8;

fn live(engine: &Engine, family: Family) -> u64 {
    engine.table_info(family).entries
}

#[test]
fn there_are_never_more_entries_than_were_asked_for_whatever_their_kind() {
    for family in Family::BOTH {
        let mut world = World::build(Config::fixed(ENTRIES).seed(2), &[], ethernet("eth0", 1));
        // Those that Linux's thresholds do not count: PERMANENT ones.
        let mut made = 0;
        for n in 0..20 {
            let request = world.request(nth(family, 100 + n), Some(PEER_MAC), S::PERMANENT);
            match world.admin(request) {
                Ok(()) => made += 1,
                Err(error) => {
                    assert_eq!(error, RequestError::Create(CreateError::TableFull), "{family:?} {n}")
                }
            }
            assert!(live(&world.hosts[0].engine, family) <= u64::from(ENTRIES), "{family:?} {n}");
        }
        assert_eq!(made, ENTRIES, "{family:?}: all others made room for them");
        let full = world.hosts[0].events.iter().filter(|e| matches!(e.kind, EventKind::TableOverflow { .. }));
        assert!(full.count() > 0, "{family:?}: it is told");
        assert_eq!(world.stats(family).table_fulls, u64::from(20 - ENTRIES));
        // One goes, and there is room for who speaks.
        assert_eq!(world.delete(nth(family, 100)), Ok(()));
        let request = NewNeigh { replace: true, ..world.request(nth(family, 5), Some(PEER_MAC), S::STALE) };
        assert_eq!(world.admin(request), Ok(()));
        world.expect_state(nth(family, 5), S::STALE);
    }
}

#[test]
fn a_small_table_resolves_verifies_and_collects_as_a_large_one() {
    for family in Family::BOTH {
        let mut world = World::build(Config::fixed(ENTRIES).seed(3), &[], ethernet("eth0", 1));
        // Forty peers, one after the other: each is resolved, and the oldest makes room.
        for n in 0..40 {
            let peer = nth(family, 200 + n);
            let tag = n as u8;
            assert_eq!(world.send(peer, tag), Sent::Queued, "{family:?} {n}");
            world.answer(peer, PEER_MAC);
            world.expect_state(peer, S::REACHABLE);
            assert!(world.tags().contains(&tag), "{family:?} {n}");
            world.run_for(secs(60));
            world.forget();
        }
        // More silent ones than there is room for: the last are refused, and told so.
        let outcomes: Vec<Sent> = (0..20).map(|n| world.send(nth(family, 300 + n), 1)).collect();
        assert!(outcomes.contains(&Sent::Queued), "{family:?}: {outcomes:?}");
        assert!(outcomes.contains(&Sent::Refused(DropReason::NeighCreateFail)), "{family:?}: {outcomes:?}");
        world.run_for(secs(10));
        let peer = nth(family, 400);
        assert_eq!(world.send(peer, 7), Sent::Queued, "{family:?}: those that failed make room");
        world.answer(peer, PEER_MAC);
        world.expect_state(peer, S::REACHABLE);
    }
}

/// One second of a small host's life: somebody asks us, somebody is sent to and answers if he is there.
fn second(engine: &mut Engine, device: neighbour::DeviceId, now: &mut Instant, n: u32) {
    for family in Family::BOTH {
        let (peer, asker) = (nth(family, 2 + n % 23), nth(family, 2 + n % 11));
        let asks = match family {
            Family::Inet => arp_request(asker, PEER_MAC, own(family)).frame(),
            Family::Inet6 => ns_multicast(asker, PEER_MAC, own(family)),
        };
        let _ = engine.handle_frame(*now, device, &asks);
        let packet = crate::common::frames::packet(own(family), peer, 1);
        let _ = engine.send(*now, device, peer, packet);
        if n % 3 != 0 {
            let _ = engine.handle_frame(*now, device, &answer(peer, PEER_MAC));
        }
    }
    let end = Instant::since_start(now.elapsed_since_start() + Duration::from_secs(1));
    loop {
        while let Some(sent) = engine.poll_transmit() {
            engine.recycle(sent.frame);
        }
        while engine.poll_event().is_some() {}
        match engine.poll_timeout() {
            Some(at) if at <= end => {
                *now = at.max(*now);
                engine.handle_timeout(*now);
            }
            _ => break,
        }
    }
    *now = end;
}

#[test]
fn a_small_engine_takes_little_memory_and_no_more_of_it_as_time_passes() {
    let before = held();
    let mut now = Instant::from_millis(1);
    let mut engine = Engine::new(Config::fixed(ENTRIES).seed(4));
    let device =
        Device::ethernet("eth0", MAC).address(prefix("192.0.2.1/24")).address(prefix("2001:db8::1/64"));
    let device = engine.add_device(now, device).expect("a device");
    let at_first = held() - before;
    let (mut most, mut quiet) = (0, Vec::new());
    for part in 0..3 {
        for n in 0..2000 {
            second(&mut engine, device, &mut now, 2000 * part + n);
            most = most.max(held() - before);
        }
        // Nothing waits any more.
        now = Instant::since_start(now.elapsed_since_start() + secs(30));
        while engine.poll_timeout().is_some_and(|at| at <= now) {
            engine.handle_timeout(now);
            while let Some(sent) = engine.poll_transmit() {
                engine.recycle(sent.frame);
            }
            while engine.poll_event().is_some() {}
        }
        quiet.push(held() - before);
    }
    for family in Family::BOTH {
        let (entries, stats) = (live(&engine, family), engine.stats(family));
        assert!(entries > 0 && entries <= u64::from(ENTRIES), "{family:?}: {entries}");
        assert!(stats.allocs > 500 && stats.res_failed > 100, "{family:?}: it was busy: {stats:?}");
    }
    println!("{at_first} bytes with a device and no entry, {most} at the most, {quiet:?} when nothing waits");
    assert!(quiet[2] <= quiet[0].max(quiet[1]), "it grows: {quiet:?}");
    assert!(most <= 96 * 1024, "{most}");
}
