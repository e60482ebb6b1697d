//! IPv6 headers (RFC 8200), extension headers up to the upper layer, and the solicited-node group.

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use etherparse::{IpNumber, Ipv6Header, Ipv6HeaderSlice, err};

pub use crate::ipv4::IpError;
pub use crate::ipv6_ext::{Fragment, Upper};

/// Bytes in the fixed header.
pub const HEADER_LEN: usize = Ipv6Header::LEN;

/// Most bytes that a payload can have, extension headers included.
pub(crate) const MAX_PAYLOAD_LEN: usize = 65535;

/// An IPv6 packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv6<'a> {
    /// Who says to have sent it.
    pub source: Ipv6Addr,
    /// To whom.
    pub destination: Ipv6Addr,
    /// What follows the fixed header: an extension header or the upper layer.
    pub next_header: u8,
    /// Hops it may still make.
    pub hop_limit: u8,
    /// All that follows the fixed header, without what the link padded.
    pub payload: &'a [u8],
}

impl<'a> Ipv6<'a> {
    /// Reads a packet. Bytes past the stated payload length are padding and cut off. Jumbograms are not
    /// known: their payload is empty.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, IpError> {
        let header = Ipv6HeaderSlice::from_slice(bytes).map_err(|error| match error {
            err::ipv6::HeaderSliceError::Len(_) => IpError::Truncated { need: HEADER_LEN, got: bytes.len() },
            err::ipv6::HeaderSliceError::Content(err::ipv6::HeaderError::UnexpectedVersion {
                version_number,
            }) => IpError::Version { expected: 6, got: version_number },
        })?;
        let payload_len = usize::from(header.payload_length());
        let payload = bytes
            .get(HEADER_LEN..HEADER_LEN + payload_len)
            .ok_or(IpError::Length { stated: HEADER_LEN + payload_len, got: bytes.len() })?;
        Ok(Self {
            source: header.source_addr(),
            destination: header.destination_addr(),
            next_header: header.next_header().0,
            hop_limit: header.hop_limit(),
            payload,
        })
    }

    /// Walks the extension headers to the upper layer, as the destination does: see [`Upper`].
    pub fn upper(&self) -> Result<Upper<'a>, IpError> {
        Upper::walk(self.next_header, self.payload)
    }
}

/// Appends a fixed header for `payload_len` bytes of payload, flow label 0. A length that does not fit the
/// field is written as the largest that does.
pub fn emit_header(
    buf: &mut Vec<u8>,
    source: Ipv6Addr,
    destination: Ipv6Addr,
    next_header: u8,
    hop_limit: u8,
    traffic_class: u8,
    payload_len: usize,
) {
    let header = Ipv6Header {
        traffic_class,
        payload_length: payload_len.min(MAX_PAYLOAD_LEN) as u16,
        next_header: IpNumber(next_header),
        hop_limit,
        source: source.octets(),
        destination: destination.octets(),
        ..Ipv6Header::default()
    };
    buf.extend_from_slice(&header.to_bytes());
}

/// The solicited-node group of an address: `ff02::1:ff` and its last three bytes (ND-4; RFC 4291 section 2.7.1).
pub const fn solicited_node(address: &Ipv6Addr) -> Ipv6Addr {
    let [.., a, b] = address.segments();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | (a & 0xff), b)
}

/// Whether an address is the solicited-node group of some address.
pub const fn is_solicited_node(address: &Ipv6Addr) -> bool {
    matches!(address.segments(), [0xff02, 0, 0, 0, 0, 1, 0xff00..=0xffff, _])
}
