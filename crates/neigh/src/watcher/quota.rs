//! How often each word is said: a flood of frames is no flood of lines.

use super::words::What;
use std::collections::BTreeMap;
use std::time::Duration;

/// A bucket for each word.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    buckets: BTreeMap<What, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// Those that may be told now.
    left: f64,
    since: Duration,
    hushed: u64,
}

impl Quotas {
    /// May this be told now? If so, how many were not told since the last one.
    pub(crate) fn take(&mut self, what: What, now: Duration) -> Option<u64> {
        let (most, seconds) = what.quota();
        let new = || Bucket { left: f64::from(most), since: now, hushed: 0 };
        let bucket = self.buckets.entry(what).or_insert_with(new);
        let passed = now.saturating_sub(bucket.since).as_secs_f64();
        bucket.left = (bucket.left + passed / seconds).min(f64::from(most));
        bucket.since = now.max(bucket.since);
        if bucket.left < 1.0 {
            bucket.hushed += 1;
            return None;
        }
        bucket.left -= 1.0;
        Some(std::mem::take(&mut bucket.hushed))
    }

    /// How many were not told, and not counted behind one that was.
    pub(crate) fn hushed(&self) -> impl Iterator<Item = (What, u64)> + '_ {
        self.buckets.iter().map(|(what, bucket)| (*what, bucket.hushed)).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_as_time_passes_with_a_count_of_the_rest() {
        let mut quotas = Quotas::default();
        let at = Duration::from_secs(1_000);
        let told = (0..100).filter(|_| quotas.take(What::Bogon, at) == Some(0)).count();
        assert_eq!((told, quotas.hushed().collect::<Vec<_>>()), (10, vec![(What::Bogon, 90)]));
        assert_eq!(quotas.take(What::FlipFlop, at), Some(0), "another word has its own");
        assert_eq!(quotas.take(What::Bogon, at + Duration::from_secs(1)), Some(90));
        assert_eq!(quotas.take(What::Bogon, at + Duration::from_secs(1)), None);
        assert_eq!(quotas.take(What::Bogon, Duration::ZERO), None, "a clock that went back gives nothing");
    }
}
