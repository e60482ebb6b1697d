//! Readers beside a writer: what a second thread that writes takes from those that read.

use crate::choose::{self, Order, chance};
use crate::clock::{allow, pin, processors, thread_time};
use crate::contestant::{self, Contestant, Reads};
use crate::figure::{Figure, Finding, Row, Unit};
use crate::key::{Key, Payload};
use crate::plan::Plan;
use rand::seq::SliceRandom;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Insertions and as many removals, each second.
const PAIRS_A_SECOND: u32 = 100_000;
/// The writer wakes this often.
const BEAT: Duration = Duration::from_micros(500);
/// One phase.
const PHASE: Duration = Duration::from_millis(40);
/// Keys that come and go, beside those that stay.
const CHURN: u32 = 4_096;
/// Lookups between two looks at the clock.
const SLICE: usize = 8_192;

/// What one reader did in one phase.
#[derive(Clone, Copy, Default)]
struct Done {
    lookups: u64,
    processor: Duration,
    /// Keys that were there all the while and were not found, or not as they are.
    wrong: u64,
}

impl Done {
    /// Lookups for each second of processor time.
    fn rate(self) -> f64 {
        self.lookups as f64 / self.processor.as_secs_f64().max(1e-9)
    }
}

/// The keys to look up, cut into slices whose sums are known.
struct Work<K> {
    slices: Vec<(Vec<K>, u64)>,
}

impl<K: Key> Work<K> {
    fn new(plan: Plan, size: u32) -> Self {
        let numbers = choose::numbers(size, 32 * SLICE, Order::Uniform, &mut chance(plan.seed, 20));
        let slice = |numbers: &[u32]| {
            let sums = numbers.iter().map(|n| Payload::nth::<K>(*n).consume());
            (choose::keys(numbers), sums.fold(0, u64::wrapping_add))
        };
        Self { slices: numbers.chunks(SLICE).map(slice).collect() }
    }

    /// Reads until `stop`, tied to a processor.
    fn read(&self, processor: usize, reads: &dyn Reads<K>, stop: &AtomicBool) -> Done {
        pin(processor);
        let mut done = Done::default();
        let mut slices = self.slices.iter().cycle();
        // Once without the clock, for the caches.
        slices.by_ref().take(self.slices.len() / 4).for_each(|(keys, _)| {
            std::hint::black_box(reads.hits(keys));
        });
        let start = thread_time();
        // A slice at least, however slow the machine is.
        for (keys, sum) in slices {
            if reads.hits(keys) != *sum {
                // Looked again: those still missing, and at least the one that was.
                done.wrong += reads.misses(keys).max(1) as u64;
            }
            done.lookups += keys.len() as u64;
            // Nothing but the end of the phase is told by it.
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
        done.processor = thread_time().saturating_sub(start);
        done
    }
}

/// The rows for tables of `size` entries.
///
/// # Errors
/// When the engine cannot be made.
pub(super) fn run<K: Key>(plan: Plan, size: u32, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let keys = format!("{} uniform", K::NAME);
    let free = processors();
    let [near, far] = free[..].first_chunk::<2>().copied().unwrap_or([usize::MAX; 2]);
    if near == usize::MAX {
        let why = "it takes two processors".to_owned();
        tell(Finding::Skipped { what: format!("readers beside a writer, {size} entries"), why });
        return Ok(());
    }
    let work = Work::<K>::new(plan, size);
    let mut contestants: Vec<Box<dyn Contestant<K>>> = contestant::all::<K>(plan.seed)?;
    contestants.retain(|contestant| contestant.shared().is_some());
    let order = choose::shuffled(size, &mut chance(plan.seed, 1));
    contestants.iter_mut().for_each(|contestant| order.iter().for_each(|n| contestant.insert(*n)));

    let rounds = if plan.quick { 7 } else { 21 };
    let mut results = vec![Results::default(); contestants.len()];
    let mut chance = chance(plan.seed, 21);
    let mut turns: Vec<usize> = (0..contestants.len()).collect();
    for _ in 0..rounds {
        turns.shuffle(&mut chance);
        for at in &turns {
            let contestant = &mut *contestants[*at];
            let alone = phase(&work, contestant, &[far], None)[0];
            let (beside, written) = {
                let mut writer = Writer::new(size);
                let beside = phase(&work, contestant, &[far], Some((near, &mut writer)))[0];
                (beside, writer.rate())
            };
            let both = phase(&work, contestant, &[near, far], None);
            results[*at].take(alone, beside, written, &both);
        }
    }
    allow(&free);
    let row = |what: &str, unit, of: fn(&Results) -> &Vec<f64>| {
        let mut row = Row::new(what, u64::from(size), &*keys, unit);
        row.figures = contestants
            .iter()
            .zip(&results)
            .map(|(contestant, results)| {
                Figure::new(contestant.name(), contestant.hash(), of(results).clone())
            })
            .collect();
        Finding::Row(row)
    };
    tell(row("reader beside a writer", Unit::Share, |results| &results.beside));
    tell(row("two readers, no writer", Unit::Share, |results| &results.two));
    tell(row("false misses beside a writer", Unit::Count, |results| &results.wrong));
    tell(row("writer beside a reader, pairs", Unit::PerSecond, |results| &results.written));
    Ok(())
}

/// Samples of one contestant.
#[derive(Clone, Default)]
struct Results {
    beside: Vec<f64>,
    two: Vec<f64>,
    wrong: Vec<f64>,
    written: Vec<f64>,
}

impl Results {
    fn take(&mut self, alone: Done, beside: Done, written: f64, both: &[Done]) {
        self.beside.push(beside.rate() / alone.rate());
        self.two.push(both.iter().map(|done| done.rate()).sum::<f64>() / alone.rate());
        let wrong = alone.wrong + beside.wrong + both.iter().map(|done| done.wrong).sum::<u64>();
        self.wrong.push(wrong as f64);
        self.written.push(written);
    }
}

/// Readers on these processors for the length of a phase, with a writer on another or none.
fn phase<K: Key>(
    work: &Work<K>,
    contestant: &mut dyn Contestant<K>,
    readers: &[usize],
    writer: Option<(usize, &mut Writer)>,
) -> Vec<Done> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let threads: Vec<_> = readers
            .iter()
            .filter_map(|processor| Some((*processor, contestant.shared()?)))
            .map(|(processor, reads)| {
                let stop = &stop;
                scope.spawn(move || work.read(processor, &*reads, stop))
            })
            .collect();
        let end = Instant::now() + PHASE;
        match writer {
            Some((processor, writer)) => {
                pin(processor);
                writer.write_until(end, contestant);
            }
            None => thread::sleep(PHASE),
        }
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

/// Inserts and removes at its pace.
struct Writer {
    first: u32,
    pairs: u32,
    took: Duration,
}

impl Writer {
    fn new(size: u32) -> Self {
        Self { first: size, pairs: 0, took: Duration::ZERO }
    }

    /// A key is taken out [`CHURN`] / 2 insertions after it came.
    fn write_until<K: Key>(&mut self, end: Instant, contestant: &mut dyn Contestant<K>) {
        let start = Instant::now();
        let half = CHURN / 2;
        (0..half).for_each(|n| contestant.insert(self.first + n));
        while Instant::now() < end {
            let due = (start.elapsed().as_secs_f64() * f64::from(PAIRS_A_SECOND)) as u32;
            while self.pairs < due {
                contestant.insert(self.first + (self.pairs + half) % CHURN);
                contestant.remove(self.first + self.pairs % CHURN);
                self.pairs += 1;
                if self.pairs.is_multiple_of(64) && Instant::now() >= end {
                    break;
                }
            }
            thread::sleep(BEAT);
        }
        self.took = start.elapsed();
        (0..half).for_each(|n| {
            contestant.remove(self.first + (self.pairs + n) % CHURN);
        });
    }

    fn rate(&self) -> f64 {
        f64::from(self.pairs) / self.took.as_secs_f64().max(1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestant::IFINDEX;
    use crate::key::Key6;

    #[test]
    fn the_writer_leaves_the_table_as_it_found_it() {
        let size = 1_000;
        for mut contestant in contestant::all::<Key6>(3).expect("an engine") {
            (0..size).for_each(|n| contestant.insert(n));
            let mut writer = Writer::new(size);
            writer.write_until(Instant::now() + Duration::from_millis(5), &mut *contestant);
            let keys =
                |range: std::ops::Range<u32>| -> Vec<Key6> { range.map(|n| Key6::nth(n, IFINDEX)).collect() };
            let reads = contestant.reads();
            assert_eq!(reads.misses(&keys(0..size)), 0, "{}", contestant.name());
            assert_eq!(reads.misses(&keys(size..size + CHURN)), CHURN as usize, "{}", contestant.name());
        }
    }
}
