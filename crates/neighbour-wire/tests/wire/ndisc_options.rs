use neighbour_wire::ndisc::{OptionError, Options, lladdr_from_option, lladdr_option_len};

use crate::support::{hex, ll, v6};

const SOURCE: &str = "01010200000000aa";
const SECOND: &str = "01010200000000bb";

#[test]
fn no_options_are_valid_options() {
    assert_eq!(Options::parse(&[]), Ok(Options::default()));
}

/// CVE-2021-21279, CVE-2020-25583: an option of length zero, over which a reader never gets.
#[test]
fn length_zero_spoils_the_message() {
    for kind in 0..=255 {
        let bytes = [hex(SOURCE), vec![kind, 0, 0, 0, 0, 0, 0, 0]].concat();
        assert_eq!(Options::parse(&bytes), Err(OptionError::ZeroLength { kind, at: 8 }));
    }
}

/// contiki-ng#1654 and #2981: the option's header or body crosses the end of the packet.
#[test]
fn truncated_at_every_length() {
    let bytes = hex(&[SOURCE, "0503000000000578", SECOND, SECOND].concat());
    for len in 0..bytes.len() {
        let result = Options::parse(&bytes[..len]);
        match len {
            0 | 8 => assert!(result.is_ok(), "{len}"),
            1 => assert_eq!(result, Err(OptionError::Header { kind: 1, at: 0 })),
            9 => assert_eq!(result, Err(OptionError::Header { kind: 5, at: 8 })),
            2..8 => assert_eq!(result, Err(OptionError::Truncated { kind: 1, at: 0, need: 8, got: len })),
            _ => assert_eq!(result, Err(OptionError::Truncated { kind: 5, at: 8, need: 24, got: len - 8 })),
        }
    }
    assert!(Options::parse(&bytes).is_ok());
}

/// RFC row N6.
#[test]
fn length_past_the_end_spoils_the_message_even_of_an_unknown_option() {
    for kind in [1, 2, 3, 4, 5, 14, 25, 31, 200] {
        let bytes = [kind, 255, 0, 0, 0, 0, 0, 0];
        assert_eq!(Options::parse(&bytes), Err(OptionError::Truncated { kind, at: 0, need: 2040, got: 8 }));
    }
}

#[test]
fn of_duplicates_the_first_wins() {
    for kind in [1, 2, 4, 14] {
        let first = [kind, 1, 1, 1, 1, 1, 1, 1];
        let second = [kind, 1, 2, 2, 2, 2, 2, 2];
        let bytes = [first, second].concat();
        let options = Options::parse(&bytes).unwrap();
        let found = [options.source_lladdr, options.target_lladdr, options.redirected, options.nonce];
        assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), [&first[..]], "{kind}");
    }
    let bytes = hex("0501000000000578 0501000000000600");
    assert_eq!(Options::parse(&bytes).unwrap().mtu, Some(1400));
}

#[test]
fn a_fault_behind_good_options_spoils_them_all() {
    let bytes = [hex(SOURCE), vec![200]].concat();
    assert_eq!(Options::parse(&bytes), Err(OptionError::Header { kind: 200, at: 8 }));
}

/// CVE-2020-16898: a RDNSS option with an even length field. It is unknown here, and passed over whole.
/// RFC row N16.
#[test]
fn unknown_options_are_passed_over_whole() {
    let rdnss = [&[25, 2][..], &[0; 14]].concat();
    let bytes = [rdnss, hex(SOURCE)].concat();
    let options = Options::parse(&bytes).unwrap();
    assert_eq!(options.source_lladdr, Some(&hex(SOURCE)[..]));
}

#[test]
fn a_nonce_counts_only_with_eight_bytes() {
    let good = hex("0e01010203040506");
    assert_eq!(Options::parse(&good).unwrap().nonce_bytes(), Some([1, 2, 3, 4, 5, 6]));
    let long = hex("0e02010203040506 0000000000000000");
    let options = Options::parse(&long).unwrap();
    assert!(options.nonce.is_some());
    assert_eq!(options.nonce_bytes(), None);
}

/// CVE-2026-7426: a prefix length of 129 to 255.
#[test]
fn prefixes_of_wrong_size_or_length_are_passed_over() {
    let prefix = |len: u8| {
        let mut bytes = hex("0304 00c0 00000e10 00000708 00000000 fd090000000000000000000000000000");
        bytes[2] = len;
        bytes
    };
    let mut small = prefix(64)[..24].to_vec();
    small[1] = 3;
    let mut large = [prefix(64), vec![0; 8]].concat();
    large[1] = 5;
    let bytes = [prefix(129), small, prefix(64), hex(SOURCE), large, prefix(255), prefix(128)].concat();
    let found: Vec<_> = Options::parse(&bytes).unwrap().prefixes().collect();
    assert_eq!(found.iter().map(|prefix| prefix.prefix_len).collect::<Vec<_>>(), [64, 128]);
    assert_eq!((found[0].valid_s, found[0].preferred_s), (3600, 1800));
    assert!(found[0].on_link && found[0].autonomous);
    assert_eq!(found[0].prefix, v6("fd09::"));
}

/// RFC row A83.
#[test]
fn length_of_an_address_option() {
    // address, padding, whole option (ND-9)
    let cases =
        [(6, 0, 8), (7, 0, 16), (8, 0, 16), (14, 0, 16), (20, 2, 24), (21, 2, 32), (0, 0, 8), (32, 0, 40)];
    for (addr_len, pad, want) in cases {
        assert_eq!(lladdr_option_len(addr_len, pad), want, "{addr_len} + {pad}");
    }
    assert_eq!(lladdr_option_len(usize::MAX, 2) % 8, 0);
}

#[test]
fn an_address_option_must_have_exactly_the_devices_length() {
    let option = hex(SOURCE);
    assert_eq!(lladdr_from_option(&option, 6, 0), Some(ll("02:00:00:00:00:aa")));
    assert_eq!(lladdr_from_option(&option, 8, 0), None);
    assert_eq!(lladdr_from_option(&hex("01020200000000aa 0000000000000000"), 6, 0), None);
    for len in 0..8 {
        assert_eq!(lladdr_from_option(&option[..len], 6, 0), None);
    }
    let lying = hex("01020200000000aa");
    assert_eq!(lladdr_from_option(&lying, 6, 0), None);
    for (addr_len, pad) in [(usize::MAX, 0), (0, usize::MAX), (usize::MAX, usize::MAX), (33, 0)] {
        assert_eq!(lladdr_from_option(&[1; 40], addr_len, pad), None);
    }
}
