//! What is asked of the kernel, in rtnetlink.

use super::LabError;
use super::monitor::messages;
use neighbour::Prefix;
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST};
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage};
use netlink_packet_route::route::{RouteAddress, RouteAttribute};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;

/// How long the kernel may take to put an IPv6 address to use.
const PATIENCE_S: u64 = 3;

/// A netlink socket for requests, of the network namespace in which it was opened.
#[derive(Debug)]
pub struct Requests {
    socket: Socket,
    sequence: u32,
}

impl Requests {
    /// Opens the socket.
    ///
    /// # Errors
    ///
    /// [`LabError::Refused`] without a netlink socket.
    pub fn open() -> Result<Self, LabError> {
        let socket = open(None).map_err(LabError::refused("take requests on a netlink socket"))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Gives an interface an address, without duplicate detection, and waits until the kernel uses it.
    ///
    /// # Errors
    ///
    /// [`LabError::Refused`], [`LabError::TooSlow`].
    pub fn add_address(&mut self, ifindex: u32, prefix: Prefix) -> Result<(), LabError> {
        let doing = format!("take the address {prefix}");
        // The kernel acknowledges an IPv6 address before it joins its group and makes its route, in this
        // order (addrconf_dad_work): the route is the sign that it answers.
        let routes = match prefix.address() {
            IpAddr::V4(_) => None,
            IpAddr::V6(_) => {
                Some(open(Some(libc::RTNLGRP_IPV6_ROUTE)).map_err(LabError::refused(doing.as_str()))?)
            }
        };
        let message = RouteNetlinkMessage::NewAddress(address_message(ifindex, prefix));
        self.ask(&doing, message, NLM_F_CREATE | NLM_F_REPLACE)?;
        routes.map_or(Ok(()), |routes| wait_for_local_route(&routes, prefix.address(), &doing))
    }

    /// Takes an address from an interface.
    ///
    /// # Errors
    ///
    /// [`LabError::Refused`]; `EADDRNOTAVAIL` if it has no such address.
    pub fn remove_address(&mut self, ifindex: u32, prefix: Prefix) -> Result<(), LabError> {
        let message = RouteNetlinkMessage::DelAddress(address_message(ifindex, prefix));
        self.ask(&format!("give the address {prefix} up"), message, 0)
    }

    /// Makes the kernel forget a neighbour. One that it does not know is forgotten already.
    ///
    /// # Errors
    ///
    /// [`LabError::Refused`].
    pub fn forget_neighbour(&mut self, ifindex: u32, address: IpAddr) -> Result<(), LabError> {
        let mut message = NeighbourMessage::default();
        message.header.family = family_of(address);
        message.header.ifindex = ifindex;
        let address_of = match address {
            IpAddr::V4(v4) => NeighbourAddress::Inet(v4),
            IpAddr::V6(v6) => NeighbourAddress::Inet6(v6),
        };
        message.attributes.push(NeighbourAttribute::Destination(address_of));
        let doing = format!("forget the neighbour {address}");
        match self.ask(&doing, RouteNetlinkMessage::DelNeighbour(message), 0) {
            Err(LabError::Refused { source, .. }) if source.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            other => other,
        }
    }

    /// Sends one request and takes its acknowledgement, which the kernel gives before `send` returns.
    fn ask(&mut self, doing: &str, message: RouteNetlinkMessage, flags: u16) -> Result<(), LabError> {
        self.sequence += 1;
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        request.header.sequence_number = self.sequence;
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map_err(LabError::refused(doing))?;
        loop {
            let (bytes, _) = self.socket.recv_from_full().map_err(LabError::refused(doing))?;
            for payload in messages(&bytes)? {
                if let NetlinkPayload::Error(answer) = payload {
                    return match answer.code {
                        None => Ok(()),
                        Some(_) => Err(LabError::refused(doing)(answer.to_io())),
                    };
                }
            }
        }
    }
}

fn open(group: Option<u32>) -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    group.map_or(Ok(()), |group| socket.add_membership(group))?;
    Ok(socket)
}

fn family_of(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

fn address_message(ifindex: u32, prefix: Prefix) -> AddressMessage {
    let address = prefix.address();
    let mut message = AddressMessage::default();
    message.header.family = family_of(address);
    message.header.prefix_len = prefix.prefix_len();
    message.header.index = ifindex;
    if address.is_ipv6() {
        message.header.flags = AddressHeaderFlags::Nodad;
    }
    message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
    message
}

fn wait_for_local_route(routes: &Socket, address: IpAddr, doing: &str) -> Result<(), LabError> {
    let begun = std::time::Instant::now();
    let patience = std::time::Duration::from_secs(PATIENCE_S);
    loop {
        let left = patience.saturating_sub(begun.elapsed());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let ready = poll(&mut [PollFd::new(routes.as_fd(), PollFlags::POLLIN)], timeout);
        match ready {
            Ok(0) => return Err(LabError::TooSlow { doing: doing.to_owned(), seconds: PATIENCE_S }),
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(errno) => return Err(LabError::refused(doing)(errno.into())),
        }
        let (bytes, _) = routes.recv_from_full().map_err(LabError::refused(doing))?;
        if messages(&bytes)?.iter().any(|payload| is_local_route(payload, address)) {
            return Ok(());
        }
    }
}

fn is_local_route(payload: &NetlinkPayload<RouteNetlinkMessage>, address: IpAddr) -> bool {
    let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewRoute(route)) = payload else { return false };
    route.header.destination_prefix_length == 128
        && route.attributes.iter().any(|attribute| match (attribute, address) {
            (RouteAttribute::Destination(RouteAddress::Inet6(to)), IpAddr::V6(own)) => *to == own,
            _ => false,
        })
}
