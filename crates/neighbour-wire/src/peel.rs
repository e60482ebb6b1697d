//! What stands between an Ethernet header and a protocol, taken off: for whoever watches a link, and must see what any
//! host on it might see.
//!
//! A host reads fewer encapsulations than this: see [`crate::ethernet`] for ours. But hosts, drivers and access points
//! differ in what they look through (stacks of tags, of VLAN 0 among them, LLC with SNAP, also where the 802.3 length
//! is a lie), and guards that stop at one of them are passed by (VU#855201: CVE-2021-27853, 27854, 27861, 27862).

use crate::bytes::{array, be16};
use crate::ethernet::{HEADER_LEN, ethertype};

/// Lower values of the type field are 802.3 lengths.
const ETHERTYPE_MIN: u16 = 0x600;
/// The tag that was in use before 802.1ad had a number.
const OLD_QINQ: u16 = 0x9100;
/// Service access points of LLC (RFC 1042; IEEE 802.2): SNAP, IP and ARP.
const SAP_SNAP: u8 = 0xaa;
const SAP_IP: u8 = 0x06;
const SAP_ARP: u8 = 0x98;
/// An unnumbered frame, with its poll bit left out.
const UNNUMBERED: u8 = 0x03;
const POLL: u8 = 0x10;
/// Behind these organisation codes SNAP has an Ethernet type: RFC 1042, and 802.1H's tunnel.
const TYPED: [[u8; 3]; 2] = [[0, 0, 0], [0, 0, 0xf8]];
/// The shortest frame without its check sequence; shorter ones are padded.
const FRAME_MIN: usize = 60;

/// The VLAN tags of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tags {
    /// The first VLAN id that is not 0; 0 if there is none.
    pub outer: u16,
    /// The second one.
    pub inner: u16,
    /// Tags of VLAN 0, which say a priority and nothing else.
    pub priority: usize,
    /// All tags.
    pub count: usize,
}

impl Tags {
    fn push(&mut self, id: u16) {
        self.count += 1;
        match (id, self.outer, self.inner) {
            (0, ..) => self.priority += 1,
            (_, 0, _) => self.outer = id,
            (.., 0) => self.inner = id,
            _ => {}
        }
    }
}

/// An 802.3 frame's LLC header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Llc {
    /// With SNAP, rather than by a number for the protocol itself.
    pub snap: bool,
    /// The length that stands in the type's place, in bytes.
    pub stated: u16,
    /// The length is that of what follows, padding of a short frame left out.
    pub is_right: bool,
}

/// A frame without what stood between its addresses and a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peeled<'a> {
    /// Where it goes.
    pub destination: [u8; 6],
    /// Whence it says it comes.
    pub source: [u8; 6],
    /// What tags there were, before and behind LLC.
    pub tags: Tags,
    /// The first LLC header; none in an Ethernet II frame.
    pub llc: Option<Llc>,
    /// Type of the payload: see [`ethertype`].
    pub ethertype: u16,
    /// All that follows, padding included, whatever an 802.3 length says.
    pub payload: &'a [u8],
}

/// Why no protocol was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeelError {
    /// A header or tag does not fit into what came.
    #[error("frame is truncated: need {need} bytes for its headers, got {got}")]
    Truncated {
        /// Bytes the headers need.
        need: usize,
        /// Bytes there are.
        got: usize,
    },
    /// LLC for something that has no Ethernet type here, such as spanning tree.
    #[error("802.3 frame with LLC for access point {0:#04x}, expected SNAP, IP or ARP")]
    OtherLlc(u8),
}

/// Takes off tags and LLC headers, however many there are. Ends after as many steps as the frame has words.
pub fn peel(frame: &[u8]) -> Result<Peeled<'_>, PeelError> {
    let truncated = |need| PeelError::Truncated { need, got: frame.len() };
    let destination = array(frame, 0).ok_or_else(|| truncated(HEADER_LEN))?;
    let source = array(frame, 6).ok_or_else(|| truncated(HEADER_LEN))?;
    let (mut tags, mut llc) = (Tags::default(), None);
    // Where the payload would begin.
    let mut at = HEADER_LEN;
    loop {
        let kind = be16(frame, at - 2).ok_or_else(|| truncated(at))?;
        match kind {
            ethertype::VLAN | ethertype::QINQ | OLD_QINQ => {
                let tag = be16(frame, at).ok_or_else(|| truncated(at + 4))?;
                tags.push(tag & 0xfff);
                at += 4;
            }
            ..ETHERTYPE_MIN => {
                let [to, from, control] = array(frame, at).ok_or_else(|| truncated(at + 3))?;
                let found = |snap| Llc { snap, stated: kind, is_right: is_right(kind, frame, at) };
                if control & !POLL != UNNUMBERED {
                    return Err(PeelError::OtherLlc(to));
                }
                let direct = match (to, from) {
                    (SAP_SNAP, SAP_SNAP) => None,
                    (SAP_IP, SAP_IP) => Some(ethertype::IPV4),
                    (SAP_ARP, SAP_ARP) => Some(ethertype::ARP),
                    _ => return Err(PeelError::OtherLlc(to)),
                };
                if let Some(ethertype) = direct {
                    llc.get_or_insert_with(|| found(false));
                    let payload = frame.get(at + 3..).unwrap_or_default();
                    return Ok(Peeled { destination, source, tags, llc, ethertype, payload });
                }
                let organisation: [u8; 3] = array(frame, at + 3).ok_or_else(|| truncated(at + 8))?;
                if !TYPED.contains(&organisation) {
                    return Err(PeelError::OtherLlc(to));
                }
                llc.get_or_insert_with(|| found(true));
                // The type at the end of SNAP, which may be another tag's.
                at += 8;
            }
            ethertype => {
                let payload = frame.get(at..).unwrap_or_default();
                return Ok(Peeled { destination, source, tags, llc, ethertype, payload });
            }
        }
    }
}

/// Is it the length of what follows at `at`? A frame that was padded may have more.
fn is_right(stated: u16, frame: &[u8], at: usize) -> bool {
    let stated = at + usize::from(stated);
    let padded = frame.len() <= FRAME_MIN + at - HEADER_LEN;
    stated == frame.len() || (stated < frame.len() && padded)
}
