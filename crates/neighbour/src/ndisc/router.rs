//! Router solicitations and advertisements, as far as they touch neighbours and parameters
//! (ND-52 to ND-65).

use super::{Message, options};
use crate::conf::Conf6;
use crate::event::{EventKind, Reason};
use crate::guard::Whom;
use crate::parms::Parm;
use crate::update::UpdateFlags;
use crate::{DeviceId, DropReason, Engine, Family, NudState};
use core::net::IpAddr;
use core::time::Duration;
use neighbour_wire::ndisc::{RouterAdvert, RouterSolicit};

impl Engine {
    pub(super) fn router_solicit_receive(&mut self, message: &Message<'_>) -> Result<(), DropReason> {
        let solicit = RouterSolicit::parse(message.bytes).ok_or(DropReason::NdTruncated)?;
        let Message { device, source, .. } = *message;
        if self.own_conf6(device, Conf6::Forwarding) == 0 || source.is_unspecified() {
            return Err(DropReason::NdIgnored); // ND-52
        }
        let options = options(solicit.options)?;
        let lladdr = self.option_lladdr(device, options.source_lladdr)?;
        let reason = Reason::RouterSolicit;
        let id = self.seen_v6(device, source, Some(Whom::Peer), reason).ok_or(DropReason::NeighCreateFail)?;
        let flags = UpdateFlags::OVERRIDE | UpdateFlags::WEAK_OVERRIDE | UpdateFlags::OVERRIDE_ISROUTER;
        let _ = self.update(id, lladdr.as_ref(), NudState::STALE, flags, reason); // ND-53
        Ok(())
    }

    pub(super) fn router_advert_receive(&mut self, message: &Message<'_>) -> Result<(), DropReason> {
        let Message { device, source, .. } = *message;
        let advert = RouterAdvert::parse(message.bytes).ok_or(DropReason::NdTruncated)?;
        if !source.is_unicast_link_local() {
            return Err(DropReason::NdSourceNotLinkLocal); // ND-55
        }
        let options = options(advert.options)?;
        let reason = Reason::RouterAdvert;
        let accepted = self.accepts_ra(device);
        if accepted {
            if advert.lifetime_s > 0 {
                self.router_heard(device);
            }
            self.take_default_router(device, &advert, message);
            self.take_parameters(device, &advert);
        }
        let id = self.seen_v6(device, source, Some(Whom::Peer), reason).ok_or(DropReason::NeighCreateFail)?; // ND-62
        let lladdr = self.option_lladdr(device, options.source_lladdr)?; // ND-64
        let flags = UpdateFlags::OVERRIDE
            | UpdateFlags::WEAK_OVERRIDE
            | UpdateFlags::OVERRIDE_ISROUTER
            | UpdateFlags::ISROUTER;
        let _ = self.update(id, lladdr.as_ref(), NudState::STALE, flags, reason); // ND-63
        if accepted {
            options.prefixes().for_each(|info| self.learn_prefix(device, &info)); // ND-65
        }
        Ok(())
    }

    /// accept_ra: 2 always, 1 unless forwarding, 0 never (ND-56).
    pub(crate) fn accepts_ra(&self, device: DeviceId) -> bool {
        match self.own_conf6(device, Conf6::AcceptRa) {
            2 => true,
            1 => self.own_conf6(device, Conf6::Forwarding) == 0,
            _ => false,
        }
    }

    /// The sender is a router: its entry says so at once, without notice (ND-57).
    fn take_default_router(&mut self, device: DeviceId, advert: &RouterAdvert<'_>, message: &Message<'_>) {
        let least = u32::try_from(self.own_conf6(device, Conf6::AcceptRaMinLft)).unwrap_or(0);
        let lifetime = u32::from(advert.lifetime_s);
        let own = self.device(device).is_some_and(|d| d.find(IpAddr::V6(message.source)).is_some());
        let wanted = self.own_conf6(device, Conf6::AcceptRaDefrtr) != 0 && !own;
        if !wanted || (lifetime != 0 && lifetime < least) {
            return;
        }
        self.learn_router(device, message.source, advert.lifetime_s, advert.preference);
        if lifetime == 0 {
            return;
        }
        if let Some(id) = self.seen_v6(device, message.source, Some(Whom::Peer), Reason::RouterAdvert) {
            self.set_router(id, true);
        }
    }

    /// Hop limit, retransmission and reachable time (ND-58 to ND-61, RFC 4861 section 6.3.4).
    fn take_parameters(&mut self, device: DeviceId, advert: &RouterAdvert<'_>) {
        let least = self.own_conf6(device, Conf6::AcceptRaMinHopLimit);
        let hop_limit = i32::from(advert.cur_hop_limit);
        let ticks =
            |clock: &crate::time::Clock, ms: u32| clock.ticks_floor(Duration::from_millis(u64::from(ms)));
        let (retrans, reachable) = (
            ticks(&self.clock, advert.retrans_ms).max(self.clock.tick_min()),
            ticks(&self.clock, advert.reachable_ms).max(self.clock.ticks_floor(Duration::from_millis(100))),
        );
        let (own, rng) = self.device_and_rng(device);
        let Some(own) = own else { return };
        if hop_limit != 0 && hop_limit >= least {
            own.conf6.set(Conf6::HopLimit as usize, hop_limit);
        }
        let Some(parms) = own.parms[Family::Inet6 as usize].as_mut() else { return };
        let mut changed = false;
        if advert.retrans_ms != 0 {
            parms.set(Parm::RetransTime, retrans);
            parms.mark_explicit(Parm::RetransTime);
            changed = true;
        }
        if advert.reachable_ms != 0 && reachable != parms.get(Parm::BaseReachableTime) {
            parms.set(Parm::BaseReachableTime, reachable);
            parms.set(Parm::GcStaletime, reachable.saturating_mul(3));
            parms.mark_explicit(Parm::BaseReachableTime);
            parms.mark_explicit(Parm::GcStaletime);
            parms.draw_reachable_time(rng);
            changed = true;
        }
        if changed {
            self.tell(EventKind::ParmsChanged { device, family: Family::Inet6 });
        }
    }
}
