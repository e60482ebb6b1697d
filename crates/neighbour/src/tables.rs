//! Tables and parameters by value, as RTM_GETNEIGHTBL and RTM_SETNEIGHTBL see them (TBL-1 to TBL-14).
//! By name they stand in [`crate::sysctl`].

use crate::parms::{Parm, Parms};
use crate::table::Thresholds;
use crate::{DeviceId, Engine, Family, Instant};
use core::time::Duration;

/// What a table tells of itself (TBL-2, TBL-3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TableInfo {
    /// The thresholds of collection.
    pub thresholds: Thresholds,
    /// Settable, without effect (GC-31).
    pub gc_interval: Duration,
    /// Live objects, dead but referenced ones included.
    pub entries: u64,
    /// Since the last forced collection that came to its end (GC-12).
    pub last_flush: Duration,
    /// Since the reachable times were last drawn together (DM-28b); none: never yet.
    pub last_rand: Option<Duration>,
    /// Buckets of Linux's hash, less one (HSH-1, HSH-3).
    pub hash_mask: u32,
    /// Requests for proxied addresses that wait.
    pub proxy_queued: u32,
}

impl Engine {
    /// What a table tells of itself.
    pub fn table_info(&self, family: Family) -> TableInfo {
        let (table, now) = (self.table(family), self.clock.tick());
        let since = |tick| u32::try_from(now.since(tick)).ok().map(|ticks| self.clock.duration(ticks));
        TableInfo {
            thresholds: table.thresholds,
            gc_interval: self.clock.duration(table.gc_interval),
            entries: table.stats.entries,
            last_flush: since(table.last_flush).unwrap_or_default(),
            last_rand: since(table.last_rand),
            hash_mask: (1_u32 << table.hash_shift.min(31)) - 1,
            proxy_queued: self.proxies.waiting(family),
        }
    }

    /// Sets thresholds; None leaves one as it is. They are not compared with each other (TBL-12).
    pub fn set_thresholds(&mut self, family: Family, thresholds: [Option<u32>; 3]) {
        let known = &mut self.table_mut(family).thresholds;
        let [thresh1, thresh2, thresh3] = thresholds;
        known.thresh1 = thresh1.unwrap_or(known.thresh1);
        known.thresh2 = thresh2.unwrap_or(known.thresh2);
        known.thresh3 = thresh3.unwrap_or(known.thresh3);
    }

    /// Sets gc_interval, which has no effect (GC-31).
    pub fn set_gc_interval(&mut self, family: Family, interval: Duration) {
        let ticks = self.clock.ticks_ceil(interval);
        self.table_mut(family).gc_interval = ticks;
    }

    /// The set of a family on a device, or the defaults. None: the family is not attached.
    fn parms(&self, family: Family, device: Option<DeviceId>) -> Option<&Parms> {
        match device {
            Some(device) => self.device(device)?.parms[family as usize].as_ref(),
            None => Some(&self.table(family).defaults),
        }
    }

    /// A parameter on a device, or of the defaults: milliseconds for times, else a count or bytes. None: the
    /// device does not speak the family.
    pub fn parm(&self, family: Family, device: Option<DeviceId>, parm: Parm) -> Option<u64> {
        let stored = self.parms(family, device)?.get(parm);
        Some(match parm.is_time() {
            true => u64::try_from(self.clock.duration(stored).as_millis()).unwrap_or(u64::MAX),
            false => u64::from(stored),
        })
    }

    /// How long a confirmation counts on a device at present (DM-27).
    pub fn reachable_time(&self, family: Family, device: Option<DeviceId>) -> Option<Duration> {
        Some(self.clock.duration(self.parms(family, device)?.reachable_time()))
    }

    /// Sets a parameter of a device, or of the defaults, without passing it on to devices (TBL-10). The value
    /// is in the units of [`Engine::parm`] and kept within what can be stored. False: the device does not
    /// speak the family.
    pub fn set_parm(
        &mut self,
        now: Instant,
        family: Family,
        device: Option<DeviceId>,
        parm: Parm,
        value: u64,
    ) -> bool {
        self.advance(now);
        let stored = match parm.is_time() {
            true => self.clock.ticks_ceil(Duration::from_millis(value)),
            false => u32::try_from(value).unwrap_or(u32::MAX),
        };
        let (table, rng, mut devices) = self.table_rng_devices(family);
        let parms = match device {
            Some(id) => devices.find(|d| d.id == id).and_then(|d| d.parms[family as usize].as_mut()),
            None => Some(&mut table.defaults),
        };
        let Some(parms) = parms else { return false };
        parms.set(parm, stored);
        parms.mark_explicit(parm);
        if parm == Parm::BaseReachableTime {
            parms.draw_reachable_time(rng); // DM-28c
        }
        true
    }

    /// Is the device up?
    pub fn is_up(&self, device: DeviceId) -> bool {
        self.device(device).is_some_and(|d| d.up)
    }

    /// Does it have a carrier?
    pub fn has_carrier(&self, device: DeviceId) -> bool {
        self.device(device).is_some_and(|d| d.carrier)
    }

    /// Is the family attached to the device (DM-19)?
    pub fn speaks(&self, device: DeviceId, family: Family) -> bool {
        self.device(device).is_some_and(|d| d.parms[family as usize].is_some())
    }
}
