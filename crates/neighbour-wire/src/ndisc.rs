//! IPv6 neighbour discovery messages (RFC 4861 section 4; rules ND-6 to ND-69).
//!
//! Every parser takes the ICMPv6 bytes from the type byte on and looks at nothing but lengths: neither the
//! type, nor checksum, code or hop limit. The engine checks those in Linux's order, so that each drop is
//! counted under its own reason. Options stay raw until [`Options::parse`], for the same cause.
//!
//! [`Header`] and the `emit_*` functions build whole IPv6 packets.

use core::net::Ipv6Addr;

use crate::bytes::{array, be16, be32, ipv6};

pub use crate::ndisc_emit::{
    Header, RedirectRepr, RouterAdvertRepr, emit_advert, emit_redirect, emit_router_advert,
    emit_router_solicit, emit_solicit,
};
pub use crate::ndisc_options::{
    OptionError, Options, PrefixInfo, Prefixes, lladdr_from_option, lladdr_option_len, option,
};

/// Hop limit that every neighbour discovery message has, which shows that no router passed it on.
pub const HOP_LIMIT: u8 = 255;

/// Shortest solicitation, in bytes.
pub const SOLICIT_LEN: usize = 24;
/// Shortest advertisement, in bytes.
pub const ADVERT_LEN: usize = 24;
/// Shortest router solicitation, in bytes.
pub const ROUTER_SOLICIT_LEN: usize = 8;
/// Shortest router advertisement, in bytes.
pub const ROUTER_ADVERT_LEN: usize = 16;
/// Shortest redirect, in bytes.
pub const REDIRECT_LEN: usize = 40;

/// Any ICMPv6 message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp<'a> {
    /// Type: see [`crate::icmpv6::kind`].
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// The whole message, from the type byte on.
    pub bytes: &'a [u8],
}

impl<'a> Icmp<'a> {
    /// Reads type and code; `None` if there are fewer than four bytes.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let [kind, code, _, _] = array(bytes, 0)?;
        Some(Self { kind, code, bytes })
    }
}

/// A neighbour solicitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Solicit<'a> {
    /// The address asked about.
    pub target: Ipv6Addr,
    /// Raw options, for [`Options::parse`].
    pub options: &'a [u8],
}

impl<'a> Solicit<'a> {
    /// Reads the message; `None` if there are fewer than 24 bytes.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        Some(Self { target: ipv6(bytes, 8)?, options: bytes.get(SOLICIT_LEN..)? })
    }
}

/// A neighbour advertisement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advert<'a> {
    /// R: the sender is a router.
    pub router: bool,
    /// S: the answer to a solicitation.
    pub solicited: bool,
    /// O: may replace an address that is known already.
    pub override_: bool,
    /// The address told about.
    pub target: Ipv6Addr,
    /// Raw options, for [`Options::parse`].
    pub options: &'a [u8],
}

impl<'a> Advert<'a> {
    /// Reads the message; `None` if there are fewer than 24 bytes.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let flags = *bytes.get(4)?;
        Some(Self {
            router: flags & 0x80 != 0,
            solicited: flags & 0x40 != 0,
            override_: flags & 0x20 != 0,
            target: ipv6(bytes, 8)?,
            options: bytes.get(ADVERT_LEN..)?,
        })
    }
}

/// A router solicitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouterSolicit<'a> {
    /// Raw options, for [`Options::parse`].
    pub options: &'a [u8],
}

impl<'a> RouterSolicit<'a> {
    /// Reads the message; `None` if there are fewer than 8 bytes.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        Some(Self { options: bytes.get(ROUTER_SOLICIT_LEN..)? })
    }
}

/// A router advertisement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouterAdvert<'a> {
    /// Hop limit for outgoing packets; 0: not specified.
    pub cur_hop_limit: u8,
    /// M: addresses by DHCPv6.
    pub managed: bool,
    /// O: other configuration by DHCPv6.
    pub other: bool,
    /// Preference, the two bits of RFC 4191 (0 medium, 1 high, 3 low, 2 reserved).
    pub preference: u8,
    /// How long to use it as a default router, in seconds; 0: not at all.
    pub lifetime_s: u16,
    /// Base for the reachable time, in milliseconds; 0: not specified.
    pub reachable_ms: u32,
    /// Time between solicitations, in milliseconds; 0: not specified.
    pub retrans_ms: u32,
    /// Raw options, for [`Options::parse`].
    pub options: &'a [u8],
}

impl<'a> RouterAdvert<'a> {
    /// Reads the message; `None` if there are fewer than 16 bytes.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let flags = *bytes.get(5)?;
        Some(Self {
            cur_hop_limit: *bytes.get(4)?,
            managed: flags & 0x80 != 0,
            other: flags & 0x40 != 0,
            preference: (flags >> 3) & 3,
            lifetime_s: be16(bytes, 6)?,
            reachable_ms: be32(bytes, 8)?,
            retrans_ms: be32(bytes, 12)?,
            options: bytes.get(ROUTER_ADVERT_LEN..)?,
        })
    }
}

/// A redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redirect<'a> {
    /// The better first hop.
    pub target: Ipv6Addr,
    /// The destination it is for; equal to `target` if that is on the link.
    pub destination: Ipv6Addr,
    /// Raw options, for [`Options::parse`].
    pub options: &'a [u8],
}

impl<'a> Redirect<'a> {
    /// Reads the message; `None` if there are fewer than 40 bytes.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        Some(Self {
            target: ipv6(bytes, 8)?,
            destination: ipv6(bytes, 24)?,
            options: bytes.get(REDIRECT_LEN..)?,
        })
    }
}
