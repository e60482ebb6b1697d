//! What is asked, as whole messages.

use crate::entry::{Entry, MessageError};
use crate::message::{Head, emit};
use neighbour::{Family, Flags};
use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkPayload, Parseable};
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourFlags, NeighbourMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

/// Which neighbours a dump is to tell of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Of this family; none for both, IPv4 first.
    pub family: Option<Family>,
    /// On the interface of this index.
    pub interface: Option<u32>,
    /// Proxy entries instead of neighbours.
    pub proxy: bool,
}

impl Filter {
    /// Does the filter let this entry pass?
    pub fn admits(&self, entry: &Entry) -> bool {
        self.family.is_none_or(|family| Family::of(entry.address) == family)
            && self.interface.is_none_or(|index| entry.interface == index)
            && self.proxy == entry.flags.contains(Flags::PROXY)
    }

    /// Reads what follows the netlink header of a `RTM_GETNEIGH` for a dump. Attributes that are not
    /// known here are passed over, as a kernel without strict checking does.
    ///
    /// # Errors
    ///
    /// The bytes are no such message.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, MessageError> {
        // `struct rtgenmsg` with nothing but a family is an old way to ask, which Linux still takes.
        if let [family, _, _, _] | [family] = payload {
            return Ok(Self { family: family_of((*family).into()), ..Self::default() });
        }
        let message = NeighbourMessage::parse(payload)?;
        let interface = message.attributes.iter().find_map(|attribute| match attribute {
            NeighbourAttribute::IfIndex(index) if *index != 0 => Some(*index),
            _ => None,
        });
        let proxy = message.header.flags.contains(NeighbourFlags::Proxy);
        Ok(Self { family: family_of(message.header.family), interface, proxy })
    }
}

fn family_of(family: AddressFamily) -> Option<Family> {
    match family {
        AddressFamily::Inet => Some(Family::Inet),
        AddressFamily::Inet6 => Some(Family::Inet6),
        _ => None,
    }
}

const DUMP: u16 = NLM_F_REQUEST | NLM_F_DUMP;

/// Asks for the neighbours that `filter` lets pass.
pub fn neighbours(sequence: u32, filter: &Filter) -> Vec<u8> {
    let mut message = NeighbourMessage::default();
    message.header.family = match filter.family {
        None => AddressFamily::Unspec,
        Some(Family::Inet) => AddressFamily::Inet,
        Some(Family::Inet6) => AddressFamily::Inet6,
    };
    if filter.proxy {
        message.header.flags = NeighbourFlags::Proxy;
    }
    message.attributes.extend(filter.interface.map(NeighbourAttribute::IfIndex));
    whole(sequence, RouteNetlinkMessage::GetNeighbour(message))
}

/// Asks for all interfaces.
pub fn interfaces(sequence: u32) -> Vec<u8> {
    whole(sequence, RouteNetlinkMessage::GetLink(LinkMessage::default()))
}

fn whole(sequence: u32, message: RouteNetlinkMessage) -> Vec<u8> {
    let mut out = Vec::new();
    let head = Head { kind: 0, flags: DUMP, sequence, port: 0 };
    emit(&mut out, head, NetlinkPayload::InnerMessage(message));
    out
}
