//! Compares what came of a row with what was recorded.

use crate::oracle::replay::{Outcome, flag_names};
use crate::oracle::row::{Description, Notification, Row};
use neighbour::NeighbourInfo;
use serde_json::{Value, json};
use std::fmt;

/// A field that is not as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub field: String,
    /// As recorded.
    pub expected: String,
    /// As replayed.
    pub got: String,
}

impl Difference {
    /// The row could not be replayed.
    pub fn not_replayed(error: &anyhow::Error) -> Self {
        Self { field: "replay".into(), expected: "an outcome".into(), got: format!("{error:#}") }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.field, self.expected, self.got)
    }
}

/// All fields that differ.
pub fn differences(row: &Row, outcome: &Outcome) -> Vec<Difference> {
    let mut all = Differences::default();
    let after = outcome.after.as_ref();
    all.check("after_exists", json!(row.after_exists), json!(after.is_some()));
    let state = after.map_or_else(|| "NONE".into(), |n| n.state.to_string());
    all.check("after_state", json!(row.after_state), json!(state));
    let lladdr = after.and_then(|n| n.lladdr).map(|lladdr| lladdr.to_string());
    all.check("after_lladdr", json!(row.after_lladdr), json!(lladdr));
    let flags = after.map(flag_names).unwrap_or_default();
    all.check("after_flags", json!(sorted(&row.after_flags)), json!(sorted(&flags)));
    all.check("after_probes", json!(row.after_probes), json!(after.map(|n| n.probes)));
    if row.event.is_some() {
        all.check("errno", json!(row.errno), json!(outcome.errno));
    }
    let recorded = row.reply.as_ref();
    let reply = outcome.reply.as_ref().map(|got| pick(got, recorded));
    all.check("reply", json!(recorded), json!(reply));
    let like = |(index, got): (usize, &Description)| pick(got, row.emitted.get(index));
    let emitted: Vec<_> = outcome.emitted.iter().enumerate().map(like).collect();
    all.check("emitted", json!(row.emitted), json!(emitted));
    let notify = |list: &[Notification]| list.iter().map(notification).collect::<Vec<_>>();
    all.check("notify", json!(notify(&row.notify)), json!(notify(&outcome.notify)));
    others(&mut all, row, outcome);
    for (name, value) in &row.sysctl_after {
        all.check(&format!("sysctl_after {name}"), json!(value), json!(outcome.sysctl_after.get(name)));
    }
    if row.own_addr_after.is_some() {
        all.check("own_addr_after", json!(row.own_addr_after), json!(outcome.own_addr_after));
    }
    all.0
}

/// Other entries: the recording names them, or describes them.
fn others(all: &mut Differences, row: &Row, outcome: &Outcome) {
    let described = row.other_entries_created.iter().find_map(Value::as_object);
    let show = |n: &NeighbourInfo| match described {
        None => json!(n.address.to_string()),
        Some(like) => {
            let full = json!({
                "ip": n.address.to_string(),
                "dst": n.address.to_string(),
                "state": n.state.to_string(),
                "lladdr": n.lladdr.map(|lladdr| lladdr.to_string()),
                "flags": sorted(&flag_names(n)),
            });
            json!(full.as_object().map(|full| pick(full, Some(like))))
        }
    };
    let by_text = |mut list: Vec<Value>| {
        list.sort_by_key(Value::to_string);
        list
    };
    let got = by_text(outcome.others.iter().map(show).collect());
    all.check("other_entries_created", json!(by_text(row.other_entries_created.clone())), json!(got));
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn check(&mut self, field: &str, expected: Value, got: Value) {
        if expected != got {
            let (expected, got) = (text(&expected), text(&got));
            self.0.push(Difference { field: field.into(), expected, got });
        }
    }
}

/// A value as people read it: no quotation marks round a single word.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Null => "none".into(),
        other => other.to_string(),
    }
}

/// Of what was sent only the fields that the recording has; all of them if it has nothing there.
fn pick(got: &Description, recorded: Option<&Description>) -> Description {
    let named = |name: &String| recorded.is_none_or(|recorded| recorded.contains_key(name));
    got.iter().filter(|(name, _)| named(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn notification(message: &Notification) -> Value {
    let Notification { msg, ip, state, lladdr, flags } = message;
    json!({ "msg": msg, "ip": ip, "state": state, "lladdr": lladdr, "flags": sorted(flags) })
}

fn sorted(list: &[String]) -> Vec<String> {
    let mut list = list.to_vec();
    list.sort();
    list
}
