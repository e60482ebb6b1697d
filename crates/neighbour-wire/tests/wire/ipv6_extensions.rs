use neighbour_wire::ipv6::{Fragment, IpError, Ipv6, Upper};

use crate::support::v6;

const HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;
const PAD: [u8; 6] = [1, 4, 0, 0, 0, 0];

/// A packet: headers by number and bytes after their first (which names the next), then the upper layer.
fn walk<T>(
    headers: &[(u8, [u8; 7])],
    upper: &[u8],
    check: impl FnOnce(Result<Upper<'_>, IpError>) -> T,
) -> T {
    let mut payload = Vec::new();
    for (index, (_, rest)) in headers.iter().enumerate() {
        payload.push(headers.get(index + 1).map_or(58, |(number, _)| *number));
        payload.extend_from_slice(rest);
    }
    payload.extend_from_slice(upper);
    let next_header = headers.first().map_or(58, |(number, _)| *number);
    let (source, destination) = (v6("fe80::1"), v6("fe80::2"));
    check(Ipv6 { source, destination, next_header, hop_limit: 255, payload: &payload }.upper())
}

fn options(bytes: [u8; 6]) -> [u8; 7] {
    let [a, b, c, d, e, f] = bytes;
    [0, a, b, c, d, e, f]
}

fn fragment(field: u16) -> [u8; 7] {
    let [high, low] = field.to_be_bytes();
    [0xee, high, low, 1, 2, 3, 4]
}

#[test]
fn without_extension_headers_the_payload_is_the_upper_layer() {
    walk(&[], &[1, 2], |upper| {
        let want = Upper { protocol: 58, payload: &[1, 2], fragment: None, router_alert: false };
        assert_eq!(upper, Ok(want));
    });
}

#[test]
fn all_four_headers_are_passed() {
    let headers = [
        (HOP, options([5, 2, 0, 0, 1, 0])),
        (DESTINATION, options(PAD)),
        (ROUTING, [0, 0, 0, 0, 0, 0, 0]),
        (FRAGMENT, fragment(0)),
        (DESTINATION, options([0, 0, 0, 0, 1, 0])),
    ];
    walk(&headers, &[135], |upper| {
        let fragment = Some(Fragment { offset_bytes: 0, more: false });
        assert_eq!(upper, Ok(Upper { protocol: 58, payload: &[135], fragment, router_alert: true }));
        assert!(upper.unwrap().fragment.is_some_and(|fragment| fragment.is_atomic()));
    });
}

#[test]
fn the_walk_ends_at_a_fragment_that_is_not_the_first() {
    let headers = [(FRAGMENT, fragment(0x0010)), (HOP, [255; 7])];
    walk(&headers, &[], |upper| {
        let upper = upper.unwrap();
        assert_eq!(upper.protocol, HOP);
        assert_eq!(upper.fragment, Some(Fragment { offset_bytes: 16, more: false }));
        assert_eq!(upper.payload.len(), 8);
    });
}

#[test]
fn a_first_fragment_shows_its_upper_layer() {
    let headers = [(FRAGMENT, fragment(1)), (DESTINATION, options(PAD))];
    walk(&headers, &[135], |upper| {
        let upper = upper.unwrap();
        assert_eq!((upper.protocol, upper.payload), (58, &[135][..]));
        assert_eq!(upper.fragment, Some(Fragment { offset_bytes: 0, more: true }));
    });
}

#[test]
fn a_second_fragment_header_does_not_wash_off_the_first() {
    let headers = [(FRAGMENT, fragment(1)), (FRAGMENT, fragment(0))];
    walk(&headers, &[], |upper| assert!(upper.unwrap().fragment.unwrap().more));
    let headers = [(FRAGMENT, fragment(0)), (FRAGMENT, fragment(1))];
    walk(&headers, &[], |upper| assert!(upper.unwrap().fragment.unwrap().more));
}

/// CVE-2020-13986, CVE-2021-28362: loops and underflow in extension headers.
#[test]
fn at_most_sixteen_headers_are_walked() {
    for count in [1, 16, 17, 40, 1000] {
        walk(&vec![(DESTINATION, options(PAD)); count], &[], |upper| {
            let want = if count > 16 { Err(IpError::TooManyHeaders) } else { Ok(58) };
            assert_eq!(upper.map(|upper| upper.protocol), want, "{count} headers");
        });
    }
}

#[test]
fn a_header_longer_than_the_packet_is_truncated() {
    for number in [HOP, ROUTING, DESTINATION] {
        walk(&[(number, [1, 0, 0, 0, 0, 0, 0])], &[0; 7], |upper| {
            assert_eq!(upper, Err(IpError::Truncated { need: 16, got: 15 }));
        });
    }
    let (source, destination) = (v6("::"), v6("::"));
    for number in [HOP, ROUTING, FRAGMENT, DESTINATION] {
        for len in 0..8 {
            let payload = &[0; 8][..len];
            let packet = Ipv6 { source, destination, next_header: number, hop_limit: 1, payload };
            assert_eq!(packet.upper(), Err(IpError::Truncated { need: 8, got: len }));
        }
    }
}

#[test]
fn hop_by_hop_goes_first() {
    walk(&[(DESTINATION, options(PAD)), (HOP, options(PAD))], &[], |upper| {
        assert_eq!(upper, Err(IpError::HopByHopNotFirst));
    });
}

#[test]
fn options_that_run_past_their_header_or_forbid_to_go_on() {
    let cases = [
        ([1, 5, 0, 0, 0, 0], Err(IpError::OptionLength(1))),
        ([0, 0, 0, 0, 0, 5], Err(IpError::OptionLength(5))),
        ([5, 255, 0, 0, 0, 0], Err(IpError::OptionLength(5))),
        ([0x40, 4, 0, 0, 0, 0], Err(IpError::OptionUnknown(0x40))),
        ([0xc2, 4, 0, 0, 0, 0], Err(IpError::OptionUnknown(0xc2))),
        ([0x1e, 4, 0, 0, 0, 0], Ok(false)),
        ([5, 0, 1, 2, 0, 0], Ok(false)),
        ([1, 0, 5, 2, 0, 0], Ok(true)),
    ];
    for (bytes, want) in cases {
        walk(&[(HOP, options(bytes))], &[], |upper| {
            assert_eq!(upper.map(|upper| upper.router_alert), want, "{bytes:x?}");
        });
    }
}

#[test]
fn a_router_alert_counts_in_the_hop_by_hop_header_only() {
    walk(&[(DESTINATION, options([5, 2, 0, 0, 1, 0]))], &[], |upper| {
        assert!(!upper.unwrap().router_alert);
    });
}

#[test]
fn a_routing_header_with_segments_left_is_for_somebody_else() {
    walk(&[(ROUTING, [0, 0, 3, 0, 0, 0, 0])], &[], |upper| {
        assert_eq!(upper, Err(IpError::SegmentsLeft(3)));
    });
}
