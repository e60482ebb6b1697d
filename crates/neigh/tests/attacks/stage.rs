//! The stage: a bridge with three cables, to the daemon, to a host of the kernel that lives, and to the attacker.

use crate::world::{Daemon, eventually, ip, output, scratch, works};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The link-layer addresses of the daemon, of the honest host and of the attacker.
const OURS: &str = "02:00:00:00:00:99";
pub(crate) const PEER: &str = "02:00:00:00:00:01";
pub(crate) const ATTACKER: &str = "02:00:00:00:66:66";

/// Whether this tool is there. If not, its test says so and passes, except under `CI`.
#[track_caller]
pub(crate) fn has(tool: &str) -> bool {
    let there = Path::new(tool).exists()
        || ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|dir| Path::new(dir).join(tool).exists());
    if !there {
        assert!(std::env::var_os("CI").is_none(), "`{tool}` is missing");
        println!("skipped: `{tool}` is missing");
    }
    there
}

/// A process that ends with its test, and with it those that it has made: parasite6 leaves one behind for each victim.
pub(crate) struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> std::io::Result<Self> {
        command.process_group(0).spawn().map(Self)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its group has its number.
        let group = i32::try_from(self.0.id()).ok().map(Pid::from_raw);
        let _ended = group.map(|group| killpg(group, Signal::SIGKILL));
        let _status = self.0.wait();
    }
}

/// A host in a namespace of its own, as long as its process sleeps there.
struct Place(Running);

impl Place {
    /// Joins it to the bridge by a cable whose end there is `inner`, with this link-layer address.
    fn new(inner: &str, mac: &str, addresses: &[&str]) -> Self {
        let sleeper = Running::start(Command::new("unshare").args(["--net", "sleep", "600"]));
        let place = Self(sleeper.expect("unshare ran a moment ago"));
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        eventually(|| match fs::read_link(format!("/proc/{}/ns/net", place.0.id())) {
            Ok(other) if other != own => Ok(()),
            _ => Err("no namespace yet".into()),
        });
        ip(&format!("link add {inner}-br type veth peer name {inner}"));
        ip(&format!("link set {inner} address {mac} netns {}", place.0.id()));
        ip(&format!("link set {inner}-br master br0 up"));
        place.run(&format!("sysctl -q -w net.ipv6.conf.{inner}.accept_dad=0"));
        place.run("ip link set lo up");
        place.run(&format!("ip link set {inner} up"));
        for address in addresses {
            place.run(&format!("ip address add {address} dev {inner}"));
        }
        place
    }

    fn words(&self, words: &str) -> String {
        format!("-t {} -n {words}", self.0.id())
    }

    #[track_caller]
    fn run(&self, words: &str) -> String {
        works("nsenter", &self.words(words))
    }
}

/// All of it.
pub(crate) struct Stage {
    pub(crate) daemon: Daemon,
    peer: Place,
    attacker: Place,
    watched: PathBuf,
    told: PathBuf,
    _listeners: [Running; 2],
}

impl Stage {
    /// Sets it up, with these words for the daemon besides its addresses; the honest host is known and verified, and
    /// both a watcher of the link and one of the daemon listen.
    pub(crate) fn new(words: &str) -> Self {
        for kind in ["all", "default"] {
            let name = format!("/proc/sys/net/ipv6/conf/{kind}/disable_ipv6");
            fs::write(name, "1").expect("our own namespace");
        }
        ip("link add br0 type bridge mcast_snooping 0");
        ip("link set br0 up");
        ip("link add v0 type veth peer name v1");
        ip("link set v0 master br0 up");
        ip("link set v1 up");
        let peer = Place::new("p1", PEER, &["192.0.2.1/24", "2001:db8::1/64"]);
        let attacker = Place::new("a1", ATTACKER, &["192.0.2.66/24", "2001:db8::66/64"]);
        let (watched, told) = (scratch("watched"), scratch("told"));
        let daemon = Daemon::start(&format!(
            "--port packet:v1 --mac {OURS} --address 192.0.2.2/24 --address 2001:db8::2/64 \
             --set conf/acd=0 {words}"
        ));
        let on = listen("watch on v0 prefix 192.0.2.0/24", &watched);
        let of = listen(&format!("watch --socket {}", daemon.socket.display()), &told);
        let stage = Self { daemon, peer, attacker, watched, told, _listeners: [on, of] };
        eventually(|| match fs::read_to_string(stage.watched.with_extension("err")) {
            Ok(text) if text.contains("listening") => Ok(()),
            _ => Err("nobody watches".into()),
        });
        stage.peer_is_answered();
        stage.known();
        stage
    }

    /// Starts an attack.
    pub(crate) fn attack(&self, words: &str) -> Running {
        let mut command = Command::new("nsenter");
        command.args(self.attacker.words(words).split_whitespace());
        Running::start(command.stdout(Stdio::null()).stderr(Stdio::null())).expect("nsenter ran")
    }

    /// Carries one out to its end.
    pub(crate) fn attack_once(&self, words: &str) -> Output {
        output("nsenter", &self.attacker.words(words))
    }

    pub(crate) fn on_peer(&self, words: &str) -> Output {
        output("nsenter", &self.peer.words(words))
    }

    /// The honest host has its pings answered, by both families. Under a flood one of many is enough.
    #[track_caller]
    pub(crate) fn peer_is_answered(&self) {
        for ping in ["ping -c 1 -W 1 192.0.2.2", "ping -6 -c 1 -W 1 2001:db8::2"] {
            eventually(|| match self.on_peer(ping).status.success() {
                true => Ok(()),
                false => Err(format!("`{ping}` has no answer")),
            });
        }
    }

    /// Waits until the honest host is REACHABLE, by both families.
    #[track_caller]
    fn known(&self) {
        let line = |address: &str| format!("{address} dev v1 lladdr {PEER} REACHABLE");
        self.daemon.shows(&[&line("192.0.2.1"), &line("2001:db8::1")]);
    }

    /// Where the daemon takes an address to be.
    pub(crate) fn lladdr(&self, address: &str) -> Option<String> {
        let text = self.daemon.show(&format!("to {address}"));
        text.split_whitespace().skip_while(|word| *word != "lladdr").nth(1).map(str::to_owned)
    }

    /// Waits until the watcher of the link has told this.
    #[track_caller]
    pub(crate) fn watcher_tells(&self, part: &str) {
        has_line(&self.watched, part);
    }

    /// Waits until the daemon has told this.
    #[track_caller]
    pub(crate) fn daemon_tells(&self, part: &str) {
        has_line(&self.told, part);
    }

    /// How many lines of the daemon's have this.
    pub(crate) fn told(&self, part: &str) -> usize {
        let text = fs::read_to_string(&self.told).unwrap_or_default();
        text.lines().filter(|line| line.contains(part)).count()
    }

    /// What the daemon takes of memory, in kB.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.daemon.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// What a command of `neigh` says of the daemon.
    #[track_caller]
    pub(crate) fn ask(&self, words: &str) -> String {
        works(env!("CARGO_BIN_EXE_neigh"), &format!("--socket {} {words}", self.daemon.socket.display()))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for file in [&self.watched, &self.told] {
            let text = fs::read_to_string(file).unwrap_or_default();
            let lines: Vec<&str> = text.lines().take(30).collect();
            println!("{}:\n{}", file.display(), lines.join("\n"));
            let _gone = (fs::remove_file(file), fs::remove_file(file.with_extension("err")));
        }
    }
}

fn listen(words: &str, file: &Path) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neigh"));
    command.args(words.split_whitespace()).stdout(File::create(file).unwrap());
    command.stderr(File::create(file.with_extension("err")).unwrap());
    Running::start(&mut command).expect("the program was built")
}

#[track_caller]
fn has_line(file: &Path, part: &str) {
    eventually(|| {
        let text = fs::read_to_string(file).unwrap_or_default();
        match text.contains(part) {
            true => Ok(()),
            false => {
                Err(format!("{part:?} is not in:\n{}", text.lines().take(60).collect::<Vec<_>>().join("\n")))
            }
        }
    });
}
