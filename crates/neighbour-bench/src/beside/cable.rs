//! A veth pair.

use super::conf;
use anyhow::{Context, bail};
use neighbour_ctl::Table;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkInfo, LinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

/// The end from which questions come.
pub(crate) const NEAR: &str = "bench0";
/// The end that belongs to who is measured.
pub(crate) const FAR: &str = "bench1";

/// Two ends of a cable, both up; the kernel says nothing at either by itself.
#[derive(Debug)]
pub(crate) struct Cable {
    near: u32,
    /// The index of the far end.
    pub(crate) far: u32,
}

impl Cable {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut peer = LinkMessage::default();
        peer.attributes = vec![LinkAttribute::IfName(FAR.into())];
        let mut pair = LinkMessage::default();
        pair.attributes = vec![
            LinkAttribute::IfName(NEAR.into()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
            ]),
        ];
        ask(RouteNetlinkMessage::NewLink(pair), NLM_F_CREATE | NLM_F_EXCL).context("making a veth pair")?;
        let mut table = Table::kernel()?;
        let interfaces = table.interfaces()?;
        let index = |name: &str| {
            let found = interfaces.iter().find(|interface| interface.name == name);
            found.map(|found| found.index).with_context(|| format!("{name}, just made, is not there"))
        };
        let cable = Self { near: index(NEAR)?, far: index(FAR)? };
        conf(NEAR, "disable_ipv6", "1")?;
        conf(FAR, "disable_ipv6", "1")?;
        conf(FAR, "accept_dad", "0")?;
        table.set_link(cable.near, true)?;
        table.set_link(cable.far, true)?;
        Ok(cable)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        let mut message = LinkMessage::default();
        message.header.index = self.near;
        // With it goes the far end, and everything known there. If that fails, the namespace's end does it.
        let _gone = ask(RouteNetlinkMessage::DelLink(message), 0);
    }
}

fn ask(message: RouteNetlinkMessage, flags: u16) -> anyhow::Result<()> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut request = NetlinkMessage::from(message);
    request.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    request.finalize();
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    let (answer, _) = socket.recv_from_full()?;
    match NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer)?.payload {
        NetlinkPayload::Error(error) if error.code.is_none() => Ok(()),
        NetlinkPayload::Error(error) => Err(error.to_io().into()),
        other => bail!("the kernel answered {other:?} instead of an acknowledgement"),
    }
}
