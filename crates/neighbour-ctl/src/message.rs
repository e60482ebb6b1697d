//! Whole netlink messages: header and payload, between bytes and what they say.

use crate::entry::MessageError;
use crate::frames::HEADER;
use crate::interface::Interface;
use netlink_packet_core::{
    ErrorMessage, NLMSG_DONE, NLMSG_ERROR, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use std::num::NonZeroI32;

pub(crate) const RTM_NEWLINK: u16 = 16;
pub(crate) const RTM_DELLINK: u16 = 17;
pub(crate) const RTM_GETLINK: u16 = 18;
pub(crate) const RTM_NEWNEIGH: u16 = 28;
pub(crate) const RTM_GETNEIGH: u16 = 30;

/// The fields of `struct nlmsghdr`, without the length.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Head {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) sequence: u32,
    pub(crate) port: u32,
}

/// Takes a message apart. `message` is one whole message, as [`crate::Frames`] gives it.
pub(crate) fn split(message: &[u8]) -> Option<(Head, &[u8])> {
    let (head, payload) = message.split_at_checked(HEADER)?;
    let u16_at = |at: usize| Some(u16::from_ne_bytes(head.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_ne_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let head = Head { kind: u16_at(4)?, flags: u16_at(6)?, sequence: u32_at(8)?, port: u32_at(12)? };
    Some((head, payload))
}

/// Appends a message; the type follows from the payload.
pub(crate) fn emit(out: &mut Vec<u8>, head: Head, payload: NetlinkPayload<RouteNetlinkMessage>) {
    let mut header = NetlinkHeader::default();
    header.flags = head.flags;
    header.sequence_number = head.sequence;
    header.port_number = head.port;
    let mut message = NetlinkMessage::new(header, payload);
    message.finalize();
    let start = out.len();
    out.resize(start + message.buffer_len().next_multiple_of(4), 0);
    if let Some(place) = out.get_mut(start..start + message.buffer_len()) {
        message.serialize(place);
    }
}

/// The answer to `request` that something was wrong (a positive errno), or that all is well (0).
pub(crate) fn emit_error(out: &mut Vec<u8>, request: &[u8], errno: i32) {
    let mut error = ErrorMessage::default();
    error.code = NonZeroI32::new(-errno);
    // As the kernel does: the whole request comes back with an error, its header with an ack.
    let kept = if errno == 0 { request.get(..HEADER).unwrap_or(request) } else { request };
    error.header = kept.to_vec();
    let asked = split(request).map(|(head, _)| head).unwrap_or_default();
    let head = Head { kind: 0, flags: 0, ..asked };
    emit(out, head, NetlinkPayload::Error(error));
}

/// What a reply message is, besides one that carries something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Control {
    /// The dump is over; a negative errno if it was cut short.
    Done(i32),
    /// An ack (0) or a negative errno.
    Error(i32),
    /// A message of this type.
    Content(u16),
}

pub(crate) fn control(head: Head, payload: &[u8]) -> Control {
    let code = || payload.first_chunk::<4>().map_or(0, |code| i32::from_ne_bytes(*code));
    match head.kind {
        NLMSG_DONE => Control::Done(code()),
        NLMSG_ERROR => Control::Error(code()),
        kind => Control::Content(kind),
    }
}

/// What the kernel tells to those who listen to `RTNLGRP_LINK`.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LinkNews {
    /// An interface came or changed.
    Changed(Interface),
    /// An interface went; its index.
    Removed(u32),
}

/// Reads one message about a link; `None` if it is about something else.
///
/// # Errors
///
/// The message is about a link and cannot be read.
pub fn link_news(message: &[u8]) -> Result<Option<LinkNews>, MessageError> {
    let Some((head, payload)) = split(message) else { return Ok(None) };
    Ok(match head.kind {
        RTM_NEWLINK => Some(LinkNews::Changed(Interface::parse(payload)?)),
        RTM_DELLINK => Some(LinkNews::Removed(Interface::parse(payload)?.index)),
        _ => None,
    })
}
