//! `neigh bench`: the arguments; [`neighbour_bench`] does the rest.

use crate::failure::Failure;
use crate::lab;
use anyhow::Context;
use neighbour_bench::figure::Row;
use neighbour_bench::{Part, Plan, Suite, chart, run_part};
use std::fmt::Display;
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

fn draw(rows: &[Row], path: &Path) -> anyhow::Result<()> {
    let wrong = |what: &dyn Display, hint: &str| {
        Failure::new(format_args!("--chart {}: {what}", path.display()), hint)
    };
    let Some(svg) = chart::chart(rows, "hit", "IPv6 uniform")? else {
        let hint = "measure two sizes or more, such as --only hit-256,hit-4096";
        return Err(wrong(&"a line needs two sizes of table", hint).into());
    };
    std::fs::write(path, svg)
        .map_err(|error| wrong(&error, "name a file in a directory that exists and can be written to"))?;
    Ok(())
}

fn chosen(only: &[String], plan: Plan) -> anyhow::Result<Vec<Part>> {
    if only.is_empty() {
        return Ok(Part::all(plan));
    }
    only.iter().map(|name| name.parse().map_err(anyhow::Error::msg)).collect()
}
