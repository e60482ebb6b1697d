//! `neigh ntable`: the parameters of the tables and of each device, as `ip ntable` shows and changes them.

mod change;
mod print;

use crate::context::{Context, dump_failed};
use crate::failure::Failure;
use crate::json;
use crate::print::Style;
use crate::usage;
use crate::words::{Words, begins, wrong};

/// Runs `neigh ntable`.
pub(crate) fn run(context: &mut Context, mut words: Words<'_>) -> anyhow::Result<()> {
    let unknown = |word| format!("Command \"{word}\" is unknown, try \"ip ntable help\".");
    match words.next() {
        None => show(context, words),
        Some(word) if begins(word, "change") || word == "chg" => change::run(context, words),
        Some(word) if ["show", "lst", "list"].iter().any(|name| begins(word, name)) => show(context, words),
        Some(word) if begins(word, "help") => Err(usage::ntable().into()),
        Some(word) => Err(Failure::exact(unknown(word), 255).into()),
    }
}

fn show(context: &mut Context, mut words: Words<'_>) -> anyhow::Result<()> {
    let family = context.options.family()?;
    let (mut device, mut name) = (None, None);
    while let Some(word) = words.next() {
        match word {
            "dev" => {
                let value = words.value()?;
                let index = context.index(value)?;
                device = Some(index.ok_or_else(|| wrong(value, "\"DEV\" is invalid"))?);
            }
            "name" => name = Some(words.value()?),
            _ => return Err(wrong(word, "unknown").into()),
        }
    }
    let mut tables = context.table()?.tables(family).map_err(dump_failed)?;
    tables.retain(|table| {
        let of_device = |index| table.parms.as_ref().is_some_and(|parms| parms.interface == Some(index));
        name.is_none_or(|name| table.name == name) && device.is_none_or(of_device)
    });
    let (style, stats, oneline) =
        (context.options.style(), context.options.stats > 0, context.options.oneline);
    let mut text = Vec::new();
    let printer = context.printer(true)?;
    let objects = || -> Vec<json::Object> {
        tables.iter().map(|table| print::object(table, &|index| printer.name(index), stats)).collect()
    };
    match style {
        Style::Text => {
            for table in &tables {
                let name = |index| printer.name(index);
                text.extend(print::block(table, &name, stats, oneline).into_bytes());
            }
        }
        Style::Json => json::compact(&mut text, &objects())?,
        Style::Pretty => json::pretty(&mut text, &objects())?,
    }
    Ok(context.write(&text)?)
}
