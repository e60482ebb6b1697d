//! Addresses of a prefix, counted.

use neighbour::Prefix;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address `n` behind `first`; `None` past the end of all addresses.
pub(crate) fn nth(first: IpAddr, n: u128) -> Option<IpAddr> {
    match first {
        IpAddr::V4(v4) => {
            let n = u32::try_from(n).ok()?;
            Some(Ipv4Addr::from_bits(v4.to_bits().checked_add(n)?).into())
        }
        IpAddr::V6(v6) => Some(Ipv6Addr::from_bits(v6.to_bits().checked_add(n)?).into()),
    }
}

/// The bits behind a prefix, all set; how many addresses it has, less one.
pub(crate) fn host_mask(prefix: Prefix) -> u128 {
    let width = if prefix.address().is_ipv4() { 32 } else { 128 };
    let bits = width - u32::from(prefix.prefix_len());
    if bits == 128 { u128::MAX } else { (1 << bits) - 1 }
}

/// The address of a prefix whose last bits are those of `host`.
pub(crate) fn address(prefix: Prefix, host: u128) -> IpAddr {
    let host = host & host_mask(prefix);
    match prefix.network().address() {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() | host as u32).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() | host).into(),
    }
}
