//! The engine shown a capture: which thresholds does this network need, and why?

mod capture;
mod watched;

use crate::Profile;
use crate::frames::{self, Heard, Mac};
use crate::metric::Metrics;
use crate::report::{Report, Run};
use capture::Capture;
use neighbour::{Family, Prefix};
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use watched::Watched;

/// Addresses whose place on the link is remembered; a network has fewer, a forger more.
const MOST_KNOWN: usize = 1 << 20;
/// The engine is alone for so long, so that its addresses are in use when the capture begins.
const WARMUP_US: u64 = 12_000_000;
/// A longer time without any frame is taken for a wrong clock, or a capture of several days.
const LONGEST_GAP_US: u64 = 3_600_000_000;

/// Who the engine is in the capture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    /// One of those who speak in it.
    Host,
    /// Somebody to whom all who speak in it are taken to speak.
    Bystander,
}

#[derive(Clone, Debug)]
struct Who {
    role: Role,
    mac: Mac,
    addresses: Vec<Prefix>,
    /// By which neighbours we left the link, as far as the capture has shown, IPv4 first.
    gateways: [Option<IpAddr>; 2],
}

/// What to replay a capture with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Our hardware address in the capture.
    pub mac: Option<[u8; 6]>,
    /// Our addresses in it, with their prefixes.
    pub addresses: Vec<Prefix>,
    /// Parameters by their sysctl names.
    pub sets: Vec<(String, String)>,
    /// The engine's profile.
    pub profile: Profile,
    /// Whence all chance comes.
    pub seed: u64,
}

/// Why a capture cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is something else.
    #[error("it is no capture: it begins like neither pcap nor pcapng")]
    NoCapture,
    /// Its first bytes are not right.
    #[error("its head cannot be read: {0}")]
    Head(String),
    /// It is of another kind of link.
    #[error("its frames are {0}, and only those of Ethernet (1) can be replayed")]
    LinkType(String),
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[source] io::Error),
    /// A parameter is wrong.
    #[error(transparent)]
    Parameter(#[from] neighbour::SetError),
    /// An address is wrong.
    #[error("{0} is no address that a host can have")]
    Address(Prefix),
}

/// What thresholds a table needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// `ipv4` or `ipv6`.
    pub family: &'static str,
    /// Most entries that count at one time, if none is refused.
    pub needed: u32,
    /// gc_thresh1 to 3 as they were.
    pub thresholds: [u32; 3],
    /// Creations refused with these.
    pub refused: u64,
    /// Collections forced with these.
    pub forced: u64,
    /// gc_thresh1 to 3 that would have been enough with room to spare, if these were not.
    pub suggested: Option<[u32; 3]>,
    /// Why.
    pub why: String,
}

/// What a replay showed.
#[derive(Clone, Debug, Serialize)]
pub struct Replay {
    /// As of a plan that was run.
    #[serde(flatten)]
    pub report: Report,
    /// What thresholds this network needs.
    pub advice: Vec<Advice>,
    /// What was skipped, assumed or cut.
    pub notes: Vec<String>,
}

/// Drives an engine with a capture. `progress` hears how many frames were read so far.
///
/// # Errors
/// The capture cannot be read or is of another kind of link, or the options are wrong. A capture that ends in the
/// middle is no error: what was there is replayed, and a note says so.
pub fn replay(
    name: &str,
    input: impl Read,
    options: &Options,
    mut progress: impl FnMut(u64),
) -> Result<Replay, ReplayError> {
    let who = who(options)?;
    let config = options.profile.config().seed(options.seed);
    let new = || Watched::new(config.clone(), who.clone(), &options.sets, WARMUP_US);
    let mut engines = [new()?, new()?.unbounded()];
    let mut capture = Capture::new(input)?;
    let mut seen = Seen::default();
    let mut clock = Clock::default();
    let (mut frames, mut bytes) = (0u64, 0u64);
    let go_on = |capture: &mut Capture<_>, take: &mut dyn FnMut(u64, &[u8])| {
        capture.next(|at, frame| take(clock.at(at.as_micros()), frame))
    };
    let mut go_on = go_on;
    while go_on(&mut capture, &mut |now, frame| {
        frames += 1;
        bytes += frame.len() as u64;
        seen.take(now, frame, &mut engines);
    })? {
        if frames.is_multiple_of(4096) {
            progress(frames);
        }
    }
    let (last, shortened) = (clock.now, clock.shortened);
    for engine in &mut engines {
        let at = |address| seen.at.get(&address).copied();
        engine.let_time_pass(last, &at);
    }
    let mut notes = notes(&capture, &seen, frames, shortened);
    let [bounded, free] = engines;
    if frames == 0 {
        notes.push("there is no frame of Ethernet in it".into());
    }
    if bounded.answers_assumed > 0 {
        notes.push(format!(
            "{} answers were assumed: of neighbours that the capture shows but that were not asked there at that moment",
            bounded.answers_assumed
        ));
    }
    let advice = Family::BOTH.map(|family| advise(&bounded, &free, family)).to_vec();
    let duration = last.saturating_sub(WARMUP_US) as f64 / 1e6;
    let mut metrics: Metrics = bounded.metrics();
    metrics.insert("capture.frames".into(), frames as f64);
    metrics.insert("capture.bytes".into(), bytes as f64);
    metrics.insert("capture.duration_s".into(), duration);
    metrics.insert("capture.neighbour_frames".into(), seen.neighbour_frames as f64);
    let thresholds = thresholds(&bounded);
    let (samples, broken) = bounded.into_samples();
    let run = Run::of_replay(options.profile, metrics, thresholds, samples, broken);
    let about = match who.role {
        Role::Host => format!("the engine as {} in the capture", mac_text(who.mac)),
        Role::Bystander => {
            "the engine as a bystander: whoever speaks ARP or neighbour discovery is taken to speak to it"
                .into()
        }
    };
    let report = Report::of_replay(format!("replay of {name}"), about, options.seed, duration, run);
    Ok(Replay { report, advice, notes })
}

fn who(options: &Options) -> Result<Who, ReplayError> {
    // An address that every other one is on the subnet of, for somebody of whom nothing is known.
    let anybody = [
        Prefix::new(Ipv4Addr::new(192, 0, 0, 8).into(), 0),
        Prefix::new(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x5eed).into(), 64),
    ];
    let (role, addresses) = match options.addresses.as_slice() {
        [] => (Role::Bystander, anybody.into_iter().flatten().collect()),
        own => (Role::Host, own.to_vec()),
    };
    let unfit =
        |p: &&Prefix| p.address().is_unspecified() || p.address().is_multicast() || p.address().is_loopback();
    if let Some(wrong) = addresses.iter().find(unfit) {
        return Err(ReplayError::Address(*wrong));
    }
    let mac = options.mac.unwrap_or([0x02, 0, 0x5e, 0, 0, 0x5e]);
    Ok(Who { role, mac, addresses, gateways: [None; 2] })
}

/// Times of a capture, in microseconds after the engine's warming up; they never go back.
#[derive(Debug, Default)]
struct Clock {
    /// Of the last frame, in the capture.
    before: Option<u128>,
    now: u64,
    /// Gaps that were longer than an hour.
    shortened: u64,
}

impl Clock {
    fn at(&mut self, micros: u128) -> u64 {
        let gap = self.before.map_or(0, |before| micros.saturating_sub(before));
        self.before = Some(self.before.map_or(micros, |before| before.max(micros)));
        let gap = u64::try_from(gap).unwrap_or(u64::MAX);
        self.shortened += u64::from(gap > LONGEST_GAP_US);
        self.now = self.now.max(WARMUP_US) + gap.min(LONGEST_GAP_US);
        self.now
    }
}

/// What a capture has shown so far.
#[derive(Debug, Default)]
struct Seen {
    /// Where addresses are.
    at: HashMap<IpAddr, Mac>,
    /// The first address that each of them had, IPv4 or IPv6: what a gateway is called by.
    gateways: HashMap<(Mac, bool), IpAddr>,
    /// Frames of ARP and neighbour discovery.
    neighbour_frames: u64,
    /// Frames that are none: cut, tagged for a VLAN, 802.3.
    unreadable: u64,
    tagged: u64,
    /// Own packets off the link by a gateway whose address is not known.
    unknown_gateway: u64,
    overfull: bool,
}

impl Seen {
    fn take(&mut self, now: u64, frame: &[u8], engines: &mut [Watched; 2]) {
        let Some((_, heard)) = frames::hear(frame) else {
            let tagged = matches!(frame.get(12..14), Some([0x81, 0x00] | [0x88, 0xa8]));
            *(if tagged { &mut self.tagged } else { &mut self.unreadable }) += 1;
            return;
        };
        let (Some(to), Some(from)) = (mac_at(frame, 0), mac_at(frame, 6)) else { return };
        match heard {
            Heard::Asked { by, .. } => self.place(by.address, by.mac),
            Heard::Told { of } => self.place(of.address, of.mac),
            _ => {}
        }
        self.neighbour_frames += u64::from(matches!(heard, Heard::Asked { .. } | Heard::Told { .. }));
        let who = &mut engines[0].who;
        if let (Role::Host, Heard::Packet { source, destination, .. }) = (who.role, heard)
            && from == who.mac
            && to[0] & 1 == 0
        {
            if who.addresses.iter().any(|own| own.contains(destination)) {
                self.place(destination, to);
            } else if who.addresses.iter().any(|own| own.address() == source) {
                let found = self.gateways.get(&(to, destination.is_ipv6())).copied();
                self.unknown_gateway += u64::from(found.is_none());
                engines.iter_mut().for_each(|e| e.who.gateways[usize::from(destination.is_ipv6())] = found);
            }
        }
        let at = |address| self.at.get(&address).copied();
        for engine in engines {
            engine.show(now, frame, heard, from, &at);
        }
    }

    fn place(&mut self, address: IpAddr, mac: Mac) {
        let nobody = address.is_unspecified() || address.is_multicast() || mac[0] & 1 == 1;
        if nobody {
            return;
        }
        if self.at.len() >= MOST_KNOWN && !self.at.contains_key(&address) {
            self.overfull = true;
            return;
        }
        self.gateways.entry((mac, address.is_ipv6())).or_insert(address);
        self.at.insert(address, mac);
    }
}

fn mac_at(frame: &[u8], at: usize) -> Option<Mac> {
    frame.get(at..)?.first_chunk().copied()
}

fn mac_text(mac: Mac) -> String {
    neighbour::LlAddr::from(mac).to_string()
}

fn thresholds(watched: &Watched) -> [[u32; 3]; 2] {
    Family::BOTH.map(|family| {
        let t = watched.engine.thresholds(family);
        [t.thresh1, t.thresh2, t.thresh3]
    })
}

fn advise(bounded: &Watched, free: &Watched, family: Family) -> Advice {
    let needed = free.peaks.counted[family as usize];
    let t @ [_, second, third] = thresholds(bounded)[family as usize];
    let stats = bounded.engine.stats(family);
    let (refused, forced) = (stats.table_fulls, stats.forced_gc_runs);
    // A quarter to spare below gc_thresh2, from where on each creation may collect; Linux's own proportions beyond.
    let room = needed.saturating_add(needed / 4).max(16).checked_next_power_of_two().unwrap_or(u32::MAX / 2);
    let suggested = [room / 4, room, room.saturating_mul(2)];
    let name = family.sysctl_name();
    let (suggested, why) = if refused > 0 {
        let why = format!(
            "{needed} neighbours at a time and gc_thresh3 = {third}: {refused} creations were refused, and their packets lost"
        );
        (Some(suggested), why)
    } else if needed > third {
        let why = format!(
            "{needed} neighbours at a time and gc_thresh3 = {third}: only collection made room for them"
        );
        (Some(suggested), why)
    } else if forced > 0 || needed > second {
        let why = format!(
            "{needed} neighbours at a time are more than gc_thresh2 = {second}: {forced} collections were forced, which cost neighbours that were still wanted"
        );
        (Some(suggested), why)
    } else {
        (
            None,
            format!(
                "{needed} neighbours at a time are less than gc_thresh2 = {second}: nobody was refused, nothing was forced"
            ),
        )
    };
    Advice { family: name, needed, thresholds: t, refused, forced, suggested, why }
}

fn notes<R: Read>(capture: &Capture<R>, seen: &Seen, frames: u64, shortened: u64) -> Vec<String> {
    let odd = &capture.oddities;
    let mut notes = Vec::new();
    if let Some(why) = &odd.ended {
        notes.push(format!("the capture ends after {frames} frames: {why}; what was there was replayed"));
    }
    let mut count = |n: u64, what: &str| {
        if n > 0 {
            notes.push(format!("{n} {what}"));
        }
    };
    count(odd.foreign, "frames of interfaces that are no Ethernet were skipped");
    count(odd.timeless, "packets without a time were skipped");
    count(odd.cut_short, "frames are longer than the capture holds of them (its snap length)");
    count(seen.tagged, "frames are tagged for a VLAN and were skipped: capture on the VLAN's own interface");
    count(seen.unreadable, "frames have no Ethernet header with a type and were skipped");
    count(seen.unknown_gateway, "packets left by a gateway of which no ARP or advertisement was seen yet");
    count(shortened, "times without any frame were longer than an hour, and taken as an hour");
    if seen.overfull {
        notes.push(format!(
            "more than {MOST_KNOWN} addresses were seen; where the later ones are was not remembered"
        ));
    }
    notes
}

impl Replay {
    /// One JSON object; the same capture and options give the same bytes.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// One HTML page.
    pub fn to_html(&self) -> String {
        self.report.page(&self.lines())
    }

    /// Advice and notes, a line each.
    fn lines(&self) -> Vec<String> {
        let advice = self.advice.iter().map(|a| {
            let set = |[first, second, third]: [u32; 3]| {
                let name = a.family;
                format!("; suggested: {name}/gc_thresh1={first} {name}/gc_thresh2={second} {name}/gc_thresh3={third}")
            };
            format!("{}: {}{}", a.family, a.why, a.suggested.map(set).unwrap_or_default())
        });
        advice.chain(self.notes.iter().map(|note| format!("note: {note}"))).collect()
    }
}

impl std::fmt::Display for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.report)?;
        writeln!(f)?;
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
