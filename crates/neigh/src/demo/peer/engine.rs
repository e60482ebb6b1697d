//! A second engine as the peer, on the in-memory link.

use super::Peer;
use crate::demo::cast::{self, PAYLOAD};
use crate::demo::evidence::Fact;
use crate::demo::frame::Mac;
use crate::demo::host::{Host, Told};
use anyhow::Context;
use neighbour::{AddressOptions, EventKind, Family, Instant, RequestError};
use neighbour_link::{Link, Time};
use std::os::fd::BorrowedFd;

/// The UDP port from which it sends.
const PORT: u16 = 40_000;

/// A host like ours at the other end.
pub(crate) struct EnginePeer {
    host: Host,
    told: Vec<Told>,
}

impl EnginePeer {
    /// A host with the peer's addresses and Linux's own timers.
    pub(crate) fn new(seed: u64, link: Box<dyn Link>) -> anyhow::Result<Self> {
        let addresses = Family::BOTH.map(cast::peer_prefix);
        let parameters = [("conf/accept_dad", "0")];
        let host = Host::new(seed, cast::PEER_MAC, &addresses, &parameters, link)?;
        Ok(Self { host, told: Vec::new() })
    }
}

impl Peer for EnginePeer {
    fn name(&self) -> &'static str {
        "second engine"
    }

    fn mac(&self) -> Mac {
        cast::PEER_MAC
    }

    fn turn(&mut self, now: Time, facts: &mut Vec<Fact>) -> anyhow::Result<bool> {
        let moved = self.host.turn(now, &mut self.told)?;
        for event in self.host.events() {
            let (neighbour, removed) = match event.kind {
                EventKind::NewNeigh { neighbour, .. } => (neighbour, false),
                EventKind::Removed { neighbour, .. } => (neighbour, true),
                _ => continue,
            };
            let lladdr = neighbour.lladdr.and_then(|lladdr| lladdr.mac());
            let (address, state) = (neighbour.address, neighbour.state);
            facts.push(Fact::PeerTable { address, lladdr, state, removed });
        }
        for told in self.told.drain(..) {
            if let Told::Datagram { source } = told {
                facts.push(Fact::PeerHeard(Family::of(source)));
            }
        }
        Ok(moved)
    }

    fn deadline(&self) -> Option<Time> {
        self.host.deadline()
    }

    fn fds(&self) -> Vec<BorrowedFd<'_>> {
        Vec::new()
    }

    fn silence(&mut self, now: Time, family: Family) -> anyhow::Result<()> {
        let own = cast::peer_prefix(family).address();
        let host = &mut self.host;
        host.engine
            .remove_address(Instant::since_start(now), host.device, own)
            .with_context(|| format!("taking {own} from the peer"))
    }

    fn call(&mut self, now: Time, family: Family) -> anyhow::Result<()> {
        let (own, us) = (cast::peer_prefix(family), cast::our_prefix(family).address());
        let (host, instant) = (&mut self.host, Instant::since_start(now));
        host.engine
            .add_address(instant, host.device, own, AddressOptions::default())
            .with_context(|| format!("giving {own:?} to the peer"))?;
        match host.engine.del_neigh(instant, host.device, us, 0) {
            Ok(()) | Err(RequestError::NotFound) => {}
            Err(error) => return Err(error).with_context(|| format!("forgetting {us}")),
        }
        let _ = host.datagram(now, own.address(), us, PORT, PAYLOAD);
        Ok(())
    }
}
