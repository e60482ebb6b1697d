//! The limit: bare loads of lines of 64 bytes over the same footprint.

use std::hint::black_box;

/// One line of the cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([u64; 8]);

/// As many lines as a table has entries.
pub(crate) struct Bare(Vec<Line>);

/// Its name, lines read as fast as the processor can: many are in flight at any time.
pub(crate) const BARE: &str = "bare line";
/// Its name, 32 lines at once.
pub(crate) const BARE_32: &str = "bare line, 32 in flight";
/// Its name, each line known only when the one before has come.
pub(crate) const BARE_ALONE: &str = "bare line, alone";

impl Bare {
    /// `size` lines, all written to, so that each has memory of its own.
    pub(crate) fn new(size: u32) -> Self {
        Self((0..u64::from(size)).map(|n| Line([n; 8])).collect())
    }

    /// One after the other; the processor overlaps them as it overlaps single lookups.
    pub(crate) fn each(&self, numbers: &[u32]) -> u64 {
        numbers.iter().fold(0, |sum, n| u64::wrapping_add(sum, self.0[*n as usize].0[(*n % 8) as usize]))
    }

    /// In batches of 32: all are asked for, then all are used.
    pub(crate) fn batches(&self, numbers: &[u32]) -> u64 {
        let mut found = [0_u64; 32];
        let mut sum = 0_u64;
        for batch in numbers.chunks_exact(32) {
            found.iter_mut().zip(batch).for_each(|(found, n)| *found = self.0[*n as usize].0[0]);
            sum = black_box(&found).iter().fold(sum, |sum, word| sum.wrapping_add(*word));
        }
        sum
    }

    /// Each only after the one before: what a lookup costs whose key was not known earlier.
    pub(crate) fn alone(&self, numbers: &[u32]) -> u64 {
        let mask = (self.0.len() as u64).next_power_of_two() - 1;
        let last = self.0.len() as u64 - 1;
        numbers.iter().fold(0, |before, n| {
            // `before` depends on what was loaded, and adds nothing.
            let at = (u64::from(*n) + (before & !mask)).min(last);
            self.0[at as usize].0[0]
        })
    }
}
