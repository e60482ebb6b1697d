//! A neighbour as `RTM_NEWNEIGH` tells of it (`struct ndmsg` and its attributes).

use neighbour::{Flags, LlAddr, NeighbourInfo, NudState};
use netlink_packet_core::DecodeError;
use netlink_packet_core::Parseable;
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourCacheInfo, NeighbourExtFlags, NeighbourFlags,
    NeighbourMessage, NeighbourState,
};
use netlink_packet_route::{AddressFamily, route};
use std::net::IpAddr;
use std::time::Duration;

/// Why a message could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Its bytes do not hold what they should.
    #[error("a message cannot be read: {0}")]
    Malformed(#[from] DecodeError),
    /// `NDA_DST` is missing or of another family than the message.
    #[error("a neighbour without an IP address")]
    NoAddress,
    /// The value of a parameter is no number.
    #[error("{0:?} is told as the value of a parameter")]
    NotANumber(String),
    /// Its header alone has more bytes.
    #[error("a message of {got} bytes; its header alone has {expected}")]
    Short {
        /// Bytes there are.
        got: usize,
        /// Bytes there must be.
        expected: usize,
    },
    /// `NDA_LLADDR` is longer than any device's address.
    #[error("a link-layer address of {0} bytes; the most is 32")]
    LongLladdr(usize),
}

/// `struct nda_cacheinfo`: times in 1/100 s (USER_HZ), as the kernel tells them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CacheInfo {
    /// Since the last confirmation.
    pub confirmed: u32,
    /// Since the slow output path touched it.
    pub used: u32,
    /// Since its state or address changed.
    pub updated: u32,
    /// References besides the table's own.
    pub refcnt: u32,
}

/// A neighbour, from the daemon or from the kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The index of its interface; 0 for a proxy entry of all interfaces.
    pub interface: u32,
    /// Its address (`NDA_DST`).
    pub address: IpAddr,
    /// Its state, as bits (`ndm_state`).
    pub state: NudState,
    /// `ndm_flags`, and `NDA_FLAGS_EXT` shifted left by 8.
    pub flags: Flags,
    /// The class of its address (`ndm_type`): an `RTN_*` number.
    pub kind: u8,
    /// Its link-layer address, if there is a valid one.
    pub lladdr: Option<LlAddr>,
    /// `NDA_CACHEINFO`; proxy entries have none.
    pub cache: Option<CacheInfo>,
    /// `NDA_PROBES`; proxy entries have none.
    pub probes: Option<u32>,
    /// Who made it (`NDA_PROTOCOL`, an `RTPROT_*` number); 0 unknown.
    pub protocol: u8,
}

impl From<&NeighbourInfo> for Entry {
    fn from(info: &NeighbourInfo) -> Self {
        let centis = |age: Duration| u32::try_from(age.as_millis() / 10).unwrap_or(u32::MAX);
        Self {
            interface: info.device.index(),
            address: info.address,
            state: info.state,
            flags: info.flags,
            kind: info.route_type as u8,
            lladdr: info.lladdr,
            cache: Some(CacheInfo {
                confirmed: centis(info.confirmed),
                used: centis(info.used),
                updated: centis(info.updated),
                refcnt: info.refcnt,
            }),
            probes: Some(info.probes),
            protocol: info.protocol,
        }
    }
}

impl Entry {
    /// The message without its netlink header, its attributes in the kernel's order.
    pub(crate) fn to_message(&self) -> NeighbourMessage {
        let mut message = NeighbourMessage::default();
        message.header.family = AddressFamily::from(self.address);
        message.header.ifindex = self.interface;
        message.header.state = NeighbourState::from(u16::from(self.state.0));
        message.header.flags = NeighbourFlags::from_bits_retain(self.flags.bits() as u8);
        message.header.kind = route::RouteType::from(self.kind);
        let attributes = &mut message.attributes;
        attributes.push(NeighbourAttribute::Destination(self.address.into()));
        let lladdr = self.lladdr.filter(|_| self.state.is_valid());
        attributes.extend(lladdr.map(|a| NeighbourAttribute::LinkLayerAddress(a.as_bytes().to_vec())));
        attributes.extend(self.probes.map(NeighbourAttribute::Probes));
        attributes.extend(self.cache.map(|cache| NeighbourAttribute::CacheInfo(cache.to_attribute())));
        if self.protocol != 0 {
            attributes.push(NeighbourAttribute::Protocol(self.protocol.into()));
        }
        let extended = self.flags.bits() >> 8;
        if extended != 0 {
            let flags = NeighbourExtFlags::from_bits_retain(extended);
            attributes.push(NeighbourAttribute::ExtFlags(flags));
        }
        message
    }

    /// Reads what follows the netlink header of a `RTM_NEWNEIGH`.
    ///
    /// # Errors
    ///
    /// The bytes are no such message, or one of a family that has no IP addresses.
    pub fn parse(payload: &[u8]) -> Result<Self, MessageError> {
        let message = NeighbourMessage::parse(payload)?;
        let header = message.header;
        let low = Flags::from_bits_retain(u32::from(header.flags.bits()));
        let (mut address, mut flags, mut lladdr) = (None, low, None);
        let (mut cache, mut probes, mut protocol) = (None, None, 0);
        for attribute in message.attributes {
            match attribute {
                NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => {
                    address = Some(IpAddr::V4(v4));
                }
                NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => {
                    address = Some(IpAddr::V6(v6));
                }
                NeighbourAttribute::LinkLayerAddress(bytes) => {
                    lladdr = Some(LlAddr::new(&bytes).ok_or(MessageError::LongLladdr(bytes.len()))?);
                }
                NeighbourAttribute::CacheInfo(told) => {
                    cache = Some(CacheInfo {
                        confirmed: told.confirmed,
                        used: told.used,
                        updated: told.updated,
                        refcnt: told.refcnt,
                    });
                }
                NeighbourAttribute::Probes(told) => probes = Some(told),
                NeighbourAttribute::Protocol(told) => protocol = u8::from(told),
                NeighbourAttribute::ExtFlags(told) => {
                    flags |= Flags::from_bits_retain(told.bits() << 8);
                }
                _ => {}
            }
        }
        Ok(Self {
            interface: header.ifindex,
            address: address.ok_or(MessageError::NoAddress)?,
            state: NudState(u16::from(header.state) as u8),
            flags,
            kind: u8::from(header.kind),
            lladdr,
            cache,
            probes,
            protocol,
        })
    }
}

impl CacheInfo {
    /// The library's type cannot be built but from its bytes.
    fn to_attribute(self) -> NeighbourCacheInfo {
        let words = [self.confirmed, self.used, self.updated, self.refcnt].map(u32::to_ne_bytes);
        let bytes: Vec<u8> = words.concat();
        NeighbourCacheInfo::parse(&bytes).unwrap_or_else(|_| unreachable!("sixteen bytes are one cacheinfo"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_core::Emitable;
    use proptest::prelude::*;

    fn bytes_of(entry: &Entry) -> Vec<u8> {
        let message = entry.to_message();
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        bytes
    }

    fn sample() -> Entry {
        Entry {
            interface: 7,
            address: "192.0.2.9".parse().unwrap(),
            state: NudState::REACHABLE,
            flags: Flags::ROUTER | Flags::EXT_LEARNED | Flags::MANAGED,
            kind: 1,
            lladdr: Some([2, 0, 0, 0, 0, 9].into()),
            cache: Some(CacheInfo { confirmed: 1, used: 2, updated: 3, refcnt: 4 }),
            probes: Some(5),
            protocol: 4,
        }
    }

    /// `struct ndmsg`, then NDA_DST, NDA_LLADDR, NDA_PROBES, NDA_CACHEINFO, NDA_PROTOCOL, NDA_FLAGS_EXT.
    #[cfg(target_endian = "little")]
    #[test]
    fn the_bytes_are_the_kernels() {
        let expected: Vec<u8> = [
            &[2, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0x90, 1][..],
            &[8, 0, 1, 0, 192, 0, 2, 9],
            &[10, 0, 2, 0, 2, 0, 0, 0, 0, 9, 0, 0],
            &[8, 0, 4, 0, 5, 0, 0, 0],
            &[20, 0, 3, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0],
            &[5, 0, 12, 0, 4, 0, 0, 0],
            &[8, 0, 15, 0, 1, 0, 0, 0],
        ]
        .concat();
        assert_eq!(bytes_of(&sample()), expected);
        assert_eq!(Entry::parse(&expected).unwrap(), sample());
    }

    #[test]
    fn an_address_that_is_not_valid_does_not_travel() {
        let failed = Entry { state: NudState::FAILED, ..sample() };
        assert_eq!(Entry::parse(&bytes_of(&failed)).unwrap().lladdr, None);
    }

    #[test]
    fn a_message_cut_at_any_length_is_an_error_or_a_shorter_one() {
        let bytes = bytes_of(&sample());
        for len in 0..bytes.len() {
            match Entry::parse(&bytes[..len]) {
                Err(_) => {}
                Ok(entry) => assert_eq!(entry.address, sample().address, "cut at {len}"),
            }
        }
    }

    #[test]
    fn a_link_layer_address_that_is_too_long_is_refused() {
        let mut message = sample().to_message();
        message.attributes[1] = NeighbourAttribute::LinkLayerAddress(vec![1; 33]);
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        assert!(matches!(Entry::parse(&bytes), Err(MessageError::LongLladdr(33))));
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(
            interface: u32, v6: Option<u128>, v4: u32, state: u8, flags in 0_u32..0x800, kind in 0_u8..12,
            lladdr in prop::option::of(prop::collection::vec(any::<u8>(), 1..=32)),
            cache: Option<(u32, u32, u32, u32)>, probes: Option<u32>, protocol: u8,
        ) {
            let state = NudState(state);
            let entry = Entry {
                interface,
                address: v6.map_or_else(|| IpAddr::V4(v4.into()), |v6| IpAddr::V6(v6.into())),
                state,
                flags: Flags::from_bits_retain(flags),
                kind,
                lladdr: lladdr.and_then(|bytes| LlAddr::new(&bytes)).filter(|_| state.is_valid()),
                cache: cache.map(|(confirmed, used, updated, refcnt)| {
                    CacheInfo { confirmed, used, updated, refcnt }
                }),
                probes,
                protocol,
            };
            prop_assert_eq!(Entry::parse(&bytes_of(&entry)).unwrap(), entry);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Entry::parse(&bytes);
        }

        #[test]
        fn no_damage_makes_it_panic(at in 0_usize..80, value: u8) {
            let mut bytes = bytes_of(&sample());
            let len = bytes.len();
            bytes[at % len] = value;
            let _ = Entry::parse(&bytes);
        }
    }
}
