//! One entry a line, or JSON: what `ip neigh` writes, byte for byte (a blank ends each line).

use crate::json::{self, Object, Value};
use crate::names::protocol_name;
use neighbour::{Flags, LlAddr, NudState};
use neighbour_ctl::{Entry, Interface};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    Text,
    Json,
    Pretty,
}

/// How entries are written.
#[derive(Debug)]
pub(crate) struct Printer<'a> {
    pub(crate) interfaces: &'a [Interface],
    pub(crate) style: Style,
    pub(crate) stats: bool,
    /// Name each entry's device; not if the user asked for one device.
    pub(crate) device: bool,
    /// Columns, and no more than addresses and devices.
    pub(crate) brief: bool,
    pub(crate) colours: bool,
    /// Protocols by number.
    pub(crate) numeric: bool,
}

/// A part of a line that may have a colour.
#[derive(Clone, Copy)]
enum Part {
    Address(IpAddr),
    Device,
    Lladdr,
}

/// Flags in the order of iproute2.
const FLAGS: [(Flags, &str); 6] = [
    (Flags::ROUTER, "router"),
    (Flags::PROXY, "proxy"),
    (Flags::MANAGED, "managed"),
    (Flags::EXT_LEARNED, "extern_learn"),
    (Flags::OFFLOADED, "offload"),
    (Flags::EXT_VALIDATED, "extern_valid"),
];

/// States in the order of iproute2, for entries with several bits.
const STATES: [NudState; 8] = [
    NudState::INCOMPLETE,
    NudState::REACHABLE,
    NudState::STALE,
    NudState::DELAY,
    NudState::PROBE,
    NudState::FAILED,
    NudState::NOARP,
    NudState::PERMANENT,
];

/// GRE over IPv6; not in `libc`.
const ARPHRD_IP6GRE: u16 = 823;

/// `nda_cacheinfo` counts in 1/100 s.
const USER_HZ: u32 = 100;

impl Printer<'_> {
    pub(crate) fn print(&self, out: &mut impl Write, entries: &[Entry]) -> io::Result<()> {
        let objects = || -> Vec<Object> { entries.iter().map(|entry| self.object(entry)).collect() };
        match self.style {
            Style::Text => entries.iter().try_for_each(|entry| writeln!(out, "{}", self.line(entry))),
            Style::Json => json::compact(out, &objects()),
            Style::Pretty => json::pretty(out, &objects()),
        }
    }

    /// An entry without a line break.
    pub(crate) fn line(&self, entry: &Entry) -> String {
        if self.brief { self.columns(entry) } else { self.words(entry) }
    }

    fn columns(&self, entry: &Entry) -> String {
        let mut line = self.part(Part::Address(entry.address), &format!("{:<39} ", entry.address));
        if self.names_device(entry) {
            line += &self.part(Part::Device, &format!("{:<16} ", self.name(entry.interface)));
        }
        if let Some(lladdr) = &entry.lladdr {
            line += &self.part(Part::Lladdr, &self.lladdr(entry.interface, lladdr));
        }
        line
    }

    fn words(&self, entry: &Entry) -> String {
        let mut line = self.part(Part::Address(entry.address), &format!("{} ", entry.address));
        // Writing to a string cannot fail.
        if self.names_device(entry) {
            let _ =
                write!(line, "dev {}", self.part(Part::Device, &format!("{} ", self.name(entry.interface))));
        }
        if let Some(lladdr) = &entry.lladdr {
            let lladdr = format!("{} ", self.lladdr(entry.interface, lladdr));
            let _ = write!(line, "lladdr {}", self.part(Part::Lladdr, &lladdr));
        }
        for flag in set_flags(entry) {
            let _ = write!(line, "{flag} ");
        }
        if self.stats {
            if let Some(cache) = entry.cache {
                if cache.refcnt > 0 {
                    let _ = write!(line, " ref {}", cache.refcnt);
                }
                let [used, confirmed, updated] =
                    [cache.used, cache.confirmed, cache.updated].map(|age| age / USER_HZ);
                let _ = write!(line, " used {used}/{confirmed}/{updated}");
            }
            if let Some(probes) = entry.probes {
                let _ = write!(line, "probes {probes} ");
            }
        }
        for state in state_names(entry) {
            let _ = write!(line, "{state} ");
        }
        if entry.protocol != 0 {
            let _ = write!(line, "proto {} ", self.protocol(entry));
        }
        line
    }

    fn part(&self, part: Part, text: &str) -> String {
        let colour = match part {
            _ if !self.colours => return text.to_owned(),
            Part::Address(IpAddr::V4(_)) => 35,
            Part::Address(IpAddr::V6(_)) => 34,
            Part::Device => 36,
            Part::Lladdr => 33,
        };
        format!("\x1b[{colour}m{text}\x1b[0m")
    }

    fn protocol(&self, entry: &Entry) -> String {
        if self.numeric { entry.protocol.to_string() } else { protocol_name(entry.protocol) }
    }

    /// An entry as a JSON object.
    pub(crate) fn object(&self, entry: &Entry) -> Object {
        let mut object: Object = vec![("dst", Value::Text(entry.address.to_string()))];
        if self.names_device(entry) {
            object.push(("dev", Value::Text(self.name(entry.interface))));
        }
        let lladdr = entry.lladdr.as_ref().map(|lladdr| self.lladdr(entry.interface, lladdr));
        object.extend(lladdr.map(|lladdr| ("lladdr", Value::Text(lladdr))));
        if self.brief {
            return object;
        }
        object.extend(set_flags(entry).map(|flag| (flag, Value::Set)));
        if self.stats {
            if let Some(cache) = entry.cache {
                object.extend((cache.refcnt > 0).then_some(("refcnt", Value::Number(cache.refcnt.into()))));
                for (key, age) in
                    [("used", cache.used), ("confirmed", cache.confirmed), ("updated", cache.updated)]
                {
                    object.push((key, Value::Number((age / USER_HZ).into())));
                }
            }
            object.extend(entry.probes.map(|probes| ("probes", Value::Number(probes.into()))));
        }
        let states: Vec<&'static str> = state_names(entry).collect();
        if !states.is_empty() {
            object.push(("state", Value::Texts(states)));
        }
        if entry.protocol != 0 {
            object.push(("protocol", Value::Text(self.protocol(entry))));
        }
        object
    }

    fn names_device(&self, entry: &Entry) -> bool {
        self.device && entry.interface != 0
    }

    fn interface(&self, index: u32) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.index == index)
    }

    /// An interface that came or went meanwhile is called by its index.
    pub(crate) fn name(&self, index: u32) -> String {
        self.interface(index).map_or_else(|| format!("if{index}"), |interface| interface.name.clone())
    }

    /// Tunnels have IP addresses for link-layer addresses.
    fn lladdr(&self, index: u32, lladdr: &LlAddr) -> String {
        let hardware = self.interface(index).map_or(0, |interface| interface.hardware);
        let bytes = lladdr.as_bytes();
        match hardware {
            libc::ARPHRD_TUNNEL | libc::ARPHRD_SIT | libc::ARPHRD_IPGRE => {
                <[u8; 4]>::try_from(bytes).ok().map(|v4| Ipv4Addr::from(v4).to_string())
            }
            libc::ARPHRD_TUNNEL6 | ARPHRD_IP6GRE => {
                <[u8; 16]>::try_from(bytes).ok().map(|v6| Ipv6Addr::from(v6).to_string())
            }
            _ => None,
        }
        .unwrap_or_else(|| lladdr.to_string())
    }
}

fn set_flags(entry: &Entry) -> impl Iterator<Item = &'static str> {
    FLAGS.into_iter().filter(|(flag, _)| entry.flags.contains(*flag)).map(|(_, name)| name)
}

fn state_names(entry: &Entry) -> impl Iterator<Item = &'static str> {
    STATES.into_iter().filter(|state| entry.state.has(*state)).filter_map(|state| state.name())
}

#[cfg(test)]
#[path = "print_tests.rs"]
mod tests;
