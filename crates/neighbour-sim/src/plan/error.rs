//! What is wrong with a plan, and what would be right.

use std::fmt;

/// Why a plan is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}{what}; {allowed}")]
pub struct PlanError {
    place: String,
    what: String,
    allowed: String,
}

impl PlanError {
    /// `what` is wrong, and `allowed` says what is not.
    pub(crate) fn new(place: impl fmt::Display, what: impl fmt::Display, allowed: impl fmt::Display) -> Self {
        let place = match place.to_string() {
            place if place.is_empty() => place,
            place => format!("{place}: "),
        };
        Self { place, what: what.to_string(), allowed: allowed.to_string() }
    }

    /// Where in the plan, and what is wrong there.
    pub fn what(&self) -> String {
        format!("{}{}", self.place, self.what)
    }

    /// What would be right.
    pub fn allowed(&self) -> &str {
        &self.allowed
    }

    /// What TOML or a value's type says, with the line it is about.
    pub(crate) fn from_toml(error: &toml::de::Error, text: &str) -> Self {
        let Some(span) = error.span() else {
            return Self::new("", error.message().replace('\n', " "), "see `neigh sim --help`");
        };
        let before = text.get(..span.start).unwrap_or_default();
        let number = before.matches('\n').count() + 1;
        let line = text.lines().nth(number - 1).unwrap_or_default().trim();
        let (what, allowed) = match error.message().split_once(", expected ") {
            Some((what, "nothing")) => (what.to_owned(), "mend the TOML there".into()),
            Some((what, allowed)) => (what.to_owned(), format!("allowed is {allowed}")),
            None => (error.message().replace('\n', " "), "see `neigh sim --help`".into()),
        };
        Self::new(format_args!("line {number}: {line}"), what, allowed)
    }
}
