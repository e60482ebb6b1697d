//! The words of `ip neigh show` and `ip neigh flush`, with its texts and exit codes for what is wrong.

use crate::failure::Failure;
use crate::inet;
use crate::names::{self, NONE};
use crate::usage;
use crate::words::{Words, begins, duplicate, wrong};
use neighbour::{Family, Flags, NudState, Prefix};
use neighbour_ctl::Entry;

/// Who knows the devices that words name.
pub(crate) trait Devices {
    /// The index of the device of this name.
    fn index(&mut self, name: &str) -> anyhow::Result<Option<u32>>;

    /// The index of the VRF of this name.
    fn vrf(&mut self, name: &str) -> anyhow::Result<Option<u32>>;
}

/// What the words are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    Show,
    Flush,
}

/// Only entries on devices without a master.
const NO_MASTER: u32 = u32::MAX;

/// Which entries are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Query {
    pub(crate) family: Option<Family>,
    pub(crate) proxy: bool,
    pub(crate) unused: bool,
    pub(crate) prefix: Option<Prefix>,
    pub(crate) device: Option<String>,
    pub(crate) master: Option<u32>,
    pub(crate) protocol: Option<u8>,
    /// Entries of control planes and proxy entries are held back by their state as well.
    pub(crate) strict: bool,
    pub(super) states: u16,
}

impl Query {
    /// Reads the words behind `show` or `flush`.
    pub(crate) fn parse(
        mut words: Words<'_>,
        family: Option<Family>,
        purpose: Purpose,
        devices: &mut dyn Devices,
    ) -> anyhow::Result<Self> {
        let hidden = match purpose {
            Purpose::Show => u16::from(NudState::NOARP.0) | NONE,
            Purpose::Flush => u16::from(NudState::NOARP.0) | u16::from(NudState::PERMANENT.0),
        };
        let mut query = Self {
            family,
            proxy: false,
            unused: false,
            prefix: None,
            device: None,
            master: None,
            protocol: None,
            strict: false,
            states: names::ALL & !hidden,
        };
        let mut states = None;
        while let Some(word) = words.next() {
            match word {
                "proxy" => query.proxy = true,
                "unused" => query.unused = true,
                "nomaster" => query.master = Some(NO_MASTER),
                "dev" => {
                    let name = words.value()?;
                    if query.device.is_some() {
                        return Err(duplicate("dev", name).into());
                    }
                    query.device = Some(name.into());
                }
                "master" => {
                    let name = words.value()?;
                    let found = devices.index(name)?;
                    query.master = Some(found.ok_or_else(|| wrong(name, "Device does not exist\n"))?);
                }
                "vrf" => {
                    let name = words.value()?;
                    let found = devices.vrf(name)?;
                    query.master = Some(found.ok_or_else(|| wrong(name, "Not a valid VRF name\n"))?);
                }
                "nud" => *states.get_or_insert(0) |= names::states_of(words.value()?)?,
                "to" => query.set_prefix(words.value()?)?,
                _ if begins(word, "protocol") => {
                    let name = words.value()?;
                    let number = names::protocol_of(name);
                    query.protocol = Some(number.ok_or_else(|| wrong(name, "invalid \"protocol\"\n"))?);
                }
                _ => query.set_prefix(word)?,
            }
        }
        query.states = states.unwrap_or(query.states);
        Ok(query)
    }

    fn set_prefix(&mut self, word: &str) -> Result<(), Failure> {
        if begins(word, "help") {
            return Err(usage::neigh());
        }
        self.prefix = inet::prefix(word, self.family)?;
        if let Some(prefix) = self.prefix {
            self.family = Some(Family::of(prefix.address()));
        }
        Ok(())
    }

    /// From now on entries in this state are not asked for.
    pub(crate) fn without(&mut self, state: NudState) {
        self.states &= !u16::from(state.0);
    }

    /// Is this entry asked for?
    ///
    /// The states that are asked for do not hold entries of control planes and proxy entries back, unless
    /// the query is strict: scripts know iproute2 so.
    pub(crate) fn admits(&self, entry: &Entry) -> bool {
        let any_state = match self.strict {
            false => entry.flags.intersects(Flags::PROXY | Flags::EXT_LEARNED),
            // A proxy entry has no state.
            true => entry.flags.contains(Flags::PROXY),
        };
        (any_state || self.wants(entry.state))
            && self.prefix.is_none_or(|prefix| prefix.contains(entry.address))
            && self.protocol.is_none_or(|protocol| entry.protocol == protocol)
            && !(self.unused && entry.cache.is_some_and(|cache| cache.refcnt > 0))
    }

    fn wants(&self, state: NudState) -> bool {
        let bits = if state == NudState::NONE { NONE } else { u16::from(state.0) };
        self.states & bits != 0
    }
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
