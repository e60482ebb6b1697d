//! Past failures of others that only the program on a real link can repeat; see `specs/past-failures.md`.

use crate::world::{ADDRESSES, Daemon, eventually, in_namespace, ip, output, veth, works};
use neighbour_link::{Link, Packet, PacketOptions, Time};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// A question for us by one of many who are neither of the two hosts: 192.0.2.100 to 192.0.2.199.
fn frame(n: u32) -> Vec<u8> {
    let [_, b, c, d] = n.to_be_bytes();
    let mac = [2, 0, 9, b, c, d];
    let arp =
        [&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac, &[192, 0, 2, 100 + d % 100], &[0; 6], &[192, 0, 2, 2]].concat();
    let mut frame = [&[0xff; 6][..], &mac, &[8, 6], &arp].concat();
    frame.resize(60, 0);
    frame
}

/// Tells others that it is over, however it ends.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Notices, solicitations and replies used a device, or its namespace, after it was freed (Linux; also CVE-2025-21760,
/// 21762, 21764). The interface goes, again and again, amid frames, packets, requests and somebody who listens; the
/// daemon says so, serves on, and is a host again when there is one of that name.
#[test]
fn cve_2025_21763_an_interface_that_goes_under_load_takes_nothing_with_it() {
    in_namespace("cves::cve_2025_21763_an_interface_that_goes_under_load_takes_nothing_with_it", || {
        veth();
        ip("link add d0 type veth peer name d1");
        ip("link set d0 up");
        ip("link set d1 up");
        let ports = "--port packet:v1 --port packet:d1";
        let own = "--address 192.0.2.2/24@v1 --address 2001:db8::2/64@v1 --address 198.51.100.2/24@d1";
        let mut daemon = Daemon::start(&format!("{ports} {own} --set conf/accept_dad=0"));
        let socket = daemon.socket.display().to_string();
        let mut listener = Command::new(env!("CARGO_BIN_EXE_neigh"));
        let mut listener = listener.args(["monitor", "--socket", &socket]).spawn().unwrap();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut n = 0;
                while !over.load(Ordering::Relaxed) {
                    // There may be no interface, or it may go while frames are on their way.
                    let Ok(mut link) = Packet::open("v0", PacketOptions::default()) else { continue };
                    for _ in 0..64 {
                        n += 1;
                        let _gone = link.transmit(Time::ZERO, &frame(n));
                    }
                    let _gone = link.flush();
                    thread::sleep(Duration::from_millis(5));
                }
            });
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let _refused = output(
                        env!("CARGO_BIN_EXE_neigh"),
                        &format!(
                            "--socket {socket} replace 192.0.2.200 lladdr 02:00:00:00:00:c8 dev v1 nud stale"
                        ),
                    );
                    let _gone = output(env!("CARGO_BIN_EXE_neigh"), &format!("--socket {socket} show"));
                }
            });
            // Also if something fails here: they wait for it.
            let _end = Ending(&over);
            for _ in 0..5 {
                ip("link del v0");
                veth();
                eventually(|| match output("ping", "-c 1 -W 1 192.0.2.2").status.success() {
                    true => Ok(()),
                    false => Err("no answer after the interface came back".into()),
                });
            }
        });
        assert!(listener.try_wait().unwrap().is_none(), "who listens was not thrown out");
        listener.kill().unwrap();
        listener.wait().unwrap();
        works("ping", "-6 -c 1 -W 5 2001:db8::2");
        assert_eq!(daemon.end("TERM"), Some(0));
        assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
    });
}

/// Names from the network were handed to a shell (FreeBSD's rtsold and resolvconf). The daemon hands nothing to anybody:
/// it can run no program at all.
#[test]
fn cve_2025_14558_nothing_from_the_network_reaches_a_shell() {
    in_namespace("cves::cve_2025_14558_nothing_from_the_network_reaches_a_shell", || {
        veth();
        let mut daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES} --set conf/accept_ra=1"));
        let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
        assert!(status.contains("Seccomp:\t2"), "{status}");
        // An advertisement whose search list would be a command.
        let label = b"$(touch owned)`id`;reboot";
        let mut option = vec![31, 5, 0, 0, 0xff, 0xff, 0xff, 0xff, label.len() as u8];
        option.extend_from_slice(label);
        option.resize(40, 0);
        let mut message = vec![134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        message.extend_from_slice(&option);
        let (source, group) = ("fe80::bad".parse().unwrap(), "ff02::1".parse().unwrap());
        neighbour_wire::icmpv6::finish(&mut message, source, group);
        let mut frame = Vec::new();
        let (to, from) = ([0x33, 0x33, 0, 0, 0, 1], [2, 0, 0, 0, 0, 0xbd]);
        neighbour_wire::ethernet::emit_header(&mut frame, to, from, 0x86dd);
        neighbour_wire::ipv6::emit_header(&mut frame, source, group, 58, 255, 0, message.len());
        frame.extend_from_slice(&message);
        let mut link = Packet::open("v0", PacketOptions::default()).unwrap();
        link.transmit(Time::ZERO, &frame).unwrap();
        link.flush().unwrap();
        works("ping", "-c 1 -W 5 192.0.2.2");
        let tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.child.id())).unwrap();
        assert_eq!(tasks.count(), 1, "it has no other threads, and no children");
        assert!(!std::path::Path::new("owned").exists());
        assert_eq!(daemon.end("TERM"), Some(0));
    });
}
