//! ICMP redirects received (ND-70, RFC 1122 section 3.2.2.2).

use crate::conf::Conf4;
use crate::event::{Reason, RouteType};
use crate::route::Hop;
use crate::table::Id;
use crate::{DeviceId, DropReason, Engine, Family};
use core::net::{IpAddr, Ipv4Addr};
use neighbour_wire::icmpv4;
use neighbour_wire::ipv4::Ipv4;

const REDIRECT: u8 = 5;

impl Engine {
    /// Is this packet, which is for us, an ICMP redirect?
    pub(crate) fn is_redirect_v4(packet: &Ipv4<'_>) -> bool {
        packet.protocol == icmpv4::PROTOCOL && !packet.fragment && packet.payload.first() == Some(&REDIRECT)
    }

    /// A gateway says that another one is better for a destination. It must be the present one for it, and
    /// the other one on the same link.
    pub(crate) fn redirect_receive_v4(
        &mut self,
        device: DeviceId,
        packet: &Ipv4<'_>,
    ) -> Result<(), DropReason> {
        let message = packet.payload;
        if !icmpv4::checksum_ok(message) {
            return Err(DropReason::IpMalformed);
        }
        let (Some(gateway), Some(cause)) = (message.get(4..8), message.get(8..)) else {
            return Err(DropReason::IpMalformed);
        };
        let gateway = Ipv4Addr::from(<[u8; 4]>::try_from(gateway).unwrap_or_default());
        let Some(IpAddr::V4(destination)) = neighbour_wire::icmp_error::destination(cause) else {
            return Err(DropReason::IpMalformed);
        };
        let forwards = self.conf4_own(device, Conf4::Forwarding) != 0;
        if forwards || self.conf4(device, Conf4::AcceptRedirects) == 0 {
            return Err(DropReason::NdIgnored);
        }
        let on_link = self
            .device(device)
            .is_some_and(|d| d.v4_addresses().any(|(a, _)| a.prefix.contains(gateway.into())));
        let present = self.route(destination.into(), None);
        let by_sender = present == Some(Hop { device, next_hop: packet.source.into() });
        let unicast = |a| self.classify_v4(a) == RouteType::Unicast;
        if !by_sender
            || destination == packet.source
            || !on_link
            || !unicast(gateway)
            || !unicast(destination)
        {
            return Err(DropReason::NdBadRedirect);
        }
        let family = Family::Inet;
        let id = match self.table_mut(family).lookup(device, gateway.into()) {
            Some(slot) => Id { family, slot },
            None => {
                let made = self.create(device, gateway.into(), Reason::Redirect);
                made.map_err(|_| DropReason::NeighCreateFail)?
            }
        };
        if self.entry(id).state.is_valid() {
            let hop = Hop { device, next_hop: gateway.into() };
            self.routes.redirect(destination.into(), hop, self.config.max_redirects);
        } else {
            // The route stays until the gateway has answered, and it is told of again.
            let _ = self.event_send(id, None, true, Reason::Redirect);
        }
        Ok(())
    }
}
