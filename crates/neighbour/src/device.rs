//! Devices: what the engine must know of an interface, and the addresses on it.

use crate::conf::{Conf4, Conf6, Row4, Row6};
use crate::hooks::DeviceHooks;
use crate::list::List;
use crate::ndisc_groups::ALL_ROUTERS;
use crate::parms::Parms;
use crate::prefix::Prefix;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use neighbour_wire::LlAddr;
use neighbour_wire::ipv6::solicited_node;

/// A device of an engine; the number is its interface index.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(pub(crate) u32);

impl DeviceId {
    /// The interface index, from 1.
    #[inline]
    pub const fn index(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "device {}", self.0)
    }
}

/// What kind of link a device stands on; the number is ARP's hardware type (`ARPHRD_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum LinkKind {
    /// Ethernet, 6-byte addresses.
    Ethernet,
    /// IEEE 802 networks, 6-byte addresses.
    Ieee802,
    /// FDDI, 6-byte addresses; speaks ARP as hardware type 1.
    Fddi,
    /// ARCnet, 1-byte addresses.
    Arcnet,
    /// IP over InfiniBand, 20-byte addresses.
    Infiniband,
    /// GRE tunnel, IPv4 addresses as link-layer addresses.
    Ipgre,
    /// The loopback device.
    Loopback,
    /// A point-to-point link without link-layer addresses.
    Ppp,
    /// Bare IP packets.
    RawIp,
}

impl LinkKind {
    /// ARP's hardware type.
    pub const fn hardware_type(self) -> u16 {
        match self {
            Self::Ethernet => 1,
            Self::Ieee802 => 6,
            Self::Arcnet => 7,
            Self::Infiniband => 32,
            Self::Ppp => 512,
            Self::Loopback => 772,
            Self::Fddi => 774,
            Self::Ipgre => 778,
            Self::RawIp => 519,
        }
    }

    /// Is this link-layer address a group's?
    pub(crate) fn is_group(self, lladdr: &[u8]) -> bool {
        match self {
            Self::Ethernet | Self::Ieee802 | Self::Fddi | Self::Loopback => {
                lladdr.first().is_some_and(|b| b & 1 != 0)
            }
            Self::Infiniband => lladdr.get(4) == Some(&0xff), // a multicast GID (RFC 4391 section 4)
            Self::Ipgre => lladdr.first().is_some_and(|b| b & 0xf0 == 0xe0),
            Self::Arcnet => lladdr == [0],
            Self::Ppp | Self::RawIp => false,
        }
    }

    /// Bytes before the address in ND's address options (ND-9).
    pub(crate) const fn option_pad(self) -> usize {
        if matches!(self, Self::Infiniband) { 2 } else { 0 }
    }
}

/// What the device can do about link-layer headers; chooses the operations of its entries (DM-14).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum HeaderOps {
    /// It has none: packets go as they are ("direct").
    None,
    /// It builds one for each packet ("generic").
    Build,
    /// It builds one and lets it be copied ("hh").
    Cache,
}

/// A device to be given to [`crate::Engine::add_device`].
pub struct Device {
    pub(crate) name: String,
    pub(crate) kind: LinkKind,
    pub(crate) lladdr: LlAddr,
    pub(crate) broadcast: LlAddr,
    pub(crate) mtu: u32,
    pub(crate) header: HeaderOps,
    pub(crate) noarp: bool,
    pub(crate) point_to_point: bool,
    pub(crate) up: bool,
    pub(crate) carrier: bool,
    pub(crate) link_local: bool,
    pub(crate) addresses: Vec<(Prefix, AddressOptions)>,
    pub(crate) hooks: Option<Box<dyn DeviceHooks>>,
}

impl Device {
    fn new(name: &str, kind: LinkKind, lladdr: LlAddr, broadcast: LlAddr) -> Self {
        Self {
            name: name.into(),
            kind,
            lladdr,
            broadcast,
            mtu: 1500,
            header: HeaderOps::Build,
            noarp: false,
            point_to_point: false,
            up: true,
            carrier: true,
            link_local: false,
            addresses: Vec::new(),
            hooks: None,
        }
    }

    /// An Ethernet device, up, MTU 1500, with a link-local address made from `mac` (RFC 2464).
    pub fn ethernet(name: &str, mac: [u8; 6]) -> Self {
        Self {
            header: HeaderOps::Cache,
            link_local: true,
            ..Self::new(name, LinkKind::Ethernet, mac.into(), LlAddr::broadcast(6))
        }
    }

    /// The loopback device: 127.0.0.1/8 and ::1/128, no resolution.
    pub fn loopback(name: &str) -> Self {
        let zero = LlAddr::zeros(6);
        let mut device =
            Self { header: HeaderOps::Cache, mtu: 65536, ..Self::new(name, LinkKind::Loopback, zero, zero) };
        let host = AddressOptions { scope: Some(Scope::Host), ..AddressOptions::default() };
        for (address, len) in [(IpAddr::V4(Ipv4Addr::LOCALHOST), 8), (IpAddr::V6(Ipv6Addr::LOCALHOST), 128)] {
            device.addresses.extend(Prefix::new(address, len).ok().map(|prefix| (prefix, host)));
        }
        device
    }

    /// A link of two ends without link-layer addresses; frames are bare IP packets.
    pub fn point_to_point(name: &str) -> Self {
        Self {
            header: HeaderOps::None,
            noarp: true,
            point_to_point: true,
            ..Self::new(name, LinkKind::Ppp, LlAddr::EMPTY, LlAddr::EMPTY)
        }
    }

    /// IP over InfiniBand: 20-byte addresses; `broadcast` carries scope and partition (ARP-11).
    pub fn infiniband(name: &str, lladdr: [u8; 20], broadcast: [u8; 20]) -> Self {
        let [lladdr, broadcast] = [lladdr, broadcast].map(|a| LlAddr::new(&a).unwrap_or_default());
        Self { mtu: 2044, link_local: false, ..Self::new(name, LinkKind::Infiniband, lladdr, broadcast) }
    }

    /// A GRE tunnel from `local`; `remote` is zero for a tunnel to many (ARP-12).
    pub fn gre(name: &str, local: Ipv4Addr, remote: Ipv4Addr) -> Self {
        let [lladdr, broadcast] = [local, remote].map(|a| LlAddr::new(&a.octets()).unwrap_or_default());
        Self { mtu: 1476, noarp: true, ..Self::new(name, LinkKind::Ipgre, lladdr, broadcast) }
    }

    /// Another kind of link, with its own address and broadcast address.
    pub fn other(name: &str, kind: LinkKind, lladdr: LlAddr, broadcast: LlAddr) -> Self {
        Self::new(name, kind, lladdr, broadcast)
    }

    /// Adds an address; its subnet becomes reachable by this device.
    #[must_use]
    pub fn address(self, prefix: Prefix) -> Self {
        self.address_with(prefix, AddressOptions::default())
    }

    /// Adds an address with options.
    #[must_use]
    pub fn address_with(mut self, prefix: Prefix, options: AddressOptions) -> Self {
        self.addresses.push((prefix, options));
        self
    }

    /// Sets the MTU in bytes. Under 1280 the device has no IPv6, under 68 no IPv4 (DEV table).
    #[must_use]
    pub const fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = mtu;
        self
    }

    /// Sets the NOARP flag: neighbours need no resolution.
    #[must_use]
    pub const fn noarp(mut self, noarp: bool) -> Self {
        self.noarp = noarp;
        self
    }

    /// Sets what the device can do about headers.
    #[must_use]
    pub const fn header(mut self, header: HeaderOps) -> Self {
        self.header = header;
        self
    }

    /// Sets the point-to-point flag.
    #[must_use]
    pub const fn set_point_to_point(mut self, yes: bool) -> Self {
        self.point_to_point = yes;
        self
    }

    /// Whether a link-local address is made for the device (Ethernet: yes).
    #[must_use]
    pub const fn link_local(mut self, yes: bool) -> Self {
        self.link_local = yes;
        self
    }

    /// Starts the device down.
    #[must_use]
    pub const fn down(mut self) -> Self {
        self.up = false;
        self
    }

    /// Brings hooks: `ndo_neigh_construct`, `ndo_neigh_destroy`, `ndo_neigh_setup`, `neigh_setup`.
    #[must_use]
    pub fn hooks(mut self, hooks: impl DeviceHooks + 'static) -> Self {
        self.hooks = Some(Box::new(hooks));
        self
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("lladdr", &self.lladdr)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// How far an address is meant to be known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// On the link.
    Link,
    /// On this host.
    Host,
}

/// What else can be said of an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AddressOptions {
    /// Its scope; by default what the address itself says.
    pub scope: Option<Scope>,
    /// Skip duplicate detection.
    pub nodad: bool,
    /// Use it while its duplicate detection runs (IPv6, RFC 4429).
    pub optimistic: bool,
    /// Made from an advertised prefix: it says nothing of what is on the link (RFC 4862 section 5.5.3).
    pub autoconf: bool,
}

/// How far duplicate detection of an address has come (ND-71).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressState {
    /// In use.
    Assigned,
    /// Being checked; not used, not answered for.
    Tentative,
    /// Being checked, in use with care (RFC 4429).
    Optimistic,
    /// A duplicate: not used.
    Duplicate,
}

impl AddressState {
    /// May packets come to it?
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Assigned | Self::Optimistic)
    }

    /// Is it being checked?
    pub const fn is_checked(self) -> bool {
        matches!(self, Self::Tentative | Self::Optimistic)
    }
}

/// An address on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The address and its subnet.
    pub prefix: Prefix,
    /// Its scope.
    pub scope: Scope,
    /// How far duplicate detection has come.
    pub state: AddressState,
    /// IPv4: another address of the same subnet came first.
    pub secondary: bool,
    /// Source of new conversations until then; none: for ever.
    pub preferred_until: Option<crate::Instant>,
    /// On the device until then; none: for ever.
    pub valid_until: Option<crate::Instant>,
    /// Its subnet is on the link; not so for one made from an advertised prefix.
    pub(crate) on_link: bool,
    /// Its solicited-node group was joined for it.
    pub(crate) joined: bool,
    pub(crate) nodad: bool,
    /// The nonce of the last DAD solicitation (RFC 7527); zero without.
    pub(crate) nonce: [u8; 6],
    /// Solicitations yet to send.
    pub(crate) dad_probes: u32,
}

impl InterfaceAddress {
    /// The address alone.
    pub const fn address(&self) -> IpAddr {
        self.prefix.address()
    }

    pub(crate) fn v6(&self) -> Option<Ipv6Addr> {
        match self.address() {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        }
    }

    pub(crate) fn v4(&self) -> Option<Ipv4Addr> {
        match self.address() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }
}

/// A device as the engine keeps it.
pub(crate) struct DeviceState {
    pub(crate) id: DeviceId,
    pub(crate) name: String,
    pub(crate) kind: LinkKind,
    pub(crate) lladdr: LlAddr,
    pub(crate) broadcast: LlAddr,
    pub(crate) mtu: u32,
    pub(crate) header: HeaderOps,
    pub(crate) noarp: bool,
    pub(crate) point_to_point: bool,
    pub(crate) up: bool,
    pub(crate) carrier: bool,
    /// A link-local address is made when IPv6 attaches.
    pub(crate) link_local: bool,
    pub(crate) addresses: Vec<InterfaceAddress>,
    /// By family. None: the family is not attached (DM-19).
    pub(crate) parms: [Option<Parms>; 2],
    pub(crate) conf4: Row4,
    pub(crate) conf6: Row6,
    /// Entries of this device by family, most recent first (EVT-3).
    pub(crate) neighbours: [List; 2],
    pub(crate) hooks: Option<Box<dyn DeviceHooks>>,
    /// IPv6 groups joined, with how many asked for each.
    pub(crate) groups: Vec<(Ipv6Addr, u32)>,
    /// Until then reports are of version 1 (RFC 3810 section 8.2.1).
    pub(crate) mld_v1_until: Option<crate::Instant>,
}

impl DeviceState {
    pub(crate) fn is_loopback(&self) -> bool {
        self.kind == LinkKind::Loopback
    }

    /// The device has link-layer addresses.
    pub(crate) fn addr_len(&self) -> usize {
        self.lladdr.len()
    }

    /// Those in use: not one that is being looked for, or that is somebody else's, too.
    pub(crate) fn v4_addresses(&self) -> impl Iterator<Item = (&InterfaceAddress, Ipv4Addr)> {
        self.addresses.iter().filter(|a| a.state.is_usable()).filter_map(|a| Some((a, a.v4()?)))
    }

    pub(crate) fn v6_addresses(&self) -> impl Iterator<Item = (&InterfaceAddress, Ipv6Addr)> {
        self.addresses.iter().filter_map(|a| Some((a, a.v6()?)))
    }

    /// The address entry for `address`, whatever its state.
    pub(crate) fn find(&self, address: IpAddr) -> Option<&InterfaceAddress> {
        self.addresses.iter().find(|a| a.address() == address)
    }

    pub(crate) fn find_mut(&mut self, address: IpAddr) -> Option<&mut InterfaceAddress> {
        self.addresses.iter_mut().find(|a| a.address() == address)
    }

    /// The link-local address that may be a source of solicitations (ND-8).
    pub(crate) fn link_local(&self) -> Option<Ipv6Addr> {
        self.v6_addresses()
            .find(|(a, v6)| a.state == AddressState::Assigned && v6.is_unicast_link_local())
            .map(|(_, v6)| v6)
    }

    /// A router's subnet-router anycast addresses, one for each of its subnets (RFC 4291 section 2.6.1).
    pub(crate) fn subnet_routers(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        let router = self.conf6_own(Conf6::Forwarding) != 0;
        let wide = move |prefix: &Prefix| router && prefix.prefix_len() < 127;
        self.v6_addresses().map(|(a, _)| a.prefix).filter(wide).filter_map(|p| match p.network().address() {
            IpAddr::V6(v6) => Some(v6),
            IpAddr::V4(_) => None,
        })
    }

    /// Whether [`Self::all_groups`] has this group.
    pub(crate) fn listens_to(&self, group: Ipv6Addr) -> bool {
        let router = self.conf6_own(Conf6::Forwarding) != 0 && self.parms[1].is_some();
        self.groups.iter().any(|(own, _)| *own == group)
            || (router && group == ALL_ROUTERS)
            || self.subnet_routers().any(|anycast| solicited_node(&anycast) == group)
    }

    /// The IPv6 groups listened to, besides all nodes: those joined, and a router's.
    pub(crate) fn all_groups(&self) -> Vec<Ipv6Addr> {
        let router = self.conf6_own(Conf6::Forwarding) != 0 && self.parms[1].is_some();
        let anycast = self.subnet_routers().map(|a| solicited_node(&a));
        let own = self.groups.iter().map(|(group, _)| *group);
        let mut groups: Vec<_> = own.chain(router.then_some(ALL_ROUTERS)).chain(anycast).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    pub(crate) fn conf4_own(&self, conf: Conf4) -> i32 {
        self.conf4.get(conf as usize)
    }

    pub(crate) fn conf6_own(&self, conf: Conf6) -> i32 {
        self.conf6.get(conf as usize)
    }
}
