//! A neighbour that is said to have another link-layer address: who is believed, and when.
//!
//! Linux believes whoever spoke last. Under the policy `verify` such a claim is held for one retrans_time, in which
//! the old address is asked by unicast: if it answers, the neighbour has not moved, and the claim is refused; if it
//! is silent, the neighbour moves, as STALE, so that its first packet has the new address verified in turn.
//! A failover costs that one interval; an impostor gains nothing as long as the neighbour lives.

use crate::conf::{Conf4, Conf6};
use crate::event::{EventKind, Reason};
use crate::history::Happening;
use crate::ratelimit::Quota;
use crate::table::Id;
use crate::task::Task;
use crate::update::UpdateFlags;
use crate::{DeviceId, DropReason, Engine, Family, Instant, NudState};
use alloc::collections::{BTreeMap, VecDeque};
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;
use neighbour_wire::LlAddr;

/// Claims that may be held at a time; others are refused meanwhile.
const HELD_MAX: usize = 1024;
/// Moves that are remembered, of all neighbours together.
const REMEMBERED: usize = 1024;
/// So many moves within [`RESTLESS_WITHIN`] are too many (RFC 9161 section 3.7: N and M).
const RESTLESS: usize = 5;
const RESTLESS_WITHIN: Duration = Duration::from_secs(180);

/// Whom to believe that a neighbour has another link-layer address: `conf/move_policy`, for each device and family.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MovePolicy {
    /// Whoever spoke last, as Linux does (0).
    Linux,
    /// Nobody, as long as the old address answers (1).
    Verify,
    /// Nobody: the address that was heard first stays until the entry leaves the table, or an administrator changes
    /// it (2).
    Pin,
    /// Nobody at all: only what an administrator configures is known, and nobody is asked for (3).
    Static,
}

impl MovePolicy {
    fn of(value: i32) -> Self {
        match value {
            ..=0 => Self::Linux,
            1 => Self::Verify,
            2 => Self::Pin,
            3.. => Self::Static,
        }
    }
}

/// Why a claim was not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Disbelief {
    /// The address is a group's, or all zeros.
    NoHost,
    /// The address is our own.
    Own,
    /// The old address answered.
    OldAnswered,
    /// The address that was heard first stays.
    Pinned,
    /// Only configured entries count.
    Static,
    /// The neighbour has moved too often lately.
    Restless,
    /// Too many claims are being verified already.
    Busy,
}

impl fmt::Display for Disbelief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoHost => "no host can have this address",
            Self::Own => "this address is ours",
            Self::OldAnswered => "the old address answered",
            Self::Pinned => "the address heard first stays",
            Self::Static => "only configured entries count",
            Self::Restless => "it has moved too often lately",
            Self::Busy => "too many claims are being verified",
        })
    }
}

/// A claim that waits for the old address to be silent.
#[derive(Clone, Copy, Debug)]
struct Held {
    claimed: LlAddr,
    flags: UpdateFlags,
    reason: Reason,
}

/// Which neighbour: its device and address. Slots may belong to another one when a claim's time has come.
type Neighbour = (DeviceId, IpAddr);

/// The claims that are held, and the moves of late.
#[derive(Debug)]
pub(crate) struct Moves {
    held: BTreeMap<Neighbour, Held>,
    /// Oldest first.
    lately: VecDeque<(Instant, Neighbour)>,
    /// How many disbelieved claims are told of: who forges them may send a million a second.
    told: Quota,
}

impl Default for Moves {
    fn default() -> Self {
        Self { held: BTreeMap::new(), lately: VecDeque::new(), told: Quota::new(1, 10) }
    }
}

impl Moves {
    /// How often this one has moved lately.
    fn count(&self, who: &Neighbour, now: Instant) -> usize {
        let recent = |at: Instant| now.duration_since(at) < RESTLESS_WITHIN;
        self.lately.iter().filter(|(at, other)| other == who && recent(*at)).count()
    }

    fn remember(&mut self, now: Instant, who: Neighbour) {
        if self.lately.len() >= REMEMBERED {
            self.lately.pop_front();
        }
        if self.lately.try_reserve(1).is_ok() {
            self.lately.push_back((now, who));
        }
    }
}

impl Engine {
    /// The policy in force for a family on a device.
    pub fn move_policy(&self, device: DeviceId, family: Family) -> MovePolicy {
        MovePolicy::of(match family {
            Family::Inet => self.conf4_own(device, Conf4::MovePolicy),
            Family::Inet6 => self.own_conf6(device, Conf6::MovePolicy),
        })
    }

    /// Somebody says where a neighbour is. True if he is not believed, or not yet: the entry stays as it is.
    pub(crate) fn doubts(
        &mut self,
        id: Id,
        claimed: &LlAddr,
        to: NudState,
        flags: UpdateFlags,
        reason: Reason,
    ) -> bool {
        let device = self.entry(id).device();
        let policy = self.move_policy(device, id.family);
        if policy == MovePolicy::Linux || claimed.is_empty() {
            return false;
        }
        if let Some(why) = self.implausible(device, id.family, claimed) {
            return self.disbelieve(id, *claimed, reason, why);
        }
        let known = self.entry(id).state.is_valid();
        let same = known && self.table(id.family).has_lladdr(id.slot, claimed);
        if same {
            if to.has(NudState::REACHABLE) {
                self.old_address_answered(id);
            }
            return false;
        }
        // One that FAILED keeps what it had.
        let stored = self.table(id.family).lladdr(id.slot);
        let is_pinned = known || (!stored.is_zero() && stored != *claimed);
        match policy {
            MovePolicy::Static => self.disbelieve(id, *claimed, reason, Disbelief::Static),
            MovePolicy::Pin if is_pinned => self.disbelieve(id, *claimed, reason, Disbelief::Pinned),
            // Without OVERRIDE the address stays anyway.
            MovePolicy::Verify if known && flags.contains(UpdateFlags::OVERRIDE) => {
                self.hold_claim(id, Held { claimed: *claimed, flags, reason });
                true
            }
            MovePolicy::Linux | MovePolicy::Verify | MovePolicy::Pin => false,
        }
    }

    /// Why no neighbour on this device can have this address; never under the policy `linux`.
    pub(super) fn implausible(
        &self,
        device: DeviceId,
        family: Family,
        claimed: &LlAddr,
    ) -> Option<Disbelief> {
        let own = self.device_lladdr(device) == Some(*claimed);
        let group = self.device(device).is_some_and(|d| d.kind.is_group(claimed.as_bytes()));
        match () {
            () if self.move_policy(device, family) == MovePolicy::Linux => None,
            () if own => Some(Disbelief::Own),
            () if group || claimed.is_zero() => Some(Disbelief::NoHost),
            () => None,
        }
    }

    /// Asks the old address, and waits for one retrans_time. A second claim takes the place of the first and gains
    /// no time.
    fn hold_claim(&mut self, id: Id, claim: Held) {
        let Held { claimed, reason, .. } = claim;
        let who = self.who(id);
        if let Some(held) = self.moves.held.get_mut(&who) {
            *held = claim;
            return;
        }
        if self.moves.count(&who, self.clock.now()) >= RESTLESS {
            self.disbelieve(id, claimed, reason, Disbelief::Restless);
            return;
        }
        if self.moves.held.len() >= HELD_MAX {
            self.disbelieve(id, claimed, reason, Disbelief::Busy);
            return;
        }
        self.moves.held.insert(who, claim);
        let wait = self.parms_of(id).retrans(&self.clock);
        self.tasks.add(&self.clock, wait, Task::Move(who.0, who.1));
        self.remember_of(id, Happening::MoveHeld { claimed, reason });
        let neighbour = self.info(id);
        self.tell(EventKind::MoveClaimed { neighbour, claimed });
        let old = self.table(id.family).lladdr(id.slot);
        self.solicit(id, None, Some(old));
    }

    /// The neighbour is where it was.
    pub(crate) fn old_address_answered(&mut self, id: Id) {
        let who = self.who(id);
        if let Some(Held { claimed, reason, .. }) = self.moves.held.remove(&who) {
            self.tasks.cancel(|task| *task == Task::Move(who.0, who.1));
            self.disbelieve(id, claimed, reason, Disbelief::OldAnswered);
        }
    }

    /// The old address was silent: the neighbour moves.
    pub(crate) fn move_is_due(&mut self, device: DeviceId, address: IpAddr) {
        let Some(Held { claimed, flags, reason }) = self.moves.held.remove(&(device, address)) else {
            return;
        };
        let family = Family::of(address);
        let Some(slot) = self.table(family).find(device, address) else { return };
        let id = Id { family, slot };
        let before = self.info(id);
        let Some(from) = before.lladdr.filter(|old| *old != claimed) else { return };
        if self.hears(id, flags, reason).is_err() {
            return; // PERMANENT meanwhile
        }
        let _ = self.believe(id, Some(&claimed), NudState::STALE, flags, reason);
        self.station_moved(id);
        let neighbour = self.info(id);
        let now = self.clock.now();
        self.moves.remember(now, (device, address));
        self.tell(EventKind::Moved { neighbour, from });
        if self.moves.count(&(device, address), now) == RESTLESS {
            let neighbour = self.info(id);
            self.tell(EventKind::Restless { neighbour, from });
        }
    }

    /// The device is gone.
    pub(crate) fn moves_forget(&mut self, device: DeviceId) {
        self.moves.held.retain(|(on, _), _| *on != device);
        self.moves.lately.retain(|(_, (on, _))| *on != device);
    }

    /// Counts, remembers, and tells of ten at once and one in a second; true.
    fn disbelieve(&mut self, id: Id, claimed: LlAddr, reason: Reason, why: Disbelief) -> bool {
        self.drops.count(DropReason::ClaimDisbelieved);
        self.remember_of(id, Happening::Disbelieved { claimed, reason, why });
        if let Some(suppressed) = self.moves.told.pass(self.clock.now()) {
            let neighbour = self.info(id);
            self.tell(EventKind::ClaimDisbelieved { neighbour, claimed, why, suppressed });
        }
        true
    }

    fn who(&self, id: Id) -> Neighbour {
        (self.entry(id).device(), self.address(id))
    }

    /// May this neighbour be asked for? Not where only configured entries count.
    pub(crate) fn may_solicit(&self, id: Id) -> bool {
        self.move_policy(self.entry(id).device(), id.family) != MovePolicy::Static
    }
}
