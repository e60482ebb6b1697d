//! What a review found: each once broken, each kept whole here.

use crate::common::{BROADCAST, MAC, frames, ip, ms, prefix, secs};
use neighbour::{
    Config, Device, DeviceError, DeviceId, Engine, EventKind, Family, Input, Instant, NudState, Output, Sent,
};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Takes frames and events away and does what is due, until a moment.
fn idle(engine: &mut Engine, until: Instant) -> Vec<EventKind> {
    let mut events = Vec::new();
    let mut drain = |engine: &mut Engine| {
        while engine.poll_transmit().is_some() {}
        events.extend(std::iter::from_fn(|| engine.poll_event()).map(|e| e.kind));
    };
    while let Some(at) = engine.poll_timeout().filter(|at| *at <= until) {
        engine.handle_timeout(at);
        drain(engine);
    }
    engine.handle_timeout(until);
    drain(engine);
    events
}

fn ethernet(name: &str, last: u8) -> Device {
    Device::ethernet(name, [2, 0, 0, 0, 0, last])
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// A router between 10.1/16 and 10.2/16.
fn router() -> (Engine, DeviceId) {
    let mut engine = Engine::new(Config::default().seed(1));
    let inside = engine.add_device(at(0), ethernet("in", 1).address(prefix("10.1.0.1/16"))).unwrap();
    engine.add_device(at(0), ethernet("out", 2).address(prefix("10.2.0.1/16"))).unwrap();
    engine.set(at(0), "ipv4/conf/all/forwarding", "1").unwrap();
    engine.set(at(0), "gc_thresh1", "100000").unwrap();
    idle(&mut engine, at(20_000));
    (engine, inside)
}

/// The table is filled so that telling the sender of a dead address makes room by collecting; the entry
/// that just FAILED must not be pulled away from under its own notification (CRE-3, NUD-24, QUE-8).
#[test]
fn an_entry_that_fails_may_be_collected_while_its_senders_are_told() {
    let (mut engine, inside) = router();
    let packet = |from: [u8; 4]| {
        let packet = frames::packet(from.into(), IpAddr::from([10, 2, 0, 9]), 1);
        frames::eth(MAC, 0x0800, &packet)
    };
    assert!(matches!(
        engine.handle_frame(at(20_000), inside, &packet([10, 1, 0, 7])),
        Input::Forwarded(Sent::Queued)
    ));
    idle(&mut engine, at(23_900));
    let _ = engine.handle_frame(at(24_000), inside, &packet([10, 1, 0, 7]));
    for n in 0..550_u16 {
        let [high, low] = n.to_be_bytes();
        let sender = Ipv4Addr::new(10, 1, high + 1, low);
        let mut request = frames::arp_request(sender.into(), [2, 0, 0, 0, 0, 9], ip("10.1.0.1")).frame();
        request[..6].copy_from_slice(&BROADCAST);
        let _ = engine.handle_frame(at(24_000), inside, &request);
    }
    idle(&mut engine, at(30_000));
    let _ = engine.handle_frame(at(30_000), inside, &packet([10, 1, 0, 8]));
    let events = idle(&mut engine, at(40_000));
    let dead = ip("10.2.0.9");
    let told: Vec<NudState> = events
        .iter()
        .filter_map(|event| match event {
            EventKind::NewNeigh { neighbour, .. } if neighbour.address == dead => Some(neighbour.state),
            _ => None,
        })
        .collect();
    assert_eq!(told, [NudState::FAILED], "who failed is who is told of");
    assert!(engine.stats(Family::Inet).forced_gc_runs > 0, "the case is the one meant");
}

/// An `Instant` counts from any start: also on a machine that has been up for months.
#[test]
fn the_first_moment_may_be_any() {
    for days in [0, 99, 100, 150, 198, 250, 1000] {
        let start = Instant::since_start(Duration::from_secs(days * 86_400));
        let mut engine = Engine::new(Config::default().seed(1));
        let dev = engine.add_device(start, ethernet("a", 1).address(prefix("192.0.2.1/24"))).unwrap();
        let peer = ip("192.0.2.2");
        assert_eq!(engine.send(start, dev, peer, vec![0x45; 28]), Sent::Queued);
        let state = |engine: &Engine| engine.neighbour(dev, peer).map(|n| (n.state, n.probes));
        assert_eq!(state(&engine), Some((NudState::INCOMPLETE, 4)), "{days} days");
        idle(&mut engine, start + ms(900));
        assert_eq!(state(&engine), Some((NudState::INCOMPLETE, 4)), "{days} days: a second, no less");
        idle(&mut engine, start + ms(2_900));
        assert_eq!(state(&engine), Some((NudState::INCOMPLETE, 6)), "{days} days");
        idle(&mut engine, start + ms(3_100));
        assert_eq!(state(&engine), Some((NudState::FAILED, 6)), "{days} days");
    }
}

#[test]
fn a_device_that_is_refused_leaves_nothing_behind() {
    let mut engine = Engine::new(Config::default().seed(1));
    let twice = ethernet("a", 1).address(prefix("192.0.2.1/24")).address(prefix("192.0.2.1/24"));
    assert!(matches!(engine.add_device(at(0), twice), Err(DeviceError::InterfaceAddress(_))));
    assert!(matches!(
        engine.add_device(at(0), Device::ethernet("a", [1; 6])),
        Err(DeviceError::Address { .. })
    ));
    assert_eq!(engine.device_ids().count(), 0);
    assert!(engine.add_device(at(0), ethernet("a", 1).address(prefix("192.0.2.1/24"))).is_ok());
}

#[test]
fn a_packet_to_ourselves_asks_nobody() {
    let mut engine = Engine::new(Config::default().seed(1));
    engine.add_device(at(0), ethernet("a", 1).address(prefix("192.0.2.1/24")).link_local(false)).unwrap();
    let packet = frames::packet(ip("192.0.2.1"), ip("192.0.2.1"), 1);
    assert!(
        matches!(engine.send_ip(at(1), packet.clone(), None), Sent::Refused(_)),
        "there is no loopback device"
    );
    assert!(engine.poll_transmit().is_none());
    let lo = engine.add_device(at(1), Device::loopback("lo")).unwrap();
    assert_eq!(engine.send_ip(at(2), packet, None), Sent::Sent);
    assert_eq!(engine.poll_transmit().map(|t| t.device), Some(lo));
}

#[test]
fn a_held_neighbour_sends_wakes_the_engine_and_outlives_its_entry() {
    let mut engine = Engine::new(Config::default().seed(1));
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    assert!(engine.on_handover(move || {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    let dev = engine.add_device(at(0), ethernet("a", 1).address(prefix("192.0.2.1/24"))).unwrap();
    let peer = ip("192.0.2.2");
    let held = engine.hold(at(1), dev, peer).unwrap();
    assert!(!engine.on_handover(|| ()), "too late: a reference is out");
    assert_eq!((held.device(), held.address()), (dev, peer));
    assert!(matches!(held.output(at(1), vec![0x45; 28]), Output::HandedOver), "nothing is known yet");
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    engine.handle_timeout(at(1));
    assert_eq!(held.state(), NudState::INCOMPLETE);
    let answer = frames::arp_reply(peer, [2, 0, 0, 0, 0, 9]).frame();
    let _ = engine.handle_frame(at(2), dev, &answer);
    let Output::Send(hit, packet) = held.output(at(3), vec![0x45; 28]) else {
        panic!("a connected neighbour")
    };
    assert_eq!((hit.header().unwrap()[..6].to_vec(), packet.len()), (vec![2, 0, 0, 0, 0, 9], 28));
    idle(&mut engine, at(60_000));
    assert_eq!(held.state(), NudState::STALE);
    for _ in 0..2 {
        assert!(matches!(held.output(at(60_001), vec![0x45; 28]), Output::Send(..)));
    }
    assert_eq!(woken.load(Ordering::SeqCst), 2, "a stale neighbour is told of once");
    engine.handle_timeout(at(60_002));
    assert_eq!(held.state(), NudState::DELAY);
    engine.set_link(at(60_003), dev, false);
    assert!(held.is_dead());
    assert!(
        matches!(held.output(at(60_004), vec![0x45; 28]), Output::HandedOver),
        "the engine looks it up anew"
    );
    let mut other = Engine::new(Config::default().seed(2));
    assert!(matches!(other.send_by(at(0), &held, vec![0x45; 28]), Sent::Refused(_)), "of another engine");
}

#[test]
fn no_device_speaks_a_family_that_its_mtu_is_too_small_for() {
    let mut engine = Engine::new(Config::default().seed(1));
    let dev = engine.add_device(at(0), ethernet("a", 1).address(prefix("192.0.2.1/24"))).unwrap();
    idle(&mut engine, Instant::ZERO + secs(5));
    for (mtu, speaks) in
        [(1279, [true, false]), (67, [false, false]), (68, [true, false]), (1500, [true, true])]
    {
        engine.set_mtu(at(6_000), dev, mtu);
        assert_eq!(Family::BOTH.map(|family| engine.speaks(dev, family)), speaks, "MTU {mtu}");
    }
    assert_eq!(
        engine.addresses(dev).filter(|a| a.address().is_ipv6()).count(),
        1,
        "a new link-local address"
    );
}
