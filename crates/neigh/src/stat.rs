//! `neigh stat`: the counters of the daemon's two tables, and why packets were dropped.

use crate::context::{Context, request_failed};
use crate::words::{Words, begins, wrong};
use neighbour::{Family, Occupancy, Stats};
use neighbour_ctl::{Statistics, TableCounters};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The head of /proc/net/stat/arp_cache and ndisc_cache.
const HEADER: &str = "entries  allocs   destroys hash_grows lookups  hits     res_failed rcv_probes_mcast \
                      rcv_probes_ucast periodic_gc_runs forced_gc_runs unresolved_discards table_fulls\n";
/// How wide each column is there; numbers are padded to it, with a blank between.
const WIDTHS: [usize; 13] = [8, 8, 8, 10, 8, 8, 10, 16, 16, 16, 14, 19, 8];

/// Runs `neigh stat [arp_cache|ndisc_cache]`.
pub(crate) fn run(context: &mut Context, mut words: Words<'_>, proc: bool) -> anyhow::Result<()> {
    let mut family = context.options.family()?;
    if let Some(word) = words.next() {
        family = match word {
            _ if begins(word, "arp_cache") => Some(Family::Inet),
            _ if begins(word, "ndisc_cache") => Some(Family::Inet6),
            _ => return Err(wrong(word, "the tables are arp_cache and ndisc_cache").into()),
        };
    }
    if let Some(word) = words.next() {
        return Err(wrong(word, "one table is all that can be asked for").into());
    }
    let mut all = context.table()?.statistics().map_err(request_failed)?;
    if proc {
        let wanted = family.unwrap_or(Family::Inet);
        let table = all.tables.iter().find(|table| table.family == wanted);
        let text = format!("{HEADER}{}", table.map(|table| row(&table.stats)).unwrap_or_default());
        return Ok(context.write(text.as_bytes())?);
    }
    all.tables.retain(|table| family.is_none_or(|family| table.family == family));
    let text = match (context.options.json, context.options.pretty) {
        (false, _) => readable(&all),
        (true, false) => format!("{}\n", as_json(&all)),
        (true, true) => format!("{:#}\n", as_json(&all)),
    };
    Ok(context.write(text.as_bytes())?)
}

/// The names of the counters in the kernel's order, with their values.
fn counters(stats: &Stats) -> [(&'static str, u64); 13] {
    [
        ("entries", stats.entries),
        ("allocs", stats.allocs),
        ("destroys", stats.destroys),
        ("hash_grows", stats.hash_grows),
        ("lookups", stats.lookups),
        ("hits", stats.hits),
        ("res_failed", stats.res_failed),
        ("rcv_probes_mcast", stats.rcv_probes_mcast),
        ("rcv_probes_ucast", stats.rcv_probes_ucast),
        ("periodic_gc_runs", stats.periodic_gc_runs),
        ("forced_gc_runs", stats.forced_gc_runs),
        ("unresolved_discards", stats.unresolved_discards),
        ("table_fulls", stats.table_fulls),
    ]
}

/// The entries that nobody has verified, by class, and what was asked for without one.
fn classes(occupancy: &Occupancy) -> [(&'static str, u64); 6] {
    [
        ("pending", occupancy.pending.into()),
        ("failed", occupancy.failed.into()),
        ("fixed", occupancy.fixed.into()),
        ("heard", occupancy.heard.into()),
        ("asked_without_entry", occupancy.asked),
        ("left_unasked", occupancy.hushed),
    ]
}

/// The one row: this engine has no counters for each processor.
fn row(stats: &Stats) -> String {
    let columns = counters(stats).into_iter().zip(WIDTHS);
    let columns: Vec<String> =
        columns.map(|((_, n), width)| format!("{:<width$}", format!("{n:08x}"))).collect();
    format!("{}\n", columns.join(" ").trim_end())
}

fn table_name(family: Family) -> &'static str {
    match family {
        Family::Inet => "arp_cache",
        Family::Inet6 => "ndisc_cache",
    }
}

fn readable(all: &Statistics) -> String {
    let mut text = String::new();
    let mut line = |name: &str, cells: Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>16}")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<24}{}", cells.concat());
    };
    let each = |cell: &dyn Fn(&TableCounters) -> String| all.tables.iter().map(cell).collect::<Vec<_>>();
    line("", each(&|table| table_name(table.family).into()));
    for (index, (name, _)) in counters(&Stats::default()).into_iter().enumerate() {
        let value = |table: &TableCounters| counters(&table.stats).get(index).map_or(0, |(_, value)| *value);
        line(name, each(&|table| value(table).to_string()));
    }
    line("subject to collection", each(&|table| table.gc_entries.to_string()));
    let thresholds =
        |table: &TableCounters| table.thresholds.map(|threshold| threshold.to_string()).join("/");
    line("thresholds", each(&thresholds));
    if all.tables.iter().any(|table| table.occupancy.is_some()) {
        line("", Vec::new());
        line("never verified", Vec::new());
        for (index, (name, _)) in classes(&Occupancy::default()).into_iter().enumerate() {
            let count = |table: &TableCounters| {
                table
                    .occupancy
                    .map_or_else(|| "-".into(), |occupancy| classes(&occupancy)[index].1.to_string())
            };
            line(&format!("  {}", name.replace('_', " ")), each(&count));
        }
    }
    line("", Vec::new());
    line("dropped since", vec!["packets".into()]);
    let dropped: Vec<_> = all.drops.iter().filter(|(_, count)| *count > 0).collect();
    for (reason, count) in &dropped {
        line(&format!("  {reason}"), vec![count.to_string()]);
    }
    if dropped.is_empty() {
        line("  nothing", vec!["0".into()]);
    }
    if all.link_lost > 0 {
        line("lost by full rings", vec![all.link_lost.to_string()]);
    }
    if all.reader_refused > 0 {
        line("refused by readers", vec![all.reader_refused.to_string()]);
    }
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn as_json(all: &Statistics) -> Value {
    let table = |table: &TableCounters| {
        let mut object = Map::new();
        object.insert("table".into(), table_name(table.family).into());
        object.extend(counters(&table.stats).map(|(name, value)| (name.to_owned(), value.into())));
        object.insert("gc_entries".into(), table.gc_entries.into());
        object.insert("thresholds".into(), json!(table.thresholds));
        if let Some(occupancy) = &table.occupancy {
            let classes = classes(occupancy).into_iter().map(|(name, count)| (name.to_owned(), count.into()));
            object.insert("never_verified".into(), Value::Object(classes.collect()));
        }
        Value::Object(object)
    };
    let drops: Map<String, Value> = all.drops.iter().map(|(name, n)| (name.clone(), (*n).into())).collect();
    let tables: Vec<Value> = all.tables.iter().map(table).collect();
    json!({ "tables": tables, "drops": drops, "reader_refused": all.reader_refused, "link_lost": all.link_lost })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_fixed_in_the_text_and_in_the_object_and_has_not_failed() {
        let occupancy = Occupancy { counted: 1, fixed: 1, ..Occupancy::default() };
        let all = Statistics {
            tables: vec![TableCounters {
                family: Family::Inet6,
                stats: Stats::default(),
                gc_entries: 1,
                thresholds: [128, 512, 1024],
                occupancy: Some(occupancy),
            }],
            ..Statistics::default()
        };
        let text = readable(&all);
        let counts = text.lines().skip_while(|line| *line != "never verified").skip(1).take(4);
        let counts: Vec<_> = counts.map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
        assert_eq!(counts, [["pending", "0"], ["failed", "0"], ["fixed", "1"], ["heard", "0"]]);
        let object = &as_json(&all)["tables"][0]["never_verified"];
        assert_eq!((&object["failed"], &object["fixed"]), (&json!(0), &json!(1)));
    }

    /// What a kernel's /proc/net/stat/arp_cache said.
    #[test]
    fn the_row_is_the_kernels_prc_2() {
        let expected = "00000007 000186f9 0001895b 0000000c   00018870 00000096 00000013   00000000         \
                        00000000         00000089         00000001       0000006c            00000000\n";
        let stats = Stats {
            entries: 7,
            allocs: 0x186f9,
            destroys: 0x1895b,
            hash_grows: 0xc,
            lookups: 0x18870,
            hits: 0x96,
            res_failed: 0x13,
            periodic_gc_runs: 0x89,
            forced_gc_runs: 1,
            unresolved_discards: 0x6c,
            ..Stats::default()
        };
        assert_eq!(row(&stats), expected);
        let golden = include_str!("../../../testdata/golden/proc_net_stat_arp_cache.txt");
        assert_eq!(
            golden.lines().take(2).map(|l| format!("{l}\n")).collect::<String>(),
            format!("{HEADER}{expected}")
        );
    }
}
