//! IPv4 headers (RFC 791).

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use etherparse::checksum::Sum16BitWords;
use etherparse::{IpNumber, Ipv4Header, Ipv4HeaderSlice, err};

/// Bytes in a header without options.
pub const HEADER_LEN: usize = Ipv4Header::MIN_LEN;

/// Most bytes that a packet can have.
pub(crate) const MAX_LEN: usize = 65535;

/// Why bytes are not an IP packet. IPv4 and IPv6 share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IpError {
    /// A header does not fit into what came.
    #[error("IP packet is truncated: need {need} bytes, got {got}")]
    Truncated {
        /// Bytes the header needs.
        need: usize,
        /// Bytes there are.
        got: usize,
    },
    /// The version field belongs to another protocol.
    #[error("IP version is {got}, expected {expected}")]
    Version {
        /// The version asked for.
        expected: u8,
        /// The version found.
        got: u8,
    },
    /// IPv4: the header length field, in words, is below five.
    #[error("IPv4 header length is {0} words, expected at least 5")]
    HeaderLen(u8),
    /// The length field promises more than came, or less than the header takes.
    #[error("IP length field says {stated} bytes, got {got}")]
    Length {
        /// Bytes that the field states.
        stated: usize,
        /// Bytes there are.
        got: usize,
    },
    /// IPv4: the header's checksum does not fit.
    #[error("IPv4 header checksum is wrong")]
    Checksum,
    /// IPv6: more extension headers than anyone sends in earnest.
    #[error("more than 16 IPv6 extension headers")]
    TooManyHeaders,
    /// IPv6: a hop-by-hop header that is not the first one (RFC 8200 section 4.1).
    #[error("IPv6 hop-by-hop header is not the first extension header")]
    HopByHopNotFirst,
    /// IPv6: an option whose length passes the end of its header.
    #[error("IPv6 option {0} runs past its header")]
    OptionLength(u8),
    /// IPv6: an unknown option of the kind that forbids to go on (RFC 8200 section 4.2).
    #[error("IPv6 option {0} is unknown and may not be skipped")]
    OptionUnknown(u8),
    /// IPv6: a routing header with this many segments left: the packet is on its way to somebody else.
    #[error("IPv6 routing header has {0} segments left, expected 0")]
    SegmentsLeft(u8),
}

/// An IPv4 packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4<'a> {
    /// Who says to have sent it.
    pub source: Ipv4Addr,
    /// To whom.
    pub destination: Ipv4Addr,
    /// Protocol of the payload (1 ICMP, 2 IGMP, 6 TCP, 17 UDP).
    pub protocol: u8,
    /// Hops it may still make.
    pub ttl: u8,
    /// Part of a larger packet: not the first part, or more follow.
    pub fragment: bool,
    /// Where this part begins in the whole payload, in bytes.
    pub fragment_offset: u16,
    /// The payload, without what the link padded.
    pub payload: &'a [u8],
    /// Bytes of the header, options included.
    pub header_len: usize,
    /// Bytes of header and payload.
    pub total_len: usize,
}

impl<'a> Ipv4<'a> {
    /// Reads a packet and verifies the checksum of its header. Bytes past the stated total length are
    /// padding and cut off.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, IpError> {
        let header = Ipv4HeaderSlice::from_slice(bytes).map_err(|error| match error {
            err::ipv4::HeaderSliceError::Len(len) => {
                IpError::Truncated { need: len.required_len, got: bytes.len() }
            }
            err::ipv4::HeaderSliceError::Content(content) => match content {
                err::ipv4::HeaderError::UnexpectedVersion { version_number } => {
                    IpError::Version { expected: 4, got: version_number }
                }
                err::ipv4::HeaderError::HeaderLengthSmallerThanHeader { ihl } => IpError::HeaderLen(ihl),
            },
        })?;
        let header_len = header.slice().len();
        let total_len = usize::from(header.total_len());
        // Linux's order (ip_rcv): checksum before length.
        if Sum16BitWords::new().add_slice(header.slice()).ones_complement() != 0 {
            return Err(IpError::Checksum);
        }
        let payload = bytes
            .get(header_len..total_len)
            .ok_or(IpError::Length { stated: total_len, got: bytes.len() })?;
        let fragment_offset = header.fragments_offset().byte_offset();
        Ok(Self {
            source: header.source_addr(),
            destination: header.destination_addr(),
            protocol: header.protocol().0,
            ttl: header.ttl(),
            fragment: header.more_fragments() || fragment_offset != 0,
            fragment_offset,
            payload,
            header_len,
            total_len,
        })
    }
}

/// Appends a header for `payload_len` bytes of payload: identification 0, do not fragment, no options. A
/// length that does not fit the field is written as the largest that does.
pub fn emit_header(
    buf: &mut Vec<u8>,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    ttl: u8,
    payload_len: usize,
) {
    let mut header = Ipv4Header {
        total_len: payload_len.min(MAX_LEN - HEADER_LEN) as u16 + HEADER_LEN as u16,
        dont_fragment: true,
        time_to_live: ttl,
        protocol: IpNumber(protocol),
        source: source.octets(),
        destination: destination.octets(),
        ..Ipv4Header::default()
    };
    header.header_checksum = header.calc_header_checksum();
    buf.extend_from_slice(&header.to_bytes());
}
