//! A report for people at a terminal.

use super::{Report, Run, Verdict};
use crate::metric::quantile;
use std::fmt;

/// Numbers that differ are told up to so many.
const DIFFERENCES: usize = 24;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  ({} s, seed {})", self.plan, self.duration_s, self.seed)?;
        for run in &self.runs {
            writeln!(f)?;
            write_run(f, run)?;
        }
        if let [first, .., last] = self.runs.as_slice() {
            let telling = |name: &str| !name.starts_with("drops.") && !name.ends_with("timer_calls");
            let rows: Vec<_> = self.difference.iter().filter(|(name, _)| telling(name)).collect();
            writeln!(f, "\n{:<40} {:>14} {:>14}", "what differs", first.profile.name(), last.profile.name())?;
            for (name, d) in rows.iter().take(DIFFERENCES) {
                writeln!(f, "  {name:<38} {:>14} {:>14}", value(d.first), value(d.last))?;
            }
            if rows.len() > DIFFERENCES {
                writeln!(f, "  and {} more, see --json", rows.len() - DIFFERENCES)?;
            }
        }
        Ok(())
    }
}

fn write_run(f: &mut fmt::Formatter<'_>, run: &Run) -> fmt::Result {
    writeln!(f, "profile {}", run.profile)?;
    let get = |name: &str| run.metrics.get(name).copied().unwrap_or(0.0);
    for (table, thresholds) in ["arp", "nd"].iter().zip(run.thresholds) {
        let of = |what: &str| get(&format!("{table}.{what}"));
        if of("allocs") > 0.0 {
            let [_, _, most] = thresholds;
            writeln!(
                f,
                "  {table:<4} entries {} at most (gc_thresh3 {most}), refused {}, forced collections {}, failed {}",
                value(of("entries_peak")),
                value(of("table_fulls")),
                value(of("forced_gc_runs")),
                value(of("res_failed")),
            )?;
        }
    }
    for (group, times) in &run.resolutions {
        let of = |what: &str| get(&format!("{group}.{what}"));
        if of("sent") == 0.0 && times.is_empty() {
            continue;
        }
        write!(f, "  {group:<14} {} of {} packets lost", value(of("lost")), value(of("sent")))?;
        if !times.is_empty() {
            let never = times.iter().filter(|ms| ms.is_infinite()).count();
            let found = &times[..times.len() - never];
            write!(f, "; {} of {} sought were reached", found.len(), times.len())?;
            if !found.is_empty() {
                let within = |share| value(quantile(found, share));
                write!(f, ", half of these in {} ms, 99 % in {} ms", within(0.5), within(0.99))?;
            }
        }
        if let Some(why) = run.lost_why.get(group) {
            let why: Vec<String> = why.iter().map(|(why, n)| format!("{why} {n}")).collect();
            write!(f, " ({})", why.join(", "))?;
        }
        writeln!(f)?;
    }
    if run.recovery_unjudged.is_none() {
        let (took, bound) = (value(get("recovery.max_ms")), value(get("recovery.bound_ms")));
        match value(get("recovery.late")).as_str() {
            "0" => writeln!(f, "  after the storm all were reached in {took} ms; bound {bound} ms")?,
            late => writeln!(f, "  after the storm {late} were not reached within {bound} ms")?,
        }
    } else if let Some(why) = run.recovery_unjudged.filter(|_| get("recovery.bound_ms") > 0.0) {
        writeln!(f, "  whether all are reached again after the storm is not judged: {why}")?;
    }
    for broken in &run.broken {
        writeln!(f, "  BROKEN: {broken}")?;
    }
    for verdict in &run.expectations {
        write_verdict(f, verdict)?;
    }
    Ok(())
}

fn write_verdict(f: &mut fmt::Formatter<'_>, v: &Verdict) -> fmt::Result {
    let word = match (v.met, v.pending) {
        (true, false) => "met",
        (false, false) => "NOT MET",
        (true, true) => "met (pending)",
        (false, true) => "not yet",
    };
    write!(f, "  {word}: {} = {}", v.metric, value(v.was))?;
    if let Some(most) = v.at_most {
        write!(f, ", at most {}", value(most))?;
    }
    if let Some(least) = v.at_least {
        write!(f, ", at least {}", value(least))?;
    }
    if !v.why.is_empty() {
        write!(f, " ({})", v.why)?;
    }
    writeln!(f)
}

/// A number without needless digits.
pub(crate) fn value(value: f64) -> String {
    match value {
        v if v.is_infinite() => "never".into(),
        v if v.fract() == 0.0 => format!("{v:.0}"),
        v if v < 10.0 => format!("{v:.2}"),
        v => format!("{v:.1}"),
    }
}
