//! The receive ring that is shared with the kernel: `TPACKET_V3`.
//!
//! The ring is a row of blocks of one size. The kernel fills a block with frames, one behind the other,
//! and gives it to us by setting `TP_STATUS_USER` in its head; we give it back by setting
//! `TP_STATUS_KERNEL`. Between the two the kernel does not touch it. See the kernel's
//! `Documentation/networking/packet_mmap.rst`.
//!
//! One of this crate's two files with `unsafe` code. Whatever the memory says, nothing outside the block
//! is read: all offsets found in it are checked against the block's size.
#![expect(unsafe_code, reason = "the ring is memory shared with the kernel")]

use super::mend::{Missing, insert_tag};
use crate::sys::VNET_HEADER_LEN;
use memmap2::MmapRaw;
use std::mem::offset_of;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where a block's head has its status, its number of frames, and the place of the first.
const HEAD: usize = offset_of!(libc::tpacket_block_desc, hdr);
const STATUS: usize = HEAD + offset_of!(libc::tpacket_hdr_v1, block_status);
const FRAMES: usize = HEAD + offset_of!(libc::tpacket_hdr_v1, num_pkts);
const FIRST: usize = HEAD + offset_of!(libc::tpacket_hdr_v1, offset_to_first_pkt);
/// The least that a block can hold: its head.
pub(super) const BLOCK_MIN: usize = size_of::<libc::tpacket_block_desc>();

const ETH_P_8021Q: u16 = 0x8100;

/// A mapped ring and the place in it where reading goes on.
#[derive(Debug)]
pub(super) struct Ring {
    map: MmapRaw,
    block_size: usize,
    blocks: usize,
    /// The block that is read, or waited for.
    block: usize,
    /// How many of its frames are not read yet; 0 while the block is the kernel's.
    left: u32,
    /// Where in the block the next of them begins.
    at: usize,
    /// Frames that could not be read whole.
    broken: u64,
}

impl Ring {
    /// A ring over `map`, if that has room for at least one whole block.
    pub(super) fn new(map: MmapRaw, block_size: usize) -> Option<Self> {
        let aligned = block_size.is_multiple_of(align_of::<libc::tpacket_block_desc>());
        let blocks = map.len().checked_div(block_size)?;
        (aligned && block_size >= BLOCK_MIN && blocks > 0).then_some(Self {
            map,
            block_size,
            blocks,
            block: 0,
            left: 0,
            at: 0,
            broken: 0,
        })
    }

    /// How many frames could not be read whole.
    pub(super) fn broken(&self) -> u64 {
        self.broken
    }

    /// Copies the next frame into `buf`, whole as on the wire, if the kernel has given one.
    pub(super) fn next(&mut self, buf: &mut Vec<u8>) -> bool {
        loop {
            if self.left == 0 && !self.open() {
                return false;
            }
            // An open block may hold no frame at all.
            let taken = self.left > 0 && self.take(buf);
            if self.left == 0 {
                self.give_back();
            }
            if taken {
                return true;
            }
        }
    }

    /// Looks whether the current block is ours now.
    fn open(&mut self) -> bool {
        // Acquire, so that what the kernel wrote before it gave us the block is seen.
        if self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return false;
        }
        self.left = self.word(FRAMES);
        self.at = self.word(FIRST) as usize;
        true
    }

    /// Gives the current block to the kernel and goes on to the next.
    fn give_back(&mut self) {
        // Release, so that our reads of the block are over before the kernel writes to it.
        self.status().store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.block = (self.block + 1) % self.blocks;
    }

    /// Reads the frame at `self.at` and steps to the next. Only in a block that is ours.
    fn take(&mut self, buf: &mut Vec<u8>) -> bool {
        buf.clear();
        self.left -= 1;
        let Some(header) = self.frame_header() else {
            // Nothing behind this can be found either.
            self.broken += 1 + u64::from(self.left);
            self.left = 0;
            return false;
        };
        let begin = self.at.saturating_add(usize::from(header.tp_mac));
        self.at = self.at.saturating_add(header.tp_next_offset as usize);
        let whole = header.tp_snaplen == header.tp_len;
        let frame = self.bytes(begin, header.tp_snaplen as usize);
        let Some(frame) = frame.filter(|_| whole) else {
            self.broken += 1;
            return false;
        };
        buf.extend_from_slice(frame);
        let vnet = begin.checked_sub(VNET_HEADER_LEN);
        let vnet = vnet.and_then(|at| self.bytes(at, VNET_HEADER_LEN)?.try_into().ok());
        if let Some(missing) = vnet.and_then(Missing::from_vnet_header) {
            missing.complete(buf);
        }
        if header.tp_status & libc::TP_STATUS_VLAN_VALID != 0 {
            let known = header.tp_status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
            let tpid = if known { header.hv1.tp_vlan_tpid } else { ETH_P_8021Q };
            insert_tag(buf, tpid, header.hv1.tp_vlan_tci as u16);
        }
        true
    }

    fn frame_header(&self) -> Option<libc::tpacket3_hdr> {
        let bytes = self.bytes(self.at, size_of::<libc::tpacket3_hdr>())?;
        // SAFETY: `bytes` is as long as the header, which is made of integers only, so that any bytes are a
        // valid one; the read does not ask for an alignment.
        Some(unsafe { bytes.as_ptr().cast::<libc::tpacket3_hdr>().read_unaligned() })
    }

    /// A word of the current block's head, which is ours.
    fn word(&self, at: usize) -> u32 {
        let bytes = self.bytes(at, 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_ne_bytes)
    }

    /// Bytes of the current block, if they lie in it. Only in a block that is ours.
    fn bytes(&self, at: usize, len: usize) -> Option<&[u8]> {
        let end = at.checked_add(len)?;
        if end > self.block_size {
            return None;
        }
        // SAFETY: `at + len` is within the block, and the block within the map (`block < blocks`, and
        // `blocks * block_size <= map.len()`), which is mapped readable for as long as `self` lives. All callers
        // are reached only after `open` saw TP_STATUS_USER, and `give_back`, which needs `&mut self`, ends every
        // borrow of this slice, so the kernel does not write while it exists.
        Some(unsafe { std::slice::from_raw_parts(self.block_start().add(at), len) })
    }

    fn status(&self) -> &AtomicU32 {
        let at = self.block_start().wrapping_add(STATUS).cast::<u32>();
        // SAFETY: the status lies in the block, as `block_size >= BLOCK_MIN`. The map begins at a page and
        // `block_size` is a multiple of the head's alignment, so it is aligned. The map lives as long as `self`.
        // This process reads and writes the status through this atomic only; the kernel writes whole words.
        unsafe { AtomicU32::from_ptr(at) }
    }

    fn block_start(&self) -> *mut u8 {
        self.map.as_mut_ptr().wrapping_add(self.block * self.block_size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memmap2::MmapMut;

    const BLOCK: usize = 4096;

    struct Frame<'a> {
        mac: u16,
        snaplen: u32,
        len: u32,
        next: u32,
        status: u32,
        tci: u16,
        bytes: &'a [u8],
    }

    /// Two blocks as the kernel would have filled them: all in the first, with the count that is said.
    fn ring(count: u32, first: u32, frames: &[Frame<'_>]) -> Ring {
        let mut map = MmapMut::map_anon(2 * BLOCK).unwrap();
        let mut put = |at: usize, bytes: &[u8]| map[at..at + bytes.len()].copy_from_slice(bytes);
        put(STATUS, &libc::TP_STATUS_USER.to_ne_bytes());
        put(FRAMES, &count.to_ne_bytes());
        put(FIRST, &first.to_ne_bytes());
        let mut at = first as usize;
        for frame in frames {
            type Header = libc::tpacket3_hdr;
            put(at + offset_of!(Header, tp_next_offset), &frame.next.to_ne_bytes());
            put(at + offset_of!(Header, tp_snaplen), &frame.snaplen.to_ne_bytes());
            put(at + offset_of!(Header, tp_len), &frame.len.to_ne_bytes());
            put(at + offset_of!(Header, tp_status), &frame.status.to_ne_bytes());
            put(at + offset_of!(Header, tp_mac), &frame.mac.to_ne_bytes());
            let tci = offset_of!(Header, hv1) + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tci);
            put(at + tci, &u32::from(frame.tci).to_ne_bytes());
            put(at + usize::from(frame.mac), frame.bytes);
            at = at.saturating_add(frame.next as usize);
        }
        Ring::new(map.into(), BLOCK).unwrap()
    }

    fn frame(bytes: &[u8]) -> Frame<'_> {
        let len = bytes.len() as u32;
        Frame { mac: 80, snaplen: len, len, next: 256, status: 0, tci: 0, bytes }
    }

    #[test]
    fn frames_come_in_order_and_the_block_goes_back() {
        let mut ring = ring(2, 48, &[frame(&[1; 60]), frame(&[2; 42])]);
        let mut buf = Vec::new();
        assert!(ring.next(&mut buf));
        assert_eq!(buf, [1; 60]);
        assert_eq!(ring.status().load(Ordering::Relaxed), libc::TP_STATUS_USER);
        assert!(ring.next(&mut buf));
        assert_eq!(buf, [2; 42]);
        assert_eq!(ring.block, 1);
        assert!(!ring.next(&mut buf));
        ring.block = 0;
        assert_eq!(ring.status().load(Ordering::Relaxed), libc::TP_STATUS_KERNEL);
    }

    #[test]
    fn a_tag_that_was_taken_out_is_put_back() {
        let mut tagged = frame(&[3; 20]);
        tagged.status = libc::TP_STATUS_VLAN_VALID;
        tagged.tci = 7;
        let mut buf = Vec::new();
        assert!(ring(1, 48, &[tagged]).next(&mut buf));
        assert_eq!(buf[12..16], [0x81, 0, 0, 7]);
        assert_eq!(buf.len(), 24);
    }

    #[test]
    fn a_frame_that_was_cut_is_counted_and_the_next_one_read() {
        let mut cut = frame(&[1; 60]);
        cut.len = 61;
        let mut ring = ring(2, 48, &[cut, frame(&[2; 42])]);
        let mut buf = Vec::new();
        assert!(ring.next(&mut buf));
        assert_eq!((buf.as_slice(), ring.broken()), ([2; 42].as_slice(), 1));
    }

    #[test]
    fn an_empty_block_goes_back() {
        let mut ring = ring(0, 48, &[]);
        assert!(!ring.next(&mut Vec::new()));
        assert_eq!((ring.block, ring.broken()), (1, 0));
    }

    #[test]
    fn offsets_outside_the_block_are_not_followed() {
        let mut buf = Vec::new();
        for first in [BLOCK as u32 - 4, BLOCK as u32, u32::MAX] {
            let mut ring = ring(3, first, &[]);
            assert!(!ring.next(&mut buf), "{first}");
            assert_eq!((ring.block, ring.broken()), (1, 3), "{first}");
        }
        for (mac, len) in [(80, 5000), (80, u32::MAX), (4000, 60)] {
            let mut bad = frame(&[1; 60]);
            (bad.mac, bad.snaplen, bad.len) = (mac, len, len);
            let mut ring = ring(1, 48, &[bad]);
            assert!(!ring.next(&mut buf), "{mac} {len}");
            assert_eq!(ring.broken(), 1, "{mac} {len}");
        }
    }

    #[test]
    fn a_next_frame_outside_the_block_ends_it() {
        let mut last = frame(&[1; 60]);
        last.next = u32::MAX;
        let mut ring = ring(3, 48, &[last]);
        let mut buf = Vec::new();
        assert!(ring.next(&mut buf));
        assert!(!ring.next(&mut buf));
        assert_eq!((ring.block, ring.broken()), (1, 2));
    }

    #[test]
    fn a_ring_without_room_for_a_block_is_refused() {
        for size in [0, 8, 4097, 8192] {
            let map = MmapMut::map_anon(BLOCK).unwrap();
            assert!(Ring::new(map.into(), size).is_none(), "{size}");
        }
    }
}
