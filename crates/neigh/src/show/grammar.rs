//! The words of `ip neigh show`, with its texts and exit codes for what is wrong.

use crate::failure::Failure;
use neighbour::{Family, NudState, Prefix};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// NUD_NONE has no bit of its own; iproute2 asks for it by this one.
const NONE: u16 = 0x100;

/// What is to be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Query {
    pub(super) family: Option<Family>,
    pub(super) proxy: bool,
    pub(super) unused: bool,
    pub(super) prefix: Option<Prefix>,
    pub(super) device: Option<String>,
    pub(super) protocol: Option<u8>,
    states: u16,
}

impl Query {
    /// Reads the words behind `show`.
    pub(super) fn parse(words: &[String], family: Option<Family>) -> Result<Self, Failure> {
        let mut query = Self {
            family,
            proxy: false,
            unused: false,
            prefix: None,
            device: None,
            protocol: None,
            states: 0xff & !u16::from(NudState::NOARP.0),
        };
        let mut states = None;
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = || {
                let incomplete = "Command line is not complete. Try option \"help\"";
                words.next().ok_or_else(|| Failure::exact(incomplete, 255))
            };
            match word {
                "proxy" => query.proxy = true,
                "unused" => query.unused = true,
                "dev" => {
                    let name = value()?;
                    if query.device.is_some() {
                        let text = format!("Error: duplicate \"dev\": \"{name}\" is the second value.");
                        return Err(Failure::exact(text, 255));
                    }
                    query.device = Some(name.into());
                }
                "nud" => *states.get_or_insert(0) |= states_of(value()?)?,
                "to" => query.set_prefix(value()?)?,
                _ if !word.is_empty() && "protocol".starts_with(word) => {
                    query.protocol = Some(protocol_of(value()?)?);
                }
                _ => query.set_prefix(word)?,
            }
        }
        query.states = states.unwrap_or(query.states);
        Ok(query)
    }

    /// Are entries in this state wanted?
    pub(super) fn wants(&self, state: NudState) -> bool {
        let bits = if state == NudState::NONE { NONE } else { u16::from(state.0) };
        self.states & bits != 0
    }

    fn set_prefix(&mut self, word: &str) -> Result<(), Failure> {
        if matches!(word, "default" | "any" | "all") {
            self.prefix = None;
            return Ok(());
        }
        let prefix = prefix_of(word, self.family).ok_or_else(|| {
            let family = match self.family {
                None => "any valid",
                Some(Family::Inet) => "inet",
                Some(Family::Inet6) => "inet6",
            };
            Failure::exact(format!("Error: {family} prefix is expected rather than \"{word}\"."), 1)
        })?;
        self.family = Some(Family::of(prefix.address()));
        self.prefix = Some(prefix);
        Ok(())
    }
}

/// The names that iproute2 lets be cut short.
const SHORTENED: [NudState; 3] = [NudState::PERMANENT, NudState::REACHABLE, NudState::FAILED];

fn states_of(word: &str) -> Result<u16, Failure> {
    if word == "all" {
        return Ok(0xff | NONE);
    }
    let lower = |state: &NudState| state.name().unwrap_or_default().to_ascii_lowercase();
    let exact = NudState::ALL.iter().find(|state| lower(state) == word);
    let short = || SHORTENED.iter().find(|state| !word.is_empty() && lower(state).starts_with(word));
    let named = exact.or_else(short).map(|state| u16::from(state.0));
    let number = || number_of(word).and_then(|n| u8::try_from(n).ok()).map(u16::from);
    match named.or_else(number) {
        Some(0) => Ok(NONE),
        Some(bits) => Ok(bits),
        None => Err(Failure::exact(format!("Error: argument \"{word}\" is wrong: nud state is bad"), 255)),
    }
}

/// A number as C writes it: decimal, octal after 0, hexadecimal after 0x.
fn number_of(text: &str) -> Option<u32> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match hexadecimal {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    let all_digits = digits.chars().all(|c| c.is_digit(radix));
    if all_digits { u32::from_str_radix(digits, radix).ok() } else { None }
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

fn protocol_of(word: &str) -> Result<u8, Failure> {
    let named = PROTOCOLS.iter().find(|(_, name)| *name == word).map(|(number, _)| *number);
    let number = || number_of(word).and_then(|n| u8::try_from(n).ok());
    // The blank line is iproute2's.
    let wrong =
        || Failure::exact(format!("Error: argument \"{word}\" is wrong: invalid \"protocol\"\n"), 255);
    named.or_else(number).ok_or_else(wrong)
}

/// The name of a routing protocol; its number if it has none.
pub(super) fn protocol_name(number: u8) -> String {
    let known = PROTOCOLS.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned())
}

/// `ADDRESS[/LENGTH]`. IPv4 addresses may be cut short (`10.9/16`), and have a netmask for a length.
fn prefix_of(word: &str, family: Option<Family>) -> Option<Prefix> {
    let (address, len) = match word.split_once('/') {
        Some((address, len)) => (address, Some(len)),
        None => (word, None),
    };
    let v6 = address.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let address = v6.or_else(|| short_v4(address).map(IpAddr::V4))?;
    if family.is_some_and(|family| Family::of(address) != family) {
        return None;
    }
    let Some(len) = len else { return Some(Prefix::host(address)) };
    let netmask = || {
        let mask: Ipv4Addr = len.parse().ok()?;
        let ones = mask.to_bits().leading_ones();
        (address.is_ipv4() && ones + mask.to_bits().trailing_zeros() >= 32).then_some(ones)
    };
    let len = number_of(len).or_else(netmask)?;
    Prefix::new(address, u8::try_from(len).ok()?).ok()
}

/// One to four numbers; what is missing is 0.
fn short_v4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    for (index, part) in text.split('.').enumerate() {
        *octets.get_mut(index)? = u8::try_from(number_of(part)?).ok()?;
    }
    Some(octets.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Query, Failure> {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        Query::parse(&words, None)
    }

    /// Each as iproute2 6.1 says it.
    #[test]
    fn what_is_wrong_is_said_in_iproute2s_words_with_its_exit_code() {
        for (line, text, code) in [
            ("router", "Error: any valid prefix is expected rather than \"router\".", 1),
            ("d v0", "Error: any valid prefix is expected rather than \"d\".", 1),
            ("10.9.0.50/33", "Error: any valid prefix is expected rather than \"10.9.0.50/33\".", 1),
            ("10.9.0.50/", "Error: any valid prefix is expected rather than \"10.9.0.50/\".", 1),
            ("1.2.3.4.5", "Error: any valid prefix is expected rather than \"1.2.3.4.5\".", 1),
            ("fe80", "Error: any valid prefix is expected rather than \"fe80\".", 1),
            ("0x0a090001", "Error: any valid prefix is expected rather than \"0x0a090001\".", 1),
            ("nud bogus", "Error: argument \"bogus\" is wrong: nud state is bad", 255),
            ("nud PERMANENT", "Error: argument \"PERMANENT\" is wrong: nud state is bad", 255),
            ("nud pr", "Error: argument \"pr\" is wrong: nud state is bad", 255),
            ("nud 300", "Error: argument \"300\" is wrong: nud state is bad", 255),
            ("nud 0x", "Error: argument \"0x\" is wrong: nud state is bad", 255),
            ("nud -1", "Error: argument \"-1\" is wrong: nud state is bad", 255),
            ("nud", "Command line is not complete. Try option \"help\"", 255),
            ("dev", "Command line is not complete. Try option \"help\"", 255),
            ("to", "Command line is not complete. Try option \"help\"", 255),
            ("dev v0 dev v0", "Error: duplicate \"dev\": \"v0\" is the second value.", 255),
            ("proto 300", "Error: argument \"300\" is wrong: invalid \"protocol\"\n", 255),
        ] {
            assert_eq!(parse(line), Err(Failure::exact(text, code)), "{line}");
        }
        let words = ["10.9.0.50".to_owned()];
        let text = "Error: inet6 prefix is expected rather than \"10.9.0.50\".";
        assert_eq!(Query::parse(&words, Some(Family::Inet6)), Err(Failure::exact(text, 1)));
    }

    #[test]
    fn states_are_names_some_of_them_short_numbers_and_all() {
        let wanted = |line: &str| {
            let query = parse(line).unwrap();
            let wanted: Vec<&str> =
                NudState::ALL.iter().filter(|s| query.wants(**s)).filter_map(|s| s.name()).collect();
            wanted.join(" ")
        };
        let shown = "INCOMPLETE REACHABLE STALE DELAY PROBE FAILED PERMANENT";
        for (line, expected) in [
            ("", shown),
            ("nud all", "NONE INCOMPLETE REACHABLE STALE DELAY PROBE FAILED NOARP PERMANENT"),
            ("nud none", "NONE"),
            ("nud 0", "NONE"),
            ("nud noarp", "NOARP"),
            ("nud perm", "PERMANENT"),
            ("nud r", "REACHABLE"),
            ("nud 0x80", "PERMANENT"),
            ("nud 0200", "PERMANENT"),
            ("nud 128", "PERMANENT"),
            ("nud stale nud permanent", "STALE PERMANENT"),
        ] {
            assert_eq!(wanted(line), expected, "{line}");
        }
    }

    #[test]
    fn prefixes_may_be_short_and_the_last_one_counts() {
        for (line, expected) in [
            ("10.9.0.50", "10.9.0.50/32"),
            ("to 10.9.0.48/29", "10.9.0.48/29"),
            ("10.9/16", "10.9.0.0/16"),
            ("10", "10.0.0.0/32"),
            ("10.9.0.0/255.255.0.0", "10.9.0.0/16"),
            ("fd00:9::/64", "fd00:9::/64"),
            ("to 10.9.0.50 to 10.9.0.51", "10.9.0.51/32"),
        ] {
            assert_eq!(parse(line).unwrap().prefix.unwrap().to_string(), expected, "{line}");
        }
        for line in ["default", "any", "to all"] {
            assert_eq!(parse(line).unwrap().prefix, None);
        }
    }

    #[test]
    fn a_prefix_chooses_the_family() {
        assert_eq!(parse("10.9/16").unwrap().family, Some(Family::Inet));
        assert_eq!(parse("::1").unwrap().family, Some(Family::Inet6));
    }
}
