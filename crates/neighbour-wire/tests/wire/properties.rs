//! What holds for any bytes and any values. A failure prints the smallest input that shows it.

use core::net::{Ipv4Addr, Ipv6Addr};

use neighbour_wire::echo::Echo;
use neighbour_wire::ndisc::{
    Advert, Header, Icmp, Options, PrefixInfo, Redirect, RedirectRepr, RouterAdvert, RouterAdvertRepr,
    RouterSolicit, Solicit, emit_advert, emit_redirect, emit_router_advert, emit_router_solicit,
    emit_solicit, lladdr_from_option,
};
use neighbour_wire::{LlAddr, arp, ethernet, icmpv4, icmpv6, ipv4, ipv6, mld, peel, udp};
use proptest::collection::vec;
use proptest::prelude::*;

/// Every parser, one into the other as far as they go, and each on the bare bytes.
fn read_all(bytes: &[u8]) {
    if let Ok(frame) = ethernet::Frame::parse(bytes) {
        read_all_above(frame.payload);
    }
    if let Ok(peeled) = peel::peel(bytes) {
        assert!(peeled.tags.priority <= peeled.tags.count && peeled.payload.len() + 14 <= bytes.len());
        read_all_above(peeled.payload);
    }
    read_all_above(bytes);
    _ = String::from_utf8_lossy(bytes).parse::<LlAddr>();
    _ = LlAddr::new(bytes).map(|address| address.to_string());
}

fn read_all_above(bytes: &[u8]) {
    if let Ok(packet) = arp::Packet::parse(bytes) {
        assert_eq!(packet.sender_hw().len(), packet.target_hw().len());
        _ = arp::Repr::parse(&packet);
    }
    if let Ok(packet) = ipv4::Ipv4::parse(bytes) {
        assert!(packet.header_len + packet.payload.len() == packet.total_len);
        read_upper(packet.payload);
    }
    if let Ok(packet) = ipv6::Ipv6::parse(bytes) {
        _ = packet.upper().map(|upper| read_upper(upper.payload));
    }
    for next_header in [0, 43, 44, 60, 58] {
        let (source, destination) = (Ipv6Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED);
        let packet = ipv6::Ipv6 { source, destination, next_header, hop_limit: 0, payload: bytes };
        _ = packet.upper();
    }
    read_upper(bytes);
}

fn read_upper(bytes: &[u8]) {
    _ = icmpv4::parse_echo(bytes);
    _ = icmpv4::checksum_ok(bytes);
    _ = icmpv6::parse_echo(bytes);
    _ = icmpv6::checksum_ok(Ipv6Addr::UNSPECIFIED, Ipv6Addr::LOCALHOST, bytes);
    _ = udp::Datagram::parse(bytes);
    _ = mld::Query::parse(bytes);
    _ = Icmp::parse(bytes);
    read_options(bytes);
    Solicit::parse(bytes).into_iter().for_each(|message| read_options(message.options));
    Advert::parse(bytes).into_iter().for_each(|message| read_options(message.options));
    RouterSolicit::parse(bytes).into_iter().for_each(|message| read_options(message.options));
    RouterAdvert::parse(bytes).into_iter().for_each(|message| read_options(message.options));
    Redirect::parse(bytes).into_iter().for_each(|message| read_options(message.options));
}

fn read_options(bytes: &[u8]) {
    if let Ok(options) = Options::parse(bytes) {
        assert!(options.prefixes().all(|prefix| prefix.prefix_len <= 128));
        _ = options.nonce_bytes();
        for option in [options.source_lladdr, options.target_lladdr].into_iter().flatten() {
            assert_eq!(option.len(), usize::from(option[1]) * 8);
            for addr_len in 0..40 {
                _ = lladdr_from_option(option, addr_len, 0);
                _ = lladdr_from_option(option, addr_len, 2);
            }
        }
    }
}

fn lladdr() -> impl Strategy<Value = LlAddr> {
    vec(any::<u8>(), 0..=32).prop_map(|bytes| LlAddr::new(&bytes).unwrap())
}

fn v6() -> impl Strategy<Value = Ipv6Addr> {
    any::<[u8; 16]>().prop_map(Ipv6Addr::from)
}

fn v4() -> impl Strategy<Value = Ipv4Addr> {
    any::<[u8; 4]>().prop_map(Ipv4Addr::from)
}

fn header() -> impl Strategy<Value = Header> {
    (v6(), v6(), any::<u8>()).prop_map(|(source, destination, traffic_class)| Header {
        source,
        destination,
        traffic_class,
    })
}

fn prefix() -> impl Strategy<Value = PrefixInfo> {
    (0..=128_u8, any::<(bool, bool, u32, u32)>(), v6()).prop_map(|(prefix_len, rest, prefix)| {
        let (on_link, autonomous, valid_s, preferred_s) = rest;
        PrefixInfo { prefix_len, on_link, autonomous, valid_s, preferred_s, prefix }
    })
}

/// Bytes near to real ones: a real message with a few bytes changed and its end cut.
fn nearly_real() -> impl Strategy<Value = Vec<u8>> {
    let message = prop_oneof![
        (header(), lladdr(), v6()).prop_map(|(header, lladdr, target)| {
            let mut buf = vec![0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x86, 0xdd];
            emit_solicit(&mut buf, &header, target, Some(&lladdr), 0, Some([1; 6]));
            buf
        }),
        (v6(), v6()).prop_map(|(source, group)| {
            let mut buf = vec![0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x86, 0xdd];
            mld::emit_report_v2(&mut buf, source, &[(mld::Record::Exclude, group)]);
            buf
        }),
        (header(), vec(prefix(), 0..4)).prop_map(|(header, prefixes)| {
            let mut buf = vec![0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x86, 0xdd];
            let repr =
                RouterAdvertRepr { prefixes: &prefixes, mtu: Some(1280), ..RouterAdvertRepr::default() };
            emit_router_advert(&mut buf, &header, &repr);
            buf
        }),
    ];
    (message, vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), any::<prop::sample::Index>()).prop_map(
        |(mut bytes, changes, end)| {
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if end.index(2) == 0 {
                bytes.truncate(end.index(bytes.len()));
            }
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic_any_parser(bytes in vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
    }

    #[test]
    fn no_small_bytes_panic_any_parser(bytes in vec(prop_oneof![0..6_u8, 0x3a..0x3d_u8, Just(255)], 0..200)) {
        read_all(&bytes);
    }

    #[test]
    fn no_nearly_real_frames_panic_any_parser(bytes in nearly_real()) {
        read_all(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lladdr_text_goes_round(address in lladdr()) {
        prop_assume!(!address.is_empty());
        prop_assert_eq!(address.to_string().parse(), Ok(address));
    }

    #[test]
    fn arp_goes_round(hardware_type: u16, op: u16, hw in lladdr(), sender_ip in v4(), target_ip in v4()) {
        let target_hw = LlAddr::broadcast(hw.len());
        let repr = arp::Repr { hardware_type, op, sender_hw: hw, sender_ip, target_hw, target_ip };
        let mut buf = Vec::new();
        repr.emit(&mut buf);
        prop_assert_eq!(buf.len(), repr.buffer_len());
        prop_assert_eq!(arp::Repr::parse(&arp::Packet::parse(&buf).unwrap()), Ok(repr));
    }

    #[test]
    fn ethernet_goes_round(destination: [u8; 6], source: [u8; 6], ethertype in 0x600..=u16::MAX, tail: [u8; 5]) {
        prop_assume!(ethertype != 0x8100 && ethertype != 0x88a8);
        let mut buf = Vec::new();
        ethernet::emit_header(&mut buf, destination, source, ethertype);
        buf.extend_from_slice(&tail);
        let frame = ethernet::Frame { destination, source, ethertype, payload: &tail };
        prop_assert_eq!(ethernet::Frame::parse(&buf), Ok(frame));
    }

    #[test]
    fn ipv4_udp_goes_round(source in v4(), destination in v4(), ports: (u16, u16), data in vec(any::<u8>(), 0..100)) {
        let mut buf = Vec::new();
        udp::emit_ipv4(&mut buf, source, destination, ports.0, ports.1, &data);
        buf.extend_from_slice(&[0xee; 3]);
        let packet = ipv4::Ipv4::parse(&buf).unwrap();
        prop_assert_eq!((packet.source, packet.destination), (source, destination));
        let want = udp::Datagram { source_port: ports.0, destination_port: ports.1, payload: &data };
        prop_assert_eq!(udp::Datagram::parse(packet.payload), Some(want));
    }

    #[test]
    fn echo_goes_round(reply: bool, id: u16, seq: u16, data in vec(any::<u8>(), 0..100), from in v6(), to in v6()) {
        let echo = Echo { reply, id, seq, payload: &data };
        let mut buf = Vec::new();
        icmpv6::emit_echo(&mut buf, from, to, 64, &echo);
        let packet = ipv6::Ipv6::parse(&buf).unwrap();
        prop_assert!(icmpv6::checksum_ok(from, to, packet.payload));
        prop_assert_eq!(icmpv6::parse_echo(packet.payload), Some(echo));
    }

    #[test]
    fn solicit_and_advert_go_round(
        header in header(), target in v6(), lladdr in lladdr(), pad in 0..=2_usize,
        nonce: Option<[u8; 6]>, flags: (bool, bool, bool),
    ) {
        let given = Some(&lladdr).filter(|lladdr| !lladdr.is_empty()).copied();
        let mut buf = Vec::new();
        emit_solicit(&mut buf, &header, target, Some(&lladdr), pad, nonce);
        let packet = ipv6::Ipv6::parse(&buf).unwrap();
        prop_assert!(icmpv6::checksum_ok(header.source, header.destination, packet.payload));
        let message = Solicit::parse(packet.payload).unwrap();
        prop_assert_eq!(message.target, target);
        let options = Options::parse(message.options).unwrap();
        let found = options.source_lladdr.and_then(|o| lladdr_from_option(o, lladdr.len(), pad));
        prop_assert_eq!(found, given);
        prop_assert_eq!(options.nonce_bytes(), nonce);

        buf.clear();
        let (router, solicited, override_) = flags;
        emit_advert(&mut buf, &header, router, solicited, override_, target, Some(&lladdr), pad);
        let packet = ipv6::Ipv6::parse(&buf).unwrap();
        prop_assert!(icmpv6::checksum_ok(header.source, header.destination, packet.payload));
        let message = Advert::parse(packet.payload).unwrap();
        prop_assert_eq!((message.router, message.solicited, message.override_, message.target), (router, solicited, override_, target));
        let options = Options::parse(message.options).unwrap();
        let found = options.target_lladdr.and_then(|o| lladdr_from_option(o, lladdr.len(), pad));
        prop_assert_eq!(found, given);
    }

    #[test]
    fn router_messages_go_round(
        header in header(), numbers: (u8, bool, bool, u16, u32, u32), preference in 0..4_u8,
        source_lladdr in prop::option::of(lladdr()), mtu: Option<u32>, prefixes in vec(prefix(), 0..5),
    ) {
        let (cur_hop_limit, managed, other, lifetime_s, reachable_ms, retrans_ms) = numbers;
        let repr = RouterAdvertRepr {
            cur_hop_limit, managed, other, preference, lifetime_s, reachable_ms, retrans_ms,
            source_lladdr, pad: 0, mtu, prefixes: &prefixes,
        };
        let mut buf = Vec::new();
        emit_router_advert(&mut buf, &header, &repr);
        let packet = ipv6::Ipv6::parse(&buf).unwrap();
        prop_assert!(icmpv6::checksum_ok(header.source, header.destination, packet.payload));
        let message = RouterAdvert::parse(packet.payload).unwrap();
        let options = message.options;
        let want = RouterAdvert {
            cur_hop_limit, managed, other, preference, lifetime_s, reachable_ms, retrans_ms, options,
        };
        prop_assert_eq!(message, want);
        let options = Options::parse(options).unwrap();
        prop_assert_eq!(options.mtu, mtu);
        prop_assert_eq!(options.prefixes().collect::<Vec<_>>(), prefixes);

        buf.clear();
        emit_router_solicit(&mut buf, &header, source_lladdr.as_ref(), 0);
        let message = RouterSolicit::parse(&buf[40..]).unwrap();
        prop_assert!(Options::parse(message.options).is_ok());
    }

    #[test]
    fn redirect_goes_round(header in header(), target in v6(), destination in v6(), data in vec(any::<u8>(), 0..1500)) {
        let repr = RedirectRepr { target, destination, target_lladdr: None, pad: 0, redirected: &data };
        let mut buf = Vec::new();
        emit_redirect(&mut buf, &header, &repr);
        prop_assert!(buf.len() <= 1280);
        let message = Redirect::parse(&buf[40..]).unwrap();
        prop_assert_eq!((message.target, message.destination), (target, destination));
        let options = Options::parse(message.options).unwrap();
        let inner = options.redirected.map_or(&[][..], |option| &option[8..]);
        let same = data.len().min(inner.len());
        prop_assert_eq!(&inner[..same], &data[..same]);
    }
}
