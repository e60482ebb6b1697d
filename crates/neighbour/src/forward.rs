//! Forwarding: packets of others between devices, as far as standing in for a router needs it
//! (RFC 1812 section 5, RFC 4861 section 8.2), and the ICMP errors owed to their senders.

use crate::conf::{Conf4, Conf6};
use crate::device::AddressState;
use crate::fragment::fragment;
use crate::route::Hop;
use crate::{DeviceId, DropReason, Engine, Family, Sent};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use neighbour_wire::icmp_error::{self, Error};
use neighbour_wire::ipv4::Ipv4;
use neighbour_wire::ipv6::Ipv6;
use neighbour_wire::ndisc::{self, Header, RedirectRepr};

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
            return Ok(self.pass_on(hop, bytes));
        }
        let Some(parts) = fragment(&bytes, mtu as usize) else {
            self.send_error(device, Error::TooBig(mtu), &bytes);
            return Err(DropReason::TooBig);
        };
        let sent: Vec<Sent> = parts.into_iter().map(|part| self.pass_on(hop, part)).collect();
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
        Ok(self.pass_on(hop, bytes))
    }

    /// Sends a packet of somebody else, who has a budget of his own ([`crate::Admission`]).
    fn pass_on(&mut self, hop: Hop, packet: Vec<u8>) -> Sent {
        self.passing_on = true;
        let sent = self.send_to(hop.device, hop.next_hop, packet);
        self.passing_on = false;
        sent
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
