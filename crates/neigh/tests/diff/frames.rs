//! Frames of the neighbours, and what the hosts sent, in words.

use crate::step::{MAC, OWN_V4, OWN_V6, PEERS, Step, neighbour};
use neighbour_wire::arp::{self, op};
use neighbour_wire::echo::Echo;
use neighbour_wire::ethernet::{self, Frame, ethertype};
use neighbour_wire::ipv4::Ipv4;
use neighbour_wire::ipv6::{Ipv6, solicited_node};
use neighbour_wire::ndisc::{self, Advert, Header, Options, RouterAdvertRepr, Solicit};
use neighbour_wire::{LlAddr, icmpv4, icmpv6};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const BROADCAST: [u8; 6] = [0xff; 6];
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

fn v4(n: u8) -> Ipv4Addr {
    match neighbour(n) {
        IpAddr::V4(v4) => v4,
        IpAddr::V6(_) => unreachable!("the first three are IPv4"),
    }
}

fn v6(n: u8) -> Ipv6Addr {
    match neighbour(n) {
        IpAddr::V6(v6) => v6,
        // A step of an IPv6 message with an IPv4 neighbour: its namesake.
        IpAddr::V4(_) => v6(n + 3),
    }
}

fn group_mac(group: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

fn frame(to: [u8; 6], from: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    ethernet::emit_header(&mut frame, to, from, kind);
    frame.extend_from_slice(payload);
    frame
}

/// The frame of a step, if it is one; `overrides` false: without the override flag.
pub(crate) fn of(step: &Step, overriding: bool) -> Option<Vec<u8>> {
    let mut packet = Vec::new();
    Some(match *step {
        Step::Arp { request, sender, lladdr, target, broadcast } => {
            let from = PEERS[usize::from(lladdr)];
            arp::Repr {
                hardware_type: 1,
                op: if request { op::REQUEST } else { op::REPLY },
                sender_hw: from.into(),
                sender_ip: sender.map_or(Ipv4Addr::UNSPECIFIED, v4),
                target_hw: if request { LlAddr::EMPTY } else { MAC.into() },
                target_ip: target.map_or(OWN_V4, v4),
            }
            .emit(&mut packet);
            frame(if broadcast { BROADCAST } else { MAC }, from, ethertype::ARP, &packet)
        }
        Step::Solicit { sender, lladdr, option, multicast } => {
            let from = PEERS[usize::from(lladdr)];
            let source = sender.map_or(Ipv6Addr::UNSPECIFIED, v6);
            let multicast = multicast || sender.is_none();
            let destination = if multicast { solicited_node(&OWN_V6) } else { OWN_V6 };
            let header = Header { source, destination, traffic_class: 0 };
            let own = LlAddr::from(from);
            let option = (option && sender.is_some()).then_some(&own);
            ndisc::emit_solicit(&mut packet, &header, OWN_V6, option, 0, None);
            frame(if multicast { group_mac(destination) } else { MAC }, from, ethertype::IPV6, &packet)
        }
        Step::Advert { neighbour, lladdr, option, router, solicited, overrides, multicast } => {
            let from = PEERS[usize::from(lladdr)];
            let destination = if multicast { ALL_NODES } else { OWN_V6 };
            let header = Header { source: v6(neighbour), destination, traffic_class: 0 };
            let own = LlAddr::from(from);
            let option = option.then_some(&own);
            ndisc::emit_advert(
                &mut packet,
                &header,
                router,
                solicited,
                overrides && overriding,
                v6(neighbour),
                option,
                0,
            );
            frame(if multicast { group_mac(destination) } else { MAC }, from, ethertype::IPV6, &packet)
        }
        Step::RouterSolicit { sender, lladdr, option } => {
            let from = PEERS[usize::from(lladdr)];
            let header = Header { source: v6(sender), destination: ALL_ROUTERS, traffic_class: 0 };
            let own = LlAddr::from(from);
            ndisc::emit_router_solicit(&mut packet, &header, option.then_some(&own), 0);
            frame(group_mac(ALL_ROUTERS), from, ethertype::IPV6, &packet)
        }
        Step::RouterAdvert { sender, lladdr, option } => {
            let from = PEERS[usize::from(lladdr)];
            // Routers speak from link-local addresses.
            let [.., last] = v6(sender).segments();
            let source = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last);
            let header = Header { source, destination: ALL_NODES, traffic_class: 0 };
            let source_lladdr = option.then_some(from.into());
            let advert =
                RouterAdvertRepr { cur_hop_limit: 64, lifetime_s: 1800, source_lladdr, ..Default::default() };
            ndisc::emit_router_advert(&mut packet, &header, &advert);
            frame(group_mac(ALL_NODES), from, ethertype::IPV6, &packet)
        }
        Step::Echo { neighbour: n, lladdr } => {
            let from = PEERS[usize::from(lladdr)];
            match neighbour(n) {
                IpAddr::V4(source) => {
                    let echo = Echo { reply: false, id: 7, seq: 1, payload: b"neighbour" };
                    icmpv4::emit_echo(&mut packet, source, OWN_V4, 64, &echo);
                    frame(MAC, from, ethertype::IPV4, &packet)
                }
                IpAddr::V6(source) => {
                    let echo = Echo { reply: false, id: 7, seq: 1, payload: b"neighbour" };
                    icmpv6::emit_echo(&mut packet, source, OWN_V6, 64, &echo);
                    frame(MAC, from, ethertype::IPV6, &packet)
                }
            }
        }
        _ => return None,
    })
}

fn mac(bytes: [u8; 6]) -> String {
    match bytes {
        BROADCAST => "all".into(),
        bytes if bytes == PEERS[0] => "A".into(),
        bytes if bytes == PEERS[1] => "B".into(),
        bytes if bytes == MAC => "us".into(),
        bytes => LlAddr::from(bytes).to_string(),
    }
}

/// Whom a frame of a host concerns, and what it says; none for what is left out: multicast listener and router
/// discovery, whose timing is drawn by lot.
pub(crate) fn describe(bytes: &[u8]) -> Option<(String, String)> {
    let frame = Frame::parse(bytes).ok()?;
    let to = mac(frame.destination);
    match frame.ethertype {
        ethertype::ARP => {
            let repr = arp::Repr::parse(&arp::Packet::parse(frame.payload).ok()?).ok()?;
            let what = match repr.op {
                op::REQUEST => "asks",
                _ => "replies",
            };
            let hw = |lladdr: LlAddr| lladdr.mac().map(mac).unwrap_or_default();
            let text = format!(
                "ARP {what} {} ({}) -> {} ({}) to {to}",
                repr.sender_ip,
                hw(repr.sender_hw),
                repr.target_ip,
                hw(repr.target_hw)
            );
            Some((repr.target_ip.to_string(), text))
        }
        ethertype::IPV4 => {
            let packet = Ipv4::parse(frame.payload).ok()?;
            let text = format!("IPv4 protocol {} type {:?} to {to}", packet.protocol, packet.payload.first());
            Some((packet.destination.to_string(), text))
        }
        ethertype::IPV6 => {
            let packet = Ipv6::parse(frame.payload).ok()?;
            let upper = packet.upper().ok()?;
            let (from, destination) = (packet.source, packet.destination);
            let lladdr = |options: &Options<'_>| {
                let option = options.source_lladdr.or(options.target_lladdr);
                option.and_then(|o| ndisc::lladdr_from_option(o, 6, 0)).and_then(|l| l.mac()).map(mac)
            };
            match upper.payload.first()? {
                130..=133 | 143 => None,
                135 => {
                    let ns = Solicit::parse(upper.payload)?;
                    let text = format!(
                        "NS {from} -> {destination} for {} option {:?} to {to}",
                        ns.target,
                        lladdr(&Options::parse(ns.options).ok()?)
                    );
                    Some((ns.target.to_string(), text))
                }
                136 => {
                    let na = Advert::parse(upper.payload)?;
                    let flags = format!(
                        "{}{}{}",
                        u8::from(na.router),
                        u8::from(na.solicited),
                        u8::from(na.override_)
                    );
                    let text = format!(
                        "NA {from} -> {destination} for {} RSO {flags} option {:?} to {to}",
                        na.target,
                        lladdr(&Options::parse(na.options).ok()?)
                    );
                    Some((destination.to_string(), text))
                }
                kind => Some((destination.to_string(), format!("IPv6 type {kind} to {to}"))),
            }
        }
        other => Some(("?".into(), format!("{other:#06x} to {to}"))),
    }
}
