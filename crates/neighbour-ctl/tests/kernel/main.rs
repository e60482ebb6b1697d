//! The same requests, byte for byte, to the running kernel and to our side of the conversation: the
//! answers must be the same bytes, but for port ids and times: layouts (NL-1, NL-2, NL-3), types (NL-5), numbers of
//! states (CNV-6) and of flags (DM-8). Each case names the rule it is about.
//!
//! It needs `unshare` and `ip`; where namespaces are not allowed the test says so and passes, except
//! under `CI`.

mod cases;
mod twin;

use cases::{Case, DUMP};
use twin::{Kernel, Ours};

const INSIDE: &str = "NEIGHBOUR_CTL_TEST_INSIDE";

/// Runs `body` in namespaces of its own. `name` is the calling test's.
#[track_caller]
fn in_namespace(name: &str, body: impl FnOnce()) {
    use std::process::Command;
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let words = ["--user", "--map-root-user", "--net"];
    let allowed = Command::new("unshare").args(words).arg("true").output();
    if !allowed.as_ref().is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "no namespaces of its own: {allowed:?}");
        println!("skipped: no namespaces of its own: {allowed:?}");
        return;
    }
    // One at a time: the kernel tells of proxy entries without device to other namespaces, too.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let this = std::env::current_exe().expect("the test knows its own program");
    let mut child = Command::new("unshare");
    child.args(words).arg("--").arg(this).args(["--exact", name, "--nocapture", "--test-threads=1"]);
    let output = child.env(INSIDE, "1").output().expect("unshare ran a moment ago");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "in its own namespace:\n{text}");
    assert!(text.contains("1 passed"), "`{name}` is not this test's name:\n{text}");
}

/// Runs all cases on both sides, in order: each case begins where the one before it ended.
#[track_caller]
fn compare(cases: &[Case], options: &[(u32, u32)]) {
    twin::set_up_kernel();
    let mut kernel = Kernel::new(options);
    let mut ours = Ours::new(options);
    let mut differences = Vec::new();
    for case in cases {
        let dump = case.flags & DUMP != 0;
        let theirs = kernel.ask(&case.message(), dump);
        let answer = ours.ask(&case.message(), dump);
        if theirs != answer {
            let [theirs, answer] = [&theirs, &answer].map(twin::readable);
            differences.push(format!("{}\n kernel {theirs}\n   ours {answer}", case.name));
        }
    }
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), cases.len(), differences.join("\n"));
}

const EXT_ACK: (u32, u32) = (11, 1);
const CAP_ACK: (u32, u32) = (10, 1);
const STRICT: (u32, u32) = (12, 1);

#[test]
fn changes_are_checked_as_the_kernel_checks_them_nl_8_to_29() {
    in_namespace("changes_are_checked_as_the_kernel_checks_them_nl_8_to_29", || {
        compare(&cases::changes(), &[EXT_ACK]);
    });
}

#[test]
fn errors_are_capped_and_without_words_where_the_socket_says_so() {
    in_namespace("errors_are_capped_and_without_words_where_the_socket_says_so", || {
        compare(&cases::changes(), &[CAP_ACK, (11, 0)]);
    });
}

#[test]
fn single_requests_are_answered_as_the_kernel_answers_them_nl_30_to_32() {
    in_namespace("single_requests_are_answered_as_the_kernel_answers_them_nl_30_to_32", || {
        compare(&cases::gets(), &[EXT_ACK]);
    });
}

#[test]
fn strict_dumps_are_the_kernels_nl_34_35_37_38_foot_48() {
    in_namespace("strict_dumps_are_the_kernels_nl_34_35_37_38_foot_48", || {
        compare(&cases::dumps(), &[EXT_ACK, STRICT]);
    });
}

#[test]
fn lenient_dumps_are_the_kernels_nl_36() {
    in_namespace("lenient_dumps_are_the_kernels_nl_36", || compare(&cases::dumps(), &[EXT_ACK]));
}

#[test]
fn tables_are_set_with_the_kernels_checks_tbl_6_to_14() {
    in_namespace("tables_are_set_with_the_kernels_checks_tbl_6_to_14", || {
        compare(&cases::tables(), &[EXT_ACK, STRICT]);
    });
}

/// The default sets and those of `lo` and `v0` have the kernel's attributes, in its order and lengths, and its
/// values where they are not drawn, counted or of the machine: TBL-1, TBL-3, TBL-4, TBL-5.
#[test]
fn tables_are_told_in_the_kernels_layout_tbl_1_tbl_3_to_tbl_5() {
    in_namespace("tables_are_told_in_the_kernels_layout_tbl_1_tbl_3_to_tbl_5", || {
        twin::set_up_kernel();
        let dump = |family: u8| {
            let case = cases::dump_of_tables(family);
            let [theirs, ours] =
                [Kernel::new(&[]).ask(&case.message(), false), Ours::new(&[]).ask(&case.message(), false)];
            [theirs, ours].map(|answer| twin::tables_of(&answer, &[0, 1, twin::V0]))
        };
        for family in [2, 10] {
            let [theirs, ours] = dump(family);
            assert_eq!(theirs.len(), 3, "the defaults, lo, v0: {theirs:#?}");
            assert_eq!(ours, theirs, "family {family}");
        }
    });
}

#[test]
fn addresses_are_added_with_the_kernels_checks() {
    in_namespace("addresses_are_added_with_the_kernels_checks", || {
        compare(&cases::addresses(), &[EXT_ACK, STRICT]);
    });
}

#[test]
fn our_client_reads_what_the_kernel_says_and_is_understood() {
    use neighbour_ctl::{Filter, News, Request, Table, TableChange, TableError, TableInfo};
    use std::time::Duration;
    in_namespace("our_client_reads_what_the_kernel_says_and_is_understood", || {
        twin::set_up_kernel();
        let mut table = Table::kernel().unwrap();
        let mut monitor = Table::kernel().unwrap().subscribe().unwrap();
        let interfaces = table.interfaces().unwrap();
        let v0 = interfaces.iter().find(|i| i.name == "v0").unwrap().index;
        let mut request = Request::new(v0, "10.9.0.9".parse().unwrap());
        request.lladdr = Some(vec![2, 0, 0, 0, 0, 9]);
        request.state = 0x04;
        request.protocol = Some(3);
        request.flags = neighbour::Flags::EXT_LEARNED | neighbour::Flags::ROUTER;
        (request.create, request.exclusive) = (true, true);
        table.change(&request).unwrap();
        let entry = table.neighbour(v0, request.address, false).unwrap();
        assert_eq!((entry.state.0, entry.flags, entry.protocol), (4, request.flags, 3));
        let filter =
            Filter { family: Some(neighbour::Family::Inet), interface: Some(v0), ..Filter::default() };
        let none = Filter { master: Some(u32::MAX), ..filter };
        for filter in [filter, none] {
            let entries = table.neighbours(&filter).unwrap();
            let same = entries.iter().find(|told| told.address == entry.address).unwrap();
            assert_eq!((same.state, same.lladdr, same.flags), (entry.state, entry.lladdr, entry.flags));
        }
        match table.change(&request) {
            Err(TableError::Refused(refusal)) => {
                assert_eq!(refusal.to_string(), "RTNETLINK answers: File exists")
            }
            other => panic!("{other:?}"),
        }
        match table.neighbour(v0, "10.9.0.200".parse().unwrap(), false) {
            Err(TableError::Refused(refusal)) => {
                assert_eq!(refusal.to_string(), "Error: Neighbour entry not found.");
            }
            other => panic!("{other:?}"),
        }
        table.delete_all(std::slice::from_ref(&entry)).unwrap();
        assert!(table.delete_all(std::slice::from_ref(&entry)).is_err(), "it is gone");
        let mut heard = Vec::new();
        while let Some(news) = monitor.next(Some(Duration::from_millis(300))).unwrap() {
            match news {
                News::New { entry, port } if entry.address == request.address => {
                    heard.push(("new", port != 0))
                }
                News::Deleted { entry, port } if entry.address == request.address => {
                    heard.push(("gone", port != 0))
                }
                _ => {}
            }
        }
        assert_eq!(heard, [("new", true), ("new", true), ("gone", false)], "NL-27, EVT-6");
        let told: Vec<TableInfo> = table.tables(None).unwrap();
        assert_eq!(told.iter().filter(|t| t.config.is_some() && t.stats.is_some()).count(), 2);
        let mut change = TableChange { name: "arp_cache".into(), ..TableChange::default() };
        change.parms.interface = Some(v0);
        change.parms.locktime = Some(400);
        table.set_table(&change).unwrap();
        let told = table.tables(Some(neighbour::Family::Inet)).unwrap();
        let own = told.iter().find_map(|t| t.parms.filter(|parms| parms.interface == Some(v0))).unwrap();
        assert_eq!((own.locktime, own.ucast_probes), (Some(400), Some(3)));
        let prefix = "192.0.2.1/24".parse().unwrap();
        table.add_address(v0, prefix).unwrap();
        let addresses = table.addresses().unwrap();
        assert!(addresses.iter().any(|own| own.prefix == prefix && own.interface == v0));
        table.del_address(v0, prefix).unwrap();
        table.set_link(v0, false).unwrap();
        let interfaces = table.interfaces().unwrap();
        assert!(!interfaces.iter().any(|i| i.index == v0 && i.flags & neighbour_ctl::Interface::UP != 0));
        assert!(matches!(table.statistics(), Err(TableError::DaemonOnly(_))));
    });
}
