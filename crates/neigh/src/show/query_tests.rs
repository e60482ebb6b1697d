//! Words against what iproute2 6.1 says of them.

use super::*;

struct Lab;

impl Devices for Lab {
    fn index(&mut self, name: &str) -> anyhow::Result<Option<u32>> {
        Ok((name == "v0").then_some(7))
    }

    fn vrf(&mut self, name: &str) -> anyhow::Result<Option<u32>> {
        Ok((name == "red").then_some(9))
    }
}

fn query(line: &str, purpose: Purpose) -> Result<Query, Failure> {
    let words: Vec<String> = line.split_whitespace().map(String::from).collect();
    Query::parse(Words::new(&words), None, purpose, &mut Lab)
        .map_err(|error| error.downcast().expect("a failure of words"))
}

fn parse(line: &str) -> Result<Query, Failure> {
    query(line, Purpose::Show)
}

fn entry(state: NudState, flags: Flags) -> Entry {
    Entry {
        interface: 2,
        address: "10.9.0.2".parse().unwrap(),
        state,
        flags,
        kind: 1,
        lladdr: None,
        cache: None,
        probes: None,
        protocol: 0,
    }
}

#[test]
fn what_is_wrong_is_said_in_iproute2s_words_with_its_exit_code() {
    for (line, text, code) in [
        ("router", "Error: any valid prefix is expected rather than \"router\".", 1),
        ("d v0", "Error: any valid prefix is expected rather than \"d\".", 1),
        ("nom", "Error: any valid prefix is expected rather than \"nom\".", 1),
        ("10.9.0.5 zz", "Error: inet prefix is expected rather than \"zz\".", 1),
        ("nud bogus", "Error: argument \"bogus\" is wrong: nud state is bad", 255),
        ("nud 6", "Error: argument \"6\" is wrong: nud state is bad", 255),
        ("nud -1", "Error: argument \"-1\" is wrong: nud state is bad", 255),
        ("nud", "Command line is not complete. Try option \"help\"", 255),
        ("dev", "Command line is not complete. Try option \"help\"", 255),
        ("to", "Command line is not complete. Try option \"help\"", 255),
        ("pr", "Command line is not complete. Try option \"help\"", 255),
        ("dev v0 dev v0", "Error: duplicate \"dev\": \"v0\" is the second value.", 255),
        ("proto 300", "Error: argument \"300\" is wrong: invalid \"protocol\"\n", 255),
        ("master nope", "Error: argument \"nope\" is wrong: Device does not exist\n", 255),
        ("vrf nope", "Error: argument \"nope\" is wrong: Not a valid VRF name\n", 255),
    ] {
        assert_eq!(parse(line), Err(Failure::exact(text, code)), "{line}");
    }
    for line in ["help", "h", "to hel", "dev v0 help"] {
        assert_eq!(parse(line), Err(usage::neigh()), "{line}");
    }
}

#[test]
fn states_add_up_and_each_command_hides_some_unless_it_is_asked() {
    let wanted = |line: &str, purpose| {
        let query = query(line, purpose).unwrap();
        let wanted: Vec<&str> = NudState::ALL
            .iter()
            .filter(|state| query.admits(&entry(**state, Flags::empty())))
            .filter_map(|state| state.name())
            .collect();
        wanted.join(" ")
    };
    let shown = "INCOMPLETE REACHABLE STALE DELAY PROBE FAILED PERMANENT";
    let flushed = "NONE INCOMPLETE REACHABLE STALE DELAY PROBE FAILED";
    let all = "NONE INCOMPLETE REACHABLE STALE DELAY PROBE FAILED NOARP PERMANENT";
    for (line, expected) in [
        ("", shown),
        ("nud all", all),
        ("nud none", "NONE"),
        ("nud 0x80", "PERMANENT"),
        ("nud stale nud permanent", "STALE PERMANENT"),
    ] {
        assert_eq!(wanted(line, Purpose::Show), expected, "{line}");
    }
    assert_eq!(wanted("", Purpose::Flush), flushed);
    assert_eq!(wanted("nud all", Purpose::Flush), all);
}

#[test]
fn entries_of_control_planes_pass_in_any_state_unless_strict() {
    let mut query = parse("nud permanent").unwrap();
    let learned = entry(NudState::STALE, Flags::EXT_LEARNED);
    let proxy = entry(NudState::NONE, Flags::PROXY);
    assert!(query.admits(&learned) && query.admits(&proxy));
    query.strict = true;
    assert!(!query.admits(&learned) && query.admits(&proxy));
}

#[test]
fn the_last_prefix_counts_and_chooses_the_family() {
    assert_eq!(parse("10.9.0.50 to 10.9.0.51").unwrap().prefix.unwrap().to_string(), "10.9.0.51/32");
    assert_eq!(parse("10.9/16").unwrap().family, Some(Family::Inet));
    assert_eq!(parse("::1").unwrap().family, Some(Family::Inet6));
    assert_eq!(parse("to all").unwrap().prefix, None);
}

#[test]
fn masters_are_devices_vrfs_or_none() {
    assert_eq!(parse("master v0").unwrap().master, Some(7));
    assert_eq!(parse("vrf red").unwrap().master, Some(9));
    assert_eq!(parse("nomaster").unwrap().master, Some(u32::MAX));
}
