//! Taking in what somebody says of a neighbour: the update routine (UPD-1 to UPD-26), and carrying
//! out the steps of the state machine.

use crate::event::{EventKind, Reason};
use crate::history::Happening;
use crate::neighbour::Flags;
use crate::nud::{Actions, Address, Cause, Claim, Step, Timer, Verdict};
use crate::parms::Parm;
use crate::table::Id;
use crate::time::MAX_TICKS;
use crate::told::Change;
use crate::{Engine, NudState, nud};
use neighbour_wire::LlAddr;

bitflags::bitflags! {
    /// How an update is meant (DM-12).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub(crate) struct UpdateFlags: u16 {
        /// A different address may replace the known one.
        const OVERRIDE = 1 << 0;
        /// A different address may not, but makes a CONNECTED entry STALE.
        const WEAK_OVERRIDE = 1 << 1;
        /// The ROUTER flag may change.
        const OVERRIDE_ISROUTER = 1 << 2;
        /// What it changes to.
        const ISROUTER = 1 << 3;
        /// From userspace.
        const ADMIN = 1 << 4;
        /// Do not set anything; resolution is to be started.
        const USE = 1 << 5;
        /// The same, and the entry is to be kept resolved.
        const MANAGED = 1 << 6;
        /// Value for EXT_LEARNED, with ADMIN.
        const EXT_LEARNED = 1 << 7;
        /// Value for EXT_VALIDATED, with ADMIN.
        const EXT_VALIDATED = 1 << 8;
    }
}

/// Why an update changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum UpdateError {
    /// EPERM: the entry is dead (UPD-1).
    Dead,
    /// EPERM: NOARP or PERMANENT (UPD-2).
    Refused,
    /// EINVAL: no link-layer address given (UPD-6).
    NoAddress,
}

impl Engine {
    /// The update routine.
    pub(crate) fn update(
        &mut self,
        id: Id,
        lladdr: Option<&LlAddr>,
        to: NudState,
        flags: UpdateFlags,
        reason: Reason,
    ) -> Result<(), UpdateError> {
        self.hears(id, flags, reason)?;
        let admin = flags.contains(UpdateFlags::ADMIN);
        if !admin && lladdr.is_some_and(|claimed| self.doubts(id, claimed, to, flags, reason)) {
            return Ok(()); // as with a claim without OVERRIDE (UPD-9)
        }
        // Linux leaves its address out where it answers a solicitation by unicast: asked where it was, it is there.
        if !admin && lladdr.is_none() && to.has(NudState::REACHABLE) {
            self.old_address_answered(id);
        }
        self.believe(id, lladdr, to, flags, reason)
    }

    /// Does the entry listen at all? (UPD-1, UPD-2)
    pub(crate) fn hears(&mut self, id: Id, flags: UpdateFlags, reason: Reason) -> Result<(), UpdateError> {
        let entry = self.entry(id);
        if entry.is_dead() {
            return Err(UpdateError::Dead);
        }
        if entry.state.has(NudState(0x40 | 0x80)) && !flags.contains(UpdateFlags::ADMIN) {
            let error = "the entry is NOARP or PERMANENT";
            self.remember_of(id, Happening::ClaimRefused { reason, error });
            return Err(UpdateError::Refused);
        }
        Ok(())
    }

    /// The rest of the update routine, for what is heard and believed.
    pub(crate) fn believe(
        &mut self,
        id: Id,
        lladdr: Option<&LlAddr>,
        to: NudState,
        flags: UpdateFlags,
        reason: Reason,
    ) -> Result<(), UpdateError> {
        let old = self.entry(id).state;
        let admin = flags.contains(UpdateFlags::ADMIN);
        let reflagged = admin && self.store_flags(id, flags); // UPD-3
        let mut notify = reflagged;
        let mut wanted = to;
        let mut result = Ok(());
        if flags.intersects(UpdateFlags::USE | UpdateFlags::MANAGED) {
            wanted = NudState(old.0 & !NudState::PERMANENT.0); // UPD-4
            self.set_state(id, wanted, reason);
        } else {
            let claim = self.claim(id, lladdr, to, flags);
            let step = nud::next(old, Cause::Update(claim), nud::Facts::default());
            self.apply(id, &step, lladdr, reason);
            // UPD-5: where nothing is known any more, a change of flags alone is not told.
            notify &= to.is_valid();
            notify |= step.actions.contains(Actions::NOTIFY);
            result = match step.verdict {
                Verdict::Refused => Err(UpdateError::Refused),
                Verdict::NoAddress => Err(UpdateError::NoAddress),
                Verdict::Go | Verdict::Held | Verdict::Drop => Ok(()),
            };
            if claim.address == Address::Different
                && !step.actions.contains(Actions::STORE)
                && let Some(claimed) = lladdr.copied()
            {
                self.remember_of(id, Happening::ClaimIgnored { claimed, reason });
            } else if result.is_err() {
                self.remember_of(
                    id,
                    Happening::ClaimRefused { reason, error: "no link-layer address given" },
                );
            }
            if step.router && flags.contains(UpdateFlags::OVERRIDE_ISROUTER) {
                notify |= self.set_router(id, flags.contains(UpdateFlags::ISROUTER)); // UPD-16
            }
        }
        let permanence = (wanted.0 ^ old.0) & NudState::PERMANENT.0 != 0;
        if permanence || reflagged {
            self.refresh_lists(id); // UPD-17
        }
        if admin && !self.entry(id).is_dead() {
            self.change_class(id, old, reason);
        }
        if notify {
            self.notify(id, reason);
        }
        result
    }

    /// What the machine needs to know of the claim (UPD-6).
    fn claim(&self, id: Id, lladdr: Option<&LlAddr>, to: NudState, flags: UpdateFlags) -> Claim {
        let entry = self.entry(id);
        let no_addresses = self.device(entry.device()).is_none_or(|d| d.addr_len() == 0);
        let address = match lladdr {
            _ if no_addresses => Address::Same,
            None => Address::Absent,
            Some(given) if entry.state.is_valid() && self.table(id.family).has_lladdr(id.slot, given) => {
                Address::Same
            }
            Some(_) => Address::Different,
        };
        Claim {
            to,
            address,
            overrides: flags.contains(UpdateFlags::OVERRIDE),
            weak_override: flags.contains(UpdateFlags::WEAK_OVERRIDE),
            admin: flags.contains(UpdateFlags::ADMIN),
        }
    }

    /// Sets or clears the flags that userspace owns; true if one changed (UPD-3).
    fn store_flags(&mut self, id: Id, flags: UpdateFlags) -> bool {
        let entry = self.entry_mut(id);
        let old = entry.flags();
        let mut new = old;
        for (update, flag) in [
            (UpdateFlags::EXT_LEARNED, Flags::EXT_LEARNED),
            (UpdateFlags::MANAGED, Flags::MANAGED),
            (UpdateFlags::EXT_VALIDATED, Flags::EXT_VALIDATED),
        ] {
            new.set(flag, flags.contains(update));
        }
        entry.set_flags(new);
        new != old
    }

    /// True if it changed.
    pub(crate) fn set_router(&mut self, id: Id, router: bool) -> bool {
        let entry = self.entry_mut(id);
        let changed = entry.is_router() != router;
        let mut flags = entry.flags();
        flags.set(Flags::ROUTER, router);
        entry.set_flags(flags);
        changed
    }

    /// Joins or leaves the lists for collection and refresh as state and flags say (GC-16, GC-17,
    /// DST-8).
    fn refresh_lists(&mut self, id: Id) {
        let table = self.table_mut(id.family);
        let entry = &table.entries[id.slot];
        if entry.is_dead() {
            return;
        }
        match entry.is_exempt() {
            true => table.gc_unlink(id.slot),
            false => table.gc_link(id.slot),
        }
        table.list_managed(id.slot);
        table.settle(id.slot);
    }

    /// Carries out a step, in Linux's order. Probing and telling are the caller's, who knows when.
    pub(crate) fn apply(&mut self, id: Id, step: &Step, lladdr: Option<&LlAddr>, reason: Reason) {
        let Step { state, actions, timer, .. } = *step;
        if actions.is_empty() && timer == Timer::Keep && state == self.entry(id).state {
            return; // most of what is heard is known already
        }
        let now = self.clock.tick();
        let table = self.table_mut(id.family);
        if actions.contains(Actions::CONFIRM) {
            table.set_confirmed(id.slot, now);
        }
        if actions.contains(Actions::UNCONFIRM) {
            let unconfirmed = now.minus(self.parms_of(id).unconfirmed_age());
            // Whoever vouched did so for the old address.
            self.table_mut(id.family).set_confirmed(id.slot, unconfirmed);
        }
        if actions.contains(Actions::SKIP_UNICAST) {
            let skip = self.parms_of(id).get(Parm::UcastSolicit);
            self.entry_mut(id).probes = skip;
        }
        let table = self.table_mut(id.family);
        let entry = &mut table.entries[id.slot];
        let from = entry.state;
        if actions.contains(Actions::TOUCH) {
            entry.updated = now;
        }
        if actions.contains(Actions::RESET_PROBES) && !actions.contains(Actions::SKIP_UNICAST) {
            entry.probes = 0;
        }
        entry.state = state;
        if actions.contains(Actions::CONNECT) {
            entry.set_output(entry.ops().connected());
        }
        if actions.contains(Actions::SUSPECT) {
            entry.set_output(entry.ops().suspect());
        }
        if state != from {
            self.change_class(id, from, reason);
        }
        let store = lladdr.filter(|_| actions.contains(Actions::STORE));
        if let Some(lladdr) = store {
            self.table_mut(id.family).shared.publish(id.slot, state.0, lladdr.as_bytes(), state.is_valid());
        } else if state != from {
            self.publish(id);
        }
        if state != from || store.is_some() {
            self.tell_change(id, Change::From(from), reason);
        }
        if state.is_valid() && !from.is_valid() {
            self.station(id);
        }
        if state.has(NudState::REACHABLE) && self.entry(id).is_verified() {
            self.station_answered(id);
        }
        self.set_timer(id, timer, reason == Reason::Timer);
        self.table_mut(id.family).settle(id.slot);
        if actions.contains(Actions::FAIL) {
            self.table_mut(id.family).stats.res_failed += 1;
            self.fail_queue(id);
        }
        if actions.contains(Actions::FLUSH) {
            self.flush_queue(id);
        }
    }

    /// A change of state that no step describes: UPD-4.
    fn set_state(&mut self, id: Id, state: NudState, reason: Reason) {
        let from = self.entry(id).state;
        if from != state {
            self.entry_mut(id).state = state;
            self.change_class(id, from, reason);
            self.publish(id);
            self.tell_change(id, Change::From(from), reason);
        }
    }

    /// Sets the timer. A timer that arms itself again does so with a floor (NUD-22); arming by traffic
    /// and updates lifts `used` to `confirmed` (NUD-26).
    fn set_timer(&mut self, id: Id, timer: Timer, again: bool) {
        let begin = self.clock.next_tick();
        let parms = self.parms_of(id);
        let at = match timer {
            Timer::Keep => return,
            Timer::Cancel => {
                self.table_mut(id.family).wheel.cancel(id.slot);
                return;
            }
            // One tick behind the last at which the confirmation counts (NUD-18.1).
            Timer::Reachable => self.table(id.family).confirmed(id.slot).plus(parms.reachable_time()).plus(1),
            Timer::Delay => begin.plus(parms.get(Parm::DelayFirstProbeTime).min(MAX_TICKS / 2)),
            Timer::Retrans => begin.plus(parms.retrans(&self.clock).min(MAX_TICKS / 2)),
            Timer::NextTick => begin.plus(1),
        };
        let floor = if again { self.clock.tick_min() } else { 0 };
        let table = self.table_mut(id.family);
        if again {
            table.wheel.arm(id.slot, at.max(begin.plus(floor)));
        } else {
            let confirmed = table.confirmed(id.slot);
            let entry = &mut table.entries[id.slot];
            entry.used = entry.used.max(confirmed);
            table.wheel.arm(id.slot, at);
        }
    }

    /// RTM_NEWNEIGH with the entry as it is now (UPD-18, EVT-5).
    pub(crate) fn notify(&mut self, id: Id, reason: Reason) {
        let port = match reason {
            Reason::Admin(port) => port,
            _ => 0,
        };
        let neighbour = self.info(id);
        self.tell(EventKind::NewNeigh { neighbour, port });
    }
}
