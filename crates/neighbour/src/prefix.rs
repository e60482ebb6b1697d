//! A prefix: an address and how many of its bits count.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr};
use core::str::FromStr;

/// An address with a prefix length, as in `192.0.2.1/24`. The host bits stay as they were given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    address: IpAddr,
    len: u8,
}

/// Why a text is no prefix.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PrefixError {
    /// The part before the slash.
    #[error("{0:?} is not an IP address")]
    Address(alloc::string::String),
    /// The part behind it.
    #[error("{0:?} is not a prefix length")]
    Length(alloc::string::String),
    /// More bits than the address has.
    #[error("prefix length {len} is too long: {family} has at most {max}")]
    TooLong {
        /// What was given.
        len: u8,
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// What is possible.
        max: u8,
    },
}

impl Prefix {
    /// A prefix of `len` bits of `address`.
    pub const fn new(address: IpAddr, len: u8) -> Result<Self, PrefixError> {
        let (max, family) = match address {
            IpAddr::V4(_) => (32, "IPv4"),
            IpAddr::V6(_) => (128, "IPv6"),
        };
        if len > max {
            return Err(PrefixError::TooLong { len, family, max });
        }
        Ok(Self { address, len })
    }

    /// The prefix of one address.
    pub const fn host(address: IpAddr) -> Self {
        let len = if address.is_ipv4() { 32 } else { 128 };
        Self { address, len }
    }

    /// The address as given, host bits included.
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// How many bits count.
    pub const fn prefix_len(&self) -> u8 {
        self.len
    }

    /// Does `address` begin with the same bits?
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.len)).unwrap_or(0);
                (own.to_bits() ^ other.to_bits()) & mask == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.len)).unwrap_or(0);
                (own.to_bits() ^ other.to_bits()) & mask == 0
            }
            _ => false,
        }
    }

    /// The same prefix with its host bits cleared.
    pub fn network(&self) -> Self {
        let address = match self.address {
            IpAddr::V4(a) => {
                IpAddr::V4((a.to_bits() & u32::MAX.checked_shl(32 - u32::from(self.len)).unwrap_or(0)).into())
            }
            IpAddr::V6(a) => IpAddr::V6(
                (a.to_bits() & u128::MAX.checked_shl(128 - u32::from(self.len)).unwrap_or(0)).into(),
            ),
        };
        Self { address, ..*self }
    }

    /// The directed broadcast address; none for IPv6 and for prefixes of 31 and 32 bits.
    pub fn broadcast(&self) -> Option<Ipv4Addr> {
        match self.address {
            IpAddr::V4(a) if self.len < 31 => {
                Some((a.to_bits() | u32::MAX.checked_shr(u32::from(self.len)).unwrap_or(0)).into())
            }
            _ => None,
        }
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    /// `ADDRESS/LENGTH`, or `ADDRESS` alone for the prefix of one address.
    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| PrefixError::Address(address.into()))?;
        match len {
            None => Ok(Self::host(address)),
            Some(len) => Self::new(address, len.parse().map_err(|_| PrefixError::Length(len.into()))?),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn prefixes_contain_what_shares_their_bits() {
        for (prefix, address, expected) in [
            ("192.0.2.1/24", "192.0.2.200", true),
            ("192.0.2.1/24", "192.0.3.1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("192.0.2.1/32", "192.0.2.1", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("::/0", "fe80::1", true),
            ("::/0", "192.0.2.1", false),
        ] {
            let parsed: Prefix = prefix.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), expected, "{prefix} {address}");
        }
    }

    #[test]
    fn a_bad_prefix_says_what_is_bad() {
        for (text, message) in [
            ("192.0.2.1/33", "prefix length 33 is too long: IPv4 has at most 32"),
            ("192.0.2/24", "\"192.0.2\" is not an IP address"),
            ("::1/x", "\"x\" is not a prefix length"),
        ] {
            assert_eq!(text.parse::<Prefix>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn the_directed_broadcast_has_all_host_bits_set() {
        let broadcast = |text: &str| text.parse::<Prefix>().unwrap().broadcast();
        assert_eq!(broadcast("10.9.0.1/16"), Some(Ipv4Addr::new(10, 9, 255, 255)));
        assert_eq!(broadcast("10.9.0.1/31"), None);
        assert_eq!(broadcast("fd00::1/64"), None);
    }
}
