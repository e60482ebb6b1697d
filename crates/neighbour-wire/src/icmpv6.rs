//! ICMPv6: checksum, type numbers and echo (RFC 4443).

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use etherparse::checksum::Sum16BitWords;

use crate::bytes::{fit, put};
use crate::echo::{self, Echo};
use crate::ipv6;

/// Next-header number of ICMPv6.
pub const PROTOCOL: u8 = 58;

/// Message types.
pub mod kind {
    /// Destination unreachable.
    pub const DST_UNREACH: u8 = 1;
    /// Echo request.
    pub const ECHO_REQUEST: u8 = 128;
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 129;
    /// Multicast listener query, both versions.
    pub const MLD_QUERY: u8 = 130;
    /// Multicast listener report, version 1.
    pub const MLD_REPORT: u8 = 131;
    /// Multicast listener done, version 1.
    pub const MLD_DONE: u8 = 132;
    /// Router solicitation.
    pub const RS: u8 = 133;
    /// Router advertisement.
    pub const RA: u8 = 134;
    /// Neighbour solicitation.
    pub const NS: u8 = 135;
    /// Neighbour advertisement.
    pub const NA: u8 = 136;
    /// Redirect.
    pub const REDIRECT: u8 = 137;
    /// Multicast listener report, version 2.
    pub const MLDV2_REPORT: u8 = 143;
}

/// The checksum over the pseudo header and `payload` as it is given. With the checksum field zero, it is what
/// belongs there; with a right checksum in place, it is 0.
pub fn checksum(source: Ipv6Addr, destination: Ipv6Addr, payload: &[u8]) -> u16 {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    Sum16BitWords::new()
        .add_16bytes(source.octets())
        .add_16bytes(destination.octets())
        .add_4bytes(length.to_be_bytes())
        .add_2bytes([0, PROTOCOL])
        .add_slice(payload)
        .ones_complement()
        .to_be()
}

/// Whether the checksum in `payload` (from the type byte on) is right.
pub fn checksum_ok(source: Ipv6Addr, destination: Ipv6Addr, payload: &[u8]) -> bool {
    payload.len() >= 4 && checksum(source, destination, payload) == 0
}

/// Writes the checksum into a message, from its type byte on. Does nothing to one shorter than four bytes.
pub fn finish(message: &mut [u8], source: Ipv6Addr, destination: Ipv6Addr) {
    put(message, 2, &[0, 0]);
    let sum = checksum(source, destination, message);
    put(message, 2, &sum.to_be_bytes());
}

/// Reads an echo message, from its type byte on; the checksum is not looked at. `None` for other messages.
pub fn parse_echo(bytes: &[u8]) -> Option<Echo<'_>> {
    Echo::parse(bytes, kind::ECHO_REQUEST, kind::ECHO_REPLY)
}

/// Appends an IPv6 packet with an echo message. A payload that no packet can hold is cut.
pub fn emit_echo(buf: &mut Vec<u8>, source: Ipv6Addr, destination: Ipv6Addr, hop_limit: u8, echo: &Echo<'_>) {
    let payload = fit(echo.payload, ipv6::MAX_PAYLOAD_LEN, echo::HEADER_LEN);
    let len = echo::HEADER_LEN + payload.len();
    ipv6::emit_header(buf, source, destination, PROTOCOL, hop_limit, 0, len);
    let start = buf.len();
    buf.extend_from_slice(&echo.header(kind::ECHO_REQUEST, kind::ECHO_REPLY));
    buf.extend_from_slice(payload);
    finish(buf.get_mut(start..).unwrap_or_default(), source, destination);
}
