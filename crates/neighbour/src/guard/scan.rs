//! Somebody asks for more addresses than are there; a table fills. Told, but not too often.

use super::classes::{OWN, SOURCES};
use crate::event::EventKind;
use crate::ratelimit::Bucket;
use crate::time::Instant;
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

#[derive(Clone, Copy, Default, Debug)]
struct Source {
    told: Option<Instant>,
    refused: u64,
}

/// What was told of late.
#[derive(Debug)]
pub(crate) struct Scans {
    sources: Box<[Source]>,
    all: Bucket,
    limit_told: Option<Instant>,
}

impl Default for Scans {
    fn default() -> Self {
        let sources = alloc::vec![Source::default(); SOURCES].into();
        Self { sources, all: Bucket::new(1, 10), limit_told: None }
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
        let known = &mut scans.sources[usize::from(mark)];
        known.refused += 1;
        let due = known.told.is_none_or(|told| now.duration_since(told) >= TELL_EVERY);
        if !due || !scans.all.take(now) {
            return;
        }
        known.told = Some(now);
        let refused = core::mem::take(&mut known.refused);
        debug_assert!(source.is_some() || mark == OWN);
        self.tell(EventKind::Scan { device, source, sought, refused });
    }

    /// The table has grown: is it near its limit?
    pub(super) fn tell_near_limit(&mut self, family: Family) {
        let now = self.clock.now();
        let table = self.table_mut(family);
        let (entries, limit) = (table.gc_entries, table.thresholds.thresh3);
        let near = u64::from(entries) * 100 >= u64::from(limit) * NEAR_PERCENT;
        let Some(newcomers) = &mut table.newcomers else { return };
        let scans = &mut newcomers.scans;
        let due = scans.limit_told.is_none_or(|told| now.duration_since(told) >= TELL_LIMIT_EVERY);
        if near && due {
            scans.limit_told = Some(now);
            self.tell(EventKind::NearLimit { family, entries, limit });
        }
    }
}
