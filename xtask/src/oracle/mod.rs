//! The oracle: recorded rows of what Linux did, replayed against the engine.
//!
//! Each row says what neighbour there was, what happened (a frame came in, or something local), and
//! what was so afterwards. For each one a world of its own is built ([`world`]), the same thing is
//! done to it ([`replay`]), and what came of it is compared ([`compare`]). Where the engine differs
//! from Linux on purpose, a rule says so ([`by_choice`]). All time is simulated.

pub mod by_choice;
pub mod compare;
pub mod describe;
mod host;
mod local;
mod netlink;
mod prior;
pub mod replay;
pub mod report;
pub mod row;
mod setup;
pub mod world;

use anyhow::{Context as _, Result};
use by_choice::Rules;
use compare::Difference;
use report::{Report, Verdict};
use row::{Meta, Row};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What to replay.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// The rows, one JSON object a line.
    pub file: PathBuf,
    /// Only rows whose id matches this regular expression.
    #[arg(long, value_name = "REGEX")]
    pub only: Option<String>,
    /// Only rows of this group (several may be named; `arp_accept*` means all that begin so).
    #[arg(long = "group", value_name = "NAME")]
    pub groups: Vec<String>,
    /// Only rows with a frame.
    #[arg(long, conflicts_with = "events")]
    pub frames: bool,
    /// Only rows with a local event: a datagram sent, a netlink request, a change of the link.
    #[arg(long)]
    pub events: bool,
    /// The sysctl baseline and what each group sets up [default: meta.json beside FILE, else the
    /// repository's].
    #[arg(long, value_name = "PATH")]
    pub meta: Option<PathBuf>,
    /// The rules by which the engine differs on purpose [default: xtask/oracle/exceptions.toml].
    #[arg(long, value_name = "PATH")]
    pub exceptions: Option<PathBuf>,
    /// With each differing row what was done and what came of it; at the end the counts by group.
    #[arg(long)]
    pub verbose: bool,
}

/// The baseline that is kept in the repository.
const META: &str = include_str!("../../../testdata/oracle/meta.json");

impl Options {
    /// All rows of a file.
    pub fn all_of(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }

    fn load_meta(&self) -> Result<Meta> {
        let beside = self.file.with_file_name("meta.json");
        match &self.meta {
            Some(path) => Meta::read(path),
            None if beside.is_file() => Meta::read(&beside),
            None => Meta::parse(META).context("the repository's testdata/oracle/meta.json"),
        }
    }

    fn load_rules(&self) -> Result<Rules> {
        let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/exceptions.toml");
        Rules::read(&self.exceptions.clone().unwrap_or_else(default))
    }

    fn wants_group(&self, group: &str) -> bool {
        let named = |name: &String| match name.strip_suffix('*') {
            Some(start) => group.starts_with(start),
            None => group == name,
        };
        self.groups.is_empty() || self.groups.iter().any(named)
    }
}

/// Replays what the options ask for and writes each difference, then the counts.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<Report> {
    let only = options.only.as_deref().map(regex::Regex::new).transpose();
    let only = only.context("--only is no regular expression")?;
    let rows = row::read(&options.file)?;
    for name in options.groups.iter().filter(|name| !name.ends_with('*')) {
        let there = rows.iter().any(|row| row.group == *name);
        anyhow::ensure!(there, "--group {name}: no row of {} is in this group", options.file.display());
    }
    let meta = options.load_meta()?;
    let rules = options.load_rules()?;
    let wanted = |row: &&Row| {
        options.wants_group(&row.group)
            && only.as_ref().is_none_or(|only| only.is_match(&row.id))
            && !(options.frames && row.frame_hex.is_none())
            && !(options.events && row.event.is_none())
    };
    let mut report = Report::default();
    for row in rows.iter().filter(wanted) {
        let (verdict, differences, story) = judge(&meta, &rules, row);
        report.count(row, verdict);
        report.rules_used(&rules, row, &differences);
        for difference in &differences {
            let note = if verdict == Verdict::ByChoice { " (by choice)" } else { "" };
            writeln!(out, "{} {difference}{note}", row.id)?;
        }
        if options.verbose && !differences.is_empty() {
            writeln!(out, "{story}")?;
        }
    }
    if options.verbose {
        write!(out, "{}", report.by_group())?;
        write!(out, "{}", report.by_rule())?;
    }
    writeln!(out, "{}", report.summary())?;
    Ok(report)
}

/// Replays one row.
fn judge(meta: &Meta, rules: &Rules, row: &Row) -> (Verdict, Vec<Difference>, String) {
    match replay::replay(meta, row) {
        Ok(outcome) => {
            let differences = compare::differences(row, &outcome);
            let verdict = match differences.as_slice() {
                [] => Verdict::Passed,
                some if rules.cover(row, some) => Verdict::ByChoice,
                _ => Verdict::Failed,
            };
            (verdict, differences, outcome.story)
        }
        Err(error) => (Verdict::Failed, vec![Difference::not_replayed(&error)], String::new()),
    }
}
