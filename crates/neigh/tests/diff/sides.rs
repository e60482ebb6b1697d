//! The two hosts: how they are made, asked and watched.

use crate::fault::Fault;
use crate::frames;
use crate::step::{MAC, PEERS, Parameter, Step, neighbour};
use crate::world::{eventually, ip, works};
use neighbour::{Family, Flags, NudState};
use neighbour_ctl::{Entry, Filter, Monitor, News, ParmsInfo, Request, Table, TableChange, TableError};
use neighbour_link::{Link, Packet, PacketOptions};
use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Who waits where: what a host is, once it is made.
pub(crate) struct Side {
    table: Table,
    monitor: Monitor,
    /// The other end of its cable, once for each neighbours' address.
    wires: Vec<Packet>,
    cable: String,
    interface: u32,
    fault: Fault,
    /// What userspace was told, as (neighbour, text).
    pub(crate) news: Vec<(String, String)>,
    /// What it sent.
    pub(crate) sent: Vec<(String, String)>,
    _process: Process,
    _files: Files,
}

/// A child that ends with the side.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

/// Files that go with the side.
struct Files(Vec<PathBuf>);

impl Drop for Files {
    fn drop(&mut self) {
        for file in &self.0 {
            let _gone = std::fs::remove_file(file);
        }
    }
}

/// The parameters of both: short times, nothing drawn by lot that shows.
const TABLES: [(Family, &str); 2] = [(Family::Inet, "arp_cache"), (Family::Inet6, "ndisc_cache")];

fn sysctl(interface: &str, name: &str, value: &str) {
    let path = format!("/proc/sys/net/ipv6/conf/{interface}/{name}");
    std::fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
}

/// A veth pair whose far end, `cable`, is silent.
fn pair(near: &str, cable: &str) {
    ip(&format!("link add {near} type veth peer name {cable}"));
    ip(&format!("link set {near} address {}", neighbour::LlAddr::from(MAC)));
    for end in [near, cable] {
        sysctl(end, "disable_ipv6", "1");
    }
    ip(&format!("link set {cable} up"));
}

fn wires(cable: &str) -> Vec<Packet> {
    let open =
        |mac| Packet::open(cable, PacketOptions { mac: Some(mac), ring_blocks: 2, ..Default::default() });
    PEERS.into_iter().map(|mac| open(mac).expect("a packet socket in our own namespace")).collect()
}

impl Side {
    /// The kernel, in a namespace of its own.
    pub(crate) fn kernel(n: u64) -> Self {
        let (near, cable) = (format!("k{n}"), format!("kw{n}"));
        pair(&near, &cable);
        let child = Command::new("unshare").args(["--net", "sleep", "600"]).stdout(Stdio::null()).spawn();
        let process = Process(child.expect("these tests need `unshare` (util-linux)"));
        let net = format!("/proc/{}/ns/net", process.0.id());
        let own = std::fs::read_link("/proc/self/ns/net").expect("our own namespace");
        eventually(|| match std::fs::read_link(&net) {
            Ok(other) if other != own => Ok(()),
            other => Err(format!("still in our namespace: {other:?}")),
        });
        ip(&format!("link set {near} netns {}", process.0.id()));
        // A thread that enters the namespace furnishes it and opens the sockets, which stay in it.
        let name = near.clone();
        let (table, monitor, interface) = std::thread::spawn(move || {
            setns(File::open(&net).expect("its namespace"), CloneFlags::CLONE_NEWNET).expect("we made it");
            ip("link set lo up");
            for (conf, value) in [
                ("disable_ipv6", "0"),
                ("accept_dad", "0"),
                ("router_solicitations", "0"),
                ("accept_ra", "0"),
            ] {
                // /proc/sys shows the namespace of the process: its first thread's. Ask a child, which is all ours.
                works("sh", &format!("-c echo${{IFS}}{value}>/proc/sys/net/ipv6/conf/{name}/{conf}"));
            }
            ip(&format!("link set {name} up"));
            ip(&format!("address add 10.9.0.1/24 dev {name}"));
            ip(&format!("address add fd00:9::1/64 dev {name} nodad"));
            let open = || Table::kernel().expect("a netlink socket");
            let mut table = open();
            let interfaces = table.interfaces().expect("interfaces");
            let interface = interfaces.iter().find(|i| i.name == name).expect("the one that was moved").index;
            (table, open().subscribe().expect("a multicast group"), interface)
        })
        .join()
        .expect("the kernel's side");
        Self::new(table, monitor, &cable, interface, Fault::None, process, Files(Vec::new()))
    }

    /// The daemon, in our namespace.
    pub(crate) fn daemon(n: u64, fault: Fault) -> Self {
        let (near, cable) = (format!("d{n}"), format!("dw{n}"));
        pair(&near, &cable);
        ip(&format!("link set {near} up"));
        let file =
            |kind: &str| std::env::temp_dir().join(format!("neigh-diff-{}-{n}.{kind}", std::process::id()));
        let (socket, log) = (file("sock"), file("log"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_neigh"));
        command
            .args([
                "run",
                "--profile",
                "linux",
                "--port",
                &format!("packet:{near}"),
                "--seed",
                "1",
                "--socket",
            ])
            .arg(&socket);
        command.args(["--address", "10.9.0.1/24", "--address", "fd00:9::1/64"]);
        for set in ["conf/accept_dad=0", "conf/router_solicitations=0", "conf/accept_ra=0"] {
            command.args(["--set", set]);
        }
        let stderr = File::create(&log).expect("a temporary file");
        let process =
            Process(command.stderr(stderr).stdout(Stdio::null()).spawn().expect("the program was built"));
        let open = || {
            eventually(|| {
                Table::daemon(&socket).map_err(|error| {
                    format!("{error}: {}", std::fs::read_to_string(&log).unwrap_or_default())
                })
            })
        };
        let mut table = open();
        let interfaces = table.interfaces().expect("interfaces");
        let interface = interfaces.iter().find(|i| i.name == near).expect("its port").index;
        let monitor = open().subscribe().expect("a subscription");
        Self::new(table, monitor, &cable, interface, fault, process, Files(vec![socket, log]))
    }

    fn new(
        table: Table,
        monitor: Monitor,
        cable: &str,
        interface: u32,
        fault: Fault,
        process: Process,
        files: Files,
    ) -> Self {
        let mut side = Self {
            table,
            monitor,
            wires: wires(cable),
            cable: cable.into(),
            interface,
            fault,
            news: Vec::new(),
            sent: Vec::new(),
            _process: process,
            _files: files,
        };
        for (family, name) in TABLES {
            let parms = ParmsInfo {
                delay_probe_time: Some(300),
                retrans_time: Some(150),
                base_reachable_time: Some(60_000),
                proxy_delay: Some(0),
                ucast_probes: Some(fault.parameter(Parameter::UcastProbes, 2)),
                mcast_probes: Some(2),
                ..side.parms()
            };
            side.set(family, name, parms).expect("parameters that both have");
        }
        side
    }

    fn parms(&self) -> ParmsInfo {
        ParmsInfo { interface: Some(self.interface), ..ParmsInfo::default() }
    }

    fn set(&mut self, family: Family, name: &str, parms: ParmsInfo) -> Result<(), TableError> {
        self.table.set_table(&TableChange {
            family: Some(family),
            name: name.into(),
            parms,
            ..TableChange::default()
        })
    }

    /// Does a step; gives how it was answered.
    pub(crate) fn step(&mut self, step: &Step) -> String {
        let told = |result: Result<(), TableError>| match result {
            Ok(()) => "done".to_owned(),
            Err(error) => error.to_string(),
        };
        match *step {
            Step::New { neighbour: n, lladdr, state, flags, create, exclusive, replace, protocol } => {
                let request = Request {
                    lladdr: lladdr.map(|n| PEERS[usize::from(n)].to_vec()),
                    state,
                    flags,
                    create,
                    exclusive,
                    replace,
                    protocol: (protocol != 0).then_some(protocol),
                    ..Request::new(self.interface, neighbour(n))
                };
                told(self.table.change(&request))
            }
            Step::Proxy { neighbour: n } => {
                let request = Request {
                    flags: Flags::PROXY,
                    create: true,
                    replace: true,
                    ..Request::new(self.interface, neighbour(n))
                };
                told(self.table.change(&request))
            }
            Step::Delete { neighbour: n, proxy } => {
                let flags = if proxy { Flags::PROXY } else { Flags::empty() };
                told(self.table.delete(&Request { flags, ..Request::new(self.interface, neighbour(n)) }))
            }
            Step::Parameter { v6, parameter, value } => {
                let (family, name) = TABLES[usize::from(v6)];
                let value = self.fault.parameter(parameter, value);
                let mut parms = self.parms();
                match parameter {
                    Parameter::UcastProbes => parms.ucast_probes = Some(value),
                    Parameter::McastProbes => parms.mcast_probes = Some(value),
                    Parameter::McastReprobes => parms.mcast_reprobes = Some(value),
                    Parameter::AppProbes => parms.app_probes = Some(value),
                    Parameter::Locktime => parms.locktime = Some(value.into()),
                    Parameter::QueueBytes => parms.queue_len_bytes = Some(value),
                }
                told(self.set(family, name, parms))
            }
            Step::Carrier => {
                ip(&format!("link set {} down", self.cable));
                self.gather(Duration::from_millis(30));
                ip(&format!("link set {} up", self.cable));
                self.gather(Duration::from_millis(30));
                String::new()
            }
            Step::Wait(ms) => {
                self.gather(Duration::from_millis(ms));
                String::new()
            }
            ref other => {
                let frame =
                    frames::of(other, !self.fault.loses_override()).expect("the other steps are frames");
                let wire = &mut self.wires[0];
                let sent = wire.transmit(Duration::ZERO, &frame).and_then(|()| wire.flush());
                sent.err().map_or_else(String::new, |error| error.to_string())
            }
        }
    }

    /// Listens for a time.
    pub(crate) fn gather(&mut self, time: Duration) {
        let end = std::time::Instant::now() + time;
        loop {
            let rest = end.saturating_duration_since(std::time::Instant::now());
            let slice = rest.min(Duration::from_millis(5));
            while let Some(news) =
                self.monitor.next(Some(Duration::ZERO)).expect("a conversation that goes on")
            {
                self.hear(news);
            }
            for n in 0..self.wires.len() {
                let mut frame = Vec::new();
                while self.wires[n].receive(Duration::ZERO, &mut frame).unwrap_or(false) {
                    // To all, both hear it.
                    if n == 0 || frame.first().is_some_and(|first| first & 1 == 0) {
                        self.sent.extend(frames::describe(&frame));
                    }
                }
            }
            if rest.is_zero() {
                return;
            }
            std::thread::sleep(slice);
        }
    }

    fn hear(&mut self, news: News) {
        let (word, entry) = match news {
            News::New { entry, .. } => ("NEW", entry),
            News::Deleted { entry, .. } => ("DEL", entry),
            News::Miss { entry, .. } => ("GET", entry),
            other => panic!("news that are lost: {other:?}"),
        };
        if is_ours(&entry) && !(word == "DEL" && self.fault.loses_removals()) {
            self.news.push((entry.address.to_string(), format!("{word} {}", text(&entry, false))));
        }
    }

    /// Its table, a line for each entry.
    pub(crate) fn dump(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for proxy in [false, true] {
            let filter = Filter { interface: Some(self.interface), proxy, ..Filter::default() };
            let entries = self.table.neighbours(&filter).expect("a dump");
            lines.extend(entries.iter().filter(|entry| is_ours(entry)).map(|entry| text(entry, true)));
        }
        lines.sort_unstable();
        lines
    }
}

/// Groups are entries, too, when something is sent to them.
fn is_ours(entry: &Entry) -> bool {
    !entry.address.is_multicast() && entry.state != NudState::NOARP || entry.flags.contains(Flags::PROXY)
}

fn text(entry: &Entry, whole: bool) -> String {
    let Entry { address, state, flags, lladdr, probes, protocol, kind, .. } = entry;
    let lladdr = lladdr.map_or_else(|| "-".to_owned(), |lladdr| lladdr.to_string());
    let probes = probes.filter(|_| whole).map(|probes| format!(" probes {probes}")).unwrap_or_default();
    format!("{address} {lladdr} {state} flags {:#x} protocol {protocol} type {kind}{probes}", flags.bits())
}
