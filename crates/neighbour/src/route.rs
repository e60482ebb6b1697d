//! Where a packet goes: own addresses, subnets, routes, and what redirects said.
//!
//! Not a router's table: as much as a neighbour layer needs to know a next hop, classify an address
//! and check a source.

use crate::device::{AddressState, DeviceState};
use crate::event::RouteType;
use crate::{DeviceId, Engine, InterfaceAddress, Prefix};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A route by a gateway, or to a prefix that is on the link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// Where it leads.
    pub prefix: Prefix,
    /// The gateway; none for destinations on the link.
    pub via: Option<IpAddr>,
    /// The device it leaves by.
    pub device: DeviceId,
}

/// Why a route was refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RouteError {
    /// Another route leads to the same prefix.
    #[error("two routes to {prefix}: by {first} and by {second}")]
    Contradiction {
        /// The prefix.
        prefix: Prefix,
        /// The gateway there is.
        first: alloc::string::String,
        /// The gateway given now.
        second: alloc::string::String,
    },
    /// No subnet of the device holds the gateway.
    #[error("the gateway {0} is on no subnet of ours")]
    Gateway(IpAddr),
    /// Prefix and gateway are of different families.
    #[error("{0} and {1} are of different families")]
    Families(Prefix, IpAddr),
    /// No such device.
    #[error("no such device")]
    NoDevice,
}

/// A next hop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hop {
    pub(crate) device: DeviceId,
    pub(crate) next_hop: IpAddr,
}

/// Static routes and exceptions.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    routes: Vec<Route>,
    /// Destinations that a redirect sent elsewhere.
    redirects: BTreeMap<IpAddr, Hop>,
    /// The same in the order in which they came.
    order: VecDeque<IpAddr>,
}

impl Routes {
    /// The static routes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    fn add(&mut self, route: Route) -> Result<(), RouteError> {
        let prefix = route.prefix.network();
        let name = |via: Option<IpAddr>| via.map_or_else(|| "the link".into(), |v| alloc::format!("{v}"));
        if let Some(same) = self.routes.iter().find(|r| r.prefix == prefix) {
            if (same.via, same.device) == (route.via, route.device) {
                return Ok(());
            }
            return Err(RouteError::Contradiction { prefix, first: name(same.via), second: name(route.via) });
        }
        self.routes.push(Route { prefix, ..route });
        Ok(())
    }

    /// Remembers that `destination` goes by another hop from now on (ND-67).
    pub(crate) fn redirect(&mut self, destination: IpAddr, hop: Hop, limit: usize) {
        if limit == 0 {
            return;
        }
        if self.redirects.insert(destination, hop).is_none() {
            self.order.push_back(destination);
        }
        while self.redirects.len() > limit {
            let Some(oldest) = self.order.pop_front() else { break };
            self.redirects.remove(&oldest);
        }
    }

    fn forget_redirects(&mut self, which: impl Fn(&IpAddr, &Hop) -> bool) {
        self.redirects.retain(|destination, hop| !which(destination, hop));
        let redirects = &self.redirects;
        self.order.retain(|destination| redirects.contains_key(destination));
    }

    /// A router is one no longer, or a target does not answer: destinations choose anew.
    pub(crate) fn forget_redirects_by(&mut self, hop: Hop) {
        self.forget_redirects(|_, h| *h == hop);
    }

    /// A device went down (both families) or lost IPv6.
    pub(crate) fn forget_redirects_on(&mut self, device: DeviceId, both: bool) {
        self.forget_redirects(|destination, hop| hop.device == device && (both || destination.is_ipv6()));
    }

    pub(crate) fn forget_device(&mut self, device: DeviceId) {
        self.routes.retain(|r| r.device != device);
        self.forget_redirects_on(device, true);
    }
}

impl Engine {
    /// Adds a route. Two routes to one prefix contradict each other.
    pub fn add_route(&mut self, route: Route) -> Result<(), RouteError> {
        if self.device(route.device).is_none() {
            return Err(RouteError::NoDevice);
        }
        if let Some(via) = route.via {
            if via.is_ipv4() != route.prefix.address().is_ipv4() {
                return Err(RouteError::Families(route.prefix, via));
            }
            if !self.is_on_link(route.device, via) {
                return Err(RouteError::Gateway(via));
            }
        }
        self.routes.add(route)
    }

    /// Takes a static route away; false if there is none to this prefix.
    pub fn remove_route(&mut self, prefix: Prefix) -> bool {
        let before = self.routes.routes.len();
        self.routes.routes.retain(|r| r.prefix != prefix.network());
        self.routes.routes.len() < before
    }

    /// The device whose subnet holds `address`, the most specific one: where a gateway stands.
    pub fn device_towards(&self, address: IpAddr) -> Option<DeviceId> {
        self.connected(address).map(|(device, _)| device)
    }

    fn is_on_link(&self, device: DeviceId, address: IpAddr) -> bool {
        let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        link_local
            || self.device(device).is_some_and(|d| d.addresses.iter().any(|a| a.prefix.contains(address)))
    }

    /// The most specific subnet that holds the address.
    fn connected(&self, address: IpAddr) -> Option<(DeviceId, u8)> {
        let subnets = self
            .devices()
            .filter(|d| d.up)
            .flat_map(|d| d.addresses.iter().filter(|a| a.on_link).map(move |a| (d.id, a.prefix)));
        subnets
            .filter(|(_, prefix)| prefix.contains(address))
            .max_by_key(|(device, prefix)| (prefix.prefix_len(), core::cmp::Reverse(*device)))
            .map(|(device, prefix)| (device, prefix.prefix_len()))
    }

    /// The next hop for a destination that is not ours; `by` binds it to a device (link-local ones).
    pub(crate) fn route(&self, destination: IpAddr, by: Option<DeviceId>) -> Option<Hop> {
        match self.routes.redirects.get(&destination) {
            Some(hop) if by.is_none_or(|by| by == hop.device) => Some(*hop),
            _ => self.route_unredirected(destination, by),
        }
    }

    /// The same without what redirects said.
    pub(crate) fn route_unredirected(&self, destination: IpAddr, by: Option<DeviceId>) -> Option<Hop> {
        let on_link = |device| Some(Hop { device, next_hop: destination });
        let needs_device = match destination {
            IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast(),
            IpAddr::V6(v6) => v6.is_multicast() || v6.is_unicast_link_local(),
        };
        if needs_device {
            let first = || self.devices().find(|d| d.up && !d.is_loopback()).map(|d| d.id);
            return by.or_else(first).and_then(on_link);
        }
        // The longest prefix wins: own subnets, then static routes, then what routers advertised.
        let connected =
            self.connected(destination).map(|(device, len)| (len, 2, Hop { device, next_hop: destination }));
        let up = |device: DeviceId| self.device(device).is_some_and(|d| d.up);
        let gateway =
            self.routes.routes.iter().filter(|r| r.prefix.contains(destination) && up(r.device)).map(|r| {
                let next_hop = r.via.unwrap_or(destination);
                (r.prefix.prefix_len(), 1, Hop { device: r.device, next_hop })
            });
        let advertised = self.routers.on_link(destination, up);
        let advertised = advertised.map(|(device, len)| (len, 0, Hop { device, next_hop: destination }));
        let best =
            connected.into_iter().chain(gateway).chain(advertised).max_by_key(|(len, rank, _)| (*len, *rank));
        let by_router = || if destination.is_ipv6() { self.default_router() } else { None };
        best.map(|(_, _, hop)| hop).or_else(by_router)
    }

    /// The device that has this IPv4 address; 127/8 stands on the loopback device.
    pub(crate) fn local_v4(&self, address: Ipv4Addr) -> Option<&DeviceState> {
        self.devices().find(|d| d.v4_addresses().any(|(own, v4)| is_own(own, v4, address)))
    }

    /// The class of an IPv4 address among all devices (ARP-3).
    pub(crate) fn classify_v4(&self, address: Ipv4Addr) -> RouteType {
        if address.is_multicast() {
            return RouteType::Multicast;
        }
        if address.is_unspecified() || address.is_broadcast() {
            return RouteType::Broadcast;
        }
        let mut class = RouteType::Unicast;
        for device in self.devices() {
            for (own, v4) in device.v4_addresses() {
                if is_own(own, v4, address) {
                    return RouteType::Local; // whatever it is for others
                }
                if !device.is_loopback() && own.prefix.broadcast() == Some(address) {
                    class = RouteType::Broadcast;
                }
            }
        }
        class
    }

    /// The device that has this IPv6 address in use; link-local ones count on `on` alone.
    pub(crate) fn local_v6(&self, address: Ipv6Addr, on: DeviceId) -> Option<DeviceId> {
        let usable = |state: AddressState| matches!(state, AddressState::Assigned | AddressState::Optimistic);
        let has = |d: &&DeviceState| {
            d.v6_addresses().any(|(own, v6)| v6 == address && usable(own.state))
                && (d.id == on || !address.is_unicast_link_local())
        };
        self.devices().find(has).map(|d| d.id)
    }
}

/// Whether an own address, or the loopback network it stands for, is the one looked for.
fn is_own(own: &InterfaceAddress, v4: Ipv4Addr, address: Ipv4Addr) -> bool {
    v4 == address || (v4.is_loopback() && own.prefix.contains(address.into()))
}
