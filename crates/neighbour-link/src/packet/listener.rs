//! A link that is only listened to: whatever may be ARP or neighbour discovery, whoever it is for.

use super::PacketOptions;
use super::receiver::{Ears, Receiver};
use crate::interface::{Interface, Name};
use crate::{Info, LinkError, membership, sys};
use socket2::SockFilter;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// An existing interface that is listened to, and on which nothing is or can be sent.
///
/// It hears all stations (promiscuous), this machine included, and all that may be ARP or neighbour discovery: behind
/// tags of VLANs, LLC and IPv6 extension headers, too. Frames are as a [`Packet`](super::Packet) gives them: a tag that
/// was taken out is back in its place.
#[derive(Debug)]
pub struct Listener {
    receiver: Receiver,
    interface: Interface,
    ifindex: u32,
    down: bool,
}

impl Listener {
    /// Opens an interface by name.
    ///
    /// # Errors
    ///
    /// [`LinkError::Name`], [`LinkError::NoSuchInterface`], [`LinkError::NotEthernet`], [`LinkError::PacketDenied`],
    /// or what else the system says.
    pub fn open(name: &str) -> Result<Self, LinkError> {
        let interface = Interface::new(Name::new(name)?)?;
        let (info, hardware) = interface.info()?;
        if ![libc::ARPHRD_ETHER, libc::ARPHRD_LOOPBACK].contains(&hardware) {
            return Err(LinkError::NotEthernet { name: info.name, hardware });
        }
        let options = PacketOptions::default();
        let (receiver, down) = Receiver::open(name, info.ifindex, &discovery(), Ears::All, &options)?;
        membership::promiscuous(receiver.as_fd(), info.ifindex)
            .map_err(LinkError::system(name, "make it promiscuous"))?;
        Ok(Self { receiver, interface, ifindex: info.ifindex, down })
    }

    /// What the interface says about itself now.
    ///
    /// # Errors
    ///
    /// [`LinkError::NoSuchInterface`] if it was removed, renamed or moved to another namespace.
    pub fn info(&self) -> Result<Info, LinkError> {
        self.interface.info().map(|(info, _)| info)
    }

    /// Takes the next frame into `buf`, if there is one. Never waits.
    ///
    /// # Errors
    ///
    /// `ENODEV` once the interface was removed. That it is down is no error: nothing comes in.
    pub fn receive(&mut self, buf: &mut Vec<u8>) -> io::Result<bool> {
        buf.clear();
        if self.receiver.next(buf) {
            self.down = false;
            return Ok(true);
        }
        buf.clear();
        self.down |= self.receiver.take_error()?.is_some();
        if self.down && !sys::interface_exists(self.receiver.as_fd(), self.ifindex) {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        Ok(false)
    }

    /// How many frames were lost since it was opened, for want of room.
    pub fn losses(&mut self) -> u64 {
        self.receiver.losses()
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.receiver.as_fd()
    }
}

const LOAD_HALF: u16 = 0x28; // BPF_LD | BPF_H | BPF_ABS
const LOAD_BYTE: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
const IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const IF_AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K
const WHOLE_FRAME: u32 = 0x4_0000;

const IPV6: u32 = 0x86dd;
/// ARP, tags of VLANs, and what was in use before 802.1ad had a number.
const WHOLE: [u32; 4] = [0x0806, 0x8100, 0x88a8, 0x9100];
/// Lower values of the type are 802.3 lengths: LLC follows.
const TYPE_MIN: u32 = 0x600;
/// ICMPv6, and the extension headers that may stand before it.
const BEFORE_DISCOVERY: [u32; 5] = [58, 0, 43, 44, 60];

/// Passes what may be ARP or neighbour discovery. What is behind a tag or LLC is not looked into.
fn discovery() -> Vec<SockFilter> {
    let (types, headers) = (WHOLE.len() as u8, BEFORE_DISCOVERY.len() as u8);
    // From behind the comparison of lengths: types, IPv6 and its next header, "drop", and then "take".
    let take = types + 1 + 1 + headers + 1;
    let mut program = vec![
        SockFilter::new(LOAD_HALF, 0, 0, 12),
        SockFilter::new(IF_AT_LEAST, 0, take, TYPE_MIN), // an 802.3 length: take it
    ];
    for (at, kind) in (0..).zip(WHOLE) {
        program.push(SockFilter::new(IF_EQUAL, take - 1 - at, 0, kind));
    }
    program.push(SockFilter::new(IF_EQUAL, 0, 1 + headers, IPV6));
    program.push(SockFilter::new(LOAD_BYTE, 0, 0, 20));
    for (at, next) in (0..).zip(BEFORE_DISCOVERY) {
        program.push(SockFilter::new(IF_EQUAL, headers - at, 0, next));
    }
    program.push(SockFilter::new(RETURN, 0, 0, 0));
    program.push(SockFilter::new(RETURN, 0, 0, WHOLE_FRAME));
    program
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Socket, Type};
    use std::io::{Read, Write};

    /// The running kernel judges: a filter may be put on a local socket, which needs no privilege.
    fn takes(destination: [u8; 6], kind: u16, next_header: u8) -> bool {
        let (mut from, mut to) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
        to.attach_filter(&discovery()).unwrap();
        to.set_nonblocking(true).unwrap();
        let mut frame = [0; 60];
        frame[..6].copy_from_slice(&destination);
        frame[12..14].copy_from_slice(&kind.to_be_bytes());
        frame[20] = next_header;
        from.write_all(&frame).unwrap();
        to.read(&mut [0; 100]).is_ok_and(|len| len == frame.len())
    }

    #[test]
    fn it_takes_what_may_be_arp_or_discovery_whoever_it_is_for() {
        for destination in [[2, 9, 9, 9, 9, 9], [0xff; 6]] {
            for kind in [0x0806, 0x8100, 0x88a8, 0x9100, 0, 36, 1500, 0x5ff] {
                assert!(takes(destination, kind, 6), "{kind:#06x}");
            }
            for kind in [0x0800, 0x88cc, 0x0600, 0x0805, 0x86dc, 0xffff] {
                assert!(!takes(destination, kind, 58), "{kind:#06x}");
            }
            for next in 0..=u8::MAX {
                let expected = [0, 43, 44, 58, 60].contains(&next);
                assert_eq!(takes(destination, 0x86dd, next), expected, "{next}");
            }
        }
    }
}
