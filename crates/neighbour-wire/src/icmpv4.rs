//! ICMP for IPv4: checksum and echo (RFC 792).

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use etherparse::checksum::Sum16BitWords;

use crate::bytes::{fit, put};
use crate::echo::{self, Echo};
use crate::ipv4;

/// Protocol number of ICMP.
pub const PROTOCOL: u8 = 1;

/// Message types.
pub mod kind {
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 0;
    /// Destination unreachable.
    pub const DST_UNREACH: u8 = 3;
    /// Echo request.
    pub const ECHO_REQUEST: u8 = 8;
}

/// The checksum over a message as it is given: what belongs into a zero field, 0 over a right one.
pub fn checksum(message: &[u8]) -> u16 {
    Sum16BitWords::new().add_slice(message).ones_complement().to_be()
}

/// Whether the checksum in a message (from the type byte on) is right.
pub fn checksum_ok(message: &[u8]) -> bool {
    message.len() >= 4 && checksum(message) == 0
}

/// Writes the checksum into a message, from its type byte on. Does nothing to one shorter than four bytes.
pub fn finish(message: &mut [u8]) {
    put(message, 2, &[0, 0]);
    let sum = checksum(message);
    put(message, 2, &sum.to_be_bytes());
}

/// Reads an echo message, from its type byte on; the checksum is not looked at. `None` for other messages.
pub fn parse_echo(bytes: &[u8]) -> Option<Echo<'_>> {
    Echo::parse(bytes, kind::ECHO_REQUEST, kind::ECHO_REPLY)
}

/// Appends an IPv4 packet with an echo message. A payload that no packet can hold is cut.
pub fn emit_echo(buf: &mut Vec<u8>, source: Ipv4Addr, destination: Ipv4Addr, ttl: u8, echo: &Echo<'_>) {
    let payload = fit(echo.payload, ipv4::MAX_LEN, ipv4::HEADER_LEN + echo::HEADER_LEN);
    let len = echo::HEADER_LEN + payload.len();
    ipv4::emit_header(buf, source, destination, PROTOCOL, ttl, len);
    let start = buf.len();
    buf.extend_from_slice(&echo.header(kind::ECHO_REQUEST, kind::ECHO_REPLY));
    buf.extend_from_slice(payload);
    finish(buf.get_mut(start..).unwrap_or_default());
}
