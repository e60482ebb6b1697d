//! The phases of the story: what each begins with, when it ends, and who judges it.

use super::evidence::{Fact, Timers, View};
use super::item::{Finding, Item};
use super::judge;
use neighbour::{Family, NudState};
use neighbour_link::Time;
use std::time::Duration;

/// A part of the story. Each but the last begins with an echo request of its own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A first packet to a neighbour that nobody knows.
    Resolution = 1,
    /// Another one, to a REACHABLE neighbour.
    Reachable,
    /// One to a STALE neighbour, whose probe is answered.
    Probing,
    /// One to the neighbour that answered.
    ReachableAgain,
    /// One to a STALE neighbour, another while it is in DELAY; the replies are confirmations.
    Confirmed,
    /// One to a STALE neighbour that fell silent.
    Failing,
    /// One to a FAILED neighbour that is silent still.
    GivenBack,
    /// The peer is back, and sends to us.
    Called,
}

impl Phase {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 8] = [
        Self::Resolution,
        Self::Reachable,
        Self::Probing,
        Self::ReachableAgain,
        Self::Confirmed,
        Self::Failing,
        Self::GivenBack,
        Self::Called,
    ];

    /// The number of its echo request.
    pub(crate) const fn seq(self) -> u16 {
        self as u16
    }

    /// The number of an echo request half-way through DELAY, where there is one.
    ///
    /// A confirmation in the very tick in which DELAY begins is older than delay_first_probe_time when the timer
    /// fires, and so comes to nothing (NUD-19.1), in Linux as here. Traffic that goes on does count.
    pub(crate) const fn second_seq(self) -> Option<u16> {
        match self {
            Self::Confirmed => Some(100 + self.seq()),
            _ => None,
        }
    }

    /// What is done at its beginning, for people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Resolution => "a first packet to a neighbour that nobody knows",
            Self::Reachable => "a packet while it is REACHABLE, then nothing until it is STALE",
            Self::Probing => "a packet to the STALE neighbour",
            Self::ReachableAgain => "a packet after the answered probe, then nothing until it is STALE",
            Self::Confirmed => "packets to the STALE neighbour; their replies count as confirmation",
            Self::Failing => "the peer gives up its address; a packet to the STALE neighbour",
            Self::GivenBack => "a packet to the FAILED neighbour, silent still",
            Self::Called => "the peer is back, has forgotten us, and sends us a datagram",
        }
    }

    /// The items that it is to show.
    pub(crate) const fn items(self) -> &'static [Item] {
        match self {
            Self::Resolution => &[Item::Incomplete, Item::Solicitation, Item::Answer, Item::Delivered],
            Self::Reachable => &[Item::Reachable],
            Self::Probing => &[Item::Stale, Item::Delay, Item::Probe, Item::ProbeAnswered],
            Self::ReachableAgain => &[Item::ProbeAnswered],
            Self::Confirmed => &[Item::Confirmed],
            Self::Failing => &[Item::Failed],
            Self::GivenBack => &[Item::GivenBack],
            Self::Called => &[Item::PeerResolves, Item::PeerHears],
        }
    }

    /// When it ends, by what was seen so far. `stale` is when the engine last called the neighbour STALE: it
    /// shortens the wait, and proves nothing.
    pub(crate) fn ends(self, view: &View<'_>, stale: Option<Time>) -> Time {
        let Timers { delay_first_probe: delay, retrans, ucast_solicit, mcast_solicit, .. } = view.timers;
        let (began, slack) = (view.began, Timers::SLACK);
        let rounds = |count: usize| retrans.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        // Some ticks later than the longest draw, so that the timer has fired.
        let stale_for_certain = |since: Time| since + view.timers.stale_after() + Timers::GRAIN * 10;
        let stale_since = |since: Time| match stale {
            Some(at) if at > since => at,
            _ => stale_for_certain(since),
        };
        match self {
            Self::Resolution => match view.replies(self.seq()).first() {
                Some((_, reply)) => reply.at,
                None => began + rounds(mcast_solicit + 1) + slack,
            },
            Self::Reachable => stale_since(view.confirmed),
            Self::Probing => {
                let probe = view.solicits().first().map(|(place, _)| *place);
                let answers = view.answers();
                let answer = probe.and_then(|probe| answers.iter().find(|(place, _)| *place > probe));
                let patience = began + delay + rounds(ucast_solicit) + slack * 2;
                answer.map_or(patience, |(_, answer)| answer.at)
            }
            Self::ReachableAgain => stale_for_certain(view.confirmed.max(began)),
            Self::Confirmed => {
                let reply = self.confirmed(view).max(began);
                stale_since(reply).max(began + delay + slack + Timers::GRAIN * 10)
            }
            Self::Failing => {
                let probes = view.solicits();
                let patience = began + delay + rounds(ucast_solicit) + slack * 3;
                match probes.last() {
                    Some((_, last)) if probes.len() >= ucast_solicit => {
                        (last.at + retrans + slack).min(patience)
                    }
                    _ => patience,
                }
            }
            Self::GivenBack => {
                let given_back = Fact::GivenBack { family: view.family, seq: self.seq() };
                let patience = began + rounds(mcast_solicit) + slack * 3;
                view.fact(|fact| *fact == given_back).map_or(patience, |at| at + retrans)
            }
            Self::Called => {
                let patience = began + Duration::from_secs(3);
                let heard = Fact::PeerHeard(view.family);
                let learnt = view.fact(|fact| {
                    matches!(fact, Fact::PeerTable { address, state: NudState::REACHABLE, .. }
                        if *address == view.us.address)
                });
                let both = view.fact(|fact| *fact == heard).zip(learnt);
                both.map_or(patience, |(heard, learnt)| heard.max(learnt))
            }
        }
    }

    /// What it has shown, once it has ended.
    pub(crate) fn judge(self, view: &View<'_>) -> Vec<Finding> {
        let seq = self.seq();
        match self {
            Self::Resolution => judge::resolution(view, seq),
            Self::Reachable => judge::reachable(view, seq),
            Self::Probing => judge::probing(view, seq),
            Self::ReachableAgain => judge::reachable_again(view, seq),
            Self::Confirmed => judge::confirmed(view, seq, self.second_seq().unwrap_or(seq)),
            Self::Failing => judge::failing(view, seq),
            Self::GivenBack => judge::given_back(view, seq),
            Self::Called => judge::called(view),
        }
    }

    /// When the peer was last heard to be there, by the end of this phase: an answer, or the reply that the
    /// upper layer took for one.
    pub(crate) fn confirmed(self, view: &View<'_>) -> Time {
        let answer = view.answers().last().map(|(_, s)| s.at);
        let reply = self.second_seq().and_then(|seq| view.replies(seq).last().map(|(_, s)| s.at));
        answer.into_iter().chain(reply).max().unwrap_or(view.confirmed).max(view.confirmed)
    }

    /// The phase that sends this echo request.
    pub(crate) fn of_seq(seq: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.seq() == seq || phase.second_seq() == Some(seq))
    }
}

/// How far the story has come for one family.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) family: Family,
    /// Index into [`Phase::ALL`]; past its end, or `stopped`, the story is over.
    pub(crate) phase: usize,
    /// Something was missing, so that the rest could not be played.
    pub(crate) stopped: bool,
    pub(crate) began: Time,
    /// When and under which number the phase sends once more.
    pub(crate) second: Option<(Time, u16)>,
    /// The first record of the phase.
    pub(crate) mark: usize,
    pub(crate) confirmed: Time,
    pub(crate) findings: Vec<Finding>,
}

impl Progress {
    pub(crate) const fn new(family: Family) -> Self {
        Self {
            family,
            phase: 0,
            stopped: false,
            began: Time::ZERO,
            second: None,
            mark: 0,
            confirmed: Time::ZERO,
            findings: Vec::new(),
        }
    }

    /// The phase that is being played.
    pub(crate) fn current(&self) -> Option<Phase> {
        if self.stopped { None } else { Phase::ALL.get(self.phase).copied() }
    }

    /// Takes findings in: of several for one item the first that is missing counts, else the last.
    pub(crate) fn conclude(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.stopped |= finding.verdict.is_err();
            match self.findings.iter_mut().find(|known| known.item == finding.item) {
                Some(known) if known.verdict.is_ok() => *known = finding,
                Some(_) => {}
                None => self.findings.push(finding),
            }
        }
    }

    /// The verdict on every item; one that was never judged was not reached.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = Finding> + '_ {
        let incomplete = |item: &Item| {
            let waiting = Phase::ALL.iter().skip(self.phase + usize::from(self.stopped));
            waiting.flat_map(|phase| phase.items()).any(|waiting| waiting == item)
        };
        Item::ALL.into_iter().map(move |item| {
            match self.findings.iter().find(|finding| finding.item == item) {
                Some(finding) if finding.verdict.is_ok() && incomplete(&item) => {
                    Finding::new(item, Err("not seen to its end".to_owned()))
                }
                Some(finding) => finding.clone(),
                None => Finding::new(item, Err("not reached".to_owned())),
            }
        })
    }
}
