//! A whole run: every part in a child process, its findings read from its standard output as they come.

use crate::figure::Finding;
use crate::machine::{HUGE_TUNABLE, Machine};
use crate::part::Part;
use crate::plan::Plan;
use crate::report::Report;
use anyhow::{Context, bail};
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What to run, and by which program.
#[derive(Clone, Debug)]
pub struct Suite {
    /// How much.
    pub plan: Plan,
    /// Which parts.
    pub parts: Vec<Part>,
    /// The program that runs a part: with `arguments`, then the part's name and the plan as JSON.
    pub program: PathBuf,
    /// Its first arguments.
    pub arguments: Vec<OsString>,
    /// Whether every large allocation asks for huge pages.
    pub huge_pages: bool,
}

impl Suite {
    /// Runs it; `progress` hears which part begins.
    ///
    /// # Errors
    /// Never for a part that fails: the report says so.
    pub fn run(&self, mut progress: impl FnMut(&str)) -> anyhow::Result<Report> {
        let start = Instant::now();
        let mut report = Report::new(Machine::here(), self.plan);
        for part in &self.parts {
            progress(&part.to_string());
            if let Err(error) = self.child(*part, &mut |finding| report.take(finding)) {
                report.fail(part.to_string(), format!("{error:#}"));
            }
        }
        report.finish(start.elapsed());
        Ok(report)
    }

    fn child(&self, part: Part, take: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(part.to_string()).arg(serde_json::to_string(&self.plan)?);
        if self.huge_pages {
            command.env("GLIBC_TUNABLES", HUGE_TUNABLE);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", self.program.display()))?;
        let lines = child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines);
        for line in lines {
            take(serde_json::from_str(&line?).context("reading what a part found")?);
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said: Vec<&str> = said.lines().rev().take(3).collect();
            bail!("{}: {}", output.status, said.into_iter().rev().collect::<Vec<_>>().join("; "));
        }
        Ok(())
    }
}

/// Runs one part in this process, for a parent that reads from standard output. `plan` is what [`Suite`] gave.
/// With a reason in `why_not` it only says that it was left out.
///
/// # Errors
/// What the part says.
pub fn run_part(part: Part, plan: &str, why_not: Option<String>) -> anyhow::Result<()> {
    let plan: Plan = serde_json::from_str(plan).context("the plan is not what `neigh bench` writes")?;
    let mut broken = None;
    let mut tell = |finding: Finding| {
        let mut out = io::stdout().lock();
        let written = serde_json::to_writer(&mut out, &finding).map_err(io::Error::from);
        if let Err(error) = written.and_then(|()| writeln!(out)) {
            broken.get_or_insert(error);
        }
    };
    match why_not {
        Some(why) => tell(Finding::Skipped { what: part.to_string(), why }),
        None => part.run(plan, &mut tell)?,
    }
    broken.map_or(Ok(()), |error| Err(error).context("telling the findings"))
}
