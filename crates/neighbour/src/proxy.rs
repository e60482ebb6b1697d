//! Proxy entries: addresses that the engine answers for, and the requests that wait for their random
//! delay (PXY-1 to PXY-22, RFC 4861 section 7.2.8).

use crate::neighbour::Flags;
use crate::parms::Parm;
use crate::task::Task;
use crate::time::Instant;
use crate::{DeviceId, Engine, Family};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use neighbour_wire::ipv6::solicited_node;

/// An address that the engine answers for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProxyEntry {
    /// The address.
    pub address: IpAddr,
    /// The device on which it is answered; none: on every one (IPv4 only).
    pub device: Option<DeviceId>,
    /// The whole flag word of the request (DM-11).
    pub flags: Flags,
    /// Who made it; 0 unknown.
    pub protocol: u8,
    /// Made with NUD_PERMANENT: carrier loss does not remove it (PXY-8).
    pub permanent: bool,
}

/// Why a proxy entry was not made or removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProxyError {
    /// ENOBUFS: IPv6 needs a device that speaks it (PXY-6).
    #[error("a proxied IPv6 address needs a device")]
    NoDevice,
    /// ENOENT: no entry for exactly this address and device (PXY-7).
    #[error("no such proxy entry")]
    NotFound,
}

impl ProxyError {
    /// The errno Linux would give.
    pub const fn errno(self) -> i32 {
        match self {
            Self::NoDevice => 105,
            Self::NotFound => 2,
        }
    }
}

/// A request that waits.
#[derive(Debug)]
struct Waiting {
    due: Instant,
    device: DeviceId,
    request: Request,
}

/// What is taken up again when the delay is over, from the first check on (PXY-15).
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// The ARP packet.
    Arp(Vec<u8>),
    /// The solicitation, from the ICMPv6 type on.
    Solicit { source: Ipv6Addr, destination: Ipv6Addr, bytes: Vec<u8> },
}

impl Request {
    const fn family(&self) -> Family {
        match self {
            Self::Arp(_) => Family::Inet,
            Self::Solicit { .. } => Family::Inet6,
        }
    }
}

/// The proxy entries and the requests waiting, of both families.
#[derive(Debug, Default)]
pub(crate) struct Proxies {
    /// By address, the newest first.
    entries: BTreeMap<IpAddr, Vec<ProxyEntry>>,
    waiting: Vec<Waiting>,
}

impl Proxies {
    /// An entry for this address whose device is `device` or none at all (PXY-2, PXY-3).
    pub(crate) fn find(&self, address: IpAddr, device: Option<DeviceId>) -> Option<&ProxyEntry> {
        let fits = |e: &&ProxyEntry| e.device.is_none() || e.device == device;
        self.entries.get(&address)?.iter().find(fits)
    }

    /// Requests of a family that wait.
    pub(crate) fn waiting(&self, family: Family) -> u32 {
        self.waiting.iter().filter(|w| w.request.family() == family).count() as u32
    }

    fn remove(&mut self, which: impl Fn(&ProxyEntry) -> bool) -> Vec<ProxyEntry> {
        let mut removed = Vec::new();
        self.entries.retain(|_, entries| {
            removed.extend(entries.iter().filter(|e| which(e)));
            entries.retain(|e| !which(e));
            !entries.is_empty()
        });
        removed
    }
}

impl Engine {
    /// Makes a proxy entry, or changes the one that a lookup finds (PXY-4, PXY-5). Nobody is told
    /// (PXY-11).
    pub fn add_proxy(&mut self, now: Instant, entry: ProxyEntry) -> Result<(), ProxyError> {
        self.begin(now);
        let speaks_v6 = |id| self.device(id).is_some_and(|d| d.parms[Family::Inet6 as usize].is_some());
        if entry.address.is_ipv6() && !entry.device.is_some_and(speaks_v6) {
            return Err(ProxyError::NoDevice);
        }
        let entries = self.proxies.entries.entry(entry.address).or_default();
        let fits = |e: &&mut ProxyEntry| e.device.is_none() || e.device == entry.device;
        if let Some(known) = entries.iter_mut().find(fits) {
            let protocol = if entry.protocol != 0 { entry.protocol } else { known.protocol };
            *known = ProxyEntry { device: known.device, protocol, ..entry };
            return Ok(());
        }
        entries.insert(0, entry);
        if let (IpAddr::V6(v6), Some(device)) = (entry.address, entry.device) {
            self.join(device, solicited_node(&v6));
        }
        Ok(())
    }

    /// Removes the proxy entry of exactly this address and device (PXY-7).
    pub fn del_proxy(
        &mut self,
        now: Instant,
        address: IpAddr,
        device: Option<DeviceId>,
    ) -> Result<(), ProxyError> {
        self.begin(now);
        let removed = self.remove_proxies(|e| e.address == address && e.device == device);
        if removed { Ok(()) } else { Err(ProxyError::NotFound) }
    }

    /// All proxy entries, by address.
    pub fn proxies(&self) -> impl Iterator<Item = &ProxyEntry> {
        self.proxies.entries.values().flatten()
    }

    fn remove_proxies(&mut self, which: impl Fn(&ProxyEntry) -> bool) -> bool {
        let removed = self.proxies.remove(which);
        for entry in &removed {
            if let (IpAddr::V6(v6), Some(device)) = (entry.address, entry.device) {
                self.leave(device, solicited_node(&v6));
            }
        }
        !removed.is_empty()
    }

    /// A device lost its carrier, went down or away, or lost the family: its proxy entries go, and with
    /// them whatever waits (PXY-8, PXY-17).
    pub(crate) fn flush_proxies(&mut self, family: Family, device: DeviceId, keep_permanent: bool) {
        self.remove_proxies(|e| {
            Family::of(e.address) == family && e.device == Some(device) && !(keep_permanent && e.permanent)
        });
        self.proxies.waiting.retain(|w| w.request.family() != family);
    }

    /// Lets a request wait for a random part of proxy_delay; drops it if too many wait (PXY-14).
    pub(crate) fn delay_proxied(&mut self, device: DeviceId, request: Request) {
        let family = request.family();
        let Some(parms) = self.device(device).and_then(|d| d.parms[family as usize].as_ref()) else { return };
        let (delay, limit) = (parms.get(Parm::ProxyDelay), parms.get(Parm::ProxyQlen) as usize);
        let same = |w: &&Waiting| w.device == device && w.request.family() == family;
        if self.proxies.waiting.iter().filter(same).count() > limit {
            self.drops.count(crate::DropReason::ProxyQueueFull);
            return;
        }
        let ticks = self.rng.below(delay);
        let due = self.clock.now() + self.clock.duration(ticks);
        self.proxies.waiting.push(Waiting { due, device, request });
        self.tasks.add(&self.clock, ticks, Task::Proxy);
    }

    /// Takes up again whatever waited long enough (PXY-15).
    pub(crate) fn run_proxied(&mut self) {
        let now = self.clock.now();
        let (due, waiting) =
            core::mem::take(&mut self.proxies.waiting).into_iter().partition(|w| w.due <= now);
        self.proxies.waiting = waiting;
        let due: Vec<Waiting> = due;
        for Waiting { device, request, .. } in due {
            if self.device(device).is_none_or(|d| !d.up) {
                continue;
            }
            let done = match request {
                Request::Arp(bytes) => self.arp_receive(device, crate::arp::Via::Queue, &bytes),
                Request::Solicit { source, destination, bytes } => {
                    let message = crate::ndisc::Message {
                        device,
                        to_us: false,
                        from_queue: true,
                        source,
                        destination,
                        bytes: &bytes,
                    };
                    self.ndisc_receive(&message)
                }
            };
            if let Err(reason) = done {
                self.drops.count(reason);
            }
        }
    }
}
