//! Frames that once broke somebody, through every parser as a host would use them. Each is refused or read
//! as what it is; where a rule other than length must refuse it (hop limit, code, checksum), the value
//! that the rule needs is there.

use neighbour_wire::arp::{self, Packet};
use neighbour_wire::ethernet::{Frame, FrameError};
use neighbour_wire::icmpv6;
use neighbour_wire::ipv6::{IpError, Ipv6};
use neighbour_wire::ndisc::{Header, Icmp, Options, RouterAdvert, Solicit, emit_solicit};

use crate::support::{hex, ll, v6};

fn solicit() -> Vec<u8> {
    let mut buf = Vec::new();
    let header = Header { source: v6("fd09::99"), destination: v6("ff02::1:ff00:1"), traffic_class: 0 };
    emit_solicit(&mut buf, &header, v6("fd09::1"), Some(&ll("02:00:00:00:00:aa")), 0, None);
    buf
}

#[test]
fn cve_2026_7656_each_check_has_its_own_field() {
    let mut bytes = solicit();
    bytes[7] = 64;
    let packet = Ipv6::parse(&bytes).unwrap();
    assert_eq!(packet.hop_limit, 64);
    assert_eq!(Icmp::parse(packet.payload).unwrap().code, 0);
    bytes[41] = 1;
    let packet = Ipv6::parse(&bytes).unwrap();
    assert_eq!(Icmp::parse(packet.payload).unwrap().code, 1);
    assert!(!icmpv6::checksum_ok(packet.source, packet.destination, packet.payload));
}

#[test]
fn cve_2016_1409_a_routed_message_shows_its_hop_limit() {
    let mut bytes = solicit();
    bytes[7] = 254;
    assert_eq!(Ipv6::parse(&bytes).unwrap().hop_limit, 254);
}

#[test]
fn cve_2021_21279_option_of_length_zero_ends() {
    let mut bytes = solicit();
    bytes[65] = 0;
    let message = Solicit::parse(&bytes[40..]).unwrap();
    assert!(Options::parse(message.options).is_err());
    assert_eq!(Options::default().prefixes().count(), 0);
}

#[test]
fn cve_2020_25577_dns_option_longer_than_the_packet() {
    let mut bytes = vec![134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend_from_slice(&[25, 5, 0, 0, 0, 0, 0, 0]);
    let message = RouterAdvert::parse(&bytes).unwrap();
    assert!(Options::parse(message.options).is_err());
}

#[test]
fn cve_2015_2922_a_hop_limit_of_one_is_read_as_it_is() {
    let bytes = [134, 0, 0, 0, 1, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(RouterAdvert::parse(&bytes).unwrap().cur_hop_limit, 1);
}

#[test]
fn cve_2018_16600_truncated_arp_frame() {
    let frame =
        hex("ffffffffffff 0200000000aa 0806 0001 0800 06 04 0001 0200000000aa 0a090063 000000000000 0a0900");
    let frame = Frame::parse(&frame).unwrap();
    assert_eq!(Packet::parse(frame.payload), Err(arp::ArpError::Truncated { need: 28, got: 27 }));
}

#[test]
fn cve_2020_11914_runt_frames() {
    let frame = hex("ffffffffffff 0200000000aa 0806");
    for len in 0..14 {
        assert!(matches!(Frame::parse(&frame[..len]), Err(FrameError::Truncated { .. })));
    }
    assert!(Packet::parse(Frame::parse(&frame).unwrap().payload).is_err());
}

#[test]
fn cve_2019_12262_rarp_shows_its_operation() {
    let bytes = hex("0001 0800 06 04 0004 0200000000aa 0a090063 020000000101 0a090001");
    assert_eq!(Packet::parse(&bytes).unwrap().op(), 4);
}

#[test]
fn cve_2020_17443_message_shorter_than_its_header() {
    let bytes = solicit();
    for len in 0..24 {
        let mut short = bytes[..40 + len].to_vec();
        short[5] = len as u8;
        let packet = Ipv6::parse(&short).unwrap();
        assert_eq!(Solicit::parse(packet.payload), None);
    }
}

#[test]
fn cve_2020_13986_extension_header_past_the_end() {
    let mut bytes = solicit();
    bytes[6] = 60;
    bytes[40..42].copy_from_slice(&[58, 255]);
    let packet = Ipv6::parse(&bytes).unwrap();
    assert_eq!(packet.upper(), Err(IpError::Truncated { need: 2048, got: 32 }));
}

#[test]
fn every_truncation_of_a_frame_is_refused() {
    let frame = [hex("3333ff000001 0200000000aa 86dd"), solicit()].concat();
    for len in 0..frame.len() {
        let refused = Frame::parse(&frame[..len]).map_or(true, |frame| Ipv6::parse(frame.payload).is_err());
        assert!(refused, "{len}");
    }
}
