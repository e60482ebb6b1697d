//! How many messages there are in a second.

use super::heard::{Mac, Place};
use lru::LruCache;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Links and VLANs that are counted at a time.
const PLACES: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Messages by place.
#[derive(Debug)]
pub(crate) struct Storms {
    threshold: u64,
    places: LruCache<Place, Second>,
}

/// What came in one second of the clock.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    number: u64,
    count: u64,
    /// Who sent the most, if anybody sent more than half (Boyer and Moore's vote).
    leader: Mac,
    lead: u64,
}

/// A second has as many messages as make a storm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Storm {
    pub(crate) count: u64,
    /// Who sent most of them, if there is one who did.
    pub(crate) from: Option<Mac>,
}

impl Storms {
    /// So many in a second are a storm.
    pub(crate) fn new(threshold: u64) -> Self {
        Self { threshold: threshold.max(1), places: LruCache::new(PLACES) }
    }

    /// A message came. A storm is told of as soon as it is one, once in a second.
    pub(crate) fn count(&mut self, place: Place, from: Mac, now: Duration) -> Option<Storm> {
        let second = self.places.get_or_insert_mut(place, Second::default);
        if second.number != now.as_secs() {
            *second = Second { number: now.as_secs(), ..Second::default() };
        }
        second.count += 1;
        match (second.lead, second.leader == from) {
            (0, _) => (second.leader, second.lead) = (from, 1),
            (_, true) => second.lead += 1,
            (_, false) => second.lead -= 1,
        }
        // Its lead shows a majority if it is a good part of all.
        let leads = second.lead * 4 >= second.count;
        let storm = Storm { count: second.count, from: leads.then_some(second.leader) };
        (second.count == self.threshold).then_some(storm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_told_once_in_a_second_with_who_makes_it() {
        let (mut storms, loud) = (Storms::new(100), [2, 0, 0, 0, 0, 1]);
        let mut told = Vec::new();
        for n in 0..1000_u16 {
            let [high, low] = n.to_be_bytes();
            let from = if n % 4 == 0 { [2, 0, 0, 1, high, low] } else { loud };
            let now = Duration::from_millis(u64::from(n) * 2);
            told.extend(storms.count(Place::default(), from, now));
        }
        assert_eq!(told, [Storm { count: 100, from: Some(loud) }; 2]);
    }

    #[test]
    fn a_storm_of_many_has_no_maker_and_a_calm_link_no_storm() {
        let mut storms = Storms::new(100);
        let mut told = Vec::new();
        for n in 0..200_u8 {
            told.extend(storms.count(Place::default(), [2, 0, 0, 0, 0, n], Duration::ZERO));
        }
        assert_eq!(told, [Storm { count: 100, from: None }]);
        for n in 0..10_000 {
            let now = Duration::from_secs(1) + Duration::from_millis(n * 11);
            assert_eq!(storms.count(Place::default(), [2; 6], now), None);
        }
    }
}
