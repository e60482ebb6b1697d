//! Watching a link: frames and times in, alerts out. No I/O, no clock; memory is bounded whatever comes.
//!
//! It believes nobody. It remembers who was said to be where ([`stations`]), and tells what a person should know of: in
//! arpwatch's words where it has some ([`words`]). What one frame says is found by [`heard`], however it is wrapped;
//! [`scan`] and [`storm`] count, [`quota`] keeps a flood of frames from becoming a flood of lines.

mod heard;
mod prefixes;
mod quota;
mod scan;
mod stations;
mod storm;
mod words;

pub(crate) use words::HELP;

use heard::{Heard, Mac, Place, Said, Silence, hear};
use lru::LruCache;
use neighbour::{LlAddr, Prefix};
use neighbour_ctl::Alert;
use prefixes::Prefixes;
use quota::Quotas;
use scan::Scans;
use stations::{Change, Key, Stations};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::time::Duration;
use storm::Storms;
use words::What;

/// Addresses that somebody wants to use, and routers, that are remembered; the oldest goes first.
const WANTED_MAX: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
const ROUTERS_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();
/// An address that was wanted for so long without objection belongs to who wanted it.
const WANTED_FOR: Duration = Duration::from_secs(3);

/// From where on something is worth a line, and how much is remembered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// Stations that are remembered.
    pub(crate) stations: usize,
    /// Addresses that one station asks for within a minute.
    pub(crate) scan: usize,
    /// Messages in a second.
    pub(crate) storm: u64,
    /// The prefixes of the link.
    pub(crate) prefixes: Vec<Prefix>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { stations: 16_384, scan: 100, storm: 500, prefixes: Vec::new() }
    }
}

/// The interface that a frame came by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Link<'a> {
    pub(crate) number: u32,
    /// None in a capture that does not say.
    pub(crate) name: Option<&'a str>,
}

/// An alert, when and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Told {
    /// The time of the frame.
    pub(crate) at: Duration,
    /// The interface, with the ids of VLANs behind dots.
    pub(crate) dev: Option<String>,
    pub(crate) alert: Alert,
}

/// What was seen in all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) frames: u64,
    /// Frames of ARP and ND that a host may believe.
    pub(crate) heard: u64,
    /// Of ARP and ND, too, but no host believes them.
    pub(crate) malformed: u64,
    /// Stations known at the end.
    pub(crate) stations: usize,
    /// Forgotten for want of room.
    pub(crate) forgotten: u64,
    /// Alerts that were not told, and not counted behind another one, by word.
    pub(crate) suppressed: Vec<(&'static str, u64)>,
}

/// Somebody wants to use an address.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    at: Duration,
    by: Mac,
    nonce: Option<[u8; 6]>,
}

/// Watches links. The calling order: [`handle_frame`](Self::handle_frame), then
/// [`poll_alert`](Self::poll_alert) until there is none.
#[derive(Debug)]
pub(crate) struct Watcher {
    stations: Stations,
    scans: Scans,
    storms: Storms,
    prefixes: Prefixes,
    wanted: LruCache<Key, Wanted>,
    /// With the lifetime that each said last.
    routers: LruCache<(Place, Ipv6Addr), u16>,
    quotas: Quotas,
    alerts: VecDeque<Told>,
    counts: Summary,
}

impl Watcher {
    pub(crate) fn new(limits: Limits) -> Self {
        let Limits { stations, scan, storm, prefixes } = limits;
        Self {
            stations: Stations::new(stations),
            scans: Scans::new(scan),
            storms: Storms::new(storm),
            prefixes: Prefixes::new(prefixes),
            wanted: LruCache::new(WANTED_MAX),
            routers: LruCache::new(ROUTERS_MAX),
            quotas: Quotas::default(),
            alerts: VecDeque::new(),
            counts: Summary::default(),
        }
    }

    /// The next alert, in the order in which they came about.
    pub(crate) fn poll_alert(&mut self) -> Option<Told> {
        self.alerts.pop_front()
    }

    /// What was seen until now.
    pub(crate) fn summary(&self) -> Summary {
        Summary {
            stations: self.stations.len(),
            forgotten: self.stations.forgotten(),
            suppressed: self.quotas.hushed().map(|(what, count)| (what.word(), count)).collect(),
            ..self.counts.clone()
        }
    }

    /// Takes a frame in: when, since a moment of the caller's choice, and by which link.
    pub(crate) fn handle_frame(&mut self, at: Duration, link: Link<'_>, frame: &[u8]) {
        self.counts.frames += 1;
        let heard = match hear(link.number, frame) {
            Ok(heard) => heard,
            Err(Silence::Elsewhere) => return,
            Err(Silence::Malformed) => {
                self.counts.malformed += 1;
                return;
            }
        };
        self.counts.heard += 1;
        let moment = Moment { at, place: heard.place, dev: name(link.name, heard.place) };
        self.count(&moment, &heard);
        self.weigh(&moment, &heard);
    }

    /// What is told of a message whatever it claims.
    fn count(&mut self, moment: &Moment, heard: &Heard) {
        let (at, from) = (moment.at, heard.from);
        if let Some(storm) = self.storms.count(moment.place, from, at) {
            let who = storm.from.map(|from| format!(", most of them from {}", LlAddr::from(from)));
            let count = storm.count;
            let rest = format!("{count} messages of ARP and ND within a second{}", who.unwrap_or_default());
            self.tell(moment, What::Storm, About { lladdr: storm.from, ..About::default() }, &rest);
        }
        if let Some(disguise) = heard.disguise {
            let rest = format!("{} comes {disguise}", heard.said.name());
            let lladdr = Some(from);
            self.tell(
                moment,
                What::HiddenFrame,
                About { address: heard.said.speaker(), lladdr, other: None },
                &rest,
            );
        }
        if let Some((target, asker)) = heard.said.question()
            && let Some(scan) = self.scans.ask(moment.place, from, target, at)
        {
            let (count, prefix, seconds) = (scan.count, scan.prefix, scan.within.as_secs_f64());
            let more = if scan.or_more { " or more" } else { "" };
            let from_mac = LlAddr::from(from);
            let rest =
                format!("{from_mac} asked for {count}{more} addresses of {prefix} within {seconds:.1} s");
            let address = Some(asker).filter(|asker| !asker.is_unspecified());
            self.tell(moment, What::Scan, About { address, lladdr: Some(from), other: None }, &rest);
        }
    }

    /// What follows from what it claims.
    fn weigh(&mut self, moment: &Moment, heard: &Heard) {
        let from = heard.from;
        if let Some((address, nonce)) = heard.said.wanted() {
            self.want(moment, address, from, nonce);
        }
        match heard.said {
            Said::Arp { reply, sender, lladdr, target } => {
                let answer = reply && sender != target;
                self.claim(moment, sender.into(), Claim { lladdr, from: Some(from), answer });
            }
            Said::Solicit { source, lladdr: Some(lladdr), .. }
            | Said::RouterSolicit { source, lladdr: Some(lladdr) } => {
                self.claim(moment, source.into(), Claim { lladdr, from: Some(from), answer: false });
            }
            Said::Advert { target, lladdr, solicited } => {
                let lladdr = lladdr.unwrap_or(from);
                self.claim(moment, target.into(), Claim { lladdr, from: Some(from), answer: solicited });
            }
            Said::RouterAdvert { source, lladdr, lifetime_s, ref prefixes } => {
                for prefix in prefixes.iter().filter(|prefix| prefix.on_link && prefix.valid_s > 0) {
                    if let Ok(prefix) = Prefix::new(prefix.prefix.into(), prefix.prefix_len) {
                        self.prefixes.learn(prefix);
                    }
                }
                self.router(moment, source, lladdr.unwrap_or(from), lifetime_s);
                if let Some(lladdr) = lladdr {
                    self.claim(moment, source.into(), Claim { lladdr, from: Some(from), answer: false });
                }
            }
            Said::Redirect { source, target, destination, lladdr } => {
                let rest = format!("{source} ({}) says to go there by {target}", LlAddr::from(from));
                let about = About { address: Some(destination.into()), lladdr: Some(from), other: lladdr };
                self.tell(moment, What::Redirect, about, &rest);
                if let Some(lladdr) = lladdr {
                    // It is the router's to say where somebody else is.
                    self.claim(moment, target.into(), Claim { lladdr, from: None, answer: false });
                }
            }
            Said::Solicit { lladdr: None, .. } | Said::RouterSolicit { lladdr: None, .. } => {}
        }
    }

    /// Somebody wants to use an address unless another one objects.
    fn want(&mut self, moment: &Moment, address: IpAddr, by: Mac, nonce: Option<[u8; 6]>) {
        let key = (moment.place, address);
        let wanted = Wanted { at: moment.at, by, nonce };
        let Some(before) = self.wanted.put(key, wanted).filter(|before| before.is_open(moment.at)) else {
            return;
        };
        // The same question that came back has the same nonce.
        let looped = nonce.is_some() && nonce == before.nonce;
        if before.by != by && !looped {
            let (first, second) = (LlAddr::from(before.by), LlAddr::from(by));
            let rest = format!("{first} and {second} want it at once");
            let about = About { address: Some(address), lladdr: Some(before.by), other: Some(by) };
            self.tell(moment, What::DuplicateAddress, about, &rest);
        }
    }

    /// An address is said to be at a link-layer address.
    fn claim(&mut self, moment: &Moment, address: IpAddr, claim: Claim) {
        if address.is_unspecified() {
            return;
        }
        let Claim { lladdr, from, answer } = claim;
        let about = About { address: Some(address), lladdr: Some(lladdr), other: None };
        let at = LlAddr::from(lladdr);
        let group = match address {
            IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast() || v4.is_loopback(),
            IpAddr::V6(v6) => v6.is_multicast() || v6.is_loopback(),
        };
        if group || self.prefixes.is_broadcast(address) {
            let rest = format!("said to be at {at}, and no station can have this address");
            return self.tell(moment, What::IpBroadcast, about, &rest);
        }
        if lladdr[0] & 1 != 0 || lladdr == [0; 6] {
            let rest = format!("said to be at {at}, where no station can be");
            return self.tell(moment, What::EthernetBroadcast, about, &rest);
        }
        if let Some(from) = from.filter(|from| *from != lladdr) {
            let rest = format!("said to be at {at} by {}", LlAddr::from(from));
            self.tell(moment, What::EthernetMismatch, About { other: Some(from), ..about }, &rest);
        }
        let key = (moment.place, address);
        let objection =
            self.wanted.peek(&key).filter(|wanted| wanted.is_open(moment.at) && wanted.by != lladdr);
        if let Some(Wanted { by, .. }) = objection.copied() {
            self.wanted.pop(&key);
            let rest = format!("{at} has it, and {} wants it, too", LlAddr::from(by));
            self.tell(moment, What::DuplicateAddress, About { other: Some(by), ..about }, &rest);
        }
        if self.prefixes.is_bogon(address) {
            let rest = format!("is of none of the link's prefixes; {at} says to have it");
            return self.tell(moment, What::Bogon, about, &rest);
        }
        let news = self.stations.hear(key, lladdr, answer, moment.at);
        let before = |other: Mac| (About { other: Some(other), ..about }, LlAddr::from(other));
        match news.change {
            Change::None => {}
            Change::New => self.tell(moment, What::NewStation, about, &format!("at {at}")),
            Change::Changed(other) => {
                let (about, other) = before(other);
                let rest = format!("moved from {other} to {at}");
                self.tell(moment, What::ChangedEthernetAddress, about, &rest);
            }
            Change::FlipFlop(other) => {
                let (about, other) = before(other);
                let rest = format!("flip flop between {other} and {at}");
                self.tell(moment, What::FlipFlop, about, &rest);
            }
            Change::Reused(other) => {
                let (about, other) = before(other);
                let rest = format!("moved from {other} back to {at}, where it was before");
                self.tell(moment, What::ReusedOldEthernetAddress, about, &rest);
            }
        }
        if let Some(rival) = news.rival {
            let (about, rival) = before(rival);
            self.tell(moment, What::DuplicateAddress, about, &format!("{rival} and {at} both answer for it"));
        }
        if news.forgot {
            let (limit, forgotten) = (self.stations.limit(), self.stations.forgotten());
            let rest = format!(
                "{limit} stations are known, the most there may be; {forgotten} were forgotten, the oldest unproven first"
            );
            self.tell(moment, What::TableFull, About::default(), &rest);
        }
    }

    fn router(&mut self, moment: &Moment, source: Ipv6Addr, lladdr: Mac, lifetime_s: u16) {
        let about = About { address: Some(source.into()), lladdr: Some(lladdr), other: None };
        let at = LlAddr::from(lladdr);
        match self.routers.put((moment.place, source), lifetime_s) {
            None => {
                let rest = format!("a router that was not heard before, at {at}, for {lifetime_s} s");
                self.tell(moment, What::NewRouter, about, &rest);
            }
            Some(before) if before > 0 && lifetime_s == 0 => {
                let rest = format!("says to be no default router any more, at {at}");
                self.tell(moment, What::RouterWithdrawn, about, &rest);
            }
            Some(_) => {}
        }
    }

    fn tell(&mut self, moment: &Moment, what: What, about: About, rest: &str) {
        let Some(suppressed) = self.quotas.take(what, moment.at) else { return };
        let dev = moment.dev.as_ref().map(|dev| format!("dev {dev}"));
        let address = about.address.map(|address| address.to_string());
        let place: Vec<String> = address.into_iter().chain(dev).collect();
        let sentence =
            if place.is_empty() { rest.to_owned() } else { format!("{}: {rest}", place.join(" ")) };
        let alert = Alert {
            what: what.word().to_owned(),
            interface: moment.place.link,
            address: about.address,
            lladdr: about.lladdr.map(LlAddr::from),
            other: about.other.map(LlAddr::from),
            sentence,
            suppressed,
        };
        self.alerts.push_back(Told { at: moment.at, dev: moment.dev.clone(), alert });
    }
}

/// When and where something is heard.
#[derive(Debug)]
struct Moment {
    at: Duration,
    place: Place,
    dev: Option<String>,
}

/// Where an address is said to be.
#[derive(Clone, Copy, Debug)]
struct Claim {
    lladdr: Mac,
    /// Who said so, if it can only be the station itself.
    from: Option<Mac>,
    /// It was asked.
    answer: bool,
}

/// Whom an alert is about.
#[derive(Clone, Copy, Debug, Default)]
struct About {
    address: Option<IpAddr>,
    lladdr: Option<Mac>,
    other: Option<Mac>,
}

impl Wanted {
    /// May somebody object still?
    fn is_open(&self, now: Duration) -> bool {
        now.saturating_sub(self.at) <= WANTED_FOR
    }
}

impl Said {
    fn name(&self) -> &'static str {
        match self {
            Self::Arp { reply: false, .. } => "an ARP request",
            Self::Arp { reply: true, .. } => "an ARP reply",
            Self::Solicit { .. } => "a neighbour solicitation",
            Self::Advert { .. } => "a neighbour advertisement",
            Self::RouterSolicit { .. } => "a router solicitation",
            Self::RouterAdvert { .. } => "a router advertisement",
            Self::Redirect { .. } => "a redirect",
        }
    }

    /// Whom it is about, for people.
    fn speaker(&self) -> Option<IpAddr> {
        let address: IpAddr = match *self {
            Self::Arp { sender, .. } => sender.into(),
            Self::Advert { target, .. } => target.into(),
            Self::Solicit { source, .. }
            | Self::RouterSolicit { source, .. }
            | Self::RouterAdvert { source, .. }
            | Self::Redirect { source, .. } => source.into(),
        };
        Some(address).filter(|address| !address.is_unspecified())
    }
}

/// `eth0`, `eth0.5`, `eth0.7.5`.
fn name(link: Option<&str>, place: Place) -> Option<String> {
    let link = link?;
    Some(match place.vlans {
        (0, _) => link.to_owned(),
        (outer, 0) => format!("{link}.{outer}"),
        (outer, inner) => format!("{link}.{outer}.{inner}"),
    })
}

#[cfg(test)]
mod tests;
