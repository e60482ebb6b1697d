//! Frames described by the names of the recording.

use crate::oracle::row::Description;
use neighbour_wire::arp::{self, Packet};
use neighbour_wire::ethernet::{Frame, ethertype};
use neighbour_wire::icmpv6::{self, kind};
use neighbour_wire::ipv4::Ipv4;
use neighbour_wire::ipv6::Ipv6;
use neighbour_wire::ndisc::{Advert, Redirect, RouterAdvert, RouterSolicit, Solicit};
use neighbour_wire::{LlAddr, icmpv4, udp};
use serde_json::{Value, json};

const IGMP: u8 = 2;

/// Describes a frame. `None` for MLD and IGMP, which the recording leaves out.
pub fn describe(frame: &[u8]) -> Option<Description> {
    let mut fields = Description::new();
    let Ok(parsed) = Frame::parse(frame) else {
        put(&mut fields, "type", "malformed");
        return Some(fields);
    };
    put(&mut fields, "eth_dst", colons(&parsed.destination));
    put(&mut fields, "eth_src", colons(&parsed.source));
    match parsed.ethertype {
        ethertype::ARP => arp(&mut fields, parsed.payload),
        ethertype::IPV4 => ipv4(&mut fields, parsed.payload)?,
        ethertype::IPV6 => ipv6(&mut fields, parsed.payload)?,
        other => put(&mut fields, "type", format!("ethertype {other:#06x}")),
    }
    Some(fields)
}

/// Is it an answer: an ARP reply, an NA, an echo reply?
pub fn is_reply(description: &Description) -> bool {
    match description.get("type").and_then(Value::as_str) {
        Some("arp") => description.get("op").is_some_and(|op| op == "reply"),
        Some(kind) => matches!(kind, "na" | "echo_reply" | "icmp_echo_reply"),
        None => false,
    }
}

fn put(fields: &mut Description, name: &str, value: impl Into<Value>) {
    fields.insert(name.into(), value.into());
}

fn arp(fields: &mut Description, bytes: &[u8]) {
    put(fields, "type", "arp");
    let Ok(packet) = Packet::parse(bytes) else {
        return put(fields, "op", "malformed");
    };
    let op = match packet.op() {
        arp::op::REQUEST => "request".to_owned(),
        arp::op::REPLY => "reply".to_owned(),
        other => other.to_string(),
    };
    put(fields, "op", op);
    put(fields, "sha", colons(packet.sender_hw()));
    put(fields, "sip", dotted(packet.sender_protocol()));
    put(fields, "tha", colons(packet.target_hw()));
    put(fields, "tip", dotted(packet.target_protocol()));
}

fn ipv4(fields: &mut Description, bytes: &[u8]) -> Option<()> {
    let Ok(packet) = Ipv4::parse(bytes) else {
        put(fields, "type", "malformed IPv4");
        return Some(());
    };
    put(fields, "src", packet.source.to_string());
    put(fields, "dst", packet.destination.to_string());
    match (packet.protocol, packet.payload) {
        (IGMP, _) => return None,
        (udp::PROTOCOL, _) => put(fields, "type", "udp"),
        (icmpv4::PROTOCOL, [kind, code, ..]) => {
            let name = match *kind {
                icmpv4::kind::ECHO_REPLY => "icmp_echo_reply".to_owned(),
                icmpv4::kind::ECHO_REQUEST => "icmp_echo_request".to_owned(),
                other => format!("icmp_{other}"),
            };
            put(fields, "type", name);
            put(fields, "code", *code);
        }
        (other, _) => put(fields, "type", format!("protocol {other}")),
    }
    Some(())
}

fn ipv6(fields: &mut Description, bytes: &[u8]) -> Option<()> {
    let upper = Ipv6::parse(bytes).and_then(|packet| Ok((packet, packet.upper()?)));
    let Ok((packet, upper)) = upper else {
        put(fields, "type", "malformed IPv6");
        return Some(());
    };
    put(fields, "src", packet.source.to_string());
    put(fields, "dst", packet.destination.to_string());
    put(fields, "hop_limit", packet.hop_limit);
    match (upper.protocol, upper.payload) {
        (udp::PROTOCOL, _) => put(fields, "type", "udp"),
        (icmpv6::PROTOCOL, [kind::MLD_QUERY..=kind::MLD_DONE | kind::MLDV2_REPORT, ..]) => return None,
        (icmpv6::PROTOCOL, [kind, code, ..]) => {
            put(fields, "code", *code);
            let correct = icmpv6::checksum_ok(packet.source, packet.destination, upper.payload);
            put(fields, "csum_ok", correct);
            icmp(fields, *kind, upper.payload);
        }
        (other, _) => put(fields, "type", format!("protocol {other}")),
    }
    Some(())
}

fn icmp(fields: &mut Description, number: u8, bytes: &[u8]) {
    let (name, options) = match number {
        kind::RS => ("rs", RouterSolicit::parse(bytes).map(|message| message.options)),
        kind::RA => ("ra", RouterAdvert::parse(bytes).map(|message| message.options)),
        kind::NS => ("ns", {
            let message = Solicit::parse(bytes);
            message.iter().for_each(|message| put(fields, "target", message.target.to_string()));
            message.map(|message| message.options)
        }),
        kind::NA => ("na", {
            let message = Advert::parse(bytes);
            if let Some(message) = &message {
                put(fields, "target", message.target.to_string());
                put(fields, "R", u8::from(message.router));
                put(fields, "S", u8::from(message.solicited));
                put(fields, "O", u8::from(message.override_));
            }
            message.map(|message| message.options)
        }),
        kind::REDIRECT => ("redirect", Redirect::parse(bytes).map(|message| message.options)),
        kind::ECHO_REQUEST => ("echo", None),
        kind::ECHO_REPLY => ("echo_reply", None),
        other => return put(fields, "type", format!("icmpv6_{other}")),
    };
    put(fields, "type", name);
    if let Some(bytes) = options {
        put(fields, "opts", options_of(bytes));
    }
}

/// The options of an ND message, each with type, length in units of eight bytes, and contents.
fn options_of(mut bytes: &[u8]) -> Vec<Value> {
    let mut all = Vec::new();
    while let [kind, len @ 1..=255, ..] = *bytes {
        let Some((option, rest)) = bytes.split_at_checked(usize::from(len) * 8) else { break };
        all.push(json!({ "type": kind, "len": len, "data": colons(&option[2..]) }));
        bytes = rest;
    }
    if !bytes.is_empty() {
        all.push(json!("malformed"));
    }
    all
}

/// Bytes in hexadecimal with colons.
fn colons(bytes: &[u8]) -> String {
    match LlAddr::new(bytes) {
        Some(address) => address.to_string(),
        None => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"),
    }
}

fn dotted(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(".")
}
