//! Brings the neighbour of a row into the state it was in before, by the same steps as the recording.

use crate::oracle::row::Row;
use crate::oracle::world::World;
use anyhow::{Context as _, Result, bail, ensure};
use neighbour::{Flags, LlAddr, NewNeigh, NudState};
use serde_json::Value;
use std::time::Duration;

/// A few ticks: a timer of no length has fired.
const MOMENT: Duration = Duration::from_millis(20);

/// Makes the row's neighbour, and lets [`Row::since_update`] pass.
pub(crate) fn bring_about(world: &mut World, row: &Row) -> Result<()> {
    let family = if row.key_ip.is_ipv4() { "v4" } else { "v6" };
    match row.prior_state.as_str() {
        "NONE" => {}
        "REACHABLE" | "STALE" | "NOARP" | "PERMANENT" => add(world, row, state(&row.prior_state)?)?,
        "DELAY" => {
            add(world, row, NudState::STALE)?;
            send(world, row);
        }
        "PROBE" => {
            let parameter = format!("{family}neigh/delay_first_probe_time");
            with(world, &parameter, 0, 3600, |world| {
                add(world, row, NudState::STALE)?;
                send(world, row);
                world.pass(MOMENT);
                Ok(())
            })?;
        }
        "INCOMPLETE" => send(world, row),
        "FAILED" if row.id.contains("had_lladdr") => {
            add(world, row, NudState::STALE)?;
            add(world, row, NudState::FAILED)?;
        }
        "FAILED" => {
            let parameter = format!("{family}neigh/mcast_solicit");
            with(world, &parameter, 0, 3, |world| {
                send(world, row);
                Ok(())
            })?;
        }
        other => bail!("not supported: prior state {other:?}"),
    }
    world.pass(row.since_update()?);
    let found = world.engine.neighbour(world.v1, row.key_ip).map(|neighbour| neighbour.state);
    let got = found.unwrap_or(NudState::NONE).to_string();
    ensure!(got == row.prior_state, "prior_state: wanted {}, could only bring about {got}", row.prior_state);
    Ok(())
}

/// RTM_NEWNEIGH with create and replace.
fn add(world: &mut World, row: &Row, state: NudState) -> Result<()> {
    let lladdr = match row.prior_lladdr.as_deref() {
        Some(text) => Some(text.parse::<LlAddr>().context("prior_lladdr")?),
        // Of entries that FAILED the recording no longer shows it: it was X.
        None => Some([2, 0, 0, 0, 0, 0xaa].into()),
    };
    let flags = row.prior_flags.iter().map(|name| flag(name)).collect::<Result<Flags>>()?;
    let request = NewNeigh {
        flags,
        port: 1,
        ..NewNeigh::replace(world.v1, row.key_ip, lladdr.filter(|_| state != NudState::FAILED), state)
    };
    world.engine.new_neigh(world.now, &request).context("the prior entry")
}

/// One datagram straight to the neighbour, whatever the routes say.
fn send(world: &mut World, row: &Row) {
    let packet = world.datagram(row.key_ip);
    // What becomes of it shows in the state that is checked at the end.
    let _ = world.engine.send(world.now, world.v1, row.key_ip, packet);
}

/// Does something while a parameter has another value.
fn with(
    world: &mut World,
    parameter: &str,
    meanwhile: u32,
    afterwards: u32,
    what: impl FnOnce(&mut World) -> Result<()>,
) -> Result<()> {
    world.sysctl(parameter, &Value::from(meanwhile))?;
    what(world)?;
    world.sysctl(parameter, &Value::from(afterwards))
}

/// A state by its name, or by its number such as `0xff`, of which the low byte counts (NL-18).
pub(crate) fn state(text: &str) -> Result<NudState> {
    let number = text.strip_prefix("0x").and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let named = || NudState::ALL.into_iter().find(|state| state.name() == Some(text));
    let numbered = number.map(|number| NudState(number.to_le_bytes()[0]));
    numbered.or_else(named).with_context(|| format!("{text:?} is no state of a neighbour"))
}

/// A flag by the recording's name.
pub(crate) fn flag(name: &str) -> Result<Flags> {
    FLAGS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, flag)| *flag)
        .with_context(|| format!("not supported: flag {name:?}"))
}

/// The names of the recording, in the order in which it lists them.
pub(crate) const FLAGS: [(&str, Flags); 7] = [
    ("use", Flags::USE),
    ("extern_learn", Flags::EXT_LEARNED),
    ("offloaded", Flags::OFFLOADED),
    ("sticky", Flags::STICKY),
    ("router", Flags::ROUTER),
    ("managed", Flags::MANAGED),
    ("extern_valid", Flags::EXT_VALIDATED),
];
