//! What iproute2 says when it is asked for help: on stderr, with exit code 255.

use crate::failure::Failure;

/// `ip neigh help`.
pub(crate) fn neigh() -> Failure {
    Failure::exact(include_str!("usage/neigh.txt").trim_end_matches('\n'), 255)
}

/// `ip ntable help`.
pub(crate) fn ntable() -> Failure {
    Failure::exact(include_str!("usage/ntable.txt").trim_end_matches('\n'), 255)
}

/// `ip monitor help`.
pub(crate) fn monitor() -> Failure {
    Failure::exact(include_str!("usage/monitor.txt").trim_end_matches('\n'), 255)
}
