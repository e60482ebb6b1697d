//! Makes a frame on a packet socket what it would be on the wire.
//!
//! The kernel leaves two things to hardware that a frame between two interfaces of one machine never
//! meets: the checksum of TCP or UDP, and a VLAN tag. Whoever reads the frame has to finish them.

use crate::sys::VNET_HEADER_LEN;

/// `VIRTIO_NET_HDR_F_NEEDS_CSUM`.
const NEEDS_CHECKSUM: u8 = 1;

/// Where a checksum is missing: over all from `start` on, to be put at `start + offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missing {
    start: usize,
    offset: usize,
}

impl Missing {
    /// From the `virtio_net_hdr` before the frame, in the machine's byte order.
    pub(super) fn from_vnet_header(header: [u8; VNET_HEADER_LEN]) -> Option<Self> {
        let [flags, _, _, _, _, _, start_0, start_1, offset_0, offset_1] = header;
        (flags & NEEDS_CHECKSUM != 0).then(|| Self {
            start: usize::from(u16::from_ne_bytes([start_0, start_1])),
            offset: usize::from(u16::from_ne_bytes([offset_0, offset_1])),
        })
    }

    /// Completes the sum that the kernel began with the pseudo-header's. Does nothing if it lies outside.
    pub(super) fn complete(self, frame: &mut [u8]) {
        let at = self.start.saturating_add(self.offset);
        let Some(covered) = frame.get(self.start..) else {
            return;
        };
        let sum = match ones_complement(covered) {
            // Zero would say "no checksum" in UDP; both are zero in this arithmetic.
            0xffff => 0xffff,
            sum => !sum,
        };
        if let Some(field) = frame.get_mut(at..at.saturating_add(2)) {
            field.copy_from_slice(&sum.to_be_bytes());
        }
    }
}

/// RFC 1071: the sum of all 16-bit words, carries added in; an odd last byte is followed by a zero.
fn ones_complement(bytes: &[u8]) -> u16 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let words = pairs.iter().map(|&pair| u64::from(u16::from_be_bytes(pair)));
    let mut sum = words.sum::<u64>();
    sum += rest.first().map_or(0, |&last| u64::from(last) << 8);
    while let carry @ 1.. = sum >> 16 {
        sum = (sum & 0xffff) + carry;
    }
    sum as u16
}

/// Puts a VLAN tag back behind the two addresses.
pub(super) fn insert_tag(frame: &mut Vec<u8>, tpid: u16, tci: u16) {
    if frame.len() >= 12 {
        let ([t0, t1], [c0, c1]) = (tpid.to_be_bytes(), tci.to_be_bytes());
        frame.splice(12..12, [t0, t1, c0, c1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_over_the_worked_example_of_rfc_1071() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(ones_complement(&bytes), 0xddf2);
        assert_eq!(ones_complement(&[0x12]), 0x1200);
        assert_eq!(ones_complement(&[]), 0);
    }

    #[test]
    fn a_completed_frame_sums_to_all_ones() {
        let missing = Missing { start: 4, offset: 6 };
        let mut frame: Vec<u8> = (0..33).map(|at| at * 7).collect();
        let pseudo = u16::from_be_bytes([frame[10], frame[11]]);
        missing.complete(&mut frame);
        let total = u64::from(ones_complement(&frame[4..])) + u64::from(pseudo);
        assert_eq!((total & 0xffff) + (total >> 16), 0xffff);
    }

    #[test]
    fn a_checksum_is_never_zero() {
        let missing = Missing { start: 0, offset: 0 };
        let mut frame = [0x12, 0x34, 0xed, 0xcb];
        missing.complete(&mut frame);
        assert_eq!(frame, [0xff, 0xff, 0xed, 0xcb]);
    }

    #[test]
    fn a_place_outside_the_frame_changes_nothing() {
        for (start, offset) in [(4, 0), (5, 0), (0, 3), (0, 9), (usize::MAX, usize::MAX)] {
            let mut frame = [1, 2, 3, 4];
            Missing { start, offset }.complete(&mut frame);
            assert_eq!(frame, [1, 2, 3, 4], "{start} {offset}");
        }
    }

    #[test]
    fn the_header_says_where() {
        let mut header = [0; VNET_HEADER_LEN];
        assert_eq!(Missing::from_vnet_header(header), None);
        header[0] = 1;
        header[6..8].copy_from_slice(&34_u16.to_ne_bytes());
        header[8..10].copy_from_slice(&6_u16.to_ne_bytes());
        let expected = Missing { start: 34, offset: 6 };
        assert_eq!(Missing::from_vnet_header(header), Some(expected));
    }

    #[test]
    fn a_tag_goes_behind_the_addresses() {
        let mut frame: Vec<u8> = (0..16).collect();
        insert_tag(&mut frame, 0x8100, 0x2064);
        assert_eq!(frame[..12], (0..12).collect::<Vec<u8>>());
        assert_eq!(frame[12..], [0x81, 0x00, 0x20, 0x64, 12, 13, 14, 15]);
        let mut short = vec![0; 11];
        insert_tag(&mut short, 0x8100, 1);
        assert_eq!(short.len(), 11);
    }
}
