//! What neighbour discovery sends (ND-6 to ND-15).

use crate::conf::Conf6;
use crate::device::AddressState;
use crate::ndisc_groups::{ALL_NODES, ALL_ROUTERS};
use crate::{DeviceId, Engine, Sent};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use neighbour_wire::LlAddr;
use neighbour_wire::ethernet::ethertype;
use neighbour_wire::ipv6::solicited_node;
use neighbour_wire::ndisc::{self, Header};

/// An advertisement to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advertise {
    pub(crate) device: DeviceId,
    pub(crate) destination: Ipv6Addr,
    pub(crate) target: Ipv6Addr,
    pub(crate) router: bool,
    pub(crate) solicited: bool,
    pub(crate) overrides: bool,
    /// With the target's link-layer address.
    pub(crate) lladdr: bool,
    /// Straight to this address, past the table.
    pub(crate) to: Option<LlAddr>,
}

impl Engine {
    /// The own switch of a device; `all` has no say in it.
    pub(crate) fn own_conf6(&self, device: DeviceId, conf: Conf6) -> i32 {
        self.device(device).map_or(0, |d| d.conf6_own(conf))
    }

    fn nd_header(&self, device: DeviceId, source: Ipv6Addr, destination: Ipv6Addr) -> Header {
        let traffic_class = self.own_conf6(device, Conf6::NdiscTclass) as u8;
        Header { source, destination, traffic_class }
    }

    /// ND messages go to their destination on their device, past all routes.
    pub(crate) fn nd_output(&mut self, device: DeviceId, destination: Ipv6Addr, packet: Vec<u8>) {
        match self.group_lladdr(device, destination) {
            Some(to) => self.nd_output_to(device, &to, packet),
            None => _ = self.send_to(device, IpAddr::V6(destination), packet),
        }
    }

    /// Sends a message past the table.
    fn nd_output_to(&mut self, device: DeviceId, to: &LlAddr, packet: Vec<u8>) {
        let _: Sent = self.transmit(device, to, ethertype::IPV6, &packet);
        self.recycle(packet);
    }

    /// Asks who has `target`: the target itself, or its solicited-node group (ND-13, ND-14).
    pub(crate) fn ndisc_solicit(
        &mut self,
        device: DeviceId,
        target: Ipv6Addr,
        packet_source: Option<IpAddr>,
        unicast: bool,
    ) {
        let Some(own) = self.device(device) else { return };
        let usable = |source: &Ipv6Addr| {
            own.find(IpAddr::V6(*source)).is_some_and(|a| a.state == AddressState::Assigned)
        };
        let from_packet = match packet_source {
            Some(IpAddr::V6(source)) => Some(source).filter(usable),
            _ => None,
        };
        let Some(source) = from_packet.or_else(|| own.link_local()) else { return }; // ND-8
        let destination = if unicast { target } else { solicited_node(&target) };
        self.send_solicit(device, source, destination, target, None);
    }

    /// Sends a solicitation (ND-7).
    pub(crate) fn send_solicit(
        &mut self,
        device: DeviceId,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        target: Ipv6Addr,
        nonce: Option<[u8; 6]>,
    ) {
        let Some(own) = self.device(device) else { return };
        let lladdr = (!source.is_unspecified() && own.addr_len() > 0).then_some(own.lladdr);
        let pad = own.kind.option_pad();
        let header = self.nd_header(device, source, destination);
        let mut packet = self.buffer();
        ndisc::emit_solicit(&mut packet, &header, target, lladdr.as_ref(), pad, nonce);
        self.nd_output(device, destination, packet);
    }

    /// Sends an advertisement (ND-10). From an address of the device that is not the target, it says
    /// so by its source; without any usable source nothing is sent.
    pub(crate) fn send_advert(&mut self, advert: &Advertise) {
        let Advertise { device, destination, target, router, solicited, .. } = *advert;
        let Some(own) = self.device(device) else { return };
        let assigned = own.find(IpAddr::V6(target)).map(|a| a.state);
        let (source, overrides, forced) = match assigned {
            Some(state) => {
                let force = own.conf6_own(Conf6::ForceTllao) != 0;
                (Some(target), advert.overrides && state != AddressState::Optimistic, force)
            }
            None => (self.select_v6(device, destination), advert.overrides, false),
        };
        let Some(source) = source else { return };
        let lladdr = ((advert.lladdr || forced) && own.addr_len() > 0).then_some(own.lladdr);
        let pad = own.kind.option_pad();
        let header = self.nd_header(device, source, destination);
        let mut packet = self.buffer();
        ndisc::emit_advert(&mut packet, &header, router, solicited, overrides, target, lladdr.as_ref(), pad);
        match advert.to {
            Some(to) => self.nd_output_to(device, &to, packet),
            None => self.nd_output(device, destination, packet),
        }
    }

    /// The own address to speak to `destination` with: of its scope, not deprecated, with the longest
    /// common prefix (RFC 6724 rules 2, 3 and 8, as far as one device needs them).
    pub(crate) fn select_v6(&self, device: DeviceId, destination: Ipv6Addr) -> Option<Ipv6Addr> {
        let link_local = |a: &Ipv6Addr| a.is_unicast_link_local();
        let narrow = link_local(&destination) || destination.is_multicast();
        let optimistic = self.conf6(device, Conf6::UseOptimistic) != 0;
        let own = self.device(device)?;
        own.v6_addresses()
            .filter(|(a, _)| {
                a.state == AddressState::Assigned || (optimistic && a.state == AddressState::Optimistic)
            })
            .max_by_key(|(a, v6)| {
                let common = (v6.to_bits() ^ destination.to_bits()).leading_zeros();
                (link_local(v6) == narrow, self.is_preferred(a), common)
            })
            .map(|(_, v6)| v6)
    }

    /// Unsolicited advertisements of all usable addresses (ND-12).
    pub(crate) fn announce_all_v6(&mut self, device: DeviceId) {
        let Some(own) = self.device(device) else { return };
        let usable = |state| matches!(state, AddressState::Assigned | AddressState::Optimistic);
        let addresses: Vec<_> =
            own.v6_addresses().filter(|(a, _)| usable(a.state)).map(|(_, v6)| v6).collect();
        for address in addresses {
            self.announce_v6(device, address);
        }
    }

    /// Tells everybody the link-layer address of an own address (ND-12, RFC 4861 section 7.2.6).
    pub fn announce_v6(&mut self, device: DeviceId, address: Ipv6Addr) {
        self.send_advert(&Advertise {
            device,
            destination: ALL_NODES,
            target: address,
            router: self.own_conf6(device, Conf6::Forwarding) != 0,
            solicited: false,
            overrides: true,
            lladdr: true,
            to: None,
        });
    }

    /// Asks for routers (ND-11).
    pub fn solicit_routers(&mut self, device: DeviceId) {
        let Some(own) = self.device(device) else { return };
        let source = own.link_local();
        let lladdr = source.filter(|_| own.addr_len() > 0).map(|_| own.lladdr);
        let pad = own.kind.option_pad();
        let header = self.nd_header(device, source.unwrap_or(Ipv6Addr::UNSPECIFIED), ALL_ROUTERS);
        let mut packet = self.buffer();
        ndisc::emit_router_solicit(&mut packet, &header, lladdr.as_ref(), pad);
        self.nd_output(device, ALL_ROUTERS, packet);
    }
}
