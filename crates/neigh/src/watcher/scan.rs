//! Who asks for very many addresses.

use super::heard::{Mac, Place};
use lru::LruCache;
use neighbour::Prefix;
use std::collections::HashSet;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Askers that are counted at a time; the one that was silent for longest is forgotten first.
const ASKERS: NonZeroUsize = NonZeroUsize::new(256).unwrap();
/// Addresses that are told apart of one asker.
const TARGETS: usize = 4096;
/// Counting begins anew after this.
const WINDOW: Duration = Duration::from_secs(60);

/// A place, who asks, and whether for IPv4.
type Asker = (Place, Mac, bool);

/// Questions by who asks them.
#[derive(Debug)]
pub(crate) struct Scans {
    threshold: usize,
    askers: LruCache<Asker, Questions>,
}

#[derive(Debug)]
struct Questions {
    since: Duration,
    targets: HashSet<IpAddr>,
    /// The bits that all targets share.
    common: (IpAddr, u8),
    /// So many targets are told of next.
    next: usize,
}

/// Somebody asks for very many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Scan {
    /// Different addresses.
    pub(crate) count: usize,
    /// There may be more: no more are told apart.
    pub(crate) or_more: bool,
    /// What all of them share.
    pub(crate) prefix: Prefix,
    /// Since the first of them.
    pub(crate) within: Duration,
}

impl Scans {
    /// So many addresses are a scan.
    pub(crate) fn new(threshold: usize) -> Self {
        Self { threshold: threshold.clamp(2, TARGETS), askers: LruCache::new(ASKERS) }
    }

    /// Somebody asks for an address. A scan is told of at the threshold, and each time that its size has doubled.
    pub(crate) fn ask(&mut self, place: Place, who: Mac, target: IpAddr, now: Duration) -> Option<Scan> {
        let new = || Questions::new(target, self.threshold, now);
        let asker = self.askers.get_or_insert_mut((place, who, target.is_ipv4()), new);
        if now.saturating_sub(asker.since) > WINDOW {
            *asker = Questions::new(target, self.threshold, now);
        }
        if asker.targets.len() >= TARGETS || !asker.targets.insert(target) {
            return None;
        }
        asker.common.1 = shared_bits(asker.common.0, target).min(asker.common.1);
        let count = asker.targets.len();
        if count < asker.next {
            return None;
        }
        asker.next = (count * 2).min(TARGETS);
        let (address, bits) = asker.common;
        let prefix = Prefix::new(address, bits).unwrap_or_else(|_| Prefix::host(address)).network();
        let within = now.saturating_sub(asker.since);
        Some(Scan { count, or_more: count >= TARGETS, prefix, within })
    }
}

impl Questions {
    fn new(target: IpAddr, threshold: usize, now: Duration) -> Self {
        let common = (target, Prefix::host(target).prefix_len());
        Self { since: now, targets: HashSet::new(), common, next: threshold }
    }
}

/// How many leading bits two addresses of a family share.
fn shared_bits(a: IpAddr, b: IpAddr) -> u8 {
    let bits = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => 0,
    };
    bits as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHO: Mac = [2, 0, 0, 0, 0, 1];

    fn target(n: u128) -> IpAddr {
        IpAddr::V6((0x2001_0db8_u128 << 96 | n).into())
    }

    #[test]
    fn a_scan_is_told_with_its_size_and_prefix_and_again_when_it_has_doubled() {
        let mut scans = Scans::new(100);
        let mut told = Vec::new();
        for n in 0..10_000_u64 {
            let now = Duration::from_millis(n);
            // Asked twice is one address.
            assert_eq!(scans.ask(Place::default(), WHO, target(0), now), None);
            told.extend(scans.ask(Place::default(), WHO, target(u128::from(n)), now));
        }
        let sizes: Vec<_> = told.iter().map(|scan| (scan.count, scan.or_more)).collect();
        let doubled = [100, 200, 400, 800, 1600, 3200].map(|count| (count, false));
        assert_eq!(sizes, [&doubled[..], &[(4096, true)]].concat());
        assert_eq!(told[0].prefix.to_string(), "2001:db8::/121");
        assert_eq!(told[0].within, Duration::from_millis(99));
    }

    #[test]
    fn who_asks_for_few_in_a_minute_scans_nothing() {
        let mut scans = Scans::new(100);
        for n in 0..1000 {
            let now = Duration::from_secs(n);
            assert_eq!(scans.ask(Place::default(), WHO, target(u128::from(n)), now), None);
        }
    }

    #[test]
    fn askers_are_bounded_and_so_is_what_is_known_of_each() {
        let mut scans = Scans::new(100);
        for n in 0..100_000_u32 {
            let [_, b, c, d] = n.to_be_bytes();
            scans.ask(Place::default(), [2, 0, 0, b, c, d], target(u128::from(n)), Duration::ZERO);
        }
        for n in 0..100_000_u32 {
            scans.ask(Place::default(), WHO, target(u128::from(n)), Duration::ZERO);
        }
        assert_eq!(scans.askers.len(), ASKERS.get());
        assert!(scans.askers.iter().all(|(_, asker)| asker.targets.len() <= TARGETS));
    }
}
