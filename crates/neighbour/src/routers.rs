//! A host's view of its routers: who they are, and which one to use (RFC 4861 section 6.3, RFC 4191).

use crate::conf::Conf6;
use crate::event::EventKind;
use crate::prefixes::OnLink;
use crate::route::Hop;
use crate::router_solicit::Soliciting;
use crate::table::Id;
use crate::task::Task;
use crate::time::Instant;
use crate::{DeviceId, Engine, Family, NudState};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;

/// At most this many routers are remembered: a flood of advertisements fills no memory.
const MAX_ROUTERS: usize = 32;

/// A default router.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Router {
    /// On this device.
    pub device: DeviceId,
    /// Its link-local address.
    pub address: Ipv6Addr,
    /// It is a router until then.
    pub expires: Instant,
    /// How it ranks itself: 1 high, 0 medium, −1 low (RFC 4191).
    pub preference: i8,
}

/// What was learned from routers.
#[derive(Debug, Default)]
pub(crate) struct Routers {
    routers: Vec<Router>,
    pub(crate) on_link: Vec<OnLink>,
    pub(crate) soliciting: Vec<Soliciting>,
    /// Where the round begins if none answers (RFC 4861 section 6.3.6).
    turn: usize,
}

impl Routers {
    /// May a packet to `destination` go by one of several routers?
    pub(crate) fn any_beside(&self, destination: IpAddr) -> bool {
        destination.is_ipv6() && !self.routers.is_empty()
    }

    /// The device on whose link an address is, by an advertised prefix, and the length of that.
    pub(crate) fn on_link(&self, address: IpAddr, up: impl Fn(DeviceId) -> bool) -> Option<(DeviceId, u8)> {
        let fits = self.on_link.iter().filter(|p| p.prefix.contains(address) && up(p.device));
        fits.map(|p| (p.device, p.prefix.prefix_len())).max_by_key(|(_, len)| *len)
    }
}

impl Engine {
    /// The default routers, the best first.
    pub fn routers(&self) -> Vec<Router> {
        let mut routers = self.routers.routers.clone();
        routers.sort_by_key(|r| (self.has_failed(r), core::cmp::Reverse(r.preference)));
        routers
    }

    /// A router advertised itself for so many seconds; 0: it is none any more (RFC 4861 section 6.3.4).
    pub(crate) fn learn_router(&mut self, device: DeviceId, address: Ipv6Addr, seconds: u16, preference: u8) {
        let same = |r: &Router| r.device == device && r.address == address;
        if seconds == 0 {
            self.forget_router(device, address);
            return;
        }
        let expires = self.clock.now() + Duration::from_secs(u64::from(seconds));
        let preference = match preference {
            0b01 => 1,
            0b11 => -1,
            _ => 0,
        };
        let router = Router { device, address, expires, preference };
        let list = &mut self.routers.routers;
        match list.iter().position(same) {
            Some(at) => list[at] = router,
            None if list.len() < MAX_ROUTERS => list.push(router),
            None => return,
        }
        self.plan_expiry();
    }

    /// ND-50, RFC 4861 section 7.3.3.
    pub(crate) fn forget_router(&mut self, device: DeviceId, address: Ipv6Addr) {
        self.routers.routers.retain(|r| !(r.device == device && r.address == address));
        self.routes.forget_redirects_by(Hop { device, next_hop: address.into() });
    }

    pub(crate) fn forget_routers_of(&mut self, device: DeviceId) {
        self.routers.routers.retain(|r| r.device != device);
        self.routers.on_link.retain(|p| p.device != device);
        self.end_router_solicit(device);
    }

    fn router_entry(&self, router: &Router) -> Option<Id> {
        let family = Family::Inet6;
        self.table(family).find(router.device, router.address.into()).map(|slot| Id { family, slot })
    }

    fn has_failed(&self, router: &Router) -> bool {
        self.router_entry(router).is_some_and(|id| {
            let entry = self.entry(id);
            // Asked once more after it had FAILED (NUD-46), it is not back before it answers.
            let last_chance =
                entry.state.has(NudState::INCOMPLETE) && entry.probes >= self.parms_of(id).max_probes(false);
            entry.state.has(NudState::FAILED) || last_chance
        })
    }

    /// The router to use: one that is not known to be unreachable, of the highest preference; if all
    /// are, each in turn (RFC 4861 section 6.3.6).
    pub(crate) fn default_router(&self) -> Option<Hop> {
        let up = |r: &&Router| self.device(r.device).is_some_and(|d| d.up);
        let usable: Vec<&Router> = self.routers.routers.iter().filter(up).collect();
        let best = usable.iter().filter(|r| !self.has_failed(r)).rev().max_by_key(|r| r.preference).copied();
        let chosen = best.or_else(|| usable.get(self.routers.turn.checked_rem(usable.len())?).copied())?;
        Some(Hop { device: chosen.device, next_hop: chosen.address.into() })
    }

    /// Asks, once in router_probe_interval, for the routers that have no VALID entry, since one of them may be
    /// back and better (NUD-47); moves the round on. After the router for a packet was chosen.
    pub(crate) fn probe_failed_routers(&mut self) {
        self.routers.turn = self.routers.turn.wrapping_add(1);
        let failed: Vec<Router> =
            self.routers.routers.iter().filter(|r| self.has_failed(r)).copied().collect();
        for router in failed {
            let Some(id) = self.router_entry(&router) else { continue };
            let interval = u64::try_from(self.own_conf6(router.device, Conf6::RtrProbeInterval)).unwrap_or(0);
            let interval = self.clock.ticks_ceil(Duration::from_secs(interval));
            if self.clock.tick().is_after(self.entry(id).updated.plus(interval)) {
                self.set_probe_once(id);
                self.ndisc_solicit(router.device, router.address, None, false);
            }
        }
    }

    /// Makes an appointment for the first thing that expires.
    pub(crate) fn plan_expiry(&mut self) {
        let routers = self.routers.routers.iter().map(|r| r.expires);
        let prefixes = self.routers.on_link.iter().filter_map(|p| p.expires);
        let addresses = self.devices().flat_map(|d| d.addresses.iter().filter_map(|a| a.valid_until));
        let first = routers.chain(prefixes).chain(addresses).min();
        self.tasks.cancel(|task| *task == Task::RouterExpiry);
        if let Some(at) = first {
            self.tasks.add_at(at, Task::RouterExpiry);
        }
    }

    /// Routers, prefixes and addresses whose time is over go (RFC 4861 section 6.3.5).
    pub(crate) fn expire_routers(&mut self) {
        let now = self.clock.now();
        let gone: Vec<Router> = self.routers.routers.iter().filter(|r| r.expires <= now).copied().collect();
        for router in gone {
            self.forget_router(router.device, router.address);
        }
        self.routers.on_link.retain(|p| p.expires.is_none_or(|at| at > now));
        let over = |a: &crate::InterfaceAddress| a.valid_until.is_some_and(|at| at <= now);
        let gone: Vec<(DeviceId, IpAddr)> = self
            .devices()
            .flat_map(|d| d.addresses.iter().filter(|a| over(a)).map(|a| (d.id, a.address())))
            .collect();
        for (device, address) in gone {
            let _ = self.remove_address(now, device, address);
            self.tell(EventKind::AddressExpired { device, address });
        }
        self.plan_expiry();
    }
}
