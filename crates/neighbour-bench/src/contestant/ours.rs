//! Ours: a whole engine, read by [`neighbour::Engine::reader`].

use super::{BATCH, Contestant, IFINDEX, OURS, OURS_HASH, Reads};
use crate::key::{Key, OWN, consume, lladdr};
use anyhow::Context;
use neighbour::{
    Config, Device, DeviceId, Engine, Hit, Instant, LlAddr, NeighbourRef, NewNeigh, NudState, Reader,
};
use std::marker::PhantomData;
use std::net::IpAddr;

/// An engine with one Ethernet device, its thresholds raised so that nothing is collected.
pub(crate) struct Ours<K> {
    /// The engine.
    pub(crate) engine: Engine,
    /// Its device.
    pub(crate) device: DeviceId,
    /// The time it is told.
    pub(crate) now: Instant,
    keys: PhantomData<K>,
}

impl<K: Key> Ours<K> {
    /// An empty engine.
    ///
    /// # Errors
    /// When it refuses the device.
    pub(crate) fn new(seed: u64) -> anyhow::Result<Self> {
        let now = Instant::from_millis(1_000);
        // What happens to an entry is told as Linux tells it; nobody looks at the steps between.
        let mut engine = Engine::new(Config { tell_steps: false, ..Config::linux() }.seed(seed));
        let device = Device::ethernet("bench0", OWN).address("192.0.2.1/24".parse()?);
        let device = engine.add_device(now, device.address("2001:db8::1/64".parse()?))?;
        anyhow::ensure!(device.index() == IFINDEX, "the first device is {device:?}");
        for family in neighbour::Family::BOTH {
            engine.set_thresholds(family, [Some(i32::MAX as u32); 3]);
        }
        drain(&mut engine);
        Ok(Self { engine, device, now, keys: PhantomData })
    }

    /// Enters the key of number `n` as REACHABLE.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub(crate) fn enter(&mut self, n: u32, state: NudState) -> anyhow::Result<()> {
        let address = K::nth(n, IFINDEX).address();
        let request = NewNeigh::replace(self.device, address, LlAddr::new(&lladdr(n)), state);
        self.engine.new_neigh(self.now, &request).with_context(|| format!("entering {address}"))?;
        drain(&mut self.engine);
        Ok(())
    }
}

/// Takes what the engine has to tell, as a driver does.
pub(crate) fn drain(engine: &mut Engine) {
    while engine.poll_event().is_some() {}
    while engine.poll_transmit().is_some() {}
}

impl<K: Key> Contestant<K> for Ours<K> {
    fn name(&self) -> &'static str {
        OURS
    }

    fn hash(&self) -> &'static str {
        OURS_HASH
    }

    fn insert(&mut self, n: u32) {
        self.enter(n, NudState::REACHABLE).expect("a table without limits takes every neighbour");
    }

    fn remove(&mut self, n: u32) -> bool {
        let address = K::nth(n, IFINDEX).address();
        let removed = self.engine.del_neigh(self.now, self.device, address, 0).is_ok();
        drain(&mut self.engine);
        removed
    }

    fn reads(&self) -> Box<dyn Reads<K> + '_> {
        Box::new(Reading { reader: self.engine.reader(), device: self.device })
    }

    fn shared(&self) -> Option<Box<dyn Reads<K> + Send>> {
        Some(Box::new(Reading { reader: self.engine.reader(), device: self.device }))
    }
}

struct Reading {
    reader: Reader,
    device: DeviceId,
}

#[inline]
fn taken(hit: Option<&Hit>) -> u64 {
    hit.and_then(Hit::header).map_or(0, |header| consume(&header))
}

impl<K: Key> Reads<K> for Reading {
    fn hits(&self, keys: &[K]) -> u64 {
        keys.iter().fold(0, |sum, key| {
            u64::wrapping_add(sum, taken(self.reader.lookup(self.device, key.address()).as_ref()))
        })
    }

    fn batches(&self, keys: &[K]) -> Option<u64> {
        let mut asked = [(self.device, IpAddr::from([0; 4])); BATCH];
        let mut hits = [None; BATCH];
        let mut sum = 0_u64;
        for batch in keys.chunks(BATCH) {
            asked.iter_mut().zip(batch).for_each(|(asked, key)| asked.1 = key.address());
            self.reader.lookup_batch(&asked[..batch.len()], &mut hits);
            sum = hits[..batch.len()].iter().fold(sum, |sum, hit| sum.wrapping_add(taken(hit.as_ref())));
        }
        Some(sum)
    }

    fn misses(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| self.reader.lookup(self.device, key.address()).is_none()).count()
    }
}

/// The sum over held references, as a FIB keeps them: no lookup, the header as it is now.
pub(crate) fn sum_of_held(held: &[NeighbourRef]) -> u64 {
    held.iter()
        .fold(0, |sum, held| u64::wrapping_add(sum, held.get().header().map_or(0, |header| consume(&header))))
}
