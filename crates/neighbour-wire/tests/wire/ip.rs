use neighbour_wire::ipv4::{self, IpError, Ipv4};
use neighbour_wire::ipv6::{self, Ipv6};

use crate::support::{hex, v4, v6};

/// An echo request as it went to a Linux host, with two bytes of padding.
fn v4_bytes() -> Vec<u8> {
    hex("4500002c000100004001665b0a0900630a090001 0800d4d2000100016162636465666768616263646566676800 00")
}

/// The same over IPv6.
fn v6_bytes() -> Vec<u8> {
    hex("6000000000103a40 fd090000000000000000000000000099 fd090000000000000000000000000001
         8000f36f000100016162636465666768")
}

/// Makes the header's checksum right again after a change.
fn repair(bytes: &mut [u8]) {
    bytes[10..12].fill(0);
    let sum: u32 = bytes[..20].chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1])).sum();
    let sum = !(((sum >> 16) + (sum & 0xffff)) as u16);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
}

#[test]
fn ipv4_deconstruct() {
    let mut bytes = v4_bytes();
    bytes[2..4].copy_from_slice(&43_u16.to_be_bytes());
    repair(&mut bytes);
    let packet = Ipv4::parse(&bytes).unwrap();
    assert_eq!(packet.source, v4("10.9.0.99"));
    assert_eq!(packet.destination, v4("10.9.0.1"));
    assert_eq!((packet.protocol, packet.ttl), (1, 64));
    assert_eq!((packet.header_len, packet.total_len), (20, 43));
    assert!(!packet.fragment);
    assert_eq!(packet.payload, &bytes[20..43]);
}

#[test]
fn ipv4_construct_and_parse() {
    let mut buf = Vec::new();
    ipv4::emit_header(&mut buf, v4("10.9.0.99"), v4("10.9.0.1"), 17, 3, 2);
    assert_eq!(buf, hex("45000016 00004000 031163 62 0a0900630a090001"));
    buf.extend_from_slice(&[1, 2, 0, 0]);
    let packet = Ipv4::parse(&buf).unwrap();
    assert_eq!((packet.protocol, packet.ttl, packet.payload), (17, 3, &[1, 2][..]));
}

#[test]
fn ipv4_truncated_at_every_length() {
    let bytes = &v4_bytes()[..44];
    for len in 0..44 {
        let error = if len < 20 {
            IpError::Truncated { need: 20, got: len }
        } else {
            IpError::Length { stated: 44, got: len }
        };
        assert_eq!(Ipv4::parse(&bytes[..len]), Err(error), "{len}");
    }
    assert!(Ipv4::parse(bytes).is_ok());
}

#[test]
fn ipv4_headers_that_lie() {
    let with = |at: usize, value: u8| {
        let mut bytes = v4_bytes();
        bytes[at] = value;
        repair(&mut bytes);
        Ipv4::parse(&bytes).map(|packet| packet.payload.len())
    };
    assert_eq!(with(0, 0x65), Err(IpError::Version { expected: 4, got: 6 }));
    assert_eq!(with(0, 0x44), Err(IpError::HeaderLen(4)));
    assert_eq!(with(0, 0x4f), Err(IpError::Truncated { need: 60, got: v4_bytes().len() }));
    assert_eq!(with(3, 19), Err(IpError::Length { stated: 19, got: v4_bytes().len() }));
    assert_eq!(with(2, 0xff), Err(IpError::Length { stated: 0xff2c, got: v4_bytes().len() }));
    let mut bytes = v4_bytes();
    for bit in 0..160 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Ipv4::parse(&bytes).is_err(), "a flip of bit {bit} is noticed");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn ipv4_fragments_are_told() {
    for (field, fragment, offset) in [
        (0x0000_u16, false, 0),
        (0x4000, false, 0),
        (0x2000, true, 0),
        (0x2003, true, 24),
        (0x1fff, true, 65528),
    ] {
        let mut bytes = v4_bytes();
        bytes[6..8].copy_from_slice(&field.to_be_bytes());
        repair(&mut bytes);
        let packet = Ipv4::parse(&bytes).unwrap();
        assert_eq!((packet.fragment, packet.fragment_offset), (fragment, offset), "{field:#x}");
    }
}

#[test]
fn ipv6_deconstruct() {
    let bytes = v6_bytes();
    let packet = Ipv6::parse(&bytes).unwrap();
    assert_eq!(packet.source, v6("fd09::99"));
    assert_eq!(packet.destination, v6("fd09::1"));
    assert_eq!((packet.next_header, packet.hop_limit), (58, 64));
    assert_eq!(packet.payload, &bytes[40..]);
}

#[test]
fn ipv6_construct() {
    let mut buf = Vec::new();
    ipv6::emit_header(&mut buf, v6("fd09::99"), v6("fd09::1"), 58, 64, 0, 16);
    assert_eq!(buf, v6_bytes()[..40]);
    buf.clear();
    ipv6::emit_header(&mut buf, v6("::"), v6("::"), 58, 64, 0xc5, 70_000);
    assert_eq!(buf[..6], [0x6c, 0x50, 0, 0, 0xff, 0xff]);
}

#[test]
fn ipv6_truncated_at_every_length() {
    let bytes = v6_bytes();
    for len in 0..bytes.len() {
        let error = if len < 40 {
            IpError::Truncated { need: 40, got: len }
        } else {
            IpError::Length { stated: 56, got: len }
        };
        assert_eq!(Ipv6::parse(&bytes[..len]), Err(error), "{len}");
    }
}

/// contiki-ng#2402, CVE-2020-17441: the payload length differs from what is there.
#[test]
fn ipv6_payload_length_that_lies() {
    let mut bytes = v6_bytes();
    for length in [17_u16, 56, 0xffff] {
        bytes[4..6].copy_from_slice(&length.to_be_bytes());
        let stated = 40 + usize::from(length);
        assert_eq!(Ipv6::parse(&bytes), Err(IpError::Length { stated, got: 56 }));
    }
    bytes[4..6].copy_from_slice(&[0, 3]);
    assert_eq!(Ipv6::parse(&bytes).unwrap().payload, &bytes[40..43]);
}

#[test]
fn solicited_node_groups() {
    assert_eq!(ipv6::solicited_node(&v6("fd09::12:3456")), v6("ff02::1:ff12:3456"));
    assert_eq!(ipv6::solicited_node(&v6("fe80::abcd:ef01:2345")), v6("ff02::1:ff01:2345"));
    for (address, is) in [
        ("ff02::1:ff00:0", true),
        ("ff02::1:ffff:ffff", true),
        ("ff02::1:fe00:1", false),
        ("ff05::1:ff00:1", false),
        ("ff02::1", false),
        ("ff02::1:0:1:ff00:1", false),
    ] {
        assert_eq!(ipv6::is_solicited_node(&v6(address)), is, "{address}");
    }
}
