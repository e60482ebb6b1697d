//! ARP: what it asks, what it takes in, what it answers (section 4 of `specs/linux-6.18.md`, RFC 826).

use crate::conf::Conf4;
use crate::device::{LinkKind, Scope};
use crate::event::{Reason, RouteType};
use crate::guard::Whom;
use crate::parms::Parm;
use crate::proxy::Request;
use crate::route::Hop;
use crate::table::Id;
use crate::update::UpdateFlags;
use crate::{DeviceId, DropReason, Engine, Family, NudState};
use core::net::{IpAddr, Ipv4Addr};
use neighbour_wire::LlAddr;
use neighbour_wire::arp::{Packet, Repr, op};
use neighbour_wire::ethernet::ethertype;

/// How an ARP packet came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Via {
    /// To our own address.
    Unicast,
    /// To a group.
    Group,
    /// From the proxy queue, its delay over.
    Queue,
}

/// An ARP packet that passed the checks, and what the frame said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received<'f> {
    pub(crate) device: DeviceId,
    pub(crate) request: bool,
    via: Via,
    bytes: &'f [u8],
    pub(crate) sender_hw: LlAddr,
    pub(crate) sender_ip: Ipv4Addr,
    target_hw: LlAddr,
    pub(crate) target_ip: Ipv4Addr,
}

impl Engine {
    /// Asks who has `target` (ARP-14 to ARP-19).
    pub(crate) fn arp_solicit(
        &mut self,
        device: DeviceId,
        target: Ipv4Addr,
        packet_source: Option<IpAddr>,
        lladdr: Option<LlAddr>,
    ) {
        let Some(source) = self.arp_source(device, target, packet_source) else { return };
        self.arp_send(device, op::REQUEST, source, target, lladdr, LlAddr::EMPTY);
    }

    /// The address to ask with, by arp_announce (ARP-15, ARP-16). None: the device has no IPv4.
    fn arp_source(&self, device: DeviceId, target: Ipv4Addr, packet: Option<IpAddr>) -> Option<Ipv4Addr> {
        let own = self.device(device)?;
        own.parms[Family::Inet as usize].as_ref()?;
        let packet = match packet {
            Some(IpAddr::V4(v4)) if self.classify_v4(v4) == RouteType::Local => Some(v4),
            _ => None,
        };
        let both_on_subnet = |source: Ipv4Addr| {
            own.v4_addresses()
                .any(|(a, _)| a.prefix.contains(target.into()) && a.prefix.contains(source.into()))
        };
        let from_packet = match self.conf4(device, Conf4::ArpAnnounce) {
            1 => packet.filter(|source| both_on_subnet(*source)),
            2 => None,
            _ => packet,
        };
        Some(from_packet.unwrap_or_else(|| self.select_v4(device, target)))
    }

    /// The best own address towards `target` (ARP-16); 0.0.0.0 if there is none.
    pub(crate) fn select_v4(&self, device: DeviceId, target: Ipv4Addr) -> Ipv4Addr {
        let on_device = self.device(device).into_iter().flat_map(|d| d.v4_addresses());
        let eligible = on_device.filter(|(a, _)| !a.secondary && a.scope <= Scope::Link);
        let mut first = None;
        for (own, v4) in eligible {
            if own.prefix.contains(target.into()) {
                return v4;
            }
            first = first.or(Some(v4));
        }
        let elsewhere = || {
            let all = self.devices().flat_map(|d| d.v4_addresses());
            all.filter(|(a, _)| !a.secondary && a.scope == Scope::Global).map(|(_, v4)| v4).next()
        };
        first.or_else(elsewhere).unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    /// Sends an ARP packet, to everybody unless a link-layer address is given (ARP-19 to ARP-22).
    fn arp_send(
        &mut self,
        device: DeviceId,
        op: u16,
        sender_ip: Ipv4Addr,
        target_ip: Ipv4Addr,
        to: Option<LlAddr>,
        target_hw: LlAddr,
    ) {
        let Some(own) = self.device(device).filter(|d| !d.noarp) else { return };
        let hardware_type = match own.kind {
            LinkKind::Fddi => LinkKind::Ethernet.hardware_type(),
            kind => kind.hardware_type(),
        };
        let to = to.unwrap_or(own.broadcast);
        let repr = Repr { hardware_type, op, sender_hw: own.lladdr, sender_ip, target_hw, target_ip };
        let mut packet = self.buffer();
        repr.emit(&mut packet);
        let _ = self.transmit(device, &to, ethertype::ARP, &packet);
        self.recycle(packet);
    }

    /// A request from nobody: does somebody else have this address? (RFC 5227 section 2.1.1)
    pub(crate) fn arp_probe(&mut self, device: DeviceId, address: Ipv4Addr) {
        let nobody = LlAddr::zeros(self.device(device).map_or(0, |d| d.addr_len()));
        self.arp_send(device, op::REQUEST, Ipv4Addr::UNSPECIFIED, address, None, nobody);
    }

    /// A request that asks for the own address and tells everybody (ARP-55).
    pub fn announce_v4(&mut self, device: DeviceId, address: Ipv4Addr) {
        self.arp_send(device, op::REQUEST, address, address, None, LlAddr::EMPTY);
    }

    /// Takes in an ARP packet: the checks (ARP-23 to ARP-29), then the decision.
    pub(crate) fn arp_receive(&mut self, device: DeviceId, via: Via, bytes: &[u8]) -> Result<(), DropReason> {
        let own = self.device(device).ok_or(DropReason::DeviceDown)?;
        if own.noarp || own.is_loopback() {
            return Err(DropReason::ArpNoarpDevice); // ARP-23
        }
        let packet = Packet::parse(bytes).map_err(|_| DropReason::ArpTruncated)?; // ARP-24
        if usize::from(packet.hardware_len()) != own.addr_len() || packet.protocol_len() != 4 {
            return Err(DropReason::ArpBadLength);
        }
        if own.parms[Family::Inet as usize].is_none() {
            return Err(DropReason::NoFamily); // ARP-26
        }
        let ether_like = matches!(own.kind, LinkKind::Ethernet | LinkKind::Fddi | LinkKind::Ieee802);
        let known = match packet.hardware_type() {
            1 | 6 if ether_like => true,
            other => !ether_like && other == own.kind.hardware_type(),
        };
        if !known || packet.protocol() != ethertype::IPV4 {
            return Err(DropReason::ArpBadType);
        }
        let request = match packet.op() {
            op::REQUEST => true,
            op::REPLY => false,
            _ => return Err(DropReason::ArpBadOp), // ARP-27
        };
        let repr = Repr::parse(&packet).map_err(|_| DropReason::ArpBadLength)?;
        let received = Received {
            device,
            request,
            via,
            bytes,
            sender_hw: repr.sender_hw,
            sender_ip: repr.sender_ip,
            target_hw: repr.target_hw,
            target_ip: repr.target_ip,
        };
        self.acd_hear(&received)?;
        let localnet = self.conf4(device, Conf4::RouteLocalnet) != 0;
        if repr.target_ip.is_multicast() || (repr.target_ip.is_loopback() && !localnet) {
            return Err(DropReason::ArpBadTarget); // ARP-28
        }
        if repr.sender_ip == repr.target_ip && self.conf4(device, Conf4::DropGratuitousArp) != 0 {
            return Err(DropReason::ArpGratuitous); // ARP-29
        }
        self.arp_decide(&received)
    }

    /// The decision tree (ARP-31 to ARP-44).
    fn arp_decide(&mut self, arp: &Received<'_>) -> Result<(), DropReason> {
        if arp.sender_ip.is_unspecified() {
            // ARP-31, RFC 5227: a probe touches no table.
            if arp.request && self.classify_v4(arp.target_ip) == RouteType::Local {
                if self.arp_ignores(arp) {
                    return Err(DropReason::ArpIgnored);
                }
                self.arp_may_reply(arp)?;
                self.arp_reply(arp);
            }
            return Ok(());
        }
        if arp.request && self.arp_route_is_local(arp) {
            // ARP-33
            if self.arp_ignores(arp) {
                return Err(DropReason::ArpIgnored);
            }
            if self.arp_filters(arp) {
                return Err(DropReason::ArpFiltered);
            }
            self.arp_may_reply(arp)?;
            if self.arp_sender_seen(arp).is_none() && !self.admits_by_class(Family::Inet) {
                return Err(DropReason::NeighCreateFail);
            }
            self.arp_reply(arp);
            return Ok(());
        }
        if arp.request && self.arp_proxies(arp) {
            self.arp_may_reply(arp)?;
            self.arp_sender_seen(arp); // ARP-37
            let at_once = arp.via != Via::Group || self.proxy_delay(arp.device) == 0;
            match at_once {
                true => self.arp_reply(arp),
                false => self.delay_proxied(arp.device, Request::Arp(arp.bytes.to_vec())),
            }
            return Ok(());
        }
        self.arp_learn(arp);
        Ok(())
    }

    fn proxy_delay(&self, device: DeviceId) -> u32 {
        let parms = self.device(device).and_then(|d| d.parms[Family::Inet as usize].as_ref());
        parms.map_or(0, |p| p.get(Parm::ProxyDelay))
    }

    /// Is this a request that we answer for another (ARP-34 to ARP-36)?
    fn arp_proxies(&self, arp: &Received<'_>) -> bool {
        let routed = self.classify_v4(arp.target_ip) == RouteType::Unicast
            && self.conf4_own(arp.device, Conf4::Forwarding) != 0
            && self.valid_source_v4(arp.device, arp.sender_ip);
        let Some(out) = self.route(arp.target_ip.into(), None).filter(|_| routed).map(|hop| hop.device)
        else {
            return false;
        };
        if out == arp.device {
            return arp.sender_ip != arp.target_ip && self.conf4(arp.device, Conf4::ProxyArpPvlan) != 0;
        }
        let by_medium = match self.conf4_own(arp.device, Conf4::MediumId) {
            0 => true,
            -1 => false,
            own => ![own, -1].contains(&self.conf4_own(out, Conf4::MediumId)),
        };
        (by_medium && self.conf4(arp.device, Conf4::ProxyArp) != 0)
            || self.proxies.find(arp.target_ip.into(), Some(arp.device)).is_some()
    }

    /// Would a packet from sender to target be for this host (ARP-32)?
    fn arp_route_is_local(&self, arp: &Received<'_>) -> bool {
        self.classify_v4(arp.target_ip) == RouteType::Local && self.valid_source_v4(arp.device, arp.sender_ip)
    }

    /// May a packet with this source come in by this device (rp_filter, martians)?
    pub(crate) fn valid_source_v4(&self, device: DeviceId, source: Ipv4Addr) -> bool {
        let localnet = self.conf4(device, Conf4::RouteLocalnet) != 0;
        let martian = source.is_multicast() || source.is_broadcast() || (source.is_loopback() && !localnet);
        if martian {
            return false;
        }
        if self.classify_v4(source) == RouteType::Local {
            return self.conf4(device, Conf4::AcceptLocal) != 0;
        }
        let back = || self.route(source.into(), None);
        match self.conf4(device, Conf4::RpFilter) {
            1 => back().is_some_and(|hop| hop.device == device),
            2 => back().is_some() || self.device(device).is_some_and(|d| d.v4_addresses().next().is_none()),
            _ => true,
        }
    }

    /// arp_ignore (ARP-53): is the request to be left unanswered?
    fn arp_ignores(&self, arp: &Received<'_>) -> bool {
        let here = || self.device(arp.device).and_then(|d| d.find(arp.target_ip.into()));
        match self.conf4(arp.device, Conf4::ArpIgnore) {
            1 => here().is_none(),
            2 => {
                let sees_both = |sender: Ipv4Addr| {
                    sender.is_unspecified()
                        || self.device(arp.device).is_some_and(|d| {
                            d.v4_addresses()
                                .any(|(a, v4)| v4 == arp.target_ip && a.prefix.contains(sender.into()))
                        })
                };
                here().is_none() || !sees_both(arp.sender_ip)
            }
            3 => {
                let host = |a: &crate::InterfaceAddress| a.scope == Scope::Host;
                let owner = self.local_v4(arp.target_ip).and_then(|d| d.find(arp.target_ip.into()));
                owner.is_none_or(host)
            }
            8 => true,
            _ => false,
        }
    }

    /// arp_filter (ARP-54): does the way back leave by another device?
    fn arp_filters(&self, arp: &Received<'_>) -> bool {
        let on = self.conf4(arp.device, Conf4::ArpFilter) != 0;
        on && self.route(arp.sender_ip.into(), None).is_none_or(|hop: Hop| hop.device != arp.device)
    }

    /// The sender of a request for us is known from now on (ARP-45).
    fn arp_sender_seen(&mut self, arp: &Received<'_>) -> Option<Id> {
        let reason = Reason::ArpRequest(arp.sender_hw);
        let address = IpAddr::V4(arp.sender_ip);
        let table = self.table_mut(Family::Inet);
        let id = match table.lookup(arp.device, address) {
            Some(slot) => Id { family: Family::Inet, slot },
            None => self.create(arp.device, address, reason).ok()?,
        };
        let _ = self.update(id, Some(&arp.sender_hw), NudState::STALE, UpdateFlags::OVERRIDE, reason);
        Some(id)
    }

    fn arp_reply(&mut self, arp: &Received<'_>) {
        self.arp_send(
            arp.device,
            op::REPLY,
            arp.target_ip,
            arp.sender_ip,
            Some(arp.sender_hw),
            arp.sender_hw,
        ); // ARP-52
    }

    /// One that waited in the proxy queue was counted when it came.
    fn arp_may_reply(&mut self, arp: &Received<'_>) -> Result<(), DropReason> {
        match arp.via {
            Via::Queue => Ok(()),
            _ => self.may_reply(arp.device, arp.sender_ip.into(), arp.target_ip.into(), Some(&arp.sender_hw)),
        }
    }

    /// What replies and other requests teach (ARP-39 to ARP-44).
    fn arp_learn(&mut self, arp: &Received<'_>) {
        let reason = match arp.request {
            true => Reason::ArpRequest(arp.sender_hw),
            false => Reason::ArpReply(arp.sender_hw),
        };
        let address = IpAddr::V4(arp.sender_ip);
        let unicast = self.classify_v4(arp.sender_ip) == RouteType::Unicast;
        let own_kind = arp.request || arp.target_hw == arp.sender_hw;
        let gratuitous = arp.sender_ip == arp.target_ip && own_kind && unicast; // ARP-41
        let known = self.table_mut(Family::Inet).lookup(arp.device, address);
        let reply = !arp.request && unicast;
        let slot = match known {
            Some(slot) => {
                let id = Id { family: Family::Inet, slot };
                let failed = self.entry(id).state == NudState::FAILED;
                if failed && reply && self.answers_a_question(arp.device, address, &arp.sender_hw) {
                    self.has_answered(id);
                }
                Some(slot)
            }
            None if reply && self.answers_a_question(arp.device, address, &arp.sender_hw) => {
                self.create_for(arp.device, address, reason, Whom::Known).ok().map(|id| id.slot)
            }
            None if self.arp_accepts(arp) && (gratuitous || reply) => {
                self.create(arp.device, address, reason).ok().map(|id| id.slot) // ARP-42
            }
            None => None,
        };
        let Some(slot) = slot else { return };
        let id = Id { family: Family::Inet, slot };
        let locktime = self.parms_of(id).get(Parm::Locktime);
        let settled = self.clock.tick().is_after(self.entry(id).updated.plus(locktime));
        let mut flags = UpdateFlags::empty();
        flags.set(UpdateFlags::OVERRIDE, gratuitous || settled); // ARP-43, ARP-44
        let to = if !arp.request && arp.via == Via::Unicast { NudState::REACHABLE } else { NudState::STALE };
        let _ = self.update(id, Some(&arp.sender_hw), to, flags, reason);
    }

    /// arp_accept (ARP-40).
    fn arp_accepts(&self, arp: &Received<'_>) -> bool {
        match self.conf4(arp.device, Conf4::ArpAccept) {
            1 => true,
            2 => self.device(arp.device).is_some_and(|d| {
                d.v4_addresses()
                    .any(|(a, _)| a.scope <= Scope::Link && a.prefix.contains(arp.sender_ip.into()))
            }),
            _ => false,
        }
    }
}
