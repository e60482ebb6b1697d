//! Addresses, prefixes and link-layer addresses as iproute2 reads them.

use crate::failure::Failure;
use crate::words::number32;
use neighbour::{Family, Prefix};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address; none if the word is `default`, `any` or `all`. IPv4 addresses may be cut short.
///
/// # Errors
///
/// iproute2's text.
pub(crate) fn address(word: &str, family: Option<Family>) -> Result<Option<IpAddr>, Failure> {
    if is_any(word) {
        return Ok(None);
    }
    let parsed = parse(word).filter(|address| family.is_none_or(|family| Family::of(*address) == family));
    parsed.map(Some).ok_or_else(|| expected("address", word, family))
}

/// A prefix; none if the word is `default`, `any` or `all`. An address alone is a prefix of full length.
///
/// # Errors
///
/// iproute2's text.
pub(crate) fn prefix(word: &str, family: Option<Family>) -> Result<Option<Prefix>, Failure> {
    if is_any(word) {
        return Ok(None);
    }
    prefix_of(word, family).map(Some).ok_or_else(|| expected("prefix", word, family))
}

fn is_any(word: &str) -> bool {
    matches!(word, "default" | "any" | "all")
}

fn expected(what: &str, word: &str, family: Option<Family>) -> Failure {
    let family = match family {
        None => "any valid",
        Some(Family::Inet) => "inet",
        Some(Family::Inet6) => "inet6",
    };
    Failure::exact(format!("Error: {family} {what} is expected rather than \"{word}\"."), 1)
}

fn parse(word: &str) -> Option<IpAddr> {
    let v6 = word.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    v6.or_else(|| short_v4(word).map(IpAddr::V4))
}

/// `ADDRESS[/LENGTH]`; the length of IPv4 may be a netmask.
fn prefix_of(word: &str, family: Option<Family>) -> Option<Prefix> {
    let (address, len) = match word.split_once('/') {
        Some((address, len)) => (address, Some(len)),
        None => (word, None),
    };
    let address = parse(address)?;
    if family.is_some_and(|family| Family::of(address) != family) {
        return None;
    }
    let Some(len) = len else { return Some(Prefix::host(address)) };
    let netmask = || {
        let mask: Ipv4Addr = len.parse().ok()?;
        let ones = mask.to_bits().leading_ones();
        (address.is_ipv4() && ones + mask.to_bits().trailing_zeros() >= 32).then_some(ones)
    };
    let len = number32(len).or_else(netmask)?;
    Prefix::new(address, u8::try_from(len).ok()?).ok()
}

/// One to four numbers; what is missing is 0.
fn short_v4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    for (index, part) in text.split('.').enumerate() {
        *octets.get_mut(index)? = u8::try_from(number32(part)?).ok()?;
    }
    Some(octets.into())
}

/// The most bytes of a link-layer address that iproute2 sends; what follows is passed over.
const LLADDR_MAX: usize = 20;

/// The bytes of a link-layer address: hexadecimal numbers between colons, or an IPv4 address for tunnels.
/// Whether they are as many as the device wants is for the table to say.
///
/// # Errors
///
/// iproute2's text.
pub(crate) fn lladdr(word: &str) -> Result<Vec<u8>, Failure> {
    let invalid = |part: &str| Failure::passing(format!("\"{part}\" is invalid lladdr."), 1);
    if word.contains('.') {
        let v4 = short_v4(word).ok_or_else(|| invalid(word))?;
        return Ok(v4.octets().to_vec());
    }
    let byte = |part: &str| leading_hexadecimal(part).ok_or_else(|| invalid(part));
    word.split(':').take(LLADDR_MAX).map(byte).collect()
}

/// The number that the text begins with, as `scanf` reads it: what follows does not count.
fn leading_hexadecimal(text: &str) -> Option<u8> {
    let text = text.trim_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let digits = text.split(|c: char| !c.is_ascii_hexdigit()).next().unwrap_or_default();
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_may_be_short_and_have_netmasks() {
        for (word, expected) in [
            ("10.9.0.50", "10.9.0.50/32"),
            ("10.9.0.48/29", "10.9.0.48/29"),
            ("10.9/16", "10.9.0.0/16"),
            ("10", "10.0.0.0/32"),
            ("10.9.0.0/255.255.0.0", "10.9.0.0/16"),
            ("fd00:9::/64", "fd00:9::/64"),
            ("0x0a.9.0.33", "10.9.0.33/32"),
        ] {
            assert_eq!(prefix(word, None).unwrap().unwrap().to_string(), expected, "{word}");
        }
        for word in ["default", "any", "all"] {
            assert_eq!(prefix(word, None), Ok(None));
            assert_eq!(address(word, None), Ok(None));
        }
    }

    #[test]
    fn what_is_no_address_or_prefix_is_named_with_the_family_that_is_wanted() {
        let v6 = Some(Family::Inet6);
        let text = "Error: inet6 prefix is expected rather than \"10.9.0.50\".";
        assert_eq!(prefix("10.9.0.50", v6), Err(Failure::exact(text, 1)));
        for word in ["zz", "10.9.0.50/33", "10.9.0.50/", "1.2.3.4.5", "fe80", "0x0a090001", "::1/129", ""] {
            let text = format!("Error: any valid prefix is expected rather than \"{word}\".");
            assert_eq!(prefix(word, None), Err(Failure::exact(text, 1)));
        }
        for word in ["1.2.3.4/32", "fe80::1%v0", "inet:1.2.3.4"] {
            let text = format!("Error: any valid address is expected rather than \"{word}\".");
            assert_eq!(address(word, None), Err(Failure::exact(text, 1)));
        }
    }

    #[test]
    fn link_layer_addresses_are_read_as_iproute2_reads_them() {
        for (word, expected) in [
            ("02:00:00:00:00:05", Ok(vec![2, 0, 0, 0, 0, 5])),
            ("2:0:0:0:0:5", Ok(vec![2, 0, 0, 0, 0, 5])),
            ("02-00-00-00-00-05", Ok(vec![2])),
            ("any", Ok(vec![10])),
            ("1.2.3.4", Ok(vec![1, 2, 3, 4])),
            ("0200.0000.0005", Ok(vec![128, 0, 5, 0])),
            ("zz", Err("zz")),
            ("", Err("")),
            ("2:0:0:0:0:100", Err("100")),
            ("2::3", Err("")),
            ("2:-1:3", Err("-1")),
            ("1.2.3.4.5", Err("1.2.3.4.5")),
        ] {
            let wrong = |part| Failure::passing(format!("\"{part}\" is invalid lladdr."), 1);
            assert_eq!(lladdr(word), expected.map_err(wrong), "{word}");
        }
        assert_eq!(lladdr(&["1"; 40].join(":")).unwrap().len(), LLADDR_MAX);
    }
}
