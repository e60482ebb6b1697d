//! Link-layer headers, and how one comes before a packet.

use alloc::vec::Vec;

/// The longest: an address of 32 bytes, the type, two reserved octets.
const MOST: usize = 36;

/// A link-layer header.
#[derive(Debug)]
pub(crate) struct Header {
    bytes: [u8; MOST],
    pub(crate) len: usize,
}

/// None at all.
impl Default for Header {
    fn default() -> Self {
        Self { bytes: [0; MOST], len: 0 }
    }
}

impl Header {
    /// These parts behind one another; what does not fit is left out.
    #[inline]
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut header = Self::default();
        for part in parts {
            let room = &mut header.bytes[header.len..];
            let len = part.len().min(room.len());
            room[..len].copy_from_slice(&part[..len]);
            header.len += len;
        }
        header
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Whether the packet's own buffer has room for it.
    pub(crate) fn fits_before(&self, packet: &Vec<u8>) -> bool {
        packet.capacity() - packet.len() >= self.len
    }

    /// The frame of a packet before which it fits, in the packet's buffer.
    pub(crate) fn put_before(&self, mut packet: Vec<u8>) -> Vec<u8> {
        let len = packet.len();
        packet.resize(len + self.len, 0);
        packet.copy_within(..len, self.len);
        packet[..self.len].copy_from_slice(self.as_bytes());
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_before_its_packet_in_the_packet_s_own_buffer() {
        let header = Header::of(&[&[1, 2], &[3]]);
        let mut packet = Vec::with_capacity(5);
        packet.extend([7, 8]);
        assert!(header.fits_before(&packet));
        let place = packet.as_ptr();
        let frame = header.put_before(packet);
        assert_eq!((frame.as_slice(), frame.as_ptr()), ([1, 2, 3, 7, 8].as_slice(), place));
        assert!(!header.fits_before(&Vec::new()) && Header::default().fits_before(&Vec::new()));
        assert_eq!(Header::of(&[&[9; 40]]).as_bytes(), [9; MOST]);
    }
}
