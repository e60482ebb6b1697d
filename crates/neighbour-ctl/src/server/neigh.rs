//! `RTM_NEWNEIGH`, `RTM_DELNEIGH`, `RTM_GETNEIGH`: the checks in the kernel's order, with its texts
//! (NL-8 to NL-40).

use super::errno::{EAFNOSUPPORT, EINVAL, ENODEV, ENOENT};
use super::listing::Listing;
use super::policy::{Rule, Strictness, parse};
use super::trouble::Trouble;
use super::{Call, Host, device_of};
use crate::address::ip_of;
use crate::entry::Entry;
use crate::frames::HEADER;
use crate::message::{Attributes, DUMP_FILTERED, Head, RTM_NEWNEIGH, u16_at, u32_at, write};
use neighbour::{DeviceId, Engine, Family, Flags, LlAddr, NewNeigh, NudState, ProxyEntry, RequestError};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_MULTIPART, NLM_F_REPLACE};
use std::net::IpAddr;

const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NDA_IFINDEX: u16 = 8;
const NDA_MASTER: u16 = 9;
const NDA_PROTOCOL: u16 = 12;
const NDA_NH_ID: u16 = 13;
const NDA_FLAGS_EXT: u16 = 15;

const ADDRESS_MAX: usize = 32;
/// The bits of `NDA_FLAGS_EXT` that a request may set: MANAGED and EXT_VALIDATED.
const FLAGS_EXT_MASK: u32 = 0b101;

const RULES: [Rule; 18] = [
    Rule::Unspecified,
    Rule::Binary(ADDRESS_MAX),
    Rule::Binary(ADDRESS_MAX),
    Rule::AtLeast(16),
    Rule::U32,
    Rule::U16,
    Rule::U16,
    Rule::U32,
    Rule::U32,
    Rule::U32,
    Rule::Unspecified,
    Rule::Unspecified,
    Rule::U8,
    Rule::U32,
    Rule::Nested,
    Rule::Mask(FLAGS_EXT_MASK),
    Rule::Reject,
    Rule::Reject,
];

const LENIENT: Strictness = Strictness { shape: false, exact_from: NDA_NH_ID };
const STRICT: Strictness = Strictness { shape: true, exact_from: NDA_NH_ID };

/// The length of `struct ndmsg`.
const NDMSG: usize = 12;

/// `struct ndmsg` (NL-1).
#[derive(Clone, Copy)]
struct NdMsg {
    family: u8,
    padded: bool,
    interface: u32,
    state: u16,
    flags: u8,
    kind: u8,
}

impl NdMsg {
    fn read(payload: &[u8]) -> Option<(Self, &[u8])> {
        let (head, attributes) = payload.split_at_checked(NDMSG)?;
        let message = Self {
            family: *head.first()?,
            padded: head.get(1..4)? != [0; 3],
            interface: u32_at(head, 4)?,
            state: u16_at(head, 8)?,
            flags: *head.get(10)?,
            kind: *head.get(11)?,
        };
        Some((message, attributes))
    }

    fn is_proxy(&self) -> bool {
        self.flags & PROXY != 0
    }

    /// The device, if one is named (NL-10).
    fn device(&self, engine: &Engine) -> Result<Option<DeviceId>, Trouble> {
        match self.interface {
            0 => Ok(None),
            index => device_of(engine, index).map(Some).ok_or_else(|| Trouble::errno(ENODEV)),
        }
    }
}

const PROXY: u8 = Flags::PROXY.bits() as u8;

const fn key_len(family: Family) -> usize {
    match family {
        Family::Inet => 4,
        Family::Inet6 => 16,
    }
}

/// The key at the beginning of `NDA_DST`; what is longer is cut (NL-11).
fn key(family: Family, bytes: &[u8]) -> Option<IpAddr> {
    ip_of(bytes.get(..key_len(family))?)
}

/// RTM_NEWNEIGH (NL-8 to NL-24).
pub(super) fn add(call: &Call<'_, '_>, host: &mut impl Host) -> Result<Trouble, Trouble> {
    let (header, attributes) =
        NdMsg::read(call.payload).ok_or_else(|| Trouble::text(EINVAL, "Invalid header length"))?;
    let parsed = parse(attributes, HEADER + NDMSG, &RULES, LENIENT)?;
    let destination =
        parsed.get(NDA_DST).ok_or_else(|| Trouble::text(EINVAL, "Network address not specified"))?; // NL-9
    let device = header.device(host.engine())?;
    let lladdr = parsed.get(NDA_LLADDR);
    if let (Some(device), Some(lladdr)) = (device, lladdr) {
        let needed = host.engine().device_lladdr(device).unwrap_or_default().len();
        if lladdr.len() < needed {
            return Err(Trouble::text(EINVAL, "Invalid link address")); // NL-10
        }
    }
    let family = crate::family_of(header.family).ok_or_else(|| Trouble::errno(EAFNOSUPPORT))?;
    let address = key(family, destination).ok_or_else(|| Trouble::text(EINVAL, "Invalid network address"))?; // NL-11
    let extended = parsed.u32(NDA_FLAGS_EXT).unwrap_or_default();
    let flags = Flags::from_bits_retain(u32::from(header.flags) | extended << 8);
    let state = NudState(header.state as u8); // NL-18
    let protocol = parsed.u8(NDA_PROTOCOL).unwrap_or_default();
    let now = host.now();
    if header.is_proxy() {
        if flags.intersects(Flags::MANAGED | Flags::EXT_VALIDATED) {
            return Err(Trouble::text(EINVAL, "Invalid NTF_* flag combination")); // NL-12
        }
        let permanent = state.has(NudState::PERMANENT);
        let entry = ProxyEntry { address, device, flags, protocol, permanent };
        host.engine_mut().add_proxy(now, entry).map_err(|error| Trouble::errno(error.errno()))?;
        return Ok(parsed.warning);
    }
    let device = device.ok_or_else(|| Trouble::text(EINVAL, "Device not specified"))?; // NL-13
    let request = NewNeigh {
        device,
        address,
        lladdr: lladdr.and_then(LlAddr::new).filter(|lladdr| !lladdr.is_empty()),
        state,
        flags,
        protocol,
        create: call.flags & NLM_F_CREATE != 0,
        exclusive: call.flags & NLM_F_EXCL != 0,
        replace: call.flags & NLM_F_REPLACE != 0,
        port: call.head.port,
    };
    host.engine_mut().new_neigh(now, &request).map_err(|error| {
        let known = host.engine().neighbour(device, address).is_some();
        match error {
            RequestError::InvalidValidated if !known => Trouble::text(
                error.errno(),
                "Cannot create externally validated neighbor with an invalid state",
            ),
            error => of_engine(&error, family),
        }
    })?;
    Ok(parsed.warning)
}

/// The engine's refusals; the kernel has words for some of them.
fn of_engine(error: &RequestError, family: Family) -> Trouble {
    let errno = error.errno();
    match error {
        RequestError::NoFamily if family == Family::Inet6 => {
            Trouble::text(errno, "IPv6 is disabled on this device")
        }
        RequestError::InvalidLladdr => Trouble::text(errno, "Invalid link address"),
        RequestError::PermanentManaged => Trouble::text(errno, "Invalid NTF_* flag for permanent entry"),
        RequestError::InvalidValidated => {
            Trouble::text(errno, "Cannot mark neighbor as externally validated with an invalid state")
        }
        RequestError::NoLladdr => Trouble::text(errno, "No link layer address given"),
        RequestError::Dead => Trouble::text(errno, "Neighbor entry is now dead"),
        _ => Trouble::errno(errno),
    }
}

/// RTM_DELNEIGH (NL-25 to NL-29). Attributes are not checked, and of two the first counts.
pub(super) fn delete(call: &Call<'_, '_>, host: &mut impl Host) -> Result<Trouble, Trouble> {
    let (header, attributes) = NdMsg::read(call.payload).ok_or_else(|| Trouble::errno(EINVAL))?;
    let destination = Attributes::new(attributes).find(|attribute| attribute.kind == NDA_DST);
    let destination =
        destination.ok_or_else(|| Trouble::text(EINVAL, "Network address not specified"))?.value;
    let device = header.device(host.engine())?;
    let family = crate::family_of(header.family).ok_or_else(|| Trouble::errno(EAFNOSUPPORT))?;
    let address = key(family, destination).ok_or_else(|| Trouble::text(EINVAL, "Invalid network address"))?;
    let now = host.now();
    if header.is_proxy() {
        let result = host.engine_mut().del_proxy(now, address, device);
        return result.map(|()| Trouble::default()).map_err(|error| Trouble::errno(error.errno()));
    }
    let device = device.ok_or_else(|| Trouble::errno(EINVAL))?;
    let result = host.engine_mut().del_neigh(now, device, address, call.head.port);
    result.map(|()| Trouble::default()).map_err(|error| of_engine(&error, family))
}

/// RTM_GETNEIGH for one entry (NL-30 to NL-33).
pub(super) fn get(call: &mut Call<'_, '_>, host: &mut impl Host) -> Result<Trouble, Trouble> {
    let refuse = |text| Trouble::text(EINVAL, text);
    let (header, attributes) =
        NdMsg::read(call.payload).ok_or_else(|| refuse("Invalid header for neighbor get request"))?;
    if header.padded || header.state != 0 || header.kind != 0 {
        return Err(refuse("Invalid values in header for neighbor get request"));
    }
    if header.flags & !PROXY != 0 {
        return Err(refuse("Invalid flags in header for neighbor get request"));
    }
    if !header.is_proxy() && header.interface == 0 {
        return Err(refuse("No device specified"));
    }
    let parsed = parse(attributes, HEADER + NDMSG, &RULES, STRICT)?;
    let destination = parsed.get(NDA_DST);
    let missing = Trouble { missing: Some(NDA_DST.into()), ..Trouble::errno(EINVAL) };
    let destination = destination.ok_or(missing)?;
    let family = crate::family_of(header.family).ok_or_else(|| {
        Trouble::text(EAFNOSUPPORT, "Unsupported family in header for neighbor get request")
    })?;
    if destination.len() != key_len(family) {
        return Err(refuse("Invalid network address in neighbor get request"));
    }
    if parsed.kinds().any(|kind| kind != NDA_DST) {
        return Err(refuse("Unsupported attribute in neighbor get request"));
    }
    let address = key(family, destination).ok_or_else(|| Trouble::errno(EINVAL))?;
    let engine = host.engine();
    let device = header.device(engine).map_err(|_| Trouble::text(ENODEV, "Unknown device ifindex"))?;
    let entry = if header.is_proxy() {
        // PXY-2, PXY-3: an entry without a device is everybody's.
        let fits = |proxy: &&ProxyEntry| {
            proxy.address == address && (proxy.device.is_none() || proxy.device == device)
        };
        engine.proxies().find(fits).map(proxy_entry).ok_or("Proxy neighbour entry not found")
    } else {
        let found = device.and_then(|device| engine.neighbour(device, address));
        found.map(|info| Entry::from(&info)).ok_or("Neighbour entry not found")
    };
    let entry = entry.map_err(|text| Trouble::text(ENOENT, text))?;
    let head = Head { kind: RTM_NEWNEIGH, ..call.head };
    write(call.out, head, |message| entry.write(message));
    Ok(Trouble::default())
}

/// What a dump is to tell of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Wanted {
    interface: Option<u32>,
    /// `NDA_MASTER`; -1: without a master. No device here has one.
    master: Option<u32>,
}

impl Wanted {
    pub(super) fn admits(&self, entry: &Entry) -> bool {
        self.interface.is_none_or(|index| entry.interface == index)
            && self.master.is_none_or(|master| master == u32::MAX)
    }

    fn is_filter(&self) -> bool {
        self.interface.is_some() || self.master.is_some()
    }
}

/// RTM_GETNEIGH for all (NL-34 to NL-39): what is to be told, if the request is in order.
pub(super) fn dump(call: &Call<'_, '_>) -> Result<Listing, Trouble> {
    let (wanted, warning) = match filter(call.payload, call.options.strict) {
        Ok(both) => both,
        Err(trouble) if call.options.strict => return Err(trouble),
        // NL-36: what is wrong is passed over, and told in the end.
        Err(trouble) => (Wanted::default(), Trouble { errno: 0, ..trouble }),
    };
    let family = call.payload.first().copied().unwrap_or_default();
    let families = Family::BOTH.into_iter().filter(|f| family == 0 || crate::family_of(family) == Some(*f));
    let proxies = NdMsg::read(call.payload).is_some_and(|(header, _)| header.flags == PROXY); // NL-34
    let filtered = if wanted.is_filter() { DUMP_FILTERED } else { 0 }; // NL-37
    let head = Head { kind: RTM_NEWNEIGH, flags: NLM_F_MULTIPART | filtered, ..call.head };
    let (options, families) = (*call.options, families.collect());
    Ok(Listing { head, options, wanted, warning, proxies, families, place: 0 })
}

/// The filter and a warning.
fn filter(payload: &[u8], strict: bool) -> Result<(Wanted, Trouble), Trouble> {
    let refuse = |text| Trouble::text(EINVAL, text);
    let strictness = if strict { STRICT } else { LENIENT };
    let (header, attributes) = NdMsg::read(payload).ok_or_else(|| {
        refuse(if strict { "Invalid header for neighbor dump request" } else { "Invalid header length" })
    })?;
    if strict {
        if header.padded || header.interface != 0 || header.state != 0 || header.kind != 0 {
            return Err(refuse("Invalid values in header for neighbor dump request"));
        }
        if header.flags & !PROXY != 0 {
            return Err(refuse("Invalid flags in header for neighbor dump request"));
        }
    }
    let parsed = parse(attributes, HEADER + NDMSG, &RULES, strictness)?;
    let known = |kind| matches!(kind, NDA_IFINDEX | NDA_MASTER);
    if strict && !parsed.kinds().all(known) {
        return Err(refuse("Unsupported attribute in neighbor dump request"));
    }
    let number = |kind| parsed.u32(kind).filter(|number| *number != 0);
    let wanted = Wanted { interface: number(NDA_IFINDEX), master: number(NDA_MASTER) };
    Ok((wanted, parsed.warning))
}

/// As the kernel tells of a proxy entry: without state, address, times and probes (PXY-10).
pub(super) fn proxy_entry(proxy: &ProxyEntry) -> Entry {
    Entry {
        interface: proxy.device.map_or(0, DeviceId::index),
        address: proxy.address,
        state: NudState::NONE,
        flags: proxy.flags | Flags::PROXY,
        kind: neighbour::RouteType::Unicast as u8,
        lladdr: None,
        cache: None,
        probes: None,
        protocol: proxy.protocol,
    }
}
