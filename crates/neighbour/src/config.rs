//! What an engine is told at its birth.

use crate::guard::{Admission, Defence, MovePolicy};
use crate::table::Thresholds;
use core::time::Duration;

/// What a full-sized packet of Ethernet weighs, in true memory size.
const FULL_SIZED: u32 = crate::queue::truesize(1500);

/// The configuration of an [`crate::Engine`].
///
/// `Config::default()` is [`Config::linux()`]: exactly Linux, nothing added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// All chance comes from here: reachable times, delays, nonces, hash seeds. Give a random number
    /// in production (whoever knows it can foresee nonces and aim at the hash), a fixed one to repeat a run.
    pub seed: u64,
    /// The grain of timers. Default 4 ms, as a kernel of 250 Hz; parameters are rounded to it
    /// (SYS-4), and nothing is retransmitted faster than the whole ticks in 10 ms (CNV-3).
    pub tick: Duration,
    /// Entries that one forced collection may look at, in place of Linux's millisecond (GC-3, GC-11), and one call of
    /// [`crate::Engine::handle_timeout`] for periodic collection, refresh and sweep; the rest follows in the next
    /// call. Default 2,048, some tenths of a millisecond. Fewer: shorter calls, but a full table may refuse an entry
    /// though there is one to collect further behind. More: the other way round.
    pub gc_budget: u32,
    /// Timers of entries that one call of [`crate::Engine::handle_timeout`] lets fire (or moves within the wheel); the
    /// rest follows in the next call, for which [`crate::Engine::poll_timeout`] asks at once. Default 1,024, half a
    /// millisecond if each of them sends a solicitation.
    pub timer_budget: u32,
    /// Bytes of waiting packets over all entries (as [`Config::linux`] counts them, in true memory
    /// size). Default: what 1,024 full queues hold.
    pub max_queued_bytes: u64,
    /// Frames that may wait for [`crate::Engine::poll_transmit`]; more are dropped and counted. Frames and
    /// events carry packets, so memory is bounded by these numbers times the largest MTU.
    pub max_transmit: usize,
    /// Events that may wait for [`crate::Engine::poll_event`]; more are dropped, which is told.
    pub max_events: usize,
    /// Whether each step of an entry is told ([`crate::EventKind::Added`], [`crate::EventKind::Changed`]). What Linux
    /// announces is in any case. Default: yes; who does not look at them saves a tenth of what an entry costs until it
    /// is REACHABLE.
    pub tell_steps: bool,
    /// Packets and notices that readers may hand over before the engine takes them.
    pub handover: usize,
    /// Happenings that the engine remembers for [`crate::Engine::history`]; the oldest goes first.
    pub history: usize,
    /// Destinations that redirects may point elsewhere; the oldest goes first.
    pub max_redirects: usize,
    /// Whom devices believe at first that a neighbour has another address: `conf/default/move_policy`.
    pub move_policy: MovePolicy,
    /// How devices look for, announce and defend own IPv4 addresses at first: `conf/default/acd`.
    pub defence: Defence,
    /// How many advertisements tell all routers of a new address: `conf/default/gratuitous_na` (RFC 9131).
    pub gratuitous_na: u8,
    /// Budgets beneath the thresholds for entries that nobody has verified, with which both tables begin;
    /// [`crate::Engine::set_admission`] changes them.
    pub admission: Admission,
    /// The thresholds with which both tables begin; [`crate::Engine::set_thresholds`] changes them.
    pub thresholds: Thresholds,
    /// Bytes of packets that may wait for one entry, as Linux's `unres_qlen_bytes`: the value with which both tables
    /// begin. Default: 212,992.
    pub queued_bytes: u32,
    /// Room for so many entries in each table, and never for more: those that do not count against the thresholds,
    /// and dead ones that somebody holds, take a place, too. Whatever entries, frames, events, waiting packets and
    /// the engine's own appointments need is then reserved at the beginning: see [`Config::fixed`]. None: tables grow
    /// as they need to.
    pub room: Option<u32>,
}

impl Config {
    /// Exactly Linux.
    pub const fn linux() -> Self {
        Self {
            seed: 0,
            tick: Duration::from_millis(4),
            gc_budget: 2048,
            timer_budget: 1024,
            max_queued_bytes: 1024 * 212_992,
            max_transmit: 16_384,
            max_events: 16_384,
            tell_steps: true,
            handover: 4096,
            history: 4096,
            max_redirects: 4096,
            move_policy: MovePolicy::Linux,
            defence: Defence::Off,
            gratuitous_na: 0,
            admission: Admission::off(),
            thresholds: Thresholds::linux(),
            queued_bytes: 256 * 832,
            room: None,
        }
    }

    /// For small machines: at most `entries` neighbours of each family, the same state machine, and all memory for
    /// them from the beginning.
    ///
    /// After [`crate::Engine::try_new`] and [`crate::Engine::add_device`], and after the first moments, in which
    /// addresses are proven unique and groups reported, nothing is allocated any more while entries of Ethernet
    /// devices are made, resolved, used, verified, deleted and collected. Two conditions are the driver's: buffers of
    /// frames, and of packets that were unreachable, come back by [`crate::Engine::recycle`]; and packets to send have
    /// 14 bytes of capacity to spare, in which their header finds room.
    ///
    /// What still allocates: changes of devices, addresses, routes and parameters; messages of routers, and asking
    /// for them; redirects that are heeded (none here: [`Config::max_redirects`]); reports of multicast groups;
    /// announcements; managed entries; [`Config::admission`]; proxy entries and answers for them; forwarding in
    /// pieces, and errors owed to others; addresses that are not six bytes long; the eighth device and those after it.
    ///
    /// The thresholds stand to each other as Linux's do: below an eighth of `entries` nothing ages, from a half on a
    /// creation may collect. As in Linux a full table refuses newcomers while all its entries are younger than five
    /// seconds or in use; and multicast groups that are spoken to are entries, too, of which solicitations of IPv6
    /// neighbours make one for each. All else is small: eight events may wait, four more frames than there are
    /// entries, and for each entry one packet of full size or two small ones; nothing is remembered for
    /// [`crate::Engine::history`]. Change what does not suit: what the fields say is what is reserved.
    ///
    /// `Config::fixed(8)` takes some 23 KiB where pointers have 32 bits, the [`crate::Engine`] itself included, and 40
    /// where they have 64: six each for the wheels of two tables, the rest mostly for heads of tables, which could
    /// have many thousands (or millions) of entries.
    #[must_use]
    pub const fn fixed(entries: u32) -> Self {
        Self {
            gc_budget: if entries > 0 { entries } else { 1 },
            timer_budget: if entries > 0 { entries } else { 1 },
            queued_bytes: FULL_SIZED,
            max_queued_bytes: entries as u64 * 2 * FULL_SIZED as u64,
            max_transmit: entries.saturating_add(4) as usize,
            max_events: 8,
            handover: 1,
            history: 0,
            max_redirects: 0,
            thresholds: Thresholds { thresh1: entries / 8, thresh2: entries / 2, thresh3: entries },
            room: Some(entries),
            ..Self::linux()
        }
    }

    /// Linux, and vigilance beyond it: a neighbour that answers is not moved by what others say of it
    /// ([`MovePolicy::Verify`]), addresses that no host can have are not believed, own IPv4 addresses are looked
    /// for, announced and defended ([`Defence::Always`], RFC 5227), routers are told of new IPv6 addresses
    /// (RFC 9131), and entries that nobody has verified cannot push out those that somebody did ([`Admission`]).
    pub const fn guarded() -> Self {
        Self {
            move_policy: MovePolicy::Verify,
            defence: Defence::Always,
            gratuitous_na: 3,
            admission: Admission::guarded(),
            ..Self::linux()
        }
    }

    /// The same with another seed.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::linux()
    }
}
