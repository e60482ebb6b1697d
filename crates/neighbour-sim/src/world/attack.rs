//! Attackers: scanners, impostors, storms.

use super::World;
use super::host::{attacker_mac, engine_mac};
use super::queue::Deed;
use crate::frames::{self, Mac, Speaker};
use crate::plan::check::Storm;
use crate::plan::file::Form;
use crate::plan::prefix::{address, host_mask};

/// What an attacker's hardware address says he is.
const SCANNER: u8 = 1;
const IMPOSTOR: u8 = 2;
const ROUTER: u8 = 3;

/// The frames that go round in a storm.
pub(super) fn round(world: &mut World<'_>, storm: &Storm) -> Vec<Vec<u8>> {
    let group = &world.plan.groups[storm.of];
    let (first, count) = (world.first[storm.of], u64::from(group.count));
    let mut frames = Vec::new();
    for _ in 0..storm.frames {
        let from = world.hosts[first as usize + world.dice.below(count) as usize].speaker();
        let target = match world.dice.chance(storm.for_engine) {
            true => group.router,
            false => world.hosts[first as usize + world.dice.below(count) as usize].address,
        };
        frames.push(frames::ask(from, target, None));
    }
    frames
}

impl World<'_> {
    /// A frame of an attacker reaches the engine.
    fn attack(&mut self, segment: usize, frame: &[u8]) {
        self.measure.attack_frames += 1;
        if self.segments[segment].cuts == 0 {
            self.reach_engine(segment, frame);
        }
    }

    pub(super) fn scan(&mut self, which: usize, n: u64) {
        let scan = &self.plan.scans[which];
        if !scan.window.contains(self.plan_time()) {
            return;
        }
        self.queue.push(self.now + scan.rate.gap(n), Deed::Scan { which, n: n + 1 });
        let segment = scan.segment;
        let target = scan.target(n, &mut self.dice);
        let source = match host_mask(scan.source) {
            0 => scan.source.address(),
            _ => address(scan.source, self.dice.u128()),
        };
        let from: Mac = match scan.behind {
            Some(group) => self.hosts[self.first[group] as usize].mac,
            None => attacker_mac(SCANNER, which as u16),
        };
        let mut frame = std::mem::take(&mut self.scratch);
        frames::probe(&mut frame, engine_mac(segment), from, source, target);
        self.attack(segment, &frame);
        self.scratch = frame;
    }

    pub(super) fn spoof(&mut self, which: usize, n: u64) {
        let spoof = &self.plan.spoofs[which];
        if !spoof.window.contains(self.plan_time()) {
            return;
        }
        self.queue.push(self.now + spoof.rate.gap(n), Deed::Spoof { which, n: n + 1 });
        let group = &self.plan.groups[spoof.victims];
        let victim = self.first[spoof.victims] + (n % u64::from(group.count)) as u32;
        let (segment, mac) = (group.segment, attacker_mac(IMPOSTOR, which as u16));
        self.segments[segment].impostors.insert(mac, which);
        let liar = Speaker { address: self.hosts[victim as usize].address, mac };
        let engine = Speaker { address: group.router, mac: engine_mac(segment) };
        let frame = match spoof.form {
            Form::Answer => frames::answer(liar, engine),
            form => frames::announce(liar, form == Form::Reply),
        };
        self.attack(segment, &frame);
    }

    pub(super) fn storm(&mut self, which: usize, n: u64) {
        let storm = &self.plan.storms[which];
        if !storm.window.contains(self.plan_time()) {
            return;
        }
        self.queue.push(self.now + storm.rate.gap(n), Deed::Storm { which, n: n + 1 });
        let segment = self.plan.groups[storm.of].segment;
        let round = std::mem::take(&mut self.storms[which]);
        let frame = &round[(n % round.len() as u64) as usize];
        self.attack(segment, frame);
        self.storms[which] = round;
    }

    pub(super) fn ra_storm(&mut self, which: usize, n: u64) {
        let storm = &self.plan.ra_storms[which];
        if !storm.window.contains(self.plan_time()) {
            return;
        }
        self.queue.push(self.now + storm.rate.gap(n), Deed::RaStorm { which, n: n + 1 });
        let (segment, router) = (storm.segment, (n % u64::from(storm.routers)) as u32);
        let frame = frames::router_advert(router, attacker_mac(ROUTER, router as u16));
        self.attack(segment, &frame);
    }
}
