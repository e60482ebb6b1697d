//! A host's view of its routers: who they are, which one to use, which prefixes are on the link, and the
//! addresses made from them (RFC 4861 section 6.3, RFC 4191, RFC 4862 section 5.5, RFC 7559).

use crate::conf::Conf6;
use crate::device::AddressOptions;
use crate::event::EventKind;
use crate::interface::interface_id;
use crate::prefix::Prefix;
use crate::route::Hop;
use crate::table::Id;
use crate::task::Task;
use crate::time::Instant;
use crate::{DeviceId, Engine, Family, NudState};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use neighbour_wire::ndisc::PrefixInfo;

/// At most this many routers and prefixes are remembered: a flood of advertisements fills no memory.
const MAX_ROUTERS: usize = 32;
const MAX_PREFIXES: usize = 64;
/// RFC 4862 section 5.5.3 e: an unauthenticated advertisement cannot shorten a life below this.
const TWO_HOURS: Duration = Duration::from_secs(7200);
/// RFC 7559 section 2: first and longest interval of router solicitations.
const SOLICIT_INTERVAL: Duration = Duration::from_secs(4);
const SOLICIT_INTERVAL_MAX: Duration = Duration::from_secs(3600);
/// A lifetime of all ones has no end.
const INFINITE: u32 = u32::MAX;

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

/// A prefix that is on the link.
#[derive(Clone, Copy, Debug)]
struct OnLink {
    device: DeviceId,
    prefix: Prefix,
    /// None: without end.
    expires: Option<Instant>,
}

/// A device that asks for routers.
#[derive(Clone, Copy, Debug)]
struct Soliciting {
    device: DeviceId,
    sent: i32,
    /// The interval before this one; none yet.
    previous: Option<Duration>,
}

/// What was learned from routers.
#[derive(Debug, Default)]
pub(crate) struct Routers {
    routers: Vec<Router>,
    on_link: Vec<OnLink>,
    soliciting: Vec<Soliciting>,
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

fn lifetime(now: Instant, seconds: u32) -> Option<Instant> {
    (seconds != INFINITE).then(|| now + Duration::from_secs(u64::from(seconds)))
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

    /// A router with a lifetime was heard: asking ends (RFC 7559 section 2.1).
    pub(crate) fn end_router_solicit(&mut self, device: DeviceId) {
        self.routers.soliciting.retain(|s| s.device != device);
        self.tasks.cancel(|task| *task == Task::RouterSolicit(device));
    }

    /// The link is there (again), and perhaps another one: asks anew if the link-local address is usable.
    pub(crate) fn resume_router_solicit(&mut self, device: DeviceId) {
        self.end_router_solicit(device);
        if self.device(device).is_some_and(|d| d.link_local().is_some()) {
            self.begin_router_solicit(device);
        }
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

    /// Prefix information (RFC 4861 section 6.3.4, RFC 4862 section 5.5.3).
    pub(crate) fn learn_prefix(&mut self, device: DeviceId, info: &PrefixInfo) {
        let Ok(prefix) = Prefix::new(info.prefix.into(), info.prefix_len) else { return };
        let prefix = prefix.network();
        if matches!(prefix.address(), IpAddr::V6(v6) if v6.is_unicast_link_local() || v6.is_multicast()) {
            return;
        }
        if info.on_link {
            self.learn_on_link(device, prefix, info.valid_s);
        }
        let makes = info.autonomous && self.own_conf6(device, Conf6::Autoconf) != 0;
        if makes && info.preferred_s <= info.valid_s && info.prefix_len == 64 {
            self.make_address(device, prefix, info);
        }
        self.plan_expiry();
    }

    fn learn_on_link(&mut self, device: DeviceId, prefix: Prefix, seconds: u32) {
        let expires = lifetime(self.clock.now(), seconds);
        let list = &mut self.routers.on_link;
        match list.iter().position(|p| p.device == device && p.prefix == prefix) {
            Some(at) if seconds == 0 => drop(list.remove(at)),
            Some(at) => list[at].expires = expires,
            None if seconds > 0 && list.len() < MAX_PREFIXES => list.push(OnLink { device, prefix, expires }),
            None => {}
        }
    }

    fn make_address(&mut self, device: DeviceId, prefix: Prefix, info: &PrefixInfo) {
        let now = self.clock.now();
        let Some(own) = self.device_mut(device) else { return };
        let (Some(mac), IpAddr::V6(network)) = (own.lladdr.mac(), prefix.address()) else { return };
        let address = IpAddr::V6(Ipv6Addr::from_bits(network.to_bits() | interface_id(mac)));
        let preferred = lifetime(now, info.preferred_s);
        if let Some(known) = own.find_mut(address) {
            if known.on_link {
                return; // given by hand: no router shortens its life
            }
            let left = known.valid_until.map(|until| until.duration_since(now));
            let offered = (info.valid_s != INFINITE).then(|| Duration::from_secs(u64::from(info.valid_s)));
            known.preferred_until = preferred;
            known.valid_until = match (offered, left) {
                (None, _) => None,
                (Some(offered), left) if offered > TWO_HOURS || left.is_some_and(|l| offered > l) => {
                    Some(now + offered)
                }
                (Some(_), Some(left)) if left <= TWO_HOURS => known.valid_until,
                _ => Some(now + TWO_HOURS),
            };
            return;
        }
        let made = own.addresses.iter().filter(|a| !a.on_link).count();
        if info.valid_s == 0 || made >= MAX_PREFIXES {
            return;
        }
        let Ok(own_prefix) = Prefix::new(address, 64) else { return };
        let options = AddressOptions { autoconf: true, ..AddressOptions::default() };
        if self.put_address(device, own_prefix, options).is_ok()
            && let Some(made) = self.device_mut(device).and_then(|d| d.find_mut(address))
        {
            (made.preferred_until, made.valid_until) = (preferred, lifetime(now, info.valid_s));
        }
    }

    /// Makes an appointment for the first thing that expires.
    fn plan_expiry(&mut self) {
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

    /// Begins to ask for routers, after a random delay (RFC 4861 section 6.3.7).
    pub(crate) fn begin_router_solicit(&mut self, device: DeviceId) {
        let Some(own) = self.device(device).filter(|d| d.up && !d.is_loopback() && !d.noarp) else { return };
        let most = own.conf6_own(Conf6::RouterSolicitations);
        let delay = u64::try_from(own.conf6_own(Conf6::RouterSolicitationDelay)).unwrap_or(0);
        let asking = self.routers.soliciting.iter().any(|s| s.device == device);
        if most == 0 || asking || !self.accepts_ra(device) {
            return;
        }
        self.routers.soliciting.push(Soliciting { device, sent: 0, previous: None });
        let within = self.clock.ticks_ceil(Duration::from_secs(delay));
        let delay = self.rng.below(within);
        self.tasks.add(&self.clock, delay, Task::RouterSolicit(device));
    }

    /// Asks, and plans to ask again after a longer time, a tenth more or less (RFC 7559 section 2).
    pub(crate) fn router_solicit_round(&mut self, device: DeviceId) {
        let most = self.own_conf6(device, Conf6::RouterSolicitations);
        let roll = self.rng.below(201); // a tenth less to a tenth more, in thousandths
        let wanted = self.accepts_ra(device) && self.device(device).is_some_and(|d| d.up);
        let Some(asking) = self.routers.soliciting.iter_mut().find(|s| s.device == device) else { return };
        if !wanted || (most >= 0 && asking.sent >= most) {
            self.routers.soliciting.retain(|s| s.device != device);
            return;
        }
        asking.sent = asking.sent.saturating_add(1);
        let wait = match asking.previous {
            None => SOLICIT_INTERVAL * (900 + roll) / 1000,
            Some(previous) => previous * (1900 + roll) / 1000,
        };
        let longest = SOLICIT_INTERVAL_MAX * (900 + roll) / 1000;
        let wait = if wait > SOLICIT_INTERVAL_MAX { longest } else { wait };
        asking.previous = Some(wait);
        let ticks = self.clock.ticks_ceil(wait);
        self.tasks.add(&self.clock, ticks, Task::RouterSolicit(device));
        self.solicit_routers(device);
    }

    /// An own address passed duplicate detection: with the link-local one the search for routers begins.
    pub(crate) fn after_assigned(&mut self, device: DeviceId, address: Ipv6Addr) {
        if address.is_unicast_link_local() {
            self.mld_rejoin(device);
            self.begin_router_solicit(device);
        }
    }

    /// Is an own address still preferred as a source (RFC 4862 section 5.5.4)?
    pub(crate) fn is_preferred(&self, address: &crate::InterfaceAddress) -> bool {
        address.preferred_until.is_none_or(|until| until > self.clock.now())
    }
}
