//! Sequences of operations: what may happen to an engine, as one type that the property tests, the fuzzer and the
//! simulator share, with [`crate::invariants`] after each of them.

mod search;
mod trial;

pub use search::{Failure, minimise, search, try_seed};
pub use trial::Trial;

use neighbour::NudState;

/// Neighbours that sequences are about; more than the third threshold of a [`Trial`].
pub const PEERS: u8 = 24;

/// What may happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A packet to a neighbour, so many bytes long.
    Send {
        /// Which neighbour.
        peer: u8,
        /// Bytes.
        len: u16,
    },
    /// A packet to a group.
    SendGroup(u8),
    /// The neighbour answers, from its own hardware address or another one.
    Answer {
        /// Which neighbour.
        peer: u8,
        /// From another hardware address.
        other: bool,
    },
    /// It makes itself known without being asked.
    Hint {
        /// Which neighbour.
        peer: u8,
        /// From another hardware address.
        other: bool,
    },
    /// It asks for us.
    Request {
        /// Which neighbour.
        peer: u8,
        /// From another hardware address.
        other: bool,
    },
    /// An advertisement with these flags: 1 router, 2 solicited, 4 override.
    Advert {
        /// Which neighbour.
        peer: u8,
        /// The flags.
        flags: u8,
        /// With its hardware address, or another one.
        lladdr: Option<bool>,
    },
    /// A solicitation for us.
    Solicit {
        /// Which neighbour.
        peer: u8,
        /// To our group rather than to us.
        multicast: bool,
        /// With its hardware address.
        lladdr: bool,
    },
    /// A right request with one byte changed, and cut.
    Spoilt {
        /// Which neighbour.
        peer: u8,
        /// The byte's place.
        at: u8,
        /// What it becomes.
        to: u8,
        /// Bytes that are left.
        keep: u8,
    },
    /// Any bytes, on one of the devices; the checksum of an ICMPv6 message is made right if it says so.
    Frame {
        /// Which device.
        device: u8,
        /// Make the checksum right.
        mend: bool,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// `ip neigh replace`, or `add`.
    Admin {
        /// Which neighbour.
        peer: u8,
        /// The state wanted.
        state: u8,
        /// With its hardware address, or another one.
        lladdr: Option<bool>,
        /// NTF_*.
        flags: u32,
        /// NLM_F_REPLACE.
        replace: bool,
    },
    /// `ip neigh del`.
    Delete(u8),
    /// Somebody holds it.
    Hold(u8),
    /// One of those who hold lets go.
    Release(u8),
    /// Upper layers heard from it.
    Confirm(u8),
    /// It is asked for once.
    ProbeOnce(u8),
    /// So many milliseconds pass.
    Time(u16),
    /// The device goes up or down.
    Link(bool),
    /// The carrier comes or goes.
    Carrier(bool),
    /// ARP is switched off or on.
    Noarp(bool),
    /// The device has another hardware address.
    Lladdr(bool),
    /// A second own address comes or goes.
    Address(bool),
    /// All entries of the device go.
    Flush,
    /// A parameter is set: one of [`KNOBS`].
    Set(&'static str, u32),
}

/// Parameters, with values that matter.
pub const KNOBS: [(&str, u32); 19] = [
    ("neigh/mcast_solicit", 0),
    ("neigh/mcast_solicit", 2),
    ("neigh/ucast_solicit", 0),
    ("neigh/ucast_solicit", 2),
    ("neigh/app_solicit", 1),
    ("neigh/app_solicit", 0),
    ("neigh/mcast_resolicit", 2),
    ("neigh/retrans_time_ms", 0),
    ("neigh/retrans_time_ms", 300),
    ("neigh/base_reachable_time_ms", 0),
    ("neigh/base_reachable_time_ms", 3000),
    ("neigh/delay_first_probe_time", 0),
    ("neigh/gc_stale_time", 0),
    ("neigh/unres_qlen_bytes", 0),
    ("neigh/unres_qlen_bytes", 3000),
    ("gc_thresh1", 0),
    ("gc_thresh2", 4),
    ("conf/forwarding", 0),
    ("ipv4/conf/arp_accept", 1),
];

const FLAGS: [u32; 10] = [0, 0, 0, 0x01, 0x10, 0x80, 0x100, 0x101, 0x400, 0x410];

/// How often each kind comes, in the order of [`Op::decode`].
const WEIGHTS: [u8; 23] = [12, 1, 6, 3, 4, 4, 4, 4, 1, 8, 3, 3, 3, 2, 1, 8, 1, 1, 1, 1, 1, 1, 2];

/// Bytes, and zeros behind them.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn u8(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().map_or((0, self.0), |(first, rest)| (*first, rest));
        self.0 = rest;
        first
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.u8(), self.u8()])
    }

    fn bool(&mut self) -> bool {
        self.u8() & 1 != 0
    }

    fn peer(&mut self) -> u8 {
        self.u8() % PEERS
    }

    fn lladdr(&mut self) -> Option<bool> {
        [None, Some(false), Some(true)][usize::from(self.u8() % 3)]
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::from(self.u8()) % list.len()]
    }
}

impl Op {
    /// The operation that these bytes stand for; there is one for any, and zeros stand for missing ones.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut b = Bytes(bytes);
        let all: u32 = WEIGHTS.iter().map(|w| u32::from(*w)).sum();
        let mut place = u32::from(b.u8()) * all / 256;
        let kind = WEIGHTS.iter().position(|weight| {
            let here = place < u32::from(*weight);
            place = place.saturating_sub(u32::from(*weight));
            here
        });
        match kind.unwrap_or(0) {
            0 => Self::Send { peer: b.peer(), len: 20 + b.u16() % 1480 },
            1 => Self::SendGroup(b.u8()),
            2 => Self::Answer { peer: b.peer(), other: b.bool() },
            3 => Self::Hint { peer: b.peer(), other: b.bool() },
            4 => Self::Request { peer: b.peer(), other: b.bool() },
            5 => Self::Advert { peer: b.peer(), flags: b.u8() & 7, lladdr: b.lladdr() },
            6 => Self::Solicit { peer: b.peer(), multicast: b.bool(), lladdr: b.bool() },
            7 => Self::Spoilt { peer: b.peer(), at: b.u8() % 90, to: b.u8(), keep: b.u8() % 120 },
            8 => Self::Frame { device: b.u8(), mend: b.bool(), bytes: b.0.to_vec() },
            9 => {
                let peer = b.peer();
                // One in ten is any number, the others are states that have a name.
                let state = match b.u8() % 10 {
                    0 => b.u8(),
                    _ => b.pick(&NudState::ALL).0,
                };
                let (lladdr, flags) = (b.lladdr(), b.pick(&FLAGS));
                Self::Admin { peer, state, lladdr, flags, replace: b.bool() }
            }
            10 => Self::Delete(b.peer()),
            11 => Self::Hold(b.peer()),
            12 => Self::Release(b.u8()),
            13 => Self::Confirm(b.peer()),
            14 => Self::ProbeOnce(b.peer()),
            15 => {
                let most = b.pick(&[10, 2000, 40_000]);
                Self::Time(b.u16() % most)
            }
            16 => Self::Link(b.bool()),
            17 => Self::Carrier(b.bool()),
            18 => Self::Noarp(b.bool()),
            19 => Self::Lladdr(b.bool()),
            20 => Self::Address(b.bool()),
            21 => Self::Flush,
            _ => {
                let (name, value) = b.pick(&KNOBS);
                Self::Set(name, value)
            }
        }
    }

    /// The operations of an input of the fuzzer: a length, and so many bytes.
    pub fn sequence(mut input: &[u8]) -> Vec<Self> {
        let mut ops = Vec::new();
        while let Some((len, rest)) = input.split_first() {
            let (bytes, after) = rest.split_at(usize::from(*len).min(rest.len()));
            ops.push(Self::decode(bytes));
            input = after;
        }
        ops
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_operation_has_bytes_that_stand_for_it() {
        let kinds: std::collections::BTreeSet<String> = (0..=255u8)
            .map(|first| format!("{:?}", Op::decode(&[first, 1, 2, 3, 4, 5, 6, 7])))
            .map(|op| op.split(['(', ' ']).next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(kinds.len(), WEIGHTS.len(), "{kinds:?}");
        assert_eq!(Op::decode(&[]), Op::Send { peer: 0, len: 20 }, "zeros stand for missing bytes");
    }

    #[test]
    fn an_input_is_a_sequence_whatever_it_holds() {
        assert_eq!(Op::sequence(&[]), []);
        assert_eq!(Op::sequence(&[2, 0, 5, 0, 200]).len(), 3);
    }
}
