//! Forced collection: what a run costs for each entry it looks at.

use crate::clock::nanoseconds_each;
use crate::contestant::{IFINDEX, OURS, Ours, drain};
use crate::figure::{Finding, Row, Unit};
use crate::key::{Key, lladdr};
use crate::plan::Plan;
use neighbour::{Config, LlAddr, NewNeigh, NudState};
use std::time::Duration;

/// Runs that find nothing to take, and runs that take all they may.
///
/// # Errors
/// When the engine refuses an entry that it has room for.
pub(super) fn run<K: Key>(plan: Plan, size: u32, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let budget = Config::linux().gc_budget;
    let mut full = Full::<K>::new(plan, size)?;
    let runs = if plan.quick { 11 } else { 41 };
    let looked = size.min(budget);
    let mut in_vain = Vec::new();
    for _ in 0..runs {
        let (each, before) = (full.create(looked), full.count());
        anyhow::ensure!(before == u64::from(size), "something was collected that was too young");
        in_vain.push(each);
    }
    let mut taking = Vec::new();
    for _ in 0..runs {
        full.fill()?;
        full.age();
        let before = full.count();
        let whole = full.create(1);
        // The new one is in.
        let taken = before + 1 - full.count();
        anyhow::ensure!(taken > 0, "nothing was collected of {before} old entries");
        taking.push(whole / taken as f64);
    }
    let row = |what: &str, samples: Vec<f64>| {
        let row = Row::new(what, u64::from(size), format!("{}, all STALE", K::NAME), Unit::Nanoseconds);
        Finding::Row(row.with(OURS, "", samples))
    };
    tell(row("forced collection in vain, for each entry looked at", in_vain));
    tell(row("forced collection, for each entry taken", taking));
    Ok(())
}

/// A table at its third threshold.
struct Full<K> {
    ours: Ours<K>,
    next: u32,
    size: u32,
}

impl<K: Key> Full<K> {
    fn new(plan: Plan, size: u32) -> anyhow::Result<Self> {
        let mut full = Self { ours: Ours::new(plan.seed)?, next: 0, size };
        full.fill()?;
        Ok(full)
    }

    fn count(&self) -> u64 {
        u64::from(self.ours.engine.gc_entries(K::FAMILY))
    }

    fn request(&mut self) -> NewNeigh {
        let n = self.next;
        self.next = (self.next + 1) % (1 << 24);
        NewNeigh::replace(
            self.ours.device,
            K::nth(n, IFINDEX).address(),
            LlAddr::new(&lladdr(n)),
            NudState::STALE,
        )
    }

    /// One more entry than there is room for, in nanoseconds for each of `parts`.
    fn create(&mut self, parts: u32) -> f64 {
        let request = self.request();
        let engine = &mut self.ours.engine;
        let now = self.ours.now;
        let (each, _refused) = nanoseconds_each(parts as usize, || engine.new_neigh(now, &request));
        drain(engine);
        each
    }

    /// Lets entries become old enough to be taken.
    fn age(&mut self) {
        self.ours.now += Duration::from_secs(10);
    }

    /// Up to the third threshold, with young entries.
    fn fill(&mut self) -> anyhow::Result<()> {
        self.ours.engine.set_thresholds(K::FAMILY, [Some(i32::MAX as u32); 3]);
        let now = self.ours.now;
        while self.count() < u64::from(self.size) {
            let request = self.request();
            self.ours.engine.new_neigh(now, &request)?;
            drain(&mut self.ours.engine);
        }
        self.ours.engine.set_thresholds(K::FAMILY, [self.size / 4, self.size / 2, self.size].map(Some));
        Ok(())
    }
}
