//! How much is measured: sizes, rounds and lookups of a round.

use serde::{Deserialize, Serialize};

/// What the user asked for, as every part sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Fewer rounds; every row all the same.
    pub quick: bool,
    /// All chance comes from here.
    pub seed: u64,
}

/// Entries of the tables.
pub const SIZES: [u32; 5] = [256, 4_096, 65_536, 1 << 20, 10_000_000];

impl Plan {
    /// Rounds in which all contestants take their turn.
    pub fn rounds(self, size: u32) -> usize {
        match (self.quick, size) {
            (true, 5_000_000..) => 5,
            (true, 500_000..) => 7,
            (true, _) => 15,
            (false, 5_000_000..) => 11,
            (false, 500_000..) => 21,
            (false, _) => 41,
        }
    }

    /// Lookups in one turn: long enough to be timed, short enough to be much the same for all.
    pub fn turn(self, size: u32) -> usize {
        match size {
            500_000.. => 1 << 18,
            _ => 1 << 16,
        }
    }

    /// Lookups before a turn that are not timed: the table comes back into the caches it fits in, which the
    /// contestants before have taken.
    pub fn warm_up(self, size: u32) -> usize {
        match size {
            5_000_000.. => 1 << 16,
            _ => (size as usize).next_power_of_two().min(1 << 19),
        }
    }
}
