//! `neigh bench`: the arguments; [`neighbour_bench`] does the rest.

use crate::failure::Failure;
use crate::lab;
use anyhow::Context;
use neighbour_bench::figure::Row;
use neighbour_bench::{Part, Plan, Suite, chart, run_part};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measure this engine beside what a user would pick instead, and beside the kernel
///
/// Prints tables of what each operation costs, ours and each peer's, taken in turns of milliseconds in one run, and
/// which goals are met. Nothing of this machine is changed: what talks to the kernel does so in namespaces of its
/// own, and is left out with the reason where those are forbidden.
///
/// Close other programs first. The full run takes about half an hour and 12 GiB of memory.
///
/// Exit code: 0 if everything was measured, goals met or not; 1 if a part failed.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Fewer rounds: every row in less than five minutes
    #[arg(long)]
    quick: bool,

    /// Print one JSON object with every sample, and nothing else
    #[arg(long)]
    json: bool,

    /// Also draw what a lookup costs against the size of the table (IPv6 keys, each as likely as the others)
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,

    /// Only these parts: hit-SIZE (IPv6), hit4-SIZE, or the name of one; `--only list` tells them
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<String>,

    /// Where chance comes from: keys, their order, the order of turns
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Have every large allocation ask for huge pages, ours and the peers' (GNU C library)
    #[arg(long)]
    huge_pages: bool,

    /// Run one part for the bench that asks for it: its name and the plan
    #[arg(long, hide = true, num_args = 2, value_names = ["PART", "PLAN"])]
    part: Option<Vec<String>>,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    if let Some([part, plan]) = args.part.as_deref() {
        let part: Part = part.parse().map_err(anyhow::Error::msg)?;
        let why_not = if part.needs_namespace() { lab::enter().err() } else { None };
        run_part(part, plan, why_not.map(|error| format!("{:#}", anyhow::Error::from(error))))?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = Plan { quick: args.quick, seed: args.seed };
    let mut out = io::stdout().lock();
    if args.only == ["list"] {
        Part::all(plan).iter().try_for_each(|part| writeln!(out, "{part}"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let suite = Suite {
        plan,
        parts: chosen(&args.only, plan)?,
        program: std::env::current_exe().context("finding this program, which runs each part in a child")?,
        arguments: ["bench", "--part"].map(Into::into).into(),
        huge_pages: args.huge_pages,
    };
    // What is wrong with the chart is told before half an hour has passed.
    args.chart.iter().try_for_each(|path| check_chart(&suite.parts, path))?;
    let report = suite.run(|part| {
        // Talk, for people who wait.
        eprintln!("measuring {part} ...");
    })?;
    if args.json {
        writeln!(out, "{}", report.to_json()?)?
    } else {
        write!(out, "{report}")?
    }
    if let Some(path) = &args.chart {
        draw(&report.rows, path)?;
    }
    Ok(if report.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Can a chart of these parts be drawn, and written there?
fn check_chart(parts: &[Part], path: &Path) -> anyhow::Result<()> {
    let sizes: BTreeSet<u32> = parts.iter().filter_map(|part| part.hit_entries()).collect();
    if sizes.len() < 2 {
        return Err(wrong(path, TOO_FEW, "measure two sizes or more, such as --only hit-256,hit-4096"));
    }
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    file.map(drop).map_err(|error| wrong(path, error, UNWRITABLE))
}

fn draw(rows: &[Row], path: &Path) -> anyhow::Result<()> {
    let svg = chart::chart(rows, "hit", "IPv6 uniform")?;
    let svg = svg.ok_or_else(|| wrong(path, TOO_FEW, "see above which parts failed"))?;
    fs::write(path, svg).map_err(|error| wrong(path, error, UNWRITABLE))
}

const TOO_FEW: &str = "a line needs two sizes of table";
const UNWRITABLE: &str = "name a file in a directory that exists and can be written to";

fn wrong(path: &Path, what: impl Display, hint: &str) -> anyhow::Error {
    Failure::new(format_args!("--chart {}: {what}", path.display()), hint).into()
}

fn chosen(only: &[String], plan: Plan) -> anyhow::Result<Vec<Part>> {
    if only.is_empty() {
        return Ok(Part::all(plan));
    }
    only.iter().map(|name| name.parse().map_err(anyhow::Error::msg)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_that_cannot_be_drawn_or_written_is_refused_before_anything_is_measured() {
        let path = std::env::temp_dir().join(format!("neigh-chart-{}.svg", std::process::id()));
        let why = |parts: &[Part], path: &Path| check_chart(parts, path).unwrap_err().to_string();
        for parts in
            [&[][..], &[Part::Hit(256), Part::Hit(256)], &[Part::Hit(256), Part::Hit4(4096), Part::Held]]
        {
            assert!(why(parts, &path).contains("two sizes"), "{parts:?}");
            assert!(!path.exists());
        }
        let enough = [Part::Hit(256), Part::Hit(4096)];
        assert!(why(&enough, &path.join("none.svg")).contains("No such file"));
        fs::write(&path, "an older chart").unwrap();
        let (checked, left) = (check_chart(&enough, &path), fs::read(&path));
        fs::remove_file(&path).unwrap();
        checked.unwrap();
        assert_eq!(left.unwrap(), b"an older chart", "it stays until there is a new one");
    }
}
