//! ICMP errors about a packet, and the IPv4 redirect (RFC 792, RFC 1812 section 4.3.2, RFC 4443
//! section 2.4).

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::bytes::put;
use crate::{icmpv4, icmpv6, ipv4, ipv6};

/// An error is at most this long for IPv4 (RFC 1812 section 4.3.2.3), and carries as much of the packet as fits.
const MAX_V4: usize = 576;
/// An error is at most this long for IPv6: the minimum MTU (RFC 4443 section 3).
const MAX_V6: usize = 1280;
const HOP_LIMIT: u8 = 64;

/// What is wrong, or better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The neighbour does not answer: host unreachable (3/1), address unreachable (1/3).
    Unreachable,
    /// There is no route: net unreachable (3/0), no route (1/0).
    NoRoute,
    /// The hop limit ran out (11/0, 3/0).
    TimeExceeded,
    /// The packet is longer than this MTU and must not be cut: fragmentation needed (3/4), packet too big (2/0).
    TooBig(u32),
    /// IPv6: the source is not known beyond the link that the packet would leave (1/2).
    BeyondScope,
    /// IPv4: a better first hop is this (5/1). IPv6 has a message of its own for it.
    Redirect(Ipv4Addr),
}

/// Appends an IPv4 packet with the error about `cause`. False: IPv4 has no such error.
pub fn emit_v4(
    buf: &mut Vec<u8>,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    error: Error,
    cause: &[u8],
) -> bool {
    let (kind, code, rest) = match error {
        Error::Unreachable => (3, 1, 0),
        Error::NoRoute => (3, 0, 0),
        Error::TimeExceeded => (11, 0, 0),
        Error::TooBig(mtu) => (3, 4, mtu.min(0xffff)),
        Error::Redirect(gateway) => (5, 1, gateway.to_bits()),
        Error::BeyondScope => return false,
    };
    let cause = &cause[..cause.len().min(MAX_V4 - ipv4::HEADER_LEN - 8)];
    ipv4::emit_header(buf, source, destination, icmpv4::PROTOCOL, HOP_LIMIT, 8 + cause.len());
    let start = buf.len();
    body(buf, kind, code, rest, cause);
    icmpv4::finish(&mut buf[start..]);
    true
}

/// Appends an IPv6 packet with the error about `cause`. False: IPv6 has no such error.
pub fn emit_v6(
    buf: &mut Vec<u8>,
    source: Ipv6Addr,
    destination: Ipv6Addr,
    error: Error,
    cause: &[u8],
) -> bool {
    let (kind, code, rest) = match error {
        Error::Unreachable => (1, 3, 0),
        Error::NoRoute => (1, 0, 0),
        Error::TimeExceeded => (3, 0, 0),
        Error::TooBig(mtu) => (2, 0, mtu),
        Error::BeyondScope => (1, 2, 0),
        Error::Redirect(_) => return false,
    };
    let cause = &cause[..cause.len().min(MAX_V6 - 40 - 8)];
    ipv6::emit_header(buf, source, destination, icmpv6::PROTOCOL, HOP_LIMIT, 0, 8 + cause.len());
    let start = buf.len();
    body(buf, kind, code, rest, cause);
    icmpv6::finish(&mut buf[start..], source, destination);
    true
}

fn body(buf: &mut Vec<u8>, kind: u8, code: u8, rest: u32, cause: &[u8]) {
    buf.extend_from_slice(&[kind, code, 0, 0]);
    buf.extend_from_slice(&rest.to_be_bytes());
    buf.extend_from_slice(cause);
}

/// May an error be sent about this packet? Not about errors, groups, broadcasts, later fragments of IPv4, and
/// not to sources that are no host (RFC 1122 section 3.2.2, RFC 4443 section 2.4 e). Directed broadcasts are for the
/// caller to know.
pub fn may_answer(packet: &[u8]) -> bool {
    match packet.first().map(|b| b >> 4) {
        Some(4) => ipv4::Ipv4::parse(packet).is_ok_and(|ip| {
            let error =
                ip.protocol == icmpv4::PROTOCOL && !matches!(ip.payload.first(), Some(0 | 8 | 13..=18));
            let no_host = |a: Ipv4Addr| a.is_multicast() || a.is_broadcast() || a.is_unspecified();
            !error && ip.fragment_offset == 0 && !no_host(ip.source) && !no_host(ip.destination)
        }),
        Some(6) => ipv6::Ipv6::parse(packet).is_ok_and(|ip| {
            let no_host = |a: Ipv6Addr| a.is_multicast() || a.is_unspecified();
            let error = ip.upper().is_ok_and(|upper| {
                let icmp =
                    upper.protocol == icmpv6::PROTOCOL && upper.fragment.is_none_or(|f| f.offset_bytes == 0);
                icmp && upper.payload.first().is_none_or(|kind| *kind < 128 || *kind == 137)
            });
            !error && !no_host(ip.source) && !no_host(ip.destination)
        }),
        _ => false,
    }
}

/// Takes one hop off a packet's time to live. None: it ran out, or this is no IP packet.
pub fn take_hop(packet: &mut [u8]) -> Option<()> {
    match packet.first()? >> 4 {
        4 => {
            let ttl = *packet.get(8)?;
            if ttl <= 1 {
                return None;
            }
            packet[8] = ttl - 1;
            // RFC 1624: the high byte of one word went down by one, so the sum goes up by 0x0100.
            let sum = u32::from(u16::from_be_bytes([*packet.get(10)?, *packet.get(11)?])) + 0x0100;
            let sum = (sum & 0xffff) + (sum >> 16);
            put(packet, 10, &(sum as u16).to_be_bytes());
            Some(())
        }
        6 => {
            let hops = *packet.get(7)?;
            if hops <= 1 {
                return None;
            }
            packet[7] = hops - 1;
            Some(())
        }
        _ => None,
    }
}

/// The destination of an IP packet.
pub fn destination(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => Some(IpAddr::V4(<[u8; 4]>::try_from(packet.get(16..20)?).ok()?.into())),
        6 => Some(IpAddr::V6(<[u8; 16]>::try_from(packet.get(24..40)?).ok()?.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::echo::Echo;
    use alloc::vec;

    const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const B: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

    fn echo_v4(ttl: u8) -> Vec<u8> {
        let mut packet = vec![];
        icmpv4::emit_echo(&mut packet, A, B, ttl, &Echo { reply: false, id: 1, seq: 2, payload: b"abcd" });
        packet
    }

    #[test]
    fn taking_a_hop_keeps_the_header_checksum_right() {
        for ttl in 2..=255 {
            let mut packet = echo_v4(ttl);
            assert!(take_hop(&mut packet).is_some());
            assert_eq!(ipv4::Ipv4::parse(&packet).map(|p| p.ttl), Ok(ttl - 1), "ttl {ttl}");
        }
        assert!(take_hop(&mut echo_v4(1)).is_none() && take_hop(&mut echo_v4(0)).is_none());
    }

    #[test]
    fn an_error_carries_the_packet_it_is_about() {
        let cause = echo_v4(1);
        let mut error = vec![];
        assert!(emit_v4(&mut error, B, A, Error::TooBig(1400), &cause));
        let parsed = ipv4::Ipv4::parse(&error).unwrap();
        assert!(icmpv4::checksum_ok(parsed.payload));
        assert_eq!(parsed.payload[..2], [3, 4]);
        assert_eq!(parsed.payload[4..8], 1400u32.to_be_bytes());
        assert_eq!(parsed.payload[8..], cause);
    }

    #[test]
    fn errors_stay_within_the_length_every_host_takes() {
        let mut cause = vec![0x60];
        cause.resize(3000, 0);
        let mut error = vec![];
        assert!(emit_v6(&mut error, Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, Error::NoRoute, &cause));
        assert_eq!(error.len(), 1280);
        let mut error = vec![];
        assert!(emit_v4(&mut error, A, B, Error::NoRoute, &cause));
        assert_eq!(error.len(), 576);
    }

    #[test]
    fn no_error_is_sent_about_an_error_a_group_or_nobody() {
        assert!(may_answer(&echo_v4(1)));
        let mut error = vec![];
        assert!(emit_v4(&mut error, B, A, Error::Unreachable, &echo_v4(1)));
        assert!(!may_answer(&error));
        let mut group = vec![];
        crate::udp::emit_ipv4(&mut group, A, Ipv4Addr::new(224, 0, 0, 1), 1, 2, b"");
        assert!(!may_answer(&group));
        let mut nobody = vec![];
        crate::udp::emit_ipv4(&mut nobody, Ipv4Addr::UNSPECIFIED, B, 1, 2, b"");
        assert!(!may_answer(&nobody) && !may_answer(&[]));
    }
}
