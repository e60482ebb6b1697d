//! Who plays, under which addresses (of the documentation's: RFC 5737, RFC 3849), by which timers.

use super::evidence::Timers;
use super::frame::Mac;
use neighbour::{Family, Prefix};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Our engine's address on the link: locally administered.
pub(crate) const OUR_MAC: Mac = [0x02, 0x6e, 0x62, 0x00, 0x00, 0x02];
/// That of a peer that is an engine. The kernel chooses its own.
pub(crate) const PEER_MAC: Mac = [0x02, 0x6e, 0x62, 0x00, 0x00, 0x01];

/// What the peer sends to our echo port.
pub(crate) const PAYLOAD: &[u8] = b"are you there?";

/// The timers by which our engine runs, short enough to watch.
///
/// reachable_time is drawn from half to one and a half of its base, and must stay above
/// delay_first_probe_time, whose sysctl counts whole seconds: else an idle entry is probed for ever (NUD-18.2).
pub(crate) const TIMERS: Timers = Timers {
    base_reachable: Duration::from_millis(2200),
    delay_first_probe: Duration::from_secs(1),
    retrans: Duration::from_millis(200),
    ucast_solicit: 3,
    mcast_solicit: 3,
};

/// The same as parameters, for both families.
pub(crate) const PARAMETERS: [(&str, &str); 6] = [
    ("neigh/base_reachable_time_ms", "2200"),
    ("neigh/delay_first_probe_time", "1"),
    ("neigh/retrans_time_ms", "200"),
    ("neigh/ucast_solicit", "3"),
    ("neigh/mcast_solicit", "3"),
    // Nobody else is on this link.
    ("conf/accept_dad", "0"),
];

/// Our engine's address and subnet.
pub(crate) fn our_prefix(family: Family) -> Prefix {
    prefix(family, 2)
}

/// The peer's.
pub(crate) fn peer_prefix(family: Family) -> Prefix {
    prefix(family, 1)
}

fn prefix(family: Family, host: u8) -> Prefix {
    let (address, length) = match family {
        Family::Inet => (IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)), 24),
        Family::Inet6 => (IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host.into())), 64),
    };
    Prefix::new(address, length).expect("both lengths fit their family")
}
