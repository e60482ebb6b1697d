//! No call takes long, however many entries there are: timers, collection, refresh and sweep go in slices, and a
//! table at rest costs nothing.

use crate::common::{MAC, PEER_MAC, ip, lladdr, nth, prefix, secs};
use neighbour::{
    Config, Device, DeviceId, Engine, EventKind, Family, Flags, Instant, NewNeigh, NudState, Reason, Work,
};
use std::net::IpAddr;
use std::time::Duration;

use NudState as S;

/// Entries of a large table: as many as there is time for without optimisation.
const MANY: u32 = if cfg!(debug_assertions) { 20_000 } else { 1_000_000 };
/// Numbers of addresses begin here.
const FIRST: u32 = 1000;

/// An engine with one device and room for any number of entries, of which none ages before `gc_thresh1` is set.
struct Bench {
    engine: Engine,
    dev: DeviceId,
    now: Instant,
    events: Vec<EventKind>,
}

impl Bench {
    fn new(config: Config) -> Self {
        let mut engine = Engine::new(config);
        let now = Instant::from_millis(1_000_000);
        let device = Device::ethernet("eth0", MAC).link_local(false).address(prefix("10.0.0.1/8"));
        let dev = engine.add_device(now, device).expect("a device");
        let mut bench = Self { engine, dev, now, events: Vec::new() };
        for name in ["gc_thresh1", "gc_thresh2", "gc_thresh3"] {
            bench.set(name, "100000000");
        }
        bench.pass(secs(10));
        bench
    }

    fn set(&mut self, name: &str, value: &str) {
        self.engine.set(self.now, name, value).unwrap_or_else(|error| panic!("{name} = {value}: {error}"));
    }

    fn drain(&mut self) {
        while self.engine.poll_transmit().is_some() {}
        while let Some(event) = self.engine.poll_event() {
            assert!(!matches!(event.kind, EventKind::Lost(_)), "{event:?}");
            self.events.push(event.kind);
        }
    }

    fn make_at(&mut self, address: IpAddr, state: S, flags: Flags) {
        let request = NewNeigh { flags, ..NewNeigh::replace(self.dev, address, lladdr(PEER_MAC), state) };
        assert_eq!(self.engine.new_neigh(self.now, &request), Ok(()), "{address}");
    }

    fn make(&mut self, n: u32, state: S, flags: Flags) {
        self.make_at(nth(Family::Inet, FIRST + n), state, flags);
        if n.is_multiple_of(1000) {
            self.drain();
        }
    }

    fn delete(&mut self, n: u32) {
        let address = nth(Family::Inet, FIRST + n);
        assert_eq!(self.engine.del_neigh(self.now, self.dev, address, 0), Ok(()), "entry {n}");
    }

    /// One call; what it did.
    fn call(&mut self) -> Work {
        let before = self.engine.work();
        self.engine.handle_timeout(self.now);
        let mut done = self.engine.work();
        done.timers -= before.timers;
        done.entries -= before.entries;
        done.forced -= before.forced;
        self.drain();
        done
    }

    fn is_due(&self) -> bool {
        self.engine.poll_timeout().is_some_and(|at| at <= self.now)
    }

    /// Calls until nothing is due any more: what each of them did.
    fn calls(&mut self) -> Vec<Work> {
        let mut calls = vec![self.call()];
        while self.is_due() {
            calls.push(self.call());
        }
        calls
    }

    /// Lets time pass, from one deadline to the next: what each call did.
    fn pass(&mut self, time: Duration) -> Vec<Work> {
        let until = self.now + time;
        let mut calls = Vec::new();
        while let Some(at) = self.engine.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            calls.push(self.call());
        }
        self.now = until;
        calls
    }

    fn removed(&self, wanted: Reason) -> Vec<IpAddr> {
        let removed = |event: &EventKind| match event {
            EventKind::Removed { neighbour, reason } if *reason == wanted => Some(neighbour.address),
            _ => None,
        };
        self.events.iter().filter_map(removed).collect()
    }

    fn state(&self, n: u32) -> Option<S> {
        self.engine.neighbour(self.dev, nth(Family::Inet, FIRST + n)).map(|entry| entry.state)
    }
}

#[test]
fn a_million_entries_that_expire_together_are_worked_off_in_slices() {
    let config = Config { timer_budget: 500, ..Config::default() };
    let mut bench = Bench::new(config);
    (0..MANY).for_each(|n| bench.make(n, S::REACHABLE, Flags::empty()));
    bench.drain();
    bench.events.clear();
    bench.now += secs(120); // whoever drives the engine was away
    let (mut calls, mut stale) = (0, 0);
    while bench.is_due() {
        let done = bench.call();
        assert!(done.timers <= 500, "{done:?} in call {calls}");
        calls += 1;
        stale += bench.events.drain(..).filter(|e| matches!(e, EventKind::NewNeigh { .. })).count();
        assert!(calls < MANY, "it comes to an end");
    }
    assert_eq!(stale, MANY as usize, "each told of (NUD-24), none lost");
    assert!(calls >= MANY / 500, "{calls} calls");
    assert!((0..MANY).step_by(997).all(|n| bench.state(n) == Some(S::STALE)));
}

#[test]
fn each_family_has_its_share_of_a_call() {
    let mut bench = Bench::new(Config { timer_budget: 100, ..Config::default() });
    bench
        .engine
        .add_address(bench.now, bench.dev, prefix("2001:db8::1/64"), Default::default())
        .expect("new");
    bench.pass(secs(10));
    (0..1000).for_each(|n| bench.make(n, S::REACHABLE, Flags::empty()));
    let six = nth(Family::Inet6, 77);
    bench.make_at(six, S::REACHABLE, Flags::empty());
    bench.now += secs(120);
    let mut calls = 0;
    while bench.engine.neighbour(bench.dev, six).is_some_and(|entry| entry.state == S::REACHABLE) {
        assert!(bench.is_due());
        assert!(bench.call().timers <= 100);
        calls += 1;
    }
    assert!(calls <= 2, "{calls} calls: it waited for the other family");
    assert!(bench.is_due(), "which is not done yet");
}

#[test]
fn a_periodic_run_removes_all_that_is_idle_in_slices_and_survives_what_dies_meanwhile() {
    let mut bench = Bench::new(Config { gc_budget: 100, ..Config::default() });
    (0..MANY).for_each(|n| bench.make(n, if n % 2 == 0 { S::FAILED } else { S::STALE }, Flags::empty()));
    bench.pass(secs(100)); // gc_stale_time is 60 s
    bench.set("gc_thresh1", "0");
    bench.drain();
    bench.events.clear();
    let runs = bench.engine.stats(Family::Inet).periodic_gc_runs;
    while bench.removed(Reason::PeriodicGc).is_empty() {
        bench.now = bench.engine.poll_timeout().expect("a run is due");
        let done = bench.call();
        assert!(done.entries <= 100, "{done:?}");
    }
    assert_eq!(bench.engine.stats(Family::Inet).periodic_gc_runs - runs, 1);
    // The run stands before entry 100 now. That one goes, and those behind it, one is used, one is held.
    assert_eq!((bench.state(99), bench.state(100)), (None, Some(S::FAILED)));
    (100..110).for_each(|n| bench.delete(n));
    let (used, held) = (nth(Family::Inet, FIRST + 111), nth(Family::Inet, FIRST + 112));
    let _ = bench.engine.send(bench.now, bench.dev, used, vec![0x45; 20]);
    let _held = bench.engine.hold(bench.now, bench.dev, held).expect("it is there");
    let calls = bench.calls();
    assert!(calls.iter().all(|done| done.entries <= 100));
    assert!(calls.len() >= MANY as usize / 100 - 3, "{} calls", calls.len());
    let left: Vec<_> = bench.engine.neighbours(Family::Inet).map(|entry| entry.address).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.contains(&used) && left.contains(&held));
    let removed = bench.removed(Reason::PeriodicGc);
    assert_eq!(removed.len(), MANY as usize - 12);
    assert!(removed.is_sorted(), "in the order in which they became idle");
}

#[test]
fn managed_entries_are_refreshed_in_slices_and_survive_what_dies_meanwhile() {
    let mut bench = Bench::new(Config { gc_budget: 16, ..Config::default() });
    bench.set("neigh/interval_probe_time_ms", "7000");
    bench.pass(secs(20));
    (0..500).for_each(|n| bench.make(n, S::NONE, Flags::MANAGED));
    bench.pass(secs(1));
    // Each was asked for and nobody answered; when the next refresh is due, they are asked for again.
    let most = |calls: &[Work]| calls.iter().map(|done| done.entries).max();
    assert!(most(&bench.pass(secs(3))) <= Some(16));
    assert_eq!(bench.state(499), Some(S::FAILED));
    while bench.state(0) == Some(S::FAILED) {
        bench.now = bench.engine.poll_timeout().expect("a refresh is due");
        assert!(bench.call().entries <= 16);
    }
    assert_eq!((bench.state(499), bench.is_due()), (Some(S::FAILED), true), "in progress");
    // Some die, one is managed no longer, one of the dead comes back, and one is managed anew.
    (20..40).for_each(|n| bench.delete(n));
    bench.make(50, S::STALE, Flags::empty());
    bench.make(30, S::NONE, Flags::MANAGED);
    bench.make(60, S::STALE, Flags::empty());
    bench.make(60, S::NONE, Flags::MANAGED);
    assert!(most(&bench.calls()) <= Some(16));
    let of = |state| move |entry: &neighbour::NeighbourInfo| entry.state == state;
    let entries: Vec<_> = bench.engine.neighbours(Family::Inet).collect();
    assert_eq!((entries.len(), entries.iter().filter(|e| of(S::INCOMPLETE)(e)).count()), (481, 479));
    assert_eq!((bench.state(50), bench.state(60)), (Some(S::STALE), Some(S::DELAY)));
    // And so it goes on: each once in 7 s.
    bench.pass(secs(70));
    let before = bench.engine.work().entries;
    let calls = bench.pass(secs(7));
    assert!(most(&calls) <= Some(16));
    let looked_at = bench.engine.work().entries - before;
    assert!(
        (480..=490).contains(&looked_at),
        "{looked_at}: 480 managed entries, the end of each walk counts too"
    );
}

#[test]
fn the_daily_sweep_goes_in_slices_and_keeps_old_stamps_old() {
    let mut bench = Bench::new(Config { gc_budget: 16, ..Config::default() });
    (0..300).for_each(|n| bench.make(n, S::STALE, Flags::empty()));
    for _ in 0..250 {
        bench.now += secs(86_400);
        assert!(bench.calls().iter().all(|done| done.entries <= 16));
    }
    let day = secs(86_400);
    for entry in bench.engine.neighbours(Family::Inet) {
        assert!(entry.updated > 90 * day && entry.used > 90 * day && entry.confirmed > 90 * day, "{entry:?}");
    }
}

#[test]
fn a_table_at_rest_costs_nothing() {
    let mut bench = Bench::new(Config::default());
    for n in 0..2000 {
        bench.make(n, if n % 2 == 0 { S::PERMANENT } else { S::STALE }, Flags::empty());
    }
    let before = bench.engine.work();
    let calls = bench.pass(secs(3600));
    assert_eq!(bench.engine.work(), before, "below gc_thresh1");
    // Linux's own timers: a refresh in 5 s, a collection in 15 s, for two tables. Nothing beside them.
    assert!(calls.len() <= 2 * (3600 / 5 + 3600 / 15) + 10, "{} calls", calls.len());
    // Above it, what could be collected is looked at; what is permanent is not.
    bench.set("gc_thresh1", "0");
    bench.set("neigh/gc_stale_time", "100000");
    let before = bench.engine.work();
    bench.pass(secs(15));
    let after = bench.engine.work();
    assert_eq!((after.entries - before.entries, after.timers - before.timers), (1000, 0));
}

#[test]
fn a_budget_of_nothing_is_one_and_work_ends() {
    let mut bench = Bench::new(Config { gc_budget: 0, timer_budget: 0, ..Config::default() });
    (0..20).for_each(|n| bench.make(n, S::REACHABLE, Flags::empty()));
    bench.set("gc_thresh1", "0");
    let calls = bench.pass(secs(300));
    assert!(calls.iter().all(|done| done.entries <= 1 && done.timers <= 1));
    assert_eq!(bench.engine.neighbours(Family::Inet).count(), 0);
    assert_eq!(bench.engine.neighbour(bench.dev, ip("10.9.9.9")), None);
}

/// Each neighbour that does not answer gives back a queue full of packets, an event for each: no event is lost to whoever
/// takes them after each call, however many there are.
#[test]
fn failures_that_fill_the_room_for_events_wait_for_the_next_call() {
    let mut bench = Bench::new(Config { max_events: 1000, ..Config::default() });
    let (neighbours, packets) = (200, 20);
    for n in 0..neighbours {
        for _ in 0..packets {
            let _ = bench.engine.send(bench.now, bench.dev, nth(Family::Inet, FIRST + n), vec![0x45; 20]);
        }
        bench.drain();
    }
    bench.pass(secs(5));
    let unreachable = bench.events.iter().filter(|kind| matches!(kind, EventKind::Unreachable { .. }));
    assert_eq!(unreachable.count(), (neighbours * packets) as usize);
    // Who takes no events at all is not kept waiting by them.
    let mut deaf = Bench::new(Config { max_events: 10, ..Config::default() });
    for n in 0..neighbours {
        let _ = deaf.engine.send(deaf.now, deaf.dev, nth(Family::Inet, FIRST + n), vec![0x45; 20]);
    }
    for _ in 0..100 {
        deaf.now += secs(1);
        deaf.engine.handle_timeout(deaf.now);
    }
    assert!(deaf.engine.neighbours(Family::Inet).all(|entry| entry.state == S::FAILED));
}
