//! What hosts do on the link: come, ask for the engine, answer for themselves, speak.

use super::World;
use super::host::{HOST_QUEUE, TRIES};
use super::queue::Deed;
use crate::frames::{self, Heard, Mac, Speaker, Tag};
use crate::plan::check::End;

/// How long a host believes to know where the engine is, on average, before it asks again while it speaks; each one
/// draws from half of it to one and a half, as Linux does (RFC 4861 section 6.3.2).
const REACHABLE_US: u64 = 30_000_000;
/// From one request to the next.
const RETRANS_US: u64 = 1_000_000;

impl World<'_> {
    /// A host comes to its segment.
    pub(super) fn join(&mut self, id: u32) {
        let host = &mut self.hosts[id as usize];
        host.present = true;
        let group = &self.plan.groups[host.group];
        let (segment, address, mac, behind) = (host.segment, host.address, host.mac, host.behind);
        self.segments[segment].by_address.insert(address, id);
        if behind.is_none() {
            self.segments[segment].by_mac.insert(mac, id);
        }
        if group.speaks {
            let (now, group) = (self.now, self.hosts[id as usize].group);
            if !self.group_is_sought(group) {
                self.hosts[id as usize].sought_at.get_or_insert(now);
            }
            self.begin_to_ask(id);
        }
    }

    /// The host that speaks for this one on the link.
    fn asker(&self, id: u32) -> u32 {
        self.hosts[id as usize].behind.unwrap_or(id)
    }

    pub(super) fn begin_to_ask(&mut self, id: u32) {
        let id = self.asker(id);
        let host = &mut self.hosts[id as usize];
        if host.asking.is_none() {
            host.asking = Some(0);
            host.turn += 1;
            let turn = host.turn;
            self.ask_again(id, turn);
        }
    }

    /// Asks, unless it was answered; after a while it gives up what waits.
    pub(super) fn ask_again(&mut self, id: u32, turn: u32) {
        let host = &mut self.hosts[id as usize];
        let Some(tries) = host.asking.filter(|_| host.turn == turn && host.present) else { return };
        if tries >= TRIES {
            host.asking = None;
            // By unicast first: perhaps the engine has moved. Then it is forgotten.
            let knew = host.known.take().is_some();
            let waiting = std::mem::take(&mut host.waiting);
            for packet in &waiting {
                self.why_lost(packet, "engine_did_not_answer");
            }
            let speaks = self.plan.groups[self.hosts[id as usize].group].speaks;
            if knew || speaks {
                self.begin_to_ask(id);
            }
            return;
        }
        host.asking = Some(tries + 1);
        let known = host.known.map(|(mac, _)| mac);
        // Those behind a router of another family than its own are refused with the plan.
        let frame = frames::ask(host.speaker(), host.router, known);
        self.speak(id, frame);
        self.queue.push(self.now + RETRANS_US, Deed::AskAgain { host: id, turn });
    }

    /// A host puts a frame on the wire.
    pub(super) fn speak(&mut self, id: u32, frame: Vec<u8>) {
        let host = &self.hosts[id as usize];
        if !host.present || self.group_cuts[host.group] > 0 {
            return self.lost_on_wire(&frame);
        }
        self.carry(host.segment, true, frame);
    }

    /// A host sends an IP packet by the engine, which it asks for first if it must.
    pub(super) fn send_packet(&mut self, id: u32, packet: Vec<u8>) {
        let asker = self.asker(id);
        let host = &mut self.hosts[asker as usize];
        match host.known {
            Some((mac, until)) => {
                let frame = frames::framed(mac, host.mac, &packet);
                if self.now >= until {
                    self.begin_to_ask(asker);
                }
                self.speak(asker, frame);
            }
            None => {
                let dropped = (host.waiting.len() >= HOST_QUEUE).then(|| host.waiting.pop_front()).flatten();
                host.waiting.push_back(packet);
                if let Some(packet) = dropped {
                    self.why_lost(&packet, "host_queue_full");
                }
                self.begin_to_ask(asker);
            }
        }
    }

    /// A frame of the engine's reaches whoever it is for.
    pub(super) fn spread(&mut self, segment: usize, frame: &[u8]) {
        let Some((to, heard)) = frames::hear(frame) else { return };
        match heard {
            Heard::Asked { target, by } => self.asked(segment, to, target, by),
            Heard::Told { of } => self.told(segment, to, of),
            Heard::Packet { destination, tag: Some(tag), .. } if !tag.copy => {
                self.arrived(segment, to, destination, tag);
            }
            _ => {}
        }
    }

    fn asked(&mut self, segment: usize, to: Mac, target: std::net::IpAddr, by: Speaker) {
        let Some(&id) = self.segments[segment].by_address.get(&target) else { return };
        let host = &self.hosts[id as usize];
        let heard = to[0] & 1 == 1 || to == host.mac;
        if !heard || !host.answers || !self.hears(id) || host.behind.is_some() || by.address.is_unspecified()
        {
            return;
        }
        let (frame, delay) = (frames::answer(host.speaker(), by), host.delay);
        match delay {
            0 => self.speak(id, frame),
            delay => self.queue.push(self.now + delay, Deed::FromHost { host: id, frame }),
        }
    }

    fn hears(&self, id: u32) -> bool {
        let host = &self.hosts[id as usize];
        host.present && self.group_cuts[host.group] == 0
    }

    /// The engine says where it is.
    fn told(&mut self, segment: usize, to: Mac, of: Speaker) {
        let Some(&id) = self.segments[segment].by_mac.get(&to) else { return };
        if !self.hears(id) || self.hosts[id as usize].router != of.address {
            return;
        }
        let life = REACHABLE_US / 2 + self.dice.below(REACHABLE_US);
        let host = &mut self.hosts[id as usize];
        host.known = Some((of.mac, self.now + life));
        host.asking = None;
        let group = host.group;
        let waiting = std::mem::take(&mut host.waiting);
        if !self.group_is_sought(group) {
            let now = self.now;
            self.hosts[id as usize].reached_at.get_or_insert(now);
        }
        for packet in waiting {
            self.send_packet(id, packet);
        }
    }

    /// Do packets of flows come to it?
    pub(super) fn group_is_sought(&self, group: usize) -> bool {
        self.plan
            .flows
            .iter()
            .any(|f| f.to == End::Group(group) || (f.replies && f.from == End::Group(group)))
    }

    /// A flow's packet comes out of the wire.
    fn arrived(&mut self, segment: usize, to: Mac, destination: std::net::IpAddr, tag: Tag) {
        let (flow, group) = self.counters(tag);
        if self.segments[segment].impostors.contains_key(&to) {
            self.measure.flows[flow].stolen += 1;
            self.measure.groups[group].stolen += 1;
            return;
        }
        let by = self.segments[segment].by_mac.get(&to).copied();
        let host = self.segments[segment].by_address.get(&destination).copied();
        let (Some(by), Some(id)) = (by, host) else { return self.for_nobody(tag) };
        let there = |id: u32| self.hosts[id as usize].present;
        if by != self.asker(id) || !there(by) || !there(id) {
            return self.for_nobody(tag);
        }
        match self.hears(by) && self.hears(id) {
            true => self.delivered(id, tag),
            false => self.cut_off(tag),
        }
    }

    /// A fault that the plan asked for is between the engine and a host.
    pub(super) fn cut_off(&mut self, tag: Tag) {
        let (flow, group) = self.counters(tag);
        self.measure.flows[flow].lost_on_wire += 1;
        self.measure.groups[group].lost_on_wire += 1;
    }

    /// Nobody is there any more, or the one who is there is not meant.
    fn for_nobody(&mut self, tag: Tag) {
        let (flow, group) = self.counters(tag);
        for counters in [&mut self.measure.flows[flow], &mut self.measure.groups[group]] {
            *counters.why.entry("wrong_or_old_hardware_address").or_default() += 1;
        }
    }
}
