//! ARP packets: what parses comes out again as it went in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neighbour_wire::arp::{Packet, Repr};

fuzz_target!(|bytes: &[u8]| {
    let Ok(packet) = Packet::parse(bytes) else { return };
    let Ok(repr) = Repr::parse(&packet) else { return };
    let mut again = Vec::new();
    repr.emit(&mut again);
    assert_eq!(again.len(), repr.buffer_len());
    let packet = Packet::parse(&again).expect("what we emit parses");
    assert_eq!(Repr::parse(&packet).expect("and means the same"), repr);
});
