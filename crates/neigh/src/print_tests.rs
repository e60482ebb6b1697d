//! Entries against lines that iproute2 6.1 printed of the same entries.

use super::*;
use neighbour_ctl::CacheInfo;

fn entry(address: &str, lladdr: Option<&str>, state: NudState) -> Entry {
    Entry {
        interface: 2,
        address: address.parse().unwrap(),
        state,
        flags: Flags::empty(),
        kind: 1,
        lladdr: lladdr.map(|text| text.parse().unwrap()),
        cache: Some(CacheInfo { confirmed: 6099, used: 1, updated: 99, refcnt: 0 }),
        probes: Some(0),
        protocol: 0,
    }
}

fn entries() -> Vec<Entry> {
    let one = entry("10.9.0.2", Some("1a:bf:d6:0e:81:06"), NudState::REACHABLE);
    let cache = Some(CacheInfo { confirmed: 310, used: 20, updated: 310, refcnt: 1 });
    vec![
        Entry { cache, probes: Some(4), ..one },
        entry("10.9.0.59", None, NudState::FAILED),
        entry("10.9.0.56", None, NudState::NONE),
        Entry { protocol: 4, ..entry("10.9.0.54", Some("02:00:00:00:00:54"), NudState::PERMANENT) },
        Entry {
            flags: Flags::MANAGED | Flags::EXT_LEARNED,
            ..entry("10.9.0.53", None, NudState::INCOMPLETE)
        },
        Entry { flags: Flags::ROUTER, ..entry("fd00:9::50", Some("02:00:00:00:06:50"), NudState::PERMANENT) },
        Entry {
            flags: Flags::ROUTER | Flags::PROXY | Flags::EXT_LEARNED,
            protocol: 186,
            cache: None,
            probes: None,
            ..entry("fd00:9::60", None, NudState::NONE)
        },
    ]
}

fn printed(style: Style, stats: bool, device: bool, entries: &[Entry]) -> String {
    let v0 = Interface { index: 2, name: "v0".into(), hardware: 1, flags: 0, lladdr: None, master: None };
    let mut out = Vec::new();
    let (brief, colours, numeric) = (false, false, false);
    Printer { interfaces: &[v0], style, stats, device, brief, colours, numeric }
        .print(&mut out, entries)
        .unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn text_is_iproute2s() {
    let expected = "\
10.9.0.2 dev v0 lladdr 1a:bf:d6:0e:81:06 REACHABLE \n\
10.9.0.59 dev v0 FAILED \n\
10.9.0.56 dev v0 \n\
10.9.0.54 dev v0 lladdr 02:00:00:00:00:54 PERMANENT proto static \n\
10.9.0.53 dev v0 managed extern_learn INCOMPLETE \n\
fd00:9::50 dev v0 lladdr 02:00:00:00:06:50 router PERMANENT \n\
fd00:9::60 dev v0 router proxy extern_learn proto bgp \n";
    assert_eq!(printed(Style::Text, false, true, &entries()), expected);
    assert_eq!(printed(Style::Text, false, false, &entries()), expected.replace("dev v0 ", ""));
}

#[test]
fn statistics_stand_behind_two_blanks_and_probes_behind_none() {
    let expected = "\
10.9.0.2 dev v0 lladdr 1a:bf:d6:0e:81:06  ref 1 used 0/3/3probes 4 REACHABLE \n\
10.9.0.59 dev v0  used 0/60/0probes 0 FAILED \n";
    assert_eq!(printed(Style::Text, true, true, &entries()[..2]), expected);
}

#[test]
fn json_has_null_for_a_flag_and_no_state_for_none() {
    let expected = concat!(
        r#"[{"dst":"10.9.0.2","dev":"v0","lladdr":"1a:bf:d6:0e:81:06","state":["REACHABLE"]},"#,
        r#"{"dst":"10.9.0.59","dev":"v0","state":["FAILED"]},{"dst":"10.9.0.56","dev":"v0"},"#,
        r#"{"dst":"10.9.0.54","dev":"v0","lladdr":"02:00:00:00:00:54","state":["PERMANENT"],"#,
        r#""protocol":"static"},"#,
        r#"{"dst":"10.9.0.53","dev":"v0","managed":null,"extern_learn":null,"state":["INCOMPLETE"]},"#,
        r#"{"dst":"fd00:9::50","dev":"v0","lladdr":"02:00:00:00:06:50","router":null,"state":["PERMANENT"]},"#,
        r#"{"dst":"fd00:9::60","dev":"v0","router":null,"proxy":null,"extern_learn":null,"protocol":"bgp"}]"#,
        "\n"
    );
    assert_eq!(printed(Style::Json, false, true, &entries()), expected);
    let stats = concat!(
        r#"[{"dst":"10.9.0.2","dev":"v0","lladdr":"1a:bf:d6:0e:81:06","refcnt":1,"used":0,"confirmed":3,"#,
        r#""updated":3,"probes":4,"state":["REACHABLE"]}]"#,
        "\n"
    );
    assert_eq!(printed(Style::Json, true, true, &entries()[..1]), stats);
    assert_eq!(printed(Style::Json, false, true, &[]), "[]\n");
}

#[test]
fn pretty_json_has_iproute2s_lines() {
    let expected = r#"[ {
        "dst": "fd00:9::50",
        "lladdr": "02:00:00:00:06:50",
        "router": null,
        "state": [ "PERMANENT" ]
    },{
        "dst": "10.9.0.59",
        "state": [ "FAILED" ]
    } ]
"#;
    let both = [entries()[5].clone(), entries()[1].clone()];
    assert_eq!(printed(Style::Pretty, false, false, &both), expected);
    assert_eq!(printed(Style::Pretty, false, false, &[]), "[ ]\n");
}

#[test]
fn an_interface_that_is_gone_is_called_by_its_index() {
    let lost = Entry { interface: 7, ..entries()[1].clone() };
    assert_eq!(printed(Style::Text, false, true, &[lost]), "10.9.0.59 dev if7 FAILED \n");
}

#[test]
fn tunnels_have_ip_addresses_for_link_layer_addresses() {
    let gre = Interface { index: 2, name: "g".into(), hardware: 778, flags: 0, lladdr: None, master: None };
    let (style, stats, device) = (Style::Text, false, false);
    let (brief, colours, numeric) = (false, false, false);
    let printer = Printer { interfaces: &[gre], style, stats, device, brief, colours, numeric };
    let entry = entry("10.0.0.1", Some("c0:00:02:01"), NudState::NOARP);
    assert_eq!(printer.line(&entry), "10.0.0.1 lladdr 192.0.2.1 NOARP ");
}
