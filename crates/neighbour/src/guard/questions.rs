//! Asking without an entry, where the budgets for entries are spent: the question is sent as far as the rates go, and
//! remembered; the answer makes the entry, verified from the beginning.

use super::admission::{Admission, Newcomers, bucket};
use super::memory::Memory;
use crate::output::source_of;
use crate::parms::Parm;
use crate::ratelimit::Bucket;
use crate::table::key;
use crate::time::{Instant, Tick};
use crate::{DeviceId, Engine, Family, MovePolicy};
use alloc::collections::BTreeMap;
use core::net::{IpAddr, Ipv6Addr};
use neighbour_table::Key;
use neighbour_wire::LlAddr;

/// The questions of one table.
#[derive(Debug)]
pub(super) struct Questions {
    /// Whom we asked for lately.
    lately: Memory<()>,
    rate: Bucket,
    device_rates: BTreeMap<DeviceId, Bucket>,
    asked: u64,
    hushed: u64,
}

impl Questions {
    pub(super) fn new(seed: u64, per_second: u32) -> Self {
        let (lately, rate) = (Memory::new(seed), bucket(per_second));
        Self { lately, rate, device_rates: BTreeMap::new(), asked: 0, hushed: 0 }
    }

    /// The rates are others from now on; those of the devices are looked up when they ask.
    pub(super) fn set_rate(&mut self, per_second: u32) {
        self.rate = bucket(per_second);
        self.device_rates.clear();
    }

    /// How many were sent.
    pub(super) fn asked(&self) -> u64 {
        self.asked
    }

    /// How many were not: it was asked for just before, or the rates were spent.
    pub(super) fn hushed(&self) -> u64 {
        self.hushed
    }

    /// Is this asked for now? Not twice within `interval`, and not faster than the rates. What is, is remembered.
    fn ask(&mut self, key: Key, interval: u32, admission: &Admission, now: Instant, tick: Tick) -> bool {
        let lately = self.lately.get(&key).is_some_and(|note| tick.since(note.at) < interval as i32);
        !lately && self.may_ask(DeviceId(key.ifindex), admission, now) && self.lately.put(key, tick, ())
    }

    /// May one more leave by this device?
    fn may_ask(&mut self, device: DeviceId, admission: &Admission, now: Instant) -> bool {
        let own = self.device_rates.entry(device).or_insert_with(|| bucket(admission.solicit_device_rate));
        own.take(now) && self.rate.take(now)
    }

    /// When this was asked for, which is answered now.
    fn answered(&mut self, key: &Key) -> Option<Tick> {
        let at = self.lately.get(key)?.at;
        self.lately.forget(key);
        Some(at)
    }

    pub(super) fn sweep(&mut self, now: Tick, age: u32) {
        self.lately.sweep(now, age);
    }

    /// The device is gone.
    pub(super) fn forget(&mut self, device: DeviceId) {
        self.device_rates.remove(&device);
    }
}

impl Engine {
    /// Asks for a neighbour that gets no entry, unless it was asked for within the last retrans_time, or the rates are
    /// spent.
    pub(crate) fn ask_without_entry(&mut self, device: DeviceId, address: IpAddr, packet: Option<&[u8]>) {
        let family = Family::of(address);
        let (now, tick) = (self.clock.now(), self.clock.tick());
        let Some(parms) = self.device(device).and_then(|d| d.parms[family as usize].as_ref()) else { return };
        let interval = parms.retrans(&self.clock);
        let silent =
            parms.get(Parm::McastSolicit) == 0 || self.move_policy(device, family) == MovePolicy::Static;
        let admission = self.admission(family);
        let Some(Newcomers { questions, .. }) = self.newcomers_mut(family) else { return };
        if silent || !questions.ask(key(device, address), interval, &admission, now, tick) {
            questions.hushed += 1;
            return;
        }
        questions.asked += 1;
        let source = packet.and_then(source_of);
        match address {
            IpAddr::V4(target) => self.arp_solicit(device, target, source, None),
            IpAddr::V6(target) => self.ndisc_solicit(device, target, source, false),
        }
    }

    /// Does this answer a question that was asked without an entry? Each is answered once, and soon, and not by an
    /// address that is not believed anyway.
    pub(crate) fn answers_a_question(&mut self, device: DeviceId, address: IpAddr, lladdr: &LlAddr) -> bool {
        let family = Family::of(address);
        if !self.admits_by_class(family) || self.implausible(device, family, lladdr).is_some() {
            return false;
        }
        let newcomers = self.newcomers_mut(family);
        let asked = newcomers.and_then(|newcomers| newcomers.questions.answered(&key(device, address)));
        let parms = self.device(device).and_then(|d| d.parms[family as usize].as_ref());
        let (Some(at), Some(parms)) = (asked, parms) else { return false };
        let life = parms.retrans(&self.clock).saturating_mul(parms.get(Parm::McastSolicit).max(1));
        i64::from(self.clock.tick().since(at)) < i64::from(life)
    }

    /// Sends to a group past the table, which otherwise would have an entry for each group.
    pub(crate) fn group_lladdr(&self, device: DeviceId, group: Ipv6Addr) -> Option<LlAddr> {
        let past_the_table = group.is_multicast() && self.admits_by_class(Family::Inet6);
        let state = self.device(device).filter(|_| past_the_table)?;
        self.construct(state, group.into()).lladdr
    }
}
