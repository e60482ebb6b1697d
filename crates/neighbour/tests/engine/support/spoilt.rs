//! Frames that no one should send, and what becomes of them.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of this")]

use std::net::Ipv6Addr;

use super::v6;
use crate::common::frames::{self, ALL_NODES, eth, mac_of};
use crate::common::{PEER_MAC, World, own, peer};
use neighbour::{DropReason as Why, Family};
use neighbour_wire::ethernet::ethertype;
use neighbour_wire::icmpv6::{self, kind};
use neighbour_wire::ipv6::{self, solicited_node};

/// The neighbours there are, groups left out.
pub fn neighbours(world: &World) -> usize {
    let entries = Family::BOTH.into_iter().flat_map(|family| world.hosts[0].engine.neighbours(family));
    entries.filter(|n| !n.address.is_multicast()).count()
}

/// The frame is dropped for this reason, which is counted once, and nothing is learned or said.
#[track_caller]
pub fn dropped(world: &mut World, frame: &[u8], why: Why, what: &str) {
    let (before, entries) = (world.drops(why), neighbours(world));
    world.forget();
    assert_eq!(world.frame(frame), Err(why), "{what}");
    assert_eq!(world.drops(why), before + 1, "{what}: counted");
    assert_eq!(neighbours(world), entries, "{what}: nobody is learned");
    assert_eq!(world.take_sent(), [], "{what}: no answer");
}

/// A sender whom nobody knows.
pub const STRANGER: &str = "fe80::bad";

/// An ICMPv6 message in an IPv6 packet in a frame, checksum right.
pub fn icmp(source: Ipv6Addr, destination: Ipv6Addr, hop_limit: u8, message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    icmpv6::finish(&mut message, source, destination);
    let mut packet = Vec::new();
    ipv6::emit_header(&mut packet, source, destination, icmpv6::PROTOCOL, hop_limit, 0, message.len());
    packet.extend_from_slice(&message);
    eth(mac_of(destination), ethertype::IPV6, &packet)
}

/// A solicitation's or advertisement's message for a target, with these options.
pub fn message(kind: u8, flags: u8, target: Ipv6Addr, options: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, flags, 0, 0, 0];
    message.extend_from_slice(&target.octets());
    message.extend_from_slice(options);
    message
}

/// The option with a source or target address.
pub fn option(kind: u8, mac: [u8; 6]) -> Vec<u8> {
    [&[kind, 1][..], &mac[..]].concat()
}

/// Messages of all five types that are right but for what a test spoils: name, message, destination.
pub fn messages() -> Vec<(&'static str, Vec<u8>, Ipv6Addr)> {
    let own = frames::v6(own(Family::Inet6));
    let sllao = option(1, PEER_MAC);
    let router = [&[kind::RS, 0, 0, 0, 0, 0, 0, 0][..], &sllao].concat();
    let advert = [&[kind::RA, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0][..], &sllao].concat();
    let redirect =
        [&message(kind::REDIRECT, 0, v6("fe80::2"), &[])[..], &v6("2001:db8:9::1").octets()].concat();
    vec![
        ("NS", message(kind::NS, 0, own, &sllao), solicited_node(&own)),
        ("NA", message(kind::NA, 0x60, frames::v6(peer(Family::Inet6)), &option(2, PEER_MAC)), own),
        ("RS", router, ALL_NODES),
        ("RA", advert, ALL_NODES),
        ("redirect", redirect, own),
    ]
}
