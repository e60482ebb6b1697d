//! The daemon as the control conversation sees it.

use super::control::{News, Subject};
use super::port::Port;
use neighbour::{DeviceId, Engine, Event, EventKind, Instant, LinkKind};
use neighbour_ctl::{Alert, Host, Interface, LinkFacts, notification};
use std::collections::VecDeque;

/// `IFF_*` besides those that change.
const BROADCAST: u32 = 0x2;
const LOOPBACK: u32 = 0x8;
const RUNNING: u32 = 0x40;
const MULTICAST: u32 = 0x1000;

/// The parts of the daemon that a request may look at or change.
pub(super) struct View<'a> {
    pub(super) engine: &'a mut Engine,
    pub(super) now: Instant,
    pub(super) loopback: DeviceId,
    pub(super) devices: &'a [DeviceId],
    /// By port: not switched off by an administrator.
    pub(super) admin: &'a mut [bool],
    /// By port: switched on, as the kernel says.
    pub(super) physical: &'a [bool],
    /// By port: what the engine knows, switched on and carrier.
    pub(super) known: &'a mut [(bool, bool)],
    /// Events that were taken to be told, and are still to be acted upon.
    pub(super) taken: &'a mut VecDeque<Event>,
    pub(super) ports: &'a mut [Port],
    /// Something may have changed.
    pub(super) changed: bool,
}

impl Host for View<'_> {
    fn engine(&self) -> &Engine {
        self.engine
    }

    fn engine_mut(&mut self) -> &mut Engine {
        self.changed = true;
        self.engine
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn link(&self, device: DeviceId) -> LinkFacts {
        let is_loopback = device == self.loopback;
        let kind = if is_loopback { LinkKind::Loopback } else { LinkKind::Ethernet };
        let up = self.engine.is_up(device);
        let carrier = self.engine.has_carrier(device);
        let mut flags = if is_loopback { LOOPBACK } else { BROADCAST | MULTICAST };
        if up {
            flags |= Interface::UP;
        }
        if up && carrier {
            flags |= Interface::CARRIER | RUNNING;
        }
        LinkFacts { hardware: kind.hardware_type(), flags }
    }

    fn link_losses(&mut self) -> u64 {
        self.ports.iter_mut().map(|port| port.link.losses()).sum()
    }

    fn set_link(&mut self, device: DeviceId, up: bool) {
        self.changed = true;
        let Some(port) = self.devices.iter().position(|own| *own == device) else {
            self.engine.set_link(self.now, device, up);
            return;
        };
        self.admin[port] = up;
        let up = up && self.physical[port];
        self.engine.set_link(self.now, device, up);
        self.known[port].0 = up;
    }
}

/// What those who listen are to hear of an event.
pub(super) fn told(engine: &Engine, event: &EventKind) -> Vec<News> {
    let lost = matches!(event, EventKind::Lost(_)).then_some(News::Lost);
    let name = |device| engine.device_name(device).unwrap_or("?").to_owned();
    let alert = Alert::of(event, name).map(|alert| News::Alert(alert.message()));
    notification(event).map(News::Message).or(alert).or(lost).into_iter().collect()
}

impl Subject for View<'_> {
    fn news(&mut self, anybody_listens: bool) -> Vec<News> {
        let mut news = Vec::new();
        while let Some(event) = self.engine.poll_event() {
            if anybody_listens {
                news.extend(told(self.engine, &event.kind));
            }
            self.taken.push_back(event);
        }
        news
    }
}
