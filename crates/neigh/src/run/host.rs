//! What is above the neighbour layer: an IP host that answers echo requests and closed ports.
//!
//! It is smoltcp in its IP medium, one interface for each port of ours. The engine has decided already
//! that a packet is for this host, so smoltcp takes any address for its own; it knows our addresses only
//! to choose a source where a group was asked.

use neighbour::Prefix;
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpCidr};
use std::collections::VecDeque;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// ICMPv6's protocol number, and its echo request.
const ICMPV6: u8 = 58;
const ECHO_REQUEST: u8 = 128;

/// The host on one port.
pub(super) struct Host {
    interface: Interface,
    queue: Queue,
    sockets: SocketSet<'static>,
    /// Directed broadcast addresses, for which nothing is answered.
    broadcasts: Vec<Ipv4Addr>,
}

impl Host {
    pub(super) fn new(mtu: u32, seed: u64) -> Self {
        let mut queue = Queue { mtu: mtu as usize, received: VecDeque::new(), sent: Vec::new() };
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut queue, Instant::ZERO);
        interface.set_any_ip(true);
        Self { interface, queue, sockets: SocketSet::new(Vec::new()), broadcasts: Vec::new() }
    }

    /// The port's interface has another MTU, in bytes.
    pub(super) fn set_mtu(&mut self, mtu: u32) {
        self.queue.mtu = mtu as usize;
    }

    /// Tells the addresses that are in use on the port.
    pub(super) fn set_addresses(&mut self, addresses: &[Prefix]) {
        self.broadcasts = addresses.iter().filter_map(Prefix::broadcast).collect();
        self.interface.update_ip_addrs(|own| {
            own.clear();
            for prefix in addresses {
                // What does not fit is not needed to choose a source.
                let _full = own.push(IpCidr::new(prefix.address().into(), prefix.prefix_len()));
            }
        });
    }

    /// Takes a packet in, and gives what there is to answer.
    pub(super) fn handle(&mut self, since_start: Duration, packet: &[u8]) -> Vec<Vec<u8>> {
        if !self.is_answered(packet) {
            return Vec::new();
        }
        self.queue.received.push_back(packet.to_vec());
        let now = Instant::from_micros(i64::try_from(since_start.as_micros()).unwrap_or(i64::MAX));
        // A large answer leaves in fragments, one at each poll. 64 KiB are 120 of the smallest.
        for _ in 0..128 {
            let before = self.queue.sent.len();
            self.interface.poll(now, &mut self.queue, &mut self.sockets);
            if self.queue.received.is_empty() && self.queue.sent.len() == before {
                break;
            }
        }
        std::mem::take(&mut self.queue.sent)
    }

    /// Packets to groups get no answer, save an echo request over IPv6 (RFC 4443 section 2.4 e; Linux
    /// ignores broadcast pings unless told otherwise), and neither do those from nobody.
    fn is_answered(&self, packet: &[u8]) -> bool {
        match packet.first().map(|byte| byte >> 4) {
            Some(4) => {
                let address = |at: usize| packet.get(at..at + 4)?.try_into().ok().map(<[u8; 4]>::into);
                let (Some(source), Some(destination)) = (address(12), address(16)) else { return false };
                let (source, destination): (Ipv4Addr, Ipv4Addr) = (source, destination);
                let group = destination.is_multicast() || destination.is_broadcast();
                !group && !source.is_unspecified() && !self.broadcasts.contains(&destination)
            }
            Some(6) => {
                let address = |at: usize| packet.get(at..at + 16)?.try_into().ok().map(<[u8; 16]>::into);
                let (Some(source), Some(destination)) = (address(8), address(24)) else { return false };
                let (source, destination): (Ipv6Addr, Ipv6Addr) = (source, destination);
                let echo = packet.get(6) == Some(&ICMPV6) && packet.get(40) == Some(&ECHO_REQUEST);
                !source.is_unspecified() && (echo || !destination.is_multicast())
            }
            _ => false,
        }
    }
}

/// A device that is two queues.
struct Queue {
    mtu: usize,
    received: VecDeque<Vec<u8>>,
    sent: Vec<Vec<u8>>,
}

struct Received(Vec<u8>);
struct Sending<'a>(&'a mut Vec<Vec<u8>>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut packet = vec![0; len];
        let result = f(&mut packet);
        self.0.push(packet);
        result
    }
}

impl Device for Queue {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Sending<'_>)> {
        self.received.pop_front().map(|packet| (Received(packet), Sending(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        Some(Sending(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
