//! `neigh add`, `del`, `change` and `replace`.

use crate::context::{Context, request_failed};
use crate::failure::Failure;
use crate::words::{Words, begins, duplicate, wrong};
use crate::{inet, names};
use neighbour::{Family, Flags, NudState};
use neighbour_ctl::{Request, TableError};
use std::net::IpAddr;

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verb {
    /// Make an entry that is not there yet.
    Add,
    /// Change one that is there.
    Change,
    /// Make it or change it.
    Replace,
    /// Take it away.
    Delete,
}

/// What the words say.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Order {
    address: IpAddr,
    device: Option<String>,
    lladdr: Option<Vec<u8>>,
    /// None: PERMANENT.
    state: Option<u8>,
    /// A state was named, whatever became of it.
    nud: bool,
    flags: Flags,
    protocol: Option<u8>,
}

/// Runs one of the four commands.
pub(crate) fn run(context: &mut Context, words: Words<'_>, verb: Verb) -> anyhow::Result<()> {
    let order = Order::parse(words, context.options.family()?)?;
    if context.options.strict && verb != Verb::Delete {
        order.is_all_used()?;
    }
    let interface = match &order.device {
        Some(name) => context.device(name)?,
        None => 0,
    };
    let request = order.request(interface, verb);
    if verb == Verb::Delete {
        return context.table()?.delete(&request).map_err(request_failed);
    }
    if context.options.strict && request.create {
        would_leave_nothing_behind(context, &request)?;
    }
    context.table()?.change(&request).map_err(request_failed)
}

impl Order {
    fn parse(mut words: Words<'_>, family: Option<Family>) -> Result<Self, Failure> {
        let (mut address, mut device, mut lladdr) = (None, None, None);
        let (mut state, mut nud, mut flags, mut protocol) = (None, false, Flags::empty(), None);
        while let Some(word) = words.next() {
            match word {
                "nud" => (state, nud) = (Some(names::state_of(words.value()?)?), true),
                "dev" => device = Some(words.value()?.to_owned()),
                "router" => flags |= Flags::ROUTER,
                "use" => flags |= Flags::USE,
                // It has no state of its own, but `nud` behind it counts: PERMANENT is refused then.
                "managed" => (state, flags) = (Some(NudState::NONE.0), flags | Flags::MANAGED),
                "extern_valid" => flags |= Flags::EXT_VALIDATED,
                _ if begins(word, "lladdr") => {
                    let value = words.value()?;
                    if lladdr.replace(value).is_some() {
                        return Err(duplicate("lladdr", value));
                    }
                }
                _ if begins(word, "proxy") => {
                    let value = words.value()?;
                    if address.is_some() {
                        return Err(duplicate("address", value));
                    }
                    address = Some(inet::address(value, family)?);
                    flags |= Flags::PROXY;
                }
                _ if begins(word, "extern_learn") => flags |= Flags::EXT_LEARNED,
                _ if begins(word, "protocol") => {
                    let value = words.value()?;
                    let invalid = || wrong(value, "\"protocol\" value is invalid\n");
                    protocol = Some(names::protocol_of(value).ok_or_else(invalid)?);
                }
                _ => {
                    let word = if word == "to" { words.value()? } else { word };
                    // iproute2 passes over this word, and wants another.
                    let word = if begins(word, "help") { words.value()? } else { word };
                    if address.is_some() {
                        return Err(garbage(word));
                    }
                    address = Some(inet::address(word, family)?);
                }
            }
        }
        let needs_device = !flags.contains(Flags::PROXY);
        let (Some(Some(address)), true) = (address, device.is_some() || !needs_device) else {
            return Err(Failure::exact("Device and destination are required arguments.", 255));
        };
        let lladdr = lladdr.filter(|text| *text != "null").map(inet::lladdr).transpose()?;
        Ok(Self { address, device, lladdr, state, nud, flags, protocol })
    }

    fn request(self, interface: u32, verb: Verb) -> Request {
        Request {
            lladdr: self.lladdr,
            state: self.state.unwrap_or(NudState::PERMANENT.0).into(),
            flags: self.flags,
            protocol: self.protocol,
            create: matches!(verb, Verb::Add | Verb::Replace),
            exclusive: verb == Verb::Add,
            replace: matches!(verb, Verb::Change | Verb::Replace),
            ..Request::new(interface, self.address)
        }
    }

    /// `use` and `managed` make lladdr and state void (NL-21): to say both is a mistake.
    fn is_all_used(&self) -> Result<(), Failure> {
        let flag = match self.flags {
            flags if flags.contains(Flags::MANAGED) => "managed",
            flags if flags.contains(Flags::USE) => "use",
            _ => return Ok(()),
        };
        let void = match (&self.lladdr, self.nud) {
            (Some(_), _) => "lladdr",
            (None, true) => "nud",
            (None, false) => return Ok(()),
        };
        let what = format_args!("`{flag}` resolves the address itself, and `{void}` would be without effect");
        Err(Failure::new(what, format_args!("leave one of the two out, or leave --strict out")))
    }
}

pub(crate) fn garbage(word: &str) -> Failure {
    Failure::exact(format!("Error: either \"to\" is duplicate, or \"{word}\" is a garbage."), 255)
}

/// A valid state without a link-layer address is refused *after* the entry was made (NL-20), which stays in
/// state NONE: so it is refused before.
fn would_leave_nothing_behind(context: &mut Context, request: &Request) -> anyhow::Result<()> {
    let resolves = request.flags.intersects(Flags::USE | Flags::MANAGED | Flags::PROXY);
    let state = NudState(u8::try_from(request.state).unwrap_or_default());
    if resolves || request.lladdr.is_some() || !state.is_valid() {
        return Ok(());
    }
    let interface = context.interfaces()?.iter().find(|interface| interface.index == request.interface);
    let has_addresses = interface.is_some_and(|interface| interface.lladdr.is_some());
    if !has_addresses {
        return Ok(());
    }
    match context.table()?.neighbour(request.interface, request.address, false) {
        Err(TableError::Refused(_)) => Err(Failure::exact("Error: No link layer address given.", 2).into()),
        Err(error) => Err(request_failed(error)),
        // What is there already does not become worse.
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
