//! The groups of neighbour discovery (RFC 4291 section 2.7.1).

use core::net::Ipv6Addr;

/// All nodes of the link.
pub(crate) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// All routers of the link.
pub(crate) const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// All routers of the interface, the link or the site.
pub(crate) fn is_all_routers(group: Ipv6Addr) -> bool {
    let [first, .., last] = group.segments();
    matches!(first, 0xff01 | 0xff02 | 0xff05) && group.segments()[1..7] == [0; 6] && last == 2
}
