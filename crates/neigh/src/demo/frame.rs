//! A frame as the demo sees it: who says what to whom, the same words for ARP and for ND.

use neighbour::Family;
use neighbour_link::{Direction, Time};
use neighbour_wire::ethernet::{Frame, ethertype};
use neighbour_wire::ipv4::Ipv4;
use neighbour_wire::ipv6::Ipv6;
use neighbour_wire::ndisc::{Advert, Options, Solicit, lladdr_from_option};
use neighbour_wire::udp::{self, Datagram};
use neighbour_wire::{arp, icmpv4, icmpv6};
use std::fmt;
use std::net::IpAddr;

/// An Ethernet address.
pub(crate) type Mac = [u8; 6];

/// A frame that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// When it passed.
    pub(crate) at: Time,
    /// Which way, seen from our host.
    pub(crate) direction: Direction,
    /// The Ethernet destination.
    pub(crate) to: Mac,
    /// The Ethernet source.
    pub(crate) from: Mac,
    /// What it says.
    pub(crate) what: What,
}

/// What a frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// An ARP request or a neighbour solicitation.
    Solicit { target: IpAddr, source: IpAddr },
    /// An ARP reply or a neighbour advertisement. A reply is always solicited; `lladdr` is what it claims.
    Answer { target: IpAddr, lladdr: Option<Mac>, solicited: bool },
    /// An ICMP or ICMPv6 echo request or reply.
    Echo { source: IpAddr, destination: IpAddr, reply: bool, seq: u16 },
    /// A UDP datagram.
    Datagram { source: IpAddr, destination: IpAddr, port: u16 },
    /// Something else, by name.
    Other(&'static str),
}

impl Sighting {
    /// Reads a frame. One that cannot be read is still seen.
    pub(crate) fn new(at: Time, direction: Direction, bytes: &[u8]) -> Self {
        let address =
            |from: usize| bytes.get(from..from + 6).and_then(|b| b.try_into().ok()).unwrap_or_default();
        let what = read(bytes).unwrap_or(What::Other("unreadable frame"));
        Self { at, direction, to: address(0), from: address(6), what }
    }

    /// The family whose neighbours it concerns, if it is one of those that the story is about.
    pub(crate) fn family(&self) -> Option<Family> {
        match &self.what {
            What::Solicit { target, .. } | What::Answer { target, .. } => Some(Family::of(*target)),
            What::Echo { source, .. } | What::Datagram { source, .. } => Some(Family::of(*source)),
            What::Other(_) => None,
        }
    }

    /// Whether it went to a group: broadcast or multicast.
    pub(crate) const fn to_group(&self) -> bool {
        self.to[0] & 1 == 1
    }
}

fn read(bytes: &[u8]) -> Option<What> {
    let frame = Frame::parse(bytes).ok()?;
    match frame.ethertype {
        ethertype::ARP => read_arp(frame.payload),
        ethertype::IPV4 => read_v4(frame.payload),
        ethertype::IPV6 => read_v6(frame.payload),
        _ => Some(What::Other("neither ARP nor IP")),
    }
}

fn read_arp(bytes: &[u8]) -> Option<What> {
    let arp = arp::Repr::parse(&arp::Packet::parse(bytes).ok()?).ok()?;
    let (sender, target) = (arp.sender_ip.into(), arp.target_ip.into());
    match arp.op {
        arp::op::REQUEST => Some(What::Solicit { target, source: sender }),
        arp::op::REPLY => Some(What::Answer { target: sender, lladdr: arp.sender_hw.mac(), solicited: true }),
        _ => None,
    }
}

fn read_v4(bytes: &[u8]) -> Option<What> {
    let packet = Ipv4::parse(bytes).ok()?;
    let (source, destination) = (packet.source.into(), packet.destination.into());
    match packet.protocol {
        icmpv4::PROTOCOL => {
            let Some(echo) = icmpv4::parse_echo(packet.payload) else { return Some(What::Other("ICMP")) };
            Some(What::Echo { source, destination, reply: echo.reply, seq: echo.seq })
        }
        udp::PROTOCOL => {
            let port = Datagram::parse(packet.payload)?.destination_port;
            Some(What::Datagram { source, destination, port })
        }
        _ => Some(What::Other("other IPv4")),
    }
}

fn read_v6(bytes: &[u8]) -> Option<What> {
    let packet = Ipv6::parse(bytes).ok()?;
    let (source, destination) = (packet.source.into(), packet.destination.into());
    let upper = packet.upper().ok()?;
    match upper.protocol {
        icmpv6::PROTOCOL => {}
        udp::PROTOCOL => {
            let port = Datagram::parse(upper.payload)?.destination_port;
            return Some(What::Datagram { source, destination, port });
        }
        _ => return Some(What::Other("other IPv6")),
    }
    let message = upper.payload;
    match *message.first()? {
        icmpv6::kind::NS => Some(What::Solicit { target: Solicit::parse(message)?.target.into(), source }),
        icmpv6::kind::NA => {
            let advert = Advert::parse(message)?;
            let option = Options::parse(advert.options).ok()?.target_lladdr;
            let lladdr = option.and_then(|option| lladdr_from_option(option, 6, 0)).and_then(|a| a.mac());
            Some(What::Answer { target: advert.target.into(), lladdr, solicited: advert.solicited })
        }
        icmpv6::kind::RS => Some(What::Other("router solicitation")),
        icmpv6::kind::MLD_REPORT | icmpv6::kind::MLDV2_REPORT => Some(What::Other("multicast report")),
        _ => {
            let Some(echo) = icmpv6::parse_echo(message) else { return Some(What::Other("ICMPv6")) };
            Some(What::Echo { source, destination, reply: echo.reply, seq: echo.seq })
        }
    }
}

/// `ARP who-has 192.0.2.1 tell 192.0.2.2 (broadcast)` and the like.
impl fmt::Display for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Solicit { target: target @ IpAddr::V4(_), source } => {
                write!(f, "ARP who-has {target} tell {source}")?;
            }
            What::Solicit { target, source } => write!(f, "NS  who-has {target} tell {source}")?,
            What::Answer { target, lladdr, solicited } => {
                let protocol = if target.is_ipv4() { "ARP" } else { "NA " };
                write!(f, "{protocol} {target} is-at ")?;
                match lladdr {
                    Some(mac) => write!(f, "{}", ShownMac(*mac))?,
                    None => write!(f, "the sender's address")?,
                }
                if !solicited {
                    write!(f, ", unsolicited")?;
                }
            }
            What::Echo { destination, reply, seq, .. } => {
                let kind = if *reply { "reply" } else { "request" };
                let protocol = if destination.is_ipv4() { "ICMP" } else { "ICMPv6" };
                write!(f, "{protocol} echo {kind} {seq} to {destination}")?;
            }
            What::Datagram { destination, port, .. } => write!(f, "UDP to {destination} port {port}")?,
            What::Other(name) => write!(f, "{name}")?,
        }
        match self.to {
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => write!(f, " (broadcast)"),
            mac if self.to_group() => write!(f, " (multicast {})", ShownMac(mac)),
            mac => write!(f, " (unicast {})", ShownMac(mac)),
        }
    }
}

/// An Ethernet address as `ip` prints it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShownMac(pub(crate) Mac);

impl fmt::Display for ShownMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&neighbour::LlAddr::from(self.0), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neighbour_wire::LlAddr;

    const AT: Time = Time::from_millis(7);
    const HOST: Mac = [2, 0, 0, 0, 0, 1];

    fn seen(frame: &[u8]) -> Sighting {
        Sighting::new(AT, Direction::Out, frame)
    }

    fn ethernet(to: Mac, kind: u16) -> Vec<u8> {
        let mut frame = Vec::new();
        neighbour_wire::ethernet::emit_header(&mut frame, to, HOST, kind);
        frame
    }

    #[test]
    fn an_arp_request_asks_everybody() {
        let mut frame = ethernet([0xff; 6], ethertype::ARP);
        let request = arp::Repr {
            hardware_type: arp::HARDWARE_ETHERNET,
            op: arp::op::REQUEST,
            sender_hw: HOST.into(),
            sender_ip: [192, 0, 2, 2].into(),
            target_hw: LlAddr::EMPTY,
            target_ip: [192, 0, 2, 1].into(),
        };
        request.emit(&mut frame);
        let sighting = seen(&frame);
        assert_eq!(sighting.to_string(), "ARP who-has 192.0.2.1 tell 192.0.2.2 (broadcast)");
        assert_eq!((sighting.from, sighting.to_group(), sighting.family()), (HOST, true, Some(Family::Inet)));
    }

    #[test]
    fn an_echo_request_names_its_number_and_the_address_it_went_to() {
        let mut frame = ethernet([2, 0, 0, 0, 0, 9], ethertype::IPV6);
        let echo = neighbour_wire::echo::Echo { reply: false, id: 1, seq: 5, payload: b"x" };
        let (source, to) = ("2001:db8::2".parse().unwrap(), "2001:db8::1".parse().unwrap());
        icmpv6::emit_echo(&mut frame, source, to, 64, &echo);
        let text = seen(&frame).to_string();
        assert_eq!(text, "ICMPv6 echo request 5 to 2001:db8::1 (unicast 02:00:00:00:00:09)");
    }

    #[test]
    fn a_frame_cut_short_is_seen_as_unreadable() {
        let mut frame = ethernet([0xff; 6], ethertype::ARP);
        frame.extend_from_slice(&[0, 1, 8]);
        for length in 0..frame.len() {
            assert_eq!(seen(&frame[..length]).what, What::Other("unreadable frame"), "{length} bytes");
        }
    }
}
