//! Vectors: router and neighbour solicitations for its own use sent by a Linux 6.18 host; the others went to
//! one, which took them.

use neighbour_wire::ndisc::{
    self, Advert, Header, Icmp, Options, PrefixInfo, Redirect, RedirectRepr, RouterAdvert, RouterAdvertRepr,
    RouterSolicit, Solicit, lladdr_from_option,
};
use neighbour_wire::{LlAddr, icmpv6};

use crate::support::{hex, ipv6_in, ll, v6};

const ETHERNET: &str = "333300000001 0200000000aa 86dd";

/// Solicitation for duplicate address detection, with a nonce.
fn dad_solicit() -> Vec<u8> {
    hex("3333ff000001 020000000001 86dd
         6000000000203aff 00000000000000000000000000000000 ff0200000000000000000001ff000001
         8700fb4b00000000 fe80000000000000000000fffe000001 0e01c78599fb124f")
}

fn solicit() -> Vec<u8> {
    hex("3333ff000001 0200000000aa 86dd
         6000000000203aff fd090000000000000000000000000099 ff0200000000000000000001ff000001
         87007c4600000000 fd090000000000000000000000000001 01010200000000aa")
}

fn advert() -> Vec<u8> {
    hex("020000000101 0200000000aa 86dd
         6000000000203aff fd090000000000000000000000000099 fd090000000000000000000000000001
         88007aa900000000 fd090000000000000000000000000099 02010200000000aa")
}

fn router_solicit() -> Vec<u8> {
    hex("333300000002 020000000001 86dd
         6000000000103aff fe80000000000000000000fffe000001 ff020000000000000000000000000002
         85007b2c00000000 0101020000000001")
}

fn router_advert() -> Vec<u8> {
    hex("333300000001 0200000000aa 86dd
         6000000000103aff fe800000000000000000000000000099 ff020000000000000000000000000001
         8600348f40000708 0000000000000000")
}

fn redirect() -> Vec<u8> {
    hex("020000000101 0200000000aa 86dd
         6000000000303aff fe800000000000000000000000000099 fe80000000000000000000fffe000101
         8900477700000000 fe800000000000000000000000000098 20010db8000000000000000000000005
         02010200000000aa")
}

fn header(source: &str, destination: &str) -> Header {
    Header { source: v6(source), destination: v6(destination), traffic_class: 0 }
}

fn all() -> [Vec<u8>; 6] {
    [dad_solicit(), solicit(), advert(), router_solicit(), router_advert(), redirect()]
}

#[test]
fn every_vector_has_hop_limit_255_and_a_right_checksum() {
    for frame in all() {
        let packet = ipv6_in(&frame);
        assert_eq!((packet.hop_limit, packet.next_header), (255, icmpv6::PROTOCOL));
        assert!(icmpv6::checksum_ok(packet.source, packet.destination, packet.payload));
    }
}

#[test]
fn a_flip_of_any_bit_breaks_the_checksum() {
    for frame in all() {
        let packet = ipv6_in(&frame);
        let mut message = packet.payload.to_vec();
        for bit in 0..message.len() * 8 {
            message[bit / 8] ^= 1 << (bit % 8);
            assert!(!icmpv6::checksum_ok(packet.source, packet.destination, &message));
            message[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn deconstruct_type_and_code() {
    let frame = advert();
    let message = ipv6_in(&frame).payload;
    assert_eq!(Icmp::parse(message), Some(Icmp { kind: icmpv6::kind::NA, code: 0, bytes: message }));
}

#[test]
fn parse_solicit() {
    let frame = solicit();
    let message = Solicit::parse(ipv6_in(&frame).payload).unwrap();
    assert_eq!(message.target, v6("fd09::1"));
    let options = Options::parse(message.options).unwrap();
    let lladdr = lladdr_from_option(options.source_lladdr.unwrap(), 6, 0);
    assert_eq!(lladdr, Some(ll("02:00:00:00:00:aa")));
    assert_eq!(options.target_lladdr, None);
    assert_eq!(options.nonce, None);
}

#[test]
fn parse_dad_solicit() {
    let frame = dad_solicit();
    let message = Solicit::parse(ipv6_in(&frame).payload).unwrap();
    let options = Options::parse(message.options).unwrap();
    assert_eq!(options.source_lladdr, None);
    assert_eq!(options.nonce_bytes(), Some([0xc7, 0x85, 0x99, 0xfb, 0x12, 0x4f]));
}

#[test]
fn emit_solicit() {
    let mut buf = solicit()[..14].to_vec();
    let lladdr = ll("02:00:00:00:00:aa");
    let header = header("fd09::99", "ff02::1:ff00:1");
    ndisc::emit_solicit(&mut buf, &header, v6("fd09::1"), Some(&lladdr), 0, None);
    assert_eq!(buf, solicit());
}

#[test]
fn emit_dad_solicit() {
    let mut buf = dad_solicit()[..14].to_vec();
    let nonce = Some([0xc7, 0x85, 0x99, 0xfb, 0x12, 0x4f]);
    let header = header("::", "ff02::1:ff00:1");
    ndisc::emit_solicit(&mut buf, &header, v6("fe80::ff:fe00:1"), None, 0, nonce);
    assert_eq!(buf, dad_solicit());
}

#[test]
fn the_nonce_goes_behind_the_address() {
    let mut buf = Vec::new();
    let lladdr = ll("02:00:00:00:00:aa");
    ndisc::emit_solicit(
        &mut buf,
        &header("fd09::99", "fd09::1"),
        v6("fd09::1"),
        Some(&lladdr),
        0,
        Some([9; 6]),
    );
    assert_eq!(buf[64..], hex("01010200000000aa 0e01090909090909"));
}

#[test]
fn parse_advert() {
    let frame = advert();
    let mut message = ipv6_in(&frame).payload.to_vec();
    for flags in 0..8_u8 {
        message[4] = flags << 5 | 0x1f;
        let advert = Advert::parse(&message).unwrap();
        assert_eq!(
            (advert.router, advert.solicited, advert.override_),
            (flags & 4 != 0, flags & 2 != 0, flags & 1 != 0)
        );
        assert_eq!(advert.target, v6("fd09::99"));
        let options = Options::parse(advert.options).unwrap();
        assert_eq!(options.target_lladdr, Some(&hex("02010200000000aa")[..]));
    }
}

#[test]
fn emit_advert() {
    let mut buf = advert()[..14].to_vec();
    let lladdr = ll("02:00:00:00:00:aa");
    let header = header("fd09::99", "fd09::1");
    ndisc::emit_advert(&mut buf, &header, false, false, false, v6("fd09::99"), Some(&lladdr), 0);
    assert_eq!(buf, advert());
}

#[test]
fn emitted_flags_are_read_back() {
    for flags in 0..8 {
        let (router, solicited, override_) = (flags & 4 != 0, flags & 2 != 0, flags & 1 != 0);
        let mut buf = Vec::new();
        let header = header("fe80::1", "ff02::1");
        ndisc::emit_advert(&mut buf, &header, router, solicited, override_, v6("fe80::1"), None, 0);
        let options = &[][..];
        let want = Advert { router, solicited, override_, target: v6("fe80::1"), options };
        assert_eq!(Advert::parse(&buf[40..]), Some(want));
    }
}

#[test]
fn parse_router_solicit() {
    let frame = router_solicit();
    let message = RouterSolicit::parse(ipv6_in(&frame).payload).unwrap();
    assert_eq!(message.options, hex("0101020000000001"));
}

#[test]
fn emit_router_solicit() {
    let mut buf = router_solicit()[..14].to_vec();
    let header = header("fe80::ff:fe00:1", "ff02::2");
    ndisc::emit_router_solicit(&mut buf, &header, Some(&ll("02:00:00:00:00:01")), 0);
    assert_eq!(buf, router_solicit());
}

#[test]
fn parse_router_advert() {
    let frame = router_advert();
    let message = RouterAdvert::parse(ipv6_in(&frame).payload).unwrap();
    assert_eq!((message.cur_hop_limit, message.lifetime_s), (64, 1800));
    assert_eq!((message.reachable_ms, message.retrans_ms), (0, 0));
    assert!(!message.managed && !message.other && message.options.is_empty());
}

#[test]
fn emit_router_advert() {
    let mut buf = router_advert()[..14].to_vec();
    let repr = RouterAdvertRepr { cur_hop_limit: 64, lifetime_s: 1800, ..RouterAdvertRepr::default() };
    ndisc::emit_router_advert(&mut buf, &header("fe80::99", "ff02::1"), &repr);
    assert_eq!(buf, router_advert());
}

#[test]
fn a_full_router_advert_is_read_back() {
    let prefix = PrefixInfo {
        prefix_len: 64,
        on_link: true,
        autonomous: false,
        valid_s: u32::MAX,
        preferred_s: 7,
        prefix: v6("fd09::"),
    };
    let prefixes = [prefix, PrefixInfo { prefix_len: 0, on_link: false, autonomous: true, ..prefix }];
    let repr = RouterAdvertRepr {
        cur_hop_limit: 3,
        managed: true,
        other: true,
        preference: 1,
        lifetime_s: 9,
        reachable_ms: 30_001,
        retrans_ms: 1_001,
        source_lladdr: Some(ll("02:00:00:00:00:aa")),
        pad: 0,
        mtu: Some(1400),
        prefixes: &prefixes,
    };
    let mut buf = hex(ETHERNET);
    ndisc::emit_router_advert(&mut buf, &header("fe80::99", "ff02::1"), &repr);
    let packet = ipv6_in(&buf);
    assert!(icmpv6::checksum_ok(packet.source, packet.destination, packet.payload));
    let message = RouterAdvert::parse(packet.payload).unwrap();
    assert_eq!((message.cur_hop_limit, message.managed, message.other), (3, true, true));
    assert_eq!((message.preference, message.lifetime_s), (1, 9));
    assert_eq!((message.reachable_ms, message.retrans_ms), (30_001, 1_001));
    let options = Options::parse(message.options).unwrap();
    assert_eq!(options.mtu, Some(1400));
    assert_eq!(options.prefixes().collect::<Vec<_>>(), prefixes);
}

#[test]
fn parse_redirect() {
    let frame = redirect();
    let message = Redirect::parse(ipv6_in(&frame).payload).unwrap();
    assert_eq!((message.target, message.destination), (v6("fe80::98"), v6("2001:db8::5")));
    assert_eq!(message.options, hex("02010200000000aa"));
}

fn redirect_of(redirected: &[u8]) -> RedirectRepr<'_> {
    RedirectRepr {
        target: v6("fe80::98"),
        destination: v6("2001:db8::5"),
        target_lladdr: Some(ll("02:00:00:00:00:aa")),
        pad: 0,
        redirected,
    }
}

#[test]
fn emit_redirect() {
    let mut buf = redirect()[..14].to_vec();
    ndisc::emit_redirect(&mut buf, &header("fe80::99", "fe80::ff:fe00:101"), &redirect_of(&[]));
    assert_eq!(buf, redirect());
}

#[test]
fn a_redirect_carries_as_much_of_the_packet_as_1280_bytes_hold() {
    let packet = [0x60; 3000];
    for (len, filled) in [(1, 8), (8, 8), (1184, 1184), (1185, 1184), (3000, 1184)] {
        let mut buf = Vec::new();
        let header = header("fe80::99", "fe80::1");
        ndisc::emit_redirect(&mut buf, &header, &redirect_of(&packet[..len]));
        assert!(buf.len() <= 1280, "{len}: {}", buf.len());
        let message = Redirect::parse(&buf[40..]).unwrap();
        let options = Options::parse(message.options).unwrap();
        assert_eq!(options.redirected.unwrap().len(), 8 + filled, "{len}");
        assert!(icmpv6::checksum_ok(header.source, header.destination, &buf[40..]));
    }
}

#[test]
fn truncated_at_every_length() {
    let bytes = [0; 48];
    for len in 0..bytes.len() {
        let short = &bytes[..len];
        assert_eq!(Icmp::parse(short).is_some(), len >= 4);
        assert_eq!(RouterSolicit::parse(short).is_some(), len >= 8);
        assert_eq!(RouterAdvert::parse(short).is_some(), len >= 16);
        assert_eq!(Solicit::parse(short).is_some(), len >= 24);
        assert_eq!(Advert::parse(short).is_some(), len >= 24);
        assert_eq!(Redirect::parse(short).is_some(), len >= 40);
    }
}

#[test]
fn infiniband_pads_before_the_address() {
    let lladdr = LlAddr::new(&[7; 20]).unwrap();
    let mut buf = Vec::new();
    ndisc::emit_solicit(&mut buf, &header("fe80::1", "fe80::2"), v6("fe80::2"), Some(&lladdr), 2, None);
    let message = Solicit::parse(&buf[40..]).unwrap();
    assert_eq!(message.options[..5], [1, 3, 0, 0, 7]);
    let option = Options::parse(message.options).unwrap().source_lladdr.unwrap();
    assert_eq!(lladdr_from_option(option, 20, 2), Some(lladdr));
    assert_eq!(lladdr_from_option(option, 6, 0), None);
}

#[test]
fn a_device_without_addresses_sends_no_option() {
    let mut buf = Vec::new();
    let empty = LlAddr::EMPTY;
    ndisc::emit_router_solicit(&mut buf, &header("fe80::1", "ff02::2"), Some(&empty), 0);
    assert_eq!(buf.len(), 48);
}

#[test]
fn the_traffic_class_is_carried() {
    let mut buf = Vec::new();
    let header = Header { traffic_class: 0xc0, ..header("fe80::1", "ff02::2") };
    ndisc::emit_router_solicit(&mut buf, &header, None, 0);
    assert_eq!(buf[..2], [0x6c, 0x00]);
}
