//! Counters: Linux's, by the names of /proc/net/stat/arp_cache, and one for each reason to drop.

use core::fmt;

/// Linux's counters of one table (PRC-2, TBL-4).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Live objects, dead but referenced ones included.
    pub entries: u64,
    /// Objects made.
    pub allocs: u64,
    /// Objects destroyed.
    pub destroys: u64,
    /// Times the hash doubled, as Linux's would have (HSH-3).
    pub hash_grows: u64,
    /// Counted lookups (LKP-1); packets sent are not among them.
    pub lookups: u64,
    /// Counted lookups that found an entry.
    pub hits: u64,
    /// Resolutions that failed.
    pub res_failed: u64,
    /// Solicitations received by multicast (ND).
    pub rcv_probes_mcast: u64,
    /// Solicitations received by unicast (ND).
    pub rcv_probes_ucast: u64,
    /// Runs of the periodic collection.
    pub periodic_gc_runs: u64,
    /// Runs of the forced collection.
    pub forced_gc_runs: u64,
    /// Packets dropped since the entry's queue was full.
    pub unresolved_discards: u64,
    /// Creations refused since the table was full.
    pub table_fulls: u64,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// Why a frame or a packet was dropped. Each reason has a counter ([`crate::Engine::drops`]).
        #[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum DropReason { $($(#[doc = $doc])+ $name,)+ }

        impl DropReason {
            /// All reasons.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The counter's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

reasons! {
    /// The frame is shorter than its header.
    FrameTruncated = "frame_truncated",
    /// 802.3 length instead of a type: LLC or SNAP.
    FrameLlc = "frame_llc",
    /// A VLAN tag with an id: not for this device.
    FrameVlan = "frame_vlan",
    /// Another station's unicast address.
    OtherHost = "other_host",
    /// A protocol that is neither ARP nor IP.
    UnknownProtocol = "unknown_protocol",
    /// The device is down or unknown.
    DeviceDown = "device_down",
    /// ARP on a device without ARP (ARP-23).
    ArpNoarpDevice = "arp_noarp_device",
    /// Shorter than its lengths say (ARP-24).
    ArpTruncated = "arp_truncated",
    /// Hardware or protocol address length is not the device's (ARP-24).
    ArpBadLength = "arp_bad_length",
    /// Hardware or protocol type is not the device's (ARP-26).
    ArpBadType = "arp_bad_type",
    /// Neither request nor reply (ARP-27).
    ArpBadOp = "arp_bad_op",
    /// The target is multicast or loopback (ARP-28).
    ArpBadTarget = "arp_bad_target",
    /// Somebody else claims an own address, or looks for one that is being checked (RFC 5227).
    ArpConflict = "arp_conflict",
    /// Gratuitous, and drop_gratuitous_arp is set (ARP-29).
    ArpGratuitous = "arp_gratuitous",
    /// A request left unanswered since arp_ignore says so (ARP-53).
    ArpIgnored = "arp_ignored",
    /// A request left unanswered since the answer would leave by another device (ARP-54).
    ArpFiltered = "arp_filtered",
    /// The device has no IPv4 addresses or no IPv6.
    NoFamily = "no_family",
    /// An IP header that lies or is cut.
    IpMalformed = "ip_malformed",
    /// An IP packet with a source no host may have.
    IpBadSource = "ip_bad_source",
    /// An IP packet for an address or group that is not ours.
    IpNotForUs = "ip_not_for_us",
    /// ND in a fragment (ND-16, RFC 6980).
    NdFragment = "nd_fragment",
    /// ND with a hop limit under 255 (ND-16).
    NdHopLimit = "nd_hop_limit",
    /// ICMPv6 checksum wrong.
    NdChecksum = "nd_checksum",
    /// ND with a code that is not 0 (ND-16).
    NdCode = "nd_code",
    /// ND shorter than its type's minimum.
    NdTruncated = "nd_truncated",
    /// An option of length 0, cut, or past the end (ND-17).
    NdBadOption = "nd_bad_option",
    /// A link-layer address option of the wrong length (ND-18).
    NdBadLladdr = "nd_bad_lladdr",
    /// The target is multicast (ND-20, ND-40).
    NdMulticastTarget = "nd_multicast_target",
    /// DAD not sent to a solicited-node group, or with a source address option (ND-21, ND-22).
    NdBadDad = "nd_bad_dad",
    /// A solicited advertisement to a group (ND-40).
    NdSolicitedMulticast = "nd_solicited_multicast",
    /// An unsolicited advertisement, and drop_unsolicited_na is set (ND-41).
    NdUnsolicited = "nd_unsolicited",
    /// An advertisement or redirect whose source is not link-local (ND-55, ND-66).
    NdSourceNotLinkLocal = "nd_source_not_link_local",
    /// A redirect that its rules forbid (ND-66).
    NdBadRedirect = "nd_bad_redirect",
    /// A valid message that concerns nobody here: a target not ours, an unknown neighbour.
    NdIgnored = "nd_ignored",
    /// Too many requests for proxied addresses wait (PXY-14).
    ProxyQueueFull = "proxy_queue_full",
    /// The entry has FAILED and there is no way to ask (NUD-5).
    NeighFailed = "neigh_failed",
    /// The entry is dead (DST-6).
    NeighDead = "neigh_dead",
    /// The entry's queue was full; the oldest went (QUE-2).
    NeighQueueFull = "neigh_queuefull",
    /// All queues together were full.
    QueueTotal = "neigh_queue_total",
    /// What waited when the entry was removed (QUE-9).
    NeighFlushed = "neigh_flushed",
    /// No entry could be made (CRE-19).
    NeighCreateFail = "neigh_createfail",
    /// No entry, since the budget for those that nobody has verified is spent; it may have been asked for without one
    /// ([`crate::Admission`]).
    NeighBudget = "neigh_budget",
    /// A request left unanswered since its sender, or all strangers together, sent too many
    /// ([`crate::Admission::reply_rate`]).
    ReplyRate = "reply_rate",
    /// A claim of another address was not believed (`move_policy`).
    ClaimDisbelieved = "claim_disbelieved",
    /// No header could be built for this entry.
    NeighHhFail = "neigh_hh_fillfail",
    /// Unreachable: nobody answered; given back with [`crate::Event`].
    Unreachable = "unreachable",
    /// No route to the destination.
    NoRoute = "no_route",
    /// The hop limit of a packet to be forwarded ran out.
    TtlExceeded = "ttl_exceeded",
    /// The packet is longer than the device's MTU.
    TooBig = "too_big",
    /// The caller did not take frames away fast enough.
    TransmitFull = "transmit_full",
    /// An own address is not usable: tentative or duplicate.
    AddressTentative = "address_tentative",
    /// Memory could not be had.
    OutOfMemory = "out_of_memory",
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A counter for each reason.
#[derive(Clone, Debug)]
pub(crate) struct DropCounters([u64; DropReason::ALL.len()]);

impl Default for DropCounters {
    fn default() -> Self {
        Self([0; DropReason::ALL.len()])
    }
}

impl DropCounters {
    pub(crate) fn count(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }

    pub(crate) fn get(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }
}
