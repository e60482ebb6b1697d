use neighbour_wire::echo::Echo;
use neighbour_wire::ipv4::Ipv4;
use neighbour_wire::ipv6::Ipv6;
use neighbour_wire::{icmpv4, icmpv6, udp};

use crate::support::{hex, v4, v6};

/// Echo requests that a Linux host answered.
fn v4_message() -> Vec<u8> {
    hex("0800d4d20001000161626364656667686162636465666768")
}

fn v6_packet() -> Vec<u8> {
    hex("6000000000103a40 fd090000000000000000000000000099 fd090000000000000000000000000001
         8000f36f000100016162636465666768")
}

const ECHO: Echo<'static> = Echo { reply: false, id: 1, seq: 1, payload: b"abcdefgh" };

#[test]
fn icmpv4_echo_parse() {
    let message = v4_message();
    assert!(icmpv4::checksum_ok(&message));
    assert_eq!(icmpv4::parse_echo(&message), Some(Echo { payload: b"abcdefghabcdefgh", ..ECHO }));
}

#[test]
fn icmpv4_echo_emit() {
    let mut buf = Vec::new();
    let echo = Echo { payload: b"abcdefghabcdefgh", ..ECHO };
    icmpv4::emit_echo(&mut buf, v4("10.9.0.99"), v4("10.9.0.1"), 64, &echo);
    let packet = Ipv4::parse(&buf).unwrap();
    assert_eq!((packet.protocol, packet.ttl), (icmpv4::PROTOCOL, 64));
    assert_eq!(packet.payload, v4_message());
}

#[test]
fn icmpv6_echo_parse() {
    let bytes = v6_packet();
    let packet = Ipv6::parse(&bytes).unwrap();
    assert!(icmpv6::checksum_ok(packet.source, packet.destination, packet.payload));
    assert!(!icmpv6::checksum_ok(packet.source, v6("fd09::2"), packet.payload));
    assert_eq!(icmpv6::parse_echo(packet.payload), Some(ECHO));
}

#[test]
fn icmpv6_echo_emit() {
    let mut buf = Vec::new();
    icmpv6::emit_echo(&mut buf, v6("fd09::99"), v6("fd09::1"), 64, &ECHO);
    assert_eq!(buf, v6_packet());
}

#[test]
fn echo_replies_go_by_their_own_type() {
    let reply = Echo { reply: true, ..ECHO };
    let mut buf = Vec::new();
    icmpv4::emit_echo(&mut buf, v4("10.9.0.99"), v4("10.9.0.1"), 64, &reply);
    assert_eq!(buf[20], 0);
    assert_eq!(icmpv4::parse_echo(&buf[20..]), Some(reply));
    buf.clear();
    icmpv6::emit_echo(&mut buf, v6("fd09::99"), v6("fd09::1"), 64, &reply);
    assert_eq!(buf[40], 129);
    assert_eq!(icmpv6::parse_echo(&buf[40..]), Some(reply));
}

#[test]
fn echo_truncated_at_every_length_of_its_header_or_with_a_code() {
    let mut message = v4_message();
    for len in 0..8 {
        assert_eq!(icmpv4::parse_echo(&message[..len]), None);
    }
    message[1] = 1;
    assert_eq!(icmpv4::parse_echo(&message), None);
    assert_eq!(icmpv6::parse_echo(&v4_message()), None);
}

#[test]
fn checksums_of_short_messages_are_wrong_and_writing_them_does_nothing() {
    for len in 0..4 {
        let mut message = vec![0xff; len];
        icmpv4::finish(&mut message);
        icmpv6::finish(&mut message, v6("::"), v6("::"));
        assert!(!icmpv4::checksum_ok(&message));
        assert!(!icmpv6::checksum_ok(v6("::"), v6("::"), &message));
    }
}

#[test]
fn udp_datagrams_are_read_back() {
    let mut buf = Vec::new();
    udp::emit_ipv4(&mut buf, v4("10.9.0.99"), v4("10.9.0.1"), 4000, 9, b"hello");
    let packet = Ipv4::parse(&buf).unwrap();
    assert_eq!(packet.protocol, udp::PROTOCOL);
    let datagram = udp::Datagram::parse(packet.payload).unwrap();
    assert_eq!((datagram.source_port, datagram.destination_port), (4000, 9));
    assert_eq!(datagram.payload, b"hello");
    // From a separate computation over pseudo header, header and payload.
    assert_eq!(packet.payload[6..8], [0x97, 0xe3]);

    buf.clear();
    udp::emit_ipv6(&mut buf, v6("fd09::99"), v6("fd09::1"), 4000, 9, b"hello");
    let packet = Ipv6::parse(&buf).unwrap();
    assert_eq!(packet.next_header, udp::PROTOCOL);
    assert_eq!(udp::Datagram::parse(packet.payload).map(|d| d.payload), Some(&b"hello"[..]));
}

#[test]
fn udp_lengths_that_lie_are_refused() {
    let bytes = hex("0fa00009000d0000 68656c6c6f");
    assert!(udp::Datagram::parse(&bytes).is_some());
    for len in 0..bytes.len() {
        assert_eq!(udp::Datagram::parse(&bytes[..len]), None);
    }
    for length in [0, 7, 14, 255] {
        let mut bytes = bytes.clone();
        bytes[5] = length;
        assert_eq!(udp::Datagram::parse(&bytes), None, "{length}");
    }
}

#[test]
fn a_payload_no_packet_can_hold_is_cut() {
    let payload = vec![1; 70_000];
    let (mut four, mut six) = (Vec::new(), Vec::new());
    udp::emit_ipv4(&mut four, v4("10.9.0.99"), v4("10.9.0.1"), 1, 2, &payload);
    udp::emit_ipv6(&mut six, v6("fd09::99"), v6("fd09::1"), 1, 2, &payload);
    assert_eq!((four.len(), six.len()), (65_535, 40 + 65_535));
    assert!(udp::Datagram::parse(Ipv4::parse(&four).unwrap().payload).is_some());
    assert!(udp::Datagram::parse(Ipv6::parse(&six).unwrap().payload).is_some());
    let echo = Echo { payload: &payload, ..ECHO };
    four.clear();
    six.clear();
    icmpv4::emit_echo(&mut four, v4("10.9.0.99"), v4("10.9.0.1"), 64, &echo);
    icmpv6::emit_echo(&mut six, v6("fd09::99"), v6("fd09::1"), 64, &echo);
    assert!(icmpv4::checksum_ok(Ipv4::parse(&four).unwrap().payload));
    let packet = Ipv6::parse(&six).unwrap();
    assert!(icmpv6::checksum_ok(packet.source, packet.destination, packet.payload));
}
