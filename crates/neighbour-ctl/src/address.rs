//! An interface's address as `RTM_NEWADDR` tells of it (`struct ifaddrmsg` and its attributes).

use crate::entry::MessageError;
use crate::message::{Attributes, Writer, u32_at};
use neighbour::{Family, Prefix};
use std::net::IpAddr;

pub(crate) const IFA_ADDRESS: u16 = 1;
pub(crate) const IFA_LOCAL: u16 = 2;
pub(crate) const IFA_LABEL: u16 = 3;
const IFA_FLAGS: u16 = 8;

/// The length of `struct ifaddrmsg`.
pub(crate) const IFADDRMSG: usize = 8;

/// An address on an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Address {
    /// The interface's index.
    pub interface: u32,
    /// The address and its subnet.
    pub prefix: Prefix,
    /// `RT_SCOPE_*`: 0 global, 253 link, 254 host.
    pub scope: u8,
    /// `IFA_F_*`.
    pub flags: u32,
}

impl Address {
    /// `IFA_F_SECONDARY`.
    pub const SECONDARY: u32 = 0x01;
    /// `IFA_F_OPTIMISTIC`.
    pub const OPTIMISTIC: u32 = 0x04;
    /// `IFA_F_DADFAILED`: it belongs to somebody else.
    pub const DADFAILED: u32 = 0x08;
    /// `IFA_F_TENTATIVE`: it is being checked.
    pub const TENTATIVE: u32 = 0x40;
    /// `IFA_F_PERMANENT`: it has no lifetime.
    pub const PERMANENT: u32 = 0x80;

    /// What follows the netlink header.
    pub(crate) fn write(&self, message: &mut Writer<'_>) {
        let address = self.prefix.address();
        let family = crate::family_number(Some(Family::of(address)));
        message.put(&[family, self.prefix.prefix_len(), self.flags as u8, self.scope]);
        message.put(&self.interface.to_ne_bytes());
        match address {
            IpAddr::V4(v4) => {
                message.attribute(IFA_ADDRESS, &v4.octets());
                message.attribute(IFA_LOCAL, &v4.octets());
            }
            IpAddr::V6(v6) => message.attribute(IFA_ADDRESS, &v6.octets()),
        }
        message.u32(IFA_FLAGS, self.flags);
    }

    /// Reads what follows the netlink header of a `RTM_NEWADDR`.
    ///
    /// # Errors
    ///
    /// The bytes are no such message, or it has no IP address.
    pub fn parse(payload: &[u8]) -> Result<Self, MessageError> {
        let short = || MessageError::Short { got: payload.len(), expected: IFADDRMSG };
        let (head, attributes) = payload.split_at_checked(IFADDRMSG).ok_or_else(short)?;
        let [family, len, flags, scope, index @ ..] = head else { return Err(short()) };
        let all = Attributes::new(attributes);
        let local = all.clone().value(IFA_LOCAL).or_else(|| all.clone().value(IFA_ADDRESS));
        let address =
            local.and_then(ip_of).filter(|ip| crate::family_number(Some(Family::of(*ip))) == *family);
        let prefix = address.and_then(|address| Prefix::new(address, *len).ok());
        let more = all.value(IFA_FLAGS).and_then(|value| u32_at(value, 0));
        Ok(Self {
            interface: u32_at(index, 0).unwrap_or_default(),
            prefix: prefix.ok_or(MessageError::NoAddress)?,
            scope: *scope,
            flags: more.unwrap_or_else(|| u32::from(*flags)),
        })
    }
}

/// An address of exactly 4 or 16 bytes.
pub(crate) fn ip_of(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(*bytes.first_chunk::<4>()?)),
        16 => Some(IpAddr::from(*bytes.first_chunk::<16>()?)),
        _ => None,
    }
}

/// The bytes of an address.
pub(crate) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Head, split, write};
    use proptest::prelude::*;

    #[test]
    fn an_address_comes_out_as_it_went_in() {
        for (text, flags) in [("192.0.2.1/24", Address::PERMANENT), ("2001:db8::1/64", Address::TENTATIVE)] {
            let address = Address { interface: 3, prefix: text.parse().unwrap(), scope: 253, flags };
            let mut out = Vec::new();
            write(&mut out, Head::default(), |message| address.write(message));
            assert_eq!(Address::parse(split(&out).unwrap().1).unwrap(), address);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Address::parse(&bytes);
        }
    }
}
