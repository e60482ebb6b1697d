//! The wire formats, each by four tests over one array of real bytes (deconstruct, construct, parse, emit),
//! then hostile bytes, then properties.

mod arp;
mod ethernet;
mod hostile;
mod icmp;
mod ip;
mod ipv6_extensions;
mod lladdr;
mod mld;
mod ndisc;
mod ndisc_options;
mod peel;
mod properties;
mod support;
