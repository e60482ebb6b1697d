//! `ip` and `neigh`, each in a network of its own that looks like the other's.

use crate::world::ip;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

/// The network of the calling test, where `ip` works, and one more.
pub(crate) struct Twins {
    holder: Child,
}

/// What a command said and how it ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) errors: String,
    pub(crate) code: Option<i32>,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { out: text(&output.stdout), errors: text(&output.stderr), code: output.status.code() }
    }
}

impl Said {
    /// The same with its lines and, in JSON, its objects in alphabetical order: each network's hash is
    /// another.
    pub(crate) fn sorted(mut self) -> Self {
        let inner = self.out.strip_prefix("[{").and_then(|text| text.strip_suffix("}]\n"));
        let mut parts: Vec<&str> =
            inner.map_or_else(|| self.out.lines().collect(), |text| text.split("},{").collect());
        parts.sort_unstable();
        self.out = parts.join("\n");
        self
    }

    /// The same without its numbers, where they are of the moment.
    pub(crate) fn without_numbers(mut self) -> Self {
        let mut out = String::new();
        for c in self.out.chars() {
            let c = if c.is_ascii_digit() { '#' } else { c };
            if c != '#' || !out.ends_with('#') {
                out.push(c);
            }
        }
        self.out = out;
        self
    }
}

impl Twins {
    /// Makes both, with the same devices and addresses.
    pub(crate) fn new() -> Self {
        let mut holder = Command::new("unshare");
        holder.args(["--net", "sleep", "600"]).stdout(Stdio::null());
        let twins = Self { holder: holder.spawn().expect("these tests need `unshare` (util-linux)") };
        let own = std::fs::read_link("/proc/self/ns/net").expect("our own namespace");
        let other = format!("/proc/{}/ns/net", twins.holder.id());
        // It has left when its namespace is another.
        while std::fs::read_link(&other).is_ok_and(|other| other == own) {
            thread::sleep(Duration::from_millis(5));
        }
        furnish(|words| drop(ip(words)));
        furnish(|words| {
            let said = twins.there("ip", &split(words));
            assert_eq!(said.code, Some(0), "ip {words}: {said:?}");
        });
        twins
    }

    /// Runs a program in the other network.
    pub(crate) fn there(&self, program: &str, words: &[String]) -> Said {
        let net = format!("--net=/proc/{}/ns/net", self.holder.id());
        let mut command = Command::new("nsenter");
        command.args([net.as_str(), "--", program]).args(words).env("TZ", "UTC");
        command.output().expect("these tests need `nsenter` (util-linux)").into()
    }
}

impl Drop for Twins {
    fn drop(&mut self) {
        let _ended = self.holder.kill();
        let _status = self.holder.wait();
    }
}

/// Runs a program here.
pub(crate) fn here(program: &str, words: &[String]) -> Said {
    let output = Command::new(program).args(words).env("TZ", "UTC").output();
    output.unwrap_or_else(|error| panic!("these tests need `{program}`: {error}")).into()
}

/// Words between blanks; quotes make an empty one.
pub(crate) fn split(words: &str) -> Vec<String> {
    words.split_whitespace().map(|word| if word == "\"\"" { String::new() } else { word.into() }).collect()
}

/// `v0` with fixed addresses, and its other end, which nobody listens on.
fn furnish(ip: impl Fn(&str)) {
    ip("link set lo up");
    ip("link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02");
    for end in ["v0", "v1"] {
        // No addresses of its own: their solicitations would move between the two networks.
        ip(&format!("link set {end} addrgenmode none"));
        ip(&format!("link set {end} up"));
    }
    ip("address add 10.9.0.1/24 dev v0");
    ip("address add fd00:9::1/64 dev v0 nodad");
    // Linux 6.18 keeps proxy entries without a device when their namespace ends, and a later namespace that is
    // made at the same place in memory has them.
    ip("neigh flush proxy");
    // What is reachable stays so as long as the test runs, in both.
    for table in ["arp_cache", "ndisc_cache"] {
        ip(&format!("ntable change name {table} dev v0 base_reachable 600000"));
    }
    for address in ["10.9.0.2", "fd00:9::2"] {
        ip(&format!("neigh add {address} lladdr 1a:bf:d6:0e:81:06 dev v0 nud reachable"));
    }
}
