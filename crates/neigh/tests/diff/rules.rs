//! Which rules a sequence reached, as far as its steps, answers and logs tell.

use crate::step::{Parameter, Step};
use neighbour::Flags;

/// The rules that a step of this kind, answered like this, goes through.
pub(crate) fn of(step: &Step, answer: &str) -> Vec<&'static str> {
    let mut rules = Vec::new();
    match step {
        Step::New { flags, exclusive, create, replace, lladdr, state, .. } => {
            rules.extend(["NL-10", "NL-14"]);
            match answer {
                "done" => rules.extend(["UPD-1", "UPD-5", "EVT-1"]),
                text if text.contains("exists") => rules.push("NL-18"),
                text if text.contains("No such") => rules.push("NL-15"),
                _ => rules.push("NL-13"),
            }
            if *exclusive && *create {
                rules.push("NL-18");
            }
            if !replace {
                rules.extend(["UPD-9", "UPD-12"]);
            }
            if lladdr.is_none() {
                rules.push("UPD-6");
            }
            for (flag, rule) in [
                (Flags::USE, "NL-19"),
                (Flags::MANAGED, "NUD-50"),
                (Flags::EXT_LEARNED, "UPD-3"),
                (Flags::EXT_VALIDATED, "DM-9"),
                (Flags::ROUTER, "UPD-16"),
            ] {
                if flags.contains(flag) {
                    rules.push(rule);
                }
            }
            match state {
                0x80 => rules.push("UPD-4"),
                0x01 => rules.push("UPD-22"),
                0x08 | 0x10 => rules.push("UPD-23"),
                0x20 => rules.push("UPD-25"),
                _ => {}
            }
        }
        Step::Delete { proxy: true, .. } => rules.push("PXY-7"),
        Step::Delete { .. } => rules.extend(["NL-24", "NL-26", "NL-28"]),
        Step::Proxy { .. } => rules.extend(["PXY-4", "NL-12"]),
        Step::Parameter { parameter, .. } => rules.push(match parameter {
            Parameter::Locktime => "ARP-44",
            Parameter::QueueBytes => "QUE-3",
            Parameter::AppProbes => "NUD-12",
            _ => "TBL-10",
        }),
        Step::Arp { sender: None, .. } => rules.push("ARP-31"),
        Step::Arp { request: true, target: None, .. } => rules.extend(["ARP-33", "ARP-45", "ARP-52"]),
        Step::Arp { request: true, .. } => rules.extend(["ARP-39", "ARP-41"]),
        Step::Arp { broadcast, .. } => rules.extend(["ARP-39", if *broadcast { "ARP-43" } else { "ARP-48" }]),
        Step::Solicit { sender: None, .. } => rules.push("ND-22"),
        Step::Solicit { option, .. } => rules.extend(["ND-30", if *option { "ND-31" } else { "ND-32" }]),
        Step::Advert { .. } => rules.extend(["ND-44", "ND-49"]),
        Step::RouterSolicit { .. } => rules.extend(["ND-52", "ND-53"]),
        Step::RouterAdvert { .. } => rules.push("ND-56"),
        Step::Echo { .. } => rules.extend(["OUT-1", "OUT-3", "NUD-5"]),
        Step::Carrier => rules.extend(["DEV-3", "FOOT-38"]),
        Step::Wait(_) => rules.push("NUD-17"),
    }
    rules
}

/// The rules that what was told and sent gives away.
pub(crate) fn of_logs(news: &[(String, String)], sent: &[(String, String)]) -> Vec<&'static str> {
    let told = |part: &str| news.iter().any(|(_, text)| text.contains(part));
    let seen = |part: &str| sent.iter().any(|(_, text)| text.contains(part));
    let signs = [
        (told("FAILED"), "NUD-21"),
        (told("PROBE"), "NUD-18"),
        (told("DEL"), "EVT-2"),
        (told("GET"), "EVT-9"),
        (told("REACHABLE"), "NUD-40"),
        (told("DELAY"), "QUE-6"),
        (seen("ARP asks"), "ARP-19"),
        (seen("ARP replies"), "ARP-52"),
        (seen("NS"), "ND-14"),
        (seen("NA"), "ND-10"),
        (seen("to all"), "ARP-19"),
    ];
    signs.into_iter().filter(|(reached, _)| *reached).map(|(_, rule)| rule).collect()
}
