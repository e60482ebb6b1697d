//! The other end of the link: the running kernel, or where that cannot be had a second engine.

mod engine;
mod kernel;

pub(crate) use engine::EnginePeer;
pub(crate) use kernel::KernelPeer;

use super::evidence::Fact;
use super::frame::Mac;
use neighbour::Family;
use neighbour_link::Time;
use std::os::fd::BorrowedFd;

/// What the story asks of the other end, beside what it does by itself: answering ARP, ND and echo.
pub(crate) trait Peer {
    /// What to call it.
    fn name(&self) -> &'static str;

    /// Its address on the link.
    fn mac(&self) -> Mac;

    /// Does what is due, and adds what its table and its sockets have to say. Whether anything moved.
    fn turn(&mut self, now: Time, facts: &mut Vec<Fact>) -> anyhow::Result<bool>;

    /// When [`turn`](Self::turn) is due.
    fn deadline(&self) -> Option<Time>;

    /// What to wait for beside that.
    fn fds(&self) -> Vec<BorrowedFd<'_>>;

    /// Falls silent: gives up its address of this family, as a host that left. The link stays.
    fn silence(&mut self, now: Time, family: Family) -> anyhow::Result<()>;

    /// Comes back, forgets us, and has a datagram for our echo port.
    fn call(&mut self, now: Time, family: Family) -> anyhow::Result<()>;
}
