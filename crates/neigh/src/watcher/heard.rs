//! What a frame says, if it is ARP or neighbour discovery: however it is wrapped, and if any host might believe it.

use neighbour::LlAddr;
use neighbour_wire::arp::{self, op};
use neighbour_wire::ethernet::ethertype;
use neighbour_wire::icmpv6::{self, kind};
use neighbour_wire::ipv6::Ipv6;
use neighbour_wire::ndisc::{
    Advert, HOP_LIMIT, Icmp, Options, PrefixInfo, Redirect, RouterAdvert, RouterSolicit, Solicit,
    lladdr_from_option,
};
use neighbour_wire::peel::{Peeled, peel};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An Ethernet address.
pub(crate) type Mac = [u8; 6];

/// A link, and the VLAN on it: the same address in two VLANs is two stations.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Place {
    /// The number of the interface.
    pub(crate) link: u32,
    /// The outer VLAN id that is not 0, and the one within it.
    pub(crate) vlans: (u16, u16),
}

/// A message, and who sent it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Heard {
    pub(crate) place: Place,
    /// The frame's source.
    pub(crate) from: Mac,
    pub(crate) disguise: Option<Disguise>,
    pub(crate) said: Said,
}

/// Behind what a careless guard would not see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Disguise {
    Snap,
    /// With an 802.3 length that is not the frame's.
    WrongLength,
    Llc,
    /// So many tags of VLAN 0.
    PriorityTags(usize),
    Extensions,
    Fragment,
}

impl fmt::Display for Disguise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snap => f.write_str("behind LLC and SNAP"),
            Self::WrongLength => f.write_str("behind LLC with a wrong 802.3 length"),
            Self::Llc => f.write_str("behind LLC"),
            Self::PriorityTags(count) => write!(f, "behind {count} tags of VLAN 0"),
            Self::Extensions => f.write_str("behind IPv6 extension headers"),
            Self::Fragment => f.write_str("in an IPv6 fragment"),
        }
    }
}

/// What was said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// An ARP request or reply.
    Arp { reply: bool, sender: Ipv4Addr, lladdr: Mac, target: Ipv4Addr },
    /// A neighbour solicitation.
    Solicit { source: Ipv6Addr, lladdr: Option<Mac>, target: Ipv6Addr, nonce: Option<[u8; 6]> },
    /// A neighbour advertisement.
    Advert { target: Ipv6Addr, lladdr: Option<Mac>, solicited: bool },
    /// A router solicitation.
    RouterSolicit { source: Ipv6Addr, lladdr: Option<Mac> },
    /// A router advertisement.
    RouterAdvert { source: Ipv6Addr, lladdr: Option<Mac>, lifetime_s: u16, prefixes: Vec<PrefixInfo> },
    /// A redirect.
    Redirect { source: Ipv6Addr, target: Ipv6Addr, destination: Ipv6Addr, lladdr: Option<Mac> },
}

/// Why a frame says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Silence {
    /// It is about something else.
    Elsewhere,
    /// It is ARP or ND that no host believes: cut, of a wrong hop limit, code, checksum, length or option.
    Malformed,
}

/// Reads a frame that came by this link.
pub(crate) fn hear(link: u32, frame: &[u8]) -> Result<Heard, Silence> {
    let peeled = peel(frame).map_err(|_| Silence::Elsewhere)?;
    let outside = outer_disguise(&peeled);
    let (said, inside) = match peeled.ethertype {
        ethertype::ARP => (arp_says(peeled.payload)?, None),
        ethertype::IPV6 => discovery_says(peeled.payload)?,
        _ => return Err(Silence::Elsewhere),
    };
    let place = Place { link, vlans: (peeled.tags.outer, peeled.tags.inner) };
    Ok(Heard { place, from: peeled.source, disguise: outside.or(inside), said })
}

fn outer_disguise(peeled: &Peeled<'_>) -> Option<Disguise> {
    match peeled.llc {
        Some(llc) if !llc.is_right => Some(Disguise::WrongLength),
        Some(llc) if llc.snap => Some(Disguise::Snap),
        Some(_) => Some(Disguise::Llc),
        // One of them is what a switch adds.
        None => (peeled.tags.priority > 1).then_some(Disguise::PriorityTags(peeled.tags.priority)),
    }
}

/// `ARPHRD_IEEE802`, which hosts take for Ethernet's.
const HARDWARE_IEEE802: u16 = 6;

fn arp_says(payload: &[u8]) -> Result<Said, Silence> {
    let packet = arp::Packet::parse(payload).map_err(|_| Silence::Malformed)?;
    let repr = arp::Repr::parse(&packet).map_err(|_| Silence::Malformed)?;
    let lladdr = repr.sender_hw.mac().ok_or(Silence::Malformed)?;
    let ethernet = [arp::HARDWARE_ETHERNET, HARDWARE_IEEE802].contains(&repr.hardware_type);
    let reply = match repr.op {
        op::REQUEST if ethernet => false,
        op::REPLY if ethernet => true,
        _ => return Err(Silence::Malformed),
    };
    Ok(Said::Arp { reply, sender: repr.sender_ip, lladdr, target: repr.target_ip })
}

/// Where an IPv6 header says what follows it.
const NEXT_HEADER: usize = 6;

fn discovery_says(payload: &[u8]) -> Result<(Said, Option<Disguise>), Silence> {
    let direct = payload.get(NEXT_HEADER) == Some(&icmpv6::PROTOCOL);
    let broken = if direct { Silence::Malformed } else { Silence::Elsewhere };
    let packet = Ipv6::parse(payload).map_err(|_| broken)?;
    let upper = packet.upper().map_err(|_| Silence::Malformed)?;
    if upper.protocol != icmpv6::PROTOCOL {
        return Err(Silence::Elsewhere);
    }
    let fragment = upper.fragment.filter(|fragment| !fragment.is_atomic());
    // What is not the first fragment has no type.
    if fragment.is_some_and(|fragment| fragment.offset_bytes != 0) {
        return Err(Silence::Elsewhere);
    }
    let message = Icmp::parse(upper.payload).ok_or(broken)?;
    if !(kind::RS..=kind::REDIRECT).contains(&message.kind) {
        return Err(Silence::Elsewhere);
    }
    // The checksum of a fragment is that of the whole.
    let checked = fragment.is_some() || icmpv6::checksum_ok(packet.source, packet.destination, upper.payload);
    if packet.hop_limit != HOP_LIMIT || message.code != 0 || !checked {
        return Err(Silence::Malformed);
    }
    let said = message_says(packet.source, &message).ok_or(Silence::Malformed)?;
    let disguise = match (fragment, direct) {
        (Some(_), _) => Some(Disguise::Fragment),
        (None, false) => Some(Disguise::Extensions),
        (None, true) => None,
    };
    Ok((said, disguise))
}

fn message_says(source: Ipv6Addr, message: &Icmp<'_>) -> Option<Said> {
    let bytes = message.bytes;
    let options = |bytes| Options::parse(bytes).ok();
    // One of another length spoils the message; that there is none does not.
    let mac = |option: Option<&[u8]>| match option {
        None => Some(None),
        Some(option) => lladdr_from_option(option, 6, 0).map(|lladdr: LlAddr| lladdr.mac()),
    };
    let group = |address: Ipv6Addr| address.is_multicast();
    Some(match message.kind {
        kind::NS => {
            let solicit = Solicit::parse(bytes).filter(|solicit| !group(solicit.target))?;
            let options = options(solicit.options)?;
            let (lladdr, nonce) = (mac(options.source_lladdr)?, options.nonce_bytes());
            Said::Solicit { source, lladdr, target: solicit.target, nonce }
        }
        kind::NA => {
            let advert = Advert::parse(bytes).filter(|advert| !group(advert.target))?;
            let lladdr = mac(options(advert.options)?.target_lladdr)?;
            Said::Advert { target: advert.target, lladdr, solicited: advert.solicited }
        }
        kind::RS => {
            let lladdr = mac(options(RouterSolicit::parse(bytes)?.options)?.source_lladdr)?;
            Said::RouterSolicit { source, lladdr }
        }
        kind::RA => {
            let advert = RouterAdvert::parse(bytes).filter(|_| source.is_unicast_link_local())?;
            let options = options(advert.options)?;
            let prefixes = options.prefixes().take(PREFIXES_MAX).collect();
            let lladdr = mac(options.source_lladdr)?;
            Said::RouterAdvert { source, lladdr, lifetime_s: advert.lifetime_s, prefixes }
        }
        _ => {
            let redirect = Redirect::parse(bytes).filter(|_| source.is_unicast_link_local())?;
            let lladdr = mac(options(redirect.options)?.target_lladdr)?;
            Said::Redirect { source, target: redirect.target, destination: redirect.destination, lladdr }
        }
    })
}

/// Prefixes of one advertisement that are looked at.
const PREFIXES_MAX: usize = 16;

impl Said {
    /// The address asked for, and who asks, if it is a question.
    pub(crate) fn question(&self) -> Option<(IpAddr, IpAddr)> {
        match *self {
            Self::Arp { reply: false, sender, target, .. } if sender != target => {
                Some((target.into(), sender.into()))
            }
            Self::Solicit { source, target, .. } => Some((target.into(), source.into())),
            _ => None,
        }
    }

    /// The address that the sender wants to use, if nobody else does.
    pub(crate) fn wanted(&self) -> Option<(IpAddr, Option<[u8; 6]>)> {
        match *self {
            Self::Arp { reply: false, sender, target, .. } if sender.is_unspecified() => {
                Some((target.into(), None))
            }
            Self::Solicit { source, target, nonce, .. } if source.is_unspecified() => {
                Some((target.into(), nonce))
            }
            _ => None,
        }
    }
}
