//! The kernel reads only what concerns us: a classic BPF program over the frame's first bytes.
//!
//! A VLAN tag that the hardware or the kernel took out is not in those bytes, so the type seen there is
//! the one behind it; a tag that is still there has a type of its own. Both pass.

use socket2::SockFilter;

const LOAD_WORD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const LOAD_HALF: u16 = 0x28; // BPF_LD | BPF_H | BPF_ABS
const LOAD_BYTE: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
const IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const IF_ANY_BIT: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

/// More than any frame has: take all of it.
const WHOLE_FRAME: u32 = 0x4_0000;

/// ARP, IPv4, IPv6, and the tags of 802.1Q and 802.1ad.
const TYPES: [u32; 5] = [0x0806, 0x0800, 0x86dd, 0x8100, 0x88a8];

/// Passes frames to `mac` or to a group whose type is one of [`TYPES`].
pub(super) fn concerning(mac: [u8; 6]) -> Vec<SockFilter> {
    let [a, b, c, d, e, f] = mac;
    let head = u32::from_be_bytes([a, b, c, d]);
    let tail = u32::from(u16::from_be_bytes([e, f]));
    // Jumps count the instructions that are passed over; the last two are "drop" and "take".
    let types = TYPES.len() as u8;
    let mut program = vec![
        SockFilter::new(LOAD_BYTE, 0, 0, 0),
        SockFilter::new(IF_ANY_BIT, 4, 0, 1), // a group: go on at the type
        SockFilter::new(LOAD_WORD, 0, 0, 0),
        SockFilter::new(IF_EQUAL, 0, types + 3, head),
        SockFilter::new(LOAD_HALF, 0, 0, 4),
        SockFilter::new(IF_EQUAL, 0, types + 1, tail),
        SockFilter::new(LOAD_HALF, 0, 0, 12),
    ];
    for (at, kind) in (0..).zip(TYPES) {
        program.push(SockFilter::new(IF_EQUAL, types - at, 0, kind));
    }
    program.push(SockFilter::new(RETURN, 0, 0, 0));
    program.push(SockFilter::new(RETURN, 0, 0, WHOLE_FRAME));
    program
}

/// Tags of VLANs, and what was in use before 802.1ad had a number.
const TAGS: [u32; 3] = [0x8100, 0x88a8, 0x9100];
/// Lower values of the type are 802.3 lengths: LLC follows.
const TYPE_MIN: u32 = 0x600;
/// ICMPv6, and the extension headers that may stand before it.
const BEFORE_DISCOVERY: [u32; 5] = [58, 0, 43, 44, 60];
const IF_NOT_LESS: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K

/// Passes what may be ARP or neighbour discovery, whoever it is for. What is behind a tag or LLC is not looked into.
pub(super) fn discovery() -> Vec<SockFilter> {
    let whole: Vec<u32> = [0x0806].into_iter().chain(TAGS).collect();
    let (types, headers) = (whole.len() as u8, BEFORE_DISCOVERY.len() as u8);
    // From behind the comparisons of types: what IPv6 has next, then "drop", then "take".
    let take = types + 1 + 1 + headers + 1;
    let mut program = vec![
        SockFilter::new(LOAD_HALF, 0, 0, 12),
        SockFilter::new(IF_NOT_LESS, 0, take, TYPE_MIN), // an 802.3 length: take it
    ];
    for (at, kind) in (0..).zip(&whole) {
        program.push(SockFilter::new(IF_EQUAL, take - 1 - at, 0, *kind));
    }
    program.push(SockFilter::new(IF_EQUAL, 0, 1 + headers, 0x86dd));
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

    const OURS: [u8; 6] = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55];

    /// The running kernel judges: a filter may be put on a local socket, which needs no privilege.
    fn takes(program: &[SockFilter], frame: &[u8]) -> bool {
        let (mut from, mut to) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
        to.attach_filter(program).unwrap();
        to.set_nonblocking(true).unwrap();
        from.write_all(frame).unwrap();
        to.read(&mut [0; 100]).is_ok_and(|len| len == frame.len())
    }

    fn frame(destination: [u8; 6], kind: u16, next_header: u8) -> [u8; 60] {
        let mut frame = [0; 60];
        frame[..6].copy_from_slice(&destination);
        frame[12..14].copy_from_slice(&kind.to_be_bytes());
        frame[20] = next_header;
        frame
    }

    fn passes(destination: [u8; 6], kind: u16) -> bool {
        takes(&concerning(OURS), &frame(destination, kind, 0))
    }

    #[test]
    fn who_watches_takes_what_may_be_arp_or_discovery_whoever_it_is_for() {
        for destination in [OURS, [2, 9, 9, 9, 9, 9], [0xff; 6]] {
            let takes = |kind, next| takes(&discovery(), &frame(destination, kind, next));
            for kind in [0x0806, 0x8100, 0x88a8, 0x9100, 0, 36, 1500, 0x5ff] {
                assert!(takes(kind, 6), "{kind:#06x}");
            }
            for kind in [0x0800, 0x88cc, 0x0600, 0x0805, 0x86dc, 0xffff] {
                assert!(!takes(kind, 58), "{kind:#06x}");
            }
            for next in 0..=u8::MAX {
                assert_eq!(takes(0x86dd, next), [0, 43, 44, 58, 60].contains(&next), "{next}");
            }
        }
    }

    #[test]
    fn frames_to_us_and_to_groups_pass_if_their_type_concerns_us() {
        let group = [0x33, 0x33, 0, 0, 0, 1];
        for kind in [0x0806, 0x0800, 0x86dd, 0x8100, 0x88a8] {
            for destination in [OURS, [0xff; 6], group] {
                assert!(passes(destination, kind), "{destination:x?} {kind:#06x}");
            }
        }
        for kind in [0x0027, 0x88cc, 0x86dc, 0x0805, 0] {
            for destination in [OURS, [0xff; 6], group] {
                assert!(!passes(destination, kind), "{destination:x?} {kind:#06x}");
            }
        }
    }

    #[test]
    fn frames_to_other_hosts_do_not_pass() {
        for at in 0..6 {
            let mut other = OURS;
            // Bit 0 of byte 0 would make it a group.
            other[at] ^= 0x02;
            assert!(!passes(other, 0x0806), "{other:x?}");
        }
    }

    #[test]
    fn what_is_shorter_than_a_header_does_not_pass() {
        let (mut from, mut to) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
        to.attach_filter(&concerning(OURS)).unwrap();
        to.set_nonblocking(true).unwrap();
        for len in 1..14 {
            from.write_all(&[0xff; 14][..len]).unwrap();
        }
        assert!(to.read(&mut [0; 100]).is_err());
    }
}
