//! Counts.

use crate::oracle::by_choice::Rules;
use crate::oracle::compare::Difference;
use crate::oracle::row::Row;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What became of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// As recorded.
    Passed,
    /// It differs.
    Failed,
    /// It differs as a rule says it should.
    ByChoice,
}

/// Rows counted by what became of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// As recorded.
    pub passed: usize,
    /// They differ.
    pub failed: usize,
    /// They differ as a rule says.
    pub by_choice: usize,
}

/// The counts of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By group.
    pub groups: BTreeMap<String, Counts>,
    /// Ids of the rows that failed.
    pub failures: Vec<String>,
    /// Rows that each rule of choice was used for.
    rules: BTreeMap<String, usize>,
}

impl Report {
    pub(crate) fn count(&mut self, row: &Row, verdict: Verdict) {
        let counts = self.groups.entry(row.group.clone()).or_default();
        match verdict {
            Verdict::Passed => counts.passed += 1,
            Verdict::Failed => {
                counts.failed += 1;
                self.failures.push(row.id.clone());
            }
            Verdict::ByChoice => counts.by_choice += 1,
        }
    }

    pub(crate) fn rules_used(&mut self, rules: &Rules, row: &Row, differences: &[Difference]) {
        let mut ids: Vec<_> =
            differences.iter().flat_map(|d| rules.covering(row, d)).map(|r| &r.id).collect();
        ids.sort();
        ids.dedup();
        ids.into_iter().for_each(|id| *self.rules.entry(id.clone()).or_default() += 1);
    }

    /// All groups together.
    pub fn total(&self) -> Counts {
        self.groups.values().fold(Counts::default(), |all, some| Counts {
            passed: all.passed + some.passed,
            failed: all.failed + some.failed,
            by_choice: all.by_choice + some.by_choice,
        })
    }

    /// Rows that failed.
    pub fn failed(&self) -> usize {
        self.total().failed
    }

    /// `N passed, N failed, N by choice`.
    pub fn summary(&self) -> String {
        let Counts { passed, failed, by_choice } = self.total();
        format!("{passed} passed, {failed} failed, {by_choice} by choice")
    }

    /// A line for each group.
    pub fn by_group(&self) -> String {
        self.groups.iter().fold(String::new(), |mut text, (group, counts)| {
            let Counts { passed, failed, by_choice } = counts;
            let _ = writeln!(
                text,
                "{group:<26} {passed:>4} passed, {failed:>4} failed, {by_choice:>4} by choice"
            );
            text
        })
    }

    /// A line for each rule that was used.
    pub fn by_rule(&self) -> String {
        self.rules.iter().fold(String::new(), |mut text, (rule, rows)| {
            let _ = writeln!(text, "rule {rule}: {rows} rows");
            text
        })
    }
}
