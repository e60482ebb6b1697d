//! `neigh show` beside `ip neigh show`.

use crate::world::{ADDRESSES, Daemon, in_namespace, ip, neigh, output, scratch, veth, works};

/// Entries of every kind on `v0`.
fn furnish() {
    veth();
    let lladdr = |n: u32| format!("lladdr 02:00:00:00:00:{n:02}");
    let states =
        ["permanent", "reachable", "noarp", "stale", "delay", "probe", "failed", "incomplete", "none"];
    for (n, state) in (50..).zip(states) {
        ip(&format!("neigh add 192.0.2.{n} {} dev v0 nud {state}", lladdr(n)));
        ip(&format!("neigh add 2001:db8::{n} {} dev v0 nud {state}", lladdr(n)));
    }
    ip(&format!("neigh add 192.0.2.70 {} dev v0 router nud stale extern_learn", lladdr(70)));
    ip("neigh add 192.0.2.71 dev v0 managed extern_learn");
    ip(&format!("neigh add 192.0.2.72 {} dev v0 protocol static", lladdr(72)));
    ip(&format!("neigh add 2001:db8::72 {} dev v0 protocol 77", lladdr(72)));
    ip("neigh add proxy 192.0.2.80 dev v0");
    ip("neigh add proxy 2001:db8::80 dev v0 router extern_learn protocol bgp");
}

/// The same words to both; a second try, and more, as times and states move between the two.
#[track_caller]
fn same(options: &str, words: &str) {
    let mut pair = Vec::new();
    for _ in 0..50 {
        let theirs = output("ip", &format!("{options} neigh show {words}"));
        let ours = neigh(&format!("{options} --kernel show {words}"));
        pair = [theirs, ours]
            .map(|o| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                (text(&o.stdout), text(&o.stderr), o.status.code())
            })
            .to_vec();
        if pair[0] == pair[1] {
            return;
        }
    }
    assert_eq!(pair[0], pair[1], "ip (left), neigh (right): {options} show {words}");
}

#[test]
fn the_kernels_table_is_printed_as_ip_prints_it() {
    in_namespace("show::the_kernels_table_is_printed_as_ip_prints_it", || {
        furnish();
        for words in [
            "",
            "nud all",
            "dev v0",
            "nud permanent",
            "nud none",
            "nud noarp nud stale",
            "nud 0x80",
            "to 192.0.2.48/29",
            "192.0.2.50",
            "192.0.2/24",
            "to default",
            "proxy",
            "unused",
            "proto static",
            "2001:db8::/64 dev v0 nud all",
            "192.0.2.0/255.255.255.248",
            "198.51.100.1",
        ] {
            for options in
                ["", "-s", "-j", "-j -s", "-j -p", "-4", "-6", "-stats -json", "-f inet6", "-o", "-p"]
            {
                same(options, words);
            }
        }
    });
}

#[test]
fn what_is_wrong_is_said_as_ip_says_it() {
    in_namespace("show::what_is_wrong_is_said_as_ip_says_it", || {
        for words in [
            "dev nope",
            "router",
            "d v0",
            "nud bogus",
            "nud",
            "dev",
            "dev a dev b",
            "proto 300",
            "192.0.2.1/33",
            "nud pr",
            "fe80",
            "to",
            "nud 256",
        ] {
            same("", words);
            same("-6", words);
        }
        same("-6", "192.0.2.1");
        same("-f foo", "");
    });
}

#[test]
fn the_command_may_be_cut_short_as_with_ip() {
    in_namespace("show::the_command_may_be_cut_short_as_with_ip", || {
        veth();
        ip("neigh add 192.0.2.50 lladdr 02:00:00:00:00:50 dev v0");
        let expected = "192.0.2.50 dev v0 lladdr 02:00:00:00:00:50 PERMANENT \n";
        for words in ["s", "sho", "list", "lst", "ls", "l"] {
            assert_eq!(works(env!("CARGO_BIN_EXE_neigh"), &format!("--kernel {words}")), expected);
        }
    });
}

#[test]
fn the_daemons_table_is_printed_the_same_way() {
    in_namespace("show::the_daemons_table_is_printed_the_same_way", || {
        veth();
        ip("link set v0 address 02:00:00:00:00:01");
        let quick = "--set neigh/delay_first_probe_time=1";
        let daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES} {quick}"));
        works("ping", "-c 1 -W 5 192.0.2.2");
        works("ping", "-6 -c 1 -W 5 2001:db8::2");
        let v4 = "192.0.2.1 dev v1 lladdr 02:00:00:00:00:01 REACHABLE";
        let v6 = "2001:db8::1 dev v1 lladdr 02:00:00:00:00:01 REACHABLE";
        daemon.shows(&[v4, v6]);
        assert_eq!(daemon.show("-4"), format!("{v4} \n"));
        assert_eq!(daemon.show("dev v1 192.0.2.1"), "192.0.2.1 lladdr 02:00:00:00:00:01 REACHABLE \n");
        assert_eq!(daemon.show("nud permanent"), "");
        assert_eq!(daemon.show("proxy"), "");
        let json = r#"[{"dst":"192.0.2.1","dev":"v1","lladdr":"02:00:00:00:00:01","state":["REACHABLE"]}]"#;
        assert_eq!(daemon.show("-j -4"), format!("{json}\n"));
        let stats = daemon.show("-s -4");
        let beginning = "192.0.2.1 dev v1 lladdr 02:00:00:00:00:01  ref 1 used ";
        assert!(stats.starts_with(beginning) && stats.ends_with("REACHABLE \n"), "{stats}");
        // Groups are there, as in the kernel's table, and hidden.
        assert!(daemon.show("nud noarp").contains("ff02::16 dev v1 lladdr 33:33:00:00:00:16 NOARP \n"));
    });
}

#[test]
fn without_a_daemon_it_says_so_in_one_line() {
    let socket = scratch("nobody.sock");
    let output = neigh(&format!("show --socket {}", socket.display()));
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{text}");
    assert!(text.contains("nobody.sock") && text.contains("hint: start one with `neigh run`"), "{text}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    in_namespace("show::a_reader_that_goes_away_is_no_error", || {
        furnish();
        let neigh = env!("CARGO_BIN_EXE_neigh");
        let script = format!("({neigh} --kernel show nud all; echo $? >&2) | true");
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "0\n");
    });
}
