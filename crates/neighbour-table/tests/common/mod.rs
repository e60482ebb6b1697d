//! What several tests need.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use neighbour_table::{Key, Table, Template};

pub(crate) const ETHERNET: Template =
    Template { own: [2, 0, 0, 0, 0, 1], ethertype: 0x0800, header: true, long: false };
pub(crate) const INFINIBAND: Template =
    Template { own: [0; 6], ethertype: 0x86dd, header: false, long: true };

/// The key of the n-th neighbour of a link.
pub(crate) fn key(n: u32) -> Key {
    Key { addr: (0xfe80 << 112) | u128::from(n), ifindex: 3 }
}

/// The n-th neighbour's address.
pub(crate) fn mac(n: u32) -> [u8; 6] {
    let [a, b, c, d] = n.to_be_bytes();
    [2, 1, a, b, c, d]
}

/// Adds the n-th neighbour, in state 2 with its address.
#[track_caller]
pub(crate) fn add(table: &mut Table, n: u32) -> u32 {
    let slot = table.insert(&key(n), &ETHERNET).expect("memory");
    table.publish(slot, 2, &mac(n), true);
    slot
}
