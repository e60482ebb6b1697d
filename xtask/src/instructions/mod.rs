//! `cargo xtask instructions`: what a lookup that hits costs, in instructions, beside what it cost before.
//!
//! Times depend on the machine and on who else uses it; the number of instructions does not. So a change that makes
//! the hit path longer is seen anywhere, by a few percent. Figures depend on processor family and compiler; they are
//! kept in `xtask/instructions`, a file for each family, which names the compiler.

mod kept;
mod step;
mod walk;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use kept::Kept;
use std::io::Write;
use std::path::{Path, PathBuf};
use walk::Way;

/// How much more than what is kept is let pass: another compiler may choose otherwise in a place or two.
const MARGIN: f64 = 0.05;

/// Lookups that are counted: whole batches, scattered over the entries.
const LOOKUPS: usize = walk::ENTRIES / 16;

/// What to count.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Keep the figures of this run from now on.
    #[arg(long, conflicts_with = "walk")]
    accept: bool,
    /// Do these lookups between two stops, for the process that counts them.
    #[arg(long, hide = true)]
    walk: Option<Way>,
    /// How many.
    #[arg(long, hide = true, default_value_t = LOOKUPS)]
    lookups: usize,
}

/// What a run found.
#[derive(Debug, Default)]
pub struct Report {
    risen: Vec<Way>,
}

impl Report {
    /// Whether a lookup takes more instructions than it may.
    pub fn has_risen(&self) -> bool {
        !self.risen.is_empty()
    }
}

/// Counts, compares and prints; with `--accept` writes the new figures down.
pub fn run(options: &Options, out: &mut dyn Write) -> anyhow::Result<Report> {
    if let Some(way) = options.walk {
        walk::walk(way, options.lookups)?;
        return Ok(Report::default());
    }
    ensure!(!cfg!(debug_assertions), "instructions are counted in a release build: cargo xtask instructions");
    let program = std::env::current_exe().context("finding this program")?;
    let path = path_of(std::env::consts::ARCH);
    let before = if options.accept { None } else { Some(Kept::read(&path)?) };
    let mut now = Kept::new(env!("XTASK_RUSTC"));
    for way in Way::value_variants() {
        let each = each(&program, *way).with_context(|| format!("counting {}", way.name()))?;
        now.figures.insert(way.name(), each);
    }
    match before {
        Some(before) => compare(&before, &now, &path, out),
        None => {
            now.write(&path)?;
            writeln!(out, "{now}\nkept in {}", path.display())?;
            Ok(Report::default())
        }
    }
}

fn path_of(arch: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions").join(arch).with_extension("toml")
}

/// Instructions of one lookup: of many, less what stands around them.
fn each(program: &Path, way: Way) -> anyhow::Result<f64> {
    let count = |lookups: usize| {
        let name = way.name();
        let lookups = lookups.to_string();
        step::between_stops(program, &["instructions", "--walk", &name, "--lookups", &lookups])
    };
    let (around, all) = (count(0)?, count(LOOKUPS)?);
    if all <= around {
        bail!("{LOOKUPS} lookups took {all} instructions, and none took {around}");
    }
    Ok((all - around) as f64 / LOOKUPS as f64)
}

/// Prints each figure beside the one kept.
fn compare(before: &Kept, now: &Kept, path: &Path, out: &mut dyn Write) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut fallen = false;
    for way in Way::value_variants() {
        let (name, each) = (way.name(), now.figure(*way)?);
        let kept = before.figure(*way).with_context(|| format!("{} is incomplete", path.display()))?;
        let verdict = if each > kept * (1.0 + MARGIN) {
            report.risen.push(*way);
            "MORE than kept"
        } else if each < kept * (1.0 - MARGIN) {
            fallen = true;
            "fewer than kept"
        } else {
            "as kept"
        };
        writeln!(out, "{name:<14} {each:8.2} instructions a lookup, kept {kept:8.2}: {verdict}")?;
    }
    if report.has_risen() {
        writeln!(
            out,
            "A lookup that hits takes over {:.0} % more instructions than kept in {}.\n\
             Kept with {}, counted with {}.\n\
             If that is meant: cargo xtask instructions --accept, and say in the commit what it buys.",
            MARGIN * 100.0,
            path.display(),
            before.rustc,
            now.rustc,
        )?;
    } else if fallen {
        writeln!(out, "So that it stays so: cargo xtask instructions --accept")?;
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(each: f64) -> Kept {
        let mut kept = Kept::new("a compiler");
        Way::value_variants().iter().for_each(|way| {
            kept.figures.insert(way.name(), each);
        });
        kept
    }

    fn said(before: f64, now: f64) -> (bool, String) {
        let mut out = Vec::new();
        let report = compare(&kept(before), &kept(now), Path::new("kept.toml"), &mut out).expect("figures");
        (report.has_risen(), String::from_utf8(out).expect("text"))
    }

    #[test]
    fn more_than_the_margin_fails_and_says_both_figures_and_how_to_accept() {
        let (risen, text) = said(100.0, 105.5);
        assert!(risen, "{text}");
        for part in ["105.50", "100.00", "--accept", "kept.toml", "a compiler"] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    }

    #[test]
    fn within_the_margin_passes_and_fewer_asks_to_be_kept() {
        assert!(!said(100.0, 104.5).0 && !said(100.0, 104.5).1.contains("--accept"));
        assert!(!said(100.0, 90.0).0 && said(100.0, 90.0).1.contains("--accept"));
    }

    #[test]
    fn figures_come_back_as_they_were_written() {
        let before = kept(12.25);
        let after = Kept::parse(&before.to_string()).expect("what was written can be read");
        assert_eq!(after, before);
    }

    #[test]
    fn there_are_figures_for_every_way() {
        let kept = Kept::read(&path_of("x86_64")).expect("figures for the processors that CI has");
        assert!(Way::value_variants().iter().all(|way| kept.figure(*way).is_ok()), "{kept}");
    }
}
