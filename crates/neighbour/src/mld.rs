//! Multicast listening: the groups that neighbour discovery needs, and telling routers and snooping
//! switches of them (RFC 3810 and, for old queriers, RFC 2710). Without the reports a snooping switch
//! delivers no solicitation to us.

use crate::conf::Conf6;
use crate::device::DeviceState;
use crate::event::EventKind;
use crate::ndisc_groups::{ALL_NODES, is_all_routers};
use crate::task::Task;
use crate::{DeviceId, Engine};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use neighbour_wire::LlAddr;
use neighbour_wire::mld::{self, Query, Record};

/// A report is repeated once, after a random part of this (RFC 3810 section 9.11).
const REPEAT_WITHIN: Duration = Duration::from_secs(1);
/// A querier of version 1 counts as present for so long: robustness 2 times 125 s, and 10 s to answer
/// (RFC 3810 section 9.12).
const OLDER_QUERIER: Duration = Duration::from_secs(260);
/// Groups in one report; more go into the next.
const RECORDS: usize = 60;

impl Engine {
    /// Does the device listen to this group?
    pub(crate) fn has_group(&self, device: DeviceId, group: Ipv6Addr) -> bool {
        let Some(own) = self.device(device) else { return false };
        group == ALL_NODES
            || (is_all_routers(group) && own.conf6_own(Conf6::Forwarding) != 0)
            || own.listens_to(group)
    }

    /// The device begins or ceases to be a router: so do its groups.
    pub(crate) fn router_groups_changed(&mut self, device: DeviceId, before: &[Ipv6Addr]) {
        let after = self.device(device).map(DeviceState::all_groups).unwrap_or_default();
        let new: Vec<_> = after.iter().filter(|g| !before.contains(g)).copied().collect();
        let old: Vec<_> = before.iter().filter(|g| !after.contains(g)).copied().collect();
        if !new.is_empty() || !old.is_empty() {
            self.tell(EventKind::GroupsChanged { device });
        }
        for (record, groups) in [(Record::Exclude, new), (Record::Include, old)] {
            groups.chunks(RECORDS).for_each(|groups| self.report(device, record, groups));
        }
    }

    /// Joins a group; the first to ask makes a report (RFC 4861 section 7.2.1).
    pub(crate) fn join(&mut self, device: DeviceId, group: Ipv6Addr) {
        let Some(own) = self.device_mut(device) else { return };
        match own.groups.iter_mut().find(|(g, _)| *g == group) {
            Some((_, askers)) => *askers += 1,
            None => {
                own.groups.push((group, 1));
                self.tell(EventKind::GroupsChanged { device });
                self.report(device, Record::Exclude, &[group]);
                let within = self.clock.ticks_ceil(REPEAT_WITHIN);
                let delay = self.rng.below(within);
                self.tasks.add(&self.clock, delay, Task::MldReport(device, group));
            }
        }
    }

    /// Leaves a group when the last who asked for it does.
    pub(crate) fn leave(&mut self, device: DeviceId, group: Ipv6Addr) {
        let Some(own) = self.device_mut(device) else { return };
        let Some(at) = own.groups.iter().position(|(g, _)| *g == group) else { return };
        own.groups[at].1 -= 1;
        if own.groups[at].1 == 0 {
            own.groups.remove(at);
            self.tell(EventKind::GroupsChanged { device });
            self.report(device, Record::Include, &[group]);
        }
    }

    /// The repetition of a report.
    pub(crate) fn mld_report(&mut self, device: DeviceId, group: Ipv6Addr) {
        if self.device(device).is_some_and(|d| d.groups.iter().any(|(g, _)| *g == group)) {
            self.report(device, Record::Exclude, &[group]);
        }
    }

    /// A query: all groups are reported within its delay (RFC 3810 section 5.1.3).
    pub(crate) fn mld_query(&mut self, device: DeviceId, source: Ipv6Addr, bytes: &[u8]) {
        let Some(query) = Query::parse(bytes) else { return };
        let concerns = |own: &DeviceState| query.group.is_none_or(|group| own.listens_to(group));
        if !source.is_unicast_link_local() || !self.device(device).is_some_and(concerns) {
            return;
        }
        let until = self.clock.now() + OLDER_QUERIER;
        if let Some(own) = self.device_mut(device).filter(|_| query.v1) {
            own.mld_v1_until = Some(until);
        }
        let within = self.clock.ticks_ceil(Duration::from_millis(u64::from(query.max_delay_ms)));
        let delay = self.rng.below(within.max(1));
        // Of an answer planned already and this one, the earlier counts (RFC 3810 section 6.2).
        self.tasks.add_earlier(&self.clock, delay, Task::MldAnswer(device));
    }

    /// The answer to a query.
    pub(crate) fn mld_answer(&mut self, device: DeviceId) {
        self.report_all(device, Record::IsExclude);
    }

    /// Tells of all groups as if they were joined now: the link may be another one, or the reports before
    /// had no source that routers heed (RFC 3590).
    pub(crate) fn mld_rejoin(&mut self, device: DeviceId) {
        self.report_all(device, Record::Exclude);
    }

    fn report_all(&mut self, device: DeviceId, record: Record) {
        let groups = self.device(device).map(DeviceState::all_groups).unwrap_or_default();
        for groups in groups.chunks(RECORDS) {
            self.report(device, record, groups);
        }
    }

    fn report(&mut self, device: DeviceId, record: Record, groups: &[Ipv6Addr]) {
        let Some(own) = self.device(device).filter(|d| d.up && !d.is_loopback() && !d.noarp) else { return };
        let source = own.link_local().unwrap_or(Ipv6Addr::UNSPECIFIED);
        if own.mld_v1_until.is_some_and(|until| until > self.clock.now()) {
            groups.iter().for_each(|group| self.report_v1(device, source, record, *group));
            return;
        }
        let records: Vec<_> = groups.iter().map(|group| (record, *group)).collect();
        let mut packet = Vec::new();
        mld::emit_report_v2(&mut packet, source, &records);
        let _ = self.send_to(device, IpAddr::V6(mld::ALL_MLDV2_ROUTERS), packet);
    }

    /// To a querier of version 1: one report to each group, or "done" to the routers.
    fn report_v1(&mut self, device: DeviceId, source: Ipv6Addr, record: Record, group: Ipv6Addr) {
        let mut packet = Vec::new();
        let to = match record {
            Record::Include => {
                mld::emit_done_v1(&mut packet, source, group);
                mld::ALL_ROUTERS
            }
            Record::Exclude | Record::IsExclude => {
                mld::emit_report_v1(&mut packet, source, group);
                group
            }
        };
        let _ = self.send_to(device, IpAddr::V6(to), packet);
    }

    /// The link-layer groups that the device must hear: those of its IPv6 groups, all nodes first.
    pub fn link_groups(&self, device: DeviceId) -> Vec<LlAddr> {
        let Some(own) = self.device(device) else { return Vec::new() };
        let groups = [ALL_NODES].into_iter().chain(own.all_groups());
        groups.filter_map(|group| crate::multicast::map_v6(own.kind, &own.broadcast, group)).collect()
    }
}
