//! `neigh watch`: what a person should know of, a line each, as it happens: told by the daemon, or seen on a link or in
//! a capture without one.

mod passive;
mod words;

use crate::context::{Context, request_failed};
use crate::failure::Failure;
use crate::local_time;
use crate::words::Words;
use neighbour_ctl::{Alert, News};
use serde_json::json;
use words::Asked;

/// Runs `neigh watch` until the daemon, the interface or the capture ends, or nobody reads any more.
pub(crate) fn run(context: &mut Context, words: Words<'_>) -> anyhow::Result<()> {
    match words::read(words)? {
        Asked::Daemon { dev } => daemon(context, dev),
        Asked::Interface { name, limits } => passive::interface(context, name, limits),
        Asked::Capture { file, limits } => passive::capture(context, file, limits),
    }
}

fn daemon(context: &mut Context, dev: Option<&str>) -> anyhow::Result<()> {
    if context.options.kernel {
        let what = "watch: the kernel tells of no alerts";
        let hint = "`neigh watch on IFACE` sees them itself; `neigh --kernel monitor` tells what the kernel does tell";
        return Err(Failure::new(what, hint).into());
    }
    let device = dev.map(|dev| context.device(dev)).transpose()?;
    let mut alerts = context.another_table()?.watch().map_err(request_failed)?;
    loop {
        match alerts.next(None).map_err(request_failed)? {
            Some(News::Alert(alert)) if device.is_none_or(|index| [0, index].contains(&alert.interface)) => {
                let dev = match alert.interface {
                    0 => None,
                    index => Some(context.printer(true)?.name(index).to_string()),
                };
                tell(context, &local_time::short(), dev.as_deref(), &alert)?;
            }
            Some(News::Overrun) => {
                eprintln!("watch: alerts came faster than they were read, and some are lost")
            }
            _ => {}
        }
        context.flush()?;
    }
}

/// Writes an alert, in the form that all of them have.
fn tell(context: &mut Context, time: &str, dev: Option<&str>, alert: &Alert) -> anyhow::Result<()> {
    let line = if context.options.json {
        let text = |lladdr: &Option<neighbour::LlAddr>| lladdr.map(|lladdr| lladdr.to_string());
        let object = json!({
            "time": time,
            "what": alert.what,
            "dev": dev,
            "dst": alert.address.map(|address| address.to_string()),
            "lladdr": text(&alert.lladdr),
            "other": text(&alert.other),
            "suppressed": alert.suppressed,
            "sentence": alert.sentence,
        });
        format!("{object}\n")
    } else {
        let before = match alert.suppressed {
            0 => String::new(),
            count => format!(" ({count} such were suppressed before)"),
        };
        format!("{time} {}: {}{before}\n", alert.what, alert.sentence)
    };
    Ok(context.write(line.as_bytes())?)
}
