//! Own IPv4 addresses are looked for before they are used, announced, and defended: RFC 5227. Linux does none of it
//! (ARP-57); `conf/acd` says what is done in a conflict.

use crate::arp::Received;
use crate::conf::Conf4;
use crate::device::AddressState;
use crate::event::EventKind;
use crate::ratelimit::Seldom;
use crate::task::Task;
use crate::{DeviceId, DropReason, Engine, Instant};
use alloc::collections::BTreeMap;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use neighbour_wire::LlAddr;

// RFC 5227 section 1.1.
const PROBE_WAIT: Duration = Duration::from_secs(1);
const PROBE_NUM: u32 = 3;
const PROBE_MIN: Duration = Duration::from_secs(1);
const PROBE_MAX: Duration = Duration::from_secs(2);
const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);
const ANNOUNCE_NUM: u32 = 2;
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
const MAX_CONFLICTS: u32 = 10;
const RATE_LIMIT_INTERVAL: Duration = Duration::from_secs(60);
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// A carrier that was away for less than this has come back on the same link: addresses in use stay in use, and are
/// announced, which finds a conflict as well as a probe does.
const SAME_LINK: Duration = Duration::from_secs(10);

/// What is done when somebody else claims an own IPv4 address: `conf/acd` of a device (RFC 5227 section 2.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Defence {
    /// Nothing, and addresses are used without being looked for, as Linux does (0).
    Off,
    /// The address is given up at once (1).
    GiveUp,
    /// It is defended once, and given up at a second conflict within ten seconds (2).
    Once,
    /// It is defended for ever, by one announcement in ten seconds at most (3).
    Always,
}

impl Defence {
    fn of(value: i32) -> Self {
        match value {
            ..=0 => Self::Off,
            1 => Self::GiveUp,
            2 => Self::Once,
            3.. => Self::Always,
        }
    }
}

/// How far an own address has come.
#[derive(Clone, Copy, Debug, Default)]
struct Duty {
    /// Probes, then announcements, still to be sent.
    left: u32,
    /// When it was defended last.
    defended: Option<Instant>,
    /// How often conflicts are told of.
    told: Seldom,
}

/// Own addresses that are looked after.
#[derive(Debug, Default)]
pub(crate) struct Acd {
    duties: BTreeMap<(DeviceId, Ipv4Addr), Duty>,
    /// How often a device met a conflict while it probed.
    conflicts: BTreeMap<DeviceId, u32>,
    /// When a device's carrier was lost.
    lost: BTreeMap<DeviceId, Instant>,
}

impl Engine {
    /// The policy in force on a device.
    pub fn defence(&self, device: DeviceId) -> Defence {
        Defence::of(self.conf4_own(device, Conf4::Acd))
    }

    /// Begins to look for somebody else with a new address (RFC 5227 section 2.1.1); without the switch it is in use
    /// at once.
    pub(crate) fn acd_start(&mut self, device: DeviceId, address: Ipv4Addr) {
        let Some(own) = self.device(device) else { return };
        let quiet = own.noarp || own.is_loopback() || own.point_to_point || own.addr_len() == 0;
        let (ready, nodad) = (own.up && own.carrier, own.find(address.into()).is_none_or(|a| a.nodad));
        self.tasks.cancel(|task| *task == Task::Acd(device, address));
        if quiet || nodad || self.defence(device) == Defence::Off {
            if self.acd.duties.remove(&(device, address)).is_some() {
                self.set_address_state(device, address, AddressState::Assigned); // switched off meanwhile
            }
            return;
        }
        self.set_address_state(device, address, AddressState::Tentative);
        self.acd.duties.insert((device, address), Duty { left: PROBE_NUM, ..Duty::default() });
        if !ready {
            return; // until the link is there
        }
        let within = self.clock.ticks_ceil(PROBE_WAIT);
        let many = self.acd.conflicts.get(&device).is_some_and(|n| *n >= MAX_CONFLICTS);
        let least = if many { self.clock.ticks_ceil(RATE_LIMIT_INTERVAL) } else { 0 };
        let wait = least + self.rng.below(within);
        self.tasks.add(&self.clock, wait, Task::Acd(device, address));
    }

    /// The carrier is lost.
    pub(crate) fn acd_link_lost(&mut self, device: DeviceId) {
        if self.defence(device) != Defence::Off {
            self.acd.lost.insert(device, self.clock.now());
        }
    }

    /// The link is there, and perhaps another one: all addresses are looked for anew, unless it was away for a moment
    /// only.
    pub(crate) fn acd_restart(&mut self, device: DeviceId) {
        let now = self.clock.now();
        let lost = self.acd.lost.remove(&device);
        let same = lost.is_some_and(|lost| now.duration_since(lost) < SAME_LINK);
        let own = self.device(device).into_iter().flat_map(|d| d.addresses.iter());
        let all = own.filter_map(|a| Some((a.v4()?, a.state)));
        let all: alloc::vec::Vec<(Ipv4Addr, AddressState)> = all.collect();
        for (address, state) in all {
            let looked_for = self.acd.duties.contains_key(&(device, address));
            if same && looked_for && state == AddressState::Assigned {
                self.acd_announce(device, address);
            } else {
                self.acd_start(device, address);
            }
        }
    }

    /// Announces an address in use, as after it was looked for.
    fn acd_announce(&mut self, device: DeviceId, address: Ipv4Addr) {
        self.tasks.cancel(|task| *task == Task::Acd(device, address));
        if let Some(duty) = self.acd.duties.get_mut(&(device, address)) {
            duty.left = ANNOUNCE_NUM;
            self.tasks.add(&self.clock, 0, Task::Acd(device, address));
        }
    }

    /// The address was removed.
    pub(crate) fn acd_end(&mut self, device: DeviceId, address: Ipv4Addr) {
        self.tasks.cancel(|task| *task == Task::Acd(device, address));
        self.acd.duties.remove(&(device, address));
    }

    /// The device is gone.
    pub(crate) fn acd_forget(&mut self, device: DeviceId) {
        self.acd.duties.retain(|(on, _), _| *on != device);
        self.acd.conflicts.remove(&device);
        self.acd.lost.remove(&device);
    }

    /// One round: probes, then uses the address and announces it.
    pub(crate) fn acd_round(&mut self, device: DeviceId, address: Ipv4Addr) {
        let Some(own) = self.device(device).filter(|d| d.up && d.carrier) else { return };
        let Some(state) = own.find(address.into()).map(|a| a.state) else { return };
        let Some(duty) = self.acd.duties.get_mut(&(device, address)) else { return };
        let wait = match (state, duty.left) {
            (AddressState::Tentative, 0) => {
                duty.left = ANNOUNCE_NUM - 1;
                self.set_address_state(device, address, AddressState::Assigned);
                self.took_address_v4(device, address);
                self.tell(EventKind::AddressAssigned { device, address: address.into() });
                self.announce_v4(device, address);
                Some(self.clock.ticks_ceil(ANNOUNCE_INTERVAL))
            }
            (AddressState::Tentative, left) => {
                duty.left = left - 1;
                self.arp_probe(device, address);
                let (least, most) = (self.clock.ticks_ceil(PROBE_MIN), self.clock.ticks_ceil(PROBE_MAX));
                Some(match left {
                    1 => self.clock.ticks_ceil(ANNOUNCE_WAIT),
                    _ => least + self.rng.below(most - least),
                })
            }
            (AddressState::Assigned, left) if left > 0 => {
                duty.left = left - 1;
                self.announce_v4(device, address);
                (left > 1).then(|| self.clock.ticks_ceil(ANNOUNCE_INTERVAL))
            }
            _ => None,
        };
        if let Some(wait) = wait {
            self.tasks.add(&self.clock, wait, Task::Acd(device, address));
        }
    }

    /// Does this ARP packet say that somebody else has, or wants, an own address? (RFC 5227 sections 2.1.1 and 2.4)
    ///
    /// # Errors
    /// It does: nothing else in it is believed.
    pub(crate) fn acd_hear(&mut self, arp: &Received<'_>) -> Result<(), DropReason> {
        let Received { device, request, sender_hw, sender_ip, target_ip, .. } = *arp;
        let defence = self.defence(device);
        if defence == Defence::Off || self.device_lladdr(device) == Some(sender_hw) {
            return Ok(()); // or our own, come back to us
        }
        let state =
            |address: Ipv4Addr| self.device(device).and_then(|d| d.find(address.into())).map(|a| a.state);
        let (claimed, wanted) = (state(sender_ip), state(target_ip));
        if request && sender_ip.is_unspecified() && wanted == Some(AddressState::Tentative) {
            self.acd_fail(device, target_ip, sender_hw);
            return Err(DropReason::ArpConflict);
        }
        match claimed {
            Some(AddressState::Tentative) => self.acd_fail(device, sender_ip, sender_hw),
            Some(AddressState::Assigned) => self.acd_defend(device, sender_ip, sender_hw, defence),
            _ => return Ok(()),
        }
        Err(DropReason::ArpConflict)
    }

    /// An address that is not used yet is somebody else's.
    fn acd_fail(&mut self, device: DeviceId, address: Ipv4Addr, lladdr: LlAddr) {
        let conflicts = self.acd.conflicts.entry(device).or_default();
        *conflicts = conflicts.saturating_add(1);
        self.acd_give_up(device, address, lladdr);
    }

    /// An address in use is claimed by somebody else.
    fn acd_defend(&mut self, device: DeviceId, address: Ipv4Addr, lladdr: LlAddr, defence: Defence) {
        let now = self.clock.now();
        let duty = self.acd.duties.entry((device, address)).or_default();
        let lately = duty.defended.is_some_and(|at| now.duration_since(at) < DEFEND_INTERVAL);
        let tell = duty.told.pass(now, DEFEND_INTERVAL).is_some();
        let gives_up = match defence {
            Defence::Off | Defence::GiveUp => true,
            Defence::Once => lately,
            Defence::Always => false,
        };
        if !gives_up && !lately {
            duty.defended = Some(now);
        }
        if tell {
            let address = IpAddr::V4(address);
            self.tell(EventKind::AddressConflict { device, address, lladdr: Some(lladdr) });
        }
        if gives_up {
            self.acd_give_up(device, address, lladdr);
        } else if !lately {
            self.announce_v4(device, address);
        }
    }

    fn acd_give_up(&mut self, device: DeviceId, address: Ipv4Addr, lladdr: LlAddr) {
        self.tasks.cancel(|task| *task == Task::Acd(device, address));
        self.set_address_state(device, address, AddressState::Duplicate);
        let address = IpAddr::V4(address);
        self.tell(EventKind::AddressDuplicate { device, address, lladdr: Some(lladdr) });
    }

    fn set_address_state(&mut self, device: DeviceId, address: Ipv4Addr, state: AddressState) {
        if let Some(own) = self.device_mut(device).and_then(|d| d.find_mut(address.into())) {
            own.state = state;
        }
    }
}
