//! What happens on the host itself: datagrams, requests of netlink, changes of the link.

use crate::oracle::prior::{FLAGS, state};
use crate::oracle::row::{LocalEvent, Row};
use crate::oracle::world::World;
use anyhow::{Context as _, Result, bail, ensure};
use neighbour::{DeviceId, DropReason, Family, Flags, NeighbourInfo, NewNeigh, NudState, RequestError, Sent};
use serde_json::Value;
use std::net::IpAddr;

/// Does what the event says; what it returned, as the recording writes it.
pub(crate) fn happen(world: &mut World, row: &Row, event: &LocalEvent) -> Result<Value> {
    if let Some(name) = event.unknown.keys().next() {
        bail!("not supported: field {name:?} of an event");
    }
    let (now, v1, key) = (world.now, world.v1, row.key_ip);
    match event.kind.as_str() {
        "send_udp" => return Ok(datagrams(world, row, event)),
        "RTM_NEWNEIGH" => return new_neigh(world, row, event),
        "RTM_DELNEIGH" => {
            let device = device(world, event)?;
            return Ok(errno(world.engine.del_neigh(now, device, key, 1)));
        }
        "RTM_GETNEIGH" => {
            let found = world.engine.neighbour(device(world, event)?, key).map(|_| ());
            return Ok(errno(found.ok_or(RequestError::NotFound)));
        }
        kind if kind.starts_with("carrier loss") => world.engine.set_carrier(now, v1, false),
        "own link-layer address change" => {
            world.engine.set_lladdr(now, v1, [2, 0, 0, 0, 1, 0x77].into())?;
        }
        "admin down, up" => {
            world.engine.set_link(now, v1, false);
            world.engine.set_link(now, v1, true);
        }
        "IFF_NOARP set" => world.engine.set_noarp(now, v1, true),
        "ip neigh flush to KEY dev v1" => flush(world, Some(key)),
        "ip neigh flush all" => flush(world, None),
        other => bail!("not supported: event {other:?}"),
    }
    Ok(Value::from(0))
}

fn datagrams(world: &mut World, row: &Row, event: &LocalEvent) -> Value {
    let mut results = Vec::new();
    for _ in 0..event.count.unwrap_or(1) {
        if event.msg_confirm {
            world.engine.confirm(world.now, world.v1, row.key_ip);
        }
        let packet = world.datagram(row.key_ip);
        results.push(match world.send(packet) {
            Sent::Refused(DropReason::NoRoute) => Value::from("ENETUNREACH"),
            _ => Value::from(0),
        });
    }
    match event.count {
        Some(_) => Value::from(results),
        None => results.pop().unwrap_or_default(),
    }
}

fn new_neigh(world: &mut World, row: &Row, event: &LocalEvent) -> Result<Value> {
    let device = device(world, event)?;
    let nlflags = event.nlflags.as_deref().unwrap_or("create|replace");
    let has = |flag| nlflags.split('|').any(|given| given == flag);
    let request = NewNeigh {
        device,
        address: row.key_ip,
        lladdr: event.lladdr.as_deref().map(str::parse).transpose().context("lladdr of the event")?,
        state: state(event.state.as_deref().unwrap_or("NONE"))?,
        flags: flags(event.flags.as_deref().unwrap_or(""))?,
        protocol: 0,
        create: has("create"),
        exclusive: has("excl"),
        replace: has("replace"),
        port: 1,
    };
    Ok(errno(world.engine.new_neigh(world.now, &request)))
}

/// The device of a request. What a netlink codec refuses by itself has no form in the engine's types.
fn device(world: &World, event: &LocalEvent) -> Result<DeviceId> {
    ensure!(event.family.is_none(), "not supported: a request whose destination is of another family");
    ensure!(event.ifindex != Some(0), "not supported: a request without an interface");
    Ok(if event.ifindex.is_some() { world.gone } else { world.v1 })
}

/// Flags joined by `_`; some names hold one themselves.
fn flags(text: &str) -> Result<Flags> {
    let (mut rest, mut all) = (text, Flags::empty());
    while !rest.is_empty() {
        let known = FLAGS.iter().find_map(|(name, flag)| {
            let after = rest.strip_prefix(name)?;
            let next = if after.is_empty() { Some(after) } else { after.strip_prefix('_') };
            next.map(|next| (*flag, next))
        });
        let (flag, next) = known.with_context(|| format!("not supported: flags {text:?}"))?;
        (all, rest) = (all | flag, next);
    }
    Ok(all)
}

/// What `ip neigh flush` does: it lists, and asks for the removal of each that is neither PERMANENT
/// nor NOARP; externally learned ones always.
fn flush(world: &mut World, only: Option<IpAddr>) {
    let keep = |n: &NeighbourInfo| {
        let fixed = n.state.has(NudState::PERMANENT) || n.state.has(NudState::NOARP);
        fixed && !n.flags.contains(Flags::EXT_LEARNED)
    };
    let listed: Vec<_> = Family::BOTH.into_iter().flat_map(|f| world.engine.neighbours(f)).collect();
    for neighbour in listed.iter().filter(|n| only.is_none_or(|only| n.address == only) && !keep(n)) {
        // It may be gone since it was listed; `ip` passes over that, too.
        let _ = world.engine.del_neigh(world.now, neighbour.device, neighbour.address, 1);
    }
}

fn errno(result: Result<(), RequestError>) -> Value {
    match result.map_err(|error| error.errno()) {
        Ok(()) => Value::from(0),
        Err(1) => Value::from("EPERM"),
        Err(2) => Value::from("ENOENT"),
        Err(12) => Value::from("ENOMEM"),
        Err(17) => Value::from("EEXIST"),
        Err(19) => Value::from("ENODEV"),
        Err(22) => Value::from("EINVAL"),
        Err(105) => Value::from("ENOBUFS"),
        Err(other) => Value::from(other),
    }
}
