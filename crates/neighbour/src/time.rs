//! Time as the caller tells it: an [`Instant`] arrives with every call, and the engine counts in
//! ticks of it as Linux counts in jiffies (CNV-1).

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A moment on the caller's own monotonic clock, in microseconds since any start it likes.
///
/// The engine never reads a clock: one event has one `now`, and `now` never goes back (an earlier
/// one is taken for the latest seen).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The start of the caller's clock.
    pub const ZERO: Self = Self(0);

    /// From microseconds since the start.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// From milliseconds since the start.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1000)
    }

    /// From the time since the start, cut to microseconds.
    pub fn since_start(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
    }

    /// Microseconds since the start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time since the start.
    pub const fn elapsed_since_start(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// The time from `earlier` to here; zero if `earlier` is later.
    pub const fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub for Instant {
    type Output = Duration;
    fn sub(self, rhs: Self) -> Duration {
        self.duration_since(rhs)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// A count of ticks; comparisons are wrap-safe signed differences (CNV-1).
///
/// 32 bits of 4 ms wrap after 198 days, so a comparison is right within 99 days. Entries without
/// a timer are swept before that ([`crate::sweep`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tick(pub(crate) u32);

impl Tick {
    pub(crate) fn plus(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }

    pub(crate) fn minus(self, ticks: u32) -> Self {
        Self(self.0.wrapping_sub(ticks))
    }

    /// Signed distance from `other` to `self`.
    pub(crate) fn since(self, other: Self) -> i32 {
        self.0.wrapping_sub(other.0) as i32
    }

    pub(crate) fn is_after(self, other: Self) -> bool {
        self.since(other) > 0
    }

    /// The later of the two.
    pub(crate) fn max(self, other: Self) -> Self {
        if self.is_after(other) { self } else { other }
    }
}

/// The engine's clock: the latest `now`, and ticks counted from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    now: Instant,
    /// The tick of `now`: it is asked for often, and a division.
    tick: Tick,
    tick_us: u64,
    started: bool,
}

impl Clock {
    pub(crate) fn new(tick: Duration) -> Self {
        let tick_us = u64::try_from(tick.as_micros()).unwrap_or(u64::MAX).max(1);
        Self { now: Instant::ZERO, tick: Tick(0), tick_us, started: false }
    }

    /// Moves to `now`; time does not go back. True for the first moment ever told.
    pub(crate) fn advance(&mut self, now: Instant) -> bool {
        if now > self.now {
            self.now = now;
            self.tick = self.tick_of(now);
        }
        !core::mem::replace(&mut self.started, true)
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    pub(crate) fn tick(&self) -> Tick {
        self.tick
    }

    /// The tick that begins now or next: timers counted from it are never early.
    pub(crate) fn next_tick(&self) -> Tick {
        Tick(self.now.0.div_ceil(self.tick_us) as u32)
    }

    pub(crate) fn tick_of(&self, at: Instant) -> Tick {
        Tick((at.0 / self.tick_us) as u32)
    }

    /// The moment at which `tick` begins; now if it has begun.
    pub(crate) fn instant(&self, tick: Tick) -> Instant {
        let ahead = tick.since(self.tick());
        match u64::try_from(ahead) {
            Ok(ahead) if ahead > 0 => Instant((self.now.0 / self.tick_us + ahead) * self.tick_us),
            _ => self.now,
        }
    }

    /// Ticks that `duration` takes, rounded up (SYS-4).
    pub(crate) fn ticks_ceil(&self, duration: Duration) -> u32 {
        clamp(micros(duration).div_ceil(self.tick_us))
    }

    /// Ticks that fit into `duration`, rounded down.
    pub(crate) fn ticks_floor(&self, duration: Duration) -> u32 {
        clamp(micros(duration) / self.tick_us)
    }

    /// How long `ticks` take.
    pub(crate) fn duration(&self, ticks: u32) -> Duration {
        Duration::from_micros(u64::from(ticks) * self.tick_us)
    }

    /// The floor for re-arming and retransmission: nominally 10 ms, whole ticks (CNV-3).
    pub(crate) fn tick_min(&self) -> u32 {
        self.ticks_floor(Duration::from_millis(10)).max(1)
    }
}

/// In microseconds; what is longer than half a million years counts as that.
fn micros(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(duration.subsec_micros()))
}

/// No time may exceed half the range of a tick comparison.
fn clamp(ticks: u64) -> u32 {
    u32::try_from(ticks).unwrap_or(MAX_TICKS).min(MAX_TICKS)
}

/// The longest time that the engine counts, in ticks.
pub(crate) const MAX_TICKS: u32 = (1 << 31) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_compare_across_the_wrap() {
        let before = Tick(u32::MAX - 1);
        let after = before.plus(5);
        assert!(after.is_after(before));
        assert!(!before.is_after(after));
        assert_eq!(after.since(before), 5);
    }

    #[test]
    fn an_instant_of_a_tick_is_its_beginning() {
        let mut clock = Clock::new(Duration::from_millis(4));
        clock.advance(Instant::from_micros(9_000));
        assert_eq!(clock.tick(), Tick(2));
        assert_eq!(clock.instant(Tick(3)), Instant::from_micros(12_000));
        assert_eq!(clock.instant(Tick(1)), Instant::from_micros(9_000));
    }

    #[test]
    fn time_does_not_go_back() {
        let mut clock = Clock::new(Duration::from_millis(4));
        clock.advance(Instant::from_micros(9_000));
        clock.advance(Instant::from_micros(1));
        assert_eq!(clock.now(), Instant::from_micros(9_000));
    }

    #[test]
    fn the_floor_is_two_ticks_at_250_hz_cnv_3() {
        assert_eq!(Clock::new(Duration::from_millis(4)).tick_min(), 2);
    }
}
