//! IPv6 neighbour discovery (section 5 of `specs/linux-6.18.md`, RFC 4861).
//!
//! Read first: RFC 4861 sections 7.1 (validation) and 7.2 (address resolution).

mod advert;
mod redirect;
mod router;
mod send;
mod solicit;

use crate::{DeviceId, DropReason, Engine};
use core::net::Ipv6Addr;
use neighbour_wire::LlAddr;
use neighbour_wire::icmpv6::kind;
use neighbour_wire::ndisc::{Options, lladdr_from_option};

pub(crate) use send::Advertise;

/// A message whose hop limit and checksum are right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'f> {
    pub(crate) device: DeviceId,
    /// The frame was sent to our own address rather than a group.
    pub(crate) to_us: bool,
    /// It waited for its proxy delay already.
    pub(crate) from_queue: bool,
    pub(crate) source: Ipv6Addr,
    pub(crate) destination: Ipv6Addr,
    /// From the ICMPv6 type on.
    pub(crate) bytes: &'f [u8],
}

impl Engine {
    /// Takes in a message. An error is the reason for which it was dropped.
    pub(crate) fn ndisc_receive(&mut self, message: &Message<'_>) -> Result<(), DropReason> {
        let (kind, code) = match message.bytes {
            [kind, code, ..] => (*kind, *code),
            _ => return Err(DropReason::NdTruncated),
        };
        if code != 0 {
            return Err(DropReason::NdCode); // ND-16
        }
        match kind {
            kind::NS => self.solicit_receive(message),
            kind::NA => self.advert_receive(message),
            kind::RS => self.router_solicit_receive(message),
            kind::RA => self.router_advert_receive(message),
            _ => self.redirect_receive(message),
        }
    }

    /// The address of a link-layer address option; wrong lengths are an error (ND-18).
    fn option_lladdr(&self, device: DeviceId, option: Option<&[u8]>) -> Result<Option<LlAddr>, DropReason> {
        let Some(option) = option else { return Ok(None) };
        let own = self.device(device).ok_or(DropReason::DeviceDown)?;
        let lladdr = lladdr_from_option(option, own.addr_len(), own.kind.option_pad());
        lladdr.map(Some).ok_or(DropReason::NdBadLladdr)
    }
}

/// The options of a message (ND-17).
fn options(bytes: &[u8]) -> Result<Options<'_>, DropReason> {
    Options::parse(bytes).map_err(|_| DropReason::NdBadOption)
}
