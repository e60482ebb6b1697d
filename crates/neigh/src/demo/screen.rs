//! What the demo prints: a line for each frame and each step as it comes, a list at the end.

use super::cast;
use super::evidence::{Fact, Record};
use super::frame::{ShownMac, What};
use super::item::Finding;
use super::phase::Progress;
use neighbour::{Family, Reason};
use neighbour_link::{Direction, Time};
use serde_json::json;
use std::fmt::{self, Display};
use std::io::Write;
use std::net::IpAddr;

/// Where lines go. A reader that has gone away is no error: the exit code still tells.
#[derive(Debug)]
pub(crate) struct Screen {
    verbose: bool,
    json: bool,
}

impl Screen {
    /// With `json` the story is not told line by line; [`summary`](Self::summary) is one object.
    pub(crate) const fn new(verbose: bool, json: bool) -> Self {
        Self { verbose, json }
    }

    /// A line that belongs to no time.
    pub(crate) fn say(&self, text: impl Display) {
        if !self.json {
            print(format_args!("{text}"));
        }
    }

    /// Something is about to be done.
    pub(crate) fn title(&self, at: Time, family: Option<Family>, text: &str) {
        self.line(at, family, "--", text);
    }

    /// What our engine says. It is shown beside, for comparison.
    pub(crate) fn engine(&self, at: Time, family: Family, text: &str) {
        self.line(at, Some(family), "  ", format_args!("    our engine: {text}"));
    }

    /// What is only for those who want to know everything.
    pub(crate) fn aside(&self, at: Time, family: Family, text: &str) {
        if self.verbose {
            self.engine(at, family, text);
        }
    }

    /// Something was seen.
    pub(crate) fn record(&self, record: &Record, peer: &str) {
        let at = record.at;
        match &record.fact {
            Fact::Frame(frame) => {
                let sign = if frame.direction == Direction::Out { "> " } else { "< " };
                if self.verbose || concerns_story(&frame.what) {
                    self.line(at, frame.family(), sign, frame);
                }
            }
            Fact::PeerTable { address, lladdr, state, removed } if self.verbose || plays(*address) => {
                let lladdr = lladdr.map(|mac| format!(" lladdr {}", ShownMac(mac))).unwrap_or_default();
                let end = if *removed { ", removed" } else { "" };
                let text = format!("    {peer}'s table: {address}{lladdr} {state}{end}");
                self.line(at, Some(Family::of(*address)), "  ", text);
            }
            Fact::PeerHeard(family) => {
                self.line(at, Some(*family), "  ", format_args!("    {peer}'s socket has our answer"));
            }
            Fact::PeerTable { .. } | Fact::GivenBack { .. } => {}
        }
    }

    /// A verdict.
    pub(crate) fn finding(&self, at: Time, family: Family, finding: &Finding) {
        let name = finding.item.name();
        match &finding.verdict {
            Ok(proof) => self.line(at, Some(family), "ok", format_args!("{name}: {proof}")),
            Err(fault) => self.line(at, Some(family), "!!", format_args!("{name}: {fault}")),
        }
    }

    /// Frames that the link did not take.
    pub(crate) fn note_refused(&self, frames: u64) {
        if frames > 0 {
            self.say(format_args!("The link refused {frames} frames."));
        }
    }

    /// The list at the end. True if nothing is missing.
    pub(crate) fn summary(&self, stories: &[Progress], peer: &str, took: Time, simulated: bool) -> bool {
        let verdicts =
            stories.iter().flat_map(|story| story.verdicts().map(|finding| (story.family, finding)));
        let verdicts: Vec<_> = verdicts.collect();
        let missing = verdicts.iter().filter(|(_, finding)| finding.verdict.is_err()).count();
        let (kind, took) = (if simulated { "simulated" } else { "real" }, took.as_secs_f64());
        if self.json {
            let steps = verdicts.iter().map(|(family, finding)| {
                let (ok, detail) = match &finding.verdict {
                    Ok(proof) => (true, proof),
                    Err(fault) => (false, fault),
                };
                json!({"family": family_name(*family), "step": finding.item.name(), "ok": ok, "detail": detail})
            });
            let steps: Vec<_> = steps.collect();
            let seconds = (took * 1000.0).round() / 1000.0;
            print(json!({
                "ok": missing == 0, "peer": peer, "time": kind, "seconds": seconds, "steps": steps,
            }));
            return missing == 0;
        }
        print("");
        for (family, finding) in &verdicts {
            let (mark, detail) = match &finding.verdict {
                Ok(_) => ("ok     ", String::new()),
                Err(fault) => ("MISSING", format!(": {fault}")),
            };
            let (family, name) = (family_name(*family), finding.item.name());
            let meaning = finding.item.meaning(Family::BOTH[usize::from(family == "IPv6")]);
            print(format_args!("{mark}  {family}  {name:<17} {meaning}{detail}"));
        }
        print("");
        let all = verdicts.len();
        match missing {
            0 => print(format_args!(
                "All {all} steps were seen, with the {peer} as peer, in {took:.1} s of {kind} time."
            )),
            _ => print(format_args!("{missing} of {all} steps are MISSING, with the {peer} as peer.")),
        }
        missing == 0
    }

    fn line(&self, at: Time, family: Option<Family>, sign: &str, text: impl Display) {
        let family = family.map_or("    ", family_name);
        self.say(format_args!("{:>7.3}  {family}  {sign}  {text}", at.as_secs_f64()));
    }
}

/// Whether an address is one of those that the story is about, and not link-local, say.
fn plays(address: IpAddr) -> bool {
    let family = Family::of(address);
    [cast::our_prefix(family), cast::peer_prefix(family)].iter().any(|prefix| prefix.address() == address)
}

fn concerns_story(what: &What) -> bool {
    match what {
        What::Solicit { target, .. } | What::Answer { target, .. } => plays(*target),
        What::Echo { .. } | What::Datagram { .. } => true,
        What::Other(_) => false,
    }
}

/// Why an entry changed, in words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cause(pub(crate) Reason);

impl Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Reason::Packet => "a packet to send",
            Reason::Timer => "time",
            Reason::ArpRequest(_) => "ARP request",
            Reason::ArpReply(_) => "ARP reply",
            Reason::NeighbourSolicit => "NS",
            Reason::NeighbourAdvert { solicited: true, .. } => "NA, solicited",
            Reason::NeighbourAdvert { .. } => "NA, unsolicited",
            other => return write!(f, "{other:?}"),
        })
    }
}

const fn family_name(family: Family) -> &'static str {
    match family {
        Family::Inet => "IPv4",
        Family::Inet6 => "IPv6",
    }
}

fn print(text: impl Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
