//! Judges what was seen, one function for each phase of the story.
//!
//! Pure: records in, findings out. Each claim stands on the order, the addresses, the number and the times of
//! frames, or on the peer's own table; never on a state that our engine reports.

#[cfg(test)]
mod tests;

use super::evidence::{Fact, Timers, View};
use super::frame::{Mac, Sighting, What};
use super::item::{Finding, Item};
use neighbour::NudState;
use neighbour_link::{Direction, Time};
use neighbour_wire::ipv6::solicited_node;
use std::net::IpAddr;
use std::time::Duration;

type Verdict = Result<String, String>;

/// A frame with its place among the records.
type Placed<'r> = (usize, &'r Sighting);

/// The first packet, `seq`, to a neighbour that nobody knows.
pub(crate) fn resolution(view: &View<'_>, seq: u16) -> Vec<Finding> {
    let (solicits, sent) = (view.solicits(), view.requests(seq));
    let solicit = first(&solicits, 0);
    let answer = solicit.and_then(|(place, _)| first(&view.answers(), place));
    let delivered = answer.and_then(|(place, _)| first(&sent, place));
    let early = sent.iter().any(|(place, _)| answer.is_none_or(|(answered, _)| *place < answered));
    let waited = match solicit {
        None => Err("no question was seen, so nothing shows that the packet waits".to_owned()),
        Some(_) if early => Err(format!("echo request {seq} was on the wire before any answer")),
        Some(_) => Ok(format!("echo request {seq} was not on the wire before the answer")),
    };
    vec![
        Finding::new(Item::Incomplete, waited),
        Finding::new(Item::Solicitation, asked_everybody(view, solicit)),
        Finding::new(Item::Answer, answered(view, answer)),
        Finding::new(Item::Delivered, delivery(view, seq, delivered, sent.len())),
    ]
}

/// A packet, `seq`, to a neighbour that is REACHABLE, until the phase ends.
pub(crate) fn reachable(view: &View<'_>, seq: u16) -> Vec<Finding> {
    vec![Finding::new(Item::Reachable, undisturbed(view, seq, view.confirmed, view.timers.reachable_for()))]
}

/// A packet, `seq`, to a neighbour that is STALE, until its probe is answered.
pub(crate) fn probing(view: &View<'_>, seq: u16) -> Vec<Finding> {
    let solicits = view.solicits();
    let probe = first(&solicits, 0);
    let rested = view.began.saturating_sub(view.confirmed);
    let stale = match probe {
        _ if rested < view.timers.reachable_for() => {
            Err(format!("the wait since the last confirmation was {} only", seconds(rested)))
        }
        None => Err("the packet set no probe off, as one to a STALE neighbour must".to_owned()),
        Some(_) => Ok(format!(
            "{} after the last confirmation a packet sets a check off, as it did not before",
            seconds(rested)
        )),
    };
    let delay = at_once(view, seq).and_then(|sent| {
        let quiet = probe.map_or(view.until, |(_, s)| s.at).saturating_sub(view.began);
        let needed = view.timers.delay_first_probe.saturating_sub(Timers::GRAIN);
        if quiet < needed {
            return Err(format!(
                "a probe came {} after the packet, before {}",
                seconds(quiet),
                seconds(needed)
            ));
        }
        Ok(format!("{sent}; no question for {}", seconds(quiet)))
    });
    let probed = match probe {
        None => Err("no probe was seen".to_owned()),
        Some((_, s)) => unicast(view, s).and_then(|()| {
            let after = s.at.saturating_sub(view.began);
            within(after, view.timers.delay_first_probe, "the probe")
                .map(|()| format!("unicast {} after the packet", seconds(after)))
        }),
    };
    let reply = probe.and_then(|(place, _)| first(&view.answers(), place));
    let answered = match (probe, reply) {
        (Some((_, probe)), Some((_, reply))) => {
            Ok(format!("answered {} later", seconds(reply.at.saturating_sub(probe.at))))
        }
        _ => Err("no answer to a probe was seen".to_owned()),
    };
    vec![
        Finding::new(Item::Stale, stale),
        Finding::new(Item::Delay, delay),
        Finding::new(Item::Probe, probed),
        Finding::new(Item::ProbeAnswered, answered),
    ]
}

/// A packet, `seq`, after an answered probe: as [`reachable`], and it belongs to the same item.
pub(crate) fn reachable_again(view: &View<'_>, seq: u16) -> Vec<Finding> {
    let quiet = view.timers.stale_after();
    vec![Finding::new(Item::ProbeAnswered, undisturbed(view, seq, view.began, quiet))]
}

/// A packet, `seq`, to a STALE neighbour, and `second` while it is in DELAY; the upper layer takes the replies for
/// confirmations.
pub(crate) fn confirmed(view: &View<'_>, seq: u16, second: u16) -> Vec<Finding> {
    let rested = view.began.saturating_sub(view.confirmed);
    let quiet = view.timers.delay_first_probe + Timers::SLACK;
    let verdict = if rested < view.timers.stale_after() {
        Err(format!("the neighbour may not have been STALE, {} after its confirmation", seconds(rested)))
    } else if view.replies(second).is_empty() {
        Err(format!("echo request {second} was not answered"))
    } else {
        undisturbed(view, seq, view.began, quiet)
    };
    let verdict = verdict.map(|proof| format!("STALE for certain after {}; {proof}", seconds(rested)));
    vec![Finding::new(Item::Confirmed, verdict)]
}

/// A packet, `seq`, to a STALE neighbour that has fallen silent, until it is FAILED.
pub(crate) fn failing(view: &View<'_>, seq: u16) -> Vec<Finding> {
    vec![Finding::new(Item::Failed, failure(view, seq))]
}

fn failure(view: &View<'_>, seq: u16) -> Verdict {
    let sent = at_once(view, seq)?;
    let probes = view.solicits();
    silent(view)?;
    probes.iter().try_for_each(|(_, s)| unicast(view, s))?;
    count(probes.len(), view.timers.ucast_solicit, "unicast probes")?;
    spaced(view, &probes)?;
    if let Some((_, s)) = probes.first() {
        within(s.at.saturating_sub(view.began), view.timers.delay_first_probe, "the first probe")?;
    }
    let after = probes.last().map_or(Duration::ZERO, |(_, s)| view.until.saturating_sub(s.at));
    if after < view.timers.retrans {
        return Err("the phase ended before a further probe would have come".to_owned());
    }
    Ok(format!("{sent}; {} unicast probes, then none for {}", probes.len(), seconds(after)))
}

/// A packet, `seq`, to a neighbour that is FAILED and still silent, until it is given back.
pub(crate) fn given_back(view: &View<'_>, seq: u16) -> Vec<Finding> {
    vec![Finding::new(Item::GivenBack, anew(view, seq))]
}

fn anew(view: &View<'_>, seq: u16) -> Verdict {
    silent(view)?;
    let questions = view.solicits();
    questions.iter().try_for_each(|(_, s)| asked_everybody(view, Some((0, s))).map(drop))?;
    count(questions.len(), view.timers.mcast_solicit, "questions to all")?;
    spaced(view, &questions)?;
    if !view.requests(seq).is_empty() {
        return Err(format!("echo request {seq} was on the wire, though nobody answered"));
    }
    let returned = Fact::GivenBack { family: view.family, seq };
    let at = view
        .fact(|fact| *fact == returned)
        .ok_or_else(|| format!("echo request {seq} was not given back"))?;
    let last = questions.last().map_or(Time::ZERO, |(_, s)| s.at);
    let waited = at.saturating_sub(last);
    within(waited, view.timers.retrans, "the packet's return")?;
    Ok(format!(
        "{} questions to all, the packet never on the wire, given back {} after the last",
        questions.len(),
        seconds(waited)
    ))
}

/// The peer, which has forgotten us, has a datagram for us.
pub(crate) fn called(view: &View<'_>) -> Vec<Finding> {
    vec![Finding::new(Item::PeerResolves, resolved_us(view)), Finding::new(Item::PeerHears, heard_us(view))]
}

fn resolved_us(view: &View<'_>) -> Verdict {
    let (us, peer) = (view.us, view.peer);
    let asks = |s: &Sighting| {
        s.to_group()
            && s.what == What::Solicit { target: us.address, source: peer.address }
            && s.from == peer.mac
    };
    let asked = view.frames(Direction::In, asks);
    let (place, _) = first(&asked, 0).ok_or("the peer did not ask everybody for us")?;
    let answers = |s: &Sighting| {
        s.what == What::Answer { target: us.address, lladdr: Some(us.mac), solicited: true }
            && s.to == peer.mac
    };
    let answered = view.frames(Direction::Out, answers);
    let (place, _) = first(&answered, place).ok_or("we did not answer the peer")?;
    let learnt = |fact: &Fact| {
        matches!(fact, Fact::PeerTable { address, lladdr, state, removed: false }
            if (*address, *lladdr) == (us.address, Some(us.mac)) && *state == NudState::REACHABLE)
    };
    view.fact_after(place, learnt)
        .ok_or("the peer's table did not announce us as REACHABLE with our address")?;
    Ok("asked by all, answered to it alone, and REACHABLE with our address in its table".to_owned())
}

fn heard_us(view: &View<'_>) -> Verdict {
    let (us, peer) = (view.us, view.peer);
    let datagram = |from: IpAddr, to: IpAddr| move |s: &Sighting| matches!(s.what, What::Datagram { source, destination, .. } if (source, destination) == (from, to));
    let came = view.frames(Direction::In, datagram(peer.address, us.address));
    let (place, _) = first(&came, 0).ok_or("the peer's datagram did not come in")?;
    let went = view.frames(Direction::Out, datagram(us.address, peer.address));
    first(&went, place).ok_or("our answer did not go out")?;
    let heard = Fact::PeerHeard(view.family);
    view.fact(|fact| *fact == heard).ok_or("our answer did not reach the peer's socket")?;
    Ok("datagram in, our answer out, and read from the peer's socket".to_owned())
}

/// The packet goes out at once and is answered, and nobody is asked for at least `quiet`, counted from `since`.
fn undisturbed(view: &View<'_>, seq: u16, since: Time, quiet: Duration) -> Verdict {
    let sent = at_once(view, seq)?;
    if let Some((_, s)) = view.solicits().first() {
        return Err(format!(
            "a question was seen {} after the packet",
            seconds(s.at.saturating_sub(view.began))
        ));
    }
    if view.replies(seq).is_empty() {
        return Err(format!("echo request {seq} was not answered"));
    }
    let watched = view.until.saturating_sub(since);
    if watched < quiet {
        return Err(format!("watched for {} only, {} are needed", seconds(watched), seconds(quiet)));
    }
    Ok(format!("{sent} and answered; no question for {}", seconds(watched)))
}

/// The packet was on the wire as soon as it was sent, to the peer's known address, once.
fn at_once(view: &View<'_>, seq: u16) -> Verdict {
    let sent = view.requests(seq);
    let (_, s) = first(&sent, 0).ok_or_else(|| format!("echo request {seq} was not on the wire"))?;
    let after = s.at.saturating_sub(view.began);
    if after > Timers::SLACK / 4 {
        return Err(format!("echo request {seq} waited for {}", seconds(after)));
    }
    if s.to != view.peer.mac || sent.len() != 1 {
        return Err(format!("echo request {seq} did not go to the peer's address once"));
    }
    Ok(format!("echo request {seq} sent at once"))
}

fn asked_everybody(view: &View<'_>, solicit: Option<Placed<'_>>) -> Verdict {
    let (_, s) = solicit.ok_or("no question was seen")?;
    let source = What::Solicit { target: view.peer.address, source: view.us.address };
    if s.what != source || s.from != view.us.mac {
        return Err(format!("the question does not come from {}: {s}", view.us.address));
    }
    let group = group_mac(view.peer.address);
    if s.to != group {
        return Err(format!("the question did not go to everybody: {s}"));
    }
    Ok(s.to_string())
}

/// Where a question for an address that nobody knows goes.
fn group_mac(address: IpAddr) -> Mac {
    match address {
        IpAddr::V4(_) => [0xff; 6],
        IpAddr::V6(v6) => {
            let [.., a, b, c, d] = solicited_node(&v6).octets();
            [0x33, 0x33, a, b, c, d] // RFC 2464 section 7
        }
    }
}

fn answered(view: &View<'_>, answer: Option<Placed<'_>>) -> Verdict {
    let (place, s) = answer.ok_or("no answer with the peer's address was seen")?;
    if first(&view.solicits(), place).is_some() {
        return Err("a question was seen after the answer".to_owned());
    }
    Ok(format!("{s}, {} after the packet", seconds(s.at.saturating_sub(view.began))))
}

fn delivery(view: &View<'_>, seq: u16, delivered: Option<Placed<'_>>, copies: usize) -> Verdict {
    let (place, s) = delivered.ok_or_else(|| format!("echo request {seq} was not seen after an answer"))?;
    if s.to != view.peer.mac || copies != 1 {
        return Err(format!("echo request {seq} did not go to the peer's address once"));
    }
    let replies = view.replies(seq);
    first(&replies, place).ok_or_else(|| format!("echo request {seq} was not answered"))?;
    Ok(format!("echo request {seq} went to the address just learnt, and was answered"))
}

fn unicast(view: &View<'_>, s: &Sighting) -> Result<(), String> {
    let right = s.to == view.peer.mac && s.from == view.us.mac;
    if right { Ok(()) } else { Err(format!("not a unicast probe to the known address: {s}")) }
}

fn silent(view: &View<'_>) -> Result<(), String> {
    match view.answers().first() {
        None => Ok(()),
        Some((_, s)) => Err(format!("the peer was to be silent, but answered: {s}")),
    }
}

fn count(seen: usize, expected: usize, what: &str) -> Result<(), String> {
    if seen == expected { Ok(()) } else { Err(format!("{seen} {what} were seen, expected {expected}")) }
}

fn spaced(view: &View<'_>, frames: &[Placed<'_>]) -> Result<(), String> {
    let gaps = frames.windows(2).map(|pair| pair[1].1.at.saturating_sub(pair[0].1.at));
    gaps.into_iter().try_for_each(|gap| within(gap, view.timers.retrans, "a gap between questions"))
}

/// A timer of `nominal` took `took`: not early, and not later than a busy machine makes it.
fn within(took: Duration, nominal: Duration, what: &str) -> Result<(), String> {
    let (least, most) = (nominal.saturating_sub(Timers::GRAIN), nominal + Timers::SLACK);
    if (least..=most).contains(&took) {
        return Ok(());
    }
    Err(format!("{what} took {}, expected {} to {}", seconds(took), seconds(least), seconds(most)))
}

/// The first frame behind this place among the records.
fn first<'r>(frames: &[Placed<'r>], place: usize) -> Option<Placed<'r>> {
    frames.iter().copied().find(|(at, _)| *at >= place)
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}
