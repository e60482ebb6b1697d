//! `neigh address`: the addresses of the daemon's devices, at run time.

use crate::context::{Context, dump_failed, request_failed};
use crate::failure::Failure;
use crate::inet;
use crate::words::{Words, begins};
use neighbour::Family;
use neighbour_ctl::Address;
use serde_json::json;

/// Flags of an address with their names in `ip address`.
const FLAGS: [(u32, &str); 4] =
    [(0x40, "tentative"), (0x08, "dadfailed"), (0x20, "deprecated"), (0x04, "optimistic")];

/// Runs `neigh address [show [dev DEV]]`, `add CIDR dev DEV` or `del CIDR dev DEV`.
pub(crate) fn run(context: &mut Context, mut words: Words<'_>) -> anyhow::Result<()> {
    let add = match words.next() {
        None => return show(context, words),
        Some(word) if begins(word, "add") => true,
        Some(word) if begins(word, "delete") => false,
        Some(word) if ["show", "list", "lst"].iter().any(|name| begins(word, name)) => {
            return show(context, words);
        }
        Some(word) => {
            let text = format!("Command \"{word}\" is unknown, try \"ip address help\".");
            return Err(Failure::exact(text, 255).into());
        }
    };
    let family = context.options.family()?;
    let (mut prefix, mut device) = (None, None);
    while let Some(word) = words.next() {
        match word {
            "dev" => device = Some(words.value()?),
            _ if prefix.is_some() => return Err(crate::change::garbage(word).into()),
            _ => prefix = inet::prefix(if word == "local" { words.value()? } else { word }, family)?,
        }
    }
    let missing =
        |what| Failure::exact(format!("Not enough information: \"{what}\" argument is required."), 255);
    let name = device.ok_or_else(|| missing("dev"))?;
    let prefix = prefix.ok_or_else(|| missing("local"))?;
    let index = context.device(name)?;
    let table = context.table()?;
    let done = if add { table.add_address(index, prefix) } else { table.del_address(index, prefix) };
    done.map_err(request_failed)
}

fn show(context: &mut Context, mut words: Words<'_>) -> anyhow::Result<()> {
    let family = context.options.family()?;
    let mut device = None;
    while let Some(word) = words.next() {
        let name = if word == "dev" { words.value()? } else { word };
        device = Some(context.device(name)?);
    }
    let mut addresses = context.table()?.addresses().map_err(dump_failed)?;
    addresses.retain(|address| {
        family.is_none_or(|family| Family::of(address.prefix.address()) == family)
            && device.is_none_or(|index| address.interface == index)
    });
    let text = {
        let (as_json, pretty) = (context.options.json, context.options.pretty);
        let printer = context.printer(true)?;
        let flags = |address: &Address| -> Vec<&str> {
            FLAGS.iter().filter(|(bit, _)| address.flags & bit != 0).map(|(_, name)| *name).collect()
        };
        if as_json {
            let one = |address: &Address| {
                let dev = printer.name(address.interface);
                json!({ "dev": dev, "address": address.prefix.to_string(), "flags": flags(address) })
            };
            let all: serde_json::Value = addresses.iter().map(one).collect();
            if pretty { format!("{all:#}\n") } else { format!("{all}\n") }
        } else {
            let line = |address: &Address| {
                let words = [vec![printer.name(address.interface), address.prefix.to_string()]]
                    .concat()
                    .into_iter()
                    .chain(flags(address).into_iter().map(String::from));
                format!("{}\n", words.collect::<Vec<_>>().join(" "))
            };
            addresses.iter().map(line).collect()
        }
    };
    Ok(context.write(text.as_bytes())?)
}
