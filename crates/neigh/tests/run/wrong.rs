//! Wrong use: one line on stderr that names the argument and says what to do, exit code 2, nothing left.

use crate::world::{ADDRESSES, Daemon, in_namespace, neigh, output, scratch, tap_is_possible, veth};
use std::process::Output;

#[track_caller]
fn is_refused(output: &Output, socket: &std::path::Path, expected: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(output.stdout.is_empty());
    for part in expected.iter().chain(&["error: ", "hint: "]) {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
    assert!(!socket.exists(), "a socket is left behind by: {text}");
    let tap = crate::world::output("ip", "link show nb0");
    assert!(!tap.status.success(), "a TAP is left behind by: {text}");
}

#[test]
fn each_mistake_is_one_line_that_names_the_argument() {
    in_namespace("wrong::each_mistake_is_one_line_that_names_the_argument", || {
        if !tap_is_possible() {
            return;
        }
        veth();
        let good = "--port tap:nb0 --address 192.0.2.2/24";
        let long = "--port packet:a-name-that-is-too-long";
        let routes = "--route default,via,192.0.2.1 --route default,via,192.0.2.9";
        let cases: &[(&str, &[&str])] = &[
            ("--port packet:nosuch", &["--port packet:nosuch", "no such interface", "ip link"]),
            (&format!("{good} --port packet:nosuch"), &["--port packet:nosuch", "no such interface"]),
            (long, &["--port packet:a-name-that-is-too-long", "1 to 15 bytes"]),
            ("--port tap:v0", &["--port tap:v0", "in use"]),
            ("--port nb0", &["--port", "'nb0'", "tap:NAME"]),
            ("", &["--port is missing"]),
            (
                &format!("{good} --address 192.0.2.300/24"),
                &["--address", "\"192.0.2.300\" is not an IP address"],
            ),
            (&format!("{good} --address 192.0.2.3/33"), &["--address", "too long"]),
            (
                &format!("{good} {routes}"),
                &["--route", "two routes to 0.0.0.0/0: by 192.0.2.1 and by 192.0.2.9"],
            ),
            (&format!("{good} --route default,via,198.51.100.1"), &["--route", "198.51.100.1", "no subnet"]),
            (
                &format!("{good} --set neigh/ucast_solicit=-1"),
                &["--set", "-1 is out of range", "0 to 2147483647"],
            ),
            (&format!("{good} --set neigh/ucast_solict=1"), &["--set", "did you mean", "ucast_solicit"]),
            (&format!("{good} --mac 03:00:00:00:00:01"), &["--mac", "even"]),
            (&format!("{good} --pcap /nonexistent/a.pcap"), &["--pcap /nonexistent/a.pcap", "No such file"]),
            (&format!("{good} --profile paranoid"), &["--profile", "linux, guarded"]),
            (&format!("{good} --upper tun"), &["--upper", "host, none"]),
            (&format!("{good} --addres 192.0.2.2/24"), &["--addres", "--address"]),
            (&format!("{good} --config /nonexistent.toml"), &["--config /nonexistent.toml", "No such file"]),
        ];
        let socket = scratch("wrong.sock");
        for (words, expected) in cases {
            is_refused(&neigh(&format!("run {words} --socket {}", socket.display())), &socket, expected);
        }
        let output = neigh(&format!("run {good} --socket /nonexistent/neigh.sock"));
        is_refused(&output, &socket, &["--socket /nonexistent/neigh.sock", "cannot listen"]);
    });
}

#[test]
fn a_missing_privilege_is_named() {
    in_namespace("wrong::a_missing_privilege_is_named", || {
        veth();
        let socket = scratch("wrong.sock");
        let without = "--inh-caps=-all --bounding-set=-net_raw,-net_admin --";
        for (port, expected) in [("packet:v1", "CAP_NET_RAW"), ("tap:nb0", "CAP_NET_ADMIN")] {
            if port.starts_with("tap:") && !tap_is_possible() {
                continue;
            }
            let program = env!("CARGO_BIN_EXE_neigh");
            let words = format!("{without} {program} run --port {port} --socket {}", socket.display());
            is_refused(&output("setpriv", &words), &socket, &["--port", port, expected, "as root"]);
        }
    });
}

#[test]
fn a_live_daemon_keeps_its_socket_and_a_dead_ones_is_replaced() {
    in_namespace("wrong::a_live_daemon_keeps_its_socket_and_a_dead_ones_is_replaced", || {
        veth();
        let mut daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES}"));
        let output = neigh(&format!("run --port packet:v0 --socket {}", daemon.socket.display()));
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{text}");
        assert!(text.contains("--socket") && text.contains("another daemon listens there"), "{text}");
        assert_eq!(daemon.show("nud permanent"), "", "it answers still");
        assert_eq!(daemon.end("KILL"), None);
        assert!(daemon.socket.exists(), "a killed daemon cannot clean up");
        let next = Daemon::start(&format!("--port packet:v1 {ADDRESSES}"));
        assert_eq!(next.show("nud permanent"), "");
    });
}

#[test]
fn the_file_of_arguments_is_checked_as_they_are() {
    in_namespace("wrong::the_file_of_arguments_is_checked_as_they_are", || {
        veth();
        let (file, socket) = (scratch("neigh.toml"), scratch("wrong.sock"));
        for (text, expected) in [
            ("ports = ['tap:nb0']", &["line 1", "unknown field `ports`"][..]),
            ("port = ['tap:nb0']\naddress = ['x/24']", &["address", "\"x\" is not an IP address"]),
            ("port = ", &["--config"]),
        ] {
            std::fs::write(&file, text).unwrap();
            let words = format!("run --config {} --socket {}", file.display(), socket.display());
            is_refused(&neigh(&words), &socket, expected);
        }
        let addresses = "address = ['192.0.2.2/24', '2001:db8::2/64']\nset = ['conf/accept_dad=0']";
        std::fs::write(&file, format!("port = ['packet:v1']\n{addresses}\n")).unwrap();
        let daemon = Daemon::start(&format!("--config {}", file.display()));
        assert!(daemon.ready.contains("192.0.2.2/24") && daemon.ready.contains("2001:db8::2/64"));
        std::fs::remove_file(&file).unwrap();
    });
}
