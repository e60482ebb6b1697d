//! The control conversation: rtnetlink's own messages, to a Unix socket or to the kernel.
//!
//! Who asks the daemon for its neighbours says the same bytes as who asks the kernel, so one code path
//! serves both tables:
//!
//! | part | what it is |
//! |---|---|
//! | [`Entry`], [`Interface`] | what a `RTM_NEWNEIGH` and a `RTM_NEWLINK` say, as values |
//! | [`Table`] | the asking side: [`Table::daemon`] and [`Table::kernel`] answer alike |
//! | [`respond`] | the answering side: a request and a [`Snapshot`] in, messages out; no I/O |
//! | [`Frames`] | cuts a byte stream into messages: `nlmsg_len` is the framing |
//!
//! What is answered today: dumps of neighbours (`RTM_GETNEIGH`, by family and interface) and of
//! interfaces (`RTM_GETLINK`). All else is refused with `EOPNOTSUPP`.
//!
//! Numbers on the wire are in host byte order, as netlink's are: both ends live on one machine.
//!
//! Nothing here panics on what comes in: a message that lies about its lengths is an error value.
//!
//! ```
//! use neighbour_ctl::{Filter, Snapshot, Entry, Interface, Frames, respond, request};
//!
//! struct Nothing;
//! impl Snapshot for Nothing {
//!     fn interfaces(&self) -> Vec<Interface> { Vec::new() }
//!     fn neighbours(&self, _: &Filter) -> Vec<Entry> { Vec::new() }
//! }
//!
//! let ask = request::neighbours(1, &Filter::default());
//! let mut answer = Vec::new();
//! respond(&ask, &Nothing, &mut answer);
//! let mut frames = Frames::default();
//! frames.push(&answer);
//! let done = frames.next_message()?.expect("the end of the dump");
//! assert_eq!(done[4..6], 3_u16.to_ne_bytes()); // NLMSG_DONE
//! # Ok::<(), neighbour_ctl::FrameError>(())
//! ```

#![forbid(unsafe_code)]

mod client;
mod entry;
mod frames;
mod interface;
mod message;
pub mod request;
mod server;

pub use client::{Table, TableError};
pub use entry::{CacheInfo, Entry, MessageError};
pub use frames::{FrameError, Frames, MESSAGE_MAX};
pub use interface::Interface;
pub use message::{LinkNews, link_news};
pub use request::Filter;
pub use server::{Snapshot, respond};
