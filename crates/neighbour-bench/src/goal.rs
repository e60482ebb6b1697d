//! The goals: what each row has to reach, in one table, and whether it did.

use crate::bare::BARE_32;
use crate::beside::LINUX;
use crate::contestant::{FLOOR, OURS};
use crate::figure::{Row, Unit};
use serde::Serialize;

/// What is compared with what.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Rule {
    /// Ours is at most this.
    AtMost(f64),
    /// Ours is at least this.
    AtLeast(f64),
    /// Ours is at most so many times somebody's.
    TimesAtMost(f64, &'static str),
    /// Ours is at least so many times somebody's.
    TimesAtLeast(f64, &'static str),
    /// Each of these needs at least so many times ours.
    Ahead(f64),
}

/// One goal.
#[derive(Clone, Copy, Debug)]
struct Goal {
    /// The row's name.
    what: &'static str,
    /// Its size; `None` for all.
    size: Option<u64>,
    rule: Rule,
}

const fn goal(what: &'static str, size: u64, rule: Rule) -> Goal {
    Goal { what, size: if size == 0 { None } else { Some(size) }, rule }
}

const K4: u64 = 4_096;
const K64: u64 = 65_536;
const M1: u64 = 1 << 20;
const M10: u64 = 10_000_000;

/// The peers whose single lookup ours has to be ahead of.
const CONCURRENT: [&str; 5] = ["papaya", "scc::HashIndex", "dashmap", "flurry", "RwLock<hashbrown>"];

/// All goals.
const GOALS: &[Goal] = &[
    goal("hit", K4, Rule::TimesAtMost(1.8, FLOOR)),
    goal("hit", K64, Rule::TimesAtMost(1.25, FLOOR)),
    goal("hit", M1, Rule::TimesAtMost(1.0, FLOOR)),
    goal("hit", M10, Rule::TimesAtMost(1.0, FLOOR)),
    goal("hit", K4, Rule::Ahead(1.8)),
    goal("hit", K64, Rule::Ahead(1.5)),
    goal("hit", M1, Rule::Ahead(1.5)),
    goal("hit", M10, Rule::Ahead(1.5)),
    // Two lines each: one of the index, one of the entry.
    goal("batch of 32", M1, Rule::TimesAtMost(3.0, BARE_32)),
    goal("batch of 32", M10, Rule::TimesAtMost(3.0, BARE_32)),
    goal("held reference", 0, Rule::AtMost(3.0)),
    goal("reader beside a writer", 0, Rule::AtLeast(0.95)),
    goal("two readers, no writer", 0, Rule::AtLeast(1.9)),
    goal("false misses beside a writer", 0, Rule::AtMost(0.0)),
    goal("insert with growth, mean", 0, Rule::TimesAtMost(2.0, FLOOR)),
    goal("insert with growth, 99.99th percentile", M10, Rule::AtMost(20.0)),
    goal("timer, arm", 0, Rule::AtMost(10.0)),
    goal("timer, move", 0, Rule::AtMost(25.0)),
    goal("timer, cancel", 0, Rule::AtMost(15.0)),
    // A tick's slice is Linux's for a collection: a millisecond. At rest, a microsecond is nothing.
    goal("longest handle_timeout, all expire together", 0, Rule::AtMost(1_000.0)),
    goal("a second at rest", 0, Rule::AtMost(1.0)),
    goal("forced collection in vain, for each entry looked at", 0, Rule::AtMost(200.0)),
    goal("forced collection, for each entry taken", 0, Rule::AtMost(200.0)),
    goal("engine, ARP requests answered", 0, Rule::AtLeast(5e6)),
    goal("engine, neighbour solicitations answered", 0, Rule::AtLeast(3e6)),
    goal("veth, ARP requests answered", 0, Rule::TimesAtLeast(1.0, LINUX)),
    goal("veth, neighbour solicitations answered", 0, Rule::TimesAtLeast(1.0, LINUX)),
    goal("burst of unknown destinations", 0, Rule::TimesAtMost(1.0, LINUX)),
    goal("dump over the socket", 0, Rule::TimesAtLeast(1.0, LINUX)),
    goal("memory at rest", M1, Rule::AtMost(128.0)),
    goal("memory at the worst point of growth", M1, Rule::AtMost(160.0)),
];

/// How a row did against a goal.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The row's name.
    pub what: String,
    /// Its size.
    pub size: u64,
    /// Its keys.
    pub keys: String,
    /// Ours.
    pub ours: f64,
    /// In which unit.
    pub unit: Unit,
    /// Whom ours is compared with; empty for a fixed limit.
    pub against: String,
    /// Theirs.
    pub theirs: Option<f64>,
    /// What is compared with the limit: ours, or a ratio taken within each round.
    pub value: f64,
    /// First and third quartile of ours.
    pub quartiles: (f64, f64),
    /// The goal in words.
    pub goal: String,
    /// Whether it is met.
    pub met: bool,
}

/// Judges a row by all goals that name it.
pub(crate) fn judge(row: &Row) -> Vec<Verdict> {
    let named = |goal: &&Goal| goal.what == row.what && goal.size.is_none_or(|size| size == row.size);
    GOALS.iter().filter(named).filter_map(|goal| verdict(goal, row)).collect()
}

fn verdict(goal: &Goal, row: &Row) -> Option<Verdict> {
    let ours = row.figure(OURS)?;
    let symbol = row.unit.symbol();
    let (against, value, met, text) = match goal.rule {
        Rule::AtMost(limit) => {
            (None, ours.median(), ours.median() <= limit, format!("at most {limit} {symbol}"))
        }
        Rule::AtLeast(limit) => {
            (None, ours.median(), ours.median() >= limit, format!("at least {limit} {symbol}"))
        }
        Rule::TimesAtMost(limit, who) => {
            let theirs = row.figure(who)?;
            let ratio = ours.ratio_to(theirs);
            (Some(theirs), ratio, ratio <= limit, format!("at most {limit} × {who}"))
        }
        Rule::TimesAtLeast(limit, who) => {
            let theirs = row.figure(who)?;
            let ratio = ours.ratio_to(theirs);
            (Some(theirs), ratio, ratio >= limit, format!("at least {limit} × {who}"))
        }
        Rule::Ahead(limit) => {
            let (ratio, nearest) = CONCURRENT
                .iter()
                .filter_map(|who| row.figure(who))
                .map(|theirs| (theirs.ratio_to(ours), theirs))
                .min_by(|a, b| a.0.total_cmp(&b.0))?;
            (Some(nearest), ratio, ratio >= limit, format!("{limit} × ahead of every concurrent peer"))
        }
    };
    Some(Verdict {
        what: row.what.clone(),
        size: row.size,
        keys: row.keys.clone(),
        ours: ours.median(),
        unit: row.unit,
        against: against.map_or_else(String::new, |figure| figure.who.clone()),
        theirs: against.map(crate::figure::Figure::median),
        value,
        quartiles: ours.quartiles(),
        goal: text,
        met,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(ours: f64, floor: f64, papaya: f64, scc: f64) -> Row {
        Row::new("hit", K64, "IPv6 uniform", Unit::Nanoseconds)
            .with(OURS, "", vec![ours])
            .with(FLOOR, "", vec![floor])
            .with("papaya", "", vec![papaya])
            .with("scc::HashIndex", "", vec![scc])
    }

    #[test]
    fn a_row_is_judged_by_the_goals_of_its_size() {
        let verdicts = judge(&hit(10.0, 8.0, 30.0, 14.0));
        let met: Vec<(&str, bool)> = verdicts.iter().map(|v| (v.against.as_str(), v.met)).collect();
        // 1.25 × hashbrown is met to the hair; scc is the nearest peer, and only 1.4 × behind.
        assert_eq!(met, [(FLOOR, true), ("scc::HashIndex", false)]);
    }

    #[test]
    fn a_row_without_a_goal_has_no_verdict() {
        let row = Row { size: 256, ..hit(1.0, 1.0, 1.0, 1.0) };
        assert!(judge(&row).is_empty());
    }
}
