//! The state machine: the table of section 3.10 through the engine, by frames and requests; and the pure
//! function over its whole domain, as a table and as a graph that are kept beside this file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::common::frames::{self, Arp, Na};
use crate::common::{BROADCAST, OTHER_MAC, PEER_MAC, World, lladdr, own, peer, secs};
use neighbour::nud::{Address, Cause, Claim, Facts, Step, Verdict, next};
use neighbour::{Family, Flags, NewNeigh, NudState};

use NudState as S;

/// What can be heard of a neighbour, as the columns of section 3.10 have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    StaleSame,
    StaleOther,
    ReachableSame,
    ReachableOtherOverride,
    ReachableOtherKeep,
}

/// The frame that says so.
fn frame(family: Family, heard: Heard) -> Vec<u8> {
    let address = peer(family);
    if family == Family::Inet6 {
        let mac = if matches!(heard, Heard::StaleSame | Heard::ReachableSame) { PEER_MAC } else { OTHER_MAC };
        let na = frames::na(address, Some(mac));
        let unasked = Na { solicited: false, destination: frames::ALL_NODES, ..na };
        return match heard {
            Heard::StaleSame => unasked,
            Heard::StaleOther => Na { overrides: true, ..unasked },
            Heard::ReachableSame | Heard::ReachableOtherKeep => na,
            Heard::ReachableOtherOverride => Na { overrides: true, ..na },
        }
        .frame();
    }
    match heard {
        Heard::StaleSame => Arp { to: BROADCAST, ..frames::arp_reply(address, PEER_MAC) },
        // Overrides whatever locktime says (ARP-45).
        Heard::StaleOther => frames::arp_request(address, OTHER_MAC, own(family)),
        Heard::ReachableSame => frames::arp_reply(address, PEER_MAC),
        // Gratuitous: overrides within locktime (ARP-43).
        Heard::ReachableOtherOverride => Arp {
            target_ip: frames::v4(address),
            target_hw: OTHER_MAC,
            ..frames::arp_reply(address, OTHER_MAC)
        },
        // Within locktime (ARP-44).
        Heard::ReachableOtherKeep => frames::arp_reply(address, OTHER_MAC),
    }
    .frame()
}

/// The state and address after hearing it (section 3.10), and the state that userspace is told of.
fn expected(family: Family, from: S, heard: Heard) -> (S, [u8; 6], Option<S>) {
    let other = matches!(heard, Heard::StaleOther | Heard::ReachableOtherOverride);
    let mac = if other { OTHER_MAC } else { PEER_MAC };
    let stale = matches!(heard, Heard::StaleSame | Heard::StaleOther);
    let first = if heard == Heard::ReachableOtherKeep { OTHER_MAC } else { mac };
    match (from, heard) {
        (S::NOARP | S::PERMANENT, _) => (from, PEER_MAC, None), // UPD-2
        (S::FAILED, _) if family == Family::Inet6 => (S::FAILED, PEER_MAC, None), // ND-47
        (S::NONE | S::FAILED, _) if stale => (S::STALE, mac, Some(S::STALE)),
        // The packet that waited makes it DELAY before anybody is told (QUE-6).
        (S::INCOMPLETE, _) if stale => (S::DELAY, mac, Some(S::DELAY)),
        (S::NONE | S::INCOMPLETE | S::FAILED, _) => (S::REACHABLE, first, Some(S::REACHABLE)),
        (_, Heard::StaleSame) => (from, PEER_MAC, None), // UPD-10
        (_, Heard::StaleOther) => (S::STALE, OTHER_MAC, Some(S::STALE)),
        (S::REACHABLE, Heard::ReachableSame) => (S::REACHABLE, PEER_MAC, None),
        (_, Heard::ReachableSame | Heard::ReachableOtherOverride) => (S::REACHABLE, mac, Some(S::REACHABLE)),
        // ND adds WEAK_OVERRIDE: the address stays, the state goes (UPD-9).
        (S::REACHABLE, _) if family == Family::Inet6 => (S::STALE, PEER_MAC, Some(S::STALE)),
        _ => (from, PEER_MAC, None),
    }
}

/// RFC rows N80, N91, N93, N108.
#[test]
fn what_is_heard_changes_every_state_as_section_3_10_says() {
    use Heard::*;
    let all = [StaleSame, StaleOther, ReachableSame, ReachableOtherOverride, ReachableOtherKeep];
    for family in Family::BOTH {
        for from in S::ALL {
            for heard in all {
                let row = format!("{family:?} {from} + {heard:?}");
                let mut world = World::new();
                let address = world.init_neighbour_in_state(family, from);
                let _ = world.frame(&frame(family, heard));
                let (state, mac, told) = expected(family, from, heard);
                let entry = world.entry(address);
                assert_eq!(entry.state, state, "{row}");
                if state.is_valid() {
                    assert_eq!(entry.lladdr, lladdr(mac), "{row}");
                }
                let told: Vec<_> = told.into_iter().map(|state| (state, false)).collect();
                assert_eq!(world.notices(address), told, "{row}");
                let armed = state.is_in_timer();
                assert_eq!(entry.refcnt, u32::from(armed), "{row}: the timer");
                let fixed = matches!(from, S::NOARP | S::PERMANENT);
                let ignored = family == Family::Inet6 && from == S::FAILED;
                if !fixed && !ignored && !matches!(heard, StaleSame | StaleOther) {
                    assert_eq!(entry.confirmed, secs(0), "{row}: confirmed, even if refused (UPD-7)");
                }
                if told.len() == 1 && state == S::STALE && mac == OTHER_MAC {
                    assert_eq!(entry.confirmed, secs(2 * 20), "{row}: confirmed reset (UPD-13)");
                }
            }
        }
    }
}

#[test]
fn a_packet_changes_every_state_as_section_3_10_says() {
    for family in Family::BOTH {
        for from in S::ALL {
            let mut world = World::new();
            let address = world.init_neighbour_in_state(family, from);
            let _ = world.send(address, 5);
            let to = match from {
                S::NONE | S::INCOMPLETE | S::FAILED => S::INCOMPLETE,
                S::STALE => S::DELAY,
                same => same,
            };
            let row = format!("{family:?} {from} + packet");
            assert_eq!(world.state(address), to, "{row}");
            assert_eq!(world.notices(address), [], "{row}: never told (NUD-8)");
            let sent = if to == S::INCOMPLETE { vec![] } else { vec![5] };
            assert_eq!(world.tags(), sent, "{row}");
            let asked = usize::from(matches!(from, S::NONE | S::FAILED));
            assert_eq!(world.solicitations(address).len(), asked, "{row}");
        }
    }
}

#[test]
fn an_administrator_may_set_every_state_from_every_state_upd_5_upd_12() {
    for family in Family::BOTH {
        for from in S::ALL {
            for to in S::ALL {
                let row = format!("{family:?} {from} -> {to}");
                let mut world = World::new();
                let address = world.init_neighbour_in_state(family, from);
                world.replace(address, PEER_MAC, to);
                // What waits leaves, and so STALE is DELAY at once (QUE-6).
                let end = if (from, to) == (S::INCOMPLETE, S::STALE) { S::DELAY } else { to };
                assert_eq!(world.state(address), end, "{row}");
                // INCOMPLETE set by hand has no timer (UPD-22).
                let armed = end.is_in_timer() && end != S::INCOMPLETE;
                assert_eq!(world.entry(address).refcnt, u32::from(armed), "{row}: the timer");
                let told = match to {
                    _ if to.is_valid() => from != to,
                    S::FAILED => from.is_valid() || matches!(from, S::INCOMPLETE | S::PROBE),
                    _ => from.is_valid(), // UPD-5
                };
                let told: Vec<_> = told.then_some((end, false)).into_iter().collect();
                assert_eq!(world.notices(address), told, "{row}");
            }
        }
    }
}

#[test]
fn use_and_managed_change_every_state_as_section_3_10_says_upd_4() {
    for family in Family::BOTH {
        for flag in [Flags::USE, Flags::MANAGED] {
            for from in S::ALL {
                let row = format!("{family:?} {from} + {flag:?}");
                let mut world = World::new();
                let address = world.init_neighbour_in_state(family, from);
                let request = world.request(address, Some(OTHER_MAC), S::PERMANENT);
                assert_eq!(world.admin(NewNeigh { flags: flag, ..request }), Ok(()), "{row}");
                let to = match from {
                    S::NONE | S::INCOMPLETE | S::FAILED | S::PERMANENT => S::INCOMPLETE,
                    S::STALE => S::DELAY,
                    same => same,
                };
                let entry = world.entry(address);
                assert_eq!(entry.state, to, "{row}: the state asked for is ignored");
                if to.is_valid() {
                    assert_eq!(entry.lladdr, lladdr(PEER_MAC), "{row}: so is the address");
                }
                assert_eq!(entry.flags, flag & Flags::MANAGED, "{row}: USE is never stored (DM-10)");
                let asked = usize::from(matches!(from, S::NONE | S::FAILED | S::PERMANENT));
                assert_eq!(world.solicitations(address).len(), asked, "{row}");
            }
        }
    }
}

#[test]
fn delete_carrier_loss_and_down_end_every_state_as_section_3_10_says() {
    for family in Family::BOTH {
        for from in S::ALL {
            let row = format!("{family:?} {from}");
            let mut world = World::new();
            let address = world.init_neighbour_in_state(family, from);
            assert_eq!(world.delete(address), Ok(()), "{row}");
            assert_eq!(world.info(address), None, "{row}");
            let told = from.is_valid() || matches!(from, S::INCOMPLETE | S::PROBE); // NL-27
            let told = told.then_some((S::FAILED, false)).into_iter().chain([(S::FAILED, true)]);
            assert_eq!(world.notices(address), told.collect::<Vec<_>>(), "{row} + delete");

            let mut world = World::new();
            let address = world.init_neighbour_in_state(family, from);
            let (now, dev) = (world.now, world.dev());
            world.engine().set_carrier(now, dev, false);
            world.settle();
            let kept = from == S::PERMANENT;
            assert_eq!(world.info(address).is_some(), kept, "{row} + carrier loss (DEV-1)");
            let told: Vec<_> = if kept { vec![] } else { vec![(from, true)] };
            assert_eq!(world.notices(address), told, "{row} + carrier loss (DST-4)");
            assert_eq!(world.unreachable(), Vec::<u8>::new(), "{row}: no reports (QUE-9)");

            let mut world = World::new();
            let address = world.init_neighbour_in_state(family, from);
            world.engine().set_link(now, dev, false);
            world.settle();
            assert_eq!(world.info(address), None, "{row} + down");
            assert_eq!(world.notices(address), [(from, true)], "{row} + down");
        }
    }
}

#[test]
fn there_is_no_way_by_time_from_delay_to_stale_nor_from_reachable_to_probe_nud_60() {
    // But for EXT_VALIDATED, whose probes that fail, or are none, end in STALE (NUD-21.1).
    let plain = |facts: &Facts| !facts.extern_valid;
    let by_time = |from: S| -> BTreeSet<S> {
        facts().filter(plain).map(|facts| next(from, Cause::Timer, facts).state).collect()
    };
    assert!(!by_time(S::DELAY).contains(&S::STALE));
    assert!(!by_time(S::REACHABLE).contains(&S::PROBE));
    for quiet in [S::NONE, S::STALE, S::FAILED, S::NOARP, S::PERMANENT] {
        assert_eq!(by_time(quiet), BTreeSet::from([quiet]), "NUD-17, NUD-61, NUD-62");
    }
}

// The pure function.

/// All facts there can be.
fn facts() -> impl Iterator<Item = Facts> {
    (0..32u8).map(|bits| Facts {
        can_solicit: bits & 1 != 0,
        confirmed: bits & 2 != 0,
        used: bits & 4 != 0,
        exhausted: bits & 8 != 0,
        extern_valid: bits & 16 != 0,
    })
}

const FACTS: [&str; 5] = ["can_solicit", "confirmed", "used", "exhausted", "extern_valid"];

fn fact(facts: &Facts, n: usize) -> bool {
    [facts.can_solicit, facts.confirmed, facts.used, facts.exhausted, facts.extern_valid][n]
}

const ADDRESSES: [Address; 3] = [Address::Absent, Address::Same, Address::Different];

/// All claims for a state.
fn claims(to: S) -> impl Iterator<Item = Claim> {
    (0..24usize).map(move |n| Claim {
        to,
        address: ADDRESSES[n / 8],
        overrides: n & 1 != 0,
        weak_override: n & 2 != 0,
        admin: n & 4 != 0,
    })
}

const CLAIMS: [&str; 4] = ["admin", "address", "override", "weak_override"];

fn claimed(claim: &Claim, n: usize) -> String {
    let yes = |yes: bool, name: &str| if yes { name.to_owned() } else { format!("!{name}") };
    match n {
        0 => yes(claim.admin, CLAIMS[0]),
        1 => format!("{:?}", claim.address).to_lowercase(),
        2 => yes(claim.overrides, CLAIMS[2]),
        _ => yes(claim.weak_override, CLAIMS[3]),
    }
}

/// The conditions of a row, and what the machine does under them.
type Row = (Vec<String>, String);

/// Rows for a set of cases, split only by the conditions that matter: the text of the conditions, and what
/// the machine does. `says` names a case's value of the n-th condition.
fn rows<C>(cases: Vec<(C, String)>, conditions: usize, says: &impl Fn(&C, usize) -> String) -> Vec<Row> {
    fn split<C>(
        mut cases: Vec<(C, String)>,
        left: &[usize],
        says: &impl Fn(&C, usize) -> String,
        path: &[String],
        out: &mut Vec<Row>,
    ) {
        if cases.iter().all(|(_, result)| *result == cases[0].1) {
            return out.push((path.to_vec(), cases[0].1.clone()));
        }
        let by = |n: usize| {
            let mut parts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            cases.iter().for_each(|(case, result)| parts.entry(says(case, n)).or_default().push(result));
            parts
        };
        // Split by the first condition that changes anything: cases that agree in all others differ.
        let matters = |n: &usize| {
            let parts = by(*n);
            let mut values = parts.values();
            let first = values.next();
            values.any(|value| Some(value) != first)
        };
        let at = left.iter().copied().find(matters).expect("some condition tells them apart");
        let left: Vec<_> = left.iter().copied().filter(|n| *n != at).collect();
        // Values that lead to the same share a row.
        let mut names: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
        for (name, results) in by(at) {
            names.entry(results.into_iter().map(str::to_owned).collect()).or_default().push(name);
        }
        for names in names.into_values().collect::<BTreeSet<_>>() {
            let (part, rest) = cases.into_iter().partition(|(case, _)| names[0] == says(case, at));
            cases = rest;
            let path: Vec<_> = path.iter().cloned().chain([names.join("|")]).collect();
            split(part, &left, says, &path, out);
        }
    }
    let mut out = Vec::new();
    let all: Vec<_> = (0..conditions).collect();
    split(cases, &all, says, &[], &mut out);
    out
}

/// One step, as a part of a line.
fn show(step: &Step, from: S, claimed: Option<S>) -> String {
    let state = match claimed {
        _ if step.state == from => "same".to_owned(),
        Some(to) if step.state == to => "as claimed".to_owned(),
        _ => step.state.to_string(),
    };
    let actions: Vec<_> = step.actions.iter_names().map(|(name, _)| name.to_lowercase()).collect();
    let router = if step.router && claimed.is_some() { ", router may change" } else { "" };
    let timer = format!("{:?}", step.timer).to_lowercase();
    let verdict = match step.verdict {
        Verdict::Go => String::new(),
        other => format!(" {other:?}").to_uppercase(),
    };
    format!("{state:<11}{verdict} | {} | {timer}{router}", actions.join(" "))
}

/// The machine as a table of text.
fn table() -> String {
    let mut text = String::from(
        "state, cause, conditions -> state and verdict | actions | timer\n\
         Conditions that are not named do not matter. \"as claimed\": the state that the update wants.\n",
    );
    for from in S::ALL {
        writeln!(text, "\n{from}").expect("a string takes it");
        for (name, cause) in [
            ("send", Cause::Send { immediate: true }),
            ("send later", Cause::Send { immediate: false }),
            ("timer", Cause::Timer),
        ] {
            let cases: Vec<_> = facts().map(|f| (f, show(&next(from, cause, f), from, None))).collect();
            let says = |facts: &Facts, n: usize| {
                if fact(facts, n) { FACTS[n].to_owned() } else { format!("!{}", FACTS[n]) }
            };
            for (conditions, result) in rows(cases, FACTS.len(), &says) {
                let conditions = conditions.join(" ");
                writeln!(text, "  {name:<28} {conditions:<42} -> {result}").expect("a string takes it");
            }
        }
        // Claims for states that are treated alike share their rows.
        let mut alike: Vec<(Vec<String>, Vec<Row>)> = Vec::new();
        for to in S::ALL {
            let step = |claim: Claim| next(from, Cause::Update(claim), Facts::default());
            let cases: Vec<_> = claims(to).map(|c| (c, show(&step(c), from, Some(to)))).collect();
            let rows = rows(cases, CLAIMS.len(), &claimed);
            match alike.iter_mut().find(|(_, known)| *known == rows) {
                Some((names, _)) => names.push(to.to_string()),
                None => alike.push((vec![to.to_string()], rows)),
            }
        }
        for (names, rows) in alike {
            for (n, (conditions, result)) in rows.iter().enumerate() {
                let names = if n == 0 { format!("claim {}", names.join("|")) } else { String::new() };
                let conditions = conditions.join(" ");
                writeln!(text, "  {names:<28} {conditions:<42} -> {result}").expect("a string takes it");
            }
        }
    }
    text
}

/// The machine as a graph: what packets, time and frames do. An administrator may go anywhere.
fn graph() -> String {
    let mut edges: BTreeMap<(S, S), BTreeSet<String>> = BTreeMap::new();
    let mut edge = |from: S, to: S, label: &str| {
        if from != to {
            edges.entry((from, to)).or_default().insert(label.to_owned());
        }
    };
    for from in S::ALL {
        for facts in facts() {
            edge(from, next(from, Cause::Send { immediate: true }, facts).state, "packet");
            edge(from, next(from, Cause::Timer, facts).state, "time");
        }
        for to in [S::REACHABLE, S::STALE] {
            for claim in claims(to).filter(|claim| !claim.admin) {
                let step = next(from, Cause::Update(claim), Facts::default());
                let mut label = if to == S::REACHABLE { "answer" } else { "hint" }.to_owned();
                if from.is_valid() && claim.address == Address::Different {
                    label += ", other address";
                }
                edge(from, step.state, &label);
            }
        }
    }
    let mut text = String::from("digraph nud {\n  node [shape=box, fontname=monospace];\n");
    S::ALL.iter().for_each(|state| writeln!(text, "  {state};").expect("a string takes it"));
    for ((from, to), labels) in edges {
        let labels: Vec<_> = labels.into_iter().collect();
        writeln!(text, "  {from} -> {to} [label=\"{}\"];", labels.join("\\n")).expect("a string takes it");
    }
    text + "}\n"
}

#[test]
fn the_machine_is_as_its_table_shows() {
    insta::assert_snapshot!("nud", table());
}

#[test]
fn the_machine_is_as_its_graph_shows() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/snapshots/nud.dot");
    let graph = graph();
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(path, &graph).expect("the graph can be written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(kept, graph, "tests/engine/snapshots/nud.dot is another graph; INSTA_UPDATE=always renews it");
}

#[test]
fn claims_do_not_depend_on_clocks_and_counters() {
    for from in S::ALL {
        for to in S::ALL {
            for claim in claims(to) {
                let results: Vec<_> = facts().map(|f| next(from, Cause::Update(claim), f)).collect();
                assert!(results.iter().all(|r| *r == results[0]), "{from} {claim:?}");
            }
        }
    }
}

#[test]
fn every_combination_of_bits_is_taken_upd_21() {
    for bits in 0..=u8::MAX {
        for facts in facts() {
            for cause in [Cause::Send { immediate: true }, Cause::Send { immediate: false }, Cause::Timer] {
                let _ = next(S(bits), cause, facts);
            }
        }
        for to in 0..=u8::MAX {
            for claim in claims(S(to)) {
                let step = next(S(bits), Cause::Update(claim), Facts::default());
                let known = [S(bits), S(to), S::STALE];
                assert!(known.contains(&step.state), "{bits:#x} {claim:?} -> {}", step.state);
            }
        }
    }
}
