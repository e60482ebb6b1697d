//! States and protocols by iproute2's names.

use crate::failure::Failure;
use crate::words::{begins, number32, wrong};
use neighbour::NudState;

/// NUD_NONE has no bit of its own; iproute2 asks for it by this one.
pub(crate) const NONE: u16 = 0x100;
/// Every state.
pub(crate) const ALL: u16 = 0xff | NONE;

/// The names that iproute2 lets be cut short.
const SHORTENED: [NudState; 3] = [NudState::PERMANENT, NudState::REACHABLE, NudState::FAILED];

/// One state by its name or its number, 0 for NONE.
///
/// # Errors
///
/// iproute2's text.
pub(crate) fn state_of(word: &str) -> Result<u8, Failure> {
    let lower = |state: &NudState| state.name().unwrap_or_default().to_ascii_lowercase();
    let exact = NudState::ALL.iter().find(|state| lower(state) == word);
    let short = || SHORTENED.iter().find(|state| begins(word, &lower(state)));
    let named = exact.or_else(short).map(|state| state.0);
    // A number has one bit or none.
    let one_bit = |bits: &u8| bits & bits.wrapping_sub(1) == 0;
    let numbered = || number32(word).and_then(|number| u8::try_from(number).ok()).filter(one_bit);
    named.or_else(numbered).ok_or_else(|| wrong(word, "nud state is bad"))
}

/// A state to be looked for, or `all`, as a set in which [`NONE`] has a bit.
///
/// # Errors
///
/// iproute2's text.
pub(crate) fn states_of(word: &str) -> Result<u16, Failure> {
    if word == "all" {
        return Ok(ALL);
    }
    state_of(word).map(|bits| if bits == 0 { NONE } else { u16::from(bits) })
}

/// Routing protocols by iproute2's names.
const PROTOCOLS: [(u8, &str); 24] = [
    (0, "unspec"),
    (1, "redirect"),
    (2, "kernel"),
    (3, "boot"),
    (4, "static"),
    (8, "gated"),
    (9, "ra"),
    (10, "mrt"),
    (11, "zebra"),
    (12, "bird"),
    (13, "dnrouted"),
    (14, "xorp"),
    (15, "ntk"),
    (16, "dhcp"),
    (18, "keepalived"),
    (42, "babel"),
    (84, "ovn"),
    (99, "openr"),
    (186, "bgp"),
    (187, "isis"),
    (188, "ospf"),
    (189, "rip"),
    (190, "ripng"),
    (192, "eigrp"),
];

/// A protocol by its name or its number.
pub(crate) fn protocol_of(word: &str) -> Option<u8> {
    let named = PROTOCOLS.iter().find(|(_, name)| *name == word).map(|(number, _)| *number);
    named.or_else(|| number32(word).and_then(|number| u8::try_from(number).ok()))
}

/// The name of a protocol; its number if it has none.
pub(crate) fn protocol_name(number: u8) -> String {
    let known = PROTOCOLS.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_names_some_of_them_short_numbers_of_one_bit_and_all() {
        for (word, expected) in [
            ("all", Some(ALL)),
            ("none", Some(NONE)),
            ("0", Some(NONE)),
            ("noarp", Some(0x40)),
            ("perm", Some(0x80)),
            ("r", Some(2)),
            ("0x80", Some(0x80)),
            ("0200", Some(0x80)),
            ("128", Some(0x80)),
            ("+1", Some(1)),
            ("6", None),
            ("0x100", None),
            ("300", None),
            ("-1", None),
            ("0x", None),
            ("pr", None),
            ("PERMANENT", None),
            ("", None),
        ] {
            assert_eq!(states_of(word).ok(), expected, "{word}");
        }
        assert!(state_of("all").is_err(), "an entry has one state");
    }

    #[test]
    fn protocols_are_names_or_numbers() {
        assert_eq!((protocol_of("bgp"), protocol_of("77"), protocol_of("300")), (Some(186), Some(77), None));
        assert_eq!((protocol_name(186), protocol_name(77)), ("bgp".into(), "77".into()));
    }
}
