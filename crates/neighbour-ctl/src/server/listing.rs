//! A dump of neighbours that is told in parts, so that a million of them need no room for all at once.
//!
//! Between the parts the table may change, as it may in the kernel: who comes or goes meanwhile may be told of or
//! not, all others are told of once.

use super::neigh::{Wanted, proxy_entry};
use super::trouble::{Trouble, done};
use super::{Host, Options};
use crate::entry::Entry;
use crate::message::{Head, write};
use neighbour::{Engine, Family};

/// Bytes after which a part ends: as much as the kernel puts into a few of its own.
const PART: usize = 64 * 1024;

/// How far the dump has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Listing {
    /// Of each message.
    pub(super) head: Head,
    pub(super) options: Options,
    pub(super) wanted: Wanted,
    /// Told in the end.
    pub(super) warning: Trouble,
    pub(super) proxies: bool,
    /// The families still to be told of, the first one from this place on.
    pub(super) families: Vec<Family>,
    pub(super) place: u32,
}

impl Listing {
    /// Tells a part. False if that was the last one, with the end of the dump.
    pub(super) fn part(&mut self, host: &impl Host, out: &mut Vec<u8>) -> bool {
        let full = out.len() + PART;
        while let Some(family) = self.families.first().copied() {
            let left = match self.proxies {
                true => self.tell(proxies(host.engine(), family, self.place), full, out),
                false => {
                    let entries = host.engine().neighbours_from(family, self.place);
                    self.tell(entries.map(|(place, info)| (place, Entry::from(&info))), full, out)
                }
            };
            if let Some(place) = left {
                self.place = place;
                return true;
            }
            self.families.remove(0);
            self.place = 0;
        }
        done(out, &self.options, self.head, &self.warning);
        false
    }

    /// Tells of these until the part is full; then where to go on.
    fn tell(
        &self,
        entries: impl Iterator<Item = (u32, Entry)>,
        full: usize,
        out: &mut Vec<u8>,
    ) -> Option<u32> {
        for (place, entry) in entries {
            if out.len() >= full {
                return Some(place);
            }
            if self.wanted.admits(&entry) {
                write(out, self.head, |message| entry.write(message));
            }
        }
        None
    }
}

fn proxies(engine: &Engine, family: Family, place: u32) -> impl Iterator<Item = (u32, Entry)> {
    let own = engine.proxies().filter(move |proxy| Family::of(proxy.address) == family);
    (0..).zip(own.map(proxy_entry)).skip(place as usize)
}
