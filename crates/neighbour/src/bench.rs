//! Doors for `neigh bench` to what is private otherwise; only with the feature `bench`.

use crate::OutOfMemory;
use crate::time::Tick;
use crate::timer::Wheel;

/// The timers of a table's entries by themselves, with a clock that stands still.
#[derive(Debug)]
pub struct Timers(Wheel);

impl Timers {
    /// Timers for the entries `0..count`, none of them armed.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn new(count: u32) -> Result<Self, OutOfMemory> {
        let mut wheel = Wheel::new(Tick(0));
        wheel.reserve(count).map_err(|_| OutOfMemory)?;
        Ok(Self(wheel))
    }

    /// Arms the timer of an entry, or moves it, to so many ticks from now.
    pub fn arm(&mut self, id: u32, ticks: u32) {
        self.0.arm(id, Tick(ticks));
    }

    /// Disarms it; true if it was armed.
    pub fn cancel(&mut self, id: u32) -> bool {
        self.0.cancel(id)
    }
}
