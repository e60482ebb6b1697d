//! What the kernel tells of its interfaces: up, down, carrier, gone, there again.

use super::port::Port;
use super::spec::PortKind;
use neighbour_ctl::{Frames, Interface, LinkNews, Table, link_news};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// `RTNLGRP_LINK` as a bit.
const LINK_GROUP: u32 = 1;

/// A socket that hears the news about links.
#[derive(Debug)]
pub(super) struct LinkWatch {
    socket: OwnedFd,
    /// For what is read; kept, as this is asked in every turn.
    buffer: Vec<u8>,
}

impl LinkWatch {
    pub(super) fn new() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let protocol = SockProtocol::NetlinkRoute;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, LINK_GROUP))?;
        Ok(Self { socket, buffer: vec![0; 64 * 1024] })
    }

    /// Asks for the state of all ports.
    pub(super) fn learn(&self, ports: &mut [Port]) -> anyhow::Result<()> {
        let interfaces = Table::kernel()?.interfaces()?;
        for port in ports {
            match interfaces.iter().find(|interface| interface.index == port.ifindex) {
                Some(interface) => apply(port, interface),
                None => port.gone = true,
            }
            // Not the one that failed, for it would fail again.
            let failed = port.ifindex;
            let others = interfaces.iter().filter(|interface| interface.index != failed);
            others.for_each(|interface| returned(port, interface));
        }
        Ok(())
    }

    /// Takes the news in. When some were lost, asks for all.
    pub(super) fn receive(&mut self, ports: &mut [Port]) -> anyhow::Result<()> {
        loop {
            let len = match recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty()) {
                Ok(len) => len,
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => continue,
                Err(Errno::ENOBUFS) => {
                    self.learn(ports)?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let mut frames = Frames::default();
            frames.push(self.buffer.get(..len).unwrap_or_default());
            while let Ok(Some(message)) = frames.next_message() {
                let (index, changed) = match link_news(message) {
                    Ok(Some(LinkNews::Changed(interface))) => (interface.index, Some(interface)),
                    Ok(Some(LinkNews::Removed(index))) => (index, None),
                    _ => continue,
                };
                for port in ports.iter_mut() {
                    match &changed {
                        Some(interface) if port.ifindex == index => apply(port, interface),
                        Some(interface) => returned(port, interface),
                        None if port.ifindex == index => port.gone = true,
                        None if port.returned == Some(index) => port.returned = None,
                        None => {}
                    }
                }
            }
        }
    }
}

fn apply(port: &mut Port, interface: &Interface) {
    port.up = interface.flags & Interface::UP != 0;
    port.carrier = interface.flags & Interface::CARRIER != 0;
    let mac = interface.lladdr.and_then(|lladdr| lladdr.mac());
    port.moved = mac.filter(|mac| port.follows && *mac != port.mac);
}

/// A port whose interface was removed has it again when one of the same name is there.
fn returned(port: &mut Port, interface: &Interface) {
    if port.gone && port.kind != PortKind::Tap && port.name == interface.name {
        port.returned = Some(interface.index);
        port.up = interface.flags & Interface::UP != 0;
        port.carrier = interface.flags & Interface::CARRIER != 0;
        port.moved = None;
    }
}

impl AsFd for LinkWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
