//! Neighbour solicitations received (ND-20 to ND-33).

use super::{Advertise, Message, options};
use crate::conf::Conf6;
use crate::device::{AddressState, HeaderOps};
use crate::event::Reason;
use crate::guard::Whom;
use crate::ndisc_groups::ALL_NODES;
use crate::neighbour::Flags;
use crate::parms::Parm;
use crate::proxy::Request;
use crate::table::Id;
use crate::update::UpdateFlags;
use crate::{DropReason, Engine, Family, NudState};
use core::net::IpAddr;
use neighbour_wire::LlAddr;
use neighbour_wire::ipv6::is_solicited_node;
use neighbour_wire::ndisc::Solicit;

impl Engine {
    pub(super) fn solicit_receive(&mut self, message: &Message<'_>) -> Result<(), DropReason> {
        let solicit = Solicit::parse(message.bytes).ok_or(DropReason::NdTruncated)?;
        let Message { device, source, destination, .. } = *message;
        let dad = source.is_unspecified();
        if solicit.target.is_multicast() {
            return Err(DropReason::NdMulticastTarget); // ND-20
        }
        if dad && !is_solicited_node(&destination) {
            return Err(DropReason::NdBadDad); // ND-21
        }
        let options = options(solicit.options)?;
        let lladdr = self.option_lladdr(device, options.source_lladdr)?;
        if dad && options.source_lladdr.is_some() {
            return Err(DropReason::NdBadDad); // ND-22
        }
        let nonce = options.nonce_bytes(); // ND-23

        let own = self.device(device).ok_or(DropReason::DeviceDown)?;
        let (header, addr_len) = (own.header, own.addr_len());
        let state = own.find(IpAddr::V6(solicit.target)).map(|a| (a.state, a.nonce));
        let delay = own.parms[Family::Inet6 as usize].as_ref().map_or(0, |p| p.get(Parm::ProxyDelay));
        let mut router = own.conf6_own(Conf6::Forwarding) != 0; // ND-27
        match state {
            // ND-24
            Some((AddressState::Tentative | AddressState::Optimistic, sent)) if dad => {
                let looped_back = sent != [0; 6] && nonce == Some(sent);
                if !looped_back {
                    self.dad_failure(device, solicit.target, None);
                }
                return Ok(());
            }
            Some((AddressState::Tentative, _)) => return Err(DropReason::AddressTentative),
            Some((AddressState::Duplicate, _)) => return Err(DropReason::AddressTentative),
            Some((AddressState::Assigned | AddressState::Optimistic, _)) => {}
            None => {
                let proxy = match own.subnet_routers().any(|anycast| anycast == solicit.target) {
                    true => Flags::ROUTER,
                    false => self.proxies_solicit(device, solicit.target).ok_or(DropReason::NdIgnored)?,
                };
                let at_once =
                    message.from_queue || message.to_us || !destination.is_multicast() || delay == 0;
                if !at_once {
                    let bytes = message.bytes.to_vec();
                    self.delay_proxied(device, Request::Solicit { source, destination, bytes }); // ND-26
                    return Ok(());
                }
                router = proxy.contains(Flags::ROUTER);
            }
        }
        self.may_reply(device, source.into(), solicit.target.into(), lladdr.as_ref())?;
        let assigned = state.is_some();
        let advert = Advertise {
            device,
            destination: source,
            target: solicit.target,
            router,
            solicited: true,
            overrides: assigned && destination.is_multicast(),
            lladdr: destination.is_multicast(),
            to: None,
        };
        if dad {
            // ND-28; it came to a group (ND-21), so the answer overrides and has our address.
            self.send_advert(&Advertise { destination: ALL_NODES, solicited: false, ..advert });
            return Ok(());
        }
        let stats = &mut self.table_mut(Family::Inet6).stats;
        match destination.is_multicast() {
            true => stats.rcv_probes_mcast += 1, // ND-29
            false => stats.rcv_probes_ucast += 1,
        }
        let reason = Reason::NeighbourSolicit;
        let create = !destination.is_multicast() || lladdr.is_some() || addr_len == 0; // ND-30
        // Who does not say where he is must be sought.
        let whom = if lladdr.is_some() { Whom::Peer } else { Whom::Packet(None) };
        let id = self.seen_v6(device, source, create.then_some(whom), reason);
        if let Some(id) = id {
            let flags = UpdateFlags::OVERRIDE | UpdateFlags::WEAK_OVERRIDE;
            let _ = self.update(id, lladdr.as_ref(), NudState::STALE, flags, reason); // ND-31
        }
        // Beyond Linux an answer needs no entry, and is no use of one.
        let own = self.device(device).ok_or(DropReason::DeviceDown)?;
        let host = |lladdr: &LlAddr| !lladdr.is_zero() && !own.kind.is_group(lladdr.as_bytes());
        let to = if self.admits_by_class(Family::Inet6) { lladdr.filter(host) } else { None };
        if id.is_none() && to.is_none() && header != HeaderOps::None {
            return Err(DropReason::NdIgnored); // ND-32
        }
        self.send_advert(&Advertise { to, ..advert });
        Ok(())
    }

    /// The flags of the proxy entry that makes us answer for an address that is not ours (ND-25).
    fn proxies_solicit(&self, device: crate::DeviceId, target: core::net::Ipv6Addr) -> Option<Flags> {
        let on = self.own_conf6(device, Conf6::Forwarding) != 0 && self.conf6(device, Conf6::ProxyNdp) != 0;
        self.proxies.find(target.into(), Some(device)).filter(|_| on).map(|proxy| proxy.flags)
    }

    /// Looks a peer up, counted; makes it for somebody.
    pub(super) fn seen_v6(
        &mut self,
        device: crate::DeviceId,
        peer: core::net::Ipv6Addr,
        create: Option<Whom>,
        reason: Reason,
    ) -> Option<Id> {
        let family = Family::Inet6;
        match self.table_mut(family).lookup(device, peer.into()) {
            Some(slot) => Some(Id { family, slot }),
            None => self.create_for(device, peer.into(), reason, create?).ok(),
        }
    }
}
