//! What an engine is told at its birth.

use crate::guard::{Defence, MovePolicy};
use core::time::Duration;

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
            handover: 4096,
            history: 4096,
            max_redirects: 4096,
            move_policy: MovePolicy::Linux,
            defence: Defence::Off,
        }
    }

    /// Linux, and vigilance beyond it: a neighbour that answers is not moved by what others say of it
    /// ([`MovePolicy::Verify`]), addresses that no host can have are not believed, and own IPv4 addresses are looked
    /// for, announced and defended ([`Defence::Always`], RFC 5227).
    pub const fn guarded() -> Self {
        Self { move_policy: MovePolicy::Verify, defence: Defence::Always, ..Self::linux() }
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
