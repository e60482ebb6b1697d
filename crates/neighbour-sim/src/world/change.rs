//! What changes without malice: hosts that move, fail over, go and come; wires that are cut.

use super::World;
use super::host;
use super::queue::Deed;
use crate::frames;
use crate::plan::file::{Form, What};

impl World<'_> {
    pub(super) fn plan_moves(&mut self) {
        for plan in &self.plan.moves {
            let count = self.plan.groups[plan.group].count;
            for time in 0..plan.times {
                for n in 0..count {
                    let later = (u128::from(plan.spread) * u128::from(n) / u128::from(count)) as u64;
                    let at = self.origin + plan.start + u64::from(time) * plan.every + later;
                    let host = self.first[plan.group] + n;
                    self.queue.push(at, Deed::Leave { host, comes: plan.silence, form: plan.form });
                }
            }
        }
    }

    /// A host is silent: its hardware address is nobody's any more.
    pub(super) fn leave(&mut self, id: u32, comes: u64, form: Form) {
        let host = &mut self.hosts[id as usize];
        if !host.present {
            return; // not there yet, or away already
        }
        host.present = false;
        host.lives = host.lives.wrapping_add(1);
        (host.asking, host.known) = (None, None);
        let waiting = std::mem::take(&mut host.waiting);
        let (segment, mac) = (host.segment, host.mac);
        self.segments[segment].by_mac.remove(&mac);
        waiting.iter().for_each(|packet| self.why_lost(packet, "sender_went_away"));
        match comes {
            // One moment: whoever sends to the old one now already errs.
            0 => self.come_back(id, form),
            _ => self.queue.push(self.now + comes, Deed::Return { host: id, form }),
        }
    }

    /// It is back, elsewhere.
    pub(super) fn come_back(&mut self, id: u32, form: Form) {
        let host = &mut self.hosts[id as usize];
        if host.present {
            return;
        }
        host.present = true;
        host.mac = host::mac(id, host.lives);
        let (segment, mac, speaker) = (host.segment, host.mac, host.speaker());
        self.segments[segment].by_mac.insert(mac, id);
        match form {
            Form::Silent => {}
            Form::Answer => {
                let (router, to) = (host.router, host::engine_mac(segment));
                let frame = frames::answer(speaker, frames::Speaker { address: router, mac: to });
                self.speak(id, frame);
            }
            form => {
                let frame = frames::announce(speaker, form == Form::Reply);
                self.speak(id, frame);
            }
        }
        if self.plan.groups[self.hosts[id as usize].group].speaks {
            self.begin_to_ask(id);
        }
    }

    pub(super) fn churn(&mut self, which: usize, n: u64) {
        let plan = &self.plan.churns[which];
        if !plan.window.contains(self.plan_time()) {
            return;
        }
        self.queue.push(self.now + plan.rate.gap(n), Deed::Churn { which, n: n + 1 });
        let (group, down) = (plan.group, plan.down.max(1));
        let member = self.dice.below(u64::from(self.plan.groups[group].count)) as u32;
        self.leave(self.first[group] + member, down, Form::Silent);
    }

    pub(super) fn flap(&mut self, which: usize, down: bool) {
        let plan = &self.plan.flaps[which];
        let (segment, what, every, away) = (plan.segment, plan.what, plan.every, plan.down);
        let goes_on = plan.window.contains(self.plan_time());
        let Some(device) = self.segments[segment].device else { return };
        if down && !goes_on {
            return;
        }
        let now = self.instant();
        match what {
            What::Carrier => {
                self.segments[segment].dark = down;
                self.engine.set_carrier(now, device, !down);
            }
            What::Link => self.engine.set_link(now, device, !down),
        }
        let at = self.now + if down { away } else { every - away };
        self.queue.push(at, Deed::Flap { which, down: !down });
    }

    pub(super) fn partition(&mut self, which: usize, begins: bool) {
        let plan = &self.plan.partitions[which];
        let segment = plan.segment.map(|segment| &mut self.segments[segment].cuts);
        let group = plan.group.map(|group| &mut self.group_cuts[group]);
        for cuts in segment.into_iter().chain(group) {
            *cuts = if begins { *cuts + 1 } else { cuts.saturating_sub(1) };
        }
    }
}
