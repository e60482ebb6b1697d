//! Packets in, answers out.

use super::*;
use proptest::prelude::*;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv4Packet, Icmpv4Repr, Icmpv6Packet, Icmpv6Repr, IpAddress, IpProtocol, IpRepr, Ipv4Packet,
    Ipv6Packet, UdpPacket, UdpRepr,
};

const V4: [&str; 2] = ["192.0.2.1", "192.0.2.2"];
const V6: [&str; 2] = ["2001:db8::1", "2001:db8::2"];

fn host() -> Host {
    let mut host = Host::new(1500, 1);
    let prefixes = ["192.0.2.2/24", "fe80::2/64", "2001:db8::2/64"].map(|text| text.parse().unwrap());
    host.set_addresses(&prefixes);
    host
}

fn packet(from: &str, to: &str, protocol: IpProtocol, payload: &[u8]) -> Vec<u8> {
    let [from, to] = [from, to].map(|text| text.parse::<IpAddress>().unwrap());
    let header = IpRepr::new(from, to, protocol, payload.len(), 64);
    let mut bytes = vec![0; header.header_len()];
    header.emit(&mut bytes[..], &ChecksumCapabilities::default());
    [&bytes[..], payload].concat()
}

fn echo_v4(to: &str, data: &[u8]) -> Vec<u8> {
    let echo = Icmpv4Repr::EchoRequest { ident: 7, seq_no: 1, data };
    let mut payload = vec![0; echo.buffer_len()];
    echo.emit(&mut Icmpv4Packet::new_unchecked(&mut payload), &ChecksumCapabilities::default());
    packet(V4[0], to, IpProtocol::Icmp, &payload)
}

fn echo_v6(from: &str, to: &str) -> Vec<u8> {
    let echo = Icmpv6Repr::EchoRequest { ident: 7, seq_no: 1, data: b"hello" };
    let mut payload = vec![0; echo.buffer_len()];
    let (source, destination) = (from.parse().unwrap(), to.parse().unwrap());
    let mut view = Icmpv6Packet::new_unchecked(&mut payload);
    echo.emit(&source, &destination, &mut view, &ChecksumCapabilities::default());
    packet(from, to, IpProtocol::Icmpv6, &payload)
}

fn udp([from, to]: [&str; 2]) -> Vec<u8> {
    let udp = UdpRepr { src_port: 4000, dst_port: 9 };
    let mut payload = vec![0; udp.header_len() + 4];
    let [source, destination] = [from, to].map(|text| text.parse::<IpAddress>().unwrap());
    let mut view = UdpPacket::new_unchecked(&mut payload);
    udp.emit(&mut view, &source, &destination, 4, |b| b.fill(1), &ChecksumCapabilities::default());
    packet(from, to, IpProtocol::Udp, &payload)
}

fn answers(packet: &[u8]) -> Vec<Vec<u8>> {
    host().handle(Duration::from_secs(1), packet)
}

fn v4_answer(packet: &[u8]) -> (String, String, u8, u8) {
    let all = answers(packet);
    assert_eq!(all.len(), 1);
    let view = Ipv4Packet::new_checked(&all[0]).unwrap();
    let icmp = view.payload();
    (view.src_addr().to_string(), view.dst_addr().to_string(), icmp[0], icmp[1])
}

fn v6_answer(packet: &[u8]) -> (String, String, u8, u8) {
    let all = answers(packet);
    assert_eq!(all.len(), 1);
    let view = Ipv6Packet::new_checked(&all[0]).unwrap();
    let icmp = view.payload();
    (view.src_addr().to_string(), view.dst_addr().to_string(), icmp[0], icmp[1])
}

fn expected(from: &str, to: &str, kind: u8, code: u8) -> (String, String, u8, u8) {
    (from.into(), to.into(), kind, code)
}

#[test]
fn echo_requests_are_answered() {
    assert_eq!(v4_answer(&echo_v4(V4[1], b"hello")), expected(V4[1], V4[0], 0, 0));
    assert_eq!(v6_answer(&echo_v6(V6[0], V6[1])), expected(V6[1], V6[0], 129, 0));
}

#[test]
fn an_address_of_another_port_is_answered_too_for_the_engine_took_it() {
    assert_eq!(v4_answer(&echo_v4("198.51.100.7", b"")), expected("198.51.100.7", V4[0], 0, 0));
    assert_eq!(v6_answer(&echo_v6(V6[0], "2001:db8:7::1")), expected("2001:db8:7::1", V6[0], 129, 0));
}

#[test]
fn closed_udp_ports_are_unreachable() {
    assert_eq!(v4_answer(&udp(V4)), expected(V4[1], V4[0], 3, 3));
    assert_eq!(v6_answer(&udp(V6)), expected(V6[1], V6[0], 1, 4));
}

#[test]
fn of_packets_to_groups_only_an_ipv6_echo_is_answered_by_an_own_address() {
    assert_eq!(v6_answer(&echo_v6("fe80::1", "ff02::1")), expected("fe80::2", "fe80::1", 129, 0));
    assert!(answers(&udp(["fe80::1", "ff02::1"])).is_empty());
    for group in ["192.0.2.255", "255.255.255.255", "224.0.0.1"] {
        assert!(answers(&echo_v4(group, b"")).is_empty(), "{group}");
    }
}

#[test]
fn a_large_echo_comes_back_in_fragments() {
    let mut host = host();
    // 3,000 bytes of echo in two fragments of 1,480 and one of 48.
    let whole = echo_v4(V4[1], &[7; 3000]);
    let payload = &whole[20..];
    let mut all = Vec::new();
    for (index, piece) in payload.chunks(1480).enumerate() {
        let mut fragment = [&whole[..20], piece].concat();
        let last = (index + 1) * 1480 >= payload.len();
        let mut view = Ipv4Packet::new_unchecked(&mut fragment);
        view.set_total_len(20 + piece.len() as u16);
        view.set_ident(99);
        view.clear_flags();
        view.set_more_frags(!last);
        view.set_frag_offset((index * 1480) as u16);
        view.fill_checksum();
        all.extend(host.handle(Duration::from_secs(1), &fragment));
    }
    let sizes: usize = all.iter().map(|fragment| fragment.len() - 20).sum();
    assert_eq!((all.len(), sizes), (3, payload.len()));
    assert!(all.iter().all(|fragment| fragment.len() <= 1500));
}

#[test]
fn no_packet_cut_at_any_length_makes_it_panic() {
    let mut host = host();
    for packet in [echo_v4(V4[1], b"hello"), echo_v6(V6[0], V6[1]), udp(V4), udp(V6)] {
        for len in 0..packet.len() {
            host.handle(Duration::ZERO, &packet[..len]);
        }
    }
}

proptest! {
    #[test]
    fn no_damaged_packet_makes_it_panic(
        which in 0_usize..4, damage in prop::collection::vec((0_usize..64, any::<u8>()), 0..8), len in 0_usize..80,
    ) {
        let mut packet = [echo_v4(V4[1], b"hello"), echo_v6(V6[0], V6[1]), udp(V4), udp(V6)][which].clone();
        packet.resize(len, 0);
        for (at, value) in damage {
            if let Some(byte) = packet.get_mut(at) {
                *byte = value;
            }
        }
        let mut host = host();
        host.handle(Duration::ZERO, &packet);
        // A header checksum that is right lets more of it be read.
        if let Ok(mut view) = Ipv4Packet::new_checked(&mut packet) {
            view.fill_checksum();
            host.handle(Duration::ZERO, &packet);
        }
    }
}
