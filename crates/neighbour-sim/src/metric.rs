//! The numbers of a run, by name: what reports print and plans promise.

use crate::plan::check::Plan;
use crate::world::World;
use crate::world::measure::{EVENTS, Packets, Peaks, state_index};
use neighbour::{DropReason, Engine, Family, NudState};
use std::collections::BTreeMap;

/// A number; infinite if what it counts the time of never happened.
pub(crate) type Metrics = BTreeMap<String, f64>;

const GROUP: [&str; 12] = [
    "sent",
    "delivered",
    "lost",
    "lost_on_wire",
    "stolen",
    "resolution_p50_ms",
    "resolution_p99_ms",
    "resolution_max_ms",
    "unresolved",
    "outage_max_ms",
    "entries_least",
    "entries_end",
];
const FLOW: [&str; 7] =
    ["sent", "delivered", "lost", "lost_on_wire", "latency_p50_ms", "latency_p99_ms", "latency_max_ms"];
const TABLE: [&str; 11] = [
    "entries_peak",
    "entries_end",
    "counted_peak",
    "incomplete_peak",
    "failed_peak",
    "unverified_peak",
    "table_fulls",
    "forced_gc_runs",
    "res_failed",
    "allocs",
    "unresolved_discards",
];
const ENGINE: [&str; 14] = [
    "frames_in",
    "frames_out",
    "asked",
    "timer_calls",
    "queued_packets_peak",
    "memory_peak_kib",
    "overflows",
    "moves_claimed",
    "moved",
    "disbelieved",
    "addresses_end",
    "events_lost",
    "sent",
    "lost",
];
const WORLD: [&str; 6] = [
    "attack.frames",
    "recovery.bound_ms",
    "recovery.max_ms",
    "recovery.judged",
    "recovery.late",
    "broken.rules",
];
const TABLES: [&str; 2] = ["arp", "nd"];
const RESERVED: [&str; 7] = ["arp", "nd", "engine", "drops", "attack", "recovery", "broken"];

/// Does the report use this name itself?
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// The names of all numbers that a run of this plan has.
pub(crate) fn names(plan: &Plan) -> Vec<String> {
    let mut names: Vec<String> = WORLD.map(String::from).to_vec();
    let mut add = |of: &str, what: &[&str]| names.extend(what.iter().map(|what| format!("{of}.{what}")));
    plan.groups.iter().for_each(|g| add(&g.name, &GROUP));
    plan.flows.iter().for_each(|f| add(&f.name, &FLOW));
    TABLES.iter().for_each(|table| add(table, &TABLE));
    add("engine", &ENGINE);
    let reasons: Vec<&str> = DropReason::ALL.iter().map(|r| r.name()).collect();
    add("drops", &reasons);
    names.sort();
    names
}

/// Names that look like this one: those of the same owner, or else of the same last part.
pub(crate) fn nearest<'a>(name: &str, names: &'a [String]) -> Vec<&'a str> {
    let (owner, what) = name.split_once('.').unwrap_or((name, name));
    let of_owner = |n: &&String| n.split_once('.').is_some_and(|(o, _)| o == owner);
    let of_kind = |n: &&String| n.split_once('.').is_some_and(|(_, w)| w == what || w.contains(what));
    let mut near: Vec<&str> = names.iter().filter(of_owner).map(String::as_str).take(14).collect();
    if near.is_empty() {
        near = names.iter().filter(of_kind).map(String::as_str).take(14).collect();
    }
    if near.is_empty() {
        near = names.iter().filter(|n| !n.starts_with("drops.")).map(String::as_str).take(14).collect();
    }
    near
}

/// All numbers of a world that has run.
pub(crate) fn of(world: &World<'_>) -> Metrics {
    let mut all = Metrics::new();
    let plan = world.plan();
    let measure = world.measured();
    let mut put = |of: &str, what: &str, value: f64| _ = all.insert(format!("{of}.{what}"), value);
    for (index, group) in plan.groups.iter().enumerate() {
        packets(&measure.groups[index], |what, n| put(&group.name, what, n));
        let seen = world.seen(index);
        put(&group.name, "stolen", measure.groups[index].stolen as f64);
        for (what, share) in
            [("resolution_p50_ms", 0.5), ("resolution_p99_ms", 0.99), ("resolution_max_ms", 1.0)]
        {
            put(&group.name, what, quantile(&seen.resolutions, share));
        }
        put(&group.name, "unresolved", seen.unresolved as f64);
        put(&group.name, "outage_max_ms", seen.outage as f64 / 1e3);
        put(&group.name, "entries_least", f64::from(measure.entries_least[index].unwrap_or(0)));
        put(&group.name, "entries_end", f64::from(measure.entries_end[index]));
    }
    for (index, flow) in plan.flows.iter().enumerate() {
        packets(&measure.flows[index], |what, n| put(&flow.name, what, n));
        let mut times: Vec<f64> = measure.latencies[index].iter().map(|us| f64::from(*us) / 1e3).collect();
        times.sort_by(f64::total_cmp);
        for (what, share) in [("latency_p50_ms", 0.5), ("latency_p99_ms", 0.99), ("latency_max_ms", 1.0)] {
            put(&flow.name, what, quantile(&times, share));
        }
    }
    let engine = world.engine();
    let of_engine = &measure.groups[plan.groups.len()];
    put("engine", "frames_in", measure.frames_in as f64);
    put("engine", "frames_out", measure.frames_out as f64);
    put("engine", "asked", measure.asked as f64);
    put("engine", "timer_calls", measure.timer_calls as f64);
    put("engine", "events_lost", world.events_lost() as f64);
    put("engine", "sent", of_engine.sent as f64);
    put("engine", "lost", of_engine.lost() as f64);
    let (longest, late) = world.recovery();
    put("attack", "frames", measure.attack_frames as f64);
    put("recovery", "bound_ms", world.recovery_bound() as f64 / 1e3);
    put("recovery", "max_ms", longest as f64 / 1e3);
    let judged = world.recovery_unjudged().is_none();
    put("recovery", "judged", f64::from(judged));
    put("recovery", "late", if judged { late as f64 } else { 0.0 });
    put("broken", "rules", world.broken_rules().len() as f64);
    of_engine_alone(&mut all, engine, &measure.peaks, &measure.events);
    all
}

/// What can be said of an engine whatever drives it.
pub(crate) fn of_engine_alone(
    all: &mut Metrics,
    engine: &Engine,
    peaks: &Peaks,
    events: &[u64; EVENTS.len()],
) {
    let mut put = |of: &str, what: &str, value: f64| _ = all.insert(format!("{of}.{what}"), value);
    for family in Family::BOTH {
        let (f, name) = (family as usize, TABLES[family as usize]);
        let stats = engine.stats(family);
        let peak = |state: NudState| f64::from(peaks.states[f][state_index(state)]);
        put(name, "entries_peak", peaks.entries[f] as f64);
        put(name, "entries_end", stats.entries as f64);
        put(name, "counted_peak", f64::from(peaks.counted[f]));
        put(name, "incomplete_peak", peak(NudState::INCOMPLETE));
        put(name, "failed_peak", peak(NudState::FAILED));
        put(name, "unverified_peak", f64::from(peaks.unverified[f]));
        put(name, "table_fulls", stats.table_fulls as f64);
        put(name, "forced_gc_runs", stats.forced_gc_runs as f64);
        put(name, "res_failed", stats.res_failed as f64);
        put(name, "allocs", stats.allocs as f64);
        put(name, "unresolved_discards", stats.unresolved_discards as f64);
    }
    put("engine", "queued_packets_peak", peaks.queued as f64);
    put("engine", "memory_peak_kib", (peaks.memory as f64 / 1024.0).ceil());
    let event = |name: &str| EVENTS.iter().position(|e| *e == name).map_or(0.0, |place| events[place] as f64);
    put("engine", "overflows", event("table_overflow"));
    put("engine", "moves_claimed", event("move_claimed"));
    put("engine", "moved", event("moved"));
    put("engine", "disbelieved", event("claim_disbelieved"));
    let addresses: usize = engine.device_ids().map(|d| engine.addresses(d).count()).sum();
    put("engine", "addresses_end", addresses as f64);
    for reason in DropReason::ALL {
        let count = engine.drops().find(|(r, _)| r == reason).map_or(0, |(_, n)| n);
        put("drops", reason.name(), count as f64);
    }
}

fn packets(packets: &Packets, mut put: impl FnMut(&str, f64)) {
    put("sent", packets.sent as f64);
    put("delivered", packets.delivered as f64);
    put("lost", packets.lost() as f64);
    put("lost_on_wire", packets.lost_on_wire as f64);
}

/// The smallest value that so many do not exceed; 0 of nothing. The values are sorted.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_was_seen() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!([0.5, 0.99, 1.0].map(|share| quantile(&values, share)), [50.0, 99.0, 100.0]);
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(quantile(&[7.0], 0.01), 7.0);
    }
}
