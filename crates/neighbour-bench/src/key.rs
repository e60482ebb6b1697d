//! Keys and what is found under them, the same for every contestant.

use neighbour::{Family, NudState};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A neighbour's key as a peer would store it: as small as it can be, and hashed in as few words as it has.
pub(crate) trait Key: Copy + Eq + Hash + Send + Sync + 'static {
    /// How the keys are called in the tables of results.
    const NAME: &str;

    /// Whose addresses they are.
    const FAMILY: Family;

    /// The key of number `n`. Different numbers below 2^24 have different keys, and close ones have
    /// nothing in common.
    fn nth(n: u32, ifindex: u32) -> Self;

    /// The address in it.
    fn address(self) -> IpAddr;
}

/// An IPv6 address and an interface index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key6 {
    address: [u8; 16],
    ifindex: u32,
}

/// An IPv4 address and an interface index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key4 {
    address: u32,
    ifindex: u32,
}

impl Hash for Key6 {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let bits = u128::from_ne_bytes(self.address);
        state.write_u64(bits as u64);
        state.write_u64((bits >> 64) as u64);
        state.write_u32(self.ifindex);
    }
}

impl Hash for Key4 {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.ifindex) << 32 | u64::from(self.address));
    }
}

impl Key for Key6 {
    const NAME: &str = "IPv6";
    const FAMILY: Family = Family::Inet6;

    fn nth(n: u32, ifindex: u32) -> Self {
        // Interface identifiers as RFC 7217 makes them: without any pattern.
        let address = u128::from(PREFIX) << 64 | u128::from(scatter(u64::from(n)));
        Self { address: address.to_be_bytes(), ifindex }
    }

    #[inline]
    fn address(self) -> IpAddr {
        IpAddr::V6(Ipv6Addr::from(self.address))
    }
}

impl Key for Key4 {
    const NAME: &str = "IPv4";
    const FAMILY: Family = Family::Inet;

    fn nth(n: u32, ifindex: u32) -> Self {
        // All of 10.0.0.0/8, in the order of a walk by an odd step.
        let address = 10 << 24 | (n.wrapping_mul(0x9e_3779) & 0xff_ffff);
        Self { address, ifindex }
    }

    #[inline]
    fn address(self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(self.address))
    }
}

/// 2001:db8:0:1::/64.
const PREFIX: u64 = 0x2001_0db8_0000_0001;

/// A bijection of 64 bits without visible pattern (the finaliser of SplitMix64).
fn scatter(n: u64) -> u64 {
    let mut x = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// What peers keep for a neighbour: the finished Ethernet header with the link-layer address in it, and the
/// state. It is what a data plane wants, and what our table answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload {
    /// Destination, source, EtherType.
    pub(crate) header: [u8; 14],
    /// `NUD_*`.
    pub(crate) state: u8,
}

/// The device's own address in all headers.
pub(crate) const OWN: [u8; 6] = [2, 0, 0, 0, 0, 1];

impl Payload {
    /// What stands under the key of number `n`.
    pub(crate) fn nth<K: Key>(n: u32) -> Self {
        let mut header = [0; 14];
        header[..6].copy_from_slice(&lladdr(n));
        header[6..12].copy_from_slice(&OWN);
        header[12..].copy_from_slice(match K::FAMILY {
            Family::Inet => &[0x08, 0x00],
            Family::Inet6 => &[0x86, 0xdd],
        });
        Self { header, state: NudState::REACHABLE.0 }
    }

    /// Looks at the state and at every byte of the header, as who sends a packet must.
    #[inline]
    pub(crate) fn consume(&self) -> u64 {
        if NudState(self.state).is_valid() { consume(&self.header) } else { 0 }
    }
}

/// The link-layer address of number `n`.
pub(crate) fn lladdr(n: u32) -> [u8; 6] {
    let [a, b, c, d] = n.to_be_bytes();
    [2, 1, a, b, c, d]
}

/// Folds a whole header into one word.
#[inline]
pub(crate) fn consume(header: &[u8; 14]) -> u64 {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = *header;
    let (first, middle) = (u64::from_le_bytes([a, b, c, d, e, f, g, h]), u32::from_le_bytes([i, j, k, l]));
    first.rotate_left(7) ^ u64::from(middle) ^ u64::from(u16::from_le_bytes([m, n]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_numbers_have_one_key() {
        let n = 1 << 17;
        assert_eq!((0..n).map(|n| Key4::nth(n, 1).address).collect::<HashSet<_>>().len(), n as usize);
        assert_eq!((0..n).map(|n| Key6::nth(n, 1).address).collect::<HashSet<_>>().len(), n as usize);
    }

    #[test]
    fn another_address_is_another_sum() {
        let sums: HashSet<_> = (0..10_000).map(|n| Payload::nth::<Key6>(n).consume()).collect();
        assert_eq!(sums.len(), 10_000);
    }
}
