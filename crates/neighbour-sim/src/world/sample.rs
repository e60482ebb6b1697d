//! Numbers taken now and then, and what they say in the end.

use super::measure::Packets;
use super::queue::Deed;
use super::{World, disturbed_from};
use crate::plan::check::Plan;
use crate::plan::file::Form;
use neighbour::Family;

impl World<'_> {
    pub(super) fn sample(&mut self) {
        let at = self.plan_time();
        let mut members = vec![0u32; self.plan.groups.len()];
        let (segments, hosts) = (&self.segments, &self.hosts);
        let peaks = &mut self.measure.peaks;
        let mut sample = peaks.look(&self.engine, &self.measure.events, at as f64 / 1e6, |n, sample| {
            let segment = (n.device.index() as usize).saturating_sub(1);
            let host = segments.get(segment).and_then(|s| s.by_address.get(&n.address));
            if let Some(host) = host.filter(|_| n.state.is_valid()).map(|id| &hosts[*id as usize])
                && host.present
            {
                sample.live[n.family as usize] += 1;
                members[host.group] += 1;
            }
        });
        let disturbed = disturbed_from(self.plan).is_none_or(|from| at >= from)
            && self.calm.is_none_or(|calm| self.now <= calm);
        for (group, count) in members.iter().enumerate() {
            let plan = &self.plan.groups[group];
            if disturbed && at >= plan.start + plan.spread {
                let least = &mut self.measure.entries_least[group];
                *least = Some(least.map_or(*count, |l| l.min(*count)));
            }
        }
        self.measure.entries_end = members;
        let total = |count: fn(&Packets) -> u64| self.measure.flows.iter().map(count).sum::<u64>();
        let (sent, delivered) = (total(|p| p.sent), total(|p| p.delivered));
        let last = std::mem::replace(&mut self.measure.last_packets, (sent, delivered));
        (sample.sent, sample.delivered) = (sent - last.0, delivered - last.1);
        self.measure.samples.push(sample);
        let next = self.now + self.plan.sample;
        if next <= self.end {
            self.queue.push(next, Deed::Sample);
        }
    }

    /// How long after the storm every live neighbour that is sought must be reachable again, in microseconds: an entry
    /// is believed for as long as it is REACHABLE, if it may have become wrong in silence; it is found wrong, and asked
    /// for once more; at worst a full table lets go only of what is older than five seconds.
    pub(crate) fn recovery_bound(&self) -> u64 {
        const YOUNG_US: u64 = 5_000_000;
        // A host that lost the engine asks three times, a second apart, by unicast and then to all.
        const HOST_US: u64 = 7_000_000;
        let get = |family: Family, name: &str| {
            let name = format!("{}/neigh/default/{name}", family.sysctl_name());
            self.engine.get(&name).unwrap_or(0).unsigned_abs()
        };
        let silent = wrong_in_silence(self.plan);
        let of = |family: Family| {
            let believed = if silent { get(family, "base_reachable_time_ms") * 1500 } else { 0 };
            let retrans = get(family, "retrans_time_ms").max(10) * 1000;
            let solicits = ["ucast_solicit", "mcast_resolicit", "mcast_solicit"];
            let probes: u64 = solicits.into_iter().map(|name| get(family, name)).sum();
            // Under the profile guarded a claim that a neighbour moved is held for one retransmission.
            believed + get(family, "delay_first_probe_time") * 1_000_000 + (probes + 2) * retrans
        };
        let wires = self.plan.segments.iter().map(|s| 2 * (s.latency * 11 + s.jitter)).max().unwrap_or(0);
        let gap = self.plan.flows.iter().map(|f| f.rate.gap(0)).max().unwrap_or(0);
        Family::BOTH.map(of).into_iter().max().unwrap_or(0) + YOUNG_US + HOST_US + wires + 2 * gap
    }

    /// Why there is nothing to judge, if there is not: no storm, no time left after it, no room for all that are
    /// sought, or wires on which all of somebody's frames may be lost by chance.
    pub(crate) fn recovery_unjudged(&self) -> Option<&'static str> {
        let room = Family::BOTH.into_iter().map(|f| u64::from(self.engine.thresholds(f).thresh2)).min();
        match self.calm {
            None => Some("nothing disturbs"),
            Some(calm) if calm + self.recovery_bound() > self.end => Some("the plan ends before the bound"),
            Some(_) if room.is_some_and(|room| self.neighbours() >= room) => {
                Some("more hosts than gc_thresh2")
            }
            Some(_) if self.plan.segments.iter().any(|s| s.loss > 0.2) => {
                Some("too many frames are lost by chance")
            }
            Some(_) => None,
        }
    }

    /// Hosts that may have an entry.
    fn neighbours(&self) -> u64 {
        self.hosts.iter().filter(|host| host.present && host.behind.is_none()).count() as u64
    }

    /// Hosts that were there before the storm was over, answer, and are sent to until the end.
    fn sought(&self) -> impl Iterator<Item = &super::host::Host> {
        self.hosts.iter().filter(|host| {
            let alive = host.present && host.answers && self.group_cuts[host.group] == 0;
            alive
                && self.sought_in_the_end[host.group]
                && host.sought_at.is_some_and(|at| self.calm.is_none_or(|calm| at < calm))
        })
    }

    /// Those who were reached after the storm took so long; and how many were not within the bound.
    pub(crate) fn recovery(&self) -> (u64, u64) {
        let Some(calm) = self.calm else { return (0, 0) };
        let bound = self.recovery_bound();
        let took = |host: &super::host::Host| host.calm_reached.map(|at| at - calm);
        let late = self.sought().filter(|host| took(host).is_none_or(|took| took > bound)).count() as u64;
        (self.sought().filter_map(took).max().unwrap_or(0), late)
    }

    pub(super) fn judge_recovery(&mut self) {
        for host in &mut self.hosts {
            if let Some(since) = host.missing_since {
                host.outage = host.outage.max(self.end.saturating_sub(since));
            }
        }
        let (_, late) = self.recovery();
        if self.recovery_unjudged().is_none() && late > 0 {
            let bound = self.recovery_bound() as f64 / 1e6;
            let seen = format!("{late} hosts were not reached within {bound} s after the storm");
            self.ledger.note("every live neighbour is reachable again", seen);
            self.check(crate::invariants::Depth::Quick);
        }
    }
}

/// May an entry be wrong and nobody say so: hosts that are replaced in silence, announcements that are lost, lies that
/// look like answers?
fn wrong_in_silence(plan: &Plan) -> bool {
    let lost = plan.segments.iter().any(|s| s.loss > 0.0) || !plan.partitions.is_empty();
    !plan.churns.is_empty()
        || plan.moves.iter().any(|m| lost || m.form == Form::Silent)
        || plan.spoofs.iter().any(|s| s.form == Form::Answer)
}
