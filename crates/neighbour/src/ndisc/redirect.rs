//! Redirects received (ND-66 to ND-68, RFC 4861 section 8).

use super::{Message, options};
use crate::conf::Conf6;
use crate::event::Reason;
use crate::guard::Whom;
use crate::route::Hop;
use crate::update::UpdateFlags;
use crate::{DropReason, Engine, NudState};
use core::net::IpAddr;
use neighbour_wire::ndisc::Redirect;

impl Engine {
    pub(super) fn redirect_receive(&mut self, message: &Message<'_>) -> Result<(), DropReason> {
        let Message { device, source, .. } = *message;
        let redirect = Redirect::parse(message.bytes).ok_or(DropReason::NdTruncated)?;
        if !source.is_unicast_link_local() {
            return Err(DropReason::NdSourceNotLinkLocal);
        }
        let options = options(redirect.options)?;
        let (target, destination) = (redirect.target, redirect.destination);
        let on_link = target == destination;
        if destination.is_multicast() || !(on_link || target.is_unicast_link_local()) {
            return Err(DropReason::NdBadRedirect);
        }
        if self.own_conf6(device, Conf6::Forwarding) != 0
            || self.own_conf6(device, Conf6::AcceptRedirects) == 0
        {
            return Err(DropReason::NdIgnored);
        }
        let lladdr = self.option_lladdr(device, options.target_lladdr)?;
        // Only the present first hop of that destination may redirect, and a neighbour is no first hop: else
        // anybody could draw traffic (RFC 4861 section 8.1).
        let present = self.route(IpAddr::V6(destination), Some(device));
        if source == destination || present != Some(Hop { device, next_hop: IpAddr::V6(source) }) {
            return Err(DropReason::NdBadRedirect);
        }
        let reason = Reason::Redirect;
        self.confirm_entry(device, IpAddr::V6(source)); // ND-67
        let id = self
            .seen_v6(device, target, Some(Whom::of(reason)), reason)
            .ok_or(DropReason::NeighCreateFail)?;
        let mut flags = UpdateFlags::OVERRIDE | UpdateFlags::WEAK_OVERRIDE;
        flags.set(UpdateFlags::OVERRIDE_ISROUTER | UpdateFlags::ISROUTER, !on_link);
        let _ = self.update(id, lladdr.as_ref(), NudState::STALE, flags, reason);
        let hop = Hop { device, next_hop: IpAddr::V6(target) };
        self.routes.redirect(IpAddr::V6(destination), hop, self.config.max_redirects);
        Ok(())
    }
}
