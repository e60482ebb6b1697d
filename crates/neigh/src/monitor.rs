//! `neigh monitor`: what happens to neighbours, as `ip monitor neigh` tells it.
//!
//! Unlike `ip`, it survives an overrun: it says on stderr that news were lost, lists the table again, and
//! goes on.

use crate::context::{Context, request_failed};
use crate::failure::Failure;
use crate::json::{self, Value};
use crate::words::{Words, begins, wrong};
use crate::{local_time, usage};
use neighbour::Family;
use neighbour_ctl::{Entry, Filter, Monitor, News};
use std::time::{Duration, Instant};

/// How long what waits is read after an overrun before the table is listed, whatever still comes.
const CATCHING_UP: Duration = Duration::from_secs(2);

/// What is to be told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Wanted {
    family: Option<Family>,
    device: Option<u32>,
    /// `[NEIGH]` before each event.
    label: bool,
}

/// Runs `neigh monitor` until the other side ends or nobody reads any more.
pub(crate) fn run(context: &mut Context, words: Words<'_>) -> anyhow::Result<()> {
    let wanted = parse(context, words)?;
    context.interfaces()?;
    let mut monitor = context.another_table()?.subscribe().map_err(request_failed)?;
    loop {
        let Some(news) = monitor.next(None).map_err(request_failed)? else { continue };
        if tell_news(context, &wanted, &news)? {
            catch_up(context, &wanted, &mut monitor)?;
        }
        context.flush()?;
    }
}

/// True if some were lost.
fn tell_news(context: &mut Context, wanted: &Wanted, news: &News) -> anyhow::Result<bool> {
    match news {
        News::New { entry, .. } => tell(context, wanted, "", entry)?,
        News::Deleted { entry, .. } => tell(context, wanted, "Deleted ", entry)?,
        News::Miss { entry, .. } => tell(context, wanted, "miss ", entry)?,
        News::Overrun => return Ok(true),
        // What a later version of the other side may tell.
        _ => {}
    }
    Ok(false)
}

fn parse(context: &mut Context, mut words: Words<'_>) -> anyhow::Result<Wanted> {
    let mut wanted = Wanted { family: context.options.family()?, ..Wanted::default() };
    while let Some(word) = words.next() {
        match word {
            "dev" => {
                let name = words.value()?;
                let index = context.index(name)?;
                wanted.device = Some(index.ok_or_else(|| wrong(name, "Device does not exist\n"))?);
            }
            _ if begins(word, "file") => {
                words.value()?;
                let what = "monitor file: recordings of rtmon are not read here";
                return Err(Failure::new(what, "`ip monitor file FILE` does that").into());
            }
            _ if begins(word, "label") || word == "all" => wanted.label = true,
            _ if begins(word, "neigh") => {}
            _ if begins(word, "help") => return Err(usage::monitor().into()),
            "link" | "address" | "route" | "rule" | "all-nsid" | "nexthop" | "netconf" | "prefix"
            | "nsid" | "mroute" | "stats" => {
                let what = format_args!("monitor {word}: only neighbours are watched here");
                return Err(Failure::new(what, format_args!("`ip monitor {word}` does that")).into());
            }
            _ => {
                let text = format!("Argument \"{word}\" is unknown, try \"ip monitor help\".");
                return Err(Failure::exact(text, 255).into());
            }
        }
    }
    Ok(wanted)
}

impl Wanted {
    fn admits(&self, entry: &Entry) -> bool {
        self.family.is_none_or(|family| Family::of(entry.address) == family)
            && self.device.is_none_or(|index| entry.interface == index)
    }
}

fn tell(context: &mut Context, wanted: &Wanted, kind: &str, entry: &Entry) -> anyhow::Result<()> {
    if !wanted.admits(entry) {
        return Ok(());
    }
    if !context.interfaces()?.iter().any(|interface| interface.index == entry.interface) {
        context.forget_interfaces();
    }
    let (long, short) = (context.options.timestamp && !context.options.tshort, context.options.tshort);
    // iproute2 prints text here even under `-json`.
    let as_json = context.options.strict && context.options.json;
    let printer = context.printer(wanted.device.is_none())?;
    let line = if as_json {
        let mut object = printer.object(entry);
        match kind {
            "Deleted " => object.insert(0, ("deleted", Value::True)),
            "miss " => object.insert(0, ("miss", Value::Set)),
            _ => {}
        }
        if long || short {
            object.insert(0, ("timestamp", Value::Text(local_time::short())));
        }
        format!("{}\n", json::one(&object))
    } else {
        let before = match (long, short) {
            (true, _) => format!("Timestamp: {}\n", local_time::long()),
            (_, true) => format!("[{}] ", local_time::short()),
            _ => String::new(),
        };
        let label = if wanted.label { "[NEIGH]" } else { "" };
        format!("{before}{label}{kind}{}\n", printer.line(entry))
    };
    Ok(context.write(line.as_bytes())?)
}

/// After an overrun nobody knows what is true but the table.
///
/// First all that waits is read: until then the kernel goes on losing news, and does not say so again. What
/// happens while the table is listed waits its turn behind it.
fn catch_up(context: &mut Context, wanted: &Wanted, monitor: &mut Monitor) -> anyhow::Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < CATCHING_UP {
        let Some(news) = monitor.next(Some(Duration::ZERO)).map_err(request_failed)? else { break };
        tell_news(context, wanted, &news)?;
    }
    context.flush()?;
    eprintln!("monitor: news came faster than they were read and some are lost; this is the table now:");
    context.forget_interfaces();
    let filter = Filter { family: wanted.family, interface: wanted.device, ..Filter::default() };
    let entries = context.table()?.neighbours(&filter).map_err(request_failed)?;
    entries.iter().try_for_each(|entry| tell(context, wanted, "", entry))?;
    context.flush()?;
    eprintln!("monitor: that is all; news follow");
    Ok(())
}
