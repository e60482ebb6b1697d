//! Frames in: whose they are, what they carry, and who takes them.

use crate::arp::Via;
use crate::conf::{Conf4, Conf6};
use crate::device::HeaderOps;
use crate::event::RouteType;
use crate::ndisc::Message;
use crate::{DeviceId, DropReason, Engine, Sent};
use core::net::{IpAddr, Ipv6Addr};
use neighbour_wire::ethernet::{Frame, FrameError, ethertype};
use neighbour_wire::icmp_error::Error;
use neighbour_wire::icmpv6::{self, kind};
use neighbour_wire::ipv4::Ipv4;
use neighbour_wire::ipv6::Ipv6;

/// What became of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Input<'f> {
    /// An IP packet for this host: the caller's.
    Ip(&'f [u8]),
    /// ARP or neighbour discovery, done.
    Consumed,
    /// A packet of others, passed on (`conf/forwarding`).
    Forwarded(Sent),
    /// Dropped and counted under this reason.
    Dropped(DropReason),
}

/// The link-layer destination of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum To {
    Us,
    Group,
    Other,
}

impl Engine {
    /// Takes in a frame.
    pub(crate) fn receive<'f>(&mut self, device: DeviceId, frame: &'f [u8]) -> Input<'f> {
        match self.classify(device, frame) {
            Ok(input) => input,
            Err(reason) => {
                self.drops.count(reason);
                Input::Dropped(reason)
            }
        }
    }

    fn classify<'f>(&mut self, device: DeviceId, frame: &'f [u8]) -> Result<Input<'f>, DropReason> {
        let (to, ethertype, payload) = self.strip_header(device, frame)?;
        if to == To::Other {
            return Err(DropReason::OtherHost);
        }
        match ethertype {
            ethertype::ARP => self
                .arp_receive(device, if to == To::Us { Via::Unicast } else { Via::Group }, payload)
                .map(|()| Input::Consumed),
            ethertype::IPV4 => self.receive_v4(device, to == To::Us, payload),
            ethertype::IPV6 => self.receive_v6(device, to == To::Us, payload),
            _ => Err(DropReason::UnknownProtocol),
        }
    }

    /// Takes the link-layer header off.
    fn strip_header<'f>(&self, device: DeviceId, frame: &'f [u8]) -> Result<(To, u16, &'f [u8]), DropReason> {
        let own = self.device(device).filter(|d| d.up).ok_or(DropReason::DeviceDown)?;
        let to = |destination: &[u8]| match destination {
            d if d == own.lladdr.as_bytes() => To::Us,
            d if d == own.broadcast.as_bytes() || own.kind.is_group(d) => To::Group,
            _ => To::Other,
        };
        match (own.header, own.addr_len()) {
            (HeaderOps::None, _) => match frame.first().map(|b| b >> 4) {
                Some(4) => Ok((To::Us, ethertype::IPV4, frame)),
                Some(6) => Ok((To::Us, ethertype::IPV6, frame)),
                Some(_) => Err(DropReason::UnknownProtocol),
                None => Err(DropReason::FrameTruncated),
            },
            (_, 6) => {
                let frame = Frame::parse(frame).map_err(|e| match e {
                    FrameError::VlanTagged(_) => DropReason::FrameVlan,
                    FrameError::Llc => DropReason::FrameLlc,
                    _ => DropReason::FrameTruncated,
                })?;
                Ok((to(&frame.destination), frame.ethertype, frame.payload))
            }
            (_, len) => {
                let (destination, rest) = frame.split_at_checked(len).ok_or(DropReason::FrameTruncated)?;
                let (&[hi, lo, _, _], payload) =
                    rest.split_first_chunk().ok_or(DropReason::FrameTruncated)?;
                Ok((to(destination), u16::from_be_bytes([hi, lo]), payload))
            }
        }
    }

    fn receive_v4<'f>(
        &mut self,
        device: DeviceId,
        to_us: bool,
        bytes: &'f [u8],
    ) -> Result<Input<'f>, DropReason> {
        let own = self.device(device).ok_or(DropReason::DeviceDown)?;
        own.parms[0].as_ref().ok_or(DropReason::NoFamily)?;
        let packet = Ipv4::parse(bytes).map_err(|_| DropReason::IpMalformed)?;
        let class = self.classify_v4(packet.destination);
        let to_all = matches!(class, RouteType::Broadcast | RouteType::Multicast);
        let unset_ok = packet.source.is_unspecified() && to_all;
        if !unset_ok && (packet.source.is_unspecified() || !self.valid_source_v4(device, packet.source)) {
            return Err(DropReason::IpBadSource);
        }
        let nowhere = packet.destination.is_unspecified() && !packet.source.is_unspecified();
        if nowhere || (packet.destination.is_loopback() && !own.is_loopback()) {
            return Err(DropReason::IpNotForUs);
        }
        if class == RouteType::Unicast {
            let forwards = to_us && own.conf4_own(Conf4::Forwarding) != 0;
            return match forwards {
                true => {
                    let whole = bytes.get(..packet.total_len).unwrap_or(bytes);
                    self.forward_v4(device, &packet, whole).map(Input::Forwarded)
                }
                false => Err(DropReason::IpNotForUs),
            };
        }
        if class == RouteType::Local && Self::is_redirect_v4(&packet) {
            return self.redirect_receive_v4(device, &packet).map(|()| Input::Consumed);
        }
        Ok(Input::Ip(bytes.get(..packet.total_len).unwrap_or(bytes)))
    }

    fn receive_v6<'f>(
        &mut self,
        device: DeviceId,
        to_us: bool,
        bytes: &'f [u8],
    ) -> Result<Input<'f>, DropReason> {
        let own = self.device(device).ok_or(DropReason::DeviceDown)?;
        own.parms[1].as_ref().ok_or(DropReason::NoFamily)?;
        let packet = Ipv6::parse(bytes).map_err(|_| DropReason::IpMalformed)?;
        let (source, destination) = (packet.source, packet.destination);
        let loopback = source.is_loopback() || destination.is_loopback();
        if source.is_multicast() || destination.is_unspecified() || (loopback && !own.is_loopback()) {
            return Err(DropReason::IpBadSource);
        }
        // Groups of interface scope stay within the host (RFC 4291 section 2.7).
        if destination.is_multicast() && destination.octets()[1] & 0x0f <= 1 && !own.is_loopback() {
            return Err(DropReason::IpNotForUs);
        }
        let ours = self.is_for_us_v6(device, destination);
        let proxied = !ours && self.is_proxied_v6(device, destination);
        if !ours && !proxied {
            return self.pass_on_v6(device, to_us, &packet, bytes);
        }
        let whole = bytes.get(..40 + packet.payload.len()).unwrap_or(bytes);
        let upper = packet.upper().map_err(|_| DropReason::IpMalformed)?;
        let first = upper.fragment.is_none_or(|f| f.offset_bytes == 0);
        let icmp = upper.payload.first().copied().filter(|_| first);
        let nd = upper.protocol == 58 && icmp.is_some_and(|k| (kind::RS..=kind::REDIRECT).contains(&k));
        let query = upper.protocol == 58 && icmp == Some(kind::MLD_QUERY);
        if !nd && !query {
            if ours {
                return Ok(Input::Ip(whole));
            }
            if destination.is_unicast_link_local() {
                // PXY-20: nobody but us can reach it from there.
                self.send_error(device, Error::Unreachable, whole);
                return Err(DropReason::Unreachable);
            }
            return self.pass_on_v6(device, to_us, &packet, bytes);
        }
        if upper.fragment.is_some_and(|f| f.more) {
            return Err(DropReason::NdFragment); // ND of several fragments is never needed (RFC 6980)
        }
        if !icmpv6::checksum_ok(source, destination, upper.payload) {
            return Err(DropReason::NdChecksum);
        }
        if query {
            if packet.hop_limit == 1 {
                self.mld_query(device, source, upper.payload); // RFC 3810 section 5.1.14
            }
            return Ok(Input::Consumed);
        }
        let own_switch = |conf| self.device(device).map_or(0, |d| d.conf6_own(conf));
        if upper.fragment.is_some() && own_switch(Conf6::SuppressFragNdisc) != 0 {
            return Err(DropReason::NdFragment); // ND-16
        }
        if packet.hop_limit != 255 {
            return Err(DropReason::NdHopLimit);
        }
        let message = Message { device, to_us, from_queue: false, source, destination, bytes: upper.payload };
        self.ndisc_receive(&message).map(|()| Input::Consumed)
    }

    fn pass_on_v6<'f>(
        &mut self,
        device: DeviceId,
        to_us: bool,
        packet: &Ipv6<'_>,
        bytes: &'f [u8],
    ) -> Result<Input<'f>, DropReason> {
        if !to_us || packet.destination.is_multicast() || self.own_conf6(device, Conf6::Forwarding) == 0 {
            return Err(DropReason::IpNotForUs);
        }
        let whole = bytes.get(..40 + packet.payload.len()).unwrap_or(bytes);
        self.forward_v6(device, packet, whole).map(Input::Forwarded)
    }

    /// An own address, or a group that was joined.
    fn is_for_us_v6(&self, device: DeviceId, destination: Ipv6Addr) -> bool {
        if destination.is_multicast() {
            return self.has_group(device, destination);
        }
        let anycast = || self.device(device).is_some_and(|d| d.subnet_routers().any(|a| a == destination));
        self.local_v6(destination, device).is_some() || anycast()
    }

    /// A router hands ND for a proxied address in, with the global switch (PXY-20).
    fn is_proxied_v6(&self, device: DeviceId, destination: Ipv6Addr) -> bool {
        self.conf6_all.get(Conf6::ProxyNdp as usize) != 0
            && self.own_conf6(device, Conf6::Forwarding) != 0
            && self.proxies.find(destination.into(), Some(device)).is_some()
    }

    /// Is `address` an own one that is in use, on any device?
    pub fn is_local(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.local_v4(v4).is_some(),
            IpAddr::V6(v6) => self.devices().any(|d| self.local_v6(v6, d.id) == Some(d.id)),
        }
    }
}
