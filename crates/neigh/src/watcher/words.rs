//! What a watcher may tell of: arpwatch's words where it has some, and those of the daemon's own alerts.

/// What an alert is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum What {
    NewStation,
    ChangedEthernetAddress,
    FlipFlop,
    ReusedOldEthernetAddress,
    DuplicateAddress,
    Bogon,
    EthernetMismatch,
    EthernetBroadcast,
    IpBroadcast,
    Scan,
    Storm,
    NewRouter,
    RouterWithdrawn,
    Redirect,
    HiddenFrame,
    TableFull,
}

impl What {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 16] = [
        Self::NewStation,
        Self::ChangedEthernetAddress,
        Self::FlipFlop,
        Self::ReusedOldEthernetAddress,
        Self::DuplicateAddress,
        Self::Bogon,
        Self::EthernetMismatch,
        Self::EthernetBroadcast,
        Self::IpBroadcast,
        Self::Scan,
        Self::Storm,
        Self::NewRouter,
        Self::RouterWithdrawn,
        Self::Redirect,
        Self::HiddenFrame,
        Self::TableFull,
    ];

    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::NewStation => "new station",
            Self::ChangedEthernetAddress => "changed ethernet address",
            Self::FlipFlop => "flip flop",
            Self::ReusedOldEthernetAddress => "reused old ethernet address",
            Self::DuplicateAddress => "duplicate address",
            Self::Bogon => "bogon",
            Self::EthernetMismatch => "ethernet mismatch",
            Self::EthernetBroadcast => "ethernet broadcast",
            Self::IpBroadcast => "ip broadcast",
            Self::Scan => "scan",
            Self::Storm => "storm",
            Self::NewRouter => "new router",
            Self::RouterWithdrawn => "router withdrawn",
            Self::Redirect => "redirect",
            Self::HiddenFrame => "hidden frame",
            Self::TableFull => "table full",
        }
    }

    /// How many are told at once, and after how many seconds there is one more.
    pub(crate) const fn quota(self) -> (u32, f64) {
        match self {
            Self::NewStation => (50, 0.2),
            Self::TableFull | Self::Storm => (1, 10.0),
            _ => (10, 1.0),
        }
    }
}

/// All words of `neigh watch`, for its help; `docs/watch.md` has the same.
pub(crate) const HELP: &str = "\
What is told, of a daemon (d), of an interface or capture (w):
  new station                  d w  an address that was not known
  changed ethernet address     d w  a station has another link-layer address than before
  flip flop                    d w  it has the one before that one again
  reused old ethernet address    w  it has an older one again
  spoof suspected              d    a claim that was not believed (conf/move_policy)
  duplicate address            d w  two have the address: one defends it, or both answer for it
  address conflict             d    somebody claims an address of ours
  bogon                          w  an address that is of none of the link's prefixes
  ethernet mismatch              w  the frame comes from another address than it tells of
  ethernet broadcast             w  a station is said to be at a group's address, or at none
  ip broadcast                   w  a station is said to have a group's or broadcast address
  scan                         d w  one station asks for very many addresses
  storm                        d w  very many messages within a second
  new router                     w  a router that was not heard before
  router withdrawn               w  a router says that it is none any more
  redirect                       w  somebody is sent to another first hop
  hidden frame                   w  ARP or ND behind LLC, stacked VLAN 0, extension headers or in fragments
  table near its limit         d    more entries than gc_thresh2
  table full                   d w  an entry was refused, or the oldest stations were forgotten

Examples:
  neigh watch on eth0                      what happens on a link, without a daemon; it needs CAP_NET_RAW
  neigh watch on eth0 prefix 192.0.2.0/24  and tells of addresses outside that prefix
  neigh -j watch in trace.pcap             the same over a capture (pcap or pcapng of Ethernet)";
