//! What the kernel knows of an interface, asked by name in the network namespace of the asker.

use crate::{LinkError, sys};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;

/// What an interface of the kernel says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Its link-layer address.
    pub mac: [u8; 6],
    /// The largest payload in bytes, without the Ethernet header.
    pub mtu: u32,
    /// Its name, such as `eth0`.
    pub name: String,
    /// Its index in its network namespace.
    pub ifindex: u32,
}

/// A name that an interface can have, or the empty one that lets the kernel choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// As the kernel's `dev_valid_name`.
    pub(crate) fn new(name: &str) -> Result<Self, LinkError> {
        let forbidden = |c: char| c == '/' || c == ':' || c == '\0' || c.is_ascii_whitespace();
        let length_fits = (1..libc::IFNAMSIZ).contains(&name.len());
        if !length_fits || name == "." || name == ".." || name.contains(forbidden) {
            return Err(LinkError::Name { name: name.to_owned() });
        }
        Ok(Self(name.to_owned()))
    }

    pub(crate) fn chosen_by_kernel() -> Self {
        Self(String::new())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// At most 15 bytes, so a zero always follows in a field of `IFNAMSIZ`.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes()
    }
}

/// One interface, asked through a socket that stays in the namespace where it was opened.
#[derive(Debug)]
pub(crate) struct Interface {
    name: Name,
    asker: UnixDatagram,
}

impl Interface {
    pub(crate) fn new(name: Name) -> Result<Self, LinkError> {
        let asker = UnixDatagram::unbound()
            .map_err(LinkError::system(name.as_str(), "open a socket to ask about it"))?;
        Ok(Self { name, asker })
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The whole [`Info`] and the `ARPHRD_*` type.
    pub(crate) fn info(&self) -> Result<(Info, u16), LinkError> {
        let (fd, name) = (self.asker.as_fd(), &self.name);
        let ask = || -> io::Result<(Info, u16)> {
            let (hardware, mac) = sys::interface_hardware(fd, name)?;
            let info = Info {
                mac,
                mtu: sys::interface_mtu(fd, name)?,
                name: self.name().to_owned(),
                ifindex: sys::interface_index(fd, name)?,
            };
            Ok((info, hardware))
        };
        ask().map_err(LinkError::system(self.name(), "read its address and MTU"))
    }

    /// Whether it is administratively up (`IFF_UP`).
    pub(crate) fn is_up(&self) -> io::Result<bool> {
        let flags = sys::interface_flags(self.asker.as_fd(), &self.name)?;
        Ok(libc::c_int::from(flags) & libc::IFF_UP != 0)
    }

    /// Sets or clears `IFF_UP`.
    pub(crate) fn set_up(&self, up: bool) -> Result<(), LinkError> {
        let fd: BorrowedFd<'_> = self.asker.as_fd();
        let set = || {
            let flags = libc::c_int::from(sys::interface_flags(fd, &self.name)?);
            let flags = if up { flags | libc::IFF_UP } else { flags & !libc::IFF_UP };
            sys::set_interface_flags(fd, &self.name, flags as libc::c_short)
        };
        set().map_err(LinkError::system(self.name(), "change whether it is up"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_kernels_rule() {
        for good in ["a", "eth0", "tap%d", "123456789012345", "ünïcødé"] {
            assert!(Name::new(good).is_ok(), "{good}");
        }
        let bad = ["", ".", "..", "a/b", "a b", "a:1", "a\n", "a\0", "1234567890123456"];
        for bad in bad {
            assert!(matches!(Name::new(bad), Err(LinkError::Name { .. })), "{bad}");
        }
    }

    #[test]
    fn loopback_says_what_it_is() {
        let lo = Interface::new(Name::new("lo").unwrap()).unwrap();
        let (info, hardware) = lo.info().unwrap();
        assert_eq!((info.name.as_str(), hardware), ("lo", libc::ARPHRD_LOOPBACK));
        assert_eq!(info.mac, [0; 6]);
        assert!(info.ifindex > 0 && info.mtu > 0);
    }

    #[test]
    fn an_interface_that_does_not_exist_is_named_in_the_error() {
        let none = Interface::new(Name::new("nosuch0").unwrap()).unwrap();
        let error = none.info().unwrap_err();
        assert!(matches!(error, LinkError::NoSuchInterface { .. }), "{error:?}");
        assert!(error.to_string().starts_with("nosuch0: no such interface"));
    }
}
