//! Cutting IPv4 packets to fit (RFC 791 section 3.2).

use alloc::vec::Vec;
use neighbour_wire::ipv4::Ipv4;

/// Cuts an IPv4 packet to fit (RFC 791 section 3.2). None: it must not be cut, or cannot.
pub(crate) fn fragment(packet: &[u8], mtu: usize) -> Option<Vec<Vec<u8>>> {
    const DONT: u16 = 0x4000;
    const MORE: u16 = 0x2000;
    let parsed = Ipv4::parse(packet).ok()?;
    let flags = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]);
    let room = mtu.checked_sub(parsed.header_len)? & !7;
    let last = usize::from(flags & 0x1fff) + parsed.payload.len().div_ceil(8);
    if flags & DONT != 0 || room == 0 || last > 0x1fff {
        return None;
    }
    let header = packet.get(..parsed.header_len)?;
    let chunks = parsed.payload.len().div_ceil(room);
    let parts = parsed.payload.chunks(room).enumerate().map(|(n, chunk)| {
        let mut part = header.to_vec();
        part.extend_from_slice(chunk);
        let offset = (flags & 0x1fff) + (n * room / 8) as u16;
        let more = if n + 1 < chunks { MORE } else { flags & MORE };
        let len = (part.len() as u16).to_be_bytes();
        part[2..4].copy_from_slice(&len);
        part[6..8].copy_from_slice(&(offset | more).to_be_bytes());
        part[10..12].fill(0);
        let sum = neighbour_wire::icmpv4::checksum(&part[..parsed.header_len]);
        part[10..12].copy_from_slice(&sum.to_be_bytes());
        part
    });
    Some(parts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn fragments_make_up_the_packet_again_rfc_791() {
        let mut packet = vec![];
        let payload: Vec<u8> = (0..3000u32).map(|n| n as u8).collect();
        neighbour_wire::udp::emit_ipv4(
            &mut packet,
            [10, 0, 0, 1].into(),
            [10, 0, 1, 1].into(),
            1,
            2,
            &payload,
        );
        assert_eq!(fragment(&packet, 1500), None, "do not fragment is set");
        packet[6] = 0;
        packet[10..12].fill(0);
        let sum = neighbour_wire::icmpv4::checksum(&packet[..20]);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        let parts = fragment(&packet, 1500).unwrap();
        let mut whole = vec![0; 3008];
        for (n, part) in parts.iter().enumerate() {
            let parsed = Ipv4::parse(part).unwrap();
            assert!(part.len() <= 1500);
            let at = usize::from(parsed.fragment_offset);
            whole[at..at + parsed.payload.len()].copy_from_slice(parsed.payload);
            assert_eq!(part[6] & 0x20 != 0, n + 1 < parts.len(), "more fragments");
        }
        assert_eq!(whole, packet[20..]);
    }
}
