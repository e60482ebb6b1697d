//! `RTM_GETNEIGHTBL` and `RTM_SETNEIGHTBL` (TBL-1 to TBL-14).

use super::errno::{EINVAL, ENOENT};
use super::policy::{Parsed, Rule, Strictness, parse};
use super::trouble::Trouble;
use super::{Call, Host, Outcome, device_of};
use crate::frames::HEADER;
use crate::message::{Attributes, Head, NLA_HEADER, RTM_NEWNEIGHTBL, text_of, write};
use crate::ntable::{
    NDTA_GC_INTERVAL, NDTA_NAME, NDTA_PARMS, NDTA_THRESH, NDTMSG, NDTPA_ANYCAST_DELAY, NDTPA_APP_PROBES,
    NDTPA_BASE_REACHABLE_TIME, NDTPA_DELAY_PROBE_TIME, NDTPA_GC_STALETIME, NDTPA_IFINDEX,
    NDTPA_INTERVAL_PROBE_TIME_MS, NDTPA_LOCKTIME, NDTPA_MCAST_PROBES, NDTPA_MCAST_REPROBES,
    NDTPA_PROXY_DELAY, NDTPA_PROXY_QLEN, NDTPA_QUEUE_LEN, NDTPA_QUEUE_LENBYTES, NDTPA_RETRANS_TIME,
    NDTPA_UCAST_PROBES, ParmsInfo, TableConfig, TableInfo, TableStats,
};
use neighbour::{DeviceId, Engine, Family, Instant, Parm, QLEN_UNIT};
use netlink_packet_core::NLM_F_MULTIPART;
use std::time::Duration;

const LENIENT: Strictness = Strictness { shape: false, exact_from: u16::MAX };

const RULES: [Rule; 10] = [
    Rule::Unspecified,
    Rule::Text(u16::MAX as usize),
    Rule::U32,
    Rule::U32,
    Rule::U32,
    Rule::Unspecified,
    Rule::Nested,
    Rule::Unspecified,
    Rule::U64,
    Rule::Unspecified,
];

const PARM_RULES: [Rule; 20] = [
    Rule::Unspecified,
    Rule::U32,
    Rule::Unspecified,
    Rule::Unspecified,
    Rule::U64,
    Rule::U64,
    Rule::U64,
    Rule::U64,
    Rule::U32,
    Rule::U32,
    Rule::U32,
    Rule::U32,
    Rule::U64,
    Rule::U64,
    Rule::U32,
    Rule::U64,
    Rule::U32,
    Rule::U32,
    Rule::Unspecified,
    Rule::U64,
];

/// The times of a set, in the order in which the kernel takes them: by their numbers.
const TIMES: [(u16, Parm); 8] = [
    (NDTPA_BASE_REACHABLE_TIME, Parm::BaseReachableTime),
    (NDTPA_RETRANS_TIME, Parm::RetransTime),
    (NDTPA_GC_STALETIME, Parm::GcStaletime),
    (NDTPA_DELAY_PROBE_TIME, Parm::DelayFirstProbeTime),
    (NDTPA_ANYCAST_DELAY, Parm::AnycastDelay),
    (NDTPA_PROXY_DELAY, Parm::ProxyDelay),
    (NDTPA_LOCKTIME, Parm::Locktime),
    (NDTPA_INTERVAL_PROBE_TIME_MS, Parm::IntervalProbeTime),
];

const COUNTS: [(u16, Parm); 6] = [
    (NDTPA_APP_PROBES, Parm::AppSolicit),
    (NDTPA_UCAST_PROBES, Parm::UcastSolicit),
    (NDTPA_MCAST_PROBES, Parm::McastSolicit),
    (NDTPA_PROXY_QLEN, Parm::ProxyQlen),
    (NDTPA_QUEUE_LENBYTES, Parm::UnresQlenBytes),
    (NDTPA_MCAST_REPROBES, Parm::McastResolicit),
];

/// Milliseconds that fit 32 bits.
fn ms(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn dump(call: &mut Call<'_, '_>, host: &mut impl Host) -> Outcome {
    if call.options.strict {
        let refuse = |text| Trouble::text(EINVAL, text);
        let wrong = match call.payload.split_at_checked(NDTMSG) {
            None => Some("Invalid header for neighbor table dump request"),
            Some(([_, 0, 0, 0], [])) => None,
            Some(([_, 0, 0, 0], _)) => Some("Invalid data after header in neighbor table dump request"),
            Some(_) => Some("Invalid values in header for neighbor table dump request"),
        };
        if let Some(text) = wrong {
            return call.end_dump(&refuse(text)); // TBL-6
        }
    }
    let family = call.payload.first().copied().unwrap_or_default();
    let head = Head { kind: RTM_NEWNEIGHTBL, flags: NLM_F_MULTIPART, ..call.head };
    let engine = host.engine();
    for wanted in Family::BOTH.into_iter().filter(|f| family == 0 || crate::family_of(family) == Some(*f)) {
        let mut tell = |info: TableInfo| write(call.out, head, |message| info.write(message));
        tell(table(engine, wanted));
        // The newest device first (TBL-2).
        let mut devices: Vec<DeviceId> =
            engine.device_ids().filter(|id| engine.speaks(*id, wanted)).collect();
        devices.reverse();
        for device in devices {
            let parms = Some(parms(engine, wanted, Some(device)));
            tell(TableInfo { parms, ..named(wanted) });
        }
    }
    call.end_dump(&Trouble::default())
}

fn named(family: Family) -> TableInfo {
    let number = crate::family_number(Some(family));
    TableInfo { family: number, name: family.table_name().into(), ..TableInfo::default() }
}

/// The first message of a table.
fn table(engine: &Engine, family: Family) -> TableInfo {
    let (info, stats) = (engine.table_info(family), engine.stats(family));
    let thresholds = info.thresholds;
    TableInfo {
        thresh: [thresholds.thresh1, thresholds.thresh2, thresholds.thresh3].map(Some),
        gc_interval: Some(ms(info.gc_interval).into()),
        config: Some(TableConfig {
            key_len: if family == Family::Inet { 4 } else { 16 },
            // No entry of ours has one size; this is Linux's on a 64-bit machine.
            entry_size: if family == Family::Inet { 336 } else { 344 },
            entries: count(info.entries),
            last_flush: ms(info.last_flush),
            last_rand: info.last_rand.map_or(u32::MAX, ms),
            hash_rnd: 0,
            hash_mask: info.hash_mask,
            hash_chain_gc: 0,
            proxy_qlen: info.proxy_queued,
        }),
        stats: Some(TableStats {
            allocs: stats.allocs,
            destroys: stats.destroys,
            hash_grows: stats.hash_grows,
            res_failed: stats.res_failed,
            lookups: stats.lookups,
            hits: stats.hits,
            rcv_probes_mcast: stats.rcv_probes_mcast,
            rcv_probes_ucast: stats.rcv_probes_ucast,
            periodic_gc_runs: stats.periodic_gc_runs,
            forced_gc_runs: stats.forced_gc_runs,
            table_fulls: stats.table_fulls,
        }),
        parms: Some(parms(engine, family, None)),
        ..named(family)
    }
}

fn parms(engine: &Engine, family: Family, device: Option<DeviceId>) -> ParmsInfo {
    let value = |parm| engine.parm(family, device, parm);
    let number = |parm| value(parm).map(count);
    // The device's own reference, and one of each entry (DM-26).
    let entries = engine.neighbours(family).filter(|info| Some(info.device) == device).count();
    ParmsInfo {
        interface: device.map(DeviceId::index),
        refcnt: Some(1 + count(entries as u64)),
        queue_len: number(Parm::UnresQlenBytes).map(|bytes| bytes / QLEN_UNIT),
        queue_len_bytes: number(Parm::UnresQlenBytes),
        app_probes: number(Parm::AppSolicit),
        ucast_probes: number(Parm::UcastSolicit),
        mcast_probes: number(Parm::McastSolicit),
        mcast_reprobes: number(Parm::McastResolicit),
        proxy_qlen: number(Parm::ProxyQlen),
        reachable_time: engine.reachable_time(family, device).map(|time| ms(time).into()),
        base_reachable_time: value(Parm::BaseReachableTime),
        retrans_time: value(Parm::RetransTime),
        gc_staletime: value(Parm::GcStaletime),
        delay_probe_time: value(Parm::DelayFirstProbeTime),
        anycast_delay: value(Parm::AnycastDelay),
        proxy_delay: value(Parm::ProxyDelay),
        locktime: value(Parm::Locktime),
        interval_probe_time: value(Parm::IntervalProbeTime),
    }
}

/// RTM_SETNEIGHTBL (TBL-8 to TBL-14). The engine is an initial namespace: nothing is out of reach.
pub(super) fn set(call: &Call<'_, '_>, host: &mut impl Host) -> Result<Trouble, Trouble> {
    let short = || Trouble::text(EINVAL, "Invalid header length");
    let (head, attributes) = call.payload.split_at_checked(NDTMSG).ok_or_else(short)?;
    let parsed = parse(attributes, HEADER + NDTMSG, &RULES, LENIENT)?;
    let name = parsed.get(NDTA_NAME).map(text_of).ok_or_else(|| Trouble::errno(EINVAL))?;
    let family = head.first().copied().unwrap_or_default();
    let fits = |f: &Family| family == 0 || crate::family_of(family) == Some(*f);
    let found = Family::BOTH.into_iter().filter(fits).find(|f| f.table_name() == name);
    let family = found.ok_or_else(|| Trouble::errno(ENOENT))?;
    let now = host.now();
    if let Some(nested) = parsed.get(NDTA_PARMS) {
        let begins = Attributes::new(attributes).filter(|a| a.kind == NDTA_PARMS).last();
        let offset = HEADER + NDTMSG + NLA_HEADER + begins.map_or(0, |attribute| attribute.offset);
        let parms = parse(nested, offset, &PARM_RULES, LENIENT)?;
        set_parms(host.engine_mut(), now, family, &parms)?;
    }
    let thresholds = NDTA_THRESH.map(|kind| parsed.u32(kind));
    host.engine_mut().set_thresholds(family, thresholds);
    if let Some(interval) = parsed.u64(NDTA_GC_INTERVAL) {
        host.engine_mut().set_gc_interval(family, Duration::from_millis(interval));
    }
    Ok(parsed.warning)
}

fn set_parms(
    engine: &mut Engine,
    now: Instant,
    family: Family,
    parms: &Parsed<'_, { PARM_RULES.len() }>,
) -> Result<(), Trouble> {
    let device = match parms.u32(NDTPA_IFINDEX) {
        None | Some(0) => None,
        Some(index) => {
            let device = device_of(engine, index).filter(|device| engine.speaks(*device, family));
            Some(device.ok_or_else(|| Trouble::errno(ENOENT))?) // TBL-9
        }
    };
    let mut set = |parm, value| engine.set_parm(now, family, device, parm, value);
    for (kind, parm) in TIMES {
        parms.u64(kind).map(|value| set(parm, value));
    }
    // Both are the same value; the later number wins.
    let packets = parms.u32(NDTPA_QUEUE_LEN);
    packets.map(|packets| set(Parm::UnresQlenBytes, u64::from(packets) * u64::from(QLEN_UNIT)));
    for (kind, parm) in COUNTS {
        parms.u32(kind).map(|value| set(parm, value.into()));
    }
    Ok(())
}
