//! The neighbour state machine as one pure function: a state and a cause in, a state and actions
//! out.
//!
//! Read first: section 3 of `specs/linux-6.18.md` (rules NUD-*, UPD-*) and RFC 4861 section 7.3.
//!
//! ```text
//!              packet                  nobody answers
//!   NONE ───────────────▶ INCOMPLETE ───────────────────▶ FAILED ──packet──▶ INCOMPLETE
//!                             │ answer                       ▲
//!                             ▼                              │ nobody answers
//!   ┌────────────────▶ REACHABLE ──time──▶ STALE ──packet──▶ DELAY ──time──▶ PROBE
//!   │                                                        │               │
//!   └──────────────────────── confirmation, answer ──────────┴───────────────┘
//! ```
//!
//! [`next`] knows no clock, no packet and no address: what it needs of them arrives as the yes-or-no
//! answers of [`Facts`] and [`Claim`], so that its whole domain can be listed. A test does list it,
//! and keeps the table and the graph as snapshots.

use core::fmt;

/// The state of an entry: Linux's nine, as bits (CNV-6).
///
/// Userspace may set several bits at once, and Linux stores them; tests on a state are therefore
/// bit tests unless a rule says "exactly".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NudState(pub u8);

impl NudState {
    /// Nothing is known and nothing was asked.
    pub const NONE: Self = Self(0x00);
    /// Asked, no answer yet (RFC 4861: INCOMPLETE).
    pub const INCOMPLETE: Self = Self(0x01);
    /// Confirmed within reachable_time (RFC 4861: REACHABLE).
    pub const REACHABLE: Self = Self(0x02);
    /// Known, not confirmed lately; the next packet starts verification (RFC 4861: STALE).
    pub const STALE: Self = Self(0x04);
    /// A packet went to a stale neighbour; upper layers may confirm it yet (RFC 4861: DELAY).
    pub const DELAY: Self = Self(0x08);
    /// Being asked by unicast (RFC 4861: PROBE).
    pub const PROBE: Self = Self(0x10);
    /// Nobody answered.
    pub const FAILED: Self = Self(0x20);
    /// Needs no resolution: multicast, broadcast, a device without ARP.
    pub const NOARP: Self = Self(0x40);
    /// Set by an administrator, never verified.
    pub const PERMANENT: Self = Self(0x80);

    /// The states of one bit, and NONE, in Linux's order.
    pub const ALL: [Self; 9] = [
        Self::NONE,
        Self::INCOMPLETE,
        Self::REACHABLE,
        Self::STALE,
        Self::DELAY,
        Self::PROBE,
        Self::FAILED,
        Self::NOARP,
        Self::PERMANENT,
    ];

    const IN_TIMER: u8 = 0x01 | 0x02 | 0x08 | 0x10;
    const CONNECTED: u8 = 0x80 | 0x40 | 0x02;
    const VALID: u8 = Self::CONNECTED | 0x10 | 0x04 | 0x08;

    /// Is any of `bits` set?
    #[inline]
    pub const fn has(self, bits: Self) -> bool {
        self.0 & bits.0 != 0
    }

    /// Does a timer run in this state (CNV-5)?
    pub const fn is_in_timer(self) -> bool {
        self.0 & Self::IN_TIMER != 0
    }

    /// Is there an address to send to (CNV-5)?
    #[inline]
    pub const fn is_valid(self) -> bool {
        self.0 & Self::VALID != 0
    }

    /// May packets go without a second thought (CNV-5)?
    pub const fn is_connected(self) -> bool {
        self.0 & Self::CONNECTED != 0
    }

    /// The name that `ip neigh` prints, for a state of one bit or NONE.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x00 => "NONE",
            0x01 => "INCOMPLETE",
            0x02 => "REACHABLE",
            0x04 => "STALE",
            0x08 => "DELAY",
            0x10 => "PROBE",
            0x20 => "FAILED",
            0x40 => "NOARP",
            0x80 => "PERMANENT",
            _ => return None,
        })
    }
}

impl fmt::Display for NudState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{:#04x}", self.0),
        }
    }
}

impl fmt::Debug for NudState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why the machine is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A packet, or no packet but the wish, wants the neighbour (rules NUD-1 to NUD-9).
    /// `immediate`: the first probe leaves at once rather than a tick later (NUD-4).
    Send {
        /// May the first probe leave at once?
        immediate: bool,
    },
    /// The entry's timer fired (NUD-17 to NUD-25).
    Timer,
    /// Somebody claims something about the neighbour (UPD-2, UPD-5 to UPD-15).
    Update(Claim),
}

/// What an update says, as far as the machine needs it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The state wanted.
    pub to: NudState,
    /// The address given, beside the one known.
    pub address: Address,
    /// A different address may replace the known one (DM-12).
    pub overrides: bool,
    /// A different address may not replace the known one but makes a CONNECTED entry STALE.
    pub weak_override: bool,
    /// The claim comes from userspace.
    pub admin: bool,
}

/// The link-layer address of a claim, beside the one in the entry (UPD-6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Address {
    /// None was given.
    Absent,
    /// The one that is known and VALID already, or the device has no addresses.
    Same,
    /// Another one, or the first one.
    Different,
}

/// What the machine needs to know of clocks and counters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// mcast_solicit + app_solicit > 0: there is a way to ask (NUD-4, NUD-5).
    pub can_solicit: bool,
    /// In REACHABLE: now ≤ confirmed + reachable_time; in DELAY: now ≤ confirmed +
    /// delay_first_probe_time (NUD-18.1, NUD-19.1).
    pub confirmed: bool,
    /// now ≤ used + delay_first_probe_time (NUD-18.2).
    pub used: bool,
    /// In INCOMPLETE and PROBE: probes ≥ max_probes. In DELAY: max_probes of PROBE is 0 (NUD-21).
    pub exhausted: bool,
    /// The entry carries EXT_VALIDATED (NUD-21.1).
    pub extern_valid: bool,
}

bitflags::bitflags! {
    /// What is to be done on a transition, in the order in which Linux does it.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct Actions: u16 {
        /// `confirmed` := now (UPD-7).
        const CONFIRM = 1 << 0;
        /// `updated` := now (UPD-11).
        const TOUCH = 1 << 1;
        /// `probes` := 0: PROBE begins.
        const RESET_PROBES = 1 << 2;
        /// `probes` := ucast_solicit: resolution begins, past the unicast phase (NUD-9).
        const SKIP_UNICAST = 1 << 3;
        /// Store the address of the claim (UPD-13).
        const STORE = 1 << 4;
        /// `confirmed` := now − 2 × base_reachable_time (UPD-13).
        const UNCONFIRM = 1 << 5;
        /// Output may skip the machine (DM-15).
        const CONNECT = 1 << 6;
        /// Output goes through the machine again (DM-15).
        const SUSPECT = 1 << 7;
        /// Send what waits (QUE-4).
        const FLUSH = 1 << 8;
        /// Give back what waits as unreachable, "res_failed" + 1 (QUE-7).
        const FAIL = 1 << 9;
        /// Probe now (NUD-10).
        const PROBE = 1 << 10;
        /// Tell userspace (EVT-1).
        const NOTIFY = 1 << 11;
    }
}

/// What becomes of the entry's timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timer {
    /// As it was.
    Keep,
    /// None from here on.
    Cancel,
    /// At confirmed + reachable_time.
    Reachable,
    /// After delay_first_probe_time.
    Delay,
    /// After retrans_time.
    Retrans,
    /// At the next tick.
    NextTick,
}

/// The answer to the one who asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// A packet may go to the known address; a claim was taken in (or rightly ignored: UPD-19).
    Go,
    /// The packet waits.
    Held,
    /// The packet is dropped: there is no way to ask (NUD-5).
    Drop,
    /// EPERM: the entry is NOARP or PERMANENT and the claim is not an administrator's (UPD-2).
    Refused,
    /// EINVAL: no address was given and none is known (UPD-6).
    NoAddress,
}

/// One step of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The state from here on.
    pub state: NudState,
    /// What is to be done.
    pub actions: Actions,
    /// The timer.
    pub timer: Timer,
    /// The answer.
    pub verdict: Verdict,
    /// May the claim change the ROUTER flag (UPD-8, UPD-9)? Not when the
    /// claim was refused or says that nothing is known.
    pub router: bool,
}

impl Step {
    const fn stay(state: NudState, verdict: Verdict) -> Self {
        Self { state, actions: Actions::empty(), timer: Timer::Keep, verdict, router: true }
    }

    const fn go(state: NudState, timer: Timer, actions: Actions) -> Self {
        Self { state, actions, timer, verdict: Verdict::Go, router: true }
    }
}

/// The machine.
pub fn next(state: NudState, cause: Cause, facts: Facts) -> Step {
    match cause {
        Cause::Send { immediate } => send(state, immediate, facts),
        Cause::Timer => timer(state, facts),
        Cause::Update(claim) => update(state, claim),
    }
}

/// Somebody wants to reach the neighbour.
fn send(state: NudState, immediate: bool, facts: Facts) -> Step {
    const BUSY: NudState = NudState(0x80 | 0x40 | 0x02 | 0x08 | 0x10);
    if state.has(BUSY) {
        return Step::stay(state, Verdict::Go); // NUD-2
    }
    if state.has(NudState::STALE) {
        return Step::go(NudState::DELAY, Timer::Delay, Actions::TOUCH); // NUD-6
    }
    if state.has(NudState::INCOMPLETE) {
        return Step::stay(state, Verdict::Held); // NUD-7
    }
    if !facts.can_solicit {
        let failed = Step::go(NudState::FAILED, Timer::Cancel, Actions::TOUCH); // NUD-5
        return Step { verdict: Verdict::Drop, ..failed };
    }
    let begin = Actions::SKIP_UNICAST | Actions::TOUCH; // NUD-4
    let (timer, actions) = match immediate {
        true => (Timer::Retrans, begin | Actions::PROBE),
        false => (Timer::NextTick, begin),
    };
    Step { verdict: Verdict::Held, ..Step::go(NudState::INCOMPLETE, timer, actions) }
}

/// Time passed.
fn timer(state: NudState, facts: Facts) -> Step {
    const ASKING: NudState = NudState(0x01 | 0x10);
    let (state, actions, timer) = match state {
        s if s.has(NudState::REACHABLE) => {
            if facts.confirmed {
                return Step::go(s, Timer::Reachable, Actions::empty()); // NUD-18.1
            }
            let quiet = Actions::TOUCH | Actions::SUSPECT;
            if facts.used {
                return Step::go(NudState::DELAY, Timer::Delay, quiet); // NUD-18.2
            }
            return Step::go(NudState::STALE, Timer::Cancel, quiet | Actions::NOTIFY); // NUD-18.3
        }
        s if s.has(NudState::DELAY) => {
            if facts.confirmed {
                let back = Actions::TOUCH | Actions::CONNECT | Actions::NOTIFY;
                return Step::go(NudState::REACHABLE, Timer::Reachable, back); // NUD-19.1
            }
            let begin = Actions::TOUCH | Actions::RESET_PROBES | Actions::NOTIFY;
            (NudState::PROBE, begin, Timer::Retrans) // NUD-19.2
        }
        s if s.has(ASKING) => (s, Actions::empty(), Timer::Retrans), // NUD-20
        s => return Step::go(s, Timer::Cancel, Actions::empty()),    // NUD-17
    };
    if !facts.exhausted {
        return Step::go(state, timer, actions | Actions::PROBE); // NUD-22, NUD-23
    }
    let end = actions | Actions::TOUCH | Actions::NOTIFY;
    if state.has(NudState::PROBE) && facts.extern_valid {
        return Step::go(NudState::STALE, Timer::Cancel, end); // NUD-21.1
    }
    Step::go(NudState::FAILED, Timer::Cancel, end | Actions::FAIL) // NUD-21.2
}

/// Somebody says something of the neighbour.
fn update(old: NudState, claim: Claim) -> Step {
    const FIXED: NudState = NudState(0x40 | 0x80);
    if !claim.admin && old.has(FIXED) {
        return Step { router: false, ..Step::stay(old, Verdict::Refused) }; // UPD-2
    }
    if !claim.to.is_valid() {
        return invalidate(old, claim.to);
    }
    let address = match (claim.address, old.is_valid()) {
        (Address::Absent, false) => {
            return Step { router: false, ..Step::stay(old, Verdict::NoAddress) }; // UPD-6
        }
        (Address::Absent, true) => Address::Same,
        (given, _) => given,
    };
    let differs = address == Address::Different;

    let mut actions = Actions::empty();
    actions.set(Actions::CONFIRM, claim.to.is_connected()); // UPD-7
    let (mut to, mut store, mut router) = (claim.to, differs, true);
    if old.is_valid() && differs && !claim.overrides {
        router = false; // UPD-9
        if !(claim.weak_override && old.is_connected()) {
            return Step { actions, router, ..Step::stay(old, Verdict::Go) };
        }
        (to, store) = (NudState::STALE, false);
    } else if old.is_valid() && !differs && to == NudState::STALE && !claim.admin {
        to = old; // UPD-10
    }

    actions.set(Actions::TOUCH, to != old || store); // UPD-11
    actions.set(Actions::NOTIFY, to != old || store); // UPD-12, UPD-13
    actions.set(Actions::STORE, store);
    actions.set(Actions::UNCONFIRM, store && !to.is_connected());
    if to == old {
        return Step::go(old, Timer::Keep, actions); // UPD-14, UPD-20
    }
    actions.set(Actions::RESET_PROBES, to.has(NudState::PROBE));
    let timer = match to {
        t if t.has(NudState::REACHABLE) => Timer::Reachable, // UPD-12
        t if t.is_in_timer() => Timer::NextTick,
        _ => Timer::Cancel,
    };
    actions |= if to.is_connected() { Actions::CONNECT } else { Actions::SUSPECT };
    actions.set(Actions::FLUSH, !old.is_valid()); // UPD-15
    Step { router, ..Step::go(to, timer, actions) }
}

/// The claim is that nothing is known (UPD-5).
fn invalidate(old: NudState, to: NudState) -> Step {
    const ASKING: NudState = NudState(0x01 | 0x10);
    let mut actions = Actions::empty();
    actions.set(Actions::SUSPECT, old.is_connected());
    actions.set(Actions::NOTIFY, old.is_valid());
    if old.has(ASKING) && to.has(NudState::FAILED) {
        actions |= Actions::FAIL | Actions::TOUCH | Actions::NOTIFY;
    }
    Step { router: false, ..Step::go(to, Timer::Cancel, actions) }
}
