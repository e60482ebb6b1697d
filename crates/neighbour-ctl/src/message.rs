//! Whole netlink messages: header, payload and attributes, between bytes and what they say.

use crate::entry::MessageError;
use crate::frames::HEADER;
use crate::interface::Interface;
use netlink_packet_core::{Emitable, NLMSG_DONE, NLMSG_ERROR};

pub(crate) const RTM_NEWLINK: u16 = 16;
pub(crate) const RTM_DELLINK: u16 = 17;
pub(crate) const RTM_GETLINK: u16 = 18;
pub(crate) const RTM_NEWADDR: u16 = 20;
pub(crate) const RTM_DELADDR: u16 = 21;
pub(crate) const RTM_GETADDR: u16 = 22;
pub(crate) const RTM_NEWNEIGH: u16 = 28;
pub(crate) const RTM_DELNEIGH: u16 = 29;
pub(crate) const RTM_GETNEIGH: u16 = 30;
pub(crate) const RTM_NEWNEIGHTBL: u16 = 64;
pub(crate) const RTM_GETNEIGHTBL: u16 = 66;
pub(crate) const RTM_SETNEIGHTBL: u16 = 67;

/// `NLM_F_CAPPED`: of the request only the header comes back.
pub(crate) const CAPPED: u16 = 0x100;
/// `NLM_F_ACK_TLVS`: attributes follow the error.
pub(crate) const ACK_TLVS: u16 = 0x200;
/// `NLM_F_DUMP_FILTERED`.
pub(crate) const DUMP_FILTERED: u16 = 0x20;

/// Attributes of an error or of a dump's end.
pub(crate) const NLMSGERR_ATTR_MSG: u16 = 1;
pub(crate) const NLMSGERR_ATTR_OFFS: u16 = 2;
pub(crate) const NLMSGERR_ATTR_POLICY: u16 = 4;
pub(crate) const NLMSGERR_ATTR_MISS_TYPE: u16 = 5;

/// The bits of `nla_type` that are no type: nested, and network byte order.
pub(crate) const NLA_F_NESTED: u16 = 0x8000;
const NLA_TYPE_MASK: u16 = 0x3fff;
pub(crate) const NLA_HEADER: usize = 4;

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
    let head = Head {
        kind: u16_at(head, 4)?,
        flags: u16_at(head, 6)?,
        sequence: u32_at(head, 8)?,
        port: u32_at(head, 12)?,
    };
    Some((head, payload))
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A message that is being written at the end of a buffer.
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
}

/// Appends one message; `fill` writes what follows its header.
pub(crate) fn write(out: &mut Vec<u8>, head: Head, fill: impl FnOnce(&mut Writer<'_>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&head.kind.to_ne_bytes());
    out.extend_from_slice(&head.flags.to_ne_bytes());
    out.extend_from_slice(&head.sequence.to_ne_bytes());
    out.extend_from_slice(&head.port.to_ne_bytes());
    fill(&mut Writer { out });
    let len = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&len.to_ne_bytes());
    }
    pad(out);
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

impl Writer<'_> {
    /// Bytes as they are.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Zeros up to a multiple of four bytes.
    pub(crate) fn align(&mut self) {
        pad(self.out);
    }

    /// What a library knows how to write.
    pub(crate) fn emit(&mut self, value: &impl Emitable) {
        let start = self.out.len();
        self.out.resize(start + value.buffer_len(), 0);
        if let Some(place) = self.out.get_mut(start..) {
            value.emit(place);
        }
    }

    /// An attribute, padded.
    pub(crate) fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.nest(kind, |nested| nested.put(value));
    }

    pub(crate) fn u32(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_ne_bytes());
    }

    pub(crate) fn u64(&mut self, kind: u16, value: u64) {
        self.attribute(kind, &value.to_ne_bytes());
    }

    /// A text with a zero byte behind it.
    pub(crate) fn text(&mut self, kind: u16, text: &str) {
        self.nest(kind, |nested| {
            nested.put(text.as_bytes());
            nested.put(&[0]);
        });
    }

    /// An attribute of attributes.
    pub(crate) fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Writer<'_>)) {
        let start = self.out.len();
        self.out.extend_from_slice(&[0; 2]);
        self.out.extend_from_slice(&kind.to_ne_bytes());
        fill(&mut Writer { out: self.out });
        let len = u16::try_from(self.out.len() - start).unwrap_or(u16::MAX);
        if let Some(place) = self.out.get_mut(start..start + 2) {
            place.copy_from_slice(&len.to_ne_bytes());
        }
        pad(self.out);
    }
}

/// An attribute, as it stands in a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Attribute<'m> {
    /// Its type, without the two flag bits.
    pub(crate) kind: u16,
    /// `NLA_F_NESTED` is set.
    pub(crate) nested: bool,
    pub(crate) value: &'m [u8],
    /// Where it begins, counted from the first byte given to [`Attributes::new`].
    pub(crate) offset: usize,
}

/// The attributes in some bytes, until the first that is none.
#[derive(Clone, Debug)]
pub(crate) struct Attributes<'m> {
    rest: &'m [u8],
    offset: usize,
}

impl<'m> Attributes<'m> {
    pub(crate) const fn new(bytes: &'m [u8]) -> Self {
        Self { rest: bytes, offset: 0 }
    }

    /// After the last attribute: do bytes follow that are none?
    pub(crate) const fn has_leftover(&self) -> bool {
        !self.rest.is_empty()
    }

    /// The value of the last attribute of this type.
    pub(crate) fn value(self, kind: u16) -> Option<&'m [u8]> {
        self.filter(|attribute| attribute.kind == kind).last().map(|attribute| attribute.value)
    }
}

impl<'m> Iterator for Attributes<'m> {
    type Item = Attribute<'m>;

    fn next(&mut self) -> Option<Attribute<'m>> {
        let len = usize::from(u16_at(self.rest, 0)?);
        let kind = u16_at(self.rest, 2)?;
        let value = self.rest.get(NLA_HEADER..len)?;
        let (offset, next) = (self.offset, len.next_multiple_of(4).min(self.rest.len()));
        self.rest = self.rest.get(next..).unwrap_or_default();
        self.offset += next;
        Some(Attribute { kind: kind & NLA_TYPE_MASK, nested: kind & NLA_F_NESTED != 0, value, offset })
    }
}

/// A text without the zero byte that ends it. What is no UTF-8 is replaced.
pub(crate) fn text_of(value: &[u8]) -> String {
    let text = value.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn attributes_come_out_as_they_were_written() {
        let mut out = Vec::new();
        let head = Head { kind: 30, flags: 1, sequence: 7, port: 9 };
        write(&mut out, head, |message| {
            message.put(&[1, 2, 3, 4]);
            message.text(5, "ab");
            message.nest(6 | NLA_F_NESTED, |nested| nested.u64(1, 2));
        });
        let (told, payload) = split(&out).unwrap();
        assert_eq!((told, out.len()), (head, 16 + 4 + 8 + 16));
        let mut attributes = Attributes::new(&payload[4..]);
        let first = attributes.next().unwrap();
        assert_eq!(
            (first.kind, first.nested, text_of(first.value).as_str(), first.offset),
            (5, false, "ab", 0)
        );
        let second = attributes.next().unwrap();
        assert_eq!((second.kind, second.nested, second.offset), (6, true, 8));
        assert_eq!(Attributes::new(second.value).value(1), Some(&2_u64.to_ne_bytes()[..]));
        assert!(attributes.next().is_none() && !attributes.has_leftover());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_attributes_panic_or_go_on_for_ever(bytes in prop::collection::vec(any::<u8>(), 0..99)) {
            let mut attributes = Attributes::new(&bytes);
            prop_assert!(attributes.by_ref().count() <= bytes.len());
            let _ = attributes.has_leftover();
        }
    }
}
