//! The messages that rtnetlink does not have: see [`crate::extension`].

use super::errno::{EINVAL, ENODEV, ENOENT};
use super::trouble::Trouble;
use super::{Call, Host, Outcome};
use crate::address::ip_of;
use crate::extension::{
    HISTORY_ADDRESS, History, NEIGH_NEWHISTORY, NEIGH_NEWPARM, NEIGH_NEWSTATS, PARM_NAME, PARM_VALUE,
    StatsPart, TableCounters, Told,
};
use crate::message::{Attributes, Head, text_of, write};
use neighbour::{Family, SetError};
use netlink_packet_core::NLM_F_MULTIPART;

pub(super) fn statistics(call: &mut Call<'_, '_>, host: &mut impl Host) -> Outcome {
    let lost = host.link_losses();
    let engine = host.engine();
    let head = Head { kind: NEIGH_NEWSTATS, flags: NLM_F_MULTIPART, ..call.head };
    let mut tell = |part: StatsPart<'_>| write(call.out, head, |message| part.write(message));
    for family in Family::BOTH {
        let thresholds = engine.thresholds(family);
        tell(StatsPart::Table(&TableCounters {
            family,
            stats: engine.stats(family),
            gc_entries: engine.gc_entries(family),
            thresholds: [thresholds.thresh1, thresholds.thresh2, thresholds.thresh3],
            occupancy: engine.admission(family).on.then(|| engine.occupancy(family)),
        }));
    }
    engine.drops().for_each(|(reason, count)| tell(StatsPart::Drop(reason.name(), count)));
    tell(StatsPart::ReaderRefused(engine.reader().refused()));
    tell(StatsPart::LinkLost(lost));
    call.end_dump(&Trouble::default())
}

pub(super) fn history(call: &mut Call<'_, '_>, host: &mut impl Host) -> Result<Outcome, Trouble> {
    let address = Attributes::new(call.payload).value(HISTORY_ADDRESS).and_then(ip_of);
    let address =
        address.ok_or_else(|| Trouble::text(EINVAL, "the address is missing, or has not 4 or 16 bytes"))?;
    let (engine, now) = (host.engine(), host.now());
    let head = Head { kind: NEIGH_NEWHISTORY, flags: NLM_F_MULTIPART, ..call.head };
    for record in engine.history(address) {
        let told = Told {
            ago: now.duration_since(record.at),
            interface: record.device.index(),
            sentence: record.happening.to_string(),
        };
        write(call.out, head, |message| told.write(message));
    }
    if !engine.device_ids().any(|device| engine.neighbour(device, address).is_some()) {
        let note = host.why_absent(address);
        write(call.out, head, |message| History::write_note(&note, message));
    }
    Ok(call.end_dump(&Trouble::default()))
}

fn text(call: &Call<'_, '_>, kind: u16, what: &'static str) -> Result<String, Trouble> {
    let value = Attributes::new(call.payload).value(kind).map(text_of).filter(|text| !text.is_empty());
    value.ok_or_else(|| Trouble::text(EINVAL, what))
}

fn of_set(error: &SetError) -> Trouble {
    let errno = match error {
        SetError::Unknown { .. } | SetError::Family { .. } => ENOENT,
        SetError::Device(_) => ENODEV,
        _ => EINVAL,
    };
    Trouble::text(errno, error.to_string())
}

pub(super) fn parameter(call: &mut Call<'_, '_>, host: &mut impl Host) -> Result<Trouble, Trouble> {
    let name = text(call, PARM_NAME, "the parameter's name is missing")?;
    let value = host.engine().get(&name).map_err(|error| of_set(&error))?;
    let head = Head { kind: NEIGH_NEWPARM, ..call.head };
    write(call.out, head, |message| {
        message.text(PARM_NAME, &name);
        message.text(PARM_VALUE, &value.to_string());
    });
    Ok(Trouble::default())
}

pub(super) fn set_parameter(call: &Call<'_, '_>, host: &mut impl Host) -> Result<Trouble, Trouble> {
    let name = text(call, PARM_NAME, "the parameter's name is missing")?;
    let value = text(call, PARM_VALUE, "the parameter's value is missing")?;
    let now = host.now();
    host.engine_mut().set(now, &name, &value).map_err(|error| of_set(&error))?;
    Ok(Trouble::default())
}
