//! Malformed frames, by arp-scan and by scapy: nothing is learned of them, each has its counter, and life goes on.

use crate::stage::{ATTACKER, PEER, Stage, has};
use crate::world::{eventually, in_namespace};
use std::path::Path;

#[test]
fn arp_scan_with_odd_lengths_types_llc_tags_and_padding_teaches_nothing() {
    in_namespace("malformed::arp_scan_with_odd_lengths_types_llc_tags_and_padding_teaches_nothing", || {
        if !has("arp-scan") {
            return;
        }
        let stage = Stage::new("--profile guarded");
        let scan = |options: &str, source: &str| {
            stage.attack_once(&format!("arp-scan -q -I a1 -r 1 -t 20 {options} --arpspa={source} 192.0.2.2"));
        };
        for (n, options) in [
            "--arphln=7",
            "--arphln=0",
            "--arphln=255",
            "--arppln=5",
            "--arppln=16",
            "--arphrd=2",
            "--arphrd=65535",
            "--arppro=0x86dd",
            "--arpop=3",
            "--arpop=9",
            "--vlan=7",
            "--llc",
            "--arpsha=ff:ff:ff:ff:ff:ff",
        ]
        .iter()
        .enumerate()
        {
            let source = format!("192.0.2.{}", 100 + n);
            scan(options, &source);
            assert_eq!(stage.lladdr(&source), None, "{options}");
        }
        // A right one teaches, so that the above would have; padding is no fault.
        scan("--padding=deadbeefdeadbeefdeadbeef", "192.0.2.150");
        eventually(|| match stage.lladdr("192.0.2.150").as_deref() {
            Some(ATTACKER) => Ok(()),
            other => Err(format!("{other:?}")),
        });
        let told = stage.ask("stat");
        for reason in ["ArpBadLength", "ArpBadType", "ArpBadOp", "FrameVlan"] {
            assert!(
                told.to_lowercase().replace(['_', ' ', '-'], "").contains(&reason.to_lowercase()),
                "{told}"
            );
        }
        stage.watcher_tells("hidden frame: ");
        stage.watcher_tells("ethernet broadcast: ");
        stage.peer_is_answered();
        assert_eq!(stage.lladdr("192.0.2.1").as_deref(), Some(PEER));
    });
}

#[test]
fn scapys_malformed_frames_teach_nothing_and_stop_nothing() {
    in_namespace("malformed::scapys_malformed_frames_teach_nothing_and_stop_nothing", || {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = root.join("target/scapy/bin/python");
        if !has(&python.display().to_string()) {
            return;
        }
        let stage = Stage::new("--profile guarded");
        let before = stage.daemon.show("nud all");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/malformed.py");
        let sent = stage.attack_once(&format!("{} {} a1", python.display(), script.display()));
        let text = String::from_utf8_lossy(&[sent.stdout, sent.stderr].concat()).into_owned();
        assert!(sent.status.success(), "{text}");
        stage.peer_is_answered();
        let after = stage.daemon.show("nud all");
        let unknown = |line: &&str| line.contains("bad") || line.contains("192.0.2.2");
        let learned: Vec<&str> =
            after.lines().filter(|line| !before.contains(*line)).filter(unknown).collect();
        assert!(learned.is_empty(), "{learned:?}");
        assert_eq!(stage.lladdr("2001:db8::1").as_deref(), Some(PEER));
    });
}
