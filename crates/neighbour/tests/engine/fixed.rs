//! [`Config::fixed`]: all memory from the beginning, and none taken while entries come, are used and go.

use std::net::IpAddr;

use crate::common::frames::answer;
use crate::common::{MAC, PEER_MAC, ms, nth, own, prefix, secs};
use crate::memory::{allocations, held};
use neighbour::{
    Config, CreateError, Device, DeviceId, DropReason, Engine, EventKind, Family, Instant, NudState, Sent,
    Thresholds,
};

/// How many there is room for.
const ROOM: u32 = 8;

/// An engine with [`ROOM`], and a count of what it allocates in its calls.
struct Small {
    engine: Engine,
    device: DeviceId,
    now: Instant,
    allocated: usize,
    sent: u32,
    unreachable: u32,
}

/// Whether somebody has this address.
fn answers(n: u32) -> bool {
    !n.is_multiple_of(3)
}

impl Small {
    /// After the first moments, in which addresses are proven unique and groups reported.
    fn new() -> Self {
        let mut engine = Engine::try_new(Config::fixed(ROOM).seed(3)).expect("memory");
        let now = Instant::from_millis(1_000);
        let device = Device::ethernet("eth0", MAC)
            .address(prefix("192.0.2.1/24"))
            .address(prefix("2001:db8::1/64"))
            .link_local(false);
        let device = engine.add_device(now, device).expect("a device");
        let mut small = Self { engine, device, now, allocated: 0, sent: 0, unreachable: 0 };
        small.pass(secs(60));
        small.allocated = 0;
        small
    }

    /// One call of the engine, and what came of it, buffers given back.
    fn call<T>(&mut self, what: impl FnOnce(&mut Engine, Instant) -> T) -> T {
        let before = allocations();
        let result = what(&mut self.engine, self.now);
        while let Some(out) = self.engine.poll_transmit() {
            self.sent += 1;
            self.engine.recycle(out.frame);
        }
        while let Some(event) = self.engine.poll_event() {
            if let EventKind::Unreachable { packet, .. } = event.kind {
                self.unreachable += 1;
                self.engine.recycle(packet);
            }
        }
        self.allocated += allocations() - before;
        result
    }

    fn pass(&mut self, time: std::time::Duration) {
        let end = self.now + time;
        while let Some(next) = self.engine.poll_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.call(|engine, now| engine.handle_timeout(now));
        }
        self.now = end;
    }

    fn send(&mut self, address: IpAddr) -> Sent {
        // With room for a header, as the condition says.
        let mut packet = Vec::with_capacity(128);
        packet.resize(100, 0);
        packet[0] = if address.is_ipv4() { 0x45 } else { 0x60 };
        match own(Family::of(address)) {
            IpAddr::V4(source) => packet[12..16].copy_from_slice(&source.octets()),
            IpAddr::V6(source) => packet[8..24].copy_from_slice(&source.octets()),
        }
        let device = self.device;
        self.call(|engine, now| engine.send(now, device, address, packet))
    }

    fn answer(&mut self, address: IpAddr) {
        let frame = answer(address, PEER_MAC);
        let device = self.device;
        self.call(|engine, now| _ = engine.handle_frame(now, device, &frame));
    }
}

#[test]
fn nothing_is_allocated_while_entries_come_are_used_and_go() {
    let mut small = Small::new();
    let (mut states, mut full) = (std::collections::BTreeSet::new(), 0);
    let mut random = 7_u32;
    for round in 0..3_000_u32 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let n = 2 + (random >> 8) % 20;
        let family = if random >> 31 == 0 { Family::Inet } else { Family::Inet6 };
        let sent = small.send(nth(family, n));
        full += u32::from(sent == Sent::Refused(DropReason::NeighCreateFail));
        if answers(n) && sent == Sent::Queued && random >> 5 & 3 != 0 {
            small.answer(nth(family, n));
        }
        let (device, address) = (small.device, nth(family, n));
        match round % 16 {
            0 => _ = small.call(|engine, now| engine.del_neigh(now, device, address, 0)),
            1..8 => _ = small.call(|engine, now| engine.confirm(now, device, address)),
            _ => {}
        }
        // Often at once, at times after so long that entries are verified, fail or are collected.
        small.pass(ms([0, 1, 1, 20, 100, 500, 3_000, 40_000][(random >> 20) as usize % 8]));
        let entries = Family::BOTH.map(|family| small.engine.stats(family).entries);
        assert!(entries.iter().all(|entries| *entries <= u64::from(ROOM)), "{entries:?}");
        let infos = Family::BOTH.into_iter().flat_map(|family| small.engine.neighbours(family));
        states.extend(infos.map(|info| info.state.0));
        assert_eq!(small.allocated, 0, "round {round}, to {n}");
    }
    let stats = Family::BOTH.map(|family| small.engine.stats(family));
    println!("{stats:?}, {} frames, {} unreachable, {full} refused", small.sent, small.unreachable);
    assert!(small.sent > 1_000 && small.unreachable > 100 && full > 10, "{stats:?}");
    assert!(stats.iter().all(|stats| stats.destroys > 100 && stats.forced_gc_runs > 10), "{stats:?}");
    use NudState as S;
    for state in [S::INCOMPLETE, S::REACHABLE, S::STALE, S::DELAY, S::PROBE, S::FAILED] {
        assert!(states.contains(&state.0), "{state:?} was never seen");
    }
}

#[test]
fn exempt_and_held_entries_take_a_place_too() {
    let mut small = Small::new();
    let (device, now) = (small.device, small.now);
    let mut hold = |n| small.engine.hold(now, device, nth(Family::Inet, n));
    let held: Vec<_> = (0..ROOM).map(|n| hold(10 + n).expect("room")).collect();
    assert_eq!(hold(30).map(drop), Err(CreateError::TableFull));
    small.engine.flush(now, Family::Inet, None);
    let mut hold = |n| small.engine.hold(now, device, nth(Family::Inet, n)).map(drop);
    assert_eq!(hold(30), Err(CreateError::OutOfMemory), "dead but held");
    drop(held);
    assert_eq!(hold(30), Ok(()));
}

#[test]
fn what_is_reserved_is_small_and_as_the_fields_say() {
    let before = held();
    let engine = Engine::try_new(Config::fixed(ROOM)).expect("memory");
    let bytes = (held() - before) as usize + size_of::<Engine>();
    println!("{bytes} bytes for an engine of {ROOM} and {ROOM}, {} of them its own", size_of::<Engine>());
    // Most of it are the heads of two tables, which could have many more entries, and the slots of two wheels.
    let most = if cfg!(target_pointer_width = "64") { 42 * 1024 } else { 24 * 1024 };
    assert!(bytes < most, "{bytes}");
    let thresholds = Thresholds { thresh1: 1, thresh2: 4, thresh3: 8 };
    assert!(Family::BOTH.iter().all(|family| engine.thresholds(*family) == thresholds));
}
