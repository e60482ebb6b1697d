//! ARP packets (RFC 826; rules ARP-20 to ARP-27).
//!
//! [`Packet`] is the view: any hardware type, any protocol, any address lengths, as long as all four
//! addresses are there. [`Repr`] is the value for IPv4. Neither judges what the packet says; the engine does
//! that in Linux's order.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use crate::bytes::array;
use crate::ethernet::ethertype;
use crate::lladdr::LlAddr;

/// Bytes before the addresses.
pub const FIXED_LEN: usize = 8;

/// Hardware type of Ethernet (`ARPHRD_ETHER`).
pub const HARDWARE_ETHERNET: u16 = 1;

/// Operation codes.
pub mod op {
    /// Who has this address?
    pub const REQUEST: u16 = 1;
    /// This address is at ...
    pub const REPLY: u16 = 2;
}

/// Why bytes are not an ARP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArpError {
    /// The fixed part, or the addresses whose lengths it states, do not fit into what came.
    #[error("ARP packet is truncated: need {need} bytes, got {got}")]
    Truncated {
        /// Bytes that the packet's own lengths ask for.
        need: usize,
        /// Bytes there are.
        got: usize,
    },
    /// The addresses asked about are not IPv4.
    #[error("ARP protocol is {0:#06x}, expected 0x0800 (IPv4)")]
    Protocol(u16),
    /// IPv4 addresses of another length than four bytes.
    #[error("ARP protocol address length is {0}, expected 4")]
    ProtocolLen(u8),
    /// Hardware addresses longer than any device's.
    #[error("ARP hardware address length is {0}, expected at most 32")]
    HardwareLen(u8),
}

/// A view over the bytes of an ARP packet. Bytes after the last address are ignored (padding).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    hardware_type: u16,
    protocol: u16,
    hardware_len: u8,
    protocol_len: u8,
    op: u16,
    sender_hw: &'a [u8],
    sender_protocol: &'a [u8],
    target_hw: &'a [u8],
    target_protocol: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Finds the fields. The stated lengths decide where the addresses lie, so a packet whose lengths promise
    /// more than there is fails here, whatever else it says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ArpError> {
        let fixed: [u8; FIXED_LEN] =
            array(bytes, 0).ok_or(ArpError::Truncated { need: FIXED_LEN, got: bytes.len() })?;
        let [ht0, ht1, pr0, pr1, hardware_len, protocol_len, op0, op1] = fixed;
        let (hlen, plen) = (usize::from(hardware_len), usize::from(protocol_len));
        let truncated = ArpError::Truncated { need: FIXED_LEN + 2 * (hlen + plen), got: bytes.len() };
        let rest = bytes.get(FIXED_LEN..).ok_or(truncated)?;
        let (sender_hw, rest) = rest.split_at_checked(hlen).ok_or(truncated)?;
        let (sender_protocol, rest) = rest.split_at_checked(plen).ok_or(truncated)?;
        let (target_hw, rest) = rest.split_at_checked(hlen).ok_or(truncated)?;
        let (target_protocol, _padding) = rest.split_at_checked(plen).ok_or(truncated)?;
        Ok(Self {
            hardware_type: u16::from_be_bytes([ht0, ht1]),
            protocol: u16::from_be_bytes([pr0, pr1]),
            hardware_len,
            protocol_len,
            op: u16::from_be_bytes([op0, op1]),
            sender_hw,
            sender_protocol,
            target_hw,
            target_protocol,
        })
    }

    /// Kind of link (`ARPHRD_*`; 1 is Ethernet).
    pub const fn hardware_type(&self) -> u16 {
        self.hardware_type
    }

    /// Kind of protocol address, an Ethernet type (0x0800 is IPv4).
    pub const fn protocol(&self) -> u16 {
        self.protocol
    }

    /// Stated length of a hardware address, in bytes.
    pub const fn hardware_len(&self) -> u8 {
        self.hardware_len
    }

    /// Stated length of a protocol address, in bytes.
    pub const fn protocol_len(&self) -> u8 {
        self.protocol_len
    }

    /// Operation: see [`op`].
    pub const fn op(&self) -> u16 {
        self.op
    }

    /// Hardware address of the sender, `hardware_len` bytes.
    pub const fn sender_hw(&self) -> &'a [u8] {
        self.sender_hw
    }

    /// Protocol address of the sender, `protocol_len` bytes.
    pub const fn sender_protocol(&self) -> &'a [u8] {
        self.sender_protocol
    }

    /// Hardware address of the target, `hardware_len` bytes.
    pub const fn target_hw(&self) -> &'a [u8] {
        self.target_hw
    }

    /// Protocol address of the target, `protocol_len` bytes.
    pub const fn target_protocol(&self) -> &'a [u8] {
        self.target_protocol
    }
}

/// An ARP packet for IPv4 as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repr {
    /// Kind of link (`ARPHRD_*`).
    pub hardware_type: u16,
    /// Operation: see [`op`]; any number is carried.
    pub op: u16,
    /// Hardware address of the sender; its length is the packet's.
    pub sender_hw: LlAddr,
    /// IPv4 address of the sender.
    pub sender_ip: Ipv4Addr,
    /// Hardware address of the target. It is written in `sender_hw`'s length, so [`LlAddr::EMPTY`] becomes
    /// zeros.
    pub target_hw: LlAddr,
    /// IPv4 address of the target.
    pub target_ip: Ipv4Addr,
}

impl Repr {
    /// The value of a packet that speaks of IPv4 addresses.
    pub fn parse(packet: &Packet<'_>) -> Result<Self, ArpError> {
        if packet.protocol() != ethertype::IPV4 {
            return Err(ArpError::Protocol(packet.protocol()));
        }
        let protocol_len = ArpError::ProtocolLen(packet.protocol_len());
        let hardware_len = ArpError::HardwareLen(packet.hardware_len());
        let ip = |bytes: &[u8]| <[u8; 4]>::try_from(bytes).map(Ipv4Addr::from).map_err(|_| protocol_len);
        Ok(Self {
            hardware_type: packet.hardware_type(),
            op: packet.op(),
            sender_ip: ip(packet.sender_protocol())?,
            target_ip: ip(packet.target_protocol())?,
            sender_hw: LlAddr::new(packet.sender_hw()).ok_or(hardware_len)?,
            target_hw: LlAddr::new(packet.target_hw()).ok_or(hardware_len)?,
        })
    }

    /// Bytes that [`Self::emit`] appends: 28 on Ethernet (ARP-20).
    pub const fn buffer_len(&self) -> usize {
        FIXED_LEN + 2 * (self.sender_hw.len() + 4)
    }

    /// Appends the packet. It is not padded to the link's minimum (ARP-20).
    pub fn emit(&self, buf: &mut Vec<u8>) {
        let mut target_hw = [0; LlAddr::MAX_LEN];
        target_hw.iter_mut().zip(self.target_hw.as_bytes()).for_each(|(to, from)| *to = *from);
        buf.reserve(self.buffer_len());
        buf.extend_from_slice(&self.hardware_type.to_be_bytes());
        buf.extend_from_slice(&ethertype::IPV4.to_be_bytes());
        buf.extend_from_slice(&[self.sender_hw.len() as u8, 4]);
        buf.extend_from_slice(&self.op.to_be_bytes());
        buf.extend_from_slice(self.sender_hw.as_bytes());
        buf.extend_from_slice(&self.sender_ip.octets());
        buf.extend(target_hw.iter().take(self.sender_hw.len()));
        buf.extend_from_slice(&self.target_ip.octets());
    }
}
