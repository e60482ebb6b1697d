//! The answering side: requests in, messages out, no I/O. Rules NL-1 to NL-40 and TBL-1 to TBL-14.
//!
//! A [`Conversation`] is what a netlink socket is in the kernel: it has a port id, its options and its
//! memberships. What it talks about is a [`Host`]: an engine and what belongs around it.
//!
//! Differences to the kernel: who may change anything is for the caller to say ([`Conversation::may_change`]),
//! where the kernel asks for `CAP_NET_ADMIN`; families other than IPv4 and IPv6 have no neighbours.

mod address;
mod extra;
mod link;
mod listing;
mod neigh;
mod note;
mod ntable;
mod policy;
mod trouble;

use crate::alert::GROUP_ALERTS;
use crate::entry::Entry;
use crate::extension::{
    ADD_MEMBERSHIP, CAP_ACK, DROP_MEMBERSHIP, EXT_ACK, GROUP_NEIGH, NEIGH_GETHISTORY, NEIGH_GETPARM,
    NEIGH_GETSTATS, NEIGH_SETPARM, NEIGH_SETSOCKOPT, STRICT_CHK,
};
use crate::message::{
    Head, RTM_DELADDR, RTM_DELNEIGH, RTM_GETADDR, RTM_GETLINK, RTM_GETNEIGH, RTM_GETNEIGHTBL, RTM_NEWADDR,
    RTM_NEWLINK, RTM_NEWNEIGH, RTM_SETNEIGHTBL, split, u32_at, write,
};
use listing::Listing;
use neighbour::{DeviceId, Engine, EventKind, Instant};
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_ERROR};
use trouble::{Trouble, acknowledge, done};

/// Positive errno values, as they go into an error message.
mod errno {
    pub(super) const EPERM: i32 = 1;
    pub(super) const ENOENT: i32 = 2;
    pub(super) const EACCES: i32 = 13;
    pub(super) const EEXIST: i32 = 17;
    pub(super) const ENODEV: i32 = 19;
    pub(super) const EINVAL: i32 = 22;
    pub(super) const ENOPROTOOPT: i32 = 92;
    pub(super) const EOPNOTSUPP: i32 = 95;
    pub(super) const EAFNOSUPPORT: i32 = 97;
    pub(super) const EADDRNOTAVAIL: i32 = 99;
    pub(super) const ENOBUFS: i32 = 105;
}

/// The family of bridges, which are not here.
const AF_BRIDGE: u8 = 7;
/// Types below are netlink's own, those above rtnetlink does not know at all.
const NLMSG_MIN_TYPE: u16 = 16;
const RTM_MAX: u16 = 127;

/// What is known of a device besides what the engine knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkFacts {
    /// ARP's hardware type (`ARPHRD_*`).
    pub hardware: u16,
    /// `IFF_*`.
    pub flags: u32,
}

/// What a conversation is about.
pub trait Host {
    /// The engine.
    fn engine(&self) -> &Engine;
    /// The engine, to change it.
    fn engine_mut(&mut self) -> &mut Engine;
    /// The time of this request.
    fn now(&self) -> Instant;
    /// What a link is.
    fn link(&self, device: DeviceId) -> LinkFacts;
    /// Switches a link on or off (`IFF_UP`).
    fn set_link(&mut self, device: DeviceId, up: bool);
    /// Frames that were lost before they could be read, on all links.
    fn link_losses(&mut self) -> u64 {
        0
    }
    /// Sentences on where a packet to this address would go, for an address without an entry; by default
    /// what the engine's addresses and routes say.
    fn why_absent(&self, address: std::net::IpAddr) -> String {
        note::why_absent(self.engine(), address)
    }
}

/// The options of a conversation: a netlink socket's of the same name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Options {
    strict: bool,
    cap_ack: bool,
    ext_ack: bool,
}

/// One client's side of the conversation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conversation {
    port: u32,
    options: Options,
    hears_neigh: bool,
    hears_alerts: bool,
    may_change: bool,
    listing: Option<Listing>,
}

/// How a request ended.
enum Outcome {
    /// Well, perhaps with a warning: an ack follows, if it was asked for.
    Done(Trouble),
    /// With a dump, whose end was written already.
    Dumped,
}

impl From<Trouble> for Outcome {
    fn from(warning: Trouble) -> Self {
        Self::Done(warning)
    }
}

/// A request on its way through the checks.
struct Call<'c, 'm> {
    /// The head of the answer: the port id is the conversation's.
    head: Head,
    /// The flags of the request.
    flags: u16,
    payload: &'m [u8],
    options: &'c Options,
    out: &'c mut Vec<u8>,
}

impl Call<'_, '_> {
    /// Writes the end of a dump.
    fn end_dump(&mut self, trouble: &Trouble) -> Outcome {
        done(self.out, self.options, self.head, trouble);
        Outcome::Dumped
    }

    /// The same, with an error if that is what the checks gave.
    fn dump(&mut self, result: Result<Trouble, Trouble>) -> Outcome {
        let (Ok(trouble) | Err(trouble)) = result;
        self.end_dump(&trouble)
    }
}

impl Conversation {
    /// A conversation with a client of this port id, which is not 0 and nobody else's.
    pub const fn new(port: u32) -> Self {
        let options = Options { strict: false, cap_ack: false, ext_ack: true };
        Self { port, options, hears_neigh: false, hears_alerts: false, may_change: true, listing: None }
    }

    /// Whether this client may change anything; without that its requests to change are refused with `EPERM`, and
    /// those that only read are answered (NL-6).
    #[must_use]
    pub const fn may_change(mut self, may_change: bool) -> Self {
        self.may_change = may_change;
        self
    }

    /// The port id.
    pub const fn port(&self) -> u32 {
        self.port
    }

    /// Is it a member of `RTNLGRP_NEIGH`: does it want [`notification`]s?
    pub const fn hears_neighbours(&self) -> bool {
        self.hears_neigh
    }

    /// Is it a member of [`GROUP_ALERTS`](crate::GROUP_ALERTS): does it want [`Alert`](crate::Alert)s?
    pub const fn hears_alerts(&self) -> bool {
        self.hears_alerts
    }

    /// Answers one request, a whole message as [`crate::Frames`] gives it, by appending to `out`.
    ///
    /// A dump of neighbours comes in parts of some 64 KiB: while [`is_telling`](Self::is_telling), the next one is
    /// had by [`go_on`](Self::go_on), and the next request has to wait.
    ///
    /// What is not understood is answered with an error message, never with silence; only a message that
    /// is no request (`NLM_F_REQUEST` is not set) is passed over, as the kernel does.
    pub fn respond(&mut self, request: &[u8], host: &mut impl Host, out: &mut Vec<u8>) {
        let Some((head, payload)) = split(request) else { return };
        let is_request = head.flags & NLM_F_REQUEST != 0 && head.kind >= NLMSG_MIN_TYPE;
        // The kernel takes a message of a type that it knows, without even a family, for a matter of no
        // importance.
        let result = if is_request && (head.kind > RTM_MAX || !payload.is_empty()) {
            let answer = Head { flags: 0, port: self.port, ..head };
            let options = self.options;
            let call = Call { head: answer, flags: head.flags, payload, options: &options, out };
            self.dispatch(head.kind, call, host)
        } else {
            Ok(Trouble::default().into())
        };
        match result {
            Ok(Outcome::Dumped) => {}
            Ok(Outcome::Done(warning)) if head.flags & NLM_F_ACK != 0 => {
                acknowledge(out, &self.options, self.port, request, &warning);
            }
            Ok(Outcome::Done(_)) => {}
            Err(trouble) => acknowledge(out, &self.options, self.port, request, &trouble),
        }
    }

    /// Is there more to tell of a dump?
    pub const fn is_telling(&self) -> bool {
        self.listing.is_some()
    }

    /// Appends the next part of a dump.
    pub fn go_on(&mut self, host: &impl Host, out: &mut Vec<u8>) {
        if self.listing.as_mut().is_some_and(|listing| !listing.part(host, out)) {
            self.listing = None;
        }
    }

    /// Begins a dump, or ends it with what is wrong.
    fn list(&mut self, mut call: Call<'_, '_>, host: &impl Host) -> Outcome {
        match neigh::dump(&call) {
            Ok(listing) => {
                self.listing = Some(listing);
                self.go_on(host, call.out);
                Outcome::Dumped
            }
            Err(trouble) => call.end_dump(&trouble),
        }
    }

    fn dispatch(
        &mut self,
        kind: u16,
        mut call: Call<'_, '_>,
        host: &mut impl Host,
    ) -> Result<Outcome, Trouble> {
        let dump = call.flags & NLM_F_DUMP != 0;
        let bridge = call.payload.first() == Some(&AF_BRIDGE);
        let changes = matches!(
            kind,
            RTM_NEWNEIGH
                | RTM_DELNEIGH
                | RTM_SETNEIGHTBL
                | RTM_NEWLINK
                | RTM_NEWADDR
                | RTM_DELADDR
                | NEIGH_SETPARM
        );
        if changes && !self.may_change {
            return Err(Trouble::errno(errno::EPERM)); // NL-6
        }
        match kind {
            RTM_NEWNEIGH | RTM_DELNEIGH if bridge => Err(Trouble::errno(errno::EOPNOTSUPP)),
            RTM_NEWNEIGH => neigh::add(&call, host).map(Outcome::from),
            RTM_DELNEIGH => neigh::delete(&call, host).map(Outcome::from),
            RTM_GETNEIGH if dump => Ok(self.list(call, host)),
            RTM_GETNEIGH => neigh::get(&mut call, host).map(Outcome::from),
            RTM_GETNEIGHTBL if dump => Ok(ntable::dump(&mut call, host)),
            RTM_SETNEIGHTBL => ntable::set(&call, host).map(Outcome::from),
            RTM_GETLINK if dump => Ok(link::dump(&mut call, host)),
            RTM_GETLINK => link::get(&mut call, host).map(Outcome::from),
            RTM_NEWLINK => link::set(&call, host).map(Outcome::from),
            RTM_GETADDR if dump => Ok(address::dump(&mut call, host)),
            RTM_NEWADDR => address::add(&call, host).map(Outcome::from),
            RTM_DELADDR => address::delete(&call, host).map(Outcome::from),
            NEIGH_SETSOCKOPT => self.set_option(call.payload).map(Outcome::from),
            NEIGH_GETSTATS => Ok(extra::statistics(&mut call, host)),
            NEIGH_GETHISTORY => extra::history(&mut call, host),
            NEIGH_GETPARM => extra::parameter(&mut call, host).map(Outcome::from),
            NEIGH_SETPARM => extra::set_parameter(&call, host).map(Outcome::from),
            _ => Err(Trouble::errno(errno::EOPNOTSUPP)),
        }
    }

    fn set_option(&mut self, payload: &[u8]) -> Result<Trouble, Trouble> {
        let short = || Trouble::text(errno::EINVAL, "an option and its value have 8 bytes");
        let (option, value) = (u32_at(payload, 0).ok_or_else(short)?, u32_at(payload, 4).ok_or_else(short)?);
        match (option, value) {
            (ADD_MEMBERSHIP, GROUP_NEIGH) => self.hears_neigh = true,
            (DROP_MEMBERSHIP, GROUP_NEIGH) => self.hears_neigh = false,
            (ADD_MEMBERSHIP, GROUP_ALERTS) => self.hears_alerts = true,
            (DROP_MEMBERSHIP, GROUP_ALERTS) => self.hears_alerts = false,
            (ADD_MEMBERSHIP | DROP_MEMBERSHIP, _) => {
                return Err(Trouble::text(
                    errno::EINVAL,
                    "the groups here are RTNLGRP_NEIGH (3) and that of alerts (0x7f00)",
                ));
            }
            (CAP_ACK, value) => self.options.cap_ack = value != 0,
            (EXT_ACK, value) => self.options.ext_ack = value != 0,
            (STRICT_CHK, value) => self.options.strict = value != 0,
            _ => return Err(Trouble::errno(errno::ENOPROTOOPT)),
        }
        Ok(Trouble::default())
    }
}

/// What members of `RTNLGRP_NEIGH` hear of an event, as a whole message (EVT-1, EVT-2, EVT-6, EVT-9).
pub fn notification(event: &EventKind) -> Option<Vec<u8>> {
    let (kind, flags, info, port) = match event {
        EventKind::NewNeigh { neighbour, port } => (RTM_NEWNEIGH, 0, neighbour, *port),
        EventKind::Removed { neighbour, .. } => (RTM_DELNEIGH, 0, neighbour, 0),
        EventKind::GetNeigh { neighbour } => (RTM_GETNEIGH, NLM_F_REQUEST, neighbour, 0),
        _ => return None,
    };
    let mut out = Vec::new();
    let head = Head { kind, flags, sequence: 0, port };
    write(&mut out, head, |message| Entry::from(info).write(message));
    Some(out)
}

/// What a member hears that was too slow: some notifications are lost (EVT-7). An error message with
/// `ENOBUFS` and sequence number 0; the conversation goes on.
pub fn overrun(port: u32) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, Head { kind: NLMSG_ERROR, flags: 0, sequence: 0, port }, |message| {
        message.put(&(-errno::ENOBUFS).to_ne_bytes());
        message.put(&[0; 16]);
    });
    out
}

/// The device of this index.
fn device_of(engine: &Engine, index: u32) -> Option<DeviceId> {
    engine.device_ids().find(|device| device.index() == index)
}

#[cfg(test)]
mod tests;
