use neighbour_wire::LlAddr;
use neighbour_wire::arp::{ArpError, Packet, Repr, op};

use crate::support::{hex, ll, v4};

/// A reply on Ethernet, as it went over a link to a Linux host.
fn bytes() -> Vec<u8> {
    hex("0001 0800 06 04 0002 0200000000aa 0a090063 020000000101 0a090001")
}

fn value() -> Repr {
    Repr {
        hardware_type: 1,
        op: op::REPLY,
        sender_hw: ll("02:00:00:00:00:aa"),
        sender_ip: v4("10.9.0.99"),
        target_hw: ll("02:00:00:00:01:01"),
        target_ip: v4("10.9.0.1"),
    }
}

/// RFC row A1.
#[test]
fn deconstruct() {
    let bytes = bytes();
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!(packet.hardware_type(), 1);
    assert_eq!(packet.protocol(), 0x0800);
    assert_eq!(packet.hardware_len(), 6);
    assert_eq!(packet.protocol_len(), 4);
    assert_eq!(packet.op(), 2);
    assert_eq!(packet.sender_hw(), [2, 0, 0, 0, 0, 0xaa]);
    assert_eq!(packet.sender_protocol(), [10, 9, 0, 99]);
    assert_eq!(packet.target_hw(), [2, 0, 0, 0, 1, 1]);
    assert_eq!(packet.target_protocol(), [10, 9, 0, 1]);
}

#[test]
fn construct() {
    let request = Repr { op: op::REQUEST, target_hw: LlAddr::EMPTY, ..value() };
    let mut buf = Vec::new();
    request.emit(&mut buf);
    assert_eq!(buf, hex("0001 0800 06 04 0001 0200000000aa 0a090063 000000000000 0a090001"));
}

#[test]
fn parse() {
    assert_eq!(Repr::parse(&Packet::parse(&bytes()).unwrap()), Ok(value()));
}

#[test]
fn emit() {
    let mut buf = vec![7];
    value().emit(&mut buf);
    assert_eq!(buf[0], 7);
    assert_eq!(buf[1..], bytes());
    assert_eq!(value().buffer_len(), 28);
}

/// CVE-2018-16600: truncated ARP.
#[test]
fn truncated_at_every_length() {
    let bytes = bytes();
    for len in 0..bytes.len() {
        let need = if len < 8 { 8 } else { 28 };
        assert_eq!(Packet::parse(&bytes[..len]), Err(ArpError::Truncated { need, got: len }));
    }
}

/// RFC row A11.
#[test]
fn padding_behind_is_ignored() {
    let mut padded = bytes();
    padded.resize(46, 0xee);
    assert_eq!(Repr::parse(&Packet::parse(&padded).unwrap()), Ok(value()));
}

/// CVE-2016-7923, CVE-2017-13013, CVE-2020-11914: lengths larger than the data.
#[test]
fn lengths_that_lie_are_truncated_packets() {
    for (hardware_len, protocol_len) in [(255, 255), (7, 4), (6, 5), (255, 0), (0, 255), (6, 255)] {
        let mut bytes = bytes();
        bytes[4] = hardware_len;
        bytes[5] = protocol_len;
        let need = 8 + 2 * (usize::from(hardware_len) + usize::from(protocol_len));
        assert_eq!(Packet::parse(&bytes), Err(ArpError::Truncated { need, got: 28 }));
    }
}

#[test]
fn smaller_lengths_move_the_fields() {
    let mut bytes = bytes();
    bytes[4] = 2;
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!(packet.sender_hw(), [2, 0]);
    assert_eq!(packet.sender_protocol(), [0, 0, 0, 0xaa]);
    bytes[5] = 0;
    assert_eq!(Packet::parse(&bytes).unwrap().target_protocol(), []);
}

#[test]
fn a_value_speaks_of_ipv4_only() {
    let parse = |bytes: &[u8]| Repr::parse(&Packet::parse(bytes).unwrap());
    let mut other_protocol = bytes();
    other_protocol[2..4].copy_from_slice(&[0x86, 0xdd]);
    assert_eq!(parse(&other_protocol), Err(ArpError::Protocol(0x86dd)));
    let mut short = bytes();
    short[5] = 3;
    assert_eq!(parse(&short), Err(ArpError::ProtocolLen(3)));
    let mut long = bytes();
    long[4] = 33;
    long.resize(8 + 2 * (33 + 4), 0);
    assert_eq!(parse(&long), Err(ArpError::HardwareLen(33)));
}

#[test]
fn infiniband_addresses_fit() {
    let repr = Repr {
        hardware_type: 32,
        sender_hw: LlAddr::broadcast(20),
        target_hw: LlAddr::new(&[5; 20]).unwrap(),
        ..value()
    };
    let mut buf = Vec::new();
    repr.emit(&mut buf);
    assert_eq!(buf.len(), 56);
    assert_eq!(Repr::parse(&Packet::parse(&buf).unwrap()), Ok(repr));
}

#[test]
fn a_target_of_another_length_is_written_in_the_senders() {
    let mut buf = Vec::new();
    Repr { target_hw: LlAddr::new(&[9; 8]).unwrap(), ..value() }.emit(&mut buf);
    assert_eq!(buf.len(), 28);
    assert_eq!(buf[18..24], [9; 6]);
}
