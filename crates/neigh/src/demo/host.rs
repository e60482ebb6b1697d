//! A host: an engine on a link, and as little above it as the story needs, echo of ICMP, ICMPv6 and UDP.

use super::frame::Mac;
use anyhow::Context;
use neighbour::{Config, Device, DeviceId, Engine, Event, Family, Input, Instant, Prefix, Sent};
use neighbour_link::{Link, Time};
use neighbour_wire::echo::Echo;
use neighbour_wire::ipv4::Ipv4;
use neighbour_wire::ipv6::Ipv6;
use neighbour_wire::udp::{self, Datagram};
use neighbour_wire::{icmpv4, icmpv6};
use std::net::IpAddr;

/// UDP's echo port (RFC 862).
pub(crate) const ECHO_PORT: u16 = 7;

/// Identifier of our echo requests.
const ECHO_ID: u16 = 0x6e62;

const HOP_LIMIT: u8 = 64;

/// What the upper layers of a host were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// An echo reply.
    EchoReply { source: IpAddr, seq: u16 },
    /// A UDP datagram to another port than echo.
    Datagram { source: IpAddr },
}

/// An engine with one device, its link, and its upper layers.
pub(crate) struct Host {
    pub(crate) engine: Engine,
    pub(crate) device: DeviceId,
    link: Box<dyn Link>,
    buffer: Vec<u8>,
    /// Frames that the link refused.
    pub(crate) refused: u64,
}

impl Host {
    /// A host with these addresses. `parameters` are set before its device exists, which takes them over.
    pub(crate) fn new(
        seed: u64,
        mac: Mac,
        addresses: &[Prefix],
        parameters: &[(&str, &str)],
        link: Box<dyn Link>,
    ) -> anyhow::Result<Self> {
        let mut engine = Engine::new(Config::default().seed(seed));
        for (name, value) in parameters {
            engine
                .set(Instant::ZERO, name, value)
                .with_context(|| format!("the parameter {name}={value}"))?;
        }
        let device = Device::ethernet("demo0", mac);
        let device = addresses.iter().fold(device, |device, prefix| device.address(*prefix));
        let device = engine.add_device(Instant::ZERO, device)?;
        Ok(Self { engine, device, link, buffer: Vec::new(), refused: 0 })
    }

    /// Does what is due and takes one frame that came in. Adds what the upper layers were told; whether a frame
    /// moved.
    pub(crate) fn turn(&mut self, now: Time, told: &mut Vec<Told>) -> anyhow::Result<bool> {
        let instant = Instant::since_start(now);
        self.engine.handle_timeout(instant);
        let mut moved = self.send_out(now);
        let mut frame = std::mem::take(&mut self.buffer);
        if self.link.receive(now, &mut frame).context("receiving a frame")? {
            moved = true;
            if let Input::Ip(packet) = self.engine.handle_frame(instant, self.device, &frame) {
                told.extend(self.upper(instant, packet));
            }
            self.send_out(now);
        }
        self.buffer = frame;
        Ok(moved)
    }

    /// What the engine tells, until it has no more.
    pub(crate) fn events(&mut self) -> impl Iterator<Item = Event> + '_ {
        std::iter::from_fn(|| self.engine.poll_event())
    }

    /// When [`turn`](Self::turn) is due.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let engine = self.engine.poll_timeout().map(Instant::elapsed_since_start);
        engine.into_iter().chain(self.link.next_deadline()).min()
    }

    /// The link, for `poll(2)`.
    pub(crate) fn link(&self) -> &dyn Link {
        &*self.link
    }

    /// Sends an echo request from its own address to a neighbour.
    pub(crate) fn ping(&mut self, now: Time, own: IpAddr, to: IpAddr, seq: u16) -> Sent {
        let echo = Echo { reply: false, id: ECHO_ID, seq, payload: b"neighbour demo" };
        let packet = echo_packet(own, to, &echo);
        let sent = self.engine.send(Instant::since_start(now), self.device, to, packet);
        self.send_out(now);
        sent
    }

    /// Sends a UDP datagram to a neighbour's echo port.
    pub(crate) fn datagram(&mut self, now: Time, own: IpAddr, to: IpAddr, port: u16, payload: &[u8]) -> Sent {
        let packet = udp_packet(own, to, port, ECHO_PORT, payload);
        let sent = self.engine.send(Instant::since_start(now), self.device, to, packet);
        self.send_out(now);
        sent
    }

    /// Puts the engine's frames on the link.
    pub(crate) fn send_out(&mut self, now: Time) -> bool {
        let mut moved = false;
        while let Some(transmit) = self.engine.poll_transmit() {
            moved = true;
            self.refused += u64::from(self.link.transmit(now, &transmit.frame).is_err());
        }
        self.refused += u64::from(moved && self.link.flush().is_err());
        moved
    }

    /// Answers a packet for this host, or tells what came of it.
    fn upper(&mut self, now: Instant, packet: &[u8]) -> Option<Told> {
        let (source, destination, protocol, payload) = take_apart(packet)?;
        let echo = match protocol {
            icmpv4::PROTOCOL => icmpv4::parse_echo(payload),
            icmpv6::PROTOCOL => icmpv6::parse_echo(payload),
            _ => None,
        };
        let answer = if let Some(echo) = echo {
            if echo.reply {
                return (echo.id == ECHO_ID).then_some(Told::EchoReply { source, seq: echo.seq });
            }
            echo_packet(destination, source, &Echo { reply: true, ..echo })
        } else if protocol == udp::PROTOCOL {
            let datagram = Datagram::parse(payload)?;
            if datagram.destination_port != ECHO_PORT {
                return Some(Told::Datagram { source });
            }
            udp_packet(destination, source, ECHO_PORT, datagram.source_port, datagram.payload)
        } else {
            return None;
        };
        // Refused answers are lost, as on any host.
        let _ = self.engine.send_ip(now, answer, Some(self.device));
        None
    }
}

fn take_apart(packet: &[u8]) -> Option<(IpAddr, IpAddr, u8, &[u8])> {
    if packet.first()? >> 4 == 4 {
        let v4 = Ipv4::parse(packet).ok()?;
        return Some((v4.source.into(), v4.destination.into(), v4.protocol, v4.payload));
    }
    let v6 = Ipv6::parse(packet).ok()?;
    let upper = v6.upper().ok()?;
    Some((v6.source.into(), v6.destination.into(), upper.protocol, upper.payload))
}

/// Addresses of two families make no packet; the engine refuses the empty one.
pub(crate) fn echo_packet(from: IpAddr, to: IpAddr, echo: &Echo<'_>) -> Vec<u8> {
    let mut packet = Vec::new();
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => icmpv4::emit_echo(&mut packet, from, to, HOP_LIMIT, echo),
        (IpAddr::V6(from), IpAddr::V6(to)) => icmpv6::emit_echo(&mut packet, from, to, HOP_LIMIT, echo),
        _ => {}
    }
    packet
}

fn udp_packet(from: IpAddr, to: IpAddr, from_port: u16, to_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            udp::emit_ipv4(&mut packet, from, to, from_port, to_port, payload);
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            udp::emit_ipv6(&mut packet, from, to, from_port, to_port, payload);
        }
        _ => {}
    }
    packet
}

/// The number of an echo request of ours that came back as undeliverable.
pub(crate) fn echo_seq(packet: &[u8]) -> Option<(Family, u16)> {
    let (_, destination, protocol, payload) = take_apart(packet)?;
    let echo = match protocol {
        icmpv4::PROTOCOL => icmpv4::parse_echo(payload)?,
        icmpv6::PROTOCOL => icmpv6::parse_echo(payload)?,
        _ => return None,
    };
    (!echo.reply && echo.id == ECHO_ID).then(|| (Family::of(destination), echo.seq))
}
