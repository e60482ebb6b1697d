//! The commands of `ip neigh` on our daemon, whose table is set up like the kernel's.

use crate::golden::{agree, captured, changes, more, ours, without_reachable};
use crate::twin::{Said, Twins, here, split};
use crate::world::{ADDRESSES, Daemon, in_namespace, neigh, scratch, veth, works};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const NEIGH: &str = env!("CARGO_BIN_EXE_neigh");

/// What is different by nature: the daemon has no `lo` and no kernel's groups, its defaults may be changed
/// from any namespace (the kernel's only from the first one), and it is asked where the kernel is not.
const DIFFERENT: [(&str, &str); 11] = [
    ("neigh help", "`neigh help` is this program's"),
    ("neigh he", "`neigh help` is this program's"),
    ("neigh foo", "the hint names this program"),
    ("neigh \"\"", "the hint names this program"),
    (" dev lo", "the daemon has no such device"),
    ("master lo", "the daemon has no such device"),
    ("dev v1", "the daemon has no such device"),
    ("dev if99", "the daemon refuses what the kernel does, with a text of its own"),
    ("thresh", "the kernel's defaults belong to the first namespace"),
    ("name arp_cache queue", "the kernel's defaults belong to the first namespace"),
    ("gc_int", "the kernel's defaults belong to the first namespace"),
];

/// A daemon on `v0`, beside the kernel, with the same addresses and the same two neighbours.
fn daemon() -> Daemon {
    let addresses = "--address 10.9.0.1/24 --address fd00:9::1/64 --set conf/accept_dad=0";
    let daemon = Daemon::start(&format!("--port packet:v0 {addresses} --set conf/router_solicitations=0"));
    for table in ["arp_cache", "ndisc_cache"] {
        ask(&daemon, &format!("ntable change name {table} dev v0 base_reachable 600000"));
    }
    for address in ["10.9.0.2", "fd00:9::2"] {
        ask(&daemon, &format!("neigh add {address} lladdr 1a:bf:d6:0e:81:06 dev v0 nud reachable"));
    }
    daemon
}

/// A command of `ip`, for the daemon.
fn ask(daemon: &Daemon, command: &str) -> Said {
    let socket = format!("--socket={}", daemon.socket.display());
    here(NEIGH, &ours(command, &[&socket]))
}

/// The part that both tables must share: without groups, without `lo`, without what is drawn by lot.
fn comparable(command: &str, mut said: Said) -> Said {
    if command.contains("ntable") {
        let blocks = said.out.split_inclusive("\n\n").filter(|block| block.contains("dev v0"));
        said.out = blocks.collect();
        said = without_reachable(said);
    }
    if command.contains("-s") && !changes(command) {
        said = said.without_numbers();
        said.out = said.out.replace(" ref #", "").replace("\"refcnt\":#,", "");
    }
    // What a flush removes has times, too: those of a managed entry go by the kernel's refresh, whose beat is its own.
    let timeless =
        |line: &str| match line.split_once(" used ").map(|(who, rest)| (who, rest.split_once("probes"))) {
            Some((who, Some((_times, rest)))) => format!("{who} used #probes{rest}"),
            _ => line.to_owned(),
        };
    said.out = said.out.split('\n').map(timeless).collect::<Vec<_>>().join("\n");
    said = said.sorted();
    let hidden =
        |line: &&str| !["ff02::", "dev lo", "\"lo\"", "NOARP"].iter().any(|part| line.contains(part));
    let lines: Vec<&str> = said.out.lines().filter(hidden).collect();
    said.out = lines.join("\n");
    said
}

#[test]
fn the_daemon_says_and_does_what_the_kernel_does() {
    in_namespace("commands::the_daemon_says_and_does_what_the_kernel_does", || {
        let _twins = Twins::new();
        let daemon = daemon();
        let different =
            |command: &&str| DIFFERENT.iter().any(|(part, _)| format!(" {command}").contains(part));
        // JSON in lines and reading a whole table of parameters differ in what is left out above.
        let whole = |command: &&str| {
            (command.contains("ntable") && !changes(command) && !command.contains("dev v0"))
                || (command.contains("-p") && command.contains("-j"))
        };
        let commands: Vec<&str> =
            captured().into_iter().chain(more()).filter(|c| !different(c) && !whole(c)).collect();
        let mut wrong = Vec::new();
        for command in &commands {
            let view = |said| comparable(command, said);
            let outcome = if changes(command) {
                let pair = (view(here("ip", &split(command))), view(ask(&daemon, command)));
                let same = if pair.0 == pair.1 { Ok(()) } else { Err(Box::new(pair)) };
                let mut tables = ["neigh show nud all", "neigh show proxy"].iter();
                same.and_then(|()| {
                    let of = |table: &&str| {
                        let view = |said| comparable(table, said);
                        agree(|| (view(here("ip", &split(table))), view(ask(&daemon, table))))
                    };
                    tables.try_for_each(of)
                })
            } else {
                agree(|| (view(here("ip", &split(command))), view(ask(&daemon, command))))
            };
            wrong.extend(
                outcome.err().map(|p| format!("ip {command}\n  ip:    {:?}\n  neigh: {:?}", p.0, p.1)),
            );
        }
        println!("{} commands", commands.len());
        assert!(commands.len() > 200, "{}", commands.len());
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), commands.len(), wrong.join("\n"));
    });
}

#[test]
fn strict_does_the_sane_thing() {
    in_namespace("commands::strict_does_the_sane_thing", || {
        let _twins = Twins::new();
        let daemon = daemon();
        let said = |words: &str| ask(&daemon, words);
        said("neigh add 10.9.0.52 lladdr 02:00:00:00:00:52 dev v0 nud stale extern_learn");
        said("neigh add 10.9.0.53 lladdr 02:00:00:00:00:53 dev v0");
        // The states asked for hold entries of control planes back.
        assert!(said("neigh show nud permanent").out.contains("10.9.0.52"));
        let strict = said("--strict neigh show nud permanent").out;
        assert!(!strict.contains("10.9.0.52") && strict.contains("10.9.0.53"), "{strict}");
        assert_eq!(said("--strict -s neigh flush nud failed").out, "Nothing to flush.\n");
        // JSON where iproute2 6.1 forgets it.
        let one = "neigh get 10.9.0.53 dev v0";
        let json = r#"[{"dst":"10.9.0.53","dev":"v0","lladdr":"02:00:00:00:00:53","state":["PERMANENT"]}]"#;
        assert_eq!(said(&format!("--strict -j {one}")).out, format!("{json}\n"));
        assert!(said(&format!("-j {one}")).out.starts_with("10.9.0.53 dev v0"));
        // Nothing is left behind by what is refused.
        let refused = said("--strict neigh add 10.9.0.55 dev v0 nud noarp");
        assert_eq!(
            (refused.code, refused.errors.as_str()),
            (Some(2), "Error: No link layer address given.\n")
        );
        assert_eq!(said("neigh show 10.9.0.55 nud all").out, "");
        said("neigh add 10.9.0.55 dev v0 nud noarp");
        assert_eq!(said("neigh show 10.9.0.55 nud all").out, "10.9.0.55 dev v0 \n");
        let void = said("--strict neigh add 10.9.0.56 lladdr 2:0:0:0:0:5 dev v0 managed");
        assert!(void.code == Some(2) && void.errors.contains("`managed`"), "{void:?}");
        assert_eq!(said("neigh show 10.9.0.56 nud all").out, "");
    });
}

#[test]
fn a_batch_says_what_ip_says_of_it() {
    in_namespace("commands::a_batch_says_what_ip_says_of_it", || {
        let twins = Twins::new();
        let file = scratch("batch");
        let mac = "lladdr 02:00:00:00:00:05 dev v0";
        let lines = [
            format!("neigh add 10.9.1.1 {mac}\n# comment\n\nneigh show 10.9.1.1 # tail\n"),
            format!("neigh add 10.9.1.2 {mac}\nneigh add 10.9.1.2 {mac}\nneigh add 10.9.1.3 {mac}\n"),
            "neigh show dev nope\nneigh get 10.9.1.99 dev v0\nneigh flush\nntable show name x\n".into(),
            "bogus foo\nneigh show 10.9.1.1\n".into(),
            format!("neigh add 10.9.1.4 lladdr zz dev v0\nneighbour add \\\n 10.9.1.4 {mac}\nn sh 10.9.1.4"),
            "neigh foo\nneigh show 10.9.1.1\n".into(),
            "neigh show \"10.9.1.1\nneigh show\n".into(),
            "neigh show '10.9.1.1' dev \"v0\"#x\nneigh show 10.9.1.1 \\".into(),
            "neigh help\n".into(),
            String::new(),
        ];
        for text in &lines {
            for options in ["", "-force", "-j", "-s -force"] {
                std::fs::write(&file, text).unwrap();
                let words = format!("{options} -b {}", file.display());
                let theirs = here("ip", &split(&words));
                let ours = twins.there(NEIGH, &split(&format!("--kernel {words}")));
                let view = |said: Said| if words.contains("-s") { said.without_numbers() } else { said };
                assert_eq!(view(theirs), view(ours), "ip (left), neigh (right): {options} {text:?}");
            }
        }
        let gone = "-b /nonexistent/batch";
        assert_eq!(here("ip", &split(gone)), here(NEIGH, &split(&format!("--kernel {gone}"))));
        // Each failed line is named, and all are passed.
        std::fs::write(&file, "neigh foo\nneigh add 10.9.1.1\nshow 10.9.1.1\n").unwrap();
        let strict = twins.there(NEIGH, &split(&format!("--kernel --strict --force -b {}", file.display())));
        let at = |line| format!("Command failed {}:{line}\n", file.display());
        assert!(strict.errors.contains(&at(1)) && strict.errors.contains(&at(2)), "{strict:?}");
        assert!(strict.code == Some(1) && strict.out.starts_with("10.9.1.1 "), "{strict:?}");
        std::fs::remove_file(&file).unwrap();
    });
}

/// Runs the monitors while the script runs, and gives what each said.
fn watched(monitors: &[(&str, String)], script: impl FnOnce()) -> Vec<String> {
    let start = |(program, words): &(&str, String)| {
        let mut command = Command::new(program);
        command.args(split(words)).env("TZ", "UTC").stdout(Stdio::piped()).stdin(Stdio::null());
        command.spawn().expect("the monitor starts")
    };
    let mut children: Vec<_> = monitors.iter().map(start).collect();
    thread::sleep(std::time::Duration::from_millis(500));
    script();
    thread::sleep(std::time::Duration::from_millis(500));
    let end = |child: &mut std::process::Child| {
        child.kill().unwrap();
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        child.wait().unwrap();
        text
    };
    children.iter_mut().map(end).collect()
}

#[test]
fn the_monitor_tells_what_ip_monitor_tells() {
    in_namespace("commands::the_monitor_tells_what_ip_monitor_tells", || {
        let _twins = Twins::new();
        let mut monitors = Vec::new();
        let cases = ["", "-s", "-o", "-j", "-br", "-4", "-6", "-c", "-t", "-ts", "-ts -br", "-t -ts"];
        for options in cases {
            for words in ["neigh", "neigh dev v0", "neigh label"] {
                monitors.push(("ip", format!("{options} monitor {words}")));
                monitors.push((NEIGH, format!("--kernel {options} monitor {words}")));
            }
        }
        let said = watched(&monitors, || {
            works("ip", "ntable change name arp_cache dev v0 app_probes 1");
            for words in [
                "add fd00:9::6 lladdr 02:00:00:00:00:05 dev v0 proto 77 nud stale",
                "add 10.9.0.50 lladdr 02:00:00:00:00:05 dev v0",
                "change 10.9.0.50 lladdr 02:00:00:00:00:06 dev v0 nud stale router",
                "del 10.9.0.50 dev v0",
                "add 10.9.0.51 dev v0 use",
                "del fd00:9::6 dev v0",
            ] {
                works("ip", &format!("neigh {words}"));
            }
        });
        for (pair, monitor) in said.chunks(2).zip(monitors.chunks(2)) {
            // Times differ by the microseconds between two readers.
            let view = |text: &String| {
                let said = Said { out: text.clone(), errors: String::new(), code: None };
                if monitor[0].1.contains("-t") || monitor[0].1.contains("-s") {
                    said.without_numbers()
                } else {
                    said
                }
            };
            assert_eq!(view(&pair[0]).out, view(&pair[1]).out, "{:?}", monitor[0]);
        }
        assert!(said[0].contains("miss 10.9.0.51") && said[0].contains("Deleted 10.9.0.50"), "{}", said[0]);
    });
}

#[test]
fn the_monitor_of_the_daemon_tells_the_same() {
    in_namespace("commands::the_monitor_of_the_daemon_tells_the_same", || {
        let _twins = Twins::new();
        let daemon = daemon();
        let socket = format!("--socket {}", daemon.socket.display());
        let monitors = [
            ("ip", "monitor neigh dev v0".to_owned()),
            (NEIGH, format!("{socket} monitor neigh dev v0")),
            (NEIGH, format!("{socket} --strict -j monitor")),
        ];
        let said = watched(&monitors, || {
            for words in [
                "neigh add 10.9.0.50 lladdr 02:00:00:00:00:05 dev v0",
                "neigh change 10.9.0.50 lladdr 02:00:00:00:00:06 dev v0 nud stale",
                "neigh del 10.9.0.50 dev v0",
                "neigh add fd00:9::50 lladdr 02:00:00:00:00:05 dev v0 router proto bgp",
                "neigh flush dev v0 nud permanent",
            ] {
                works("ip", words);
                assert_eq!(ask(&daemon, words).code, Some(0), "{words}");
            }
        });
        assert_eq!(said[0], said[1]);
        let deleted = r#"{"deleted":true,"dst":"10.9.0.50","dev":"v0","state":["FAILED"]}"#;
        assert!(said[2].lines().any(|line| line == deleted), "{}", said[2]);
    });
}

#[test]
fn the_monitor_survives_an_overrun_and_lists_again() {
    in_namespace("commands::the_monitor_survives_an_overrun_and_lists_again", || {
        let _twins = Twins::new();
        let daemon = daemon();
        let file = scratch("storm");
        let change = |n: u32| {
            format!("neigh replace 10.9.0.99 lladdr 02:00:00:00:{:02x}:{:02x} dev v0\n", n >> 8, n & 0xff)
        };
        std::fs::write(&file, (0..20_000).map(change).collect::<String>()).unwrap();
        for table in ["--kernel".to_owned(), format!("--socket={}", daemon.socket.display())] {
            let mut monitor = Command::new(NEIGH);
            monitor.args([&table, "monitor"]).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut monitor = monitor.spawn().expect("the monitor starts");
            let lines = |pipe: Box<dyn Read + Send>| {
                let (sender, lines) = std::sync::mpsc::channel();
                let mut pipe = BufReader::new(pipe).lines().map_while(Result::ok);
                thread::spawn(move || pipe.try_for_each(|line| sender.send(line)));
                lines
            };
            let out = lines(Box::new(monitor.stdout.take().unwrap()));
            let errors = lines(Box::new(monitor.stderr.take().unwrap()));
            thread::sleep(std::time::Duration::from_millis(500));
            works("kill", &format!("-STOP {}", monitor.id()));
            let storm = here(NEIGH, &split(&format!("{table} -b {}", file.display())));
            assert_eq!(storm.code, Some(0), "{storm:?}");
            works("kill", &format!("-CONT {}", monitor.id()));
            let patience = std::time::Duration::from_secs(20);
            let wait = |lines: &std::sync::mpsc::Receiver<String>, what: &str| loop {
                let line = lines.recv_timeout(patience);
                let line = line.unwrap_or_else(|error| panic!("{table}: no {what:?}: {error}"));
                if line.contains(what) {
                    break;
                }
            };
            wait(&errors, "some are lost; this is the table now");
            wait(&out, "10.9.0.2 dev v0 lladdr 1a:bf:d6:0e:81:06");
            wait(&errors, "news follow");
            here(NEIGH, &split(&format!("{table} del 10.9.0.99 dev v0")));
            wait(&out, "Deleted 10.9.0.99 dev v0");
            monitor.kill().unwrap();
            monitor.wait().unwrap();
        }
        std::fs::remove_file(&file).unwrap();
    });
}

/// The kernel's table as the kernel itself writes it, proxies and all: ARP-66, ARP-67, ARP-68.
#[test]
fn an_arp_table_for_old_hands_and_counters() {
    in_namespace("commands::an_arp_table_for_old_hands_and_counters", || {
        let _twins = Twins::new();
        for words in [
            "add 10.9.0.50 lladdr 02:00:00:00:00:50 dev v0",
            "add 10.9.0.51 lladdr 02:00:00:00:00:51 dev v0 nud stale",
            "add 10.9.0.52 lladdr 02:00:00:00:00:52 dev v0 nud noarp",
            "add 10.9.0.53 dev v0 nud failed",
            "add proxy 10.9.0.60 dev v0",
            "add proxy 10.9.0.61",
        ] {
            works("ip", &format!("neigh {words}"));
        }
        let theirs = std::fs::read_to_string("/proc/self/net/arp").unwrap();
        assert_eq!(here(NEIGH, &split("--kernel show --proc")).out, theirs);
        works("ip", "neigh del proxy 10.9.0.61");
        let daemon = daemon();
        let proc = ask(&daemon, "neigh show --proc").out;
        assert_eq!(proc.lines().next(), theirs.lines().next());
        let row = "10.9.0.2         0x1         0x2         1a:bf:d6:0e:81:06     *        v0";
        assert!(proc.lines().any(|line| line == row), "{proc}");
        let counters = ask(&daemon, "stat --proc");
        assert_eq!((counters.code, counters.out.lines().count()), (Some(0), 2), "{counters:?}");
        assert!(counters.out.lines().nth(1).unwrap().starts_with("0000000"), "{counters:?}");
        let readable = ask(&daemon, "stat").out;
        assert!(readable.contains("arp_cache") && readable.contains("lookups"), "{readable}");
        let json: serde_json::Value = serde_json::from_str(&ask(&daemon, "-j stat").out).unwrap();
        assert_eq!(json["tables"][0]["table"], "arp_cache", "{json}");
        let kernel = here(NEIGH, &split("--kernel stat"));
        assert!(kernel.code == Some(2) && kernel.errors.contains("only the daemon"), "{kernel:?}");
    });
}

#[test]
fn the_daemon_tells_why_and_changes_its_addresses_and_links() {
    in_namespace("commands::the_daemon_tells_why_and_changes_its_addresses_and_links", || {
        let _twins = Twins::new();
        let daemon = daemon();
        let said = |words: &str| ask(&daemon, words);
        let story = said("why 10.9.0.2");
        assert!(story.code == Some(0) && story.out.contains(" ago  v0  "), "{story:?}");
        let nothing = said("why 10.9.0.222");
        assert!(nothing.code == Some(0) && !nothing.out.is_empty(), "{nothing:?}");
        let json: serde_json::Value = serde_json::from_str(&said("-j why 10.9.0.2").out).unwrap();
        assert_eq!((&json["dst"], &json["records"][0]["dev"]), (&"10.9.0.2".into(), &"v0".into()));
        assert_eq!(said("address add 192.0.2.7/24 dev v0").code, Some(0));
        assert!(said("address").out.contains("v0 192.0.2.7/24"), "{:?}", said("address"));
        assert_eq!(said("address del 192.0.2.7/24 dev v0").code, Some(0));
        assert!(!said("address").out.contains("192.0.2.7"));
        assert_eq!(said("link v0 down").code, Some(0));
        assert!(said("link").out.contains("down"), "{:?}", said("link"));
        assert_eq!(said("neigh show 10.9.0.2").out, "", "a device that goes down forgets its neighbours");
        assert_eq!(said("link set dev v0 up").code, Some(0));
        for (words, code, text) in [
            ("why", 2, "ADDRESS is required"),
            ("why 10.9.0.0/24", 1, "any valid address is expected rather than \"10.9.0.0/24\""),
            ("address add 192.0.2.7/24", 255, "\"dev\" argument is required"),
            ("address add 192.0.2.7/24 dev nope", 1, "Cannot find device \"nope\""),
            ("link v0 sideways", 2, "neigh link DEV up|down"),
            ("link nope up", 1, "Cannot find device \"nope\""),
            ("stat foo", 255, "arp_cache and ndisc_cache"),
        ] {
            let said = said(words);
            assert!(said.code == Some(code) && said.errors.contains(text), "{words}: {said:?}");
            assert_eq!(said.errors.lines().count(), 1, "{words}: {said:?}");
        }
    });
}

#[test]
fn a_daemon_that_dies_amid_an_answer_is_said_in_iproute2s_words() {
    let socket = scratch("dying.sock");
    for (words, answer, errors, code) in [
        ("show", 0, "EOF on netlink\nDump terminated\n", 1),
        ("show", 24, "EOF on netlink\nDump terminated\n", 1),
        ("ntable", 0, "EOF on netlink\nDump terminated\n", 1),
        ("stat", 0, "EOF on netlink\n", 2),
        ("monitor", 0, "EOF on netlink\nDump terminated\n", 1),
    ] {
        let listener = UnixListener::bind(&socket).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _asked = stream.read(&mut [0; 4096]).unwrap();
            // The beginning of a message that says it is longer.
            let mut begun = 64_u32.to_ne_bytes().to_vec();
            begun.resize(answer, 0);
            stream.write_all(&begun[..answer]).unwrap();
        });
        let output: Said = neigh(&format!("{words} --socket {}", socket.display())).into();
        assert_eq!((output.errors.as_str(), output.code), (errors, Some(code)), "{words} {answer}");
        server.join().unwrap();
        std::fs::remove_file(&socket).unwrap();
    }
}

/// What is told of a full table, as lines and as JSON.
#[test]
fn a_watcher_is_told_what_a_person_should_know_of() {
    in_namespace("commands::a_watcher_is_told_what_a_person_should_know_of", || {
        veth();
        let words = format!("--port packet:v1 {ADDRESSES} --set ipv4/gc_thresh3=1");
        let mut daemon = Daemon::start(&words);
        let socket = daemon.socket.display().to_string();
        let watcher = |options: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_neigh"));
            command.args(["--socket", &socket]).args(options.split_whitespace()).arg("watch");
            let mut child = command.stdout(Stdio::piped()).spawn().expect("the program was built");
            let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
            (child, lines)
        };
        let mut watchers = ["", "-j"].map(watcher);
        works("ping", "-c 1 -W 5 192.0.2.2");
        // Nobody says when they listen; so it goes on until both have heard of it.
        let heard = AtomicBool::new(false);
        let [text, json] = thread::scope(|scope| {
            scope.spawn(|| {
                for n in (10..250).cycle().take_while(|_| !heard.load(Ordering::Relaxed)) {
                    let _refused =
                        neigh(&format!("--socket {socket} replace 192.0.2.{n} dev v1 use nud none"));
                }
            });
            let lines = watchers.each_mut().map(|(_, lines)| lines.next().expect("a line").expect("text"));
            heard.store(true, Ordering::Relaxed);
            lines
        });
        assert!(text.contains(" table full: neighbour: arp_cache: neighbor table overflow!"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((&json["what"], &json["dst"]), (&"table full".into(), &serde_json::Value::Null), "{json}");
        assert_eq!(daemon.end("TERM"), Some(0));
        for (mut child, _) in watchers {
            assert!(!child.wait().expect("it ends with the daemon").success());
        }
        let refused = neigh("--kernel watch");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("the kernel tells of no alerts"));
    });
}
