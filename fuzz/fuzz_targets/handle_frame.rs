//! Frames at the engine's door, on devices of three kinds, with time passing and packets going out.
//!
//! The input is a sequence of `length, device and time, frame`; each ICMPv6 checksum is made right
//! half of the time, so that the messages behind it are reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neighbour::{Config, Device, Engine, Family, Input, Instant};
use neighbour_wire::icmpv6;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Makes the checksum of an ICMPv6 message without extension headers right.
fn mend(frame: &mut [u8]) {
    if frame.len() < 58 || frame[12..14] != [0x86, 0xdd] || frame[20] != 58 {
        return;
    }
    let len = usize::from(u16::from_be_bytes([frame[18], frame[19]]));
    let address = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).map(Ipv6Addr::from);
    let (Ok(source), Ok(destination)) = (address(&frame[22..38]), address(&frame[38..54])) else { return };
    if let Some(payload) = frame.get_mut(54..54 + len)
        && payload.len() >= 4
    {
        icmpv6::finish(payload, source, destination);
    }
}

fuzz_target!(|input: &[u8]| {
    let config = Config { max_events: 64, max_transmit: 64, ..Config::default().seed(1) };
    let mut engine = Engine::new(config);
    let mut now = Instant::ZERO;
    for name in ["conf/accept_dad", "neigh/default/gc_thresh1"] {
        engine.set(now, name, "0").expect("a name there is");
    }
    for (name, value) in [("gc_thresh2", "8"), ("gc_thresh3", "16"), ("conf/arp_accept", "1")] {
        engine.set(now, name, value).expect("a name there is");
    }
    let devices = [
        Device::ethernet("a", [2, 0, 0, 0, 0, 1])
            .address("10.9.0.1/16".parse().expect("a prefix"))
            .address("fd09::1/64".parse().expect("a prefix")),
        Device::infiniband("b", [2; 20], [0xff; 20]).address("10.8.0.1/16".parse().expect("a prefix")),
        Device::point_to_point("c").address("10.7.0.1/16".parse().expect("a prefix")),
    ];
    let devices: Vec<_> =
        devices.into_iter().map(|d| engine.add_device(now, d).expect("three different devices")).collect();

    let mut rest = input;
    while let [len, what, more @ ..] = rest {
        let (frame, after) = more.split_at(usize::from(*len).min(more.len()));
        rest = after;
        let mut frame = frame.to_vec();
        if what & 0x40 != 0 {
            mend(&mut frame);
        }
        let device = devices[usize::from(*what) % devices.len()];
        if what & 0x80 != 0 {
            now += Duration::from_millis(u64::from(*what) * 40);
            engine.handle_timeout(now);
        }
        if let Input::Ip(packet) = engine.handle_frame(now, device, &frame) {
            let packet = packet.to_vec();
            let _ = engine.send_ip(now, packet, Some(device));
        }
        if what & 0x20 != 0 {
            let to = IpAddr::from([10, 9, 0, *len]);
            let _ = engine.send(now, device, to, vec![0x45; 28]);
        }
        while engine.poll_transmit().is_some() {}
        while engine.poll_event().is_some() {}
        for family in Family::BOTH {
            let counted = engine.gc_entries(family) as usize;
            assert!(counted <= engine.neighbours(family).count());
            assert!(counted <= 17, "gc_thresh3 holds: {counted}");
        }
    }
});
