//! The engine's profiles by name.

use neighbour::Config;
use std::fmt;

/// How much the engine does beyond what Linux does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Nothing: exactly Linux.
    Linux,
    /// All that `neigh run --profile guarded` does.
    Guarded,
}

impl Profile {
    /// The engine's configuration.
    pub fn config(self) -> Config {
        match self {
            Self::Linux => Config::linux(),
            Self::Guarded => Config::guarded(),
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Guarded => "guarded",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
