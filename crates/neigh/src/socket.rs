//! Where the daemon listens, and where it is looked for.

use std::env;
use std::path::PathBuf;

/// The path given, or `$NEIGH_SOCKET`, or `$XDG_RUNTIME_DIR/neigh.sock`, or `/run/neigh.sock` for root and
/// where there is no such directory.
pub(crate) fn path(given: Option<PathBuf>) -> PathBuf {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let system = || PathBuf::from("/run/neigh.sock");
    let default = || {
        if nix::unistd::geteuid().is_root() {
            return system();
        }
        variable("XDG_RUNTIME_DIR").map_or_else(system, |dir| dir.join("neigh.sock"))
    };
    given.or_else(|| variable("NEIGH_SOCKET")).unwrap_or_else(default)
}
