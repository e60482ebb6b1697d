//! Ethernet II frames.
//!
//! As Linux does on a device without VLAN interfaces, [`Frame::parse`] looks through any stack of priority
//! tags (VLAN id 0) and stops at a tag with another id, so that ARP and neighbour discovery cannot hide
//! behind one (VU#855201).

use alloc::vec::Vec;

use crate::bytes::{array, be16};

/// Bytes in an Ethernet header without tags.
pub const HEADER_LEN: usize = 14;

/// Lower values of the type field are 802.3 lengths.
const ETHERTYPE_MIN: u16 = 0x600;

/// The values of the type field that matter here.
pub mod ethertype {
    /// IPv4 (RFC 894).
    pub const IPV4: u16 = 0x0800;
    /// ARP (RFC 826).
    pub const ARP: u16 = 0x0806;
    /// 802.1Q customer tag.
    pub const VLAN: u16 = 0x8100;
    /// 802.1ad service tag.
    pub const QINQ: u16 = 0x88a8;
    /// IPv6 (RFC 2464).
    pub const IPV6: u16 = 0x86dd;
}

/// Why bytes are not an Ethernet II frame for this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The header, or a tag, does not fit into what came.
    #[error("Ethernet frame is truncated: need {need} bytes for its header, got {got}")]
    Truncated {
        /// Bytes the header needs.
        need: usize,
        /// Bytes there are.
        got: usize,
    },
    /// A tag with this VLAN id (not 0): the frame is another device's.
    #[error("frame is tagged for VLAN {0}, expected none or a priority tag")]
    VlanTagged(u16),
    /// An 802.3 length where the type should be: LLC or SNAP inside.
    #[error("802.3 frame with LLC, expected Ethernet II")]
    Llc,
}

/// An Ethernet II frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Where it goes.
    pub destination: [u8; 6],
    /// Whence it says it comes.
    pub source: [u8; 6],
    /// Type of the payload, behind all priority tags: see [`ethertype`].
    pub ethertype: u16,
    /// All that follows, padding included.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads a frame and strips priority tags.
    pub fn parse(frame: &'a [u8]) -> Result<Self, FrameError> {
        let truncated = |need| FrameError::Truncated { need, got: frame.len() };
        let destination = array(frame, 0).ok_or_else(|| truncated(HEADER_LEN))?;
        let source = array(frame, 6).ok_or_else(|| truncated(HEADER_LEN))?;
        let mut header_len = HEADER_LEN;
        loop {
            let kind = be16(frame, header_len - 2).ok_or_else(|| truncated(header_len))?;
            match kind {
                ethertype::VLAN | ethertype::QINQ => {
                    let tag = be16(frame, header_len).ok_or_else(|| truncated(header_len + 4))?;
                    let id = tag & 0xfff;
                    if id != 0 {
                        return Err(FrameError::VlanTagged(id));
                    }
                    header_len += 4;
                }
                ..ETHERTYPE_MIN => return Err(FrameError::Llc),
                _ => {
                    let payload = frame.get(header_len..).unwrap_or_default();
                    return Ok(Self { destination, source, ethertype: kind, payload });
                }
            }
        }
    }
}

/// An Ethernet header.
pub fn header(destination: [u8; 6], source: [u8; 6], ethertype: u16) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..6].copy_from_slice(&destination);
    header[6..12].copy_from_slice(&source);
    header[12..].copy_from_slice(&ethertype.to_be_bytes());
    header
}

/// Appends an Ethernet header.
pub fn emit_header(buf: &mut Vec<u8>, destination: [u8; 6], source: [u8; 6], ethertype: u16) {
    buf.extend_from_slice(&header(destination, source, ethertype));
}
