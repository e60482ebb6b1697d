//! `cargo xtask rules`: which rules of the specifications no test names.
//!
//! A rule is a line `- NUD-18. ...` of `specs/linux-6.18.md` or a row `| N92 | ...` of `specs/rfc.md`. A test
//! names it in its name (`..._nud_18`) or its text (`NUD-18`, `NUD-1 to NUD-9`). What cannot be tested stands
//! in `specs/exceptions.toml`, with the reason.

use anyhow::{Context, bail};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What to list.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The requirements of the RFCs instead of the kernel's rules.
    #[arg(long)]
    rfc: bool,
    /// List every rule with the tests that name it.
    #[arg(long)]
    all: bool,
}

/// How a test names a row of the RFCs: `N92` in its text, `_n92` in its name.
const RFC_IDS: [&str; 2] = [r"(?:^|[^A-Za-z0-9_])([ADN])(\d+)\b", r"_([adn])(\d+)"];

/// A rule of a specification.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    family: String,
    number: u32,
}

impl Rule {
    fn parse(text: &str) -> Option<Self> {
        let at = text.find(|c: char| c.is_ascii_digit())?;
        let (family, number) = text.split_at(at);
        Some(Self { family: family.trim_end_matches('-').to_uppercase(), number: number.parse().ok()? })
    }
}

/// What a run found.
#[derive(Debug, Default)]
pub struct Coverage {
    named: usize,
    excepted: usize,
    missing: Vec<String>,
}

impl Coverage {
    /// Rules that neither a test names nor an exception explains.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }
}

/// Lists the rules without a test.
pub fn run(options: &Options, out: &mut dyn Write) -> anyhow::Result<Coverage> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask stands in the repository")?;
    let (spec, line) = match options.rfc {
        false => ("specs/linux-6.18.md", r"^- ([A-Z]+-\d+)\. (.*)$"),
        true => ("specs/rfc.md", r"^\| ([AND]\d+) \| ([^|]*\|[^|]*\|.*)$"),
    };
    let rules = rules(&root.join(spec), &Regex::new(line)?)?;
    if rules.is_empty() {
        bail!("{spec} holds no rules");
    }
    let exceptions = exceptions(&root.join("specs/exceptions.toml"))?;
    let families: BTreeSet<&str> = rules.keys().map(|r| r.family.as_str()).collect();
    let tests = match options.rfc {
        // One letter and a number are many things elsewhere.
        true => tests(root, &["crates/neighbour", "crates/neighbour-wire"], &RFC_IDS)?,
        false => {
            let names = families.iter().copied().collect::<Vec<_>>().join("|");
            let id =
                format!(r"(?i)(?:^|[^a-z0-9])({names})[-_]?(\d+)(?:(?: to |\.\.|–)(?:{names})?-?(\d+))?");
            tests(root, &["crates", "xtask"], &[&id])?
        }
    };
    if let Some(unknown) = exceptions.iter().flat_map(|(ranges, _)| &ranges.0).find(|range| {
        let is_rfc = range.0.family.len() == 1;
        is_rfc == options.rfc && !rules.keys().any(|rule| range.contains(rule))
    }) {
        bail!("specs/exceptions.toml excepts {}{}, which is no rule", unknown.0.family, unknown.0.number);
    }
    let mut coverage = Coverage::default();
    for (rule, text) in &rules {
        let id = if options.rfc {
            format!("{}{}", rule.family, rule.number)
        } else {
            format!("{}-{}", rule.family, rule.number)
        };
        let excepted = exceptions.iter().find(|(which, _)| which.contains(rule));
        match (tests.get(rule), excepted) {
            (Some(files), _) => {
                coverage.named += 1;
                if options.all {
                    writeln!(out, "{id}: {}", files.iter().cloned().collect::<Vec<_>>().join(", "))?;
                }
            }
            (None, Some((_, reason))) => {
                coverage.excepted += 1;
                if options.all {
                    writeln!(out, "{id}: not tested: {reason}")?;
                }
            }
            (None, None) => {
                let short: String = text.chars().take(100).collect();
                writeln!(out, "{id}: no test names it: {short}")?;
                coverage.missing.push(id);
            }
        }
    }
    writeln!(
        out,
        "{} rules: {} named by a test, {} excepted, {} without a test",
        rules.len(),
        coverage.named,
        coverage.excepted,
        coverage.missing.len()
    )?;
    Ok(coverage)
}

fn rules(path: &Path, line: &Regex) -> anyhow::Result<BTreeMap<Rule, String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let found = text.lines().filter_map(|l| {
        let captures = line.captures(l)?;
        Some((Rule::parse(&captures[1])?, captures[2].to_owned()))
    });
    Ok(found.collect())
}

/// One entry of the file of exceptions.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// Rules, or ranges of them: `HIST-1 to HIST-16`.
    rules: Vec<String>,
    reason: String,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    exception: Vec<Exception>,
}

/// Rules from one to another of the same family.
struct Range(Rule, u32);

impl Range {
    fn contains(&self, rule: &Rule) -> bool {
        rule.family == self.0.family && (self.0.number..=self.1).contains(&rule.number)
    }
}

struct Ranges(Vec<Range>);

impl Ranges {
    fn contains(&self, rule: &Rule) -> bool {
        self.0.iter().any(|range| range.contains(rule))
    }
}

fn exceptions(path: &Path) -> anyhow::Result<Vec<(Ranges, String)>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let file: Exceptions = toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let range = |text: &String| -> anyhow::Result<Range> {
        let (first, last) = text.split_once(" to ").unwrap_or((text, text));
        let bad = || format!("{text:?} in {} names no rule", path.display());
        let (first, last) = (Rule::parse(first).with_context(bad)?, Rule::parse(last).with_context(bad)?);
        Ok(Range(first, last.number))
    };
    file.exception
        .iter()
        .map(|e| Ok((Ranges(e.rules.iter().map(range).collect::<anyhow::Result<_>>()?), e.reason.clone())))
        .collect()
}

/// Which files of tests name which rules.
fn tests(root: &Path, folders: &[&str], ids: &[&str]) -> anyhow::Result<BTreeMap<Rule, BTreeSet<String>>> {
    let singles = ids.iter().map(|id| Regex::new(id)).collect::<Result<Vec<_>, _>>()?;
    let heads = Regex::new(r"(?m)^//!.*\d (?:to|and on) [A-Z]*-?\d+.*$")?;
    let mut found: BTreeMap<Rule, BTreeSet<String>> = BTreeMap::new();
    for path in test_files(root, folders)? {
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let named = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let whole = path.components().any(|c| c.as_os_str() == "tests")
            || named == "tests"
            || named.ends_with("_tests");
        // The range that a file is about says nothing of any one of its tests.
        let text = heads.replace_all(&text, "");
        let tested = match whole {
            true => &*text,
            false => {
                text.find("#[cfg(test)]").or_else(|| text.find("#[cfg(all(test")).map_or("", |at| &text[at..])
            }
        };
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        for captures in singles.iter().flat_map(|single| single.captures_iter(tested)) {
            let (Ok(first), family) = (captures[2].parse::<u32>(), captures[1].to_uppercase()) else {
                continue;
            };
            let last = captures.get(3).and_then(|l| l.as_str().parse().ok()).unwrap_or(first);
            for number in first..=last.min(first.saturating_add(60)) {
                found.entry(Rule { family: family.clone(), number }).or_default().insert(name.clone());
            }
        }
    }
    Ok(found)
}

fn test_files(root: &Path, folders: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() && path.file_name().is_some_and(|n| n != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_and_every_row_has_a_test_or_a_reason() {
        for rfc in [false, true] {
            let mut out = Vec::new();
            let coverage = run(&Options { rfc, all: false }, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(coverage.missing().is_empty(), "{text}");
            assert!(coverage.named > coverage.excepted, "{text}");
        }
    }
}
