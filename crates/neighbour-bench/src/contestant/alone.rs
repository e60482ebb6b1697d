//! The shared table as the engine uses it, without the engine: what the peers' maps do, and no more.

use super::{Contestant, IFINDEX, OURS_HASH, Reads, pair};
use crate::key::{Key, OWN, Payload, consume};
use neighbour::Family;
use neighbour_table::{OutOfMemory, Reader, Table, Template, Unlinked};
use std::marker::PhantomData;
use std::net::IpAddr;

pub(crate) struct Alone<K> {
    table: Table,
    template: Template,
    keys: PhantomData<K>,
}

impl<K: Key> Alone<K> {
    pub(crate) fn new(seed: u64) -> Result<Self, OutOfMemory> {
        let ethertype = if K::FAMILY == Family::Inet { 0x0800 } else { 0x86dd };
        let template = Template { own: OWN, ethertype, header: true, long: false };
        Ok(Self { table: Table::new(seed)?, template, keys: PhantomData })
    }
}

fn key<K: Key>(key: K) -> neighbour_table::Key {
    let addr = match key.address() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    neighbour_table::Key { addr, ifindex: IFINDEX }
}

impl<K: Key> Contestant<K> for Alone<K> {
    fn name(&self) -> &'static str {
        "neighbour-table"
    }

    fn hash(&self) -> &'static str {
        OURS_HASH
    }

    fn insert(&mut self, n: u32) {
        let (at, payload) = pair::<K>(n);
        let Payload { header, state } = payload;
        let at = key(at);
        let slot = match self.table.find(&at) {
            Some(slot) => slot,
            None => self.table.insert(&at, &self.template).expect("memory for one more neighbour"),
        };
        self.table.publish(slot, state, &header[..6], true);
    }

    fn remove(&mut self, n: u32) -> bool {
        let Some(slot) = self.table.find(&key(pair::<K>(n).0)) else { return false };
        if self.table.unlink(slot) == Unlinked::Free {
            self.table.free(slot);
        }
        true
    }

    fn reads(&self) -> Box<dyn Reads<K> + '_> {
        Box::new(Reading(self.table.reader()))
    }

    fn shared(&self) -> Option<Box<dyn Reads<K> + Send>> {
        Some(Box::new(Reading(self.table.reader())))
    }
}

struct Reading(Reader);

impl<K: Key> Reads<K> for Reading {
    fn hits(&self, keys: &[K]) -> u64 {
        keys.iter().fold(0, |sum, at| {
            let header = self.0.lookup(&key(*at)).and_then(|hit| hit.header());
            u64::wrapping_add(sum, header.map_or(0, |header| consume(&header)))
        })
    }

    fn misses(&self, keys: &[K]) -> usize {
        keys.iter().filter(|at| self.0.lookup(&key(**at)).is_none()).count()
    }
}
