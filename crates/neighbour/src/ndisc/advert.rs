//! Neighbour advertisements received (ND-40 to ND-51, RFC 4861 section 7.2.5).

use super::{Message, options};
use crate::conf::Conf6;
use crate::device::AddressState;
use crate::event::{EventKind, Reason};
use crate::guard::Whom;
use crate::update::UpdateFlags;
use crate::{DropReason, Engine, NudState};
use core::net::{IpAddr, Ipv6Addr};
use neighbour_wire::LlAddr;
use neighbour_wire::ndisc::Advert;

impl Engine {
    pub(super) fn advert_receive(&mut self, message: &Message<'_>) -> Result<(), DropReason> {
        let advert = Advert::parse(message.bytes).ok_or(DropReason::NdTruncated)?;
        let Message { device, source, destination, .. } = *message;
        if advert.target.is_multicast() {
            return Err(DropReason::NdMulticastTarget);
        }
        if destination.is_multicast() && advert.solicited {
            return Err(DropReason::NdSolicitedMulticast); // ND-40
        }
        if !advert.solicited && self.own_conf6(device, Conf6::DropUnsolicitedNa) != 0 {
            return Err(DropReason::NdUnsolicited); // ND-41
        }
        let options = options(advert.options)?;
        let lladdr = self.option_lladdr(device, options.target_lladdr)?; // ND-42

        let own = self.device(device).ok_or(DropReason::DeviceDown)?;
        let address = IpAddr::V6(advert.target);
        match own.find(address).map(|a| a.state) {
            // ND-43
            Some(AddressState::Tentative | AddressState::Optimistic) => {
                self.dad_failure(device, advert.target, lladdr);
                return Ok(());
            }
            Some(AddressState::Assigned | AddressState::Duplicate) => {
                if !own.is_loopback() {
                    self.tell(EventKind::AddressConflict { device, address, lladdr });
                }
                return Err(DropReason::NdIgnored);
            }
            None => {}
        }
        let reason = Reason::NeighbourAdvert { solicited: advert.solicited, overrides: advert.override_ };
        let mut to = if advert.solicited { NudState::REACHABLE } else { NudState::STALE }; // ND-44
        let id = match self.seen_v6(device, advert.target, None, reason) {
            Some(id) => id,
            None => {
                let answers = lladdr.is_some_and(|lladdr| self.answers_a_question(device, address, &lladdr));
                let learns = lladdr.is_some() && self.learns_untracked(device, source);
                if !answers && !learns {
                    return Err(DropReason::NdIgnored); // ND-46
                }
                let whom = if answers { Whom::Known } else { Whom::Peer };
                if !answers {
                    to = NudState::STALE; // ND-45
                }
                let made = self.create_for(device, address, reason, whom);
                made.map_err(|_| DropReason::NeighCreateFail)?
            }
        };
        if self.entry(id).state.has(NudState::FAILED) {
            if !lladdr.is_some_and(|lladdr| self.answers_a_question(device, address, &lladdr)) {
                return Err(DropReason::NdIgnored); // ND-47
            }
            self.has_answered(id);
        }
        if self.is_own_proxying(device, advert.target, lladdr) {
            return Err(DropReason::NdIgnored); // ND-48
        }
        let mut flags = UpdateFlags::WEAK_OVERRIDE | UpdateFlags::OVERRIDE_ISROUTER; // ND-49
        flags.set(UpdateFlags::OVERRIDE, advert.override_);
        flags.set(UpdateFlags::ISROUTER, advert.router);
        let was_router = self.entry(id).is_router();
        let _ = self.update(id, lladdr.as_ref(), to, flags, reason);
        if was_router && !self.entry(id).is_router() {
            self.forget_router(device, source); // ND-50
        }
        Ok(())
    }

    /// Our own answer for a proxied address, come back to us.
    fn is_own_proxying(&self, device: crate::DeviceId, target: Ipv6Addr, lladdr: Option<LlAddr>) -> bool {
        let all = |conf| self.conf6_all.get(conf as usize) != 0;
        all(Conf6::Forwarding)
            && all(Conf6::ProxyNdp)
            && lladdr.is_some_and(|claimed| self.device_lladdr(device) == Some(claimed))
            && self.proxies.find(target.into(), Some(device)).is_some()
    }

    /// accept_untracked_na, on routers (ND-45, RFC 9131).
    fn learns_untracked(&self, device: crate::DeviceId, source: Ipv6Addr) -> bool {
        let on_link = || {
            let own = self.device(device);
            own.is_some_and(|d| d.v6_addresses().any(|(a, _)| a.prefix.contains(source.into())))
        };
        let router = self.own_conf6(device, Conf6::Forwarding) != 0;
        router
            && match self.own_conf6(device, Conf6::AcceptUntrackedNa) {
                1 => true,
                2 => on_link(),
                _ => false,
            }
    }
}
