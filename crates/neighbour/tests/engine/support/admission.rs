//! A small table under admission by class, for the tests of whom it has and of what goes on past it.

use super::{MAC_1, packet, pass};
use crate::common::frames::{Seen, arp_request, ns_multicast};
use crate::common::{PEER_MAC, World, ethernet, ip, ms, nth, own, secs};
use neighbour::{Admission, Config, Device, DeviceId, DropReason, Family, NudState, Sent};
use std::net::IpAddr;

/// Nothing beyond Linux but admission by class.
pub fn config() -> Config {
    Config { admission: Admission::guarded(), ..Config::default().seed(21) }
}

/// Small enough to read: 100 entries, of which 50 may be unresolved (40 on a device, 10 for a source) and 20 only
/// heard of.
pub const SMALL: &[(&str, &str)] = &[
    ("gc_thresh1", "10"),
    ("gc_thresh2", "60"),
    ("gc_thresh3", "100"),
    ("unresolved_source_percent", "10"),
    ("heard_percent", "20"),
];

/// A host with such a table.
pub fn small() -> World {
    World::build(config(), SMALL, ethernet("eth0", 1))
}

/// A router between eth0 and eth1, where 10.1.0.0/16 and 2001:db8:1::/64 are.
pub fn small_router() -> (World, DeviceId) {
    let knobs: Vec<_> = [("conf/forwarding", "1")].iter().chain(SMALL).copied().collect();
    let mut world = World::build(config(), &knobs, ethernet("eth0", 1));
    let device = Device::ethernet("eth1", MAC_1);
    let device = device.address("10.1.0.1/16".parse().unwrap()).address("2001:db8:1::1/64".parse().unwrap());
    let now = world.now;
    let eth1 = world.engine().add_device(now, device).expect("a second device");
    world.run_for(ms(1100));
    world.forget();
    (world, eth1)
}

/// The `n`-th host behind eth1.
pub fn behind(family: Family, n: u32) -> String {
    match family {
        Family::Inet => format!("10.1.{}.{}", n / 256, n % 256),
        Family::Inet6 => format!("2001:db8:1::{n:x}"),
    }
}

/// A host in the `n`-th prefix of the outside, for which eth0's neighbour stands.
pub fn outside(family: Family, n: u32) -> String {
    match family {
        Family::Inet => format!("203.{}.{}.7", n / 256, n % 256),
        Family::Inet6 => format!("2001:db8:{:x}::7", n + 0x100),
    }
}

/// A packet of this source for this destination comes in by eth0, to be passed on.
pub fn forward(world: &mut World, source: &str, destination: &str) -> Result<Option<Sent>, DropReason> {
    pass(world, &packet(source, destination, 64, 8))
}

/// The same frame to our second address.
pub fn to_eth1(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[..6].copy_from_slice(&MAC_1);
    frame
}

/// A neighbour is sought and answers.
pub fn verified(world: &mut World, address: IpAddr, mac: [u8; 6]) {
    assert_eq!(world.send(address, 1), Sent::Queued, "{address}");
    world.answer(address, mac);
    world.expect_state(address, NudState::REACHABLE);
}

/// So many neighbours that have answered, and are STALE and old enough for Linux to collect.
pub fn established(world: &mut World, family: Family, count: u32) -> Vec<IpAddr> {
    let known: Vec<IpAddr> = (0..count).map(|n| nth(family, 300 + n)).collect();
    for address in &known {
        verified(world, *address, PEER_MAC);
    }
    world.run_for(secs(40));
    world.forget();
    known
}

/// Sends a packet to each of so many hosts, from the `first` on, whatever becomes of it.
pub fn seek(world: &mut World, family: Family, first: u32, count: u32) {
    for n in 0..count {
        let _ = world.send(nth(family, first + n), 1);
    }
}

/// The `n`-th group that nobody has to be asked for.
pub fn group(family: Family, n: u32) -> IpAddr {
    match family {
        Family::Inet => ip(&format!("239.1.{}.{}", n / 256, n % 256)),
        Family::Inet6 => ip(&format!("ff1e::{n:x}")),
    }
}

/// A frame in which this station asks for our address, and so tells of itself.
pub fn speaks(address: IpAddr, mac: [u8; 6]) -> Vec<u8> {
    match address {
        IpAddr::V4(_) => arp_request(address, mac, own(Family::Inet)).frame(),
        IpAddr::V6(_) => ns_multicast(address, mac, own(Family::Inet6)),
    }
}

/// How many requests and solicitations we have answered.
pub fn answers(world: &World) -> usize {
    let answer = |seen: &Seen| matches!(seen, Seen::Arp { request: false, .. } | Seen::Advert { .. });
    world.sent().iter().filter(|(_, seen)| answer(seen)).count()
}
