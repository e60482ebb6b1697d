//! Frames of hosts, built and read with `neighbour-wire`.

use neighbour::LlAddr;
use neighbour_wire::ethernet::{self, Frame, ethertype};
use neighbour_wire::icmpv6::kind;
use neighbour_wire::ipv4::{self, Ipv4};
use neighbour_wire::ipv6::{self, Ipv6, solicited_node};
use neighbour_wire::ndisc::{self, Header, PrefixInfo, RouterAdvertRepr};
use neighbour_wire::{arp, icmpv6};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) type Mac = [u8; 6];
pub(crate) const BROADCAST: Mac = [0xff; 6];
pub(crate) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// RFC 3692: for experiments.
pub(crate) const EXPERIMENT: u8 = 253;
const MAGIC: [u8; 4] = *b"NSIM";
/// An IPv4 header without options.
const V4_HEADER: usize = 20;
/// Bytes of [`Tag`] on the wire.
const TAG_LEN: usize = 20;

/// What a packet of a flow carries, so that whoever gets it knows what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tag {
    pub(crate) flow: u16,
    pub(crate) reply: bool,
    /// Made by the wire: it counts as nothing.
    pub(crate) copy: bool,
    /// Which pair of hosts of the flow.
    pub(crate) pair: u32,
    /// When it was sent, in microseconds.
    pub(crate) sent: u64,
}

impl Tag {
    fn bytes(self) -> [u8; TAG_LEN] {
        let mut bytes = [0; TAG_LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&self.flow.to_be_bytes());
        bytes[6] = u8::from(self.reply) | u8::from(self.copy) << 1;
        bytes[8..12].copy_from_slice(&self.pair.to_be_bytes());
        bytes[12..].copy_from_slice(&self.sent.to_be_bytes());
        bytes
    }

    fn parse(payload: &[u8]) -> Option<Self> {
        let bytes: &[u8; TAG_LEN] = payload.first_chunk()?;
        let [m0, m1, m2, m3, f0, f1, bits, _, p0, p1, p2, p3, sent @ ..] = *bytes;
        (MAGIC == [m0, m1, m2, m3]).then(|| Self {
            flow: u16::from_be_bytes([f0, f1]),
            reply: bits & 1 != 0,
            copy: bits & 2 != 0,
            pair: u32::from_be_bytes([p0, p1, p2, p3]),
            sent: u64::from_be_bytes(sent),
        })
    }
}

/// An IP packet of a flow, `len` bytes long.
pub(crate) fn packet(source: IpAddr, destination: IpAddr, tag: Tag, len: usize) -> Vec<u8> {
    let mut packet = Vec::with_capacity(len + 16);
    header(&mut packet, source, destination, len);
    packet.extend_from_slice(&tag.bytes());
    packet.resize(len.max(packet.len()), 0);
    packet
}

fn header(packet: &mut Vec<u8>, source: IpAddr, destination: IpAddr, len: usize) {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let payload = len.saturating_sub(V4_HEADER).max(TAG_LEN);
            ipv4::emit_header(packet, source, destination, EXPERIMENT, 64, payload);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let payload = len.saturating_sub(ipv6::HEADER_LEN).max(TAG_LEN);
            ipv6::emit_header(packet, source, destination, EXPERIMENT, 64, 0, payload);
        }
        _ => {}
    }
}

/// A scanner's packet in a frame; the buffer is used again.
pub(crate) fn probe(frame: &mut Vec<u8>, to: Mac, from: Mac, source: IpAddr, destination: IpAddr) {
    frame.clear();
    ethernet::emit_header(frame, to, from, kind_of(destination));
    header(frame, source, destination, 64);
    let end = ethernet::HEADER_LEN + 64;
    frame.resize(end, 0);
}

fn kind_of(address: IpAddr) -> u16 {
    if address.is_ipv4() { ethertype::IPV4 } else { ethertype::IPV6 }
}

/// An IP packet in a frame.
pub(crate) fn framed(to: Mac, from: Mac, packet: &[u8]) -> Vec<u8> {
    let kind = if packet.first().is_some_and(|b| b >> 4 == 4) { ethertype::IPV4 } else { ethertype::IPV6 };
    let mut frame = Vec::with_capacity(ethernet::HEADER_LEN + packet.len());
    ethernet::emit_header(&mut frame, to, from, kind);
    frame.extend_from_slice(packet);
    frame
}

/// Who speaks: an address and its hardware address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Speaker {
    pub(crate) address: IpAddr,
    pub(crate) mac: Mac,
}

fn arp_frame(
    to: Mac,
    op: u16,
    from: Speaker,
    sender: Ipv4Addr,
    target_hw: Mac,
    target_ip: Ipv4Addr,
) -> Vec<u8> {
    let repr = arp::Repr {
        hardware_type: arp::HARDWARE_ETHERNET,
        op,
        sender_hw: from.mac.into(),
        sender_ip: sender,
        target_hw: target_hw.into(),
        target_ip,
    };
    let mut frame = Vec::with_capacity(42);
    ethernet::emit_header(&mut frame, to, from.mac, ethertype::ARP);
    repr.emit(&mut frame);
    frame
}

/// "Who has `target`?", to all or, if it is known where, to that one.
pub(crate) fn ask(from: Speaker, target: IpAddr, known: Option<Mac>) -> Vec<u8> {
    match (from.address, target) {
        (IpAddr::V4(sender), IpAddr::V4(target)) => {
            let to = known.unwrap_or(BROADCAST);
            arp_frame(to, arp::op::REQUEST, from, sender, [0; 6], target)
        }
        (IpAddr::V6(source), IpAddr::V6(target)) => {
            let destination = if known.is_some() { target } else { solicited_node(&target) };
            let mut frame = Vec::with_capacity(86);
            let to = known.unwrap_or_else(|| group_mac(destination));
            ethernet::emit_header(&mut frame, to, from.mac, ethertype::IPV6);
            let header = Header { source, destination, traffic_class: 0 };
            ndisc::emit_solicit(&mut frame, &header, target, Some(&LlAddr::from(from.mac)), 0, None);
            frame
        }
        _ => Vec::new(),
    }
}

/// "I am at ...", to whoever asked.
pub(crate) fn answer(from: Speaker, to: Speaker) -> Vec<u8> {
    match (from.address, to.address) {
        (IpAddr::V4(sender), IpAddr::V4(target)) => {
            arp_frame(to.mac, arp::op::REPLY, from, sender, to.mac, target)
        }
        (IpAddr::V6(_), IpAddr::V6(destination)) => advert(from, to.mac, destination, true),
        _ => Vec::new(),
    }
}

/// A gratuitous ARP request or reply, or an unsolicited advertisement.
pub(crate) fn announce(from: Speaker, reply: bool) -> Vec<u8> {
    match from.address {
        IpAddr::V4(own) => {
            let (op, target) = if reply { (arp::op::REPLY, from.mac) } else { (arp::op::REQUEST, [0; 6]) };
            arp_frame(BROADCAST, op, from, own, target, own)
        }
        IpAddr::V6(_) => advert(from, group_mac(ALL_NODES), ALL_NODES, false),
    }
}

fn advert(from: Speaker, to: Mac, destination: Ipv6Addr, solicited: bool) -> Vec<u8> {
    let IpAddr::V6(target) = from.address else { return Vec::new() };
    let header = Header { source: target, destination, traffic_class: 0 };
    advert_frame(to, from.mac, &header, target, Some(from.mac), [false, solicited, true])
}

/// The flags are those of router, solicited and override.
fn advert_frame(
    to: Mac,
    from: Mac,
    header: &Header,
    target: Ipv6Addr,
    lladdr: Option<Mac>,
    [router, solicited, overrides]: [bool; 3],
) -> Vec<u8> {
    let mut frame = Vec::with_capacity(86);
    ethernet::emit_header(&mut frame, to, from, ethertype::IPV6);
    let lladdr = lladdr.map(LlAddr::from);
    ndisc::emit_advert(&mut frame, header, router, solicited, overrides, target, lladdr.as_ref(), 0);
    frame
}

/// An advertisement of `target` to 2001:db8::1, which is at `to`, with any flags.
pub(crate) fn na(target: IpAddr, lladdr: Option<Mac>, to: Mac, flags: [bool; 3]) -> Vec<u8> {
    let IpAddr::V6(target) = target else { return Vec::new() };
    let destination = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let header = Header { source: target, destination, traffic_class: 0 };
    advert_frame(to, lladdr.unwrap_or([2, 0, 0, 0, 0, 2]), &header, target, lladdr, flags)
}

/// A solicitation for `target`, who is at `at`, to its group or to itself.
pub(crate) fn ns(source: IpAddr, target: IpAddr, lladdr: Option<Mac>, at: Mac, multicast: bool) -> Vec<u8> {
    let (IpAddr::V6(source), IpAddr::V6(target)) = (source, target) else { return Vec::new() };
    let destination = if multicast { solicited_node(&target) } else { target };
    let to = if multicast { group_mac(destination) } else { at };
    let mut frame = Vec::with_capacity(86);
    ethernet::emit_header(&mut frame, to, lladdr.unwrap_or([2, 0, 0, 0, 0, 2]), ethertype::IPV6);
    let header = Header { source, destination, traffic_class: 0 };
    ndisc::emit_solicit(&mut frame, &header, target, lladdr.map(LlAddr::from).as_ref(), 0, None);
    frame
}

/// An advertisement of a router that has a prefix of its own.
pub(crate) fn router_advert(n: u32, mac: Mac) -> Vec<u8> {
    let [a, b, c, d] = n.to_be_bytes();
    let halves = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
    let source = Ipv6Addr::new(0xfe80, 0, 0, 0, 0xbad, 0, halves[0], halves[1]);
    let prefix = PrefixInfo {
        prefix_len: 64,
        on_link: true,
        autonomous: true,
        valid_s: 2_592_000,
        preferred_s: 604_800,
        prefix: Ipv6Addr::new(0x2001, 0xdb8, 0xbad, halves[1], 0, 0, 0, 0),
    };
    let advert = RouterAdvertRepr {
        cur_hop_limit: 64,
        lifetime_s: 1800,
        source_lladdr: Some(mac.into()),
        prefixes: &[prefix],
        ..Default::default()
    };
    let mut frame = Vec::new();
    ethernet::emit_header(&mut frame, group_mac(ALL_NODES), mac, ethertype::IPV6);
    ndisc::emit_router_advert(
        &mut frame,
        &Header { source, destination: ALL_NODES, traffic_class: 0 },
        &advert,
    );
    frame
}

/// RFC 2464 section 7.
pub(crate) fn group_mac(group: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

/// What hosts understand of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// Somebody looks for `target`.
    Asked { target: IpAddr, by: Speaker },
    /// Somebody says where `of` is.
    Told { of: Speaker },
    /// An IP packet for somebody, with its tag if a flow's.
    Packet { source: IpAddr, destination: IpAddr, experiment: bool, tag: Option<Tag> },
    /// Anything else.
    Other,
}

/// Reads a frame; where it goes to on the link comes with it.
pub(crate) fn hear(bytes: &[u8]) -> Option<(Mac, Heard)> {
    let frame = Frame::parse(bytes).ok()?;
    let heard = match frame.ethertype {
        ethertype::ARP => hear_arp(frame.payload),
        ethertype::IPV4 => Ipv4::parse(frame.payload)
            .ok()
            .map(|p| hear_packet(p.source.into(), p.destination.into(), p.protocol, p.payload)),
        ethertype::IPV6 => hear_v6(frame.payload, frame.source),
        _ => None,
    };
    Some((frame.destination, heard.unwrap_or(Heard::Other)))
}

fn hear_arp(payload: &[u8]) -> Option<Heard> {
    let repr = arp::Repr::parse(&arp::Packet::parse(payload).ok()?).ok()?;
    let sender = Speaker { address: repr.sender_ip.into(), mac: repr.sender_hw.mac()? };
    Some(match repr.op {
        // A gratuitous request tells.
        arp::op::REQUEST if repr.sender_ip == repr.target_ip => Heard::Told { of: sender },
        arp::op::REQUEST => Heard::Asked { target: repr.target_ip.into(), by: sender },
        arp::op::REPLY => Heard::Told { of: sender },
        _ => Heard::Other,
    })
}

fn hear_packet(source: IpAddr, destination: IpAddr, protocol: u8, payload: &[u8]) -> Heard {
    let experiment = protocol == EXPERIMENT;
    let tag = if experiment { Tag::parse(payload) } else { None };
    Heard::Packet { source, destination, experiment, tag }
}

fn hear_v6(payload: &[u8], from: Mac) -> Option<Heard> {
    let packet = Ipv6::parse(payload).ok()?;
    if packet.next_header != icmpv6::PROTOCOL {
        let (source, destination) = (packet.source.into(), packet.destination.into());
        return Some(hear_packet(source, destination, packet.next_header, packet.payload));
    }
    let by = Speaker { address: packet.source.into(), mac: from };
    match packet.payload.first().copied() {
        Some(kind::NS) => {
            let solicit = ndisc::Solicit::parse(packet.payload)?;
            Some(Heard::Asked { target: solicit.target.into(), by })
        }
        Some(kind::NA) => {
            let advert = ndisc::Advert::parse(packet.payload)?;
            let options = ndisc::Options::parse(advert.options).ok()?;
            let mac =
                options.target_lladdr.and_then(|o| ndisc::lladdr_from_option(o, 6, 0)).and_then(|a| a.mac());
            Some(Heard::Told { of: Speaker { address: advert.target.into(), mac: mac.unwrap_or(from) } })
        }
        _ => Some(Heard::Other),
    }
}

/// The tag of a flow's packet, without a link-layer header.
pub(crate) fn tag_of(packet: &[u8]) -> Option<Tag> {
    match packet.first()? >> 4 {
        4 => {
            Ipv4::parse(packet).ok().filter(|p| p.protocol == EXPERIMENT).and_then(|p| Tag::parse(p.payload))
        }
        _ => Ipv6::parse(packet)
            .ok()
            .filter(|p| p.next_header == EXPERIMENT)
            .and_then(|p| Tag::parse(p.payload)),
    }
}

/// Is it a packet of a flow or an attacker? All others have other protocols.
pub(crate) fn is_experiment(frame: &[u8]) -> bool {
    match frame.get(12..14) {
        Some([0x08, 0x00]) => frame.get(23) == Some(&EXPERIMENT),
        Some([0x86, 0xdd]) => frame.get(20) == Some(&EXPERIMENT),
        _ => false,
    }
}

/// Is it an IP packet that somebody offered: of a flow, or any where the engine has none of its own?
pub(crate) fn is_ip_of_ours(frame: &[u8], own_packets: bool) -> bool {
    match frame.get(12..14) {
        Some([0x08, 0x00] | [0x86, 0xdd]) => !own_packets || is_experiment(frame),
        _ => false,
    }
}

/// Is it a neighbour solicitation?
pub(crate) fn is_solicitation(frame: &[u8]) -> bool {
    let icmp = frame.get(12..14) == Some(&[0x86, 0xdd]) && frame.get(20) == Some(&icmpv6::PROTOCOL);
    icmp && frame.get(54) == Some(&kind::NS)
}

/// Marks the flow's packet in a frame as the wire's copy.
pub(crate) fn mark_copy(frame: &mut [u8]) {
    let at = match frame.get(12..14) {
        Some([0x08, 0x00]) => ethernet::HEADER_LEN + V4_HEADER + 6,
        Some([0x86, 0xdd]) => ethernet::HEADER_LEN + ipv6::HEADER_LEN + 6,
        _ => return,
    };
    let tagged = frame.get(at - 6..at - 2) == Some(&MAGIC);
    if let Some(bits) = frame.get_mut(at).filter(|_| tagged) {
        *bits |= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speaker(address: &str, last: u8) -> Speaker {
        Speaker { address: address.parse().unwrap(), mac: [2, 0, 0, 0, 0, last] }
    }

    #[test]
    fn hosts_understand_what_hosts_say() {
        for (a, b) in [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")] {
            let (a, b) = (speaker(a, 1), speaker(b, 2));
            let asked = ask(a, b.address, None);
            let (to, heard) = hear(&asked).unwrap();
            assert!(to[0] & 1 == 1, "to a group");
            assert_eq!(heard, Heard::Asked { target: b.address, by: a });
            assert_eq!(hear(&ask(a, b.address, Some(b.mac))).unwrap().0, b.mac);
            assert_eq!(hear(&answer(b, a)), Some((a.mac, Heard::Told { of: b })));
            for reply in [false, true] {
                assert_eq!(hear(&announce(b, reply)).unwrap().1, Heard::Told { of: b });
            }
            let tag = Tag { flow: 7, reply: true, copy: false, pair: 70_000, sent: 1 << 40 };
            let mut frame = framed(b.mac, a.mac, &packet(a.address, b.address, tag, 100));
            assert_eq!(frame.len(), 114);
            assert_eq!(tag_of(&frame[14..]), Some(tag));
            mark_copy(&mut frame);
            assert_eq!(tag_of(&frame[14..]), Some(Tag { copy: true, ..tag }));
            let mut scan = Vec::new();
            probe(&mut scan, b.mac, a.mac, a.address, b.address);
            assert_eq!((scan.len(), tag_of(&scan[14..])), (78, None));
        }
    }
}
