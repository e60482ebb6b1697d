//! IPv6 extension headers (RFC 8200 section 4).

use crate::bytes::be16;
use crate::ipv4::IpError;

/// Next-header numbers of the headers that are walked.
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;

/// More headers than this in one packet are an attack on the walker.
const MAX_HEADERS: usize = 16;

/// Options that are padding, and the router alert (RFC 2711).
const PAD1: u8 = 0;
const ROUTER_ALERT: u8 = 5;

/// What a fragment header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Where this part begins in the whole payload, in bytes.
    pub offset_bytes: u16,
    /// More parts follow.
    pub more: bool,
}

impl Fragment {
    /// A fragment header on a packet that is whole (RFC 6946).
    pub const fn is_atomic(&self) -> bool {
        self.offset_bytes == 0 && !self.more
    }
}

/// What lies behind the extension headers.
///
/// The walk passes hop-by-hop, routing, destination options and fragment headers, at most 16. It ends at any
/// other number (59, no next header, and 50 and 51, IPsec, among them) and at a fragment that is not the first
/// one, whose bytes belong to the middle of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upper<'a> {
    /// Protocol of `payload` (58 ICMPv6, 17 UDP, 6 TCP). For a fragment that is not the first: what its fragment
    /// header names, which may be another extension header.
    pub protocol: u8,
    /// What the protocol carries; for a fragment, the part that came.
    pub payload: &'a [u8],
    /// The fragment header, if there was one, atomic ones included.
    pub fragment: Option<Fragment>,
    /// A router alert option was in the hop-by-hop header.
    pub router_alert: bool,
}

impl<'a> Upper<'a> {
    /// Walks from the header number `next` at the start of `bytes`.
    pub(crate) fn walk(next: u8, bytes: &'a [u8]) -> Result<Self, IpError> {
        let mut upper = Self { protocol: next, payload: bytes, fragment: None, router_alert: false };
        for index in 0..=MAX_HEADERS {
            let is_extension = matches!(upper.protocol, HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION);
            if !is_extension {
                return Ok(upper);
            }
            if index == MAX_HEADERS {
                break;
            }
            if upper.protocol == HOP_BY_HOP && index != 0 {
                return Err(IpError::HopByHopNotFirst);
            }
            if upper.step()? {
                return Ok(upper);
            }
        }
        Err(IpError::TooManyHeaders)
    }

    /// Passes one header; true if the walk ends behind it.
    fn step(&mut self) -> Result<bool, IpError> {
        let truncated = |need| IpError::Truncated { need, got: self.payload.len() };
        let [next, len, ..] = *self.payload else {
            return Err(truncated(8));
        };
        // The fragment header has no length field: that byte is reserved, and it is always eight bytes.
        let len = if self.protocol == FRAGMENT { 8 } else { (usize::from(len) + 1) * 8 };
        let (header, rest) = self.payload.split_at_checked(len).ok_or_else(|| truncated(len))?;
        let options = header.get(2..).unwrap_or_default();
        let mut ends = false;
        match self.protocol {
            HOP_BY_HOP => self.router_alert = walk_options(options)?,
            DESTINATION => _ = walk_options(options)?,
            ROUTING => match header.get(3) {
                None | Some(0) => {}
                Some(&left) => return Err(IpError::SegmentsLeft(left)),
            },
            _ => {
                let field = be16(header, 2).unwrap_or_default();
                let fragment = Fragment { offset_bytes: field & !7, more: field & 1 == 1 };
                // A second fragment header behind an atomic one: the stricter of both counts.
                if self.fragment.is_none_or(|before| before.is_atomic()) {
                    self.fragment = Some(fragment);
                }
                ends = fragment.offset_bytes != 0;
            }
        }
        self.protocol = next;
        self.payload = rest;
        Ok(ends)
    }
}

/// Walks the options of a hop-by-hop or destination header; true if a router alert is among them.
///
/// The upper two bits of an unknown option say what to do with it; 00 is: skip it.
fn walk_options(mut options: &[u8]) -> Result<bool, IpError> {
    let mut router_alert = false;
    while let Some((&kind, rest)) = options.split_first() {
        if kind == PAD1 {
            options = rest;
            continue;
        }
        let (&len, rest) = rest.split_first().ok_or(IpError::OptionLength(kind))?;
        let (_, rest) = rest.split_at_checked(usize::from(len)).ok_or(IpError::OptionLength(kind))?;
        if kind == ROUTER_ALERT && len == 2 {
            router_alert = true;
        } else if kind >> 6 != 0 {
            return Err(IpError::OptionUnknown(kind));
        }
        options = rest;
    }
    Ok(router_alert)
}
