//! An interface as `RTM_NEWLINK` tells of it, as far as a list of neighbours needs it.

use crate::entry::MessageError;
use crate::message::{text_of, u32_at};
use neighbour::LlAddr;
use netlink_packet_core::NlasIterator;
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkHeader, LinkLayerType, LinkMessage};

const IFLA_ADDRESS: u16 = 1;
pub(crate) const IFLA_IFNAME: u16 = 3;
const IFLA_MASTER: u16 = 10;
/// The length of `struct ifinfomsg`.
pub(crate) const IFINFOMSG: usize = 16;

/// An interface: of the daemon's engine or of the kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interface {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// ARP's hardware type (`ARPHRD_*`).
    pub hardware: u16,
    /// `IFF_*`.
    pub flags: u32,
    /// Its link-layer address, if it has any.
    pub lladdr: Option<LlAddr>,
    /// The index of the bridge, bond or VRF that it is a port of.
    pub master: Option<u32>,
}

impl Interface {
    /// `IFF_UP`: an administrator switched it on.
    pub const UP: u32 = 0x1;
    /// `IFF_LOWER_UP`: there is a carrier.
    pub const CARRIER: u32 = 0x1_0000;

    /// Is it switched on, and is there a carrier?
    pub const fn is_running(&self) -> bool {
        let both = Self::UP | Self::CARRIER;
        self.flags & both == both
    }

    pub(crate) fn to_message(&self) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = self.index;
        message.header.link_layer_type = LinkLayerType::from(self.hardware);
        message.header.flags = LinkFlags::from_bits_retain(self.flags);
        message.attributes.push(LinkAttribute::IfName(self.name.clone()));
        let lladdr = self.lladdr.map(|a| LinkAttribute::Address(a.as_bytes().to_vec()));
        message.attributes.extend(lladdr);
        message.attributes.extend(self.master.map(LinkAttribute::Controller));
        message
    }

    /// Reads what follows the netlink header of a `RTM_NEWLINK` or `RTM_DELLINK`.
    ///
    /// Only the attributes that are needed are looked at, so that what newer kernels add does no harm.
    ///
    /// # Errors
    ///
    /// The bytes are no such message.
    pub fn parse(payload: &[u8]) -> Result<Self, MessageError> {
        let header = LinkHeader::parse(payload)?;
        let (mut name, mut lladdr, mut master) = (String::new(), None, None);
        for attribute in NlasIterator::new(payload.get(IFINFOMSG..).unwrap_or_default()) {
            let attribute = attribute?;
            match attribute.kind() {
                IFLA_IFNAME => name = text_of(attribute.value()),
                IFLA_ADDRESS => lladdr = LlAddr::new(attribute.value()).filter(|a| !a.is_empty()),
                IFLA_MASTER => master = u32_at(attribute.value(), 0).filter(|index| *index != 0),
                _ => {}
            }
        }
        Ok(Self {
            index: header.index,
            name,
            hardware: header.link_layer_type.into(),
            flags: header.flags.bits(),
            lladdr,
            master,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_core::Emitable;

    #[test]
    fn an_interface_comes_out_as_it_went_in_and_no_cut_makes_it_panic() {
        for (lladdr, master) in [(None, Some(7)), (Some([2, 0, 0, 0, 0, 1].into()), None)] {
            let name = "eth0".into();
            let interface = Interface { index: 3, name, hardware: 1, flags: 0x1_1043, lladdr, master };
            let message = interface.to_message();
            let mut bytes = vec![0; message.buffer_len()];
            message.emit(&mut bytes);
            assert_eq!(Interface::parse(&bytes).unwrap(), interface);
            assert!(interface.is_running());
            for len in 0..bytes.len() {
                let _ = Interface::parse(&bytes[..len]);
            }
        }
    }
}
