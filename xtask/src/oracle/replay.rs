//! Replays one row.

use crate::oracle::describe::is_reply;
use crate::oracle::row::{Description, Meta, Notification, Row};
use crate::oracle::world::World;
use crate::oracle::{host, local, prior};
use anyhow::Result;
use neighbour::{AddressState, DeviceId, Event, EventKind, Family, Input, NeighbourInfo, NudState};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

/// Time for what a frame sets off, where the group names none.
const SETTLE: Duration = Duration::from_millis(20);

/// What came of a row.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the event returned.
    pub errno: Option<Value>,
    /// The neighbour.
    pub after: Option<NeighbourInfo>,
    /// The answer to the frame.
    pub reply: Option<Description>,
    /// All that was sent.
    pub emitted: Vec<Description>,
    /// What userspace was told.
    pub notify: Vec<Notification>,
    /// Other neighbours that appeared.
    pub others: Vec<NeighbourInfo>,
    /// The parameters that the row asks for; an error's text where there is none.
    pub sysctl_after: BTreeMap<String, String>,
    /// What became of the own address that was being checked.
    pub own_addr_after: Option<String>,
    /// What happened in the engine's own words, to be read when a row differs.
    pub story: String,
}

/// Builds the row's world, lets happen what happened, and looks.
pub fn replay(meta: &Meta, row: &Row) -> Result<Outcome> {
    let group = meta.groups.get(&row.group).cloned().unwrap_or_default();
    let mut world = World::build(meta, row)?;
    prior::bring_about(&mut world, row)?;
    let frame = row.frame_bytes()?;
    let before = keys(&world);
    world.take_frames();
    world.take_events();
    let mut story = String::new();
    let errno = match (&frame, &row.event) {
        (Some(frame), _) => {
            let verdict = receive(&mut world, frame);
            writeln!(story, "    frame: {verdict}")?;
            None
        }
        (None, Some(event)) => Some(local::happen(&mut world, row, event)?),
        (None, None) => None,
    };
    let settle = group.settle.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    world.pass(settle.unwrap_or(SETTLE));
    let emitted = world.take_frames();
    let events = world.take_events();
    for event in &events {
        writeln!(story, "    {:?} {:?}", event.at, event.kind)?;
    }
    let appeared = |n: &NeighbourInfo| {
        n.address != row.key_ip && n.state != NudState::NOARP && !before.contains(&(n.device, n.address))
    };
    let sysctl = |name: &String| match world.engine.get(name) {
        Ok(value) => value.to_string(),
        Err(error) => error.to_string(),
    };
    Ok(Outcome {
        errno,
        after: world.engine.neighbour(world.v1, row.key_ip),
        reply: emitted.iter().find(|sent| frame.is_some() && is_reply(sent)).cloned(),
        emitted,
        notify: events.iter().filter_map(|event| notification(event, row.key_ip)).collect(),
        others: neighbours(&world).filter(appeared).collect(),
        sysctl_after: row.sysctl_after.keys().map(|name| (name.clone(), sysctl(name))).collect(),
        own_addr_after: group.addr.map(|address| own_address(&world, address)),
        story,
    })
}

/// The whole host: the engine, and above it who answers echo requests.
fn receive(world: &mut World, frame: &[u8]) -> String {
    let input = world.engine.handle_frame(world.now, world.v1, frame);
    let Input::Ip(packet) = input else { return format!("{input:?}") };
    let hop_limit = world.engine.get("ipv6/conf/v1/hop_limit");
    let hop_limit = hop_limit.ok().and_then(|limit| u8::try_from(limit).ok()).unwrap_or(64);
    match host::answer(packet, hop_limit) {
        Some(answer) => format!("IP, answered: {:?}", world.send(answer)),
        None => "IP, not answered".into(),
    }
}

fn neighbours(world: &World) -> impl Iterator<Item = NeighbourInfo> {
    Family::BOTH.into_iter().flat_map(|family| world.engine.neighbours(family))
}

fn keys(world: &World) -> HashSet<(DeviceId, IpAddr)> {
    neighbours(world).map(|n| (n.device, n.address)).collect()
}

/// What rtnetlink would say. Of other neighbours' NOARP entries the recording says nothing.
fn notification(event: &Event, key: IpAddr) -> Option<Notification> {
    let (msg, neighbour) = match &event.kind {
        EventKind::NewNeigh { neighbour, .. } => ("NEWNEIGH", neighbour),
        EventKind::Removed { neighbour, .. } => ("DELNEIGH", neighbour),
        EventKind::GetNeigh { neighbour } => ("GETNEIGH", neighbour),
        _ => return None,
    };
    if neighbour.address != key && neighbour.state == NudState::NOARP {
        return None;
    }
    Some(Notification {
        msg: msg.into(),
        ip: neighbour.address.to_string(),
        state: neighbour.state.to_string(),
        lladdr: neighbour.lladdr.map(|lladdr| lladdr.to_string()),
        flags: flag_names(neighbour),
    })
}

/// An entry's flags by the recording's names.
pub(crate) fn flag_names(neighbour: &NeighbourInfo) -> Vec<String> {
    let set = prior::FLAGS.iter().filter(|(_, flag)| neighbour.flags.contains(*flag));
    set.map(|(name, _)| (*name).to_owned()).collect()
}

/// The flags that `ip addr` would print for an own address, sorted.
fn own_address(world: &World, address: IpAddr) -> String {
    let found = world.engine.addresses(world.v1).find(|own| own.address() == address);
    match found.map(|own| own.state) {
        None => "absent",
        Some(AddressState::Assigned) => "",
        Some(AddressState::Tentative) => "tentative",
        Some(AddressState::Optimistic) => "optimistic tentative",
        Some(AddressState::Duplicate) => "dadfailed tentative",
    }
    .into()
}
