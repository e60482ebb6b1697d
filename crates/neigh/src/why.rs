//! `neigh why`: what happened to an address lately, in sentences; or why it is not there.

use crate::context::{Context, request_failed};
use crate::failure::Failure;
use crate::inet;
use crate::words::Words;
use neighbour_ctl::Told;
use serde_json::json;
use std::time::Duration;

/// Runs `neigh why ADDRESS [dev DEV]`.
pub(crate) fn run(context: &mut Context, mut words: Words<'_>) -> anyhow::Result<()> {
    let family = context.options.family()?;
    let (mut address, mut device) = (None, None);
    while let Some(word) = words.next() {
        match word {
            "dev" => device = Some(context.device(words.value()?)?),
            _ if address.is_some() => {
                let what = format_args!("why {word}: one address is all that can be asked for");
                return Err(Failure::new(what, "neigh why ADDRESS [dev DEV]").into());
            }
            _ => address = inet::address(if word == "to" { words.value()? } else { word }, family)?,
        }
    }
    let required = || Failure::new("why: an ADDRESS is required", "neigh why ADDRESS [dev DEV]");
    let address = address.ok_or_else(required)?;
    let mut history = context.table()?.history(address).map_err(request_failed)?;
    history.records.retain(|told| device.is_none_or(|index| told.interface == index));
    let named = {
        let printer = context.printer(true)?;
        let name = |told: &Told| if told.interface == 0 { "-".into() } else { printer.name(told.interface) };
        history.records.iter().map(|told| (name(told), told.clone())).collect::<Vec<_>>()
    };
    let nothing = named.is_empty() && history.note.is_none();
    let note = history.note.or_else(|| nothing.then(|| format!("nothing is remembered of {address}")));
    let text = if context.options.json {
        let record = |(dev, told): &(String, Told)| {
            let ago = u64::try_from(told.ago.as_millis()).unwrap_or(u64::MAX);
            json!({ "ago_ms": ago, "dev": dev, "what": told.sentence })
        };
        let records: Vec<_> = named.iter().map(record).collect();
        let all = json!({ "dst": address.to_string(), "records": records, "note": note });
        if context.options.pretty { format!("{all:#}\n") } else { format!("{all}\n") }
    } else {
        let ages: Vec<String> = named.iter().map(|(_, told)| ago(told.ago)).collect();
        let width = ages.iter().map(String::len).max().unwrap_or_default();
        let devices = named.iter().map(|(dev, _)| dev.len()).max().unwrap_or_default();
        let line = |(age, (dev, told)): (&String, &(String, Told))| {
            format!("{age:>width$} ago  {dev:<devices$}  {}\n", told.sentence)
        };
        let lines: String = ages.iter().zip(&named).map(line).collect();
        lines + &note.map(|note| format!("{note}\n")).unwrap_or_default()
    };
    Ok(context.write(text.as_bytes())?)
}

/// A duration as people say it.
fn ago(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{}.{:03} s", seconds, age.subsec_millis()),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_said_as_people_say_them() {
        for (ms, expected) in
            [(0, "0.000 s"), (59_999, "59.999 s"), (60_000, "1 min 00 s"), (7_325_000, "2 h 02 min")]
        {
            assert_eq!(ago(Duration::from_millis(ms)), expected);
        }
    }
}
