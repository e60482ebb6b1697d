//! What must hold after each step, whatever came: one function, [`broken`], that says what does not.
//!
//! It looks from outside: at what the engine tells ([`Ledger`] follows its events, packets and frames) and at what
//! it shows. The simulator, the property tests and the fuzzer share it.

use neighbour::{
    DeviceId, DropReason, Engine, Event, EventKind, Family, Flags, Instant, NeighbourInfo, NudState, Sent,
};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;

/// The least that a waiting packet counts for, in bytes: `neighbour` counts true memory sizes, as Linux does.
const LEAST_PACKET: u64 = 832;

/// What the engine was given and what it told, for comparing with what it shows.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The entries as events tell of them, and the last state of each.
    told: [HashMap<(DeviceId, IpAddr), NudState>; 2],
    /// Live and dead references that a caller holds, by address.
    held: BTreeMap<IpAddr, (u32, u32)>,
    /// Packets of others, or of a caller, that were given to the engine to send.
    pub offered: u64,
    /// Those of them that were refused at once.
    pub refused: u64,
    /// Those of them that left.
    pub left: u64,
    /// Those of them that came back as unreachable, and the engine's own packets that did.
    pub unreachable: u64,
    /// Entries that may be exempt, or counted, other than their state says: requests of an administrator for one state
    /// and another (CRE-1, UPD-4).
    pub born_exempt: usize,
    /// Are the engine's own packets among those counted? Otherwise only bounds can be told of waiting ones.
    pub own_packets: bool,
    /// Has anybody changed the thresholds downwards, or made entries by hand? Then tables may stand above them.
    pub thresholds_open: bool,
    /// Does an administrator set states? INCOMPLETE set by hand has no timer (UPD-22).
    pub by_hand: bool,
    /// Events that the engine had to drop since nobody took them in time, which it told.
    pub lost: u64,
    /// They are made up for by looking at the table itself.
    blind: bool,
    at_once: Vec<Broken>,
}

/// How closely to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// What costs the same whatever the number of entries.
    Quick,
    /// Each entry as well.
    Full,
}

/// Something that must hold and does not.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "lab", derive(serde::Serialize))]
pub struct Broken {
    /// Which rule.
    pub rule: &'static str,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.seen)
    }
}

impl Ledger {
    /// A ledger of an engine as it is now.
    pub fn of(engine: &Engine) -> Self {
        let mut ledger = Self::default();
        for family in Family::BOTH {
            let entries = engine.neighbours(family).map(|n| ((n.device, n.address), n.state));
            ledger.told[family as usize].extend(entries);
        }
        ledger
    }

    /// Reads the table anew, as whoever was told of lost events must.
    fn resynchronise(&mut self, engine: &Engine) {
        let fresh = Self::of(engine);
        (self.told, self.blind) = (fresh.told, false);
    }

    /// A packet was offered, and this became of it.
    pub fn offer(&mut self, sent: Sent) {
        self.offered += 1;
        self.refused += u64::from(matches!(sent, Sent::Refused(_)));
    }

    /// References to an address are held: so many to a live entry, so many to dead ones.
    pub fn hold(&mut self, address: IpAddr, live: u32, dead: u32) {
        self.held.insert(address, (live, dead));
    }

    /// Nothing is held any more.
    pub fn release_all(&mut self) {
        self.held.clear();
    }

    /// What events tell of an entry.
    pub fn told(&self, device: DeviceId, address: IpAddr) -> Option<NudState> {
        self.told[Family::of(address) as usize].get(&(device, address)).copied()
    }

    /// Takes an event in.
    pub fn event(&mut self, event: &Event) {
        let key = |n: &NeighbourInfo| (n.device, n.address);
        match &event.kind {
            EventKind::Added { neighbour: n, .. } => {
                let before = self.told[n.family as usize].insert(key(n), n.state);
                self.must(before.is_none(), "one entry for each key", || {
                    format!("{} was added twice", n.address)
                });
            }
            EventKind::Changed { neighbour: n, from, .. } => {
                let before = self.told[n.family as usize].insert(key(n), n.state);
                self.must(before == Some(*from), "changes follow each other", || {
                    format!("{}: from {from}, but it was {before:?}", n.address)
                });
            }
            EventKind::Removed { neighbour: n, .. } => {
                let before = self.told[n.family as usize].remove(&key(n));
                self.must(before.is_some(), "only what is there is removed", || n.address.to_string());
            }
            EventKind::Unreachable { .. } => self.unreachable += 1,
            EventKind::Lost(n) => {
                self.lost += n;
                self.blind = true;
            }
            EventKind::DestroyAlive { neighbour } => {
                self.note("no entry dies while it is in the table (DST-5)", neighbour.address.to_string());
            }
            _ => {}
        }
    }

    /// Notes what does not hold, unless events were lost, of which these may be.
    fn must(&mut self, holds: bool, rule: &'static str, seen: impl FnOnce() -> String) {
        if !holds && !self.blind {
            self.note(rule, seen());
        }
    }

    /// After so many calls at one moment the engine still asked for another one.
    pub fn no_rest(&mut self, now: Instant, calls: u32) {
        self.note("work that is due ends", format!("{calls} calls of handle_timeout at {now:?}"));
    }

    /// Takes note of something that only the caller can see.
    pub fn note(&mut self, rule: &'static str, seen: String) {
        // The first few tell the story.
        if self.at_once.len() < 16 {
            self.at_once.push(Broken { rule, seen });
        }
    }
}

/// What is broken; nothing if all is well.
pub fn broken(engine: &Engine, ledger: &mut Ledger, depth: Depth) -> Vec<Broken> {
    if ledger.blind {
        ledger.resynchronise(engine);
    }
    let mut found = std::mem::take(&mut ledger.at_once);
    let mut check = |holds: bool, rule: &'static str, seen: &dyn Fn() -> String| {
        if !holds {
            found.push(Broken { rule, seen: seen() });
        }
    };
    for family in Family::BOTH {
        let (stats, counted) = (engine.stats(family), engine.gc_entries(family));
        let most = engine.thresholds(family).thresh3;
        let open = ledger.thresholds_open;
        check(open || counted <= most, "gc_thresh3 holds", &|| format!("{family:?}: {counted} of {most}"));
        let balance = stats.allocs.checked_sub(stats.destroys);
        check(balance == Some(stats.entries), "counters add up (CRE-7, DST-5)", &|| {
            format!("{family:?}: {stats:?}")
        });
        check(stats.hits <= stats.lookups, "no more hits than lookups", &|| format!("{family:?}: {stats:?}"));
        let told = ledger.told[family as usize].len() as u64;
        check(told <= stats.entries, "events tell of every removal", &|| {
            format!("{family:?}: {told} told, {} there", stats.entries)
        });
    }
    let done = ledger.left + ledger.refused;
    check(done <= ledger.offered, "no packet leaves twice", &|| {
        format!("{} offered, {} left, {} refused", ledger.offered, ledger.left, ledger.refused)
    });
    if depth == Depth::Full {
        for family in Family::BOTH {
            entries(engine, ledger, family, &mut check);
        }
        packets(engine, ledger, &mut check);
    }
    found
}

type Check<'a> = dyn FnMut(bool, &'static str, &dyn Fn() -> String) + 'a;

fn entries(engine: &Engine, ledger: &Ledger, family: Family, check: &mut Check<'_>) {
    let told = &ledger.told[family as usize];
    let queue_limit = |device: DeviceId| {
        let name = engine.device_name(device).unwrap_or_default();
        let limit = engine.get(&format!("{}/neigh/{name}/unres_qlen_bytes", family.sysctl_name()));
        limit.map_or(u64::MAX, |bytes| (bytes.unsigned_abs() / LEAST_PACKET).max(1))
    };
    let limits: HashMap<DeviceId, u64> = engine.device_ids().map(|d| (d, queue_limit(d))).collect();
    let exempt = |n: &NeighbourInfo| {
        n.state.has(NudState::PERMANENT) || n.flags.intersects(Flags::EXT_LEARNED | Flags::EXT_VALIDATED)
    };
    let loopback = |n: &NeighbourInfo| n.address.is_loopback();
    let reader = engine.reader();
    let (mut live, mut counted) = (0usize, 0usize);
    for n in engine.neighbours(family) {
        let (address, state) = (n.address, n.state);
        live += 1;
        counted += usize::from(!exempt(&n) && !loopback(&n));
        let last = told.get(&(n.device, address)).copied();
        check(last == Some(state), "events tell each change", &|| {
            format!("{address} is {state}, told {last:?}")
        });
        let (held, _) = ledger.held.get(&address).copied().unwrap_or_default();
        let armed = n.refcnt.checked_sub(held);
        check(armed.is_some_and(|a| a <= 1), "references are counted (DM-4)", &|| {
            format!("{address} {state}: {} references, {held} held", n.refcnt)
        });
        let doubtful = state.name().is_none() || (ledger.by_hand && state == NudState::INCOMPLETE);
        check(
            doubtful || (armed == Some(1)) == state.is_in_timer(),
            "a timer for each state that needs one",
            &|| format!("{address} {state}: {} timers", armed.unwrap_or(0)),
        );
        check(n.queued == 0 || !state.is_valid(), "nothing waits for whom we know", &|| {
            format!("{address} {state}: {} packets", n.queued)
        });
        check(n.lladdr.is_none() || state.is_valid(), "an address only in valid states (DM-6)", &|| {
            format!("{address} {state}: {:?}", n.lladdr)
        });
        let hit = reader.lookup(n.device, address);
        let hit = hit.map(|hit| (hit.state(), hit.lladdr().filter(|lladdr| !lladdr.is_empty())));
        check(hit == Some((state, n.lladdr)), "readers see what there is", &|| {
            format!("{address} is {state} {:?}, readers see {hit:?}", n.lladdr)
        });
        let most = limits.get(&n.device).copied().unwrap_or(u64::MAX);
        check(ledger.by_hand || u64::from(n.queued) <= most, "unres_qlen_bytes holds", &|| {
            format!("{address}: {} packets of {most}", n.queued)
        });
    }
    let stats = engine.stats(family);
    check(told.len() == live, "one entry for each key, and events for each", &|| {
        format!("{family:?}: {live} entries, events tell of {}", told.len())
    });
    let dead: u64 =
        ledger.held.iter().filter(|(a, _)| Family::of(**a) == family).map(|(_, (_, d))| u64::from(*d)).sum();
    check(
        (live as u64..=live as u64 + dead).contains(&stats.entries),
        "dead entries are given back",
        &|| format!("{family:?}: {} objects, {live} entries, {dead} dead ones held", stats.entries),
    );
    let gc_entries = engine.gc_entries(family) as usize;
    let least = counted.saturating_sub(ledger.born_exempt);
    check((least..=counted).contains(&gc_entries), "the threshold counts those it is for (GC-16)", &|| {
        format!("{family:?}: {gc_entries} of {counted}")
    });
}

/// Each packet left, waits, or was dropped for a reason that is counted.
fn packets(engine: &Engine, ledger: &Ledger, check: &mut Check<'_>) {
    const LATER: [DropReason; 8] = [
        DropReason::NeighQueueFull,
        DropReason::QueueTotal,
        DropReason::NeighFlushed,
        DropReason::Unreachable,
        DropReason::NeighHhFail,
        DropReason::NeighDead,
        DropReason::TransmitFull,
        DropReason::DeviceDown,
    ];
    let waiting: u64 =
        Family::BOTH.into_iter().flat_map(|f| engine.neighbours(f)).map(|n| u64::from(n.queued)).sum();
    let counted = |reason: DropReason| engine.drops().find(|(r, _)| *r == reason).map_or(0, |(_, n)| n);
    let dropped: u64 = LATER.into_iter().map(counted).sum();
    let missing = ledger.offered.saturating_sub(ledger.left + ledger.refused);
    check(missing <= waiting + dropped, "no packet is lost without a reason", &|| {
        format!("{missing} are missing, {waiting} wait, {dropped} were dropped later")
    });
    // Refusals are among the drops of every reason; those that were not refused are exact only without own packets.
    let exact: u64 = LATER[..4].iter().copied().map(counted).sum();
    check(ledger.own_packets || missing == waiting + exact, "each packet has one end", &|| {
        format!("{missing} are missing, {waiting} wait, {exact} were dropped later")
    });
    let given_back = counted(DropReason::Unreachable);
    let told = ledger.unreachable..=ledger.unreachable + ledger.lost;
    check(told.contains(&given_back), "each unreachable packet is given back", &|| {
        format!("{} given back, {given_back} counted", ledger.unreachable)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Op, Trial};

    /// An engine with a few entries and packets that wait.
    fn trial() -> Trial {
        let mut trial = Trial::new(Family::Inet, 1);
        for peer in 0..5 {
            trial.apply(&Op::Send { peer, len: 60 });
        }
        trial.apply(&Op::Answer { peer: 0, other: false });
        trial
    }

    #[track_caller]
    fn breaks(trial: &mut Trial, rule: &str) {
        let broken = trial.broken();
        assert!(broken.iter().any(|b| b.rule.contains(rule)), "{rule:?} is not among {broken:?}");
    }

    #[test]
    fn all_is_well_until_something_is_not() {
        let mut trial = trial();
        assert_eq!(trial.broken(), []);
        assert_eq!(
            trial.ledger.told(trial.engine.device_ids().next().unwrap(), trial.peer(0)),
            Some(NudState::REACHABLE)
        );
    }

    #[test]
    fn an_entry_that_events_did_not_tell_of_is_noticed() {
        let mut trial = trial();
        trial.ledger.told[0].clear();
        breaks(&mut trial, "events tell each change");
        breaks(&mut trial, "one entry for each key");
    }

    #[test]
    fn an_entry_that_went_without_a_word_is_noticed() {
        let mut trial = trial();
        let device = trial.engine.device_ids().next().unwrap();
        trial.ledger.told[0].insert((device, trial.peer(20)), NudState::STALE);
        breaks(&mut trial, "events tell of every removal");
    }

    #[test]
    fn a_packet_without_an_end_is_noticed_and_so_is_one_with_two() {
        let mut trial = trial();
        trial.ledger.offered += 1;
        breaks(&mut trial, "no packet is lost without a reason");
        trial.ledger.offered = 0;
        breaks(&mut trial, "no packet leaves twice");
    }

    #[test]
    fn a_reference_that_nobody_holds_is_noticed() {
        let mut trial = trial();
        let (device, peer) = (trial.engine.device_ids().next().unwrap(), trial.peer(0));
        let held = trial.engine.hold(trial.now, device, peer).unwrap();
        breaks(&mut trial, "references are counted");
        drop(held);
    }

    #[test]
    fn thresholds_that_are_passed_are_noticed() {
        let mut trial = trial();
        trial.engine.set_thresholds(Family::Inet, [None, None, Some(3)]);
        breaks(&mut trial, "gc_thresh3 holds");
        trial.ledger.thresholds_open = true;
        assert_eq!(trial.broken(), []);
    }

    #[test]
    fn events_that_were_lost_are_made_up_for() {
        let mut trial = trial();
        trial.ledger.told[0].clear();
        trial.ledger.event(&Event { at: trial.now, kind: EventKind::Lost(5) });
        assert_eq!(trial.broken(), []);
        assert_eq!(trial.ledger.lost, 5);
    }
}
