//! Stamps have 32 bits and would wrap after 198 days, or mislead after 99. Once a day, what is older
//! than can be told apart is pulled up to the oldest age that can (NUD-26 does so when a timer is armed).

use crate::task::Task;
use crate::time::{MAX_TICKS, Tick};
use crate::work::Budget;
use crate::{Engine, Family};
use core::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// The stamp, or the oldest that is safe until the next sweep.
fn pulled_up(stamp: Tick, now: Tick, day: u32) -> Tick {
    let oldest = MAX_TICKS.saturating_sub(day.saturating_mul(2));
    let age = now.since(stamp);
    // A reader may be a little ahead of the engine's clock; what lies far ahead has wrapped.
    let wrapped = age < -(day as i32);
    if wrapped || age > oldest as i32 { now.minus(oldest) } else { stamp }
}

impl Engine {
    /// Begins a sweep, and makes the next one's appointment.
    pub(crate) fn sweep_stamps(&mut self, family: Family, budget: &mut Budget) {
        let (now, day) = self.today();
        let table = self.table_mut(family);
        table.sweeping = Some(0);
        table.last_flush = pulled_up(table.last_flush, now, day);
        table.last_rand = pulled_up(table.last_rand, now, day);
        table.overflow.sweep(now, day);
        self.sweep_memories(family, day);
        self.tasks.add(&self.clock, day, Task::Sweep(family));
        self.go_on_with_sweep(family, budget);
    }

    /// The next slice of the sweep in progress, if there is one: slot by slot.
    pub(crate) fn go_on_with_sweep(&mut self, family: Family, budget: &mut Budget) {
        let (now, day) = self.today();
        let table = self.table_mut(family);
        while let Some(slot) = table.sweeping.filter(|_| budget.take()) {
            table.sweeping = (slot + 1 < table.entries.slots()).then_some(slot + 1);
            if table.entries.get(slot).is_none() {
                continue;
            }
            table.set_confirmed(slot, pulled_up(table.confirmed(slot), now, day));
            let entry = &mut table.entries[slot];
            entry.used = pulled_up(entry.used, now, day);
            entry.updated = pulled_up(entry.updated, now, day);
        }
    }

    /// The present tick, and how many a day has.
    fn today(&self) -> (Tick, u32) {
        (self.clock.tick(), self.clock.ticks_ceil(DAY).min(MAX_TICKS / 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_stamps_stay_old_for_ever() {
        let day = 21_600_000;
        let stamp = Tick(5);
        let mut now = Tick(5);
        let mut swept = stamp;
        for _ in 0..1000 {
            now = now.plus(day);
            swept = pulled_up(swept, now, day);
            assert!(now.since(swept) >= day as i32, "a stamp looks younger than it is");
        }
    }

    #[test]
    fn a_reader_slightly_ahead_is_left_alone() {
        assert_eq!(pulled_up(Tick(100), Tick(98), 1000), Tick(100));
    }
}
