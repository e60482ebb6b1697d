//! Forwarding: packets of others between devices, as far as standing in for a router needs it
//! (RFC 1812 section 5, RFC 4861 section 8.2), and the ICMP errors owed to their senders.

use crate::conf::{Conf4, Conf6};
use crate::device::AddressState;
use crate::ratelimit::Bucket;
use crate::route::Hop;
use crate::{DeviceId, DropReason, Engine, Family, Sent};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use neighbour_wire::icmp_error::{self, Error};
use neighbour_wire::ipv4::Ipv4;
use neighbour_wire::ipv6::Ipv6;
use neighbour_wire::ndisc::{self, Header, RedirectRepr};

/// Errors and redirects in all: 1,000 in a second, 50 at once (as Linux's icmp_msgs_per_sec and
/// icmp_msgs_burst).
const ERRORS_PER_SECOND: u32 = 1000;
const ERRORS_AT_ONCE: u32 = 50;
/// One redirect in a second for each receiver (ND-69), remembered for this many receivers.
const REDIRECT_MEMORY: usize = 256;

/// What keeps errors and redirects within bounds.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Packets of others that nobody answered for, whose senders are yet to be told. They wait until the
    /// entry they waited for is done with: telling may make entries, and that may remove this one.
    owed: Vec<Vec<u8>>,
    errors: Bucket,
    redirected: VecDeque<(IpAddr, crate::time::Tick)>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            owed: Vec::new(),
            errors: Bucket::new(ERRORS_PER_SECOND, ERRORS_AT_ONCE),
            redirected: VecDeque::new(),
        }
    }
}

impl Engine {
    /// Passes an IPv4 packet on. The frame came to our own link-layer address.
    pub(crate) fn forward_v4(
        &mut self,
        device: DeviceId,
        packet: &Ipv4<'_>,
        bytes: &[u8],
    ) -> Result<Sent, DropReason> {
        let (source, destination) = (packet.source, packet.destination);
        let local = |a: Ipv4Addr| a.is_link_local(); // RFC 3927 section 2.7
        if local(source) || local(destination) || destination.is_loopback() {
            return Err(DropReason::IpNotForUs);
        }
        let mut bytes = bytes.to_vec();
        if icmp_error::take_hop(&mut bytes).is_none() {
            self.send_error(device, Error::TimeExceeded, &bytes);
            return Err(DropReason::TtlExceeded);
        }
        let Some(hop) = self.route(destination.into(), None) else {
            self.send_error(device, Error::NoRoute, &bytes);
            return Err(DropReason::NoRoute);
        };
        if hop.device == device && self.conf4(device, Conf4::SendRedirects) != 0 {
            self.redirect_v4(hop, source, &bytes);
        }
        let mtu = self.device(hop.device).map_or(0, |d| d.mtu);
        if bytes.len() <= mtu as usize {
            return Ok(self.send_to(hop.device, hop.next_hop, bytes));
        }
        let Some(parts) = fragment(&bytes, mtu as usize) else {
            self.send_error(device, Error::TooBig(mtu), &bytes);
            return Err(DropReason::TooBig);
        };
        let sent: Vec<Sent> =
            parts.into_iter().map(|part| self.send_to(hop.device, hop.next_hop, part)).collect();
        Ok(sent.last().copied().unwrap_or(Sent::Refused(DropReason::TooBig)))
    }

    /// Passes an IPv6 packet on. The frame came to our own link-layer address.
    pub(crate) fn forward_v6(
        &mut self,
        device: DeviceId,
        packet: &Ipv6<'_>,
        bytes: &[u8],
    ) -> Result<Sent, DropReason> {
        let (source, destination) = (packet.source, packet.destination);
        if source.is_unspecified() || destination.is_multicast() || destination.is_unicast_link_local() {
            return Err(DropReason::IpNotForUs);
        }
        let mut bytes = bytes.to_vec();
        if icmp_error::take_hop(&mut bytes).is_none() {
            self.send_error(device, Error::TimeExceeded, &bytes);
            return Err(DropReason::TtlExceeded);
        }
        let Some(hop) = self.route(destination.into(), None) else {
            self.send_error(device, Error::NoRoute, &bytes);
            return Err(DropReason::NoRoute);
        };
        if self.routers.any_beside(destination.into()) {
            self.probe_failed_routers();
        }
        if source.is_unicast_link_local() && hop.device != device {
            self.send_error(device, Error::BeyondScope, &bytes);
            return Err(DropReason::IpBadSource);
        }
        if hop.device == device {
            self.redirect_v6(hop, source, destination, &bytes);
        }
        let mtu = self.device(hop.device).map_or(0, |d| d.mtu);
        if bytes.len() > mtu as usize {
            self.send_error(device, Error::TooBig(mtu), &bytes);
            return Err(DropReason::TooBig);
        }
        Ok(self.send_to(hop.device, hop.next_hop, bytes))
    }

    /// Tells a packet's sender what is wrong with it, where an error may be sent at all. `device` is the
    /// one it came in by.
    pub(crate) fn send_error(&mut self, device: DeviceId, error: Error, cause: &[u8]) {
        let now = self.clock.now();
        if !icmp_error::may_answer(cause) || !self.limits.errors.take(now) {
            return;
        }
        let mut packet = Vec::new();
        let to = match crate::output::source_of(cause) {
            Some(IpAddr::V4(to)) => {
                let by = self.route(to.into(), Some(device)).map_or(device, |hop| hop.device);
                let from = self.select_v4(by, to);
                if from.is_unspecified() || !icmp_error::emit_v4(&mut packet, from, to, error, cause) {
                    return;
                }
                IpAddr::V4(to)
            }
            Some(IpAddr::V6(to)) => {
                let by = self.route(to.into(), Some(device)).map_or(device, |hop| hop.device);
                let Some(from) = self.select_v6(by, to) else { return };
                if !icmp_error::emit_v6(&mut packet, from, to, error, cause) {
                    return;
                }
                IpAddr::V6(to)
            }
            None => return,
        };
        if let Some(hop) = self.route(to, Some(device)) {
            let _ = self.send_to(hop.device, hop.next_hop, packet);
        }
    }

    /// A packet that waited is undeliverable: whose is it? Our own is the caller's to report, that of
    /// another gets its error (QUE-8, RFC 1812 section 3.3.2).
    pub(crate) fn owe_unreachable(&mut self, packet: &[u8]) {
        let local = crate::output::source_of(packet).is_none_or(|source| self.is_local(source));
        let room =
            self.limits.owed.len() < ERRORS_AT_ONCE as usize && self.limits.owed.try_reserve(1).is_ok();
        if !local && room {
            self.limits.owed.push(packet.to_vec());
        }
    }

    /// Tells the senders of what is owed.
    pub(crate) fn pay_unreachable(&mut self) {
        for packet in core::mem::take(&mut self.limits.owed) {
            let back = crate::output::source_of(&packet).and_then(|source| self.route(source, None));
            if let Some(back) = back {
                self.send_error(back.device, Error::Unreachable, &packet);
            }
        }
    }

    pub(crate) fn owes(&self) -> bool {
        !self.limits.owed.is_empty()
    }

    /// At most one redirect in a second for each receiver.
    fn may_redirect(&mut self, receiver: IpAddr) -> bool {
        let now = self.clock.tick();
        let second = self.clock.ticks_ceil(Duration::from_secs(1));
        let recent = |at: &crate::time::Tick| (0..second as i32).contains(&now.since(*at));
        self.limits.redirected.retain(|(_, at)| recent(at));
        if self.limits.redirected.iter().any(|(r, _)| *r == receiver) {
            return false;
        }
        if self.limits.redirected.len() == REDIRECT_MEMORY {
            self.limits.redirected.pop_front();
        }
        self.limits.redirected.push_back((receiver, now));
        self.limits.errors.take(self.clock.now())
    }

    /// The sender could have sent it there itself (RFC 1812 section 5.2.7.2).
    fn redirect_v4(&mut self, hop: Hop, source: Ipv4Addr, bytes: &[u8]) {
        let IpAddr::V4(gateway) = hop.next_hop else { return };
        let on_link = self.device(hop.device).is_some_and(|d| {
            d.v4_addresses()
                .any(|(a, _)| a.prefix.contains(source.into()) && a.prefix.contains(gateway.into()))
        });
        if on_link && icmp_error::may_answer(bytes) && self.may_redirect(source.into()) {
            let from = self.select_v4(hop.device, source);
            let mut packet = Vec::new();
            if icmp_error::emit_v4(&mut packet, from, source, Error::Redirect(gateway), bytes) {
                let _ = self.send_to(hop.device, source.into(), packet);
            }
        }
    }

    /// ND-69, RFC 4861 section 8.2.
    fn redirect_v6(&mut self, hop: Hop, source: Ipv6Addr, destination: Ipv6Addr, bytes: &[u8]) {
        let IpAddr::V6(target) = hop.next_hop else { return };
        let Some(own) = self.device(hop.device) else { return };
        let Some(from) = own.link_local() else { return };
        let neighbour = source.is_unicast_link_local()
            || own
                .v6_addresses()
                .any(|(a, _)| a.state == AddressState::Assigned && a.prefix.contains(source.into()));
        let better = target == destination || target.is_unicast_link_local();
        if !neighbour || !better || !icmp_error::may_answer(bytes) || !self.may_redirect(source.into()) {
            return;
        }
        let known = self.table(Family::Inet6).find(hop.device, target.into());
        let target_lladdr = known.and_then(|slot| {
            let table = self.table(Family::Inet6);
            table.entries[slot].state.is_valid().then(|| table.lladdr(slot))
        });
        let pad = self.device(hop.device).map_or(0, |d| d.kind.option_pad());
        let traffic_class = self.own_conf6(hop.device, Conf6::NdiscTclass) as u8;
        let header = Header { source: from, destination: source, traffic_class };
        let redirect = RedirectRepr { target, destination, target_lladdr, pad, redirected: bytes };
        let mut packet = Vec::new();
        ndisc::emit_redirect(&mut packet, &header, &redirect);
        let _ = self.send_to(hop.device, source.into(), packet);
    }
}

/// Cuts an IPv4 packet to fit (RFC 791 section 3.2). None: it must not be cut, or cannot.
fn fragment(packet: &[u8], mtu: usize) -> Option<Vec<Vec<u8>>> {
    const DONT: u16 = 0x4000;
    const MORE: u16 = 0x2000;
    let parsed = Ipv4::parse(packet).ok()?;
    let flags = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]);
    let room = mtu.checked_sub(parsed.header_len)? & !7;
    let last = usize::from(flags & 0x1fff) + parsed.payload.len().div_ceil(8);
    if flags & DONT != 0 || room == 0 || last > 0x1fff {
        return None;
    }
    let header = packet.get(..parsed.header_len)?;
    let chunks = parsed.payload.len().div_ceil(room);
    let parts = parsed.payload.chunks(room).enumerate().map(|(n, chunk)| {
        let mut part = header.to_vec();
        part.extend_from_slice(chunk);
        let offset = (flags & 0x1fff) + (n * room / 8) as u16;
        let more = if n + 1 < chunks { MORE } else { flags & MORE };
        let len = (part.len() as u16).to_be_bytes();
        part[2..4].copy_from_slice(&len);
        part[6..8].copy_from_slice(&(offset | more).to_be_bytes());
        part[10..12].fill(0);
        let sum = neighbour_wire::icmpv4::checksum(&part[..parsed.header_len]);
        part[10..12].copy_from_slice(&sum.to_be_bytes());
        part
    });
    Some(parts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn fragments_make_up_the_packet_again_rfc_791() {
        let mut packet = vec![];
        let payload: Vec<u8> = (0..3000u32).map(|n| n as u8).collect();
        neighbour_wire::udp::emit_ipv4(
            &mut packet,
            [10, 0, 0, 1].into(),
            [10, 0, 1, 1].into(),
            1,
            2,
            &payload,
        );
        assert_eq!(fragment(&packet, 1500), None, "do not fragment is set");
        packet[6] = 0;
        packet[10..12].fill(0);
        let sum = neighbour_wire::icmpv4::checksum(&packet[..20]);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        let parts = fragment(&packet, 1500).unwrap();
        let mut whole = vec![0; 3008];
        for (n, part) in parts.iter().enumerate() {
            let parsed = Ipv4::parse(part).unwrap();
            assert!(part.len() <= 1500);
            let at = usize::from(parsed.fragment_offset);
            whole[at..at + parsed.payload.len()].copy_from_slice(parsed.payload);
            assert_eq!(part[6] & 0x20 != 0, n + 1 < parts.len(), "more fragments");
        }
        assert_eq!(whole, packet[20..]);
    }
}
