//! Appointments of the engine itself, few and far between: collection, refresh, duplicate detection,
//! reports. Entries have the [`crate::timer`] wheel.

use crate::time::{Clock, Instant};
use crate::{DeviceId, Family};
use alloc::collections::BinaryHeap;
use core::cmp::Ordering;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use neighbour_table::OutOfMemory;

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Task {
    /// GC-19.
    PeriodicGc(Family),
    /// NUD-50.
    Managed(Family),
    /// Once a day, so that no stamp wraps.
    Sweep(Family),
    /// Requests for proxied addresses that waited long enough (PXY-15).
    Proxy,
    /// A round of duplicate detection (ND-75).
    Dad(DeviceId, Ipv6Addr),
    /// A probe or an announcement of an own IPv4 address (RFC 5227).
    Acd(DeviceId, Ipv4Addr),
    /// A router solicitation (RFC 7559).
    RouterSolicit(DeviceId),
    /// A router, a prefix or an address made from one ends.
    RouterExpiry,
    /// A claim of another address has waited long enough for the old one to answer.
    Move(DeviceId, IpAddr),
    /// An advertisement of a new address to all routers, and how many are left with it (RFC 9131).
    GratuitousNa(DeviceId, Ipv6Addr, u8),
    /// A report of a group joined (RFC 3810 section 6.1: robustness).
    MldReport(DeviceId, Ipv6Addr),
    /// The answer to a query (RFC 3810 section 6.2).
    MldAnswer(DeviceId),
}

impl Task {
    /// Does it outlive IPv6 on its device?
    pub(crate) fn is_about_ipv4(&self) -> bool {
        matches!(self, Self::Acd(..) | Self::Move(_, IpAddr::V4(_)))
    }

    /// The device it is for.
    pub(crate) fn device(&self) -> Option<DeviceId> {
        match self {
            Self::PeriodicGc(_) | Self::Managed(_) | Self::Sweep(_) | Self::Proxy | Self::RouterExpiry => {
                None
            }
            Self::Dad(device, _)
            | Self::Acd(device, _)
            | Self::MldReport(device, _)
            | Self::MldAnswer(device)
            | Self::Move(device, _)
            | Self::GratuitousNa(device, ..)
            | Self::RouterSolicit(device) => Some(*device),
        }
    }
}

/// A task, when it is due, and its number.
#[derive(Clone, Copy, Debug)]
struct Due {
    at: Instant,
    number: u64,
    task: Task,
}

/// What is due first is the greatest; of two due at the same moment, the one that was made first.
impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

/// Tasks by the moment at which they are due, then by the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    due: BinaryHeap<Due>,
    made: u64,
}

impl Tasks {
    /// Makes room for so many more.
    pub(crate) fn reserve(&mut self, more: usize) -> Result<(), OutOfMemory> {
        self.due.try_reserve_exact(more).map_err(|_| OutOfMemory)
    }

    /// Due in `ticks`.
    pub(crate) fn add(&mut self, clock: &Clock, ticks: u32, task: Task) {
        self.add_at(clock.now() + clock.duration(ticks), task);
    }

    /// Due in `ticks`, unless it is due earlier already.
    pub(crate) fn add_earlier(&mut self, clock: &Clock, ticks: u32, task: Task) {
        let at = clock.now() + clock.duration(ticks);
        if self.due.iter().any(|due| due.task == task && due.at <= at) {
            return;
        }
        self.cancel(|t| *t == task);
        self.add_at(at, task);
    }

    /// Due at this moment.
    pub(crate) fn add_at(&mut self, at: Instant, task: Task) {
        self.made += 1;
        self.due.push(Due { at, number: self.made, task });
    }

    /// Moves all appointments by the time from the clock's start to `now`.
    pub(crate) fn shift(&mut self, now: Instant) {
        let by = now.elapsed_since_start();
        let mut due = core::mem::take(&mut self.due).into_vec();
        due.iter_mut().for_each(|due| due.at += by);
        self.due = due.into();
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.due.peek().map(|due| due.at)
    }

    /// Takes the next one that is due.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Task> {
        self.due.peek().filter(|due| due.at <= now)?;
        self.due.pop().map(|due| due.task)
    }

    /// Calls off what `which` names.
    pub(crate) fn cancel(&mut self, which: impl Fn(&Task) -> bool) {
        self.due.retain(|due| !which(&due.task));
    }
}
