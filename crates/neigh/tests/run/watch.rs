//! `neigh watch` without a daemon: on an interface, and in captures.

use crate::world::{
    ADDRESSES, Daemon, eventually, in_namespace, in_namespace_as_root, ip, mac_of, neigh, output, scratch,
    veth, works,
};
use neighbour_link::{Link, Packet, PacketOptions, Time};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// `neigh watch` as a child, with files for what it says.
struct Watch {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Watch {
    /// Starts it on an interface and waits until it listens.
    #[track_caller]
    fn on(words: &str) -> Self {
        let (out, err) = (scratch("watch.out"), scratch("watch.err"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_neigh"));
        command.args(["watch", "on"]).args(words.split_whitespace());
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let watch = Self { child: command.spawn().expect("the program was built"), out, err };
        watch.says("watch: listening on ", |watch| watch.errors());
        watch
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }

    fn errors(&self) -> String {
        fs::read_to_string(&self.err).unwrap()
    }

    #[track_caller]
    fn says(&self, part: &str, of: impl Fn(&Self) -> String) {
        eventually(|| {
            let text = of(self);
            if text.contains(part) { Ok(()) } else { Err(format!("{part:?} is not in:\n{text}")) }
        });
    }

    /// Waits until it has told this.
    #[track_caller]
    fn tells(&self, part: &str) {
        self.says(part, Self::text);
    }

    #[track_caller]
    fn ends(&mut self) -> Option<i32> {
        eventually(|| match self.child.try_wait() {
            Ok(Some(status)) => Ok(status.code()),
            _ => Err("it watches on".into()),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
        println!("{}{}", self.text(), self.errors());
        let _gone = (fs::remove_file(&self.out), fs::remove_file(&self.err));
    }
}

/// `tcpdump` as a child.
struct Tcpdump(Child);

impl Tcpdump {
    fn on(interface: &str, file: &Path) -> Self {
        let mut command = Command::new("tcpdump");
        command.args(["--immediate-mode", "-U", "-Z", "root", "-i", interface, "-w"]).arg(file);
        Self(command.spawn().expect("these tests need `tcpdump`"))
    }
}

impl Drop for Tcpdump {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

/// An ARP reply: the address is at this link-layer address. `between` stands between the addresses and the type.
fn reply(address: [u8; 4], lladdr: [u8; 6], between: &[u8]) -> Vec<u8> {
    let arp = [&[0, 1, 8, 0, 6, 4, 0, 2][..], &lladdr, &address, &[0; 6], &[192, 0, 2, 1]].concat();
    let mut frame = [&[0xff; 6][..], &lladdr, between, &[8, 6], &arp].concat();
    frame.resize(60.max(frame.len()), 0);
    frame
}

const A: [u8; 6] = [2, 0, 0, 0, 0x77, 0xa];
const B: [u8; 6] = [2, 0, 0, 0, 0x77, 0xb];

/// Sends frames on our end of the cable.
fn send(frames: &[Vec<u8>]) {
    let mut link = Packet::open("v1", PacketOptions::default()).unwrap();
    for frame in frames {
        link.transmit(Time::ZERO, frame).unwrap();
        link.flush().unwrap();
    }
}

/// Frames that the interface has sent.
fn sent_by(interface: &str) -> String {
    let all = fs::read_to_string("/proc/self/net/dev").unwrap();
    let line = all.lines().find_map(|line| line.trim().strip_prefix(&format!("{interface}:")));
    line.unwrap().split_whitespace().nth(9).unwrap().to_owned()
}

#[test]
fn on_an_interface_stations_are_seen_and_nothing_is_sent() {
    in_namespace("watch::on_an_interface_stations_are_seen_and_nothing_is_sent", || {
        veth();
        // What the kernel has to say for itself is said before.
        fs::write("/proc/sys/net/ipv6/conf/v0/disable_ipv6", "1").unwrap();
        let before = sent_by("v0");
        let mut watch = Watch::on("v0 prefix 192.0.2.0/24");
        assert!(watch.errors().contains("192.0.2.0/24"), "{}", watch.errors());
        let vlan_5 = [0x81, 0, 0, 5];
        let stack = [0x88, 0xa8, 0, 7, 0x81, 0, 0, 5];
        let snap = [0, 36, 0xaa, 0xaa, 3, 0, 0, 0];
        send(&[
            reply([192, 0, 2, 77], A, &[]),
            reply([192, 0, 2, 77], B, &[]),
            reply([192, 0, 2, 77], A, &[]),
            reply([192, 0, 2, 78], A, &vlan_5),
            reply([192, 0, 2, 78], A, &stack),
            reply([192, 0, 2, 79], A, &snap),
            reply([203, 0, 113, 9], A, &[]),
        ]);
        for told in [
            "new station: 192.0.2.77 dev v0: at 02:00:00:00:77:0a",
            "changed ethernet address: 192.0.2.77 dev v0: moved from 02:00:00:00:77:0a to 02:00:00:00:77:0b",
            "duplicate address: 192.0.2.77 dev v0: 02:00:00:00:77:0a and 02:00:00:00:77:0b both answer for it",
            "flip flop: 192.0.2.77 dev v0: flip flop between 02:00:00:00:77:0b and 02:00:00:00:77:0a",
            "new station: 192.0.2.78 dev v0.5: at 02:00:00:00:77:0a",
            "new station: 192.0.2.78 dev v0.7.5: at 02:00:00:00:77:0a",
            "hidden frame: 192.0.2.79 dev v0: an ARP reply comes behind LLC and SNAP",
            "new station: 192.0.2.79 dev v0: at 02:00:00:00:77:0a",
            "bogon: 203.0.113.9 dev v0: is of none of the link's prefixes",
        ] {
            watch.tells(told);
        }
        assert_eq!(sent_by("v0"), before, "it sends nothing");
        works("kill", &format!("-TERM {}", watch.child.id()));
        assert_eq!(watch.ends(), Some(0));
        assert!(watch.errors().contains("v0: 7 frames, 7 of ARP and ND, 0 malformed; 4 stations"));
    });
}

#[test]
fn between_two_hosts_all_is_seen_that_they_say_and_their_captures_tell_the_same() {
    // As root of the machine: elsewhere tcpdump cannot become the user that it wants to be.
    in_namespace_as_root(
        "watch::between_two_hosts_all_is_seen_that_they_say_and_their_captures_tell_the_same",
        || {
            veth();
            let (ours, theirs) = (scratch("ours.pcapng"), scratch("theirs.pcap"));
            let mut tcpdump = Tcpdump::on("v0", &theirs);
            eventually(|| theirs.exists().then_some(()).ok_or_else(|| "tcpdump does not begin".into()));
            let watch = Watch::on("v0");
            let mac = mac_of("v0");
            let mut daemon = Daemon::start(&format!(
                "--port packet:v1 --mac 02:00:00:00:00:99 {ADDRESSES} --pcap {}",
                ours.display()
            ));
            works("ping", "-c 1 -W 5 192.0.2.2");
            works("ping", "-6 -c 1 -W 5 2001:db8::2");
            works("ndisc6", "-1 -w 5000 2001:db8::2 v0");
            works("arping", "-c 1 -w 5 -I v0 192.0.2.2");
            // Somebody wants an address that is there.
            assert!(!output("arping", "-D -c 1 -w 5 -I v0 192.0.2.2").status.success());
            let told = |dev: &str| {
                [
                    format!("new station: 192.0.2.1{dev}: at {mac}"),
                    format!("new station: 192.0.2.2{dev}: at 02:00:00:00:00:99"),
                    format!("new station: 2001:db8::1{dev}: at {mac}"),
                    format!("new station: 2001:db8::2{dev}: at 02:00:00:00:00:99"),
                    format!(
                        "duplicate address: 192.0.2.2{dev}: 02:00:00:00:00:99 has it, and {mac} wants it, too"
                    ),
                ]
            };
            told(" dev v0").iter().for_each(|told| watch.tells(told));
            assert_eq!(daemon.end("TERM"), Some(0));
            // What it has written may end in the middle of a frame.
            let read = || String::from_utf8(neigh(&format!("watch in {}", theirs.display())).stdout).unwrap();
            eventually(|| if read().contains("duplicate address") { Ok(()) } else { Err(read()) });
            works("kill", &format!("-INT {}", tcpdump.0.id()));
            assert!(tcpdump.0.wait().unwrap().success());
            for (file, dev) in [(&theirs, ""), (&ours, " dev v1")] {
                let text = works(env!("CARGO_BIN_EXE_neigh"), &format!("watch in {}", file.display()));
                for told in told(dev) {
                    assert!(text.contains(&told), "{told:?} is not in:\n{text}");
                }
                let json = works(env!("CARGO_BIN_EXE_neigh"), &format!("-j watch in {}", file.display()));
                let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
                let keys: Vec<&String> = first.as_object().unwrap().keys().collect();
                assert_eq!(
                    keys,
                    ["dev", "dst", "lladdr", "other", "sentence", "suppressed", "time", "what"],
                    "those of the daemon's alerts"
                );
                fs::remove_file(file).unwrap();
            }
        },
    );
}

#[test]
fn a_flood_takes_no_memory_and_few_lines() {
    in_namespace("watch::a_flood_takes_no_memory_and_few_lines", || {
        veth();
        let mut watch = Watch::on("v0 stations 500 prefix 10.0.0.0/8");
        let memory = || {
            let status = fs::read_to_string(format!("/proc/{}/status", watch.child.id())).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
        };
        let flood = |from: u32| -> Vec<Vec<u8>> {
            let each = |n: u32| {
                let [_, b, c, d] = n.to_be_bytes();
                reply([10, b, c, d], [2, 0, 1, b, c, d], &[])
            };
            (from..from + 20_000).map(each).collect()
        };
        send(&flood(0));
        watch.tells("500 stations are known, the most there may be");
        watch.tells("storm: dev v0: 500 messages of ARP and ND within a second");
        let before = memory();
        for n in 1..4 {
            send(&flood(n * 20_000));
        }
        send(&[reply([192, 0, 2, 77], A, &[])]);
        let after = memory();
        assert!(after < before + 4096, "{before} kB before, {after} kB after");
        works("kill", &format!("-TERM {}", watch.child.id()));
        assert_eq!(watch.ends(), Some(0));
        assert!(watch.text().lines().count() < 2000, "{} lines", watch.text().lines().count());
        assert!(watch.errors().contains("; 500 stations, "), "{}", watch.errors());
    });
}

#[test]
fn what_cannot_be_watched_is_named() {
    in_namespace("watch::what_cannot_be_watched_is_named", || {
        veth();
        let file = scratch("no.pcap");
        fs::write(&file, "this is no capture").unwrap();
        let in_file = format!("in {}", file.display());
        for (words, expected) in [
            ("on nosuch", "error: watch on nosuch: no such interface"),
            (in_file.as_str(), "it is no capture: expected pcap or pcapng"),
            ("in /nonexistent.pcap", "error: watch in /nonexistent.pcap: it cannot be read: No such file"),
            ("on v0 scan many", "error: watch scan many: invalid digit"),
        ] {
            let output = neigh(&format!("watch {words}"));
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{text}");
            assert!(text.contains(expected) && text.contains("hint: "), "{text}");
        }
        let program = env!("CARGO_BIN_EXE_neigh");
        let words = format!("--inh-caps=-all --bounding-set=-net_raw -- {program} watch on v0");
        let denied = output("setpriv", &words);
        let text = String::from_utf8_lossy(&denied.stderr).into_owned();
        assert!(denied.status.code() == Some(2) && text.contains("CAP_NET_RAW"), "{text}");
        fs::remove_file(&file).unwrap();
        let mut watch = Watch::on("v0");
        ip("link delete v0");
        assert_eq!(watch.ends(), Some(1));
        assert!(watch.errors().contains("watch on v0: the interface is gone"), "{}", watch.errors());
    });
}
