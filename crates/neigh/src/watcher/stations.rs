//! Who is at which link-layer address, as far as it was heard: at most so many, whatever is sent.
//!
//! A station counts as proven once it was heard again, some time after the first, at the address where it was. When
//! there is no room for another one, the oldest that is not proven goes first: a flood of made-up addresses pushes out
//! itself.

use super::heard::{Mac, Place};
use lru::LruCache;
use std::net::IpAddr;
use std::time::Duration;

/// Heard again this long after the first time, a station is proven.
const PROVEN_AFTER: Duration = Duration::from_secs(10);
/// Link-layer addresses that are remembered of a station, the one it has included.
const REMEMBERED: usize = 4;
/// If two answer for one address within this time, both have it.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Which station.
pub(crate) type Key = (Place, IpAddr);

#[derive(Debug)]
struct Station {
    first: Duration,
    /// The one it has, and those before it, each once; the newest first.
    lladdrs: Vec<Mac>,
    answered: Option<(Duration, Mac)>,
}

/// What was heard of a station is ...
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// that it is there.
    New,
    /// nothing new.
    None,
    /// an address that it never had; before it had the one named here.
    Changed(Mac),
    /// the address before this one.
    FlipFlop(Mac),
    /// an older one.
    Reused(Mac),
}

/// All that is known of a message about a station.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct News {
    pub(crate) change: Change,
    /// Somebody else answered for the same address just before.
    pub(crate) rival: Option<Mac>,
    /// Another station had to be forgotten for this one.
    pub(crate) forgot: bool,
}

/// All stations.
#[derive(Debug)]
pub(crate) struct Stations {
    limit: usize,
    unproven: LruCache<Key, Station>,
    proven: LruCache<Key, Station>,
    forgotten: u64,
}

impl Stations {
    /// At most `limit` of them, and at least one.
    pub(crate) fn new(limit: usize) -> Self {
        let (unproven, proven) = (LruCache::unbounded(), LruCache::unbounded());
        Self { limit: limit.max(1), unproven, proven, forgotten: 0 }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.unproven.len() + self.proven.len()
    }

    /// How many there may be.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// How many were forgotten for others.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// A station was said to be at this address; in an answer, or unasked.
    pub(crate) fn hear(&mut self, key: Key, lladdr: Mac, answer: bool, now: Duration) -> News {
        let is_proven = self.proven.contains(&key);
        let table = if is_proven { &mut self.proven } else { &mut self.unproven };
        let Some(station) = table.get_mut(&key) else {
            let forgot = self.make_room();
            let answered = answer.then_some((now, lladdr));
            self.unproven.push(key, Station { first: now, lladdrs: vec![lladdr], answered });
            return News { change: Change::New, rival: None, forgot };
        };
        let change = station.is_at(lladdr);
        let rival = station.rival(lladdr, answer, now);
        let proof = change == Change::None && now.saturating_sub(station.first) >= PROVEN_AFTER;
        if proof
            && !is_proven
            && let Some((key, station)) = self.unproven.pop_entry(&key)
        {
            self.proven.push(key, station);
        }
        News { change, rival, forgot: false }
    }

    fn make_room(&mut self) -> bool {
        if self.len() < self.limit {
            return false;
        }
        if self.unproven.pop_lru().is_none() {
            self.proven.pop_lru();
        }
        self.forgotten += 1;
        true
    }
}

impl Station {
    fn is_at(&mut self, lladdr: Mac) -> Change {
        let before = self.lladdrs.first().copied().unwrap_or_default();
        let known = self.lladdrs.iter().position(|known| *known == lladdr);
        match known {
            Some(place) => drop(self.lladdrs.remove(place)),
            None => self.lladdrs.truncate(REMEMBERED - 1),
        }
        self.lladdrs.insert(0, lladdr);
        match known {
            Some(0) => Change::None,
            Some(1) => Change::FlipFlop(before),
            Some(_) => Change::Reused(before),
            None => Change::Changed(before),
        }
    }

    /// Who else answered for it just before.
    fn rival(&mut self, lladdr: Mac, answer: bool, now: Duration) -> Option<Mac> {
        if !answer {
            return None;
        }
        let before = self.answered.replace((now, lladdr));
        let (_, rival) = before.filter(|(at, _)| now.saturating_sub(*at) <= AT_ONCE)?;
        (rival != lladdr).then_some(rival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Mac = [2, 0, 0, 0, 0, 0xa];
    const B: Mac = [2, 0, 0, 0, 0, 0xb];

    fn key(n: u32) -> Key {
        (Place::default(), IpAddr::from(n.to_be_bytes()))
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_000 + seconds)
    }

    #[test]
    fn changes_are_told_apart_by_what_was_before() {
        let mut stations = Stations::new(8);
        let others: Vec<Mac> = (1..=4).map(|n| [2, 0, 0, 0, 1, n]).collect();
        let mut says = |lladdr| stations.hear(key(1), lladdr, false, at(0)).change;
        assert_eq!(says(A), Change::New);
        assert_eq!(says(A), Change::None);
        assert_eq!(says(B), Change::Changed(A));
        assert_eq!(says(A), Change::FlipFlop(B));
        assert_eq!(says(others[0]), Change::Changed(A));
        assert_eq!(says(B), Change::Reused(others[0]));
        // Four are remembered.
        assert_eq!(says(others[1]), Change::Changed(B));
        assert_eq!(says(others[2]), Change::Changed(others[1]));
        assert_eq!(says(A), Change::Changed(others[2]), "too long ago");
    }

    #[test]
    fn a_flood_pushes_out_itself_and_not_who_was_heard_again() {
        let mut stations = Stations::new(100);
        for n in 0..10 {
            stations.hear(key(n), A, false, at(0));
            assert_eq!(stations.hear(key(n), A, false, at(10)).change, Change::None);
        }
        for n in 1_000..50_000 {
            stations.hear(key(n), B, false, at(20));
            assert!(stations.len() <= 100);
        }
        assert_eq!((stations.len(), stations.forgotten()), (100, 49_000 - 90));
        for n in 0..10 {
            assert_eq!(stations.hear(key(n), A, false, at(21)).change, Change::None, "{n}");
        }
        assert_eq!(stations.hear(key(49_999), B, false, at(21)).change, Change::None);
        assert_eq!(stations.hear(key(1_000), B, false, at(21)).change, Change::New, "the oldest went");
    }

    #[test]
    fn proven_ones_go_when_there_are_no_others() {
        let mut stations = Stations::new(2);
        for n in 0..3 {
            stations.hear(key(n), A, false, at(0));
            stations.hear(key(n), A, false, at(10));
        }
        assert_eq!((stations.len(), stations.forgotten()), (2, 1));
        assert_eq!(stations.hear(key(0), A, false, at(11)).change, Change::New);
    }

    #[test]
    fn two_that_answer_at_once_are_rivals() {
        let mut stations = Stations::new(8);
        let mut says = |lladdr, answer, seconds| stations.hear(key(1), lladdr, answer, at(seconds)).rival;
        assert_eq!(says(A, true, 0), None);
        assert_eq!(says(A, true, 1), None);
        assert_eq!(says(B, false, 1), None, "that is no answer");
        assert_eq!(says(B, true, 1), Some(A));
        assert_eq!(says(A, true, 9), None, "that was long ago");
    }
}
