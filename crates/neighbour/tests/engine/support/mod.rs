//! Packets of others, routers, and ICMP read back: for the tests of forwarding, proxies and routers.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of this")]

pub mod admission;
pub mod spoilt;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::common::frames::{self, ALL_NODES, Seen, eth, mac_of};
use crate::common::{World, ip, lladdr, ms, prefix};
use neighbour::{Device, DeviceId, Input, NewNeigh, NudState, Sent};
use neighbour_wire::ethernet::ethertype;
use neighbour_wire::ndisc::{self, Header, PrefixInfo, RedirectRepr, RouterAdvertRepr};
use neighbour_wire::{ethernet, icmpv4, icmpv6, ipv4, ipv6};

/// The hardware address of our second device.
pub const MAC_1: [u8; 6] = [2, 0, 0, 0, 1, 1];

/// A hardware address of somebody else.
pub const fn mac(n: u8) -> [u8; 6] {
    [2, 0, 0, 0, 0xee, n]
}

/// The link-local address of somebody else.
pub const fn fe80(n: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, n)
}

/// A world whose host forwards between eth0 (192.0.2.1/24, 2001:db8::1/64) and a second device, eth1
/// (198.51.100.1/24, 2001:db8:1::1/64); a parameter of eth1 itself is to be set afterwards.
#[track_caller]
pub fn router(knobs: &[(&str, &str)]) -> (World, DeviceId) {
    router_with_mtu(knobs, 1500)
}

/// The same with this MTU of eth1; under 1280 eth1 has no IPv6.
#[track_caller]
pub fn router_with_mtu(knobs: &[(&str, &str)], mtu: u32) -> (World, DeviceId) {
    let knobs: Vec<_> = [("conf/forwarding", "1")].iter().chain(knobs).copied().collect();
    let mut world = World::linux(&knobs);
    let mut device = Device::ethernet("eth1", MAC_1).mtu(mtu).address(prefix("198.51.100.1/24"));
    if mtu >= 1280 {
        device = device.address(prefix("2001:db8:1::1/64"));
    }
    let now = world.now;
    let dev = world.engine().add_device(now, device).expect("a second device");
    world.run_for(ms(1100));
    world.forget();
    (world, dev)
}

/// Takes a frame in by a device.
pub fn take<'f>(world: &mut World, dev: DeviceId, frame: &'f [u8]) -> Input<'f> {
    let now = world.now;
    let input = world.engine().handle_frame(now, dev, frame);
    world.settle();
    input
}

/// Takes in, by eth0, an IP packet in a frame to our own address.
pub fn pass(world: &mut World, packet: &[u8]) -> Result<Option<Sent>, neighbour::DropReason> {
    let dev = world.dev();
    match take(world, dev, &to_us(packet)) {
        Input::Forwarded(sent) => Ok(Some(sent)),
        Input::Dropped(reason) => Err(reason),
        _ => Ok(None),
    }
}

/// A frame to our own address with an IP packet.
pub fn to_us(packet: &[u8]) -> Vec<u8> {
    let kind = if packet[0] >> 4 == 4 { ethertype::IPV4 } else { ethertype::IPV6 };
    eth(crate::common::MAC, kind, packet)
}

/// A packet with `len` bytes of payload and this hop limit; IPv4 with "do not fragment".
pub fn packet(source: &str, destination: &str, hops: u8, len: usize) -> Vec<u8> {
    let mut packet = Vec::new();
    match (ip(source), ip(destination)) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            ipv4::emit_header(&mut packet, source, destination, 253, hops, len);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            ipv6::emit_header(&mut packet, source, destination, 253, hops, 0, len);
        }
        _ => panic!("{source} and {destination} are of two families"),
    }
    packet.extend((0..len).map(|n| n as u8));
    packet
}

/// Writes flags and fragment offset of an IPv4 packet, and its checksum.
pub fn with_fragment_field(mut packet: Vec<u8>, field: u16) -> Vec<u8> {
    packet[6..8].copy_from_slice(&field.to_be_bytes());
    packet[10..12].fill(0);
    let sum = icmpv4::checksum(&packet[..20]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// The same packet after one more router.
pub fn one_hop_on(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    if packet[0] >> 4 == 4 {
        packet[8] -= 1;
        packet[10..12].fill(0);
        let sum = icmpv4::checksum(&packet[..20]);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
    } else {
        packet[7] -= 1;
    }
    packet
}

/// Makes a neighbour PERMANENT at [`mac`]`(n)`.
#[track_caller]
pub fn settled(world: &mut World, dev: DeviceId, address: &str, n: u8) {
    let request = world.request(ip(address), Some(mac(n)), NudState::PERMANENT);
    assert_eq!(world.admin(NewNeigh { device: dev, ..request }), Ok(()), "{address}");
    world.forget();
}

/// The IP packets that left by a device since the last look, with the hardware address they went to;
/// without solicitations, advertisements and reports.
pub fn packets(world: &World, dev: DeviceId) -> Vec<([u8; 6], Vec<u8>)> {
    let by_dev = world.hosts[0].frames.iter().filter(|(_, by, _)| *by == dev);
    by_dev.filter_map(|(_, _, frame)| ip_packet(frame)).collect()
}

fn ip_packet(frame: &[u8]) -> Option<([u8; 6], Vec<u8>)> {
    let eth = ethernet::Frame::parse(frame).ok()?;
    let own_talk = match eth.ethertype {
        ethertype::IPV4 => false,
        ethertype::IPV6 => {
            let upper = ipv6::Ipv6::parse(eth.payload).expect("IPv6 of ours is whole").upper();
            upper.is_ok_and(|u| u.protocol == icmpv6::PROTOCOL && matches!(u.payload[0], 130..=136 | 143))
        }
        _ => return None,
    };
    (!own_talk).then(|| (eth.destination, eth.payload.to_vec()))
}

/// All that was seen on a device, decoded.
pub fn seen_by(world: &World, dev: DeviceId) -> Vec<Seen> {
    let by_dev = world.hosts[0].frames.iter().filter(|(_, by, _)| *by == dev);
    by_dev.map(|(_, _, frame)| frames::decode(frame)).collect()
}

/// An ICMP error or redirect of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icmp {
    pub to: [u8; 6],
    pub source: IpAddr,
    pub destination: IpAddr,
    pub kind: u8,
    pub code: u8,
    /// The four bytes behind the checksum.
    pub rest: u32,
    /// What follows them.
    pub quoted: Vec<u8>,
    /// Of the IP packet.
    pub hops: u8,
    pub len: usize,
}

/// The ICMP errors and redirects that left by a device.
#[track_caller]
pub fn errors(world: &World, dev: DeviceId) -> Vec<Icmp> {
    packets(world, dev).iter().filter_map(|(to, packet)| icmp(*to, packet)).collect()
}

#[track_caller]
fn icmp(to: [u8; 6], packet: &[u8]) -> Option<Icmp> {
    let (source, destination, hops, message): (IpAddr, IpAddr, _, _) = match packet[0] >> 4 {
        4 => {
            let parsed = ipv4::Ipv4::parse(packet).expect("IPv4 of ours is whole");
            if parsed.protocol != icmpv4::PROTOCOL || !matches!(parsed.payload[0], 3 | 5 | 11) {
                return None;
            }
            assert!(icmpv4::checksum_ok(parsed.payload), "a checksum of ours is wrong");
            (parsed.source.into(), parsed.destination.into(), parsed.ttl, parsed.payload)
        }
        _ => {
            let parsed = ipv6::Ipv6::parse(packet).expect("IPv6 of ours is whole");
            let Ok(upper) = parsed.upper() else { return None };
            if upper.protocol != icmpv6::PROTOCOL || !matches!(upper.payload[0], 1..=4 | 137) {
                return None;
            }
            assert!(icmpv6::checksum_ok(parsed.source, parsed.destination, upper.payload));
            (parsed.source.into(), parsed.destination.into(), parsed.hop_limit, upper.payload)
        }
    };
    let rest = u32::from_be_bytes(message[4..8].try_into().expect("four bytes"));
    let (kind, code, quoted) = (message[0], message[1], message[8..].to_vec());
    Some(Icmp { to, source, destination, kind, code, rest, quoted, hops, len: packet.len() })
}

/// A router advertisement to all nodes.
pub fn ra(source: Ipv6Addr, advert: &RouterAdvertRepr<'_>) -> Vec<u8> {
    let mut packet = Vec::new();
    let header = Header { source, destination: ALL_NODES, traffic_class: 0 };
    ndisc::emit_router_advert(&mut packet, &header, advert);
    eth(mac_of(ALL_NODES), ethertype::IPV6, &packet)
}

/// The router `n`, `fe80::n` at [`mac`]`(n)`, advertises itself for so many seconds.
#[track_caller]
pub fn advertises(world: &mut World, n: u8, lifetime_s: u16) {
    let advert = RouterAdvertRepr { lifetime_s, source_lladdr: lladdr(mac(n)), ..Default::default() };
    assert_eq!(world.frame(&ra(fe80(u16::from(n)), &advert)), Ok(()));
}

/// Router 10 advertises a prefix.
#[track_caller]
pub fn advertises_prefix(world: &mut World, lifetime_s: u16, prefixes: &[PrefixInfo]) {
    let source_lladdr = lladdr(mac(10));
    let advert = RouterAdvertRepr { lifetime_s, source_lladdr, prefixes, ..Default::default() };
    assert_eq!(world.frame(&ra(fe80(10), &advert)), Ok(()));
}

/// A redirect to our address `2001:db8::1` by `source`, about a packet of ours to the destination.
pub fn redirect(
    source: Ipv6Addr,
    target: Ipv6Addr,
    destination: Ipv6Addr,
    target_mac: Option<[u8; 6]>,
) -> Vec<u8> {
    let redirected = packet("2001:db8::1", &destination.to_string(), 64, 8);
    let target_lladdr = target_mac.and_then(lladdr);
    let redirect = RedirectRepr { target, destination, target_lladdr, pad: 0, redirected: &redirected };
    redirect_frame(source, &redirect)
}

/// The same as said.
pub fn redirect_frame(source: Ipv6Addr, redirect: &RedirectRepr<'_>) -> Vec<u8> {
    let destination = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let mut packet = Vec::new();
    ndisc::emit_redirect(&mut packet, &Header { source, destination, traffic_class: 0 }, redirect);
    eth(crate::common::MAC, ethertype::IPV6, &packet)
}

/// Sends an IPv6 packet of ours where the routes lead; gives back where it went, if it left at once.
pub fn send_far(world: &mut World, destination: &str) -> (Sent, Option<[u8; 6]>) {
    let now = world.now;
    let tagged = frames::packet(ip("2001:db8::1"), ip(destination), 0x5a);
    let before = world.hosts[0].frames.len();
    let sent = world.engine().send_ip(now, tagged.clone(), None);
    world.settle();
    let new = world.hosts[0].frames[before..].iter().filter_map(|(_, _, frame)| ip_packet(frame));
    let mut to = new.filter(|(_, packet)| *packet == tagged).map(|(to, _)| to);
    (sent, to.next_back())
}

/// An IPv4 address from text.
pub fn v4(text: &str) -> Ipv4Addr {
    frames::v4(ip(text))
}

/// An IPv6 address from text.
pub fn v6(text: &str) -> Ipv6Addr {
    frames::v6(ip(text))
}
