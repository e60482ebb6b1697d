//! What must be seen, for each family.

use neighbour::Family;

/// A thing that must be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Item {
    Incomplete,
    Solicitation,
    Answer,
    Delivered,
    Reachable,
    Stale,
    Delay,
    Probe,
    ProbeAnswered,
    Confirmed,
    Failed,
    GivenBack,
    PeerResolves,
    PeerHears,
}

impl Item {
    /// All of them, in the story's order.
    pub(crate) const ALL: [Self; 14] = [
        Self::Incomplete,
        Self::Solicitation,
        Self::Answer,
        Self::Delivered,
        Self::Reachable,
        Self::Stale,
        Self::Delay,
        Self::Probe,
        Self::ProbeAnswered,
        Self::Confirmed,
        Self::Failed,
        Self::GivenBack,
        Self::PeerResolves,
        Self::PeerHears,
    ];

    /// A short name, for the summary and for machines.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Incomplete => "INCOMPLETE",
            Self::Solicitation => "solicitation",
            Self::Answer => "answer",
            Self::Delivered => "delivered",
            Self::Reachable => "REACHABLE",
            Self::Stale => "STALE",
            Self::Delay => "DELAY",
            Self::Probe => "PROBE",
            Self::ProbeAnswered => "probe answered",
            Self::Confirmed => "confirmed",
            Self::Failed => "FAILED",
            Self::GivenBack => "given back",
            Self::PeerResolves => "peer resolves us",
            Self::PeerHears => "peer hears us",
        }
    }

    /// What it means.
    pub(crate) const fn meaning(self, family: Family) -> &'static str {
        match (self, family) {
            (Self::Incomplete, _) => "the first packet waits, the entry is INCOMPLETE",
            (Self::Solicitation, Family::Inet) => "everybody is asked, by broadcast",
            (Self::Solicitation, Family::Inet6) => "its solicited-node group is asked, by multicast",
            (Self::Answer, _) => "the peer answers with its address",
            (Self::Delivered, _) => "the packet that waited goes out, and is answered",
            (Self::Reachable, _) => "further packets go at once, and nobody is asked",
            (Self::Stale, _) => "after reachable_time it is no longer taken on trust",
            (Self::Delay, _) => "a packet goes to the old address at once, and no probe yet",
            (Self::Probe, _) => "delay_first_probe_time later a unicast probe",
            (Self::ProbeAnswered, _) => "the probe is answered: REACHABLE again",
            (Self::Confirmed, _) => "a DELAY that upper-layer confirmation ends, without a probe",
            (Self::Failed, _) => "the silent peer is probed ucast_solicit times, then FAILED",
            (Self::GivenBack, _) => "mcast_solicit questions to all, then the packet is given back",
            (Self::PeerResolves, _) => "the peer asks for us, we answer: REACHABLE in its table",
            (Self::PeerHears, _) => "the peer's datagram comes in, and our answer reaches its socket",
        }
    }
}

/// A verdict: what proves the item, or what was not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) item: Item,
    pub(crate) verdict: Result<String, String>,
}

impl Finding {
    pub(crate) const fn new(item: Item, verdict: Result<String, String>) -> Self {
        Self { item, verdict }
    }
}
