//! The lookups that are counted.

use super::step::stopping_around;
use anyhow::{Context, ensure};
use clap::ValueEnum;
use neighbour::{
    Config, Device, DeviceId, Engine, Hit, Instant, LlAddr, NeighbourRef, NewNeigh, NudState, Reader,
};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Neighbours of each family. A power of two.
pub(super) const ENTRIES: usize = 4096;

/// Keys in one batch.
const BATCH: usize = 32;

/// A way to a neighbour's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Way {
    /// One lookup after the other, IPv4.
    HitIpv4,
    /// The same for IPv6.
    HitIpv6,
    /// Thirty-two at once, IPv4.
    BatchIpv4,
    /// The same for IPv6.
    BatchIpv6,
    /// By references that are held: no lookup.
    Held,
}

impl Way {
    /// Its name on the command line and in the file.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Makes a table, then does so many lookups between two stops, and makes sure that all of them hit.
pub(super) fn walk(way: Way, lookups: usize) -> anyhow::Result<()> {
    let world = World::new()?;
    let reader = world.engine.reader();
    let device = world.device;
    let order: Vec<usize> = (0..lookups).map(|i| i.wrapping_mul(0x9e37_79b1) % ENTRIES).collect();
    let v4: Vec<Ipv4Addr> = order.iter().map(|n| ipv4(*n)).collect();
    let v6: Vec<Ipv6Addr> = order.iter().map(|n| ipv6(*n)).collect();
    let held: Option<Vec<NeighbourRef>> =
        v6.iter().map(|address| reader.hold(&reader.lookup(device, (*address).into())?)).collect();
    let held = held.context("a neighbour just entered could not be held")?;
    let work: Box<dyn Fn() -> u64> = match way {
        Way::HitIpv4 => Box::new(|| hits(&reader, device, black_box(&v4))),
        Way::HitIpv6 => Box::new(|| hits(&reader, device, black_box(&v6))),
        Way::BatchIpv4 => Box::new(|| batches(&reader, device, black_box(&v4))),
        Way::BatchIpv6 => Box::new(|| batches(&reader, device, black_box(&v6))),
        Way::Held => Box::new(|| black_box(&held).iter().map(|held| taken(Some(&held.get()))).sum()),
    };
    work(); // a reader's first look at the table is another thing
    let sum = stopping_around(&work)?;
    let expected: u64 = order.iter().map(|n| u64::from_le_bytes(first_eight(*n))).sum();
    ensure!(sum == expected, "not every lookup found its neighbour");
    Ok(())
}

fn hits<A: Copy + Into<IpAddr>>(reader: &Reader, device: DeviceId, addresses: &[A]) -> u64 {
    addresses.iter().map(|address| taken(reader.lookup(device, (*address).into()).as_ref())).sum()
}

fn batches<A: Copy + Into<IpAddr>>(reader: &Reader, device: DeviceId, addresses: &[A]) -> u64 {
    let mut asked = [(device, IpAddr::from([0; 4])); BATCH];
    let mut found = [None; BATCH];
    let mut sum = 0;
    for batch in addresses.chunks(BATCH) {
        asked.iter_mut().zip(batch).for_each(|(asked, address)| asked.1 = (*address).into());
        reader.lookup_batch(&asked[..batch.len()], &mut found);
        sum += found[..batch.len()].iter().map(|hit| taken(hit.as_ref())).sum::<u64>();
    }
    sum
}

/// What a packet takes of a hit, folded so that it is not optimised away.
#[inline]
fn taken(hit: Option<&Hit>) -> u64 {
    let header = hit.and_then(Hit::header).unwrap_or_default();
    let [a, b, c, d, e, f, g, h, ..] = header;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

const OWN: [u8; 6] = [2, 0, 0, 0, 0, 0];

fn mac(n: usize) -> [u8; 6] {
    [2, 1, 0, 0, (n >> 8) as u8, n as u8]
}

/// What [`taken`] sees of a neighbour: its address and the beginning of ours.
fn first_eight(n: usize) -> [u8; 8] {
    let [a, b, c, d, e, f] = mac(n);
    [a, b, c, d, e, f, OWN[0], OWN[1]]
}

fn ipv4(n: usize) -> Ipv4Addr {
    Ipv4Addr::from(0x0a01_0000 + n as u32)
}

fn ipv6(n: usize) -> Ipv6Addr {
    Ipv6Addr::from((0x2001_0db8_u128 << 96) + 0x1_0000 + n as u128)
}

struct World {
    engine: Engine,
    device: DeviceId,
}

impl World {
    fn new() -> anyhow::Result<Self> {
        let now = Instant::from_millis(1_000);
        let mut engine = Engine::new(Config::linux().seed(6));
        let device = Device::ethernet("eth0", OWN).address("10.0.0.1/8".parse()?);
        let device = engine.add_device(now, device.address("2001:db8::1/64".parse()?))?;
        for n in 0..ENTRIES {
            for address in [IpAddr::from(ipv4(n)), IpAddr::from(ipv6(n))] {
                let request = NewNeigh::add(device, address, LlAddr::new(&mac(n)), NudState::PERMANENT);
                engine.new_neigh(now, &request).with_context(|| format!("entering {address}"))?;
                while engine.poll_event().is_some() {}
            }
        }
        Ok(Self { engine, device })
    }
}
