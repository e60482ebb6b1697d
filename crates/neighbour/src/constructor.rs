//! The protocol's part in making an entry: what kind it is, and whether it needs resolution at all
//! (ARP-1 to ARP-9, ND-1, ND-2).

use crate::device::{DeviceState, HeaderOps};
use crate::event::RouteType;
use crate::multicast::{map_v4, map_v6};
use crate::neighbour::{Ops, Output};
use crate::{Engine, NudState};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use neighbour_wire::LlAddr;

/// What the constructor decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Constructed {
    /// The key, perhaps rewritten (ARP-1).
    pub(crate) address: IpAddr,
    pub(crate) route_type: RouteType,
    pub(crate) state: NudState,
    pub(crate) lladdr: Option<LlAddr>,
    pub(crate) ops: Ops,
    pub(crate) output: Output,
}

/// The key under which IPv4 output looks for an entry: loopback and point-to-point devices have one
/// entry for all (LKP-3, ARP-1).
pub(crate) fn output_key(device: &DeviceState, address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) if device.is_loopback() || device.point_to_point => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        address => address,
    }
}

impl Engine {
    /// Runs the family's constructor. The family is attached to the device.
    pub(crate) fn construct(&self, device: &DeviceState, address: IpAddr) -> Constructed {
        match output_key(device, address) {
            IpAddr::V4(key) => arp(device, key, self.classify_v4(key)),
            IpAddr::V6(key) => ndisc(device, key),
        }
    }
}

fn arp(device: &DeviceState, key: Ipv4Addr, class: RouteType) -> Constructed {
    // The order is ARP-6's: a group beats the device's flags, they beat broadcast (ARP-7).
    let fixed = || match class {
        RouteType::Multicast => Some(map_v4(device.kind, &device.broadcast, key)),
        _ if device.noarp || device.is_loopback() => Some(device.lladdr),
        RouteType::Broadcast => Some(device.broadcast),
        _ if device.point_to_point => Some(device.broadcast),
        _ => None,
    };
    finish(device, IpAddr::V4(key), class, fixed)
}

fn ndisc(device: &DeviceState, key: Ipv6Addr) -> Constructed {
    let class = match key {
        key if key.is_multicast() => RouteType::Multicast,
        _ if device.is_loopback() => RouteType::Local,
        _ => RouteType::Unicast,
    };
    let fixed = || match class {
        RouteType::Multicast => Some(map_v6(device.kind, &device.broadcast, key).unwrap_or_default()),
        _ if device.noarp || device.is_loopback() => Some(device.lladdr),
        _ if device.point_to_point => Some(device.broadcast),
        _ => None,
    };
    finish(device, IpAddr::V6(key), class, fixed)
}

/// Chooses the operations, the state and the output (DM-14, ARP-5, ARP-8).
fn finish(
    device: &DeviceState,
    address: IpAddr,
    route_type: RouteType,
    fixed: impl FnOnce() -> Option<LlAddr>,
) -> Constructed {
    let ops = match device.header {
        HeaderOps::None => Ops::Direct,
        HeaderOps::Build => Ops::Generic,
        HeaderOps::Cache => Ops::Hh,
    };
    let (state, lladdr) = match ops {
        Ops::Direct => (NudState::NOARP, None),
        Ops::Generic | Ops::Hh => match fixed() {
            Some(lladdr) => (NudState::NOARP, Some(lladdr)),
            None => (NudState::NONE, None),
        },
    };
    let output = if state.is_valid() { ops.connected() } else { ops.suspect() };
    Constructed { address, route_type, state, lladdr, ops, output }
}
