//! Frames at the engine's door, on devices of three kinds, with time passing and packets going out; after each of them
//! what must always hold is checked.
//!
//! The input is a sequence of `length, device and time, frame`; each ICMPv6 checksum is made right
//! half of the time, so that the messages behind it are reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neighbour::{Config, Device, Family};
use neighbour_sim::ops::{Op, Trial};

fn trial() -> Trial {
    let prefix = |text: &str| text.parse().expect("a prefix");
    let devices = vec![
        Device::ethernet("a", [2, 0, 0, 0, 0, 1])
            .address(prefix("192.0.2.1/24"))
            .address(prefix("2001:db8::1/64")),
        Device::infiniband("b", [2; 20], [0xff; 20]).address(prefix("10.8.0.1/16")),
        Device::point_to_point("c").address(prefix("10.7.0.1/16")),
    ];
    let config = Config { max_events: 64, max_transmit: 64, ..Config::default().seed(1) };
    Trial::with(config, Family::Inet, devices)
}

fuzz_target!(|input: &[u8]| {
    let mut trial = trial();
    let mut rest = input;
    while let [len, what, more @ ..] = rest {
        let (frame, after) = more.split_at(usize::from(*len).min(more.len()));
        rest = after;
        let time = (what & 0x80 != 0).then(|| Op::Time(u16::from(*what) * 40));
        let frame = Op::Frame { device: *what, mend: what & 0x40 != 0, bytes: frame.to_vec() };
        let send = (what & 0x20 != 0).then(|| Op::Send { peer: *len % neighbour_sim::ops::PEERS, len: 28 });
        for op in time.into_iter().chain([frame]).chain(send) {
            trial.apply(&op);
            let broken = trial.broken();
            assert!(broken.is_empty(), "after {op:?}: {broken:?}");
        }
    }
});
