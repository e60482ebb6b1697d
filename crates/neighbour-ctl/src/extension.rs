//! Messages that rtnetlink does not have: options of the conversation, counters, histories, parameters.
//!
//! Only the daemon speaks them. Their types lie far above rtnetlink's; their headers and attributes are
//! built alike. The attributes follow the netlink header at once.
//!
//! | message | type | carries | answer |
//! |---|---|---|---|
//! | [`NEIGH_SETSOCKOPT`] | 0x7f00 | no attributes: u32 option, u32 value | an ack, if `NLM_F_ACK` |
//! | [`NEIGH_GETSTATS`] | 0x7f02 | nothing | a dump of [`NEIGH_NEWSTATS`] |
//! | [`NEIGH_NEWSTATS`] | 0x7f03 | a table: 1 family (u8), 2 thirteen counters (u64, in the order of /proc/net/stat), 3 three thresholds (u32), 4 entries that count (u32); or a drop reason: 5 name, 6 count (u64); or 7: packets that readers could not hand over (u64) | |
//! | [`NEIGH_GETHISTORY`] | 0x7f04 | 1 address (4 or 16 bytes) | a dump of [`NEIGH_NEWHISTORY`] |
//! | [`NEIGH_NEWHISTORY`] | 0x7f05 | 2 interface (u32), 3 ms ago (u64), 4 sentence; or 5 note | |
//! | [`NEIGH_GETPARM`] | 0x7f06 | 1 name | [`NEIGH_NEWPARM`] |
//! | [`NEIGH_NEWPARM`] | 0x7f07 | 1 name, 2 value | |
//! | [`NEIGH_SETPARM`] | 0x7f08 | 1 name, 2 value | an ack, if `NLM_F_ACK` |
//!
//! A Unix socket has no `setsockopt` of level `SOL_NETLINK`, so [`NEIGH_SETSOCKOPT`] stands for it, with
//! netlink's own numbers: 1 `NETLINK_ADD_MEMBERSHIP` and 2 `NETLINK_DROP_MEMBERSHIP` (value: the group:
//! `RTNLGRP_NEIGH`, 3, or [`crate::GROUP_ALERTS`]), 10 `NETLINK_CAP_ACK`, 11 `NETLINK_EXT_ACK`, 12
//! `NETLINK_GET_STRICT_CHK` (value 0 or 1). A conversation begins without membership, with `EXT_ACK` on
//! and the others off.

use crate::message::{Attributes, Writer, text_of, u32_at, u64_at};
use neighbour::{Family, Occupancy, Stats};
use std::time::Duration;

/// Sets an option of this conversation.
pub const NEIGH_SETSOCKOPT: u16 = 0x7f00;
/// Asks for all counters.
pub const NEIGH_GETSTATS: u16 = 0x7f02;
/// Some of the counters.
pub const NEIGH_NEWSTATS: u16 = 0x7f03;
/// Asks what happened to an address.
pub const NEIGH_GETHISTORY: u16 = 0x7f04;
/// One thing that happened.
pub const NEIGH_NEWHISTORY: u16 = 0x7f05;
/// Asks for a parameter by its sysctl name.
pub const NEIGH_GETPARM: u16 = 0x7f06;
/// A parameter.
pub const NEIGH_NEWPARM: u16 = 0x7f07;
/// Sets a parameter by its sysctl name.
pub const NEIGH_SETPARM: u16 = 0x7f08;

pub(crate) const ADD_MEMBERSHIP: u32 = 1;
pub(crate) const DROP_MEMBERSHIP: u32 = 2;
pub(crate) const CAP_ACK: u32 = 10;
pub(crate) const EXT_ACK: u32 = 11;
pub(crate) const STRICT_CHK: u32 = 12;
/// `RTNLGRP_NEIGH`.
pub(crate) const GROUP_NEIGH: u32 = 3;

const STATS_FAMILY: u16 = 1;
const STATS_COUNTERS: u16 = 2;
const STATS_THRESHOLDS: u16 = 3;
const STATS_GC_ENTRIES: u16 = 4;
const STATS_DROP_NAME: u16 = 5;
const STATS_DROP_COUNT: u16 = 6;
const STATS_READER_REFUSED: u16 = 7;
const STATS_OCCUPANCY: u16 = 8;
const STATS_LINK_LOST: u16 = 9;

pub(crate) const HISTORY_ADDRESS: u16 = 1;
const HISTORY_INTERFACE: u16 = 2;
const HISTORY_AGO: u16 = 3;
const HISTORY_SENTENCE: u16 = 4;
const HISTORY_NOTE: u16 = 5;

pub(crate) const PARM_NAME: u16 = 1;
pub(crate) const PARM_VALUE: u16 = 2;

/// The counters of the daemon.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// ARP's, then ND's.
    pub tables: Vec<TableCounters>,
    /// How often each reason dropped something; those that never did are left out.
    pub drops: Vec<(String, u64)>,
    /// Packets that readers of the table could not hand over.
    pub reader_refused: u64,
    /// Frames that were lost before they could be read: rings were full.
    pub link_lost: u64,
}

/// The counters of one table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TableCounters {
    /// ARP or ND.
    pub family: Family,
    /// Linux's counters.
    pub stats: Stats,
    /// Entries that count against the thresholds.
    pub gc_entries: u32,
    /// gc_thresh1 to gc_thresh3.
    pub thresholds: [u32; 3],
    /// Entries that nobody has verified, by class; none where newcomers are not admitted by class.
    pub occupancy: Option<Occupancy>,
}

/// What happened to an address, as far as the daemon remembers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct History {
    /// The oldest first.
    pub records: Vec<Told>,
    /// Of an address without an entry: why there is none.
    pub note: Option<String>,
}

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// How long ago.
    pub ago: Duration,
    /// The interface's index.
    pub interface: u32,
    /// What, as a sentence without a subject.
    pub sentence: String,
}

/// One message of the counters.
pub(crate) enum StatsPart<'s> {
    Table(&'s TableCounters),
    Drop(&'s str, u64),
    ReaderRefused(u64),
    LinkLost(u64),
}

impl StatsPart<'_> {
    pub(crate) fn write(&self, message: &mut Writer<'_>) {
        match self {
            Self::Table(table) => {
                message.attribute(STATS_FAMILY, &[crate::family_number(Some(table.family))]);
                let counters = to_counters(&table.stats).map(u64::to_ne_bytes);
                message.attribute(STATS_COUNTERS, counters.as_flattened());
                let thresholds = table.thresholds.map(u32::to_ne_bytes);
                message.attribute(STATS_THRESHOLDS, thresholds.as_flattened());
                message.u32(STATS_GC_ENTRIES, table.gc_entries);
                if let Some(Occupancy { pending, failed, heard, fixed, asked, hushed, .. }) = table.occupancy
                {
                    let counts = [pending.into(), failed.into(), heard.into(), asked, hushed, fixed.into()];
                    message.attribute(STATS_OCCUPANCY, counts.map(u64::to_ne_bytes).as_flattened());
                }
            }
            Self::Drop(name, count) => {
                message.text(STATS_DROP_NAME, name);
                message.u64(STATS_DROP_COUNT, *count);
            }
            Self::ReaderRefused(count) => message.u64(STATS_READER_REFUSED, *count),
            Self::LinkLost(count) => message.u64(STATS_LINK_LOST, *count),
        }
    }
}

impl Statistics {
    /// Takes in one message. What is not understood is passed over.
    pub(crate) fn take(&mut self, payload: &[u8]) {
        let all = Attributes::new(payload);
        let find = |kind| all.clone().value(kind);
        let number = |kind| find(kind).and_then(|value| u64_at(value, 0));
        let family = find(STATS_FAMILY).and_then(|value| crate::family_of(*value.first()?));
        if let (Some(family), Some(counters)) = (family, find(STATS_COUNTERS)) {
            let thresholds = find(STATS_THRESHOLDS).unwrap_or_default();
            let gc_entries = find(STATS_GC_ENTRIES).and_then(|v| u32_at(v, 0)).unwrap_or_default();
            let occupancy = find(STATS_OCCUPANCY).map(|counts| {
                let count = |n: usize| u64_at(counts, 8 * n).unwrap_or_default();
                let entries = |n| u32::try_from(count(n)).unwrap_or(u32::MAX);
                Occupancy {
                    counted: gc_entries,
                    pending: entries(0),
                    failed: entries(1),
                    fixed: entries(5),
                    heard: entries(2),
                    asked: count(3),
                    hushed: count(4),
                }
            });
            self.tables.push(TableCounters {
                family,
                stats: from_counters(|n| u64_at(counters, 8 * n).unwrap_or_default()),
                gc_entries,
                thresholds: [0, 4, 8].map(|at| u32_at(thresholds, at).unwrap_or_default()),
                occupancy,
            });
        }
        if let (Some(name), Some(count)) = (find(STATS_DROP_NAME), number(STATS_DROP_COUNT)) {
            self.drops.push((text_of(name), count));
        }
        self.reader_refused += number(STATS_READER_REFUSED).unwrap_or_default();
        self.link_lost += number(STATS_LINK_LOST).unwrap_or_default();
    }
}

impl Told {
    pub(crate) fn write(&self, message: &mut Writer<'_>) {
        message.u32(HISTORY_INTERFACE, self.interface);
        message.u64(HISTORY_AGO, u64::try_from(self.ago.as_millis()).unwrap_or(u64::MAX));
        message.text(HISTORY_SENTENCE, &self.sentence);
    }
}

impl History {
    pub(crate) fn write_note(note: &str, message: &mut Writer<'_>) {
        message.text(HISTORY_NOTE, note);
    }

    /// Takes in one message.
    pub(crate) fn take(&mut self, payload: &[u8]) {
        let all = Attributes::new(payload);
        let find = |kind| all.clone().value(kind);
        if let Some(sentence) = find(HISTORY_SENTENCE) {
            let ms = find(HISTORY_AGO).and_then(|value| u64_at(value, 0)).unwrap_or_default();
            let interface = find(HISTORY_INTERFACE).and_then(|value| u32_at(value, 0)).unwrap_or_default();
            let ago = Duration::from_millis(ms);
            self.records.push(Told { ago, interface, sentence: text_of(sentence) });
        }
        if let Some(note) = find(HISTORY_NOTE) {
            self.note = Some(text_of(note));
        }
    }
}

/// The order of `/proc/net/stat/arp_cache` (PRC-2).
fn to_counters(stats: &Stats) -> [u64; 13] {
    let Stats { entries, allocs, destroys, hash_grows, lookups, hits, res_failed, .. } = *stats;
    let Stats { rcv_probes_mcast, rcv_probes_ucast, periodic_gc_runs, forced_gc_runs, .. } = *stats;
    let Stats { unresolved_discards, table_fulls, .. } = *stats;
    [
        entries,
        allocs,
        destroys,
        hash_grows,
        lookups,
        hits,
        res_failed,
        rcv_probes_mcast,
        rcv_probes_ucast,
        periodic_gc_runs,
        forced_gc_runs,
        unresolved_discards,
        table_fulls,
    ]
}

fn from_counters(at: impl Fn(usize) -> u64) -> Stats {
    Stats {
        entries: at(0),
        allocs: at(1),
        destroys: at(2),
        hash_grows: at(3),
        lookups: at(4),
        hits: at(5),
        res_failed: at(6),
        rcv_probes_mcast: at(7),
        rcv_probes_ucast: at(8),
        periodic_gc_runs: at(9),
        forced_gc_runs: at(10),
        unresolved_discards: at(11),
        table_fulls: at(12),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Head, split, write};

    fn payload(fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, Head::default(), fill);
        split(&out).unwrap().1.to_vec()
    }

    #[test]
    fn counters_come_out_as_they_went_in() {
        let table = TableCounters {
            family: Family::Inet6,
            stats: from_counters(|n| n as u64 * 1_000_000_007),
            gc_entries: 10,
            thresholds: [1, 2, 3],
            occupancy: None,
        };
        let occupancy = Occupancy {
            counted: 10,
            pending: 1,
            failed: 2,
            fixed: 3,
            heard: 4,
            asked: 1 << 40,
            hushed: u64::MAX,
        };
        let guarded = TableCounters { occupancy: Some(occupancy), ..table };
        let mut told = Statistics::default();
        for table in [&table, &guarded] {
            told.take(&payload(|message| StatsPart::Table(table).write(message)));
        }
        told.take(&payload(|message| StatsPart::Drop("no_route", 9).write(message)));
        told.take(&payload(|message| StatsPart::ReaderRefused(4).write(message)));
        told.take(&payload(|message| StatsPart::LinkLost(6).write(message)));
        let drops = vec![("no_route".to_owned(), 9)];
        assert_eq!(told, Statistics { tables: vec![table, guarded], drops, reader_refused: 4, link_lost: 6 });
    }

    #[test]
    fn a_history_comes_out_as_it_went_in() {
        let told =
            Told { ago: Duration::from_millis(1500), interface: 2, sentence: "asked everybody".into() };
        let mut history = History::default();
        history.take(&payload(|message| told.write(message)));
        history.take(&payload(|message| History::write_note("nobody asked", message)));
        assert_eq!(history, History { records: vec![told], note: Some("nobody asked".into()) });
    }
}
