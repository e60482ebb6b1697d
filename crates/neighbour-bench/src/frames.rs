//! Frames that ask for us, and what counts as an answer.

use neighbour_wire::ethernet::{self, emit_header, ethertype};
use neighbour_wire::{LlAddr, arp, ipv6, ndisc};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Two questions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Question {
    /// An ARP request by broadcast.
    Arp,
    /// A neighbour solicitation by multicast.
    Solicitation,
}

impl Question {
    pub(crate) const BOTH: [Self; 2] = [Self::Arp, Self::Solicitation];

    /// As it stands in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Arp => "ARP requests",
            Self::Solicitation => "neighbour solicitations",
        }
    }

    /// The frame by which neighbour `n` (2 to 254) asks for 192.0.2.`target` or 2001:db8::`target`.
    pub(crate) fn frame(self, n: u8, target: u8) -> Vec<u8> {
        let mac = ASKER;
        let mut frame = Vec::new();
        match self {
            Self::Arp => {
                emit_header(&mut frame, [0xff; 6], mac, ethertype::ARP);
                let request = arp::Repr {
                    hardware_type: 1,
                    op: arp::op::REQUEST,
                    sender_hw: LlAddr::from(mac),
                    sender_ip: ipv4(n),
                    target_hw: LlAddr::EMPTY,
                    target_ip: ipv4(target),
                };
                request.emit(&mut frame);
            }
            Self::Solicitation => {
                let target = ipv6(target);
                let destination = ipv6::solicited_node(&target);
                let [.., a, b, c, d] = destination.octets();
                emit_header(&mut frame, [0x33, 0x33, a, b, c, d], mac, ethertype::IPV6);
                let header = ndisc::Header { source: ipv6(n), destination, traffic_class: 0 };
                ndisc::emit_solicit(&mut frame, &header, target, Some(&LlAddr::from(mac)), 0, None);
            }
        }
        frame
    }

    /// Whether a frame answers such a question.
    pub(crate) fn is_answered_by(self, frame: &[u8]) -> bool {
        match self {
            Self::Arp => frame.get(12..14) == Some(&[0x08, 0x06]) && frame.get(20..22) == Some(&[0, 2]),
            Self::Solicitation => {
                frame.get(12..14) == Some(&[0x86, 0xdd])
                    && frame.get(20) == Some(&58)
                    && frame.get(54) == Some(&136)
            }
        }
    }
}

/// The link-layer address of all who ask, and of all who answer.
pub(crate) const ASKER: [u8; 6] = [2, 2, 0, 0, 0, 2];

/// Appends the frame by which whoever `frame` asks for answers from [`ASKER`]; false if it asks for nobody.
pub(crate) fn answer(frame: &[u8], out: &mut Vec<u8>) -> bool {
    answer_to(frame, out).is_some()
}

fn answer_to(frame: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let frame = ethernet::Frame::parse(frame).ok()?;
    let lladdr = LlAddr::from(ASKER);
    match frame.ethertype {
        ethertype::ARP => {
            let asked = arp::Repr::parse(&arp::Packet::parse(frame.payload).ok()?).ok()?;
            if asked.op != arp::op::REQUEST {
                return None;
            }
            emit_header(out, frame.source, ASKER, ethertype::ARP);
            let reply = arp::Repr {
                op: arp::op::REPLY,
                sender_hw: lladdr,
                sender_ip: asked.target_ip,
                target_hw: asked.sender_hw,
                target_ip: asked.sender_ip,
                ..asked
            };
            reply.emit(out);
        }
        ethertype::IPV6 => {
            let (&source, message) =
                (frame.payload.get(8..24)?.first_chunk::<16>()?, frame.payload.get(40..)?);
            if frame.payload.get(6) != Some(&58) || message.first() != Some(&135) {
                return None;
            }
            let target = ndisc::Solicit::parse(message)?.target;
            emit_header(out, frame.source, ASKER, ethertype::IPV6);
            let header = ndisc::Header { source: target, destination: source.into(), traffic_class: 0 };
            ndisc::emit_advert(out, &header, false, true, true, target, Some(&lladdr), 0);
        }
        _ => return None,
    }
    Some(())
}

/// 192.0.2.`n`.
pub(crate) fn ipv4(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, n)
}

/// 2001:db8::`n`.
pub(crate) fn ipv6(n: u8) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_answered_by_its_answer_and_by_nothing_else() {
        for question in Question::BOTH {
            let asked = question.frame(7, 1);
            let mut answered = Vec::new();
            assert!(answer(&asked, &mut answered), "{question:?}");
            assert!(question.is_answered_by(&answered), "{question:?}");
            assert!(!question.is_answered_by(&asked), "{question:?}");
            assert!(!answer(&answered, &mut Vec::new()), "{question:?}");
        }
    }
}
