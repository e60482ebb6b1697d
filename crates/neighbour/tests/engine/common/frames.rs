//! Frames for the engine, and what it sent, decoded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use neighbour::LlAddr;
use neighbour_wire::arp::{self, op};
use neighbour_wire::ethernet::{self, ethertype};
use neighbour_wire::icmpv6;
use neighbour_wire::ipv6::solicited_node;
use neighbour_wire::ndisc::{self, Header, Options};
use neighbour_wire::{ipv4, ipv6};

use super::{BROADCAST, MAC, PEER_MAC};

pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// A frame that the engine sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Arp {
        to: [u8; 6],
        request: bool,
        sender_hw: LlAddr,
        sender_ip: Ipv4Addr,
        target_hw: LlAddr,
        target_ip: Ipv4Addr,
    },
    Solicit {
        to: [u8; 6],
        source: Ipv6Addr,
        destination: Ipv6Addr,
        target: Ipv6Addr,
        lladdr: bool,
        nonce: Option<[u8; 6]>,
    },
    Advert {
        to: [u8; 6],
        source: Ipv6Addr,
        destination: Ipv6Addr,
        target: Ipv6Addr,
        /// R, S and O as `ip` would print them, `-` for those that are not set.
        flags: String,
        lladdr: bool,
    },
    /// An MLDv2 report: type of record and group, each.
    Report {
        source: Ipv6Addr,
        records: Vec<(u8, Ipv6Addr)>,
    },
    /// Any other IP packet.
    Ip {
        to: [u8; 6],
        packet: Vec<u8>,
    },
    Other(Vec<u8>),
}

impl Seen {
    /// Does it ask for `address`, and if so by unicast?
    pub fn solicits(&self, address: IpAddr) -> Option<bool> {
        match (self, address) {
            (Self::Arp { to, request: true, target_ip, .. }, IpAddr::V4(v4)) if *target_ip == v4 => {
                Some(*to != BROADCAST)
            }
            (Self::Solicit { to, target, .. }, IpAddr::V6(v6)) if *target == v6 => Some(to[0] & 1 == 0),
            _ => None,
        }
    }

    /// The tag of one of our own packets.
    pub fn tag(&self) -> Option<u8> {
        match self {
            Self::Ip { packet, .. } => packet.last().copied(),
            _ => None,
        }
    }
}

/// What a frame is.
#[track_caller]
pub fn decode(frame: &[u8]) -> Seen {
    let Ok(eth) = ethernet::Frame::parse(frame) else { return Seen::Other(frame.to_vec()) };
    let to = eth.destination;
    match eth.ethertype {
        ethertype::ARP => {
            let packet = arp::Packet::parse(eth.payload).expect("ARP of ours is whole");
            let arp = arp::Repr::parse(&packet).expect("ARP of ours is for IPv4");
            let arp::Repr { op, sender_hw, sender_ip, target_hw, target_ip, .. } = arp;
            Seen::Arp { to, request: op == op::REQUEST, sender_hw, sender_ip, target_hw, target_ip }
        }
        ethertype::IPV6 => decode_v6(to, eth.payload),
        ethertype::IPV4 => Seen::Ip { to, packet: eth.payload.to_vec() },
        _ => Seen::Other(frame.to_vec()),
    }
}

#[track_caller]
fn decode_v6(to: [u8; 6], packet: &[u8]) -> Seen {
    let header = ipv6::Ipv6::parse(packet).expect("IPv6 of ours is whole");
    let upper = header.upper().expect("IPv6 of ours is whole");
    let (source, destination, bytes) = (header.source, header.destination, upper.payload);
    if upper.protocol != icmpv6::PROTOCOL {
        return Seen::Ip { to, packet: packet.to_vec() };
    }
    assert!(icmpv6::checksum_ok(source, destination, bytes), "a checksum of ours is wrong (ND-6)");
    match bytes[0] {
        icmpv6::kind::NS => {
            assert_eq!(header.hop_limit, 255, "ND-6");
            let solicit = ndisc::Solicit::parse(bytes).expect("NS of ours is whole");
            let options = Options::parse(solicit.options).expect("options of ours are whole");
            let (lladdr, nonce) = (options.source_lladdr.is_some(), options.nonce_bytes());
            Seen::Solicit { to, source, destination, target: solicit.target, lladdr, nonce }
        }
        icmpv6::kind::NA => {
            assert_eq!(header.hop_limit, 255, "ND-6");
            let advert = ndisc::Advert::parse(bytes).expect("NA of ours is whole");
            let options = Options::parse(advert.options).expect("options of ours are whole");
            let flag = |set, name| if set { name } else { '-' };
            let flags = [flag(advert.router, 'R'), flag(advert.solicited, 'S'), flag(advert.override_, 'O')];
            let (target, lladdr) = (advert.target, options.target_lladdr.is_some());
            Seen::Advert { to, source, destination, target, flags: flags.iter().collect(), lladdr }
        }
        icmpv6::kind::MLDV2_REPORT => {
            assert_eq!(header.hop_limit, 1, "RFC 3810 section 5");
            let record = |bytes: &[u8]| {
                let group: [u8; 16] = bytes[4..20].try_into().expect("20 bytes each");
                (bytes[0], Ipv6Addr::from(group))
            };
            Seen::Report { source, records: bytes[8..].chunks(20).map(record).collect() }
        }
        // Router solicitations, and whatever else a host says of itself.
        _ => Seen::Other(packet.to_vec()),
    }
}

/// An IP packet from `source` to `destination` that ends in `tag`.
pub fn packet(source: IpAddr, destination: IpAddr, tag: u8) -> Vec<u8> {
    let mut packet = Vec::new();
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            ipv4::emit_header(&mut packet, source, destination, 253, 64, 20);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            ipv6::emit_header(&mut packet, source, destination, 253, 64, 0, 20);
        }
        _ => panic!("{source} and {destination} are of two families"),
    }
    packet.extend_from_slice(&[0; 19]);
    packet.push(tag);
    packet
}

/// Puts an Ethernet header from [`PEER_MAC`] before a payload.
pub fn eth(to: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    ethernet::emit_header(&mut frame, to, PEER_MAC, ethertype);
    frame.extend_from_slice(payload);
    frame
}

/// An ARP frame; `to` is its link-layer destination.
#[derive(Clone, Copy, Debug)]
pub struct Arp {
    pub to: [u8; 6],
    pub op: u16,
    pub sender_hw: [u8; 6],
    pub sender_ip: Ipv4Addr,
    pub target_hw: [u8; 6],
    pub target_ip: Ipv4Addr,
}

impl Arp {
    pub fn frame(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        let repr = arp::Repr {
            hardware_type: 1,
            op: self.op,
            sender_hw: self.sender_hw.into(),
            sender_ip: self.sender_ip,
            target_hw: self.target_hw.into(),
            target_ip: self.target_ip,
        };
        repr.emit(&mut payload);
        eth(self.to, ethertype::ARP, &payload)
    }
}

pub fn v4(address: IpAddr) -> Ipv4Addr {
    match address {
        IpAddr::V4(v4) => v4,
        IpAddr::V6(_) => panic!("{address} is no IPv4 address"),
    }
}

pub fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V6(v6) => v6,
        IpAddr::V4(_) => panic!("{address} is no IPv6 address"),
    }
}

/// An ARP reply to us by unicast: `sender` is at `mac`.
pub fn arp_reply(sender: IpAddr, mac: [u8; 6]) -> Arp {
    Arp {
        to: MAC,
        op: op::REPLY,
        sender_hw: mac,
        sender_ip: v4(sender),
        target_hw: MAC,
        target_ip: Ipv4Addr::new(192, 0, 2, 1),
    }
}

/// An ARP request to all: `sender`, who is at `mac`, asks for `target`.
pub fn arp_request(sender: IpAddr, mac: [u8; 6], target: IpAddr) -> Arp {
    Arp {
        to: BROADCAST,
        op: op::REQUEST,
        sender_hw: mac,
        sender_ip: v4(sender),
        target_hw: [0; 6],
        target_ip: v4(target),
    }
}

/// A neighbour advertisement.
#[derive(Clone, Copy, Debug)]
pub struct Na {
    pub source: Ipv6Addr,
    pub destination: Ipv6Addr,
    pub target: Ipv6Addr,
    pub router: bool,
    pub solicited: bool,
    pub overrides: bool,
    pub lladdr: Option<[u8; 6]>,
}

impl Na {
    pub fn frame(&self) -> Vec<u8> {
        let header = Header { source: self.source, destination: self.destination, traffic_class: 0 };
        let lladdr = self.lladdr.map(LlAddr::from);
        let mut packet = Vec::new();
        let Self { router, solicited, overrides, target, .. } = *self;
        ndisc::emit_advert(&mut packet, &header, router, solicited, overrides, target, lladdr.as_ref(), 0);
        eth(mac_of(self.destination), ethertype::IPV6, &packet)
    }
}

/// A solicited advertisement to us, without flags but S.
pub fn na(target: IpAddr, lladdr: Option<[u8; 6]>) -> Na {
    let destination = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let target = v6(target);
    Na { source: target, destination, target, router: false, solicited: true, overrides: false, lladdr }
}

/// A neighbour solicitation; by unicast if the destination is.
pub fn ns(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    target: Ipv6Addr,
    lladdr: Option<[u8; 6]>,
    nonce: Option<[u8; 6]>,
) -> Vec<u8> {
    let header = Header { source, destination, traffic_class: 0 };
    let mut packet = Vec::new();
    ndisc::emit_solicit(&mut packet, &header, target, lladdr.map(LlAddr::from).as_ref(), 0, nonce);
    eth(mac_of(destination), ethertype::IPV6, &packet)
}

/// A solicitation for `target` to its group, with the sender's address.
pub fn ns_multicast(source: IpAddr, mac: [u8; 6], target: IpAddr) -> Vec<u8> {
    ns(v6(source), solicited_node(&v6(target)), v6(target), Some(mac), None)
}

/// The link-layer destination of an IPv6 packet to us.
pub fn mac_of(destination: Ipv6Addr) -> [u8; 6] {
    let [.., c, d, e, f] = destination.octets();
    if destination.is_multicast() { [0x33, 0x33, c, d, e, f] } else { MAC }
}

/// The honest answer to a solicitation of ours.
pub fn answer(address: IpAddr, mac: [u8; 6]) -> Vec<u8> {
    match address {
        IpAddr::V4(_) => arp_reply(address, mac).frame(),
        IpAddr::V6(_) => Na { overrides: true, ..na(address, Some(mac)) }.frame(),
    }
}

/// What makes an entry STALE with this address: an ARP reply to all, an unsolicited advertisement with O.
pub fn hint(address: IpAddr, mac: [u8; 6]) -> Vec<u8> {
    match address {
        IpAddr::V4(_) => Arp { to: BROADCAST, ..arp_reply(address, mac) }.frame(),
        IpAddr::V6(_) => {
            let na = na(address, Some(mac));
            Na { overrides: true, solicited: false, destination: ALL_NODES, ..na }.frame()
        }
    }
}
