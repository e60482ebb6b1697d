//! What was seen, in order: frames at the wire, and what the peer's own table and socket say.
//!
//! Our engine's word is no evidence. It appears once: that a packet was given back is a thing done to the
//! caller, which no wire can show.

use super::frame::{Mac, Sighting, What};
use neighbour::{Family, NudState};
use neighbour_link::{Direction, Time};
use std::net::IpAddr;
use std::time::Duration;

/// One thing seen, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) at: Time,
    pub(crate) fact: Fact,
}

/// A thing seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// A frame passed.
    Frame(Sighting),
    /// The peer's table changed, by its notifications.
    PeerTable { address: IpAddr, lladdr: Option<Mac>, state: NudState, removed: bool },
    /// The peer's socket got its datagram back.
    PeerHeard(Family),
    /// The engine gave this echo request back as undeliverable.
    GivenBack { family: Family, seq: u16 },
}

/// One end of the story's link, of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) address: IpAddr,
    pub(crate) mac: Mac,
}

/// The timers and counters that the engine was given, by which the wire is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timers {
    pub(crate) base_reachable: Duration,
    pub(crate) delay_first_probe: Duration,
    pub(crate) retrans: Duration,
    pub(crate) ucast_solicit: usize,
    pub(crate) mcast_solicit: usize,
}

impl Timers {
    /// A timer is never early by more than the grain of the engine's clock.
    pub(crate) const GRAIN: Duration = Duration::from_millis(4);
    /// How late a busy machine may make a timer.
    pub(crate) const SLACK: Duration = Duration::from_millis(350);

    /// So long after its last confirmation a neighbour is STALE for certain, whatever was drawn (DM-27).
    pub(crate) fn stale_after(&self) -> Duration {
        self.base_reachable * 3 / 2
    }

    /// So long it is REACHABLE at least; less what passes between an answer and the next packet.
    pub(crate) fn reachable_for(&self) -> Duration {
        (self.base_reachable / 2).saturating_sub(Self::GRAIN * 5)
    }
}

/// The records of one phase, as its judge sees them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'r> {
    /// From the phase's beginning on.
    pub(crate) records: &'r [Record],
    pub(crate) family: Family,
    pub(crate) us: End,
    pub(crate) peer: End,
    pub(crate) timers: Timers,
    /// When the phase began; its action was taken then.
    pub(crate) began: Time,
    /// Now, or when it ended.
    pub(crate) until: Time,
    /// When the peer was last heard to confirm that it is there, before the phase began.
    pub(crate) confirmed: Time,
}

impl<'r> View<'r> {
    /// The frames of this way that fit, in order, each with its place among the records.
    pub(crate) fn frames(
        &self,
        direction: Direction,
        fits: impl Fn(&Sighting) -> bool,
    ) -> Vec<(usize, &'r Sighting)> {
        let frames = self.records.iter().enumerate().filter_map(|(place, record)| match &record.fact {
            Fact::Frame(sighting) if sighting.direction == direction => Some((place, sighting)),
            _ => None,
        });
        frames.filter(|(_, sighting)| fits(sighting)).collect()
    }

    /// Our questions for the peer's address, unicast and multicast.
    pub(crate) fn solicits(&self) -> Vec<(usize, &'r Sighting)> {
        self.frames(
            Direction::Out,
            |s| matches!(s.what, What::Solicit { target, .. } if target == self.peer.address),
        )
    }

    /// The peer's solicited answers to us, with its true address.
    pub(crate) fn answers(&self) -> Vec<(usize, &'r Sighting)> {
        self.frames(Direction::In, |s| match s.what {
            What::Answer { target, lladdr, solicited: true } => {
                // An NA in answer to unicast may leave its address option out (RFC 4861 section 4.4).
                let claims = lladdr.unwrap_or(s.from);
                (target, claims, s.to) == (self.peer.address, self.peer.mac, self.us.mac)
            }
            _ => false,
        })
    }

    /// Our echo requests of this number, to the peer's address.
    pub(crate) fn requests(&self, seq: u16) -> Vec<(usize, &'r Sighting)> {
        self.frames(Direction::Out, |s| match s.what {
            What::Echo { destination, reply: false, seq: n, .. } => {
                n == seq && destination == self.peer.address
            }
            _ => false,
        })
    }

    /// The peer's echo replies of this number.
    pub(crate) fn replies(&self, seq: u16) -> Vec<(usize, &'r Sighting)> {
        self.frames(Direction::In, |s| match s.what {
            What::Echo { source, reply: true, seq: n, .. } => n == seq && source == self.peer.address,
            _ => false,
        })
    }

    /// When this fact was first seen.
    pub(crate) fn fact(&self, is: impl Fn(&Fact) -> bool) -> Option<Time> {
        self.fact_after(0, is)
    }

    /// When this fact was first seen from this place among the records on.
    pub(crate) fn fact_after(&self, place: usize, is: impl Fn(&Fact) -> bool) -> Option<Time> {
        self.records.iter().skip(place).find(|record| is(&record.fact)).map(|record| record.at)
    }
}
