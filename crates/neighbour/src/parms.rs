//! The parameters of a table on a device: one set for each (family, device), made as a copy of the
//! family's defaults (DM-19 to DM-31).

use crate::rng::Rng;
use crate::time::{Clock, MAX_TICKS};
use core::time::Duration;

/// A parameter of the neighbour system, by Linux's name.
///
/// Times are kept in ticks, as Linux does, and so are rounded: up when they are set by name, down
/// when a router advertises them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
#[repr(usize)]
pub enum Parm {
    /// Multicast or broadcast solicitations of a first resolution (RFC 4861: MAX_MULTICAST_SOLICIT).
    /// Default 3. Fewer give up on lossy links, more delay the error to the sender.
    McastSolicit,
    /// Unicast probes of a known neighbour (RFC 4861: MAX_UNICAST_SOLICIT). Default 3.
    UcastSolicit,
    /// Probes handed to userspace instead of the wire, between unicast and broadcast. Default 0.
    AppSolicit,
    /// Broadcasts that follow the unicast probes of a known neighbour (RFC 7048 in small). Default 0.
    McastResolicit,
    /// Between two solicitations (RFC 4861: RetransTimer). Default 1 s, never under 10 ms in effect.
    RetransTime,
    /// Mean of the time a confirmation counts (RFC 4861: BaseReachableTime). Default 30 s; what an
    /// entry uses is drawn from half to one and a half of it.
    BaseReachableTime,
    /// How long DELAY waits for a word from upper layers (RFC 4861: DELAY_FIRST_PROBE_TIME).
    /// Default 5 s. If it exceeds the reachable time, idle entries are probed for ever.
    DelayFirstProbeTime,
    /// How often managed entries are refreshed. Default 5 s; only the default set is looked at (NUD-52).
    IntervalProbeTime,
    /// Unused this long, an entry may be collected. Default 60 s.
    GcStaletime,
    /// Bytes of waiting packets for each entry, in true memory size. Default 212,992. At 0 the newest
    /// packet alone waits (QUE-3).
    UnresQlenBytes,
    /// Requests for proxied addresses that may wait for their delay, less one (PXY-14). Default 64.
    ProxyQlen,
    /// Reported and settable, without effect, as in Linux (FOOT-34). Default 1 s.
    AnycastDelay,
    /// A proxy answers after a random part of this. Default 0.8 s.
    ProxyDelay,
    /// For this long after a change, answers of others do not move an ARP entry. Default 1 s; 0 for ND.
    Locktime,
}

impl Parm {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::McastSolicit,
        Self::UcastSolicit,
        Self::AppSolicit,
        Self::McastResolicit,
        Self::RetransTime,
        Self::BaseReachableTime,
        Self::DelayFirstProbeTime,
        Self::IntervalProbeTime,
        Self::GcStaletime,
        Self::UnresQlenBytes,
        Self::ProxyQlen,
        Self::AnycastDelay,
        Self::ProxyDelay,
        Self::Locktime,
    ];

    /// Is it a time, kept in ticks (else a count or bytes)?
    pub const fn is_time(self) -> bool {
        !matches!(
            self,
            Self::McastSolicit
                | Self::UcastSolicit
                | Self::AppSolicit
                | Self::McastResolicit
                | Self::UnresQlenBytes
                | Self::ProxyQlen
        )
    }
}

/// Bytes of one packet as Linux's `unres_qlen` counts them (SYS-2).
pub const QLEN_UNIT: u32 = 2090;

/// One set of parameters.
#[derive(Clone, Debug)]
pub(crate) struct Parms {
    values: [u32; Parm::ALL.len()],
    /// Values that were set for this device itself: changes of the defaults pass them by (DM-21).
    explicit: u16,
    /// The draw from base_reachable_time, in ticks (DM-27).
    reachable_time: u32,
    /// The device goes away: no new entries (DM-25).
    pub(crate) dead: bool,
}

impl Parms {
    /// The defaults of a family (section 1.6); `locktime` is 1 s for ARP and 0 for ND.
    pub(crate) fn defaults(clock: &Clock, locktime: Duration, rng: &mut Rng) -> Self {
        let mut parms = Self { values: [0; Parm::ALL.len()], explicit: 0, reachable_time: 0, dead: false };
        let seconds = |s| clock.ticks_ceil(Duration::from_secs(s));
        for (parm, value) in [
            (Parm::McastSolicit, 3),
            (Parm::UcastSolicit, 3),
            (Parm::RetransTime, seconds(1)),
            (Parm::BaseReachableTime, seconds(30)),
            (Parm::DelayFirstProbeTime, seconds(5)),
            (Parm::IntervalProbeTime, seconds(5)),
            (Parm::GcStaletime, seconds(60)),
            (Parm::UnresQlenBytes, 256 * 832),
            (Parm::ProxyQlen, 64),
            (Parm::AnycastDelay, seconds(1)),
            (Parm::ProxyDelay, clock.ticks_ceil(Duration::from_millis(800))),
            (Parm::Locktime, clock.ticks_ceil(locktime)),
        ] {
            parms.values[parm as usize] = value;
        }
        parms.draw_reachable_time(rng);
        parms
    }

    /// The set of a new device: the values of the defaults, a draw of its own (DM-20).
    pub(crate) fn for_device(&self, rng: &mut Rng) -> Self {
        let mut own = Self { explicit: 0, dead: false, ..self.clone() };
        own.draw_reachable_time(rng);
        own
    }

    pub(crate) fn get(&self, parm: Parm) -> u32 {
        self.values[parm as usize]
    }

    /// Stores a value; the caller draws reachable_time anew where a rule says so (DM-28).
    pub(crate) fn set(&mut self, parm: Parm, value: u32) {
        let most = match parm {
            // Its double and triple must be times, too (CRE-12, ND-59): at 4 ms, 12 days.
            Parm::BaseReachableTime => MAX_TICKS >> 3,
            parm if parm.is_time() => MAX_TICKS,
            _ => u32::MAX,
        };
        self.values[parm as usize] = value.min(most);
    }

    /// DM-22.
    pub(crate) fn mark_explicit(&mut self, parm: Parm) {
        self.explicit |= 1 << parm as u16;
    }

    /// An address of the family came to the device: defaults reach it no longer (DM-23).
    pub(crate) fn mark_all_explicit(&mut self) {
        self.explicit = u16::MAX;
    }

    pub(crate) fn is_explicit(&self, parm: Parm) -> bool {
        self.explicit & (1 << parm as u16) != 0
    }

    /// The time a confirmation counts, in ticks.
    pub(crate) fn reachable_time(&self) -> u32 {
        self.reachable_time
    }

    /// Uniform in [base/2, 3·base/2), 0 if the base is 0 (DM-27).
    pub(crate) fn draw_reachable_time(&mut self, rng: &mut Rng) {
        let base = self.get(Parm::BaseReachableTime);
        self.reachable_time = match base {
            0 => 0,
            base => (rng.below(base) + base / 2).min(MAX_TICKS),
        };
    }

    /// The interval of solicitations in ticks, never under the floor (CNV-4).
    pub(crate) fn retrans(&self, clock: &Clock) -> u32 {
        self.get(Parm::RetransTime).max(clock.tick_min())
    }

    /// `confirmed` of an entry nobody vouches for is this long ago (CRE-12).
    pub(crate) fn unconfirmed_age(&self) -> u32 {
        self.get(Parm::BaseReachableTime).saturating_mul(2).min(MAX_TICKS)
    }

    /// Probes until an entry in this phase has FAILED (NUD-11).
    pub(crate) fn max_probes(&self, in_probe: bool) -> u32 {
        let last = if in_probe { Parm::McastResolicit } else { Parm::McastSolicit };
        self.get(Parm::UcastSolicit).saturating_add(self.get(Parm::AppSolicit)).saturating_add(self.get(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parms() -> (Parms, Rng) {
        let mut rng = Rng::new(7);
        let clock = Clock::new(Duration::from_millis(4));
        (Parms::defaults(&clock, Duration::from_secs(1), &mut rng), rng)
    }

    #[test]
    fn reachable_time_is_half_to_one_and_a_half_of_the_base_dm_27_dm_30() {
        let (mut parms, mut rng) = parms();
        for _ in 0..1000 {
            parms.draw_reachable_time(&mut rng);
            assert!((3750..11250).contains(&parms.reachable_time()), "{}", parms.reachable_time());
        }
        parms.set(Parm::BaseReachableTime, 0);
        parms.draw_reachable_time(&mut rng);
        assert_eq!(parms.reachable_time(), 0);
    }

    #[test]
    fn retransmission_has_a_floor_of_two_ticks_cnv_4() {
        let (mut parms, _) = parms();
        parms.set(Parm::RetransTime, 0);
        assert_eq!(parms.retrans(&Clock::new(Duration::from_millis(4))), 2);
    }

    #[test]
    fn max_probes_counts_the_phases_of_the_state_nud_11() {
        let (mut parms, _) = parms();
        parms.set(Parm::McastResolicit, 5);
        parms.set(Parm::AppSolicit, 1);
        assert_eq!((parms.max_probes(false), parms.max_probes(true)), (7, 9));
    }

    #[test]
    fn times_stay_within_a_comparison() {
        let (mut parms, _) = parms();
        parms.set(Parm::BaseReachableTime, u32::MAX);
        assert!(parms.unconfirmed_age() < MAX_TICKS / 2);
    }
}
