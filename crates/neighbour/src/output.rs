//! Packets out: the fast path, the state machine, the queue, the probes (OUT-*, NUD-1 to NUD-16,
//! QUE-*).

use crate::constructor::output_key;
use crate::device::HeaderOps;
use crate::event::{EventKind, Reason};
use crate::header::Header;
use crate::history::Happening;
use crate::neighbour::Output;
use crate::nud::{Actions, Cause, Facts, Verdict};
use crate::parms::Parm;
use crate::queue::{Full, Queue};
use crate::route::Hop;
use crate::table::Id;
use crate::time::Tick;
use crate::{CreateError, DeviceId, DropReason, Engine, Family, NudState, Transmit, nud};
use alloc::vec::Vec;
use core::net::IpAddr;
use neighbour_wire::LlAddr;
use neighbour_wire::ethernet::{self, ethertype};

/// What became of a packet to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Sent {
    /// It is on its way ([`Engine::poll_transmit`]).
    Sent,
    /// It waits for the neighbour to answer.
    Queued,
    /// It was dropped and counted.
    Refused(DropReason),
}

impl Engine {
    /// Sends an IP packet to a neighbour, whom it looks up or makes (OUT-1).
    pub(crate) fn send_to(&mut self, device: DeviceId, next_hop: IpAddr, packet: Vec<u8>) -> Sent {
        let Some(state) = self.device(device).filter(|d| d.up) else {
            return self.refuse_packet(packet, DropReason::DeviceDown);
        };
        if packet.len() > state.mtu as usize {
            return self.refuse_packet(packet, DropReason::TooBig);
        }
        let key = output_key(state, next_hop);
        let family = Family::of(key);
        let id = match self.table(family).find(device, key) {
            Some(slot) => Id { family, slot },
            None => {
                let whom = self.seeks(family, &packet);
                match self.create_for(device, next_hop, Reason::Packet, whom) {
                    Ok(id) => id,
                    Err(CreateError::Budget) => {
                        self.ask_without_entry(device, key, Some(&packet));
                        return self.refuse_packet(packet, DropReason::NeighBudget);
                    }
                    Err(_) => return self.refuse_packet(packet, DropReason::NeighCreateFail), // CRE-19
                }
            }
        };
        self.output(id, packet)
    }

    /// The same as [`Engine::refuse`]; the packet's buffer is kept.
    fn refuse_packet(&mut self, packet: Vec<u8>, reason: DropReason) -> Sent {
        self.buffers.give(packet);
        self.refuse(reason)
    }

    pub(crate) fn refuse(&mut self, reason: DropReason) -> Sent {
        self.drops.count(reason);
        Sent::Refused(reason)
    }

    /// Sends a packet by an entry (OUT-3 to OUT-8).
    pub(crate) fn output(&mut self, id: Id, packet: Vec<u8>) -> Sent {
        let entry = self.entry(id);
        if entry.state.is_connected() && entry.is_header_cached() {
            return self.emit(id, packet); // OUT-3
        }
        match entry.output() {
            Output::Blackhole => self.refuse_packet(packet, DropReason::NeighDead),
            Output::Connected | Output::Direct => self.emit(id, packet),
            Output::Resolve => match self.event_send(id, Some(packet), true, Reason::Packet) {
                Ok(Some(packet)) => {
                    let entry = self.entry(id);
                    if self.device(entry.device()).is_some_and(|d| d.header == HeaderOps::Cache) {
                        self.entry_mut(id).set_header_cached(); // OUT-5
                    }
                    self.emit(id, packet)
                }
                Ok(None) => Sent::Queued,
                Err(reason) => {
                    self.remember_of(id, Happening::Dropped(reason));
                    self.refuse(reason)
                }
            },
        }
    }

    /// Asks the machine whether a packet may go; keeps it if it must wait (NUD-1 to NUD-9). Gives the
    /// packet back if it may go.
    pub(crate) fn event_send(
        &mut self,
        id: Id,
        packet: Option<Vec<u8>>,
        immediate: bool,
        reason: Reason,
    ) -> Result<Option<Vec<u8>>, DropReason> {
        let now = self.clock.tick();
        let entry = self.entry_mut(id);
        entry.used = now; // NUD-1
        if entry.is_dead() && !entry.state.has(NudState(0x80 | 0x40 | 0x02 | 0x08 | 0x10 | 0x04)) {
            packet.into_iter().for_each(|packet| self.buffers.give(packet));
            return Err(DropReason::NeighDead); // DST-6
        }
        if entry.is_dead() {
            return Ok(packet);
        }
        if entry.state == NudState::FAILED && !self.readmit(id, packet.as_deref()) {
            let (device, address) = (self.entry(id).device(), self.address(id));
            self.ask_without_entry(device, address, packet.as_deref());
            packet.into_iter().for_each(|packet| self.buffers.give(packet));
            return Err(DropReason::NeighBudget);
        }
        let step = nud::next(self.entry(id).state, Cause::Send { immediate }, self.facts(id, now));
        self.apply(id, &step, None, reason);
        match step.verdict {
            Verdict::Held => {
                if let Some(packet) = packet {
                    self.enqueue(id, packet);
                }
                if step.actions.contains(Actions::PROBE) {
                    self.probe(id);
                }
                Ok(None)
            }
            Verdict::Drop => {
                packet.into_iter().for_each(|packet| self.buffers.give(packet));
                Err(DropReason::NeighFailed)
            }
            Verdict::Go | Verdict::Refused | Verdict::NoAddress => Ok(packet),
        }
    }

    /// Keeps a packet until the neighbour answers (QUE-1 to QUE-3), within the bound over all entries.
    fn enqueue(&mut self, id: Id, packet: Vec<u8>) {
        let limit = self.parms_of(id).get(Parm::UnresQlenBytes);
        let entry = &mut self.tables[id.family as usize].entries[id.slot];
        let buffers = &mut self.buffers;
        let pushed = self.queues.push(&mut entry.queue, packet, limit, |gone| buffers.give(gone));
        let (reason, dropped) = match pushed {
            Ok(dropped) => (DropReason::NeighQueueFull, dropped),
            Err(Full::Total) => (DropReason::QueueTotal, 1),
            Err(Full::Memory) => (DropReason::OutOfMemory, 1),
        };
        for _ in 0..dropped {
            self.drops.count(reason);
            self.remember_of(id, Happening::Dropped(reason));
        }
        self.table_mut(id.family).stats.unresolved_discards += dropped as u64;
    }

    /// Takes what waits for an entry.
    pub(crate) fn take_queue(&mut self, id: Id) -> Queue {
        self.queues.take(&mut self.tables[id.family as usize].entries[id.slot].queue)
    }

    /// What the machine asks of clocks and counters. A confirmation is measured against the tick for which
    /// the timer was armed, less the one by which it was rounded up: so it counts however late whoever
    /// drives the engine may be.
    pub(crate) fn facts(&self, id: Id, due: Tick) -> Facts {
        let now = self.clock.tick();
        let (entry, parms) = (self.entry(id), self.parms_of(id));
        let within = |at: Tick, since: Tick, ticks: u32| i64::from(at.since(since)) <= i64::from(ticks);
        let delay = parms.get(Parm::DelayFirstProbeTime);
        let (at, confirmed_for) = match entry.state.has(NudState::REACHABLE) {
            true => (due, parms.reachable_time()),
            false => (due.minus(1), delay),
        };
        let in_probe = entry.state.has(NudState::PROBE);
        Facts {
            can_solicit: parms.get(Parm::McastSolicit).saturating_add(parms.get(Parm::AppSolicit)) > 0
                && self.may_solicit(id),
            confirmed: within(at, self.table(id.family).confirmed(id.slot), confirmed_for),
            used: within(now, entry.used, delay),
            exhausted: match entry.state.has(NudState::DELAY) && !entry.state.has(NudState::REACHABLE) {
                true => parms.max_probes(true) == 0,
                false => entry.probes >= parms.max_probes(in_probe),
            },
            extern_valid: entry.is_extern_valid(),
        }
    }

    /// One probe, in the phase that the counter says (NUD-10, NUD-12).
    pub(crate) fn probe(&mut self, id: Id) {
        let (entry, parms) = (self.entry(id), self.parms_of(id));
        if entry.ops().solicits() {
            let unicast = parms.get(Parm::UcastSolicit);
            let app = unicast.saturating_add(parms.get(Parm::AppSolicit));
            let source = self.queues.newest(entry.queue).and_then(source_of);
            let entry_probes = entry.probes;
            match entry_probes {
                p if p < unicast => {
                    let to = self.table(id.family).lladdr(id.slot);
                    self.remember_of(id, Happening::Asked { to: Some(to), probes: entry_probes + 1 });
                    self.solicit(id, source, Some(to));
                }
                p if p < app => {
                    let neighbour = self.info(id);
                    self.tell(EventKind::GetNeigh { neighbour }); // EVT-9
                }
                _ => {
                    self.remember_of(id, Happening::Asked { to: None, probes: entry_probes + 1 });
                    self.solicit(id, source, None);
                }
            }
        }
        self.entry_mut(id).probes += 1;
    }

    /// Asks on the wire: by unicast to `lladdr`, or everybody.
    pub(crate) fn solicit(&mut self, id: Id, source: Option<IpAddr>, lladdr: Option<LlAddr>) {
        let device = self.entry(id).device();
        match self.address(id) {
            IpAddr::V4(target) => self.arp_solicit(device, target, source, lladdr),
            IpAddr::V6(target) => self.ndisc_solicit(device, target, source, lladdr.is_some()),
        }
    }

    /// Sends what waits, in order, as long as the entry is VALID (QUE-4, QUE-5).
    pub(crate) fn flush_queue(&mut self, id: Id) {
        let mut queue = self.take_queue(id);
        while let Some(packet) = self.queues.pop(&mut queue) {
            if !self.entry(id).state.is_valid() {
                let _ = self.refuse_packet(packet, DropReason::NeighFlushed);
                continue;
            }
            let _ = self.output(id, packet);
        }
    }

    /// Gives back what waits, oldest first: nobody answered (QUE-7, QUE-8).
    pub(crate) fn fail_queue(&mut self, id: Id) {
        let mut queue = self.take_queue(id);
        let (device, next_hop) = (self.entry(id).device(), self.address(id));
        self.routes.forget_redirects_by(Hop { device, next_hop });
        while let Some(packet) = self.queues.pop(&mut queue) {
            let reason = DropReason::Unreachable;
            self.drops.count(reason);
            self.remember_of(id, Happening::Dropped(reason));
            self.owe_unreachable(&packet);
            self.tell(EventKind::Unreachable { device, next_hop, packet, reason });
        }
    }

    /// Puts the header before a packet and gives the frame away.
    fn emit(&mut self, id: Id, packet: Vec<u8>) -> Sent {
        let device = self.entry(id).device();
        let lladdr = self.table(id.family).lladdr(id.slot);
        let ethertype = match id.family {
            Family::Inet => ethertype::IPV4,
            Family::Inet6 => ethertype::IPV6,
        };
        match self.header(device, &lladdr, ethertype) {
            Ok(header) if header.fits_before(&packet) => {
                self.out.push_back(Transmit { device, frame: header.put_before(packet) });
                Sent::Sent
            }
            Ok(header) => {
                let sent = self.transmit_copy(device, &header, &packet);
                self.buffers.give(packet);
                sent
            }
            Err(reason) => self.refuse_packet(packet, reason),
        }
    }

    /// Puts a link-layer header before `payload` and queues the frame for the device.
    pub(crate) fn transmit(&mut self, device: DeviceId, to: &LlAddr, ethertype: u16, payload: &[u8]) -> Sent {
        match self.header(device, to, ethertype) {
            Ok(header) => self.transmit_copy(device, &header, payload),
            Err(reason) => self.refuse(reason),
        }
    }

    /// The same in a buffer of our own. There is room among the frames: see [`Engine::header`].
    fn transmit_copy(&mut self, device: DeviceId, header: &Header, payload: &[u8]) -> Sent {
        let Ok(mut frame) = self.buffers.take(header.len + payload.len()) else {
            return self.refuse(DropReason::OutOfMemory);
        };
        frame.extend_from_slice(header.as_bytes());
        frame.extend_from_slice(payload);
        self.out.push_back(Transmit { device, frame });
        Sent::Sent
    }

    /// The link-layer header of a frame, and room for one more among those that wait to be sent.
    fn header(&mut self, device: DeviceId, to: &LlAddr, ethertype: u16) -> Result<Header, DropReason> {
        if self.out.len() >= self.config.max_transmit {
            return Err(DropReason::TransmitFull);
        }
        self.out.try_reserve(1).map_err(|_| DropReason::OutOfMemory)?;
        let state = self.device(device).filter(|d| d.up).ok_or(DropReason::DeviceDown)?;
        match (state.header, state.addr_len()) {
            (HeaderOps::None, _) => Ok(Header::default()),
            (_, 6) => {
                let addresses = to.mac().zip(state.lladdr.mac());
                let (destination, source) = addresses.ok_or(DropReason::NeighHhFail)?;
                Ok(Header::of(&[&ethernet::header(destination, source, ethertype)]))
            }
            // Other links: the destination's address, the type, two reserved octets (as IPoIB).
            (_, len) if to.len() == len => {
                Ok(Header::of(&[to.as_bytes(), &ethertype.to_be_bytes(), &[0, 0]]))
            }
            _ => Err(DropReason::NeighHhFail),
        }
    }
}

/// The source address of an IP packet.
pub(crate) fn source_of(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => Some(IpAddr::V4(<[u8; 4]>::try_from(packet.get(12..16)?).ok()?.into())),
        6 => Some(IpAddr::V6(<[u8; 16]>::try_from(packet.get(8..24)?).ok()?.into())),
        _ => None,
    }
}
