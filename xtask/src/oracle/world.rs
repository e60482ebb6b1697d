//! The world that each row takes place in: one host with three devices, and simulated time.

use crate::oracle::describe::describe;
use crate::oracle::row::{Description, Meta, Row};
use crate::oracle::setup;
use anyhow::{Context as _, Result, bail};
use neighbour::{AddressOptions, Config, Device, DeviceId, Engine, Event, Instant, Prefix, Sent, SetError};
use neighbour_wire::udp;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// The address of `v1`, the device that frames come in by.
pub const V1_MAC: [u8; 6] = [2, 0, 0, 0, 1, 1];
const W1_MAC: [u8; 6] = [2, 0, 0, 0, 2, 1];
const V1_V4: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const V1_V6: Ipv6Addr = Ipv6Addr::new(0xfd09, 0, 0, 0, 0, 0, 0, 1);
const V1_LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 0x101);

/// Long enough for the addresses of all devices to pass duplicate detection.
const BOOT: Duration = Duration::from_secs(10);

/// Sysctls of the recording that are no neighbour layer's, and why the engine has none.
const NOT_OURS: [(&str, &str); 1] =
    [("accept_ra_rtr_pref", "chooses among default routers, which is routing above this layer")];

/// A host with its time.
pub struct World {
    /// The host.
    pub engine: Engine,
    /// The time there.
    pub now: Instant,
    /// Where frames arrive.
    pub v1: DeviceId,
    /// A device that was there and is gone.
    pub gone: DeviceId,
}

impl World {
    /// Builds the world of a row: devices, baseline, the row's sysctls, its setup.
    pub fn build(meta: &Meta, row: &Row) -> Result<Self> {
        let mut engine = Engine::new(Config::default().seed(1));
        let now = Instant::from_millis(1000);
        let lo = Device::loopback("lo").address("10.88.0.1/32".parse()?);
        engine.add_device(now, lo)?;
        let w1 = Device::ethernet("w1", W1_MAC).address("10.66.0.1/24".parse()?);
        engine.add_device(now, w1.address("fd66::1/64".parse()?))?;
        // Its addresses come after the baseline, which decides on duplicate detection.
        let v1 = engine.add_device(now, Device::ethernet("v1", V1_MAC).link_local(false))?;
        let gone = engine.add_device(now, Device::ethernet("gone", [2, 0, 0, 0, 3, 1]))?;
        engine.remove_device(now, gone);
        let mut world = Self { engine, now, v1, gone };
        for (name, value) in &meta.baseline_sysctl {
            world.sysctl(name, value)?;
        }
        for (address, len) in
            [(IpAddr::V6(V1_LINK_LOCAL), 64), (IpAddr::V4(V1_V4), 16), (IpAddr::V6(V1_V6), 64)]
        {
            let prefix = Prefix::new(address, len)?;
            world.engine.add_address(now, v1, prefix, AddressOptions::default())?;
        }
        world.pass(BOOT);
        for (name, value) in &row.sysctl {
            world.sysctl(name, value)?;
        }
        let before = meta.groups.get(&row.group).and_then(|group| group.row_before.as_deref());
        for commands in [row.setup.as_deref(), before].into_iter().flatten() {
            setup::run(&mut world, commands)?;
        }
        world.pass(Duration::from_millis(20));
        world.take_frames();
        world.take_events();
        Ok(world)
    }

    /// Lets time pass; what falls due is done when it does.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.engine.handle_timeout(self.now);
            if self.engine.poll_timeout().is_some_and(|next| next <= self.now) {
                self.now = (self.now + Duration::from_millis(1)).min(end);
                if self.now == end {
                    break;
                }
            }
        }
        self.now = end;
        self.engine.handle_timeout(end);
    }

    /// Sets a parameter by the recording's name: `v4neigh/locktime`, `v6all/forwarding`.
    pub fn sysctl(&mut self, name: &str, value: &Value) -> Result<()> {
        let (place, last) = name.split_once('/').unwrap_or(("", name));
        let path = match place {
            "v4neigh" => "ipv4/neigh/v1",
            "v6neigh" => "ipv6/neigh/v1",
            "v4conf" => "ipv4/conf/v1",
            "v6conf" => "ipv6/conf/v1",
            "v4all" => "ipv4/conf/all",
            "v6all" => "ipv6/conf/all",
            _ => bail!("sysctl {name}: {place:?} is none of v4neigh, v4conf, v4all and the same for v6"),
        };
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.set(&format!("{path}/{last}"), &value)
    }

    /// Sets a parameter by its name below `/proc/sys/net`.
    pub fn set(&mut self, path: &str, value: &str) -> Result<()> {
        let ours = |last| !NOT_OURS.iter().any(|(name, _)| *name == last);
        match self.engine.set(self.now, path, value) {
            Err(SetError::Unknown { .. }) if !path.rsplit('/').next().is_some_and(ours) => Ok(()),
            result => result.with_context(|| format!("sysctl {path} = {value}")),
        }
    }

    /// A datagram to `to`, from the address that a host would choose.
    pub fn datagram(&self, to: IpAddr) -> Vec<u8> {
        const PORTS: (u16, u16) = (40_000, 9);
        let mut packet = Vec::new();
        match to {
            IpAddr::V4(to) => udp::emit_ipv4(&mut packet, V1_V4, to, PORTS.0, PORTS.1, b"oracle"),
            IpAddr::V6(to) => {
                let source = if to.is_unicast_link_local() { V1_LINK_LOCAL } else { V1_V6 };
                udp::emit_ipv6(&mut packet, source, to, PORTS.0, PORTS.1, b"oracle");
            }
        }
        packet
    }

    /// Sends a packet as the host does: by its routes, link-local and groups by `v1`.
    pub fn send(&mut self, packet: Vec<u8>) -> Sent {
        self.engine.send_ip(self.now, packet, Some(self.v1))
    }

    /// What `v1` sent since the last time, described; MLD and IGMP are left out.
    pub fn take_frames(&mut self) -> Vec<Description> {
        let frames = std::iter::from_fn(|| self.engine.poll_transmit());
        frames.filter(|sent| sent.device == self.v1).filter_map(|sent| describe(&sent.frame)).collect()
    }

    /// What the engine told since the last time.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.engine.poll_event()).collect()
    }
}

/// The own address of `v1` for answers to packets that came to a group.
pub fn own_v6(peer: Ipv6Addr) -> Ipv6Addr {
    if peer.is_unicast_link_local() { V1_LINK_LOCAL } else { V1_V6 }
}
