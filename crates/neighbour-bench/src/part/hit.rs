//! Hits, one reader: single lookups, batches, lookups under a guard, held references, and bare lines.

use crate::bare::{BARE, BARE_32, BARE_ALONE, Bare};
use crate::choose::{self, Order, chance};
use crate::clock::nanoseconds_each;
use crate::contestant::{self, Contestant, OURS, Ours, Reads};
use crate::figure::{Figure, Finding, Row, Unit};
use crate::key::Key;
use crate::plan::Plan;
use rand::seq::SliceRandom;

/// Something that can take a turn: a whole slice of keys, and the sum that proves that it looked.
struct Entrant<'a, K> {
    who: String,
    hash: &'static str,
    turn: Turn<'a, K>,
}

enum Turn<'a, K> {
    Hits(&'a dyn Reads<K>),
    Held(&'a dyn Reads<K>),
    Batches(&'a dyn Reads<K>),
    Bare(&'a Bare, fn(&Bare, &[u32]) -> u64),
}

impl<K> Turn<'_, K> {
    fn take(&self, keys: &[K], numbers: &[u32]) -> u64 {
        match self {
            Self::Hits(reads) => reads.hits(keys),
            Self::Held(reads) => reads.held(keys).unwrap_or(0),
            Self::Batches(reads) => reads.batches(keys).unwrap_or(0),
            Self::Bare(bare, load) => load(bare, numbers),
        }
    }

    fn must_agree(&self) -> bool {
        !matches!(self, Self::Bare(..))
    }
}

/// All rows of hits for tables of `size` entries.
///
/// # Errors
/// When the engine refuses an entry, or when contestants do not find the same.
pub(super) fn run<K: Key>(plan: Plan, size: u32, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let mut contestants = contestant::all::<K>(plan.seed)?;
    let order = choose::shuffled(size, &mut chance(plan.seed, 1));
    contestants.iter_mut().for_each(|contestant| order.iter().for_each(|n| contestant.insert(*n)));
    drop(order);
    let bare = Bare::new(size);
    let reads: Vec<Box<dyn Reads<K> + '_>> =
        contestants.iter().map(|contestant| contestant.reads()).collect();
    let entrants = |how: for<'a> fn(&'a dyn Reads<K>) -> Turn<'a, K>| {
        contestants.iter().zip(&reads).map(move |(contestant, reads)| Entrant {
            who: contestant.name().to_owned(),
            hash: contestant.hash(),
            turn: how(&**reads),
        })
    };
    for order in [Order::Uniform, Order::Zipf] {
        let what = if order == Order::Uniform { "hit" } else { "hit, Zipf" };
        let mut row: Vec<Entrant<'_, K>> = entrants(|reads| Turn::Hits(reads)).collect();
        row.extend(bare_lines(&bare, &[(BARE, Bare::each)]));
        tell(Finding::Row(race(plan, what, size, order, &row)?));
    }
    let mut row: Vec<Entrant<'_, K>> = entrants(|reads| Turn::Batches(reads)).take(1).collect();
    row.extend(bare_lines(&bare, &[(BARE_32, Bare::batches), (BARE_ALONE, Bare::alone)]));
    tell(Finding::Row(race(plan, "batch of 32", size, Order::Uniform, &row)?));
    let can_hold = |entrant: &Entrant<'_, K>| match entrant.turn {
        Turn::Held(reads) => reads.held(&[]).is_some(),
        _ => false,
    };
    // Ours needs no guard: it runs here as it does alone.
    let mut row: Vec<Entrant<'_, K>> = entrants(|reads| Turn::Hits(reads)).take(2).collect();
    row.extend(entrants(|reads| Turn::Held(reads)).filter(can_hold));
    let row = race(plan, "hit, guard already held", size, Order::Uniform, &row)?
        .note("peers with their guard or lock held; ours and hashbrown have none to hold");
    tell(Finding::Row(row));
    Ok(())
}

/// How bare lines are read, and what that is called.
type Load = (&'static str, fn(&Bare, &[u32]) -> u64);

fn bare_lines<'a, K>(bare: &'a Bare, kinds: &[Load]) -> Vec<Entrant<'a, K>> {
    let entrant =
        |(who, load): &Load| Entrant { who: (*who).to_owned(), hash: "", turn: Turn::Bare(bare, *load) };
    kinds.iter().map(entrant).collect()
}

/// Rounds in which all take a turn at the same keys, in an order drawn anew for each round.
fn race<K: Key>(
    plan: Plan,
    what: &str,
    size: u32,
    order: Order,
    entrants: &[Entrant<'_, K>],
) -> anyhow::Result<Row> {
    let (rounds, turn, warm_up) = (plan.rounds(size), plan.turn(size), plan.warm_up(size));
    let mut chance = chance(plan.seed, 2 + order as u64);
    // One long list of lookups, of which each round takes a piece.
    let pieces = 4;
    let all = choose::numbers(size, warm_up + pieces * turn, order, &mut chance);
    let keys: Vec<K> = choose::keys(&all);
    let mut samples = vec![Vec::with_capacity(rounds); entrants.len()];
    let mut turns: Vec<usize> = (0..entrants.len()).collect();
    for round in 0..rounds {
        turns.shuffle(&mut chance);
        let piece = warm_up + round % pieces * turn..warm_up + (round % pieces + 1) * turn;
        let mut agreed = None;
        for at in &turns {
            let entrant = &entrants[*at];
            std::hint::black_box(entrant.turn.take(&keys[..warm_up], &all[..warm_up]));
            let (each, sum) =
                nanoseconds_each(turn, || entrant.turn.take(&keys[piece.clone()], &all[piece.clone()]));
            samples[*at].push(each);
            if entrant.turn.must_agree() {
                let expected = *agreed.get_or_insert(sum);
                anyhow::ensure!(
                    sum == expected,
                    "{} found other neighbours than the others in {what} at {size} (seed {})",
                    entrant.who,
                    plan.seed
                );
            }
        }
    }
    let mut row = Row::new(what, u64::from(size), format!("{} {}", K::NAME, order.name()), Unit::Nanoseconds);
    row.figures = entrants
        .iter()
        .zip(samples)
        .map(|(entrant, samples)| Figure::new(&entrant.who, entrant.hash, samples))
        .collect();
    Ok(row)
}

/// smoltcp's cache and ours at the number of neighbours that smoltcp's has room for.
///
/// # Errors
/// As [`run`].
pub(super) fn smoltcp<K: Key>(plan: Plan, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let size = contestant::SMOLTCP_ENTRIES;
    let mut contestants = contestant::all::<K>(plan.seed)?;
    contestants.truncate(2);
    contestants.push(contestant::smoltcp());
    contestants.iter_mut().for_each(|contestant| (0..size).for_each(|n| contestant.insert(n)));
    let reads: Vec<Box<dyn Reads<K> + '_>> =
        contestants.iter().map(|contestant| contestant.reads()).collect();
    let row: Vec<Entrant<'_, K>> = contestants
        .iter()
        .zip(&reads)
        .map(|(contestant, reads)| Entrant {
            who: contestant.name().to_owned(),
            hash: contestant.hash(),
            turn: Turn::Hits(&**reads),
        })
        .collect();
    tell(Finding::Row(race(plan, "hit", size, Order::Uniform, &row)?));
    Ok(())
}

/// Held references, in the caches: what a packet costs a flow cache or a FIB that keeps one.
///
/// # Errors
/// When a neighbour cannot be held.
pub(super) fn held_references<K: Key>(plan: Plan, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    for size in [256_u32, 4_096] {
        let mut ours = Ours::<K>::new(plan.seed)?;
        (0..size).for_each(|n| ours.insert(n));
        let order = choose::shuffled(size, &mut chance(plan.seed, 9));
        let reader = ours.engine.reader();
        let held = order
            .iter()
            .map(|n| {
                let hit = reader.lookup(ours.device, K::nth(*n, contestant::IFINDEX).address())?;
                reader.hold(&hit)
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| anyhow::anyhow!("a neighbour just entered could not be held"))?;
        let passes = (1 << 17) / held.len();
        let samples = (0..plan.rounds(size))
            .map(|_| {
                let pass = || {
                    (0..passes).fold(0, |sum, _| sum ^ contestant::sum_of_held(std::hint::black_box(&held)))
                };
                nanoseconds_each(passes * held.len(), pass).0
            })
            .collect();
        let row = Row::new("held reference", u64::from(size), K::NAME, Unit::Nanoseconds);
        tell(Finding::Row(row.with(OURS, "", samples)));
    }
    Ok(())
}
