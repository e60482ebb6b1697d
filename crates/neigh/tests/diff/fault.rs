//! Faults that are planted to see whether they are found. Only the daemon's side has them.

use crate::step::Parameter;

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The daemon sends one unicast probe less: a parameter that it was not told.
    OneProbeLess,
    /// Override flags of advertisements do not reach the daemon.
    OverrideIgnored,
    /// Nobody is told by the daemon that an entry went.
    RemovalsNotTold,
}

impl Fault {
    /// The value that the daemon gets for this one.
    pub(crate) fn parameter(self, parameter: Parameter, value: u32) -> u32 {
        match (self, parameter) {
            (Self::OneProbeLess, Parameter::UcastProbes) => value.saturating_sub(1),
            _ => value,
        }
    }

    /// Whether the daemon's news of a removal are lost.
    pub(crate) fn loses_removals(self) -> bool {
        self == Self::RemovalsNotTold
    }

    /// Whether advertisements reach the daemon without their override flag.
    pub(crate) fn loses_override(self) -> bool {
        self == Self::OverrideIgnored
    }
}
