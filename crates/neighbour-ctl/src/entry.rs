//! A neighbour as `RTM_NEWNEIGH` tells of it (`struct ndmsg` and its attributes).

use crate::message::Writer;
use neighbour::{Family, Flags, LlAddr, NeighbourInfo, NudState};
use netlink_packet_core::DecodeError;
use netlink_packet_core::Parseable;
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage};
use std::net::IpAddr;
use std::time::Duration;

const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NDA_CACHEINFO: u16 = 3;
const NDA_PROBES: u16 = 4;
const NDA_PROTOCOL: u16 = 12;
const NDA_FLAGS_EXT: u16 = 15;

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

/// In 1/100 s, without a division in 128 bits, as `as_millis` would have it.
fn centis(age: Duration) -> u32 {
    let whole = age.as_secs().saturating_mul(100);
    u32::try_from(whole.saturating_add(u64::from(age.subsec_millis() / 10))).unwrap_or(u32::MAX)
}

impl Entry {
    /// Writes the message behind its netlink header, its attributes in the kernel's order.
    ///
    /// A dump has as many of them as there are neighbours, so no message of the library is made on the way, whose
    /// every attribute has a place in memory of its own.
    pub(crate) fn write(&self, message: &mut Writer<'_>) {
        let family = crate::family_number(Some(Family::of(self.address)));
        let [i0, i1, i2, i3] = self.interface.to_ne_bytes();
        let [s0, s1] = u16::from(self.state.0).to_ne_bytes();
        let flags = self.flags.bits() as u8;
        message.put(&[family, 0, 0, 0, i0, i1, i2, i3, s0, s1, flags, self.kind]);
        match self.address {
            IpAddr::V4(v4) => message.attribute(NDA_DST, &v4.octets()),
            IpAddr::V6(v6) => message.attribute(NDA_DST, &v6.octets()),
        }
        if let Some(lladdr) = self.lladdr.as_ref().filter(|_| self.state.is_valid()) {
            message.attribute(NDA_LLADDR, lladdr.as_bytes());
        }
        if let Some(probes) = self.probes {
            message.u32(NDA_PROBES, probes);
        }
        if let Some(cache) = &self.cache {
            let mut bytes = [0; 16];
            let words = [cache.confirmed, cache.used, cache.updated, cache.refcnt];
            bytes.as_chunks_mut().0.iter_mut().zip(words).for_each(|(four, word)| *four = word.to_ne_bytes());
            message.attribute(NDA_CACHEINFO, &bytes);
        }
        if self.protocol != 0 {
            message.attribute(NDA_PROTOCOL, &[self.protocol]);
        }
        let extended = self.flags.bits() >> 8;
        if extended != 0 {
            message.u32(NDA_FLAGS_EXT, extended);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::HEADER;
    use crate::message::{Head, write};
    use netlink_packet_core::Emitable;
    use netlink_packet_route::neighbour::{
        NeighbourCacheInfo, NeighbourExtFlags, NeighbourFlags, NeighbourState,
    };
    use netlink_packet_route::{AddressFamily, route};
    use proptest::prelude::*;

    /// The message as the library writes it: the judge of [`Entry::write`].
    fn by_the_library(entry: &Entry) -> NeighbourMessage {
        let mut message = NeighbourMessage::default();
        message.header.family = AddressFamily::from(entry.address);
        message.header.ifindex = entry.interface;
        message.header.state = NeighbourState::from(u16::from(entry.state.0));
        message.header.flags = NeighbourFlags::from_bits_retain(entry.flags.bits() as u8);
        message.header.kind = route::RouteType::from(entry.kind);
        let attributes = &mut message.attributes;
        attributes.push(NeighbourAttribute::Destination(entry.address.into()));
        let lladdr = entry.lladdr.filter(|_| entry.state.is_valid());
        attributes.extend(lladdr.map(|a| NeighbourAttribute::LinkLayerAddress(a.as_bytes().to_vec())));
        attributes.extend(entry.probes.map(NeighbourAttribute::Probes));
        attributes.extend(entry.cache.map(|cache| {
            // The library's type cannot be built but from its bytes.
            let words = [cache.confirmed, cache.used, cache.updated, cache.refcnt].map(u32::to_ne_bytes);
            NeighbourAttribute::CacheInfo(NeighbourCacheInfo::parse(&words.concat()).unwrap())
        }));
        if entry.protocol != 0 {
            attributes.push(NeighbourAttribute::Protocol(entry.protocol.into()));
        }
        let extended = entry.flags.bits() >> 8;
        if extended != 0 {
            let flags = NeighbourExtFlags::from_bits_retain(extended);
            attributes.push(NeighbourAttribute::ExtFlags(flags));
        }
        message
    }

    /// The message as it is sent.
    fn bytes_of(entry: &Entry) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, Head::default(), |message| entry.write(message));
        bytes.split_off(HEADER)
    }

    fn emitted(message: &NeighbourMessage) -> Vec<u8> {
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
        let mut message = by_the_library(&sample());
        message.attributes[1] = NeighbourAttribute::LinkLayerAddress(vec![1; 33]);
        let bytes = emitted(&message);
        assert!(matches!(Entry::parse(&bytes), Err(MessageError::LongLladdr(33))));
    }

    proptest! {
        #[test]
        fn times_are_cut_to_hundredths(secs in prop_oneof![0_u64..100, 0_u64..50_000_000, any::<u64>()], nanos in 0_u32..1_000_000_000) {
            let age = Duration::new(secs, nanos);
            prop_assert_eq!(centis(age), u32::try_from(age.as_millis() / 10).unwrap_or(u32::MAX));
        }

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
            let bytes = bytes_of(&entry);
            prop_assert_eq!(&bytes, &emitted(&by_the_library(&entry)));
            prop_assert_eq!(Entry::parse(&bytes).unwrap(), entry);
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
