//! The few shell commands by which groups set up their worlds.

use crate::oracle::world::World;
use anyhow::{Context as _, Result, bail};
use neighbour::{AddressError, AddressOptions, DeviceId, Flags, Prefix, ProxyEntry, Route};

/// Does what the commands, separated by `;`, would do.
pub(crate) fn run(world: &mut World, commands: &str) -> Result<()> {
    for command in commands.split(';').map(str::trim).filter(|command| !command.is_empty()) {
        one(world, command).with_context(|| format!("setup {command:?}"))?;
    }
    Ok(())
}

fn one(world: &mut World, command: &str) -> Result<()> {
    let words: Vec<&str> = command.split_whitespace().filter(|word| !matches!(*word, "-6" | "-4")).collect();
    match words.as_slice() {
        ["ip", "link", "set", dev, "arp", on] => {
            let device = device(world, dev)?;
            world.engine.set_noarp(world.now, device, *on == "off");
            Ok(())
        }
        // Frames to other hosts reach the engine in any case; it drops them (OTHERHOST).
        ["ip", "link", "set", _, "promisc", _] => Ok(()),
        ["ip", "route", "add" | "replace", prefix, "via", via, "dev", dev] => {
            let device = device(world, dev)?;
            let route = Route { prefix: prefix.parse()?, via: Some(via.parse()?), device };
            Ok(world.engine.add_route(route)?)
        }
        ["ip", "addr", verb, prefix, "dev", dev, options @ ..] => {
            let (prefix, device) = (prefix.parse()?, device(world, dev)?);
            address(world, verb, prefix, device, options)
        }
        ["sysctl", "-qw", assignment] => {
            let (name, value) = assignment.split_once('=').context("expected NAME=VALUE")?;
            let path = name.strip_prefix("net.").unwrap_or(name).replace('.', "/");
            world.set(&path, value)
        }
        ["ip", "neigh", "add", "proxy", address, "dev", dev] => {
            let (device, address) = (Some(device(world, dev)?), address.parse()?);
            let (flags, protocol, permanent) = (Flags::PROXY, 0, true);
            let entry = ProxyEntry { address, device, flags, protocol, permanent };
            Ok(world.engine.add_proxy(world.now, entry)?)
        }
        _ => bail!("not supported: this command"),
    }
}

fn address(world: &mut World, verb: &str, prefix: Prefix, device: DeviceId, options: &[&str]) -> Result<()> {
    let mut wanted = AddressOptions::default();
    for option in options {
        match *option {
            "nodad" => wanted.nodad = true,
            "optimistic" => wanted.optimistic = true,
            other => bail!("not supported: address option {other:?}"),
        }
    }
    let result = match verb {
        "add" | "replace" => world.engine.add_address(world.now, device, prefix, wanted),
        "del" => world.engine.remove_address(world.now, device, prefix.address()),
        other => bail!("not supported: ip addr {other}"),
    };
    match (verb, result) {
        ("replace", Err(AddressError::Exists(_))) | ("del", Err(AddressError::Absent(_))) => Ok(()),
        (_, result) => Ok(result?),
    }
}

fn device(world: &World, name: &str) -> Result<DeviceId> {
    world.engine.device_by_name(name).with_context(|| format!("there is no device {name:?}"))
}
