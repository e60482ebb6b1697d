//! Why a link to the kernel could not be opened: what was wrong, and what to do about it.

use std::io;

/// Why a link could not be opened. Each message is one line that names the interface and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The name cannot be that of an interface: see `dev_valid_name` in Linux.
    #[error(
        "`{name}` cannot name an interface: expected 1 to 15 bytes without `/`, `:` or blanks, got {} bytes",
        name.len()
    )]
    Name {
        /// The name that was given.
        name: String,
    },
    /// This kernel has no `/dev/net/tun`.
    #[error(
        "no TAP here, for /dev/net/tun is absent: load the module `tun`, or give this container the device"
    )]
    TunAbsent,
    /// `/dev/net/tun` exists, but may not be opened.
    #[error(
        "no TAP here, for /dev/net/tun may not be opened: run as root, or make the device writable for this user"
    )]
    TunDenied,
    /// The TAP may not be made, or is owned by someone else.
    #[error("{name}: a TAP may not be made or opened: CAP_NET_ADMIN is missing in this network namespace")]
    TapDenied {
        /// The name that was asked for.
        name: String,
    },
    /// Another program holds the TAP, or another kind of interface has its name.
    #[error(
        "{name}: the name is in use by another program's TAP or another kind of interface: choose another name"
    )]
    NameInUse {
        /// The name that was asked for.
        name: String,
    },
    /// There is no such interface in this network namespace.
    #[error("{name}: no such interface in this network namespace: `ip link` lists those that exist")]
    NoSuchInterface {
        /// The name that was given.
        name: String,
    },
    /// A packet socket may not be opened.
    #[error("{name}: a packet socket may not be opened: CAP_NET_RAW is missing in this network namespace")]
    PacketDenied {
        /// The interface it was for.
        name: String,
    },
    /// An XDP program may not be loaded.
    #[error(
        "{name}: no XDP here, for a program may not be loaded: CAP_BPF (or CAP_SYS_ADMIN) and CAP_NET_ADMIN of the \
         machine's first user namespace are missing: run as root"
    )]
    XdpDenied {
        /// The interface it was for.
        name: String,
    },
    /// Another XDP program, or another `AF_XDP` socket, has the interface.
    #[error(
        "{name}: another XDP program is there: detach it (`ip link set {name} xdp off`) or end who attached it"
    )]
    XdpBusy {
        /// The interface it was for.
        name: String,
    },
    /// No way in which frames could come was accepted.
    #[error("{name}: the interface cannot be had by XDP ({tried}): open it as a packet port")]
    XdpRefused {
        /// The interface it was for.
        name: String,
        /// Each mode, and what the system said to it.
        tried: String,
    },
    /// The interface does not carry Ethernet frames.
    #[error(
        "{name}: not an Ethernet interface: expected hardware type 1 (Ethernet) or 772 (loopback), got {hardware}: \
         choose another interface"
    )]
    NotEthernet {
        /// The name that was given.
        name: String,
        /// Its `ARPHRD_*` number.
        hardware: u16,
    },
    /// The address asked for is a group's, so no host can have it.
    #[error("{name}: {} is a group address: give a MAC whose first byte is even", mac_text(.mac))]
    GroupMac {
        /// The interface it was for.
        name: String,
        /// The address.
        mac: [u8; 6],
    },
    /// Something else failed; the source says why.
    #[error("{name}: cannot {doing}")]
    System {
        /// The interface it was for.
        name: String,
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl LinkError {
    /// For `map_err`: wraps what the system said, and knows the one error that has a better name.
    pub(crate) fn system(name: &str, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let name = name.to_owned();
            match source.raw_os_error() {
                Some(libc::ENODEV | libc::ENXIO) => Self::NoSuchInterface { name },
                _ => Self::System { name, doing, source },
            }
        }
    }
}

fn mac_text(mac: &[u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_one_line_that_names_the_interface() {
        let name = || "eth7".to_owned();
        let errors = [
            LinkError::Name { name: name() },
            LinkError::TapDenied { name: name() },
            LinkError::NameInUse { name: name() },
            LinkError::NoSuchInterface { name: name() },
            LinkError::PacketDenied { name: name() },
            LinkError::XdpDenied { name: name() },
            LinkError::XdpBusy { name: name() },
            LinkError::XdpRefused { name: name(), tried: "native: no".into() },
            LinkError::NotEthernet { name: name(), hardware: 65534 },
            LinkError::GroupMac { name: name(), mac: [1, 0, 0x5e, 0, 0, 0xfb] },
        ];
        for error in errors {
            let text = error.to_string();
            assert!(text.contains("eth7") && !text.contains('\n'), "{text}");
        }
    }
}
