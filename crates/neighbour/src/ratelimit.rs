//! Ways to let only so many through: a token bucket, the same for what is told, once in an interval, and the kernel's
//! way of limiting its log.

use crate::time::{Instant, Tick};
use core::time::Duration;

/// So many in a second, so many at once.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: u32,
    burst: u32,
    /// In millionths of a token.
    tokens: u64,
    last: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst, tokens: u64::from(burst) * 1_000_000, last: Instant::ZERO }
    }

    /// Takes a token if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let passed = u64::try_from(now.duration_since(self.last).as_micros()).unwrap_or(u64::MAX);
        self.last = self.last.max(now);
        let full = u64::from(self.burst) * 1_000_000;
        self.tokens = self.tokens.saturating_add(passed.saturating_mul(u64::from(self.per_second))).min(full);
        let some = self.tokens >= 1_000_000;
        self.tokens -= if some { 1_000_000 } else { 0 };
        some
    }
}

/// A bucket for what is told, which counts what is not.
#[derive(Debug)]
pub(crate) struct Quota {
    bucket: Bucket,
    suppressed: u64,
}

impl Quota {
    /// So many in a second, so many at once.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        Self { bucket: Bucket::new(per_second, burst), suppressed: 0 }
    }

    /// The number suppressed before, if this one goes through.
    pub(crate) fn pass(&mut self, now: Instant) -> Option<u64> {
        if !self.bucket.take(now) {
            self.suppressed += 1;
            return None;
        }
        Some(core::mem::take(&mut self.suppressed))
    }
}

/// Lets one through in an interval, and counts the others.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Seldom {
    last: Option<Instant>,
    suppressed: u64,
}

impl Seldom {
    /// The number suppressed before, if this one goes through.
    pub(crate) fn pass(&mut self, now: Instant, interval: Duration) -> Option<u64> {
        self.pass_if(now, interval, || true)
    }

    /// The same, if a second bound lets it through as well, which is asked only when this one does.
    pub(crate) fn pass_if(
        &mut self,
        now: Instant,
        interval: Duration,
        other: impl FnOnce() -> bool,
    ) -> Option<u64> {
        let due = self.last.is_none_or(|last| now.duration_since(last) >= interval);
        if !due || !other() {
            self.suppressed += 1;
            return None;
        }
        self.last = Some(now);
        Some(core::mem::take(&mut self.suppressed))
    }
}

/// Lets ten through in 5 s, as the kernel's log does.
#[derive(Debug, Default)]
pub(crate) struct Ratelimit {
    begin: Option<Tick>,
    let_through: u32,
    suppressed: u64,
}

impl Ratelimit {
    /// Forgets a beginning that is long past.
    pub(crate) fn sweep(&mut self, now: Tick, age: u32) {
        if self.begin.is_some_and(|begin| !(0..age as i32).contains(&now.since(begin))) {
            self.begin = None;
        }
    }

    /// The number suppressed before, if this one goes through.
    pub(crate) fn pass(&mut self, now: Tick, interval: u32) -> Option<u64> {
        if self.begin.is_none_or(|begin| now.is_after(begin.plus(interval))) {
            (self.begin, self.let_through) = (Some(now), 0);
        }
        if self.let_through == 10 {
            self.suppressed += 1;
            return None;
        }
        self.let_through += 1;
        Some(core::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_its_burst_through_and_then_its_rate() {
        let mut bucket = Bucket::new(10, 3);
        let taken =
            |bucket: &mut Bucket, at| (0..100).filter(|_| bucket.take(Instant::from_millis(at))).count();
        assert_eq!(taken(&mut bucket, 0), 3);
        assert_eq!(taken(&mut bucket, 99), 0);
        assert_eq!(taken(&mut bucket, 100), 1);
        assert_eq!(taken(&mut bucket, 200), 1);
        assert_eq!(taken(&mut bucket, 10_000), 3);
    }

    #[test]
    fn a_quota_says_with_each_one_how_many_were_suppressed_before() {
        let mut quota = Quota::new(1, 2);
        let passed = [0, 0, 0, 500, 1000, 1100, 2000].map(|at| quota.pass(Instant::from_millis(at)));
        assert_eq!(passed, [Some(0), Some(0), None, None, Some(2), None, Some(1)]);
    }

    #[test]
    fn what_is_told_seldom_is_told_at_once_and_then_once_in_the_interval() {
        let mut seldom = Seldom::default();
        let minute = Duration::from_secs(60);
        let passed = [5, 5, 64, 65, 66, 1000].map(|at| seldom.pass(Instant::from_millis(at * 1000), minute));
        assert_eq!(passed, [Some(0), None, None, Some(2), None, Some(1)]);
    }

    #[test]
    fn what_another_bound_keeps_back_is_suppressed_and_does_not_begin_the_interval_anew() {
        let mut seldom = Seldom::default();
        let (second, at) = (Duration::from_secs(1), Instant::from_millis);
        assert_eq!(seldom.pass_if(at(0), second, || false), None);
        assert_eq!(seldom.pass_if(at(1), second, || true), Some(1));
        assert_eq!(seldom.pass_if(at(2), second, || unreachable!("this bound is spent already")), None);
        assert_eq!(seldom.pass(at(1001), second), Some(1));
    }
}
