//! A host of the world: a light automaton with one address, which knows one router, the engine.

use crate::frames::{Mac, Speaker};
use crate::plan::check::Group;
use crate::plan::prefix::nth;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Packets that wait at a host until it knows the engine's hardware address; Linux keeps about as many.
pub(crate) const HOST_QUEUE: usize = 64;
/// A host asks so often, a second apart, before it gives up what waits.
pub(crate) const TRIES: u32 = 3;

/// One host.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) group: usize,
    pub(crate) segment: usize,
    pub(crate) address: IpAddr,
    pub(crate) mac: Mac,
    /// How often it had another hardware address.
    pub(crate) lives: u8,
    /// It is there, and hears and answers.
    pub(crate) present: bool,
    pub(crate) answers: bool,
    pub(crate) delay: u64,
    /// The host by which it speaks and hears, if it is not on the link.
    pub(crate) behind: Option<u32>,
    /// The engine's address on its segment.
    pub(crate) router: IpAddr,
    /// Where the engine is, as far as it knows, and until when it believes that without asking.
    pub(crate) known: Option<(Mac, u64)>,
    /// It asks: how often it has so far.
    pub(crate) asking: Option<u32>,
    /// Its turn of asking; answers to older ones change nothing.
    pub(crate) turn: u32,
    pub(crate) waiting: VecDeque<Vec<u8>>,
    /// Is it sought, and since when?
    pub(crate) sought_at: Option<u64>,
    /// When it was first reached.
    pub(crate) reached_at: Option<u64>,
    /// The first packet for it since the last one that arrived.
    pub(crate) missing_since: Option<u64>,
    /// The longest time for which it was not reached though it was sought.
    pub(crate) outage: u64,
    /// When it was first reached by a packet sent after the storm.
    pub(crate) calm_reached: Option<u64>,
}

impl Host {
    pub(crate) fn new(id: u32, n: u32, group: &Group, index: usize, behind: Option<u32>) -> Self {
        Self {
            group: index,
            segment: group.segment,
            // Whether there are so many addresses was checked with the plan.
            address: nth(group.first, u128::from(n)).unwrap_or(group.first),
            mac: mac(id, 0),
            lives: 0,
            present: false,
            answers: group.answers,
            delay: group.delay,
            behind,
            router: group.router,
            known: None,
            asking: None,
            turn: 0,
            waiting: VecDeque::new(),
            sought_at: None,
            reached_at: None,
            missing_since: None,
            outage: 0,
            calm_reached: None,
        }
    }

    pub(crate) fn speaker(&self) -> Speaker {
        Speaker { address: self.address, mac: self.mac }
    }
}

/// The hardware address of a host in its n-th life.
pub(crate) const fn mac(id: u32, life: u8) -> Mac {
    let [a, b, c, d] = id.to_be_bytes();
    let _ = a; // there are at most a million hosts
    [0x02, 0x10, life, b, c, d]
}

/// The engine's, on a segment.
pub(crate) const fn engine_mac(segment: usize) -> Mac {
    [0x02, 0, 0, 0, 0, segment as u8 + 1]
}

/// An attacker's.
pub(crate) const fn attacker_mac(kind: u8, n: u16) -> Mac {
    let [a, b] = n.to_be_bytes();
    [0x02, 0xbb, kind, 0, a, b]
}
