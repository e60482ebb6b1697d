//! The stage: our host, its peer, what was seen, and the loop that plays the story for both families at once.

use super::cast::{self, TIMERS};
use super::clock::Clock;
use super::cut::Cut;
use super::evidence::{End, Fact, Record, View};
use super::frame::Sighting;
use super::host::{Host, Told, echo_seq};
use super::peer::Peer;
use super::phase::{Phase, Progress};
use super::screen::{Cause, Screen};
use neighbour::{Event, EventKind, Family, Instant, NudState};
use neighbour_link::{Direction, Fault, FaultHandle, FaultPlan, Link, Time, Trace};
use std::sync::{Arc, Mutex, PoisonError};

/// More turns than this without time passing are an endless conversation.
const TURNS_MAX: usize = 1000;

/// The frames that passed the wire and were not taken yet.
type Tape = Arc<Mutex<Vec<Sighting>>>;

/// Everything that the story needs.
pub(crate) struct Stage {
    us: Host,
    peer: Box<dyn Peer>,
    clock: Clock,
    tape: Tape,
    wire: FaultHandle,
    cut: Option<Cut>,
    records: Vec<Record>,
    told: Vec<Told>,
    facts: Vec<Fact>,
    /// When our engine last called the peer STALE, by family.
    stale: [Option<Time>; 2],
    screen: Screen,
}

impl Stage {
    /// Puts our host on a link, with a capture at the wire and the switch that cuts it above.
    pub(crate) fn new(
        seed: u64,
        link: Box<dyn Link>,
        peer: Box<dyn Peer>,
        clock: Clock,
        cut: Option<Cut>,
        screen: Screen,
    ) -> anyhow::Result<Self> {
        let tape = Tape::default();
        let recorder = Arc::clone(&tape);
        let record = move |at: Time, way: Direction, frame: &[u8]| {
            let sighting = Sighting::new(at, way, frame);
            recorder.lock().unwrap_or_else(PoisonError::into_inner).push(sighting);
        };
        // The capture stands below the cut: what is cut off was never on the wire.
        let (link, wire) = Fault::new(Trace::new(link, record), FaultPlan::default(), seed);
        let addresses = Family::BOTH.map(cast::our_prefix);
        let us = Host::new(seed, cast::OUR_MAC, &addresses, &cast::PARAMETERS, Box::new(link))?;
        Ok(Self {
            us,
            peer,
            clock,
            tape,
            wire,
            cut,
            records: Vec::new(),
            told: Vec::new(),
            facts: Vec::new(),
            stale: [None; 2],
            screen,
        })
    }

    /// Plays the story to its end, and gives what was found.
    pub(crate) fn play(mut self) -> anyhow::Result<(Vec<Progress>, Time, Screen)> {
        let mut stories: Vec<_> = Family::BOTH.into_iter().map(Progress::new).collect();
        let now = self.clock.now();
        self.pull_cable(now);
        // What the hosts say of themselves at first (multicast reports) is no part of the story.
        self.turns(now)?;
        for story in &mut stories {
            self.begin(story)?;
        }
        loop {
            let now = self.clock.now();
            self.pull_cable(now);
            self.turns(now)?;
            let mut acted = false;
            for story in &mut stories {
                acted |= self.proceed(now, story)?;
            }
            if acted {
                continue;
            }
            let Some(ends) = stories.iter().filter_map(|story| self.ends(story)).min() else { break };
            let second = stories.iter().filter_map(|story| story.second).map(|(at, _)| at);
            let cut = self.cut.iter().map(|cut| cut.at).filter(|at| *at > now);
            let due = self.us.deadline().into_iter().chain(self.peer.deadline()).chain(cut).chain(second);
            let until = due.fold(ends, Time::min);
            let fds = self.us.link().as_fd().into_iter().chain(self.peer.fds()).collect();
            self.clock.wait(until, fds)?;
        }
        self.screen.note_refused(self.us.refused);
        Ok((stories, self.clock.now(), self.screen))
    }

    /// Cuts the link when its time has come.
    fn pull_cable(&mut self, now: Time) {
        if let Some(cut) = self.cut.take_if(|cut| cut.at <= now) {
            self.wire.update(|plan| {
                plan.receive.cut |= cut.receive;
                plan.transmit.cut |= cut.transmit;
            });
            self.screen.title(now, None, &format!("the link is cut ({cut})"));
        }
    }

    /// Both hosts take turns until neither has anything to do at this time.
    fn turns(&mut self, now: Time) -> anyhow::Result<()> {
        for _ in 0..TURNS_MAX {
            let mut moved = self.us.turn(now, &mut self.told)?;
            self.listen(now);
            moved |= self.peer.turn(now, &mut self.facts)?;
            self.listen(now);
            if !moved {
                break;
            }
        }
        Ok(())
    }

    /// Writes down what was seen, confirms what the story wants confirmed, and shows the engine's events.
    fn listen(&mut self, now: Time) {
        self.take_tape();
        for told in std::mem::take(&mut self.told) {
            if let Told::EchoReply { source, seq } = told
                && Phase::of_seq(seq) == Some(Phase::Confirmed)
            {
                let known = self.us.engine.confirm(Instant::since_start(now), self.us.device, source);
                let word = if known { "confirms" } else { "would confirm, were it in the table," };
                self.screen.engine(now, Family::of(source), &format!("the upper layer {word} {source}"));
            }
        }
        for event in self.us.events().collect::<Vec<_>>() {
            self.hear(event);
        }
        for fact in std::mem::take(&mut self.facts) {
            self.record(now, fact);
        }
    }

    fn take_tape(&mut self) {
        let tape = std::mem::take(&mut *self.tape.lock().unwrap_or_else(PoisonError::into_inner));
        for sighting in tape {
            self.record(sighting.at, Fact::Frame(sighting));
        }
    }

    fn record(&mut self, at: Time, fact: Fact) {
        let record = Record { at, fact };
        self.screen.record(&record, self.peer.name());
        self.records.push(record);
    }

    /// An event of our engine: shown, and no evidence but for a packet that came back.
    fn hear(&mut self, event: Event) {
        let at = event.at.elapsed_since_start();
        match event.kind {
            EventKind::Changed { neighbour, from, reason } => {
                let peer = cast::peer_prefix(neighbour.family).address();
                let (address, family, state) = (neighbour.address, neighbour.family, neighbour.state);
                if address == peer && state == NudState::STALE {
                    self.stale[family as usize] = Some(at);
                }
                let text = format!("{address} {from} -> {state} ({})", Cause(reason));
                if address == peer {
                    self.screen.engine(at, family, &text);
                } else {
                    self.screen.aside(at, family, &text);
                }
            }
            EventKind::Unreachable { packet, next_hop, .. } => {
                self.screen.engine(at, Family::of(next_hop), &format!("gives a packet for {next_hop} back"));
                if let Some((family, seq)) = echo_seq(&packet) {
                    self.record(at, Fact::GivenBack { family, seq });
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, story: &mut Progress) -> anyhow::Result<()> {
        let Some(phase) = story.current() else { return Ok(()) };
        let family = story.family;
        let (own, peer) = (cast::our_prefix(family).address(), cast::peer_prefix(family).address());
        self.screen.title(self.clock.now(), Some(family), phase.title());
        if phase == Phase::Failing {
            self.peer.silence(self.clock.now(), family)?;
        }
        let now = self.clock.now();
        (story.began, story.mark) = (now, self.records.len());
        if phase == Phase::Called {
            self.peer.call(now, family)?;
        } else {
            // Queued or sent: the wire will tell.
            let _ = self.us.ping(now, own, peer, phase.seq());
        }
        story.second = phase.second_seq().map(|seq| (now + TIMERS.delay_first_probe / 2, seq));
        self.listen(now);
        Ok(())
    }

    /// Does what the phase has yet to do, or ends it if it is over and begins the next. Whether there was anything.
    fn proceed(&mut self, now: Time, story: &mut Progress) -> anyhow::Result<bool> {
        let (Some(phase), Some(ends)) = (story.current(), self.ends(story)) else { return Ok(false) };
        if let Some((_, seq)) = story.second.take_if(|(at, _)| *at <= now) {
            let (own, peer) = (cast::our_prefix(story.family), cast::peer_prefix(story.family));
            let _ = self.us.ping(now, own.address(), peer.address(), seq);
            self.listen(now);
            return Ok(true);
        }
        if now < ends {
            return Ok(false);
        }
        let view = self.view(story, now);
        let (findings, confirmed) = (phase.judge(&view), phase.confirmed(&view));
        findings.iter().for_each(|finding| self.screen.finding(now, story.family, finding));
        story.confirmed = confirmed;
        story.conclude(findings);
        if !story.stopped {
            story.phase += 1;
        }
        self.begin(story)?;
        Ok(true)
    }

    fn ends(&self, story: &Progress) -> Option<Time> {
        let view = self.view(story, self.clock.now());
        story.current().map(|phase| phase.ends(&view, self.stale[story.family as usize]))
    }

    fn view(&self, story: &Progress, until: Time) -> View<'_> {
        let family = story.family;
        View {
            records: self.records.get(story.mark..).unwrap_or_default(),
            family,
            us: End { address: cast::our_prefix(family).address(), mac: cast::OUR_MAC },
            peer: End { address: cast::peer_prefix(family).address(), mac: self.peer.mac() },
            timers: TIMERS,
            began: story.began,
            until,
            confirmed: story.confirmed,
        }
    }
}
