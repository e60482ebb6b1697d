//! A port: a link that was opened, and the device that the engine has for it.

use super::capture::{Layered, nowhere};
use super::plan::Facts;
use super::spec::{PortKind, PortSpec};
use crate::failure::Failure;
use neighbour::LlAddr;
use neighbour_link::{Info, Link, LinkError, Packet, PacketOptions, Tap, Xdp, XdpMode, XdpOptions};
use std::fmt;

/// A link of the daemon.
pub(super) struct Port {
    pub(super) name: String,
    pub(super) kind: PortKind,
    pub(super) link: Layered,
    /// The kernel's index of the interface.
    pub(super) ifindex: u32,
    /// Our own address.
    pub(super) mac: [u8; 6],
    pub(super) mtu: u32,
    /// Switched on, as the kernel says.
    pub(super) up: bool,
    /// There is a carrier, as the kernel says.
    pub(super) carrier: bool,
    /// The interface was removed.
    pub(super) gone: bool,
    /// Our address is the interface's own, not one that was asked for.
    pub(super) follows: bool,
    /// The interface has this address now, and we have not followed yet.
    pub(super) moved: Option<[u8; 6]>,
    /// An interface of this name is there again after the port's was removed: its index.
    pub(super) returned: Option<u32>,
}

impl Port {
    pub(super) fn facts(&self) -> Facts {
        let Self { name, mac, mtu, .. } = self;
        Facts { name: name.clone(), mac: *mac, mtu: *mtu, up: self.is_running() }
    }

    /// Opens a shared interface anew: it has a new address, or was removed and made again. A capture goes on.
    pub(super) fn reopen(&mut self) -> Result<(), LinkError> {
        let mac = (!self.follows).then_some(self.mac);
        if self.kind == PortKind::Xdp {
            // An interface takes one program, and ours is there still.
            self.link.replace(Box::new(nowhere()));
            self.gone = true;
        }
        let (info, link, mac) = open_shared(self.kind, &self.name, mac)?;
        self.mac = mac;
        self.ifindex = info.ifindex;
        self.mtu = info.mtu;
        self.link.replace(link);
        self.gone = false;
        Ok(())
    }

    /// Do frames pass?
    pub(super) fn is_running(&self) -> bool {
        self.up && self.carrier && !self.gone
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port")
            .field("name", &self.name)
            .field("ifindex", &self.ifindex)
            .finish_non_exhaustive()
    }
}

/// Opens a port. `mac` is what the user asked for; `random` is where a TAP's own address comes from.
pub(super) fn open(
    spec: &PortSpec,
    mac: Option<[u8; 6]>,
    random: &mut dyn FnMut() -> anyhow::Result<u64>,
) -> anyhow::Result<Port> {
    let follows = spec.kind != PortKind::Tap && mac.is_none();
    let failed = |error: LinkError| link_failure(spec, &error);
    let (info, link, mac): Opened = match spec.kind {
        PortKind::Tap => {
            let tap = Tap::create(Some(&spec.name)).map_err(failed)?;
            tap.up().map_err(failed)?;
            let info = tap.info().map_err(failed)?;
            let mac = match mac {
                Some(mac) if mac == info.mac => {
                    let what = format!("--mac {}: the kernel's end of {spec} has it", LlAddr::from(mac));
                    return Err(
                        Failure::new(what, "give another; both ends of a cable need their own").into()
                    );
                }
                Some(mac) => mac,
                None => other_than(info.mac, random)?,
            };
            (info, Box::new(tap), mac)
        }
        PortKind::Packet | PortKind::Xdp => open_shared(spec.kind, &spec.name, mac).map_err(failed)?,
    };
    Ok(Port {
        name: info.name,
        kind: spec.kind,
        link: Layered::Plain(link),
        ifindex: info.ifindex,
        mac,
        mtu: info.mtu,
        up: false,
        carrier: false,
        gone: false,
        follows,
        moved: None,
        returned: None,
    })
}

/// What the interface says, the link to it, and our own address.
type Opened = (Info, Box<dyn Link>, [u8; 6]);

/// An existing interface.
fn open_shared(kind: PortKind, name: &str, mac: Option<[u8; 6]>) -> Result<Opened, LinkError> {
    if kind == PortKind::Xdp {
        let xdp = Xdp::open(name, &XdpOptions { mac, ..XdpOptions::default() })?;
        let (mode, why) = (xdp.mode(), xdp.refused_modes());
        match mode {
            XdpMode::Generic => {
                tracing::warn!("{name}: XDP is {mode}, which is slower than it could be: {why}")
            }
            _ => tracing::info!("{name}: XDP, {mode}, {} queues", xdp.queues()),
        }
        let (info, mac) = (xdp.info()?, xdp.mac());
        return Ok((info, Box::new(xdp), mac));
    }
    let packet = Packet::open(name, PacketOptions { mac, ..PacketOptions::default() })?;
    let (info, mac) = (packet.info()?, packet.mac());
    Ok((info, Box::new(packet), mac))
}

/// A random unicast address of local administration.
fn other_than(kernels: [u8; 6], random: &mut dyn FnMut() -> anyhow::Result<u64>) -> anyhow::Result<[u8; 6]> {
    loop {
        let [a, b, c, d, e, f, _, _] = random()?.to_be_bytes();
        let mac = [a & 0xfc | 2, b, c, d, e, f];
        if mac != kernels {
            return Ok(mac);
        }
    }
}

/// The link's own messages name the interface and say what to do behind the last colon.
fn link_failure(spec: &PortSpec, error: &LinkError) -> Failure {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    let text = text.strip_prefix(&format!("{}: ", spec.name)).unwrap_or(&text);
    let hint = match error {
        LinkError::TunAbsent | LinkError::TunDenied => "or give --port packet:IFACE, which needs CAP_NET_RAW",
        LinkError::TapDenied { .. } | LinkError::PacketDenied { .. } => {
            "run it as root, or in a namespace of your own: `unshare --user --map-root-user --net`"
        }
        LinkError::XdpDenied { .. } | LinkError::XdpBusy { .. } | LinkError::XdpRefused { .. } => {
            "or give --port packet:IFACE, which takes all frames and needs CAP_NET_RAW"
        }
        LinkError::NoSuchInterface { .. } => "name one of those, or give --port tap:NAME for a new TAP",
        LinkError::NotEthernet { .. } => "give --port tap:NAME, or an interface that carries Ethernet frames",
        LinkError::GroupMac { .. } => "give a --mac whose first octet is even",
        _ => "see `neigh run --help`",
    };
    Failure::new(format_args!("--port {spec}: {text}"), hint)
}
