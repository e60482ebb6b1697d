//! What is asked, as whole messages.

use crate::address::{Address, octets};
use crate::entry::Entry;
use crate::extension::{
    HISTORY_ADDRESS, NEIGH_GETHISTORY, NEIGH_GETPARM, NEIGH_GETSTATS, NEIGH_SETPARM, NEIGH_SETSOCKOPT,
    PARM_NAME, PARM_VALUE,
};
use crate::interface::Interface;
use crate::message::{
    Head, RTM_DELADDR, RTM_DELNEIGH, RTM_GETADDR, RTM_GETLINK, RTM_GETNEIGH, RTM_GETNEIGHTBL, RTM_NEWADDR,
    RTM_NEWLINK, RTM_NEWNEIGH, RTM_SETNEIGHTBL, Writer, write,
};
use crate::ntable::TableChange;
use neighbour::{Family, Flags, Prefix};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST};
use std::net::IpAddr;

const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NDA_IFINDEX: u16 = 8;
const NDA_MASTER: u16 = 9;
const NDA_PROTOCOL: u16 = 12;
const NDA_FLAGS_EXT: u16 = 15;

/// Which neighbours a dump is to tell of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Of this family; none for both, IPv4 first.
    pub family: Option<Family>,
    /// On the interface of this index.
    pub interface: Option<u32>,
    /// Proxy entries instead of neighbours.
    pub proxy: bool,
    /// On the ports of this bridge, bond or VRF; `u32::MAX`: on interfaces that have none.
    ///
    /// This part of the filter is the other side's alone: an entry does not say its master.
    pub master: Option<u32>,
}

impl Filter {
    /// Does the filter let this entry pass, as far as the entry can say?
    pub fn admits(&self, entry: &Entry) -> bool {
        self.family.is_none_or(|family| Family::of(entry.address) == family)
            && self.interface.is_none_or(|index| entry.interface == index)
            && self.proxy == entry.flags.contains(Flags::PROXY)
    }
}

/// A change of the table: `RTM_NEWNEIGH` and `RTM_DELNEIGH`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The index of the interface; 0 for a proxy entry of all interfaces.
    pub interface: u32,
    /// The neighbour.
    pub address: IpAddr,
    /// Its link-layer address, of any length: a wrong one is the other side's to refuse.
    pub lladdr: Option<Vec<u8>>,
    /// Its state (`ndm_state`).
    pub state: u16,
    /// The low byte travels in `ndm_flags`, the rest in `NDA_FLAGS_EXT`.
    pub flags: Flags,
    /// `NDA_PROTOCOL`.
    pub protocol: Option<u8>,
    /// `NLM_F_CREATE`: it may be made.
    pub create: bool,
    /// `NLM_F_EXCL`: it must not be there.
    pub exclusive: bool,
    /// `NLM_F_REPLACE`: it may be changed.
    pub replace: bool,
}

impl Request {
    /// A request for this neighbour with nothing else in it.
    pub const fn new(interface: u32, address: IpAddr) -> Self {
        Self {
            interface,
            address,
            lladdr: None,
            state: 0,
            flags: Flags::empty(),
            protocol: None,
            create: false,
            exclusive: false,
            replace: false,
        }
    }

    fn write(&self, message: &mut Writer<'_>) {
        put_ndmsg(
            message,
            Some(Family::of(self.address)),
            self.interface,
            self.state,
            self.flags.bits() as u8,
        );
        message.attribute(NDA_DST, &octets(self.address));
        if let Some(lladdr) = &self.lladdr {
            message.attribute(NDA_LLADDR, lladdr);
        }
        if let Some(protocol) = self.protocol {
            message.attribute(NDA_PROTOCOL, &[protocol]);
        }
        let extended = self.flags.bits() >> 8;
        if extended != 0 {
            message.u32(NDA_FLAGS_EXT, extended);
        }
    }
}

/// `struct ndmsg`.
fn put_ndmsg(message: &mut Writer<'_>, family: Option<Family>, interface: u32, state: u16, flags: u8) {
    message.put(&[crate::family_number(family), 0, 0, 0]);
    message.put(&interface.to_ne_bytes());
    message.put(&state.to_ne_bytes());
    message.put(&[flags, 0]);
}

fn whole(sequence: u32, kind: u16, flags: u16, fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, Head { kind, flags: NLM_F_REQUEST | flags, sequence, port: 0 }, fill);
    out
}

/// Asks for the neighbours that `filter` lets pass.
pub fn neighbours(sequence: u32, filter: &Filter) -> Vec<u8> {
    whole(sequence, RTM_GETNEIGH, NLM_F_DUMP, |message| {
        let flags = if filter.proxy { Flags::PROXY } else { Flags::empty() };
        put_ndmsg(message, filter.family, 0, 0, flags.bits() as u8);
        for (kind, value) in [(NDA_IFINDEX, filter.interface), (NDA_MASTER, filter.master)] {
            if let Some(value) = value {
                message.u32(kind, value);
            }
        }
    })
}

/// Asks for one neighbour or proxy entry.
pub fn neighbour(sequence: u32, interface: u32, address: IpAddr, proxy: bool) -> Vec<u8> {
    whole(sequence, RTM_GETNEIGH, 0, |message| {
        let flags = if proxy { Flags::PROXY } else { Flags::empty() };
        put_ndmsg(message, Some(Family::of(address)), interface, 0, flags.bits() as u8);
        message.attribute(NDA_DST, &octets(address));
    })
}

/// Adds, changes or replaces a neighbour or proxy entry; an ack is wanted.
pub fn change(sequence: u32, request: &Request) -> Vec<u8> {
    let flags =
        [(request.create, NLM_F_CREATE), (request.exclusive, NLM_F_EXCL), (request.replace, NLM_F_REPLACE)];
    let flags = flags.into_iter().filter(|(set, _)| *set).fold(NLM_F_ACK, |all, (_, flag)| all | flag);
    whole(sequence, RTM_NEWNEIGH, flags, |message| request.write(message))
}

/// Deletes a neighbour or proxy entry.
pub fn delete(sequence: u32, request: &Request, ack: bool) -> Vec<u8> {
    let flags = if ack { NLM_F_ACK } else { 0 };
    whole(sequence, RTM_DELNEIGH, flags, |message| request.write(message))
}

/// Asks for all interfaces.
pub fn interfaces(sequence: u32) -> Vec<u8> {
    whole(sequence, RTM_GETLINK, NLM_F_DUMP, |message| message.put(&[0; 16]))
}

/// Switches an interface on or off.
pub fn set_link(sequence: u32, interface: u32, up: bool) -> Vec<u8> {
    whole(sequence, RTM_NEWLINK, NLM_F_ACK, |message| {
        message.put(&[0; 4]);
        let flags = if up { Interface::UP } else { 0 };
        message.put([interface, flags, Interface::UP].map(u32::to_ne_bytes).as_flattened());
    })
}

/// Asks for the addresses of all interfaces.
pub fn addresses(sequence: u32) -> Vec<u8> {
    whole(sequence, RTM_GETADDR, NLM_F_DUMP, |message| message.put(&[0; 8]))
}

fn put_address(message: &mut Writer<'_>, interface: u32, prefix: Prefix) {
    let scope = match prefix.address() {
        IpAddr::V4(v4) if v4.is_loopback() => 254,
        _ => 0,
    };
    Address { interface, prefix, scope, flags: 0 }.write(message);
}

/// Adds an address to an interface.
pub fn add_address(sequence: u32, interface: u32, prefix: Prefix) -> Vec<u8> {
    let flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    whole(sequence, RTM_NEWADDR, flags, |message| put_address(message, interface, prefix))
}

/// Removes an address from an interface.
pub fn delete_address(sequence: u32, interface: u32, prefix: Prefix) -> Vec<u8> {
    whole(sequence, RTM_DELADDR, NLM_F_ACK, |message| put_address(message, interface, prefix))
}

/// Asks for the tables and their parameters.
pub fn tables(sequence: u32, family: Option<Family>) -> Vec<u8> {
    let family = crate::family_number(family);
    whole(sequence, RTM_GETNEIGHTBL, NLM_F_DUMP, |message| message.put(&[family, 0, 0, 0]))
}

/// Changes a table or its parameters.
pub fn set_table(sequence: u32, change: &TableChange) -> Vec<u8> {
    whole(sequence, RTM_SETNEIGHTBL, NLM_F_ACK | NLM_F_REPLACE, |message| change.write(message))
}

/// Sets an option of the conversation: see [`crate::extension`].
pub fn set_option(sequence: u32, option: u32, value: u32, ack: bool) -> Vec<u8> {
    let flags = if ack { NLM_F_ACK } else { 0 };
    whole(sequence, NEIGH_SETSOCKOPT, flags, |message| {
        message.put([option, value].map(u32::to_ne_bytes).as_flattened());
    })
}

/// Asks for all counters.
pub fn statistics(sequence: u32) -> Vec<u8> {
    whole(sequence, NEIGH_GETSTATS, NLM_F_DUMP, |_| {})
}

/// Asks what happened to an address.
pub fn history(sequence: u32, address: IpAddr) -> Vec<u8> {
    whole(sequence, NEIGH_GETHISTORY, NLM_F_DUMP, |message| {
        message.attribute(HISTORY_ADDRESS, &octets(address));
    })
}

/// Asks for a parameter by its sysctl name.
pub fn parameter(sequence: u32, name: &str) -> Vec<u8> {
    whole(sequence, NEIGH_GETPARM, 0, |message| message.text(PARM_NAME, name))
}

/// Sets a parameter by its sysctl name.
pub fn set_parameter(sequence: u32, name: &str, value: &str) -> Vec<u8> {
    whole(sequence, NEIGH_SETPARM, NLM_F_ACK, |message| {
        message.text(PARM_NAME, name);
        message.text(PARM_VALUE, value);
    })
}
