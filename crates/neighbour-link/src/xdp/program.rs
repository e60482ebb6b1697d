//! The program that the kernel runs for each frame: ARP and neighbour discovery to our sockets, all else onwards.
//!
//! ```text
//! if the frame has 14 bytes:
//!     if its type is ARP: to the socket of its queue
//!     if its type is IPv6, it has 55 bytes, its next header is ICMPv6
//!     and that message's type is 133 to 137: to the socket of its queue
//! otherwise: on to the kernel
//! ```
//!
//! A queue without a socket passes the frame on, too. Frames with a VLAN tag, and ICMPv6 behind extension headers,
//! go to the kernel: neighbour discovery has neither on the link of an untagged interface.

use std::os::fd::{AsRawFd, BorrowedFd};

/// An instruction, as `struct bpf_insn`: operation, registers (source high), offset, constant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub(super) struct Instruction {
    code: u8,
    registers: u8,
    offset: i16,
    constant: i32,
}

/// What becomes of a frame: `enum xdp_action`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// On to the kernel.
    Pass = 2,
    /// Back out; here only to tell in a test that a redirection was wanted.
    #[cfg(test)]
    Transmit = 3,
}

/// A register.
type R = u8;
const R0: R = 0;
const R1: R = 1;
const R2: R = 2;
const R3: R = 3;
const R4: R = 4;
const R5: R = 5;
const R6: R = 6;

// Offsets in `struct xdp_md`.
const DATA: i16 = 0;
const DATA_END: i16 = 4;
const RX_QUEUE_INDEX: i16 = 16;

// Offsets in a frame.
const ETHERTYPE: i16 = 12;
const ETHERNET: i32 = 14;
const NEXT_HEADER: i16 = 20;
const ICMP_TYPE: i16 = 54;

const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
const ICMPV6: i32 = 58;
const ROUTER_SOLICITATION: i32 = 133;
const REDIRECT: i32 = 137;

/// `bpf_redirect_map(map, key, flags)`: the low bits of flags are the action if the map has no such key.
const REDIRECT_MAP: i32 = 51;

/// Where a jump leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum To {
    Redirect,
    Pass,
}

/// A line of the program: an instruction, a jump whose distance is not known yet, or a place to jump to.
enum Line {
    Do(Instruction),
    Jump(Instruction, To),
    Here(To),
}

use Line::{Do, Here, Jump};

const fn instruction(code: u8, to: R, from: R, offset: i16, constant: i32) -> Instruction {
    Instruction { code, registers: from << 4 | to, offset, constant }
}

/// `to = from`, 64 bits.
const fn copy(to: R, from: R) -> Line {
    Do(instruction(0xbf, to, from, 0, 0))
}

/// `to = constant`, 64 bits.
const fn set(to: R, constant: i32) -> Line {
    Do(instruction(0xb7, to, 0, 0, constant))
}

/// `to += constant`, 64 bits.
const fn add(to: R, constant: i32) -> Line {
    Do(instruction(0x07, to, 0, 0, constant))
}

/// `to = *(u32 *)(from + offset)`.
const fn load_word(to: R, from: R, offset: i16) -> Line {
    Do(instruction(0x61, to, from, offset, 0))
}

/// `to = *(u16 *)(from + offset)`.
const fn load_half(to: R, from: R, offset: i16) -> Line {
    Do(instruction(0x69, to, from, offset, 0))
}

/// `to = *(u8 *)(from + offset)`.
const fn load_byte(to: R, from: R, offset: i16) -> Line {
    Do(instruction(0x71, to, from, offset, 0))
}

/// Jumps if `left > right`, without sign.
const fn if_above(left: R, right: R, to: To) -> Line {
    Jump(instruction(0x2d, left, right, 0, 0), to)
}

/// Jumps if `left > constant`, without sign.
const fn if_greater(left: R, constant: i32, to: To) -> Line {
    Jump(instruction(0x25, left, 0, 0, constant), to)
}

/// Jumps if `left < constant`, without sign.
const fn if_less(left: R, constant: i32, to: To) -> Line {
    Jump(instruction(0xa5, left, 0, 0, constant), to)
}

/// Jumps if `left == constant`.
const fn if_equal(left: R, constant: i32, to: To) -> Line {
    Jump(instruction(0x15, left, 0, 0, constant), to)
}

/// Jumps if `left != constant`.
const fn unless_equal(left: R, constant: i32, to: To) -> Line {
    Jump(instruction(0x55, left, 0, 0, constant), to)
}

const fn call(function: i32) -> Line {
    Do(instruction(0x85, 0, 0, 0, function))
}

const fn exit() -> Line {
    Do(instruction(0x95, 0, 0, 0, 0))
}

/// The program with the map of sockets by queue; `otherwise` is for queues without one.
pub(super) fn program(sockets: BorrowedFd<'_>, otherwise: Action) -> Vec<Instruction> {
    assemble(&[
        copy(R6, R1),
        load_word(R2, R1, DATA),
        load_word(R3, R1, DATA_END),
        // The verifier wants each read to be behind a comparison with the end.
        copy(R4, R2),
        add(R4, ETHERNET),
        if_above(R4, R3, To::Pass),
        load_half(R5, R2, ETHERTYPE),
        if_equal(R5, ARP.to_be() as i32, To::Redirect),
        unless_equal(R5, IPV6.to_be() as i32, To::Pass),
        copy(R4, R2),
        add(R4, ICMP_TYPE as i32 + 1),
        if_above(R4, R3, To::Pass),
        load_byte(R5, R2, NEXT_HEADER),
        unless_equal(R5, ICMPV6, To::Pass),
        load_byte(R5, R2, ICMP_TYPE),
        if_less(R5, ROUTER_SOLICITATION, To::Pass),
        if_greater(R5, REDIRECT, To::Pass),
        Here(To::Redirect),
        load_word(R2, R6, RX_QUEUE_INDEX),
        // The address of the map, in two instructions; the kernel puts it in the descriptor's place.
        Do(instruction(0x18, R1, 1, 0, sockets.as_raw_fd())),
        Do(instruction(0, 0, 0, 0, 0)),
        set(R3, otherwise as i32),
        call(REDIRECT_MAP),
        exit(),
        Here(To::Pass),
        set(R0, Action::Pass as i32),
        exit(),
    ])
}

/// Finds out how far each jump goes, counted from the instruction behind it.
fn assemble(lines: &[Line]) -> Vec<Instruction> {
    let place = |wanted: To| {
        let before = lines.iter().take_while(|line| !matches!(line, Here(here) if *here == wanted));
        before.filter(|line| !matches!(line, Here(_))).count()
    };
    let mut program: Vec<Instruction> = Vec::new();
    for line in lines {
        match *line {
            Do(instruction) => program.push(instruction),
            Jump(instruction, to) => {
                let offset = (place(to) - program.len() - 1) as i16;
                program.push(Instruction { offset, ..instruction });
            }
            Here(_) => {}
        }
    }
    program
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xdp::bpf;
    use std::os::fd::AsFd;

    fn frame(kind: u16, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![2; 12];
        frame.extend(kind.to_be_bytes());
        frame.extend(payload);
        frame.resize(frame.len().max(60), 0);
        frame
    }

    fn ipv6(next: u8, message: u8) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, 24, next, 255];
        packet.resize(40, 0);
        packet.push(message);
        packet.resize(64, 0);
        frame(IPV6, &packet)
    }

    /// The kernel runs it: an empty map makes each redirection the other action.
    #[test]
    fn arp_and_neighbour_discovery_go_to_the_sockets_and_all_else_to_the_kernel() {
        let map = match bpf::socket_map(1) {
            Ok(map) => map,
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "no BPF here: {error}");
                println!("skipped: no BPF here: {error}");
                return;
            }
        };
        let program = bpf::load(&program(map.as_fd(), Action::Transmit)).unwrap();
        let to_us = |frame: &[u8]| match bpf::run(program.as_fd(), frame).unwrap() {
            2 => false,
            3 => true,
            other => panic!("{other}"),
        };
        assert!(to_us(&frame(ARP, &[0; 28])));
        assert!(to_us(&frame(ARP, &[])), "what is too short is for us to drop and count");
        for message in 0..=255 {
            assert_eq!(to_us(&ipv6(58, message)), (133..=137).contains(&message), "ICMPv6 {message}");
        }
        assert!(!to_us(&ipv6(6, 135)), "TCP");
        assert!(!to_us(&ipv6(0, 135)), "hop-by-hop options");
        assert!(!to_us(&frame(0x0800, &[0x45; 40])), "IPv4");
        assert!(!to_us(&frame(0x8100, &[0, 5, 8, 6])), "802.1Q");
        let whole = ipv6(58, 135);
        for len in 14..=whole.len() {
            assert_eq!(to_us(&whole[..len]), len >= 55, "cut to {len}");
        }
    }
}
