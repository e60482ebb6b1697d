//! Neighbour discovery options (RFC 4861 section 4.6; rules ND-9, ND-17, ND-18).

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use crate::bytes::{be32, ipv6};
use crate::lladdr::LlAddr;

/// Option types.
pub mod option {
    /// Source link-layer address.
    pub const SOURCE_LLADDR: u8 = 1;
    /// Target link-layer address.
    pub const TARGET_LLADDR: u8 = 2;
    /// Prefix information.
    pub const PREFIX: u8 = 3;
    /// Redirected header.
    pub const REDIRECTED: u8 = 4;
    /// MTU.
    pub const MTU: u8 = 5;
    /// Nonce (RFC 3971 section 5.3.2).
    pub const NONCE: u8 = 14;
}

/// Why the options of a message are invalid, and the message with them (ND-17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// A type byte without a length byte.
    #[error("option {kind} at byte {at} has no length byte")]
    Header {
        /// The option's type.
        kind: u8,
        /// Where it begins, counted from the first option.
        at: usize,
    },
    /// A length of zero, over which a careless reader would never get.
    #[error("option {kind} at byte {at} has length 0, expected at least 1 (8 bytes)")]
    ZeroLength {
        /// The option's type.
        kind: u8,
        /// Where it begins, counted from the first option.
        at: usize,
    },
    /// A length past the end of the message.
    #[error("option {kind} at byte {at} is truncated: need {need} bytes, got {got}")]
    Truncated {
        /// The option's type.
        kind: u8,
        /// Where it begins, counted from the first option.
        at: usize,
        /// Bytes it states.
        need: usize,
        /// Bytes there are.
        got: usize,
    },
}

/// The options of one message. Each slice is the whole option, type and length bytes included; of duplicates
/// the first counts (ND-17). Unknown ones are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options<'a> {
    /// Source link-layer address; for [`lladdr_from_option`].
    pub source_lladdr: Option<&'a [u8]>,
    /// Target link-layer address; for [`lladdr_from_option`].
    pub target_lladdr: Option<&'a [u8]>,
    /// MTU of the link, in bytes.
    pub mtu: Option<u32>,
    /// Nonce. Linux uses it only if the option has eight bytes (ND-23); see [`Self::nonce_bytes`].
    pub nonce: Option<&'a [u8]>,
    /// Redirected header; the packet begins at byte 8.
    pub redirected: Option<&'a [u8]>,
    raw: &'a [u8],
}

impl<'a> Options<'a> {
    /// Reads all options. Any fault in any of them, known or not, spoils the whole message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, OptionError> {
        let mut options = Self { raw: bytes, ..Self::default() };
        for item in (Walk { all: bytes, at: 0 }) {
            let (kind, whole) = item?;
            let place = match kind {
                option::SOURCE_LLADDR => &mut options.source_lladdr,
                option::TARGET_LLADDR => &mut options.target_lladdr,
                option::NONCE => &mut options.nonce,
                option::REDIRECTED => &mut options.redirected,
                option::MTU => {
                    options.mtu = options.mtu.or_else(|| be32(whole, 4));
                    continue;
                }
                _ => continue,
            };
            place.get_or_insert(whole);
        }
        Ok(options)
    }

    /// The six bytes of a nonce in an option of eight (ND-23).
    pub fn nonce_bytes(&self) -> Option<[u8; 6]> {
        self.nonce?.get(2..)?.try_into().ok()
    }

    /// The prefixes, in order; those of a wrong size or a length past 128 are passed over.
    pub const fn prefixes(&self) -> Prefixes<'a> {
        Prefixes { walk: Walk { all: self.raw, at: 0 } }
    }
}

/// A prefix information option (RFC 4861 section 4.6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefixInfo {
    /// Leading bits of `prefix` that count, 0 to 128.
    pub prefix_len: u8,
    /// L: addresses in it are on the link.
    pub on_link: bool,
    /// A: addresses may be made from it.
    pub autonomous: bool,
    /// How long it is valid, in seconds; all ones: for ever.
    pub valid_s: u32,
    /// How long addresses from it are preferred, in seconds; all ones: for ever.
    pub preferred_s: u32,
    /// The prefix, with whatever the sender left behind it.
    pub prefix: Ipv6Addr,
}

impl PrefixInfo {
    fn parse(whole: &[u8]) -> Option<Self> {
        let flags = *whole.get(3)?;
        let prefix_len = *whole.get(2)?;
        if whole.len() != 32 || prefix_len > 128 {
            return None;
        }
        Some(Self {
            prefix_len,
            on_link: flags & 0x80 != 0,
            autonomous: flags & 0x40 != 0,
            valid_s: be32(whole, 4)?,
            preferred_s: be32(whole, 8)?,
            prefix: ipv6(whole, 16)?,
        })
    }

    /// Appends the option.
    pub(crate) fn emit(&self, buf: &mut Vec<u8>) {
        let flags = u8::from(self.on_link) << 7 | u8::from(self.autonomous) << 6;
        buf.extend_from_slice(&[option::PREFIX, 4, self.prefix_len, flags]);
        buf.extend_from_slice(&self.valid_s.to_be_bytes());
        buf.extend_from_slice(&self.preferred_s.to_be_bytes());
        buf.extend_from_slice(&[0; 4]);
        buf.extend_from_slice(&self.prefix.octets());
    }
}

/// Iterator over the prefixes of a message: see [`Options::prefixes`].
#[derive(Debug, Clone)]
pub struct Prefixes<'a> {
    walk: Walk<'a>,
}

impl Iterator for Prefixes<'_> {
    type Item = PrefixInfo;

    fn next(&mut self) -> Option<PrefixInfo> {
        self.walk
            .by_ref()
            .filter_map(Result::ok)
            .find_map(|(kind, whole)| if kind == option::PREFIX { PrefixInfo::parse(whole) } else { None })
    }
}

/// Walks the options one by one and ends after the first fault. Each step moves on by at least eight bytes.
#[derive(Debug, Clone)]
struct Walk<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn step(&self, rest: &'a [u8], kind: u8) -> Result<&'a [u8], OptionError> {
        let at = self.at;
        let len = *rest.get(1).ok_or(OptionError::Header { kind, at })?;
        if len == 0 {
            return Err(OptionError::ZeroLength { kind, at });
        }
        let need = usize::from(len) * 8;
        rest.get(..need).ok_or(OptionError::Truncated { kind, at, need, got: rest.len() })
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<(u8, &'a [u8]), OptionError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.all.get(self.at..)?;
        let kind = *rest.first()?;
        let step = self.step(rest, kind);
        self.at = step.map_or(self.all.len(), |whole| self.at + whole.len());
        Some(step.map(|whole| (kind, whole)))
    }
}

/// Bytes of a link-layer address option (ND-9): type, length, `pad` bytes (2 on InfiniBand, otherwise 0) and
/// the address, rounded up to a multiple of eight.
pub const fn lladdr_option_len(addr_len: usize, pad: usize) -> usize {
    addr_len.saturating_add(pad).saturating_add(2 + 7) & !7
}

/// The address in a link-layer address option, given whole; `None` unless the option has exactly the length
/// that this device's addresses call for (ND-18).
pub fn lladdr_from_option(option: &[u8], addr_len: usize, pad: usize) -> Option<LlAddr> {
    let want = lladdr_option_len(addr_len, pad);
    if option.len() != want || usize::from(*option.get(1)?) * 8 != want {
        return None;
    }
    LlAddr::new(option.get(pad.checked_add(2)?..)?.get(..addr_len)?)
}

/// Appends a link-layer address option, zero padded (ND-9). A device without addresses has none.
pub(crate) fn emit_lladdr(buf: &mut Vec<u8>, kind: u8, lladdr: Option<&LlAddr>, pad: usize) {
    let Some(lladdr) = lladdr.filter(|lladdr| !lladdr.is_empty()) else {
        return;
    };
    // No known link pads by more than two; the bound keeps the length in its byte.
    let pad = pad.min(64);
    let len = lladdr_option_len(lladdr.len(), pad);
    let end = buf.len() + len;
    buf.extend_from_slice(&[kind, (len / 8) as u8]);
    buf.extend(core::iter::repeat_n(0, pad));
    buf.extend_from_slice(lladdr.as_bytes());
    buf.resize(end, 0);
}
