//! What happens on the host itself: datagrams, requests of netlink, changes of the link.

use crate::oracle::netlink;
use crate::oracle::prior::{FLAGS, state};
use crate::oracle::row::{LocalEvent, Row};
use crate::oracle::world::World;
use anyhow::{Context as _, Result, bail};
use neighbour::{DropReason, Family, Flags, LlAddr, NeighbourInfo, NudState, Sent};
use neighbour_ctl::request::{self, Request};
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
            let request = request::delete(1, &Request::new(interface(world, event), key), true);
            return ask(world, row, event, request);
        }
        "RTM_GETNEIGH" => {
            let request = request::neighbour(1, interface(world, event), key, false);
            return ask(world, row, event, request);
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
    let nlflags = event.nlflags.as_deref().unwrap_or("create|replace");
    let has = |flag| nlflags.split('|').any(|given| given == flag);
    let lladdr: Option<LlAddr> =
        event.lladdr.as_deref().map(str::parse).transpose().context("lladdr of the event")?;
    let request = Request {
        lladdr: lladdr.map(|lladdr| lladdr.as_bytes().to_vec()),
        state: u16::from(state(event.state.as_deref().unwrap_or("NONE"))?.0),
        flags: flags(event.flags.as_deref().unwrap_or(""))?,
        create: has("create"),
        exclusive: has("excl"),
        replace: has("replace"),
        ..Request::new(interface(world, event), row.key_ip)
    };
    ask(world, row, event, request::change(1, &request))
}

/// The interface of a request: ours, none, or one that is no more.
fn interface(world: &World, event: &LocalEvent) -> u32 {
    match event.ifindex {
        None => world.v1.index(),
        Some(0) => 0,
        Some(_) => world.gone.index(),
    }
}

/// Sends a request, of another family than its address if the event says so.
fn ask(world: &mut World, row: &Row, event: &LocalEvent, request: Vec<u8>) -> Result<Value> {
    let request = match event.family.as_deref() {
        None => request,
        Some("other") => netlink::of_other_family(request)?,
        Some(family) => bail!("not supported: family {family:?} of the event of {}", row.id),
    };
    netlink::ask(world, &request)
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
