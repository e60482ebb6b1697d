//! The echo message that ICMP and ICMPv6 share (RFC 792, RFC 4443 section 4).

use crate::bytes::be16;

/// Bytes before the payload.
pub(crate) const HEADER_LEN: usize = 8;

/// An echo request or reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo<'a> {
    /// A reply, otherwise a request.
    pub reply: bool,
    /// Identifier: one for each program that pings.
    pub id: u16,
    /// Sequence number.
    pub seq: u16,
    /// What comes back unchanged.
    pub payload: &'a [u8],
}

impl<'a> Echo<'a> {
    /// Reads the message from its type byte on, where `request` and `reply` are the family's type numbers.
    /// `None` if it is something else, its code is not 0, or it is shorter than eight bytes.
    pub(crate) fn parse(bytes: &'a [u8], request: u8, reply: u8) -> Option<Self> {
        let [kind, 0, ..] = *bytes else { return None };
        if kind != request && kind != reply {
            return None;
        }
        let payload = bytes.get(HEADER_LEN..)?;
        Some(Self { reply: kind == reply, id: be16(bytes, 4)?, seq: be16(bytes, 6)?, payload })
    }

    /// The eight bytes before the payload, checksum zero.
    pub(crate) fn header(&self, request: u8, reply: u8) -> [u8; HEADER_LEN] {
        let kind = if self.reply { reply } else { request };
        let ([i0, i1], [s0, s1]) = (self.id.to_be_bytes(), self.seq.to_be_bytes());
        [kind, 0, 0, 0, i0, i1, s0, s1]
    }
}
