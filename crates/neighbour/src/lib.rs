//! Linux's neighbouring subsystem as a library: ARP, IPv6 neighbour discovery, the NUD state machine
//! and collection, for user-space stacks and data planes.
//!
//! It answers one question: which link-layer address has this next hop, and is it still there?
//! Start at [`Engine`]; threads that only look up have a [`Reader`]. The rules it follows are numbered
//! in `specs/linux-6.18.md` of the repository and cited as `NUD-18`, `ARP-45` and so on.
//!
//! No sockets, no clock, no threads: frames, packets and time come in, frames and events go out.
//! Without the default feature `std` it needs `alloc` alone; [`Config::fixed`] makes an engine for small machines,
//! which has all memory for its entries from the beginning.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod arp;
#[cfg(feature = "bench")]
pub mod bench;
mod buffers;
mod chunked;
mod conf;
mod config;
mod constructor;
mod control;
mod create;
mod dad;
mod device;
mod engine;
mod event;
mod forward;
mod fragment;
mod gc;
mod guard;
mod header;
mod history;
mod hooks;
mod icmp;
mod input;
mod interface;
mod list;
mod managed;
mod mld;
mod multicast;
mod ndisc;
mod ndisc_groups;
mod neighbour;
pub mod nud;
mod output;
mod parms;
mod prefix;
mod prefixes;
mod proxy;
mod queue;
mod ratelimit;
mod reader;
mod redirect4;
mod remove;
mod rng;
mod route;
mod router_solicit;
mod routers;
mod stats;
mod sweep;
mod sysctl;
mod table;
mod tables;
mod task;
mod time;
mod timeout;
mod timer;
mod told;
mod update;
mod work;

pub use conf::{Conf4, Conf6};
pub use config::Config;
pub use control::{NewNeigh, RequestError};
pub use create::CreateError;
pub use device::{
    AddressOptions, AddressState, Device, DeviceId, HeaderOps, InterfaceAddress, LinkKind, Scope,
};
pub use engine::{Engine, Transmit};
pub use event::{Event, EventKind, NeighbourInfo, Reason, RouteType};
pub use guard::{Admission, Defence, Disbelief, MovePolicy, Occupancy};
pub use history::{Happening, Record};
pub use hooks::{DeviceHooks, HookError, NewNeighbour};
pub use input::Input;
pub use interface::{AddressError, DeviceError};
pub use neighbour::Flags;
pub use neighbour_table::OutOfMemory;
pub use neighbour_wire::LlAddr;
pub use nud::NudState;
pub use output::Sent;
pub use parms::{Parm, QLEN_UNIT};
pub use prefix::{Prefix, PrefixError};
pub use proxy::{ProxyEntry, ProxyError};
pub use reader::{Hit, NeighbourRef, Output, Reader};
pub use route::{Route, RouteError};
pub use routers::Router;
pub use stats::{DropReason, Stats};
pub use sysctl::{SetError, parameter_names};
pub use table::Thresholds;
pub use tables::TableInfo;
pub use time::Instant;
pub use work::Work;

use core::net::IpAddr;

/// The two families, each with a table of its own (DM-16).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4 and ARP (`arp_cache`).
    Inet = 0,
    /// IPv6 and ND (`ndisc_cache`).
    Inet6 = 1,
}

impl Family {
    /// Both, ARP first.
    pub const BOTH: [Self; 2] = [Self::Inet, Self::Inet6];

    /// The family of an address.
    #[inline]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Inet,
            IpAddr::V6(_) => Self::Inet6,
        }
    }

    /// The table's name (`arp_cache`, `ndisc_cache`).
    pub const fn table_name(self) -> &'static str {
        match self {
            Self::Inet => "arp_cache",
            Self::Inet6 => "ndisc_cache",
        }
    }

    /// The directory of its sysctls (`ipv4`, `ipv6`).
    pub const fn sysctl_name(self) -> &'static str {
        match self {
            Self::Inet => "ipv4",
            Self::Inet6 => "ipv6",
        }
    }
}
