//! Multicast listener discovery, the listener's side (RFC 3810; RFC 2710 for version 1).
//!
//! A switch that snoops delivers solicitations to a solicited-node group only to those who reported it, so a
//! host without reports cannot be resolved. Every message goes out with hop limit 1 and a router alert in a
//! hop-by-hop header (RFC 3810 section 5).

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use crate::bytes::{be16, ipv6 as address, put};
use crate::icmpv6::{self, kind};
use crate::ipv6;

/// Where version 2 reports go: all MLDv2-capable routers.
pub const ALL_MLDV2_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

/// Where version 1 done messages go.
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// Hop-by-hop header: next ICMPv6, router alert for MLD (RFC 2711), two bytes of padding.
const HOP_BY_HOP: [u8; 8] = [icmpv6::PROTOCOL, 0, 5, 2, 0, 0, 1, 0];

/// Bytes of a version 1 message.
const V1_LEN: usize = 24;
/// Shortest version 2 query, in bytes.
const V2_QUERY_LEN: usize = 28;
/// Records of 20 bytes that one report can hold.
const MAX_RECORDS: usize = (ipv6::MAX_PAYLOAD_LEN - HOP_BY_HOP.len() - 8) / 20;

/// What a version 2 report says of a group, always without sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// CHANGE_TO_EXCLUDE_MODE (4): we have joined.
    Exclude,
    /// CHANGE_TO_INCLUDE_MODE (3): we have left.
    Include,
    /// MODE_IS_EXCLUDE (2): we are a member, in answer to a query.
    IsExclude,
}

impl Record {
    const fn code(self) -> u8 {
        match self {
            Self::IsExclude => 2,
            Self::Include => 3,
            Self::Exclude => 4,
        }
    }
}

/// Appends an IPv6 packet with a version 2 report. `source` is a link-local address, or `::` while there is
/// none. Records that no packet can hold (past 3275) are left out.
pub fn emit_report_v2(buf: &mut Vec<u8>, source: Ipv6Addr, records: &[(Record, Ipv6Addr)]) {
    let records = records.get(..MAX_RECORDS).unwrap_or(records);
    wrap(buf, source, ALL_MLDV2_ROUTERS, |buf| {
        let [high, low] = (records.len() as u16).to_be_bytes();
        buf.extend_from_slice(&[kind::MLDV2_REPORT, 0, 0, 0, 0, 0, high, low]);
        for (record, group) in records {
            buf.extend_from_slice(&[record.code(), 0, 0, 0]);
            buf.extend_from_slice(&group.octets());
        }
    });
}

/// Appends an IPv6 packet with a version 1 report: we are a member of `group`.
pub fn emit_report_v1(buf: &mut Vec<u8>, source: Ipv6Addr, group: Ipv6Addr) {
    emit_v1(buf, source, group, kind::MLD_REPORT, group);
}

/// Appends an IPv6 packet with a version 1 done message: we have left `group`.
pub fn emit_done_v1(buf: &mut Vec<u8>, source: Ipv6Addr, group: Ipv6Addr) {
    emit_v1(buf, source, ALL_ROUTERS, kind::MLD_DONE, group);
}

fn emit_v1(buf: &mut Vec<u8>, source: Ipv6Addr, destination: Ipv6Addr, kind: u8, group: Ipv6Addr) {
    wrap(buf, source, destination, |buf| {
        buf.extend_from_slice(&[kind, 0, 0, 0, 0, 0, 0, 0]);
        buf.extend_from_slice(&group.octets());
    });
}

/// Appends the packet whose ICMPv6 message `message` appends.
fn wrap(buf: &mut Vec<u8>, source: Ipv6Addr, destination: Ipv6Addr, message: impl FnOnce(&mut Vec<u8>)) {
    let start = buf.len();
    ipv6::emit_header(buf, source, destination, 0, 1, 0, 0);
    buf.extend_from_slice(&HOP_BY_HOP);
    let body = buf.len();
    message(buf);
    let len = (HOP_BY_HOP.len() + buf.len() - body) as u16;
    put(buf.get_mut(start..).unwrap_or_default(), 4, &len.to_be_bytes());
    icmpv6::finish(buf.get_mut(body..).unwrap_or_default(), source, destination);
}

/// A router's question who listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// The group asked about; `None`: all.
    pub group: Option<Ipv6Addr>,
    /// Answer within this time, in milliseconds.
    pub max_delay_ms: u32,
    /// A version 1 query, to be answered in version 1.
    pub v1: bool,
}

impl Query {
    /// Reads a query from its type byte on; the checksum is not looked at. `None` if it is another message,
    /// asks about something that is no group, or has a length that neither version has (24, or at least 28;
    /// RFC 3810 section 8.1).
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let v1 = match bytes.len() {
            V1_LEN => true,
            V2_QUERY_LEN.. => false,
            _ => return None,
        };
        if bytes.first() != Some(&kind::MLD_QUERY) {
            return None;
        }
        let code = be16(bytes, 4)?;
        let max_delay_ms = if v1 { u32::from(code) } else { response_delay(code) };
        let group = address(bytes, 8)?;
        let group = if group.is_unspecified() {
            None
        } else if group.is_multicast() {
            Some(group)
        } else {
            return None;
        };
        Some(Self { group, max_delay_ms, v1 })
    }
}

/// A maximum response code in milliseconds: from 32768 on, a floating-point number (RFC 3810 section 5.1.3).
fn response_delay(code: u16) -> u32 {
    if code < 0x8000 {
        return u32::from(code);
    }
    let exponent = (code >> 12) & 7;
    u32::from(code & 0xfff | 0x1000) << (exponent + 3)
}
