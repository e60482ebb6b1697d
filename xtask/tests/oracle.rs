//! The recorded rows, and the replayer that judges by them.

use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use xtask::oracle::report::Report;
use xtask::oracle::row::{self, Description};
use xtask::oracle::{Options, describe, run};

/// Groups whose frame rows must all be as Linux does.
const DEMANDED: [&str; 17] = [
    "base",
    "base6",
    "locktime100_*",
    "arp_accept*",
    "arp_ignore*",
    "drop_gratuitous_arp",
    "failed_had_lladdr",
    "suppress_frag0",
    "drop_unsolicited_na1",
    "accept_untracked_na*",
    "dad6*",
    "ra_params",
    "redirect",
    "accept_ra0",
    "noarp_dev*",
    "promisc4",
    "extlearn*",
];

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/oracle/kernel.jsonl")
}

fn replay(options: &Options) -> (Report, String) {
    let mut out = Vec::new();
    let report = run(options, &mut out).expect("the files are readable");
    (report, String::from_utf8(out).expect("text"))
}

/// Writes a file of its own for a test; the name keeps tests apart.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the directory for tests is writable");
    path
}

fn lines() -> Vec<String> {
    let text = std::fs::read_to_string(recorded()).expect("testdata/oracle/kernel.jsonl");
    text.lines().map(str::to_owned).collect()
}

fn line_of(id: &str) -> Map<String, Value> {
    let parsed = |line: &String| serde_json::from_str::<Map<String, Value>>(line).expect("a row");
    lines().iter().map(parsed).find(|row| row["id"] == id).expect("the row is recorded")
}

fn program(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("oracle").args(arguments).output().expect("the program starts")
}

#[test]
fn frames_move_neighbours_as_in_linux() {
    let groups = DEMANDED.map(str::to_owned).to_vec();
    let (report, text) = replay(&Options { groups, frames: true, ..Options::all_of(recorded()) });
    println!("{}{}", report.by_group(), report.summary());
    assert_eq!(report.failed(), 0, "\n{text}");
    let total = report.total();
    assert!(total.passed > 1300, "only {} rows were replayed", total.passed);
    assert!(total.by_choice * 100 < total.passed, "one row in a hundred or more differs by choice");
}

#[test]
fn every_recorded_row_is_judged() {
    let (report, text) = replay(&Options::all_of(recorded()));
    println!("{text}{}", report.by_group());
    let total = report.total();
    assert_eq!(total.passed + total.failed + total.by_choice, lines().len());
    assert_eq!(text.lines().last(), Some(report.summary().as_str()));
}

#[test]
fn a_recording_that_were_otherwise_would_be_noticed() {
    let nothing = json!([]);
    let sent = json!([{ "type": "udp" }]);
    let told =
        json!([{ "msg": "DELNEIGH", "ip": "10.9.0.99", "state": "STALE", "lladdr": null, "flags": [] }]);
    let echo = "v4/base/icmp_echo_request/STALE/same";
    let changes = [
        (echo, "after_exists", json!(false)),
        (echo, "after_state", json!("PROBE")),
        (echo, "after_lladdr", json!("02:00:00:00:00:0f")),
        (echo, "after_flags", json!(["router"])),
        (echo, "after_probes", json!(1)),
        (echo, "reply", json!(null)),
        (echo, "emitted", nothing.clone()),
        (echo, "notify", told),
        (echo, "other_entries_created", json!(["10.9.0.98"])),
        ("v4/base/reply_ucast/REACHABLE/same", "emitted", sent),
        ("v4/base/reply_ucast/REACHABLE/same", "reply", json!({ "type": "arp" })),
        ("v4/base/icmp_echo_request/none", "emitted", nothing),
        ("v4/local4/udp_send/none", "errno", json!("EINVAL")),
        ("v6/ra_params/ra_both/none", "sysctl_after", json!({ "ipv6/neigh/v1/gc_stale_time": "61" })),
        ("v6/dad6/dad_na_S0O1/none", "own_addr_after", json!("")),
    ];
    for (index, (id, field, value)) in changes.into_iter().enumerate() {
        let mut row = line_of(id);
        assert_ne!(row.insert(field.into(), value.clone()), Some(value), "{id} {field} is so already");
        let path = file(&format!("otherwise-{index}.jsonl"), &Value::from(row).to_string());
        let (report, text) = replay(&Options::all_of(path));
        assert_eq!(report.failed(), 1, "{id} {field}");
        let start = format!("{id} {field}");
        assert!(text.lines().next().is_some_and(|line| line.starts_with(&start)), "{field}:\n{text}");
    }
}

#[test]
fn frames_are_described_as_the_recording_describes_them() {
    const SAME: [&str; 14] = [
        "eth_dst",
        "eth_src",
        "sha",
        "sip",
        "tha",
        "tip",
        "src",
        "dst",
        "hop_limit",
        "code",
        "target",
        "R",
        "S",
        "O",
    ];
    let rows = row::read(&recorded()).expect("the rows");
    // A packet that is cut or whose lengths lie is described by what was meant.
    let lies = |frame: &Description| {
        let is = |name: &str, value: u64| frame.get(name).is_none_or(|got| got.as_u64() == Some(value));
        let cut = frame.get("name").and_then(Value::as_str).is_some_and(|name| name.contains("truncated"));
        cut || !is("hln", 6) || !is("pln", 4)
    };
    let (mut compared, mut differing) = (0, Vec::new());
    for row in &rows {
        let described = row.frame.as_ref().filter(|frame| !lies(frame));
        let bytes = row.frame_bytes().expect("hexadecimal");
        let Some((frame, bytes)) = described.zip(bytes) else { continue };
        let got = describe::describe(&bytes).expect("neither MLD nor IGMP");
        for field in SAME.iter().filter(|field| frame.contains_key(**field) && got.contains_key(**field)) {
            if got[*field] != frame[*field] {
                differing.push(format!("{} {field}: {} for {}", row.id, got[*field], frame[*field]));
            }
            compared += 1;
        }
    }
    assert!(differing.is_empty(), "\n{}", differing.join("\n"));
    assert!(compared > 3000, "only {compared} fields were compared");
}

#[test]
fn a_bad_line_is_named() {
    let good = lines()[0].clone();
    for (name, bad, why) in [
        ("syntax", "{\"id\": ", "EOF while parsing"),
        ("field", "{\"id\": \"x\"}", "missing field"),
        ("hex", &good.replace("\"frame_hex\": \"02", "\"frame_hex\": \"zz"), "no hexadecimal digit"),
        ("odd", &good.replace("\"frame_hex\": \"02", "\"frame_hex\": \"2"), "have two each"),
    ] {
        let path = file(&format!("bad-{name}.jsonl"), &format!("{good}\n\n{bad}\n"));
        let output = program(&[path.to_str().expect("a path of text")]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(said.contains(", line 3: ") && said.contains(why), "{name}: {said}");
    }
}

#[test]
fn arguments_that_mean_nothing_are_refused_with_code_2() {
    let rows = recorded();
    let rows = rows.to_str().expect("a path of text");
    for (arguments, why) in [
        (vec!["/nowhere/rows.jsonl"], "cannot read /nowhere/rows.jsonl"),
        (vec![rows, "--only", "("], "--only is no regular expression"),
        (vec![rows, "--group", "bass"], "--group bass: no row"),
        (vec![rows, "--exceptions", "/nowhere.toml"], "cannot read /nowhere.toml"),
        (vec![rows, "--meta", "/nowhere.json"], "cannot read /nowhere.json"),
    ] {
        let output = program(&arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn the_exit_code_says_whether_rows_failed() {
    let mut row = line_of("v4/base/reply_ucast/REACHABLE/same");
    let good = file("exit-good.jsonl", &Value::from(row.clone()).to_string());
    row.insert("after_state".into(), "STALE".into());
    let bad = file("exit-bad.jsonl", &Value::from(row).to_string());
    for (path, code, last) in
        [(good, 0, "1 passed, 0 failed, 0 by choice"), (bad, 1, "0 passed, 1 failed, 0 by choice")]
    {
        let output = program(&[path.to_str().expect("a path of text")]);
        assert_eq!(output.status.code(), Some(code));
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().last(), Some(last));
    }
}

#[test]
fn a_row_differs_by_choice_only_if_rules_cover_all_its_differences() {
    let mut row = line_of("v4/arp_ignore1/request_for_us_bcast/STALE/different");
    row.insert("reply".into(), Value::Null);
    row.insert("emitted".into(), json!([]));
    let path = file("choice.jsonl", &Value::from(row).to_string());
    let rule = |fields: &str, when: &str| {
        format!("[[rule]]\nid = \"quiet\"\nreason = \"for a test\"\nfields = {fields}\nwhen = {{ {when} }}\n")
    };
    let both = "[\"reply\", \"emitted\"]";
    for (index, (rules, expected)) in [
        (String::new(), (1, 0)),
        (rule(both, "sysctl = \"v4conf/arp_ignore\", at_least = 1"), (0, 1)),
        (rule(both, "sysctl = \"v4conf/arp_ignore\", at_least = 2"), (1, 0)),
        (rule(both, "sysctl = \"v4conf/arp_accept\""), (1, 0)),
        (rule(both, "frame = \"arp\", prior_state = \"STALE\""), (0, 1)),
        (rule("[\"reply\"]", "frame = \"arp\""), (1, 0)),
    ]
    .into_iter()
    .enumerate()
    {
        let exceptions = Some(file(&format!("choice-{index}.toml"), &rules));
        let (report, text) = replay(&Options { exceptions, ..Options::all_of(path.clone()) });
        let total = report.total();
        assert_eq!((total.failed, total.by_choice), expected, "{rules}\n{text}");
    }
}

#[test]
fn rules_need_a_reason_a_field_and_a_condition() {
    for (index, (rule, why)) in [
        ("id = \"a\"\nreason = \" \"\nfields = [\"reply\"]\nwhen = { frame = \"ns\" }", "gives no reason"),
        ("id = \"a\"\nreason = \"b\"\nfields = []\nwhen = { frame = \"ns\" }", "names no field"),
        ("id = \"a\"\nreason = \"b\"\nfields = [\"reply\"]\nwhen = {}", "applies to all rows"),
        (
            "id = \"a\"\nreason = \"b\"\nfields = [\"reply\"]\nwhen = { row = \"v4/base\" }",
            "unknown field `row`",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let exceptions = Some(file(&format!("rules-{index}.toml"), &format!("[[rule]]\n{rule}\n")));
        let options = Options { exceptions, ..Options::all_of(recorded()) };
        let error = run(&options, &mut Vec::new()).expect_err(why);
        assert!(format!("{error:#}").contains(why), "{error:#}");
    }
}
