//! Asking for routers, less and less often (RFC 4861 section 6.3.7, RFC 7559).

use crate::conf::Conf6;
use crate::task::Task;
use crate::{DeviceId, Engine};
use core::net::Ipv6Addr;
use core::time::Duration;

/// RFC 7559 section 2: first and longest interval of router solicitations.
const SOLICIT_INTERVAL: Duration = Duration::from_secs(4);
const SOLICIT_INTERVAL_MAX: Duration = Duration::from_secs(3600);
/// A device that asks for routers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Soliciting {
    pub(crate) device: DeviceId,
    sent: i32,
    /// The interval before this one; none yet.
    previous: Option<Duration>,
    /// A router was heard before the first question, which is asked nevertheless, and no other.
    answered: bool,
}

impl Engine {
    /// Begins to ask for routers, after a random delay (RFC 4861 section 6.3.7).
    pub(crate) fn begin_router_solicit(&mut self, device: DeviceId) {
        let Some(own) = self.device(device).filter(|d| d.up && !d.is_loopback() && !d.noarp) else { return };
        let most = own.conf6_own(Conf6::RouterSolicitations);
        let delay = u64::try_from(own.conf6_own(Conf6::RouterSolicitationDelay)).unwrap_or(0);
        let asking = self.routers.soliciting.iter().any(|s| s.device == device);
        if most == 0 || asking || !self.accepts_ra(device) {
            return;
        }
        self.routers.soliciting.push(Soliciting { device, sent: 0, previous: None, answered: false });
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
        if asking.answered {
            self.end_router_solicit(device);
        } else {
            let ticks = self.clock.ticks_ceil(wait);
            self.tasks.add(&self.clock, ticks, Task::RouterSolicit(device));
        }
        self.solicit_routers(device);
    }

    /// An own address passed duplicate detection: with the link-local one the search for routers begins.
    pub(crate) fn after_assigned(&mut self, device: DeviceId, address: Ipv6Addr) {
        if address.is_unicast_link_local() {
            self.mld_rejoin(device);
            self.begin_router_solicit(device);
        }
    }

    /// A router with a lifetime was heard: asking ends (RFC 7559 section 2.1), once it was asked (RFC 4861 section
    /// 6.3.7: what an unsolicited advertisement says may not be all).
    pub(crate) fn router_heard(&mut self, device: DeviceId) {
        match self.routers.soliciting.iter_mut().find(|s| s.device == device) {
            Some(asking) if asking.sent == 0 => asking.answered = true,
            _ => self.end_router_solicit(device),
        }
    }

    /// Asks no more.
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
}
