//! Under which mark the packets of a source are counted: one for each prefix, but there are few marks, so some share
//! theirs. Whose is shared is a secret that changes: who has his budget spent by a scanner has it for a short while.

use super::classes::{OWN, SOURCES};
use crate::time::Instant;
use core::net::IpAddr;
use core::time::Duration;
use neighbour_table::{Key, Keyed};

/// How long a prefix has its mark.
const LIFE: Duration = Duration::from_secs(30);

/// The marks of one table.
#[derive(Debug)]
pub(super) struct Marks {
    /// Of the secret that comes next.
    seed: u64,
    keyed: Keyed,
    since: Instant,
}

impl Marks {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed: seed.wrapping_add(1), keyed: Keyed::new(seed), since: Instant::ZERO }
    }

    /// The mark of packets from this source (of its /24 in IPv4, /64 in IPv6), or of our own.
    pub(super) fn of(&mut self, source: Option<IpAddr>, now: Instant) -> u8 {
        let addr = match source {
            None => return OWN,
            Some(IpAddr::V4(v4)) => u128::from(v4.to_bits() >> 8),
            Some(IpAddr::V6(v6)) => v6.to_bits() >> 64,
        };
        if now.duration_since(self.since) >= LIFE {
            *self = Self { since: now, ..Self::new(self.seed) };
        }
        let hash = u64::from(self.keyed.hash(&Key { addr, ifindex: 0 }));
        // One of those behind OWN.
        1 + ((hash * (SOURCES as u64 - 1)) >> 32) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn prefix(n: u8) -> Option<IpAddr> {
        Some(IpAddr::from([203, 0, n, 7]))
    }

    #[test]
    fn a_prefix_has_its_mark_for_half_a_minute_and_whoever_shared_it_has_another_then() {
        let mut marks = Marks::new(5);
        let at = Instant::from_millis;
        let scanner = marks.of(prefix(0), at(30_000));
        let mut sharing = |now| -> Vec<u8> {
            let mark = marks.of(prefix(0), now);
            (1..=255).filter(|n| marks.of(prefix(*n), now) == mark).collect()
        };
        let (before, later, after) = (sharing(at(30_000)), sharing(at(59_999)), sharing(at(60_000)));
        assert!(!before.is_empty() && before.len() < 8, "chance has it that one shares it: {before:?}");
        assert_eq!(later, before);
        assert!(after.iter().all(|n| !before.contains(n)), "{before:?}, {after:?}");
        assert_ne!(scanner, OWN);
        assert_eq!(marks.of(None, at(60_000)), OWN);
    }

    #[test]
    fn addresses_of_one_prefix_have_one_mark() {
        let mut marks = Marks::new(6);
        let mut of = |text: &str| marks.of(Some(text.parse().expect("an address")), Instant::ZERO);
        assert_eq!(of("203.0.113.1"), of("203.0.113.255"));
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::"));
    }
}
