//! `neigh sim`: the arguments; [`neighbour_sim`] does the rest.

use crate::failure::Failure;
use indicatif::{ProgressBar, ProgressStyle};
use neighbour_sim::ops::search;
use neighbour_sim::{Plan, PlanError, Profile, Report, Run, simulate};
use std::fmt::Display;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLE: &str = "\
Plans to begin with are in the directory `plans` of the repository, each with a word about what it shows:
  neigh sim plans/vip-failover.toml
  neigh sim plans/scan64.toml --profile both --html scan.html
  neigh sim plans/overflow-5000-pods.toml --set gc_thresh3=8192 --set gc_thresh2=6144";

/// Try the engine in a simulated network: hosts, failover, loss, attackers, by a plan in TOML
///
/// The engine is the one that `neigh run` uses, on simulated time: a plan of minutes takes seconds, and the same plan
/// and seed give the same report to the byte. It says what became of entries, packets and newcomers, and whether what
/// the plan promises was met.
///
/// With --ops there is no plan: random sequences of packets, answers, forgeries, requests and changes are tried on a small
/// table, half of them under each profile; if one breaks an invariant, its seed and the shortest part of it that does are
/// printed.
///
/// Exit code: 0 if every promise of the plan was met and no invariant broken, 1 if not, 2 if the plan is wrong.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Args {
    /// What happens, and what is promised of it
    #[arg(value_name = "PLAN.toml", required_unless_present = "ops")]
    plan: Option<PathBuf>,

    /// Try so many random sequences of operations instead, from --seed (or 0) on
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["plan", "json", "html", "sets", "profile"])]
    ops: Option<u64>,

    /// Print one JSON object with all numbers, and nothing else
    #[arg(long)]
    json: bool,

    /// Also write a page with charts, which needs no other file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Whence all chance comes [default: the plan's]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// A parameter by its sysctl name, instead of the plan's; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    sets: Vec<String>,

    /// Which profiles run, side by side if both [default: the plan's]
    #[arg(long, value_name = "PROFILE")]
    profile: Option<Profiles>,
}

/// Profiles to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Profiles {
    /// Exactly Linux
    Linux,
    /// And vigilance beyond it
    Guarded,
    /// One after the other, and how they differ
    Both,
}

impl Profiles {
    pub(crate) const fn list(self) -> &'static [Profile] {
        match self {
            Self::Linux => &[Profile::Linux],
            Self::Guarded => &[Profile::Guarded],
            Self::Both => &[Profile::Linux, Profile::Guarded],
        }
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(count) = args.ops {
        return try_sequences(args.seed.unwrap_or(0), count);
    }
    let path = args.plan.clone().unwrap_or_default();
    let wrong = |error: PlanError| {
        Failure::new(format_args!("{}: {}", path.display(), error.what()), error.allowed())
    };
    let text = fs::read_to_string(&path).map_err(|error| {
        Failure::new(format_args!("{}: {error}", path.display()), "name a plan in TOML that can be read")
    })?;
    let mut plan = Plan::parse(&text).map_err(wrong)?;
    for (name, value) in settings(&args.sets)? {
        plan =
            plan.with_parameter(name, value).map_err(|error| Failure::new(error.what(), error.allowed()))?;
    }
    if let Some(seed) = args.seed {
        plan = plan.with_seed(seed);
    }
    let profiles = args.profile.map_or_else(|| plan.profiles(), Profiles::list);
    // What is wrong with the file is told before the world has run.
    args.html.as_deref().map_or(Ok(()), check_writable)?;
    let runs: Vec<Run> = profiles
        .iter()
        .map(|profile| {
            let bar = progress(profile.name());
            let run = simulate(&plan, *profile, |share| bar.set_position((share * 1000.0) as u64));
            bar.finish_and_clear();
            run
        })
        .collect();
    let report = Report::new(&plan, runs);
    if let Some(path) = &args.html {
        fs::write(path, report.to_html()).map_err(|error| unwritable(path, error))?;
    }
    let mut out = io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", report.to_json()?)?,
        false => write!(out, "{report}")?,
    }
    Ok(if report.met() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// So many sequences of operations, from this seed on.
fn try_sequences(seed: u64, count: u64) -> anyhow::Result<ExitCode> {
    /// Long enough to fill the small table several times.
    const OPERATIONS: usize = 150;
    let bar = progress("ops");
    let share = |tried: u64| bar.set_position(tried * 1000 / count.max(1));
    let failure = search(seed..seed.saturating_add(count), OPERATIONS, share);
    bar.finish_and_clear();
    let mut out = io::stdout().lock();
    match failure {
        None => {
            writeln!(
                out,
                "{count} sequences of {OPERATIONS} operations, seeds from {seed} on: no invariant broken"
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Some(failure) => {
            write!(out, "{failure}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// NAME=VALUE, taken apart.
pub(crate) fn settings(sets: &[String]) -> Result<Vec<(&str, &str)>, Failure> {
    let one = |set: &'_ String| match set.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(()),
        _ => Err(Failure::new(format_args!("--set {set:?}"), "expected NAME=VALUE such as gc_thresh3=4096")),
    };
    sets.iter().try_for_each(one)?;
    Ok(sets
        .iter()
        .filter_map(|set| set.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
        .collect())
}

/// A bar on stderr, if anybody sees it.
pub(crate) fn progress(what: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(1000).with_prefix(what);
    if let Ok(style) = ProgressStyle::with_template("{prefix:>8} {wide_bar} {percent:>3} % {eta}") {
        bar.set_style(style);
    }
    bar
}

/// Can a file be written there?
pub(crate) fn check_writable(path: &Path) -> Result<(), Failure> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path);
    file.map(drop).map_err(|error| unwritable(path, error))
}

pub(crate) fn unwritable(path: &Path, error: impl Display) -> Failure {
    let hint = "name a file in a directory that exists and can be written to";
    Failure::new(format_args!("--html {}: {error}", path.display()), hint)
}
