//! What is counted while the world runs.

use neighbour::{Engine, EventKind, Family, NeighbourInfo, NudState, Occupancy};
use std::collections::BTreeMap;

/// Packets of a flow, or for a group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packets {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    /// By a fault of the wire, which the plan asked for.
    pub(crate) lost_on_wire: u64,
    /// To an impostor.
    pub(crate) stolen: u64,
    /// Of those that the engine took and lost: why.
    pub(crate) why: BTreeMap<&'static str, u64>,
}

impl Packets {
    /// Sent, and neither delivered nor lost by the world.
    pub(crate) fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.delivered + self.lost_on_wire)
    }
}

/// What kind of event, for counting.
pub(crate) const EVENTS: [&str; 13] = [
    "added",
    "changed",
    "removed",
    "unreachable",
    "table_overflow",
    "move_claimed",
    "moved",
    "claim_disbelieved",
    "scan",
    "storm",
    "new_station",
    "near_limit",
    "other",
];

pub(crate) fn event_index(kind: &EventKind) -> usize {
    match kind {
        EventKind::Added { .. } => 0,
        EventKind::Changed { .. } => 1,
        EventKind::Removed { .. } => 2,
        EventKind::Unreachable { .. } => 3,
        EventKind::TableOverflow { .. } => 4,
        EventKind::MoveClaimed { .. } => 5,
        EventKind::Moved { .. } | EventKind::Restless { .. } => 6,
        EventKind::ClaimDisbelieved { .. } => 7,
        EventKind::Scan { .. } => 8,
        EventKind::Storm { .. } => 9,
        EventKind::NewStation { .. } => 10,
        EventKind::NearLimit { .. } => 11,
        _ => 12,
    }
}

/// The states that charts show.
pub(crate) const STATES: [&str; 7] =
    ["REACHABLE", "STALE", "DELAY", "PROBE", "INCOMPLETE", "FAILED", "NOARP and others"];

pub(crate) fn state_index(state: NudState) -> usize {
    match state {
        NudState::REACHABLE => 0,
        NudState::STALE => 1,
        NudState::DELAY => 2,
        NudState::PROBE => 3,
        NudState::INCOMPLETE => 4,
        NudState::FAILED => 5,
        _ => 6,
    }
}

/// The classes of entries that count: see [`neighbour::Occupancy`].
pub(crate) const CLASSES: [&str; 5] = ["verified", "heard", "pending", "failed", "fixed"];

/// One moment, for the charts.
#[derive(Clone, Debug, serde::Serialize, PartialEq, Default)]
pub struct Sample {
    /// Seconds since the plan's beginning.
    pub at_s: f64,
    /// Entries by state, of both families: REACHABLE, STALE, DELAY, PROBE, INCOMPLETE, FAILED, others.
    pub states: [[u32; 7]; 2],
    /// Entries that count against the thresholds.
    pub gc_entries: [u32; 2],
    /// Those of them by class: verified, heard, pending, failed, fixed. Nothing where newcomers are not admitted by
    /// class.
    pub classes: [[u32; 5]; 2],
    /// Valid entries of hosts that are there.
    pub live: [u32; 2],
    /// Packets that wait.
    pub queued: u64,
    /// Drops since the last moment, by reason.
    pub drops: BTreeMap<&'static str, u64>,
    /// Events since the last moment, by kind.
    pub events: BTreeMap<&'static str, u64>,
    /// Packets of flows delivered since the last moment, and sent.
    pub delivered: u64,
    /// See `delivered`.
    pub sent: u64,
}

/// The most there was of what is bounded, and how it stood last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peaks {
    pub(crate) counted: [u32; 2],
    pub(crate) entries: [u64; 2],
    pub(crate) states: [[u32; 7]; 2],
    /// Entries that nobody has verified.
    pub(crate) unverified: [u32; 2],
    pub(crate) queued: u64,
    pub(crate) memory: u64,
    last_drops: BTreeMap<&'static str, u64>,
    last_events: [u64; EVENTS.len()],
}

/// What an entry takes at the worst point of growth, measured by `neigh bench`, in bytes.
const ENTRY_BYTES: u64 = 132;
/// What a waiting packet takes beside its bytes: `neighbour` and Linux count so much for its bookkeeping.
const PACKET_BYTES: u64 = 832;

impl Peaks {
    /// What costs nothing to look at.
    pub(crate) fn glance(&mut self, engine: &Engine) {
        for family in Family::BOTH {
            let f = family as usize;
            self.counted[f] = self.counted[f].max(engine.gc_entries(family));
            self.entries[f] = self.entries[f].max(engine.stats(family).entries);
        }
    }

    /// Looks at every entry, which `visit` sees as well, and at the counters.
    pub(crate) fn look(
        &mut self,
        engine: &Engine,
        events: &[u64; EVENTS.len()],
        at_s: f64,
        mut visit: impl FnMut(&NeighbourInfo, &mut Sample),
    ) -> Sample {
        self.glance(engine);
        let mut sample = Sample { at_s, ..Sample::default() };
        for family in Family::BOTH {
            let f = family as usize;
            for n in engine.neighbours(family) {
                sample.states[f][state_index(n.state)] += 1;
                sample.queued += u64::from(n.queued);
                visit(&n, &mut sample);
            }
            sample.gc_entries[f] = engine.gc_entries(family);
            if engine.admission(family).on {
                let Occupancy { counted, pending, failed, fixed, heard, .. } = engine.occupancy(family);
                let unverified = pending + failed + fixed + heard;
                sample.classes[f] = [counted.saturating_sub(unverified), heard, pending, failed, fixed];
                self.unverified[f] = self.unverified[f].max(unverified);
            }
            for (peak, now) in self.states[f].iter_mut().zip(sample.states[f]) {
                *peak = (*peak).max(now);
            }
        }
        let entries: u64 = Family::BOTH.into_iter().map(|f| engine.stats(f).entries).sum();
        self.queued = self.queued.max(sample.queued);
        self.memory = self.memory.max(entries * ENTRY_BYTES + sample.queued * PACKET_BYTES);
        let drops: BTreeMap<&'static str, u64> = engine.drops().map(|(r, n)| (r.name(), n)).collect();
        let since = |name: &&'static str, n: &u64| n - self.last_drops.get(name).copied().unwrap_or(0);
        let grown = drops.iter().map(|(name, n)| (*name, since(name, n)));
        sample.drops = grown.filter(|(_, n)| *n > 0).collect();
        let grown =
            EVENTS.iter().zip(events.iter().zip(self.last_events)).map(|(e, (n, last))| (*e, n - last));
        sample.events = grown.filter(|(_, n)| *n > 0).collect();
        (self.last_drops, self.last_events) = (drops, *events);
        sample
    }
}

/// All that is counted.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) flows: Vec<Packets>,
    /// By the group that packets are for; the last one is for the engine.
    pub(crate) groups: Vec<Packets>,
    /// Microseconds from sending to delivery, for each flow.
    pub(crate) latencies: Vec<Vec<u32>>,
    /// Fewest valid entries of a group's members at any sample while attackers were at work.
    pub(crate) entries_least: Vec<Option<u32>>,
    pub(crate) entries_end: Vec<u32>,
    pub(crate) events: [u64; EVENTS.len()],
    pub(crate) frames_in: u64,
    pub(crate) frames_out: u64,
    /// Requests and solicitations that the engine sent.
    pub(crate) asked: u64,
    pub(crate) attack_frames: u64,
    pub(crate) timer_calls: u64,
    pub(crate) peaks: Peaks,
    pub(crate) samples: Vec<Sample>,
    pub(crate) last_packets: (u64, u64),
}

impl Measure {
    pub(crate) fn new(groups: usize, flows: usize) -> Self {
        Self {
            flows: vec![Packets::default(); flows],
            groups: vec![Packets::default(); groups + 1],
            latencies: vec![Vec::new(); flows],
            entries_least: vec![None; groups],
            entries_end: vec![0; groups],
            events: [0; EVENTS.len()],
            frames_in: 0,
            frames_out: 0,
            asked: 0,
            attack_frames: 0,
            timer_calls: 0,
            peaks: Peaks::default(),
            samples: Vec::new(),
            last_packets: (0, 0),
        }
    }
}
