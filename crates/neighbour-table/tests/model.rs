//! The table against a plain map: any sequence of operations gives the same answers.
#![cfg(not(loom))]

mod common;

use std::collections::HashMap;

use common::{ETHERNET, INFINIBAND, key};
use neighbour_table::{NeighbourRef, Reclaimed, Table, Unlinked};
use proptest::prelude::*;

/// Keys of which the index grows and shrinks, and operations; an interpreter takes its time for each.
const KEYS: u32 = if cfg!(miri) { 50 } else { 400 };
const FEW_OPS: usize = if cfg!(miri) { 60 } else { 300 };
const MANY_OPS: usize = if cfg!(miri) { 120 } else { 1500 };

#[derive(Clone, Debug)]
enum Op {
    Insert { n: u32, long: bool },
    Publish { n: u32, state: u8, byte: u8, ready: bool },
    Remove(u32),
    Unlink(u32),
    Lookup(u32),
    Hold(u32),
    Drop(usize),
    Clone(usize),
    Confirm { n: u32, tick: u32 },
    Mark(u32),
    Reclaim,
}

fn op(keys: u32) -> impl Strategy<Value = Op> {
    let n = move || 0..keys;
    prop_oneof![
        6 => (n(), any::<bool>()).prop_map(|(n, long)| Op::Insert { n, long }),
        3 => (n(), any::<u8>(), any::<u8>(), any::<bool>())
            .prop_map(|(n, state, byte, ready)| Op::Publish { n, state, byte, ready }),
        3 => n().prop_map(Op::Remove),
        1 => n().prop_map(Op::Unlink),
        2 => n().prop_map(Op::Lookup),
        2 => n().prop_map(Op::Hold),
        2 => any::<usize>().prop_map(Op::Drop),
        1 => any::<usize>().prop_map(Op::Clone),
        1 => (n(), 0..9_u32).prop_map(|(n, tick)| Op::Confirm { n, tick }),
        1 => n().prop_map(Op::Mark),
        1 => Just(Op::Reclaim),
    ]
}

/// What the table should know of one neighbour.
#[derive(Clone, Debug, PartialEq)]
struct Expected {
    n: u32,
    state: u8,
    lladdr: Vec<u8>,
    ready: bool,
    confirmed: Option<u32>,
    marked: bool,
    linked: bool,
    references: usize,
}

struct World {
    table: Table,
    /// By slot.
    neighbours: HashMap<u32, Expected>,
    linked: HashMap<u32, u32>,
    held: Vec<NeighbourRef>,
}

impl World {
    fn new(seed: u64) -> Self {
        let table = Table::new(seed).expect("memory");
        Self { table, neighbours: HashMap::new(), linked: HashMap::new(), held: Vec::new() }
    }

    fn apply(&mut self, op: &Op) {
        let reader = self.table.reader();
        match *op {
            Op::Insert { n, long } => {
                if self.linked.contains_key(&n) {
                    return;
                }
                let template = if long { INFINIBAND } else { ETHERNET };
                let slot = self.table.insert(&key(n), &template).expect("memory");
                let lladdr = vec![0; if long { 0 } else { 6 }];
                let expected = Expected {
                    n,
                    state: 0,
                    lladdr,
                    ready: false,
                    confirmed: None,
                    marked: false,
                    linked: true,
                    references: 1,
                };
                assert_eq!(self.neighbours.insert(slot, expected), None, "slot {slot} was in use");
                self.linked.insert(n, slot);
            }
            Op::Publish { n, state, byte, ready } => {
                let Some(slot) = self.linked.get(&n) else {
                    return;
                };
                let expected = self.neighbours.get_mut(slot).expect("known");
                let short = !expected.lladdr.is_empty() && expected.lladdr.len() == 6;
                let length = if short { 6 } else { usize::from(byte % 33) };
                // Six bytes would look like a short address to this model.
                let length = if !short && length == 6 { 7 } else { length };
                expected.lladdr = vec![byte; length];
                expected.state = state;
                expected.ready = ready && short;
                self.table.publish(*slot, state, &expected.lladdr, ready);
            }
            Op::Remove(n) => {
                let Some(slot) = self.linked.get(&n).copied() else {
                    return;
                };
                let unused = self.neighbours[&slot].references == 1;
                assert_eq!(self.table.try_remove(slot), unused);
                if unused {
                    self.linked.remove(&n);
                    self.neighbours.remove(&slot);
                    self.table.free(slot);
                }
            }
            Op::Unlink(n) => {
                let Some(slot) = self.linked.remove(&n) else {
                    return;
                };
                let expected = self.neighbours.get_mut(&slot).expect("known");
                expected.linked = false;
                expected.references -= 1;
                if expected.references == 0 {
                    assert_eq!(self.table.unlink(slot), Unlinked::Free);
                    self.neighbours.remove(&slot);
                    self.table.free(slot);
                } else {
                    assert_eq!(self.table.unlink(slot), Unlinked::Held);
                }
            }
            Op::Lookup(n) => self.check_lookup(n),
            Op::Hold(n) => {
                let Some(hit) = reader.lookup(&key(n)) else {
                    return;
                };
                self.held.push(reader.hold(&hit).expect("nobody removes meanwhile"));
                self.neighbours.get_mut(&hit.handle().slot()).expect("known").references += 1;
            }
            Op::Drop(i) => {
                if self.held.is_empty() {
                    return;
                }
                let dropped = self.held.swap_remove(i % self.held.len());
                self.neighbours.get_mut(&dropped.handle().slot()).expect("known").references -= 1;
            }
            Op::Clone(i) => {
                if self.held.is_empty() {
                    return;
                }
                let copy = self.held[i % self.held.len()].clone();
                self.neighbours.get_mut(&copy.handle().slot()).expect("known").references += 1;
                self.held.push(copy);
            }
            Op::Confirm { n, tick } => {
                let Some(hit) = reader.lookup(&key(n)) else {
                    return;
                };
                reader.confirm(&hit, tick);
                self.neighbours.get_mut(&hit.handle().slot()).expect("known").confirmed = Some(tick);
            }
            Op::Mark(n) => {
                let Some(hit) = reader.lookup(&key(n)) else {
                    return;
                };
                let expected = self.neighbours.get_mut(&hit.handle().slot()).expect("known");
                assert_eq!(reader.mark_handed(&hit), !expected.marked);
                expected.marked = true;
            }
            Op::Reclaim => {
                let mut waiting: Vec<u32> = self
                    .neighbours
                    .iter()
                    .filter(|(_, expected)| expected.references == 0)
                    .map(|(slot, _)| *slot)
                    .collect();
                while let Some(back) = self.table.reclaim() {
                    let Reclaimed::Dead(slot) = back else { panic!("{back:?} was unlinked") };
                    let place = waiting.iter().position(|other| *other == slot).expect("nobody holds it");
                    waiting.swap_remove(place);
                    self.neighbours.remove(&slot);
                    self.table.free(slot);
                }
                assert_eq!(waiting, [0; 0], "never came back");
            }
        }
    }

    fn check_lookup(&self, n: u32) {
        let hit = self.table.reader().lookup(&key(n));
        let slot = self.linked.get(&n);
        assert_eq!(hit.map(|hit| hit.handle().slot()), slot.copied(), "neighbour {n}");
        assert_eq!(self.table.find(&key(n)), slot.copied());
        if let (Some(hit), Some(slot)) = (hit, slot) {
            let expected = &self.neighbours[slot];
            assert_eq!((hit.state(), hit.lladdr()), (expected.state, &expected.lladdr[..]), "neighbour {n}");
            assert_eq!(hit.header().is_some(), expected.ready, "neighbour {n}");
        }
    }

    fn check_all(&mut self, keys: u32) {
        (0..keys).for_each(|n| self.check_lookup(n));
        assert_eq!(self.table.len(), self.linked.len());
        for held in &self.held {
            let expected = &self.neighbours[&held.handle().slot()];
            assert_eq!((held.key(), held.is_dead()), (key(expected.n), !expected.linked));
            assert_eq!((held.state(), held.hit().lladdr()), (expected.state, &expected.lladdr[..]));
            assert_eq!(held.hit().header().is_some(), expected.ready);
        }
        for (slot, expected) in &self.neighbours {
            // A neighbour that nobody refers to any more forgets it: its slot is on its way back.
            let confirmed = expected.confirmed.filter(|_| expected.references > 0);
            assert_eq!(self.table.confirmed(*slot), confirmed, "slot {slot}");
            assert_eq!(self.table.refs(*slot) as usize, expected.references, "slot {slot}");
            assert_eq!(self.table.is_linked(*slot), expected.linked, "slot {slot}");
            assert_eq!(self.table.take_handed(*slot), expected.marked, "slot {slot}");
        }
    }
}

fn run(seed: u64, keys: u32, ops: &[Op]) {
    let mut world = World::new(seed);
    ops.iter().for_each(|op| world.apply(op));
    world.check_all(keys);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 3 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn few_keys_are_reused_often(seed: u64, ops in prop::collection::vec(op(8), 0..FEW_OPS)) {
        run(seed, 8, &ops);
    }

    #[test]
    fn many_keys_make_the_index_grow_and_shrink(
        seed: u64,
        ops in prop::collection::vec(op(KEYS), 0..MANY_OPS),
    ) {
        run(seed, KEYS, &ops);
    }
}
