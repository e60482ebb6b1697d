//! The running kernel as the peer, by rtnetlink and ordinary sockets.

use super::Peer;
use crate::demo::cast::{self, PAYLOAD};
use crate::demo::evidence::Fact;
use crate::demo::frame::Mac;
use crate::demo::host::ECHO_PORT;
use crate::lab::{Monitor, Requests};
use anyhow::Context;
use neighbour::Family;
use neighbour_link::{Info, Time};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

/// The kernel's end of a TAP.
pub(crate) struct KernelPeer {
    interface: Info,
    requests: Requests,
    monitor: Monitor,
    sockets: Vec<(Family, UdpSocket)>,
}

impl KernelPeer {
    /// Gives the kernel its addresses on the interface, and listens to its table.
    pub(crate) fn new(interface: Info) -> anyhow::Result<Self> {
        let monitor = Monitor::open()?;
        let mut requests = Requests::open()?;
        for family in Family::BOTH {
            requests.add_address(interface.ifindex, cast::peer_prefix(family))?;
        }
        Ok(Self { interface, requests, monitor, sockets: Vec::new() })
    }
}

impl Peer for KernelPeer {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn mac(&self) -> Mac {
        self.interface.mac
    }

    fn turn(&mut self, _now: Time, facts: &mut Vec<Fact>) -> anyhow::Result<bool> {
        let before = facts.len();
        for notice in self.monitor.poll()?.into_iter().filter(|n| n.ifindex == self.interface.ifindex) {
            let lladdr = notice.lladdr.and_then(|lladdr| lladdr.mac());
            let (address, state, removed) = (notice.address, notice.state, notice.removed);
            facts.push(Fact::PeerTable { address, lladdr, state, removed });
        }
        for (family, socket) in &self.sockets {
            let mut buffer = [0; PAYLOAD.len() + 1];
            // Errors are those of earlier datagrams (unreachable): nothing was heard then.
            if let Ok(length) = socket.recv(&mut buffer)
                && buffer.get(..length) == Some(PAYLOAD)
            {
                facts.push(Fact::PeerHeard(*family));
            }
        }
        Ok(facts.len() > before)
    }

    fn deadline(&self) -> Option<Time> {
        None
    }

    fn fds(&self) -> Vec<BorrowedFd<'_>> {
        let sockets = self.sockets.iter().map(|(_, socket)| socket.as_fd());
        std::iter::once(self.monitor.as_fd()).chain(sockets).collect()
    }

    fn silence(&mut self, _now: Time, family: Family) -> anyhow::Result<()> {
        Ok(self.requests.remove_address(self.interface.ifindex, cast::peer_prefix(family))?)
    }

    fn call(&mut self, _now: Time, family: Family) -> anyhow::Result<()> {
        let (own, us) = (cast::peer_prefix(family), cast::our_prefix(family).address());
        self.requests.add_address(self.interface.ifindex, own)?;
        self.requests.forget_neighbour(self.interface.ifindex, us)?;
        let call = || {
            let socket = UdpSocket::bind(SocketAddr::new(own.address(), 0))?;
            socket.set_nonblocking(true)?;
            socket.connect(SocketAddr::new(us, ECHO_PORT))?;
            socket.send(PAYLOAD)?;
            Ok::<_, std::io::Error>(socket)
        };
        let socket = call().with_context(|| format!("a UDP socket from {} to {us}", own.address()))?;
        self.sockets.push((family, socket));
        Ok(())
    }
}
