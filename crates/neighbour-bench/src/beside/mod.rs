//! What the rows beside the kernel stand on: a cable with two ends, somebody who owns the far end (the kernel or a
//! `neigh run`), and a raw conversation with either's table. All of it in a network namespace that the caller of the
//! part has left for ([`crate::Part::needs_namespace`]).

mod cable;
mod daemon;
mod talk;

pub(crate) use cable::{Cable, FAR, NEAR};
pub(crate) use daemon::Daemon;
pub(crate) use talk::Talk;

use anyhow::Context;
use neighbour::Prefix;
use neighbour_ctl::Table;
use std::fs;

/// The kernel's name in tables.
pub(crate) const LINUX: &str = "Linux";

/// Our name under the profile `guarded`.
pub(crate) const GUARDED: &str = "neighbour, guarded";

/// How much our program does beyond what Linux does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Profile {
    /// Nothing.
    Linux,
    /// Vigilance.
    Guarded,
}

impl Profile {
    fn word(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Guarded => "guarded",
        }
    }
}

/// The addresses of whoever owns the far end.
pub(crate) const ADDRESSES: [&str; 3] = ["192.0.2.1/24", "2001:db8::1/64", "10.1.0.1/16"];

/// Who owns the far end of the cable.
#[derive(Debug)]
pub(crate) enum Owner {
    /// The running kernel.
    Kernel,
    /// Our program.
    Neigh(Daemon),
}

impl Owner {
    /// The kernel, with the addresses.
    pub(crate) fn kernel(cable: &Cable) -> anyhow::Result<Self> {
        conf(FAR, "disable_ipv6", "0")?;
        let mut table = Table::kernel()?;
        for address in ADDRESSES {
            let prefix: Prefix = address.parse()?;
            table.add_address(cable.far, prefix).with_context(|| format!("giving the kernel {address}"))?;
        }
        Ok(Self::Kernel)
    }

    /// Our program; the kernel keeps quiet there.
    pub(crate) fn neigh(profile: Profile) -> anyhow::Result<Self> {
        conf(FAR, "disable_ipv6", "1")?;
        Ok(Self::Neigh(Daemon::start(profile)?))
    }

    /// A conversation with its table.
    pub(crate) fn talk(&self) -> anyhow::Result<Talk> {
        match self {
            Self::Kernel => Talk::kernel(),
            Self::Neigh(daemon) => Talk::daemon(daemon.socket()),
        }
    }

    /// The index of the far end in its table.
    pub(crate) fn interface(&self) -> anyhow::Result<u32> {
        let mut table = match self {
            Self::Kernel => Table::kernel()?,
            Self::Neigh(daemon) => Table::daemon(daemon.socket())?,
        };
        let found = table.interfaces()?.into_iter().find(|interface| interface.name == FAR);
        found.map(|found| found.index).with_context(|| format!("{FAR} is not among the interfaces"))
    }
}

/// Sets an IPv6 switch of an interface of our namespace.
pub(crate) fn conf(interface: &str, name: &str, value: &str) -> anyhow::Result<()> {
    let path = format!("/proc/sys/net/ipv6/conf/{interface}/{name}");
    fs::write(&path, value).with_context(|| format!("writing {value} to {path}"))
}
