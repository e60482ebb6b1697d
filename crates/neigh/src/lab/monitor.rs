//! What the kernel announces of its neighbours (EVT-1, EVT-2).

use super::LabError;
use neighbour::{LlAddr, NudState};
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

/// One announcement: `RTM_NEWNEIGH`, or `RTM_DELNEIGH` if `removed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// The interface of the entry.
    pub ifindex: u32,
    /// The neighbour.
    pub address: IpAddr,
    /// Its link-layer address; none unless the state is VALID.
    pub lladdr: Option<LlAddr>,
    /// Its state. The kernel announces neither INCOMPLETE nor DELAY.
    pub state: NudState,
    /// The entry left the table.
    pub removed: bool,
}

/// A socket in the group `RTNLGRP_NEIGH`, of the network namespace in which it was opened.
#[derive(Debug)]
pub struct Monitor(Socket);

impl Monitor {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// [`LabError::Refused`] without a netlink socket.
    pub fn open() -> Result<Self, LabError> {
        let open = || {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind(&SocketAddr::new(0, 0))?;
            socket.add_membership(libc::RTNLGRP_NEIGH)?;
            socket.set_non_blocking(true)?;
            Ok(socket)
        };
        open().map(Self).map_err(LabError::refused("announce neighbours on a netlink socket"))
    }

    /// What to give to `poll(2)`.
    #[must_use]
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Takes what was announced since the last call. Never waits.
    ///
    /// # Errors
    ///
    /// [`LabError::Refused`] if announcements were lost or the socket failed, [`LabError::Malformed`].
    pub fn poll(&self) -> Result<Vec<Notice>, LabError> {
        let mut notices = Vec::new();
        loop {
            match self.0.recv_from_full() {
                Ok((bytes, _)) => notices.extend(messages(&bytes)?.iter().filter_map(notice)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(notices),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LabError::refused("announce neighbours")(error)),
            }
        }
    }
}

/// The rtnetlink messages in what one `recv` gave.
pub(crate) fn messages(mut bytes: &[u8]) -> Result<Vec<NetlinkPayload<RouteNetlinkMessage>>, LabError> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes)
            .map_err(|error| LabError::Malformed(error.to_string()))?;
        let length = (message.header.length as usize).next_multiple_of(4).max(16);
        all.push(message.payload);
        bytes = bytes.get(length..).unwrap_or_default();
    }
    Ok(all)
}

fn notice(payload: &NetlinkPayload<RouteNetlinkMessage>) -> Option<Notice> {
    match payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNeighbour(message)) => entry(message, false),
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelNeighbour(message)) => entry(message, true),
        _ => None,
    }
}

fn entry(message: &NeighbourMessage, removed: bool) -> Option<Notice> {
    let address = message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => Some(IpAddr::V4(*v4)),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => Some(IpAddr::V6(*v6)),
        _ => None,
    })?;
    let lladdr = message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(bytes) => LlAddr::new(bytes),
        _ => None,
    });
    let state = NudState(u16::from(message.header.state) as u8);
    Some(Notice { ifindex: message.header.ifindex, address, lladdr, state, removed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_route::neighbour::NeighbourState;

    fn bytes(state: NeighbourState) -> Vec<u8> {
        let mut neighbour = NeighbourMessage::default();
        neighbour.header.family = netlink_packet_route::AddressFamily::Inet;
        neighbour.header.ifindex = 7;
        neighbour.header.state = state;
        neighbour.attributes = vec![
            NeighbourAttribute::Destination(NeighbourAddress::Inet([192, 0, 2, 2].into())),
            NeighbourAttribute::LinkLayerAddress(vec![2, 0, 0, 0, 0, 1]),
        ];
        let mut message = NetlinkMessage::from(RouteNetlinkMessage::NewNeighbour(neighbour));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    }

    #[test]
    fn each_message_of_a_batch_is_a_notice() {
        let batch = [bytes(NeighbourState::Stale), bytes(NeighbourState::Reachable)].concat();
        let notices: Vec<_> = messages(&batch).unwrap().iter().filter_map(notice).collect();
        let states: Vec<_> = notices.iter().map(|n| n.state).collect();
        assert_eq!(states, [NudState::STALE, NudState::REACHABLE]);
        assert_eq!(notices[0].address, IpAddr::from([192, 0, 2, 2]));
        assert_eq!((notices[0].ifindex, notices[0].removed), (7, false));
        assert_eq!(notices[0].lladdr, Some([2, 0, 0, 0, 0, 1].into()));
    }

    #[test]
    fn a_truncated_message_is_an_error_at_every_length() {
        let whole = bytes(NeighbourState::Stale);
        for length in 1..whole.len() {
            assert!(messages(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
    }
}
