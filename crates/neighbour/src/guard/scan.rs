//! Somebody asks for more addresses than are there; a table fills. Told, but not too often.

use super::classes::{OWN, SOURCES};
use crate::event::EventKind;
use crate::ratelimit::{Bucket, Seldom};
use crate::{DeviceId, Engine, Family};
use alloc::boxed::Box;
use core::net::IpAddr;
use core::time::Duration;

/// One source is told of so often.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// A table near its limit is told of so often.
const TELL_LIMIT_EVERY: Duration = Duration::from_secs(60);
/// It is near, when so much of gc_thresh3 is used.
const NEAR_PERCENT: u64 = 90;

/// What was told of late.
#[derive(Debug)]
pub(crate) struct Scans {
    /// By their marks.
    sources: Box<[Seldom]>,
    all: Bucket,
    limit: Seldom,
}

impl Default for Scans {
    fn default() -> Self {
        let sources = alloc::vec![Seldom::default(); SOURCES].into();
        Self { sources, all: Bucket::new(1, 10), limit: Seldom::default() }
    }
}

impl Engine {
    /// A source whose budget is spent asks for one more address.
    pub(super) fn scans(
        &mut self,
        family: Family,
        device: DeviceId,
        source: Option<IpAddr>,
        mark: u8,
        sought: IpAddr,
    ) {
        let now = self.clock.now();
        let Some(newcomers) = self.newcomers_mut(family) else { return };
        let scans = &mut newcomers.scans;
        let told = &mut scans.sources[usize::from(mark)];
        let Some(before) = told.pass_if(now, TELL_EVERY, || scans.all.take(now)) else { return };
        debug_assert!(source.is_some() || mark == OWN);
        self.tell(EventKind::Scan { device, source, sought, refused: before + 1 });
    }

    /// The table has grown: is it near its limit?
    pub(super) fn tell_near_limit(&mut self, family: Family) {
        let now = self.clock.now();
        let table = self.table_mut(family);
        let (entries, limit) = (table.gc_entries, table.thresholds.thresh3);
        let near = u64::from(entries) * 100 >= u64::from(limit) * NEAR_PERCENT;
        let Some(newcomers) = &mut table.newcomers else { return };
        if near && newcomers.scans.limit.pass(now, TELL_LIMIT_EVERY).is_some() {
            self.tell(EventKind::NearLimit { family, entries, limit });
        }
    }
}
