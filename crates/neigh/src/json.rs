//! JSON as iproute2 writes it, compact or in lines, byte for byte.

use std::io::{self, Write};

/// A value of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Text(String),
    Number(u64),
    /// A flag that is set: `null`.
    Set,
    True,
    Texts(Vec<&'static str>),
}

/// An object: keys in their order.
pub(crate) type Object = Vec<(&'static str, Value)>;

/// Writes `[{"a":1,"b":["C"]},{...}]`.
pub(crate) fn compact(out: &mut impl Write, objects: &[Object]) -> io::Result<()> {
    let all: Vec<String> = objects.iter().map(one).collect();
    writeln!(out, "[{}]", all.join(","))
}

/// `{"a":1,"b":["C"]}`.
pub(crate) fn one(object: &Object) -> String {
    let keys: Vec<String> = object.iter().map(|(k, v)| format!("\"{k}\":{}", value(v, "[", "]"))).collect();
    format!("{{{}}}", keys.join(","))
}

/// Writes the same with a line for each key, indented as iproute2 does.
pub(crate) fn pretty(out: &mut impl Write, objects: &[Object]) -> io::Result<()> {
    let object = |object: &Object| {
        let key = |(k, v): &(&str, Value)| format!("        \"{k}\": {}", value(v, "[ ", " ]"));
        let keys: Vec<String> = object.iter().map(key).collect();
        format!("{{\n{}\n    }}", keys.join(",\n"))
    };
    let all: Vec<String> = objects.iter().map(object).collect();
    let all = all.join(",");
    let blank = if all.is_empty() { "" } else { " " };
    writeln!(out, "[ {all}{blank}]")
}

fn value(value: &Value, open: &str, close: &str) -> String {
    match value {
        Value::Text(text) => quoted(text),
        Value::Number(number) => number.to_string(),
        Value::Set => "null".into(),
        Value::True => "true".into(),
        Value::Texts(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            format!("{open}{}{close}", texts.join(","))
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
