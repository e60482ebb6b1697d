//! A wrong plan is refused before anything runs, with the key, the value and what is allowed.

use neighbour_sim::Plan;

const RIGHT: &str = r#"
title = "a plan"
duration = "10s"

[[segment]]
name = "inside"
address = ["10.0.0.1/24"]

[[segment]]
name = "outside"
address = ["192.0.2.1/24", "2001:db8::1/64"]

[[hosts]]
name = "a"
segment = "inside"
first = "10.0.0.10"
count = 5

[[hosts]]
name = "b"
segment = "outside"
first = "192.0.2.10"

[[flow]]
from = "a"
to = "b"
rate = 1
"#;

/// The error of the plan with one text for another.
#[track_caller]
fn error(from: &str, to: &str) -> String {
    assert_eq!(RIGHT.matches(from).count(), 1, "{from:?} is there once");
    let text = RIGHT.replace(from, to);
    Plan::parse(&text).err().unwrap_or_else(|| panic!("this was taken:\n{text}")).to_string()
}

/// The error of the plan with more behind it.
#[track_caller]
fn error_with(more: &str) -> String {
    Plan::parse(&format!("{RIGHT}{more}"))
        .err()
        .unwrap_or_else(|| panic!("this was taken: {more}"))
        .to_string()
}

#[track_caller]
fn says(error: &str, words: &[&str]) {
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

#[test]
fn the_plan_without_a_mistake_is_taken() {
    Plan::parse(RIGHT).unwrap();
}

#[test]
fn unknown_keys_are_named_with_their_line() {
    says(&error("rate = 1", "rte = 1"), &["line 27", "rte", "unknown field", "rate"]);
    says(&error("title = \"a plan\"", "title = \"a plan\"\nspeed = 3"), &["line 3", "speed", "duration"]);
    says(&error_with("[[sacn]]\n"), &["sacn", "scan"]);
}

#[test]
fn what_is_no_toml_says_where() {
    says(&error("count = 5", "count = = 5"), &["line 17", "count = = 5"]);
    assert!(Plan::parse("").is_err());
}

#[test]
fn impossible_values_are_named_with_what_is_allowed() {
    says(&error("rate = 1", "rate = 0"), &["rate = 0", "more than 0"]);
    says(&error("rate = 1", "rate = -2.5"), &["rate = -2.5", "more than 0"]);
    says(&error("rate = 1", "rate = 1e9"), &["rate", "10000000"]);
    says(&error("duration = \"10s\"", "duration = \"-10s\""), &["duration = \"-10s\"", "not negative"]);
    says(&error("duration = \"10s\"", "duration = \"10\""), &["\"10\"", "\"20ms\""]);
    says(&error("duration = \"10s\"", "duration = \"0s\""), &["duration", "more than 0"]);
    says(&error("count = 5", "count = 0"), &["hosts \"a\"", "count = 0"]);
    says(&error("count = 5", "count = 5\nspread = \"-1s\""), &["spread = \"-1s\"", "not negative"]);
    says(&error("name = \"inside\"", "name = \"inside\"\nloss = 1.5"), &["loss = 1.5", "from 0.0 to 1.0"]);
    says(&error("rate = 1", "rate = 1\nbytes = 10"), &["bytes = 10", "64 to 1500"]);
    says(&error("rate = 1", "rate = 1\nstart = \"11s\""), &["flow", "11s", "from 0s to 10s"]);
}

#[test]
fn more_hosts_than_addresses_are_refused() {
    says(&error("count = 5", "count = 246"), &["hosts \"a\"", "count = 246", "10.0.0.1/24"]);
    says(&error("count = 5", "count = 4000000000"), &["hosts \"a\"", "count = 4000000000"]);
    assert!(
        Plan::parse(&RIGHT.replace("count = 5", "count = 245")).is_ok(),
        "up to the one before broadcast"
    );
}

#[test]
fn names_that_there_are_not_are_refused_with_those_there_are() {
    says(&error("to = \"b\"", "to = \"c\""), &["to = \"c\"", "a, b"]);
    says(
        &error("segment = \"inside\"", "segment = \"insde\""),
        &["hosts \"a\"", "segment = \"insde\"", "inside, outside"],
    );
    let scan = "[[scan]]\nsegment = \"outsid\"\nprefix = \"10.0.0.0/24\"\nsource = \"192.0.2.66\"\nrate = 1\nduration = \"1s\"\n";
    says(&error_with(scan), &["scan of 10.0.0.0/24", "outsid", "outside"]);
}

#[test]
fn names_that_are_taken_are_refused() {
    says(&error("name = \"b\"", "name = \"a\""), &["\"a\"", "twice"]);
    says(&error("name = \"b\"", "name = \"arp\""), &["arp", "taken"]);
    says(&error("name = \"b\"", "name = \"b c\""), &["b c", "letters"]);
}

#[test]
fn addresses_that_meet_or_are_elsewhere_are_refused() {
    says(
        &error("first = \"10.0.0.10\"", "first = \"10.0.1.10\""),
        &["hosts \"a\"", "10.0.1.10", "10.0.0.1/24"],
    );
    says(&error("first = \"10.0.0.10\"", "first = \"10.0.0.1\""), &["10.0.0.1 is the engine's"]);
    says(&error("first = \"10.0.0.10\"", "first = \"10.0.0\""), &["first = \"10.0.0\""]);
    let more = "[[hosts]]\nname = \"c\"\nsegment = \"inside\"\nfirst = \"10.0.0.12\"\n";
    says(&error_with(more), &["hosts \"c\"", "10.0.0.12", "\"a\""]);
    says(&error("\"10.0.0.1/24\"", "\"10.0.0.1/33\""), &["segment \"inside\"", "10.0.0.1/33"]);
    says(&error("\"10.0.0.1/24\"", "\"224.0.0.1/24\""), &["segment \"inside\"", "224.0.0.1"]);
}

#[test]
fn whoever_is_behind_a_router_has_a_route_and_is_not_on_the_link() {
    let behind = |first: &str| {
        format!("[[hosts]]\nname = \"c\"\nsegment = \"outside\"\nbehind = \"b\"\nfirst = \"{first}\"\n")
    };
    says(&error_with(&behind("198.51.100.1")), &["hosts \"c\"", "no route", "via 192.0.2.10"]);
    says(&error_with(&behind("192.0.2.77")), &["hosts \"c\"", "192.0.2.77 is on the link"]);
    let routed = RIGHT.replace(
        "[[segment]]\nname = \"inside\"",
        "[engine]\nroute = [\"198.51.100.0/24 via 192.0.2.10\"]\n[[segment]]\nname = \"inside\"",
    );
    Plan::parse(&format!("{routed}{}", behind("198.51.100.1"))).unwrap();
}

#[test]
fn flows_that_do_not_pass_the_engine_are_refused() {
    says(&error("to = \"b\"", "to = \"a\""), &["one segment"]);
    let six = "[[hosts]]\nname = \"six\"\nsegment = \"outside\"\nfirst = \"2001:db8::9\"\n[[flow]]\nfrom = \"a\"\nto = \"six\"\nrate = 1\n";
    says(&error_with(six), &["a-to-six", "families"]);
    says(
        &error("duration = \"10s\"", "duration = \"10s\"\n[engine]\nforwarding = false"),
        &["forwards nothing"],
    );
}

#[test]
fn parameters_and_routes_are_asked_of_an_engine() {
    let engine = |what: &str| error("duration = \"10s\"", &format!("duration = \"10s\"\n[engine]\n{what}"));
    says(&engine("set = [\"gc_thresh4=1\"]"), &["gc_thresh4", "gc_thresh"]);
    says(&engine("set = [\"gc_thresh3\"]"), &["gc_thresh3", "NAME=VALUE"]);
    says(&engine("set = [\"gc_thresh3=many\"]"), &["many"]);
    says(&engine("route = [\"default\"]"), &["default", "PREFIX via ADDRESS"]);
    says(&engine("route = [\"0.0.0.0/0 via 203.0.113.1\"]"), &["203.0.113.1"]);
    let plan = Plan::parse(RIGHT).unwrap();
    says(&plan.with_parameter("gc_thresh4", "1").unwrap_err().to_string(), &["gc_thresh4"]);
}

#[test]
fn a_promise_about_nothing_is_refused() {
    says(&error_with("[[expect]]\nmetric = \"a.lots\"\nat-most = 1\n"), &["a.lots", "a.lost"]);
    says(&error_with("[[expect]]\nmetric = \"a.lost\"\n"), &["a.lost", "at-most"]);
    says(
        &error_with("[[expect]]\nmetric = \"a.lost\"\nat-most = 0\nprofile = \"strict\"\n"),
        &["strict", "linux"],
    );
}

#[test]
fn events_that_cannot_be_are_refused() {
    let flap = "[[flap]]\nsegment = \"inside\"\nevery = \"1s\"\ndown = \"2s\"\nduration = \"3s\"\n";
    says(&error_with(flap), &["flap", "down = \"2s\"", "less than every"]);
    says(&error_with("[[partition]]\nduration = \"1s\"\n"), &["partition", "segment or hosts"]);
    let spoof = "[[spoof]]\nvictims = \"a\"\nform = \"silent\"\nrate = 1\nduration = \"1s\"\n";
    says(&error_with(spoof), &["spoof", "silent", "request, reply and answer"]);
    let late = "[[churn]]\nhosts = \"a\"\nrate = 1\ndown = \"1s\"\nstart = \"9s\"\nduration = \"2s\"\n";
    says(&error_with(late), &["churn", "9s to 11s"]);
    let r#move = "[[move]]\nhosts = \"a\"\nstart = \"1s\"\ntimes = 3\nevery = \"10ms\"\nsilence = \"20ms\"\n";
    says(&error_with(r#move), &["move", "times = 3"]);
}
