//! The arguments of `neigh run`.

use super::spec::{AddressSpec, MacSpec, PortSpec, RouteSpec, SetSpec};
use neighbour::Config;
use std::path::PathBuf;

const EXAMPLE: &str = "\
Example, against the kernel of this machine:
  neigh run --port tap:nb0 --address 192.0.2.2/24 --address 2001:db8::2/64 &
  ip address add 192.0.2.1/24 dev nb0 && ping 192.0.2.2
  neigh show";

/// Be a host on links of your own, with this program's neighbour table.
///
/// Each --port is a link: `tap:NAME` makes a TAP, whose other end is an interface of the running kernel;
/// `packet:IFACE` shares an existing Ethernet interface by AF_PACKET, under the interface's own MAC unless
/// --mac gives another (the kernel should have no IP address there under the same MAC, or both answer);
/// `xdp:IFACE` takes ARP and neighbour discovery of an existing interface by AF_XDP, and leaves all other packets to
/// the kernel, which then neither asks nor answers there.
///
/// It prints one line that begins with `ready` when its links are up, its IPv6 addresses are checked for
/// duplicates (a second or two, unless --set conf/accept_dad=0) and its control socket listens. SIGTERM and
/// SIGINT end it; SIGHUP lets it read the --config file again: parameters, addresses and routes follow it.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Args {
    /// A link: tap:NAME, packet:IFACE or xdp:IFACE; may be given several times.
    #[arg(long = "port", value_name = "KIND:NAME")]
    pub(super) ports: Vec<PortSpec>,
    /// An own address with its subnet; may be given several times.
    ///
    /// It goes to the port named behind `@`, else to the first: 192.0.2.2/24, 2001:db8::2/64@eth1. Each
    /// port has an IPv6 link-local address besides.
    #[arg(long = "address", value_name = "CIDR[@PORT]")]
    pub(super) addresses: Vec<AddressSpec>,
    /// A route by a gateway: PREFIX,via ADDRESS[,dev PORT]; may be given several times.
    ///
    /// PREFIX may be `default`. The gateway must be on a subnet of an --address, or be link-local.
    #[arg(long = "route", value_name = "PREFIX,via ADDRESS[,dev PORT]")]
    pub(super) routes: Vec<RouteSpec>,
    /// A parameter by its sysctl name; may be given several times.
    ///
    /// neigh/retrans_time_ms=200, conf/arp_accept=1, gc_thresh3=4096: both families and all ports, as far as
    /// they have the parameter. A prefix ipv4/ or ipv6/ means one family, a port's name or `default` before
    /// the last part one place: ipv6/neigh/eth0/ucast_solicit=5.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(super) sets: Vec<SetSpec>,
    /// What is above the neighbour layer: `host` answers ping and closed ports, `none` nothing [default: host].
    #[arg(long, value_name = "UPPER")]
    pub(super) upper: Option<Upper>,
    /// Write all frames that pass into this file, which tcpdump and Wireshark read (pcapng).
    ///
    /// With several ports each has a file of its own: with --pcap all.pcap and the port eth1, all-eth1.pcap.
    #[arg(long, value_name = "FILE")]
    pub(super) pcap: Option<PathBuf>,
    /// Where to listen for `neigh show` and the other commands.
    ///
    /// By default $NEIGH_SOCKET, or $XDG_RUNTIME_DIR/neigh.sock, or /run/neigh.sock for root.
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// Whose members may change the table by the socket, as root and the daemon's own user may; others may read.
    #[arg(long, value_name = "GROUP")]
    pub(super) group: Option<String>,
    /// Our link-layer address: on the port named behind `@`, else on the first.
    ///
    /// By default a TAP has a random one, and a packet port the interface's own.
    #[arg(long = "mac", value_name = "MAC[@PORT]")]
    pub(super) macs: Vec<MacSpec>,
    /// How much is done beyond what Linux does [default: guarded].
    ///
    /// Each protection has a switch of its own for --set: conf/move_policy, conf/acd, admission.
    #[arg(long, value_name = "PROFILE")]
    pub(super) profile: Option<Profile>,
    /// A file in TOML with the same keys: port, address, route, set, mac (lists), upper, pcap, socket, ...
    ///
    /// Lists of the command line come behind those of the file; single values replace them.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Only look at the arguments and the file, say what is wrong with them, and end.
    #[arg(long)]
    pub(super) check: bool,
    /// Save the entries into this file in the end, and bring them back as STALE at the next start.
    ///
    /// Entries that were PERMANENT come back as they were. A file that cannot be used is reported and
    /// ignored; entries of ports that are not there are left out.
    #[arg(long, value_name = "FILE")]
    pub(super) state: Option<PathBuf>,
    /// Leave files and system calls unrestricted, for a debugger or tracer of the daemon.
    ///
    /// Without this, once all is open, the daemon reaches no files but those of --config, --state and --socket
    /// (Landlock), and makes no system calls but those of its work (seccomp): no program can be run in it, no
    /// connection opened. A kernel that cannot do that is told of in a line.
    #[arg(long)]
    pub(super) no_sandbox: bool,
    /// The seed of all chance, to repeat a run; by default from the system.
    #[arg(long, value_name = "NUMBER")]
    pub(super) seed: Option<u64>,
    /// Tell each change of the table on stderr; RUST_LOG says it in more detail.
    #[arg(short, long)]
    pub(super) verbose: bool,
}

/// What is above the neighbour layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Upper {
    /// An IP host that answers echo requests, and closed ports with errors.
    Host,
    /// Nothing: packets end here.
    None,
}

/// How much is done beyond what Linux does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Nothing: exactly Linux.
    Linux,
    /// And vigilance against storms and impostors: a neighbour that answers is not moved by what others say of it
    /// (conf/move_policy=1), own IPv4 addresses are looked for, which takes up to seven seconds, and defended
    /// (conf/acd=3), and entries that nobody has verified have a budget (admission=1).
    Guarded,
}

impl Profile {
    /// The engine's configuration.
    pub(super) fn config(self) -> Config {
        match self {
            Self::Linux => Config::linux(),
            Self::Guarded => Config::guarded(),
        }
    }
}
