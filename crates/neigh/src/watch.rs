//! `neigh watch`: what a person should know of, a line each, as it happens.

use crate::context::{Context, request_failed};
use crate::failure::Failure;
use crate::local_time;
use crate::words::Words;
use neighbour_ctl::{Alert, News};
use serde_json::json;

const USAGE: &str = "neigh watch [dev DEV]";

/// Runs `neigh watch [dev DEV]` until the daemon ends or nobody reads any more.
pub(crate) fn run(context: &mut Context, mut words: Words<'_>) -> anyhow::Result<()> {
    let mut device = None;
    while let Some(word) = words.next() {
        match word {
            "dev" => device = Some(context.device(words.value()?)?),
            _ => return Err(Failure::new(format_args!("watch {word}: there is no such word"), USAGE).into()),
        }
    }
    if context.options.kernel {
        let what = "watch: the kernel tells of no alerts";
        return Err(Failure::new(what, "`neigh --kernel monitor` tells what it does tell").into());
    }
    let mut alerts = context.another_table()?.watch().map_err(request_failed)?;
    loop {
        match alerts.next(None).map_err(request_failed)? {
            Some(News::Alert(alert)) if device.is_none_or(|index| [0, index].contains(&alert.interface)) => {
                tell(context, &alert)?;
            }
            Some(News::Overrun) => {
                eprintln!("watch: alerts came faster than they were read, and some are lost")
            }
            _ => {}
        }
        context.flush()?;
    }
}

fn tell(context: &mut Context, alert: &Alert) -> anyhow::Result<()> {
    let time = local_time::short();
    let line = if context.options.json {
        let text = |lladdr: &Option<neighbour::LlAddr>| lladdr.map(|lladdr| lladdr.to_string());
        let dev = match alert.interface {
            0 => None,
            index => Some(context.printer(true)?.name(index)),
        };
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
