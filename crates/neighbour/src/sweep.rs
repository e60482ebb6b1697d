//! Stamps have 32 bits and would wrap after 198 days, or mislead after 99. Once a day, what is older
//! than can be told apart is pulled up to the oldest age that can (NUD-26 does so when a timer is armed).

use crate::task::Task;
use crate::time::{MAX_TICKS, Tick};
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
    pub(crate) fn sweep_stamps(&mut self, family: Family) {
        let now = self.clock.tick();
        let day = self.clock.ticks_ceil(DAY).min(MAX_TICKS / 4);
        let table = self.table_mut(family);
        for slot in 0..table.entries.slots() {
            if table.entries.get(slot).is_none() {
                continue;
            }
            let confirmed = pulled_up(table.confirmed(slot), now, day);
            if table.shared.confirmed(slot).is_some() {
                table.shared.set_confirmed(slot, confirmed.0);
            }
            let entry = &mut table.entries[slot];
            entry.confirmed = confirmed;
            entry.used = pulled_up(entry.used, now, day);
            entry.updated = pulled_up(entry.updated, now, day);
        }
        table.last_flush = pulled_up(table.last_flush, now, day);
        table.last_rand = pulled_up(table.last_rand, now, day);
        table.overflow.sweep(now, day);
        self.tasks.add(&self.clock, day, Task::Sweep(family));
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
