//! Groups to link-layer addresses, by fixed rules: no resolution (ARP-10 to ARP-13, ND-3, ND-4).

use crate::device::LinkKind;
use core::net::{Ipv4Addr, Ipv6Addr};
use neighbour_wire::LlAddr;

/// The link-layer address of an IPv4 group, in the direction of output.
pub(crate) fn map_v4(kind: LinkKind, broadcast: &LlAddr, group: Ipv4Addr) -> LlAddr {
    let [_, b, c, d] = group.octets();
    match kind {
        LinkKind::Ethernet | LinkKind::Fddi | LinkKind::Ieee802 => {
            LlAddr::from([0x01, 0x00, 0x5e, b & 0x7f, c, d]) // RFC 1112 section 6.4
        }
        LinkKind::Infiniband => {
            let mut out = infiniband(broadcast, [0x40, 0x1b]);
            out[16..].copy_from_slice(&(group.to_bits() & 0x0fff_ffff).to_be_bytes());
            LlAddr::new(&out).unwrap_or_default()
        }
        LinkKind::Ipgre if broadcast.is_zero() => LlAddr::new(&group.octets()).unwrap_or_default(),
        _ => *broadcast,
    }
}

/// The link-layer address of an IPv6 group, in the direction of output. None where the kind of link
/// has no rule (GRE to many: only IPv4-mapped groups).
pub(crate) fn map_v6(kind: LinkKind, broadcast: &LlAddr, group: Ipv6Addr) -> Option<LlAddr> {
    let octets = group.octets();
    match kind {
        LinkKind::Ethernet | LinkKind::Fddi | LinkKind::Ieee802 => {
            let [.., c, d, e, f] = octets;
            Some(LlAddr::from([0x33, 0x33, c, d, e, f])) // RFC 2464 section 7
        }
        LinkKind::Arcnet => Some(LlAddr::zeros(1)),
        LinkKind::Infiniband => {
            let mut out = infiniband(broadcast, [0x60, 0x1b]);
            out[10..].copy_from_slice(&octets[6..]);
            LlAddr::new(&out)
        }
        LinkKind::Ipgre if broadcast.is_zero() => {
            group.to_ipv4_mapped().and_then(|v4| LlAddr::new(&v4.octets()))
        }
        _ => Some(*broadcast),
    }
}

/// The common beginning: queue pair, scope, signature, partition (RFC 4391 section 4).
fn infiniband(broadcast: &LlAddr, signature: [u8; 2]) -> [u8; 20] {
    let at = |n: usize| broadcast.as_bytes().get(n).copied().unwrap_or(0);
    let mut out = [0; 20];
    out[1..4].fill(0xff);
    out[4] = 0xff;
    out[5] = 0x10 | (at(5) & 0x0f);
    out[6..8].copy_from_slice(&signature);
    (out[8], out[9]) = (at(8), at(9));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(kind: LinkKind, broadcast: &LlAddr, group: &str) -> String {
        map_v4(kind, broadcast, group.parse().unwrap()).to_string()
    }

    fn v6(kind: LinkKind, broadcast: &LlAddr, group: &str) -> Option<String> {
        map_v6(kind, broadcast, group.parse().unwrap()).map(|a| a.to_string())
    }

    use alloc::string::{String, ToString};

    #[test]
    fn ethernet_takes_the_low_bits_of_the_group_arp_10_nd_3() {
        let bcast = LlAddr::broadcast(6);
        assert_eq!(v4(LinkKind::Ethernet, &bcast, "239.129.2.3"), "01:00:5e:01:02:03");
        assert_eq!(v6(LinkKind::Ethernet, &bcast, "ff02::1:ff00:99").unwrap(), "33:33:ff:00:00:99");
    }

    #[test]
    fn infiniband_carries_scope_partition_and_group_arp_11() {
        let mut bcast = [0u8; 20];
        (bcast[5], bcast[8], bcast[9]) = (0x12, 0x80, 0x01);
        let bcast = LlAddr::new(&bcast).unwrap();
        assert_eq!(
            v4(LinkKind::Infiniband, &bcast, "224.0.0.1"),
            "00:ff:ff:ff:ff:12:40:1b:80:01:00:00:00:00:00:00:00:00:00:01"
        );
        assert_eq!(
            v6(LinkKind::Infiniband, &bcast, "ff02::1:ff01:203").unwrap(),
            "00:ff:ff:ff:ff:12:60:1b:80:01:00:00:00:00:00:01:ff:01:02:03"
        );
    }

    #[test]
    fn gre_takes_its_remote_end_or_the_group_itself_arp_12() {
        let one = LlAddr::new(&[192, 0, 2, 9]).unwrap();
        let many = LlAddr::zeros(4);
        assert_eq!(v4(LinkKind::Ipgre, &one, "224.0.0.5"), "c0:00:02:09");
        assert_eq!(v4(LinkKind::Ipgre, &many, "224.0.0.5"), "e0:00:00:05");
        assert_eq!(v6(LinkKind::Ipgre, &many, "ff02::1"), None);
        assert_eq!(v6(LinkKind::Ipgre, &many, "::ffff:224.0.0.5").unwrap(), "e0:00:00:05");
    }

    #[test]
    fn other_links_broadcast_arp_13() {
        let bcast = LlAddr::new(&[0]).unwrap();
        assert_eq!(v4(LinkKind::Arcnet, &bcast, "224.0.0.1"), "00");
        assert_eq!(v6(LinkKind::Arcnet, &bcast, "ff02::1").unwrap(), "00");
    }
}
