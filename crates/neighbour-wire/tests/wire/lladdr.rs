use std::collections::HashSet;

use neighbour_wire::{LlAddr, LlAddrError};

use crate::support::ll;

#[test]
fn prints_and_reads_lower_case_colon_hexadecimal() {
    let address = LlAddr::from([2, 0, 0, 0, 0, 0xaa]);
    assert_eq!(address.to_string(), "02:00:00:00:00:aa");
    assert_eq!(format!("{address:?}"), "02:00:00:00:00:aa");
    assert_eq!(format!("{address:>20}|"), "   02:00:00:00:00:aa|");
    assert_eq!(ll("02:00:00:00:00:AA"), address);
    assert_eq!(ll("02-00-00-00-00-aa"), address);
    assert_eq!(ll("2:0:0:0:0:aa"), address);
}

#[test]
fn text_that_is_no_address_is_refused_with_the_octet_named() {
    let too_long = "00:".repeat(32) + "00";
    let cases: &[(&str, LlAddrError)] = &[
        ("", LlAddrError::Empty),
        (":", LlAddrError::Octet(1)),
        ("02:00:", LlAddrError::Octet(3)),
        ("02:0g", LlAddrError::Octet(2)),
        ("02:+1", LlAddrError::Octet(2)),
        ("020:00", LlAddrError::Octet(1)),
        ("02:\u{661}", LlAddrError::Octet(2)),
        (&too_long, LlAddrError::TooLong),
    ];
    for (text, error) in cases {
        assert_eq!(text.parse::<LlAddr>(), Err(*error), "{text:?}");
    }
}

#[test]
fn holds_up_to_32_bytes() {
    let bytes = [0xee; 33];
    for len in 0..=32 {
        let address = LlAddr::new(&bytes[..len]).unwrap();
        assert_eq!(address.as_bytes(), &bytes[..len]);
        assert_eq!(address.len(), len);
        assert_eq!(address.is_empty(), len == 0);
        if len > 0 {
            assert_eq!(ll(&address.to_string()), address);
        }
    }
    assert_eq!(LlAddr::new(&bytes), None);
    assert_eq!(LlAddr::zeros(99).len(), 32);
    assert_eq!(LlAddr::default(), LlAddr::EMPTY);
    assert_eq!(LlAddr::EMPTY.to_string(), "");
}

#[test]
fn classes_of_addresses() {
    // text, group, zero, broadcast
    let cases = [
        ("02:00:00:00:00:aa", false, false, false),
        ("33:33:ff:00:00:01", true, false, false),
        ("ff:ff:ff:ff:ff:ff", true, false, true),
        ("00:00:00:00:00:00", false, true, false),
    ];
    for (text, group, zero, broadcast) in cases {
        let address = ll(text);
        assert_eq!(
            (address.is_group(), address.is_zero(), address.is_broadcast()),
            (group, zero, broadcast),
            "{text}"
        );
        assert_eq!(address.mac().map(LlAddr::from), Some(address));
    }
    let none = LlAddr::EMPTY;
    assert!(!none.is_group() && !none.is_zero() && !none.is_broadcast());
    assert_eq!(LlAddr::broadcast(20).mac(), None);
}

#[test]
fn addresses_of_different_length_differ() {
    let set: HashSet<_> = (0..=32).map(LlAddr::zeros).collect();
    assert_eq!(set.len(), 33);
}
