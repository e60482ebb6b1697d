//! The steps of a sequence, and the dice that make them.

use neighbour::Flags;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The hosts under test: both have these.
pub(crate) const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub(crate) const OWN_V4: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
pub(crate) const OWN_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 9, 0, 0, 0, 0, 0, 1);
/// The link-layer addresses that their neighbours claim.
pub(crate) const PEERS: [[u8; 6]; 2] = [[2, 0, 0, 0, 0, 0xa], [2, 0, 0, 0, 0, 0xb]];

/// A neighbour by number: three of each family.
pub(crate) fn neighbour(n: u8) -> IpAddr {
    match n {
        0..3 => Ipv4Addr::new(10, 9, 0, 10 + n).into(),
        _ => Ipv6Addr::new(0xfd00, 9, 0, 0, 0, 0, 0, 0x10 + u16::from(n) - 3).into(),
    }
}

/// Parameters that sequences change (`RTM_SETNEIGHTBL`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Parameter {
    UcastProbes,
    McastProbes,
    McastReprobes,
    AppProbes,
    Locktime,
    QueueBytes,
}

/// What happens to both hosts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// RTM_NEWNEIGH.
    New {
        neighbour: u8,
        lladdr: Option<u8>,
        state: u16,
        flags: Flags,
        create: bool,
        exclusive: bool,
        replace: bool,
        protocol: u8,
    },
    /// RTM_DELNEIGH.
    Delete {
        neighbour: u8,
        proxy: bool,
    },
    /// RTM_NEWNEIGH of a proxy entry.
    Proxy {
        neighbour: u8,
    },
    Parameter {
        v6: bool,
        parameter: Parameter,
        value: u32,
    },
    /// An ARP packet of a neighbour; `target` none: of the host under test.
    Arp {
        request: bool,
        sender: Option<u8>,
        lladdr: u8,
        target: Option<u8>,
        broadcast: bool,
    },
    Solicit {
        sender: Option<u8>,
        lladdr: u8,
        option: bool,
        multicast: bool,
    },
    Advert {
        neighbour: u8,
        lladdr: u8,
        option: bool,
        router: bool,
        solicited: bool,
        overrides: bool,
        multicast: bool,
    },
    RouterSolicit {
        sender: u8,
        lladdr: u8,
        option: bool,
    },
    RouterAdvert {
        sender: u8,
        lladdr: u8,
        option: bool,
    },
    /// An echo request of a neighbour: the host answers, and so sends to it.
    Echo {
        neighbour: u8,
        lladdr: u8,
    },
    /// The cable is pulled, and put back.
    Carrier,
    /// Milliseconds.
    Wait(u64),
}

/// splitmix64.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x6e65_6967_6862)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// A whole sequence. It stays with a few neighbours, so that its steps meet.
    pub(crate) fn sequence(&mut self) -> Vec<Step> {
        let cast = [self.below(3) as u8, 3 + self.below(3) as u8, self.below(6) as u8];
        (0..6 + self.below(9)).map(|_| self.step(&cast)).collect()
    }

    fn step(&mut self, cast: &[u8; 3]) -> Step {
        let neighbour = self.pick(cast);
        let v6 = neighbour >= 3;
        let lladdr = self.below(2) as u8;
        match self.below(20) {
            0..4 => self.request(neighbour, lladdr),
            4 => Step::Delete { neighbour, proxy: self.below(4) == 0 },
            5 => Step::Proxy { neighbour },
            6 => self.parameter(v6),
            7..12 if !v6 => Step::Arp {
                request: self.flip(),
                sender: (self.below(8) != 0).then_some(neighbour),
                lladdr,
                target: match self.below(4) {
                    0 => Some(neighbour),
                    1 => Some(self.below(3) as u8),
                    _ => None,
                },
                broadcast: self.flip(),
            },
            7..9 => Step::Solicit {
                sender: (self.below(8) != 0).then_some(neighbour),
                lladdr,
                option: self.below(4) != 0,
                multicast: self.flip(),
            },
            9..11 => Step::Advert {
                neighbour,
                lladdr,
                option: self.below(4) != 0,
                router: self.flip(),
                solicited: self.flip(),
                overrides: self.flip(),
                multicast: self.below(4) == 0,
            },
            11 if self.flip() => Step::RouterSolicit { sender: neighbour, lladdr, option: self.flip() },
            11 => Step::RouterAdvert { sender: neighbour, lladdr, option: self.flip() },
            12..16 => Step::Echo { neighbour, lladdr },
            16 if self.below(3) == 0 => Step::Carrier,
            _ => Step::Wait(self.pick(&[60, 230, 620, 1300])),
        }
    }

    fn request(&mut self, neighbour: u8, lladdr: u8) -> Step {
        // PERMANENT, NOARP, REACHABLE, STALE, DELAY, PROBE, FAILED, INCOMPLETE, NONE.
        let state = self.pick(&[0x80, 0x40, 0x02, 0x04, 0x04, 0x08, 0x10, 0x20, 0x01, 0x00]);
        let flags = self.pick(&[
            Flags::empty(),
            Flags::empty(),
            Flags::empty(),
            Flags::USE,
            Flags::EXT_LEARNED,
            Flags::ROUTER,
            Flags::MANAGED,
            Flags::EXT_VALIDATED,
            Flags::EXT_LEARNED.union(Flags::ROUTER),
        ]);
        let (create, exclusive, replace) = self.pick(&[
            (true, true, false),
            (true, false, true),
            (true, false, false),
            (false, false, true),
            (false, false, false),
        ]);
        let lladdr = (self.below(4) != 0).then_some(lladdr);
        let protocol = self.pick(&[0, 0, 4, 186]);
        Step::New { neighbour, lladdr, state, flags, create, exclusive, replace, protocol }
    }

    fn parameter(&mut self, v6: bool) -> Step {
        use Parameter as P;
        let (parameter, values): (P, &[u32]) = self.pick(&[
            (P::UcastProbes, &[0, 1, 2]),
            (P::McastProbes, &[0, 1, 2]),
            (P::McastReprobes, &[0, 1]),
            (P::AppProbes, &[0, 1]),
            (P::Locktime, &[0, 5000]),
            (P::QueueBytes, &[0, 1, 2000]),
        ]);
        Step::Parameter { v6, parameter, value: self.pick(values) }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |n: &u8| neighbour(*n);
        match self {
            Self::New { neighbour: n, lladdr, state, flags, create, exclusive, replace, protocol } => {
                write!(
                    f,
                    "RTM_NEWNEIGH {} state {state:#04x} flags {:#x} protocol {protocol}",
                    name(n),
                    flags.bits()
                )?;
                lladdr.iter().try_for_each(|n| write!(f, " lladdr {}", ["A", "B"][usize::from(*n)]))?;
                let words = [(create, " create"), (exclusive, " excl"), (replace, " replace")];
                words.into_iter().filter(|(set, _)| **set).try_for_each(|(_, word)| f.write_str(word))
            }
            Self::Delete { neighbour: n, proxy } => {
                write!(f, "RTM_DELNEIGH {}{}", name(n), if *proxy { " proxy" } else { "" })
            }
            Self::Proxy { neighbour: n } => write!(f, "RTM_NEWNEIGH proxy {}", name(n)),
            Self::Wait(ms) => write!(f, "wait {ms} ms"),
            other => write!(f, "{other:?}"),
        }
    }
}
