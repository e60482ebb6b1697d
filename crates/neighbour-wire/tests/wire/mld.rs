use neighbour_wire::icmpv6;
use neighbour_wire::mld::{Query, Record, emit_done_v1, emit_report_v1, emit_report_v2};

use crate::support::{hex, ipv6_in, v6};

/// Report of a Linux 6.18 host that joins the group of its link-local address.
fn report() -> Vec<u8> {
    hex("333300000016 020000000001 86dd
         6000000000240001 fe80000000000000000000fffe000001 ff020000000000000000000000000016
         3a00050200000100
         8f00720700000001 04000000 ff0200000000000000000001ff000001")
}

#[test]
fn deconstruct_report() {
    let frame = report();
    let packet = ipv6_in(&frame);
    assert_eq!(packet.hop_limit, 1);
    let upper = packet.upper().unwrap();
    assert!(upper.router_alert);
    assert_eq!(upper.protocol, icmpv6::PROTOCOL);
    assert_eq!(upper.payload[0], icmpv6::kind::MLDV2_REPORT);
    assert!(icmpv6::checksum_ok(packet.source, packet.destination, upper.payload));
}

#[test]
fn emit_report() {
    let mut buf = report()[..14].to_vec();
    emit_report_v2(&mut buf, v6("fe80::ff:fe00:1"), &[(Record::Exclude, v6("ff02::1:ff00:1"))]);
    assert_eq!(buf, report());
}

/// The same host's report before it has an address.
#[test]
fn emit_report_from_the_unspecified_address() {
    let mut buf = Vec::new();
    emit_report_v2(&mut buf, v6("::"), &[(Record::Exclude, v6("ff02::1:ff00:1"))]);
    let want = hex("6000000000240001 00000000000000000000000000000000 ff020000000000000000000000000016
                    3a00050200000100 8f006f8900000001 04000000 ff0200000000000000000001ff000001");
    assert_eq!(buf, want);
}

#[test]
fn construct_report_of_several_records() {
    let group = v6("ff02::1:ff00:1");
    let records = [(Record::IsExclude, group), (Record::Include, group), (Record::Exclude, group)];
    let mut buf = report()[..14].to_vec();
    emit_report_v2(&mut buf, v6("fe80::1"), &records);
    let packet = ipv6_in(&buf);
    let message = packet.upper().unwrap().payload;
    assert!(icmpv6::checksum_ok(packet.source, packet.destination, message));
    assert_eq!(message[6..8], [0, 3]);
    assert_eq!([message[8], message[28], message[48]], [2, 3, 4]);
    assert_eq!(message.len(), 68);
}

#[test]
fn a_report_holds_no_more_than_a_packet_can() {
    let mut buf = report()[..14].to_vec();
    emit_report_v2(&mut buf, v6("fe80::1"), &vec![(Record::IsExclude, v6("ff02::5")); 4000]);
    let message = ipv6_in(&buf).upper().unwrap().payload;
    assert_eq!(message[6..8], 3275_u16.to_be_bytes());
    assert_eq!(message.len(), 8 + 20 * 3275);
}

#[test]
fn version_1_messages() {
    let group = v6("ff02::1:ff00:1");
    for (kind, destination) in [(131, group), (132, v6("ff02::2"))] {
        let mut buf = report()[..14].to_vec();
        if kind == 131 {
            emit_report_v1(&mut buf, v6("fe80::1"), group);
        } else {
            emit_done_v1(&mut buf, v6("fe80::1"), group);
        }
        let packet = ipv6_in(&buf);
        let upper = packet.upper().unwrap();
        assert_eq!((packet.destination, packet.hop_limit, upper.router_alert), (destination, 1, true));
        assert_eq!((upper.payload[0], upper.payload.len()), (kind, 24));
        assert!(icmpv6::checksum_ok(packet.source, packet.destination, upper.payload));
        assert_eq!(upper.payload[8..], group.octets());
    }
}

fn query(len: usize, code: u16, group: &str) -> Vec<u8> {
    let mut bytes = vec![130, 0, 0, 0];
    bytes.extend_from_slice(&code.to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&v6(group).octets());
    bytes.resize(len, 0);
    bytes
}

#[test]
fn parse_queries() {
    let general = Query { group: None, max_delay_ms: 1000, v1: false };
    assert_eq!(Query::parse(&query(28, 1000, "::")), Some(general));
    let v1 = Query { group: Some(v6("ff02::5")), max_delay_ms: 0xffff, v1: true };
    assert_eq!(Query::parse(&query(24, 0xffff, "ff02::5")), Some(v1));
    assert_eq!(Query::parse(&query(28, 1, "fd09::1")), None);
    let mut other = query(28, 1, "::");
    other[0] = 131;
    assert_eq!(Query::parse(&other), None);
}

#[test]
fn queries_of_a_length_that_no_version_has() {
    let bytes = query(60, 1, "::");
    for len in 0..60 {
        let query = Query::parse(&bytes[..len]);
        let want = match len {
            24 => Some(true),
            28.. => Some(false),
            _ => None,
        };
        assert_eq!(query.map(|query| query.v1), want, "{len}");
    }
}

#[test]
fn large_response_codes_are_floating_point() {
    for (code, want) in [(0x7fff, 0x7fff), (0x8000, 32_768), (0x8001, 32_776), (0xffff, 8_387_584)] {
        assert_eq!(Query::parse(&query(28, code, "::")).unwrap().max_delay_ms, want, "{code:#x}");
    }
}
