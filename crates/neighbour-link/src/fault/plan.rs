//! What is done to frames, and what was done.

use crate::Time;
use std::ops::RangeInclusive;

/// What happens to frames that go one way. The default: nothing.
///
/// A probability is taken as 0 if it is below or not a number, as 1 if it is above.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// The cable is cut: no frame passes, nor do those that are on their way.
    pub cut: bool,
    /// The probability that a frame is lost.
    pub loss: f64,
    /// The probability that a frame arrives twice. Each copy has its own damage and delay.
    pub duplicate: f64,
    /// The probability that one bit of a frame is changed.
    pub corrupt: f64,
    /// How long a frame takes, drawn evenly from here. It waits for those before it.
    pub delay: RangeInclusive<Time>,
    /// The probability that a frame is held back, so that those behind overtake it.
    pub reorder: f64,
    /// How long it is held back beyond its delay. Default 10 ms.
    pub reorder_hold: Time,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            cut: false,
            loss: 0.0,
            duplicate: 0.0,
            corrupt: 0.0,
            delay: Time::ZERO..=Time::ZERO,
            reorder: 0.0,
            reorder_hold: Time::from_millis(10),
        }
    }
}

/// The faults of both ways, seen from this host.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultPlan {
    /// Of the frames that come in.
    pub receive: Faults,
    /// Of the frames that go out.
    pub transmit: Faults,
}

impl FaultPlan {
    /// The same faults both ways.
    #[must_use]
    pub fn both(faults: Faults) -> Self {
        Self { receive: faults.clone(), transmit: faults }
    }

    /// No fault but a cable that is cut both ways.
    #[must_use]
    pub fn cut() -> Self {
        Self::both(Faults { cut: true, ..Faults::default() })
    }
}

/// What was done to the frames that went one way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Frames that came to the layer.
    pub seen: u64,
    /// Lost because the cable was cut.
    pub cut: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Doubled.
    pub duplicated: u64,
    /// Damaged, each copy counted.
    pub corrupted: u64,
    /// Held back, each copy counted.
    pub reordered: u64,
    /// Lost because [`HELD_MAX`](super::HELD_MAX) were held already.
    pub overflowed: u64,
    /// Handed on.
    pub passed: u64,
}

/// The counts of both ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of the frames that come in.
    pub receive: FaultCounts,
    /// Of the frames that go out.
    pub transmit: FaultCounts,
}
