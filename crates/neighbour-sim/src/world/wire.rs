//! The wires between hosts and engine: latency, and the faults that a plan asks for.

use super::World;
use super::measure::event_index;
use super::queue::Deed;
use crate::frames::{self, Tag};
use crate::plan::check::End;
use neighbour::{EventKind, Input};
use neighbour_wire::ethernet::ethertype;

impl World<'_> {
    /// Puts a frame on the wire of a segment, to the engine or from it.
    pub(super) fn carry(&mut self, segment: usize, to_engine: bool, mut frame: Vec<u8>) {
        let plan = &self.plan.segments[segment];
        let stations = &self.segments[segment];
        if stations.cuts > 0 || stations.dark || self.dice.chance(plan.loss) {
            return self.lost_on_wire(&frame);
        }
        let copied = self.dice.chance(plan.duplicate);
        for copy in 0..=u64::from(copied) {
            let mut delay = plan.latency + self.dice.below(plan.jitter + 1);
            if self.dice.chance(plan.reorder) {
                delay += 10 * plan.latency.max(1);
            }
            let at = self.now + delay;
            let again = copy == 0 && copied;
            let mut frame = if again { frame.clone() } else { std::mem::take(&mut frame) };
            if copy > 0 {
                frames::mark_copy(&mut frame);
            }
            let deed = match to_engine {
                true => Deed::ToEngine { segment, frame },
                false => Deed::ToHosts { segment, frame },
            };
            self.queue.push(at, deed);
        }
    }

    pub(super) fn lost_on_wire(&mut self, frame: &[u8]) {
        if let Some(tag) = frame.get(14..).and_then(frames::tag_of).filter(|t| !t.copy) {
            self.cut_off(tag);
        }
    }

    /// The flow of a packet, and whom it is for: a group, or behind the last one the engine.
    pub(super) fn counters(&self, tag: Tag) -> (usize, usize) {
        let flow = usize::from(tag.flow);
        let plan = &self.plan.flows[flow];
        let end = if tag.reply { plan.from } else { plan.to };
        let group = match end {
            End::Engine => self.plan.groups.len(),
            End::Group(group) => group,
        };
        (flow, group)
    }

    /// The engine takes a frame in.
    pub(super) fn reach_engine(&mut self, segment: usize, frame: &[u8]) {
        let Some(device) = self.segments[segment].device else { return };
        if self.segments[segment].dark {
            return self.lost_on_wire(frame);
        }
        self.measure.frames_in += 1;
        let now = self.instant();
        let mut refused = None;
        let ours = match self.engine.handle_frame(now, device, frame) {
            Input::Ip(packet) => Some(packet),
            Input::Forwarded(sent) => {
                // Attackers' and flows' packets are told apart from all others by their protocol.
                if frames::is_experiment(frame) {
                    self.ledger.offer(sent);
                }
                if let neighbour::Sent::Refused(reason) = sent {
                    refused = Some(reason);
                }
                None
            }
            Input::Dropped(reason) => {
                refused = Some(reason);
                None
            }
            Input::Consumed => None,
        };
        if let Some(tag) = ours.and_then(frames::tag_of) {
            self.reached_engine(tag);
        }
        if let Some(reason) = refused {
            self.why_lost(frame.get(14..).unwrap_or_default(), reason.name());
        }
    }

    /// Counts why the engine lost a flow's packet.
    pub(super) fn why_lost(&mut self, packet: &[u8], why: &'static str) {
        if let Some(tag) = frames::tag_of(packet).filter(|t| !t.copy) {
            let (flow, group) = self.counters(tag);
            *self.measure.flows[flow].why.entry(why).or_default() += 1;
            *self.measure.groups[group].why.entry(why).or_default() += 1;
        }
    }

    /// Takes out what the engine has to say.
    pub(super) fn settle(&mut self) {
        while let Some(sent) = self.engine.poll_transmit() {
            self.measure.frames_out += 1;
            let segment = (sent.device.index() as usize).saturating_sub(1);
            match sent.frame.get(12..14) {
                Some(kind) if kind == ethertype::ARP.to_be_bytes() => {
                    self.measure.asked += u64::from(sent.frame.get(20..22) == Some(&[0, 1]));
                }
                _ if frames::is_experiment(&sent.frame) => self.ledger.left += 1,
                _ => self.measure.asked += u64::from(frames::is_solicitation(&sent.frame)),
            }
            if segment < self.segments.len() {
                self.carry(segment, false, sent.frame);
            }
        }
        while let Some(event) = self.engine.poll_event() {
            self.ledger.event(&event);
            self.measure.events[event_index(&event.kind)] += 1;
            if let EventKind::Unreachable { packet, reason, .. } = event.kind {
                self.why_lost(&packet, reason.name());
                self.engine.recycle(packet);
            }
        }
    }
}
