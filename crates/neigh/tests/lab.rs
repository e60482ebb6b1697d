//! `neigh sim` and `neigh replay` as a user meets them: output, exit codes, and what wrong use is told.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PLAN: &str = r#"
title = "two hosts"
duration = "2s"
[[segment]]
name = "inside"
address = ["10.0.0.1/24"]
[[segment]]
name = "outside"
address = ["192.0.2.1/24"]
[[hosts]]
name = "a"
segment = "inside"
first = "10.0.0.10"
[[hosts]]
name = "b"
segment = "outside"
first = "192.0.2.10"
[[flow]]
from = "a"
to = "b"
rate = 100
[[expect]]
metric = "b.lost"
at-most = 0
"#;

/// A directory of this test's own, which goes with it.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("neigh-lab-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn neigh(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_neigh")).args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Wrong use: exit code 2, nothing on stdout, one line on stderr that holds these words.
#[track_caller]
fn refused(args: &[&str], words: &[&str]) {
    let output = neigh(args);
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    assert!(output.stdout.is_empty() && text.trim_end().lines().count() == 1, "{args:?}: {text}");
    for word in words.iter().chain(&["hint: "]) {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}

#[test]
fn a_plan_that_keeps_its_promises_ends_with_0_and_one_that_does_not_with_1() {
    let dir = Dir::new("promises");
    let (right, wrong) =
        (dir.file("right.toml", PLAN), dir.file("wrong.toml", PLAN.replace("at-most = 0", "at-least = 1")));
    let output = neigh(&["sim", &right]);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    assert!(out(&output).contains("  met: b.lost = 0, at most 0"), "{}", out(&output));
    assert!(output.stderr.is_empty(), "no bar where nobody sees it");
    let output = neigh(&["sim", &wrong]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("NOT MET: b.lost = 0, at least 1"), "{}", out(&output));
    let pending = dir.file("pending.toml", PLAN.replace("at-most = 0", "at-least = 1\npending = true"));
    let output = neigh(&["sim", &pending]);
    assert_eq!(output.status.code(), Some(0), "what is pending is told and not judged");
    assert!(out(&output).contains("not yet: b.lost"), "{}", out(&output));
}

#[test]
fn json_is_one_object_that_can_be_repeated_and_a_page_is_written() {
    let dir = Dir::new("json");
    let (plan, page) = (dir.file("plan.toml", PLAN), dir.0.join("page.html"));
    let page_text = page.display().to_string();
    let args = ["sim", &plan, "--json", "--profile", "both", "--seed", "7", "--html", &page_text];
    let first = neigh(&args);
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(first.stdout, neigh(&args).stdout, "the same to the byte");
    let json: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(json["seed"], 7);
    let profiles: Vec<_> =
        json["runs"].as_array().unwrap().iter().map(|run| run["profile"].clone()).collect();
    assert_eq!(profiles, ["linux", "guarded"]);
    assert_eq!(json["runs"][0]["metrics"]["b.lost"], 0.0);
    assert!(std::fs::read_to_string(page).unwrap().contains("<svg"));
}

#[test]
fn parameters_of_the_command_line_replace_those_of_the_plan() {
    let dir = Dir::new("set");
    let plan = dir.file("plan.toml", PLAN);
    let json = |args: &[&str]| -> serde_json::Value {
        let args: Vec<&str> = ["sim", &plan, "--json"].iter().chain(args).copied().collect();
        serde_json::from_slice(&neigh(&args).stdout).unwrap()
    };
    assert_eq!(json(&[])["runs"][0]["thresholds"][0][2], 1024);
    assert_eq!(json(&["--set", "gc_thresh3=77"])["runs"][0]["thresholds"][0][2], 77);
}

#[test]
fn wrong_plans_and_arguments_say_what_is_wrong_and_what_is_right() {
    let dir = Dir::new("wrong");
    let plan = dir.file("plan.toml", PLAN);
    refused(
        &["sim", &dir.file("zero.toml", PLAN.replace("rate = 100", "rate = 0"))],
        &["zero.toml", "rate = 0"],
    );
    refused(
        &["sim", &dir.file("key.toml", PLAN.replace("rate", "rat"))],
        &["key.toml: line 21", "rat", "`rate`"],
    );
    refused(&["sim", "/nowhere/plan.toml"], &["/nowhere/plan.toml", "No such file"]);
    refused(&["sim", &plan, "--set", "gc_thresh9=1"], &["gc_thresh9"]);
    refused(&["sim", &plan, "--set", "gc_thresh3"], &["--set", "NAME=VALUE"]);
    refused(&["sim", &plan, "--profile", "strict"], &["strict", "guarded"]);
    refused(&["sim", &plan, "--html", "/nowhere/page.html"], &["--html", "/nowhere/page.html"]);
    refused(&["sim"], &["PLAN.toml"]);
}

#[test]
fn captures_that_cannot_be_replayed_say_why() {
    let dir = Dir::new("captures");
    refused(&["replay", "/nowhere/lan.pcap"], &["/nowhere/lan.pcap", "No such file"]);
    refused(&["replay", &dir.file("empty.pcap", "")], &["empty.pcap", "empty"]);
    refused(&["replay", &dir.file("text.pcap", "hello, world")], &["text.pcap", "no capture"]);
    refused(&["replay", "x.pcap", "--mac", "02:00:00:00:00:01"], &["--address"]);
    refused(
        &["replay", "x.pcap", "--mac", "01:00:5e:00:00:01", "--address", "10.0.0.1/24"],
        &["--mac", "01:00:5e:00:00:01"],
    );
    // The head of a capture of Linux's "any" interface.
    let mut cooked = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
    cooked.extend([0; 8]);
    cooked.extend(65_535u32.to_le_bytes());
    cooked.extend(113u32.to_le_bytes());
    refused(&["replay", &dir.file("any.pcap", cooked)], &["any.pcap", "LINUX_SLL (113)", "`any`"]);
}

#[test]
fn a_capture_that_is_cut_is_replayed_with_a_word_about_it() {
    let dir = Dir::new("cut");
    // A pcap file's head, and a packet's head that promises 42 bytes of which there are 10.
    let mut cut = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
    cut.extend([0; 8]);
    cut.extend(65_535u32.to_le_bytes());
    cut.extend(1u32.to_le_bytes());
    cut.extend([1, 0, 0, 0, 0, 0, 0, 0, 42, 0, 0, 0, 42, 0, 0, 0]);
    cut.extend([0xff; 10]);
    let output = neigh(&["replay", &dir.file("cut.pcap", cut)]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(out(&output).contains("ends after 0 frames: it is cut off"), "{}", out(&output));
}

#[test]
fn random_sequences_of_operations_need_no_plan() {
    let output = neigh(&["sim", "--ops", "4", "--seed", "9"]);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    assert!(
        out(&output).contains("4 sequences") && out(&output).contains("seeds from 9 on"),
        "{}",
        out(&output)
    );
    refused(&["sim", "plan.toml", "--ops", "4"], &["--ops", "PLAN.toml"]);
}

#[test]
fn help_tells_of_both() {
    for (command, words) in
        [("sim", ["PLAN.toml", "--seed", "plans/"]), ("replay", ["FILE.pcap", "--mac", "tcpdump"])]
    {
        let text = out(&neigh(&[command, "--help"]));
        for word in words {
            assert!(text.contains(word), "{word} is not in:\n{text}");
        }
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plans").is_dir());
    }
}
