//! Insertion from an empty table on: what the mean is, and what the worst single one.

use crate::choose::{self, chance};
use crate::clock::{nanoseconds_each, thread_time};
use crate::contestant::{self, Alone, Contestant};
use crate::figure::{Figure, Finding, Row, Unit, quantile};
use crate::key::Key;
use crate::plan::Plan;
use std::time::Duration;

/// One table after the other grows from nothing to `size`.
///
/// # Errors
/// When a table cannot be made.
pub(super) fn run<K: Key>(plan: Plan, size: u32, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let huge = size > 5_000_000;
    let rounds = match (plan.quick, huge) {
        (true, true) => 1,
        (true, false) | (false, true) => 3,
        (false, false) => 9,
    };
    // A microsecond and more for each, and a map that is measured already: their figures stand at the smaller size.
    let left_out = |who: &str| huge && plan.quick && ["flurry", "RwLock<hashbrown>"].contains(&who);
    let order = choose::shuffled(size, &mut chance(plan.seed, 1));
    let clock = clock_cost();
    let mut lines: Vec<Line> = Vec::new();
    let mut nothing = Line::new("a loop as long as ours", "");
    for round in 0..rounds {
        let contestants = || {
            Ok::<_, anyhow::Error>(contestants::<K>(plan)?.into_iter().filter(|one| !left_out(one.name())))
        };
        if round == 0 {
            lines = contestants()?.map(|one| Line::new(one.name(), one.hash())).collect();
        }
        for (line, mut contestant) in lines.iter_mut().zip(contestants()?) {
            line.measure_all(&mut *contestant, &order);
        }
        for (line, mut contestant) in lines.iter_mut().zip(contestants()?) {
            line.measure_each(|n| contestant.insert(n), &order, clock);
        }
    }
    let ours = lines.first().and_then(|line| line.mean.last()).copied().unwrap_or(0.0);
    let busy = busy_for(ours);
    // A million are enough to know the slowest of ten thousand.
    nothing.measure_each(|_| busy(), &order[..order.len().min(1 << 20)], clock);
    let row = |what: &str, unit, of: fn(&Line) -> &Vec<f64>| {
        let mut row = Row::new(what, u64::from(size), K::NAME, unit);
        row.figures = lines.iter().map(|line| Figure::new(line.who, line.hash, of(line).clone())).collect();
        row
    };
    let note = "neighbour: the whole engine's new_neigh with what Linux announces of it (Config::tell_steps is off); \
                neighbour-table: what it does to the index";
    tell(Finding::Row(row("insert with growth, mean", Unit::Nanoseconds, |line| &line.mean).note(note)));
    let mut tail = row("insert with growth, 99.99th percentile", Unit::Microseconds, |line| &line.tail);
    tail.figures.push(Figure::new(nothing.who, nothing.hash, nothing.tail.clone()));
    tell(Finding::Row(
        tail.note("the loop touches no memory: what it takes is the machine's own interruptions"),
    ));
    tell(Finding::Row(row("insert with growth, worst", Unit::Milliseconds, |line| &line.worst)));
    Ok(())
}

fn contestants<K: Key>(plan: Plan) -> anyhow::Result<Vec<Box<dyn Contestant<K>>>> {
    let mut all = contestant::all::<K>(plan.seed)?;
    all.insert(1, Box::new(Alone::<K>::new(plan.seed)?));
    Ok(all)
}

/// Samples of one contestant, one for each growth.
struct Line {
    who: &'static str,
    hash: &'static str,
    mean: Vec<f64>,
    tail: Vec<f64>,
    worst: Vec<f64>,
}

impl Line {
    fn new(who: &'static str, hash: &'static str) -> Self {
        Self { who, hash, mean: Vec::new(), tail: Vec::new(), worst: Vec::new() }
    }

    /// The mean: two looks at the clock.
    fn measure_all<K>(&mut self, contestant: &mut dyn Contestant<K>, order: &[u32]) {
        let all = || order.iter().for_each(|n| contestant.insert(*n));
        self.mean.push(nanoseconds_each(order.len(), all).0);
    }

    /// The slowest: every insertion by the thread's own clock. The looks at it cost more than an insertion and
    /// disturb the caches, so the mean is not taken from here.
    fn measure_each(&mut self, mut insert: impl FnMut(u32), order: &[u32], clock: Duration) {
        let mut each = vec![0_f32; order.len()];
        let mut before = thread_time();
        for (n, spent) in order.iter().zip(&mut each) {
            insert(*n);
            let after = thread_time();
            *spent = after.saturating_sub(before).saturating_sub(clock).as_secs_f32() * 1e6;
            before = after;
        }
        let at = order.len() - 1 - order.len() / 10_000;
        let (_, tail, _) = each.select_nth_unstable_by(at, f32::total_cmp);
        self.tail.push(f64::from(*tail));
        self.worst.push(f64::from(each.iter().copied().fold(0.0, f32::max)) / 1e3);
    }
}

/// Something that takes so many nanoseconds and no memory.
fn busy_for(nanoseconds: f64) -> impl Fn() {
    let steps =
        |n: u32| (0..n).fold(1_u64, |x, _| std::hint::black_box(x.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let tried = 1_000_000;
    let (each, _) = nanoseconds_each(tried as usize, || steps(tried));
    let n = (nanoseconds / each.max(0.01)) as u32;
    move || _ = std::hint::black_box(steps(n))
}

/// What one look at the thread's clock costs.
fn clock_cost() -> Duration {
    let looks: Vec<f64> = (0..64)
        .map(|_| {
            nanoseconds_each(1_000, || {
                (0..1_000).for_each(|_| {
                    std::hint::black_box(thread_time());
                })
            })
            .0
        })
        .collect();
    Duration::from_nanos(quantile(&looks, 0.5) as u64)
}
