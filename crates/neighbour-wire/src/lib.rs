//! Bytes to values and back for the layer between IP and Ethernet.
//!
//! No state, no clock, no I/O: every function is a plain map between bytes and values. What the values
//! *mean* (which frame is dropped, in which order the checks run) is the engine's business, not this crate's.
//!
//! | module | what it reads and writes |
//! |---|---|
//! | [`lladdr`] | link-layer addresses of 0 to 32 bytes |
//! | [`ethernet`] | Ethernet II frames, behind priority tags |
//! | [`peel`] | the same behind any tags and LLC, for whoever watches a link |
//! | [`arp`] | ARP packets, of any address lengths |
//! | [`ipv4`], [`ipv6`] | IP headers; IPv6 extension headers up to the upper layer |
//! | [`icmpv4`], [`icmpv6`], [`echo`], [`udp`] | checksums and the little that a host and the tests need |
//! | [`ndisc`] | neighbour discovery messages and options (RFC 4861) |
//! | [`mld`] | multicast listener reports and queries (RFC 2710, RFC 3810) |
//!
//! # Contract
//!
//! - **Parsers are total.** Each takes any bytes of any length and returns a value or says what is wrong with
//!   them; none panics, none allocates, none loops longer than its input.
//! - **Views borrow.** A parsed value points into the bytes it came from.
//! - **Emitters append** to a `Vec<u8>`, so that a link-layer header can go in front without a copy. They
//!   fill in lengths and checksums. What cannot fit (an IP payload past 65535 bytes) is cut, never wrapped.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod arp;
mod bytes;
pub mod echo;
pub mod ethernet;
pub mod icmp_error;
pub mod icmpv4;
pub mod icmpv6;
pub mod ipv4;
pub mod ipv6;
mod ipv6_ext;
pub mod lladdr;
pub mod mld;
pub mod ndisc;
mod ndisc_emit;
mod ndisc_options;
pub mod peel;
pub mod udp;

pub use lladdr::{LlAddr, LlAddrError};
