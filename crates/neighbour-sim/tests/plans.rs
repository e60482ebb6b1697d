//! The plans of the repository, each with what it promises; and that a run can be repeated.

use neighbour_sim::{Plan, Profile, Report, simulate};
use std::path::PathBuf;

fn read(name: &str) -> Plan {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plans").join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Plan::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn run(plan: &Plan) -> Report {
    let runs = plan.profiles().iter().map(|profile| simulate(plan, *profile, |_| {})).collect();
    Report::new(plan, runs)
}

/// Runs a plan under the profiles it names; all that it promises must be so.
#[track_caller]
fn keeps_its_promises(name: &str) -> Report {
    let report = run(&read(name));
    assert!(report.met(), "{report}");
    for run in &report.runs {
        assert!(!run.expectations.is_empty(), "{name} promises nothing for {}", run.profile);
        assert!(run.metrics["engine.frames_in"] > 1000.0, "{name}: hardly anything happened");
    }
    report
}

#[test]
fn a_scan_of_a_64_does_not_touch_established_peers_nor_under_guarded_newcomers() {
    let report = keeps_its_promises("scan64");
    assert_eq!(report.runs[0].metrics["attack.frames"], 2e6, "a million in a second, for two");
}

#[test]
fn a_scan_of_a_16_does_not_either() {
    keeps_its_promises("scan16");
}

#[test]
fn an_arp_storm_leaves_table_and_packets_alone() {
    keeps_its_promises("arp-storm");
}

#[test]
fn a_vip_fails_over_within_the_time_it_takes_to_say_so() {
    keeps_its_promises("vip-failover");
}

#[test]
fn an_impostor_gets_nothing_under_guarded() {
    keeps_its_promises("spoofer");
}

#[test]
fn five_thousand_pods_overflow_the_default_thresholds_and_fit_into_larger_ones() {
    let report = keeps_its_promises("overflow-5000-pods");
    assert!(report.runs[0].metrics["pods.unresolved"] > 3000.0);
    let roomy = read("overflow-5000-pods")
        .with_parameter("gc_thresh2", "8192")
        .and_then(|plan| plan.with_parameter("gc_thresh3", "16384"))
        .expect("thresholds there are");
    let roomy = simulate(&roomy, Profile::Linux, |_| {});
    assert_eq!(roomy.metrics["pods.unresolved"], 0.0);
    assert_eq!(roomy.metrics["arp.table_fulls"], 0.0);
    assert!(!roomy.met, "what the plan promises of small thresholds is not so, and it says it");
}

#[test]
fn a_storm_of_router_advertisements_is_bounded() {
    keeps_its_promises("ra-storm");
}

#[test]
fn a_flapping_link_loses_nothing() {
    keeps_its_promises("flapping-link");
}

#[test]
fn whatever_the_weather_all_are_reached_again() {
    let plan = read("weather");
    for seed in 1..=6 {
        let report = run(&plan.clone().with_seed(seed));
        assert!(report.met(), "seed {seed}: {report}");
    }
}

#[test]
fn the_same_plan_and_seed_give_the_same_bytes_and_another_seed_others() {
    for name in ["weather", "spoofer", "overflow-5000-pods"] {
        let plan = read(name);
        let bytes = |plan: &Plan| run(plan).to_json().expect("a report");
        let first = bytes(&plan);
        assert!(first == bytes(&plan), "{name}: two runs of one seed differ");
        assert!(first != bytes(&plan.with_seed(99)), "{name}: chance has no part in it");
    }
}

#[test]
fn every_plan_of_the_repository_is_tried_here() {
    let here = include_str!("plans.rs");
    let plans =
        std::fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plans")).expect("plans");
    let mut count = 0;
    for plan in plans {
        let path = plan.expect("a plan").path();
        if path.extension().is_none_or(|kind| kind != "toml") {
            continue;
        }
        let name = path.file_stem().and_then(|n| n.to_str()).expect("a name").to_owned();
        assert!(here.contains(&format!("(\"{name}\")")), "{name} is not tried");
        count += 1;
    }
    assert!(count >= 9, "{count} plans");
}

#[test]
fn a_page_holds_the_charts_and_needs_no_other_file() {
    let report = run(&read("vip-failover"));
    let page = report.to_html();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert!(page.matches("<svg").count() >= 4, "charts of two runs");
    for outside in ["http-equiv", "<script", "src=", "href=", "@import"] {
        assert!(!page.contains(outside), "{outside} asks for something else");
    }
    let scan = run(&read("overflow-5000-pods")).to_html();
    for word in ["gc_thresh3", "arp_cache", "REACHABLE", "neigh_createfail", "Hosts reached"] {
        assert!(scan.contains(word), "{word} is missing");
    }
}
