//! A network namespace for each test, the daemon in it, and waiting for conditions.
//!
//! A test runs itself again under `unshare`, so that no privilege is needed and nothing of the machine's
//! network is touched. Where that is not possible the test says so and passes, except under `CI`.

use neighbour_link::{LinkError, Xdp, XdpOptions};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const INSIDE: &str = "NEIGH_TEST_INSIDE";
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs `body` in namespaces of its own. `name` is the calling test's, with its module.
#[track_caller]
pub(crate) fn in_namespace(name: &str, body: impl FnOnce()) {
    inside(name, &["--user", "--map-root-user", "--net"], body);
}

/// The same in a network namespace alone, for what only root of the whole machine may do.
#[track_caller]
pub(crate) fn in_namespace_as_root(name: &str, body: impl FnOnce()) {
    inside(name, &["--net"], body);
}

#[track_caller]
fn inside(name: &str, namespaces: &[&str], body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        ip("link set lo up");
        body();
        return;
    }
    let this = std::env::current_exe().expect("the test knows its own program");
    let mut child = Command::new("unshare");
    child.args(namespaces).arg("--").arg(this);
    child.args(["--exact", name, "--include-ignored", "--nocapture", "--test-threads=1"]).env(INSIDE, "1");
    let allowed = Command::new("unshare").args(namespaces).arg("true").output();
    if !allowed.as_ref().is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "no namespaces of its own: {allowed:?}");
        println!("skipped: no namespaces of its own: {allowed:?}");
        return;
    }
    let output = child.output().expect("unshare ran a moment ago");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "in its own namespace:\n{text}");
    assert!(text.contains("1 passed"), "`{name}` is not this test's name:\n{text}");
    print!("{text}");
}

/// Whether this user may open `/dev/net/tun`. If not, a test that needs a TAP says so and passes, except under
/// `CI`.
#[track_caller]
pub(crate) fn tap_is_possible() -> bool {
    let opened = File::options().read(true).write(true).open("/dev/net/tun");
    let Err(error) = opened else { return true };
    let closed =
        matches!(error.raw_os_error(), Some(libc::EACCES | libc::EPERM | libc::ENOENT | libc::ENODEV));
    assert!(closed, "/dev/net/tun: {error}");
    assert!(std::env::var_os("CI").is_none(), "no TAP here: /dev/net/tun: {error}");
    println!("skipped: no TAP here: /dev/net/tun: {error}");
    false
}

/// Whether this user may load an XDP program. If not, a test that needs it says so and passes, except under `CI`.
#[track_caller]
pub(crate) fn xdp_is_possible(interface: &str) -> bool {
    let denied = match Xdp::open(interface, &XdpOptions::default()) {
        Ok(_) => return true,
        Err(denied @ LinkError::XdpDenied { .. }) => denied,
        Err(error) => panic!("{error}"),
    };
    assert!(std::env::var_os("CI").is_none(), "{denied}");
    println!("skipped: {denied}");
    false
}

/// Runs a program, whatever its outcome.
pub(crate) fn output(program: &str, words: &str) -> Output {
    let output = Command::new(program).args(words.split_whitespace()).output();
    output.unwrap_or_else(|error| panic!("these tests need `{program}`: {error}"))
}

/// Runs a program, expects it to work, and gives what it said.
#[track_caller]
pub(crate) fn works(program: &str, words: &str) -> String {
    let output = output(program, words);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {words}: {}\n{text}{errors}", output.status);
    text
}

#[track_caller]
pub(crate) fn ip(words: &str) -> String {
    works("ip", words)
}

/// Runs `neigh` with these words.
pub(crate) fn neigh(words: &str) -> Output {
    output(env!("CARGO_BIN_EXE_neigh"), words)
}

/// Tries until there is a result; panics with the last complaint when patience ends.
#[track_caller]
pub(crate) fn eventually<T>(mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(complaint) => assert!(Instant::now() < end, "still so after {PATIENCE:?}: {complaint}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The link-layer address of an interface of the kernel.
pub(crate) fn mac_of(interface: &str) -> String {
    let text = ip(&format!("-o link show dev {interface}"));
    let mut words = text.split_whitespace().skip_while(|word| *word != "link/ether");
    words.nth(1).expect("an Ethernet interface").to_owned()
}

/// A veth pair, both ends up, the kernel's end `v0` with addresses.
pub(crate) fn veth() {
    ip("link add v0 type veth peer name v1");
    // The kernel's own stack keeps quiet on our end.
    for conf in ["v1/disable_ipv6=1", "v0/accept_dad=0"] {
        let (name, value) = conf.split_once('=').unwrap();
        std::fs::write(format!("/proc/sys/net/ipv6/conf/{name}"), value).expect("our own namespace");
    }
    ip("link set v0 up");
    ip("link set v1 up");
    kernel_addresses("v0");
}

/// 192.0.2.1/24 and 2001:db8::1/64.
pub(crate) fn kernel_addresses(interface: &str) {
    ip(&format!("address add 192.0.2.1/24 dev {interface}"));
    ip(&format!("address add 2001:db8::1/64 dev {interface} nodad"));
}

/// The addresses of our side, used at once.
pub(crate) const ADDRESSES: &str = "--address 192.0.2.2/24 --address 2001:db8::2/64 --set conf/accept_dad=0";

/// A file name of this test's own.
pub(crate) fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("neigh-test-{}-{name}", std::process::id()))
}

/// `neigh run` as a child; killed in the end if it still runs.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    pub(crate) socket: PathBuf,
    pub(crate) ready: String,
    /// Where its stderr goes.
    log: PathBuf,
    lines: Receiver<String>,
}

impl Daemon {
    /// Starts it and waits until it is ready. It does what the kernel does, unless the words name a profile.
    #[track_caller]
    pub(crate) fn start(words: &str) -> Self {
        let mut daemon = Self::launch(words);
        daemon.wait_ready();
        daemon
    }

    /// Starts it.
    pub(crate) fn launch(words: &str) -> Self {
        let socket = scratch("run.sock");
        Self::launch_at(&format!("{words} --socket {}", socket.display()), socket)
    }

    /// Starts it with a socket that the words name.
    #[track_caller]
    pub(crate) fn start_at(words: &str, socket: PathBuf) -> Self {
        let mut daemon = Self::launch_at(words, socket);
        daemon.wait_ready();
        daemon
    }

    fn launch_at(words: &str, socket: PathBuf) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neigh"));
        command.arg("run").args(words.split_whitespace());
        if !words.contains("--profile") && !words.contains("--config") {
            command.args(["--profile", "linux"]);
        }
        let log = scratch("run.log");
        command.stderr(File::create(&log).expect("a temporary file"));
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program was built");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, socket, ready: String::new(), log, lines }
    }

    #[track_caller]
    pub(crate) fn wait_ready(&mut self) {
        self.ready = self.lines.recv_timeout(PATIENCE).expect("a line that begins with `ready`");
        assert!(self.ready.starts_with("ready"), "{}", self.ready);
    }

    pub(crate) fn is_ready(&mut self) -> bool {
        self.lines.try_recv().is_ok()
    }

    /// What it said on stderr.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What `neigh show` with these words says of it.
    #[track_caller]
    pub(crate) fn show(&self, words: &str) -> String {
        works(env!("CARGO_BIN_EXE_neigh"), &format!("show --socket {} {words}", self.socket.display()))
    }

    /// Waits until the daemon's table has the line, whatever blank ends it.
    #[track_caller]
    pub(crate) fn shows(&self, lines: &[&str]) {
        eventually(|| {
            let text = self.show("");
            let has = |line: &&&str| text.lines().any(|l| l.trim_end() == **line);
            let missing: Vec<_> = lines.iter().filter(|line| !has(line)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("missing {missing:?} in:\n{text}")) }
        });
    }

    /// Sends a signal and waits for the end; gives the exit code.
    #[track_caller]
    pub(crate) fn end(&mut self, signal: &str) -> Option<i32> {
        works("kill", &format!("-{signal} {}", self.child.id()));
        eventually(|| match self.child.try_wait() {
            Ok(Some(status)) => Ok(status.code()),
            _ => Err(format!("it runs on after {signal}")),
        })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
        println!("{}", self.log());
        let _gone = std::fs::remove_file(&self.log);
        let _gone = std::fs::remove_file(&self.socket);
    }
}
