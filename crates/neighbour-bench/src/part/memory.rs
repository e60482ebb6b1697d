//! Memory for an entry, by the allocator's own count.

use crate::contestant::{Contestant, OURS, Ours, concurrent};
use crate::counting::Counted;
use crate::figure::{Finding, Row, Unit};
use crate::key::Key;
use crate::plan::Plan;

/// What a whole engine takes at this size, and what the peers' maps take.
///
/// # Errors
/// When the program does not count (it must have [`crate::Counting`] as its global allocator), or when the engine
/// refuses an entry.
pub(super) fn run<K: Key>(plan: Plan, size: u32, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let each = |bytes: i64| vec![bytes as f64 / f64::from(size)];
    let mut rest = Row::new("memory at rest", u64::from(size), K::NAME, Unit::Bytes);
    let mut peak = Row::new("memory at the worst point of growth", u64::from(size), K::NAME, Unit::Bytes);

    let counted = Counted::start()?;
    let mut ours = Ours::<K>::new(plan.seed)?;
    // The worst point in bytes for each entry there is at that moment: right after the table began to grow.
    let mut worst: f64 = 0.0;
    for n in 0..size {
        counted.forget_peak();
        ours.insert(n);
        if n >= size / 2 {
            worst = worst.max(counted.peak() as f64 / f64::from(n + 1));
        }
    }
    rest = rest.with(OURS, "", each(counted.now()));
    peak = peak.with(OURS, "", vec![worst]);
    drop(ours);
    for mut contestant in concurrent::<K>() {
        let start = counted.now();
        let mut worst: f64 = 0.0;
        for n in 0..size {
            counted.forget_peak();
            contestant.insert(n);
            if n >= size / 2 {
                worst = worst.max((counted.peak() - start) as f64 / f64::from(n + 1));
            }
        }
        rest = rest.with(contestant.name(), "", each(counted.now() - start));
        peak = peak.with(contestant.name(), "", vec![worst]);
    }
    let note =
        "bytes asked of the allocator; ours is a whole engine with its timers and lists, the peers' are maps";
    tell(Finding::Row(rest.note(note)));
    tell(Finding::Row(peak.note("most bytes at once for each entry there was, from half the size on")));
    Ok(())
}
