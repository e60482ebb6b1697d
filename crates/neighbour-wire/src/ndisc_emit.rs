//! Building neighbour discovery packets (rules ND-6 to ND-11).
//!
//! Each function appends one whole IPv6 packet: hop limit 255, flow label 0, checksum in place (ND-6).

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use crate::bytes::{fit, put};
use crate::icmpv6::{self, kind};
use crate::ipv6;
use crate::lladdr::LlAddr;
use crate::ndisc::HOP_LIMIT;
use crate::ndisc_options::{PrefixInfo, emit_lladdr, option};

/// The minimum MTU of IPv6, which a redirect fills but does not pass (ND-69).
const MIN_MTU: usize = 1280;

/// What of the IPv6 header varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
    /// Traffic class (Linux: the device's `ndisc_tclass`).
    pub traffic_class: u8,
}

impl Header {
    /// Appends the packet whose ICMPv6 message `message` appends.
    fn wrap(&self, buf: &mut Vec<u8>, message: impl FnOnce(&mut Vec<u8>)) {
        let start = buf.len();
        let body = start + ipv6::HEADER_LEN;
        let (source, destination) = (self.source, self.destination);
        ipv6::emit_header(buf, source, destination, icmpv6::PROTOCOL, HOP_LIMIT, self.traffic_class, 0);
        message(buf);
        let len = (buf.len() - body).min(ipv6::MAX_PAYLOAD_LEN);
        buf.truncate(body + len);
        put(buf.get_mut(start..).unwrap_or_default(), 4, &(len as u16).to_be_bytes());
        icmpv6::finish(buf.get_mut(body..).unwrap_or_default(), source, destination);
    }
}

/// Appends a neighbour solicitation (ND-7). `pad` goes before the address in its option: 2 on InfiniBand,
/// otherwise 0.
pub fn emit_solicit(
    buf: &mut Vec<u8>,
    header: &Header,
    target: Ipv6Addr,
    source_lladdr: Option<&LlAddr>,
    pad: usize,
    nonce: Option<[u8; 6]>,
) {
    header.wrap(buf, |buf| {
        buf.extend_from_slice(&[kind::NS, 0, 0, 0, 0, 0, 0, 0]);
        buf.extend_from_slice(&target.octets());
        emit_lladdr(buf, option::SOURCE_LLADDR, source_lladdr, pad);
        if let Some(nonce) = nonce {
            buf.extend_from_slice(&[option::NONCE, 1]);
            buf.extend_from_slice(&nonce);
        }
    });
}

/// Appends a neighbour advertisement (ND-10).
#[expect(clippy::too_many_arguments, reason = "the flags of the message, in its order")]
pub fn emit_advert(
    buf: &mut Vec<u8>,
    header: &Header,
    router: bool,
    solicited: bool,
    override_: bool,
    target: Ipv6Addr,
    target_lladdr: Option<&LlAddr>,
    pad: usize,
) {
    let flags = u8::from(router) << 7 | u8::from(solicited) << 6 | u8::from(override_) << 5;
    header.wrap(buf, |buf| {
        buf.extend_from_slice(&[kind::NA, 0, 0, 0, flags, 0, 0, 0]);
        buf.extend_from_slice(&target.octets());
        emit_lladdr(buf, option::TARGET_LLADDR, target_lladdr, pad);
    });
}

/// Appends a router solicitation (ND-11).
pub fn emit_router_solicit(buf: &mut Vec<u8>, header: &Header, source_lladdr: Option<&LlAddr>, pad: usize) {
    header.wrap(buf, |buf| {
        buf.extend_from_slice(&[kind::RS, 0, 0, 0, 0, 0, 0, 0]);
        emit_lladdr(buf, option::SOURCE_LLADDR, source_lladdr, pad);
    });
}

/// What a router advertisement says; the fields are those of [`crate::ndisc::RouterAdvert`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RouterAdvertRepr<'a> {
    /// Hop limit for outgoing packets; 0: not specified.
    pub cur_hop_limit: u8,
    /// M: addresses by DHCPv6.
    pub managed: bool,
    /// O: other configuration by DHCPv6.
    pub other: bool,
    /// Preference, the two bits of RFC 4191.
    pub preference: u8,
    /// Lifetime as a default router, in seconds.
    pub lifetime_s: u16,
    /// Reachable time, in milliseconds; 0: not specified.
    pub reachable_ms: u32,
    /// Retransmission time, in milliseconds; 0: not specified.
    pub retrans_ms: u32,
    /// The sender's address, as an option.
    pub source_lladdr: Option<LlAddr>,
    /// Bytes before the address in its option.
    pub pad: usize,
    /// MTU of the link, in bytes, as an option.
    pub mtu: Option<u32>,
    /// Prefixes, an option each.
    pub prefixes: &'a [PrefixInfo],
}

/// Appends a router advertisement.
pub fn emit_router_advert(buf: &mut Vec<u8>, header: &Header, advert: &RouterAdvertRepr<'_>) {
    let flags = u8::from(advert.managed) << 7 | u8::from(advert.other) << 6 | (advert.preference & 3) << 3;
    header.wrap(buf, |buf| {
        buf.extend_from_slice(&[kind::RA, 0, 0, 0, advert.cur_hop_limit, flags]);
        buf.extend_from_slice(&advert.lifetime_s.to_be_bytes());
        buf.extend_from_slice(&advert.reachable_ms.to_be_bytes());
        buf.extend_from_slice(&advert.retrans_ms.to_be_bytes());
        emit_lladdr(buf, option::SOURCE_LLADDR, advert.source_lladdr.as_ref(), advert.pad);
        if let Some(mtu) = advert.mtu {
            buf.extend_from_slice(&[option::MTU, 1, 0, 0]);
            buf.extend_from_slice(&mtu.to_be_bytes());
        }
        advert.prefixes.iter().for_each(|prefix| prefix.emit(buf));
    });
}

/// What a redirect says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedirectRepr<'a> {
    /// The better first hop.
    pub target: Ipv6Addr,
    /// The destination it is for.
    pub destination: Ipv6Addr,
    /// The target's address, as an option.
    pub target_lladdr: Option<LlAddr>,
    /// Bytes before the address in its option.
    pub pad: usize,
    /// The packet that caused it: as much goes into the redirected-header option as fits the minimum MTU, in
    /// multiples of eight bytes (ND-69), zeros filling a short one. Empty: no such option.
    pub redirected: &'a [u8],
}

/// Appends a redirect.
pub fn emit_redirect(buf: &mut Vec<u8>, header: &Header, redirect: &RedirectRepr<'_>) {
    let start = buf.len();
    header.wrap(buf, |buf| {
        buf.extend_from_slice(&[kind::REDIRECT, 0, 0, 0, 0, 0, 0, 0]);
        buf.extend_from_slice(&redirect.target.octets());
        buf.extend_from_slice(&redirect.destination.octets());
        emit_lladdr(buf, option::TARGET_LLADDR, redirect.target_lladdr.as_ref(), redirect.pad);
        if redirect.redirected.is_empty() {
            return;
        }
        let room = (MIN_MTU - 8).saturating_sub(buf.len() - start) & !7;
        let packet = fit(redirect.redirected, room, 0);
        let units = packet.len().div_ceil(8) + 1;
        let end = buf.len() + units * 8;
        buf.extend_from_slice(&[option::REDIRECTED, units as u8, 0, 0, 0, 0, 0, 0]);
        buf.extend_from_slice(packet);
        buf.resize(end, 0);
    });
}
