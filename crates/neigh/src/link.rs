//! `neigh link`: the daemon's devices, switched on and off at run time.

use crate::context::{Context, request_failed};
use crate::failure::Failure;
use crate::words::Words;
use neighbour_ctl::Interface;

/// Runs `neigh link DEV up|down`, also as `link set dev DEV up|down`; without words it lists the devices.
pub(crate) fn run(context: &mut Context, words: Words<'_>) -> anyhow::Result<()> {
    let words: Vec<&str> = words.collect();
    let words = match words.as_slice() {
        ["set", "dev", rest @ ..] | ["set" | "dev", rest @ ..] => rest,
        [] | ["show" | "list" | "lst"] => return list(context),
        all => all,
    };
    let up = match words {
        [_, "up"] => true,
        [_, "down"] => false,
        _ => {
            let what = format_args!("link {}: that is no change of a device", words.join(" "));
            return Err(Failure::new(what, "neigh link DEV up|down").into());
        }
    };
    let index = context.device(words.first().copied().unwrap_or_default())?;
    context.table()?.set_link(index, up).map_err(request_failed)
}

fn list(context: &mut Context) -> anyhow::Result<()> {
    let line = |interface: &Interface| {
        let state = match interface {
            up if up.is_running() => "up",
            up if up.flags & Interface::UP != 0 => "up, no carrier",
            _ => "down",
        };
        let lladdr = interface.lladdr.map(|lladdr| format!(" lladdr {lladdr}")).unwrap_or_default();
        format!("{}: {}{lladdr} {state}\n", interface.index, interface.name)
    };
    let text: String = context.interfaces()?.iter().map(line).collect();
    Ok(context.write(text.as_bytes())?)
}
