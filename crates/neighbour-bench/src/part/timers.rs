//! Timers: the wheel alone with a million armed, and the engine around it.

use crate::choose::{self, chance};
use crate::clock::{nanoseconds_each, thread_time};
use crate::contestant::{OURS, Ours, drain};
use crate::figure::{Finding, Row, Unit};
use crate::key::Key;
use crate::plan::Plan;
use neighbour::bench::Timers;
use neighbour::{Family, NudState};
use std::time::Duration;

/// Armed timers.
const ARMED: u32 = 1 << 20;
/// The latest deadline, in ticks: ten minutes of 4 ms.
const SPAN: u32 = 150_000;

/// Arming, moving, putting off and cancelling, at random among a million.
///
/// # Errors
/// When there is no memory for the wheel.
pub(super) fn wheel(plan: Plan, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let rounds = if plan.quick { 5 } else { 15 };
    let mut chance = chance(plan.seed, 40);
    let order = choose::shuffled(ARMED, &mut chance);
    let first = choose::numbers(SPAN, ARMED as usize, choose::Order::Uniform, &mut chance);
    let second = choose::numbers(SPAN, ARMED as usize, choose::Order::Uniform, &mut chance);
    let (mut arm, mut moved, mut put_off, mut cancel) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut timers = Timers::new(ARMED)?;
        // Entries are armed as they come, that is in the order of their slots; later in any order.
        let all = || (0..ARMED).zip(&first);
        arm.push(nanoseconds_each(ARMED as usize, || all().for_each(|(id, at)| timers.arm(id, at + 1))).0);
        let all = || order.iter().zip(&second);
        moved.push(nanoseconds_each(ARMED as usize, || all().for_each(|(id, at)| timers.arm(*id, at + 1))).0);
        // What nearly every move is: a neighbour has been heard again, and its time begins anew.
        let all = || order.iter().zip(&second);
        let later = |at: &u32| at + SPAN / 10;
        put_off.push(
            nanoseconds_each(ARMED as usize, || all().for_each(|(id, at)| timers.arm(*id, later(at)))).0,
        );
        let cancelled = |timers: &mut Timers| order.iter().filter(|id| timers.cancel(**id)).count();
        let (each, count) = nanoseconds_each(ARMED as usize, || cancelled(&mut timers));
        anyhow::ensure!(count == ARMED as usize, "{count} of {ARMED} timers were armed");
        cancel.push(each);
    }
    let rows =
        [("timer, arm", arm), ("timer, move", moved), ("timer, put off", put_off), ("timer, cancel", cancel)];
    for (what, samples) in rows {
        tell(Finding::Row(
            Row::new(what, u64::from(ARMED), "any order", Unit::Nanoseconds).with(OURS, "", samples),
        ));
    }
    Ok(())
}

/// A million entries that expire together, and a table at rest.
///
/// # Errors
/// When the engine refuses an entry.
pub(super) fn engine<K: Key>(plan: Plan, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let mut ours = Ours::<K>::new(plan.seed)?;
    for n in 0..ARMED {
        ours.enter(n, NudState::REACHABLE)?;
    }
    // All were confirmed at one moment, so all stop being REACHABLE in one tick.
    let (mut longest, mut spent, mut calls) = (Duration::ZERO, Duration::ZERO, 0_u32);
    let end = ours.now + Duration::from_secs(60);
    while let Some(due) = ours.engine.poll_timeout().filter(|due| *due <= end) {
        ours.now = ours.now.max(due);
        let start = thread_time();
        ours.engine.handle_timeout(ours.now);
        let took = thread_time().saturating_sub(start);
        (longest, spent, calls) = (longest.max(took), spent + took, calls + 1);
        drain(&mut ours.engine);
        anyhow::ensure!(calls < 100_000_000, "the engine is never done with its timers");
    }
    let size = u64::from(ARMED);
    let keys = K::NAME;
    let each = spent.as_secs_f64() * 1e9 / f64::from(ARMED);
    tell(Finding::Row(
        Row::new("longest handle_timeout, all expire together", size, keys, Unit::Microseconds)
            .with(OURS, "", vec![longest.as_secs_f64() * 1e6])
            .note(format!("{calls} calls in a minute that all entries' REACHABLE ends in")),
    ));
    tell(Finding::Row(Row::new("an expiry, all told", size, keys, Unit::Nanoseconds).with(
        OURS,
        "",
        vec![each],
    )));
    // At rest: nothing is armed any more; what wakes the engine is its own housekeeping.
    let rest = Duration::from_secs(600);
    let (end, start) = (ours.now + rest, thread_time());
    let mut wakes = 0_u32;
    while let Some(due) = ours.engine.poll_timeout().filter(|due| *due <= end && wakes < 10_000_000) {
        ours.now = ours.now.max(due);
        ours.engine.handle_timeout(ours.now);
        drain(&mut ours.engine);
        wakes += 1;
    }
    let share = thread_time().saturating_sub(start).as_secs_f64() * 1e6 / rest.as_secs_f64();
    let left = ours.engine.table_info(K::FAMILY).entries;
    tell(Finding::Row(
        Row::new("a second at rest", size, keys, Unit::Microseconds)
            .with(OURS, "", vec![share])
            .note(format!(
                "{wakes} wakes in ten minutes, periodic collection among them; {left} entries left"
            ))
            .note(format!("gc_thresh1 is above the number of entries: {}", Family::table_name(K::FAMILY))),
    ));
    Ok(())
}
