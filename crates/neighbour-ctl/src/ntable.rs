//! The tables themselves: `RTM_NEWNEIGHTBL` and `RTM_SETNEIGHTBL` as values (TBL-1 to TBL-14).

use crate::entry::MessageError;
use crate::message::{Attributes, Writer, text_of, u16_at, u32_at, u64_at};
use neighbour::Family;

pub(crate) const NDTA_NAME: u16 = 1;
pub(crate) const NDTA_THRESH: [u16; 3] = [2, 3, 4];
const NDTA_CONFIG: u16 = 5;
pub(crate) const NDTA_PARMS: u16 = 6;
const NDTA_STATS: u16 = 7;
pub(crate) const NDTA_GC_INTERVAL: u16 = 8;

pub(crate) const NDTPA_IFINDEX: u16 = 1;
pub(crate) const NDTPA_REFCNT: u16 = 2;
pub(crate) const NDTPA_REACHABLE_TIME: u16 = 3;
pub(crate) const NDTPA_BASE_REACHABLE_TIME: u16 = 4;
pub(crate) const NDTPA_RETRANS_TIME: u16 = 5;
pub(crate) const NDTPA_GC_STALETIME: u16 = 6;
pub(crate) const NDTPA_DELAY_PROBE_TIME: u16 = 7;
pub(crate) const NDTPA_QUEUE_LEN: u16 = 8;
pub(crate) const NDTPA_APP_PROBES: u16 = 9;
pub(crate) const NDTPA_UCAST_PROBES: u16 = 10;
pub(crate) const NDTPA_MCAST_PROBES: u16 = 11;
pub(crate) const NDTPA_ANYCAST_DELAY: u16 = 12;
pub(crate) const NDTPA_PROXY_DELAY: u16 = 13;
pub(crate) const NDTPA_PROXY_QLEN: u16 = 14;
pub(crate) const NDTPA_LOCKTIME: u16 = 15;
pub(crate) const NDTPA_QUEUE_LENBYTES: u16 = 16;
pub(crate) const NDTPA_MCAST_REPROBES: u16 = 17;
pub(crate) const NDTPA_INTERVAL_PROBE_TIME_MS: u16 = 19;

/// The length of `struct ndtmsg`.
pub(crate) const NDTMSG: usize = 4;

/// One message of a dump of tables: a table with its defaults, or the parameters of one device (TBL-2).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TableInfo {
    /// `AF_INET` (2) or `AF_INET6` (10).
    pub family: u8,
    /// `arp_cache` or `ndisc_cache`.
    pub name: String,
    /// gc_thresh1 to gc_thresh3, in entries; not in a device's message.
    pub thresh: [Option<u32>; 3],
    /// gc_interval in ms; not in a device's message.
    pub gc_interval: Option<u64>,
    /// Not in a device's message.
    pub config: Option<TableConfig>,
    /// Not in a device's message.
    pub stats: Option<TableStats>,
    /// The parameters.
    pub parms: Option<ParmsInfo>,
}

/// `struct ndt_config` (TBL-3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TableConfig {
    /// Bytes of an address.
    pub key_len: u16,
    /// Bytes of an entry in memory, as far as that can be said.
    pub entry_size: u16,
    /// Live objects.
    pub entries: u32,
    /// Milliseconds since the last forced collection.
    pub last_flush: u32,
    /// Milliseconds since reachable times were last drawn.
    pub last_rand: u32,
    /// The hash's seed.
    pub hash_rnd: u32,
    /// The hash's size less one.
    pub hash_mask: u32,
    /// Always 0.
    pub hash_chain_gc: u32,
    /// Requests that wait for a proxy's delay.
    pub proxy_qlen: u32,
}

/// `struct ndt_stats` (TBL-4), in its order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TableStats {
    /// Objects made.
    pub allocs: u64,
    /// Objects destroyed.
    pub destroys: u64,
    /// Times the hash grew.
    pub hash_grows: u64,
    /// Resolutions that failed.
    pub res_failed: u64,
    /// Lookups.
    pub lookups: u64,
    /// Lookups that found an entry.
    pub hits: u64,
    /// Solicitations received by multicast.
    pub rcv_probes_mcast: u64,
    /// Solicitations received by unicast.
    pub rcv_probes_ucast: u64,
    /// Runs of the periodic collection.
    pub periodic_gc_runs: u64,
    /// Runs of the forced collection.
    pub forced_gc_runs: u64,
    /// Creations refused since the table was full.
    pub table_fulls: u64,
}

/// `NDTA_PARMS` (TBL-5): times in ms. What is `None` was not told, or is not to be set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ParmsInfo {
    /// The device's index; none for the defaults.
    pub interface: Option<u32>,
    /// References.
    pub refcnt: Option<u32>,
    /// unres_qlen, in packets.
    pub queue_len: Option<u32>,
    /// unres_qlen_bytes.
    pub queue_len_bytes: Option<u32>,
    /// app_solicit.
    pub app_probes: Option<u32>,
    /// ucast_solicit.
    pub ucast_probes: Option<u32>,
    /// mcast_solicit.
    pub mcast_probes: Option<u32>,
    /// mcast_resolicit.
    pub mcast_reprobes: Option<u32>,
    /// proxy_qlen.
    pub proxy_qlen: Option<u32>,
    /// The draw from base_reachable_time.
    pub reachable_time: Option<u64>,
    /// base_reachable_time.
    pub base_reachable_time: Option<u64>,
    /// retrans_time.
    pub retrans_time: Option<u64>,
    /// gc_stale_time.
    pub gc_staletime: Option<u64>,
    /// delay_first_probe_time.
    pub delay_probe_time: Option<u64>,
    /// anycast_delay.
    pub anycast_delay: Option<u64>,
    /// proxy_delay.
    pub proxy_delay: Option<u64>,
    /// locktime.
    pub locktime: Option<u64>,
    /// interval_probe_time_ms.
    pub interval_probe_time: Option<u64>,
}

/// `RTM_SETNEIGHTBL`: what is to change in a table.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TableChange {
    /// Of this family; none: whichever table has the name.
    pub family: Option<Family>,
    /// `arp_cache` or `ndisc_cache`.
    pub name: String,
    /// gc_thresh1 to gc_thresh3.
    pub thresh: [Option<u32>; 3],
    /// gc_interval in ms.
    pub gc_interval: Option<u64>,
    /// Parameters of the device named in it, or of the defaults.
    pub parms: ParmsInfo,
}

impl TableConfig {
    fn bytes(&self) -> Vec<u8> {
        let Self { entries, last_flush, last_rand, hash_rnd, hash_mask, hash_chain_gc, proxy_qlen, .. } =
            *self;
        let halves = [self.key_len, self.entry_size].map(u16::to_ne_bytes).concat();
        let words = [entries, last_flush, last_rand, hash_rnd, hash_mask, hash_chain_gc, proxy_qlen];
        [halves, words.map(u32::to_ne_bytes).concat()].concat()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |n: usize| u32_at(bytes, 4 * n);
        Some(Self {
            key_len: u16_at(bytes, 0)?,
            entry_size: u16_at(bytes, 2)?,
            entries: word(1)?,
            last_flush: word(2)?,
            last_rand: word(3)?,
            hash_rnd: word(4)?,
            hash_mask: word(5)?,
            hash_chain_gc: word(6)?,
            proxy_qlen: word(7)?,
        })
    }
}

impl TableStats {
    fn bytes(&self) -> Vec<u8> {
        let Self { allocs, destroys, hash_grows, res_failed, lookups, hits, .. } = *self;
        let Self {
            rcv_probes_mcast, rcv_probes_ucast, periodic_gc_runs, forced_gc_runs, table_fulls, ..
        } = *self;
        let first = [allocs, destroys, hash_grows, res_failed, lookups, hits, rcv_probes_mcast];
        let rest = [rcv_probes_ucast, periodic_gc_runs, forced_gc_runs, table_fulls];
        [first.map(u64::to_ne_bytes).concat(), rest.map(u64::to_ne_bytes).concat()].concat()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |n: usize| u64_at(bytes, 8 * n);
        Some(Self {
            allocs: word(0)?,
            destroys: word(1)?,
            hash_grows: word(2)?,
            res_failed: word(3)?,
            lookups: word(4)?,
            hits: word(5)?,
            rcv_probes_mcast: word(6)?,
            rcv_probes_ucast: word(7)?,
            periodic_gc_runs: word(8)?,
            forced_gc_runs: word(9)?,
            table_fulls: word(10)?,
        })
    }
}

impl ParmsInfo {
    /// In the kernel's order.
    pub(crate) fn write(&self, message: &mut Writer<'_>) {
        for (kind, value) in [
            (NDTPA_IFINDEX, self.interface),
            (NDTPA_REFCNT, self.refcnt),
            (NDTPA_QUEUE_LENBYTES, self.queue_len_bytes),
            (NDTPA_QUEUE_LEN, self.queue_len),
            (NDTPA_PROXY_QLEN, self.proxy_qlen),
            (NDTPA_APP_PROBES, self.app_probes),
            (NDTPA_UCAST_PROBES, self.ucast_probes),
            (NDTPA_MCAST_PROBES, self.mcast_probes),
            (NDTPA_MCAST_REPROBES, self.mcast_reprobes),
        ] {
            if let Some(value) = value {
                message.u32(kind, value);
            }
        }
        for (kind, value) in [
            (NDTPA_REACHABLE_TIME, self.reachable_time),
            (NDTPA_BASE_REACHABLE_TIME, self.base_reachable_time),
            (NDTPA_GC_STALETIME, self.gc_staletime),
            (NDTPA_DELAY_PROBE_TIME, self.delay_probe_time),
            (NDTPA_RETRANS_TIME, self.retrans_time),
            (NDTPA_ANYCAST_DELAY, self.anycast_delay),
            (NDTPA_PROXY_DELAY, self.proxy_delay),
            (NDTPA_LOCKTIME, self.locktime),
            (NDTPA_INTERVAL_PROBE_TIME_MS, self.interval_probe_time),
        ] {
            if let Some(value) = value {
                message.u64(kind, value);
            }
        }
    }

    fn parse(bytes: &[u8]) -> Self {
        let all = Attributes::new(bytes);
        let count = |kind| all.clone().value(kind).and_then(|value| u32_at(value, 0));
        let time = |kind| all.clone().value(kind).and_then(|value| u64_at(value, 0));
        Self {
            interface: count(NDTPA_IFINDEX).filter(|index| *index != 0),
            refcnt: count(NDTPA_REFCNT),
            queue_len: count(NDTPA_QUEUE_LEN),
            queue_len_bytes: count(NDTPA_QUEUE_LENBYTES),
            app_probes: count(NDTPA_APP_PROBES),
            ucast_probes: count(NDTPA_UCAST_PROBES),
            mcast_probes: count(NDTPA_MCAST_PROBES),
            mcast_reprobes: count(NDTPA_MCAST_REPROBES),
            proxy_qlen: count(NDTPA_PROXY_QLEN),
            reachable_time: time(NDTPA_REACHABLE_TIME),
            base_reachable_time: time(NDTPA_BASE_REACHABLE_TIME),
            retrans_time: time(NDTPA_RETRANS_TIME),
            gc_staletime: time(NDTPA_GC_STALETIME),
            delay_probe_time: time(NDTPA_DELAY_PROBE_TIME),
            anycast_delay: time(NDTPA_ANYCAST_DELAY),
            proxy_delay: time(NDTPA_PROXY_DELAY),
            locktime: time(NDTPA_LOCKTIME),
            interval_probe_time: time(NDTPA_INTERVAL_PROBE_TIME_MS),
        }
    }
}

fn write_limits(message: &mut Writer<'_>, thresh: &[Option<u32>; 3]) {
    for (kind, value) in NDTA_THRESH.into_iter().zip(thresh) {
        if let Some(value) = value {
            message.u32(kind, *value);
        }
    }
}

impl TableInfo {
    /// What follows the netlink header, in the kernel's order.
    pub(crate) fn write(&self, message: &mut Writer<'_>) {
        message.put(&[self.family, 0, 0, 0]);
        message.text(NDTA_NAME, &self.name);
        if let Some(ms) = self.gc_interval {
            message.u64(NDTA_GC_INTERVAL, ms);
        }
        write_limits(message, &self.thresh);
        if let Some(config) = &self.config {
            message.attribute(NDTA_CONFIG, &config.bytes());
        }
        if let Some(stats) = &self.stats {
            message.attribute(NDTA_STATS, &stats.bytes());
        }
        if let Some(parms) = &self.parms {
            message.nest(NDTA_PARMS, |nested| parms.write(nested));
        }
    }

    /// Reads what follows the netlink header of a `RTM_NEWNEIGHTBL`. Attributes too short are left out.
    ///
    /// # Errors
    ///
    /// The bytes are fewer than the message's own header.
    pub fn parse(payload: &[u8]) -> Result<Self, MessageError> {
        let short = || MessageError::Short { got: payload.len(), expected: NDTMSG };
        let (head, attributes) = payload.split_at_checked(NDTMSG).ok_or_else(short)?;
        let all = Attributes::new(attributes);
        let find = |kind| all.clone().value(kind);
        Ok(Self {
            family: head.first().copied().unwrap_or_default(),
            name: find(NDTA_NAME).map(text_of).unwrap_or_default(),
            thresh: NDTA_THRESH.map(|kind| find(kind).and_then(|value| u32_at(value, 0))),
            gc_interval: find(NDTA_GC_INTERVAL).and_then(|value| u64_at(value, 0)),
            config: find(NDTA_CONFIG).and_then(TableConfig::parse),
            stats: find(NDTA_STATS).and_then(TableStats::parse),
            parms: find(NDTA_PARMS).map(ParmsInfo::parse),
        })
    }
}

impl TableChange {
    /// What follows the netlink header, as `ip` writes it.
    pub(crate) fn write(&self, message: &mut Writer<'_>) {
        message.put(&[crate::family_number(self.family), 0, 0, 0]);
        message.text(NDTA_NAME, &self.name);
        write_limits(message, &self.thresh);
        if let Some(ms) = self.gc_interval {
            message.u64(NDTA_GC_INTERVAL, ms);
        }
        if self.parms != ParmsInfo::default() {
            message.nest(NDTA_PARMS, |nested| self.parms.write(nested));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Head, split, write};
    use proptest::prelude::*;

    fn bytes_of(info: &TableInfo) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, Head::default(), |message| info.write(message));
        split(&out).unwrap().1.to_vec()
    }

    #[test]
    fn a_table_comes_out_as_it_went_in() {
        let parms =
            ParmsInfo { interface: Some(3), locktime: Some(1000), app_probes: Some(2), ..Default::default() };
        let config =
            TableConfig { key_len: 4, entry_size: 5, entries: 6, proxy_qlen: 7, ..Default::default() };
        let stats = TableStats { allocs: 1, table_fulls: u64::MAX, hits: 3, ..Default::default() };
        let whole = TableInfo {
            family: 2,
            name: "arp_cache".into(),
            thresh: [Some(1), Some(2), Some(3)],
            gc_interval: Some(30_000),
            config: Some(config),
            stats: Some(stats),
            parms: Some(parms),
        };
        assert_eq!(TableInfo::parse(&bytes_of(&whole)).unwrap(), whole);
        let device = TableInfo { thresh: [None; 3], gc_interval: None, config: None, stats: None, ..whole };
        assert_eq!(TableInfo::parse(&bytes_of(&device)).unwrap(), device);
        assert!(TableInfo::parse(&[2, 0, 0]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = TableInfo::parse(&bytes);
        }
    }
}
