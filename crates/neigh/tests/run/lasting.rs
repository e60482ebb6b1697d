//! A daemon that lasts: restarts, a configuration that is read again, interfaces that change under it.

use crate::world::{ADDRESSES, Daemon, eventually, in_namespace, ip, mac_of, neigh, scratch, veth, works};
use std::fs;

/// Runs a command of `neigh` on the daemon and expects it to work.
#[track_caller]
fn ask(daemon: &Daemon, words: &str) -> String {
    works(env!("CARGO_BIN_EXE_neigh"), &format!("--socket {} {words}", daemon.socket.display()))
}

#[test]
fn entries_outlive_a_restart_as_stale() {
    in_namespace("lasting::entries_outlive_a_restart_as_stale", || {
        veth();
        let (state, mac) = (scratch("state.json"), mac_of("v0"));
        let words = format!("--port packet:v1 {ADDRESSES} --state {}", state.display());
        let mut daemon = Daemon::start(&words);
        works("ping", "-c 1 -W 5 192.0.2.2");
        daemon.shows(&[&format!("192.0.2.1 dev v1 lladdr {mac} REACHABLE")]);
        ask(&daemon, "add 192.0.2.77 lladdr 02:00:00:00:00:77 dev v1 router");
        ask(&daemon, "add fe80::77 lladdr 02:00:00:00:00:78 dev v1 nud stale extern_learn protocol static");
        assert_eq!(daemon.end("TERM"), Some(0));
        assert!(fs::read_to_string(&state).unwrap().contains("192.0.2.77"));
        let mut daemon = Daemon::start(&words);
        let text = daemon.show("");
        for line in [
            format!("192.0.2.1 dev v1 lladdr {mac} STALE"),
            "192.0.2.77 dev v1 lladdr 02:00:00:00:00:77 router PERMANENT".into(),
            "fe80::77 dev v1 lladdr 02:00:00:00:00:78 extern_learn STALE proto static".into(),
        ] {
            assert!(text.lines().any(|told| told.trim_end() == line), "{line} is not in\n{text}");
        }
        assert_eq!(daemon.end("TERM"), Some(0));
        drop(daemon);
        // A broken file is told and ignored, and a port that is not there has no entries.
        fs::write(&state, "{\"version\":1").unwrap();
        let mut daemon = Daemon::start(&words);
        assert_eq!(daemon.show("to 192.0.2.77"), "");
        assert!(daemon.log().contains("is broken, and is ignored"), "{}", daemon.log());
        assert_eq!(daemon.end("TERM"), Some(0));
        fs::remove_file(&state).unwrap();
    });
}

#[test]
fn a_hangup_reads_the_file_again() {
    in_namespace("lasting::a_hangup_reads_the_file_again", || {
        veth();
        let file = scratch("reload.toml");
        let write = |address: &str, more: &str| {
            let text =
                format!("port = ['packet:v1']\naddress = ['{address}']\nset = ['conf/accept_dad=0'{more}]");
            fs::write(&file, text).unwrap();
        };
        write("192.0.2.2/24", "");
        let mut daemon = Daemon::start(&format!("--config {}", file.display()));
        works("ping", "-c 1 -W 5 192.0.2.2");
        write("192.0.2.3/24", ", 'ipv4/neigh/v1/locktime=40'");
        works("kill", &format!("-HUP {}", daemon.child.id()));
        eventually(|| match crate::world::output("ping", "-c 1 -W 1 192.0.2.3").status.success() {
            true => Ok(()),
            false => Err("192.0.2.3 does not answer".into()),
        });
        ip("neigh flush dev v0");
        assert!(!crate::world::output("ping", "-c 1 -W 1 192.0.2.2").status.success());
        assert!(ask(&daemon, "ntable show dev v1 name arp_cache").contains("locktime 400"));
        write("192.0.2.300/24", "");
        works("kill", &format!("-HUP {}", daemon.child.id()));
        eventually(|| match daemon.log() {
            log if log.contains("nothing is changed") && log.contains("192.0.2.300") => Ok(()),
            log => Err(log),
        });
        works("ping", "-c 1 -W 5 192.0.2.3");
        assert_eq!(daemon.end("TERM"), Some(0));
        fs::remove_file(&file).unwrap();
    });
}

#[test]
fn a_shared_interface_that_changes_its_address_is_followed() {
    in_namespace("lasting::a_shared_interface_that_changes_its_address_is_followed", || {
        veth();
        let mut daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES}"));
        works("ping", "-c 1 -W 5 192.0.2.2");
        ip("link set v1 address 02:00:00:00:99:01");
        ip("neigh flush dev v0");
        eventually(|| match crate::world::output("ping", "-c 1 -W 1 192.0.2.2").status.success() {
            true => Ok(()),
            false => Err("no answer under the new address".into()),
        });
        assert!(ip("neigh show 192.0.2.2 dev v0").contains("02:00:00:00:99:01"));
        // The interface goes, and with the last one the daemon.
        ip("link del v0");
        let status = eventually(|| match daemon.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            _ => Err("it runs on without interface".into()),
        });
        assert_eq!(status.code(), Some(1));
        assert!(daemon.log().contains("all interfaces are gone"), "{}", daemon.log());
    });
}

#[test]
fn a_capture_goes_on_under_another_address() {
    in_namespace("lasting::a_capture_goes_on_under_another_address", || {
        veth();
        let file = scratch("moved.pcapng");
        let mut daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES} --pcap {}", file.display()));
        works("ping", "-c 1 -W 5 192.0.2.2");
        ip("link set v1 address 02:00:00:00:99:01");
        ip("neigh flush dev v0");
        answers("192.0.2.2");
        assert_eq!(daemon.end("TERM"), Some(0));
        // As an ordinary user: as root it would become another one, which this namespace does not have.
        let user = "--user --map-user=1000 --map-group=1000 -- tcpdump -e -nn";
        let text = works("unshare", &format!("{user} -r {} arp", file.display()));
        assert!(text.contains("192.0.2.2 is-at 02:00:00:00:99:01"), "{text}");
        assert!(
            text.lines().any(|line| line.contains("is-at") && !line.contains("02:00:00:00:99:01")),
            "{text}"
        );
        fs::remove_file(&file).unwrap();
    });
}

/// Waits until this address answers a ping.
#[track_caller]
fn answers(address: &str) {
    eventually(|| match crate::world::output("ping", &format!("-c 1 -W 1 {address}")).status.success() {
        true => Ok(()),
        false => Err(format!("no answer by {address}")),
    });
}

#[test]
fn a_port_whose_interface_is_removed_and_made_again_goes_on() {
    in_namespace("lasting::a_port_whose_interface_is_removed_and_made_again_goes_on", || {
        veth();
        ip("link add d0 type veth peer name d1");
        ip("link set d1 up");
        ip("link set d0 up");
        let words = "--port packet:v1 --port packet:d0 --address 192.0.2.2/24@v1 --address 2001:db8::2/64@v1";
        let mut daemon =
            Daemon::start(&format!("{words} --set conf/accept_dad=0 --mac 02:00:00:00:77:01@d0"));
        works("ping", "-c 1 -W 5 192.0.2.2");
        daemon.shows(&[&format!("192.0.2.1 dev v1 lladdr {} REACHABLE", mac_of("v0"))]);
        for _ in 0..2 {
            ip("link del v0");
            eventually(|| match daemon.show("to 192.0.2.1") {
                text if text.is_empty() => Ok(()),
                text => Err(text),
            });
            veth();
            answers("192.0.2.2");
            answers("2001:db8::2");
            let entry = daemon.show("to 192.0.2.1");
            assert!(entry.contains(&format!("192.0.2.1 dev v1 lladdr {} ", mac_of("v0"))), "{entry}");
        }
        assert_eq!(daemon.end("TERM"), Some(0));
    });
}

#[test]
fn a_link_that_was_switched_off_by_hand_stays_off() {
    in_namespace("lasting::a_link_that_was_switched_off_by_hand_stays_off", || {
        veth();
        let mut daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES}"));
        works("ping", "-c 1 -W 5 192.0.2.2");
        ask(&daemon, "link v1 down");
        assert_eq!(daemon.show("to 192.0.2.1"), "");
        // News about the interface change nothing.
        ip("link set v1 mtu 1400");
        assert!(!crate::world::output("ping", "-c 1 -W 1 192.0.2.2").status.success());
        ask(&daemon, "link v1 up");
        works("ping", "-c 1 -W 5 192.0.2.2");
        ask(&daemon, "address add 198.51.100.2/24 dev v1");
        ip("address add 198.51.100.1/24 dev v0");
        works("ping", "-c 1 -W 5 198.51.100.2");
        assert_eq!(daemon.end("TERM"), Some(0));
    });
}

#[test]
fn a_check_says_whether_the_configuration_is_right_and_touches_nothing() {
    in_namespace("lasting::a_check_says_whether_the_configuration_is_right_and_touches_nothing", || {
        let file = scratch("check.toml");
        for (text, code, said) in [
            ("port = ['tap:nb7']\naddress = ['192.0.2.2/24']", 0, "the arguments are right: ports tap:nb7"),
            ("port = ['tap:nb7']\naddress = ['192.0.2.2/44']", 2, "too long"),
            ("port = ['tap:nb7']\nadress = []", 2, "unknown field `adress`"),
        ] {
            fs::write(&file, text).unwrap();
            let output = neigh(&format!("run --check --config {}", file.display()));
            let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert_eq!(output.status.code(), Some(code), "{told}");
            assert!(told.contains(said), "{told}");
            assert!(!crate::world::output("ip", "link show nb7").status.success());
        }
        fs::remove_file(&file).unwrap();
    });
}

/// `CAP_NET_RAW`, as a bit.
const NET_RAW: u64 = 1 << 13;

#[test]
fn it_keeps_no_privilege_but_that_of_opening_its_links_anew() {
    in_namespace("lasting::it_keeps_no_privilege_but_that_of_opening_its_links_anew", || {
        veth();
        let mut daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES}"));
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name} in {status}")).trim().to_owned()
        };
        let set = |name: &str| u64::from_str_radix(&field(name), 16).unwrap();
        assert_eq!(["CapEff:", "CapPrm:", "CapBnd:"].map(set), [NET_RAW; 3], "{status}");
        assert_eq!((set("CapInh:"), set("CapAmb:"), field("NoNewPrivs:")), (0, 0, "1".into()));
        assert_eq!(field("Seccomp:"), "2", "system calls are filtered\n{status}");
        // With that it does all that it did.
        works("ping", "-c 1 -W 5 192.0.2.2");
        ip("link set v1 address 02:00:00:00:99:01");
        ip("neigh flush dev v0");
        answers("192.0.2.2");
        ask(&daemon, "link v1 down");
        ask(&daemon, "link v1 up");
        answers("2001:db8::2");
        assert_eq!(daemon.end("TERM"), Some(0));
    });
}

#[test]
fn without_its_sandbox_it_can_be_traced() {
    in_namespace("lasting::without_its_sandbox_it_can_be_traced", || {
        veth();
        let mut daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES} --no-sandbox"));
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
        assert!(status.contains("Seccomp:\t0") && status.contains("NoNewPrivs:\t1"), "{status}");
        works("ping", "-c 1 -W 5 192.0.2.2");
        assert_eq!(daemon.end("TERM"), Some(0));
    });
}

#[test]
fn in_its_sandbox_it_reads_and_writes_what_it_was_told_of() {
    in_namespace("lasting::in_its_sandbox_it_reads_and_writes_what_it_was_told_of", || {
        veth();
        let directory = scratch("closed");
        for part in ["config", "state", "run"] {
            fs::create_dir_all(directory.join(part)).unwrap();
        }
        let (config, state) = (directory.join("config/neigh.toml"), directory.join("state/state.json"));
        let socket = directory.join("run/neigh.sock");
        let write = |address: &str| {
            let text = format!(
                "port = ['packet:v1']\naddress = ['{address}']\nset = ['conf/accept_dad=0']\nstate = '{}'\npcap = '{}'",
                state.display(),
                directory.join("all.pcap").display(),
            );
            // As an editor does it: another file takes the place of the one that was there.
            let beside = directory.join("config/edited");
            fs::write(&beside, text).unwrap();
            fs::rename(&beside, &config).unwrap();
        };
        write("192.0.2.2/24");
        let words = format!("--config {} --group root --socket {}", config.display(), socket.display());
        let mut daemon = Daemon::start_at(&words, socket.clone());
        assert!(!daemon.log().contains("not restricted"), "{}", daemon.log());
        answers("192.0.2.2");
        write("192.0.2.3/24");
        works("kill", &format!("-HUP {}", daemon.child.id()));
        answers("192.0.2.3");
        // Its link is opened anew, and the kernel asked about links.
        ip("link set v1 address 02:00:00:00:99:02");
        ip("neigh flush dev v0");
        answers("192.0.2.3");
        assert!(ask(&daemon, "show").contains("192.0.2.1 dev v1"));
        assert_eq!(daemon.end("TERM"), Some(0));
        assert!(state.exists() && !socket.exists(), "{}", daemon.log());
        assert!(!daemon.log().contains("ermission"), "{}", daemon.log());
        drop(daemon);
        fs::remove_dir_all(&directory).unwrap();
    });
}
