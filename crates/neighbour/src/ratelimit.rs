//! Two ways to let only so many through: a token bucket, and the kernel's way of limiting its log.

use crate::time::{Instant, Tick};

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
}
