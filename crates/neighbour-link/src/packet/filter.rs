//! The kernel reads only what concerns us, and sorts it: two classic BPF programs over the frame's first bytes, of which
//! one passes what neighbours say of themselves and the other all else.
//!
//! A VLAN tag that the hardware or the kernel took out is not in those bytes, so the type seen there is
//! the one behind it; a tag that is still there has a type of its own, and passes with all else.

use socket2::SockFilter;

const LOAD_WORD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const LOAD_HALF: u16 = 0x28; // BPF_LD | BPF_H | BPF_ABS
const LOAD_BYTE: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
const LOAD_LENGTH: u16 = 0x80; // BPF_LD | BPF_W | BPF_LEN
const IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const IF_GREATER: u16 = 0x25; // BPF_JMP | BPF_JGT | BPF_K
const IF_AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const IF_ANY_BIT: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

/// More than any frame has: take all of it.
const WHOLE_FRAME: u32 = 0x4_0000;

const IPV4: u32 = 0x0800;
const ARP: u32 = 0x0806;
const IPV6: u32 = 0x86dd;
/// The tags of 802.1Q and 802.1ad.
const TAGS: [u32; 2] = [0x8100, 0x88a8];

/// IPv6's next header, when it is ICMPv6, and where the type of the message stands then.
const ICMPV6: u32 = 58;
const NEXT_HEADER_AT: u32 = 14 + 6;
const MESSAGE_AT: u32 = 14 + 40;
/// What no router has lowered: neighbour discovery comes from the link, or it is none (RFC 4861 section 7.1).
const HOP_LIMIT_AT: u32 = 14 + 7;
const HOP_LIMIT: u32 = 255;
/// From the router solicitation to the redirect.
const DISCOVERY: (u32, u32) = (133, 137);

/// Which of the frames that concern us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sort {
    /// ARP, and neighbour discovery of this link without extension headers.
    Control,
    /// All else.
    Data,
}

/// Passes frames of a sort to `mac` or to a group, that are ARP, IP, or tagged.
pub(super) fn concerning(mac: [u8; 6], sort: Sort) -> Vec<SockFilter> {
    let [a, b, c, d, e, f] = mac;
    let head = u32::from_be_bytes([a, b, c, d]);
    let tail = u32::from(u16::from_be_bytes([e, f]));
    let taken = |wanted| if sort == wanted { WHOLE_FRAME } else { 0 };
    // Where jumps lead: counted in instructions from the beginning.
    const TYPE: u8 = 6;
    const NOT_IPV6: u8 = 17;
    const DROP: u8 = 21;
    const DATA: u8 = 22;
    const CONTROL: u8 = 23;
    let mut program = Vec::with_capacity(24);
    let mut put = |code, yes: Option<u8>, no: Option<u8>, value| {
        let next = program.len() as u8 + 1;
        let over = |to: Option<u8>| to.map_or(0, |to| to - next);
        program.push(SockFilter::new(code, over(yes), over(no), value));
    };
    put(LOAD_BYTE, None, None, 0);
    put(IF_ANY_BIT, Some(TYPE), None, 1); // a group
    put(LOAD_WORD, None, None, 0);
    put(IF_EQUAL, None, Some(DROP), head);
    put(LOAD_HALF, None, None, 4);
    put(IF_EQUAL, None, Some(DROP), tail);
    put(LOAD_HALF, None, None, 12); // TYPE
    put(IF_EQUAL, None, Some(NOT_IPV6), IPV6);
    put(LOAD_LENGTH, None, None, 0); // a load behind the end would drop the frame
    put(IF_GREATER, None, Some(DATA), MESSAGE_AT);
    put(LOAD_BYTE, None, None, NEXT_HEADER_AT);
    put(IF_EQUAL, None, Some(DATA), ICMPV6);
    put(LOAD_BYTE, None, None, HOP_LIMIT_AT);
    put(IF_EQUAL, None, Some(DATA), HOP_LIMIT);
    put(LOAD_BYTE, None, None, MESSAGE_AT);
    put(IF_AT_LEAST, None, Some(DATA), DISCOVERY.0);
    put(IF_GREATER, Some(DATA), Some(CONTROL), DISCOVERY.1);
    put(IF_EQUAL, Some(CONTROL), None, ARP); // NOT_IPV6
    put(IF_EQUAL, Some(DATA), None, IPV4);
    put(IF_EQUAL, Some(DATA), None, TAGS[0]);
    put(IF_EQUAL, Some(DATA), None, TAGS[1]);
    put(RETURN, None, None, 0); // DROP
    put(RETURN, None, None, taken(Sort::Data)); // DATA
    put(RETURN, None, None, taken(Sort::Control)); // CONTROL
    program
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Socket, Type};
    use std::io::{Read, Write};

    const OURS: [u8; 6] = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55];
    const GROUP: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];

    /// The running kernel judges: a filter may be put on a local socket, which needs no privilege.
    fn passed(frame: &[u8], sort: Sort) -> bool {
        let (mut from, mut to) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
        to.attach_filter(&concerning(OURS, sort)).unwrap();
        to.set_nonblocking(true).unwrap();
        from.write_all(frame).unwrap();
        to.read(&mut [0; 100]).is_ok_and(|len| len == frame.len())
    }

    /// As which sort a frame passes; none if it does not. Never as both.
    fn sort(frame: &[u8]) -> Option<Sort> {
        match (passed(frame, Sort::Control), passed(frame, Sort::Data)) {
            (true, false) => Some(Sort::Control),
            (false, true) => Some(Sort::Data),
            (false, false) => None,
            (true, true) => panic!("{frame:x?} passes twice"),
        }
    }

    fn frame(destination: [u8; 6], kind: u16) -> Vec<u8> {
        let mut frame = vec![0; 60];
        frame[..6].copy_from_slice(&destination);
        frame[12..14].copy_from_slice(&kind.to_be_bytes());
        frame
    }

    #[test]
    fn frames_to_us_and_to_groups_pass_if_their_type_concerns_us() {
        for (kind, expected) in [
            (0x0806, Some(Sort::Control)),
            (0x0800, Some(Sort::Data)),
            (0x86dd, Some(Sort::Data)),
            (0x8100, Some(Sort::Data)),
            (0x88a8, Some(Sort::Data)),
            (0x0027, None),
            (0x88cc, None),
            (0x86dc, None),
            (0x0805, None),
            (0, None),
        ] {
            for destination in [OURS, [0xff; 6], GROUP] {
                assert_eq!(sort(&frame(destination, kind)), expected, "{destination:x?} {kind:#06x}");
            }
        }
    }

    #[test]
    fn neighbour_discovery_is_told_from_all_other_ipv6() {
        let icmp = |next_header: u8, kind: u8| {
            let mut frame = frame(GROUP, 0x86dd);
            (frame[20], frame[21], frame[54]) = (next_header, 255, kind);
            frame
        };
        let mut routed = icmp(58, 135);
        routed[21] = 254;
        assert_eq!(sort(&routed), Some(Sort::Data), "from beyond the link");
        for kind in 0..=255 {
            let expected = if (133..=137).contains(&kind) { Sort::Control } else { Sort::Data };
            assert_eq!(sort(&icmp(58, kind)), Some(expected), "{kind}");
            for other in [0, 6, 17, 43, 44, 59, 60] {
                assert_eq!(sort(&icmp(other, kind)), Some(Sort::Data), "{other} {kind}");
            }
        }
        for len in 14..55 {
            assert_eq!(
                sort(&icmp(58, 135)[..len]),
                Some(Sort::Data),
                "{len}: too short, and counted by others"
            );
        }
        assert_eq!(sort(&icmp(58, 135)[..55]), Some(Sort::Control));
    }

    #[test]
    fn frames_to_other_hosts_do_not_pass() {
        for at in 0..6 {
            let mut other = OURS;
            // Bit 0 of byte 0 would make it a group.
            other[at] ^= 0x02;
            for kind in [0x0806, 0x0800, 0x86dd] {
                assert_eq!(sort(&frame(other, kind)), None, "{other:x?}");
            }
        }
    }

    #[test]
    fn what_is_shorter_than_a_header_does_not_pass() {
        for len in 1..14 {
            assert_eq!(sort(&[0xff; 14][..len]), None);
        }
    }
}
