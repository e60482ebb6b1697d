//! The figures that are kept, and their file.

use super::walk::Way;
use anyhow::Context;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Instructions of one lookup, for each way, and the compiler that made them.
#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) rustc: String,
    pub(super) figures: BTreeMap<String, f64>,
}

impl Kept {
    pub(super) fn new(rustc: &str) -> Self {
        Self { rustc: rustc.to_owned(), figures: BTreeMap::new() }
    }

    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        toml::from_str(text).context("not figures of instructions")
    }

    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let hint = || format!("reading {} (cargo xtask instructions --accept makes it)", path.display());
        Self::parse(&std::fs::read_to_string(path).with_context(hint)?).with_context(hint)
    }

    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        std::fs::write(path, self.to_string()).with_context(|| format!("writing {}", path.display()))
    }

    pub(super) fn figure(&self, way: Way) -> anyhow::Result<f64> {
        let name = way.name();
        self.figures.get(&name).copied().with_context(|| format!("no figure for {name}"))
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Instructions of one lookup that hits, in user space, loop and use of the header included."
        )?;
        writeln!(f, "# Written by `cargo xtask instructions --accept`.")?;
        writeln!(f, "rustc = \"{}\"\n\n[figures]", self.rustc)?;
        self.figures.iter().try_for_each(|(name, each)| writeln!(f, "{name} = {each:.2}"))
    }
}
