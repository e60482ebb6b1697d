//! The IP host above the engine, as far as the rows need one: it answers echo requests.

use crate::oracle::world::own_v6;
use neighbour_wire::echo::Echo;
use neighbour_wire::ipv4::Ipv4;
use neighbour_wire::ipv6::Ipv6;
use neighbour_wire::{icmpv4, icmpv6};

/// Linux's `ip_default_ttl`.
const TTL: u8 = 64;

/// The answer to a packet, if there is one. `hop_limit` is the device's for IPv6.
pub(crate) fn answer(packet: &[u8], hop_limit: u8) -> Option<Vec<u8>> {
    match packet.first()? >> 4 {
        4 => answer_v4(packet),
        6 => answer_v6(packet, hop_limit),
        _ => None,
    }
}

fn answer_v4(packet: &[u8]) -> Option<Vec<u8>> {
    let ip = Ipv4::parse(packet).ok()?;
    // Echo requests to broadcast and groups are left unanswered (icmp_echo_ignore_broadcasts = 1).
    let group = ip.destination.is_broadcast() || ip.destination.is_multicast();
    if ip.protocol != icmpv4::PROTOCOL || ip.fragment || group || !icmpv4::checksum_ok(ip.payload) {
        return None;
    }
    let echo = icmpv4::parse_echo(ip.payload).filter(|echo| !echo.reply)?;
    let mut buf = Vec::new();
    icmpv4::emit_echo(&mut buf, ip.destination, ip.source, TTL, &Echo { reply: true, ..echo });
    Some(buf)
}

fn answer_v6(packet: &[u8], hop_limit: u8) -> Option<Vec<u8>> {
    let ip = Ipv6::parse(packet).ok()?;
    let upper = ip.upper().ok()?;
    let fragment = upper.fragment.is_some_and(|fragment| !fragment.is_atomic());
    if upper.protocol != icmpv6::PROTOCOL || fragment || ip.source.is_unspecified() {
        return None;
    }
    if !icmpv6::checksum_ok(ip.source, ip.destination, upper.payload) {
        return None;
    }
    let echo = icmpv6::parse_echo(upper.payload).filter(|echo| !echo.reply)?;
    let from = if ip.destination.is_multicast() { own_v6(ip.source) } else { ip.destination };
    let mut buf = Vec::new();
    icmpv6::emit_echo(&mut buf, from, ip.source, hop_limit, &Echo { reply: true, ..echo });
    Some(buf)
}
