//! Why the laboratory could not be set up, or would not do as it was told.

use std::io;

/// What was tried, what the system said, and where there is one, the likely cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// Namespaces are forbidden, or there are too many of them.
    #[error("no namespaces of its own: unshare: {source} ({why})")]
    Unshare {
        /// The likely cause.
        why: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The user namespace exists, but its ids could not be mapped.
    #[error("the user namespace cannot be used: writing {path}: {source}")]
    Map {
        /// The file.
        path: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel refused a request, or there is no netlink socket.
    #[error("the kernel refused to {doing}: {source}")]
    Refused {
        /// What was asked.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel sent something that is no rtnetlink message.
    #[error("the kernel's netlink message is not understood: {0}")]
    Malformed(String),
    /// The kernel said yes, but what was asked never came to pass.
    #[error("the kernel was to {doing}, and did not within {seconds} s")]
    TooSlow {
        /// What was asked.
        doing: String,
        /// How long it was waited for.
        seconds: u64,
    },
}

impl LabError {
    /// For `map_err`: what was asked, beside what the system said.
    pub(crate) fn refused(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Refused { doing: doing.into(), source }
    }
}
