//! Who gets an entry while nobody has verified it: budgets by class, so that noise pushes out nothing but noise.
//!
//! Linux makes an entry for every address that a packet asks for, and for every stranger that speaks; at gc_thresh3 it
//! refuses all newcomers alike. Here newcomers come under budgets beneath the thresholds. An entry that is sought can
//! push out only another one that nobody has answered for; one that was heard of, those and others that were only
//! heard of. Entries that were verified once, that are permanent or learned externally, are out of reach of both.
//! Where the budget is spent, resolution goes on without an entry (`questions`).

use super::classes::{Class, Classes, OWN};
use super::marks::Marks;
use super::questions::Questions;
use super::replies::Replies;
use super::scan::Scans;
use super::stations::Stations;
use crate::event::Reason;
use crate::output::source_of;
use crate::parms::Parm;
use crate::ratelimit::Bucket;
use crate::rng::Rng;
use crate::table::{Id, Table, key};
use crate::{CreateError, DeviceId, Engine, Family, NudState};
use alloc::boxed::Box;
use core::net::IpAddr;

/// So many of a list are looked at for one that may go.
const LOOKED_AT: usize = 8;

/// Budgets for entries that nobody has verified, for each table: [`crate::Config::admission`], and by name `admission`,
/// `unresolved_percent` and so on ([`crate::Engine::set`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admission {
    /// Is there any of this? If not, newcomers are treated as Linux treats them.
    pub on: bool,
    /// Entries that nobody has answered for, those that FAILED or need no answer among them, in percent of gc_thresh3.
    pub unresolved_percent: u8,
    /// Of those the ones that wait for an answer on one device, in percent of gc_thresh3.
    pub unresolved_device_percent: u8,
    /// The same for packets that are passed on from one source prefix (/24 of IPv4, /64 of IPv6).
    pub unresolved_source_percent: u8,
    /// Entries of whom somebody spoke, and that nobody has verified since, in percent of gc_thresh3.
    pub heard_percent: u8,
    /// Questions a second that are asked without an entry, in each table.
    pub solicit_rate: u32,
    /// The same for one device.
    pub solicit_device_rate: u32,
    /// Requests of strangers that are answered in a second, in each table; 0: all. Verified neighbours do not count.
    pub reply_rate: u32,
    /// Requests of one peer for one address, whoever it is, that are answered in a second; 0: all.
    pub reply_peer_rate: u32,
}

impl Admission {
    /// None, as Linux.
    pub const fn off() -> Self {
        Self { on: false, ..Self::guarded() }
    }

    /// What the profile `guarded` has.
    pub const fn guarded() -> Self {
        Self {
            on: true,
            unresolved_percent: 50,
            unresolved_device_percent: 40,
            unresolved_source_percent: 3,
            heard_percent: 25,
            solicit_rate: 1000,
            solicit_device_rate: 500,
            reply_rate: 100_000,
            reply_peer_rate: 1000,
        }
    }
}

/// Entries of a table by class. Those that are neither were verified once, or are no one's to verify.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Occupancy {
    /// All that count against the thresholds.
    pub counted: u32,
    /// Sought, and not answered yet.
    pub pending: u32,
    /// Sought, and nobody answered.
    pub failed: u32,
    /// Born with an address, nothing to ask: a group, or on a device without ARP.
    pub fixed: u32,
    /// Somebody spoke of them, and nobody has verified it.
    pub heard: u32,
    /// Questions that were sent without an entry.
    pub asked: u64,
    /// Packets that got neither an entry nor a question: the address was asked for just before, or the rates were
    /// spent.
    pub hushed: u64,
}

/// For whom an entry is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whom {
    /// A packet of ours, or one that is passed on from this source.
    Packet(Option<IpAddr>),
    /// A peer that spoke first.
    Peer,
    /// An administrator, or a peer that answered a question of ours.
    Known,
}

impl Whom {
    pub(crate) fn of(reason: Reason) -> Self {
        match reason {
            Reason::Packet | Reason::Handover | Reason::Managed | Reason::Redirect => Self::Packet(None),
            Reason::ArpRequest(_)
            | Reason::ArpReply(_)
            | Reason::NeighbourSolicit
            | Reason::NeighbourAdvert { .. }
            | Reason::RouterSolicit
            | Reason::RouterAdvert => Self::Peer,
            _ => Self::Known,
        }
    }
}

/// What a table needs of this while it is on.
#[derive(Debug)]
pub(crate) struct Newcomers {
    pub(super) classes: Classes,
    pub(super) scans: Scans,
    pub(super) replies: Replies,
    pub(super) stations: Stations,
    pub(super) questions: Questions,
    marks: Marks,
}

impl Newcomers {
    fn new(rng: &mut Rng, admission: &Admission) -> Self {
        Self {
            classes: Classes::default(),
            scans: Scans::default(),
            replies: Replies::new(rng.u64(), bucket(admission.reply_rate)),
            stations: Stations::new(rng.u64()),
            questions: Questions::new(rng.u64(), admission.solicit_rate),
            marks: Marks::new(rng.u64()),
        }
    }
}

/// A quarter of a second's may come at once.
pub(super) fn bucket(per_second: u32) -> Bucket {
    Bucket::new(per_second, per_second.div_ceil(4))
}

/// Budgets in entries.
struct Budgets {
    unresolved: u32,
    device: u32,
    source: u32,
    heard: u32,
}

impl Table {
    fn budgets(&self) -> Budgets {
        let share = |percent: u8| {
            let entries = u64::from(self.thresholds.thresh3) * u64::from(percent) / 100;
            u32::try_from(entries).unwrap_or(u32::MAX).max(1)
        };
        Budgets {
            unresolved: share(self.admission.unresolved_percent),
            device: share(self.admission.unresolved_device_percent),
            source: share(self.admission.unresolved_source_percent),
            heard: share(self.admission.heard_percent),
        }
    }

    fn is_full(&self) -> bool {
        self.gc_entries >= self.thresholds.thresh3
    }

    fn class(&self, slot: u32) -> Option<Class> {
        self.newcomers.as_ref()?.classes.class(slot)
    }

    fn put(&mut self, slot: u32, class: Option<Class>) {
        let Some(newcomers) = &mut self.newcomers else { return };
        newcomers.classes.put(slot, self.entries[slot].device(), class);
    }
}

impl Engine {
    /// Changes the budgets of a table. Switched on, it counts newcomers from then on.
    pub fn set_admission(&mut self, family: Family, admission: Admission) {
        let (table, rng) = (&mut self.tables[family as usize], &mut self.rng);
        table.admission = admission;
        match (&mut table.newcomers, admission.on) {
            (Some(newcomers), true) => {
                newcomers.questions.set_rate(admission.solicit_rate);
                newcomers.replies.strangers = bucket(admission.reply_rate);
            }
            (none, true) => *none = Some(Box::new(Newcomers::new(rng, &admission))),
            (newcomers, false) => *newcomers = None,
        }
    }

    /// The budgets of a table.
    pub fn admission(&self, family: Family) -> Admission {
        self.table(family).admission
    }

    /// A table's entries by class; without [`Admission`] only `counted`.
    pub fn occupancy(&self, family: Family) -> Occupancy {
        let counted = self.gc_entries(family);
        let Some(Newcomers { classes, questions, .. }) = self.newcomers(family) else {
            return Occupancy { counted, ..Occupancy::default() };
        };
        Occupancy {
            counted,
            pending: classes.pending(),
            failed: classes.len(Class::Failed),
            fixed: classes.len(Class::Fixed),
            heard: classes.len(Class::Heard),
            asked: questions.asked(),
            hushed: questions.hushed(),
        }
    }

    pub(super) fn newcomers(&self, family: Family) -> Option<&Newcomers> {
        self.table(family).newcomers.as_deref()
    }

    pub(super) fn newcomers_mut(&mut self, family: Family) -> Option<&mut Newcomers> {
        self.table_mut(family).newcomers.as_deref_mut()
    }

    /// Are newcomers of this family admitted by class?
    pub(crate) fn admits_by_class(&self, family: Family) -> bool {
        self.newcomers(family).is_some()
    }

    /// For whom a packet seeks its next hop: itself, or the source that it is passed on for.
    pub(crate) fn seeks(&self, family: Family, packet: &[u8]) -> Whom {
        let passed_on = || source_of(packet).filter(|source| self.passing_on || !self.is_local(*source));
        Whom::Packet(self.admits_by_class(family).then(passed_on).flatten())
    }

    /// Makes room for a newcomer within its budget and counts it, or refuses it. None: no class is its own, and
    /// Linux's rules decide alone.
    pub(crate) fn admit_by_class(
        &mut self,
        device: DeviceId,
        address: IpAddr,
        whom: Whom,
    ) -> Result<Option<Class>, CreateError> {
        let family = Family::of(address);
        let state = self.device(device).ok_or(CreateError::NoDevice)?;
        let born_resolved = whom != Whom::Known && self.construct(state, address).state != NudState::NONE;
        let class = match whom {
            _ if born_resolved => self.room_among_unresolved(family, 0).then_some(Class::Fixed),
            Whom::Known => {
                if self.table(family).is_full() {
                    self.make_room(family);
                }
                return Ok(None);
            }
            Whom::Peer => self.room_for_heard(family).then_some(Class::Heard),
            Whom::Packet(source) => self.room_for_pending(device, source, address).map(Class::Pending),
        };
        match class {
            Some(_) => {
                self.table_mut(family).gc_entries += 1;
                self.tell_near_limit(family);
                Ok(class)
            }
            None if self.table(family).is_full() => {
                self.refuse_full(family);
                Err(CreateError::Budget)
            }
            None => Err(CreateError::Budget),
        }
    }

    /// The mark of the source, if there is room for one more entry that it seeks.
    fn room_for_pending(&mut self, device: DeviceId, source: Option<IpAddr>, address: IpAddr) -> Option<u8> {
        let family = Family::of(address);
        let mark = self.share_of_pending(device, source, address, true)?;
        let mine = self.newcomers(family)?.classes.len(Class::Pending(mark));
        self.room_among_unresolved(family, mine).then_some(mark)
    }

    /// The mark of the source, if its share and the device's have a place for one more that it seeks; otherwise it
    /// scans. An own packet to one that failed seeks nothing new, so it is no scan.
    fn share_of_pending(
        &mut self,
        device: DeviceId,
        source: Option<IpAddr>,
        address: IpAddr,
        is_new: bool,
    ) -> Option<u8> {
        let (family, now) = (Family::of(address), self.clock.now());
        let newcomers = self.newcomers_mut(family)?;
        let known = newcomers.stations.has_answered(&key(device, address));
        let mark = if known { OWN } else { newcomers.marks.of(source, now) };
        let mine = newcomers.classes.len(Class::Pending(mark));
        let on_device = newcomers.classes.pending_on(device);
        let budgets = self.table(family).budgets();
        if mark != OWN && mine >= budgets.source {
            self.scans(family, device, source, mark, address);
            return None;
        }
        let room = on_device < budgets.device || self.take_from_the_greedy(family, mine, Some(device));
        if !room && mark == OWN && is_new {
            self.scans(family, device, source, mark, address);
        }
        room.then_some(mark)
    }

    /// Room for one more that nobody has answered for, besides so many of the same source.
    fn room_among_unresolved(&mut self, family: Family, mine: u32) -> bool {
        let Some(Newcomers { classes, .. }) = self.newcomers(family) else { return true };
        let table = self.table(family);
        !(classes.unresolved() >= table.budgets().unresolved || table.is_full())
            || self.evict_unsought(family)
            || self.take_from_the_greedy(family, mine, None)
    }

    fn room_for_heard(&mut self, family: Family) -> bool {
        let Some(Newcomers { classes, .. }) = self.newcomers(family) else { return true };
        let table = self.table(family);
        if classes.len(Class::Heard) >= table.budgets().heard {
            return self.evict_one(family, Class::Heard, None);
        }
        !table.is_full() || self.make_room(family)
    }

    /// For one that spoke or is verified: whatever nobody verified may go, the most doubtful first.
    fn make_room(&mut self, family: Family) -> bool {
        let greediest = |engine: &Self| engine.newcomers(family).map_or(OWN, |n| n.classes.greediest());
        self.evict_unsought(family)
            || self.evict_one(family, Class::Pending(greediest(self)), None)
            || self.evict_one(family, Class::Heard, None)
    }

    /// Takes the place of the oldest entry that the greediest source seeks, if it seeks more than `mine` and one.
    fn take_from_the_greedy(&mut self, family: Family, mine: u32, on: Option<DeviceId>) -> bool {
        let Some(Newcomers { classes, .. }) = self.newcomers(family) else { return false };
        let class = Class::Pending(classes.greediest());
        classes.len(class) > mine + 1 && self.evict_one(family, class, on)
    }

    /// Removes one that nobody is asked for: it was born with an address, or it failed.
    fn evict_unsought(&mut self, family: Family) -> bool {
        self.evict_one(family, Class::Fixed, None) || self.evict_one(family, Class::Failed, None)
    }

    /// Removes the oldest of a class that nobody holds; false if there is none at its beginning.
    fn evict_one(&mut self, family: Family, class: Class, on: Option<DeviceId>) -> bool {
        let Some(Newcomers { classes, .. }) = self.newcomers(family) else { return false };
        let table = self.table(family);
        let free = |slot: u32| {
            // Who was heard of and is in use is being verified.
            let entry = &table.entries[slot];
            let in_use = class == Class::Heard
                && (entry.state.has(NudState::DELAY) || entry.state.has(NudState::PROBE));
            table.shared.refs(slot) == 1 && !in_use && !entry.is_exempt() && !entry.is_verified()
        };
        let wanted = |(slot, device): &(u32, DeviceId)| on.is_none_or(|on| on == *device) && free(*slot);
        let victim = classes.iter(class).take(LOOKED_AT).find(wanted);
        let Some((slot, _)) = victim else { return false };
        let soon = self.clock.next_tick();
        let timer = self.table_mut(family).wheel.cancel(slot);
        let removed = self.remove_one(Id { family, slot }, Reason::Admission);
        if timer && !removed {
            // A reader took hold of it this very moment.
            let table = self.table_mut(family);
            table.wheel.arm(slot, soon);
            table.settle(slot);
        }
        removed
    }

    /// An entry was made.
    pub(crate) fn enter_class(&mut self, id: Id, class: Option<Class>) {
        let table = self.table_mut(id.family);
        match class {
            None => table.entries[id.slot].set_verified(),
            class => table.put(id.slot, class),
        }
    }

    /// The state of an entry changed: whoever answered is verified, and so is what an administrator says.
    ///
    /// Whoever says "reachable" unasked has answered nothing: that takes an entry that waits for an answer, or
    /// somebody above us who vouches, which the timer finds.
    pub(crate) fn change_class(&mut self, id: Id, from: NudState, reason: Reason) {
        let table = self.table_mut(id.family);
        let entry = &mut table.entries[id.slot];
        let state = entry.state;
        let asked = from.has(NudState::INCOMPLETE) || from.has(NudState::PROBE) || reason == Reason::Timer;
        let answered = state.has(NudState::REACHABLE) && asked;
        let vouched = matches!(reason, Reason::Admin(_)) && state != NudState::FAILED;
        if answered || vouched || entry.is_exempt() {
            entry.set_verified();
        }
        if table.newcomers.is_none() {
            return;
        }
        let entry = &table.entries[id.slot];
        let class = match table.class(id.slot) {
            _ if entry.is_verified() || entry.is_dead() || state.has(NudState::NOARP) => None,
            _ if state == NudState::FAILED => Some(Class::Failed),
            _ if state.is_valid() => Some(Class::Heard),
            Some(Class::Failed | Class::Fixed) => Some(Class::Pending(OWN)),
            // One that was told of without an address, and is sought now.
            Some(Class::Heard) if state.has(NudState::INCOMPLETE) => Some(Class::Pending(OWN)),
            known => known,
        };
        table.put(id.slot, class);
    }

    /// A neighbour that failed answered what was asked without its entry.
    pub(crate) fn has_answered(&mut self, id: Id) {
        self.entry_mut(id).set_verified();
        self.leave_class(id);
    }

    /// Entries of a table that somebody has verified, of so many in all.
    pub(crate) fn settled(&self, family: Family, entries: u32) -> u32 {
        let Some(Newcomers { classes, .. }) = self.newcomers(family) else { return entries };
        entries.saturating_sub(classes.unverified())
    }

    /// An entry leaves the table.
    pub(crate) fn leave_class(&mut self, id: Id) {
        self.table_mut(id.family).put(id.slot, None);
    }

    /// A packet seeks a neighbour that did not answer before: has its source a place left?
    pub(crate) fn readmit(&mut self, id: Id, packet: Option<&[u8]>) -> bool {
        if self.table(id.family).class(id.slot) != Some(Class::Failed) {
            return true;
        }
        let parms = self.parms_of(id);
        if parms.get(Parm::McastSolicit).saturating_add(parms.get(Parm::AppSolicit)) == 0
            || !self.may_solicit(id)
        {
            return true; // it fails again at once
        }
        let source = match packet.map(|packet| self.seeks(id.family, packet)) {
            Some(Whom::Packet(source)) => source,
            _ => None,
        };
        let (device, address) = (self.entry(id).device(), self.address(id));
        let mark = self.share_of_pending(device, source, address, false);
        if let Some(mark) = mark {
            self.table_mut(id.family).put(id.slot, Some(Class::Pending(mark)));
        }
        mark.is_some()
    }

    /// Old stamps are forgotten before they wrap.
    pub(crate) fn sweep_memories(&mut self, family: Family, age: u32) {
        let tick = self.clock.tick();
        if let Some(newcomers) = self.newcomers_mut(family) {
            newcomers.questions.sweep(tick, age);
            newcomers.replies.sweep(tick, age);
            newcomers.stations.sweep(tick, age.saturating_mul(30));
        }
    }

    /// The device is gone.
    pub(crate) fn admission_forgets(&mut self, device: DeviceId) {
        for newcomers in self.tables.iter_mut().filter_map(|table| table.newcomers.as_mut()) {
            newcomers.questions.forget(device);
        }
    }
}
