//! The report: tables for people, one JSON object for machines.

use crate::contestant::OURS;
use crate::figure::{Finding, Row, Unit};
use crate::goal::{Verdict, judge};
use crate::machine::Machine;
use crate::plan::Plan;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// Everything that came of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// On what.
    pub machine: Machine,
    /// How much, and the seed.
    pub plan: Plan,
    /// What was measured.
    pub rows: Vec<Row>,
    /// What could not be, and why.
    pub skipped: Vec<(String, String)>,
    /// What did not work.
    pub failed: Vec<(String, String)>,
    /// Against the goals.
    pub verdicts: Vec<Verdict>,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// An empty one.
    pub fn new(machine: Machine, plan: Plan) -> Self {
        let (rows, skipped, failed, verdicts) = Default::default();
        Self { machine, plan, rows, skipped, failed, verdicts, seconds: 0.0 }
    }

    /// Takes a finding in.
    pub fn take(&mut self, finding: Finding) {
        match finding {
            Finding::Row(row) => {
                self.verdicts.extend(judge(&row));
                self.rows.push(row);
            }
            Finding::Skipped { what, why } => self.skipped.push((what, why)),
        }
    }

    /// Notes that a part failed.
    pub fn fail(&mut self, part: String, why: String) {
        self.failed.push((part, why));
    }

    /// Notes how long it took.
    pub fn finish(&mut self, took: Duration) {
        self.seconds = took.as_secs_f64();
    }

    /// For machines.
    ///
    /// # Errors
    /// Never in practice: all of it can be written as JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table
}

/// The first columns to the left, figures to the right.
fn align(table: &mut Table, left: usize) {
    for (n, column) in table.column_iter_mut().enumerate() {
        column.set_cell_alignment(if n < left { CellAlignment::Left } else { CellAlignment::Right });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = &self.machine;
        writeln!(
            f,
            "{}; {}; {} MiB; Linux {}",
            machine.processor, machine.caches, machine.memory, machine.kernel
        )?;
        writeln!(f, "Pages: {}.", machine.pages)?;
        writeln!(
            f,
            "Built: {}. Threads {}pinned. Load at the start: {}.",
            machine.build,
            if machine.pinned { "" } else { "not " },
            machine.load
        )?;
        let kind = if self.plan.quick { "quick" } else { "full" };
        writeln!(f, "Seed {}, {kind}, {:.0} s.", self.plan.seed, self.seconds)?;
        writeln!(
            f,
            "Medians of interleaved rounds, the thread's processor time; in brackets the best round.\n"
        )?;
        self.write_rows(f)?;
        self.write_hashes(f)?;
        self.write_verdicts(f)?;
        for (what, why) in &self.skipped {
            writeln!(f, "Not measured: {what}: {why}.")?;
        }
        for (what, why) in &self.failed {
            writeln!(f, "FAILED: {what}: {why}.")?;
        }
        Ok(())
    }
}

impl Report {
    fn write_rows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !kinds.contains(&row.what.as_str()) {
                kinds.push(&row.what);
            }
        }
        for kind in kinds {
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.what == kind).collect();
            let mut who: Vec<&str> = Vec::new();
            for figure in rows.iter().flat_map(|row| &row.figures) {
                if !who.contains(&figure.who.as_str()) {
                    who.push(&figure.who);
                }
            }
            writeln!(f, "{kind} ({})", rows.first().map_or("", |row| row.unit.symbol()))?;
            let mut table = plain();
            table.set_header(
                ["entries", "keys"].into_iter().chain(who.iter().copied()).chain(["spread of ours"]),
            );
            for row in &rows {
                let mut cells = vec![amount(row.size), row.keys.clone()];
                cells.extend(who.iter().map(|who| cell(row, who)));
                cells.push(row.figure(OURS).map_or_else(String::new, |figure| {
                    let (low, high) = figure.quartiles();
                    format!("{} .. {}", number(low), number(high))
                }));
                table.add_row(cells);
            }
            align(&mut table, 2);
            writeln!(f, "{table}")?;
            let notes: BTreeSet<&String> = rows.iter().flat_map(|row| &row.notes).collect();
            notes.iter().try_for_each(|note| writeln!(f, "  {note}"))?;
            writeln!(f)?;
        }
        Ok(())
    }

    fn write_hashes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = self.rows.iter().flat_map(|row| &row.figures).filter(|figure| !figure.hash.is_empty());
        let hashes: BTreeMap<&str, &str> =
            figures.map(|figure| (figure.who.as_str(), figure.hash.as_str())).collect();
        let lines: Vec<String> = hashes.iter().map(|(who, hash)| format!("{who}: {hash}")).collect();
        if lines.is_empty() { Ok(()) } else { writeln!(f, "Hashes: {}.\n", lines.join("; ")) }
    }

    fn write_verdicts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.verdicts.is_empty() {
            return Ok(());
        }
        let mut table = plain();
        table.set_header([
            "what", "entries", "keys", "goal", "against", "ours", "theirs", "value", "spread", "met",
        ]);
        for verdict in &self.verdicts {
            let value =
                if verdict.against.is_empty() { String::new() } else { format!("{:.2} ×", verdict.value) };
            let (low, high) = verdict.quartiles;
            table.add_row([
                verdict.what.clone(),
                amount(verdict.size),
                verdict.keys.clone(),
                verdict.goal.clone(),
                verdict.against.clone(),
                measured(verdict.ours, verdict.unit),
                verdict.theirs.map_or_else(String::new, |theirs| measured(theirs, verdict.unit)),
                value,
                format!("{} .. {}", number(low), number(high)),
                if verdict.met { "yes" } else { "NO" }.to_owned(),
            ]);
        }
        align(&mut table, 5);
        let met = self.verdicts.iter().filter(|verdict| verdict.met).count();
        writeln!(f, "Goals: {met} of {} met\n{table}\n", self.verdicts.len())
    }
}

fn cell(row: &Row, who: &str) -> String {
    let Some(figure) = row.figure(who) else { return String::new() };
    if figure.samples.len() < 2 {
        return number(figure.median());
    }
    format!("{} ({})", number(figure.median()), number(figure.best(row.unit)))
}

fn measured(value: f64, unit: Unit) -> String {
    format!("{} {}", number(value), unit.symbol()).trim_end().to_owned()
}

/// Three digits that mean something.
fn number(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        100.0..10_000.0 => format!("{value:.0}"),
        10_000.0..1e6 => format!("{:.0} k", value / 1e3),
        _ => format!("{:.2} M", value / 1e6),
    }
}

/// A number of entries.
fn amount(size: u64) -> String {
    match size {
        0 => String::new(),
        1_048_576 => "1 M".into(),
        10_000_000 => "10 M".into(),
        65_536 => "64 k".into(),
        4_096 => "4 k".into(),
        _ => size.to_string(),
    }
}
