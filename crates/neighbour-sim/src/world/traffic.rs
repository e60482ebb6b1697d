//! Flows: who sends to whom, and what becomes of it.

use super::World;
use super::queue::Deed;
use crate::frames::{self, Tag};
use crate::plan::check::{End, Flow};
use neighbour::Sent;
use std::net::IpAddr;

impl World<'_> {
    /// The host of an end that belongs to a pair; none for the engine.
    fn member(&self, end: End, pair: u32) -> Option<u32> {
        match end {
            End::Engine => None,
            End::Group(group) => Some(self.first[group] + pair % self.plan.groups[group].count),
        }
    }

    /// The address of an end; the engine has the one that the other end speaks to.
    fn address(&self, own: Option<u32>, other: Option<u32>) -> Option<IpAddr> {
        match (own, other) {
            (Some(id), _) => Some(self.hosts[id as usize].address),
            (None, Some(id)) => Some(self.hosts[id as usize].router),
            (None, None) => None,
        }
    }

    /// The n-th packet of a pair.
    pub(super) fn flow(&mut self, index: u16, pair: u32, n: u64) {
        let plan: &Flow = &self.plan.flows[usize::from(index)];
        let (from, to, rate, window) = (plan.from, plan.to, plan.rate, plan.window);
        if !window.contains(self.plan_time()) {
            return;
        }
        self.queue.push(self.now + rate.gap(n), Deed::Flow { flow: index, pair, n: n + 1 });
        let (from, to) = (self.member(from, pair), self.member(to, pair));
        let there = |id: Option<u32>| id.is_none_or(|id| self.hosts[id as usize].present);
        // Whoever is not there yet is not sought; whoever is away for a while is.
        let known = |id: Option<u32>| {
            id.is_none_or(|id| self.hosts[id as usize].present || self.hosts[id as usize].lives > 0)
        };
        if there(from) && known(to) {
            let tag = Tag { flow: index, reply: false, copy: false, pair, sent: self.now };
            self.send(from, to, tag);
        }
    }

    fn send(&mut self, from: Option<u32>, to: Option<u32>, tag: Tag) {
        let (Some(source), Some(destination)) = (self.address(from, to), self.address(to, from)) else {
            return;
        };
        let len = self.plan.flows[usize::from(tag.flow)].bytes;
        let packet = frames::packet(source, destination, tag, len);
        let (flow, group) = self.counters(tag);
        self.measure.flows[flow].sent += 1;
        self.measure.groups[group].sent += 1;
        if let Some(to) = to {
            let now = self.now;
            let host = &mut self.hosts[to as usize];
            host.sought_at.get_or_insert(now);
            host.missing_since.get_or_insert(now);
        }
        match from {
            Some(from) => {
                let now = self.now;
                if self.plan.flows[flow].replies && !tag.reply {
                    // Whoever speaks first is reached when its answer comes.
                    self.hosts[from as usize].sought_at.get_or_insert(now);
                }
                self.send_packet(from, packet);
            }
            None => {
                let now = self.instant();
                let sent = self.engine.send_ip(now, packet, None);
                self.ledger.offer(sent);
                if let Sent::Refused(reason) = sent {
                    for counters in [&mut self.measure.flows[flow], &mut self.measure.groups[group]] {
                        *counters.why.entry(reason.name()).or_default() += 1;
                    }
                }
            }
        }
    }

    /// A flow's packet reached a host.
    pub(super) fn delivered(&mut self, id: u32, tag: Tag) {
        self.count_delivery(tag);
        let (now, calm) = (self.now, self.calm);
        let host = &mut self.hosts[id as usize];
        host.reached_at.get_or_insert(now);
        if let Some(since) = host.missing_since.take() {
            host.outage = host.outage.max(now - since);
        }
        if calm.is_some_and(|calm| tag.sent >= calm) {
            host.calm_reached.get_or_insert(now);
        }
        self.reply(tag);
    }

    /// A flow's packet reached the engine itself.
    pub(super) fn reached_engine(&mut self, tag: Tag) {
        if !tag.copy {
            self.count_delivery(tag);
            self.reply(tag);
        }
    }

    fn count_delivery(&mut self, tag: Tag) {
        let (flow, group) = self.counters(tag);
        self.measure.flows[flow].delivered += 1;
        self.measure.groups[group].delivered += 1;
        let took = u32::try_from(self.now.saturating_sub(tag.sent)).unwrap_or(u32::MAX);
        self.measure.latencies[flow].push(took);
    }

    fn reply(&mut self, tag: Tag) {
        let plan = &self.plan.flows[usize::from(tag.flow)];
        if tag.reply || !plan.replies {
            return;
        }
        let (from, to) = (self.member(plan.from, tag.pair), self.member(plan.to, tag.pair));
        self.send(to, from, Tag { reply: true, sent: self.now, ..tag });
    }
}
