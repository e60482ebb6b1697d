//! An engine that is shown a capture, and what came of it.

use super::{Role, Who};
use crate::frames::{self, Heard, Mac, Speaker};
use crate::invariants::{self, Broken, Depth, Ledger};
use crate::metric::{self, Metrics};
use crate::world::Sample;
use crate::world::measure::{EVENTS, Peaks, event_index};
use neighbour::{
    AddressOptions, Config, Device, DeviceId, Engine, Family, Input, Instant, NudState, Prefix, SetError,
};
use std::net::IpAddr;

/// Moments that are kept for the charts; when there are more, every other one goes.
const MOST_SAMPLES: usize = 1000;

/// An engine with the driver it has in a replay.
pub(super) struct Watched {
    pub(super) engine: Engine,
    device: Option<DeviceId>,
    pub(super) who: Who,
    pub(super) peaks: Peaks,
    events: [u64; EVENTS.len()],
    ledger: Ledger,
    broken: Vec<Broken>,
    pub(super) samples: Vec<Sample>,
    every: u64,
    next_sample: u64,
    start: u64,
    pub(super) asked: u64,
    pub(super) answers_assumed: u64,
}

impl Watched {
    /// An engine, alone until `start` (microseconds) so that its addresses are in use by then.
    pub(super) fn new(
        config: Config,
        who: Who,
        sets: &[(String, String)],
        start: u64,
    ) -> Result<Self, SetError> {
        let mut engine = Engine::new(config);
        let begin = Instant::ZERO;
        for (name, value) in sets {
            // Those about the one device come below.
            if !name.contains("/eth0/") {
                engine.set(begin, name, value)?;
            }
        }
        let options = AddressOptions { nodad: true, ..AddressOptions::default() };
        let device = who.addresses.iter().fold(Device::ethernet("eth0", who.mac), |device, address| {
            device.address_with(*address, options)
        });
        // Whether its addresses are right is checked when they are read.
        let device = engine.add_device(begin, device).ok();
        for (name, value) in sets {
            engine.set(begin, name, value)?;
        }
        while engine.poll_event().is_some() {}
        let mut ledger = Ledger::of(&engine);
        ledger.own_packets = true;
        let mut watched = Self {
            engine,
            device,
            who,
            peaks: Peaks::default(),
            events: [0; EVENTS.len()],
            ledger,
            broken: Vec::new(),
            samples: Vec::new(),
            every: 100_000,
            next_sample: start,
            start,
            asked: 0,
            answers_assumed: 0,
        };
        watched.let_time_pass(start, &|_| None);
        Ok(watched)
    }

    /// Thresholds so high that nobody is refused for them.
    pub(super) fn unbounded(mut self) -> Self {
        for family in Family::BOTH {
            self.engine.set_thresholds(family, [None, Some(u32::MAX / 4), Some(u32::MAX / 2)]);
        }
        self
    }

    pub(super) fn let_time_pass(&mut self, until: u64, at: &dyn Fn(IpAddr) -> Option<Mac>) {
        let mut now = 0;
        let mut calls = 0u32;
        while let Some(due) = self.engine.poll_timeout().map(Instant::as_micros).filter(|due| *due <= until) {
            self.sample_until(due);
            calls = if due > now { 0 } else { calls + 1 };
            now = now.max(due);
            if calls > 100_000 {
                self.ledger.no_rest(Instant::from_micros(now), calls);
                break;
            }
            self.engine.handle_timeout(Instant::from_micros(now));
            self.settle(now, at);
        }
        self.sample_until(until);
    }

    fn sample_until(&mut self, now: u64) {
        if now < self.next_sample || now < self.start {
            return;
        }
        let at_s = (now - self.start) as f64 / 1e6;
        let sample = self.peaks.look(&self.engine, &self.events, at_s, |n, sample| {
            sample.live[n.family as usize] += u32::from(n.state.is_valid() && !n.address.is_multicast());
        });
        self.samples.push(sample);
        if self.samples.len() > MOST_SAMPLES {
            let mut kept: Vec<Sample> = Vec::with_capacity(MOST_SAMPLES);
            for pair in self.samples.chunks(2) {
                let mut last = pair[pair.len() - 1].clone();
                if let [first, _] = pair {
                    first.drops.iter().for_each(|(name, n)| *last.drops.entry(name).or_default() += n);
                    first.events.iter().for_each(|(name, n)| *last.events.entry(name).or_default() += n);
                }
                kept.push(last);
            }
            self.samples = kept;
            self.every *= 2;
        }
        self.next_sample = now + self.every;
        let broken = invariants::broken(&self.engine, &mut self.ledger, Depth::Full);
        if self.broken.len() < 16 {
            self.broken.extend(broken);
        }
    }

    /// Shows a frame; `at` tells where the capture has shown an address to be.
    pub(super) fn show(
        &mut self,
        now: u64,
        frame: &[u8],
        heard: Heard,
        from: Mac,
        at: &dyn Fn(IpAddr) -> Option<Mac>,
    ) {
        self.let_time_pass(now, at);
        match self.who.role {
            Role::Host if from == self.who.mac => self.own_frame(now, heard),
            Role::Host => self.take(now, frame),
            Role::Bystander => self.overhear(now, heard, from),
        }
        self.settle(now, at);
    }

    fn take(&mut self, now: u64, frame: &[u8]) {
        let Some(device) = self.device else { return };
        if let Input::Forwarded(sent) = self.engine.handle_frame(Instant::from_micros(now), device, frame)
            && frames::is_experiment(frame)
        {
            self.ledger.offer(sent);
        }
    }

    /// What we sent in the capture shows whom we needed.
    fn own_frame(&mut self, now: u64, heard: Heard) {
        let (Some(device), instant) = (self.device, Instant::from_micros(now)) else { return };
        let next_hop = match heard {
            Heard::Packet { destination, .. } if destination.is_multicast() => return,
            Heard::Packet { destination, .. } if self.who.is_on_link(destination) => destination,
            Heard::Packet { .. } => match self.who.gateway(heard) {
                Some(gateway) => gateway,
                None => return,
            },
            // Whoever asks has a packet to send.
            Heard::Asked { target, .. } if !self.who.is_own(target) => {
                let known = self.engine.neighbour(device, target).map(|n| n.state);
                if known.is_some_and(|state| state != NudState::FAILED) {
                    return;
                }
                target
            }
            _ => return,
        };
        let Some(source) = self.who.source_for(next_hop) else { return };
        let tag = frames::Tag { flow: 0, reply: false, copy: false, pair: 0, sent: now };
        let sent = self.engine.send(instant, device, next_hop, frames::packet(source, next_hop, tag, 64));
        self.ledger.offer(sent);
    }

    /// Whoever speaks of its own address on the link is taken to speak to us.
    fn overhear(&mut self, now: u64, heard: Heard, from: Mac) {
        let speaker = match heard {
            Heard::Asked { by, .. } => by,
            Heard::Told { of } => of,
            _ => return,
        };
        let speaker = Speaker { mac: if speaker.mac[0] & 1 == 0 { speaker.mac } else { from }, ..speaker };
        let nobody = speaker.address.is_unspecified() || speaker.address.is_multicast();
        let Some(own) = self.who.source_for(speaker.address).filter(|_| !nobody) else { return };
        self.take(now, &frames::ask(speaker, own, None));
    }

    fn settle(&mut self, now: u64, at: &dyn Fn(IpAddr) -> Option<Mac>) {
        let mut answers = Vec::new();
        while let Some(sent) = self.engine.poll_transmit() {
            self.ledger.left += u64::from(frames::is_experiment(&sent.frame));
            if let Some((_, Heard::Asked { target, by })) = frames::hear(&sent.frame)
                && !by.address.is_unspecified()
            {
                self.asked += 1;
                if let Some(mac) = at(target).filter(|_| self.who.role == Role::Host) {
                    answers.push(frames::answer(Speaker { address: target, mac }, by));
                }
            }
        }
        while let Some(event) = self.engine.poll_event() {
            self.ledger.event(&event);
            self.events[event_index(&event.kind)] += 1;
        }
        self.peaks.glance(&self.engine);
        // Somebody whom the capture shows answers, whether or not it was asked there at this moment.
        for answer in answers {
            self.answers_assumed += 1;
            self.take(now, &answer);
            self.settle(now, &|_| None);
        }
    }

    pub(super) fn metrics(&self) -> Metrics {
        let mut all = Metrics::new();
        metric::of_engine_alone(&mut all, &self.engine, &self.peaks, &self.events);
        all.insert("engine.asked".into(), self.asked as f64);
        all.insert("engine.answers_assumed".into(), self.answers_assumed as f64);
        all
    }

    pub(super) fn into_samples(self) -> (Vec<Sample>, Vec<Broken>) {
        (self.samples, self.broken)
    }
}

impl Who {
    fn is_own(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|own| own.address() == address)
    }

    fn is_on_link(&self, address: IpAddr) -> bool {
        let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        link_local || self.addresses.iter().any(|own| own.contains(address))
    }

    /// Our address for speaking to this one.
    fn source_for(&self, address: IpAddr) -> Option<IpAddr> {
        let same = |own: &&Prefix| own.address().is_ipv4() == address.is_ipv4();
        let near = self.addresses.iter().find(|own| own.contains(address));
        near.or_else(|| self.addresses.iter().find(same)).map(Prefix::address)
    }

    fn gateway(&self, heard: Heard) -> Option<IpAddr> {
        match heard {
            Heard::Packet { destination: IpAddr::V4(_), .. } => self.gateways[0],
            Heard::Packet { destination: IpAddr::V6(_), .. } => self.gateways[1],
            _ => None,
        }
    }
}
