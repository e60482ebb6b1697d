//! The control conversation: rtnetlink's own messages, to a Unix socket or to the kernel.
//!
//! Who asks the daemon for its neighbours says the same bytes as who asks the kernel, so one code path
//! serves both tables:
//!
//! | part | what it is |
//! |---|---|
//! | [`Entry`], [`Interface`], [`Address`], [`TableInfo`] | what messages say, as values |
//! | [`Table`] | the asking side: [`Table::daemon`] and [`Table::kernel`] answer alike |
//! | [`Monitor`] | the listening side: `RTNLGRP_NEIGH` |
//! | [`Conversation`] | the answering side: a request and a [`Host`] in, messages out; no I/O |
//! | [`extension`] | what rtnetlink does not have: options, counters, histories, parameters |
//! | [`Frames`] | cuts a byte stream into messages: `nlmsg_len` is the framing |
//!
//! What is answered: `RTM_NEWNEIGH`, `RTM_DELNEIGH`, `RTM_GETNEIGH` (one and all), `RTM_GETNEIGHTBL` and
//! `RTM_SETNEIGHTBL`, `RTM_NEWADDR`, `RTM_DELADDR`, `RTM_GETADDR`, `RTM_GETLINK` and `RTM_NEWLINK` (up and
//! down), with the kernel's checks in the kernel's order, its errnos and its texts (rules NL-1 to NL-40,
//! TBL-1 to TBL-14). All else is refused with `EOPNOTSUPP`.
//!
//! Numbers on the wire are in host byte order, as netlink's are: both ends live on one machine.
//!
//! Nothing here panics on what comes in: a message that lies about its lengths is an error value.
//!
//! ```
//! use neighbour::{Config, DeviceId, Engine, Instant};
//! use neighbour_ctl::{Conversation, Filter, Frames, Host, LinkFacts, request};
//!
//! struct World(Engine);
//! impl Host for World {
//!     fn engine(&self) -> &Engine { &self.0 }
//!     fn engine_mut(&mut self) -> &mut Engine { &mut self.0 }
//!     fn now(&self) -> Instant { Instant::ZERO }
//!     fn link(&self, _: DeviceId) -> LinkFacts { LinkFacts { hardware: 1, flags: 1 } }
//!     fn set_link(&mut self, device: DeviceId, up: bool) { self.0.set_link(Instant::ZERO, device, up) }
//! }
//!
//! let mut world = World(Engine::new(Config::default().seed(1)));
//! let ask = request::neighbours(1, &Filter::default());
//! let mut answer = Vec::new();
//! Conversation::new(1).respond(&ask, &mut world, &mut answer);
//! let mut frames = Frames::default();
//! frames.push(&answer);
//! let done = frames.next_message()?.expect("the end of the dump");
//! assert_eq!(done[4..6], 3_u16.to_ne_bytes()); // NLMSG_DONE
//! # Ok::<(), neighbour_ctl::FrameError>(())
//! ```

#![forbid(unsafe_code)]

mod address;
mod alert;
mod client;
mod entry;
pub mod extension;
mod frames;
mod interface;
mod message;
mod monitor;
mod ntable;
mod refusal;
pub mod request;
mod server;

pub use address::Address;
pub use alert::{Alert, GROUP_ALERTS, NEIGH_ALERT};
pub use client::{Table, TableError};
pub use entry::{CacheInfo, Entry, MessageError};
pub use extension::{History, Statistics, TableCounters, Told};
pub use frames::{FrameError, Frames, MESSAGE_MAX};
pub use interface::Interface;
pub use message::{LinkNews, link_news};
pub use monitor::{Monitor, News};
pub use ntable::{ParmsInfo, TableChange, TableConfig, TableInfo, TableStats};
pub use refusal::Refusal;
pub use request::{Filter, Request};
pub use server::{Conversation, Host, LinkFacts, notification, overrun};

use neighbour::Family;

/// `AF_*` of a family; 0 for both.
fn family_number(family: Option<Family>) -> u8 {
    match family {
        None => 0,
        Some(Family::Inet) => 2,
        Some(Family::Inet6) => 10,
    }
}

/// The family of this `AF_*`.
fn family_of(number: u8) -> Option<Family> {
    match number {
        2 => Some(Family::Inet),
        10 => Some(Family::Inet6),
        _ => None,
    }
}
