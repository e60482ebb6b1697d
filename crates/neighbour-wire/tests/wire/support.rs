//! Small things that several tests use.

use core::net::{Ipv4Addr, Ipv6Addr};

use neighbour_wire::LlAddr;
use neighbour_wire::ethernet::Frame;
use neighbour_wire::ipv6::Ipv6;

/// Bytes from hexadecimal text; blanks are ignored.
#[track_caller]
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[track_caller]
pub(crate) fn v4(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

#[track_caller]
pub(crate) fn v6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

#[track_caller]
pub(crate) fn ll(text: &str) -> LlAddr {
    text.parse().unwrap()
}

/// The IPv6 packet in a frame.
#[track_caller]
pub(crate) fn ipv6_in(frame: &[u8]) -> Ipv6<'_> {
    Ipv6::parse(Frame::parse(frame).unwrap().payload).unwrap()
}
