//! UDP datagrams (RFC 768), as far as hosts and tests want them.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use etherparse::UdpHeader;

use crate::bytes::fit;
use crate::{ipv4, ipv6};

/// Protocol number of UDP.
pub const PROTOCOL: u8 = 17;

/// Time to live and hop limit of what is emitted here (Linux: `ip_default_ttl`).
const HOP_LIMIT: u8 = 64;

/// A UDP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Port it comes from.
    pub source_port: u16,
    /// Port it goes to.
    pub destination_port: u16,
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Reads a datagram from its header on; the checksum is not looked at. `None` if it is truncated or its
    /// length field is below eight.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, _) = UdpHeader::from_slice(bytes).ok()?;
        Some(Self {
            source_port: header.source_port,
            destination_port: header.destination_port,
            payload: bytes.get(UdpHeader::LEN..usize::from(header.length))?,
        })
    }
}

/// Appends an IPv4 packet with a UDP datagram. A payload that no packet can hold is cut.
pub fn emit_ipv4(
    buf: &mut Vec<u8>,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    source_port: u16,
    destination_port: u16,
    payload: &[u8],
) {
    let payload = fit(payload, ipv4::MAX_LEN, ipv4::HEADER_LEN + UdpHeader::LEN);
    let mut header = header(source_port, destination_port, payload);
    let (from, to) = (source.octets(), destination.octets());
    header.checksum = header.calc_checksum_ipv4_raw(from, to, payload).unwrap_or_default();
    ipv4::emit_header(buf, source, destination, PROTOCOL, HOP_LIMIT, UdpHeader::LEN + payload.len());
    buf.extend_from_slice(&header.to_bytes());
    buf.extend_from_slice(payload);
}

/// Appends an IPv6 packet with a UDP datagram. A payload that no packet can hold is cut.
pub fn emit_ipv6(
    buf: &mut Vec<u8>,
    source: Ipv6Addr,
    destination: Ipv6Addr,
    source_port: u16,
    destination_port: u16,
    payload: &[u8],
) {
    let payload = fit(payload, ipv6::MAX_PAYLOAD_LEN, UdpHeader::LEN);
    let mut header = header(source_port, destination_port, payload);
    let (from, to) = (source.octets(), destination.octets());
    header.checksum = header.calc_checksum_ipv6_raw(from, to, payload).unwrap_or_default();
    ipv6::emit_header(buf, source, destination, PROTOCOL, HOP_LIMIT, 0, UdpHeader::LEN + payload.len());
    buf.extend_from_slice(&header.to_bytes());
    buf.extend_from_slice(payload);
}

/// The header before its checksum is known.
fn header(source_port: u16, destination_port: u16, payload: &[u8]) -> UdpHeader {
    let length = u16::try_from(UdpHeader::LEN + payload.len()).unwrap_or(u16::MAX);
    UdpHeader { source_port, destination_port, length, checksum: 0 }
}
