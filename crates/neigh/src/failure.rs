//! Errors that a user made or can mend: one line that names the argument and says what to do.

use std::fmt;

/// A wrong use of the program, with its exit code.
///
/// It travels inside `anyhow::Error`; whatever else arrives at the top is a failure of the run itself and
/// ends with exit code 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    text: String,
    code: u8,
    ends_batch: bool,
}

impl Failure {
    /// `what` is wrong, `hint` says what to do. Exit code 2.
    pub fn new(what: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self { text: format!("error: {what}; hint: {hint}"), code: 2, ends_batch: true }
    }

    /// A text of iproute2's, as it is, with its exit code.
    ///
    /// It is one at which iproute2 ends the program at once, even amid a batch under `-force`.
    pub fn exact(text: impl Into<String>, code: u8) -> Self {
        Self { text: text.into(), code, ends_batch: true }
    }

    /// A text of iproute2's after which a batch under `-force` goes on.
    pub fn passing(text: impl Into<String>, code: u8) -> Self {
        Self { text: text.into(), code, ends_batch: false }
    }

    /// The exit code.
    pub const fn code(&self) -> u8 {
        self.code
    }

    /// Does a batch end here, even under `-force`?
    pub const fn ends_batch(&self) -> bool {
        self.ends_batch
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}
