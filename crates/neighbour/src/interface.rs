//! Devices and addresses come, change and go (section 8 of `specs/linux-6.18.md`).

use crate::conf::{Conf4, Conf6};
use crate::device::{AddressOptions, AddressState, Device, DeviceState, InterfaceAddress, Scope};
use crate::event::{EventKind, Reason};
use crate::parms::{Parm, Parms};
use crate::prefix::Prefix;
use crate::task::Task;
use crate::{DeviceId, Engine, Family, Instant};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use neighbour_wire::LlAddr;
use neighbour_wire::ipv6::solicited_node;

/// Why a device was not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DeviceError {
    /// A device of this name is there already.
    #[error("there is a device {0:?} already")]
    Exists(String),
    /// The link-layer address does not fit the kind of device.
    #[error(
        "{lladdr} is no unicast link-layer address of the length that the device's broadcast address has"
    )]
    Address {
        /// The address given.
        lladdr: LlAddr,
    },
    /// An address on it was refused.
    #[error(transparent)]
    InterfaceAddress(#[from] AddressError),
}

/// Why an address was not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    /// No such device.
    #[error("no such device")]
    NoDevice,
    /// The device has it already.
    #[error("{0} is on the device already")]
    Exists(IpAddr),
    /// It is not on the device.
    #[error("{0} is not on the device")]
    Absent(IpAddr),
    /// No host may have it.
    #[error("{0} is no address for a host: it is unspecified, multicast or broadcast")]
    NotUnicast(IpAddr),
    /// IPv4 needs an MTU of 68, IPv6 one of 1280 and disable_ipv6 = 0.
    #[error("the device does not speak the family of {0}")]
    NoFamily(IpAddr),
}

/// Names of removed devices that are remembered, for events about them.
const REMEMBERED_NAMES: usize = 256;
/// Least MTU for IPv4 and IPv6 (DM-19, DEV table).
const LEAST_MTU: [u32; 2] = [68, 1280];

/// The link-local address made from a MAC (RFC 2464 section 5).
pub(crate) fn link_local_of(mac: [u8; 6]) -> Ipv6Addr {
    Ipv6Addr::from_bits((0xfe80 << 112) | interface_id(mac))
}

/// The interface identifier made from a MAC (RFC 2464 section 4).
pub(crate) fn interface_id(mac: [u8; 6]) -> u128 {
    let [a, b, c, d, e, f] = mac;
    u128::from(u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]))
}

impl Engine {
    /// Adds a device with its addresses. IPv6 addresses go through duplicate detection.
    pub fn add_device(&mut self, now: Instant, device: Device) -> Result<DeviceId, DeviceError> {
        self.advance(now);
        if self.devices().any(|d| d.name == device.name) {
            return Err(DeviceError::Exists(device.name));
        }
        let group = device.kind.is_group(device.lladdr.as_bytes());
        if device.lladdr.len() != device.broadcast.len() || group {
            return Err(DeviceError::Address { lladdr: device.lladdr });
        }
        for (n, (prefix, _)) in device.addresses.iter().enumerate() {
            check_address(prefix, device.mtu)?;
            if device.addresses[..n].iter().any(|(other, _)| other.address() == prefix.address()) {
                return Err(AddressError::Exists(prefix.address()).into());
            }
        }
        let id = DeviceId(self.devices.len() as u32 + 1);
        let Device { name, kind, lladdr, broadcast, mtu, header, noarp, point_to_point, up, carrier, .. } =
            device;
        let mut state = DeviceState {
            id,
            name,
            kind,
            lladdr,
            broadcast,
            mtu,
            header,
            noarp,
            point_to_point,
            up,
            carrier,
            link_local: device.link_local,
            addresses: Vec::new(),
            parms: [None, None],
            conf4: self.conf4_default.clone(),
            conf6: self.conf6_default.clone(),
            neighbours: Default::default(),
            hooks: device.hooks,
            groups: Vec::new(),
            mld_v1_until: None,
        };
        (state.conf4.explicit, state.conf6.explicit) = (0, 0);
        for family in Family::BOTH {
            state.parms[family as usize] = self.attach(&mut state, family);
        }
        self.devices.push(Some(Box::new(state)));
        for (prefix, options) in device.addresses {
            if let Err(error) = self.put_address(id, prefix, options) {
                self.remove_device(now, id); // nothing half-done
                return Err(error.into());
            }
        }
        self.add_link_local(id);
        Ok(id)
    }

    /// The link-local address of a device that makes one and speaks IPv6.
    fn add_link_local(&mut self, id: DeviceId) {
        let Some(own) = self.device(id).filter(|d| d.link_local && d.parms[Family::Inet6 as usize].is_some())
        else {
            return;
        };
        let Some(address) = own.lladdr.mac().map(|mac| IpAddr::V6(link_local_of(mac))) else { return };
        if let Ok(prefix) = Prefix::new(address, 64) {
            // One that was given by hand already is as good.
            let _ = self.put_address(id, prefix, AddressOptions::default());
        }
    }

    /// The parameter set of a family on a device; none if the family does not attach (DM-19, DM-20).
    fn attach(&mut self, device: &mut DeviceState, family: Family) -> Option<Parms> {
        let off = family == Family::Inet6 && device.conf6_own(Conf6::DisableIpv6) != 0;
        if off || device.mtu < LEAST_MTU[family as usize] {
            return None;
        }
        let table = &self.tables[family as usize];
        let mut parms = table.defaults.for_device(&mut self.rng);
        let mut preset: Vec<(Parm, u32)> = Vec::new();
        if let Some(hooks) = device.hooks.as_mut() {
            hooks.setup_parms(family, &mut preset).ok()?;
        }
        preset.into_iter().for_each(|(parm, value)| parms.set(parm, value));
        Some(parms)
    }

    /// Removes a device: its entries, addresses and routes (DEV-7).
    pub fn remove_device(&mut self, now: Instant, id: DeviceId) -> bool {
        self.advance(now);
        if self.device(id).is_none() {
            return false;
        }
        for family in Family::BOTH {
            if let Some(parms) = self.device_mut(id).and_then(|d| d.parms[family as usize].as_mut()) {
                parms.dead = true;
            }
            self.flush_device(family, id, false, Reason::Device);
            self.flush_proxies(family, id, false);
        }
        self.routes.forget_device(id);
        self.forget_routers_of(id);
        self.tasks.cancel(|task| task.device() == Some(id));
        self.acd_forget(id);
        self.moves_forget(id);
        self.admission_forgets(id);
        self.removed_devices.push((id, self.device(id).map(|d| d.name.clone()).unwrap_or_default()));
        if self.removed_devices.len() > REMEMBERED_NAMES {
            self.removed_devices.remove(0);
        }
        self.devices[id.0 as usize - 1] = None;
        true
    }

    /// Adds an address to a device.
    pub fn add_address(
        &mut self,
        now: Instant,
        device: DeviceId,
        prefix: Prefix,
        options: AddressOptions,
    ) -> Result<(), AddressError> {
        self.advance(now);
        let mtu = self.device(device).ok_or(AddressError::NoDevice)?.mtu;
        check_address(&prefix, mtu)?;
        self.put_address(device, prefix, options)
    }

    pub(crate) fn put_address(
        &mut self,
        id: DeviceId,
        prefix: Prefix,
        options: AddressOptions,
    ) -> Result<(), AddressError> {
        let address = prefix.address();
        let family = Family::of(address);
        let own = self.device_mut(id).ok_or(AddressError::NoDevice)?;
        if own.find(address).is_some() {
            return Err(AddressError::Exists(address));
        }
        let parms = own.parms[family as usize].as_mut().ok_or(AddressError::NoFamily(address))?;
        parms.mark_all_explicit(); // DM-23
        let same_subnet = |a: &InterfaceAddress| a.prefix.network() == prefix.network();
        let secondary = address.is_ipv4() && own.addresses.iter().any(same_subnet);
        own.addresses.push(InterfaceAddress {
            prefix,
            scope: options.scope.unwrap_or_else(|| scope_of(address)),
            state: AddressState::Assigned,
            secondary,
            preferred_until: None,
            valid_until: None,
            on_link: !options.autoconf,
            joined: false,
            nodad: options.nodad,
            nonce: [0; 6],
            dad_probes: 0,
        });
        match address {
            IpAddr::V4(v4) => {
                self.acd_start(id, v4);
                self.took_address_v4(id, v4);
            }
            IpAddr::V6(v6) => self.dad_start(id, v6, options.optimistic),
        }
        Ok(())
    }

    /// What becomes a broadcast address with an IPv4 address in use is classed anew (DEV-16).
    pub(crate) fn took_address_v4(&mut self, id: DeviceId, address: Ipv4Addr) {
        let Some(own) = self.device(id).filter(|d| d.up) else { return };
        let primary = own.v4_addresses().find(|(a, v4)| *v4 == address && !a.secondary);
        let broadcast = primary.and_then(|(a, _)| a.prefix.broadcast()).map(IpAddr::V4);
        if broadcast.is_some() {
            self.forget_broadcasts(id, broadcast.into_iter().collect());
        }
    }

    /// Removes an address. With the last IPv4 address all ARP entries of the device go (FOOT-37).
    pub fn remove_address(
        &mut self,
        now: Instant,
        id: DeviceId,
        address: IpAddr,
    ) -> Result<(), AddressError> {
        self.advance(now);
        let own = self.device_mut(id).ok_or(AddressError::NoDevice)?;
        let at = own.addresses.iter().position(|a| a.address() == address);
        let removed = own.addresses.remove(at.ok_or(AddressError::Absent(address))?);
        match address {
            IpAddr::V4(v4) => {
                let subnet = removed.prefix.network();
                let heir = own.addresses.iter_mut().find(|a| a.prefix.network() == subnet);
                heir.into_iter().for_each(|a| a.secondary &= removed.secondary);
                let last = !own.addresses.iter().any(|a| a.address().is_ipv4());
                self.acd_end(id, v4);
                if last {
                    self.flush_device(Family::Inet, id, false, Reason::LastAddress);
                    self.flush_proxies(Family::Inet, id, false);
                }
            }
            IpAddr::V6(v6) => {
                self.tasks.cancel(|task| *task == Task::Dad(id, v6));
                if removed.joined {
                    self.leave(id, solicited_node(&v6));
                }
            }
        }
        Ok(())
    }

    /// Takes a device up or down. Down: all its entries go, PERMANENT ones, too (DEV-2). Up: own
    /// addresses are announced if arp_notify or ndisc_notify say so.
    pub fn set_link(&mut self, now: Instant, id: DeviceId, up: bool) {
        self.advance(now);
        let Some(own) = self.device_mut(id) else { return };
        if core::mem::replace(&mut own.up, up) == up {
            return;
        }
        if up {
            self.announce(id);
            self.mld_rejoin(id);
            self.dad_restart(id, AddressState::is_checked);
            self.acd_restart(id);
            self.resume_router_solicit(id);
        } else {
            self.forget_routers_of(id);
            self.routes.forget_redirects_on(id, true);
            for family in Family::BOTH {
                self.flush_device(family, id, false, Reason::Device);
                self.flush_proxies(family, id, false);
            }
        }
    }

    /// The carrier came or went. Lost: entries go, except PERMANENT and EXT_VALIDATED ones, where
    /// arp_evict_nocarrier and ndisc_evict_nocarrier say so.
    pub fn set_carrier(&mut self, now: Instant, id: DeviceId, carrier: bool) {
        self.advance(now);
        let Some(own) = self.device_mut(id) else { return };
        let before = core::mem::replace(&mut own.carrier, carrier);
        if carrier {
            if !before {
                self.mld_rejoin(id);
                self.dad_restart(id, AddressState::is_checked); // ND-82
                self.acd_restart(id);
                self.resume_router_solicit(id);
            }
            return;
        }
        let evict = [self.conf4(id, Conf4::ArpEvictNocarrier), self.conf6(id, Conf6::NdiscEvictNocarrier)];
        for family in Family::BOTH {
            let attached = self.device(id).is_some_and(|d| d.parms[family as usize].is_some());
            if evict[family as usize] != 0 || !attached {
                self.flush_device(family, id, true, Reason::Carrier); // DEV-4
                self.flush_proxies(family, id, true);
            }
        }
    }

    /// Changes a device's link-layer address; all its entries go.
    pub fn set_lladdr(&mut self, now: Instant, id: DeviceId, lladdr: LlAddr) -> Result<(), DeviceError> {
        self.advance(now);
        let Some(own) = self.device_mut(id) else { return Ok(()) };
        if own.lladdr.len() != lladdr.len() || own.kind.is_group(lladdr.as_bytes()) {
            return Err(DeviceError::Address { lladdr });
        }
        own.lladdr = lladdr;
        Family::BOTH.into_iter().for_each(|family| self.flush_device(family, id, false, Reason::Device));
        self.announce(id);
        Ok(())
    }

    /// Changes a device's MTU. Under 1280 it loses IPv6, under 68 IPv4; what it has lost comes back with the
    /// MTU, without its addresses (DEV table).
    pub fn set_mtu(&mut self, now: Instant, id: DeviceId, mtu: u32) {
        self.advance(now);
        let Some(own) = self.device_mut(id) else { return };
        own.mtu = mtu;
        let [has_v4, has_v6] = [0, 1].map(|family| own.parms[family].is_some());
        let disabled = own.conf6_own(Conf6::DisableIpv6) != 0;
        match (mtu >= LEAST_MTU[Family::Inet6 as usize] && !disabled, has_v6) {
            (true, false) => self.attach_family(id, Family::Inet6),
            (false, true) => self.lose_v6(id),
            _ => {}
        }
        match (mtu >= LEAST_MTU[Family::Inet as usize], has_v4) {
            (true, false) => self.attach_family(id, Family::Inet),
            (false, true) => {
                self.flush_device(Family::Inet, id, false, Reason::Device);
                self.flush_proxies(Family::Inet, id, false);
                if let Some(own) = self.device_mut(id) {
                    own.parms[Family::Inet as usize] = None;
                    own.addresses.retain(|a| a.address().is_ipv6());
                }
            }
            _ => {}
        }
    }

    /// Sets or clears a device's NOARP flag; all its entries go.
    pub fn set_noarp(&mut self, now: Instant, id: DeviceId, noarp: bool) {
        self.advance(now);
        let Some(own) = self.device_mut(id) else { return };
        if core::mem::replace(&mut own.noarp, noarp) != noarp {
            Family::BOTH.into_iter().for_each(|family| self.flush_device(family, id, false, Reason::Device));
            self.dad_restart(id, |state| state != AddressState::Duplicate); // ND-82
        }
    }

    /// Gratuitous ARP and unsolicited advertisements, where the switches say so (ARP-56, ND-12).
    fn announce(&mut self, id: DeviceId) {
        if self.conf4(id, Conf4::ArpNotify) != 0 {
            let own: Vec<_> =
                self.device(id).into_iter().flat_map(|d| d.v4_addresses().map(|(_, v4)| v4)).collect();
            own.into_iter().for_each(|address| self.announce_v4(id, address));
        }
        if self.conf6(id, Conf6::NdiscNotify) != 0 {
            self.announce_all_v6(id);
        }
    }

    /// Puts IPv6 on a device again (disable_ipv6 := 0), with new parameters and a link-local address.
    pub(crate) fn attach_v6(&mut self, id: DeviceId) {
        if self.device(id).is_some_and(|d| d.mtu >= LEAST_MTU[Family::Inet6 as usize]) {
            self.attach_family(id, Family::Inet6);
        }
    }

    fn attach_family(&mut self, id: DeviceId, family: Family) {
        let at = id.0 as usize - 1;
        let Some(mut own) = self.devices.get_mut(at).and_then(Option::take) else { return };
        own.parms[family as usize] = self.attach(&mut own, family);
        self.devices[at] = Some(own);
        if family == Family::Inet6 {
            self.add_link_local(id);
        }
    }

    /// Takes IPv6 off a device (disable_ipv6, ND-81).
    pub(crate) fn detach_v6(&mut self, id: DeviceId) {
        if let Some(own) = self.device_mut(id) {
            own.conf6.set(Conf6::DisableIpv6 as usize, 1);
        }
        self.lose_v6(id);
    }

    fn lose_v6(&mut self, id: DeviceId) {
        self.flush_device(Family::Inet6, id, false, Reason::Device);
        self.flush_proxies(Family::Inet6, id, false);
        self.forget_routers_of(id);
        self.routes.forget_redirects_on(id, false);
        let Some(own) = self.device_mut(id) else { return };
        own.parms[Family::Inet6 as usize] = None;
        own.addresses.retain(|a| a.address().is_ipv4());
        own.groups.clear();
        self.tasks.cancel(|task| task.device() == Some(id) && !task.is_about_ipv4());
        self.tell(EventKind::GroupsChanged { device: id });
    }
}

fn check_address(prefix: &Prefix, mtu: u32) -> Result<(), AddressError> {
    let address = prefix.address();
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    if address.is_unspecified() || address.is_multicast() || broadcast {
        return Err(AddressError::NotUnicast(address));
    }
    if mtu < LEAST_MTU[Family::of(address) as usize] {
        return Err(AddressError::NoFamily(address));
    }
    Ok(())
}

/// What an address says of its scope.
fn scope_of(address: IpAddr) -> Scope {
    match address {
        IpAddr::V4(v4) if v4.is_loopback() => Scope::Host,
        IpAddr::V6(v6) if v6.is_loopback() => Scope::Host,
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Scope::Link,
        _ => Scope::Global,
    }
}
