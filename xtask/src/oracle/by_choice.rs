//! Rules by which the engine differs from Linux on purpose. They speak of what a row is about, never
//! of single rows; `xtask/oracle/exceptions.toml` holds them.

use crate::oracle::compare::Difference;
use crate::oracle::row::Row;
use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use std::path::Path;

/// All rules.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
}

/// One rule: in rows to which `when` applies, `fields` may differ.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// Why the engine does it another way.
    pub reason: String,
    /// The fields that may differ.
    pub fields: Vec<String>,
    /// All of it must hold.
    pub when: When,
}

/// What a row must be about.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The row sets this sysctl (`v4conf/arp_filter`), to a value within the bounds.
    pub sysctl: Option<String>,
    /// The least value.
    pub at_least: Option<i64>,
    /// The greatest value.
    pub at_most: Option<i64>,
    /// The frame is of this type (`arp`, `ns`, `ra` ...).
    pub frame: Option<String>,
    /// The event is of this kind (`RTM_NEWNEIGH` ...).
    pub event: Option<String>,
    /// The neighbour was in this state.
    pub prior_state: Option<String>,
}

impl Rules {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Takes a text apart and checks it.
    pub fn parse(text: &str) -> Result<Self> {
        let rules: Self = toml::from_str(text)?;
        for rule in &rules.rules {
            let id = &rule.id;
            ensure!(!rule.reason.trim().is_empty(), "rule {id:?} gives no reason");
            ensure!(!rule.fields.is_empty(), "rule {id:?} names no field that may differ");
            ensure!(!rule.when.is_empty(), "rule {id:?} applies to all rows: \"when\" is empty");
        }
        Ok(rules)
    }

    /// Is every difference covered by a rule?
    pub fn cover(&self, row: &Row, differences: &[Difference]) -> bool {
        differences.iter().all(|difference| self.covering(row, difference).next().is_some())
    }

    /// The rules that allow a difference.
    pub fn covering<'r>(&'r self, row: &Row, difference: &Difference) -> impl Iterator<Item = &'r Rule> {
        // `sysctl_after NAME` is the field sysctl_after.
        let field = difference.field.split(' ').next().unwrap_or_default();
        self.rules.iter().filter(move |rule| rule.fields.iter().any(|f| f == field) && rule.when.holds(row))
    }
}

impl When {
    const fn is_empty(&self) -> bool {
        self.sysctl.is_none() && self.frame.is_none() && self.event.is_none() && self.prior_state.is_none()
    }

    fn holds(&self, row: &Row) -> bool {
        let sysctl = self.sysctl.as_deref().is_none_or(|name| {
            let value = row.sysctl_value(name);
            value.is_some_and(|v| self.at_least.is_none_or(|l| v >= l) && self.at_most.is_none_or(|m| v <= m))
        });
        let frame = row.frame.as_ref().and_then(|frame| frame.get("type")?.as_str());
        let event = row.event.as_ref().map(|event| event.kind.as_str());
        let same = |wanted: &Option<String>, got| wanted.is_none() || wanted.as_deref() == got;
        sysctl
            && same(&self.frame, frame)
            && same(&self.event, event)
            && same(&self.prior_state, Some(row.prior_state.as_str()))
    }
}
