//! `neigh show`: the table of the daemon or of the kernel, as `ip neigh show` prints it.

mod proc_arp;
mod query;

use crate::context::{Context, dump_failed};
use crate::print::Style;
use crate::words::Words;
use neighbour_ctl::{Entry, Filter};
pub(crate) use query::{Devices, Purpose, Query};
use std::fs;

/// Runs `neigh show`.
pub(crate) fn run(context: &mut Context, words: Words<'_>, proc: bool) -> anyhow::Result<()> {
    let (query, device) = read(context, words, Purpose::Show)?;
    if proc {
        return proc_arp::show(context, &query, device);
    }
    let entries = entries(context, &query, device)?;
    print(context, &entries, device.is_none())
}

/// Reads the words and looks up the device that they name.
pub(crate) fn read(
    context: &mut Context,
    words: Words<'_>,
    purpose: Purpose,
) -> anyhow::Result<(Query, Option<u32>)> {
    let (family, strict) = (context.options.family()?, context.options.strict);
    let query = Query { strict, ..Query::parse(words, family, purpose, context)? };
    let device = query.device.as_deref().map(|name| context.device(name)).transpose()?;
    Ok((query, device))
}

/// The entries that are asked for, in the table's order.
pub(crate) fn entries(
    context: &mut Context,
    query: &Query,
    device: Option<u32>,
) -> anyhow::Result<Vec<Entry>> {
    let Query { family, proxy, master, .. } = *query;
    let filter = Filter { family, proxy, master, interface: device };
    let mut entries = context.table()?.neighbours(&filter).map_err(dump_failed)?;
    entries.retain(|entry| query.admits(entry));
    Ok(entries)
}

/// Writes entries in the style that the options ask for.
pub(crate) fn print(context: &mut Context, entries: &[Entry], device: bool) -> anyhow::Result<()> {
    let mut text = Vec::new();
    context.printer(device)?.print(&mut text, entries)?;
    Ok(context.write(&text)?)
}

/// Writes entries as lines, whatever the style.
pub(crate) fn print_lines(context: &mut Context, entries: &[Entry], device: bool) -> anyhow::Result<()> {
    let mut printer = context.printer(device)?;
    printer.style = Style::Text;
    let mut text = Vec::new();
    printer.print(&mut text, entries)?;
    Ok(context.write(&text)?)
}

impl Devices for Context {
    fn index(&mut self, name: &str) -> anyhow::Result<Option<u32>> {
        Self::index(self, name)
    }

    fn vrf(&mut self, name: &str) -> anyhow::Result<Option<u32>> {
        // The daemon has none. The kernel's say so in sysfs; a name with a slash is no name of a device.
        if !self.options.kernel || name.contains('/') {
            return Ok(None);
        }
        let about = fs::read_to_string(format!("/sys/class/net/{name}/uevent")).unwrap_or_default();
        if about.lines().any(|line| line == "DEVTYPE=vrf") { Self::index(self, name) } else { Ok(None) }
    }
}
